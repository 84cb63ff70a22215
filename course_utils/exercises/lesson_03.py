"""The exercises of lesson 03: turn scores into weights."""

import math

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import entropy, softmax

Floats = NDArray[np.floating]


def _shape(size: int) -> tuple[int, ...]:
    """Return a shape of one to three axes of different lengths; each is 1 once."""
    if size in (5, 7, 9):
        return {5: (2, 1, 4), 7: (1, 5), 9: (1,)}[size]
    n_q, n_k = 2 + size // 4, 3 + size // 2
    leading = (2 + size // 6 + (2 + size // 6 == n_q),)
    return ((n_k,), (n_q, n_k), (*leading, n_q, n_k))[size % 3]


def _far_apart(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw shifts that lie around −1000, 0 and 1000, each of them at least once."""
    count = math.prod(shape)
    which = np.arange(count) % 3 - 1 if count > 1 else rng.integers(-1, 2, size=1)
    rng.shuffle(which)
    return (which * rng.uniform(900, 1100, size=count)).reshape(shape)


def _rows_of_scores(rng: np.random.Generator, size: int) -> Arguments:
    """Draw rows of scores; most lie far from 0, and from each other."""
    shape = _shape(size)
    x = rng.normal(size=shape) * 2
    if size in (1, 3):  # far for float32
        x[0] -= 200
        return {"x": (x + 300 * (size == 3)).astype(np.float32)}
    if size == 0:  # whole numbers, far below 0
        return {"x": np.rint(x).astype(int) - 1000}
    if size == 4:  # one row just out of the reach of `exp`
        x[0] -= rng.uniform(800, 950)
    elif size == 6:  # one score far above the others
        x[..., rng.integers(shape[-1])] += 2000
    elif size > 3:
        x = x + _far_apart(rng, (*shape[:-1], 1))
    return {"x": x}


def _scores_axis_temperature(rng: np.random.Generator, size: int) -> Arguments:
    """Draw scores, an axis that often is not the last, and a temperature far from 1."""
    shape = (2 + size // 4, 3 + size // 3, 5 + size // 4)[size % 2 :]
    if size in (3, 4):
        shape = {3: (1, 4), 4: (2, 1, 3)}[size]
    axis = (2, 0, 1, 1, 0, 0)[size % 6]  # of three axes, of two, of three, …
    x = rng.normal(size=shape) * 2
    if size == 1:
        x = x.astype(np.float32)
    elif size == 2:
        x = np.rint(x).astype(int)
    elif size == 6:  # one slice just out of the reach of `exp`
        x[0] -= rng.uniform(800, 950)
    elif size > 4:
        x = x + _far_apart(rng, (*shape[:axis], 1, *shape[axis + 1 :]))
    if size % 4 > 1:
        axis -= len(shape)
    hot = rng.uniform(1.6, 4) if size % 3 else rng.uniform(0.25, 0.6)
    return {"x": x, "axis": np.array(axis), "temperature": np.array(hot)}


def _some_weights(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights, of which some are exactly 0 in all but the smallest cases.

    Rows have unequal numbers of zeros; some weights are very small, some rows have one.
    """
    shape = _shape(size)
    score = rng.normal(size=shape) * rng.uniform(0.5, 2)
    weights = softmax(score)
    if size in (6, 8, 11):
        weights[..., :3] *= (1e-3, 1e-4, 1e-5)
    if size >= 2 and shape[-1] > 1:
        weights[..., -1] = 0
        weights[*np.zeros(len(shape) - 1, int), -2] = 0
    if size in (5, 10):  # all weight on one key
        weights = np.eye(shape[-1])[weights.argmax(axis=-1)]
    weights /= weights.sum(axis=-1, keepdims=True)
    if size == 4:
        weights = weights.astype(np.float32)
    return {"weights": weights}


def _chances_and_logits(rng: np.random.Generator, size: int) -> Arguments:
    """Draw logits that are shifted, and the chances that they become.

    Often the two likeliest tie, or the first two do, or a logit is so low that its
    chance is 0; once there are two tokens.
    """
    n = 2 if size == 7 else 5 + size // 2
    hot = rng.uniform(0.2, 0.6) if turn(rng, size) % 2 else rng.uniform(1.6, 5)
    logits = rng.normal(size=n) * 2
    logits[rng.integers(n)] += 3
    if size % 3 == 1 and n > 2:  # the first two tie
        logits[1] = logits[0]
    if size % 3 == 2:  # the two likeliest tie
        rest = logits.argsort()
        logits[rest[-2]] = logits[rest[-1]]
    if size % 4 == 3 and n > 2:
        logits[logits.argmin()] -= 10_000
    chances = softmax(logits, temperature=hot)
    return {"chances": chances, "logits": logits + rng.uniform(-30, 30)}


def _divided(weight: Floats, axis: int = -1) -> Floats:
    return weight / weight.sum(axis=axis, keepdims=True)


def _softmax_by_loop(x, temperature=1.0):
    if x.ndim > 1:
        return np.array([_softmax_by_loop(row, temperature) for row in x])
    most = max(float(s) for s in x)
    weights = [math.exp((float(s) - most) / temperature) for s in x]
    return np.array([w / sum(weights) for w in weights])


STABLE_SOFTMAX = Exercise(
    name="stable_softmax",
    lesson=3,
    points=3,
    minutes=10,
    difficulty=1,
    inputs=_rows_of_scores,
    reference=softmax,
    misconceptions=(
        Misconception(
            "large scores overflow: subtract the maximum of each row before `np.exp`",
            lambda x: _divided(np.exp(x)),
        ),
        Misconception(
            "one maximum is subtracted from all rows, and a row far below it becomes "
            "0 / 0: each row needs its own, with `axis=-1, keepdims=True`",
            lambda x: _divided(np.exp(x - x.max())),
        ),
        Misconception(
            "all weights together sum to 1: each row must sum to 1 by itself, so take "
            "the sum over the last axis",
            lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
        ),
        Misconception(
            "the weights sum to 1 down the first axis: they must sum to 1 along each "
            "row, the last axis",
            lambda x: softmax(x, axis=0),
        ),
        Misconception(
            "the maximum is taken as at least 0, so a row of very negative scores "
            "becomes 0 / 0: subtract the maximum of the row, whatever its sign",
            lambda x: _divided(
                np.exp(x - np.maximum(x.max(axis=-1, keepdims=True), 0))
            ),
        ),
        Misconception(
            "the scores are cut off at a limit, which makes different scores equal: "
            "shift the row, do not clip it",
            lambda x: _divided(np.exp(np.clip(x, -700, 700))),
        ),
        Misconception(
            "the mean of the row is subtracted: a score far above the others still "
            "overflows; with the maximum no exponent is above 0",
            lambda x: _divided(np.exp(x - x.mean(axis=-1, keepdims=True))),
        ),
        Misconception(
            "the weights of a row do not sum to 1: divide by their sum",
            lambda x: np.exp(x - x.max(axis=-1, keepdims=True)),
        ),
    ),
    also_right=(
        _softmax_by_loop,
        lambda x: np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True)),
        lambda x: 1 / np.exp(x[..., None, :] - x[..., :, None]).sum(axis=-1),
        lambda x: np.apply_along_axis(
            lambda row: np.exp(row - row.max()) / np.exp(row - row.max()).sum(), -1, x
        ),
    ),
    hints=(
        "Which number may you subtract from a whole row without changing its weights?",
        "`x.max(axis=-1, keepdims=True)` has one number for each row, and subtracts "
        "row by row.",
        "Then `np.exp`, then divide by the sum, again with `axis=-1, keepdims=True`.",
    ),
)


