"""Steps of training take the memory of the step before."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource
import numpy as np
from course_utils.attention import scaled_dot_product_attention_vjp

x = np.ones((8, {n}, 64), np.float32)


def step():
    output, back = scaled_dot_product_attention_vjp(x, x, x)
    return back(output)


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for _ in range(5):
    step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


def pages(n):
    """Return how many new pages ten steps take."""
    code = STEPS.format(n=n)
    run = [sys.executable, "-c", code]
    return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is of glibc")
@pytest.mark.parametrize("n", [64, 128, 256])
def test_a_step_of_training_takes_no_new_pages(n):
    assert pages(n) < 100  # an array of n = 64 has 32
