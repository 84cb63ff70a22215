"""Build the notebooks from the text in source/, or check that they match it.

A source is a percent script: Markdown cells as strings, code cells as code. Of
source/lessons/ comes notebooks/, executed; of source/exercises/ come
solutions/, executed, and exercises/, with the solutions taken out. Built again
in the same environment, a notebook has the same bytes.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from tqdm import tqdm
from traitlets.config import Config

import course_utils
from course_utils.exercises import EXERCISES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(course_utils.__file__).parent
AT_ONCE = 2
# What a cell of an exercise's source is, followed by the exercise's name.
MARKS = ("about", "exercise", "check", "solution")
STUB = "raise NotImplementedError"  # what stands where a solution stood
SOLUTION = re.compile(
    r"^(?P<indent> *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S
)
# Everything that could make the same cell print something else.
KERNEL_ENVIRONMENT = {
    "COLUMNS": "80",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}


class BuildError(Exception):
    """A source cannot be built; the message says where and why."""


@dataclass(frozen=True)
class Target:
    """One notebook to build.

    - `source`: the text it is built from.
    - `path`: where it stands.
    - `executed`: whether its outputs are stored.
    """

    source: Path
    path: Path
    executed: bool

    @property
    def is_current(self) -> bool:
        """Whether it matches its source, and is newer than what it imports."""
        if drift(self):
            return False
        if not self.executed:
            return True
        files = (x for x in PACKAGE.rglob("*") if x.suffix in {".py", ".js", ".html"})
        return self.path.stat().st_mtime >= max(x.stat().st_mtime for x in files)


def targets(root: Path) -> list[Target]:
    """Return the notebooks that the sources stand for, in the order of the course."""
    found = []
    for source in sorted((root / "source" / "lessons").glob("*.py")):
        name = f"{source.stem}.ipynb"
        found.append(Target(source, root / "notebooks" / name, True))
    for source in sorted((root / "source" / "exercises").glob("*.py")):
        name = f"{source.stem}.ipynb"
        found.append(Target(source, root / "solutions" / name, True))
        found.append(Target(source, root / "exercises" / name, False))
    return found


def strays(root: Path) -> list[Path]:
    """Return the notebooks that no source stands for."""
    known = {target.path for target in targets(root)}
    folders = ("notebooks", "solutions", "exercises")
    there = (path for name in folders for path in (root / name).glob("*.ipynb"))
    return sorted(set(there) - known)


def unexecuted(target: Target) -> NotebookNode:
    """Return the target's notebook as its source has it, without outputs.

    Raises BuildError if the source is not Python, or names an unknown exercise.
    """
    text = target.source.read_text(encoding="utf-8")
    where = target.source.relative_to(target.source.parents[2]).as_posix()
    try:
        compile(text, where, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        cell = sum(start <= line for start in cell_lines(text))
        raise BuildError(f"{where}:{line}: cell {cell}: {error.msg}") from None
    read = jupytext.reads(text, fmt="py:percent")
    seen: set[str] = set()
    shown = [x for x in read.cells if target.executed or "solution" not in x.metadata]
    cells = [_cell(cell, target, seen) for cell in shown]
    metadata = {
        "course": {"source": where},
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _cell(cell: NotebookNode, target: Target, seen: set[str]) -> NotebookNode:
    """Give a cell its id, its metadata, and its text for this kind of notebook."""
    marks = cell.metadata
    source = cell.source
    name = next((marks[x] for x in MARKS if x in marks), None)
    if name and name not in EXERCISES:
        raise BuildError(f"{target.source}: there is no exercise {name!r}")
    if "about" in marks:
        source += f"\n\n*{EXERCISES[name].summary}*"
    if "exercise" in marks and not target.executed:
        source = SOLUTION.sub(rf"\g<indent>{STUB}", source)
    elif "exercise" in marks:
        source = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.M)
    metadata = {"tags": marks["tags"]} if "tags" in marks else {}
    own = None
    if "exercise" in marks:
        own = name
        metadata["course"] = {"answer": name}
    if "check" in marks:
        own = f"check_{name}"
        # Checks alone are nbgrader's: where a solution has no markers, it clears the
        # whole cell, and the head of the function with it.
        metadata["nbgrader"] = _nbgrader(name)
    if cell.cell_type == "code":
        made = nbformat.v4.new_code_cell(source, metadata=metadata)
    else:
        made = nbformat.v4.new_markdown_cell(source, metadata=metadata)
    made.id = _unique(own or _digest(cell.cell_type + source)[:12], seen)
    return made


def _nbgrader(name: str) -> dict[str, object]:
    """Return what makes a cell a locked test, worth the points of an exercise."""
    return {
        "grade": True,
        "grade_id": name,
        "locked": True,
        "points": EXERCISES[name].points,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


def _unique(name: str, seen: set[str]) -> str:
    count = 1
    while (made := name if count == 1 else f"{name}-{count}") in seen:
        count += 1
    seen.add(made)
    return made


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def cell_lines(text: str) -> list[int]:
    """Return the line, counted from 1, on which each cell of a script starts."""
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if line.startswith("# %%")]


def build(target: Target) -> str:
    """Return the text of a target's notebook, executed if it is to be.

    Raises BuildError if a cell raises, or prints what differs from run to run.
    """
    notebook = unexecuted(target)
    if target.executed:
        _execute(notebook, target)
        notebook.metadata["language_info"] = {"name": "python"}
        _renumber_widgets(notebook)
        notebook.metadata["course"]["outputs"] = _outputs_digest(notebook)
    return _written(notebook)


def _execute(notebook: NotebookNode, target: Target) -> None:
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            # The kernel listens on this machine only; "auto" encrypts where it can.
            config=Config(KernelManager={"transport_encryption": "auto"}),
            timeout=300,
            resources={"metadata": {"path": str(target.path.parent)}},
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
        )
        # No start-up files, history or progress of whoever builds.
        mine = {"IPYTHONDIR": folder, "COURSE_PROGRESS": f"{folder}/progress.json"}
        environment = os.environ | KERNEL_ENVIRONMENT | mine
        try:
            asyncio.run(client.async_execute(env=environment))
        except CellExecutionError:
            raise BuildError(_first_error(notebook, target)) from None
    for i, cell in enumerate(_code(notebook), start=1):
        for output in cell.outputs:
            said = json.dumps(output)
            if output.get("name") == "stderr":
                raise BuildError(f"{_place(target, cell)}: stderr: {output.text}")
            if re.search(r" at 0x[0-9a-f]+", said):
                raise BuildError(f"{_place(target, cell)}: prints an address")
        if cell.execution_count != i:
            raise BuildError(f"{_place(target, cell)}: was not executed in order")


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _first_error(notebook: NotebookNode, target: Target) -> str:
    for cell in _code(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
                here = rf"In\[{cell.execution_count}\], line (\d+)"
                lines = re.findall(here, trace)
                line = int(lines[-1]) if lines else 1
                what = f"{output.ename}: {output.evalue}"
                return f"{_place(target, cell, line)}, line {line}: {what}"
    return f"{target.source}: the kernel died"


def _place(target: Target, cell: NotebookNode, line: int = 1) -> str:
    """Name the line of the source, and the cell, that an error came from."""
    text = target.source.read_text(encoding="utf-8")
    ids = [x.id for x in unexecuted(target).cells]
    number = ids.index(cell.id)
    where = target.source.relative_to(target.source.parents[2]).as_posix()
    return f"{where}:{cell_lines(text)[number] + line}: cell {number + 1}"


def _renumber_widgets(notebook: NotebookNode) -> None:
    """Give widgets the names 0, 1, 2, … in the order in which they are shown."""
    names: dict[str, str] = {}
    for cell in _code(notebook):
        for output in cell.outputs:
            view = output.get("data", {}).get(
                "application/vnd.jupyter.widget-view+json"
            )
            if view:
                mine = names.setdefault(view["model_id"], f"{len(names):032x}")
                view["model_id"] = mine


def _outputs_digest(notebook: NotebookNode) -> str:
    outputs = [[x.execution_count, x.outputs] for x in _code(notebook)]
    return _digest(json.dumps(outputs, sort_keys=True))


def _written(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def drift(target: Target) -> str | None:
    """Say how a target's notebook differs from its source, without executing it."""
    path = target.path
    name = f"{path.parent.name}/{path.name}"
    if not path.exists():
        return f"{name}: is missing"
    text = path.read_text(encoding="utf-8")
    try:
        there = nbformat.reads(text, as_version=4)
    except Exception:
        return f"{name}: is not a notebook"
    wanted = unexecuted(target)
    if target.executed:
        digest = there.metadata.get("course", {}).get("outputs")
        if any("outputs" not in x for x in _code(there)):
            return f"{name}: is not a notebook"
        if digest != _outputs_digest(there):
            return f"{name}: its outputs were edited, or it was run by hand"
        wanted.metadata["course"]["outputs"] = digest
        for mine, theirs in zip(_code(wanted), _code(there), strict=False):
            mine.execution_count = theirs.execution_count
            mine.outputs = theirs.outputs
    if _written(wanted) != text:
        where = target.source.relative_to(target.source.parents[2]).as_posix()
        return f"{name}: is not what {where} builds"
    return None


