"""What of a notebook is the learner's: their answers, and any other change.

An answer belongs to the exercise whose function it defines, else to the one that its
cell's metadata name: some editors drop the metadata, and merging cells mixes them.
"""

import json
import re
from typing import Any

# A definition, with the decorators and comments right above it.
DEFINITION = re.compile(
    r"^(?:[@#].*\n)*(?:(?:async +)?def +(\w+) *\(|(\w+) *=(?!=))", re.M
)

Cell = dict[str, Any]


def work_in(data: bytes) -> object:
    """Return what could be the learner's work: the sources of the cells.

    To run a cell or to save is no work, nor is the empty cell that JupyterLab adds
    after the last one. What cannot be read counts as it is.
    """
    cells = _cells(data)
    if cells is None:
        return data
    return [(x.get("cell_type"), x["source"]) for x in cells if x["source"].strip()]


def asked_in(course: bytes) -> dict[str, str]:
    """Return the exercises of the course's notebook, and the code given for each."""
    asked: dict[str, str] = {}
    for cell in _cells(course) or ():
        name = _marked(cell)
        if name and cell["source"].strip():
            asked[name] = cell["source"]
    return asked


def answers_in(copy: bytes, given: bytes) -> dict[str, str]:
    """Return the code that the learner wrote in place of what was given.

    - `copy`: the learner's notebook.
    - `given`: the course's notebook from which it started.

    The parts of an answer in several cells are joined, in order.
    """
    asked, parts = asked_in(given), {}
    for cell in _cells(copy) or ():
        for name, code in _pieces(cell, asked):
            if code.strip() and code != asked.get(name):
                parts.setdefault(name, []).append(code)
    return {name: "\n\n".join(sources) for name, sources in parts.items()}


def carried(answers: dict[str, str], course: bytes) -> bytes:
    """Return the course's notebook with answers in the cells of their exercises."""
    notebook = json.loads(course)
    for cell in notebook["cells"]:
        name = _marked(cell)
        if name in answers:
            cell["source"] = answers[name].splitlines(keepends=True)
    return _written(notebook)


def begun_again(copy: bytes, course: bytes, exercise: str) -> bytes | None:
    """Return a copy with one exercise as the course has it, or None if it has none."""
    if _cells(copy) is None:
        return None
    asked = asked_in(course)
    notebook, cells, stub = json.loads(copy), [], asked[exercise]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        pieces = _pieces({**cell, "source": source}, asked)
        is_answer = exercise in {name for name, _ in pieces}
        if is_answer:
            left = []
            for name, code in pieces:
                left += [code if name != exercise else stub]
                stub = "" if name == exercise else stub
            source = "\n\n\n".join(filter(None, left))
            cell["source"] = source.splitlines(keepends=True)
        is_check = _marked(cell, "nbgrader", "grade_id") == exercise
        if is_answer or is_check or f'check("{exercise}"' in source:
            cell |= {"outputs": [], "execution_count": None}
        if source or not is_answer:  # else the second part of a cell that was split
            cells.append(cell)
    return _written(notebook | {"cells": cells}) if not stub else None


def _cells(data: bytes) -> list[Cell] | None:
    """Return a notebook's cells, each with its source in one piece, or None."""
    try:
        cells = json.loads(data)["cells"]
        return [{**cell, "source": "".join(cell["source"])} for cell in cells]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _pieces(cell: Cell, asked: dict[str, str]) -> list[tuple[str, str]]:
    """Return the exercises that a cell of the learner's belongs to, each with its code.

    What stands before the first definition goes with it.
    """
    if cell.get("cell_type") != "code":
        return []
    source = cell["source"]
    found = [(x.start(), x[1] or x[2]) for x in DEFINITION.finditer(source)]
    found = [(start, name) for start, name in found if name in asked]
    if not found:
        name = _marked(cell)
        return [(name, source)] if name else []
    ends = [*(start for start, _ in found[1:]), len(source)]
    starts = [0, *ends[:-1]]
    return [
        (name, source[start:end].rstrip() if len(found) > 1 else source)
        for (_, name), start, end in zip(found, starts, ends, strict=True)
    ]


def _marked(cell: Cell, mark: str = "course", key: str = "answer") -> str | None:
    """Return the exercise that a cell's metadata name, if they name one."""
    metadata = cell.get("metadata")
    said = metadata.get(mark) if isinstance(metadata, dict) else None
    name = said.get(key) if isinstance(said, dict) else None
    return name if isinstance(name, str) else None


def _written(notebook: dict[str, Any]) -> bytes:
    """Write a notebook as Jupyter does."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
