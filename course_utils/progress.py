"""What the learner has done so far, kept in one file across restarts."""

import json
import os
from pathlib import Path
from typing import Any

from course_utils.syllabus import ROOT


def progress_file() -> Path:
    """Return the path of the learner's progress: COURSE_PROGRESS or progress.json."""
    return Path(os.environ.get("COURSE_PROGRESS") or ROOT / "progress.json")


def load() -> dict[str, dict[str, Any]]:
    """Return what is recorded, by kind ("exercises", "predictions") and name.

    A file that cannot be read as progress is kept aside under another name, so
    that nothing is lost, and the record starts anew.
    """
    path = progress_file()
    record: dict[str, dict[str, Any]] = {"exercises": {}, "predictions": {}}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {kind: dict(stored.get(kind, {})) for kind in record}
    except FileNotFoundError:
        return record
    except (ValueError, AttributeError, TypeError):
        path.replace(path.with_suffix(".unreadable.json"))
        return record


def record(kind: str, name: str, entry: Any) -> None:  # noqa: ANN401
    """Keep one entry, written whole or not at all.

    A folder that cannot be written to keeps no progress, and is no error.
    """
    progress = load()
    progress[kind][name] = entry
    path = progress_file()
    half = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        half.write_text(json.dumps(progress, indent=1), encoding="utf-8")
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
