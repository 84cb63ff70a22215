"""The error function and GELU, against Python's own and against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from samples import dtypes, laws, leading_shapes, normal, seeds

from course_utils.gelu import erf, gelu
from course_utils.layers import gelu_vjp

EXACT = np.vectorize(math.erf, otypes=[float])


@laws
@given(leading_shapes, seeds, dtypes)
def test_erf_is_pythons_to_seven_digits(shape, seed, dtype):
    (x,) = normal(seed, dtype, shape)
    x = x * 2
    found = erf(x)
    assert (found.dtype, found.shape) == (dtype, x.shape)
    np.testing.assert_allclose(found, EXACT(x), atol=6e-7, rtol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_everywhere(dtype):
    x = np.linspace(-6, 6, 24_001).astype(dtype)
    gap = np.abs(erf(x) - EXACT(x)).max()
    assert gap <= (1.5e-7 if dtype is np.float64 else 6e-7)
    np.testing.assert_array_equal(erf(-x), -erf(x))
    ends = np.array([0, -0.0, 40, -40, np.inf, -np.inf, 1e-30], dtype)
    expected = [0, 0, 1, -1, 1, -1, 0]
    np.testing.assert_allclose(erf(ends), expected, atol=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_x_times_the_share_below_it(dtype):
    x = np.linspace(-9, 9, 3001).astype(dtype)
    expected = x * (1 + EXACT(x / math.sqrt(2))) / 2
    np.testing.assert_allclose(gelu(x), expected, atol=1e-6, rtol=1e-6)
    assert gelu(x).dtype == dtype
    np.testing.assert_allclose(gelu(x) - gelu(-x), x, atol=1e-6)  # Φ(x) + Φ(−x) = 1


def test_the_form_with_tanh_is_another():
    x = np.linspace(-4, 4, 801)
    assert 4e-4 < np.abs(gelu(x) - gelu_vjp(x)[0]).max() < 5e-4


def test_integers_become_float64():
    assert gelu([0, 1, 2]).dtype == np.float64
    assert gelu(1).shape == ()


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_pytorchs(dtype, torch):
    x = np.linspace(-9, 9, 3001).astype(dtype)
    theirs = torch.nn.functional.gelu(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(gelu(x), theirs, atol=1e-6)
