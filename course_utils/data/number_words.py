"""Numbers in English and in German words: a small translation whose order swaps.

German says the ones before the tens, "fifty four" is "vier und fünfzig", and leaves
out the "and" after the hundreds. Its words are written apart here, which Germans do
not do, so that each is a token. Every number from 1 to 999,999,999 has one translation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from course_utils.validation import check_integer, check_rng

Tokens = NDArray[np.int64]
LARGEST = 999_999_999
STOP, START = 0, 1  # the first two German tokens; padding of a target is −1

_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen"]
_TEENS += ["fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EINER = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
_ZEHNER = ["zehn", "elf", "zwölf", "dreizehn", "vierzehn"]
_ZEHNER += ["fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]
_ZIGER = ["zwanzig", "dreißig", "vierzig", "fünfzig"]
_ZIGER += ["sechzig", "siebzig", "achtzig", "neunzig"]

ENGLISH = (*_ONES, *_TEENS, *_TENS, "hundred", "and", "thousand", "million")
GERMAN = ("<stop>", "<start>", *_EINER, *_ZEHNER, *_ZIGER, "eins", "eine", "hundert")
GERMAN += ("und", "tausend", "Million", "Millionen")
_ENGLISH_AT = {word: i for i, word in enumerate(ENGLISH)}
_GERMAN_AT = {word: i for i, word in enumerate(GERMAN)}


def english(number: int) -> list[str]:
    """Say a number in English words.

    >>> " ".join(english(321_054))
    'three hundred and twenty one thousand and fifty four'
    """
    return [word for word, _, _ in _english(number)]


def german(number: int) -> list[str]:
    """Say a number in German words.

    >>> " ".join(german(321_054))
    'drei hundert ein und zwanzig tausend vier und fünfzig'
    """
    return [word for word, _, _ in _german(number)]


def alignment(number: int) -> list[int]:
    """Return for each German word the position of the English word that it translates.

    "und" translates none, and gets −1.

    >>> alignment(54)  # vier, und, fünfzig
    [1, -1, 0]
    """
    places = {(group, part): i for i, (_, group, part) in enumerate(_english(number))}
    return [
        -1 if part == "und" else places[group, part]
        for _, group, part in _german(number)
    ]


def encode(numbers: Sequence[int]) -> tuple[Tokens, Tokens]:
    """Return numbers as tokens: English ones to read, German ones to write.

    - `numbers`: whose English sentences all have one length.

    Returns the source, shape (batch, n), and the target, shape (batch, longest): the
    German words and STOP, then −1, which marks a place without an answer.

    >>> source, target = encode([54, 91])
    >>> [[GERMAN[i] for i in row] for row in target][1]
    ['ein', 'und', 'neunzig', '<stop>']
    """
    sources = [[_ENGLISH_AT[word] for word in english(n)] for n in numbers]
    lengths = sorted({len(source) for source in sources})
    if len(lengths) != 1:
        raise ValueError(
            f"`numbers` must have as many English words each; got {lengths} words"
        )
    targets = [[_GERMAN_AT[word] for word in german(n)] + [STOP] for n in numbers]
    padded = np.full((len(targets), max(map(len, targets))), -1)
    for row, target in zip(padded, targets, strict=True):
        row[: len(target)] = target
    return np.array(sources), padded


def draw_numbers(
    rng: np.random.Generator, count: int
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Draw numbers, sorted by how many English words they have.

    Each of the three groups of digits has hundreds, and what is below them, with a
    chance of one half, so that short and long sentences come up. Multiples of 7 are
    kept for the test, and nothing else is in it.

    - `rng`: the generator to draw from.
    - `count`: how many are drawn; equal ones are kept once.

    Returns the numbers to learn from and those of the test, for each length.

    >>> learn, test = draw_numbers(np.random.default_rng(0), 1000)
    >>> test[1], max(learn)
    ([7], 17)
    """
    count = check_integer("count", count, least=1)
    parts = check_rng("rng", rng).integers([10, 100] * 3, size=(count, 6))
    parts *= rng.integers(2, size=parts.shape)
    numbers = np.unique(parts @ [10**8, 10**6, 10**5, 10**3, 10**2, 1])
    sorted_out: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
    for n in numbers[numbers > 0].tolist():
        sorted_out[n % 7 == 0].setdefault(len(english(n)), []).append(n)
    return sorted_out


def _groups(number: int) -> list[tuple[int, int]]:
    """Return the groups of three digits that are not 0, with the power of 1,000."""
    if not 1 <= check_integer("number", number) <= LARGEST:
        raise ValueError(f"`number` must be from 1 to {LARGEST:,}; got {number}")
    groups = [(power, number // 1000**power % 1000) for power in (2, 1, 0)]
    return [(power, part) for power, part in groups if part]


def _english(number: int) -> list[tuple[str, int, str]]:
    """Return the English words, each with its group and the part that it says."""
    words = []
    for power, part in _groups(number):
        hundreds, rest = divmod(part, 100)
        if hundreds:
            words += [(_ONES[hundreds - 1], power, "hundreds")]
            words += [("hundred", power, "hundred")]
        if rest and (hundreds or (power == 0 and number >= 1000)):
            words += [("and", power, "and")]
        if 10 <= rest < 20:
            words += [(_TEENS[rest - 10], power, "ones")]
        else:
            tens, ones = divmod(rest, 10)
            words += [(_TENS[tens - 2], power, "tens")] if tens else []
            words += [(_ONES[ones - 1], power, "ones")] if ones else []
        words += [(("", "thousand", "million")[power], power, "power")] if power else []
    return words


def _german(number: int) -> list[tuple[str, int, str]]:
    """Return the German words, each with its group and the part that it says."""
    words = []
    for power, part in _groups(number):
        hundreds, rest = divmod(part, 100)
        tens, ones = divmod(rest, 10)
        if hundreds:
            words += [(_EINER[hundreds - 1], power, "hundreds")]
            words += [("hundert", power, "hundred")]
        if 10 <= rest < 20:
            words += [(_ZEHNER[rest - 10], power, "ones")]
        elif rest == 1:  # a one that stands alone is inflected
            eine = part == 1 and power == 2
            words += [("eine" if eine else "ein" if power else "eins", power, "ones")]
        else:
            words += [(_EINER[ones - 1], power, "ones")] if ones else []
            words += [("und", power, "und")] if ones and tens else []
            words += [(_ZIGER[tens - 2], power, "tens")] if tens else []
        millions = "Million" if part == 1 else "Millionen"
        words += [(("", "tausend", millions)[power], power, "power")] if power else []
    return words
