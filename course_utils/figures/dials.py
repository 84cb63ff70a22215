"""Pairs of numbers as hands on dials: how a query and a key stand to each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_utils._numbers import number
from course_utils.figures.marks import arrow
from course_utils.figures.svg import (
    BOTTOM,
    TOP,
    WIDTH,
    Mark,
    element,
    joined,
    line,
    text,
    titled,
)


def dials(
    query: ArrayLike,
    key: ArrayLike,
    labels: Sequence[str],
    *,
    title: str,
    longest: float,
) -> Mark:
    """Draw each pair of numbers of a query and a key as two hands on a dial.

    A hand begins in the middle; its first number is how far it goes right, its second
    how far up. Between the hands stands the angle, beside them their dot product.

    - `query`: shape (2 · n,), one pair after the other.
    - `key`: the same of the key.
    - `labels`: the name of each of the n dials, from top to bottom; one or two.
    - `title`: what the mark shows.
    - `longest`: the length of a hand that reaches the rim. A longer one ends there.

    Raises ValueError if the shapes do not fit one or two labels, or a number is not
    finite.
    """
    query, key = (np.asarray(x, dtype=float) for x in (query, key))
    n = len(labels)
    if not 1 <= n <= 2 or query.shape != (2 * n,) or key.shape != (2 * n,):
        raise ValueError(
            f"dials must be given one pair of numbers of query and key for each of "
            f"one or two "
            f"labels; got {n} labels, query has shape {query.shape}, key has "
            f"shape {key.shape}"
        )
    if not (np.isfinite(query).all() and np.isfinite(key).all()):
        raise ValueError(f"dials must be given finite numbers; got {query} and {key}")
    g = titled(title)
    for i, (colour, name) in enumerate((("vermilion", "query"), ("blue", "key"))):
        line_ = {"class": f"{colour}-line", "stroke-width": 3}
        ends = [[88 * i, 31], [88 * i + 18, 31]]
        element("polyline", line_ | {"points": joined(ends)}, g)
        text(g, 88 * i + 24, 36, name)
    high = (BOTTOM + 24 - TOP) / n
    rim = min(high / 2 - 6, 76)
    words = []
    for i, label in enumerate(labels):
        middle = np.array([rim + 4, TOP + high * (i + 0.5)])
        circle = {"cx": middle[0], "cy": middle[1], "r": rim, "fill": "none"}
        element("circle", circle | {"class": "rule"}, g)
        for along in rim * np.eye(2):
            line(g, middle - along, middle + along, "rule")
        pair = [x[2 * i : 2 * i + 2] for x in (key, query)]
        turns = [float(np.arctan2(x[1], x[0])) for x in pair]
        between = (turns[1] - turns[0] + np.pi) % (2 * np.pi) - np.pi
        sweep = turns[0] + np.linspace(0, between, 25)
        arc = middle + 0.35 * rim * np.stack([np.cos(sweep), -np.sin(sweep)], axis=1)
        look = {"class": "grey-line", "stroke-width": 3, "points": joined(arc)}
        element("polyline", look, g)
        for x, colour in zip(pair, ("blue", "vermilion"), strict=True):
            length = min(1.0, float(np.hypot(*x)) / longest)
            tip = x / max(float(np.hypot(*x)), 1e-9) * length
            arrow(g, middle, middle + rim * tip * [1, -1], colour)
        degrees = f"{number(abs(np.degrees(between)), 0)}°"
        product = number(pair[0] @ pair[1])
        left = 2 * rim + 20
        text(g, left, middle[1] - 22, label, "strong")
        text(g, left, middle[1] + 2, f"angle {degrees}")
        text(g, left, middle[1] + 24, f"product {product}")
        words.append(f"{label}: angle {degrees}, product {product}")
    return Mark(g, f"{title}, query and key: {'; '.join(words)}.", WIDTH)
