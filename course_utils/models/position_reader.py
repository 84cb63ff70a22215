"""One attention head that reads tokens, with a choice of how it tells positions apart.

It is the smallest model on which the kinds of positions can be compared: embeddings,
one causal head, and logits for each position. Several readers, each with a seed of its
own, can read side by side: then every array has a first axis for the seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.attention import (
    scaled_dot_product_attention,
    scaled_dot_product_attention_vjp,
)
from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.positions import (
    learned_positions,
    relative_position_bias_vjp,
    rotary_embedding_vjp,
    sinusoidal_positions,
)
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
            raise ValueError(f"`kind` must be one of {KINDS}; got {self.kind!r}")
        check_integer("vocabulary", self.vocabulary, least=2)
        check_integer("d_model", self.d_model, least=2)
        if self.d_model % 2:
            raise ValueError(f"`d_model` must be even; got {self.d_model}")
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

        - `parameters`: as `start` draws them, or with one more first axis, for seeds.
        - `tokens`: integers from 0 to vocabulary − 1, shape (..., batch, n), with the
          same first axis.

        Returns the logits (..., batch, n, vocabulary), and the weights (..., batch, n,
        n).
        """
        heads, _ = self._heads_vjp(parameters, tokens)
        output, weights = scaled_dot_product_attention(
            *heads, is_causal=True, return_weights=True
        )
        logits, _ = linear_vjp(output, parameters["w_out"])
        return logits, weights

    def loss_and_gradients(
        self, parameters: Parameters, tokens: ArrayLike, targets: ArrayLike
    ) -> tuple[float, Parameters]:
        """Return the cross-entropy of the targets, and its gradients, as `train` asks.

        - `parameters`, `tokens`: as in `read`.
        - `targets`: the right token of each position, or -1 for none; of the same shape
          as `tokens`.
        """
        heads, heads_back = self._heads_vjp(parameters, tokens)
        output, attention_back = scaled_dot_product_attention_vjp(
            *heads, is_causal=True
        )
        logits, out_back = linear_vjp(output, parameters["w_out"])
        loss, loss_back = cross_entropy_vjp(logits, targets)
        d_output, d_out = out_back(*loss_back())
        return loss, {"w_out": d_out} | heads_back(*attention_back(d_output))

    def score(
        self, parameters: Parameters, tokens: ArrayLike, targets: ArrayLike
    ) -> Floats:
        """Return the share of right answers at each position, shape (..., n)."""
        logits, _ = self.read(parameters, tokens)
        return (logits.argmax(axis=-1) == targets).mean(axis=-2)

    def _heads_vjp(
        self, parameters: Parameters, tokens: ArrayLike
    ) -> tuple[tuple[Floats | None, ...], Callable[..., Parameters]]:
        """Return query, key, value and bias, and what sends their gradients back."""
        p, n = parameters, np.shape(tokens)[-1]
        places, turn_back, bias, bias_back = np.arange(n), {}, None, None
        x, embedding_back = embedding_vjp(p["tokens"], tokens)
        if self.kind == "sinusoidal":
            x = x + sinusoidal_positions(n, self.d_model)
        if self.kind == "learned":
            x = x + p["rows"][..., None, :n, :]
        query, query_back = linear_vjp(x, p["w_query"], p["b_query"])
        key, key_back = linear_vjp(x, p["w_key"], p["b_key"])
        value, value_back = linear_vjp(x, p["w_value"])
        if self.kind == "rotary":
            query, turn_back["query"] = rotary_embedding_vjp(query, places)
            key, turn_back["key"] = rotary_embedding_vjp(key, places)
        if self.kind == "relative bias":
            bias, bias_back = relative_position_bias_vjp(p["table"][..., None, :], n)
        if self.kind == "alibi":
            bias = -self.slope * np.abs(places[:, None] - places)

        def back(
            d_query: Floats, d_key: Floats, d_value: Floats, *d_bias: Floats
        ) -> Parameters:
            d: Parameters = {}
            if bias_back:
                (d_table,) = bias_back(*d_bias)
                d["table"] = d_table[..., 0, :]
            if turn_back:
                (d_query,), (d_key,) = (
                    turn_back["query"](d_query),
                    turn_back["key"](d_key),
                )
            d_asking, d["w_query"], d["b_query"] = query_back(d_query)
            d_asked, d["w_key"], d["b_key"] = key_back(d_key)
            d_told, d["w_value"] = value_back(d_value)
            d_x = d_asking + d_asked + d_told
            (d["tokens"],) = embedding_back(d_x)
            if self.kind == "learned":
                d["rows"] = np.zeros_like(p["rows"])
                d["rows"][..., :n, :] = d_x.sum(axis=-3)
            return d

        return (query, key, value, bias), back
