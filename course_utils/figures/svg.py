"""Pictures as SVG: what every mark is written with, and how marks become a picture."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike

WIDTH, HEIGHT, GAP = 264, 330, 28  # of one mark, and between two, in CSS pixels
TOP, BOTTOM = 52, 284  # of the area below a mark's title and above its axis
CAPTION = 36  # the height of the line above the marks

# JupyterLab's own colours where they are defined, so that a picture follows the
# theme; the colours of the light theme elsewhere.
STYLE = """
.course-svg { font: 14px system-ui, sans-serif; font-variant-numeric: tabular-nums }
.course-svg .paper { fill: var(--jp-layout-color0, #fff) }
.course-svg text { fill: var(--jp-ui-font-color1, #212121) }
.course-svg .quiet { fill: var(--jp-ui-font-color2, #616161) }
.course-svg .strong { font-weight: 600 }
.course-svg .rule { stroke: var(--jp-border-color2, #e0e0e0) }
.course-svg .ring { stroke: var(--jp-ui-font-color1, #212121); fill: none }
.course-svg .blue { fill: var(--course-blue, #0072B2) }
.course-svg .vermilion { fill: var(--course-vermilion, #D55E00) }
.course-svg .grey { fill: var(--course-grey, #6E6E6E) }
.course-svg .blue-line { stroke: var(--course-blue, #0072B2); fill: none }
.course-svg .vermilion-line { stroke: var(--course-vermilion, #D55E00); fill: none }
.course-svg .grey-line { stroke: var(--course-grey, #6E6E6E); fill: none }
[data-jp-theme-light="false"] .course-svg {
  --course-blue: #56B4E9; --course-vermilion: #E69F00; --course-grey: #B0B0B0 }
"""


@dataclass(frozen=True)
class Picture:
    """A picture as SVG, the sentence above it, and all that it shows in words.

    As the last line of a cell it is shown, also where scripts are not trusted and in
    a page without a kernel.
    """

    svg: str
    caption: str
    description: str

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        source = base64.b64encode(self.svg.encode()).decode()
        words = escape(self.description)
        image = f'<img alt="{words}" src="data:image/svg+xml;base64,{source}">'
        return {"text/html": image, "text/plain": self.description}


@dataclass(frozen=True)
class Mark:
    """One drawing, the same in words, and its width and height in pixels.

    - `folds`: from left to right, where it may be cut on a screen that is narrower, so
      that the parts stand below each other. Without any, it shrinks a little.
    """

    drawing: ET.Element
    words: str
    width: float = WIDTH
    height: float = HEIGHT
    folds: tuple[float, ...] = ()


def beside(*marks: Mark, caption: str) -> Picture:
    """Set marks side by side under a sentence that says what they show now.

    - `marks`: the marks, from left to right.
    - `caption`: the sentence; it should change with the state.

    Returns the picture, whose description is the caption and the words of each mark.
    """
    width = sum(mark.width + GAP for mark in marks) - GAP
    height = CAPTION + max(mark.height for mark in marks)
    end = "" if caption.endswith((".", "!", "?")) else "."
    description = " ".join([caption + end, *(x.words for x in marks if x.words)])
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "course-svg",
        "role": "img",
        "aria-label": description,
        "viewBox": f"0 0 {px(width)} {height}",
        "width": width,
        "height": height,
    }
    svg = element("svg", attributes)
    element("style", {}, svg).text = STYLE
    element("rect", {"class": "paper", "width": width, "height": height}, svg)
    text(svg, 0, 16, caption, "strong caption")
    left = 0.0
    for mark in marks:
        place = {
            "transform": f"translate({px(left)} {CAPTION})",
            "data-width": mark.width,
            "data-height": mark.height,
        }
        if mark.folds:
            place["data-folds"] = " ".join(map(px, mark.folds))
        element("g", place, svg).append(mark.drawing)
        left += mark.width + GAP
    return Picture(ET.tostring(svg, encoding="unicode"), caption, description)


def message(words: str) -> Picture:
    """Return a picture of nothing but words, as high as any other."""
    g = ET.Element("g")
    for i, row in enumerate(wrap(words, 44)[:12]):
        text(g, 0, 24 + 22 * i, row)
    return beside(Mark(g, words, 360), caption="This figure cannot be drawn.")


def px(x: float) -> str:
    """Round to a tenth of a pixel: short, and the same on every machine."""
    return f"{round(float(x), 1) + 0.0:g}"


def joined(points: ArrayLike) -> str:
    """Write points as the attribute of a line."""
    return " ".join(f"{px(x)},{px(y)}" for x, y in np.asarray(points))


def element(
    tag: str, attributes: Mapping[str, object], parent: ET.Element | None = None
) -> ET.Element:
    """Make an element, with numbers rounded, inside another if there is one."""
    written = {
        name: px(x) if isinstance(x, int | float | np.number) else str(x)
        for name, x in attributes.items()
    }
    if parent is None:
        return ET.Element(tag, written)
    return ET.SubElement(parent, tag, written)


def text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    kind: str = "",
    anchor: str = "start",
    *,
    turn: float = 0,
) -> None:
    """Write words whose baseline starts, ends or has its middle at (x, y)."""
    place: dict[str, object] = {"x": x, "y": y, "text-anchor": anchor}
    if kind:
        place["class"] = kind
    if turn:
        place["transform"] = f"rotate({px(turn)} {px(x)} {px(y)})"
    element("text", place, parent).text = words


def line(parent: ET.Element, start: ArrayLike, end: ArrayLike, kind: str) -> None:
    """Draw a straight line."""
    (x1, y1), (x2, y2) = np.asarray(start), np.asarray(end)
    element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind}, parent)


def titled(title: str, subtitle: str = "") -> ET.Element:
    """Begin a mark with its title."""
    g = ET.Element("g")
    text(g, 0, 16, title, "strong")
    if subtitle:
        text(g, 0, 36, subtitle, "quiet")
    return g
