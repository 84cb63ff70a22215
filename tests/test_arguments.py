"""What holds for the arguments of every function: how they are read, and refused."""

import inspect
import itertools
from contextlib import suppress

import numpy as np
import pytest
from samples import SAMPLES, what_came

from course_utils.attention import scaled_dot_product_attention
from course_utils.layers import embedding_vjp
from course_utils.masks import (
    block_mask,
    causal_mask,
    combine_masks,
    padding_mask,
    receptive_field,
    sliding_window_mask,
)
from course_utils.multi_head import merge_heads, multi_head_attention, split_heads
from course_utils.multi_head_layer import MultiHeadAttention
from course_utils.pooling import attend, leave_one_out, nadaraya_watson
from course_utils.positions import (
    alibi_bias,
    alibi_slopes,
    learned_positions,
    relative_position_bias,
    rotary_embedding,
    sinusoidal_positions,
)
from course_utils.scores import (
    additive_score,
    bilinear_score,
    cosine_score,
    dot_product_score,
    gaussian_score,
)
from course_utils.softmax import (
    entropy,
    hard_attention,
    log_softmax,
    masked_softmax,
    softmax,
)

REAL = {
    function: arguments
    for function, arguments in SAMPLES.items()
    if any(np.asarray(x).dtype == np.float64 and np.ndim(x) for x in arguments.values())
}


def name_of(function):
    return getattr(function, "__name__", None)


def with_arrays(arguments, change):
    """Apply a change to every array of floats among the arguments."""
    return {
        name: change(x) if np.ndim(x) and x.dtype == np.float64 else x
        for name, x in arguments.items()
    }


@pytest.mark.parametrize("function", SAMPLES, ids=name_of)
def test_arguments_may_be_read_only_and_are_not_changed(function):
    arguments = SAMPLES[function]
    copies = {
        name: x.copy() if isinstance(x, np.ndarray) else x
        for name, x in arguments.items()
    }
    for x in copies.values():
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    result = function(**copies)
    for name, x in copies.items():
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, arguments[name])
    assert np.isfinite(result).all()


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_the_layout_in_memory_does_not_matter(function):
    def every_other(x):
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
        wide[..., ::2] = x
        return wide[..., ::2]

    def backwards(x):
        return x[::-1].copy()[::-1]

    def foreign(x):
        return x.astype(x.dtype.newbyteorder())

    expected = function(**REAL[function])
    for layout in (every_other, backwards, np.asfortranarray, foreign):
        result = function(**with_arrays(REAL[function], layout))
        assert result.dtype == np.float64
        assert result.dtype.isnative
        np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("function", REAL, ids=name_of)
@pytest.mark.parametrize("factor", [1, 30, 1000])
def test_an_underflow_is_no_error(function, factor):
    """A learner who looks for NaN with np.seterr finds their own, not the course's."""
    scaled = with_arrays(SAMPLES[function], lambda x: x * factor)
    with np.errstate(all="raise"), suppress(ValueError):  # of weights that sum to 30
        function(**scaled)


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_no_mask_of_an_array_is_lost_without_a_word(function):
    hidden = with_arrays(SAMPLES[function], lambda x: np.ma.array(x, mask=x == x.max()))
    with pytest.raises(TypeError, match=r"got a masked one: `\w+\.filled"):
        function(**hidden)
    shown = with_arrays(SAMPLES[function], np.ma.array)  # nothing is masked in it
    np.testing.assert_array_equal(function(**shown), function(**SAMPLES[function]))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, mask: masked_softmax(x, mask),
        lambda x, mask: scaled_dot_product_attention(x, x, x, mask),
        lambda x, mask: combine_masks(mask, mask),
        lambda x, mask: embedding_vjp(x, np.ma.array([0, 1], mask=[0, 1])),
    ],
)
def test_masks_and_indices_may_not_be_masked_themselves(call):
    mask = np.ma.array(np.ones((2, 2), dtype=bool), mask=np.eye(2))
    with pytest.raises(TypeError, match="got a masked one"):
        call(np.ones((2, 2)), mask)


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_float32_stays_float32(function):
    expected = function(**REAL[function])
    assert expected.dtype == np.float64
    result = function(**with_arrays(REAL[function], np.float32))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_float16_becomes_float32(function):
    half = with_arrays(REAL[function], np.float16)
    # Every array that is not half becomes single, masks and positions as they are.
    single = {
        name: x.astype(np.float32) if getattr(x, "dtype", None) == np.float16 else x
        for name, x in half.items()
    }
    result = function(**half)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, function(**single))


