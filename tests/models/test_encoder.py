"""The encoder of lesson 16: small ones of random numbers, and the published one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from course_utils import data
from course_utils.layers import gelu_vjp
from course_utils.masks import padding_mask
from course_utils.models import minilm
from course_utils.models.encoder import Encoder, attend, of_layer, without_heads
from course_utils.models.published import find
from course_utils.models.searching import toolbox

SMALL = Encoder(num_layers=2, num_heads=3)
SHAPES = {"query": (12, 12), "key": (12, 12), "value": (12, 12), "out": (12, 12)}
SHAPES |= {"up": (12, 20), "down": (20, 12)}
VOCABULARY, CONTEXT = 17, 9


def small(seed=0, dtype=np.float64):
    """Return parameters of a small encoder, tokens and lengths."""
    rng = np.random.default_rng(seed)

    def vector(*shape):
        return rng.standard_normal(shape)

    p = {"tokens": vector(VOCABULARY, 12), "places": vector(CONTEXT, 12)}
    p |= {"gain": 1 + vector(12) / 5, "shift": vector(12) / 5}
    for i in range(2):
        for name, shape in SHAPES.items():
            p[f"{i}.w_{name}"] = vector(*shape) / 3
            p[f"{i}.b_{name}"] = vector(shape[1]) / 5
        for norm in "12":
            p[f"{i}.gain_{norm}"] = 1 + vector(12) / 5
            p[f"{i}.shift_{norm}"] = vector(12) / 5
    p = {name: x.astype(dtype) for name, x in p.items()}
    lengths = np.array([7, 1, 4])
    return p, rng.integers(VOCABULARY, size=(3, 7)), lengths


def test_padding_changes_nothing():
    p, tokens, lengths = small()
    together = SMALL.embed(p, tokens, lengths)
    others = np.where(np.arange(7) < lengths[:, None], tokens, 3)
    np.testing.assert_allclose(SMALL.embed(p, others, lengths), together, atol=1e-12)
    for i, n in enumerate(lengths):
        alone = SMALL.embed(p, tokens[i : i + 1, :n], lengths[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], atol=1e-12)


def test_vectors_have_length_1_and_weights_sum_to_1():
    p, tokens, lengths = small()
    norms = np.linalg.norm(SMALL.embed(p, tokens, lengths), axis=-1)
    np.testing.assert_allclose(norms, 1)
    x, weights = SMALL.read(p, tokens, lengths)
    assert (x.shape, weights.shape) == ((3, 7, 12), (2, 3, 3, 7, 7))
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert (weights[:, 1, :, :, 1:] == 0).all()


def test_every_token_sees_every_other():
    p, tokens, lengths = small()
    before = SMALL.read(p, tokens, lengths)[0][0]
    tokens[0, 3] = (tokens[0, 3] + 1) % VOCABULARY
    after = SMALL.read(p, tokens, lengths)[0][0]
    assert (np.abs(before - after).max(axis=-1) > 1e-6).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    p, tokens, lengths = small(dtype=dtype)
    assert SMALL.embed(p, tokens, lengths).dtype == dtype


def test_what_it_is_made_of_can_be_exchanged():
    p, tokens, lengths = small()
    right = SMALL.embed(p, tokens, lengths)
    parts = {
        "attend": lambda x, p, num_heads, may_see: attend(x, p, num_heads, ~may_see),
        "padding_mask": lambda lengths, n: padding_mask(lengths * 0 + n, n),
        "gelu": lambda x: gelu_vjp(x)[0],
        "pool": lambda x, lengths: x.mean(axis=1),
    }
    for name, part in parts.items():
        other = replace(SMALL, **{name: part}).embed(p, tokens, lengths)
        assert np.abs(other - right).max() > 1e-6, name


def test_a_head_that_is_switched_off_says_nothing():
    p, tokens, lengths = small()
    quiet = without_heads(p, [(1, 2)], num_heads=3)
    assert (quiet["1.w_out"][8:] == 0).all()
    np.testing.assert_array_equal(quiet["1.w_out"][:8], p["1.w_out"][:8])
    assert (p["1.w_out"] != 0).all()  # the others stay as they are
    every = [(i, h) for i in range(2) for h in range(3)]
    silent = without_heads(p, every, num_heads=3)
    x = np.random.default_rng(0).standard_normal((1, 4, 12))
    said, _ = attend(x, of_layer(silent, 0), 3, np.ones((1, 1, 1, 4), bool))
    np.testing.assert_allclose(said, np.broadcast_to(p["0.b_out"], said.shape))
    assert SMALL.embed(quiet, tokens, lengths).shape == (3, 12)


BERT = {
    "tokens": "embeddings.word_embeddings.weight",
    "gain": "embeddings.LayerNorm.weight",
    "shift": "embeddings.LayerNorm.bias",
}


def as_bert(p):
    """Return the state of a BertModel with the parameters of a small encoder."""
    state = {BERT[name]: p[name] for name in BERT}
    kinds = np.full((1, 12), 0.25)
    state["embeddings.position_embeddings.weight"] = p["places"] - kinds
    state["embeddings.token_type_embeddings.weight"] = kinds
    for i in range(2):
        at = f"encoder.layer.{i}."
        for name, long in minilm.IN_A_LAYER.items():
            state[f"{at}{long}.weight"] = p[f"{i}.w_{name}"].T
            state[f"{at}{long}.bias"] = p[f"{i}.b_{name}"]
        for name, long in minilm.NORMS.items():
            state[f"{at}{long}.weight"] = p[f"{i}.gain_{name}"]
            state[f"{at}{long}.bias"] = p[f"{i}.shift_{name}"]
    return state


@pytest.fixture
def bert(torch):
    """Return what runs a state in Transformers, with random or published numbers."""
    transformers = pytest.importorskip("transformers")

    def run(state, tokens, lengths, **sizes):
        model = transformers.BertModel(
            transformers.BertConfig(**sizes), add_pooling_layer=False
        )
        state = {k: torch.tensor(np.ascontiguousarray(x)) for k, x in state.items()}
        missing, _ = model.load_state_dict(state, strict=False)
        assert missing == []
        model = model.eval().to(next(iter(state.values())).dtype)
        mask = torch.tensor(np.arange(tokens.shape[1]) < lengths[:, None])
        with torch.no_grad():
            given = {"input_ids": torch.tensor(tokens), "attention_mask": mask.long()}
            x = model(**given).last_hidden_state
        return x.numpy(), mask.numpy()

    return run


@pytest.mark.oracle
def test_a_small_encoder_is_that_of_transformers(bert):
    p, tokens, lengths = small()
    sizes = {"vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT}
    sizes |= {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3}
    sizes |= {"intermediate_size": 20, "type_vocab_size": 1}
    theirs, real = bert(as_bert(p), tokens, lengths, **sizes)
    ours, _ = SMALL.read(p, tokens, lengths)
    np.testing.assert_allclose(ours[real], theirs[real], atol=2e-6)


def test_a_safetensors_file_is_read(tmp_path):
    a, b = np.arange(6, dtype="<f4").reshape(2, 3), np.array([7, -8], dtype="<i8")
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b.c": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
    }
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + a.tobytes() + b.tobytes()
    (tmp_path / "x").write_bytes(data)
    found = minilm.read_safetensors(tmp_path / "x")
    assert list(found) == ["a", "b.c"]
    np.testing.assert_array_equal(found["a"], a)
    np.testing.assert_array_equal(found["b.c"], b)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", "<i4", "<i8"])
def test_safetensors_own_files_are_read(tmp_path, dtype):
    numpy = pytest.importorskip("safetensors.numpy")
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 3), "y.z": (1,), "w": (4, 1, 2), "none": (0, 3)}
    arrays = {k: (9 * rng.normal(size=s)).astype(dtype) for k, s in shapes.items()}
    numpy.save_file(arrays, tmp_path / "x", metadata={"format": "np"})
    found = minilm.read_safetensors(tmp_path / "x")
    assert set(found) == set(arrays)
    for name, x in arrays.items():
        assert found[name].dtype == x.dtype
        np.testing.assert_array_equal(found[name], x)


@pytest.fixture(scope="module")
def published():
    p = minilm.read_parameters(find("model.safetensors"))
    return p, minilm.read_vocabulary(find("tokenizer.json"))


@pytest.mark.models
def test_the_published_encoder_embeds_as_its_authors_framework(published):
    p, cut = published
    path = data.__file__.replace("__init__.py", "minilm_reference.json")
    with open(path, encoding="utf-8") as file:
        stored = json.load(file)
    ours = Encoder().embed(p, *minilm.batch(cut, list(stored)))
    assert len(p) == 4 + 6 * 16
    np.testing.assert_allclose(ours, list(stored.values()), atol=1e-6)


@pytest.mark.models
@pytest.mark.oracle
def test_the_published_encoder_is_that_of_transformers(published, bert):
    p, cut = published
    texts = [*toolbox()[1], "", "Ünïcödé 日本語 " * 9]
    tokens, lengths = minilm.batch(cut, texts)
    state = {
        name: x
        for name, x in minilm.read_safetensors(find("model.safetensors")).items()
        if "position_ids" not in name and not name.startswith("pooler")
    }
    sizes = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    theirs, real = bert(state, tokens, lengths, **sizes, num_attention_heads=12)
    ours, _ = Encoder().read(p, tokens, lengths)
    np.testing.assert_allclose(ours[real], theirs[real], atol=1e-4)
    pooled = (theirs * real[..., None]).sum(axis=1) / lengths[:, None]
    pooled /= np.linalg.norm(pooled, axis=-1, keepdims=True)
    found = Encoder().embed(p, tokens, lengths)
    assert np.abs(found - pooled).max() < 1e-5
    tanh = Encoder(gelu=lambda x: gelu_vjp(x)[0]).embed(p, tokens, lengths)
    assert np.abs(tanh - pooled).max() > 1e-5
