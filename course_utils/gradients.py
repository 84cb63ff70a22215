"""Backward passes, written by hand: how a change of each input changes the loss.

`d_x` names the gradient of the loss with respect to `x`, and has the shape of `x`.
Every backward function takes the gradient of an output first, then what the forward
function took (softmax: what it returned), and returns the gradients of its inputs in
the same order. `split_heads` and `merge_heads` only move numbers: each is the backward
pass of the other.
"""

from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.layers import embedding_backward, linear_backward
from course_utils.multi_head import (
    check_heads,
    check_mask_axes,
    check_projections,
    merge_heads,
    project,
    split_heads,
)
from course_utils.positions import relative_position_bias, rotary_embedding
from course_utils.validation import (
    as_float,
    as_floats,
    check_axes,
    check_axis,
    check_flag,
    check_shape,
)

Floats = NDArray[np.floating]


def softmax_backward(
    d_weights: ArrayLike, weights: ArrayLike, axis: int = -1
) -> Floats:
    """Send a gradient back through softmax: from its weights to its scores.

    With w = softmax(s), ∂wᵢ/∂sⱼ = wᵢ(δᵢⱼ − wⱼ), so d_s = w ∘ (d_w − Σⱼ d_wⱼ wⱼ) without
    ever building that matrix. It serves `masked_softmax` too: where a weight is 0, the
    score gets no gradient. For a temperature T, divide the result by T.

    - `d_weights`: the gradient of the weights, any shape with at least one axis.
    - `weights`: what softmax returned, of the same shape.
    - `axis`: the axis along which the weights sum to 1.

    Returns d_scores, of the shape of `weights`, in the common dtype of the two (float64
    for integers). Along `axis` it sums to 0: a shift of all scores changes nothing.

    Raises TypeError if an array is not real or `axis` no integer, and ValueError if the
    shapes differ or `axis` is not one of theirs.

    Source: Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", 1990.

    >>> softmax_backward([1.0, 0.0], weights=[0.5, 0.5])
    array([ 0.25, -0.25])
    >>> softmax_backward([1.0, 0.0], weights=[0.999, 0.001]).round(3)  # saturated
    array([ 0.001, -0.001])
    """
    (d_weights, weights), dtype = as_floats(d_weights=d_weights, weights=weights)
    check_shape("d_weights", d_weights, weights.shape, "the shape of weights")
    axis = check_axis(axis, weights)
    mean = (d_weights * weights).sum(axis=axis, keepdims=True)
    return (weights * (d_weights - mean)).astype(dtype, copy=False)


def scaled_dot_product_attention_backward(
    d_output: ArrayLike,
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
    enable_gqa: bool = False,
    return_mask_gradient: bool = False,
) -> tuple[Floats, ...]:
    """Send a gradient back through `scaled_dot_product_attention`.

    With the scores S = QKᵀ·scale, the weights P = softmax(S) and the output O = PV:

        dV = Pᵀ dO               dS = P ∘ (dP − rowsum(dO ∘ O))
        dP = dO Vᵀ               dQ = dS K · scale        dK = dSᵀ Q · scale

    rowsum(dO ∘ O) equals softmax's own rowsum(dP ∘ P), and is cheaper. The weights are
    computed again rather than kept.

    - `d_output`: the gradient of the output, shape (..., n_q, d_v).
    - `query`, `key`, `value`, `attn_mask`, `is_causal`, `scale`, `softcap`,
      `enable_gqa`: as they were in `scaled_dot_product_attention`.
    - `return_mask_gradient`: whether to return d_attn_mask too, for a floating mask
      that is learnt, such as a bias by relative position.

    Returns (d_query, d_key, d_value), or these and d_attn_mask, each of the shape of
    its input: where an input was broadcast or shared by a group of heads, its gradient
    is the sum over the copies. Where nothing could be seen it is 0. The dtype is the
    common one of `d_output`, query, key and value (float64 for integers; float16 is
    computed in float32).

    Raises TypeError and ValueError as `scaled_dot_product_attention` does, and
    ValueError if `d_output` has not the shape of the output or the gradient of a mask
    is wanted that is not floating.

    Source: Dao et al., "FlashAttention", 2022, appendix B.2.

    >>> query, key = np.array([[1.0]]), np.array([[1.0], [-1.0]])
    >>> value = np.array([[10.0], [20.0]])
    >>> d_query, d_key, d_value = scaled_dot_product_attention_backward(
    ...     [[1.0]], query, key, value
    ... )
    >>> d_value.round(2).ravel()  # the weights: what each value adds to the output
    array([0.88, 0.12])
    >>> d_key.round(2).ravel()  # the second value is higher: weight should move there
    array([-1.05,  1.05])
    >>> d_query.round(2)  # away from the first key
    array([[-2.1]])
    """
    (d_output, query, key, value), dtype = as_floats(
        d_output=d_output, query=query, key=key, value=value
    )
    check_flag("return_mask_gradient", return_mask_gradient)
    output, weights = scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask,
        is_causal=is_causal,
        scale=scale,
        softcap=softcap,
        enable_gqa=enable_gqa,
        return_weights=True,
    )
    check_shape("d_output", d_output, output.shape, "the shape of the output")
    if return_mask_gradient:
        mask_shape = _floating_mask_shape(attn_mask)
    groups = query.shape[-3] // key.shape[-3] if enable_gqa else 1
    *gradients, d_scores = _attention_backward(
        d_output,
        output,
        weights,
        query,
        key,
        value,
        groups=groups,
        scale=scale,
        softcap=softcap,
    )
    if return_mask_gradient:
        gradients.append(_sum_to_shape(d_scores, mask_shape))
    return tuple(gradient.astype(dtype, copy=False) for gradient in gradients)


