"""Which key wins where: a map of the plane of queries."""

from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

import numpy as np
from contourpy import contour_generator
from numpy.typing import ArrayLike, NDArray

from course_utils._numbers import number
from course_utils.figures.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    WIDTH,
    Mark,
    element,
    joined,
    line,
    px,
    text,
    titled,
)

SIDE = BOTTOM - TOP
LEFT = WIDTH - SIDE
FINE = 97  # how many queries along each side of the map are tried
DIRECTIONS = 360
SPECK = 0.005  # an area that shows nothing but where keys tie
Score = Callable[[NDArray[np.floating], NDArray[np.floating]], ArrayLike]


def territories(
    score: Score,
    key: ArrayLike,
    labels: Sequence[str],
    *,
    marked: int,
    title: str,
    axes: tuple[str, str],
    reach: float,
) -> Mark:
    """Draw for which 2-D queries each key has the highest score: its territory.

    A circle of radius 1 holds the queries of length 1; where one key wins on it, the
    circle is thick.

    - `score`: takes queries (n_q, 2) and keys (n_k, 2), returns scores (n_q, n_k).
    - `key`: the keys, shape (n_k, 2), n_k at least 2.
    - `labels`: the name of each key.
    - `marked`: the position of the key whose territory is filled.
    - `title`: what the mark shows.
    - `axes`: the names of the horizontal and the vertical axis.
    - `reach`: how far the map goes from 0, the same for every state of a panel.

    Raises ValueError if the shapes do not fit each other, there is no such key, or a
    number is not finite.
    """
    key = np.asarray(key, dtype=float)
    if key.shape != (len(labels), 2) or len(labels) < 2:
        raise ValueError(
            f"territories must be given one 2-D key for each of {len(labels)} "
            f"labels, and at "
            f"least two; key has shape {key.shape}"
        )
    if not 0 <= marked < len(labels):
        raise ValueError(
            f"marked must be the position of one of {len(labels)} keys, counted "
            f"from 0; got {marked}"
        )
    ring = _directions(np.arange(DIRECTIONS))
    wins = np.argmax(_scores(score, ring, key), axis=1) == marked
    name, count = labels[marked], int(wins.sum())
    g = titled(title, f"{name} wins {count} of {DIRECTIONS} directions")
    even = np.linspace(-1, 1, FINE)
    ticks = reach * even * np.abs(even)  # closer around 0, where areas meet
    plane = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    scores = _scores(score, plane.reshape(-1, 2), key).reshape(*plane.shape[:2], -1)
    place = _placing(reach)
    frame = {"x": LEFT, "y": TOP, "width": SIDE, "height": SIDE, "fill": "none"}
    _axes(g, axes, reach)
    for i in range(len(labels)):
        for outline in _where_best(scores, i, ticks):
            look = {"points": joined(place(outline)), "class": "grey-line"}
            if i == marked:
                look |= {"class": "vermilion", "fill-opacity": 0.3}
            element("polygon", look, g)
    element("rect", frame | {"class": "rule"}, g)
    _ring(g, wins, place)
    for i, (label, at) in enumerate(zip(labels, key, strict=True)):
        _key(g, place(at), at, label, marked=i == marked)
    return Mark(
        g,
        f"{title}: {name} is the best key for {count} of {DIRECTIONS} directions of "
        f"the query.",
    )


