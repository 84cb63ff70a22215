"""What runs inside the sandbox: one process that waits, and one for each submission.

The waiting process has imported what notebooks use, and forks itself for each
submission, which takes milliseconds where a new Python would take a second. It gets a
socket for each over its control socket, and ends what it started when it is told to.
This file is run as a script. It imports nothing of the course but the modules listed
in `sandbox.INSIDE`, and in the sandbox nothing else of the course is there.
"""

import gc
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import types
from contextlib import nullcontext, suppress
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

COURSE = Path(__file__).parents[1]
for room in ("course_utils", "course_utils.checks"):
    sys.modules[room] = types.ModuleType(room)
    sys.modules[room].__path__ = [str(COURSE.parent.joinpath(*room.split(".")))]

from course_utils.grading import (  # noqa: E402
    cells,
    confine,
    rehearsal,
    runner,
    stand_ins,
    system_calls,
    wire,
)

PR_SET_CHILD_SUBREAPER = 36  # of linux/prctl.h
NOBODY = 65534
GARBAGE = 20_000  # objects after which it is looked for; few submissions make as many
LONGEST_END = 5.0  # seconds for which processes that go on starting others are chased


def main() -> None:
    """Wait for submissions until the control socket closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    limits = json.loads(sys.argv[2])
    place = (
        nullcontext(confine.DISK)
        if limits["confined"]
        else tempfile.TemporaryDirectory()
    )
    with place as home:
        _settle(home)
        limits["memory"] += confine.taken()
        shell = _shell()
        if limits["confined"]:
            calls = system_calls.filter_of_calls()
            limits["filter"] = system_calls.program_of(calls)
            if os.getuid() == 0:
                # The limit on processes does not bind the root user.
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            confine.go_on_as_child()
        else:
            with suppress(AttributeError):  # macOS has none
                system_calls.libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        confine.join_pages()
        control.send(b"r")
        _keep_quiet()
        _wait(control, shell, limits)


def _wait(control: socket.socket, shell: InteractiveShell, limits: dict) -> None:
    """Start a submission for each socket that comes, and end it when told to."""
    while fds := socket.recv_fds(control, 1, 1)[1]:
        work = "/" if limits["confined"] else tempfile.mkdtemp()
        child = confine.fork() if limits["confined"] else os.fork()
        if child == 0:
            control.close()
            os.chdir(work)
            _run(socket.socket(fileno=fds[0]), shell, limits)
        os.close(fds[0])
        told = control.recv(1)
        _end(child, limits)
        if not limits["confined"]:
            shutil.rmtree(work, ignore_errors=True)
        if not told:
            return
        control.send(b"d")


def _settle(home: str) -> None:
    """Send everything that is written unasked to one place."""
    os.environ |= {
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
    }
    tempfile.tempdir = home


def _keep_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _shell() -> InteractiveShell:
    """Make the shell that runs cells as a notebook does."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    shell = InteractiveShell.instance(config=config)
    shell.autoawait = True
    shell.loop_runner = "asyncio"
    shell.ask_exit = lambda: None  # there are still questions
    shell.enable_gui = lambda *_, **__: None  # plots are drawn, and shown to nobody
    # What a cell raises is told in one line, not drawn as a traceback.
    shell._showtraceback = lambda *_: None
    shell.showtraceback = lambda *_, **__: None
    shell.showsyntaxerror = lambda *_, **__: None
    cells.install_nothing(shell)
    # What the first cell brings in is brought in once, and memory stays shared.
    shell.run_cell("pass", silent=True)
    shell.ast_transformers.append(cells.GoOn())
    stand_ins.take_the_place_of_the_course()
    rehearsal.rehearse(shell)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    return shell


def _run(link: socket.socket, shell: InteractiveShell, limits: dict) -> None:
    """Confine this process, and run one submission in it."""
    try:
        os.setsid()
        if limits["confined"]:
            confine.shut_in(limits)
        confine.limit(limits)
        wire.send(link, {"up": True})
        begun = wire.Pipe(limits["begun"])
        runner.Submission(link, begun, shell).serve()
    except BaseException as error:
        with suppress(Exception):
            wire.send(link, {"failed": runner.raised(error)})
    finally:
        os._exit(0)


def _end(child: int, limits: dict) -> None:
    """End a submission with all that it started."""
    if not limits["confined"]:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if limits["confined"]:
        return
    # Whoever left the group became a child of this process when its parent died.
    end = time.monotonic() + LONGEST_END
    while (left := _descendants(os.getpid())) and time.monotonic() < end:
        for one in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _descendants(process: int) -> list[int]:
    """Return the numbers of all that a process started, at any depth."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        texts = [(task / "children").read_text() for task in tasks]
    except OSError:  # it is gone, or the system does not tell
        return []
    children = [int(x) for text in texts for x in text.split()]
    return [*children, *(x for child in children for x in _descendants(child))]


if __name__ == "__main__":
    main()
