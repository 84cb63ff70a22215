"""The exercises of lesson 17: write with a published language model."""

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.positions import rotary_embedding
from course_utils.softmax import log_softmax, softmax

FLAT = (3, 9)  # turns in float32


def _thinking(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a stream with a mean, and a step whose sizes mostly differ.

    Once d is d_hidden, once n is d, once there is one token, once the vectors are tiny.
    """
    kind = turn(rng, size)
    n, d, inside = (
        (3, 4, 6),
        (1, 4, 5),
        (4, 4, 3),
        (5, 3, 7),
        (2, 5, 5),
        (3, 6, 2),
        (4, 2, 3),
        (2, 3, 4),
        (6, 4, 1),
        (3, 5, 4),
        (5, 6, 8),
        (2, 7, 3),
    )[kind]
    leading = ((), (2,), (), (), (3, 2))[kind % 5]
    x = rng.normal(size=(*leading, n, d)) + 1.5
    arguments = {
        "x": x * (0.004 if kind in (5, 10) else 2),
        "gain": rng.uniform(0.5, 2, size=d) * rng.choice([-1, 1], size=d),
        "w_gate": 1.5 * rng.normal(size=(d, inside)),
        "w_up": rng.normal(size=(d, inside)),
        "w_down": rng.normal(size=(inside, d)),
    }
    return in_float32(arguments) if kind in FLAT else arguments


def _size(x):
    return np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def _logistic(x):
    return np.tanh(x / 2) / 2 + 0.5


def _thought(size=_size, centre=False, gate=None, gain=None, start=None, hidden=None):
    """Return a gated step in which one part may be another."""

    def step(x, gain_, w_gate, w_up, w_down):
        y = x - x.mean(axis=-1, keepdims=True) if centre else x
        normed = y / size(y) * (gain_ if gain is None else gain(gain_))
        g, u = normed @ w_gate, normed @ w_up
        open_ = g * _logistic(g) if gate is None else gate(g)
        inside = open_ * u if hidden is None else hidden(g, u)
        return (x if start is None else start(x, normed)) + inside @ w_down

    return step


def _thought_by_loop(x, gain, w_gate, w_up, w_down):
    rows = np.asarray(x).reshape(-1, x.shape[-1])
    found = []
    for row in rows:
        normed = gain * row / (sum(a * a for a in row) / len(row) + 1e-5) ** 0.5
        g = [float(normed @ column) for column in w_gate.T]
        u = [float(normed @ column) for column in w_up.T]
        inside = np.array([a / (1 + np.exp(-a)) * b for a, b in zip(g, u, strict=True)])
        found.append(row + inside @ w_down)
    return np.reshape(found, x.shape)


def _thought_by_einsum(x, gain, w_gate, w_up, w_down):
    mean = np.einsum("...d,...d->...", x, x) / x.shape[-1]
    normed = np.einsum("...d,d,...->...d", x, gain, (mean + 1e-5) ** -0.5)
    g = np.einsum("...d,dh->...h", normed, w_gate)
    u = np.einsum("...d,dh->...h", normed, w_up)
    return x + np.einsum("...h,...h,hd->...d", g / (1 + np.exp(-g)), u, w_down)


def _thought_at_once(x, gain, w_gate, w_up, w_down):
    normed = x / np.linalg.norm(x, axis=-1, keepdims=True) * x.shape[-1] ** 0.5
    normed = normed * (1 + 1e-5 / (x * x).mean(axis=-1, keepdims=True)) ** -0.5 * gain
    both = normed @ np.concatenate([w_gate, w_up], axis=1)
    g, u = np.split(both, 2, axis=-1)
    return x + (u * g * _logistic(g)) @ w_down


THINK_GATED = Exercise(
    name="think_gated",
    lesson=17,
    points=2,
    minutes=12,
    difficulty=1,
    inputs=_thinking,
    reference=_thought(),
    misconceptions=(
        Misconception(
            "it takes the mean away: that is layer norm; RMS norm divides, and nothing "
            "else",
            _thought(centre=True),
        ),
        Misconception(
            "the mean of the squares runs over all tokens: each vector has its own",
            _thought(lambda x: np.sqrt((x * x).mean() + 1e-5)),
        ),
        Misconception(
            "it divides by the mean square: take its root",
            _thought(lambda x: (x * x).mean(axis=-1, keepdims=True) + 1e-5),
        ),
        Misconception(
            "it divides by the length of the vector: take the mean of the squares, not "
            "their sum",
            _thought(lambda x: np.sqrt((x * x).sum(axis=-1, keepdims=True) + 1e-5)),
        ),
        Misconception(
            "ε is left out: it counts where a vector is small",
            _thought(lambda x: np.sqrt((x * x).mean(axis=-1, keepdims=True))),
        ),
        Misconception(
            "the gain is left out: multiply the normed vector by it",
            _thought(gain=np.ones_like),
        ),
        Misconception(
            "the gate is relu: it is g / (1 + exp(−g))",
            _thought(gate=lambda g: np.maximum(g, 0)),
        ),
        Misconception(
            "the gate is σ(g) alone: it is g times σ(g)",
            _thought(gate=_logistic),
        ),
        Misconception(
            "it is the values that pass the gate's function: use g for it, and u as it "
            "is",
            _thought(hidden=lambda g, u: g * u * _logistic(u)),
        ),
        Misconception(
            "nothing is multiplied by the gate: hidden is the open gate times u",
            _thought(hidden=lambda g, u: g * _logistic(g)),
        ),
        Misconception(
            "gate and value are added: multiply them",
            _thought(hidden=lambda g, u: g * _logistic(g) + u),
        ),
        Misconception(
            "the stream is gone: add what the step gives to x",
            _thought(start=lambda x, normed: 0),
        ),
        Misconception(
            "it adds to the normed copy: add to x itself",
            _thought(start=lambda x, normed: normed),
        ),
    ),
    also_right=(_thought_by_loop, _thought_by_einsum, _thought_at_once),
    hints=(
        "Three lines: the normed copy, the hidden numbers, and x plus what comes back.",
        "`np.mean(x * x, axis=-1, keepdims=True)` has one number for each vector.",
        "`gate / (1 + np.exp(-gate)) * (normed @ w_up)` are the hidden numbers.",
    ),
)


def _stepping(rng: np.random.Generator, size: int) -> Arguments:
    """Draw a token, matrices and a cache; h is a multiple of h_kv, often 6 and 2.

    Once nothing is kept, once one token is, once heads are not shared, once all share.
    """
    kind = turn(rng, size)
    n = (4, 0, 3, 6, 1, 5, 2, 7, 3, 5, 4, 9)[kind]
    h_kv, shared = ((2, 3), (2, 2), (3, 2), (2, 2), (1, 3), (3, 1))[kind % 6]
    d_head, d = 2 + 2 * (kind % 3), 5 + kind % 2

    def array(*shape):
        return rng.normal(size=shape)

    arguments = {
        "x": array(d),
        "w_query": array(d, h_kv * shared * d_head),
        "w_key": array(d, h_kv * d_head),
        "w_value": array(d, h_kv * d_head),
        "kept_key": 1.5 * array(h_kv, n, d_head),
        "kept_value": array(h_kv, n, d_head) + 1,
        "base": np.array((10.0, 100.0, 10000.0)[kind % 3]),
    }
    return in_float32(arguments) if kind in FLAT else arguments


def _stepped(
    place=None,
    key_place=None,
    spread=np.repeat,
    turned=("query", "key"),
    scale=None,
    appended=True,
    weigh=softmax,
    merge=None,
):
    """Return a step with a cache in which one part may be another."""

    def step(x, w_query, w_key, w_value, kept_key, kept_value, base):
        h_kv, n, d = kept_key.shape
        new = {
            "query": (x @ w_query).reshape(-1, 1, d),
            "key": (x @ w_key).reshape(h_kv, 1, d),
            "value": (x @ w_value).reshape(h_kv, 1, d),
        }
        for name in turned:
            at = n if place is None else place(n)
            if name == "key" and key_place is not None:
                at = key_place(n)
            new[name] = rotary_embedding(new[name], [at], float(base))
        keys, values = kept_key, kept_value
        if appended or n == 0:
            keys = np.concatenate([keys, new["key"]], axis=1)
            values = np.concatenate([values, new["value"]], axis=1)
        shared = len(new["query"]) // h_kv
        if spread is np.repeat:
            keys, values = (np.repeat(a, shared, axis=0) for a in (keys, values))
        else:
            keys, values = (np.tile(a, (shared, 1, 1)) for a in (keys, values))
        factor = d**-0.5 if scale is None else scale(d, keys)
        heads = weigh(new["query"] @ keys.mT * factor) @ values  # (h, 1, d)
        return heads.ravel() if merge is None else merge(heads)

    return step


def _stepped_by_loop(x, w_query, w_key, w_value, kept_key, kept_value, base):
    h_kv, n, d = kept_key.shape
    queries = np.split(x @ w_query, w_query.shape[1] // d)
    new_keys, new_values = np.split(x @ w_key, h_kv), np.split(x @ w_value, h_kv)
    rows = []
    for i, query in enumerate(queries):
        j = i // (len(queries) // h_kv)
        query = rotary_embedding(query[None], [n], float(base))[0]
        key = rotary_embedding(new_keys[j][None], [n], float(base))
        keys = np.vstack([kept_key[j], key])
        values = np.vstack([kept_value[j], new_values[j][None]])
        scores = keys @ query / d**0.5
        e = np.exp(scores - scores.max())
        rows.append(e @ values / e.sum())
    return np.concatenate(rows)


def _stepped_by_groups(x, w_query, w_key, w_value, kept_key, kept_value, base):
    h_kv, n, d = kept_key.shape
    query = rotary_embedding((x @ w_query).reshape(h_kv, -1, 1, d), [n], float(base))
    new = (x @ w_key).reshape(h_kv, 1, d), (x @ w_value).reshape(h_kv, 1, d)
    keys = np.concatenate([kept_key, rotary_embedding(new[0], [n], float(base))], 1)
    values = np.concatenate([kept_value, new[1]], axis=1)
    scores = np.einsum("gsd,gkd->gsk", query[:, :, 0], keys) / np.sqrt(d)
    return np.einsum("gsk,gkd->gsd", softmax(scores), values).ravel()


def _stepped_backwards(x, w_query, w_key, w_value, kept_key, kept_value, base):
    """Turn all keys back, so that the new token stands at place 0."""
    h_kv, n, d = kept_key.shape
    query = (x @ w_query).reshape(h_kv, -1, d)
    back = rotary_embedding(kept_key, np.full(n, -n), float(base))
    keys = np.concatenate([back, (x @ w_key).reshape(h_kv, 1, d)], axis=1)
    values = np.concatenate([kept_value, (x @ w_value).reshape(h_kv, 1, d)], axis=1)
    return (softmax(query @ keys.mT / d**0.5) @ values).ravel()


ONE_STEP = Exercise(
    name="one_step",
    lesson=17,
    points=3,
    minutes=20,
    difficulty=2,
    inputs=_stepping,
    reference=_stepped(),
    misconceptions=(
        Misconception(
            "the new token is turned as if it stood at place 0: n tokens came before",
            _stepped(place=lambda n: 0),
        ),
        Misconception(
            "the place is one too large: the first token stands at place 0, so the new "
            "one at n",
            _stepped(place=lambda n: n + 1, key_place=lambda n: n + 1),
        ),
        Misconception(
            "the place is one too small: n tokens stand at 0 to n − 1, the new at n",
            _stepped(place=lambda n: n - 1, key_place=lambda n: n - 1),
        ),
        Misconception(
            "the new key is not turned: those in the cache are, so it must be too",
            _stepped(turned=("query",)),
        ),
        Misconception(
            "the query is not turned: scores depend on the distance only if both are",
            _stepped(turned=("key",)),
        ),
        Misconception(
            "the value is turned too: only queries and keys tell places",
            _stepped(turned=("query", "key", "value")),
        ),
        Misconception(
            "shared heads are dealt out in turn, as np.tile does: query head i "
            "takes keys i // (h / h_kv), which np.repeat gives",
            _stepped(spread=np.tile),
        ),
        Misconception(
            "the token does not see itself: append its key and value first",
            _stepped(appended=False),
        ),
        Misconception(
            "the scale is missing: divide the scores by the root of d_head",
            _stepped(scale=lambda d, keys: 1.0),
        ),
        Misconception(
            "it divides by d_head: take the root",
            _stepped(scale=lambda d, keys: 1 / d),
        ),
        Misconception(
            "it divides by the root of the number of keys: take the root of d_head",
            _stepped(scale=lambda d, keys: keys.shape[1] ** -0.5),
        ),
        Misconception(
            "scores are not turned into weights: the softmax is missing",
            _stepped(weigh=lambda scores: scores),
        ),
        Misconception(
            "heads are merged number by number: put the output of head 0 first, then "
            "that of head 1",
            _stepped(merge=lambda heads: heads[:, 0].T.ravel()),
        ),
    ),
    also_right=(_stepped_by_loop, _stepped_by_groups, _stepped_backwards),
    hints=(
        "`(x @ w_query).reshape(-1, 1, d_head)` has one row for each head.",
        "n tokens are kept, at places 0 to n − 1. Where does the new one stand?",
        "`np.repeat(keys, h // h_kv, axis=0)` gives each head of queries its keys.",
    ),
    may_use=("rotary_embedding", "softmax"),
)


def _cutting(rng: np.random.Generator, size: int) -> Arguments:
    """Draw logits, none too near another, and a p that no partial sum is near.

    Once they are huge, once one token takes all, once p is 1, once there is one token.
    """
    kind = turn(rng, size)
    count = (6, 1, 8, 5, 10, 7, 9, 6, 12, 8, 5, 7)[kind]
    temperature = (0.5, 1.0, 2.0, 1.5, 0.7, 1.0, 3.0, 0.8, 1.2, 0.6, 2.0, 1.0)[kind]
    while True:
        gaps = rng.uniform(0.3, 1.2, size=count)
        logits = rng.permutation(np.cumsum(gaps)) - 2
        sums = np.cumsum(np.sort(softmax(logits / temperature))[::-1])
        p = float(rng.uniform(0.35, 0.95))
        # As many tokens must not do at temperature 1, or in another order of steps.
        plain = np.cumsum(np.sort(softmax(logits))[::-1])
        far = min(np.abs(sums - p).min(), np.abs(plain - p).min()) > 0.01
        if far and (count < 5 or sums[0] < p - 0.02):
            break
    if kind == 5:
        p = 1.0
    elif kind == 10:
        p = float(sums[0] / 2)
    elif kind in (4, 11):
        logits = logits + (990 if kind == 4 else -990)
    arguments = {
        "logits": logits,
        "p": np.array(p),
        "temperature": np.array(temperature),
    }
    return in_float32(arguments) if kind in FLAT else arguments


def _cut(stays=None, order_by=None, after=None, probabilities=None):
    """Return top-p in which one part may be another."""

    def cut(logits, p, temperature):
        logits = np.asarray(logits, float)
        q = softmax(logits / temperature) if probabilities is None else None
        q = probabilities(logits, temperature) if q is None else q
        order = np.argsort(-q if order_by is None else order_by(q), kind="stable")
        sums = np.cumsum(q[order])
        kept = np.zeros(len(q))
        chosen = sums - q[order] < p if stays is None else stays(sums, q[order], p)
        chosen[0] |= not chosen.any()
        kept[order[chosen]] = q[order[chosen]]
        if after is not None:
            return after(kept, logits, temperature)
        return kept / kept.sum()

    return cut


def _cut_by_loop(logits, p, temperature):
    scaled = [float(x) / float(temperature) for x in logits]
    top = max(scaled)
    powers = [np.exp(x - top) for x in scaled]
    q = [x / sum(powers) for x in powers]
    kept, total = [0.0] * len(q), 0.0
    for i in sorted(range(len(q)), key=lambda i: -q[i]):
        if total >= p:
            break
        kept[i] = q[i]
        total += q[i]
    return np.array(kept) / sum(kept)


def _cut_by_infinity(logits, p, temperature):
    order = np.argsort(-logits, kind="stable")
    scaled = np.asarray(logits, float)[order] / temperature
    e = np.exp(scaled - scaled[0])
    sums = np.cumsum(e / e.sum())
    out = np.concatenate([[False], sums[:-1] >= p])
    scaled[out] = -np.inf
    found = np.empty(len(logits))
    e = np.exp(scaled - scaled[0])
    found[order] = e / e.sum()
    return found


def _cut_by_search(logits, p, temperature):
    q = softmax(np.asarray(logits, float) / temperature)
    ordered = np.sort(q)[::-1]
    last = min(np.searchsorted(np.cumsum(ordered), p), len(q) - 1)
    kept = np.where(q >= ordered[last], q, 0)
    return kept / kept.sum()


def _from_logits(logits, temperature):
    """Take logits for probabilities, as who samples from them does."""
    shifted = logits / temperature - np.min(logits / temperature) + 1e-9
    return shifted / shifted.sum()


TOP_P = Exercise(
    name="top_p",
    lesson=17,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_cutting,
    reference=_cut(),
    misconceptions=(
        Misconception(
            "it works on the logits: turn them into probabilities by a softmax first",
            _cut(probabilities=_from_logits),
        ),
        Misconception(
            "the token that crosses the line is cut: those that are kept must reach p "
            "together",
            _cut(stays=lambda sums, q, p: sums <= p),
        ),
        Misconception(
            "one token too many is kept: stop as soon as p is reached",
            _cut(stays=lambda sums, q, p: sums - q - np.append(0, q)[:-1] < p),
        ),
        Misconception(
            "it keeps tokens whose own probability reaches p: add them up from the "
            "likeliest",
            _cut(stays=lambda sums, q, p: q >= p),
        ),
        Misconception(
            "it begins with the unlikeliest: sort from the likeliest down",
            _cut(order_by=lambda q: q),
        ),
        Misconception(
            "it adds up in the order of the vocabulary: sort first",
            _cut(order_by=lambda q: np.arange(len(q))),
        ),
        Misconception(
            "the rest does not sum to 1: divide by the sum of what was kept",
            _cut(after=lambda kept, logits, t: kept),
        ),
        Misconception(
            "the temperature is left out",
            _cut(probabilities=lambda logits, t: softmax(logits)),
        ),
        Misconception(
            "the temperature comes too late: it makes the probabilities that are added "
            "up",
            _cut(
                probabilities=lambda logits, t: softmax(logits),
                after=lambda kept, logits, t: softmax(
                    np.where(kept > 0, logits / t, -np.inf)
                ),
            ),
        ),
        Misconception(
            "it multiplies by the temperature: divide the logits by it",
            _cut(probabilities=lambda logits, t: softmax(logits * t)),
        ),
        Misconception(
            "the tokens that were kept become equally likely: keep their proportions",
            _cut(after=lambda kept, logits, t: (kept > 0) / (kept > 0).sum()),
        ),
    ),
    also_right=(_cut_by_loop, _cut_by_infinity, _cut_by_search),
    hints=(
        "`np.argsort(-probabilities)` is the order from the likeliest down, and "
        "`np.cumsum` adds up in it.",
        "A token stays if the sum of those *before* it has not reached p.",
        "Put the kept probabilities back at their own places, then divide by their "
        "sum.",
    ),
    may_use=("softmax",),
)


def _ending(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the end of a model in which two heads say the right token, and one against.

    Four times there are two heads; once one text; twice d_head is 1, twice h is n.
    """
    kind = turn(rng, size)
    h = (3, 2, 3, 3, 2, 3, 2, 4, 3, 2, 3, 3)[kind]
    n = (4, 3, 5, 2, 4, 1, 5, 3, 3, 6, 2, 3)[kind]
    d_head = (2, 3, 1, 2, 3, 2, 4, 2, 3, 2, 1, 2)[kind]
    d, vocabulary = 4 + kind % 4, 5 + kind % 3
    w_read = rng.normal(size=(d, vocabulary))
    w_out = rng.normal(size=(h * d_head, d))
    right = rng.integers(vocabulary, size=n)
    heads = 0.7 * rng.normal(size=(h, n, d_head))
    towards = 0.8 * w_read.T[right]  # (n, d): what the right token wants
    for head in (0, h - 1):
        own = w_out[head * d_head : (head + 1) * d_head]
        heads[head] += towards @ np.linalg.pinv(own)
    order = rng.permutation(h)
    blocks = w_out.reshape(h, d_head, d)[order]
    # In float64 alone: what is returned is a small difference of larger numbers.
    return {
        "heads": heads[order],
        "w_out": blocks.reshape(h * d_head, d),
        "stream": rng.normal(size=(n, d)),
        "w_read": w_read,
        "right": right,
    }


def _end(
    merge=None,
    norm=True,
    spoken=None,
    off=None,
    rest=True,
):
    """Return the loss of a model's end with some heads off, part by part."""

    def loss(heads, w_out, stream, w_read, right, silent):
        h, n, d_head = heads.shape
        kept = heads.copy()
        kept[list(silent)] = 0 if off is None else off(heads)[list(silent)]
        if merge is None:
            merged = kept.swapaxes(0, 1).reshape(n, h * d_head)
        else:
            merged = merge(kept)
        x = merged @ w_out + (stream if rest else 0)
        if norm:
            x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
        logits = x @ w_read
        p = log_softmax(logits) if spoken is None else spoken(logits)
        return -p[np.arange(n), right].mean()

    return loss


def _pairs(loss=None, sign=1, singles=1, base=1, diagonal=False, both=None):
    """Return, for each pair, what is lost beyond the sum; parts may be others."""
    measure = _end() if loss is None else loss

    def backups(heads, w_out, stream, w_read, right):
        h = len(heads)

        def lost(*silent):
            return measure(heads, w_out, stream, w_read, right, silent)

        zero = lost() * base
        alone = np.array([lost(i) - zero for i in range(h)])
        more = np.zeros((h, h))
        for i in range(h):
            for j in range(i + diagonal):
                pair = lost(i, j) - zero if both is None else both(lost, i, j, h)
                more[i, j] = sign * (pair - singles * (alone[i] + alone[j]))
                more[j, i] = more[i, j]
        return more

    return backups


def _pairs_by_masks(heads, w_out, stream, w_read, right):
    """Compute all losses at once, by masks of heads and each head's part."""
    h, n, d_head = heads.shape
    parts = np.einsum("hne,hed->hnd", heads, w_out.reshape(h, d_head, -1))
    on = np.ones((h + 1, h + 1, h))
    for i in range(h):
        on[i, :, i] = 0
        on[:, i, i] = 0
    x = stream + np.einsum("ijh,hnd->ijnd", on, parts)
    x = x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-5)
    logits = x @ w_read
    logits = logits - logits.max(axis=-1, keepdims=True)
    p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    loss = -p[..., np.arange(n), right].mean(axis=-1)
    more = loss[:h, :h] - loss[:h, h:] - loss[h:, :h] + loss[h, h]
    np.fill_diagonal(more, 0)
    return more


