"""Where submissions run: apart from the grader, and as confined as can be."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from course_utils.grading import wire
from course_utils.grading.clock import Clock, cpu_of

COURSE = Path(__file__).parents[1]
ROOT = Path(COURSE.anchor)
DISK = "/disk"  # where a submission can write
TOOLS = "/tools"  # commands that install, and do nothing
INSTALLERS = ("pip", "pip3", "conda", "mamba", "micromamba", "uv", "apt", "apt-get")
# Of the course, all that is there in the sandbox: what runs a submission.
INSIDE = (
    *(
        f"checks/{name}.py"
        for name in (
            *("look", "compare", "nodes", "edits", "edit_expressions"),
            *("edit_statements", "lookups", "memory_limit", "places", "source"),
            *("repair", "stages", "steps"),
        )
    ),
    *(
        f"grading/{name}.py"
        for name in (
            *("__init__", "inside", "confine", "system_calls", "runner", "cells"),
            *("stand_ins", "rehearsal", "wire"),
        )
    ),
)
START = 60.0  # seconds in which a process must be ready
TRIES = 3  # to start one
PIPE = 1 << 16  # bytes that a pipe holds

CONFINED = (
    "bubblewrap: no network, no files but Python's and a small disk, own processes"
)
PROCESS = "a process with limits only: files and network are open to it"
LEVELS = {"sandbox": CONFINED, "process": PROCESS}
LESS = (
    "With --isolation process it grades all the same: under limits, but with your "
    "files and your network open to what is graded."
)


class SandboxError(Exception):
    """What was promised cannot be had; the message says what is missing."""


@dataclass(frozen=True)
class Limits:
    """What a submission may take.

    - `seconds`: for all its cells, and again for each exercise.
    - `memory`: of each process, in bytes, beyond what Python and NumPy take.
    - `disk`: in bytes.
    - `processes`: at once, where submissions are confined.
    """

    seconds: float = 10.0
    memory: int = 1 << 30
    disk: int = 64 << 20
    processes: int = 32


class Sandbox:
    """The process that waits for submissions, started when the first one comes.

    - `isolation`: "sandbox" or "process".
    - `limits`: what a submission may take.
    """

    def __init__(self, isolation: str, limits: Limits) -> None:
        self.confined = isolation == "sandbox"
        self.limits = limits
        self._waiting: subprocess.Popen | None = None

    def start(self) -> None:
        """Start the waiting process, unless it waits already.

        Raises SandboxError if it does not come up.
        """
        if self._waiting is not None:
            return
        self._control, theirs = socket.socketpair()
        self._begun, begun = os.pipe()
        for end in (self._begun, begun):
            os.set_blocking(end, False)  # nobody waits for the other
        told = {**asdict(self.limits), "confined": self.confined, "begun": begun}
        told["cpu"] = int(10 * self.limits.seconds) + 1
        command = [
            sys.executable,
            "-P",
            str(COURSE / "grading" / "inside.py"),
            str(theirs.fileno()),
        ]
        self._waiting = subprocess.Popen(
            [*(_bubblewrap() if self.confined else []), *command, json.dumps(told)],
            pass_fds=[theirs.fileno(), begun],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        os.close(begun)
        self._control.settimeout(START)
        if self._heard() != b"r":
            self._waiting.kill()
            said = self._waiting.stderr.read().decode(errors="replace").strip()
            self.close()
            last = said.splitlines()[-1] if said else "it ends without a word"
            raise self._unusable(f"the process for submissions does not start: {last}")

    def submission(self) -> socket.socket:
        """Start a process for one submission, and return the socket to it.

        Raises SandboxError if it does not come up, again and again. Until it is up,
        nothing runs in it that was handed in.
        """
        for _ in range(TRIES):
            self.start()
            self.last_begun()
            link, theirs = socket.socketpair()
            try:
                with theirs:
                    socket.send_fds(self._control, [b"s"], [theirs.fileno()])
                said, _ = wire.receive(link, deadline=Clock(START, START, lambda: None))
                if "failed" not in said:
                    return link
                problem = str(said["failed"])
            except (EOFError, OSError) as error:
                problem = f"{type(error).__name__} {error}".strip()
            link.close()
            self.close()
        raise self._unusable(f"the submission could not be isolated: {problem}")

    def last_begun(self) -> int | None:
        """Return what a submission says is the number of the cell that it began last.

        It writes these into a pipe, which is read when something went wrong: so it
        waits for nobody, and nobody is woken.
        """
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = os.read(self._begun, PIPE)  # once: who writes on is not followed
        numbers = re.findall(rb'"cell": (\d{1,9})\b', said)
        return int(numbers[-1]) if numbers else None

    def used(self) -> tuple[float, bool] | None:
        """Return the CPU seconds of all that runs inside, and whether any of it runs.

        None if the system does not tell.
        """
        return cpu_of(self._waiting.pid) if self._waiting else None

    def end(self, link: socket.socket) -> None:
        """Kill the submission, and all that it started."""
        link.close()
        with contextlib.suppress(OSError):
            self._control.send(b"k")
        if self._heard() != b"d":
            self.close()

    def close(self) -> None:
        """End the waiting process, and with it everything inside."""
        if self._waiting is not None:
            self._control.close()
            os.close(self._begun)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._waiting.wait(0.5)
            self._waiting.kill()
            self._waiting.wait()
            self._waiting.stderr.close()
            self._waiting = None

    def _unusable(self, problem: str) -> SandboxError:
        less = f". {_remedy(problem)}{LESS}" if self.confined else ""
        return SandboxError(problem + less)

    def _heard(self) -> bytes:
        try:
            return self._control.recv(1)
        except OSError:
            return b""


def ensure(isolation: str) -> None:
    """See that this system has what running submissions needs.

    - `isolation`: "sandbox" or "process".

    Raises SandboxError if not; the message says what to install or to ask for. Whether
    it allows all that shows when the first submission runs.
    """
    if not hasattr(os, "fork"):
        raise SandboxError(
            "grading needs a system that can fork, such as Linux, macOS or WSL"
        )
    if isolation == "sandbox" and shutil.which("bwrap") is None:
        raise SandboxError(
            "grading in a sandbox needs bubblewrap, which is not installed (on Debian "
            f"and Ubuntu: apt install bubblewrap libseccomp2). {LESS}"
        )


def _remedy(problem: str) -> str:
    """Say what helps where the system keeps bubblewrap from its namespaces."""
    if not re.search("uid map|RTM_NEWADDR|new namespace", problem):
        return ""
    return (
        "The system forbids the namespaces that bubblewrap needs, as Ubuntu does from "
        "23.10 on; 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0' allows "
        "them until the machine restarts. "
    )


_mine = threading.local()


def of_this_thread(isolation: str, limits: Limits) -> Sandbox:
    """Return the sandbox of this thread, made when it is first asked for."""
    key = (isolation, limits)
    if getattr(_mine, "key", None) != key:
        if getattr(_mine, "sandbox", None):
            _mine.sandbox.close()
        _mine.key, _mine.sandbox = key, Sandbox(isolation, limits)
    return _mine.sandbox


def _environment() -> dict[str, str]:
    """Return the environment inside: nothing of the instructor's."""
    return {
        "PATH": f"{TOOLS}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MALLOC_ARENA_MAX": "2",  # else each thread takes address space for its own
        "OPENBLAS_NUM_THREADS": "1",
        "PIP_NO_INDEX": "1",  # without a network it would try for long
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }


