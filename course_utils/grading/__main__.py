"""Grade notebooks: python3 course.py grade PATH ..."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tqdm import tqdm

from course_utils.exercises import EXERCISES
from course_utils.grading.alike import pairs
from course_utils.grading.batch import Found, cluster, ended, grade_all, processes
from course_utils.grading.collect import Item
from course_utils.grading.decisions import Decisions
from course_utils.grading.due import set_times
from course_utils.grading.due import summary as summary_of_times
from course_utils.grading.entry import Entry
from course_utils.grading.gradebook import named_by
from course_utils.grading.learner import Learner, learners, quoted, set_apart, shown
from course_utils.grading.naming import lesson_of, people, place
from course_utils.grading.options import MOST_SHOWN, first, parsed
from course_utils.grading.report import Run, write_all
from course_utils.grading.sandbox import LEVELS, Limits, SandboxError, ensure
from course_utils.grading.store import Store
from course_utils.grading.verdict import Terms


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
        lines += first(bad)
    beside = [
        *strays,
        *((_full(one, n), why) for one in class_ for n, why in one.passed),
    ]
    if beside:
        lines += ["Passed over:"]
        lines += first([f"  {quoted(name)}: it {why}" for name, why in beside])
    return lines


def _full(one: Learner, file: str) -> str:
    """Return the name of a file with its learner's, unless it is in there."""
    return file if file.startswith(one.name) else f"{one.name}: {file}"


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
        entry.why, entry.digest = found.why, found.digest
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
        ensure(arguments.isolation)
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
    set_times(new, arguments.times, arguments.due)
    store.warn_of_known_inputs(terms.seed, new)
    store.renew(new, [os.path.abspath(x) for x in arguments.paths])
    class_, run, told = reported(store, arguments)
    store.write([one.page for one in class_], terms.seed)
    late = summary_of_times(new, arguments.due)
    said = [*arguments.said, *summary(class_, run.strays), *told, *late, *store.said]
    for line in said:
        print(line)
    print(f"Graded under: {run.isolation}.")
    if arguments.export:
        print(f"To import: {arguments.out / arguments.export}.csv")
    print(f"Feedback and tables: {arguments.out / 'class.html'}")


def reported(
    store: Store, arguments: argparse.Namespace
) -> tuple[list[Learner], Run, list[str]]:
    """Write the reports on all that a store remembers.

    Returns the learners, what else there is of the class, and what is to be said.
    """
    groups, nobody_s, told = people(
        named_by(arguments.people, list(store.entries.values()))
    )
    lessons = {x.lesson for x in EXERCISES.values()}
    for entries in groups.values():
        set_apart(entries, lessons)
    answered = {x.lesson for x in store.entries.values() if x.counts}
    run = Run(
        [name for name, x in EXERCISES.items() if x.lesson in answered],
        [(shown(x), x.passed or x.why or "") for x in nobody_s],
        LEVELS[arguments.isolation],
        Decisions(store.folder),
        arguments.export,
        arguments.people,
        pairs(groups) if arguments.alike else None,
    )
    everybody = learners(
        groups, run.names, store.verdicts, run.isolation, run.decisions
    )
    class_, remarks = write_all(store.folder, everybody, run)
    changed = sum(len(one.changes) for one in class_)
    if changed:
        told.append(
            f"{changed} verdicts changed since this work was first graded: see "
            "class.html before you return anything."
        )
    return class_, run, [*told, *first(remarks)]


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
