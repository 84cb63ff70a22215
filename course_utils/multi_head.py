"""Attention in several heads at once, of a sequence to itself or to another."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.attention import (
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from course_utils.training import glorot_uniform
from course_utils.validation import (
    as_array,
    as_float,
    as_floats,
    broadcast_leading,
    check_axes,
    check_integer,
    check_rng,
    check_same_size,
    check_shape,
)

Floats = NDArray[np.floating]
PROJECTIONS = ("query", "key", "value", "out")


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

    Raises TypeError if an array is not real or an option of the wrong type, and
    ValueError if shapes do not fit.

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
    num_heads, num_kv_heads = check_heads(num_heads, num_kv_heads)
    inputs = {"query": query, "key": key, "value": value}
    matrices = {"w_query": w_query, "w_key": w_key, "w_value": w_value, "w_out": w_out}
    biases = {"b_query": b_query, "b_key": b_key, "b_value": b_value, "b_out": b_out}
    biases = {name: b for name, b in biases.items() if b is not None}
    floats, dtype = as_floats(**inputs, **matrices, **biases)
    arrays = dict(zip([*inputs, *matrices, *biases], floats, strict=True))
    check_projections(arrays, num_heads, num_kv_heads)

    query, key, value = (
        split_heads(project(arrays, name, arrays[name]), heads)
        for name, heads in (
            ("query", num_heads),
            ("key", num_kv_heads),
            ("value", num_kv_heads),
        )
    )
    if attn_mask is not None:
        axes = max(query.ndim, key.ndim, value.ndim)
        check_mask_axes(attn_mask, axes)
    attended = scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask,
        is_causal=is_causal,
        enable_gqa=True,
        return_weights=return_weights,
    )
    heads, weights = attended if return_weights else (attended, None)
    output = project(arrays, "out", merge_heads(heads)).astype(dtype, copy=False)
    if weights is None:
        return output
    return output, weights.astype(dtype, copy=False)


class MultiHeadAttention:
    """Multi-head attention that holds its own matrices.

    - `rng`: the generator that draws the matrices, uniformly within
      ±√(6 / (rows + columns)); biases start at 0.
    - `d_model`: size of the vectors that come in and go out.
    - `num_heads`: number of query heads, a divisor of `d_model`.
    - `num_kv_heads`: number of key–value heads, a divisor of `num_heads`, which is what
      None means.

    The attributes `w_query`, `w_key`, `w_value`, `w_out` and `b_query`, `b_key`,
    `b_value`, `b_out` are those of `multi_head_attention`, in float64; training may
    change them.

    Raises TypeError if `rng` is no generator or a size no integer, and ValueError if a
    size is below 1 or does not divide as it should.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.2.2; the
    matrices are drawn as in Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", 2010, equation 16.

    >>> rng = np.random.default_rng(0)
    >>> attention = MultiHeadAttention(rng, d_model=8, num_heads=2)
    >>> x, memory = rng.normal(size=(5, 8)), rng.normal(size=(3, 8))
    >>> attention(x, is_causal=True).shape  # x attends to itself
    (5, 8)
    >>> attention(x, memory).shape  # x attends to memory
    (5, 8)
    """

    def __init__(
        self,
        rng: np.random.Generator,
        d_model: int,
        num_heads: int,
        num_kv_heads: int | None = None,
    ) -> None:
        check_rng("rng", rng)
        self.d_model = check_integer("d_model", d_model, least=1)
        self.num_heads, self.num_kv_heads = check_heads(num_heads, num_kv_heads)
        if self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads needs to divide d_model = {d_model}; it is {num_heads}"
            )
        d_kv = self.d_model // self.num_heads * self.num_kv_heads
        self.w_query, self.b_query = _draw_projection(rng, d_model, d_model)
        self.w_key, self.b_key = _draw_projection(rng, d_model, d_kv)
        self.w_value, self.b_value = _draw_projection(rng, d_model, d_kv)
        self.w_out, self.b_out = _draw_projection(rng, d_model, d_model)

    def __call__(
        self,
        query: ArrayLike,
        key: ArrayLike | None = None,
        value: ArrayLike | None = None,
        attn_mask: ArrayLike | None = None,
        *,
        is_causal: bool = False,
        return_weights: bool = False,
    ) -> Floats | tuple[Floats, Floats]:
        """Attend from `query` to `key` and `value`, or to itself without a `key`.

        - `query`: shape (..., n_q, d_model).
        - `key`: shape (..., n_k, d_model); the query if None: self-attention.
        - `value`: shape (..., n_k, d_model); the key if None.
        - `attn_mask`, `is_causal`, `return_weights`: as in `multi_head_attention`.

        Returns and raises what `multi_head_attention` does; a `value` without a `key`
        is a ValueError.

        >>> attention = MultiHeadAttention(np.random.default_rng(0), 4, 2)
        >>> output, weights = attention(np.eye(3, 4), return_weights=True)
        >>> weights.sum(axis=-1).round(6)  # two heads, three queries
        array([[1., 1., 1.],
               [1., 1., 1.]])
        """
        if key is None and value is not None:
            raise ValueError("key is None, but value is not; a value needs its key")
        key = query if key is None else key
        return multi_head_attention(
            query,
            key,
            key if value is None else value,
            self.w_query,
            self.w_key,
            self.w_value,
            self.w_out,
            num_heads=self.num_heads,
            num_kv_heads=self.num_kv_heads,
            b_query=self.b_query,
            b_key=self.b_key,
            b_value=self.b_value,
            b_out=self.b_out,
            attn_mask=attn_mask,
            is_causal=is_causal,
            return_weights=return_weights,
        )

    def load_torch_state(self, state: Mapping[str, ArrayLike]) -> None:
        """Take over the parameters of a `torch.nn.MultiheadAttention`.

        Afterwards both give the same output for the same vectors, batch first. Mind the
        masks: there True hides, here True = may attend.

        - `state`: what its `state_dict()` returns, of a module with this `d_model`
          (its embed_dim) and `num_heads`; kdim, vdim and bias=False are fine, while
          add_bias_kv=True is not. Arrays are copied and keep their dtype.

        Raises TypeError if `state` is no mapping or an array is not real, and
        ValueError if a name is missing or unknown, a shape does not fit, or there are
        fewer key–value heads than query heads.

        >>> attention = MultiHeadAttention(np.random.default_rng(0), 2, 1)
        >>> same = np.eye(2)
        >>> attention.load_torch_state(
        ...     {"in_proj_weight": np.vstack([same] * 3), "out_proj.weight": 10 * same}
        ... )
        >>> attention([[1.0, 0.0]])
        array([[10.,  0.]])
        """
        loaded = _read_torch_state(state, self.d_model)
        if self.num_kv_heads != self.num_heads:
            raise ValueError(
                f"state needs as many key-value heads as query heads: num_heads is "
                f"{self.num_heads}, num_kv_heads is {self.num_kv_heads}"
            )
        for name, array in loaded.items():
            setattr(self, name, array)


def check_heads(num_heads: int, num_kv_heads: int | None) -> tuple[int, int]:
    """Return both numbers of heads, of which the second divides the first."""
    num_heads = check_integer("num_heads", num_heads, least=1)
    if num_kv_heads is None:
        return num_heads, num_heads
    num_kv_heads = check_integer("num_kv_heads", num_kv_heads, least=1)
    if num_heads % num_kv_heads:
        raise ValueError(
            f"num_kv_heads needs to divide num_heads = {num_heads}; it is "
            f"{num_kv_heads}"
        )
    return num_heads, num_kv_heads


def check_projections(
    arrays: Mapping[str, Floats], num_heads: int, num_kv_heads: int
) -> None:
    """Check that vectors, matrices and biases fit each other and the heads."""
    query, key, value = arrays["query"], arrays["key"], arrays["value"]
    check_axes("query", query, "(..., n_q, d_query)")
    check_axes("key", key, "(..., n_k, d_key)")
    check_axes("value", value, "(..., n_k, d_value)")
    check_same_size(-2, "n_k", key=key, value=value)
    broadcast_leading(query=query, key=key, value=value)
    d_k = _check_matrix("w_query", arrays["w_query"], "query", query, num_heads)
    needed = (key.shape[-1], num_kv_heads * d_k)
    why = f"(d_key of key {key.shape}, num_kv_heads times d_k of w_query)"
    check_shape("w_key", arrays["w_key"], needed, why)
    d_v = _check_matrix("w_value", arrays["w_value"], "value", value, num_kv_heads)
    check_axes("w_out", arrays["w_out"], "(num_heads times d_v, d_out)")
    needed = (num_heads * d_v, arrays["w_out"].shape[1])
    why = "(num_heads times d_v of w_value, d_out)"
    check_shape("w_out", arrays["w_out"], needed, why)
    for name in PROJECTIONS:
        if f"b_{name}" in arrays:
            needed = arrays[f"w_{name}"].shape[1:]
            why = f"one number a column of w_{name}"
            check_shape(f"b_{name}", arrays[f"b_{name}"], needed, why)


def _check_matrix(name: str, w: Floats, x_name: str, x: Floats, heads: int) -> int:
    """Check that `w` projects `x` to vectors for so many heads; return their size."""
    check_axes(name, w, f"(d_{x_name}, heads times size)")
    rows, columns = w.shape
    if rows != x.shape[-1] or columns == 0 or columns % heads:
        raise ValueError(
            f"{name} needs {x.shape[-1]} rows (d_{x_name} of {x_name}, whose shape is "
            f"{x.shape}) and columns for {heads} heads (a multiple of that); its shape "
            f"is {w.shape}"
        )
    return columns // heads


def check_mask_axes(attn_mask: ArrayLike, axes: int) -> None:
    """Check that no axis of the mask can be taken for the axis of the heads."""
    mask = as_array("attn_mask", attn_mask)
    if 2 < mask.ndim < axes:
        raise ValueError(
            f"attn_mask needs 2 axes, (n_q, n_k), or all {axes} of the weights, "
            f"(..., num_heads or 1, n_q, n_k); its shape is {mask.shape}"
        )


def project(arrays: Mapping[str, Floats], name: str, x: Floats) -> Floats:
    """Return x @ w_name + b_name, without the bias if there is none."""
    projected = x @ arrays[f"w_{name}"]
    bias = arrays.get(f"b_{name}")
    return projected if bias is None else projected + bias


def _draw_projection(
    rng: np.random.Generator, rows: int, columns: int
) -> tuple[Floats, Floats]:
    """Return a matrix drawn as Glorot and Bengio do, and a bias of zeros."""
    matrix = glorot_uniform(rng, rows, columns, dtype=np.float64)
    return matrix, np.zeros(columns)


def _read_torch_state(
    state: Mapping[str, ArrayLike], d_model: int
) -> dict[str, Floats | None]:
    """Return the attributes that the state stands for: matrices transposed, copied."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state needs to map names to arrays; it is {type(state)}")
    separate = [f"{letter}_proj_weight" for letter in "qkv"]
    inward = separate if "q_proj_weight" in state else ["in_proj_weight"]
    matrices, biases = [*inward, "out_proj.weight"], ["in_proj_bias", "out_proj.bias"]
    if set(state) not in (set(matrices), {*matrices, *biases}):
        raise ValueError(
            f"state needs the names {matrices}, with or without {biases}; it has "
            f"{sorted(state)}"
        )
    arrays = {name: as_float(f"state[{name!r}]", x) for name, x in state.items()}
    for name, array in arrays.items():
        rows = 3 * d_model if name.startswith("in_") else d_model
        columns = () if name in biases else (d_model,)
        if name in ("k_proj_weight", "v_proj_weight"):
            columns = array.shape[-1:]  # any kdim and vdim will do
        why = f"with d_model = {d_model}"
        check_shape(f"state[{name!r}]", array, (rows, *columns), why)
    if inward is separate:
        weights = [arrays[name] for name in separate]
    else:
        weights = np.split(arrays["in_proj_weight"], 3)
    weights.append(arrays["out_proj.weight"])
    loaded = {f"w_{p}": w.T.copy() for p, w in zip(PROJECTIONS, weights, strict=True)}
    if "in_proj_bias" not in arrays:
        return loaded | {f"b_{p}": None for p in PROJECTIONS}
    shifts = [*np.split(arrays["in_proj_bias"], 3), arrays["out_proj.bias"]]
    return loaded | {
        f"b_{p}": b.copy() for p, b in zip(PROJECTIONS, shifts, strict=True)
    }
