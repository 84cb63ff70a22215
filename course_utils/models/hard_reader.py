"""A choice that is learnt: one of several values, by five ways to get a gradient.

The model has one matrix, which scores a query against keys. What it chooses should be
the value of the key that the query was made from. A choice made by chance has no slope,
so that four of the ways differ in what they take for one; the fifth knows the gradient
exactly, because it tries every choice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.layers import glorot_uniform
from course_utils.models.trials import Batch, Task
from course_utils.softmax import softmax_vjp

Floats = NDArray[np.float64]
Parameters = dict[str, Floats]
WAYS = ("exact", "soft", "straight through", "reinforce", "reinforce, baseline")


@dataclass(frozen=True)
class HardReader:
    """Score keys by query @ matrix, choose one, and be judged by the value it has.

    The loss is the squared distance from the value that was asked for, of

    - "soft": the blend of the values, whose gradient is exact, but not that of a
      choice.
    - "exact": a choice, as a mean over all choices: what the others try to estimate.
    - "reinforce": one choice drawn by its weight; its loss times the gradient of the
      logarithm of its weight.
    - "reinforce, baseline": the same, with the mean loss of the batch subtracted.
    - "straight through": one choice drawn by its weight; on the way back it is treated
      as if the weights had blended.

    - `way`: one of these.
    - `d`: size of queries and keys.
    """

    way: str = "soft"
    d: int = 8

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"`way` must be one of {WAYS}; got {self.way!r}")

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the matrix to begin with."""
        return {"matrix": glorot_uniform(rng, self.d, self.d, dtype=np.float64)}

    def scores(self, parameters: Parameters, query: Floats, key: Floats) -> Floats:
        """Score each key of each query, shape (..., batch, n_k)."""
        asked = query @ parameters["matrix"]
        return np.vecdot(asked[..., None, :], key) * self.d**-0.5

    def loss_and_gradients(
        self,
        parameters: Parameters,
        query: Floats,
        key: Floats,
        value: Floats,
        target: NDArray[np.int64],
        chance: Floats,
    ) -> tuple[float, Parameters]:
        """Return the loss, and what this way takes for its gradient.

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `query`: shape (..., batch, d).
        - `key`, `value`: shapes (..., batch, n_k, d) and (..., batch, n_k, d_v).
        - `target`: the key that was asked for, shape (..., batch).
        - `chance`: what decides the choice, from 0 up to 1, shape (..., batch).
        """
        weights, back = softmax_vjp(self.scores(parameters, query, key))
        wanted = np.take_along_axis(value, target[..., None, None], axis=-2)
        losses = ((value - wanted) ** 2).sum(axis=-1)  # of each choice
        chosen = _one_hot(weights, chance)
        loss = (losses * chosen).sum(axis=-1)
        if self.way in ("soft", "straight through"):
            used = weights if self.way == "soft" else chosen
            gap = (used[..., None, :] @ value) - wanted
            loss = (gap**2).sum(axis=(-2, -1))
            (d_scores,) = back(2 * np.vecdot(gap, value))
        elif self.way == "exact":
            loss = (losses * weights).sum(axis=-1)
            (d_scores,) = back(losses)
        else:
            baseline = self.way.endswith("baseline")
            better = loss - loss.mean(axis=-1, keepdims=True) if baseline else loss
            d_scores = better[..., None] * (chosen - weights)
        d_asked = (d_scores[..., None, :] @ key)[..., 0, :] * self.d**-0.5
        return loss.mean(), {"matrix": query.mT @ d_asked / loss.size}

    def score(
        self,
        parameters: Parameters,
        query: Floats,
        key: Floats,
        value: Floats,
        target: NDArray[np.int64],
        chance: Floats,
    ) -> Floats:
        """Return how often the key of highest score is the right one, shape (...)."""
        best = self.scores(parameters, query, key).argmax(axis=-1)
        return (best == target).mean(axis=-1)


def _one_hot(weights: Floats, chance: Floats) -> Floats:
    """Choose the key at which the weights, added up, pass the number drawn."""
    sums = weights.cumsum(axis=-1)
    choice = (sums < chance[..., None] * sums[..., -1:]).sum(axis=-1)
    return np.eye(weights.shape[-1])[choice]


def hidden_turn(keys: int = 8, d: int = 8, batch: int = 32, noise: float = 0.2) -> Task:
    """Return a task in which the matrix must undo a turn that nobody tells.

    A query is one of the keys, turned by an orthogonal matrix and blurred by noise.
    """

    def task(
        learn: np.random.Generator, test: np.random.Generator
    ) -> tuple[object, Batch]:
        turn = np.linalg.qr(learn.standard_normal((d, d)))[0]

        def draw(rng: np.random.Generator, batch: int) -> Batch:
            key = rng.standard_normal((batch, keys, d))
            key *= (d / (key**2).sum(axis=-1, keepdims=True)) ** 0.5
            value = rng.standard_normal((batch, keys, 4))
            target, chance = rng.integers(keys, size=batch), rng.random(batch)
            query = key[np.arange(batch), target] @ turn
            query += noise * d**0.5 * rng.standard_normal(query.shape)
            return query, key, value, target, chance

        return lambda: draw(learn, batch), draw(test, 2000)

    return task


def noise_of(
    way: str, seed: int, keys: int = 8, draws: int = 200
) -> tuple[float, float, float]:
    """Measure one way's gradient against the exact one, before any training.

    All draws see one batch, and differ in what is chosen by chance.

    Returns the cosine of one draw with the exact gradient, on average; that of the mean
    of all draws; and how widely the draws scatter, in lengths of their mean.
    """
    start, learn, test, dice = np.random.default_rng(seed).spawn(4)
    draw, _ = hidden_turn(keys)(learn, test)
    parameters, (*batch, chance) = HardReader().start(start), draw()

    def gradient(way: str) -> Floats:
        luck = dice.random(chance.shape)
        return HardReader(way).loss_and_gradients(parameters, *batch, luck)[1]["matrix"]

    exact = gradient("exact")
    many = np.array([gradient(way) for _ in range(draws)])
    mean = many.mean(axis=0)
    scatter = ((many - mean) ** 2).sum(axis=(1, 2)).mean() ** 0.5
    cosines = [_cosine(one, exact) for one in many]
    return np.mean(cosines), _cosine(mean, exact), scatter / np.linalg.norm(mean)


def _cosine(a: Floats, b: Floats) -> float:
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))
