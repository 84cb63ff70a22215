"""Laws of scaled dot-product attention and of its heads, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    compare,
    dtypes,
    laws,
    leading_shapes,
    normal,
    oracle,
    seeds,
)

from course_utils.attention import scaled_dot_product_attention
from course_utils.masks import causal_mask, combine_masks
from course_utils.multi_head import merge_heads, split_heads
from course_utils.softmax import masked_softmax

sizes = st.integers(1, 40)


def shrunk(rng, shape):
    """Return a random shape that broadcasts to the given one."""
    kept = shape[rng.integers(len(shape) + 1) :]
    return tuple(size if rng.random() < 0.6 else 1 for size in kept)


@st.composite
def inputs(draw, dtype=dtypes, least_keys=0):
    """Draw query, key and value with leading axes that broadcast."""
    leading, seed = draw(leading_shapes), draw(seeds)
    rng = np.random.default_rng(seed)
    n_k, d_k = draw(st.integers(least_keys, 40)), draw(st.integers(1, 16))
    shapes = [
        (*shrunk(rng, leading), draw(sizes), d_k),
        (*shrunk(rng, leading), n_k, d_k),
        (*shrunk(rng, leading), n_k, draw(st.integers(1, 16))),
    ]
    return normal(seed, draw(dtype), *shapes)


def score_shape(query, key, value):
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    return *leading, query.shape[-2], key.shape[-2]


def random_mask(rng, shape, dtype):
    """Return no mask, booleans or floats, some of them −inf, for scores of a shape."""
    mask_shape = shrunk(rng, shape)
    shown = rng.random(mask_shape) < rng.choice([0.3, 0.8])
    added = np.where(shown, rng.standard_normal(mask_shape), -np.inf).astype(dtype)
    return [None, np.asarray(shown), added][rng.integers(3)]


@st.composite
def options(draw, shape, dtype):
    """Draw a mask, causality and a scale."""
    return {
        "attn_mask": random_mask(np.random.default_rng(draw(seeds)), shape, dtype),
        "is_causal": draw(st.booleans()),
        "scale": draw(st.sampled_from([None, 0.1, -0.7, 2.0])),
    }


@st.composite
def cases(draw, **kwargs):
    """Draw whole cases of attention without groups."""
    arrays = draw(inputs(**kwargs))
    chosen = draw(options(score_shape(*arrays), arrays[0].dtype))
    return dict(zip(("query", "key", "value"), arrays, strict=True)) | chosen


@st.composite
def grouped_cases(draw):
    """Draw whole cases of attention with groups of heads."""
    leading = draw(leading_shapes.map(lambda shape: shape[:2]))
    h_kv, groups = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    n_q, n_k = draw(sizes), draw(st.integers(1, 40))
    d_k, d_v = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    shapes = [
        (*leading, h_kv * groups, n_q, d_k),
        (*leading, h_kv, n_k, d_k),
        (*leading, h_kv, n_k, d_v),
    ]
    arrays = normal(draw(seeds), draw(dtypes), *shapes)
    shape = (*leading, h_kv * groups, n_q, n_k)
    chosen = draw(options(shape, arrays[0].dtype))
    grouped = dict(zip(("query", "key", "value"), arrays, strict=True))
    return grouped | chosen | {"enable_gqa": True}


softcaps = st.sampled_from([None, 0.5, 3.0, 50.0])


@laws
@given(cases(), softcaps)
def test_weights_sum_to_1_or_see_nothing(case, softcap):
    query, key, value = case["query"], case["key"], case["value"]
    output, weights = scaled_dot_product_attention(
        **case, softcap=softcap, return_weights=True
    )
    shape = score_shape(query, key, value)
    assert output.shape == (*shape[:-1], value.shape[-1])
    assert output.dtype == weights.dtype == query.dtype
    assert weights.shape[-2:] == shape[-2:]
    weights = np.broadcast_to(weights, shape)
    mask, shown = case["attn_mask"], np.ones(shape, bool)
    if mask is not None:
        shown &= mask if mask.dtype == bool else ~np.isneginf(mask)
    if case["is_causal"]:
        shown &= causal_mask(*shape[-2:])
    assert (weights >= 0).all()
    assert (weights[~shown] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), shown.any(axis=-1), rtol=1e-5)
    assert (output[~shown.any(axis=-1)] == 0).all()


@laws
@given(st.one_of(cases(), grouped_cases()), softcaps)
def test_the_way_with_weights_and_the_way_without_agree(case, softcap):
    plain = scaled_dot_product_attention(**case, softcap=softcap)
    output, _ = scaled_dot_product_attention(
        **case, softcap=softcap, return_weights=True
    )
    assert_close(plain, output, case["query"].dtype)


@laws
@given(inputs(st.just(np.float64)), seeds)
def test_permuting_keys_and_values_together_changes_nothing(arrays, seed):
    query, key, value = arrays
    rng = np.random.default_rng(seed)
    mask = rng.random((query.shape[-2], key.shape[-2])) < 0.7
    order = rng.permutation(key.shape[-2])
    expected = scaled_dot_product_attention(query, key, value, mask)
    result = scaled_dot_product_attention(
        query, key[..., order, :], value[..., order, :], mask[:, order]
    )
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@laws
@given(inputs(st.just(np.float64)), seeds)
def test_permuting_queries_permutes_outputs(arrays, seed):
    query, key, value = arrays
    order = np.random.default_rng(seed).permutation(query.shape[-2])
    expected = scaled_dot_product_attention(query, key, value)[..., order, :]
    result = scaled_dot_product_attention(query[..., order, :], key, value)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@laws
@given(inputs(st.just(np.float64)), st.sampled_from([-1e3, -1.0, 700.0, 1e5]))
def test_a_shift_of_all_scores_changes_nothing(arrays, shift):
    expected = scaled_dot_product_attention(*arrays)
    result = scaled_dot_product_attention(*arrays, np.float64(shift))
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e3, 1e30])
@laws
@given(inputs(), st.integers(0, 40), seeds)
def test_causal_outputs_do_not_see_the_future_to_the_last_bit(
    return_weights, size, arrays, now, seed
):
    query, key, value = arrays
    now = min(now, query.shape[-2] - 1, key.shape[-2])

    def past(key, value):
        return scaled_dot_product_attention(
            query, key, value, is_causal=True, return_weights=return_weights
        )

    def edited(x):
        x, rng = x.copy(), np.random.default_rng(seed)
        x[..., now + 1 :, :] = size * rng.standard_normal(x[..., now + 1 :, :].shape)
        return x

    before, after = past(key, value), past(edited(key), edited(value))
    if not return_weights:
        before, after = (before,), (after,)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old[..., : now + 1, :], new[..., : now + 1, :])


@laws
@given(cases(), seeds)
def test_a_causal_mask_and_another_combine(case, seed):
    case["is_causal"] = True
    result = scaled_dot_product_attention(**case)
    n_q, n_k = case["query"].shape[-2], case["key"].shape[-2]
    mask = case["attn_mask"]
    if mask is None:
        mask = causal_mask(n_q, n_k)
    elif mask.dtype == bool:
        mask = combine_masks(mask, causal_mask(n_q, n_k))
    else:
        mask = np.where(causal_mask(n_q, n_k), mask, mask.dtype.type(-np.inf))
    expected = scaled_dot_product_attention(
        **{**case, "attn_mask": mask, "is_causal": False}
    )
    assert_close(result, expected, result.dtype)


@laws
@given(grouped_cases(), softcaps)
def test_a_group_shares_the_key_value_head_of_its_number(case, softcap):
    output, weights = scaled_dot_product_attention(
        **case, softcap=softcap, return_weights=True
    )
    h_q, h_kv = case["query"].shape[-3], case["key"].shape[-3]
    shape = (*case["query"].shape[:-1], case["key"].shape[-2])
    assert weights.shape == shape
    for head in range(h_q):
        alone = {name: case[name][..., [head], :, :] for name in ["query"]}
        shared = head // (h_q // h_kv)
        alone |= {name: case[name][..., [shared], :, :] for name in ("key", "value")}
        mask = case["attn_mask"]
        if mask is not None:
            mask = np.broadcast_to(mask, shape)[..., [head], :, :]
        alone |= {name: case[name] for name in ("is_causal", "scale")}
        one, one_weights = scaled_dot_product_attention(
            **alone, attn_mask=mask, softcap=softcap, return_weights=True
        )
        assert_close(output[..., [head], :, :], one, one.dtype)
        assert_close(weights[..., [head], :, :], one_weights, one.dtype)


def test_leading_axes_of_grouped_heads_broadcast():
    query, key, value = normal(
        0, np.float64, (5, 1, 4, 3, 6), (3, 2, 7, 6), (1, 1, 2, 7, 2)
    )
    mask = np.random.default_rng(0).random((3, 1, 3, 7)) < 0.7
    output, weights = scaled_dot_product_attention(
        query, key, value, mask, enable_gqa=True, return_weights=True
    )
    assert output.shape == (5, 3, 4, 3, 2)
    assert weights.shape == (5, 3, 4, 3, 7)
    one = scaled_dot_product_attention(
        query[4, 0, 3], key[2, 1], value[0, 0, 1], mask[2, 0]
    )
    np.testing.assert_allclose(output[4, 2, 3], one, rtol=1e-12)


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e4), (np.float64, 1e5)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_huge_scores_give_right_outputs_without_a_warning(
    return_weights, dtype, size, sign
):
    query = np.array([[size], [0.0]], dtype)
    key = sign * np.array([[1.0], [-1.0], [1.0]], dtype)
    value = np.array([[2.0, 0.0], [8.0, 1.0], [4.0, 0.0]], dtype)
    result = scaled_dot_product_attention(
        query, key, value, return_weights=return_weights
    )
    output = result[0] if return_weights else result
    best = [[3.0, 0.0]] if sign == 1 else [[8.0, 1.0]]
    mean = value.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(output, np.vstack([best, mean]), rtol=1e-6)


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("hidden", [False, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_query_that_may_see_nothing_gets_zeros(return_weights, hidden, dtype):
    query, key, value = normal(0, dtype, (2, 3), (4, 3), (4, 5))
    mask = np.full((2, 4), hidden)
    mask[1, 2] = hidden is False
    result = scaled_dot_product_attention(
        query, key, value, mask, return_weights=return_weights
    )
    output = result[0] if return_weights else result
    np.testing.assert_array_equal(output, np.stack([np.zeros(5, dtype), value[2]]))
    if return_weights:
        np.testing.assert_array_equal(result[1], [[0, 0, 0, 0], [0, 0, 1, 0]])


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("enable_gqa", [False, True])
@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        ((2, 3, 5, 4), (2, 3, 0, 4), (2, 3, 0, 6)),
        ((2, 3, 0, 4), (2, 3, 7, 4), (2, 3, 7, 6)),
        ((0, 3, 5, 4), (0, 3, 7, 4), (0, 3, 7, 6)),
        ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 0)),
        ((2, 0, 5, 4), (2, 1, 7, 4), (2, 1, 7, 6)),
    ],
)
def test_what_is_empty_gives_zeros(return_weights, enable_gqa, query, key, value):
    result = scaled_dot_product_attention(
        np.ones(query, np.float32),
        np.ones(key, np.float32),
        np.ones(value, np.float32),
        is_causal=True,
        enable_gqa=enable_gqa,
        return_weights=return_weights,
    )
    output = result[0] if return_weights else result
    expected = np.ones((*query[:-1], value[-1]), np.float32)
    if key[-2] == 0:
        expected[...] = 0
    np.testing.assert_array_equal(output, expected, strict=True)
    if return_weights:
        assert result[1].shape == (*query[:-1], key[-2])


def test_decoding_with_a_cache_gives_the_rows_of_the_whole():
    query, key, value = normal(0, np.float64, (2, 6, 4), (2, 6, 4), (2, 6, 3))
    whole = scaled_dot_product_attention(query, key, value, is_causal=True)
    for i in range(6):
        seen = slice(None, i + 1)
        row = scaled_dot_product_attention(
            query[:, [i]],
            key[:, seen],
            value[:, seen],
            causal_mask(1, i + 1, offset=i),
        )
        np.testing.assert_allclose(row, whole[:, [i]], rtol=1e-13)


def test_scores_are_divided_by_the_root_of_d_k():
    query, key, value = normal(0, np.float64, (3, 16), (5, 16), (5, 2))
    _, weights = scaled_dot_product_attention(query, key, value, return_weights=True)
    ratios = np.log(weights[:, 1:] / weights[:, :-1])
    scores = query @ key.T
    np.testing.assert_allclose(ratios, np.diff(scores) / 4, rtol=1e-10)


def test_a_softcap_comes_after_the_scale_and_before_the_mask():
    query, key = np.array([[3.0]]), np.array([[100.0], [-100.0], [0.1], [7.0]])
    mask = np.array([0.0, 5.0, 0.0, -np.inf])
    _, weights = scaled_dot_product_attention(
        query, key, key, mask, scale=0.5, softcap=2.0, return_weights=True
    )
    scores = np.array([[2.0, -2.0 + 5.0, 2 * np.tanh(0.15 / 2), 0.0]])
    expected = masked_softmax(scores, [True, True, True, False])
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_a_mask_takes_the_dtype_of_the_scores_without_a_warning():
    query, key, value = normal(0, np.float32, (3, 4), (5, 4), (5, 2))
    shown = np.random.default_rng(0).random((3, 5)) < 0.6
    lowest = np.where(shown, 0.0, np.finfo(np.float64).min)
    for return_weights in (False, True):
        options = {"return_weights": return_weights}
        low = scaled_dot_product_attention(query, key, value, lowest, **options)
        boolean = scaled_dot_product_attention(query, key, value, shown, **options)
        for one, other in zip(low, boolean, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 3e38), (np.float64, 1e308)])
def test_scores_may_lie_further_apart_than_the_largest_number(dtype, size):
    query, key, value = dtype([[1]]), dtype([[-size], [size]]), np.eye(2, dtype=dtype)
    output, weights = scaled_dot_product_attention(
        query, key, value, return_weights=True
    )
    np.testing.assert_array_equal(weights, [[0, 1]])
    np.testing.assert_array_equal(output, [[0, 1]])
    output = scaled_dot_product_attention(query, key, value)
    np.testing.assert_array_equal(output, [[0, 1]])


def test_a_mask_may_not_make_the_output_larger():
    x = np.ones((3, 4))
    with pytest.raises(ValueError, match=r"broadcasts to \(3, 3\); .* \(2, 3, 3\)"):
        scaled_dot_product_attention(x, x, x, np.ones((2, 3, 3), bool))


def test_no_coordinates_have_no_scale():
    x = np.ones((3, 0))
    with pytest.raises(ValueError, match="`query` must have a d_k of at least 1"):
        scaled_dot_product_attention(x, x, np.ones((3, 2)))
    assert scaled_dot_product_attention(x, x, np.eye(3), scale=1.0)[0, 0] == 1 / 3


def test_a_scale_or_softcap_beyond_float32_is_refused():
    x = np.ones((3, 2), np.float32)
    with pytest.raises(ValueError, match="`scale` must be finite in float32"):
        scaled_dot_product_attention(x, x, x, scale=1e39)
    with pytest.raises(ValueError, match=r"`softcap` must be .* in float32"):
        scaled_dot_product_attention(x, x, x, softcap=1e-60)


def test_heads_are_grouped_only_if_asked():
    query, key = np.ones((4, 3, 2)), np.ones((2, 5, 2))
    with pytest.raises(
        ValueError, match=r"leading axes .* must broadcast; got `query` \(4"
    ):
        scaled_dot_product_attention(query, key, key)
    with pytest.raises(ValueError, match=r"must have shape \(\.\.\., h_q, n_q, d_k\)"):
        scaled_dot_product_attention(query[0], key[0], key[0], enable_gqa=True)


@laws
@given(leading_shapes, st.integers(0, 5), st.integers(1, 5), st.integers(0, 4), dtypes)
def test_splitting_and_merging_are_inverse(leading, n, num_heads, d_head, dtype):
    (x,) = normal(0, dtype, (*leading, n, num_heads * d_head))
    heads = split_heads(x, num_heads)
    assert heads.shape == (*leading, num_heads, n, d_head)
    assert heads.dtype == dtype
    np.testing.assert_array_equal(merge_heads(heads), x, strict=True)
    for i in range(num_heads):
        columns = x[..., i * d_head : (i + 1) * d_head]
        np.testing.assert_array_equal(heads[..., i, :, :], columns)


@pytest.mark.oracle
@oracle
@given(cases(least_keys=1))
def test_against_pytorch(oracles, case):
    compare(oracles, scaled_dot_product_attention, case)


@pytest.mark.oracle
@oracle
@given(grouped_cases())
def test_groups_against_pytorch(oracles, case):
    compare(oracles, scaled_dot_product_attention, case)


@pytest.mark.oracle
@oracle
@given(st.one_of(cases(), grouped_cases()), softcaps)
def test_weights_and_softcap_against_pytorch(oracles, case, softcap):
    for dtype in (np.float32, np.float64):
        cast = {
            name: x.astype(dtype) if np.ndim(x) and x.dtype.kind == "f" else x
            for name, x in case.items()
        }
        cast["softcap"] = softcap
        expected, expected_weights = oracles.run(oracles.attention_step_by_step, cast)
        output, weights = scaled_dot_product_attention(**cast, return_weights=True)
        assert_close(output, expected, dtype)
        weights = np.broadcast_to(weights, expected_weights.shape)
        assert_close(weights, expected_weights, dtype)


@pytest.mark.oracle
@oracle
@given(leading_shapes, st.integers(1, 20), st.integers(1, 9), st.integers(1, 9))
def test_heads_against_pytorch(oracles, leading, n, num_heads, d_head):
    (x,) = normal(0, np.float64, (*leading, n, num_heads * d_head))
    compare(oracles, split_heads, {"x": x, "num_heads": num_heads})
    compare(
        oracles, merge_heads, {"x": np.ascontiguousarray(split_heads(x, num_heads))}
    )


def test_a_mask_may_be_as_low_as_a_number_goes_beside_low_scores():
    query = np.full((2, 1), -1e16, np.float32)
    mask = np.full((2, 2), np.finfo(np.float32).min)
    for return_weights in (False, True):
        came = scaled_dot_product_attention(
            query,
            -query,
            np.eye(2, dtype=np.float32),
            mask,
            return_weights=return_weights,
        )
        assert np.isfinite(came).all()
