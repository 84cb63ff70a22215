"""The reader without a softmax that lesson 14 trains."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils import linear_attention
from course_utils.finite_differences import gradient_check
from course_utils.models.linear_reader import linear_attention_vjp, recall
from course_utils.models.lookup_reader import LookupReader, dictionaries
from course_utils.models.trials import run_trials

SIZES = {"num_keys": 5, "num_values": 3}
SHAPES = [((3, 5), (4, 5), (4, 2)), ((2, 3, 5), (2, 4, 5), (2, 4, 2)), ((1, 1),) * 3]


def drawn(shapes, factor=1):
    rng = np.random.default_rng(0)
    return [factor * rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("factor", [0.1, 1, 5])
def test_it_is_linear_attention_with_the_right_way_back(shapes, factor):
    inputs = drawn(shapes, factor)
    output, _ = linear_attention_vjp(*inputs)
    np.testing.assert_allclose(output, linear_attention(*inputs), rtol=1e-12)
    assert max(gradient_check(linear_attention_vjp, *inputs)) < 1e-8


def test_the_gradients_of_the_reader_are_the_slopes_of_its_loss():
    model = LookupReader(attend=linear_attention_vjp, d=4, **SIZES)
    rng = np.random.default_rng(0)
    parameters = {k: x.astype(np.float64) for k, x in model.start(rng).items()}
    check_gradients(model, parameters, *dictionaries(rng, 2, n=3, **SIZES))


@pytest.mark.oracle
def test_pytorch_finds_the_same_loss_and_gradients(torch):
    model = LookupReader(attend=linear_attention_vjp, d=4, **SIZES)
    rng = np.random.default_rng(0)
    parameters = {k: x.astype(np.float64) for k, x in model.start(rng).items()}
    batch = asked, key, value, answer = dictionaries(rng, 2, n=3, **SIZES)
    p = {k: torch.tensor(x, requires_grad=True) for k, x in parameters.items()}
    pairs = ((asked, "asked", "w_query"), (key, "keys", "w_key"))
    pairs = (*pairs, (value, "values", "w_value"))
    query, keys, values = (
        torch.nn.functional.embedding(torch.tensor(tokens), p[table]) @ p[matrix]
        for tokens, table, matrix in pairs
    )
    elu = torch.nn.functional.elu
    weights = (elu(query) + 1) @ (elu(keys) + 1).mT
    output = weights / weights.sum(-1, keepdim=True) @ values @ p["w_out"]
    expected = torch.nn.functional.cross_entropy(
        output.reshape(-1, 3), torch.tensor(answer.ravel())
    )
    expected.backward()
    loss, gradients = model.loss_and_gradients(parameters, *batch)
    assert loss == pytest.approx(expected.item(), abs=1e-13)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad.numpy(), atol=1e-13)


def test_the_task_asks_for_every_key_of_new_dictionaries():
    draw, test = recall(7, num_keys=9, batch=2, tests=3)(
        *np.random.default_rng(0).spawn(2)
    )
    assert {x.shape for x in draw()} == {(2, 7)}
    assert {x.shape for x in test} == {(3, 7)}
    assert not np.array_equal(draw()[1], draw()[1])


def test_it_learns_two_pairs():
    model = LookupReader(attend=linear_attention_vjp, d=16)
    trials = run_trials(
        model,
        recall(2, num_keys=32),
        seeds=[0],
        steps=80,
        learning_rate=0.01,
        progress=False,
    )
    assert trials.scores[-1] > 0.6