@cache
def _bubblewrap() -> list[str]:
    """Return the command that shuts the rest of the line in.

    Inside are Python and the system's libraries, to be read only, and of the course
    what runs a submission: nothing that knows an answer, and nothing to borrow.
    """
    system = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache"]
    library = sysconfig.get_path("purelib")
    python = [sys.base_prefix, sys.prefix, library]
    command = ["bwrap", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    if os.getuid() == 0:  # who becomes a user without rights once inside
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", DISK]
    shown = list(dict.fromkeys([*system, *python]))
    # Folders on the way, else made for the root user alone.
    ways = {
        str(way) for x in [*shown, COURSE] for way in Path(x).parents if way != ROOT
    }
    for way in sorted(ways - set(system)):
        command += ["--dir", way]
    if "/tmp" not in ways:
        command += ["--symlink", DISK, "/tmp"]
    for path in shown:
        command += ["--ro-bind-try", path, path]
        if COURSE.is_relative_to(path) and path != library:
            # A copy of the course below it, as in /usr/src, holds the solutions.
            command += ["--tmpfs", str(COURSE.parent)]
    command += [*_course(), *_no_installers(library)]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _course() -> list[str]:
    command = ["--tmpfs", str(COURSE)]
    for name in INSIDE:
        command += ["--ro-bind", str(COURSE / name), str(COURSE / name)]
    return [*command, "--remount-ro", str(COURSE)]


def _no_installers(library: str) -> list[str]:
    """Put what does nothing in the place of what installs."""
    command, pip = [], Path(library, "pip")
    for name in INSTALLERS:
        command += ["--symlink", "/bin/true", f"{TOOLS}/{name}"]
    if pip.is_dir():
        command += ["--ro-bind", str(COURSE / "grading" / "no_pip"), str(pip)]
    return command
