"""The filter of system calls, read as the kernel reads it, on both architectures."""

import shutil
import struct
import sys

import pytest

from course_utils.grading import system_calls
from course_utils.grading.system_calls import ALLOWED, USES

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bwrap") is None, reason="needs libseccomp"
)
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW = 0x7FFF0000
REFUSED = """
flock inotify_init1 inotify_add_watch fanotify_init memfd_create memfd_secret unshare
setns mount umount2 pivot_root chroot ptrace bpf perf_event_open userfaultfd
io_uring_setup keyctl add_key request_key shmget msgget semget sync syncfs clone3
process_vm_readv process_vm_writev pidfd_open pidfd_getfd kcmp seccomp setuid setgid
setgroups mknodat open_by_handle_at name_to_handle_at reboot swapon init_module
finit_module kexec_load acct quotactl settimeofday clock_settime adjtimex sethostname
personality landlock_create_ruleset sched_setscheduler sched_setattr ioprio_set
mlock mlockall timer_create signalfd4 timerfd_create vmsplice execveat
""".split()  # noqa: SIM905


def number(call, architecture):
    resolve = system_calls.library().seccomp_syscall_resolve_name_arch
    return resolve(architecture, call.encode())


def program(architecture):
    """Return the instructions that the kernel gets."""
    made = system_calls.filter_of_calls(architecture)
    return list(struct.iter_unpack("HBBI", system_calls.program_of(made)))


def decision(code, architecture, call, arguments=()):
    """Run the instructions on one call, as the kernel does."""
    data = struct.pack("iIQ6Q", call, architecture, 0, *[*arguments, *[0] * 6][:6])
    accumulator, at = 0, 0
    while True:
        what, yes, no, k = code[at]
        at += 1
        if what == 0x20:  # load a word
            (accumulator,) = struct.unpack_from("I", data, k)
        elif what == 0x54:  # and
            accumulator &= k
        elif what == 0x05:  # jump
            at += k
        elif what == 0x06:  # return
            return k
        else:
            tests = {
                0x15: accumulator == k,
                0x25: accumulator > k,
                0x35: accumulator >= k,
                0x45: bool(accumulator & k),
            }
            at += yes if tests[what] else no


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_listed_is_allowed_and_nothing_else(name):
    architecture = ARCHITECTURES[name]
    code = program(architecture)
    calls = {number(x, architecture) for x in ALLOWED}
    some = {number(x, architecture) for x in [*USES, "clone"]}
    for call in range(600):
        allowed = decision(code, architecture, call) == ALLOW
        assert allowed == (call in calls) or call in some
    for call in REFUSED:
        assert decision(code, architecture, number(call, architecture)) != ALLOW
    other = next(x for x in ARCHITECTURES.values() if x != architecture)
    assert decision(code, other, number("read", other)) != ALLOW


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        ("fcntl", (3, 4, 0), True),  # flags
        ("fcntl", (3, 1030, 0), True),  # a duplicate
        ("fcntl", (3, 6, 0), False),  # a lock
        ("fcntl", (3, 38, 0), False),  # a lock of the open file
        ("fcntl", (3, 1024, 0), False),  # a lease
        ("fcntl", (3, 1026, 0), False),  # a watch
        ("fcntl", (3, 8, 0), False),  # signals
        ("fcntl", (3, (1 << 32) + 1024, 0), False),
        ("ioctl", (0, 0x5401), True),
        ("ioctl", (0, 0x5412), False),  # types into a terminal
        ("socket", (1, 1, 0), True),
        ("socket", (16, 3, 0), False),
        ("socket", (38, 5, 0), False),
        ("prctl", (1, 9), True),
        ("prctl", (22, 2), False),
        ("clone", (0x01200011,), True),  # fork
        ("clone", (0x003D0F00,), True),  # a thread
        ("clone", (0x10000011,), False),
        ("clone", (0x00020011,), False),
        ("clone", (0x40000011,), False),
    ],
)
def test_of_some_calls_only_some_uses_are_allowed(name, call, arguments, allowed):
    architecture = ARCHITECTURES[name]
    found = decision(
        program(architecture), architecture, number(call, architecture), arguments
    )
    assert (found == ALLOW) is allowed


def test_each_name_that_is_listed_is_a_call_somewhere():
    for call in [*ALLOWED, *USES, *REFUSED]:
        assert max(number(call, x) for x in ARCHITECTURES.values()) >= 0, call
