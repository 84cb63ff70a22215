"""A published language model on the functions of the course: a decoder as Llama is.

Text becomes vectors; in each of its blocks tokens look back at each other, with turned
queries and keys and grouped heads, and then each thinks by itself. The vectors of the
tokens also read off what comes next.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.efficient import KVCache
from course_utils.gated import rms_norm, swiglu
from course_utils.masks import causal_mask
from course_utils.models.byte_pairs import BytePairs
from course_utils.models.gguf import read_gguf
from course_utils.multi_head import merge_heads, split_heads
from course_utils.positions import rotary_embedding
from course_utils.sampling import draw_tokens, next_token_probabilities
from course_utils.validation import Floats, as_indices, check_integer

Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]
Head = tuple[int, int]  # of a layer, both counted from 0
# Names in a block: the course's, and the file's.
NAMES = {
    "gain_1": "attn_norm",
    "w_query": "attn_q",
    "w_key": "attn_k",
    "w_value": "attn_v",
    "w_out": "attn_output",
    "gain_2": "ffn_norm",
    "w_gate": "ffn_gate",
    "w_up": "ffn_up",
    "w_down": "ffn_down",
}
STORED = Path(__file__).parents[1] / "data" / "written_elsewhere.json"
CONTROL = 3  # what the tokenizer calls a token that is no text


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model: its numbers, and the functions that it runs on.

    - `tokens`: the vector of each token, (vocabulary, d_model).
    - `blocks`: the matrices and gains of each block, named as in `NAMES`.
    - `gain`: of the last norm, (d_model,).
    - `num_heads`, `num_kv_heads`: heads of queries, and of keys and values.
    - `base`, `epsilon`: of `rotary_embedding` and `rms_norm`.
    - `attend`, `turn`, `norm`, `gated`, `new_cache`: the functions; others that do the
      same may take their places. `attend` is called as attend(query, key, value, mask,
      enable_gqa=True, return_weights=True), and both ways without weights.
    """

    tokens: Floats
    blocks: Sequence[Parameters]
    gain: Floats
    num_heads: int
    num_kv_heads: int
    base: float = 10000.0
    epsilon: float = 1e-5
    attend: Callable[..., Floats] = scaled_dot_product_attention
    turn: Callable[[Floats, NDArray, float], Floats] = rotary_embedding
    norm: Callable[[Floats, Floats, float], Floats] = rms_norm
    gated: Callable[[Floats, Floats], Floats] = swiglu
    new_cache: Callable[[], KVCache] = KVCache

    @property
    def size(self) -> int:
        """How many numbers it has."""
        blocks = sum(x.size for block in self.blocks for x in block.values())
        return self.tokens.size + self.gain.size + blocks

    def caches(self) -> list[KVCache]:
        """Return an empty cache for each block."""
        return [self.new_cache() for _ in self.blocks]

    def read(
        self,
        tokens: Tokens,
        caches: Sequence[KVCache] | None = None,
        *,
        weights: list[Floats] | None = None,
        off: Collection[Head] = (),
    ) -> Floats:
        """Return the logits of the next token after each, (..., n, vocabulary).

        - `tokens`: shape (..., n); with caches only the new ones.
        - `caches`: one for each block, empty at first; they take the new keys.
        - `weights`: a list that gets each block's weights, (..., num_heads, n, n_k).
        - `off`: heads, as (block, head), whose output is set to 0.
        """
        return self.scores(self.stream(tokens, caches, weights=weights, off=off))

    def scores(self, x: Floats) -> Floats:
        """Read logits off the stream: products with the vectors of the tokens."""
        return self.norm(x, self.gain, self.epsilon) @ self.tokens.T

    def stream(
        self,
        tokens: Tokens,
        caches: Sequence[KVCache] | None = None,
        *,
        weights: list[Floats] | None = None,
        off: Collection[Head] = (),
    ) -> Floats:
        """Return each token's vector after the last block, (..., n, d_model)."""
        tokens = as_indices("tokens", tokens, 0, len(self.tokens))
        before, n = len(caches[0]) if caches else 0, tokens.shape[-1]
        places = np.arange(before, before + n)
        may_see = causal_mask(n, before + n, offset=before)
        x = self.tokens[tokens]
        for i, p in enumerate(self.blocks):
            normed = self.norm(x, p["gain_1"], self.epsilon)
            query, key, value = self.project(normed, p, places)
            if caches:
                key, value = caches[i].append(key, value)
            heads = self.attend(
                query,
                key,
                value,
                may_see if n > 1 else None,
                enable_gqa=True,
                return_weights=weights is not None,
            )
            if weights is not None:
                heads, own = heads
                weights.append(own)
            silent = [head for block, head in off if block == i]
            heads[..., silent, :, :] = 0
            x = x + merge_heads(heads) @ p["w_out"]
            normed = self.norm(x, p["gain_2"], self.epsilon)
            x = x + self.gated(normed @ p["w_gate"], normed @ p["w_up"]) @ p["w_down"]
        return x

    def project(
        self, x: Floats, p: Parameters, places: NDArray
    ) -> tuple[Floats, Floats, Floats]:
        """Return queries, keys and values by heads; the first two are turned."""
        query = split_heads(x @ p["w_query"], self.num_heads)
        key = split_heads(x @ p["w_key"], self.num_kv_heads)
        value = split_heads(x @ p["w_value"], self.num_kv_heads)
        return (
            self.turn(query, places, self.base),
            self.turn(key, places, self.base),
            value,
        )

    def write(
        self,
        tokens: Tokens,
        count: int,
        *,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
        top_k: int | None = 1,
        cached: bool = True,
    ) -> Iterator[Tokens]:
        """Go on with texts, and give each next token as soon as it is there.

        - `tokens`: how the texts begin, shape (..., n), at least one token.
        - `count`: how many tokens to write.
        - `rng`: the generator to draw from; not needed where `top_k` leaves one.
        - `temperature`, `top_k`: as in `next_token_probabilities`; by default the
          likeliest token is written.
        - `cached`: whether keys and values are kept, or all is read again.

        Gives tokens of shape (...).
        """
        caches = self.caches() if cached else None
        new = tokens = np.asarray(tokens)
        rng = np.random.default_rng(0) if rng is None else rng
        options = {"temperature": temperature, "top_k": top_k}
        for _ in range(check_integer("count", count, least=0)):
            last = self.stream(new, caches)[..., -1:, :]
            probabilities = next_token_probabilities(self.scores(last), **options)
            written = draw_tokens(rng, probabilities)
            yield written[..., 0]
            tokens = np.concatenate([tokens, written], axis=-1)
            new = written if cached else tokens


