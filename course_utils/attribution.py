"""Ask a model what an answer hangs on: by its weights, its slopes, or by trying it out.

An attribution gives each token of a sequence a number. That none of them is *the*
explanation is what lesson 15 measures.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.softmax import log_softmax
from course_utils.validation import (
    Back,
    Floats,
    as_indices,
    check_number,
    check_shape,
    read,
)


def rollout(weights: ArrayLike, *, residual: float = 0.5) -> Floats:
    """Follow the weights of all layers down to the tokens that were read.

    Step = residual·I + (1 − residual)·W for each layer; the rollout is the product of
    all steps, the last layer's on the left.

    - `weights`: of each layer, the first one first, shape (layers, ..., n, n); for
      several heads, their mean.
    - `residual`: the share of a token that stays where it is, from 0 to 1; 0 for a
      model without residual connections.

    Returns how much of each token (column) stands in each place (row) at the end, shape
    (..., n, n). Rows that sum to 1 in each layer sum to 1.

    Source: Abnar and Zuidema, "Quantifying attention flow in transformers", 2020.

    >>> back = [[1.0, 0, 0], [1, 0, 0], [0, 1, 0]]  # every token looks one place back
    >>> rollout([back, back])[2]
    array([0.25, 0.5 , 0.25])
    """
    (weights,) = read("... n n", weights=weights)
    if weights.ndim < 3:
        raise ValueError(
            f"`weights` must have shape (layers, ..., n, n); got {weights.shape}"
        )
    residual = check_number("residual", residual, weights.dtype)
    if not 0 <= residual <= 1:
        raise ValueError(f"`residual` must be from 0 to 1; got {residual}")
    stays = weights.dtype.type(residual) * np.eye(
        weights.shape[-1], dtype=weights.dtype
    )
    total = np.broadcast_to(np.eye(len(stays), dtype=weights.dtype), weights.shape[1:])
    for layer in weights:
        total = (stays + (1 - residual) * layer) @ total
    return total


def weighted_norms(weights: ArrayLike, value: ArrayLike, w_out: ArrayLike) -> Floats:
    """Measure how much each key adds to the output: weight times value, as a length.

    - `weights`: of one query in each head, shape (..., num_heads, n_k).
    - `value`: shape (..., num_heads, n_k, d_v).
    - `w_out`: shape (num_heads·d_v, d).

    Returns the length of what each key adds in all heads together, shape (..., n_k).

    Source: Kobayashi et al., "Attention is not only a weight: analyzing transformers
    with vector norms", 2020.

    >>> weighted_norms([[0.9, 0.1]], [[[0.0, 0.1], [3.0, 4.0]]], np.eye(2))
    array([0.09, 0.5 ])
    """
    weights, value, w_out = read(
        "... num_heads n_k, ... num_heads n_k d_v, d_in d",
        weights=weights,
        value=value,
        w_out=w_out,
    )
    heads, _, d_v = value.shape[-3:]
    if len(w_out) != heads * d_v:
        raise ValueError(
            f"`w_out` must have num_heads·d_v = {heads * d_v} rows; got {len(w_out)}"
        )
    added = value @ w_out.reshape(heads, d_v, -1) * weights[..., None]
    return np.linalg.norm(added.sum(axis=-3), axis=-1)


def occlusion(
    model: Callable[[Floats], ArrayLike],
    x: ArrayLike,
    answer: ArrayLike,
    stand_in: ArrayLike = 0.0,
) -> Floats:
    """Put something else in the place of one token after another; see the answer fall.

    - `model`: takes vectors of the shape of `x`, and returns logits (..., num_classes).
    - `x`: the vectors of the tokens, shape (..., n, d).
    - `answer`: the class whose probability is watched, integers of shape (...).
    - `stand_in`: what comes in the place of a token: broadcasts to the shape of `x`.

    Returns by how many nats log p of the answer falls without each token, (..., n). It
    is negative where a token speaks against the answer. `model` is called n + 1 times.

    Source: Li, Monroe and Jurafsky, "Understanding neural networks through
    representation erasure", 2016.

    >>> def first_token_says(x):  # logits of two classes
    ...     return x[..., 0, :]
    >>> occlusion(first_token_says, [[3.0, 0.0], [1.0, 1.0]], answer=0).round(2)
    array([0.64, 0.  ])
    """
    (x,) = read("... n d", x=x)
    stand_in = np.broadcast_to(read("...", stand_in=stand_in)[0], x.shape)
    before = _log_p(model(x), answer, x.shape[:-2])
    effect = np.empty(x.shape[:-1], before.dtype)
    for j in range(x.shape[-2]):
        without = x.copy()
        without[..., j, :] = stand_in[..., j, :]
        effect[..., j] = before - _log_p(model(without), answer, x.shape[:-2])
    return effect


def gradient_times_input(
    vjp: Callable[[Floats], tuple[ArrayLike, Back]],
    x: ArrayLike,
    answer: ArrayLike,
    stand_in: ArrayLike = 0.0,
) -> Floats:
    """Ask the slope of the answer's logit how it would fall without each token.

    The slope times the way, Σ d_x ∘ (x − stand_in), is what an occlusion would do if
    the model were a straight line. The logit is taken above the mean of all logits.

    - `vjp`: takes vectors of the shape of `x`; returns logits (..., num_classes) and
      `back`, whose first gradient is that of the vectors.
    - `x`, `answer`, `stand_in`: as in `occlusion`; the gradient times the input itself
      is the one with a `stand_in` of 0.

    Returns a number for each token, (..., n), from a single way back.

    Source: Shrikumar et al., "Not just a black box: learning important features through
    propagating activation differences", 2016.

    >>> def first_token_says_vjp(x):
    ...     return x[0], lambda d_logits: (np.stack([d_logits, 0 * d_logits]),)
    >>> gradient_times_input(first_token_says_vjp, [[3.0, 0.0], [1.0, 1.0]], answer=0)
    array([1.5, 0. ])
    """
    (x,) = read("... n d", x=x)
    stand_in = np.broadcast_to(read("...", stand_in=stand_in)[0], x.shape)
    logits, back = vjp(x)
    answer = _answers(logits, answer, x.shape[:-2])
    d_logits = np.full(logits.shape, -1 / logits.shape[-1], x.dtype)
    at = np.take_along_axis(d_logits, answer[..., None], axis=-1)
    np.put_along_axis(d_logits, answer[..., None], at + 1, axis=-1)
    d_x = back(d_logits)[0]
    check_shape("back(d_logits)[0]", d_x, x.shape)
    return (d_x * (x - stand_in)).sum(axis=-1)


def induction_score(weights: ArrayLike, tokens: ArrayLike) -> Floats:
    """Measure how much a head looks at what came after the present token before.

    - `weights`: of one head, shape (..., n, n).
    - `tokens`: integers of shape (..., n), at least 0.

    Returns the mean weight on the places just behind earlier appearances of the present
    token, over the places that have one, shape (...). It is 1 for a perfect induction
    head, and 0 where no token comes again.

    Source: the "prefix matching score" of Olsson et al., "In-context learning and
    induction heads", 2022.

    >>> weights = np.zeros((4, 4))
    >>> weights[2] = [0.0, 0.9, 0.1, 0.0]
    >>> weights[3] = [0.0, 0.0, 0.7, 0.3]
    >>> induction_score(weights, [5, 8, 5, 8])  # 8 came after 5; 5 came after 8
    np.float64(0.8)
    """
    (weights,) = read("... n n", weights=weights)
    n = weights.shape[-1]
    most = int(np.max(tokens, initial=0)) + 1
    tokens = as_indices("tokens", tokens, 0, most, weights.shape[:-1])
    same = tokens[..., :, None] == tokens[..., None, :]
    behind = np.zeros(same.shape, bool)  # query, key: the key stands behind its like
    behind[..., 1:] = same[..., :-1] & (np.arange(n)[:, None] > np.arange(n - 1))
    again = behind.any(axis=-1).sum(axis=-1)
    return (weights * behind).sum(axis=(-1, -2)) / np.maximum(again, 1)


def pearson(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return how nearly two rows of numbers lie on a line, from −1 to 1.

    Large numbers decide. It is 0 if one of the rows is constant.

    - `a`, `b`: shape (..., n).

    >>> pearson([1.0, 2, 3], [10.0, 20, 31]).round(3)
    np.float64(1.0)
    """
    a, b = read("... n, ... n", a=a, b=b)
    a, b = (x - x.mean(axis=-1, keepdims=True) for x in (a, b))
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return (a * b).sum(axis=-1) / np.where(size == 0, 1, size)


