"""From the text in source/ to notebooks without outputs.

A source is a percent script: Markdown cells as strings, code cells as code. Cells of
an exercise are marked with its name; see CONTRIBUTING.md.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from course_utils.exercises import EXERCISES, exercises_of
from course_utils.exercises.exercise import Exercise

# What a cell of an exercise's source is, followed by the exercise's name.
MARKS = ("about", "exercise", "check", "solution")
STUB = "raise NotImplementedError"  # what stands where a solution stood
MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION$")
FOLDED = "hide-input"  # the tag of a cell whose code is one click away
SOLUTION = re.compile(
    r"^(?P<indent> *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S
)


class BuildError(Exception):
    """A source cannot be built; the message says where and why."""


@dataclass(frozen=True)
class Target:
    """One notebook to build.

    - `source`: the text it is built from.
    - `path`: where it stands.
    - `executed`: whether its outputs are stored.
    """

    source: Path
    path: Path
    executed: bool

    @property
    def name(self) -> str:
        """Its folder and its file, as in notebooks/01_soft_lookup.ipynb."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def where(self) -> str:
        """Its source, as in source/lessons/01_soft_lookup.py."""
        return self.source.relative_to(self.source.parents[2]).as_posix()

    @property
    def exercises(self) -> list[Exercise]:
        """The exercises that its source must hold: those of its lesson."""
        number = self.source.stem.split("_")[0]
        is_lesson = self.source.parent.name == "lessons"
        return [] if is_lesson or not number.isdecimal() else exercises_of(int(number))


def targets(root: Path) -> list[Target]:
    """Return the notebooks that the sources stand for, in the order of the course."""
    found = []
    for source in sorted((root / "source" / "lessons").glob("*.py")):
        name = f"{source.stem}.ipynb"
        found.append(Target(source, root / "notebooks" / name, True))
    for source in sorted((root / "source" / "exercises").glob("*.py")):
        name = f"{source.stem}.ipynb"
        found.append(Target(source, root / "solutions" / name, True))
        found.append(Target(source, root / "exercises" / name, False))
    return found


def strays(root: Path) -> list[Path]:
    """Return the notebooks that no source stands for."""
    known = {target.path for target in targets(root)}
    folders = ("notebooks", "solutions", "exercises")
    there = (path for name in folders for path in (root / name).glob("*.ipynb"))
    return sorted(set(there) - known)


def unexecuted(target: Target) -> NotebookNode:
    """Return the target's notebook as its source has it, without outputs.

    Raises BuildError if the source is not Python, or its exercises are not those of
    the lesson, each with all its cells.
    """
    text = target.source.read_text(encoding="utf-8")
    try:
        compile(text, target.where, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BuildError(f"{place(target, error.lineno or 1)}: {error.msg}") from None
    read = jupytext.reads(text, fmt="py:percent")
    _check_markers(target, text)
    _check_exercises(target, read.cells, text)
    seen: set[str] = set()
    shown = [x for x in read.cells if target.executed or "solution" not in x.metadata]
    cells = [_cell(cell, target, seen) for cell in shown]
    metadata = {
        "course": {"source": target.where},
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _check_markers(target: Target, text: str) -> None:
    """Raise BuildError where a solution begins or ends alone, or where none may be."""
    begun, cell = 0, ""
    for number, line in enumerate([*text.splitlines(), "# %%"], start=1):
        marker = MARKER.match(line)
        if begun and (line.startswith("# %%") or (marker and marker[1] == "BEGIN")):
            raise BuildError(
                f"{place(target, begun)}: ### BEGIN SOLUTION has no "
                "### END SOLUTION in its cell"
            )
        if line.startswith("# %%"):
            cell = line
        elif marker and not begun and marker[1] == "END":
            raise BuildError(
                f"{place(target, number)}: ### END SOLUTION has no "
                "### BEGIN SOLUTION in its cell"
            )
        elif marker and ' exercise="' not in cell:
            raise BuildError(
                f"{place(target, number)}: a solution belongs in a cell marked "
                '# %% exercise="..."'
            )
        elif marker:
            begun = number if marker[1] == "BEGIN" else 0


def _check_exercises(target: Target, cells: list[NotebookNode], text: str) -> None:
    """Raise BuildError unless the source holds each exercise, with all its cells."""
    data = f"course_utils/exercises/lesson_{target.source.stem[:2]}.py"
    missing = {(x.name, mark): None for x in target.exercises for mark in MARKS}
    names = {name for name, _ in missing}
    for line, cell in zip(cell_lines(text), cells, strict=False):
        for mark in set(MARKS) & set(cell.metadata):
            name = cell.metadata[mark]
            if name not in names:
                raise BuildError(
                    f"{place(target, line)}: {data} has no exercise {name!r}: add it "
                    "to EXERCISES there, or correct the mark here"
                )
            if mark == "exercise" and not SOLUTION.search(cell.source):
                raise BuildError(
                    f"{place(target, line)}: the answer to {name!r} must stand between "
                    "### BEGIN SOLUTION and ### END SOLUTION"
                )
            missing.pop((name, mark), None)
    for name, mark in missing:
        raise BuildError(
            f'{target.where}: no cell is marked {mark}="{name}", and {data} has this '
            "exercise: add the cell here, or remove the exercise there"
        )


def _cell(cell: NotebookNode, target: Target, seen: set[str]) -> NotebookNode:
    """Give a cell its id, its metadata, and its text for this kind of notebook."""
    marks = cell.metadata
    source = cell.source
    name = next((marks[x] for x in MARKS if x in marks), None)
    if "about" in marks:
        source += f"\n\n*{EXERCISES[name].summary}*"
    if "exercise" in marks and not target.executed:
        source = SOLUTION.sub(rf"\g<indent>{STUB}", source)
    elif "exercise" in marks:
        source = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.M)
    metadata: dict[str, object] = {"tags": marks["tags"]} if "tags" in marks else {}
    if FOLDED in marks.get("tags", ()):
        metadata["jupyter"] = {"source_hidden": True}
    own = None
    if "exercise" in marks:
        own = name
        metadata["course"] = {"answer": name}
    if "check" in marks:
        own = f"check_{name}"
        # Checks alone are nbgrader's: where a solution has no markers, it clears the
        # whole cell, and the head of the function with it.
        metadata["nbgrader"] = _nbgrader(name)
    if cell.cell_type == "code":
        made = nbformat.v4.new_code_cell(source, metadata=metadata)
    else:
        made = nbformat.v4.new_markdown_cell(source, metadata=metadata)
    made.id = _unique(own or digest(cell.cell_type + source)[:12], seen)
    return made


def _nbgrader(name: str) -> dict[str, object]:
    """Return what makes a cell a locked test, worth the points of an exercise."""
    return {
        "grade": True,
        "grade_id": name,
        "locked": True,
        "points": EXERCISES[name].points,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


def _unique(name: str, seen: set[str]) -> str:
    count = 1
    while (made := name if count == 1 else f"{name}-{count}") in seen:
        count += 1
    seen.add(made)
    return made


def digest(text: str) -> str:
    """Return what stands for a text, and for no other."""
    return hashlib.sha256(text.encode()).hexdigest()


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells of a notebook that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_lines(text: str) -> list[int]:
    """Return the line, counted from 1, on which each cell of a script starts."""
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if line.startswith("# %%")]


def place(target: Target, line: int) -> str:
    """Name a line of a target's source, and the cell that it stands in."""
    text = target.source.read_text(encoding="utf-8")
    cell = sum(start <= line for start in cell_lines(text))
    return f"{target.where}:{line}: cell {cell}"
