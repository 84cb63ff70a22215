"""All of attention in one picture: from the tokens of a sentence to one output."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._numbers import number
from course_utils.attention import scaled_dot_product_attention
from course_utils.figures.svg import Mark, element, line, text
from course_utils.masks import causal_mask
from course_utils.multi_head import merge_heads, split_heads

Floats = NDArray[np.floating]
COLOURS = ("blue", "vermilion")
LEFT, COLUMN = 188, 66  # the width of the names at the left, and of one token
ARCS, HEAD, BAR = 74, 204, 30  # the heights of the arcs, of a head, of a full bar
PIECES = 0.86  # how much of its column a vector takes


def attention_flow(
    tokens: Sequence[str],
    x: ArrayLike,
    w_query: ArrayLike,
    w_key: ArrayLike,
    w_value: ArrayLike,
    w_out: ArrayLike,
    *,
    row: int,
    heads: Sequence[str],
    features: Sequence[str],
) -> Mark:
    """Draw every stage of causal self-attention, for the token that asks.

    A token has a column; a stage has a row, with the lesson that built it. Vectors are
    drawn as little bars, up if positive, each stage on a scale of its own that stays
    when another token asks.

    - `tokens`: the sentence, up to ten tokens.
    - `x`: their vectors, shape (n, d_model).
    - `w_query`, `w_key`, `w_value`: shape (d_model, d), with d for all heads together.
    - `w_out`: shape (d, d_model).
    - `row`: the position of the token that asks, counted from 0.
    - `heads`: what each of the one or two heads looks for, in words.
    - `features`: the names of the d_model numbers that come out.

    Raises ValueError if the sizes do not fit each other or the picture.
    """
    x, w_query, w_key, w_value, w_out = (
        np.asarray(a, dtype=float) for a in (x, w_query, w_key, w_value, w_out)
    )
    _check(tokens, x, row, heads, features)
    n, count = len(tokens), len(heads)
    query, key, value = (split_heads(x @ w, count) for w in (w_query, w_key, w_value))
    mask = causal_mask(n)
    scores = query @ key.swapaxes(-1, -2) * query.shape[-1] ** -0.5
    blends, weights = scaled_dot_product_attention(
        query, key, value, mask, return_weights=True
    )
    merged = merge_heads(blends)
    output = merged @ w_out

    g = ET.Element("g")
    right = LEFT + COLUMN * n
    for h in range(count):
        _arcs(g, weights[h, row], row, COLOURS[h], dashed=h == 1)
    middle = LEFT + COLUMN * (row + 0.5)
    size = {"y": ARCS, "width": COLUMN - 2, "rx": 6, "x": middle - COLUMN / 2 + 1}
    bottom = ARCS + 66 + HEAD * count + 46
    band = size | {"height": bottom - ARCS, "class": "grey", "fill-opacity": 0.08}
    element("rect", band, g)
    element("rect", size | {"height": 24, "class": "ring", "stroke-width": 2}, g)
    _small(g, 0, ARCS - 8, "stage", "quiet", "start")
    _small(g, LEFT - 14, ARCS - 8, "lesson", "quiet", "end")
    for j, token in enumerate(tokens):
        kind = "strong" if j == row else "" if mask[row, j] else "quiet"
        text(g, LEFT + COLUMN * (j + 0.5), ARCS + 17, token, kind, "middle")
    _name(g, ARCS + 17, "tokens", "5")
    _name(g, ARCS + 46, "vectors, positions", "7, 8")
    for j in range(n):
        _pieces(g, j, ARCS + 41, x[j], x, "grey")

    top = ARCS + 66
    for h, looks_for in enumerate(heads):
        line(g, [0, top], [right, top], "rule")
        y, colour = top + 18, COLOURS[h]
        swatch = {"x": 0, "y": y - 10, "width": 11, "height": 11, "rx": 2}
        element("rect", swatch | {"class": colour}, g)
        text(g, 18, y, f"Head {h}: {looks_for}", "strong")
        _name(g, y + 24, "its query", "7")
        _pieces(g, row, y + 19, query[h, row], query[h], colour)
        _beside(g, row, n, y + 24, query[h, row])
        _name(g, y + 48, "all keys", "7")
        _name(g, y + 72, "scores, scaled", "2, 5")
        _name(g, y + 91, "mask: may it see?", "6")
        _name(g, y + 131, "weights", "3")
        _name(g, y + 157, "all values", "7")
        _name(g, y + 181, "their blend", "1, 4")
        for j in range(n):
            at, seen = LEFT + COLUMN * (j + 0.5), bool(mask[row, j])
            fade = 1 if seen else 0.25
            _pieces(g, j, y + 43, key[h, j], key[h], colour, fade)
            score = number(scores[h, row, j], 1)
            _small(g, at, y + 72, score, "" if seen else "quiet")
            _small(g, at, y + 91, "yes" if seen else "✕", "" if seen else "quiet")
            weight = weights[h, row, j]
            high = BAR * weight
            box = {"x": at - 14, "y": y + 126 - high, "width": 28, "height": high}
            element("rect", box | {"rx": 2, "class": colour}, g)
            line(g, [at - 18, y + 126], [at + 18, y + 126], "rule")
            most = "strong" if j == np.argmax(weights[h, row]) else ""
            _small(g, at, y + 139, number(weight), most if seen else "quiet")
            _pieces(g, j, y + 152, value[h, j], value[h], colour, 0.2 + 0.8 * weight)
        _pieces(g, row, y + 176, blends[h, row], value[h], colour)
        _beside(g, row, n, y + 181, blends[h, row])
        top += HEAD

    line(g, [0, top], [right, top], "rule")
    text(g, 0, top + 18, "Both together", "strong")
    _name(g, top + 40, "blends merged", "9")
    _pieces(g, row, top + 35, merged[row], merged, "grey")
    _beside(g, row, n, top + 40, merged[row])
    _name(g, top + 78, "times w_out: output", "9")
    # A box of their own, so that no feature seems to belong to a token's column.
    box = {"x": LEFT, "y": top + 56, "width": COLUMN * n, "height": 54, "rx": 6}
    element("rect", box | {"class": "grey", "fill-opacity": 0.08}, g)
    for side, end in ((-1, LEFT), (1, right)):
        line(g, [middle + side * (COLUMN / 2 - 1), top + 46], [end, top + 58], "rule")
    width = COLUMN * n / len(features)
    most = np.abs(output).max()
    for i, (feature, part) in enumerate(zip(features, output[row], strict=True)):
        at = LEFT + width * (i + 0.5)
        size = 30 * abs(part) / most
        box = {"x": at - 24, "y": top + 84 - max(size * np.sign(part), 0), "rx": 2}
        box |= {"width": 20, "height": size, "class": "grey"}
        element("rect", box, g)
        _small(g, at, top + 82, number(part), "strong" if size > 6 else "", "start")
        _small(g, at - 2, top + 104, feature, "quiet")
    line(g, [LEFT + 4, top + 84], [right - 4, top + 84], "rule")
    found = [
        f"head {h} ({looks_for}) gives most weight to "
        f"“{tokens[int(np.argmax(weights[h, row]))]}” ({number(weights[h, row].max())})"
        for h, looks_for in enumerate(heads)
    ]
    pairs = zip(features, output[row], strict=True)
    listed = ", ".join(f"{name} {number(part)}" for name, part in pairs)
    words = (
        f"Attention from “{tokens[row]}”, position {row}: {'; '.join(found)}; "
        f"the output is {listed}."
    )
    folds = tuple(LEFT + COLUMN * j for j in range(n))
    return Mark(g, words, right, top + 112, folds)


def _check(
    tokens: Sequence[str],
    x: Floats,
    row: int,
    heads: Sequence[str],
    features: Sequence[str],
) -> None:
    if not 1 <= len(tokens) <= 10 or not 1 <= len(heads) <= len(COLOURS):
        raise ValueError(
            f"attention_flow has room for ten tokens and two heads; got "
            f"{len(tokens)} and {len(heads)}"
        )
    if x.shape != (len(tokens), len(features)):
        raise ValueError(
            f"x must have one vector for each of {len(tokens)} tokens, of "
            f"{len(features)} "
            f"features; got shape {x.shape}"
        )
    if not 0 <= row < len(tokens):
        raise ValueError(
            f"row must be one of the {len(tokens)} positions, counted from 0; got {row}"
        )


def _name(parent: ET.Element, y: float, stage: str, lessons: str) -> None:
    """Write a stage's name, and the lessons that built it."""
    text(parent, 0, y, stage, "")
    _small(parent, LEFT - 14, y, lessons, "quiet", "end")


