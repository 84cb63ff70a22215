"""Alice's Adventures in Wonderland, a text small enough to learn from in seconds."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]


def alice() -> str:
    r"""Return the book by Lewis Carroll, 1865: a paragraph a line, straight quotes.

    The README beside this file says where the text comes from.

    >>> alice()[:51]
    'CHAPTER I\nDown the Rabbit-Hole\nAlice was beginning '
    """
    return gzip.decompress(
        Path(__file__).with_name("alice.txt.gz").read_bytes()
    ).decode("ascii")


def characters(text: str, share: float = 0.9) -> tuple[str, Tokens, Tokens]:
    r"""Number the characters of a text, and hold the end of it out.

    - `text`: at least two lines.
    - `share`: about how much of it is to learn from; the cut is at the end of a line.

    Returns the alphabet, the sorted characters of the whole text; and, as places in it,
    those to learn from and those held out.

    >>> alphabet, learn, held_out = characters("abba\ncab\n", share=0.5)
    >>> alphabet, learn, held_out
    ('\nabc', array([1, 2, 2, 1, 0]), array([3, 1, 2, 0]))
    """
    alphabet = "".join(sorted(set(text)))
    cut = text.index("\n", int(share * len(text))) + 1
    tokens = np.array([alphabet.index(c) for c in text])
    return alphabet, tokens[:cut], tokens[cut:]
