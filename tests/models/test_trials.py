"""Several seeds side by side: each must fare as it would alone."""

import numpy as np
import pytest

from course_utils.layers import linear_vjp
from course_utils.models.trials import run_trials
from course_utils.training import clip_gradients, train

TARGET = np.array([[1.0], [-2.0], [0.5]])


class Line:
    """A linear model: its loss is the mean of the squares of what it misses."""

    def start(self, rng):
        return {"weight": rng.normal(size=(3, 1))}

    def loss_and_gradients(self, parameters, x, y):
        output, back = linear_vjp(x, parameters["weight"])
        missed = output - y
        return (missed**2).mean(), {"weight": back(2 * missed / missed.size)[1]}

    def score(self, parameters, x, y):
        return ((x @ parameters["weight"] - y) ** 2).mean(axis=(-1, -2))


def task(learn, test):
    def draw(rng, size):
        x = rng.normal(size=(size, 3))
        return x, x @ TARGET + rng.normal(size=(size, 1)) * 0.1

    return lambda: draw(learn, 4), draw(test, 50)


def trials(seeds, **options):
    given = {"steps": 6, "learning_rate": 0.1, "progress": False}
    return run_trials(Line(), task, seeds=seeds, **{**given, **options})


@pytest.mark.parametrize("max_norm", [None, 0.05, 2.0])
def test_each_seed_does_as_it_would_alone(max_norm):
    together = trials([3, 7, 5], every=2, max_norm=max_norm)
    for i, seed in enumerate([3, 7, 5]):
        alone = trials([seed], every=2, max_norm=max_norm)
        np.testing.assert_allclose(together.scores[:, i], alone.scores[:, 0])
        np.testing.assert_allclose(
            together.parameters["weight"][i], alone.parameters["weight"][0]
        )
    losses = [trials([seed], max_norm=max_norm).losses for seed in (3, 7, 5)]
    np.testing.assert_allclose(together.losses, np.mean(losses, axis=0))


@pytest.mark.parametrize("max_norm", [None, 0.05])
def test_one_seed_does_what_plain_training_does(max_norm):
    ours = trials([4], max_norm=max_norm, learning_rate=lambda step: 0.1 / (1 + step))
    start, learn, test = np.random.default_rng(4).spawn(3)
    draw, held_out = task(learn, test)
    parameters, losses = train(
        Line().start(start),
        Line().loss_and_gradients,
        lambda rng: draw(),
        rng=np.random.default_rng(0),
        steps=6,
        learning_rate=lambda step: 0.1 / (1 + step),
        max_norm=max_norm,
        progress=False,
    )
    np.testing.assert_allclose(ours.losses, losses)
    np.testing.assert_allclose(ours.parameters["weight"][0], parameters["weight"])
    assert ours.scores[-1, 0] == pytest.approx(Line().score(parameters, *held_out))


def test_each_seed_is_clipped_for_itself(monkeypatch):
    seen = []

    def spy(gradients, max_norm):
        seen.append((gradients["weight"].shape, max_norm))
        return clip_gradients(gradients, max_norm)

    monkeypatch.setattr("course_utils.models.trials.clip_gradients", spy)
    trials([0, 1], steps=1, max_norm=0.3)
    assert seen == [((3, 1), 0.3)] * 2


@pytest.mark.parametrize(
    ("every", "steps", "tested"),
    [
        (None, 6, [6]),
        (2, 6, [0, 2, 4, 6]),
        (4, 6, [0, 4]),
        (6, 6, [6]),
        (9, 6, [6]),
        (1, 2, [0, 1, 2]),
    ],
)
def test_a_learning_curve_has_a_test_at_each_step_that_is_due(every, steps, tested):
    found = trials([0, 1], steps=steps, every=every)
    np.testing.assert_array_equal(found.tested, tested)
    assert found.scores.shape == (len(tested), 2)
    assert found.losses.shape == (steps,)


def test_what_is_held_out_is_the_same_in_every_test_and_never_learnt_from():
    seen, learnt = [], []

    class Watched(Line):
        def score(self, parameters, x, y):
            seen.append(x)
            return super().score(parameters, x, y)

        def loss_and_gradients(self, parameters, x, y):
            learnt.append(x)
            return super().loss_and_gradients(parameters, x, y)

    options = {"steps": 4, "every": 2, "learning_rate": 0.1, "progress": False}
    run_trials(Watched(), task, seeds=[0, 1], **options)
    assert len(seen) == 3
    assert all(x.shape == (2, 50, 3) for x in seen)
    assert not np.isin(np.stack(learnt), seen[0]).any()
    for x in seen:
        np.testing.assert_array_equal(x, seen[0])


def test_training_gets_better_with_every_test():
    scores = trials([0, 1, 2], steps=300, every=100).scores
    assert (scores[1:] < scores[0] / 10).all()
    assert scores[-1].max() < 0.05


def test_no_test_is_due_in_no_time():
    with pytest.raises(ValueError, match="`every` must be at least 1"):
        trials([0], every=0)
