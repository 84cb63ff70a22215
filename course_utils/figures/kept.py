"""A mark that shows which tokens several rankings keep, and whether an answer lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_utils._numbers import number
from course_utils.figures.svg import TOP, Mark, element, text, titled

NAME, TILE, ROW = 124, 22, 58  # the width of a name and of a tile, a row's height
BAR = 120  # the longest bar
RIGHT, WRONG = "✓", "✗"


@dataclass(frozen=True)
class Kept:
    """What one ranking keeps, what the model then says, and how often that is right.

    - `tokens`: booleans, which tokens are kept, shape (n,).
    - `says`: the model's answer.
    - `share`: the share of right answers to many sequences.
    """

    tokens: ArrayLike
    says: str
    share: float


def kept(
    rankings: Mapping[str, Kept], tokens: Sequence[str], *, right: str, title: str
) -> Mark:
    """Draw a row of tokens for each ranking, of which those not kept are blotted out.

    - `rankings`: by name, what each keeps.
    - `tokens`: the tokens of one sequence.
    - `right`: the right answer to it.
    - `title`: what the mark shows.

    Raises ValueError if a ranking has not one boolean for each token, or its share is
    not from 0 to 1.
    """
    n, words = len(tokens), []
    says, bars = NAME + 14, NAME + 74
    g = titled(title)
    text(g, says, 36, "says", "quiet")
    text(g, bars, 36, "right, of all words", "quiet")
    for j, token in enumerate(tokens):
        text(g, TILE * (j + 0.5), TOP + 6, token, "quiet", "middle")
    for i, (name, row) in enumerate(rankings.items()):
        shown = np.asarray(row.tokens)
        if shown.shape != (n,) or shown.dtype != bool:
            raise ValueError(f"{name!r} must keep or not each of {n} tokens")
        if not 0 <= row.share <= 1:
            raise ValueError(f"{name!r} must be right from 0 to 1; got {row.share}")
        y = TOP + 14 + ROW * i
        text(g, 0, y + 15, name)
        for j, token in enumerate(tokens):
            box = {"x": TILE * j + 1, "y": y + 22, "rx": 3, "height": 24}
            box |= {"width": TILE - 2, "class": "blue" if shown[j] else "grey"}
            element("rect", box | {"fill-opacity": 0.28 if shown[j] else 0.75}, g)
            if shown[j]:
                text(g, TILE * (j + 0.5), y + 39, token, "strong", "middle")
        mark = RIGHT if row.says == right else WRONG
        text(g, says, y + 15, f"{row.says} {mark}", "strong")
        box = {"x": bars, "y": y + 2, "height": 17, "rx": 2}
        element("rect", box | {"width": BAR, "class": "grey", "fill-opacity": 0.15}, g)
        bar = box | {"width": max(1, BAR * row.share), "class": "bar blue"}
        element("rect", bar, g)
        text(g, bars + BAR + 6, y + 15, number(row.share))
        left = " ".join(t for t, keep in zip(tokens, shown, strict=True) if keep)
        words.append(
            f"{name} keeps {left or 'nothing'}: says {row.says} ({mark}), right "
            f"{number(row.share)}"
        )
    height = TOP + 14 + ROW * len(rankings)
    listed = f"the text is {' '.join(tokens)}; {'; '.join(words)}"
    return Mark(g, f"{title}: {listed}.", max(bars + BAR + 44, TILE * n), height)
