import json
import os
import shutil

import nbformat
import pytest

from course_utils.exercises import EXERCISES
from course_utils.models import published
from set_up import needs_models
from tools import build, execute, sources
from tools.dependencies import Course
from tools.sources import BuildError, Target

FOLDERS = ("notebooks", "solutions", "exercises")
LESSON = '''# %% [markdown]
r"""
# A title
"""

# %%
1 + 1
'''
SOURCE = "source/lessons/01_soft_lookup.py"
CELLS = "source/exercises/01_soft_lookup.py"
BUILT = "notebooks/01_soft_lookup.ipynb"
GIVEN = "exercises/01_soft_lookup.ipynb"
PLAYER = "course_utils/labextensions/attention-course/player.js"
SOLVED = "solutions/01_soft_lookup.ipynb"


@pytest.fixture
def course(root, tmp_path, monkeypatch):
    """A copy of two lessons, and of all that they are built from."""
    for folder in ("source/lessons", "source/exercises", *FOLDERS):
        (tmp_path / folder).mkdir(parents=True)
        for lesson in ("01_soft_lookup", "03_softmax"):
            (path,) = (root / folder).glob(f"{lesson}.*")
            shutil.copy(path, tmp_path / folder)
    (tmp_path / "figures").mkdir()
    for lesson in ("01_soft_lookup", "03_softmax"):
        shutil.copy(root / "figures" / f"{lesson}.json", tmp_path / "figures")
    made = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "course_utils", tmp_path / "course_utils", ignore=made)
    shutil.copy(root / "constraints.txt", tmp_path)
    # What a lesson lacks is found in test_contributing.py.
    monkeypatch.setattr(build, "incomplete", lambda root: ())
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """The notebooks that would be executed, which takes too long here."""
    names = []

    def stand_in(notebook, target):
        names.append(target.name)
        for i, cell in enumerate(sources.code_cells(notebook), start=1):
            cell.execution_count = i

    monkeypatch.setattr(build, "execute", stand_in)
    return names


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.thorough  # `course.py test` compares them in a step of its own
def test_the_notebooks_match_their_sources(root):
    assert build.check(root) == []


TEXT, CODE = "its text differs from", "its code differs from"
CHANGES = {
    "a sentence": (SOURCE, "softly", "gently", [f"{BUILT}: {TEXT} {SOURCE}"]),
    "a sentence of what is built": (BUILT, "softly", "gently", [f"{BUILT}: {TEXT}"]),
    "a line": (SOURCE, "noises = ", "noise = ", [f"{BUILT}: {CODE} {SOURCE}"]),
    "a line of what is built": (BUILT, "noises = ", "noise = ", [f"{BUILT}: {CODE}"]),
    "an output": (BUILT, "16.96", "16.97", [f"{BUILT}: its outputs were edited"]),
    "a stub": (GIVEN, "raise", "return", [f"{GIVEN}: {TEXT} {CELLS}"]),
    "a text of an exercise": (
        CELLS,
        "Four functions",
        "4 functions",
        [f"{SOLVED}: {TEXT} {CELLS}", f"{GIVEN}: {TEXT} {CELLS}"],
    ),
    "the mathematics": (
        "course_utils/lookup.py",
        "return ",
        "return 1 * ",
        [
            f"{BUILT}: course_utils/lookup.py changed",
            f"{SOLVED}: course_utils/lookup.py changed",
        ],
    ),
    "a data file": (
        PLAYER,
        "{",
        "{ ",
        [
            f"{BUILT}: {PLAYER} changed",
            f"notebooks/03_softmax.ipynb: {PLAYER} changed",
        ],
    ),
    "the exercises of a lesson": (
        "course_utils/exercises/lesson_03.py",
        "EXERCISES = (",
        "EXERCISES = tuple(",
        ["solutions/03_softmax.ipynb: course_utils/exercises/lesson_03.py changed"],
    ),
    "a library": (
        "constraints.txt",
        "jinja2==",
        "jinja2==99.",
        [f"{SOLVED}: jinja2 changed", "solutions/03_softmax.ipynb: jinja2 changed"],
    ),
    "a library of the tests": ("constraints.txt", "pytest==", "pytest==99.", []),
    "a comment": ("course_utils/lookup.py", "\n\n\ndef ", "\n\n\n# Why\ndef ", []),
    "what keeps points": (
        "course_utils/learner/progress.py",
        "def ",
        "X = 1\ndef ",
        [],
    ),
    "the path": ("course_utils/learner/syllabus.py", "Lesson(", "Lesson( ", []),
    "another lesson's model": (
        "course_utils/training.py",
        "import",
        "import re\nimport",
        [],
    ),
    "broken code": (
        "course_utils/lookup.py",
        "def ",
        "def def ",
        ["course_utils/lookup.py:"],
    ),
    "broken source": (SOURCE, "names = list", "names == = l", [f"{SOURCE}:"]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found_where_it_matters(course, what):
    file, old, new, faults = CHANGES[what]
    edit(course / file, old, new)
    found = build.check(course)
    assert len(found) == len(faults)
    assert all(x.startswith(y) for x, y in zip(found, faults, strict=True)), found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: (c / SOLVED).unlink(), f"{SOLVED}: is missing"),
        (lambda c: (c / BUILT).write_text("{"), f"{BUILT}: is not a notebook"),
        (lambda c: (c / BUILT).write_text("{}"), f"{BUILT}: is not a notebook"),
        (
            lambda c: (c / "notebooks/99_stray.ipynb").write_text("{}"),
            "notebooks/99_stray.ipynb: has no source",
        ),
    ],
)
def test_a_notebook_that_is_missing_or_left_over_is_found(course, change, fault):
    change(course)
    assert build.check(course) == [fault]


