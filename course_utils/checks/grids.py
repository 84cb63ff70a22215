"""A wrong case as a picture: what was expected, what came, and the difference."""

from dataclasses import dataclass

import numpy as np

from course_utils.checks.asking import Case
from course_utils.figures.svg import number

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

    The difference is there if the shapes agree. Of a large array the part about the
    largest difference is shown, of one with more than two axes one matrix.
    """
    arrays = {"expected": np.asarray(case.expected)}
    if case.yours is not None:
        arrays["yours"] = case.yours
    same = case.yours is not None and case.yours.shape == case.expected.shape
    if same:
        arrays["difference"] = _difference(case)
    worst = _worst(arrays["difference"]) if same and case.yours.size else None
    finite = [np.abs(x[np.isfinite(x)]).max(initial=0) for x in arrays.values()]
    scales = [max(finite[:2])] * 2 + finite[2:]
    return [
        _grid(name, array, worst, scale)
        for (name, array), scale in zip(arrays.items(), scales, strict=False)
    ]


def _difference(case: Case) -> np.ndarray:
    if case.expected.dtype.kind == case.yours.dtype.kind == "b":
        return case.yours != case.expected
    with np.errstate(all="ignore"):
        return case.yours.astype(float) - case.expected.astype(float)


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
    return number(x) if 0.005 <= abs(x) < 1e4 else f"{x:.1e}"
