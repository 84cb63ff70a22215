"""The marks that pictures are made of, drawn as SVG on fixed scales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from course_utils.figures.style import BLUE, GREY, VERMILION

WIDTH, HEIGHT, GAP = 264, 330, 28  # of one mark, and between two, in CSS pixels
TOP, BOTTOM = 52, 284  # of the area below a mark's title and above its axis

# JupyterLab's own colours where they are defined, so that a picture follows the
# theme; the colours of the light theme elsewhere.
STYLE = """
.course-svg { font: 14px system-ui, sans-serif; font-variant-numeric: tabular-nums }
.course-svg .paper { fill: var(--jp-layout-color0, #fff) }
.course-svg text { fill: var(--jp-ui-font-color1, #212121) }
.course-svg .quiet { fill: var(--jp-ui-font-color2, #616161) }
.course-svg .strong { font-weight: 600 }
.course-svg .rule { stroke: var(--jp-border-color2, #e0e0e0) }
.course-svg .axis { stroke: var(--jp-ui-font-color2, #616161) }
"""


@dataclass(frozen=True)
class Picture:
    """A picture as SVG, the sentence above it, and all that it shows in words."""

    svg: str
    caption: str
    description: str


@dataclass(frozen=True)
class Mark:
    """One drawing of WIDTH by HEIGHT, and the same in words."""

    drawing: ET.Element
    words: str


def beside(*marks: Mark, caption: str) -> Picture:
    """Set marks side by side under a sentence that says what they show now.

    - `marks`: the marks, from left to right.
    - `caption`: the sentence; it should change with the state.

    Returns the picture, whose description is the caption and the words of each mark.
    """
    width = len(marks) * (WIDTH + GAP) - GAP
    height = HEIGHT + 36
    description = " ".join([caption, *(mark.words for mark in marks)])
    svg = _element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "course-svg",
            "role": "img",
            "aria-label": description,
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
        },
    )
    _element("style", {}, svg).text = STYLE
    _element("rect", {"class": "paper", "width": width, "height": height}, svg)
    _text(svg, 0, 16, caption, "strong")
    for i, mark in enumerate(marks):
        place = {"transform": f"translate({i * (WIDTH + GAP)} 36)"}
        _element("g", place, svg).append(mark.drawing)
    return Picture(ET.tostring(svg, encoding="unicode"), caption, description)


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

    Raises ValueError if the shapes do not fit each other.
    """
    key, query, weights = np.asarray(key), np.asarray(query), np.asarray(weights)
    if key.shape != (len(labels), 2) or query.shape != (2,):
        raise ValueError(
            f"vectors needs one 2-D key for each of {len(labels)} labels and one "
            f"2-D query, got key of shape {key.shape}, query of shape {query.shape}"
        )
    _check_weights(weights, labels)
    g = _titled(title, "dots: keys, area = weight; arrow: query")
    middle, unit = np.array([WIDTH / 2 + 6, (TOP + BOTTOM) / 2]), 76
    screen = middle + unit * key * [1, -1]
    tip = middle + unit * query * [1, -1]
    circle = {"cx": middle[0], "cy": middle[1], "r": unit, "fill": "none"}
    _element("circle", circle | {"class": "rule"}, g)
    _line(g, [middle[0] - unit, middle[1]], [middle[0] + unit, middle[1]], "rule")
    _line(g, [middle[0], middle[1] - unit], [middle[0], middle[1] + unit], "rule")
    _text(g, middle[0], HEIGHT - 6, f"{axes[0]} →", "quiet", anchor="middle")
    _text(g, 14, TOP + 44, f"{axes[1]} →", "quiet", anchor="middle", turn=True)
    for (x, y), label, weight in zip(screen, labels, weights, strict=True):
        dot = {"cx": x, "cy": y, "r": 3 + 15 * np.sqrt(weight)}
        _element("circle", dot | {"fill": BLUE, "fill-opacity": 0.75}, g)
        out = (np.array([x, y]) - middle) / unit
        anchor = "start" if out[0] > 0.3 else "end" if out[0] < -0.3 else "middle"
        nudge = 24 if abs(out[0]) > 0.3 else 0
        _text(
            g,
            x + np.sign(out[0]) * nudge,
            y + 5 + (30 * out[1] if nudge == 0 else 10 * out[1]),
            label,
            anchor=anchor,
        )
    _arrow(g, middle, tip)
    keys = ", ".join(
        f"{label} at ({_number(x)}, {_number(y)})"
        for label, (x, y) in zip(labels, key, strict=True)
    )
    return Mark(
        g,
        f"{title}: the query points to ({_number(query[0])}, {_number(query[1])}); "
        f"the keys are {keys}.",
    )


def bars(weights: ArrayLike, labels: Sequence[str], *, title: str) -> Mark:
    """Draw weights as bars from 0 to 1, with their numbers; the largest stands out.

    - `weights`: the weights, shape (n_k,).
    - `labels`: the name of each key.
    - `title`: what the mark shows.

    Raises ValueError if there is not one finite weight from 0 to 1 for each label.
    """
    weights = np.asarray(weights)
    _check_weights(weights, labels)
    g = _titled(title, "of each key; together they are 1")
    left, right = 84, WIDTH - 40
    step = (BOTTOM - TOP) / len(labels)
    for x in (0.0, 0.5, 1.0):
        at = left + x * (right - left)
        _line(g, [at, TOP], [at, BOTTOM], "rule")
        _text(g, at, BOTTOM + 20, _number(x, 1), "quiet", anchor="middle")
    _text(g, (left + right) / 2, HEIGHT - 6, "weight →", "quiet", anchor="middle")
    for i, (label, weight) in enumerate(zip(labels, weights, strict=True)):
        y = TOP + step * i
        most = i == int(np.argmax(weights))
        box = {"x": left, "y": y + step * 0.2, "rx": 2}
        box |= {"width": weight * (right - left), "height": step * 0.6}
        shade = {"fill": BLUE, "fill-opacity": 1 if most else 0.6}
        _element("rect", box | shade, g)
        kind = "strong" if most else ""
        middle = y + step / 2 + 5
        _text(g, left - 8, middle, label, kind, anchor="end")
        end = left + weight * (right - left)
        _text(g, end + 6, middle, _number(weight, 2), kind)
    listed = ", ".join(
        f"{label} {_number(weight, 2)}"
        for label, weight in zip(labels, weights, strict=True)
    )
    return Mark(g, f"{title}: {listed}.")


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    at: float,
    title: str,
    axes: tuple[str, str],
    xticks: Sequence[float],
) -> Mark:
    """Draw up to three curves over x, with a dot on each at the current x.

    - `x`: where the curves are known, shape (n,), rising.
    - `lines`: the curves by name, each of shape (n,).
    - `at`: the current x.
    - `title`: what the mark shows.
    - `axes`: the names of the horizontal and the vertical axis, with units.
    - `xticks`: the numbers on the horizontal axis; the first and last bound it. The
      vertical axis spans the curves.

    Raises ValueError if a curve has not one number for each x.
    """
    x = np.asarray(x, dtype=float)
    left, right = 44, WIDTH - 14
    every = np.concatenate([np.ravel(y) for y in lines.values()])
    yticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(every.min(), every.max())
    low, high = [xticks[0], yticks[0]], [xticks[-1], yticks[-1]]

    def place(points: np.ndarray) -> np.ndarray:
        share = (points - low) / np.subtract(high, low)
        return [left, BOTTOM] + share * [right - left, TOP - BOTTOM]

    g = _titled(title, None)
    for tick in xticks:
        spot = place(np.array([tick, low[1]]))
        _line(g, spot, [spot[0], TOP], "rule")
        _text(g, spot[0], BOTTOM + 20, f"{tick:g}", "quiet", anchor="middle")
    for tick in yticks:
        spot = place(np.array([low[0], tick]))
        _line(g, spot, [right, spot[1]], "rule")
        _text(
            g,
            left - 8,
            spot[1] + 5,
            f"{tick:g}".replace("-", "−"),
            "quiet",
            anchor="end",
        )
    _text(g, (left + right) / 2, HEIGHT - 6, f"{axes[0]} →", "quiet", anchor="middle")
    _text(g, 10, (TOP + BOTTOM) / 2, f"{axes[1]} →", "quiet", "middle", turn=True)
    looks = [(BLUE, "none"), (VERMILION, "6 4"), (GREY, "2 3")]
    words = []
    offset = 0
    for (name, y), (colour, dash) in zip(lines.items(), looks, strict=False):
        y = np.asarray(y, dtype=float)
        if y.shape != x.shape:
            raise ValueError(
                f"the curve {name!r} needs one number for each x, shape {x.shape}, "
                f"got shape {y.shape}"
            )
        look = {"stroke": colour, "stroke-dasharray": dash, "stroke-width": 2}
        path = " ".join(f"{_px(a)},{_px(b)}" for a, b in place(np.stack([x, y], 1)))
        _element("polyline", look | {"points": path, "fill": "none"}, g)
        now = float(y[np.argmin(np.abs(x - at))])
        spot = place(np.array([at, now]))
        _element("circle", {"cx": spot[0], "cy": spot[1], "r": 5, "fill": colour}, g)
        sample = [[offset, 31], [offset + 18, 31]]
        _element("polyline", look | {"points": _joined(sample), "fill": "none"}, g)
        _text(g, offset + 24, 36, name)
        offset += 116
        words.append(f"{name} {_number(now, 1)}")
    return Mark(g, f"{title}, at {at:g}: {', '.join(words)}.")


def _check_weights(weights: np.ndarray, labels: Sequence[str]) -> None:
    if weights.shape != (len(labels),):
        raise ValueError(
            f"weights must hold one number for each of the {len(labels)} labels, "
            f"got shape {weights.shape}"
        )
    if not (np.all(weights >= 0) and np.all(weights <= 1)):
        raise ValueError(f"weights must lie between 0 and 1, got {weights}")


def _px(x: float) -> str:
    """Round to a tenth of a pixel: short, and the same on every machine."""
    return f"{round(float(x), 1) + 0.0:g}"


def _joined(points: ArrayLike) -> str:
    return " ".join(f"{_px(x)},{_px(y)}" for x, y in np.asarray(points))


def _number(x: float, digits: int = 2) -> str:
    """Write a number with a true minus sign, and no minus before zero."""
    return f"{round(float(x), digits) + 0.0:.{digits}f}".replace("-", "−")


def _element(
    tag: str, attributes: Mapping[str, object], parent: ET.Element | None = None
) -> ET.Element:
    written = {
        name: _px(x) if isinstance(x, int | float | np.number) else str(x)
        for name, x in attributes.items()
    }
    if parent is None:
        return ET.Element(tag, written)
    return ET.SubElement(parent, tag, written)


def _text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    kind: str = "",
    anchor: str = "start",
    *,
    turn: bool = False,
) -> None:
    place: dict[str, object] = {"x": x, "y": y, "text-anchor": anchor}
    if kind:
        place["class"] = kind
    if turn:
        place["transform"] = f"rotate(-90 {_px(x)} {_px(y)})"
    _element("text", place, parent).text = words


def _line(parent: ET.Element, start: ArrayLike, end: ArrayLike, kind: str) -> None:
    (x1, y1), (x2, y2) = np.asarray(start), np.asarray(end)
    _element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind}, parent)


def _arrow(parent: ET.Element, start: np.ndarray, tip: np.ndarray) -> None:
    along = (tip - start) / max(np.hypot(*(tip - start)), 1e-9)
    across = np.array([-along[1], along[0]])
    neck = tip - 14 * along
    shaft = {"points": _joined([start, neck]), "stroke": VERMILION, "stroke-width": 3}
    _element("polyline", shaft | {"fill": "none"}, parent)
    head = _joined([tip, neck + 6 * across, neck - 6 * across])
    _element("polygon", {"points": head, "fill": VERMILION}, parent)


def _titled(title: str, subtitle: str | None) -> ET.Element:
    g = ET.Element("g")
    _text(g, 0, 16, title, "strong")
    if subtitle:
        _text(g, 0, 36, subtitle, "quiet")
    return g
