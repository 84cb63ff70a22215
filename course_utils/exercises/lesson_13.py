"""The exercises of lesson 13: attend locally, sparsely and by levels."""

import numpy as np
from numpy.typing import NDArray

from course_utils import masks
from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax

Booleans = NDArray[np.bool_]


def _window_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw counts, a window of 1 up to nearly all, and where the queries stand."""
    window = (1, 2, 3, 4)[size % 4]
    offset = 0 if size % 3 == 2 else int(rng.integers(1, 4))
    n_q = 1 if size == 7 else 3 + size // 3
    n_k = n_q + offset + (0, 2, -1)[size % 3]
    if size in (5, 6):  # longer than all that came before: a causal mask
        window = n_k + offset + 2
    sizes = {"n_q": n_q, "n_k": n_k, "window": window, "offset": offset}
    return {name: np.array(number) for name, number in sizes.items()}


def _near(seen):
    """Return a mask function from a rule on how far key j lies behind query i."""

    def mask(n_q, n_k, window, offset):
        behind = np.arange(n_q)[:, None] + offset - np.arange(n_k)
        return seen(behind, window)

    return mask


_window = _near(lambda behind, window: (behind >= 0) & (behind < window))


def _window_by_loop(n_q, n_k, window, offset):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i in range(n_q):
        position = i + offset
        for j in range(n_k):
            mask[i, j] = position - window < j <= position
    return mask


def _window_by_triangles(n_q, n_k, window, offset):
    every = np.ones((n_q, n_k), dtype=bool)
    return np.tril(every, offset) & ~np.tril(every, offset - window)


def _window_by_rows(n_q, n_k, window, offset):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i, row in enumerate(mask):
        row[max(0, i + offset - window + 1) : i + offset + 1] = True
    return mask


WINDOW_MASK = Exercise(
    name="window_mask",
    lesson=13,
    points=2,
    minutes=8,
    difficulty=1,
    inputs=_window_inputs,
    reference=_window,
    misconceptions=(
        Misconception(
            "the window is off by one, a key too long: a window of w holds the query's "
            "own position and the w − 1 before it",
            _near(lambda behind, window: (behind >= 0) & (behind <= window)),
        ),
        Misconception(
            "the window is off by one, a key too short: w keys, its own included",
            _near(lambda behind, window: (behind >= 0) & (behind < window - 1)),
        ),
        Misconception(
            "the window is two-sided, and shows the future in a causal model",
            _near(lambda behind, window: np.abs(behind) < window),
        ),
        Misconception(
            "a query does not see its own position, but w keys before it",
            _near(lambda behind, window: (behind > 0) & (behind <= window)),
        ),
        Misconception(
            "the past has no end: hide what lies w or more positions behind",
            _near(lambda behind, window: behind >= 0),
        ),
        Misconception(
            "the offset has no effect: query i stands at position i + offset",
            lambda n_q, n_k, window, offset: _window(n_q, n_k, window, 0),
        ),
        Misconception(
            "it looks ahead in place of back: the keys after the query are the future",
            _near(lambda behind, window: (behind <= 0) & (behind > -window)),
        ),
    ),
    also_right=(_window_by_loop, _window_by_triangles, _window_by_rows),
    hints=(
        "How far behind query i does key j lie? Query i stands at i + offset.",
        "A column of query positions minus a row of key positions gives all distances "
        "at once. Which distances may be seen, from which to which?",
        "From 0, its own position, up to window − 1.",
    ),
)


def _block_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw lengths and blocks; some blocks hold one position, one holds all."""
    kind = turn(rng, size)
    block = (2, 3, 4, 3, 2, 5)[kind % 6]
    n = 3 * block + kind % block + {4: 1, 10: 2}.get(kind, 0)
    if kind == 6:
        block = 1
    elif kind == 7:
        block = n + 2
    elif kind == 8:
        n = 1
    elif kind == 9:
        n = block  # one block, and its end
    return {"n": np.array(n), "block": np.array(block)}


def _grid(n: int) -> tuple[NDArray, NDArray]:
    return np.arange(n)[:, None], np.arange(n)


def _rule(seen):
    """Return a mask function from a rule on i, j and block."""

    def mask(n, block):
        return np.broadcast_to(seen(*_grid(n), block), (n, n)).copy()

    return mask


