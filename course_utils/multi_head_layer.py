"""Multi-head attention that holds its own matrices, as a layer of a model does."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from course_utils.layers import glorot_uniform
from course_utils.multi_head import PROJECTIONS, multi_head_attention, read_heads
from course_utils.validation import (
    Floats,
    as_float,
    check_divides,
    check_integer,
    check_rng,
    check_shape,
)


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
        heads = read_heads(num_heads, num_kv_heads)
        self.num_heads = check_divides("num_heads", num_heads, "d_model", d_model)
        self.num_kv_heads = heads["key"]
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
            raise ValueError("`value` must come with its `key`; got a value alone")
        key = query if key is None else key
        return multi_head_attention(
            query,
            key,
            key if value is None else value,
            **{
                f"{x}_{name}": getattr(self, f"{x}_{name}")
                for name in PROJECTIONS
                for x in "wb"
            },
            num_heads=self.num_heads,
            num_kv_heads=self.num_kv_heads,
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
                f"`state` has a key and a value for each head: num_kv_heads must be "
                f"num_heads = {self.num_heads}; got {self.num_kv_heads}"
            )
        for name, array in loaded.items():
            setattr(self, name, array)


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
        raise TypeError(f"`state` must map names to arrays; got {type(state)}")
    separate = [f"{letter}_proj_weight" for letter in "qkv"]
    inward = separate if "q_proj_weight" in state else ["in_proj_weight"]
    matrices, biases = [*inward, "out_proj.weight"], ["in_proj_bias", "out_proj.bias"]
    if set(state) not in (set(matrices), {*matrices, *biases}):
        raise ValueError(
            f"`state` must have the names {matrices}, with or without {biases}; got "
            f"{sorted(state)}"
        )
    arrays = {name: as_float(f"state[{name!r}]", x) for name, x in state.items()}
    for name, array in arrays.items():
        rows = 3 * d_model if name.startswith("in_") else d_model
        columns = () if name in biases else (d_model,)
        if name in ("k_proj_weight", "v_proj_weight"):
            columns = array.shape[-1:]  # any kdim and vdim will do
        check_shape(f"state[{name!r}]", array, (rows, *columns))
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
