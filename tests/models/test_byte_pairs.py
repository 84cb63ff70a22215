"""The tokenizer: what is cut can be joined, and as the tokenizers package cuts it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import ODD

from course_utils.models.byte_pairs import LETTER, BytePairs

MERGES = ["Ġ t", "h e", "Ġt he", "a n", "an an", "Ã ¶"]
BYTES = list(LETTER.values())
SMALL = BytePairs(
    [*BYTES, *(x.replace(" ", "") for x in MERGES), "<end>"], MERGES, ["<end>"]
)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(ODD))
def test_what_is_cut_can_be_joined(text):
    assert SMALL.decode(SMALL.encode(text)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("the then", ["t", "he", " the", "n"]),
        ("bananan", ["b", "anan", "an"]),
        (" the  the", [" the", " ", " the"]),
        ("12", ["1", "2"]),
        ("t he", ["t", " ", "he"]),
        ("the<end>he", ["t", "he", "<end>", "he"]),
        ("ö", ["ö"]),
        ("an'an", ["an", "'", "an"]),
    ],
)
def test_pairs_are_joined_in_the_order_in_which_they_were_learnt(text, pieces):
    assert SMALL.pieces_of(SMALL.encode(text)) == pieces


def test_half_a_character_is_shown_as_such():
    assert SMALL.decode(SMALL.encode("ä")[:1]) == "�"


def test_a_byte_that_has_no_piece_is_left_out():
    pieces = [x for x in SMALL.pieces if x != LETTER[0]]
    text = BytePairs(pieces, MERGES)
    assert text.decode(text.encode("t\0he\0")) == "the"


@pytest.mark.parametrize("tokens", [[-1], [len(SMALL.pieces)]])
def test_a_token_that_is_not_there_is_named(tokens):
    with pytest.raises(ValueError, match=re.escape(str(tokens[0]))):
        SMALL.decode(tokens)


@pytest.mark.oracle
def test_texts_are_cut_as_the_tokenizers_package_cuts_them(odd_texts):
    pytest.importorskip("tokenizers")
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    theirs = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([digits, letters])
    special = ["<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        special_tokens=special,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    theirs.train_from_iterator(odd_texts, trainer)
    found = json.loads(theirs.to_str())["model"]
    pieces = sorted(found["vocab"], key=found["vocab"].get)
    ours = BytePairs(pieces, [" ".join(pair) for pair in found["merges"]], special)
    wrong = [x for x in odd_texts if ours.encode(x) != theirs.encode(x).ids]
    assert len(odd_texts) > 500
    assert wrong[:3] == []
