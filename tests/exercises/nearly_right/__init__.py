"""Wrong answers that are right on most inputs, by exercise and by what is wrong."""

from importlib import import_module
from pkgutil import iter_modules

NEARLY_RIGHT = {
    name: answers
    for module in sorted(x.name for x in iter_modules(__path__))
    for name, answers in import_module(f"{__name__}.{module}").WRONG.items()
}