def load(path: Path) -> tuple[LanguageModel, BytePairs]:
    """Return the model that a GGUF file holds, and its tokenizer.

    - `path`: a GGUF file of the kind "llama" with tied vectors, such as SmolLM2's.

    Raises ValueError if it holds another kind of model.
    """
    entries, arrays = read_gguf(path)
    kind = entries.get("general.architecture")
    if kind != "llama" or "output.weight" in arrays:
        raise ValueError(
            f"{path.name} must hold a model of the kind 'llama' whose tokens' vectors "
            f"also read off what comes next; got one of the kind {kind!r}"
        )

    def block(i: int) -> Parameters:
        # In the file a row is an output; here x @ matrix has one in each column.
        return {x: arrays[f"blk.{i}.{y}.weight"].T for x, y in NAMES.items()}

    model = LanguageModel(
        arrays["token_embd.weight"],
        [block(i) for i in range(entries["llama.block_count"])],
        arrays["output_norm.weight"],
        entries["llama.attention.head_count"],
        entries["llama.attention.head_count_kv"],
        entries["llama.rope.freq_base"],
        entries["llama.attention.layer_norm_rms_epsilon"],
    )
    pieces, kinds = (entries[f"tokenizer.ggml.{x}"] for x in ("tokens", "token_type"))
    special = [x for x, own in zip(pieces, kinds, strict=True) if own == CONTROL]
    return model, BytePairs(pieces, entries["tokenizer.ggml.merges"], special)


def written_elsewhere() -> dict[str, list[int]]:
    """Return how Transformers, on PyTorch, goes on with texts; by greedy choice.

    `benchmarks/models.py --store` asked it, with the numbers of the same file.
    """
    return json.loads(STORED.read_text("utf-8"))
