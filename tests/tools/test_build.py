import json
import os
import shutil

import nbformat
import pytest

from course_utils.exercises import EXERCISES
from tools import build

LESSON = '''# %% [markdown]
r"""
# A title
"""

# %%
1 + 1
'''


@pytest.fixture
def course(root, tmp_path):
    """A copy of the sources and of what is built from them."""
    for name in ("source", "notebooks", "solutions", "exercises"):
        shutil.copytree(root / name, tmp_path / name)
    for notebook in tmp_path.glob("*/*.ipynb"):
        notebook.touch()
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_notebooks_match_their_sources(course):
    assert build.check(course, run=False) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda c: edit(c / "source/lessons/01_soft_lookup.py", "softly", "gently"),
            "notebooks/01_soft_lookup.ipynb: is not what source/lessons/",
        ),
        (
            lambda c: edit(c / "notebooks/01_soft_lookup.ipynb", "16.96", "16.97"),
            "notebooks/01_soft_lookup.ipynb: its outputs were edited",
        ),
        (
            lambda c: edit(c / "exercises/01_soft_lookup.ipynb", "raise", "return"),
            "exercises/01_soft_lookup.ipynb: is not what source/exercises/",
        ),
        (
            lambda c: (c / "solutions/01_soft_lookup.ipynb").unlink(),
            "solutions/01_soft_lookup.ipynb: is missing",
        ),
        (
            lambda c: (c / "notebooks/99_stray.ipynb").write_text("{}"),
            "notebooks/99_stray.ipynb: has no source",
        ),
        (
            lambda c: (c / "notebooks/01_soft_lookup.ipynb").write_text("{"),
            "notebooks/01_soft_lookup.ipynb: is not a notebook",
        ),
        (
            lambda c: edit(
                c / "source/lessons/01_soft_lookup.py", "names = list", "names == = l"
            ),
            "source/lessons/01_soft_lookup.py:",
        ),
    ],
)
def test_any_difference_is_found_without_executing(course, change, fault):
    change(course)
    (found,) = build.check(course, run=False)
    assert found.startswith(fault)


def test_a_syntax_error_names_its_file_line_and_cell(course):
    source = course / "source/lessons/02_broken.py"
    source.write_text(LESSON + "\n# %%\nfor x in range(3)\n    print(x)\n")
    target = build.Target(source, course / "notebooks/02_broken.ipynb", True)
    with pytest.raises(build.BuildError) as error:
        build.unexecuted(target)
    assert str(error.value) == ("source/lessons/02_broken.py:10: cell 3: expected ':'")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("x = 1\nx / 0", ":11: cell 3, line 2: ZeroDivisionError: division by zero"),
        ("def f():\n    1 / 0\n\n\nf()", ":11: cell 3, line 2: ZeroDivisionError"),
        ("import sys\nprint('x', file=sys.stderr)", ": cell 3: stderr: x"),
        ("object()", ": cell 3: prints an address"),
    ],
)
def test_a_cell_that_cannot_be_built_is_named(course, cell, says):
    source = course / "source/lessons/02_broken.py"
    source.write_text(f"{LESSON}\n# %%\n{cell}\n")
    target = build.Target(source, course / "notebooks/02_broken.ipynb", True)
    with pytest.raises(build.BuildError) as error:
        build.build(target)
    assert str(error.value).startswith("source/lessons/02_broken.py")
    assert says in str(error.value)


def test_a_rebuild_has_the_same_bytes(course):
    for target in build.targets(course):
        assert build.build(target) == target.path.read_text(encoding="utf-8")


def test_only_what_changed_is_built(course):
    assert all(target.is_current for target in build.targets(course))
    edit(course / "source/exercises/01_soft_lookup.py", "ten points", "10 points")
    old = [t.path.parent.name for t in build.targets(course) if not t.is_current]
    assert old == ["solutions", "exercises"]
    # Older than the package that it imports: its outputs may have changed.
    os.utime(course / "notebooks/01_soft_lookup.ipynb", (0, 0))
    old = [t.path.parent.name for t in build.targets(course) if not t.is_current]
    assert old == ["notebooks", "solutions", "exercises"]


def test_one_broken_source_does_not_keep_the_others_from_being_built(course):
    (course / "source/lessons/02_broken.py").write_text("# %%\nfor\n")
    (course / "source/lessons/03_good.py").write_text(LESSON)
    (fault,) = build.rebuild(course)
    assert fault.startswith("source/lessons/02_broken.py:2: cell 1: invalid syntax")
    assert (course / "notebooks/03_good.ipynb").exists()


def test_exercises_hold_no_solution_and_no_output(root):
    for path in (root / "exercises").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(not cell.outputs for cell in code)
        solved = [cell for cell in code if cell.id in EXERCISES]
        assert solved
        for cell in solved:
            assert cell.source.rstrip().endswith(build.STUB)
        assert "SOLUTION" not in path.read_text(encoding="utf-8")


def test_notebooks_hold_no_widget_state_and_stay_small(root):
    for target in build.targets(root):
        text = target.path.read_text(encoding="utf-8")
        assert len(text) < 1_000_000
        assert set(json.loads(text)["metadata"]) == {
            "course",
            "kernelspec",
            "language_info",
        }
