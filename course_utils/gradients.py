"""Backward passes, written by hand: how a change of each input changes the loss.

`d_x` names the gradient of the loss with respect to `x`, and has the shape of `x`.
Every backward function takes the gradient of an output first, then what the forward
function took, and returns the gradients of its inputs in the same order. `split_heads`
and `merge_heads` only move numbers: each is the backward pass of the other.
"""

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.softmax import log_softmax
from course_utils.validation import (
    as_array,
    as_float,
    as_floats,
    check_axes,
    check_axis,
    check_flag,
    check_integer,
    check_positive,
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
    mask_shape = _floating_mask_shape(attn_mask) if return_mask_gradient else None
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    key_shape, value_shape = key.shape, value.shape
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key, value = (np.repeat(x, groups, axis=-3) for x in (key, value))

    d_weights = d_output @ value.swapaxes(-1, -2)
    d_scores = weights * (d_weights - (d_output * output).sum(-1, keepdims=True))
    d_mask = [] if mask_shape is None else [_sum_to_shape(d_scores, mask_shape)]
    if softcap is not None:
        scores = (query * scale) @ key.swapaxes(-1, -2)
        d_scores *= 1 - np.tanh(scores / softcap) ** 2
    d_query = _sum_to_shape((d_scores @ key) * scale, query.shape)
    d_key = d_scores.swapaxes(-1, -2) @ (query * scale)
    d_value = weights.swapaxes(-1, -2) @ d_output
    if enable_gqa:
        d_key, d_value = _sum_groups(d_key, groups), _sum_groups(d_value, groups)
    d_key, d_value = (
        _sum_to_shape(d_key, key_shape),
        _sum_to_shape(d_value, value_shape),
    )
    gradients = (d_query, d_key, d_value, *d_mask)
    return tuple(gradient.astype(dtype, copy=False) for gradient in gradients)


def linear_backward(
    d_output: ArrayLike, x: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Send a gradient back through a linear layer, x @ weight + bias.

    d_x = d_output Wᵀ; d_weight = xᵀ d_output and d_bias = Σ d_output, summed over all
    leading axes, because every position shares one weight and one bias.

    - `d_output`: the gradient of the output, shape (..., d_out).
    - `x`: the input, shape (..., d_in), with the leading axes of `d_output`.
    - `weight`: shape (d_in, d_out).

    Returns (d_x, d_weight, d_bias) of shapes (..., d_in), (d_in, d_out) and (d_out,),
    in the common dtype of the three (float64 for integers). A layer without a bias has
    no use for the last.

    Raises TypeError if an array is not real, and ValueError if shapes do not fit.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", 1986, equations 6 and 7.

    >>> d_x, d_weight, d_bias = linear_backward([[1]], x=[[2, 3]], weight=[[4], [5]])
    >>> print(d_x, d_weight.ravel(), d_bias)
    [[4. 5.]] [2. 3.] [1.]
    """
    (d_output, x, weight), dtype = as_floats(d_output=d_output, x=x, weight=weight)
    check_axes("weight", weight, "(d_in, d_out)")
    check_axes("x", x, "(..., d_in)")
    d_in, d_out = weight.shape
    check_shape(
        "x", x, (*x.shape[:-1], d_in), f"whose last axis is weight's d_in {d_in}"
    )
    why = "the leading axes of x and weight's d_out"
    check_shape("d_output", d_output, (*x.shape[:-1], d_out), why)
    n = prod(x.shape[:-1])
    x, rows = x.reshape(n, d_in), d_output.reshape(n, d_out)
    gradients = (d_output @ weight.T, x.T @ rows, rows.sum(axis=0))
    return tuple(gradient.astype(dtype, copy=False) for gradient in gradients)


def embedding_backward(
    d_output: ArrayLike, tokens: ArrayLike, num_embeddings: int
) -> Floats:
    """Send a gradient back through a table of embeddings, table[tokens].

    Every row of the table gets the sum of the gradients of the places that used it.

    - `d_output`: the gradient of what was looked up, shape (..., d).
    - `tokens`: integers from 0 to num_embeddings − 1, of the leading shape (...).
    - `num_embeddings`: how many rows the table has.

    Returns d_table, shape (num_embeddings, d), in the dtype of `d_output` (float64 for
    integers).

    Raises TypeError if `d_output` is not real, or `tokens` or `num_embeddings` no
    integers, and ValueError if a token is out of range or shapes do not fit.

    >>> embedding_backward([[1.0], [2.0], [4.0]], tokens=[0, 2, 0], num_embeddings=3)
    array([[5.],
           [0.],
           [2.]])
    """
    (d_output,), dtype = as_floats(d_output=d_output)
    num_embeddings = check_integer("num_embeddings", num_embeddings, least=1)
    tokens = as_indices("tokens", tokens, 0, num_embeddings)
    check_axes("d_output", d_output, "(..., d)")
    shape = (*tokens.shape, d_output.shape[-1])
    check_shape("d_output", d_output, shape, "the shape of tokens and one more axis")
    d_table = np.zeros((num_embeddings, shape[-1]), d_output.dtype)
    # Sorted by token, each row of the table is one sum over neighbours. np.add.at
    # adds place by place, and is some five times slower.
    order = np.argsort(tokens, axis=None, kind="stable")
    used, starts = np.unique(tokens.ravel()[order], return_index=True)
    rows = d_output.reshape(tokens.size, shape[-1])[order]
    d_table[used] = np.add.reduceat(rows, starts, axis=0)
    return d_table.astype(dtype, copy=False)


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Floats]:
    """Measure in nats how surprised a prediction is, and how to make it less so.

    The loss is the mean of −log softmax(logits)[target] over the positions that have a
    target; its gradient is (softmax(logits) − one-hot(target)) / count.

    - `logits`: scores before softmax, shape (..., num_classes).
    - `targets`: integers of shape (...), from 0 to num_classes − 1. −1 marks a position
      that has no answer: it does not count, and gets a gradient of 0.

    Returns (loss, d_logits): a float, which is ln(num_classes) if all classes look
    alike, and an array of the shape and dtype of `logits` (float64 for integers).

    Raises TypeError if `logits` is not real or `targets` no integers, and ValueError if
    a target is out of range, the shapes do not fit, or no position counts.

    Source: Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", 1990.

    >>> loss, d_logits = cross_entropy([[0.0, 0.0], [5.0, 0.0]], targets=[1, -1])
    >>> round(loss, 3), d_logits
    (0.693, array([[ 0.5, -0.5],
           [ 0. ,  0. ]]))
    """
    (logits,), dtype = as_floats(logits=logits)
    check_axes("logits", logits, "(..., num_classes)")
    targets = as_indices("targets", targets, -1, logits.shape[-1])
    why = "the shape of logits without its last axis"
    check_shape("targets", targets, logits.shape[:-1], why)
    counted = np.flatnonzero(targets >= 0)
    if len(counted) == 0:
        raise ValueError("targets needs at least one target of 0 or more; it has none")
    log_probabilities = log_softmax(logits.reshape(-1, logits.shape[-1])[counted])
    chosen = (np.arange(len(counted)), targets.ravel()[counted])
    loss = -float(log_probabilities[chosen].mean())
    difference = np.exp(log_probabilities)
    difference[chosen] -= 1
    d_logits = np.zeros((targets.size, logits.shape[-1]), logits.dtype)
    d_logits[counted] = difference / len(counted)
    return loss, d_logits.reshape(logits.shape).astype(dtype, copy=False)


def gradient_check(
    function: Callable[..., ArrayLike],
    backward: Callable[..., Floats | tuple[Floats, ...]],
    *inputs: ArrayLike,
    step: float = 1e-5,
) -> tuple[float, ...]:
    """Compare a backward pass with slopes measured by moving each input a little.

    A random d_output (the same in every call) turns the output into the one number
    f(x) = Σ d_output ∘ function(x). Its slope in each number of each input is measured
    as (f(x + h) − f(x − h)) / 2h, in float64.

    - `function`: takes the inputs and returns one array or number.
    - `backward`: takes d_output and then the inputs, and returns one gradient for each
      input, as a tuple if there are several.
    - `inputs`: one or more arrays; they become float64.
    - `step`: h, above 0. Its error shrinks with h², that of rounding grows as 1/h.

    Returns for each input the largest difference between gradient and slope, divided by
    the largest slope if that is above 1. A right gradient of a smooth function comes
    out below 1e-8; a wrong one seldom below 1e-2. `function` is called twice for every
    number of every input, so keep these small.

    Raises TypeError if an input is not real or `step` no number, and ValueError if
    there is no input, `step` is not above 0, or `backward` returns another number of
    gradients, or a gradient of another shape, than the inputs have.

    Source: Nocedal and Wright, "Numerical optimization", 2006, section 8.1.

    >>> def square(x):
    ...     return x * x
    >>> def square_backward(d_output, x):
    ...     return 2 * x * d_output
    >>> def wrong_backward(d_output, x):
    ...     return x * d_output
    >>> [max(gradient_check(square, b, [1.0, 2.0])) < 1e-8
    ...  for b in (square_backward, wrong_backward)]
    [True, False]
    """
    if not inputs:
        raise ValueError("inputs needs at least one array; there are none")
    step = check_positive("step", step)
    arrays = [
        as_float(f"inputs[{i}]", x).astype(np.float64) for i, x in enumerate(inputs)
    ]
    output = as_float("the output of function", function(*arrays))
    d_output = np.random.default_rng(0).standard_normal(output.shape)
    gradients = backward(d_output, *arrays)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    if len(gradients) != len(arrays):
        raise ValueError(
            f"backward needs to return one gradient for each of the {len(arrays)} "
            f"inputs; it returned {len(gradients)}"
        )
    errors = []
    for i, (x, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        gradient = as_float(f"gradient {i} of backward", gradient)
        check_shape(f"gradient {i} of backward", gradient, x.shape, "the input's shape")
        slopes = np.empty_like(x)
        for place in np.ndindex(x.shape):
            high, low = x.copy(), x.copy()
            high[place] += step
            low[place] -= step
            # Subtracting before summing loses fewer digits than after.
            rise = np.subtract(
                function(*arrays[:i], high, *arrays[i + 1 :]),
                function(*arrays[:i], low, *arrays[i + 1 :]),
            )
            slopes[place] = (d_output * rise).sum() / (high[place] - low[place])
        largest = np.abs(slopes).max(initial=1.0)
        errors.append(float(np.abs(gradient - slopes).max(initial=0.0) / largest))
    return tuple(errors)


def as_indices(name: str, x: ArrayLike, least: int, end: int) -> NDArray[np.integer]:
    """Return `x` as an array of integers from `least` to `end` − 1.

    >>> as_indices("tokens", [0, 5], 0, 5)
    Traceback (most recent call last):
    ValueError: tokens needs integers from 0 to 4; it has 5
    """
    array = as_array(name, x)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} needs integers; its dtype is {array.dtype}")
    wrong = (array < least) | (array >= end)
    if wrong.any():
        raise ValueError(
            f"{name} needs integers from {least} to {end - 1}; it has {array[wrong][0]}"
        )
    return array


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
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    stretched = tuple(
        i for i, size in enumerate(shape) if size == 1 and x.shape[i] != 1
    )
    return x.sum(axis=stretched, keepdims=True)


def _sum_groups(x: Floats, groups: int) -> Floats:
    """Sum over the heads that share one: (..., h_q, n, d) -> (..., h_kv, n, d)."""
    *leading, heads, n, d = x.shape
    return x.reshape(*leading, heads // groups, groups, n, d).sum(axis=-3)
