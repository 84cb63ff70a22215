"""Attention weights that know which axis holds queries, and how they are drawn."""

from collections.abc import Sequence

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
    text,
    titled,
)

LABEL = 84  # the width of a row's label
GRID = 204  # how high all rows are at most
NUMBERED = 36  # the smallest cell that has room for its number


class AttentionWeights:
    """Weights with a label for each query and each key.

    - `weights`: shape (n_q, n_k); each row is positive and sums to 1, or is 0 where the
      query may see nothing.
    - `queries`: the names of the rows.
    - `keys`: the names of the columns.

    Raises ValueError if the shape does not fit the labels, or a row is no row of
    weights, as in a matrix that is transposed or not normalised.

    >>> weights = AttentionWeights([[0.5, 0.5]], queries=["it"], keys=["cat", "mat"])
    >>> AttentionWeights(weights.weights.T, queries=["cat", "mat"], keys=["it"])
    Traceback (most recent call last):
    ValueError: weights needs rows that sum to 1: row 'cat' sums to 0.5, and its \
columns do sum to 1: is it transposed, or normalised over the queries?
    """

    def __init__(
        self, weights: ArrayLike, *, queries: Sequence[str], keys: Sequence[str]
    ) -> None:
        weights = np.asarray(weights, dtype=float)
        self.weights, self.queries, self.keys = weights, tuple(queries), tuple(keys)
        shape = (len(self.queries), len(self.keys))
        if weights.shape != shape:
            hint = ": is it transposed?" if weights.shape == shape[::-1] else ""
            raise ValueError(
                f"weights must have shape {shape}, a row for each query and a column "
                f"for each key; got shape {weights.shape}{hint}"
            )
        if not np.isfinite(weights).all() or (weights < 0).any():
            wrong = weights[~(weights >= 0) | np.isinf(weights)][0]
            raise ValueError(f"weights must hold numbers from 0 to 1; got {wrong}")
        total = weights.sum(axis=1)
        off = ~(np.isclose(total, 1, atol=1e-3) | (total == 0))
        if off.any():
            columns = np.allclose(weights.sum(axis=0), 1, atol=1e-3)
            hint = (
                ", and its columns do sum to 1: is it transposed, or normalised over "
                "the queries?"
            )
            row = int(np.argmax(off))
            raise ValueError(
                f"weights needs rows that sum to 1: row {self.queries[row]!r} sums to "
                f"{total[row]:.3g}{hint if columns else ''}"
            )

    def words(self, row: int) -> str:
        """Say where one query looks."""
        most = int(np.argmax(self.weights[row]))
        key, weight = self.keys[most], self.weights[row, most]
        if weight == 0:
            return f"“{self.queries[row]}” sees nothing"
        return f"“{self.queries[row]}” looks most at “{key}” ({number(weight)})"


def matrix(attention: AttentionWeights, *, title: str, row: int | None = None) -> Mark:
    """Draw all weights as a matrix: queries down, keys across, from 0 to 1.

    - `attention`: the weights and their labels.
    - `title`: what the mark shows.
    - `row`: the query to ring, if any.

    Raises TypeError if the weights are not `AttentionWeights`, and ValueError if there
    is no such row.
    """
    weights = _weights_of(attention)
    n_q, n_k = weights.shape
    if row is not None:
        _check_row(attention, row)
    g = titled(title, "query ↓  key →   each row sums to 1")
    cell = min(GRID / n_q, 300 / n_k, 44)
    for i, query in enumerate(attention.queries):
        kind = "strong" if i == row else ""
        text(g, LABEL - 8, TOP + cell * (i + 0.5) + 5, query, kind, "end")
    for j, key in enumerate(attention.keys):
        x, y = LABEL + cell * (j + 0.5) + 4, TOP + cell * n_q + 16
        text(g, x, y, key, "", "end", turn=-45)
    for (i, j), weight in np.ndenumerate(weights):
        x, y = LABEL + cell * j, TOP + cell * i
        box = {"x": x + 1, "y": y + 1, "width": cell - 2, "height": cell - 2, "rx": 2}
        # Never so full that the number on it could not be read.
        shade = {"class": "blue cell", "fill-opacity": f"{0.05 + 0.65 * weight:.3f}"}
        element("rect", box | shade, g)
        if cell >= NUMBERED:
            text(g, x + cell / 2, y + cell / 2 + 5, number(weight), "", "middle")
    if row is not None:
        ring = {"x": LABEL, "y": TOP + cell * row, "rx": 3, "class": "ring"}
        size = {"width": cell * n_k, "height": cell, "stroke-width": 2}
        element("rect", ring | size, g)
    listed = "; ".join(attention.words(i) for i in range(n_q))
    return Mark(g, f"{title}: {listed}.", max(WIDTH, LABEL + cell * n_k + 12))


def links(attention: AttentionWeights, *, title: str, row: int) -> Mark:
    """Draw queries and keys as two lists, with links from one query to all keys.

    - `attention`: the weights and their labels.
    - `title`: what the mark shows.
    - `row`: the query whose links are drawn, as thick as their weights.

    Raises TypeError if the weights are not `AttentionWeights`, and ValueError if there
    is no such row.
    """
    weights = _weights_of(attention)
    _check_row(attention, row)
    g = titled(title, "a link is as thick as its weight")
    left, right = 96, 160

    def height(i: int, n: int) -> float:
        return TOP + (i + 0.5) * min(26, (BOTTOM - TOP) / n)

    n_q, n_k = weights.shape
    for j, weight in enumerate(weights[row]):
        ends = {"x1": left, "y1": height(row, n_q), "x2": right, "y2": height(j, n_k)}
        look = {"class": "blue-line", "stroke-width": 0.5 + 7 * weight}
        look["stroke-opacity"] = f"{0.15 + 0.85 * weight:.3f}"
        element("line", ends | look, g)
    for i, query in enumerate(attention.queries):
        kind = "strong" if i == row else "quiet"
        text(g, left - 8, height(i, n_q) + 5, query, kind, "end")
    element(
        "circle", {"cx": left, "cy": height(row, n_q), "r": 4, "class": "vermilion"}, g
    )
    most = int(np.argmax(weights[row]))
    for j, (key, weight) in enumerate(zip(attention.keys, weights[row], strict=True)):
        kind = "strong" if j == most and weight > 0 else ""
        text(g, right + 8, height(j, n_k) + 5, f"{key} {number(weight)}", kind)
    text(g, left - 8, HEIGHT - 6, "queries", "quiet", "end")
    text(g, right + 8, HEIGHT - 6, "keys", "quiet")
    pairs = zip(attention.keys, weights[row], strict=True)
    listed = ", ".join(f"{key} {number(weight)}" for key, weight in pairs)
    return Mark(g, f"{title}: from “{attention.queries[row]}” to {listed}.")


def _weights_of(attention: AttentionWeights) -> NDArray[np.floating]:
    if not isinstance(attention, AttentionWeights):
        raise TypeError(
            "attention must be AttentionWeights(weights, queries=..., keys=...), "
            f"which know their axes; got a {type(attention).__name__}"
        )
    return attention.weights


def _check_row(attention: AttentionWeights, row: int) -> None:
    if not 0 <= row < len(attention.queries):
        raise ValueError(
            f"row must be one of the {len(attention.queries)} queries, counted "
            f"from 0; got {row}"
        )