def _pairs_by_rows_of_w_out(heads, w_out, stream, w_read, right):
    h, n, d_head = heads.shape
    merged = np.concatenate(list(heads), axis=-1)

    def loss(silent):
        w = w_out.copy()
        for i in silent:
            w[i * d_head : (i + 1) * d_head] = 0
        x = stream + merged @ w
        x = x / (np.sum(x * x, axis=-1, keepdims=True) / x.shape[-1] + 1e-5) ** 0.5
        p = softmax(x @ w_read)
        return np.mean([-np.log(p[t, right[t]]) for t in range(n)])

    more = np.zeros((h, h))
    for i in range(h):
        for j in range(i):
            both, one, two, none = loss((i, j)), loss((i,)), loss((j,)), loss(())
            more[i, j] = more[j, i] = (both - none) - (one - none) - (two - none)
    return more


def _pairs_in_one_line(heads, w_out, stream, w_read, right):
    loss, h = _end(), len(heads)
    at = {
        s: loss(heads, w_out, stream, w_read, right, sorted(s))
        for s in {frozenset((i, j)) for i in range(h) for j in range(h)} | {frozenset()}
    }
    one = np.array([at[frozenset((i,))] for i in range(h)])
    two = np.array([[at[frozenset((i, j))] for j in range(h)] for i in range(h)])
    return (two - one[:, None] - one + at[frozenset()]) * (1 - np.eye(h))


