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


def _turned(x, base=10000.0, sign=1):
    angle = sign * np.arange(len(x))[:, None] * _speeds(x.shape[1], base)
    a, b = x[:, 0::2], x[:, 1::2]
    both = [
        a * np.cos(angle) - b * np.sin(angle),
        a * np.sin(angle) + b * np.cos(angle),
    ]
    return np.stack(both, axis=-1).reshape(x.shape)


def _attend(query, key, value):
    scores = query @ key.T / query.shape[1] ** 0.5
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) @ value


def _versions(query, key, value, halves=None):
    d_k = query.shape[1]
    halves = np.arange(d_k).reshape(2, -1).T.ravel() if halves is None else halves(d_k)
    return [
        _attend(_turned(query), _turned(key), value),
        _attend(_turned(query[:, halves]), _turned(key[:, halves]), value),
        _attend(_turned(query), _turned(key, sign=-1), value),
        _attend(_turned(query), _turned(key), _turned(value)),
        _attend(_turned(query, 1e8), _turned(key, 1e8), value),
    ]


def _with_halves(halves):
    def diagnose(output, query, key, value):
        versions = _versions(query, key, value, halves)
        return int(np.argmin([np.abs(output - v).max() for v in versions]))

    return diagnose


def _nearest_by(measure):
    def diagnose(output, *arguments):
        gaps = [
            np.max(np.abs(measure(output) - measure(v))) for v in _versions(*arguments)
        ]
        return int(np.argmin(gaps))

    return diagnose


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
        "the partners are put in the wrong order": _with_halves(
            lambda d: np.arange(d).reshape(-1, 2).T.ravel()
        ),
        "the partners are turned round": _with_halves(lambda d: np.arange(d)[::-1]),
        "the partners stand as they are": _with_halves(np.arange),
        "compares signs": _nearest_by(np.sign),
    },
}
