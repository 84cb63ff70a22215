"""That a wrong answer which spoils a later one is charged once, and lends nothing."""

import json
import shutil
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hostile_corpus import notebook

from course_utils.checks.earlier import earlier
from course_utils.exercises import EXERCISES
from course_utils.grading import judging, sandbox
from course_utils.grading.answer import Answer
from course_utils.grading.lending import MOST_COUNT, MOST_NUMBERS, Lent, lend
from course_utils.grading.sandbox import Limits
from course_utils.grading.verdict import Terms, grade

LEVEL = "sandbox" if shutil.which("bwrap") else "process"
LIMITS = Limits(seconds=20)
SOLUTIONS = Path(__file__).parents[2] / "solutions"
NOT_YET = "this is right; what it calls, your `{}`, is not yet"
PAIRS = [
    ("wind_from_weather", "soft_lookup"),
    ("multi_head_attention", "split_heads"),
    ("multi_head_attention", "merge_heads"),
    ("diagnose_heads", "merge_heads"),
    ("block", "layer_norm"),
]
SINGLE = """
def soft_lookup(query, key, value, sharpness):
    {}
"""
ALL = """
def soft_lookup_all(query, key, value, sharpness):
    return np.stack([soft_lookup(q, key, value, sharpness) for q in query])
"""


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    sandbox.of_this_thread(LEVEL, LIMITS).close()


def graded(*cells, search=0.0):
    whole = grade(
        notebook("import numpy as np", *cells), Terms(1, LEVEL, LIMITS, search)
    )
    assert whole["error"] is None
    return {x["name"]: x for x in whole["exercises"]}


def solved(lesson):
    """Return the cells of a worked solution, with the exercise that each defines."""
    (file,) = SOLUTIONS.glob(f"{lesson:02}_*.ipynb")
    cells = json.loads(file.read_text("utf-8"))["cells"]
    code = ["".join(x["source"]) for x in cells if x["cell_type"] == "code"]
    names = [next((n for n in EXERCISES if f"def {n}(" in x), "") for x in code]
    return list(zip(names, code, strict=True))


@pytest.mark.parametrize(("later", "one"), PAIRS)
def test_what_is_right_but_for_what_it_calls_earns_its_points(later, one):
    twice = f"\n_right = {one}\ndef {one}(*args, **named):\n    return {{}}"
    twice = twice.format("2.0 * _right(*args, **named)")
    cells = solved(EXERCISES[later].lesson)
    said = graded(*(code + twice * (name == one) for name, code in cells))
    assert (said[one]["points"], said[one]["state"]) == (0, "wrong")
    assert (said[later]["points"], said[later]["state"]) == (said[later]["of"], "right")
    assert said[later]["message"] == NOT_YET.format(one)
    others = [x for x in said.values() if not x["points"]]
    assert [x["name"] for x in others] == [one]


@pytest.mark.parametrize(
    "cell",
    [
        SINGLE.format("raise NotImplementedError"),
        SINGLE.format("return undefined"),
        pytest.param(SINGLE.format("while True: pass"), marks=pytest.mark.thorough),
        SINGLE.format("import os; os._exit(0)"),
        SINGLE.format("return ("),
        "pass",
    ],
)
def test_whatever_is_wrong_with_what_it_calls_it_is_right(cell, monkeypatch):
    monkeypatch.setitem(globals(), "LIMITS", Limits(seconds=2))
    said = graded(cell, ALL)
    assert said["soft_lookup"]["points"] == 0
    assert said["soft_lookup_all"]["message"] == NOT_YET.format("soft_lookup")
    assert said["soft_lookup_all"]["state"] == "right"


def test_a_slip_of_its_own_is_told_and_found_all_the_same():
    wrong = ALL.replace("sharpness)", "sharpness * 2)")
    wrong = wrong.replace(
        "(query, key, value, sharpness * 2)", "(query, key, value, sharpness)"
    )
    entry = graded(SINGLE.format("return key"), wrong, search=20)["soft_lookup_all"]
    assert entry["points"] == 0
    assert "your `soft_lookup`, is not right yet either" in entry["message"]
    assert "look at `2` in line 2 of the cell" in entry["message"]


def test_what_is_right_is_judged_once(monkeypatch):
    lent = []
    monkeypatch.setattr(judging, "Lent", lambda x: lent.append(x) or Lent(x))
    code = "weight = np.exp(sharpness * (key @ query - (key @ query).max()))"
    single = SINGLE.format(f"{code}\n    return weight @ value / weight.sum()")
    said = graded(single, ALL)
    assert [x["points"] for x in said.values()].count(0) == 2
    graded(ALL.replace("soft_lookup(q", "(lambda *_: 0)(q"))
    assert lent == []


# What must not work: the names under which answers are asked for are no secret.

ASK = """
import sys
from functools import partial
def borrow(name, *args):
    frame = sys._getframe()
    while frame and frame.f_code.co_name != "serve":
        frame = frame.f_back
    return frame.f_locals["self"]._ask("answer", name, args, {})
"""
TAKES = "return borrow('{}', query, key, value, sharpness)"
SOFT = "(query, key, value, sharpness):\n    soft_lookup, soft_lookup_all\n    "


