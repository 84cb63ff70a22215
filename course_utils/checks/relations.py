"""How numbers are related to the right ones, told from the numbers alone."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from course_utils.checks.compare import KINDS, alike, near
from course_utils.exercises.exercise import Arguments

Case = tuple[Arguments, np.ndarray, np.ndarray]  # given, expected, yours
POWERS = {1.0: "", 0.5: "the root of ", 2.0: "the square of "}
KNOWN = {
    180 / math.pi: "these are degrees, where radians are expected",
    math.pi / 180: "these are radians, where degrees are expected",
    math.log(2): "these are natural logarithms, where the base must be 2",
    1 / math.log(2): "these are logarithms to the base 2, where it must be e",
}
# What was done to the right numbers, and what is to be said of it.
WHOLE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "this is the transpose of the right answer: which axis must come first?": (
        lambda x: np.swapaxes(x, -1, -2)
    ),
    "every number has the wrong sign": np.negative,
    "True and False are the wrong way round": lambda x: x ^ np.True_,
    "this is the first row of the right answer alone: where are the others?": (
        lambda x: x[0]
    ),
    "this is the last row of the right answer alone: where are the others?": (
        lambda x: x[-1]
    ),
    "the numbers are right up to the point: they are cut off to whole numbers; in "
    "which dtype are they kept?": np.trunc,
    "the numbers are right, but rounded to whole ones": np.round,
    "the rows are right, but in reverse order": lambda x: x[::-1],
    "the columns are right, but in reverse order": lambda x: x[..., ::-1],
    "these are the logarithms of the right numbers": np.log,
    "these are the exponentials of the right numbers": np.exp,
    "these are the square roots of the right numbers": np.sqrt,
    "these are the squares of the right numbers": np.square,
    "these are 1 divided by the right numbers": lambda x: 1 / x,
    "these are 1 minus the right numbers": lambda x: 1 - x,
    "this is the sum of the right answer over its last axis": lambda x: x.sum(-1),
    "this is the sum of the right answer over its first axis": lambda x: x.sum(0),
    "this is the mean of the right answer over its first axis": lambda x: x.mean(0),
    "this is the mean of the right answer over its last axis": lambda x: x.mean(-1),
    "this is the sum of all numbers of the right answer": np.sum,
    "this is the mean of all numbers of the right answer": np.mean,
    "this is the right answer with each row divided by its sum": (
        lambda x: x / x.sum(-1, keepdims=True)
    ),
    "this is the right answer with each column divided by its sum": (
        lambda x: x / x.sum(-2, keepdims=True)
    ),
}
# Where numbers may be wrong, with all others right: a part of the last two axes.
PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the diagonal": lambda wrong: np.eye(*wrong.shape[-2:], dtype=bool),
    "the first column": lambda wrong: np.arange(wrong.shape[-1]) == 0,
    "the last column": lambda wrong: np.arange(wrong.shape[-1])[::-1] == 0,
    "the first row": lambda wrong: (np.arange(wrong.shape[-2]) == 0)[:, None],
    "the last row": lambda wrong: (np.arange(wrong.shape[-2])[::-1] == 0)[:, None],
    "what lies above the diagonal": (
        lambda wrong: ~np.tri(*wrong.shape[-2:], dtype=bool)
    ),
}


def relation(cases: list[Case], problems: list[str | None]) -> str | None:
    """Say how what came is related to what was expected, if that is simple.

    - `cases`: arguments, what was expected of them, and what came.
    - `problems`: what is wrong with each, or None.

    Returns a sentence that holds for all cases, or None.
    """
    if not any(problems):
        return None
    with np.errstate(all="ignore"):
        if _are_single_whole_numbers(cases):
            return _of_faults([(int(e), int(y)) for _, e, y in cases])
        for find in (_whole, _with_other_axes, _times, _plus, _in_part):
            if said := find(cases):
                return said
        return _only_where(cases, problems)


def _are_single_whole_numbers(cases: list[Case]) -> bool:
    return all(x.ndim == 0 and x.dtype.kind in "iu" for c in cases for x in c[1:])


def _of_faults(pairs: list[tuple[int, int]]) -> str | None:
    """Say how numbers of faults are mistaken for each other."""
    says, wrong = {y for _, y in pairs}, {x for x in pairs if x[0] != x[1]}
    missed = {e for e, _ in wrong}
    if len(says) == 1:
        return f"it always says {says.pop()}"
    if len({y - e for e, y in pairs}) == 1:
        return "it counts from 1: the first is 0" if pairs[0][1] > pairs[0][0] else None
    if says == {0, 1} and all((e != 0) == (y == 1) for e, y in pairs):
        return "it says whether something is wrong, not what"
    if len(wrong) == 2 and {(y, e) for e, y in wrong} == wrong:
        i, j = sorted(missed)
        return f"{i} and {j} are swapped"
    if len(missed) == 1 and missed.isdisjoint(says):
        return _never_finds(missed.pop(), wrong)
    return None


def _never_finds(one: int, wrong: set[tuple[int, int]]) -> str:
    taken = {y for _, y in wrong}
    if len(taken) == 1:
        return f"it never finds {one}, and says {taken.pop()} in its place"
    return f"it never finds {one}"


def _whole(cases: list[Case]) -> str | None:
    return next((x for x, change in WHOLE.items() if _all_are(cases, change)), None)


def _all_are(cases: list[Case], change: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether what came is in all cases what a change makes of the right answer."""
    for _, expected, yours in cases:
        try:
            made = np.asarray(change(expected))
        except (ValueError, IndexError, TypeError):
            return False
        if made.shape != yours.shape or not alike(yours, made):
            return False
    return any(not _is_right(e, y) for _, e, y in cases)


