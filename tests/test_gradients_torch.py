"""The backward passes against those of PyTorch, stored and live."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    broadcastable,
    dtypes,
    leading_shapes,
    normal,
    seeds,
    sizes,
)
from torch_oracles import many, shapes, tensors, torch_attention, torch_multi_head, wide

from course_utils.attention import scaled_dot_product_attention
from course_utils.gradients import (
    multi_head_attention_backward,
    relative_position_bias_backward,
    rotary_embedding_backward,
    scaled_dot_product_attention_backward,
    softmax_backward,
)
from course_utils.positions import relative_position_bias
from course_utils.softmax import softmax

BIASES = ("b_query", "b_key", "b_value", "b_out")


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


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
