"""The exercises of lesson 02: score how well a query matches a key."""

import math

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.scores import additive_score, bilinear_score, cosine_score
from course_utils.softmax import softmax


def _vectors(
    rng: np.random.Generator, n: int, d: int, scale: float = 1.0
) -> np.ndarray:
    """Draw vectors whose lengths differ clearly, from 0.5 to 2 times `scale`."""
    drawn = rng.normal(size=(n, d))
    lengths = scale * rng.permutation(np.geomspace(0.5, 2, n))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True) * lengths[:, None]


def _sizes(size: int) -> tuple[int, int, int]:
    """Return n_q, n_k and d, all different, from small to large."""
    return 2 + size // 4, 4 + size // 3, 3 + size // 6


def _any_sizes(size: int) -> tuple[int, int, int]:
    """Return n_q, n_k and d; each is 1 once, and once there are more queries."""
    odd = {1: (1, 4, 3), 3: (3, 1, 2), 5: (2, 5, 1), 7: (5, 2, 3), 9: (4, 4, 3)}
    return odd.get(size, _sizes(size))


def _in_some_dtype(arguments: Arguments, size: int) -> Arguments:
    """Hand every third case over as float32."""
    return in_float32(arguments) if size % 3 == 2 else arguments


def _with_matrix(rng: np.random.Generator, size: int) -> Arguments:
    n_q, n_k, d = _any_sizes(size)
    scale = 60.0 if size in (7, 9) else 1.0  # scores beyond ±1000, in float64
    arguments = {
        "query": _vectors(rng, n_q, d, scale),
        "key": _vectors(rng, n_k, d, scale),
        "w_match": rng.normal(size=(d, d)),
    }
    return _in_some_dtype(arguments, size)


def _queries_and_keys(rng: np.random.Generator, size: int) -> Arguments:
    """Draw vectors of very unequal lengths; in one case they are whole numbers."""
    n_q, n_k, d = _any_sizes(size)
    scale = (1.0, 1.0, 1e-3, 500.0)[size % 4]
    arguments = {
        "query": _vectors(rng, n_q, d, scale),
        "key": _vectors(rng, n_k, d, scale),
    }
    if size == 4:
        arguments = {
            name: rng.integers(1, 6, x.shape) * rng.choice([-1, 1], x.shape)
            for name, x in arguments.items()
        }
    return _in_some_dtype(arguments, size)


