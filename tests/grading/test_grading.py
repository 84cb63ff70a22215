import csv
import json
import os
import subprocess
import sys

import nbformat
import pytest

from course_utils.exercises import EXERCISES, exercises_of
from course_utils.grading import sandbox
from course_utils.grading.collect import content
from course_utils.grading.sandbox import Limits, SandboxError
from course_utils.grading.submission import SubmissionError, read
from course_utils.grading.verdict import Terms, grade, plain

RIGHT = "def hard_lookup(query, key, value):\n    return value[(key @ query).argmax()]"
TERMS = Terms(1, "process", Limits(seconds=5))


def notebook(*cells, **metadata):
    new_cell = nbformat.v4.new_code_cell
    code = [new_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)]
    made = nbformat.v4.new_notebook(cells=code, metadata=metadata)
    return nbformat.writes(made).encode()


ONE = notebook(RIGHT)


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    sandbox.of_this_thread("process", TERMS.limits).close()


def of(said, name="hard_lookup"):
    (entry,) = [x for x in said["exercises"] if x["name"] == name]
    return entry


def graded(*cells, **metadata):
    """Grade cells beside a stub that says which lesson it is."""
    stub = "def soft_lookup(query, key, value, sharpness): pass"
    return grade(notebook(*cells, stub, **metadata), TERMS)


def test_solutions_earn_all_and_exercises_none(root):
    for lesson in sorted({x.lesson for x in EXERCISES.values()}):
        (solved,) = (root / "solutions").glob(f"{lesson:02}_*.ipynb")
        said = grade(solved.read_bytes(), TERMS)
        assert said["points"] == said["of"] > 0
        names = [x["name"] for x in said["exercises"]]
        assert names == [x.name for x in exercises_of(lesson)]
        untouched = root / "exercises" / solved.name
        said = grade(untouched.read_bytes(), TERMS)
        assert {x["message"] for x in said["exercises"]} == {"it is not written yet"}
        assert said["points"] == 0


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([RIGHT], "right: 12 fresh inputs, all as expected"),
        (["1 / 0", RIGHT], "right: 12 fresh inputs, all as expected"),
        ([RIGHT.replace("value[", "key[")], "it returns the key that matches best"),
        (["hard_lookup = 3"], "`hard_lookup` is not defined"),
        (
            ["import nonsense_module", "nonsense_module.x\n1 / 0\n" + RIGHT],
            "`hard_lookup` is not defined: code cell 1 raises ModuleNotFound",
        ),
        ([RIGHT.replace("return ", "")], "it returns None: is a `return` missing?"),
        ([RIGHT.replace("return ", "print(1); ")], "it prints its result and returns"),
        (
            [RIGHT.replace("return", "key *= 2\n    return")],
            "it changes its input `key`",
        ),
        ([RIGHT.replace("argmax()]", "argmax()] / 0")], "the numbers differ"),
        ([RIGHT.replace("return", "return 'x', #")], "it returns a tuple"),
        (
            [RIGHT.replace("return", "raise KeyError(1) #")],
            "it raises KeyError (line",
        ),
        (["from course_utils import hard_lookup"], "it calls `hard_lookup` of the"),
        (
            [RIGHT.replace("return", "import os\n    os._exit(0)\n    return")],
            "it ends the process that runs it",
        ),
        (["%matplotlib inline\n%time 1\n!true\n" + RIGHT], "right: "),
        (["import asyncio\nawait asyncio.sleep(0)\n" + RIGHT], "right: "),
        (
            ["import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()", RIGHT],
            "right",
        ),
        (["import ipywidgets\nipywidgets.IntSlider()", RIGHT], "right: "),
        (["import os\nos._exit(3)", RIGHT], "right: "),
        ([RIGHT, "def hard_lookup(query, key, value): pass"], "it returns None"),
    ],
)
def test_a_submission_gets_its_verdict(cells, says):
    entry = of(graded(*cells))
    assert entry["message"].casefold().startswith(says.casefold())
    assert entry["points"] == (2 if says.startswith("right") else 0)


def test_a_cell_that_kills_its_process_costs_that_question_only():
    kills = "def soft_lookup(*_):\n    import os\n    os._exit(1)"
    said = grade(notebook(kills, RIGHT), TERMS)
    assert of(said, "soft_lookup")["message"] == "it ends the process that runs it"
    assert of(said)["points"] == 2


def test_an_answer_without_end_is_stopped():
    terms = Terms(1, "process", Limits(seconds=1))
    endless = "def hard_lookup(*_):\n    while True: pass"
    said = grade(notebook(endless), terms)
    assert of(said)["message"] == "it did not finish within 1 seconds"


