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
from course_utils.multi_head import merge_heads, multi_head_attention, split_heads
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
MESSAGES = [
    (
        softmax,
        {"x": zeros(())},
        "x needs at least one axis; its shape is ()",
    ),
    (
        softmax,
        {"axis": 3},
        "axis needs to be one of the 3 axes of x, whose shape is (2, 3, 4); it is 3",
    ),
    (
        softmax,
        {"temperature": 0},
        "temperature needs to be greater than 0; it is 0",
    ),
    (
        softmax,
        {"temperature": np.inf},
        "temperature needs to be finite; it is inf",
    ),
    (
        softmax,
        {"temperature": None},
        "temperature needs one real number; it is None",
    ),
    (
        log_softmax,
        {"axis": -4},
        "axis needs to be one of the 3 axes of x, whose shape is (2, 3, 4); it is -4",
    ),
    (
        masked_softmax,
        {"mask": np.ones(4, int)},
        "mask needs booleans (True = may attend); its dtype is int64",
    ),
    (
        masked_softmax,
        {"mask": np.ones(5, bool)},
        "mask needs a shape that broadcasts to (2, 3, 4); its shape is (5,)",
    ),
    (
        hard_attention,
        {"axis": 1.5},
        "axis needs an integer; it is 1.5",
    ),
    (
        entropy,
        {"axis": 3},
        "axis needs to be one of the 3 axes of weights, whose shape is (2, 3, 4);"
        " it is 3",
    ),
    (
        entropy,
        {"weights": np.float64([0.5, 0.25])},
        "weights needs rows along axis 0 that sum to 1 (or to 0 when fully "
        "masked); one sums to 0.75",
    ),
    (
        entropy,
        {"weights": np.float64([1.5, -0.5])},
        "weights needs numbers of at least 0; its smallest is -0.5",
    ),
    (
        dot_product_score,
        {"query": zeros(6)},
        "query needs the shape (..., n_q, d); its shape is (6,)",
    ),
    (
        dot_product_score,
        {"key": zeros(6)},
        "key needs the shape (..., n_k, d); its shape is (6,)",
    ),
    (
        dot_product_score,
        {"key": zeros((2, 4, 5))},
        "query and key need the same d (axis -1): query has shape (2, 3, 6), key "
        "has shape (2, 4, 5)",
    ),
    (
        dot_product_score,
        {"key": zeros((3, 4, 6))},
        "query and key need leading axes (all but the last 2) that broadcast: "
        "query has shape (2, 3, 6), key has shape (3, 4, 6)",
    ),
    (
        bilinear_score,
        {"query": zeros(6)},
        "query needs the shape (..., n_q, d_q); its shape is (6,)",
    ),
    (
        bilinear_score,
        {"key": zeros(5)},
        "key needs the shape (..., n_k, d_k); its shape is (5,)",
    ),
    (
        bilinear_score,
        {"weight": zeros((5, 6))},
        "weight needs the shape (6, 5), (d_q, d_k) of query (2, 3, 6) and key (2,"
        " 4, 5); it is (5, 6)",
    ),
    (
        additive_score,
        {"query": zeros(6)},
        "query needs the shape (..., n_q, d_q); its shape is (6,)",
    ),
    (
        additive_score,
        {"key": zeros(5)},
        "key needs the shape (..., n_k, d_k); its shape is (5,)",
    ),
    (
        additive_score,
        {"w_query": zeros((7, 6))},
        "w_query needs the shape (6, 7), (d_q of query (2, 3, 6), d_hidden of v "
        "(7,)); it is (7, 6)",
    ),
    (
        additive_score,
        {"w_key": zeros((7, 5))},
        "w_key needs the shape (5, 7), (d_k of key (2, 4, 5), d_hidden of v "
        "(7,)); it is (7, 5)",
    ),
    (
        additive_score,
        {"v": zeros((7, 1))},
        "v needs the shape (d_hidden,); its shape is (7, 1)",
    ),
    (
        attend,
        {"value": zeros((3, 5))},
        "weights and value need the same n_k: weights has shape (2, 3, 4) (n_k on"
        " axis -1), value has shape (3, 5) (n_k on axis -2)",
    ),
    (
        attend,
        {"weights": zeros(4)},
        "weights needs the shape (..., n_q, n_k); its shape is (4,)",
    ),
    (
        attend,
        {"value": zeros(4)},
        "value needs the shape (..., n_k, d_v); its shape is (4,)",
    ),
    (
        causal_mask,
        {"n_q": -1},
        "n_q needs to be at least 0; it is -1",
    ),
    (
        causal_mask,
        {"n_k": True},
        "n_k needs an integer; it is True",
    ),
    (
        sliding_window_mask,
        {"window": 0},
        "window needs to be at least 1; it is 0",
    ),
    (
        sliding_window_mask,
        {"causal": 1},
        "causal needs to be True or False; it is 1",
    ),
    (
        padding_mask,
        {"lengths": [1.0]},
        "lengths needs integers; its dtype is float64",
    ),
    (
        padding_mask,
        {"lengths": [2, 5]},
        "lengths needs integers from 0 to n_k = 4; one is 5",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((3, 6))},
        "query needs the shape (..., h, n_q, d_k); its shape is (3, 6)",
    ),
    (
        scaled_dot_product_attention,
        {"key": zeros((4, 6))},
        "key needs the shape (..., h, n_k, d_k); its shape is (4, 6)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((4, 5))},
        "value needs the shape (..., h, n_k, d_v); its shape is (4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros(6), "enable_gqa": False},
        "query needs the shape (..., n_q, d_k); its shape is (6,)",
    ),
    (
        scaled_dot_product_attention,
        {"key": zeros((2, 4, 5))},
        "query and key need the same d_k (axis -1): query has shape (2, 4, 3, 6),"
        " key has shape (2, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((2, 3, 5))},
        "key and value need the same n_k (axis -2): key has shape (2, 2, 4, 6), "
        "value has shape (2, 3, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"value": zeros((4, 4, 5))},
        "key and value need the same number of heads h_kv (axis -3): key has "
        "shape (2, 2, 4, 6), value has shape (4, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((2, 3, 3, 6))},
        "query needs a number of heads that is a multiple of key's 2 when "
        "enable_gqa is True; it has 3 (shape (2, 3, 3, 6))",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((3, 4, 3, 6))},
        "query and key and value need leading axes (all but the last 3) that "
        "broadcast: query has shape (3, 4, 3, 6), key has shape (2, 2, 4, 6), "
        "value has shape (2, 2, 4, 5)",
    ),
    (
        scaled_dot_product_attention,
        {"query": zeros((2, 4, 3, 0)), "key": zeros((2, 2, 4, 0)), "scale": None},
        "query needs a d_k of at least 1; its shape is (2, 4, 3, 0)",
    ),
    (
        scaled_dot_product_attention,
        {"attn_mask": np.ones((3, 4), int)},
        "attn_mask needs booleans (True = may attend) or floats (added to the "
        "scores); its dtype is int64",
    ),
    (
        scaled_dot_product_attention,
        {"attn_mask": zeros((4, 3))},
        "attn_mask needs a shape that broadcasts to (2, 4, 3, 4); its shape is (4, 3)",
    ),
    (
        split_heads,
        {"x": zeros(6)},
        "x needs the shape (..., n, d_model); its shape is (6,)",
    ),
    (
        split_heads,
        {"num_heads": 4},
        "num_heads needs to divide d_model = 6 of x, whose shape is (2, 3, 6); it is 4",
    ),
    (
        merge_heads,
        {"x": zeros((3, 5))},
        "x needs the shape (..., num_heads, n, d_head); its shape is (3, 5)",
    ),
    (
        multi_head_attention,
        {"num_kv_heads": 3},
        "num_kv_heads needs to divide num_heads = 4; it is 3",
    ),
    (
        multi_head_attention,
        {"query": zeros(6)},
        "query needs the shape (..., n_q, d_query); its shape is (6,)",
    ),
    (
        multi_head_attention,
        {"key": zeros(6)},
        "key needs the shape (..., n_k, d_key); its shape is (6,)",
    ),
    (
        multi_head_attention,
        {"value": zeros(5)},
        "value needs the shape (..., n_k, d_value); its shape is (5,)",
    ),
    (
        multi_head_attention,
        {"value": zeros((2, 3, 5))},
        "key and value need the same n_k (axis -2): key has shape (2, 4, 6), "
        "value has shape (2, 3, 5)",
    ),
    (
        multi_head_attention,
        {"w_query": zeros(6)},
        "w_query needs the shape (d_query, heads times size); its shape is (6,)",
    ),
    (
        multi_head_attention,
        {"w_query": zeros((6, 7))},
        "w_query needs 6 rows (d_query of query, whose shape is (2, 3, 6)) and "
        "columns for 4 heads (a multiple of that); its shape is (6, 7)",
    ),
    (
        multi_head_attention,
        {"w_key": zeros((6, 8))},
        "w_key needs the shape (6, 4), (d_key of key (2, 4, 6), num_kv_heads "
        "times d_k of w_query); it is (6, 8)",
    ),
    (
        multi_head_attention,
        {"w_value": zeros(5)},
        "w_value needs the shape (d_value, heads times size); its shape is (5,)",
    ),
    (
        multi_head_attention,
        {"w_value": zeros((4, 4))},
        "w_value needs 5 rows (d_value of value, whose shape is (2, 4, 5)) and "
        "columns for 2 heads (a multiple of that); its shape is (4, 4)",
    ),
    (
        multi_head_attention,
        {"w_out": zeros(8)},
        "w_out needs the shape (num_heads times d_v, d_out); its shape is (8,)",
    ),
    (
        multi_head_attention,
        {"w_out": zeros((7, 8))},
        "w_out needs the shape (8, 8), (num_heads times d_v of w_value, d_out); "
        "it is (7, 8)",
    ),
    (
        multi_head_attention,
        {"b_key": zeros(5)},
        "b_key needs the shape (4,), one number a column of w_key; it is (5,)",
    ),
    (
        multi_head_attention,
        {"attn_mask": zeros((2, 3, 4))},
        "attn_mask needs 2 axes, (n_q, n_k), or all 4 of the weights, (..., "
        "num_heads or 1, n_q, n_k); its shape is (2, 3, 4)",
    ),
    (
        sinusoidal_positions,
        {"d_model": 3},
        "d_model needs an even size; it is 3",
    ),
    (
        learned_positions,
        {"rng": 0},
        "rng needs a generator, such as numpy.random.default_rng(0); it is 0",
    ),
    (
        relative_position_bias,
        {"table": zeros(4)},
        "table needs an odd number of entries on its last axis, for the distances"
        " from -m to m; its shape is (4,)",
    ),
    (
        relative_position_bias,
        {"table": zeros(())},
        "table needs the shape (..., 2m + 1); its shape is ()",
    ),
    (
        rotary_embedding,
        {"x": zeros((3, 5))},
        "x needs an even d of its shape (3, 5); it is 5",
    ),
    (
        rotary_embedding,
        {"positions": [0, 1, np.inf]},
        "positions needs finite numbers; one is inf",
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
    with pytest.raises(ValueError, match=f"^{argument} needs to be an array of num"):
        function(**{**SAMPLES[function], argument: [[1], [2, 3]]})


@pytest.mark.skipif(np.longdouble(1).itemsize == 8, reason="it is float64 here")
def test_a_mask_of_long_doubles_is_named():
    arguments = SAMPLES[scaled_dot_product_attention]
    with pytest.raises(TypeError, match=r"^attn_mask needs real numbers"):
        scaled_dot_product_attention(**{**arguments, "attn_mask": np.longdouble([0])})


def test_the_words_of_what_takes_no_names():
    with pytest.raises(TypeError) as caught:
        combine_masks()
    assert str(caught.value) == "masks needs at least one mask; none came"
    module = MultiHeadAttention(np.random.default_rng(0), 4, 2)
    with pytest.raises(ValueError, match=r"^key is None, but value is not; a value "):
        module(np.ones((3, 4)), value=np.ones((3, 4)))
    state = {"in_proj_weight": zeros((12, 5)), "out_proj.weight": zeros((4, 4))}
    with pytest.raises(ValueError, match="state") as caught:
        module.load_torch_state(state)
    assert str(caught.value) == (
        "state['in_proj_weight'] needs the shape (12, 4), with d_model = 4; "
        "it is (12, 5)"
    )
