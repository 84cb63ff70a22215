"""The exercises of the course as data: a module for each lesson, found by listing."""

import re
from importlib import import_module
from pkgutil import iter_modules

from course_utils.exercises.exercise import Exercise

_MODULES = sorted(
    x.name for x in iter_modules(__path__) if re.match(r"lesson_\d", x.name)
)
EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for module in _MODULES
    for exercise in import_module(f"{__name__}.{module}").EXERCISES
}


def exercises_of(lesson: int) -> list[Exercise]:
    """Return the exercises of one lesson, in order."""
    return [x for x in EXERCISES.values() if x.lesson == lesson]
