"""Look for the line of a wrong answer in a notebook, while its author reads."""

import re
from contextlib import suppress

import numpy as np

from course_utils.checks.asking import PRINTED, UNWRITTEN
from course_utils.checks.judge import Verdict, draws
from course_utils.checks.look import quietly
from course_utils.checks.repair import Found, Given, search
from course_utils.checks.source import names_in
from course_utils.checks.stages import Stage, first_wrong
from course_utils.checks.time_limit import time_limit
from course_utils.checks.worked import stages_of
from course_utils.exercises.exercise import Answer, Exercise

ROUNDS = 3  # of draws: one to search with, the others to refuse what fits by chance


def place_of(
    verdict: Verdict, answer: Answer, seed: int, seconds: float
) -> Found | Stage | None:
    """Return where a wrong answer goes wrong, if that is found in time.

    - `verdict`: on the answer.
    - `answer`: the answer.
    - `seed`: draws inputs; not that of the check, so that nothing fits by chance.
    - `seconds`: when to give up looking for one change; the stop button does the same.

    One change that makes it right says most; else the first stage that is not right.
    """
    exercise = verdict.exercise
    found = find(exercise, answer, seed, seconds)
    if found or not has_stages(verdict):
        return found
    with suppress(TimeoutError, KeyboardInterrupt, MemoryError), time_limit(seconds):
        cases, stages = rounds(exercise, seed)[0], stages_of(exercise, seed)
        return first_wrong(answer, cases, stages, keeps_dtype=exercise.keeps_dtype)
    return None


def has_stages(verdict: Verdict) -> bool:
    """Whether an answer went all its way, to a result that is not right."""
    case = verdict.case
    return case is not None and case.yours is not None and not case.changed


def find(exercise: Exercise, answer: Answer, seed: int, seconds: float) -> Found | None:
    """Return where one change makes an answer right, if that is found in time.

    - `exercise`: what was asked.
    - `answer`: a wrong answer.
    - `seed`: draws inputs; not that of the check, so that no edit fits by chance.
    - `seconds`: when to give up; the stop button does the same.
    """
    over = suppress(TimeoutError, KeyboardInterrupt, MemoryError)
    # In the browser, where `time.process_time` stands still, this limit ends it.
    with over, time_limit(seconds + 0.1):
        cases, *more = rounds(exercise, seed)
        return search(
            answer,
            cases,
            more,
            steps=steps_of(exercise),
            keeps_dtype=exercise.keeps_dtype,
            seconds=seconds,
        )
    return None


def is_worth_a_search(verdict: Verdict) -> bool:
    """Whether an answer is wrong in a way that has no name yet, and may have a line."""
    says_all = verdict.is_named or verdict.message in (UNWRITTEN, PRINTED)
    return not (verdict.passed or says_all)


def rounds(exercise: Exercise, seed: int) -> list[list[Given]]:
    """Return what an edit is tried on, round by round, drawn from a seed."""
    with quietly():
        drawn = [draws(exercise, one) for one in range(seed, seed + ROUNDS)]
    return [[(list(x.values()), expected) for x, expected in cases] for cases in drawn]


def steps_of(exercise: Exercise) -> tuple[str, ...]:
    """Return functions of NumPy with one argument that an exercise is about."""
    answers = (exercise.reference, *exercise.also_right)
    codes = [x.__code__ for x in answers if hasattr(x, "__code__")]
    names = {name for code in codes for name in names_in(code)}
    names |= {x for hint in exercise.hints for x in re.findall(r"np\.(\w+)", hint)}
    return tuple(sorted(x for x in names if getattr(getattr(np, x, 0), "nin", 0) == 1))
