"""Turn scores into weights that are positive and sum to one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def softmax(x: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
    """Exponentiate scores and divide by their sum along an axis.

    The maximum is subtracted first: it cancels in the quotient, and keeps the
    exponential from overflowing.

    - `x`: scores of any shape.
    - `axis`: the axis along which the weights sum to one.

    Returns weights of the shape of `x`.

    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    x = np.asarray(x)
    weights = np.exp(x - x.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)
