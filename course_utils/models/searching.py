"""Search a few texts: by the words that match, and what is searched in lesson 16."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils import data
from course_utils.validation import Floats

TOOLBOX = Path(data.__file__).with_name("toolbox.json")


def toolbox() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return what each function of the course does, and fifteen questions.

    Returns the first sentence of each function by its name, and by each question the
    names of the functions that answer it, written down before any search ran.
    """
    stored = json.loads(TOOLBOX.read_text(encoding="utf-8"))
    return stored["functions"], stored["questions"]


def bm25(
    query: Sequence[str],
    documents: Sequence[Sequence[str]],
    *,
    k: float = 1.5,
    b: float = 0.75,
) -> Floats:
    """Score documents by the words that they share with a query; rare words count more.

    - `query`: words.
    - `documents`: the words of each.
    - `k`: how much a word that comes again counts: not at all at 0.
    - `b`: how far a long document is held back, from 0 to 1.

    Returns a score for each document, 0 if it shares no word.

    Source: Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and
    beyond", 2009, section 3.4, with a logarithm that is never negative.

    >>> bm25(["cat"], [["a", "cat"], ["a", "dog"]]).round(2)
    array([0.69, 0.  ])
    """
    counts = [Counter(words) for words in documents]
    sizes = np.array([len(words) for words in documents])
    damping = k * (1 - b + b * sizes / sizes.mean())
    scores = np.zeros(len(documents))
    for word in set(query):
        often = np.array([count[word] for count in counts])
        holding = (often > 0).sum()
        rarity = np.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        scores += rarity * often * (k + 1) / (often + damping)
    return scores
