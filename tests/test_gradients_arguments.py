"""What the backward passes take, what they refuse, and what they leave alone."""

import numpy as np
import pytest

from course_utils.gradients import (
    multi_head_attention_backward,
    relative_position_bias_backward,
    rotary_embedding_backward,
    scaled_dot_product_attention_backward,
    softmax_backward,
)


def zeros(*shape):
    return np.zeros(shape)


ATTENTION = (zeros(3, 2), zeros(3, 5), zeros(4, 5), zeros(4, 2))
GROUPED = (zeros(4, 3, 2), zeros(4, 3, 5), zeros(2, 4, 5), zeros(2, 4, 2))
MULTI_HEAD = {
    "d_output": zeros(3, 7),
    "query": zeros(3, 5),
    "key": zeros(4, 6),
    "value": zeros(4, 3),
    "w_query": zeros(5, 8),
    "w_key": zeros(6, 8),
    "w_value": zeros(3, 4),
    "w_out": zeros(4, 7),
    "b_query": zeros(8),
    "b_key": zeros(8),
    "b_value": zeros(4),
    "b_out": zeros(7),
    "num_heads": 2,
}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["a"], [1.0], -1), TypeError, "d_weights"),
        (([1.0, 2.0], [1.0], -1), ValueError, r"d_weights needs .*\(1,\).*\(2,\)"),
        (([1.0], [1j], -1), TypeError, "weights"),
        ((1.0, 1.0, -1), ValueError, "axis"),
        (([1.0], [1.0], 1), ValueError, "axis"),
        (([1.0], [1.0], 0.5), TypeError, "axis"),
    ],
)
def test_softmax_backward_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        softmax_backward(*arguments)


@pytest.mark.parametrize(
    ("place", "bad", "error", "message"),
    [
        (0, zeros(3, 3), ValueError, r"d_output needs .*\(3, 2\).*\(3, 3\)"),
        (0, zeros(2), ValueError, "d_output"),
        (0, [["a"]], TypeError, "d_output"),
        (1, zeros(5), ValueError, "query"),
        (1, zeros(3, 4), ValueError, "query and key"),
        (2, zeros(5), ValueError, "key"),
        (2, zeros(3, 5), ValueError, "key and value"),
        (3, zeros(2), ValueError, "value"),
        (3, zeros(4, 2) * 1j, TypeError, "value"),
    ],
)
def test_attention_backward_refuses_arrays(place, bad, error, message):
    arguments = list(ATTENTION)
    arguments[place] = bad
    with pytest.raises(error, match=message):
        scaled_dot_product_attention_backward(*arguments)


@pytest.mark.parametrize(
    ("arrays", "options", "error", "message"),
    [
        (ATTENTION, {"attn_mask": zeros(3, 5)}, ValueError, "attn_mask"),
        (ATTENTION, {"attn_mask": [[1] * 4] * 3}, TypeError, "attn_mask"),
        (ATTENTION, {"is_causal": 1}, TypeError, "is_causal"),
        (ATTENTION, {"scale": np.inf}, ValueError, "scale"),
        (ATTENTION, {"softcap": 0.0}, ValueError, "softcap"),
        (ATTENTION, {"enable_gqa": "yes"}, TypeError, "enable_gqa"),
        (ATTENTION, {"enable_gqa": True}, ValueError, "query"),
        (GROUPED, {"enable_gqa": False}, ValueError, "query, key and value|query and"),
        (ATTENTION, {"return_mask_gradient": 1}, TypeError, "return_mask_gradient"),
        (ATTENTION, {"return_mask_gradient": True}, ValueError, "attn_mask.*None"),
        (
            ATTENTION,
            {"return_mask_gradient": True, "attn_mask": np.ones((3, 4), bool)},
            ValueError,
            "attn_mask.*bool",
        ),
    ],
)
def test_attention_backward_refuses_options(arrays, options, error, message):
    with pytest.raises(error, match=message):
        scaled_dot_product_attention_backward(*arrays, **options)


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        ("d_output", zeros(3, 6), ValueError),
        ("d_output", zeros(3, 7) * 1j, TypeError),
        ("query", zeros(3, 4), ValueError),
        ("key", zeros(6), ValueError),
        ("value", zeros(5, 3), ValueError),
        ("w_query", zeros(5, 7), ValueError),
        ("w_key", zeros(5, 8), ValueError),
        ("w_value", zeros(3, 3), ValueError),
        ("w_out", zeros(3, 7), ValueError),
        ("b_query", zeros(1), ValueError),
        ("b_key", zeros(1, 8), ValueError),
        ("b_value", zeros(3), ValueError),
        ("b_out", ["a"] * 7, TypeError),
        ("num_heads", 0, ValueError),
        ("num_kv_heads", 3, ValueError),
        ("attn_mask", zeros(2, 4), ValueError),
        ("attn_mask", zeros(3, 3, 4), ValueError),
        ("is_causal", None, TypeError),
    ],
)
def test_multi_head_backward_refuses(name, bad, error):
    with pytest.raises(error, match=name):
        multi_head_attention_backward(**{**MULTI_HEAD, name: bad})


