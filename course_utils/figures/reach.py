"""A mark that shows how far one edit of the input reaches."""

import numpy as np
from numpy.typing import ArrayLike

from course_utils._numbers import number
from course_utils.figures.svg import BOTTOM, TOP, Mark, element, line, text, titled
from course_utils.figures.weights import AttentionWeights

LABEL = 66  # the width of a row's label
LONGEST = 48  # the longest bar
CELL = 20  # the largest cell


def reach(
    attention: AttentionWeights,
    moved: ArrayLike,
    may_see: ArrayLike,
    *,
    title: str,
    edited: int,
    largest: float,
    asks: int | None = None,
) -> Mark:
    """Draw weights as a matrix, one key ringed, and how far each query's output moved.

    A weight of 0 is left blank. The bar of a query stands in its row: blue if it may
    see the edited key, vermilion and called a leak if it may not.

    - `attention`: the weights and their labels.
    - `moved`: how far each output moved, shape (n_q,).
    - `may_see`: whether each query may see the edited key, booleans of shape (n_q,).
    - `title`: what the mark shows.
    - `edited`: the key that was edited: its column is ringed.
    - `largest`: the end of the bars' scale.
    - `asks`: the query that was edited too, where the edited token asks: its row is
      ringed.

    Raises TypeError if the weights are not `AttentionWeights`, and ValueError if there
    is no such key, or not one number up to `largest` and one boolean for each query.
    """
    if not isinstance(attention, AttentionWeights):
        raise TypeError(
            "attention must be AttentionWeights(weights, queries=..., keys=...), "
            f"which know their axes; got a {type(attention).__name__}"
        )
    n_q, n_k = attention.weights.shape
    moved, may_see = np.asarray(moved, dtype=float), np.asarray(may_see)
    if moved.shape != (n_q,) or may_see.shape != (n_q,) or may_see.dtype != bool:
        raise ValueError(
            f"reach must be given one number and one boolean for each of {n_q} "
            f"queries; moved "
            f"has shape {moved.shape}, may_see has shape {may_see.shape} and dtype "
            f"{may_see.dtype}"
        )
    if not ((moved >= 0) & (moved <= largest)).all():
        raise ValueError(f"moved must hold numbers from 0 to {largest}; got {moved}")
    if not 0 <= edited < n_k:
        raise ValueError(
            f"edited must be one of the {n_k} keys, counted from 0; got {edited}"
        )
    g = titled(title, "query ↓  key →")
    cell = min((BOTTOM - TOP - 20) / n_q, CELL)
    foot, start = TOP + cell * n_q, LABEL + cell * n_k + 12
    for j, key in enumerate(attention.keys):
        kind = "strong" if j == edited else "quiet"
        x = LABEL + cell * (j + 0.5) + 4
        text(g, x, foot + 14, key, kind, "end", turn=-60)
    for (i, j), weight in np.ndenumerate(attention.weights):
        if weight > 0:
            place = {"x": LABEL + cell * j + 1, "y": TOP + cell * i + 1, "rx": 2}
            size = {"width": cell - 2, "height": cell - 2}
            shade = {"class": "blue cell", "fill-opacity": f"{0.12 + 0.7 * weight:.3f}"}
            element("rect", place | size | shade, g)
    ring = {"x": LABEL + cell * edited, "y": TOP, "rx": 3, "class": "ring"}
    size = {"width": cell, "height": cell * n_q, "stroke-width": 2}
    element("rect", ring | size, g)
    if asks is not None:
        ring |= {"x": LABEL, "y": TOP + cell * asks}
        size |= {"width": cell * n_k, "height": cell}
        element("rect", ring | size, g)
    text(g, start, 36, "moves output", "quiet")
    line(g, [start, TOP], [start, foot], "rule")
    for i, query in enumerate(attention.queries):
        y, kind = TOP + cell * i, "strong" if i == edited and n_q == n_k else ""
        text(g, LABEL - 6, y + cell / 2 + 5, query, kind, "end")
        leak = moved[i] > 0 and not may_see[i]
        length = LONGEST * moved[i] / largest
        place = {"x": start, "y": y + 3, "rx": 2, "class": "bar "}
        place["class"] += "vermilion" if leak else "blue"
        element("rect", place | {"width": length, "height": cell - 6}, g)
        words = number(moved[i]) + (" leak" if leak else "") if moved[i] else "0"
        kind = "strong" if leak else "" if moved[i] else "quiet"
        text(g, start + length + 5, y + cell / 2 + 5, words, kind)
    names = [f"{i} {query}" for i, query in enumerate(attention.queries)]
    pairs = zip(names, moved, moved * ~may_see, strict=True)
    listed = ", ".join(
        f"{name} by {number(x)}{' (leak)' if leak else ''}"
        for name, x, leak in pairs
        if x
    )
    words = f"{title}, {edited} {attention.keys[edited]} edited: moved are "
    return Mark(g, f"{words}{listed or 'none'}.", start + LONGEST + 57)
