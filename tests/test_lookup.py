import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import hard_lookup, soft_lookup

RNG = np.random.default_rng(0)
KEY = RNG.normal(size=(5, 2))
VALUE = RNG.normal(size=(5, 3))
seeds = st.integers(0, 2**32 - 1)


def drawn(seed):
    rng = np.random.default_rng(seed)
    n_q, n_k, d_k = rng.integers(1, 7, size=3)
    d_v = d_k + rng.integers(1, 4)
    sizes = [(n_q, d_k), (n_k, d_k), (n_k, d_v)]
    return tuple(rng.normal(size=size) for size in sizes)


@given(seeds)
def test_hard_lookup_returns_a_row_that_no_other_key_beats(seed):
    query, key, value = drawn(seed)
    for q, found in zip(query, hard_lookup(query, key, value), strict=True):
        (row,) = np.flatnonzero((value == found).all(axis=1))
        assert (key @ q <= key[row] @ q + 1e-12).all()


@given(seeds)
def test_soft_lookup_is_the_sum_over_pairs(seed):
    query, key, value = drawn(seed)
    for q, blend in zip(query, soft_lookup(query, key, value, 1.5), strict=True):
        weight = [np.exp(1.5 * sum(q * k)) for k in key]
        by_hand = sum(w * v for w, v in zip(weight, value, strict=True)) / sum(weight)
        np.testing.assert_allclose(blend, by_hand, rtol=1e-12, atol=1e-13)


@given(seeds)
def test_the_blend_lies_between_the_values(seed):
    query, key, value = drawn(seed)
    blend = soft_lookup(query, key, value)
    assert (blend >= value.min(axis=0) - 1e-12).all()
    assert (blend <= value.max(axis=0) + 1e-12).all()


@given(seeds)
def test_the_order_of_the_pairs_does_not_matter(seed):
    query, key, value = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(key))
    for lookup in (hard_lookup, soft_lookup):
        moved = lookup(query, key[order], value[order])
        still = lookup(query, key, value)
        np.testing.assert_allclose(moved, still, rtol=1e-12, atol=1e-13)


def test_a_growing_sharpness_leads_from_the_mean_to_the_hard_lookup():
    query = np.array([0.3, -0.8])
    mean = soft_lookup(query, KEY, VALUE, 0)
    np.testing.assert_allclose(mean, VALUE.mean(axis=0))
    hard = soft_lookup(query, KEY, VALUE, 1e5)
    np.testing.assert_allclose(hard, hard_lookup(query, KEY, VALUE))


def test_the_posterior_mean_is_a_soft_lookup_with_sharpness_one_over_variance():
    """The claim of lesson 1: weights are probabilities under Gaussian noise."""
    angle = np.linspace(0, 2 * np.pi, 7)[:-1]
    key = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    value = RNG.normal(size=(6, 3))
    query, noise = np.array([0.4, 0.1]), 0.7
    density = np.exp(-((query - key) ** 2).sum(axis=1) / (2 * noise**2))
    posterior = density / density.sum()
    blend = soft_lookup(query, key, value, 1 / noise**2)
    np.testing.assert_allclose(blend, posterior @ value, rtol=1e-12)


@pytest.mark.parametrize(
    ("query", "key", "value", "says"),
    [
        ([1.0], KEY, VALUE, "`query` .* and `key` .* must have the same d_k"),
        (1.0, KEY, VALUE, "`query` must have shape"),
        ([1.0, 0.0], KEY[0], VALUE, "`key` must have shape"),
        ([1.0, 0.0], KEY, VALUE[:4], "`key` .* and `value` .* must have the same n_k"),
        ([1.0, 0.0], KEY, VALUE[:, 0], "`value` must have shape"),
    ],
)
def test_a_wrong_shape_is_named(query, key, value, says):
    for lookup in (hard_lookup, soft_lookup):
        with pytest.raises(ValueError, match=says):
            lookup(query, key, value)


@pytest.mark.parametrize("name", ["query", "key", "value"])
def test_what_is_no_number_is_named(name):
    arguments = {"query": np.ones(2), "key": KEY, "value": VALUE}
    arguments[name] = np.full(np.shape(arguments[name]), "x")
    for lookup in (hard_lookup, soft_lookup):
        with pytest.raises(TypeError, match=f"`{name}` must hold real numbers"):
            lookup(**arguments)


def test_without_keys_nothing_is_blended_and_nothing_is_best():
    none = KEY[:0], VALUE[:0]
    np.testing.assert_array_equal(soft_lookup([1.0, 0.0], *none), np.zeros(3))
    with pytest.raises(ValueError, match="`key` must have at least one row"):
        hard_lookup([1.0, 0.0], *none)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_is_kept_but_for_float16(dtype):
    arguments = [x.astype(dtype) for x in (KEY[:2], KEY, VALUE)]
    kept = np.result_type(dtype, np.float32)
    assert hard_lookup(*arguments).dtype == kept
    assert soft_lookup(*arguments, 2.0).dtype == kept


@pytest.mark.parametrize("sharpness", [-1, np.nan, np.inf])
def test_a_wrong_sharpness_is_named(sharpness):
    with pytest.raises(ValueError, match="`sharpness` must be"):
        soft_lookup([1.0, 0.0], KEY, VALUE, sharpness)
