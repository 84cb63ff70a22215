"""What feedback says to answers that it was not made for: the truth, or not."""

import random
import re
import warnings
from collections import Counter

import numpy as np
import pytest
from broken import defined, solutions
from held_out import answers

from course_utils.checks.finding import has_stages, is_worth_a_search, rounds, steps_of
from course_utils.checks.judge import judge
from course_utils.checks.repair import search
from course_utils.checks.stages import Stage, first_wrong
from course_utils.checks.worked import stages_of
from course_utils.exercises import EXERCISES

LESSONS = range(1, 18)
SECONDS = 1.5  # of CPU time, as in the notebook


def judged(lesson, name, code):
    function = defined(code, name, solutions(lesson)[1])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function, judge(EXERCISES[name], function, 1)


def told(lesson, name, answer, code):
    """Return what the feedback on a wrong answer is worth, in a word."""
    function, verdict = judged(lesson, name, code)
    assert not verdict.passed, (lesson, name, answer.diagnosis)
    if answer.says and answer.says in verdict.message:
        return "true"
    found = place_in(verdict, function) if is_worth_a_search(verdict) else None
    numbered = enumerate(code.splitlines(), 1)
    true = {i for i, x in numbered if any(y in x for y in answer.lines)}
    raised = re.search(r"\(line (\d+) of the cell", verdict.message)
    lines = {found.line} if found else set()
    if isinstance(found, Stage):  # it says that it may be as early as there
        lines = set(range(found.first, found.line + 1))
    if (lines & true) or (raised and int(raised[1]) in true):
        return "true"
    misled = found is not None or verdict.is_named or says_a_cause(verdict.message)
    return "misleading" if misled else "silent"


def place_in(verdict, function):
    """Search as the notebook does, but not by the clock of a busy machine."""
    exercise = verdict.exercise
    first, *more = rounds(exercise, 2)
    asked = {"keeps_dtype": exercise.keeps_dtype}
    steps = steps_of(exercise)
    found = search(function, first, more, seconds=SECONDS, steps=steps, **asked)
    if found or not has_stages(verdict):
        return found
    return first_wrong(function, first, stages_of(exercise, 2), **asked)


def says_a_cause(message):
    """Whether a sentence blames something, rather than say what came out."""
    return "swapped" in message


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_set_is_as_it_should_be(lesson):
    """At least six wrong answers an exercise, two right ones, and marked lines."""
    listed = answers(lesson)
    count = Counter((name, answer.is_right) for name, answer, _ in listed)
    asked = {x.name for x in EXERCISES.values() if x.lesson == lesson}
    assert asked == {name for name, _ in count}
    assert all(count[x, False] >= 6 and count[x, True] >= 2 for x in asked)
    for name, answer, code in listed:
        assert all(x in code for x in answer.lines), (name, answer.diagnosis)
        assert answer.lines or answer.is_right


@pytest.mark.parametrize("lesson", LESSONS)
def test_right_answers_in_odd_styles_are_accepted(lesson):
    for name, answer, code in answers(lesson):
        if answer.is_right:
            assert judged(lesson, name, code)[1].passed, (name, code)


def share_of(chosen):
    """Return how many of some wrong answers are told the truth, nothing, or worse."""
    count = Counter()
    for lesson, name, answer, code in chosen:
        word = told(lesson, name, answer, code)
        count[lesson, word] += 1
        count[word] += 1
    return count


def wrong_ones():
    every = [(lesson, *one) for lesson in LESSONS for one in answers(lesson)]
    return [one for one in every if not one[2].is_right]


def test_a_few_wrong_answers_are_told_the_truth():
    """A sample that is the same each day; all of them are tried below."""
    chosen = random.Random(16).sample(wrong_ones(), 12)
    assert share_of(chosen)["true"] >= 9


@pytest.mark.thorough
def test_most_wrong_answers_are_told_the_truth():
    """The shares are printed lesson by lesson."""
    every = wrong_ones()
    count = share_of(every)
    for lesson in LESSONS:
        shares = {x: count[lesson, x] for x in ("true", "silent", "misleading")}
        print(f"{lesson:2} {shares}")
    assert count["true"] >= 0.8 * len(every)
    assert count["misleading"] <= 0.02 * len(every)
