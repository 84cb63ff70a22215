"""What stands in the place of the course inside the sandbox.

No function of the course is there, only its name: a call goes to the grader, which
knows what the exercise may use. All that draws, checks or records does nothing.
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What stands here does nothing; the functions elsewhere are asked for by name.
ANSWERS = "course_utils.exercises"  # is not there for anybody
SILENT = ("checks", "data", "figures", "grading", "learner", "models")


class NotOfferedError(ImportError):
    """The grader does not offer this function of the course."""


class Nothing:
    """Is anything, and does nothing."""

    def __call__(self, *_args: object, **_named: object) -> "Nothing":
        """Return this."""
        return self

    def __getattr__(self, name: str) -> "Nothing":
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __bool__(self) -> bool:
        return False


class Course(MetaPathFinder, Loader):
    """Answers each import from the course."""

    # What `check` does, how a function is asked for, and which are offered; set by the
    # submission.
    check: Callable[..., None] = staticmethod(lambda *_, **__: None)
    ask: Callable[..., Any] = staticmethod(lambda *_, **__: None)
    offered: tuple[str, ...] = ()

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Return a spec for a module of the course, and None for all others."""
        if name.partition(".")[0] != "course_utils" or name.startswith(ANSWERS):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module in which every name is there."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""


COURSE = Course()


class _Module(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name == "__all__" and self.__name__ == "course_utils":
            return COURSE.offered
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name == "check":
            return _check
        if self.__name__ == "course_utils" and name in SILENT:
            return import_module(f"course_utils.{name}")
        room = f"{self.__name__}.".split(".")[1]
        return Nothing() if room in SILENT else _function(name)

    def __setattr__(self, name: str, value: object) -> None:
        # `softmax` is a module of the course, and of the same name a function.
        if not isinstance(value, _Module) or name in SILENT:
            super().__setattr__(name, value)


def _check(name: str = "", answer: object = None) -> None:
    """Have an answer judged here; the learner is not told what came of it."""
    COURSE.check(name, answer)


@cache
def _function(name: str) -> Callable[..., Any]:
    def function(*args: object, **named: object) -> object:
        return COURSE.ask(name, args, named)

    function.__name__ = function.__qualname__ = name
    return function


def take_the_place_of_the_course() -> None:
    """Answer all imports of the course from now on; what runs here is there already."""
    for name in ("course_utils", "course_utils.checks"):
        del sys.modules[name]
    sys.meta_path.insert(0, COURSE)
    import_module("course_utils.learner")  # here, as all notebooks import it
