import numpy as np
import pytest

from course_utils.data.look_back import SENTENCE, STORED, look_back, names_again
from course_utils.models.language_model import load
from course_utils.models.published import find
from tools.make_look_back import BLOT, last_pieces, record


def test_each_look_is_at_a_word_and_adds_up():
    words = SENTENCE.split()
    for blotted, looks in look_back().items():
        assert len(looks) == len(words)
        assert (BLOT in "".join(looks[0].pieces)) == (blotted != "nothing")
        for word, look in zip(words, looks, strict=True):
            last = look.pieces[len(look.row) - 1].strip()
            assert last in word or BLOT[0] in last, blotted
            assert look.row.sum() == pytest.approx(1, abs=len(look.row) / 255)
            assert look.heads.shape == (30, 9)
            assert look.heads.max() <= 1
            chances = list(look.following.values())
            assert chances == sorted(chances, reverse=True)
            assert sum(chances) <= 1.03


def test_a_word_ends_where_the_text_up_to_it_ends():
    class Letters:
        def encode(self, text):
            return list(text)

    assert last_pieces(Letters(), "ab c") == [1, 3]


def test_what_is_stored_is_small():
    assert STORED.stat().st_size < 200_000


@pytest.mark.models
def test_the_model_does_it_again():
    again = record(*load(find("SmolLM2-135M-Instruct.Q4_1.gguf")))
    with np.load(STORED) as stored:
        assert set(again) == set(stored)
        for name, kept in stored.items():
            if kept.dtype == np.uint8:  # steps of 1/255 or 1/100, and float32 rounds
                gap = np.abs(kept.astype(int) - again[name].astype(int))
                assert gap.max() <= 1, name
            elif name == "following":  # those that are as likely may change places
                same = (kept == again[name])[again["percent"] > 1]
                assert same.mean() > 0.97
            else:
                np.testing.assert_array_equal(kept, again[name])
    assert names_again()[0][0] in SENTENCE
