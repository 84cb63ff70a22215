"""From the bytes of a notebook to its verdict: all that a worker does."""

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from course_utils.checks.asking import UNWRITTEN
from course_utils.checks.feedback import Feedback, told
from course_utils.checks.judge import Verdict
from course_utils.grading import mistakes
from course_utils.grading.judging import Judging
from course_utils.grading.sandbox import LEVELS, Limits, SandboxError, of_this_thread
from course_utils.grading.submission import (
    LessonError,
    Submission,
    SubmissionError,
    called_in,
    read,
)

# What became of an exercise. Only the first two are about the answer.
RIGHT, WRONG = "right", "wrong"
NOT_JUDGED = "not judged"  # a limit or a crash was in the way
NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True)
class Terms:
    """What every submission of a run is graded under.

    - `seed`: draws the inputs.
    - `isolation`: "sandbox" or "process".
    - `limits`: what a submission may take.
    - `search`: seconds in which the line of each mistake is looked for; 0 for never.
    """

    seed: int
    isolation: str
    limits: Limits
    search: float = 0.0


def grade(data: bytes, terms: Terms) -> dict[str, Any]:
    """Grade one notebook.

    - `data`: the bytes of the file.
    - `terms`: the seed, the isolation and the limits.

    Returns what JSON can hold: under "exercises" the name, points, largest points,
    state, message and feedback of each; under "error" why nothing could be graded, or
    None; under "given" whether the course itself gave the notebook; under "late"
    whether the clock ran out because the machine was busy.
    """
    began = time.perf_counter()
    try:
        return _judged(read(data), terms, began)
    except SubmissionError as error:
        said = unreadable(str(error), terms)
        return said | {"given": isinstance(error, LessonError)}
    except SandboxError:
        raise
    except Exception as error:  # one submission must not stop a class
        return unreadable(f"makes the grader fail: {error!r:.200}", terms)


def _judged(submission: Submission, terms: Terms, began: float) -> dict[str, Any]:
    sandbox = of_this_thread(terms.isolation, terms.limits)
    judging = Judging(submission, sandbox, terms.seed, terms.search)
    judged, was_late = judging.verdicts()
    code = "\n".join(cell for _, cell, check in submission.cells if check is None)
    exercises = []
    for one in judged:
        name = one.exercise.name
        state = _state(one, judging.was_stopped(name), name in code)
        said = {"message": plain(one.message), "remarks": plain(one.remarks)}
        one = replace(one, **said, seed=None)
        calls = called_in(submission.cells, name) if state == WRONG else []
        exercises.append(_entry(one, state) | {"calls": calls})
    seconds = round(time.perf_counter() - began, 3)
    said = _whole(None, submission.exercises[0].lesson, exercises, terms, seconds)
    return said | {"given": submission.is_given, "late": was_late}


def _state(judged: Verdict, was_stopped: bool, is_named: bool) -> str:
    """Say what became of an exercise."""
    if judged.passed:
        return RIGHT
    if judged.message == UNWRITTEN:
        return NOT_ATTEMPTED
    if was_stopped:
        return NOT_JUDGED
    return WRONG if is_named else NOT_ATTEMPTED


def unreadable(why: str, terms: Terms) -> dict[str, Any]:
    """Return the verdict on what cannot be graded.

    - `why`: what is wrong with it.
    - `terms`: what it was to be graded under.
    """
    return _whole(plain(why), None, [], terms, 0.0)


def plain(said: str) -> str:
    """Return what a submission said as one printable line; it may come from anybody."""
    if not said.isprintable():
        said = "".join(c if c.isprintable() else " " for c in said)
    return " ".join(said.split())[:500]


def _entry(judged: Verdict, state: str) -> dict[str, Any]:
    return {
        "name": judged.exercise.name,
        "points": judged.points,
        "of": judged.exercise.points,
        "state": state,
        "message": _in_one_line(judged),
        "mistake": mistakes.name_of(judged) if state == WRONG else "",
        "example": mistakes.example_of(judged.case) if state == WRONG else None,
        "feedback": _kept_page(judged) if judged.case is None else _page(judged),
    }


def _page(judged: Verdict) -> str:
    return Feedback(judged)._repr_html_()


_kept_page = lru_cache(maxsize=256)(_page)  # many are right, or have not begun


def _in_one_line(judged: Verdict) -> str:
    line = f"; {judged.found.message}" if judged.found else ""
    return (told(judged) if judged.remarks else judged.message) + line


def _whole(
    error: str | None,
    lesson: int | None,
    exercises: list[dict[str, Any]],
    terms: Terms,
    seconds: float,
) -> dict[str, Any]:
    return {
        "error": error,
        "lesson": lesson,
        "given": False,
        "exercises": exercises,
        "points": sum(x["points"] for x in exercises),
        "of": sum(x["of"] for x in exercises),
        "isolation": LEVELS[terms.isolation],
        "seconds": seconds,
    }
