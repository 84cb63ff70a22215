"""Linear layers, tables of embeddings, and what a prediction is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    assert_close,
    dtypes,
    laws,
    leading_shapes,
    normal,
    seeds,
    sizes,
)
from torch_oracles import many, shapes, tensors, wide

from course_utils.finite_differences import gradient_check
from course_utils.layers import (
    accuracy,
    cross_entropy,
    embedding_backward,
    linear_backward,
)


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


# Finite differences


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
def test_linear_against_finite_differences(shape):
    errors = gradient_check(
        lambda x, weight, bias: x @ weight + bias,
        lambda d, x, weight, bias: linear_backward(d, x, weight),
        *normal(0, np.float64, shape, (4, 5), (5,)),
    )
    assert max(errors) < 1e-8


@pytest.mark.parametrize("tokens", [3, [0, 3, 3, 1], [[4, 4], [0, 4]], [[]]])
def test_embedding_against_finite_differences(tokens):
    tokens = np.array(tokens, int)
    errors = gradient_check(
        lambda table: table[tokens],
        lambda d, table: embedding_backward(d, tokens, len(table)),
        *normal(1, np.float64, (5, 3)),
    )
    assert max(errors) < 1e-8


@pytest.mark.parametrize("targets", [2, [0, 3, 1], [[0, -1, 3], [-1, -1, 2]]])
def test_cross_entropy_against_finite_differences(targets):
    errors = gradient_check(
        lambda logits: cross_entropy(logits, targets)[0],
        lambda d, logits: d * cross_entropy(logits, targets)[1],
        *normal(2, np.float64, (*np.shape(targets), 4)),
    )
    assert max(errors) < 1e-8


# Laws


@laws
@given(leading_shapes, sizes, sizes, seeds, dtypes)
def test_every_number_lands_in_one_row_of_the_table(leading, n, d, seed, dtype):
    (d_output,) = normal(seed, dtype, (*leading, n, d))
    tokens = np.random.default_rng(seed).integers(7, size=(*leading, n))
    d_table = embedding_backward(d_output, tokens, 7)
    one_hot = np.eye(7)[tokens.ravel()]
    assert d_table.dtype == dtype
    np.testing.assert_allclose(
        d_table, one_hot.T @ d_output.reshape(-1, d), atol=1e-5, rtol=1e-5
    )


@laws
@given(leading_shapes, st.integers(2, 9), seeds, st.floats(-1e4, 1e4))
def test_a_shift_of_all_logits_changes_nothing(leading, classes, seed, shift):
    (logits,) = normal(seed, np.float64, (*leading, classes))
    targets = np.random.default_rng(seed).integers(classes, size=leading)
    loss, d_logits = cross_entropy(logits, targets)
    shifted_loss, shifted_d = cross_entropy(logits + shift, targets)
    assert shifted_loss == pytest.approx(loss, abs=1e-10)
    np.testing.assert_allclose(shifted_d, d_logits, atol=1e-10)
    np.testing.assert_allclose(d_logits.sum(-1), np.zeros(leading), atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_guess_costs_the_logarithm_of_the_number_of_classes(dtype):
    loss, d_logits = cross_entropy(np.full((3, 10), 5, dtype), [0, 4, 9])
    assert loss == pytest.approx(np.log(10), rel=1e-6)
    assert d_logits.dtype == dtype


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e4), (np.float64, 1e5)])
def test_a_confident_mistake_costs_its_logit_and_no_overflow(dtype, size):
    loss, d_logits = cross_entropy(dtype([[size, -size], [size, -size]]), [0, 1])
    assert loss == size
    np.testing.assert_array_equal(d_logits, [[0, 0], [0.5, -0.5]])


def test_positions_without_an_answer_do_not_count():
    (logits,) = normal(3, np.float64, (4, 5))
    loss, d_logits = cross_entropy(logits, [1, -1, 4, -1])
    counted_loss, counted = cross_entropy(logits[[0, 2]], [1, 4])
    assert loss == counted_loss
    np.testing.assert_array_equal(d_logits[[0, 2]], counted)
    assert not d_logits[[1, 3]].any()
    logits[[1, 3]] = np.nan
    assert cross_entropy(logits, [1, -1, 4, -1])[0] == loss
    assert accuracy(logits, [1, -1, 4, -1]) == accuracy(logits[[0, 2]], [1, 4])


def test_accuracy_counts_the_highest_logits():
    logits = np.array([[[0.0, 1.0], [3.0, 2.0]], [[5.0, 4.0], [7.0, 7.0]]])
    assert accuracy(logits, [[1, 0], [0, 0]]) == 1.0
    assert accuracy(logits, [[1, 1], [1, 1]]) == 0.25
    assert accuracy(logits, [[1, -1], [-1, 1]]) == 0.5
    assert accuracy(logits, [[0, -1], [-1, 1]]) == 0.0
    assert accuracy(logits, [[0, 0], [-1, -1]]) == 0.5
    assert accuracy(np.array([1.0, 3.0]), 1) == 1.0


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.bool_])
def test_other_numbers_become_what_they_become_elsewhere(dtype):
    expected = np.float16 if dtype is np.float16 else np.float64
    x, tokens = np.array([[1, 0], [1, 1]], dtype), np.array([1, 0], np.uint8)
    d_logits = cross_entropy(x, tokens)[1]
    gradients = [*linear_backward(x, x, x), embedding_backward(x, tokens, 2), d_logits]
    assert all(gradient.dtype == expected for gradient in gradients)
    np.testing.assert_array_equal(gradients[1], [[2, 1], [1, 1]])


def test_inputs_stay_as_they_are_and_may_lie_anywhere():
    def awkward(*shape):
        x = np.random.default_rng(0).standard_normal((*shape[::-1], 2))[..., 0].T
        x.flags.writeable = False
        return x

    tokens = np.array([[1, 9], [0, 9], [2, 9]])[:, 0]
    tokens.flags.writeable = False
    d_output, x, weight = awkward(3, 5), awkward(3, 4), awkward(4, 5)
    before = [array.copy() for array in (d_output, x, weight, tokens)]
    d_x, d_weight, d_bias = linear_backward(d_output, x, weight)
    np.testing.assert_allclose(d_x, before[0] @ before[2].T)
    np.testing.assert_allclose(d_weight, before[1].T @ before[0])
    np.testing.assert_allclose(d_bias, before[0].sum(0))
    np.testing.assert_array_equal(
        embedding_backward(d_output, tokens, 3), before[0][[1, 0, 2]]
    )
    assert cross_entropy(x, tokens)[0] == cross_entropy(before[1], before[3])[0]
    for array, copy in zip((d_output, x, weight, tokens), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# PyTorch, live


@pytest.mark.oracle
@many
@given(leading_shapes, wide, wide, seeds, dtypes)
def test_linear_against_torch(torch, leading, d_in, d_out, seed, dtype):
    d_output, *arrays, bias = normal(
        seed, dtype, (*leading, d_out), (*leading, d_in), (d_in, d_out), (d_out,)
    )
    x, weight, shift = tensors(torch, *arrays, bias)
    output = torch.nn.functional.linear(x, weight.T, shift)
    output.backward(torch.tensor(d_output))
    ours = linear_backward(d_output, *arrays)
    for one, other in zip(ours, (x, weight, shift), strict=True):
        assert_close(one, other.grad, dtype)


@pytest.mark.oracle
@many
@given(leading_shapes, wide, wide, seeds, dtypes)
def test_embedding_against_torch(torch, leading, num_embeddings, d, seed, dtype):
    table, d_output = normal(seed, dtype, (num_embeddings, d), (*leading, d))
    tokens = np.random.default_rng(seed).integers(num_embeddings, size=leading)
    (weight,) = tensors(torch, table)
    looked_up = torch.nn.functional.embedding(torch.tensor(tokens), weight)
    looked_up.backward(torch.tensor(d_output))
    ours = embedding_backward(d_output, tokens, num_embeddings)
    assert_close(ours, weight.grad, dtype)


@pytest.mark.oracle
@many
@given(shapes, wide, seeds, dtypes)
def test_cross_entropy_against_torch(torch, leading, classes, seed, dtype):
    (x,) = normal(seed, dtype, (*leading, classes))
    x *= 5
    targets = np.random.default_rng(seed).integers(-1, classes, size=leading)
    targets.flat[0] = 0
    (logits,) = tensors(torch, x)
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, classes), torch.tensor(targets).reshape(-1), ignore_index=-1
    )
    loss.backward()
    our_loss, ours = cross_entropy(x, targets)
    assert_close(dtype(our_loss), loss.detach(), dtype)
    assert_close(ours, logits.grad, dtype)


# What is refused


def zeros(*shape):
    return np.zeros(shape)


BAD = [
    (linear_backward, (zeros(3, 5) * 1j, zeros(3, 4), zeros(4, 5)), TypeError, "d_out"),
    (linear_backward, (zeros(3, 4), zeros(3, 4), zeros(4, 5)), ValueError, "d_output"),
    (linear_backward, (zeros(5), zeros(3, 4), zeros(4, 5)), ValueError, "d_output"),
    (linear_backward, (zeros(3, 5), zeros(3, 3), zeros(4, 5)), ValueError, "x needs"),
    (linear_backward, (zeros(5), 1.0, zeros(4, 5)), ValueError, "x needs"),
    (linear_backward, (zeros(3, 5), [["a"]], zeros(4, 5)), TypeError, "x needs"),
    (linear_backward, (zeros(3, 5), zeros(3, 4), zeros(5)), ValueError, "weight"),
    (linear_backward, (zeros(3, 5), zeros(3, 4), [["a"]]), TypeError, "weight"),
    (embedding_backward, (["a"], [0], 3), TypeError, "d_output"),
    (embedding_backward, (1.0, 0, 3), ValueError, "d_output"),
    (embedding_backward, (zeros(3, 2), [0, 1], 3), ValueError, "d_output"),
    (embedding_backward, (zeros(2, 2), [0, 3], 3), ValueError, "tokens .* 0 to 2.* 3"),
    (embedding_backward, (zeros(2, 2), [0, -1], 3), ValueError, "tokens"),
    (embedding_backward, (zeros(2, 2), [0.0, 1.0], 3), TypeError, "tokens"),
    (embedding_backward, (zeros(2, 2), [True, False], 3), TypeError, "tokens"),
    (embedding_backward, (zeros(2, 2), [0, 1], 0), ValueError, "num_embeddings"),
    (embedding_backward, (zeros(2, 2), [0, 1], 3.0), TypeError, "num_embeddings"),
    *[
        (function, *rest)
        for function in (cross_entropy, accuracy)
        for rest in (
            ((["a"], 0), TypeError, "logits"),
            ((1.0, 0), ValueError, "logits"),
            ((zeros(2, 3), [0, 3]), ValueError, "targets .* -1 to 2.* 3"),
            ((zeros(2, 3), [0, -2]), ValueError, "targets"),
            ((zeros(2, 3), [0.0, 1.0]), TypeError, "targets"),
            ((zeros(2, 3), [0]), ValueError, "targets"),
            ((zeros(2, 3), [-1, -1]), ValueError, "targets needs at least one"),
            ((zeros(0, 3), zeros(0).astype(int)), ValueError, "targets needs at least"),
        )
    ],
]


@pytest.mark.parametrize(("function", "arguments", "error", "message"), BAD)
def test_a_bad_argument_is_named(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)
