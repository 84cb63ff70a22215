"""Write the class as the gradebooks of learning platforms import it.

A column for each lesson, whose points the platform adds up. Canvas wants the columns
Student, ID, SIS User ID, SIS Login ID and Section first, and a row of points possible
(lib/gradebook_importer.rb in instructure/canvas-lms); Moodle any column that tells the
users apart, and grades, and asks which is which (docs.moodle.org, Grade import).
"""

import csv
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_utils.grading.decisions import read_table
from course_utils.grading.downloads import owner_of
from course_utils.grading.entry import Entry
from course_utils.grading.learner import NOT_HANDED_IN, Learner
from course_utils.grading.teach import Taught
from course_utils.grading.verdict import NOT_JUDGED

COLUMNS = ["id"]
CANVAS = ["SIS User ID", "SIS Login ID", "Section"]
# Columns of the platforms' own exports, which may serve as a roster.
SAME = {
    "student": "name",
    "full name": "name",
    "id number": "id",
    "file prefix": "folder",
    "folder": "folder",
    "name": "name",
    "surname": "last name",
    "last name": "last name",
    "first name": "first name",
}


NOBODY = {"points possible", "student, test"}  # rows of Canvas's own export


class RosterError(Exception):
    """A roster cannot be used; the message says why."""


@dataclass(frozen=True)
class Person:
    """Somebody on the roster.

    - `line`: of the file.
    - `folders`: what stands before or around this one's work in downloads, if told.
    - `row`: all columns, as they came.
    """

    line: int
    name: str
    id: str
    folders: frozenset[str] = frozenset()
    row: dict[str, str] = field(default_factory=dict)


def read_roster(file: Path) -> list[Person]:
    """Read who is in the class.

    - `file`: a table with the columns name and id, and maybe folder, which may name
      several with semicolons between. In the place of the name may stand a first and a
      last name.

    Raises RosterError if it is no such table, or an ID is missing or there twice.
    """
    rows, why = read_table(file, COLUMNS, SAME)
    if why:
        raise RosterError(why)
    people = [_person(line, row) for line, row in rows]
    people = [x for x in people if x.name.lower() not in NOBODY]
    seen = Counter(x.id for x in people)
    for one in people:
        if not (one.id and one.name):
            raise RosterError(f"line {one.line} must have an id and a name")
        if seen[one.id] > 1:
            raise RosterError(f"line {one.line}: the id {one.id} is there twice")
    return people


def _person(line: int, row: dict[str, str]) -> Person:
    both = f"{row.get('first name', '')} {row.get('last name', '')}".strip()
    folders = {x.strip().strip("/") for x in row.get("folder", "").split(";")} - {""}
    return Person(line, row.get("name") or both, row["id"], frozenset(folders), row)


def named_by(people: list[Person], entries: list[Entry]) -> list[Entry]:
    """Return the entries, those under one person where the roster names their folders.

    - `people`: the roster.
    - `entries`: what was handed in.
    """
    owners = {_plain(x): one for one in people for x in one.folders}
    return [
        one if who is None else replace(one, keys=(f"{who.name}, {who.id}/",))
        for one in entries
        for who in [next((owners[x] for x in _parts(one) if x in owners), None)]
    ]


def _parts(one: Entry) -> Iterator[str]:
    """Yield what a roster may name of a path: a folder, or whose a platform says."""
    for part in os.path.relpath(one.path, one.base or one.root).split(os.sep):
        yield _plain(part)
        if owner := owner_of(part):
            yield _plain(owner.whole)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


@dataclass
class Matched:
    """Who of the roster is who in the class.

    - `pairs`: of a person and a learner.
    - `said`: who is left on either side, and why, a sentence each.
    """

    pairs: list[tuple[Person, Learner]]
    said: list[str]


