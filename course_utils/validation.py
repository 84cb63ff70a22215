"""The checks that every function makes of its arguments, and the words they fail with.

Each check takes the name of the argument first or as a keyword, so that the message
says which argument is wrong, what came and what is needed.
"""

from operator import index

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FLOATS = (np.float16, np.float32, np.float64)


def as_array(name: str, x: ArrayLike) -> NDArray:
    """Return `x` as an array, or say which argument cannot be one."""
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        message = f"{name} needs to be an array of numbers: {error}"
        raise type(error)(message) from error


def as_float(name: str, x: ArrayLike) -> NDArray[np.floating]:
    """Return `x` in its own floating dtype; integers and booleans become float64.

    A complex, object, string or other array is a TypeError. The result may be `x`
    itself, so nothing may be written to it.

    >>> as_float("query", [1, 2]).dtype
    dtype('float64')
    >>> as_float("query", ["a"])
    Traceback (most recent call last):
    TypeError: query needs real numbers (float16, float32, float64, integers or \
booleans); its dtype is <U1
    """
    array = as_array(name, x)
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.type not in FLOATS:
        raise TypeError(
            f"{name} needs real numbers (float16, float32, float64, integers or "
            f"booleans); its dtype is {array.dtype}"
        )
    # Foreign byte orders are brought home: matrix products are slow in them.
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_floats(**arrays: ArrayLike) -> tuple[list[NDArray[np.floating]], np.dtype]:
    """Return the arrays in the one dtype to compute in, and the dtype of the result.

    The two differ for float16 alone, which is computed in float32. The function that
    calls this ends with `.astype(dtype, copy=False)`.

    >>> (query, key), dtype = as_floats(query=np.float16([1.0]), key=np.float16([2.0]))
    >>> query.dtype, key.dtype, dtype
    (dtype('float32'), dtype('float32'), dtype('float16'))
    """
    floats = [as_float(name, x) for name, x in arrays.items()]
    dtype = np.result_type(*floats)
    working = np.result_type(dtype, np.float32)
    return [x.astype(working, copy=False) for x in floats], dtype


def as_boolean(name: str, x: ArrayLike) -> NDArray[np.bool_]:
    """Return `x` as a boolean array; any other dtype is a TypeError.

    Zeros and ones are refused: 0 may mean "hidden" or "add nothing".
    """
    array = as_array(name, x)
    if array.dtype != np.bool_:
        raise TypeError(
            f"{name} needs booleans (True = may attend); its dtype is {array.dtype}"
        )
    return array


def check_axes(name: str, x: NDArray, axes: str) -> None:
    """Check that `x` has the axes that `axes` lists, such as "(..., n_q, d_k)".

    Leading dots allow any number of axes before the ones that are listed.

    >>> check_axes("query", np.ones(3), "(..., n_q, d_k)")
    Traceback (most recent call last):
    ValueError: query needs the shape (..., n_q, d_k); its shape is (3,)
    """
    names = [part for part in axes.strip("()").replace(" ", "").split(",") if part]
    needed = len(names) - ("..." in names)
    if x.ndim < needed or (x.ndim > needed and "..." not in names):
        raise ValueError(f"{name} needs the shape {axes}; its shape is {x.shape}")


def check_shape(name: str, x: NDArray, shape: tuple[int, ...], why: str) -> None:
    """Check that `x` has this shape; `why` says where the shape comes from."""
    if x.shape != shape:
        raise ValueError(f"{name} needs the shape {shape}, {why}; it is {x.shape}")


def check_same_size(axis: int, meaning: str, **arrays: NDArray) -> None:
    """Check that two arrays agree in the size of one axis.

    >>> check_same_size(-1, "d_k", query=np.ones((2, 3)), key=np.ones((5, 4)))
    Traceback (most recent call last):
    ValueError: query and key need the same d_k (axis -1): query has shape (2, 3), \
key has shape (5, 4)
    """
    (one, x), (other, y) = arrays.items()
    if x.shape[axis] != y.shape[axis]:
        raise ValueError(
            f"{one} and {other} need the same {meaning} (axis {axis}): "
            f"{one} has shape {x.shape}, {other} has shape {y.shape}"
        )