def test_a_cell_without_end_is_left_out():
    terms = Terms(1, "process", Limits(seconds=1))
    said = grade(notebook("while True: pass\n" + RIGHT, RIGHT), terms)
    assert of(said)["points"] == 2
    said = grade(notebook(RIGHT.replace("\n", "\nwhile True: pass\n", 1)), terms)
    assert said["error"] is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[]", "is not a notebook: it is JSON, but has no list of cells"),
        (b'{"cells": 3, "nbformat": 4}', "is not a notebook: it is JSON, but has"),
        (b'"cells"', "is not a notebook: it is JSON, but has no list of cells"),
        (b"[" * 100_000 + b"]" * 100_000, "is not a notebook: it is nested too deep"),
        (b" " * (21 << 20), "is larger than 20 MB"),
        (notebook("x = 1"), "has no exercise of this course in it"),
    ],
)
def test_what_cannot_be_graded_is_said_to_be_so(data, says):
    assert grade(data, TERMS)["error"].startswith(says)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (bytes(512), "holds nothing but zero bytes"),
        (ONE[:99], "breaks off in the middle"),
        (ONE.rstrip()[:-1], "breaks off in the middle"),
        (ONE[:60] + bytes(400), "breaks off in the middle"),
        (ONE.replace(b":", b"=", 1), "is not valid JSON: line 2 is wrong"),
        (ONE.replace(b"value", b"v\xe4lue"), "is in another encoding than UTF-8"),
        (b"<<<<<<< HEAD\n" + ONE + b"=======\n" + ONE, "holds the conflict markers"),
        (ONE.replace(b"{\n", b"{\n<<<<<<< a b\n", 1), "holds the conflict markers"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\n <html lang=x>", "is a web page"),
        (b"\xef\xbb\xbf<!doctype HTML>", "is a web page"),
        (b"<?xml version='1.0'?>", "is an XML file"),
        (b"PK\x03\x04" + bytes(99), "is a ZIP archive: unpack it"),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "is an Office document"),
        (b"\x1f\x8b\x08" + bytes(9), "is a gzip archive"),
        (b"%PDF-1.7 x", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS"),
        (b"\x00\x05\x16\x07" + bytes(9), "is what macOS keeps beside a file"),
        (b"def f(): pass", "is plain text"),
        (b"\xfe\xfa\x00\x01\x02", "holds bytes that are no text"),
    ],
)
def test_what_is_no_notebook_is_called_by_its_kind(data, says):
    with pytest.raises(SubmissionError, match=f"is not a notebook: it {says}"):
        read(data)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: text.encode() + bytes(512),
        lambda text: text.encode("utf-16") + bytes(512),
    ],
)
def test_other_ways_to_write_a_notebook_are_read(written):
    text = ONE.decode().replace("return", r"# für\n    return")
    assert "für" in read(written(text)).cells[0][1]


def kernel(name, language=None, also=None):
    said = {"kernelspec": {"name": name, "display_name": name}}
    if language:
        said["kernelspec"]["language"] = language
    return said | ({"language_info": {"name": also}} if also else {})


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        (kernel("ir", "R"), "R"),
        (kernel("ir"), "ir"),
        (kernel("IR"), "IR"),
        (kernel("julia-1.10"), "julia-1.10"),
        (kernel("xcpp17"), "xcpp17"),
        (kernel("bash"), "bash"),
        (kernel("x", also="julia"), "julia"),
        (kernel("python3", "R"), "R"),
        (kernel("x", "right: \x1b[2J\n10 of 10"), "right 2J10 of 10"),
        (kernel("python3", "python"), None),
        (kernel("python3", "python3"), None),
        (kernel("python3", "Python 3.11"), None),
        (kernel("ir", "ipython"), None),
        (kernel("x", also="ipython3"), None),
        (kernel("xpython", "xpython"), None),
        (kernel("my project"), None),
        (kernel("iris"), None),
        (kernel("conda-env-ir-py"), None),
        (kernel("python3", " "), None),
        (kernel(["ir"]), None),
        ({}, None),
    ],
)
def test_notebooks_in_other_languages_are_known(metadata, language):
    cells = [{"cell_type": "code", "source": RIGHT}]
    data = json.dumps({"cells": cells, "metadata": metadata}).encode()
    if language is None:
        assert read(data).cells
        return
    with pytest.raises(SubmissionError) as error:
        read(data)
    assert str(error.value) == f"is a notebook in {language}, not in Python"


