"""One submission in its own process."""

from collections.abc import Callable, Iterable
from socket import socket

import numpy as np

from course_utils.checks.finding import ROUNDS, rounds, steps_of
from course_utils.checks.judge import too_slow
from course_utils.checks.repair import Found
from course_utils.checks.stages import SECONDS, Stage
from course_utils.checks.worked import stages_of
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.grading import wire
from course_utils.grading.clock import Clock, LateError
from course_utils.grading.lending import Lent, lend
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.submission import Submission
from course_utils.grading.words import Words

RESTARTS = 8  # of the process of one submission, however often it dies
PHASES = 8  # times `Limits.seconds` is its own time for all that it does
NO_RESULT = "what it sent back is not a result"
SLACK = 1.0  # seconds beyond those of its searches, before its process is ended
ENDS = "ends the process that runs it"
OnCheck = Callable[[str, int], None]


class GoneError(Exception):
    """A submission does not answer; the message says why."""


class BorrowedError(Exception):
    """A submission asked for a function that the exercise must not use."""


class Child:
    """The process of one submission; it is started anew when it died.

    A cell that ended the process, or did not finish, is left out the next time. All in
    all a submission takes PHASES times the time for its cells at most, by its own
    clock, and PATIENCE times that by the one on the wall.

    - `submission`: what was handed in.
    - `sandbox`: where the process runs.
    """

    def __init__(self, submission: Submission, sandbox: Sandbox) -> None:
        self._cells = submission.cells
        self._sandbox = sandbox
        self._seconds = sandbox.limits.seconds
        self._clock = Clock(self._seconds, PHASES * self._seconds, sandbox.used)
        self._words = Words([code for _, code, _ in self._cells])
        self._offered = {x for one in submission.exercises for x in one.may_use}
        self._link: socket | None = None
        self._left_out: dict[int, str] = {}
        self._failed: dict[int, str] = {}
        self._starts = 0
        self._has_seen_inputs = False
        self.same: set[str] = set()  # functions that are still those that were checked
        self.was_late = False

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def is_there(self) -> bool:
        """Whether the process is there to be asked."""
        return self._link is not None

    @property
    def was_stopped(self) -> bool:
        """Whether a cell was left out, because it ended the process or did not end."""
        return bool(self._left_out)

    def looks_up(self, exercise: Exercise, others: list[Exercise]) -> list[Exercise]:
        """Return those of other answers that an answer calls, as the process says."""
        names = [x.name for x in others]
        what = {"do": "look up", "name": exercise.name, "names": names}
        try:
            said, _ = self.request(what, wire.NOTHING, ())
        except (GoneError, BorrowedError):
            return []
        called = self._words.names(said.get("names"))
        return [x for x in others if x.name in called]

    def run(self, on_check: OnCheck) -> None:
        """Run the cells to the end, if it can be reached.

        - `on_check`: called wherever a function is checked, with the name of the
          exercise and how many checks of it came before. While it runs, that function
          can be asked.

        Raises GoneError if the cells end the process again and again.
        """
        while self._link is None:
            self._starts += 1
            if self._clock.is_over:
                raise GoneError(self._all_in_all)
            if self._starts > RESTARTS:
                raise GoneError("its cells end the process again and again")
            self._link = self._sandbox.submission()
            self._run_cells(on_check)

    def alone(self, exercise: Exercise) -> tuple[int, int] | None:
        """Return the lines of an answer, if the process says that it stands alone.

        That is, it uses nothing that the rest of its notebook makes.
        """
        said = self._told({"do": "stand alone", "name": exercise.name}, (), exercise)
        lines = said.get("alone")
        is_so = isinstance(lines, list) and [type(x) for x in lines] == [int, int]
        return tuple(lines) if is_so and 0 < lines[0] <= lines[1] else None

    def find(
        self,
        exercise: Exercise,
        seed: int,
        seconds: float,
        with_stages: bool,
        lent: Lent | None = None,
    ) -> Found | Stage | None:
        """Return where a wrong answer goes wrong, as the process says.

        - `exercise`: what is answered.
        - `seed`: draws inputs, which must not be those of a verdict to come.
        - `seconds`: for the search.
        - `with_stages`: whether to look at its stages, should no change make it right.
        - `lent`: right answers in the place of the submission's own.
        """
        drawn = [case for cases in rounds(exercise, seed) for case in cases]
        stages = stages_of(exercise, seed) if with_stages else [[]]
        what = {
            "do": "find",
            "name": exercise.name,
            "counts": [len(given) for given, _ in drawn],
            "rounds": ROUNDS,
            "stages": len(stages[0]),
            "steps": steps_of(exercise),
            "keeps_dtype": exercise.keeps_dtype,
            "seconds": seconds,
        }
        arrays = [x for given, expected in drawn for x in (*given, expected)]
        arrays += [x for one in stages for x in one]
        said = self._told(what, arrays, exercise, lent, seconds + SECONDS + SLACK)
        return self._words.found(said.get("found"))

    def warned(
        self, exercise: Exercise, case: Arguments, lent: Lent | None = None
    ) -> str:
        """Say what a line of an answer warns of, as the process says; often nothing.

        - `exercise`: what is answered.
        - `case`: what the answer is called with.
        - `lent`: right answers in the place of the submission's own.
        """
        what = {"do": "warn", "name": exercise.name}
        said = self._told(what, case.values(), exercise, lent)
        return self._words.warned(said["warned"]) if said.get("warned") else ""

    def _told(
        self,
        what: dict,
        arrays: Iterable[np.ndarray],
        exercise: Exercise,
        lent: Lent | None = None,
        seconds: float | None = None,
    ) -> dict:
        """Return what the process says when all is judged; nothing if that goes wrong.

        Whether it comes too late is not said of any verdict.
        """
        was_late, may_use = self.was_late, exercise.may_use
        try:
            return self.request(
                what, wire.packed(arrays), may_use, seconds=seconds, lent=lent
            )[0]
        except (GoneError, BorrowedError):
            return {}
        finally:
            self.was_late = was_late

    def request(
        self,
        what: dict,
        arrays: wire.Packed,
        may_use: tuple[str, ...],
        *,
        seconds: float | None = None,
        lent: Lent | None = None,
    ) -> tuple[dict, list[np.ndarray]]:
        """Ask the process for something; return its reply.

        - `what`: is asked.
        - `arrays`: go with it.
        - `may_use`: the functions of the course that it may ask for meanwhile.
        - `seconds`: how long it may take, if that is less than usual.
        - `lent`: right answers that it may ask for meanwhile.

        Raises GoneError if no reply comes, or none that is one, and BorrowedError if it
        asks for another function of the course.
        """
        self.run(lambda _name, _before: None)
        self._clock.phase(seconds)
        self._has_seen_inputs = True
        try:
            what |= {"lent": list(lent.answers)} if lent else {}
            wire.send(self._link, what, arrays, deadline=self._clock)
            reply, came = self._heard(may_use, strictly=True, lent=lent)
            if "failed" not in reply:
                return reply, came
            said = self._words.raised(reply["failed"], in_full=False)
            why = (
                f"the notebook breaks what runs it (it {said}): does it replace "
                "something of Python or NumPy?"
            )
        except TimeoutError as error:
            why = self._too_slow(error)
        except (EOFError, OSError):
            why = f"it {ENDS}"
        except wire.WireError:
            why = NO_RESULT
        except BorrowedError:
            self.stop()
            raise
        self.stop()
        raise GoneError(why)

    def cause(self) -> str:
        """Name the first cell that failed or was left out, if there is one."""
        causes = self._failed | self._left_out
        return f": {causes[min(causes)]}" if causes else ""

    def words(self) -> Words:
        """Return what tells which of its words may be shown."""
        return self._words

    def stop(self) -> None:
        """End the process; the next request starts it anew."""
        if self._link is not None:
            self._sandbox.end(self._link)
            self._link = None

    @property
    def _all_in_all(self) -> str:
        return f"all in all it takes more than {PHASES * self._seconds:g} seconds"

    def _too_slow(self, error: TimeoutError) -> str:
        self.was_late |= isinstance(error, LateError)
        if self._clock.is_over:
            return self._all_in_all
        return too_slow(self._seconds)

    def _run_cells(self, on_check: OnCheck) -> None:
        """Run the cells; where one ends the process, note it and stop."""
        cells = [cell for cell in self._cells if cell[0] not in self._left_out]
        checks: dict[str, int] = {}
        self._clock.phase()
        try:
            told = {"cells": cells, "offered": sorted(self._offered)}
            wire.send(self._link, told, deadline=self._clock)
            while not (said := self._heard(self._offered)[0]).get("ready"):
                if "check" in said:
                    self._check(said["check"], checks, on_check)
                    if self._link is None:
                        return
                else:
                    self._note(self._number(said.get("cell")), said.get("raised"))
            self.same = set(self._words.names(said.get("same")))
        except TimeoutError as error:
            self._leave_out(cells, self._too_slow(error).removeprefix("it "))
        except (EOFError, OSError):
            self._leave_out(cells, ENDS)
        except wire.WireError:
            self._leave_out(cells, "writes to the grader's channel")

    def _check(self, name: object, checks: dict[str, int], on_check: OnCheck) -> None:
        """Have a function judged where its check stands, then go on with the cells."""
        if not isinstance(name, str):
            raise wire.WireError
        before = checks.get(name, 0)
        checks[name] = before + 1
        on_check(name, before)
        if self._link is not None:
            self._clock.phase()
            wire.send(self._link, {"do": "go on"}, deadline=self._clock)

    def _heard(
        self,
        may_use: set[str] | tuple[str, ...],
        *,
        strictly: bool = False,
        lent: Lent | None = None,
    ) -> tuple[dict, list[np.ndarray]]:
        """Return what the process says, having called the course's functions for it."""
        while True:
            said, came = wire.receive(self._link, deadline=self._clock)
            if "use" not in said and "answer" not in said:
                return said, came
            try:
                answers = lent.answers if lent else {}
                reply, results = lend(said, came, may_use, answers)
            except (ValueError, TypeError, KeyError) as error:
                raise wire.WireError("what came is not a call") from error
            if "refused" in reply and strictly:
                raise BorrowedError(said["use"])
            wire.send(self._link, reply, wire.packed(results), deadline=self._clock)

    def _number(self, said: object) -> int:
        if type(said) is not int or said not in {number for number, *_ in self._cells}:
            raise wire.WireError
        return said

    def _note(self, number: int, said: object) -> None:
        if number not in self._failed:
            why = self._words.raised(said, in_full=not self._has_seen_inputs)
            self._failed[number] = f"code cell {number} {why}"

    def _leave_out(self, cells: list[tuple[int, str, str | None]], why: str) -> None:
        """Note why the cell that was begun last is not to be run again."""
        number, numbers = self._sandbox.last_begun(), [x for x, *_ in cells]
        number = number if number in numbers else min(numbers, default=0)
        self._left_out[number] = f"code cell {number} {why}"
        self.stop()
