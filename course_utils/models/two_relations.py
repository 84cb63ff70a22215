"""A small model for `two_relations_task`: one attention layer, read off twice.

Tokens and positions get vectors, one causal layer of multi-head attention mixes them,
and two matrices read an answer each from the same output. Everything is learnt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.layers import accuracy, cross_entropy, embedding_backward
from course_utils.tasks import two_relations_task
from course_utils.training import cosine_schedule, glorot_uniform, train
from course_utils.validation import check_integer

Floats = NDArray[np.floating]
Parameters = dict[str, Floats]
Tokens = NDArray[np.int64]
MATRICES = ("w_query", "w_key", "w_value", "w_out")
READERS = ("w_first", "w_second")


@dataclass(frozen=True)
class TwoRelations:
    """One layer of causal attention that answers two questions at each position.

    - `num_heads`: number of heads, a divisor of `d_model`.
    - `d_model`: size of all vectors. All heads together have as many numbers.
    - `n`: the length of a sequence.
    - `vocabulary`: how many different tokens.

    Raises TypeError if one is no integer, and ValueError if one is too small or
    `num_heads` does not divide `d_model`.

    >>> model = TwoRelations(num_heads=2)
    >>> parameters = model.start(np.random.default_rng(0))
    >>> logits = model.read(parameters, np.zeros((1, 12), dtype=int))
    >>> logits.shape  # batch, position, question, token
    (1, 12, 2, 8)
    """

    num_heads: int
    d_model: int = 16
    n: int = 12
    vocabulary: int = 8

    def __post_init__(self) -> None:
        check_integer("n", self.n, least=4)
        check_integer("vocabulary", self.vocabulary, least=2)
        check_integer("num_heads", self.num_heads, least=1)
        if check_integer("d_model", self.d_model, least=1) % self.num_heads:
            raise ValueError(
                f"num_heads needs to divide d_model = {self.d_model}; it is "
                f"{self.num_heads}"
            )

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with, the same for every number of heads."""
        d, tokens = self.d_model, self.vocabulary
        shapes = {"tokens": (tokens, d), "places": (self.n, d)}
        shapes |= dict.fromkeys(MATRICES, (d, d))
        shapes |= dict.fromkeys(READERS, (d, tokens))
        return {
            name: glorot_uniform(rng, *shape, dtype=np.float64)
            for name, shape in shapes.items()
        }

    def read(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the logits of both answers, shape (batch, n, 2, vocabulary)."""
        output = self._attend(parameters, tokens)[-1]
        return np.stack([output @ parameters[name] for name in READERS], axis=-2)

    def weights(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the weights of all heads, shape (batch, num_heads, n, n)."""
        return self._attend(parameters, tokens)[2]

    def loss_and_gradients(
        self, parameters: Parameters, tokens: Tokens, targets: Tokens
    ) -> tuple[float, Parameters]:
        """Return the loss of both answers, and its gradients, as `train` asks.

        The steps are those of `multi_head_attention_backward`, on what the way there
        has computed already.
        """
        x, (query, key, value), weights, merged, output = self._attend(
            parameters, tokens
        )
        logits = np.stack([output @ parameters[name] for name in READERS], axis=-2)
        loss, d_logits = cross_entropy(logits, targets)
        gradients, d_output = {}, 0
        for i, name in enumerate(READERS):
            d_answer = d_logits[..., i, :]
            gradients[name] = _over_positions(output, d_answer)
            d_output = d_output + d_answer @ parameters[name].T
        gradients["w_out"] = _over_positions(merged, d_output)
        d_heads = self._split(d_output @ parameters["w_out"].T)
        d_weights = d_heads @ value.swapaxes(-1, -2)
        d_scores = weights * (
            d_weights - (d_weights * weights).sum(axis=-1, keepdims=True)
        )
        d_scores *= query.shape[-1] ** -0.5
        d_x = 0
        for name, d_head in (
            ("w_query", d_scores @ key),
            ("w_key", d_scores.swapaxes(-1, -2) @ query),
            ("w_value", weights.swapaxes(-1, -2) @ d_heads),
        ):
            d_projected = self._merge(d_head)
            gradients[name] = _over_positions(x, d_projected)
            d_x = d_x + d_projected @ parameters[name].T
        gradients["tokens"] = embedding_backward(d_x, tokens, self.vocabulary)
        gradients["places"] = d_x.sum(axis=0)
        return loss, gradients

    def _attend(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[Floats, list[Floats], Floats, Floats, Floats]:
        """Return the vectors, the heads, their weights, the merged heads, the output.

        The same as `multi_head_attention`, with every step kept for the way back.
        """
        x = parameters["tokens"][tokens] + parameters["places"]
        query, key, value = (self._split(x @ parameters[w]) for w in MATRICES[:3])
        scores = query @ key.swapaxes(-1, -2) * query.shape[-1] ** -0.5
        scores[..., np.triu(np.ones((self.n, self.n), dtype=bool), k=1)] = -np.inf
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        merged = self._merge(weights @ value)
        return x, [query, key, value], weights, merged, merged @ parameters["w_out"]

    def _split(self, x: Floats) -> Floats:
        return x.reshape(*x.shape[:-1], self.num_heads, -1).swapaxes(-2, -3)

    def _merge(self, heads: Floats) -> Floats:
        return heads.swapaxes(-2, -3).reshape(-1, self.n, self.d_model)


def _over_positions(x: Floats, d_output: Floats) -> Floats:
    """Return the gradient of a matrix: xᵀ d_output, summed over batch and positions."""
    return x.reshape(-1, x.shape[-1]).T @ d_output.reshape(-1, d_output.shape[-1])


def trained(
    model: TwoRelations, seed: int, *, steps: int = 600, batch: int = 16
) -> tuple[Floats, Parameters]:
    """Train a model on `two_relations_task`, and test it on 500 new sequences.

    - `model`: what to train.
    - `seed`: of the first parameters, the batches and the test.
    - `steps`: how many steps of Adam, at a learning rate from 0.01 down to 0.
    - `batch`: how many sequences a step.

    Returns the share of right answers to each of the two questions, shape (2,), and
    the parameters.

    >>> right, _ = trained(TwoRelations(num_heads=2, n=6), seed=0, steps=20)
    >>> right.shape
    (2,)
    """
    sizes = {"n": model.n, "vocabulary": model.vocabulary}
    start, batches, test = np.random.default_rng(seed).spawn(3)
    parameters, _ = train(
        model.start(start),
        model.loss_and_gradients,
        lambda rng: two_relations_task(rng, batch, **sizes),
        rng=batches,
        steps=steps,
        learning_rate=cosine_schedule(0.01, steps),
        progress=False,
    )
    tokens, targets = two_relations_task(test, 500, **sizes)
    logits = model.read(parameters, tokens)
    right = [accuracy(logits[..., i, :], targets[..., i]) for i in (0, 1)]
    return np.array(right), parameters
