"""When work was handed in, and what lateness costs."""

import math
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from course_utils.grading.downloads import owner_of
from course_utils.grading.entry import Entry

# The times in an archive that was made while it was downloaded lie closer together.
SPREAD = timedelta(hours=1)
STAMP = "timestamp.txt"  # beside a notebook: what nbgrader writes when it collects


@dataclass(frozen=True)
class Due:
    """When a lesson is due.

    - `by`: until when, as the clock of the platform says.
    - `penalty`: per cent of the points that each day that has begun takes off.
    """

    by: datetime
    penalty: float = 0.0

    def __str__(self) -> str:
        off = f", {self.penalty:g} % off for each day begun" if self.penalty else ""
        return f"{self.by:%Y-%m-%d %H:%M}{off}"


def told(times: dict[str, datetime]) -> dict[str, datetime]:
    """Return the times of an archive, if they tell when work was handed in.

    Some platforms write into all files when they were packed.
    """
    if not times or max(times.values()) - min(times.values()) < SPREAD:
        return {}
    return times


def set_times(new: list[Entry], times: dict[str, datetime], due: Due | None) -> None:
    """Note for each notebook when it was handed in, and until when it was asked.

    - `new`: what was graded now.
    - `times`: of files of archives, by path.
    - `due`: what the command line says, if anything.
    """
    for one in new:
        when = times.get(one.path) or _stamped(os.path.dirname(one.path))
        one.handed_in = when and when.isoformat()
        parts = os.path.relpath(one.path, one.base or one.root).split(os.sep)
        one.is_late = any((x := owner_of(part)) and x.is_late for part in parts)
        one.due = due and due.by.isoformat()
        one.penalty = due.penalty if due else 0.0


def _stamped(folder: str) -> datetime | None:
    """Return the time that nbgrader wrote down, if it did."""
    try:
        with open(os.path.join(folder, STAMP), encoding="utf-8") as file:
            text = file.read(100)
    except (OSError, ValueError):
        return None
    found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", text)
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}") if found else None
    except ValueError:
        return None


def days_late(one: Entry) -> int | None:
    """Return how many days late something is; None if nothing tells.

    - `one`: what was handed in. A day that has begun counts.
    """
    if one.due is None:
        return 0
    if one.handed_in is None:
        return None
    gone = datetime.fromisoformat(one.handed_in) - datetime.fromisoformat(one.due)
    return max(0, math.ceil(gone / timedelta(days=1)))


def share_left(one: Entry) -> float:
    """Return the share of the points that lateness leaves, from 0 to 1."""
    return max(0.0, 1 - (days_late(one) or 0) * one.penalty / 100)


def in_words(one: Entry) -> str | None:
    """Say how late something is and what that costs, if it is late."""
    days = days_late(one)
    if days:
        cost = f"{100 * (1 - share_left(one)):g} % off" if one.penalty else "no penalty"
        return f"{days} day{'s' if days > 1 else ''} late: {cost}"
    if days is None and one.is_late:
        return "late, by how much is not known: no penalty"
    return None


def summary(entries: list[Entry], due: Due | None) -> list[str]:
    """Return what is to be said of times after a run.

    - `entries`: the notebooks that were graded in it.
    - `due`: what the command line says, if anything.
    """
    works = [x for x in entries if x.counts]
    marked = sum(x.is_late and (due is not None or x.due is None) for x in works)
    if due is None:
        more = "say --due to take them into account"
        return [f"The platform marks {marked} as late: {more}."] if marked else []
    unknown = [x for x in works if x.handed_in is None]
    late = sum(bool(days_late(x)) for x in works)
    lines = [f"Due {due}: {late} of {len(works)} notebooks are late."]
    if unknown:
        marks = f"; {marked} of them are marked as late" if marked else ""
        lines.append(
            f"For {len(unknown)} of {len(works)} nothing tells when they were handed "
            f"in{marks}: no penalty is taken off. decisions.csv can."
        )
    return lines
