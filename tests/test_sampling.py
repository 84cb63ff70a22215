"""What is drawn: temperature, the k likeliest, and the draw itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.sampling import draw_tokens, next_token_probabilities
from course_utils.softmax import softmax

logits = st.lists(st.integers(-3, 3), min_size=1, max_size=8)  # often with ties


@given(logits, st.integers(1, 10), st.sampled_from([0.2, 1.0, 3.0]))
def test_the_k_likeliest_share_as_the_softmax_has_it(scores, k, temperature):
    options = {"temperature": temperature, "top_k": k}
    found = next_token_probabilities(scores, **options)
    assert found.sum() == pytest.approx(1)
    kept = found > 0
    whole = softmax(scores, temperature=temperature)
    np.testing.assert_allclose(found, np.where(kept, whole, 0) / whole[kept].sum())
    for score, is_kept in zip(scores, kept, strict=True):
        assert is_kept == (sum(x > score for x in scores) < k)


def test_rows_are_cut_each_for_itself():
    x = np.random.default_rng(0).normal(size=(2, 3, 5))
    found = next_token_probabilities(x, top_k=2)
    assert ((found > 0).sum(axis=-1) == 2).all()
    np.testing.assert_allclose(found[1, 2], next_token_probabilities(x[1, 2], top_k=2))


def test_without_a_cut_it_is_the_softmax():
    x = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_array_equal(
        next_token_probabilities(x, temperature=0.7), softmax(x, temperature=0.7)
    )


def test_tokens_come_as_often_as_they_are_probable():
    p = np.array([0.0, 0.5, 0.0, 0.3, 0.2, 0.0])
    drawn = draw_tokens(np.random.default_rng(0), np.tile(p, (20000, 1)))
    shares = np.bincount(drawn, minlength=6) / 20000
    np.testing.assert_allclose(shares, p, atol=0.015)
    assert (shares[p == 0] == 0).all()


@given(st.integers(0, 100), st.integers(1, 6))
def test_what_is_impossible_is_never_drawn(seed, k):
    rng = np.random.default_rng(seed)
    p = next_token_probabilities(rng.normal(size=(50, 6)).astype(np.float32), top_k=k)
    drawn = draw_tokens(rng, p)
    assert (np.take_along_axis(p, drawn[:, None], axis=-1) > 0).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"top_k": 0}, "`top_k` must be at least 1; got 0"),
        ({"temperature": 0.0}, "`temperature` must be greater than 0"),
    ],
)
def test_bad_options_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        next_token_probabilities([1.0, 2.0], **options)


class Fixed(np.random.Generator):
    """A generator that draws one number, whatever is asked."""

    def __init__(self, number):
        super().__init__(np.random.PCG64())
        self.number = number

    def random(self, size=None):
        return np.full(size, self.number)


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2.0**-53])
@given(st.integers(0, 30))
def test_no_number_that_can_be_drawn_leads_to_what_is_impossible(number, seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(6), size=20)
    p[:, [0, 5]] = 0
    p /= p.sum(axis=-1, keepdims=True)
    drawn = draw_tokens(Fixed(number), p)
    assert drawn.min() > 0
    assert drawn.max() < 5
