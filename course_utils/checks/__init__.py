"""How an answer is judged: exercises as data, one judge, feedback in words."""

from typing import Any

from course_utils.checks.catalogue import EXERCISES, exercises_of
from course_utils.checks.judge import judge

__all__ = ["EXERCISES", "Feedback", "check", "exercises_of", "judge"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load the feedback when it is used: it brings the figures and their libraries.

    The start page, which each start of the course writes, does without.
    """
    if name in ("Feedback", "check"):
        from course_utils.checks import feedback

        return getattr(feedback, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
