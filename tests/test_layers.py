"""Linear layers, tables of embeddings, and what a prediction is worth."""

import inspect
from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    dtypes,
    laws,
    leading_shapes,
    normal,
    seeds,
    sizes,
    what_came,
)
from vjps import defined

from course_utils import layers
from course_utils.layers import (
    accuracy,
    cross_entropy_vjp,
    dropout_vjp,
    embedding_vjp,
    gelu_vjp,
    gru_step_vjp,
    layer_norm_vjp,
    linear_vjp,
    relu_vjp,
)


def cross_entropy(logits, targets):
    loss, back = cross_entropy_vjp(logits, targets)
    return loss, *back()


# Laws


@laws
@given(leading_shapes, sizes, sizes, seeds, dtypes)
def test_every_number_lands_in_one_row_of_the_table(leading, n, d, seed, dtype):
    (d_output,) = normal(seed, dtype, (*leading, n, d))
    tokens = np.random.default_rng(seed).integers(7, size=(*leading, n))
    (d_table,) = embedding_vjp(np.zeros((7, d), dtype), tokens)[1](d_output)
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
    assert type(loss) is float
    assert type(accuracy(d_logits, [0, 4, 9])) is float
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


def test_a_loss_counts_as_much_as_its_own_gradient():
    _, back = cross_entropy_vjp(np.eye(3), [0, 1, 1])
    for factor in (2, np.float32(-0.5), np.array(0.0)):
        np.testing.assert_allclose(back(factor)[0], factor * back()[0])


@pytest.mark.parametrize("shape", [(5,), (3, 8), (2, 3, 8)])
def test_normal_vectors_have_mean_0_and_variance_1(shape):
    (x,) = normal(5, np.float64, shape)
    gain, bias = np.full(shape[-1], 3.0), np.full(shape[-1], 7.0)
    output, _ = layer_norm_vjp(1e3 * x + 5, gain, bias)
    np.testing.assert_allclose(output.mean(axis=-1), 7.0)
    np.testing.assert_allclose(output.std(axis=-1), 3.0)
    still, _ = layer_norm_vjp(np.full(shape, 4.0), gain, bias)
    np.testing.assert_array_equal(still, np.full(shape, 7.0))


def test_an_epsilon_promotes_nothing_and_must_fit_its_dtype():
    x, gain, bias = normal(5, np.float32, (3, 4), (4,), (4,))
    assert layer_norm_vjp(x, gain, bias, np.float64(0.1))[0].dtype == np.float32
    with pytest.raises(ValueError, match="`epsilon` must be finite in float32"):
        layer_norm_vjp(x, gain, bias, 1e39)


@pytest.mark.parametrize("leading", [(), (1,), (2, 3)])
def test_the_browsers_way_to_multiply_finds_the_same(leading, monkeypatch):
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=(*leading, *s)) for s in ((5, 4, 3), (3, 2)))
    d_output = rng.normal(size=(*leading, 5, 4, 2))
    output, back = linear_vjp(x, weight)
    there = [output, *back(d_output)]
    monkeypatch.setattr(layers.sys, "platform", "emscripten")
    monkeypatch.setattr(layers, "WORTH_EINSUM", 0)
    monkeypatch.setattr(layers, "LONG_ROW", 0)
    output, back = linear_vjp(x, weight)
    for mine, its in zip([output, *back(d_output)], there, strict=True):
        np.testing.assert_allclose(mine, its)


def test_gelu_is_near_the_product_with_the_normal_distribution():
    x = np.linspace(-6, 6, 101)
    exact = [y * (1 + erf(y / sqrt(2))) / 2 for y in x]
    output, _ = gelu_vjp(x)
    np.testing.assert_allclose(output, exact, atol=5e-4)
    assert not np.allclose(output, exact, atol=1e-4)  # it is the form with tanh


def test_what_is_not_positive_stays_behind():
    output, back = relu_vjp([-1.0, -0.0, 0.0, 2.0])
    np.testing.assert_array_equal(output, [0, 0, 0, 2])
    np.testing.assert_array_equal(back(np.ones(4))[0], [0, 0, 0, 1])


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.75])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_the_mean_and_sends_gradients_the_same_way(rate, dtype):
    x = np.full((100, 200), 3, dtype)
    output, back = dropout_vjp(x, rate, np.random.default_rng(0))
    assert output.dtype == dtype
    kept = output != 0
    assert 1 - kept.mean() == pytest.approx(rate, abs=0.01)
    np.testing.assert_allclose(output[kept], 3 / (1 - rate), rtol=1e-6)
    np.testing.assert_array_equal(back(x)[0], output)
    same, _ = dropout_vjp(x, rate, np.random.default_rng(0))
    np.testing.assert_array_equal(same, output)


def test_a_rate_of_0_drops_nothing_even_if_a_0_is_drawn():
    class Lowest(np.random.Generator):
        def random(self, shape):
            return np.zeros(shape)

    output, _ = dropout_vjp(np.ones(3), 0.0, Lowest(np.random.PCG64()))
    np.testing.assert_array_equal(output, np.ones(3))


