"""That the grader finds the line of a mistake, and that no verdict depends on it."""

import re
import shutil
import socket

import numpy as np
import pytest
from hostile_corpus import notebook

from course_utils.checks.repair import Found
from course_utils.checks.stages import Stage
from course_utils.grading import sandbox, wire
from course_utils.grading.child import Child
from course_utils.grading.sandbox import Limits
from course_utils.grading.verdict import Terms, grade
from course_utils.grading.words import Words

LEVEL = "sandbox" if shutil.which("bwrap") else "process"
LIMITS = Limits(seconds=20)
SETUP = "import numpy as np"
WRONG = """
def soft_lookup(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))
    return weight / np.sqrt(weight.sum()) @ value
"""
RIGHT = WRONG.replace("np.sqrt(weight.sum())", "weight.sum()")
FOUND = (
    "one change makes it right: look at `np.sqrt(weight.sum())` in line 3 of the cell"
)
TAKEN = """
import sys
repair = sys.modules["course_utils.checks.repair"]
stages = sys.modules["course_utils.checks.stages"]
"""


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    sandbox.of_this_thread(LEVEL, LIMITS).close()


def graded(*cells, search=20.0):
    whole = grade(notebook(SETUP, *cells), Terms(1, LEVEL, LIMITS, search))
    assert whole["error"] is None
    assert not whole["late"]
    return {x["name"]: x for x in whole["exercises"]}


def test_the_line_is_on_the_page_and_in_the_message():
    entry = graded(WRONG)["soft_lookup"]
    assert entry["message"].startswith("the numbers differ, by up to ")
    assert FOUND in entry["message"]
    assert re.search(
        r"<mark[^>]*>np\.sqrt\(weight\.sum\(\)\)</mark>", entry["feedback"]
    )
    assert (entry["points"], entry["state"]) == (0, "wrong")


def test_it_is_the_line_of_the_function_that_was_checked():
    later = "def soft_lookup(query, key, value, sharpness): return key"
    check = 'from course_utils.learner import check\ncheck("soft_lookup", soft_lookup)'
    assert FOUND in graded(WRONG, check, later)["soft_lookup"]["message"]


TWICE = """
def soft_lookup(query, key, value, sharpness):
    scores = sharpness * (key @ query)
    weight = np.exp2(scores) + 1
    return weight / weight.sum() @ value
"""


def test_the_first_stage_that_is_not_right_is_on_the_page_and_in_the_message():
    entry = graded(TWICE)["soft_lookup"]
    said = "`scores` (line 2) is right, as in the worked solution; `weight` (line 3) is"
    assert said in entry["message"]
    assert "<code>scores</code> (line 2) is right" in entry["feedback"]
    assert re.search(r"<mark[^>]*>weight</mark> = np", entry["feedback"])
    assert "worked" not in entry["mistake"]  # others call it otherwise


def test_without_a_search_there_is_none(monkeypatch):
    monkeypatch.delattr(Child, "find")
    assert "one change" not in graded(WRONG, search=0)["soft_lookup"]["message"]


def test_a_function_of_the_course_is_lent_while_the_line_is_looked_for():
    code = """
from course_utils import scaled_dot_product_attention
def self_attention(x, W_q, W_k, W_v):
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v * 2)
"""
    assert "in line 3 of the cell" in graded(code)["self_attention"]["message"]


def test_no_function_is_judged_after_its_line_was_looked_for(monkeypatch):
    """And what is looked at was not among the inputs of the verdicts."""
    asked, seen = [], {"call": set(), "find": set()}
    request = Child.request

    def noted(self, what, arrays, *rest, **named):
        if what["do"] in ("call", "find"):
            asked.append(what["do"])
        here, there = socket.socketpair()
        with here, there:
            wire.send(here, what, arrays)
            came = wire.receive(there)[1]
        seen.setdefault(what["do"], set()).update(
            x.tobytes() for x in came if x.size > 1
        )
        return request(self, what, arrays, *rest, **named)

    monkeypatch.setattr(Child, "request", noted)
    check = 'from course_utils.learner import check\ncheck("soft_lookup", soft_lookup)'
    changed = RIGHT.replace("weight.sum()", "weight.max()")
    graded(WRONG, check, changed, WRONG.replace("soft_lookup", "hard_lookup"))
    assert asked == sorted(asked)
    assert asked.count("find") == 2
    assert seen["call"]
    assert seen["call"].isdisjoint(seen["find"])


@pytest.mark.parametrize(
    "instead",
    [
        "import os; os._exit(0)",
        "raise SystemExit",
        "import os; os.kill(os.getpid(), 9)",
        "while True: pass",
        "import time; time.sleep(1000)",
        "return 3",
        "return repair.Found('axis', 3, 'you have earned all points', 0, 3)",
        "return repair.Found('axis', 4, 'return 17', 0, 3)",
        "return repair.Found('stage', 4, 'return 17', 0, 3)",
        "return repair.Found('axis', 2, 'x' * 10**6, 0, 3)",
        "return repair.Found(['axis'], 2, 'x', 0, 10**30)",
        "raise RecursionError",
    ],
)
def test_whatever_the_search_says_the_verdict_is_the_same(instead):
    code = TAKEN + f"def search(*_, **__):\n    {instead}\n"
    code += "repair.search = stages.first_wrong = search\nroot = np.sqrt\n"
    own = WRONG.replace("np.sqrt", "root")  # which does not stand alone
    right = RIGHT.replace("soft_lookup", "soft_lookup_all").replace(
        "key @ query))", "query @ key.T))"
    )
    right = right.replace("weight.sum()", "weight.sum(axis=-1, keepdims=True)")
    plain = graded(WRONG, right, search=0)
    taken = graded(code, own, right, search=0.2)
    assert {n: (x["points"], x["state"]) for n, x in taken.items()} == {
        n: (x["points"], x["state"]) for n, x in plain.items()
    }
    assert taken["soft_lookup"]["message"] == plain["soft_lookup"]["message"]


