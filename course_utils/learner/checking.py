"""Check an answer in the notebook: judge it, keep the points, say what was found."""

import os
import secrets
from functools import partial
from pathlib import Path

from IPython.display import display

from course_utils.checks.feedback import Feedback
from course_utils.checks.judge import Verdict, judge, too_slow
from course_utils.checks.look import course_calls, line_of
from course_utils.checks.time_limit import time_limit
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import Answer, Exercise
from course_utils.learner import progress, start_page

SECONDS = 5.0  # that a check may take in a notebook


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
            return judge(exercise, answer, seed, partial(course_calls, answer))
    except TimeoutError as error:
        message = too_slow(SECONDS) + line_of(error.__cause__ or error, answer)
        return Verdict(exercise, 0, message, None, seed)
