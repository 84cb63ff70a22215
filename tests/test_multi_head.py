"""Laws of multi-head attention, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    broadcastable,
    compare,
    dtypes,
    laws,
    normal,
    oracle,
    seeds,
)

from course_utils.attention import scaled_dot_product_attention
from course_utils.masks import causal_mask, padding_mask
from course_utils.multi_head import multi_head_attention
from course_utils.multi_head_layer import MultiHeadAttention

small = st.integers(1, 7)


@st.composite
def cases(draw, dtype=dtypes):
    """Draw arguments of `multi_head_attention`, biases and masks included."""
    leading = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    n_q, n_k, d_query, d_key, d_value, d_k, d_v, d_out = (draw(small) for _ in range(8))
    num_kv_heads, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    num_heads = num_kv_heads * groups
    shapes = {
        "query": (*leading, n_q, d_query),
        "key": (*draw(st.sampled_from([leading, ()])), n_k, d_key),
        "value": (*leading, n_k, d_value),
        "w_query": (d_query, num_heads * d_k),
        "w_key": (d_key, num_kv_heads * d_k),
        "w_value": (d_value, num_kv_heads * d_v),
        "w_out": (num_heads * d_v, d_out),
    }
    for name in ("query", "key", "value", "out"):
        if draw(st.booleans()):
            shapes[f"b_{name}"] = shapes[f"w_{name}"][1:]
    seed = draw(seeds)
    arrays = normal(seed, draw(dtype), *shapes.values())
    case = dict(zip(shapes, arrays, strict=True))
    case |= {"num_heads": num_heads, "is_causal": draw(st.booleans())}
    if groups > 1 or draw(st.booleans()):
        case["num_kv_heads"] = num_kv_heads
    if draw(st.booleans()):
        shape = (*leading, num_heads, n_q, n_k)
        one_for_all, one_a_head = shape[-2:], draw(broadcastable(shape))
        if len(one_a_head) < len(shape):
            one_a_head = (1,) * (len(shape) - len(one_a_head)) + one_a_head
        mask_shape = draw(st.sampled_from([one_for_all, one_a_head]))
        mask = np.random.default_rng(seed).random(mask_shape) < 0.6
        case["attn_mask"] = np.asarray(mask)
    return case


@laws
@given(cases(st.just(np.float64)))
def test_each_head_attends_for_itself(case):
    output, weights = multi_head_attention(**case, return_weights=True)
    num_heads = case["num_heads"]
    num_kv_heads = case.get("num_kv_heads", num_heads)
    leading = case["query"].shape[:-2]
    n_q, n_k = case["query"].shape[-2], case["key"].shape[-2]
    assert weights.shape == (*leading, num_heads, n_q, n_k)
    mask = case.get("attn_mask")
    if mask is not None:
        mask = np.broadcast_to(mask, weights.shape)

    def project(name, heads, head):
        columns = np.split(np.arange(case[f"w_{name}"].shape[1]), heads)[head]
        bias = case.get(f"b_{name}", np.zeros(case[f"w_{name}"].shape[1]))
        return case[name] @ case[f"w_{name}"][:, columns] + bias[columns]

    expected = np.zeros(output.shape) + case.get("b_out", 0)
    for head in range(num_heads):
        shared = head * num_kv_heads // num_heads
        attended, own = scaled_dot_product_attention(
            project("query", num_heads, head),
            project("key", num_kv_heads, shared),
            project("value", num_kv_heads, shared),
            None if mask is None else mask[..., head, :, :],
            is_causal=case["is_causal"],
            return_weights=True,
        )
        np.testing.assert_allclose(
            weights[..., head, :, :], np.broadcast_to(own, (*leading, n_q, n_k))
        )
        rows = np.split(case["w_out"], num_heads)[head]
        expected += attended @ rows
    np.testing.assert_allclose(output, expected, rtol=1e-10, atol=1e-10)
    assert_close(multi_head_attention(**case), output, np.float64)


def module(d_model=6, num_heads=2, num_kv_heads=None, seed=0):
    rng = np.random.default_rng(seed)
    made = MultiHeadAttention(rng, d_model, num_heads, num_kv_heads)
    for name in ("b_query", "b_key", "b_value", "b_out"):
        setattr(made, name, rng.normal(size=getattr(made, name).shape))
    return made


@laws
@given(st.integers(1, 9), seeds)
def test_self_attention_is_permutation_equivariant(n, seed):
    attention, rng = module(), np.random.default_rng(seed)
    x, order = rng.normal(size=(2, n, 6)), rng.permutation(n)
    permuted = attention(x[:, order])
    np.testing.assert_allclose(permuted, attention(x)[:, order], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
def test_self_attention_is_cross_attention_to_oneself(num_kv_heads):
    attention = module(8, 4, num_kv_heads)
    x, memory, other = normal(0, np.float64, (2, 3, 8), (2, 5, 8), (2, 5, 8))
    np.testing.assert_array_equal(attention(x), attention(x, x, x))
    np.testing.assert_array_equal(attention(x, memory), attention(x, memory, memory))
    assert not np.allclose(attention(x, memory), attention(x, memory, other))
    expected = multi_head_attention(
        x,
        memory,
        other,
        attention.w_query,
        attention.w_key,
        attention.w_value,
        attention.w_out,
        num_heads=4,
        num_kv_heads=num_kv_heads,
        b_query=attention.b_query,
        b_key=attention.b_key,
        b_value=attention.b_value,
        b_out=attention.b_out,
    )
    np.testing.assert_array_equal(attention(x, memory, other), expected)


def test_a_causal_module_does_not_see_the_future_to_the_last_bit():
    attention = module()
    (x,) = normal(0, np.float64, (2, 5, 6))
    changed = x.copy()
    changed[:, 3:] = 1e3
    before, after = (attention(y, is_causal=True) for y in (x, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    by_mask = attention(x, attn_mask=causal_mask(5))
    np.testing.assert_allclose(before, by_mask, rtol=1e-13)


def test_padding_is_not_seen():
    attention = module()
    x, short = normal(0, np.float64, (2, 3, 6), (2, 4, 6))
    padded = np.concatenate([short, np.full((2, 3, 6), 9.0)], axis=1)
    mask = padding_mask([[4], [4]], 7)
    np.testing.assert_allclose(
        attention(x, padded, attn_mask=mask), attention(x, short), rtol=1e-12
    )


def test_a_mask_whose_axes_could_be_mistaken_for_heads_is_refused():
    attention = module()
    x = np.ones((2, 3, 6))
    with pytest.raises(ValueError, match=r"2 axes, .*, or all 4 .* \(2, 1, 3\)"):
        attention(x, attn_mask=padding_mask([3, 3], 3))
    for batched in range(3):
        arrays = [np.ones((2, 3, 6)[batched != i :]) for i in range(3)]
        with pytest.raises(ValueError, match="all 4 of the weights"):
            attention(*arrays, np.ones((2, 3, 3), bool))
    # Without a batch the third axis can only be that of the heads.
    attention(x[0], attn_mask=np.ones((2, 3, 3), bool))
    attention(x, attn_mask=np.ones(3, bool))


def test_a_new_module_is_drawn_as_glorot_and_bengio_did():
    attention = MultiHeadAttention(np.random.default_rng(0), 64, 8, num_kv_heads=2)
    assert (attention.d_model, attention.num_heads, attention.num_kv_heads) == (
        64,
        8,
        2,
    )
    shapes = {"query": (64, 64), "key": (64, 16), "value": (64, 16), "out": (64, 64)}
    drawn = []
    for name, (rows, columns) in shapes.items():
        matrix, bias = getattr(attention, f"w_{name}"), getattr(attention, f"b_{name}")
        limit = np.sqrt(6 / (rows + columns))
        assert matrix.shape == (rows, columns)
        assert matrix.dtype == np.float64
        assert 0.98 * limit < np.abs(matrix).max() <= limit
        assert abs(matrix.mean()) < limit / 10
        np.testing.assert_array_equal(bias, np.zeros(columns), strict=True)
        drawn.append(matrix[0, 0] / limit)
    assert len(set(drawn)) == 4
    assert MultiHeadAttention(np.random.default_rng(0), 6, 3).num_kv_heads == 3
    assert MultiHeadAttention(np.random.default_rng(0), 1, 1)([[2.0]]).shape == (1, 1)


def test_a_loaded_state_is_a_copy():
    state = {"in_proj_weight": np.ones((12, 4)), "out_proj.weight": np.ones((4, 4))}
    state |= {"in_proj_bias": np.ones(12), "out_proj.bias": np.ones(4)}
    attention = MultiHeadAttention(np.random.default_rng(0), 4, 2)
    attention.load_torch_state(state)
    before = attention(np.eye(4))
    for x in state.values():
        x[...] = 7
    np.testing.assert_array_equal(attention(np.eye(4)), before)


def test_matrices_may_come_packed_or_one_by_one():
    w_query, w_key, w_value, w_out = normal(0, np.float32, *[(4, 4)] * 4)
    out = {"out_proj.weight": w_out}
    packed = {"in_proj_weight": np.vstack([w_query, w_key, w_value])}
    (x,) = normal(1, np.float32, (3, 4))
    attention = MultiHeadAttention(np.random.default_rng(0), 4, 2)
    attention.load_torch_state(packed | out)
    from_packed = attention(x)
    attention.load_torch_state(one_by_one(w_query, w_key, w_value) | out)
    np.testing.assert_array_equal(attention(x), from_packed)
    expected = multi_head_attention(
        x, x, x, w_query.T, w_key.T, w_value.T, w_out.T, num_heads=2
    )
    assert_close(from_packed, expected, np.float32)


def one_by_one(w_query, w_key, w_value):
    return {
        "q_proj_weight": w_query,
        "k_proj_weight": w_key,
        "v_proj_weight": w_value,
    }


def test_a_state_may_have_keys_and_values_of_other_sizes():
    w_query, w_key, w_value, w_out = normal(0, float, (4, 4), (4, 5), (4, 3), (4, 4))
    attention = MultiHeadAttention(np.random.default_rng(0), 4, 2)
    attention.load_torch_state(
        one_by_one(w_query, w_key, w_value) | {"out_proj.weight": w_out}
    )
    query, key, value = normal(1, float, (2, 4), (6, 5), (6, 3))
    expected = multi_head_attention(
        query, key, value, w_query.T, w_key.T, w_value.T, w_out.T, num_heads=2
    )
    np.testing.assert_array_equal(attention(query, key, value), expected)


@pytest.mark.oracle
@oracle
@given(cases())
def test_against_pytorch(oracles, case):
    # Sums of many products of normal numbers: without this they are in the hundreds.
    case = {name: x / 2 if name[:2] == "w_" else x for name, x in case.items()}
    compare(oracles, multi_head_attention, case)


@pytest.mark.oracle
@oracle
@given(
    st.integers(1, 4),
    st.integers(1, 6),
    st.one_of(st.none(), small),
    st.one_of(st.none(), small),
    st.booleans(),
    st.booleans(),
    st.tuples(small, small),
    seeds,
)
def test_a_loaded_module_against_pytorchs(
    oracles, num_heads, d_head, kdim, vdim, bias, masked, sizes, seed
):
    torch, d_model = oracles.torch, num_heads * d_head
    torch.manual_seed(seed)
    theirs = torch.nn.MultiheadAttention(
        d_model,
        num_heads,
        bias=bias,
        kdim=kdim,
        vdim=vdim,
        batch_first=True,
        dtype=torch.float64,
    )
    if bias:
        torch.nn.init.normal_(theirs.in_proj_bias)
        torch.nn.init.normal_(theirs.out_proj.bias)
    n_q, n_k = sizes
    shapes = (2, n_q, d_model), (2, n_k, kdim or d_model), (2, n_k, vdim or d_model)
    # True means the opposite there, and a query that sees nothing gets NaN.
    mask = np.random.default_rng(seed).random((n_q, n_k)) < 0.6
    mask[:, 0] = True
    hidden = torch.from_numpy(~mask) if masked else None
    ours = MultiHeadAttention(np.random.default_rng(0), d_model, num_heads)
    for dtype in (np.float64, np.float32):
        theirs = theirs.double() if dtype is np.float64 else theirs.float()
        ours.load_torch_state(theirs.state_dict())
        arrays = normal(seed, dtype, *shapes)
        with torch.no_grad():
            expected, expected_weights = theirs(
                *map(torch.from_numpy, arrays),
                attn_mask=hidden,
                average_attn_weights=False,
            )
        output, weights = ours(
            *arrays, attn_mask=mask if masked else None, return_weights=True
        )
        assert_close(output, expected.numpy(), dtype)
        assert_close(weights, expected_weights.numpy(), dtype)
