"""The exercises of lesson 16: search by meaning with a published encoder."""

import math
from itertools import combinations

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.gelu import gelu
from course_utils.layers import gelu_vjp
from course_utils.pooling import mean_pooling

SHAPES = ((7,), (3, 4), (1,), (2, 3, 2), (5, 1), (1, 6), (9,), (4, 4), (8,), (2, 5))


def _numbers(rng: np.random.Generator, size: int) -> Arguments:
    """Draw float32 numbers of all sizes and signs; zeros and large ones among them."""
    kind = turn(rng, size)
    x = rng.normal(size=SHAPES[kind % len(SHAPES)]) * (0.5, 1, 2)[kind % 3]
    x.flat[0] = rng.uniform(1.5, 2.5)  # where tanh and erf differ most
    x.flat[-1] *= -1
    if x.size > 4:
        x.flat[1:4] = -rng.uniform(1.5, 2.5), 0, (40, -40, 9, -9)[kind % 4]
    return in_float32({"x": x})


_exact = np.vectorize(math.erf, otypes=[float])


def _gelu(x):
    return gelu(x)


def _gelu_by_math(x):
    return 0.5 * x * (1 + _exact(x / math.sqrt(2)))


def _gelu_by_number(x):
    flat = [0.5 * v * (1 + math.erf(v / 2**0.5)) for v in x.ravel().tolist()]
    return np.array(flat).reshape(x.shape)


def _gelu_by_sign(x):
    z = np.abs(x) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    a = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
    tail = sum(c * t ** (i + 1) for i, c in enumerate(a)) * np.exp(-(z**2))
    return np.where(x < 0, x * tail / 2, x * (1 - tail / 2))


def _with_erf(erf, root=2**0.5):
    """Return gelu with another erf, or another root."""
    return lambda x: 0.5 * x * (1 + erf(x / root))


def _erf_unmirrored(z):
    t = 1 / (1 + 0.3275911 * np.abs(z))
    a = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    tail = sum(c * t ** (i + 1) for i, c in enumerate(a))
    return 1 - tail * np.exp(-z * z)


EXACT_GELU = Exercise(
    name="exact_gelu",
    lesson=16,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_numbers,
    reference=_gelu,
    misconceptions=(
        Misconception(
            "it is the form with tanh, which differs by up to 0.0005: the model was "
            "trained with erf",
            lambda x: gelu_vjp(x)[0],
        ),
        Misconception(
            "erf gets x itself: it must get x / √2",
            _with_erf(_exact, 1),
        ),
        Misconception(
            "erf gets x · √2: it must get x / √2",
            _with_erf(_exact, 2**-0.5),
        ),
        Misconception(
            "it is the share Φ alone: multiply it by x",
            lambda x: 0.5 * (1 + _exact(x / 2**0.5)),
        ),
        Misconception(
            "the half is missing: ½ x (1 + erf(x / √2))",
            lambda x: x * (1 + _exact(x / 2**0.5)),
        ),
        Misconception(
            "the 1 is missing: 1 + erf lies between 0 and 2",
            lambda x: 0.5 * x * _exact(x / 2**0.5),
        ),
        Misconception(
            "negative numbers get the erf of positive ones: erf(−z) = −erf(z)",
            _with_erf(_erf_unmirrored),
        ),
        Misconception(
            "it is x times the logistic function of 1.702 x, an older stand-in that is "
            "off by up to 0.02",
            lambda x: x * (np.tanh(0.851 * x) + 1) / 2,
        ),
        Misconception(
            "it is a plain relu: gelu bends smoothly, and dips a little below 0",
            lambda x: np.maximum(x, 0),
        ),
    ),
    also_right=(_gelu_by_math, _gelu_by_number, _gelu_by_sign),
    hints=(
        "Write erf first: for z ≥ 0 by the five terms, for z < 0 as −erf(−z).",
        "`np.abs(z)` in the terms, and `np.sign(z)` or `np.copysign` on the result.",
        "Then `0.5 * x * (1 + erf(x / 2**0.5))`.",
    ),
)

# batch, n and d of each case; some are 1, some alike.
BATCHES = (
    *((3, 5, 2), (1, 4, 3), (4, 6, 1), (5, 5, 5), (2, 7, 3), (6, 3, 4)),
    *((4, 4, 2), (2, 6, 6), (1, 5, 2), (7, 4, 3), (3, 8, 2), (5, 6, 4)),
)


