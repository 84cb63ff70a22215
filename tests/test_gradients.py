"""The backward passes: against finite differences, PyTorch, and what has to hold."""

from pathlib import Path

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
    seeds,
    sizes,
)
from torch_oracles import many, shapes, tensors, torch_attention, torch_multi_head, wide

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


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


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


# Arrays that PyTorch made


def references():
    stored = np.load(Path(__file__).parent / "reference" / "gradients.npz")
    cases = {}
    for name in stored.files:
        case, part = name.rsplit(".", 1)
        cases.setdefault(case, {})[part] = stored[name]
    return cases


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "case"), references().items(), ids=references())
def test_gradients_are_those_that_pytorch_gave(name, case, dtype):
    function = {
        "attention": scaled_dot_product_attention_backward,
        "multi_head": multi_head_attention_backward,
    }[name.split("-")[0]]
    arrays = {k: x for k, x in case.items() if not k.startswith("expected_")}
    arrays = {
        k: x.item() if x.ndim == 0 else x.astype(dtype) if x.dtype.kind == "f" else x
        for k, x in arrays.items()
    }
    floating = arrays.get("attn_mask", np.True_).dtype.kind == "f"
    if floating:
        arrays["return_mask_gradient"] = True
    gradients = function(**arrays)
    if not isinstance(gradients, dict):
        names = ("query", "key", "value", "attn_mask")
        gradients = dict(zip(names, gradients, strict=False))
    assert len(gradients) == sum(k.startswith("expected_") for k in case)
    for key, ours in gradients.items():
        assert_close(ours, case[f"expected_{key}"].astype(dtype), dtype)


# PyTorch, live


@pytest.mark.oracle
@many
@given(shapes, wide, st.integers(0, 3), seeds, dtypes)
def test_softmax_against_torch(torch, leading, n, axis, seed, dtype):
    shape = (*leading, n)
    axis %= len(shape)
    x, d_weights = normal(seed, dtype, shape, shape)
    (scores,) = tensors(torch, x)
    torch.softmax(scores, axis).backward(torch.tensor(d_weights))
    ours = softmax_backward(d_weights, softmax(x, axis), axis)
    assert_close(ours, scores.grad, dtype)


@st.composite
def attention_cases(draw):
    """Draw shapes, a mask's kind and shape, and the options of attention."""
    leading = draw(leading_shapes)
    heads, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n_q, n_k, d_k, d_v = (draw(sizes) for _ in range(4))
    d_k *= draw(st.sampled_from([1, 8]))
    enable_gqa = draw(st.booleans())
    h_q, h_kv = (heads * groups, heads) if enable_gqa else (heads, heads)
    key_leading, value_leading = (draw(broadcastable(leading)) for _ in range(2))
    scores = (*leading, h_q, n_q, n_k)
    shapes = {
        "d_output": (*leading, h_q, n_q, d_v),
        "query": (*leading, h_q, n_q, d_k),
        "key": (*key_leading, h_kv, n_k, d_k),
        "value": (*value_leading, h_kv, n_k, d_v),
        "attn_mask": draw(broadcastable(scores)),
    }
    options = {
        "enable_gqa": enable_gqa,
        "is_causal": draw(st.booleans()),
        "scale": draw(st.sampled_from([None, None, -0.1])),
        "softcap": draw(st.sampled_from([None, None, 2.0])),
    }
    return shapes, scores, draw(st.sampled_from([None, bool, float])), options


@pytest.mark.oracle
@many
@given(attention_cases(), seeds, dtypes)
def test_attention_against_torch(torch, drawn, seed, dtype):
    shapes, shape, kind, options = drawn
    d_output, *arrays, mask = normal(seed, dtype, *shapes.values())
    inputs = tensors(torch, *arrays)
    mask = None if kind is None else mask > 0 if kind is bool else mask
    torch_mask = None if mask is None else torch.tensor(mask)
    if kind is float:
        torch_mask.requires_grad_()
    output = torch_attention(torch, *inputs, torch_mask, shape, options)
    output.backward(torch.tensor(d_output))
    assert_close(
        scaled_dot_product_attention(*arrays, mask, **options), output.detach(), dtype
    )
    ours = scaled_dot_product_attention_backward(
        d_output, *arrays, mask, **options, return_mask_gradient=kind is float
    )
    theirs = [x.grad for x in inputs]
    if kind is float:
        theirs.append(torch_mask.grad)
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, other, dtype)


