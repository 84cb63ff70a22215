"""Grade many notebooks at once, and lose nothing when it is stopped half way."""

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from course_utils._files import write_whole
from course_utils.grading.collect import Item, content
from course_utils.grading.verdict import NOT_ATTEMPTED, Terms, grade

PACKAGE = Path(__file__).parents[1]
TRIES = 3  # of a notebook whose worker dies
VERDICT = {
    "checks": str,
    "terms": str,
    "error": (str, type(None)),
    "lesson": (int, type(None)),
    "given": bool,
    "exercises": list,
    "points": int,
    "of": int,
    "isolation": str,
    "seconds": (int, float),
}
ENTRY = {
    "name": str,
    "points": int,
    "of": int,
    "state": str,
    "message": str,
    "mistake": str,
    "feedback": str,
}


@dataclass(frozen=True)
class Found:
    """What grading found out about one file.

    - `verdict`: the name of the file that keeps the verdict; None without one.
    - `why`: why there is none.
    - `lesson`: that it answers.
    - `kind`: "own", "untouched", "solution" or "lesson".
    - `digest`: of the file's bytes.
    """

    verdict: str | None = None
    why: str | None = None
    lesson: int | None = None
    kind: str = "own"
    digest: str = ""


def grade_all(
    items: list[Item],
    terms: Terms,
    folder: Path,
    executor: Callable[[int], Any],
    done: Callable[[], object],
) -> list[Found]:
    """Work out the verdict on each notebook, and keep each as soon as it is there.

    - `items`: what is to be opened.
    - `terms`: what all are graded under.
    - `folder`: where verdicts are kept. Those that are there already, of the same
      bytes under the same terms and checks, are not worked out again; what is not a
      whole verdict is.
    - `executor`: makes, for a number of notebooks, what the work is handed to.
    - `done`: called once for each notebook.

    Returns what was found, in order.

    Raises BrokenProcessPool if workers die again and again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    version = _version(terms)
    names: list[tuple[str, str] | Found] = []
    todo: dict[str, str] = {}
    known: dict[str, Found] = {}
    for item in items:
        data = content(item.file)
        if isinstance(data, str):
            names.append(Found(why=data))
            done()
            continue
        digest = hashlib.sha256(data).hexdigest()
        name = f"{hashlib.sha256(repr(version).encode() + data).hexdigest()}.json"
        names.append((name, digest))
        if name not in known and name not in todo:
            said = load(folder / name)
            known |= {name: _found(name, said)} if said else {}
        if name in known or name in todo:
            done()
        else:
            todo[name] = item.file
    for _ in range(TRIES if todo else 0):
        try:
            with executor(len(todo)) as pool:
                for name, said in _worked_out(todo, terms, pool):
                    said |= version
                    write_whole(folder / name, json.dumps(said).encode())
                    known[name] = _found(name, said)
                    del todo[name]
                    done()
            break
        except BrokenProcessPool:
            continue
    if todo:
        raise BrokenProcessPool(f"{len(todo)} notebooks are left: grade again")
    return [
        x if isinstance(x, Found) else replace(known[x[0]], digest=x[1]) for x in names
    ]


def load(kept: Path) -> dict[str, Any] | None:
    """Return a verdict that was kept, or None if there is no whole one."""
    try:
        said = json.loads(kept.read_bytes())
        is_whole = _has(said, VERDICT) and all(
            _has(x, ENTRY) for x in said["exercises"]
        )
    except (OSError, ValueError, RecursionError):
        return None
    return said if is_whole else None


def _has(said: object, kinds: dict[str, Any]) -> bool:
    return isinstance(said, dict) and all(
        key in said and isinstance(said[key], kind) for key, kind in kinds.items()
    )


def _found(name: str, said: dict[str, Any]) -> Found:
    """Return of a verdict what decides whose it is, and whether it counts."""
    kind = "own"
    if said["given"]:
        kind = "lesson" if said["error"] else "solution"
    elif said["exercises"] and all(
        x["state"] == NOT_ATTEMPTED for x in said["exercises"]
    ):
        kind = "untouched"
    return Found(name, None, said["lesson"], kind)


def _worked_out(
    todo: dict[str, str], terms: Terms, pool: Executor
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield verdicts as they come; who ran out of time beside others runs alone again.

    Few notebooks are in memory at any time.
    """
    late: list[tuple[str, str]] = []
    at_once = 4 * (os.cpu_count() or 1)
    for name, said in _each(list(todo.items()), terms, pool, at_once):
        if said.pop("late", False):
            late.append((name, todo[name]))
        else:
            yield name, said
    for name, said in _each(late, terms, pool, 1):
        said.pop("late", None)
        yield name, said


def _each(
    waiting: list[tuple[str, str]], terms: Terms, pool: Executor, at_once: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the verdicts on notebooks, of which so many are worked on at once."""
    waiting = waiting[::-1]
    running: dict[Future, str] = {}
    finished: SimpleQueue[Future] = SimpleQueue()
    while waiting or running:
        while waiting and len(running) < at_once:
            name, file = waiting.pop()
            data = content(file)
            data = data if isinstance(data, bytes) else b""
            future = pool.submit(grade, data, terms)
            running[future] = name
            future.add_done_callback(finished.put)
        future = finished.get()
        yield running.pop(future), future.result()


def _version(terms: Terms) -> dict[str, str]:
    """Name all that a verdict depends on beside the notebook."""
    checks = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")) + sorted(PACKAGE.rglob("*.html")):
        checks.update(file.read_bytes())
    said = hashlib.sha256(repr(terms).encode())
    return {"checks": checks.hexdigest(), "terms": said.hexdigest()}


@contextmanager
def ended(pool: Executor) -> Iterator[Executor]:
    """Share the work out, and when it is stopped, begin with nothing new."""
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def processes(workers: int) -> Any:  # noqa: ANN401
    """Share the work out among processes of this machine."""
    # Where a fork is safe, all workers share what is imported once.
    context = get_context("forkserver" if sys.platform == "linux" else "spawn")
    context.set_forkserver_preload(["course_utils.grading.__main__"])
    return ended(
        ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_settle,
            initargs=(context.Value("i", 0),),
        )
    )


def _settle(settled: Synchronized) -> None:
    """Give a worker its place.

    - `settled`: how many workers have theirs.
    """
    _follow_the_parent()
    with settled.get_lock():
        number = settled.value
        settled.value += 1
    with suppress(AttributeError, OSError):  # macOS has none of this
        # A worker and what it grades take turns; on one processor neither has to be
        # woken from afar, and each finds in its caches what the other left.
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {mine[number % len(mine)]})


def _follow_the_parent() -> None:
    """Let no worker stay when the grader is killed, or end before it at Ctrl-C."""

    def watch() -> None:
        parent_process().join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
