"""The language model of lesson 12: its gradients, its blocks, and how it writes."""

import numpy as np
import pytest
from samples import check_gradients

from course_utils.efficient import KVCache
from course_utils.models.transformer import Transformer
from course_utils.models.writing import read_on, write

CASES = pytest.mark.parametrize("tied", [False, True])


def small(*, num_blocks=2, tied=False, seed=0):
    """Return a model, its parameters away from where they start, and a batch."""
    model = Transformer(7, 4, 2, num_blocks, 6, tied=tied, dtype=np.float64)
    rng = np.random.default_rng(seed)
    p = model.start(rng)
    p["tokens"] *= 3  # a norm that bends little lets slopes be measured well
    p = {name: x + 0.2 * rng.standard_normal(x.shape) for name, x in p.items()}
    tokens, targets = rng.integers(7, size=(2, 3, 5))
    targets[0, :2] = -1
    return model, p, tokens, targets


@pytest.mark.parametrize(("tied", "num_blocks"), [(False, 2), (True, 1)])
def test_its_gradients_are_the_slopes_of_its_loss(tied, num_blocks):
    check_gradients(*small(tied=tied, num_blocks=num_blocks))


def test_models_side_by_side_do_as_each_alone():
    model, p, tokens, targets = small()
    _, other, *_ = small(seed=1)
    both = {name: np.stack([x, other[name]]) for name, x in p.items()}
    pair = np.stack([tokens, tokens[::-1]]), np.stack([targets, targets[::-1]])
    _, gradients = model.loss_and_gradients(both, *pair)
    for i, own in enumerate((p, other)):
        batch = [x[i] for x in pair]
        logits = model.read(own, batch[0])
        np.testing.assert_allclose(model.read(both, pair[0])[i], logits, atol=1e-12)
        assert model.score(both, *pair)[i] == pytest.approx(model.score(own, *batch))
        for name, d in model.loss_and_gradients(own, *batch)[1].items():
            np.testing.assert_allclose(gradients[name][i] * 2, d, atol=1e-12)


def test_no_place_sees_what_comes_after_it():
    model, p, tokens, _ = small()
    before = model.read(p, tokens)
    tokens[:, 3:] = (tokens[:, 3:] + 1) % 7
    after = model.read(p, tokens)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).all()


def test_the_score_is_the_loss_in_bits():
    model, p, tokens, targets = small()
    loss, _ = model.loss_and_gradients(p, tokens, targets)
    assert model.score(p, tokens, targets) == pytest.approx(loss / np.log(2))
    many = [np.tile(x, (50, 1)) for x in (tokens, targets)]  # read in parts
    assert model.score(p, *many) == pytest.approx(loss / np.log(2))


def test_tied_scores_are_products_with_the_vectors_of_the_tokens():
    model, p, tokens, _ = small(tied=True)
    assert "w_read" not in p
    free = Transformer(7, 4, 2, 2, 6, dtype=np.float64)
    loose = p | {"w_read": p["tokens"].T}
    np.testing.assert_allclose(model.read(p, tokens), free.read(loose, tokens))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    model = Transformer(7, 8, 2, dtype=dtype)
    p = model.start(np.random.default_rng(0))
    tokens = np.zeros((1, 4), dtype=int)
    _, gradients = model.loss_and_gradients(p, tokens, tokens)
    found = {x.dtype for x in (*p.values(), *gradients.values())}
    assert found == {np.dtype(dtype)}


@pytest.mark.parametrize("parts", [[5], [1] * 5, [2, 3], [4, 1]])
def test_reading_on_with_a_cache_is_reading_all(parts):
    model, p, tokens, _ = small()
    caches = [KVCache() for _ in range(2)]
    logits = [
        read_on(model, p, part, caches)
        for part in np.split(tokens, np.cumsum(parts)[:-1], axis=-1)
    ]
    everything = model.read(p, tokens)
    np.testing.assert_allclose(np.concatenate(logits, axis=1), everything, atol=1e-12)


def test_with_and_without_a_cache_it_writes_the_same():
    model, p, tokens, _ = small()
    texts = [
        write(model, p, tokens[:, :2], 5, rng=np.random.default_rng(3), cached=cached)
        for cached in (False, True)
    ]
    np.testing.assert_array_equal(*texts)
    np.testing.assert_array_equal(texts[0][:, :2], tokens[:, :2])


def test_each_token_is_drawn_from_what_comes_after_the_context():
    model, p, tokens, _ = small()
    options = {"rng": np.random.default_rng(0), "top_k": 1}
    written = write(model, p, tokens, 9, **options)  # further than the context
    for i in range(tokens.shape[1], written.shape[1]):
        seen = written[:, max(0, i - model.context) : i]
        logits = model.read(p, seen)[:, -1]
        np.testing.assert_array_equal(written[:, i], logits.argmax(axis=-1))


def test_a_cache_that_is_too_long_for_the_places_is_refused():
    model, p, tokens, _ = small()
    rng = np.random.default_rng(0)
    assert write(model, p, tokens, 2, rng=rng, cached=True).shape == (3, 7)
    with pytest.raises(ValueError, match="context of 6"):
        write(model, p, tokens, 3, rng=rng, cached=True)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="`num_heads` must divide d_model = 8"):
        Transformer(5, d_model=8, num_heads=3)


@pytest.mark.oracle
@CASES
def test_pytorch_finds_the_same_loss_and_gradients(tied, torch):
    from torch.nn import functional as F

    model, p, tokens, targets = small(tied=tied)
    q = {name: torch.tensor(x, requires_grad=True) for name, x in p.items()}
    x = q["tokens"][tokens] + q["places"][: tokens.shape[1]]
    for i in range(2):
        own = {x.removeprefix(f"{i}."): y for x, y in q.items() if x[:2] == f"{i}."}
        normed = F.layer_norm(x, (4,), own["gain_1"], own["shift_1"])
        parts = [
            (normed @ own[f"w_{y}"]).reshape(3, 5, 2, 2).transpose(1, 2)
            for y in ("query", "key", "value")
        ]
        heads = F.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + heads.transpose(1, 2).reshape(3, 5, 4) @ own["w_out"]
        normed = F.layer_norm(x, (4,), own["gain_2"], own["shift_2"])
        hidden = F.relu(normed @ own["w_up"] + own["b_up"])
        x = x + hidden @ own["w_down"] + own["b_down"]
    x = F.layer_norm(x, (4,), q["gain"], q["shift"])
    logits = x @ (q["tokens"].T if tied else q["w_read"])
    loss = F.cross_entropy(
        logits.reshape(-1, 7), torch.tensor(targets.ravel()), ignore_index=-1
    )
    loss.backward()
    ours, gradients = model.loss_and_gradients(p, tokens, targets)
    assert ours == pytest.approx(loss.item(), rel=1e-12)
    for name, d in gradients.items():
        np.testing.assert_allclose(d, q[name].grad, atol=1e-12, err_msg=name)
