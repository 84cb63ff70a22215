"""When the answers of a submission are judged: at their checks, or at the end."""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

from course_utils.checks.asking import UNWRITTEN
from course_utils.checks.earlier import both, earlier
from course_utils.checks.finding import has_stages, is_worth_a_search
from course_utils.checks.judge import Verdict, judge
from course_utils.exercises.exercise import Exercise
from course_utils.grading.alone import place_in, text_of
from course_utils.grading.answer import Answer
from course_utils.grading.child import Child, GoneError
from course_utils.grading.lending import Lent
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.submission import Submission

MOST_CHECKS = 4  # of one exercise; the function at the end is judged all the same


class Judging:
    """Judges the answers of one submission.

    As in the notebook, an answer that was right where it was checked stays right,
    whatever later cells do. One that was not is judged again as it stands at the end.

    - `submission`: what was handed in.
    - `sandbox`: where it runs.
    - `seed`: draws the inputs.
    - `search`: seconds in which the line of a mistake is looked for; 0 for never.
    """

    def __init__(
        self, submission: Submission, sandbox: Sandbox, seed: int, search: float = 0.0
    ) -> None:
        self._exercises = {x.name: x for x in submission.exercises}
        self._seed = seed
        self._search = search
        self._cells, self._sandbox = submission.cells, sandbox
        self._child = Child(submission, sandbox)
        self._found: dict[str, Verdict] = {}
        self._judged: dict[str, int] = {}
        self._gone: set[str] = set()
        self._stopped: set[str] = set()
        self._lent: dict[str, Lent] = {}

    def verdicts(self) -> tuple[list[Verdict], bool]:
        """Return the verdict on each exercise, and whether the clock ran out too early.

        That is on a machine that was busy with something else.
        """
        with self._child:
            with suppress(GoneError):  # each exercise that was not judged will say so
                self._child.run(self._at_check)
            for name in self._exercises:
                if not self._is_settled(name):
                    self._judge(name)
            self._judge_with_right_ones()
            self._stopped = {x for x in self._exercises if self._was_stopped(x)}
            self._look_for_lines()
        return [self._found[x] for x in self._exercises], self._child.was_late

    def was_stopped(self, name: str) -> bool:
        """Whether a limit or a crash was in the way of judging an exercise."""
        return name in self._stopped

    def _judge_with_right_ones(self) -> None:
        """Judge anew what calls wrong earlier answers, with right ones in their place.

        From here on nothing is judged but what comes later than all that was lent: so
        nobody borrows an answer to what is still to be judged.
        """
        for name, exercise in self._exercises.items():
            wrong = [x for x in earlier(exercise) if not self._is_right(x.name)]
            if not wrong or self._is_right(name):
                continue
            called = self._child.looks_up(exercise, wrong)
            if not called:
                continue
            lent, alone = Lent(called), self._found[name]
            helped = judge(exercise, Answer(self._child, exercise, lent), self._seed)
            if self._child.is_there:
                self._found[name] = both(alone, helped, lent.used)
                self._lent[name] = lent
                self._gone.discard(name)

    def _look_for_lines(self) -> None:
        """Look for what warns and for the lines of mistakes, now that all is judged.

        What is looked at is drawn from another seed. It cannot change a verdict: no
        answer is judged afterwards, and if the process ends, that is the end. Answers
        that stand alone come last, as they need a process of their own.
        """
        alone: dict[str, str] = {}
        for name, verdict in self._found.items():
            if name in self._stopped or verdict.passed or _says_little(verdict):
                continue
            self._found[name] = verdict = self._with_warning(verdict)
            if self._search <= 0 or not is_worth_a_search(verdict):
                continue
            if text := self._alone(name):
                alone[name] = text
            elif self._child.is_there:
                found = self._child.find(*self._how(name), self._lent.get(name))
                self._found[name] = replace(verdict, found=found)
        self._child.stop()
        for name, text in alone.items():
            found = place_in(text, self._sandbox, *self._how(name))
            self._found[name] = replace(self._found[name], found=found)

    def _with_warning(self, verdict: Verdict) -> Verdict:
        if not verdict.case or not self._child.is_there:
            return verdict
        lent = self._lent.get(verdict.exercise.name)
        warns = self._child.warned(verdict.exercise, verdict.case.arguments, lent)
        return replace(verdict, remarks=f"{verdict.remarks} {warns}".strip())

    def _alone(self, name: str) -> str | None:
        """Return the text of an answer that uses nothing else of its notebook."""
        if name in self._lent or not self._child.is_there:
            return None
        lines = self._child.alone(self._exercises[name])
        return text_of(self._cells, name, lines) if lines else None

    def _how(self, name: str) -> tuple[Exercise, int, float, bool]:
        """Return what to search: the exercise, a seed, how long, whether by stages."""
        secret = sha256(f"lines {self._seed}".encode()).digest()
        seed, verdict = int.from_bytes(secret[:8]), self._found[name]
        return verdict.exercise, seed, self._search, has_stages(verdict)

    def _was_stopped(self, name: str) -> bool:
        # A function can be missing because the cell that makes it was stopped.
        missing = "is not defined" in self._found[name].message
        return name in self._gone or (missing and self._child.was_stopped)

    def _at_check(self, name: str, before: int) -> None:
        """Judge the function that is being checked, unless it was in an earlier run."""
        if name not in self._exercises or before < self._judged.get(name, 0):
            return
        if before < MOST_CHECKS and not self._is_right(name):
            self._judged[name] = before + 1
            self._judge(name)

    def _judge(self, name: str) -> None:
        exercise = self._exercises[name]
        verdict = judge(exercise, Answer(self._child, exercise), self._seed)
        if not self._child.is_there:
            self._gone.add(name)
        found = self._found.get(name)
        # What was said where it was checked says more than what is left at the end.
        if found is None or verdict.passed or _says_little(found):
            self._found[name] = verdict

    def _is_right(self, name: str) -> bool:
        return name in self._found and self._found[name].passed

    def _is_settled(self, name: str) -> bool:
        """Whether nothing can change by judging an answer as it stands at the end."""
        if name not in self._found or self._is_right(name):
            return name in self._found
        if name not in self._child.same:
            return False
        # A name that was missing may have been defined below.
        missing = self._found[name].message.startswith("it raises NameError")
        return name in self._gone or not missing


def _says_little(verdict: Verdict) -> bool:
    return verdict.message == UNWRITTEN or "is not defined" in verdict.message
