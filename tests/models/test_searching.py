"""Matching words, and the texts and questions that lesson 16 searches."""

import inspect
import math

import numpy as np
import pytest

import course_utils
from course_utils.data.pronouns import pronoun_pairs
from course_utils.models.searching import bm25, toolbox
from course_utils.models.word_piece import words


def test_bm25_is_its_formula():
    documents = [["a", "b", "a"], ["b"], ["c", "c", "b", "d", "d"]]
    scores = bm25(["a", "b", "x"], documents, k=1.2, b=0.5)
    for text, score in zip(documents, scores, strict=True):
        expected = 0.0
        for word in ("a", "b", "x"):
            holding = sum(word in other for other in documents)
            rarity = math.log(1 + (3 - holding + 0.5) / (holding + 0.5))
            often = text.count(word)
            damping = 1.2 * (0.5 + 0.5 * len(text) / 3)
            expected += rarity * often * 2.2 / (often + damping)
        assert score == pytest.approx(expected)


def test_a_rare_word_counts_more_and_a_text_without_any_nothing():
    scores = bm25(["rare", "all"], [["rare"], ["all"], ["all"], ["none"]])
    assert scores[0] > scores[1] > scores[3] == 0


def test_a_word_that_is_asked_twice_counts_once():
    documents = [["a", "b"], ["b", "c"]]
    np.testing.assert_array_equal(bm25(["a", "a"], documents), bm25(["a"], documents))


def test_the_toolbox_says_what_the_functions_say():
    """Else run tools/make_toolbox.py, and build lesson 16 where the model is."""
    functions, questions = toolbox()
    for name, sentence in functions.items():
        text = inspect.getdoc(getattr(course_utils, name)).split("\n\n")[0]
        assert sentence == " ".join(text.split()), name
    assert len(questions) == 15
    for question, answers in questions.items():
        assert answers
        assert set(answers) <= set(functions)
        assert not any(name in question for name in answers if "_" in name)


def test_every_pair_differs_in_the_word_that_decides():
    pairs = pronoun_pairs()
    assert len(pairs) == len({x.sentence for x in pairs}) == 16
    for pair in pairs:
        assert pair.sentence.count("{}") == 1
        one, other = map(words, pair.both)
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 1
        for noun in (pair.first, pair.second):
            assert one.count(noun) == 1
        assert pair.pronoun in one
