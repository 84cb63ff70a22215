"""Record what the language model of lesson 17 does with the prologue's sentence.

    python3 tools/make_look_back.py

Needs `course.py models`. The model runs on the functions of the course, as in
lesson 17. With the models, the tests record it again and compare.
"""

import re

import numpy as np
from numpy.typing import NDArray

from course_utils.data.look_back import SENTENCE, STORED
from course_utils.models.byte_pairs import BytePairs
from course_utils.models.language_model import LanguageModel, load
from course_utils.models.published import find
from course_utils.softmax import softmax

BLOT = "___"
HEAD = (18, 6)  # layer and head: the strongest of those that look behind an equal token
# All that were tried; Vexolin came first.
NAMES = (
    "Vexolin",
    "Brumat",
    "Dorvik",
    "Talvane",
    "Quillby",
    "Ostrava",
    "Zembrel",
    "Krunnet",
    "Haldrik",
    "Morvane",
    "Pellick",
    "Sturvin",
    "Tarsk",
    "Wendolf",
    "Grimbel",
    "Farnock",
    "Ulvane",
    "Bexley",
    "Jorvath",
    "Lundrick",
)


def blot(words: list[str], i: int) -> str:
    """Return the sentence with the letters of one word replaced."""
    blotted = re.sub(r"\w+", BLOT, words[i])
    return " ".join([*words[:i], blotted, *words[i + 1 :]])


def last_pieces(text: BytePairs, sentence: str) -> list[int]:
    """Return at which token each word ends."""
    words = sentence.split()
    starts = (" ".join(words[: i + 1]) for i in range(len(words)))
    return [len(text.encode(start)) - 1 for start in starts]


def looks(
    model: LanguageModel, text: BytePairs, sentence: str
) -> dict[str, NDArray | list]:
    """Return what is kept of one sentence, an entry a word."""
    tokens, weights = text.encode(sentence), []
    chances = softmax(model.read(tokens, weights=weights))
    weights = np.stack(weights)  # (layers, heads, n, n)
    kept = {"places": last_pieces(text, sentence), "pieces": text.pieces_of(tokens)}
    kept |= {"rows": [], "heads": [], "following": [], "percent": []}
    for place in kept["places"]:
        row = weights[*HEAD, place, : place + 1]
        best = np.argsort(-chances[place])[:5]
        kept["rows"].append(row)
        kept["heads"].append(weights[:, :, place, row.argmax()])
        kept["following"].append([text.decode([int(i)]) for i in best])
        kept["percent"].append(100 * chances[place, best])
    return kept


def record(model: LanguageModel, text: BytePairs) -> dict[str, NDArray]:
    """Return all that is stored, as arrays."""
    words = SENTENCE.split()
    kept = [looks(model, text, SENTENCE)]
    kept += [looks(model, text, blot(words, i)) for i in range(len(words) - 1)]
    n = max(len(x["pieces"]) for x in kept)

    def filled(row: NDArray) -> NDArray:
        return np.pad(row, (0, n - len(row)))

    def in_steps(x: list) -> NDArray:
        return np.round(255 * np.array(x)).astype(np.uint8)

    labels = ["nothing", *(f"{i} {x}" for i, x in enumerate(words[:-1], 1))]
    pieces = [x["pieces"] + [""] * (n - len(x["pieces"])) for x in kept]
    return {
        "blotted": np.array([re.sub(r"[^\w ]", "", x) for x in labels]),
        "pieces": np.array(pieces),
        "places": np.array([x["places"] for x in kept]),
        "rows": in_steps([[filled(row) for row in x["rows"]] for x in kept]),
        "heads": in_steps([x["heads"] for x in kept]),
        "following": np.array([x["following"] for x in kept]),
        "percent": np.round([x["percent"] for x in kept]).astype(np.uint8),
        **names(model, text),
    }


def names(model: LanguageModel, text: BytePairs) -> dict[str, NDArray]:
    """Return how likely each name comes again, with and without its first mention."""
    pieces, percent = [], []
    for name in NAMES:
        first, second, *_ = text.encode(f" {name}")
        stem = text.decode([first]).strip()
        pieces.append(text.decode([second]))
        told = SENTENCE.replace("Vexolin", name)[: -len("V")] + stem
        ways = (told, told.replace(name, BLOT, 1))
        chances = [softmax(model.read(text.encode(x))[-1])[second] for x in ways]
        percent.append(100 * np.array(chances))
    return {
        "names": np.array(NAMES),
        "name_pieces": np.array(pieces),
        "name_percent": np.round(percent).astype(np.uint8),
    }


if __name__ == "__main__":
    np.savez_compressed(
        STORED, **record(*load(find("SmolLM2-135M-Instruct.Q4_1.gguf")))
    )
    print(f"{STORED.name}: {STORED.stat().st_size:,} bytes")
