"""Attention in several heads at once, of a sequence to itself or to another."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from course_utils.attention import (
    scaled_dot_product_attention,
    scaled_dot_product_attention_vjp,
)
from course_utils.layers import linear_vjp
from course_utils.validation import (
    Back,
    Floats,
    as_array,
    check_divides,
    check_integer,
    check_shape,
    read,
)

Parameters = Mapping[str, ArrayLike]
INPUTS = ("query", "key", "value")
PROJECTIONS = (*INPUTS, "out")
MATRICES = tuple(f"w_{name}" for name in PROJECTIONS)


def multi_head_attention_vjp(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    parameters: Parameters,
    *,
    num_heads: int,
    num_kv_heads: int | None = None,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
) -> tuple[Floats, Back]:
    """Project, split into heads, attend in each, merge, project once more; and back.

        headᵢ = attention(query·W_qᵢ, key·W_kᵢ, value·W_vᵢ)
        output = concat(head₁ … head_h)·W_o

    The way back is the same way backwards: each step sends on what it was sent.

    - `parameters`: the matrices "w_query", "w_key", "w_value" and "w_out" and any of
      the biases "b_query", "b_key", "b_value" and "b_out", by name.
    - all others: as in `multi_head_attention`.

    Returns the output and `back`, which takes d_output and returns (d_query, d_key,
    d_value, d_parameters), and d_attn_mask as a fifth if the mask holds floats.
    d_parameters has the names of `parameters`. If a sequence attends to itself, query,
    key and value are one x, and d_x is the sum of their three gradients.

    >>> x, parameters = np.eye(3, 4), dict.fromkeys(MATRICES, np.eye(4))
    >>> output, back = multi_head_attention_vjp(x, x, x, parameters, num_heads=2)
    >>> d_query, d_key, d_value, d_parameters = back(np.ones((3, 4)))
    >>> d_x = d_query + d_key + d_value
    >>> d_x.shape, list(d_parameters)
    ((3, 4), ['w_query', 'w_key', 'w_value', 'w_out'])
    """
    inputs = {"query": query, "key": key, "value": value}
    x, heads = _read(inputs, parameters, num_heads, num_kv_heads, attn_mask)
    parts, backs = {}, {}
    for name in INPUTS:
        projected, backs[name] = linear_vjp(x[name], x[f"w_{name}"], x[f"b_{name}"])
        parts[name] = split_heads(projected, heads[name])
    attended, attention_back = scaled_dot_product_attention_vjp(
        **parts, attn_mask=attn_mask, is_causal=is_causal, enable_gqa=True
    )
    output, backs["out"] = linear_vjp(merge_heads(attended), x["w_out"], x["b_out"])

    def back(d_output: Floats) -> tuple:
        gradients = {}

        def project_back(name: str, d_projected: Floats) -> Floats:
            d_x, *d_own = backs[name](d_projected)
            gradients.update(zip((f"w_{name}", f"b_{name}"), d_own, strict=False))
            return d_x

        d_attended = split_heads(project_back("out", d_output), num_heads)
        d_parts = attention_back(d_attended)
        d_inputs = [
            project_back(name, merge_heads(d_part))
            for name, d_part in zip(INPUTS, d_parts, strict=False)
        ]
        d_mask = d_parts[3:]  # there is none unless the mask is floating
        return *d_inputs, {name: gradients[name] for name in parameters}, *d_mask

    return output, back


def multi_head_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    w_query: ArrayLike,
    w_key: ArrayLike,
    w_value: ArrayLike,
    w_out: ArrayLike,
    *,
    num_heads: int,
    num_kv_heads: int | None = None,
    b_query: ArrayLike | None = None,
    b_key: ArrayLike | None = None,
    b_value: ArrayLike | None = None,
    b_out: ArrayLike | None = None,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
    return_weights: bool = False,
) -> Floats | tuple[Floats, Floats]:
    """Project, split into heads, attend in each, merge, and project once more.

    headᵢ = attention(Q·W_qᵢ, K·W_kᵢ, V·W_vᵢ), output = concat(head₁ … head_h)·W_o.
    A sequence x attends to itself with query = key = value = x; a decoder attends to an
    encoder's sequence with query = x and key = value = memory.

    - `query`: shape (..., n_q, d_query): who asks.
    - `key`: shape (..., n_k, d_key): who is asked.
    - `value`: shape (..., n_k, d_value): what they answer. Leading axes broadcast.
    - `w_query`: shape (d_query, num_heads·d_k). Vectors are rows: query @ w_query.
    - `w_key`: shape (d_key, num_kv_heads·d_k).
    - `w_value`: shape (d_value, num_kv_heads·d_v).
    - `w_out`: shape (num_heads·d_v, d_out).
    - `num_heads`: number of query heads, h.
    - `num_kv_heads`: number of key–value heads, a divisor of `num_heads`, each shared
      by num_heads / num_kv_heads query heads: 1 is multi-query, more is grouped-query
      attention; `num_heads` if None.
    - `b_query`, `b_key`, `b_value`, `b_out`: what to add after each projection, one
      number a column of its matrix; nothing if None.
    - `attn_mask`: as in `scaled_dot_product_attention`, True = may attend: shape
      (n_q, n_k) for all, or (..., h or 1, n_q, n_k) with as many axes as the weights.
    - `is_causal`: whether query i sees the keys j ≤ i alone.
    - `return_weights`: whether to return the weights too.

    Returns the output, shape (..., n_q, d_out), or the pair (output, weights) with
    weights of shape (..., num_heads, n_q, n_k), in the common dtype of the arrays other
    than the mask (float64 for integers).

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2; one
    key–value head: Shazeer, "Fast transformer decoding", 2019; groups: Ainslie et al.,
    "GQA", 2023.

    >>> x = np.eye(3, 4)  # three tokens, d_model = 4
    >>> same = np.eye(4)
    >>> output, weights = multi_head_attention(
    ...     x, x, x, same, same, same, same, num_heads=2, return_weights=True
    ... )
    >>> output.shape, weights.shape
    ((3, 4), (2, 3, 3))
    >>> weights[0, 2].round(2)  # head 0 sees two columns, which are 0 in token 2
    array([0.33, 0.33, 0.33])
    """
    inputs = {"query": query, "key": key, "value": value}
    matrices = {"w_query": w_query, "w_key": w_key, "w_value": w_value, "w_out": w_out}
    biases = {"b_query": b_query, "b_key": b_key, "b_value": b_value, "b_out": b_out}
    x, heads = _read(inputs, matrices | biases, num_heads, num_kv_heads, attn_mask)

    def project(name: str, vectors: Floats) -> Floats:
        return linear_vjp(vectors, x[f"w_{name}"], x[f"b_{name}"])[0]

    attended = scaled_dot_product_attention(
        *(split_heads(project(name, x[name]), heads[name]) for name in INPUTS),
        attn_mask,
        is_causal=is_causal,
        enable_gqa=True,
        return_weights=return_weights,
    )
    if not return_weights:
        return project("out", merge_heads(attended))
    attended, weights = attended
    return project("out", merge_heads(attended)), weights


def split_heads(x: ArrayLike, num_heads: int) -> Floats:
    """Cut each vector into one piece a head: (..., n, d) -> (..., num_heads, n, d/h).

    Head i gets columns i·d/h to (i+1)·d/h. `merge_heads` is the exact inverse.

    - `x`: shape (..., n, d_model).
    - `num_heads`: h, at least 1, a divisor of d_model.

    Returns an array of shape (..., num_heads, n, d_model / num_heads) and the dtype of
    `x` (float64 for integers). It may share memory with `x`.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    >>> split_heads([[1, 2, 3, 4], [5, 6, 7, 8]], num_heads=2)
    array([[[1., 2.],
            [5., 6.]],
    <BLANKLINE>
           [[3., 4.],
            [7., 8.]]])
    """
    (x,) = read("... n d_model", x=x)
    *leading, n, d_model = x.shape
    num_heads = check_divides("num_heads", num_heads, "d_model", d_model)
    pieces = x.reshape(*leading, n, num_heads, d_model // num_heads)
    return pieces.swapaxes(-2, -3)


def merge_heads(x: ArrayLike) -> Floats:
    """Join the pieces of all heads again: (..., h, n, d/h) -> (..., n, d).

    - `x`: shape (..., num_heads, n, d_head).

    Returns an array of shape (..., n, num_heads·d_head) and the dtype of `x` (float64
    for integers). It may share memory with `x`.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2 ("Concat").

    >>> merge_heads([[[1, 2], [5, 6]], [[3, 4], [7, 8]]])
    array([[1., 2., 3., 4.],
           [5., 6., 7., 8.]])
    """
    (x,) = read("... num_heads n d_head", x=x)
    *leading, num_heads, n, d_head = x.shape
    return x.swapaxes(-2, -3).reshape(*leading, n, num_heads * d_head)


# The axes of the inputs, matrices and biases, as `read` checks them.
PATTERN = (
    "... n_q d_query, ... n_k d_key, ... n_k d_value, "
    "models... d_query h·d_k, models... d_key h_kv·d_k, models... d_value h_kv·d_v, "
    "models... h·d_v d_out, "
    "[models... h·d_k], [models... h_kv·d_k], [models... h_kv·d_v], [models... d_out]"
)


def _read(
    inputs: Mapping[str, ArrayLike],
    parameters: Parameters,
    num_heads: int,
    num_kv_heads: int | None,
    attn_mask: ArrayLike | None,
) -> tuple[dict[str, Floats | None], dict[str, int]]:
    """Return the arrays by name, and the heads of each input, once they fit."""
    heads = read_heads(num_heads, num_kv_heads)
    named = [f"{letter}_{name}" for letter in "wb" for name in PROJECTIONS]
    if not set(MATRICES) <= set(parameters) <= set(named):
        raise ValueError(
            f"`parameters` must have {', '.join(MATRICES)}, and may have "
            f"{', '.join(named[4:])}; got {sorted(parameters)}"
        )
    arrays = dict(inputs) | {name: parameters.get(name) for name in named}
    x = dict(zip(arrays, read(PATTERN, **arrays), strict=True))
    d_k, d_v = (max(1, x[f"w_{y}"].shape[-1] // heads[y]) for y in ("query", "value"))
    for name, size in {"query": d_k, "key": d_k, "value": d_v}.items():
        w = x[f"w_{name}"]
        check_shape(f"w_{name}", w, (*w.shape[:-1], heads[name] * size))
    *models, _, d_out = x["w_out"].shape
    check_shape("w_out", x["w_out"], (*models, num_heads * d_v, d_out))
    axes = max(x[name].ndim for name in INPUTS) + 1
    mask = np.ndim(as_array("attn_mask", attn_mask))
    if 2 < mask < axes:  # one of its axes could be taken for that of the heads
        raise ValueError(
            f"`attn_mask` must have 2 axes, (n_q, n_k), or all {axes} of the weights, "
            f"(..., num_heads or 1, n_q, n_k); got shape {np.shape(attn_mask)}"
        )
    return x, heads


def read_heads(num_heads: int, num_kv_heads: int | None) -> dict[str, int]:
    """Return the number of heads of each input; that of key and value divides."""
    num_heads = check_integer("num_heads", num_heads, least=1)
    if num_kv_heads is None:
        return dict.fromkeys(INPUTS, num_heads)
    shared = check_divides("num_kv_heads", num_kv_heads, "num_heads", num_heads)
    return {"query": num_heads, "key": shared, "value": shared}