def test_multi_head_backward_refuses_a_mask_whose_batch_could_be_heads():
    batched = {name: zeros(2, *MULTI_HEAD[name].shape) for name in list(MULTI_HEAD)[:4]}
    with pytest.raises(ValueError, match=r"attn_mask needs 2 axes.*\(2, 3, 4\)"):
        multi_head_attention_backward(
            **{**MULTI_HEAD, **batched}, attn_mask=zeros(2, 3, 4)
        )


def test_multi_head_backward_takes_what_the_table_above_spoils():
    gradients = multi_head_attention_backward(**MULTI_HEAD)
    assert len(gradients) == 11


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((zeros(3, 3), [0, 1, 2]), ValueError, "x needs an even"),
        ((["a"], [0]), TypeError, "x"),
        ((zeros(3, 2), [0, 1]), ValueError, "positions"),
        ((zeros(3, 2), ["a"]), TypeError, "positions"),
        ((zeros(3, 2), [0, 1, 2], 0.0), ValueError, "base"),
    ],
)
def test_rotary_backward_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        rotary_embedding_backward(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((zeros(3), zeros(5)), ValueError, "d_bias"),
        ((zeros(2, 3, 3), zeros(5)), ValueError, r"d_bias needs .*\(3, 3\)"),
        ((zeros(3, 3) * 1j, zeros(5)), TypeError, "d_bias"),
        ((zeros(3, 3), zeros(4)), ValueError, "table"),
        ((zeros(3, 3), 0.0), ValueError, "table"),
        ((zeros(3, 3), ["a"] * 5), TypeError, "table"),
        ((zeros(3, 3), zeros(5), 0.5), TypeError, "offset"),
    ],
)
def test_relative_backward_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        relative_position_bias_backward(*arguments)


def test_inputs_stay_as_they_are_and_may_lie_anywhere():
    def awkward(*shape):
        x = np.random.default_rng(0).standard_normal((*shape[::-1], 2))[..., 0].T
        x.flags.writeable = False
        return x

    cases = [
        (softmax_backward, [awkward(3, 4), awkward(3, 4)], {}),
        (
            scaled_dot_product_attention_backward,
            [awkward(*x.shape) for x in GROUPED] + [awkward(3, 4)],
            {"enable_gqa": True, "softcap": 2.0, "return_mask_gradient": True},
        ),
        (
            multi_head_attention_backward,
            [awkward(*x.shape) for x in list(MULTI_HEAD.values())[:8]],
            {"num_heads": 2},
        ),
        (rotary_embedding_backward, [awkward(3, 4), np.arange(3)], {}),
        (relative_position_bias_backward, [awkward(2, 3, 3), awkward(2, 5)], {}),
    ]
    for function, arrays, options in cases:
        copies = [np.array(x, order="C") for x in arrays]
        ours, plain = function(*arrays, **options), function(*copies, **options)
        for x, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(x, copy)
        flat = [list(r.values()) if isinstance(r, dict) else r for r in (ours, plain)]
        for one, other in zip(*flat, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
