"""Judge an answer by what it returns on fresh inputs.

The answer is any callable. In a notebook it is the learner's function; in the
grader it stands for a function in another process. The judge is the same.
"""

import traceback
from dataclasses import dataclass

import numpy as np

from course_utils.checks.exercise import Answer, Arguments, Exercise

CASES = 12
UNWRITTEN = "it is not written yet"


class AnswerError(Exception):
    """The answer raised an error; the message says which, and where."""


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
    - `seed`: the seed that draws the same inputs again.
    """

    exercise: Exercise
    points: int
    message: str
    case: Case | None
    seed: int

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.points == self.exercise.points


def judge(exercise: Exercise, answer: Answer, seed: int) -> Verdict:
    """Run an answer on inputs drawn from a seed, and say what is right or wrong.

    - `exercise`: what was asked.
    - `answer`: the callable to judge. It may raise anything.
    - `seed`: the same seed draws the same inputs.

    Returns the verdict: all points, or none and the mistake by name where it is known,
    else the smallest case that shows it.
    """
    cases, problems = [], []
    for arguments in _draw(exercise, seed):
        expected = np.asarray(exercise.reference(*_fresh(arguments)))
        yours, problem = _ask(answer, arguments, expected)
        cases.append(Case(arguments, expected, yours))
        problems.append(problem)
    wrong = [(case, says) for case, says in zip(cases, problems, strict=True) if says]
    if not wrong:
        message = f"right: {len(cases)} fresh inputs, all as expected"
        return Verdict(exercise, exercise.points, message, None, seed)
    case, message = min(wrong, key=lambda pair: _size(pair[0]))
    if message == UNWRITTEN:
        return Verdict(exercise, 0, message, None, seed)
    named = _recognise(exercise, cases)
    return Verdict(exercise, 0, named or message, case, seed)


def _draw(exercise: Exercise, seed: int) -> list[Arguments]:
    rng = np.random.default_rng(seed)
    return [exercise.inputs(rng, size) for size in range(CASES)]


def _fresh(arguments: Arguments) -> list[np.ndarray | float]:
    """Copy the arguments, in order; a single number is handed over as a float."""
    return [x.copy() if x.ndim else x.item() for x in arguments.values()]


def _size(case: Case) -> int:
    return sum(array.size for array in case.arguments.values())


def _ask(
    answer: Answer, arguments: Arguments, expected: np.ndarray
) -> tuple[np.ndarray | None, str | None]:
    """Return what came and what is wrong with it, if anything is."""
    given = _fresh(arguments)
    try:
        with np.errstate(all="ignore"):
            came = answer(*given)
    except AnswerError as error:
        return None, str(error)
    except Exception as error:
        return None, _where(error, answer)
    pairs = zip(arguments.items(), given, strict=True)
    changed = [name for (name, was), now in pairs if not np.array_equal(was, now)]
    if came is None:
        return None, "it returns None: is a `return` missing?"
    try:
        yours = np.asarray(came, dtype=float)
    except (TypeError, ValueError):
        return None, f"it returns a {type(came).__name__}, not an array of numbers"
    if changed:
        return yours, f"it changes its input `{changed[0]}`: work on a copy"
    return yours, _difference(yours, expected)


def _difference(yours: np.ndarray, expected: np.ndarray) -> str | None:
    if yours.shape != expected.shape:
        return f"the shape is {yours.shape}, expected {expected.shape}"
    if np.isnan(yours).any():
        return "the result holds nan"
    if not np.allclose(yours, expected, rtol=1e-5, atol=1e-7):
        gap = np.abs(yours - expected).max()
        return f"the numbers differ, by up to {gap:.3g}"
    return None


def _recognise(exercise: Exercise, cases: list[Case]) -> str | None:
    """Return the sentence of the misconception that gives the same on all cases."""
    if any(case.yours is None for case in cases):
        return None
    for misconception in exercise.misconceptions:
        if all(_is_the_same(misconception.wrong, case) for case in cases):
            return misconception.says
    return None


def _is_the_same(wrong: Answer, case: Case) -> bool:
    try:
        with np.errstate(all="ignore"):
            theirs = np.asarray(wrong(*_fresh(case.arguments)), dtype=float)
    except Exception:
        return False
    return theirs.shape == case.yours.shape and np.allclose(
        theirs, case.yours, rtol=1e-5, atol=1e-7, equal_nan=True
    )


def _where(error: Exception, answer: Answer) -> str:
    """Say what was raised, and in which line of the learner's own function."""
    if isinstance(error, NotImplementedError):
        return UNWRITTEN
    said = f"{type(error).__name__}: {error}"
    code = getattr(answer, "__code__", None)
    own = [
        frame.lineno - code.co_firstlineno + 1
        for frame in traceback.extract_tb(error.__traceback__)
        if code and frame.filename == code.co_filename and frame.lineno
    ]
    line = f" (line {own[-1]} of the function)" if own else ""
    return f"it raises {said}{line}"
