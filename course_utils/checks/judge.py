"""Judge an answer by what it returns on fresh inputs.

The answer is any callable. In a notebook it is the learner's function; in the
grader it stands for a function in another process. The judge is the same.
"""

import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from course_utils.checks.compare import alike, difference
from course_utils.checks.look import data_read, no_numbers, numbers, where
from course_utils.exercises.exercise import Answer, Arguments, Exercise

CASES = 12
UNWRITTEN = "it is not written yet"
PRINTED = "it prints its result and returns None: write `return`, not `print`"
CHANGING = (
    "called twice with the same arguments, it returns different numbers: let nothing "
    "but its arguments decide"
)


@dataclass(frozen=True)
class Reply:
    """What an answer did with one set of arguments.

    - `yours`: what it returned, if that was an array of numbers.
    - `changed`: the arguments that it changed, by name.
    - `problem`: what is wrong apart from the numbers, if anything is.
    - `reads`: the data that it reads from outside, by name.
    - `gone`: whether there is nobody left to ask.
    """

    yours: np.ndarray | None = None
    changed: tuple[str, ...] = ()
    problem: str | None = None
    reads: tuple[str, ...] = ()
    gone: bool = False


class Remote(Protocol):
    """An answer in another process, which is asked about all cases at once."""

    def ask(self, cases: list[Arguments]) -> Iterable[tuple[Reply, Reply]]:
        """Return what it did with each case, called twice."""


@dataclass(frozen=True)
class Case:
    """One set of arguments, what was expected of it and what came."""

    arguments: Arguments
    expected: np.ndarray
    yours: np.ndarray | None


@dataclass(frozen=True)
class Verdict:
    """What the judge found.

    - `exercise`: what was judged.
    - `points`: the points earned: all, or none.
    - `message`: one line that says so, or names the mistake.
    - `case`: the smallest case that shows the mistake, if there is one.
    - `seed`: the seed that draws the same inputs again; None where it is a secret.
    """

    exercise: Exercise
    points: int
    message: str
    case: Case | None
    seed: int | None

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
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _judged(exercise, answer, seed, calls)


def _judged(
    exercise: Exercise,
    answer: Answer | Remote,
    seed: int,
    calls: Callable[[list[object]], Iterable[str]] | None,
) -> Verdict:
    drawn = _drawn(exercise, seed)
    cases, replies, problems = [], [], []
    asked = _replies(answer, [arguments for arguments, _ in drawn])
    for (arguments, expected), reply in zip(drawn, asked, strict=False):
        cases.append(Case(arguments, expected, reply.yours))
        replies.append(reply)
        problems.append(_problem(reply, expected, exercise.keeps_dtype))
        if reply.gone or reply.problem == UNWRITTEN:
            break
    wrong = [x for x in zip(cases, replies, problems, strict=True) if x[2]]
    if wrong:
        case, reply, message = min(wrong, key=lambda x: _size(x[0]))
        if message == UNWRITTEN:
            return Verdict(exercise, 0, message, None, seed)
        named = _recognise(exercise, cases, replies)
        return Verdict(exercise, 0, named or message + _read(reply), case, seed)
    for name in calls(_fresh(cases[0].arguments)) if calls else ():
        if name not in exercise.may_use:
            return Verdict(exercise, 0, borrowed(name), None, seed)
    message = f"right: {len(cases)} fresh inputs, all as expected"
    return Verdict(exercise, exercise.points, message, None, seed)


def _read(reply: Reply) -> str:
    """Say which data a wrong answer reads that are not among its arguments."""
    if reply.yours is None or not reply.reads:
        return ""
    name = reply.reads[0]
    return f"; it reads `{name}` from outside: take all data from the arguments"


@lru_cache(maxsize=256)  # a class is graded with one seed
def _drawn(exercise: Exercise, seed: int) -> list[tuple[Arguments, np.ndarray]]:
    """Draw all arguments, and what is expected of them.

    In every second case, matrices lie in memory column by column.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for size in range(CASES):
        order = "F" if size % 2 else "C"
        case = exercise.inputs(rng, size).items()
        arguments = {name: np.asarray(x, order=order) for name, x in case}
        expected = np.asarray(exercise.reference(*_fresh(arguments)))
        drawn.append((arguments, expected))
    return drawn


def _fresh(arguments: Arguments) -> list[object]:
    """Copy the arguments, in order; a single number is handed over as Python's own."""
    return [x.copy("K") if x.ndim else x.item() for x in arguments.values()]


def _size(case: Case) -> int:
    return sum(array.size for array in case.arguments.values())


def _replies(answer: Answer | Remote, cases: list[Arguments]) -> Iterator[Reply]:
    """Yield what an answer does with each case, whenever it is called."""
    if hasattr(answer, "ask"):
        pairs = answer.ask(cases)
    else:
        pairs = ((_ask(answer, case), _ask(answer, case)) for case in cases)
    for first, again in pairs:
        if first.problem or _same(first.yours, again.yours):
            yield first
        else:
            yield replace(first, problem=CHANGING)


def _ask(answer: Answer, arguments: Arguments) -> Reply:
    """Call an answer once, with copies of the arguments."""
    given, said = _fresh(arguments), _Said()
    try:
        with (
            np.errstate(all="ignore"),
            warnings.catch_warnings(),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            came = answer(*given)
    except NotImplementedError:
        return Reply(problem=UNWRITTEN)
    except (Exception, SystemExit) as error:
        return Reply(problem=where(error, answer))
    pairs = zip(arguments.items(), given, strict=True)
    changed = tuple(name for (name, was), now in pairs if not _same(was, now))
    if came is None and said.anything:
        return Reply(None, changed, PRINTED)
    yours = numbers(came)
    if isinstance(yours, str):
        return Reply(None, changed, no_numbers(yours))
    return Reply(yours, changed, reads=tuple(data_read(answer)))


class _Said(io.TextIOBase):
    """Swallows what is printed, and remembers that something was."""

    anything = False

    def write(self, text: str) -> int:
        self.anything = True
        return len(text)


def _same(one: object, other: object) -> bool:
    """Whether two arrays, or two numbers, are equal to the last bit."""
    if one is None or other is None:
        return one is other
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _problem(reply: Reply, expected: np.ndarray, keeps_dtype: bool) -> str | None:
    if reply.problem:
        return reply.problem
    if reply.changed:
        return f"it changes its input `{reply.changed[0]}`: work on a copy"
    return difference(reply.yours, expected, keeps_dtype)


def _recognise(
    exercise: Exercise, cases: list[Case], replies: list[Reply]
) -> str | None:
    """Return the sentence of the misconception that does the same in all cases."""
    if len(cases) < CASES or any(reply.yours is None for reply in replies):
        return None
    for misconception in exercise.misconceptions:
        pairs = zip(cases, replies, strict=True)
        if all(
            _is_the_same(misconception.wrong, case, reply, exercise.keeps_dtype)
            for case, reply in pairs
        ):
            return misconception.says
    return None


def _is_the_same(wrong: Answer, case: Case, reply: Reply, keeps_dtype: bool) -> bool:
    theirs = _ask(wrong, case.arguments)
    if theirs.yours is None or theirs.changed != reply.changed:
        return False
    if keeps_dtype and theirs.yours.dtype != reply.yours.dtype:
        return False
    return theirs.yours.shape == reply.yours.shape and alike(reply.yours, theirs.yours)
