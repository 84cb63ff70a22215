"""What runs inside the sandbox: one process that waits, and one for each submission.

The waiting process has imported what notebooks use, and forks itself for each
submission, which takes milliseconds where a new Python would take a second. It gets a
socket for each over its control socket, and ends what it started when it is told to.
This file is run as a script, and imports nothing that knows an answer.
"""

import ctypes
import io
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import types
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

COURSE = Path(__file__).parents[1]
sys.path.insert(0, str(COURSE.parent))

import course_utils  # noqa: E402
from course_utils.grading import wire  # noqa: E402

# Of linux/sched.h, sys/mount.h, linux/prctl.h and linux/capability.h.
NEW_NAMESPACES = 0x00020000 | 0x08000000 | 0x10000000 | 0x20000000
MS_NOSUID, MS_NODEV, MS_RDONLY = 2, 4, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
CAPABILITY_VERSION = 0x20080522
NOBODY = 65534


def main() -> None:
    """Wait for submissions until the control socket closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    limits = json.loads(sys.argv[2])
    shell = _shell()
    limits["memory"] += _taken()
    if limits["confined"] and os.getuid() == 0:
        # The limit on processes does not bind the root user.
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    control.send(b"r")
    _keep_quiet()
    while fds := socket.recv_fds(control, 1, 1)[1]:
        keeper = os.fork()
        if keeper == 0:
            control.close()
            _keep(socket.socket(fileno=fds[0]), shell, limits)
        os.close(fds[0])
        told = control.recv(1)
        _end(keeper, limits)
        if not told:
            return
        control.send(b"d")


def _keep_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _shell() -> InteractiveShell:
    """Make the shell that runs cells as a notebook does, and what cells import."""
    # Of the checks, a submission sees only that they were called.
    checks = types.ModuleType("course_utils.checks")
    checks.__path__ = [str(COURSE / "checks")]
    checks.check = lambda name, answer: None
    sys.modules["course_utils.checks"] = course_utils.checks = checks
    from course_utils.checks import look  # noqa: F401

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    shell = InteractiveShell.instance(config=config)
    shell.autoawait = True
    shell.loop_runner = "asyncio"
    shell.enable_gui = lambda *_, **__: None  # plots are drawn, and shown to nobody
    # What a cell raises is told in one line, not drawn as a traceback.
    shell._showtraceback = lambda *_: None
    shell.showtraceback = lambda *_, **__: None
    shell.showsyntaxerror = lambda *_, **__: None
    return shell


def _keep(link: socket.socket, shell: InteractiveShell, limits: dict) -> None:
    """Confine this process, or its child, and run one submission in it."""
    try:
        os.setsid()
        if limits["confined"]:
            _leave_the_others()
            inner = os.fork()  # the first process of its own world
            if inner:
                link.close()
                os.waitpid(inner, 0)
                os._exit(0)
            _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _shut_in(limits)
        else:
            os.chdir(tempfile.mkdtemp())
        _limit(limits)
        Submission(link, shell).serve()
    except BaseException as error:
        with suppress(Exception):
            wire.send(link, {"failed": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _end(keeper: int, limits: dict) -> None:
    """Kill a submission with all that it started, as far as that can be done."""
    with suppress(ProcessLookupError, PermissionError):
        if not limits["confined"]:
            os.killpg(keeper, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _leave_the_others() -> None:
    """Give the children of this process users, processes and files of their own."""
    _libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the maps below are root's
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEW_NAMESPACES)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _shut_in(limits: dict) -> None:
    """Mount a small disk over all that can be written, and give up all rights."""
    size = f"size={limits['disk']},mode=700".encode()
    quiet = MS_NOSUID | MS_NODEV
    _call("mount", b"none", b"/tmp", b"tmpfs", quiet, size)
    _call("mount", b"none", b"/proc", b"tmpfs", quiet | MS_RDONLY, b"size=4k")
    os.chdir("/tmp")
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    _call("capset", header, bytes(24))


def _limit(limits: dict) -> None:
    """Bound what the kernel can bound."""
    import resource

    bounds = {
        "RLIMIT_AS": limits["memory"],
        "RLIMIT_CPU": limits["cpu"],
        "RLIMIT_FSIZE": limits["disk"],
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    if limits["confined"]:  # elsewhere the user's other processes would count
        bounds["RLIMIT_NPROC"] = limits["processes"]
    for name, bound in bounds.items():
        with suppress(OSError, ValueError, AttributeError):  # macOS lacks some
            resource.setrlimit(getattr(resource, name), (bound, bound))


def _taken() -> int:
    """Return the address space that this process takes already, in bytes."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except OSError:
        return 0


class Submission:
    """The cells of one submission, and the functions that they define."""

    def __init__(self, link: socket.socket, shell: InteractiveShell) -> None:
        self.link = link
        self.shell = shell
        self.failures: list[str] = []

    def serve(self) -> None:
        """Run the cells, then answer calls until the socket closes."""
        cells, _ = wire.receive(self.link)
        for number, cell in cells["cells"]:
            wire.send(self.link, {"cell": number})
            result = self.shell.run_cell(cell, silent=True)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                self.failures.append(f"code cell {number} raises {_said(error)}")
        wire.send(self.link, {"ready": True})
        while True:
            request, arguments = wire.receive(self.link)
            reply, arrays = self._reply(request, arguments)
            wire.send(self.link, reply, arrays)

    def _reply(
        self, request: dict, arguments: list[np.ndarray]
    ) -> tuple[dict, list[np.ndarray]]:
        """Call the function, or look into it; return what came of it."""
        from course_utils.checks.look import look_into, numbers, where

        function = self.shell.user_ns.get(request["name"])
        if not callable(function):
            return {"missing": self.failures[0] if self.failures else ""}, []
        given = [x if x.ndim else x.item() for x in arguments]
        before = [x.tobytes() for x in arguments]
        if request["do"] == "look":
            look = look_into(function, given)
            return {"calls": look.calls, "reads": look.reads}, []
        printed = io.StringIO()
        try:
            with (
                np.errstate(all="ignore"),
                redirect_stdout(printed),
                redirect_stderr(printed),
            ):
                came = function(*given)
        except NotImplementedError:
            return {"unwritten": True}, []
        except BaseException as error:
            return {"problem": where(error, function)}, []
        yours, problem = (None, None) if came is None else numbers(came)
        if problem:
            return {"problem": problem}, []
        changed = [i for i, x in enumerate(given) if _is_changed(x, before[i])]
        reply = {"changed": changed, "printed": bool(printed.getvalue())}
        reply["returned"] = yours is not None
        mine = [given[i] for i in changed]
        return reply, mine if yours is None else [*mine, yours]


def _is_changed(now: object, before: bytes) -> bool:
    return isinstance(now, np.ndarray) and now.tobytes() != before


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


if __name__ == "__main__":
    main()
