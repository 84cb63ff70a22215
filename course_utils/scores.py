"""How well a query matches a key: five answers.

Every function takes queries (..., n_q, d) and keys (..., n_k, d) and returns scores
(..., n_q, n_k), one row a query, one column a key. Leading axes broadcast. One query
alone is a row: pass `query[None, :]`.
"""

import numpy as np
from numpy.typing import ArrayLike

from course_utils.layers import linear_vjp
from course_utils.validation import Back, Floats, check_positive, read

ADDITIVE = "... n_q d_q, ... n_k d_k, d_q d_hidden, d_k d_hidden, d_hidden"


def dot_product_score(query: ArrayLike, key: ArrayLike) -> Floats:
    """Score by the dot product, qᵀk: large if both point one way, and if both are long.

    - `query`: shape (..., n_q, d).
    - `key`: shape (..., n_k, d).

    Returns scores of shape (..., n_q, n_k) in the common dtype of the arguments
    (float64 for integers).

    Source: Luong, Pham and Manning, "Effective approaches to attention-based neural
    machine translation", 2015, section 3.1, after equation 7 ("dot").

    >>> dot_product_score([[1, 2]], [[3, 0], [0, 3], [10, 10]])
    array([[ 3.,  6., 30.]])
    """
    query, key = read("... n_q d, ... n_k d", query=query, key=key)
    return query @ key.mT


def cosine_score(query: ArrayLike, key: ArrayLike) -> Floats:
    """Score by the cosine of the angle, qᵀk / (‖q‖‖k‖): only direction counts.

    - `query`: shape (..., n_q, d).
    - `key`: shape (..., n_k, d).

    Returns scores from −1 (opposite) over 0 (at right angles) to 1 (same direction),
    shape (..., n_q, n_k), in the common dtype of the arguments (float64 for integers).
    A vector of zeros has no direction and scores 0.

    Source: Graves, Wayne and Danihelka, "Neural Turing machines", 2014, equation 6.

    >>> cosine_score([[1, 0]], [[5, 0], [0, 7], [-3, 0], [0, 0]])
    array([[ 1.,  0., -1.,  0.]])
    """
    query, key = read("... n_q d, ... n_k d", query=query, key=key)
    # Rounding must not push a cosine beyond 1, where arccos has no answer.
    return np.clip(_direction(query) @ _direction(key).mT, -1, 1)


def gaussian_score(query: ArrayLike, key: ArrayLike, sigma: float = 1.0) -> Floats:
    """Score by nearness, −‖q − k‖² / (2σ²), the logarithm of a Gaussian kernel.

    Softmax of these scores is Nadaraya–Watson regression. If all keys are equally long,
    it equals the softmax of the dot products over σ².

    - `query`: shape (..., n_q, d).
    - `key`: shape (..., n_k, d).
    - `sigma`: the width of the kernel, above 0, in the units of queries and keys.

    Returns scores of at most 0, shape (..., n_q, n_k), in the common dtype of the
    arrays (float64 for integers).

    Source: Zhang, Lipton, Li and Smola, "Dive into deep learning", 2023, section 11.2
    (kernel of Nadaraya, 1964, and Watson, 1964).

    >>> gaussian_score([[0, 0]], [[0, 0], [3, 4]])
    array([[  0. , -12.5]])
    >>> gaussian_score([[0, 0]], [[0, 0], [3, 4]], sigma=5.0)
    array([[ 0. , -0.5]])
    """
    query, key = read("... n_q d, ... n_k d", query=query, key=key)
    sigma = check_positive("sigma", sigma, query.dtype)
    leading = np.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    scores = np.zeros((*leading, query.shape[-2], key.shape[-2]), query.dtype)
    # One coordinate at a time: no array of n_q·n_k·d differences, and none of the
    # cancellation that ‖q‖² + ‖k‖² − 2qᵀk suffers when points are close together.
    for q, k in zip(np.moveaxis(query, -1, 0), np.moveaxis(key, -1, 0), strict=True):
        scores -= ((q[..., :, None] - k[..., None, :]) / sigma) ** 2
    scores /= 2
    return scores


