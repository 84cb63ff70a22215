"""The lesson in CONTRIBUTING.md is complete, and a step left out is named."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from course_utils.checks.judge import judge
from course_utils.exercises import EXERCISES, collected
from course_utils.learner.syllabus import LESSONS, Lesson
from tools import build, lessons
from tools.sources import MARKS

SYLLABUS = "course_utils/learner/syllabus.py"
LESSON = "source/lessons/18_average.py"
CELLS = "source/exercises/18_average.py"
DATA = "course_utils/exercises/lesson_18.py"


@pytest.fixture(scope="module")
def contributing(root):
    return (root / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def template(contributing):
    """What CONTRIBUTING.md gives for each file."""
    step = r"^\*\*\d\.\*\* `([^`]+)`[^`]*(?:`[^`]+`[^`]*)*?```\w*\n(.*?)^```"
    return dict(re.findall(step, contributing, re.M | re.S))


@pytest.fixture
def course(root, tmp_path, template, monkeypatch):
    """What writes the lesson, or what is left of it, into a course without others."""

    def write(files=template):
        readme = (root / "README.md").read_text(encoding="utf-8")
        files = files | {"README.md": readme + files["README.md"]}
        for name in (LESSON, CELLS, DATA, "README.md"):
            if files[name]:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(files[name], encoding="utf-8")
        shutil.copy(root / "constraints.txt", tmp_path)
        entry = eval(f"({files[SYLLABUS].strip()})", {"Lesson": Lesson})
        monkeypatch.setattr(lessons, "LESSONS", (*LESSONS, *entry))
        module = SimpleNamespace(EXERCISES=())
        exec(files[DATA], vars(module))
        for name, exercise in collected({Path(DATA).stem: module}).items():
            monkeypatch.setitem(EXERCISES, name, exercise)
        return tmp_path

    return write


def cell(mark, text):
    """Return the cell of a source that has a mark."""
    pattern = rf'^# %%[^\n]* {mark}="average".*?(?=^# %%|\Z)'
    return re.search(pattern, text, re.M | re.S)[0]


def said_to(contributing, what):
    """Return what CONTRIBUTING.md says that the build says, as a pattern."""
    (row,) = re.findall(rf"^\| {re.escape(what)} \| `(.*)` \|$", contributing, re.M)
    return ".*".join(re.escape(part) for part in row.split("…"))


def test_every_step_has_its_template(template):
    assert set(template) == {SYLLABUS, "README.md", LESSON, CELLS, DATA}


def test_the_whole_lesson_is_only_to_be_built(course):
    assert build.check(course(), ["18"]) == [
        f"{folder}/18_average.ipynb: is missing"
        for folder in ("notebooks", "solutions", "exercises")
    ]


LEFT_OUT = {
    "the entry": [(SYLLABUS, None)],
    "the line": [("README.md", None)],
    "the lesson": [(LESSON, None)],
    "its question": [(LESSON, "What is left of attention when no key stands out?")],
    "the exercises": [(CELLS, None)],
    "what judges them": [(DATA, None)],
    "both of these": [(CELLS, None), (DATA, None)],
    "its name in `EXERCISES`": [(DATA, "AVERAGE,)")],
    "both markers": [
        (CELLS, "    ### BEGIN SOLUTION\n"),
        (CELLS, "    ### END SOLUTION\n"),
    ],
    "`### END SOLUTION`": [(CELLS, "    ### END SOLUTION\n")],
    "`### BEGIN SOLUTION`": [(CELLS, "    ### BEGIN SOLUTION\n")],
    **{f"the cell `{mark}`": [(CELLS, mark)] for mark in MARKS},
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_a_step_left_out_is_named(course, contributing, template, what):
    files = dict(template)
    for name, text in LEFT_OUT[what]:
        gone = files[name] if text is None else text
        gone = cell(text, files[name]) if text in MARKS else gone
        assert gone in files[name]
        files[name] = files[name].replace(gone, ")" if text == "AVERAGE,)" else "")
    try:
        faults = build.check(course(files), ["18"])
    except ValueError as error:
        faults = [str(error)]
    unbuilt = [x for x in faults if x.endswith("18_average.ipynb: is missing")]
    (fault,) = set(faults) - set(unbuilt)
    assert re.fullmatch(said_to(contributing, what), fault)


def test_each_row_of_the_tables_is_tried(contributing):
    rows = re.findall(r"^\| (.*) \| `.*` \|$", contributing, re.M)
    assert set(rows) == set(LEFT_OUT)


def test_the_exercise_judges_as_all_others_must(course):
    course()
    exercise = EXERCISES["average"]
    for seed in range(20):
        for answer in (exercise.reference, *exercise.also_right):
            assert judge(exercise, answer, seed).passed
        for mistake in exercise.misconceptions:
            assert judge(exercise, mistake.wrong, seed).message == mistake.says
    assert len(exercise.misconceptions) >= 4
    assert len(exercise.also_right) >= 3


@pytest.mark.thorough
def test_the_lesson_is_built_and_its_solution_passes(root, tmp_path, template):
    for name in ("course_utils", "tools", "source", "README.md", "constraints.txt"):
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, tmp_path / name)
    for name, text in template.items():
        path = tmp_path / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if name == SYLLABUS:
            head, last = before.rsplit("    ),\n}\n", 1)
            text = f"{head}{text}    ),\n}}\n{last}"
        elif name == "README.md":
            text = before + text
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "tools/build.py", "18"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 of 3 notebooks built; 0 were up to date" in done.stdout
    solved = nbformat.read(tmp_path / "solutions/18_average.ipynb", as_version=4)
    (output,) = next(x for x in solved.cells if x.id == "check_average").outputs
    assert output["data"]["text/plain"].startswith("✓ Right")
