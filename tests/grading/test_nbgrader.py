"""The exercises go through nbgrader as they are, and earn there what they earn here."""

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from handed_in import half_right

from course_utils.checks.feedback import sentence

pytestmark = [
    pytest.mark.nbgrader,
    pytest.mark.skipif(
        find_spec("nbgrader") is None,
        reason="needs nbgrader: python3 course.py test --nbgrader installs it",
    ),
]
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "attention"
c.KernelManager.transport_encryption = "auto"
"""
POINTS = """\
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    found = [
        (one.student.id, grade.name, grade.auto_score)
        for given in book.assignments for one in book.assignment_submissions(given.name)
        for notebook in one.notebooks for grade in notebook.grades
    ]
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def course(root, tmp_path_factory):
    """A course folder in which nbgrader did all its work, beside what we give it."""
    folder = tmp_path_factory.mktemp("nbgrader")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    for notebook in sorted((root / "exercises").glob("*.ipynb")):
        name = notebook.stem
        for place in ("source", "submitted/solved", "submitted/half", "submitted/stub"):
            (folder / place / name).mkdir(parents=True)
        shutil.copy(notebook, folder / "source" / name)
        work(folder, "generate_assignment", name)
        given = folder / "release" / name / notebook.name
        solved = root / "solutions" / notebook.name
        shutil.copy(given, folder / "submitted/stub" / name)
        made = nbformat.read(solved, as_version=4)
        del made.metadata["course"]  # else it is the course's own, and no answer
        asked = {x.id for x in nbformat.read(notebook, as_version=4).cells}
        made.cells = [x for x in made.cells if x.id in asked]
        nbformat.write(made, folder / "submitted/solved" / name / notebook.name)
        made, _ = half_right(given, solved)
        nbformat.write(made, folder / "submitted/half" / name / notebook.name)
        work(folder, "autograde", name)
        work(folder, "generate_feedback", name)
    work(folder, "export")
    return folder


def work(folder, *command):
    """Run a command of nbgrader as an instructor would, with a home of its own."""
    run(folder, "-m", "nbgrader", *command)


def run(folder, *command):
    tools = Path(sys.executable).parent  # nbgrader calls alembic by name
    own = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    own |= {"COURSE_PROGRESS": str(folder / "progress.json")}
    own |= {"PYTHONPATH": str(Path(__file__).parents[1])}
    own |= {"PATH": os.pathsep.join([str(tools), os.environ["PATH"]])}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be converted" not in done.stderr  # a check that returns no points
    return done.stdout


def test_what_nbgrader_hands_out_is_what_we_hand_out(course, root):
    for given in sorted(course.glob("release/*/*.ipynb")):
        ours = nbformat.read(root / "exercises" / given.name, as_version=4)
        theirs = nbformat.read(given, as_version=4)
        assert [x.source for x in theirs.cells] == [x.source for x in ours.cells]


def test_it_gives_the_points_that_we_give(course):
    theirs = {}
    for learner, name, points in json.loads(run(course, "-c", POINTS)):
        theirs.setdefault(learner, {})[name] = points
    options = ["--out", "ours", "--isolation", "process", "--workers", "1"]
    run(course, "-m", "course_utils.grading", "submitted", *options)
    found = json.loads((course / "ours" / "class.json").read_text(encoding="utf-8"))
    ours = {
        x["learner"]: {name: y["points"] for name, y in x["exercises"].items()}
        for x in found["learners"]
    }
    assert ours == theirs
    assert set(theirs["stub"].values()) == {0}
    assert 0 < sum(theirs["half"].values()) < sum(theirs["solved"].values())


def test_it_exports_them(course):
    table = (course / "grades.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert len(rows) == 3 * len(list((course / "source").iterdir()))
    for row in rows:
        earned, most = float(row["score"]), float(row["max_score"])
        low, high = {"solved": (1, 1), "half": (0.1, 0.9), "stub": (0, 0)}[
            row["student_id"]
        ]
        assert low * most <= earned <= high * most


def test_its_feedback_names_the_mistake(course, root):
    named = 0
    for given in sorted(course.glob("release/*/*.ipynb")):
        lesson = given.stem
        _, says = half_right(given, root / "solutions" / given.name)
        named += says is not None
        assert says is None or sentence(says) in shown(course, "half", lesson)
        assert "It is not written yet." in shown(course, "stub", lesson)
        assert "✓ Right: " in shown(course, "solved", lesson)
    assert named >= 3


def shown(course, learner, lesson):
    page = course / "feedback" / learner / lesson / f"{lesson}.html"
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))
