"""Finite differences: the slow, simple way to a gradient, to check the fast one by."""

from collections.abc import Callable, Iterator, Mapping
from math import inf, isnan

import numpy as np
from numpy.typing import ArrayLike

from course_utils.validation import Back, Floats, as_float, check_positive, check_shape

Input = ArrayLike | Mapping[str, ArrayLike]


def gradient_check(
    vjp: Callable[..., tuple[ArrayLike, Back]], *inputs: Input, step: float = 1e-5
) -> tuple[float, ...]:
    """Compare a way back with slopes measured by moving each input a little.

    A random d_output (the same in every call) turns the output into the one number
    f(x) = Σ d_output ∘ output(x). Its slope in each number of each input is measured
    as (f(x + h) − f(x − h)) / 2h, in float64.

    - `vjp`: takes the inputs and returns `output, back`: an array or a number, and the
      function that takes d_output and returns a tuple with one gradient for each input.
    - `inputs`: one or more arrays, or dictionaries of arrays; they become float64.
    - `step`: h, above 0. Its error shrinks with h², that of rounding grows as 1/h.

    Returns for each input the largest difference between gradient and slope, divided by
    the largest slope if that is above 1; inf if either is not finite. A right gradient
    of a smooth function comes out below 1e-8, a wrong one seldom below 1e-2. `vjp` is
    called twice for every number of every input, so keep these small.

    Raises ValueError if there is no input, or `back` returns another number of
    gradients, or a gradient of another shape, than the inputs have.

    Source: Nocedal and Wright, "Numerical optimization", 2006, section 8.1.

    >>> def square_vjp(x):
    ...     return x * x, lambda d_output: (2 * x * d_output,)
    >>> def wrong_vjp(x):
    ...     return x * x, lambda d_output: (x * d_output,)
    >>> [max(gradient_check(f, [1.0, 2.0])) < 1e-8 for f in (square_vjp, wrong_vjp)]
    [True, False]
    """
    if not callable(vjp):
        raise TypeError(f"`vjp` must be callable; got {vjp!r}")
    if not inputs:
        raise ValueError("`inputs` must hold at least one array; got none")
    step = check_positive("step", step)
    arrays = [_as_float64(f"inputs[{i}]", x) for i, x in enumerate(inputs)]
    output, back = vjp(*arrays)
    d_output = np.random.default_rng(0).standard_normal(np.shape(output))
    gradients = back(d_output)
    if not isinstance(gradients, tuple) or len(gradients) != len(arrays):
        came = len(gradients) if isinstance(gradients, tuple) else type(gradients)
        raise ValueError(
            f"`back` must return a tuple of {len(arrays)} gradients, one for each "
            f"input; got {came}"
        )

    def slope(x: Floats, place: tuple[int, ...]) -> float:
        before = x[place]
        outputs, moved = [], []
        for change in (step, -step):
            x[place] = before + change
            moved.append(x[place])
            outputs.append(np.array(vjp(*arrays)[0]))  # it may be a view of x
        x[place] = before
        # Subtracting before summing loses fewer digits than after.
        return (d_output * np.subtract(*outputs)).sum() / (moved[0] - moved[1])

    errors = []
    for i, (x, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        errors.append(0.0)
        for name, part, d_part in _pairs(f"gradient {i} of back", x, gradient):
            d_part = as_float(name, d_part)
            check_shape(name, d_part, part.shape)
            slopes = np.array([slope(part, place) for place in np.ndindex(part.shape)])
            difference = np.abs(d_part.ravel() - slopes).max(initial=0.0)
            error = float(difference / np.abs(slopes).max(initial=1.0))
            # Python's max would pass over NaN.
            errors[i] = max(errors[i], inf if isnan(error) else error)
    return tuple(errors)


def _as_float64(name: str, x: Input) -> Floats | dict[str, Floats]:
    """Return a copy in float64, which may be written to."""
    if isinstance(x, Mapping):
        return {key: _as_float64(f"{name}[{key!r}]", value) for key, value in x.items()}
    return as_float(name, x).astype(np.float64)


def _pairs(
    name: str, x: Floats | dict[str, Floats], gradient: ArrayLike | Mapping
) -> Iterator[tuple[str, Floats, ArrayLike]]:
    """Yield each array of an input with its gradient, and its name in messages."""
    if not isinstance(x, dict):
        yield name, x, gradient
        return
    if not isinstance(gradient, Mapping) or gradient.keys() != x.keys():
        raise ValueError(f"`{name}` must have the names {sorted(x)}; got {gradient!r}")
    for key, part in x.items():
        yield f"{name}[{key!r}]", part, gradient[key]
