"""All exercises of the course, by name."""

from course_utils.checks import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_08,
)
from course_utils.checks.exercise import Exercise

LESSONS = (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_08,
)
EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise for lesson in LESSONS for exercise in lesson.EXERCISES
}


def exercises_of(lesson: int) -> list[Exercise]:
    """Return the exercises of one lesson, in order."""
    return [x for x in EXERCISES.values() if x.lesson == lesson]
