"""What right answers have on their way to the result."""

import ast
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType

import numpy as np

from course_utils.checks.judge import draws
from course_utils.checks.look import quietly
from course_utils.checks.source import Source
from course_utils.checks.stages import same
from course_utils.exercises.exercise import Answer, Exercise

MOST = 48  # stages
PARTS = ast.Call | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript | ast.Name
PARTS |= ast.Attribute | ast.IfExp


@lru_cache(maxsize=256)  # a class is graded with one seed
def stages_of(exercise: Exercise, seed: int) -> list[list[np.ndarray]]:
    """Return what the worked solution, or another right answer, has on its way.

    - `exercise`: what was asked.
    - `seed`: draws what it is asked with.

    Returns for each case the same stages in the same order. What is the same number in
    all cases, or an argument, is none.
    """
    cases = [list(arguments.values()) for arguments, _ in draws(exercise, seed)]
    whole: list[list[np.ndarray]] = [[] for _ in cases]
    for answer in (exercise.reference, *exercise.also_right):
        with quietly():
            watched = _Watched(answer)
            rows = [watched.stages(x) for x in cases]
        for key in rows[0]:
            column = [x.get(key) for x in rows]
            if all(x is not None for x in column) and _is_new(column, whole, cases):
                for stages, x in zip(whole, column, strict=True):
                    stages.append(x)
    return [x[:MOST] for x in whole]


def _is_new(
    column: list[np.ndarray],
    whole: list[list[np.ndarray]],
    cases: list[list[np.ndarray]],
) -> bool:
    """Whether a stage depends on the case, and is neither there nor an argument."""
    if column[0].size == 0 or all(
        x.size == 0 or (x == column[0].flat[0]).all() for x in column
    ):
        return False
    there = [*zip(*cases, strict=True), *zip(*whole, strict=True)]
    return not any(
        all(same(x, y) for x, y in zip(column, other, strict=True)) for other in there
    )


class _Watched:
    """A right answer, whose expressions are noted.

    - `answer`: the answer; the functions of the course that it calls itself are noted
      with it.
    """

    def __init__(self, answer: Answer) -> None:
        self._noted: dict[str, np.ndarray | None] = {}
        self._function = self._made(answer, is_outer=True)

    def stages(self, given: list[np.ndarray]) -> dict[str, np.ndarray | None]:
        """Return the numbers that are worked out just once on the way, by place."""
        self._noted.clear()
        came = self._function(*(x.copy("K") if x.ndim else x.item() for x in given))
        return self._noted | {"result": _array(came)}

    def _note(self, key: str, value: object) -> object:
        self._noted[key] = None if key in self._noted else _array(value)
        return value

    def _made(self, function: Callable, *, is_outer: bool = False) -> Callable:
        source = Source(function)
        if source.tree is None:
            return function
        names = dict(source.outside)
        used = {x.id for x in ast.walk(source.tree) if isinstance(x, ast.Name)}
        for name in used & set(names) if is_outer else ():
            if isinstance(names[name], FunctionType) and _is_ours(names[name]):
                names[name] = self._made(names[name])
        tree = _Notes(function).visit(source.tree)
        names["_note"] = self._note
        exec(compile(ast.fix_missing_locations(tree), "<worked>", "exec"), names)
        return names[source.name]


def _is_ours(function: FunctionType) -> bool:
    return function.__module__.startswith("course_utils.")


def _array(value: object) -> np.ndarray | None:
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return None
    array = np.array(value)
    return array if array.dtype.kind in "biuf" else None


class _Notes(ast.NodeTransformer):
    """Has every expression in the body of functions noted."""

    def __init__(self, function: Callable) -> None:
        self._of, self._count = function.__qualname__, 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Look into the body alone."""
        node.body = [self.visit(x) for x in node.body]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Look into the body alone."""
        node.body = self.visit(node.body)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave the name of the function as it is."""
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        node.args = [self.visit(x) for x in node.args]
        node.keywords = [self.visit(x) for x in node.keywords]
        return self._noted(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Have an expression noted that is read."""
        super().generic_visit(node)
        return self._noted(node)

    def _noted(self, node: ast.AST) -> ast.AST:
        is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if not isinstance(node, PARTS) or not is_read:
            return node
        self._count += 1
        key = ast.Constant(f"{self._of} {self._count}")
        noted = ast.Call(ast.Name("_note", ast.Load()), [key, node], [])
        return ast.copy_location(noted, node)
