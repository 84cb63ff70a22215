"""Grade notebooks: python3 course.py grade PATH ..."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from tqdm import tqdm

from course_utils.exercises import EXERCISES
from course_utils.grading.batch import Found, cluster, ended, grade_all, processes
from course_utils.grading.collect import Item, collect, spelt_out
from course_utils.grading.given import ROOT
from course_utils.grading.learner import Learner, learners, quoted, set_apart, shown
from course_utils.grading.naming import Entry, lesson_of, people, place
from course_utils.grading.report import write_all
from course_utils.grading.sandbox import LEVELS, Limits, SandboxError, ensure
from course_utils.grading.store import Store
from course_utils.grading.verdict import Terms

MOST_SHOWN = 12  # notebooks, or files, that are printed one by one


def table(name: str, said: dict[str, Any]) -> str:
    """Return a notebook's points and one line of feedback for each exercise.

    - `name`: what to call the notebook.
    - `said`: its verdict.
    """
    if said["error"]:
        return f"{name}: not graded: it {said['error']}"
    width = max(len(x["name"]) for x in said["exercises"])
    lines = [f"{name}: {said['points']} of {said['of']} points"]
    if said["given"]:
        lines[0] += "; this is a copy of the course's own solution"
    for x in said["exercises"]:
        points = f"{x['points']} of {x['of']}"
        lines.append(f"  {x['name']:<{width}}  {points}  {x['message']}")
    return "\n".join(lines)


def summary(class_: list[Learner], strays: list[tuple[str, str]]) -> list[str]:
    """Return the verdicts one by one if they are few, else what they come to."""
    works = [(one, name, x) for one in class_ for name, x in one.notebooks]
    if len(works) <= MOST_SHOWN:
        lines = [table(quoted(_full(one, name)), x) for one, name, x in works]
    else:
        errors = sum(x["error"] is not None for _, _, x in works)
        full = sum(x["points"] == x["of"] > 0 for _, _, x in works)
        lines = [
            f"{len(works)} notebooks of {len(class_)} learners: "
            f"{full} all right, {errors} not graded"
        ]
        bad = [f"{one.name}: {x}" for one in class_ for x in one.notes]
        lines += _first(bad)
    beside = [
        *strays,
        *((_full(one, n), why) for one in class_ for n, why in one.passed),
    ]
    if beside:
        lines += ["Passed over:"]
        lines += _first([f"  {quoted(name)}: it {why}" for name, why in beside])
    return lines


def _full(one: Learner, file: str) -> str:
    """Return the name of a file with its learner's, unless it is in there."""
    return file if file.startswith(one.name) else f"{one.name}: {file}"


def _first(lines: list[str]) -> list[str]:
    left = len(lines) - MOST_SHOWN
    more = [f"  and {left} more, in class.html and class.json"] if left > 0 else []
    return [*lines[:MOST_SHOWN], *more]


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="course.py grade",
        description="Grade notebooks, folders of them, and classes (one folder per "
        "learner). Prints the points, and writes feedback for each learner, and the "
        "class as a page, CSV and JSON. Run again, it grades only what is new; other "
        "PATHs are added to the class.",
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
    arguments.items = collect(arguments.paths, str(arguments.out))
    if not any(item.file for item in arguments.items):
        beside = [
            x
            for x in arguments.items
            if x.path not in map(os.path.abspath, arguments.paths)
        ]
        there = _first([f"  {spelt_out(x.path)}: it {x.why}" for x in beside])
        none = f"there is no notebook in {', '.join(arguments.paths)}"
        parser.error("\n".join([none, *there]))
    return arguments


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


def executor_of(arguments: argparse.Namespace) -> Callable[[int], Any]:
    """Return what makes, for so many notebooks, the executor that is asked for."""
    if arguments.dask:
        return lambda _: cluster(arguments.dask)

    def local(count: int) -> Any:  # noqa: ANN401
        workers = min(arguments.workers, count)
        if workers == 1:  # not worth another Python
            return ended(ThreadPoolExecutor(1))
        return processes(workers)

    return local


def entry_of(item: Item, found: Found | None) -> Entry:
    """Bring together where something stands and what grading found out about it."""
    entry = Entry(item.path, item.root, item.why, item.is_work, item.is_folder)
    if found is not None:
        entry.verdict, entry.lesson, entry.kind = (
            found.verdict,
            found.lesson,
            found.kind,
        )
        entry.why = found.why
    if entry.lesson is None and entry.is_work and not entry.is_folder:
        entry.lesson = lesson_of(entry.path)
    entry.passed = _passed(entry)
    return entry


def _passed(entry: Entry) -> str | None:
    """Say why something that could be graded is no answer, if it is none."""
    below = os.path.relpath(entry.path, entry.root).lower().split(os.sep)[:-1]
    if entry.kind == "lesson":
        return "is a lesson of the course, not an answer to its exercises"
    if entry.kind == "solution" and "solutions" in below:
        return "is the course's own solution"
    head, name = os.path.split(entry.path)
    folder, last = os.path.split(head)
    own = os.path.join(folder, "work", last, name)
    if entry.kind == "untouched" and last == "exercises" and os.path.exists(own):
        return "is as the course hands it out; the copy in work/ is graded"
    return None


def grade(arguments: argparse.Namespace) -> None:
    """Grade what the command line names, and write the reports."""
    limits = Limits(seconds=arguments.seconds, memory=arguments.memory << 20)
    if not arguments.dask:
        ensure(arguments.isolation, limits)
    store = Store(arguments.out)
    seed = store.seed(arguments.seed)
    terms = Terms(seed, arguments.isolation, limits, arguments.search)
    todo = [item for item in arguments.items if item.file]
    with tqdm(total=len(todo), desc="grade", unit="notebook", disable=None) as bar:
        found = grade_all(
            todo, terms, store.verdicts, executor_of(arguments), bar.update
        )
    by_path = {x.path: y for x, y in zip(todo, found, strict=True)}
    new = [entry_of(item, by_path.get(item.path)) for item in arguments.items]
    place(new)
    store.warn_of_known_inputs(terms.seed, new)
    store.renew(new, [os.path.abspath(x) for x in arguments.paths])
    class_, strays, told = reported(store, LEVELS[terms.isolation])
    store.write([one.page for one in class_], terms.seed)
    for line in [*arguments.said, *summary(class_, strays), *told, *store.said]:
        print(line)
    print(f"Graded under: {LEVELS[terms.isolation]}.")
    print(f"Feedback and tables: {arguments.out / 'class.html'}")


def reported(
    store: Store, isolation: str
) -> tuple[list[Learner], list[tuple[str, str]], list[str]]:
    """Write the reports on all that a store remembers.

    Returns the learners, the files that are nobody's, and what is to be said of names.
    """
    groups, nobody_s, told = people(list(store.entries.values()))
    lessons = {x.lesson for x in EXERCISES.values()}
    for entries in groups.values():
        set_apart(entries, lessons)
    answered = {x.lesson for x in store.entries.values() if x.counts}
    names = [name for name, x in EXERCISES.items() if x.lesson in answered]
    strays = [(shown(x), x.passed or x.why or "") for x in nobody_s]
    everybody = learners(groups, names, store.verdicts, isolation)
    return write_all(store.folder, everybody, names, strays, isolation), strays, told


def main() -> int:
    """Grade what the command line names; missing points are no failure."""
    try:
        arguments = parsed()
        grade(arguments)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(
            "\nStopped. Every verdict so far is kept: start the same command again "
            "to go on.",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # nobody reads on; the reports are written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (SandboxError, BrokenProcessPool, ImportError, OSError) as error:
        print(f"The grader stops: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
