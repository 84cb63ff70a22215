"""A wrong case as a picture: what was expected, what came, and the difference."""

from dataclasses import dataclass

import numpy as np

from course_utils._numbers import number
from course_utils.checks.asking import Case
from course_utils.checks.compare import near

MOST = 8  # rows and columns that are shown


@dataclass(frozen=True)
class Cell:
    """One number, and how strongly it is shaded, from 0 to 1."""

    text: str
    shade: float


@dataclass(frozen=True)
class Grid:
    """One array as rows of cells, with a title, a note and what kind it is."""

    title: str
    note: str
    kind: str  # "value" or "gap"
    rows: list[list[Cell]]


def grids(case: Case) -> list[Grid]:
    """Return grids of what was expected, of what came, and of their difference.

    - `case`: the case that went wrong.

    Where an argument was changed, it is shown before and after instead. The difference
    is there if the shapes agree, but not of two single whole numbers, which stand for
    faults. Of a large array the part about the largest difference is shown, of one with
    more than two axes one matrix.
    """
    names, was, now = ("expected", "yours"), np.asarray(case.expected), case.yours
    if case.changed is not None:
        name, now = case.changed
        names, was = (f"{name} before", f"{name} after"), case.arguments[name]
    arrays = {names[0]: was} | ({} if now is None else {names[1]: now})
    same = now is not None and now.shape == was.shape
    if same and (was.ndim or was.dtype.kind not in "iu"):
        arrays["difference"] = _difference(was, now)
    has_worst = "difference" in arrays and now.size
    worst = _worst(arrays["difference"]) if has_worst else None
    finite = [np.abs(x[np.isfinite(x)]).max(initial=0) for x in arrays.values()]
    scales = [max(finite[:2])] * 2 + finite[2:]
    return [
        _grid(name, array, worst, scale)
        for (name, array), scale in zip(arrays.items(), scales, strict=False)
    ]


def _difference(was: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return what differs; what only rounding makes differ is 0."""
    if was.dtype.kind == now.dtype.kind == "b":
        return now != was
    with np.errstate(all="ignore"):
        return np.where(near(now, was), 0.0, now.astype(float) - was.astype(float))


def _worst(difference: np.ndarray) -> tuple[int, ...]:
    """Return the position of the largest difference; nan counts as the largest."""
    size = np.nan_to_num(np.abs(difference), nan=np.inf)
    return tuple(int(i) for i in np.unravel_index(np.argmax(size), size.shape))


def _grid(
    title: str, array: np.ndarray, worst: tuple[int, ...] | None, scale: float
) -> Grid:
    at = worst or (0,) * array.ndim
    leading = at[: max(array.ndim - 2, 0)]
    flat = np.atleast_2d(array[leading]) if array.size else array.reshape(0, 0)
    ends = ((0,) * 2 + at)[-2:]
    rows, columns = (_window(i, n) for i, n in zip(ends, flat.shape, strict=True))
    part = flat[rows, columns]
    notes = [f"shape {array.shape}"]
    if leading:
        notes.append(f"[{', '.join(map(str, leading))}] of it")
    if part.shape != flat.shape:
        notes.append(f"from row {rows.start}, column {columns.start}")
    kind = "gap" if title == "difference" else "value"
    cells = [[_cell(x, scale) for x in row] for row in part]
    if kind == "gap" and part.dtype.kind == "b":
        cells = [[Cell("≠" if x else "=", 0.6 * x) for x in row] for row in part]
    return Grid(title, ", ".join(notes), kind, cells)


def _window(i: int, n: int) -> slice:
    start = min(max(0, i - MOST // 2), max(0, n - MOST))
    return slice(start, min(n, start + MOST))


def _cell(x: np.generic, scale: float) -> Cell:
    if x.dtype.kind == "b" or not np.isfinite(x):
        return Cell(str(x), 0.6 if x else 0.0)
    if x == 0:
        return Cell("0", 0.0)
    text = str(x) if x.dtype.kind == "i" else _decimal(float(x))
    return Cell(text.replace("-", "−"), 0.08 + 0.5 * min(1.0, abs(float(x)) / scale))


def _decimal(x: float) -> str:
    if 100 <= abs(x) < 1e9 and x == round(x):
        return str(round(x))  # a count, which decimals or powers of ten would hide
    return number(x) if 0.005 <= abs(x) < 1e4 else f"{x:.1e}"
