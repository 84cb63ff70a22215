"""Where the system forbids the sandbox, the message says what to do about it."""

from pathlib import Path

import pytest

from course_utils.grading import __main__ as command
from course_utils.grading import sandbox

NOTEBOOK = Path(__file__).parents[2] / "exercises" / "01_soft_lookup.ipynb"
UBUNTU = "kernel.apparmor_restrict_unprivileged_userns=0"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("bwrap: setting up uid map: Permission denied", True),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", True),
        ("bwrap: No permissions to create a new namespace, likely because", True),
        ("bwrap: Can't find source path /nowhere", False),
    ],
)
def test_a_restriction_of_user_namespaces_gets_its_remedy(
    tmp_path, monkeypatch, capsys, said, remedy
):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    bwrap.chmod(0o755)
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: [str(bwrap)])
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: str(bwrap))
    options = [NOTEBOOK, "--out", tmp_path / "out", "--workers", 1]
    monkeypatch.setattr("sys.argv", ["grade", *map(str, options)])
    assert command.main() == 1
    stops = capsys.readouterr().err
    assert "The grader stops: the process for submissions does not start" in stops
    assert said in stops
    assert (UBUNTU in stops) == remedy
    assert "With --isolation process it grades all the same" in stops
    assert not (tmp_path / "out" / "class.csv").exists()
