"""Training by gradient descent: Adam, clipping, and a loop with a progress bar.

A model is a dictionary of named arrays, its parameters; gradients are a dictionary of
the same names. Chance comes from a `numpy.random.Generator` alone, so that a run can be
repeated. Independent generators come from one seed:

    init_rng, train_rng, test_rng = np.random.default_rng(0).spawn(3)
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import cos, isfinite, pi, sqrt
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.validation import (
    Floats,
    as_float,
    check_flag,
    check_integer,
    check_number,
    check_positive,
    check_rng,
    check_shape,
    read,
)

Parameters = dict[str, Floats]
Schedule = Callable[[int], float]
Item = TypeVar("Item")


class Adam:
    """Gradient descent whose step adapts to each number's own gradients.

    With g the gradient at step t, and all operations elementwise:

        m ← β₁m + (1 − β₁)g      v ← β₂v + (1 − β₂)g²
        parameter ← parameter − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)

    - `learning_rate`: lr, above 0: about how far each number moves in one step. It may
      be changed between steps.
    - `betas`: (β₁, β₂), each at least 0 and below 1.
    - `epsilon`: ε, above 0.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015,
    algorithm 1.

    >>> adam = Adam(learning_rate=0.1)
    >>> parameters = {"weight": np.array([1.0, 1.0])}
    >>> gradients = {"weight": np.array([100.0, -0.001])}
    >>> adam.step(parameters, gradients)["weight"].round(3)  # the sign is what counts
    array([0.9, 1.1])
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = check_positive("learning_rate", learning_rate)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"`betas` must be two numbers; got {betas!r}")
        self.betas = tuple(check_number("betas", beta) for beta in betas)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"`betas` must be from 0 up to below 1; got {betas}")
        self.epsilon = check_positive("epsilon", epsilon)
        self.steps = 0
        self._means: Parameters = {}
        self._squares: Parameters = {}

    def step(
        self, parameters: Mapping[str, ArrayLike], gradients: Mapping[str, ArrayLike]
    ) -> Parameters:
        """Return the parameters after one step; those that came in are not changed.

        - `parameters`: names and arrays, the same names and shapes in every step.
        - `gradients`: for each name an array of the parameter's shape.

        Returns new arrays of the shapes and dtypes of `parameters` (float64 for
        integers, float32 for float16).
        """
        named = _matched(parameters, gradients)
        if self.steps and self._means.keys() != named.keys():
            raise ValueError(
                f"`parameters` must have the names of the steps before, "
                f"{sorted(self._means)}; got {sorted(named)}"
            )
        for name, (parameter, _) in named.items():
            before = self._means.get(name, parameter)
            check_shape(f"parameters[{name!r}]", parameter, before.shape)
        self.steps += 1
        return {name: self._moved(name, *pair) for name, pair in named.items()}

    def _moved(self, name: str, parameter: Floats, gradient: Floats) -> Floats:
        gradient = gradient.astype(parameter.dtype, copy=False)
        (beta_1, beta_2), t = self.betas, self.steps
        mean = self._means.setdefault(name, np.zeros_like(parameter))
        square = self._squares.setdefault(name, np.zeros_like(parameter))
        mean += (1 - beta_1) * (gradient - mean)
        square *= beta_2
        square += (1 - beta_2) * gradient * gradient
        size = np.sqrt(square / (1 - beta_2**t)) + self.epsilon
        change = self.learning_rate / (1 - beta_1**t) * mean / size
        return np.asarray(parameter - change, parameter.dtype)


