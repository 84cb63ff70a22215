"""Train a model from several seeds side by side, and test it on what it never saw.

Side by side means that every parameter and every batch has a first axis for the seeds:
many small products become a few large ones, between which less time is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from course_utils.training import Parameters, Schedule, clip_gradients, train
from course_utils.validation import check_integer

Batch = tuple[NDArray, ...]
# Given generators to learn and to test with, what draws a batch, and the test.
Task = Callable[
    [np.random.Generator, np.random.Generator], tuple[Callable[[], Batch], Batch]
]


class Model(Protocol):
    """What can be trained: its parameters, its loss, and how well it does."""

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters of one model."""

    def loss_and_gradients(
        self, parameters: Parameters, *batch: NDArray
    ) -> tuple[float, Parameters]:
        """Return the mean loss, and the gradient of each parameter."""

    def score(self, parameters: Parameters, *batch: NDArray) -> NDArray[np.floating]:
        """Return how well each model does, such as its share of right answers."""


@dataclass(frozen=True)
class Trials:
    """What came of several seeds.

    - `parameters`: those trained, each with a first axis for the seeds.
    - `losses`: of each step, the mean over the seeds, shape (steps,).
    - `tested`: after how many steps the models were tested, shape (tests,).
    - `scores`: what came of each test, shape (tests, seeds, ...).
    """

    parameters: Parameters
    losses: NDArray[np.float64]
    tested: NDArray[np.int64]
    scores: NDArray[np.floating]


def run_trials(
    model: Model,
    task: Task,
    *,
    seeds: Sequence[int],
    steps: int,
    learning_rate: float | Schedule,
    every: int | None = None,
    max_norm: float | None = None,
    progress: bool = True,
) -> Trials:
    """Train one model from each seed, and test them on held-out data.

    - `model`: what to train; its methods take parameters and batches with a first axis
      for the seeds.
    - `task`: called for each seed with two generators, to learn and to test with;
      returns a function that draws a batch, a tuple of arrays, and the batch of the
      test.
    - `seeds`: of the first parameters and the task.
    - `steps`, `learning_rate`, `progress`: as in `train`.
    - `every`: the steps from one test to the next, for a learning curve; None tests
      once, at the end.
    - `max_norm`: clips the gradients of each seed to this norm.
    """
    rngs = [np.random.default_rng(seed).spawn(3) for seed in seeds]
    tasks = [task(learn_rng, test_rng) for _, learn_rng, test_rng in rngs]
    test = stacked([test for _, test in tasks])
    every = steps if every is None else check_integer("every", every, least=1)
    first = 0 if every < steps else steps
    tested, scores = [], []

    def watch(step: int, parameters: Parameters) -> None:
        if step >= first and (step - first) % every == 0:
            tested.append(step)
            scores.append(model.score(parameters, *test))

    def loss_and_gradients(
        parameters: Parameters, *batch: NDArray
    ) -> tuple[float, Parameters]:
        loss, gradients = model.loss_and_gradients(parameters, *batch)
        # The loss is the mean over the seeds, and each seed's own slope larger.
        own = {name: gradient * len(seeds) for name, gradient in gradients.items()}
        if max_norm is None:
            return loss, own
        each = [{name: x[i] for name, x in own.items()} for i in range(len(seeds))]
        return loss, side_by_side([clip_gradients(one, max_norm) for one in each])

    parameters, losses = train(
        side_by_side([model.start(start_rng) for start_rng, _, _ in rngs]),
        loss_and_gradients,
        lambda rng: stacked([draw() for draw, _ in tasks]),
        rng=np.random.default_rng(0),
        steps=steps,
        learning_rate=learning_rate,
        watch=watch,
        progress=progress,
    )
    return Trials(parameters, losses, np.array(tested), np.array(scores))


def stacked(batches: Sequence[Batch]) -> Batch:
    """Give each array of a batch a first axis for the seeds."""
    return tuple(np.stack(arrays) for arrays in zip(*batches, strict=True))


def side_by_side(parameters: Sequence[Parameters]) -> Parameters:
    """Give each parameter a first axis for the seeds."""
    return {name: np.stack([one[name] for one in parameters]) for name in parameters[0]}
