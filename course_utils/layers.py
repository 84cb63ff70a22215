"""The layers around attention: each returns its output, and `back` for its gradient.

`output, back = layer_vjp(...)`; `back(d_output)` returns a tuple with one gradient for
each differentiable argument, in their order. `d_x` names the gradient of the loss with
respect to `x`, and has its shape. Several models can run side by side: matrices and
vectors of parameters may have leading axes, which are then those of `x` as well.
"""

import sys
from math import pi, prod, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._alarms import underflow_is_zero
from course_utils.softmax import log_softmax
from course_utils.validation import (
    Back,
    Floats,
    as_indices,
    check_integer,
    check_number,
    check_rng,
    read,
)

# Multiplications: of fewer, `@` is as fast without BLAS.
WORTH_EINSUM = 2**17
LONG_ROW = 48


def linear_vjp(
    x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None
) -> tuple[Floats, Back]:
    """Multiply by a matrix and add a bias: x @ weight + bias.

    - `x`: shape (..., d_in).
    - `weight`: shape (d_in, d_out).
    - `bias`: shape (d_out,), or None for none.

    `back` returns d_x = d_output Wᵀ, d_weight = xᵀ d_output and d_bias = Σ d_output,
    the latter two summed over all positions, because they share one weight and one
    bias; without a bias, it returns the first two.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", 1986, equations 6 and 7.

    >>> output, back = linear_vjp([[2, 3]], [[4], [5]])
    >>> output, *back(np.ones((1, 1)))
    (array([[23.]]), array([[4., 5.]]), array([[2.],
           [3.]]))
    """
    x, weight, bias = read(
        "... d_in, models... d_in d_out, [models... d_out]",
        x=x,
        weight=weight,
        bias=bias,
    )
    rows = _as_rows(x, weight.shape[:-2])
    output = _product(rows, weight)
    if bias is not None:
        output += bias[..., None, :]

    def back(d_output: Floats) -> tuple[Floats, ...]:
        d_rows = d_output.reshape(output.shape)
        d_x = _product(d_rows, weight.mT).reshape(x.shape)
        d_bias = () if bias is None else (d_rows.sum(axis=-2),)
        return d_x, _product(rows.mT, d_rows), *d_bias

    return output.reshape(*x.shape[:-1], weight.shape[-1]), back


def _product(a: Floats, b: Floats) -> Floats:
    """Return a @ b, of one pair of matrices or of as many as there are models.

    NumPy comes to the browser without BLAS. There `@` goes down the columns of b, and
    einsum, which goes along rows, takes half to four fifths of the time: where a is
    transposed, as for the gradient of a matrix, or the rows of b are long.
    """
    size = a.shape[-2] * a.shape[-1] * b.shape[-1]
    is_worth = size >= WORTH_EINSUM and (
        b.shape[-1] >= LONG_ROW or a.strides[-1] > a.strides[-2]
    )
    if sys.platform != "emscripten" or not is_worth:
        return a @ b
    each = (x.reshape(-1, *x.shape[-2:]) for x in (a, b))
    products = [np.einsum("ij,jk->ik", *pair) for pair in zip(*each, strict=True)]
    return np.reshape(products, (*a.shape[:-1], b.shape[-1]))


