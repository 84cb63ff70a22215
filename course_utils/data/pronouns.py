"""Pairs of sentences that differ in one word, which decides whom a pronoun means."""

import csv
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """One sentence with a gap, and two words for it.

    - `sentence`: with {} where the word goes.
    - `pronoun`: the last one of this spelling is meant.
    - `first`, `second`: the nouns that it may stand for.
    - `means_first`, `means_second`: with this word, it stands for that noun.
    """

    sentence: str
    pronoun: str
    first: str
    second: str
    means_first: str
    means_second: str

    @property
    def both(self) -> tuple[str, str]:
        """The two sentences: the pronoun means the first noun, then the second."""
        return (
            self.sentence.format(self.means_first),
            self.sentence.format(self.means_second),
        )


def pronoun_pairs() -> list[Pair]:
    """Return sixteen pairs, made for this course.

    Their form: Levesque, Davis and Morgenstern, "The Winograd schema challenge", 2012.

    >>> pronoun_pairs()[0].both[1]
    'The cat sat on the mat because it was clean.'
    """
    path = Path(__file__).with_name("pronouns.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return [Pair(**row) for row in csv.DictReader(file)]
