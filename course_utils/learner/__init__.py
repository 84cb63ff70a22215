"""What a learner's notebook calls, and what is kept of it in the folder work/."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # where they stand, for whoever reads without running
    from course_utils.learner.checking import check
    from course_utils.learner.predictions import predict

__all__ = ["check", "predict"]

_WHERE = {"check": "checking", "predict": "predictions"}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load `check` and `predict` when they are used: they bring their libraries along.

    The start page, which each start of the course writes, does without.
    """
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
