"""Recognise a wrong answer: a mistake that the exercise lists, or a simple relation."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from types import CodeType, FunctionType

from course_utils.checks.asking import Case, Drawn, Remote, Reply, ask
from course_utils.checks.compare import alike
from course_utils.checks.look import constants_of
from course_utils.checks.relations import relation
from course_utils.exercises.exercise import Answer, Exercise

MOST_CONSTANTS = 12  # of an answer, that are tried in the place of another


@dataclass(frozen=True)
class Asked:
    """One case, what the answer did with it, and what is wrong with that, if it is."""

    case: Case
    reply: Reply
    problem: str | None


def misconception(
    exercise: Exercise, asked: list[Asked], answer: Answer | Remote
) -> str | None:
    """Return the sentence of the misconception that does the same in all cases.

    - `exercise`: what was asked.
    - `asked`: all cases.
    - `answer`: where other constants than those of the misconceptions are found.

    Where the answer raises in some cases, the others decide, if they are half of them.
    """
    told = [x for x in asked if x.reply.yours is not None]
    if 2 * len(told) < len(asked) or not any(x.problem for x in told):
        return None
    # What goes wrong tells them apart, and what is small does so soon.
    told.sort(key=lambda x: (x.problem is None, x.case.size))
    listed = [(x.says, x.wrong, _ask_listed) for x in exercise.misconceptions]
    own = _telling(constants_of(answer))[:MOST_CONSTANTS]
    varied = ((says, new, ask) for says, x, _ in listed for new in _varied(x, own))
    for says, wrong, how in chain(listed, varied):
        replies = ((x, how(wrong, x.case.arguments)) for x in told)
        if all(_is_the_same(x, theirs, exercise.keeps_dtype) for x, theirs in replies):
            return says + _also_raises(asked)
    return None


@lru_cache(maxsize=1024)  # a class is graded with one seed
def _ask_listed(wrong: Answer, arguments: Drawn) -> Reply:
    return ask(wrong, arguments)


def _also_raises(asked: list[Asked]) -> str:
    problem = next((x.problem for x in asked if x.reply.yours is None), None)
    return f"; for other inputs {problem}" if problem else ""


def _is_the_same(one: Asked, theirs: Reply, keeps_dtype: bool) -> bool:
    reply = one.reply
    if theirs.yours is None or theirs.changed != reply.changed:
        return False
    if keeps_dtype and theirs.yours.dtype != reply.yours.dtype:
        return False
    return theirs.yours.shape == reply.yours.shape and alike(reply.yours, theirs.yours)


def _varied(wrong: Answer, own: list[float]) -> Iterator[Answer]:
    """Yield a wrong answer with each of its constants replaced by one of another's."""
    code = getattr(wrong, "__code__", None)
    for old in _telling(code.co_consts) if isinstance(code, CodeType) else ():
        for new in own:
            if new != old:
                consts = tuple(new if x is old else x for x in code.co_consts)
                changed = code.replace(co_consts=consts)
                yield FunctionType(
                    changed,
                    wrong.__globals__,
                    wrong.__name__,
                    wrong.__defaults__,
                    wrong.__closure__,
                )


def _telling(constants: tuple[object, ...]) -> list[float]:
    """Return the numbers that are no axis, index or sign."""
    plain = [x for x in constants if type(x) in (int, float)]
    return [x for x in plain if type(x) is float or abs(x) > 2]


def related(asked: list[Asked]) -> str | None:
    """Say how the numbers are related to the right ones, where all cases have some."""
    plain = [x for x in asked if x.reply.yours is not None and not x.reply.changed]
    if len(plain) < len(asked) or any(x.reply.problem for x in asked):
        return None
    cases = [(x.case.arguments, x.case.expected, x.case.yours) for x in plain]
    return relation(cases, [x.problem for x in plain])
