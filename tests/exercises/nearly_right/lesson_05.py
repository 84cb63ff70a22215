"""Answers to lesson 05 that are wrong in rare cases only."""

import numpy as np


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _scores(query, key):
    return query @ np.swapaxes(key, -1, -2) * query.shape[-1] ** -0.5


def _attend(query, key, value):
    return _softmax(_scores(query, key)) @ value


def _one_maximum(query, key, value):
    scores = _scores(query, key)
    e = np.exp(scores - scores.max())
    return e / e.sum(axis=-1, keepdims=True) @ value


def _clipped(limit):
    def attend(query, key, value):
        return _softmax(np.clip(_scores(query, key), -limit, limit)) @ value

    return attend


def _shift_if_positive(query, key, value):
    scores = _scores(query, key)
    e = np.exp(scores - np.maximum(scores.max(axis=-1, keepdims=True), 0))
    return e / e.sum(axis=-1, keepdims=True) @ value


def _always_float32(query, key, value):
    return _attend(query, key, value).astype(np.float32)


def _transposes_all_axes(query, key, value):
    return _softmax(query @ key.T * query.shape[-1] ** -0.5) @ value


def _variance_by_summing(d_k, std_query, std_key):
    return (
        sum((std_query * std_key) ** 2 for _ in range(1, d_k))
        or (std_query * std_key) ** 2
    )


def _scale(query, key):
    return (query.shape[-1] * np.mean(query**2) * np.mean(key**2)) ** -0.5


def _scale_for(n_k, weight):
    return float(np.log((n_k - 1) * weight / (1 - weight)) / 2)


WRONG = {
    "score_variance": {
        "a single component counts as none": lambda d_k, std_query, std_key: (
            (d_k - (d_k == 1)) * (std_query * std_key) ** 2
        ),
        "one product is left out": _variance_by_summing,
        "rounded to two places": lambda d_k, std_query, std_key: round(
            d_k * std_query**2 * std_key**2, 2
        ),
        "a deviation below 1 is taken as 1": lambda d_k, std_query, std_key: (
            d_k * max(std_query, 1) ** 2 * max(std_key, 1) ** 2
        ),
    },
    "scaled_dot_product_attention": {
        "squeeze drops an axis of length 1": lambda q, k, v: np.squeeze(
            _attend(q, k, v)
        ),
        "one maximum for all rows": _one_maximum,
        "scores are cut off at 700": _clipped(700),
        "scores are cut off at 50": _clipped(50),
        "a maximum below 0 is taken as 0": _shift_if_positive,
        "the result is always float32": _always_float32,
        "the keys are transposed with the axes in front": _transposes_all_axes,
        "the result is always float64": lambda q, k, v: _attend(q, k, v).astype(float),
        "only for one axis in front": lambda q, k, v: (
            _attend(q, k, v) if q.ndim < 4 else _attend(q[:1], k[:1], v[:1])
        ),
    },
    "unit_scale": {
        "the mean is subtracted": lambda query, key: (
            (query.shape[-1] * query.var() * key.var()) ** -0.5
        ),
        "from the scores that there are": lambda query, key: (
            1 / np.sqrt(np.mean((query @ key.T) ** 2))
        ),
        "from the first query and key": lambda query, key: _scale(query[:1], key[:1]),
        "a scale of at most 10": lambda query, key: min(_scale(query, key), 10.0),
        "rounded to three places": lambda query, key: round(_scale(query, key), 3),
        "an array of one number": lambda query, key: np.array([_scale(query, key)]),
    },
    "scale_for_weight": {
        "rounded to two places": lambda n_k, w: round(_scale_for(n_k, w), 2),
        "at least 1": lambda n_k, w: max(_scale_for(n_k, w), 1.0),
        "many keys are taken as endless": lambda n_k, w: _scale_for(
            n_k + (n_k > 50), w
        ),
        "tried in steps of .01": lambda n_k, w: np.ceil(100 * _scale_for(n_k, w)) / 100,
    },
}
