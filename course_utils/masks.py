"""Who may see whom: boolean masks in which True means "may attend".

A row is a query, a column a key. PyTorch's `scaled_dot_product_attention` and ONNX
read masks in the same way; `torch.nn.MultiheadAttention` reads them the other way.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.validation import as_boolean, as_indices, check_flag, check_integer


def causal_mask(n_q: int, n_k: int | None = None, offset: int = 0) -> NDArray[np.bool_]:
    """Let each query see the keys up to its own position, and none after it.

    Query i stands at position i + offset and sees key j if j ≤ i + offset.

    - `n_q`: number of queries.
    - `n_k`: number of keys; as many as queries if None.
    - `offset`: position of the first query among the keys. With a cache of c earlier
      keys it is c; 0 aligns the mask top left, as PyTorch does.

    Returns booleans of shape (n_q, n_k).

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.3.

    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    >>> causal_mask(1, 4, offset=2).astype(int)  # two keys were cached before this one
    array([[1, 1, 1, 0]])
    """
    return behind(n_q, n_k, offset) >= 0


def sliding_window_mask(
    n_q: int,
    n_k: int | None = None,
    *,
    window: int,
    causal: bool = True,
    offset: int = 0,
) -> NDArray[np.bool_]:
    """Let each query see only the keys that are fewer than `window` positions away.

    A causal window holds the query's own position and the window − 1 before it; a
    two-sided one also the window − 1 after it, 2·window − 1 in all.

    - `n_q`: number of queries.
    - `n_k`: number of keys; as many as queries if None.
    - `window`: positions that a causal query sees, its own included; at least 1.
    - `causal`: whether keys after the query are hidden.
    - `offset`: position of the first query among the keys.

    Returns booleans of shape (n_q, n_k).

    Source: Beltagy, Peters and Cohan, "Longformer", 2020, section 3.1 (two-sided);
    Jiang et al., "Mistral 7B", 2023, section 2 (causal).

    >>> sliding_window_mask(4, window=2).astype(int)
    array([[1, 0, 0, 0],
           [1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    distance = behind(n_q, n_k, offset)
    window = check_integer("window", window, least=1)
    if check_flag("causal", causal):
        return (distance >= 0) & (distance < window)
    return np.abs(distance) < window


def padding_mask(lengths: ArrayLike, n_k: int) -> NDArray[np.bool_]:
    """Hide the padding at the end of sequences of unequal length.

    - `lengths`: integers from 0 to n_k, of any shape (...), often (batch,): how many
      keys of each sequence are real.
    - `n_k`: number of keys, padding included.

    Returns booleans of shape (..., 1, n_k), ready for scores (..., n_q, n_k). For
    scores (batch, num_heads, n_q, n_k) pass lengths of shape (batch, 1).

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.3, applied
    to padding.

    >>> padding_mask([1, 3], 3).astype(int)
    array([[[1, 0, 0]],
    <BLANKLINE>
           [[1, 1, 1]]])
    """
    n_k = check_integer("n_k", n_k, least=0)
    lengths = as_indices("lengths", lengths, 0, n_k + 1)
    return np.arange(n_k) < lengths[..., None, None]


def combine_masks(*masks: ArrayLike) -> NDArray[np.bool_]:
    """Let a query see a key only if every mask does: logical and, with broadcasting.

    - `masks`: one or more boolean arrays whose shapes broadcast together, such as (n_q,
      n_k) for a causal mask and (batch, 1, n_k) for a padding mask.

    Returns booleans of the common shape.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.3: what is
    illegal for any reason is hidden.

    >>> combine_masks(causal_mask(3), padding_mask(2, 3)).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 0]])
    """
    if not masks:
        raise TypeError("`masks` must hold at least one mask; got none")
    checked = [as_boolean(f"masks[{i}]", mask) for i, mask in enumerate(masks)]
    shapes = [mask.shape for mask in checked]
    try:
        combined = np.ones(np.broadcast_shapes(*shapes), dtype=np.bool_)
    except ValueError:
        listed = ", ".join(map(str, shapes))
        raise ValueError(f"`masks` must broadcast together; got {listed}") from None
    for mask in checked:
        combined &= mask
    return combined


def block_mask(n: int, *, block: int, summaries: bool = False) -> NDArray[np.bool_]:
    """Cut a sequence into blocks: a query sees its own block, up to itself.

    - `n`: number of queries and of keys, which stand at the same positions.
    - `block`: positions in a block, at least 1; the last block may be shorter.
    - `summaries`: whether a query also sees the last position of each earlier block,
      which has seen that whole block and may carry a summary of it.

    Returns booleans of shape (n, n).

    Source: Child et al., "Generating long sequences with sparse transformers", 2019:
    the fixed pattern.

    >>> block_mask(4, block=2).astype(int)
    array([[1, 0, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 1, 1]])
    >>> block_mask(4, block=2, summaries=True)[2].astype(int)  # its own, and key 1
    array([0, 1, 1, 0])
    """
    position = np.arange(check_integer("n", n, least=0))
    block = check_integer("block", block, least=1)
    seen = position[:, None] // block == position // block
    if check_flag("summaries", summaries):
        seen |= position % block == block - 1
    return seen & (position <= position[:, None])


def receptive_field(masks: ArrayLike) -> NDArray[np.bool_]:
    """Find what each position can hear of, directly or through others, layer by layer.

    Every layer adds to what it read, so a position also keeps what it had.

    - `masks`: one for each layer, the first layer first; shape (layers, n, n).

    Returns booleans of shape (n, n): whether query i hears of key j after all layers.

    Source: Beltagy, Peters and Cohan, "Longformer", 2020, section 3.1.

    >>> window = sliding_window_mask(4, window=2)
    >>> receptive_field([window, window]).astype(int)
    array([[1, 0, 0, 0],
           [1, 1, 0, 0],
           [1, 1, 1, 0],
           [0, 1, 1, 1]])
    """
    masks = as_boolean("masks", masks)
    if masks.ndim != 3 or masks.shape[1] != masks.shape[2]:
        raise ValueError(f"`masks` must have shape (layers, n, n); got {masks.shape}")
    heard = np.eye(masks.shape[1], dtype=np.bool_)
    for mask in masks:
        heard = heard | (mask @ heard)
    return heard


def behind(n_q: int, n_k: int | None, offset: int) -> NDArray[np.integer]:
    """Return how far key j lies behind query i: i + offset − j, shape (n_q, n_k)."""
    n_q = check_integer("n_q", n_q, least=0)
    n_k = n_q if n_k is None else check_integer("n_k", n_k, least=0)
    offset = check_integer("offset", offset)
    return np.arange(n_q)[:, None] + offset - np.arange(n_k)
