"""Read a notebook that somebody hands in."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils.checks import EXERCISES, exercises_of
from course_utils.checks.exercise import Exercise

DEFINED = re.compile(r"^def +(\w+) *\(", re.M)


class SubmissionError(Exception):
    """A submission cannot be read; the message says why, in one line."""


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    - `exercises`: the exercises of the lesson that it answers.
    - `cells`: the code of its cells in order, without the check cells.
    """

    exercises: list[Exercise]
    cells: list[str]


def read(path: Path) -> Submission:
    """Read a notebook, and find out by its exercises which lesson it answers.

    Raises SubmissionError if it is no notebook, or has no exercise of this course.
    """
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells = [cell.source for cell in code if not _is_check(cell)]
    except OSError as error:
        raise SubmissionError(f"cannot be opened: {error.strerror}") from error
    except Exception as error:
        raise SubmissionError("is not a notebook: no valid JSON") from error
    names = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in code}
    names |= {name for cell in cells for name in DEFINED.findall(cell)}
    lessons = [EXERCISES[name].lesson for name in names & set(EXERCISES)]
    if not lessons:
        raise SubmissionError("has no exercise of this course in it")
    return Submission(exercises_of(max(lessons, key=lessons.count)), cells)


def _is_check(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))
