"""Adam, clipping, schedules and first weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import assert_close, dtypes, laws, leading_shapes, normal, seeds
from torch_oracles import many, shapes

from course_utils.layers import glorot_uniform
from course_utils.training import Adam, clip_gradients, cosine_schedule

# Adam


@laws
@given(leading_shapes, seeds, dtypes, st.floats(1e-4, 1.0))
def test_the_first_step_is_the_learning_rate_against_the_sign(
    shape, seed, dtype, learning_rate
):
    parameter, gradient = normal(seed, dtype, shape, shape)
    gradient = gradient + np.sign(gradient).astype(dtype)
    moved = Adam(learning_rate).step({"w": parameter}, {"w": gradient})["w"]
    assert moved.dtype == dtype
    expected = parameter - learning_rate * np.sign(gradient)
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


@laws
@given(seeds, st.sampled_from([1e-3, 8.0, 1e4]))
def test_the_size_of_all_gradients_does_not_count(seed, factor):
    plain, scaled = (Adam(0.1, epsilon=1e-30) for _ in range(2))
    (one,) = normal(seed, np.float64, (4,))
    other = one
    for gradient in normal(seed + 1, np.float64, *[(4,)] * 5):
        one = plain.step({"w": one}, {"w": gradient})["w"]
        other = scaled.step({"w": other}, {"w": factor * gradient})["w"]
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_adam_changes_nothing_that_it_is_given():
    parameters = {"w": np.ones((2, 3)).T, "b": np.zeros(2)}
    gradients = {"w": np.full((3, 2), 0.5), "b": np.ones(2)}
    for array in (*parameters.values(), *gradients.values()):
        array.flags.writeable = False
    adam = Adam()
    first = adam.step(parameters, gradients)
    kept = {name: x.copy() for name, x in first.items()}
    adam.step(first, gradients)
    for name, x in first.items():
        np.testing.assert_array_equal(x, kept[name])
        assert x.shape == parameters[name].shape


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.int64, np.float64)],
)
def test_a_parameter_keeps_its_dtype_whatever_its_gradient_has(dtype, expected):
    adam = Adam(0.1)
    parameters = {"w": np.zeros(3, dtype)}
    for _ in range(3):
        parameters = adam.step(parameters, {"w": np.ones(3)})
        assert parameters["w"].dtype == expected
    np.testing.assert_allclose(parameters["w"], np.full(3, -0.3), rtol=2e-3)


def test_adam_finds_the_bottom_of_a_valley():
    adam, parameters = Adam(0.1), {"x": np.array(5.0), "y": np.array([3.0, -3.0])}
    for step in range(500):
        adam.learning_rate = 0.1 * (1 - step / 500)
        gradients = {"x": 2 * (parameters["x"] - 1), "y": 200 * parameters["y"]}
        parameters = adam.step(parameters, gradients)
    assert parameters["x"] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(parameters["y"], [0, 0], atol=1e-3)


@pytest.mark.oracle
@many
@given(
    shapes,
    seeds,
    dtypes,
    st.sampled_from([1e-3, 1e-2, 0.3]),
    st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]),
    st.sampled_from([1e-8, 1e-3]),
)
def test_adam_against_torch(torch, shape, seed, dtype, learning_rate, betas, epsilon):
    w, b, *gradients = normal(seed, dtype, shape, (3,), *[shape, (3,)] * 5)
    tensors = [torch.nn.Parameter(torch.tensor(x)) for x in (w, b)]
    theirs = torch.optim.Adam(tensors, learning_rate, betas, epsilon)
    ours, parameters = Adam(learning_rate, betas, epsilon), {"w": w, "b": b}
    for step in range(5):
        pair = gradients[2 * step : 2 * step + 2]
        parameters = ours.step(parameters, dict(zip("wb", pair, strict=True)))
        for tensor, gradient in zip(tensors, pair, strict=True):
            tensor.grad = torch.tensor(gradient)
        theirs.step()
        for name, tensor in zip("wb", tensors, strict=True):
            assert_close(parameters[name], tensor.detach(), dtype)


ONE = {"w": np.ones(3)}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"betas": 0.9}, TypeError, "betas"),
        ({"betas": (0.9,)}, TypeError, "betas"),
        ({"betas": (0.9, 1.0)}, ValueError, "betas"),
        ({"betas": (-0.1, 0.9)}, ValueError, "betas"),
        ({"epsilon": 0.0}, ValueError, "epsilon"),
    ],
)
def test_adam_refuses_options(options, error, message):
    with pytest.raises(error, match=message):
        Adam(**options)


@pytest.mark.parametrize(
    ("parameters", "gradients", "error", "message"),
    [
        (np.ones(3), ONE, TypeError, "`parameters` must be a dictionary"),
        (ONE, [np.ones(3)], TypeError, "`gradients` must be a dictionary"),
        (ONE, {"v": np.ones(3)}, ValueError, r"`gradients` .*\['w'\].*\['v'\]"),
        (ONE, {"w": np.ones((1, 3))}, ValueError, r"gradients\['w'\]` .*\(3,\)"),
        (ONE, {"w": ["a"] * 3}, TypeError, r"gradients\['w'\]"),
        ({"w": ["a"] * 3}, ONE, TypeError, r"parameters\['w'\]"),
    ],
)
def test_a_step_refuses(parameters, gradients, error, message):
    adam = Adam()
    with pytest.raises(error, match=message):
        adam.step(parameters, gradients)
    assert adam.steps == 0


def test_a_step_refuses_other_parameters_than_before():
    adam = Adam()
    adam.step(ONE, ONE)
    with pytest.raises(ValueError, match=r"steps before, \['w'\]; got \['v'\]"):
        adam.step({"v": np.ones(3)}, {"v": np.ones(3)})
    with pytest.raises(ValueError, match=r"`parameters\['w'\]` must have .*\(3,\)"):
        adam.step({"w": np.ones(4)}, {"w": np.ones(4)})
    assert adam.steps == 1


# Clipping, schedules and first weights


@laws
@given(leading_shapes, seeds, dtypes, st.floats(0.01, 100))
def test_clipping_keeps_the_direction_and_bounds_the_norm(shape, seed, dtype, max_norm):
    w, b = normal(seed, dtype, shape, (2,))
    clipped = clip_gradients({"w": w, "b": b}, max_norm)
    norm = np.sqrt((w**2).sum() + (b**2).sum())
    factor = min(1.0, max_norm / norm)
    for name, x in (("w", w), ("b", b)):
        assert clipped[name].dtype == dtype
        np.testing.assert_allclose(clipped[name], x * factor, rtol=1e-5)
    if norm < max_norm:
        np.testing.assert_array_equal(clipped["w"], w)


def test_clipping_nothing_and_very_much():
    assert clip_gradients({}, 1.0) == {}
    still = clip_gradients({"w": np.zeros(2, int)}, 1.0)["w"]
    np.testing.assert_array_equal(still, [0.0, 0.0])
    steep = np.array([3e30, 4e30], np.float32)
    steep.flags.writeable = False
    clipped = clip_gradients({"w": steep}, 5.0)["w"]
    np.testing.assert_allclose(clipped, [3, 4], rtol=1e-6)


@pytest.mark.oracle
@many
@given(shapes, seeds, dtypes, st.floats(0.01, 10))
def test_clipping_against_torch(torch, shape, seed, dtype, max_norm):
    w, b = normal(seed, dtype, shape, (3,))
    tensors = [torch.nn.Parameter(torch.tensor(x)) for x in (w, b)]
    for tensor, gradient in zip(tensors, (w, b), strict=True):
        tensor.grad = torch.tensor(gradient)
    norm = float(torch.nn.utils.clip_grad_norm_(tensors, max_norm))
    ours = clip_gradients({"w": w, "b": b}, max_norm)
    # PyTorch divides by the norm plus 1e-6.
    factor = norm / (norm + 1e-6) if max_norm < norm + 1e-6 else 1.0
    for name, tensor in zip("wb", tensors, strict=True):
        assert_close(ours[name] * factor, tensor.grad, dtype)


@pytest.mark.oracle
def test_the_cosine_against_torch(torch):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=70)
    ours = cosine_schedule(0.3, 70)
    for step in range(71):
        assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimiser.step()
        theirs.step()


def test_the_cosine_falls_from_the_peak_to_zero():
    rates = [cosine_schedule(2.0, 8)(step) for step in range(9)]
    assert rates[0] == 2.0
    assert rates[4] == pytest.approx(1.0)
    assert rates[8] == pytest.approx(0.0, abs=1e-15)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("shape", [(300, 100), (100, 300), (2, 100, 150)])
def test_first_weights_are_uniform_and_as_wide_as_they_should_be(shape):
    weight = glorot_uniform(np.random.default_rng(0), *shape, dtype=np.float64)
    limit = np.sqrt(6 / (shape[-2] + shape[-1]))
    assert weight.shape == shape
    assert 0.999 * limit < np.abs(weight).max() <= limit
    assert weight.var() == pytest.approx(limit**2 / 3, rel=0.02)
    assert weight.mean() == pytest.approx(0, abs=0.01 * limit)
    single = glorot_uniform(np.random.default_rng(0), *shape)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, weight.astype(np.float32))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: clip_gradients({"w": ["a"]}, 1.0), TypeError, r"gradients\['w'\]"),
        (lambda: clip_gradients({"w": [np.nan]}, 1.0), ValueError, "gradients"),
        (lambda: clip_gradients({"w": [1e200]}, 1.0), ValueError, "gradients"),
        (lambda: clip_gradients([np.ones(2)], 1.0), TypeError, "gradients"),
        (lambda: clip_gradients(ONE, 0.0), ValueError, "max_norm"),
        (lambda: clip_gradients(ONE, None), TypeError, "max_norm"),
        (lambda: cosine_schedule(0.0, 5), ValueError, "peak"),
        (lambda: cosine_schedule(1.0, 0), ValueError, "steps"),
        (lambda: cosine_schedule(1.0, 5.0), TypeError, "steps"),
        (lambda: glorot_uniform(0, 2, 3), TypeError, "rng"),
        (lambda: glorot_uniform(np.random.default_rng(0), 2), ValueError, "shape"),
        (lambda: glorot_uniform(np.random.default_rng(0), 2, 0), ValueError, "shape"),
        (lambda: glorot_uniform(np.random.default_rng(0), 2, 0.5), TypeError, "shape"),
        (
            lambda: glorot_uniform(np.random.default_rng(0), 2, 3, dtype=int),
            ValueError,
            "dtype",
        ),
    ],
)
def test_a_bad_argument_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
