"""Cheap ways to attend give what the plain way gives, or what their formula says."""

import inspect
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    broadcastable,
    dtypes,
    laws,
    leading_shapes,
    normal,
    oracle,
    seeds,
)

from course_utils.attention import scaled_dot_product_attention
from course_utils.efficient import (
    KVCache,
    linear_attention,
    sliding_window_attention,
    tiled_attention,
)
from course_utils.masks import causal_mask, sliding_window_mask

FUNCTIONS = {
    tiled_attention: {
        "attn_mask": np.array([True, True, False, True]),
        "is_causal": True,
        "scale": 0.5,
        "tile_size": 2,
    },
    sliding_window_attention: {"window": 2, "causal": False, "scale": 0.5},
    linear_attention: {"is_causal": True},
}
ARRAYS = dict(
    zip(
        ("query", "key", "value"),
        normal(0, np.float64, (2, 3, 6), (2, 4, 6), (2, 4, 5)),
        strict=True,
    )
)


@st.composite
def inputs(draw, most=40, least_keys=0):
    """Draw query, key and value with leading axes that broadcast."""
    leading = draw(leading_shapes)
    n_q, n_k = draw(st.integers(1, most)), draw(st.integers(least_keys, most))
    d_k = draw(st.integers(1, 12))
    arrays = normal(
        draw(seeds),
        draw(dtypes),
        (*draw(broadcastable(leading)), n_q, d_k),
        (*draw(broadcastable(leading)), n_k, d_k),
        (*draw(broadcastable(leading)), n_k, draw(st.integers(1, 12))),
    )
    return dict(zip(("query", "key", "value"), arrays, strict=True))


@st.composite
def masked_inputs(draw, least_keys=0):
    """Draw what attention takes, masks of booleans and of floats included."""
    case = draw(inputs(least_keys=least_keys))
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in case.values()))
    n_q, n_k = case["query"].shape[-2], case["key"].shape[-2]
    shape = draw(broadcastable((*leading, n_q, n_k)))
    rng = np.random.default_rng(draw(seeds))
    shown = np.asarray(rng.random(shape) < draw(st.sampled_from([0.2, 0.8])))
    added = np.where(shown, rng.standard_normal(shape), -np.inf)
    return case | {
        "attn_mask": draw(
            st.sampled_from([None, shown, added.astype(case["query"].dtype)])
        ),
        "is_causal": draw(st.booleans()),
        "scale": draw(st.sampled_from([None, -0.4, 2.0])),
    }


# Tiles


@laws
@given(masked_inputs(), st.integers(1, 50))
def test_tiled_online_and_naive_agree(case, tile_size):
    by_tiles = tiled_attention(**case, tile_size=tile_size)
    dtype = case["query"].dtype
    naive, _ = scaled_dot_product_attention(**case, return_weights=True)
    assert_close(by_tiles, naive, dtype)
    assert_close(by_tiles, scaled_dot_product_attention(**case), dtype)