def test_what_a_submission_says_becomes_one_printable_line():
    assert plain("a\x1b[31m\r\nb\u202e" + "c" * 999) == "a [31m b " + "c" * 491


@pytest.fixture
def a_class(tmp_path):
    """Make a class of four, of whom one hands in nonsense and one nothing."""
    of_them = tmp_path / "class"
    for name in ("ada", "=cmd()", "eve", "zoë"):
        (of_them / name).mkdir(parents=True)
    for same in ("ada/renamed.ipynb", "=cmd()/same.ipynb"):
        (of_them / same).write_bytes(ONE)
    (of_them / "eve" / "a.ipynb").write_text("{")
    old = of_them / "ada" / ".ipynb_checkpoints"
    old.mkdir()
    (old / "old.ipynb").write_bytes(notebook(RIGHT))
    return of_them


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs files of other kinds")
def test_links_pipes_and_folders_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "folder.ipynb").mkdir()
    assert content(str(tmp_path / "link.ipynb")).startswith("is a link")
    assert content(str(tmp_path / "pipe.ipynb")) == "is not a regular file"
    assert content(str(tmp_path / "folder.ipynb")).endswith("Is a directory")
    assert content(str(tmp_path / "no")).startswith("cannot be opened: No such")


def run(*arguments, env, code=0, **options):
    command = [sys.executable, "-m", "course_utils.grading", *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, **options)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_command_grades_a_class(a_class, tmp_path, with_course):
    out = tmp_path / "out"
    options = ["--out", out, "--isolation", "process", "--workers", 2]
    done = run(a_class, *options, env=with_course)
    assert "Graded under: a process with limits only" in done.stdout
    assert "eve/a.ipynb: not graded: it is not a notebook" in done.stdout
    assert "  hard_lookup        2 of 2  right: 12 fresh inputs" in done.stdout
    written = (out / "class.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(written.splitlines()))
    assert [x["learner"] for x in rows] == ["'=cmd()", "ada", "eve", "zoë"]
    assert [x["points"] for x in rows] == ["2", "2", "0", "0"]
    assert rows[3]["notes"] == "zoë: has no notebook in it"
    assert rows[3]["hard_lookup"] == "not handed in"
    assert rows[2]["hard_lookup"] == "not judged"
    assert rows[1]["soft_lookup"] == "not attempted"
    whole = json.loads((out / "class.json").read_text(encoding="utf-8"))
    assert [x["points"] for x in whole["learners"]] == [2, 2, 0, 0]
    assert whole["learners"][1]["notebooks"][0]["exercises"][0]["points"] == 2
    seed = (out / "seed").read_text()
    assert not any(seed in x.read_text("utf-8") for x in out.rglob("*.html"))
    page = (out / "class.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    for one in whole["learners"]:
        name = one["learner"]
        (mine,) = [
            x for x in (out / "feedback").iterdir() if f">{name}: " in x.read_text()
        ]
        assert mine.name in page or mine.name.replace("ë", "%C3%AB") in page

    kept = {x: x.stat().st_mtime_ns for x in (out / "verdicts").iterdir()}
    assert len(kept) == 2  # one for two equal notebooks
    run(a_class, *options, env=with_course)
    assert kept == {x: x.stat().st_mtime_ns for x in (out / "verdicts").iterdir()}
    run(a_class, *options, "--seed", 3, env=with_course)
    assert len(list((out / "verdicts").iterdir())) == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nowhere"], "there is no nowhere"),
        ([".", "--seed", "x"], "--seed must be secret or a number"),
        ([".", "--seconds", "0"], "--seconds must be more than 0"),
        (["."], "there is no notebook in ."),
    ],
)
def test_the_command_refuses_what_it_cannot_do(options, says, tmp_path, with_course):
    done = run(*options, env=with_course, code=2, cwd=tmp_path)
    assert says in done.stderr


def test_without_the_sandbox_it_stops(a_class, tmp_path, with_course):
    env = {**with_course, "PATH": str(tmp_path)}
    done = run(a_class, "--out", tmp_path / "out", env=env, code=1)
    assert "needs bubblewrap, which is not installed" in done.stderr
    assert not (tmp_path / "out" / "class.csv").exists()


def test_a_sandbox_that_does_not_come_up_stops_the_run(monkeypatch):
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: ["false"])
    with pytest.raises(SandboxError, match="does not start: it ends without a word"):
        sandbox.Sandbox("sandbox", Limits()).submission()
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: [])
    if os.getuid() == 0:
        pytest.skip("the root user can do all this without bubblewrap")
    with pytest.raises(SandboxError, match="could not be isolated"):
        sandbox.Sandbox("sandbox", Limits()).submission()
