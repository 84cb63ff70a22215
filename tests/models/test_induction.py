"""The layers of attention alone that lesson 15 trains, asks and changes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from samples import check_gradients

from course_utils.attribution import induction_score
from course_utils.finite_differences import gradient_check
from course_utils.models import induction
from course_utils.models.induction import (
    AttentionOnly,
    Watched,
    measured,
    repeats,
    repeats_task,
    second_time,
    shares,
)
from course_utils.models.pooled import DECIDERS, Pooled, decisive, exchanged
from course_utils.models.trials import run_trials, side_by_side

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import induction as table

SMALL = {"vocabulary": 6, "n": 5, "d": 3}
MODELS = {
    "no layer": AttentionOnly(0, **SMALL),
    "two layers": AttentionOnly(2, **SMALL),
    "pool": Pooled(0, **SMALL),
    "pool of mixed words": Pooled(2, **SMALL),
    "mean": Pooled(1, **SMALL, learns_weights=False),
}
EACH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def started(model, seed=0):
    """Return parameters that are large enough for weights to matter, and a batch."""
    rng = np.random.default_rng(seed)
    parameters = {name: 2 * x for name, x in model.start(rng).items()}
    if isinstance(model, Pooled):
        return parameters, decisive(rng, 3, n=5, vocabulary=6)
    return parameters, repeats(rng, 3, n=5, vocabulary=6, periods=(2, 3))


@EACH
def test_its_gradients_are_the_slopes_of_its_loss(model):
    parameters, batch = started(model)
    check_gradients(model, parameters, *batch)


@EACH
def test_the_gradient_of_the_vectors_is_right_too(model):
    parameters, (tokens, _) = started(model)

    def vjp(x):
        logits, _, back = model.look(parameters, x)
        return logits, lambda d_logits: back(d_logits)[:1]

    assert max(gradient_check(vjp, model.embed(parameters, tokens))) < 1e-8


@pytest.mark.oracle
@EACH
def test_pytorch_finds_the_same_loss_and_gradients(model, torch):
    attend = torch.nn.functional.scaled_dot_product_attention
    parameters, (tokens, targets) = started(model)
    p = {k: torch.tensor(x, requires_grad=True) for k, x in parameters.items()}
    x = p["tokens"][torch.tensor(tokens)] + p["places"]
    for i in range(model.layers):
        parts = (x @ p[f"w_{name} {i}"] for name in ("query", "key", "value"))
        x = x + attend(*parts, is_causal=model.causal) @ p[f"w_out {i}"]
    if isinstance(model, Pooled):
        scores = (x @ p["pool"])[..., 0] if model.learns_weights else 0 * x[..., 0]
        x = (scores.softmax(-1)[..., None] * x).sum(-2)
    logits, answers = x @ p["w_read"], torch.tensor(targets).ravel()
    expected = torch.nn.functional.cross_entropy(
        logits.reshape(len(answers), -1), answers, ignore_index=-1
    )
    expected.backward()
    loss, gradients = model.loss_and_gradients(parameters, tokens, targets)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    assert gradients.keys() == p.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad.numpy(), atol=1e-12)


@EACH
def test_models_side_by_side_do_as_each_alone(model):
    pairs = [started(model, seed) for seed in (0, 1)]
    both = side_by_side([p for p, _ in pairs])
    batch = [np.stack(x) for x in zip(*(batch for _, batch in pairs), strict=True)]
    scores = model.score(both, *batch)
    for i, (alone, own) in enumerate(pairs):
        np.testing.assert_allclose(scores[i], model.score(alone, *own), atol=1e-12)


def test_the_future_is_hidden_and_all_weights_are_shown():
    model = MODELS["two layers"]
    p, (tokens, _) = started(model)
    before, weights, _ = model.look(p, model.embed(p, tokens))
    tokens[:, 3] = (tokens[:, 3] + 1) % 6
    after, _, _ = model.look(p, model.embed(p, tokens))
    moved = (before != after).any(axis=-1)
    assert moved[:, 3:].all()
    assert not moved[:, :3].any()
    for layer in weights:
        np.testing.assert_allclose(layer.sum(axis=-1), 1)


@EACH
def test_changed_weights_are_used_and_the_same_weights_change_nothing(model):
    p, (tokens, _) = started(model)
    x = model.embed(p, tokens)
    before, weights, _ = model.look(p, x)
    for layer, own in enumerate(weights):
        same, _, _ = model.look(p, x, exchanged(layer, lambda w: w))
        np.testing.assert_array_equal(before, same)
        off, seen, _ = model.look(p, x, exchanged(layer, np.zeros_like))
        assert np.abs(before - off).max() > 1e-3
        assert not seen[layer].any()
        assert seen[layer].shape == own.shape


def test_a_layer_that_is_shut_off_is_as_if_it_were_not_there():
    model = MODELS["two layers"]
    p, (tokens, _) = started(model)
    without = {k: x for k, x in p.items() if not k.endswith(" 1")}
    off, _, _ = model.look(p, model.embed(p, tokens), exchanged(1, np.zeros_like))
    one = AttentionOnly(1, **SMALL)
    alone, _, _ = one.look(without, one.embed(without, tokens))
    np.testing.assert_allclose(off, alone, atol=1e-12)


def test_words_of_different_letters_come_again_and_are_asked_the_second_time():
    tokens, targets = repeats(np.random.default_rng(0), 50)
    for row, answers in zip(tokens, targets, strict=True):
        period = int(np.argmax(answers >= 0))
        assert 9 <= period <= 16
        assert len(set(row[:period])) == period
        assert (row[period:] == row[:-period]).all()
        assert (answers[:period] == -1).all()
        assert (answers[period:-1] == row[period + 1 :]).all()
        assert answers[-1] == row[32 - period]


def test_one_word_decides():
    tokens, targets = decisive(np.random.default_rng(0), 200)
    decides = tokens < DECIDERS
    assert (decides.sum(axis=1) == 1).all()
    assert (targets == (tokens[decides] >= DECIDERS // 2)).all()
    assert set(targets) == {0, 1}


def test_what_is_watched_is_what_it_says():
    model, plain = Watched(2, **SMALL), AttentionOnly(2, **SMALL)
    p, (tokens, targets) = started(model)
    right, surprise, back, again = model.score(p, tokens, targets)
    logits, weights, _ = plain.look(p, plain.embed(p, tokens))
    assert right == shares(logits, targets) == plain.score(p, tokens, targets)
    assert surprise == pytest.approx(plain.loss_and_gradients(p, tokens, targets)[0])
    looks = [weights[0][b, i, i - 1] for b in range(3) for i in range(1, 5)]
    assert back == pytest.approx(np.mean(looks))
    assert again == pytest.approx(induction_score(weights[1], tokens).mean())


def test_two_layers_learn_what_one_does_not():
    task = repeats_task(16, 50, n=16, vocabulary=10, periods=(4, 7))
    shape = {"vocabulary": 10, "n": 16, "d": 24}
    scores = [
        run_trials(
            AttentionOnly(layers, **shape),
            task,
            seeds=[0],
            steps=250,
            learning_rate=0.01,
            progress=False,
        ).scores[0, 0]
        for layers in (1, 2)
    ]
    assert scores[0] < 0.8 < 0.95 < scores[1]


def test_every_plan_has_been_measured_and_one_layer_is_as_large_as_two():
    for plan in table.PLAN:
        assert measured(*plan).shape == (5,)
    lines = induction.TABLE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == table.HEADER
    assert len(lines) == 1 + 5 * len(table.PLAN)
    numbers = {
        tuple(map(int, x.split(",")[:2])): int(x.split(",")[4]) for x in lines[1:]
    }
    for (layers, d), size in numbers.items():
        start = AttentionOnly(layers, d=d).start(np.random.default_rng(0))
        assert size == sum(x.size for x in start.values())
    assert numbers[1, 44] >= numbers[2, 32]


def test_what_was_not_measured_is_refused():
    with pytest.raises(KeyError, match="3 layers, d = 32, 800 steps: not measured"):
        measured(3, 32, 800)


def test_a_stored_row_is_what_training_gives():
    (found,) = second_time(1, 32, 150, [1], progress=False)
    assert found == pytest.approx(measured(1, 32, 150)[1], abs=0.02)
