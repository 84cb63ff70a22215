"""Answers to lesson 08 that are wrong in rare cases only."""

import numpy as np


def _speeds(d, base):
    return base ** (-np.arange(0, d, 2) / d)


def _sinusoidal(n, d_model, base):
    angle = np.arange(n)[:, None] * _speeds(d_model, base)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n, d_model)


def _score(query, key, offset, base):
    angle = offset[:, None] * _speeds(len(query), base)
    a, b = query[0::2], query[1::2]
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = a * cos - b * sin, a * sin + b * cos
    return (first * key[:, 0::2] + second * key[:, 1::2]).sum(axis=1)


def _alibi(num_heads, n_q, n_k, offset):
    slope = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
    distance = np.abs(np.arange(n_q)[:, None] + offset - np.arange(n_k))
    return -slope[:, None, None] * distance


def _alibi_with(slope):
    def alibi(num_heads, n_q, n_k, offset):
        distance = np.abs(np.arange(n_q)[:, None] + offset - np.arange(n_k))
        return -slope(num_heads)[:, None, None] * distance

    return alibi


def _alibi_causal(num_heads, n_q, n_k, offset):
    behind = np.arange(n_q)[:, None] + offset - np.arange(n_k)
    return _alibi(num_heads, n_q, n_k, offset) * (behind >= 0)


def _from_lines(scores, atol=1e-6):
    """Tell the versions apart by the lines along which scores stay the same."""

    def same(a, b):
        return np.abs(a - b).max() < atol

    if same(scores, scores[:, :1]):
        return 3 if same(scores, scores[0, 0]) else 2
    if same(scores[1:, 1:], scores[:-1, :-1]):
        return 0
    return 1 if same(scores[1:, :-1], scores[:-1, 1:]) else 4


WRONG = {
    "sinusoidal_rows": {
        "squeeze drops an axis of length 1": lambda *a: _sinusoidal(*a).squeeze(),
        "at least two positions": lambda n, d_model, base: _sinusoidal(
            max(n, 2), d_model, base
        ),
        "at least two hands": lambda n, d_model, base: _sinusoidal(
            n, max(d_model, 4), base
        ),
        "a base of at least 100": lambda n, d_model, base: _sinusoidal(
            n, d_model, max(base, 100)
        ),
        "a base of at most 1000": lambda n, d_model, base: _sinusoidal(
            n, d_model, min(base, 1000)
        ),
        "positions begin again at 8": lambda n, d_model, base: _sinusoidal(
            n, d_model, base
        )[np.arange(n) % 8],
        "a base of whole numbers": lambda n, d_model, base: _sinusoidal(
            n, d_model, int(base)
        ),
    },
    "score_at_offset": {
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_score(*a)),
        "an offset of 0 is taken as 1": lambda query, key, offset, base: _score(
            query, key, np.where(offset == 0, 1, offset), base
        ),
        "keys after the query are not turned": lambda query, key, offset, base: _score(
            query, key, np.maximum(offset, 0), base
        ),
        "offsets end at 16": lambda query, key, offset, base: _score(
            query, key, np.clip(offset, -16, 16), base
        ),
        "offsets end at 100": lambda query, key, offset, base: _score(
            query, key, np.clip(offset, -100, 100), base
        ),
        "one offset for all keys": lambda query, key, offset, base: _score(
            query, key, np.full_like(offset, offset[0]), base
        ),
        "the score is divided by the root of d_k / 2": lambda query, *a: (
            _score(query, *a) / (len(query) / 2) ** 0.5
        ),
    },
    "alibi_for_heads": {
        "squeeze drops an axis of length 1": lambda *a: _alibi(*a).squeeze(),
        "keys after the query get 0": _alibi_causal,
        "the slopes of eight heads": _alibi_with(
            lambda heads: 2.0 ** -np.resize(np.arange(1.0, 9), heads)
        ),
        "exponents are whole numbers": _alibi_with(
            lambda heads: 2.0 ** -np.ceil(8 * np.arange(1, heads + 1) / heads)
        ),
        "an offset of 0 is taken as n_k - n_q": lambda heads, n_q, n_k, offset: _alibi(
            heads, n_q, n_k, offset or n_k - n_q
        ),
        "the offset is capped at n_k - n_q": lambda heads, n_q, n_k, offset: _alibi(
            heads, n_q, n_k, min(offset, max(n_k - n_q, 0))
        ),
        "distances end at 8": lambda heads, n_q, n_k, offset: np.maximum(
            _alibi(heads, n_q, n_k, offset),
            8 * _alibi(heads, 1, 2, 0)[:, :, 1:],
        ),
    },
    "diagnose_rotary": {
        "allows for no rounding": lambda scores: _from_lines(scores, 1e-15),
        "takes small changes for rounding": lambda scores: _from_lines(scores, 3.0),
        "never says 0": lambda scores: max(_from_lines(scores), 1),
        "never says 4": lambda scores: min(_from_lines(scores), 3),
        "looks at rounded scores": lambda scores: _from_lines(scores.round(-1)),
    },
}
