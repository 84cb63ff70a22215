"""The last exercise of lesson 06: a test that finds what an attention leaks."""

import numpy as np
from numpy.typing import NDArray

from course_utils import masks
from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import masked_softmax, softmax

Booleans = NDArray[np.bool_]

# The right mask and the six bugs of the lesson: from scores, the causal mask, which
# keys are real, and the causal mask that is off by one, to weights.
_ATTENTIONS = (
    lambda s, causal, real, late: masked_softmax(s, causal & real),
    lambda s, causal, real, late: masked_softmax(s, late & real),
    lambda s, causal, real, late: masked_softmax(s, ~(causal & real)),
    lambda s, causal, real, late: softmax(s) * (causal & real),
    lambda s, causal, real, late: softmax(s * (causal & real)),
    lambda s, causal, real, late: masked_softmax(s, causal | real),
    lambda s, causal, real, late: softmax(np.where(causal & real, s, -1e9)),
)
ROUNDING, REAL = 1e-6, 1e-4  # below the one nothing moved, above the other something
TINY, LARGE = 4, 11
ONE_NUMBER = {
    TINY: (-1, -1),
    LARGE: (0, 1),
}  # its column, and whether it falls or rises


def _places(rng: np.random.Generator, kind: int, n: int, pad: int) -> Booleans:
    """Choose positions: one token, the future, padding, or tokens far apart."""
    changed = np.zeros(n, dtype=bool)
    token = int(rng.integers(pad + 2, n - 2))
    if kind == 0:
        changed[token] = True
    elif kind == 1:
        changed[token:] = True
    elif kind == 2:
        changed[rng.integers(pad)] = True
        changed[n - 1] = True
    else:
        changed[[token, n - 1]] = True
    return changed