def _network(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a network whose hidden units are neither quiet nor saturated."""
    n_q, n_k, d_q = _any_sizes(size)
    d_k, d_hidden = d_q + 1 + size % 2, 1 + size % 3
    arguments = {
        "query": rng.normal(size=(n_q, d_q)),
        "key": rng.normal(size=(n_k, d_k)),
        "w_query": rng.normal(size=(d_q, d_hidden)) / math.sqrt(d_q),
        "w_key": rng.normal(size=(d_k, d_hidden)) / math.sqrt(d_k),
        "v": 1 + rng.uniform(size=d_hidden) + np.arange(d_hidden),
    }
    if size % 2:  # a unit may count against the key
        arguments["v"][0] *= -1
    if size == 10:  # far out, where exponentials overflow
        arguments["w_key"] *= 1000
    return _in_some_dtype(arguments, size)


def _bilinear_by_loop(query, key, w_match):
    scores = np.zeros((len(query), len(key)))
    for i, q in enumerate(query):
        for j, k in enumerate(key):
            scores[i, j] = q @ w_match @ k
    return scores


BILINEAR_SCORE = Exercise(
    name="bilinear_score",
    lesson=2,
    points=2,
    minutes=5,
    difficulty=1,
    inputs=_with_matrix,
    reference=bilinear_score,
    misconceptions=(
        Misconception(
            "the scores are transposed, one row per key: rows belong to the queries, "
            "so the queries stand on the left of the product",
            lambda query, key, w_match: key @ w_match.T @ query.T,
        ),
        Misconception(
            "`w_match` is turned the wrong way round: in qᵀWk its rows belong to the "
            "query and its columns to the key",
            lambda query, key, w_match: query @ w_match.T @ key.T,
        ),
        Misconception(
            "`w_match` has no effect: this is the plain dot product",
            lambda query, key, w_match: query @ key.T,
        ),
        Misconception(
            "both sides are multiplied by `w_match`: translate only one of them",
            lambda query, key, w_match: (query @ w_match) @ (key @ w_match).T,
        ),
        Misconception(
            "query i is scored with key i only: every query meets every key",
            lambda query, key, w_match: (
                (query @ w_match)[: len(key)] * key[: len(query)]
            ).sum(axis=1),
        ),
        Misconception(
            "these are weights that sum to 1, not scores: leave out the exponential "
            "and the division",
            lambda query, key, w_match: softmax(query @ w_match @ key.T),
        ),
    ),
    also_right=(
        _bilinear_by_loop,
        lambda query, key, w_match: np.einsum("qd,de,ke->qk", query, w_match, key),
        lambda query, key, w_match: (key @ w_match.T @ query.T).T,
        lambda query, key, w_match: np.inner(query @ w_match, key).astype(np.float32),
    ),
    hints=(
        "The part `q @ w_match` does not depend on the key: what is it for all queries "
        "at once?",
        "`query @ w_match` has the shape (n_q, d), one translated query per row.",
        "The dot product of every row with every key is a product with `key.T`.",
    ),
)


def _length(x: np.ndarray, axis: int | None = 1) -> np.ndarray:
    return np.linalg.norm(x, axis=axis, keepdims=True)


def _cosine_by_loop(query, key):
    scores = np.empty((len(query), len(key)))
    for i, q in enumerate(query):
        for j, k in enumerate(key):
            scores[i, j] = np.dot(q, k) / math.sqrt(np.dot(q, q) * np.dot(k, k))
    return scores


COSINE_SCORE = Exercise(
    name="cosine_score",
    lesson=2,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_queries_and_keys,
    reference=cosine_score,
    misconceptions=(
        Misconception(
            "the lengths are measured over the wrong axis, down the columns: `axis=-1` "
            "runs over the components of a vector",
            lambda query, key: (query / _length(query, 0)) @ (key / _length(key, 0)).T,
        ),
        Misconception(
            "all queries are divided by one length, and all keys by one: without "
            "`axis` the norm is that of the whole array",
            lambda query, key: (
                (query / np.linalg.norm(query)) @ (key / np.linalg.norm(key)).T
            ),
        ),
        Misconception(
            "the lengths of the keys are left in: a long key still wins",
            lambda query, key: (query / _length(query)) @ key.T,
        ),
        Misconception(
            "the lengths of the queries are left in: the order of the keys is right, "
            "but these are not cosines",
            lambda query, key: query @ (key / _length(key)).T,
        ),
        Misconception(
            "it divides by the squares of the lengths: a length is the root of the sum "
            "of squares",
            lambda query, key: (
                (query / _length(query) ** 2) @ (key / _length(key) ** 2).T
            ),
        ),
        Misconception(
            "this is the plain dot product: divide by both lengths",
            lambda query, key: query @ key.T,
        ),
        Misconception(
            "this is one minus the cosine, a distance: a better match needs a higher "
            "score",
            lambda query, key: 1 - cosine_score(query, key),
        ),
    ),
    also_right=(
        _cosine_by_loop,
        lambda query, key: (
            (query @ key.T)
            / np.outer(np.linalg.norm(query, axis=1), np.linalg.norm(key, axis=1))
        ),
        lambda query, key: np.einsum(
            "qd,kd->qk",
            query / np.sqrt((query**2).sum(axis=-1, keepdims=True)),
            key / np.sqrt((key**2).sum(axis=-1, keepdims=True)),
        ),
        lambda query, key: ((key / _length(key)) @ (query / _length(query)).T).T.astype(
            np.float32
        ),
    ),
    hints=(
        "The cosine is the dot product of two vectors that were brought to length 1.",
        "`np.linalg.norm(query, axis=-1)` holds one length for each query, shape "
        "(n_q,).",
        "With `keepdims=True` the lengths keep the shape (n_q, 1), and `query / "
        "lengths` divides row by row.",
    ),
)


def _hidden(query, key, w_query, w_key):
    return (query @ w_query)[:, None] + key @ w_key


def _additive_by_loop(query, key, w_query, w_key, v):
    scores = np.empty((len(query), len(key)))
    for i, q in enumerate(query):
        for j, k in enumerate(key):
            scores[i, j] = v @ np.tanh(w_query.T @ q + w_key.T @ k)
    return scores


def _additive_side_by_side(query, key, w_query, w_key, v):
    n_q, n_k = len(query), len(key)
    pairs = np.hstack([np.repeat(query, n_k, axis=0), np.tile(key, (n_q, 1))])
    hidden = np.tanh(pairs @ np.vstack([w_query, w_key]))
    return (hidden @ v).reshape(n_q, n_k)


ADDITIVE_SCORE = Exercise(
    name="additive_score",
    lesson=2,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_network,
    reference=additive_score,
    misconceptions=(
        Misconception(
            "the tanh is left out: without it the score is one number for the query "
            "plus one for the key, and every query ranks the keys alike",
            lambda query, key, w_query, w_key, v: (
                _hidden(query, key, w_query, w_key) @ v
            ),
        ),
        Misconception(
            "the pairs come out as (n_k, n_q): the new axis belongs to the queries, "
            "`[:, None, :]`, so that the queries stay first",
            lambda query, key, w_query, w_key, v: additive_score(
                key, query, w_key, w_query, v
            ),
        ),
        Misconception(
            "the tanh is taken of each side alone: add first, then take the tanh of "
            "the sum",
            lambda query, key, w_query, w_key, v: (
                (np.tanh(query @ w_query)[:, None] + np.tanh(key @ w_key)) @ v
            ),
        ),
        Misconception(
            "the tanh is taken last: it belongs to the hidden units, before `@ v`",
            lambda query, key, w_query, w_key, v: np.tanh(
                _hidden(query, key, w_query, w_key) @ v
            ),
        ),
        Misconception(
            "the hidden units are added up without `v`, which says how much each "
            "counts",
            lambda query, key, w_query, w_key, v: np.tanh(
                _hidden(query, key, w_query, w_key)
            ).sum(axis=-1),
        ),
        Misconception(
            "the two sides are subtracted: the formula adds them",
            lambda query, key, w_query, w_key, v: additive_score(
                query, key, w_query, -w_key, v
            ),
        ),
        Misconception(
            "the two sides are multiplied: an additive score adds them",
            lambda query, key, w_query, w_key, v: (
                np.tanh((query @ w_query)[:, None] * (key @ w_key)) @ v
            ),
        ),
    ),
    also_right=(
        _additive_by_loop,
        _additive_side_by_side,
        lambda query, key, w_query, w_key, v: np.einsum(
            "qkh,h->qk", np.tanh(_hidden(query, key, w_query, w_key)), v
        ),
        lambda query, key, w_query, w_key, v: np.array(
            [np.tanh(q @ w_query + key @ w_key) @ v for q in query]
        ),
    ),
    hints=(
        "Project each side first: `query @ w_query` and `key @ w_key` both end in "
        "d_hidden.",
        "The hidden layer needs one row for each pair, shape (n_q, n_k, d_hidden). "
        "Which axis does each side lack?",
        "`(query @ w_query)[:, None, :]` has the shape (n_q, 1, d_hidden); added to "
        "(n_k, d_hidden) it makes the pairs. Then tanh, then `@ v`.",
    ),
)

FAULTS = 5
MOVING = (1, 3, 4)  # those that can change which key is best


def _suspects(query: np.ndarray, key: np.ndarray) -> list[np.ndarray]:
    """Return what a program returns that has each of the faults, in their order."""
    q, k = _length(query), _length(key)
    return [
        (query / q) @ (key / k).T,
        (query / q) @ key.T,
        query @ (key / k).T,
        (query / _length(query, 0)) @ (key / _length(key, 0)).T,
        (query / q**2) @ (key / k**2).T,
    ]


def _faulty(rng: np.random.Generator, size: int) -> Arguments:
    """Draw each fault at least twice, once where all of its scores are within ±1.

    Once the lengths that were left in are almost 1.
    """
    n_q, n_k, d = _sizes(size)
    kind = turn(rng, size)
    almost, small = kind == 11, kind >= FAULTS
    fault = 2 if almost else kind % FAULTS
    while True:
        # Lengths well away from 1, so that every fault shows.
        lengths = rng.uniform(0.4, 0.8, n_q), rng.uniform(0.4, 0.8, n_k)
        if not small or fault == 4:  # squares of short lengths leave ±1
            lengths = rng.uniform(1.5, 3, n_q), rng.uniform(1.5, 3, n_k)
        if almost:
            lengths = rng.uniform(0.92, 0.94, n_q), lengths[1]
        query, key = (
            x / _length(x) * y[:, None]
            for x, y in zip(
                (rng.normal(size=(n_q, d)), rng.normal(size=(n_k, d))),
                lengths,
                strict=True,
            )
        )
        suspects = _suspects(query, key)
        scores = suspects[fault]
        gaps = [np.abs(scores - x).max() for x in suspects if x is not scores]
        within = np.abs(scores).max() < 1 - 1e-3
        moved = (scores.argmax(axis=1) != suspects[0].argmax(axis=1)).any()
        if min(gaps) > 0.05 and (within or not small) and moved == (fault in MOVING):
            break
    return {"query": query, "key": key, "scores": scores.astype(np.float32)}


def _diagnose(query, key, scores):
    gaps = [np.abs(scores - x).max() for x in _suspects(query, key)]
    return int(np.argmin(gaps))


def _diagnose_in_turn(query, key, scores):
    for fault, suspect in enumerate(_suspects(query, key)):
        if np.allclose(scores, suspect, rtol=1e-3, atol=1e-4):
            return fault
    return -1


def _diagnose_by_rescaling(query, key, scores):
    """Divide the scores by the dot products: what is left shows which lengths are."""
    left = scores / (query @ key.T)
    q, k = np.linalg.norm(query, axis=1)[:, None], np.linalg.norm(key, axis=1)
    factors = [1 / (q * k), 1 / q + 0 * k, 1 / k + 0 * q, None, 1 / (q * k) ** 2]
    for fault in (0, 1, 2, 4):
        if np.median(np.abs(left / factors[fault] - 1)) < 1e-3:
            return fault
    return 3


def _diagnose_by_best_key(query, key, scores):
    best = scores.argmax(axis=1)
    same = [(x.argmax(axis=1) == best).all() for x in _suspects(query, key)]
    return int(np.argmax(same))


def _diagnose_by_range(query, key, scores):
    return 0 if np.abs(scores).max() <= 1 else _diagnose(query, key, scores)


DIAGNOSE_COSINE = Exercise(
    name="diagnose_cosine",
    lesson=2,
    points=3,
    minutes=20,
    difficulty=3,
    inputs=_faulty,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it compares only which key is best: fault 2 never changes that; compare "
            "the scores themselves",
            _diagnose_by_best_key,
        ),
        Misconception(
            "it takes all scores within ±1 for cosines: short vectors keep wrong "
            "scores small too",
            _diagnose_by_range,
        ),
        Misconception(
            "it says 0 for every input: the scores are rounded to float32, so compare "
            "with a tolerance, not with ==",
            lambda query, key, scores: 0,
        ),
        Misconception(
            "faults 1 and 2 are swapped: a row of the scores belongs to a query, a "
            "column to a key",
            lambda query, key, scores: (0, 2, 1, 3, 4)[_diagnose(query, key, scores)],
        ),
        Misconception(
            "it says which suspect fits worst: the fault is the one with the smallest "
            "gap",
            lambda query, key, scores: int(
                np.argmax([np.abs(scores - x).max() for x in _suspects(query, key)])
            ),
        ),
    ),
    also_right=(
        _diagnose_in_turn,
        _diagnose_by_rescaling,
        lambda query, key, scores: np.argmin(
            [np.linalg.norm(scores - x) for x in _suspects(query, key)]
        ),
    ),
    hints=(
        "You can build every suspect yourself: write down the scores that a program "
        "with each of the faults returns.",
        "Compare each suspect with `scores`, for example by the largest gap, "
        "`np.abs(scores - suspect).max()`.",
        "The suspects stand in the order of the table, so `np.argmin` of their gaps is "
        "the number; `int(…)` makes it one.",
    ),
)

EXERCISES = (BILINEAR_SCORE, COSINE_SCORE, ADDITIVE_SCORE, DIAGNOSE_COSINE)
