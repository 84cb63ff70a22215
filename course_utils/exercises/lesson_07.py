"""The exercises of lesson 07: let a sequence attend to itself, and to another."""

import numpy as np

from course_utils.attention import scaled_dot_product_attention
from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax

MATRICES = ("w_query", "w_key", "w_value")


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
    """Draw tokens and projections; w_query and w_key are square, n, d and d_v all differ."""
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
    query, key, value = (np.einsum("...ni,ik->...nk", x, w) for w in (w_query, w_key, w_value))
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
            lambda x, w_query, w_key, w_value: _self_attention(x, w_query, w_query, w_value),
        ),
        Misconception(
            "w_query and w_key are swapped: what a token looks for is x @ w_query, what "
            "it offers x @ w_key",
            lambda x, w_query, w_key, w_value: _self_attention(x, w_key, w_query, w_value),
        ),
        Misconception(
            "it multiplies by the matrices transposed, as if tokens were columns: here "
            "each row of x is a token, and x stands on the left, x @ W",
            lambda x, w_query, w_key, w_value: _self_attention(x, w_query.T, w_key.T, w_value),
        ),
        Misconception(
            "it blends the tokens themselves: what they tell is their value, x @ w_value",
            lambda x, w_query, w_key, w_value: _attend(x @ w_query, x @ w_key, x),
        ),
        Misconception(
            "it blends the keys: keys are only compared with, the output is made of "
            "values",
            lambda x, w_query, w_key, w_value: _self_attention(x, w_query, w_key, w_key),
        ),
        Misconception(
            "the scores compare the tokens themselves: compare queries with keys, "
            "x @ w_query with x @ w_key",
            lambda x, w_query, w_key, w_value: _attend(x, x, x @ w_value),
        ),
        Misconception(
            "the weights of a token that is asked sum to 1: each token that asks "
            "shares out its own weights, over the last axis",
            lambda x, w_query, w_key, w_value: _over_the_queries(x @ w_query, x @ w_key, x @ w_value),
        ),
    ),
    also_right=(_self_by_loop, _self_in_one_matrix, _self_by_einsum),
    hints=(
        "Each token needs three vectors before anybody can ask anybody. What are they "
        "made of?",
        "All three are made of x, each by its own matrix; x stands on the left.",
        "`query = x @ w_query`, and so on for key and value; then the attention of lesson "
        "5.",
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
            lambda y, x, w_query, w_key, w_value, length: _ask(x, y, w_query, w_key, w_value),
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
            lambda y, x, w_query, w_key, w_value, length: _self_attention(y, w_query, w_key, w_value),
        ),
        Misconception(
            "x asks itself: the queries are made of y",
            lambda y, x, w_query, w_key, w_value, length: _self_attention(
                x[..., :length, :], w_query, w_key, w_value
            ),
        ),
        Misconception(
            "the padding is asked too: only the first tokens of x are real",
            lambda y, x, w_query, w_key, w_value, length: _ask(y, x, w_query, w_key, w_value),
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
                y, x, w_query * (w_query.shape[1] / w_query.shape[0]) ** 0.5, w_key, w_value, length
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

RIGHT, REVERSED, SHARED, TRANSPOSED, OWN_VALUES = range(5)


def _versions(y, x, w_query, w_key, w_value):
    return [
        _ask(y, x, w_query, w_key, w_value),
        _ask(x, y, w_query, w_key, w_value),
        _ask(y, x, w_query, w_query, w_value),
        _ask(y, x, w_query.T, w_key.T, w_value.T),
        _attend(y @ w_query, x @ w_key, y @ w_value),
    ]


def _gaps(output, *arguments):
    return [np.abs(output - version).max() for version in _versions(*arguments)]


def _diagnose(output, y, x, w_query, w_key, w_value):
    return int(np.argmin(_gaps(output, y, x, w_query, w_key, w_value)))


def _diagnose_by_cases(output, y, x, w_query, w_key, w_value):
    for fault, version in enumerate(_versions(y, x, w_query, w_key, w_value)):
        if np.allclose(output, version, rtol=1e-3, atol=1e-4):
            return fault
    return RIGHT


def _diagnose_by_steps(output, y, x, w_query, w_key, w_value):
    """Find out who asks, then what was made with which matrix."""
    if np.allclose(output, _attend(x @ w_query, y @ w_key, y @ w_value), atol=1e-4):
        return REVERSED
    if np.allclose(output, _attend(y @ w_query.T, x @ w_key.T, x @ w_value.T), atol=1e-4):
        return TRANSPOSED
    if np.allclose(output, _attend(y @ w_query, x @ w_query, x @ w_value), atol=1e-4):
        return SHARED
    told = np.allclose(output, _attend(y @ w_query, x @ w_key, x @ w_value), atol=1e-4)
    return RIGHT if told else OWN_VALUES


def _diagnose_by_norm(output, y, x, w_query, w_key, w_value):
    versions = np.stack(_versions(y, x, w_query, w_key, w_value))
    return np.linalg.norm(versions - output, axis=(1, 2)).argmin()


def _role_inputs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw two sequences of one length, square matrices, and a version's output."""
    n, d = 3 + size // 4, 4 + size // 3
    shapes = {"y": (n, d), "x": (n, d), **dict.fromkeys(MATRICES, (d, d))}
    given = _named(rng, size, **shapes)
    return {"output": _versions(*given.values())[turn(rng, size) % 5], **given}


def _mistaken(change):
    """Return a diagnosis that gets the right one's answer wrong in one way."""
    return lambda *arguments: change(_diagnose(*arguments))


def _without(missing):
    """Return a diagnosis that never thinks of one of the faults."""

    def diagnose(*arguments):
        gaps = _gaps(*arguments)
        gaps[missing] = np.inf
        return int(np.argmin(gaps))

    return diagnose


DIAGNOSE_ROLES = Exercise(
    name="diagnose_roles",
    lesson=7,
    points=3,
    minutes=15,
    difficulty=3,
    inputs=_role_inputs,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it calls everything right: the shape shows nothing here, look at the "
            "numbers",
            lambda output, y, x, w_query, w_key, w_value: RIGHT,
        ),
        Misconception(
            "faults 1 and 4 are swapped: in 1 the two sequences swap all their "
            "roles, in 4 only the values come from the one that asks",
            _mistaken(lambda fault: (0, 4, 2, 3, 1)[fault]),
        ),
        Misconception(
            "faults 0 and 1 are swapped: y is the sequence that has to ask, and the "
            "queries are made of it",
            _mistaken(lambda fault: (1, 0, 2, 3, 4)[fault]),
        ),
        Misconception(
            "it never finds fault 3: with square matrices x @ W.T raises no error",
            _without(TRANSPOSED),
        ),
        Misconception(
            "it never finds fault 2: queries and keys made with one matrix give "
            "scores too, but others",
            _without(SHARED),
        ),
        Misconception(
            "it counts from 1: the table begins with 0, the right version",
            _mistaken(lambda fault: fault + 1),
        ),
        Misconception(
            "it returns the version that differs most: the fault is that of the one "
            "that differs least",
            lambda *arguments: int(np.argmax(_gaps(*arguments))),
        ),
    ),
    also_right=(_diagnose_by_cases, _diagnose_by_steps, _diagnose_by_norm),
    hints=(
        "You have all that went in. What would each of the five versions have made of "
        "it?",
        "Write one function of who asks, who is asked, who tells, and three matrices. "
        "Each version is one call of it.",
        "`np.argmin` of the five differences `np.abs(output - version).max()`, taken "
        "in the order of the table.",
    ),
    may_use=("scaled_dot_product_attention",),
)

EXERCISES = (SELF_ATTENTION, CROSS_ATTENTION, UNSHUFFLE_WEIGHTS, DIAGNOSE_ROLES)