def test_the_age_of_files_does_not_count(course, executed):
    for i, path in enumerate(sorted(course.rglob("*.*"), reverse=True)):
        os.utime(path, (i, i))
    assert build.rebuild(course) == []
    assert executed == []


def test_a_changed_sentence_executes_nothing(course, executed, capsys):
    before = nbformat.read(course / BUILT, as_version=4)
    edit(course / SOURCE, "softly", "gently")
    assert build.rebuild(course) == []
    after = nbformat.read(course / BUILT, as_version=4)
    assert executed == []
    assert "gently" in after.cells[0].source
    outputs = [[x.outputs for x in sources.code_cells(y)] for y in (before, after)]
    assert outputs[0] == outputs[1]
    assert capsys.readouterr().out == (
        f"{BUILT}: its text differs from {SOURCE}\n"
        "1 of 6 notebooks built; 5 were up to date\n"
    )
    assert build.check(course) == []


def test_a_cell_that_only_draws_is_folded_and_keeps_its_outputs(course, executed):
    before = sources.code_cells(nbformat.read(course / BUILT, as_version=4))
    place = next(i for i, x in enumerate(before) if x.outputs)
    head = "# %%\n" + before[place].source
    edit(course / SOURCE, head, head.replace("# %%", '# %% tags=["hide-input"]', 1))
    assert build.rebuild(course) == []
    after = sources.code_cells(nbformat.read(course / BUILT, as_version=4))
    folded = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
    assert after[place].metadata == folded
    assert [x.metadata for x in after if x != after[place]] == [
        x.metadata for x in before if x != before[place]
    ]
    assert [x.outputs for x in after] == [x.outputs for x in before]
    assert executed == []


@pytest.mark.parametrize(
    ("file", "old", "new", "which"),
    [
        (SOURCE, "noises = ", "noise = ", {BUILT}),
        ("course_utils/lookup.py", "return ", "return 1 * ", {BUILT, SOLVED}),
        (BUILT, "16.96", "16.97", {BUILT}),
        (CELLS, "Four functions", "4 functions", set()),
    ],
)
def test_changed_code_is_executed_again(course, executed, file, old, new, which):
    edit(course / file, old, new)
    assert build.rebuild(course) == []
    assert set(executed) == which
    assert build.check(course) == []


@pytest.mark.parametrize(
    "name", ["1", "01", "01_soft_lookup", "soft_lookup", SOURCE, BUILT]
)
def test_one_lesson_is_built_by_its_number_or_name(course, executed, name):
    for lesson in ("01_soft_lookup", "03_softmax"):
        (course / f"notebooks/{lesson}.ipynb").unlink()
        (course / f"exercises/{lesson}.ipynb").unlink()
    assert build.rebuild(course, [name]) == []
    assert executed == [BUILT]
    assert (course / GIVEN).exists()
    assert not (course / "notebooks/03_softmax.ipynb").exists()


def test_an_unknown_lesson_gets_a_list_of_those_there_are(course):
    with pytest.raises(BuildError) as error:
        build.rebuild(course, ["1", "7"])
    assert str(error.value) == (
        "there is no lesson '7'; there are 01_soft_lookup, 03_softmax"
    )


def seldom(*arguments):
    return pytest.param(*arguments, marks=pytest.mark.thorough)


def broken(course, text):
    source = course / "source/lessons/02_broken.py"
    source.write_text(text, encoding="utf-8")
    return Target(source, course / "notebooks/02_broken.ipynb", True)


