"""Good arguments for every public function, and how the property tests draw them."""

import json
import math
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from course_utils import attention, masks, multi_head, pooling, positions, scores
from course_utils.finite_differences import gradient_check
from course_utils.softmax import (
    entropy,
    hard_attention,
    log_softmax,
    masked_softmax,
    softmax,
)

# How examples are drawn, conftest.py says; here is only how many.
laws = settings()
# Enough for 500 different shapes a function; where few sizes are drawn, it takes more.
oracle = settings(max_examples=800)
oracle_of_few_sizes = settings(max_examples=1600)
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}

REFERENCES = Path(__file__).parent / "reference"

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)
leading_shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)
dtypes = st.sampled_from([np.float32, np.float64])


def assert_close(ours, theirs, dtype):
    """Compare within what the dtype allows, and see that ours has kept it."""
    assert ours.dtype == dtype
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    tolerance = TOLERANCE[np.dtype(dtype)]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def compare(oracles, function, arguments):
    """Compare a function with its oracle, in float32 and in float64."""
    oracle = getattr(oracles, function.__name__)
    for dtype in (np.float32, np.float64):
        cast = {
            name: x.astype(dtype) if np.ndim(x) and x.dtype.kind == "f" else x
            for name, x in arguments.items()
        }
        assert_close(function(**cast), oracles.run(oracle, cast), dtype)


def check_gradients(model, parameters, *batch):
    """See that a model's gradients are the slopes of its loss, for every parameter."""

    def vjp(parameters):
        loss, gradients = model.loss_and_gradients(parameters, *batch)
        assert gradients.keys() == parameters.keys()
        return loss, lambda d_loss: (
            {name: d_loss * gradient for name, gradient in gradients.items()},
        )

    assert max(gradient_check(vjp, parameters)) < 1e-8


def what_came(bad):
    """Return the words of which a message needs at least one to say what came."""
    try:
        array = np.asarray(bad)
    except ValueError:  # rows of unequal length
        return ["inhomogeneous"]
    words = [repr(bad), str(array.shape), str(array.dtype)]
    if array.ndim == 0 or array.dtype.kind not in "iuf":
        return words
    # One number that is wrong will do, and a row of weights is known by its sum.
    return [*words, *(str(x) for x in array.flat if x), str(array.sum())]


def references(name):
    """Return the arrays that tests/make_references.py wrote to one file."""
    arrays = {}
    with np.load(REFERENCES / f"{name}.npz") as stored:
        numbers, start = stored["numbers"], 0
        for label, dtype, shape in json.loads(stored["index"].item()):
            stop = start + math.prod(shape)
            arrays[label] = numbers[start:stop].reshape(shape).astype(dtype)
            start = stop
    return arrays


@st.composite
def broadcastable(draw, shape):
    """Draw a shape that broadcasts to the given one."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    return tuple(size if draw(st.booleans()) else 1 for size in kept)


@st.composite
def queries_and_keys(draw):
    """Draw the shapes of queries and keys of one size, and a seed."""
    leading, n_q, n_k, d = (
        draw(leading_shapes),
        draw(sizes),
        draw(st.integers(0, 15)),
        draw(st.integers(1, 40)),
    )
    query_leading, key_leading = draw(
        st.sampled_from([(leading, leading), (leading, ()), ((), leading)])
    )
    return (*query_leading, n_q, d), (*key_leading, n_k, d), draw(seeds)


def normal(seed, dtype, *shapes):
    """Draw one normal array a shape."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def _samples():
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.standard_normal(shape)

    weights = rng.dirichlet(np.ones(4), size=(2, 3))
    hidden = np.array([True, True, False, True])
    pair = {"query": array(2, 3, 6), "key": array(2, 4, 6)}
    triple = {**pair, "value": array(2, 4, 5)}
    data = {"key": array(2, 4, 6), "value": array(2, 4, 5)}
    projections = {
        "w_query": array(6, 8),
        "w_key": array(6, 4),
        "w_value": array(5, 4),
        "w_out": array(8, 7),
        "b_query": array(8),
        "b_key": array(4),
        "b_value": array(4),
        "b_out": array(7),
    }
    return {
        softmax: {"x": array(2, 3, 4), "axis": 1, "temperature": 2.0},
        log_softmax: {"x": array(2, 3, 4), "axis": 1},
        masked_softmax: {
            "scores": array(2, 3, 4),
            "mask": hidden,
            "axis": -1,
        },
        hard_attention: {"scores": array(2, 3, 4), "axis": 1},
        entropy: {"weights": weights, "axis": -1},
        scores.dot_product_score: pair,
        scores.cosine_score: pair,
        scores.gaussian_score: {**pair, "sigma": 2.0},
        scores.bilinear_score: {
            "query": array(2, 3, 6),
            "key": array(2, 4, 5),
            "w_match": array(6, 5),
        },
        scores.additive_score: {
            "query": array(2, 3, 6),
            "key": array(2, 4, 5),
            "w_query": array(6, 7),
            "w_key": array(5, 7),
            "v": array(7),
        },
        pooling.attend: {"weights": weights, "value": array(2, 4, 5)},
        pooling.nadaraya_watson: {**triple, "bandwidth": 2.0},
        pooling.leave_one_out: {**data, "bandwidth": 2.0},
        masks.causal_mask: {"n_q": 3, "n_k": 4, "offset": 1},
        masks.sliding_window_mask: {
            "n_q": 3,
            "n_k": 4,
            "window": 2,
            "causal": True,
            "offset": 1,
        },
        masks.block_mask: {"n": 5, "block": 2, "summaries": True},
        masks.receptive_field: {"masks": np.tril(np.ones((2, 3, 3), dtype=bool))},
        masks.padding_mask: {"lengths": np.array([1, 4]), "n_k": 4},
        attention.scaled_dot_product_attention: {
            "query": array(2, 4, 3, 6),
            "key": array(2, 2, 4, 6),
            "value": array(2, 2, 4, 5),
            "attn_mask": array(2, 1, 3, 4),
            "is_causal": True,
            "scale": 0.5,
            "softcap": 3.0,
            "enable_gqa": True,
            "return_weights": False,
        },
        multi_head.split_heads: {"x": array(2, 3, 6), "num_heads": 2},
        multi_head.merge_heads: {"x": array(2, 4, 3, 5)},
        multi_head.multi_head_attention: {
            **triple,
            **projections,
            "num_heads": 4,
            "num_kv_heads": 2,
            "attn_mask": hidden,
            "is_causal": True,
            "return_weights": False,
        },
        positions.sinusoidal_positions: {"n": 3, "d_model": 4, "base": 100.0},
        positions.learned_positions: {
            "rng": np.random.default_rng(0),
            "n": 3,
            "d_model": 4,
            "std": 0.1,
        },
        positions.relative_position_bias: {
            "table": array(2, 5),
            "n_q": 3,
            "n_k": 4,
            "offset": 1,
        },
        positions.rotary_embedding: {
            "x": array(2, 3, 6),
            "positions": np.arange(3),
            "base": 100.0,
        },
        positions.alibi_slopes: {"num_heads": 6},
        positions.alibi_bias: {"num_heads": 6, "n_q": 3, "n_k": 4, "offset": 1},
    }


SAMPLES = _samples()