@laws
@given(masked_inputs(), st.integers(1, 50), st.integers(0, 40), seeds)
def test_a_causal_tile_does_not_see_the_future_to_the_last_bit(
    case, tile_size, now, seed
):
    case = {**case, "is_causal": True, "tile_size": tile_size}
    rng = np.random.default_rng(seed)
    edited = dict(case)
    for name in ("query", "key", "value"):
        edited[name] = case[name].copy()
        later = edited[name][..., now + 1 :, :]
        later[...] = 1e3 * rng.standard_normal(later.shape)
    before, after = tiled_attention(**case), tiled_attention(**edited)
    np.testing.assert_array_equal(before[..., : now + 1, :], after[..., : now + 1, :])


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e4), (np.float64, 1e5)])
@pytest.mark.parametrize("tile_size", [1, 2, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_huge_scores_rise_and_fall_from_tile_to_tile(sign, tile_size, dtype, size):
    heights = sign * np.array([0, -1, 1, -3, 2, 2, -5])
    key = heights[:, None].astype(dtype)
    query = np.array([[size], [-size], [0]], dtype)
    value = np.arange(7, dtype=dtype)[:, None] ** 2
    output = tiled_attention(query, key, value, tile_size=tile_size)
    top, bottom = (16 + 25) / 2, 36.0
    best = [top, bottom] if sign == 1 else [bottom, top]
    np.testing.assert_allclose(output[:, 0], [*best, 13.0], rtol=1e-6)


@pytest.mark.parametrize("hidden", [False, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_tiles_leave_zeros_where_nothing_is_seen(hidden, dtype):
    query, key, value = normal(0, dtype, (2, 3), (4, 3), (4, 5))
    mask = np.full((2, 4), hidden)
    mask[1, 2] = hidden is False
    output = tiled_attention(query, key, value, mask, tile_size=1)
    np.testing.assert_array_equal(output, np.stack([np.zeros(5, dtype), value[2]]))


def test_memory_of_tiles_grows_with_the_tile():
    query, key, value = normal(0, np.float32, *3 * [(1500, 8)])
    peaks = []
    for tile_size in (50, 500):
        tracemalloc.start()
        tiled_attention(query, key, value, tile_size=tile_size)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    small, large = peaks
    assert small < 0.5e6
    assert 2e6 < large < 5e6
    assert large < 4 * 1500**2


# Windows


@laws
@given(
    inputs(most=200),
    st.integers(1, 220),
    st.booleans(),
    st.sampled_from([None, 0.3]),
)
def test_a_window_by_blocks_is_the_window_by_mask(case, window, causal, scale):
    n_q, n_k = case["query"].shape[-2], case["key"].shape[-2]
    mask = sliding_window_mask(n_q, n_k, window=window, causal=causal)
    expected, _ = scaled_dot_product_attention(
        **case, attn_mask=mask, scale=scale, return_weights=True
    )
    result = sliding_window_attention(**case, window=window, causal=causal, scale=scale)
    assert_close(result, expected, case["query"].dtype)


@laws
@given(inputs(most=150, least_keys=150))
def test_the_smallest_window_returns_the_value_and_the_largest_is_causal(case):
    n_q = case["query"].shape[-2]
    alone = sliding_window_attention(**case, window=1)
    expected = np.broadcast_to(case["value"][..., :n_q, :], alone.shape)
    assert_close(alone, expected, alone.dtype)
    expected = scaled_dot_product_attention(**case, is_causal=True)
    whole = sliding_window_attention(**case, window=150)
    assert_close(whole, expected, whole.dtype)


@pytest.mark.parametrize("causal", [True, False])
def test_a_window_does_not_see_beyond_itself_to_the_last_bit(causal):
    query, key, value = normal(0, np.float32, *3 * [(300, 4)])
    before = sliding_window_attention(query, key, value, window=10, causal=causal)
    key[150:], value[150:] = 1e3, 0
    after = sliding_window_attention(query, key, value, window=10, causal=causal)
    same = (before == after).all(axis=-1)
    stop = 150 if causal else 141
    assert same[:stop].all()
    assert not same[stop:].any()


def test_memory_of_a_window_grows_with_the_window():
    query, key, value = normal(0, np.float32, *3 * [(4096, 8)])
    tracemalloc.start()
    sliding_window_attention(query, key, value, window=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6 < 4 * 4096**2


# Linear attention


def linear_by_weights(query, key, value, is_causal=False):
    """Write out the weights of linear attention, row by row."""

    def features(x):
        return np.where(x < 0, np.exp(x), x + 1)

    with np.errstate(over="ignore"):
        query, key = features(query), features(key)
    weights = np.einsum("...qd,...kd->...qk", query, key)
    if is_causal:
        weights = np.where(causal_mask(*weights.shape[-2:]), weights, 0)
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total > 0, total, 1) @ value


@laws
@given(inputs(most=200), st.booleans())
def test_linear_attention_is_attention_with_other_weights(case, is_causal):
    expected = linear_by_weights(**case, is_causal=is_causal)
    result = linear_attention(**case, is_causal=is_causal)
    assert_close(result, expected, case["query"].dtype)


@laws
@given(inputs(most=150), st.integers(0, 149), seeds)
def test_causal_linear_attention_does_not_see_the_future(case, now, seed):
    before = linear_attention(**case, is_causal=True)
    rng = np.random.default_rng(seed)
    edited = {name: x.copy() for name, x in case.items()}
    for x in edited.values():
        x[..., now + 1 :, :] = 1e3 * rng.standard_normal(x[..., now + 1 :, :].shape)
    after = linear_attention(**edited, is_causal=True)
    np.testing.assert_array_equal(before[..., : now + 1, :], after[..., : now + 1, :])
    past = {name: x[..., : now + 1, :] for name, x in case.items()}
    alone = linear_attention(**past, is_causal=True)
    shown = before[..., : now + 1, :]
    assert_close(shown, alone, shown.dtype)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e4), (np.float64, 1e5)])
def test_linear_attention_of_huge_inputs_is_finite(dtype, size, is_causal):
    query, key, value = normal(0, dtype, (5, 3), (6, 3), (6, 2))
    result = linear_attention(
        dtype(size) * query, dtype(size) * key, value, is_causal=is_causal
    )
    exact = linear_by_weights(
        *(x.astype(np.float64) for x in (size * query, size * key, value)),
        is_causal=is_causal,
    )
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("is_causal", [False, True])
def test_features_that_round_to_0_give_zeros(is_causal):
    query = np.full((2, 3), -1e4, np.float32)
    result = linear_attention(query, query, query, is_causal=is_causal)
    np.testing.assert_array_equal(result, np.zeros((2, 3), np.float32), strict=True)


# The cache


@laws
@given(
    leading_shapes,
    st.lists(st.integers(0, 7), min_size=1, max_size=8),
    dtypes,
    seeds,
)
def test_decoding_with_a_cache_is_decoding_at_once(leading, steps, dtype, seed):
    n = sum(steps)
    shapes = [(*leading, n, 4), (*leading, n, 4), (*leading, n, 3)]
    query, key, value = normal(seed, dtype, *shapes)
    cache, outputs, start = KVCache(), [], 0
    for step in steps:
        new = slice(start, start + step)
        keys, values = cache.append(key[..., new, :], value[..., new, :])
        start += step
        assert len(cache) == start
        np.testing.assert_array_equal(keys, key[..., :start, :], strict=True)
        np.testing.assert_array_equal(values, value[..., :start, :], strict=True)
        mask = causal_mask(step, start, offset=start - step)
        outputs.append(
            scaled_dot_product_attention(query[..., new, :], keys, values, mask)
        )
    whole = scaled_dot_product_attention(query, key, value, is_causal=True)
    assert_close(np.concatenate(outputs, axis=-2), whole, dtype)
    assert cache.nbytes == key.nbytes + value.nbytes


def test_what_a_cache_returned_stays_as_it_was():
    cache = KVCache()
    assert len(cache) == cache.nbytes == 0
    new = np.ones((2, 3, 4), np.float32), np.ones((2, 3, 5), np.float32)
    views = [cache.append(*new)]
    for x in new:
        x[...] = 2
    for _ in range(9):
        views.append(cache.append(*new))
    for step, (keys, values) in enumerate(views):
        for x in (keys, values):
            assert x.dtype == np.float32
            assert (x[:, :3] == 1).all()
            assert (x[:, 3:] == 2).all()
            assert x.shape[1] == 3 * (step + 1)
            with pytest.raises(ValueError, match="read-only"):
                x[0] = 0


def test_room_in_a_cache_is_made_seldom():
    cache, homes = KVCache(), set()
    for _ in range(1000):
        keys, _ = cache.append(np.ones((1, 4)), np.ones((1, 4)))
        homes.add(keys.base.ctypes.data)
    assert len(homes) <= 12
    assert keys.base.nbytes <= 2 * keys.nbytes


def test_a_cache_makes_float16_single_and_integers_real():
    keys, values = KVCache().append(np.ones((1, 2), np.float16), [[1, 2]])
    assert keys.dtype == np.float32
    assert values.dtype == np.float64


@pytest.mark.parametrize(
    ("argument", "bad", "words"),
    [
        ("key", np.zeros(4), ["(..., n, d_k)", "(4,)"]),
        ("key", np.zeros((2, 1, 5)), ["(2, 1, 4)", "(2, 1, 5)"]),
        ("key", np.zeros((2, 1, 4), np.float32), ["float64", "float32"]),
        ("key", np.zeros((2, 1, 4), complex), ["real", "complex128"]),
        ("value", np.zeros(3), ["(..., n, d_v)", "(3,)"]),
        ("value", np.zeros((2, 2, 3)), ["(2, 1, 3)", "(2, 2, 3)"]),
        ("value", np.zeros((1, 3)), ["(2, 1, 3)", "(1, 3)"]),
        ("value", np.zeros((2, 1, 4)), ["(2, 1, 3)", "(2, 1, 4)"]),
        ("value", np.zeros((2, 1, 3), np.float32), ["float64", "float32"]),
        ("value", "a", ["real", "<U1"]),
    ],
)
def test_a_cache_refuses_what_does_not_fit_and_stays_as_it_was(argument, bad, words):
    cache = KVCache()
    good = {"key": np.ones((2, 1, 4)), "value": np.ones((2, 1, 3))}
    cache.append(**good)
    with pytest.raises((TypeError, ValueError), match=argument) as caught:
        cache.append(**{**good, argument: bad})
    for word in ["must", *words]:
        assert word in str(caught.value)
    assert len(cache) == 1
    keys, values = cache.append(**good)
    assert (keys == 1).all()
    assert (values == 1).all()


def test_a_cache_refuses_another_number_of_sequences():
    cache = KVCache()
    cache.append(np.ones((2, 1, 4)), np.ones((2, 1, 3)))
    with pytest.raises(ValueError, match=r"`key` must have shape \(2, 1, 4\)"):
        cache.append(np.ones((3, 1, 4)), np.ones((3, 1, 3)))


# What holds for the arguments of all


def name_of(function):
    return getattr(function, "__name__", None)


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_arguments_may_be_read_only_and_laid_out_in_any_way(function):
    expected = function(**ARRAYS, **FUNCTIONS[function])

    def every_other(x):
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
        wide[..., ::2] = x
        return wide[..., ::2]

    for layout in (np.copy, every_other, np.asfortranarray, lambda x: x.astype(">f8")):
        given = {name: layout(x) for name, x in ARRAYS.items()}
        for x in given.values():
            x.flags.writeable = False
        result = function(**given, **FUNCTIONS[function])
        np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-14)
        for name, x in given.items():
            np.testing.assert_array_equal(x, ARRAYS[name])


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_dtypes(function):
    def result(dtype):
        arrays = {name: x.astype(dtype) for name, x in ARRAYS.items()}
        return function(**arrays, **FUNCTIONS[function])

    assert result(np.float64).dtype == np.float64
    assert result(np.float32).dtype == np.float32
    half = {name: x.astype(np.float16) for name, x in ARRAYS.items()}
    single = {name: x.astype(np.float32) for name, x in half.items()}
    expected = function(**single, **FUNCTIONS[function])
    halved = function(**half, **FUNCTIONS[function])
    np.testing.assert_array_equal(halved, expected, strict=True)
    whole = function(
        **{name: np.rint(x).astype(int) for name, x in ARRAYS.items()},
        **FUNCTIONS[function],
    )
    expected = function(
        **{name: np.rint(x) for name, x in ARRAYS.items()}, **FUNCTIONS[function]
    )
    np.testing.assert_array_equal(whole, expected, strict=True)


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        ((2, 5, 4), (2, 0, 4), (2, 0, 6)),
        ((2, 0, 4), (2, 7, 4), (2, 7, 6)),
        ((0, 5, 4), (0, 7, 4), (0, 7, 6)),
        ((5, 4), (0, 4), (3, 0, 6)),
    ],
)
def test_what_is_empty_gives_zeros(function, query, key, value):
    options = {**FUNCTIONS[function]}
    options.pop("attn_mask", None)
    result = function(
        np.ones(query, np.float32),
        np.ones(key, np.float32),
        np.ones(value, np.float32),
        **options,
    )
    leading = np.broadcast_shapes(query[:-2], key[:-2], value[:-2])
    expected = np.zeros((*leading, query[-2], 6), np.float32)
    np.testing.assert_array_equal(result, expected, strict=True)


