"""How functions read their arguments, and the words in which they refuse them."""

from collections.abc import Callable
from functools import cache, lru_cache
from operator import index

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Floats = NDArray[np.floating]
# What sends the gradient of an output back: a tuple, an entry for each input.
Back = Callable[..., tuple]
FLOATS = (np.float16, np.float32, np.float64)
NATIVE = {np.dtype(np.float32), np.dtype(np.float64)}


def read(pattern: str, **arrays: ArrayLike | None) -> list[NDArray[np.floating] | None]:
    """Return arrays of real numbers in one dtype, once their shapes fit a pattern.

    - `pattern`: the axes of each array in words, in the order of the arrays and with
      commas between them: "... n_k d_v" is one row for each key. Axes of one name must
      have one size. Leading axes that stand as "..." must broadcast; those that stand
      as a word with dots, such as "models...", must be the same.
    - `arrays`: by the names that messages call them. Those in brackets, "[d]", may be
      None, and stay None.

    The dtype is the widest that came, and float32 or float64: float16 is computed in
    float32, and integers and booleans in float64. A result may be the very array that
    came, so nothing may be written to it.

    Raises TypeError if an array holds anything but real numbers, and ValueError if
    shapes do not fit.

    >>> weights, value = read("... n_q n_k, ... n_k d_v", weights=[[1]], value=[[2, 3]])
    >>> value
    array([[2., 3.]])
    >>> read("... n_q d, ... n_k d", query=np.ones((2, 3)), key=np.ones((5, 4)))
    Traceback (most recent call last):
    ValueError: `query` (..., n_q, d) and `key` (..., n_k, d) must have the same d; \
got shapes (2, 3) and (5, 4)
    """
    floats = [
        None if x is None and may_be_none else as_float(name, x)
        for (name, x), (*_, may_be_none) in zip(
            arrays.items(), _axes(pattern), strict=True
        )
    ]
    shapes = tuple(None if x is None else x.shape for x in floats)
    check_shapes(pattern, tuple(arrays), shapes)
    dtypes = {x.dtype for x in floats if x is not None}
    if len(dtypes) == 1 and dtypes <= NATIVE:
        return floats
    dtype = np.result_type(np.float32, *dtypes)
    return [x if x is None else x.astype(dtype, copy=False) for x in floats]


def read_along(axis: int, **array: ArrayLike) -> tuple[Floats, int]:
    """Return one array of real numbers, and one of its axes counted from 0.

    >>> read_along(2, scores=[[1, 2], [3, 4]])
    Traceback (most recent call last):
    ValueError: `axis` must be one of the 2 axes of `scores`, whose shape is (2, 2); \
got 2
    """
    (name,), (x,) = array, read("...", **array)
    number = check_integer("axis", axis)
    if x.ndim == 0:
        raise ValueError(f"`{name}` must have at least one axis; got shape ()")
    if not -x.ndim <= number < x.ndim:
        raise ValueError(
            f"`axis` must be one of the {x.ndim} axes of `{name}`, whose shape is "
            f"{x.shape}; got {number}"
        )
    return x, number % x.ndim


@lru_cache(maxsize=4096)  # training asks about the same shapes thousands of times
def check_shapes(
    pattern: str, names: tuple[str, ...], shapes: tuple[tuple[int, ...] | None, ...]
) -> None:
    """Check that shapes fit a pattern, as `read` describes it; None stands for none."""
    first: dict[str, tuple] = {}
    leading = {}
    for name, shape, (named, opener, _) in zip(
        names, shapes, _axes(pattern), strict=True
    ):
        if shape is None:
            continue
        one = (name, shape, named, opener)
        count = len(shape) - len(named)
        if count < 0 or (count > 0 and not opener):
            raise ValueError(
                f"`{name}` must have shape {_shape(named, opener)}; got {shape}"
            )
        sizes = list(zip(named, shape[count:], strict=True))
        if opener == "...":
            leading[name] = shape[:count]
        elif opener:
            sizes.append((opener, shape[:count]))
        for axis, size in sizes:
            other, same = first.setdefault(axis, (one, size))
            if size != same:
                raise ValueError(_unequal(axis, other, one))
    try:
        np.broadcast_shapes(*leading.values())
    except ValueError:
        listed = ", ".join(
            f"`{x}` {shape}"
            for x, shape in zip(names, shapes, strict=True)
            if x in leading
        )
        raise ValueError(f"leading axes (...) must broadcast; got {listed}") from None