@pytest.mark.parametrize("function", REAL, ids=name_of)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integers_and_booleans_become_float64(function, dtype):
    arguments = dict(REAL[function])
    mask = arguments.pop("attn_mask", None)
    whole = with_arrays(arguments, lambda x: (np.abs(x) > 0.5).astype(dtype))
    if function is entropy:
        whole["weights"] = np.eye(3, 4).astype(dtype)
    real = {
        name: x.astype(np.float64) if whole[name] is not arguments[name] else x
        for name, x in whole.items()
    }
    if mask is not None:
        whole["attn_mask"] = real["attn_mask"] = mask
    result = function(**whole)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, function(**real))


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_lists_are_arrays_too(function):
    listed = with_arrays(REAL[function], np.ndarray.tolist)
    np.testing.assert_array_equal(function(**listed), function(**REAL[function]))


@pytest.mark.parametrize("function", REAL, ids=name_of)
def test_one_float64_argument_makes_the_result_float64(function):
    names = [
        name
        for name, x in REAL[function].items()
        if np.ndim(x) and x.dtype == np.float64 and name != "attn_mask"
    ]
    for double in names:
        arguments = with_arrays(REAL[function], np.float32)
        arguments[double] = arguments[double].astype(np.float64)
        assert function(**arguments).dtype == np.float64


def zeros(*shape):
    return np.zeros(shape)


NOT_REAL = [np.zeros((2, 3, 4), complex), np.full((2, 3, 4), "a"), None, [[1], [2, 3]]]
NOT_WHOLE = [2.5, "2", True, None]
NOT_A_NUMBER = ["1", None, 1j, np.ones(2), True]
NOT_POSITIVE = [0, -1.0, np.nan, np.inf]
NOT_A_FLAG = ["yes", 1, None]

