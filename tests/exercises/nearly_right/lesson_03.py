"""Answers to lesson 03 that are wrong in rare cases only."""

import numpy as np


def _shared(e, axis=-1):
    return e / e.sum(axis=axis, keepdims=True)


def _shifted(x, shift):
    return _shared(np.exp(x - shift))


def _whole_unless_far(far):
    def softmax(x):
        most = x.max() if np.ptp(x) < far else x.max(axis=-1, keepdims=True)
        return _shifted(x, most)

    return softmax


def _in_dtype_of_scores(x):
    weights = np.zeros_like(x)
    weights[...] = _shifted(x, x.max(axis=-1, keepdims=True))
    return weights


def _shift_if_above(limit):
    def softmax(x):
        most = x.max(axis=-1, keepdims=True)
        return _shifted(x, np.where(most > limit, most, 0))

    return softmax


def _softmax(x, axis, temperature):
    return _shared(np.exp((x - x.max(axis=axis, keepdims=True)) / temperature), axis)


def _softmax_in_dtype(x, axis, temperature):
    weights = np.zeros_like(x)
    weights[...] = _softmax(x, axis, temperature)
    return weights


def _first_or_last(x, axis, temperature):
    return _softmax(x, 0 if axis in (0, -x.ndim) else -1, temperature)


def _keys(weights, floor=0.0):
    safe = np.where(weights > floor, weights, 1.0)
    return np.exp(-(weights * np.log(safe)).sum(axis=-1))


def _zeros_taken_out(weights):
    real = weights[weights > 0].reshape(*weights.shape[:-1], -1)
    return _keys(real)


def _columns_taken_out(weights):
    used = weights.reshape(-1, weights.shape[-1]).max(axis=0) > 0
    real = weights[..., used]
    return np.exp(-(real * np.log(real)).sum(axis=-1))


def _temperature(chances, logits):
    fine = chances > 0
    with np.errstate(all="ignore"):
        return float(np.ptp(logits[fine]) / np.ptp(np.log(chances[fine])))


WRONG = {
    "stable_softmax": {
        "one maximum for rows that lie close": _whole_unless_far(2000),
        "one maximum for rows within 1500": _whole_unless_far(1500),
        "one maximum for rows within 1000": _whole_unless_far(1000),
        "the result takes the dtype of the scores": _in_dtype_of_scores,
        "shifts only rows above 700": _shift_if_above(700),
        "shifts only rows above 0": _shift_if_above(0),
        "shifts by the largest size": lambda x: _shifted(
            x, np.abs(x).max(axis=-1, keepdims=True)
        ),
        "the first score is subtracted": lambda x: _shifted(x, x[..., :1]),
        "squeeze drops an axis of length 1": lambda x: np.squeeze(
            _shifted(x, x.max(axis=-1, keepdims=True))
        ),
        "the second axis, not the last": lambda x: _shared(
            np.exp(x - x.max(axis=-1, keepdims=True)), min(1, x.ndim - 1)
        ),
        "the middle of the row is subtracted": lambda x: _shifted(
            x, (x.max(axis=-1, keepdims=True) + x.min(axis=-1, keepdims=True)) / 2
        ),
    },
    "softmax": {
        "only the first axis and the last": _first_or_last,
        "the sign of the axis is lost": lambda x, axis, t: _softmax(
            x, min(abs(axis), x.ndim - 1), t
        ),
        "a negative axis is the last": lambda x, axis, t: _softmax(x, max(axis, -1), t),
        "the result takes the dtype of the scores": _softmax_in_dtype,
        "a temperature below 1 is taken as 1": lambda x, axis, t: _softmax(
            x, axis, max(t, 1)
        ),
        "a temperature above 1 is taken as 1": lambda x, axis, t: _softmax(
            x, axis, min(t, 1)
        ),
        "squeeze drops an axis of length 1": lambda x, axis, t: np.squeeze(
            _softmax(x, axis, t)
        ),
        "one maximum for rows that lie close": lambda x, axis, t: _shared(
            np.exp(
                (x - (x.max() if np.ptp(x) < 2000 else x.max(axis=axis, keepdims=True)))
                / t
            ),
            axis,
        ),
    },
    "effective_keys": {
        "weights below 0.001 are taken for 0": lambda w: _keys(w, 1e-3),
        "weights below 0.0001 are taken for 0": lambda w: _keys(w, 1e-4),
        "weights below 0.00001 are taken for 0": lambda w: _keys(w, 1e-5),
        "0.001 is added to each weight": lambda w: np.exp(
            -(w * np.log(w + 1e-3)).sum(axis=-1)
        ),
        "as many zeros in each row": _zeros_taken_out,
        "only columns of zeros are taken out": _columns_taken_out,
        "the axis of the keys stays when there is one row": lambda w: _keys(
            w
        ).squeeze(),
        "the second axis, not the last": lambda w: np.exp(
            -(w * np.log(np.where(w > 0, w, 1))).sum(axis=min(1, w.ndim - 1))
        ),
        "at least two keys": lambda w: np.maximum(_keys(w), 1.5),
    },
    "temperature_of": {
        "rounded to two places": lambda c, x: round(_temperature(c, x), 2),
        "at least 1": lambda c, x: max(_temperature(c, x), 1.0),
        "at most 1": lambda c, x: min(_temperature(c, x), 1.0),
        "from the first two tokens": lambda c, x: _temperature(c[:2], x[:2]),
        "a chance of 0 is taken for a very small one": lambda c, x: (
            np.ptp(x) / np.ptp(np.log(c + 1e-300))
        ),
        "an array of one number": lambda c, x: np.array([_temperature(c, x)]),
    },
}