def _padded(rng: np.random.Generator, size: int) -> Arguments:
    """Draw vectors with padding behind, which holds any numbers; one text has none."""
    kind = turn(rng, size)
    batch, n, d = BATCHES[kind]
    lengths = rng.integers(1, n, size=batch)
    if batch > 1:
        lengths[rng.permutation(batch)[:2]] = n, max(1, n - 2)
    x = rng.normal(size=(batch, n, d)) + 1
    padding = np.arange(n) >= lengths[:, None]
    x[padding] = rng.normal(size=(padding.sum(), d)) * (9 if kind % 2 else 2) - 3
    arguments = {"x": x.astype(np.float32) if kind in (2, 7) else x}
    return arguments | {"lengths": lengths}


def _pooled_by_loop(x, lengths):
    return np.array([text[:n].mean(axis=0) for text, n in zip(x, lengths, strict=True)])


def _pooled_by_einsum(x, lengths):
    real = (np.arange(x.shape[1]) < lengths[:, None]).astype(float)
    return np.einsum("bn,bnd->bd", real / real.sum(1, keepdims=True), x)


def _pooled_by_sums(x, lengths):
    sums = np.cumsum(x.astype(float), axis=1)
    return sums[np.arange(len(x)), lengths - 1] / lengths[:, None]


def _real(x, lengths, shift=0):
    return (np.arange(x.shape[1]) < (lengths + shift)[:, None])[..., None]


def _pooled(real, count):
    """Return the sum of what `real` shows, divided by what `count` says."""

    def pool(x, lengths):
        return (x * real(x, lengths)).sum(axis=1) / count(x, lengths)

    return pool


def _of_padding(x, lengths):
    padding = ~_real(x, lengths)
    return (x * padding).sum(axis=1) / np.maximum(padding.sum(axis=1), 1)


MEAN_POOL = Exercise(
    name="mean_pool",
    lesson=16,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_padded,
    reference=lambda x, lengths: mean_pooling(x, lengths),
    misconceptions=(
        Misconception(
            "it pools the padding: only the first `lengths[i]` vectors of a text are "
            "real",
            lambda x, lengths: x.mean(axis=1),
        ),
        Misconception(
            "the padding is left out of the sum, but counted: divide by the number of "
            "real vectors",
            _pooled(_real, lambda x, lengths: x.shape[1]),
        ),
        Misconception(
            "the mask is inverted: it averages the padding",
            _of_padding,
        ),
        Misconception(
            "it takes one vector too many: only those before `lengths[i]` are real",
            _pooled(
                lambda x, lengths: _real(x, lengths, 1),
                lambda x, lengths: _real(x, lengths, 1).sum(axis=1),
            ),
        ),
        Misconception(
            "it leaves out the last real vector",
            _pooled(
                lambda x, lengths: _real(x, lengths, -1),
                lambda x, lengths: np.maximum(lengths - 1, 1)[:, None],
            ),
        ),
        Misconception(
            "it does not divide: the mean is the sum over the number of real vectors",
            _pooled(_real, lambda x, lengths: 1),
        ),
        Misconception(
            "it takes the first vector alone, that of [CLS]: average all real ones",
            lambda x, lengths: x[:, 0],
        ),
        Misconception(
            "it takes the largest of each component: take the mean",
            lambda x, lengths: np.where(_real(x, lengths), x, -np.inf).max(axis=1),
        ),
        Misconception(
            "all texts are taken to be as long as the first: each has its own length",
            lambda x, lengths: x[:, : lengths[0]].mean(axis=1),
        ),
        Misconception(
            "it divides by the mean length: divide each text by its own",
            _pooled(_real, lambda x, lengths: lengths.mean()),
        ),
    ),
    also_right=(_pooled_by_loop, _pooled_by_einsum, _pooled_by_sums),
    hints=(
        "As a loop: `x[i, : lengths[i]].mean(axis=0)` for each text i.",
        "As arrays: `real = np.arange(n) < lengths[:, None]` has shape (batch, n).",
        "`(x * real[..., None]).sum(axis=1) / lengths[:, None]`.",
    ),
)

# texts, questions, d and how many are wanted
SEARCHES = (
    *((7, 3, 4, 2), (5, 1, 3, 5), (9, 4, 2, 3), (6, 6, 6, 1), (8, 2, 5, 4)),
    *((4, 5, 3, 2), (10, 3, 4, 10), (7, 7, 2, 3), (6, 2, 3, 6), (12, 4, 6, 3)),
    *((5, 5, 5, 5), (9, 1, 4, 1)),
)


