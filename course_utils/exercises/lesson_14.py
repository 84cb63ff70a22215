"""The exercises of lesson 14: make attention cheap."""

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.masks import causal_mask
from course_utils.softmax import masked_softmax

# The sizes of each case, in an order of the seed: n, d and d_v, some 1, some equal.
SHAPES = (
    (5, 3, 2),
    (1, 3, 2),
    (4, 1, 3),
    (3, 3, 3),
    (6, 2, 1),
    (2, 4, 3),
    (7, 2, 4),
    (4, 4, 2),
    (3, 5, 5),
    (8, 3, 2),
    (5, 2, 5),
    (6, 4, 3),
)
FLAT = (3, 9)  # turns in float32


def _features(rng: np.random.Generator, size: int) -> Arguments:
    """Draw positive features and values; n, d and d_v mostly differ."""
    kind = turn(rng, size)
    n, d, d_v = SHAPES[kind]
    arguments = {
        "asks": np.exp(rng.normal(size=(n, d))),
        "tells": np.exp(rng.normal(size=(n, d))),
        "value": rng.normal(size=(n, d_v)) + 1,
    }
    return in_float32(arguments) if kind in FLAT else arguments


def _running(asks, tells, value):
    state = np.cumsum(tells[:, :, None] * value[:, None, :], axis=0)
    total = np.cumsum(tells, axis=0)
    return np.einsum("id,ide->ie", asks, state) / (asks * total).sum(axis=1)[:, None]


def _running_by_loop(asks, tells, value):
    state, total = np.zeros((tells.shape[1], value.shape[1])), np.zeros(tells.shape[1])
    rows = []
    for ask, tell, v in zip(asks, tells, value, strict=True):
        state += np.outer(tell, v)
        total += tell
        rows.append(ask @ state / (ask @ total))
    return np.array(rows)


def _running_by_weights(asks, tells, value):
    weights = np.tril(asks @ tells.T)
    return weights / weights.sum(axis=1, keepdims=True) @ value


def _running_by_last_one(asks, tells, value):
    more = np.concatenate([value, np.ones((len(value), 1))], axis=1)
    sums = np.stack(
        [asks[i] @ (tells[: i + 1].T @ more[: i + 1]) for i in range(len(asks))]
    )
    return sums[:, :-1] / sums[:, -1:]


def _weighted(shown):
    """Return linear attention in which `shown(n)` says which keys are seen."""

    def attend(asks, tells, value):
        weights = asks @ tells.T * shown(len(asks))
        total = weights.sum(axis=1, keepdims=True)
        return weights / np.where(total == 0, 1, total) @ value

    return attend


def _running_whole_total(asks, tells, value):
    weights = asks @ tells.T
    return np.tril(weights) @ value / weights.sum(axis=1, keepdims=True)


def _running_total_only(asks, tells, value):
    weights = asks @ tells.T
    return weights @ value / np.tril(weights).sum(axis=1, keepdims=True)


RUNNING_ATTENTION = Exercise(
    name="running_attention",
    lesson=14,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_features,
    reference=_running,
    misconceptions=(
        Misconception(
            "it sums over all tokens: a running sum holds those up to this one, else "
            "each token sees the future",
            _weighted(lambda n: np.ones((n, n))),
        ),
        Misconception(
            "it divides by the sum over all tokens: that sum must run as well",
            _running_whole_total,
        ),
        Misconception(
            "only what it divides by runs: the sum of the values must run as well",
            _running_total_only,
        ),
        Misconception(
            "a token does not see itself: add it to the sums before it asks",
            _weighted(lambda n: np.tril(np.ones((n, n)), -1)),
        ),
        Misconception(
            "the sum runs backwards: a token sees those before it",
            _weighted(lambda n: np.triu(np.ones((n, n)))),
        ),
        Misconception(
            "it does not divide: the weights of a token must sum to 1",
            lambda asks, tells, value: np.tril(asks @ tells.T) @ value,
        ),
        Misconception(
            "it divides by the number of tokens: divide by the sum of their weights",
            lambda asks, tells, value: (
                np.tril(asks @ tells.T) @ value / np.arange(1, len(asks) + 1)[:, None]
            ),
        ),
        Misconception(
            "it is a softmax of the products: the features take its place, weights are "
            "their products as they are",
            lambda asks, tells, value: (
                masked_softmax(asks @ tells.T, causal_mask(len(asks))) @ value
            ),
        ),
        Misconception(
            "`asks` is left out: what a token asks decides how it weighs the others",
            lambda asks, tells, value: _running(np.ones_like(asks), tells, value),
        ),
    ),
    also_right=(_running_by_loop, _running_by_weights, _running_by_last_one),
    hints=(
        "Keep two things while you go through the tokens: a matrix (d, d_v) and a "
        "vector (d,).",
        "At each token: add `np.outer(tell, v)` to the one and `tell` to the other. "
        "Then ask.",
        "The output of the token is `ask @ state / (ask @ total)`.",
    ),
)


