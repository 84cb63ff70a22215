"""What the command line of the grader asks for."""

import argparse
import os
from datetime import datetime
from pathlib import Path

from course_utils.grading.archive import ArchiveError, is_archive, unpack
from course_utils.grading.collect import collect, spelt_out
from course_utils.grading.due import Due, told
from course_utils.grading.given import ROOT
from course_utils.grading.gradebook import (
    PLATFORMS,
    Person,
    RosterError,
    read_roster,
)
from course_utils.grading.sandbox import LEVELS

MOST_SHOWN = 12  # notebooks, or files, that are printed one by one
UNPACKED = "unpacked"  # the folder of archives, beside the reports


def first(lines: list[str]) -> list[str]:
    """Return the first of many lines, and how many more there are."""
    left = len(lines) - MOST_SHOWN
    more = [f"  and {left} more, in class.html and class.json"] if left > 0 else []
    return [*lines[:MOST_SHOWN], *more]


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="course.py grade",
        description="Grade notebooks, folders of them, classes (one folder per "
        "learner), and ZIP archives of these. Prints the points, and writes feedback "
        "for each learner, and the class as a page, CSV and JSON. Run again, it grades "
        "only what is new; other PATHs are added to the class.",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH")
    add("--out", type=Path, default=Path("grades"), help="where reports go: grades/")
    add("--seed", default="secret", help="of the inputs: secret (default) or a number")
    add(
        "--isolation",
        choices=list(LEVELS),
        default="sandbox",
        help="sandbox (default; needs bubblewrap) or process: limits only",
    )
    add("--seconds", type=float, default=10, help="for all cells, and for an exercise")
    add(
        "--search",
        type=float,
        default=0.5,
        help="seconds in which the line of each mistake is looked for; 0: not at all",
    )
    add("--memory", type=int, default=1024, help="of a submission, in MB")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes at once")
    add(
        "--dask", metavar="ADDRESS", help="of a Dask scheduler, to grade on its workers"
    )
    add("--roster", type=Path, metavar="CSV", help="who is in the class: name, id")
    add("--export", choices=list(PLATFORMS), help="write a gradebook to import")
    add("--due", metavar="TIME", help="such as 2026-12-01T23:59: what is later is late")
    add("--penalty", type=float, default=0, help="per cent off for each day begun late")
    add("--alike", action="store_true", help="list identical answers: a hint, no more")
    arguments = parser.parse_args()
    missing = [why for path in arguments.paths if (why := _missing(path))]
    if missing:
        parser.error("; ".join(missing))
    for name in ("seconds", "memory", "workers"):
        if not getattr(arguments, name) > 0:
            parser.error(f"--{name} must be more than 0")
    if not arguments.search >= 0:
        parser.error("--search must be 0 or more")
    if arguments.seed != "secret" and not (
        arguments.seed.isdecimal() and len(arguments.seed) <= 100
    ):
        parser.error(f"--seed must be secret or a number; got {arguments.seed:.40}")
    pairs = [_own_copy(path) for path in arguments.paths]
    arguments.paths, arguments.said = [x for x, _ in pairs], [x for _, x in pairs if x]
    try:
        arguments.people = _people(arguments)
        arguments.due = _due(arguments)
        _unpack(arguments)
    except (RosterError, ValueError, ArchiveError) as error:
        parser.error(str(error))
    arguments.items = collect(arguments.paths, str(arguments.out))
    if not any(item.file for item in arguments.items):
        beside = [
            x
            for x in arguments.items
            if x.path not in map(os.path.abspath, arguments.paths)
        ]
        there = first([f"  {spelt_out(x.path)}: it {x.why}" for x in beside])
        none = f"there is no notebook in {', '.join(arguments.paths)}"
        parser.error("\n".join([none, *there]))
    return arguments


def _people(arguments: argparse.Namespace) -> list[Person]:
    """Return who is on the roster, if there is one."""
    if arguments.export and not arguments.roster:
        raise RosterError("--export needs --roster: a gradebook knows people by IDs")
    return read_roster(arguments.roster) if arguments.roster else []


def _due(arguments: argparse.Namespace) -> Due | None:
    """Return until when the work was asked for, if that is said."""
    if not 0 <= arguments.penalty <= 100:
        raise ValueError("--penalty must be from 0 to 100 per cent a day")
    if arguments.due is None:
        if arguments.penalty:
            raise ValueError("--penalty needs --due")
        return None
    try:
        by = datetime.fromisoformat(arguments.due)
    except ValueError:
        by = None
    if by is None or by.tzinfo or "T" not in arguments.due:
        raise ValueError(
            "--due must be a day and a time by the platform's clock, such as "
            f"2026-12-01T23:59; got {arguments.due:.40}"
        )
    return Due(by, arguments.penalty)


def _unpack(arguments: argparse.Namespace) -> None:
    """Put in the place of archives the folders that they are unpacked into."""
    arguments.times, paths = {}, []
    for path in arguments.paths:
        if not is_archive(path):
            paths.append(path)
            continue
        try:
            done = unpack(path, arguments.out / UNPACKED)
        except ArchiveError as error:
            raise ArchiveError(f"{spelt_out(path)} {error}") from error
        paths.append(str(done.folder))
        arguments.said += first(done.said)
        arguments.times |= told(done.times)
    arguments.paths = paths


def _missing(path: str) -> str | None:
    """Say why there is nothing at a path, if there is nothing."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return f"there is no {spelt_out(path)}"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return f"{spelt_out(path):.200} cannot be opened: {why}"
    return None


def _own_copy(path: str) -> tuple[str, str | None]:
    """Return the learner's own copies for what the course hands out, and say so."""
    there = Path(os.path.realpath(path))
    try:
        inside = there.relative_to(ROOT / "exercises")
    except ValueError:
        return path, None
    own = ROOT / "work" / "exercises" / inside
    if own.exists():
        return str(own), f"{path} is what the course hands out: graded is {own}."
    return path, f"{path} is what the course hands out: nothing is written in it yet."