def _library(rng: np.random.Generator, size: int) -> Arguments:
    """Draw texts and questions of very unequal lengths; no two texts are equally near.

    Some texts point away from all questions, and the longest is no question's nearest.
    """
    kind = turn(rng, size)
    n, m, d, most = SEARCHES[kind]
    while True:
        index, asked = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        index[0] = -asked.mean(axis=0) - 0.1
        near = np.sort(_cosines(index, asked), axis=1)
        if np.diff(near, axis=1).min() > 1e-3:
            break
    index *= np.exp(rng.permutation(np.linspace(-2, 2, n)))[:, None]
    asked *= np.exp(rng.uniform(-1, 1, size=(m, 1)))
    arguments = {"index": index, "asked": asked}
    arguments = in_float32(arguments) if kind in (4, 9) else arguments
    return arguments | {"most": np.array(most)}


def _unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _cosines(index, asked):
    return _unit(asked) @ _unit(index).T


def _found(score, sign=-1):
    """Return a search by another score; the highest comes first."""

    def search(index, asked, most):
        return np.argsort(sign * score(index, asked), axis=1)[:, :most]

    return search


def _searched_by_loop(index, asked, most):
    rows = []
    for q in asked:
        near = [float(q @ x / math.sqrt((x @ x) * (q @ q))) for x in index]
        best = sorted(range(len(index)), key=lambda i: -near[i])
        rows.append(best[:most])
    return np.array(rows)


def _searched_by_einsum(index, asked, most):
    near = np.einsum("md,nd->mn", asked, _unit(index))
    return np.argsort(near)[:, ::-1][:, :most]


def _searched_by_distance(index, asked, most):
    apart = ((_unit(asked)[:, None] - _unit(index)) ** 2).sum(axis=-1)
    return np.argsort(apart, axis=-1)[:, :most]


def _distances(index, asked):
    return ((asked[:, None] - index) ** 2).sum(axis=-1)


NEAREST_TEXTS = Exercise(
    name="nearest_texts",
    lesson=16,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_library,
    reference=_found(_cosines),
    misconceptions=(
        Misconception(
            "it is the plain dot product: long vectors win; divide by their lengths",
            _found(lambda index, asked: asked @ index.T),
        ),
        Misconception(
            "it is the distance: of vectors of unequal length, the nearest tip need "
            "not have the nearest direction",
            _found(_distances, 1),
        ),
        Misconception(
            "the worst comes first: `np.argsort` sorts upwards",
            _found(_cosines, 1),
        ),
        Misconception(
            "the right texts come in the wrong order: the nearest must come first",
            lambda index, asked, most: np.argsort(_cosines(index, asked))[:, -most:],
        ),
        Misconception(
            "it returns cosines: return the numbers of the texts",
            lambda index, asked, most: (
                -np.sort(-_cosines(index, asked), axis=1)[:, :most]
            ),
        ),
        Misconception(
            "the sign of the cosine is lost: a text that points the other way is the "
            "furthest of all",
            _found(lambda index, asked: np.abs(_cosines(index, asked))),
        ),
        Misconception(
            "it divides by the squared length of a text: divide by its length",
            _found(lambda index, asked: asked @ (index.T / (index**2).sum(axis=1))),
        ),
        Misconception(
            "the numbers are those of places in the order, not of texts: one "
            "`argsort`, not two",
            lambda index, asked, most: np.argsort(
                np.argsort(-_cosines(index, asked), axis=1), axis=1
            )[:, :most],
        ),
        Misconception(
            "every question gets the answer of the first",
            lambda index, asked, most: np.repeat(
                _found(_cosines)(index, asked[:1], most), len(asked), axis=0
            ),
        ),
    ),
    also_right=(_searched_by_loop, _searched_by_einsum, _searched_by_distance),
    hints=(
        "Bring every row to length 1. Then one product has all cosines.",
        "`unit = x / np.linalg.norm(x, axis=-1, keepdims=True)`; then (m, n) cosines.",
        "`np.argsort(-cosines, axis=1)[:, :most]`.",
    ),
)


def _small_encoder(rng: np.random.Generator, d: int) -> dict[str, np.ndarray]:
    """Draw the weights of one layer with two heads, and what a text is made of."""
    names = ("w_query", "w_key", "w_value", "w_out", "w_up")
    return {name: rng.normal(size=(d, d)) * (1.5 / d**0.5) for name in names}


FAULTS = ("width", "no root", "no scale", "all", "inverted", "split", "tanh", "pool")


