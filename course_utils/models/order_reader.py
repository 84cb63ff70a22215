"""A little reader that has to know the order of words: who chased whom?

One attention layer reads "the A chased the B" and has to name A. The answer is read
off at "chased", the token in the middle. Several readers, each with a seed of its own,
learn side by side: every array has a first axis for the seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.attention import scaled_dot_product_attention_vjp
from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.models.trials import Task, run_trials
from course_utils.validation import check_integer

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]
KINDS = ("bag of words", "attention", "causal attention", "attention, places told")
VERB = 2  # the position of "chased"
WIDTH = 16  # the size of all vectors
HIDDEN = "causal attention"


def chase(chaser: Tokens, chased: Tokens, num_names: int) -> Tokens:
    """Return the tokens of "the A chased the B", one more axis than the names have.

    - `chaser`, `chased`: names as integers from 0 to num_names − 1, of one shape.
    - `num_names`: how many names there are; "the" and "chased" are the next two tokens.

    >>> chase(np.array([0, 1]), np.array([1, 0]), num_names=4)
    array([[4, 0, 5, 4, 1],
           [4, 1, 5, 4, 0]])
    """
    the, verb = (np.full_like(chaser, num_names + i) for i in (0, 1))
    return np.stack([the, chaser, verb, the, chased], axis=-1)


def split_pairs(
    rng: np.random.Generator, num_names: int, held_out: int
) -> tuple[Tokens, Tokens]:
    """Share out all pairs of names: those to learn from, and those to be tested on.

    Each pair comes in both orders, either to learn from or in the test.

    - `rng`: the generator to draw from.
    - `num_names`: how many names there are, at least 3.
    - `held_out`: how many pairs are kept for the test.

    Returns the sentences to learn from and those of the test, tokens of shape (…, 5).
    The answer to a sentence is its token 1.

    Raises ValueError if there are fewer than 3 names, or no pair is left on one side.
    """
    check_integer("num_names", num_names, least=3)
    first, second = np.triu_indices(num_names, k=1)
    if not 0 < held_out < len(first):
        raise ValueError(
            f"`held_out` must be from 1 to {len(first) - 1}, one less than there are "
            f"pairs; got {held_out}"
        )
    order = rng.permutation(len(first))
    a, b = np.append(first, second), np.append(second, first)
    both = np.append(order, order + len(first)).reshape(2, -1)
    return tuple(
        chase(a[part.ravel()], b[part.ravel()], num_names)
        for part in (both[:, held_out:], both[:, :held_out])
    )


@dataclass(frozen=True)
class OrderReader:
    """One attention layer that reads off the chaser at the verb.

    With x the vectors of the tokens, the query is that of the verb alone, x[2] @
    w_query, the keys are x @ w_key, the values x @ w_value, and the logits are the
    output @ w_out.

    - `kind`: "attention" sees all five tokens; "causal attention" those up to the verb;
      "attention, places told" adds to each token a vector of its place, learnt as well;
      "bag of words" takes the mean of the values in place of attention.
    - `num_names`: how many names there are.
    """

    kind: str
    num_names: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}; got {self.kind!r}")

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with.

        What all kinds have in common is drawn first, so that they start alike.
        """
        drawn = {"tokens": rng.normal(size=(self.num_names + 2, WIDTH)) * 0.3}
        for name in ("w_query", "w_key", "w_value"):
            drawn[name] = glorot_uniform(rng, WIDTH, WIDTH, dtype=np.float64)
        drawn["w_out"] = glorot_uniform(rng, WIDTH, self.num_names, dtype=np.float64)
        drawn["places"] = rng.normal(size=(5, WIDTH)) * 0.3
        if self.kind == "bag of words":
            del drawn["w_query"], drawn["w_key"]
        if self.kind != "attention, places told":
            del drawn["places"]
        return drawn

    def read_vjp(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[Floats, Callable[[Floats], tuple[Parameters]]]:
        """Return the logits of the names, shape (..., num_names), and the way back.

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `tokens`: sentences, shape (..., 5), with the same first axis.
        """
        p = parameters
        x, embedding_back = embedding_vjp(p["tokens"], tokens)
        if "places" in p:
            x = x + p["places"][..., None, :, :]
        value, value_back = linear_vjp(x, p["w_value"])
        if self.kind == "bag of words":
            output = value.mean(axis=-2)
        else:
            query, query_back = linear_vjp(x[..., VERB, None, :], p["w_query"])
            key, key_back = linear_vjp(x, p["w_key"])
            mask = np.arange(5)[None] <= VERB if self.kind == HIDDEN else None
            blend, attention_back = scaled_dot_product_attention_vjp(
                query, key, value, mask
            )
            output = blend[..., 0, :]
        logits, out_back = linear_vjp(output, p["w_out"])

        def back(d_logits: Floats) -> tuple[Parameters]:
            d: Parameters = {}
            d_output, d["w_out"] = out_back(d_logits)
            if self.kind == "bag of words":
                d_value = np.broadcast_to(d_output[..., None, :] / 5, value.shape)
                d_x, d["w_value"] = value_back(d_value)
            else:
                d_query, d_key, d_value = attention_back(d_output[..., None, :])
                d_x, d["w_value"] = value_back(d_value)
                d_asked, d["w_key"] = key_back(d_key)
                d_verb, d["w_query"] = query_back(d_query)
                d_x = d_x + d_asked
                d_x[..., VERB, None, :] += d_verb
            if "places" in p:
                d["places"] = d_x.sum(axis=-3)
            (d["tokens"],) = embedding_back(d_x)
            return (d,)

        return logits, back

    def loss_and_gradients(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[float, Parameters]:
        """Return the cross-entropy of the chaser, and its gradients."""
        logits, back = self.read_vjp(parameters, tokens)
        loss, loss_back = cross_entropy_vjp(logits, tokens[..., 1])
        return loss, *back(*loss_back())

    def score(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the share of sentences whose chaser is named, of each seed."""
        logits, _ = self.read_vjp(parameters, tokens)
        return (logits.argmax(axis=-1) == tokens[..., 1]).mean(axis=-1)


def chase_task(num_names: int, held_out: int) -> Task:
    """Return a task in which each seed draws its own pairs, and learns from all."""

    def task(rng: np.random.Generator, _: np.random.Generator) -> tuple:
        learn, test = split_pairs(rng, num_names, held_out)
        return lambda: (learn,), (test,)

    return task


def learning_curves(
    kind: str,
    *,
    num_names: int,
    held_out: int,
    seeds: int,
    steps: int,
    every: int,
    learning_rate: float = 0.01,
) -> Floats:
    """Train readers, and test each now and then on pairs that it does not learn from.

    - `kind`: as in `OrderReader`.
    - `num_names`, `held_out`: as in `split_pairs`; each seed draws its own pairs.
    - `seeds`: how many readers.
    - `steps`: of training, each on all sentences to learn from.
    - `every`: the steps between two tests; the first test is before any training.
    - `learning_rate`: of the training.

    Returns the share of test sentences answered right, shape (tests, seeds).
    """
    return run_trials(
        OrderReader(kind, num_names),
        chase_task(num_names, held_out),
        seeds=range(seeds),
        steps=steps,
        every=every,
        learning_rate=learning_rate,
    ).scores
