"""Every step and its way back: against finite differences, and what has to hold."""

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
from vjps import CASES, CORE, HIDES, call, change, defined, fresh, gradients, split

from course_utils import _blocked, layers
from course_utils.attention import (
    attention_vjp,
    scaled_dot_product_attention,
    scaled_dot_product_attention_vjp,
)
from course_utils.finite_differences import gradient_check
from course_utils.masks import causal_mask
from course_utils.multi_head import (
    MATRICES,
    multi_head_attention,
    multi_head_attention_vjp,
)
from course_utils.positions import (
    relative_position_bias,
    relative_position_bias_vjp,
    rotary_embedding,
    rotary_embedding_vjp,
)
from course_utils.scores import additive_score, additive_score_vjp
from course_utils.softmax import softmax, softmax_vjp

MULTI_HEAD = next(
    case.values[1] for case in CASES if case.id == "multi_head_attention_vjp-4-biases"
)
EACH = pytest.mark.parametrize(("vjp", "arguments"), CASES)
FORWARD = {
    softmax_vjp: lambda scores: softmax(scores),
    attention_vjp: lambda query, key, value, bias: scaled_dot_product_attention(
        query, key, value, bias
    ),
    scaled_dot_product_attention_vjp: scaled_dot_product_attention,
    multi_head_attention_vjp: multi_head_attention,
    additive_score_vjp: additive_score,
    rotary_embedding_vjp: rotary_embedding,
    relative_position_bias_vjp: relative_position_bias,
}


def direction(output):
    """Return a gradient to send back: the same in every call."""
    return np.random.default_rng(1).standard_normal(np.shape(output))


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1, 30, 1000])
def test_an_underflow_is_no_error(vjp, arguments, dtype, factor):
    """A learner who looks for NaN with np.seterr finds their own, not the course's."""
    arguments = change(arguments, lambda x: (x * factor).astype(dtype))
    with np.errstate(all="raise"):
        output, back, _ = call(vjp, arguments)
        back(np.ones_like(output))


def flat(gradients):
    """Return the arrays of all gradients, those of parameters too."""
    return [
        x
        for d in gradients
        for x in (d.values() if isinstance(d, dict) else [d])  # of parameters
    ]


# Of every vjp


def test_every_vjp_is_tried():
    tried = {case.values[0] for case in CASES}
    assert tried == defined()
    assert len(tried) >= 15


@EACH
def test_gradients_are_the_slopes(vjp, arguments):
    inputs, options = split(vjp, arguments)

    def named(*x):
        return vjp(**dict(zip(inputs, x, strict=True)), **fresh(options))

    errors = gradient_check(named, *inputs.values())
    assert len(errors) == len(inputs)
    assert max(errors) < 1e-8, dict(zip(inputs, errors, strict=True))


@pytest.mark.parametrize(
    ("vjp", "arguments"),
    [
        case
        for case in CASES
        if case.values[0] in FORWARD and "additive_score_vjp-models" not in case.id
    ],
)
def test_the_output_is_that_of_the_function(vjp, arguments):
    output, _, _ = call(vjp, arguments)
    expected = FORWARD[vjp](**arguments)
    np.testing.assert_allclose(output, expected, rtol=1e-13, atol=1e-14)


