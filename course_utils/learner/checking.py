"""Check an answer in the notebook: judge it, keep the points, say what was found."""

import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from IPython.display import display

from course_utils.checks.asking import UNWRITTEN, fresh
from course_utils.checks.earlier import earlier, is_told, right_one, with_right_ones
from course_utils.checks.feedback import Feedback, FoundLine
from course_utils.checks.finding import is_worth_a_search, place_of
from course_utils.checks.judge import (
    Verdict,
    asked_in_turn,
    asked_of,
    is_right,
    too_slow,
    verdict_of,
)
from course_utils.checks.look import course_calls, in_words, line_of, warned
from course_utils.checks.lookups import in_place, looked_up
from course_utils.checks.recognise import Asked
from course_utils.checks.time_limit import time_limit
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import Answer, Exercise
from course_utils.learner import cells, points, progress, start_page

SECONDS = 5.0  # that a check may take in a notebook
SECONDS_BEFORE = 1.0  # that each earlier answer may take which it calls
SEARCH = 1.5  # seconds in which the line of a mistake is looked for

cells.watch()
T = TypeVar("T")
_seen: dict[str, object] = {}  # the function that each check saw last


def check(name: str, answer: Answer) -> Feedback | None:
    """Judge an answer on fresh inputs, keep the points, and say what was found.

    - `name`: the name of the exercise.
    - `answer`: the function that the learner wrote.

    Returns what was found; where nbgrader grades, that is shown instead.

    Raises ValueError if there is no exercise of this name.
    Raises TypeError if the answer is not a function.
    Raises AssertionError, where nbgrader grades, if the answer is not right.
    """
    if name not in EXERCISES:
        near = " or ".join(get_close_matches(str(name), EXERCISES))
        raise ValueError(
            f"there is no exercise {name!r} in the course as it is now; "
            + (f"did you mean {near}?" if near else "exercises/ has their names")
        )
    if not callable(answer):
        raise TypeError(
            f"check needs the function itself, as in check({name!r}, {name}); "
            f"got {type(answer).__name__}"
        )
    verdict, right = _verdict(EXERCISES[name], answer)
    warns = _warned(verdict, answer, right)
    if "NBGRADER_EXECUTION" not in os.environ:
        notes = warns, _version(verdict, answer), _keep(verdict)
        said = _with_notes(verdict, *notes)
        if verdict.seed is not None and is_worth_a_search(verdict):
            return Following(said, answer, right)
        return Feedback(said)
    if not verdict.passed:
        raise AssertionError(repr(Feedback(_with_notes(verdict, warns))))
    # nbgrader takes what a cell returns for points, and warns if that is no number.
    return display(Feedback(verdict))


class Following(Feedback):
    """A verdict that is shown at once; the line follows below it, if it is found.

    What the learner opened in the verdict meanwhile stays as it is.

    - `verdict`: on a wrong answer.
    - `answer`: the answer.
    - `right`: right functions in the place of earlier answers that it calls.
    """

    def __init__(
        self, verdict: Verdict, answer: Answer, right: dict[str, Answer]
    ) -> None:
        super().__init__(verdict)
        self._answer = answer
        self._right = right

    def look(self) -> bool:
        """Look for the line of the mistake; return whether it was found."""
        seed = secrets.randbelow(2**32)
        with in_place(self._answer, self._right):
            found = place_of(self.verdict, self._answer, seed, SEARCH)
        self.verdict = replace(self.verdict, found=found)
        return found is not None

    def _ipython_display_(self) -> None:
        display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)
        if self.look():
            display(FoundLine(self.verdict.found))


def _verdict(exercise: Exercise, answer: Answer) -> tuple[Verdict, dict[str, Answer]]:
    """Return the verdict, and what took the place of earlier answers that are wrong."""
    watched = cells.watch()
    outdated = watched and watched.why_outdated(exercise.name, answer)
    if outdated:
        return Verdict(exercise, 0, outdated, None, None), {}
    seed = secrets.randbelow(2**32)
    asking = asked_in_turn(exercise, answer, seed)
    first = partial(_until_wrong, asking)
    asked = _timed(exercise, answer, seed, SECONDS, first)
    wrong = _wrong_before(exercise, answer) if _is_wrong(asked) else []
    used: set[str] = set()
    right = {x.name: right_one(x, used.add) for x in wrong}
    if wrong:
        with in_place(answer, right):
            helped = _judged(exercise, answer, seed)
        if is_told(helped, used):
            return with_right_ones(helped, used), right
    if isinstance(asked, Verdict):
        return asked, right
    rest = _timed(exercise, answer, seed, SECONDS, partial(list, asking))
    if isinstance(rest, Verdict):
        return rest, right
    return _named(exercise, answer, [*asked, *rest], seed), right


