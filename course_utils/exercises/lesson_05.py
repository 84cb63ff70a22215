"""The exercises of lesson 05: scale the dot product."""

import math

import numpy as np

from course_utils.attention import scaled_dot_product_attention
from course_utils.exercises.draws import in_float32
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax


def _sizes(rng: np.random.Generator, size: int) -> list[int]:
    """Draw n_q, n_k, d_k and d_v: all different, none below 3, and d_k the largest."""
    sizes = rng.permutation(np.arange(3, 6)).tolist()
    n_q, n_k, d_v = (x + size // 4 for x in sizes)
    return [n_q, n_k, max(n_q, n_k, d_v) + 2 + size, d_v]


def _three_numbers(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a number of components and two standard deviations, none of them 1."""
    low, high = rng.uniform(0.3, 0.8), rng.uniform(1.3, 3)
    deviations = (low, high) if size % 2 else (high, low)
    return {
        "d_k": np.array(1 + size * size),
        "std_query": np.array(deviations[0]),
        "std_key": np.array(deviations[1]),
    }


def _variance(d_k, std_query, std_key):
    return d_k * std_query**2 * std_key**2


SCORE_VARIANCE = Exercise(
    name="score_variance",
    lesson=5,
    points=2,
    minutes=5,
    difficulty=1,
    inputs=_three_numbers,
    reference=_variance,
    misconceptions=(
        Misconception(
            "it is the standard deviation, not the variance: leave out the root",
            lambda d_k, std_query, std_key: math.sqrt(d_k) * std_query * std_key,
        ),
        Misconception(
            "the standard deviations are not squared: a variance is the square of a "
            "standard deviation",
            lambda d_k, std_query, std_key: d_k * std_query * std_key,
        ),
        Misconception(
            "it is the variance of one product: the score is the sum of d_k of them",
            lambda d_k, std_query, std_key: std_query**2 * std_key**2,
        ),
        Misconception(
            "the two variances are added: those of a sum are added, but here each "
            "component of the query is multiplied by one of the key",
            lambda d_k, std_query, std_key: d_k * (std_query**2 + std_key**2),
        ),
        Misconception(
            "it grows with the square of d_k: so it would if all d_k products were the "
            "same number; variances of independent numbers are added",
            lambda d_k, std_query, std_key: (d_k * std_query * std_key) ** 2,
        ),
        Misconception(
            "it takes all components to have variance 1: here they have the standard "
            "deviations that are given",
            lambda d_k, std_query, std_key: float(d_k),
        ),
    ),
    also_right=(
        lambda d_k, std_query, std_key: sum(
            (std_query * std_key) ** 2 for _ in range(d_k)
        ),
        lambda d_k, std_query, std_key: (math.sqrt(d_k) * std_query * std_key) ** 2,
        lambda d_k, std_query, std_key: np.prod(
            [d_k, std_query, std_query, std_key, std_key]
        ),
    ),
    hints=(
        "Go through the three steps of the lesson again, with variances that are not "
        "1.",
        "One product has the variance of its first factor times that of its second, "
        "because both have mean 0.",
        "A variance is a standard deviation squared, and the variances of d_k "
        "independent products add up.",
    ),
)


def _attention_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw stacks and single matrices, some in float32, some with huge scores.

    Each size and each further axis is 1 once.
    """
    n_q, n_k, d_k, d_v = _sizes(rng, size)
    n_q, n_k, d_v = {2: (1, n_k, d_v), 4: (n_q, 1, d_v), 6: (n_q, n_k, 1)}.get(
        size, (n_q, n_k, d_v)
    )
    leading = {3: (1,), 10: (1, 2)}.get(size, ((), (2,), (2, 3))[size // 3 % 3])
    arguments = {
        "query": rng.normal(size=(*leading, n_q, d_k)),
        "key": rng.normal(size=(*leading, n_k, d_k)),
        "value": rng.uniform(1, 9, size=(*leading, n_k, d_v)),
    }
    if size % 4 == 3:
        arguments["key"] *= 2000
    if size == 7:
        _move_below_0(**arguments)
    if size % 4 == 1:
        arguments = in_float32(arguments)
    return arguments


def _move_below_0(query: np.ndarray, key: np.ndarray, **_: np.ndarray) -> None:
    """Move all keys by one vector, so that the first query's scores are far below 0."""
    first = query[..., :1, :]
    most = (first @ _transposed(key)).max(axis=-1, keepdims=True)
    key -= (most + 9000) / (first**2).sum(axis=-1, keepdims=True) * first


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _with_scale(scale):
    """Return attention with another scale, a function of query, key and value."""

    def attention(query, key, value):
        scores = query @ _transposed(key) * float(scale(query, key, value))
        return softmax(scores) @ value

    return attention


def _attention_by_loop(query, key, value):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), value.dtype)
    for place in np.ndindex(query.shape[:-1]):
        stack = place[:-1]
        scores = np.array(
            [query[place] @ k / math.sqrt(len(k)) for k in key[stack]], query.dtype
        )
        weights = np.exp(scores - scores.max())
        output[place] = weights @ value[stack] / weights.sum()
    return output


def _scaled_query_first(query, key, value):
    scaled = query / query.shape[-1] ** 0.5
    scores = np.einsum("...qd,...kd->...qk", scaled, key)
    return np.einsum("...qk,...kv->...qv", softmax(scores), value)


def _divided_at_the_end(query, key, value):
    scores = query @ _transposed(key) / math.sqrt(query.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights @ value) / weights.sum(axis=-1, keepdims=True)


def _naive(query, key, value):
    weights = np.exp(query @ _transposed(key) * query.shape[-1] ** -0.5)
    return weights / weights.sum(axis=-1, keepdims=True) @ value


def _promoted(query, key, value):
    scores = query @ _transposed(key) * (1 / np.sqrt(query.shape[-1]))
    return softmax(scores) @ value


SCALED_DOT_PRODUCT_ATTENTION = Exercise(
    name="scaled_dot_product_attention",
    lesson=5,
    points=3,
    minutes=10,
    difficulty=2,
    inputs=_attention_inputs,
    reference=scaled_dot_product_attention,
    misconceptions=(
        Misconception(
            "the scale is missing: the spread of the scores grows with the root of d_k",
            _with_scale(lambda query, key, value: 1),
        ),
        Misconception(
            "it divides by d_k: the root is missing",
            _with_scale(lambda query, key, value: 1 / query.shape[-1]),
        ),
        Misconception(
            "it multiplies by the root of d_k: that makes large scores larger; divide",
            _with_scale(lambda query, key, value: query.shape[-1] ** 0.5),
        ),
        Misconception(
            "it divides by the root of n_k, the number of keys: the score is a sum "
            "over the d_k components of a key",
            _with_scale(lambda query, key, value: key.shape[-2] ** -0.5),
        ),
        Misconception(
            "it divides by the root of d_v: the values take no part in the scores",
            _with_scale(lambda query, key, value: value.shape[-1] ** -0.5),
        ),
        Misconception(
            "the scale comes after the softmax: there it shrinks the weights, which "
            "no longer sum to 1; scale the scores",
            lambda query, key, value: (
                softmax(query @ _transposed(key)) * query.shape[-1] ** -0.5 @ value
            ),
        ),
        Misconception(
            "the weights of one key sum to 1 over the queries: each query shares out "
            "its own weights, over the keys, the last axis",
            lambda query, key, value: (
                softmax(query @ _transposed(key) * query.shape[-1] ** -0.5, axis=-2)
                @ value
            ),
        ),
        Misconception(
            "large scores overflow: subtract the largest score of each row before "
            "`np.exp`, or use `softmax`",
            _naive,
        ),
        Misconception(
            "the result is float64 where the arguments are float32: `np.sqrt` returns "
            "a NumPy float64, which promotes all that it meets; `d_k ** -0.5` is a "
            "plain number and does not",
            _promoted,
        ),
    ),
    also_right=(_attention_by_loop, _scaled_query_first, _divided_at_the_end),
    hints=(
        "Four steps: scores, scale, softmax, weighted sum. Which axis of `query` is "
        "d_k?",
        "`key.swapaxes(-1, -2)` transposes the last two axes and leaves those in front "
        "alone; `query.shape[-1]` is d_k.",
        "`softmax(query @ key.swapaxes(-1, -2) * d_k**-0.5)` are the weights. They "
        "keep float32 if d_k is a Python number.",
    ),
    may_use=("softmax",),
    keeps_dtype=True,
)


def _vectors_of_any_size(rng: np.random.Generator, size: int) -> Arguments:
    """Draw queries and keys whose components have unequal sizes, none near 1."""
    n_q, n_k, d_k, _ = _sizes(rng, size)
    n_q, n_k = {2: (1, n_k), 4: (n_q, 1)}.get(size, (n_q, n_k))
    small, large = rng.uniform(0.05, 0.4), rng.uniform(3, 9)
    of_query, of_key = (small, large) if size % 2 else (large, small / 4)
    if size % 4 == 3:
        of_query, of_key = small / 4, small / 4
    return {
        "query": rng.normal(size=(n_q, d_k)) * of_query,
        "key": rng.normal(size=(n_k, d_k)) * of_key,
    }


def _mean_square(x):
    return float(np.mean(x**2))


def _unit_scale(query, key):
    variance = query.shape[-1] * _mean_square(query) * _mean_square(key)
    return variance**-0.5


def _unit_scale_by_loop(query, key):
    squares = [0.0, 0.0]
    for i, x in enumerate((query, key)):
        for row in x:
            for component in row:
                squares[i] += component**2 / x.size
    return 1 / math.sqrt(len(query[0]) * squares[0] * squares[1])


def _unit_scale_by_lengths(query, key):
    size = math.sqrt(len(query) * len(key) * query.shape[1])
    return size / (np.linalg.norm(query) * np.linalg.norm(key))


UNIT_SCALE = Exercise(
    name="unit_scale",
    lesson=5,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_vectors_of_any_size,
    reference=_unit_scale,
    misconceptions=(
        Misconception(
            "it is one over the root of d_k alone: that fits components of variance 1; "
            "these have other variances",
            lambda query, key: query.shape[-1] ** -0.5,
        ),
        Misconception(
            "the root is missing: one over the variance of the scores makes their "
            "spread too small or too large",
            lambda query, key: (
                1 / (query.shape[-1] * _mean_square(query) * _mean_square(key))
            ),
        ),
        Misconception(
            "it is the spread itself: the scores are multiplied by the scale, so the "
            "scale is one over it",
            lambda query, key: 1 / _unit_scale(query, key),
        ),
        Misconception(
            "d_k is missing: a score is the sum of d_k products",
            lambda query, key: (_mean_square(query) * _mean_square(key)) ** -0.5,
        ),
        Misconception(
            "it counts the keys instead of their components: d_k is the last axis",
            lambda query, key: (
                (len(key) * _mean_square(query) * _mean_square(key)) ** -0.5
            ),
        ),
        Misconception(
            "it adds the variances of query and key: each component of the one is "
            "multiplied by one of the other, so their variances are multiplied",
            lambda query, key: (
                (query.shape[-1] * (_mean_square(query) + _mean_square(key))) ** -0.5
            ),
        ),
    ),
    also_right=(_unit_scale_by_loop, _unit_scale_by_lengths, _unit_scale),
    hints=(
        "Exercise 1 gives the variance of the scores from d_k and two standard "
        "deviations. Here you have the numbers themselves.",
        "`np.mean(query**2)` is the variance of the components of all queries, since "
        "their mean is 0.",
        "If the scores have the variance v, then scores times v ** -0.5 have the "
        "variance 1.",
    ),
)


def _keys_and_weight(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a number of keys, once 2, and a weight that is more than an equal share."""
    n_k = 2 if size in (0, 6) else int(rng.integers(3, 12)) ** (1 + size % 3)
    low = 0.6 if size % 2 else 0.9
    weight = rng.uniform(low, low + 0.09) if n_k > 2 else rng.uniform(0.6, 0.7)
    return {"n_k": np.array(n_k), "weight": np.array(weight)}


def _scale_for(n_k, weight):
    return math.log((n_k - 1) * weight / (1 - weight)) / 2


def _scale_by_halving(n_k, weight):
    low, high = 0.0, 100.0
    cosines = np.array([1.0, *[-1.0] * (n_k - 1)])
    for _ in range(100):
        middle = (low + high) / 2
        enough = softmax(middle * cosines)[0] >= weight
        low, high = (low, middle) if enough else (middle, high)
    return high


SCALE_FOR_WEIGHT = Exercise(
    name="scale_for_weight",
    lesson=5,
    points=3,
    minutes=15,
    difficulty=3,
    inputs=_keys_and_weight,
    reference=_scale_for,
    misconceptions=(
        Misconception(
            "it takes the other keys to be at right angles, with a cosine of 0: best "
            "for the one is when all others point the opposite way, to −1",
            lambda n_k, weight: 2 * _scale_for(n_k, weight),
        ),
        Misconception(
            "it counts n_k other keys: the best key is one of the n_k",
            lambda n_k, weight: _scale_for(n_k + 1, weight),
        ),
        Misconception(
            "it compares the weight with 1, the whole: the other keys together get "
            "1 − weight",
            lambda n_k, weight: math.log((n_k - 1) * weight) / 2,
        ),
        Misconception(
            "it is made for one other key: there are n_k − 1, and each has its say",
            lambda n_k, weight: _scale_for(2, weight),
        ),
        Misconception(
            "it is the temperature, one over the scale",
            lambda n_k, weight: 1 / _scale_for(n_k, weight),
        ),
        Misconception(
            "the logarithm is missing: the ratio of the weights is the exponential of "
            "the scale times the difference of the cosines",
            lambda n_k, weight: (n_k - 1) * weight / (1 - weight) / 2,
        ),
    ),
    also_right=(
        _scale_by_halving,
        lambda n_k, weight: 0.5 * np.log(n_k - 1) + np.arctanh(2 * weight - 1),
        lambda n_k, weight: -np.log((1 / weight - 1) / (n_k - 1)) / 2,
    ),
    hints=(
        "Which cosines let the best key win by most? Write down its weight, as a "
        "fraction, with those.",
        "With cosines 1 and −1, each other key gets e to the power −2 · scale times "
        "what the best gets. There are n_k − 1 of them.",
        "weight / (1 − weight) = e^(2 · scale) / (n_k − 1). Solve for the scale.",
    ),
)

EXERCISES = (
    SCORE_VARIANCE,
    SCALED_DOT_PRODUCT_ATTENTION,
    UNIT_SCALE,
    SCALE_FOR_WEIGHT,
)
