"""What runs inside the sandbox: one process that waits, and one for each submission.

The waiting process has imported what notebooks use, and forks itself for each
submission, which takes milliseconds where a new Python would take a second. It gets a
socket for each over its control socket, and ends what it started when it is told to.
This file is run as a script, and imports nothing that knows an answer.
"""

import ctypes
import errno
import gc
import io
import json
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import types
import warnings
from contextlib import nullcontext, redirect_stderr, redirect_stdout, suppress
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

COURSE = Path(__file__).parents[1]
sys.path.insert(0, str(COURSE.parent))

import course_utils  # noqa: E402
from course_utils.grading import wire  # noqa: E402

# Of linux/sched.h, sys/mount.h, linux/prctl.h and linux/capability.h.
NEW_USER = 0x10000000
NEW_NAMESPACES = 0x00020000 | 0x08000000 | NEW_USER | 0x20000000
MS_NOSUID, MS_NODEV, MS_RDONLY = 2, 4, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
CAPABILITY_VERSION = 0x20080522
NOBODY = 65534
DISK = "/disk"  # where a submission can write
FILES = 10_000  # on it at once

# Of seccomp.h.
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EQUAL_MASKED, GREATER = 7, 6
# What no notebook needs, and what would get round the limits: users of its own, who may
# mount what they like; memory that is not counted; the keys of who grades; and doors
# into the kernel through which others broke out before.
REFUSED = (
    *("unshare", "setns"),
    *("memfd_create", "shmget", "msgget", "semget"),
    *("add_key", "request_key", "keyctl"),
    *("ptrace", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup"),
)


def main() -> None:
    """Wait for submissions until the control socket closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    limits = json.loads(sys.argv[2])
    place = nullcontext(DISK) if limits["confined"] else tempfile.TemporaryDirectory()
    with place as home:
        _settle(home)
        limits["memory"] += _taken()
        shell = _shell()
        if limits["confined"]:
            limits["filter"] = _filter()
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            if os.getuid() == 0:
                # The limit on processes does not bind the root user.
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
        control.send(b"r")
        _keep_quiet()
        _wait(control, shell, limits)


def _wait(control: socket.socket, shell: InteractiveShell, limits: dict) -> None:
    """Start a submission for each socket that comes, and end it when told."""
    while fds := socket.recv_fds(control, 1, 1)[1]:
        work = "/" if limits["confined"] else tempfile.mkdtemp()
        keeper = os.fork()
        if keeper == 0:
            control.close()
            os.chdir(work)
            _keep(socket.socket(fileno=fds[0]), shell, limits)
        os.close(fds[0])
        told = control.recv(1)
        _end(keeper, limits)
        if not limits["confined"]:
            shutil.rmtree(work, ignore_errors=True)
        if not told:
            return
        control.send(b"d")


def _settle(home: str) -> None:
    """Let all that writes files by itself write them in one place."""
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
    """Make the shell that runs cells as a notebook does, and what cells import."""
    # Of the checks, a submission sees only that they were called.
    for room in ("checks", "learner"):
        stub = types.ModuleType(f"course_utils.{room}")
        stub.__path__ = [str(COURSE / room)]
        stub.check = lambda name, answer: None
        sys.modules[stub.__name__] = stub
        setattr(course_utils, room, stub)
    from course_utils.checks import look  # noqa: F401

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
    # What the first cell brings in is brought in once, and memory stays shared.
    shell.run_cell("pass", silent=True)
    gc.freeze()
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
                _guard(inner)
            # A signal to its group would else reach the process above.
            os.setsid()
            _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            _shut_in(limits)
        _limit(limits)
        wire.send(link, {"up": True})
        Submission(link, shell).serve()
    except BaseException as error:
        with suppress(Exception):
            wire.send(link, {"failed": _said(error)})
    finally:
        os._exit(0)


def _guard(inner: int) -> None:
    """Wait for the word to end, and kill the submission with all that it started.

    With the first process of a world the kernel ends all others in it.
    """
    signal.sigwait([signal.SIGTERM])
    os.kill(inner, signal.SIGKILL)
    os.waitpid(inner, 0)
    os._exit(0)


def _end(keeper: int, limits: dict) -> None:
    """End a submission with all that it started, as far as that can be done."""
    if limits["confined"]:
        os.kill(keeper, signal.SIGTERM)
    else:
        with suppress(ProcessLookupError, PermissionError):
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
    # Where memory runs out, the kernel is to end this process, and no other.
    Path("/proc/self/oom_score_adj").write_text("1000")
    size = f"size={limits['disk']},nr_inodes={FILES},mode=700".encode()
    quiet = MS_NOSUID | MS_NODEV
    _call("mount", b"none", DISK.encode(), b"tmpfs", quiet, size)
    _call("mount", b"none", b"/proc", b"tmpfs", quiet | MS_RDONLY, b"size=4k")
    os.chdir(DISK)
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    _call("capset", header, bytes(24))
    if _seccomp().seccomp_load(limits["filter"]) != 0:
        raise OSError("the filter of system calls cannot be loaded")


class _Argument(ctypes.Structure):
    """What an argument of a system call is compared with."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("compare", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


@cache
def _seccomp() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def _filter() -> ctypes.c_void_p:
    """Return a filter that refuses some system calls, and allows all others."""
    library = _seccomp()
    made = ctypes.c_void_p(library.seccomp_init(ALLOW))

    def refuse(call: str, number: int, *arguments: _Argument) -> None:
        known = library.seccomp_syscall_resolve_name(call.encode())
        given = (_Argument * len(arguments))(*arguments)
        library.seccomp_rule_add_array(
            made, REFUSE | number, known, len(arguments), given
        )

    for call in REFUSED:
        refuse(call, errno.EPERM)
    refuse("clone", errno.EPERM, _Argument(0, EQUAL_MASKED, NEW_USER, NEW_USER))
    # Its flags cannot be looked at; without it, the C library calls clone.
    refuse("clone3", errno.ENOSYS)
    # Some of the later families reach beyond a network of one's own.
    refuse("socket", errno.EAFNOSUPPORT, _Argument(0, GREATER, socket.AF_INET6, 0))
    return made


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
        self.process = os.getpid()

    def serve(self) -> None:
        """Run the cells, then answer calls until the socket closes."""
        cells, _ = wire.receive(self.link)
        for number, cell in cells["cells"]:
            self._tell({"cell": number})
            result = self.shell.run_cell(cell, silent=True)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                self.failures.append(f"code cell {number} raises {_said(error)}")
        self._tell({"ready": True})
        while True:
            request, arguments = wire.receive(self.link)
            self._tell(*self._reply(request, arguments))

    def _tell(self, message: dict, arrays: list[np.ndarray] | tuple[()] = ()) -> None:
        self._end_copies()
        wire.send(self.link, message, arrays)

    def _end_copies(self) -> None:
        """End this process if the submission forked it: one of them goes on."""
        if os.getpid() != self.process:
            os._exit(0)

    def _reply(
        self, request: dict, arguments: list[np.ndarray]
    ) -> tuple[dict, list[np.ndarray]]:
        """Call the function with all cases, or look into it; return what came of it."""
        from course_utils.checks.look import look_into

        function = self.shell.user_ns.get(request["name"])
        if request["do"] == "look":
            look = look_into(function, _given(arguments))
            return {"calls": look.calls, "reads": look.reads}, []
        replies, results, rest = [], [], iter(arguments)
        for count in request["counts"]:
            case = list(islice(rest, count))
            for _ in range(2):
                reply, yours = self._called(function, _given(case))
                self._end_copies()
                replies.append(reply)
                if yours is not None:
                    results.append(yours)
        return {"replies": replies}, results

    def _called(
        self, function: object, given: list[object]
    ) -> tuple[dict, np.ndarray | None]:
        """Call the function once; return what is to be said of it, and its result."""
        from course_utils.checks.look import numbers, where

        if not callable(function):
            return {"missing": self.failures[0] if self.failures else ""}, None
        before = [_state(x) for x in given]
        printed = io.StringIO()
        try:
            with (
                np.errstate(all="ignore"),
                warnings.catch_warnings(),
                redirect_stdout(printed),
                redirect_stderr(printed),
            ):
                warnings.simplefilter("ignore")
                came = function(*given)
        except NotImplementedError:
            return {"unwritten": True}, None
        except BaseException as error:
            return {"problem": where(error, function)[: wire.MOST_SAID]}, None
        yours, problem = (None, None) if came is None else numbers(came)
        if yours is not None and yours.nbytes > wire.MOST_RESULT:
            problem = f"the shape is {yours.shape}: far too large"
        if problem:
            return {"problem": problem[: wire.MOST_SAID]}, None
        changed = [i for i, x in enumerate(given) if _state(x) != before[i]]
        said = {"changed": changed, "returned": yours is not None}
        return said | {"printed": bool(printed.getvalue())}, yours


def _given(arguments: list[np.ndarray]) -> list[object]:
    """Copy the arguments; a single number is handed over as Python's own."""
    return [x.copy("K") if x.ndim else x.item() for x in arguments]


def _state(value: object) -> object:
    is_array = isinstance(value, np.ndarray)
    return (value.shape, value.tobytes()) if is_array else value


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")[:200]
    except Exception:  # of what somebody wrote as the words of an error
        return type(error).__name__[:200]


if __name__ == "__main__":
    main()
