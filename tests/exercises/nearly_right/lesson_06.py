"""Answers to lesson 06 that are wrong in rare cases only."""

import numpy as np


def _grid(n_q, n_k):
    return np.arange(n_q)[:, None], np.arange(n_k)


def _causal(n_q, n_k, offset):
    return np.arange(n_k) <= np.arange(n_q)[:, None] + offset


def _capped(n_q, n_k, offset):
    if n_k > n_q:
        offset = min(offset, n_k - n_q)
    return np.tri(n_q, n_k, offset, dtype=bool)


def _square_only(n_q, n_k, offset):
    n = max(n_q, n_k - offset)
    return _causal(n, n_k, offset)[-n_q:] if n_q < 3 else _causal(n_q, n_k, offset)


def _last_key_hidden(n_q, n_k, offset):
    mask = _causal(n_q, n_k, offset)
    mask[:-1, -1] = False
    return mask


def _decoder(lengths, n_q, n_k, offset):
    return (np.arange(n_k) < lengths[:, None, None]) & _causal(n_q, n_k, offset)


def _last_of_full_hidden(lengths, n_q, n_k, offset):
    return _decoder(np.minimum(lengths, n_k - 1), n_q, n_k, offset)


def _rows_in_place(scores, mask, low, after=True):
    hidden = np.where(mask, scores, np.asarray(low, scores.dtype))
    e = np.exp(hidden - hidden.max(axis=-1, keepdims=True))
    weights = e / e.sum(axis=-1, keepdims=True)
    return weights * mask if after else weights


def _filled_by(low):
    return lambda scores, mask: _rows_in_place(scores, mask, low)


def _masked(scores, mask):
    hidden = np.where(mask, scores, np.asarray(-np.inf, scores.dtype))
    most = hidden.max(axis=-1, keepdims=True)
    e = np.exp(hidden - np.where(np.isinf(most), 0, most).astype(scores.dtype))
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total).astype(scores.dtype)


def _shifted_by_all(scores, mask):
    """Subtract the largest of all scores of the row, hidden ones too."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total).astype(scores.dtype)


def _small_constant_in_the_sum(scores, mask):
    hidden = np.where(mask, scores, np.asarray(-np.inf, scores.dtype))
    most = np.where(mask.any(axis=-1, keepdims=True), 0, 0)
    e = np.exp(hidden - most.astype(scores.dtype))
    return e / (e.sum(axis=-1, keepdims=True) + np.asarray(1e-9, scores.dtype))


def _leak(measure):
    """Return a test for leaks from what it takes for a move."""

    def leaks(before, after, changed, may_see):
        return measure(after - before) & ~(may_see & changed).any(axis=1)

    return leaks


def _by_order(before, after, changed, may_see):
    """Take a causal mask without padding for the mask."""
    moved = np.abs(after - before).max(axis=1) > 1e-5
    return moved & (np.arange(len(changed)) < np.argmax(changed))


def _first_edit_only(before, after, changed, may_see):
    moved = np.abs(after - before).max(axis=1) > 1e-5
    return moved & ~may_see[:, np.argmax(changed)]


def _last_edit_only(before, after, changed, may_see):
    moved = np.abs(after - before).max(axis=1) > 1e-5
    last = len(changed) - 1 - np.argmax(changed[::-1])
    return moved & ~may_see[:, last]


WRONG = {
    "causal_mask": {
        "the offset is capped at n_k - n_q": _capped,
        "the offset is capped at n_k - n_q if that is not below 0": (
            lambda n_q, n_k, offset: _causal(
                n_q, n_k, min(offset, n_k - n_q) if n_k >= n_q else offset
            )
        ),
        "an offset of 0 is taken as n_k - n_q": lambda n_q, n_k, offset: _causal(
            n_q, n_k, offset or max(n_k - n_q, 0)
        ),
        "squeeze drops an axis of length 1": lambda n_q, n_k, offset: np.squeeze(
            _causal(n_q, n_k, offset)
        ),
        "the last key is for the last query": _last_key_hidden,
        "a square for every shape": lambda n_q, n_k, offset: (
            _causal(n_q, n_k, offset)
            if n_q <= n_k
            else np.tri(n_k, n_k, offset, dtype=bool)
        ),
        "whole numbers for truths if all is seen": lambda n_q, n_k, offset: (
            np.ones((n_q, n_k)) if offset >= n_k - 1 else _causal(n_q, n_k, offset)
        ),
    },
    "decoder_mask": {
        "one length short without padding": _last_of_full_hidden,
        "a length of 0 shows one key": lambda lengths, n_q, n_k, offset: _decoder(
            np.maximum(lengths, 1), n_q, n_k, offset
        ),
        "a length of 0 is taken as no padding": lambda lengths, n_q, n_k, offset: (
            _decoder(np.where(lengths == 0, n_k, lengths), n_q, n_k, offset)
        ),
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_decoder(*a)),
        "the offset is taken as n_k - n_q": lambda lengths, n_q, n_k, offset: _decoder(
            lengths, n_q, n_k, max(n_k - n_q, 0)
        ),
        "the offset is capped at n_k - n_q": lambda lengths, n_q, n_k, offset: _decoder(
            lengths, n_q, n_k, min(offset, max(n_k - n_q, 0))
        ),
        "a batch of one gets a mask without batch": lambda lengths, *a: (
            _decoder(lengths, *a) if len(lengths) > 1 else _decoder(lengths, *a)[0]
        ),
        "the offset is at least 1": lambda lengths, n_q, n_k, offset: _decoder(
            lengths, n_q, n_k, max(offset, 1)
        ),
    },
    "masked_softmax": {
        "hides by -1000": _filled_by(-1e3),
        "hides by -10000": _filled_by(-1e4),
        "hides by -1e9": _filled_by(-1e9),
        "subtracts the largest score, though hidden": _shifted_by_all,
        "adds 1e-9 to the sum": _small_constant_in_the_sum,
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_masked(*a)),
        "the result is always float64": lambda *a: _masked(*a).astype(float),
        "the result is always float32": lambda *a: _masked(*a).astype(np.float32),
        "hides a row if its first key is hidden": lambda scores, mask: _masked(
            scores, mask & mask[:, :1]
        ),
        "the last row for every row that sees nothing": lambda scores, mask: _masked(
            scores, mask | ~mask.any(axis=1, keepdims=True) & mask[-1]
        ),
    },
    "leaks": {
        "a move downwards is not seen": _leak(lambda d: d.max(axis=1) > 1e-5),
        "a move upwards is not seen": _leak(lambda d: d.min(axis=1) < -1e-5),
        "measures the mean move": _leak(lambda d: np.abs(d).mean(axis=1) > 1e-4),
        "adds the moves up": _leak(lambda d: np.abs(d.sum(axis=1)) > 1e-5),
        "asks that every number moves": _leak(lambda d: np.abs(d).min(axis=1) > 1e-5),
        "asks for more than 0.001": _leak(lambda d: np.abs(d).max(axis=1) > 1e-3),
        "looks at the first number": _leak(lambda d: np.abs(d[:, 0]) > 1e-5),
        "looks at all numbers but the last": _leak(
            lambda d: np.abs(d[:, :-1]).max(axis=1) > 1e-5
        ),
        "takes every mask for causal": _by_order,
        "only the first edit is an excuse": _first_edit_only,
        "only the last edit is an excuse": _last_edit_only,
    },
}
