"""The tasks: what they promise about their answers, and that a seed fixes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import tasks

DRAWS = {
    "shift_task": lambda rng: tasks.shift_task(rng, 3, 8, shift=2, vocabulary=9),
    "two_relations_task": lambda rng: tasks.two_relations_task(rng, 3, 8, vocabulary=9),
    "lookup_task": lambda rng: tasks.lookup_task(rng, 6, 4),
}

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 9)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_fixes_the_data_and_another_changes_it(draw):
    first, again, other = (draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    for x, y in zip(first, again, strict=True):
        np.testing.assert_array_equal(x, y)
    assert any((x != y).any() for x, y in zip(first, other, strict=True))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_tokens_are_int64_and_vectors_float64(draw):
    for x in draw(np.random.default_rng(0)):
        assert x.dtype in (np.int64, np.float64)


@given(seeds, sizes, st.data())
def test_shift_task_asks_for_the_token_that_far_back(seed, batch, data):
    n = data.draw(sizes)
    shift = data.draw(st.integers(0, n - 1))
    tokens, targets = tasks.shift_task(
        np.random.default_rng(seed), batch, n, shift=shift, vocabulary=5
    )
    assert tokens.shape == targets.shape == (batch, n)
    assert set(tokens.ravel()) <= set(range(5))
    for row in range(batch):
        for i in range(n):
            expected = tokens[row, i - shift] if i >= shift else -1
            assert targets[row, i] == expected


@given(seeds, sizes, st.integers(5, 9), st.permutations(range(5)))
def test_two_relations_are_two_shifts_of_the_same_tokens(seed, batch, n, order):
    offsets = tuple(order[:2])
    tokens, targets = tasks.two_relations_task(
        np.random.default_rng(seed), batch, n, offsets=offsets, vocabulary=5
    )
    assert targets.shape == (batch, n, 2)
    for i, offset in enumerate(offsets):
        same, expected = tasks.shift_task(
            np.random.default_rng(seed), batch, n, shift=offset, vocabulary=5
        )
        np.testing.assert_array_equal(tokens, same)
        np.testing.assert_array_equal(targets[..., i], expected)


@given(seeds, sizes, sizes)
def test_lookup_task_asks_for_one_value_by_its_key(seed, batch, n):
    query, key, value, target = tasks.lookup_task(
        np.random.default_rng(seed), batch, n, num_keys=9, num_values=4
    )
    assert key.shape == value.shape == (batch, n)
    assert key.min() >= 0
    assert key.max() < 9
    assert value.min() >= 0
    assert value.max() < 4
    for row in range(batch):
        dictionary = dict(zip(key[row], value[row], strict=True))
        assert len(dictionary) == n  # distinct keys
        assert dictionary[query[row]] == target[row]


def test_lookup_task_uses_every_key_value_and_place():
    query, key, value, _ = tasks.lookup_task(
        np.random.default_rng(0), 2000, 3, num_keys=5, num_values=4
    )
    places = (key == query[:, np.newaxis]).argmax(-1)
    for drawn, count in ((query, 5), (key, 5), (value, 4), (places, 3)):
        frequency = np.bincount(drawn.ravel(), minlength=count) / drawn.size
        np.testing.assert_allclose(frequency, np.full(count, 1 / count), atol=0.04)


def rng():
    return np.random.default_rng(0)


# (function, arguments, the error, what its message names)
BAD = [
    (tasks.shift_task, (7, 2, 5, 1, 9), TypeError, "rng"),
    (tasks.shift_task, (rng(), 0, 5, 1, 9), ValueError, "batch"),
    (tasks.shift_task, (rng(), 2, 0, 1, 9), ValueError, "`n` must"),
    (tasks.shift_task, (rng(), 2, 5, 5, 9), ValueError, "`n` must .* shift, 5; got 5"),
    (tasks.shift_task, (rng(), 2, 5, -1, 9), ValueError, "shift"),
    (tasks.shift_task, (rng(), 2, 5, 1, 1), ValueError, "vocabulary"),
    (tasks.two_relations_task, (7, 2, 5, (1, 3), 9), TypeError, "rng"),
    (tasks.two_relations_task, (rng(), 0, 5, (1, 3), 9), ValueError, "batch"),
    (tasks.two_relations_task, (rng(), 2, 3, (1, 3), 9), ValueError, "`n` must"),
    (tasks.two_relations_task, (rng(), 2, 5, 1, 9), TypeError, "offsets"),
    (tasks.two_relations_task, (rng(), 2, 5, (1, 1), 9), ValueError, "offsets"),
    (tasks.two_relations_task, (rng(), 2, 5, (1, 2, 3), 9), ValueError, "offsets"),
    (tasks.two_relations_task, (rng(), 2, 5, (-1, 2), 9), ValueError, "offsets"),
    (tasks.two_relations_task, (rng(), 2, 5, (1, 3), 1), ValueError, "vocabulary"),
    (tasks.lookup_task, (7, 2, 3, 9, 5), TypeError, "rng"),
    (tasks.lookup_task, (rng(), 0, 3, 9, 5), ValueError, "batch"),
    (tasks.lookup_task, (rng(), 2, 0, 9, 5), ValueError, "`n` must"),
    (tasks.lookup_task, (rng(), 2, 10, 9, 5), ValueError, "`n` must .* got 10"),
    (tasks.lookup_task, (rng(), 2, 3, 0, 5), ValueError, "num_keys"),
    (tasks.lookup_task, (rng(), 2, 3, 9, 1), ValueError, "num_values"),
]
KEYWORDS = {
    tasks.shift_task: ("shift", "vocabulary"),
    tasks.two_relations_task: ("offsets", "vocabulary"),
    tasks.lookup_task: ("num_keys", "num_values"),
}


@pytest.mark.parametrize(("function", "arguments", "error", "message"), BAD)
def test_a_bad_argument_is_named(function, arguments, error, message):
    names = KEYWORDS[function]
    cut = len(arguments) - len(names)
    keywords = dict(zip(names, arguments[cut:], strict=True))
    with pytest.raises(error, match=message):
        function(*arguments[:cut], **keywords)


def test_the_little_sentence_has_a_named_vector_for_each_token():
    tokens, features, x = tasks.little_sentence()
    assert x.shape == (len(tokens), len(features)) == (10, 7)
    assert x.dtype == np.float64
    assert x.any(axis=1).all()
    assert x.any(axis=0).all()
    # Equal tokens, and only they, have equal vectors.
    equal = (x[:, None] == x).all(axis=-1)
    names = np.array(tokens)
    np.testing.assert_array_equal(equal, names[:, None] == names)
    again = tasks.little_sentence()[2]
    assert again is not x
