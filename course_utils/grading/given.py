"""What the course itself gives: its lessons and solutions are nobody's answers."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Where the workspace keeps the notebook that a new one took the place of.
KEPT = re.compile(r"\(yours of \d{4}-\d\d-\d\d(, \d+)?\)")


def kind_of(notebook: dict, cells: list) -> str | None:
    """Return "lesson" or "solution" if the course gave this notebook, else None.

    - `notebook`: the whole of it.
    - `cells`: its cells.

    The mark that the build leaves in the metadata tells, in whatever version; where it
    was taken out, the texts of the cells do.
    """
    metadata = notebook.get("metadata")
    mark = metadata.get("course") if isinstance(metadata, dict) else None
    source = mark.get("source") if isinstance(mark, dict) else None
    if not isinstance(source, str):
        return _by_texts(cells)
    if source.startswith("source/lessons/"):
        return "lesson"
    return "solution" if "outputs" in mark else None  # exercises are not run


def stems() -> tuple[str, ...]:
    """Return the names of the notebooks of exercises, without their ending."""
    return tuple(sorted(x.stem for x in (ROOT / "exercises").glob("*.ipynb")))


def texts_of(cells: list, kind: str) -> set[str]:
    """Return the texts of the cells of a kind, without white space.

    - `cells`: of a notebook.
    - `kind`: "code" or "markdown".
    """
    found = set()
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == kind:
            source = cell.get("source")
            lines = source if isinstance(source, list) else [source]
            found.add("".join("".join(x for x in lines if isinstance(x, str)).split()))
    return found - {""}


def _by_texts(cells: list) -> str | None:
    """Say what the course gave, of which all code and some of the words are here."""
    code = texts_of(cells, "code")
    words = texts_of(cells, "markdown") if code else set()
    for kind, (all_code, own_words) in _known().items() if words else ():
        if code <= all_code and words & own_words:
            return kind
    return None


@cache
def _known() -> dict[str, tuple[set[str], set[str]]]:
    """Return the code, and the words that stand nowhere else, of what is given."""
    code: dict[str, set[str]] = {}
    words: dict[str, set[str]] = {}
    for kind in ("notebooks", "exercises", "solutions"):
        files = sorted((ROOT / kind).glob("*.ipynb"))
        cells = [x for f in files for x in json.loads(f.read_bytes())["cells"]]
        code[kind], words[kind] = texts_of(cells, "code"), texts_of(cells, "markdown")
    asked = words["exercises"]
    return {
        "lesson": (code["notebooks"], words["notebooks"] - asked),
        "solution": (code["solutions"], words["solutions"] - asked),
    }