def _tiles(rng: np.random.Generator, size: int) -> Arguments:
    """Draw what is known of each tile of a row of scores.

    Tiles hold 1 to 4 keys. The largest score comes in the first, the last or another.
    Scores lie up to 2,000 apart, and rows too. Some tiles are hidden from a query, and
    once all are.
    """
    kind = turn(rng, size)
    count, n_q, d_v = SHAPES[kind]
    far = (1, 1, 3, 3, 1000, 1, 1000, 3, 1, 1000, 3, 1)[kind]
    shift = far * rng.uniform(-1, 1, size=(count, n_q))
    if far == 1000:
        shift += 2000 * rng.permutation(n_q)
    if kind in (0, 11):
        shift = np.sort(shift, axis=0)[:: 1 if kind else -1]
    hidden = np.zeros((count, n_q), dtype=bool)
    if kind in (2, 6, 8, 10):
        hidden[rng.integers(count), rng.integers(n_q)] = True
    if kind in (5, 8):
        hidden[:, int(rng.integers(n_q))] = True
    peaks, totals = np.empty((count, n_q)), np.empty((count, n_q))
    outputs = np.empty((count, n_q, d_v))
    for t in range(count):
        keys = 1 + (t + kind) % 4
        scores = rng.normal(size=(n_q, keys)) + shift[t][:, None]
        scores[hidden[t]] = -np.inf
        peaks[t] = scores.max(axis=1)
        weights = np.exp(scores - np.where(hidden[t], 0, peaks[t])[:, None])
        totals[t] = weights.sum(axis=1)
        outputs[t] = weights @ (rng.normal(size=(keys, d_v)) + t)
    arguments = {"peaks": peaks, "totals": totals, "outputs": outputs}
    return in_float32(arguments) if kind in (3, 7) else arguments


def _factors(peaks):
    """Return what each tile is multiplied by, shape (tiles, n_q)."""
    peak = peaks.max(axis=0)
    return np.exp(peaks - np.where(np.isfinite(peak), peak, 0))


def _ratio(output, total):
    return output / np.where(total == 0, 1, total)[..., None]


def _merged(peaks, totals, outputs):
    factors = _factors(peaks)
    return _ratio((outputs * factors[..., None]).sum(0), (totals * factors).sum(0))


def _merged_online(peaks, totals, outputs):
    peak, total, output = peaks[0], totals[0].copy(), outputs[0].copy()
    for m, t, o in zip(peaks[1:], totals[1:], outputs[1:], strict=True):
        raised = np.maximum(peak, m)
        safe = np.where(np.isneginf(raised), 0, raised)
        mine, theirs = np.exp(peak - safe), np.exp(m - safe)
        total = total * mine + t * theirs
        output = output * mine[:, None] + o * theirs[:, None]
        peak = raised
    return _ratio(output, total)


def _merged_by_logarithms(peaks, totals, outputs):
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = peaks + np.log(totals)
        whole = np.logaddexp.reduce(logs, axis=0)
        shares = np.where(np.isneginf(logs), 0, np.exp(logs - whole))
    return (shares[..., None] * _ratio(outputs, totals)).sum(axis=0)


def _merged_by_number(peaks, totals, outputs):
    merged = np.zeros(outputs.shape[1:])
    for i in range(peaks.shape[1]):
        top = max(peaks[:, i])
        if np.isneginf(top):
            continue
        total, output = 0.0, 0.0
        for t in range(len(peaks)):
            factor = np.exp(peaks[t, i] - top)
            total += factor * totals[t, i]
            output = output + factor * outputs[t, i]
        merged[i] = output / total
    return merged


def _quiet(answer):
    """Let an answer overflow or divide by 0 without a warning."""

    def wrapped(*arguments):
        with np.errstate(all="ignore"):
            return answer(*arguments)

    return wrapped