def test_a_syntax_error_names_its_file_line_and_cell(course):
    target = broken(course, f"{LESSON}\n# %%\nfor x in range(3)\n    print(x)\n")
    with pytest.raises(BuildError) as error:
        sources.unexecuted(target)
    assert str(error.value) == "source/lessons/02_broken.py:10: cell 3: expected ':'"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("def f():\n    1 / 0\n\n\nf()", ":11: cell 3, line 2: ZeroDivisionError: div"),
        seldom("x = 1\nx / 0", ":11: cell 3, line 2: ZeroDivisionError: div"),
        seldom("import sys\nprint('x', file=sys.stderr)", ": cell 3: stderr: x"),
        seldom("object()", ": cell 3: prints an address"),
    ],
)
def test_a_cell_that_cannot_be_built_is_named(course, cell, says):
    target = broken(course, f"{LESSON}\n# %%\n{cell}\n")
    with pytest.raises(BuildError) as error:
        execute.execute(sources.unexecuted(target), target)
    assert str(error.value).startswith("source/lessons/02_broken.py")
    assert says in str(error.value)


def test_a_lesson_without_its_model_says_what_to_run(course):
    use = "from course_utils.models.published import find\n\nfind('tokenizer.json')"
    target = broken(course, f"{LESSON}\n# %%\n{use}\n")
    with pytest.raises(BuildError, match=r"02_broken\.py.* run 'python3 course.py mod"):
        execute.execute(sources.unexecuted(target), target)


FIGURES = "figures/01_soft_lookup.json"


@pytest.mark.parametrize("spoil", ["lost", "of older outputs", "not JSON"])
def test_a_lesson_without_its_own_figures_is_built_again(course, executed, spoil):
    file = course / FIGURES
    if spoil == "lost":
        file.unlink()
    elif spoil == "not JSON":
        file.write_text("{")
    else:
        figures = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(figures | {"outputs": "of another day"}))
    why = "the pictures of its figures are missing, or older"
    assert build.check(course) == [f"{BUILT}: {why}"]
    build.rebuild(course)
    assert executed == [BUILT]


def test_figures_are_kept_beside_a_notebook_by_cell_and_output(course):
    cell = "import course_utils.figures as f\nprint(1)\nf.panel(lambda: f.bars([1]))"
    target = broken(course, f"{LESSON}\n# %%\n{cell}\n")
    files = build.build(target, Course(course))
    notebook, figures = (json.loads(text) for text in files.values())
    assert list(files) == [target.path, course / "figures" / "02_broken.json"]
    assert "attention-course" not in json.dumps(notebook["cells"])
    outputs = notebook["metadata"]["course"]["outputs"]
    shown = notebook["cells"][-1]
    assert list(figures) == ["outputs", f"{shown['id']}/1"]
    assert figures["outputs"] == outputs
    assert figures[f"{shown['id']}/1"]["controls"] == []


@pytest.mark.thorough
def test_a_rebuild_has_the_same_bytes(root):
    for target in sources.targets(root):
        needs = needs_models(target.source.read_text(encoding="utf-8"))
        if needs and not published.are_here():
            continue
        built = build.build(target, Course(root), anew=True)
        assert built == {x: x.read_text(encoding="utf-8") for x in built}


def test_one_broken_source_does_not_keep_the_others_from_being_built(course, executed):
    broken(course, "# %%\nfor\n")
    (course / "source/lessons/04_good.py").write_text(LESSON)
    (fault,) = build.rebuild(course)
    assert fault.startswith("source/lessons/02_broken.py:2: cell 1: invalid syntax")
    assert (course / "notebooks/04_good.ipynb").exists()


BEGIN, END = "    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (END, END + END, "### END SOLUTION has no ### BEGIN SOLUTION"),
        (BEGIN, BEGIN + BEGIN, "### BEGIN SOLUTION has no ### END SOLUTION"),
        (
            "import numpy as np\n",
            f"import numpy as np\n{BEGIN}",
            "a solution belongs in",
        ),
    ],
)
def test_a_solution_that_would_be_shown_is_an_error(course, old, new, says):
    edit(course / CELLS, old, new)
    line = (course / CELLS).read_text(encoding="utf-8").split(new)[0].count("\n")
    (fault,) = build.check(course, ["1"])
    file, number, said = fault.split(":", 2)
    assert file == CELLS
    assert line < int(number) <= line + 3
    assert says in said


def test_what_cannot_be_built_is_not_up_to_date(course, executed, capsys):
    edit(course / CELLS, BEGIN, "")
    assert len(build.rebuild(course, ["1"])) == 1
    assert capsys.readouterr().out == "0 of 3 notebooks built; 1 were up to date\n"


def test_exercises_hold_no_solution_and_no_output(root):
    for path in (root / "exercises").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        code = sources.code_cells(notebook)
        assert all(not cell.outputs for cell in code)
        solved = [cell for cell in code if cell.id in EXERCISES]
        assert solved
        for cell in solved:
            assert cell.source.rstrip().endswith(sources.STUB)
        assert "SOLUTION" not in path.read_text(encoding="utf-8")


def test_notebooks_hold_no_widget_state_and_stay_small(root):
    for target in sources.targets(root):
        text = target.path.read_text(encoding="utf-8")
        assert len(text) < 1_000_000
        assert set(json.loads(text)["metadata"]) == {
            "course",
            "kernelspec",
            "language_info",
        }
