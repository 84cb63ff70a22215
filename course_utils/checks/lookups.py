"""Which other functions an answer calls, and what may stand in their place.

The grader uses this module inside its sandbox, so it imports nothing of the course but
its neighbours there.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType

import numpy as np

from course_utils.checks.source import Source, names_in


def looked_up(function: object) -> set[str]:
    """Return the names in a function's code, and in that of others which it calls.

    - `function`: what somebody wrote.

    The others are those that stand under these names in the same notebook.
    """
    names = getattr(function, "__globals__", {})
    found: set[str] = set()
    left = [function]
    while left:
        one = left.pop()
        code = getattr(one, "__code__", None)
        if isinstance(code, CodeType) and one.__globals__ is names:
            new = set(names_in(code)) - found
            found |= new
            left += [names.get(x) for x in new]
    return found


def alone(function: object) -> tuple[int, int] | None:
    """Return the first and last line of a function that needs NumPy and nothing else.

    - `function`: what somebody wrote.

    Returns None if it uses anything that its notebook makes, when it is called or when
    it is made. A name of an attribute is taken for one that stands by itself, too.
    """
    code = getattr(function, "__code__", None)
    if not isinstance(function, FunctionType) or code.co_freevars:
        return None
    if function.__defaults__ or function.__kwdefaults__ or function.__annotations__:
        return None
    names, outside = set(names_in(code)), function.__globals__
    if "np" in names and outside.get("np") is not np:
        return None
    own = (Source(function).tree or ast.Module([], [])).body
    if (names - {"np"}) & set(outside) or len(own) != 1:
        return None
    return own[0].lineno, own[0].end_lineno


@contextmanager
def in_place(function: object, others: dict[str, Callable]) -> Iterator[None]:
    """Let a function find others under some names of its notebook.

    - `function`: what somebody wrote.
    - `others`: what stands there meanwhile, by name; each is called as that was whose
      place it takes, with the same names of arguments and the same defaults.
    """
    names = getattr(function, "__globals__", {})
    before = {x: names[x] for x in others if x in names}
    try:
        for name, other in others.items():
            names[name] = _called_like(before.get(name), other)
        yield
    finally:
        for name in others:
            names.pop(name, None)
        names.update(before)


def _called_like(own: object, other: Callable) -> Callable:
    """Return another function, to be called as one's own is."""
    try:
        signature = inspect.signature(own)
    except (TypeError, ValueError):
        return other

    def arguments(args: tuple, named: dict) -> inspect.BoundArguments:
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        return bound

    # It has no name, so that it is not taken for a function that the course offers.
    return lambda *args, **named: other(*(x := arguments(args, named)).args, **x.kwargs)