NOT_REAL = [np.zeros((2, 4, 6), complex), np.full((2, 4, 6), "a"), None]
NOT_A_FLAG = ["yes", 1, None]
NOT_WHOLE = [2.5, "2", True, None, 0, -1]
BAD_ARRAYS = [
    ("query", [*NOT_REAL, np.zeros(6), np.zeros((3, 5)), np.zeros((3, 3, 6))]),
    ("key", [*NOT_REAL, np.zeros(6), np.zeros((4, 5)), np.zeros((3, 6))]),
    ("key", [np.zeros((3, 4, 6))]),
    ("value", [*NOT_REAL, np.zeros(6), np.zeros((3, 5)), np.zeros((3, 4, 5))]),
]
BAD = [(f, name, every) for f in FUNCTIONS for name, every in BAD_ARRAYS] + [
    (tiled_attention, "attn_mask", [NOT_REAL[1], np.ones((3, 4), int)]),
    (tiled_attention, "attn_mask", [np.zeros((4, 3)), np.zeros((5, 2, 3, 4))]),
    (tiled_attention, "is_causal", NOT_A_FLAG),
    (tiled_attention, "scale", ["1", 1j, np.nan, np.inf, np.ones(2)]),
    (tiled_attention, "tile_size", NOT_WHOLE),
    (sliding_window_attention, "window", NOT_WHOLE),
    (sliding_window_attention, "causal", NOT_A_FLAG),
    (sliding_window_attention, "scale", ["1", 1j, np.nan, np.inf, np.ones(2)]),
    (linear_attention, "is_causal", NOT_A_FLAG),
]


