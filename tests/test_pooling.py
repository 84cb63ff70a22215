"""Laws of blending and of kernel regression, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    compare,
    dtypes,
    laws,
    normal,
    oracle,
    oracle_of_few_sizes,
    queries_and_keys,
    seeds,
    sizes,
)

from course_utils.pooling import (
    attend,
    leave_one_out,
    mean_pooling,
    nadaraya_watson,
)
from course_utils.softmax import softmax


@laws
@given(queries_and_keys(), sizes)
def test_a_blend_lies_in_the_hull_of_the_values(case, d_v):
    (*leading, n_q, _), (*_, n_k, _), seed = case
    n_k += 1
    scores, value = normal(seed, np.float64, (*leading, n_q, n_k), (n_k, d_v))
    blend = attend(softmax(scores), value)
    assert blend.shape == (*leading, n_q, d_v)
    assert (blend >= value.min(axis=0) - 1e-12).all()
    assert (blend <= value.max(axis=0) + 1e-12).all()


def test_hard_weights_select_and_uniform_weights_average():
    (value,) = normal(0, np.float64, (2, 4, 3))
    order = [2, 0, 0]
    np.testing.assert_array_equal(attend(np.eye(4)[order], value), value[:, order])
    average = attend(np.full((1, 4), 0.25), value)
    np.testing.assert_allclose(average, value.mean(axis=1, keepdims=True))
    assert (
        attend(np.ones((2, 0)), np.ones((0, 3))).tolist() == np.zeros((2, 3)).tolist()
    )


def test_one_set_of_values_serves_many_sets_of_weights():
    weights, value = normal(0, np.float64, (5, 1, 2, 4), (3, 4, 6))
    blends = attend(weights, value)
    assert blends.shape == (5, 3, 2, 6)
    np.testing.assert_allclose(blends[4, 2], weights[4, 0] @ value[2], rtol=1e-14)


@st.composite
def data_points(draw, least=1):
    """Draw keys, values and queries, and a bandwidth."""
    n, d, d_v = draw(st.integers(least, 12)), draw(st.integers(1, 4)), draw(sizes)
    leading = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    shapes = (*leading, draw(sizes), d), (*leading, n, d), (n, d_v)
    query, key, value = normal(draw(seeds), draw(dtypes), *shapes)
    # Narrower kernels multiply the rounding of a distance beyond what is compared.
    bandwidth = draw(st.floats(0.7, 5))
    return {"query": query, "key": key, "value": value, "bandwidth": bandwidth}


@laws
@given(data_points(), st.floats(0.25, 4))
def test_only_distance_over_bandwidth_counts(data, unit):
    data = {name: np.asarray(x, np.float64) for name, x in data.items()}
    expected = nadaraya_watson(**data)
    scaled = {name: data[name] * unit for name in ("query", "key", "bandwidth")}
    result = nadaraya_watson(**scaled, value=data["value"])
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)


def test_a_narrow_bandwidth_follows_the_nearest_key_and_a_wide_one_the_mean():
    key, value = np.array([[0.0], [1.0], [3.0]]), np.array([[5.0], [7.0], [0.0]])
    query = [[-9.0], [0.4], [0.6], [2.1], [99.0]]
    nearest = nadaraya_watson(query, key, value, bandwidth=1e-3)
    np.testing.assert_array_equal(nearest, value[[0, 0, 1, 2, 2]])
    mean = nadaraya_watson(query, key, value, bandwidth=1e6)
    np.testing.assert_allclose(mean, 4, atol=1e-6)


@laws
@given(data_points(least=2))
def test_leaving_one_out_is_predicting_without_it(data):
    dtype = data["key"].dtype
    key, value, bandwidth = data["key"], data["value"], data["bandwidth"]
    result = leave_one_out(key, value, bandwidth)
    for i in range(key.shape[-2]):
        others = np.delete(key, i, axis=-2), np.delete(value, i, axis=-2)
        alone = nadaraya_watson(key[..., [i], :], *others, bandwidth)
        assert_close(result[..., [i], :], alone, dtype)


def test_ones_own_value_has_no_say():
    key, value = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [2.0], [4.0]])
    changed = np.array([[1.0], [1e6], [4.0]])
    result = leave_one_out(key, changed, 1.0)
    assert result[1] == leave_one_out(key, value, 1.0)[1]
    assert leave_one_out(key[:2], value[:2], 1.0).tolist() == [[2.0], [1.0]]


@pytest.mark.parametrize("n", [0, 1])
def test_one_point_alone_cannot_be_left_out(n):
    with pytest.raises(ValueError, match="`key` must hold at least 2 points"):
        leave_one_out(np.zeros((n, 1)), np.zeros((n, 1)), 1.0)


@pytest.mark.oracle
@oracle_of_few_sizes
@given(data_points(least=2))
def test_against_pytorch(oracles, data):
    compare(oracles, nadaraya_watson, data)
    points = {name: data[name] for name in ("key", "value", "bandwidth")}
    compare(oracles, leave_one_out, points)


@pytest.mark.oracle
@oracle
@given(queries_and_keys(), st.integers(1, 20))
def test_attend_against_pytorch(oracles, case, d_v):
    (*leading, n_q, _), (*others, n_k, _), seed = case
    shapes = (*leading, n_q, n_k), (*others, n_k, d_v)
    weights, value = normal(seed, np.float64, *shapes)
    compare(oracles, attend, {"weights": weights, "value": value})


@laws
@given(seeds, dtypes, st.integers(0, 6))
def test_pooling_averages_the_real_vectors_whatever_the_padding_holds(seed, dtype, n):
    (x,) = normal(seed, dtype, (2, 3, n, 4))
    lengths = np.random.default_rng(seed).integers(0, n + 1, size=(2, 3))
    x[np.arange(n) >= lengths[..., None]] = np.nan
    pooled = mean_pooling(x, lengths)
    assert (pooled.dtype, pooled.shape) == (dtype, (2, 3, 4))
    for where, length in np.ndenumerate(lengths):
        real = x[where][:length]
        expected = real.mean(axis=0) if length else np.zeros(4)
        np.testing.assert_allclose(pooled[where], expected, atol=1e-6)


def test_more_real_vectors_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="`lengths` must"):
        mean_pooling(np.zeros((1, 3, 2)), [4])
