"""The reader that has to know the order: its gradients, and what it can never learn."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.models import order_reader
from course_utils.models.order_reader import (
    KINDS,
    OrderReader,
    chase,
    learning_curves,
    split_pairs,
)

EACH = pytest.mark.parametrize("kind", KINDS)


def started(kind, num_names, seeds):
    """Return a reader, and parameters with a first axis for the seeds."""
    reader = OrderReader(kind, num_names)
    each = [reader.start(np.random.default_rng(seed)) for seed in range(seeds)]
    return reader, {name: np.stack([one[name] for one in each]) for name in each[0]}


@EACH
def test_the_gradients_are_the_slopes_of_the_loss(kind, monkeypatch):
    monkeypatch.setattr(order_reader, "WIDTH", 3)
    reader, parameters = started(kind, 3, 2)
    learn = split_pairs(np.random.default_rng(0), 3, 1)[0]
    check_gradients(reader, parameters, np.stack([learn, learn[::-1]]))


@EACH
def test_one_reader_needs_no_axis_for_seeds(kind):
    reader, parameters = started(kind, 3, 2)
    learn, _ = split_pairs(np.random.default_rng(0), 3, 1)
    tokens = np.stack([learn, learn[::-1]])
    loss, gradients = reader.loss_and_gradients(parameters, tokens)
    scores = reader.score(parameters, tokens)
    losses = []
    for i in range(2):
        own = {name: x[i] for name, x in parameters.items()}
        one, d_own = reader.loss_and_gradients(own, tokens[i])
        losses.append(one)
        assert reader.score(own, tokens[i]) == scores[i]
        for name, d in d_own.items():  # the loss of both is the mean
            np.testing.assert_allclose(gradients[name][i], d / 2, atol=1e-12)
    assert loss == pytest.approx(np.mean(losses))


@EACH
def test_only_a_mask_or_places_tell_the_two_orders_apart(kind):
    reader, parameters = started(kind, 4, 3)
    one, other = (
        np.broadcast_to(chase(*np.array(names), 4), (3, 1, 5))
        for names in ([1, 2], [2, 1])
    )
    gap = np.abs(
        reader.read_vjp(parameters, one)[0] - reader.read_vjp(parameters, other)[0]
    ).max()
    assert (gap < 1e-12) == (kind in KINDS[:2])


def test_pairs_are_shared_out_in_both_orders():
    learn, test = split_pairs(np.random.default_rng(0), 5, 3)
    assert (len(learn), len(test)) == (14, 6)
    both = [{(a, b) for a, b in part[:, [1, 4]].tolist()} for part in (learn, test)]
    assert not both[0] & both[1]
    assert len(both[0] | both[1]) == 20
    for part in both:
        assert {(b, a) for a, b in part} == part
    assert (learn[:, [0, 3]] == 5).all()
    assert (learn[:, 2] == 6).all()


def test_what_cannot_know_the_order_is_never_right_more_than_half_the_time():
    options = {"num_names": 6, "held_out": 4, "seeds": 2, "steps": 60, "every": 20}
    shares = {kind: learning_curves(kind, **options) for kind in KINDS}
    assert all(x.shape == (4, 2) for x in shares.values())
    assert max(shares[kind].max() for kind in KINDS[:2]) <= 0.5
    assert min(shares[kind][-1].min() for kind in KINDS[2:]) > 0.8


def test_a_reader_or_a_test_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="`kind` must be one of"):
        OrderReader("magic", 3)
    with pytest.raises(ValueError, match="`held_out` must be from 1 to 2"):
        split_pairs(np.random.default_rng(0), 3, 3)
    with pytest.raises(ValueError, match="`num_names` must be at least 3"):
        split_pairs(np.random.default_rng(0), 2, 1)
