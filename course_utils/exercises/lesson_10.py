"""The exercises of lesson 10: send gradients back."""

import numpy as np

from course_utils.attention import attention_vjp, scaled_dot_product_attention
from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax

FLAT = (2, 7)  # cases in float32


def _turned(x):
    return np.swapaxes(x, -1, -2)


def _weights(rng: np.random.Generator, size: int, n: int) -> np.ndarray:
    """Draw weights; n_q, n_k and n mostly differ.

    Up to two axes stand in front. Once each, n_q and n_k are 1, and they are often
    equal. A row may be one-hot, or 0 throughout, as a masked one is.
    """
    n_q, n_k = {
        1: (3, 3),
        3: (1, 4),
        4: (4, 1),
        6: (2, 2),
        8: (n, n),
        9: (3, 3),
    }.get(size, (2 + size % 3, 5 + size % 2))
    leading = ((), (2,), (3, 2))[size // 2 % 3]
    weights = softmax(2 * rng.normal(size=(*leading, n_q, n_k)))
    if size % 3 == 2:
        weights[..., 0, :] = np.eye(n_k)[int(rng.integers(n_k))]
        weights[..., -1, :] = 0
    return weights


def _output_gradient(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights and the gradient of the output."""
    d_v = 1 if size == 5 else 4
    weights = _weights(rng, size, d_v)
    d_output = rng.normal(size=(*weights.shape[:-1], d_v))
    arguments = {"weights": weights, "d_output": d_output}
    return in_float32(arguments) if size in FLAT else arguments


def _value_gradient(weights, d_output):
    return _turned(weights) @ d_output


def _value_by_loop(weights, d_output):
    d_value = np.zeros((*weights.shape[:-2], weights.shape[-1], d_output.shape[-1]))
    for i in range(weights.shape[-2]):
        d_value += weights[..., i, :, None] * d_output[..., i, None, :]
    return d_value


def _value_by_sum(weights, d_output):
    return (weights[..., None] * d_output[..., None, :]).sum(axis=-3)


def _value_by_reshape(weights, d_output):
    *leading, n_q, n_k = weights.shape
    return weights.reshape(*leading, n_k, n_q) @ d_output


def _value_of_the_best(weights, d_output):
    hard = np.eye(weights.shape[-1])[weights.argmax(axis=-1)]
    return _value_gradient(hard, d_output)


def _value_as_a_mean(weights, d_output):
    total = weights.sum(axis=-2, keepdims=True)
    return _value_gradient(weights / np.where(total == 0, 1, total), d_output)


def _value_of_all_batches(weights, d_output):
    d_value = _value_gradient(weights, d_output)
    over = tuple(range(d_value.ndim - 2))
    return np.broadcast_to(d_value.sum(axis=over, keepdims=True), d_value.shape).copy()


VALUE_GRADIENT = Exercise(
    name="value_gradient",
    lesson=10,
    points=2,
    minutes=5,
    difficulty=1,
    inputs=_output_gradient,
    reference=_value_gradient,
    misconceptions=(
        Misconception(
            "the weights are reshaped, not transposed: that gives value j weights that "
            "belong to other values; swap the last two axes",
            _value_by_reshape,
        ),
        Misconception(
            "the weights are left out: a query that hardly looked at a value hardly "
            "changes it",
            lambda weights, d_output: _value_gradient(np.ones_like(weights), d_output),
        ),
        Misconception(
            "it is the mean over the queries: what several queries ask of one value "
            "adds up",
            lambda weights, d_output: (
                _value_gradient(weights, d_output) / weights.shape[-2]
            ),
        ),
        Misconception(
            "it divides by the sum of each column: rows of weights sum to 1, columns "
            "need not",
            _value_as_a_mean,
        ),
        Misconception(
            "only the value with the most weight gets a gradient: each gets its share",
            _value_of_the_best,
        ),
        Misconception(
            "it adds up over the leading axes: each example has values of its own",
            _value_of_all_batches,
        ),
        Misconception(
            "the sign is wrong: a gradient points uphill, and the step goes against it "
            "later",
            lambda weights, d_output: -_value_gradient(weights, d_output),
        ),
    ),
    also_right=(
        _value_by_loop,
        _value_by_sum,
        lambda w, d: np.einsum("...qk,...qd->...kd", w, d),
    ),
    hints=(
        "Value j went into the output of each query i, times the weight of j for i. "
        "What comes back to it from query i?",
        "The gradient of each output, times that weight; summed over all queries.",
        "A sum over queries of weights times gradients is a product of matrices, with "
        "the keys of the weights as rows: `np.swapaxes(weights, -1, -2)` first.",
    ),
)


def _weight_gradient(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights and their gradient, which is once the same throughout a row."""
    weights = _weights(rng, size, 4)
    d_weights = rng.normal(size=weights.shape) + 1
    if size == 10:
        d_weights[..., 0, :] = 3
    arguments = {"weights": weights, "d_weights": d_weights}
    return in_float32(arguments) if size in FLAT else arguments


def _softmax_gradient(weights, d_weights):
    total = (weights * d_weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - total)


def _softmax_by_jacobian(weights, d_weights):
    own = weights[..., None] * np.eye(weights.shape[-1])
    jacobian = own - weights[..., None] * weights[..., None, :]
    return np.einsum("...ij,...i->...j", jacobian, d_weights)


def _softmax_by_loop(weights, d_weights):
    d_scores = np.zeros_like(weights)
    for place in np.ndindex(weights.shape[:-1]):
        w, d_w = weights[place], d_weights[place]
        d_scores[place] = (np.diag(w) - np.outer(w, w)) @ d_w
    return d_scores


def _softmax_in_two_terms(weights, d_weights):
    own = weights * d_weights
    return own - weights * np.vecdot(weights, d_weights)[..., np.newaxis]


SOFTMAX_GRADIENT = Exercise(
    name="softmax_gradient",
    lesson=10,
    points=3,
    minutes=10,
    difficulty=2,
    inputs=_weight_gradient,
    reference=_softmax_gradient,
    misconceptions=(
        Misconception(
            "the row sum is missing: a score that rises also lowers all other weights "
            "of its row",
            lambda weights, d_weights: weights * d_weights,
        ),
        Misconception(
            "it takes the diagonal of the Jacobian only, w(1 − w): it leaves out what "
            "a score does to the other weights",
            lambda weights, d_weights: weights * (1 - weights) * d_weights,
        ),
        Misconception(
            "the sum runs down the columns: a softmax ran along each row, of one query",
            lambda weights, d_weights: (
                weights
                * (d_weights - (weights * d_weights).sum(axis=-2, keepdims=True))
            ),
        ),
        Misconception(
            "it subtracts the plain mean of the row: weigh each number by its weight",
            lambda weights, d_weights: (
                weights * (d_weights - d_weights.mean(axis=-1, keepdims=True))
            ),
        ),
        Misconception(
            "it subtracts the plain sum of the row: weigh each number by its weight",
            lambda weights, d_weights: (
                weights * (d_weights - d_weights.sum(axis=-1, keepdims=True))
            ),
        ),
        Misconception(
            "the weights in front are missing: a key with no weight cannot be moved",
            lambda weights, d_weights: (
                d_weights - (weights * d_weights).sum(axis=-1, keepdims=True)
            ),
        ),
        Misconception(
            "it is the gradient of the weights as it came: the softmax changes it",
            lambda weights, d_weights: d_weights.copy(),
        ),
        Misconception(
            "the sign is wrong: it is the weighted sum that is subtracted",
            lambda weights, d_weights: -_softmax_gradient(weights, d_weights),
        ),
    ),
    also_right=(_softmax_by_jacobian, _softmax_by_loop, _softmax_in_two_terms),
    hints=(
        "What would change if all scores of a row rose by the same amount? So to what "
        "must each row of the gradient sum?",
        "Take from each number of a row of `d_weights` the mean of that row, weighed "
        "by the weights. Then multiply by the weights.",
        "`(weights * d_weights).sum(axis=-1, keepdims=True)` is that mean.",
    ),
)


def _score_gradient(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a sentence's queries and keys, and the gradient of its scores."""
    n, d_k = {0: (2, 3), 1: (3, 3), 2: (1, 4), 3: (4, 1), 6: (5, 5), 8: (1, 1)}.get(
        size, (3 + size % 3, 2 + size)
    )
    arguments = {
        "query": rng.normal(size=(n, d_k)),
        "key": rng.normal(size=(n, d_k)),
        "d_scores": rng.normal(size=(n, n)),
    }
    return in_float32(arguments) if size in (4, 7) else arguments


def _both(query, key, d_scores, scale=None):
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return np.stack([d_scores @ key * scale, d_scores.T @ query * scale])


def _both_by_loop(query, key, d_scores):
    d_query, d_key = np.zeros_like(query), np.zeros_like(key)
    for i in range(len(query)):
        for j in range(len(key)):
            d_query[i] += d_scores[i, j] * key[j] / np.sqrt(query.shape[1])
            d_key[j] += d_scores[i, j] * query[i] / np.sqrt(query.shape[1])
    return np.array([d_query, d_key])


def _both_by_einsum(query, key, d_scores):
    d_products = d_scores / query.shape[1] ** 0.5
    d_query = np.einsum("ij,jd->id", d_products, key)
    return np.stack([d_query, np.einsum("ij,id->jd", d_products, query)])


def _both_as_one_product(query, key, d_scores):
    halves = np.stack([d_scores, d_scores.T]) @ np.stack([key, query])
    return halves / np.sqrt(query.shape[-1])


QUERY_KEY_GRADIENTS = Exercise(
    name="query_key_gradients",
    lesson=10,
    points=3,
    minutes=10,
    difficulty=2,
    inputs=_score_gradient,
    reference=_both,
    misconceptions=(
        Misconception(
            "the scale is dropped: the scores were divided by √d_k on the way there, "
            "and so is the gradient on the way back",
            lambda query, key, d_scores: _both(query, key, d_scores, scale=1.0),
        ),
        Misconception(
            "d_key is made from `d_scores` as it stands: row j of d_key needs column j "
            "of `d_scores`, so transpose it",
            lambda query, key, d_scores: (
                np.stack([d_scores @ key, d_scores @ query]) * query.shape[1] ** -0.5
            ),
        ),
        Misconception(
            "`d_scores` is transposed for d_query, not for d_key: row i of d_query "
            "needs row i of `d_scores`",
            lambda query, key, d_scores: _both(query, key, d_scores.T),
        ),
        Misconception(
            "d_query is made from the queries: a query was multiplied by keys, and its "
            "gradient is too",
            lambda query, key, d_scores: (
                np.stack([d_scores @ query, d_scores.T @ query])
                * query.shape[1] ** -0.5
            ),
        ),
        Misconception(
            "query and key are swapped: d_query is made from the keys, d_key from the "
            "queries",
            lambda query, key, d_scores: _both(key, query, d_scores),
        ),
        Misconception(
            "the two come in the wrong order: d_query first, then d_key",
            lambda query, key, d_scores: _both(query, key, d_scores)[::-1],
        ),
        Misconception(
            "it divides by d_k: the scale is 1/√d_k",
            lambda query, key, d_scores: _both(
                query, key, d_scores, scale=1 / query.shape[1]
            ),
        ),
        Misconception(
            "it multiplies by √d_k: what was divided on the way there is divided on "
            "the way back as well",
            lambda query, key, d_scores: _both(
                query, key, d_scores, scale=query.shape[1] ** 0.5
            ),
        ),
        Misconception(
            "only d_query is scaled: both went into the same scores",
            lambda query, key, d_scores: np.stack(
                [d_scores @ key * query.shape[1] ** -0.5, d_scores.T @ query]
            ),
        ),
    ),
    also_right=(_both_by_loop, _both_by_einsum, _both_as_one_product),
    hints=(
        "One score: s[i, j] = query[i] · key[j] / √d_k. If it should rise by a little, "
        "how does query i have to move? And key j?",
        "Query i takes part in the row i of scores, so it gets a sum over j of "
        "d_scores[i, j] · key[j]. Key j takes part in column j.",
        "`d_scores @ key` and `d_scores.T @ query`, both divided by √d_k; `np.stack` "
        "lays one behind the other.",
    ),
)

NAMES = ("query", "key", "value")


def _faulty(query, key, value, d_output, fault):
    """Return the gradients of attention, with one line of the way back as it came."""
    scale = query.shape[-1] ** -0.5
    weights = softmax(query @ key.T * scale)
    d_weights = d_output @ value.T
    d_scores = {
        "row sum missing": weights * d_weights,
        "diagonal only": weights * (1 - weights) * d_weights,
        "sign wrong": -_softmax_gradient(weights, d_weights),
        "zero": 0 * weights,
    }.get(fault, _softmax_gradient(weights, d_weights))
    scale = 1.0 if fault == "scale dropped" else scale
    d_query = d_scores @ (query if fault == "query from query" else key) * scale
    d_key = (d_scores if fault == "key not transposed" else d_scores.T) @ query * scale
    d_value = (weights if fault == "value not transposed" else weights.T) @ d_output
    return {"d_query": d_query, "d_key": d_key, "d_value": d_value}


FAULTS = (
    "none",
    "row sum missing",
    "scale dropped",
    "diagonal only",
    "key not transposed",
    "value not transposed",
    "query from query",
    "sign wrong",
    "zero",
)
# n_q, n_k, d_k and d_v of each case: small, since every number is moved twice.
SIZES = (
    *((1, 2, 1, 1), (1, 2, 2, 1), (2, 2, 1, 1), (1, 2, 1, 2), (3, 2, 1, 1)),
    *((1, 3, 1, 1), (2, 3, 1, 2), (1, 2, 1, 1), (3, 2, 2, 1), (1, 2, 1, 1)),
    *((2, 2, 1, 2), (1, 2, 1, 1)),
)
ONE_NUMBER = {9: ("d_key", -1), 10: ("d_value", 0), 11: ("d_query", -1)}


def _claimed(rng: np.random.Generator, size: int) -> Arguments:
    """Draw an attention and the gradients that somebody claims: each fault in turn.

    Of the last three kinds, one number alone is off, and by little.
    """
    kind = turn(rng, size)
    fault = FAULTS[kind] if kind < len(FAULTS) else "none"
    n_q, n_k, d_k, d_v = SIZES[size % len(SIZES)]
    if "transposed" in fault or "from" in fault:
        n_q = n_k = 2
    elif fault == "scale dropped":
        d_k = 2
    arguments = {
        "query": rng.normal(size=(n_q, d_k)),
        "key": rng.normal(size=(n_k, d_k)),
        "value": rng.normal(size=(n_k, d_v)) + 1,
        "d_output": rng.normal(size=(n_q, d_v)),
    }
    if size in (2, 5, 9):  # in float64 a short number is still the same number
        arguments = {k: x.astype(np.float32) for k, x in arguments.items()}
    exact = {k: x.astype(np.float64) for k, x in arguments.items()}
    claimed = _faulty(**exact, fault=fault)
    if kind in ONE_NUMBER:
        name, place = ONE_NUMBER[kind]
        claimed[name].flat[place] += 0.002 * (-1) ** size
    return arguments | claimed


def _exact(query, key, value, d_output):
    """Return the right gradients, by the formula."""
    exact = [np.asarray(x, np.float64) for x in (query, key, value, d_output)]
    return attention_vjp(*exact[:3])[1](exact[3])[:3]


def _gaps(query, key, value, d_output, *claimed):
    right = _exact(query, key, value, d_output)
    return [mine - true for mine, true in zip(claimed, right, strict=True)]


def _errors(*arguments):
    return np.array([np.abs(gap).max() for gap in _gaps(*arguments)])


def _slopes(inputs, d_output, i, step=1e-5):
    """Measure the slope of each number of input i."""
    found = np.zeros(inputs[i].shape)
    for place in np.ndindex(found.shape):
        outputs = []
        for change in (step, -step):
            moved = [x.copy() for x in inputs]
            moved[i][place] += change
            outputs.append(scaled_dot_product_attention(*moved))
        found[place] = (d_output * (outputs[0] - outputs[1])).sum() / (2 * step)
    return found


def _errors_by_slopes(query, key, value, d_output, *claimed):
    inputs = [x.astype(float) for x in (query, key, value)]
    return np.array(
        [
            np.abs(claimed[i] - _slopes(inputs, d_output.astype(float), i)).max()
            for i in range(3)
        ]
    )


def _errors_at_once(query, key, value, d_output, *claimed):
    """Move every number in a copy of its own, and attend in all copies together."""
    inputs = [x.astype(np.float64) for x in (query, key, value)]
    errors = []
    for i, x in enumerate(inputs):
        moves = 1e-5 * np.eye(x.size).reshape(x.size, *x.shape)
        up, down = (
            scaled_dot_product_attention(
                *(x + sign * moves if j == i else y for j, y in enumerate(inputs))
            )
            for sign in (1, -1)
        )
        slopes = (d_output * (up - down)).sum(axis=(-1, -2)) / 2e-5
        errors.append(np.max(np.abs(claimed[i].ravel() - slopes)))
    return np.array(errors)


def _errors_by_formula(query, key, value, d_output, *claimed):
    """Compute the right gradients from exercises 1 to 3."""
    query, key, value = (x.astype(np.float64) for x in (query, key, value))
    scale = query.shape[1] ** -0.5
    weights = softmax(query @ key.T * scale)
    d_scores = _softmax_by_jacobian(weights, d_output @ value.T)
    right = d_scores @ key * scale, d_scores.T @ query * scale, weights.T @ d_output
    return np.array(
        [np.ptp([a, b], axis=0).max() for a, b in zip(claimed, right, strict=True)]
    )


def _without_d_output(query, key, value, d_output, *claimed):
    return _errors(query, key, value, np.ones_like(d_output), *claimed)


def _relative(query, key, value, d_output, *claimed):
    right = _exact(query, key, value, d_output)
    sizes = np.array([max(np.abs(x).max(), 1e-12) for x in right])
    return _errors(query, key, value, d_output, *claimed) / sizes


def _doubled(query, key, value, d_output, *claimed):
    """Divide by h where the two points lie 2h apart."""
    right = _exact(query, key, value, d_output)
    pairs = zip(claimed, right, strict=True)
    return np.array([np.abs(mine - 2 * true).max() for mine, true in pairs])


def _largest_of_each(query, key, value, d_output, *claimed):
    right = _exact(query, key, value, d_output)
    pairs = zip(claimed, right, strict=True)
    return np.array([abs(np.abs(a).max() - np.abs(b).max()) for a, b in pairs])


CHECK_GRADIENTS = Exercise(
    name="check_gradients",
    lesson=10,
    points=4,
    minutes=20,
    difficulty=3,
    inputs=_claimed,
    reference=_errors,
    misconceptions=(
        Misconception(
            "it takes the mean of the differences: one wrong number among many right "
            "ones then hides; take the largest",
            lambda *arguments: np.array([np.abs(x).mean() for x in _gaps(*arguments)]),
        ),
        Misconception(
            "it takes the largest difference with its sign: a gradient that is too "
            "small is wrong as well; use `np.abs`",
            lambda *arguments: np.array([x.max() for x in _gaps(*arguments)]),
        ),
        Misconception(
            "`d_output` is left out: the number whose slope counts is the sum of "
            "d_output times output",
            _without_d_output,
        ),
        Misconception(
            "it divides by h: the two points lie 2h apart, so all slopes are twice too "
            "large",
            _doubled,
        ),
        Misconception(
            "it looks at the first number of each gradient only: move every number",
            lambda *arguments: np.array(
                [abs(gap.flat[0]) for gap in _gaps(*arguments)]
            ),
        ),
        Misconception(
            "it compares the largest gradient with the largest slope: compare number "
            "by number, else a wrong sign or place does not show",
            _largest_of_each,
        ),
        Misconception(
            "it gives one verdict for all three: each gradient has an error of its own",
            lambda *arguments: np.full(3, _errors(*arguments).max()),
        ),
        Misconception(
            "it divides by the size of the slopes: return the difference as it is",
            _relative,
        ),
        Misconception(
            "it believes every gradient: measure slopes by moving numbers",
            lambda *arguments: np.zeros(3),
        ),
    ),
    also_right=(_errors_by_slopes, _errors_at_once, _errors_by_formula),
    hints=(
        "Write a helper first: the number f = (d_output * output).sum(), with the "
        "output of `scaled_dot_product_attention`.",
        "For each number of each input: copy the inputs, move it up by h, compute f; "
        "move it down by h, compute f; the slope is the difference divided by 2h.",
        "Some inputs are float32, in which f has only seven digits: turn all into "
        "float64 first, `x.astype(float)`. Then h = 1e-5 is a good step.",
    ),
    may_use=("scaled_dot_product_attention",),
)

EXERCISES = (VALUE_GRADIENT, SOFTMAX_GRADIENT, QUERY_KEY_GRADIENTS, CHECK_GRADIENTS)
