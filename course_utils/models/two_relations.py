"""A small model for `two_relations_task`: one attention layer, read off twice.

Tokens and positions get vectors, one causal layer of multi-head attention mixes them,
and two matrices read an answer each from the same output. Everything is learnt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.models.trials import Batch, run_trials
from course_utils.multi_head import (
    MATRICES,
    multi_head_attention,
    multi_head_attention_vjp,
)
from course_utils.tasks import two_relations_task
from course_utils.training import cosine_schedule
from course_utils.validation import check_divides, check_integer

Floats = NDArray[np.floating]
Parameters = dict[str, Floats]
Tokens = NDArray[np.int64]
READERS = ("w_first", "w_second")


@dataclass(frozen=True)
class TwoRelations:
    """One layer of causal attention that answers two questions at each position.

    - `num_heads`: number of heads, a divisor of `d_model`.
    - `d_model`: size of all vectors. All heads together have as many numbers.
    - `n`: the length of a sequence.
    - `vocabulary`: how many different tokens.

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
        check_integer("d_model", self.d_model, least=1)
        check_divides("num_heads", self.num_heads, "d_model", self.d_model)

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

    def read_vjp(
        self, parameters: Parameters, tokens: Tokens
    ) -> tuple[Floats, Callable[[Floats], tuple[Parameters]]]:
        """Return the logits of both answers, (..., n, 2, vocabulary), and the way back.

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `tokens`: sequences, shape (..., n), with the same first axis.
        """
        x, embedding_back = self._vectors_vjp(parameters, tokens)
        matrices = {name: parameters[name] for name in MATRICES}
        output, attention_back = multi_head_attention_vjp(
            x, x, x, matrices, num_heads=self.num_heads, is_causal=True
        )
        answers = [linear_vjp(output, parameters[name]) for name in READERS]

        def back(d_logits: Floats) -> tuple[Parameters]:
            d_output, gradients = np.zeros_like(output), {}
            for i, (name, (_, answer_back)) in enumerate(
                zip(READERS, answers, strict=True)
            ):
                d_answer, gradients[name] = answer_back(d_logits[..., i, :])
                d_output += d_answer
            *d_inputs, d_matrices = attention_back(d_output)
            d_x = d_inputs[0] + d_inputs[1] + d_inputs[2]
            (d_tokens,) = embedding_back(d_x)
            return (
                gradients
                | d_matrices
                | {"tokens": d_tokens, "places": d_x.sum(axis=-3)},
            )

        return np.stack([logits for logits, _ in answers], axis=-2), back

    def read(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the logits of both answers, shape (..., n, 2, vocabulary)."""
        return self.read_vjp(parameters, tokens)[0]

    def weights(self, parameters: Parameters, tokens: Tokens) -> Floats:
        """Return the weights of all heads, shape (batch, num_heads, n, n)."""
        x, _ = self._vectors_vjp(parameters, tokens)
        matrices = {name: parameters[name] for name in MATRICES}
        options = {"num_heads": self.num_heads, "is_causal": True}
        return multi_head_attention(
            x, x, x, **matrices, **options, return_weights=True
        )[1]

    def loss_and_gradients(
        self, parameters: Parameters, tokens: Tokens, targets: Tokens
    ) -> tuple[float, Parameters]:
        """Return the loss of both answers, and its gradients."""
        logits, back = self.read_vjp(parameters, tokens)
        loss, loss_back = cross_entropy_vjp(logits, targets)
        return loss, *back(*loss_back())

    def score(self, parameters: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return the share of right answers to each question, shape (..., 2)."""
        right = self.read(parameters, tokens).argmax(axis=-1) == targets
        asked = targets >= 0
        return (right & asked).sum(axis=(-3, -2)) / asked.sum(axis=(-3, -2))

    def _vectors_vjp(self, parameters: Parameters, tokens: Tokens) -> tuple:
        """Return the vectors of tokens and places, and the way back to the tokens."""
        x, back = embedding_vjp(parameters["tokens"], tokens)
        return x + parameters["places"][..., None, :, :], back


def trained(
    model: TwoRelations,
    seeds: int | Sequence[int],
    *,
    steps: int = 600,
    batch: int = 8,
    progress: bool = True,
) -> tuple[Floats, Parameters]:
    """Train a model on `two_relations_task`, and test it on 500 new sequences.

    - `model`: what to train.
    - `seeds`: of the first parameters, the batches and the test: one, or several, which
      are trained side by side.
    - `steps`: how many steps of Adam, at a learning rate from 0.01 down to 0.
    - `batch`: how many sequences a step.
    - `progress`: as in `train`.

    Returns the share of right answers to each of the two questions, shape (2,), and the
    parameters; for several seeds, all with one more first axis.

    >>> right, _ = trained(TwoRelations(num_heads=2, n=6), seeds=range(3), steps=20)
    >>> right.shape
    (3, 2)
    """
    sizes = {"n": model.n, "vocabulary": model.vocabulary}

    def task(*rngs: np.random.Generator) -> tuple[Callable[[], Batch], Batch]:
        learn, test = rngs
        return (
            lambda: two_relations_task(learn, batch, **sizes),
            two_relations_task(test, 500, **sizes),
        )

    trials = run_trials(
        model,
        task,
        seeds=[seeds] if np.ndim(seeds) == 0 else seeds,
        steps=steps,
        learning_rate=cosine_schedule(0.01, steps),
        progress=progress,
    )
    right, parameters = trials.scores[-1], trials.parameters
    if np.ndim(seeds) == 0:
        return right[0], {name: x[0] for name, x in parameters.items()}
    return right, parameters
