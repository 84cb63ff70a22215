"""How attention learns where things stand: five ways to tell positions apart.

Sinusoidal and learned positions are added to the embeddings, rotary ones turn queries
and keys, and the relative and linear biases are added to the scores, as a float
`attn_mask`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.masks import behind
from course_utils.validation import (
    Back,
    Floats,
    as_float,
    check_broadcasts_to,
    check_integer,
    check_positive,
    check_rng,
    read,
)


def sinusoidal_positions(n: int, d_model: int, base: float = 10000.0) -> Floats:
    """Give each position a row of sines and cosines, to be added to its embedding.

    PE(p, 2i) = sin(p / base^(2i/d_model)) and PE(p, 2i+1) = cos of the same angle. The
    first pair turns by one radian a position, the later ones ever more slowly. A shift
    by k positions is one rotation of each pair, the same wherever it starts.

    - `n`: number of positions.
    - `d_model`: even size of a row.
    - `base`: above 0; sets the longest wavelength, nearly 2π·base positions.

    Returns a float64 array of shape (n, d_model). For float32 embeddings, convert it
    with `.astype(np.float32)`.

    Source: Vaswani et al., "Attention is all you need", 2017, section 3.5.

    >>> sinusoidal_positions(3, 4).round(3)
    array([[ 0.   ,  1.   ,  0.   ,  1.   ],
           [ 0.841,  0.54 ,  0.01 ,  1.   ],
           [ 0.909, -0.416,  0.02 ,  1.   ]])
    """
    n = check_integer("n", n, least=0)
    d_model = check_integer("d_model", d_model, least=2)
    if d_model % 2:
        raise ValueError(f"`d_model` must be even; got {d_model}")
    angles = np.arange(n)[:, None] * _frequencies(d_model, base)
    rows = np.empty((n, d_model))
    rows[:, 0::2] = np.sin(angles)
    rows[:, 1::2] = np.cos(angles)
    return rows


def learned_positions(
    rng: np.random.Generator, n: int, d_model: int, std: float = 0.02
) -> Floats:
    """Draw the table of positions that training then changes: one row a position.

    Row p is added to the embedding at position p. Positions from `n` on have no row,
    so that a model of learned positions reads no sequence longer than it was built for.

    - `rng`: the generator to draw from.
    - `n`: number of positions.
    - `d_model`: size of a row.
    - `std`: standard deviation of the normal draws, above 0.

    Returns a float64 array of shape (n, d_model).

    Source: Gehring et al., "Convolutional sequence to sequence learning", 2017, section
    3.1; for the standard deviation the released code of BERT (Devlin et al., 2019),
    which draws from a normal distribution cut off at two of them.

    >>> table = learned_positions(np.random.default_rng(0), n=3, d_model=4)
    >>> embeddings = np.zeros((2, 3, 4))  # two sequences of three tokens
    >>> (embeddings + table).shape
    (2, 3, 4)
    """
    rng = check_rng("rng", rng)
    n = check_integer("n", n, least=1)
    d_model = check_integer("d_model", d_model, least=1)
    return rng.normal(scale=check_positive("std", std), size=(n, d_model))


def relative_position_bias(
    table: ArrayLike, n_q: int, n_k: int | None = None, offset: int = 0
) -> Floats:
    """Look up what to add to each score by how far the key lies from the query.

    Query i stands at position i + offset; for key j the distance is j − i − offset. The
    table holds one number a distance from −m to m, and distances beyond share its ends.

    - `table`: shape (..., 2m + 1), often (num_heads, 2m + 1); entry m is for distance
      0, the entries before it for keys before the query.
    - `n_q`: number of queries.
    - `n_k`: number of keys; as many as queries if None.
    - `offset`: position of the first query among the keys.

    Returns a bias of shape (..., n_q, n_k) and the dtype of `table` (float64 for
    integers), to be passed as `attn_mask`.

    Source: Shaw, Uszkoreit and Vaswani, "Self-attention with relative position
    representations", 2018, section 3.2, for the clipped distance; Raffel et al.,
    "Exploring the limits of transfer learning" (T5), 2020, section 2.1, for one number
    a head and range of distances.

    >>> relative_position_bias([-1.0, 0.0, 1.0], 3)  # before, here, after
    array([[ 0.,  1.,  1.],
           [-1.,  0.,  1.],
           [-1., -1.,  0.]])
    """
    bias, _ = relative_position_bias_vjp(table, n_q, n_k, offset)
    return bias


def relative_position_bias_vjp(
    table: ArrayLike, n_q: int, n_k: int | None = None, offset: int = 0
) -> tuple[Floats, Back]:
    """Look up `relative_position_bias`, and sum its gradient by distance.

    Takes what `relative_position_bias` takes. Returns the bias and `back`, which takes
    its gradient, (..., n_q, n_k), and returns (d_table,): for each distance the sum
    over all pairs of query and key that lie so far apart.

    >>> bias, back = relative_position_bias_vjp([0.0, 0.0, 0.0], 3)
    >>> back(np.ones((3, 3)))
    (array([3., 3., 3.]),)
    """
    (table,) = read("... distances", table=table)
    size = table.shape[-1]
    if size % 2 == 0:
        raise ValueError(
            "`table` must have an odd number of entries on its last axis, for the "
            f"distances from -m to m; got shape {table.shape}"
        )
    m = size // 2

    def entry(distance: NDArray[np.integer] | int) -> NDArray[np.integer]:
        return np.clip(distance, -m, m) + m

    def back(d_bias: Floats) -> tuple[Floats]:
        rows, columns = d_bias.shape[-2:]
        d_table = np.zeros_like(table)
        for diagonal in range(1 - rows, columns):  # keys that lie equally far away
            total = np.trace(d_bias, diagonal, axis1=-2, axis2=-1)
            d_table[..., entry(diagonal - offset)] += total
        return (d_table,)

    return table[..., entry(-behind(n_q, n_k, offset))], back


def rotary_embedding(
    x: ArrayLike, positions: ArrayLike, base: float = 10000.0
) -> Floats:
    """Turn queries or keys by angles that grow with their position.

    Each pair of neighbours (x₂ᵢ, x₂ᵢ₊₁) is turned by position / base^(2i/d) radians.
    Turn queries and keys, not values: a dot product of turned vectors depends on the
    positions through their difference alone, and lengths stay the same. (Some models
    pair x_i with x_(i + d/2) instead; their weights need their columns reordered.)

    - `x`: shape (..., n, d), d even.
    - `positions`: real numbers that broadcast to (..., n), often `np.arange(n)`; with a
      cache of c earlier keys, `np.arange(c, c + n)`.
    - `base`: above 0; the larger, the slower the later pairs turn.

    Returns an array of the shape and dtype of `x` (float64 for integers).

    Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding",
    2021, equation 34.

    >>> rotary_embedding([[1.0, 0.0], [1.0, 0.0]], [0.0, np.pi / 2]).round(3)
    array([[1., 0.],
           [0., 1.]])
    >>> q = rotary_embedding([[1.0, 2.0]], [7])  # seven positions apart ...
    >>> k = rotary_embedding([[3.0, 1.0]], [0])
    >>> far_q = rotary_embedding([[1.0, 2.0]], [107])
    >>> far_k = rotary_embedding([[3.0, 1.0]], [100])  # ... and again
    >>> bool(np.isclose(q @ k.T, far_q @ far_k.T).item())
    True
    """
    turned, _ = rotary_embedding_vjp(x, positions, base)
    return turned


def rotary_embedding_vjp(
    x: ArrayLike, positions: ArrayLike, base: float = 10000.0
) -> tuple[Floats, Back]:
    """Turn vectors as `rotary_embedding` does, and their gradient the other way.

    Takes what `rotary_embedding` takes. Returns the turned vectors and `back`, which
    takes their gradient and returns (d_x,): a rotation R is orthogonal, so that its way
    back, Rᵀ, is its inverse.

    >>> turned, back = rotary_embedding_vjp([[1.0, 0.0]], positions=[np.pi / 2])
    >>> turned.round(3), back(turned)[0].round(3)
    (array([[0., 1.]]), array([[1., 0.]]))
    """
    (x,) = read("... n d", x=x)
    if x.shape[-1] % 2:
        raise ValueError(f"`x` must have an even d; got shape {x.shape}")
    # Angles in float64: a float32 position of 10⁵ would be off by a hundredth radian.
    turns = as_float("positions", positions).astype(np.float64, copy=False)
    wrong = turns[~np.isfinite(turns)]
    if wrong.size:
        raise ValueError(f"`positions` must be finite; got {wrong[0]}")
    check_broadcasts_to("positions", turns, x.shape[:-1])
    angles = turns[..., None] * _frequencies(x.shape[-1], base)
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)

    def turn(x: Floats, sin: Floats) -> Floats:
        turned = np.empty_like(x)
        turned[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
        turned[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
        return turned

    return turn(x, sin), lambda d_turned: (turn(d_turned, -sin),)


def alibi_slopes(num_heads: int) -> Floats:
    """Give each head its slope: how much a score loses with each position of distance.

    For a power of two of heads they are 2^(−8/h), 2^(−16/h), …, 2^(−8): for 8 heads 1/2
    to 1/256. Between two powers of two, the slopes of the lower power come first, then
    every other one of the higher power's.

    - `num_heads`: at least 1.

    Returns a float64 array of shape (num_heads,).

    Source: Press, Smith and Lewis, "Train short, test long: attention with linear
    biases enables input length extrapolation", 2022, section 3 and its code.

    >>> alibi_slopes(4)
    array([0.25      , 0.0625    , 0.015625  , 0.00390625])
    >>> alibi_slopes(6)  # the four, and two that lie between
    array([0.25      , 0.0625    , 0.015625  , 0.00390625, 0.5       ,
           0.125     ])
    """
    num_heads = check_integer("num_heads", num_heads, least=1)
    power = 2 ** (num_heads.bit_length() - 1)
    exponents = np.arange(1, power + 1) / power
    between = np.arange(1, 2 * (num_heads - power), 2) / (2 * power)
    return 2.0 ** (-8 * np.concatenate([exponents, between]))


def alibi_bias(
    num_heads: int, n_q: int, n_k: int | None = None, offset: int = 0
) -> Floats:
    """Lower each score in proportion to the distance between query and key.

    bias[h, i, j] = −slope_h · |i + offset − j|. The paper's models are causal, where
    keys after the query are hidden (`is_causal`); the bias alone is two-sided.

    - `num_heads`: at least 1; `alibi_slopes` has the slopes.
    - `n_q`: number of queries.
    - `n_k`: number of keys; as many as queries if None.
    - `offset`: position of the first query among the keys.

    Returns a float64 bias of shape (num_heads, n_q, n_k), to be passed as `attn_mask`.

    Source: Press, Smith and Lewis, "Train short, test long: attention with linear
    biases enables input length extrapolation", 2022, section 3.

    >>> alibi_bias(8, 3)[0]  # the steepest head, slope 1/2
    array([[ 0. , -0.5, -1. ],
           [-0.5,  0. , -0.5],
           [-1. , -0.5,  0. ]])
    """
    slopes = alibi_slopes(num_heads)
    return slopes[:, None, None] * -np.abs(behind(n_q, n_k, offset))


def _frequencies(d: int, base: float) -> Floats:
    """Return the radians a position by which each of d / 2 pairs turns."""
    return check_positive("base", base) ** (-np.arange(0, d, 2) / d)
