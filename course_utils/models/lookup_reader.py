"""A model that looks questions up in little dictionaries, with an attention to choose.

Keys, values and questions get vectors, one attention lets each question look at all
keys, and a matrix reads the answer. Everything is learnt. The attention may have its
scores enlarged, or be any other function that returns an output and a way back.
"""

from collections.abc import Callable, Sequence
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
from course_utils.models.trials import Batch, side_by_side, stacked

Floats = NDArray[np.floating]
Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]
Attention = Callable[[Floats, Floats, Floats], tuple[Floats, Callable]]
PAIRS = (("asked", "w_query"), ("keys", "w_key"), ("values", "w_value"))


@dataclass(frozen=True)
class LookupReader:
    """One layer of attention that looks up which value has the key that is asked for.

    - `attend`: attention as `attention_vjp` does it: takes query, key and value, and
      returns the output and `back`, whose first three gradients are used.
    - `factor`: what scores are multiplied by, on top of the scale 1/√d.
    - `d`: size of all vectors.
    - `num_keys`, `num_values`: how many different keys and values there are.

    >>> model, rng = LookupReader(), np.random.default_rng(0)
    >>> parameters = model.start(rng)
    >>> asked, key, value, answer = dictionaries(rng, batch=2)
    >>> model.read(parameters, asked, key, value).shape  # batch, question, value
    (2, 8, 16)
    """

    attend: Attention = attention_vjp
    factor: float = 1.0
    d: int = 32
    num_keys: int = 32
    num_values: int = 16

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with, the same for every attention.

        They are float64, in which other processors come to the same answers.
        """
        sizes = {"asked": self.num_keys, "keys": self.num_keys}
        sizes |= {"values": self.num_values}
        tables = {
            name: rng.standard_normal((size, self.d)) for name, size in sizes.items()
        }
        shapes = {matrix: (self.d, self.d) for _, matrix in PAIRS}
        shapes |= {"w_out": (self.d, self.num_values)}
        return tables | {
            name: glorot_uniform(rng, *shape, dtype=np.float64)
            for name, shape in shapes.items()
        }

    def read_vjp(
        self, parameters: Parameters, asked: Tokens, key: Tokens, value: Tokens
    ) -> tuple[Floats, Callable[[Floats], tuple[Parameters, Floats | None]]]:
        """Return the logits of the answers, (..., n_q, num_values), and the way back.

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `asked`: questions, shape (..., n_q).
        - `key`, `value`: the dictionaries, shape (..., n_k).

        `back` returns the gradients of the parameters, and of the scores where the
        attention returns them, else None.
        """
        vectors, ways = [], []
        for (table, matrix), tokens in zip(PAIRS, (asked, key, value), strict=True):
            x, table_back = embedding_vjp(parameters[table], tokens)
            projected, matrix_back = linear_vjp(x, parameters[matrix])
            vectors.append(projected)
            ways.append((table, table_back, matrix, matrix_back))
        query, *others = vectors
        output, attention_back = self.attend(self.factor * query, *others)
        logits, out_back = linear_vjp(output, parameters["w_out"])

        def back(d_logits: Floats) -> tuple[Parameters, Floats | None]:
            d_output, d_out = out_back(d_logits)
            d_query, d_key, d_value, *rest = attention_back(d_output)
            gradients = {"w_out": d_out}
            for d_projected, (table, table_back, matrix, matrix_back) in zip(
                (self.factor * d_query, d_key, d_value), ways, strict=True
            ):
                d_x, gradients[matrix] = matrix_back(d_projected)
                (gradients[table],) = table_back(d_x)
            return gradients, rest[0] if rest else None

        return logits, back

    def read(self, parameters: Parameters, *questions: Tokens) -> Floats:
        """Return the logits of the answers, shape (..., n_q, num_values)."""
        return self.read_vjp(parameters, *questions)[0]

    def loss_and_gradients(
        self,
        parameters: Parameters,
        asked: Tokens,
        key: Tokens,
        value: Tokens,
        answer: Tokens,
    ) -> tuple[float, Parameters]:
        """Return the loss, and its gradients."""
        logits, back = self.read_vjp(parameters, asked, key, value)
        loss, loss_back = cross_entropy_vjp(logits, answer)
        return loss, back(*loss_back())[0]

    def pulls(
        self,
        parameters: Parameters,
        asked: Tokens,
        key: Tokens,
        value: Tokens,
        answer: Tokens,
    ) -> Floats:
        """Return for each question the norm of its own loss's gradient of the scores.

        The attention must return the gradient of the scores as its fourth.
        """
        logits, back = self.read_vjp(parameters, asked, key, value)
        _, loss_back = cross_entropy_vjp(logits, answer)
        _, d_scores = back(*loss_back(answer.size))
        return np.linalg.norm(d_scores, axis=-1)

    def score(self, parameters: Parameters, *questions: Tokens) -> Floats:
        """Return the share of right answers, (...); NaN where numbers overflowed."""
        *asked, answer = questions
        logits = self.read(parameters, *asked)
        share = (logits.argmax(axis=-1) == answer).mean(axis=(-2, -1))
        return np.where(np.isnan(logits).any(axis=(-3, -2, -1)), np.nan, share)


def dictionaries(
    rng: np.random.Generator,
    batch: int,
    *,
    n: int = 8,
    num_keys: int = 32,
    num_values: int = 16,
) -> tuple[Tokens, Tokens, Tokens, Tokens]:
    """Draw dictionaries of `n` pairs, and `n` questions to each.

    As in `lookup_task`, keys are distinct, and all is drawn anew for every row.

    Returns asked, key, value and answer, each of shape (batch, n).

    >>> asked, key, value, answer = dictionaries(np.random.default_rng(0), 1, n=3)
    >>> print(key, value, asked, answer)
    [[ 2 11 25]] [[ 8 10  4]] [[11 25 11]] [[10  4 10]]
    """
    all_keys = np.broadcast_to(np.arange(num_keys), (batch, num_keys))
    key = rng.permuted(all_keys, axis=1)[:, :n]
    value = rng.integers(num_values, size=(batch, n))
    which = rng.integers(n, size=(batch, n))
    asked, answer = (np.take_along_axis(x, which, axis=1) for x in (key, value))
    return asked, key, value, answer


def questions(
    learn_rng: np.random.Generator, test_rng: np.random.Generator
) -> tuple[Callable[[], Batch], Batch]:
    """Return what draws 8 dictionaries to learn from, and 50 to test with."""
    return lambda: dictionaries(learn_rng, 8), dictionaries(test_rng, 50)


def descend(
    model: LookupReader,
    seeds: Sequence[int],
    *,
    steps: int,
    learning_rate: float = 0.3,
    every: int = 20,
) -> tuple[NDArray[np.int64], Floats]:
    """Train as `run_trials` does, but by plain gradient descent, to whatever end.

    Returns the steps at which it was tested, shape (tests,), and the share of right
    answers, (tests, seeds): NaN from where numbers have overflowed.
    """
    rngs = [np.random.default_rng(seed).spawn(3) for seed in seeds]
    parameters = side_by_side([model.start(rng) for rng, _, _ in rngs])
    draw_and_test = [questions(*learn_and_test) for _, *learn_and_test in rngs]
    draws, tests = zip(*draw_and_test, strict=True)
    test, tested, scores = stacked(tests), range(0, steps + 1, every), []
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            if step in tested:
                scores.append(model.score(parameters, *test))
            batch = stacked([draw() for draw in draws])
            _, gradients = model.loss_and_gradients(parameters, *batch)
            # The loss is the mean over the seeds, and each seed's own slope larger.
            parameters = {
                name: x - learning_rate * len(seeds) * gradients[name]
                for name, x in parameters.items()
            }
    return np.array(tested), np.array(scores)


def first_pulls(
    model: LookupReader, seeds: Sequence[int], *, batch: int = 100
) -> tuple[Floats, Floats]:
    """Measure, before any training, how hard each question and the whole model pull.

    Returns for each seed the pull of each question, shape (seeds, questions), and the
    norm of the gradients of `w_query` and `w_key` together, shape (seeds,).
    """
    pulls, norms = [], []
    for seed in seeds:
        start, _, draw = np.random.default_rng(seed).spawn(3)
        parameters, drawn = model.start(start), dictionaries(draw, batch)
        pulls.append(model.pulls(parameters, *drawn).ravel())
        _, gradients = model.loss_and_gradients(parameters, *drawn)
        both = [gradients[name].ravel() for name in ("w_query", "w_key")]
        norms.append(np.linalg.norm(np.concatenate(both)))
    return np.array(pulls), np.array(norms)
