"""Which expressions may stand in another's place: operators, axes, names, brackets.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast
from collections.abc import Iterator
from itertools import chain, combinations, permutations

from course_utils.checks.nodes import (
    Made,
    Scope,
    called,
    inner,
    is_value,
    number,
    with_parts,
)

REDUCE = "sum mean max min prod any all argmax argmin cumsum std var norm"
REDUCE = set(f"{REDUCE} cumprod logsumexp softmax sort argsort repeat flip".split())
REDUCE |= {"concatenate", "stack", "count_nonzero", "roll", "diff", "log_softmax"}
KEEP = {"sum", "mean", "max", "min", "prod", "std", "var", "norm"}
FAMILIES = (
    ("max", "min", "mean", "sum", "prod"),
    ("any", "all", "sum", "max", "min"),
    ("argmax", "argmin", "max", "min"),
    ("maximum", "minimum", "add"),
    ("sum", "cumsum"),
    ("exp", "log", "sqrt", "square", "exp2"),
    ("log", "log2", "log10", "log1p"),
    ("sin", "cos", "tan"),
    ("std", "var"),
    ("repeat", "tile"),
    ("argsort", "sort"),
    ("tril", "triu"),
    ("zeros", "ones", "empty"),
    ("zeros_like", "ones_like"),
    ("floor", "ceil", "round", "rint", "trunc"),
    ("concatenate", "stack"),
    ("hstack", "vstack"),
    ("outer", "dot"),
    ("eye", "ones"),
    ("logical_and", "logical_or"),
)
CONFUSED = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult, ast.Div),
    ast.Mult: (ast.Div, ast.MatMult, ast.Add, ast.Pow, ast.Sub),
    ast.Div: (ast.Mult, ast.FloorDiv, ast.Sub, ast.Pow),
    ast.FloorDiv: (ast.Div, ast.Mod, ast.Mult),
    ast.Mod: (ast.FloorDiv, ast.Div),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult, ast.Div),
    ast.BitAnd: (ast.BitOr, ast.BitXor),
    ast.BitOr: (ast.BitAnd, ast.BitXor, ast.Add),
    ast.BitXor: (ast.BitAnd, ast.BitOr),
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE),
    ast.LtE: (ast.Lt, ast.GtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.LtE, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


def _operators(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.BinOp):
        for op in CONFUSED.get(type(x.op), ()):
            yield "operator", ast.BinOp(x.left, op(), x.right)
        if isinstance(x.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Pow | ast.MatMult):
            yield "order", ast.BinOp(x.right, x.op, x.left)
        yield "extra", x.left
        yield "extra", x.right
    elif isinstance(x, ast.AugAssign):
        for op in CONFUSED.get(type(x.op), ()):
            yield "operator", ast.AugAssign(x.target, op(), x.value)
    elif isinstance(x, ast.BoolOp):
        for op in CONFUSED[type(x.op)]:
            yield "operator", ast.BoolOp(op(), x.values)


def _comparisons(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.Compare) and len(x.ops) == 1:
        for op in CONFUSED.get(type(x.ops[0]), ()):
            yield "comparison", ast.Compare(x.left, [op()], x.comparators)


def _signs(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.UnaryOp) and number(x) is None:
        yield "sign", x.operand
    elif is_value(x) and not isinstance(x, ast.Name | ast.Attribute):
        yield "sign", ast.UnaryOp(ast.USub(), x)
        yield "sign", ast.UnaryOp(ast.Invert(), x)
    elif is_value(x):
        yield "sign", ast.UnaryOp(ast.USub(), x)


def _names(x: ast.AST, scope: Scope) -> Made:
    if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load):
        for other in scope.names if x.id in scope.names else scope.arguments:
            if other != x.id:
                yield "name", ast.Name(other, ast.Load())


def _sizes(x: ast.AST, _scope: Scope) -> Made:
    if called(x) == "len" and len(x.args) == 1:
        for axis in (-1, -2, 1):
            shape = ast.Attribute(x.args[0], "shape", ast.Load())
            yield "size", ast.Subscript(shape, _signed(axis), ast.Load())
    elif isinstance(x, ast.Subscript) and getattr(x.value, "attr", "") == "shape":
        for axis in (0, 1, -1, -2):
            if number(x.slice) not in (axis, None):
                yield "size", ast.Subscript(x.value, _signed(axis), ast.Load())


def _axes(x: ast.AST, scope: Scope) -> Made:
    """Change, add or take away an axis, and `keepdims` with it."""
    named = {k.arg: k for k in getattr(x, "keywords", ())}
    if "axis" in named:
        others = [k for k in x.keywords if k.arg != "axis"]
        given = named["axis"].value
        for new in _other_axes(given, scope):
            changed = [*others, ast.keyword("axis", new)]
            yield "axis", with_parts(x, keywords=changed), named["axis"]
            if "keepdims" not in named and called(x) in KEEP:
                both = [*changed, ast.keyword("keepdims", ast.Constant(True))]
                yield "axis", with_parts(x, keywords=both), named["axis"]
        bare = [k for k in others if k.arg != "keepdims"]
        yield "axis", with_parts(x, keywords=bare), named["axis"]
    elif called(x) in REDUCE:
        yield from _axes_without_name(x, scope)
    if called(x) in REDUCE and "keepdims" not in named:
        keep = ast.keyword("keepdims", ast.Constant(True))
        yield "axis", with_parts(x, keywords=[*x.keywords, keep])


def _axes_without_name(x: ast.Call, scope: Scope) -> Made:
    at = _place_of_axis(x)
    given = None if at is None else x.args[at]
    for new in _other_axes(given, scope):
        if at is not None:
            args = [*x.args[:at], new, *x.args[at + 1 :]]
            yield "axis", with_parts(x, args=args), given
            continue
        axis = ast.keyword("axis", new)
        keep = ast.keyword("keepdims", ast.Constant(True))
        yield "axis", with_parts(x, keywords=[*x.keywords, axis])
        yield "axis", with_parts(x, keywords=[*x.keywords, axis, keep])


def _place_of_axis(x: ast.Call) -> int | None:
    """Return which argument is the axis, where one without a name must be."""
    on_module = getattr(getattr(x.func, "value", None), "id", "") in ("np", "numpy")
    at = 1 if on_module or isinstance(x.func, ast.Name) else 0
    return at if len(x.args) > at and number(x.args[at]) is not None else None


def _other_axes(given: ast.expr | None, scope: Scope) -> Iterator[ast.expr]:
    for axis in (-1, 0, 1, -2, -3, None):
        is_same = given is not None and ast.unparse(given) == str(axis)
        if not is_same and (axis is not None or given is not None):
            yield ast.Constant(axis)
    if "axis" in scope.arguments and getattr(given, "id", "") != "axis":
        yield ast.Name("axis", ast.Load())


def _transpositions(x: ast.AST, _scope: Scope) -> Made:
    if isinstance(x, ast.Attribute) and x.attr == "T":
        yield "transposition", x.value
    elif called(x) in ("swapaxes", "transpose", "moveaxis", "matrix_transpose"):
        yield "transposition", inner(x)
        yield from _other_pairs(x)
    elif is_value(x) and isinstance(x, ast.Name | ast.Subscript | ast.Call | ast.BinOp):
        axes = [_signed(-1), _signed(-2)]
        yield "transposition", ast.Call(_of_numpy("swapaxes"), [x, *axes], [])
        yield "transposition", ast.Attribute(x, "T", ast.Load())


def _other_pairs(x: ast.Call) -> Made:
    """Turn another pair of axes, where two are given."""
    given = [number(one) for one in x.args[-2:]]
    if None in given or len(given) < 2:
        return
    for pair in permutations((-1, -2, -3, 0, 1), 2):
        if list(pair) != given:
            axes = [_signed(axis) for axis in pair]
            yield "transposition", with_parts(x, args=[*x.args[:-2], *axes])


def _brackets(x: ast.AST, _scope: Scope) -> Made:
    """Let another part be worked out first, with the same marks in the same order."""
    if isinstance(x, ast.UnaryOp) and isinstance(x.operand, ast.BinOp):
        b = x.operand
        yield "brackets", ast.BinOp(ast.UnaryOp(x.op, b.left), b.op, b.right)
    if isinstance(x, ast.Call) and x.args and isinstance(x.args[0], ast.BinOp):
        b = x.args[0]
        alone = with_parts(x, args=[b.left, *x.args[1:]])
        yield "brackets", ast.BinOp(alone, b.op, b.right)
        alone = with_parts(x, args=[b.right, *x.args[1:]])
        yield "brackets", ast.BinOp(b.left, b.op, alone)
    if not isinstance(x, ast.BinOp):
        return
    left, right = x.left, x.right
    if isinstance(left, ast.BinOp):
        joined = ast.BinOp(left.right, x.op, right)
        yield "brackets", ast.BinOp(left.left, left.op, joined)
        first = ast.BinOp(left.left, x.op, right)
        yield "brackets", ast.BinOp(first, left.op, left.right)
    if isinstance(right, ast.BinOp):
        joined = ast.BinOp(left, x.op, right.left)
        yield "brackets", ast.BinOp(joined, right.op, right.right)
    if isinstance(left, ast.UnaryOp):
        yield "brackets", ast.UnaryOp(left.op, ast.BinOp(left.operand, x.op, right))
    if isinstance(left, ast.Call) and left.args and inner(left) is left.args[0]:
        joined = ast.BinOp(left.args[0], x.op, right)
        yield "brackets", with_parts(left, args=[joined, *left.args[1:]])
    if isinstance(right, ast.Call) and right.args and inner(right) is right.args[0]:
        joined = ast.BinOp(left, x.op, right.args[0])
        yield "brackets", with_parts(right, args=[joined, *right.args[1:]])


def _methods(x: ast.AST, scope: Scope) -> Made:
    """From `a - b.max()` to `(a - b).max()`, and back; the same without the call."""
    if isinstance(x, ast.BinOp):
        right = x.right
        tail = right.func if isinstance(right, ast.Call) else right
        is_module = getattr(getattr(tail, "value", None), "id", None) not in (
            *(None, *scope.names),
        )
        if isinstance(tail, ast.Attribute) and not is_module:
            method = ast.Attribute(ast.BinOp(x.left, x.op, tail.value), tail.attr)
            yield "brackets", _like(right, method)
        return
    tail = x.func if isinstance(x, ast.Call) else x
    if isinstance(tail, ast.Attribute) and isinstance(tail.value, ast.BinOp):
        b = tail.value
        method = ast.Attribute(b.right, tail.attr)
        yield "brackets", ast.BinOp(b.left, b.op, _like(x, method))


def _like(x: ast.AST, method: ast.Attribute) -> ast.expr:
    """Return a method, called as another is; or not, if that is not."""
    method.ctx = ast.Load()
    return with_parts(x, func=method) if isinstance(x, ast.Call) else method


def _bounds(x: ast.AST, scope: Scope) -> Made:
    """Move the ends of slices and ranges, and single indices, by one."""
    if isinstance(x, ast.Slice):
        for part in ("lower", "upper", "step"):
            parts = {"lower": x.lower, "upper": x.upper, "step": x.step}
            for new in _moved(parts[part], part):
                yield "bound", ast.Slice(**(parts | {part: new}))
    elif called(x) in ("range", "arange", "eye", "tril", "triu", "diagonal", "roll"):
        for i, argument in enumerate(x.args):
            for new in _moved(argument, "upper")[1:]:
                yield "bound", with_parts(x, args=[*x.args[:i], new, *x.args[i + 1 :]])
        if len(x.args) == 1 and called(x) in ("range", "arange", "tril", "triu"):
            first = called(x) in ("range", "arange")
            for k in (1,) if first else (1, -1):
                more = [ast.Constant(k), *x.args] if first else [*x.args, _signed(k)]
                yield "bound", with_parts(x, args=more)
    elif isinstance(x, ast.Subscript) and isinstance(
        x.slice, ast.Name | ast.BinOp | ast.Call
    ):
        names = [ast.Name(name, ast.Load()) for name in scope.names]
        shared = [ast.BinOp(x.slice, ast.FloorDiv(), name) for name in names]
        for new in (*_moved(x.slice, "upper")[1:], *shared):
            yield "bound", ast.Subscript(x.value, new, x.ctx)


def _signed(k: float) -> ast.expr:
    return ast.Constant(k) if k >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-k))


def _of_numpy(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("_np", ast.Load()), name, ast.Load())


def _moved(x: ast.expr | None, part: str) -> list[ast.expr | None]:
    """Return other ends of a slice: none, and one more or one less."""
    if x is None:
        return [] if part == "step" else [_signed(1), _signed(-1)]
    written = number(x)
    if written is not None:
        near = [written + 1, written - 1, -written]
        return [None, *(_signed(n) for n in near if part != "step" or n)]
    return [
        None,
        *(ast.BinOp(x, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub())),
        *([x.left] if isinstance(x, ast.BinOp) else []),
    ]


def _numbers(x: ast.AST, _scope: Scope) -> Made:
    written = number(x)
    if written is None:
        return
    near = {written + 1, written - 1, -written, written * 2, 0, 1, -1, 2, -2}
    if isinstance(written, float) or written in (1, 2):
        near |= {written / 2, 0.5, -0.5}
    for n in sorted(near - {written}):
        whole = n == int(n) and isinstance(written, int)
        yield "number", _signed(int(n) if whole else n)
    if abs(written) > 100:
        largest = _of_numpy("inf")
        yield "number", ast.UnaryOp(ast.USub(), largest) if written < 0 else largest


def functions(x: ast.AST, _scope: Scope) -> Made:
    """Name another function of the same family."""
    name = getattr(x, "attr", getattr(x, "id", ""))
    if not isinstance(x, ast.Attribute | ast.Name) or isinstance(x.ctx, ast.Store):
        return
    others = chain.from_iterable(family for family in FAMILIES if name in family)
    for other in dict.fromkeys(others):
        if other != name and isinstance(x, ast.Attribute):
            yield "function", ast.Attribute(x.value, other, x.ctx)
        elif other != name:
            yield "function", ast.Name(other, x.ctx)


def _arguments(x: ast.AST, scope: Scope) -> Made:
    """Leave arguments out, swap them, or hand one more over."""
    if not isinstance(x, ast.Call):
        return
    args, keywords = x.args, x.keywords
    for i, j in combinations(range(min(len(args), 5)), 2):
        swapped = list(args)
        swapped[i], swapped[j] = args[j], args[i]
        yield "order", with_parts(x, args=swapped)
    for i in range(len(args) if len(args) > 1 else 0):
        yield "argument", with_parts(x, args=args[:i] + args[i + 1 :]), args[i]
    for one in keywords:
        left = [k for k in keywords if k is not one]
        kinds = {"axis": "axis", "keepdims": "axis", "dtype": "dtype"}
        yield kinds.get(one.arg, "argument"), with_parts(x, keywords=left), one
        if isinstance(one.value, ast.Constant) and type(one.value.value) is bool:
            other = ast.keyword(one.arg, ast.Constant(not one.value.value))
            yield "argument", with_parts(x, keywords=[*left, other]), one
    of = getattr(x.func, "value", x.func)
    if isinstance(of, ast.Name) and of.id not in scope.names:
        for name in scope.names:
            more = ast.Name(name, ast.Load())
            yield "argument", with_parts(x, args=[*args, more])
            if name in scope.arguments and name not in [k.arg for k in keywords]:
                named = ast.keyword(name, more)
                yield "argument", with_parts(x, keywords=[*keywords, named])


EXPRESSIONS = (
    *(_operators, _comparisons, _signs, _names, _sizes, _axes, _transpositions),
    *(_brackets, _methods, _bounds, _numbers, functions, _arguments),
)
