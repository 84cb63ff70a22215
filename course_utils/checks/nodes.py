"""Small helpers for code as a tree, which the rules of edits share.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# What a rule makes of a node: the kind of edit, what is to stand there, what to look
# at, if that is not the node as a whole, and a step that is added.
Made = Iterator[
    tuple[str, ast.AST]
    | tuple[str, ast.AST, ast.AST]
    | tuple[str, ast.AST, ast.AST, str]
]


@dataclass(frozen=True)
class Scope:
    """What an edit may use.

    - `names`: the arguments and variables of the function.
    - `arguments`: its arguments alone.
    - `steps`: functions of NumPy with one argument that the exercise is about.
    """

    names: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def method(x: ast.expr, name: str, *args: ast.expr) -> ast.Call:
    """Return the call of a method."""
    return ast.Call(ast.Attribute(x, name, ast.Load()), list(args), [])


def locate(new: ast.AST, old: ast.AST) -> None:
    """Give what is new in a tree the place of the old; what was there keeps its own."""
    left = [new]
    while left:
        x = left.pop()
        if not hasattr(x, "lineno"):
            if "lineno" in x._attributes:
                ast.copy_location(x, old)
            left.extend(ast.iter_child_nodes(x))


def is_value(x: ast.AST) -> bool:
    """Whether a node is an expression that is read, and worth wrapping."""
    if not isinstance(x, ast.expr) or isinstance(
        x, ast.Constant | ast.Slice | ast.Tuple | ast.Starred | ast.Lambda
    ):
        return False
    return isinstance(getattr(x, "ctx", ast.Load()), ast.Load)


def called(x: ast.AST) -> str:
    """Return the last name of the function that a call calls."""
    function = getattr(x, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


def number(x: ast.AST) -> int | float | None:
    """Return the number that is written here, if one is."""
    if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub):
        inner = number(x.operand)
        return None if inner is None else -inner
    if isinstance(x, ast.Constant) and type(x.value) in (int, float):
        return x.value
    return None


def with_parts(call: ast.Call, **changed: object) -> ast.Call:
    """Return the same call with other arguments, or another function."""
    parts = {"func": call.func, "args": call.args, "keywords": call.keywords}
    return ast.Call(**(parts | changed))


def inner(x: ast.Call) -> ast.expr:
    """Return what a call works on: its first argument, or what its method is of."""
    of_module = getattr(getattr(x.func, "value", None), "id", "") in ("np", "numpy")
    if isinstance(x.func, ast.Attribute) and not of_module:
        return x.func.value
    return x.args[0] if x.args else x
