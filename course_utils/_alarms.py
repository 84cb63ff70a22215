"""Keep alarms that mean nothing from whoever asked for the result."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

# A decorator: what is too small for its dtype is 0, whatever `np.seterr` says of it.
underflow_is_zero = np.errstate(under="ignore")


@contextmanager
def no_false_alarm(*results: NDArray) -> Iterator[list[NDArray]]:
    """Report an invalid value in a product only if a result is not finite.

    Some BLAS kernels call a product of finite numbers invalid now and then, although
    its result is finite too: NumPy's issue 24067, OpenBLAS's issue 1924. A true alarm
    is raised again when the block ends, and treated as the caller's `np.seterr` says.

    - `results`: the arrays that the block writes; others may be added to the list that
      it is given.

    >>> with no_false_alarm() as results:
    ...     results.append(np.ones((1, 2)) @ np.ones((2, 1)))
    """
    alarms: list[str] = []
    checked = list(results)
    with np.errstate(invalid="call", call=lambda what, flag: alarms.append(what)):
        yield checked
    if alarms and not all(np.isfinite(x).all() for x in checked):
        np.subtract(np.inf, np.inf)
