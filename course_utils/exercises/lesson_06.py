"""The exercises of lesson 06: choose what may be seen."""

import math

import numpy as np
from numpy.typing import NDArray

from course_utils import masks
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.exercises.leaks import LEAKS
from course_utils.softmax import masked_softmax, softmax

Booleans = NDArray[np.bool_]
Floats = NDArray[np.floating]


def _counts(rng: np.random.Generator, size: int) -> tuple[int, int, int]:
    """Draw n_q, n_k and an offset of at least 1 that hides some keys of some query."""
    n_q = 2 + size // 3
    offset = int(rng.integers(1, 4))
    n_k = n_q + offset + int(rng.integers(1, 4)) - size % 2
    return n_q, n_k, offset


def _causal_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw counts: from an offset of 0 to queries that stand beyond the last key."""
    n_q, n_k, offset = _counts(rng, size)
    if size % 4 == 2:
        offset = 0
    elif size in (4, 7):  # the last queries stand behind the last key
        offset += 1
        n_k = n_q + int(rng.integers(1, offset))
    elif size == 5:  # all keys are seen
        n_k = offset
    elif size == 8:  # more queries than keys
        n_q = n_k + int(rng.integers(1, 3))
    elif size == 9:
        n_q = 1
    return {"n_q": np.array(n_q), "n_k": np.array(n_k), "offset": np.array(offset)}


def _grid(n_q: int, n_k: int) -> tuple[NDArray, NDArray]:
    return np.arange(n_q)[:, None], np.arange(n_k)


def _rule(seen):
    """Return a mask function from a rule on i, j and offset."""

    def mask(n_q, n_k, offset):
        i, j = _grid(n_q, n_k)
        return seen(i, j, offset)

    return mask


def _causal_by_loop(n_q, n_k, offset):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i in range(n_q):
        for j in range(n_k):
            mask[i, j] = j <= i + offset
    return mask


def _causal_by_rows(n_q, n_k, offset):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i in range(n_q):
        mask[i, : i + offset + 1] = True
    return mask


CAUSAL_MASK = Exercise(
    name="causal_mask",
    lesson=6,
    points=2,
    minutes=5,
    difficulty=1,
    inputs=_causal_inputs,
    reference=masks.causal_mask,
    misconceptions=(
        Misconception(
            "a query does not see its own position: at position p it knows token p, "
            "so the diagonal is True",
            _rule(lambda i, j, offset: j < i + offset),
        ),
        Misconception(
            "a query sees one key too many, the very token that it has to guess",
            _rule(lambda i, j, offset: j <= i + offset + 1),
        ),
        Misconception(
            "it is inverted: True means “may attend”, not “hide”",
            _rule(lambda i, j, offset: j > i + offset),
        ),
        Misconception(
            "it shows the future and hides the past: a query sees what stands before "
            "it",
            _rule(lambda i, j, offset: j >= i + offset),
        ),
        Misconception(
            "the offset has no effect: query i stands at position i + offset",
            _rule(lambda i, j, offset: j <= i),
        ),
        Misconception(
            "the offset goes the wrong way: it is the queries that stand further back, "
            "at i + offset",
            _rule(lambda i, j, offset: j + offset <= i),
        ),
        Misconception(
            "the offset is taken as n_k − n_q: so it is when the queries are the last "
            "positions, but here it is given",
            _rule(lambda i, j, offset: j <= i + j.size - i.size),
        ),
        Misconception(
            "rows and columns are swapped: a row is a query, a column a key, and the "
            "shape is (n_q, n_k)",
            lambda n_q, n_k, offset: masks.causal_mask(n_q, n_k, offset).T,
        ),
    ),
    also_right=(
        _causal_by_loop,
        _causal_by_rows,
        lambda n_q, n_k, offset: np.tril(np.ones((n_q, n_k), dtype=bool), k=offset),
        lambda n_q, n_k, offset: (
            ~np.triu(np.ones((n_q, n_k), dtype=bool), k=offset + 1)
        ),
    ),
    hints=(
        "At which position does query i stand? Which keys may it see from there?",
        "A column of query positions and a row of key positions, compared with `<=`, "
        "give a whole array of True and False.",
        "`np.arange(n_q)[:, None] + offset` is the column.",
    ),
)


def _decoder_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw lengths from 0 to all; in some cases the last query sees the last key."""
    n_q, n_k, offset = _counts(rng, size)
    batch = 2 + size % 3
    batch += batch == n_q
    if size % 4 == 1:
        n_k = n_q + offset - (size == 5)
    if size == 6:
        offset = 0
    elif size == 7:
        n_q, n_k = 1, offset + 3
    elif size == 4:
        batch = 1
    lengths = rng.integers(0, n_k + 1, size=batch)
    lengths[0] = rng.integers(1, offset + 1) if offset else 1  # shorter than any sees
    lengths[1:2] = n_k
    if size % 3:
        lengths[2:3] = 0
    rng.shuffle(lengths)
    return {
        "lengths": lengths,
        "n_q": np.array(n_q),
        "n_k": np.array(n_k),
        "offset": np.array(offset),
    }


