"""What several test modules share."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    """Keep the tests away from the progress of whoever runs them."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def with_course() -> dict[str, str]:
    """The environment of a process that imports the course."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def clone_of():
    """What copies the course, as a learner has it, into a folder."""

    def copy(folder: Path) -> Path:
        made = shutil.ignore_patterns("__pycache__")
        for name in ("notebooks", "exercises", "solutions", "course_utils", ".jupyter"):
            shutil.copytree(ROOT / name, folder / name, ignore=made)
        for name in (
            "course.py",
            "set_up.py",
            "pyproject.toml",
            "constraints.txt",
            ".gitignore",
        ):
            shutil.copy(ROOT / name, folder)
        return folder

    return copy


@pytest.fixture(scope="session")
def oracles():
    """Return the same functions written with PyTorch, or skip without it."""
    pytest.importorskip("torch")
    import oracles

    return oracles
