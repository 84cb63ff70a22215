"""The marks that pictures are made of, each on a scale that stays as controls move."""

from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree as ET

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

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
    text,
    titled,
)


def vectors(
    key: ArrayLike,
    labels: Sequence[str],
    query: ArrayLike,
    weights: ArrayLike,
    *,
    title: str,
    axes: tuple[str, str],
) -> Mark:
    """Draw 2-D keys as labelled dots, as large as their weights, and the query.

    - `key`: the keys, shape (n_k, 2), of length up to 1.
    - `labels`: the name of each key.
    - `query`: the query, shape (2,), of length up to 1, drawn as an arrow.
    - `weights`: the weight of each key, from 0 to 1: the area of its dot.
    - `title`: what the mark shows.
    - `axes`: the names of the horizontal and the vertical axis.

    Raises ValueError if the shapes do not fit each other, or a number is not finite.
    """
    key, query, weights = np.asarray(key), np.asarray(query), np.asarray(weights)
    if key.shape != (len(labels), 2) or query.shape != (2,):
        raise ValueError(
            f"vectors must be given one 2-D key for each of {len(labels)} labels "
            f"and one "
            f"2-D query; key has shape {key.shape}, query has shape {query.shape}"
        )
    _check_finite("key", key)
    _check_finite("query", query)
    _check_weights(weights, labels)
    g = titled(title, "dots: keys, area = weight; arrow: query")
    middle, unit = np.array([WIDTH / 2 + 6, (TOP + BOTTOM) / 2]), 76
    circle = {"cx": middle[0], "cy": middle[1], "r": unit, "fill": "none"}
    element("circle", circle | {"class": "rule"}, g)
    for along in unit * np.eye(2):
        line(g, middle - along, middle + along, "rule")
    text(g, middle[0], HEIGHT - 6, f"{axes[0]} →", "quiet", "middle")
    text(g, 14, TOP + 44, f"{axes[1]} →", "quiet", "middle", turn=-90)
    for at, label, weight in zip(key * [1, -1], labels, weights, strict=True):
        x, y = middle + unit * at
        dot = {"cx": x, "cy": y, "r": 3 + 15 * np.sqrt(weight)}
        element("circle", dot | {"class": "blue", "fill-opacity": 0.75}, g)
        if abs(at[0]) > 0.3:  # beside the dot, clear of it at its largest
            anchor = "start" if at[0] > 0 else "end"
            text(g, x + np.sign(at[0]) * 24, y + 5 + 10 * at[1], label, "", anchor)
        else:
            text(g, x, y + 5 + 30 * at[1], label, "", "middle")
    arrow(g, middle, middle + unit * query * [1, -1])
    keys = ", ".join(
        f"{label} at ({number(x)}, {number(y)})"
        for label, (x, y) in zip(labels, key, strict=True)
    )
    tip = f"({number(query[0])}, {number(query[1])})"
    return Mark(g, f"{title}: the query points to {tip}; the keys are {keys}.")


def bars(weights: ArrayLike, labels: Sequence[str], *, title: str) -> Mark:
    """Draw weights as bars from 0 to 1, with their numbers; the largest stand out.

    Equal to two digits is equal, and what is not 0 is not written as 0.

    - `weights`: the weights, shape (n_k,).
    - `labels`: the name of each key.
    - `title`: what the mark shows.

    Raises ValueError if there is not one finite weight from 0 to 1 for each label.
    """
    weights = np.asarray(weights)
    _check_weights(weights, labels)
    g = titled(title, "of each key; together they are 1")
    left, right = 84, WIDTH - 40
    step = (BOTTOM - TOP) / len(labels)
    for share in (0.0, 0.5, 1.0):
        x = left + share * (right - left)
        line(g, [x, TOP], [x, BOTTOM], "rule")
        text(g, x, BOTTOM + 20, number(share, 1), "quiet", "middle")
    text(g, (left + right) / 2, HEIGHT - 6, "weight →", "quiet", "middle")
    for i, (label, weight) in enumerate(zip(labels, weights, strict=True)):
        most = number(weight) == number(weights.max())  # what is equal looks equal
        y, length = TOP + step * i, weight * (right - left)
        box = {"x": left, "y": y + step * 0.2, "rx": 2, "class": "blue"}
        box |= {"width": length, "height": step * 0.6}
        element("rect", box | {"fill-opacity": 1 if most else 0.6}, g)
        kind = "strong" if most else ""
        text(g, left - 8, y + step / 2 + 5, label, kind, "end")
        text(g, left + length + 6, y + step / 2 + 5, _not_0(weight), kind)
    pairs = zip(labels, weights, strict=True)
    listed = ", ".join(f"{label} {_not_0(weight)}" for label, weight in pairs)
    return Mark(g, f"{title}: {listed}.")


