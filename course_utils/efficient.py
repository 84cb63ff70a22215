"""Attention made cheap: by tiles, in a window, without a softmax, and with a cache."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils._alarms import underflow_is_zero
from course_utils.attention import PLAIN, scaled_dot_product_attention
from course_utils.masks import causal_mask, sliding_window_mask
from course_utils.validation import (
    Floats,
    check_flag,
    check_integer,
    check_shape,
    read,
    read_mask,
    read_scale,
)


@underflow_is_zero
def tiled_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
    tile_size: int = 128,
) -> Floats:
    """Attend exactly, one tile of scores at a time, with a softmax that is online.

    Of the n_q·n_k scores only tile_size² are held at once. For each row the maximum m,
    the sum s = Σ exp(score − m) and the output o = Σ exp(score − m)·value are kept;
    when a tile raises m to m′, s and o are first scaled by exp(m − m′). At the end the
    output is o / s. `scaled_dot_product_attention` does the same by itself, and faster;
    here it is in plain sight.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k).
    - `value`: shape (..., n_k, d_v). The leading axes of the three broadcast.
    - `attn_mask`: broadcasts to (..., n_q, n_k). Booleans: True = may attend. Floats
      are added to the scores, and −inf hides.
    - `is_causal`: whether query i sees the keys j ≤ i alone, on top of `attn_mask`.
      Tiles that it hides wholly are skipped.
    - `scale`: what the scores are multiplied by; d_k ** -0.5 if None.
    - `tile_size`: rows and columns of a tile, at least 1. It changes time and
      memory, and the output by rounding alone.

    Returns the output, shape (..., n_q, d_v), zeros where a query may see no key. The
    dtype is the common one of query, key and value: float32 and float64 are kept,
    float16 becomes float32, integers float64.

    Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018,
    algorithm 3; Dao et al., "FlashAttention", 2022, algorithm 1, its loops exchanged.

    >>> rng = np.random.default_rng(0)
    >>> query, key, value = rng.standard_normal((3, 1000, 8))
    >>> by_tiles = tiled_attention(query, key, value, tile_size=64)
    >>> at_once, weights = scaled_dot_product_attention(
    ...     query, key, value, return_weights=True
    ... )
    >>> np.allclose(by_tiles, at_once, atol=1e-12)
    True
    >>> weights.size // 64**2  # how many times more scores the other way holds
    244
    """
    query, key, value = read(PLAIN, query=query, key=key, value=value)
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    n_q, n_k = query.shape[-2], key.shape[-2]
    mask = None
    if attn_mask is not None:
        mask = read_mask(attn_mask, (*leading, n_q, n_k), query.dtype)
        mask = np.broadcast_to(mask, (*mask.shape[:-2], n_q, n_k))
    check_flag("is_causal", is_causal)
    query = query * read_scale(scale, query)
    tile_size = check_integer("tile_size", tile_size, least=1)

    output = np.zeros((*leading, n_q, value.shape[-1]), query.dtype)
    for top in range(0, n_q, tile_size):
        rows = slice(top, min(top + tile_size, n_q))
        gathered = output[..., rows, :]  # a view: what is added here is in the output
        # Finite, so that a row that sees nothing never meets −inf − −inf.
        lowest = np.finfo(query.dtype).min
        peak = np.full((*gathered.shape[:-1], 1), lowest, query.dtype)
        total = np.zeros_like(peak)
        seen = min(n_k, rows.stop) if is_causal else n_k
        for left in range(0, seen, tile_size):
            columns = slice(left, min(left + tile_size, seen))
            scores = query[..., rows, :] @ key[..., columns, :].mT
            if is_causal:
                visible = causal_mask(*scores.shape[-2:], offset=top - left)
                scores = np.where(visible, scores, -np.inf)
            if mask is not None:
                part = mask[..., rows, columns]
                boolean = part.dtype == np.bool_
                scores = np.where(part, scores, -np.inf) if boolean else scores + part
            raised = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            weights = np.exp(scores - raised)
            rescale = np.exp(peak - raised)
            total = total * rescale + weights.sum(axis=-1, keepdims=True)
            gathered *= rescale
            gathered += weights @ value[..., columns, :]
            peak = raised
        gathered /= np.where(total == 0, 1, total)
    return output


@underflow_is_zero
def sliding_window_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    window: int,
    causal: bool = True,
    scale: float | None = None,
) -> Floats:
    """Attend to the keys fewer than `window` positions away, and compute no others.

    The answer is that of `sliding_window_mask`, but a mask saves nothing: n_q·n_k
    scores are computed and most thrown away. Here a block of queries meets only the
    keys that some query of it sees, so time and memory grow with n_q·window.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k). Query i and key i stand at the same position.
    - `value`: shape (..., n_k, d_v). The leading axes of the three broadcast.
    - `window`: positions that a causal query sees, its own included; at least 1.
    - `causal`: whether keys after the query are hidden; if not, a query also sees the
      window − 1 keys after it.
    - `scale`: what the scores are multiplied by; d_k ** -0.5 if None.

    Returns the output, shape (..., n_q, d_v), zeros where a query may see no key. The
    dtype is the common one of query, key and value: float32 and float64 are kept,
    float16 becomes float32, integers float64.

    Source: Beltagy, Peters and Cohan, "Longformer", 2020, section 3.1 (two-sided);
    Jiang et al., "Mistral 7B", 2023, section 2 (causal).

    >>> value = np.array([[1.0], [2.0], [4.0], [8.0]])
    >>> same = np.zeros((4, 1))  # equal scores: the mean of the values in the window
    >>> sliding_window_attention(same, same, value, window=2)
    array([[1. ],
           [1.5],
           [3. ],
           [6. ]])
    """
    query, key, value = read(PLAIN, query=query, key=key, value=value)
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    n_q = query.shape[-2]
    window = check_integer("window", window, least=1)
    check_flag("causal", causal)
    scale = read_scale(scale, query)

    output = np.empty((*leading, n_q, value.shape[-1]), query.dtype)
    # A block of `window` queries computes twice the scores it needs; a shorter one
    # spends its time on Python, a longer one on scores that are thrown away.
    block = min(max(window, 64), 512)
    for top in range(0, n_q, block):
        rows = slice(top, min(top + block, n_q))
        first = max(0, top - window + 1)
        keys = slice(first, rows.stop if causal else rows.stop + window - 1)
        shown = sliding_window_mask(
            rows.stop - top,
            key[..., keys, :].shape[-2],
            window=window,
            causal=causal,
            offset=top - first,
        )
        output[..., rows, :] = scaled_dot_product_attention(
            query[..., rows, :],
            key[..., keys, :],
            value[..., keys, :],
            shown,
            scale=scale,
        )
    return output


@underflow_is_zero
def linear_attention(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, *, is_causal: bool = False
) -> Floats:
    """Attend without a softmax, in time and memory that grow with n and not with n².

    The weights are φ(q)·φ(k) / Σ φ(q)·φ(k) with the positive features φ(x) = elu(x) + 1
    in place of exp(q·k). So (φ(Q)φ(K)ᵀ)V may be read φ(Q)(φ(K)ᵀV): keys and values
    shrink to one matrix d_k × d_v first. It is not softmax attention, and not as sharp.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k).
    - `value`: shape (..., n_k, d_v). The leading axes of the three broadcast.
    - `is_causal`: whether query i sees the keys j ≤ i alone. The matrix is then a
      running sum, a recurrent state that each position adds to.

    Returns the output, shape (..., n_q, d_v); zeros if n_k = 0, or where all features
    of a query are so small that they round to 0. The dtype is the common one of query,
    key and value: float32 and float64 are kept, float16 becomes float32,
    integers float64.

    Source: Katharopoulos et al., "Transformers are RNNs", 2020, sections 3.2 and,
    causal, 3.3.

    >>> same = np.zeros((3, 2))  # equal features: the mean of the values seen
    >>> linear_attention(same, same, [[1.0], [2.0], [6.0]])
    array([[3.],
           [3.],
           [3.]])
    >>> linear_attention(same, same, [[1.0], [2.0], [6.0]], is_causal=True)
    array([[1. ],
           [1.5],
           [3. ]])
    """
    query, key, value = read(PLAIN, query=query, key=key, value=value)
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    check_flag("is_causal", is_causal)
    d_v = value.shape[-1]
    # A last value of 1 is summed like the others, into what the output is divided by.
    value = np.concatenate([value, np.ones_like(value[..., :1])], axis=-1)
    query, key = _features(query), _features(key)
    if is_causal:
        sums = _causal_sums(query, key, value, leading)
    else:
        sums = query @ (key.mT @ value)
    total = sums[..., d_v:]
    output = sums[..., :d_v] / np.where(total == 0, 1, total)
    return output


class KVCache:
    """The keys and values of the positions so far, so that none is computed twice.

    When a sequence is decoded position by position, the keys and values of the past
    stay what they are. The cache keeps them, and each step projects and attends with
    the new positions alone: n·d work a step instead of n²·d. Queries are not kept, for
    no later position asks for them.

    `append` takes the new keys and values and returns all of them. `len(cache)` is how
    many positions are kept, `nbytes` how many bytes they take.

    Source: Shazeer, "Fast transformer decoding: one write-head is all you need", 2019,
    section 2.4.

    >>> rng = np.random.default_rng(0)
    >>> query, key, value = rng.standard_normal((3, 5, 4))
    >>> cache, steps = KVCache(), []
    >>> for i in range(5):
    ...     keys, values = cache.append(key[i : i + 1], value[i : i + 1])
    ...     steps.append(scaled_dot_product_attention(query[i : i + 1], keys, values))
    >>> at_once = scaled_dot_product_attention(query, key, value, is_causal=True)
    >>> np.allclose(np.concatenate(steps), at_once)
    True
    >>> len(cache), cache.nbytes  # 5 positions, 4 + 4 numbers each, 8 bytes a number
    (5, 320)
    """

    def __init__(self) -> None:
        self._length = 0
        self._key: Floats | None = None
        self._value: Floats | None = None

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """Bytes that the kept keys and values take, without the room kept for more."""
        if self._key is None:
            return 0
        kept = (x[..., : self._length, :] for x in (self._key, self._value))
        return sum(x.nbytes for x in kept)

    def append(self, key: ArrayLike, value: ArrayLike) -> tuple[Floats, Floats]:
        """Keep the keys and values of the next positions; return all kept so far.

        - `key`: shape (..., n_new, d_k).
        - `value`: shape (..., n_new, d_v), the leading axes as those of `key`.

        The first call sets the leading axes, d_k, d_v and the dtypes, and later ones
        must agree. To attend with more than one new position at once, hide the later of
        them with `causal_mask(n_new, len(cache), offset=len(cache) - n_new)`.

        Returns the pair (keys, values), shapes (..., n, d_k) and (..., n, d_v), as
        read-only views that later calls do not change. Room doubles when it runs out,
        so that n positions cost time in proportion to n. After an error the cache is as
        it was.

        >>> cache = KVCache()
        >>> keys, values = cache.append(np.zeros((2, 3)), np.ones((2, 5)))
        >>> keys, values = cache.append(np.zeros((1, 3)), np.ones((1, 5)))
        >>> keys.shape, values.shape
        ((3, 3), (3, 5))
        """
        (key,), (value,) = read("... n d_k", key=key), read("... n d_v", value=value)
        check_shape("value", value, (*key.shape[:-1], value.shape[-1]))
        if self._key is None:
            self._key, self._value = _room(key, 0), _room(value, 0)
        _check_agrees("key", key, self._key)
        _check_agrees("value", value, self._value)
        stop = self._length + key.shape[-2]
        if stop > self._key.shape[-2]:
            self._key = self._grown(self._key, stop)
            self._value = self._grown(self._value, stop)
        self._key[..., self._length : stop, :] = key
        self._value[..., self._length : stop, :] = value
        self._length = stop
        kept = self._key[..., :stop, :], self._value[..., :stop, :]
        for view in kept:
            view.flags.writeable = False
        return kept

    def _grown(self, old: Floats, needed: int) -> Floats:
        """Return twice the room, or what is needed, with the kept positions in it."""
        new = _room(old, max(needed, 2 * old.shape[-2]))
        new[..., : self._length, :] = old[..., : self._length, :]
        return new


def _features(x: Floats) -> Floats:
    """Return elu(x) + 1: x + 1 above 0 and exp(x) below."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def _causal_sums(
    query: Floats, key: Floats, value: Floats, leading: tuple[int, ...]
) -> Floats:
    """Sum the values that each query may see, weighted by the product of features.

    A block of positions meets the past as one matrix, and itself score by score.
    """
    n_q, block = query.shape[-2], 64
    sums = np.empty((*leading, n_q, value.shape[-1]), query.dtype)
    state = np.zeros((key.shape[-1], value.shape[-1]), query.dtype)
    for top in range(0, n_q, block):
        here = slice(top, top + block)
        q, k, v = (x[..., here, :] for x in (query, key, value))
        # A last block may have fewer keys than queries, or none.
        visible = causal_mask(q.shape[-2], k.shape[-2])
        scores = (q @ k.mT) * visible
        sums[..., here, :] = q @ state + scores @ v
        state = state + k.mT @ v
    return sums


def _room(like: Floats, n: int) -> Floats:
    """Return room for n positions of the same leading axes, size and dtype."""
    return np.empty((*like.shape[:-2], n, like.shape[-1]), like.dtype)


def _check_agrees(name: str, new: Floats, kept: Floats) -> None:
    """Check that new positions have the shape and the dtype of those kept."""
    check_shape(name, new, (*kept.shape[:-2], new.shape[-2], kept.shape[-1]))
    if new.dtype != kept.dtype:
        raise TypeError(
            f"`{name}` must have the dtype of the positions already kept, "
            f"{kept.dtype}; got {new.dtype}"
        )
