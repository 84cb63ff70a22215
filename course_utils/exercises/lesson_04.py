"""The exercises of lesson 04: mix values by weight."""

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.pooling import attend, leave_one_out, nadaraya_watson
from course_utils.scores import gaussian_score
from course_utils.softmax import softmax


def _halved(arguments: Arguments, size: int) -> Arguments:
    """Hand every third set of arguments over as float32."""
    return in_float32(arguments) if size % 3 == 2 else arguments


def _weights_and_values(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights, some of them for a query that may see nothing.

    Some do not sum to 1, each size is 1 once, and once all values are whole numbers.
    """
    sizes = {2: (1, 4, 2), 4: (3, 1, 2), 6: (4, 5, 1), 8: (4, 4, 3)}
    n_q, n_k, d_v = sizes.get(size, (2 + size // 2, 3 + size, 2 + size % 3))
    weights = softmax(2 * rng.normal(size=(n_q, n_k)))
    if size % 2:
        weights[rng.integers(n_q)] = 0
    if size == 7:
        weights[weights.any(axis=1).argmax()] *= 0.5
    value = rng.normal(size=(n_k, d_v)) * 5 + 2
    if size in (1, 10):
        value = np.rint(value).astype(int)
    return _halved({"weights": weights, "value": value}, size)


def _attend_by_loop(weights, value):
    output = np.zeros((len(weights), value.shape[1]))
    for i, row in enumerate(weights):
        for w, v in zip(row, value, strict=True):
            output[i] += w * v
    return output


ATTEND = Exercise(
    name="attend",
    lesson=4,
    points=2,
    minutes=6,
    difficulty=1,
    inputs=_weights_and_values,
    reference=attend,
    misconceptions=(
        Misconception(
            "it multiplies element by element and does not add up: the axis of the "
            "keys must be summed away, as a matrix product does",
            lambda weights, value: weights[:, :, None] * value,
        ),
        Misconception(
            "it takes the mean over the keys, not the sum: the weights share out the "
            "whole already, so there is nothing left to divide by",
            lambda weights, value: weights @ value / value.shape[0],
        ),
        Misconception(
            "it divides by the sum of the weights again: a row of weights that is 0 "
            "throughout becomes nan, and its mix should be 0",
            lambda weights, value: weights @ value / weights.sum(axis=1, keepdims=True),
        ),
        Misconception(
            "it returns the one value with the largest weight: mix all of them",
            lambda weights, value: value[np.argmax(weights, axis=1)],
        ),
        Misconception(
            "it returns the transpose: each query's mix should be a row, of shape "
            "(d_v,), and here it is a column",
            lambda weights, value: value.T @ weights.T,
        ),
        Misconception(
            "it adds the queries up: each of them has a row of weights, and gets a mix "
            "of its own",
            lambda weights, value: weights.sum(axis=0) @ value,
        ),
    ),
    also_right=(
        _attend_by_loop,
        lambda weights, value: np.einsum("qk,kv->qv", weights, value),
        lambda weights, value: (weights[:, :, None] * value).sum(axis=1),
        lambda weights, value: (value.T @ weights.T).T,
    ),
    hints=(
        "Write the shapes down: which axis do both arguments share, and which axes "
        "does the result keep?",
        "(n_q, n_k) and (n_k, d_v) give (n_q, d_v): the axis in the middle is summed "
        "away. Which operator does that?",
        "`weights @ value`.",
    ),
)


def _points_and_rulers(rng: np.random.Generator, size: int) -> Arguments:
    """Draw mixes, and points that are pushed out of the hull to either side.

    Some are pushed by very little; in three cases all numbers are whole, so that some
    readings are exactly the highest and the lowest.
    """
    if size in (2, 3, 8):
        return _points_on_the_edge(rng, size)
    n_k, n_r, d_v = 4 + size // 2, 3 + size // 3, 2 + size // 5
    n_r = 1 if size == 1 else n_r
    value = rng.normal(size=(n_k, d_v)) * rng.uniform(1, 5, size=d_v) + 3
    ruler = rng.normal(size=(n_r, d_v))
    inside = rng.dirichlet(np.full(n_k, 0.5), size=3 + size) @ value
    readings = value @ ruler.T  # (n_k, n_r)
    pushed = [inside]
    for ends, side in ((readings.argmax(axis=0), 1), (readings.argmin(axis=0), -1)):
        out = side * rng.uniform(0.2, 1, size=(n_r, 1)) * ruler
        out[[0, -1]] *= 1e-3  # so little that no other ruler shows it
        pushed.append(value[ends] + out)
    point = rng.permutation(np.concatenate(pushed))
    if size == 0:  # a single point, outside
        point = point[_outside_hull(point, value, ruler)][:1]
    return {"point": point, "value": value, "ruler": ruler}


def _points_on_the_edge(rng: np.random.Generator, size: int) -> Arguments:
    """Draw whole numbers; the points are the values, and others, in some order."""
    n_k, d_v = 1 if size == 2 else 4 + size // 2, 2 + size // 5
    value = rng.integers(-9, 10, size=(n_k, d_v))
    ruler = rng.integers(-3, 4, size=(2, d_v))
    ruler[:, 0] = 1, 2
    others = rng.integers(-15, 16, size=(n_k, d_v))
    point = rng.permutation(np.concatenate([value, others]))
    drawn = {"point": point, "value": value, "ruler": ruler}
    return {name: x.astype(float) for name, x in drawn.items()}


def _outside_hull(point, value, ruler):
    of_points, of_values = point @ ruler.T, value @ ruler.T
    above = of_points > of_values.max(axis=0)
    below = of_points < of_values.min(axis=0)
    return (above | below).any(axis=1)


def _outside_by_loop(point, value, ruler):
    outside = np.zeros(len(point), dtype=bool)
    for r in ruler:
        readings = [v @ r for v in value]
        for i, p in enumerate(point):
            if not min(readings) <= p @ r <= max(readings):
                outside[i] = True
    return outside


def _outside_by_clipping(point, value, ruler):
    readings = value @ ruler.T
    of_points = point @ ruler.T
    inside = np.clip(of_points, readings.min(axis=0), readings.max(axis=0))
    return np.any(of_points != inside, axis=1)


OUTSIDE_HULL = Exercise(
    name="outside_hull",
    lesson=4,
    points=3,
    minutes=12,
    difficulty=2,
    inputs=_points_and_rulers,
    reference=_outside_hull,
    misconceptions=(
        Misconception(
            "it looks at one end of the ruler only: a point below the lowest reading "
            "is outside as well",
            lambda point, value, ruler: (
                point @ ruler.T > (value @ ruler.T).max(axis=0)
            ).any(axis=1),
        ),
        Misconception(
            "it asks that every ruler proves the point outside: one proof is enough",
            lambda point, value, ruler: (
                (point @ ruler.T > (value @ ruler.T).max(axis=0))
                | (point @ ruler.T < (value @ ruler.T).min(axis=0))
            ).all(axis=1),
        ),
        Misconception(
            "True and False are swapped: True means that a ruler proves the point "
            "outside",
            lambda point, value, ruler: ~_outside_hull(point, value, ruler),
        ),
        Misconception(
            "it compares column by column and does not use the rulers: each column in "
            "range is not enough, and it is not what was asked",
            lambda point, value, ruler: (
                (point > value.max(axis=0)) | (point < value.min(axis=0))
            ).any(axis=1),
        ),
        Misconception(
            "it takes one highest and one lowest reading for all rulers: each ruler "
            "has its own, over `axis=0`, the values",
            lambda point, value, ruler: (
                (point @ ruler.T > (value @ ruler.T).max())
                | (point @ ruler.T < (value @ ruler.T).min())
            ).any(axis=1),
        ),
        Misconception(
            "it returns one answer for each ruler: for each point, ask whether any "
            "ruler proves it outside, with `any` over the axis of the rulers",
            lambda point, value, ruler: (
                (point @ ruler.T > (value @ ruler.T).max(axis=0))
                | (point @ ruler.T < (value @ ruler.T).min(axis=0))
            ),
        ),
    ),
    also_right=(
        _outside_by_loop,
        lambda point, value, ruler: (
            ~np.all(
                (ruler @ point.T <= (ruler @ value.T).max(axis=1, keepdims=True))
                & (ruler @ point.T >= (ruler @ value.T).min(axis=1, keepdims=True)),
                axis=0,
            )
        ),
        _outside_by_clipping,
    ),
    hints=(
        "Read every point and every value on every ruler: two matrix products.",
        "`value @ ruler.T` has shape (n_k, n_r). Its highest and its lowest entry in "
        "each column are what a mix cannot leave.",
        "`point @ ruler.T` has shape (n_q, n_r). Compare it with the highest and the "
        "lowest reading of each ruler, join the two by `|`, and let `any` look along "
        "the rulers.",
    ),
)


def _measurements(rng: np.random.Generator, size: int) -> Arguments:
    """Draw measurements; in some sets one lies very far from the others.

    Once there are only two, twice two lie at one place, once values are whole numbers.
    """
    n, d = 3 + size - (size == 0), 1 + size % 3
    d_v = 1 + (size + 1) % 3
    key = 1.5 * rng.normal(size=(n, d))
    if size in (4, 6):
        key[rng.permutation(n)[:2]] = np.rint(key[0])
    if size % 2 and size % 3 != 2:  # in float32 such scores are too coarse
        key[rng.integers(n)] += 80
    value = rng.normal(size=(n, d_v)) * 5
    drawn = {
        "key": key,
        "value": np.rint(value).astype(int) if size in (3, 10) else value,
        "bandwidth": np.array(rng.uniform(0.7, 1.4)),
    }
    return _halved(drawn, size)


def _hidden(key, bandwidth):
    """Return the scores of all pairs, −inf for a place with itself."""
    scores = gaussian_score(key, key, bandwidth)
    np.fill_diagonal(scores, -np.inf)
    return scores


def _leave_one_out_by_loop(key, value, bandwidth):
    predicted = []
    for i in range(len(key)):
        others = np.arange(len(key)) != i
        scores = -((key[others] - key[i]) ** 2).sum(axis=1) / (2 * bandwidth**2)
        weights = np.exp(scores - scores.max())
        predicted.append(weights @ value[others] / weights.sum())
    return np.array(predicted)


def _leave_one_out_by_subtracting(key, value, bandwidth):
    square = ((key[:, None] - key) ** 2).sum(axis=-1)
    square[np.arange(len(key)), np.arange(len(key))] = np.inf
    nearest = square.min(axis=1, keepdims=True)
    weights = np.exp((nearest - square) / (2 * bandwidth**2))
    return weights @ value / weights.sum(axis=1, keepdims=True)


def _kernel_without_maximum(key, value, bandwidth):
    weights = np.exp(gaussian_score(key, key, bandwidth))
    np.fill_diagonal(weights, 0)
    return weights @ value / weights.sum(axis=1, keepdims=True)


def _hidden_too_late(key, value, bandwidth):
    weights = softmax(gaussian_score(key, key, bandwidth))
    np.fill_diagonal(weights, 0)
    return weights @ value


LEAVE_ONE_OUT = Exercise(
    name="leave_one_out",
    lesson=4,
    points=3,
    minutes=12,
    difficulty=2,
    inputs=_measurements,
    reference=leave_one_out,
    misconceptions=(
        Misconception(
            "each place has a say in its own prediction: its value must be left out",
            lambda key, value, bandwidth: nadaraya_watson(key, key, value, bandwidth),
        ),
        Misconception(
            "each place's own weight is set to 0 after the softmax, so the others no "
            "longer sum to 1: hide the score before the softmax",
            _hidden_too_late,
        ),
        Misconception(
            "the sum runs over the wrong axis: the weights of one query, a row, sum to "
            "1, and are multiplied with the values one by one",
            lambda key, value, bandwidth: (
                softmax(_hidden(key, bandwidth), axis=0) @ value
            ),
        ),
        Misconception(
            "far from all others every `np.exp` is 0, and 0 divided by 0 is nan: "
            "`softmax` subtracts the maximum first",
            _kernel_without_maximum,
        ),
        Misconception(
            "it returns the plain mean of the others: near places should weigh more",
            lambda key, value, bandwidth: (
                (value.sum(axis=0) - value) / (len(value) - 1)
            ),
        ),
        Misconception(
            "it returns the value of the nearest other place alone: mix all others",
            lambda key, value, bandwidth: value[
                np.argmax(_hidden(key, bandwidth), axis=1)
            ],
        ),
        Misconception(
            "the bandwidth is not squared: the score is −distance² / (2·bandwidth²)",
            lambda key, value, bandwidth: leave_one_out(
                key, value, float(np.sqrt(bandwidth))
            ),
        ),
    ),
    also_right=(
        _leave_one_out_by_loop,
        _leave_one_out_by_subtracting,
        lambda key, value, bandwidth: softmax(_hidden(key, bandwidth)) @ value,
        lambda key, value, bandwidth: np.concatenate(
            [
                nadaraya_watson(
                    key[i : i + 1],
                    np.delete(key, i, axis=0),
                    np.delete(value, i, axis=0),
                    bandwidth,
                )
                for i in range(len(key))
            ]
        ),
    ),
    hints=(
        "If every measurement asks every other, how many scores are there, and where "
        "among them does a place ask itself?",
        "`gaussian_score(key, key, bandwidth)` has shape (n, n); the diagonal is to "
        "get no weight. Which score gives the weight 0?",
        "`np.fill_diagonal(scores, -np.inf)` changes the scores in place and returns "
        "None. Then `softmax(scores)` shares out the whole among the others.",
    ),
    may_use=("gaussian_score", "softmax"),
)


def _weights_with_a_fault(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the weights of leaving one out, right or with one of four faults."""
    n = 4 + size
    kind = turn(rng, size)
    # Close together, the own weight of each is small.
    key = rng.normal(size=(n, 2)) * (0.1 if kind == 7 else 1)
    scores = gaussian_score(key, key, 1.0)
    own = np.eye(n, dtype=bool)
    hidden = np.where(own, -np.inf, scores)
    weights = (
        softmax(hidden),
        softmax(scores),
        np.where(own, 0, softmax(scores)),
        softmax(hidden, axis=0),
        softmax(hidden.ravel()).reshape(n, n),
    )[kind % 5]
    return _halved({"weights": weights}, size)


def _close(sums):
    return bool(np.allclose(sums, 1, atol=1e-4))


def _diagnose(weights):
    if _close(weights.sum(axis=1)):
        return int(np.any(np.diag(weights) > 0))
    if _close(weights.sum(axis=0)):
        return 3
    return 4 if _close(weights.sum()) else 2


def _diagnose_by_select(weights):
    rows, columns = (np.abs(weights.sum(axis=i) - 1).max() < 1e-4 for i in (1, 0))
    own, whole = np.trace(weights) > 1e-6, abs(weights.sum() - 1) < 1e-4
    return np.select([rows & own, rows, columns, whole], [1, 0, 3, 4], 2)


def _diagnose_by_elimination(weights):
    if weights.diagonal().any():
        return 1
    sums = {0: weights.sum(axis=1), 3: weights.sum(axis=0), 4: weights.sum()}
    for fault, each in sums.items():
        if np.isclose(each, 1, atol=1e-4).all():
            return fault
    return 2


def _diagnose_exactly(weights):
    if (weights.sum(axis=1) == 1).all():
        return int(np.any(np.diag(weights) > 0))
    if (weights.sum(axis=0) == 1).all():
        return 3
    return 4 if weights.sum() == 1 else 2


def _diagnose_by_rows(weights):
    if (weights.sum(axis=1) < 0.9999).all():
        return 2
    return _diagnose(weights)


DIAGNOSE_MIX = Exercise(
    name="diagnose_mix",
    lesson=4,
    points=2,
    minutes=10,
    difficulty=3,
    inputs=_weights_with_a_fault,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "rows and columns are swapped: `sum(axis=1)` adds along the keys, and "
            "gives one sum for each query, a row",
            lambda weights: _diagnose(weights.T),
        ),
        Misconception(
            "it compares sums with 1 exactly: rounding keeps them a little off, and "
            "`np.allclose` allows for that",
            _diagnose_exactly,
        ),
        Misconception(
            "it looks at the diagonal alone: where that is 0, the sums tell the other "
            "faults apart",
            lambda weights: int(np.any(np.diag(weights) > 0)),
        ),
        Misconception(
            "it looks at the row sums alone: the diagonal, the columns and the sum of "
            "all tell the faults apart",
            lambda weights: 0 if _close(weights.sum(axis=1)) else 2,
        ),
        Misconception(
            "it takes all rows below 1 for fault 2: they are in fault 4 as well, so "
            "look at the sum of all weights first",
            _diagnose_by_rows,
        ),
        Misconception(
            "it never says 0: weights whose rows sum to 1 and whose diagonal is 0 have "
            "no fault",
            lambda weights: max(1, _diagnose(weights)),
        ),
    ),
    also_right=(
        _diagnose_by_select,
        _diagnose_by_elimination,
        lambda weights: np.argmax(
            [
                _close(weights.sum(axis=1)) and not np.diag(weights).any(),
                np.diag(weights).any(),
                not any(_close(weights.sum(axis=i)) for i in (0, 1, None)),
                _close(weights.sum(axis=0)) and not _close(weights.sum(axis=1)),
                _close(weights.sum()),
            ]
        ),
    ),
    hints=(
        "Write down for each of the five what the rows sum to, what the columns sum "
        "to, and what stands on the diagonal. Which lines of your table differ where?",
        "Begin with the rows: `np.allclose(weights.sum(axis=1), 1)` holds for 0 and 1 "
        "only, and `np.diag(weights)` tells these two apart.",
        "Of the other three, one has columns that sum to 1, and one has a sum of 1 "
        "over all weights. What is left is 2.",
    ),
)

EXERCISES = (ATTEND, OUTSIDE_HULL, LEAVE_ONE_OUT, DIAGNOSE_MIX)
