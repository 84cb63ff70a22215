"""Build the notebooks from the text in source/, or check that they match it.

Of source/lessons/ comes notebooks/, executed; of source/exercises/ come solutions/,
executed, and exercises/, with the solutions taken out. A notebook is built again when
its source changed, or something that its code depends on; where no code changed, its
outputs stay. Built again in the same environment, it has the same bytes.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

from tools import figures
from tools.dependencies import Course
from tools.execute import execute
from tools.lessons import incomplete
from tools.sources import (
    BuildError,
    Target,
    code_cells,
    digest,
    strays,
    targets,
    unexecuted,
)

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 2
SHOWN = 3  # of the files that changed


def difference(target: Target, course: Course) -> str | None:
    """Say how a target's notebook differs from what would be built, if it does.

    Raises BuildError if nothing can be built from its source.
    """
    wanted = _planned(target, course)
    if not target.path.exists():
        return "is missing"
    if target.executed:
        there = _read(target.path)
        if there is None:
            return "is not a notebook"
        why = _stale_outputs(there, wanted) or _lost_figures(target, there)
        if why:
            return why
        _take_outputs(wanted, there)
    if _written(wanted) != target.path.read_text(encoding="utf-8"):
        return f"its text differs from {target.where}"
    return None


def build(target: Target, course: Course, *, anew: bool = False) -> dict[Path, str]:
    """Return a target's notebook, executed if it is to be, and what stands beside it.

    - `anew`: whether to execute it even where the outputs that are there would do.

    Returns the texts by the files that they belong into.

    Raises BuildError if a cell raises, or prints what differs from run to run.
    """
    notebook, beside = _planned(target, course), {}
    if target.executed:
        there = None if anew else _read(target.path)
        if (
            there is None
            or _stale_outputs(there, notebook)
            or _lost_figures(target, there)
        ):
            execute(notebook, target)
            kept = figures.take(notebook)
            now = notebook.metadata["course"]["outputs"] = _outputs_digest(notebook)
            if kept:
                beside[figures.path_of(target.path)] = figures.written(kept, now)
        else:
            _take_outputs(notebook, there)
    return {target.path: _written(notebook), **beside}


def _planned(target: Target, course: Course) -> NotebookNode:
    """Return a notebook without outputs that says what these will depend on."""
    notebook = unexecuted(target)
    if target.executed:
        # A check finds its exercise by name, and imports no lesson.
        rooms = {x.lesson for x in target.exercises}
        lessons = [f"course_utils.exercises.lesson_{x:02}" for x in rooms]
        code = target.source.read_text(encoding="utf-8")
        notebook.metadata["course"]["depends"] = course.state(code, lessons)
    return notebook


def _read(path: Path) -> NotebookNode | None:
    """Return a notebook, or None if there is none, or something else."""
    try:
        notebook = nbformat.read(path, as_version=4)
        _outputs_digest(notebook)
    except Exception:
        return None
    return notebook


def _stale_outputs(there: NotebookNode, wanted: NotebookNode) -> str | None:
    """Say why the outputs that are there may not be those of the wanted code, if so."""
    recorded, now = there.metadata.get("course", {}), wanted.metadata["course"]
    if recorded.get("outputs") != _outputs_digest(there):
        return "its outputs were edited, or it was run by hand"
    mine, theirs = ([x.source for x in code_cells(n)] for n in (wanted, there))
    if mine != theirs:
        return f"its code differs from {now['source']}"
    if "depends" not in recorded:
        return "what its code depends on was not recorded"
    return _changed(recorded["depends"], now["depends"])


def _lost_figures(target: Target, there: NotebookNode) -> str | None:
    """Say that the pictures of a notebook's figures are not beside it, if so."""
    if figures.are_missing(target.path, there):
        return "the pictures of its figures are missing, or older"
    return None


def _changed(before: dict[str, str], now: dict[str, str]) -> str | None:
    """Name the files and libraries that changed: the course's own first, and a few."""
    changed = [x for x in before | now if before.get(x) != now.get(x)]
    changed.sort(key=lambda name: ("/" not in name, name))
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"{', '.join(changed[:SHOWN])}{more} changed" if changed else None


def _take_outputs(wanted: NotebookNode, there: NotebookNode) -> None:
    for mine, theirs in zip(code_cells(wanted), code_cells(there), strict=True):
        mine.execution_count = theirs.execution_count
        mine.outputs = theirs.outputs
    wanted.metadata["course"]["outputs"] = _outputs_digest(there)


def _outputs_digest(notebook: NotebookNode) -> str:
    outputs = [[x.execution_count, x.outputs] for x in code_cells(notebook)]
    return digest(json.dumps(outputs, sort_keys=True))


