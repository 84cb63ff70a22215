"""The model of lesson 12 with one part changed: each is right, and really changed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from samples import check_gradients

from course_utils.layers import dropout_vjp
from course_utils.models import take_away
from course_utils.models.take_away import CHANGES, Changed, held_out_bits, measured
from course_utils.models.transformer import Transformer
from course_utils.softmax import softmax

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import take_away as table

EACH = pytest.mark.parametrize("change", CHANGES)


@pytest.fixture(autouse=True)
def _dropped_alike(monkeypatch):
    """Drop the same weights each time, so that a slope can be measured."""
    monkeypatch.setattr(
        take_away,
        "dropout_vjp",
        lambda x, rate, _: dropout_vjp(x, 0.4, np.random.default_rng(3)),
    )


def small(change, dtype=np.float64):
    d = 10 if change == "places appended" else 4
    model = Changed(5, d, 2, 1, 4, dtype=dtype, change=change)
    rng = np.random.default_rng(1)
    p = model.start(rng)
    p["tokens"] *= 3  # a norm that bends little lets slopes be measured well
    p = {
        x: (y + 0.3 * rng.standard_normal(y.shape)).astype(dtype) for x, y in p.items()
    }
    return model, p, *rng.integers(5, size=(2, 2, 4))


@EACH
def test_its_gradients_are_the_slopes_of_its_loss(change):
    check_gradients(*small(change))


@EACH
def test_the_dtype_is_kept(change):
    model, p, tokens, targets = small(change, np.float32)
    assert {x.dtype for x in p.values()} == {np.dtype(np.float32)}
    _, gradients = model.loss_and_gradients(p, tokens, targets)
    assert {x.dtype for x in gradients.values()} == {np.dtype(np.float32)}


def test_without_a_change_it_is_the_transformer():
    model, p, tokens, targets = small("nothing")
    plain = Transformer(5, 4, 2, 1, 4, dtype=np.float64)
    np.testing.assert_allclose(model.read(p, tokens), plain.read(p, tokens), atol=1e-12)
    theirs = plain.loss_and_gradients(p, tokens, targets)[1]
    for name, d in model.loss_and_gradients(p, tokens, targets)[1].items():
        np.testing.assert_allclose(d, theirs[name], atol=1e-12)


@pytest.mark.parametrize("change", [x for x in CHANGES if x != "nothing"])
def test_each_change_changes_what_is_read(change):
    model, p, tokens, _ = small(change)
    whole, full, *_ = small("nothing")
    if change == "places appended":
        whole = Changed(5, 10, 2, 1, 4, dtype=np.float64)
        full = whole.start(np.random.default_rng(1))
        assert p["tokens"].shape[1] + p["places"].shape[1] == full["tokens"].shape[1]
        return
    shared = {name: p.get(name, x) for name, x in full.items()}
    assert set(p) == {x for x in full if x.split(".")[-1] not in CHANGES[change]}
    gap = np.abs(model.read(p, tokens) - whole.read(shared, tokens)).max()
    assert gap > 1e-3


@EACH
def test_only_the_model_without_a_mask_sees_what_comes_after(change):
    model, p, tokens, _ = small(change)
    before = model.read(p, tokens)
    tokens[:, 2:] = (tokens[:, 2:] + 1) % 5
    moved = np.abs(model.read(p, tokens) - before)[:, :2].max()
    assert moved > 1e-4 if change == "no mask" else moved < 1e-12


def cosine(query, key):
    lengths = (np.linalg.norm(x, axis=-1) for x in (query, key))
    return query @ key.T / np.outer(*lengths)


@pytest.mark.parametrize(
    ("change", "score"),
    [
        ("nothing", lambda query, key: query @ key.T / np.sqrt(3)),
        ("no scale", lambda query, key: query @ key.T),
        ("length one", cosine),
        ("length one, times 8", lambda query, key: 8 * cosine(query, key)),
        ("an average", lambda query, key: np.zeros((4, 4))),
    ],
)
def test_weights_are_those_of_the_scores_that_the_change_says(change, score):
    query, key = np.random.default_rng(0).normal(size=(2, 4, 3))
    weights, _ = Changed(5, dtype=np.float64, change=change).weights_vjp(query, key)
    scores = np.where(np.tri(4, dtype=bool), score(query, key), -np.inf)
    np.testing.assert_allclose(weights, softmax(scores), atol=1e-9)


def test_one_head_is_one_head():
    assert Changed(5, change="one head").num_heads == 1


def test_nothing_is_dropped_in_a_test():
    model, p, tokens, targets = small("dropout on weights")
    whole = Changed(5, 4, 2, 1, 4, dtype=np.float64)
    assert model.score(p, tokens, targets) == whole.score(p, tokens, targets)


def test_an_unknown_change_is_refused():
    with pytest.raises(ValueError, match="`change` must be one of nothing"):
        Changed(5, change="no hope")


def test_every_plan_has_been_measured():
    for change, blocks, steps in table.PLAN:
        for last_alone in (False, True):
            options = {"num_blocks": blocks, "steps": steps, "last_alone": last_alone}
            assert measured(change, **options).shape == (5,)
    with table.TABLE.open(encoding="utf-8") as file:
        assert len(file.readlines()) == 1 + 5 * len(table.PLAN)


def test_what_was_not_measured_is_refused():
    with pytest.raises(KeyError, match="9 blocks"):
        measured("nothing", num_blocks=9)


@pytest.mark.parametrize("change", ["no feed-forward", "an average"])
def test_a_stored_row_is_what_training_gives(change):
    found = held_out_bits(change, seeds=[1], steps=600, progress=False)
    kept = [measured(change, last_alone=alone)[1] for alone in (False, True)]
    # Float32 rounds otherwise on another machine, and 600 steps make more of it.
    np.testing.assert_allclose(np.ravel(found), kept, atol=0.05)