SOFTMAX = Exercise(
    name="softmax",
    lesson=3,
    points=3,
    minutes=10,
    difficulty=2,
    inputs=_scores_axis_temperature,
    reference=softmax,
    misconceptions=(
        Misconception(
            "the scores are multiplied by the temperature: divide by it, so that a "
            "higher one makes the weights flatter",
            lambda x, axis, temperature: softmax(x * temperature, axis),
        ),
        Misconception(
            "the temperature has no effect: divide the scores by it before `np.exp`; "
            "a factor outside cancels when you divide by the sum",
            lambda x, axis, temperature: softmax(x, axis),
        ),
        Misconception(
            "the weights are divided by the temperature, not the scores: they no "
            "longer sum to 1",
            lambda x, axis, temperature: softmax(x, axis) / temperature,
        ),
        Misconception(
            "it always works along the last axis: `axis` says along which one the "
            "weights sum to 1",
            lambda x, axis, temperature: softmax(x, -1, temperature),
        ),
        Misconception(
            "the maximum is taken along a different axis from the sum, so the terms of "
            "one sum are shifted by different amounts; use `axis` for both",
            lambda x, axis, temperature: _divided(
                np.exp((x - x.max(axis=-1, keepdims=True)) / temperature), axis
            ),
        ),
        Misconception(
            "large scores overflow: subtract the maximum along `axis` before `np.exp`",
            lambda x, axis, temperature: _divided(np.exp(x / temperature), axis),
        ),
        Misconception(
            "one maximum is subtracted from everything, and what lies far below it "
            "becomes 0 / 0: take the maximum along `axis`",
            lambda x, axis, temperature: _divided(
                np.exp((x - x.max()) / temperature), axis
            ),
        ),
        Misconception(
            "all weights together sum to 1: the sum runs along `axis` only",
            lambda x, axis, temperature: (
                np.exp((x - x.max()) / temperature)
                / np.exp((x - x.max()) / temperature).sum()
            ),
        ),
    ),
    also_right=(
        lambda x, axis, temperature: np.moveaxis(
            _softmax_by_loop(np.moveaxis(x, axis, -1), temperature), -1, axis
        ),
        lambda x, axis, temperature: np.exp(
            x / temperature
            - np.logaddexp.reduce(x / temperature, axis=axis, keepdims=True)
        ),
        lambda x, axis, temperature: np.apply_along_axis(
            lambda row: softmax(row / temperature), axis, x
        ),
        lambda x, axis, temperature: _divided(
            softmax(x / 2, axis, temperature / 2), axis
        ),
    ),
    hints=(
        "What you wrote in exercise 1 has `-1` in two places. What belongs there now?",
        "Divide the scores by the temperature. You may subtract the maximum before or "
        "after, as long as it is the maximum of those very numbers.",
        "`np.exp((x - x.max(axis=axis, keepdims=True)) / temperature)`, divided by its "
        "sum along the same axis.",
    ),
)


