"""Which statements, indices and steps may stand in another's place, or be missing.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations

import numpy as np

from course_utils.checks.nodes import (
    Made,
    Scope,
    called,
    inner,
    is_value,
    method,
    with_parts,
)

MAKERS = {"zeros", "ones", "empty", "full", "zeros_like", "full_like", "arange"}
MAKERS |= {"ones_like", "empty_like", "array", "asarray", "eye"}
BLOCKS = ast.For | ast.While | ast.If
DTYPES = ("float", "int", "bool")
ADDED = "_added"  # the name of a step that is added
# What is often left out, with `_` for what it is done to, and `x` for something else.
STEPS = (
    *("_np.abs(_)", "_[..., None]", "_[:, None]", "_[None]", "_[0]", "_[-1]"),
    *("_[::-1]", "_[..., ::-1]", "_.copy()", "1 - _", "1 / _", "_ + 1", "_ - 1"),
    *("_**2", "_**0.5", "_**-0.5"),
    *("_ / _.sum(axis=-1, keepdims=True)", "_ - _.max(axis=-1, keepdims=True)"),
    *("_ / _.sum()", "_ - _.mean(axis=-1, keepdims=True)", "_.any(axis=-1)"),
    *("_.sum(axis=-1)", "_.sum(axis=0)", "_.sum()", "_.mean()", "_.mean(axis=-1)"),
    *("_.max(axis=-1)", "_.max()", "_.max(axis=0)", "_.all(axis=-1)"),
    *("_.sum(axis=-1, keepdims=True)", "_.max(axis=-1, keepdims=True)"),
    *("_[:-1]", "_[1:]", "_[:, :-1]", "_[:, 1:]", "_[..., :-1]", "_[..., 1:]"),
    *("len(_)", "range(_)", "enumerate(_)", "_np.zeros(_)", "_np.array(_)"),
)
JOINS = ("_ * x", "_ / x", "_ + x", "_ - x", "_ @ x", "_ & x", "_ & ~x")
ROOTS = ("_ / x.shape[-1] ** 0.5", "_ / len(x)")


def _assignments(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.Assign) and len(x.targets) == 1:
        target = x.targets[0]
        if isinstance(target, ast.Name | ast.Subscript):
            for op in (ast.Add(), ast.Mult()):
                yield "assignment", ast.AugAssign(target, op, x.value)
        if isinstance(x.value, ast.Name | ast.Subscript | ast.Attribute):
            yield "copy", ast.Assign(x.targets, method(x.value, "copy"))
    elif isinstance(x, ast.AugAssign):
        yield "assignment", ast.Assign([x.target], x.value)
        if isinstance(x.target, ast.Name):
            joined = ast.BinOp(ast.Name(x.target.id, ast.Load()), x.op, x.value)
            yield "copy", ast.Assign([x.target], joined)


def _needless(x: ast.AST, _scope: Scope) -> Made:
    kinds = ast.Assign | ast.AugAssign | ast.If | ast.Assert | ast.Raise | ast.Expr
    if isinstance(x, kinds):
        yield "extra", ast.Pass()


def _returns(x: ast.AST, scope: Scope) -> Made:
    if not isinstance(x, ast.Return) or x.value is None:
        return
    if isinstance(x.value, ast.Tuple):
        for one in x.value.elts:
            yield "return", ast.Return(one)
    for name in scope.names:
        if name not in scope.arguments and getattr(x.value, "id", "") != name:
            yield "return", ast.Return(ast.Name(name, ast.Load()))


def _blocks(x: ast.AST, _scope: Scope) -> Made:
    """Take a statement out of a block, or the one that follows it in."""
    if isinstance(x, BLOCKS) and len(x.body) > 1:
        for out, kept in ((x.body[-1], x.body[:-1]), (x.body[0], x.body[1:])):
            both = [_block(x, kept), out]
            both = both if out is x.body[-1] else both[::-1]
            yield "block", ast.If(ast.Constant(True), both, []), out
    if not isinstance(x, BLOCKS | ast.FunctionDef):
        return
    for i, (one, after) in enumerate(zip(x.body, x.body[1:], strict=False)):
        if isinstance(one, BLOCKS):
            joined = _block(one, [*one.body, after])
            body = [*x.body[:i], joined, *x.body[i + 2 :]]
            yield "block", _block(x, body), after


def _block(x: ast.stmt, body: list[ast.stmt]) -> ast.stmt:
    parts = dict(ast.iter_fields(x)) | {"body": body}
    return ast.copy_location(type(x)(**parts), x)


def _conditions(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.If):
        for test in (ast.UnaryOp(ast.Not(), x.test), ast.Constant(True)):
            yield "condition", ast.If(test, x.body, x.orelse), x.test
    elif isinstance(x, ast.IfExp):
        yield "condition", ast.IfExp(x.test, x.orelse, x.body), x.test
        yield "condition", x.body
        yield "condition", x.orelse
    elif isinstance(x, ast.comprehension) and x.ifs:
        none = ast.comprehension(x.target, x.iter, [], x.is_async)
        yield "condition", none, x.ifs[0]


def _indices(x: ast.AST, _scope: Scope) -> Made:
    if not isinstance(x, ast.Subscript):
        return
    for new in _other_indices(x.slice):
        yield "index", ast.Subscript(x.value, new, x.ctx)
    if isinstance(x.ctx, ast.Load):
        yield "index", x.value


def _other_indices(index: ast.expr) -> Iterator[ast.expr]:
    every, dots = ast.Slice(), ast.Constant(...)
    if not isinstance(index, ast.Tuple):
        for parts in ([every, index], [dots, index], [dots, index, every]):
            yield ast.Tuple(parts, ast.Load())
        return
    parts = index.elts
    for one in (every, dots):
        yield ast.Tuple([one, *parts], ast.Load())
    for i in range(len(parts) - 1):
        swapped = [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]
        yield ast.Tuple(swapped, ast.Load())
    for i in range(len(parts)):
        yield ast.Tuple([*parts[:i], *parts[i + 1 :]], ast.Load())


def _elements(x: ast.AST, _scope: Scope) -> Made:
    """Swap what stands in a list, or what one is taken apart into; leave one out."""
    if not isinstance(x, ast.Tuple | ast.List) or len(x.elts) < 2:
        return
    n = len(x.elts)
    for i, j in combinations(range(n), 2):
        if n <= 6 or j == i + 1:
            swapped = list(x.elts)
            swapped[i], swapped[j] = x.elts[j], x.elts[i]
            yield "order", type(x)(swapped, x.ctx)
    if isinstance(x.ctx, ast.Load):
        for i in range(n):
            yield "extra", type(x)(x.elts[:i] + x.elts[i + 1 :], x.ctx), x.elts[i]


def _dtypes(x: ast.AST, scope: Scope) -> Made:
    if isinstance(x, ast.Return) and x.value is not None:
        of = [ast.Name(name, ast.Load()) for name in scope.arguments]
        others = [ast.Attribute(name, "dtype", ast.Load()) for name in of]
        for new in (*_wanted(), *others):
            yield "dtype", ast.Return(method(x.value, "astype", new))
    if not isinstance(x, ast.Call):
        return
    if called(x) == "astype":
        for new in _wanted():
            yield "dtype", with_parts(x, args=[new])
    elif called(x) in MAKERS:
        others = [k for k in x.keywords if k.arg != "dtype"]
        for new in _wanted():
            of = [*others, ast.keyword("dtype", new)]
            yield "dtype", with_parts(x, keywords=of)


def _wanted() -> list[ast.expr]:
    return [ast.Name(name, ast.Load()) for name in DTYPES]


def _calls(x: ast.AST, _scope: Scope) -> Made:
    """Leave a call out, and keep what it is given."""
    if isinstance(x, ast.Call):
        for one in dict.fromkeys([inner(x), *x.args]):
            if one is not x and not isinstance(one, ast.Starred):
                yield "call", one


def missing(x: ast.AST, scope: Scope) -> Made:
    """Add a step to a value: any of STEPS, or one that the exercise is about.

    Most of all edits are such. So one code serves for all steps of a value: it calls
    ADDED, and each edit says what that does.
    """
    if is_value(x):
        new = _with_step(x)
        for step in (*(f"_np.{name}(_)" for name in scope.steps), *STEPS):
            yield "missing", new, x, step
    if isinstance(x, ast.Call | ast.BinOp):
        for name in scope.names:
            yield "missing", _with_step(x, name), x, "_ * x"
    if isinstance(x, ast.Assign | ast.Return) and x.value is not None:
        for names, steps in ((scope.names, JOINS), (scope.arguments, ROOTS)):
            for name in names:
                same = ast.Return(new := _with_step(x.value, name))
                if isinstance(x, ast.Assign):
                    same = ast.Assign(x.targets, new)
                for step in steps:
                    yield "missing", same, x.value, step


def _with_step(x: ast.expr, *names: str) -> ast.Call:
    load = ast.Load()
    given = [x, *(ast.Name(name, load) for name in names)]
    return ast.Call(ast.Name(ADDED, load), given, [])


@cache
def step_of(template: str) -> Callable[..., object]:
    """Return what a step does, given a value, and perhaps another."""
    return eval(f"lambda _, x=None: {template}", {"_np": np})


for _template in (*STEPS, *JOINS, *ROOTS):  # now, not once for each submission
    step_of(_template)


STATEMENTS = (
    *(_assignments, _needless, _returns, _blocks, _conditions, _indices, _elements),
    *(_dtypes, _calls),
)
