"""That the line of a mistake is found, and that looking for it does no harm."""

import ast
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle, islice

import numpy as np
import pytest
from broken import defined, one_a_place, right_answers

from course_utils.checks import finding
from course_utils.checks.compare import difference
from course_utils.checks.edits import QUESTIONS, edits
from course_utils.checks.finding import find, rounds, steps_of
from course_utils.checks.look import numbers, quietly
from course_utils.checks.repair import COPIES, Trial, search, watch_loops
from course_utils.checks.time_limit import time_limit
from course_utils.exercises import EXERCISES

if sys.platform == "linux":
    import resource

SOFTMAX = EXERCISES["stable_softmax"]
WEIGHTS = """def stable_softmax(x):
    # shifted: no number is too large
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""
NAMES = {"np": np}
EVERY = tuple(EXERCISES.values())


def looked(code, exercise=SOFTMAX, seconds=600.0, **names):
    function = defined(code, exercise.name, NAMES | names)
    first, *more = rounds(exercise, 1)
    return search(function, first, more, seconds=seconds)


def places(kind=None, seed=0, among=EVERY):
    """Yield wrong answers that one edit makes of right ones, in an order of chance."""
    rng = random.Random(f"{kind} {seed}")
    for exercise in rng.sample(among, len(among)):
        for code, name, names in right_answers(exercise):
            if kind is not None and len(code) > 800:  # takes long
                continue
            made = list(one_a_place(code, rng, kind))
            # Of one kind only one in each answer, that they are of all sorts.
            for edit, text, lines in made if kind is None else made[:1]:
                with suppress(Exception):  # no code that can be run
                    function = defined(text, name, names)
                    if is_wrong(exercise, function):
                        yield edit.kind, exercise, function, lines


def is_wrong(exercise, function):
    """Whether something comes out wrong of what the search would draw."""
    for arguments, expected in [
        case for cases in rounds(exercise, 1) for case in cases
    ]:
        given = [x.copy() if x.ndim else x.item() for x in arguments]
        try:
            with quietly(), time_limit(1):
                yours = numbers(function(*given))
        except (Exception, KeyboardInterrupt):
            return True
        same = all(
            np.array_equal(x, y, equal_nan=True)
            for x, y in zip(arguments, given, strict=True)
        )
        if isinstance(yours, str) or not same:
            return True
        if difference(yours, expected, exercise.keeps_dtype):
            return True
    return False


def is_led_back(exercise, function, lines, seconds):
    first, *more = rounds(exercise, 1)
    found = search(
        function,
        first,
        more,
        steps=steps_of(exercise),
        keeps_dtype=exercise.keeps_dtype,
        seconds=seconds,
    )
    return found is not None and found.line in lines


# What such an edit leaves out cannot be guessed: often there is nothing to find.
LEAVE_OUT = {"return", "extra", "call"}
# An exercise with short answers for each of the other kinds.
QUICK = {
    "axis": "layer_norm",
    "operator": "softmax_gradient",
    "comparison": "receptive_field",
    "name": "mean_pool",
    "size": "bilinear_score",
    "sign": "hard_lookup",
    "transposition": "bilinear_score",
    "brackets": "softmax_gradient",
    "bound": "decoder_mask",
    "number": "softmax_gradient",
    "function": "merge_heads",
    "assignment": "query_key_gradients",
    "order": "value_gradient",
    "argument": "context_vectors",
    "copy": "roll_out",
    "dtype": "attend",
    "block": "cosine_score",
    "condition": "outside_hull",
    "index": "outside_hull",
    "missing": "mean_pool",
}


def test_what_one_edit_broke_is_led_back_to_its_place():
    """One of each kind; the shares are measured below."""
    led = {
        kind: is_led_back(*one, seconds=600)
        for kind, name in QUICK.items()
        for _, *one in islice(places(kind, among=(EXERCISES[name],)), 1)
    }
    assert set(led) == set(QUESTIONS) - LEAVE_OUT
    assert sum(led.values()) >= 0.85 * len(led), led


@pytest.mark.thorough
def test_most_are_led_back_whatever_was_broken(pytestconfig):
    """At the speed of a notebook; the shares of each kind are printed."""
    led, all_ = Counter(), Counter()
    for kind in QUESTIONS:
        seed = pytestconfig.option.hypothesis_seed
        for _, *one in islice(places(kind, seed), 40):
            all_[kind] += 1
            led[kind] += is_led_back(*one, seconds=1.5)
        print(f"{kind:14} {led[kind]} of {all_[kind]}", flush=True)
    kept = set(all_) - LEAVE_OUT
    assert sum(led[x] for x in kept) >= 0.85 * sum(all_[x] for x in kept)


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("e.sum(axis=-1, ", "e.sum(axis=0, ", "axis=0"),
        ("x - x.max", "x + x.max", "+"),
        ("return e / e", "return x / e", "x"),
        ("keepdims=True)\n", "keepdims=False)\n", "keepdims=False"),
        ("np.exp(x -", "np.exp(x) - (", None),
    ],
)
def test_the_place_is_what_to_look_at(right, wrong, place):
    found = looked(WEIGHTS.replace(right, wrong))
    number = 4 if wrong.startswith(("e.sum", "return", "keepdims")) else 3
    assert found.line == number
    assert place in (None, found.parts[1])
    assert "".join(found.parts) == found.text == found.text.strip()


def test_what_stands_before_a_place_may_be_any_letters():
    code = WEIGHTS.replace("e = np", "größe = 'äöü€😀'; e = np").replace("x -", "x +")
    found = looked(code)
    assert found.parts[1] == "+"
    text, below = str(found).splitlines()[1:3]
    assert text[below.index("^")] == "+"


def test_a_helper_of_the_same_cell_is_looked_at_too():
    code = """def shifted(x):
    return x + x.max(axis=-1, keepdims=True)

