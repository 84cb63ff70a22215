"""How long a submission may take, by its own time rather than the clock on the wall.

Its own time is the CPU time of all its processes together, and the time in which all
of them sleep. So neighbours who keep the machine busy cost it nothing, and a hundred
processes of its own gain it nothing.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from course_utils.grading.wire import Deadline

SLICE = 0.25  # seconds between two looks at its processes; who is quick is never seen
PATIENCE = 3  # times its own time, by the clock on the wall
IDLE = 0.05  # of a slice: who takes less, and is not waiting to run, sleeps
TICKS = 100  # a second, in /proc


class LateError(TimeoutError):
    """The clock on the wall ran out first: the machine was busy with something else."""


class Clock(Deadline):
    """The time of one submission, phase by phase.

    - `seconds`: its own time for each phase.
    - `total`: its own time for all phases together.
    - `meter`: returns the CPU seconds of its processes so far, and whether any of them
      is running or waiting to run; None if nobody can tell.
    """

    def __init__(
        self,
        seconds: float,
        total: float,
        meter: Callable[[], tuple[float, bool] | None],
    ) -> None:
        self._seconds = seconds
        self._rest = total
        self._last = time.monotonic() + PATIENCE * total
        self._meter = meter
        self.phase()

    @property
    def is_over(self) -> bool:
        """Whether all its time is used up."""
        return self._rest <= 0 or time.monotonic() >= self._last

    def phase(self, seconds: float | None = None) -> None:
        """Begin the next phase; it takes at most as many seconds as any, or fewer."""
        self._most = min(seconds or self._seconds, self._seconds)
        self._began = self._seen = time.monotonic()
        self._own, self._cpu = 0.0, None

    def left(self) -> float:
        """Return how long to wait before asking again.

        Raises TimeoutError if its own time is over, and LateError if its own is not,
        but that on the wall is.
        """
        now = time.monotonic()
        slice_ = min(SLICE, self._most / 8)
        if now - self._seen >= slice_:
            self._look(now)
        if self._own >= self._most or self._rest <= 0:
            raise TimeoutError
        if now >= min(self._began + PATIENCE * self._most, self._last):
            raise LateError
        return max(self._seen + slice_ - now, 1e-3)

    def _look(self, now: float) -> None:
        """Add what has passed since the last look to its own time."""
        passed, measured = now - self._seen, self._meter()
        if measured is not None:
            cpu, runs = measured
            used = passed if self._cpu is None else cpu - self._cpu
            self._cpu = cpu
            sleeps = not runs and used < IDLE * passed
            passed = passed if sleeps else used
        self._own += passed
        self._rest -= passed
        self._seen = now


def cpu_of(root: int) -> tuple[float, bool] | None:
    """Return the CPU seconds of all that a process started, at any depth.

    - `root`: the number of the process, which is not counted itself.

    Returns them with whether any of these is running or waiting to run; None where
    the system does not tell.
    """
    cpu, runs, found = 0.0, False, _children(root)
    if not found:
        return None
    while found:
        one = found.pop()
        with suppress(OSError, IndexError):
            after_name = _read(f"/proc/{one}/stat").rpartition(")")[2].split()
            cpu += sum(map(int, after_name[11:15])) / TICKS
            runs |= after_name[0] in "RD"
        found += _children(one)
    return cpu, runs


def _children(process: int) -> list[int]:
    """Return the processes that a process started; none if it is gone."""
    try:
        tasks = os.listdir(f"/proc/{process}/task")
        texts = [_read(f"/proc/{process}/task/{task}/children") for task in tasks]
    except OSError:
        return []
    return [int(x) for text in texts for x in text.split()]


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
