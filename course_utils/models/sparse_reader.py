"""Layers of attention that may see some pairs only, and two tasks that ask how far.

Both tasks are answered at every position, so that one sequence tests every distance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.attention import attention_vjp
from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.models.trials import Batch, Task

Booleans = NDArray[np.bool_]
Floats = NDArray[np.floating]
Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]
VALUES = 8
MATRICES = ("w_query", "w_key", "w_value")


@dataclass(frozen=True)
class SparseReader:
    """Attention with one head a layer, each added to what it read; then a matrix.

    The vector of a position is the sum of those of its tokens, which may be several:
    a key, a value and a question.

    - `masks`: for each layer who may see whom, booleans of shape (n, n).
    - `vocabulary`: how many different tokens there are.
    - `d`: size of all vectors.

    >>> model, rng = SparseReader([np.eye(6, dtype=bool)], 16), np.random.default_rng(0)
    >>> tokens, targets, distance = flags(rng, batch=2, n=6)
    >>> model.read(model.start(rng), tokens).shape  # batch, position, value
    (2, 6, 8)
    """

    masks: list[Booleans]
    vocabulary: int
    d: int = 32

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with, in float32."""
        table = 0.3 * rng.standard_normal((self.vocabulary, self.d))
        parameters = {"tokens": table.astype(np.float32)}
        for layer in range(len(self.masks)):
            for name in MATRICES:
                parameters[f"{name} {layer}"] = glorot_uniform(rng, self.d, self.d)
        return parameters | {"w_out": glorot_uniform(rng, self.d, VALUES)}

    def read_vjp(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[Floats, Callable[[Floats], Parameters]]:
        """Return the logits of the values, (..., n, VALUES), and the way back.

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `tokens`: shape (..., n, tokens of a position).
        """
        vectors, table_back = embedding_vjp(parameters["tokens"], tokens)
        x, layer_backs = vectors.sum(axis=-2), []
        for layer in range(len(self.masks)):
            change, layer_back = self._layer_vjp(parameters, layer, x)
            x = x + change
            layer_backs.append(layer_back)
        logits, out_back = linear_vjp(x, parameters["w_out"])

        def back(d_logits: Floats) -> Parameters:
            d_x, d_out = out_back(d_logits)
            gradients = {"w_out": d_out}
            for layer_back in reversed(layer_backs):
                d_before, own = layer_back(d_x)
                d_x, gradients = d_x + d_before, gradients | own
            spread = np.broadcast_to(d_x[..., None, :], vectors.shape)
            return gradients | {"tokens": table_back(spread)[0]}

        return logits, back

    def _layer_vjp(
        self, parameters: Parameters, layer: int, x: Floats
    ) -> tuple[Floats, Callable[[Floats], tuple[Floats, Parameters]]]:
        """Attend under the mask of one layer; `back` returns d_x and its gradients."""
        names = [f"{name} {layer}" for name in MATRICES]
        pairs = [linear_vjp(x, parameters[name]) for name in names]
        bias = np.where(self.masks[layer], 0, -np.inf).astype(x.dtype)
        output, attention_back = attention_vjp(*(y for y, _ in pairs), bias)

        def back(d_output: Floats) -> tuple[Floats, Parameters]:
            d_x, gradients = np.zeros_like(x), {}
            d_projected = attention_back(d_output)[:3]
            for name, (_, way), d_y in zip(names, pairs, d_projected, strict=True):
                d_part, gradients[name] = way(d_y)
                d_x += d_part
            return d_x, gradients

        return output, back

    def read(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the logits of the values, shape (..., n, VALUES)."""
        return self.read_vjp(parameters, tokens)[0]

    def loss_and_gradients(
        self, parameters: Parameters, tokens: Tokens, targets: Tokens, _: Tokens
    ) -> tuple[float, Parameters]:
        """Return the loss, and its gradients."""
        logits, back = self.read_vjp(parameters, tokens)
        loss, loss_back = cross_entropy_vjp(logits, targets)
        return loss, back(*loss_back())

    def score(
        self, parameters: Parameters, tokens: Tokens, targets: Tokens, distance: Tokens
    ) -> Floats:
        """Return the share of right answers at each distance, shape (..., n)."""
        right = self.read(parameters, tokens).argmax(axis=-1) == targets
        shares = []
        for k in range(targets.shape[-1]):
            asked = distance == k
            count = asked.sum(axis=(-2, -1))
            shares.append((right & asked).sum(axis=(-2, -1)) / np.maximum(count, 1))
        return np.stack(shares, axis=-1)


def flags(rng: np.random.Generator, batch: int, n: int = 16) -> Batch:
    """Draw fillers with one flag among them: each place behind it must name its value.

    Fillers are values without a flag. The flag stands in the first half.

    Returns tokens (batch, n, 1), targets (batch, n), −1 in front of the flag, and how
    far back the answer lies, (batch, n).

    >>> tokens, targets, distance = flags(np.random.default_rng(3), 1, n=6)
    >>> print(tokens[..., 0], targets, distance)
    [[ 6  0 12  1  1  6]] [[-1 -1  4  4  4  4]] [[-2 -1  0  1  2  3]]
    """
    tokens = rng.integers(VALUES, size=(batch, n))
    place = rng.integers(n // 2, size=(batch, 1))
    value = rng.integers(VALUES, size=(batch, 1))
    distance = np.arange(n) - place
    tokens = np.where(distance == 0, VALUES + value, tokens)
    return tokens[..., None], np.where(distance >= 0, value, -1), distance


def lookups(rng: np.random.Generator, batch: int, n: int = 16) -> Batch:
    """Draw a key, a value and a question at each place: what value had that key?

    Keys are distinct; the question is about a key at the same place or before it.

    Returns tokens (batch, n, 3), targets (batch, n), and how far back the answer lies.

    >>> tokens, targets, distance = lookups(np.random.default_rng(0), 1, n=3)
    >>> print(*(tokens - [0, 3, 11])[0], targets, distance)
    [2 2 2] [0 0 0] [1 0 1] [[2 0 0]] [[0 0 0]]
    """
    keys = np.broadcast_to(np.arange(n), (batch, n))
    key, value = rng.permuted(keys, axis=1), rng.integers(VALUES, size=(batch, n))
    distance = rng.integers(np.arange(n) + 1, size=(batch, n))
    there = np.arange(n) - distance
    asked, targets = (np.take_along_axis(x, there, axis=1) for x in (key, value))
    tokens = np.stack([key, n + value, n + VALUES + asked], axis=-1)
    return tokens, targets, distance


def task_of(draw: Callable[..., Batch], batch: int = 16, test: int = 500) -> Task:
    """Return a task that learns from batches of `draw`, and is tested on others."""
    return lambda learn, other: (lambda: draw(learn, batch), draw(other, test))