def stable_softmax(x):
    e = np.exp(shifted(x))
    return e / e.sum(axis=-1, keepdims=True)
"""
    assert (looked(code).line, looked(code).parts[1]) == (2, "+")


def test_the_same_slip_at_two_places_is_found_at_the_first():
    found = looked(WEIGHTS.replace("axis=-1", "axis=0"))
    assert (found.line, found.parts[1]) == (3, "axis=0")


def test_a_function_is_doubted_before_a_sign_that_nobody_wrote():
    """Both make it right, and only one of them was the mistake."""
    code = """def hard_lookup(query, key, value):
    matches = key @ query
    return value[np.argmin(matches)]
"""
    assert looked(code, EXERCISES["hard_lookup"]).parts[1] == "np.argmin"


def test_nothing_is_found_in_what_is_right_or_far_off():
    assert looked(WEIGHTS) is None
    assert looked("def stable_softmax(x):\n    return x\n") is None
    two = WEIGHTS.replace("x - x", "x + x").replace("sum(axis=-1", "sum(axis=0")
    assert looked(two) is None
    assert search(lambda x: x, []) is None
    assert search(np.exp, rounds(SOFTMAX, 1)[0]) is None


def test_no_time_is_no_search():
    assert looked(WEIGHTS.replace("x -", "x +"), seconds=0) is None


def test_what_never_ends_is_stopped_edit_by_edit():
    code = """def hard_lookup(query, key, value):
    i = 0
    best = -np.inf
    while i < len(key):
        if key[i] @ query > best:
            best = key[i] @ query
            answer = value[i]
            i += 1
    return answer
"""
    assert looked(code, EXERCISES["hard_lookup"]).line == 8


def test_what_fits_by_chance_is_not_shown():
    code = WEIGHTS.replace("x -", "x +")
    function = defined(code, SOFTMAX.name, NAMES)
    first, *more = rounds(SOFTMAX, 1)
    doubled = [(given, 2 * expected) for given, expected in more[0]]
    assert search(function, first, [doubled], seconds=600) is None
    assert search(function, first, more, seconds=600).parts[1] == "+"


def test_an_edit_must_not_change_the_input():
    code = """def stable_softmax(x):
    x -= x.max(axis=-1, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)