@cache
def _axes(pattern: str) -> list[tuple[list[str], str, bool]]:
    """Return for each array its axes, the word before them, and whether it may miss."""
    found = []
    for part in pattern.split(","):
        axes = part.strip(" []").split()
        opener = axes.pop(0) if axes[0].endswith("...") else ""
        found.append((axes, opener, "[" in part))
    return found


def _unequal(axis: str, *pair: tuple) -> str:
    """Say that two arrays differ in the size of an axis."""
    wanted = " and ".join(f"`{name}` {_shape(*axes)}" for name, _, *axes in pair)
    came = " and ".join(str(shape) for _, shape, *_ in pair)
    same = "leading axes" if axis.endswith("...") else axis
    return f"{wanted} must have the same {same}; got shapes {came}"


def _shape(named: list[str], opener: str) -> str:
    """Write axes as NumPy writes a shape."""
    axes = ["...", *named] if opener else named
    return f"({', '.join(axes)}{',' * (len(axes) == 1)})"


def as_array(name: str, x: ArrayLike) -> NDArray:
    """Return `x` as an array, or say which argument cannot be one.

    A masked array would lose its mask on the way, and what it hides would count.
    """
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(
            f"`{name}` must be a plain array; got a masked one: `{name}.filled(...)` "
            "says what stands where it is masked, and a function that takes a mask "
            "takes it as an argument of its own"
        )
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        message = f"`{name}` must be an array of numbers: {error}"
        raise type(error)(message) from error


def as_float(name: str, x: ArrayLike) -> NDArray[np.floating]:
    """Return `x` in its own floating dtype; integers and booleans become float64.

    The result may be `x` itself, so nothing may be written to it.

    >>> as_float("query", ["a"])
    Traceback (most recent call last):
    TypeError: `query` must hold real numbers (float16, float32, float64, integers or \
booleans); got dtype <U1
    """
    if x is None:
        raise TypeError(f"`{name}` must be an array of numbers; got None")
    array = as_array(name, x)
    if array.dtype in NATIVE:
        return array
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.type not in FLOATS:
        raise TypeError(
            f"`{name}` must hold real numbers (float16, float32, float64, integers or "
            f"booleans); got dtype {array.dtype}"
        )
    # Foreign byte orders are brought home: matrix products are slow in them.
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_boolean(name: str, x: ArrayLike) -> NDArray[np.bool_]:
    """Return `x` as a boolean array; any other dtype is a TypeError.

    Zeros and ones are refused: 0 may mean "hidden" or "add nothing".
    """
    array = as_array(name, x)
    if array.dtype != np.bool_:
        raise TypeError(
            f"`{name}` must hold booleans (True = may attend); got dtype {array.dtype}"
        )
    return array


def as_indices(
    name: str, x: ArrayLike, least: int, end: int, shape: tuple[int, ...] | None = None
) -> NDArray[np.integer]:
    """Return `x` as integers from `least` to `end` − 1, of a shape if one is given.

    >>> as_indices("tokens", [0, 5], 0, 5)
    Traceback (most recent call last):
    ValueError: `tokens` must be from 0 to 4; got 5
    """
    array = as_array(name, x)
    # An empty list has no integers to tell its dtype by.
    if array.dtype.kind not in "iu" and array.size > 0:
        raise TypeError(f"`{name}` must hold integers; got dtype {array.dtype}")
    wrong = (array < least) | (array >= end)
    if wrong.any():
        raise ValueError(
            f"`{name}` must be from {least} to {end - 1}; got {array[wrong].flat[0]}"
        )
    if shape is not None:
        check_shape(name, array, shape)
    return array.astype(np.int64, copy=False)


def read_scale(scale: float | None, query: Floats) -> float:
    """Return the scale, 1/√d_k by default, as a float that keeps float32 what it is."""
    if scale is not None:
        return check_number("scale", scale, query.dtype)
    if query.shape[-1] == 0:
        raise ValueError(f"`query` must have a d_k of at least 1; got {query.shape}")
    return query.shape[-1] ** -0.5


