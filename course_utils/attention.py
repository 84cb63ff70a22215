"""Scaled dot-product attention: every query blends the values by how well keys match.

The conventions are those of `torch.nn.functional.scaled_dot_product_attention` and of
the ONNX operator `Attention`; where these two leave a gap, a row that may see nothing
gives zeros.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._blocked import blocked_attention
from course_utils.masks import causal_mask
from course_utils.softmax import softmax
from course_utils.validation import (
    as_array,
    as_float,
    as_floats,
    broadcast_leading,
    check_axes,
    check_broadcasts_to,
    check_flag,
    check_integer,
    check_number,
    check_positive,
    check_same_size,
)

Floats = NDArray[np.floating]


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
    enable_gqa: bool = False,
    return_weights: bool = False,
) -> Floats | tuple[Floats, Floats]:
    """Blend values by how well their keys match each query: softmax(QKᵀ/√d_k)V.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k).
    - `value`: shape (..., n_k, d_v). The leading axes of the three, often
      (batch, num_heads), broadcast together.
    - `attn_mask`: broadcasts to the scores, shape (..., n_q, n_k). Booleans: True = may
      attend. Floats are added to the scores, and −inf hides.
    - `is_causal`: whether query i sees the keys j ≤ i alone, on top of `attn_mask`.
      With a cache of earlier keys, pass `causal_mask(n_q, n_k, offset)` as `attn_mask`.
    - `scale`: what the scores are multiplied by; d_k ** -0.5 if None.
    - `softcap`: c > 0 keeps scores within ±c as c·tanh(score / c), after the scale and
      before the mask; None leaves them as they are.
    - `enable_gqa`: grouped heads. `query` has shape (..., h_q, n_q, d_k), `key` and
      `value` have h_kv heads, h_q is a multiple of h_kv, and query head i attends with
      key–value head i // (h_q / h_kv).
    - `return_weights`: whether to return the weights too, which takes memory n_q·n_k.

    Returns the output, shape (..., n_q, d_v), or the pair (output, weights) with
    weights of shape (..., n_q, n_k). A query that may see no key, or has none (n_k
    = 0), gets weights and output of 0. The dtype is the common one of query, key and
    value: float32 and float64 are kept, float16 is computed in float32, integers become
    float64.

    Raises TypeError if an array is not real, the mask neither boolean nor floating, or
    an option of the wrong type, and ValueError if shapes do not fit, `scale` is not
    finite, or `softcap` not above 0.

    Source: Vaswani et al., "Attention is all you need", 2017, equation 1; softcap as in
    Gemma Team, "Gemma 2", 2024, section 2; grouped heads as in Ainslie et al., "GQA",
    2023, section 2.2.

    >>> query = np.array([[1.0, 0.0]])
    >>> key = np.array([[9.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    >>> value = np.array([[10.0], [20.0], [30.0]])
    >>> output, weights = scaled_dot_product_attention(
    ...     query, key, value, return_weights=True
    ... )
    >>> weights.round(3)  # the first and the third key match
    array([[0.5  , 0.001, 0.5  ]])
    >>> output.round(3)  # so the output lies halfway between their values
    array([[20.]])
    >>> scaled_dot_product_attention(query, key, value, is_causal=True)
    array([[10.]])
    """
    (query, key, value), dtype = as_floats(query=query, key=key, value=value)
    check_flag("is_causal", is_causal)
    check_flag("return_weights", return_weights)
    heads = "h, " if check_flag("enable_gqa", enable_gqa) else ""
    check_axes("query", query, f"(..., {heads}n_q, d_k)")
    check_axes("key", key, f"(..., {heads}n_k, d_k)")
    check_axes("value", value, f"(..., {heads}n_k, d_v)")
    check_same_size(-1, "d_k", query=query, key=key)
    check_same_size(-2, "n_k", key=key, value=value)
    if scale is None:
        scale = default_scale(query)
    else:
        scale = check_number("scale", scale, query.dtype)
    if softcap is not None:
        softcap = check_positive("softcap", softcap, query.dtype)

    if enable_gqa:
        _check_groups(query, key, value)
        leading = broadcast_leading(3, query=query, key=key, value=value)
        shape = (*leading, query.shape[-3], query.shape[-2], key.shape[-2])
    else:
        leading = broadcast_leading(query=query, key=key, value=value)
        shape = (*leading, query.shape[-2], key.shape[-2])
    output_shape = (*shape[:-1], value.shape[-1])
    mask = None if attn_mask is None else as_mask(attn_mask, shape, query.dtype)
    if enable_gqa:
        h_kv = key.shape[-3]
        query = _split_groups(query, h_kv)
        key, value = np.expand_dims(key, -3), np.expand_dims(value, -3)
        if mask is not None and mask.ndim > 2:
            mask = np.broadcast_to(mask, (*mask.shape[:-3], *shape[-3:]))
            mask = _split_groups(mask, h_kv)

    arguments = (mask, is_causal, scale, softcap)
    if not return_weights:
        output = blocked_attention(query, key, value, *arguments)
        return output.reshape(output_shape).astype(dtype, copy=False)
    weights = attention_weights(query, key, *arguments)
    output = (weights @ value).reshape(output_shape).astype(dtype, copy=False)
    if enable_gqa:
        weights = weights.reshape(*weights.shape[:-4], *shape[-3:])
    return output, weights.astype(dtype, copy=False)


def split_heads(x: ArrayLike, num_heads: int) -> Floats:
    """Cut each vector into one piece a head: (..., n, d) -> (..., num_heads, n, d/h).

    Head i gets columns i·d/h to (i+1)·d/h. `merge_heads` is the exact inverse.

    - `x`: shape (..., n, d_model).
    - `num_heads`: h, at least 1, a divisor of d_model.

    Returns an array of shape (..., num_heads, n, d_model / num_heads) and the dtype of
    `x` (float64 for integers). It may share memory with `x`.

    Raises TypeError if `x` is not real or `num_heads` no integer, and ValueError if `x`
    has fewer than 2 axes or `num_heads` does not divide d_model.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    >>> split_heads([[1, 2, 3, 4], [5, 6, 7, 8]], num_heads=2)
    array([[[1., 2.],
            [5., 6.]],
    <BLANKLINE>
           [[3., 4.],
            [7., 8.]]])
    """
    x = as_float("x", x)
    check_axes("x", x, "(..., n, d_model)")
    num_heads = check_integer("num_heads", num_heads, least=1)
    *leading, n, d_model = x.shape
    if d_model % num_heads:
        raise ValueError(
            f"num_heads needs to divide d_model = {d_model} of x, whose shape is "
            f"{x.shape}; it is {num_heads}"
        )
    pieces = x.reshape(*leading, n, num_heads, d_model // num_heads)
    return pieces.swapaxes(-2, -3)


def merge_heads(x: ArrayLike) -> Floats:
    """Join the pieces of all heads again: (..., h, n, d/h) -> (..., n, d).

    - `x`: shape (..., num_heads, n, d_head).

    Returns an array of shape (..., n, num_heads·d_head) and the dtype of `x` (float64
    for integers). It may share memory with `x`.

    Raises TypeError if `x` is not real, and ValueError if it has fewer than 3 axes.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2 ("Concat").

    >>> merge_heads([[[1, 2], [5, 6]], [[3, 4], [7, 8]]])
    array([[1., 2., 3., 4.],
           [5., 6., 7., 8.]])
    """
    x = as_float("x", x)
    check_axes("x", x, "(..., num_heads, n, d_head)")
    *leading, num_heads, n, d_head = x.shape
    return x.swapaxes(-2, -3).reshape(*leading, n, num_heads * d_head)


def attention_weights(
    query: Floats,
    key: Floats,
    mask: NDArray | None,
    is_causal: bool,
    scale: float,
    softcap: float | None,
) -> Floats:
    """Return the softmax of the scaled, capped and masked scores, (..., n_q, n_k).

    The arguments are those of `scaled_dot_product_attention` once it has checked them:
    arrays of one dtype, float32 or float64, and a mask of booleans or of that dtype.

    >>> attention_weights(np.ones((1, 2)), np.ones((4, 2)), None, False, 1.0, None)
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    # The query is scaled, not the scores: n·d numbers instead of n·n.
    scores = (query * scale) @ key.swapaxes(-1, -2)
    if softcap is not None:
        scores = softcap * np.tanh(scores / softcap)
    if is_causal:
        scores = np.where(causal_mask(*scores.shape[-2:]), scores, -np.inf)
    if mask is not None:
        scores = (
            np.where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + mask
        )
    return softmax(scores)


def default_scale(query: Floats) -> float:
    """Return 1/√d_k as a Python float, which keeps float32 what it is."""
    d_k = query.shape[-1]
    if d_k == 0:
        raise ValueError(f"query needs a d_k of at least 1; its shape is {query.shape}")
    return d_k**-0.5


def _check_groups(query: Floats, key: Floats, value: Floats) -> None:
    """Check that the key–value heads are equally many and divide the query heads."""
    check_same_size(-3, "number of heads h_kv", key=key, value=value)
    h_q, h_kv = query.shape[-3], key.shape[-3]
    if h_kv == 0 or h_q % h_kv:
        raise ValueError(
            f"query needs a number of heads that is a multiple of key's {h_kv} when "
            f"enable_gqa is True; it has {h_q} (shape {query.shape})"
        )


def _split_groups(x: NDArray, h_kv: int) -> NDArray:
    """Split the heads: (..., h_q, n, m) -> (..., h_kv, h_q / h_kv, n, m), as a view."""
    *leading, h_q, n, m = x.shape
    return x.reshape(*leading, h_kv, h_q // h_kv, n, m)


def as_mask(attn_mask: ArrayLike, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
    """Return the mask as booleans, or as floats of the dtype of the scores."""
    mask = as_array("attn_mask", attn_mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(
            "attn_mask needs booleans (True = may attend) or floats (added to the "
            f"scores); its dtype is {mask.dtype}"
        )
    if mask.dtype.kind == "f":
        # What is too low for float32 means −inf there.
        with np.errstate(over="ignore"):
            mask = as_float("attn_mask", mask).astype(dtype, copy=False)
    check_broadcasts_to("attn_mask", mask, shape)
    return mask