def _two_rules(lengths, n_q, n_k, offset):
    """Return the causal mask (n_q, n_k) and the padding mask (batch, 1, n_k)."""
    return masks.causal_mask(n_q, n_k, offset), masks.padding_mask(lengths, n_k)


def _decoder(lengths, n_q, n_k, offset):
    causal, padding = _two_rules(lengths, n_q, n_k, offset)
    return causal & padding


def _decoder_or(lengths, n_q, n_k, offset):
    causal, padding = _two_rules(lengths, n_q, n_k, offset)
    return causal | padding


def _decoder_causal_only(lengths, n_q, n_k, offset):
    causal, padding = _two_rules(lengths, n_q, n_k, offset)
    return causal & np.ones_like(padding)


def _decoder_padding_only(lengths, n_q, n_k, offset):
    causal, padding = _two_rules(lengths, n_q, n_k, offset)
    return np.ones_like(causal) & padding


def _decoder_hides_queries(lengths, n_q, n_k, offset):
    causal, _ = _two_rules(lengths, n_q, n_k, offset)
    return causal & (np.arange(n_q)[:, None] < lengths[:, None, None])


def _decoder_one_more(lengths, n_q, n_k, offset):
    causal, _ = _two_rules(lengths, n_q, n_k, offset)
    return causal & (np.arange(n_k) <= lengths[:, None, None])


def _decoder_pads_in_front(lengths, n_q, n_k, offset):
    causal, _ = _two_rules(lengths, n_q, n_k, offset)
    return causal & (np.arange(n_k) >= n_k - lengths[:, None, None])


def _decoder_by_loop(lengths, n_q, n_k, offset):
    mask = np.zeros((len(lengths), n_q, n_k), dtype=bool)
    for b, length in enumerate(lengths):
        for i in range(n_q):
            mask[b, i, : min(length, i + offset + 1)] = True
    return mask


def _decoder_by_minimum(lengths, n_q, n_k, offset):
    reach = np.minimum(lengths[:, None], np.arange(n_q) + offset + 1)
    return np.arange(n_k) < reach[..., None]


def _decoder_by_sequence(lengths, n_q, n_k, offset):
    causal = np.tril(np.ones((n_q, n_k)), k=offset) > 0
    return np.array([causal * (np.arange(n_k) < length) for length in lengths])


DECODER_MASK = Exercise(
    name="decoder_mask",
    lesson=6,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_decoder_inputs,
    reference=_decoder,
    misconceptions=(
        Misconception(
            "it allows what either rule allows: a key must be allowed by both, so "
            "combine with `&`",
            _decoder_or,
        ),
        Misconception(
            "the lengths have no effect: keys from the length on are padding, and "
            "hidden",
            _decoder_causal_only,
        ),
        Misconception(
            "the future is visible: the causal rule is missing",
            _decoder_padding_only,
        ),
        Misconception(
            "it hides the queries beyond the length: it is the keys, the columns, that "
            "are padding",
            _decoder_hides_queries,
        ),
        Misconception(
            "the first padding is visible: the keys 0 to length − 1 are real",
            _decoder_one_more,
        ),
        Misconception(
            "it hides the first keys: here the padding stands at the end",
            _decoder_pads_in_front,
        ),
        Misconception(
            "the offset has no effect: query i stands at position i + offset",
            lambda lengths, n_q, n_k, offset: _decoder(lengths, n_q, n_k, 0),
        ),
        Misconception(
            "all sequences get one mask: each has a length of its own, so the shape is "
            "(batch, n_q, n_k)",
            lambda lengths, n_q, n_k, offset: _decoder(lengths, n_q, n_k, offset).all(
                axis=0
            ),
        ),
    ),
    also_right=(
        _decoder_by_loop,
        _decoder_by_minimum,
        _decoder_by_sequence,
        lambda lengths, n_q, n_k, offset: masks.combine_masks(
            *_two_rules(lengths, n_q, n_k, offset)
        ),
    ),
    hints=(
        "Two masks, and a key that both allow. Which shapes do they have?",
        "The causal rule has no batch, shape (n_q, n_k). The padding rule has no "
        "query, shape (batch, 1, n_k). `&` broadcasts the two.",
        "`np.arange(n_k) < lengths[:, None, None]` is the padding rule.",
    ),
)


