"""What a published language model did with one sentence, recorded for the prologue."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SENTENCE = (
    "Captain Vexolin stood at the harbour and looked at the log. "
    "“Good morning,” said Captain V"
)
STORED = Path(__file__).with_name("look_back.npz")


@dataclass(frozen=True)
class Look:
    """What the model did at one word of the sentence, of which one may be blotted out.

    - `pieces`: the tokens of the sentence, up to its end.
    - `row`: how one head spreads its weight over them, up to the word, (place + 1,).
    - `heads`: what each head gives to the token which that one looks at most,
      (30 layers, 9 heads).
    - `following`: the five likeliest next tokens, and how likely each is.
    """

    pieces: list[str]
    row: NDArray[np.float64]
    heads: NDArray[np.float64]
    following: dict[str, float]


def look_back() -> dict[str, list[Look]]:
    """Return what happens at each word, for each word that is blotted out.

    Weights are kept in steps of 1/255. The README beside this file says how it was
    recorded.

    >>> looks = look_back()
    >>> list(looks)[:3], len(looks["nothing"])  # its words
    (['nothing', '1 Captain', '2 Vexolin'], 16)
    >>> looks["nothing"][-1].following["ex"]
    0.98
    """
    with np.load(STORED) as stored:
        kept = dict(stored)
    looks = {}
    for b, blotted in enumerate(kept["blotted"]):
        pieces = [str(x) for x in kept["pieces"][b] if x]
        looks[str(blotted)] = [
            Look(
                pieces,
                kept["rows"][b, w, : place + 1] / 255,
                kept["heads"][b, w] / 255,
                {
                    str(x): int(p) / 100
                    for x, p in zip(
                        kept["following"][b, w], kept["percent"][b, w], strict=True
                    )
                },
            )
            for w, place in enumerate(kept["places"][b])
        ]
    return looks


def names_again() -> list[tuple[str, str, float, float]]:
    """Return what was tried: twenty names in the place of Vexolin.

    Each with the piece that should come next, its probability, and its probability
    where the name's first mention is blotted out.

    >>> names_again()[0]
    ('Vexolin', 'ex', 0.98, 0.16)
    """
    with np.load(STORED) as stored:
        names, pieces, percent = (
            stored[x] for x in ("names", "name_pieces", "name_percent")
        )
    return [
        (str(name), str(piece), int(found) / 100, int(blotted) / 100)
        for name, piece, (found, blotted) in zip(names, pieces, percent, strict=True)
    ]
