"""Cut a text into word pieces, as BERT's models that know no capitals do.

Source: Devlin et al., "BERT", 2019, whose published code says which characters count
as what; Wu et al., "Google's neural machine translation system", 2016, for the pieces.
"""

import unicodedata
from collections.abc import Sequence

CHINESE = (  # each character of these blocks is a word
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
LONGEST = 100  # characters of a word that is still cut


def words(text: str) -> list[str]:
    """Return the words of a text, in small letters without accents, and its marks."""
    spaced = "".join(map(_spaced, text))
    parted = unicodedata.normalize("NFD", spaced)  # é becomes e and an accent
    plain = (c for c in parted if unicodedata.category(c) != "Mn")
    # One by one: as a whole, a last Σ would become another letter than one inside.
    marked = (f" {c} " if _is_mark(c) else c.lower() for c in plain)
    return "".join(marked).split()


def _spaced(c: str) -> str:
    """Return a character with space around it if it is a word, or what replaces it."""
    if c in "\t\n\r" or unicodedata.category(c) == "Zs":
        return " "
    if c == "\ufffd" or unicodedata.category(c).startswith("C"):
        return ""  # nothing that can be seen
    is_word = any(first <= ord(c) <= last for first, last in CHINESE)
    return f" {c} " if is_word else c


def _is_mark(c: str) -> bool:
    """Say whether a character is a punctuation mark, or one such as $ + ^."""
    if c.isascii():
        return c.isprintable() and not c.isalnum() and c != " "
    return unicodedata.category(c).startswith("P")


class WordPiece:
    """Cuts each word into the longest pieces that are known, from the left.

    A text that says "[CLS]" is cut like any other, and does not become that token, as
    it does where the published tokenizer is used as it comes.

    - `pieces`: all known pieces, in the order of their numbers. One that goes on
      within a word begins with ##.

    >>> cut = WordPiece(["[CLS]", "[SEP]", "[UNK]", "em", "##bed", "##ding", "!"])
    >>> cut.pieces_of("Embedding!"), cut("embed!")
    (['em', '##bed', '##ding', '!'], [0, 3, 4, 6, 1])
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = list(pieces)
        self._number = {piece: i for i, piece in enumerate(pieces)}

    def __call__(self, text: str, most: int = 256) -> list[int]:
        """Return the numbers of a text's tokens, at most as many, with both ends."""
        inner = self.pieces_of(text)[: most - 2]
        return [self._number[x] for x in ("[CLS]", *inner, "[SEP]")]

    def pieces_of(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        return [piece for word in words(text) for piece in self._cut(word)]

    def _cut(self, word: str) -> list[str]:
        found, start = [], 0
        while start < len(word) <= LONGEST:
            ends = range(len(word), start, -1)
            tries = (("##" if start else "") + word[start:end] for end in ends)
            piece = next((x for x in tries if x in self._number), None)
            if piece is None:
                return ["[UNK]"]
            found.append(piece)
            start += len(piece.removeprefix("##") if start else piece)
        return found or ["[UNK]"]
