"""Right answers, each broken by one edit, to see whether the search finds the place."""

import ast
import copy
import dataclasses
import difflib
import linecache
import random
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

from course_utils.checks.edit_statements import ADDED
from course_utils.checks.edits import Edit, edits
from course_utils.checks.source import Source

EXERCISES_AS_TEXT = Path(__file__).resolve().parents[2] / "source" / "exercises"
_numbers = count(1)


def defined(code, name, outside):
    """Return the function that a cell of code defines, with its source at hand."""
    file = f"<broken {next(_numbers)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    names = dict(outside)
    exec(compile(code, file, "exec"), names)
    return names[name]


@cache
def solutions(lesson):
    """Return the code of the worked solutions of a lesson, and what they know."""
    (file,) = EXERCISES_AS_TEXT.glob(f"{lesson:02}_*.py")
    cells = file.read_text().split("\n# %%")
    cells = [x for x in cells if "[markdown]" not in x[:12] and 'check="' not in x[:40]]
    names = {}
    for cell in cells[1:]:
        exec("# %%" + cell, names)
    found = {}
    for cell in cells:
        if cell.startswith(' exercise="'):
            found[cell.split('"')[1]] = ast.unparse(ast.parse("# %%" + cell))
    return found, names


def right_answers(exercise):
    """Yield right answers as code, the name of the function, and what they know."""
    codes, names = solutions(exercise.lesson)
    yield codes[exercise.name], exercise.name, names
    for one in (exercise.reference, *exercise.also_right):
        source = Source(one)
        if source.tree is not None:
            own = ast.Module(source.tree.body[-1:], [])
            yield ast.unparse(own), source.name, source.outside


def broken(code, kind=None) -> Iterator[tuple[Edit, str, set[int]]]:
    """Yield the edits of some code, what it is then, and which lines differ."""
    tree = ast.parse(code)
    seen = {code}
    for edit in edits(tree):
        if kind in (None, edit.kind):
            made = edited(tree, edit)
            if made not in seen:
                seen.add(made)
                yield edit, made, _changed(code, made)


def edited(tree: ast.Module, edit: Edit) -> str:
    """Return some code with an edit, as somebody might have written it."""
    if edit.step:
        new = _WrittenOut(edit.step).visit(copy.copy(edit.new))
        edit = dataclasses.replace(edit, new=new)
    undo = edit.swap()
    text = ast.unparse(tree)
    undo()
    return text


class _WrittenOut(ast.NodeTransformer):
    """Writes a step that an edit adds in the place of the call that stands for it."""

    def __init__(self, step: str) -> None:
        self.step = step

    def visit_Call(self, call):
        if getattr(call.func, "id", "") != ADDED:
            return self.generic_visit(call)
        given = dict(zip("_x", call.args, strict=False))
        whole = ast.parse(self.step, mode="eval").body
        return _Filled(given).visit(whole)


class _Filled(ast.NodeTransformer):
    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, name):
        return self.given.get(name.id, name)


def one_a_place(code, rng: random.Random, kind=None):
    """Yield one edit of each kind, or of one, at each place, drawn by chance."""
    places = {}
    for edit, made, lines in broken(code, kind):
        places.setdefault((edit.kind, id(edit.old)), []).append((edit, made, lines))
    for several in places.values():
        yield rng.choice(several)


def _changed(code, made):
    """Return the numbers of the lines that a change touches, or stands between."""
    matcher = difflib.SequenceMatcher(None, code.split("\n"), made.split("\n"), False)
    return {
        line
        for tag, _, _, start, stop in matcher.get_opcodes()
        if tag != "equal"
        for line in range(start + 1, max(stop, start + 1) + 1)
    }
