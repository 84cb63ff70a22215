"""Cut a text into the pieces that a language model reads, and join them again.

Byte pair encoding: a text is its bytes; the pair of neighbours that was learnt first is
joined, again and again, until no pair is left that was learnt.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from unicodedata import category

import numpy as np

from course_utils.validation import as_indices

# A byte that is a visible character stands for itself, the other 68 for those from 256.
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
HIDDEN = [byte for byte in range(256) if byte not in VISIBLE]
LETTER = {b: chr(b) for b in VISIBLE} | {b: chr(256 + i) for i, b in enumerate(HIDDEN)}
BYTE = {letter: byte for byte, letter in LETTER.items()}
# Pairs are joined inside a word only. A space belongs to the word behind it.
BLANK = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WORD = re.compile(
    rf"'(?:s|t|re|ve|m|ll|d)| ?[^\W_]+| ?(?:(?![{BLANK}])[\W_])+"
    rf"|[{BLANK}]+(?![^{BLANK}])|[{BLANK}]+"
)


class BytePairs:
    """A tokenizer with the rules of GPT-2, and of SmolLM2: each digit by itself.

    - `pieces`: what each token stands for, its bytes as visible characters.
    - `merges`: the pairs that are joined, as "first second", the first learnt first.
    - `special`: pieces that are never cut, such as "<|im_start|>".

    Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with
    subword units", 2016, section 3.2; on bytes: Radford et al., "Language models are
    unsupervised multitask learners", 2019, section 2.2.

    >>> text = BytePairs([*LETTER.values(), "an", "ban"], ["a n", "b an"])
    >>> text.pieces_of(text.encode("banana"))
    ['ban', 'an', 'a']
    >>> text.decode(text.encode("Größe"))
    'Größe'
    """

    def __init__(
        self, pieces: Sequence[str], merges: Sequence[str], special: Iterable[str] = ()
    ) -> None:
        self.pieces = list(pieces)
        self.number = {piece: i for i, piece in enumerate(self.pieces)}
        self.rank = {tuple(pair.split(" ")): i for i, pair in enumerate(merges)}
        self.special = set(special)
        listed = sorted(map(re.escape, self.special), key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(listed)})" if listed else "(?!)")

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text; bytes without a piece are left out."""
        found = []
        for part in self._special.split(text):
            found += [part] if part in self.special else self._cut(part)
        return [self.number[piece] for piece in found]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; bytes that are no character become "�"."""
        tokens = as_indices("tokens", np.array(list(tokens), int), 0, len(self.pieces))
        data = b"".join(self._bytes(self.pieces[token]) for token in tokens)
        return data.decode(errors="replace")

    def pieces_of(self, tokens: Iterable[int]) -> list[str]:
        """Return the text of each token by itself."""
        return [self.decode([token]) for token in tokens]

    def merge(self, parts: Sequence[str]) -> list[str]:
        """Join neighbours, the pair that was learnt first before all others."""
        parts = list(parts)
        while pairs := [pair for pair in pairwise(parts) if pair in self.rank]:
            pair, joined = min(pairs, key=self.rank.get), []
            for part in parts:
                if joined and (joined[-1], part) == pair:
                    joined[-1] += part
                else:
                    joined.append(part)
            parts = joined
        return parts

    def _cut(self, text: str) -> Iterator[str]:
        for is_number, run in groupby(text, key=lambda c: category(c)[0] == "N"):
            part = "".join(run)
            for word in part if is_number else WORD.findall(part):
                letters = [LETTER[byte] for byte in word.encode()]
                yield from self.merge([x for x in letters if x in self.number])

    def _bytes(self, piece: str) -> bytes:
        if piece in self.special:
            return piece.encode()
        return bytes(BYTE[letter] for letter in piece)