def test_the_gates_of_a_recurrent_unit():
    state, far = np.array([0.5, -3.0]), 1e3
    weight = np.zeros((2, 6))

    def step(reset, update, candidate=0.0, bias=0.0):
        gates = np.repeat([reset, update, candidate], 2)
        biases = np.repeat([0.0, 0.0, bias], 2)
        return gru_step_vjp(gates, state, weight, biases)[0]

    np.testing.assert_array_equal(step(0.0, far), state)  # all is kept
    np.testing.assert_allclose(step(far, -far, 0.5, 0.25), np.tanh([0.75] * 2))
    np.testing.assert_allclose(step(-far, -far, 0.5, 0.25), np.tanh([0.5] * 2))
    np.testing.assert_allclose(step(0.0, 0.0, 0.5), (np.tanh(0.5) + state) / 2)


# What is refused


def zeros(*shape):
    return np.zeros(shape)


A = zeros(2, 3)
BAD = [
    (
        linear_vjp,
        {"x": zeros(3, 4), "weight": zeros(4, 5), "bias": zeros(5)},
        {
            "x": [None, [["a"]], 1.0, zeros(3, 5)],
            "weight": [None, [["a"]], zeros(4), zeros(3, 5), zeros(2, 4, 5)],
            "bias": [["a"], zeros(4), zeros(1, 5), 1.0],
        },
    ),
    (
        embedding_vjp,
        {"table": zeros(3, 2), "tokens": [0, 2]},
        {
            "table": [None, "a", zeros(3), 1.0],
            "tokens": [None, [0, 3], [0, -1], [0.0], [True], [[0], [1, 2]]],
        },
    ),
    (
        layer_norm_vjp,
        {"x": zeros(3, 4), "gain": zeros(4), "bias": zeros(4)},
        {
            "x": [None, ["a"], 1.0, zeros(3, 5)],
            "gain": [None, ["a"], 1.0, zeros(5), zeros(2, 4)],
            "bias": [None, ["a"], 1.0, zeros(5), zeros(1, 4)],
            "epsilon": [None, "1", np.nan, np.inf, -1.0],
        },
    ),
    (relu_vjp, {"x": zeros(3)}, {"x": [None, ["a"], [1j], [[1], [2, 3]]]}),
    (gelu_vjp, {"x": zeros(3)}, {"x": [None, ["a"], [1j], [[1], [2, 3]]]}),
    (
        dropout_vjp,
        {"x": A, "rate": 0.5, "rng": np.random.default_rng(0)},
        {
            "x": [None, ["a"], [1j]],
            "rate": [1.0, -0.1, np.nan, None, "1"],
            "rng": [None, 0, np.random],
        },
    ),
    (
        gru_step_vjp,
        {
            "inputs": zeros(2, 12),
            "state": zeros(2, 4),
            "weight": zeros(4, 12),
            "bias": zeros(12),
        },
        {
            "inputs": [None, ["a"], 1.0, zeros(2, 11)],
            "state": [None, ["a"], 1.0, zeros(2, 5), zeros(3, 4)],
            "weight": [None, ["a"], zeros(12), zeros(3, 12), zeros(4, 8)],
            "bias": [None, ["a"], 1.0, zeros(4), zeros(1, 12)],
        },
    ),
    *[
        (
            function,
            {"logits": A, "targets": [0, -1]},
            {
                "logits": [None, ["a"], 1.0],
                "targets": [None, [0, 3], [0, -2], [0.0, 1.0], [0], [-1, -1]],
            },
        )
        for function in (cross_entropy_vjp, accuracy)
    ],
]


@pytest.mark.parametrize(
    ("function", "good", "argument", "bad"),
    [
        (function, good, name, bad)
        for function, good, every in BAD
        for name, values in every.items()
        for bad in values
    ],
)
def test_a_bad_argument_is_named_with_what_came(function, good, argument, bad):
    function(**good)
    with pytest.raises((TypeError, ValueError), match=f"`{argument}`") as caught:
        function(**{**good, argument: bad})
    message = str(caught.value)
    assert "must" in message
    assert any(word in message for word in [*what_came(bad), "got none"]), message


@pytest.mark.parametrize("gates", [8, 9, 15])
def test_a_recurrent_unit_has_three_gates_of_one_size(gates):
    wrong = zeros(2, gates), zeros(2, 4), zeros(4, gates), zeros(gates)
    with pytest.raises(ValueError, match=rf"\(d, 3d\); got \(4, {gates}\)"):
        gru_step_vjp(*wrong)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 3, 4), (3, 2, 4)])
def test_as_many_sequences_must_come_as_there_are_models(shape):
    with pytest.raises(ValueError, match="`x` must begin with the axes") as caught:
        linear_vjp(zeros(*shape), zeros(2, 4, 5))
    assert str(caught.value).endswith(f"(2,) of the parameters; got {shape}")


def test_every_argument_of_every_layer_is_tried():
    for function, _, every in BAD:
        assert set(every) == set(inspect.signature(function).parameters)
    tried = {function for function, *_ in BAD}
    assert tried >= {x for x in defined() if x.__module__ == "course_utils.layers"}
