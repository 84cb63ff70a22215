"""Layers of nothing but attention, and a task for them: words that come again.

With two layers such a model learns to look behind the last place where it met the
present token, and to say what came there. Its weights can be read and changed.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_utils.attribution import induction_score
from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.masks import causal_mask
from course_utils.models.trials import Batch, Task, run_trials
from course_utils.multi_head import MATRICES
from course_utils.softmax import log_softmax, softmax_vjp
from course_utils.training import cosine_schedule

Floats = NDArray[np.floating]
Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]
# What to put in the place of the weights of a layer: called as change(layer, weights).
Change = Callable[[int, Floats], Floats]
TABLE = Path(__file__).parents[1] / "data" / "induction.csv"


def _unchanged(_: int, weights: Floats) -> Floats:
    return weights


@dataclass(frozen=True)
class AttentionOnly:
    """Vectors of tokens and places, layers of one causal head each, and logits.

    What a layer finds is added to what it read. There is no norm and no feed-forward.

    - `layers`: how many.
    - `vocabulary`: how many different tokens.
    - `n`: the longest sequence.
    - `d`: size of all vectors.

    >>> model, rng = AttentionOnly(layers=2), np.random.default_rng(0)
    >>> p, (tokens, targets) = model.start(rng), repeats(rng, batch=3)
    >>> logits, weights, back = model.look(p, model.embed(p, tokens))
    >>> logits.shape, [w.shape for w in weights]
    ((3, 32, 24), [(3, 32, 32), (3, 32, 32)])
    """

    layers: int
    vocabulary: int = 24
    n: int = 32
    d: int = 32
    causal = True

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with, in float64."""
        d = self.d
        p = {"tokens": 0.3 * rng.standard_normal((self.vocabulary, d))}
        p["places"] = 0.3 * rng.standard_normal((self.n, d))
        for layer in range(self.layers):
            for name in MATRICES:
                p[f"{name} {layer}"] = glorot_uniform(rng, d, d, dtype=np.float64)
        return p | self.start_reading(rng)

    def start_reading(self, rng: np.random.Generator) -> Parameters:
        """Draw the matrix that reads off the next token."""
        return {
            "w_read": glorot_uniform(rng, self.d, self.vocabulary, dtype=np.float64)
        }

    def embed_vjp(self, p: Parameters, tokens: Tokens) -> tuple[Floats, Callable]:
        """Return the vectors of tokens and places together, (..., n, d)."""
        x, tokens_back = embedding_vjp(p["tokens"], tokens)
        n = tokens.shape[-1]

        def back(d_x: Floats) -> tuple[Parameters]:
            d_places = np.zeros_like(p["places"])
            d_places[..., :n, :] = d_x.sum(axis=-3)
            return ({"tokens": tokens_back(d_x)[0], "places": d_places},)

        return x + p["places"][..., None, :n, :], back

    def embed(self, p: Parameters, tokens: Tokens) -> Floats:
        """Return the vectors of sequences of tokens, (..., batch, n)."""
        return self.embed_vjp(p, tokens)[0]

    def look(
        self, p: Parameters, x: Floats, change: Change = _unchanged
    ) -> tuple[Floats, list[Floats], Callable]:
        """Read vectors, from `embed` or from elsewhere.

        - `p`: as `start` draws them, or with one more first axis, for seeds.
        - `x`: shape (..., batch, n, d), with the same first axis.
        - `change`: what to put in place of a layer's weights. Zeros shut its head off.

        Returns the logits, the weights of each layer, and `back`, which takes d_logits
        and returns (d_x, gradients). It takes changed weights for given.
        """
        looked, backs = [], []
        for layer in range(self.layers):
            found, weights, layer_back = self._layer_vjp(p, layer, x, change)
            x = x + found
            looked.append(weights)
            backs.append(layer_back)
        logits, pooled, read_back = self.read_off_vjp(p, x, change)

        def back(d_logits: Floats) -> tuple[Floats, Parameters]:
            d_x, gradients = read_back(d_logits)
            for layer_back in reversed(backs):
                d_before, own = layer_back(d_x)
                d_x, gradients = d_x + d_before, gradients | own
            return d_x, gradients

        return logits, looked + pooled, back

    def _layer_vjp(self, p: Parameters, layer: int, x: Floats, change: Change) -> tuple:
        """Attend in one layer; return what it found, its weights, and the way back."""
        names = [f"{name} {layer}" for name in MATRICES]
        made = [linear_vjp(x, p[name]) for name in names[:3]]
        query, key, value = (y for y, _ in made)
        n, scale = x.shape[-2], self.d**-0.5
        seen = causal_mask(n) if self.causal else np.ones((n, n), bool)
        weights, softmax_back = softmax_vjp(
            query @ key.mT * scale + np.where(seen, 0, -np.inf)
        )
        weights = change(layer, weights)
        found, out_back = linear_vjp(weights @ value, p[names[3]])

        def back(d_found: Floats) -> tuple[Floats, Parameters]:
            d_blend, d_out = out_back(d_found)
            d_scores = softmax_back(d_blend @ value.mT)[0] * scale
            d_parts = (d_scores @ key, d_scores.mT @ query, weights.mT @ d_blend)
            d_x, gradients = np.zeros_like(x), {names[3]: d_out}
            for name, (_, own_back), d in zip(names, made, d_parts, strict=False):
                d_own, gradients[name] = own_back(d)
                d_x += d_own
            return d_x, gradients

        return found, weights, back

    def read_off_vjp(self, p: Parameters, x: Floats, _: Change) -> tuple:
        """Return the logits at each place, no more weights, and the way back."""
        logits, linear_back = linear_vjp(x, p["w_read"])

        def back(d_logits: Floats) -> tuple[Floats, Parameters]:
            d_x, d_read = linear_back(d_logits)
            return d_x, {"w_read": d_read}

        return logits, [], back

    def loss_and_gradients(
        self, p: Parameters, tokens: Tokens, targets: Tokens
    ) -> tuple[float, Parameters]:
        """Return the surprise at the targets in nats, and its gradients."""
        x, embed_back = self.embed_vjp(p, tokens)
        logits, _, back = self.look(p, x)
        loss, loss_back = cross_entropy_vjp(logits, targets)
        d_x, gradients = back(*loss_back())
        return loss, gradients | embed_back(d_x)[0]

    def score(self, p: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return the share of right answers where there is one."""
        logits, _, _ = self.look(p, self.embed(p, tokens))
        return shares(logits, targets)


class Watched(AttentionOnly):
    """The same, tested for what its heads do as well as for its answers."""

    def score(self, p: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return four means of the test, shape (..., 4).

        They are the share of right answers, the surprise at the right ones in nats, the
        weight of the first layer on the place before, and the induction score of the
        last.
        """
        logits, weights, _ = self.look(p, self.embed(p, tokens))
        back = np.diagonal(weights[0], -1, axis1=-2, axis2=-1).mean(axis=(-1, -2))
        again = induction_score(weights[-1], tokens).mean(axis=-1)
        known, right = targets >= 0, np.maximum(targets, 0)[..., None]
        surprise = -np.take_along_axis(log_softmax(logits), right, axis=-1)[..., 0]
        surprise = (surprise * known).sum(axis=(-1, -2)) / known.sum(axis=(-1, -2))
        return np.stack([shares(logits, targets), surprise, back, again], axis=-1)


def shares(logits: Floats, targets: Tokens) -> Floats:
    """Return the share of targets with the highest logit, those of −1 left out."""
    counted = targets >= 0
    right = (logits.argmax(axis=-1) == targets) & counted
    return right.sum(axis=(-1, -2)) / counted.sum(axis=(-1, -2))


def repeats(
    rng: np.random.Generator,
    batch: int,
    n: int = 32,
    *,
    vocabulary: int = 24,
    periods: tuple[int, int] = (9, 16),
) -> Batch:
    """Draw made-up words of different letters, each written again and again.

    The first time nothing can be known about the next letter, later everything.

    - `periods`: the shortest and the longest word.

    Returns tokens (batch, n) and targets (batch, n): the next token, or −1 in the first
    word.

    >>> tokens, targets = repeats(np.random.default_rng(0), 1, n=8, periods=(3, 3))
    >>> print(tokens, targets)
    [[18  4 21 18  4 21 18  4]] [[-1 -1 -1  4 21 18  4 21]]
    """
    period = rng.integers(periods[0], periods[1] + 1, size=(batch, 1))
    letters = np.broadcast_to(np.arange(vocabulary), (batch, vocabulary))
    words = rng.permuted(letters, axis=1)
    text = np.take_along_axis(words, np.arange(n + 1) % period, axis=1)
    targets = np.where(np.arange(n) < period, -1, text[:, 1:])
    return text[:, :-1], targets


def repeats_task(batch: int = 32, test: int = 100, **options: tuple[int, int]) -> Task:
    """Return a task that learns from `repeats`, and is tested on others."""
    return lambda learn, other: (
        lambda: repeats(learn, batch, **options),
        repeats(other, test, **options),
    )


def second_time(
    layers: int, d: int, steps: int, seeds: Sequence[int], *, progress: bool = True
) -> Floats:
    """Train models on `repeats`; return their shares of right answers, one a seed.

    Adam's learning rate falls from 0.01 to 0 in `steps` steps; the test has 500 words.
    """
    return run_trials(
        AttentionOnly(layers, d=d),
        repeats_task(test=500),
        seeds=seeds,
        steps=steps,
        learning_rate=cosine_schedule(0.01, steps),
        progress=progress,
    ).scores[-1]


def measured(layers: int, d: int, steps: int) -> Floats:
    """Return what `second_time` gave for seeds 0 to 4, from the stored table.

    Raises KeyError if this was not measured.

    >>> measured(layers=2, d=32, steps=800).min() > measured(1, 44, 1600).max()
    np.True_
    """
    plan = (layers, d, steps)
    with TABLE.open(encoding="utf-8", newline="") as file:
        found = [
            float(row["right"])
            for row in csv.DictReader(file)
            if plan == tuple(int(row[x]) for x in ("layers", "d", "steps"))
        ]
    if not found:
        raise KeyError(f"{layers} layers, d = {d}, {steps} steps: not measured")
    return np.array(found)
