"""The translators that lesson 11 trains, with and without attention."""

import json
from pathlib import Path

import numpy as np
import pytest
from samples import check_gradients

import course_utils
from course_utils.data.number_words import START, STOP, encode
from course_utils.models.translator import (
    KINDS,
    Translator,
    gru_vjp,
    numbers_task,
    shifted,
    trained,
)
from course_utils.scores import additive_score, bilinear_score
from course_utils.softmax import softmax

EACH = pytest.mark.parametrize("kind", KINDS)
TARGET = np.array([[2, 3, STOP, -1], [4, STOP, -1, -1], [3, 2, 4, STOP]])


def small(kind, seed=0, dtype=np.float64):
    """Return a small translator, parameters that are all of them at work, a batch."""
    model = Translator(kind, width=4, embedding=3, words=(5, 6), dtype=dtype)
    rng = np.random.default_rng(seed)
    parameters = {
        name: (x + 0.3 * rng.normal(size=x.shape)).astype(dtype)
        for name, x in model.start(rng).items()
    }
    return model, parameters, rng.integers(5, size=(3, 5)), TARGET


@EACH
def test_its_gradients_are_the_slopes_of_its_loss(kind):
    model = Translator(kind, width=2, embedding=2, words=(3, 5), dtype=np.float64)
    source = np.array([[0, 2, 1], [1, 1, 2], [2, 0, 0]])
    rng = np.random.default_rng(0)
    start = model.start(rng).items()
    parameters = {name: x + 0.3 * rng.normal(size=x.shape) for name, x in start}
    check_gradients(model, parameters, source, TARGET)


@EACH
def test_gradients_of_translators_side_by_side_are_those_of_each_alone(kind):
    model, own, source, target = small(kind)
    _, other, _, _ = small(kind, seed=1)
    both = {name: np.stack([x, other[name]]) for name, x in own.items()}
    sources, targets = (
        np.stack([source, source[::-1]]),
        np.stack([target, target[::-1]]),
    )
    _, gradients = model.loss_and_gradients(both, sources, targets)
    written, weights = model.translate(both, sources, 4)
    for i, parameters in enumerate((own, other)):
        _, alone = model.loss_and_gradients(parameters, sources[i], targets[i])
        for name, gradient in alone.items():
            np.testing.assert_allclose(2 * gradients[name][i], gradient, atol=1e-14)
        words, rows = model.translate(parameters, sources[i], 4)
        np.testing.assert_array_equal(written[i], words)
        if kind != "fixed":
            np.testing.assert_allclose(weights[i], rows, atol=1e-14)


@EACH
def test_float32_stays_float32(kind):
    model, parameters, source, target = small(kind, dtype=np.float32)
    _, gradients = model.loss_and_gradients(parameters, source, target)
    assert {x.dtype for x in model.start(np.random.default_rng(0)).values()} == {
        np.dtype(np.float32)
    }
    assert {x.dtype for x in gradients.values()} == {np.dtype(np.float32)}


def test_the_kinds_have_as_many_parameters_but_for_v():
    sizes = [
        sum(x.size for x in Translator(kind).start(np.random.default_rng(0)).values())
        for kind in KINDS
    ]
    assert [size - sizes[0] for size in sizes] == [0, 0, 16]


def test_what_the_kinds_have_in_common_starts_alike():
    starts = [Translator(kind).start(np.random.default_rng(3)) for kind in KINDS]
    common = set.intersection(*(set(start) for start in starts))
    assert len(common) == 14
    for name in common:
        for start in starts[1:]:
            np.testing.assert_array_equal(start[name], starts[0][name])


@EACH
def test_the_context_is_what_the_lesson_says(kind):
    model, p, source, _ = small(kind)
    encoded, last, _ = model.encode_vjp(p, source)
    states = np.random.default_rng(4).normal(size=(3, 2, 4))
    context, weights, _ = model.context_vjp(p, states, encoded, last)
    if kind == "fixed":
        expected = np.stack([last @ p["w_fixed"]] * 2, axis=-2)
    elif kind == "multiplicative":
        expected = softmax(bilinear_score(states, encoded, p["w_score"])) @ encoded
    else:
        own = (p[name] for name in ("w_query", "w_key", "v"))
        expected = softmax(additive_score(states, encoded, *own)) @ encoded
    np.testing.assert_allclose(context, expected, atol=1e-14)
    assert (weights is None) == (kind == "fixed")


def test_the_target_is_read_one_place_later():
    expected = [[START, 2, 3, STOP], [START, 4, STOP, STOP], [START, 3, 2, 4]]
    np.testing.assert_array_equal(shifted(TARGET), expected)


@EACH
def test_what_it_writes_is_what_teacher_forcing_would_call_likeliest(kind):
    model, p, source, _ = small(kind)
    written, weights = model.translate(p, source, 6)
    encoded, last, _ = model.encode_vjp(p, source)
    logits, _, rows, _ = model.decode_vjp(p, shifted(written), encoded, last, last)
    np.testing.assert_array_equal(logits.argmax(axis=-1), written)
    if kind == "fixed":
        assert weights is None
        assert rows is None
    else:
        np.testing.assert_allclose(weights, rows, atol=1e-14)


@EACH
def test_no_word_depends_on_a_later_one_of_the_target(kind):
    model, p, source, _ = small(kind)
    encoded, last, _ = model.encode_vjp(p, source)
    inputs = np.array([[1, 2, 3, 4]] * 3)
    changed = inputs.copy()
    changed[:, 2] = 5
    before, after = (
        model.decode_vjp(p, x, encoded, last, last)[0] for x in (inputs, changed)
    )
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (before[:, 2:] != after[:, 2:]).any(axis=-1).all()