def _keys_by_loop(weights):
    if weights.ndim > 1:
        return np.array([_keys_by_loop(row) for row in weights])
    return math.exp(-sum(w * math.log(w) for w in weights.tolist() if w > 0))


def _logarithms(weights: Floats) -> Floats:
    return np.log(np.where(weights > 0, weights, 1))


EFFECTIVE_KEYS = Exercise(
    name="effective_keys",
    lesson=3,
    points=2,
    minutes=8,
    difficulty=2,
    inputs=_some_weights,
    reference=lambda weights: np.exp(entropy(weights)),
    misconceptions=(
        Misconception(
            "it returns the entropy itself: the number of keys is `np.exp` of it",
            entropy,
        ),
        Misconception(
            "a weight of 0 gives nan, because `np.log(0)` is −inf: 0 ln 0 counts as 0",
            lambda weights: np.exp(-(weights * np.log(weights)).sum(axis=-1)),
        ),
        Misconception(
            "the minus is missing: every logarithm of a weight is negative, and the "
            "number of keys is at least 1",
            lambda weights: np.exp((weights * _logarithms(weights)).sum(axis=-1)),
        ),
        Misconception(
            "it counts the keys whose weight is above 0: a key with a small weight has "
            "little say, and counts little",
            lambda weights: np.count_nonzero(weights, axis=-1).astype(float),
        ),
        Misconception(
            "the logarithm has base 2 and the exponential base e: use `np.log`, or "
            "raise 2 to the entropy in bits",
            lambda weights: np.exp(entropy(weights) / math.log(2)),
        ),
        Misconception(
            "it takes the mean over the keys: take the sum",
            lambda weights: np.exp(entropy(weights) / weights.shape[-1]),
        ),
        Misconception(
            "it sums over all rows: each row has its own number of keys, so sum over "
            "the last axis",
            lambda weights: np.exp(-(weights * _logarithms(weights)).sum()),
        ),
        Misconception(
            "it returns 1 / Σw², which also counts keys, but is not the exponential of "
            "the entropy",
            lambda weights: 1 / (weights**2).sum(axis=-1),
        ),
    ),
    also_right=(
        _keys_by_loop,
        lambda weights: np.prod(np.where(weights > 0, weights, 1.0) ** -weights, -1),
        lambda weights: 2 ** (-(weights * _logarithms(weights)).sum(-1) / np.log(2)),
        lambda weights: np.exp(-(weights * np.log(weights + 1e-12)).sum(axis=-1)),
    ),
    hints=(
        "Two steps: the entropy of each row, then the exponential of that.",
        "The entropy is minus the sum of `w * np.log(w)` over the last axis. Which "
        "weight makes trouble?",
        "`np.where(weights > 0, weights, 1.0)` puts 1 in the place of 0, and the "
        "logarithm of 1 is 0.",
    ),
)


