"""Scaled dot-product attention: every query blends the values by how well keys match.

The conventions are those of `torch.nn.functional.scaled_dot_product_attention` and of
the ONNX operator `Attention`; where these two leave a gap, a row that may see nothing
gives zeros.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._alarms import no_false_alarm, underflow_is_zero
from course_utils._blocked import blocked_attention, blocked_attention_vjp
from course_utils.masks import causal_mask
from course_utils.softmax import softmax_vjp
from course_utils.validation import (
    Back,
    Floats,
    check_flag,
    check_positive,
    check_shape,
    read,
    read_mask,
    read_scale,
)


@underflow_is_zero
def attention_vjp(
    query: Floats, key: Floats, value: Floats, bias: Floats | float = 0.0
) -> tuple[Floats, Back]:
    """Attend, and send the gradient of the output back to query, key and value.

        S = QKᵀ/√d_k + bias      P = softmax(S)      O = PV

        dV = Pᵀ dO      dP = dO Vᵀ      dSᵢⱼ = Pᵢⱼ (dPᵢⱼ − Σₖ dPᵢₖ Pᵢₖ)

        dQ = dS K/√d_k      dK = dSᵀ Q/√d_k

    Q is `query` (..., n_q, d_k), K `key` (..., n_k, d_k), V `value` (..., n_k, d_v), P
    the weights and O the output (..., n_q, d_v). dO stands for d_output, the gradient
    of a loss with respect to O, and so on. `bias` has the shape of the scores S.

    Returns the output and `back`, which keeps the n_q·n_k weights, takes d_output and
    returns (d_query, d_key, d_value, d_scores). Nothing is checked:
    `scaled_dot_product_attention_vjp` does that.

    Source: Vaswani et al., "Attention is all you need", 2017, equation 1; Dao et al.,
    "FlashAttention", 2022, appendix B.2.

    >>> query, key, value = np.array([[1.0]]), np.array([[1.0], [-1.0]]), np.eye(2)
    >>> output, back = attention_vjp(query, key, value)
    >>> output.round(2)  # the first key matches
    array([[0.88, 0.12]])
    """
    scale = query.shape[-1] ** -0.5
    weights, softmax_back = softmax_vjp(query @ key.mT * scale + bias)

    @underflow_is_zero
    def back(d_output: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        (d_scores,) = softmax_back(d_output @ value.mT)
        d_query, d_key = d_scores @ key * scale, d_scores.mT @ query * scale
        return d_query, d_key, weights.mT @ d_output, d_scores

    return weights @ value, back


@underflow_is_zero
def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
    enable_gqa: bool = False,
    return_weights: bool = False,
) -> Floats | tuple[Floats, Floats]:
    """Blend values by how well their keys match each query: softmax(QKᵀ/√d_k)V.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k).
    - `value`: shape (..., n_k, d_v). The leading axes of the three, often
      (batch, num_heads), broadcast together.
    - `attn_mask`: broadcasts to the scores, shape (..., n_q, n_k). Booleans: True = may
      attend. Floats are added to the scores, and −inf hides.
    - `is_causal`: whether query i sees the keys j ≤ i alone, on top of `attn_mask`.
      With a cache of earlier keys, pass `causal_mask(n_q, n_k, offset)` as `attn_mask`.
    - `scale`: what the scores are multiplied by; d_k ** -0.5 if None.
    - `softcap`: c > 0 keeps scores within ±c as c·tanh(score / c), after the scale and
      before the mask; None leaves them as they are.
    - `enable_gqa`: grouped heads. `query` has shape (..., h_q, n_q, d_k), `key` and
      `value` have h_kv heads, h_q is a multiple of h_kv, and query head i attends with
      key–value head i // (h_q / h_kv).
    - `return_weights`: whether to return the weights too, which takes memory n_q·n_k.

    Returns the output, shape (..., n_q, d_v), or the pair (output, weights) with
    weights of shape (..., n_q, n_k). A query that may see no key, or has none (n_k
    = 0), gets weights and output of 0. A value that is NaN or infinite may spoil every
    output, hidden or not, since a weight of 0 times it is NaN. The dtype is the common
    one of query, key and value: float32 and float64 are kept, float16 becomes float32,
    integers float64.

    Source: Vaswani et al., "Attention is all you need", 2017, equation 1; softcap as in
    Gemma Team, "Gemma 2", 2024, section 2; grouped heads as in Ainslie et al., "GQA",
    2023, section 2.2.

    >>> query = np.array([[1.0, 0.0]])
    >>> key = np.array([[9.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    >>> value = np.array([[10.0], [20.0], [30.0]])
    >>> output, weights = scaled_dot_product_attention(
    ...     query, key, value, return_weights=True
    ... )
    >>> weights.round(3)  # the first and the third key match
    array([[0.5  , 0.001, 0.5  ]])
    >>> output.round(3)  # so the output lies halfway between their values
    array([[20.]])
    >>> scaled_dot_product_attention(query, key, value, is_causal=True)
    array([[10.]])
    """
    x = _read(query, key, value, attn_mask, is_causal, scale, softcap, enable_gqa)
    if not check_flag("return_weights", return_weights):
        return _join_groups(blocked_attention(*x), enable_gqa)
    with no_false_alarm() as results:
        weights = _weights(x)
        output = weights @ x.value
        results += [weights, output]
    return _join_groups(output, enable_gqa), _join_groups(weights, enable_gqa)


@underflow_is_zero
def scaled_dot_product_attention_vjp(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Floats, Back]:
    """Attend as `scaled_dot_product_attention` does, and send a gradient back.

    Takes what `scaled_dot_product_attention` takes. Returns the output and `back`,
    which keeps the n_q·n_k weights of every head, takes d_output, (..., n_q, d_v), and
    returns (d_query, d_key, d_value), and d_attn_mask as a fourth if the mask is
    floating, such as a bias that is learnt. Each has the shape of its input: where an
    input was broadcast, or shared by a group of heads, its gradient is the sum over the
    copies. Where nothing could be seen it is 0.

    >>> query, key = np.array([[1.0]]), np.array([[1.0], [-1.0]])
    >>> value = np.array([[10.0], [20.0]])
    >>> output, back = scaled_dot_product_attention_vjp(query, key, value)
    >>> d_query, d_key, d_value = back(np.array([[1.0]]))
    >>> d_value.round(2).ravel()  # the weights: what each value adds to the output
    array([0.88, 0.12])
    >>> d_key.round(2).ravel()  # the second value is higher: weight should move there
    array([-1.05,  1.05])
    """
    x = _read(query, key, value, attn_mask, is_causal, scale, softcap, enable_gqa)
    learns_bias = x.mask is not None and x.mask.dtype != np.bool_
    output, blocked_back = blocked_attention_vjp(*x[:3], _bias(x), x.scale, x.softcap)
    attended = _join_groups(output, enable_gqa)

    @underflow_is_zero
    def back(d_output: Floats) -> tuple[Floats, ...]:
        check_shape("d_output", d_output, attended.shape)
        d_inputs = blocked_back(d_output.reshape(output.shape), learns_bias)
        gradients = [
            sum_to_shape(d, part.shape).reshape(np.shape(came))
            for d, part, came in zip(d_inputs, x[:3], (query, key, value), strict=False)
        ]
        if learns_bias:
            d_scores = _join_groups(d_inputs[3], enable_gqa)
            gradients.append(sum_to_shape(d_scores, np.shape(attn_mask)))
        return tuple(gradients)

    return attended, back


# The axes of query, key and value, as `read` checks them.
PLAIN = "... n_q d_k, ... n_k d_k, ... n_k d_v"
GROUPED = "... h_q n_q d_k, ... h_kv n_k d_k, ... h_kv n_k d_v"


class _Arguments(NamedTuple):
    """What `scaled_dot_product_attention` was given, once it is seen to fit.

    The arrays are of one dtype; heads that share a key and value are an axis of their
    own, (..., h_kv, h_q / h_kv, n, d). The mask is of booleans or of that dtype.
    """

    query: Floats
    key: Floats
    value: Floats
    mask: NDArray | None
    is_causal: bool
    scale: float
    softcap: float | None


def _read(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None,
    is_causal: bool,
    scale: float | None,
    softcap: float | None,
    enable_gqa: bool,
) -> _Arguments:
    """Return what came, once it is seen to fit, with the heads in groups."""
    is_grouped = check_flag("enable_gqa", enable_gqa)
    pattern = GROUPED if is_grouped else PLAIN
    query, key, value = read(pattern, query=query, key=key, value=value)
    scale = read_scale(scale, query)
    if softcap is not None:
        softcap = check_positive("softcap", softcap, query.dtype)
    last = 3 if is_grouped else 2
    leading = np.broadcast_shapes(*(x.shape[:-last] for x in (query, key, value)))
    shape = (*leading, *query.shape[-last:-1], key.shape[-2])
    mask = None if attn_mask is None else read_mask(attn_mask, shape, query.dtype)
    if is_grouped:
        query, key, value, mask = _group(query, key, value, mask, shape)
    return _Arguments(
        query, key, value, mask, check_flag("is_causal", is_causal), scale, softcap
    )


def _group(
    query: Floats, key: Floats, value: Floats, mask: NDArray | None, shape: tuple
) -> tuple[Floats, Floats, Floats, NDArray | None]:
    """Give the heads that share a key and value an axis of their own."""
    heads = key.shape[-3]
    if heads == 0 or query.shape[-3] % heads:
        raise ValueError(
            f"`query` must have a multiple of the {heads} heads of `key` when "
            f"enable_gqa is True; got {query.shape[-3]} (shape {query.shape})"
        )
    if mask is not None and mask.ndim > 2:
        spread = np.broadcast_to(mask, (*mask.shape[:-3], *shape[-3:]))
        mask = _split_groups(spread, heads)
    query = _split_groups(query, heads)
    return query, np.expand_dims(key, -3), np.expand_dims(value, -3), mask


def _weights(x: _Arguments) -> Floats:
    """Return the softmax of the scaled, capped and masked scores, (..., n_q, n_k)."""
    scores = (x.query * x.scale) @ x.key.mT
    if x.softcap is not None:
        scores = x.softcap * np.tanh(scores / x.softcap)
    if x.is_causal:
        scores = np.where(causal_mask(*scores.shape[-2:]), scores, -np.inf)
    if x.mask is not None and x.mask.dtype == np.bool_:
        scores = np.where(x.mask, scores, -np.inf)
    with np.errstate(over="ignore"):
        if x.mask is not None and x.mask.dtype != np.bool_:
            scores = scores + x.mask
        return softmax_vjp(scores)[0]


def _bias(x: _Arguments) -> Floats | None:
    """Return what to add to the scores: −inf where a query may not look."""
    bias = None
    if x.mask is not None and x.mask.dtype == np.bool_:
        bias = np.where(x.mask, x.query.dtype.type(0), -np.inf)
    elif x.mask is not None:
        bias = x.mask
    if x.is_causal:
        visible = causal_mask(x.query.shape[-2], x.key.shape[-2])
        bias = np.where(
            visible, x.query.dtype.type(0) if bias is None else bias, -np.inf
        )
    return bias


def sum_to_shape(x: Floats, shape: tuple[int, ...]) -> Floats:
    """Sum over the axes along which an array of `shape` was broadcast to x's shape."""
    added = x.ndim - len(shape)
    stretched = [
        i + added for i, size in enumerate(shape) if size != x.shape[i + added]
    ]
    # NumPy takes long to sum over no axes.
    axes = (*range(added), *stretched)
    return x.sum(axis=axes, keepdims=True).reshape(shape) if axes else x


def _split_groups(x: NDArray, h_kv: int) -> NDArray:
    """Split the heads: (..., h_q, n, m) -> (..., h_kv, h_q / h_kv, n, m), as a view."""
    *leading, h_q, n, m = x.shape
    return x.reshape(*leading, h_kv, h_q // h_kv, n, m)


def _join_groups(x: Floats, is_grouped: bool) -> Floats:
    """Undo `_split_groups`, where heads were split."""
    if not is_grouped:
        return x
    *leading, h_kv, groups, n, m = x.shape
    return x.reshape(*leading, h_kv * groups, n, m)