def _inverted(peaks, totals, outputs):
    peak = peaks.max(axis=0)
    factors = np.exp(np.where(np.isneginf(peaks), 0, peak - peaks))
    return (outputs * factors[..., None]).sum(0) / (totals * factors).sum(0)[:, None]


def _to_the_first(peaks, totals, outputs):
    factors = np.exp(peaks - peaks[0])
    return (outputs * factors[..., None]).sum(0) / (totals * factors).sum(0)[:, None]


def _one_peak(peaks, totals, outputs):
    factors = np.exp(peaks - peaks[np.isfinite(peaks)].max(initial=-1e9))
    return (outputs * factors[..., None]).sum(0) / (totals * factors).sum(0)[:, None]


def _best_tile(peaks, totals, outputs):
    best, rows = peaks.argmax(axis=0), np.arange(peaks.shape[1])
    return _ratio(outputs[best, rows], totals[best, rows])


def _by_peaks_alone(peaks, totals, outputs):
    factors = _factors(peaks) * (totals > 0)
    shares = factors / np.maximum(factors.sum(axis=0), 1e-300)
    return (shares[..., None] * _ratio(outputs, totals)).sum(axis=0)


MERGE_TILES = Exercise(
    name="merge_tiles",
    lesson=14,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_tiles,
    reference=_merged,
    misconceptions=(
        Misconception(
            "nothing is rescaled: each tile took its own maximum, so its sums must be "
            "multiplied by exp(its peak − the largest peak) before they are added",
            lambda peaks, totals, outputs: _ratio(outputs.sum(0), totals.sum(0)),
        ),
        Misconception(
            "only the outputs are rescaled: the totals were summed with the same shift",
            lambda peaks, totals, outputs: _ratio(
                (outputs * _factors(peaks)[..., None]).sum(0), totals.sum(0)
            ),
        ),
        Misconception(
            "only the totals are rescaled: the outputs were summed with the same shift",
            lambda peaks, totals, outputs: _ratio(
                outputs.sum(0), (totals * _factors(peaks)).sum(0)
            ),
        ),
        Misconception(
            "the factor is upside down: a tile with a lower peak shrinks, "
            "exp(peak − largest)",
            _quiet(_inverted),
        ),
        Misconception(
            "it is the mean of finished tiles: a tile with larger scores, or with more "
            "keys, counts for more",
            lambda peaks, totals, outputs: _ratio(outputs, totals).mean(axis=0),
        ),
        Misconception(
            "tiles are weighed by their peaks alone: `totals` says how many keys came "
            "near the peak",
            _by_peaks_alone,
        ),
        Misconception(
            "it takes the tile with the largest peak alone: the others have weight too",
            _best_tile,
        ),
        Misconception(
            "it takes the last tile alone: keep what came before, rescaled",
            lambda peaks, totals, outputs: _ratio(outputs[-1], totals[-1]),
        ),
        Misconception(
            "it does not divide at the end: the output is the sum of the outputs over "
            "that of the totals",
            lambda peaks, totals, outputs: (outputs * _factors(peaks)[..., None]).sum(
                axis=0
            ),
        ),
        Misconception(
            "it rescales to the first peak: where a later one is much larger, exp "
            "overflows; rescale to the largest",
            _quiet(_to_the_first),
        ),
        Misconception(
            "it takes one peak for all queries: rows that lie far below it vanish; "
            "each query has its own",
            _quiet(_one_peak),
        ),
    ),
    also_right=(_merged_online, _merged_by_logarithms, _merged_by_number),
    hints=(
        "What should tile t have subtracted, had it known all the others? And what did "
        "it subtract?",
        "With m the largest peak of a query over all tiles, multiply both sums of each "
        "tile by exp(peak − m), add up over the tiles, and divide.",
        "Where every tile is hidden, m is −inf: take 0 instead, and divide by 1 where "
        "the total is 0.",
    ),
)


