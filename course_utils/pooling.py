"""Blend values by weights, and regress with a kernel as the weight."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils.masks import padding_mask
from course_utils.scores import gaussian_score
from course_utils.softmax import masked_softmax, softmax
from course_utils.validation import Floats, check_positive, read


def attend(weights: ArrayLike, value: ArrayLike) -> Floats:
    """Blend the values: row i of the result is Σⱼ weightsᵢⱼ valueⱼ.

    If the weights of a query are positive and sum to 1, its blend lies in the convex
    hull of the values: no coordinate leaves the range of that coordinate in `value`.

    - `weights`: shape (..., n_q, n_k). They need not sum to 1.
    - `value`: shape (..., n_k, d_v). Leading axes broadcast.

    Returns the blends, shape (..., n_q, d_v), in the common dtype of the arguments
    (float64 for integers).

    Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to
    align and translate", 2015, equation 5.

    >>> attend([[0.5, 0.5, 0.0]], [[0.0, 10.0], [4.0, 20.0], [99.0, 99.0]])
    array([[ 2., 15.]])
    """
    weights, value = read("... n_q n_k, ... n_k d_v", weights=weights, value=value)
    return weights @ value


def nadaraya_watson(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, bandwidth: float
) -> Floats:
    """Regress on data (key, value): average the values of the keys near each query.

    f(q) = Σⱼ K(q, kⱼ) vⱼ / Σⱼ K(q, kⱼ) with the Gaussian kernel
    K(q, k) = exp(−‖q − k‖² / (2·bandwidth²)), which is attention with
    `gaussian_score`. A narrow bandwidth follows the nearest key, a wide one tends to
    the mean of all values.

    - `query`: where to predict, shape (..., n_q, d).
    - `key`: where the data lie, shape (..., n_k, d).
    - `value`: what was seen there, shape (..., n_k, d_v).
    - `bandwidth`: above 0, in the units of queries and keys.

    Returns predictions, shape (..., n_q, d_v), in the common dtype of the arrays
    (float64 for integers).

    Source: Nadaraya, "On estimating regression", 1964; Watson, "Smooth regression
    analysis", 1964.

    >>> key, value = [[0.0], [1.0], [2.0]], [[0.0], [10.0], [50.0]]
    >>> nadaraya_watson([[1.0]], key, value, bandwidth=0.1)
    array([[10.]])
    >>> nadaraya_watson([[1.0]], key, value, bandwidth=100.0).round(2)
    array([[20.]])
    """
    query, key, value = read(
        "... n_q d, ... n_k d, ... n_k d_v", query=query, key=key, value=value
    )
    bandwidth = check_positive("bandwidth", bandwidth, query.dtype)
    return softmax(gaussian_score(query, key, bandwidth)) @ value


def leave_one_out(key: ArrayLike, value: ArrayLike, bandwidth: float) -> Floats:
    """Predict every data point by `nadaraya_watson` from all the others.

    The mean of ‖value − prediction‖² over the points estimates the error on new data
    without fitting anything again; the bandwidth that makes it smallest is the one to
    take.

    - `key`: where the data lie, shape (..., n, d), n at least 2.
    - `value`: what was seen there, shape (..., n, d_v).
    - `bandwidth`: above 0, in the units of the keys.

    Returns predictions, shape (..., n, d_v), in the common dtype of the arrays (float64
    for integers).

    Source: Stone, "Cross-validatory choice and assessment of statistical predictions",
    1974.

    >>> leave_one_out([[0.0], [1.0], [5.0]], [[3.0], [7.0], [8.0]], bandwidth=0.1)
    array([[7.],
           [3.],
           [7.]])
    """
    key, value = read("... n d, ... n d_v", key=key, value=value)
    bandwidth = check_positive("bandwidth", bandwidth, key.dtype)
    n = key.shape[-2]
    if n < 2:
        raise ValueError(f"`key` must hold at least 2 points; got shape {key.shape}")
    others = ~np.eye(n, dtype=np.bool_)
    return masked_softmax(gaussian_score(key, key, bandwidth), others) @ value


def mean_pooling(x: ArrayLike, lengths: ArrayLike) -> Floats:
    """Average the vectors of each sequence, its padding left out.

    - `x`: shape (..., n, d).
    - `lengths`: integers from 0 to n, shape (...): how many vectors are real.

    Returns one vector a sequence, shape (..., d), of the dtype of `x` (float64 for
    integers); zeros for a sequence without any.

    Source: Reimers and Gurevych, "Sentence-BERT", 2019, section 3.

    >>> mean_pooling([[[2.0, 4.0], [4.0, 0.0], [99.0, 99.0]]], lengths=[2])
    array([[3., 2.]])
    """
    (x,) = read("... n d", x=x)
    real = padding_mask(lengths, x.shape[-2]).mT  # (..., n, 1)
    sums = np.where(real, x, 0).sum(axis=-2)
    return sums / np.maximum(real.sum(axis=-2), 1).astype(x.dtype)