def embedding_vjp(table: ArrayLike, tokens: ArrayLike) -> tuple[Floats, Back]:
    """Look tokens up in a table with one row each.

    - `table`: shape (num_embeddings, d).
    - `tokens`: integers from 0 to num_embeddings − 1, shape (...).

    Returns the rows, (..., d), and `back`, which returns (d_table,): every row of the
    table gets the sum of the gradients of the places that used it.

    >>> rows, back = embedding_vjp(np.eye(3, 1), [0, 2, 0])
    >>> back(np.array([[1.0], [2.0], [4.0]]))
    (array([[5.],
           [0.],
           [2.]]),)
    """
    (table,) = read("models... num_embeddings d", table=table)
    *models, num_embeddings, d = table.shape
    tokens = as_indices("tokens", tokens, 0, num_embeddings)
    rows = table.reshape(-1, d)
    if models:  # each looks tokens up in its own part of the rows
        first = np.arange(0, len(rows), num_embeddings).reshape(*models, 1)
        tokens = (_as_rows(tokens, tuple(models), 0) + first).reshape(tokens.shape)

    def back(d_output: Floats) -> tuple[Floats]:
        d_rows = np.zeros_like(rows)
        # Sorted by token, each row of the table is one sum over neighbours. np.add.at
        # adds place by place, and is some five times slower.
        order = np.argsort(tokens, axis=None, kind="stable")
        used, starts = np.unique(tokens.ravel()[order], return_index=True)
        if tokens.size:
            d_rows[used] = np.add.reduceat(d_output.reshape(-1, d)[order], starts)
        return (d_rows.reshape(table.shape),)

    return rows[tokens], back


def layer_norm_vjp(
    x: ArrayLike, gain: ArrayLike, bias: ArrayLike, epsilon: float = 1e-5
) -> tuple[Floats, Back]:
    """Bring each vector to mean 0 and variance 1, then scale and shift each component.

    output = gain · (x − mean) / √(variance + ε) + bias

    - `x`: shape (..., d).
    - `gain`, `bias`: shape (d,).
    - `epsilon`: ε, 0 or more; keeps a constant vector from a division by 0.

    `back` returns (d_x, d_gain, d_bias).

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016, equations 3 and 4.

    >>> output, back = layer_norm_vjp([[1.0, 3.0]], [1.0, 1.0], [0.0, 5.0])
    >>> output.round(3)
    array([[-1.,  6.]])
    """
    x, gain, bias = read("... d, models... d, models... d", x=x, gain=gain, bias=bias)
    rows = _as_rows(x, gain.shape[:-1])
    centred = rows - rows.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    epsilon = check_number("epsilon", epsilon, x.dtype)
    if epsilon < 0:
        raise ValueError(f"`epsilon` must be at least 0; got {epsilon}")
    size = np.sqrt(variance + epsilon)
    normal = centred / size
    output = normal * gain[..., None, :] + bias[..., None, :]

    def back(d_output: Floats) -> tuple[Floats, Floats, Floats]:
        d_rows = d_output.reshape(output.shape)
        d_normal = d_rows * gain[..., None, :]
        along = (d_normal * normal).mean(axis=-1, keepdims=True)
        d_x = (d_normal - d_normal.mean(axis=-1, keepdims=True) - normal * along) / size
        d_gain, d_bias = (d_rows * normal).sum(axis=-2), d_rows.sum(axis=-2)
        return d_x.reshape(x.shape), d_gain, d_bias

    return output.reshape(x.shape), back


def relu_vjp(x: ArrayLike) -> tuple[Floats, Back]:
    """Let positive numbers through, and nothing else: max(x, 0).

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann
    machines", 2010.

    >>> output, back = relu_vjp([-1.0, 2.0])
    >>> output, *back(np.array([5.0, 5.0]))
    (array([0., 2.]), array([0., 5.]))
    """
    (x,) = read("...", x=x)
    return np.maximum(x, 0), lambda d_output: (d_output * (x > 0),)


def gelu_vjp(x: ArrayLike) -> tuple[Floats, Back]:
    """Let numbers through smoothly, the more the larger: x·Φ(x), in the form with tanh.

    ½x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³) is within 0.0005 of x·Φ(x).

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016, section
    2.

    >>> gelu_vjp([-1.0, 0.0, 3.0])[0].round(3)
    array([-0.159,  0.   ,  2.996])
    """
    (x,) = read("...", x=x)
    slope, cubic = sqrt(2 / pi), 0.044715
    bend = np.tanh(slope * (x + cubic * x * x * x))

    def back(d_output: Floats) -> tuple[Floats]:
        d_bend = slope * (1 + 3 * cubic * x * x) * (1 - bend * bend)
        return (d_output * (1 + bend + x * d_bend) / 2,)

    return x * (1 + bend) / 2, back