def multi_head_attention_backward(
    d_output: ArrayLike,
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    w_query: ArrayLike,
    w_key: ArrayLike,
    w_value: ArrayLike,
    w_out: ArrayLike,
    *,
    num_heads: int,
    num_kv_heads: int | None = None,
    b_query: ArrayLike | None = None,
    b_key: ArrayLike | None = None,
    b_value: ArrayLike | None = None,
    b_out: ArrayLike | None = None,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
) -> dict[str, Floats]:
    """Send a gradient back through `multi_head_attention`.

    The way back is the way there in reverse: through w_out, apart into heads, through
    the attention of each, together again, and through w_query, w_key and w_value. A
    sequence that attends to itself is query, key and value at once: the gradients of
    the three add up.

    - `d_output`: the gradient of the output, shape (..., n_q, d_out).
    - the others: as they were in `multi_head_attention`.

    Returns a dictionary from the name of each array ("query" … "w_out", those biases
    that are given, and "attn_mask" if it is floating) to its gradient, of the shape of
    the array, in the common dtype of all but the mask (float64 for integers; float16 is
    computed in float32).

    Raises TypeError and ValueError as `multi_head_attention` does, and ValueError if
    `d_output` has not the shape of the output.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2, by the
    chain rule.

    >>> x, same = np.eye(3, 4), np.eye(4)
    >>> gradients = multi_head_attention_backward(
    ...     np.ones((3, 4)), x, x, x, same, same, same, same, num_heads=2
    ... )
    >>> list(gradients)
    ['query', 'key', 'value', 'w_query', 'w_key', 'w_value', 'w_out']
    >>> d_x = gradients["query"] + gradients["key"] + gradients["value"]
    >>> d_x.shape
    (3, 4)
    """
    num_heads, num_kv_heads = check_heads(num_heads, num_kv_heads)
    inputs = {"query": query, "key": key, "value": value}
    matrices = {"w_query": w_query, "w_key": w_key, "w_value": w_value, "w_out": w_out}
    biases = {"b_query": b_query, "b_key": b_key, "b_value": b_value, "b_out": b_out}
    given = {name: b for name, b in biases.items() if b is not None}
    (d_output, *floats), dtype = as_floats(
        d_output=d_output, **inputs, **matrices, **given
    )
    arrays = dict(zip([*inputs, *matrices, *given], floats, strict=True))
    check_projections(arrays, num_heads, num_kv_heads)
    kv = num_kv_heads
    heads = {
        name: split_heads(project(arrays, name, arrays[name]), count)
        for name, count in {"query": num_heads, "key": kv, "value": kv}.items()
    }
    if attn_mask is not None:
        check_mask_axes(attn_mask, max(x.ndim for x in heads.values()))
    attended, weights = scaled_dot_product_attention(
        **heads,
        attn_mask=attn_mask,
        is_causal=is_causal,
        enable_gqa=True,
        return_weights=True,
    )

    d = {}
    d_merged, d["w_out"], d["b_out"] = linear_backward(
        d_output, merge_heads(attended), arrays["w_out"]
    )
    d_attended = split_heads(d_merged, num_heads)
    groups = num_heads // num_kv_heads
    *d_heads, d_scores = _attention_backward(
        d_attended, attended, weights, **heads, groups=groups
    )
    for name, d_projected in zip(inputs, d_heads, strict=True):
        d[name], d[f"w_{name}"], d[f"b_{name}"] = linear_backward(
            merge_heads(d_projected), arrays[name], arrays[f"w_{name}"]
        )
    names = list(arrays)
    if np.asarray(attn_mask).dtype.kind == "f":
        names.append("attn_mask")
        d["attn_mask"] = _sum_to_shape(d_scores, np.shape(attn_mask))
    return {name: d[name].astype(dtype, copy=False) for name in names}


