import os

import numpy as np
import pytest

from course_utils import progress
from course_utils.checks import EXERCISES, check, judge

SEEDS = range(200)
EACH = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


@EACH
def test_right_answers_pass_in_every_style(exercise):
    assert len(exercise.also_right) >= 3
    for answer in (exercise.reference, *exercise.also_right):
        verdicts = [judge(exercise, answer, seed) for seed in SEEDS]
        assert [v.message for v in verdicts if not v.passed] == []


@EACH
def test_every_misconception_is_named_as_itself(exercise):
    assert len(exercise.misconceptions) >= 4
    for misconception in exercise.misconceptions:
        verdicts = [judge(exercise, misconception.wrong, seed) for seed in SEEDS]
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
        (raising, r"it raises IndexError: .* \(line 3 of the function\)"),
        (printing, "it returns None: is a `return` missing?"),
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
    assert html.count("<details") == html.count("</details>") == 1 + len(SOFT.hints)


def test_feedback_escapes_what_the_learner_wrote():
    def answer(*_):
        raise ValueError("<script>alert(1)</script>")

    html = check("soft_lookup", answer)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(("folder", "kept"), [("exercises", 3), ("solutions", None)])
def test_points_are_kept_for_exercises_only(folder, kept, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    check("soft_lookup", SOFT.reference)
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
    from course_utils.checks import start_page
    from course_utils.syllabus import LESSONS

    assert "You have **0 of " in start_page.page()
    progress.record("exercises", "soft_lookup", 3)
    page = start_page.page()
    assert "You have **3 of " in page
    assert "■■■□□□□□□□ 3 of 10" in page
    assert "(notebooks/01_soft_lookup.ipynb)" in page
    assert [x.number for x in LESSONS] == list(range(1, 17))
    for lesson in LESSONS:
        assert lesson.title in page


def test_the_start_page_says_when_all_is_done():
    from course_utils.checks import start_page

    for exercise in EXERCISES.values():
        progress.record("exercises", exercise.name, exercise.points)
    assert "That is all there is: well done." in start_page.page()


def test_a_start_page_that_cannot_be_written_is_no_error(monkeypatch):
    from course_utils.checks import start_page

    monkeypatch.setenv("COURSE_PROGRESS", os.devnull + "/nowhere")
    start_page.write()
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull)  # and none beside a device
    start_page.write()
    assert not os.path.exists(os.path.join(os.path.dirname(os.devnull), "start.md"))
    assert start_page.page().startswith("# Attention, built by hand")


def test_points_beyond_what_there_is_now_do_not_count():
    from course_utils.checks import points

    progress.record("exercises", "soft_lookup", 30)
    progress.record("exercises", "hard_lookup", "two")
    (first, second, *_) = next(iter(points.of_lessons().values()))
    assert (str(first), str(second)) == ("0 of 2", "3 of 3")
