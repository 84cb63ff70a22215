"""A mark for a text that a language model reads: where a head looks, and what comes."""

from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike

from course_utils._numbers import number
from course_utils.figures.svg import TOP, Mark, element, text, titled

WIDE, BELOW = 380, 160  # the text; how high what stands beside it is
LINE, LINES = 30, 9  # from one line of text to the next; how many there may be
LETTER = 9.05  # how wide a letter is
MONO = "font: 15px ui-monospace, monospace"
GRID = 9.4  # a head's cell
LEFT = 16  # where they begin
BARS = 240  # how wide the next tokens are


def gaze(
    tokens: Sequence[str],
    weights: ArrayLike,
    heads: ArrayLike,
    following: Mapping[str, float],
    *,
    head: tuple[int, int],
    title: str,
) -> tuple[Mark, Mark, Mark]:
    """Draw how one head looks back, which heads look at the same, and what comes next.

    - `tokens`: the pieces of the text; those behind the place that looks are pale.
    - `weights`: from that place to each token up to it, shape (place + 1,).
    - `heads`: how much each head of each block gives to the token that this one looks
      at most, shape (blocks, num_heads).
    - `following`: how probable each next token is, the likeliest first.
    - `head`: the block and the head that look.
    - `title`: what the mark shows.

    Returns three marks, for `beside`.

    Raises ValueError if there are more weights than tokens, or no such head.
    """
    weights, heads = np.asarray(weights, float), np.asarray(heads, float)
    block, own = head
    if not 1 <= len(weights) <= len(tokens):
        raise ValueError(
            f"`weights` must hold one number for each of up to {len(tokens)} tokens; "
            f"got {len(weights)}"
        )
    if not (0 <= block < heads.shape[0] and 0 <= own < heads.shape[1]):
        raise ValueError(
            f"`head` must be a block and a head of {heads.shape}; got {head}"
        )
    g = titled(title, "darker: more weight; ringed: the token that looks")
    height = max(_text(g, tokens, weights) + LINE + 14, BELOW)
    shown = [f"“{_shown(x)}”" for x in tokens]
    listed = ", ".join(
        f"{shown[i]} {number(w)}" for i, w in enumerate(weights) if w >= 0.005
    )
    likely = ", ".join(f"“{_shown(x)}” {number(p)}" for x, p in following.items())
    place = len(weights) - 1
    words = f"{title} looks from {shown[place]} at {listed or 'nothing'}. "
    return (
        Mark(g, f"{words.strip()}", WIDE, height),
        Mark(_heads(heads, head), "", LEFT + GRID * len(heads) + 8, BELOW),
        Mark(_following(following), f"Next: {likely}.", BARS, BELOW),
    )


def _shown(token: str) -> str:
    """Return a token's text without the space before it."""
    words = token.strip(" ").replace("\n", "↵")
    return "".join(c if c.isprintable() else "�" for c in words) or "␣"


def _width(words: str) -> float:
    wide = sum(east_asian_width(c) in "WF" for c in words)
    return LETTER * (len(words) - wide) + 15 * wide + 4


def _text(g: object, tokens: Sequence[str], weights: np.ndarray) -> float:
    """Write the text, and return where its last line stands."""
    x, y, last, ringed = 0.0, 50.0, 50.0 + LINE * (LINES - 1), None
    for i, token in enumerate(tokens):
        words = _shown(token)
        width = _width(words)
        x += 6 * token.startswith(" ")
        if x + width > WIDE:
            x, y = 0.0, y + LINE
        if y > last:
            text(g, WIDE, last + 17, "…", "quiet", "end")
            y = last
            break
        seen = weights[i] if i < len(weights) else 0.0
        box = {"x": x, "y": y, "width": width, "height": 24, "rx": 3}
        shade = {"class": "blue cell", "fill-opacity": f"{0.7 * seen:.3f}"}
        element("rect", box | shade, g)
        if i == len(weights) - 1:
            ringed = box
        text(g, x + 2, y + 17, words, "seen" if i < len(weights) else "quiet")
        g[-1].set("style", MONO)
        x += width + 1
    if ringed is not None:  # last, so that all pictures have the same elements
        element("rect", ringed | {"class": "ring", "stroke-width": 2}, g)
    return y


def _heads(heads: np.ndarray, head: tuple[int, int]) -> ET.Element:
    blocks, count = heads.shape
    g = titled("Which heads look at the same token", "block →, head ↓; ringed: this")
    left, top = LEFT, TOP
    for (i, j), weight in np.ndenumerate(heads):
        place = {"x": left + GRID * i + 0.5, "y": top + GRID * j + 0.5}
        size = {"width": GRID - 1, "height": GRID - 1, "rx": 1}
        shade = {"class": "blue cell", "fill-opacity": f"{0.07 + 0.93 * weight:.2f}"}
        element("rect", place | size | shade, g)
    i, j = head
    ring = {"x": left + GRID * i - 0.5, "y": top + GRID * j - 0.5, "rx": 2}
    size = {"width": GRID + 1, "height": GRID + 1, "stroke-width": 2, "class": "ring"}
    element("rect", ring | size, g)
    for j in (0, count - 1):
        text(g, left - 5, top + GRID * (j + 0.5) + 5, str(j), "quiet", "end")
    for i in sorted({*range(0, blocks, 10), blocks - 1}):
        x = left + GRID * (i + 0.5)
        text(g, x, top + GRID * count + 16, str(i), "quiet", "middle")
    return g


def _following(following: Mapping[str, float]) -> ET.Element:
    g = titled("The next token", "its probability")
    left, right, step = 78, BARS - 40, 22
    for i, (token, p) in enumerate(following.items()):
        y = TOP + step * i
        text(g, left - 6, y + 14, _shown(token)[:8], "", "end")
        g[-1].set("style", MONO)
        box = {"x": left, "y": y + 2, "height": 15, "rx": 2, "class": "vermilion"}
        element("rect", box | {"width": max(p * (right - left), 0.5)}, g)
        text(g, BARS, y + 14, number(p), "", "end")
    return g
