"""The figures of a notebook with all their pictures: what a page needs to move them.

They are part of what a cell puts out, and are kept beside the notebook, which would
be three times as long with them: notebooks/01_soft_lookup.ipynb has its figures in
figures/01_soft_lookup.json, by cell and output.
"""

import json
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_utils.figures.packed import MIME
from tools.sources import code_cells

WIDGET = "application/vnd.jupyter.widget-view+json"
BELONGS = "outputs"  # the digest of the outputs that the figures belong to


def path_of(notebook: Path) -> Path:
    """Name the file that holds the figures of a notebook."""
    return notebook.parents[1] / "figures" / f"{notebook.stem}.json"


def take(notebook: NotebookNode) -> dict[str, str]:
    """Take the packed figures out of a notebook's outputs; return them by place."""
    found = {}
    for cell in code_cells(notebook):
        for i, output in enumerate(cell.outputs):
            if MIME in output.get("data", {}):
                found[place(cell, i)] = output.data.pop(MIME)
    return found


def place(cell: NotebookNode, output: int) -> str:
    """Name an output of a cell, as in soft_lookup/0."""
    return f"{cell.id}/{output}"


def written(figures: dict[str, str], outputs: str) -> str:
    """Return the text of a file of figures: JSON, a figure a line."""
    lines = {BELONGS: json.dumps(outputs), **figures}
    pairs = (f"{json.dumps(name)}: {text}" for name, text in lines.items())
    return "{\n" + ",\n".join(pairs) + "\n}\n"


def read(path: Path, notebook: NotebookNode) -> dict[str, Any]:
    """Return the figures of a notebook by place; none if they are not those of it.

    - `path`: where the notebook stands.
    """
    try:
        figures = json.loads(path_of(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    outputs = notebook.metadata.get("course", {}).get("outputs")
    return figures if figures.pop(BELONGS, None) == outputs else {}


def are_missing(path: Path, notebook: NotebookNode) -> bool:
    """Say whether a notebook shows figures whose pictures are not kept beside it."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    moves = any(WIDGET in output.get("data", {}) for output in outputs)
    return moves and not read(path, notebook)