def check(root: Path, *, run: bool) -> list[str]:
    """Return every difference between the sources and the notebooks.

    - `root`: the folder of the course.
    - `run`: also build everything anew, and compare the bytes.
    """
    faults = [f"{x.parent.name}/{x.name}: has no source" for x in strays(root)]
    for target in targets(root):
        try:
            faults += filter(None, [drift(target)])
        except BuildError as error:
            faults.append(str(error))
    if run and not faults:
        for target, text in _built(targets(root), faults):
            if text != target.path.read_text(encoding="utf-8"):
                name = f"{target.path.parent.name}/{target.path.name}"
                faults.append(f"{name}: a new build has other bytes")
    return faults


def rebuild(root: Path) -> list[str]:
    """Build what is not current; return what is wrong. The rest is built all the same.

    - `root`: the folder of the course.
    """
    wanted, faults = [], []
    for target in targets(root):
        try:
            if not target.is_current:
                wanted.append(target)
        except BuildError as error:
            faults += [] if str(error) in faults else [str(error)]
    for target, text in _built(wanted, faults):
        target.path.parent.mkdir(exist_ok=True)
        target.path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(wanted)} of {len(targets(root))} notebooks were not up to date")
    return faults + [f"{x.parent.name}/{x.name}: has no source" for x in strays(root)]


def _built(wanted: list[Target], faults: list[str]) -> Iterator[tuple[Target, str]]:
    """Build two at a time, with a progress bar; errors are added to the faults."""
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
        tqdm(total=len(wanted), desc="build", unit="notebook") as bar,
    ):
        jobs = {pool.submit(build, target): target for target in wanted}
        for job in as_completed(jobs):
            target = jobs[job]
            bar.set_postfix_str(target.path.stem, refresh=False)
            bar.update()
            try:
                yield target, job.result()
            except BuildError as error:
                faults.append(str(error))


def main() -> int:
    """Build what changed, or check; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="course.py build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument(
        "--run", action="store_true", help="with --check: build anew, compare the bytes"
    )
    arguments = parser.parse_args()
    if arguments.run and not arguments.check:
        parser.error("--run goes with --check")
    if arguments.check:
        faults = check(ROOT, run=arguments.run)
        if not faults:
            print(f"{len(targets(ROOT))} notebooks match their sources")
    else:
        faults = rebuild(ROOT)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
