"""The model that lesson 13 trains under masks, and its two tasks."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.masks import block_mask, causal_mask, sliding_window_mask
from course_utils.models.sparse_reader import (
    VALUES,
    SparseReader,
    flags,
    lookups,
    task_of,
)
from course_utils.models.trials import run_trials

MASKS = {
    "window": [sliding_window_mask(6, window=2)] * 2,
    "levels": [block_mask(6, block=3), block_mask(6, block=3, summaries=True)],
}
EACH = pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)


def small(masks):
    model, rng = SparseReader(masks, vocabulary=20, d=4), np.random.default_rng(0)
    parameters = {k: x.astype(np.float64) for k, x in model.start(rng).items()}
    return model, parameters, lookups(rng, 2, n=6)


@EACH
def test_its_gradients_are_the_slopes_of_its_loss(masks):
    model, parameters, batch = small(masks)
    check_gradients(model, parameters, *batch)


@pytest.mark.oracle
@EACH
def test_pytorch_finds_the_same_loss_and_gradients(masks, torch):
    model, parameters, (tokens, targets, distance) = small(masks)
    p = {k: torch.tensor(x, requires_grad=True) for k, x in parameters.items()}
    x = torch.nn.functional.embedding(torch.tensor(tokens), p["tokens"]).sum(2)
    for layer, mask in enumerate(masks):
        x = x + torch.nn.functional.scaled_dot_product_attention(
            *(x @ p[f"{name} {layer}"] for name in ("w_query", "w_key", "w_value")),
            attn_mask=torch.tensor(mask),
        )
    expected = torch.nn.functional.cross_entropy(
        (x @ p["w_out"]).reshape(-1, VALUES), torch.tensor(targets.ravel())
    )
    expected.backward()
    loss, gradients = model.loss_and_gradients(parameters, tokens, targets, distance)
    assert loss == pytest.approx(expected.item(), abs=1e-13)
    assert gradients.keys() == p.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad.numpy(), atol=1e-13)


def test_nothing_comes_from_beyond_layers_times_one_less_than_the_window():
    model, parameters, (tokens, *_) = small(MASKS["window"])
    other = tokens.copy()
    other[:, 1] = tokens[:, 0]
    moved = (model.read(parameters, tokens) != model.read(parameters, other)).any(-1)
    assert moved[:, 1:4].all()
    assert not moved[:, [0, 4, 5]].any()


def test_models_side_by_side_do_as_each_alone():
    model, parameters, batch = small(MASKS["levels"])
    other = model.start(np.random.default_rng(1))
    both = {name: np.stack([x, other[name]]) for name, x in parameters.items()}
    pair = [np.stack([x, x[::-1]]) for x in batch]
    scores = model.score(both, *pair)
    for i, own in enumerate((parameters, other)):
        alone = [x[i] for x in pair]
        np.testing.assert_array_equal(scores[i], model.score(own, *alone))


def test_an_answer_stands_as_far_back_as_is_said():
    rng = np.random.default_rng(0)
    tokens, targets, distance = flags(rng, 20, n=8)
    for row, answers, back in zip(tokens[..., 0], targets, distance, strict=True):
        (flag,) = np.flatnonzero(row >= VALUES)
        assert (answers[:flag] == -1).all()
        assert (answers[flag:] == row[flag] - VALUES).all()
        assert (back == np.arange(8) - flag).all()
    tokens, targets, distance = lookups(rng, 20, n=8)
    for row, answers, back in zip(tokens, targets, distance, strict=True):
        for i, (_, _, question) in enumerate(row):
            key, value, _ = row[i - back[i]]
            assert key == question - 8 - VALUES
            assert value - 8 == answers[i]
            assert 0 <= back[i] <= i


def test_the_score_at_a_distance_counts_what_is_asked_there():
    model, parameters, _ = small([causal_mask(6)])
    tokens, targets, distance = flags(np.random.default_rng(0), 50, n=6)
    right = model.read(parameters, tokens).argmax(axis=-1) == targets
    shares = model.score(parameters, tokens, targets, distance)
    for k in range(6):
        assert shares[k] == right[(distance == k) & (targets >= 0)].mean()


def test_a_window_learns_what_is_in_its_reach_and_nothing_beyond():
    masks = [sliding_window_mask(16, window=4)]
    scores = run_trials(
        SparseReader(masks, vocabulary=2 * VALUES),
        task_of(lambda rng, batch: flags(rng, batch, n=16)),
        seeds=[0],
        steps=150,
        learning_rate=0.01,
        progress=False,
    ).scores[0, 0]
    assert scores[:4].min() > 0.9
    assert scores[4:].mean() < 0.3