def _scores_and_mask(rng: np.random.Generator, size: int) -> Arguments:
    """Draw scores and masks; from size 2 on some row sees nothing, some is far off."""
    n_q, n_k = 3 + size // 4, 4 + size // 3
    n_k += n_k == n_q
    n_q = 1 if size == 6 else n_q
    leading = (1,) if size == 4 else ((), (2,), (2, 3))[size % 3]
    scores = rng.normal(size=(*leading, n_q, n_k)) * 2
    mask = rng.random(size=scores.shape[-2:]) < 0.6
    # Every row sees a key and misses one.
    places = np.array([rng.permutation(n_k)[:2] for _ in range(n_q)])
    mask[np.arange(n_q), places[:, 0]] = True
    mask[np.arange(n_q), places[:, 1]] = False
    if size == 6:
        mask[:] = True
    elif size >= 2:
        mask[rng.integers(n_q)] = False
    if size % 4 == 1:
        scores = scores.astype(np.float32)
    if size in (4, 7, 10):  # far from 0, on either side
        scores += (-1) ** size * rng.uniform(1000, 1500)
    elif size == 11:  # below what is often taken for −inf
        scores -= rng.uniform(2e9, 3e9)
    elif size == 8:  # hidden scores far above the others
        scores = np.where(mask, scores, scores + 3000)
    return {"scores": scores, "mask": mask}


def _divided(weights):
    return weights / weights.sum(axis=-1, keepdims=True)


def _shared(weights):
    """Divide each row by its sum, unless that is 0."""
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total).astype(weights.dtype)


def _shifted(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True))


def _masked_by_loop(scores, mask):
    weights = np.zeros_like(scores)
    for place in np.ndindex(scores.shape[:-1]):
        seen = np.flatnonzero(np.broadcast_to(mask, scores.shape)[place])
        if seen.size:
            row = [float(scores[place][j]) for j in seen]
            terms = [math.exp(x - max(row)) for x in row]
            for j, term in zip(seen, terms, strict=True):
                weights[place][j] = term / sum(terms)
    return weights


def _masked_by_where(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    most = hidden.max(axis=-1, keepdims=True)
    terms = np.exp(hidden - np.where(np.isinf(most), 0, most))
    total = terms.sum(axis=-1, keepdims=True)
    return np.where(total > 0, terms / np.where(total > 0, total, 1), 0)


def _masked_by_lowest(scores, mask):
    lowest = np.finfo(scores.dtype).min / 2
    weights = _divided(_shifted(np.where(mask, scores, lowest)))
    return weights * mask


def _masked_by_cleaning(scores, mask):
    return np.nan_to_num(_divided(_shifted(np.where(mask, scores, -np.inf))))


def _row_left_alone(scores, mask):
    """Ignore the mask in rows that see nothing."""
    return masked_softmax(scores, mask | ~mask.any(axis=-1, keepdims=True))


MASKED_SOFTMAX = Exercise(
    name="masked_softmax",
    lesson=6,
    points=3,
    minutes=12,
    difficulty=2,
    inputs=_scores_and_mask,
    reference=masked_softmax,
    misconceptions=(
        Misconception(
            "a row that sees nothing becomes nan: −inf minus −inf; its weights should "
            "be 0",
            lambda scores, mask: _divided(_shifted(np.where(mask, scores, -np.inf))),
        ),
        Misconception(
            "a row that sees nothing gets equal weights: with −1e9 all its scores are "
            "equally low, and it blends all that is hidden; its weights should be 0",
            lambda scores, mask: softmax(
                np.where(mask, scores, scores.dtype.type(-1e9))
            ),
        ),
        Misconception(
            "a row that sees nothing attends as if there were no mask: its weights "
            "should be 0",
            _row_left_alone,
        ),
        Misconception(
            "the mask comes after the softmax: the hidden scores have been in the sum, "
            "and the rows do not sum to 1",
            lambda scores, mask: softmax(scores) * mask,
        ),
        Misconception(
            "the mask comes after the softmax, and the rows are divided again: where "
            "hidden scores are far above the others, nothing is left to divide",
            lambda scores, mask: _shared(softmax(scores) * mask),
        ),
        Misconception(
            "the hidden scores are multiplied by 0: exp(0) is 1, so hidden keys get "
            "weight; their score has to be −inf",
            lambda scores, mask: softmax(scores * mask),
        ),
        Misconception(
            "it is inverted: True means “may attend”, not “hide”",
            lambda scores, mask: masked_softmax(scores, ~mask),
        ),
        Misconception(
            "the weights of a column sum to 1: each query shares out its own weights, "
            "over the keys, the last axis",
            lambda scores, mask: masked_softmax(scores, mask, axis=-2),
        ),
        Misconception(
            "large scores overflow: subtract the largest visible score of each row "
            "before `np.exp`",
            lambda scores, mask: _shared(np.exp(np.where(mask, scores, -np.inf))),
        ),
    ),
    also_right=(
        _masked_by_loop,
        _masked_by_where,
        _masked_by_lowest,
        _masked_by_cleaning,
    ),
    hints=(
        "Begin with `hidden = np.where(mask, scores, -np.inf)` and the steps of lesson "
        "3. Which row makes trouble, and in which step?",
        "Where the maximum of a row is −inf, subtract 0 instead. Where the sum is 0, "
        "divide by 1.",
        "`np.where(np.isinf(most), 0, most)`, and the same idea for a total of 0; take "
        "both the maximum and the total with `keepdims=True`.",
    ),
    keeps_dtype=True,
)

EXERCISES = (CAUSAL_MASK, DECODER_MASK, MASKED_SOFTMAX, LEAKS)
