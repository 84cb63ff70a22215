"""Synthetic data for the lessons: small tasks whose right answer is known.

Every task that draws takes a `numpy.random.Generator` first, so that the same seed
draws the same data on every machine. Training and test data come from two generators:

    train_rng, test_rng = np.random.default_rng(0).spawn(2)

Tokens are int64 from 0. A target of -1 marks a position that has no right answer;
`cross_entropy` and `accuracy` leave it out.
"""

import numpy as np
from numpy.typing import NDArray

from course_utils.validation import check_integer, check_rng

Tokens = NDArray[np.int64]
Vectors = NDArray[np.float64]

TOKENS = ("the", "cat", "sat", "on", "the", "mat", "because", "it", "was", "tired")
FEATURES = ("article", "thing", "alive", "action", "place", "reason", "state")
# Each token's features, most to least: 2 for what it is, 1 for what it hints at.
MEANINGS = {
    "the": {"article": 2},
    "cat": {"thing": 2, "alive": 2},
    "sat": {"action": 2, "alive": 1},
    "on": {"place": 2},
    "mat": {"thing": 2, "place": 1},
    "because": {"reason": 2},
    "it": {"thing": 2, "alive": 1},
    "was": {"action": 1, "state": 1},
    "tired": {"state": 2, "alive": 2},
}


def little_sentence() -> tuple[tuple[str, ...], tuple[str, ...], Vectors]:
    """Return ten tokens of one sentence, with a small vector for each, made by hand.

    Every component has a name: 2 says what a token is, 1 what it hints at. Equal tokens
    have equal vectors, wherever they stand.

    Returns the tokens, the names of the 7 components, and x, the vectors, float64, of
    shape (10, 7).

    >>> tokens, features, x = little_sentence()
    >>> " ".join(tokens)
    'the cat sat on the mat because it was tired'
    >>> {name: int(n) for name, n in zip(features, x[tokens.index("cat")]) if n}
    {'thing': 2, 'alive': 2}
    """
    rows = [[MEANINGS[token].get(name, 0) for name in FEATURES] for token in TOKENS]
    return TOKENS, FEATURES, np.array(rows, dtype=np.float64)


def shift_task(
    rng: np.random.Generator, batch: int, n: int, *, shift: int, vocabulary: int
) -> tuple[Tokens, Tokens]:
    r"""Draw tokens to be repeated `shift` positions later.

    Position i has to name the token at position i - shift. Tokens are uniform, so
    nothing but the position tells where to look, and a method of telling positions
    apart that has learnt the offset works at any length `n`.

    - `rng`: the generator to draw from.
    - `batch`: how many sequences, at least 1.
    - `n`: their length, above `shift`.
    - `shift`: how far back the answer lies, at least 0.
    - `vocabulary`: how many different tokens, at least 2.

    Returns tokens (batch, n) and targets (batch, n), int64. The first `shift` targets
    of a row are -1.

    >>> tokens, targets = shift_task(
    ...     np.random.default_rng(0), 1, 6, shift=2, vocabulary=10
    ... )
    >>> print(tokens, targets, sep="\n")
    [[8 6 5 2 3 0]]
    [[-1 -1  8  6  5  2]]
    """
    tokens, targets = _shifted(rng, batch, n, (shift,), vocabulary, name="shift")
    return tokens, targets[..., 0]