def dropout_vjp(
    x: ArrayLike, rate: float, rng: np.random.Generator
) -> tuple[Floats, Back]:
    """Set numbers to 0 at random, and enlarge the others so that the mean stays.

    - `x`: any shape.
    - `rate`: the probability of a 0, from 0 up to below 1. The others are divided by
      1 − rate.
    - `rng`: the generator to draw from.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", 2014, section 10, with the division while training.

    >>> output, back = dropout_vjp(np.ones(4), 0.5, np.random.default_rng(0))
    >>> output, back(np.ones(4))[0]  # the gradient goes where the numbers went
    (array([2., 0., 0., 0.]), array([2., 0., 0., 0.]))
    """
    (x,) = read("...", x=x)
    rate = check_number("rate", rate)
    if not 0 <= rate < 1:
        raise ValueError(f"`rate` must be from 0 up to below 1; got {rate}")
    draws = check_rng("rng", rng).random(x.shape)
    kept = (draws >= rate).astype(x.dtype) / x.dtype.type(1 - rate)
    return x * kept, lambda d_output: (d_output * kept,)


def gru_step_vjp(
    inputs: ArrayLike, state: ArrayLike, weight: ArrayLike, bias: ArrayLike
) -> tuple[Floats, Back]:
    """Let a recurrent unit with gates take one step: it keeps part of its state.

        r, z = σ(inputs + state·W + b)  the first two thirds: reset, update
        n = tanh(inputs + r·(state·W + b))  the last third: the candidate
        new state = (1 − z)·n + z·state

    - `inputs`: what is read at this step times its matrix, shape (..., 3d), computed
      for all steps of a sequence at once.
    - `state`: shape (..., d).
    - `weight`, `bias`: of the state, shapes (d, 3d) and (3d,).

    Returns the new state and `back`, which returns (d_inputs, d_state, d_weight,
    d_bias).

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder",
    2014, section 2.3, with the reset after the product and the three parts in order, as
    PyTorch has them.

    >>> state, back = gru_step_vjp(np.zeros(3), [4.0], np.zeros((1, 3)), np.zeros(3))
    >>> state  # both gates half open: half is kept
    array([2.])
    """
    inputs, state, weight, bias = read(
        "... d_gates, ... d, models... d d_gates, models... d_gates",
        inputs=inputs,
        state=state,
        weight=weight,
        bias=bias,
    )
    if weight.shape[-1] != 3 * weight.shape[-2]:
        raise ValueError(f"`weight` must have shape (d, 3d); got {weight.shape}")
    recurrent, linear_back = linear_vjp(state, weight, bias)
    (i_r, i_z, i_n), (s_r, s_z, s_n) = (
        np.split(gates, 3, axis=-1) for gates in (inputs, recurrent)
    )
    # A half of 1 + tanh(x / 2) is the logistic function, without overflow.
    reset, update = (np.tanh(x / 2) / 2 + 0.5 for x in (i_r + s_r, i_z + s_z))
    candidate = np.tanh(i_n + reset * s_n)

    def back(d_state: Floats) -> tuple[Floats, ...]:
        d_n = d_state * (1 - update) * (1 - candidate * candidate)
        d_z = d_state * (state - candidate) * update * (1 - update)
        d_r = d_n * s_n * reset * (1 - reset)
        d_recurrent = np.concatenate([d_r, d_z, d_n * reset], axis=-1)
        d_before, d_weight, d_bias = linear_back(d_recurrent)
        d_inputs = np.concatenate([d_r, d_z, d_n], axis=-1)
        return d_inputs, d_before + d_state * update, d_weight, d_bias

    return (1 - update) * candidate + update * state, back