def _until_wrong(asking: Iterator[Asked]) -> list[Asked]:
    """Return what came up to the first wrong one: an earlier answer may be to blame."""
    asked = []
    for one in asking:
        asked.append(one)
        if one.problem:
            break
    return asked


def _judged(exercise: Exercise, answer: Answer, seed: int) -> Verdict:
    ask = partial(asked_of, exercise, answer, seed)
    asked = _timed(exercise, answer, seed, SECONDS, ask)
    if isinstance(asked, Verdict):
        return asked
    return _named(exercise, answer, asked, seed)


def _named(
    exercise: Exercise, answer: Answer, asked: list[Asked], seed: int
) -> Verdict:
    calls = partial(course_calls, answer)
    say = partial(verdict_of, exercise, asked, answer, seed, calls)
    return _timed(exercise, answer, seed, SECONDS, say)


def _is_wrong(asked: list[Asked] | Verdict) -> bool:
    return isinstance(asked, Verdict) or any(x.problem for x in asked)


def _warned(verdict: Verdict, answer: Answer, right: dict[str, Answer]) -> str:
    """Say what a line of a wrong answer warns of, with the input that is shown."""
    if verdict.passed or verdict.case is None:
        return ""
    with suppress(TimeoutError), time_limit(SECONDS_BEFORE), in_place(answer, right):
        said = warned(answer, fresh(verdict.case.arguments))
        return f"It warns of {in_words(*said)}." if said else ""
    return ""


def _wrong_before(exercise: Exercise, answer: Answer) -> list[Exercise]:
    """Return the earlier exercises of the notebook whose wrong answers this calls."""
    names, defined = looked_up(answer), getattr(answer, "__globals__", {})
    called = [x for x in earlier(exercise) if x.name in names]
    return [
        x
        for x in called
        if callable(own := defined.get(x.name)) and not _is_right(x, own)
    ]


def _is_right(exercise: Exercise, answer: Answer) -> bool:
    seed = secrets.randbelow(2**32)
    ask = partial(is_right, exercise, answer, seed)
    return _timed(exercise, answer, seed, SECONDS_BEFORE, ask) is True


def _timed(
    exercise: Exercise, answer: Answer, seed: int, seconds: float, do: Callable[[], T]
) -> T | Verdict:
    """Do something that calls an answer; return a verdict if it takes too long."""
    # What the learner set, to find a mistake, must not stop the course's own code.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with time_limit(seconds):
                return do()
        except TimeoutError as error:
            message = too_slow(seconds) + line_of(error.__cause__ or error, answer)
            return Verdict(exercise, 0, message, None, seed)


def _with_notes(verdict: Verdict, *notes: str) -> Verdict:
    remarks = " ".join(filter(None, [verdict.remarks, *notes]))
    return replace(verdict, remarks=remarks)


def _version(verdict: Verdict, answer: Answer) -> str:
    """Say what to do if the cell was changed, and was not run since."""
    name = verdict.exercise.name
    before, _seen[name] = _seen.get(name), answer
    if verdict.passed or verdict.seed is None:
        return ""
    if verdict.message == UNWRITTEN:
        return "If you have written it, run its cell, then run the check again."
    if answer is before:
        return "This version was checked before: if you changed its cell, run that."
    return ""


def _keep(verdict: Verdict) -> str:
    """Keep the points; say where they could not be kept, or that there are some."""
    if _is_worked_solution(_place()):
        return ""
    name = verdict.exercise.name
    earned = points.earned(name)
    why = None
    if verdict.points > earned:
        why = progress.record("exercises", name, verdict.points)
    if why:
        return f"The points are not kept: {why}."
    start_page.write()
    if earned and not verdict.passed:
        return f"You keep the points that you have for it: {earned}."
    return ""


def _is_worked_solution(folder: Path) -> bool:
    """Whether a notebook runs checks and earns nothing: in solutions/ of the course.

    A learner may well have a folder of that name, without the course's others beside.
    """
    return folder.name == "solutions" and (folder.parent / "exercises").is_dir()


def _place() -> Path:
    """Return the folder of the notebook, wherever the kernel may stand by now."""
    shell = cells.get_ipython()
    editor = shell.user_ns.get("__vsc_ipynb_file__") if shell else None  # VS Code
    notebook = editor or os.environ.get("JPY_SESSION_NAME")  # Jupyter
    return Path(notebook).parent if notebook else Path.cwd()
