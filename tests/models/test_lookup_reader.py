"""The model that lesson 10 trains with right and with wrong ways back."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.attention import attention_vjp
from course_utils.models.lookup_reader import (
    LookupReader,
    descend,
    dictionaries,
    first_pulls,
    questions,
)
from course_utils.models.trials import run_trials

SIZES = {"num_keys": 5, "num_values": 3}


def small(factor=1.0, **options):
    model = LookupReader(factor=factor, d=4, **SIZES, **options)
    rng = np.random.default_rng(0)
    parameters = {k: x.astype(np.float64) for k, x in model.start(rng).items()}
    return model, parameters, dictionaries(rng, 2, n=3, **SIZES)


@pytest.mark.parametrize("factor", [1.0, 5.0])
def test_its_gradients_are_the_slopes_of_its_loss(factor):
    model, parameters, batch = small(factor)
    check_gradients(model, parameters, *batch)


@pytest.mark.oracle
@pytest.mark.parametrize("factor", [1.0, 5.0])
def test_pytorch_finds_the_same_loss_and_gradients(factor, torch):
    model, parameters, (asked, key, value, answer) = small(factor)
    p = {k: torch.tensor(x, requires_grad=True) for k, x in parameters.items()}
    query, keys, values = (
        torch.nn.functional.embedding(torch.tensor(tokens), p[table]) @ p[matrix]
        for tokens, table, matrix in (
            (asked, "asked", "w_query"),
            (key, "keys", "w_key"),
            (value, "values", "w_value"),
        )
    )
    output = torch.nn.functional.scaled_dot_product_attention(
        query, keys, values, scale=factor * 4**-0.5
    )
    expected = torch.nn.functional.cross_entropy(
        (output @ p["w_out"]).reshape(-1, 3), torch.tensor(answer.ravel())
    )
    expected.backward()
    loss, gradients = model.loss_and_gradients(parameters, asked, key, value, answer)
    assert loss == pytest.approx(expected.item(), abs=1e-13)
    assert gradients.keys() == p.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad.numpy(), atol=1e-13)


def test_models_side_by_side_do_as_each_alone():
    model, parameters, batch = small()
    other = model.start(np.random.default_rng(1))
    both = {name: np.stack([x, other[name]]) for name, x in parameters.items()}
    pair = [np.stack([x, x[::-1]]) for x in batch]
    for i, own in enumerate((parameters, other)):
        batch = [x[i] for x in pair]
        alone = model.read(own, *batch[:3])
        np.testing.assert_allclose(model.read(both, *pair[:3])[i], alone, rtol=1e-5)
        assert model.score(both, *pair)[i] == model.score(own, *batch)


def test_every_question_has_the_answer_of_its_key():
    asked, key, value, answer = dictionaries(np.random.default_rng(0), 20)
    for row in range(20):
        assert len(set(key[row])) == 8
        known = dict(zip(key[row], value[row], strict=True))
        assert [known[x] for x in asked[row]] == list(answer[row])


def test_the_pull_of_a_question_is_that_of_its_own_loss():
    model, parameters, batch = small()
    pulls = model.pulls(parameters, *batch)
    for place in np.ndindex(pulls.shape):
        alone = np.full_like(batch[3], -1)  # no question but this one counts
        alone[place] = batch[3][place]
        logits, back = model.read_vjp(parameters, *batch[:3])
        exp = np.exp(logits[place] - logits[place].max())
        d_logits = np.zeros_like(logits)
        d_logits[place] = exp / exp.sum() - np.eye(3)[alone[place]]
        _, d_scores = back(d_logits)
        assert pulls[place] == pytest.approx(np.linalg.norm(d_scores))


def test_larger_scores_let_questions_fall_asleep_while_the_gradient_grows():
    (one, norm), (many, larger) = (
        first_pulls(LookupReader(factor=factor), range(3)) for factor in (1, 16)
    )
    assert (np.median(one, axis=1) > 100 * np.median(many, axis=1)).all()
    assert (larger > 2 * norm).all()


def test_the_score_is_the_share_of_right_answers():
    model, parameters, batch = small()
    best = model.read(parameters, *batch[:3]).argmax(axis=-1)
    assert model.score(parameters, *batch) == (best == batch[3]).mean()


def test_plain_descent_learns_what_adam_learns():
    options = {"seeds": [0], "steps": 60, "every": 20}
    trials = run_trials(LookupReader(), questions, learning_rate=0.003, **options)
    tested, scores = descend(LookupReader(), **options)
    assert tested.tolist() == trials.tested.tolist() == [0, 20, 40, 60]
    assert scores.shape == trials.scores.shape == (4, 1)
    assert scores[0] == trials.scores[0]  # the same start and test
    assert min(scores[-1], trials.scores[-1]) > 0.5 > scores[0]


def test_what_explodes_is_nan_and_no_error():
    def explodes(query, key, value):
        output, back = attention_vjp(query, key, value)
        return output, lambda d_output: [1e30 * x for x in back(d_output)]

    _, scores = descend(LookupReader(explodes), [0], steps=20)
    assert np.isnan(scores[-1])
