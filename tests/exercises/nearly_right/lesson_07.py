"""Answers to lesson 07 that are wrong in rare cases only."""

import numpy as np


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _attend(query, key, value):
    return _softmax(query @ np.swapaxes(key, -1, -2) * query.shape[-1] ** -0.5) @ value


def _self(x, w_query, w_key, w_value):
    return _attend(x @ w_query, x @ w_key, x @ w_value)


def _token_by_token(x, w_query, w_key, w_value):
    """Loop over the tokens of the first two axes only."""
    if x.ndim == 2:
        return _self(x, w_query, w_key, w_value)
    return np.stack(
        [_self(row.reshape(-1, x.shape[-1]), w_query, w_key, w_value) for row in x]
    )


def _rows_not_cut(y, x, w_query, w_key, w_value, length):
    """Cut the padding off from behind."""
    padding = x.shape[-2] - length
    real = x[..., :-padding, :] if padding else x[..., :-1, :]
    return _attend(y @ w_query, real @ w_key, real @ w_value)


def _hidden_by(low):
    def cross(y, x, w_query, w_key, w_value, length):
        query, key = y @ w_query, x @ w_key
        scores = query @ np.swapaxes(key, -1, -2) / w_query.shape[1] ** 0.5
        scores[..., length:] = low
        return _softmax(scores) @ (x @ w_value)

    return cross


def _cross(y, x, w_query, w_key, w_value, length):
    return _hidden_by(-np.inf)(y, x, w_query, w_key, w_value, length)


def _padding_of_both(y, x, w_query, w_key, w_value, length):
    """Take the tokens of y beyond the length for padding too."""
    output = _cross(y, x, w_query, w_key, w_value, length)
    output[..., length + 3 :, :] = 0
    return output


def _zero_rows_are_padding(y, x, w_query, w_key, w_value, length):
    """Set the padding to 0 and let it be asked."""
    real = np.where(np.arange(x.shape[-2])[:, None] < length, x, 0)
    return _attend(y @ w_query, real @ w_key, real @ w_value)


def _without_maximum(y, x, w_query, w_key, w_value, length):
    real = x[..., :length, :]
    scores = (y @ w_query) @ np.swapaxes(real @ w_key, -1, -2) / w_query.shape[1] ** 0.5
    e = np.exp(scores)
    return e / e.sum(axis=-1, keepdims=True) @ (real @ w_value)


def _back(order):
    return np.argsort(order)


def _cycles(weights, order):
    """Apply the order twice, which undoes a cycle of three."""
    again = order[order]
    return weights[again][:, again]


def _in_place(weights, order):
    back = _back(order)
    weights[...] = weights[back][:, back]
    return weights


def _versions(y, x, w_query, w_key, w_value):
    return [
        _attend(y @ w_query, x @ w_key, x @ w_value),
        _attend(x @ w_query, y @ w_key, y @ w_value),
        _attend(y @ w_query, x @ w_query, x @ w_value),
        _attend(y @ w_query.T, x @ w_key.T, x @ w_value.T),
        _attend(y @ w_query, x @ w_key, y @ w_value),
    ]


def _from_counts(moved, own=None):
    """Tell the versions apart by how many outputs move."""
    n = len(moved[0])
    y, x = (moved > 1e-6).sum(axis=(1, 2))
    if y == n:
        return 0 if x == (own or n * n) else 4
    if x == 0:
        return 2
    return 1 if x == n else 3


WRONG = {
    "self_attention": {
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_self(*a)),
        "a single token is its own value without a row": lambda x, *w: (
            _self(x, *w)[..., 0, :] if x.shape[-2] == 1 else _self(x, *w)
        ),
        "the tokens of a batch ask each other": _token_by_token,
        "a batch of one loses its axis": lambda x, *w: (
            _self(x, *w)[0] if x.ndim > 2 and len(x) == 1 else _self(x, *w)
        ),
        "the scale of n": lambda x, w_query, w_key, w_value: _self(
            x, w_query * (x.shape[-1] / x.shape[-2]) ** 0.5, w_key, w_value
        ),
        "a token does not ask itself": lambda x, w_query, w_key, w_value: (
            _softmax(
                np.where(
                    np.eye(x.shape[-2]) * (x.shape[-2] > 2),
                    -1e9,
                    x @ w_query @ np.swapaxes(x @ w_key, -1, -2) / len(w_query) ** 0.5,
                )
            )
            @ (x @ w_value)
        ),
    },
    "cross_attention": {
        "hides by -1000": _hidden_by(-1e3),
        "hides by -5000": _hidden_by(-5e3),
        "hides by -100": _hidden_by(-1e2),
        "cuts one token off where there is no padding": _rows_not_cut,
        "the last tokens of y are taken for padding": _padding_of_both,
        "the padding is set to 0 and asked": _zero_rows_are_padding,
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_cross(*a)),
        "large scores overflow": _without_maximum,
        "one more token without padding": lambda y, x, q, k, v, length: _cross(
            y, x, q, k, v, min(length, x.shape[-2] - 1)
        ),
        "at least three tokens are real": lambda y, x, q, k, v, length: _cross(
            y, x, q, k, v, max(length, 3)
        ),
    },
    "unshuffle_weights": {
        "applies the order twice": _cycles,
        "writes into the argument": _in_place,
        "squeeze drops an axis of length 1": lambda weights, order: np.squeeze(
            weights[_back(order)][:, _back(order)]
        ),
        "makes the weights symmetric": lambda weights, order: (
            (weights + weights.T)[_back(order)][:, _back(order)] / 2
        ),
        "applies the order three times": lambda weights, order: weights[
            order[order[order]]
        ][:, order[order[order]]],
        "reverses the order": lambda weights, order: weights[order[::-1]][
            :, order[::-1]
        ],
    },
    "diagnose_roles": {
        "takes a causal mask for right where n is 3": lambda moved: (
            _from_counts(moved, own=6 if len(moved[0]) == 3 else None) % 4
        ),
        "never says 0": lambda moved: max(_from_counts(moved), 1),
        "never says 4": lambda moved: min(_from_counts(moved), 3),
        "looks at the first three tokens only, and at their mean": lambda moved: (
            _from_counts(np.where(moved > moved.mean(), 1.0, 0.0))
        ),
    },
}
