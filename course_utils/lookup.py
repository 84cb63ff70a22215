"""Look a query up among keys: take the best match, or blend all values."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.softmax import softmax


def hard_lookup(query: ArrayLike, key: ArrayLike, value: ArrayLike) -> NDArray:
    """Return the value whose key has the largest dot product with the query.

    Of several keys that match equally well, the first one counts.

    - `query`: one query, shape (d_k,), or several, shape (..., d_k).
    - `key`: keys, one a row, shape (n_k, d_k).
    - `value`: values, one a row, in the order of the keys, shape (n_k, d_v).

    Returns the values found, shape (..., d_v).

    Raises ValueError if the shapes do not fit each other, or there is no key.

    >>> key = [[0.0, 1.0], [1.0, 0.0]]
    >>> value = [[6.0, 1.0, 2.0], [9.0, 0.0, 0.5]]
    >>> hard_lookup([0.1, 0.9], key, value)
    array([6., 1., 2.])
    """
    query, key, value = _checked(query, key, value)
    return value[np.argmax(query @ key.T, axis=-1)]


def soft_lookup(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, sharpness: float = 1.0
) -> NDArray[np.floating]:
    """Return a blend of all values, weighted by how well each key matches.

    The match of a key is its dot product with the query. Its weight is
    exp(sharpness · match), divided by the sum of these over all keys.
    With a growing sharpness the blend tends to what `hard_lookup` returns; at
    zero it is the plain mean of the values.

    - `query`: one query, shape (d_k,), or several, shape (..., d_k).
    - `key`: keys, one a row, shape (n_k, d_k).
    - `value`: values, one a row, in the order of the keys, shape (n_k, d_v).
    - `sharpness`: how decidedly the best matches win: a finite number ≥ 0.

    Returns the blended values, shape (..., d_v).

    Raises ValueError if the shapes do not fit each other, there is no key, or the
    sharpness is negative or not finite.

    Source: content-based addressing with a key strength, in Graves, Wayne and
    Danihelka, "Neural Turing Machines" (2014), equation 5, here with the dot
    product in place of the cosine.

    >>> key = [[0.0, 1.0], [1.0, 0.0]]
    >>> value = [[6.0, 1.0, 2.0], [9.0, 0.0, 0.5]]
    >>> soft_lookup([0.5, 0.5], key, value)
    array([7.5 , 0.5 , 1.25])
    """
    query, key, value = _checked(query, key, value)
    if not (np.isfinite(sharpness) and sharpness >= 0):
        raise ValueError(f"sharpness must be a finite number >= 0, got {sharpness}")
    return softmax(sharpness * (query @ key.T)) @ value


def _checked(
    query: ArrayLike, key: ArrayLike, value: ArrayLike
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the three as arrays, or say which one has the wrong shape."""
    query, key, value = np.asarray(query), np.asarray(key), np.asarray(value)
    if key.ndim != 2 or len(key) == 0:
        raise ValueError(
            f"key must hold one key a row, shape (n_k, d_k) with n_k >= 1, "
            f"got shape {key.shape}"
        )
    if query.ndim == 0 or query.shape[-1] != key.shape[1]:
        raise ValueError(
            f"query must have as many components as each key, shape "
            f"(..., {key.shape[1]}), got shape {query.shape}"
        )
    if value.ndim != 2 or len(value) != len(key):
        raise ValueError(
            f"value must hold one row for each of the {len(key)} keys, shape "
            f"({len(key)}, d_v), got shape {value.shape}"
        )
    return query, key, value
