"""The words that a bad argument is told, whole: they name it and say what is needed."""

import numpy as np
import pytest
from samples import SAMPLES

from course_utils.attention import scaled_dot_product_attention
from course_utils.masks import (
    causal_mask,
    combine_masks,
    padding_mask,
    sliding_window_mask,
)
from course_utils.multi_head import (
    MATRICES,
    merge_heads,
    multi_head_attention,
    multi_head_attention_vjp,
    split_heads,
)
from course_utils.multi_head_layer import MultiHeadAttention
from course_utils.pooling import attend
from course_utils.positions import (
    learned_positions,
    relative_position_bias,
    rotary_embedding,
    sinusoidal_positions,
)
from course_utils.scores import additive_score, bilinear_score, dot_product_score
from course_utils.softmax import (
    entropy,
    hard_attention,
    log_softmax,
    masked_softmax,
    softmax,
)

zeros = np.zeros
NO_BIASES = dict.fromkeys(("b_query", "b_key", "b_value", "b_out"))
MESSAGES = [
    (
        softmax,
        {"x": zeros(())},
        "`x` must have at least one axis; got shape ()",
    ),
    (
        softmax,
        {"axis": 3},
        "`axis` must be one of the 3 axes of `x`, whose shape is (2, 3, 4); got 3",
    ),
    (
        softmax,
        {"temperature": 0},
        "`temperature` must be greater than 0; got 0",
    ),
    (
        softmax,
        {"temperature": np.inf},
        "`temperature` must be finite; got inf",
    ),
    (
        softmax,
        {"temperature": None},
        "`temperature` must be one real number; got None",
    ),
    (
        log_softmax,
        {"axis": -4},
        "`axis` must be one of the 3 axes of `x`, whose shape is (2, 3, 4); got -4",
    ),
    (
        masked_softmax,
        {"mask": np.ones(4, int)},
        "`mask` must hold booleans (True = may attend); got dtype int64",
    ),
    (
        masked_softmax,
        {"mask": np.ones(5, bool)},
        "`mask` must have a shape that broadcasts to (2, 3, 4); got (5,)",
    ),
    (
        masked_softmax,
        {"axis": 3},
        "`axis` must be one of the 3 axes of `scores`, whose shape is (2, 3, 4); got 3",
    ),
    (
        hard_attention,
        {"axis": 1.5},
        "`axis` must be an integer; got 1.5",
    ),
    (
        entropy,
        {"axis": 3},
        "`axis` must be one of the 3 axes of `weights`, whose shape is (2, 3, 4); "
        "got 3",
    ),
    (
        entropy,
        {"weights": np.float64([0.5, 0.25])},
        "`weights` must sum to 1 along axis 0 (or to 0 where fully masked); one "
        "row sums to 0.75",
    ),
    (
        entropy,
        {"weights": np.float64([1.5, -0.5])},
        "`weights` must be at least 0; the smallest is -0.5",
    ),
    (
        dot_product_score,
        {"query": zeros(6)},
        "`query` must have shape (..., n_q, d); got (6,)",
    ),
    (
        dot_product_score,
        {"key": zeros(6)},
        "`key` must have shape (..., n_k, d); got (6,)",
    ),
    (
        dot_product_score,
        {"key": zeros((2, 4, 5))},
        "`query` (..., n_q, d) and `key` (..., n_k, d) must have the same d; got "
        "shapes (2, 3, 6) and (2, 4, 5)",
    ),
    (
        dot_product_score,
        {"key": zeros((3, 4, 6))},
        "leading axes (...) must broadcast; got `query` (2, 3, 6), `key` (3, 4, 6)",
    ),
    (
        bilinear_score,
        {"query": zeros(6)},
        "`query` must have shape (..., n_q, d_q); got (6,)",
    ),
    (
        bilinear_score,
        {"key": zeros(5)},
        "`key` must have shape (..., n_k, d_k); got (5,)",
    ),
    (
        bilinear_score,
        {"w_match": zeros((5, 6))},
        "`query` (..., n_q, d_q) and `w_match` (d_q, d_k) must have the same d_q; "
        "got shapes (2, 3, 6) and (5, 6)",
    ),
    (
        additive_score,
        {"query": zeros(6)},
        "`query` must have shape (..., n_q, d_q); got (6,)",
    ),
    (
        additive_score,
        {"key": zeros(5)},
        "`key` must have shape (..., n_k, d_k); got (5,)",
    ),
    (
        additive_score,
        {"w_query": zeros((7, 6))},
        "`query` (..., n_q, d_q) and `w_query` (d_q, d_hidden) must have the "
        "same d_q; got shapes (2, 3, 6) and (7, 6)",
    ),
    (
        additive_score,
        {"w_key": zeros((7, 5))},
        "`key` (..., n_k, d_k) and `w_key` (d_k, d_hidden) must have the same "
        "d_k; got shapes (2, 4, 5) and (7, 5)",
    ),
    (
        additive_score,
        {"v": zeros((7, 1))},
        "`v` must have shape (d_hidden,); got (7, 1)",
    ),
    (
        attend,
        {"value": zeros((3, 5))},
        "`weights` (..., n_q, n_k) and `value` (..., n_k, d_v) must have the "
        "same n_k; got shapes (2, 3, 4) and (3, 5)",
    ),
    (
        attend,
        {"weights": zeros(4)},
        "`weights` must have shape (..., n_q, n_k); got (4,)",
    ),
    (
        attend,
        {"value": zeros(4)},
        "`value` must have shape (..., n_k, d_v); got (4,)",
    ),
    (
        causal_mask,
        {"n_q": -1},
        "`n_q` must be at least 0; got -1",
    ),
    (
        causal_mask,
        {"n_k": True},
        "`n_k` must be an integer; got True",
    ),
    (
        sliding_window_mask,
        {"window": 0},
        "`window` must be at least 1; got 0",
    ),
    (
        sliding_window_mask,
        {"causal": 1},
        "`causal` must be True or False; got 1",
    ),
    (
        padding_mask,
        {"lengths": [1.0]},
        "`lengths` must hold integers; got dtype float64",
    ),
    (
        padding_mask,
        {"lengths": [2, 5]},
        "`lengths` must be from 0 to 4; got 5",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((3, 6))},
        "`query` must have shape (..., h_q, n_q, d_k); got (3, 6)",
    ),
    (
        scaled_dot_product_attention,
        {"key": zeros((4, 6))},
        "`key` must have shape (..., h_kv, n_k, d_k); got (4, 6)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((4, 5))},
        "`value` must have shape (..., h_kv, n_k, d_v); got (4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros(6), "enable_gqa": False},
        "`query` must have shape (..., n_q, d_k); got (6,)",
    ),
    (
        scaled_dot_product_attention,
        {"key": zeros((2, 4, 5))},
        "`query` (..., h_q, n_q, d_k) and `key` (..., h_kv, n_k, d_k) must have "
        "the same d_k; got shapes (2, 4, 3, 6) and (2, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((2, 3, 5))},
        "`key` (..., h_kv, n_k, d_k) and `value` (..., h_kv, n_k, d_v) must have "
        "the same n_k; got shapes (2, 2, 4, 6) and (2, 3, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((4, 4, 5))},
        "`key` (..., h_kv, n_k, d_k) and `value` (..., h_kv, n_k, d_v) must have "
        "the same h_kv; got shapes (2, 2, 4, 6) and (4, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((2, 3, 3, 6))},
        "`query` must have a multiple of the 2 heads of `key` when enable_gqa is "
        "True; got 3 (shape (2, 3, 3, 6))",
    ),
    (
        scaled_dot_product_attention,
        {"key": zeros((2, 0, 4, 6)), "value": zeros((2, 0, 4, 5))},
        "`query` must have a multiple of the 0 heads of `key` when enable_gqa is "
        "True; got 4 (shape (2, 4, 3, 6))",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((3, 4, 3, 6))},
        "leading axes (...) must broadcast; got `query` (3, 4, 3, 6), `key` (2, "
        "2, 4, 6), `value` (2, 2, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((2, 4, 3, 0)), "key": zeros((2, 2, 4, 0)), "scale": None},
        "`query` must have a d_k of at least 1; got (2, 4, 3, 0)",
    ),
    (
        scaled_dot_product_attention,
        {"attn_mask": np.ones((3, 4), int)},
        "`attn_mask` must hold booleans (True = may attend) or floats (added to "
        "the scores); got dtype int64",
    ),
    (
        scaled_dot_product_attention,
        {"attn_mask": zeros((4, 3))},
        "`attn_mask` must have a shape that broadcasts to (2, 4, 3, 4); got (4, 3)",
    ),
    (
        split_heads,
        {"x": zeros(6)},
        "`x` must have shape (..., n, d_model); got (6,)",
    ),
    (
        split_heads,
        {"num_heads": 4},
        "`num_heads` must divide d_model = 6; got 4",
    ),
    (
        merge_heads,
        {"x": zeros((3, 5))},
        "`x` must have shape (..., num_heads, n, d_head); got (3, 5)",
    ),
    (
        multi_head_attention,
        {"num_kv_heads": 3},
        "`num_kv_heads` must divide num_heads = 4; got 3",
    ),
    (
        multi_head_attention,
        {"query": zeros(6)},
        "`query` must have shape (..., n_q, d_query); got (6,)",
    ),
    (
        multi_head_attention,
        {"key": zeros(6)},
        "`key` must have shape (..., n_k, d_key); got (6,)",
    ),
    (
        multi_head_attention,
        {"value": zeros(5)},
        "`value` must have shape (..., n_k, d_value); got (5,)",
    ),
    (
        multi_head_attention,
        {"value": zeros((2, 3, 5))},
        "`key` (..., n_k, d_key) and `value` (..., n_k, d_value) must have the "
        "same n_k; got shapes (2, 4, 6) and (2, 3, 5)",
    ),
    (
        multi_head_attention,
        {"w_query": zeros(6)},
        "`w_query` must have shape (..., d_query, h·d_k); got (6,)",
    ),
    (
        multi_head_attention,
        {"w_query": zeros((6, 7))},
        "`w_query` (..., d_query, h·d_k) and `b_query` (..., h·d_k) must have "
        "the same h·d_k; got shapes (6, 7) and (8,)",
    ),
    (
        multi_head_attention,
        {"w_key": zeros((6, 8))},
        "`w_key` (..., d_key, h_kv·d_k) and `b_key` (..., h_kv·d_k) must have "
        "the same h_kv·d_k; got shapes (6, 8) and (4,)",
    ),
    (
        multi_head_attention,
        {"w_value": zeros(5)},
        "`w_value` must have shape (..., d_value, h_kv·d_v); got (5,)",
    ),
    (
        multi_head_attention,
        {"w_value": zeros((4, 4))},
        "`value` (..., n_k, d_value) and `w_value` (..., d_value, h_kv·d_v) must "
        "have the same d_value; got shapes (2, 4, 5) and (4, 4)",
    ),
    (
        multi_head_attention,
        {"w_out": zeros(8)},
        "`w_out` must have shape (..., h·d_v, d_out); got (8,)",
    ),
    (
        multi_head_attention,
        {"w_out": zeros((7, 8))},
        "`w_out` (..., h·d_v, d_out) and `b_out` (..., d_out) must have the same "
        "d_out; got shapes (7, 8) and (7,)",
    ),
    (
        multi_head_attention,
        {**NO_BIASES, "w_query": zeros((6, 7))},
        "`w_query` must have shape (6, 4); got (6, 7)",
    ),
    (
        multi_head_attention,
        {**NO_BIASES, "w_query": zeros((6, 0))},
        "`w_query` must have shape (6, 4); got (6, 0)",
    ),
    (
        multi_head_attention,
        {**NO_BIASES, "w_key": zeros((6, 8))},
        "`w_key` must have shape (6, 4); got (6, 8)",
    ),
    (
        multi_head_attention,
        {**NO_BIASES, "w_value": zeros((5, 3))},
        "`w_value` must have shape (5, 2); got (5, 3)",
    ),
    (
        multi_head_attention,
        {**NO_BIASES, "w_out": zeros((9, 7))},
        "`w_out` must have shape (8, 7); got (9, 7)",
    ),
    (
        multi_head_attention,
        {"b_key": zeros(5)},
        "`w_key` (..., d_key, h_kv·d_k) and `b_key` (..., h_kv·d_k) must have "
        "the same h_kv·d_k; got shapes (6, 4) and (5,)",
    ),
    (
        multi_head_attention,
        {"attn_mask": zeros((2, 3, 4))},
        "`attn_mask` must have 2 axes, (n_q, n_k), or all 4 of the weights, "
        "(..., num_heads or 1, n_q, n_k); got shape (2, 3, 4)",
    ),
    (
        sinusoidal_positions,
        {"d_model": 3},
        "`d_model` must be even; got 3",
    ),
    (
        learned_positions,
        {"rng": 0},
        "`rng` must be a generator, such as numpy.random.default_rng(0); got 0",
    ),
    (
        relative_position_bias,
        {"table": zeros(4)},
        "`table` must have an odd number of entries on its last axis, for the "
        "distances from -m to m; got shape (4,)",
    ),
    (
        relative_position_bias,
        {"table": zeros(())},
        "`table` must have shape (..., distances); got ()",
    ),
    (
        rotary_embedding,
        {"x": zeros((3, 5))},
        "`x` must have an even d; got shape (3, 5)",
    ),
    (
        rotary_embedding,
        {"positions": [0, 1, np.inf]},
        "`positions` must be finite; got inf",
    ),
]


