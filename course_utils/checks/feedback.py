"""What the learner is told: in the notebook at once, in words and in HTML."""

import secrets
from functools import cache
from pathlib import Path

import jinja2
import numpy as np

from course_utils import progress
from course_utils.checks import start_page
from course_utils.checks.catalogue import EXERCISES
from course_utils.checks.exercise import Answer
from course_utils.checks.judge import Verdict, judge


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
        return f"{self.headline}\n{_sentence(self.verdict.message)}"

    def _repr_html_(self) -> str:
        return _template().render(
            verdict=self.verdict,
            headline=self.headline,
            message=_sentence(self.verdict.message),
            show=_show,
        )


def check(name: str, answer: Answer) -> Feedback:
    """Judge an answer on fresh inputs, keep the points, and say what was found.

    - `name`: the name of the exercise.
    - `answer`: the function that the learner wrote.

    Raises ValueError if there is no exercise of this name.
    Raises TypeError if the answer is not a function.
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
    verdict = judge(EXERCISES[name], answer, secrets.randbelow(2**32))
    # Worked solutions run checks too, and earn nothing.
    if Path.cwd().name == "exercises":
        earned = progress.load()["exercises"].get(name, 0)
        progress.record("exercises", name, max(earned, verdict.points))
        start_page.write()
    return Feedback(verdict)


@cache
def _template() -> jinja2.Template:
    source = Path(__file__).with_name("feedback.html").read_text(encoding="utf-8")
    return jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).from_string(source)


def _sentence(message: str) -> str:
    """Begin with a capital letter, and end with a full stop."""
    ended = message if message.endswith((".", "?", "!")) else message + "."
    return ended[0].upper() + ended[1:]


def _show(array: np.ndarray) -> str:
    return np.array2string(array, precision=3, suppress_small=True, max_line_width=60)
