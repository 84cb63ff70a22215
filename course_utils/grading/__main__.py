"""Grade notebooks: python3 course.py grade PATH ..."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from course_utils._files import write_whole
from course_utils.grading.batch import (
    Handed,
    cluster,
    collect,
    grade_all,
    load,
    processes,
    spelt_out,
)
from course_utils.grading.report import learners, write_all
from course_utils.grading.sandbox import LEVELS, Limits, SandboxError, ensure
from course_utils.grading.verdict import Terms

MOST_SHOWN = 12  # notebooks whose verdicts are printed one by one


def table(name: str, said: dict[str, Any]) -> str:
    """Return a notebook's points and one line of feedback for each exercise.

    - `name`: what to call the notebook.
    - `said`: its verdict.
    """
    if said["error"]:
        return f"{name}: not graded: it {said['error']}"
    width = max(len(x["name"]) for x in said["exercises"])
    lines = [f"{name}: {said['points']} of {said['of']} points"]
    for x in said["exercises"]:
        points = f"{x['points']} of {x['of']}"
        lines.append(f"  {x['name']:<{width}}  {points}  {x['message']}")
    return "\n".join(lines)


def summary(handed: list[Handed], found: list[Path | dict]) -> str:
    """Return the verdicts one by one if they are few, else what they come to."""
    if len(handed) <= MOST_SHOWN:
        pairs = zip(handed, found, strict=True)
        named = ((spelt_out(str(one.path or one.name)), x) for one, x in pairs)
        return "\n".join(table(name, load(x)) for name, x in named)
    errors = full = 0
    for said in map(load, found):
        errors += said["error"] is not None
        full += said["points"] == said["of"] > 0
    return (
        f"{len(handed)} notebooks of {len({x.learner for x in handed})} learners: "
        f"{full} all right, {errors} not graded"
    )


def seed_of(asked: str, folder: Path) -> int:
    """Return the seed that was asked for; a secret one stays the same in a folder.

    - `asked`: "secret", or a whole number.
    - `folder`: where the reports go.
    """
    if asked != "secret":
        return int(asked)
    kept = folder / "seed"
    if not kept.exists():
        write_whole(kept, str(secrets.randbelow(2**32)).encode())
    return int(kept.read_text())


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="course.py grade",
        description="Grade notebooks, folders of them, and classes (a folder for each "
        "learner). Prints the points, and writes feedback for each learner, and the "
        "class as a page, CSV and JSON. Run again, it grades only what is new.",
    )
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH")
    add("--out", type=Path, default=Path("grades"), help="where reports go: grades/")
    add("--seed", default="secret", help="of the inputs: secret (default) or a number")
    add(
        "--isolation",
        choices=list(LEVELS),
        default="sandbox",
        help="sandbox (default; needs bubblewrap) or process: limits only",
    )
    add("--seconds", type=float, default=10, help="for all cells, and for an exercise")
    add("--memory", type=int, default=1024, help="of a submission, in MB")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes at once")
    add(
        "--dask", metavar="ADDRESS", help="of a Dask scheduler, to grade on its workers"
    )
    arguments = parser.parse_args()
    missing = [str(path) for path in arguments.paths if not path.exists()]
    if missing:
        parser.error(f"there is no {', '.join(missing)}")
    for name in ("seconds", "memory", "workers"):
        if getattr(arguments, name) <= 0:
            parser.error(f"--{name} needs to be more than 0")
    if arguments.seed != "secret" and not arguments.seed.isdigit():
        parser.error(f"--seed needs to be secret or a number, not {arguments.seed}")
    arguments.handed = collect(arguments.paths)
    if not arguments.handed:
        parser.error(f"there is no notebook in {', '.join(map(str, arguments.paths))}")
    return arguments


def executor_of(arguments: argparse.Namespace) -> Callable[[], Any]:
    """Return what makes the executor that the command line asks for."""
    if arguments.dask:
        return partial(cluster, arguments.dask)
    workers = min(arguments.workers, len(arguments.handed))
    if workers == 1:  # not worth another Python
        return partial(ThreadPoolExecutor, 1)
    return partial(processes, workers)


def main() -> int:
    """Grade what the command line names; missing points are no failure."""
    arguments = parsed()
    limits = Limits(seconds=arguments.seconds, memory=arguments.memory << 20)
    try:
        if not arguments.dask:
            ensure(arguments.isolation, limits)
        seed = seed_of(arguments.seed, arguments.out)
        terms = Terms(seed, arguments.isolation, limits)
        handed = arguments.handed
        bar = tqdm(total=len(handed), desc="grade", unit="notebook", disable=None)
        with bar:
            kept = arguments.out / "verdicts"
            found = grade_all(handed, terms, kept, executor_of(arguments), bar.update)
        write_all(arguments.out, learners(handed, found), LEVELS[terms.isolation])
    except (SandboxError, BrokenProcessPool, ImportError, OSError) as error:
        print(f"The grader stops: {error}", file=sys.stderr)
        return 1
    print(summary(handed, found))
    print(f"Graded under: {LEVELS[terms.isolation]}.")
    print(f"Feedback and tables: {arguments.out / 'class.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