def match(people: list[Person], class_: list[Learner]) -> Matched:
    """Find the learner of each person: by the folder, by the ID, or by the name.

    - `people`: the roster.
    - `class_`: the learners.

    What fits several is left out, on both sides.
    """
    free_people, free = list(people), list(class_)
    pairs: list[tuple[Person, Learner]] = []
    for marks_of, marks_in in (
        (lambda x: set(map(_plain, x.folders)), lambda x: set(map(_plain, x.marks))),
        (lambda x: {_plain(x.id)}, lambda x: set(map(_plain, x.marks))),
        (lambda x: _forms(x.name), lambda x: {_forms_of(x.name)}),
    ):
        of_person = [(x, marks_of(x)) for x in free_people]
        of_learner = [(x, marks_in(x)) for x in free]
        new = _unique(of_person, of_learner)
        pairs += new
        taken = {id(x) for pair in new for x in pair}
        free_people = [x for x in free_people if id(x) not in taken]
        free = [x for x in free if id(x) not in taken]
    pairs.sort(key=lambda x: x[0].line)
    return Matched(pairs, _left(free_people, free))


def _unique(
    people: list[tuple[Person, set[str]]], class_: list[tuple[Learner, set[str]]]
) -> list[tuple[Person, Learner]]:
    """Return who fits exactly one on the other side."""
    by_mark: dict[str, list[int]] = {}
    for i, (_, marks) in enumerate(class_):
        for mark in marks:
            by_mark.setdefault(mark, []).append(i)
    fits = [{i for x in marks for i in by_mark.get(x, ())} for _, marks in people]
    count = Counter(i for found in fits for i in found)
    return [
        (person, class_[min(found)][0])
        for (person, _), found in zip(people, fits, strict=True)
        if len(found) == 1 and count[min(found)] == 1
    ]


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", _plain(name))


def _forms(name: str) -> set[str]:
    """Return how a name may be written: as it is, or with the last name first."""
    words = _words(name)
    turned = [words[i:] + words[:i] for i in range(len(words))]
    return {"".join(x) for x in turned} - {""}


def _forms_of(name: str) -> str:
    return "".join(_words(re.sub(r"_\d{3,}$", "", name)))  # of a Canvas download


def _left(people: list[Person], class_: list[Learner]) -> list[str]:
    said = [
        f"On the roster, and not told apart in what was handed in: {x.name}, {x.id}."
        if _forms(x.name) & {_forms_of(y.name) for y in class_}
        else f"On the roster, and nothing handed in: {x.name}, {x.id}."
        for x in people
    ]
    return said + [
        f"Handed in, and not found on the roster: {x.name}. Name it in the roster's "
        "column folder."
        for x in class_
    ]


EMPTY = {NOT_JUDGED, NOT_HANDED_IN}


def columns_of(lessons: list[Taught]) -> list[str]:
    """Return what the lessons' columns are called in a gradebook."""
    return [f"Attention {x.number}: {x.title}" for x in lessons]


def _cells(one: Learner, lessons: list[Taught]) -> list[float | str]:
    """Return the points of each lesson; nothing where there is no verdict."""
    points = [one.of_lesson(x.number) for x in lessons]
    return ["" if x in EMPTY else x for x in points]


def canvas(matched: Matched, lessons: list[Taught]) -> str:
    """Return the table that Canvas imports.

    - `matched`: who is who.
    - `lessons`: that the class was asked.
    """
    rows = [["Student", "ID", *CANVAS, *columns_of(lessons)]]
    most = [x.share.most for x in lessons]
    rows.append(["    Points Possible", "", *[""] * len(CANVAS), *most])
    for person, one in matched.pairs:
        own = [person.row.get(x, "") for x in CANVAS]
        rows.append([person.name, person.id, *own, *_cells(one, lessons)])
    return _written(rows)


def moodle(matched: Matched, lessons: list[Taught]) -> str:
    """Return the table that Moodle imports.

    - `matched`: who is who.
    - `lessons`: that the class was asked.
    """
    rows = [["ID number", "Full name", *columns_of(lessons)]]
    for person, one in matched.pairs:
        rows.append([person.id, person.name, *_cells(one, lessons)])
    return _written(rows)


def left_empty(matched: Matched, lessons: list[Taught]) -> list[str]:
    """Say whose cells are empty although something was handed in."""
    cells = [
        f"{one.name} (lesson {x.number})"
        for _, one in matched.pairs
        for x in lessons
        if one.of_lesson(x.number) == NOT_JUDGED
    ]
    why = "Not judged, so empty in the gradebook until somebody decides"
    return [f"{why}: {', '.join(cells)}."] if cells else []


def _written(rows: list[list]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


PLATFORMS = {"canvas": canvas, "moodle": moodle}
