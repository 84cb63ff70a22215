"""The exercises of lesson 01: look something up softly."""

import math

import numpy as np

from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.lookup import hard_lookup
from course_utils.softmax import softmax


def _counts(size: int) -> tuple[int, int, int]:
    """Return n_k, d_k and d_v, where d_k and d_v differ; each of them is 1 once."""
    n_k, d_k = 2 + size // 2, 2 + size // 4
    return {1: (2, 1, 3), 2: (1, 2, 3), 3: (3, 2, 1)}.get(
        size, (n_k, d_k, d_k + 1 + size % 3)
    )


def _one_query(rng: np.random.Generator, size: int) -> Arguments:
    """Draw one query, and keys of unequal lengths."""
    n_k, d_k, d_v = _counts(size)
    return {
        "query": rng.normal(size=d_k),
        "key": rng.normal(size=(n_k, d_k)) * rng.uniform(0.5, 2, size=(n_k, 1)),
        "value": rng.normal(size=(n_k, d_v)) * 5,
    }


def _one_best(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a best match at the first place, at the last, and far below 0.

    Where there are enough keys, wrong rules of thumb find other ones.
    """
    kind = turn(rng, size)
    arguments = _one_query(rng, size)
    while 3 < size < 10 and not _misleads(
        arguments["query"], arguments["key"], bool(size % 2)
    ):
        arguments = _one_query(rng, size)
    query, key = arguments["query"], arguments["key"]
    best = np.argmax(key @ query)
    if kind < 2:  # all matches are below −1000
        key -= (key[best] @ query + 2000) / (query @ query) * query
    if kind < 8:
        place = (-1, 0)[kind % 4 // 2]
        key[[best, place]] = key[[place, best]]
    return arguments


def _misleads(query: np.ndarray, key: np.ndarray, by_length: bool) -> bool:
    """Return whether wrong rules find another key than the one that matches best."""
    match = key @ query
    best, strongest = match.argmax(), np.abs(match).argmax()
    if (best == strongest) == by_length:
        return False
    if not by_length:  # single products, not their sums
        return best != (key * query).argmax() // len(query)
    square = (key * key).sum(axis=1)
    cosine, distance = match / np.sqrt(square), square - 2 * match
    return best not in (cosine.argmax(), distance.argmin())


def _sharp(arguments: Arguments, rng: np.random.Generator, size: int) -> Arguments:
    """Add a sharpness that is below 0 in two cases and 0 in one."""
    sign = {5: -1, 8: -1, 6: 0}.get(size, 1)
    return arguments | {"sharpness": np.array(sign * rng.uniform(1.5, 3))}


def _one_query_and_sharpness(rng: np.random.Generator, size: int) -> Arguments:
    arguments = _sharp(_one_query(rng, size), rng, size)
    if size == 7:  # values may be whole numbers
        arguments["value"] = np.rint(arguments["value"]).astype(int)
    return arguments


def _many_queries(rng: np.random.Generator, size: int) -> Arguments:
    """Draw queries fewer than the keys, as many, or a single one."""
    arguments = _one_query_and_sharpness(rng, size)
    n_k, d_k = arguments["key"].shape
    n_q = {1: 1, 3: 2, 6: 1, 9: n_k}.get(size, 2 + size // 3 + (2 + size // 3 == n_k))
    return arguments | {"query": rng.normal(size=(n_q, d_k))}


def _weather(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a log of directions and weather, and one day's weather."""
    n = 1 + size
    bearing = rng.uniform(0, 2 * np.pi, size=n)
    return _sharp(
        {
            "weather": rng.normal(size=3),
            "log_weather": rng.normal(size=(n, 3)),
            "log_direction": np.stack([np.sin(bearing), np.cos(bearing)], axis=1),
        },
        rng,
        size,
    )


def _soft(query, key, value, sharpness):
    return softmax(sharpness * (query @ key.T)) @ value


def _hard_by_loop(query, key, value):
    best, best_match = 0, -math.inf
    for i, k in enumerate(key):
        match = sum(a * b for a, b in zip(query, k, strict=True))
        if match > best_match:
            best, best_match = i, match
    return np.array(value[best])


HARD_LOOKUP = Exercise(
    name="hard_lookup",
    lesson=1,
    points=2,
    minutes=5,
    difficulty=1,
    inputs=_one_best,
    reference=hard_lookup,
    misconceptions=(
        Misconception(
            "it returns the key that matches best, not the value that belongs to it",
            lambda query, key, value: key[np.argmax(key @ query)],
        ),
        Misconception(
            "it returns the position of the best key: return the value in that row",
            lambda query, key, value: np.argmax(key @ query),
        ),
        Misconception(
            "it picks the key that matches worst: the best match is the largest "
            "dot product",
            lambda query, key, value: value[np.argmin(key @ query)],
        ),
        Misconception(
            "it picks the nearest key by distance: here a match is the dot product, "
            "and with keys of unequal lengths the two can disagree",
            lambda query, key, value: value[
                np.argmin(np.linalg.norm(key - query, axis=1))
            ],
        ),
        Misconception(
            "it ignores the sign of the match: a key that points the other way "
            "matches worst, not best",
            lambda query, key, value: value[np.argmax(np.abs(key @ query))],
        ),
    ),
    also_right=(
        _hard_by_loop,
        lambda query, key, value: value[np.argsort(-np.einsum("kd,d->k", key, query))][
            0
        ],
        lambda query, key, value: value[(query[None] @ key.T).argmax(axis=1)].squeeze(
            0
        ),
    ),
    hints=(
        "A key's match is its dot product with the query: one number for each key.",
        "`key @ query` holds the matches of all keys, shape (n_k,).",
        "`np.argmax` gives the position of the largest; `value` has its rows in the "
        "order of the keys.",
    ),
)


def _soft_by_loop(query, key, value, sharpness):
    total, blend = 0.0, np.zeros(value.shape[1])
    for k, v in zip(key, value, strict=True):
        weight = math.exp(sharpness * float(np.dot(query, k)))
        total += weight
        blend += weight * v
    return blend / total


_NOT_NORMALISED = Misconception(
    "the weights do not sum to 1: divide each by their sum",
    lambda query, key, value, sharpness: np.exp(sharpness * (query @ key.T)) @ value,
)
_NO_SHARPNESS = Misconception(
    "the sharpness has no effect: multiply the matches by it before `np.exp`; "
    "a factor outside cancels when you divide by the sum",
    lambda query, key, value, sharpness: softmax(query @ key.T) @ value,
)
_BLEND_OF_KEYS = Misconception(
    "it blends the keys: keys are only compared with, the answer is made of values",
    lambda query, key, value, sharpness: softmax(sharpness * (query @ key.T)) @ key,
)

SOFT_LOOKUP = Exercise(
    name="soft_lookup",
    lesson=1,
    points=3,
    minutes=10,
    difficulty=1,
    inputs=_one_query_and_sharpness,
    reference=_soft,
    misconceptions=(
        _BLEND_OF_KEYS,
        _NOT_NORMALISED,
        _NO_SHARPNESS,
        Misconception(
            "it divides the matches themselves by their sum: `np.exp` is missing, "
            "which makes every weight positive",
            lambda query, key, value, sharpness: (
                ((query @ key.T) / (query @ key.T).sum()) @ value
            ),
        ),
        Misconception(
            "it returns the best value alone: every value has a part in the blend",
            lambda query, key, value, sharpness: hard_lookup(query, key, value),
        ),
        Misconception(
            "it returns the plain mean of the values: the weights have no effect",
            lambda query, key, value, sharpness: value.mean(axis=0),
        ),
    ),
    also_right=(
        _soft_by_loop,
        lambda query, key, value, sharpness: np.average(
            value, axis=0, weights=np.exp(sharpness * key @ query)
        ),
        lambda query, key, value, sharpness: np.einsum(
            "k,kv->v", softmax(sharpness * np.inner(key, query)), value
        ).astype(np.float32),
    ),
    hints=(
        "Three steps: a match for each key, a weight for each match, a sum of values.",
        "A weight is `np.exp(sharpness * match)`, divided by the sum of these over "
        "all keys.",
        "With `weights` of shape (n_k,) and `value` of shape (n_k, d_v), "
        "`weights @ value` multiplies each row by its weight and adds the rows up.",
    ),
)


SOFT_LOOKUP_ALL = Exercise(
    name="soft_lookup_all",
    lesson=1,
    points=3,
    minutes=10,
    difficulty=2,
    inputs=_many_queries,
    reference=_soft,
    misconceptions=(
        Misconception(
            "the answer to query i is value i: the values are paired with the "
            "queries, but they belong to the keys",
            lambda query, key, value, sharpness: value[: len(query)],
        ),
        Misconception(
            "the weights of one key sum to 1 over the queries: each query shares out "
            "its own weights, so the sum runs over the keys, the last axis",
            lambda query, key, value, sharpness: (
                softmax(sharpness * (query @ key.T), axis=0) @ value
            ),
        ),
        Misconception(
            "all weights together sum to 1: each query needs its own sum; "
            "`keepdims=True` keeps the shapes apart",
            lambda query, key, value, sharpness: (
                np.exp(sharpness * (query @ key.T))
                @ value
                / np.exp(sharpness * (query @ key.T)).sum()
            ),
        ),
        _BLEND_OF_KEYS,
        _NOT_NORMALISED,
        _NO_SHARPNESS,
    ),
    also_right=(
        lambda query, key, value, sharpness: np.array(
            [_soft_by_loop(q, key, value, sharpness) for q in query]
        ),
        lambda query, key, value, sharpness: (
            softmax(sharpness * (key @ query.T), axis=0).T @ value
        ),
        lambda query, key, value, sharpness: np.einsum(
            "qk,kv->qv", softmax(sharpness * np.einsum("qd,kd->qk", query, key)), value
        ),
    ),
    hints=(
        "Matches of all pairs are one matrix product: which shape should it have, "
        "one row for each query and one column for each key?",
        "`query @ key.T` has shape (n_q, n_k). Each of its rows is one query's "
        "matches, and each row of weights must sum to 1.",
        "`weights.sum(axis=-1, keepdims=True)` has shape (n_q, 1) and divides row "
        "by row.",
    ),
)


def _wind(weather, log_weather, log_direction, sharpness):
    return _soft(weather, log_weather, log_direction, sharpness)


def _wind_by_loop(weather, log_weather, log_direction, sharpness):
    return _soft_by_loop(weather, log_weather, log_direction, sharpness)


WIND_FROM_WEATHER = Exercise(
    name="wind_from_weather",
    lesson=1,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_weather,
    reference=_wind,
    misconceptions=(
        Misconception(
            "it returns a blend of the weather that it searched through: that is the "
            "key here; the value is the direction",
            lambda weather, log_weather, log_direction, sharpness: _soft(
                weather, log_weather, log_weather, sharpness
            ),
        ),
        Misconception(
            "it returns one direction from the log: blend all of them",
            lambda weather, log_weather, log_direction, sharpness: hard_lookup(
                weather, log_weather, log_direction
            ),
        ),
        Misconception(
            "it stretches the answer to length 1: a blend of directions is shorter, "
            "and the shorter it is, the less the log agrees with itself",
            lambda weather, log_weather, log_direction, sharpness: (
                lambda d: d / np.linalg.norm(d)
            )(_wind(weather, log_weather, log_direction, sharpness)),
        ),
        Misconception(
            _NOT_NORMALISED.says,
            lambda weather, log_weather, log_direction, sharpness: (
                np.exp(sharpness * (log_weather @ weather)) @ log_direction
            ),
        ),
        Misconception(
            _NO_SHARPNESS.says,
            lambda weather, log_weather, log_direction, sharpness: _wind(
                weather, log_weather, log_direction, 1.0
            ),
        ),
    ),
    also_right=(
        _wind_by_loop,
        lambda weather, log_weather, log_direction, sharpness: np.average(
            log_direction, axis=0, weights=np.exp(sharpness * log_weather @ weather)
        ),
        lambda weather, log_weather, log_direction, sharpness: (
            log_direction.T @ softmax(sharpness * log_weather @ weather)
        ),
    ),
    hints=(
        "Which of the three do you already have, which do you compare it with, and "
        "which do you want to know?",
        "You hold today's weather: the query. You compare it with the weather in the "
        "log: the keys. You want a direction: the value.",
        "Your `soft_lookup` does the rest, called with the right three.",
    ),
)

EXERCISES = (HARD_LOOKUP, SOFT_LOOKUP, SOFT_LOOKUP_ALL, WIND_FROM_WEATHER)
