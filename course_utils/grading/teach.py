"""What a class got wrong: for each exercise, and each mistake by its name."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import Exercise
from course_utils.grading.given import stems
from course_utils.grading.learner import NOT_HANDED_IN, Learner
from course_utils.grading.verdict import NOT_ATTEMPTED, NOT_JUDGED, RIGHT, WRONG

COMMONEST = 3  # mistakes of an exercise
NEXT = 5  # mistakes to teach next


@dataclass(frozen=True)
class Mistake:
    """A mistake that several made.

    - `exercise`: in which.
    - `name`: what it is called.
    - `count`: how many made it.
    - `wrong`: how many got the exercise wrong.
    - `example`: the smallest input that shows it.
    - `earlier`: other exercises, and how many of those who made the mistake call their
      own answer to it and are wrong there too; only where somebody is.
    """

    exercise: Exercise
    name: str
    count: int
    wrong: int
    example: dict[str, Any] | None
    earlier: list[tuple[Exercise, int]]


@dataclass(frozen=True)
class Share:
    """How many learners did what, in an exercise or summed up over several.

    - `of`: how many there are.
    - `points`: earned on average.
    - `most`: that can be earned.
    """

    right: int
    wrong: int
    not_judged: int
    missing: int
    points: float
    most: int

    @property
    def of(self) -> int:
        """All of them."""
        return self.right + self.wrong + self.not_judged + self.missing

    @property
    def attempted(self) -> int:
        """Those who handed something in, right or not."""
        return self.right + self.wrong + self.not_judged

    def percent(self, count: int) -> str:
        """Return a part of all of them in per cent."""
        return f"{100 * count / self.of:.0f} %" if self.of else "–"


@dataclass(frozen=True)
class Asked:
    """What became of one exercise in the class."""

    exercise: Exercise
    share: Share
    mistakes: list[Mistake]


@dataclass(frozen=True)
class Taught:
    """What became of the exercises of one lesson."""

    number: int
    title: str
    share: Share
    asked: list[Asked]


@dataclass
class Tally:
    """Counts learner by learner, so that the whole class need not be in memory.

    - `names`: the exercises that the class was asked.
    """

    names: list[str]
    count: int = 0
    states: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    points: Counter = field(default_factory=Counter)
    made: dict[str, dict[str, set[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    called: dict[tuple[str, str], set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    examples: dict[tuple[str, str], dict] = field(default_factory=dict)

    def add(self, one: Learner) -> None:
        """Count what a learner did.

        - `one`: with the whole verdicts.
        """
        for name, score in one.scores.items():
            self.states[name][score.state] += 1
            self.points[name] += score.points
            if score.state == WRONG:
                self.made[name][score.mistake].add(self.count)
        for x in (x for _, said in one.notebooks for x in said["exercises"]):
            for other in x.get("calls", ()):
                self.called[x["name"], other].add(self.count)
            key, new = (x["name"], x["mistake"]), x.get("example")
            old = self.examples.get(key)
            if new and (old is None or new["size"] < old["size"]):
                self.examples[key] = new
        self.count += 1

    def lessons(self) -> list[Taught]:
        """Return what became of each lesson, in order."""
        asked: dict[int, list[Asked]] = defaultdict(list)
        for name in self.names:
            made = sorted(self.made[name], key=lambda x: -len(self.made[name][x]))
            mistakes = [self._mistake(name, x) for x in made[:COMMONEST]]
            exercise = EXERCISES[name]
            asked[exercise.lesson].append(Asked(exercise, self._share(name), mistakes))
        return [
            Taught(n, title_of(n), summed([x.share for x in those]), those)
            for n, those in sorted(asked.items())
        ]

    def _share(self, name: str) -> Share:
        states = self.states[name]
        return Share(
            states[RIGHT],
            states[WRONG],
            states[NOT_JUDGED],
            states[NOT_ATTEMPTED] + states[NOT_HANDED_IN],
            self.points[name] / max(1, self.count),
            EXERCISES[name].points,
        )

    def _mistake(self, name: str, mistake: str) -> Mistake:
        who = self.made[name][mistake]
        earlier = [
            (EXERCISES[x], both)
            for x in self.names
            if (both := len(who & self.called[name, x] & self._wrong(x)))
        ]
        example = self.examples.get((name, mistake))
        exercise, wrong = EXERCISES[name], self.states[name][WRONG]
        return Mistake(exercise, mistake, len(who), wrong, example, earlier)

    def _wrong(self, name: str) -> set[int]:
        return set().union(*self.made[name].values())


def summed(shares: list[Share]) -> Share:
    """Add up what became of several exercises.

    - `shares`: of each.
    """
    names = ("right", "wrong", "not_judged", "missing", "points", "most")
    return Share(*(sum(getattr(x, name) for x in shares) for name in names))


def next_up(lessons: list[Taught]) -> list[Mistake]:
    """Return the mistakes of the class that most learners make, and more than one."""
    mistakes = [x for lesson in lessons for a in lesson.asked for x in a.mistakes]
    several = [x for x in mistakes if x.count > 1]
    return sorted(several, key=lambda x: -x.count)[:NEXT]


def title_of(lesson: int) -> str:
    """Return what a lesson is called, as its file is."""
    named = (x.partition("_")[2] for x in stems() if int(x.split("_")[0]) == lesson)
    return next(named, "").replace("_", " ")
