"""Laws of positions, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    broadcastable,
    compare,
    dtypes,
    laws,
    leading_shapes,
    normal,
    oracle,
    oracle_of_few_sizes,
    seeds,
    sizes,
)

from course_utils.attention import scaled_dot_product_attention
from course_utils.positions import (
    alibi_bias,
    alibi_slopes,
    learned_positions,
    relative_position_bias,
    rotary_embedding,
    sinusoidal_positions,
)

even = st.integers(1, 12).map(lambda half: 2 * half)
bases = st.sampled_from([10.0, 500.0, 10000.0, 1e6])


@laws
@given(st.integers(2, 60), even, bases, st.integers(0, 30))
def test_a_shift_is_one_rotation_wherever_it_starts(n, d_model, base, shift):
    rows = sinusoidal_positions(n + shift, d_model, base)
    np.testing.assert_allclose((rows**2).sum(axis=-1), d_model / 2, rtol=1e-12)
    # The dot product of two rows depends on how far apart they are alone.
    products = rows @ rows.T
    np.testing.assert_allclose(
        products[shift:, shift:], products[:n, :n], rtol=1e-9, atol=1e-9
    )


def test_the_rows_of_the_paper():
    rows = sinusoidal_positions(4, 6)
    np.testing.assert_array_equal(rows[0], [0, 1, 0, 1, 0, 1])
    slow = 3 / 10000 ** (4 / 6)
    np.testing.assert_allclose(rows[3, :2], [np.sin(3), np.cos(3)], rtol=1e-15)
    np.testing.assert_allclose(rows[3, 4:], [np.sin(slow), np.cos(slow)], rtol=1e-15)
    assert sinusoidal_positions(0, 6).shape == (0, 6)


def test_learned_positions_are_drawn_with_their_spread():
    table = learned_positions(np.random.default_rng(0), 500, 40)
    assert table.shape == (500, 40)
    assert abs(table.mean()) < 1e-3
    np.testing.assert_allclose(table.std(), 0.02, rtol=0.02)
    again = learned_positions(np.random.default_rng(0), 500, 40, std=2.0)
    np.testing.assert_allclose(again, 100 * table, rtol=1e-12)


@laws
@given(leading_shapes, st.integers(0, 5), sizes, sizes, st.integers(-6, 6), dtypes)
def test_a_relative_bias_depends_on_the_clipped_distance(
    leading, m, n_q, n_k, offset, dtype
):
    (table,) = normal(0, dtype, (*leading, 2 * m + 1))
    bias = relative_position_bias(table, n_q, n_k, offset)
    assert bias.shape == (*leading, n_q, n_k)
    assert bias.dtype == dtype
    for i in range(n_q):
        for j in range(n_k):
            distance = min(m, max(-m, j - i - offset))
            np.testing.assert_array_equal(bias[..., i, j], table[..., m + distance])


def test_a_relative_bias_is_square_by_default_and_fits_attention():
    table = np.random.default_rng(0).normal(size=(2, 7))
    bias = relative_position_bias(table, 3)
    assert bias.shape == (2, 3, 3)
    query = np.zeros((5, 2, 3, 4))
    _, weights = scaled_dot_product_attention(
        query, query, query, bias, return_weights=True
    )
    np.testing.assert_allclose(
        np.log(weights[0, 0, 1, 0] / weights[0, 0, 1, 1]), table[0, 2] - table[0, 3]
    )


@st.composite
def vectors_at_positions(draw):
    """Draw vectors, positions that broadcast to them, and a base."""
    leading, n, d = draw(leading_shapes), draw(sizes), draw(even)
    (x,) = normal(draw(seeds), draw(dtypes), (*leading, n, d))
    shape = draw(broadcastable((*leading, n)))
    rng = np.random.default_rng(draw(seeds))
    positions = rng.integers(0, draw(st.sampled_from([1, 30, 1000])) + 1, shape)
    return {"x": x, "positions": np.asarray(positions), "base": draw(bases)}


@laws
@given(vectors_at_positions())
def test_a_rotation_keeps_lengths_and_is_undone_by_its_opposite(case):
    x, positions, base = case["x"], case["positions"], case["base"]
    turned = rotary_embedding(x, positions, base)
    lengths = np.linalg.norm(x, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), lengths, rtol=1e-5)
    assert_close(rotary_embedding(turned, -positions, base), x, x.dtype)
    assert_close(rotary_embedding(x, 0 * positions, base), x, x.dtype)


@laws
@given(st.integers(1, 6), even, seeds, bases, st.integers(-1000, 1000))
def test_rotary_scores_depend_on_the_offset_alone(n, d, seed, base, shift):
    query, key = normal(seed, np.float64, (n, d), (n + 2, d))

    def scores(moved):
        q = rotary_embedding(query, np.arange(n) + moved, base)
        return q @ rotary_embedding(key, np.arange(n + 2) + moved, base).T

    np.testing.assert_allclose(scores(shift), scores(0), rtol=1e-10, atol=1e-10)


def test_each_pair_turns_at_its_own_speed():
    x = np.array([[1.0, 0.0, 1.0, 0.0]])
    turned = rotary_embedding(x, [3])
    np.testing.assert_allclose(
        turned, [[np.cos(3), np.sin(3), np.cos(0.03), np.sin(0.03)]], rtol=1e-15
    )
    half_way = rotary_embedding(x, [0.5])
    np.testing.assert_allclose(half_way[0, :2], [np.cos(0.5), np.sin(0.5)], rtol=1e-15)


def test_float32_vectors_far_out_turn_exactly():
    x = np.float32([[1.0, 0.0]])
    far = 1_000_003
    exact = [[np.cos(far), np.sin(far)]]
    np.testing.assert_allclose(rotary_embedding(x, [far]), exact, atol=1e-7)


@pytest.mark.parametrize("power", [1, 2, 4, 8, 16, 64])
def test_slopes_of_a_power_of_two_are_a_geometric_sequence(power):
    slopes = alibi_slopes(power)
    assert slopes.shape == (power,)
    np.testing.assert_allclose(slopes[-1], 2**-8, rtol=1e-15)
    np.testing.assert_allclose(slopes[1:] / slopes[:-1], 2 ** (-8 / power), rtol=1e-14)
    np.testing.assert_allclose(slopes[0], 2 ** (-8 / power), rtol=1e-15)


@pytest.mark.parametrize("num_heads", [3, 5, 6, 7, 12, 15])
def test_other_slopes_are_those_of_the_powers_around(num_heads):
    below = 2 ** int(np.log2(num_heads))
    slopes = alibi_slopes(num_heads)
    np.testing.assert_array_equal(slopes[:below], alibi_slopes(below))
    between = alibi_slopes(2 * below)[::2][: num_heads - below]
    np.testing.assert_allclose(slopes[below:], between, rtol=1e-15)


def test_a_linear_bias_grows_with_distance_and_moves_with_its_offset():
    bias = alibi_bias(4, 5)
    assert bias.shape == (4, 5, 5)
    np.testing.assert_array_equal(bias, bias.swapaxes(-1, -2))
    np.testing.assert_allclose(bias[:, 4, 0], -4 * alibi_slopes(4), rtol=1e-15)
    for i in range(5):
        np.testing.assert_array_equal(alibi_bias(4, 1, 5, offset=i), bias[:, [i]])
    assert not np.signbit(np.diagonal(bias, axis1=1, axis2=2)).any()


@pytest.mark.oracle
@oracle
@given(vectors_at_positions())
def test_rotary_against_pytorch(oracles, case):
    compare(oracles, rotary_embedding, case)


@pytest.mark.oracle
@oracle_of_few_sizes
@given(st.integers(0, 80), st.integers(1, 40), st.floats(2, 1e6))
def test_sinusoidal_against_pytorch(oracles, n, half, base):
    arguments = {"n": n, "d_model": 2 * half, "base": base}
    expected = oracles.run(oracles.sinusoidal_positions, arguments)
    assert_close(sinusoidal_positions(**arguments), expected, np.float64)


@pytest.mark.oracle
@oracle
@given(
    leading_shapes,
    st.integers(0, 6),
    sizes,
    st.one_of(st.none(), sizes),
    st.integers(-6, 6),
    st.integers(1, 40),
)
def test_biases_against_pytorch(oracles, leading, m, n_q, n_k, offset, heads):
    (table,) = normal(heads, np.float64, (*leading, 2 * m + 1))
    places = {"n_q": n_q, "n_k": n_k, "offset": offset}
    compare(oracles, relative_position_bias, {"table": table, **places})
    linear = {"num_heads": heads, **places}
    expected = oracles.run(oracles.alibi_bias, linear)
    assert_close(alibi_bias(**linear), expected, np.float64)


@pytest.mark.oracle
def test_slopes_of_every_number_of_heads_against_pytorch(oracles):
    for heads in range(1, 513):
        arguments = {"num_heads": heads, "n_q": 1, "n_k": 2, "offset": 1}
        expected = oracles.run(oracles.alibi_bias, arguments)
        assert_close(-alibi_slopes(heads), expected[:, 0, 0], np.float64)