@pytest.mark.parametrize(("function", "bad", "message"), MESSAGES)
def test_a_message_says_all_there_is_to_say(function, bad, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        function(**{**SAMPLES[function], **bad})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (masked_softmax, "scores"),
        (masked_softmax, "mask"),
        (scaled_dot_product_attention, "attn_mask"),
        (multi_head_attention, "attn_mask"),
    ],
)
def test_what_makes_no_array_is_named(function, argument):
    with pytest.raises(ValueError, match=f"^`{argument}` must be an array of num"):
        function(**{**SAMPLES[function], argument: [[1], [2, 3]]})


@pytest.mark.skipif(np.longdouble(1).itemsize == 8, reason="it is float64 here")
def test_a_mask_of_long_doubles_is_named():
    arguments = SAMPLES[scaled_dot_product_attention]
    with pytest.raises(TypeError, match=r"^`attn_mask` must hold real numbers"):
        scaled_dot_product_attention(**{**arguments, "attn_mask": np.longdouble([0])})


@pytest.mark.parametrize("names", [MATRICES[1:], (*MATRICES, "w_more"), ()])
def test_the_words_of_parameters_by_name(names):
    x = np.ones((3, 4))
    with pytest.raises(ValueError, match="parameters") as caught:
        multi_head_attention_vjp(x, x, x, dict.fromkeys(names, np.eye(4)), num_heads=2)
    assert str(caught.value) == (
        "`parameters` must have w_query, w_key, w_value, w_out, and may have "
        f"b_query, b_key, b_value, b_out; got {sorted(names)}"
    )


def test_the_words_of_what_takes_no_names():
    with pytest.raises(TypeError) as caught:
        combine_masks()
    assert str(caught.value) == "`masks` must hold at least one mask; got none"
    module = MultiHeadAttention(np.random.default_rng(0), 4, 2)
    with pytest.raises(
        ValueError, match=r"^`value` must come with its `key`; got a value"
    ):
        module(np.ones((3, 4)), value=np.ones((3, 4)))
    state = {"in_proj_weight": zeros((12, 5)), "out_proj.weight": zeros((4, 4))}
    with pytest.raises(ValueError, match="state") as caught:
        module.load_torch_state(state)
    assert str(caught.value) == (
        "`state['in_proj_weight']` must have shape (12, 4); got (12, 5)"
    )
