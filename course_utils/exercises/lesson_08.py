"""The exercises of lesson 08: tell positions apart."""

import math

import numpy as np

from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.positions import (
    alibi_bias,
    rotary_embedding,
    sinusoidal_positions,
)

BASES = (10000.0, 100.0, 500.0, 20.0)


def _rows_to_make(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a number of positions, an even size of a row that differs, and a base."""
    n, d_model = 3 + 2 * (size // 2), 2 * (2 + size // 3)
    n, d_model = {2: (1, d_model), 4: (n, 2)}.get(size, (n, d_model))
    base = BASES[size % 4] * rng.uniform(0.9, 1.1)
    return {"n": np.array(n), "d_model": np.array(d_model), "base": np.array(base)}


def _rows(angle):
    """Interleave the sines and the cosines of angles, shape (n, d / 2)."""
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(angle), -1)


def _pairs(d):
    return np.arange(0, d, 2)


def _sinusoidal_by_loop(n, d_model, base):
    rows = np.zeros((n, d_model))
    for p in range(n):
        for i in range(d_model // 2):
            angle = p / base ** (2 * i / d_model)
            rows[p, 2 * i], rows[p, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return rows


def _sinusoidal_by_columns(n, d_model, base):
    column = np.arange(d_model)
    speed = np.exp(-np.log(base) * (column - column % 2) / d_model)
    angle = np.outer(np.arange(n), speed)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))


def _sinusoidal_by_turning(n, d_model, base):
    hand = np.exp(1j * base ** (-_pairs(d_model) / d_model))
    hands = hand ** np.arange(n)[:, None]
    return np.stack([hands.imag, hands.real], axis=-1).reshape(n, d_model)


SINUSOIDAL = Exercise(
    name="sinusoidal_rows",
    lesson=8,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_rows_to_make,
    reference=sinusoidal_positions,
    misconceptions=(
        Misconception(
            "the exponent is counted twice: i counts pairs in 2i / d_model; if it "
            "counts components already, leave out the 2",
            lambda n, d_model, base: _rows(
                np.arange(n)[:, None] * base ** (-2.0 * _pairs(d_model) / d_model)
            ),
        ),
        Misconception(
            "the exponent is half of what it should be: with i counting pairs it is "
            "2i / d_model",
            lambda n, d_model, base: _rows(
                np.arange(n)[:, None] * base ** (-_pairs(d_model) / 2 / d_model)
            ),
        ),
        Misconception(
            "each column turns at a speed of its own: the sine and the cosine of one "
            "hand share one angle",
            lambda n, d_model, base: np.where(
                np.arange(d_model) % 2 == 0,
                np.sin(np.outer(np.arange(n), base ** (-np.arange(d_model) / d_model))),
                np.cos(np.outer(np.arange(n), base ** (-np.arange(d_model) / d_model))),
            ),
        ),
        Misconception(
            "all sines come first and then all cosines: here a sine stands beside the "
            "cosine of its own hand",
            lambda n, d_model, base: np.concatenate(
                [
                    sinusoidal_positions(n, d_model, base)[:, 0::2],
                    sinusoidal_positions(n, d_model, base)[:, 1::2],
                ],
                axis=1,
            ),
        ),
        Misconception(
            "sine and cosine are swapped: the sine stands in the even columns",
            lambda n, d_model, base: (
                sinusoidal_positions(n, d_model, base)
                .reshape(n, -1, 2)[..., ::-1]
                .reshape(n, d_model)
            ),
        ),
        Misconception(
            "it counts positions from 1: the first position is 0, where no hand has "
            "turned",
            lambda n, d_model, base: sinusoidal_positions(n + 1, d_model, base)[1:],
        ),
        Misconception(
            "it multiplies by the power of the base: divide, so that the later hands "
            "turn more slowly",
            lambda n, d_model, base: _rows(
                np.arange(n)[:, None] * base ** (_pairs(d_model) / d_model)
            ),
        ),
        Misconception(
            "the base is always 10000: use the argument",
            lambda n, d_model, base: sinusoidal_positions(n, d_model),
        ),
    ),
    also_right=(
        _sinusoidal_by_loop,
        _sinusoidal_by_columns,
        _sinusoidal_by_turning,
    ),
    hints=(
        "The lesson's loop has three lines inside: an angle, a sine, a cosine.",
        "`base ** (-np.arange(0, d_model, 2) / d_model)` are the speeds of all hands, "
        "in radians per position.",
        "Positions as a column times speeds as a row give all angles; `rows[:, 0::2]` "
        "are the places of the sines.",
    ),
)


def _one_query_and_keys(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a query, keys, and how far each key lies before the query, or after it."""
    n_k, d_k = 3 + 2 * (size // 3), 2 * (2 + size // 3)
    n_k, d_k = {2: (1, d_k), 4: (n_k, 2)}.get(size, (n_k, d_k))
    side = rng.permutation(np.resize([1, 1, -1], n_k))
    if size in (3, 6):  # at one place
        side[-1] = 0
    far = 500 if size == 9 else 9 + size
    dtype = np.float32 if size % 4 == 1 else np.float64
    return {
        "query": rng.normal(size=d_k).astype(dtype),
        "key": rng.normal(size=(n_k, d_k)).astype(dtype),
        "offset": side * rng.integers(far // 9, far, size=n_k),
        "base": np.array(BASES[size % 4] * rng.uniform(0.9, 1.1)),
    }


def _speeds(d_k, base):
    return base ** (-_pairs(d_k) / d_k)


def _score_of_angles(query, key, angle):
    """Score keys with a query whose pairs have turned by angles (n_k, d_k / 2)."""
    a, b = query[0::2], query[1::2]
    cos, sin = np.cos(angle), np.sin(angle)
    along = (a * cos - b * sin) * key[:, 0::2]
    across = (a * sin + b * cos) * key[:, 1::2]
    return (along + across).sum(axis=1)


def _score_at_offset(query, key, offset, base):
    angle = offset[:, None] * _speeds(len(query), base)
    return _score_of_angles(query, key, angle)


def _score_by_loop(query, key, offset, base):
    scores = []
    for k, o in zip(key, offset, strict=True):
        score = 0.0
        for i in range(0, len(query), 2):
            angle = o / base ** (i / len(query))
            a = query[i] * math.cos(angle) - query[i + 1] * math.sin(angle)
            b = query[i] * math.sin(angle) + query[i + 1] * math.cos(angle)
            score += a * k[i] + b * k[i + 1]
        scores.append(score)
    return np.array(scores)


def _score_far_out(query, key, offset, base):
    """Turn both: the keys stand at 1000, the query an offset after each."""
    queries = np.broadcast_to(query, key.shape)
    turned = rotary_embedding(queries, 1000 + offset, base)
    return (turned * rotary_embedding(key, 1000 + 0 * offset, base)).sum(axis=1)


def _score_with_complex_numbers(query, key, offset, base):
    q, k = (x[..., 0::2] + 1j * x[..., 1::2] for x in (query, key))
    turn = np.exp(1j * offset[:, None] * _speeds(len(query), base))
    return (q * turn * k.conj()).real.sum(axis=1)


def _interleaved(d):
    """Return the order 0, d / 2, 1, d / 2 + 1, …, in which halves are neighbours."""
    return np.arange(d).reshape(2, -1).T.ravel()


SCORE_AT_OFFSET = Exercise(
    name="score_at_offset",
    lesson=8,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_one_query_and_keys,
    reference=_score_at_offset,
    misconceptions=(
        Misconception(
            "it turns the wrong way: a query after the key is turned by a positive "
            "angle, a cos − b sin and a sin + b cos (or the key by a negative one)",
            lambda query, key, offset, base: _score_at_offset(
                query, key, -offset, base
            ),
        ),
        Misconception(
            "it pairs component i with i + d_k/2: here neighbours are pairs, 0 with 1, "
            "2 with 3",
            lambda query, key, offset, base: _score_at_offset(
                query[_interleaved(len(query))],
                key[:, _interleaved(len(query))],
                offset,
                base,
            ),
        ),
        Misconception(
            "it turns query and key by the same angle: then nothing changes between "
            "them; they differ by the offset",
            lambda query, key, offset, base: key @ query,
        ),
        Misconception(
            "it turns query and key both by the offset, in opposite directions: that "
            "counts the offset twice",
            lambda query, key, offset, base: _score_at_offset(
                query, key, 2 * offset, base
            ),
        ),
        Misconception(
            "all pairs turn at the same speed: pair i turns by "
            "offset / base ** (2i / d_k)",
            lambda query, key, offset, base: _score_of_angles(
                query, key, offset[:, None] * np.ones(len(query) // 2)
            ),
        ),
        Misconception(
            "the exponent is counted twice: i counts pairs in 2i / d_k; if it counts "
            "components already, leave out the 2",
            lambda query, key, offset, base: _score_of_angles(
                query, key, offset[:, None] * _speeds(len(query), base) ** 2
            ),
        ),
        Misconception(
            "the exponent is half of what it should be: with i counting pairs it is "
            "2i / d_k",
            lambda query, key, offset, base: _score_of_angles(
                query, key, offset[:, None] * _speeds(len(query), base) ** 0.5
            ),
        ),
        Misconception(
            "the base is always 10000: use the argument",
            lambda query, key, offset, base: _score_at_offset(
                query, key, offset, 10000.0
            ),
        ),
        Misconception(
            "it takes the offset as a distance: a key after the query has a negative "
            "offset, and turns the other way",
            lambda query, key, offset, base: _score_at_offset(
                query, key, np.abs(offset), base
            ),
        ),
        Misconception(
            "the second of a pair is turned with the first already changed: keep the "
            "old numbers until both are computed",
            lambda query, key, offset, base: _turned_in_place(query, key, offset, base),
        ),
    ),
    also_right=(_score_by_loop, _score_far_out, _score_with_complex_numbers),
    hints=(
        "The score depends on the offset alone. So let the key stand at position 0, "
        "where nothing is turned. Where does the query stand then?",
        "The query stands at the offset: turn its pairs by "
        "`offset[:, None] * base ** (-np.arange(0, d_k, 2) / d_k)`, one row for each "
        "key.",
        "With a, b the even and the odd components of the query, the turned pair is "
        "a cos − b sin and a sin + b cos. Multiply by those of the key and add up.",
    ),
)


def _turned_in_place(query, key, offset, base):
    angle = offset[:, None] * _speeds(len(query), base)
    first = query[0::2] * np.cos(angle) - query[1::2] * np.sin(angle)
    second = first * np.sin(angle) + query[1::2] * np.cos(angle)
    return (first * key[:, 0::2] + second * key[:, 1::2]).sum(axis=1)


def _heads_and_sizes(rng: np.random.Generator, size: int) -> Arguments:
    """Draw numbers of heads, queries and keys; some keys lie after every query."""
    n_q = 2 + size // 3
    offset = int(rng.integers(1, 5))
    heads = (2, 4, 16, 8)[size % 4]
    n_k = n_q + offset + 2 + size % 2
    if size == 2:
        offset = 0
    elif size == 5:
        n_q = 1
    elif size in (4, 7):  # the last queries stand beyond the last key
        n_k = n_q + offset - 1
    elif size == 9:  # far from all keys
        offset += 20
    sizes = {"num_heads": heads, "n_q": n_q, "n_k": n_k, "offset": offset}
    return {name: np.array(x) for name, x in sizes.items()}


def _slopes(num_heads):
    return 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)


def _distances(n_q, n_k, offset):
    return np.abs(np.arange(n_q)[:, None] + offset - np.arange(n_k))


def _ramps(slopes, n_q, n_k, offset):
    return -np.asarray(slopes)[:, None, None] * _distances(n_q, n_k, offset)


def _alibi_by_loop(num_heads, n_q, n_k, offset):
    bias = np.zeros((num_heads, n_q, n_k))
    slope = 1.0
    for h in range(num_heads):
        slope *= 2 ** (-8 / num_heads)
        for i in range(n_q):
            for j in range(n_k):
                bias[h, i, j] = -slope * abs(i + offset - j)
    return bias


def _alibi_by_einsum(num_heads, n_q, n_k, offset):
    slope = np.exp2(np.linspace(-8 / num_heads, -8, num_heads))
    place = np.arange(offset, offset + n_q)
    return -np.einsum("h,qk->hqk", slope, abs(np.arange(n_k) - place[:, None]))


def _alibi_by_minimum(num_heads, n_q, n_k, offset):
    behind = np.subtract.outer(np.arange(n_k), np.arange(n_q) + offset).T
    return np.multiply.outer(_slopes(num_heads), np.minimum(behind, -behind))


ALIBI = Exercise(
    name="alibi_for_heads",
    lesson=8,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_heads_and_sizes,
    reference=alibi_bias,
    misconceptions=(
        Misconception(
            "the sign is flipped: it rewards distance; a bias is added, so it must be "
            "negative",
            lambda num_heads, n_q, n_k, offset: (
                -alibi_bias(num_heads, n_q, n_k, offset)
            ),
        ),
        Misconception(
            "the slopes begin with 1: the first head has 2 ** (-8 / num_heads), so "
            "count heads from 1 in the exponent",
            lambda num_heads, n_q, n_k, offset: _ramps(
                2.0 ** (-8 * np.arange(num_heads) / num_heads), n_q, n_k, offset
            ),
        ),
        Misconception(
            "the slopes are 1/2, 1/4, 1/8 and so on for any number of heads: that is "
            "right for eight; the exponents run to −8 in num_heads steps",
            lambda num_heads, n_q, n_k, offset: _ramps(
                2.0 ** -np.arange(1.0, num_heads + 1), n_q, n_k, offset
            ),
        ),
        Misconception(
            "the slopes are in the wrong order: the first head is the steepest",
            lambda num_heads, n_q, n_k, offset: alibi_bias(num_heads, n_q, n_k, offset)[
                ::-1
            ],
        ),
        Misconception(
            "a key after the query gets a positive bias: the distance is never "
            "negative; take its absolute value",
            lambda num_heads, n_q, n_k, offset: (
                -_slopes(num_heads)[:, None, None]
                * (np.arange(n_q)[:, None] + offset - np.arange(n_k))
            ),
        ),
        Misconception(
            "the offset is left out: query i stands at position i + offset",
            lambda num_heads, n_q, n_k, offset: alibi_bias(num_heads, n_q, n_k),
        ),
        Misconception(
            "the offset is taken off: query i stands at position i + offset, after the "
            "keys that were there before",
            lambda num_heads, n_q, n_k, offset: alibi_bias(
                num_heads, n_q, n_k, -offset
            ),
        ),
    ),
    also_right=(_alibi_by_loop, _alibi_by_einsum, _alibi_by_minimum),
    hints=(
        "Two parts: a slope for each head, and a distance for each pair of query and "
        "key. The bias is their product, with a minus.",
        "`2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)` are the slopes.",
        "`np.arange(n_q)[:, None] + offset` are the positions of the queries, as a "
        "column; `slope[:, None, None]` puts the heads in front.",
    ),
)

RIGHT, AGAINST, QUERIES_ONLY, NOT_TURNED, ADDED = range(5)
ROUNDING = 1e-6


def _turned(x, at):
    """Turn one vector to each position."""
    return rotary_embedding(np.tile(x, (len(at), 1)), at, 100.0)


def _scores(fault, rng, n):
    """Score one query at n positions with one key at as many."""
    query, key = rng.normal(size=(2, 6)) * 2
    at = np.arange(n)
    if fault == ADDED:
        rows = sinusoidal_positions(n, 6, 100.0) @ rng.normal(size=(2, 6, 6))
        queries, keys = rows + np.stack([query, key])[:, None]
    else:
        still = np.zeros(n)
        queries = _turned(query, still if fault == NOT_TURNED else at)
        signs = {AGAINST: -at, QUERIES_ONLY: still, NOT_TURNED: still}
        keys = _turned(key, signs.get(fault, at))
    return queries @ keys.T * 6**-0.5


def _changes(scores):
    """Say how far scores change along columns, rows, diagonals and antidiagonals."""
    steps = (
        scores[1:] - scores[:-1],
        scores[:, 1:] - scores[:, :-1],
        scores[1:, 1:] - scores[:-1, :-1],
        scores[1:, :-1] - scores[:-1, 1:],
    )
    return [float(np.abs(step).max()) for step in steps]


def _scores_of_some_version(rng: np.random.Generator, size: int) -> Arguments:
    """Draw every version in an order of the seed; what changes, changes clearly."""
    fault, n = turn(rng, size) % 5, 4 + size // 3
    while True:
        scores = _scores(fault, rng, n)
        if all(x < 1e-9 or x > 1e-2 for x in _changes(scores)):
            return {"scores": scores + rng.uniform(0, 1e-9, size=scores.shape)}


def _diagnose(scores):
    down, across, along, against = (x > ROUNDING for x in _changes(scores))
    if not down and not across:
        return NOT_TURNED
    if not across:
        return QUERIES_ONLY
    if not along:
        return RIGHT
    return ADDED if against else AGAINST


def _diagnose_by_loop(scores):
    n = len(scores)
    groups = {
        NOT_TURNED: lambda i, j: 0,
        QUERIES_ONLY: lambda i, j: i,
        RIGHT: lambda i, j: i - j,
        AGAINST: lambda i, j: i + j,
    }
    for fault, group in groups.items():
        seen = {}
        for i, j in np.ndindex(n, n):
            seen.setdefault(group(i, j), []).append(scores[i, j])
        if all(max(x) - min(x) < ROUNDING for x in seen.values()):
            return fault
    return ADDED


def _diagnose_by_diagonals(scores):
    """Compare each diagonal, of the table and of its mirror image, with its mean."""

    def is_even(table):
        lines = [table.diagonal(k) for k in range(1 - len(table), len(table))]
        return max(np.ptp(line) for line in lines) < ROUNDING

    if np.ptp(scores, axis=1).max() < ROUNDING:
        return NOT_TURNED if np.ptp(scores) < ROUNDING else QUERIES_ONLY
    if is_even(scores):
        return RIGHT
    return AGAINST if is_even(scores[:, ::-1]) else ADDED


def _diagnose_by_shifts(scores):
    def alike(a, b):
        return np.allclose(a, b, rtol=0, atol=1e-7)

    first = scores[0, 0]
    found = [
        alike(scores[1:, 1:], scores[:-1, :-1]),
        alike(scores[1:, :-1], scores[:-1, 1:]),
        alike(scores, scores[:, :1]),
        alike(scores, first),
        True,
    ]
    return np.int64(3 if found[3] else found.index(True))


def _mistaken(change):
    """Return a diagnosis that gets the right one's answer wrong in one way."""
    return lambda scores: change(_diagnose(scores))


DIAGNOSE = Exercise(
    name="diagnose_rotary",
    lesson=8,
    points=3,
    minutes=15,
    difficulty=3,
    inputs=_scores_of_some_version,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it calls everything right: look along which lines of the table the "
            "scores stay the same",
            lambda scores: RIGHT,
        ),
        Misconception(
            "it never finds fault 3: where no score ever changes, none changes along a "
            "diagonal either, so ask for that first",
            _mistaken(lambda fault: RIGHT if fault == NOT_TURNED else fault),
        ),
        Misconception(
            "it compares exactly: the scores are rounded, let them differ by 1e-6",
            lambda scores: ADDED,
        ),
        Misconception(
            "faults 0 and 1 are swapped: the offset is i - j, which stays the same "
            "where both positions grow, down a diagonal",
            _mistaken(lambda fault: (1, 0, 2, 3, 4)[fault]),
        ),
        Misconception(
            "rows and columns are swapped: the query's position is the row, so a "
            "fault of the keys shows along a row",
            lambda scores: _diagnose(scores.T),
        ),
        Misconception(
            "it never finds fault 4: added rows give scores that stay the same along "
            "no line",
            _mistaken(lambda fault: RIGHT if fault == ADDED else fault),
        ),
    ),
    also_right=(_diagnose_by_loop, _diagnose_by_diagonals, _diagnose_by_shifts),
    hints=(
        "On what does a score depend in the right version? Where in the table is that "
        "the same?",
        "The offset i - j is the same down each diagonal: compare `scores[1:, 1:]` "
        "with `scores[:-1, :-1]`. And i + j?",
        "Test in this order: all alike (3), each row alike in itself (2), diagonals "
        "(0), the other diagonals, `scores[1:, :-1]` and `scores[:-1, 1:]` (1), or 4.",
    ),
)

EXERCISES = (SINUSOIDAL, SCORE_AT_OFFSET, ALIBI, DIAGNOSE)