def bilinear_score(query: ArrayLike, key: ArrayLike, w_match: ArrayLike) -> Floats:
    """Score by a learned comparison, qᵀWk, which also joins vectors of unequal size.

    - `query`: shape (..., n_q, d_q).
    - `key`: shape (..., n_k, d_k).
    - `w_match`: W, shape (d_q, d_k). The identity gives `dot_product_score`.

    Returns scores of shape (..., n_q, n_k) in the common dtype of the arguments
    (float64 for integers).

    Source: Luong, Pham and Manning, "Effective approaches to attention-based neural
    machine translation", 2015, section 3.1, after equation 7 ("general").

    >>> swap = [[0, 1], [1, 0]]
    >>> bilinear_score([[1, 0]], [[1, 0], [0, 1]], swap)
    array([[0., 1.]])
    """
    query, key, w_match = read(
        "... n_q d_q, ... n_k d_k, d_q d_k", query=query, key=key, w_match=w_match
    )
    return query @ w_match @ key.mT


def additive_score_vjp(
    query: Floats, key: Floats, w_query: Floats, w_key: Floats, v: Floats
) -> tuple[Floats, Back]:
    """Score every pair by tanh(query @ w_query + key @ w_key) @ v, and back.

    Shapes are those of `additive_score`; query and key have the same leading axes.
    Several models can run side by side: the three parameters may have leading axes,
    which are then the first of query and key as well. `back` keeps n_q·n_k·d_hidden
    numbers, and returns (d_query, d_key, d_w_query, d_w_key, d_v).
    """
    asked, asked_back = linear_vjp(query, w_query)
    offered, offered_back = linear_vjp(key, w_key)
    hidden = np.tanh(asked[..., :, None, :] + offered[..., None, :, :])
    scores, scores_back = linear_vjp(hidden, v[..., None])

    def back(d_scores: Floats) -> tuple[Floats, ...]:
        d_hidden, d_v = scores_back(d_scores[..., None])
        d_hidden *= 1 - hidden**2
        d_query, d_w_query = asked_back(d_hidden.sum(axis=-2))
        d_key, d_w_key = offered_back(d_hidden.sum(axis=-3))
        return d_query, d_key, d_w_query, d_w_key, d_v[..., 0]

    return scores[..., 0], back


def additive_score(
    query: ArrayLike,
    key: ArrayLike,
    w_query: ArrayLike,
    w_key: ArrayLike,
    v: ArrayLike,
) -> Floats:
    """Score by a small network with one hidden layer, vᵀ tanh(W_q q + W_k k).

    Vectors are rows here, so the matrices are the transposes of the paper's, and the
    network computes tanh(query @ w_query + key @ w_key) @ v for every pair.

    - `query`: shape (..., n_q, d_q).
    - `key`: shape (..., n_k, d_k).
    - `w_query`: shape (d_q, d_hidden).
    - `w_key`: shape (d_k, d_hidden).
    - `v`: shape (d_hidden,).

    Returns scores of shape (..., n_q, n_k), each within ±Σ|v|, in the common dtype of
    the arguments (float64 for integers). Memory grows with n_q·n_k·d_hidden.

    Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to
    align and translate", 2015, appendix A.1.2.

    >>> opposite = [[1.0], [-1.0]]
    >>> additive_score(opposite, opposite, [[1.0]], [[1.0]], [5.0]).round(2)
    array([[ 4.82,  0.  ],
           [ 0.  , -4.82]])
    """
    query, key, w_query, w_key, v = read(
        ADDITIVE, query=query, key=key, w_query=w_query, w_key=w_key, v=v
    )
    scores, _ = additive_score_vjp(query, key, w_query, w_key, v)
    return scores


def _direction(x: Floats) -> Floats:
    """Return vectors of length 1 along the last axis; zeros stay zeros."""
    # Dividing by the largest coordinate first keeps the squares from over- and
    # underflowing.
    x = x / _or_one(np.abs(x).max(axis=-1, keepdims=True, initial=0))
    return x / _or_one(np.sqrt((x * x).sum(axis=-1, keepdims=True)))


def _or_one(divisor: Floats) -> Floats:
    """Return the divisor with 1 in place of 0."""
    return np.where(divisor == 0, 1, divisor)
