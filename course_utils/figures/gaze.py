"""A mark for a text that a language model reads: where a head looks, and what comes."""

from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import ArrayLike

from course_utils.figures.svg import Mark, element, number, text, titled

WIDE, BELOW = 560, 160  # of the mark; what stands below the text, in height
LINE, LINES = 30, 6  # from one line of text to the next; how many there may be
LETTER = 9.05  # how wide a letter is
MONO = "font: 15px ui-monospace, monospace"
GRID = 9.4  # a head's cell
BARS = 350  # where the next tokens begin


def gaze(
    tokens: Sequence[str],
    weights: ArrayLike,
    heads: ArrayLike,
    following: Mapping[str, float],
    *,
    head: tuple[int, int],
    title: str,
) -> Mark:
    """Draw how one head looks back, which heads look at the same, and what comes next.

    - `tokens`: the pieces of the text; those behind the place that looks are pale.
    - `weights`: from that place to each token up to it, shape (place + 1,).
    - `heads`: how much each head of each block gives to the token that this one looks
      at most, shape (blocks, num_heads).
    - `following`: how probable each next token is, the likeliest first.
    - `head`: the block and the head that look.
    - `title`: what the mark shows.

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
    g = titled(title, "the darker, the more weight; ringed: the token that looks")
    foot = _text(g, tokens, weights) + LINE + 14
    _heads(g, heads, head, foot)
    _following(g, following, foot)
    shown = [f"“{_shown(x)}”" for x in tokens]
    listed = ", ".join(
        f"{shown[i]} {number(w)}" for i, w in enumerate(weights) if w >= 0.005
    )
    likely = ", ".join(f"“{_shown(x)}” {number(p)}" for x, p in following.items())
    place = len(weights) - 1
    words = f"{title} looks from {shown[place]} at {listed or 'nothing'}. "
    return Mark(g, f"{words}Next: {likely}.", WIDE, foot + BELOW)


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


def _heads(g: object, heads: np.ndarray, head: tuple[int, int], foot: float) -> None:
    blocks, count = heads.shape
    text(g, 0, foot + 14, "Which heads look at the same token", "strong")
    text(g, 0, foot + 34, "block →, head ↓; ringed: this head", "quiet")
    left, top = 16, foot + 46
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


def _following(g: object, following: Mapping[str, float], foot: float) -> None:
    text(g, BARS, foot + 14, "The next token", "strong")
    text(g, BARS, foot + 34, "its probability", "quiet")
    left, right, step = BARS + 78, WIDE - 40, 22
    for i, (token, p) in enumerate(following.items()):
        y = foot + 46 + step * i
        text(g, left - 6, y + 14, _shown(token)[:8], "", "end")
        g[-1].set("style", MONO)
        box = {"x": left, "y": y + 2, "height": 15, "rx": 2, "class": "vermilion"}
        element("rect", box | {"width": max(p * (right - left), 0.5)}, g)
        text(g, WIDE, y + 14, number(p), "", "end")