def clip_gradients(gradients: Mapping[str, ArrayLike], max_norm: float) -> Parameters:
    """Shorten gradients that are longer together than `max_norm`, keeping direction.

    The norm is that of all gradients as one vector, √(Σ g²). A single steep place then
    moves the parameters no further than an ordinary one.

    - `gradients`: names and arrays.
    - `max_norm`: the longest norm allowed, above 0.

    Returns new gradients of the same names, shapes and dtypes (float64 for integers).

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", 2013, algorithm 1.

    >>> clip_gradients({"w": np.array([3.0]), "b": np.array([4.0])}, max_norm=1.0)
    {'w': array([0.6]), 'b': array([0.8])}
    """
    max_norm = check_positive("max_norm", max_norm)
    _check_mapping("gradients", gradients)
    arrays = {
        name: as_float(f"gradients[{name!r}]", gradient)
        for name, gradient in gradients.items()
    }
    # Squares are summed in float64, where those of float16 and float32 never overflow.
    with np.errstate(over="ignore"):
        squares = [np.square(x, dtype=np.float64).sum() for x in arrays.values()]
    norm = sqrt(sum(squares))
    if not isfinite(norm):
        raise ValueError(f"`gradients` must be finite; their norm is {norm}")
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return {name: np.asarray(x * factor) for name, x in arrays.items()}


def cosine_schedule(peak: float, steps: int) -> Schedule:
    """Let the learning rate fall from `peak` to 0 along half a cosine.

    lr(t) = peak · (1 + cos(πt / steps)) / 2: large steps first, to get near, and ever
    smaller ones, to settle.

    - `peak`: the learning rate of step 0, above 0.
    - `steps`: the step at which it reaches 0, at least 1.

    Returns a function from a step, an integer from 0 to `steps`, to a float.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm
    restarts", 2017, equation 5, without restarts.

    >>> learning_rate = cosine_schedule(peak=0.1, steps=100)
    >>> [round(learning_rate(step), 4) for step in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """
    peak = check_positive("peak", peak)
    steps = check_integer("steps", steps, least=1)
    return lambda step: peak * (1 + cos(pi * step / steps)) / 2


def train(
    parameters: Mapping[str, ArrayLike],
    loss_and_gradients: Callable[..., tuple[float, Mapping[str, ArrayLike]]],
    draw_batch: Callable[[np.random.Generator], tuple],
    *,
    rng: np.random.Generator,
    steps: int,
    learning_rate: float | Schedule = 1e-3,
    max_norm: float | None = None,
    watch: Callable[[int, Parameters], None] | None = None,
    progress: bool = True,
) -> tuple[Parameters, NDArray[np.float64]]:
    """Train parameters with Adam: draw a batch, find the gradients, take a step.

    - `parameters`: names and arrays to start from; they are not changed.
    - `loss_and_gradients`: called as loss_and_gradients(parameters, *batch), returns
      the loss and for each name the gradient of the loss.
    - `draw_batch`: called as draw_batch(rng), returns one batch as a tuple.
    - `rng`: the generator of the batches. The same seed gives the same run.
    - `steps`: how many steps, at least 1.
    - `learning_rate`: a number above 0, or a function from the step (0 to steps − 1) to
      one, such as `cosine_schedule`.
    - `max_norm`: clip the gradients to this norm first; None clips nothing.
    - `watch`: called as watch(step, parameters) before each step and, with step =
      `steps`, at the end; for a learning curve.
    - `progress`: whether to show a bar with the loss. It is shown where someone can
      watch, in a terminal or a notebook that is open in Jupyter, and never where output
      is kept, as in a notebook that is executed by a program.

    Returns (parameters, losses): the trained parameters, and the loss of each step
    before that step was taken, shape (steps,).

    >>> target = np.array([1.0, -2.0])
    >>> def loss_and_gradients(parameters, noise):  # fit a point through noise
    ...     difference = parameters["point"] - (target + noise)
    ...     return (difference**2).sum(), {"point": 2 * difference}
    >>> trained, losses = train(
    ...     {"point": np.zeros(2)},
    ...     loss_and_gradients,
    ...     lambda rng: (0.1 * rng.standard_normal(2),),
    ...     rng=np.random.default_rng(0),
    ...     steps=300,
    ...     learning_rate=cosine_schedule(0.1, 300),
    ... )
    >>> trained["point"].round(1)
    array([ 1., -2.])
    """
    _check_mapping("parameters", parameters)
    watch = watch or (lambda step, parameters: None)
    calls = {"loss_and_gradients": loss_and_gradients, "draw_batch": draw_batch}
    calls |= {"watch": watch}
    for name, call in calls.items():
        if not callable(call):
            raise TypeError(f"`{name}` must be callable; got {call!r}")
    check_rng("rng", rng)
    steps = check_integer("steps", steps, least=1)
    check_flag("progress", progress)
    if max_norm is not None:
        max_norm = check_positive("max_norm", max_norm)
    schedule = learning_rate if callable(learning_rate) else lambda step: learning_rate
    adam = Adam(schedule(0))
    losses = np.empty(steps)
    with _progress_bar(steps, progress) as advance:
        for step in range(steps):
            watch(step, parameters)
            loss, gradients = loss_and_gradients(parameters, *draw_batch(rng))
            if not isfinite(loss):
                raise FloatingPointError(
                    f"the loss is {loss} at step {step}; a lower learning_rate or a "
                    "max_norm may help"
                )
            if max_norm is not None:
                gradients = clip_gradients(gradients, max_norm)
            adam.learning_rate = schedule(step)
            parameters = adam.step(parameters, gradients)
            losses[step] = loss
            advance(loss)
    watch(steps, parameters)
    return parameters, losses


