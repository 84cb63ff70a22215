"""That a slip in one exercise which spoils a later one is charged once."""

from contextlib import suppress

import numpy as np
import pytest
from broken import defined, solutions

from course_utils.checks.earlier import earlier, right_one
from course_utils.checks.feedback import sentence, told
from course_utils.checks.judge import CASES, judge
from course_utils.checks.lookups import in_place, looked_up
from course_utils.exercises import EXERCISES
from course_utils.learner import check, checking

NOT_YET = "This is right; what it calls, your {}, is not yet."
WRONG = {
    "other numbers": "return 2.0 * right(*args, **named)",
    "an error": "return undefined",
    "nothing": "raise NotImplementedError",
    "a changed input": "args[0][...] = 0; return right(*args, **named)",
}


def pairs():
    """Yield each exercise whose worked solution calls an earlier one, and that."""
    for exercise in EXERCISES.values():
        codes, names = solutions(exercise.lesson)
        function = defined(codes[exercise.name], exercise.name, names)
        for one in earlier(exercise):
            if one.name in looked_up(function):
                yield exercise, one


PAIRS = list(pairs())


def notebook(exercise, one, line):
    """Return a right answer that calls a wrong one."""
    codes, names = solutions(exercise.lesson)
    outside = dict(names)
    exec(f"right = {one.name}\ndef {one.name}(*args, **named): {line}", outside)
    return defined(codes[exercise.name], exercise.name, outside)


def test_some_exercises_build_on_earlier_ones():
    assert len(PAIRS) >= 6


@pytest.mark.parametrize(
    ("exercise", "one", "line"),
    [pytest.param(*x, WRONG["other numbers"], id=f"{x[1].name}") for x in PAIRS]
    + [pytest.param(*PAIRS[-1], line, id=kind) for kind, line in WRONG.items()],
)
def test_what_is_right_but_for_what_it_calls_is_right(exercise, one, line):
    answer = notebook(exercise, one, line)
    before = dict(answer.__globals__)
    verdict = check(exercise.name, answer).verdict
    assert verdict.passed
    if told(verdict).startswith("Right: "):  # that input is its own copy
        assert line == WRONG["a changed input"]
    else:
        assert told(verdict).startswith(NOT_YET.format(f"`{one.name}`"))
    assert answer.__globals__ == before


@pytest.fixture
def multi_head():
    """Return the worked solution, and what it knows."""
    codes, names = solutions(9)
    return codes["multi_head_attention"], dict(names)


def wrong_merge(names):
    names["merge_heads"] = lambda heads: 2 * names["split_heads"](heads, 1)


def test_all_that_are_wrong_are_named_and_no_other(multi_head):
    code, names = multi_head
    wrong_merge(names)
    verdict = check(
        "multi_head_attention", defined(code, "multi_head_attention", names)
    )
    assert told(verdict.verdict).startswith(NOT_YET.format("`merge_heads`"))
    names["split_heads"] = lambda x, num_heads: x
    both = check("multi_head_attention", defined(code, "multi_head_attention", names))
    said = "This is right; what it calls, your `merge_heads` and `split_heads`, are not"
    assert told(both.verdict).startswith(said)


def test_a_slip_of_its_own_is_told_beside_it_and_found(multi_head, monkeypatch):
    code, names = multi_head
    wrong_merge(names)
    broken = code.replace("memory @ w_value", "memory * 2 @ w_value")
    assert broken != code
    answer = defined(broken, "multi_head_attention", names)
    monkeypatch.setattr(checking, "SEARCH", 600)
    feedback = check("multi_head_attention", answer)
    assert not feedback.verdict.passed
    own = judge(
        EXERCISES["multi_head_attention"],
        defined(broken, "multi_head_attention", solutions(9)[1]),
        1,
    )
    said = told(feedback.verdict)
    assert said.startswith(sentence(own.message))
    assert "your `merge_heads`, is not right yet either" in said
    assert feedback.look()
    assert "memory * 2" in feedback.verdict.found.text


def test_no_more_is_asked_of_it_than_shows_that_something_is_wrong(multi_head):
    code, names = multi_head
    calls = []
    names["merge_heads"] = lambda heads: calls.append(heads) or 2 * heads
    answer = defined(code, "multi_head_attention", names)
    assert check("multi_head_attention", answer).verdict.passed
    assert 0 < len(calls) < CASES


def test_a_wrong_one_that_is_not_called_is_not_mentioned(multi_head):
    code, names = multi_head
    names["split_heads"] = lambda x, num_heads: x
    start = code.index(":\n") + 2
    idle = code[:start] + "    split_heads\n    return np.zeros(3)\n"
    answer = defined(idle, "multi_head_attention", names)
    assert "split_heads" not in told(check("multi_head_attention", answer).verdict)


def test_a_later_answer_is_lent_to_nobody():
    """Nor the answer itself: each would be the whole of the work."""
    names = {"np": np}
    code = "def soft_lookup(query, key, value, sharpness):\n    return {}\n"
    for other in (
        "soft_lookup_all(query[None], key, value, sharpness)[0]",
        "wind_from_weather(query, key, value, sharpness)",
        "soft_lookup(query, key, value, sharpness)",
    ):
        names["soft_lookup_all"] = names["wind_from_weather"] = lambda *_: 0
        answer = defined(code.format(other), "soft_lookup", names)
        names["soft_lookup"] = lambda *_: 0
        assert not check("soft_lookup", answer).verdict.passed


def test_helpers_and_other_answers_in_between_are_followed():
    """One answer calls a helper, which calls a second answer, which calls a third."""
    codes, names = solutions(9)
    names = dict(names, split_heads=lambda x, num_heads: x)
    exec(codes["multi_head_attention"], names)
    exec("def helper(*args): return multi_head_attention(*args)", names)
    code = "def diagnose_heads(*args):\n    return helper(*args)\n"
    found = looked_up(defined(code, "diagnose_heads", names))
    assert "split_heads" not in found  # another notebook's function, by its names
    exec(code, names)
    assert {"split_heads", "multi_head_attention"} <= looked_up(names["diagnose_heads"])


def test_a_right_one_is_called_as_the_learner_s_is():
    names = {}
    exec("def softmax(z, axis=-1, temperature=1.0): pass", names)
    exec("def calls(x): return softmax(z=x), softmax(x, temperature=2.0)", names)
    x, used = np.array([[0.0, 4.0]]), []
    right = right_one(EXERCISES["softmax"], used.append)
    with in_place(names["calls"], {"softmax": right}):
        one, other = names["calls"](x)
    np.testing.assert_allclose(one, [[1, np.exp(4)]] / (1 + np.exp(4)))
    np.testing.assert_allclose(other, [[1, np.exp(2)]] / (1 + np.exp(2)))
    assert used == ["softmax", "softmax"]
    with pytest.raises(TypeError, match="missing"):
        right()


def test_what_stood_there_comes_back_whatever_happens():
    names = {"a": 1}
    exec("def calls(): return a() + b()", names)
    before = dict(names)
    with suppress(KeyboardInterrupt), in_place(names["calls"], {"a": int, "b": int}):
        assert names["calls"]() == 0
        raise KeyboardInterrupt
    assert names == before
