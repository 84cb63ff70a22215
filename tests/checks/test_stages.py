"""That the first stage which is not right is told, and no other."""

import ast
import math
import random
import re

import broken
import numpy as np
import pytest
from broken import defined, solutions

from course_utils.checks.asking import ask
from course_utils.checks.edits import edits
from course_utils.checks.finding import place_of, rounds
from course_utils.checks.judge import judge
from course_utils.checks.stages import Stage, first_wrong
from course_utils.checks.worked import stages_of
from course_utils.exercises import EXERCISES
from course_utils.learner import checking

MASKED = EXERCISES["masked_softmax"]
STATEMENTS = {"return", "extra", "call", "order", "block"}
RIGHT = """def masked_softmax(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    top = hidden.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    weights = np.exp(hidden - top)
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)
"""
# Two slips in one stage, which no single change makes good.
WEIGHTS = RIGHT.replace("np.exp(hidden - top)", "np.exp2(hidden + top)")
TOTAL = RIGHT.replace("weights.sum(axis=-1,", "2 * weights.sum(axis=0,")


def stage_of(code, exercise=MASKED, **names):
    function = defined(code, exercise.name, {"np": np} | names)
    return first_wrong(
        function,
        rounds(exercise, 1)[0],
        stages_of(exercise, 1),
        keeps_dtype=exercise.keeps_dtype,
        seconds=600,
    )


def broken_twice(exercise, rng, each):
    """Yield worked solutions with two edits in one statement, and its lines."""
    codes, names = solutions(exercise.lesson)
    code = codes[exercise.name]
    spans = [
        set(range(x.lineno, x.end_lineno + 1)) for x in ast.parse(code).body[-1].body
    ]
    for span in spans * each if len(spans) > 1 else ():
        twice = edited(edited(code, span, rng), span, rng)
        if twice.count("\n") == code.count("\n"):
            yield twice, names, span


def edited(code, span, rng):
    """Return code with one edit in some lines, drawn by chance."""
    tree = ast.parse(code)
    found = [(x, x.place or x.old) for x in edits(tree)]
    places = [x for x, at in found if {at.lineno, at.end_lineno} <= span]
    if places:
        some = [x for x in places if x.kind not in STATEMENTS] or places
        return broken.edited(tree, rng.choice(some))
    return code


def told_of_broken(exercises, rng, each):
    """Return how many stages are told, of how many, and those that are told wrongly."""
    count, told, wrongly = 0, 0, []
    for exercise in exercises:
        for code, names, span in broken_twice(exercise, rng, each):
            try:
                function = defined(code, exercise.name, names)
            except Exception:  # it is no code
                continue
            arguments, _ = rounds(exercise, 1)[0][0]
            reply = ask(function, dict(enumerate(arguments)))
            if reply.problem or reply.changed:
                continue
            stage = stage_of(code, exercise, **names)
            count += 1
            told += stage is not None
            if stage and not span & set(range(stage.first, stage.line + 1)):
                wrongly.append((code, stage.message))
    return count, told, wrongly


def test_two_slips_in_one_stage_are_led_to_it_and_never_to_another():
    chosen = [EXERCISES[x] for x in ("layer_norm", "scaled_dot_product_attention")]
    count, told, wrongly = told_of_broken(chosen, random.Random(3), 3)
    assert not wrongly
    assert count > 3
    assert told >= 0.5 * count


@pytest.mark.thorough
def test_of_all_worked_solutions_few_are_led_elsewhere():
    count, told, wrongly = told_of_broken(EXERCISES.values(), random.Random(4), 2)
    print(f"{told} of {count} told, {len(wrongly)} wrongly")
    assert told >= 0.5 * count
    assert len(wrongly) <= 0.02 * told