def _sizes(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the sizes of a model; all that could be mixed up differ."""
    kind = turn(rng, size)
    num_kv_heads = int(rng.integers(2, 5))
    group = 1 if kind == 0 else int(rng.integers(2, 5))
    window = int(rng.integers(20, 40))
    n = window + int(rng.integers(3, 50)) * (1 if kind % 3 else -1) // 3
    sizes = {
        "n": 1 if kind == 4 else n,
        "layers": 1 if kind == 5 else int(rng.integers(2, 8)),
        "d_model": int(rng.integers(41, 60)),
        "num_heads": num_kv_heads * group,
        "num_kv_heads": 1 if kind == 7 else num_kv_heads,
        "d_head": int(rng.integers(5, 12)),
        "d_mlp": int(rng.integers(61, 90)),
        "window": window,
    }
    return {name: np.array(x) for name, x in sizes.items()}


def _bill(n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window, **wrong):
    """Return the bill; `wrong` replaces one of its numbers, in every layer."""
    seen = min(n, window)
    heads = num_heads + num_kv_heads
    right = {
        "cache": 2 * num_kv_heads * d_head * seen,
        "projections": 4 * d_model * d_head * heads,
        "mlp": 4 * d_model * d_mlp,
        "attention": 4 * seen * num_heads * d_head,
    }
    return layers * np.array(list((right | wrong).values()), dtype=float)


def _bill_by_matrices(
    n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window
):
    matrices = [(d_model, num_heads * d_head), (num_heads * d_head, d_model)]
    matrices += 2 * [(d_model, num_kv_heads * d_head)]
    seen = n if n < window else window
    return np.array(
        [
            layers * num_kv_heads * (d_head + d_head) * seen,
            layers * sum(2 * a * b for a, b in matrices),
            layers * sum(2 * a * b for a, b in [(d_model, d_mlp), (d_mlp, d_model)]),
            layers * num_heads * (2 * d_head * seen + 2 * seen * d_head),
        ]
    )


def _bill_by_sums(n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window):
    keys = np.minimum(n, window)
    bill = np.zeros(4)
    for _ in range(layers):
        bill[0] += 2 * num_kv_heads * keys * d_head
        bill[1] += 2 * d_model * d_head * (2 * num_heads + 2 * num_kv_heads)
        bill[2] += 2 * (d_model * d_mlp + d_mlp * d_model)
        for _ in range(num_heads):
            bill[3] += 2 * keys * d_head + 2 * keys * d_head
    return bill


def _bill_as_a_row(n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window):
    row = np.array([num_kv_heads, num_heads + num_kv_heads, 0, num_heads]) * d_head
    row = row * np.array([2, 4 * d_model, 0, 4])
    row[[0, 3]] *= np.minimum(n, window)
    row[2] = 4 * d_mlp * d_model
    return layers * row


def _mistaken(change):
    """Return a bill in which `change` of all sizes gives what is wrong."""

    def bill(n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window):
        sizes = {
            "n": n,
            "layers": layers,
            "d_model": d_model,
            "num_heads": num_heads,
            "num_kv_heads": num_kv_heads,
            "d_head": d_head,
            "d_mlp": d_mlp,
            "window": window,
        }
        return _bill(**sizes, **change(sizes | {"seen": min(n, window)}))

    return bill


MODEL_BILL = Exercise(
    name="model_bill",
    lesson=14,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_sizes,
    reference=_bill,
    misconceptions=(
        Misconception(
            "it caches the queries as well: no later token asks for them, keep keys "
            "and values alone",
            _mistaken(
                lambda s: {
                    "cache": (s["num_heads"] + 2 * s["num_kv_heads"])
                    * s["d_head"]
                    * s["seen"]
                }
            ),
        ),
        Misconception(
            "the cache has a key and a value for every head of queries: heads that "
            "share them share the cache",
            _mistaken(
                lambda s: {"cache": 2 * s["num_heads"] * s["d_head"] * s["seen"]}
            ),
        ),
        Misconception(
            "the cache holds keys or values, not both",
            _mistaken(lambda s: {"cache": s["num_kv_heads"] * s["d_head"] * s["seen"]}),
        ),
        Misconception(
            "the cache keeps what is beyond the window: no query will see it again",
            _mistaken(
                lambda s: {"cache": 2 * s["num_kv_heads"] * s["d_head"] * s["n"]}
            ),
        ),
        Misconception(
            "attention goes through keys beyond the window: it sees `window` at most",
            _mistaken(
                lambda s: {"attention": 4 * s["n"] * s["num_heads"] * s["d_head"]}
            ),
        ),
        Misconception(
            "all tokens ask again: one new token is one query, n keys and not n²",
            _mistaken(
                lambda s: {
                    "attention": 4 * s["seen"] ** 2 * s["num_heads"] * s["d_head"]
                }
            ),
        ),
        Misconception(
            "shared keys do not save operations: every head of queries has scores and "
            "a blend of its own",
            _mistaken(
                lambda s: {"attention": 4 * s["seen"] * s["num_kv_heads"] * s["d_head"]}
            ),
        ),
        Misconception(
            "attention is scores or blend, not both: two products",
            _mistaken(
                lambda s: {"attention": 2 * s["seen"] * s["num_heads"] * s["d_head"]}
            ),
        ),
        Misconception(
            "keys and values are projected for every head of queries: their matrices "
            "have num_kv_heads heads",
            _mistaken(
                lambda s: {
                    "projections": 8 * s["d_model"] * s["num_heads"] * s["d_head"]
                }
            ),
        ),
        Misconception(
            "the matrix of the output is missing: there are four projections",
            _mistaken(
                lambda s: {
                    "projections": 2
                    * s["d_model"]
                    * s["d_head"]
                    * (s["num_heads"] + 2 * s["num_kv_heads"])
                }
            ),
        ),
        Misconception(
            "the MLP has two matrices, one in and one out",
            _mistaken(lambda s: {"mlp": 2 * s["d_model"] * s["d_mlp"]}),
        ),
        Misconception(
            "a multiplication with its addition counts 1: it is two operations",
            lambda *sizes: _bill(*sizes) / np.array([1, 2, 2, 2]),
        ),
        Misconception(
            "it is the bill of one layer: every layer has its own",
            lambda n, layers, *sizes: _bill(n, 1, *sizes),
        ),
    ),
    also_right=(_bill_by_matrices, _bill_by_sums, _bill_as_a_row),
    hints=(
        "A vector of a numbers times a matrix (a, b) is 2·a·b operations. Which "
        "matrices does one token meet in a layer?",
        "Projections: (d_model, num_heads·d_head) for queries and, turned, for the "
        "output; (d_model, num_kv_heads·d_head) for keys and for values.",
        "With seen = min(n, window): each head of queries does 2·seen·d_head "
        "operations for its scores and as many for its blend; each key-value head "
        "keeps seen keys and seen values of d_head numbers.",
    ),
)


def _cached(rng: np.random.Generator, size: int) -> Arguments:
    """Draw what is kept and what is new; up to two axes of heads stand in front.

    Once nothing is kept, once one token is new, and once all are alike.
    """
    kind = turn(rng, size)
    kept = (3, 0, 5, 2, 4, 1, 6, 3, 4, 2, 5, 4)[kind]
    new = (2, 3, 1, 4, 3, 1, 2, 3, 4, 5, 4, 2)[kind]
    d_k, d_v = 2 + kind % 3, 1 + (kind + 1) % 4
    leading = ((), (2,), (), (3, 2))[kind % 4]

    def array(n, d):
        return rng.normal(size=(*leading, n, d))

    arguments = {
        "query": 2 * array(new, d_k),
        "key": array(new, d_k),
        "value": array(new, d_v) + 2,
        "kept_key": array(kept, d_k),
        "kept_value": array(kept, d_v),
    }
    if kind == 7:
        arguments["key"][...] = arguments["kept_key"][..., :1, :] = 1.0
    return in_float32(arguments) if kind in FLAT else arguments


def _extended(shown=None, scale=None, keys=None, values=None):
    """Return a step with a cache; `shown(n_new, n_kept)` is its mask."""

    def step(query, key, value, kept_key, kept_value):
        n_new, n_kept = key.shape[-2], kept_key.shape[-2]
        all_keys = np.concatenate((keys or _behind)(kept_key, key), axis=-2)
        all_values = np.concatenate((values or keys or _behind)(kept_value, value), -2)
        factor = query.shape[-1] ** -0.5 if scale is None else scale(query, all_keys)
        scores = query @ np.swapaxes(all_keys, -1, -2) * factor
        mask = causal_mask(n_new, n_new + n_kept, offset=n_kept)
        mask = mask if shown is None else shown(n_new, n_kept)
        return masked_softmax(scores, mask) @ all_values

    return step


def _behind(kept, new):
    return kept, new


def _in_front(kept, new):
    return new, kept


def _cached_by_loop(query, key, value, kept_key, kept_value):
    rows = []
    for i in range(query.shape[-2]):
        keys = np.concatenate([kept_key, key[..., : i + 1, :]], axis=-2)
        values = np.concatenate([kept_value, value[..., : i + 1, :]], axis=-2)
        scores = (keys @ query[..., i, :, None])[..., 0] / query.shape[-1] ** 0.5
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        e /= e.sum(axis=-1, keepdims=True)
        rows.append((e[..., None, :] @ values)[..., 0, :])
    return np.stack(rows, axis=-2)


def _cached_by_infinity(query, key, value, kept_key, kept_value):
    keys = np.concatenate([kept_key, key], axis=-2)
    scores = np.einsum("...qd,...kd->...qk", query, keys) / np.sqrt(query.shape[-1])
    late = np.triu(np.ones((key.shape[-2],) * 2, dtype=bool), 1)
    scores[..., kept_key.shape[-2] :][..., late] = -np.inf
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    values = np.concatenate([kept_value, value], axis=-2)
    return np.einsum("...qk,...kd->...qd", e / e.sum(axis=-1, keepdims=True), values)


def _cached_all_again(query, key, value, kept_key, kept_value):
    before = np.zeros((*kept_key.shape[:-1], query.shape[-1]))
    all_queries = np.concatenate([before, query], axis=-2)
    step = _extended(lambda new, kept: causal_mask(new))
    nothing = [x[..., :0, :] for x in (key, value)]
    keys = np.concatenate([kept_key, key], axis=-2)
    values = np.concatenate([kept_value, value], axis=-2)
    return step(all_queries, keys, values, *nothing)[..., kept_key.shape[-2] :, :]


def _own_and_kept(new, kept):
    return np.concatenate([np.ones((new, kept), bool), np.eye(new, dtype=bool)], axis=1)


EXTEND = Exercise(
    name="extend",
    lesson=14,
    points=4,
    minutes=20,
    difficulty=3,
    inputs=_cached,
    reference=_extended(),
    misconceptions=(
        Misconception(
            "the mask is square: it counts positions from the first new token, and "
            "hides what is kept; query i stands at position n_kept + i",
            _extended(lambda new, kept: causal_mask(new, new + kept)),
        ),
        Misconception(
            "the new tokens see the future: several come at once, so those after a "
            "token must be hidden from it",
            _extended(lambda new, kept: np.ones((new, new + kept), bool)),
        ),
        Misconception(
            "what is kept is not used: append the new keys and values to the kept ones",
            _extended(
                lambda new, kept: (
                    causal_mask(new, new + kept, offset=kept)
                    & (np.arange(new + kept) >= kept)
                )
            ),
        ),
        Misconception(
            "the new keys are not used: a token sees itself and the new ones before it",
            _extended(
                lambda new, kept: np.arange(new + kept) < np.full((new, 1), kept)
            ),
        ),
        Misconception(
            "a new token does not see the new ones before it: append all, then hide "
            "the later ones",
            _extended(_own_and_kept),
        ),
        Misconception(
            "a new token does not see itself: the mask is off by one",
            _extended(lambda new, kept: causal_mask(new, new + kept, offset=kept - 1)),
        ),
        Misconception(
            "a new token sees the next one: the mask is off by one",
            _extended(lambda new, kept: causal_mask(new, new + kept, offset=kept + 1)),
        ),
        Misconception(
            "the new keys and values are put in front: append them behind, or the mask "
            "does not fit",
            _extended(keys=_in_front),
        ),
        Misconception(
            "keys are appended behind and values in front: a key and its value must "
            "stand at the same place",
            _extended(keys=_behind, values=_in_front),
        ),
        Misconception(
            "the scale is missing: divide the scores by the root of d_k",
            _extended(scale=lambda query, keys: 1.0),
        ),
        Misconception(
            "it divides by the root of the number of keys: take the root of d_k",
            _extended(scale=lambda query, keys: keys.shape[-2] ** -0.5),
        ),
    ),
    also_right=(_cached_by_loop, _cached_by_infinity, _cached_all_again),
    hints=(
        "Append the new keys and values to the kept ones, along the axis before the "
        "last. Then it is attention with n_new queries and n_kept + n_new keys.",
        "Query i stands at position n_kept + i of the whole sequence. Which keys may "
        "it see?",
        "`np.arange(n_kept + n_new) <= n_kept + np.arange(n_new)[:, None]` is the "
        "mask: True where it may look.",
    ),
)

EXERCISES = (RUNNING_ATTENTION, MERGE_TILES, MODEL_BILL, EXTEND)
