"""Charge a slip once: judge what calls an earlier answer with a right one in its place.

An exercise may build on an earlier one of the same notebook. Where that is wrong, what
is right in itself comes out wrong too.
"""

import inspect
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache

import numpy as np

from course_utils.checks.asking import UNWRITTEN
from course_utils.checks.judge import Verdict
from course_utils.exercises import exercises_of
from course_utils.exercises.exercise import Answer, Exercise


def earlier(exercise: Exercise) -> list[Exercise]:
    """Return the exercises of the same notebook that come before, in order."""
    same = exercises_of(exercise.lesson)
    return same[: same.index(exercise)]


def right_one(exercise: Exercise, note: Callable[[str], object]) -> Answer:
    """Return a right answer, which takes its arguments by place or by name.

    - `exercise`: what it answers.
    - `note`: is told the name of the exercise with each call.
    """
    signature = _signature(exercise)

    def right(*args: object, **named: object) -> np.ndarray:
        bound = signature.bind(*args, **named)
        note(exercise.name)
        return exercise.reference(*bound.args)

    return right


@cache
def _signature(exercise: Exercise) -> inspect.Signature:
    names = exercise.inputs(np.random.default_rng(0), 0)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(x, kind) for x in names])


def both(alone: Verdict, helped: Verdict, used: Collection[str]) -> Verdict:
    """Return what to say of an answer that was judged twice.

    - `alone`: the verdict on it as it stands, which is not right.
    - `helped`: the verdict with right functions in the place of earlier answers.
    - `used`: the names of those that it called.
    """
    return with_right_ones(helped, used) if is_told(helped, used) else alone


def is_told(helped: Verdict, used: Collection[str]) -> bool:
    """Whether a verdict with right functions says more than one without."""
    return bool(used) and helped.message != UNWRITTEN


def with_right_ones(helped: Verdict, used: Collection[str]) -> Verdict:
    """Return a verdict that says which right functions took the place of others."""
    names = " and ".join(f"`{x}`" for x in sorted(used))
    is_, one = ("is", "a right one") if len(used) == 1 else ("are", "right ones")
    if helped.passed:
        said = f"this is right; what it calls, your {names}, {is_} not yet"
        return replace(helped, message=said)
    said = f"What it calls, your {names}, {is_} not right yet either"
    return replace(helped, remarks=f"{said}; here {one} took the place.")
