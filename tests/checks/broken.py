"""Right answers, each broken by one edit, to see whether the search finds the place."""

import ast
import difflib
import linecache
import random
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

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
            undo = edit.swap()
            made = ast.unparse(tree)
            undo()
            if made not in seen:
                seen.add(made)
                yield edit, made, _changed(code, made)


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
