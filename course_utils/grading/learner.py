"""What one learner handed in, what of it counts, and what it earned."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from course_utils.exercises import EXERCISES
from course_utils.grading.batch import load
from course_utils.grading.changes import Change, between
from course_utils.grading.collect import EMPTY, spelt_out
from course_utils.grading.decisions import Decision, Decisions
from course_utils.grading.downloads import owner_of
from course_utils.grading.due import in_words, share_left
from course_utils.grading.entry import Entry
from course_utils.grading.verdict import NOT_JUDGED, RIGHT, WRONG

NOT_HANDED_IN = "not handed in"
SOLUTION = "is a copy of the course's own solution"
PLAIN_PAGE = re.compile(r"[a-z0-9][a-z0-9_]*(?:[-.][a-z0-9_]+)*")
HASHED = re.compile(r".*-[0-9a-f]{20}")
# Names that Windows keeps for devices, whatever their ending.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin|conout)(\..*)?")
WORDS = re.compile(r"[\w .,()/&'=+@-]+")


@dataclass(frozen=True)
class Score:
    """What became of one exercise.

    - `judged`: the points that the grader gave, of `of`.
    - `state`: "right", "wrong", "not judged", "not attempted" or "not handed in".
    - `left`: the share of them that lateness leaves.
    - `mistake`: what it is called, of a wrong answer.
    - `decision`: what a person decided, if anybody did.
    """

    judged: int
    of: int
    state: str
    left: float = 1.0
    mistake: str = ""
    decision: Decision | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a person gave the points."""
        return self.decision is not None and self.decision.points is not None

    @property
    def points(self) -> float:
        """The points that count."""
        if self.is_decided:
            return whole(self.decision.points)
        return whole(self.judged * self.left)

    @property
    def cell(self) -> float | str:
        """What a table shows: points where an answer was judged, else why not."""
        is_judged = self.state in (RIGHT, WRONG) or self.is_decided
        return self.points if is_judged else self.state


def whole(points: float) -> float:
    """Return points with at most two digits behind the point, and none if it can be."""
    rounded = round(points, 2)
    return int(rounded) if rounded == int(rounded) else rounded


