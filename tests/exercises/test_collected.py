"""That what a maintainer forgot to say of an exercise is named, with its file."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from course_utils.exercises import EXERCISES, collected

ONE = EXERCISES["hard_lookup"]
TWO = replace(ONE, name="two", lesson=2)


def module(*listed, **others):
    return SimpleNamespace(EXERCISES=listed, **others)


def test_exercises_come_in_the_order_of_the_modules():
    modules = {"lesson_02": module(TWO, TWO=TWO), "lesson_01": module(ONE)}
    assert collected(modules) == {"two": TWO, "hard_lookup": ONE}


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        (
            {"lesson_01": module(ONE, LOST=TWO)},
            "lesson_01.py: EXERCISES must hold LOST",
        ),
        ({"lesson_01": module(TWO)}, "lesson_01.py: 'two' must not have lesson=2"),
        (
            {
                "lesson_01": module(ONE),
                "lesson_02": module(replace(TWO, name=ONE.name)),
            },
            "lesson_02.py: another exercise is called 'hard_lookup' too",
        ),
    ],
)
def test_what_was_forgotten_is_named(modules, says):
    with pytest.raises(ValueError, match="course_utils/exercises/") as error:
        collected(modules)
    assert str(error.value) == f"course_utils/exercises/{says}"


@pytest.mark.parametrize(("points", "says"), [(1, "1 point"), (2, "2 points")])
def test_one_point_is_no_plural(points, says):
    assert replace(ONE, points=points).summary.split(" · ")[0] == says
