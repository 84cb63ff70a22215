"""Answers to lesson 16 that are wrong in rare cases only."""

import numpy as np

from course_utils.exercises.lesson_16 import (
    EXACT_GELU,
    GAP,
    LOOKS_HEALTHY,
    MEAN_POOL,
    NEAREST_TEXTS,
    _by_cosine,
    _closeness,
    _gaps,
    _healthiest,
    _searched_by_distance,
    _shares,
    _shares_of_three,
)
from course_utils.layers import gelu_vjp

_gelu, _pool = EXACT_GELU.reference, MEAN_POOL.reference
_search, _healthy = NEAREST_TEXTS.reference, LOOKS_HEALTHY.reference


def _gelu_nan_at_zero(x):
    with np.errstate(invalid="ignore"):
        return _gelu(x) * (x / x)


def _gelu_overflows(x):
    with np.errstate(all="ignore"):
        e = np.exp(np.float32(3) * x)
        return _gelu(x) * e / e


def _gelu_tanh_for_negative(x):
    return np.where(x < 0, gelu_vjp(x)[0], _gelu(x))


def _gelu_tanh_for_positive(x):
    return np.where(x > 0, gelu_vjp(x)[0], _gelu(x))


def _gelu_flattened(x):
    return _gelu(x).ravel() if x.ndim == 3 else _gelu(x)


def _gelu_in_place(x):
    result = _gelu(x)
    x[...] = result
    return result


def _pool_all_alike(x, lengths):
    """Right if all lengths are alike."""
    return x[:, : lengths.max()].mean(axis=1)


def _pool_shortest(x, lengths):
    return x[:, : lengths.min()].mean(axis=1)


def _pool_of_one(x, lengths):
    return x.mean(axis=1) if len(x) == 1 else _pool(x, lengths)


def _pool_full_is_empty(x, lengths):
    """Wrong for a text without padding."""
    return _pool(x, np.where(lengths == x.shape[1], lengths - 1, lengths))


def _pool_zeros_are_padding(x, lengths):
    real = np.arange(x.shape[1]) < lengths[:, None]
    return (x * real[..., None]).sum(axis=1) / (lengths[:, None] + (len(x) == 1))


def _pool_broadcasts(x, lengths):
    """Right unless batch and n are equal: the mask then lies the wrong way."""
    real = np.arange(x.shape[1]) < lengths[:, None]
    if x.shape[0] == x.shape[1]:
        real = real.T
    return (x * real[..., None]).sum(axis=1) / lengths[:, None]


def _search_one_less(index, asked, most):
    return _search(index, asked, min(most, len(index) - 1))


def _search_long_wins_for_one(index, asked, most):
    if len(asked) == 1:
        return np.argsort(-asked @ index.T, axis=1)[:, :most]
    return _search(index, asked, most)


def _search_tips(index, asked, most):
    unit = asked / np.linalg.norm(asked, axis=1, keepdims=True)
    apart = ((unit[:, None] - index) ** 2).sum(axis=-1)
    return np.argsort(apart, axis=1)[:, :most]


def _search_length_by_column(index, asked, most):
    """Right unless n = d: lengths are then those of columns."""
    if index.shape[0] == index.shape[1]:
        index = index / np.linalg.norm(index, axis=0)
        return np.argsort(-asked @ index.T, axis=1)[:, :most]
    return _search(index, asked, most)


def _search_unsorted(index, asked, most):
    found = _search(index, asked, most)
    return found[:, [*range(most - 2), -1, -2]] if most > 2 else found


def _search_rounded(index, asked, most):
    return np.sort(_searched_by_distance(index, asked, most), axis=1)


def _healthy_above(limit):
    return lambda right, versions: _healthiest(gap=limit)(right, versions)


def _healthy_where_neighbours_changed(right, versions):
    is_changed = _shares(right, versions) < 1
    kept = np.where(is_changed, _shares(right, versions), -1)
    return int(kept.argmax()) if is_changed.any() else -1


def _healthy_never_none(right, versions):
    return _healthy(right, versions) % len(versions)


def _healthy_first_wrong(right, versions):
    wrong = _gaps(right, versions) > GAP
    return int(wrong.argmax()) if wrong.any() else -1


WRONG = {
    "exact_gelu": {
        "NaN at 0": _gelu_nan_at_zero,
        "overflows for large numbers": _gelu_overflows,
        "tanh for negative numbers": _gelu_tanh_for_negative,
        "tanh for positive numbers": _gelu_tanh_for_positive,
        "flattens three axes": _gelu_flattened,
        "changes its argument": _gelu_in_place,
    },
    "mean_pool": {
        "all as long as the longest": _pool_all_alike,
        "all as long as the shortest": _pool_shortest,
        "one text with its padding": _pool_of_one,
        "a text without padding loses its last": _pool_full_is_empty,
        "one text divided by one more": _pool_zeros_are_padding,
        "mask turned when batch = n": _pool_broadcasts,
    },
    "nearest_texts": {
        "one less when all are wanted": _search_one_less,
        "long texts win for one question": _search_long_wins_for_one,
        "tips of the texts": _search_tips,
        "lengths of columns when n = d": _search_length_by_column,
        "not in order": _search_unsorted,
        "in the order of their numbers": _search_rounded,
    },
    "looks_healthy": {
        "allows a tenth": _healthy_above(0.1),
        "allows a thousandth": _healthy_above(1e-3),
        "allows nothing": _healthy_above(0),
        "never says none": _healthy_never_none,
        "the first wrong one": _healthy_first_wrong,
        "by three texts": _healthiest(_shares_of_three),
        "by mean cosine": _healthiest(_by_cosine),
        "by the smallest gap": _healthiest(_closeness),
        "where neighbours changed": _healthy_where_neighbours_changed,
    },
}
