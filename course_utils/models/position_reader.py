"""One attention head that reads tokens, with a choice of how it tells positions apart.

It is the smallest model on which the kinds of positions can be compared: embeddings,
one causal head, and logits for each position.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.gradients import (
    relative_position_bias_backward,
    rotary_embedding_backward,
    scaled_dot_product_attention_backward,
)
from course_utils.layers import cross_entropy, embedding_backward, linear_backward
from course_utils.positions import (
    learned_positions,
    relative_position_bias,
    rotary_embedding,
    sinusoidal_positions,
)
from course_utils.training import glorot_uniform
from course_utils.validation import check_integer, check_positive, check_rng

Floats = NDArray[np.float64]
Parameters = dict[str, Floats]
KINDS = ("none", "sinusoidal", "learned", "relative bias", "rotary", "alibi")


@dataclass(frozen=True)
class PositionReader:
    """A causal head whose only knowledge of order comes from one kind of positions.

    With x the embeddings of the tokens (plus positions, if those are added), the query
    is x @ w_query + b_query, the key x @ w_key + b_key, the value x @ w_value, and the
    logits are the head's output @ w_out. All is float64.

    - `kind`: one of "none", "sinusoidal", "learned" (added to the embeddings),
      "rotary" (turns query and key), "relative bias" and "alibi" (added to the scores).
    - `vocabulary`: how many different tokens, at least 2.
    - `d_model`: size of every vector, even.
    - `longest`: how many rows of learned positions there are.
    - `reach`: the distance from which on a relative bias is the same for all.
    - `slope`: of "alibi", above 0.

    Raises ValueError if there is no such kind or a number is out of range, and
    TypeError if a size is no integer or `slope` no number.

    >>> reader = PositionReader("rotary", vocabulary=5, d_model=4)
    >>> parameters = reader.start(np.random.default_rng(0))
    >>> logits, weights = reader.read(parameters, np.array([[3, 1, 4]]))
    >>> logits.shape, weights.shape  # one row of logits for each position
    ((1, 3, 5), (1, 3, 3))
    """

    kind: str
    vocabulary: int = 16
    d_model: int = 32
    longest: int = 128
    reach: int = 8
    slope: float = 0.25

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind needs to be one of {KINDS}; it is {self.kind!r}")
        check_integer("vocabulary", self.vocabulary, least=2)
        check_integer("d_model", self.d_model, least=2)
        if self.d_model % 2:
            raise ValueError(f"d_model needs to be even; it is {self.d_model}")
        check_integer("longest", self.longest, least=1)
        check_integer("reach", self.reach, least=1)
        check_positive("slope", self.slope)

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with, by name.

        - `rng`: the generator to draw from. What all kinds have in common is drawn
          first, so that one seed gives each kind the same start.

        Raises TypeError if `rng` is no Generator.
        """
        check_rng("rng", rng)
        d, tokens = self.d_model, self.vocabulary
        parameters = {"tokens": rng.normal(size=(tokens, d)) * d**-0.5}
        for name in ("w_query", "w_key", "w_value"):
            parameters[name] = glorot_uniform(rng, d, d, dtype=np.float64)
        parameters["w_out"] = glorot_uniform(rng, d, tokens, dtype=np.float64)
        parameters |= {"b_query": np.zeros(d), "b_key": np.zeros(d)}
        if self.kind == "learned":
            parameters["rows"] = learned_positions(rng, self.longest, d)
        if self.kind == "relative bias":
            parameters["table"] = np.zeros(2 * self.reach + 1)
        return parameters

    def read(
        self, parameters: Parameters, tokens: ArrayLike
    ) -> tuple[Floats, NDArray[np.floating]]:
        """Read tokens, each position seeing itself and what came before.

        - `parameters`: as `start` draws them.
        - `tokens`: integers from 0 to vocabulary − 1, shape (batch, n).

        Returns the logits (batch, n, vocabulary), and the weights (batch, n, n).
        """
        _, query, key, value, bias = self._inputs(parameters, np.asarray(tokens))
        output, weights = scaled_dot_product_attention(
            query, key, value, bias, is_causal=True, return_weights=True
        )
        return output @ parameters["w_out"], weights

    def loss_and_gradients(
        self, parameters: Parameters, tokens: ArrayLike, targets: ArrayLike
    ) -> tuple[float, Parameters]:
        """Return the cross-entropy of the targets, and its gradients, as `train` asks.

        - `parameters`: as `start` draws them.
        - `tokens`: shape (batch, n).
        - `targets`: the right token of each position, or -1 for none; shape (batch, n).
        """
        tokens = np.asarray(tokens)
        x, *heads, bias = self._inputs(parameters, tokens)
        output = scaled_dot_product_attention(*heads, bias, is_causal=True)
        loss, d_logits = cross_entropy(output @ parameters["w_out"], targets)
        d_output, d_out, _ = linear_backward(d_logits, output, parameters["w_out"])
        gradients = {"w_out": d_out}
        learns_bias = self.kind == "relative bias"
        d_query, d_key, d_value, *d_bias = scaled_dot_product_attention_backward(
            d_output, *heads, bias, is_causal=True, return_mask_gradient=learns_bias
        )
        if learns_bias:
            table = parameters["table"]
            gradients["table"] = relative_position_bias_backward(*d_bias, table)
        if self.kind == "rotary":
            places = np.arange(tokens.shape[-1])
            d_query = rotary_embedding_backward(d_query, places)
            d_key = rotary_embedding_backward(d_key, places)
        d_x = np.zeros_like(x)
        for name, d_head in (("query", d_query), ("key", d_key), ("value", d_value)):
            weight = parameters[f"w_{name}"]
            d_part, gradients[f"w_{name}"], d_b = linear_backward(d_head, x, weight)
            d_x += d_part
            if name != "value":
                gradients[f"b_{name}"] = d_b
        gradients["tokens"] = embedding_backward(d_x, tokens, self.vocabulary)
        if self.kind == "learned":
            gradients["rows"] = np.zeros_like(parameters["rows"])
            gradients["rows"][: tokens.shape[-1]] = d_x.sum(axis=0)
        return loss, gradients

    def _inputs(
        self, parameters: Parameters, tokens: NDArray[np.integer]
    ) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
        """Return x, and the query, key, value and bias that attention is given."""
        n = tokens.shape[-1]
        x = parameters["tokens"][tokens]
        if self.kind == "sinusoidal":
            x = x + sinusoidal_positions(n, self.d_model)
        if self.kind == "learned":
            x = x + parameters["rows"][:n]
        query = x @ parameters["w_query"] + parameters["b_query"]
        key = x @ parameters["w_key"] + parameters["b_key"]
        bias = None
        places = np.arange(n)
        if self.kind == "rotary":
            query, key = (rotary_embedding(a, places) for a in (query, key))
        if self.kind == "relative bias":
            bias = relative_position_bias(parameters["table"], n)
        if self.kind == "alibi":
            bias = -self.slope * np.abs(places[:, None] - places)
        return x, query, key, x @ parameters["w_value"], bias
