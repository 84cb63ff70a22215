"""From scores to weights: softmax, its limits, and how spread out weights are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.validation import (
    as_boolean,
    as_floats,
    check_axis,
    check_broadcasts_to,
    check_positive,
)


def softmax(
    x: ArrayLike, axis: int = -1, temperature: float = 1.0
) -> NDArray[np.floating]:
    """Turn scores into weights that are positive and sum to 1 along an axis.

    softmax(x)ᵢ = exp(xᵢ / T) / Σⱼ exp(xⱼ / T). The maximum is subtracted first, which
    changes nothing but keeps exp from overflowing. A low temperature T sharpens the
    weights towards `hard_attention`, a high one flattens them towards 1/n. A row that
    is −inf throughout has nothing to attend to and gets weights of 0; NaN stays NaN.

    - `x`: scores, any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.
    - `temperature`: T, above 0, in the units of the scores.

    Returns weights between 0 and 1, of the shape and dtype of `x` (float64 for
    integers).

    Raises TypeError if `x` is not real, `axis` no integer or `temperature` no number,
    and ValueError if `axis` is not an axis of `x`, or `temperature` is not above 0.

    Source: Bridle, "Probabilistic interpretation of feedforward classification
    network outputs", 1990; temperature as in Hinton, Vinyals and Dean, "Distilling
    the knowledge in a neural network", 2015, equation 1.

    >>> softmax([1000.0, 1000.0, 999.0]).round(3)
    array([0.422, 0.422, 0.155])
    >>> softmax([1000.0, 1000.0, 999.0], temperature=0.1).round(3)
    array([0.5, 0.5, 0. ])
    """
    (x,), dtype = as_floats(x=x)
    axis = check_axis(axis, x)
    temperature = check_positive("temperature", temperature, x.dtype)
    weights = _below_maximum(x, axis)
    # A quotient too large for its dtype is −inf, and its weight the 0 it should be.
    with np.errstate(over="ignore"):
        weights /= temperature
    np.exp(weights, out=weights)
    weights /= _total(weights, axis)
    return weights.astype(dtype, copy=False)


def log_softmax(x: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
    """Return the logarithm of `softmax(x)`, exact even where the weight rounds to 0.

    log softmax(x)ᵢ = xᵢ − log Σⱼ exp(xⱼ).

    - `x`: scores, any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.

    Returns logarithms (in nats), at most 0, of the shape and dtype of `x` (float64 for
    integers). A row that is −inf throughout stays −inf.

    Raises TypeError if `x` is not real or `axis` is no integer, and ValueError if
    `axis` is not an axis of `x`.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> log_softmax([0.0, -2000.0])
    array([    0., -2000.])
    >>> softmax([0.0, -2000.0])  # its logarithm would be -inf
    array([1., 0.])
    """
    (x,), dtype = as_floats(x=x)
    axis = check_axis(axis, x)
    below = _below_maximum(x, axis)
    below -= np.log(_total(np.exp(below), axis))
    return below.astype(dtype, copy=False)


def masked_softmax(
    scores: ArrayLike, mask: ArrayLike, axis: int = -1
) -> NDArray[np.floating]:
    """Turn scores into weights that are 0 wherever the mask is False.

    What is hidden takes no part: not in the maximum, not in the sum, whatever its
    score. A row that is hidden throughout gets weights of 0, never NaN.

    - `scores`: any shape with at least one axis.
    - `mask`: booleans that broadcast to the shape of `scores`; True = may attend.
    - `axis`: the axis along which the weights sum to 1.

    Returns weights of the shape and dtype of `scores` (float64 for integers).

    Raises TypeError if `scores` is not real, `mask` not boolean or `axis` no integer,
    and ValueError if `mask` does not broadcast to `scores`, or `axis` is none of its
    axes.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.3, where
    hidden scores are set to −inf.

    >>> mask = [[True, True, False], [False, False, False]]
    >>> masked_softmax([[1.0, 1.0, 9.0], [1.0, 1.0, 9.0]], mask)
    array([[0.5, 0.5, 0. ],
           [0. , 0. , 0. ]])
    """
    (scores,), dtype = as_floats(scores=scores)
    mask = as_boolean("mask", mask)
    check_broadcasts_to("mask", mask, scores.shape)
    weights = softmax(np.where(mask, scores, -np.inf), axis)
    return weights.astype(dtype, copy=False)


def hard_attention(scores: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
    """Give all weight to the highest score: softmax in the limit T → 0.

    Of several highest scores the first gets the weight, where softmax would share it
    among them. A row that is −inf throughout gets weights of 0.

    - `scores`: any shape with at least one axis.
    - `axis`: the axis along which the weights sum to 1.

    Returns weights of 0 and 1, of the shape and dtype of `scores` (float64 for
    integers).

    Raises TypeError if `scores` is not real or `axis` is no integer, and ValueError if
    `axis` is not an axis of `scores`.

    Source: Xu et al., "Show, attend and tell", 2015, section 4.1, with the highest
    score taken where the paper draws at random.

    >>> hard_attention([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0]])
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    (scores,), dtype = as_floats(scores=scores)
    axis = check_axis(axis, scores, "scores")
    weights = np.zeros(scores.shape, dtype)
    if scores.shape[axis] > 0:
        first = np.argmax(scores, axis=axis, keepdims=True)
        highest = np.take_along_axis(scores, first, axis)
        np.put_along_axis(weights, first, ~np.isneginf(highest), axis)
    return weights


