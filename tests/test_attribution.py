"""Attributions are what their definitions say, on models one can see through."""

from itertools import pairwise

import numpy as np
import pytest

from course_utils import log_softmax, softmax
from course_utils.attention import attention_vjp
from course_utils.attribution import (
    gradient_times_input,
    induction_score,
    occlusion,
    pearson,
    rollout,
    spearman,
    weighted_norms,
)
from course_utils.finite_differences import gradient_check


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def walks(weights, residual):
    """Sum over all ways from each place down to each token, one by one."""
    layers, n, _ = weights.shape
    total = np.zeros((n, n))
    for way in np.ndindex(*(n,) * (layers + 1)):  # from the last place to the token
        share = 1.0
        for layer, (up, down) in enumerate(pairwise(way)):
            stays = residual * (up == down)
            share *= stays + (1 - residual) * weights[layers - 1 - layer, up, down]
        total[way[0], way[-1]] += share
    return total


@pytest.mark.parametrize("residual", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_rollout_sums_over_all_ways_down(layers, residual):
    weights = softmax(2 * drawn(layers, 3, 3))
    rolled = rollout(weights, residual=residual)
    np.testing.assert_allclose(rolled, walks(weights, residual), atol=1e-12)
    np.testing.assert_allclose(rolled.sum(axis=-1), 1)


def test_a_rollout_of_many_sequences_is_that_of_each_and_keeps_the_dtype():
    weights = softmax(drawn(2, 4, 3, 3)).astype(np.float32)
    rolled = rollout(weights)
    assert rolled.shape == (4, 3, 3)
    assert rolled.dtype == np.float32
    for i in range(4):
        np.testing.assert_array_equal(rolled[i], rollout(weights[:, i]))


def test_bad_weights_and_shares_are_refused():
    with pytest.raises(ValueError, match=r"`weights` must have shape \(layers"):
        rollout(np.eye(3))
    with pytest.raises(ValueError, match=r"`residual` must be .* got 1\.5"):
        rollout([np.eye(3)], residual=1.5)


W_READ = drawn(4, 3, seed=1)


def attends(x):
    """Return logits, read off the last token, and the way back."""
    output, back = attention_vjp(x[..., -1:, :], x, x)

    def both(d_logits):
        d_query, d_key, d_value, _ = back((d_logits @ W_READ.T)[..., None, :])
        d_x = d_key + d_value
        d_x[..., -1:, :] += d_query
        return (d_x,)

    return (output @ W_READ)[..., 0, :], both


def test_occlusion_is_what_the_answer_loses_without_each_token():
    x, answer = drawn(2, 5, 4), np.array([2, 0])
    stand_in = drawn(5, 4, seed=2)
    effect = occlusion(lambda x: attends(x)[0], x, answer, stand_in)
    for i, j in np.ndindex(2, 5):
        without = x[i].copy()
        without[j] = stand_in[j]
        pair = [log_softmax(attends(y)[0])[answer[i]] for y in (x[i], without)]
        assert effect[i, j] == pytest.approx(pair[0] - pair[1], abs=1e-12)


def test_the_slope_times_the_way_is_the_occlusion_of_a_small_step():
    assert max(gradient_check(attends, drawn(5, 4))) < 1e-8
    x, answer = drawn(2, 5, 4), np.array([2, 0])
    stand_in, small = drawn(4, seed=2), 1e-6
    slope = gradient_times_input(attends, x, answer, stand_in)

    def height(x):
        logits = attends(x)[0]
        return logits[np.arange(2), answer] - logits.mean(axis=-1)

    for j in range(5):
        near = x.copy()
        near[:, j] += small * (stand_in - x[:, j])
        fall = (height(x) - height(near)) / small
        np.testing.assert_allclose(slope[:, j], fall, atol=1e-4)


def test_of_a_model_that_is_a_straight_line_both_say_the_same_of_the_logit():
    def vjp(x):
        return x.sum(axis=-2), lambda d: (np.broadcast_to(d[:, None], x.shape),)

    x, answer = drawn(1, 4, 3), np.array([1])
    found = gradient_times_input(vjp, x, answer)
    centred = x - x.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, centred[..., 1])


def test_models_and_answers_that_do_not_fit_are_refused():
    x = drawn(2, 5, 4)
    with pytest.raises(ValueError, match="`answer` must be from 0 to 2; got 3"):
        occlusion(lambda x: attends(x)[0], x, [0, 3])
    with pytest.raises(ValueError, match=r"`model\(x\)` must have shape \(2, 4\)"):
        occlusion(lambda x: x, x, [0, 3])
    with pytest.raises(ValueError, match=r"`back\(d_logits\)\[0\]` must have shape"):
        gradient_times_input(lambda x: (attends(x)[0], lambda d: (d,)), x, [0, 1])


def test_weighted_norms_are_lengths_of_what_each_key_adds():
    weights, value, w_out = softmax(drawn(2, 4)), drawn(2, 4, 3), drawn(6, 5)
    norms = weighted_norms(weights, value, w_out)
    for j in range(4):
        parts = [weights[h, j] * value[h, j] @ w_out[3 * h : 3 * h + 3] for h in (0, 1)]
        assert norms[j] == pytest.approx(np.linalg.norm(sum(parts)), abs=1e-12)
    with pytest.raises(ValueError, match="must have num_heads·d_v = 6 rows; got 5"):
        weighted_norms(weights, value, w_out[:5])


def test_the_induction_score_sums_what_stands_behind_earlier_likes():
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 12):
        tokens, weights = rng.integers(3, size=n), softmax(drawn(n, n, seed=n))
        sums = []
        for i in range(n):
            behind = [j + 1 for j in range(i) if tokens[j] == tokens[i]]
            sums += [weights[i, behind].sum()] if behind else []
        expected = np.mean(sums) if sums else 0.0
        assert induction_score(weights, tokens) == pytest.approx(expected, abs=1e-12)


def test_a_perfect_induction_head_scores_one_and_one_that_looks_back_zero():
    tokens, weights = [4, 7, 1, 4, 7, 1], np.zeros((2, 6, 6))
    weights[0, [3, 4, 5], [1, 2, 3]] = 1
    weights[1, [3, 4, 5], [2, 3, 4]] = 1
    np.testing.assert_array_equal(induction_score(weights, [tokens] * 2), [1, 0])


def test_correlations_are_those_of_numpy_and_of_ranks():
    a, b = np.random.default_rng(0).integers(6, size=(2, 7, 9)).astype(float)
    ranks = []
    for x in (a, b):
        mean_rank = [[np.mean(np.flatnonzero(np.sort(r) == v)) for v in r] for r in x]
        ranks.append(np.array(mean_rank))
    for function, pair in ((pearson, (a, b)), (spearman, ranks)):
        expected = [np.corrcoef(*rows)[0, 1] for rows in zip(*pair, strict=True)]
        np.testing.assert_allclose(function(a, b), expected, atol=1e-12)


def test_a_constant_row_correlates_with_nothing():
    for function in (pearson, spearman):
        assert function([1.0, 1, 1], [1.0, 2, 3]) == 0
