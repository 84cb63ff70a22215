"""Confine a process to a world of its own, a small disk, and limits."""

import ctypes
import os
import resource
import struct
from contextlib import suppress
from pathlib import Path

from course_utils.grading import system_calls
from course_utils.grading.system_calls import libc

# Of linux/sched.h, sys/mount.h, linux/prctl.h and linux/capability.h.
NEW_USERS, NEW_PROCESSES = 0x10000000, 0x20000000
NEW_FILES, NEW_MESSAGES = 0x00020000, 0x08000000
MS_NOSUID, MS_NODEV, MS_RDONLY = 2, 4, 1
PR_SET_DUMPABLE = 4
CAPABILITY_VERSION = 0x20080522
MADV_COLLAPSE, LARGE = 25, 2 << 20  # of linux/mman.h; bytes of a large page
DISK = "/disk"  # where a submission can write
FILES = 10_000  # on it at once


def go_on_as_child() -> None:
    """Go on in a child whose own children can be given worlds of processes.

    This process waits for it, and ends when it does.
    """
    _unshare(NEW_USERS | NEW_PROCESSES)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os._exit(0)


def fork() -> int:
    """Fork; the child is the first in a world of processes of its own.

    With the first process of a world the kernel ends all others in it.
    """
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    _unshare(NEW_PROCESSES)
    child = os.fork()
    if child:
        _call("setns", own, NEW_PROCESSES)
    os.close(own)
    return child


def shut_in(limits: dict) -> None:
    """Leave the others, mount a small disk to write to, and give up all rights."""
    _unshare(NEW_USERS | NEW_FILES | NEW_MESSAGES)
    # Where memory runs out, the kernel is to end this process, and no other.
    _write("/proc/self/oom_score_adj", "1000")
    size = f"size={limits['disk']},nr_inodes={FILES},mode=700".encode()
    quiet = MS_NOSUID | MS_NODEV
    _call("mount", b"none", DISK.encode(), b"tmpfs", quiet, size)
    _call("mount", b"none", b"/proc", b"tmpfs", quiet | MS_RDONLY, b"size=4k")
    os.chdir(DISK)
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    _call("capset", header, bytes(24))
    system_calls.load(limits["filter"])


def limit(limits: dict) -> None:
    """Bound what the kernel can bound."""
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


def join_pages() -> None:
    """Let the memory of this process lie in large pages, which makes forks cheaper.

    Where the system cannot do that, or has no such list, all stays as it is.
    """
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return
    size = ctypes.c_size_t(LARGE)
    for line in lines:
        place, rights, _, _, file, *name = line.split()
        if rights == "rw-p" and file == "0" and name in ([], ["[heap]"]):
            first, last = (int(x, 16) for x in place.split("-"))
            for start in range(-(-first // LARGE) * LARGE, last - LARGE + 1, LARGE):
                libc().madvise(ctypes.c_void_p(start), size, MADV_COLLAPSE)


def taken() -> int:
    """Return the address space that this process takes already, in bytes."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except OSError:
        return 0


def _unshare(what: int) -> None:
    """Leave what is shared with others; new users need to be told who they are."""
    user, group = os.getuid(), os.getgid()
    libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the maps below are root's
    _call("unshare", what)
    if what & NEW_USERS:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _write(file: str, text: str) -> None:
    """Write to a file of the kernel, with less memory touched than by a `Path`."""
    opened = os.open(file, os.O_WRONLY)
    os.write(opened, text.encode())
    os.close(opened)


def _call(name: str, *arguments: object) -> None:
    if getattr(libc(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