@dataclass
class Learner:
    """One learner's notebooks, each with its verdict.

    - `name`: can be printed, and is nobody else's.
    - `notebooks`: pairs of a notebook's name and its verdict.
    - `passed`: pairs of a file's name and why it does not count.
    - `names`: the exercises that the class was asked.
    - `notes`: what an instructor must know.
    - `decisions`: what people decided, by exercise.
    - `marks`: what a roster may call the learner by.
    - `changes`: verdicts that are not the first on these bytes.
    """

    name: str
    notebooks: list[tuple[str, dict[str, Any]]]
    passed: list[tuple[str, str]]
    names: list[str]
    notes: list[str] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)

    @cached_property
    def scores(self) -> dict[str, Score]:
        """What became of each exercise that the class was asked."""
        found: dict[str, Score] = {}
        for _, said in self.notebooks:
            for x in said["exercises"]:
                left = said.get("left", 1.0)
                new = Score(x["points"], x["of"], x["state"], left, x["mistake"])
                if x["name"] not in found or _better(new, found[x["name"]]):
                    found[x["name"]] = new
        return {
            x: replace(found.get(x) or self._missing(x), decision=self.decisions.get(x))
            for x in self.names
        }

    def _missing(self, name: str) -> Score:
        lesson = EXERCISES[name].lesson
        read = any(said["exercises"] for _, said in self.notebooks)
        unread = [
            said["lesson"]
            for file, said in self.notebooks
            if said["error"] not in (None, EMPTY)
            and (".ipynb" in file.lower() or not read)
        ]
        could_be = any(x is None or x == lesson for x in unread)
        state = NOT_JUDGED if could_be else NOT_HANDED_IN
        return Score(0, EXERCISES[name].points, state)

    @property
    def points(self) -> float:
        """The sum of the points of all exercises."""
        return whole(sum(x.points for x in self.scores.values()))

    @property
    def of(self) -> int:
        """The points of all exercises that the class was asked."""
        return sum(x.of for x in self.scores.values())

    def in_lesson(self, lesson: int) -> list[Score]:
        """Return what became of the exercises of one lesson."""
        return [x for n, x in self.scores.items() if EXERCISES[n].lesson == lesson]

    def of_lesson(self, lesson: int) -> float | str:
        """Return the points of one lesson, or why there are none."""
        scores = self.in_lesson(lesson)
        if any(x.cell == NOT_JUDGED for x in scores):
            return NOT_JUDGED
        if all(x.cell == NOT_HANDED_IN for x in scores):
            return NOT_HANDED_IN
        return whole(sum(x.points for x in scores))

    @property
    def page(self) -> str:
        """The name of the feedback page, which no other name can be given on any disk.

        A plain name in small letters stays as it is; all else, also what looks as
        follows, gets the beginning of a hash of it.
        """
        plain = PLAIN_PAGE.fullmatch(self.name) and len(self.name) <= 60
        if plain and not RESERVED.fullmatch(self.name) and not HASHED.match(self.name):
            return f"{self.name}.html"
        slug = re.sub(r"[^A-Za-z0-9_]+", "_", self.name).strip("_")[:60]
        digest = sha256(self.name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{slug or 'learner'}-{digest[:20]}.html"


def _better(new: Score, old: Score) -> bool:
    return (new.points, old.state not in (RIGHT, WRONG)) > (old.points, False)


def quoted(name: str) -> str:
    """Put a name in quotation marks if it could be read as the grader's words."""
    return name if WORDS.fullmatch(name) else f"“{name}”"


def shown(one: Entry) -> str:
    """Return where a file stands, in the class or in the learner's folder."""
    return spelt_out(Path(os.path.relpath(one.path, one.base)).as_posix())


def set_apart(entries: list[Entry], lessons: set[int]) -> None:
    """Mark in what one learner handed in the course's own solutions that do not count.

    A solution does not count beside a notebook of the learner's to the same lesson, and
    none does where all of them are there: that is the course's folder, and no answer.

    - `entries`: what the learner handed in.
    - `lessons`: all that have solutions.
    """
    solved = {x.lesson for x in entries if x.counts and x.kind == "solution"}
    tried = {x.lesson for x in entries if x.counts and x.kind in ("own", "untouched")}
    for one in entries:
        is_whole = len(lessons) > 1 and solved >= lessons
        if one.kind == "solution" and (is_whole or one.lesson in tried):
            one.passed = SOLUTION


def learners(
    groups: dict[str, list[Entry]],
    names: list[str],
    verdicts: Path,
    isolation: str,
    decisions: Decisions,
) -> Iterator[Learner]:
    """Yield each learner with the verdicts, in order of names.

    - `groups`: what each handed in, by name.
    - `names`: the exercises that the class was asked.
    - `verdicts`: where verdicts are kept.
    - `isolation`: in words; of what could not be opened.
    - `decisions`: what people decided.
    """
    for name, entries in groups.items():
        decided = {x: y for x in names if (y := decisions.of(name, x))}
        one = Learner(name, [], [], names, decisions=decided, marks={name})
        for entry in sorted(entries, key=lambda x: x.path):
            file = shown(entry) if entry.path != entry.base else name
            one.marks |= _marks(entry)
            if entry.passed or (not entry.is_work and not entry.is_folder):
                one.passed.append((file, entry.passed or entry.why or ""))
                continue
            said = _verdict(entry, verdicts, isolation)
            said |= {"left": share_left(entry), "late": in_words(entry)}
            one.notebooks.append((file, said))
            one.changes += _changes(entry, said, verdicts)
            if said["error"]:
                one.notes.append(f"{quoted(file)}: {said['error']}")
            elif said["given"]:
                one.notes.append(f"{quoted(file)}: {SOLUTION}")
            if said["late"]:
                one.notes.append(f"{quoted(file)}: {said['late']}")
        yield one


def _marks(entry: Entry) -> set[str]:
    """Return what of a path a roster may name its learner by."""
    parts = os.path.relpath(entry.path, entry.base).split(os.sep)
    owners = [x for x in map(owner_of, parts) if x]
    lasting = [x for x in owners if x.is_lasting]
    found = {*parts, parts[-1].partition(".")[0], *(x.whole for x in owners)}
    return found | {x.number for x in lasting} | {x.name for x in owners}


def _changes(entry: Entry, said: dict[str, Any], verdicts: Path) -> list[Change]:
    """Return what changed since these bytes were graded first."""
    if not entry.first or entry.first == entry.verdict:
        return []
    before = load(verdicts / entry.first)
    return between(before, said) if before and "checks" in said else []


def _verdict(entry: Entry, verdicts: Path, isolation: str) -> dict[str, Any]:
    """Return the verdict that was kept, or one on what could not be opened."""
    said = load(verdicts / entry.verdict) if entry.verdict else None
    why = entry.why or "was graded, but its verdict is lost: grade it again"
    nothing = {"given": False, "exercises": [], "points": 0, "of": 0, "seconds": 0.0}
    said = said or {"error": why, "isolation": isolation, **nothing}
    return {**said, "lesson": entry.lesson} if said["error"] else said
