"""The exercises of lesson 15: ask what the weights explain."""

import numpy as np

from course_utils.attribution import induction_score
from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import log_softmax, softmax

FLAT = (3, 9)  # turns in float32


def _one_query(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a query, keys, values and classes; all sizes differ, some are 1 or 2."""
    kind = turn(rng, size)
    n = (3, 2, 4, 3, 2, 5, 2, 4, 2, 3, 4, 3)[kind]
    d_k = (4, 4, 1, 2, 5, 3, 3, 2, 7, 4, 3, 2)[kind]
    d_v = (2, 3, 3, 4, 1, 4, 1, 5, 3, 2, 5, 4)[kind]
    classes = (5, 2, 5, 5, 4, 2, 6, 3, 4, 5, 2, 5)[kind]
    arguments = {
        "query": 1.5 * rng.normal(size=d_k),
        "key": rng.normal(size=(n, d_k)),
        "value": 2 * rng.normal(size=(n, d_v)) + 0.5,
        "w_read": rng.normal(size=(d_v, classes)),
        "answer": np.array(rng.integers(classes)),
    }
    if kind == 7:
        arguments["key"][1] = arguments["key"][0]
    return in_float32(arguments) if kind in FLAT else arguments


def _scores(query, key):
    return key @ query / len(query) ** 0.5


def _occluded(without, watch=None, scale=None, sign=1):
    """Return an occlusion: `without(scores, value, j)` is the output without key j."""
    watch = watch or (lambda logits, answer: log_softmax(logits)[answer])

    def occlude(query, key, value, w_read, answer):
        scores = _scores(query, key) if scale is None else key @ query * scale(value)
        before = watch(softmax(scores) @ value @ w_read, answer)
        after = [
            watch(without(scores, value, j) @ w_read, answer) for j in range(len(key))
        ]
        return sign * (before - np.array(after))

    return occlude


def _occluded_at_once(query, key, value, w_read, answer):
    scores = _scores(query, key)
    hidden = np.where(np.eye(len(key), dtype=bool), -np.inf, scores)
    logits = softmax(np.stack([scores, *hidden])) @ value @ w_read
    before, *after = log_softmax(logits)[:, answer]
    return before - np.array(after)


def _hidden(scores, value, j):
    hidden = np.where(np.arange(len(scores)) == j, -np.inf, scores)
    return softmax(hidden) @ value


def _unnormalised(scores, value, j):
    return softmax(scores) @ np.where(np.arange(len(scores))[:, None] == j, 0, value)


def _score_zero(scores, value, j):
    return softmax(np.where(np.arange(len(scores)) == j, 0, scores)) @ value


def _alone(scores, value, j):
    return value[j]


def _weights_of(query, key, value, w_read, answer):
    return softmax(_scores(query, key))


def _occluded_by_deletion(query, key, value, w_read, answer):
    def log_p(keys, values):
        e = np.exp(keys @ query / np.sqrt(len(query)))
        logits = (e / e.sum()) @ values @ w_read
        return (
            logits[answer] - np.log(np.exp(logits - logits.max()).sum()) - max(logits)
        )

    return np.array(
        [
            log_p(key, value) - log_p(np.delete(key, j, 0), np.delete(value, j, 0))
            for j in range(len(key))
        ]
    )


def _occluded_by_formula(query, key, value, w_read, answer):
    w = softmax(_scores(query, key))[:, None]
    output = (w * value).sum(axis=0)
    # A weight near 1 would leave a difference of two like numbers: sum the others.
    rest = np.array([np.delete(w, j).sum() for j in range(len(w))])[:, None]
    logits = (output - w * value) / rest @ w_read
    return log_softmax(output @ w_read)[answer] - log_softmax(logits)[:, answer]


def _occluded_by_mask(query, key, value, w_read, answer):
    n = len(key)
    scores = np.where(np.eye(n, dtype=bool), -np.inf, _scores(query, key))
    outputs = np.einsum("jk,kv->jv", softmax(scores), value)
    p = softmax(np.concatenate([outputs, [_whole(query, key, value)]]) @ w_read)
    return np.log(p[n, answer] / p[:n, answer])


def _whole(query, key, value):
    return softmax(_scores(query, key)) @ value


OCCLUDE = Exercise(
    name="occlude",
    lesson=15,
    points=2,
    minutes=12,
    difficulty=1,
    inputs=_one_query,
    reference=_occluded_at_once,
    misconceptions=(
        Misconception(
            "these are the weights: a weight says from where something was taken, not "
            "what the answer would be without it; hide each key, and look",
            _weights_of,
        ),
        Misconception(
            "the weight of the hidden key is gone, but the others do not share it: set "
            "its score to −inf before the softmax, so that weights sum to 1",
            _occluded(_unnormalised),
        ),
        Misconception(
            "the hidden key has a score of 0, and so still gets weight: its score must "
            "be −inf",
            _occluded(_score_zero),
        ),
        Misconception(
            "the sign is turned: a key without which the answer gets less likely has a "
            "positive effect, log p before minus log p after",
            _occluded(_hidden, sign=-1),
        ),
        Misconception(
            "it watches the probability: take its logarithm, so that effects are in "
            "nats",
            _occluded(_hidden, watch=lambda z, answer: softmax(z)[answer]),
        ),
        Misconception(
            "it watches the logit of the answer: the other logits move as well, so "
            "take the log of its probability",
            _occluded(_hidden, watch=lambda z, answer: z[answer]),
        ),
        Misconception(
            "it watches the most likely class: watch the answer, whether or not it is",
            _occluded(_hidden, watch=lambda z, answer: log_softmax(z).max()),
        ),
        Misconception(
            "it keeps one key and hides all others: hide one, and keep the others",
            _occluded(_alone),
        ),
        Misconception(
            "the scale is missing: divide the scores by the root of d_k",
            _occluded(_hidden, scale=lambda value: 1.0),
        ),
    ),
    also_right=(
        _occluded(_hidden),
        _occluded_by_deletion,
        _occluded_by_formula,
        _occluded_by_mask,
    ),
    hints=(
        "What is log p of the answer with all keys? And what without key j?",
        "To hide a key, set its score to −inf before the softmax; or delete its row "
        "from key and value.",
        "The logits are output @ w_read, and log p of the answer is "
        "logits[answer] − log Σ exp(logits).",
    ),
    may_use=("softmax",),
)


def _stack(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the weights of some layers and heads, causal now and then."""
    kind = turn(rng, size)
    layers = (2, 3, 1, 2, 4, 3, 2, 2, 5, 3, 2, 4)[kind]
    heads = (1, 2, 3, 4, 2, 1, 3, 2, 2, 4, 5, 1)[kind]
    n = (4, 3, 5, 2, 4, 6, 1, 7, 3, 5, 2, 3)[kind]
    scores = 2 * rng.normal(size=(layers, heads, n, n))
    if kind % 2:
        scores = np.where(np.tri(n, dtype=bool), scores, -np.inf)
    weights = {"weights": softmax(scores)}
    return in_float32(weights) if kind in FLAT else weights


def _rolled(
    step=lambda w, eye: (w + eye) / 2,
    heads=lambda w: w.mean(axis=1),
    order=1,
    product=np.matmul,
):
    """Return a rollout with one of its parts changed."""

    def roll(weights):
        eye = np.eye(weights.shape[-1])
        total = eye if product is np.matmul else np.ones_like(eye)
        for layer in heads(weights)[::order]:
            total = product(step(layer, eye), total)
        return total

    return roll


def _rolled_from_above(weights):
    n = weights.shape[-1]
    ink = np.eye(n)
    for layer in reversed(np.mean(weights, axis=1)):
        ink = 0.5 * ink + 0.5 * ink @ layer
    return ink


def _rolled_by_loop(weights):
    _, heads, n, _ = weights.shape
    total = np.eye(n)
    for layer in weights:
        below, total = total, np.zeros((n, n))
        for i in range(n):
            total[i] = below[i] / 2
            for head in layer:
                for j in range(n):
                    total[i] += head[i, j] / heads / 2 * below[j]
    return total


def _rolled_at_once(weights):
    mean = np.einsum("lhij->lij", weights) / weights.shape[1]
    steps = (mean + np.eye(weights.shape[-1])) / 2
    return steps[0] if len(steps) == 1 else np.linalg.multi_dot(steps[::-1])


ROLL_OUT = Exercise(
    name="roll_out",
    lesson=15,
    points=3,
    minutes=12,
    difficulty=2,
    inputs=_stack,
    reference=_rolled(),
    misconceptions=(
        Misconception(
            "the identity is left out: half of each token stays where it is, on the "
            "residual connection",
            _rolled(step=lambda w, eye: w),
        ),
        Misconception(
            "the layers are multiplied in the wrong order: the last layer stands on "
            "the left, since its rows are where we start",
            _rolled(order=-1),
        ),
        Misconception(
            "identity and weights are added, not halved: then rows no longer sum to 1",
            _rolled(step=lambda w, eye: w + eye),
        ),
        Misconception(
            "it is the last layer alone: multiply the steps of all layers",
            lambda weights: _rolled()(weights[-1:]),
        ),
        Misconception(
            "it multiplies number by number: use @, so that all ways through the "
            "places between are summed",
            _rolled(product=np.multiply),
        ),
        Misconception(
            "it is the mean of the layers: what flows through one layer and then "
            "another is a product",
            lambda weights: (
                weights.mean(axis=(0, 1)) / 2 + np.eye(weights.shape[-1]) / 2
            ),
        ),
        Misconception(
            "it takes the largest weight of all heads: take their mean, so that rows "
            "sum to 1",
            _rolled(heads=lambda w: w.max(axis=1)),
        ),
        Misconception(
            "it sums the heads: take their mean, so that rows sum to 1",
            _rolled(heads=lambda w: w.sum(axis=1)),
        ),
        Misconception(
            "it follows the first head only: take the mean of all heads",
            _rolled(heads=lambda w: w[:, 0]),
        ),
    ),
    also_right=(_rolled_from_above, _rolled_by_loop, _rolled_at_once),
    hints=(
        "Axis 0 counts layers and axis 1 heads. Take the mean of the heads first.",
        "The step of one layer is half the identity plus half its weights.",
        "Begin with the identity; for each layer, the first one first, "
        "`total = step @ total`.",
    ),
)


def _text(rng: np.random.Generator, size: int) -> Arguments:
    """Draw tokens, some of which come again, and weights that see everything.

    Once no token comes again, once one comes twice in a row, and once there is one
    token alone.
    """
    kind = turn(rng, size)
    n = (7, 8, 6, 9, 5, 10, 1, 8, 7, 6, 9, 4)[kind]
    tokens = rng.integers(3, size=n)
    if kind == 2:
        tokens = rng.permutation(n)
    if kind == 4:
        tokens = np.array([2, 2, 0, 2, 2])
    if kind == 11:
        tokens = np.array([5, 7, 5, 7])
    arguments = {"weights": softmax(2 * rng.normal(size=(n, n))), "tokens": tokens}
    if kind in FLAT:
        arguments["weights"] = arguments["weights"].astype(np.float32)
    return arguments


def _scored(places, mean=None):
    """Return a score: `places(tokens, i)` are the keys that count for query i."""

    def score(weights, tokens):
        sums = []
        for i in range(len(tokens)):
            keys = [j for j in places(tokens, i) if 0 <= j < len(tokens)]
            if keys:
                sums.append(weights[i, keys].sum())
        if mean is not None:
            return np.array(mean(sums, tokens))
        return np.array(np.mean(sums) if sums else 0.0)

    return score


def _earlier(tokens, i):
    return [j for j in range(i) if tokens[j] == tokens[i]]


def _behind(tokens, i):
    return [j + 1 for j in _earlier(tokens, i)]


def _all_behind(tokens, i):
    return [j + 1 for j in range(len(tokens)) if tokens[j] == tokens[i] and j != i]


def _scored_by_mask(weights, tokens):
    same = tokens[:, None] == tokens[None, :]
    before = np.tril(same, -1)
    behind = np.zeros_like(before)
    behind[:, 1:] = before[:, :-1]
    rows = behind.any(axis=1)
    if not rows.any():
        return 0.0
    return (weights * behind).sum(axis=1)[rows].mean()


def _scored_by_last(weights, tokens):
    seen, sums = {}, []
    for i, token in enumerate(tokens.tolist()):
        places = seen.setdefault(token, [])
        if places:
            sums.append(sum(float(weights[i, j + 1]) for j in places))
        places.append(i)
    return sum(sums) / max(len(sums), 1)


def _transposed_score(weights, tokens):
    return _scored(_behind)(weights.T, tokens)


def _average_behind(weights, tokens):
    rows = [
        weights[i, keys].mean()
        for i in range(len(tokens))
        if (keys := _behind(tokens, i))
    ]
    return np.array(np.mean(rows) if rows else 0.0)


LOOK_BEHIND = Exercise(
    name="look_behind",
    lesson=15,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_text,
    reference=_scored(_behind),
    misconceptions=(
        Misconception(
            "it looks at the earlier appearances themselves: the answer stands one "
            "place behind each",
            _scored(_earlier),
        ),
        Misconception(
            "it looks one place in front of each appearance: the answer stands behind "
            "it, at j + 1",
            _scored(lambda tokens, i: [j - 1 for j in _earlier(tokens, i)]),
        ),
        Misconception(
            "it measures looks at the place before the query: that is a "
            "previous-token head, the other half of the pair",
            _scored(lambda tokens, i: [i - 1]),
        ),
        Misconception(
            "it divides by the number of all places: take the mean over those whose "
            "token came before",
            _scored(_behind, mean=lambda sums, tokens: np.sum(sums) / len(tokens)),
        ),
        Misconception(
            "it is the sum over places: take the mean over those whose token came "
            "before",
            _scored(_behind, mean=lambda sums, tokens: np.sum(sums)),
        ),
        Misconception(
            "it is NaN where no token comes again: there it must be 0",
            _scored(
                _behind,
                mean=lambda sums, tokens: np.mean(sums) if sums else np.nan,
            ),
        ),
        Misconception(
            "it looks behind the last appearance only: a token may have come several "
            "times, and each of them counts",
            _scored(lambda tokens, i: _behind(tokens, i)[-1:]),
        ),
        Misconception(
            "it looks behind the first appearance only: a token may have come several "
            "times, and each of them counts",
            _scored(lambda tokens, i: _behind(tokens, i)[:1]),
        ),
        Misconception(
            "it takes the mean weight of the places behind: sum them, since the head "
            "shares its weight among them",
            _average_behind,
        ),
        Misconception(
            "it counts later appearances too: only those before the query can tell it "
            "what comes",
            _scored(_all_behind),
        ),
        Misconception(
            "it reads the weights down their columns: a row is a query",
            _transposed_score,
        ),
    ),
    also_right=(_scored_by_mask, _scored_by_last, induction_score),
    hints=(
        "For query i, list the earlier j with tokens[j] == tokens[i]. Which keys stand "
        "behind them?",
        "Sum weights[i, j + 1] over these j. Leave out queries that have none.",
        "Take the mean of the sums; if there are none, return 0.",
    ),
)


def _direction(weights, value):
    """Return the one direction that changes neither the blend nor the sum."""
    fixed = np.vstack([value.T, np.ones(len(value))])
    z = np.linalg.svd(fixed)[2][-1]
    return z * np.sign(z[np.argmax(np.abs(z))])


def _ends(weights, value):
    """Return how far one may go forwards and backwards until a weight is 0."""
    z = _direction(weights, value)
    with np.errstate(divide="ignore"):
        steps = -weights / z
    return z, min(steps[z < 0]), max(steps[z > 0])


def _equal_blends(rng: np.random.Generator, size: int) -> Arguments:
    """Draw weights, and values of two numbers less than there are keys.

    One end lies clearly further than the other, and no other weight is near 0 there.
    """
    kind = turn(rng, size)
    d_v = (2, 1, 3, 4, 2, 5, 1, 3, 2, 6, 4, 1)[kind]
    while True:
        weights = softmax(0.7 * rng.normal(size=d_v + 2))
        value = 2 * rng.normal(size=(d_v + 2, d_v))
        z, up, down = _ends(weights, value)
        near, far = sorted((up, -down))
        if far > 1.3 * near and np.abs(z).min() > 0.02 and far < 30:
            return {"weights": weights, "value": value}


def _forged(choose):
    """Return other weights: `choose(up, down)` is how far to go."""

    def forge(weights, value):
        z, up, down = _ends(weights, value)
        return weights + choose(up, down) * z

    return forge


def _further(up, down):
    return up if up > -down else down


def _forged_by_solving(weights, value):
    n = len(weights)
    fixed = np.concatenate([value, np.ones((n, 1))], axis=1).T
    z = np.append(np.linalg.solve(fixed[:, :-1], -fixed[:, -1]), 1.0)
    best = weights
    for sign in (1, -1):
        limits = [w / -x for w, x in zip(weights, sign * z, strict=True) if x < 0]
        other = weights + min(limits) * sign * z
        if np.abs(other - weights).sum() > np.abs(best - weights).sum():
            best = other
    return best


def _forged_by_qr(weights, value):
    fixed = np.column_stack([value, np.ones(len(value))])
    z = np.linalg.qr(fixed, mode="complete")[0][:, -1]
    ratio = z / weights
    return (
        weights - z / max(ratio)
        if max(ratio) < -min(ratio)
        else weights - z / min(ratio)
    )


def _forged_by_projection(weights, value):
    fixed = np.column_stack([value, np.ones(len(value))])
    left_over = np.eye(len(value)) - fixed @ np.linalg.pinv(fixed)
    z = left_over[:, np.argmax(np.diag(left_over))]
    ends = []
    for sign in (1.0, -1.0):
        falls = sign * z < 0
        step = np.min(weights[falls] / np.abs(z[falls]))
        ends.append(weights + sign * step * z)
    return max(ends, key=lambda other: np.abs(other - weights).max())


def _any_sum(weights, value):
    z = np.linalg.svd(value.T)[2][-1]
    falls = z < 0 if (z < 0).any() else z > 0
    step = np.min(np.abs(weights[falls] / z[falls]))
    return weights + (step if (z < 0).any() else -step) * z


def _too_far(weights, value):
    z, up, down = _ends(weights, value)
    steps = -weights / z
    return weights + (max(steps) if up > -down else min(steps)) * z


FORGE = Exercise(
    name="forge",
    lesson=15,
    points=4,
    minutes=25,
    difficulty=3,
    inputs=_equal_blends,
    reference=_forged(_further),
    misconceptions=(
        Misconception(
            "these are the weights that came: others give the same blend, go as far "
            "from these as you can",
            lambda weights, value: weights,
        ),
        Misconception(
            "it goes to the nearer end: the direction can be walked forwards and "
            "backwards; go where the weights change more",
            _forged(lambda up, down: down if up > -down else up),
        ),
        Misconception(
            "it stops half way: go on until a weight is 0",
            _forged(lambda up, down: _further(up, down) / 2),
        ),
        Misconception(
            "it goes too far, and some weights are negative: stop at the first weight "
            "that becomes 0",
            _too_far,
        ),
        Misconception(
            "the blend stays, but the weights no longer sum to 1: the changes must sum "
            "to 0 as well",
            _any_sum,
        ),
        Misconception(
            "these are the same weights in another order: that gives another blend",
            lambda weights, value: np.roll(weights, 1),
        ),
        Misconception(
            "these are uniform weights: they give another blend",
            lambda weights, value: np.full(len(weights), 1 / len(weights)),
        ),
        Misconception(
            "weights that became negative are set to 0, and the others scaled: then "
            "the blend is another; stop before",
            lambda weights, value: (
                (clipped := np.maximum(_too_far(weights, value), 0)) / clipped.sum()
            ),
        ),
    ),
    also_right=(_forged_by_solving, _forged_by_qr, _forged_by_projection),
    hints=(
        "Add t·z to the weights. The blend stays if z @ value is 0, and the sum stays "
        "if z sums to 0. These are d_v + 1 equations for n = d_v + 2 numbers: one "
        "direction is left.",
        "Write the equations as a matrix with a column for each key: "
        "`fixed = np.vstack([value.T, np.ones(n)])`. The last row of "
        "`np.linalg.svd(fixed)[2]` is the z with fixed @ z = 0.",
        "Forwards, t may grow until the first weight is 0: the least of "
        "weights / −z over the z below 0. Backwards is the same with −z. Take the "
        "larger of the two.",
    ),
)

EXERCISES = (OCCLUDE, ROLL_OUT, LOOK_BEHIND, FORGE)
