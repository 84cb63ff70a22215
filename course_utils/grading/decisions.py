"""What people decided: points in the place of the grader's, and comments."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from course_utils.exercises import EXERCISES

FILE = "decisions.csv"
COLUMNS = ["learner", "exercise", "points", "comment"]


@dataclass(frozen=True)
class Decision:
    """What somebody decided on one exercise of one learner.

    - `points`: None where only something is said.
    - `comment`: for the learner.
    """

    points: float | None
    comment: str


class Decisions:
    """The decisions that stand beside a class, and those that cannot be followed.

    - `found`: by the names of a learner and an exercise.
    - `said`: what is wrong with the others, a sentence each.
    """

    def __init__(self, folder: Path) -> None:
        self.found: dict[tuple[str, str], Decision] = {}
        self.said: list[str] = []
        self._lines: dict[tuple[str, str], int] = {}
        file = folder / FILE
        if not file.exists():
            return
        rows, why = read_table(file, COLUMNS)
        if why:
            self.said.append(f"{FILE} is not followed: {why}.")
        self._read(rows)

    def of(self, learner: str, exercise: str) -> Decision | None:
        """Return what was decided, if anything was."""
        return self.found.get((learner, exercise))

    def unmatched(self, learners: dict[str, list[str]]) -> list[str]:
        """Say which decisions are about nobody, or nothing, in the class.

        - `learners`: by name, the exercises that were asked.
        """
        said = list(self.said)
        for (learner, exercise), line in self._lines.items():
            if learner not in learners:
                said.append(
                    _line(line, f"there is no learner {learner!r} in the class")
                )
            elif exercise not in learners[learner]:
                said.append(_line(line, f"the class was not asked {exercise!r}"))
        return said

    def _read(self, rows: list[tuple[int, dict[str, str]]]) -> None:
        seen = Counter((x["learner"], x["exercise"]) for _, x in rows)
        for line, row in rows:
            key = row["learner"], row["exercise"]
            points, why = _points(row)
            if seen[key] > 1:
                why = f"{key[0]}, {key[1]} is decided {seen[key]} times"
            if why:
                self.said.append(_line(line, why))
                continue
            self.found[key] = Decision(points, row["comment"])
            self._lines[key] = line


def _points(row: dict[str, str]) -> tuple[float | None, str | None]:
    """Return the points of a row, or what is wrong with it."""
    name, text = row["exercise"], row["points"]
    if name not in EXERCISES:
        return None, f"there is no exercise {name!r}"
    if not text:
        why = None if row["comment"] else "there are neither points nor a comment"
        return None, why
    of = EXERCISES[name].points
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= of:
        return None, f"points must be from 0 to {of}; got {text!r}"
    return points, None


def _line(line: int, why: str) -> str:
    return f"{FILE}, line {line} is not followed: {why}."


def read_table(
    file: Path, columns: list[str], same: dict[str, str] | None = None
) -> tuple[list[tuple[int, dict[str, str]]], str | None]:
    """Read a table that a person or a spreadsheet wrote.

    - `file`: with commas, semicolons or tabs, in UTF-8.
    - `columns`: that must be there, in any order and case; others stay as they are.
    - `same`: other names of columns, in small letters, and what they stand for.

    Returns the rows with their lines' numbers, and why there are none, if that is so.
    """
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        return [], f"{file} must be saved as UTF-8"
    except OSError as error:
        return [], f"{file} cannot be opened: {error.strerror}"
    head = text.split("\n", 1)[0]
    by = max(",;\t", key=head.count)
    try:
        reader = csv.reader(text.splitlines(keepends=True), delimiter=by, strict=True)
        table = [(reader.line_num, [x.strip() for x in row]) for row in reader]
    except csv.Error as error:
        return [], f"{file} is no table of comma-separated values: {error}"
    named = [_named(x, columns, same or {}) for x in table[0][1]] if table else []
    missing = [x for x in columns if x not in named]
    if missing:
        got = ", ".join(named) or "nothing"
        return [], f"the first line must name {', '.join(columns)}; got {got}"
    rows = [
        (line, dict(zip(named, [*row, *[""] * len(named)], strict=False)))
        for line, row in table[1:]
        if any(row)
    ]
    return rows, None


def _named(column: str, columns: list[str], same: dict[str, str]) -> str:
    lower = same.get(column.lower(), column.lower())
    return lower if lower in {*columns, *same.values()} else column
