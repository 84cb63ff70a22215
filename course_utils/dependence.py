"""A leak test for any model: which outputs depend on which inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.validation import Floats, as_array, as_float, check_integer

Booleans = NDArray[np.bool_]
SIZES = (1.0, 10.0, 0.1)  # of the edits, in turn: a large one may saturate a softmax


def dependence(
    model: Callable[[Any], Any],
    x: Any,  # noqa: ANN401
    *,
    vjp: Callable[[NDArray], tuple[Floats, Callable]] | None = None,
    edits: int = 3,
    vocabulary: int | None = None,
    seed: int = 0,
) -> Booleans:
    """Find out which outputs of a model depend on which of its inputs, by trying.

    One input after the other is replaced, and every output that moves depends on it.
    Where gradients can be had, an output whose gradient in an input is not 0 depends on
    it as well. What depends on something that it must not see leaks:
    `dependence(model, x) & ~may_see`.

    - `model`: a function from x to an array of shape (..., n_out, d). It may be a
      PyTorch module: it is given arrays if `x` is an array, and tensors if `x` is one.
    - `x`: tokens, integers of shape (..., n_in), or vectors, floats of shape
      (..., n_in, d). What is edited is one position, in all sequences at once.
    - `vjp`: the model again as a function that returns `output, back`, where the first
      gradient that `back` returns is that of x. PyTorch's gradients need no `vjp`.
    - `edits`: how often each input is replaced, each time by something else; 0 asks
      the gradients alone.
    - `vocabulary`: tokens are replaced by others below this number; if None, by those
      that occur in x.
    - `seed`: of what is drawn.

    Returns booleans, shape (n_out, n_in): True where output i depends on input j, in
    any sequence. True is proved, False only likely: what moves an output by less than
    100 roundings of its largest number is not seen, so prefer float64; nor is what
    only other inputs would show.

    Raises ValueError if the model returns NaN or infinity, or does not return the same
    twice, as with dropout.

    >>> from course_utils.attention import scaled_dot_product_attention
    >>> from course_utils.masks import causal_mask
    >>> def attend(x):  # a mask after the softmax would leak: see lesson 6
    ...     return scaled_dot_product_attention(x, x, x, is_causal=True)
    >>> x = np.random.default_rng(0).standard_normal((4, 3))
    >>> np.array_equal(dependence(attend, x), causal_mask(4))
    True
    """
    edits = check_integer("edits", edits, least=0)
    start = _plain("x", x)
    tokens = start.dtype.kind in "iu"
    if start.ndim < 2 - tokens:
        raise ValueError(
            "`x` must be tokens, integers (..., n_in), or vectors, floats "
            f"(..., n_in, d); got {start.dtype} of shape {start.shape}"
        )

    def run(array: NDArray) -> Floats:
        output = as_float("model(x)", _plain("model(x)", model(_as(x, array))))
        if output.ndim < 2:
            raise ValueError(
                f"`model(x)` must have shape (..., n_out, d); got {output.shape}"
            )
        return output

    before = run(start)
    if not np.isfinite(before).all():
        raise ValueError("`model(x)` must be finite; got NaN or infinity")
    if _moved(before, run(start)).any():
        raise ValueError(
            "`model` must return the same for the same input; it did not (turn off "
            "dropout: `.eval()` in PyTorch)"
        )
    depends = np.zeros((before.shape[-2], start.shape[-1 if tokens else -2]), bool)
    rng = np.random.default_rng(seed)
    known = np.unique(start) if vocabulary is None else np.arange(vocabulary)
    for j in range(depends.shape[1]):
        place = (..., j) if tokens else (..., j, slice(None))
        for i in range(edits):
            edited = start.copy()
            edited[place] = _other(rng, start[place], i, known if tokens else None)
            depends[:, j] |= _moved(before, run(edited))
    if vjp is not None:
        output, back = vjp(start.copy())
        depends |= _by_gradients(rng, np.shape(output), lambda d: back(d)[0])
    elif not tokens and hasattr(x, "requires_grad_"):
        depends |= _by_torch(rng, model, x)
    return depends


def _other(
    rng: np.random.Generator, old: NDArray, i: int, known: NDArray | None
) -> Any:  # noqa: ANN401
    """Return something else in place of some tokens or vectors."""
    if known is None:
        noise = rng.standard_normal(old.shape) * SIZES[i % len(SIZES)]
        return old + noise * (np.abs(old).max(initial=0) or 1)
    if len(known) < 2:
        raise ValueError(
            "`vocabulary` must be given and at least 2: x has one token only, and "
            "nothing to replace it by"
        )
    step = rng.integers(1, len(known), size=old.shape)  # never back to the same
    return known[(np.searchsorted(known, old) + step) % len(known)]


def _moved(before: Floats, after: Floats) -> Booleans:
    """Return which outputs differ by more than rounding, shape (n_out,)."""
    if after.shape != before.shape:
        raise ValueError(
            f"`model` must return one shape for inputs of one shape; got "
            f"{before.shape} and {after.shape}"
        )
    rounding = 100 * np.finfo(before.dtype).eps * np.abs(before).max(initial=0)
    same = np.abs(after - before) <= rounding  # False for NaN
    return ~same.all(axis=(*range(before.ndim - 2), -1))


def _by_gradients(
    rng: np.random.Generator, shape: tuple[int, ...], gradient: Callable
) -> Booleans:
    """Ask for one output at a time which inputs have a gradient."""
    rows = []
    for i in range(shape[-2]):
        d_output = np.zeros(shape)
        d_output[..., i, :] = rng.standard_normal((*shape[:-2], shape[-1]))
        d_x = np.abs(_plain("gradient", gradient(d_output)))
        # A gradient that is NaN is no proof that an output is independent.
        small = 100 * np.finfo(d_x.dtype).eps * np.nan_to_num(d_x).max(initial=0)
        rows.append(~(d_x <= small).all(axis=(*range(d_x.ndim - 2), -1)))
    return np.array(rows)


def _by_torch(rng: np.random.Generator, model: Callable, x: Any) -> Booleans | bool:  # noqa: ANN401
    """Ask PyTorch for the gradients, if it kept track of them."""
    leaf = x.detach().clone().requires_grad_()
    output = model(leaf)
    if not output.requires_grad:
        return False

    def gradient(d_output: Floats) -> NDArray:
        leaf.grad = None
        (output * output.new_tensor(d_output)).sum().backward(retain_graph=True)
        return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad

    return _by_gradients(rng, tuple(output.shape), gradient)


def _plain(name: str, x: Any) -> NDArray:  # noqa: ANN401
    """Return an array or a tensor as an array of its own."""
    if isinstance(x, tuple | dict):
        raise TypeError(
            f"`{name}` must be one array or tensor; got a {type(x).__name__} (wrap the "
            "model: `lambda x: model(x)[0]`)"
        )
    x = x.detach().cpu().numpy() if hasattr(x, "detach") else x
    array = np.array(as_array(name, x))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"`{name}` must hold numbers; got dtype {array.dtype}")
    return array


def _as(x: Any, array: NDArray) -> Any:  # noqa: ANN401
    """Return a copy of an array as what x is: an array or a tensor."""
    return x.new_tensor(array) if hasattr(x, "new_tensor") else array.copy()
