"""The training loop and its bar; and that the pieces together learn a task."""

import io
import sys
from types import ModuleType

import numpy as np
import pytest

from course_utils import training
from course_utils.attention import scaled_dot_product_attention_vjp
from course_utils.layers import (
    accuracy,
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    linear_vjp,
)
from course_utils.tasks import lookup_task
from course_utils.training import Adam, cosine_schedule, tracked, train


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


def test_who_watches_sees_the_parameters_before_each_step_and_at_the_end():
    seen = []
    trained, losses = run(steps=3, watch=lambda *now: seen.append(now))
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    assert seen[-1][1] is trained
    rng = np.random.default_rng(0)
    for (_, parameters), loss in zip(seen[:-1], losses, strict=True):
        assert fit_a_point(parameters, *draw_point(rng))[0] == loss


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


@pytest.mark.parametrize(
    "name", ["parameters", "loss_and_gradients", "draw_batch", "watch"]
)
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


def test_tracked_goes_through_all_with_a_bar_where_someone_watches(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(tracked(range(3))) == [0, 1, 2]
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(tracked(["a", "b"])) == ["a", "b"]
    assert "2/2" in sys.stderr.getvalue()


@pytest.mark.parametrize("session", [None, "lesson.ipynb"])
def test_a_notebook_has_a_bar_of_text_if_it_is_open_in_jupyter(monkeypatch, session):
    advanced = []

    class Bar:
        def __init__(self, total, file):
            assert file is sys.stdout
            advanced.append(total)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            advanced.append("closed")

        def set_postfix_str(self, text, refresh):
            assert text.startswith("loss ")

        def update(self):
            advanced.append(1)

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr("tqdm.tqdm", Bar)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    run(steps=3)
    assert advanced == ([3, 1, 1, 1, "closed"] if session else [])
    assert sys.stderr.getvalue() == ""


# All together


def look_up(parameters, query, key, value):
    """Return the logits, and what sends their gradient back to the parameters."""
    p = parameters
    asked, asked_back = embedding_vjp(p["keys"], query[:, np.newaxis])
    asking, query_back = linear_vjp(asked, p["w_query"])
    offered, key_back = embedding_vjp(p["keys"], key)
    told, value_back = embedding_vjp(p["values"], value)
    blended, attention_back = scaled_dot_product_attention_vjp(asking, offered, told)
    logits, out_back = linear_vjp(blended[:, 0], p["w_out"])

    def back(d_logits):
        d_blended, d_out = out_back(d_logits)
        d_asking, d_offered, d_told = attention_back(d_blended[:, np.newaxis])
        d_asked, d_w_query = query_back(d_asking)
        d_keys = asked_back(d_asked)[0] + key_back(d_offered)[0]
        (d_values,) = value_back(d_told)
        return {
            "keys": d_keys,
            "values": d_values,
            "w_query": d_w_query,
            "w_out": d_out,
        }

    return logits, back


def loss_of_look_up(parameters, query, key, value, target):
    logits, back = look_up(parameters, query, key, value)
    loss, loss_back = cross_entropy_vjp(logits, target)
    return loss, back(*loss_back())


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
    assert accuracy(look_up(parameters, *asked)[0], target) > 0.98
