"""Whole runs of the grader in this process."""

import sys
from concurrent.futures import Executor, Future
from contextlib import contextmanager

import pytest

from course_utils.grading import __main__ as command
from course_utils.grading import sandbox
from course_utils.grading.sandbox import Limits


class Here(Executor):
    """Works where it is asked to, at once."""

    def submit(self, work, *arguments):
        done = Future()
        done.set_result(work(*arguments))
        return done


@pytest.fixture(scope="module")
def no_process_left():
    yield
    sandbox.of_this_thread("process", Limits()).close()


@pytest.fixture
def grade(tmp_path, monkeypatch, capsys, no_process_left):
    """Return what grades paths in a folder, and gives back what was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "ensure", lambda *_: None)
    monkeypatch.setattr(
        command,
        "executor_of",
        lambda _: lambda _: contextmanager(lambda: iter([Here()]))(),
    )

    def run(*paths, code=0):
        options = ["--isolation", "process", *map(str, paths)]
        monkeypatch.setattr(sys, "argv", ["grade", *options])
        assert command.main() == code
        return "".join(capsys.readouterr())

    return run
