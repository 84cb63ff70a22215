"""The exercises of lesson 12: stack a transformer."""

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.masks import causal_mask
from course_utils.multi_head import multi_head_attention
from course_utils.sampling import next_token_probabilities
from course_utils.softmax import log_softmax, softmax

EPSILON = 1e-5


def _vectors(rng: np.random.Generator, size: int) -> Arguments:
    """Draw vectors, gain and shift.

    Some vectors hardly vary, or not at all, so that ε counts; some are far from 0. A
    sequence may be one token, and have as many tokens as numbers.
    """
    n, d = (int(i) for i in rng.permutation([3, 4, 5, 6])[:2])
    n = {1: 1, 4: d}.get(size, n)
    leading = ((), (2,), (3, 2))[size // 2 % 3]
    x = rng.normal(size=(*leading, n, d)) * 2 + 3
    x[..., 0, :] = rng.normal(size=(*leading, d)) * 4e-3
    if size in (5, 8):
        x[..., -1, :] = 2.0
    arguments = {
        "x": x,
        "gain": rng.uniform(0.5, 2, size=d),
        "shift": rng.normal(size=d),
    }
    return in_float32(arguments) if size in (3, 10) else arguments


def _norm(x, gain, shift, axis=-1):
    centred = x - x.mean(axis=axis, keepdims=True)
    variance = (centred * centred).mean(axis=axis, keepdims=True)
    return gain * centred / np.sqrt(variance + EPSILON) + shift


def _norm_by_loop(x, gain, shift):
    output = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        vector = x[place]
        mean = sum(vector) / len(vector)
        variance = sum((number - mean) ** 2 for number in vector) / len(vector)
        output[place] = (vector - mean) / (variance + EPSILON) ** 0.5 * gain + shift
    return output


def _norm_by_einsum(x, gain, shift):
    d = x.shape[-1]
    centred = x - np.einsum("...d->...", x)[..., None] / d
    squares = np.einsum("...d,...d->...", centred, centred)[..., None] / d
    return np.einsum("...d,d->...d", centred / np.sqrt(squares + EPSILON), gain) + shift


def _norm_by_numpy(x, gain, shift):
    size = np.sqrt(np.var(x, axis=-1) + EPSILON)
    return (x - np.mean(x, -1)[..., None]) / size[..., None] * gain + shift


LAYER_NORM = Exercise(
    name="layer_norm",
    lesson=12,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_vectors,
    reference=_norm,
    misconceptions=(
        Misconception(
            "it norms along the tokens: each token would learn from those after it; "
            "mean and variance are those of one vector, along the last axis",
            lambda x, gain, shift: _norm(x, gain, shift, axis=-2),
        ),
        Misconception(
            "it takes one mean and one variance for all tokens: each vector has its "
            "own, along the last axis",
            lambda x, gain, shift: _norm(x, gain, shift, axis=None),
        ),
        Misconception(
            "it norms along the tokens and the components at once: each vector has a "
            "mean and a variance of its own",
            lambda x, gain, shift: _norm(x, gain, shift, axis=(-2, -1)),
        ),
        Misconception(
            "it divides by the variance: divide by its root, the standard deviation",
            lambda x, gain, shift: (
                gain
                * (x - x.mean(-1, keepdims=True))
                / (x.var(-1, keepdims=True) + EPSILON)
                + shift
            ),
        ),
        Misconception(
            "epsilon stands outside the root: it is added to the variance",
            lambda x, gain, shift: (
                gain
                * (x - x.mean(-1, keepdims=True))
                / (x.std(-1, keepdims=True) + EPSILON)
                + shift
            ),
        ),
        Misconception(
            "epsilon is missing: vectors that hardly vary come out too large, and a "
            "constant one divides by 0",
            lambda x, gain, shift: (
                gain * (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
                + shift
            ),
        ),
        Misconception(
            "the variance divides by d − 1: layer norm divides by d",
            lambda x, gain, shift: (
                gain
                * (x - x.mean(-1, keepdims=True))
                / np.sqrt(x.var(-1, keepdims=True, ddof=1) + EPSILON)
                + shift
            ),
        ),
        Misconception(
            "the mean is not taken off: that is RMS norm; subtract it first",
            lambda x, gain, shift: (
                gain * x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) + shift
            ),
        ),
        Misconception(
            "gain and shift are missing: multiply by the one, add the other",
            lambda x, gain, shift: _norm(x, 1, 0),
        ),
        Misconception(
            "it shifts before it multiplies: the gain comes first",
            lambda x, gain, shift: gain * (_norm(x, 1, 0) + shift),
        ),
    ),
    also_right=(_norm_by_loop, _norm_by_einsum, _norm_by_numpy),
    hints=(
        "Which axis holds the components of one vector?",
        "`x.mean(axis=-1, keepdims=True)` and `x.var(axis=-1, keepdims=True)` stand "
        "beside the vectors they belong to.",
        "Take the mean off, divide by `np.sqrt(variance + 1e-5)`, multiply by `gain`, "
        "add `shift`.",
    ),
)


def _block_arguments(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a sequence and the matrices of a block; it may be one token, or one head."""
    num_heads, d_head = ((2, 3), (3, 2), (2, 4), (1, 5))[size % 4]
    d, n, hidden = num_heads * d_head, 3 + size % 5, 7 + size % 3
    n = 1 if size == 6 else n
    leading = () if size % 3 else (2,)
    arguments = {"x": rng.normal(size=(*leading, n, d)) * 2 + 1}
    for name in ("w_query", "w_key", "w_value", "w_out"):
        arguments[name] = rng.normal(size=(d, d)) / 2
    arguments |= {
        "w_up": rng.normal(size=(d, hidden)),
        "b_up": rng.normal(size=hidden),
        "w_down": rng.normal(size=(hidden, d)) / 2,
        "b_down": rng.normal(size=d),
    }
    if size == 9:
        arguments["w_key"] *= 5000
    arguments = in_float32(arguments) if size in (4, 11) else arguments
    return arguments | {"num_heads": np.array(num_heads)}


def _plain(x):
    return _norm(x, 1, 0)


def _as_it_is(x):
    return x


def _relu(x):
    return np.maximum(x, 0)


def _some_block(
    before=_plain, between=_plain, after=_as_it_is, relu=_relu, causal=True, keep=(1, 1)
):
    """Return a block with some of its parts replaced."""

    def block(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
        y = before(x)
        found = multi_head_attention(
            y, y, y, w_q, w_k, w_v, w_out, num_heads=num_heads, is_causal=causal
        )
        x = after(keep[0] * x + found)
        thought = relu(between(x) @ w_up + b_up) @ w_down + b_down
        return after(keep[1] * x + thought)

    return block


def _normed_stream(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    x = _plain(x)
    options = {"num_heads": num_heads, "is_causal": True}
    x = _plain(x + multi_head_attention(x, x, x, w_q, w_k, w_v, w_out, **options))
    return x + _relu(x @ w_up + b_up) @ w_down + b_down


def _side_by_side(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    y, options = _plain(x), {"num_heads": num_heads, "is_causal": True}
    found = multi_head_attention(y, y, y, w_q, w_k, w_v, w_out, **options)
    return x + found + _relu(y @ w_up + b_up) @ w_down + b_down


def _think_first(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    x = x + _relu(_plain(x) @ w_up + b_up) @ w_down + b_down
    y, options = _plain(x), {"num_heads": num_heads, "is_causal": True}
    return x + multi_head_attention(y, y, y, w_q, w_k, w_v, w_out, **options)


def _values_as_they_are(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    y, options = _plain(x), {"num_heads": num_heads, "is_causal": True}
    x = x + multi_head_attention(y, y, x, w_q, w_k, w_v, w_out, **options)
    return x + _relu(_plain(x) @ w_up + b_up) @ w_down + b_down


def _block_by_heads(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    y, d = _plain(x), x.shape[-1] // num_heads
    hides = np.where(causal_mask(x.shape[-2]), 0, -np.inf)
    for h in range(num_heads):
        own = slice(h * d, (h + 1) * d)
        query, key, value = (y @ w[:, own] for w in (w_q, w_k, w_v))
        weights = softmax(query @ np.swapaxes(key, -1, -2) / np.sqrt(d) + hides)
        x = x + weights @ value @ w_out[own]
    hidden = _plain(x) @ w_up + b_up
    return x + np.where(hidden > 0, hidden, 0) @ w_down + b_down


def _block_by_einsum(x, w_q, w_k, w_v, w_out, w_up, b_up, w_down, b_down, num_heads):
    def heads(w):
        return np.einsum("...nm,mhd->...hnd", y, w.reshape(len(w), num_heads, -1))

    y = _plain(x)
    query, key, value = heads(w_q), heads(w_k), heads(w_v)
    scores = np.einsum("...qd,...kd->...qk", query, key) / query.shape[-1] ** 0.5
    weights = softmax(np.where(causal_mask(x.shape[-2]), scores, -np.inf))
    merged = np.einsum("...hqk,...hkd->...qhd", weights, value).reshape(x.shape)
    x = x + merged @ w_out
    return x + _relu(_plain(x) @ w_up + b_up) @ w_down + b_down


BLOCK = Exercise(
    name="block",
    lesson=12,
    points=3,
    minutes=20,
    difficulty=2,
    inputs=_block_arguments,
    reference=_some_block(),
    misconceptions=(
        Misconception(
            "there is no residual: what each step finds must be added to the stream, "
            "`x + …`, or tokens forget what they were",
            _some_block(keep=(0, 0)),
        ),
        Misconception(
            "attention replaces the stream: add what it finds to `x`",
            _some_block(keep=(0, 1)),
        ),
        Misconception(
            "the feed-forward step replaces the stream: add what it makes to `x`",
            _some_block(keep=(1, 0)),
        ),
        Misconception(
            "it norms after each sum, as in 2017: here each step reads a normed copy, "
            "and the stream stays as it is",
            _some_block(before=_as_it_is, between=_as_it_is, after=_plain),
        ),
        Misconception(
            "the stream itself is normed: norm a copy for each step to read, and add "
            "to `x` as it was",
            _normed_stream,
        ),
        Misconception(
            "no step norms what it reads",
            _some_block(before=_as_it_is, between=_as_it_is),
        ),
        Misconception(
            "attention reads the stream without a norm",
            _some_block(before=_as_it_is),
        ),
        Misconception(
            "the feed-forward step reads the stream without a norm",
            _some_block(between=_as_it_is),
        ),
        Misconception(
            "queries and keys are normed, values are not: all three read one copy",
            _values_as_they_are,
        ),
        Misconception(
            "the target leaks: without a causal mask a token sees those after it",
            _some_block(causal=False),
        ),
        Misconception(
            "there is no relu: two matrices without it are only one",
            _some_block(relu=_as_it_is),
        ),
        Misconception(
            "both steps read the same: the second reads what the first has added to",
            _side_by_side,
        ),
        Misconception(
            "the steps are in the wrong order: tokens first look, then think",
            _think_first,
        ),
    ),
    also_right=(_block_by_heads, _block_by_einsum, _some_block()),
    hints=(
        "Two steps of one form: `x = x + step(norm(x))`.",
        "Norm once for attention, which gets the copy as query, key and value; and "
        "again, after the first sum, for the feed-forward step.",
        "`multi_head_attention(normed, normed, normed, w_query, w_key, w_value, w_out, "
        "num_heads=num_heads, is_causal=True)`, then `np.maximum(normed @ w_up + b_up, "
        "0) @ w_down + b_down`.",
    ),
    may_use=("multi_head_attention", "scaled_dot_product_attention", "softmax"),
)


def _cut(rng: np.random.Generator, size: int) -> Arguments:
    """Draw logits, k and a temperature.

    Sometimes two tie for the last place, k is all there are or more, or the logits run
    to thousands.
    """
    vocabulary = 5 + size % 4
    leading = ((), (3,), (2, 3))[size % 3]
    logits = rng.normal(size=(*leading, vocabulary)) * 2 + rng.normal() * 4
    k = 2 + int(rng.integers(vocabulary - 3))
    if size in (3, 7, 10):  # the last that stays, and the first that would not
        order = np.argsort(logits, axis=-1)
        last, rival = (order[..., -i, None] for i in (k, k + 1))
        np.put_along_axis(
            logits, rival, np.take_along_axis(logits, last, axis=-1), axis=-1
        )
    k = {2: 1, 5: vocabulary, 8: vocabulary + 3}.get(size, k)
    if size in (6, 9):
        logits = logits * 100 + 5000
    temperature = float(rng.choice([0.4, 0.7, 1.6, 2.5]))
    if size in (4, 11):
        logits = logits.astype(np.float32)
    return {"logits": logits, "k": np.array(k), "temperature": np.array(temperature)}


def _top_k(logits, k, temperature):
    return next_token_probabilities(logits, temperature=temperature, top_k=k)


def _kept(logits, k):
    """Return which logits are among the k largest of their row, ties included."""
    k = min(k, logits.shape[-1])
    return logits >= np.sort(logits, axis=-1)[..., -k, None]


def _top_k_by_loop(logits, k, temperature):
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        last = sorted(row)[-min(k, len(row))]
        powers = [np.exp((z - max(row)) / temperature) * (z >= last) for z in row]
        rows.append([power / sum(powers) for power in powers])
    return np.array(rows).reshape(logits.shape)


def _top_k_by_partition(logits, k, temperature):
    k = min(k, logits.shape[-1])
    last = np.partition(logits, -k, axis=-1)[..., -k, None]
    return softmax(np.where(logits >= last, logits, -np.inf) / temperature)


def _top_k_after(logits, k, temperature):
    share = softmax(logits, temperature=temperature) * _kept(logits, k)
    return share / share.sum(axis=-1, keepdims=True)


def _first_of_ties(logits, k, temperature):
    order = np.argsort(-logits, axis=-1, kind="stable")
    kept = np.zeros(logits.shape, dtype=bool)
    np.put_along_axis(kept, order[..., :k], True, axis=-1)
    return softmax(np.where(kept, logits, -np.inf) / temperature)


def _one_row_decides(logits, k, temperature):
    flat = np.sort(logits, axis=None)
    last = flat[-min(k, flat.size)]
    shown = np.where(logits >= min(last, logits.max(-1).min()), logits, -np.inf)
    return softmax(shown / temperature)


def _masked(logits, kept, temperature):
    return softmax(np.where(kept, logits, -np.inf) / temperature)


TOP_K = Exercise(
    name="top_k",
    lesson=12,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_cut,
    reference=_top_k,
    misconceptions=(
        Misconception(
            "the rest is cut off after the softmax, and the row no longer sums to 1",
            lambda logits, k, temperature: (
                softmax(logits / temperature) * _kept(logits, k)
            ),
        ),
        Misconception(
            "a logit that is cut becomes 0, which is a probability like another: make "
            "it −inf",
            lambda logits, k, temperature: softmax(
                np.where(_kept(logits, k), logits, 0) / temperature
            ),
        ),
        Misconception(
            "it multiplies by the temperature: divide, so that a low one sharpens",
            lambda logits, k, temperature: _masked(
                logits, _kept(logits, k), 1 / temperature
            ),
        ),
        Misconception(
            "there is no temperature: divide the logits by it",
            lambda logits, k, temperature: _masked(logits, _kept(logits, k), 1.0),
        ),
        Misconception(
            "the temperature divides the probabilities, which no longer sum to 1: "
            "divide the logits, before the softmax",
            lambda logits, k, temperature: (
                _masked(logits, _kept(logits, k), 1.0) / temperature
            ),
        ),
        Misconception(
            "it keeps the k least likely: the largest logits stay",
            lambda logits, k, temperature: _masked(
                logits, _kept(-logits, k), temperature
            ),
        ),
        Misconception(
            "it keeps one too many: the k-th largest is the last that stays",
            lambda logits, k, temperature: _top_k(logits, k + 1, temperature),
        ),
        Misconception(
            "of those that tie for the last place it keeps one alone: all stay",
            _first_of_ties,
        ),
        Misconception(
            "the k largest of all rows together decide: each row has its own",
            _one_row_decides,
        ),
        Misconception(
            "the probabilities come sorted: each token keeps its place",
            lambda logits, k, temperature: np.sort(
                _top_k(logits, k, temperature), axis=-1
            )[..., ::-1],
        ),
        Misconception(
            "all stay: nothing is cut",
            lambda logits, k, temperature: softmax(logits / temperature),
        ),
    ),
    also_right=(_top_k_by_loop, _top_k_by_partition, _top_k_after),
    hints=(
        "What is the smallest logit that may stay? All below it get a weight of 0.",
        "`np.sort(logits, axis=-1)[..., -k, None]` is the k-th largest of each row; k "
        "may be larger than the row.",
        "`np.where(logits < last, -np.inf, logits)`, divided by the temperature, then "
        "softmax.",
    ),
    may_use=("softmax", "masked_softmax"),
)


# What a case's mask lets through, and how many blocks the model has.
MASKS = (
    ("causal", 2),
    ("one too wide", 1),
    ("none", 1),
    ("one hole", 1),
    ("one hole", 3),
    ("two steps", 2),
    ("two steps", 1),
    ("three steps", 3),
    ("three steps", 2),
    ("not itself", 2),
    ("holes", 1),
    ("holes", 2),
)


def _sees(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Draw a mask that is right, or lets one place or several see what comes."""
    if kind == "none":
        return np.ones((n, n), dtype=bool)
    sees = causal_mask(n, offset=int(kind == "one too wide"))
    place = int(rng.integers(1, n - 4))
    if kind == "one hole":
        sees[place, place + 1] = True
        sees[place + 3, place + 2] = False  # a mask may also hide what it need not
    if kind in ("two steps", "three steps"):  # by way of one further on
        sees[place, place + 3] = True
        sees[place + 3, place + 1] = kind == "two steps"
    if kind == "not itself":
        sees[place, place + 1] = True
        sees[[place, place + 1], [place, place + 1]] = False
    if kind == "holes":
        sees = sees | (rng.random((n, n)) < 0.08)
    return sees


def _leaking_model(rng: np.random.Generator, size: int) -> Arguments:
    """Draw what a model says of a few windows, and the mask that it had."""
    kind = turn(rng, size)
    n, vocabulary, windows = 7 + size % 3, 4 + size % 3, 2 + size % 2
    mask, num_blocks = MASKS[kind]
    may_see = _sees(rng, mask, n)
    targets = rng.integers(vocabulary, size=(windows, n))
    logits = rng.normal(size=(windows, n, vocabulary))
    known = ~_honest(may_see, num_blocks)
    told = np.eye(vocabulary)[targets] * known[:, None]
    logits = logits + told * rng.uniform(3, 6)
    if kind in (4, 9):
        logits = logits * 2 + 800
    return {
        "logits": logits,
        "targets": targets,
        "may_see": may_see,
        "num_blocks": np.array(num_blocks),
    }


def _reaches(may_see, num_blocks):
    """Return which inputs reach each place through some blocks and the plus signs."""
    step = may_see | np.eye(len(may_see), dtype=bool)
    reach = np.eye(len(may_see), dtype=bool)
    for _ in range(num_blocks):
        reach = reach @ step
    return reach


def _honest(may_see, num_blocks):
    """Return the places whose target cannot reach them; the last is always one."""
    reach = _reaches(may_see, num_blocks)
    honest = np.ones(len(may_see), dtype=bool)
    honest[:-1] = ~np.diagonal(reach, 1)
    return honest


def _bits(logits, targets):
    chosen = np.take_along_axis(log_softmax(logits), targets[..., None], axis=-1)
    return -chosen[..., 0] / np.log(2)


def _both(bits, honest):
    return np.array([bits.mean(), bits[:, honest].mean()])


def _count_leak(logits, targets, may_see, num_blocks):
    return _both(_bits(logits, targets), _honest(may_see, num_blocks))


def _count_by_loop(logits, targets, may_see, num_blocks):
    n = len(may_see)
    honest = []
    for place in range(n):
        known = {place}
        for _ in range(num_blocks):
            known |= {j for i in known for j in range(n) if may_see[i, j]}
        if place + 1 not in known or place == n - 1:
            honest.append(place)
    bits = np.empty(targets.shape)
    for window, row in enumerate(targets):
        for place, target in enumerate(row):
            z = logits[window, place] - logits[window, place].max()
            bits[window, place] = np.log2(np.exp(z).sum()) - z[target] / np.log(2)
    return np.array([bits.mean(), bits[:, honest].mean()])


def _count_by_power(logits, targets, may_see, num_blocks):
    n = len(may_see)
    paths = np.linalg.matrix_power(
        may_see.astype(int) + np.eye(n, dtype=int), num_blocks
    )
    leaks = np.array([paths[i, i + 1] > 0 for i in range(n - 1)] + [False])
    z = logits - logits.max(axis=-1, keepdims=True)
    share = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    bits = -np.log2(np.take_along_axis(share, targets[..., None], axis=-1)[..., 0])
    weight = np.broadcast_to(~leaks, bits.shape)
    return np.array([np.average(bits), np.average(bits, weights=weight)])


def _count_by_einsum(logits, targets, may_see, num_blocks):
    picked = np.eye(logits.shape[-1])[targets]
    bits = -np.einsum("wnv,wnv->wn", log_softmax(logits), picked) / np.log(2)
    honest = _honest(may_see, num_blocks)
    return np.array([bits.mean(), bits @ honest @ np.ones(len(bits))]) / np.array(
        [1, honest.sum() * len(bits)]
    )


def _without_the_last(logits, targets, may_see, num_blocks):
    honest = _honest(may_see, num_blocks)
    bits = _bits(logits, targets)
    last = np.arange(len(honest)) == len(honest) - 1
    kept = honest & ~last
    return _both(bits, kept if kept.any() else honest)


def _judged_by(chooses):
    """Return an answer whose honest places are those that `chooses` finds."""

    def count(logits, targets, may_see, num_blocks):
        honest = chooses(may_see, num_blocks)
        honest = honest if honest.any() else np.ones_like(honest)
        return _both(_bits(logits, targets), honest)

    return count


COUNT_LEAK = Exercise(
    name="count_leak",
    lesson=12,
    points=3,
    minutes=25,
    difficulty=3,
    inputs=_leaking_model,
    reference=_count_leak,
    misconceptions=(
        Misconception(
            "it reports all places twice: the second number leaves out those whose "
            "target leaks",
            _judged_by(lambda may_see, num_blocks: np.ones(len(may_see), dtype=bool)),
        ),
        Misconception(
            "it trusts the last place alone: every place whose target cannot reach it "
            "is honest",
            _judged_by(
                lambda may_see, num_blocks: np.arange(len(may_see)) == len(may_see) - 1
            ),
        ),
        Misconception(
            "it leaves the last place out: its target lies behind the window, and no "
            "mask lets it in",
            _without_the_last,
        ),
        Misconception(
            "it looks one block deep: with more, a place sees what those that it sees "
            "have seen",
            _judged_by(lambda may_see, num_blocks: _honest(may_see, 1)),
        ),
        Misconception(
            "it looks as deep as one likes: a model has `num_blocks` steps, no more",
            _judged_by(lambda may_see, num_blocks: _honest(may_see, len(may_see))),
        ),
        Misconception(
            "it forgets the residual: a place keeps what it has, also where the mask "
            "hides a place from itself",
            _judged_by(
                lambda may_see, num_blocks: _honest_without(may_see, num_blocks)
            ),
        ),
        Misconception(
            "it reads the mask down its columns: a row is who looks",
            _judged_by(lambda may_see, num_blocks: _honest(may_see.T, num_blocks)),
        ),
        Misconception(
            "it looks two places on: the target of place i is the input of place i + 1",
            _judged_by(
                lambda may_see, num_blocks: np.append(
                    ~np.diagonal(_reaches(may_see, num_blocks), 2), [True, True]
                )
            ),
        ),
        Misconception(
            "it counts the places that leak: the second number is that of the others",
            _judged_by(lambda may_see, num_blocks: ~_honest(may_see, num_blocks)),
        ),
        Misconception(
            "it counts in nats: for bits, take the logarithm to base 2",
            lambda *a: _count_leak(*a) * np.log(2),
        ),
        Misconception(
            "it takes the logarithm of a mean: first the bits of each place, then "
            "their mean",
            lambda logits, targets, may_see, num_blocks: (
                -np.log2(
                    _both(
                        np.exp2(-_bits(logits, targets)), _honest(may_see, num_blocks)
                    )
                )
            ),
        ),
        Misconception(
            "the honest number comes first: first what all places report",
            lambda *a: _count_leak(*a)[::-1],
        ),
        Misconception(
            "it returns how much the leak hides: return both numbers",
            lambda *a: np.full(2, np.diff(_count_leak(*a))[0]),
        ),
    ),
    also_right=(_count_by_loop, _count_by_power, _count_by_einsum),
    hints=(
        "The target of place i is the input of place i + 1. Can place i have seen it? "
        "For the last place the question does not arise.",
        "Through one block place i sees row i of `may_see`, and itself, by the plus "
        "sign. Through two it sees what those see. With booleans, `reach @ step` says "
        "just that.",
        "`honest[i]` is `not reach[i, i + 1]`, and True at the end. Bits are "
        "`-np.log2(softmax(logits))` at the targets; return their mean over all "
        "places, and over the honest ones.",
    ),
    may_use=("softmax", "log_softmax"),
)


def _honest_without(may_see, num_blocks):
    """Return the honest places of a model without plus signs."""
    reach = np.eye(len(may_see), dtype=bool)
    for _ in range(num_blocks):
        reach = reach @ may_see
    return np.append(~np.diagonal(reach, 1), True)


EXERCISES = (LAYER_NORM, BLOCK, TOP_K, COUNT_LEAK)
