"""A mark that shows which way, and how hard, each of some numbers is pushed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_utils._numbers import number
from course_utils.figures.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    WIDTH,
    Mark,
    element,
    line,
    text,
    titled,
)


def pushes(
    amounts: ArrayLike, labels: Sequence[str], *, title: str, largest: float
) -> Mark:
    """Draw pushes as bars to both sides of a line: blue raises, vermilion lowers.

    - `amounts`: how hard each is pushed, shape (n,): up if above 0, down if below.
    - `labels`: the name of each.
    - `title`: what the mark shows.
    - `largest`: the end of the scale at both sides.

    Raises ValueError if there is not one number from −largest to largest for each
    label.
    """
    amounts = np.asarray(amounts, dtype=float)
    if amounts.shape != (len(labels),):
        raise ValueError(
            f"amounts must have one number for each of the {len(labels)} labels; got "
            f"shape {amounts.shape}"
        )
    if not (np.abs(amounts) <= largest).all():
        raise ValueError(
            f"amounts must hold numbers from -{largest:g} to {largest:g}; got {amounts}"
        )
    g = titled(title, "blue: raise, vermilion: lower")
    left, right = 84, WIDTH - 60
    middle, unit = (left + right) / 2, (right - left) / 2 / largest
    for tick in (-largest, 0, largest):
        x = middle + unit * tick
        line(g, [x, TOP], [x, BOTTOM], "rule" if tick else "ring")
        name = f"{tick:+g}".replace("-", "−") if tick else "0"
        text(g, x, BOTTOM + 20, name, "quiet", "middle")
    text(g, middle, HEIGHT - 6, "push →", "quiet", "middle")
    step = (BOTTOM - TOP) / len(labels)
    words = []
    for i, (label, amount) in enumerate(zip(labels, amounts, strict=True)):
        y, end = TOP + step * i, middle + unit * amount
        box = {"x": min(end, middle), "y": y + step * 0.3, "height": step * 0.4}
        box |= {"width": abs(end - middle), "rx": 2}
        element("rect", box | {"class": "blue" if amount > 0 else "vermilion"}, g)
        text(g, left - 8, y + step / 2 + 5, label, "", "end")
        sign = "+" if round(amount, 2) > 0 else ""
        shown = f"{sign}{number(amount)}"
        text(g, WIDTH, y + step / 2 + 5, shown, "strong", "end")
        words.append(f"{label} {shown}")
    return Mark(g, f"{title}: {', '.join(words)}.")