def _not_0(weight: float) -> str:
    return "<0.01" if 0 < weight < 0.005 else number(weight)


def shares(
    scores: ArrayLike,
    weights: ArrayLike,
    labels: Sequence[str],
    *,
    curve: tuple[ArrayLike, ArrayLike],
    title: str,
) -> Mark:
    """Draw each weight as a bar at the height of its score, and what others would get.

    - `scores`: the score of each key, shape (n_k,): the height of its bar.
    - `weights`: the weight of each key, from 0 to 1: the length of its bar.
    - `labels`: the name of each key.
    - `curve`: scores, rising, and the weight that a key of each such score would get.
      The first and last score bound the vertical axis; weights above 1 are left out.
    - `title`: what the mark shows.

    Raises ValueError if the shapes do not fit each other, or a number is not finite.
    """
    scores, weights = np.asarray(scores), np.asarray(weights)
    _check_weights(weights, labels)
    if scores.shape != weights.shape:
        raise ValueError(
            f"scores must have one number for each of the {len(labels)} labels; "
            f"got shape {scores.shape}"
        )
    _check_finite("scores", scores)
    known = np.stack([np.asarray(x, dtype=float) for x in curve], axis=1)
    _check_finite("the curve", known)
    low, high = known[0, 0], known[-1, 0]
    g = titled(title, "height: score, length: weight")
    width = WIDTH + 32
    left, right = 106, width - 40

    def place(score: ArrayLike, weight: ArrayLike) -> np.ndarray:
        x = left + np.asarray(weight) * (right - left)
        y = BOTTOM - (np.asarray(score) - low) / (high - low) * (BOTTOM - TOP)
        return np.stack([x, y], axis=-1)

    for share in (0.0, 0.5, 1.0):
        spot = place(low, share)
        line(g, spot, [spot[0], TOP], "rule")
        text(g, spot[0], BOTTOM + 20, number(share, 1), "quiet", "middle")
    for tick in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        spot = place(tick, 0)
        line(g, spot, [right, spot[1]], "rule")
        text(g, 18, spot[1] + 5, number(tick, 0), "quiet", "end")
    text(g, (left + right) / 2, HEIGHT - 6, "weight →", "quiet", "middle")
    text(g, 0, HEIGHT - 6, "score ↑", "quiet")
    for i, (score, weight) in enumerate(zip(scores, weights, strict=True)):
        most = i == int(np.argmax(weights))
        x, y = place(score, weight)
        box = {"x": left, "y": y - 5, "rx": 2, "class": "blue", "height": 10}
        box |= {"width": x - left, "fill-opacity": 1 if most else 0.6}
        element("rect", box, g)
        kind = "strong" if most else ""
        text(g, left - 8, y + 5, labels[i], kind, "end")
        text(g, width, y + 5, _not_0(weight), kind, "end")
    inside = known[known[:, 1] <= 1]
    look = {"class": "vermilion-line", "stroke-width": 2}
    element("polyline", look | {"points": joined(place(*inside.T))}, g)
    triples = zip(labels, scores, weights, strict=True)
    listed = ", ".join(
        f"{label} with score {number(score)} has weight {_not_0(weight)}"
        for label, score, weight in triples
    )
    return Mark(g, f"{title}: {listed}.", width)


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    at: float,
    title: str,
    axes: tuple[str, str],
    xticks: Sequence[float],
    yticks: Sequence[float] | None = None,
    logarithmic: bool = False,
) -> Mark:
    """Draw up to three curves over x, with a dot on each at the current x.

    - `x`: where the curves are known, shape (n,), rising.
    - `lines`: the curves by name, each of shape (n,).
    - `at`: the current x.
    - `title`: what the mark shows.
    - `axes`: the names of the horizontal and the vertical axis, with units.
    - `xticks`: the numbers on the horizontal axis; the first and last bound it.
    - `yticks`: the same for the vertical axis, for curves that change as controls move;
      without them, the axis spans the curves.
    - `logarithmic`: whether equal distances on the horizontal axis are equal factors.

    Raises ValueError if a curve has not one finite number for each x, there are more
    than three, or x is not above 0 on a logarithmic axis.
    """
    x = np.asarray(x, dtype=float)
    looks = [("blue", "none"), ("vermilion", "6 4"), ("grey", "2 3")]
    if not 1 <= len(lines) <= len(looks):
        raise ValueError(f"curves must be given 1 to 3 lines; got {len(lines)}")
    known = {name: np.asarray(y, dtype=float) for name, y in lines.items()}
    for name, y in known.items():
        if y.shape != x.shape:
            raise ValueError(
                f"the curve {name!r} must have one number for each x, shape {x.shape}; "
                f"its shape is {y.shape}"
            )
        _check_finite(f"the curve {name!r}", y)
    if logarithmic and not min(*x, *xticks, at) > 0:
        raise ValueError(
            f"x must hold numbers above 0 on a logarithmic axis; the smallest is "
            f"{min(*x, *xticks, at)}"
        )
    every = np.concatenate(list(known.values()))
    if yticks is None:
        locator = MaxNLocator(6, steps=[1, 2, 5, 10])
        yticks = locator.tick_values(every.min(), every.max())
    left, right = 44, WIDTH - 14

    def scaled(points: ArrayLike) -> np.ndarray:
        points = np.array(points, dtype=float)
        if logarithmic:
            points[..., 0] = np.log10(points[..., 0])
        return points

    corner = scaled([xticks[0], yticks[0]])
    extent = scaled([xticks[-1], yticks[-1]]) - corner

    def place(points: ArrayLike) -> np.ndarray:
        share = (scaled(points) - corner) / extent
        return [left, BOTTOM] + share * [right - left, TOP - BOTTOM]

    g = titled(title)
    ruled(g, place, xticks, yticks, axes)
    words = []
    apart = 116 if len(known) < 3 else 88
    for i, ((name, y), (colour, dash)) in enumerate(
        zip(known.items(), looks, strict=False)
    ):
        look = {"class": f"{colour}-line", "stroke-dasharray": dash}
        look["stroke-width"] = 2
        element("polyline", look | {"points": joined(place(np.stack([x, y], 1)))}, g)
        now = float(y[np.argmin(np.abs(x - at))])
        spot = place([at, now])
        element("circle", {"cx": spot[0], "cy": spot[1], "r": 5, "class": colour}, g)
        sample = [[apart * i, 31], [apart * i + 18, 31]]
        element("polyline", look | {"points": joined(sample)}, g)
        text(g, apart * i + 24, 36, name)
        words.append(f"{name} {number(now, 1)}")
    return Mark(g, f"{title}, at {at:g}: {', '.join(words)}.")


