"""The figures of the lessons, without the rest of what their notebooks compute."""

import ast
import json
import symtable
from functools import cache
from pathlib import Path
from unittest.mock import patch

import nbformat

from course_utils.figures import packed
from course_utils.learner.syllabus import LESSONS
from course_utils.models import published
from set_up import needs_models

ROOT = Path(__file__).resolve().parents[1]


def can_run(name):
    """Say whether all that a lesson needs is here: some need a published model."""
    source = (ROOT / "source" / "lessons" / f"{name}.py").read_text(encoding="utf-8")
    return published.are_here() or not needs_models(source)


NAMES = [x.name for x in LESSONS if can_run(x.name)]
PANEL = "figures.panel("
INNER = (
    ast.FunctionDef
    | ast.ClassDef
    | ast.Lambda
    | ast.ListComp
    | ast.DictComp
    | ast.GeneratorExp
)


def cells_of(name):
    """Return the code cells of a lesson that its panels need, in order."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    needed, wanted = [], set()
    for cell in reversed([c for c in notebook.cells if c.cell_type == "code"]):
        tree = ast.parse(cell.source)
        made, made_anew = _made(tree)
        if PANEL in cell.source or made & wanted:
            needed.insert(0, cell)
            wanted = (wanted - made_anew) | _read(cell.source)
    return needed


def _read(source):
    """Return the names that a cell uses and does not keep inside a function."""
    whole = symtable.symtable(source, "cell", "exec")
    names, tables = set(), [whole]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used = (x for x in table.get_symbols() if x.is_referenced())
        names |= {x.get_name() for x in used if table is whole or x.is_global()}
    return names


def _made(tree):
    """Return the names that a cell gives or changes, and those that it gives anew."""
    made, anew = set(), set()
    for node in _outside_functions(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(x.asname or x.name).split(".")[0] for x in node.names}
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            while isinstance(node, ast.Subscript | ast.Attribute):
                node = node.value
            made |= {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            anew.add(statement.name)
        elif isinstance(statement, ast.Assign):
            targets = [x for target in statement.targets for x in ast.walk(target)]
            names = [x for x in targets if isinstance(x, ast.Name)]
            anew |= {x.id for x in names if isinstance(x.ctx, ast.Store)}
    return made, anew


def _outside_functions(node):
    yield node
    if not isinstance(node, INNER):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def stored(name):
    """Return each panel's cell, and the words that the notebook has for its picture."""
    cells = [cell for cell in cells_of(name) if PANEL in cell.source]
    return [(cell, cell.outputs[-1].data["text/plain"]) for cell in cells]


@cache
def panels(name):
    """Run what a lesson's panels need, and return the panels.

    All pictures that are packed on the way are compared with what is unpacked.
    """
    made, names = [], {"__name__": name}
    with patch.object(packed, "_cut", _cut_and_joined):
        _run(name, made, names)
    return made


def _cut_and_joined(svgs, shape, cut=packed._cut):
    whole = cut(svgs, shape)
    controls = [{"stops": [""] * count} for count in shape]
    assert list(packed.unpack(json.dumps(whole | {"controls": controls}))) == svgs
    return whole


def _run(name, made, names):
    for cell in cells_of(name):
        cell_tree = ast.parse(cell.source)
        last = cell_tree.body.pop() if PANEL in cell.source else None
        exec(compile(cell_tree, name, "exec"), names)
        if last is not None:
            made.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