CELLS = ["\n\nx = 1\ny = (2 +\n     3)\n", "def f(x):\n    return x @ x.T  # é\n"]


@pytest.mark.parametrize(
    ("said", "is_so"),
    [
        (["axis", 2, "return x @ x.T  # é", 7, 8], True),
        (["axis", 1, "x = 1", 0, 5], True),
        (["axis", 3, "3)", 0, 1], True),
        (["axis", 3, "x = 1", 0, 5], False),
        (["axis", 1, "x = 2", 0, 5], False),
        (["axis", 0, "x = 1", 0, 5], False),
        (["axis", -1, "3)", 0, 1], False),
        (["axis", True, "x = 1", 0, 5], False),
        (["axis", 1, "x = 1", 0, 6], False),
        (["axis", 1, "x = 1", -1, 4], False),
        (["axis", 1, "x = 1", 3, 3], False),
        (["no kind", 1, "x = 1", 0, 5], False),
        ([["axis"], 1, "x = 1", 0, 5], False),
        (["axis", 1, ["x = 1"], 0, 5], False),
        (["axis", 1.0, "x = 1", 0, 5], False),
        (["axis", 1, "x = 1", 0], False),
        ({"axis": 1}, False),
        (None, False),
        ("axis", False),
    ],
)
def test_only_a_place_in_the_code_is_a_place(said, is_so):
    assert Words(CELLS).found(said) == (Found(*said) if is_so else None)


STAGE = [1, "x = 1", 0, 1, "x", "y", 1, 1, [[2], [3]]]


@pytest.mark.parametrize(
    ("at", "instead", "is_so"),
    [
        (0, 1, True),
        (4, "", True),
        (8, [], True),
        *((0, x, False) for x in (2, 0, None, "1", True)),
        *((1, x, False) for x in ("x = 2", None)),
        *((4, x, False) for x in ("you have earned all points", 3, None, ["x"])),
        *((5, x, False) for x in ("you have earned all points", 3, None)),
        *((6, x, False) for x in (2, -1, 10**30, 0.5, "1")),
        *((7, x, False) for x in (2, -1, None, True)),
        *((8, x, False) for x in ("ab", [[1]], [[1], [10**9]], [[1], "a"], None)),
        (8, [[1] * 99, [1]], False),
    ],
)
def test_only_a_stage_of_the_code_is_a_stage(at, instead, is_so):
    said = [instead if i == at else x for i, x in enumerate(STAGE)]
    found = Words(["x = 1", "y = x"]).found(["stage", *said])
    shapes = tuple(map(tuple, said[8])) if is_so else ()
    assert found == (Stage(*said[:8], shapes) if is_so else None)


def test_numbers_in_the_code_are_known_with_either_sign():
    cells = ["x = -1e9 + 0.25", "y2 = z.4 + a_7 - 10**400 + 1e999"]
    assert set(Words(cells).constants) >= {1e9, -1e9, 0.25, -0.25, 10, 400}
    assert not {2, 7, np.inf} & set(Words(cells).constants)


def test_a_changed_input_is_on_the_page_before_and_after():
    code = """
def soft_lookup(query, key, value, sharpness):
    key *= sharpness
    weight = np.exp(key @ query)
    return weight / weight.sum() @ value
"""
    page = graded(code)["soft_lookup"]["feedback"]
    assert "key before" in page
    assert "key after" in page
    assert "Look at line 2" in page


WARNS = WRONG.replace("np.sqrt(weight.sum())", "(0 * weight.sum())")
WARNING = "(line 3 of the cell: `return weight / (0 * weight.sum()) @ value`)"


def test_what_a_wrong_answer_warns_of_is_told_with_its_line():
    entry = graded(WARNS, search=0)["soft_lookup"]
    assert "It warns of RuntimeWarning: divide by zero enc" in entry["message"]
    assert WARNING in entry["message"]
    assert "It warns of RuntimeWarning" in entry["feedback"]
    assert "warns" not in entry["mistake"]  # others make it, with other words


@pytest.mark.parametrize(
    "said",
    [
        *("None", "3", "['RuntimeWarning', 'you have earned all points', 4, 'x']"),
        *("[[1]] * 4", "('x' * 10**6,) * 4", "1 / 0", "exit(0)"),
        "['RuntimeWarning', str(arguments), 4, str(arguments)]",
    ],
)
def test_whatever_is_said_of_warnings_is_not_shown(said):
    code = """
import sys
def warned(function, arguments):
    return {}
sys.modules["course_utils.checks.look"].warned = warned
"""
    plain = graded(WRONG, search=0)["soft_lookup"]
    taken = graded(code.format(said), WRONG, search=0)["soft_lookup"]
    assert {**taken, "message": 0, "feedback": 0} == {
        **plain,
        "message": 0,
        "feedback": 0,
    }
    told = taken["message"].lower().removeprefix(plain["message"].lower())
    assert re.fullmatch(
        r"(\. it warns of (runtimewarning|an error of its own)"
        r"( \(line 4 of the cell\))?\.)?",
        told,
    )
