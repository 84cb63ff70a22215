"""Judge an answer by what it returns on fresh inputs.

The answer is any callable. In a notebook it is the learner's function; in the
grader it stands for a function in another process. The judge is the same.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from course_utils.checks.asking import (
    UNWRITTEN,
    Case,
    Drawn,
    Remote,
    Reply,
    fresh,
    replies,
)
from course_utils.checks.compare import difference
from course_utils.checks.recognise import Asked, misconception, related
from course_utils.checks.repair import Found
from course_utils.checks.stages import Stage
from course_utils.exercises.exercise import Answer, Arguments, Exercise

CASES = 12


@dataclass(frozen=True)
class Verdict:
    """What the judge found.

    - `exercise`: what was judged.
    - `points`: the points earned: all, or none.
    - `message`: one line that says so, or names the mistake.
    - `case`: the smallest case that shows the mistake, if there is one.
    - `seed`: the seed that draws the same inputs again; None where it is a secret.
    - `is_named`: whether the message names the mistake, and no line need be found.
    - `found`: where it goes wrong, if that was looked for.
    - `remarks`: what else there is to say, in whole sentences.
    """

    exercise: Exercise
    points: int
    message: str
    case: Case | None
    seed: int | None
    is_named: bool = False
    found: Found | Stage | None = None
    remarks: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.points == self.exercise.points


def borrowed(name: str) -> str:
    """Say that a function of the course did the work."""
    return (
        f"it calls `{name}` of the course, which does the work for you: "
        "write the steps out"
    )


def too_slow(seconds: float) -> str:
    """Say that an answer took too long."""
    return f"it did not finish within {seconds:g} seconds"


def judge(
    exercise: Exercise,
    answer: Answer | Remote,
    seed: int,
    calls: Callable[[list[object]], Iterable[str]] | None = None,
) -> Verdict:
    """Run an answer on inputs drawn from a seed, and say what is right or wrong.

    - `exercise`: what was asked.
    - `answer`: the callable to judge, which may raise anything, or what stands for one.
    - `seed`: the same seed draws the same inputs.
    - `calls`: calls the answer once, and returns the names of the course's functions
      that it calls; without it, the answer is judged by its results alone.

    Returns the verdict: all points, or none and the mistake by name where it is known,
    else the smallest case that shows it. NumPy's error settings and the filters of
    warnings, which are the learner's, do not matter.
    """
    asked = asked_of(exercise, answer, seed)
    return verdict_of(exercise, asked, answer, seed, calls)


def asked_of(exercise: Exercise, answer: Answer | Remote, seed: int) -> list[Asked]:
    """Ask an answer about inputs drawn from a seed; return what it did, and the faults.

    - `exercise`: what was asked.
    - `answer`: the callable, which may raise anything, or what stands for one.
    - `seed`: the same seed draws the same inputs.
    """
    with _regardless():
        return list(asked_in_turn(exercise, answer, seed))


def is_right(exercise: Exercise, answer: Answer, seed: int) -> bool:
    """Whether an answer is right by its results; the first wrong one is enough."""
    with _regardless():
        return not any(x.problem for x in asked_in_turn(exercise, answer, seed))


def verdict_of(
    exercise: Exercise,
    asked: list[Asked],
    answer: Answer | Remote,
    seed: int,
    calls: Callable[[list[object]], Iterable[str]] | None = None,
) -> Verdict:
    """Say what is right or wrong with what an answer did.

    - `asked`: what it did.
    - `exercise`, `answer`, `seed`, `calls`: as they are judged.
    """
    with _regardless():
        wrong = [x for x in asked if x.problem]
        if wrong:
            return _verdict_on(exercise, asked, wrong, answer, seed)
        arguments = draws(exercise, seed)[0][0]
        for name in calls(fresh(arguments)) if calls else ():
            if name not in exercise.may_use:
                return Verdict(exercise, 0, borrowed(name), None, seed, is_named=True)
    message = f"right: {len(asked)} fresh inputs, all as expected"
    return Verdict(exercise, exercise.points, message, None, seed)


@contextmanager
def _regardless() -> Iterator[None]:
    """Let no setting of the learner's stop what runs."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def asked_in_turn(
    exercise: Exercise, answer: Answer | Remote, seed: int
) -> Iterator[Asked]:
    """Ask as `asked_of` does, case by case, wherever nothing else is in the way."""
    drawn = draws(exercise, seed)
    came = replies(answer, [arguments for arguments, _ in drawn])
    for (arguments, expected), reply in zip(drawn, came, strict=False):
        problem = _problem(reply, expected, exercise.keeps_dtype)
        yield Asked(_case(arguments, expected, reply), reply, problem)
        if reply.gone or reply.problem == UNWRITTEN:
            break


def _verdict_on(
    exercise: Exercise,
    asked: list[Asked],
    wrong: list[Asked],
    answer: Answer | Remote,
    seed: int,
) -> Verdict:
    """Name the mistake of a wrong answer, or show the smallest case."""
    least = min(wrong, key=lambda x: x.case.size)
    if least.problem == UNWRITTEN:
        return Verdict(exercise, 0, UNWRITTEN, None, seed)
    named = related_to = None
    if len(asked) == CASES:
        named = misconception(exercise, asked, answer)
        related_to = None if named else related(asked)
    said = named or related_to or least.problem + _read(least.reply)
    return Verdict(exercise, 0, said, least.case, seed, is_named=bool(named))


def _case(arguments: Arguments, expected: np.ndarray, reply: Reply) -> Case:
    changed = None
    if reply.after is not None:
        changed = (reply.changed[0], reply.after)
    return Case(arguments, expected, reply.yours, changed)


def _read(reply: Reply) -> str:
    """Say which data a wrong answer reads that are not among its arguments."""
    if reply.yours is None or not reply.reads:
        return ""
    name = reply.reads[0]
    return f"; it reads `{name}` from outside: take all data from the arguments"


@lru_cache(maxsize=256)  # a class is graded with one seed
def draws(exercise: Exercise, seed: int) -> list[tuple[Arguments, np.ndarray]]:
    """Draw all arguments, and what is expected of them.

    In every second case, matrices lie in memory column by column.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for size in range(CASES):
        order = "F" if size % 2 else "C"
        case = exercise.inputs(rng, size).items()
        arguments = Drawn((name, np.asarray(x, order=order)) for name, x in case)
        expected = np.asarray(exercise.reference(*fresh(arguments)))
        drawn.append((arguments, expected))
    return drawn


def _problem(reply: Reply, expected: np.ndarray, keeps_dtype: bool) -> str | None:
    if reply.problem:
        return reply.problem
    if reply.changed:
        return f"it changes its input `{reply.changed[0]}`: work on a copy"
    return difference(reply.yours, expected, keeps_dtype)
