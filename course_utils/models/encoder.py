"""An encoder: every token looks at all others, and a text becomes one vector.

It is built as BERT is: each of its layers attends, adds and norms, then thinks, adds
and norms. What it is made of can be exchanged for functions of your own.

Source: Devlin et al., "BERT", 2019; Reimers and Gurevych, "Sentence-BERT", 2019.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils import gelu as exact
from course_utils.layers import layer_norm_vjp, linear_vjp
from course_utils.masks import padding_mask
from course_utils.multi_head import MATRICES, multi_head_attention
from course_utils.pooling import mean_pooling
from course_utils.validation import Floats

Parameters = dict[str, Floats]
Tokens = NDArray[np.int64]
Mask = NDArray[np.bool_]
Attend = Callable[[Floats, Parameters, int, Mask], tuple[Floats, Floats]]
BIASES = tuple(name.replace("w_", "b_") for name in MATRICES)
EPSILON = 1e-12  # as BERT norms


def attend(x: Floats, p: Parameters, num_heads: int, may_see: Mask) -> tuple:
    """Let the tokens of each text look at each other, in several heads: lesson 9.

    - `x`: shape (batch, n, d).
    - `p`: matrices "w_query", "w_key", "w_value" and "w_out", and their biases "b_…".
    - `may_see`: shape (batch, 1, 1, n): which keys are real.

    Returns the output, (batch, n, d), and the weights, (batch, num_heads, n, n).
    """
    own = {name: p[name] for name in (*MATRICES, *BIASES)}
    return multi_head_attention(
        x, x, x, **own, num_heads=num_heads, attn_mask=may_see, return_weights=True
    )


@dataclass(frozen=True)
class Encoder:
    """An encoder of `num_layers` layers; the sizes are those of all-MiniLM-L6-v2.

    - `attend`, `padding_mask`, `gelu`, `pool`: what it is made of. Others of the same
      arguments can take their places.
    """

    num_layers: int = 6
    num_heads: int = 12
    attend: Attend = attend
    padding_mask: Callable[[NDArray, int], Mask] = padding_mask
    gelu: Callable[[Floats], Floats] = exact.gelu
    pool: Callable[[Floats, NDArray], Floats] = mean_pooling

    def read(
        self, p: Parameters, tokens: Tokens, lengths: NDArray[np.integer]
    ) -> tuple[Floats, Floats]:
        """Return the vector of each token after all layers, and all weights.

        - `p`: "tokens" and "places", a vector each; "gain" and "shift" of the first
          norm; those of layer i are named "i.…".
        - `tokens`: shape (batch, n), filled up behind with any token.
        - `lengths`: how many tokens of each text are real, shape (batch,).

        Returns (batch, n, d) and (num_layers, batch, num_heads, n, n).
        """
        n = tokens.shape[-1]
        x = p["tokens"][tokens] + p["places"][:n]
        x = layer_norm_vjp(x, p["gain"], p["shift"], EPSILON)[0]
        may_see = self.padding_mask(lengths[:, None], n)  # (batch, 1, 1, n)
        seen = []
        for i in range(self.num_layers):
            x, weights = self.layer(x, of_layer(p, i), may_see)
            seen.append(weights)
        return x, np.stack(seen)

    def layer(self, x: Floats, p: Parameters, may_see: Mask) -> tuple[Floats, Floats]:
        """Attend, add and norm; think, add and norm."""
        mixed, weights = self.attend(x, p, self.num_heads, may_see)
        x = layer_norm_vjp(x + mixed, p["gain_1"], p["shift_1"], EPSILON)[0]
        hidden = self.gelu(linear_vjp(x, p["w_up"], p["b_up"])[0])
        thought = linear_vjp(hidden, p["w_down"], p["b_down"])[0]
        x = layer_norm_vjp(x + thought, p["gain_2"], p["shift_2"], EPSILON)[0]
        return x, weights

    def embed(
        self, p: Parameters, tokens: Tokens, lengths: NDArray[np.integer]
    ) -> Floats:
        """Return a vector of length 1 for each text, (batch, d): their cosine is @."""
        pooled = self.pool(self.read(p, tokens, lengths)[0], lengths)
        return pooled / np.linalg.norm(pooled, axis=-1, keepdims=True)


def of_layer(p: Parameters, i: int) -> Parameters:
    """Return the parameters of layer i, by their names in a layer."""
    start = f"{i}."
    return {x.removeprefix(start): p[x] for x in p if x.startswith(start)}


def without_heads(
    p: Parameters, heads: Sequence[tuple[int, int]], num_heads: int = 12
) -> Parameters:
    """Return parameters with which some heads say nothing.

    - `heads`: pairs of a layer and a head. A head speaks through its rows of w_out.
    """
    quiet = dict(p)
    for layer, head in heads:
        name = f"{layer}.w_out"
        quiet[name] = quiet[name].copy()
        size = len(quiet[name]) // num_heads
        quiet[name][head * size : (head + 1) * size] = 0
    return quiet
