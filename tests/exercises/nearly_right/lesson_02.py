"""Answers to lesson 02 that are wrong in rare cases only."""

import numpy as np


def _cosine(query, key):
    q, k = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, key))
    return q @ k.T


def _cosine_in_dtype_of_queries(query, key):
    scores = np.zeros((len(query), len(key)), query.dtype)
    scores[...] = _cosine(query, key)
    return scores


def _cosine_with_a_floor(floor):
    def cosine(query, key):
        q, k = (
            x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), floor)
            for x in (query, key)
        )
        return q @ k.T

    return cosine


def _cosine_plus(small):
    def cosine(query, key):
        q, k = (
            x / (np.linalg.norm(x, axis=1, keepdims=True) + small) for x in (query, key)
        )
        return q @ k.T

    return cosine


def _additive(query, key, w_query, w_key, v):
    return np.tanh((query @ w_query)[:, None] + key @ w_key) @ v


def _by_exponentials(query, key, w_query, w_key, v):
    z = (query @ w_query)[:, None] + key @ w_key
    up, down = np.exp(z), np.exp(-z)
    return (up - down) / (up + down) @ v


def _paired_when_equally_many(query, key, w_query, w_key, v):
    if len(query) == len(key):
        return np.tanh(query @ w_query + key @ w_key) @ v
    return _additive(query, key, w_query, w_key, v)


WRONG = {
    "bilinear_score": {
        "squeeze drops an axis of length 1": lambda query, key, weight: (
            query @ weight @ key.T
        ).squeeze(),
        "turns the weight when there are more queries": lambda query, key, weight: (
            query @ (weight if len(query) <= len(key) else weight.T) @ key.T
        ),
        "scores are cut off at 1000": lambda query, key, weight: np.clip(
            query @ weight @ key.T, -1000, 1000
        ),
        "the weight is made symmetric": lambda query, key, weight: (
            query @ (weight + weight.T) @ key.T / 2
        ),
    },
    "cosine_score": {
        "squeeze drops an axis of length 1": lambda query, key: np.squeeze(
            _cosine(query, key)
        ),
        "whole numbers are cut": _cosine_in_dtype_of_queries,
        "lengths below 0.01 are taken as 0.01": _cosine_with_a_floor(0.01),
        "lengths below 0.1 are taken as 0.1": _cosine_with_a_floor(0.1),
        "0.001 is added to each length": _cosine_plus(1e-3),
        "0.0001 is added to each length": _cosine_plus(1e-4),
        "cosines below 0 are taken as 0": lambda query, key: np.maximum(
            _cosine(query, key), 0
        ),
        "the angle is taken as sharp": lambda query, key: np.abs(_cosine(query, key)),
        "short vectors are not divided": lambda query, key: _cosine_with_a_floor(1)(
            query, key
        ),
    },
    "additive_score": {
        "squeeze drops an axis of length 1": lambda *a: _additive(*a).squeeze(),
        "a tanh of exponentials that overflow": _by_exponentials,
        "pairs query i with key i if it can": _paired_when_equally_many,
        "the hidden units are cut off at 1": lambda q, k, w_q, w_k, v: (
            np.clip((q @ w_q)[:, None] + k @ w_k, -1, 1) @ v
        ),
        "negative hidden units count as 0": lambda q, k, w_q, w_k, v: (
            np.maximum(np.tanh((q @ w_q)[:, None] + k @ w_k), 0) @ v
        ),
        "the sign of v is lost": lambda q, k, w_q, w_k, v: _additive(
            q, k, w_q, w_k, np.abs(v)
        ),
    },
    "diagnose_cosine": {
        "compares sums of scores": lambda query, key, scores: int(
            np.argmin([abs(scores.sum() - x.sum()) // 2 for x in _suspects(query, key)])
        ),
        "compares only the largest score": lambda query, key, scores: int(
            np.argmin(
                [abs(x.argmax() - scores.argmax()) for x in _suspects(query, key)]
            )
        ),
        "compares exactly": lambda query, key, scores: next(
            (i for i, x in enumerate(_suspects(query, key)) if (x == scores).all()), 0
        ),
        "compares the first score loosely": lambda query, key, scores: next(
            i
            for i, x in enumerate([*_suspects(query, key), scores])
            if abs(x[0, 0] - scores[0, 0]) < 0.1
        ),
    },
}


def _suspects(query, key):
    q = np.linalg.norm(query, axis=1)[:, None]
    k = np.linalg.norm(key, axis=1)
    columns = (query / np.linalg.norm(query, axis=0)) @ (
        key / np.linalg.norm(key, axis=0)
    ).T
    dot = query @ key.T
    return [dot / q / k, dot / q, dot / k, columns, dot / (q * k) ** 2]
