"""What every draw of an exercise must do: refuse what is wrong in rare cases only."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from nearly_right import NEARLY_RIGHT

from course_utils.checks.judge import CASES, judge
from course_utils.exercises import EXERCISES
from course_utils.exercises.draws import ROUND, turn

OTHERS = range(1000, 1040)  # seeds to learn answers from
EACH = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
FEW = [x for x in EXERCISES.values() if x.name.startswith(("diagnose_", "leaks"))]


def passes(exercise, answer, seeds):
    """Return the seeds for which an answer passes."""
    bare = dataclasses.replace(exercise, misconceptions=())
    return [seed for seed in seeds if judge(bare, answer, seed).passed]


def drawn(exercise, seed):
    """Return arguments and right answers of one seed, as the judge draws them."""
    rng = np.random.default_rng(seed)
    cases = [exercise.inputs(rng, size) for size in range(CASES)]
    return [(x, np.asarray(exercise.reference(*given(x)))) for x in cases]


def given(arguments):
    return [x.copy() if np.ndim(x) else x.item() for x in arguments.values()]


@EACH
def test_what_is_wrong_in_rare_cases_is_refused_by_every_draw(exercise, many_seeds):
    assert len(NEARLY_RIGHT[exercise.name]) >= 3
    accepted = {
        why: seeds
        for why, answer in NEARLY_RIGHT[exercise.name].items()
        if (seeds := passes(exercise, answer, many_seeds))
    }
    assert accepted == {}


class Replay:
    """Answer call by call, whatever comes, though twice alike if asked twice."""

    def __init__(self, answers):
        self.answers, self.last, self.calls = answers, None, 0

    def __call__(self, *arguments):
        asked = [np.asarray(x).tobytes() for x in arguments]
        self.calls += asked != self.last
        self.last = asked
        return self.answers[(self.calls - 1) % len(self.answers)].copy()


@EACH
def test_the_right_answers_of_one_seed_pass_for_no_other(exercise, many_seeds):
    bare = dataclasses.replace(exercise, misconceptions=())
    for other in (1000, 1001, 1002):
        answers = [expected for _, expected in drawn(exercise, other)]
        assert judge(bare, Replay(answers), other).passed
        for seed in many_seeds:
            assert not judge(bare, Replay(answers), seed).passed


@pytest.mark.parametrize("exercise", FEW, ids=lambda x: x.name)
def test_neither_shapes_nor_sizes_nor_the_call_tell_the_answer(exercise, many_seeds):
    """What is most often right for a call, a shape or a size passes for no seed."""
    hints = (
        lambda call, shapes: call,
        lambda call, shapes: shapes,
        lambda call, shapes: sum(int(np.prod(s)) for s in shapes),
        lambda call, shapes: (call, shapes),
        lambda call, shapes: None,
    )
    learned = [{} for _ in hints]
    for seed in OTHERS:
        for hint, answers in zip(hints, learned, strict=True):
            for key, expected in _keyed(exercise, seed, hint):
                answers.setdefault(key, Counter())[expected] += 1
    for seed in many_seeds:
        for hint, answers in zip(hints, learned, strict=True):
            cases = list(_keyed(exercise, seed, hint))
            best = [
                answers[key].most_common(1)[0][0] for key, _ in cases if key in answers
            ]
            assert best != [expected for _, expected in cases]


_seen = {}


def _keyed(exercise, seed, hint):
    if (exercise.name, seed) not in _seen:
        _seen[exercise.name, seed] = [
            (tuple(np.shape(x) for x in arguments.values()), expected.tobytes())
            for arguments, expected in drawn(exercise, seed)
        ]
    for call, (shapes, expected) in enumerate(_seen[exercise.name, seed]):
        yield hint(call, shapes), expected


@EACH
def test_a_constant_passes_for_no_seed(exercise, many_seeds):
    shown = drawn(exercise, 0)[0][1]
    kinds = range(-1, 6) if shown.ndim == 0 else (0, 1)
    for constant in kinds:
        kept = np.full_like(shown, constant)
        assert passes(exercise, lambda *_, kept=kept: kept, many_seeds) == []


def test_each_turn_comes_once_a_round_in_an_order_of_the_seed():
    assert ROUND == CASES
    orders = set()
    for seed in range(50):
        rng = np.random.default_rng(seed)
        order = tuple(turn(rng, size) for size in range(ROUND))
        assert sorted(order) == list(range(ROUND))
        assert rng.random() == np.random.default_rng(seed).random()
        orders.add(order)
    assert len(orders) == 50


def _keepdims(query, key, value):
    scores = (query[..., None, :] * key[..., None, :, :]).sum(-1)
    scores = scores / np.asarray(query.shape[-1], query.dtype) ** query.dtype.type(0.5)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return ((e / e.sum(-1, keepdims=True))[..., None] * value[..., None, :, :]).sum(-2)


ODD_STYLES = {
    "hard_lookup": [
        lambda q, k, v: v[max(range(len(k)), key=lambda i: float(k[i] @ q))],
        lambda q, k, v: (np.eye(len(k))[np.argmax(k @ q)][None] @ v)[0],
    ],
    "soft_lookup": [
        lambda q, k, v, s: np.array(
            [sum(np.exp(s * (k @ q)) * c) / sum(np.exp(s * (k @ q))) for c in v.T]
        ),
    ],
    "soft_lookup_all": [
        lambda q, k, v, s: np.vstack(
            [np.average(v, axis=0, weights=np.exp(s * k @ x)) for x in q]
        ),
    ],
    "attend": [
        lambda w, v: np.array([[float(row @ c) for c in v.T] for row in w]),
        lambda w, v: np.tensordot(w.astype(np.float32), v, axes=1),
    ],
    "outside_hull": [
        lambda p, v, r: np.array(
            [
                any((x @ y > (v @ y).max()) | (x @ y < (v @ y).min()) for y in r)
                for x in p
            ]
        ),
    ],
    "scaled_dot_product_attention": [_keepdims],
    "diagnose_mix": [
        lambda w: [0, 1, 3, 4, 2][
            [
                np.allclose(w.sum(1), 1) and np.trace(w) == 0,
                np.allclose(w.sum(1), 1),
                np.allclose(w.sum(0), 1),
                bool(np.isclose(w.sum(), 1)),
                True,
            ].index(True)
        ],
    ],
    "causal_mask": [
        lambda n_q, n_k, offset: np.array(
            [[j <= i + offset for j in range(n_k)] for i in range(n_q)]
        ),
    ],
    "split_heads": [
        lambda x, h: np.moveaxis(np.array(np.split(x, h, axis=-1)), 0, -3),
    ],
    "merge_heads": [
        lambda heads: np.concatenate(list(np.moveaxis(heads, -3, 0)), axis=-1),
    ],
}


@pytest.mark.parametrize("name", ODD_STYLES)
def test_right_answers_in_odd_styles_pass_for_every_draw(name, many_seeds):
    for answer in ODD_STYLES[name]:
        assert passes(EXERCISES[name], answer, many_seeds) == [*many_seeds]