# Function, argument, what is wrong with it. A shape of zeros goes with SAMPLES.
BAD = [
    (softmax, "x", [*NOT_REAL, np.float64(1.0)]),
    (softmax, "axis", [3, -4, *NOT_WHOLE]),
    (softmax, "temperature", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (log_softmax, "x", [*NOT_REAL, np.float64(1.0)]),
    (log_softmax, "axis", [3, -4, *NOT_WHOLE]),
    (masked_softmax, "scores", NOT_REAL),
    (masked_softmax, "mask", [np.ones(4, int), zeros(4), np.ones(5, bool), None]),
    (masked_softmax, "mask", [np.ones((9, 2, 3, 4), bool)]),
    (masked_softmax, "axis", [3, -4, *NOT_WHOLE]),
    (hard_attention, "scores", [*NOT_REAL, np.float64(1.0)]),
    (hard_attention, "axis", [3, -4, *NOT_WHOLE]),
    (entropy, "weights", [*NOT_REAL, np.full(4, 0.3), np.array([1.5, -0.5])]),
    (entropy, "weights", [np.array([np.nan, 1.0]), np.array([0.0, 0.5])]),
    (entropy, "axis", [3, -4, *NOT_WHOLE]),
    (dot_product_score, "query", [*NOT_REAL, zeros(6), zeros(3, 5), zeros(3, 3, 6)]),
    (dot_product_score, "key", [*NOT_REAL, zeros(6), zeros(4, 5), zeros(3, 4, 6)]),
    (cosine_score, "query", [*NOT_REAL, zeros(6), zeros(3, 5), zeros(3, 3, 6)]),
    (cosine_score, "key", [*NOT_REAL, zeros(6), zeros(4, 5), zeros(3, 4, 6)]),
    (gaussian_score, "query", [*NOT_REAL, zeros(6), zeros(3, 5), zeros(3, 3, 6)]),
    (gaussian_score, "key", [*NOT_REAL, zeros(6), zeros(4, 5), zeros(3, 4, 6)]),
    (gaussian_score, "sigma", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (bilinear_score, "query", [*NOT_REAL, zeros(6), zeros(3, 3, 6)]),
    (bilinear_score, "key", [*NOT_REAL, zeros(5), zeros(3, 4, 5)]),
    (bilinear_score, "w_match", [*NOT_REAL, zeros(6), zeros(5, 6), zeros(1, 6, 5)]),
    (additive_score, "query", [*NOT_REAL, zeros(6), zeros(3, 3, 6)]),
    (additive_score, "key", [*NOT_REAL, zeros(5), zeros(3, 4, 5)]),
    (additive_score, "w_query", [*NOT_REAL, zeros(6), zeros(7, 6), zeros(6, 8)]),
    (additive_score, "w_key", [*NOT_REAL, zeros(5), zeros(7, 5), zeros(5, 8)]),
    (additive_score, "v", [*NOT_REAL, zeros(7, 1), zeros(1, 7), zeros()]),
    (attend, "weights", [*NOT_REAL, zeros(4), zeros(3, 5), zeros(3, 3, 4)]),
    (attend, "value", [*NOT_REAL, zeros(4), zeros(3, 5), zeros(3, 4, 5)]),
    (nadaraya_watson, "query", [*NOT_REAL, zeros(6), zeros(3, 5), zeros(3, 3, 6)]),
    (nadaraya_watson, "key", [*NOT_REAL, zeros(6), zeros(3, 6), zeros(3, 4, 6)]),
    (nadaraya_watson, "value", [*NOT_REAL, zeros(4), zeros(3, 5), zeros(3, 4, 5)]),
    (nadaraya_watson, "bandwidth", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (leave_one_out, "key", [*NOT_REAL, zeros(6), zeros(3, 6), zeros(3, 4, 6)]),
    (leave_one_out, "value", [*NOT_REAL, zeros(4), zeros(3, 5), zeros(3, 4, 5)]),
    (leave_one_out, "bandwidth", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (causal_mask, "n_q", [-1, *NOT_WHOLE]),
    (causal_mask, "n_k", [-1, 2.5, "2", True]),
    (causal_mask, "offset", NOT_WHOLE),
    (sliding_window_mask, "n_q", [-1, *NOT_WHOLE]),
    (sliding_window_mask, "n_k", [-1, 2.5, "2", True]),
    (sliding_window_mask, "window", [0, -1, *NOT_WHOLE]),
    (sliding_window_mask, "causal", NOT_A_FLAG),
    (sliding_window_mask, "offset", NOT_WHOLE),
    (block_mask, "n", [-1, *NOT_WHOLE]),
    (block_mask, "block", [0, -1, *NOT_WHOLE]),
    (block_mask, "summaries", NOT_A_FLAG),
    (receptive_field, "masks", [zeros(2, 3, 3), zeros(2, 3, 4) > 0, zeros(3, 3) > 0]),
    (padding_mask, "lengths", [[1.0], [True], "3", None, [-1, 2], [2, 5], [[1], []]]),
    (padding_mask, "n_k", [-1, *NOT_WHOLE]),
    (scaled_dot_product_attention, "query", [*NOT_REAL, zeros(3, 6), zeros(4, 3, 5)]),
    (scaled_dot_product_attention, "query", [zeros(2, 3, 3, 6), zeros(3, 4, 3, 6)]),
    (scaled_dot_product_attention, "key", [*NOT_REAL, zeros(4, 6), zeros(2, 4, 5)]),
    (scaled_dot_product_attention, "key", [zeros(2, 3, 6), zeros(1, 4, 6)]),
    (scaled_dot_product_attention, "key", [zeros(0, 4, 6), zeros(3, 2, 4, 6)]),
    (scaled_dot_product_attention, "value", [*NOT_REAL, zeros(4, 5), zeros(2, 3, 5)]),
    (scaled_dot_product_attention, "value", [zeros(4, 4, 5), zeros(3, 2, 4, 5)]),
    (
        scaled_dot_product_attention,
        "attn_mask",
        [*NOT_REAL[:2], np.ones((3, 4), int), zeros(4, 3), zeros(3, 1, 4, 3, 4)],
    ),
    (scaled_dot_product_attention, "is_causal", NOT_A_FLAG),
    (scaled_dot_product_attention, "scale", ["1", 1j, np.ones(2), np.nan, np.inf]),
    (scaled_dot_product_attention, "softcap", ["1", 1j, np.ones(2), *NOT_POSITIVE]),
    (scaled_dot_product_attention, "enable_gqa", NOT_A_FLAG),
    (scaled_dot_product_attention, "return_weights", NOT_A_FLAG),
    (split_heads, "x", [*NOT_REAL, zeros(6)]),
    (split_heads, "num_heads", [0, -2, 4, *NOT_WHOLE]),
    (merge_heads, "x", [*NOT_REAL, zeros(3, 5)]),
    (multi_head_attention, "query", [*NOT_REAL, zeros(6), zeros(3, 5), zeros(3, 3, 6)]),
    (multi_head_attention, "key", [*NOT_REAL, zeros(6), zeros(4, 5), zeros(3, 4, 6)]),
    (multi_head_attention, "key", [zeros(2, 3, 6)]),
    (multi_head_attention, "value", [*NOT_REAL, zeros(5), zeros(4, 6), zeros(3, 4, 5)]),
    (multi_head_attention, "w_query", [*NOT_REAL, zeros(6), zeros(6, 7), zeros(8, 6)]),
    (multi_head_attention, "w_query", [zeros(6, 0)]),
    (multi_head_attention, "w_key", [*NOT_REAL, zeros(6), zeros(6, 8), zeros(4, 6)]),
    (multi_head_attention, "w_value", [*NOT_REAL, zeros(6), zeros(5, 3), zeros(4, 5)]),
    (multi_head_attention, "w_out", [*NOT_REAL, zeros(8), zeros(7, 8), zeros(1, 8, 7)]),
    (multi_head_attention, "num_heads", [0, 3, *NOT_WHOLE]),
    (multi_head_attention, "num_kv_heads", [0, 3, 2.5, "2", True]),
    (multi_head_attention, "b_query", [*NOT_REAL[:2], zeros(7), zeros(1, 8), zeros()]),
    (multi_head_attention, "b_key", [*NOT_REAL[:2], zeros(8), zeros(1, 4)]),
    (multi_head_attention, "b_value", [*NOT_REAL[:2], zeros(8), zeros(1, 4)]),
    (multi_head_attention, "b_out", [*NOT_REAL[:2], zeros(8), zeros(1, 7)]),
    (
        multi_head_attention,
        "attn_mask",
        [NOT_REAL[1], np.ones((3, 4), int), zeros(4, 3), zeros(2, 3, 4)],
    ),
    (multi_head_attention, "is_causal", NOT_A_FLAG),
    (multi_head_attention, "return_weights", NOT_A_FLAG),
    (sinusoidal_positions, "n", [-1, *NOT_WHOLE]),
    (sinusoidal_positions, "d_model", [0, 3, *NOT_WHOLE]),
    (sinusoidal_positions, "base", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (learned_positions, "rng", [0, None, np.random]),
    (learned_positions, "n", [0, *NOT_WHOLE]),
    (learned_positions, "d_model", [0, *NOT_WHOLE]),
    (learned_positions, "std", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (relative_position_bias, "table", [*NOT_REAL, zeros(2, 4), zeros(), zeros(0)]),
    (relative_position_bias, "n_q", [-1, *NOT_WHOLE]),
    (relative_position_bias, "n_k", [-1, 2.5, "2", True]),
    (relative_position_bias, "offset", NOT_WHOLE),
    (rotary_embedding, "x", [*NOT_REAL, zeros(6), zeros(3, 5)]),
    (rotary_embedding, "positions", [*NOT_REAL, zeros(4), zeros(5, 2, 3)]),
    (rotary_embedding, "positions", [[0, 1, np.nan], [0, 1, np.inf]]),
    (rotary_embedding, "base", [*NOT_A_NUMBER, *NOT_POSITIVE]),
    (alibi_slopes, "num_heads", [0, -1, *NOT_WHOLE]),
    (alibi_bias, "num_heads", [0, -1, *NOT_WHOLE]),
    (alibi_bias, "n_q", [-1, *NOT_WHOLE]),
    (alibi_bias, "n_k", [-1, 2.5, "2", True]),
    (alibi_bias, "offset", NOT_WHOLE),
]


@pytest.mark.parametrize(
    ("function", "argument", "bad"),
    [(f, name, bad) for f, name, every in BAD for bad in every],
    ids=lambda x: getattr(x, "__name__", str(x)[:30].replace("\n", "")),
)
def test_a_bad_argument_is_named_with_what_came_and_what_is_needed(
    function, argument, bad
):
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b") as caught:
        function(**{**SAMPLES[function], argument: bad})
    message = str(caught.value)
    assert "must" in message
    assert any(word in message for word in what_came(bad)), message


def test_every_argument_of_every_function_is_tried():
    tried = {(function, argument) for function, argument, _ in BAD}
    for function, arguments in SAMPLES.items():
        assert set(arguments) == set(inspect.signature(function).parameters)
        assert {(function, name) for name in arguments} <= tried


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ((), ["masks", "got none"]),
        (([[1, 0]],), ["masks[0]", "int64"]),
        (([[True]], zeros(2)), ["masks[1]", "float64"]),
        ((np.ones((2, 3), bool), np.ones(4, bool)), ["masks", "(2, 3), (4,)"]),
    ],
)
def test_bad_masks_are_named(masks, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        combine_masks(*masks)
    assert all(word in str(caught.value) for word in [*words, "must"])


STATE = {"in_proj_weight": zeros(18, 6), "out_proj.weight": zeros(6, 6)}
BIASES = {"in_proj_bias": zeros(18), "out_proj.bias": zeros(6)}
SEPARATE = {
    "q_proj_weight": zeros(6, 6),
    "k_proj_weight": zeros(6, 4),
    "v_proj_weight": zeros(6, 5),
    "out_proj.weight": zeros(6, 6),
}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ([("in_proj_weight", zeros(18, 6))], ["state", "list"]),
        ({}, ["state", "in_proj_weight", "got []"]),
        ({**STATE, "bias_k": zeros(1, 1, 6)}, ["state", "bias_k"]),
        ({**STATE, "in_proj_bias": zeros(18)}, ["state", "out_proj.bias"]),
        ({**SEPARATE, "in_proj_weight": zeros(18, 6)}, ["state", "in_proj_weight"]),
        ({**STATE, "in_proj_weight": zeros(17, 6)}, ["in_proj_weight", "(17, 6)"]),
        ({**STATE, "out_proj.weight": zeros(6, 5)}, ["out_proj.weight", "(6, 5)"]),
        ({**STATE, "out_proj.weight": [["a"]]}, ["out_proj.weight", "<U1"]),
        ({**STATE, **BIASES, "in_proj_bias": zeros(6)}, ["in_proj_bias", "(6,)"]),
        ({**STATE, **BIASES, "out_proj.bias": zeros(6, 1)}, ["out_proj", "(6, 1)"]),
        ({**SEPARATE, "q_proj_weight": zeros(6, 4)}, ["q_proj_weight", "(6, 4)"]),
        ({**SEPARATE, "k_proj_weight": zeros(6)}, ["k_proj_weight", "(6,)"]),
        ({**SEPARATE, "v_proj_weight": zeros(5, 6)}, ["v_proj_weight", "(5, 6)"]),
    ],
)
def test_a_bad_state_is_named_and_changes_nothing(state, words):
    module = MultiHeadAttention(np.random.default_rng(0), 6, 2)
    before = dict(vars(module))
    with pytest.raises((TypeError, ValueError)) as caught:
        module.load_torch_state(state)
    assert all(word in str(caught.value) for word in [*words, "must"])
    assert all(before[name] is x for name, x in vars(module).items())


def test_a_state_does_not_fit_grouped_heads():
    module = MultiHeadAttention(np.random.default_rng(0), 6, 2, num_kv_heads=1)
    with pytest.raises(ValueError, match=r"`state` has .* num_heads = 2; got 1"):
        module.load_torch_state(STATE)


@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        *itertools.product(["rng"], [0, None]),
        *itertools.product(["d_model", "num_heads"], [0, 5, *NOT_WHOLE]),
        *itertools.product(["num_kv_heads"], [0, 4, 2.5, "2", True]),
    ],
)
def test_a_module_is_not_made_of_bad_arguments(argument, bad):
    good = {"rng": np.random.default_rng(0), "d_model": 6, "num_heads": 3}
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b") as caught:
        MultiHeadAttention(**{**good, argument: bad})
    assert repr(bad) in str(caught.value)


def test_a_module_refuses_what_its_function_refuses():
    module = MultiHeadAttention(np.random.default_rng(0), 6, 2)
    x = zeros(3, 6)
    for arguments, word in (
        ({"query": zeros(6)}, "query"),
        ({"query": x, "key": zeros(3, 5)}, "key"),
        ({"query": x, "key": x, "value": zeros(2, 6)}, "value"),
        ({"query": x, "value": x}, "`value` must come with its `key`"),
        ({"query": x, "attn_mask": [[0, 1]]}, "attn_mask"),
        ({"query": x, "is_causal": 1}, "is_causal"),
        ({"query": x, "return_weights": 1}, "return_weights"),
    ):
        with pytest.raises((TypeError, ValueError), match=word):
            module(**arguments)
