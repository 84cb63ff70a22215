"""What an exercise is: everything that its check, its grading and its tests need."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Arguments = dict[str, np.ndarray]
Answer = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people really give, and what to say to it.

    - `says`: one sentence that names the mistake to the learner.
    - `wrong`: an implementation that makes it.
    """

    says: str
    wrong: Answer


@dataclass(frozen=True)
class Exercise:
    """One graded function.

    - `name`: the name of the function that the learner writes.
    - `lesson`: the number of its lesson.
    - `points`: what a right answer earns.
    - `minutes`: how long it takes a newcomer.
    - `difficulty`: 1 (follow the lesson), 2 (combine) or 3 (find out).
    - `inputs`: draws fresh arguments, small to large with `size` = 0, 1, 2, …
    - `reference`: A right answer.
    - `misconceptions`: wrong answers to recognise by name.
    - `also_right`: right answers in other styles, which must pass.
    - `hints`: from a nudge to nearly the answer; opened one at a time.
    - `may_use`: the functions of `course_utils` that an answer may call.
    - `keeps_dtype`: whether float32 arguments ask for a float32 result.
    """

    name: str
    lesson: int
    points: int
    minutes: int
    difficulty: int
    inputs: Callable[[np.random.Generator, int], Arguments]
    reference: Answer
    misconceptions: tuple[Misconception, ...]
    also_right: tuple[Answer, ...]
    hints: tuple[str, ...]
    may_use: tuple[str, ...] = ()
    keeps_dtype: bool = False

    @property
    def summary(self) -> str:
        """Points, minutes, difficulty and what to import, in one line."""
        stars = "★" * self.difficulty + "☆" * (3 - self.difficulty)
        uses = ", ".join(["NumPy", *(f"`{name}`" for name in self.may_use)])
        points = "1 point" if self.points == 1 else f"{self.points} points"
        return f"{points} · about {self.minutes} minutes · {stars} · uses {uses}"
