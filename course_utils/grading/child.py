"""One submission in its own process, and its functions as if they were here."""

import time
from collections.abc import Callable
from contextlib import suppress
from socket import socket

import numpy as np

from course_utils.checks.judge import AnswerError, AnswerGoneError
from course_utils.checks.look import Look
from course_utils.grading import wire
from course_utils.grading.sandbox import Sandbox

RESTARTS = 8  # of the process of one submission, however often it dies
NO_RESULT = "it answers with what is no result"


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
        self._stop()

    def answer(self, name: str) -> Callable[..., np.ndarray | None]:
        """Return a function that stands for the submission's function of a name."""
        deadline: list[float] = []

        def call(*arguments: np.ndarray | float) -> np.ndarray | None:
            self._start()
            if not deadline:
                deadline.append(time.monotonic() + self._seconds)
            request = {"do": "call", "name": name}
            reply, arrays = self._ask(request, arguments, deadline[0])
            return self._returned(reply, arrays, arguments)

        return call

    def look(self, name: str) -> Callable[[list[object]], Look]:
        """Return a function that looks into the submission's function of a name."""

        def look(arguments: list[object]) -> Look:
            with suppress(AnswerError):
                self._start()
                request = {"do": "look", "name": name}
                deadline = time.monotonic() + self._seconds
                reply, _ = self._ask(request, arguments, deadline)
                return Look(_names(reply.get("calls")), _names(reply.get("reads")))
            return Look()

        return look

    def _start(self) -> None:
        """Start the process and run the cells, without those that ended it before."""
        while self._link is None:
            self._starts += 1
            if self._starts > RESTARTS:
                raise AnswerGoneError("its cells end the process again and again")
            self._link = self._sandbox.submission()
            self._run_cells(time.monotonic() + self._seconds)

    def _run_cells(self, deadline: float) -> None:
        """Run the cells; where one ends the process, note it and stop."""
        cells = [cell for cell in self._cells if cell[0] not in self._left_out]
        running = cells[0][0] if cells else 0
        try:
            wire.send(self._link, {"cells": cells}, deadline=deadline)
            while not (said := self._hear(deadline)[0]).get("ready"):
                if not isinstance(said.get("cell"), int):
                    raise wire.WireError
                running = said["cell"]
        except TimeoutError:
            self._leave_out(running, f"does not end within {self._seconds:g} seconds")
        except (EOFError, OSError):
            self._leave_out(running, "ends the process that runs it")
        except wire.WireError:
            self._leave_out(running, "speaks in the place of the grader")

    def _hear(self, deadline: float) -> tuple[dict, list[np.ndarray]]:
        return wire.receive(self._link, deadline=deadline, most=wire.MOST_RESULT)

    def _leave_out(self, number: int, why: str) -> None:
        self._left_out[number] = f"code cell {number} {why}"
        self._stop()

    def _stop(self) -> None:
        if self._link is not None:
            self._sandbox.end(self._link)
            self._link = None

    def _ask(
        self, request: dict, arguments: tuple | list, deadline: float
    ) -> tuple[dict, list[np.ndarray]]:
        arrays = [np.asarray(x) for x in arguments]
        try:
            wire.send(self._link, request, arrays, deadline=deadline)
            reply, came = self._hear(deadline)
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
        self._stop()
        raise AnswerGoneError(why)

    def _returned(
        self, reply: dict, arrays: list[np.ndarray], arguments: tuple
    ) -> np.ndarray | None:
        """Do here what the function did there: raise, change, print and return."""
        if reply.get("unwritten"):
            raise NotImplementedError
        if "missing" in reply:
            causes = [*self._left_out.values(), _text(reply["missing"])]
            cause = f": {causes[0]}" if causes[0] else ""
            raise AnswerError(f"there is no function of this name{cause}")
        if "problem" in reply:
            raise AnswerError(_text(reply["problem"]) or NO_RESULT)
        changed = reply.get("changed")
        places = [i for i, x in enumerate(arguments) if isinstance(x, np.ndarray)]
        if not isinstance(changed, list) or not all(i in places for i in changed):
            self._stop()
            raise AnswerGoneError(NO_RESULT)
        for i in places:
            if i in changed:  # the judge sees that it is, and need not see how
                np.logical_not(arguments[i], out=arguments[i], casting="unsafe")
        if reply.get("printed"):
            print("…")  # the judge sees that something is printed
        return arrays[0] if arrays else None


def _text(said: object) -> str:
    return said[: wire.MOST_SAID] if isinstance(said, str) else ""


def _names(said: object) -> tuple[str, ...]:
    names = said if isinstance(said, list) else []
    return tuple(x for x in names if isinstance(x, str) and x.isidentifier())
