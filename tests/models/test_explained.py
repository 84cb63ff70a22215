"""The trained models that lesson 15 asks: each case is the model that it stands for."""

import numpy as np
import pytest

from course_utils.finite_differences import gradient_check
from course_utils.models.explained import (
    attributions,
    induction_case,
    order_case,
    order_cases,
    relations_case,
    words_of,
)
from course_utils.models.induction import AttentionOnly
from course_utils.models.order_reader import OrderReader, chase, chase_task
from course_utils.models.two_relations import TwoRelations
from course_utils.tasks import two_relations_task


def larger(model, seed=0):
    return {k: 2 * x for k, x in model.start(np.random.default_rng(seed)).items()}


RELATIONS, ORDER = TwoRelations(num_heads=2), OrderReader("attention, places told", 4)
INDUCTION = AttentionOnly(layers=2)
SENTENCES = chase(np.array([0, 1, 3]), np.array([1, 2, 0]), 4)
CASES = {
    "relations": relations_case(larger(RELATIONS), 1, seed=0, batch=3),
    "order": order_case(larger(ORDER), SENTENCES),
    "induction": induction_case(larger(INDUCTION), *words_of(0, batch=3, period=4)),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@EACH
def test_the_gradient_of_the_vectors_is_right(case):
    assert max(gradient_check(case.vjp, case.x[:1, :, :])) < 1e-8


def test_a_case_reads_what_its_model_reads():
    tokens, targets = two_relations_task(
        np.random.default_rng([0, 15]), 3, 12, vocabulary=8
    )
    case, p = CASES["relations"], larger(RELATIONS)
    np.testing.assert_allclose(case.read(case.x), RELATIONS.read(p, tokens)[:, -1, 1])
    np.testing.assert_array_equal(case.answer, targets[:, -1, 1])
    weights = RELATIONS.weights(p, tokens).mean(axis=1)
    np.testing.assert_allclose(case.weights[0], weights, atol=1e-12)
    case, p = CASES["order"], larger(ORDER)
    np.testing.assert_allclose(case.read(case.x), ORDER.read_vjp(p, SENTENCES)[0])
    case, p = CASES["induction"], larger(INDUCTION)
    tokens, answer = words_of(0, batch=3, period=4)
    assert (answer == tokens[:, 5]).all()
    logits, weights, _ = INDUCTION.look(p, INDUCTION.embed(p, tokens))
    np.testing.assert_allclose(case.read(case.x), logits[:, -1])
    np.testing.assert_allclose(case.weights, weights)


@EACH
def test_norms_are_lengths_of_what_the_last_layer_takes(case):
    assert case.norms.shape == case.x.shape[:2]
    assert (case.norms[case.weights[-1][:, case.place] == 0] == 0).all()


def test_the_norms_of_two_layers_are_those_of_the_second():
    case, p = CASES["induction"], larger(INDUCTION)
    first = case.weights[0] @ (case.x @ p["w_value 0"]) @ p["w_out 0"]
    added = (case.x + first) @ p["w_value 1"] @ p["w_out 1"]
    expected = case.weights[1][:, -1] * np.linalg.norm(added, axis=-1)
    np.testing.assert_allclose(case.norms, expected)


@EACH
def test_stand_ins_keep_the_place_and_are_another_token(case):
    change = case.mean_token - case.x
    assert np.abs(change).max(axis=-1).min() > 1e-6
    other = case.other_token - case.x
    assert np.abs(other).max(axis=-1).min() > 1e-6


def test_all_ways_give_a_number_to_each_token_and_rollout_knows_the_residual():
    for case in CASES.values():
        found = attributions(case)
        assert [*found][:: len(found) - 1] == ["weight", "occlusion"]
        assert {x.shape for x in found.values()} == {case.x.shape[:2]}
        same = np.allclose(found["rollout"], found["weight"])
        assert same == (not case.residual)


def test_readers_are_asked_for_sentences_that_they_did_not_learn_from():
    (case,) = order_cases(1)
    _, rng, _ = np.random.default_rng(0).spawn(3)
    _, (held_out,) = chase_task(12, 16)(rng, rng)
    np.testing.assert_array_equal(case.answer, held_out[:, 1])
    assert case.right == 1