RENAMED = """def masked_softmax(s, m):
    s = np.where(m, s, -np.inf)
    print("masked", s.shape)
    t = s.max(axis=-1, keepdims=True)
    t = np.where(np.isfinite(t), t, 0)
    s = np.exp2(s + t)
    return s / np.where(s.sum(-1, keepdims=True) == 0, 1, s.sum(-1, keepdims=True))
"""
UNPACKED = """def masked_softmax(scores, mask):
    hidden, top = np.where(mask, scores, -np.inf), np.where(mask, scores, -9e9)
    top = top.max(axis=-1, keepdims=True)
    top *= mask.any(axis=-1, keepdims=True)
    hidden -= top
    weights, other = np.exp2(-hidden), 0
    total = np.array([x for x in weights.sum(axis=-1, keepdims=True)])
    return weights / np.where(total == 0, 1, total)
"""
IN_A_LOOP = """def masked_softmax(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    top = hidden.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    weights = np.zeros_like(hidden)
    for at in np.ndindex(hidden.shape):
        weights[at] = np.exp2(hidden[at] + top[at[:-1]][0])
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)
"""
# The last step leaves the weights as they are, where it should share them out.
IDLE = """def masked_softmax(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    top = hidden.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    weights = np.exp(hidden - top)
    weights = weights / max(1, 1)
    return weights
"""


@pytest.mark.parametrize(
    ("code", "name", "line", "right"),
    [
        (IDLE, "weights", 6, ("weights", 5)),
        (WEIGHTS, "weights", 5, ("top", 4)),
        (TOTAL, "total", 6, ("weights", 5)),
        (RENAMED, "s", 6, ("t", 5)),
        (UNPACKED, "weights", 6, ("hidden", 5)),
        (IN_A_LOOP, "weights", 7, ("top", 4)),
        (
            RIGHT.replace("return weights /", "return 2 + weights *"),
            "",
            7,
            ("total", 6),
        ),
    ],
)
def test_the_first_stage_that_is_not_right_is_named(code, name, line, right):
    stage = stage_of(code)
    assert (stage.name, stage.line) == (name, line)
    assert (stage.right, stage.right_line) == right
    assert stage.parts[1] in (
        name,
        "return 2 + weights * np.where(total == 0, 1, total)",
    )


@pytest.mark.parametrize("name", ["empty", "empty_like"])
def test_room_that_holds_nothing_yet_is_no_stage(name, monkeypatch):
    """Memory that is used again may hold most of what is right."""

    def used_again(hidden):
        top = hidden.max(axis=-1, keepdims=True)
        room = np.exp(hidden - np.where(np.isfinite(top), top, 0))
        room[..., 0] = np.arange(room.shape[-2]) - 9
        return room

    monkeypatch.setattr(np, name, used_again)
    filled = f"weights = np.{name}(hidden)\n"
    filled += "    weights[..., 1:] = np.exp(hidden - top)[..., 1:]"
    stage = stage_of(RIGHT.replace("weights = np.exp(hidden - top)", filled))
    assert (stage.name, stage.first, stage.line) == ("weights", 5, 6)


@pytest.mark.parametrize(
    "helper",
    [
        "def odds(x, y):\n        return np.exp2(x + y)",
        "odds = lambda x, y: (\n        np.exp2(x + y))",
        "def less(x, y):\n        return np.exp2(x + y)\n    def odds(x, y):\n"
        "        return less(x, y)",
    ],
)
def test_the_mistake_may_be_in_a_function_inside(helper):
    top = "    top = hidden.max"
    code = RIGHT.replace(top, f"    {helper}\n{top}")
    code = code.replace("np.exp(hidden - top)", "odds(hidden, top)")
    stage = stage_of(code)
    assert (stage.name, stage.first) == ("weights", 3)


def test_a_stage_that_was_there_before_is_not_called_right():
    """What is shared out is the weights as they were: that comes before the end."""
    shares = "shares = weights[..., :] + 0\n    return 2 * shares - 1\n"
    assert stage_of(RIGHT.split("return")[0] + shares) is None


def test_shapes_are_told_where_they_differ():
    code = """def softmax_gradient(weights, d_weights):
    both = weights * d_weights
    dot = 2 * both.sum(axis=0) + 1
    dot = dot[..., None, :]
    return weights * (d_weights - dot)
"""
    said = stage_of(code, EXERCISES["softmax_gradient"]).question
    assert re.search(r"its shape is \(.*\), and \(.*\) is right; with the right", said)


def test_where_nothing_more_than_a_size_is_right_that_is_not_said():
    head = "def unit_scale(query, key):\n    d_k = query.shape[-1]\n"
    code = head + "    return 1 / (d_k + 1)\n"
    assert stage_of(code, EXERCISES["unit_scale"]) is None


