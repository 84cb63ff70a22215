import dataclasses
import gc
import itertools
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from broken import defined

import course_utils
from course_utils import exercises
from course_utils.checks.asking import ask, replies
from course_utils.checks.compare import agrees, difference, near
from course_utils.checks.feedback import told
from course_utils.checks.grids import grids
from course_utils.checks.judge import Case, Verdict, judge
from course_utils.checks.look import course_calls
from course_utils.checks.time_limit import time_limit
from course_utils.exercises import EXERCISES, exercises_of
from course_utils.exercises.exercise import Misconception
from course_utils.grading.mistakes import name_of
from course_utils.learner import check, checking, progress

EACH = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def test_no_two_exercises_have_one_name():
    modules = Path(exercises.__file__).parent.glob("lesson_*.py")
    listed = [import_module(f"course_utils.exercises.{x.stem}") for x in modules]
    assert len(EXERCISES) == sum(len(x.EXERCISES) for x in listed)
    for number in {x.lesson for x in EXERCISES.values()}:
        assert 8 <= sum(x.points for x in exercises_of(number)) <= 12


@EACH
def test_right_answers_pass_in_every_style(exercise, many_seeds):
    assert len(exercise.also_right) >= 3
    for answer in (exercise.reference, *exercise.also_right):
        verdicts = [judge(exercise, answer, seed) for seed in many_seeds]
        assert [v.message for v in verdicts if not v.passed] == []


@EACH
def test_every_misconception_is_named_as_itself(exercise, many_seeds):
    assert len(exercise.misconceptions) >= 4
    for misconception in exercise.misconceptions:
        verdicts = [judge(exercise, misconception.wrong, seed) for seed in many_seeds]
        assert {v.points for v in verdicts} == {0}
        assert {v.message for v in verdicts} == {misconception.says}


@EACH
def test_the_same_seed_draws_the_same_inputs(exercise):
    first, second = (judge(exercise, lambda *_: 0.0, 7).case for _ in range(2))
    for name, array in first.arguments.items():
        np.testing.assert_array_equal(array, second.arguments[name])


SOFT = EXERCISES["soft_lookup"]


def in_place(query, key, value, sharpness):
    value *= np.exp(sharpness * (key @ query))[:, None]
    return value.sum(axis=0) / np.exp(sharpness * (key @ query)).sum()


def written_out(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))
    return weight @ value / weight.sum()


def raising(query, key, value, sharpness):
    first = query[0]
    return first["no such thing"]


def printing(query, key, value, sharpness):
    print(SOFT.reference(query, key, value, sharpness))


def unwritten(query, key, value, sharpness):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (in_place, "it changes its input `value`"),
        (raising, r"it raises IndexError: .* \(line \d+ of the cell: `return first\["),
        (printing, "it prints its result and returns None"),
        (lambda *_: None, "it returns None: is a `return` missing?"),
        (lambda q, k, v, s: list(v[0]), "it returns a list, not an array"),
        (lambda q, k, v, s: (v[0], s), "it returns a tuple, which is what more than"),
        (lambda q, k, v, s: v[0] > 0, "the dtype is bool, expected are numbers"),
        (lambda q, k, v, s: v[0] * 1j, "it returns an array of complex128"),
        (lambda q, k, v, s: exit(), "it raises SystemExit"),
        (unwritten, "it is not written yet"),
        (lambda *_: "17 degrees", "it returns a str, not an array of numbers"),
        (lambda q, k, v, s: v, "the shape is "),
        (lambda q, k, v, s: v[0] * np.nan, "the result holds nan"),
        (lambda q, k, v, s: v[0], "the numbers differ, by up to "),
        (lambda q, k, v: v[0], "it raises TypeError: .* takes 3 positional"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(answer, says, capsys):
    import re

    verdict = judge(SOFT, answer, seed=1)
    assert verdict.points == 0
    assert re.match(says.replace("?", r"\?"), verdict.message)


table = {"key": np.eye(3)}
counter = []


def reading_a_table(query, key, value, sharpness):
    return table["key"][0, : value.shape[1]].sum() * value[0]


def counting(query, key, value, sharpness):
    counter.append(1)
    return written_out(query, key, value, sharpness) + len(counter) * 1e-9


def warning(query, key, value, sharpness):
    warnings.warn("mind the gap", stacklevel=1)
    np.log(np.zeros(1))
    return written_out(query, key, value, sharpness)


def borrowing(query, key, value, sharpness):
    return course_utils.softmax(sharpness * (query @ key.T)) @ value


def endless(query, key, value, sharpness):
    while True:
        pass


def stubborn(query, key, value, sharpness):
    for _ in range(3):
        with suppress(BaseException):
            time.sleep(20)
    while True:
        pass


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (warning, "Right: 12 fresh inputs"),
        (counting, "Called twice with the same arguments, it returns different"),
        (reading_a_table, "; it reads `table` from outside"),
        (borrowing, "It calls `softmax` of the course, which does the work"),
    ],
)
def test_the_check_in_the_notebook_finds_what_is_not_in_the_numbers(
    answer, says, monkeypatch
):
    monkeypatch.setattr(checking, "SECONDS", 600)
    said = repr(check("soft_lookup", answer))
    assert says in said
    assert said.startswith("✓" if "Right" in says else "✗")