def rotary_embedding_backward(
    d_turned: ArrayLike, positions: ArrayLike, base: float = 10000.0
) -> Floats:
    """Send a gradient back through `rotary_embedding`: turn it the other way.

    A rotation R is orthogonal, so that its backward pass Rᵀ is its inverse.

    - `d_turned`: the gradient of the turned vectors, shape (..., n, d), d even.
    - `positions`, `base`: as they were in `rotary_embedding`.

    Returns d_x, of the shape and dtype of `d_turned` (float64 for integers).

    Raises TypeError and ValueError as `rotary_embedding` does, whose x is d_turned.

    Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding",
    2021, equation 34.

    >>> rotary_embedding_backward([[0.0, 1.0]], positions=[np.pi / 2]).round(3)
    array([[1., 0.]])
    """
    return rotary_embedding(d_turned, -as_float("positions", positions), base)


def relative_position_bias_backward(
    d_bias: ArrayLike, table: ArrayLike, offset: int = 0
) -> Floats:
    """Send a gradient back through `relative_position_bias`, to its table.

    Each distance gets the sum over all pairs of query and key that lie so far apart.

    - `d_bias`: the gradient of the bias, shape (..., n_q, n_k), such as d_attn_mask of
      `scaled_dot_product_attention_backward`.
    - `table`, `offset`: as they were in `relative_position_bias`.

    Returns d_table, of the shape of `table`, in the common dtype of the two (float64
    for integers).

    Raises TypeError if an array is not real or `offset` no integer, and ValueError if
    the last axis of `table` is even or its leading axes are not those of `d_bias`.

    Source: Raffel et al., "Exploring the limits of transfer learning" (T5), 2020,
    section 2.1.

    >>> relative_position_bias_backward(np.ones((3, 3)), table=[0.0, 0.0, 0.0])
    array([3., 3., 3.])
    """
    (d_bias, table), dtype = as_floats(d_bias=d_bias, table=table)
    check_axes("d_bias", d_bias, "(..., n_q, n_k)")
    check_axes("table", table, "(..., 2m + 1)")
    n_q, n_k = d_bias.shape[-2:]
    check_shape(
        "d_bias", d_bias, (*table.shape[:-1], n_q, n_k), "led by the axes of table"
    )
    # A table that holds its own indices says which entry each pair looks up.
    size = table.shape[-1]
    entries = relative_position_bias(np.arange(size), n_q, n_k, offset).astype(int)
    columns = d_bias.reshape(prod(table.shape[:-1]), n_q * n_k).T
    d_table = embedding_backward(columns, entries.ravel(), size).T
    return d_table.reshape(table.shape).astype(dtype, copy=False)


def _attention_backward(
    d_output: Floats,
    output: Floats,
    weights: Floats,
    query: Floats,
    key: Floats,
    value: Floats,
    *,
    groups: int = 1,
    scale: float | None = None,
    softcap: float | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return d_query, d_key, d_value and the gradient of the masked scores.

    The arrays are of one dtype; `groups` query heads share each key-value head.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else float(scale)
    keys, values = key, value
    if groups > 1:
        keys, values = (np.repeat(x, groups, axis=-3) for x in (key, value))
    # In place: fresh memory of n_q·n_k numbers costs more time than the arithmetic.
    d_masked = d_output @ values.swapaxes(-1, -2)
    d_masked -= (d_output * output).sum(axis=-1, keepdims=True)
    d_masked *= weights
    d_scores = d_masked
    if softcap is not None:
        scores = (query * scale) @ keys.swapaxes(-1, -2)
        d_scores = d_masked * (1 - np.tanh(scores / float(softcap)) ** 2)
    d_query = (d_scores @ keys) * scale
    d_key = d_scores.swapaxes(-1, -2) @ (query * scale)
    d_value = weights.swapaxes(-1, -2) @ d_output
    if groups > 1:
        d_key, d_value = _sum_groups(d_key, groups), _sum_groups(d_value, groups)
    return (
        _sum_to_shape(d_query, query.shape),
        _sum_to_shape(d_key, key.shape),
        _sum_to_shape(d_value, value.shape),
        d_masked,
    )


def _floating_mask_shape(attn_mask: ArrayLike | None) -> tuple[int, ...]:
    mask = np.asarray(attn_mask)
    if mask.dtype.kind != "f":
        came = "None" if attn_mask is None else f"of dtype {mask.dtype}"
        raise ValueError(
            f"attn_mask needs to be floating for return_mask_gradient; it is {came}"
        )
    return mask.shape


def _sum_to_shape(x: Floats, shape: tuple[int, ...]) -> Floats:
    """Sum over the axes along which an array of `shape` was broadcast to x's shape."""
    added = x.ndim - len(shape)
    stretched = tuple(
        axis
        for axis, size in enumerate(x.shape)
        if axis < added or shape[axis - added] != size
    )
    # NumPy takes long to sum over no axes.
    return x.sum(axis=stretched).reshape(shape) if stretched else x


def _sum_groups(x: Floats, groups: int) -> Floats:
    """Sum over the heads that share one: (..., h_q, n, d) -> (..., h_kv, n, d)."""
    *leading, heads, n, d = x.shape
    return x.reshape(*leading, heads // groups, groups, n, d).sum(axis=-3)