def test_both_directions_meet_at_each_word():
    model, p, source, _ = small("fixed")
    other = source.copy()
    other[:, 2] = (other[:, 2] + 1) % 5
    before, after = (model.encode_vjp(p, x)[0] for x in (source, other))
    moved = (before != after).reshape(3, 5, 2, 2).any(axis=-1)  # word, direction
    expected = [
        [False, True],
        [False, True],
        [True, True],
        [True, False],
        [True, False],
    ]
    assert (moved == expected).all()


def test_the_score_counts_whole_sentences_up_to_the_stop():
    model, p, source, _ = small("multiplicative")
    written, _ = model.translate(p, source, 4)
    target = written.copy()
    target[1, 2:] = -1
    target[2, 0] = (target[2, 0] + 1) % 6
    assert model.score(p, source, written, source, target).tolist() == [1, 2 / 3]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"`kind` must be one of .*; got 'dot'"):
        Translator("dot")


def test_a_width_that_two_directions_cannot_share_is_refused():
    with pytest.raises(ValueError, match="`width` must be even; got 5"):
        Translator("fixed", width=5)


def test_sentences_of_a_batch_have_one_length_and_seeds_share_it():
    task = numbers_task(longest=4, batch=3, tested=range(2, 4), count=5)
    seeds = [np.random.default_rng(i) for i in range(2)]
    draws = [task(rng, rng)[0] for rng in seeds]
    lengths = set()
    for _ in range(20):
        (one, _), (other, _) = (draw() for draw in draws)
        assert one.shape == other.shape
        assert len(one) == 3
        lengths.add(one.shape[1])
    assert lengths == {1, 2, 3, 4}
    _, (source, target, *_) = task(*seeds)
    assert source.shape == (5, 2)
    assert len(target) == 5


def test_a_little_training_is_enough_for_short_numbers():
    trials = trained(
        Translator("multiplicative", width=16),
        seeds=1,
        steps=60,
        longest=2,
        tested=range(2, 3),
        progress=False,
    )
    assert trials.losses[-10:].mean() < 0.7 * trials.losses[:10].mean()
    source, _ = encode([54])
    written, weights = Translator("multiplicative", width=16).translate(
        trials.parameters, source[None], 4
    )
    assert written.shape == (1, 1, 4)
    assert weights.shape == (1, 1, 4, 2)


def test_the_stored_table_is_of_the_translators_that_are_there():
    path = Path(course_utils.__file__).parent / "data" / "translation.json"
    table = json.loads(path.read_text())
    for row in table["rows"]:
        model = Translator(row["kind"], width=row["width"])
        start = model.start(np.random.default_rng(0))
        assert sum(x.size for x in start.values()) == row["parameters"]
        assert np.shape(row["scores"]) == (5, len(table["tested"]))


def torch_loss(kind, p, source, target, torch):
    """The loss in PyTorch, from its own GRU, attention and cross-entropy."""

    def run(x, start, w_x, b_x, w_h, b_h):
        gru = torch.nn.GRU(x.shape[-1], start.shape[-1], batch_first=True).double()
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        own = dict(zip(names, (w_x.T, w_h.T, b_x, b_h), strict=True))
        return torch.func.functional_call(gru, own, (x, start[None]))[0]

    x = p["source"][source]
    zero = torch.zeros(len(x), p["w_keep"].shape[-2], dtype=torch.float64)
    names = ("w_read", "b_read", "w_keep", "b_keep")
    there = run(x, zero, *(p[name][0] for name in names))
    again = run(x.flip(1), zero, *(p[name][1] for name in names))
    encoded = torch.cat([there, again.flip(1)], -1)
    last = torch.cat([there[:, -1], again[:, -1]], -1)
    y = p["target"][torch.tensor(shifted(target))]
    names = ("w_write", "b_write", "w_state", "b_state")
    states = run(y, last, *(p[name] for name in names))
    if kind == "fixed":
        context = (last @ p["w_fixed"])[:, None].expand_as(states)
    elif kind == "multiplicative":
        query = states @ p["w_score"]
        context = torch.nn.functional.scaled_dot_product_attention(
            query, encoded, encoded, scale=1.0
        )
    else:
        pairs = (states @ p["w_query"])[:, :, None] + (encoded @ p["w_key"])[:, None]
        context = torch.softmax(torch.tanh(pairs) @ p["v"], -1) @ encoded
    mixed = torch.tanh(torch.cat([states, context], -1) @ p["w_mix"] + p["b_mix"])
    logits = mixed @ p["w_out"] + p["b_out"]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), torch.tensor(target).flatten(), ignore_index=-1
    )


@pytest.mark.oracle
@EACH
def test_loss_and_gradients_are_those_of_pytorch(kind, torch):
    model, parameters, source, target = small(kind)
    loss, gradients = model.loss_and_gradients(parameters, source, target)
    p = {name: torch.tensor(x, requires_grad=True) for name, x in parameters.items()}
    theirs = torch_loss(kind, p, torch.tensor(source), target, torch)
    theirs.backward()
    np.testing.assert_allclose(loss, theirs.item(), rtol=1e-13)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad, atol=1e-13, err_msg=name)


def test_a_gru_carries_the_gradient_of_its_last_state_to_its_first():
    rng = np.random.default_rng(0)
    inputs, state = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 2))
    states, back = gru_vjp(inputs, state, rng.normal(size=(2, 6)), np.zeros(6))
    d_states = np.zeros_like(states)
    d_states[:, -1] = 1
    d_inputs, d_state, _, _ = back(d_states)
    assert d_inputs.shape == inputs.shape
    assert np.abs(d_state).min() > 0
