"""What the statements of a function give names to, noted while it runs.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

HELD = ast.Subscript | ast.Attribute | ast.Starred
SCOPES = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SCOPES |= ast.Lambda | ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Step:
    """What a statement gives a name to; the statement itself if it returns.

    - `name`: the name, or nothing.
    - `node`: the statement.
    - `reads`: the names that it reads.
    """

    name: str
    node: ast.stmt
    reads: set[str]


def watched(own: ast.FunctionDef, local: set[str]) -> list[Step]:
    """Have a function tell `_note` what each statement gives a name to.

    - `own`: its code, which is changed.
    - `local`: the names that are its own.

    Returns the steps, in order; `_note` is called with the number of a step and its
    value, and returns what takes its place.
    """
    steps: list[Step] = []
    body = []
    for statement in own.body:
        body.append(statement)
        reads = {x.id for x in ast.walk(statement) if isinstance(x, ast.Name)}
        if isinstance(statement, ast.Return):
            steps.append(Step("", statement, reads))
        for name, is_new in _named(statement).items():
            if name in local:
                body.append(_noting(name, len(steps), statement))
                steps.append(Step(name, statement, reads - {name} if is_new else reads))
    own.body = body
    return steps


def _noting(name: str, k: int, after: ast.stmt) -> ast.stmt:
    code = f"try:\n {name} = _note({k}, {name})\nexcept NameError:\n pass"
    new = ast.parse(code).body[0]
    for x in ast.walk(new):
        if "lineno" in x._attributes:
            ast.copy_location(x, after)
    return new


def _named(statement: ast.stmt) -> dict[str, bool]:
    """Return the names that a statement gives values to, or changes.

    Each with whether what stood there before is of no account.
    """
    found: dict[str, bool] = {}
    is_plain = isinstance(statement, ast.Assign | ast.AnnAssign)
    left = [statement]
    while left:
        x = left.pop(0)
        if isinstance(x, SCOPES):
            continue
        left.extend(ast.iter_child_nodes(x))
        if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store):
            is_read = any(
                isinstance(y, ast.Name) and y.id == x.id and y is not x
                for y in ast.walk(statement)
            )
            found.setdefault(x.id, is_plain and not is_read)
        elif isinstance(x, HELD) and isinstance(x.ctx, ast.Store):
            found |= dict.fromkeys(_bases(x), False)
        elif isinstance(x, ast.Expr) and isinstance(x.value, ast.Call):
            for y in (x.value.func, *x.value.args[:1]):
                found |= dict.fromkeys(_bases(y), False)
    return found


def _bases(x: ast.AST) -> Iterator[str]:
    while isinstance(x, HELD):
        x = x.value
    if isinstance(x, ast.Name):
        yield x.id
