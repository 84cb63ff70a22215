"""The exercises of lesson 11: translate with and without attention."""

import numpy as np

from course_utils.exercises.draws import in_float32, turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.softmax import softmax


def _sizes(rng: np.random.Generator, size: int) -> tuple[int, int, int, int, int]:
    """Draw batch, n_q, n_k, d_s and d_h, all different; each is 1 once, some equal."""
    batch, n_q, n_k, d_s, d_h = (int(i) for i in rng.permutation([2, 3, 4, 5, 6]))
    odd = {
        1: (1, n_q, n_k, d_s, d_h),
        2: (batch, 1, n_k, d_s, d_h),
        3: (batch, n_q, 1, d_s, d_h),
        4: (batch, n_q, n_k, 1, d_h),
        5: (batch, n_q, n_k, d_s, 1),
        6: (3, 3, 3, 3, 3),
        7: (batch, n_q, n_q, d_s, d_s),
    }
    return odd.get(size, (batch, n_q, n_k, d_s, d_h))


def _pairs(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the states of a decoder and of an encoder, and the matrix between them."""
    batch, n_q, n_k, d_s, d_h = _sizes(rng, size)
    arguments = {
        "states": rng.normal(size=(batch, n_q, d_s)),
        "encoded": rng.normal(size=(batch, n_k, d_h)),
        "w_score": rng.normal(size=(d_s, d_h)),
    }
    return in_float32(arguments) if size % 4 == 3 else arguments


def _luong(states, encoded, w_score):
    return states @ w_score @ np.swapaxes(encoded, -1, -2)


def _luong_by_loop(states, encoded, w_score):
    return np.array(
        [
            [[s @ w_score @ h for h in sentence] for s in written]
            for written, sentence in zip(states, encoded, strict=True)
        ]
    )


def _luong_by_einsum(states, encoded, w_score):
    return np.einsum("bqs,sh,bkh->bqk", states, w_score, encoded)


def _luong_keys_first(states, encoded, w_score):
    return np.matmul(states, np.transpose(encoded @ w_score.T, (0, 2, 1)))


LUONG_SCORES = Exercise(
    name="luong_scores",
    lesson=11,
    points=2,
    minutes=8,
    difficulty=1,
    inputs=_pairs,
    reference=_luong,
    misconceptions=(
        Misconception(
            "the last state is the only key: each word that was read has a state, and "
            "so a score, of its own",
            lambda states, encoded, w_score: _luong(
                states, np.broadcast_to(encoded[:, -1:], encoded.shape), w_score
            ),
        ),
        Misconception(
            "it divides by the root of the width: Luong's score has no scale",
            lambda states, encoded, w_score: (
                _luong(states, encoded, w_score) / encoded.shape[-1] ** 0.5
            ),
        ),
        Misconception(
            "these are weights already: return the scores, before the softmax",
            lambda states, encoded, w_score: softmax(_luong(states, encoded, w_score)),
        ),
        Misconception(
            "every sentence is compared with the first of the batch: each has an "
            "encoder's states of its own",
            lambda states, encoded, w_score: _luong(states, encoded[:1], w_score),
        ),
    ),
    also_right=(_luong_by_loop, _luong_by_einsum, _luong_keys_first),
    hints=(
        "For one state s and one h the score is `s @ w_score @ h`.",
        "`states @ w_score` has shape (batch, n_q, d_h). What is left is a product of "
        "every query with every key of the same sentence.",
        "`encoded.swapaxes(-1, -2)` lays the keys out as columns and leaves the batch "
        "alone.",
    ),
)


def _scored(rng: np.random.Generator, size: int) -> Arguments:
    """Draw scores, sometimes very large or tied, and the states they belong to."""
    batch, n_q, n_k, _, d_h = _sizes(rng, size)
    scores = 2 * rng.normal(size=(batch, n_q, n_k))
    if size == 8:
        scores *= 1000
    if size == 9:
        scores = np.round(scores / 2)
    arguments = {"scores": scores, "encoded": rng.normal(size=(batch, n_k, d_h))}
    return in_float32(arguments) if size % 4 == 3 else arguments


def _contexts(scores, encoded, axis=-1):
    return softmax(scores, axis=axis) @ encoded


def _contexts_by_loop(scores, encoded):
    contexts = []
    for rows, states in zip(scores, encoded, strict=True):
        one = []
        for row in rows:
            weights = np.exp(row - row.max())
            blend = sum(w * h for w, h in zip(weights, states, strict=True))
            one.append(blend / weights.sum())
        contexts.append(one)
    return np.array(contexts)


def _contexts_by_einsum(scores, encoded):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    blend = np.einsum("bqk,bkh->bqh", weights, encoded)
    return blend / weights.sum(axis=-1, keepdims=True)


def _contexts_by_broadcasting(scores, encoded):
    weights = softmax(scores)
    return (weights[..., None] * encoded[:, None]).sum(axis=2)


def _one_softmax(scores, encoded):
    flat = scores.reshape(len(scores), -1)
    return softmax(flat).reshape(scores.shape) @ encoded


CONTEXT_VECTORS = Exercise(
    name="context_vectors",
    lesson=11,
    points=2,
    minutes=8,
    difficulty=1,
    inputs=_scored,
    reference=_contexts,
    misconceptions=(
        Misconception(
            "the softmax runs over the batch: the words of one sentence share their "
            "weights, sentences share nothing",
            lambda scores, encoded: _contexts(scores, encoded, axis=0),
        ),
        Misconception(
            "the softmax runs over the words that are written: for each of them, the "
            "weights of the words that were read sum to 1",
            lambda scores, encoded: _contexts(scores, encoded, axis=1),
        ),
        Misconception(
            "one softmax is shared by all steps of a sentence: each step, a row, has "
            "its own",
            _one_softmax,
        ),
        Misconception(
            "there is no softmax: scores are not weights yet",
            lambda scores, encoded: scores @ encoded,
        ),
        Misconception(
            "every step gets the last state: that is the fixed vector, without "
            "attention",
            lambda scores, encoded: np.broadcast_to(
                encoded[:, -1:], (*scores.shape[:2], encoded.shape[-1])
            ),
        ),
        Misconception(
            "every step gets the plain mean: weigh the states by the scores",
            lambda scores, encoded: _contexts(0 * scores, encoded),
        ),
        Misconception(
            "every step gets one state, that with the highest score: blend them all",
            lambda scores, encoded: np.take_along_axis(
                encoded, scores.argmax(axis=-1)[..., None], axis=1
            ),
        ),
    ),
    also_right=(_contexts_by_loop, _contexts_by_einsum, _contexts_by_broadcasting),
    hints=(
        "A row of scores belongs to one step. What must its weights sum to?",
        "`softmax` from lesson 3 takes the last axis by default. Which axis holds the "
        "words that were read?",
        "The blend is a product of weights and states; `@` leaves the batch alone.",
    ),
    may_use=("softmax",),
)


def _targets(rng: np.random.Generator, size: int) -> Arguments:
    """Draw targets of unequal length; start and stop are any two tokens."""
    batch, n = (int(i) for i in rng.permutation([3, 4, 5])[:2])
    batch, n = {1: (1, n), 2: (batch, 1), 3: (1, 1), 6: (n, n)}.get(size, (batch, n))
    start, stop = (int(i) for i in rng.permutation(4)[:2])
    target = rng.integers(4, 20, size=(batch, n))
    ends = rng.integers(n, size=batch)
    if size not in (3, 8):
        ends[0], ends[-1] = n - 1, ends[-1] // 2
    for row, end in zip(target, ends, strict=True):
        row[end] = stop
        row[end + 1 :] = -1
    return {"target": target, "start": np.array(start), "stop": np.array(stop)}


def _filled(target, stop):
    return np.where(target < 0, stop, target)


def _forced(target, start, stop):
    inputs = np.empty_like(target)
    inputs[:, 0] = start
    inputs[:, 1:] = _filled(target, stop)[:, :-1]
    return inputs


def _forced_by_loop(target, start, stop):
    inputs = []
    for row in target.tolist():
        before, read = start, []
        for word in row:
            read.append(before)
            before = stop if word == -1 else word
        inputs.append(read)
    return np.array(inputs)


def _forced_by_concatenate(target, start, stop):
    first = np.full((len(target), 1), start)
    return np.concatenate([first, _filled(target[:, :-1], stop)], axis=1)


def _forced_by_roll(target, start, stop):
    inputs = np.roll(_filled(target, stop), 1, axis=1)
    inputs[:, 0] = start
    return inputs


def _forced_by_pad(target, start, stop):
    padded = np.pad(target, ((0, 0), (1, 0)), constant_values=start)[:, :-1]
    return np.where(padded == -1, stop, padded)


TEACHER_FORCING = Exercise(
    name="teacher_forcing",
    lesson=11,
    points=2,
    minutes=8,
    difficulty=2,
    inputs=_targets,
    reference=_forced,
    misconceptions=(
        Misconception(
            "the target is not shifted: each step reads the very word that it has to "
            "say",
            lambda target, start, stop: _filled(target, stop),
        ),
        Misconception(
            "the target is shifted the wrong way: each step reads the word after the "
            "one that it has to say",
            lambda target, start, stop: np.concatenate(
                [
                    _filled(target, stop)[:, 1:],
                    np.full_like(target[:, :1], stop),
                ],
                axis=1,
            ),
        ),
        Misconception(
            "the last word comes round to the front: the first step reads `start`",
            lambda target, start, stop: np.roll(_filled(target, stop), 1, axis=1),
        ),
        Misconception(
            "`start` takes the place of the first word: it comes before it, and all "
            "words move one place on",
            lambda target, start, stop: np.concatenate(
                [np.full_like(target[:, :1], start), _filled(target, stop)[:, 1:]],
                axis=1,
            ),
        ),
        Misconception(
            "there is one step too many: the last word of the target is read by nobody",
            lambda target, start, stop: np.concatenate(
                [np.full_like(target[:, :1], start), _filled(target, stop)], axis=1
            ),
        ),
        Misconception(
            "−1 is still there: it is no token that could be read; put `stop` in its "
            "place",
            lambda target, start, stop: np.concatenate(
                [np.full_like(target[:, :1], start), target[:, :-1]], axis=1
            ),
        ),
        Misconception(
            "`start` is read in place of −1: what follows the end is read as `stop`",
            lambda target, start, stop: _forced(target, start, start),
        ),
    ),
    also_right=(
        _forced_by_loop,
        _forced_by_concatenate,
        _forced_by_roll,
        _forced_by_pad,
    ),
    hints=(
        "What does the decoder read before it says the first word? And before the "
        "second?",
        "The inputs are `start`, then the target without its last column.",
        "`np.where(target == -1, stop, target)` first; then `np.concatenate` along "
        "axis 1, or write into an array of the same shape.",
    ),
)

EQUAL, PARAMETERS, SENTENCES, LENGTHS, REPORT = range(5)
# For each turn: what is unequal, and in which form.
_FORMS = (
    (EQUAL, ""),
    (PARAMETERS, "little"),
    (SENTENCES, "steps"),
    (LENGTHS, "longest"),
    (REPORT, "a"),
    (EQUAL, "best"),
    (PARAMETERS, "much"),
    (SENTENCES, "batch"),
    (LENGTHS, "shortest"),
    (REPORT, "b"),
    (EQUAL, "product"),
    (PARAMETERS, "little"),
)


def _matrices(
    rng: np.random.Generator, extra: float, *, as_many: bool
) -> list[np.ndarray]:
    """Draw the shapes of two models that hold as much, but for a share `extra`.

    The one is cut into more matrices than the other, or into as many.
    """
    while True:
        drawn = 2 * rng.integers(4, 33, size=(int(rng.integers(3, 6)), 2))
        more = int(extra > 0)
        one = _cut(drawn, 1 + more if as_many else 0)
        other = _cut(rng.permutation(drawn), 1)
        if more:  # rounded up, so that a little is never nothing
            other.append([1, int(np.ceil(extra * drawn.prod(axis=1).sum()))])
        pair = [np.array(one), np.array(other)]
        if _apart(pair[0].sum(), pair[1].sum(), 0.02):
            return pair


def _cut(shapes: np.ndarray, count: int) -> list[list[int]]:
    """Cut the first `count` matrices in two."""
    cut = [[rows // 2, columns] for rows, columns in shapes[:count].tolist()] * 2
    return cut + shapes[count:].tolist()


def _comparison(rng: np.random.Generator, size: int) -> Arguments:
    """Draw two results that differ in at most one thing that counts.

    What does not count differs as it likes: how the parameters are cut into matrices,
    a few of them, and how many steps the same number of sentences takes.
    """
    fault, form = _FORMS[turn(rng, size)]
    share = {"little": rng.uniform(0.02, 0.04), "much": rng.uniform(0.3, 2)}
    extra = 0 if form == "best" else share.get(form, rng.uniform(0.003, 0.007))
    as_many = form == "product" or (form != "" and rng.random() < 0.5)
    shapes = _matrices(rng, extra, as_many=as_many)
    steps, batch = 40 * int(rng.integers(5, 20)), 8 * int(rng.integers(2, 8))
    shortest, longest = int(rng.integers(2, 5)), int(rng.integers(10, 17))
    runs = [[steps, batch, shortest, longest], [steps, batch, shortest, longest]]
    if form == "product" or (fault != SENTENCES and rng.random() < 0.5):
        runs[1][:2] = [steps // 2, batch * 2]
    changed = {"steps": (0, 2 * steps), "batch": (1, batch // 2)}
    changed |= {"shortest": (2, shortest - 1), "longest": (3, longest + 3)}
    if form in changed:
        place, value = changed[form]
        runs[1][place] = value
    scores = [rng.uniform(0.2, 0.8, size=5).round(2) for _ in range(2)]
    for seeds in scores:
        seeds[int(rng.integers(5))] = 0.9  # well above the mean
    both = form == "best" or (fault != REPORT and form and rng.random() < 0.5)
    order = rng.permutation(2)
    results = [
        {
            "shapes": shapes[i],
            "run": np.array(runs[i]),
            "scores": scores[i],
            "reported": np.array(
                scores[i].max() if both or form == side else scores[i].mean()
            ),
        }
        for side, i in zip("ab", order, strict=True)
    ]
    return {
        f"{name}_{side}": x
        for side, result in zip("ab", results, strict=True)
        for name, x in result.items()
    }


def _held(shapes):
    return int(np.prod(shapes, axis=1).sum())


def _is_best(scores, reported):
    return bool(np.isclose(reported, scores.max()))


def _apart(x, y, allowed):
    return abs(x - y) > allowed * max(x, y)


def _judged(
    held=_held,
    allowed=0.01,
    sentences=lambda run: int(run[0] * run[1]),
    lengths=lambda run: tuple(run[2:]),
    report=lambda a, b: a != b,
):
    """Return a diagnosis with some of its questions asked in another way."""

    def diagnose(
        shapes_a,
        run_a,
        scores_a,
        reported_a,
        shapes_b,
        run_b,
        scores_b,
        reported_b,
    ):
        if _apart(held(shapes_a), held(shapes_b), allowed):
            return PARAMETERS
        if sentences(run_a) != sentences(run_b):
            return SENTENCES
        if lengths(run_a) != lengths(run_b):
            return LENGTHS
        if report(_is_best(scores_a, reported_a), _is_best(scores_b, reported_b)):
            return REPORT
        return EQUAL

    return diagnose


_diagnose = _judged()


def _diagnose_by_list(*arguments):
    a, b = arguments[:4], arguments[4:]
    sizes = [sum(int(r) * int(c) for r, c in x[0]) for x in (a, b)]
    faults = [
        False,
        max(sizes) > 1.01 * min(sizes),
        np.prod(a[1][:2]) != np.prod(b[1][:2]),
        list(a[1][2:]) != list(b[1][2:]),
        abs(a[3] - np.mean(a[2])) < 1e-9 and abs(b[3] - np.mean(b[2])) > 1e-9,
    ]
    faults[4] |= abs(b[3] - np.mean(b[2])) < 1e-9 < abs(a[3] - np.mean(a[2]))
    return int(np.argmax(faults))


def _diagnose_by_einsum(*arguments):
    (held_a, held_b) = (np.einsum("i,i->", *x.T) for x in arguments[::4])
    (run_a, run_b) = arguments[1::4]
    if not np.isclose(held_a, held_b, rtol=0.012):
        return np.int64(1)
    if run_a[0] * run_a[1] != run_b[0] * run_b[1]:
        return np.int64(2)
    if (run_a[2:] != run_b[2:]).any():
        return np.int64(3)
    means = [
        np.isclose(r, s.mean())
        for s, r in zip(arguments[2::4], arguments[3::4], strict=True)
    ]
    return np.int64(0 if means[0] == means[1] else 4)


DIAGNOSE_COMPARISON = Exercise(
    name="diagnose_comparison",
    lesson=11,
    points=4,
    minutes=18,
    difficulty=3,
    inputs=_comparison,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it trusts every budget: count the parameters of both models, rows times "
            "columns of each matrix, and compare the sums",
            _judged(held=lambda shapes: 1),
        ),
        Misconception(
            "it counts matrices: how many there are says nothing, add up rows times "
            "columns",
            _judged(held=len),
        ),
        Misconception(
            "it adds rows and columns: a matrix holds rows times columns numbers",
            _judged(held=lambda shapes: int(shapes.sum())),
        ),
        Misconception(
            "it allows no difference at all: one in a hundred of the parameters may "
            "differ",
            _judged(allowed=0),
        ),
        Misconception(
            "it compares steps alone: half as many steps of twice as many sentences "
            "learn from as many",
            _judged(sentences=lambda run: run[0]),
        ),
        Misconception(
            "it compares steps and batch one by one: what counts is their product, the "
            "sentences learnt from",
            _judged(sentences=lambda run: tuple(run[:2])),
        ),
        Misconception(
            "it looks at the longest sentence tested only: short ones are easy, so the "
            "shortest counts too",
            _judged(lengths=lambda run: run[3]),
        ),
        Misconception(
            "it takes every report for the mean: see whether one is its best seed",
            _judged(report=lambda a, b: False),
        ),
        Misconception(
            "it calls a best seed unequal where both report theirs: then both do the "
            "same",
            _judged(report=lambda a, b: a or b),
        ),
        Misconception(
            "it finds only whether something is unequal, and calls all of it 1: the "
            "table has four faults",
            lambda *arguments: int(_diagnose(*arguments) != EQUAL),
        ),
    ),
    also_right=(_diagnose_by_list, _diagnose_by_einsum, _judged(allowed=0.012)),
    hints=(
        "Four questions, in the order of the table. At most one has the answer no.",
        "`shapes.prod(axis=1).sum()` are the parameters of a model. `run[0] * run[1]` "
        "are the sentences that it learnt from.",
        "`np.isclose(reported, scores.max())` says whether a report is the best seed. "
        "It is unfair if that is true of one side alone.",
    ),
)

EXERCISES = (LUONG_SCORES, CONTEXT_VECTORS, TEACHER_FORCING, DIAGNOSE_COMPARISON)
