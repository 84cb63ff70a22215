"""Look a query up among keys: take the best match, or blend all values."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils.softmax import softmax
from course_utils.validation import Floats, check_number, read


def hard_lookup(query: ArrayLike, key: ArrayLike, value: ArrayLike) -> Floats:
    """Return the value whose key has the largest dot product with the query.

    Of several keys that match equally well, the first one counts.

    - `query`: one query, shape (d_k,), or several, shape (..., d_k).
    - `key`: the keys, one a row, shape (n_k, d_k), n_k at least 1.
    - `value`: the values, in the order of the keys, shape (n_k, d_v).

    Returns the values found, shape (..., d_v), in the common dtype of the arrays
    (float64 for integers).

    >>> key = [[0.0, 1.0], [1.0, 0.0]]
    >>> value = [[6.0, 1.0, 2.0], [9.0, 0.0, 0.5]]
    >>> hard_lookup([0.1, 0.9], key, value)
    array([6., 1., 2.])
    """
    query, key, value = _read(query, key, value)
    if len(key) == 0:
        raise ValueError("`key` must have at least one row; got none")
    return value[np.argmax(query @ key.T, axis=-1)]


def soft_lookup(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, sharpness: float = 1.0
) -> Floats:
    """Return a blend of all values, weighted by how well each key matches.

    The match of a key is its dot product with the query. Its weight is
    exp(sharpness · match), divided by the sum of these over all keys. With a growing
    sharpness the blend tends to what `hard_lookup` returns; at 0 it is the plain mean
    of the values. Without any key it is 0.

    - `query`: one query, shape (d_k,), or several, shape (..., d_k).
    - `key`: the keys, one a row, shape (n_k, d_k).
    - `value`: the values, in the order of the keys, shape (n_k, d_v).
    - `sharpness`: how decidedly the best matches win, at least 0: one over the
      temperature of `softmax`.

    Returns the blends, shape (..., d_v), in the common dtype of the arrays (float64
    for integers).

    Source: Graves, Wayne and Danihelka, "Neural Turing machines", 2014, "Focusing by
    content", where the match is the cosine and the sharpness is called key strength.

    >>> key = [[0.0, 1.0], [1.0, 0.0]]
    >>> value = [[6.0, 1.0, 2.0], [9.0, 0.0, 0.5]]
    >>> soft_lookup([0.5, 0.5], key, value)
    array([7.5 , 0.5 , 1.25])
    """
    query, key, value = _read(query, key, value)
    sharpness = check_number("sharpness", sharpness, query.dtype)
    if sharpness < 0:
        raise ValueError(f"`sharpness` must be at least 0; got {sharpness}")
    return softmax(sharpness * (query @ key.T)) @ value


def _read(query: ArrayLike, key: ArrayLike, value: ArrayLike) -> list[Floats]:
    return read("... d_k, n_k d_k, n_k d_v", query=query, key=key, value=value)
