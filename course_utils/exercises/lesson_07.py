"""The exercises of lesson 07: let a sequence attend to itself, and to another."""

import numpy as np

from course_utils.attention import scaled_dot_product_attention
from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax


def _named(rng: np.random.Generator, size: int, **shapes: tuple) -> Arguments:
    """Draw an array of each shape; in every third case all are float32."""
    arguments = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    if size % 3 == 1:
        arguments = {name: x.astype(np.float32) for name, x in arguments.items()}
    return arguments


def _leading(size: int) -> tuple[int, ...]:
    return ((), (2,), (2, 3))[size // 2 % 3]


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _attend(query, key, value):
    """Do what scaled_dot_product_attention does, for small arrays in less time."""
    scores = query @ _transposed(key) * query.shape[-1] ** -0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights @ value / weights.sum(axis=-1, keepdims=True)


def _over_the_queries(query, key, value):
    scores = query @ _transposed(key) * query.shape[-1] ** -0.5
    return softmax(scores, axis=-2) @ value


def _ask(asking, asked, w_query, w_key, w_value):
    return _attend(asking @ w_query, asked @ w_key, asked @ w_value)


def _self_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw tokens and projections: two are square, but n, d and d_v all differ."""
    n, d, d_v = (rng.permutation([3, 4, 5]) + size // 4).tolist()
    n, d_v = {5: (1, d_v), 6: (n, 1)}.get(size, (n, d_v))
    leading = {3: (1,), 8: (1, 2)}.get(size, _leading(size))
    shapes = {"x": (*leading, n, d), "w_query": (d, d), "w_key": (d, d)}
    return _named(rng, size, **shapes, w_value=(d, d_v))


def _self_attention(x, w_query, w_key, w_value):
    return _ask(x, x, w_query, w_key, w_value)


def _self_by_loop(x, w_query, w_key, w_value):
    output = np.zeros((*x.shape[:-1], w_value.shape[1]))
    for place in np.ndindex(x.shape[:-1]):
        query = x[place] @ w_query
        keys = [asked @ w_key for asked in x[place[:-1]]]
        weights = np.exp([query @ k / len(query) ** 0.5 for k in keys])
        weights /= weights.sum()
        for weight, asked in zip(weights, x[place[:-1]], strict=True):
            output[place] += weight * (asked @ w_value)
    return output


def _self_in_one_matrix(x, w_query, w_key, w_value):
    scores = x @ (w_query @ w_key.T) @ _transposed(x) * w_query.shape[1] ** -0.5
    return softmax(scores) @ x @ w_value


def _self_by_einsum(x, w_query, w_key, w_value):
    query, key, value = (
        np.einsum("...ni,ik->...nk", x, w) for w in (w_query, w_key, w_value)
    )
    scores = np.einsum("...qk,...nk->...qn", query, key) / np.sqrt(query.shape[-1])
    return np.einsum("...qn,...nv->...qv", softmax(scores), value)


SELF_ATTENTION = Exercise(
    name="self_attention",
    lesson=7,
    points=2,
    minutes=8,
    difficulty=1,
    inputs=_self_inputs,
    reference=_self_attention,
    misconceptions=(
        Misconception(
            "queries and keys share one projection: the keys are made with w_key",
            lambda x, w_query, w_key, w_value: _self_attention(
                x, w_query, w_query, w_value
            ),
        ),
        Misconception(
            "w_query and w_key are swapped: what a token looks for is x @ w_query, "
            "what it offers x @ w_key",
            lambda x, w_query, w_key, w_value: _self_attention(
                x, w_key, w_query, w_value
            ),
        ),
        Misconception(
            "it multiplies by the matrices transposed, as if tokens were columns: here "
            "each row of x is a token, and x stands on the left, x @ W",
            lambda x, w_query, w_key, w_value: _self_attention(
                x, w_query.T, w_key.T, w_value
            ),
        ),
        Misconception(
            "it blends the tokens themselves: what they tell is their value, "
            "x @ w_value",
            lambda x, w_query, w_key, w_value: _attend(x @ w_query, x @ w_key, x),
        ),
        Misconception(
            "it blends the keys: keys are only compared with, the output is made of "
            "values",
            lambda x, w_query, w_key, w_value: _self_attention(
                x, w_query, w_key, w_key
            ),
        ),
        Misconception(
            "the scores compare the tokens themselves: compare queries with keys, "
            "x @ w_query with x @ w_key",
            lambda x, w_query, w_key, w_value: _attend(x, x, x @ w_value),
        ),
        Misconception(
            "the weights of a token that is asked sum to 1: each token that asks "
            "shares out its own weights, over the last axis",
            lambda x, w_query, w_key, w_value: _over_the_queries(
                x @ w_query, x @ w_key, x @ w_value
            ),
        ),
    ),
    also_right=(_self_by_loop, _self_in_one_matrix, _self_by_einsum),
    hints=(
        "Each token needs three vectors before anybody can ask anybody. What are they "
        "made of?",
        "All three are made of x, each by its own matrix; x stands on the left.",
        "`query = x @ w_query`, and so on for key and value; then the attention of "
        "lesson 5.",
    ),
    may_use=("scaled_dot_product_attention",),
)


def _cross_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw two sequences of unequal lengths, the second with padding at its end.

    In some cases there is no padding, or a single token asks; once all real tokens
    score far below 0 with one that asks.
    """
    m, n, d, d_k, d_v = (rng.permutation([3, 4, 5, 6, 7]) + size // 4).tolist()
    m, d_v = {5: (1, d_v), 6: (m, 1)}.get(size, (m, d_v))
    leading = (1,) if size == 9 else _leading(size)
    shapes = {"y": (*leading, m, d), "x": (*leading, n, d)}
    shapes |= {"w_query": (d, d_k), "w_key": (d, d_k), "w_value": (d, d_v)}
    arguments = _named(rng, size, **shapes)
    if size % 4 == 3:
        arguments["w_key"] *= 1000
    length = n if size in (2, 8) else 2 if size in (4, 10) else rng.integers(2, n)
    if size == 11:
        arguments["w_key"] *= 10
        _move_below_0(arguments, int(length))
    return arguments | {"length": np.array(length)}


def _move_below_0(arguments: Arguments, length: int) -> None:
    """Move the real tokens so that the first that asks scores far below 0 with them."""
    y, x, w_query, w_key, _ = arguments.values()
    asking = y[..., :1, :] @ w_query @ w_key.T
    real = x[..., :length, :]
    most = (asking @ _transposed(real)).max(axis=-1, keepdims=True)
    real -= (most + 1e5) / (asking**2).sum(axis=-1, keepdims=True) * asking


def _cross_attention(y, x, w_query, w_key, w_value, length):
    return _ask(y, x[..., :length, :], w_query, w_key, w_value)


def _cross_by_mask(y, x, w_query, w_key, w_value, length):
    mask = np.arange(x.shape[-2]) < length
    query, key, value = y @ w_query, x @ w_key, x @ w_value
    return scaled_dot_product_attention(query, key, value, mask[None, :])


def _cross_by_infinity(y, x, w_query, w_key, w_value, length):
    query, key, value = y @ w_query, x @ w_key, x @ w_value
    scores = query @ _transposed(key) / w_query.shape[1] ** 0.5
    scores[..., length:] = -np.inf
    return softmax(scores) @ value


def _cross_token_by_token(y, x, w_query, w_key, w_value, length):
    output = np.zeros((*y.shape[:-1], w_value.shape[1]))
    for place in np.ndindex(y.shape[:-1]):
        asked = x[place[:-1]][:length]
        scores = (asked @ w_key) @ (y[place] @ w_query) / w_query.shape[1] ** 0.5
        output[place] = softmax(scores) @ (asked @ w_value)
    return output


def _asks_everybody(y, x, w_query, w_key, w_value, length):
    asked = np.concatenate([y, x[..., :length, :]], axis=-2)
    return _ask(y, asked, w_query, w_key, w_value)


def _cross_over_the_queries(y, x, w_query, w_key, w_value, length):
    real = x[..., :length, :]
    return _over_the_queries(y @ w_query, real @ w_key, real @ w_value)


CROSS_ATTENTION = Exercise(
    name="cross_attention",
    lesson=7,
    points=3,
    minutes=12,
    difficulty=2,
    inputs=_cross_inputs,
    reference=_cross_attention,
    misconceptions=(
        Misconception(
            "the wrong sequence asks: y makes the queries, and x is asked",
            lambda y, x, w_query, w_key, w_value, length: _ask(
                x, y, w_query, w_key, w_value
            ),
        ),
        Misconception(
            "the wrong sequence asks: y makes the queries, and the first tokens of x "
            "are asked",
            lambda y, x, w_query, w_key, w_value, length: _ask(
                x[..., :length, :], y, w_query, w_key, w_value
            ),
        ),
        Misconception(
            "y asks itself: the keys and values are made of x",
            lambda y, x, w_query, w_key, w_value, length: _self_attention(
                y, w_query, w_key, w_value
            ),
        ),
        Misconception(
            "x asks itself: the queries are made of y",
            lambda y, x, w_query, w_key, w_value, length: _self_attention(
                x[..., :length, :], w_query, w_key, w_value
            ),
        ),
        Misconception(
            "the padding is asked too: only the first tokens of x are real",
            lambda y, x, w_query, w_key, w_value, length: _ask(
                y, x, w_query, w_key, w_value
            ),
        ),
        Misconception(
            "queries and keys share one projection: the keys are made with w_key",
            lambda y, x, w_query, w_key, w_value, length: _cross_attention(
                y, x, w_query, w_query, w_value, length
            ),
        ),
        Misconception(
            "y asks the tokens of both sequences: here only those of x are asked",
            _asks_everybody,
        ),
        Misconception(
            "the weights of a token that is asked sum to 1: each token that asks "
            "shares out its own weights, over the last axis",
            _cross_over_the_queries,
        ),
        Misconception(
            "it scales by the root of d, the length of a token: a score is a sum over "
            "the d_k components of a query",
            lambda y, x, w_query, w_key, w_value, length: _cross_attention(
                y,
                x,
                w_query * (w_query.shape[1] / w_query.shape[0]) ** 0.5,
                w_key,
                w_value,
                length,
            ),
        ),
    ),
    also_right=(_cross_by_mask, _cross_by_infinity, _cross_token_by_token),
    hints=(
        "The result has a row for each token of y. So who asks?",
        "The queries are made of y, the keys and the values of x. The padding must not "
        "be asked: a mask can hide it, or you leave it out before anything is made of "
        "it.",
        "`real = x[..., :length, :]` are the tokens to ask. Then the attention of "
        "lesson 5 with `y @ w_query`, `real @ w_key` and `real @ w_value`.",
    ),
    may_use=("scaled_dot_product_attention",),
)


def _shuffled(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights, and an order that is not its own inverse."""
    n = 1 if size == 2 else 3 + size // 2
    order = rng.permutation(n)
    while n > 1 and np.array_equal(order[order], np.arange(n)):
        order = rng.permutation(n)
    weights = softmax(2 * rng.normal(size=(n, n)))
    return {"weights": weights, "order": order}


def _unshuffled(weights, order):
    back = np.argsort(order)
    return weights[back][:, back]


def _unshuffled_by_writing(weights, order):
    result = np.empty_like(weights)
    result[np.ix_(order, order)] = weights
    return result


def _unshuffled_by_matrix(weights, order):
    P = np.eye(len(order))[order]
    return P.T @ weights @ P


def _unshuffled_by_loop(weights, order):
    result = np.zeros(weights.shape)
    for i, row in enumerate(order):
        for j, column in enumerate(order):
            result[row, column] = weights[i, j]
    return result


UNSHUFFLE_WEIGHTS = Exercise(
    name="unshuffle_weights",
    lesson=7,
    points=2,
    minutes=12,
    difficulty=2,
    inputs=_shuffled,
    reference=_unshuffled,
    misconceptions=(
        Misconception(
            "it shuffles once more: to undo an order you need its inverse, and "
            "`order` is not its own",
            lambda weights, order: weights[order][:, order],
        ),
        Misconception(
            "only the rows are put back: the tokens that are asked are shuffled too, "
            "and they are the columns",
            lambda weights, order: weights[np.argsort(order)],
        ),
        Misconception(
            "only the columns are put back: the tokens that ask are shuffled too, and "
            "they are the rows",
            lambda weights, order: weights[:, np.argsort(order)],
        ),
        Misconception(
            "it returns the weights as they are: equivariant is not invariant, the "
            "weights move with their tokens",
            lambda weights, order: weights.copy(),
        ),
        Misconception(
            "rows and columns are swapped: the tokens that ask belong in the rows",
            lambda weights, order: _unshuffled(weights, order).T,
        ),
        Misconception(
            "it takes one weight for each token: with `weights[back, back]` rows and "
            "columns are gone through together, as on a diagonal; take rows first, "
            "then columns",
            lambda weights, order: weights[np.argsort(order), np.argsort(order)],
        ),
        Misconception(
            "the rows are put back and the columns shuffled once more: both need the "
            "inverse of the order",
            lambda weights, order: weights[np.argsort(order)][:, order],
        ),
    ),
    also_right=(_unshuffled_by_writing, _unshuffled_by_matrix, _unshuffled_by_loop),
    hints=(
        "Row i of the given weights belongs to token `order[i]`. In which row should "
        "it stand? And column j?",
        "`x[order]` takes its row i from place `order[i]`. `np.argsort(order)` is the "
        "order that undoes it: for each token the place where it stands now.",
        "With `back = np.argsort(order)`, take the rows `weights[back]`, and then the "
        "columns in the same way.",
    ),
)

RIGHT, REVERSED, ITSELF, OWN_VALUES, CAUSAL = range(5)
MOVED = 1e-6  # what moved less has only been rounded


def _output(fault, y, x, w_query, w_key, w_value):
    """Return what cross-attention returns with one of the faults."""
    asking, asked, telling = (
        (y, x, x),
        (x, y, y),
        (y, y, y),
        (y, x, y),
        (y, x, x),
    )[fault]
    query, key, value = asking @ w_query, asked @ w_key, telling @ w_value
    scores = query @ key.T * query.shape[-1] ** -0.5
    if fault == CAUSAL:
        scores[~np.tri(len(y), dtype=bool)] = -np.inf
    return softmax(scores) @ value


def _how_far(fault, rng, n):
    """Edit each token of y, then of x; return how far each output moves."""
    y, x, fresh, *matrices = rng.normal(size=(6, n, n))
    matrices = [matrix * n**-0.5 for matrix in matrices]
    before = _output(fault, y, x, *matrices)
    distances = rng.uniform(0, 1e-9, size=(2, n, n))  # rounding
    for which in range(2):
        for i in range(n):
            sequences = [y.copy(), x.copy()]
            sequences[which][i] = fresh[i]
            after = _output(fault, *sequences, *matrices)
            distances[which, i] += np.linalg.norm(after - before, axis=-1)
    return distances


def _moves_of_some_version(rng: np.random.Generator, size: int) -> Arguments:
    """Draw every version in an order of the seed, and edit each of its tokens."""
    while True:
        moved = _how_far(turn(rng, size) % 5, rng, 3 + size // 3)
        if moved[moved > 1e-8].min() > 1e-3:
            return {"moved": moved}


def _diagnose(moved):
    by_y, by_x = moved > MOVED
    only_own = not by_y[0, 1]
    if only_own:
        return RIGHT if by_x[-1, 0] else CAUSAL
    if not by_x.any():
        return ITSELF
    return OWN_VALUES if by_x[0, 1] else REVERSED


def _diagnose_by_counts(moved):
    """Count the outputs that move."""
    n = len(moved[0])
    counts = tuple((moved > 1e-4).sum(axis=(1, 2)).tolist())
    return {
        (n, n * n): RIGHT,
        (n * n, n): REVERSED,
        (n * n, 0): ITSELF,
        (n * n, n * n): OWN_VALUES,
    }.get(counts, CAUSAL)


def _diagnose_by_pattern(moved):
    n = len(moved[0])
    own, everything, nothing = np.eye(n), np.ones((n, n)), np.zeros((n, n))
    patterns = [
        (own, everything),
        (everything, own),
        (everything, nothing),
        (everything, everything),
        (own, np.triu(everything)),
    ]
    gaps = [np.abs((moved > 1e-5) - np.array(p)).sum() for p in patterns]
    return np.argmin(gaps)


def _diagnose_by_corners(moved):
    first, last = moved[:, 0, -1] > MOVED, moved[:, -1, 0] > MOVED
    table = {
        (False, True, False, True): RIGHT,
        (True, False, True, False): REVERSED,
        (True, True, True, True): OWN_VALUES,
        (False, True, False, False): CAUSAL,
    }
    found = table[first[0], first[1], last[0], last[1]]
    stays = np.all(moved[1] < MOVED)
    return np.int64(ITSELF if found == REVERSED and stays else found)


def _mistaken(change):
    """Return a diagnosis that gets the right one's answer wrong in one way."""
    return lambda moved: change(_diagnose(moved))


DIAGNOSE_ROLES = Exercise(
    name="diagnose_roles",
    lesson=7,
    points=3,
    minutes=15,
    difficulty=3,
    inputs=_moves_of_some_version,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it calls everything right: look at which outputs each edit moves",
            lambda moved: RIGHT,
        ),
        Misconception(
            "it takes rounding for movement: what moved by less than 1e-6 did not move",
            lambda moved: _diagnose(np.where(moved > 0, 1.0, 0.0)),
        ),
        Misconception(
            "it never finds fault 4: with a causal mask an edited token of x moves "
            "only the outputs from its own place on",
            _mistaken(lambda fault: RIGHT if fault == CAUSAL else fault),
        ),
        Misconception(
            "faults 1 and 2 are not told apart: if y asks itself, no edit of x moves "
            "anything",
            _mistaken(lambda fault: REVERSED if fault == ITSELF else fault),
        ),
        Misconception(
            "it never finds fault 3: if the values are made of y, edits of both "
            "sequences move every output",
            _mistaken(lambda fault: RIGHT if fault == OWN_VALUES else fault),
        ),
        Misconception(
            "the two tables are swapped: `moved[0]` is about edits of y, the sequence "
            "that should ask",
            lambda moved: _diagnose_by_pattern(moved[::-1]),
        ),
    ),
    also_right=(_diagnose_by_counts, _diagnose_by_pattern, _diagnose_by_corners),
    hints=(
        "In the right version, whose output can an edited token of y move? It only "
        "asks. And whose an edited token of x?",
        "Write down for each fault two pictures, for edits of y and of x: is it the "
        "diagonal, everything, nothing, or a triangle?",
        "`moved > 1e-6` makes two tables of True and False. An entry off the diagonal, "
        "such as `[0, 0, 1]`, says whether a token of y does more than ask.",
    ),
)

EXERCISES = (SELF_ATTENTION, CROSS_ATTENTION, UNSHUFFLE_WEIGHTS, DIAGNOSE_ROLES)
