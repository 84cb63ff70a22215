"""Check an answer in the notebook: judge it, keep the points, say what was found."""

import os
import secrets
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from IPython.display import display

from course_utils.checks.asking import UNWRITTEN
from course_utils.checks.feedback import Feedback, sentence
from course_utils.checks.finding import find, is_worth_a_search
from course_utils.checks.judge import Verdict, judge, too_slow
from course_utils.checks.look import course_calls, line_of
from course_utils.checks.time_limit import time_limit
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import Answer, Exercise
from course_utils.learner import cells, points, progress, start_page

SECONDS = 5.0  # that a check may take in a notebook
SEARCH = 1.5  # seconds in which the line of a mistake is looked for

cells.watch()
_judged: dict[str, object] = {}  # the function that each check saw last


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
        raise ValueError(
            f"there is no exercise {name!r}; the exercises are {', '.join(EXERCISES)}"
        )
    if not callable(answer):
        raise TypeError(
            f"check needs the function itself, as in check({name!r}, {name}); "
            f"got {type(answer).__name__}"
        )
    verdict = _verdict(EXERCISES[name], answer)
    if "NBGRADER_EXECUTION" not in os.environ:
        said = _with_notes(verdict, _version(verdict, answer), _keep(verdict))
        if verdict.seed is not None and is_worth_a_search(verdict):
            return Following(said, answer)
        return Feedback(said)
    if not verdict.passed:
        raise AssertionError(repr(Feedback(verdict)))
    # nbgrader takes what a cell returns for points, and warns if that is no number.
    return display(Feedback(verdict))


class Following(Feedback):
    """A verdict that is shown at once, and once more when the line is found.

    - `verdict`: on a wrong answer.
    - `answer`: the answer.
    """

    def __init__(self, verdict: Verdict, answer: Answer) -> None:
        super().__init__(verdict)
        self._answer = answer

    def look(self) -> bool:
        """Look for the line of the mistake; return whether it was found."""
        seed = secrets.randbelow(2**32)
        found = find(self.verdict.exercise, self._answer, seed, SEARCH)
        self.verdict = replace(self.verdict, found=found)
        return found is not None

    def _ipython_display_(self) -> None:
        shown = display(self._shown(), raw=True, display_id=True)
        if self.look() and shown is not None:
            shown.update(self._shown(), raw=True)

    def _shown(self) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def _verdict(exercise: Exercise, answer: Answer) -> Verdict:
    seed = secrets.randbelow(2**32)
    watched = cells.watch()
    outdated = watched and watched.why_outdated(exercise.name, answer)
    if outdated:
        return Verdict(exercise, 0, outdated, None, None)
    # What the learner set, to find a mistake, must not stop the course's own code.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with time_limit(SECONDS):
                return judge(exercise, answer, seed, partial(course_calls, answer))
        except TimeoutError as error:
            message = too_slow(SECONDS) + line_of(error.__cause__ or error, answer)
            return Verdict(exercise, 0, message, None, seed)


def _with_notes(verdict: Verdict, *notes: str) -> Verdict:
    said = " ".join(filter(None, [sentence(verdict.message), *notes]))
    return replace(verdict, message=said)


def _version(verdict: Verdict, answer: Answer) -> str:
    """Say what to do if the cell was changed, and was not run since."""
    name = verdict.exercise.name
    before, _judged[name] = _judged.get(name), answer
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