def _small(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    kind: str = "",
    anchor: str = "middle",
) -> None:
    text(parent, x, y, words, kind, anchor)
    parent[-1].set("style", "font-size: 12px")


def _pieces(
    parent: ET.Element,
    column: int,
    y: float,
    numbers: Floats,
    scale: Floats,
    colour: str,
    fade: float = 1,
) -> None:
    """Draw a vector as bars up and down from y, the longest of `scale` 10 pixels."""
    step = COLUMN * PIECES / len(numbers)
    left = LEFT + COLUMN * (column + (1 - PIECES) / 2)
    line(parent, [left, y], [left + COLUMN * PIECES, y], "rule")
    most = np.abs(scale).max() or 1
    group = element("g", {"fill-opacity": f"{fade:.2f}"}, parent)
    for i, part in enumerate(numbers):
        size = 10 * abs(part) / most
        box = {"x": left + step * i + 1, "y": y - max(size * np.sign(part), 0)}
        box |= {"width": step - 2, "height": size, "class": colour}
        element("rect", box, group)


def _beside(parent: ET.Element, column: int, n: int, y: float, numbers: Floats) -> None:
    """Write a vector's numbers beside its bars, on the side that has room."""
    words = "\u2002".join(number(part) for part in numbers)  # an en space
    after = column < n / 2
    x = LEFT + COLUMN * (column + after) + (6 if after else -6)
    _small(parent, x, y, words, "quiet", "start" if after else "end")


def _arcs(
    parent: ET.Element, weights: Floats, row: int, colour: str, *, dashed: bool
) -> None:
    """Draw an arc from the token that asks to each token, as thick as its weight."""
    start = LEFT + COLUMN * (row + 0.5)
    for j, weight in enumerate(weights):
        end = LEFT + COLUMN * (j + 0.5)
        high = ARCS - 4 - min(12 + 11 * abs(row - j), 62)
        path = f"M{start:g} {ARCS - 3} C{start:g} {high:g} {end:g} {high:g} "
        path += f"{end:g} {ARCS - 3}"
        if j == row:  # a loop
            path = f"M{start - 6:g} {ARCS - 3} C{start - 22:g} {ARCS - 28} "
            path += f"{start + 22:g} {ARCS - 28} {start + 6:g} {ARCS - 3}"
        look = {"d": path, "class": f"{colour}-line"}
        look |= {"stroke-width": 0.5 + 5 * weight}
        look["stroke-opacity"] = f"{weight:.2f}"
        look["stroke-dasharray"] = "7 4" if dashed else "none"
        element("path", look, parent)