def _between(chances: Floats, logits: Floats, i: int, j: int) -> float:
    """Return the temperature that two tokens tell."""
    with np.errstate(all="ignore"):
        return (logits[i] - logits[j]) / np.log(chances[i] / chances[j])


def _temperature(chances, logits):
    possible = np.flatnonzero(chances)
    low, high = logits[possible].argmin(), logits[possible].argmax()
    return _between(chances, logits, possible[high], possible[low])


def _temperature_by_line(chances, logits):
    fine = chances > 0
    slope, _ = np.polyfit(logits[fine], np.log(chances[fine]), 1)
    return 1 / slope


def _temperature_by_spread(chances, logits):
    fine = chances > 0
    return np.std(logits[fine]) / np.std(np.log(chances[fine]))


def _temperature_by_halving(chances, logits):
    """Search for the temperature at which softmax gives the likeliest its chance."""
    low, high = -10.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        colder = softmax(logits, temperature=math.exp(middle)).max() > chances.max()
        low, high = (middle, high) if colder else (low, middle)
    return math.exp(low)


TEMPERATURE_OF = Exercise(
    name="temperature_of",
    lesson=3,
    points=2,
    minutes=12,
    difficulty=3,
    inputs=_chances_and_logits,
    reference=_temperature,
    misconceptions=(
        Misconception(
            "it is the sharpness, one over the temperature: a hot softmax makes the "
            "logarithms of the chances lie closer together than the logits",
            lambda chances, logits: 1 / _temperature(chances, logits),
        ),
        Misconception(
            "it looks at one token: by wish 4 a single logit says nothing, only "
            "the difference of two does",
            lambda chances, logits: (
                logits[chances.argmax()] / np.log(chances[chances.argmax()])
            ),
        ),
        Misconception(
            "it divides the difference of the logits by the difference of the chances: "
            "take the logarithms of the chances first",
            lambda chances, logits: np.ptp(logits) / np.ptp(chances),
        ),
        Misconception(
            "a chance of 0 has no logarithm: compare two tokens whose chances are "
            "above 0",
            lambda chances, logits: _between(
                chances, logits, logits.argmax(), logits.argmin()
            ),
        ),
        Misconception(
            "two tokens with equal logits tell nothing, 0 / 0: compare two whose "
            "logits differ",
            lambda chances, logits: _between(chances, logits, *logits.argsort()[-2:]),
        ),
        Misconception(
            "the sign is wrong: a temperature is above 0, so take both differences in "
            "the same order",
            lambda chances, logits: -_temperature(chances, logits),
        ),
        Misconception(
            "the logarithm has base 2: softmax is made with e, so use `np.log`",
            lambda chances, logits: _temperature(chances, logits) * math.log(2),
        ),
    ),
    also_right=(
        _temperature_by_line,
        _temperature_by_spread,
        _temperature_by_halving,
        lambda chances, logits: (
            np.ptp(logits[chances > 0]) / np.ptp(np.log(chances[chances > 0]))
        ),
    ),
    hints=(
        "What does softmax make of the *difference* of two logits?",
        "The ratio of two chances is e to the power of that difference divided by the "
        "temperature. Take the logarithm of the ratio.",
        "Temperature = difference of logits / logarithm of the ratio of chances. "
        "Choose two tokens for which neither of these is 0 or infinite.",
    ),
)

EXERCISES = (STABLE_SOFTMAX, SOFTMAX, EFFECTIVE_KEYS, TEMPERATURE_OF)
