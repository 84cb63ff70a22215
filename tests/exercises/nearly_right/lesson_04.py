"""Answers to lesson 04 that are wrong in rare cases only."""

import numpy as np


def _softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _attend_in_dtype_of_values(weights, value):
    out = np.zeros((len(weights), value.shape[1]), dtype=value.dtype)
    for i in range(len(weights)):
        out[i] = weights[i] @ value
    return out


def _first_key_left_out(weights, value):
    return weights[:, 1:] @ value[1:]


def _hull(above, below):
    """Return a test of points from two comparisons with the highest and the lowest."""

    def outside(point, value, ruler):
        p, v = point @ ruler.T, value @ ruler.T
        return (above(p, v.max(axis=0)) | below(p, v.min(axis=0))).any(axis=1)

    return outside


def _with_tolerance(tolerance):
    return _hull(
        lambda p, high: p > high + tolerance, lambda p, low: p < low - tolerance
    )


def _first_rulers_only(point, value, ruler):
    return _with_tolerance(0)(point, value, ruler[:-1] if len(ruler) > 1 else ruler)


def _rulers_of_length_1(point, value, ruler):
    p, v = point @ ruler.T, value @ ruler.T / np.linalg.norm(ruler, axis=1)
    return ((p > v.max(axis=0)) | (p < v.min(axis=0))).any(axis=1)


def _square(key):
    return ((key[:, None] - key) ** 2).sum(axis=-1).astype(float)


def _predicted(scores, value):
    return _softmax(scores) @ value


def _zero_distances_hidden(key, value, bandwidth):
    square = _square(key)
    scores = np.where(square == 0, -np.inf, -square / (2 * bandwidth**2))
    return _predicted(scores, value)


def _hidden_by(low):
    def leave_one_out(key, value, bandwidth):
        scores = -_square(key) / (2 * bandwidth**2)
        np.fill_diagonal(scores, low)
        return _predicted(scores, value)

    return leave_one_out


def _left_out(key, value, bandwidth):
    return _hidden_by(-np.inf)(key, value, bandwidth)


def _left_out_in_dtype_of_values(key, value, bandwidth):
    predicted = np.zeros_like(value)
    predicted[...] = _left_out(key, value, bandwidth)
    return predicted


def _along_the_first_axis(key, value, bandwidth):
    return _left_out(key[:, :1], value, bandwidth)


def _with_margin(margin):
    def diagnose(weights):
        if (abs(weights.sum(axis=1) - 1) < margin).all():
            return int(np.trace(weights) > 0)
        if (abs(weights.sum(axis=0) - 1) < margin).all():
            return 3
        return 4 if abs(weights.sum() - 1) < margin else 2

    return diagnose


WRONG = {
    "attend": {
        "the result takes the dtype of the values": _attend_in_dtype_of_values,
        "squeeze drops an axis of length 1": lambda weights, value: (
            weights @ value
        ).squeeze(),
        "the first key is left out": _first_key_left_out,
        "a row of zeros gets the mean": lambda weights, value: np.where(
            weights.sum(axis=1, keepdims=True) > 0, weights @ value, value.mean(axis=0)
        ),
        "rows are shared out again": lambda weights, value: (
            weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9) @ value
        ),
        "only weights above 0.01 count": lambda weights, value: (
            np.where(weights > 0.01, weights, 0) @ value
        ),
        "a square is turned": lambda weights, value: (
            (weights.T if weights.shape[0] == weights.shape[1] else weights) @ value
        ),
    },
    "outside_hull": {
        "the highest reading counts as outside": _hull(np.greater_equal, np.less),
        "the lowest reading counts as outside": _hull(np.greater, np.less_equal),
        "both ends count as outside": _hull(np.greater_equal, np.less_equal),
        "a tolerance of 0.1": _with_tolerance(0.1),
        "a tolerance of 0.01": _with_tolerance(0.01),
        "the last ruler is left out": _first_rulers_only,
        "the rulers are brought to length 1 for the values": _rulers_of_length_1,
        "squeeze drops an axis of length 1": lambda point, value, ruler: np.squeeze(
            _with_tolerance(0)(point, value, ruler)
        ),
        "a single value is no hull": lambda point, value, ruler: (
            _with_tolerance(0)(point, value, ruler) & (len(value) > 1)
        ),
    },
    "leave_one_out": {
        "hides every score of distance 0": _zero_distances_hidden,
        "hides by -1000": _hidden_by(-1000.0),
        "hides by -100": _hidden_by(-100.0),
        "squeeze drops an axis of length 1": lambda key, value, bandwidth: np.squeeze(
            _left_out(key, value, bandwidth)
        ),
        "the result takes the dtype of the values": _left_out_in_dtype_of_values,
        "measures along the first axis only": _along_the_first_axis,
        "a remote place gets 0": lambda key, value, bandwidth: np.where(
            np.sort(_square(key), axis=1)[:, 1:2] > 1000,
            0,
            _left_out(key, value, bandwidth),
        ),
        "a bandwidth of at least 1": lambda key, value, bandwidth: _left_out(
            key, value, max(bandwidth, 1)
        ),
    },
    "diagnose_mix": {
        "takes sums within 0.3 for 1": _with_margin(0.3),
        "allows for no rounding of float32": _with_margin(1e-9),
        "calls every square whose sum is n right": lambda weights: (
            0
            if abs(weights.sum() - len(weights)) < 1e-4
            else _with_margin(1e-4)(weights)
        ),
        "never says 4": lambda weights: min(_with_margin(1e-4)(weights), 3),
    },
}
