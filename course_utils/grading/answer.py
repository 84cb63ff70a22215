"""The functions of a submission, as if they were here."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from course_utils.checks.asking import PRINTED, UNWRITTEN, Drawn, Reply
from course_utils.checks.judge import borrowed
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.grading import wire
from course_utils.grading.child import NO_RESULT, BorrowedError, Child, GoneError
from course_utils.grading.lending import Lent


class Answer:
    """Stands for the answer of a submission to an exercise, and is asked for it.

    - `child`: the process of the submission.
    - `exercise`: what is answered.
    - `lent`: right answers in the place of the submission's own.
    """

    def __init__(
        self, child: Child, exercise: Exercise, lent: Lent | None = None
    ) -> None:
        self._child = child
        self._exercise = exercise
        self._lent = lent
        self.constants = child.words().constants

    def ask(self, cases: list[Drawn]) -> Iterator[tuple[Reply, Reply]]:
        """Yield what the function does with each case, called twice."""
        arrays, left = _sent(tuple(cases))
        counts = [len(case) for case in cases]
        what = {"do": "call", "name": self._exercise.name, "counts": counts}
        try:
            said, came = self._child.request(
                what, arrays, self._exercise.may_use, lent=self._lent
            )
            replies = said.get("replies")
            if not isinstance(replies, list) or len(replies) != 2 * len(cases):
                raise GoneError(NO_RESULT)
            reads = self._child.words().names(said.get("reads"))
            results = iter(came)
            after = _After(next(results, None), left)
            for i, case in enumerate(cases):
                yield tuple(
                    self._read(replies[2 * i + k], after.changed(case), results, reads)
                    for k in range(2)
                )
        except GoneError as error:
            self._child.stop()
            gone = Reply(problem=str(error), gone=True)
            yield gone, gone
        except BorrowedError as error:
            gone = Reply(problem=borrowed(str(error)), gone=True)
            yield gone, gone

    def _read(
        self,
        said: object,
        changed: dict[str, np.ndarray],
        results: Iterator[np.ndarray],
        reads: tuple[str, ...],
    ) -> Reply:
        """Return what the process says of one call, having looked at each word."""
        if not isinstance(said, dict):
            raise GoneError(NO_RESULT)
        if said.get("unwritten"):
            return Reply(problem=UNWRITTEN)
        if "missing" in said:
            cause = self._child.cause()
            return Reply(problem=f"`{self._exercise.name}` is not defined{cause}")
        if "raised" in said:
            return Reply(problem=self._raised(said["raised"]))
        if "came" in said:
            printed = said["came"] == "print"
            words = self._child.words()
            problem = PRINTED if printed else words.returned(said["came"])
            return Reply(None, tuple(changed), problem)
        if "large" in said:
            return Reply(problem=_too_large(said["large"]))
        yours = next(results, None) if said.get("returned") else None
        if yours is None:
            raise GoneError(NO_RESULT)
        after = next(iter(changed.values()), None)
        return Reply(yours, tuple(changed), reads=reads, after=after)

    def _raised(self, said: object) -> str:
        """Say what was raised, and what may have been the cause of it."""
        why = f"it {self._child.words().raised(said, in_full=False)}"
        follows = why.startswith(
            ("it raises NameError", "it raises ModuleNotFound", "it raises ImportError")
        )
        return why + (self._child.cause() if follows else "")


@lru_cache(maxsize=256)  # a class is asked the same
def _sent(cases: tuple[Drawn, ...]) -> tuple[wire.Packed, bytes]:
    """Return cases as they are sent, and what two calls with each leave of them."""
    arrays = wire.packed(x for case in cases for x in case.values())
    were = (b"".join(map(_bytes, case.values())) * 2 for case in cases)
    return arrays, b"".join(were)


class _After:
    """The bytes of all arguments after the calls, as far as they have been read.

    - `left`: what the process left of them.
    - `were`: what they were before.
    """

    def __init__(self, left: np.ndarray | None, were: bytes) -> None:
        self._left = b"" if left is None else left.tobytes()
        self._start = 0
        self._are_as_they_were = self._left == were  # most change nothing

    def changed(self, case: Arguments) -> dict[str, np.ndarray]:
        """Return the arguments that the next call changed, as it left them."""
        changed = {}
        for name, array in () if self._are_as_they_were else case.items():
            if array.ndim == 0:
                continue
            was = _bytes(array)
            stop = self._start + len(was)
            now = self._left[self._start : stop]
            if now != was:
                order = "F" if wire.is_by_column(array) else "C"
                now = now.ljust(len(was), b"\0")
                flat = np.frombuffer(now, array.dtype)
                changed[name] = flat.reshape(array.shape, order=order)
            self._start = stop
        return changed


def _bytes(array: np.ndarray) -> bytes:
    """Return what an array holds, in the order of memory; a single number is none."""
    if array.ndim == 0:
        return b""
    return array.tobytes("F" if wire.is_by_column(array) else "C")


def _too_large(shape: object) -> str:
    if isinstance(shape, list) and all(type(n) is int for n in shape):
        return f"the shape is {tuple(shape[:32])}: far too large"[: wire.MOST_SAID]
    return "its result is far too large"
