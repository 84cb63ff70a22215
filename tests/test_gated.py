"""RMS norm and SwiGLU: their laws, and PyTorch's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import assert_close, dtypes, leading_shapes, seeds, sizes

from course_utils.gated import rms_norm, swiglu


def draw(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@given(seeds, leading_shapes, sizes, st.sampled_from([0.01, 1, 1e6]))
def test_a_normed_vector_has_a_root_mean_square_of_1(seed, leading, d, factor):
    x = factor * (draw(seed, *leading, d) + 3)
    size = np.sqrt(np.square(rms_norm(x, np.ones(d), epsilon=0)).mean(axis=-1))
    np.testing.assert_allclose(size, 1)
    gain = draw(seed + 1, d)
    again = rms_norm(7 * x, gain, epsilon=0)
    np.testing.assert_allclose(again, gain * rms_norm(x, np.ones(d), epsilon=0))


def test_a_vector_of_zeros_stays_zero():
    np.testing.assert_array_equal(rms_norm(np.zeros((2, 3)), np.ones(3)), 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gate_is_shut_far_below_0_and_open_far_above(dtype):
    with np.errstate(all="raise"):
        found = swiglu(np.array([-1e4, 0, 1e4], dtype), np.array([3, 3, 3], dtype))
    np.testing.assert_allclose(found, [0, 0, 3e4])
    assert found.dtype == dtype


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rms_norm(np.ones((2, 3)), np.ones(2)), "`gain`"),
        (lambda: rms_norm(np.ones(3), np.ones(3), epsilon=-1), "`epsilon`"),
        (lambda: rms_norm(np.ones(3), np.ones(3), epsilon="a"), "`epsilon`"),
        (lambda: swiglu(np.ones((2, 3)), np.ones(3)), "`value`"),
        (lambda: swiglu(np.ones(3, complex), np.ones(3)), "`gate`"),
    ],
)
def test_what_does_not_fit_is_named(call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call()


@pytest.mark.oracle
@given(seeds, leading_shapes, sizes, dtypes)
def test_both_are_those_of_pytorch(torch, seed, leading, d, dtype):
    x, y = draw(seed, 2, *leading, d, dtype=dtype)
    gain = draw(seed + 1, d, dtype=dtype)
    theirs = torch.nn.functional.rms_norm(
        torch.from_numpy(x), (d,), torch.from_numpy(gain), 1e-5
    )
    assert_close(rms_norm(x, gain), theirs.numpy(), dtype)
    gated = torch.nn.functional.silu(torch.from_numpy(x)) * torch.from_numpy(y)
    assert_close(swiglu(x, y), gated.numpy(), dtype)
