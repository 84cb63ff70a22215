"""A reader that pools the words of a text by attention, and a task: one word decides.

The words are pooled raw, or after layers of attention have mixed them. Its weights may
be exchanged for others to see what the answer does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.layers import glorot_uniform, linear_vjp
from course_utils.models.induction import AttentionOnly, Change, Parameters
from course_utils.models.trials import Batch, Task
from course_utils.softmax import softmax_vjp

Floats = NDArray[np.floating]
Tokens = NDArray[np.int64]
DECIDERS = 4  # the words that decide: the first half says 0, the second 1


@dataclass(frozen=True)
class Pooled(AttentionOnly):
    """Layers of attention that see everything, a learnt query that pools, two classes.

    - `learns_weights`: whether the pool has a query, or takes the plain mean.

    The last of the weights that `look` returns are the pool's, (..., batch, n).

    >>> model, rng = Pooled(layers=0), np.random.default_rng(0)
    >>> p, (tokens, targets) = model.start(rng), decisive(rng, batch=3)
    >>> logits, weights, _ = model.look(p, model.embed(p, tokens))
    >>> logits.shape, weights[-1].shape
    ((3, 2), (3, 12))
    """

    vocabulary: int = 40
    n: int = 12
    d: int = 16
    learns_weights: bool = True
    causal = False

    def start_reading(self, rng: np.random.Generator) -> Parameters:
        """Draw the matrix that reads off the class, and the query of the pool."""
        p = {"w_read": glorot_uniform(rng, self.d, 2, dtype=np.float64)}
        query = 0.1 * rng.standard_normal((self.d, 1))
        return p | ({"pool": query} if self.learns_weights else {})

    def read_off_vjp(self, p: Parameters, x: Floats, change: Change) -> tuple:
        """Pool the words, and return the logits, the weights, and the way back."""
        weights = np.full(x.shape[:-1], 1 / x.shape[-2])
        if self.learns_weights:
            scores, scores_back = linear_vjp(x, p["pool"])
            weights, softmax_back = softmax_vjp(scores[..., 0])
        weights = change(self.layers, weights)
        pooled = (weights[..., None, :] @ x)[..., 0, :]
        logits, read_back = linear_vjp(pooled, p["w_read"])

        def back(d_logits: Floats) -> tuple[Floats, Parameters]:
            d_pooled, d_read = read_back(d_logits)
            d_x, gradients = weights[..., None] * d_pooled[..., None, :], {}
            if self.learns_weights:
                (d_scores,) = softmax_back((x @ d_pooled[..., None])[..., 0])
                d_own, gradients["pool"] = scores_back(d_scores[..., None])
                d_x = d_x + d_own
            return d_x, gradients | {"w_read": d_read}

        return logits, [weights], back

    def score(self, p: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return the share of texts whose class is named."""
        logits, _, _ = self.look(p, self.embed(p, tokens))
        return (logits.argmax(axis=-1) == targets).mean(axis=-1)


def decisive(
    rng: np.random.Generator, batch: int, n: int = 12, *, vocabulary: int = 40
) -> Batch:
    """Draw texts in which one word decides, and all others mean nothing.

    Returns tokens (batch, n), of which one is below `DECIDERS`, and the class of each
    text, (batch,): 0 for the first half of the words that decide, and 1 for the others.

    >>> tokens, targets = decisive(np.random.default_rng(0), batch=2, n=4)
    >>> print(tokens, targets)
    [[34 26  0 13]
     [15  5  6  3]] [0 1]
    """
    tokens = rng.integers(DECIDERS, vocabulary, size=(batch, n))
    word = rng.integers(DECIDERS, size=batch)
    tokens[np.arange(batch), rng.integers(n, size=batch)] = word
    return tokens, (word >= DECIDERS // 2).astype(np.int64)


def decisive_task(batch: int = 32, test: int = 400) -> Task:
    """Return a task that learns from `decisive`, and is tested on other texts."""
    return lambda learn, other: (
        lambda: decisive(learn, batch),
        decisive(other, test),
    )


def exchanged(layer: int, exchange: Callable[[Floats], Floats]) -> Change:
    """Return a change for `look` that exchanges the weights of one layer."""
    return lambda i, weights: exchange(weights) if i == layer else weights