def ruled(
    parent: ET.Element,
    place: Callable[[ArrayLike], np.ndarray],
    xticks: Sequence[float],
    yticks: Sequence[float],
    axes: tuple[str, str],
) -> None:
    """Draw two axes with their names, and a rule at each tick.

    - `parent`: gets the drawing.
    - `place`: turns a point of the data into a place in the drawing.
    - `xticks`, `yticks`: the numbers on the axes; the first and last bound them.
    - `axes`: the names of the horizontal and the vertical axis, with units.
    """
    (left, _), (right, _) = place([[xticks[0], yticks[0]], [xticks[-1], yticks[0]]])
    for tick in xticks:
        spot = place([tick, yticks[0]])
        line(parent, spot, [spot[0], TOP], "rule")
        text(parent, spot[0], BOTTOM + 20, f"{tick:g}", "quiet", "middle")
    for tick in yticks:
        spot = place([xticks[0], tick])
        line(parent, spot, [right, spot[1]], "rule")
        name = f"{tick:g}".replace("-", "−")
        text(parent, left - 8, spot[1] + 5, name, "quiet", "end")
    text(parent, (left + right) / 2, HEIGHT - 6, f"{axes[0]} →", "quiet", "middle")
    middle = (TOP + BOTTOM) / 2
    text(parent, 10, middle, f"{axes[1]} →", "quiet", "middle", turn=-90)


def arrow(
    parent: ET.Element, start: np.ndarray, tip: np.ndarray, colour: str = "vermilion"
) -> None:
    """Draw an arrow in one of the course's colours."""
    along = (tip - start) / max(np.hypot(*(tip - start)), 1e-9)
    across = np.array([-along[1], along[0]])
    neck = tip - 14 * along
    shaft = {"points": joined([start, neck]), "stroke-width": 3}
    element("polyline", shaft | {"class": f"{colour}-line"}, parent)
    head = joined([tip, neck + 6 * across, neck - 6 * across])
    element("polygon", {"points": head, "class": colour}, parent)


def _check_weights(weights: np.ndarray, labels: Sequence[str]) -> None:
    if weights.shape != (len(labels),):
        raise ValueError(
            f"weights must have one number for each of the {len(labels)} labels; "
            f"got shape {weights.shape}"
        )
    _check_finite("weights", weights)
    if not (np.all(weights >= 0) and np.all(weights <= 1 + 1e-6)):
        raise ValueError(f"weights must hold numbers from 0 to 1; got {weights}")


def _check_finite(name: str, x: np.ndarray) -> None:
    wrong = ~np.isfinite(x)
    if wrong.any():
        raise ValueError(f"{name} must hold finite numbers; got {x[wrong][0]}")
