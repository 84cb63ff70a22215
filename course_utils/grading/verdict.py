"""From the bytes of a notebook to its verdict: all that a worker does."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from course_utils.checks.feedback import Feedback
from course_utils.checks.judge import UNWRITTEN, Reply, Verdict, judge
from course_utils.exercises.exercise import Arguments
from course_utils.grading.child import Answer, Child
from course_utils.grading.sandbox import LEVELS, Limits, SandboxError, this_thread_s
from course_utils.grading.submission import (
    LessonError,
    Submission,
    SubmissionError,
    read,
)

# What became of an exercise. Only the first two are about the answer.
RIGHT, WRONG = "right", "wrong"
NOT_JUDGED = "not judged"  # a limit or a crash was in the way
NOT_ATTEMPTED = "not attempted"
# How what the grader itself says of a call begins; all else is a submission's words.
OURS = re.compile(
    r"it (raises|returns|prints|is not written)\b|the shape is|there is|`"
)


@dataclass(frozen=True)
class Terms:
    """What every submission of a run is graded under.

    - `seed`: draws the inputs.
    - `isolation`: "sandbox" or "process".
    - `limits`: what a submission may take.
    """

    seed: int
    isolation: str
    limits: Limits


def grade(data: bytes, terms: Terms) -> dict[str, Any]:
    """Grade one notebook.

    - `data`: the bytes of the file.
    - `terms`: the seed, the isolation and the limits.

    Returns what JSON can hold: under "exercises" the name, points, largest points,
    state, message and feedback of each; under "error" why nothing could be graded, or
    None; under "given" whether the course itself gave the notebook.
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
    sandbox = this_thread_s(terms.isolation, terms.limits)
    code = "\n".join(cell for _, cell in submission.cells)
    exercises = []
    with Child(submission.cells, sandbox) as child:
        for exercise in submission.exercises:
            answer = _Heard(child.answer(exercise.name))
            judged = judge(exercise, answer, terms.seed, answer.look)
            judged = replace(judged, message=plain(judged.message), seed=None)
            state = _state(judged, answer, exercise.name in code, child)
            exercises.append(_entry(judged, state))
    seconds = round(time.perf_counter() - began, 3)
    said = _whole(None, submission.exercises[0].lesson, exercises, terms, seconds)
    return said | {"given": submission.is_given}


class _Heard:
    """An answer, what it said of itself quoted, and whether it could be asked.

    - `answer`: the answer, in its process.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.look = answer.look
        self.problems: list[str] = []
        self.is_gone = False

    def ask(self, cases: list[Arguments]) -> Iterator[tuple[Reply, Reply]]:
        """Yield what the answer does with each case, called twice."""
        for pair in self._answer.ask(cases):
            yield tuple(self._quoted(reply) for reply in pair)

    def _quoted(self, reply: Reply) -> Reply:
        self.is_gone |= reply.gone
        if reply.problem is None:
            return reply
        self.problems.append(reply.problem)
        if reply.gone or OURS.match(reply.problem):
            return reply
        return replace(reply, problem=f"the notebook says: “{reply.problem}”")


def _state(judged: Verdict, answer: _Heard, is_named: bool, child: Child) -> str:
    """Say what became of an exercise."""
    if judged.passed:
        return RIGHT
    if answer.problems and answer.problems[0] == UNWRITTEN:
        return NOT_ATTEMPTED
    # A function can be missing because the cell that makes it was stopped.
    stopped = child._left_out.values()
    if answer.is_gone or any(why in x for x in answer.problems for why in stopped):
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
    line = "".join(c if c.isprintable() else " " for c in said)
    return " ".join(line.split())[:500]


def _entry(judged: Verdict, state: str) -> dict[str, Any]:
    return {
        "name": judged.exercise.name,
        "points": judged.points,
        "of": judged.exercise.points,
        "state": state,
        "message": judged.message,
        "feedback": Feedback(judged)._repr_html_(),
    }


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
