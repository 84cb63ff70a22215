"""That the book is there, clean, and is what the program makes of its source."""

import gzip

import numpy as np
import pytest

from course_utils.data.alice import alice, characters
from tools import make_alice

RAW = (
    "\n\n   ALICE\r\n\r\nCHAPTER I\r\n\r\nDown  the\r\nHole\r\n\r\n * * *\r\n\r\n"
    "`_Oh_ dear!' [later\r\neditions]\r\n\x1a"
)


def test_the_book_is_there():
    text = alice()
    assert text.startswith("CHAPTER I\nDown the Rabbit-Hole\nAlice was beginning")
    assert text.endswith("happy summer days.\nTHE END\n")
    assert text.count("CHAPTER ") == 12
    assert len(text) == 142_219


def test_nothing_is_left_of_how_it_was_typed():
    text = alice()
    assert not set("\r\x1a\t`_*[]") & set(text)
    assert "  " not in text
    assert "\n\n" not in text
    assert "\n " not in text
    assert " \n" not in text


def test_the_program_cleans_as_it_says():
    assert (
        make_alice.cleaned(RAW)
        == "CHAPTER I\nDown the Hole\n'Oh dear!' later editions\n"
    )


def test_what_is_shipped_is_as_the_program_writes_it():
    stored = make_alice.ALICE.read_bytes()
    assert gzip.compress(gzip.decompress(stored), mtime=0) == stored


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_end_is_held_out(share):
    text = alice()
    alphabet, learn, held_out = characters(text, share)
    both = np.concatenate([learn, held_out])
    assert "".join(alphabet[i] for i in both) == text
    assert list(alphabet) == sorted(set(text))
    assert alphabet[learn[-1]] == "\n"
    assert len(learn) / len(text) == pytest.approx(share, abs=0.02)
