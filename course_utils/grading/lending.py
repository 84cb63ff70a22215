"""Call the course's own functions for a submission, which has none of them.

Answers of the course are lent too, each after the submission's own is judged for good.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest

import numpy as np

import course_utils
from course_utils.checks.earlier import right_one
from course_utils.exercises.exercise import Exercise
from course_utils.grading import wire

MOST_WORK = 10**7  # numbers in any array on the way to a result
MOST_LENGTH = 10**6  # that a whole number may mean
MOST_NAMES = 16  # of arguments
# Answers count and loop over whatever they are given, and check nothing.
MOST_NUMBERS = 1 << 11  # in each array that goes to one
MOST_COUNT = 100  # that a whole number may mean there


class Lent:
    """Right answers, to be lent in the place of a submission's own wrong ones.

    - `exercises`: on which nothing is left to be judged.

    `used` are the names of those that were called.
    """

    def __init__(self, exercises: list[Exercise]) -> None:
        self.used: set[str] = set()
        self.answers = {x.name: right_one(x, self.used.add) for x in exercises}


def lend(
    said: dict,
    arrays: list[np.ndarray],
    may_use: Iterable[str],
    answers: Mapping[str, Callable],
) -> tuple[dict, list[np.ndarray]]:
    """Call a function with what a submission sent; return what to send back.

    - `said`: names the function under "use", and its arguments; it may hold anything.
    - `arrays`: the arrays among the arguments.
    - `may_use`: the names of the functions that are offered.
    - `answers`: answers that are offered too, by name; they are asked for under
      "answer" in place of "use".

    Raises ValueError if this is no call of a function that is offered.
    """
    if "answer" in said:
        function = answers[name := said["answer"]]
        if any(not _is_small(x) for x in arrays):
            return _error(ValueError("the grader lends answers small arrays only"))
    elif (name := said["use"]) in set(may_use):
        function = getattr(course_utils, name)
    else:
        return {"refused": f"`{name}` of the course is not offered here"}, []
    if _work(arrays) > MOST_WORK:
        return _error(
            ValueError("the grader lends the course's functions small arrays")
        )
    try:
        args = [_read(x, arrays) for x in said["args"]]
        named = {x: _read(y, arrays) for x, y in said["named"].items()}
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("what came is not a call") from error
    if len(args) + len(named) > MOST_NAMES:
        return _error(TypeError(f"`{name}` does not take so many arguments"))
    if "answer" in said and any(_is_count(x) for x in (*args, *named.values())):
        return _error(ValueError("the grader lends answers small numbers only"))
    return _called(name, function, args, named)


def _is_small(array: np.ndarray) -> bool:
    """Whether an answer may have an array."""
    counts = array.dtype.kind in "iu" and array.size > 0
    largest = max(abs(int(array.min())), abs(int(array.max()))) if counts else 0
    return array.size <= MOST_NUMBERS and largest <= MOST_COUNT


def _is_count(value: object) -> bool:
    """Whether a whole number would be too large for an answer."""
    return isinstance(value, int) and abs(value) > MOST_COUNT


def _called(
    name: str, function: Callable, args: list, named: dict
) -> tuple[dict, list[np.ndarray]]:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            came = function(*args, **named)
        results = [np.asarray(x) for x in (came if isinstance(came, tuple) else [came])]
    except Exception as error:
        return _error(error)
    if any(x.dtype.str not in wire.DTYPES for x in results):
        return _error(
            TypeError(f"the grader lends only numbers, not what `{name}` returns")
        )
    return {"is_tuple": isinstance(came, tuple)}, results


def _error(error: Exception) -> tuple[dict, list[np.ndarray]]:
    kind = next(x for x in type(error).__mro__ if x.__module__ == "builtins")
    return {"raises": kind.__name__, "text": str(error)[:1000]}, []


def _read(said: dict, arrays: list[np.ndarray]) -> object:
    """Return one argument."""
    if "array" in said:
        return arrays[said["array"]]
    if "tuple" in said:
        return tuple(_number(x) for x in said["tuple"][:32])
    value = said["is"]
    if value is None or isinstance(value, bool | str):
        return value
    return _number(value)


def _number(value: float) -> float:
    """Return a number; a large whole one is none to count with, and becomes a float."""
    if isinstance(value, int) and abs(value) <= MOST_LENGTH:
        return value
    return float(value)


def _work(arrays: list[np.ndarray]) -> int:
    """Return a bound on the size of what comes of broadcasting and of all pairs."""
    axes = zip_longest(*(x.shape[::-1] for x in arrays), fillvalue=1)
    longest = [max(1, *lengths) for lengths in axes]
    return math.prod(longest) * math.prod(longest[:2])
