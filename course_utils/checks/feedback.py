"""What the learner is told: in the notebook at once, in words and in HTML."""

import os
import re
import secrets
from functools import cache, partial
from pathlib import Path

import jinja2
import numpy as np
from IPython.display import display
from markupsafe import Markup, escape

from course_utils import progress
from course_utils.checks import start_page
from course_utils.checks.catalogue import EXERCISES
from course_utils.checks.exercise import Answer, Exercise
from course_utils.checks.grids import grids
from course_utils.checks.judge import Verdict, judge
from course_utils.checks.look import line_of, look_into
from course_utils.checks.time_limit import time_limit

SECONDS = 5.0  # that a check may take in a notebook


class Feedback:
    """A verdict as a notebook shows it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    @property
    def headline(self) -> str:
        """The exercise, right or not yet, and the points, in one line."""
        verdict = self.verdict
        mark = "✓ Right" if verdict.passed else "✗ Not yet"
        of = verdict.exercise.points
        return f"{mark}: {verdict.exercise.name}, {verdict.points} of {of} points"

    def __repr__(self) -> str:
        return f"{self.headline}\n{sentence(self.verdict.message)}"

    def _repr_html_(self) -> str:
        return feedback_html(self.verdict, self.headline)


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
            f"check needs the function itself, as in check({name!r}, {name}), "
            f"got a {type(answer).__name__}"
        )
    verdict = _verdict(EXERCISES[name], answer)
    # Worked solutions run checks too, and earn nothing.
    if Path.cwd().name == "exercises":
        earned = progress.load()["exercises"].get(name, 0)
        progress.record("exercises", name, max(earned, verdict.points))
        start_page.write()
    feedback = Feedback(verdict)
    if "NBGRADER_EXECUTION" not in os.environ:
        return feedback
    if not verdict.passed:
        raise AssertionError(repr(feedback))
    # It takes what a cell returns for points, and warns of all that is no number.
    return display(feedback)


def _verdict(exercise: Exercise, answer: Answer) -> Verdict:
    seed = secrets.randbelow(2**32)
    try:
        with time_limit(SECONDS):
            return judge(exercise, answer, seed, partial(look_into, answer))
    except TimeoutError as error:
        where = line_of(error.__cause__ or error, answer)
        message = f"it does not end within {SECONDS:g} seconds{where}"
        return Verdict(exercise, 0, message, None, seed)


def feedback_html(verdict: Verdict, headline: str) -> str:
    """Return the feedback on one exercise as a piece of a page."""
    return _template().render(
        verdict=verdict,
        headline=headline,
        message=sentence(verdict.message),
        grids=grids(verdict.case) if verdict.case else [],
        show=_show,
    )


@cache
def _template() -> jinja2.Template:
    pages = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
    )
    pages.filters["code"] = _code
    return pages.get_template("feedback.html")


def _code(text: str) -> Markup:
    """Show as code what stands between backticks; all else stays text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def sentence(message: str) -> str:
    """Begin with a capital letter, and end with a full stop."""
    ended = message if message.endswith((".", "?", "!")) else message + "."
    return ended[0].upper() + ended[1:]


def _show(array: np.ndarray) -> str:
    return np.array2string(
        array, precision=3, suppress_small=True, max_line_width=60, threshold=60
    )
