"""Adam, clipping, the loop and its bar; and that the pieces together learn a task."""

import io
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import assert_close, dtypes, laws, leading_shapes, normal, seeds
from torch_oracles import many, shapes

from course_utils import training
from course_utils.attention import scaled_dot_product_attention
from course_utils.gradients import scaled_dot_product_attention_backward
from course_utils.layers import (
    accuracy,
    cross_entropy,
    embedding_backward,
    linear_backward,
)
from course_utils.tasks import lookup_task
from course_utils.training import (
    Adam,
    clip_gradients,
    cosine_schedule,
    glorot_uniform,
    train,
)


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


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
    [(np.float16, np.float16), (np.float32, np.float32), (np.int64, np.float64)],
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
        (np.ones(3), ONE, TypeError, "parameters needs a dictionary"),
        (ONE, [np.ones(3)], TypeError, "gradients needs a dictionary"),
        (ONE, {"v": np.ones(3)}, ValueError, r"gradients .*\['w'\].*\['v'\]"),
        (ONE, {"w": np.ones((1, 3))}, ValueError, r"gradients\['w'\] .*\(3,\)"),
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
    with pytest.raises(ValueError, match=r"steps before, \['w'\]; it has \['v'\]"):
        adam.step({"v": np.ones(3)}, {"v": np.ones(3)})
    with pytest.raises(ValueError, match=r"parameters\['w'\] needs .*\(3,\)"):
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


# The loop


def fit_a_point(parameters, target):
    difference = parameters["point"] - target
    return (difference**2).sum(), {"point": 2 * difference}


def draw_point(rng):
    return (np.array([1.0, -2.0]) + 0.1 * rng.standard_normal(2),)


def run(**options):
    given = {"rng": np.random.default_rng(0), "steps": 20, "learning_rate": 0.1}
    start = {"point": np.zeros(2)}
    return train(start, fit_a_point, draw_point, **{**given, **options})


def test_a_seed_fixes_a_run_and_another_changes_it():
    (one, losses), (other, same), (_, different) = (
        run(rng=np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(losses, same)
    np.testing.assert_array_equal(one["point"], other["point"])
    assert (losses != different).any()
    assert losses.shape == (20,)
    assert losses.dtype == np.float64


def test_a_loss_is_that_of_the_parameters_before_the_step():
    start = {"point": np.zeros(2)}
    start["point"].flags.writeable = False
    trained, losses = train(
        start,
        fit_a_point,
        lambda rng: (np.array([3.0, 4.0]),),
        rng=np.random.default_rng(0),
        steps=1,
        learning_rate=0.5,
    )
    assert losses == [25.0]
    np.testing.assert_allclose(trained["point"], [0.5, 0.5])


def test_a_schedule_is_asked_for_every_step():
    steps = []

    def schedule(step):
        steps.append(step)
        return 0.1 / (1 + step)

    scheduled, _ = run(steps=3, learning_rate=schedule)
    assert steps[-3:] == [0, 1, 2]
    adam, parameters, rng = Adam(0.1), {"point": np.zeros(2)}, np.random.default_rng(0)
    for step in range(3):
        adam.learning_rate = 0.1 / (1 + step)
        _, gradients = fit_a_point(parameters, *draw_point(rng))
        parameters = adam.step(parameters, gradients)
    np.testing.assert_array_equal(scheduled["point"], parameters["point"])


def test_max_norm_clips_what_adam_is_given(monkeypatch):
    norms = []

    class Spy(Adam):
        def step(self, parameters, gradients):
            norms.append(np.linalg.norm(gradients["point"]))
            return super().step(parameters, gradients)

    monkeypatch.setattr(training, "Adam", Spy)
    run()
    assert max(norms) > 0.5
    norms.clear()
    run(max_norm=0.5)
    assert max(norms) == pytest.approx(0.5)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_lost_ends_the_run(loss):
    with pytest.raises(FloatingPointError, match=f"loss is {loss} at step 0"):
        train(
            {"w": np.ones(1)},
            lambda parameters: (loss, {"w": np.ones(1)}),
            lambda rng: (),
            rng=np.random.default_rng(0),
            steps=3,
        )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rng": 0}, TypeError, "rng"),
        ({"steps": 0}, ValueError, "steps"),
        ({"steps": 1.5}, TypeError, "steps"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"learning_rate": lambda step: -1.0}, ValueError, "learning_rate"),
        ({"max_norm": 0.0}, ValueError, "max_norm"),
        ({"progress": None}, TypeError, "progress"),
    ],
)
def test_training_refuses(options, error, message):
    with pytest.raises(error, match=message):
        run(**options)


