"""Grade many notebooks at once, and lose nothing when it is stopped half way."""

import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from course_utils._files import write_whole
from course_utils.grading.submission import MOST
from course_utils.grading.verdict import Terms, unreadable, verdict

PACKAGE = Path(__file__).parents[1]
TRIES = 3  # of a notebook whose worker dies


@dataclass(frozen=True)
class Handed:
    """One notebook of one learner.

    - `learner`: the name of the folder that holds it, or of the file.
    - `name`: where it stands, in the folder that is graded.
    - `path`: the file; None if the learner's folder holds no notebook.

    What cannot be printed in a name is spelt out: it could take over the terminal.
    """

    learner: str
    name: str
    path: Path | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "learner", spelt_out(self.learner))
        object.__setattr__(self, "name", spelt_out(self.name))


def spelt_out(name: str) -> str:
    """Return a name with the codes of its characters that cannot be printed."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in name
    )


def collect(paths: list[Path]) -> list[Handed]:
    """Return the notebooks among the paths, and those in folders, by learner.

    - `paths`: notebooks; folders of notebooks; classes, with a folder a learner.
    """
    handed = []
    for path in paths:
        if not path.is_dir() or path.is_symlink():
            handed.append(Handed(path.stem, path.name, path))
            continue
        inside = sorted(
            x for x in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in x.parts
        )
        for file in inside:
            parts = file.relative_to(path).parts
            learner = parts[0] if len(parts) > 1 else file.stem
            handed.append(Handed(learner, file.relative_to(path).as_posix(), file))
        if any(file.parent != path for file in inside):  # a class
            folders = {
                x.name for x in path.iterdir() if x.is_dir() and not x.is_symlink()
            }
            empty = folders - {x.learner for x in handed}
            handed += [Handed(x, x, None) for x in sorted(empty) if x[0] != "."]
    return handed


def content(path: Path) -> bytes | str:
    """Return a file's bytes, or why they cannot be read.

    Links, pipes and devices are not followed or opened: they could lead anywhere, and
    never end.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            return "is a link, and links are not followed"
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return "is no file"
            return file.read(MOST + 1)
    except OSError as error:
        return f"cannot be opened: {error.strerror}"


def grade_all(
    handed: list[Handed],
    terms: Terms,
    folder: Path,
    executor: Callable[[], Any],
    done: Callable[[], object],
) -> list[Path | dict[str, Any]]:
    """Work out the verdict on each notebook, and keep each as soon as it is there.

    - `handed`: the notebooks.
    - `terms`: what all are graded under.
    - `folder`: where verdicts are kept. Those that are there already, of the same
      bytes under the same terms and checks, are not worked out again.
    - `executor`: makes what the work is handed to.
    - `done`: called once for each notebook.

    Returns for each notebook, in order, the file that keeps its verdict, or the verdict
    on what could not be read.

    Raises BrokenProcessPool if workers die again and again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    version = _version(terms)
    found: list[Path | dict[str, Any]] = []
    todo: dict[Path, Path] = {}
    for one in handed:
        data = content(one.path) if one.path else "has no notebook in it"
        if isinstance(data, str):
            found.append(unreadable(data, terms))
            done()
            continue
        kept = folder / f"{hashlib.sha256(version + data).hexdigest()}.json"
        found.append(kept)
        if kept.exists() or kept in todo:
            done()
        else:
            todo[kept] = one.path
    for _ in range(TRIES):
        try:
            with executor() as pool:
                for kept, said in _worked_out(todo, terms, pool):
                    write_whole(kept, json.dumps(said).encode())
                    del todo[kept]
                    done()
            break
        except BrokenProcessPool:
            continue
    if todo:
        raise BrokenProcessPool(f"{len(todo)} notebooks are left: grade again")
    return found


def load(found: Path | dict[str, Any]) -> dict[str, Any]:
    """Return a verdict that `grade_all` found."""
    return json.loads(found.read_bytes()) if isinstance(found, Path) else found


def _worked_out(
    todo: dict[Path, Path], terms: Terms, pool: Executor
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield verdicts as they come; who ran out of time beside others runs alone again.

    Few notebooks are in memory at any time.
    """
    late: list[tuple[Path, Path]] = []
    for kept, said in _each(list(todo.items()), terms, pool, 4 * (os.cpu_count() or 1)):
        if said.pop("late", False):
            late.append((kept, todo[kept]))
        else:
            yield kept, said
    for kept, said in _each(late, terms, pool, 1):
        said.pop("late", None)
        yield kept, said


def _each(
    waiting: list[tuple[Path, Path]], terms: Terms, pool: Executor, at_once: int
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the verdicts on notebooks, of which so many are worked on at once."""
    waiting = waiting[::-1]
    running: dict[Future, Path] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            kept, path = waiting.pop()
            data = content(path)
            data = data if isinstance(data, bytes) else b""
            running[pool.submit(verdict, data, terms)] = kept
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _version(terms: Terms) -> bytes:
    """Name all that a verdict depends on beside the notebook."""
    files = sorted(PACKAGE.rglob("*.py")) + sorted(PACKAGE.rglob("*.html"))
    digest = hashlib.sha256(repr(terms).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.digest()


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Share the work out among processes of this machine."""
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_the_parent
    )
    with pool:
        yield pool


def _end_with_the_parent() -> None:
    """Let no worker stay when the grader is killed."""

    def watch() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Share the work out among the workers of a Dask cluster.

    Raises ImportError if Dask is not installed.
    """
    from distributed import Client

    with Client(address) as client:
        # Dask takes equal calls for one by default; each notebook is its own.
        yield client.get_executor(pure=False)