def read_mask(attn_mask: ArrayLike, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
    """Return the mask as booleans, or as floats of the dtype of the scores."""
    mask = as_array("attn_mask", attn_mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(
            "`attn_mask` must hold booleans (True = may attend) or floats (added to "
            f"the scores); got dtype {mask.dtype}"
        )
    if mask.dtype.kind == "f":
        # What is too low for float32 means −inf there.
        with np.errstate(over="ignore"):
            mask = as_float("attn_mask", mask).astype(dtype, copy=False)
    check_broadcasts_to("attn_mask", mask, shape)
    return mask


def check_shape(name: str, x: NDArray, shape: tuple[int, ...]) -> None:
    """Check that `x` has this shape."""
    if x.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}; got {x.shape}")


def check_broadcasts_to(name: str, x: NDArray, shape: tuple[int, ...]) -> None:
    """Check that `x` broadcasts to `shape` and does not make it larger."""
    try:
        if np.broadcast_shapes(x.shape, shape) == shape:
            return
    except ValueError:
        pass
    raise ValueError(
        f"`{name}` must have a shape that broadcasts to {shape}; got {x.shape}"
    )


def check_integer(name: str, value: int, least: int | None = None) -> int:
    """Return `value` as an int, which may not be smaller than `least`.

    >>> check_integer("num_heads", 0, least=1)
    Traceback (most recent call last):
    ValueError: `num_heads` must be at least 1; got 0
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be an integer; got {value}")
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer; got {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"`{name}` must be at least {least}; got {number}")
    return number


def check_divides(name: str, value: int, whole: str, number: int) -> int:
    """Return `value` as an int of at least 1 that divides `number`, called `whole`.

    >>> check_divides("num_heads", 3, "d_model", 8)
    Traceback (most recent call last):
    ValueError: `num_heads` must divide d_model = 8; got 3
    """
    if number % check_integer(name, value, least=1):
        raise ValueError(f"`{name}` must divide {whole} = {number}; got {value}")
    return int(value)


def check_number(name: str, value: float, dtype: DTypeLike = np.float64) -> float:
    """Return `value` as a Python float, which promotes no array; finite in `dtype`.

    >>> check_number("scale", 1e60, np.float32)
    Traceback (most recent call last):
    ValueError: `scale` must be finite in float32; got 1e+60
    """
    array = as_array(name, value)
    if array.ndim != 0 or array.dtype.kind not in "iuf":
        raise TypeError(f"`{name}` must be one real number; got {value!r}")
    if not np.isfinite(_rounded(array, dtype)):
        raise ValueError(f"`{name}` must be finite{_in(dtype)}; got {value!r}")
    return float(array)


def check_positive(name: str, value: float, dtype: DTypeLike = np.float64) -> float:
    """Return `value` as a Python float, which must be finite and above 0 in `dtype`.

    >>> check_positive("temperature", 0.0)
    Traceback (most recent call last):
    ValueError: `temperature` must be greater than 0; got 0.0
    """
    number = check_number(name, value, dtype)
    if _rounded(number, dtype) <= 0:
        raise ValueError(f"`{name}` must be greater than 0{_in(dtype)}; got {value!r}")
    return number


def check_flag(name: str, value: bool) -> bool:
    """Return `value`, which must be True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False; got {value!r}")
    return bool(value)


def check_rng(name: str, rng: np.random.Generator) -> np.random.Generator:
    """Return `rng`, which must be a `numpy.random.Generator`."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"`{name}` must be a generator, such as numpy.random.default_rng(0); "
            f"got {rng!r}"
        )
    return rng


def _rounded(number: ArrayLike, dtype: DTypeLike) -> NDArray[np.floating]:
    """Return the number in a dtype that may be too small for it, without a warning."""
    with np.errstate(over="ignore"):
        return np.asarray(number).astype(dtype)


def _in(dtype: DTypeLike) -> str:
    """Return the words that name a dtype other than that of Python's floats."""
    return "" if np.dtype(dtype) == np.float64 else f" in {np.dtype(dtype)}"
