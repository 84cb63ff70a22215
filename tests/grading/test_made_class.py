"""From downloads to a gradebook, on a class whose every answer is known."""

import csv
import io
import json
import re
import shlex
from collections import Counter
from html.parser import HTMLParser

import made_class
import pytest

from course_utils.exercises import EXERCISES

LESSONS = [3, 5]
PENALTY = 10


class Tables(HTMLParser):
    """The texts of the cells of each table, row by row, by the table's id."""

    def __init__(self, page):
        super().__init__()
        self.tables, self._rows, self._in_cell = {}, None, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs).get("id"), [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag == "table":
            self._rows = None
        elif tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell and self._rows is not None:
            self._rows[-1][-1] += data


def number(x):
    return f"{x:.2f}".rstrip("0").rstrip(".")


def a_class(count, folder):
    """Write the downloads and the roster; return the class."""
    class_ = made_class.make(count, LESSONS)
    for lesson in LESSONS:
        packed = made_class.moodle_zip(class_, lesson)
        (folder / "downloads").mkdir(exist_ok=True)
        (folder / f"downloads/lesson {lesson}.zip").write_bytes(packed)
    written = made_class.roster(class_, LESSONS)
    (folder / "roster.csv").write_text(written, encoding="utf-8")
    return class_


def there(class_):
    return [x for x in class_ if set(x.states.values()) != {"not handed in"}]


def names(lesson):
    return made_class.names_of([lesson])


def shares(class_, asked):
    """Return the cells of a row of the table of exercises, from the truth alone."""
    states = Counter(one.states[x] for one in class_ for x in asked)
    of = len(class_) * len(asked)
    missing = states["not attempted"] + states["not handed in"]
    points = sum(one.points(x, PENALTY) for one in class_ for x in asked)
    counts = [states["right"], states["wrong"], of - missing, missing]
    most = sum(EXERCISES[x].points for x in asked)
    mean = f"{points / len(class_):.1f} of {most}"
    return [mean, *(f"{100 * x / of:.0f} %" for x in counts)]


def commonest(class_, exercise):
    """Return the count of each mistake in an exercise, and who made it."""
    return Counter(x.mistakes[exercise] for x in class_ if exercise in x.mistakes)


def check_exercises(class_, table):
    rows = iter(table[1:])
    for lesson in LESSONS:
        title, *numbers, _ = next(rows)
        assert title.startswith(f"{lesson} ")
        assert numbers == shares(class_, names(lesson))
        for exercise in names(lesson):
            name, *numbers, said = next(rows)
            assert name == exercise
            assert numbers == shares(class_, [exercise])
            made = commonest(class_, exercise)
            wrong = sum(made.values())
            assert said.count(" wrong: ") == min(3, len(made))
            for mistake, count in made.most_common(3):
                plain = mistake.replace("`", "")
                is_last = count == made.most_common(4)[-1][1]
                told = f"{count} of {wrong} wrong: {plain}"
                assert told in said or is_last, (told, said)
    assert next(rows, None) is None


def check_learners(class_, table):
    cells = {row[0]: row[1:] for row in table[1:]}
    twice = Counter(x.name for x in class_)
    assert len(cells) == len(class_)
    for one in class_:
        whole, *rest = cells[
            f"{one.name}, {one.id}" if twice[one.name] > 1 else one.name
        ]
        points = [one.points(x, PENALTY) for x in made_class.names_of(LESSONS)]
        assert whole == number(sum(points))
        at = 0
        for lesson in LESSONS:
            assert rest[at] == cell_of(one, lesson)
            at += 1 + len(names(lesson))


def cell_of(one, lesson, unjudged="?", absent="–"):
    states = {one.states[x] for x in names(lesson)}
    if "not judged" in states:
        return unjudged
    if states == {"not handed in"}:
        return absent
    return number(sum(one.points(x, PENALTY) for x in names(lesson)))


def check_gradebook(class_, text):
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:2] == ["ID number", "Full name"]
    assert rows[0][2].startswith("Attention 3")
    assert {row[0]: row[1:] for row in rows[1:]} == {
        one.id: [one.name, *(cell_of(one, n, "", "") for n in LESSONS)]
        for one in class_
    }


def run_and_check(grade, tmp_path, count, root):
    whole = a_class(count, tmp_path)
    class_ = there(whole)
    pattern, *options = command_of(root)
    said = grade(*sorted(tmp_path.glob(pattern)), *options, "--search", 0)
    page = (tmp_path / "grades/class.html").read_text("utf-8")
    tables = Tables(page).tables
    check_exercises(class_, tables["exercises"])
    check_learners(class_, tables["learners"])
    check_gradebook(class_, (tmp_path / "grades/moodle.csv").read_text("utf-8"))
    for one in set(x.id for x in whole) - set(x.id for x in class_):
        assert one in page
    late = sum(
        n in x.late and x.states[names(n)[0]] != "not handed in"
        for x in class_
        for n in LESSONS
    )
    assert late
    works = sum(cell_of(x, n) != "–" for x in class_ for n in LESSONS)
    assert f"{late} of {works} notebooks are late" in said
    return class_, page


def test_every_number_of_a_small_class(grade, tmp_path, root):
    class_, page = run_and_check(grade, tmp_path, 8, root)
    assert len(class_) > 5
    _, *others = command_of(root)  # nothing is added twice
    grade("downloads/lesson 3.zip", *others, "--search", 0)
    read = json.loads((tmp_path / "grades/class.json").read_bytes())
    points = {x["learner"]: x["points"] for x in read["learners"]}
    assert sorted(points.values()) == sorted(
        float(number(sum(x.points(y, PENALTY) for y in x.states))) for x in class_
    )
    assert "http" not in page.replace("http-equiv", "")  # one file, no network


@pytest.mark.thorough
def test_every_number_of_a_class_of_three_hundred(grade, tmp_path, root):
    run_and_check(grade, tmp_path, 300, root)


def test_the_plans_say_how_long_lessons_take(root):
    """The table of lessons is that of the lessons and exercises themselves."""
    text = (root / "docs/teaching.md").read_text("utf-8")
    rows = re.findall(
        r"^\| (\d+)\. ([^|]+) \|[^|]*\| (\d+) \| (\d+) \| (.*) \|$", text, re.M
    )
    assert [int(x[0]) for x in rows] == sorted({x.lesson for x in EXERCISES.values()})
    whole = {int(x[0]): int(x[2]) for x in rows}
    for number, _, minutes, alone, fitting in rows:
        asked = [EXERCISES[x] for x in names(int(number))]
        assert int(alone) == sum(x.minutes for x in asked)
        told = [f"`{x.name}` {x.minutes}" for x in asked if fits_in_class(x)]
        assert fitting.split(", ") == told
        (lesson,) = (root / "source/lessons").glob(f"{int(number):02}_*.py")
        head = lesson.read_text("utf-8").partition("What you'll need")[2][:400]
        assert re.search(rf"\b{minutes}\b", head.partition("# %%")[0])
    weeks = re.findall(r"^\| \d \| (\d+) and (\d+) \| (\d+) \|$", text, re.M)
    assert len(weeks) == 8
    for one, two, minutes in weeks:
        assert int(minutes) == whole[int(one)] + whole[int(two)]


def fits_in_class(exercise):
    return exercise.difficulty < 3 and exercise.minutes <= 12


def command_of(root):
    """Return the command that docs/teaching.md gives for a Moodle download."""
    text = (root / "docs/teaching.md").read_text("utf-8")
    (line,) = re.findall(
        r"^ +python3 course\.py grade (.*--export moodle.*)$", text, re.M
    )
    return shlex.split(line)