@pytest.mark.parametrize("name", ["parameters", "loss_and_gradients", "draw_batch"])
def test_training_refuses_what_is_no_model_or_function(name):
    arguments = {
        "parameters": {"point": np.zeros(2)},
        "loss_and_gradients": fit_a_point,
        "draw_batch": draw_point,
    }
    with pytest.raises(TypeError, match=name):
        train(**{**arguments, name: 3}, rng=np.random.default_rng(0), steps=1)


# The bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_drawn_in_a_terminal_and_changes_no_number(monkeypatch):
    _, expected = run(progress=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    _, losses = run()
    assert "20/20" in sys.stderr.getvalue()
    assert "loss" in sys.stderr.getvalue()
    np.testing.assert_array_equal(losses, expected)
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(progress=False)
    assert sys.stderr.getvalue() == ""


def test_nothing_is_written_or_imported_where_nobody_watches(monkeypatch, capfd):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)  # an import would fail
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    run()
    assert sys.stderr.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_training_goes_on_without_a_bar_to_import(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    run()
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("session", [None, "lesson.ipynb"])
def test_a_notebook_has_its_own_bar_if_it_is_open_in_jupyter(monkeypatch, session):
    advanced = []

    class Bar:
        def __init__(self, total):
            advanced.append(total)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            advanced.append("closed")

        def set_postfix_str(self, text, refresh):
            assert text.startswith("loss ")

        def update(self):
            advanced.append(1)

    notebook = ModuleType("tqdm.notebook")
    notebook.tqdm = Bar
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "tqdm.notebook", notebook)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    run(steps=3)
    assert advanced == ([3, 1, 1, 1, "closed"] if session else [])
    assert sys.stderr.getvalue() == ""


# All together


def look_up(parameters, query, key, value):
    asked = parameters["keys"][query[:, np.newaxis]]
    heads = asked @ parameters["w_query"], parameters["keys"][key]
    blended = scaled_dot_product_attention(*heads, parameters["values"][value])
    return asked, heads, blended, blended[:, 0] @ parameters["w_out"]


def loss_of_look_up(parameters, query, key, value, target):
    asked, heads, blended, logits = look_up(parameters, query, key, value)
    loss, d_logits = cross_entropy(logits, target)
    d_blended, d_out, _ = linear_backward(d_logits, blended[:, 0], parameters["w_out"])
    d_query, d_key, d_value = scaled_dot_product_attention_backward(
        d_blended[:, np.newaxis], *heads, parameters["values"][value]
    )
    d_asked, d_w_query, _ = linear_backward(d_query, asked, parameters["w_query"])
    d_keys = embedding_backward(d_key, key, 16)
    d_keys += embedding_backward(d_asked[:, 0], query, 16)
    return loss, {
        "keys": d_keys,
        "values": embedding_backward(d_value, value, 8),
        "w_query": d_w_query,
        "w_out": d_out,
    }


def test_attention_learns_to_look_up():
    init_rng, train_rng, test_rng = np.random.default_rng(0).spawn(3)
    sizes = {"keys": (16, 16), "values": (8, 16), "w_query": (16, 16), "w_out": (16, 8)}

    def draw(rng, batch=32):
        return lookup_task(rng, batch, 6, num_keys=16, num_values=8)

    parameters, losses = train(
        {name: glorot_uniform(init_rng, *size) for name, size in sizes.items()},
        loss_of_look_up,
        draw,
        rng=train_rng,
        steps=400,
        learning_rate=cosine_schedule(3e-2, 400),
        max_norm=1.0,
    )
    *asked, target = draw(test_rng, 500)
    assert all(x.dtype == np.float32 for x in parameters.values())
    assert losses[:5].mean() > 2.0
    assert losses[-50:].mean() < 0.1
    assert accuracy(look_up(parameters, *asked)[-1], target) > 0.98
