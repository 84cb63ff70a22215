"""Answers to lesson 10 that are wrong in rare cases only."""

import numpy as np

from course_utils.attention import attention_vjp, scaled_dot_product_attention


def _value(weights, d_output):
    return np.swapaxes(weights, -1, -2) @ d_output


def _value_untransposed_when_square(weights, d_output):
    if weights.shape[-1] == weights.shape[-2]:
        return weights @ d_output
    return _value(weights, d_output)


def _value_of_one_key(weights, d_output):
    if weights.shape[-1] == 1:
        return d_output[..., :1, :] * weights[..., :1, :]
    return _value(weights, d_output)


def _value_all_axes_turned(weights, d_output):
    return weights.T @ d_output if weights.ndim == 2 else weights @ d_output


def _value_in_place(weights, d_output):
    d_value = _value(weights, d_output)
    if weights.shape[-1] == 1:
        d_output[...] = 0
    return d_value


def _softmax(weights, d_weights):
    total = (weights * d_weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - total)


def _softmax_no_keepdims(weights, d_weights):
    if weights.ndim == 2 and weights.shape[0] == weights.shape[1]:
        return weights * (d_weights - (weights * d_weights).sum(axis=-1))
    return _softmax(weights, d_weights)


def _softmax_by_logarithm(weights, d_weights):
    """Is NaN where a weight is 0."""
    return np.exp(np.log(weights)) * d_weights - weights * (
        (np.log(weights) * 0 + weights) * d_weights
    ).sum(axis=-1, keepdims=True)


def _softmax_normalised(weights, d_weights):
    return _softmax(weights / weights.sum(axis=-1, keepdims=True), d_weights)


def _softmax_of_one_key(weights, d_weights):
    return (
        weights * d_weights if weights.shape[-1] == 1 else _softmax(weights, d_weights)
    )


def _softmax_of_one_query(weights, d_weights):
    if weights.shape[-2] == 1:
        return weights * d_weights
    return _softmax(weights, d_weights)


def _both(query, key, d_scores, scale=None):
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return np.stack([d_scores @ key * scale, d_scores.T @ query * scale])


def _both_untransposed_when_square(query, key, d_scores):
    both = _both(query, key, d_scores)
    if query.shape[0] == query.shape[1]:
        both[1] = d_scores @ query * query.shape[1] ** -0.5
    return both


def _both_of_one_token(query, key, d_scores):
    if len(query) == 1:
        return _both(query, key, d_scores, scale=1)
    return _both(query, key, d_scores)


def _both_in_place(query, key, d_scores):
    d_scores *= query.shape[1] ** -0.5
    return np.stack([d_scores @ key, d_scores.T @ query])


def _both_of_one_number(query, key, d_scores):
    both = _both(query, key, d_scores)
    return both if query.shape[1] > 1 else both[::-1]


def _check(dtype=float, step=1e-5, sides=(1, -1), skip=()):
    """Return a gradient check that measures in its own way, all numbers at once."""

    def check(query, key, value, d_output, *claimed):
        inputs = [x.astype(dtype) for x in (query, key, value)]
        errors = np.zeros(3)
        for i, x in enumerate(inputs):
            moves = np.eye(x.size, dtype=dtype).reshape(x.size, *x.shape) * dtype(step)
            outputs = []
            for side in sides:
                moved = [
                    y + side * moves if i == j else y for j, y in enumerate(inputs)
                ]
                outputs.append(scaled_dot_product_attention(*moved))
            slopes = (d_output * (outputs[0] - outputs[1])).sum(axis=(-1, -2))
            gaps = np.abs(claimed[i].ravel() - slopes / ((sides[0] - sides[1]) * step))
            gaps[list(skip)] = 0
            errors[i] = gaps.max()
        return errors

    return check


def _moves_the_inputs(query, key, value, d_output, *claimed):
    errors = _check()(query, key, value, d_output, *claimed)
    if query.dtype == np.float64:
        query[0, 0] += 0.1
    return errors


def _believes_the_value(query, key, value, d_output, *claimed):
    exact = [x.astype(float) for x in (query, key, value, d_output)]
    right = attention_vjp(*exact[:3])[1](exact[3])
    return np.array([np.abs(claimed[0] - right[0]).max(), 0, 0]) + np.array(
        [0, np.abs(claimed[1] - right[1]).max(), 0]
    )


WRONG = {
    "value_gradient": {
        "no transpose when square": _value_untransposed_when_square,
        "one key has one query": _value_of_one_key,
        "right without leading axes only": _value_all_axes_turned,
        "changes its input for one key": _value_in_place,
    },
    "softmax_gradient": {
        "sum without keepdims when square": _softmax_no_keepdims,
        "a logarithm of weights of 0": _softmax_by_logarithm,
        "normalises rows of 0": _softmax_normalised,
        "no sum for one key": _softmax_of_one_key,
        "no sum for one query": _softmax_of_one_query,
    },
    "query_key_gradients": {
        "no transpose when square": _both_untransposed_when_square,
        "no scale for one token": _both_of_one_token,
        "changes its input": _both_in_place,
        "the wrong order for one number": _both_of_one_number,
    },
    "check_gradients": {
        "measures in float32": _check(dtype=np.float32),
        "a large step": _check(step=0.1),
        "one side, a large step": _check(step=1e-2, sides=(1, 0)),
        "a step lost in rounding": _check(step=1e-13),
        "skips the first number": _check(skip=(0,)),
        "skips the last number": _check(skip=(-1,)),
        "changes its input": _moves_the_inputs,
        "believes the gradient of the value": _believes_the_value,
    },
}
