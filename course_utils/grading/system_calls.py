"""The system calls that a submission may make; every other one is refused.

What is left out reaches beyond the sandbox (`flock`, leases, `inotify` and `fanotify`,
`sync`, keys, sockets of other families), takes memory that is not counted
(`memfd_secret`, shared segments), or was the way out of one before (namespaces, `bpf`,
`io_uring`, `ptrace`, `userfaultfd`).
"""

import ctypes
import errno
import os
import socket
from functools import cache

# Of seccomp.h.
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EQUAL_MASKED = 7
OPTIMIZE, AS_A_TREE = 8, 2
# Of linux/prctl.h and linux/seccomp.h; and the bytes of an instruction.
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
INSTRUCTION = 8
# Of linux/sched.h: what gives a process users, files or a network of its own. The
# lowest byte of the flags is a signal.
NEW_NAMESPACES = 0x7E020000

ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2
open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2 lseek
sendfile copy_file_range splice truncate ftruncate fallocate fsync fdatasync fadvise64
stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
getdents getdents64 getcwd chdir fchdir umask readlink readlinkat
mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink
symlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
utime utimes utimensat futimesat getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr
mmap munmap mprotect mremap madvise msync brk
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait
sigaltstack restart_syscall pause alarm setitimer getitimer kill tkill tgkill
fork vfork execve wait4 waitid exit exit_group set_tid_address
getpid getppid gettid getuid geteuid getgid getegid getgroups getresuid getresgid
getpgid getpgrp getsid setpgid setsid capget arch_prctl set_robust_list
get_robust_list futex futex_waitv rseq membarrier
sched_yield sched_getaffinity sched_getparam sched_getscheduler
sched_get_priority_max sched_get_priority_min getpriority setpriority
getrlimit setrlimit prlimit64 getrusage times sysinfo uname getcpu getrandom
time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep
poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
epoll_pwait2 eventfd2
connect bind listen accept accept4 getsockname getpeername sendto recvfrom sendmsg
recvmsg sendmmsg recvmmsg shutdown setsockopt getsockopt
""".split()  # noqa: SIM905

# Is it a terminal, how large is one, what waits to be read, does it block or stay open;
# and what a terminal of one's own needs, in which IPython runs a shell command.
CONTROLS = (
    *(0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
    *(0x5402, 0x5403, 0x5404, 0x540E, 0x540F, 0x5410, 0x5414, 0x5422),
    *(0x80045430, 0x40045431),
)
# Calls of which only some uses are allowed: the place of the argument that decides,
# and its values. Of fcntl.h, asm/ioctls.h and linux/prctl.h.
USES = {
    # Duplicate a file, read and set its flags; no locks, no leases, no signals.
    "fcntl": (1, (0, 1, 2, 3, 4, 1030)),
    "ioctl": (1, CONTROLS),
    # Names of threads, and whose death ends a process.
    "prctl": (0, (1, 2, 15, 16)),
    # Other families reach beyond a network of one's own.
    "socket": (0, (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)),
    "socketpair": (0, (socket.AF_UNIX,)),
}


class _Argument(ctypes.Structure):
    """What an argument of a system call is compared with."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("compare", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    """What the kernel takes: the number of instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@cache
def libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


@cache
def library() -> ctypes.CDLL:
    """Load libseccomp.

    Raises OSError if it is not installed.
    """
    loaded = ctypes.CDLL("libseccomp.so.2")
    loaded.seccomp_init.restype = ctypes.c_void_p
    return loaded


def filter_of_calls(architecture: int | None = None) -> ctypes.c_void_p:
    """Return a filter that allows what is listed above, and refuses all else.

    - `architecture`: another one than this machine's, as libseccomp numbers them.
    """
    made = ctypes.c_void_p(library().seccomp_init(REFUSE | errno.ENOSYS))
    # The kernel tries it on every call when it is loaded: a list takes twice as long.
    library().seccomp_attr_set(made, OPTIMIZE, AS_A_TREE)  # from libseccomp 2.5 on
    if architecture is not None:
        library().seccomp_arch_remove(made, 0)
        library().seccomp_arch_add(made, architecture)
    for call in ALLOWED:
        _add(made, ALLOW, call)
    # The flags of clone3 cannot be looked at; without it, the C library calls clone.
    _add(made, ALLOW, "clone", _Argument(0, EQUAL_MASKED, NEW_NAMESPACES, 0))
    for call, (place, values) in USES.items():
        for value in values:
            # The kernel looks at the lower half of these alone.
            _add(made, ALLOW, call, _Argument(place, EQUAL_MASKED, 0xFFFFFFFF, value))
    return made


def program_of(made: ctypes.c_void_p) -> bytes:
    """Return a filter as the kernel takes it: made once, it is loaded in no time."""
    with open(os.memfd_create("filter"), "w+b") as file:
        if library().seccomp_export_bpf(made, file.fileno()) != 0:
            raise OSError("the filter of system calls could not be made")
        file.seek(0)
        return file.read()


def load(program: bytes) -> None:
    """Bind this process, and all that it starts, to a filter.

    - `program`: from `program_of`.

    Raises OSError if that fails.
    """
    libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    made = _Program(len(program) // INSTRUCTION, program)
    if libc().prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(made)) != 0:
        raise OSError("the filter of system calls could not be loaded")


def _add(made: ctypes.c_void_p, action: int, call: str, *arguments: _Argument) -> None:
    number = library().seccomp_syscall_resolve_name(call.encode())
    given = (_Argument * len(arguments))(*arguments)
    # An architecture that lacks the call passes it over.
    library().seccomp_rule_add_array(made, action, number, len(arguments), given)