@EACH
def test_float32_stays_float32(vjp, arguments):
    output, back, _ = call(vjp, arguments)
    d_output = direction(output)
    exact = flat(back(d_output))
    single, back, inputs = call(vjp, change(arguments, np.float32))
    d_single = d_output.astype(np.float32)[()]
    if vjp is not layers.cross_entropy_vjp:  # whose loss is a Python float
        assert (output.dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(single, output, rtol=2e-5, atol=2e-5)
    ours = flat(back(d_single))
    arrays = flat(inputs.values())
    assert [(x.shape, x.dtype) for x in ours] == [(x.shape, x.dtype) for x in arrays]
    for one, other in zip(ours, exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
        assert other.dtype == np.float64


@pytest.mark.parametrize(
    ("vjp", "arguments"), [case for case in CASES if case.values[0] not in CORE]
)
def test_other_numbers_become_what_they_become_going_forward(vjp, arguments):
    inputs, options = split(vjp, change(arguments, lambda x: np.round(2 * x)))

    def given(dtype):
        """Return the arguments with arrays of a dtype, but for a mask of floats."""
        cast = {
            name: {k: part.astype(dtype) for k, part in x.items()}
            if isinstance(x, dict)
            else (x if name == "attn_mask" else x.astype(dtype))
            for name, x in inputs.items()
        }
        return cast | fresh(options)

    for dtype, expected in ((np.float16, np.float32), (np.int64, np.float64)):
        output, back = vjp(**given(dtype))
        same, same_back = vjp(**given(expected))
        np.testing.assert_array_equal(output, same)
        d_output = direction(output).astype(expected)[()]
        for one, other in zip(
            flat(back(d_output)), flat(same_back(d_output)), strict=True
        ):
            assert one.dtype == expected
            np.testing.assert_array_equal(one, other)


@EACH
def test_arrays_stay_as_they_are_and_may_lie_anywhere(vjp, arguments):
    def awkward(x):
        wide = np.full((*x.shape, 2), np.nan)
        wide[..., 0] = x
        apart = np.asfortranarray(wide)[..., 0]
        apart.flags.writeable = False
        return apart

    output, plain_back, _ = call(vjp, arguments)
    given = change(arguments, awkward)
    ours, back, _ = call(vjp, given)
    np.testing.assert_allclose(ours, output, rtol=1e-12, atol=1e-14)
    kept, d_output = np.copy(ours), awkward(direction(output))
    first = flat(back(d_output))
    copies = [x.copy() for x in first]
    second = flat(back(d_output))
    for one, copy, two in zip(first, copies, second, strict=True):
        np.testing.assert_array_equal(one, copy)
        np.testing.assert_array_equal(two, copy)
    for one, other in zip(first, flat(plain_back(direction(output))), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(ours, kept)
    np.testing.assert_array_equal(d_output, direction(output))
    for name, x in given.items():
        np.testing.assert_array_equal(x, arguments[name])


@EACH
def test_gradients_add_up_as_those_of_a_linear_map(vjp, arguments):
    output, back, _ = call(vjp, arguments)
    one, other = direction(output), np.cos(3 * direction(output))
    sums = flat(back(one + 2 * other))
    for added, *parts in zip(sums, flat(back(one)), flat(back(other)), strict=True):
        expected = parts[0] + 2 * parts[1]
        np.testing.assert_allclose(added, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("vjp", "arguments"), [case for case in CASES if "models" in case.id]
)
def test_models_side_by_side_do_as_each_alone(vjp, arguments):
    output, back, _ = call(vjp, arguments)
    d_output = direction(output)
    together = dict(zip(split(vjp, arguments)[0], back(d_output), strict=True))
    together |= together.pop("parameters", {})
    d_mask = 0
    for model in range(2):
        alone = {
            name: x[model] if np.ndim(x) and name != "attn_mask" else x
            for name, x in arguments.items()
        }
        one, gradient = gradients(vjp, alone, d_output[model])
        np.testing.assert_allclose(output[model], one, rtol=1e-13, atol=1e-14)
        d_mask = d_mask + gradient.pop("attn_mask", 0)
        for name, x in gradient.items():
            np.testing.assert_allclose(together[name][model], x, rtol=1e-12, atol=1e-13)
    if "attn_mask" in together:  # which all models share
        np.testing.assert_allclose(together["attn_mask"], d_mask, atol=1e-13)


# Of some


def test_a_bias_of_zero_is_what_attention_adds_without_one():
    arrays = normal(0, np.float64, (2, 3, 5), (2, 4, 5), (2, 4, 2))
    output, back = attention_vjp(*arrays)
    same, same_back = attention_vjp(*arrays, np.zeros((2, 3, 4)))
    np.testing.assert_array_equal(output, same)
    pairs = zip(back(direction(output)), same_back(direction(output)), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


def test_hidden_scores_take_no_part_in_the_slopes():
    (x,) = normal(1, np.float64, (3, 4))
    hidden = np.where(HIDES, 0, -np.inf)
    assert max(gradient_check(lambda x: softmax_vjp(x + hidden), x)) < 1e-8
    weights, back = softmax_vjp(x + hidden)
    assert not weights[~HIDES].any()
    assert not back(direction(x))[0][~HIDES].any()


@pytest.mark.parametrize("vjp", [attention_vjp, scaled_dot_product_attention_vjp])
def test_what_is_query_key_and_value_at_once_gets_the_sum(vjp):
    (x,) = normal(2, np.float64, (2, 5, 4))

    def shared(x):
        output, back = vjp(x, x, x)
        return output, lambda d: (sum(back(d)[:3]),)

    assert max(gradient_check(shared, x)) < 1e-8


def test_the_three_roles_of_a_sequence_add_up():
    x, *matrices = normal(12, np.float64, (5, 4), *[(4, 4)] * 4)
    parameters = dict(zip(MATRICES, matrices, strict=True))

    def shared(x, parameters):
        output, back = multi_head_attention_vjp(
            x, x, x, parameters, num_heads=2, is_causal=True
        )

        def shared_back(d):
            *d_roles, d_parameters = back(d)
            return sum(d_roles), d_parameters

        return output, shared_back

    assert max(gradient_check(shared, x, parameters)) < 1e-8


def test_a_boolean_mask_gets_no_gradient():
    inputs, options = split(multi_head_attention_vjp, MULTI_HEAD)
    output, back = multi_head_attention_vjp(**inputs, **options)
    assert len(back(output)) == 4
    *heads, mask = normal(3, np.float64, (3, 5), (4, 5), (4, 2), (3, 4))
    output, back = scaled_dot_product_attention_vjp(*heads, mask > 0)
    assert len(back(output)) == 3


def test_gradients_of_parameters_come_in_the_order_of_the_parameters():
    inputs, options = split(multi_head_attention_vjp, MULTI_HEAD)
    turned = dict(reversed(inputs.pop("parameters").items()))
    output, back = multi_head_attention_vjp(**inputs, parameters=turned, **options)
    assert list(back(output)[3]) == list(turned)


@pytest.mark.parametrize("softcap", [None, 1.5])
def test_many_small_steps_give_what_one_large_step_gives(monkeypatch, softcap):
    arrays = normal(
        4, np.float64, (2, 3, 4, 3, 5), (3, 2, 4, 5), (2, 4, 2), (3, 1, 1, 4)
    )
    options = {"enable_gqa": True, "softcap": softcap, "is_causal": True}
    output, back = scaled_dot_product_attention_vjp(*arrays, **options)
    whole = back(direction(output))
    for kept in (1, 12, 30):
        monkeypatch.setattr(_blocked, "KEPT", kept)
        same, back = scaled_dot_product_attention_vjp(*arrays, **options)
        np.testing.assert_allclose(same, output, rtol=1e-13, atol=1e-14)
        for one, other in zip(back(direction(output)), whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@laws
@given(leading_shapes, sizes, seeds, dtypes)
def test_a_shift_of_all_scores_changes_nothing(leading, n, seed, dtype):
    scores, d_weights = normal(seed, dtype, (*leading, n), (*leading, n))
    (d_scores,) = softmax_vjp(scores)[1](d_weights)
    assert d_scores.dtype == dtype
    np.testing.assert_allclose(d_scores.sum(-1), np.zeros(leading), atol=3e-6)


@laws
@given(st.integers(2, 9), seeds)
def test_the_jacobian_of_softmax_is_symmetric(n, seed):
    weights, back = softmax_vjp(normal(seed, np.float64, (n,))[0])
    jacobian = np.stack([back(row)[0] for row in np.eye(n)])
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


def attention_gradients(d_output, *arrays, **options):
    return scaled_dot_product_attention_vjp(*arrays, **options)[1](d_output)


@laws
@given(attention_shapes(), dtypes)
def test_gradients_have_the_shape_and_dtype_of_their_inputs(drawn, dtype):
    shapes, seed = drawn
    arrays = normal(seed, dtype, *shapes)
    gradients = attention_gradients(*arrays)
    assert [x.shape for x in gradients] == [x.shape for x in arrays[1:]]
    assert all(x.dtype == dtype for x in gradients)


@laws
@given(attention_shapes(), st.randoms(use_true_random=False))
def test_pairs_may_come_in_any_order(drawn, random):
    shapes, seed = drawn
    d_output, query, key, value = normal(seed, np.float64, *shapes)
    order = list(range(key.shape[-2]))
    random.shuffle(order)
    d_query, d_key, d_value = attention_gradients(d_output, query, key, value)
    same, d_key_moved, d_value_moved = attention_gradients(
        d_output, query, key[..., order, :], value[..., order, :]
    )
    np.testing.assert_allclose(same, d_query, atol=1e-13)
    np.testing.assert_allclose(d_key_moved, d_key[..., order, :], atol=1e-13)
    np.testing.assert_allclose(d_value_moved, d_value[..., order, :], atol=1e-13)


@pytest.mark.parametrize(("n", "asked"), [(1, 0), (5, 0), (5, 2), (8, 7)])
def test_causal_gradients_reach_no_future_key(n, asked):
    d_output, query, key, value = normal(7, np.float64, *[(2, n, 3)] * 4)
    d_output[:, np.arange(n) != asked] = 0
    d_query, d_key, d_value = attention_gradients(
        d_output, query, key, value, is_causal=True
    )
    assert not d_key[:, asked + 1 :].any()
    assert not d_value[:, asked + 1 :].any()
    assert not d_query[:, np.arange(n) != asked].any()
    by_mask = attention_gradients(
        d_output, query, key, value, attn_mask=causal_mask(n, n)
    )
    for one, other in zip((d_query, d_key, d_value), by_mask, strict=True):
        np.testing.assert_array_equal(one, other)


def test_heads_that_share_a_key_add_up_as_copies_would():
    d_output, query, key, value = normal(
        8, np.float64, (2, 6, 3, 4), (2, 6, 3, 5), (2, 3, 7, 5), (2, 3, 7, 4)
    )
    d_query, d_key, d_value = attention_gradients(
        d_output, query, key, value, enable_gqa=True
    )
    copies = attention_gradients(
        d_output, query, key.repeat(2, axis=1), value.repeat(2, axis=1)
    )
    np.testing.assert_allclose(d_query, copies[0], atol=1e-14)
    for shared, copied in ((d_key, copies[1]), (d_value, copies[2])):
        added = copied[:, 0::2] + copied[:, 1::2]
        np.testing.assert_allclose(shared, added, atol=1e-14)


def test_what_nothing_can_see_gets_no_gradient():
    d_output, query, key, value = normal(9, np.float32, (3, 2), (3, 5), (4, 5), (4, 2))
    seen = np.array([[False] * 4, [True, True, False, True], [False] * 4])
    d_query, d_key, d_value = attention_gradients(
        d_output, query, key, value, attn_mask=seen
    )
    assert not d_query[[0, 2]].any()
    assert d_query[1].any()
    assert not d_key[2].any()
    assert not d_value[2].any()
    infinite = np.where(seen, 0, -np.inf)
    *others, d_mask = attention_gradients(
        d_output, query, key, value, attn_mask=infinite
    )
    np.testing.assert_array_equal(others[0], d_query)
    assert not d_mask[~seen].any()
    assert d_mask.dtype == np.float32


@pytest.mark.parametrize("size", [-1e3, 1e3])  # whose exp over- or underflows
def test_a_bias_of_all_scores_changes_nothing(size):
    d_output, *arrays = normal(13, np.float64, (3, 2), (3, 5), (4, 5), (4, 2))
    output, back = scaled_dot_product_attention_vjp(*arrays)
    same, same_back = scaled_dot_product_attention_vjp(*arrays, np.full((3, 4), size))
    np.testing.assert_allclose(same, output, rtol=1e-10)
    for one, other in zip(same_back(d_output), back(d_output), strict=False):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


# Of the last two, the differences are larger than the largest number.
@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e4), (np.float64, 1e5), (np.float32, 3e38), (np.float64, 1e308)],
)
def test_huge_scores_are_as_good_as_hard_attention(dtype, size):
    query, key = dtype([[1.0]]), dtype([[size], [-size], [0.0]])
    value, d_output = dtype([[1.0], [2.0], [3.0]]), dtype([[7.0]])
    d_query, d_key, d_value = attention_gradients(d_output, query, key, value)
    np.testing.assert_array_equal(d_value, [[7.0], [0.0], [0.0]])
    assert not d_query.any()
    assert not d_key.any()


def test_options_of_numpy_do_not_promote():
    arrays = normal(11, np.float32, (3, 2), (3, 5), (4, 5), (4, 2))
    gradients = attention_gradients(
        *arrays, scale=np.float64(0.3), softcap=np.float64(2.0)
    )
    same = attention_gradients(*arrays, scale=0.3, softcap=2.0)
    for one, other in zip(gradients, same, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


@laws
@given(leading_shapes, sizes, st.integers(1, 5), seeds)
def test_turning_back_undoes_turning(leading, n, pairs, seed):
    (x,) = normal(seed, np.float64, (*leading, n, 2 * pairs))
    turned, back = rotary_embedding_vjp(x, np.arange(n, dtype=np.uint8))
    np.testing.assert_allclose(*back(turned), x, atol=1e-14)


@laws
@given(leading_shapes, sizes, sizes, st.integers(0, 4), st.integers(-3, 9), seeds)
def test_the_table_gets_as_much_as_the_bias(leading, n_q, n_k, m, offset, seed):
    table, d_bias = normal(
        seed, np.float64, (*leading, 2 * m + 1), (*leading, n_q, n_k)
    )
    bias, back = relative_position_bias_vjp(table, n_q, n_k, offset)
    (d_table,) = back(d_bias)
    assert d_table.shape == table.shape
    np.testing.assert_allclose(d_table.sum(-1), d_bias.sum((-1, -2)), atol=1e-12)
    np.testing.assert_allclose((d_table * table).sum(), (d_bias * bias).sum())


def test_a_gradient_of_another_shape_is_refused():
    _, back = scaled_dot_product_attention_vjp(
        *normal(0, float, (3, 5), (4, 5), (4, 2))
    )
    with pytest.raises(ValueError, match=r"`d_output` must have shape \(3, 2\)"):
        back(np.zeros((3, 3)))
