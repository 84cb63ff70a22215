"""Measure what a call costs, and how the cost grows: seconds, bytes and operations."""

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def processor_time() -> float:
    """Return for how many seconds this process has computed, from some start.

    In the browser `time.process_time` stands still: there it is the time that passed.
    """
    browser = sys.platform == "emscripten"
    return time.perf_counter() if browser else time.process_time()


def cpu_seconds(call: Callable[[], object], *, rounds: int = 5) -> float:
    """Return the shortest processor time of one call, in seconds.

    What else the machine does can only add to a time, so the shortest of several is
    the nearest to the truth. A quick call is repeated, since the clock has ticks.

    - `call`: what is measured.
    - `rounds`: how many times it is measured, at least 1.

    >>> cpu_seconds(lambda: sum(range(10**5))) < 1
    True
    """
    call()  # what happens at the first call only
    repeats, best = 1, np.inf
    while rounds:
        start = processor_time()
        for _ in range(repeats):
            call()
        took = processor_time() - start
        if took < 0.002 and repeats < 2**16:
            repeats *= 2
            continue
        best, rounds = min(best, took / repeats), rounds - 1
    return float(best)


def peak_bytes(call: Callable[[], object]) -> int:
    """Return how many bytes a call holds at most, its output included.

    What is kept from call to call is not counted, nor what was there before.

    >>> 8e5 < peak_bytes(lambda: np.ones(10**5)) < 8.1e5
    True
    """
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def slope(n: ArrayLike, cost: ArrayLike) -> float:
    """Return the slope of cost against n, both as logarithms: 2 for n², 1 for n.

    - `n`: sizes above 0, at least two different ones, shape (k,).
    - `cost`: what each costs, above 0, shape (k,).

    >>> n = np.array([10, 20, 40])
    >>> round(slope(n, 3 * n**2), 6)
    2.0
    """
    return float(np.polyfit(np.log(n), np.log(cost), 1)[0])


class Counted(np.ndarray):
    """An array whose products of matrices are counted: `count` says how.

    A product of (m, k) and (k, n) is k multiplications and k additions for each of its
    m·n numbers: 2·m·k·n operations. Whatever is computed from it counts as well.
    """

    operations = 0

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Do what the ufunc does, on plain arrays, and count products."""
        plain = [np.asarray(x) for x in inputs]
        if "out" in options:
            options["out"] = tuple(np.asarray(x) for x in options["out"])
        result = getattr(ufunc, method)(*plain, **options)
        if ufunc is np.matmul:
            Counted.operations += 2 * result.size * plain[0].shape[-1]
        return result.view(Counted) if isinstance(result, np.ndarray) else result


def count(function: Callable, *arrays: ArrayLike) -> int:
    """Count the operations of all products of matrices that a function computes.

    - `function`: takes the arrays. It must not turn them into plain ones, as
      `np.asarray` does: what is computed from those is not counted.
    - `arrays`: its arguments.

    >>> count(lambda a, b: np.exp(a @ b), np.ones((2, 3)), np.ones((3, 5)))
    60
    """
    Counted.operations = 0
    function(*(np.asarray(x).view(Counted) for x in arrays))
    return Counted.operations
