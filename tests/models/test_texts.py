"""Windows of a text, counts of n-grams, and the rise and fall of the learning rate."""

import numpy as np
import pytest

from course_utils.models.texts import ngram_bits, text_task, warm_up, windows

TEXT = np.random.default_rng(0).integers(5, size=400)


@pytest.mark.parametrize(("n", "stride"), [(8, 4), (8, 8), (6, 1), (5, 3)])
def test_each_token_that_counts_is_predicted_from_those_before_it(n, stride):
    position = np.arange(100)
    inputs, targets = windows(position, n, stride=stride, counted=stride)
    counted = targets >= 0
    assert (targets[counted] == inputs[counted] + 1).all()
    assert (counted.sum(axis=1) == min(n, stride)).all()
    if stride <= n:  # each once, from the first that has enough before it
        found = targets[counted]
        np.testing.assert_array_equal(found, np.arange(found[0], found[-1] + 1))
        assert found[0] == n - stride + 1


@pytest.mark.parametrize("last_alone", [False, True])
def test_what_is_tested_is_held_out(last_alone):
    learn, held_out = np.arange(200), np.arange(200, 300)
    rngs = np.random.default_rng(0).spawn(2)
    draw, (inputs, targets) = text_task(
        learn, held_out, 8, batch=3, last_alone=last_alone
    )(*rngs)
    tokens, following = draw()
    assert tokens.shape == following.shape == (3, 8)
    np.testing.assert_array_equal(following, tokens + 1)
    assert following.max() < 200 <= inputs.min()
    assert ((targets >= 0).sum(axis=1) == (1 if last_alone else 4)).all()


def by_hand(learn, history, c, vocabulary):
    """Return p(c | history) from counts, by the definition."""
    learn, history = list(learn), list(history)
    shorter = by_hand(learn, history[1:], c, vocabulary) if history else 1 / vocabulary
    k = len(history)
    seen = [learn[i + k] for i in range(len(learn) - k) if learn[i : i + k] == history]
    if not seen:
        return shorter
    kinds = len(set(seen))
    return (seen.count(c) + kinds * shorter) / (len(seen) + kinds)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_ngrams_are_smoothed_as_witten_and_bell_do(n):
    learn, held_out = TEXT[:60], TEXT[60:90]
    text = list(TEXT[:90])
    expected = [
        -np.log2(by_hand(learn, text[i - n + 1 : i], text[i], 5)) for i in range(60, 90)
    ]
    assert ngram_bits(learn, held_out, n, 5) == pytest.approx(np.mean(expected))


def test_the_probabilities_of_all_next_tokens_sum_to_one():
    bits = [ngram_bits(TEXT[:100], [c], 4, 5) for c in range(5)]
    assert sum(2.0**-b for b in bits) == pytest.approx(1)


def test_what_never_came_is_not_impossible():
    assert ngram_bits([0, 1] * 20, [4], 3, 5) < 16


def test_the_rate_rises_and_falls():
    rate = warm_up(0.1, 100, warm=20)
    rates = np.array([rate(step) for step in range(100)])
    assert rates.argmax() in (18, 19)
    assert (np.diff(rates[:19]) > 0).all()
    assert (np.diff(rates[20:]) < 0).all()
    assert 0 < rates.min() == rates[-1] < 0.0001
    assert rates.max() < 0.1
