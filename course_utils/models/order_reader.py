"""A little reader that has to know the order of words: who chased whom?

One attention layer reads "the A chased the B" and has to name A. The answer is read
off at "chased", the token in the middle. Several readers, each with a seed of its own,
learn side by side: every array has a first axis for the seeds.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.gradients import scaled_dot_product_attention_backward
from course_utils.layers import cross_entropy, embedding_backward
from course_utils.training import glorot_uniform, train
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
            f"held_out needs to be from 1 to {len(first) - 1}, one less than there are "
            f"pairs; it is {held_out}"
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

    With x the vectors of the tokens, the query is that of the verb alone, x[2] @ w_q,
    the keys are x @ w_k, the values x @ w_v, and the logits are the output @ w_out.

    - `kind`: "attention" sees all five tokens; "causal attention" those up to the verb;
      "attention, places told" adds to each token a vector of its place, learnt as well;
      "bag of words" takes the mean of the values in place of attention.
    - `num_names`: how many names there are.

    Raises ValueError if there is no such kind.
    """

    kind: str
    num_names: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind needs to be one of {KINDS}; it is {self.kind!r}")

    def start(self, seeds: int) -> Parameters:
        """Draw the parameters to begin with, one set for each seed from 0.

        What all kinds have in common is drawn first, so that they start alike.
        """
        drawn = []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            each = {"tokens": rng.normal(size=(self.num_names + 2, WIDTH)) * 0.3}
            for name in ("w_q", "w_k", "w_v"):
                each[name] = glorot_uniform(rng, WIDTH, WIDTH, dtype=np.float64)
            size = (WIDTH, self.num_names)
            each["w_out"] = glorot_uniform(rng, *size, dtype=np.float64)
            each["places"] = rng.normal(size=(5, WIDTH)) * 0.3
            drawn.append(each)
        used = ["tokens", "w_v", "w_out"]
        used += ["w_q", "w_k"] * (self.kind != "bag of words")
        used += ["places"] * (self.kind == "attention, places told")
        return {name: np.stack([each[name] for each in drawn]) for name in used}

    def read(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the logits of the names, shape (seeds, batch, num_names).

        - `parameters`: as `start` draws them.
        - `tokens`: sentences, shape (seeds, batch, 5).
        """
        x = self._vectors(parameters, tokens)
        return self._output(parameters, x)[0] @ parameters["w_out"]

    def loss_and_gradients(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[float, Parameters]:
        """Return the cross-entropy of the chaser, and its gradients, as `train` asks.

        - `parameters`: as `start` draws them.
        - `tokens`: sentences, shape (seeds, batch, 5).
        """
        x = self._vectors(parameters, tokens)
        output, inputs = self._output(parameters, x)
        loss, d_logits = cross_entropy(output @ parameters["w_out"], tokens[..., 1])
        gradients = {"w_out": _turned(output) @ d_logits}
        d_output = d_logits @ _turned(parameters["w_out"])
        flat = x.reshape(len(x), -1, WIDTH)
        if self.kind == "bag of words":
            d_value = np.broadcast_to(d_output[:, :, None] / 5, x.shape)
            heads = {"w_v": d_value}
        else:
            d_query, d_key, d_value = scaled_dot_product_attention_backward(
                d_output[:, :, None], *inputs, self._mask
            )
            heads = {"w_k": d_key, "w_v": d_value}
        d_x = np.zeros_like(x)
        for name, d_head in heads.items():
            rows = d_head.reshape(flat.shape)
            gradients[name] = _turned(flat) @ rows
            d_x += (rows @ _turned(parameters[name])).reshape(x.shape)
        if self.kind != "bag of words":
            rows = d_query[:, :, 0]
            gradients["w_q"] = _turned(x[:, :, VERB]) @ rows
            d_x[:, :, VERB] += rows @ _turned(parameters["w_q"])
        if "places" in parameters:
            gradients["places"] = d_x.sum(axis=1)
        table = parameters["tokens"]
        shifted = tokens + table.shape[1] * np.arange(len(x))[:, None, None]
        d_table = embedding_backward(d_x, shifted, table.shape[0] * table.shape[1])
        gradients["tokens"] = d_table.reshape(table.shape)
        return loss, gradients

    @property
    def _mask(self) -> NDArray[np.bool_] | None:
        return np.arange(5)[None] <= VERB if self.kind == HIDDEN else None

    def _vectors(self, parameters: Parameters, tokens: Tokens) -> Floats:
        x = parameters["tokens"][np.arange(len(tokens))[:, None, None], tokens]
        return x + parameters["places"][:, None] if "places" in parameters else x

    def _output(
        self, parameters: Parameters, x: Floats
    ) -> tuple[Floats, tuple[Floats, ...]]:
        """Return the output at the verb (seeds, batch, d), and query, key and value."""
        value = x @ parameters["w_v"][:, None]
        if self.kind == "bag of words":
            return value.mean(axis=2), ()
        query = (x[:, :, VERB] @ parameters["w_q"])[:, :, None]
        inputs = query, x @ parameters["w_k"][:, None], value
        return scaled_dot_product_attention(*inputs, self._mask)[:, :, 0], inputs


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
    reader = OrderReader(kind, num_names)
    rngs = [np.random.default_rng([seed, num_names]) for seed in range(seeds)]
    pairs = [split_pairs(rng, num_names, held_out) for rng in rngs]
    learn, test = (np.stack(part) for part in zip(*pairs, strict=True))
    steps_taken, shares = count(), []

    def step(parameters: Parameters, taken: int) -> tuple[float, Parameters]:
        if taken % every == 0:
            named = reader.read(parameters, test).argmax(axis=-1)
            shares.append((named == test[..., 1]).mean(axis=-1))
        return reader.loss_and_gradients(parameters, learn)

    train(
        reader.start(seeds),
        step,
        lambda rng: (next(steps_taken),),
        rng=np.random.default_rng(0),
        steps=steps + 1,
        learning_rate=learning_rate,
    )
    return np.array(shares)


def _turned(x: Floats) -> Floats:
    return x.swapaxes(-1, -2)
