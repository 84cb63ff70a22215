"""Answers to lesson 15 that are wrong in rare cases only."""

import numpy as np

from course_utils.exercises.lesson_15 import FORGE, LOOK_BEHIND, OCCLUDE, ROLL_OUT

_occluded, _rolled = OCCLUDE.reference, ROLL_OUT.reference
_scored, _forged = LOOK_BEHIND.reference, FORGE.reference


def _occluded_scale_of_two(query, key, value, w_read, answer):
    return _occluded(query * (len(query) / 2) ** 0.5, key, value, w_read, answer)


def _occluded_never_negative(*arguments):
    return np.maximum(_occluded(*arguments), 0)


def _occluded_two_keys_alone(query, key, value, w_read, answer):
    effect = _occluded(query, key, value, w_read, answer)
    return effect[::-1] if len(key) == 2 else effect


def _occluded_in_place(query, key, value, w_read, answer):
    effect = _occluded(query, key, value, w_read, answer)
    key[0] = 0
    return effect


def _occluded_first_class(query, key, value, w_read, answer):
    return _occluded(query, key, value, w_read, 0)


def _rolled_two_layers(weights):
    return _rolled(weights[-2:])


def _rolled_one_head_unhalved(weights):
    if weights.shape[1] == 1:
        return 2 ** len(weights) * _rolled(weights)
    return _rolled(weights)


def _rolled_one_layer_raw(weights):
    return weights[0].mean(axis=0) if len(weights) == 1 else _rolled(weights)


def _rolled_wrong_for_three(weights):
    return _rolled(weights[::-1]) if len(weights) > 2 else _rolled(weights)


def _rolled_first_two_heads(weights):
    return _rolled(weights[:, :2])


def _scored_nan_for_one(weights, tokens):
    return np.nan if len(tokens) == 1 else _scored(weights, tokens)


def _scored_not_itself(weights, tokens):
    return _scored(weights * (1 - np.eye(len(tokens))), tokens)


def _scored_counts_all_when_new(weights, tokens):
    new = len(set(tokens.tolist())) == len(tokens)
    return np.diagonal(weights).mean() if new else _scored(weights, tokens)


def _scored_causal_only(weights, tokens):
    kept = np.tril(weights)
    return _scored(kept / kept.sum(axis=1, keepdims=True), tokens)


def _scored_one_period(weights, tokens):
    sums = []
    for i, token in enumerate(tokens):
        behind = [j + 1 for j in range(i) if tokens[j] == token][-2:]
        if behind:
            sums.append(weights[i, behind].sum())
    return np.mean(sums) if sums else 0.0


def _forged_one_way(weights, value):
    fixed = np.vstack([value.T, np.ones(len(value))])
    z = np.linalg.svd(fixed)[2][-1]
    z = z * np.sign(z[0])
    falls = z < 0
    return weights + np.min(weights[falls] / -z[falls]) * z


def _forged_nearly_there(weights, value):
    return weights + 0.98 * (_forged(weights, value) - weights)


def _forged_same_for_one_number(weights, value):
    return weights if value.shape[1] == 1 else _forged(weights, value)


def _forged_rounded(weights, value):
    return np.round(_forged(weights, value), 2)


WRONG = {
    "occlude": {
        "the root of 2 for any d_k": _occluded_scale_of_two,
        "negative effects are cut off": _occluded_never_negative,
        "two keys change places": _occluded_two_keys_alone,
        "changes its input": _occluded_in_place,
        "the first class for any answer": _occluded_first_class,
    },
    "roll_out": {
        "the last two layers": _rolled_two_layers,
        "one head is not halved": _rolled_one_head_unhalved,
        "one layer without the identity": _rolled_one_layer_raw,
        "three layers in the wrong order": _rolled_wrong_for_three,
        "the first two heads": _rolled_first_two_heads,
    },
    "look_behind": {
        "NaN for one token": _scored_nan_for_one,
        "a place behind may not be the query": _scored_not_itself,
        "the diagonal where all are new": _scored_counts_all_when_new,
        "normalises what is causal": _scored_causal_only,
        "the last two appearances": _scored_one_period,
    },
    "forge": {
        "one way only": _forged_one_way,
        "stops just before": _forged_nearly_there,
        "the same weights for one number": _forged_same_for_one_number,
        "rounds": _forged_rounded,
    },
}
