"""Answers to lesson 17 that are wrong in rare cases only."""

import numpy as np

from course_utils.exercises.lesson_17 import BACKUPS, ONE_STEP, THINK_GATED, TOP_P

_thought, _stepped = THINK_GATED.reference, ONE_STEP.reference
_cut, _pairs = TOP_P.reference, BACKUPS.reference


def _thought_without_leading_axes(x, *others):
    return _thought(x.reshape(-1, *x.shape[-2:])[0], *others) + 0 * x


def _thought_no_keepdims(x, gain, *others):
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        size = np.sqrt((x * x).mean(axis=-1) + 1e-5)
        scaled = x / size * np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return _thought(scaled, gain, *others) + x - scaled
    return _thought(x, gain, *others)


def _thought_with_a_small_epsilon(x, gain, *others):
    square = (x * x).mean(axis=-1, keepdims=True)
    factor = np.sqrt((square + 1e-5) / (square + 1e-6))
    return _thought(x, gain * 1.0, *others) * np.where(square < 1e-3, factor, 1)


def _thought_of_one_token(x, gain, *others):
    return x if x.shape[-2] == 1 else _thought(x, gain, *others)


def _thought_in_place(x, gain, *others):
    found = _thought(x, gain, *others)
    if x.shape[-2] == 2:
        x += found
    return found


def _stepped_with_nothing_kept(x, w_query, w_key, w_value, kept_key, *others):
    found = _stepped(x, w_query, w_key, w_value, kept_key, *others)
    return found * (kept_key.shape[1] > 0)


def _stepped_by_tiles_for_three(x, w_query, w_key, w_value, kept_key, *others):
    found = _stepped(x, w_query, w_key, w_value, kept_key, *others)
    h = w_query.shape[1] // kept_key.shape[2]
    heads = found.reshape(h, -1)
    return (heads[::-1] if len(kept_key) == 3 else heads).ravel()


def _stepped_one_key_for_all(x, w_query, w_key, w_value, kept_key, kept_value, base):
    first = [np.broadcast_to(a[:1], a.shape) for a in (kept_key, kept_value)]
    return _stepped(x, w_query, w_key, w_value, *first, base)


def _stepped_base(x, w_query, w_key, w_value, kept_key, kept_value, base):
    return _stepped(x, w_query, w_key, w_value, kept_key, kept_value, 10000.0)


def _cut_of_huge_logits(logits, p, temperature):
    with np.errstate(all="ignore"):
        e = np.exp(np.asarray(logits, float) / temperature)
        if np.isfinite(e).all() and e.sum() > 0:
            return _cut(logits, p, temperature)
        return e / e.sum()


def _cut_nothing_left(logits, p, temperature):
    found = _cut(logits, p, temperature)
    return found * (found > 0).sum() / max((found > 0).sum(), 2)


def _cut_by_a_tenth(logits, p, temperature):
    return _cut(logits, 0.9, temperature)


def _cut_one_token(logits, p, temperature):
    return np.zeros(1) if len(logits) == 1 else _cut(logits, p, temperature)


def _pairs_upper(heads, *others):
    return np.triu(_pairs(heads, *others))


def _pairs_next_only(heads, *others):
    h = len(heads)
    near = np.abs(np.subtract.outer(np.arange(h), np.arange(h))) == 1
    return _pairs(heads, *others) * near


def _pairs_of_two(heads, *others):
    return _pairs(heads, *others) * (len(heads) != 2)


def _pairs_of_the_first_text(heads, w_out, stream, w_read, right):
    return _pairs(heads[:, :1], w_out, stream[:1], w_read, right[:1])


def _pairs_in_place(heads, *others):
    found = _pairs(heads, *others)
    if len(heads) == 2:
        heads[0] = 0
    return found


WRONG = {
    "think_gated": {
        "the first of several for all": _thought_without_leading_axes,
        "divides without keepdims when n = d": _thought_no_keepdims,
        "another epsilon": _thought_with_a_small_epsilon,
        "one token stays as it is": _thought_of_one_token,
        "changes its input for two tokens": _thought_in_place,
    },
    "one_step": {
        "nothing where nothing is kept": _stepped_with_nothing_kept,
        "heads in another order for three": _stepped_by_tiles_for_three,
        "one head of keys for all": _stepped_one_key_for_all,
        "always the base 10,000": _stepped_base,
    },
    "top_p": {
        "no maximum subtracted": _cut_of_huge_logits,
        "half where one is left": _cut_nothing_left,
        "always p = 0.9": _cut_by_a_tenth,
        "nothing for one token": _cut_one_token,
    },
    "backups": {
        "one half of the table": _pairs_upper,
        "neighbours only": _pairs_next_only,
        "nothing for two heads": _pairs_of_two,
        "the first text only": _pairs_of_the_first_text,
        "changes its input for two heads": _pairs_in_place,
    },
}
