"""What the learner has done so far, kept in one file across restarts."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from course_utils._files import write_whole
from course_utils.learner.syllabus import ROOT

WORK = ROOT / "work"  # the learner's own folder, of which git knows nothing
KINDS = ("exercises", "predictions")


def progress_file() -> Path:
    """Return the path of the progress: COURSE_PROGRESS or work/progress.json."""
    return Path(os.environ.get("COURSE_PROGRESS") or WORK / "progress.json")


def folder() -> Path | None:
    """Return the folder of the progress, or None where none is kept.

    A device, such as the one that swallows everything, keeps none.
    """
    path = progress_file()
    return None if path.exists() and not path.is_file() else path.parent


def load() -> dict[str, dict[str, Any]]:
    """Return what is recorded, by kind ("exercises", "predictions") and name.

    A file that does not hold progress counts as empty.
    """
    try:
        stored = json.loads(progress_file().read_text(encoding="utf-8"))
        return {kind: dict(stored.get(kind, {})) for kind in KINDS}
    except (OSError, ValueError, AttributeError, TypeError):
        return {kind: {} for kind in KINDS}


def record(kind: str, name: str, entry: Any) -> None:  # noqa: ANN401
    """Keep one entry, written whole or not at all.

    A file that does not hold progress is kept aside, so that nothing is lost. A
    folder that cannot be written to keeps no progress, and is no error.
    """
    path = progress_file()
    if folder() is None:
        return
    progress = load()
    with suppress(OSError):
        if path.is_file() and not any(progress.values()):
            path.replace(path.with_suffix(".unreadable.json"))
        progress[kind][name] = entry
        write_whole(path, json.dumps(progress, indent=1).encode())