def _directions(bearing: ArrayLike) -> NDArray[np.floating]:
    angle = np.radians(bearing)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def _scores(score: Score, query: NDArray, key: NDArray) -> NDArray[np.floating]:
    scores = np.asarray(score(query, key), dtype=float)
    if scores.shape != (len(query), len(key)):
        raise ValueError(
            f"score must return shape (n_q, n_k), here "
            f"{(len(query), len(key))}; it returned {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("score must return finite numbers")
    return scores


def _placing(reach: float) -> Callable[[ArrayLike], NDArray[np.floating]]:
    middle = np.array([LEFT + SIDE / 2, TOP + SIDE / 2])
    unit = SIDE / 2 / reach
    return lambda points: middle + unit * np.asarray(points) * [1, -1]


def _where_best(
    scores: NDArray[np.floating], i: int, ticks: NDArray[np.floating]
) -> list[NDArray[np.floating]]:
    """Return the outlines of where key i has the highest score, without its holes."""
    margin = scores[..., i] - np.delete(scores, i, axis=-1).max(axis=-1)
    margin = margin.round(9)  # ties are 0 on every machine
    found, offsets = contour_generator(ticks, ticks, margin).filled(0.0, np.inf)
    outlines = [
        points[each[0] : each[1] - 1]
        for points, each in zip(found, offsets, strict=True)
    ]
    return [_corners(outline) for outline in outlines if _area(outline) > SPECK]


def _area(outline: NDArray[np.floating]) -> float:
    x, y = outline.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def _corners(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Leave out of a closed outline the points at which it goes straight on."""
    same = np.abs(points - np.roll(points, 1, 0)).max(axis=1) < 1e-9
    points = points[~same]
    before, after = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    lengths = np.hypot(*before.T) * np.hypot(*after.T)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return points[np.abs(cross) > 0.01 * lengths]


def _axes(parent: ET.Element, axes: tuple[str, str], reach: float) -> None:
    place = _placing(reach)
    for tick in range(-int(reach), int(reach) + 1):
        name, (x, y) = number(tick, 0), place([tick, tick])
        line(parent, [x, TOP], [x, BOTTOM], "rule")
        line(parent, [LEFT, y], [LEFT + SIDE, y], "rule")
        text(parent, x, BOTTOM + 20, name, "quiet", "middle")
        text(parent, LEFT - 6, y + 5, name, "quiet", "end")
    middle = LEFT + SIDE / 2, TOP + SIDE / 2
    text(parent, middle[0], HEIGHT - 6, f"{axes[0]} →", "quiet", "middle")
    text(parent, 11, middle[1], f"{axes[1]} →", "quiet", "middle", turn=-90)


def _ring(parent: ET.Element, wins: NDArray[np.bool_], place: Callable) -> None:
    """Draw the circle of length 1, thick where the marked key wins."""
    middle, radius = place([0, 0]), abs(place([1, 0]) - place([0, 0]))[0]
    circle = {"cx": middle[0], "cy": middle[1], "r": radius}
    element("circle", circle | {"class": "ring", "stroke-width": 1}, parent)
    change = np.flatnonzero(wins != np.roll(wins, 1))
    parts = []
    for start in change[wins[change]]:
        length = int(np.argmin(np.roll(wins, -start)))
        ends = place(_directions([start - 0.5, start + length - 0.5]))
        large = int(length > DIRECTIONS / 2)
        parts.append(
            f"M{px(ends[0, 0])} {px(ends[0, 1])} A{px(radius)} {px(radius)} 0 "
            f"{large} 1 {px(ends[1, 0])} {px(ends[1, 1])}"
        )
    look = {"class": "vermilion-line", "stroke-width": 5}
    element("path", look | {"d": " ".join(parts) or "M0 0"}, parent)


def _key(
    parent: ET.Element, spot: NDArray, at: NDArray, label: str, *, marked: bool
) -> None:
    kind = "vermilion" if marked else "blue"
    element("circle", {"cx": spot[0], "cy": spot[1], "r": 5, "class": kind}, parent)
    out = at / max(np.hypot(*at), 1e-9) * [1, -1]
    if abs(out[1]) > 0.5:  # above or below its dot, else beside it
        x, y, anchor = spot[0], spot[1] + 5 + 15 * np.sign(out[1]), "middle"
    else:
        x, y, anchor = spot[0] + 10, spot[1] + 5, "start"
        if out[0] < 0:
            x, anchor = spot[0] - 10, "end"
    text(parent, x, y, label, "strong" if marked else "", anchor)
