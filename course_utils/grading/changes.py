"""Which verdicts on the same notebooks have changed, and why."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """What became of one exercise, and what had become of it before.

    - `name`: of the exercise.
    - `was`, `now`: the state and the points.
    - `said_before`, `says`: the messages.
    - `why`: what is not as it was.
    """

    name: str
    was: str
    now: str
    said_before: str
    says: str
    why: str


def between(before: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """Return what changed from one verdict on a notebook to a later one.

    - `before`, `now`: verdicts on the same bytes.
    """
    nothing = {"state": "not judged", "points": 0}
    then = _by_name(before)
    later = _by_name(now)
    found = []
    for name in dict.fromkeys([*then, *later]):
        a, b = then.get(name, nothing), later.get(name, nothing)
        if (a["state"], a["points"]) != (b["state"], b["points"]):
            said = [
                x.get("message", y["error"] or "") for x, y in ((a, before), (b, now))
            ]
            why = _why(before, now)
            found.append(Change(name, _in_words(a), _in_words(b), *said, why))
    return found


def _by_name(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {x["name"]: x for x in said["exercises"]}


def _in_words(one: dict[str, Any]) -> str:
    return f"{one['state']}, {one['points']}"


def _why(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say what a verdict depends on that is not as it was."""
    why = ["the checks changed"] if before["checks"] != now["checks"] else []
    if before["terms"] != now["terms"]:
        why.append("it was graded with another seed, isolation or limit")
    return " and ".join(why) or "the same check gave another verdict"