def _two_runs(rng: np.random.Generator, size: int) -> Arguments:
    """Run an attention before and after an edit: the right one and each bug in turn.

    Padding stands in front. Rounding moves every number by less than `ROUNDING`, and a
    leak moves some number of its output by more than `REAL`; once by little more. Two
    edits move one number of each output alone, the one down and the other up.
    """
    kind = turn(rng, size)
    pad, n, d_v = 2, 8 + size % 3, 3 + size % 2
    causal, real = masks.causal_mask(n), np.arange(n) >= pad
    may_see = causal & real
    changed = _places(rng, (kind + kind // 7) % 4, n, pad)
    weigh = _ATTENTIONS[kind % len(_ATTENTIONS)]
    late = masks.causal_mask(n, offset=1)
    forbidden = ~_touched(changed, may_see)

    def outputs_of(query, key, value):
        return weigh(query @ key.T / 2, causal, real, late) @ value

    while True:
        tokens = [rng.normal(size=(n, d)) for d in (4, 4, d_v)]
        # An edit of values that leaves their mean as it was, and often one of keys.
        edits = [rng.normal(size=x.shape) * changed[:, None] for x in tokens]
        edits[2] = 3 * (edits[2] - edits[2].mean(axis=-1, keepdims=True))
        if kind in ONE_NUMBER:
            column, sign = ONE_NUMBER[kind]
            edits[2][:, np.arange(d_v) != column % d_v] = 0
            edits[2] = sign * np.abs(edits[2])
        if kind in (0, 6, 9, *ONE_NUMBER):
            edits[:2] = [np.zeros_like(x) for x in edits[:2]]
        before = outputs_of(*tokens)
        after = outputs_of(*(x + e for x, e in zip(tokens, edits, strict=True)))
        if kind == TINY:
            moved = np.abs(after - before).max(axis=-1)[forbidden]
            tiny = 2 * REAL / moved[moved > 1e-12].min(initial=1)
            edits = [tiny * e for e in edits]
            after = outputs_of(*(x + e for x, e in zip(tokens, edits, strict=True)))
        moved = np.abs(after - before).max(axis=-1)[forbidden]
        if not ((moved > 1e-12) & (moved < 1.5 * REAL)).any():
            break
    noise = rng.uniform(-1, 1, size=before.shape)
    noise[rng.permutation(n)[: n // 3]] = 0  # rounding does not reach every row
    return {
        "before": before,
        "after": after + noise * ROUNDING / 2,
        "changed": changed,
        "may_see": may_see,
    }


def _moved(before, after, tolerance=1e-5):
    return np.abs(after - before).max(axis=-1) > tolerance


def _touched(changed, may_see):
    """Return whether each query may see any position that was changed."""
    return (may_see & changed).any(axis=-1)


def _leaks(before, after, changed, may_see):
    return _moved(before, after) & ~_touched(changed, may_see)


def _leaks_by_loop(before, after, changed, may_see):
    found = np.zeros(len(before), dtype=bool)
    for i in range(len(before)):
        excused = any(changed[j] and may_see[i, j] for j in range(len(changed)))
        distance = max(abs(a - b) for a, b in zip(before[i], after[i], strict=True))
        found[i] = distance > 2e-5 and not excused
    return found


def _leaks_by_norm(before, after, changed, may_see):
    distance = np.linalg.norm(after - before, axis=-1)
    return np.where(may_see @ changed, 0, distance) > 3e-5


def _leaks_by_close(before, after, changed, may_see):
    same = np.isclose(before, after, rtol=0, atol=1e-5).all(axis=-1)
    return ~same & (may_see.astype(int) @ changed.astype(int) == 0)


LEAKS = Exercise(
    name="leaks",
    lesson=6,
    points=3,
    minutes=20,
    difficulty=3,
    inputs=_two_runs,
    reference=_leaks,
    misconceptions=(
        Misconception(
            "it finds rounding: two runs may differ by 1e-6 though nothing moved; ask "
            "for more than that",
            lambda before, after, changed, may_see: (
                (before != after).any(axis=-1) & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "it finds rounding in small numbers: by default `np.isclose` allows less "
            "the smaller the number is; give it an `atol` above 1e-6",
            lambda before, after, changed, may_see: (
                ~np.isclose(after, before).all(axis=-1) & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "one output that moves makes every query leak: judge each by its own row",
            lambda before, after, changed, may_see: (
                (np.abs(after - before).max() > 1e-5) & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "it misses small leaks: a mask after the softmax leaks little; all above "
            "1e-4 counts",
            lambda before, after, changed, may_see: (
                _moved(before, after, 1e-2) & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "it looks at the mean of each output: moves up and down cancel; look at "
            "the largest move of any component",
            lambda before, after, changed, may_see: (
                (np.abs(after.mean(axis=-1) - before.mean(axis=-1)) > 1e-5)
                & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "it looks at the size of the move with its sign: an output that falls has "
            "moved as well; use `np.abs`",
            lambda before, after, changed, may_see: (
                ((after - before).min(axis=-1) > 1e-5) & ~_touched(changed, may_see)
            ),
        ),
        Misconception(
            "it reports every output that moved: one that may see an edited position "
            "is allowed to",
            lambda before, after, changed, may_see: _moved(before, after),
        ),
        Misconception(
            "it accuses queries that may see one of the edited positions, because they "
            "must not see another: they have an excuse for moving",
            lambda before, after, changed, may_see: (
                _moved(before, after) & (~may_see & changed).any(axis=-1)
            ),
        ),
        Misconception(
            "it looks only at the query just before the first edit: that finds a "
            "diagonal off by one, and nothing further away",
            lambda before, after, changed, may_see: (
                _leaks(before, after, changed, may_see)
                & (np.arange(len(changed)) == np.argmax(changed) - 1)
            ),
        ),
        Misconception(
            "it looks only at queries before the first edit: padding must not be seen "
            "by those after it either, `may_see` says who may",
            lambda before, after, changed, may_see: (
                _moved(before, after) & (np.arange(len(changed)) < np.argmax(changed))
            ),
        ),
        Misconception(
            "it leaves out queries that may see nothing: they must not move at all, "
            "and with −1e9 they do",
            lambda before, after, changed, may_see: (
                _leaks(before, after, changed, may_see) & may_see.any(axis=-1)
            ),
        ),
        Misconception(
            "it reads the mask down its columns: a row of `may_see` is a query",
            lambda before, after, changed, may_see: (
                _moved(before, after) & ~_touched(changed, may_see.T)
            ),
        ),
        Misconception(
            "it names the queries that behave: True means that a query leaks",
            lambda before, after, changed, may_see: (
                ~_leaks(before, after, changed, may_see)
            ),
        ),
    ),
    also_right=(_leaks_by_loop, _leaks_by_norm, _leaks_by_close),
    hints=(
        "Two questions for each query. Did its output move? Did it have an "
        "excuse, an edited position that it may see?",
        "`np.abs(after - before).max(axis=-1)` is the largest move of each output. "
        "Compare it with a number between 1e-6 and 1e-4.",
        "`(may_see & changed).any(axis=-1)` says which queries have an excuse.",
    ),
)
