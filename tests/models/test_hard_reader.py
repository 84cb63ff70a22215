"""The model of lesson 13 that learns to choose, by five ways to get a gradient."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.models.hard_reader import WAYS, HardReader, hidden_turn, noise_of
from course_utils.models.trials import run_trials


def small(way, batch=3, seed=0):
    model, rngs = HardReader(way, d=4), np.random.default_rng(seed).spawn(3)
    draw, _ = hidden_turn(keys=5, d=4, batch=batch)(*rngs[:2])
    return model, model.start(rngs[2]), draw()


@pytest.mark.parametrize("way", ["exact", "soft"])
def test_its_gradients_are_the_slopes_of_its_loss(way):
    model, parameters, batch = small(way)
    check_gradients(model, parameters, *batch)


def all_choices(way):
    """Return weights, and the gradient that each choice of one question leads to."""
    model, parameters, (query, key, value, target, _) = small(way, batch=1)
    scores = model.scores(parameters, query, key)[0]
    weights = np.exp(scores) / np.exp(scores).sum()
    ends = np.cumsum(weights)
    gradients = [
        model.loss_and_gradients(
            parameters, query, key, value, target, np.array([end - w / 2])
        )[1]["matrix"]
        for end, w in zip(ends, weights, strict=True)
    ]
    exact = HardReader("exact", d=4).loss_and_gradients(
        parameters, query, key, value, target, np.zeros(1)
    )[1]["matrix"]
    return weights, np.array(gradients), exact


def test_reinforce_is_right_on_average_over_all_choices():
    weights, gradients, exact = all_choices("reinforce")
    np.testing.assert_allclose(np.tensordot(weights, gradients, 1), exact, atol=1e-12)
    assert not np.allclose(gradients[0], exact)


def test_straight_through_is_not():
    weights, gradients, exact = all_choices("straight through")
    assert not np.allclose(np.tensordot(weights, gradients, 1), exact, atol=0.01)


def test_a_baseline_leaves_nothing_of_a_loss_that_all_share():
    model, parameters, batch = small("reinforce, baseline", batch=1)
    _, gradients = model.loss_and_gradients(parameters, *batch)
    np.testing.assert_array_equal(gradients["matrix"], 0)


@pytest.mark.oracle
@pytest.mark.parametrize("way", WAYS)
def test_pytorch_finds_the_same_loss_and_gradients(way, torch):
    model, parameters, batch = small(way)
    query, key, value, target, chance = map(torch.tensor, batch)
    matrix = torch.tensor(parameters["matrix"], requires_grad=True)
    scores = torch.einsum("bd,de,bke->bk", query, matrix, key) / 2
    weights = scores.softmax(-1)
    wanted = value[torch.arange(3), target]
    losses = ((value - wanted[:, None]) ** 2).sum(-1)
    choice = (weights.cumsum(-1) < chance[:, None]).sum(-1)
    hot = torch.nn.functional.one_hot(choice, 5).to(torch.float64)
    drawn = (hot * losses).sum(-1)
    used = weights if way == "soft" else hot + weights - weights.detach()
    blend = ((torch.einsum("bk,bkv->bv", used, value) - wanted) ** 2).sum(-1)
    better = drawn - drawn.mean() * way.endswith("baseline")
    log_weight = (hot * scores.log_softmax(-1)).sum(-1)
    loss = {"exact": (weights * losses).sum(-1), "soft": blend}
    loss |= {"straight through": blend}
    loss.get(way, better * log_weight).mean().backward()
    ours, gradients = model.loss_and_gradients(parameters, *batch)
    assert ours == pytest.approx(loss.get(way, drawn).mean().item(), abs=1e-12)
    np.testing.assert_allclose(gradients["matrix"], matrix.grad.numpy(), atol=1e-12)


def test_models_side_by_side_do_as_each_alone():
    for way in WAYS:
        pair = [small(way, seed=seed) for seed in (0, 1)]
        model = pair[0][0]
        both = {"matrix": np.stack([p["matrix"] for _, p, _ in pair])}
        batches = [np.stack(x) for x in zip(*(b for *_, b in pair), strict=True)]
        _, gradients = model.loss_and_gradients(both, *batches)
        scores = model.score(both, *batches)
        for i, (_, own, batch) in enumerate(pair):
            _, alone = model.loss_and_gradients(own, *batch)
            np.testing.assert_allclose(
                2 * gradients["matrix"][i], alone["matrix"], atol=1e-12
            )
            assert scores[i] == model.score(own, *batch)


def test_noise_is_measured_against_the_exact_gradient():
    assert noise_of("exact", 0, draws=3) == pytest.approx((1, 1, 0), abs=1e-12)
    one, mean, scatter = noise_of("reinforce", 0)
    assert one < 0.5 < 0.9 < mean
    assert scatter > 1
    assert noise_of("reinforce, baseline", 0)[2] < scatter


def test_eight_keys_are_learnt_by_soft_and_by_hard():
    for way in ("soft", "reinforce, baseline"):
        trials = run_trials(
            HardReader(way),
            hidden_turn(),
            seeds=[0],
            steps=200,
            learning_rate=0.02,
            progress=False,
        )
        assert trials.scores[-1, 0] > 0.9


def test_a_way_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"`way` must be one of .*; got 'firm'"):
        HardReader("firm")
