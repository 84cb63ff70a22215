"""Where the system forbids the sandbox, the message says what to do about it."""

import pytest

from course_utils.grading import sandbox
from course_utils.grading.sandbox import Limits, SandboxError, ensure

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
    tmp_path, monkeypatch, said, remedy
):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    bwrap.chmod(0o755)
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: [str(bwrap)])
    with pytest.raises(SandboxError) as stop:
        ensure("sandbox", Limits())
    assert said in str(stop.value)
    assert (UBUNTU in str(stop.value)) == remedy