def broadcast_leading(trailing: int = 2, **arrays: NDArray) -> tuple[int, ...]:
    """Return the common shape of all axes but the last few, which must broadcast.

    >>> broadcast_leading(query=np.ones((8, 1, 2, 3)), key=np.ones((4, 5, 3)))
    (8, 4)
    """
    try:
        return np.broadcast_shapes(*(x.shape[:-trailing] for x in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} has shape {x.shape}" for name, x in arrays.items())
        raise ValueError(
            f"{' and '.join(arrays)} need leading axes (all but the last {trailing}) "
            f"that broadcast: {shapes}"
        ) from None


def check_broadcasts_to(name: str, x: NDArray, shape: tuple[int, ...]) -> None:
    """Check that `x` broadcasts to `shape` and does not make it larger."""
    try:
        if np.broadcast_shapes(x.shape, shape) == shape:
            return
    except ValueError:
        pass
    raise ValueError(
        f"{name} needs a shape that broadcasts to {shape}; its shape is {x.shape}"
    )


def check_integer(name: str, value: int, least: int | None = None) -> int:
    """Return `value` as an int, which may not be smaller than `least`.

    >>> check_integer("num_heads", 0, least=1)
    Traceback (most recent call last):
    ValueError: num_heads needs to be at least 1; it is 0
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} needs an integer; it is {value}")
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} needs an integer; it is {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"{name} needs to be at least {least}; it is {number}")
    return number


def check_number(name: str, value: float, dtype: DTypeLike = np.float64) -> float:
    """Return `value` as a Python float, which promotes no array; finite in `dtype`.

    >>> check_number("scale", 1e60, np.float32)
    Traceback (most recent call last):
    ValueError: scale needs to be finite in float32; it is 1e+60
    """
    array = as_array(name, value)
    if array.ndim != 0 or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} needs one real number; it is {value!r}")
    if not np.isfinite(_rounded(array, dtype)):
        raise ValueError(f"{name} needs to be finite{_in(dtype)}; it is {value!r}")
    return float(array)


def check_positive(name: str, value: float, dtype: DTypeLike = np.float64) -> float:
    """Return `value` as a Python float, which must be finite and above 0 in `dtype`.

    >>> check_positive("temperature", 0.0)
    Traceback (most recent call last):
    ValueError: temperature needs to be greater than 0; it is 0.0
    """
    number = check_number(name, value, dtype)
    if _rounded(number, dtype) <= 0:
        raise ValueError(
            f"{name} needs to be greater than 0{_in(dtype)}; it is {value!r}"
        )
    return number


def check_flag(name: str, value: bool) -> bool:
    """Return `value`, which must be True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} needs to be True or False; it is {value!r}")
    return bool(value)


def check_axis(axis: int, x: NDArray, name: str = "x") -> int:
    """Return `axis` as one of the axes of `x`, counted from 0.

    >>> check_axis(2, np.ones((3, 4)), "scores")
    Traceback (most recent call last):
    ValueError: axis needs to be one of the 2 axes of scores, whose shape is (3, 4); \
it is 2
    """
    number = check_integer("axis", axis)
    if x.ndim == 0:
        raise ValueError(f"{name} needs at least one axis; its shape is ()")
    if not -x.ndim <= number < x.ndim:
        raise ValueError(
            f"axis needs to be one of the {x.ndim} axes of {name}, whose shape is "
            f"{x.shape}; it is {number}"
        )
    return number % x.ndim


def check_rng(name: str, rng: np.random.Generator) -> np.random.Generator:
    """Return `rng`, which must be a `numpy.random.Generator`."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name} needs a generator, such as numpy.random.default_rng(0); "
            f"it is {rng!r}"
        )
    return rng


def _rounded(number: ArrayLike, dtype: DTypeLike) -> NDArray[np.floating]:
    """Return the number in a dtype that may be too small for it, without a warning."""
    with np.errstate(over="ignore"):
        return np.asarray(number).astype(dtype)


def _in(dtype: DTypeLike) -> str:
    """Return the words that name a dtype other than that of Python's floats."""
    return "" if np.dtype(dtype) == np.float64 else f" in {np.dtype(dtype)}"
