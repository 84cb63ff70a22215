"""One submission in its own process, and its functions as if they were here."""

import time
from collections.abc import Iterator
from contextlib import suppress
from socket import socket

import numpy as np

from course_utils.checks.judge import PRINTED, UNWRITTEN, Reply
from course_utils.checks.look import Look, numbers
from course_utils.exercises.exercise import Arguments
from course_utils.grading import wire
from course_utils.grading.sandbox import Sandbox

RESTARTS = 8  # of the process of one submission, however often it dies
NO_RESULT = "it answers with what is no result"


class GoneError(Exception):
    """A submission does not answer; the message says why."""


class Child:
    """The process of one submission; it is started anew when it died.

    A cell that ended the process, or did not end, is left out the next time.
    All in all a submission takes no longer than RESTARTS times the time for its cells,
    and twice the time for each exercise: to call it, and to look into it.

    - `cells`: the number and the code of each cell.
    - `sandbox`: where the process runs.
    """

    def __init__(self, cells: list[tuple[int, str]], sandbox: Sandbox) -> None:
        self._cells = cells
        self._sandbox = sandbox
        self._seconds = sandbox.limits.seconds
        self._link: socket | None = None
        self._left_out: dict[int, str] = {}
        self._starts = 0

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def answer(self, name: str) -> "Answer":
        """Return what stands for the submission's function of a name."""
        return Answer(self, name)

    def request(
        self, what: dict, arguments: list[object]
    ) -> tuple[dict, list[np.ndarray]]:
        """Ask the process for something; return its reply.

        - `what`: is asked.
        - `arguments`: go with it.

        Raises GoneError if no reply comes, or none that is one.
        """
        self._start()
        deadline = time.monotonic() + self._seconds
        try:
            arrays = [np.asarray(x) for x in arguments]
            wire.send(self._link, what, arrays, deadline=deadline)
            reply, came = wire.receive(self._link, deadline=deadline)
            if "failed" not in reply:
                return reply, came
            why = (
                f"the notebook breaks what runs it ({_text(reply['failed'])}): does it "
                "replace something of Python or NumPy?"
            )
        except TimeoutError:
            why = f"it does not end within {self._seconds:g} seconds"
        except (EOFError, OSError):
            why = "it ends the process that runs it"
        except wire.WireError:
            why = NO_RESULT
        self.stop()
        raise GoneError(why)

    def cause(self, said: object) -> str:
        """Say why a function is not there, given what the process says of it."""
        causes = [*self._left_out.values(), _text(said)]
        return f": {causes[0]}" if causes[0] else ""

    def stop(self) -> None:
        """End the process; the next request starts it anew."""
        if self._link is not None:
            self._sandbox.end(self._link)
            self._link = None

    def _start(self) -> None:
        """Start the process and run the cells, without those that ended it before."""
        while self._link is None:
            self._starts += 1
            if self._starts > RESTARTS:
                raise GoneError("its cells end the process again and again")
            self._link = self._sandbox.submission()
            self._run_cells(time.monotonic() + self._seconds)

    def _run_cells(self, deadline: float) -> None:
        """Run the cells; where one ends the process, note it and stop."""
        cells = [cell for cell in self._cells if cell[0] not in self._left_out]
        running = cells[0][0] if cells else 0
        try:
            wire.send(self._link, {"cells": cells}, deadline=deadline)
            while not (said := self._said(deadline)).get("ready"):
                if not isinstance(said.get("cell"), int):
                    raise wire.WireError
                running = said["cell"]
        except TimeoutError:
            self._leave_out(running, f"does not end within {self._seconds:g} seconds")
        except (EOFError, OSError):
            self._leave_out(running, "ends the process that runs it")
        except wire.WireError:
            self._leave_out(running, "speaks in the place of the grader")

    def _said(self, deadline: float) -> dict:
        return wire.receive(self._link, deadline=deadline)[0]

    def _leave_out(self, number: int, why: str) -> None:
        self._left_out[number] = f"code cell {number} {why}"
        self.stop()


class Answer:
    """Stands for a function of a submission, and is asked for it.

    - `child`: the process of the submission.
    - `name`: of the function.
    """

    def __init__(self, child: Child, name: str) -> None:
        self._child = child
        self._name = name

    def ask(self, cases: list[Arguments]) -> Iterator[tuple[Reply, Reply]]:
        """Yield what the function does with each case, called twice."""
        arrays = [x for case in cases for x in case.values()]
        counts = [len(case) for case in cases]
        what = {"do": "call", "name": self._name, "counts": counts}
        try:
            said, came = self._child.request(what, arrays)
            replies = said.get("replies")
            if not isinstance(replies, list) or len(replies) != 2 * len(cases):
                raise GoneError(NO_RESULT)
            results = iter(came)
            for i, case in enumerate(cases):
                first, again = replies[2 * i : 2 * i + 2]
                yield (
                    self._read(first, case, results),
                    self._read(again, case, results),
                )
        except GoneError as error:
            self._child.stop()
            gone = Reply(problem=str(error), gone=True)
            yield gone, gone

    def look(self, arguments: list[object]) -> Look:
        """Look into the function, from within its process."""
        with suppress(GoneError):
            what = {"do": "look", "name": self._name}
            said, _ = self._child.request(what, arguments)
            return Look(_names(said.get("calls")), _names(said.get("reads")))
        return Look()

    def _read(
        self, said: object, case: Arguments, results: Iterator[np.ndarray]
    ) -> Reply:
        """Return what the process says of one call, having looked at each word."""
        if not isinstance(said, dict):
            raise GoneError(NO_RESULT)
        if said.get("unwritten"):
            return Reply(problem=UNWRITTEN)
        if "missing" in said:
            cause = self._child.cause(said["missing"])
            return Reply(problem=f"there is no function of this name{cause}")
        if "problem" in said:
            return Reply(problem=_text(said["problem"]) or NO_RESULT)
        names, places = list(case), said.get("changed")
        if not isinstance(places, list) or not all(
            i in range(len(names)) for i in places
        ):
            raise GoneError(NO_RESULT)
        changed = tuple(names[int(i)] for i in places)
        yours = next(results, None) if said.get("returned") else None
        if yours is None:
            nothing = PRINTED if said.get("printed") else numbers(None)[1]
            return Reply(None, changed, nothing)
        return Reply(yours, changed)


def _text(said: object) -> str:
    return said[: wire.MOST_SAID] if isinstance(said, str) else ""


def _names(said: object) -> tuple[str, ...]:
    names = said if isinstance(said, list) else []
    return tuple(x for x in names if isinstance(x, str) and x.isidentifier())
