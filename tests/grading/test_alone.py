"""Lines of answers that stand alone: the same as in their notebook, found once."""

import linecache
import shutil

import nbformat
import numpy as np
import pytest
from held_out import answers

from course_utils.checks import lookups
from course_utils.exercises import EXERCISES
from course_utils.grading import alone, judging, sandbox
from course_utils.grading.child import Child
from course_utils.grading.sandbox import Limits
from course_utils.grading.verdict import Terms, grade

LEVEL = "sandbox" if shutil.which("bwrap") else "process"
LIMITS = Limits(seconds=20)
ANSWER = """def soft_lookup(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))
    return weight / np.sqrt(weight.sum()) @ value"""
FOUND = "look at `np.sqrt(weight.sum())` in line {} of the cell"
FORGED = """
import sys
repair = sys.modules["course_utils.checks.repair"]
place = repair.Found("axis", 1, "def soft_lookup(query, key, value, sharpness):", 0, 3)
repair.search = lambda *_, **__: place
"""


@pytest.fixture(autouse=True)
def _nothing_known():
    alone._kept_place.cache_clear()
    yield
    alone._kept_place.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    sandbox.of_this_thread(LEVEL, LIMITS).close()


def graded(*cells):
    code = [nbformat.v4.new_code_cell(x) for x in ["import numpy as np", *cells]]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=code))
    whole = grade(text.encode(), Terms(1, LEVEL, LIMITS, 20.0))
    assert whole["error"] is None
    return {x["name"]: x for x in whole["exercises"]}


@pytest.mark.parametrize("lesson", [1, 2, 3])
def test_what_is_found_alone_is_what_is_found_in_the_notebook(lesson, monkeypatch):
    listed = answers(lesson)
    wrong = [(name, code) for name, answer, code in listed if not answer.is_right]
    found = [graded(code)[name] for name, code in wrong[:12]]
    assert alone._kept_place.cache_info().misses > 2
    monkeypatch.setattr(judging, "text_of", lambda *_: None)
    assert found == [graded(code)[name] for name, code in wrong[:12]]


def test_a_line_is_looked_for_once_and_has_its_own_number():
    for above in ("", "# mine\n", "\n\n", "# mine\n\n\n", "x = 3\n"):
        line = 3 + above.lstrip("\n").count("\n")
        for below in ("", "\n\n\n# of somebody else", "\nprint(2)"):
            said = graded(above + ANSWER + below)["soft_lookup"]["message"]
            assert FOUND.format(line) in said
    info = alone._kept_place.cache_info()
    assert (info.misses, info.hits) == (3, 12)  # some begin in the same line


def test_nobody_decides_what_others_with_the_same_answer_are_told():
    for cells in [(FORGED, ANSWER), (ANSWER, FORGED), (ANSWER,)]:
        assert FOUND.format(3) in graded(*cells)["soft_lookup"]["message"]
    # It does tell what is looked for in its own process.
    own = ANSWER.replace("np.sqrt", "root")
    said = graded("root = np.sqrt", FORGED, own)["soft_lookup"]["message"]
    assert "look at `def` in line 1" in said
    assert (
        "look at `root(weight.sum())` in line 3"
        in graded("root = np.sqrt", own)["soft_lookup"]["message"]
    )


@pytest.mark.parametrize(
    "said",
    [
        *("[1, 3]", "[1, 1]", "[1, 2]", "[2, 3]", "[1, 99]", "[-1, 3]", "[1, 10**9]"),
        *("'alone'", "{}", "[None, 3]", "1 / 0", "exit(0)", "os._exit(0)"),
    ],
)
def test_whatever_is_said_of_standing_alone_the_verdict_is_the_same(said):
    lies = f"""
import os, sys
root = np.sqrt
sys.modules["course_utils.checks.lookups"].alone = lambda _: {said}
"""
    own = ANSWER.replace("np.sqrt", "root")
    honest = graded("root = np.sqrt", own)["soft_lookup"]
    told = graded(lies, own)["soft_lookup"]
    for key in ("points", "state"):
        assert told[key] == honest[key]
    plain = honest["message"].partition("; one change")[0]
    assert told["message"].partition("; one change")[0] == plain
    # Whoever hands in the same without a lie is told the truth.
    assert graded("root = np.sqrt", own)["soft_lookup"] == honest


