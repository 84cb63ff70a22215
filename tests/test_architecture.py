"""Which room may import which, and how much a module may hold: see pyproject.toml."""

import sys
from copy import deepcopy

import grimp
import pytest
from importlinter.cli import lint_imports

# Rooms of the course that stand on NumPy and Python alone, beside the root's modules.
BARE = ("models", "exercises", "data")
# What two modules load when it is asked for: a progress bar, and a measured landscape.
WHEN_ASKED = {("training", "tqdm"), ("data.terrain", "matplotlib")}
MOST_LINES = 400


@pytest.fixture(scope="module")
def graph():
    """Which module imports which."""
    return grimp.build_graph(
        "course_utils", include_external_packages=True, cache_dir=None
    )


def foreign(graph):
    """Return each import of what is neither Python's, the course's nor NumPy."""
    rooms = {x for x in graph.find_children("course_utils") if graph.find_children(x)}
    rooms -= {f"course_utils.{room}" for room in BARE}
    known = {"course_utils", "numpy"} | sys.stdlib_module_names
    return {
        (module.removeprefix("course_utils."), imported)
        for module in graph.modules
        if module.split(".")[0] == "course_utils"
        and not any(f"{module}.".startswith(f"{room}.") for room in rooms)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] not in known
    }


def faults(graph, root, monkeypatch, capsys):
    """Return what the contracts of pyproject.toml say against the imports."""
    monkeypatch.setattr(grimp, "build_graph", lambda *_, **__: deepcopy(graph))
    exit_code = lint_imports(
        config_filename=str(root / "pyproject.toml"), no_cache=True, no_logo=True
    )
    return capsys.readouterr().out if exit_code else ""


def test_a_room_imports_only_from_the_rooms_below_it(graph, root, monkeypatch, capsys):
    assert faults(graph, root, monkeypatch, capsys) == ""


def test_the_mathematics_imports_numpy_alone(graph):
    assert foreign(graph) == WHEN_ASKED


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("softmax", "figures.svg"),
        ("softmax", "models.order_reader"),
        ("masks", "training"),
        ("validation", "softmax"),
        ("softmax", "lookup"),  # which imports it: a circle
        ("models.order_reader", "figures.svg"),
        ("models.order_reader", "exercises"),
        ("figures.svg", "models.order_reader"),
        ("figures.svg", "exercises.exercise"),
        ("figures.svg", "learner"),
        ("exercises.lesson_01", "figures"),
        ("exercises.lesson_01", "checks.judge"),
        ("checks.judge", "learner.progress"),
        ("checks.judge", "grading.wire"),
        ("grading.verdict", "learner"),
        ("learner.checking", "grading.verdict"),
        ("figures.svg", "figures.marks"),
    ],
)
def test_an_import_in_another_direction_is_found(
    graph, root, monkeypatch, capsys, importer, imported
):
    wrong = deepcopy(graph)
    wrong.add_import(
        importer=f"course_utils.{importer}", imported=f"course_utils.{imported}"
    )
    said = faults(wrong, root, monkeypatch, capsys)
    assert f".{importer.split('.')[-1]} -> " in said
    assert f".{imported.split('.')[-1]} (" in said


@pytest.mark.parametrize("module", ["softmax", "models.order_reader", "data.terrain"])
def test_another_library_in_the_mathematics_is_found(graph, module):
    wrong = deepcopy(graph)
    wrong.add_import(importer=f"course_utils.{module}", imported="IPython")
    assert foreign(wrong) == WHEN_ASKED | {(module, "IPython")}


def test_a_module_without_a_place_is_found(graph, root, monkeypatch, capsys):
    wrong = deepcopy(graph)
    wrong.add_module("course_utils.everything")
    assert "everything" in faults(wrong, root, monkeypatch, capsys)


def test_no_module_is_too_long_to_be_read(root):
    lines = {
        path.relative_to(root).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in root.glob("course_utils/**/*.py")
        if not path.match("exercises/lesson_*.py")  # data
    }
    assert {x: n for x, n in lines.items() if n > MOST_LINES} == {}
