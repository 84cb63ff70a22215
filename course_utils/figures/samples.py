"""Measurements and the curves through them: values that are mixed at every place."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from course_utils._numbers import number
from course_utils.figures.marks import ruled
from course_utils.figures.svg import (
    BOTTOM,
    TOP,
    Mark,
    element,
    joined,
    line,
    text,
    titled,
)

LOOKS = (
    {"class": "blue-line", "stroke-dasharray": "none"},
    {"class": "grey-line", "stroke-dasharray": "2 3"},
)
WIDE = 380
DOT = {"class": "vermilion", "fill-opacity": 0.65}


def samples(
    key: ArrayLike,
    value: ArrayLike,
    weights: ArrayLike,
    *,
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    at: float,
    title: str,
    axes: tuple[str, str],
    xticks: Sequence[float],
) -> Mark:
    """Draw values over their 1-D keys as dots, as large as their weights, and curves.

    Ruled lines mark the lowest and the highest value, between which every blend lies.

    - `key`: where the values lie, shape (n_k,).
    - `value`: the values, shape (n_k,).
    - `weights`: what a query at `at` gives each, from 0 to 1, shape (n_k,): the area
      of its dot.
    - `x`: where the curves are known, shape (n,), rising.
    - `lines`: one or two curves by name, each of shape (n,). The first is solid, and
      has a dot at `at`.
    - `at`: the place of the query.
    - `title`: what the mark shows.
    - `axes`: the names of the horizontal and the vertical axis, with units.
    - `xticks`: the numbers on the horizontal axis; the first and last bound it. The
      vertical axis spans the values and the second curve, so that it stays as the
      first one moves.

    Raises ValueError if the shapes do not fit each other, a number is not finite, a
    weight is not from 0 to 1, or there are not one or two curves.
    """
    key, value = _finite("key", key, None), _finite("value", value, key)
    weights, x = _finite("weights", weights, key), _finite("x", x, None)
    if not np.all((weights >= 0) & (weights <= 1 + 1e-6)):
        raise ValueError(f"weights must hold numbers from 0 to 1; got {weights}")
    if not 1 <= len(lines) <= len(LOOKS):
        raise ValueError(f"samples must be given 1 or 2 lines; got {len(lines)}")
    known = {name: _finite(f"the curve {name!r}", y, x) for name, y in lines.items()}
    fixed = np.concatenate([value, *list(known.values())[1:]])
    yticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(fixed.min(), fixed.max())
    corner = np.array([xticks[0], yticks[0]])
    extent = np.array([xticks[-1], yticks[-1]]) - corner
    left, right = 52, WIDE - 60

    def place(points: ArrayLike) -> NDArray[np.floating]:
        share = (np.asarray(points) - corner) / extent
        return [left, BOTTOM] + share * [right - left, TOP - BOTTOM]

    g = titled(title)
    ruled(g, place, xticks, yticks, axes)
    for name, bound in (("lowest", value.min()), ("highest", value.max())):
        ends = place([[xticks[0], bound], [xticks[-1], bound]])
        line(g, *ends, "vermilion-line")
        text(g, right + 6, ends[1, 1] - 3, name, "quiet")
        text(g, right + 6, ends[1, 1] + 13, number(bound, 0), "quiet")
    line(g, *place([[at, yticks[0]], [at, yticks[-1]]]), "ring")
    text(g, place([at, 0])[0] + 6, TOP + 13, "query")
    curves = [
        (name, place(np.stack([x, y], 1)), {"stroke-width": 2} | look)
        for (name, y), look in zip(known.items(), LOOKS, strict=False)
    ]
    for _, points, look in curves[1:]:
        element("polyline", look | {"points": joined(points)}, g)
    for spot, weight in zip(place(np.stack([key, value], 1)), weights, strict=True):
        dot = {"cx": spot[0], "cy": spot[1], "r": 3 + 15 * np.sqrt(weight)}
        element("circle", dot | DOT, g)
    element("polyline", curves[0][2] | {"points": joined(curves[0][1])}, g)
    for i, (name, _, look) in enumerate(curves):
        sample = [[94 * i, 31], [94 * i + 18, 31]]
        element("polyline", look | {"points": joined(sample)}, g)
        text(g, 94 * i + 24, 36, name)
    element("circle", {"cx": 212, "cy": 31, "r": 6} | DOT, g)
    text(g, 224, 36, "values, area = weight")
    first, *_ = known.values()
    now = float(np.interp(at, x, first))
    spot = place([at, now])
    element("circle", {"cx": spot[0], "cy": spot[1], "r": 5, "class": "blue"}, g)
    most = int(np.argmax(weights))
    words = (
        f"{title}, at {at:.3g}: {next(iter(known))} {number(now, 0)}, most weight "
        f"({number(weights[most])}) for the value {number(value[most], 0)} at "
        f"{key[most]:.3g}; all values lie from {number(value.min(), 0)} to "
        f"{number(value.max(), 0)}."
    )
    return Mark(g, words, WIDE)


def _finite(
    name: str, x: ArrayLike, like: NDArray[np.floating] | None
) -> NDArray[np.floating]:
    """Return finite numbers in a row, as many as in another if there is one."""
    array = np.asarray(x, dtype=float)
    if array.ndim != 1 or (like is not None and array.shape != like.shape):
        needed = "(n,)" if like is None else like.shape
        raise ValueError(f"{name} must have shape {needed}; got shape {array.shape}")
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"{name} must hold finite numbers; got {array[wrong][0]}")
    return array
