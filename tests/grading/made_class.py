"""A class whose every answer is known: what it hands in, and what must be said of it.

As a script, it writes the downloads, the roster and the truth of a class, to try the
commands of docs/teaching.md on:

    python tests/grading/made_class.py FOLDER --learners 300 --lessons 1 2 3
"""

import argparse
import csv
import io
import random
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import nbformat
from handed_in import _source, to_write

from course_utils.exercises import EXERCISES, exercises_of

ROOT = Path(__file__).resolve().parents[2]
FIRST = "Ann Ben Cem Dân Eva Fay Gil Hal Ida Jim Kim Léa Mia Nia Oya Pia Quy Ray"
LAST = "Abe Berg Čapek Diaz Evans Fox Gao Hahn Ito Jones Kaya Lund Mora Núñez"
DUE = datetime(2026, 12, 1, 23, 59)
HOW = ("right", "wrong", "not attempted")


@dataclass
class Made:
    """One learner of the class.

    - `states`: of each exercise, and `mistakes` by name, of those that are wrong.
    - `late`: days, by lesson.
    - `broken`: lessons whose notebook nobody can read.
    """

    name: str
    id: str
    number: int
    states: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)

    def points(self, name, penalty=0):
        """Return the points for one exercise."""
        if self.states[name] != "right":
            return 0
        exercise = EXERCISES[name]
        left = 1 - penalty / 100 * self.late.get(exercise.lesson, 0)
        return round(exercise.points * max(0, left), 2)


def names_of(lessons):
    return [x.name for n in lessons for x in exercises_of(n)]


def make(count, lessons, seed=0):
    """Return a class with a known mixture of mistakes, late and missing work.

    The second learner has the first one's name; the third hands in nothing.
    """
    rng = random.Random(seed)
    class_ = []
    for i in range(count):
        turn = 0 if i == 1 else i
        first, last = FIRST.split(), LAST.split()
        name = f"{first[turn % len(first)]} {last[turn % len(last)]}"
        if turn >= 126:  # all pairs are used up
            name += f" {turn // 126 * 'I'}"
        one = Made(name, f"s{1000 + i}", 20_000 + 100 * i)
        skill = rng.random()
        for lesson in lessons:
            kind = (
                "none"
                if i == 2
                else rng.choices(
                    ["some", "none", "broken"], [20, 2, 1 if i != 0 else 0]
                )[0]
            )
            _answer(one, lesson, kind, skill, rng)
        class_.append(one)
    return class_


def right_answers(lesson):
    (path,) = (ROOT / "solutions").glob(f"{lesson:02}_*.ipynb")
    return {x.id: x.source for x in nbformat.read(path, as_version=4).cells}


@cache
def built_on(name):
    """Return the exercises of the same lesson that the solution of one calls."""
    lesson = EXERCISES[name].lesson
    text = right_answers(lesson)[name]
    return [
        x for x in names_of([lesson]) if x != name and re.search(rf"(?<!\w){x}\(", text)
    ]


def _answer(one, lesson, kind, skill, rng):
    for x in exercises_of(lesson):
        state = {"none": "not handed in", "broken": "not judged"}.get(kind)
        state = state or rng.choices(HOW, [1 + 6 * skill, 3, 1])[0]
        known = to_write(x)
        leans = state == "right" and any(
            one.states[y] != "right" for y in built_on(x.name)
        )
        if leans or (state == "wrong" and not known):
            state = "not attempted"  # else nobody knows what becomes of it
        if state == "wrong":  # some mistakes are commoner than others
            weights = [2.0**-i for i in range(len(known))]
            one.mistakes[x.name] = rng.choices(known, weights)[0].says
        one.states[x.name] = state
    if kind == "broken":
        one.broken.add(lesson)
    elif kind == "some" and rng.random() < 0.4:
        one.late[lesson] = rng.choice([1, 1, 2, 5])


def notebook(one, lesson):
    """Return the bytes that a learner hands in for a lesson."""
    if lesson in one.broken:
        return b'{"cells": ['
    (path,) = (ROOT / "exercises").glob(f"{lesson:02}_*.ipynb")
    made = nbformat.read(path, as_version=4)
    right = right_answers(lesson)
    for cell in made.cells:
        state = one.states.get(cell.id)
        if state == "right":
            cell.source = right[cell.id] + f"\n# by {one.id}"
        elif state == "wrong":
            says = one.mistakes[cell.id]
            mistake = next(x for x in to_write(EXERCISES[cell.id]) if x.says == says)
            cell.source = f"import math\n{cell.id} = {_source(mistake)}  # {one.id}"
    return nbformat.writes(made).encode()


def moodle_zip(class_, lesson):
    """Return one assignment of a class as Moodle lets it be downloaded."""
    (path,) = (ROOT / "exercises").glob(f"{lesson:02}_*.ipynb")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, one in enumerate(class_):
            if one.states[exercises_of(lesson)[0].name] == "not handed in":
                continue
            # The number is another one in each assignment.
            folder = f"{one.name}_{one.number + lesson}_assignsubmission_file_"
            days = one.late.get(lesson, 0)
            when = DUE - timedelta(hours=1 + i % 48) + timedelta(days=0)
            if days:
                when = DUE + timedelta(days=days, hours=-2)
            info = zipfile.ZipInfo(f"{folder}/{path.name}", when.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, notebook(one, lesson))
    return packed.getvalue()


def roster(class_, lessons):
    """Return who is in the class, with the folders of those who share a name."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["name", "id", "folder"])
    names = Counter(x.name for x in class_)
    for one in class_:
        folders = [f"{one.name}_{one.number + n}" for n in lessons]
        twice = names[one.name] > 1
        out.writerow([one.name, one.id, "; ".join(folders) if twice else ""])
    return text.getvalue()


def main():
    parser = argparse.ArgumentParser(description="Write a made class to try.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learners", type=int, default=300)
    parser.add_argument("--lessons", type=int, nargs="+", default=[3, 5])
    asked = parser.parse_args()
    class_ = make(asked.learners, asked.lessons)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for lesson in asked.lessons:
        (asked.folder / f"lesson {lesson}.zip").write_bytes(moodle_zip(class_, lesson))
    written = roster(class_, asked.lessons)
    (asked.folder / "roster.csv").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