def test_what_was_too_slow_for_once_is_looked_for_again(monkeypatch):
    find = Child.find

    def too_slow(child, *_):
        child.stop()

    monkeypatch.setattr(Child, "find", too_slow)
    assert "look at" not in graded(ANSWER)["soft_lookup"]["message"]
    monkeypatch.setattr(Child, "find", find)
    assert FOUND.format(3) in graded(ANSWER)["soft_lookup"]["message"]


def function(code, **names):
    cell = "<cell of test_alone>"
    linecache.cache[cell] = len(code), None, code.splitlines(keepends=True), cell
    names |= {"np": names.get("np", np), "__builtins__": __builtins__}
    exec(compile(code, cell, "exec"), names)
    return names["f"]


@pytest.mark.parametrize(
    ("code", "names", "is_so"),
    [
        ("def f(x): return np.exp(x)", {}, True),
        ("# mine\n\ndef f(x):\n    return sorted(x)", {}, True),
        ("def f(x):\n    def g(y): return len(y)\n    return g(x)", {}, True),
        ("def f(x): return f(x - 1) if x else 0", {}, False),  # it finds itself
        ("def f(x): return x * scale", {"scale": 3}, False),
        ("def f(x): return [g(y) for y in x]", {"g": len}, False),
        ("def f(x): return np.exp(x)", {"np": None}, False),
        ("def f(x): return len(x)", {"len": sum}, False),
        ("def f(x, n=1): return x", {}, False),
        ("def f(x, *, n=1): return x", {}, False),
        ("def f(x: np.ndarray): return x", {}, False),
        ("def g(): return 1\ndef f(x): return g()", {}, False),
        ("def g(y):\n    def f(x): return x + y\n    return f\nf = g(1)", {}, False),
        ("class f:\n    def __init__(self, x): pass", {}, False),
        ("f = np.exp", {}, False),
        ("def f(x): return open(x)", {}, False),
    ],
)
def test_what_stands_alone(code, names, is_so):
    assert bool(lookups.alone(function(code, **names))) == is_so


@pytest.mark.parametrize(
    ("cells", "lines", "text"),
    [
        (["x = 1", ANSWER], (1, 3), ANSWER),
        (["\n\n#\n" + ANSWER + "\ny = 2"], (2, 4), "#\n" + ANSWER),
        (["if True:\n    pass\n" + ANSWER], (3, 5), "#\n#\n" + ANSWER),
        ([ANSWER.replace("np.exp(", "np.exp(\n# y\n ") + "\n# x"], (1, 6), ...),
        ([ANSWER + "\nx = 1"], (1, 4), None),
        ([ANSWER + "\nimport sys"], (1, 4), None),
        ([ANSWER], (2, 3), None),
        ([ANSWER], (9, 12), None),
        ([ANSWER, ANSWER], (1, 3), None),
        ([ANSWER + "\n" + ANSWER], (1, 3), None),
        (["x = 1"], (1, 1), None),
        (["soft_lookup = lambda query: 1"], (1, 1), None),
    ],
)
def test_the_text_is_that_of_the_one_function_of_its_name(cells, lines, text):
    numbered = [(i, cell, None) for i, cell in enumerate(cells, 1)]
    text = cells[0] if text is ... else text
    assert alone.text_of(numbered, "soft_lookup", lines) == text


@pytest.mark.parametrize(
    "said", [None, [], [1], [0, 1], [3, 2], [1, "2"], "12", [True] * 2]
)
def test_only_two_numbers_are_lines(said, monkeypatch):
    child = Child.__new__(Child)
    monkeypatch.setattr(Child, "_told", lambda *_: {"alone": said})
    assert child.alone(EXERCISES["soft_lookup"]) is None
