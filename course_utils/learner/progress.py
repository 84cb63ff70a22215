"""What the learner has done so far, kept in one file across restarts."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from course_utils._files import write_whole
from course_utils.learner.syllabus import ROOT

KINDS = ("exercises", "predictions")


def user_data() -> Path:
    """Return where this system keeps what programs keep for their user."""
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return data / "attention-course"


def learners_folder() -> Path:
    """Return the learner's own folder, in which the progress is kept.

    In the course's folder it is work/, of which git knows nothing; in the browser the
    drive that it keeps; where the package alone is installed, among the user's data.
    """
    if sys.platform == "emscripten":
        return Path("/drive")
    return ROOT / "work" if (ROOT / "course.py").exists() else user_data()


WORK = learners_folder()


def progress_file() -> Path:
    """Return the path of the progress: COURSE_PROGRESS, or in the learner's folder."""
    return Path(os.environ.get("COURSE_PROGRESS") or WORK / "progress.json")


def folder() -> Path | None:
    """Return the folder of the progress, or None where none is kept.

    A device, such as the one that swallows everything, keeps none.
    """
    path = progress_file()
    return None if path.exists() and not path.is_file() else path.parent


def load() -> dict[str, dict[str, Any]]:
    """Return what is recorded, by kind ("exercises", "predictions") and name.

    A file that cannot be read, or does not hold progress, counts as empty.
    """
    try:
        return _stored(progress_file())
    except (OSError, ValueError):
        return {kind: {} for kind in KINDS}


def record(kind: str, name: str, entry: Any) -> str | None:  # noqa: ANN401
    """Keep one entry, written whole or not at all; return why it could not be kept.

    A file that does not hold progress is set aside, so that nothing is lost.
    """
    if folder() is None:
        return None
    path = progress_file()
    try:
        with _alone_with(path):
            progress = _read_or_set_aside(path)
            progress[kind][name] = entry
            write_whole(path, json.dumps(progress, indent=1).encode())
    except OSError as error:
        return f"{path} cannot be written ({error.strerror})"
    return None


def _stored(path: Path) -> dict[str, dict[str, Any]]:
    """Read the progress; raise ValueError if the file holds something else."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        return {kind: dict(stored.get(kind, {})) for kind in KINDS}
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} does not hold progress") from error


def _read_or_set_aside(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return _stored(path)
    except FileNotFoundError:
        pass
    except ValueError:
        names = (f".unreadable{n if n > 1 else ''}.json" for n in count(1))
        path.replace(
            next(x for name in names if not (x := path.with_suffix(name)).exists())
        )
    return {kind: {} for kind in KINDS}


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Keep other notebooks of the learner from writing in between.

    A lock that somebody left behind is waited for briefly, and then removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    for _ in range(200):
        try:
            lock.open("x").close()
            break
        except FileExistsError:
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
