"""GELU, exactly: with the error function, which NumPy does not have."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils._alarms import underflow_is_zero
from course_utils.validation import Floats, read

ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


@underflow_is_zero
def erf(x: ArrayLike) -> Floats:
    """Return how much of a normal curve lies between −x√2 and x√2: the error function.

    - `x`: any shape.

    Returns an array of that shape and dtype (float64 for integers), wrong by 1.5e-7 at
    most, and by the rounding of its dtype.

    Source: Abramowitz and Stegun, "Handbook of mathematical functions", 1964, formula
    7.1.26.

    >>> erf([-1.0, 0.0, 1.0]).round(4)
    array([-0.8427,  0.    ,  0.8427])
    """
    (x,) = read("...", x=x)
    t = 1 / (1 + 0.3275911 * np.abs(x))
    tail = 0.0
    for a in reversed(ERF):
        tail = (tail + a) * t
    return np.copysign(1 - tail * np.exp(-x * x), x) * (x != 0)


def gelu(x: ArrayLike) -> Floats:
    """Let numbers through smoothly, the more the larger: x·Φ(x) = ½x (1 + erf(x/√2)).

    - `x`: any shape.

    Returns an array of that shape and dtype (float64 for integers). `layers.gelu_vjp`
    is the form with tanh, which differs by up to 0.0005.

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016, section
    2.

    >>> gelu([-1.0, 0.0, 3.0]).round(3)
    array([-0.159,  0.   ,  2.996])
    """
    (x,) = read("...", x=x)
    return x * (1 + erf(x * 0.5**0.5)) / 2
