"""Read a notebook that somebody hands in."""

import json
import re
from dataclasses import dataclass

from course_utils.exercises import EXERCISES, exercises_of
from course_utils.exercises.exercise import Exercise
from course_utils.grading.wire import MOST_MESSAGE

DEFINED = re.compile(r"^(?:async +)?def +(\w+) *\(", re.M)
CHECKED = re.compile(r"""\bcheck\(\s*["'](\w+)["']""")
NBGRADER = ("metadata", "nbgrader")
MOST = 20 << 20  # bytes of a notebook


class SubmissionError(Exception):
    """A submission cannot be read; the message says why, in one line."""


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    - `exercises`: the exercises of the lessons that it answers.
    - `cells`: the number and the code of its cells in order, and of a check cell the
      name of its exercise.
    """

    exercises: list[Exercise]
    cells: list[tuple[int, str, str | None]]


def read(data: bytes) -> Submission:
    """Read a notebook, and find out by its exercises which lesson it answers.

    - `data`: the bytes of the file.

    What of it is no text, or not as it should be, is passed over. Nothing checks the
    whole against the format: of what a stranger wrote, that could take minutes.

    Raises SubmissionError if it is too large, no notebook, not in Python, or has no
    exercise of this course.
    """
    if len(data) > MOST:
        raise SubmissionError(f"is larger than {MOST >> 20} MB")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        cells = _cells(notebook)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SubmissionError("is not a notebook: no valid JSON") from error
    language = _language(notebook)
    if language.lower() != "python":
        raise SubmissionError(f"is a notebook in {language[:20]}, not in Python")
    code = [cell for cell in cells if _in(cell, "cell_type") == "code"]
    numbered = [
        (i, text, _checked(cell))
        for i, cell in enumerate(code, start=1)
        if (text := _text(cell)).strip()
    ]
    if len(json.dumps(numbered)) > MOST_MESSAGE - 100:
        raise SubmissionError(f"has more than {MOST_MESSAGE >> 20} MB of code")
    ids = {str(_in(cell, *NBGRADER, "grade_id"))[:99] for cell in code}
    names = ids | {name for _, cell, _ in numbered for name in _named(cell)}
    lessons = [EXERCISES[name].lesson for name in names & set(EXERCISES)]
    if not lessons:
        raise SubmissionError("has no exercise of this course in it")
    # Of two lessons with as many exercises each, the first.
    lesson = max(sorted(set(lessons)), key=lessons.count)
    return Submission(exercises_of(lesson), numbered)


def _named(code: str) -> list[str]:
    """Return the names of what a cell defines or checks."""
    return [*DEFINED.findall(code), *CHECKED.findall(code)]


def _checked(cell: dict) -> str | None:
    """Return the name of the exercise that a cell checks by its metadata."""
    name = _in(cell, *NBGRADER, "grade_id") if _in(cell, *NBGRADER, "grade") else None
    return name if isinstance(name, str) and name in EXERCISES else None


def _cells(notebook: dict) -> list:
    """Return the cells; before nbformat 4 they stood in worksheets."""
    if "worksheets" in notebook:
        return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    return list(notebook["cells"])


def _text(cell: dict) -> str:
    """Return the code of a cell: a text, or its lines."""
    source = cell.get("source", cell.get("input"))
    lines = source if isinstance(source, list) else [source]
    return "".join(x for x in lines if isinstance(x, str))


def _language(notebook: dict) -> str:
    named = _in(notebook, "metadata", "kernelspec", "language")
    named = named or _in(notebook, "metadata", "language_info", "name")
    return named if isinstance(named, str) else "python"


def _in(tree: object, *keys: str) -> object:
    """Return what stands there in a tree of dictionaries, or None."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