@underflow_is_zero
def cross_entropy_vjp(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Back]:
    """Measure in nats how surprised a prediction is, and how to make it less so.

    The loss is the mean of −log softmax(logits)[target] over the positions that have a
    target; its gradient is (softmax(logits) − one-hot(target)) / count.

    - `logits`: scores before softmax, shape (..., num_classes).
    - `targets`: integers of shape (...), from 0 to num_classes − 1. −1 marks a position
      that has no answer: it does not count, and gets a gradient of 0.

    Returns the loss, a float, which is ln(num_classes) if all classes look alike, and
    `back`, which takes nothing, or a factor, and returns (d_logits,).

    Raises ValueError if no position counts.

    Source: Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", 1990.

    >>> loss, back = cross_entropy_vjp([[0.0, 0.0], [5.0, 0.0]], targets=[1, -1])
    >>> round(loss, 3), back()
    (0.693, (array([[ 0.5, -0.5],
           [ 0. ,  0. ]]),))
    """
    logits, targets, counted = _read_targets(logits, targets)
    log_probabilities = log_softmax(logits.reshape(-1, logits.shape[-1])[counted])
    chosen = (np.arange(len(counted)), targets.ravel()[counted])

    @underflow_is_zero
    def back(d_loss: float = 1.0) -> tuple[Floats]:
        difference = np.exp(log_probabilities)
        difference[chosen] -= 1
        d_logits = np.zeros((targets.size, logits.shape[-1]), logits.dtype)
        d_logits[counted] = difference * (float(d_loss) / len(counted))
        return (d_logits.reshape(logits.shape),)

    return -float(log_probabilities[chosen].mean()), back


def accuracy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Return the share of targets that have the highest logit.

    - `logits`: scores or probabilities, shape (..., num_classes).
    - `targets`: integers of shape (...), from 0 to num_classes − 1; −1 does not count.

    Returns a float from 0 to 1. Of several highest logits the first is the answer.

    Raises ValueError if no position counts.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], targets=[1, 1, -1])
    0.5
    """
    logits, targets, counted = _read_targets(logits, targets)
    return float((logits.argmax(axis=-1) == targets).ravel()[counted].mean())


def glorot_uniform(
    rng: np.random.Generator, *shape: int, dtype: type = np.float32
) -> Floats:
    """Draw a weight whose outputs are about as large as its inputs.

    Uniform in ±√(6 / (d_in + d_out)), which has the variance 2 / (d_in + d_out).

    - `rng`: the generator to draw from.
    - `shape`: (..., d_in, d_out), each at least 1.
    - `dtype`: np.float32 or np.float64. The numbers are drawn in float64 and rounded,
      so that both start from the same place.

    Returns an array of that shape and dtype.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16.

    >>> weight = glorot_uniform(np.random.default_rng(0), 200, 100)
    >>> weight.shape, weight.dtype, abs(weight).max() <= (6 / 300) ** 0.5
    ((200, 100), dtype('float32'), np.True_)
    """
    check_rng("rng", rng)
    if len(shape) < 2:
        raise ValueError(f"`shape` must have at least d_in and d_out; got {shape}")
    shape = tuple(check_integer("shape", size, least=1) for size in shape)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"`dtype` must be np.float32 or np.float64; got {dtype!r}")
    limit = (6 / (shape[-2] + shape[-1])) ** 0.5
    return rng.uniform(-limit, limit, size=shape).astype(dtype)


def _as_rows(x: NDArray, models: tuple[int, ...], kept: int = 1) -> NDArray:
    """Join all axes of `x` between those of several models and the last, if kept."""
    if x.shape[: len(models)] != models:
        raise ValueError(
            f"`x` must begin with the axes {models} of the parameters; got {x.shape}"
        )
    between, last = x.shape[len(models) : x.ndim - kept], x.shape[x.ndim - kept :]
    return x.reshape(*models, prod(between), *last)


def _read_targets(
    logits: ArrayLike, targets: ArrayLike
) -> tuple[Floats, NDArray[np.integer], NDArray[np.integer]]:
    """Return logits, targets, and where in the targets there are any."""
    (logits,) = read("... num_classes", logits=logits)
    classes = logits.shape[-1]
    targets = as_indices("targets", targets, -1, classes, logits.shape[:-1])
    counted = np.flatnonzero(targets >= 0)
    if len(counted) == 0:
        raise ValueError("`targets` must hold at least one of 0 or more; got none")
    return logits, targets, counted
