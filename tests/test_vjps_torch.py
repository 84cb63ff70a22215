"""Every step and its way back against PyTorch and its autograd, over drawn shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import (
    TOLERANCE,
    assert_close,
    broadcastable,
    leading_shapes,
    oracle,
    seeds,
    sizes,
)
from vjps import BIASES, change, defined, gradients

from course_utils.attention import attention_vjp, scaled_dot_product_attention_vjp
from course_utils.layers import (
    cross_entropy_vjp,
    dropout_vjp,
    embedding_vjp,
    gelu_vjp,
    gru_step_vjp,
    layer_norm_vjp,
    linear_vjp,
    relu_vjp,
)
from course_utils.multi_head import multi_head_attention_vjp
from course_utils.positions import relative_position_bias_vjp, rotary_embedding_vjp
from course_utils.scores import additive_score_vjp
from course_utils.softmax import softmax_vjp

wide = st.integers(1, 24)
few = st.integers(1, 6)
rows = st.tuples(wide, wide, wide) | st.tuples(wide, wide)


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
    rng = np.random.default_rng(draw(seeds))
    mask = rng.standard_normal(draw(broadcastable((*leading, h_q, n_q, n_k))))
    return {
        "query": rng.standard_normal((*leading, h_q, n_q, d_k)),
        "key": rng.standard_normal((*key_leading, h_kv, n_k, d_k)),
        "value": rng.standard_normal((*value_leading, h_kv, n_k, d_v)),
        "attn_mask": draw(st.sampled_from([None, np.asarray(mask > 0), mask])),
        "enable_gqa": enable_gqa,
        "is_causal": draw(st.booleans()),
        "scale": draw(st.sampled_from([None, None, -0.1])),
        "softcap": draw(st.sampled_from([None, None, 2.0])),
    }


@st.composite
def multi_head_cases(draw):
    """Draw the arrays of multi-head attention, and its options."""
    leading, kv, groups = draw(leading_shapes), draw(st.integers(1, 3)), draw(sizes)
    n_q, n_k, d_k, d_v, d_query, d_key, d_value, d_out = (draw(few) for _ in range(8))
    key_leading, value_leading = (draw(broadcastable(leading)) for _ in range(2))
    heads = kv * min(groups, 3)
    widths = (heads * d_k, kv * d_k, kv * d_v, d_out)
    rng = np.random.default_rng(draw(seeds))
    arrays = {
        "query": rng.standard_normal((*leading, n_q, d_query)) / 2,
        "key": rng.standard_normal((*key_leading, n_k, d_key)) / 2,
        "value": rng.standard_normal((*value_leading, n_k, d_value)) / 2,
    }
    inward = (d_query, d_key, d_value, heads * d_v)
    for name, size, width in zip(BIASES, inward, widths, strict=True):
        matrix = rng.standard_normal((size, width)) / size**0.5
        arrays[name.replace("b_", "w_")] = matrix
    for name, width in zip(BIASES, widths, strict=True):
        if draw(st.booleans()):
            arrays[name] = rng.standard_normal(width)
    mask = rng.standard_normal((n_q, n_k))
    return arrays | {
        "attn_mask": draw(st.sampled_from([None, mask > -0.5, mask])),
        "num_heads": heads,
        "num_kv_heads": kv,
        "is_causal": draw(st.booleans()),
    }


def cases(make, *drawn):
    """Draw sizes and a seed, and make arguments of them."""

    def arguments(drawn):
        *sizes, seed = drawn
        return make(np.random.default_rng(seed), *sizes)

    return st.tuples(*drawn, seeds).map(arguments)


CASES = {
    softmax_vjp: cases(lambda rng, s: {"scores": rng.standard_normal(s)}, rows),
    attention_vjp: cases(
        lambda rng, s, n_q, n_k, d_k, d_v: {
            "query": rng.standard_normal((*s, n_q, d_k)),
            "key": rng.standard_normal((*s, n_k, d_k)),
            "value": rng.standard_normal((*s, n_k, d_v)),
            "bias": rng.standard_normal((*s, n_q, n_k)),
        },
        *(leading_shapes, sizes, sizes, wide, sizes),
    ),
    scaled_dot_product_attention_vjp: attention_cases(),
    multi_head_attention_vjp: multi_head_cases(),
    additive_score_vjp: cases(
        lambda rng, s, n_q, n_k, d_q, d_k, d_hidden: {
            "query": rng.standard_normal((*s, n_q, d_q)),
            "key": rng.standard_normal((*s, n_k, d_k)),
            "w_query": rng.standard_normal((d_q, d_hidden)) / d_q,
            "w_key": rng.standard_normal((d_k, d_hidden)) / d_k,
            "v": rng.standard_normal(d_hidden) / d_hidden,
        },
        *(leading_shapes, few, few, sizes, sizes, sizes),
    ),
    rotary_embedding_vjp: cases(
        lambda rng, s, n, pairs: {
            "x": rng.standard_normal((*s, n, 2 * pairs)),
            "positions": rng.integers(-50, 500, size=n),
        },
        *(leading_shapes, wide, wide),
    ),
    relative_position_bias_vjp: cases(
        lambda rng, s, n_q, n_k, m, offset: {
            "table": rng.standard_normal((*s, 2 * m + 1)),
            "n_q": n_q,
            "n_k": n_k,
            "offset": offset,
        },
        *(leading_shapes, sizes, sizes, st.integers(0, 4), st.integers(-3, 9)),
    ),
    linear_vjp: cases(
        lambda rng, s, d_in, d_out, has_bias: {
            "x": rng.standard_normal((*s, d_in)),
            "weight": rng.standard_normal((d_in, d_out)) / d_in**0.5,
            **({"bias": rng.standard_normal(d_out)} if has_bias else {}),
        },
        *(leading_shapes, wide, wide, st.booleans()),
    ),
    embedding_vjp: cases(
        lambda rng, s, num_embeddings, d: {
            "table": rng.standard_normal((num_embeddings, d)),
            "tokens": np.asarray(rng.integers(num_embeddings, size=s)),
        },
        *(leading_shapes, wide, wide),
    ),
    layer_norm_vjp: cases(
        # Of vectors that hardly vary, and in long sums, rounding shows.
        lambda rng, s, d, epsilon: {
            "x": rng.standard_normal((*s, d)),
            "gain": rng.standard_normal(d),
            "bias": rng.standard_normal(d),
            "epsilon": epsilon,
        },
        *(
            st.tuples(few, few) | st.tuples(few, few, few),
            st.integers(3, 99),
            st.sampled_from([0.5, 1.0]),
        ),
    ),
    relu_vjp: cases(lambda rng, s: {"x": rng.standard_normal(s)}, rows),
    gelu_vjp: cases(lambda rng, s: {"x": 2 * rng.standard_normal(s)}, rows),
    gru_step_vjp: cases(
        lambda rng, s, d: {
            "inputs": rng.standard_normal((*s, 3 * d)),
            "state": rng.standard_normal((*s, d)),
            "weight": rng.standard_normal((d, 3 * d)) / d**0.5,
            "bias": rng.standard_normal(3 * d),
        },
        *(st.tuples(few, few) | st.tuples(few, few, few), wide),
    ),
    cross_entropy_vjp: cases(
        lambda rng, s, classes: {
            "logits": 5 * rng.standard_normal((*s, classes)),
            # The first position has an answer, and the others may have none.
            "targets": rng.integers(-1, classes, size=s) * (np.indices(s).sum(0) > 0),
        },
        *(rows, wide),
    ),
}


def shapes_of(arguments):
    return tuple(x if isinstance(x, int) else np.shape(x) for x in arguments.values())


@pytest.mark.oracle
@pytest.mark.parametrize("vjp", CASES, ids=lambda vjp: vjp.__name__)
def test_a_step_and_its_way_back_against_torch(oracles, vjp):
    tried = set()
    renamed = {"scores": "x"}  # by softmax
    function = getattr(oracles, vjp.__name__.removesuffix("_vjp"))

    @settings(oracle, max_examples=900)
    @given(CASES[vjp])
    def compare(arguments):
        tried.add(shapes_of(arguments))
        for dtype in (np.float32, np.float64):
            cast = change(arguments, lambda x, dtype=dtype: x.astype(dtype))
            given = {renamed.get(name, name): x for name, x in cast.items()}
            theirs, d_output, d_theirs = oracles.run(function, given, gradients=True)
            output, ours = gradients(vjp, cast, d_output)
            tolerance = TOLERANCE[np.dtype(dtype)]
            np.testing.assert_allclose(output, theirs, rtol=tolerance, atol=tolerance)
            assert len(ours) == len(d_theirs)
            for name, one in ours.items():
                assert_close(one, d_theirs[renamed.get(name, name)], dtype)

    compare()
    assert len(tried) > 500


def test_every_step_is_compared():
    assert set(CASES) | {dropout_vjp} == defined()
