"""From scores to weights: softmax, its limits, and how spread out weights are.

A function whose name ends in `_vjp` (vector–Jacobian product) returns its output and
`back`. `back` takes d_output, the gradient of a loss with respect to that output, and
returns the gradients with respect to the inputs: lesson 10 derives them.
"""

import numpy as np
from numpy.typing import ArrayLike

from course_utils._alarms import underflow_is_zero
from course_utils.validation import (
    Back,
    Floats,
    as_boolean,
    check_broadcasts_to,
    check_positive,
    read_along,
)


@underflow_is_zero
def softmax_vjp(scores: Floats) -> tuple[Floats, Back]:
    """Turn scores into weights along the last axis; send their gradient back to them.

        weightᵢ = exp(sᵢ) / Σⱼ exp(sⱼ)            d_sᵢ = wᵢ (d_wᵢ − Σⱼ d_wⱼ wⱼ)

    The maximum is subtracted first: it changes no weight, and keeps exp from
    overflowing. A row that is −inf throughout gets weights of 0.

    Returns the weights w and `back`, which takes their gradient d_w and returns the one
    of the scores s, as a tuple (d_scores,). Nothing is checked: `softmax` does that.

    Source: Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", 1990.

    >>> weights, back = softmax_vjp(np.array([0.0, 0.0]))
    >>> weights, back(np.array([1.0, 0.0]))
    (array([0.5, 0.5]), (array([ 0.25, -0.25]),))
    """
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total == 0, 1, total)

    @underflow_is_zero
    def back(d_weights: Floats) -> tuple[Floats]:
        mean = np.vecdot(d_weights, weights)[..., None]
        return (weights * (d_weights - mean),)

    return weights, back


@underflow_is_zero
def softmax(x: ArrayLike, axis: int = -1, temperature: float = 1.0) -> Floats:
    """Turn scores into weights that are positive and sum to 1 along an axis.

    softmax(x)ᵢ = exp(xᵢ / T) / Σⱼ exp(xⱼ / T). A low temperature T sharpens the weights
    towards `hard_attention`, a high one flattens them towards 1/n. A row that is −inf
    throughout has nothing to attend to and gets weights of 0; NaN stays NaN.

    - `x`: scores, any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.
    - `temperature`: T, above 0, in the units of the scores.

    Returns weights between 0 and 1, of the shape and dtype of `x` (float64 for
    integers).

    Source: Bridle, "Probabilistic interpretation of feedforward classification
    network outputs", 1990; temperature as in Hinton, Vinyals and Dean, "Distilling
    the knowledge in a neural network", 2015, equation 1.

    >>> softmax([1000.0, 1000.0, 999.0]).round(3)
    array([0.422, 0.422, 0.155])
    >>> softmax([1000.0, 1000.0, 999.0], temperature=0.1).round(3)
    array([0.5, 0.5, 0. ])
    """
    x, axis = read_along(axis, x=x)
    temperature = check_positive("temperature", temperature, x.dtype)
    rows = np.moveaxis(x, axis, -1)
    # What is too large for its dtype is −inf, and its weight the 0 it should be.
    with np.errstate(over="ignore"):
        if temperature != 1:
            rows = _below_maximum(rows) / temperature
        weights, _ = softmax_vjp(rows)
    return np.moveaxis(weights, -1, axis)


@underflow_is_zero
def log_softmax(x: ArrayLike, axis: int = -1) -> Floats:
    """Return the logarithm of `softmax(x)`, exact even where the weight rounds to 0.

    log softmax(x)ᵢ = xᵢ − log Σⱼ exp(xⱼ).

    - `x`: scores, any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.

    Returns logarithms (in nats), at most 0, of the shape and dtype of `x` (float64 for
    integers). A row that is −inf throughout stays −inf.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> log_softmax([0.0, -2000.0])
    array([    0., -2000.])
    >>> softmax([0.0, -2000.0])  # its logarithm would be -inf
    array([1., 0.])
    """
    x, axis = read_along(axis, x=x)
    with np.errstate(over="ignore"):
        below = _below_maximum(np.moveaxis(x, axis, -1))
    total = np.exp(below).sum(axis=-1, keepdims=True)
    below -= np.log(np.where(total == 0, 1, total))
    return np.moveaxis(below, -1, axis)


