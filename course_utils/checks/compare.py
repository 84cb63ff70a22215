"""Compare what came with what was expected.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import numpy as np

# What may differ: more where one side has only the digits of a float32.
TOLERANCE = {"f4": (1e-4, 1e-5), "f8": (1e-5, 1e-7)}  # relative, absolute
KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}  # of dtype, which stand for which


def difference(
    yours: np.ndarray, expected: np.ndarray, keeps_dtype: bool
) -> str | None:
    """Say in which way an array is not the one that was expected.

    - `yours`: what came.
    - `expected`: what was expected.
    - `keeps_dtype`: whether the dtype must be that of what was expected.

    Returns None if they agree.
    """
    kind = _of_kind(yours, expected, keeps_dtype)
    return kind or (None if alike(yours, expected) else _of_numbers(yours, expected))


def agrees(yours: np.ndarray, expected: np.ndarray, keeps_dtype: bool) -> bool:
    """Return whether there is no `difference`: quicker than to say which."""
    return (
        yours.shape == expected.shape
        and yours.dtype.kind in KINDS[expected.dtype.kind]
        and (yours.dtype == expected.dtype or not keeps_dtype)
        and not (yours.size and _is_far(yours.item(0), expected.item(0)))
        and alike(yours, expected)
    )


def _is_far(yours: float, expected: float) -> bool:
    """Whether two numbers differ by much more than the tolerance."""
    return abs(yours - expected) > 0.01 * (1 + abs(expected))


def _of_kind(yours: np.ndarray, expected: np.ndarray, keeps_dtype: bool) -> str | None:
    if yours.shape != expected.shape:
        return f"the shape is {yours.shape}, expected {expected.shape}"
    if yours.dtype.kind not in KINDS[expected.dtype.kind]:
        names = {"b": "True and False (bool)", "f": "numbers (float)"}
        wanted = names.get(expected.dtype.kind, "whole numbers (int)")
        return f"the dtype is {yours.dtype}, expected are {wanted}"
    if keeps_dtype and yours.dtype != expected.dtype:
        return f"the dtype is {yours.dtype}, expected {expected.dtype}, as it came in"
    if np.isnan(yours).any() and not np.isnan(expected).any():
        return "the result holds nan"
    return None


def _of_numbers(yours: np.ndarray, expected: np.ndarray) -> str:
    if expected.dtype.kind == "b":
        wrong = np.sum(yours != expected)
        is_ = "is" if wrong == 1 else "are"
        return f"{wrong} of {yours.size} entries {is_} wrong"
    if expected.ndim == 0 and expected.dtype.kind in "iu":
        return f"it returns {yours}, expected {expected}"
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(yours.astype(float) - expected))
    return f"the numbers differ, by up to {gap:.3g}"


def alike(yours: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays of one shape agree; infinities and nan in the same places."""
    if yours.dtype == expected.dtype and yours.tobytes() == expected.tobytes():
        return True
    return bool(near(yours, expected).all())


def near(yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return where two arrays of one shape agree, number by number."""
    coarse = _is_coarse(yours) or _is_coarse(expected)
    relative, absolute = TOLERANCE["f4" if coarse else "f8"]
    yours, expected = np.asarray(yours, float), np.asarray(expected, float)
    with np.errstate(all="ignore"):
        close = np.abs(yours - expected) <= absolute + relative * np.abs(expected)
    finite = np.isfinite(expected)
    if finite.all():
        return close
    same = (yours == expected) | (np.isnan(yours) & np.isnan(expected))
    return (close & finite) | same


def _is_coarse(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.itemsize < 8