def tracked(items: Sequence[Item]) -> Iterator[Item]:
    """Go through items, such as the seeds of an experiment, with a bar of those done.

    The bar is shown where that of `train` would be; train with `progress=False` under
    it, for one bar in place of many.

    - `items`: what to go through.

    >>> [seed**2 for seed in tracked(range(3))]
    [0, 1, 4]
    """
    bar_type = _bar_type()
    yield from items if bar_type is None else bar_type(items)


@contextmanager
def _progress_bar(steps: int, show: bool) -> Iterator[Callable[[float], None]]:
    """Give a function that moves the bar one step on, or does nothing without one."""
    bar_type = _bar_type() if show else None
    if bar_type is None:
        yield lambda loss: None
        return
    with bar_type(total=steps) as bar:

        def advance(loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update()

        yield advance


def _bar_type() -> Callable[..., Any] | None:
    """Return the bar for where this runs, or None where nobody is watching."""
    # The server of JupyterLab names its session to the kernels it starts. A kernel that
    # a program starts to execute a notebook has no such name.
    in_notebook = "ipykernel" in sys.modules and "JPY_SESSION_NAME" in os.environ
    if not in_notebook and not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:  # the bar is a comfort: training goes without
        return None
    # In a notebook it is text as well: a widget would be dead the next day.
    return partial(tqdm, file=sys.stdout) if in_notebook else tqdm


def _matched(
    parameters: Mapping[str, ArrayLike], gradients: Mapping[str, ArrayLike]
) -> dict[str, tuple[Floats, Floats]]:
    """Return each parameter with its gradient, which must have its shape."""
    _check_mapping("parameters", parameters)
    _check_mapping("gradients", gradients)
    if parameters.keys() != gradients.keys():
        raise ValueError(
            f"`gradients` must have the names of parameters, {sorted(parameters)}; "
            f"got {sorted(gradients)}"
        )
    matched = {}
    for name in parameters:
        (parameter,) = read("...", **{f"parameters[{name!r}]": parameters[name]})
        gradient = as_float(f"gradients[{name!r}]", gradients[name])
        check_shape(f"gradients[{name!r}]", gradient, parameter.shape)
        matched[name] = parameter, gradient
    return matched


def _check_mapping(name: str, mapping: Mapping[str, ArrayLike]) -> None:
    """Check that `mapping` gives arrays names."""
    if not isinstance(mapping, Mapping):
        raise TypeError(f"`{name}` must be a dictionary of arrays; got {mapping!r}")