def _is_right(expected: np.ndarray, yours: np.ndarray) -> bool:
    return expected.shape == yours.shape and alike(yours, expected)


def _with_other_axes(cases: list[Case]) -> str | None:
    """Say if only axes of length 1 are too many or too few."""
    for _, expected, yours in cases:
        bare = [n for n in expected.shape if n != 1]
        if yours.size != expected.size or bare != [n for n in yours.shape if n != 1]:
            return None
        if not alike(yours.ravel(), expected.ravel()):
            return None
    more = {np.sign(y.ndim - e.ndim) for _, e, y in cases} - {0}
    if len(more) != 1:
        return None
    if more.pop() > 0:
        return "the numbers are right, but there is an axis of length 1 too many"
    return "the numbers are right, but an axis of length 1 is lost"


def _times(cases: list[Case]) -> str | None:
    """Say by which factor all numbers are too large or too small."""
    factors = [_factor(expected, yours) for _, expected, yours in cases]
    known = [(case[0], c) for case, c in zip(cases, factors, strict=True) if c != 0]
    if None in factors or len(known) < 3 or all(_equal(c, 1) for _, c in known):
        return None
    first = known[0][1]
    if all(_equal(c, first) for _, c in known):
        said = next((x for c, x in KNOWN.items() if _equal(c, first)), None)
        return said or f"every number is {first:.4g} times the right one"
    for name, value in _sizes([arguments for arguments, _ in known]):
        for power, root in POWERS.items():
            pairs = [(c, n**power) for n, (_, c) in zip(value, known, strict=True)]
            if all(_equal(c, n) for c, n in pairs):
                return f"every number is {root}{name} times the right one"
            if all(_equal(c * n, 1) for c, n in pairs):
                return f"every number is the right one divided by {root}{name}"
    return None


def _factor(expected: np.ndarray, yours: np.ndarray) -> float | None:
    """Return yours / expected if that is one number; 0 if all is 0."""
    if expected.shape != yours.shape or "b" in (expected.dtype.kind, yours.dtype.kind):
        return None
    if not expected.size or not np.any(expected):
        return 0 if not np.any(yours) else None
    at = np.argmax(np.abs(np.where(np.isfinite(expected), expected, 0)))
    c = float(yours.flat[at]) / float(expected.flat[at])
    if not np.isfinite(c) or c == 0 or not alike(yours, expected * c):
        return None
    return c


def _equal(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-4)


def _sizes(given: list[Arguments]) -> Iterator[tuple[str, list[float]]]:
    """Yield lengths of axes, and single numbers, that all cases have."""
    for name in given[0]:
        arrays = [x[name] for x in given]
        if all(x.ndim == 0 for x in arrays):
            yield f"`{name}`", [float(x) for x in arrays]
        for axis in (-1, -2, 0):
            if all(x.ndim >= max(1, -axis) for x in arrays):
                yield f"`{name}.shape[{axis}]`", [float(x.shape[axis]) for x in arrays]