def entropy(weights: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
    """Measure in nats how evenly weights are spread: 0 for one-hot, ln n for uniform.

    H = −Σᵢ wᵢ ln wᵢ, where 0 ln 0 is 0. exp(H) reads as the number of keys that are
    attended to in effect.

    - `weights`: at least one axis; every row is non-negative and sums to 1 (within
      0.01, for rounding) or is 0 throughout, as a fully masked row is.
    - `axis`: the axis along which the weights sum to 1.

    Returns entropies, of the shape of `weights` without `axis`, between 0 and ln n; 0
    for a fully masked row. The dtype is that of `weights` (float64 for integers).

    Raises TypeError if `weights` is not real or `axis` is no integer, and ValueError if
    `axis` is not an axis of `weights`, a weight is negative, or a row sums to neither 1
    nor 0.

    Source: Shannon, "A mathematical theory of communication", 1948, section 6.

    >>> entropy([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]).round(3)
    array([0.   , 1.386])
    """
    (weights,), dtype = as_floats(weights=weights)
    axis = check_axis(axis, weights, "weights")
    if not (weights >= 0).all():
        raise ValueError(
            f"weights needs numbers of at least 0; its smallest is {weights.min()}"
        )
    total = weights.sum(axis=axis)
    wrong = (total != 0) & ~(np.abs(total - 1) <= 0.01)
    if wrong.any():
        raise ValueError(
            f"weights needs rows along axis {axis} that sum to 1 (or to 0 when fully "
            f"masked); one sums to {total[wrong].flat[0]}"
        )
    logarithms = np.zeros_like(weights)
    np.log(weights, out=logarithms, where=weights > 0)
    # The sum is at most 0 but for rounding: abs negates it and leaves no −0.
    return np.abs((weights * logarithms).sum(axis=axis)).astype(dtype, copy=False)


def _below_maximum(x: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Return a new array, x minus its maximum along `axis`; all −inf stays −inf."""
    maximum = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    maximum[np.isneginf(maximum)] = 0
    # A difference too large for its dtype is −inf: exp makes it the 0 it should be.
    with np.errstate(over="ignore"):
        return x - maximum


def _total(exponentials: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Return the sum along `axis`, or 1 where there is nothing to divide by."""
    total = exponentials.sum(axis=axis, keepdims=True)
    total[total == 0] = 1
    return total