"""
    found = looked(code)
    assert (found.kind, found.line) == ("copy", 2)


@pytest.mark.parametrize(
    ("line", "is_all"),
    [
        ("x -= x.max(axis=-1, keepdims=True)", True),
        ("x -= x.min(axis=-1, keepdims=True)", False),  # overflows, too
        ("x *= 2", False),
        ("x = x * 2", False),
    ],
)
def test_where_only_the_input_is_changed_copies_are_tried_first(
    line, is_all, monkeypatch
):
    tried = []
    monkeypatch.setattr(Trial, "is_right", lambda _, edit, __: tried.append(edit.kind))
    looked(f"""def stable_softmax(x):
    {line}
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)
""")
    copies = [x in COPIES for x in tried]
    assert any(copies)
    assert (copies == sorted(copies, reverse=True)) == is_all


@pytest.mark.parametrize(
    "line",
    [
        "open(FILE, 'w').write('')",
        "np.save(FILE, x)",
        "os.remove(FILE)",
        "import os; os.remove(FILE)",
        "__import__('os').remove(FILE)",
        "exec('import os; os.remove(FILE)')",
    ],
)
def test_what_reaches_for_files_is_never_run_in_another_form(line, tmp_path):
    import os

    file = tmp_path / "kept.npy"
    file.write_text("kept")
    code = WEIGHTS.replace("    e =", f"    if np.ndim(x) > 9: {line}\n    e =")
    assert looked(code.replace("x -", "x +"), FILE=str(file), os=os) is None
    assert file.read_text() == "kept"
    assert looked(WEIGHTS.replace("x -", "x +"), os=os).parts[1] == "+"


def test_an_edited_answer_leaves_the_learner_s_variables_alone():
    names = NAMES | {"seen": 0}
    code = WEIGHTS.replace("    e =", "    global seen\n    seen = 1\n    e =")
    function = defined(code.replace("x -", "x +"), SOFTMAX.name, names)
    before = dict(function.__globals__)
    first, *more = rounds(SOFTMAX, 1)
    assert search(function, first, more, seconds=600).parts[1] == "+"
    assert function.__globals__ == before


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_every_edit_can_be_undone(exercise):
    """And none puts a number where something was computed."""
    code, *_ = next(right_answers(exercise))
    tree = ast.parse(code)
    before = ast.dump(tree, include_attributes=True)
    made = list(edits(tree, steps_of(exercise)))
    assert {x.kind for x in made} <= set(QUESTIONS)
    for edit in made:
        edit.swap()()
        is_number = isinstance(edit.new, ast.Constant) and type(edit.new.value) in (
            *(int, float),
        )
        assert not is_number or not isinstance(edit.old, ast.Name | ast.Call)
    assert ast.dump(tree, include_attributes=True) == before


def test_each_turn_of_a_loop_is_counted_once():
    """Also where a loop is watched again, in an edit that shares it."""
    tree = ast.parse("for x in y:\n    while x:\n        x -= 1\n    pass")
    for _ in range(2):
        watch_loops(tree)
    assert ast.dump(tree).count("_tick") == 2


def test_likely_edits_come_first():
    kinds = [edit.kind for edit in edits(ast.parse(WEIGHTS))]
    kinds = [x for x in kinds if x != "sign"]  # one that nobody wrote comes later
    order = list(QUESTIONS)
    assert kinds == sorted(kinds, key=order.index)
    assert kinds[0] == "axis"


def test_the_stop_button_ends_the_search_in_silence(monkeypatch):
    def stopped(*_args, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr(finding, "search", stopped)
    function = defined(WEIGHTS, SOFTMAX.name, NAMES)
    assert find(SOFTMAX, function, 1, 1.5) is None


def test_a_search_ends_though_the_processors_clock_stands_still(monkeypatch):
    """As it does in the browser."""
    late = time.monotonic() + 60

    def is_right(*_):
        assert time.monotonic() < late
        return False

    monkeypatch.setattr("time.process_time", lambda: 0.0)
    monkeypatch.setattr(Trial, "edits", lambda *_: cycle("again"))
    monkeypatch.setattr(Trial, "is_right", is_right)
    function = defined(WEIGHTS.replace("x -", "x +"), SOFTMAX.name, NAMES)
    assert find(SOFTMAX, function, 1, 0.05) is None


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux")
def test_what_takes_too_much_memory_only_fails():
    """An edit makes 30 ** 6 numbers of 30 * 6, which are six gigabytes."""
    code = WEIGHTS.replace("x - x", "np.ones(30 * 6).sum() - 180 + x - x")
    code = code.replace("e.sum", "e.mean")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert looked(code).kind == "function"  # which is tried later
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KB
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
