"""A mark that shows a translation word by word, and where each word looked."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from course_utils._numbers import number
from course_utils.figures.svg import TOP, Mark, line, text, titled
from course_utils.figures.weights import AttentionWeights

ROW = 20  # the height of a word
RIVAL, WRITTEN, READ = 118, 226, 272  # where the three lists end, end and begin
SHOWN = 0.05  # the smallest weight that is written beside its word


def translation(
    attention: AttentionWeights,
    *,
    step: int,
    right: Sequence[str],
    rival: Sequence[str],
    rows: int,
    title: str,
) -> Mark:
    """Draw two translations of one sentence up to a step, and the looks of one of them.

    From left to right: what a translator without attention wrote, what one with
    attention wrote, and the sentence that both read. A link from a written word to a
    word that was read is as thick as its weight; those of this step stand out. A wrong
    word has a cross.

    - `attention`: the weights, with the words written as queries, those read as keys.
    - `step`: the word that is being written, counted from 0; later ones are not shown.
    - `right`: the right translation, word by word.
    - `rival`: what the translator without attention wrote.
    - `rows`: how many rows the mark has room for, so that its height stays.
    - `title`: what the mark shows.

    Raises ValueError if there is no such step, or a list is longer than `rows`.
    """
    lists = (attention.queries, attention.keys, right, rival)
    if max(map(len, lists)) > rows:
        raise ValueError(f"rows must be at least {max(map(len, lists))}; got {rows}")
    if not 0 <= step < len(attention.queries):
        raise ValueError(
            f"step must be one of the {len(attention.queries)} words written, counted "
            f"from 0; got {step}"
        )
    g = titled(title)
    text(g, RIVAL, TOP - 12, "without attention", "quiet", "end")
    text(g, WRITTEN, TOP - 12, "with attention", "quiet", "end")
    text(g, READ, TOP - 12, "read", "quiet")
    for i in range(step + 1):
        _links(g, attention, i, now=i == step)
    for i, word in enumerate(attention.queries[: step + 1]):
        _word(g, WRITTEN, i, word, right, strong=i == step)
    for i, word in enumerate(rival[: step + 1]):
        _word(g, RIVAL, i, word, right, strong=i == step)
    looks = attention.weights[step]
    for j, (word, weight) in enumerate(zip(attention.keys, looks, strict=True)):
        shown = f"{word} {number(weight)}" if weight >= SHOWN else word
        text(g, READ, _height(j), shown, "strong" if weight >= 0.5 else "")
    written = ", ".join(
        f"{word} ({mark})" for word, mark in _marked(rival, right, step)
    )
    pairs = zip(attention.keys, looks, strict=True)
    listed = ", ".join(f"{word} {number(w)}" for word, w in pairs if w >= SHOWN)
    words = (
        f"{title}: with attention the word “{attention.queries[step]}” looks at "
        f"{listed}; without attention is written {written or 'nothing more'}."
    )
    return Mark(g, words, READ + 110, TOP + ROW * rows + 8)


def _height(i: int) -> float:
    return TOP + ROW * i + 15


def _marked(
    words: Sequence[str], right: Sequence[str], step: int
) -> list[tuple[str, str]]:
    """Return the words up to a step, each with whether it is right at its place."""
    return [
        (word, "right" if i < len(right) and word == right[i] else "wrong")
        for i, word in enumerate(words[: step + 1])
    ]


def _word(
    parent: ET.Element,
    x: float,
    i: int,
    word: str,
    right: Sequence[str],
    *,
    strong: bool,
) -> None:
    """Write a word that ends at x, with a cross before it if it is wrong."""
    ok = i < len(right) and word == right[i]
    shown = word if ok else f"✗ {word}"
    text(parent, x, _height(i), shown, "strong" if strong else "", "end")
    if not ok:
        parent[-1].set("style", "fill: var(--course-vermilion, #D55E00)")


def _links(
    parent: ET.Element, attention: AttentionWeights, i: int, *, now: bool
) -> None:
    """Draw the links of one written word, faint unless it is written now."""
    for j, weight in enumerate(attention.weights[i]):
        if weight < SHOWN:
            continue
        ends = [WRITTEN + 8, _height(i) - 5], [READ - 8, _height(j) - 5]
        line(parent, *ends, "blue-line" if now else "grey-line")
        parent[-1].set("stroke-width", f"{0.5 + (6 if now else 2) * weight:.2f}")
        parent[-1].set("stroke-opacity", f"{weight if now else 0.4 * weight:.2f}")