def _plus(cases: list[Case]) -> str | None:
    """Say if an argument, or one number, is added that should not be."""
    if any(
        e.shape != y.shape or "b" in e.dtype.kind + y.dtype.kind for _, e, y in cases
    ):
        return None
    for name in cases[0][0]:
        if all(_is_sum(e, arguments[name], y) for arguments, e, y in cases):
            return f"`{name}` is added to the right numbers"
        if all(_is_sum(y, arguments[name], e) for arguments, e, y in cases):
            return f"the right numbers come out if `{name}` is added"
    gaps = np.concatenate([(y - e.astype(float)).ravel() for _, e, y in cases])
    if gaps.size and not _equal(gaps[0], 0) and np.allclose(gaps, gaps[0], rtol=1e-4):
        more = "more" if gaps[0] > 0 else "less"
        return f"every number is by {abs(gaps[0]):.4g} {more} than the right one"
    return None


def _is_sum(x: np.ndarray, y: np.ndarray, total: np.ndarray) -> bool:
    if y.dtype.kind == "b" or (y.ndim and y.shape != x.shape) or not np.any(y):
        return False
    return alike(total, x.astype(float) + y)


def _in_part(cases: list[Case]) -> str | None:
    """Say if all that is wrong lies in one part, such as the diagonal."""
    if any(e.shape != y.shape or e.ndim < 2 for _, e, y in cases):
        return None
    wrong = [~near(y, e) for _, e, y in cases]
    for name, part in PARTS.items():
        if _lie_in(wrong, [part(x) for x in wrong]):
            return f"all is right but {name}"
    for name in cases[0][0]:
        masks = [arguments[name] for arguments, *_ in cases]
        if all(map(_fits, masks, wrong)) and _lie_in(wrong, [~x for x in masks]):
            return f"all is right but where `{name}` is False"
    return None


def _fits(mask: np.ndarray, wrong: np.ndarray) -> bool:
    return mask.dtype == bool and mask.shape == wrong.shape[wrong.ndim - mask.ndim :]


def _lie_in(wrong: list[np.ndarray], parts: list[np.ndarray]) -> bool:
    """Whether all that is wrong lies in a part, beside something that is right."""
    pairs = list(zip(wrong, parts, strict=True))
    is_seen = any(
        x.any() and not np.broadcast_to(part, x.shape).all() for x, part in pairs
    )
    return is_seen and not any((x & ~part).any() for x, part in pairs)


def _only_where(cases: list[Case], problems: list[str | None]) -> str | None:
    """Say what all cases have in common that go wrong, and none that goes right."""
    fails = [x is not None for x in problems]
    if all(fails) or len(fails) != len(cases):
        return None
    features = [dict(_features(arguments)) for arguments, *_ in cases]
    for name in dict.fromkeys(chain.from_iterable(features)):
        if [x.get(name, False) for x in features] == fails:
            return f"it is right except {name}"
    return None


def _features(arguments: Arguments) -> Iterable[tuple[str, bool]]:
    """Yield what may be particular about some arguments."""
    arrays = [x for x in arguments.values() if x.ndim]
    yield "where arrays are float32", any(x.dtype == np.float32 for x in arrays)
    yield (
        "where there is more than one axis in front (a batch)",
        any(x.ndim > 2 for x in arrays),
    )
    for name, x in arguments.items():
        if x.ndim == 0 and x.dtype.kind in KINDS["f"]:
            yield f"where `{name}` is negative", bool(x < 0)
            yield f"where `{name}` is 0", bool(x == 0)
            yield f"where `{name}` is 1", bool(x == 1)
        elif x.ndim:
            yield f"where `{name}` holds whole numbers", x.dtype.kind in "iu"
            yield f"where `{name}` has numbers far from 0", _is_far(x)
            for axis in range(min(x.ndim, 3)):
                where = f"where `{name}` has length 1 along axis {axis - x.ndim}"
                yield where, x.shape[axis - x.ndim] == 1
        if x.ndim and x.dtype == bool:
            none = f"where a row of `{name}` is False everywhere"
            yield none, bool((~x).all(axis=-1).any())
            yield f"where `{name}` is True everywhere", bool(x.all())


def _is_far(x: np.ndarray) -> bool:
    return x.dtype.kind == "f" and bool(np.abs(x).max(initial=0) > 500)
