"""A transformer that writes: it reads characters, and predicts the next one.

Text becomes vectors, these pass through blocks, and each place's vector is read off as
scores of the next character. Parameters may have a first axis for seeds, which learn
side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    layer_norm_vjp,
    linear_vjp,
    relu_vjp,
)
from course_utils.multi_head import MATRICES, multi_head_attention_vjp
from course_utils.softmax import log_softmax
from course_utils.validation import Back, Floats, check_divides, check_integer

Parameters = dict[str, Floats]
Tokens = NDArray[np.int64]
Step = Callable[[Floats, Parameters], tuple[Floats, Back]]


@dataclass(frozen=True)
class Transformer:
    """A causal language model of `num_blocks` blocks, each normed before its two steps.

    - `vocabulary`: how many different tokens.
    - `d_model`: size of the vector of a token; a block thinks in 4 · d_model numbers.
    - `num_heads`: a divisor of `d_model`.
    - `context`: how many tokens it can see at most; each place has a vector.
    - `tied`: whether scores are products with the very vectors of the tokens.
    - `dtype`: np.float32 or np.float64.

    >>> model = Transformer(vocabulary=5, d_model=8, num_heads=2)
    >>> parameters = model.start(np.random.default_rng(0))
    >>> model.read(parameters, np.array([[3, 1, 4]])).shape  # batch, place, token
    (1, 3, 5)
    """

    vocabulary: int
    d_model: int = 64
    num_heads: int = 4
    num_blocks: int = 1
    context: int = 32
    tied: bool = False
    dtype: type = np.float32

    def __post_init__(self) -> None:
        for name in ("vocabulary", "d_model", "num_blocks", "context"):
            check_integer(name, getattr(self, name), least=1)
        check_divides("num_heads", self.num_heads, "d_model", self.d_model)

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters to begin with; those of block i are named "i.…".

        The two matrices that write into the stream are the smaller the more blocks
        write, as in Radford et al., "Language models are unsupervised multitask
        learners", 2019, section 2.3.
        """
        d, v = self.d_model, self.vocabulary
        p = {
            "tokens": rng.standard_normal((v, d)) * 0.3,
            "places": rng.standard_normal((self.context, d)) * 0.3,
        }
        for i in range(self.num_blocks):
            p |= {f"{i}.{name}": x for name, x in self.start_block(rng).items()}
        p |= {"gain": np.ones(d), "shift": np.zeros(d)}
        if not self.tied:
            p["w_read"] = glorot_uniform(rng, d, v, dtype=np.float64)
        return {name: x.astype(self.dtype) for name, x in p.items()}

    def start_block(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters of one block."""
        d, shrink = self.d_model, (2 * self.num_blocks) ** -0.5
        shapes = dict.fromkeys(MATRICES, (d, d))
        shapes |= {"w_up": (d, 4 * d), "w_down": (4 * d, d)}
        p = {x: glorot_uniform(rng, *s, dtype=np.float64) for x, s in shapes.items()}
        for name in ("w_out", "w_down"):
            p[name] *= shrink
        for name in ("gain_1", "gain_2"):
            p |= {name: np.ones(d), name.replace("gain", "shift"): np.zeros(d)}
        return p | {"b_up": np.zeros(4 * d), "b_down": np.zeros(d)}

    def embed_vjp(self, p: Parameters, tokens: Tokens) -> tuple[Floats, Back]:
        """Return the vector of each token plus that of its place, and the way back."""
        x, tokens_back = embedding_vjp(p["tokens"], tokens)
        n = tokens.shape[-1]

        def back(d_x: Floats) -> tuple[Parameters]:
            d_places = np.zeros_like(p["places"])
            d_places[..., :n, :] = d_x.sum(axis=-3)
            (d_tokens,) = tokens_back(d_x)
            return ({"tokens": d_tokens, "places": d_places},)

        return x + p["places"][..., None, :n, :], back

    def attend_vjp(self, x: Floats, p: Parameters) -> tuple[Floats, Back]:
        """Let tokens look back at each other: lesson 9."""
        matrices = {name: p[name] for name in MATRICES}
        output, attention_back = multi_head_attention_vjp(
            x, x, x, matrices, num_heads=self.num_heads, is_causal=True
        )

        def back(d_output: Floats) -> tuple[Floats, Parameters]:
            d_query, d_key, d_value, d_matrices = attention_back(d_output)
            return d_query + d_key + d_value, d_matrices

        return output, back

    def feed_forward_vjp(self, x: Floats, p: Parameters) -> tuple[Floats, Back]:
        """Let each token think by itself: relu(x·W_up + b_up)·W_down + b_down."""
        hidden, up_back = linear_vjp(x, p["w_up"], p["b_up"])
        active, relu_back = relu_vjp(hidden)
        output, down_back = linear_vjp(active, p["w_down"], p["b_down"])

        def back(d_output: Floats) -> tuple[Floats, Parameters]:
            d_active, w_down, b_down = down_back(d_output)
            d_x, w_up, b_up = up_back(*relu_back(d_active))
            return d_x, {"w_up": w_up, "b_up": b_up, "w_down": w_down, "b_down": b_down}

        return output, back

    def norm_vjp(self, x: Floats, gain: Floats, shift: Floats) -> tuple[Floats, Back]:
        """Bring each token's vector to mean 0 and variance 1."""
        return layer_norm_vjp(x, gain, shift)

    def step_vjp(self, x: Floats, p: Parameters, i: int, step: Step) -> tuple:
        """Take step i of a block on a normed copy of the stream: step(norm(x))."""
        names = f"gain_{i}", f"shift_{i}"
        normed, norm_back = self.norm_vjp(x, *(p.get(name) for name in names))
        output, step_back = step(normed, p)

        def back(d_output: Floats) -> tuple[Floats, Parameters]:
            d_normed, gradients = step_back(d_output)
            d_x, *d_norm = norm_back(d_normed)
            return d_x, gradients | dict(zip(names, d_norm, strict=False))

        return output, back

    def add_vjp(self, x: Floats, p: Parameters, i: int, step: Step) -> tuple:
        """Add to the stream what a step makes of it: the residual connection."""
        output, step_back = self.step_vjp(x, p, i, step)

        def back(d_sum: Floats) -> tuple[Floats, Parameters]:
            d_x, gradients = step_back(d_sum)
            return d_sum + d_x, gradients

        return x + output, back

    def block_vjp(self, x: Floats, p: Parameters) -> tuple[Floats, Back]:
        """Pass one block: tokens look at each other, then each thinks by itself."""
        x, attend_back = self.add_vjp(x, p, 1, self.attend_vjp)
        x, think_back = self.add_vjp(x, p, 2, self.feed_forward_vjp)

        def back(d_x: Floats) -> tuple[Floats, Parameters]:
            d_x, d_think = think_back(d_x)
            d_x, d_attend = attend_back(d_x)
            return d_x, d_attend | d_think

        return x, back

    def read_vjp(self, p: Parameters, tokens: Tokens) -> tuple[Floats, Back]:
        """Return the logits of the next token at each place, and the way back.

        - `p`: as `start` draws them, or with one more first axis, for seeds.
        - `tokens`: shape (..., n) with n up to `context`, with the same first axis.
        """
        x, embed_back = self.embed_vjp(p, tokens)
        backs = []
        for i in range(self.num_blocks):
            x, back = self.block_vjp(x, self.of_block(p, i))
            backs.append(back)
        x, norm_back = self.norm_vjp(x, p.get("gain"), p.get("shift"))
        logits, read_back = linear_vjp(x, self.reader(p))

        def back(d_logits: Floats) -> tuple[Parameters]:
            d_x, d_read = read_back(d_logits)
            d_x, *d_norm = norm_back(d_x)
            gradients = dict(zip(("gain", "shift"), d_norm, strict=False))
            for i in reversed(range(self.num_blocks)):
                d_x, d_block = backs[i](d_x)
                gradients |= {f"{i}.{name}": d for name, d in d_block.items()}
            (d_embed,) = embed_back(d_x)
            if self.tied:
                d_embed["tokens"] = d_embed["tokens"] + d_read.mT
            else:
                gradients["w_read"] = d_read
            return (gradients | d_embed,)

        return logits, back

    def reader(self, p: Parameters) -> Floats:
        """Return the matrix whose columns score the tokens, (d_model, vocabulary)."""
        return p["tokens"].mT if self.tied else p["w_read"]

    def of_block(self, p: Parameters, i: int) -> Parameters:
        """Return the parameters of block i, by their names in a block."""
        start = f"{i}."
        return {x.removeprefix(start): p[x] for x in p if x.startswith(start)}

    def read(self, p: Parameters, tokens: Tokens) -> Floats:
        """Return the logits of the next token at each place, (..., n, vocabulary)."""
        return self.read_vjp(p, tokens)[0]

    def loss_and_gradients(
        self, p: Parameters, tokens: Tokens, targets: Tokens
    ) -> tuple[float, Parameters]:
        """Return the mean surprise at the targets in nats, and its gradients."""
        logits, back = self.read_vjp(p, tokens)
        loss, loss_back = cross_entropy_vjp(logits, targets)
        return loss, *back(*loss_back())

    def score(self, p: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return the bits a token of each seed; targets of −1 do not count."""
        bits, counted = 0.0, targets >= 0
        # In parts, so that the weights of a whole chapter are never held at once.
        for part in np.array_split(
            np.arange(tokens.shape[-2]), tokens.shape[-2] // 64 + 1
        ):
            places = log_softmax(self.read(p, tokens[..., part, :]))
            chosen = np.maximum(targets[..., part, :], 0)[..., None]
            found = np.take_along_axis(places, chosen, axis=-1)[..., 0]
            bits = bits - (found * counted[..., part, :]).sum(axis=(-1, -2)) / np.log(2)
        return bits / counted.sum(axis=(-1, -2))
