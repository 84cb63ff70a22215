"""Laws of the five scores, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import compare, laws, normal, oracle, queries_and_keys, sizes

from course_utils.scores import (
    additive_score,
    bilinear_score,
    cosine_score,
    dot_product_score,
    gaussian_score,
)
from course_utils.softmax import softmax

PAIRS = [dot_product_score, cosine_score, gaussian_score]


@pytest.mark.parametrize("function", PAIRS)
@laws
@given(queries_and_keys())
def test_each_score_depends_on_its_own_pair(function, case):
    query_shape, key_shape, seed = case
    query, key = normal(seed, np.float64, query_shape, key_shape)
    leading = np.broadcast_shapes(query_shape[:-2], key_shape[:-2])
    scores = function(query, key)
    assert scores.shape == (*leading, query_shape[-2], key_shape[-2])
    # All queries against all keys, one pair at a time.
    for i in range(query_shape[-2]):
        for j in range(key_shape[-2]):
            one = function(query[..., i : i + 1, :], key[..., j : j + 1, :])
            np.testing.assert_allclose(
                scores[..., i, j], one[..., 0, 0], rtol=1e-12, atol=1e-12
            )


@pytest.mark.parametrize("function", PAIRS)
def test_the_roles_of_query_and_key_may_be_swapped(function):
    query, key = normal(0, np.float64, (3, 5), (4, 5))
    swapped = function(key, query).T
    np.testing.assert_allclose(function(query, key), swapped, rtol=1e-14)


def test_the_dot_product_is_linear_in_the_length_of_a_key():
    query, key = normal(0, np.float64, (3, 5), (4, 5))
    np.testing.assert_array_equal(
        dot_product_score(query, 4 * key), 4 * dot_product_score(query, key)
    )
    np.testing.assert_array_equal(dot_product_score(np.eye(5), key), key.T)


@laws
@given(queries_and_keys(), st.floats(-280, 280), st.floats(-280, 280))
def test_the_cosine_knows_only_directions(case, query_length, key_length):
    query_shape, key_shape, seed = case
    query, key = normal(seed, np.float64, query_shape, key_shape)
    scores = cosine_score(query, key)
    assert (np.abs(scores) <= 1).all()
    longer = cosine_score(query * 10.0**query_length, key * 10.0**key_length)
    np.testing.assert_allclose(longer, scores, rtol=1e-12, atol=1e-12)


def test_very_short_and_very_long_vectors_may_meet():
    x = np.array([[3e-200, 4e-200], [3e200, 4e200], [0.6, 0.8]])
    np.testing.assert_allclose(cosine_score(x, x), 1, rtol=1e-15)


def test_a_sigma_too_small_for_float32_is_refused_there_alone():
    x = np.ones((1, 2))
    with pytest.raises(ValueError, match="`sigma` must be greater than 0 in float32"):
        gaussian_score(np.float32(x), np.float32(x), sigma=1e-60)
    np.testing.assert_array_equal(gaussian_score(x, x, sigma=1e-60), [[0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_cosine_with_oneself_never_exceeds_1(dtype):
    (x,) = normal(0, dtype, (500, 7))
    own = np.diagonal(cosine_score(x, x))
    np.testing.assert_allclose(own, 1, rtol=1e-6)
    opposite = np.diagonal(cosine_score(x, -x))
    assert own.max() <= 1
    assert opposite.min() >= -1


def test_zeros_have_no_direction():
    np.testing.assert_array_equal(cosine_score(np.zeros((1, 3)), np.eye(3)), [[0] * 3])
    np.testing.assert_array_equal(cosine_score(np.eye(3), np.zeros((1, 3))), [[0]] * 3)


@laws
@given(queries_and_keys(), st.floats(0.1, 10))
def test_the_gaussian_score_knows_only_differences(case, sigma):
    query_shape, key_shape, seed = case
    query, key = normal(seed, np.float64, query_shape, key_shape)
    scores = gaussian_score(query, key, sigma)
    assert (scores <= 0).all()
    moved = gaussian_score(query + 3, key + 3, sigma)
    np.testing.assert_allclose(moved, scores, rtol=1e-9, atol=1e-9)
    wider = gaussian_score(2 * query, 2 * key, 2 * sigma)
    np.testing.assert_allclose(wider, scores, rtol=1e-12)


def test_a_point_far_from_the_origin_still_scores_exactly():
    far = np.float32([[1e4, 1e4]])
    np.testing.assert_array_equal(gaussian_score(far, far), [[0]])
    np.testing.assert_array_equal(gaussian_score(far, far + np.float32([3, 4])), -12.5)


@laws
@given(queries_and_keys(), st.floats(0.5, 2))
def test_on_the_unit_sphere_gaussian_and_dot_product_weigh_alike(case, sigma):
    query_shape, key_shape, seed = case
    query, key = normal(seed, np.float64, query_shape, key_shape)
    key /= np.linalg.norm(key, axis=-1, keepdims=True)
    gaussian = softmax(gaussian_score(query, key, sigma))
    dot_product = softmax(dot_product_score(query, key) / sigma**2)
    np.testing.assert_allclose(gaussian, dot_product, rtol=1e-10, atol=1e-13)


def test_the_bilinear_score_compares_unlike_vectors():
    query, key, w_match = normal(0, np.float64, (2, 3, 5), (4, 6), (5, 6))
    expected = dot_product_score(query @ w_match, key)
    np.testing.assert_allclose(bilinear_score(query, key, w_match), expected)
    same = bilinear_score(query, query, np.eye(5))
    np.testing.assert_allclose(same, dot_product_score(query, query))


def test_the_additive_score_is_bounded_and_a_sum():
    query, key = normal(0, np.float64, (3, 4), (5, 2))
    w_query, w_key, v = normal(1, np.float64, (4, 6), (2, 6), 6)
    scores = additive_score(1e3 * query, key, w_query, w_key, v)
    assert (np.abs(scores) <= np.abs(v).sum() + 1e-12).all()
    flipped = additive_score(-query, -key, w_query, w_key, v)
    expected = additive_score(query, key, w_query, w_key, v)
    np.testing.assert_allclose(flipped, -expected, rtol=1e-12)
    by_unit = [
        additive_score(query, key, w_query[:, [i]], w_key[:, [i]], v[[i]])
        for i in range(6)
    ]
    np.testing.assert_allclose(sum(by_unit), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_keys_and_no_coordinates_are_fine(dtype):
    query, key = np.zeros((2, 3, 0), dtype), np.zeros((2, 4, 0), dtype)
    for function in PAIRS:
        scores = function(query, key)
        assert scores.dtype == dtype
        np.testing.assert_array_equal(scores, np.zeros((2, 3, 4)))
        assert function(np.ones((3, 2), dtype), np.ones((0, 2), dtype)).shape == (3, 0)


@pytest.mark.oracle
@oracle
@given(queries_and_keys(), st.floats(0.1, 10))
def test_against_pytorch(oracles, case, sigma):
    query_shape, key_shape, seed = case
    query, key = normal(seed, np.float64, query_shape, key_shape)
    pair = {"query": query, "key": key}
    compare(oracles, dot_product_score, pair)
    compare(oracles, cosine_score, pair)
    compare(oracles, gaussian_score, {**pair, "sigma": sigma})


@pytest.mark.oracle
@oracle
@given(queries_and_keys(), sizes, sizes)
def test_learned_scores_against_pytorch(oracles, case, d_k, d_hidden):
    query_shape, key_shape, seed = case
    d_q = query_shape[-1]
    shapes = [
        query_shape,
        (*key_shape[:-1], d_k),
        (d_q, d_k),
        (d_q, d_hidden),
        (d_k, d_hidden),
        (d_hidden,),
    ]
    query, key, w_match, w_query, w_key, v = normal(seed, np.float64, *shapes)
    pair = {"query": query, "key": key}
    compare(oracles, bilinear_score, {**pair, "w_match": w_match / 4})
    additive = {**pair, "w_query": w_query / 4, "w_key": w_key, "v": v}
    compare(oracles, additive_score, additive)
