"""The two layers in which today's language models differ from the first transformer."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils._alarms import underflow_is_zero
from course_utils.validation import Floats, check_number, read


def rms_norm(x: ArrayLike, gain: ArrayLike, epsilon: float = 1e-5) -> Floats:
    """Bring each vector to a root mean square of 1, then scale each component.

    output = gain · x / √(mean(x²) + ε): layer norm without the mean and the shift.

    - `x`: shape (..., d).
    - `gain`: shape (d,).
    - `epsilon`: ε, 0 or more; keeps a vector of zeros from a division by 0.

    Returns an array of the shape of `x` and the common dtype (float64 for integers).

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.

    >>> rms_norm([[3.0, 4.0]], [1.0, 10.0], epsilon=0).round(3)
    array([[ 0.849, 11.314]])
    """
    x, gain = read("... d, d", x=x, gain=gain)
    epsilon = check_number("epsilon", epsilon, x.dtype)
    if epsilon < 0:
        raise ValueError(f"`epsilon` must be at least 0; got {epsilon}")
    size = np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon)
    return x * (gain / size)


@underflow_is_zero
def swiglu(gate: ArrayLike, value: ArrayLike) -> Floats:
    """Let each value through as far as its gate is open: gate·σ(gate)·value.

    σ(a) = 1 / (1 + exp(−a)); a·σ(a) is about 0 for a gate far below 0, and about a far
    above. A feed-forward step multiplies x by one matrix for the gates and by another
    for the values.

    - `gate`: shape (...).
    - `value`: the same shape.

    Returns an array of that shape and the common dtype (float64 for integers).

    Source: Shazeer, "GLU variants improve transformer", 2020.

    >>> swiglu([-50.0, 0.0, 50.0], [2.0, 2.0, 2.0]).round(3) + 0.0
    array([  0.,   0., 100.])
    """
    gate, value = read("..., ...", gate=gate, value=value)
    if gate.shape != value.shape:
        raise ValueError(
            f"`value` must have the shape of `gate`, {gate.shape}; got {value.shape}"
        )
    with np.errstate(over="ignore"):  # exp of much: the gate is shut
        return gate / (1 + np.exp(-gate)) * value