def _shifted(heads):
    """Return the mean of each head over the texts, in place of 0."""
    return np.broadcast_to(heads.mean(axis=1, keepdims=True), heads.shape)


BACKUPS = Exercise(
    name="backups",
    lesson=17,
    points=4,
    minutes=25,
    difficulty=3,
    inputs=_ending,
    reference=_pairs_by_masks,
    misconceptions=(
        Misconception(
            "it is what is lost with both off: take away what each loses alone",
            _pairs(singles=0),
        ),
        Misconception(
            "the loss with all heads on is not taken away: what is lost is a change",
            _pairs(base=0),
        ),
        Misconception(
            "the sign is turned round: more lost with both off is a positive number",
            _pairs(sign=-1),
        ),
        Misconception(
            "it compares the logits of the right token: these are nearly sums, and a "
            "sum has no backups; take −ln p",
            _pairs(_end(spoken=lambda logits: logits)),
        ),
        Misconception(
            "it compares probabilities: the loss is −ln p",
            _pairs(_end(spoken=softmax)),
        ),
        Misconception(
            "the norm is left out: RMS norm comes before w_read",
            _pairs(_end(norm=False)),
        ),
        Misconception(
            "the stream is left out: what the heads write is added to it",
            _pairs(_end(rest=False)),
        ),
        Misconception(
            "heads are merged without a transpose: text t needs its own outputs of all "
            "heads",
            _pairs(
                _end(
                    merge=lambda x: x.reshape(x.shape[1], x.shape[0] * x.shape[2]),
                )
            ),
        ),
        Misconception(
            "heads are merged number by number: head i has the columns i·d_head to "
            "(i + 1)·d_head",
            _pairs(
                _end(
                    merge=lambda x: np.moveaxis(x, 0, -1).reshape(x.shape[1], -1),
                )
            ),
        ),
        Misconception(
            "a head that is off gives its mean: here its output is 0",
            _pairs(_end(off=_shifted)),
        ),
        Misconception(
            "the diagonal is not 0: a head is no pair with itself",
            _pairs(diagonal=True),
        ),
        Misconception(
            "it switches off all heads but the two: switch the two off",
            _pairs(
                both=lambda lost, i, j, h: (
                    lost(*(k for k in range(h) if k not in (i, j))) - lost()
                )
            ),
        ),
    ),
    also_right=(_pairs(), _pairs_by_rows_of_w_out, _pairs_in_one_line),
    hints=(
        "Write a function of the heads that are off, which returns the loss. The rest "
        "is a table.",
        "`heads.swapaxes(0, 1).reshape(n, h * d_head)` merges; set the heads that are "
        "off to 0 before, in a copy.",
        "more[i, j] is loss(i, j) − loss() − (loss(i) − loss()) − (loss(j) − loss()).",
    ),
    may_use=("log_softmax", "softmax"),
)

EXERCISES = (THINK_GATED, ONE_STEP, TOP_P, BACKUPS)
