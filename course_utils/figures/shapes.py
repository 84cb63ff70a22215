"""Who asks and who is asked, as the shapes of all matrices on the way."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.figures.svg import Mark, element, text, titled
from course_utils.softmax import softmax

Floats = NDArray[np.floating]
CELL = 7  # the side of one number, in pixels
ROWS = (48, 142, 236)  # where query, key and value begin
WEIGHTS = 446  # where the weights begin


def shape_flow(
    asking: ArrayLike,
    asked: ArrayLike,
    projections: Sequence[ArrayLike],
    *,
    title: str,
    names: tuple[str, str],
) -> Mark:
    """Draw every matrix from two sequences to the output, one little square a number.

    What has a row for each token that asks is blue, what has a row for each token that
    is asked vermilion; the fuller a square, the larger its number, without its sign.

    - `asking`: the tokens that ask, shape (n_q, d_q), up to 10 rows.
    - `asked`: the tokens that are asked, shape (n_k, d), up to 10 rows.
    - `projections`: W_q (d_q, d_k), W_k (d, d_k) and W_v (d, d_v), up to 10 rows each.
    - `title`: what the mark shows.
    - `names`: of the two sequences.

    Raises ValueError if the shapes do not fit each other or the picture.
    """
    asking, asked, w_q, w_k, w_v = (
        np.asarray(a, dtype=float) for a in (asking, asked, *projections)
    )
    _check(asking, asked, w_q, w_k, w_v)
    query, key, value = asking @ w_q, asked @ w_k, asked @ w_v
    weights = softmax(query @ key.T * query.shape[-1] ** -0.5)
    output = weights @ value
    g = titled(title)
    words = []
    for top, x, w, result, name, colour, labels in (
        (ROWS[0], asking, w_q, query, names[0], "blue", ("W_q", "query")),
        (ROWS[1], asked, w_k, key, names[1], "vermilion", ("W_k", "key")),
        (ROWS[2], asked, w_v, value, names[1], "vermilion", ("W_v", "value")),
    ):
        _grid(g, 0, top, x, colour, name)
        _sign(g, 112, top, "@")
        _grid(g, 132, top, w, "grey", labels[0])
        _sign(g, 208, top, "=")
        _grid(g, 228, top, result, colour, labels[1])
        words.append(f"{name} {_shape(x)} times {labels[0]} {_shape(w)} is ")
        words[-1] += f"{labels[1]} {_shape(result)}"
    middle = ROWS[0] + 49
    _arrow(g, [312, ROWS[0] + 35], [WEIGHTS - 12, middle + 20])
    _arrow(g, [312, ROWS[1] + 35], [WEIGHTS - 12, middle + 50])
    text(g, WEIGHTS, middle - 8, "softmax(query keyᵀ · scale)", "quiet")
    _grid(g, WEIGHTS, middle, weights, "blue", "weights")
    _sign(g, WEIGHTS + 94, middle, "@")
    _grid(g, WEIGHTS + 114, middle, value, "vermilion", "value")
    _sign(g, WEIGHTS + 178, middle, "=")
    _grid(g, WEIGHTS + 206, middle, output, "blue", "output")
    bend = [[312, ROWS[2] + 35], [WEIGHTS + 124, ROWS[2] + 35]]
    _arrow(g, *bend, [WEIGHTS + 124, middle + 122])
    words.append(f"the weights {_shape(weights)} times value {_shape(value)}")
    words[-1] += f" are the output {_shape(output)}"
    return Mark(g, f"{title}: {'; '.join(words)}.", WEIGHTS + 300)


def _check(asking: Floats, asked: Floats, *projections: Floats) -> None:
    fits = all(x.ndim == 2 and len(x) <= 10 for x in (asking, asked, *projections))
    w_q, w_k, w_v = projections
    pairs = ((asking, w_q), (asked, w_k), (asked, w_v))
    fits = fits and all(x.shape[1] == w.shape[0] for x, w in pairs)
    if not fits or w_q.shape[1] != w_k.shape[1]:
        shapes = [x.shape for x in (asking, asked, *projections)]
        raise ValueError(
            "shape_flow must be given asking (n_q, d_q), asked (n_k, d), W_q (d_q, "
            "d_k), "
            f"W_k (d, d_k) and W_v (d, d_v), of up to 10 rows; got {shapes}"
        )


def _shape(x: Floats) -> str:
    return f"{x.shape[0]} × {x.shape[1]}"


def _grid(
    parent: ET.Element, left: float, top: float, x: Floats, colour: str, name: str
) -> None:
    """Draw a matrix, its name and its shape below it."""
    most = np.abs(x).max() or 1
    for (i, j), number in np.ndenumerate(x):
        place = {"x": left + CELL * j + 0.5, "y": top + CELL * i + 0.5}
        look = {"width": CELL - 1, "height": CELL - 1, "class": colour}
        shade = f"{0.12 + 0.88 * abs(number) / most:.2f}"
        element("rect", place | look | {"fill-opacity": shade}, parent)
    below = top + CELL * len(x) + 14
    text(parent, left, below, f"{name} {_shape(x)}")
    parent[-1].set("style", "font-size: 12px")


def _sign(parent: ET.Element, x: float, top: float, sign: str) -> None:
    text(parent, x, top + 19, sign, "strong", "middle")


def _arrow(parent: ET.Element, *points: Sequence[float]) -> None:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    look = {"points": path, "class": "grey-line", "stroke-width": 1.5}
    element("polyline", look, parent)
    (x0, y0), (x, y) = points[-2], points[-1]
    along = np.array([x - x0, y - y0], dtype=float)
    along /= np.hypot(*along)
    across = np.array([-along[1], along[0]])
    tip = np.array([x, y])
    corners = [tip, tip - 9 * along + 4 * across, tip - 9 * along - 4 * across]
    head = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    element("polygon", {"points": head, "class": "grey"}, parent)