@pytest.mark.parametrize("answer", [endless, stubborn])
def test_an_answer_without_end_is_stopped(answer, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    said = repr(check("soft_lookup", answer))
    assert said.startswith("✗")
    assert "It did not finish within 0.2 seconds (line" in said


def catching(query, key, value, sharpness):
    for _ in range(3):
        with suppress(BaseException):
            endless(query, key, value, sharpness)
    endless(query, key, value, sharpness)


def countless(query, key, value, sharpness):
    return sum(1 for _ in itertools.count())


def recursive(query, key, value, sharpness, depth=60):
    if depth < 2:
        return depth
    inputs = (query, key, value, sharpness)
    return recursive(*inputs, depth - 1) + recursive(*inputs, depth - 2)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring")
@pytest.mark.parametrize("answer", [endless, catching, countless, recursive])
def test_where_there_are_no_threads_it_is_stopped_too(answer, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(threading.Thread, "start", None)
    said = repr(check("soft_lookup", answer))
    assert "It did not finish within 0.2 seconds (line" in said


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring")
def test_limits_without_threads_stand_in_one_another_and_leave_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    with time_limit(60):
        with pytest.raises(TimeoutError), time_limit(0.05):
            endless(None, None, None, None)
        with pytest.raises(KeyboardInterrupt), time_limit(60):
            raise KeyboardInterrupt
    assert not any(sys.monitoring.get_tool(i) == "time limit" for i in range(6))


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("ignores", [signal.SIG_IGN, signal.SIG_DFL])
def test_the_limit_holds_where_the_stop_button_is_ignored(ignores):
    """As it is in what a script starts in the background."""
    before = signal.signal(signal.SIGINT, ignores)
    try:
        with pytest.raises(TimeoutError), time_limit(0.05):
            endless(None, None, None, None)
        assert signal.getsignal(signal.SIGINT) == ignores
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_course_s_own_function_is_no_answer():
    said = repr(check("hard_lookup", course_utils.hard_lookup))
    assert "It calls `hard_lookup` of the course" in said


def test_the_course_s_functions_may_be_called_where_the_exercise_says_so():
    allowed = dataclasses.replace(SOFT, may_use=("softmax",))
    for exercise, points in ((allowed, 3), (SOFT, 0)):
        verdict = judge(exercise, borrowing, 1, partial(course_calls, borrowing))
        assert verdict.points == points


def test_the_stop_button_is_no_time_limit():
    def stopped(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("soft_lookup", stopped)


def test_float32_may_be_asked_for():
    exercise = dataclasses.replace(
        SOFT,
        inputs=lambda rng, size: {
            name: x.astype(np.float32) if x.ndim else x
            for name, x in SOFT.inputs(rng, size).items()
        },
        keeps_dtype=True,
    )
    assert judge(exercise, SOFT.reference, 1).passed
    promoting = judge(exercise, lambda *a: SOFT.reference(*a).astype(float), 1)
    assert promoting.message == (
        "the dtype is float64, expected float32, as it came in"
    )


def test_a_mistake_beside_the_numbers_can_be_named():
    def in_place_too(query, key, value, sharpness):
        key *= 1.5
        return SOFT.reference(query, key / 1.5, value, sharpness)

    named = dataclasses.replace(
        SOFT, misconceptions=(Misconception("it scales the keys", in_place_too),)
    )
    assert judge(named, in_place_too, 1).message == "it scales the keys"
    assert judge(SOFT, in_place_too, 1).message.startswith("it changes its input `key`")


def test_a_mistake_is_named_where_the_answer_raises_for_some_inputs():
    blend_of_keys = SOFT.misconceptions[0]

    def fails_at_times(query, key, value, sharpness):
        if key.shape[0] % 2:
            return np.ones(3) + np.ones(2)
        return blend_of_keys.wrong(query, key, value, sharpness)

    verdict = judge(SOFT, fails_at_times, 1)
    assert verdict.message.startswith(f"{blend_of_keys.says}; for other inputs it rai")
    assert verdict.is_named


def test_a_mistake_is_not_named_by_what_goes_right():
    """What the misconception shares with the right answer tells nothing."""

    def fails_where_it_matters(query, key, value, sharpness):
        if len(key) > 4:
            return np.ones(3) + np.ones(2)
        return SOFT.reference(query, key, value, sharpness)

    def wrong(query, key, value, sharpness):
        return SOFT.reference(query, key, value, sharpness) + (len(key) > 4)

    named = dataclasses.replace(SOFT, misconceptions=(Misconception("no", wrong),))
    verdict = judge(named, fails_where_it_matters, 1)
    assert verdict.message.startswith("it raises ValueError")
    assert not verdict.is_named


@pytest.mark.parametrize(
    ("given", "is_named"), [(250, True), (-0.25, True), (1, False), (0, False)]
)
def test_a_mistake_is_named_whatever_number_it_is_made_with(given, is_named):
    """But an axis or an index of another number is another mistake."""

    def shifted(query, key, value, sharpness):
        return SOFT.reference(query, key, value, sharpness) * query[0] + 100.5

    names = {"SOFT": SOFT}
    text = "lambda q, k, v, s: SOFT.reference(q, k, v, s) * q[0] + " + repr(given)
    named = dataclasses.replace(SOFT, misconceptions=(Misconception("100", shifted),))
    verdict = judge(named, eval(text, names), 1)
    assert (verdict.message == "100") == verdict.is_named == is_named


def test_where_nbgrader_grades_a_wrong_answer_raises(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("soft_lookup", written_out) is None
    assert capsys.readouterr().out.startswith("✓ Right: soft_lookup, 3 of 3 points")
    with pytest.raises(AssertionError, match="It returns None"):
        check("soft_lookup", lambda *_: None)


def test_the_picture_shows_expected_yours_and_the_difference():
    expected = np.arange(6.0).reshape(2, 3)
    yours = expected + np.array([[0, 0, 0], [0, 0, -0.5]])
    shown = grids(Case({}, expected, yours))
    assert [x.title for x in shown] == ["expected", "yours", "difference"]
    gap = shown[2]
    assert [[x.text for x in row] for row in gap.rows] == [
        ["0"] * 3,
        ["0", "0", "−0.50"],
    ]
    assert gap.rows[1][2].shade == pytest.approx(0.58)
    assert shown[0].rows[1][2].text == "5.00"
    assert shown[1].note == "shape (2, 3)"


def test_the_picture_says_which_truths_differ():
    expected = np.array([[True, False]])
    gap = grids(Case({}, expected, np.array([[True, True]])))[2]
    assert [cell.text for cell in gap.rows[0]] == ["=", "≠"]


def test_the_picture_writes_counts_in_full_in_either_dtype():
    counts = np.array([3360, 56640, -67968, 13440])
    for dtype in (int, float):
        shown = grids(Case({}, counts.astype(dtype), counts.astype(dtype) + 1))
        texts = [cell.text for cell in shown[0].rows[0]]
        assert texts == ["3360", "56640", "−67968", "13440"]
    small = grids(Case({}, np.array([2.0, 1234.5, 2e10]), None))[0]
    assert [cell.text for cell in small.rows[0]] == ["2.00", "1234.50", "2.0e+10"]


@pytest.mark.parametrize("dtype", [bool, int, float])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 1, 3), (20, 30), (0, 2)])
def test_the_picture_takes_any_shape_and_dtype(shape, dtype):
    expected = np.zeros(shape, dtype)
    yours = np.ones(shape, dtype)
    shown = grids(Case({}, expected, yours))
    is_of_faults = shape == () and dtype is int
    assert len(shown) == 3 - is_of_faults
    assert sum(len(row) for row in shown[1].rows) == min(8, np.prod(shape[-1:])) * min(
        8, np.prod(shape[-2:-1])
    )
    assert len(grids(Case({}, expected, np.ones((4, 1))))) == 2
    assert len(grids(Case({}, expected, None))) == 1


def test_the_picture_shows_the_part_with_the_largest_difference():
    expected = np.zeros((2, 20, 30))
    yours = expected.copy()
    yours[1, 17, 28] = np.nan
    gap = grids(Case({}, expected, yours))[2]
    assert gap.note == "shape (2, 20, 30), [1] of it, from row 12, column 22"
    assert gap.rows[17 - 12][28 - 22].text == "nan"


def test_the_picture_of_a_changed_input_is_that_input():
    case = judge(SOFT, in_place, 1).case
    shown = grids(case)
    assert [x.title for x in shown] == ["value before", "value after", "difference"]
    assert case.changed[1].shape == case.arguments["value"].shape
    assert not np.array_equal(case.changed[1], case.arguments["value"])


def test_numbers_of_faults_have_no_difference():
    exercise = EXERCISES["diagnose_cosine"]
    verdict = judge(exercise, lambda *_: 2 + int(_[2][0, 0] > 0), 5)
    assert [x.title for x in grids(verdict.case)] == ["expected", "yours"]


def test_what_rounding_makes_differ_is_not_shaded():
    expected = np.array([[1.0, 2.0]])
    gap = grids(Case({}, expected, expected + np.array([[1e-9, 0.5]])))[2]
    assert [cell.text for cell in gap.rows[0]] == ["0", "0.50"]
    assert gap.rows[0][0].shade == 0


def test_the_line_is_looked_for_after_the_verdict_and_leaves_it_alone(monkeypatch):
    """A hint that was opened meanwhile stays open: nothing is shown a second time."""
    shown = []
    monkeypatch.setattr(checking, "display", lambda *x, **_: shown.append(x[0]))
    monkeypatch.setattr(checking, "SEARCH", 600)
    feedback = check("soft_lookup", blend_without_sum())
    feedback._ipython_display_()
    verdict, line = shown
    assert "One change makes it right" not in verdict["text/plain"]
    assert "One change makes it right" not in verdict["text/html"]
    assert "Hint 1" in verdict["text/html"]
    for said in (repr(line), line._repr_html_()):
        assert "One change makes it right. Look at line 3" in said
        assert "Hint" not in said
    assert "<mark" in line._repr_html_()


WARNS = """def soft_lookup(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))
    weight = weight * 0
    return weight / weight.sum() @ value
"""
SAID = (
    "It warns of RuntimeWarning: invalid value encountered in divide "
    "(line 4 of the cell: `return weight / weight.sum() @ value`)."
)


@pytest.fixture
def loose(capfd, monkeypatch):
    """Return what is shown outside of all boxes; warnings are, as in a notebook."""

    def show(message, *_):
        print(message, file=sys.stderr)

    monkeypatch.setattr(warnings, "showwarning", show)
    return lambda: "".join(capfd.readouterr())


def test_a_warning_of_a_wrong_answer_is_in_its_box_and_nowhere_else(loose):
    feedback = check("soft_lookup", defined(WARNS, "soft_lookup", {"np": np}))
    assert SAID in told(feedback.verdict)
    assert f"{feedback._repr_html_()}".count("RuntimeWarning") == 1
    assert feedback.look() in (True, False)
    assert loose() == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("warnings.warn('mind the gap')", "UserWarning: mind the gap (line 2 "),
        ("np.mean([])", "RuntimeWarning: Mean of empty slice (line 2 "),
        ("helper()", "UserWarning: of the helper (line 7 "),
        ("np.float64(1) / np.zeros(1)", "divide by zero encountered in divide (line 2"),
        ("np.exp(-1e9)", None),
        ("warnings.simplefilter('ignore'); warnings.warn('x')", None),
        ("elsewhere()", "UserWarning: elsewhere (line 2 "),
        ("1 / 0; warnings.warn('never')", None),
    ],
)
def test_a_warning_is_told_with_the_line_that_causes_it(line, said, loose):
    code = WARNS.replace("\n", f"\n    {line}\n", 1)
    code += "\ndef helper(): warnings.warn('of the helper')\n"
    outside = {"np": np, "warnings": warnings}
    outside["elsewhere"] = lambda: warnings.warn("elsewhere", stacklevel=1)
    code = code.replace("weight * 0", "weight * 2 + weight.mean()")
    answer = defined(code, "soft_lookup", outside)
    message = told(check("soft_lookup", answer).verdict)
    assert ("It warns of" in message) == (said is not None)
    assert (said or "") in message
    assert loose() == ""