def _embedded(x, lengths, p):
    """Return unit vectors of texts by a small encoder: the right one, then each fault.

    All read the same products, which are computed once.
    """
    batch, n, d = x.shape
    real = (np.arange(n) < lengths[:, None])[:, None, None]
    products = [x @ p[f"w_{y}"] for y in ("query", "key", "value")]

    def split(y):
        return y.reshape(batch, n, 2, d // 2).swapaxes(1, 2)

    def attended(scale=d // 2, shown=real, split=split):
        query, key, value = map(split, products)
        scores = np.where(shown, query @ key.mT / scale**0.5, -1e9)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        blends = e / e.sum(axis=-1, keepdims=True) @ value
        return blends.swapaxes(1, 2).reshape(batch, n, d)

    versions = [
        attended(),
        *(attended(scale) for scale in (d, (d // 2) ** 2, 1)),
        *(attended(shown=shown) for shown in (True, ~real)),
        attended(split=lambda y: y.reshape(batch, 2, n, d // 2)),
    ]
    x = x + np.stack(versions) @ p["w_out"]
    hidden = x @ p["w_up"]
    x = np.stack([*(x + gelu(hidden)), x[0] + gelu_vjp(hidden[0])[0]])
    pooled = mean_pooling(x, np.broadcast_to(lengths, (len(x), batch)))
    return _unit(np.stack([*pooled, x[0].mean(axis=1)]))


GAP = 1e-5


def _models(rng: np.random.Generator, size: int) -> Arguments:
    """Draw texts, and what several models make of them; one or two are right.

    In one case of twelve all are right, or none is.
    """
    kind = turn(rng, size)
    texts, n, d = 8 + kind % 3, 6 + kind % 2, 8
    chosen = None
    while chosen is None:
        lengths = rng.integers(2, n, size=texts)
        lengths[0] = n
        x, p = rng.normal(size=(texts, n, d)), _small_encoder(rng, d)
        right, *wrong = _embedded(x, lengths, p)
        chosen = _chosen(rng, kind, right, np.stack(wrong))
    healthy = [right] * ((kind != 8) + (kind % 4 == 1))
    versions = rng.permutation(np.stack([*(wrong[i] for i in chosen), *healthy]))
    versions += rng.uniform(-1e-7, 1e-7, size=versions.shape)  # as float32 rounds
    return {"right": right, "versions": versions}


def _chosen(rng, kind, right, versions):
    """Choose which faults a case shows; None if no choice would do.

    No neighbours, gaps or shares are nearly alike; and where it is this case's turn,
    two ways give two answers.
    """
    if kind == 5:
        return ()
    shares = _shares(right, versions).tolist()
    ways = [way(right, versions).tolist() for way in TOLD_APART.get(kind, ())]
    clear = np.flatnonzero(_are_clear(right, versions)).tolist()
    choices = list(combinations(clear, 2 + kind % 3))
    for i in rng.permutation(len(choices)):
        best = [_best(choices[i], scores) for scores in (shares, *ways)]
        if len(best[0]) == 1 and not (ways and best[-1] & best[-2]):
            return choices[i]
    return None


def _best(some, scores):
    """Return those of some models that have the highest score."""
    top = max(scores[i] for i in some)
    return {i for i in some if scores[i] == top}


def _are_clear(right, versions):
    """Say of each model whether no gap and no neighbours are nearly alike."""
    gaps = _gaps(right, versions)
    near = np.sort(_others(np.stack([right, *versions])), axis=-1)
    is_clear = (near[..., -1] - near[..., -2]).min(axis=-1) > 1e-5
    return is_clear[0] & is_clear[1:] & ~((gaps > GAP / 5) & (gaps < GAP * 3))


def _others(x):
    """Return the cosines of texts, with none of a text to itself."""
    return np.where(np.eye(x.shape[-2], dtype=bool), -np.inf, x @ x.mT)


def _gaps(right, versions):
    return np.abs(versions - right).max(axis=(1, 2))


def _kept(right, versions):
    return _others(versions).argmax(-1) == _others(right).argmax(-1)


def _shares(right, versions):
    return _kept(right, versions).mean(axis=1)


def _healthiest(shares=_shares, gap=GAP, gaps=_gaps):
    """Return a diagnosis with another measure of health, or another limit."""

    def diagnose(right, versions):
        is_wrong = gaps(right, versions) > gap
        if not is_wrong.any():
            return -1
        return int(np.where(is_wrong, shares(right, versions), -np.inf).argmax())

    return diagnose


def _healthy_by_loop(right, versions):
    best, found = -1.0, -1
    for k, x in enumerate(versions):
        if np.abs(x - right).max() <= 1e-5:
            continue
        kept = 0
        for i in range(len(x)):
            old = max((float(right[i] @ right[j]), j) for j in range(len(x)) if j != i)
            new = max((float(x[i] @ x[j]), j) for j in range(len(x)) if j != i)
            kept += old[1] == new[1]
        if kept > best:
            best, found = kept, k
    return found


def _healthy_by_einsum(right, versions):
    every = np.concatenate([right[None], versions])
    near = np.einsum("kid,kjd->kij", every, every) - 9 * np.eye(len(right))
    nearest = near.argmax(axis=-1)
    kept = (nearest[1:] == nearest[0]).sum(axis=-1)
    kept[np.isclose(versions, right, rtol=0, atol=1e-5).all(axis=(1, 2))] = -1
    return np.int64(kept.argmax()) if kept.max() >= 0 else np.int64(-1)


def _healthy_by_distance(right, versions):
    def nearest(x):
        apart = ((x[:, None] - x) ** 2).sum(axis=-1)
        return (apart + 99 * np.eye(len(x))).argmin(axis=1)

    scores = [
        (int((nearest(x) == nearest(right)).sum()), -k)
        for k, x in enumerate(versions)
        if np.abs(x - right).max() > 1e-5
    ]
    return -max(scores)[1] if scores else -1


def _by_cosine(right, versions):
    return (versions * right).sum(axis=-1).mean(axis=-1)


def _sickness(right, versions):
    return -_shares(right, versions)


def _shares_of_three(right, versions):
    return _kept(right, versions)[:, :3].mean(axis=1)


def _closeness(right, versions):
    return -_gaps(right, versions)


def _shares_of_the_far(right, versions):
    return np.where(_gaps(right, versions) > 1e-3, _shares(right, versions), -1)


def _shares_of_the_changed(right, versions):
    shares = _shares(right, versions)
    return np.where(shares < 1, shares, -1)


TOLD_APART = dict.fromkeys((0, 6, 10), (_shares, _by_cosine))
TOLD_APART |= dict.fromkeys((2, 7), (_shares, _shares_of_three))
TOLD_APART |= dict.fromkeys((1, 4), (_sickness, _gaps))
TOLD_APART |= dict.fromkeys((3, 9), (_shares, _shares_of_the_far))
TOLD_APART |= {8: (_shares, _shares_of_the_changed), 11: (_shares, _closeness)}


def _with_itself(right, versions):
    return np.array(
        [((x @ x.T).argmax(1) == np.arange(len(x))).mean() for x in versions]
    )


LOOKS_HEALTHY = Exercise(
    name="looks_healthy",
    lesson=16,
    points=3,
    minutes=20,
    difficulty=3,
    inputs=_models,
    reference=_healthiest(),
    misconceptions=(
        Misconception(
            "it finds a right model: a model within 1e-5 is no wrong one, whatever its "
            "neighbours",
            lambda right, versions: int(_shares(right, versions).argmax()),
        ),
        Misconception(
            "it finds the wrong model that looks sickest: that with the fewest "
            "neighbours kept",
            _healthiest(_sickness),
        ),
        Misconception(
            "it finds the largest gap: how far vectors move says little about who is "
            "nearest",
            _healthiest(_gaps),
        ),
        Misconception(
            "each text is its own nearest: leave out the diagonal, or all models look "
            "healthy",
            _healthiest(_with_itself),
        ),
        Misconception(
            "it says 0 where no model is wrong: say −1",
            lambda right, versions: max(0, _healthiest()(right, versions)),
        ),
        Misconception(
            "it returns how many texts keep their neighbour: return which model it is",
            lambda right, versions: int(
                len(right)
                * np.where(
                    _gaps(right, versions) > GAP, _shares(right, versions), 0
                ).max()
            ),
        ),
    ),
    also_right=(_healthy_by_loop, _healthy_by_einsum, _healthy_by_distance),
    hints=(
        "Two questions for each model: is it wrong? and how many texts keep their "
        "nearest other text?",
        "Wrong: `np.abs(versions[k] - right).max() > 1e-5`. Nearest: the largest "
        "cosine in each row of `x @ x.T`, with the diagonal set to −inf.",
        "Among the wrong ones, the one with the most neighbours kept; −1 if there is "
        "none.",
    ),
)

EXERCISES = (EXACT_GELU, MEAN_POOL, NEAREST_TEXTS, LOOKS_HEALTHY)
