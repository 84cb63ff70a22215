"""A mark for amounts of very different size: bars on a scale of factors of ten."""

from collections.abc import Mapping

import numpy as np

from course_utils.figures.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    Mark,
    element,
    line,
    text,
    titled,
)

WIDE = 380
NAMES = {0: "1", 3: "thousand", 6: "million", 9: "billion", 12: "trillion"}


def ledger(
    amounts: Mapping[str, tuple[float, str]], *, title: str, decades: int = 12
) -> Mark:
    """Draw amounts as bars, each with its name and the amount in words.

    - `amounts`: by name, the amount and how it is written. A name that begins with
      "attention" or "cache" is drawn in vermilion: it grows with n.
    - `title`: what the mark shows.
    - `decades`: where the scale ends, as a power of ten; it begins at 1.

    Raises ValueError if an amount is not from 0 to the end of the scale.
    """
    g = titled(title, "each line to the right: a thousand times as much")
    left, right = 0, WIDE - 28

    def place(amount: float) -> float:
        return left + np.log10(max(amount, 1)) / decades * (right - left)

    for power in range(0, decades + 1, 3):
        x = place(10.0**power)
        line(g, [x, TOP], [x, BOTTOM], "rule")
        anchor = "middle" if power > 0 else "start"
        text(g, x, BOTTOM + 20, NAMES.get(power, f"1e{power}"), "quiet", anchor)
    text(g, (left + right) / 2, HEIGHT - 6, "amount →", "quiet", "middle")
    step = (BOTTOM - TOP) / len(amounts)
    for i, (name, (amount, words)) in enumerate(amounts.items()):
        if not 0 <= amount <= 10.0**decades:
            raise ValueError(f"{name!r} must be from 0 to 1e{decades}; got {amount}")
        y = TOP + step * i
        grows = name.startswith(("attention", "cache"))
        box = {"x": left, "y": y + step * 0.5, "height": step * 0.34, "rx": 2}
        box |= {"width": max(place(amount) - left, 1)}
        element("rect", box | {"class": "vermilion" if grows else "blue"}, g)
        text(g, left, y + step * 0.4, name)
        text(g, right, y + step * 0.4, words, "strong", "end")
    listed = ", ".join(f"{name} {words}" for name, (_, words) in amounts.items())
    return Mark(g, f"{title}: {listed}.", WIDE)
