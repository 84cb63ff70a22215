"""How texts are cut into word pieces, by hand and against Hugging Face's tokenizers."""

import json
import re

import pytest

from course_utils.models import minilm
from course_utils.models.published import find
from course_utils.models.word_piece import WordPiece, words

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "em", "##bed", "##ding", "##b", "e", "!"]
# What a tokenizer may stumble over.
ODD = (
    "",
    " ",
    "\n\t",
    "Ünïcödé naïve café — “quotes” …",
    "x²+y³ = π·r² ≠ 0",
    "日本語 and 中文 mixed",
    "don't can't I'm",
    "tab\tnew\nline\u00a0nbsp\u3000wide",
    "emoji 😀👍🏽 end",
    "softmax(QKᵀ/√d_k)V",
    "ſ K ℝ ﬁne",
    "a" * 100,
    "a" * 101,
    "İstanbul ẞ straße ŉ",
    "ΑΣ ΟΔΟΣ Ελληνικά",
    "\u200bzero\u200bwidth \ufffd \x00 \u00ad \x85",
    "$10^5$ `code_utils` #tag @me ~^|",
    "Русский عربى हिन्दी ภาษาไทย 한국어",
    "½ ⅓ Ⅳ ① ٣ ´ ¨ ¸",
    "à la carte; e\u0301 combined",
    "foo\u2028bar \U000e0041",
    "##ing ## #",
    "ǅ ǆ Ǆ",
    "豈 \U00020000 㐀",
    "« « » ¿ ¡ § ¶",
)


def test_the_longest_piece_from_the_left_is_taken():
    cut = WordPiece(PIECES)
    assert cut.pieces_of("Embedding! embe") == ["em", "##bed", "##ding", "!", "[UNK]"]
    assert cut("embed") == [2, 4, 5, 3]
    assert cut("embed embed", most=4) == [2, 4, 5, 3]
    assert cut("") == [2, 3]


def test_a_text_cannot_say_a_special_token():
    assert WordPiece(PIECES)("[SEP]!") == [2, 1, 1, 1, 9, 3]


def test_words_lose_capitals_and_accents_and_are_parted_from_marks():
    assert words("Été, OK?\u00a0中文") == ["ete", ",", "ok", "?", "中", "文"]


def test_a_batch_is_filled_up_behind():
    tokens, lengths = minilm.batch(WordPiece(PIECES), ["embed", "!", ""])
    assert tokens.tolist() == [[2, 4, 5, 3], [2, 9, 3, 0], [2, 3, 0, 0]]
    assert lengths.tolist() == [4, 3, 2]


def paragraphs(root):
    """Return 500 paragraphs of the course, in code and in prose.

    None speaks of the special tokens, which `tokenizers` would take for the tokens.
    """
    sources = sorted((root / "source").rglob("*.py"))
    text = "\n\n".join(x.read_text(encoding="utf-8") for x in sources)
    found = [x for x in re.split(r"\n\s*\n", text) if len(x) > 30]
    found = [x for x in found if not re.search(r"\[(CLS|SEP|PAD|UNK|MASK)\]", x)]
    return found[:: len(found) // 500][:500]


@pytest.mark.oracle
def test_five_hundred_texts_are_cut_as_tokenizers_does(root):
    """With a small vocabulary of the course's own words: no model is needed."""
    tokenizers = pytest.importorskip("tokenizers")
    texts = [*paragraphs(root), *ODD]
    known = sorted({c for x in texts for w in words(x) for c in w})
    some = sorted({w for x in texts[::3] for w in words(x)})
    pieces = [*PIECES[:4], *known, *(f"##{c}" for c in known if c.isalpha()), *some]
    pieces = list(dict.fromkeys([*pieces, *(f"##{w[2:]}" for w in some if w[2:])]))
    reference = tokenizers.BertWordPieceTokenizer(
        {piece: i for i, piece in enumerate(pieces)}, lowercase=True
    )
    cut = WordPiece(pieces)
    assert [x for x in texts if cut(x, 9999) != reference.encode(x).ids] == []


@pytest.mark.models
@pytest.mark.oracle
def test_the_published_vocabulary_cuts_as_tokenizers_does(root):
    tokenizers = pytest.importorskip("tokenizers")
    path = find("tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(str(path))
    reference.no_padding()
    reference.enable_truncation(256)
    cut = minilm.read_vocabulary(path)
    texts = [*paragraphs(root), *ODD]
    assert len(texts) >= 500
    assert [x for x in texts if cut(x) != reference.encode(x).ids] == []
    assert len(cut.pieces) == len(json.loads(path.read_text())["model"]["vocab"])