def test_what_a_right_answer_prints_and_warns_of_is_nowhere(loose):
    def loud(query, key, value, sharpness):
        warnings.simplefilter("always")
        warnings.warn("loud", stacklevel=1)
        print("loud")
        scores = sharpness * (key @ query)
        weights = np.exp(scores - scores.max())
        return weights / weights.sum() @ value

    with warnings.catch_warnings():
        said = repr(check("soft_lookup", loud))
    assert "✓ Right" in said
    assert "loud" not in said
    assert loose() == ""


def test_what_reading_the_code_warns_of_is_nowhere(loose):
    code = WARNS.replace("\n", "\n    text = '\\d' is 3\n", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = defined(code, "soft_lookup", {"np": np})
        warnings.simplefilter("always")
        check("soft_lookup", answer).look()
    assert loose() == ""


def blend_without_sum():
    code = (
        "def soft_lookup(query, key, value, sharpness):\n"
        "    weight = np.exp(sharpness * (key @ query))\n"
        "    return weight / np.sqrt(weight.sum()) @ value\n"
    )
    return defined(code, "soft_lookup", {"np": np})


@pytest.mark.parametrize(
    "known", [SOFT.reference, SOFT.misconceptions[0].wrong, unwritten]
)
def test_the_line_is_not_looked_for_where_all_is_said(known):
    assert not hasattr(check("soft_lookup", known), "look")


def test_the_case_shown_is_the_smallest_that_is_wrong():
    def wrong_for_many_keys(query, key, value, sharpness):
        right = SOFT.reference(query, key, value, sharpness)
        return right + (len(key) > 4)

    case = judge(SOFT, wrong_for_many_keys, seed=3).case
    assert len(case.arguments["key"]) == 5
    np.testing.assert_allclose(case.yours, case.expected + 1)


def test_feedback_names_the_mistake_in_words_and_html():
    blend_of_keys = SOFT.misconceptions[0].wrong
    feedback = check("soft_lookup", blend_of_keys)
    assert repr(feedback) == (
        "✗ Not yet: soft_lookup, 0 of 3 points\n"
        "It blends the keys: keys are only compared with, the answer is made of "
        "values."
    )
    html = feedback._repr_html_()
    assert "It blends the keys" in html
    assert html.count("<details") == html.count("</details>") == 2 + len(SOFT.hints)


def test_feedback_escapes_what_the_learner_wrote():
    def answer(*_):
        raise ValueError("<script>alert(1)</script>")

    html = check("soft_lookup", answer)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<code>raise ValueError(" in html


@pytest.mark.parametrize(("folder", "kept"), [("exercises", 3), ("solutions", None)])
def test_points_are_kept_for_exercises_only(folder, kept, tmp_path, monkeypatch):
    for name in ("exercises", "solutions"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    check("soft_lookup", written_out)
    check("soft_lookup", lambda *_: None)  # a later failure takes nothing away
    assert progress.load()["exercises"].get("soft_lookup") == kept
    for page in ("start.md", "progress.svg"):  # beside the progress
        assert (tmp_path / page).exists() == (kept is not None)


def test_check_refuses_what_it_cannot_check():
    with pytest.raises(ValueError, match="no exercise 'soft_lokup'"):
        check("soft_lokup", SOFT.reference)
    with pytest.raises(TypeError, match="needs the function itself"):
        check("soft_lookup", SOFT.reference(*[np.eye(2)[0], np.eye(2), np.eye(2), 1]))


def test_progress_that_cannot_be_read_is_kept_aside(progress_file):
    progress_file.write_text("{half a file")
    assert progress.load() == {"exercises": {}, "predictions": {}}
    progress.record("exercises", "soft_lookup", 3)
    assert progress.load()["exercises"] == {"soft_lookup": 3}
    aside = progress_file.with_name("progress.unreadable.json")
    assert aside.read_text() == "{half a file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a file of another kind")
def test_what_is_no_file_is_left_as_it_is(progress_file):
    os.mkfifo(progress_file)
    os.close(os.open(progress_file, os.O_RDWR | os.O_NONBLOCK))
    progress.record("exercises", "soft_lookup", 3)
    assert progress_file.is_fifo()
    assert list(progress_file.parent.iterdir()) == [progress_file]


def test_progress_that_cannot_be_written_is_no_error(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull + "/nowhere")
    progress.record("exercises", "soft_lookup", 3)
    assert progress.load()["exercises"] == {}


def test_the_start_page_shows_the_path_and_the_points():
    from course_utils.learner import start_page
    from course_utils.learner.syllabus import LESSONS

    assert "You have **0 of " in start_page.page()
    progress.record("exercises", "soft_lookup", 3)
    page = start_page.page()
    assert "You have **3 of " in page
    assert "■■■□□□□□□□ 3 of 10" in page
    assert "(notebooks/01_soft_lookup.ipynb)" in page
    for lesson in LESSONS:
        assert lesson.title in page


def test_the_start_page_says_when_all_is_done():
    from course_utils.learner import start_page

    for exercise in EXERCISES.values():
        progress.record("exercises", exercise.name, exercise.points)
    assert "That is all there is: well done." in start_page.page()


def test_a_start_page_that_cannot_be_written_is_no_error(monkeypatch):
    from course_utils.learner import start_page

    monkeypatch.setenv("COURSE_PROGRESS", os.devnull + "/nowhere")
    start_page.write()
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull)  # and none beside a device
    start_page.write()
    assert not os.path.exists(os.path.join(os.path.dirname(os.devnull), "start.md"))
    assert start_page.page().startswith("# Attention, built by hand")


def test_points_beyond_what_there_is_now_do_not_count():
    from course_utils.learner import points

    progress.record("exercises", "soft_lookup", 30)
    progress.record("exercises", "hard_lookup", "two")
    (first, second, *_) = next(iter(points.of_lessons().values()))
    assert (str(first), str(second)) == ("0 of 2", "3 of 3")


@pytest.mark.parametrize("is_on", [True, False])
def test_what_is_tidied_up_meanwhile_is_not_a_call_of_the_learner_s(is_on):
    """Asking stops at the first wrong case, and what is left of it ends some day."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()  # until it is the answer's turn, so that the rest is still young then
    left = replies(lambda x: x, [{"x": np.zeros(1)}] * 2)
    next(left)
    cycle = [left]
    cycle.append(cycle)
    last = [cycle]
    del left, cycle
    try:
        if is_on:
            gc.enable()
        answer = lambda: (last.clear(), [[i] for i in range(5000)])  # noqa: E731
        assert course_calls(answer, []) == []
        assert gc.isenabled() == is_on
    finally:
        gc.enable() if was_on else gc.disable()


def test_what_the_course_calls_by_way_of_a_library_is_not_the_learner_s():
    def attends(query, key, value):
        attend = course_utils.scaled_dot_product_attention
        return attend(query, key, value, return_weights=True)[0]

    triple = list(np.ones((3, 4, 2)))
    assert course_calls(attends, triple) == ["scaled_dot_product_attention"]


@pytest.mark.parametrize("kind", ["int8", "int32", "uint64", "float32", "bool"])
def test_a_number_counts_as_unchanged_whatever_numpy_makes_of_pythons_own(kind):
    """Where Python runs on 32 bits, an integer of 64 comes back as one of 32."""
    array = np.ones(3)
    given = {"number": np.array(1, dtype=kind), "array": array}
    assert ask(lambda number, array: array * number, given).changed == ()

    def spoils(number, array):
        array += number
        return array

    assert ask(spoils, given).changed == ("array",)


@pytest.mark.parametrize(
    ("yours", "said"),
    [
        ([True, False, False], "1 of 3 entries is wrong"),
        ([True, True, False], "2 of 3 entries are wrong"),
    ],
)
def test_wrong_entries_are_counted(yours, said):
    expected = np.zeros(3, bool)
    assert difference(np.array(yours), expected, False) == said
    verdict = Verdict(EXERCISES["causal_mask"], 0, said, None, None)
    assert name_of(verdict) == "some entries are wrong"


SOME = [
    *(np.array(x) for x in (1, 1.0, True, np.inf, -np.inf, np.nan, 1.0 + 1e-9)),
    *(np.array([1, x]) for x in (2, 2.0, np.inf, -np.inf, np.nan, 2 + 1e-6, 2.1)),
    *(np.array([1, x], np.float32) for x in (2, np.inf, np.nan, 2 + 1e-4)),
    *(np.zeros(shape) for shape in ((0,), (2, 0), (1, 2))),
    *(np.array([True, x]) for x in (True, False)),
]


@pytest.mark.parametrize("keeps_dtype", [False, True])
def test_arrays_agree_where_there_is_no_difference(keeps_dtype):
    for yours, expected in itertools.product(SOME, SOME):
        said = difference(yours, expected, keeps_dtype)
        assert agrees(yours, expected, keeps_dtype) == (said is None)


@pytest.mark.parametrize("kind", [float, np.float32])
def test_infinities_and_nan_agree_with_their_like_alone(kind):
    values = np.array([0, 1, -1, np.inf, -np.inf, np.nan], kind)
    yours, expected = np.meshgrid(values, values)
    same = np.eye(len(values), dtype=bool)
    assert (near(yours, expected) == same).all()
    finite = np.isfinite(expected).all(axis=1)
    assert (near(yours[finite], expected[finite]) == same[finite]).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [("hard_lokup", "did you mean hard_lookup?"), (3, "exercises/ has their names")],
)
def test_a_name_that_is_no_exercise_is_answered_with_those_near_it(name, said):
    with pytest.raises(ValueError, match="there is no exercise") as error:
        check(name, len)
    assert str(error.value).endswith(said)
