"""Laws of softmax and its kin, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    broadcastable,
    compare,
    dtypes,
    laws,
    normal,
    oracle,
    oracle_of_few_sizes,
    seeds,
)

from course_utils.softmax import (
    entropy,
    hard_attention,
    log_softmax,
    masked_softmax,
    softmax,
)

HUGE = [(np.float32, 1e4), (np.float32, 1e38), (np.float64, 1e5), (np.float64, 1e308)]


@st.composite
def scores_along_an_axis(draw):
    """Draw scores of any shape and size, and an axis."""
    shape = draw(st.lists(st.integers(1, 10), min_size=1, max_size=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    (scores,) = normal(draw(seeds), draw(dtypes), shape)
    return scores * draw(st.sampled_from([0.1, 1, 10, 100])), axis


@laws
@given(scores_along_an_axis(), st.sampled_from([0.01, 1.0, 100.0]))
def test_weights_are_positive_and_sum_to_1(case, temperature):
    scores, axis = case
    weights = softmax(scores, axis, temperature)
    assert weights.shape == scores.shape
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis), 1, rtol=1e-6)


@laws
@given(scores_along_an_axis())
def test_hard_attention_gives_all_to_one_of_the_highest(case):
    scores, axis = case
    weights = hard_attention(scores, axis)
    assert weights.dtype == scores.dtype
    np.testing.assert_array_equal((weights == 1).sum(axis), 1)
    np.testing.assert_array_equal((weights == 0).sum(axis), scores.shape[axis] - 1)
    np.testing.assert_array_equal((weights * scores).sum(axis), scores.max(axis))


@laws
@given(scores_along_an_axis(), st.sampled_from([-1e4, -1.0, 1e4]))
def test_a_shift_of_all_scores_changes_nothing(case, shift):
    # Scores on a grid of 1/8, which the shift leaves exact in either dtype.
    scores, axis = np.round(case[0] * 8) / 8, case[1]
    shifted = (scores + shift).astype(scores.dtype)
    for function in (softmax, log_softmax, hard_attention):
        np.testing.assert_array_equal(function(shifted, axis), function(scores, axis))


@laws
@given(scores_along_an_axis(), seeds)
def test_permuted_scores_get_permuted_weights(case, seed):
    scores, axis = case
    order = np.random.default_rng(seed).permutation(scores.shape[axis])
    permuted = softmax(scores.take(order, axis), axis)
    expected = softmax(scores, axis).take(order, axis)
    np.testing.assert_allclose(permuted, expected, rtol=1e-5, atol=1e-30)


@laws
@given(scores_along_an_axis())
def test_log_softmax_is_the_logarithm_of_softmax(case):
    scores, axis = case
    logarithms = log_softmax(scores, axis)
    np.testing.assert_allclose(
        np.exp(logarithms), softmax(scores, axis), rtol=1e-4, atol=1e-30
    )
    assert (logarithms <= 0).all()


@laws
@given(scores_along_an_axis())
def test_temperature_divides_the_scores(case):
    scores, axis = case
    halved = softmax(scores / 2, axis)
    np.testing.assert_array_equal(softmax(scores, axis, temperature=2), halved)


def test_a_low_temperature_is_hard_and_a_high_one_uniform():
    scores = np.array([[1.0, 3.0, 2.0], [0.0, -5.0, -1.0]])
    np.testing.assert_array_equal(softmax(scores, temperature=1e-3), np.eye(3)[[1, 0]])
    np.testing.assert_allclose(softmax(scores, temperature=1e9), 1 / 3, rtol=1e-8)
    np.testing.assert_array_equal(hard_attention(scores), np.eye(3)[[1, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_temperature_near_the_smallest_number_overflows_to_hard_weights(dtype):
    scores = np.array([1e4, 0.0], dtype)
    tiny = float(np.finfo(dtype).tiny)
    np.testing.assert_array_equal(softmax(scores, temperature=tiny), [1, 0])


def test_a_temperature_too_small_for_float32_is_refused_there_alone():
    with pytest.raises(ValueError, match="greater than 0 in float32"):
        softmax(np.ones(2, np.float32), temperature=1e-60)
    np.testing.assert_array_equal(softmax([1.0, 0.0], temperature=1e-60), [1, 0])


@pytest.mark.parametrize(("dtype", "size"), HUGE)
def test_huge_scores_give_right_weights_without_a_warning(dtype, size):
    scores = np.array([[size, -size, size], [-size, -size, -2]], dtype)
    np.testing.assert_array_equal(softmax(scores), [[0.5, 0, 0.5], [0, 0, 1]])
    np.testing.assert_array_equal(hard_attention(scores), [[1, 0, 0], [0, 0, 1]])
    logarithms = log_softmax(scores)
    assert logarithms[0, 0] == dtype(-np.log(2))
    assert logarithms[1, 0] == dtype(2 - size)


@pytest.mark.parametrize("function", [softmax, log_softmax, hard_attention])
def test_no_keys_give_no_weights(function):
    assert function(np.zeros((2, 0, 3)), axis=1).shape == (2, 0, 3)
    assert function(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("function", [softmax, log_softmax, hard_attention, entropy])
def test_the_last_axis_is_the_one_that_is_meant(function):
    x = softmax(normal(0, np.float64, (2, 3, 4))[0], -1)
    np.testing.assert_array_equal(function(x), function(x, axis=2))
    shown = x > 0.2
    np.testing.assert_array_equal(masked_softmax(x, shown), masked_softmax(x, shown, 2))


def test_rows_that_are_minus_infinity_throughout_get_nothing():
    scores = np.array([[-np.inf, -np.inf], [-np.inf, 3.0]])
    np.testing.assert_array_equal(softmax(scores), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(hard_attention(scores), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(
        log_softmax(scores), [[-np.inf, -np.inf], [-np.inf, 0]]
    )


def test_nan_is_not_hidden():
    scores = [[np.nan, 1.0], [1.0, 1.0]]
    np.testing.assert_array_equal(softmax(scores), [[np.nan, np.nan], [0.5, 0.5]])


@st.composite
def masked_scores(draw):
    """Draw scores, an axis, and a mask that broadcasts to them."""
    scores, axis = draw(scores_along_an_axis())
    mask_shape = draw(broadcastable(scores.shape))
    rng = np.random.default_rng(draw(seeds))
    return scores, rng.random(mask_shape) < draw(st.sampled_from([0.2, 0.7])), axis


@laws
@given(masked_scores(), st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
def test_what_is_hidden_takes_no_part(case, hidden_score):
    scores, mask, axis = case
    weights = masked_softmax(scores, mask, axis)
    assert weights.dtype == scores.dtype
    whole = np.broadcast_to(mask, scores.shape)
    assert (weights[~whole] == 0).all()
    seen = whole.any(axis)
    np.testing.assert_allclose(weights.sum(axis), np.where(seen, 1, 0), rtol=1e-6)
    other = np.where(whole, scores, scores.dtype.type(hidden_score))
    np.testing.assert_array_equal(masked_softmax(other, mask, axis), weights)


@laws
@given(scores_along_an_axis())
def test_a_mask_that_hides_nothing_changes_nothing(case):
    scores, axis = case
    np.testing.assert_array_equal(
        masked_softmax(scores, np.bool_(True), axis), softmax(scores, axis)
    )


@laws
@given(scores_along_an_axis())
def test_entropy_lies_between_0_and_that_of_uniform_weights(case):
    scores, axis = case
    measured = entropy(softmax(scores, axis), axis)
    assert measured.dtype == scores.dtype
    assert measured.shape == scores.max(axis).shape
    assert (measured >= 0).all()
    assert (measured <= np.log(scores.shape[axis]) + 1e-6).all()


def test_entropy_of_known_weights():
    uniform = np.full(8, 1 / 8)
    np.testing.assert_allclose(entropy(uniform), np.log(8), rtol=1e-15)
    one_hot = entropy(np.eye(3))
    np.testing.assert_array_equal(one_hot, [0, 0, 0])
    assert not np.signbit(one_hot).any()
    halves = [[0.5, 0.0], [0.5, 0.0]]
    np.testing.assert_allclose(entropy(halves, axis=0), [np.log(2), 0], rtol=1e-15)
    assert entropy(np.zeros((2, 0))).tolist() == [0, 0]


@pytest.mark.parametrize("total", [0.0, 0.99005, 1.0, 1.00995])
def test_entropy_takes_rows_that_sum_to_about_1_or_to_0(total):
    entropy([total / 2, total / 2])


@pytest.mark.parametrize("total", [0.5, 0.98995, 1.01005, 2.0])
def test_entropy_refuses_rows_that_do_not(total):
    with pytest.raises(ValueError, match="must sum to 1 along axis 0"):
        entropy([total / 2, total / 2])


def test_entropy_refuses_one_negative_weight_among_many():
    with pytest.raises(ValueError, match=r"smallest is -0\.5"):
        entropy([[0.5, 0.5], [1.5, -0.5]])


def test_the_first_of_equal_scores_wins():
    scores = [[1.0, 7.0, 7.0], [7.0, 7.0, 7.0]]
    np.testing.assert_array_equal(hard_attention(scores), np.eye(3)[[1, 0]])
    np.testing.assert_array_equal(
        hard_attention(np.array(scores).T, 0)[:, 0], [0, 1, 0]
    )


@pytest.mark.oracle
@oracle_of_few_sizes
@given(scores_along_an_axis(), st.floats(0.1, 10))
def test_against_pytorch(oracles, case, temperature):
    scores, axis = case
    compare(oracles, softmax, {"x": scores, "axis": axis, "temperature": temperature})
    compare(oracles, log_softmax, {"x": scores, "axis": axis})
    compare(oracles, hard_attention, {"scores": scores, "axis": axis})
    compare(oracles, entropy, {"weights": softmax(scores, axis), "axis": axis})


@pytest.mark.oracle
@oracle
@given(masked_scores())
def test_masked_softmax_against_pytorch(oracles, case):
    scores, mask, axis = case
    arguments = {"scores": scores, "mask": np.asarray(mask), "axis": axis}
    compare(oracles, masked_softmax, arguments)
