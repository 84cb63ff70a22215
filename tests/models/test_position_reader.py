"""The reader that lesson 8 trains with each kind of positions."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.layers import accuracy
from course_utils.models.position_reader import KINDS, PositionReader
from course_utils.tasks import shift_task
from course_utils.training import cosine_schedule, train

EACH = pytest.mark.parametrize("kind", KINDS)


def small(kind):
    reader = PositionReader(kind, vocabulary=4, d_model=6, longest=7, reach=2)
    rng = np.random.default_rng(0)
    parameters = reader.start(rng)
    for x in parameters.values():  # biases and tables start at 0, which hides much
        x += 0.3 * rng.normal(size=x.shape)
    return reader, parameters, *shift_task(rng, 3, 5, shift=2, vocabulary=4)


@EACH
def test_its_gradients_are_the_slopes_of_its_loss(kind):
    reader, parameters, tokens, targets = small(kind)
    check_gradients(reader, parameters, tokens, targets)


@EACH
def test_what_comes_later_changes_nothing(kind):
    reader, parameters, tokens, _ = small(kind)
    other = tokens.copy()
    other[:, 3:] = (other[:, 3:] + 1) % 4
    (one, weights), (two, _) = (reader.read(parameters, x) for x in (tokens, other))
    np.testing.assert_allclose(one[:, :3], two[:, :3], atol=1e-12)
    assert (one[:, 3:] != two[:, 3:]).any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1)


@EACH
def test_only_a_reader_with_positions_knows_the_order_of_what_it_saw(kind):
    reader, parameters, *_ = small(kind)
    swapped = np.array([[0, 1, 3, 2]])
    one, two = (
        reader.read(parameters, x)[0][0, -1]
        for x in (swapped[:, [0, 2, 1, 3]], swapped)
    )
    assert np.allclose(one, two) == (kind == "none")


def test_one_seed_gives_each_kind_the_same_start():
    starts = [PositionReader(kind).start(np.random.default_rng(3)) for kind in KINDS]
    for name in starts[0]:
        for start in starts:
            np.testing.assert_array_equal(start[name], starts[0][name])


def test_a_rotary_reader_learns_to_look_three_back():
    reader = PositionReader("rotary")
    start, draws, test = np.random.default_rng(0).spawn(3)
    parameters, _ = train(
        reader.start(start),
        reader.loss_and_gradients,
        lambda rng: shift_task(rng, 16, 16, shift=3, vocabulary=16),
        rng=draws,
        steps=200,
        learning_rate=cosine_schedule(1e-2, 200),
        max_norm=1.0,
        progress=False,
    )
    tokens, targets = shift_task(test, 100, 16, shift=3, vocabulary=16)
    assert accuracy(reader.read(parameters, tokens)[0], targets) > 0.98


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "spiral"}, ValueError, "`kind` must be one of"),
        ({"vocabulary": 1}, ValueError, "vocabulary"),
        ({"d_model": 5}, ValueError, "`d_model` must be even"),
        ({"d_model": 4.0}, TypeError, "d_model"),
        ({"longest": 0}, ValueError, "longest"),
        ({"reach": 0}, ValueError, "reach"),
        ({"slope": 0.0}, ValueError, "slope"),
    ],
)
def test_a_bad_argument_is_named(options, error, message):
    with pytest.raises(error, match=message):
        PositionReader(**{"kind": "none", **options})


def test_a_start_needs_a_generator():
    with pytest.raises(TypeError, match="rng"):
        PositionReader("none").start(0)
