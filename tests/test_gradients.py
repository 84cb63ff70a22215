"""The backward passes: against finite differences, and what has to hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    broadcastable,
    dtypes,
    laws,
    leading_shapes,
    normal,
    seeds,
    sizes,
)

from course_utils.attention import scaled_dot_product_attention
from course_utils.finite_differences import gradient_check
from course_utils.gradients import (
    multi_head_attention_backward,
    relative_position_bias_backward,
    rotary_embedding_backward,
    scaled_dot_product_attention_backward,
    softmax_backward,
)
from course_utils.masks import causal_mask
from course_utils.multi_head import multi_head_attention
from course_utils.positions import relative_position_bias, rotary_embedding
from course_utils.softmax import masked_softmax, softmax

WEIGHTS = [(5, 8), (6, 8), (3, 12), (12, 7)]
BIASES = ("b_query", "b_key", "b_value", "b_out")


# Finite differences


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_against_finite_differences(axis):
    (x,) = normal(0, np.float64, (2, 3, 4))
    errors = gradient_check(
        lambda x: softmax(x, axis),
        lambda d, x: softmax_backward(d, softmax(x, axis), axis),
        x,
    )
    assert max(errors) < 1e-8


def test_masked_softmax_against_finite_differences():
    (x,) = normal(1, np.float64, (3, 4))
    mask = np.array([[True, False, True, True], [False] * 4, [True] * 4])
    errors = gradient_check(
        lambda x: masked_softmax(x, mask),
        lambda d, x: softmax_backward(d, masked_softmax(x, mask)),
        x,
    )
    assert max(errors) < 1e-8


HIDES = np.array([[True, False, True, True], [False] * 4, [True] * 4])


@pytest.mark.parametrize(
    ("shapes", "mask", "options"),
    [
        ([(3, 5), (4, 5), (4, 2)], None, {}),
        ([(2, 3, 5), (2, 4, 5), (2, 4, 2)], HIDES, {}),
        ([(2, 3, 5), (4, 5), (1, 4, 2)], None, {"is_causal": True}),
        ([(3, 5), (4, 5), (2, 4, 2)], None, {"scale": -0.3}),
        ([(3, 5), (4, 5), (4, 2)], HIDES, {"softcap": 0.7}),
        ([(4, 3, 5), (2, 4, 5), (2, 4, 2)], None, {"enable_gqa": True}),
        ([(2, 4, 3, 5), (1, 2, 4, 5), (2, 4, 2)], HIDES, {"enable_gqa": True}),
    ],
)
def test_attention_against_finite_differences(shapes, mask, options):
    inputs = normal(2, np.float64, *shapes)
    errors = gradient_check(
        lambda *x: scaled_dot_product_attention(*x, mask, **options),
        lambda d, *x: scaled_dot_product_attention_backward(d, *x, mask, **options),
        *inputs,
    )
    assert max(errors) < 1e-8


@pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 4), (2, 1, 3, 4), (4, 3, 1)])
@pytest.mark.parametrize("softcap", [None, 1.5])
def test_a_floating_mask_against_finite_differences(shape, softcap):
    options = {"softcap": softcap, "is_causal": True}
    inputs = normal(3, np.float64, (2, 4, 3, 5), (2, 4, 4, 5), (2, 4, 4, 2), shape)

    def backward(d, *x):
        return scaled_dot_product_attention_backward(
            d, *x, **options, return_mask_gradient=True
        )

    errors = gradient_check(
        lambda *x: scaled_dot_product_attention(*x, **options), backward, *inputs
    )
    assert len(errors) == 4
    assert max(errors) < 1e-8


def by_position(function, options, num_biases):
    """Let a multi-head function take its biases by position, as gradient_check does."""

    def call(*arrays):
        cut = len(arrays) - num_biases
        biases = dict(zip(BIASES, arrays[cut:], strict=False))
        result = function(*arrays[:cut], **biases, **options)
        return tuple(result.values()) if isinstance(result, dict) else result

    return call


@pytest.mark.parametrize("num_biases", [0, 2, 4])
@pytest.mark.parametrize("is_causal", [False, True])
def test_multi_head_attention_against_finite_differences(num_biases, is_causal):
    options = {"num_heads": 4, "num_kv_heads": 2, "is_causal": is_causal}
    options["attn_mask"] = HIDES
    shapes = [(2, 3, 5), (4, 6), (1, 4, 3), (5, 8), (6, 4), (3, 6), (12, 7)]
    shapes += [(8,), (4,), (6,), (7,)][:num_biases]
    errors = gradient_check(
        by_position(multi_head_attention, options, num_biases),
        by_position(multi_head_attention_backward, options, num_biases),
        *normal(4, np.float64, *shapes),
    )
    assert len(errors) == 7 + num_biases
    assert max(errors) < 1e-8


@pytest.mark.parametrize("shape", [(3, 4), (1, 4, 1, 4), (2, 1, 3, 4)])
def test_a_mask_of_many_heads_against_finite_differences(shape):
    *arrays, mask = normal(
        13, np.float64, (2, 3, 5), (2, 4, 6), (4, 3), *WEIGHTS, shape
    )
    errors = gradient_check(
        lambda mask: multi_head_attention(*arrays, num_heads=4, attn_mask=mask),
        lambda d, mask: multi_head_attention_backward(
            d, *arrays, num_heads=4, attn_mask=mask
        )["attn_mask"],
        mask,
    )
    assert max(errors) < 1e-8
    assert "attn_mask" not in multi_head_attention_backward(
        np.ones((2, 3, 7)), *arrays, num_heads=4, attn_mask=np.ones((3, 4), bool)
    )


def test_rotary_embedding_against_finite_differences():
    (x,) = normal(5, np.float64, (2, 3, 4))
    where = np.array([0, 3, 100])
    errors = gradient_check(
        lambda x: rotary_embedding(x, where, 50.0),
        lambda d, x: rotary_embedding_backward(d, where, 50.0),
        x,
    )
    assert max(errors) < 1e-8


@pytest.mark.parametrize("offset", [0, 2, -1])
def test_relative_position_bias_against_finite_differences(offset):
    (table,) = normal(6, np.float64, (2, 5))
    errors = gradient_check(
        lambda table: relative_position_bias(table, 3, 6, offset),
        lambda d, table: relative_position_bias_backward(d, table, offset),
        table,
    )
    assert max(errors) < 1e-8


# Laws


@laws
@given(leading_shapes, sizes, seeds, dtypes)
def test_a_shift_of_all_scores_changes_nothing(leading, n, seed, dtype):
    scores, d_weights = normal(seed, dtype, (*leading, n), (*leading, n))
    d_scores = softmax_backward(d_weights, softmax(scores))
    assert d_scores.dtype == dtype
    np.testing.assert_allclose(d_scores.sum(-1), np.zeros(leading), atol=3e-6)


@laws
@given(st.integers(2, 9), seeds)
def test_the_jacobian_of_softmax_is_symmetric(n, seed):
    weights = softmax(normal(seed, np.float64, (n,))[0])
    jacobian = np.stack([softmax_backward(row, weights) for row in np.eye(n)])
    np.testing.assert_allclose(jacobian, jacobian.T, atol=1e-15)
    np.testing.assert_allclose(np.diag(jacobian), weights * (1 - weights), atol=1e-15)


@st.composite
def attention_shapes(draw):
    """Draw shapes of d_output, query, key and value that broadcast, and a seed."""
    leading = draw(leading_shapes)
    n_q, n_k, d_k, d_v = (draw(sizes) for _ in range(4))
    key_leading, value_leading = (draw(broadcastable(leading)) for _ in range(2))
    return (
        [
            (*leading, n_q, d_v),
            (*leading, n_q, d_k),
            (*key_leading, n_k, d_k),
            (*value_leading, n_k, d_v),
        ],
        draw(seeds),
    )


@laws
@given(attention_shapes(), dtypes)
def test_gradients_have_the_shape_and_dtype_of_their_inputs(drawn, dtype):
    shapes, seed = drawn
    arrays = normal(seed, dtype, *shapes)
    gradients = scaled_dot_product_attention_backward(*arrays)
    assert [x.shape for x in gradients] == [x.shape for x in arrays[1:]]
    assert all(x.dtype == dtype for x in gradients)


@laws
@given(attention_shapes(), st.randoms(use_true_random=False))
def test_pairs_may_come_in_any_order(drawn, random):
    shapes, seed = drawn
    d_output, query, key, value = normal(seed, np.float64, *shapes)
    order = list(range(key.shape[-2]))
    random.shuffle(order)
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value
    )
    same, d_key_moved, d_value_moved = scaled_dot_product_attention_backward(
        d_output, query, key[..., order, :], value[..., order, :]
    )
    np.testing.assert_allclose(same, d_query, atol=1e-13)
    np.testing.assert_allclose(d_key_moved, d_key[..., order, :], atol=1e-13)
    np.testing.assert_allclose(d_value_moved, d_value[..., order, :], atol=1e-13)


@laws
@given(st.integers(1, 8), st.data())
def test_causal_gradients_reach_no_future_key(n, data):
    asked = data.draw(st.integers(0, n - 1))
    d_output, query, key, value = normal(7, np.float64, *[(2, n, 3)] * 4)
    d_output[:, np.arange(n) != asked] = 0
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value, is_causal=True
    )
    assert not d_key[:, asked + 1 :].any()
    assert not d_value[:, asked + 1 :].any()
    assert not d_query[:, np.arange(n) != asked].any()
    by_mask = scaled_dot_product_attention_backward(
        d_output, query, key, value, causal_mask(n, n)
    )
    for one, other in zip((d_query, d_key, d_value), by_mask, strict=True):
        np.testing.assert_array_equal(one, other)


def test_heads_that_share_a_key_add_up_as_copies_would():
    d_output, query, key, value = normal(
        8, np.float64, (2, 6, 3, 4), (2, 6, 3, 5), (2, 3, 7, 5), (2, 3, 7, 4)
    )
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value, enable_gqa=True
    )
    copies = scaled_dot_product_attention_backward(
        d_output, query, key.repeat(2, axis=1), value.repeat(2, axis=1)
    )
    np.testing.assert_allclose(d_query, copies[0], atol=1e-14)
    for shared, copied in ((d_key, copies[1]), (d_value, copies[2])):
        added = copied[:, 0::2] + copied[:, 1::2]
        np.testing.assert_allclose(shared, added, atol=1e-14)


def test_what_nothing_can_see_gets_no_gradient():
    d_output, query, key, value = normal(9, np.float32, (3, 2), (3, 5), (4, 5), (4, 2))
    hidden = np.array([[False] * 4, [True, True, False, True], [False] * 4])
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value, hidden
    )
    assert not d_query[[0, 2]].any()
    assert d_query[1].any()
    assert not d_key[2].any()
    assert not d_value[2].any()
    infinite = np.where(hidden, 0, -np.inf)
    *others, d_mask = scaled_dot_product_attention_backward(
        d_output, query, key, value, infinite, return_mask_gradient=True
    )
    np.testing.assert_array_equal(others[0], d_query)
    assert not d_mask[~hidden].any()
    assert d_mask.dtype == np.float32


def test_without_keys_the_gradients_are_zero_or_empty():
    d_output, query, key, value = normal(10, np.float64, (3, 2), (3, 5), (0, 5), (0, 2))
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value
    )
    assert d_query.shape == (3, 5)
    assert not d_query.any()
    assert d_key.shape == (0, 5)
    assert d_value.shape == (0, 2)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e4), (np.float64, 1e5)])
def test_huge_scores_are_as_good_as_hard_attention(dtype, size):
    query, key = dtype([[1.0]]), dtype([[size], [-size], [0.0]])
    value, d_output = dtype([[1.0], [2.0], [3.0]]), dtype([[7.0]])
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_output, query, key, value
    )
    np.testing.assert_array_equal(d_value, [[7.0], [0.0], [0.0]])
    assert not d_query.any()
    assert not d_key.any()


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.bool_])
def test_other_numbers_become_what_they_become_going_forward(dtype):
    arrays = [
        np.array(x, dtype) for x in ([[1]], [[1, 0]], [[1, 1], [0, 1]], [[1], [0]])
    ]
    expected = np.float16 if dtype is np.float16 else np.float64
    exact = scaled_dot_product_attention_backward(*(x.astype(float) for x in arrays))
    for ours, theirs in zip(
        scaled_dot_product_attention_backward(*arrays), exact, strict=True
    ):
        assert ours.dtype == expected
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_options_of_numpy_do_not_promote():
    arrays = normal(11, np.float32, (3, 2), (3, 5), (4, 5), (4, 2))
    gradients = scaled_dot_product_attention_backward(
        *arrays, scale=np.float64(0.3), softcap=np.float64(2.0)
    )
    same = scaled_dot_product_attention_backward(*arrays, scale=0.3, softcap=2.0)
    for one, other in zip(gradients, same, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_three_roles_of_a_sequence_add_up():
    x, *matrices, d_output = normal(12, np.float64, (5, 4), *[(4, 4)] * 4, (5, 4))
    gradients = multi_head_attention_backward(
        d_output, x, x, x, *matrices, num_heads=2, is_causal=True
    )
    errors = gradient_check(
        lambda x: multi_head_attention(x, x, x, *matrices, num_heads=2, is_causal=True),
        lambda d, x: sum(
            multi_head_attention_backward(
                d, x, x, x, *matrices, num_heads=2, is_causal=True
            )[role]
            for role in ("query", "key", "value")
        ),
        x,
    )
    assert max(errors) < 1e-8
    assert list(gradients)[:3] == ["query", "key", "value"]


@laws
@given(leading_shapes, sizes, st.integers(1, 5), seeds)
def test_turning_back_undoes_turning(leading, n, pairs, seed):
    (x,) = normal(seed, np.float64, (*leading, n, 2 * pairs))
    turned = rotary_embedding(x, np.arange(n))
    back = rotary_embedding_backward(turned, np.arange(n, dtype=np.uint8))
    np.testing.assert_allclose(back, x, atol=1e-14)


@laws
@given(leading_shapes, sizes, sizes, st.integers(0, 4), st.integers(-3, 9), seeds)
def test_the_table_gets_as_much_as_the_bias(leading, n_q, n_k, m, offset, seed):
    table, d_bias = normal(
        seed, np.float64, (*leading, 2 * m + 1), (*leading, n_q, n_k)
    )
    d_table = relative_position_bias_backward(d_bias, table, offset)
    assert d_table.shape == table.shape
    np.testing.assert_allclose(d_table.sum(-1), d_bias.sum((-1, -2)), atol=1e-12)
    bias = relative_position_bias(table, n_q, n_k, offset)
    np.testing.assert_allclose((d_table * table).sum(), (d_bias * bias).sum())
