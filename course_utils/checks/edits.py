"""The small changes of a function that `repair` tries: one node for another.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations

from course_utils.checks.edit_expressions import EXPRESSIONS, functions
from course_utils.checks.edit_statements import STATEMENTS, missing
from course_utils.checks.nodes import Scope, locate, number

# What is asked about the place of each kind of edit; the likely kinds come first.
QUESTIONS = {
    "axis": "along which axis should this work, and what shape should be left?",
    "operator": "is this the operation that belongs between the two?",
    "comparison": "which way round is it, and what if both sides are equal?",
    "name": "is this the array or number that belongs here?",
    "size": "whose length is wanted here, and along which axis?",
    "sign": "what sign, or what truth, should this have here?",
    "transposition": "which axis of it should meet which axis of the other?",
    "brackets": "what is worked out first here, and what should be?",
    "bound": "where should this begin and end? Count it out for three.",
    "number": "is this the right number? Work out a small case by hand.",
    "function": "is this the function that does what is wanted here?",
    "assignment": "should this replace what was there, or build on it?",
    "order": "in which order must these stand?",
    "argument": "what does this call need to be told, and what not?",
    "copy": "does this change an array that somebody else still needs as it was?",
    "dtype": "which dtype has this, and which must it have?",
    "return": "what exactly should be returned?",
    "block": "how often should this happen? Look at how far it is indented.",
    "condition": "in which cases should this branch be taken?",
    "index": "which axis does this index pick from, and what shape is left?",
    "extra": "is this needed at all?",
    "call": "does this step belong here?",
    "missing": "what must still be done to this before it can be used here?",
}
LIKELY = tuple(QUESTIONS)
STRICT = (ast.Lt, ast.Gt)
RULES = (*EXPRESSIONS, *STATEMENTS)


@dataclass(frozen=True)
class Edit:
    """One node, or one statement, in another's place.

    - `kind`: a key of QUESTIONS.
    - `holder`, `field`: the node that holds it, and where.
    - `old`, `new`: what stands there, and what is to stand there.
    - `place`: what to look at, if that is not the old as a whole.
    - `step`: what the new adds, if it calls something for that.
    - `twin`: the same change at a second place.
    """

    kind: str
    holder: ast.AST
    field: str
    old: ast.AST
    new: ast.AST
    place: ast.AST | None = None
    step: str = ""
    twin: "Edit | None" = None

    def swap(self) -> Callable[[], None]:
        """Put the new in the place of the old; return what undoes that."""
        if self.twin:
            first, second = replace(self, twin=None).swap(), self.twin.swap()
            return lambda: (second(), first())
        locate(self.new, self.old)
        held = getattr(self.holder, self.field)
        if not isinstance(held, list):
            setattr(self.holder, self.field, self.new)
            return lambda: setattr(self.holder, self.field, held)
        at = next(i for i, x in enumerate(held) if x is self.old)
        held[at] = self.new

        def undo() -> None:
            held[at] = self.old

        return undo


def edits(tree: ast.AST, steps: tuple[str, ...] = ()) -> Iterator[Edit]:
    """Return all single edits of a function's code, the likely kinds first.

    - `tree`: its code; the edits change it in place, and back.
    - `steps`: functions of NumPy that may be missing somewhere.

    What may be missing comes last, and is most of all: it is made when asked for.
    """
    scope = _scope(tree, steps)
    places = [(x, name, old) for x in _walk(tree) for name, old in _children(x)]
    found = list(_made(RULES, places, scope))
    likely = sorted([*found, *_twins(found)], key=_rank)
    return chain(likely, _made((missing,), places, scope))


def _made(rules: tuple, places: list[tuple], scope: Scope) -> Iterator[Edit]:
    """Yield what rules make of the nodes of a tree."""
    for holder, name, old in places:
        for rule in _fitting(rules, holder, name, old, scope):
            for kind, new, *at in rule(old, scope):
                if not _is_made_up(old, new):
                    yield Edit(kind, holder, name, old, new, *at)


def _rank(edit: Edit) -> tuple[int, int]:
    """Return how soon to try an edit: the likely kinds first.

    A sign that nobody wrote is less likely than one too many, and it belongs to
    something small: before a whole sum it makes good what is wrong elsewhere.
    """
    if edit.kind == "sign" and isinstance(edit.new, ast.UnaryOp):
        return LIKELY.index("function"), 1 + sum(1 for _ in ast.walk(edit.old))
    return LIKELY.index(edit.kind), 0


def _twins(found: list[Edit]) -> Iterator[Edit]:
    """Yield pairs of edits that make one slip good which was made twice."""
    alike = defaultdict(list)
    for edit in found:
        if change := _change(edit):
            alike[change].append(edit)
    for same in alike.values():
        first = sorted(same[:6], key=lambda x: (x.old.lineno, x.old.col_offset))
        for one, other in combinations(first, 2):
            nodes = list(ast.walk(one.old))
            inside = any(x is other.holder for x in nodes)
            if one.old is not other.old and other.old not in nodes and not inside:
                yield replace(one, twin=other)


def _change(edit: Edit) -> tuple | None:
    """Return what is done to a node, if people do that in two places alike."""
    old, new = edit.old, edit.new
    if edit.kind == "comparison":
        was, now = type(old.ops[0]), type(new.ops[0])
        return "comparison", (was in STRICT) == (now in STRICT), _is_flipped(was, now)
    if edit.kind == "transposition":
        return "transposition", _is_turned(old), _is_turned(new), type(new)
    if edit.kind == "axis" and edit.place is not None:
        axes = [x.value for x in new.keywords if x.arg == "axis"]
        return "axis", ast.unparse(edit.place), *map(ast.unparse, axes)
    if edit.kind in ("bound", "index", "size"):
        return edit.kind, ast.unparse(old), ast.unparse(new)
    return None


def _is_turned(x: ast.AST) -> bool:
    return isinstance(x, ast.Attribute) and x.attr == "T"


def _is_flipped(was: type, now: type) -> bool:
    return (was in (ast.Lt, ast.LtE)) != (now in (ast.Lt, ast.LtE))


def _fitting(
    rules: tuple, holder: ast.AST, name: str, old: ast.AST, scope: Scope
) -> tuple:
    """Return the rules that fit a node: for functions and modules, few make sense."""
    if name == "func":
        return tuple(x for x in rules if x is functions)
    if isinstance(holder, ast.Attribute) and isinstance(old, ast.Name):
        return rules if old.id in scope.names else ()
    return rules


def _is_made_up(old: ast.AST, new: ast.AST) -> bool:
    """Whether a number stands where something was computed: that fits by accident."""
    return number(new) is not None and number(old) is None


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes from the top down, but not what only words of errors are of."""
    level = [tree]
    while level:
        yield from level
        inside = (
            x
            for node in level
            if number(node) is None  # of −1, the 1 is no number of its own
            for x in ast.iter_child_nodes(node)
        )
        level = [x for x in inside if not isinstance(x, ast.JoinedStr | ast.Raise)]


def _children(holder: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the nodes that may be edited, with the field that each stands in."""
    for name, held in ast.iter_fields(holder):
        if name in ("decorator_list", "annotation", "returns", "ctx"):
            continue
        for x in held if isinstance(held, list) else [held]:
            if isinstance(x, ast.expr | ast.stmt | ast.comprehension):
                yield name, x


def _scope(tree: ast.AST, steps: tuple[str, ...]) -> Scope:
    nodes = list(ast.walk(tree))
    arguments = [x.arg for x in nodes if isinstance(x, ast.arg)]
    stored = [
        x.id for x in nodes if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
    ]
    names = dict.fromkeys(x for x in [*arguments, *stored] if x != "_")
    return Scope(tuple(names), tuple(dict.fromkeys(arguments)), steps)
