"""Read a notebook that somebody hands in."""

import re
from dataclasses import dataclass

import nbformat

from course_utils.checks import EXERCISES, exercises_of
from course_utils.checks.exercise import Exercise

DEFINED = re.compile(r"^(?:async +)?def +(\w+) *\(", re.M)
MOST = 20 << 20  # bytes of a notebook


class SubmissionError(Exception):
    """A submission cannot be read; the message says why, in one line."""


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    - `exercises`: the exercises of the lessons that it answers.
    - `cells`: the number and the code of its cells in order, without the check cells.
    """

    exercises: list[Exercise]
    cells: list[tuple[int, str]]


def read(data: bytes) -> Submission:
    """Read a notebook, and find out by its exercises which lesson it answers.

    - `data`: the bytes of the file.

    Raises SubmissionError if it is too large, no notebook, not in Python, or has no
    exercise of this course.
    """
    if len(data) > MOST:
        raise SubmissionError(f"is larger than {MOST >> 20} MB")
    try:
        notebook = nbformat.reads(data.decode("utf-8"), as_version=4)
        language = notebook.metadata.get("kernelspec", {}).get("language", "python")
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        ids = {str(_grade(cell).get("grade_id")) for cell in code}
        numbered = [
            (i, str(cell.source))
            for i, cell in enumerate(code, start=1)
            if not _grade(cell).get("grade")
        ]
    except Exception as error:  # a RecursionError among them, for JSON that is too deep
        raise SubmissionError("is not a notebook: no valid JSON") from error
    if str(language).lower() != "python":
        raise SubmissionError(f"is a notebook in {str(language)[:20]}, not in Python")
    names = ids | {name for _, cell in numbered for name in DEFINED.findall(cell)}
    lessons = [EXERCISES[name].lesson for name in names & set(EXERCISES)]
    if not lessons:
        raise SubmissionError("has no exercise of this course in it")
    return Submission(exercises_of(max(lessons, key=lessons.count)), numbered)


def _grade(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})
