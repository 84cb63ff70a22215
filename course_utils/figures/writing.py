"""What a language model may write next, and what it then writes."""

from collections.abc import Sequence
from textwrap import wrap

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

LINE, WIDE = 45, 354  # characters and pixels of a line: of 12 px on a phone


def next_tokens(
    labels: Sequence[str], probabilities: ArrayLike, model: ArrayLike, *, title: str
) -> Mark:
    """Draw how probable each next token is, beside what the model gave it.

    - `labels`: the tokens, from the likeliest down.
    - `probabilities`: from which the next is drawn, one a label: bars.
    - `model`: what the model gave it, at temperature 1 and uncut: upright strokes.
    - `title`: what the mark shows.

    Raises ValueError if there is not one probability from 0 to 1 for each label.
    """
    drawn, given = np.asarray(probabilities), np.asarray(model)
    for name, x in (("probabilities", drawn), ("model", given)):
        if x.shape != (len(labels),) or not ((x >= 0) & (x <= 1 + 1e-6)).all():
            raise ValueError(
                f"`{name}` must hold one number from 0 to 1 for each of the "
                f"{len(labels)} labels; got {x}"
            )
    g = titled(title, "bar: drawn from; stroke: model's")
    left, right = 56, WIDTH - 44
    step = (BOTTOM - TOP) / len(labels)
    for share in (0.0, 0.5, 1.0):
        x = left + share * (right - left)
        line(g, [x, TOP], [x, BOTTOM], "rule")
        text(g, x, BOTTOM + 20, number(share, 1), "quiet", "middle")
    text(g, (left + right) / 2, HEIGHT - 6, "probability →", "quiet", "middle")
    for i, (label, p, own) in enumerate(zip(labels, drawn, given, strict=True)):
        y, kind = TOP + step * i, "" if p > 0 else "quiet"
        box = {"x": left, "y": y + step * 0.2, "rx": 2, "class": "blue"}
        element("rect", box | {"width": p * (right - left), "height": step * 0.6}, g)
        at = left + own * (right - left)
        stroke = {"class": "vermilion-line", "stroke-width": 2}
        ends = f"{at:.1f},{y + step * 0.08:.1f} {at:.1f},{y + step * 0.92:.1f}"
        element("polyline", stroke | {"points": ends}, g)
        text(g, left - 8, y + step / 2 + 5, label, kind, "end")
        shown = number(p) if p > 0 else "cut"
        text(g, WIDTH, y + step / 2 + 5, shown, kind, "end")
    pairs = zip(labels, drawn, strict=True)
    listed = ", ".join(f"{label} {number(p)}" for label, p in pairs if p > 0)
    return Mark(g, f"{title}: {listed}.")


def writings(start: str, continuations: Sequence[str], *, title: str) -> Mark:
    """Show how a model goes on with a text, several times.

    - `start`: what was there.
    - `continuations`: what was written, about 120 characters each, four at most.
    - `title`: what the mark shows.
    """
    row = 18
    g = titled(title, f"after “…{start[-32:]}”")
    y = TOP + 14.0
    for words in continuations:
        for shown in wrap(words.replace("\n", "↵"), LINE):
            text(g, 0, y, shown)
            g[-1].set("style", "font: 13px ui-monospace, monospace")
            y += row
        y += 6
    listed = "; ".join(f"“{words}”" for words in continuations)
    return Mark(g, f"{title}: {listed}.", WIDE, max(HEIGHT, y))
