"""Numbers in two languages: what is said, in which order, and how it becomes tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.data.number_words import (
    ENGLISH,
    GERMAN,
    LARGEST,
    STOP,
    alignment,
    draw_numbers,
    encode,
    english,
    german,
)

numbers = st.integers(1, LARGEST) | st.integers(1, 2000)
VALUES = {word: i + 1 for i, word in enumerate(ENGLISH[:19])}
VALUES |= {word: 20 + 10 * i for i, word in enumerate(ENGLISH[19:27])}
WERTE = {word: i + 1 for i, word in enumerate(GERMAN[2:21])} | {"eins": 1, "eine": 1}
WERTE |= {word: 20 + 10 * i for i, word in enumerate(GERMAN[21:29])}
POWERS = {"thousand": 10**3, "million": 10**6, "tausend": 10**3}
POWERS |= {"Million": 10**6, "Millionen": 10**6}


def value(words, values):
    """Read a number back from its words."""
    total, group = 0, 0
    for word in words:
        if word in POWERS:
            total, group = total + group * POWERS[word], 0
        elif word in ("hundred", "hundert"):
            group *= 100
        elif word not in ("and", "und"):
            group += values[word]
    return total + group


@given(numbers)
def test_both_languages_say_the_number(number):
    assert value(english(number), VALUES) == number
    assert value(german(number), WERTE) == number


@pytest.mark.parametrize(
    ("number", "said", "sagt"),
    [
        (1, "one", "eins"),
        (54, "fifty four", "vier und fünfzig"),
        (20, "twenty", "zwanzig"),
        (101, "one hundred and one", "ein hundert eins"),
        (1017, "one thousand and seventeen", "ein tausend siebzehn"),
        (1_000_000, "one million", "eine Million"),
        (
            21_000_030,
            "twenty one million and thirty",
            "ein und zwanzig Millionen dreißig",
        ),
    ],
)
def test_what_is_said(number, said, sagt):
    assert " ".join(english(number)) == said
    assert " ".join(german(number)) == sagt


@given(numbers)
def test_the_alignment_leads_from_each_word_to_the_one_it_translates(number):
    places = alignment(number)
    words, said = german(number), english(number)
    assert len(places) == len(words)
    named = WERTE | POWERS | {"hundert": "hundred"}
    meant = VALUES | POWERS | {"hundred": "hundred"}
    for word, place in zip(words, places, strict=True):
        assert (place == -1) == (word == "und")
        assert word == "und" or meant[said[place]] == named[word]
    translated = [place for place in places if place >= 0]
    assert len(set(translated)) == len(translated)


@given(st.lists(st.integers(100, 999).filter(lambda n: n % 100 > 20 and n % 10)))
def test_tokens_are_the_words_and_padding_is_behind_the_stop(drawn):
    drawn = [*drawn, 121]
    source, target = encode(drawn)
    for number, read, write in zip(drawn, source, target, strict=True):
        assert [ENGLISH[i] for i in read] == english(number)
        written = [*german(number), GERMAN[STOP]]
        assert [GERMAN[i] for i in write[: len(written)]] == written
        assert (write[len(written) :] == -1).all()


def test_sentences_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"as many English words each; got \[1, 2\]"):
        encode([4, 54])


@pytest.mark.parametrize("number", [0, -5, LARGEST + 1])
def test_what_has_no_words_here_is_refused(number):
    with pytest.raises(ValueError, match=f"from 1 to 999,999,999; got {number}"):
        english(number)


def test_nothing_that_is_tested_was_learnt():
    parts = draw_numbers(np.random.default_rng(1), 2000)
    again = draw_numbers(np.random.default_rng(1), 2000)
    assert parts == again
    for is_test, part in zip((False, True), parts, strict=True):
        for length, drawn in part.items():
            assert all((n % 7 == 0) == is_test for n in drawn)
            assert {len(english(n)) for n in drawn} == {length}
            assert len(set(drawn)) == len(drawn)
