"""Marks that show what masks let through: pair by pair, and layer by layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.figures.svg import (
    BOTTOM,
    TOP,
    WIDTH,
    Mark,
    element,
    line,
    text,
    titled,
)
from course_utils.masks import receptive_field

LABEL = 66  # the width of a row's label


def field(masks: ArrayLike, labels: Sequence[str], *, title: str) -> Mark:
    """Draw who sees whom in some layer, and who only hears of whom in the end.

    - `masks`: one for each layer, booleans of shape (layers, n, n).
    - `labels`: the name of each position.
    - `title`: what the mark shows.

    Raises ValueError if the masks do not fit the labels.
    """
    masks = _checked(masks, labels)
    n, seen = len(labels), masks.any(axis=0)
    heard = receptive_field(masks)
    g = titled(title, "query ↓  key →   full: seen, pale: heard of")
    cell = (BOTTOM - TOP - 30) / n
    for i, label in enumerate(labels):
        middle = cell * (i + 0.5)
        text(g, LABEL - 6, TOP + middle + 5, label, "", "end")
        at = LABEL + middle + 4, TOP + cell * n + 14
        text(g, *at, label, "quiet", "end", turn=-60)
    for i, j in np.argwhere(seen | heard):
        place = {"x": LABEL + cell * j + 1, "y": TOP + cell * i + 1, "rx": 2}
        size = {"width": cell - 2, "height": cell - 2}
        shade = {"class": "blue cell", "fill-opacity": 0.9 if seen[i, j] else 0.3}
        element("rect", place | size | shade, g)
    listed = "; ".join(
        f"{i} {label} sees {seen[i].sum()} and hears of {heard[i].sum()}"
        for i, label in enumerate(labels)
    )
    return Mark(g, f"{title}: {listed}.")


def paths(masks: ArrayLike, labels: Sequence[str], *, title: str, query: int) -> Mark:
    """Draw the layers above each other, and what leads from tokens to one query.

    A link is a pair that some mask lets through. Blue are those on a path to the query.

    - `masks`: one for each layer, booleans of shape (layers, n, n).
    - `labels`: the name of each position.
    - `title`: what the mark shows.
    - `query`: the position in the last layer to which paths lead.

    Raises ValueError if the masks do not fit the labels.
    """
    masks = _checked(masks, labels)
    g = titled(title, "bottom: tokens, top: the last layer")
    n, layers = len(labels), len(masks)
    left, right, low = 12, WIDTH - 12, BOTTOM - 30
    across = (right - left) / (n - 1)
    heights = [low - (low - TOP - 12) * layer / layers for layer in range(layers + 1)]
    wanted = [np.arange(n) == query]  # in each layer, from the top down
    for mask in masks[::-1]:
        wanted.append(wanted[-1] | wanted[-1] @ mask)
    wanted = wanted[::-1]
    for layer, mask in enumerate(masks):
        links = mask | np.eye(n, dtype=bool)  # a position keeps what it had
        used = wanted[layer + 1][:, None] & links
        for on in (False, True):
            for i, j in np.argwhere(links & (used == on)):
                ends = [left + across * j, heights[layer]]
                kind = "blue-line" if on else "rule"
                line(g, ends, [left + across * i, heights[layer + 1]], kind)
    for layer, height in enumerate(heights):
        for j in range(n):
            kind = "blue" if wanted[layer][j] else "grey"
            if layer == layers and j == query:
                kind = "vermilion"
            dot = {"cx": left + across * j, "cy": height, "r": 5 if layer else 4}
            element("circle", dot | {"class": kind}, g)
    for j, label in enumerate(labels):
        kind = "strong" if wanted[0][j] else "quiet"
        text(g, left + across * j + 4, low + 16, label, kind, "end", turn=-60)
    names = ", ".join(f"{j} {labels[j]}" for j in np.flatnonzero(wanted[0]))
    return Mark(g, f"{title}: after {layers} layers {labels[query]} hears of {names}.")


def _checked(masks: ArrayLike, labels: Sequence[str]) -> NDArray[np.bool_]:
    masks = np.asarray(masks)
    n = len(labels)
    if masks.dtype != bool or masks.ndim != 3 or masks.shape[1:] != (n, n):
        raise ValueError(
            f"masks must be booleans of shape (layers, {n}, {n}), for {n} labels; got "
            f"shape {masks.shape} and dtype {masks.dtype}"
        )
    return masks
