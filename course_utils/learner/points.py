"""How many points the learner has: for each exercise, each lesson, and in all."""

from dataclasses import dataclass

from course_utils.exercises import exercises_of
from course_utils.learner import progress
from course_utils.learner.syllabus import LESSONS, Lesson


@dataclass(frozen=True)
class Points:
    """The points earned, of those there are, for one thing.

    - `name`: an exercise's name, or a lesson's title.
    - `mine`: how many were earned.
    - `of`: how many there are.
    """

    name: str
    mine: int
    of: int

    def __str__(self) -> str:
        return f"{self.mine} of {self.of}"


def of_lessons() -> dict[Lesson, list[Points]]:
    """Return the points of the exercises of each lesson that is there, in order."""
    earned = progress.load()["exercises"]
    return {
        lesson: [
            # A new version of an exercise may be worth less than the old one was.
            Points(x.name, min(_number(earned.get(x.name)), x.points), x.points)
            for x in exercises_of(lesson.number)
        ]
        for lesson in LESSONS
        if lesson.has_exercises
    }


def earned(name: str) -> int:
    """Return the points that are recorded for an exercise."""
    return _number(progress.load()["exercises"].get(name))


def total(name: str, points: list[Points]) -> Points:
    """Add up points under a name."""
    return Points(name, sum(x.mine for x in points), sum(x.of for x in points))


def summary() -> str:
    """Return the points of each lesson and exercise, a line each, as a terminal has."""
    lessons = of_lessons()
    everything = total("", [x for points in lessons.values() for x in points])
    lines = [f"You have {everything} points."]
    for lesson, points in lessons.items():
        whole = total(f"{lesson.number:2}. {lesson.title}", points)
        lines += ["", _line(whole), *(_line(x, "    ") for x in points)]
    return "\n".join(lines)


def _line(points: Points, indent: str = "") -> str:
    mark = "■" if points.mine == points.of else "□"
    return f"{mark} {indent + points.name:<54} {points!s:>9}"


def _number(entry: object) -> int:
    """Read what was recorded; anything but a number of points counts as nothing."""
    return max(entry, 0) if isinstance(entry, int) else 0
