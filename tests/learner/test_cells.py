"""A check judges the version in its cell, or says why it cannot."""

import asyncio
import re

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from traitlets.config import Config

from course_utils.learner import cells
from set_up import environment

RIGHT = "def hard_lookup(query, key, value):\n    return value[np.argmax(key @ query)]"
WRONG = RIGHT.replace("argmax", "argmin")
STUB = "def hard_lookup(query, key, value):\n    raise NotImplementedError"
CHECK = 'check("hard_lookup", hard_lookup)'
SET_UP = "import numpy as np\n\nfrom course_utils.learner import check"


class Notebook:
    """A shell that runs cells, and what it shows for them."""

    def __init__(self):
        self.shell = InteractiveShell()
        self.shown = []
        self.shell._showtraceback = lambda _kind, _error, lines: self.shown.append(
            "\n".join(lines)
        )
        cells.load_ipython_extension(self.shell)

    def run(self, *sources):
        """Run cells; return what the last one shows."""
        for source in sources:
            self.shown.clear()
            result = self.shell.run_cell(source, store_history=False)
        return "\n".join(self.shown) if self.shown else repr(result.result)


@pytest.fixture
def notebook(monkeypatch):
    notebook = Notebook()
    monkeypatch.setattr(cells, "get_ipython", lambda: notebook.shell)
    yield notebook
    notebook.shell.history_manager.end_session()


def test_a_check_without_the_first_cell_says_so(notebook):
    said = notebook.run(CHECK)
    assert said.startswith("`check` is not defined yet: run the first code cell")
    assert "\n" not in said


def test_a_check_before_its_function_says_so_in_one_sentence(notebook):
    said = notebook.run(SET_UP, CHECK)
    assert said == (
        "`hard_lookup` is not defined yet: run the cell that defines it, then this one."
    )
    assert notebook.run(RIGHT, CHECK).startswith("✓ Right")


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        (RIGHT.replace("):", ")"), "SyntaxError in line 1"),
        (RIGHT.replace("def ", "dfe "), "SyntaxError in line 1"),
        (RIGHT.replace("(query, key, value)", ""), "SyntaxError in line 1"),
        (RIGHT.replace("    return", "return"), "IndentationError in line 2"),
        (RIGHT + "\n      return 3", "IndentationError in line 3"),
        (RIGHT.removesuffix("]"), "SyntaxError in line 2"),
        ("hard_lookup = lambda query, key, value: value[", "SyntaxError in line 1"),
        ("import no_such_module\n" + RIGHT, "ModuleNotFoundError: No module named"),
        ("@no_such_name\n" + RIGHT, "NameError: name 'no_such_name' is not"),
        ("%%time\n" + RIGHT.removesuffix("]"), "SyntaxError in line"),
    ],
)
def test_a_cell_that_failed_is_named_and_no_older_version_is_judged(
    notebook, progress_file, cell, named
):
    said = notebook.run(SET_UP, cell, CHECK)
    assert "`hard_lookup` is not defined, because its cell failed" in said
    assert named in said
    said = notebook.run(RIGHT, CHECK)
    assert said.startswith("✓ Right")
    progress_file.unlink()
    said = notebook.run(cell, CHECK)
    assert said.startswith("✗ Not yet: hard_lookup, 0 of 2 points\nThe cell that ")
    assert "only an older version is there to check" in said
    assert named in said
    assert not progress_file.exists()
    assert notebook.run(RIGHT, CHECK).startswith("✓ Right")


def test_a_cell_that_fails_after_the_definition_is_judged(notebook):
    said = notebook.run(SET_UP, RIGHT + "\n\nhard_lookup(1, 2, 3)", CHECK)
    assert said.startswith("✓ Right")


def test_a_failed_cell_that_only_uses_the_function_changes_nothing(notebook):
    notebook.run(SET_UP, RIGHT, "if True:\n    return hard_lookup(\nhard_lookup(1)")
    assert notebook.run(CHECK).startswith("✓ Right")


def test_another_function_than_the_old_one_is_judged(notebook):
    notebook.run(SET_UP, RIGHT, RIGHT.removesuffix("]"))
    mine = RIGHT.replace("hard_lookup", "mine")
    assert notebook.run(mine, 'check("hard_lookup", mine)').startswith("✓ Right")


def test_other_errors_keep_their_traceback(notebook):
    said = notebook.run("def f():\n    return no_such_name\n\nf()")
    assert "Traceback" in said
    assert "NameError" in said
    inside = RIGHT.replace("np.", "")  # a NameError inside the answer is feedback
    assert "it raises NameError" in notebook.run(SET_UP, inside, CHECK).lower().replace(
        "nameerror", "NameError"
    )


def test_another_name_in_a_check_says_what_it_needs(notebook):
    said = notebook.run(SET_UP, RIGHT, 'check("hard_lookup", hard_lokup)')
    assert "`hard_lokup` is not defined: the check needs your function" in said


def test_a_version_that_was_judged_before_is_named(notebook):
    first = notebook.run(SET_UP, WRONG, CHECK)
    assert "checked before" not in first
    assert "This version was checked before" in notebook.run(CHECK)
    assert "checked before" not in notebook.run(WRONG, CHECK)
    assert "If you have written it, run its cell" in notebook.run(STUB, CHECK)


def test_right_then_wrong_says_that_the_points_are_kept(notebook):
    assert "You keep" not in notebook.run(SET_UP, WRONG, CHECK)
    notebook.run(RIGHT, CHECK)
    assert notebook.run(WRONG, CHECK).endswith(
        "You keep the points that you have for it: 2."
    )


@pytest.mark.parametrize(
    "setting",
    ["np.seterr(all='raise')", "import warnings; warnings.simplefilter('error')"],
)
def test_what_the_learner_set_stops_no_check(notebook, setting):
    answer = (
        "def stable_softmax(scores):\n"
        "    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))\n"
        "    return scores / scores.sum(axis=-1, keepdims=True)"
    )
    check = 'check("stable_softmax", stable_softmax)'
    said = notebook.run(SET_UP, f"was = np.geterr(); {setting}", answer, check)
    assert said.startswith("✓ Right")
    wrong = answer.replace("scores - ", "").replace("axis=-1", "axis=0")
    said = notebook.run(wrong, f"r = {check}; r._repr_html_()")
    notebook.run("np.seterr(**was)")
    assert re.search("Not yet", said)


def test_names_that_a_cell_tries_to_define():
    text = "x = 1\ndef f(\n  async def g():\nreturn h(x)\nx == k\ndfe m():\nprint(n)"
    assert cells.attempted(text) == {"x", "f", "g", "m"}


def test_a_kernel_of_the_course_says_it_before_the_first_cell_ran(tmp_path):
    """As JupyterLab starts one: with the environment that course.py gives it."""
    sources = [CHECK, SET_UP, CHECK, RIGHT, CHECK]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
        config=Config(KernelManager={"transport_encryption": "auto"}),
    )
    home = {"HOME": str(tmp_path), "COURSE_PROGRESS": str(tmp_path / "progress.json")}
    asyncio.run(client.async_execute(env=environment(**home)))
    first, _, second, _, third = [cell.outputs for cell in notebook.cells]
    assert first[0].traceback == [first[0].evalue]
    assert first[0].evalue.startswith("`check` is not defined yet")
    assert second[0].evalue.startswith("`hard_lookup` is not defined yet")
    assert third[0].data["text/plain"].startswith("✓ Right")
