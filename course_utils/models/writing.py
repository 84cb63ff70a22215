"""Let a transformer write: one token after the other, with or without a cache."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from course_utils.attention import scaled_dot_product_attention
from course_utils.efficient import KVCache
from course_utils.masks import causal_mask
from course_utils.models.transformer import Parameters, Transformer
from course_utils.multi_head import merge_heads, split_heads
from course_utils.sampling import draw_tokens, next_token_probabilities
from course_utils.validation import Floats, check_integer

Tokens = NDArray[np.int64]


def read_on(
    model: Transformer, p: Parameters, tokens: Tokens, caches: Sequence[KVCache]
) -> Floats:
    """Read the tokens that come next; keys and values of those before are kept.

    - `model`, `p`: the model, and the parameters of one seed.
    - `tokens`: only the new ones, shape (..., n_new).
    - `caches`: one for each block, empty at first.

    Returns the logits at the new places, (..., n_new, vocabulary), the same as
    `model.read` of all tokens gives there.
    """
    before, n = len(caches[0]), tokens.shape[-1]
    x = p["tokens"][tokens] + p["places"][before : before + n]
    may_see = causal_mask(n, before + n, offset=before)
    for i, cache in enumerate(caches):
        own = model.of_block(p, i)
        normed, _ = model.norm_vjp(x, own["gain_1"], own["shift_1"])
        query, key, value = (
            split_heads(normed @ own[name], model.num_heads)
            for name in ("w_query", "w_key", "w_value")
        )
        heads = scaled_dot_product_attention(query, *cache.append(key, value), may_see)
        x = x + merge_heads(heads) @ own["w_out"]
        normed, _ = model.norm_vjp(x, own["gain_2"], own["shift_2"])
        x = x + model.feed_forward_vjp(normed, own)[0]
    normed, _ = model.norm_vjp(x, p["gain"], p["shift"])
    return normed @ model.reader(p)


def write(
    model: Transformer,
    p: Parameters,
    tokens: Tokens,
    count: int,
    *,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    cached: bool = False,
) -> Tokens:
    """Go on with texts, one token after the other.

    - `model`, `p`: the model, and the parameters of one seed.
    - `tokens`: how the texts begin, shape (texts, n), at least one token.
    - `count`: how many tokens to write.
    - `rng`: the generator to draw from.
    - `temperature`, `top_k`: as in `next_token_probabilities`.
    - `cached`: whether to keep keys and values. What is read must then fit into the
      context. Without a cache, the model reads the last `context` tokens anew for each
      token that it writes.

    Returns the texts with what was written, shape (texts, n + count).
    """
    count = check_integer("count", count, least=0)
    read = tokens.shape[-1] + count - 1
    if cached and read > model.context:
        raise ValueError(
            f"`count` must leave what is read within the context of {model.context} "
            f"when cached is True; got {count} after {tokens.shape[-1]} tokens"
        )
    caches = [KVCache() for _ in range(model.num_blocks)]
    new = tokens
    for _ in range(count):
        if cached:
            logits = read_on(model, p, new, caches)
        else:
            logits = model.read(p, tokens[..., -model.context :])
        options = {"temperature": temperature, "top_k": top_k}
        probabilities = next_token_probabilities(logits[..., -1, :], **options)
        new = draw_tokens(rng, probabilities)[..., None]
        tokens = np.concatenate([tokens, new], axis=-1)
    return tokens