def _written(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def chosen(root: Path, lessons: Sequence[str]) -> list[Target]:
    """Return the notebooks of some lessons, or all if none is named.

    - `lessons`: numbers, names or sources, such as 1, 01, 01_soft_lookup.

    Raises BuildError if there is no such lesson.
    """
    every = targets(root)
    found = []
    for lesson in lessons:
        these = [x for x in every if _is_of(x, Path(lesson).stem)]
        if not these:
            names = ", ".join(dict.fromkeys(x.source.stem for x in every))
            raise BuildError(f"there is no lesson {lesson!r}; there are {names}")
        found += these
    return found or every


def _is_of(target: Target, lesson: str) -> bool:
    number, _, slug = target.source.stem.partition("_")
    is_number = lesson.isdecimal() and number.isdecimal()
    return lesson in (target.source.stem, slug) or (
        is_number and int(lesson) == int(number)
    )


def differences(
    wanted: list[Target], course: Course
) -> tuple[dict[Target, str | None], list[str]]:
    """Return how each notebook differs, if it does, and why some cannot be built."""
    found: dict[Target, str | None] = {}
    faults: dict[str, None] = {}  # two notebooks of one source share its faults
    for target in wanted:
        try:
            found[target] = difference(target, course)
        except BuildError as error:
            faults[str(error)] = None
    return found, list(faults)


def check(root: Path, lessons: Sequence[str] = (), *, run: bool = False) -> list[str]:
    """Return every difference between the sources and the notebooks.

    - `root`: the folder of the course.
    - `lessons`: the lessons to look at; all if none is named.
    - `run`: also build everything anew, and compare the bytes.
    """
    wanted, course = chosen(root, lessons), Course(root)
    found, faults = differences(wanted, course)
    faults += [f"{target.name}: {why}" for target, why in found.items() if why]
    if run and not faults:
        for target, files in _built(wanted, course, faults, anew=True):
            if files != {x: x.read_text(encoding="utf-8") for x in files}:
                faults.append(f"{target.name}: a new build has other bytes")
    return faults + _left_over(root, wanted if lessons else None)


def rebuild(root: Path, lessons: Sequence[str] = ()) -> list[str]:
    """Build what is not current; return what is wrong. The rest is built all the same.

    - `root`: the folder of the course.
    - `lessons`: the lessons to build; all if none is named.
    """
    wanted, course = chosen(root, lessons), Course(root)
    found, faults = differences(wanted, course)
    stale = {target: why for target, why in found.items() if why}
    for target, why in stale.items():
        print(f"{target.name}: {why}", flush=True)
    built = 0
    for _, files in _built(list(stale), course, faults):
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        built += 1
    current = len(found) - len(stale)
    print(f"{built} of {len(wanted)} notebooks built; {current} were up to date")
    return faults + _left_over(root, wanted if lessons else None)


def _built(
    wanted: list[Target], course: Course, faults: list[str], *, anew: bool = False
) -> Iterator[tuple[Target, dict[Path, str]]]:
    """Build two at a time, with a progress bar; errors are added to the faults."""
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
        tqdm(total=len(wanted), desc="build", unit="notebook", disable=None) as bar,
    ):
        jobs = {pool.submit(build, x, course, anew=anew): x for x in wanted}
        for job in as_completed(jobs):
            bar.set_postfix_str(jobs[job].path.stem, refresh=False)
            bar.update()
            try:
                yield jobs[job], job.result()
            except BuildError as error:
                faults.append(str(error))


def _left_over(root: Path, wanted: list[Target] | None) -> list[str]:
    """Return what lessons lack; of all lessons, also notebooks without a source."""
    if wanted is not None:
        names = {target.source.stem for target in wanted}
        return [fault for name, fault in incomplete(root) if name in names]
    faults = [fault for _, fault in incomplete(root)]
    return faults + [f"{x.parent.name}/{x.name}: has no source" for x in strays(root)]


def main() -> int:
    """Build what changed, or check; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="course.py build", description=__doc__)
    parser.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="such as 1 or 01_soft_lookup"
    )
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument(
        "--run", action="store_true", help="with --check: build anew, compare the bytes"
    )
    arguments = parser.parse_args()
    if arguments.run and not arguments.check:
        parser.error("--run goes with --check")
    try:
        if arguments.check:
            faults = check(ROOT, arguments.lessons, run=arguments.run)
        else:
            faults = rebuild(ROOT, arguments.lessons)
    except BuildError as error:
        parser.error(str(error))
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments.check and not faults:
        print(f"{len(chosen(ROOT, arguments.lessons))} notebooks match their sources")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
