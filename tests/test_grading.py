import subprocess
import sys

import nbformat
import pytest

from course_utils.checks import exercises_of
from course_utils.grading.__main__ import grade, notebooks, table
from course_utils.grading.child import Child
from course_utils.grading.submission import SubmissionError, read

RIGHT = "def hard_lookup(query, key, value):\n    return value[(key @ query).argmax()]"


def written(path, *cells):
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code), path)
    return path


def of(verdicts, name="hard_lookup"):
    (verdict,) = [v for v in verdicts if v.exercise.name == name]
    return verdict


def test_solutions_earn_all_and_exercises_none(root):
    solved = grade(root / "solutions" / "01_soft_lookup.ipynb")
    assert all(verdict.passed for verdict in solved)
    assert [v.exercise for v in solved] == exercises_of(1)
    untouched = grade(root / "exercises" / "01_soft_lookup.ipynb")
    assert {v.points for v in untouched} == {0}
    assert {v.message for v in untouched} == {"it is not written yet"}


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([RIGHT], "right: 12 fresh inputs, all as expected"),
        (["1 / 0", RIGHT], "right: 12 fresh inputs, all as expected"),
        ([RIGHT.replace("value[", "key[")], "it returns the key that matches best"),
        (["hard_lookup = 3"], "there is no function hard_lookup"),
        (
            ["import nonsense_module", "nonsense_module.x\n" + RIGHT],
            "there is no function hard_lookup: code cell 1 raises ModuleNotFound",
        ),
        ([RIGHT.replace("return ", "")], "it returns None: is a `return` missing?"),
        (
            [RIGHT.replace("return", "key *= 2\n    return")],
            "it changes its input `key`",
        ),
        ([RIGHT.replace("argmax()]", "argmax()] / 0")], "the numbers differ"),
        ([RIGHT.replace("return", "return 'x', #")], "it returns a tuple, not an"),
        ([RIGHT.replace("return", "raise KeyError(1) #")], "it raises KeyError: 1"),
        (
            [RIGHT.replace("return", "import os\n    os._exit(0)\n    return")],
            "it ends the process that runs it",
        ),
    ],
)
def test_a_submission_gets_its_verdict(tmp_path, cells, says):
    cells = [*cells, "def soft_lookup(query, key, value, sharpness): pass"]
    verdict = of(grade(written(tmp_path / "renamed.ipynb", *cells)))
    assert verdict.message.startswith(says)
    assert verdict.points == (2 if says.startswith("right") else 0)


def test_a_cell_that_kills_its_process_costs_that_question_only(tmp_path):
    kills = "def soft_lookup(*_):\n    import os\n    os._exit(1)"
    verdicts = grade(written(tmp_path / "a.ipynb", kills, RIGHT))
    assert of(verdicts, "soft_lookup").message == "it ends the process that runs it"
    assert of(verdicts).passed


def test_an_answer_without_end_is_stopped():
    cells = ["def hard_lookup(*_):\n    while True: pass", "x = 2"]
    from course_utils.checks import EXERCISES, judge

    with Child(cells, seconds=1) as child:
        verdict = judge(EXERCISES["hard_lookup"], child.answer("hard_lookup"), 0)
    assert verdict.message == "it does not end within 1 seconds"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{half", "is not a notebook"),
        ("[]", "is not a notebook"),
        ("", "is not a notebook"),
        ('{"cells": 3, "nbformat": 4, "nbformat_minor": 5}', "is not a notebook"),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(tmp_path, text, says):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(SubmissionError, match=says):
        read(path)


def test_a_notebook_of_something_else_is_not_graded(tmp_path):
    with pytest.raises(SubmissionError, match="no exercise of this course"):
        read(written(tmp_path / "x.ipynb", "print('hello')"))


def test_folders_are_searched_and_checkpoints_left_out(tmp_path):
    (tmp_path / "ada" / ".ipynb_checkpoints").mkdir(parents=True)
    written(tmp_path / "ada" / ".ipynb_checkpoints" / "old.ipynb", RIGHT)
    one = written(tmp_path / "ada" / "one.ipynb", RIGHT)
    assert notebooks([tmp_path]) == [one]


def test_the_command_prints_a_table_and_exits_0(root, tmp_path, with_course):
    good = written(tmp_path / "good.ipynb", RIGHT)
    (tmp_path / "bad.ipynb").write_text("{")
    command = [sys.executable, "-m", "course_utils.grading"]
    done = subprocess.run(
        [*command, str(tmp_path)], env=with_course, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    bad, first, *rest = done.stdout.splitlines()
    assert bad.endswith("bad.ipynb: not graded: it is not a notebook: no valid JSON")
    assert first == f"{good}: 2 of 10 points"
    assert len(rest) == 4
    assert "  hard_lookup        2 of 2  right: 12 fresh inputs" in rest[0]
    none = subprocess.run(
        [*command, str(tmp_path / "nowhere")],
        env=with_course,
        capture_output=True,
        text=True,
    )
    assert none.returncode == 2
    assert "there is no " in none.stderr


def test_the_table_adds_up(root):
    verdicts = grade(root / "solutions" / "01_soft_lookup.ipynb")
    assert table("a.ipynb", verdicts).startswith("a.ipynb: 10 of 10 points\n")
