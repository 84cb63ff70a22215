"""Answers to lesson 14 that are wrong in rare cases only."""

import numpy as np

from course_utils.exercises.lesson_14 import MERGE_TILES, MODEL_BILL, RUNNING_ATTENTION
from course_utils.masks import causal_mask
from course_utils.softmax import masked_softmax

_running, _merged = RUNNING_ATTENTION.reference, MERGE_TILES.reference
_bill = MODEL_BILL.reference


def _running_no_keepdims(asks, tells, value):
    if len(asks) == value.shape[1]:
        weights = np.tril(asks @ tells.T)
        return weights @ value / weights.sum(axis=1)
    return _running(asks, tells, value)


def _running_of_one_token(asks, tells, value):
    return 2 * value if len(value) == 1 else _running(asks, tells, value)


def _running_of_one_number(asks, tells, value):
    if tells.shape[1] == 1:
        return np.cumsum(value, axis=0) / np.arange(1, len(value) + 1)[:, None]
    return _running(asks, tells, value)


def _running_in_place(asks, tells, value):
    tells[...] = np.cumsum(tells, axis=0) if len(tells) == 1 else tells
    output = _running(asks, tells, value)
    asks *= 1 if len(tells) > 1 else 2
    return output


def _merge(peaks, totals, outputs, largest):
    with np.errstate(all="ignore"):
        rescale = np.exp(peaks - largest)
        total = (totals * rescale).sum(axis=0)
        return (outputs * rescale[..., None]).sum(axis=0) / total[:, None]


def _merged_nan_where_all_is_hidden(peaks, totals, outputs):
    return _merge(peaks, totals, outputs, peaks.max(axis=0))


def _merged_without_a_shift(peaks, totals, outputs):
    return np.nan_to_num(_merge(peaks, totals, outputs, 0))


def _merged_to_the_last(peaks, totals, outputs):
    return np.nan_to_num(_merge(peaks, totals, outputs, peaks[-1]))


def _merged_one_tile_unfinished(peaks, totals, outputs):
    return outputs[0] if len(peaks) == 1 else _merged(peaks, totals, outputs)


def _merged_no_keepdims(peaks, totals, outputs):
    if outputs.shape[1] == outputs.shape[2]:
        rescale = np.exp(peaks - np.maximum(peaks.max(axis=0), -1e9))
        total = (totals * rescale).sum(axis=0)
        output = (outputs * rescale[..., None]).sum(axis=0)
        return output / np.where(total == 0, 1, total)
    return _merged(peaks, totals, outputs)


def _bill_of_shared_heads_only(n, layers, d_model, heads, kv_heads, *sizes):
    bill = _bill(n, layers, d_model, heads, kv_heads, *sizes)
    return bill * (2 if heads == kv_heads else 1)


def _bill_of_a_full_window(n, layers, *sizes):
    return _bill(sizes[-1], layers, *sizes)


def _bill_without_a_window(n, layers, *sizes):
    return _bill(n, layers, *sizes[:-1], n)


def _bill_of_two_layers(n, layers, *sizes):
    return _bill(n, max(layers, 2), *sizes)


def _bill_of_two_kv_heads(n, layers, d_model, heads, kv_heads, *sizes):
    return _bill(n, layers, d_model, heads, max(kv_heads, 2), *sizes)


def _extend(query, key, value, kept_key, kept_value, offset=None, scale=None):
    new, kept = key.shape[-2], kept_key.shape[-2]
    keys = np.concatenate([kept_key, key], axis=-2)
    values = np.concatenate([kept_value, value], axis=-2)
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    mask = causal_mask(new, new + kept, offset=kept if offset is None else offset)
    return masked_softmax(query @ keys.mT * scale, mask) @ values


def _extend_square_for_many(query, key, *others):
    new, kept = key.shape[-2], others[1].shape[-2]
    return _extend(query, key, *others, offset=0 if new > 1 < kept else None)


def _extend_no_mask_for_two(query, key, *others):
    return _extend(query, key, *others, offset=99 if key.shape[-2] == 2 else None)


def _extend_nothing_kept(query, key, value, kept_key, kept_value):
    if kept_key.shape[-2] == 0:
        return _extend(query, key, value, kept_key, kept_value, offset=99)
    return _extend(query, key, value, kept_key, kept_value)


def _extend_one_sees_only_itself(query, key, value, kept_key, kept_value):
    if key.shape[-2] == 1:
        return value + 0 * query[..., :1]
    return _extend(query, key, value, kept_key, kept_value)


def _extend_scale_of_two(query, *others):
    return _extend(query, *others, scale=2**-0.5)


def _extend_without_heads(query, key, value, kept_key, kept_value):
    if query.ndim == 2:
        return _extend(query, key, value, kept_key, kept_value)
    first = (x[:1] + 0 * x for x in (query, key, value, kept_key, kept_value))
    return _extend(*first)


WRONG = {
    "running_attention": {
        "sum without keepdims when n = d_v": _running_no_keepdims,
        "one token counts twice": _running_of_one_token,
        "a plain mean for one feature": _running_of_one_number,
        "changes its input for one token": _running_in_place,
    },
    "merge_tiles": {
        "NaN where all is hidden": _merged_nan_where_all_is_hidden,
        "no shift": _merged_without_a_shift,
        "rescales to the last peak": _merged_to_the_last,
        "one tile is not divided": _merged_one_tile_unfinished,
        "divides without keepdims when n_q = d_v": _merged_no_keepdims,
    },
    "model_bill": {
        "wrong without shared heads": _bill_of_shared_heads_only,
        "a window that is always full": _bill_of_a_full_window,
        "no window": _bill_without_a_window,
        "one layer counts twice": _bill_of_two_layers,
        "one head of keys counts twice": _bill_of_two_kv_heads,
    },
    "extend": {
        "a square mask for many": _extend_square_for_many,
        "no mask for two": _extend_no_mask_for_two,
        "no mask where nothing is kept": _extend_nothing_kept,
        "one token sees only itself": _extend_one_sees_only_itself,
        "always the scale of two": _extend_scale_of_two,
        "the first head for all": _extend_without_heads,
    },
}
