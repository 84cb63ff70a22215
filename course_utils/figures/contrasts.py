"""Marks that set two or three ways of doing a thing beside each other."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._numbers import number
from course_utils.figures.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    WIDTH,
    Mark,
    element,
    line,
    text,
    titled,
)

COLOURS = ("blue", "vermilion", "grey")


def strips(
    groups: Mapping[str, ArrayLike],
    *,
    title: str,
    axis: str,
    ticks: Sequence[float],
) -> Mark:
    """Draw groups of numbers as dots on lines, one below the other, on one scale.

    - `groups`: one to three groups of numbers by name, each of shape (n,).
    - `title`: what the mark shows.
    - `axis`: the name of the horizontal axis.
    - `ticks`: the numbers on the axis, rising; the first and last bound it. A number
      beyond them is drawn at the edge.

    Raises ValueError if there are not one to three groups, or a group is empty or has
    a number that is not finite.
    """
    known = _groups("strips", groups)
    g = titled(title, "one dot for each number")
    low, high = float(ticks[0]), float(ticks[-1])
    left, right = 16, WIDTH - 16

    def place(x: ArrayLike) -> NDArray[np.floating]:
        share = (np.clip(x, low, high) - low) / (high - low)
        return left + share * (right - left)

    for tick in ticks:
        x = place(tick)
        line(g, [x, TOP], [x, BOTTOM], "rule")
        text(g, x, BOTTOM + 20, f"{tick:g}".replace("-", "−"), "quiet", "middle")
    text(g, (left + right) / 2, HEIGHT - 6, f"{axis} →", "quiet", "middle")
    step = (BOTTOM - TOP) / len(known)
    words = []
    for i, ((name, numbers), colour) in enumerate(
        zip(known.items(), COLOURS, strict=False)
    ):
        y = TOP + step * (i + 0.6)
        spread = f"{name}: spread {number(numbers.std(), 1)}"
        text(g, left, y - 26, spread, "strong")
        line(g, [left, y], [right, y], "rule")
        for x in place(numbers):
            dot = {"cx": x, "cy": y, "r": 7, "class": colour, "fill-opacity": 0.6}
            element("circle", dot, g)
        reach = f"from {number(numbers.min(), 1)} to {number(numbers.max(), 1)}"
        words.append(f"{spread}, {reach}")
    return Mark(g, f"{title}: {'; '.join(words)}.")


def paired_bars(
    groups: Mapping[str, ArrayLike], labels: Sequence[str], *, title: str
) -> Mark:
    """Draw two or three sets of weights as bars from 0 to 1, side by side a label.

    - `groups`: two or three sets of weights by name, each of shape (n_k,).
    - `labels`: the name of each key.
    - `title`: what the mark shows.

    Raises ValueError if there are not two or three sets, or one has not a weight from
    0 to 1 for each label.
    """
    known = _groups("paired_bars", groups)
    for name, weights in known.items():
        if weights.shape != (len(labels),):
            raise ValueError(
                f"{name!r} must have one number for each of the {len(labels)} labels; "
                f"got shape {weights.shape}"
            )
        if not np.all((weights >= 0) & (weights <= 1 + 1e-6)):
            raise ValueError(f"{name!r} must hold numbers from 0 to 1; got {weights}")
    g = titled(title)
    left, right = 84, WIDTH - 40
    for share in (0.0, 0.5, 1.0):
        x = left + share * (right - left)
        line(g, [x, TOP], [x, BOTTOM], "rule")
        text(g, x, BOTTOM + 20, number(share, 1), "quiet", "middle")
    text(g, (left + right) / 2, HEIGHT - 6, "weight →", "quiet", "middle")
    _legend(g, list(known))
    step = (BOTTOM - TOP) / len(labels)
    high = step * 0.8 / len(known)
    for i, label in enumerate(labels):
        text(g, left - 8, TOP + step * (i + 0.5) + 5, label, "", "end")
        for j, (weights, colour) in enumerate(
            zip(known.values(), COLOURS, strict=False)
        ):
            y = TOP + step * (i + 0.1) + high * j
            length = float(weights[i]) * (right - left)
            box = {"x": left, "y": y, "rx": 2, "width": length, "height": high - 2}
            element("rect", box | {"class": colour}, g)
            kind = "strong" if i == int(np.argmax(weights)) else ""
            text(g, left + length + 6, y + high / 2 + 4, number(weights[i]), kind)
    words = []
    for name, weights in known.items():
        pairs = zip(labels, weights, strict=True)
        listed = ", ".join(f"{label} {number(weight)}" for label, weight in pairs)
        words.append(f"{name}: {listed}")
    return Mark(g, f"{title}, {'; '.join(words)}.")


def _legend(parent: ET.Element, names: Sequence[str]) -> None:
    for i, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        box = {"x": 116 * i, "y": 25, "width": 12, "height": 12, "rx": 2}
        element("rect", box | {"class": f"{colour} key"}, parent)
        text(parent, 116 * i + 18, 36, name)


def _groups(
    mark: str, groups: Mapping[str, ArrayLike]
) -> dict[str, NDArray[np.floating]]:
    """Return the groups as arrays of finite numbers, as many as there are colours."""
    least = 2 if mark == "paired_bars" else 1
    if not least <= len(groups) <= len(COLOURS):
        raise ValueError(
            f"{mark} must be given {least} to {len(COLOURS)} groups; got {len(groups)}"
        )
    known = {name: np.asarray(x, dtype=float) for name, x in groups.items()}
    for name, x in known.items():
        if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
            raise ValueError(f"{name!r} must be a row of finite numbers; got {x}")
    return known
