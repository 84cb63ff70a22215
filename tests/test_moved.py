"""Notebooks of earlier versions still run: learners keep them, and hand them in."""

import ast
import asyncio
import gzip
import json
from contextlib import nullcontext
from importlib import import_module

import nbformat
import pytest
from nbclient import NotebookClient

import course_utils
from course_utils import _moved
from course_utils.grading import sandbox
from course_utils.grading.sandbox import Limits
from course_utils.grading.verdict import Terms, grade
from course_utils.learner import progress
from course_utils.learner.workspace import Workspace

EXERCISES = "exercises/01_soft_lookup.ipynb"
LESSON = "notebooks/01_soft_lookup.ipynb"
MINE = (
    "def soft_lookup(query, key, value, sharpness):\n"
    "    weight = np.exp(sharpness * (key @ query))\n"
    "    return weight @ value / weight.sum()"
)


@pytest.fixture(scope="module")
def old(root):
    """The notebooks as they were, without text and outputs, by their names."""
    path = root / "tests" / "reference" / "old_notebooks.json.gz"
    return json.loads(gzip.decompress(path.read_bytes()))


def sources(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def imports(source):
    """Return the imports of a cell as a program."""
    kinds = (ast.Import, ast.ImportFrom)
    return [x for x in ast.parse(source).body if isinstance(x, kinds)]


def asked(source, names):
    """Return what a cell asks of the modules it imported, as in figures.panel."""
    return {
        (x.value.id, x.attr)
        for x in ast.walk(ast.parse(source))
        if isinstance(x, ast.Attribute)
        and isinstance(x.value, ast.Name)
        and x.value.id in names
    }


def test_old_notebooks_find_all_that_they_import(old):
    assert len(old) == 27
    for name, notebook in old.items():
        found = {}
        for source in sources(notebook):
            for statement in imports(source):
                exec(ast.unparse(statement), found)
            for module, attribute in asked(source, {"course_utils", "figures"}):
                assert hasattr(found[module], attribute), (name, module, attribute)


# Exercises that another has taken the place of, and those that ask something else now.
GONE = {"diagnose_scale", "diagnose_softmax"}
ANEW = {"diagnose_roles", "diagnose_rotary"}


def refused(is_gone):
    words = "there is no exercise"
    return pytest.raises(ValueError, match=words) if is_gone else nullcontext()


def test_old_exercises_are_checked(old, tmp_path, monkeypatch):
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path / "exercises")
    for name, notebook in old.items():
        if name.startswith("solutions/"):
            cells = {}
            for source in sources(notebook):
                with refused(any(f'check("{x}"' in source for x in GONE)):
                    exec(source, cells)
    earned = progress.load()["exercises"]
    exercises = {
        cell["metadata"]["course"]["answer"]
        for notebook in old.values()
        for cell in notebook["cells"]
        if "course" in cell["metadata"]
    }
    assert set(earned) == exercises - GONE - ANEW
    assert all(earned.values())


def test_old_predictions_are_asked(old):
    calls = {
        ast.unparse(x)
        for name, notebook in old.items()
        if name.startswith("notebooks/")
        for source in sources(notebook)
        for x in ast.walk(ast.parse(source))
        if isinstance(x, ast.Call) and ast.unparse(x.func) == "figures.predict"
    }
    assert len(calls) == 9
    for call in calls:
        assert eval(call, {"figures": course_utils.figures}) is not None


@pytest.mark.thorough
@pytest.mark.parametrize("lesson", ["01", "04", "07", "08", "09"])
def test_old_lessons_run_to_their_end(old, with_course, tmp_path, lesson):
    (name,) = [x for x in old if x.startswith(f"notebooks/{lesson}")]
    notebook = nbformat.reads(json.dumps(old[name]), as_version=4)
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    asyncio.run(client.async_execute(env=with_course))
    assert all(cell.execution_count for cell in notebook.cells)


def test_a_name_that_never_was_is_no_name_now():
    for module in _moved.NAMES:
        with pytest.raises(AttributeError, match="has no attribute 'never'"):
            import_module(module).never  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match="terrains"):
        import_module("course_utils.terrains")


def test_a_former_name_is_the_module_itself():
    for before, now in _moved.MODULES.items():
        assert import_module(before) is import_module(now)


def answer(notebook, name):
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return next("".join(x["source"]) for x in cells if x["id"] == name)


def test_a_workspace_of_before_is_brought_up_to_date(old, root, tmp_path):
    work = tmp_path / "work"
    for name, notebook in old.items():
        for folder in (work, work / ".given"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    for name, cell, text in (
        (EXERCISES, "soft_lookup", MINE),
        (LESSON, None, "# mine"),
    ):
        path = work / name
        notebook = json.loads(path.read_text("utf-8"))
        (changed,) = [x for x in notebook["cells"] if x["id"] == cell] or notebook[
            "cells"
        ][:1]
        changed["source"] = text
        path.write_text(json.dumps(notebook), encoding="utf-8")
    lines = Workspace(root, work).lay_out()
    assert any(f"{EXERCISES}: your answers were carried over" in x for x in lines)
    assert answer(work / EXERCISES, "soft_lookup") == MINE
    assert "from course_utils.learner import check" in (work / EXERCISES).read_text(
        "utf-8"
    )
    (kept,) = (work / "notebooks").glob("01_soft_lookup (yours of *).ipynb")
    assert "# mine" in kept.read_text("utf-8")
    new = [x for x in work.glob("*/*.ipynb") if "yours" not in x.name]
    given = ("notebooks", "exercises", "solutions")
    assert len(new) == sum(len(list((root / x).glob("*.ipynb"))) for x in given)
    for path in new:
        given = root / path.relative_to(work)
        assert path.read_bytes() == given.read_bytes() or path == work / EXERCISES
    assert Workspace(root, work).lay_out() == []


def test_old_answers_are_graded(old):
    terms = Terms(1, "process", Limits(seconds=5))
    notebook = nbformat.reads(
        json.dumps(old["solutions/04_weighted_sum.ipynb"]), as_version=4
    )
    try:
        said = grade(nbformat.writes(notebook).encode(), terms)
    finally:
        sandbox.of_this_thread("process", terms.limits).close()
    assert said["points"] == said["of"] > 0