def two_relations_task(
    rng: np.random.Generator,
    batch: int,
    n: int,
    *,
    offsets: tuple[int, int] = (1, 3),
    vocabulary: int,
) -> tuple[Tokens, Tokens]:
    r"""Draw tokens of which every position has to name two, each at its own offset.

    Position i has to name the tokens at positions i - offsets[0] and i - offsets[1],
    as two separate answers. One head has one row of weights for both, and tends to
    learn one of them and to guess the other. Two heads can learn one each.

    - `rng`: the generator to draw from.
    - `batch`: how many sequences, at least 1.
    - `n`: their length, above both offsets.
    - `offsets`: how far back the two answers lie: two different integers, at least 0.
    - `vocabulary`: how many different tokens, at least 2.

    Returns tokens (batch, n) and targets (batch, n, 2), int64. A target before the
    start of the sequence is -1.

    >>> tokens, targets = two_relations_task(
    ...     np.random.default_rng(0), 1, 6, offsets=(1, 3), vocabulary=10
    ... )
    >>> print(tokens[0], targets[0, :, 0], targets[0, :, 1], sep="\n")
    [8 6 5 2 3 0]
    [-1  8  6  5  2  3]
    [-1 -1 -1  8  6  5]
    """
    if not isinstance(offsets, tuple | list):
        raise TypeError(f"`offsets` must be two integers; got {offsets!r}")
    if len(offsets) != 2 or offsets[0] == offsets[1]:
        raise ValueError(f"`offsets` must be two different integers; got {offsets}")
    return _shifted(rng, batch, n, tuple(offsets), vocabulary, name="offsets")


def lookup_task(
    rng: np.random.Generator,
    batch: int,
    n: int,
    *,
    num_keys: int = 64,
    num_values: int = 16,
) -> tuple[Tokens, Tokens, Tokens, Tokens]:
    """Draw little dictionaries, and one question to each: which value has this key.

    Each row is a dictionary of `n` pairs. Its keys are distinct, its values are not
    always, and the query is one of its keys. The pairs are drawn anew for every row, so
    nothing can be learnt by heart: the answer has to be looked up.

    - `rng`: the generator to draw from.
    - `batch`: how many dictionaries, at least 1.
    - `n`: how many pairs in each, from 1 to `num_keys`.
    - `num_keys`: how many different keys there are, at least 1.
    - `num_values`: how many different values there are, at least 2.

    Returns query (batch,), key (batch, n), value (batch, n) and target (batch,), int64.

    >>> query, key, value, target = lookup_task(
    ...     np.random.default_rng(0), 1, 4, num_keys=9, num_values=5
    ... )
    >>> print(key, value, query, target)
    [[4 5 2 6]] [[2 3 4 3]] [2] [4]
    """
    check_rng("rng", rng)
    batch = check_integer("batch", batch, least=1)
    n = check_integer("n", n, least=1)
    num_keys = check_integer("num_keys", num_keys, least=1)
    num_values = check_integer("num_values", num_values, least=2)
    if n > num_keys:
        raise ValueError(
            f"`n` must be at most num_keys, {num_keys}, for distinct keys; got {n}"
        )
    all_keys = np.broadcast_to(np.arange(num_keys), (batch, num_keys))
    key = rng.permuted(all_keys, axis=1)[:, :n]
    value = rng.integers(num_values, size=(batch, n))
    asked = rng.integers(n, size=(batch, 1))
    query, target = (np.take_along_axis(x, asked, axis=1)[:, 0] for x in (key, value))
    return query, key, value, target


def _unit_vectors(rng: np.random.Generator, n: int, d: int) -> Vectors:
    """Normalised Gaussians: the Gaussian prefers no direction."""
    x = rng.standard_normal((n, d))
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _shifted(
    rng: np.random.Generator,
    batch: int,
    n: int,
    offsets: tuple[int, ...],
    vocabulary: int,
    *,
    name: str,
) -> tuple[Tokens, Tokens]:
    """Tokens, and one target for each offset; `name` is the argument with offsets."""
    check_rng("rng", rng)
    batch = check_integer("batch", batch, least=1)
    n = check_integer("n", n, least=1)
    vocabulary = check_integer("vocabulary", vocabulary, least=2)
    offsets = tuple(check_integer(name, offset, least=0) for offset in offsets)
    if n <= max(offsets):
        raise ValueError(f"`n` must be above {name}, {max(offsets)}; got {n}")
    tokens = rng.integers(vocabulary, size=(batch, n))
    targets = np.full((batch, n, len(offsets)), -1)
    for i, offset in enumerate(offsets):
        targets[:, offset:, i] = tokens[:, : n - offset]
    return tokens, targets