@st.composite
def multi_head_cases(draw):
    """Draw the shapes of multi-head attention's arrays, and its options."""
    leading, kv, groups = draw(leading_shapes), draw(st.integers(1, 3)), draw(sizes)
    n_q, n_k, d_k, d_v, d_query, d_key, d_value, d_out = (
        draw(st.integers(1, 6)) for _ in range(8)
    )
    key_leading, value_leading = (draw(broadcastable(leading)) for _ in range(2))
    groups = min(groups, 3)
    shapes = {
        "query": (*leading, n_q, d_query),
        "key": (*key_leading, n_k, d_key),
        "value": (*value_leading, n_k, d_value),
        "w_query": (d_query, kv * groups * d_k),
        "w_key": (d_key, kv * d_k),
        "w_value": (d_value, kv * d_v),
        "w_out": (kv * groups * d_v, d_out),
    }
    widths = (kv * groups * d_k, kv * d_k, kv * d_v, d_out)
    for name, width in zip(BIASES, widths, strict=True):
        if draw(st.booleans()):
            shapes[name] = (width,)
    options = {
        "num_heads": kv * groups,
        "num_kv_heads": kv,
        "is_causal": draw(st.booleans()),
    }
    return (*leading, n_q, d_out), shapes, options, draw(st.booleans())


@pytest.mark.oracle
@many
@given(multi_head_cases(), seeds, dtypes)
def test_multi_head_attention_against_torch(torch, drawn, seed, dtype):
    output_shape, shapes, options, masked = drawn
    d_output, *arrays = normal(seed, dtype, output_shape, *shapes.values())
    arrays = [  # matrices of the size that training starts from
        x / np.sqrt(dtype(len(x))) if name.startswith("w_") else x
        for name, x in zip(shapes, arrays, strict=True)
    ]
    given = dict(zip(shapes, tensors(torch, *arrays), strict=True))
    n_q, n_k = shapes["query"][-2], shapes["key"][-2]
    mask = np.random.default_rng(seed).random((n_q, n_k)) < 0.7 if masked else None
    torch_mask = torch.tensor(mask) if masked else None
    output = torch_multi_head(torch, given, torch_mask, options)
    output.backward(torch.tensor(d_output))
    ours = multi_head_attention_backward(
        d_output, **dict(zip(shapes, arrays, strict=True)), **options, attn_mask=mask
    )
    assert list(ours) == list(shapes)
    for name, x in ours.items():
        assert_close(x, given[name].grad, dtype)


@pytest.mark.oracle
@many
@given(leading_shapes, wide, wide, seeds, dtypes)
def test_rotary_embedding_against_torch(torch, leading, n, pairs, seed, dtype):
    shape = (*leading, n, 2 * pairs)
    x, d_turned = normal(seed, dtype, shape, shape)
    (vectors,) = tensors(torch, x)
    frequencies = 10000.0 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    angles = torch.arange(n)[:, None] * frequencies
    turns = torch.polar(torch.ones_like(angles), angles)
    turned = torch.view_as_complex(vectors.double().unflatten(-1, (pairs, 2))) * turns
    turned = torch.view_as_real(turned).flatten(-2).to(vectors.dtype)
    turned.backward(torch.tensor(d_turned))
    ours = rotary_embedding_backward(d_turned, np.arange(n))
    assert_close(ours, vectors.grad, dtype)


@pytest.mark.oracle
@many
@given(leading_shapes, sizes, sizes, st.integers(0, 4), st.integers(-3, 9), seeds)
def test_relative_bias_against_torch(torch, leading, n_q, n_k, m, offset, seed):
    for dtype in (np.float32, np.float64):
        table, d_bias = normal(seed, dtype, (*leading, 2 * m + 1), (*leading, n_q, n_k))
        (weights,) = tensors(torch, table)
        distance = torch.arange(n_k) - torch.arange(n_q)[:, None] - offset
        bias = weights[..., distance.clamp(-m, m) + m]
        bias.backward(torch.tensor(d_bias))
        assert_close(
            relative_position_bias(table, n_q, n_k, offset), bias.detach(), dtype
        )
        ours = relative_position_bias_backward(d_bias, table, offset)
        assert_close(ours, weights.grad, dtype)


# What is refused


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
