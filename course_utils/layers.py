"""The layers around attention: linear, embedding, and what a prediction is worth.

`d_x` names the gradient of the loss with respect to `x`, and has the shape of `x`.
"""

from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.softmax import log_softmax
from course_utils.validation import (
    as_array,
    as_float,
    as_floats,
    check_axes,
    check_integer,
    check_shape,
)

Floats = NDArray[np.floating]


def linear_backward(
    d_output: ArrayLike, x: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Send a gradient back through a linear layer, x @ weight + bias.

    d_x = d_output Wᵀ; d_weight = xᵀ d_output and d_bias = Σ d_output, summed over all
    leading axes, because every position shares one weight and one bias.

    - `d_output`: the gradient of the output, shape (..., d_out).
    - `x`: the input, shape (..., d_in), with the leading axes of `d_output`.
    - `weight`: shape (d_in, d_out).

    Returns (d_x, d_weight, d_bias) of shapes (..., d_in), (d_in, d_out) and (d_out,),
    in the common dtype of the three (float64 for integers). A layer without a bias has
    no use for the last.

    Raises TypeError if an array is not real, and ValueError if shapes do not fit.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", 1986, equations 6 and 7.

    >>> d_x, d_weight, d_bias = linear_backward([[1]], x=[[2, 3]], weight=[[4], [5]])
    >>> print(d_x, d_weight.ravel(), d_bias)
    [[4. 5.]] [2. 3.] [1.]
    """
    (d_output, x, weight), dtype = as_floats(d_output=d_output, x=x, weight=weight)
    check_axes("weight", weight, "(d_in, d_out)")
    check_axes("x", x, "(..., d_in)")
    d_in, d_out = weight.shape
    check_shape(
        "x", x, (*x.shape[:-1], d_in), f"whose last axis is weight's d_in {d_in}"
    )
    why = "the leading axes of x and weight's d_out"
    check_shape("d_output", d_output, (*x.shape[:-1], d_out), why)
    n = prod(x.shape[:-1])
    x, rows = x.reshape(n, d_in), d_output.reshape(n, d_out)
    gradients = (d_output @ weight.T, x.T @ rows, rows.sum(axis=0))
    return tuple(gradient.astype(dtype, copy=False) for gradient in gradients)


def embedding_backward(
    d_output: ArrayLike, tokens: ArrayLike, num_embeddings: int
) -> Floats:
    """Send a gradient back through a table of embeddings, table[tokens].

    Every row of the table gets the sum of the gradients of the places that used it.

    - `d_output`: the gradient of what was looked up, shape (..., d).
    - `tokens`: integers from 0 to num_embeddings − 1, of the leading shape (...).
    - `num_embeddings`: how many rows the table has.

    Returns d_table, shape (num_embeddings, d), in the dtype of `d_output` (float64 for
    integers).

    Raises TypeError if `d_output` is not real, or `tokens` or `num_embeddings` no
    integers, and ValueError if a token is out of range or shapes do not fit.

    >>> embedding_backward([[1.0], [2.0], [4.0]], tokens=[0, 2, 0], num_embeddings=3)
    array([[5.],
           [0.],
           [2.]])
    """
    (d_output,), dtype = as_floats(d_output=d_output)
    num_embeddings = check_integer("num_embeddings", num_embeddings, least=1)
    tokens = _as_indices("tokens", tokens, 0, num_embeddings)
    check_axes("d_output", d_output, "(..., d)")
    shape = (*tokens.shape, d_output.shape[-1])
    check_shape("d_output", d_output, shape, "the shape of tokens and one more axis")
    d_table = np.zeros((num_embeddings, shape[-1]), d_output.dtype)
    # Sorted by token, each row of the table is one sum over neighbours. np.add.at
    # adds place by place, and is some five times slower.
    order = np.argsort(tokens, axis=None, kind="stable")
    used, starts = np.unique(tokens.ravel()[order], return_index=True)
    rows = d_output.reshape(tokens.size, shape[-1])[order]
    d_table[used] = np.add.reduceat(rows, starts, axis=0)
    return d_table.astype(dtype, copy=False)


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Floats]:
    """Measure in nats how surprised a prediction is, and how to make it less so.

    The loss is the mean of −log softmax(logits)[target] over the positions that have a
    target; its gradient is (softmax(logits) − one-hot(target)) / count.

    - `logits`: scores before softmax, shape (..., num_classes).
    - `targets`: integers of shape (...), from 0 to num_classes − 1. −1 marks a position
      that has no answer: it does not count, and gets a gradient of 0.

    Returns (loss, d_logits): a float, which is ln(num_classes) if all classes look
    alike, and an array of the shape and dtype of `logits` (float64 for integers).

    Raises TypeError if `logits` is not real or `targets` no integers, and ValueError if
    a target is out of range, the shapes do not fit, or no position counts.

    Source: Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", 1990.

    >>> loss, d_logits = cross_entropy([[0.0, 0.0], [5.0, 0.0]], targets=[1, -1])
    >>> round(loss, 3), d_logits
    (0.693, array([[ 0.5, -0.5],
           [ 0. ,  0. ]]))
    """
    (logits,), dtype = as_floats(logits=logits)
    check_axes("logits", logits, "(..., num_classes)")
    targets = _as_indices("targets", targets, -1, logits.shape[-1])
    why = "the shape of logits without its last axis"
    check_shape("targets", targets, logits.shape[:-1], why)
    counted = np.flatnonzero(targets >= 0)
    if len(counted) == 0:
        raise ValueError("targets needs at least one target of 0 or more; it has none")
    log_probabilities = log_softmax(logits.reshape(-1, logits.shape[-1])[counted])
    chosen = (np.arange(len(counted)), targets.ravel()[counted])
    loss = -float(log_probabilities[chosen].mean())
    difference = np.exp(log_probabilities)
    difference[chosen] -= 1
    d_logits = np.zeros((targets.size, logits.shape[-1]), logits.dtype)
    d_logits[counted] = difference / len(counted)
    return loss, d_logits.reshape(logits.shape).astype(dtype, copy=False)


def accuracy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Return the share of targets that have the highest logit.

    - `logits`: scores or probabilities, shape (..., num_classes).
    - `targets`: integers of shape (...), from 0 to num_classes − 1; −1 does not count.

    Returns a float from 0 to 1. Of several highest logits the first is the answer.

    Raises TypeError if `logits` is not real or `targets` no integers, and ValueError if
    a target is out of range, the shapes do not fit, or no position counts.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], targets=[1, 1, -1])
    0.5
    """
    logits = as_float("logits", logits)
    check_axes("logits", logits, "(..., num_classes)")
    targets = _as_indices("targets", targets, -1, logits.shape[-1])
    why = "the shape of logits without its last axis"
    check_shape("targets", targets, logits.shape[:-1], why)
    counted = targets >= 0
    if not counted.any():
        raise ValueError("targets needs at least one target of 0 or more; it has none")
    return float((logits.argmax(axis=-1) == targets)[counted].mean())


def _as_indices(name: str, x: ArrayLike, least: int, end: int) -> NDArray[np.integer]:
    """Return `x` as an array of integers from `least` to `end` − 1.

    >>> _as_indices("tokens", [0, 5], 0, 5)
    Traceback (most recent call last):
    ValueError: tokens needs integers from 0 to 4; it has 5
    """
    array = as_array(name, x)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} needs integers; its dtype is {array.dtype}")
    wrong = (array < least) | (array >= end)
    if wrong.any():
        raise ValueError(
            f"{name} needs integers from {least} to {end - 1}; it has {array[wrong][0]}"
        )
    return array
