"""That what numbers have to do with the right ones is said, and nothing that is not."""

import numpy as np
import pytest

from course_utils.checks.judge import judge
from course_utils.checks.relations import PARTS, WHOLE, relation
from course_utils.exercises import EXERCISES

RNG = np.random.default_rng(3)
SHAPES = [(2, 3), (3, 4), (2, 3, 4), (4, 5), (3, 2), (5, 3)]


def cases(change, shapes=SHAPES, draw=RNG.normal, **arguments):
    """Return cases whose answers a change has made of the right ones."""
    drawn = [
        {"x": draw(size=shape), "size": np.array(1.5 + sum(shape))} for shape in shapes
    ]
    given = [x | {n: make(x["x"]) for n, make in arguments.items()} for x in drawn]
    return [(x, x["x"] + 2, np.asarray(change(x["x"] + 2, x))) for x in given]


def said(all_cases):
    wrong = [e.shape != y.shape or not np.allclose(e, y) for _, e, y in all_cases]
    return relation(all_cases, ["wrong" if x else None for x in wrong])


@pytest.mark.parametrize("says", WHOLE)
def test_each_relation_is_told(says):
    if "True and False" in says:
        right = [(2, 3), (3, 4), (1, 2)]
        masks = [RNG.normal(size=shape) > 0 for shape in right]
        assert relation([({}, x, ~x) for x in masks], ["wrong"] * 3) == says
    else:
        change = WHOLE[says]
        assert said(cases(lambda e, _: change(e), draw=RNG.random)) == says


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_alone_is_wrong_is_named(name):
    part = PARTS[name]
    came = said(cases(lambda e, _: e + part(e) * RNG.normal(size=e.shape)))
    assert came == f"all is right but {name}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e, x: 3 * e, "every number is 3 times the right one"),
        (lambda e, x: e / x["size"], "divided by `size`"),
        (lambda e, x: e * x["x"].shape[-1], "number is `x.shape[-1]` times the right"),
        (lambda e, x: e * len(x["x"]) ** 0.5, "is the root of `x.shape[0]` times"),
        (lambda e, x: e / x["x"].shape[-1] ** 0.5, "by the root of `x.shape[-1]`"),
        (lambda e, x: np.degrees(e), "these are degrees, where radians are expected"),
        (lambda e, x: np.radians(e), "these are radians, where degrees are expected"),
        (lambda e, x: e + x["x"], "`x` is added to the right numbers"),
        (lambda e, x: e - x["x"], "come out if `x` is added"),
        (lambda e, x: e - 1.5, "every number is by 1.5 less than the right one"),
        (lambda e, x: e[None], "an axis of length 1 too many"),
        (lambda e, x: np.where(x["seen"], e, 0), "right but where `seen` is False"),
        (lambda e, x: e + (e.ndim > 2), "it is right except where there is more than"),
        (lambda e, x: e, None),
        (lambda e, x: e + RNG.normal(size=e.shape), None),
        (lambda e, x: e * RNG.uniform(2, 3), None),
        (lambda e, x: np.zeros_like(e), None),
        (lambda e, x: e[..., :1], None),
    ],
)
def test_a_relation_is_said_where_there_is_one(change, says):
    came = said(cases(change, seen=lambda x: RNG.normal(size=x.shape) > 0))
    assert came == says if says is None else says in came


def test_a_part_that_is_all_there_is_is_no_part():
    one_row = [(1, 3), (1, 4), (1, 5), (1, 2)]
    assert said(cases(lambda e, _: e + RNG.normal(size=e.shape), one_row)) is None


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ("00 12 21 33", "1 and 2 are swapped"),
        ("00 11 22 30", "it never finds 3, and says 0 in its place"),
        ("00 11 20 31 32 21", None),
        ("01 12 23", "it counts from 1: the first is 0"),
        ("00 10 20", "it always says 0"),
        ("00 11 21 31", "it says whether something is wrong, not what"),
        ("00 11 23 32 31", None),
        ("00 11 22 34 35", "it never finds 3"),
        ("03 10 22 31", None),
    ],
)
def test_numbers_of_faults_are_told_from_the_pairs(pairs, says):
    made = [({}, np.array(int(e)), np.array(int(y))) for e, y in pairs.split()]
    problems = [None if e == y else "wrong" for e, y in pairs.split()]
    assert relation(made, problems) == says


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_an_answer_that_is_right_but_for_its_sign_is_told_so(exercise):
    """On what each exercise draws, whatever its answers are."""
    if np.asarray(exercise.reference(*first(exercise))).dtype.kind != "f":
        return
    bare = judge(exercise, lambda *x: -exercise.reference(*x), 1)
    assert bare.is_named or bare.message == "every number has the wrong sign"


def first(exercise):
    drawn = exercise.inputs(np.random.default_rng(0), 0).values()
    return [np.asarray(x).copy() if np.ndim(x) else x.item() for x in drawn]
