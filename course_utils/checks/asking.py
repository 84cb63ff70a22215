"""Ask an answer what it does with some arguments, wherever it runs."""

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from course_utils.checks.look import data_read, no_numbers, numbers, where
from course_utils.exercises.exercise import Answer, Arguments

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
    - `after`: the first of the arguments that it changed, as it left it.
    """

    yours: np.ndarray | None = None
    changed: tuple[str, ...] = ()
    problem: str | None = None
    reads: tuple[str, ...] = ()
    gone: bool = False
    after: np.ndarray | None = None


class Drawn(dict[str, np.ndarray]):
    """Arguments that were drawn; they equal only themselves, and can be a key."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class Remote(Protocol):
    """An answer in another process, which is asked about all cases at once.

    - `constants`: the numbers that are written in its code.
    """

    constants: tuple[float, ...]

    def ask(self, cases: list[Arguments]) -> Iterable[tuple[Reply, Reply]]:
        """Return what it did with each case, called twice."""


@dataclass(frozen=True)
class Case:
    """One set of arguments, what was expected of it and what came.

    - `changed`: an argument that was changed: its name, and what it was afterwards.
    """

    arguments: Arguments
    expected: np.ndarray
    yours: np.ndarray | None
    changed: tuple[str, np.ndarray] | None = None

    @property
    def size(self) -> int:
        """How many numbers its arguments have."""
        return sum(array.size for array in self.arguments.values())


def fresh(arguments: Arguments) -> list[object]:
    """Copy the arguments, in order; a single number is handed over as Python's own."""
    return [x.copy("K") if x.ndim else x.item() for x in arguments.values()]


def replies(answer: Answer | Remote, cases: list[Arguments]) -> Iterator[Reply]:
    """Yield what an answer does with each case, whenever it is called."""
    if hasattr(answer, "ask"):
        pairs = answer.ask(cases)
    else:
        pairs = ((ask(answer, case), ask(answer, case)) for case in cases)
    for first, again in pairs:
        if first.problem or same(first.yours, again.yours):
            yield first
        else:
            yield replace(first, problem=CHANGING)


def ask(answer: Answer, arguments: Arguments) -> Reply:
    """Call an answer once, with copies of the arguments."""
    given, said = fresh(arguments), _Said()
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
    # A single number cannot be changed; and where Python runs on 32 bits, as in a
    # browser, NumPy makes another kind of integer of it.
    new = {name: now for (name, was), now in pairs if was.ndim and not same(was, now)}
    after = np.asarray(next(iter(new.values()))) if new else None
    if came is None and said.anything:
        return Reply(None, tuple(new), PRINTED, after=after)
    yours = numbers(came)
    if isinstance(yours, str):
        return Reply(None, tuple(new), no_numbers(yours), after=after)
    return Reply(yours, tuple(new), reads=tuple(data_read(answer)), after=after)


class _Said(io.TextIOBase):
    """Swallows what is printed, and remembers that something was."""

    anything = False

    def write(self, text: str) -> int:
        self.anything = True
        return len(text)


def same(one: object, other: object) -> bool:
    """Whether two arrays, or two numbers, are equal to the last bit."""
    if one is None or other is None:
        return one is other
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and one.tobytes() == other.tobytes()
