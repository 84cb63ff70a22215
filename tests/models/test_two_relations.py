"""The model that lesson 9 trains with one head and with two."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.models.two_relations import MATRICES, TwoRelations, trained
from course_utils.multi_head import multi_head_attention
from course_utils.tasks import two_relations_task


def small(num_heads):
    model = TwoRelations(num_heads, d_model=6, n=5, vocabulary=4)
    rng = np.random.default_rng(0)
    return (
        model,
        model.start(rng),
        *two_relations_task(rng, 3, model.n, vocabulary=4),
    )


@pytest.mark.parametrize("num_heads", [1, 2, 3])
def test_its_gradients_are_the_slopes_of_its_loss(num_heads):
    model, parameters, tokens, targets = small(num_heads)
    check_gradients(model, parameters, tokens, targets)


def test_models_side_by_side_do_as_each_alone():
    model, parameters, tokens, targets = small(2)
    others = model.start(np.random.default_rng(1))
    both = {name: np.stack([x, others[name]]) for name, x in parameters.items()}
    pair = (np.stack([tokens, tokens[::-1]]), np.stack([targets, targets[::-1]]))
    for i, own in enumerate((parameters, others)):
        batch = [x[i] for x in pair]
        np.testing.assert_allclose(
            model.read(both, pair[0])[i], model.read(own, batch[0]), atol=1e-13
        )
        np.testing.assert_array_equal(
            model.score(both, *pair)[i], model.score(own, *batch)
        )


def test_the_score_is_the_share_of_each_question():
    model, parameters, tokens, targets = small(1)
    first, second = model.score(parameters, tokens, targets)
    best = model.read(parameters, tokens).argmax(axis=-1)
    asked = targets >= 0
    for i, share in enumerate((first, second)):
        right = best[..., i][asked[..., i]] == targets[..., i][asked[..., i]]
        assert share == right.mean()


@pytest.mark.parametrize("num_heads", [1, 2])
def test_it_attends_as_multi_head_attention_does(num_heads):
    model, parameters, tokens, _ = small(num_heads)
    x = parameters["tokens"][tokens] + parameters["places"]
    options = {"num_heads": num_heads, "is_causal": True}
    matrices = [parameters[name] for name in MATRICES]
    output, weights = multi_head_attention(
        x, x, x, *matrices, **options, return_weights=True
    )
    logits = model.read(parameters, tokens)
    np.testing.assert_allclose(logits[..., 1, :], output @ parameters["w_second"])
    np.testing.assert_allclose(model.weights(parameters, tokens), weights, atol=1e-12)


def test_two_heads_learn_both_relations_and_one_learns_one():
    options = {"steps": 400, "progress": False}
    (first, second), _ = trained(TwoRelations(2, n=6), 0, **options)
    assert first > 0.95
    assert second > 0.95
    (first, second), _ = trained(TwoRelations(1, n=6), 0, **options)
    assert first > 0.95
    assert second < 0.5


def test_several_seeds_are_trained_as_each_alone():
    model, options = TwoRelations(1, d_model=4, n=5), {"steps": 5, "progress": False}
    right, parameters = trained(model, [3, 1], **options)
    assert right.shape == (2, 2)
    for i, seed in enumerate([3, 1]):
        alone, own = trained(model, seed, **options)
        np.testing.assert_array_equal(right[i], alone)
        for name, x in own.items():
            np.testing.assert_allclose(parameters[name][i], x, atol=1e-12)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="`num_heads` must divide d_model = 16"):
        TwoRelations(num_heads=3)