@pytest.mark.parametrize(
    ("function", "argument", "bad"),
    [(f, name, bad) for f, name, every in BAD for bad in every],
)
def test_a_bad_argument_is_named_with_what_came_and_what_is_needed(
    function, argument, bad
):
    arguments = {**ARRAYS, **FUNCTIONS[function], argument: bad}
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b") as caught:
        function(**arguments)
    message, array = str(caught.value), np.asarray(bad)
    assert "must" in message
    came = [repr(bad), str(array.shape), str(array.dtype), str(bad)]
    assert any(word in message for word in came), message


def test_every_argument_of_every_function_is_tried():
    for function in FUNCTIONS:
        tried = {name for f, name, _ in BAD if f is function}
        assert tried == set(inspect.signature(function).parameters)


# PyTorch


@pytest.mark.oracle
@oracle
@given(masked_inputs(least_keys=1), st.integers(1, 50))
def test_tiles_against_pytorch(oracles, case, tile_size):
    expected = oracles.run(oracles.scaled_dot_product_attention, case)
    ours = tiled_attention(**case, tile_size=tile_size)
    assert_close(ours, expected, case["query"].dtype)


@pytest.mark.oracle
@oracle
@given(inputs(most=150), st.integers(1, 160), st.booleans())
def test_windows_against_pytorch(oracles, case, window, causal):
    n_q, n_k = case["query"].shape[-2], case["key"].shape[-2]
    behind = np.arange(n_q)[:, None] - np.arange(n_k)
    mask = (behind < window) & (behind > (-1 if causal else -window))
    expected = oracles.run(
        oracles.scaled_dot_product_attention, {**case, "attn_mask": mask}
    )
    ours = sliding_window_attention(**case, window=window, causal=causal)
    assert_close(ours, expected, case["query"].dtype)


@pytest.mark.oracle
@oracle
@given(inputs(most=150, least_keys=1), st.booleans())
def test_linear_attention_against_pytorch(oracles, torch, case, is_causal):

    def by_running_sums(query, key, value):
        query, key = (torch.nn.functional.elu(x) + 1 for x in (query, key))
        states = key[..., :, None] * value[..., None, :]
        totals = key
        if is_causal:
            states, totals = states.cumsum(-3), totals.cumsum(-2)
            # A query after the last key sees them all.
            last = torch.arange(query.shape[-2]).clamp(max=key.shape[-2] - 1)
            states, totals = states[..., last, :, :], totals[..., last, :]
        else:
            states = states.sum(-3, keepdim=True)
            totals = totals.sum(-2, keepdim=True)
        blend = (query[..., None] * states).sum(-2)
        return blend / (query * totals).sum(-1, keepdim=True)

    expected = oracles.run(by_running_sums, case)
    ours = linear_attention(**case, is_causal=is_causal)
    assert_close(ours, expected, case["query"].dtype)
