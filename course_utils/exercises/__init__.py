"""The exercises of the course as data: a module for each lesson, found by listing."""

import re
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from course_utils.exercises.exercise import Exercise


def collected(modules: Mapping[str, ModuleType]) -> dict[str, Exercise]:
    """Return the exercises of modules by their names, in order.

    - `modules`: the modules by their names, such as lesson_01.

    Raises ValueError, which names the file, if a module does not list an exercise in
    its EXERCISES, an exercise has another lesson's number, or two have one name.
    """
    found: dict[str, Exercise] = {}
    for name, module in modules.items():
        file = f"course_utils/exercises/{name}.py"
        for constant, x in vars(module).items():
            if isinstance(x, Exercise) and x not in module.EXERCISES:
                raise ValueError(f"{file}: EXERCISES must hold {constant}")
        for x in module.EXERCISES:
            if f"lesson_{x.lesson:02}" != name:
                raise ValueError(f"{file}: {x.name!r} must not have lesson={x.lesson}")
            if x.name in found:
                raise ValueError(f"{file}: another exercise is called {x.name!r} too")
            found[x.name] = x
    return found


_NAMES = sorted(
    x.name for x in iter_modules(__path__) if re.match(r"lesson_\d", x.name)
)
EXERCISES: dict[str, Exercise] = collected(
    {name: import_module(f"{__name__}.{name}") for name in _NAMES}
)


def exercises_of(lesson: int) -> list[Exercise]:
    """Return the exercises of one lesson, in order."""
    return [x for x in EXERCISES.values() if x.lesson == lesson]