def masked_softmax(scores: ArrayLike, mask: ArrayLike, axis: int = -1) -> Floats:
    """Turn scores into weights that are 0 wherever the mask is False.

    What is hidden takes no part: not in the maximum, not in the sum, whatever its
    score. A row that is hidden throughout gets weights of 0, never NaN.

    - `scores`: any shape with at least one axis.
    - `mask`: booleans that broadcast to the shape of `scores`; True = may attend.
    - `axis`: the axis along which the weights sum to 1.

    Returns weights of the shape and dtype of `scores` (float64 for integers).

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.3, where
    hidden scores are set to −inf.

    >>> mask = [[True, True, False], [False, False, False]]
    >>> masked_softmax([[1.0, 1.0, 9.0], [1.0, 1.0, 9.0]], mask)
    array([[0.5, 0.5, 0. ],
           [0. , 0. , 0. ]])
    """
    scores, axis = read_along(axis, scores=scores)
    mask = as_boolean("mask", mask)
    check_broadcasts_to("mask", mask, scores.shape)
    return softmax(np.where(mask, scores, -np.inf), axis)


def hard_attention(scores: ArrayLike, axis: int = -1) -> Floats:
    """Give all weight to the highest score: softmax in the limit T → 0.

    Of several highest scores the first gets the weight, where softmax would share it
    among them. A row that is −inf throughout gets weights of 0.

    - `scores`: any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.

    Returns weights of 0 and 1, of the shape and dtype of `scores` (float64 for
    integers).

    Source: Xu et al., "Show, attend and tell", 2015, section 4.1, with the highest
    score taken where the paper draws at random.

    >>> hard_attention([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0]])
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    scores, axis = read_along(axis, scores=scores)
    weights = np.zeros_like(scores)
    if scores.shape[axis] > 0:
        first = np.argmax(scores, axis=axis, keepdims=True)
        highest = np.take_along_axis(scores, first, axis)
        np.put_along_axis(weights, first, ~np.isneginf(highest), axis)
    return weights


@underflow_is_zero
def entropy(weights: ArrayLike, axis: int = -1) -> Floats:
    """Measure in nats how evenly weights are spread: 0 for one-hot, ln n for uniform.

    H = −Σᵢ wᵢ ln wᵢ, where 0 ln 0 is 0. exp(H) reads as the number of keys that are
    attended to in effect.

    - `weights`: at least one axis; every row is non-negative and sums to 1 (within
      0.01, for rounding) or is 0 throughout, as a fully masked row is.
    - `axis`: the axis along which the weights sum to 1.

    Returns entropies, of the shape of `weights` without `axis`, between 0 and ln n; 0
    for a fully masked row. The dtype is that of `weights` (float64 for integers).

    Raises ValueError if a weight is negative, or a row sums to neither 1 nor 0.

    Source: Shannon, "A mathematical theory of communication", 1948, section 6.

    >>> entropy([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]).round(3)
    array([0.   , 1.386])
    """
    weights, axis = read_along(axis, weights=weights)
    if not (weights >= 0).all():
        raise ValueError(
            f"`weights` must be at least 0; the smallest is {weights.min()}"
        )
    total = weights.sum(axis=axis)
    wrong = (total != 0) & ~(np.abs(total - 1) <= 0.01)
    if wrong.any():
        raise ValueError(
            f"`weights` must sum to 1 along axis {axis} (or to 0 where fully masked); "
            f"one row sums to {total[wrong].flat[0]}"
        )
    logarithms = np.zeros_like(weights)
    np.log(weights, out=logarithms, where=weights > 0)
    # The sum is at most 0 but for rounding: abs negates it and leaves no −0.
    return np.abs((weights * logarithms).sum(axis=axis))


def _below_maximum(rows: Floats) -> Floats:
    """Return a new array, each row minus its maximum; all −inf stays −inf."""
    top = rows.max(axis=-1, keepdims=True, initial=-np.inf)
    return rows - np.where(np.isneginf(top), 0, top)
