"""Finite differences: the slow, simple way to a gradient, to check the fast one by."""

from collections.abc import Callable
from math import inf, isnan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.validation import as_float, check_positive, check_shape

Floats = NDArray[np.floating]


def gradient_check(
    function: Callable[..., ArrayLike],
    backward: Callable[..., Floats | tuple[Floats, ...]],
    *inputs: ArrayLike,
    step: float = 1e-5,
) -> tuple[float, ...]:
    """Compare a backward pass with slopes measured by moving each input a little.

    A random d_output (the same in every call) turns the output into the one number
    f(x) = Σ d_output ∘ function(x). Its slope in each number of each input is measured
    as (f(x + h) − f(x − h)) / 2h, in float64.

    - `function`: takes the inputs and returns one array or number.
    - `backward`: takes d_output and then the inputs, and returns one gradient for each
      input, as a tuple if there are several.
    - `inputs`: one or more arrays; they become float64.
    - `step`: h, above 0. Its error shrinks with h², that of rounding grows as 1/h.

    Returns for each input the largest difference between gradient and slope, divided by
    the largest slope if that is above 1; inf if either is not finite. A right gradient
    of a smooth function comes out below 1e-8, a wrong one seldom below 1e-2. `function`
    is called twice for every number of every input, so keep these small.

    Raises TypeError if a function is none, an array is not real or `step` no number,
    and ValueError if there is no input, `step` is not above 0, or `backward` returns
    another number of gradients, or a gradient of another shape, than the inputs have.

    Source: Nocedal and Wright, "Numerical optimization", 2006, section 8.1.

    >>> def square(x):
    ...     return x * x
    >>> def square_backward(d_output, x):
    ...     return 2 * x * d_output
    >>> def wrong_backward(d_output, x):
    ...     return x * d_output
    >>> [max(gradient_check(square, b, [1.0, 2.0])) < 1e-8
    ...  for b in (square_backward, wrong_backward)]
    [True, False]
    """
    for name, call in (("function", function), ("backward", backward)):
        if not callable(call):
            raise TypeError(f"{name} needs to be a function; it is {call!r}")
    if not inputs:
        raise ValueError("inputs needs at least one array; there are none")
    step = check_positive("step", step)
    arrays = [
        as_float(f"inputs[{i}]", x).astype(np.float64) for i, x in enumerate(inputs)
    ]
    output = as_float("the output of function", function(*arrays))
    d_output = np.random.default_rng(0).standard_normal(output.shape)
    gradients = backward(d_output, *arrays)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    if len(gradients) != len(arrays):
        raise ValueError(
            f"backward needs to return one gradient for each of the {len(arrays)} "
            f"inputs; it returned {len(gradients)}"
        )
    errors = []
    for i, (x, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        gradient = as_float(f"gradient {i} of backward", gradient)
        check_shape(f"gradient {i} of backward", gradient, x.shape, "the input's shape")
        slopes = np.empty_like(x)
        for place in np.ndindex(x.shape):
            high, low = x.copy(), x.copy()
            high[place] += step
            low[place] -= step
            # Subtracting before summing loses fewer digits than after.
            rise = np.subtract(
                function(*arrays[:i], high, *arrays[i + 1 :]),
                function(*arrays[:i], low, *arrays[i + 1 :]),
            )
            slopes[place] = (d_output * rise).sum() / (high[place] - low[place])
        largest = np.abs(slopes).max(initial=1.0)
        error = float(np.abs(gradient - slopes).max(initial=0.0) / largest)
        # Python's max would pass over NaN.
        errors.append(inf if isnan(error) else error)
    return tuple(errors)
