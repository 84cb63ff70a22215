"""Answers to lesson 12 that are wrong in rare cases only."""

import numpy as np


def _norm(x, gain, shift):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + shift


def _norm_tokens_when_square(x, gain, shift):
    n, d = x.shape[-2:]
    if n != d:
        return _norm(x, gain, shift)
    mean, variance = x.mean(-2, keepdims=True), x.var(-2, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + shift


def _norm_constant_is_zero(x, gain, shift):
    flat = x.var(-1, keepdims=True) < 1e-12
    return np.where(flat, 0, _norm(x, gain, shift))


def _norm_in_place(x, gain, shift):
    if x.ndim == 2:
        x -= x.mean(-1, keepdims=True)
    return _norm(x, gain, shift)


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _block(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads, **odd):
    one = odd.get("one", False)
    y = _norm(x, 1, 0)
    *lead, n, d = x.shape
    heads = 1 if one else num_heads

    def split(w):
        return (y @ w).reshape(*lead, n, heads, -1).swapaxes(-2, -3)

    query, key, value = split(w_q), split(w_k), split(w_v)
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
    hidden = ~np.tri(n, dtype=bool)
    scores = np.where(hidden, odd.get("hides", -np.inf), scores)
    weights = odd.get("softmax", _softmax)(scores)
    found = (weights @ value).swapaxes(-2, -3).reshape(*lead, n, d)
    x = x + found @ w_out
    return x + np.maximum(_norm(x, 1, 0) @ w_up + b_up, 0) @ w_down + b_down


def _raw_softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def _top_k(logits, k, temperature, softmax=_softmax):
    last = np.sort(logits, axis=-1)[..., -min(k, logits.shape[-1]), None]
    return softmax(np.where(logits < last, -np.inf, logits) / temperature)


def _exactly_k(logits, k, temperature):
    order = np.argsort(logits, axis=-1)
    logits = logits.astype(float)
    np.put_along_axis(logits, order[..., : max(0, logits.shape[-1] - k)], -np.inf, -1)
    return _softmax(logits / temperature)


def _greedy_when_one(logits, k, temperature):
    found = _top_k(logits, k, temperature)
    return _top_k(logits, 2, temperature) if k == 1 else found


def _leak(logits, targets, may_see, num_blocks, deep=3, keep=True, last=True):
    n = len(may_see)
    step = may_see | np.eye(n, dtype=bool) if keep else may_see
    reach = np.eye(n, dtype=bool)
    for _ in range(min(num_blocks, deep)):
        reach = reach @ step
    honest = np.append(~np.diagonal(reach, 1), last)
    share = np.take_along_axis(_softmax(logits), targets[..., None], -1)[..., 0]
    bits = -np.log2(share)
    return np.array([bits.mean(), bits[:, honest].mean()])


def _leak_mean_of_windows(logits, targets, may_see, num_blocks):
    found = _leak(logits, targets, may_see, num_blocks)
    first = _leak(logits[:1], targets[:1], may_see, num_blocks)
    return np.array([found[0], first[1]])


def _leak_above_only(logits, targets, may_see, num_blocks):
    ahead = may_see | np.eye(len(may_see), dtype=bool)
    ahead = ahead & ~np.tri(len(may_see), k=-1, dtype=bool)
    return _leak(logits, targets, ahead, num_blocks)


WRONG = {
    "layer_norm": {
        "along the tokens when square": _norm_tokens_when_square,
        "a constant vector becomes 0": _norm_constant_is_zero,
        "changes a matrix in place": _norm_in_place,
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_norm(*a)),
        "a single token is left alone": lambda x, gain, shift: (
            x if x.shape[-2] == 1 else _norm(x, gain, shift)
        ),
    },
    "block": {
        "one head for all": lambda *a: _block(*a, one=True),
        "large scores overflow": lambda *a: _block(*a, softmax=_raw_softmax),
        "hides with −10": lambda *a: _block(*a, hides=-10.0),
        "squeeze drops an axis of length 1": lambda *a: np.squeeze(_block(*a)),
        "a single token does not think": lambda x, *a: (
            x if x.shape[-2] == 1 else _block(x, *a)
        ),
    },
    "top_k": {
        "exactly k, whatever ties": _exactly_k,
        "two at least": _greedy_when_one,
        "large logits overflow": lambda *a: _top_k(*a, softmax=_raw_softmax),
        "more than there are gives nothing": lambda logits, k, temperature: (
            _top_k(logits, k, temperature) * (k <= logits.shape[-1])
        ),
    },
    "count_leak": {
        "two blocks deep at most": lambda *a: _leak(*a, deep=2),
        "one block deep": lambda *a: _leak(*a, deep=1),
        "no residual": lambda *a: _leak(*a, keep=False),
        "the honest bits of one window": _leak_mean_of_windows,
        "only steps ahead": _leak_above_only,
        "the last place never counts": lambda *a: _leak(*a, last=False),
    },
}