_same = lambda i, j, b: i // b == j // b  # noqa: E731
_end = lambda j, b: j % b == b - 1  # noqa: E731
_blocks = _rule(lambda i, j, b: (_same(i, j, b) | _end(j, b)) & (j <= i))


def _blocks_by_loop(n, block):
    mask = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(i + 1):
            mask[i, j] = i // block == j // block or (j + 1) % block == 0
    return mask


def _blocks_by_slices(n, block):
    mask = np.zeros((n, n), dtype=bool)
    for i in range(n):
        start = i - i % block
        mask[i, start : i + 1] = True
        mask[i, block - 1 : start : block] = True
    return mask


def _blocks_by_kronecker(n, block):
    count = -(-n // block)
    own = np.kron(np.eye(count, dtype=int), np.ones((block, block), dtype=int))
    ends = np.tile(np.arange(block) == block - 1, count)
    return np.tril((own + ends)[:n, :n]) > 0


BLOCK_GLOBAL_MASK = Exercise(
    name="block_global_mask",
    lesson=13,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_block_inputs,
    reference=_blocks,
    misconceptions=(
        Misconception(
            "a query sees the rest of its own block: what comes later is hidden, "
            "inside a block too",
            _rule(lambda i, j, b: _same(i, j, b) | (_end(j, b) & (j <= i))),
        ),
        Misconception(
            "a query sees the ends of later blocks: a summary that is still to be "
            "written is the future",
            _rule(lambda i, j, b: (_same(i, j, b) & (j <= i)) | _end(j, b)),
        ),
        Misconception(
            "nothing is global: a query also sees the last position of each earlier "
            "block",
            _rule(lambda i, j, b: _same(i, j, b) & (j <= i)),
        ),
        Misconception(
            "the first position of each block stands for it: it has seen nothing of "
            "its block; the last one has",
            _rule(lambda i, j, b: (_same(i, j, b) | (j % b == 0)) & (j <= i)),
        ),
        Misconception(
            "the summary is off by one: the last position of a block is the one before "
            "a multiple of `block`",
            _rule(
                lambda i, j, b: (
                    (_same(i, j, b) | ((j % b == b - 2) & (j < i // b * b))) & (j <= i)
                )
            ),
        ),
        Misconception(
            "only the summary of the block just before is seen: see all earlier ones",
            _rule(
                lambda i, j, b: (
                    (_same(i, j, b) & (j <= i)) | (_end(j, b) & (j // b == i // b - 1))
                )
            ),
        ),
        Misconception(
            "its own block is missing: a query sees that directly, up to itself",
            _rule(lambda i, j, b: _end(j, b) & (j <= i)),
        ),
        Misconception(
            "this is a window that slides: blocks stand still, and begin at multiples "
            "of `block`",
            _rule(lambda i, j, b: ((i - j < b) | _end(j, b)) & (j <= i)),
        ),
    ),
    also_right=(_blocks_by_loop, _blocks_by_slices, _blocks_by_kronecker),
    hints=(
        "Three conditions on i and j. Which of them must hold both, and of which is "
        "one enough?",
        "`i // block` is the number of a position's block; the last position of a "
        "block has `j % block == block - 1`.",
        "(same block or end of a block) and not later: `|` first, then `&`.",
    ),
)


def _mask_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a stack of masks: windows, blocks, then summaries, or any, in some order.

    A query may see nothing in a layer, or not itself. Most stacks differ by layer.
    """
    kind = turn(rng, size)
    n, layers = 6 + size % 3, 1 + kind % 3
    if kind in (3, 7):  # words first, then summaries; and the other way round
        two = [masks.block_mask(n, block=3)]
        two.append(masks.block_mask(n, block=3, summaries=True) & ~two[0])
        stack = two if kind == 3 else two[::-1]
    elif kind == 9:
        stack = [masks.sliding_window_mask(n, window=2)] * 3
    elif kind == 10:
        stack = [np.zeros((1, 1), dtype=bool)] * 2
    elif kind == 0:
        stack = [rng.random((n, n)) < 0.15]
    else:
        stack = [rng.random((n, n)) < 0.2 for _ in range(layers + 1)]
    return {"masks": np.array(stack)}


def _field(stack):
    heard = np.eye(stack.shape[-1], dtype=bool)
    for mask in stack:
        heard = heard | (mask @ heard)
    return heard


def _field_by_counts(stack):
    paths = np.eye(stack.shape[-1])
    for mask in stack:
        paths = paths + mask.astype(float) @ paths
    return paths > 0


def _field_by_sets(stack):
    n = stack.shape[-1]
    heard = [{i} for i in range(n)]
    for mask in stack:
        heard = [
            heard[i].union(*(heard[j] for j in range(n) if mask[i, j]))
            for i in range(n)
        ]
    return np.array([[j in heard[i] for j in range(n)] for i in range(n)])


def _field_by_einsum(stack):
    own = np.eye(stack.shape[-1], dtype=int)
    heard = own
    for mask in stack:
        heard = np.einsum("ik,kj->ij", mask | own, heard).clip(max=1)
    return heard == 1


def _field_without_residual(stack):
    heard = np.eye(stack.shape[-1], dtype=bool)
    for mask in stack:
        heard = mask @ heard
    return heard


def _field_of_one(stack, mask):
    return _field(np.stack([mask] * len(stack)))


RECEPTIVE_FIELD = Exercise(
    name="receptive_field",
    lesson=13,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_mask_inputs,
    reference=_field,
    misconceptions=(
        Misconception(
            "it only puts the masks together: a query hears also what those whom it "
            "sees have heard in the layer below",
            lambda stack: stack.any(axis=0) | np.eye(stack.shape[-1], dtype=bool),
        ),
        Misconception(
            "the layers come in the wrong order: the first mask is applied to the "
            "tokens, the last one on top",
            lambda stack: _field(stack[::-1]),
        ),
        Misconception(
            "what a position had is lost: each layer adds to what it read, so it keeps "
            "what it has heard",
            _field_without_residual,
        ),
        Misconception(
            "it takes the first mask for all layers: each layer has a mask of its own",
            lambda stack: _field_of_one(stack, stack[0]),
        ),
        Misconception(
            "it takes the last mask for all layers: each layer has a mask of its own",
            lambda stack: _field_of_one(stack, stack[-1]),
        ),
        Misconception(
            "it looks at the last layer only: go through all of them",
            lambda stack: stack[-1] | np.eye(stack.shape[-1], dtype=bool),
        ),
        Misconception(
            "what is seen by all layers is kept: one path through the layers is enough",
            lambda stack: stack.all(axis=0) | np.eye(stack.shape[-1], dtype=bool),
        ),
    ),
    also_right=(_field_by_counts, _field_by_sets, _field_by_einsum),
    hints=(
        "Before the first layer each position has heard of itself alone. What does it "
        "know after one layer?",
        "What it knew, and what those knew whom the layer lets it see.",
        "For booleans, `mask @ heard` is True at (i, j) if i sees anybody who has "
        "heard of j.",
    ),
)


def _levels_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw words, the sentence of each, and what asks; sentences differ in length."""
    lengths = ((3, 1, 2), (2, 4), (1, 3, 4), (5,), (2, 1, 1, 3), (1,))[size % 6]
    n, d = sum(lengths), 3 + size % 2
    arguments = {
        "word_scores": 1.5 * rng.normal(size=n),
        "sentence": np.repeat(np.arange(len(lengths)), lengths),
        "word_vectors": rng.normal(size=(n, d)) + 0.5,
        "query": 2 * rng.normal(size=d),
    }
    if size == 9:
        arguments["word_scores"] += 800
    if size == 10:
        arguments["word_scores"][:] = 1  # a tie of all words
    if size in (3, 7):
        floats = {k: x for k, x in arguments.items() if k != "sentence"}
        arguments |= in_float32(floats)
    return arguments


def _within(scores, sentence):
    """Return softmax within each sentence, and which word is of which sentence."""
    of = np.arange(sentence[-1] + 1)[:, None] == sentence
    return softmax(np.where(of, scores, -np.inf)), of


def _levels(
    word_scores, sentence, word_vectors, query, within=None, between=None, power=0.5
):
    """Return what each word weighs; the two levels may be replaced."""
    shares, of = _within(word_scores, sentence)
    if within is not None:
        shares = within(word_scores, of)
    scores = shares @ word_vectors @ query / len(query) ** power
    weights = softmax(scores) if between is None else between(scores, of)
    return weights @ shares


def _with(**changes):
    return lambda *arguments: _levels(*arguments, **changes)


def _levels_by_loop(word_scores, sentence, word_vectors, query):
    shares, scores = np.zeros(len(sentence)), []
    for s in range(int(sentence.max()) + 1):
        here = np.flatnonzero(sentence == s)
        e = np.exp(word_scores[here] - word_scores[here].max())
        shares[here] = e / e.sum()
        summary = sum(shares[i] * word_vectors[i] for i in here)
        scores.append(summary @ query / np.sqrt(len(query)))
    return shares * softmax(np.array(scores))[sentence]


def _levels_by_bincount(word_scores, sentence, word_vectors, query):
    peak = np.full(sentence[-1] + 1, -np.inf)
    np.maximum.at(peak, sentence, word_scores)
    e = np.exp(word_scores - peak[sentence])
    shares = e / np.bincount(sentence, e)[sentence]
    found = word_vectors @ query / len(query) ** 0.5  # linear: score first, then pool
    return shares * softmax(np.bincount(sentence, shares * found))[sentence]


def _levels_by_einsum(word_scores, sentence, word_vectors, query):
    shares, _ = _within(word_scores, sentence)
    scores = np.einsum("sn,nv,v->s", shares, word_vectors, query)
    return np.einsum("s,sn->n", softmax(scores / len(query) ** 0.5), shares)


TWO_LEVEL_WEIGHTS = Exercise(
    name="two_level_weights",
    lesson=13,
    points=4,
    minutes=20,
    difficulty=3,
    inputs=_levels_inputs,
    reference=_levels,
    misconceptions=(
        Misconception(
            "it pools before normalising: the softmax runs over all words, and the "
            "shares of a sentence do not sum to 1; take a softmax in each sentence",
            _with(within=lambda scores, of: of * softmax(scores)),
        ),
        Misconception(
            "it pools before normalising, with no softmax over words at all: scores "
            "are no shares",
            _with(within=lambda scores, of: of * scores),
        ),
        Misconception(
            "it has one level: a word's weight is its share of its sentence times the "
            "weight of the sentence",
            lambda word_scores, *_: softmax(word_scores),
        ),
        Misconception(
            "all sentences weigh alike: the query scores each summary, and a softmax "
            "over the sentences follows",
            _with(between=lambda scores, of: np.full(len(of), 1 / len(of))),
        ),
        Misconception(
            "all words of a sentence weigh alike: their scores say how much each does",
            _with(within=lambda scores, of: of / of.sum(axis=1, keepdims=True)),
        ),
        Misconception(
            "the last word stands for its sentence: the summary is a blend by the word "
            "scores",
            _with(
                within=lambda scores, of: np.eye(len(scores))[
                    [np.flatnonzero(row)[-1] for row in of]
                ]
            ),
        ),
        Misconception(
            "the scores of the sentences are not scaled: divide by √d",
            _with(power=0),
        ),
        Misconception(
            "it stops at the words' shares of their sentences: they sum to 1 in each "
            "sentence; weigh the sentences too",
            _with(between=lambda scores, of: np.ones(len(of))),
        ),
        Misconception(
            "a sentence weighs the more the more words it has: its summary is scored "
            "once, however long it is",
            _with(
                between=lambda scores, of: (
                    softmax(scores) * of.sum(1) / (softmax(scores) @ of.sum(1))
                )
            ),
        ),
    ),
    also_right=(_levels_by_loop, _levels_by_bincount, _levels_by_einsum),
    hints=(
        "First level: in each sentence, a softmax over the scores of its own words. "
        "`sentence == s` says which words these are.",
        "The summary of a sentence is the blend of its words' vectors. Second level: "
        "score each summary by the query, over √d, and take the softmax.",
        "The output blends summaries, which are blends of words. What a word weighs in "
        "a blend of blends is a product.",
    ),
)

EXERCISES = (WINDOW_MASK, BLOCK_GLOBAL_MASK, RECEPTIVE_FIELD, TWO_LEVEL_WEIGHTS)