def spearman(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return how nearly two rows of numbers have the same order, from −1 to 1.

    Each rank counts alike, those among numbers near 0 too. Equal numbers share the mean
    of their ranks. It is 0 if one of the rows is constant.

    - `a`, `b`: shape (..., n).

    Source: Spearman, "The proof and measurement of association between two things",
    1904.

    >>> spearman([1.0, 2, 3], [10.0, 20, 900])
    np.float64(1.0)
    """
    a, b = read("... n, ... n", a=a, b=b)
    return pearson(_ranks(a), _ranks(b))


def _ranks(x: Floats) -> Floats:
    """Return how many numbers of its row are below each, and half of its equals."""
    below = x[..., None] > x[..., None, :]
    equal = x[..., None] == x[..., None, :]
    return below.sum(axis=-1) + equal.sum(axis=-1) / 2


def _answers(
    logits: ArrayLike, answer: ArrayLike, leading: tuple[int, ...]
) -> NDArray[np.integer]:
    """Return the answers, one for each row of logits."""
    check_shape("model(x)", np.asarray(logits), (*leading, np.shape(logits)[-1]))
    return as_indices("answer", answer, 0, np.shape(logits)[-1], leading)


def _log_p(logits: ArrayLike, answer: ArrayLike, leading: tuple[int, ...]) -> Floats:
    """Return the log-probability of the answers."""
    answer = _answers(logits, answer, leading)
    return np.take_along_axis(log_softmax(logits), answer[..., None], axis=-1)[..., 0]
