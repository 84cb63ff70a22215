"""Keep the imports of older notebooks working: what moved, and where it is now.

Learners keep notebooks of earlier versions, and hand them in. Nothing else may use
these names.
"""

from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "course_utils.order_reader": "course_utils.models.order_reader",
    "course_utils.position_reader": "course_utils.models.position_reader",
    "course_utils.terrain": "course_utils.data.terrain",
    "course_utils.two_relations": "course_utils.models.two_relations",
}
NAMES = {
    "course_utils.checks": {"check": "course_utils.learner"},
    "course_utils.figures": {"predict": "course_utils.learner"},
}


class Forwarder(MetaPathFinder, Loader):
    """Answers an import of a module's former name with the module."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Return a spec for a former name, and None for all others."""
        return ModuleSpec(name, self) if name in MODULES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module under its present name."""
        return import_module(MODULES[spec.name])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module has been executed already."""


def attribute(module: str, name: str) -> Any:  # noqa: ANN401
    """Return what `name` in `module` has become; for a module's `__getattr__`.

    Raises AttributeError if the module never had this name.
    """
    if name not in NAMES[module]:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return getattr(import_module(NAMES[module][name]), name)
