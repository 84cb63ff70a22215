"""Texts on which tokenizers have disagreed: spaces, scripts, marks, digits."""

ODD = [
    "", " ", "  ", "\n", "\t\n  a", "a  b   c ", "  \n\n x", "don't we'll I've it's 'S",
    "1234 5.67 ½ ² Ⅷ ٣ 一二三 x²y", "naïve café Größe", "e\u0301 combining", "日本語の文",
    "Привет, мир!", "שלום", "مرحبا بالعالم", "สวัสดี", "한국어", "🙂👩‍👩‍👧🇨🇭 ok", "a_b __x__",
    "\x00\x1c\x1d\x85\xa0 x", "\u2028\u2029\u3000y \u200b z", "x" * 120, "ab" * 60,
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|", "https://a.b/c?d=e#f", "”—…« »",
]  # fmt: skip