def test_what_has_nothing_left_to_do_with_an_earlier_stage_right_may_be_it_too():
    """The mask may come before the weights; the learner put it after them."""
    code = """def extend(query, key, value, kept_key, kept_value):
    keys = np.append(kept_key, key, -2)
    values = np.append(kept_value, value, -2)
    m, n = kept_key.shape[-2], key.shape[-2]
    scores = query @ keys.mT / query.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    weights = weights * np.tri(n, n + m, m)
    return weights @ values
"""
    stage = stage_of(code, EXERCISES["extend"])
    assert (stage.name, stage.first, stage.line) == ("weights", 6, 8)
    assert (stage.right, stage.right_line) == ("scores", 5)


@pytest.mark.parametrize(
    "code",
    [
        RIGHT,  # there is nothing to find
        "def masked_softmax(scores, mask):\n    return np.exp(scores) * mask + 3\n",
        "def masked_softmax(scores, mask):\n    x = scores\n    return x + mask\n",
        # Another route: no stage of it is one of the worked solution.
        """def masked_softmax(scores, mask):
    odds = np.exp(scores / 2 - 1) * mask
    whole = np.cumsum(odds, axis=-1)[..., -1:]
    return odds / (whole + 1e-3)
""",
        WEIGHTS.replace("    hidden =", "    open\n    hidden ="),
    ],
)
def test_where_nothing_is_sure_nothing_is_said(code):
    assert stage_of(code) is None


def test_a_mismatch_on_the_way_is_no_mistake_if_what_follows_is_right():
    """Large weights divided by large sums are right, and only the end is not."""
    code = """def masked_softmax(scores, mask):
    odds = np.exp(np.longdouble(scores) - scores.max(axis=-1, keepdims=True)) * mask
    whole = odds.sum(axis=-1, keepdims=True)
    weights = (odds / np.where(whole == 0, 1, whole)).astype(scores.dtype)
    return weights[..., ::-1] * 2
"""
    stage = stage_of(code)
    assert (stage.name, stage.right, stage.line) == ("", "weights", 5)


def test_what_never_ends_or_takes_long_is_given_up():
    endless = WEIGHTS.replace(
        "    top =", "    while top_is_low():\n        pass\n    top =", 1
    )
    assert stage_of(endless, top_is_low=lambda: True) is None
    function = defined(WEIGHTS, MASKED.name, {"np": np})
    asked = rounds(MASKED, 1)[0], stages_of(MASKED, 1)
    assert first_wrong(function, *asked, seconds=0) is None
    assert first_wrong(function, *asked, seconds=600).name == "weights"


def test_the_learner_s_variables_and_modules_stay_as_they_are():
    code = WEIGHTS.replace(
        "    top =", "    math.sqrt(4), seen.append(1)\n    top =", 1
    )
    seen = []
    function = defined(code, MASKED.name, {"np": np, "math": math, "seen": seen})
    before = dict(function.__globals__)
    assert first_wrong(
        function, rounds(MASKED, 1)[0], stages_of(MASKED, 1), seconds=600
    )
    assert function.__globals__ == before


def test_a_stage_depends_on_the_case_and_is_no_argument():
    for row, (arguments, _) in zip(
        stages_of(MASKED, 1), rounds(MASKED, 1)[0], strict=True
    ):
        for stage in row:
            assert not any(
                x.shape == stage.shape and np.array_equal(x, stage)
                for x in arguments
                if x.dtype == stage.dtype and x.dtype != bool and stage.ndim > 2
            )


def test_the_notebook_says_it_below_the_verdict(capsys, monkeypatch):
    monkeypatch.setattr(checking, "SEARCH", 600)
    function = defined(WEIGHTS, MASKED.name, {"np": np})
    feedback = checking.check(MASKED.name, function)
    feedback._ipython_display_()
    said = capsys.readouterr().out + repr(feedback)
    assert isinstance(feedback.verdict.found, Stage)
    assert "`top` (line 4) is right, as in the worked solution" in said
    assert "Look at line 5 of the cell" in said


def test_it_is_not_looked_for_where_one_change_is_enough_or_it_raises():
    one = RIGHT.replace("hidden - top", "hidden + top")
    for code in (one, WEIGHTS.replace("exp2(", "exp2(1, 2, 3, ")):
        function = defined(code, MASKED.name, {"np": np})
        verdict = judge(MASKED, function, 1)
        found = place_of(verdict, function, 2, 600)
        assert not isinstance(found, Stage)