@pytest.mark.parametrize("search", [0.0, 0.3])
@pytest.mark.parametrize(
    "cells",
    [
        # as it is judged itself
        ["def soft_lookup" + SOFT + TAKES.format("soft_lookup")],
        # in a cell, before anything is judged
        ["check('soft_lookup', borrow('soft_lookup', *3 * [np.eye(2)], 1.0))"],
        # a later one for an earlier one
        ["def soft_lookup" + SOFT + TAKES.format("soft_lookup_all")],
        # itself, as a function that it claims to call
        [
            "def soft_lookup" + SOFT + "return soft_lookup",
            "def soft_lookup_all"
            + SOFT
            + "soft_lookup\n    "
            + TAKES.format("soft_lookup_all"),
        ],
        # what was lent is called under its name once its judging is over
        [
            "kept = []\ndef soft_lookup"
            + SOFT
            + "return kept[0](query, key, value, sharpness)",
            "def soft_lookup_all" + SOFT + "kept.append(soft_lookup)\n    return key",
        ],
    ],
)
def test_an_answer_is_not_borrowed_for_itself(cells, search):
    said = graded(ASK, *cells, search=search)
    assert {name: x["points"] for name, x in said.items()} == dict.fromkeys(said, 0)


def test_a_lie_about_what_it_calls_gains_nothing():
    """The process says that it calls all; they are lent, and nothing changes."""
    lie = """
from functools import partial
lookups = sys.modules["course_utils.checks.lookups"]
lookups.looked_up = lambda function: {"hard_lookup", "soft_lookup", "soft_lookup_all",
                                      "wind_from_weather"}
"""
    wrong = "def {}(*args):\n    return args[2]\n"
    cells = [wrong.format(x) for x in ("hard_lookup", "soft_lookup", "soft_lookup_all")]
    plain = graded(ASK, *cells)
    lied = graded(ASK + lie, *cells)
    assert {n: x["message"] for n, x in lied.items()} == {
        n: x["message"] for n, x in plain.items()
    }


@pytest.mark.parametrize("said", ["None", "3", "['x'] * 10**5", "[[1]]", "{1: 2}"])
def test_whatever_is_said_of_what_it_calls_the_verdict_is_there(said):
    lie = f'sys.modules["course_utils.checks.lookups"].looked_up = lambda _: {said}'
    cells = [SINGLE.format("return key"), ALL]
    found = graded(ASK + lie, *cells)
    assert all(x["points"] == 0 for x in found.values())
    assert found["soft_lookup"]["message"] == graded(*cells)["soft_lookup"]["message"]


def test_nothing_is_judged_that_was_lent_before(monkeypatch):
    """Also where the process ends meanwhile, and its cells run again."""
    asked, lent = [], set()
    ask = Answer.ask

    def noted(self, cases):
        if self._lent is not None:
            lent.update(self._lent.answers)
        asked.append((self._exercise.name, set(lent)))
        return ask(self, cases)

    monkeypatch.setattr(Answer, "ask", noted)
    check = 'from course_utils.learner import check\ncheck("soft_lookup", soft_lookup)'
    ends = "\n    import os\n    os._exit(0)\n"
    later = (
        "def wind_from_weather(*args):\n    soft_lookup(*args); soft_lookup_all(*args)"
    )
    graded(SINGLE.format("return key"), check, ALL, later + ends, check)
    assert any(known for _, known in asked)
    for name, known in asked:
        assert {x.name for x in earlier(EXERCISES[name])} >= known


def test_what_is_lent_takes_small_arrays_and_numbers_only():
    lent = Lent([EXERCISES["split_heads"]])

    def call(*args):
        arrays = [x for x in args if isinstance(x, np.ndarray)]
        said = [{"array": i} for i in range(len(arrays))]
        said += [{"is": x} for x in args if not isinstance(x, np.ndarray)]
        whole = {"answer": "split_heads", "args": said, "named": {}}
        return lend(whole, arrays, (), lent.answers)

    reply, (came,) = call(np.ones((3, 4)), 2)
    assert came.shape == (2, 3, 2)
    for args in (
        (np.ones((MOST_NUMBERS + 1, 4)), 2),
        (np.full((3, 4), MOST_COUNT + 1), 2),
        (np.full((3, 4), np.iinfo(np.int64).min), 2),
        (np.ones((3, 4)), MOST_COUNT + 1),
        (np.ones((3, 4)), -MOST_COUNT - 1),
    ):
        reply, results = call(*args)
        assert reply["raises"] == "ValueError"
        assert "small" in reply["text"]
        assert results == []
    with pytest.raises(KeyError):
        lend({"answer": "merge_heads", "args": [], "named": {}}, [], (), lent.answers)


def extreme(array):
    """Return the largest that would be lent, with as many axes as an array has."""
    whole, n = array.dtype.kind in "iu", MOST_NUMBERS
    if array.ndim == 0:
        return [MOST_COUNT, -MOST_COUNT, 1] if whole else [1e300, 0.5]
    shapes = [(1,) * k + (n,) + (1,) * (array.ndim - k - 1) for k in range(array.ndim)]
    side = round(n ** (1 / array.ndim))
    shapes += [(side,) * array.ndim]
    return [np.full(s, MOST_COUNT if whole else 1.5, array.dtype) for s in shapes]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "exercise",
    {y.name: y for x in EXERCISES.values() for y in earlier(x)}.values(),
    ids=lambda x: x.name,
)
def test_nothing_that_is_lent_takes_long(exercise):
    """No limit of time stops the grader itself."""
    rng = np.random.default_rng(1)
    choices = [extreme(x) for x in exercise.inputs(rng, 5).values()]
    cases = list(product(*choices))
    for i in rng.permutation(len(cases))[:60]:
        began = time.process_time()
        lend_to(exercise, cases[i])
        assert time.process_time() - began < 10


def lend_to(exercise, case):
    arrays = [x for x in case if isinstance(x, np.ndarray)]
    places = iter(range(len(arrays)))
    said = [
        {"array": next(places)} if isinstance(x, np.ndarray) else {"is": x}
        for x in case
    ]
    whole = {"answer": exercise.name, "args": said, "named": {}}
    return lend(whole, arrays, (), Lent([exercise]).answers)
