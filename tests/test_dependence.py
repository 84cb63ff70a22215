"""The leak test finds what an output depends on, and every known kind of leak."""

import numpy as np
import pytest

from course_utils import (
    causal_mask,
    masked_softmax,
    scaled_dot_product_attention,
    sliding_window_mask,
    softmax,
)
from course_utils.attention import attention_vjp
from course_utils.dependence import dependence

N = 6
X = np.random.default_rng(0).standard_normal((N, 4))
CAUSAL = causal_mask(N)


def attention(mask, *, bug=None):
    """Return a self-attention with a mask, right or with one of lesson 6's bugs."""
    weigh = {
        None: lambda s: masked_softmax(s, mask),
        "after the softmax": lambda s: softmax(s) * mask,
        "scores times the mask": lambda s: softmax(s * mask),
        "inverted": lambda s: masked_softmax(s, ~mask),
    }[bug]
    return lambda x: weigh(x @ x.mT / 2) @ x


def shift(x):
    """Give every position the vector before it."""
    return np.concatenate([0 * x[..., :1, :], x[..., :-1, :]], axis=-2)


RIGHT = {
    "causal": (attention(CAUSAL), CAUSAL),
    "window": (attention(m := sliding_window_mask(N, window=2)), m),
    "shift": (shift, np.eye(N, k=-1, dtype=bool)),
    "each alone": (np.tanh, np.eye(N, dtype=bool)),
    "mean": (lambda x: x.mean(axis=-2, keepdims=True), np.ones((1, N), bool)),
    "hard": (
        lambda x: np.maximum.accumulate(np.sign(x[..., :1]), axis=-2) + 0 * x,
        None,
    ),
    "constant": (lambda x: np.ones((3, 2)), np.zeros((3, N), bool)),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_finds_what_each_output_depends_on(name, dtype):
    model, expected = RIGHT[name]
    found = dependence(model, X.astype(dtype))
    if expected is None:  # hard decisions have no gradient, but edits may turn them
        assert not (found & ~CAUSAL).any()
        assert found[:, 0].any()
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "bug", ["after the softmax", "scores times the mask", "inverted"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_wrong_mask_leaks(bug, dtype):
    leaks = dependence(attention(CAUSAL, bug=bug), X.astype(dtype)) & ~CAUSAL
    assert leaks[:-1].any(axis=1).all()


def test_a_mask_of_minus_1e9_leaks_only_where_nothing_may_be_seen():
    shown = CAUSAL & (np.arange(N) >= 2)  # padding in front
    model = lambda x: softmax(np.where(shown, x @ x.mT, -1e9)) @ x  # noqa: E731
    leaks = dependence(model, X) & ~shown
    assert leaks[:2].all()
    assert not leaks[2:].any()


# Known leaks of published implementations, rebuilt as kinds. In each, a fast path that
# is right has a sibling that drops the causal flag.


class Layer:
    """A layer that trusts `is_causal` to the fast path (keras-team/keras 23038)."""

    def __call__(self, x, *, return_weights=False):
        if not return_weights:
            return scaled_dot_product_attention(x, x, x, is_causal=True)
        weights = softmax(x @ x.mT / 2)  # nobody made the mask that the flag replaced
        return weights @ x, weights


class Decoder:
    """An encoder turned decoder that builds one kind of mask (transformers 48745)."""

    def __init__(self, *, is_decoder, heeds=False):
        self.causal = is_decoder and heeds

    def __call__(self, tokens):
        vectors = np.random.default_rng(0).standard_normal((9, 4))
        x = vectors[tokens]
        return scaled_dot_product_attention(x, x, x, is_causal=self.causal)


def with_bias_of_its_own(x, *, shortcut):
    """Add a bias from x to a mask that a shortcut left out (transformers 48748)."""
    mask = None if shortcut else np.where(CAUSAL, 0, -np.inf)
    bias = np.broadcast_to(x[..., 0], (N, N))
    mask = bias if mask is None else bias + mask
    is_causal = shortcut and mask is None  # “a mask was given, so no flag is needed”
    return scaled_dot_product_attention(x, x, x, mask, is_causal=is_causal)


def decode(x, *, square):
    """Feed a cache in two parts; the mask of the second is square, or as it should."""
    outputs = []
    for start, stop in ((0, 2), (2, N)):
        mask = causal_mask(stop - start, stop, offset=0 if square else start)
        outputs.append(
            scaled_dot_product_attention(x[start:stop], x[:stop], x[:stop], mask)
        )
    return np.concatenate(outputs)


TOKENS = np.array([3, 1, 4, 1, 5, 2])
LEAKS = {
    "keras 23038": (lambda x: Layer()(x, return_weights=True)[0], Layer(), X),
    "transformers 48745": (
        Decoder(is_decoder=True),
        Decoder(is_decoder=True, heeds=True),
        TOKENS,
    ),
    "transformers 48748": (
        lambda x: with_bias_of_its_own(x, shortcut=True),
        lambda x: with_bias_of_its_own(x, shortcut=False),
        X,
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_known_leaks_of_published_implementations_are_found(name):
    leaking, mended, x = LEAKS[name]
    assert (dependence(leaking, x) & ~CAUSAL)[:-1].any(axis=1).all()
    np.testing.assert_array_equal(dependence(mended, x), CAUSAL)


def test_a_square_mask_in_decoding_hides_what_should_be_seen():
    np.testing.assert_array_equal(
        dependence(lambda x: decode(x, square=False), X), CAUSAL
    )
    blind = CAUSAL & ~dependence(lambda x: decode(x, square=True), X)
    assert blind[2:].any(axis=1).all()
    assert not blind[:2].any()


def test_tokens_are_replaced_by_others_of_the_vocabulary():
    seen = []

    def model(tokens):
        seen.append(tokens.copy())
        return tokens[..., None].astype(float)

    same = np.full((2, 3), 7)
    assert dependence(model, same, vocabulary=9).tolist() == np.eye(3).tolist()
    tried = np.stack(seen)
    assert tried.dtype == same.dtype
    assert tried.min() >= 0
    assert tried.max() <= 8
    # Two runs without an edit, then three for each position, in all sequences.
    changed = (tried != 7).all(axis=1)
    assert changed[2:].sum(axis=1).tolist() == [1] * 9


def test_gradients_alone_know_it_too():
    def vjp(x):
        mask = np.where(CAUSAL, 0, -np.inf)
        output, back = attention_vjp(x, x, x, mask)
        return output, lambda d: (sum(back(d)[:3]),)

    model = lambda x: vjp(x)[0]  # noqa: E731
    np.testing.assert_array_equal(dependence(model, X, vjp=vjp, edits=0), CAUSAL)
    assert not dependence(model, X, edits=0).any()


def test_gradients_see_what_the_edits_miss():
    # The output is 0 at x and at whatever replaces it, but not in between.
    def vjp(x):
        return np.zeros((N, 1)), lambda d: (np.eye(N) @ d + 0 * x,)

    model = lambda x: np.zeros((N, 1))  # noqa: E731
    assert np.array_equal(dependence(model, X, vjp=vjp), np.eye(N, dtype=bool))


@pytest.mark.parametrize(
    ("model", "x", "error", "words"),
    [
        (np.tanh, X[0], ValueError, "`x` must be tokens"),
        (np.sum, X, ValueError, r"`model\(x\)` must have shape"),
        (lambda x: (x, x), X, TypeError, "wrap the model"),
        (lambda x: x / 0, X, ValueError, "must be finite"),
        (lambda t: np.ones((6, 1)), TOKENS * 0, ValueError, "`vocabulary` must be"),
        (np.tanh, [["a"]], TypeError, "`x` must hold numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_is_named(model, x, error, words):
    with pytest.raises(error, match=words):
        dependence(model, x)


def test_dropout_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"same for the same input.*\.eval"):
        dependence(lambda x: x * (rng.random(x.shape) < 0.5), X)


def test_the_input_stays_as_it_was():
    x = X.copy()

    def model(x):
        x *= 2
        return x

    assert np.array_equal(dependence(model, x), np.eye(N, dtype=bool))
    assert np.array_equal(x, X)


@pytest.mark.oracle
@pytest.mark.parametrize("edits", [0, 3])
@pytest.mark.parametrize("causal", [True, False])
def test_a_module_of_pytorch_is_tested_as_it_is(edits, causal, torch):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    mask = torch.nn.Transformer.generate_square_subsequent_mask(N)
    model = lambda x: layer(x, src_mask=mask if causal else None)  # noqa: E731
    x = torch.tensor(X[None], dtype=torch.float32)
    found = dependence(model, x, edits=edits)
    assert np.array_equal(found, CAUSAL if causal else np.ones((N, N), bool))
    with torch.no_grad():
        again = dependence(model, x, edits=edits)
    assert again.any() == (edits > 0)


@pytest.mark.oracle
def test_a_module_of_pytorch_that_reads_tokens(torch):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Linear(4, 2))
    found = dependence(model, torch.tensor(TOKENS)[None], vocabulary=9)
    assert np.array_equal(found, np.eye(N, dtype=bool))


@pytest.mark.oracle
def test_dropout_in_training_is_named_for_pytorch(torch):
    with pytest.raises(ValueError, match="eval"):
        dependence(torch.nn.Dropout(0.5), torch.ones(N, 40))
