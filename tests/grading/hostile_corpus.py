"""Submissions that are hostile or broken, and what the grader must say to each.

All are harmless even where a limit fails: what grows stops early, what stays ends by
itself, what is allocated is never touched, and the only targets are a folder of the
test's own (OUT below) and a port of its own on the loopback.
"""

import json
import re
from dataclasses import dataclass
from textwrap import dedent, indent

SECONDS = 2  # that a submission has in these tests
RIGHT = "right: 12 fresh inputs, all as expected"
NOT_THERE = r"`\w+` is not defined"
ENDS = "it ends the process that runs it"
TIME = f"it did not finish within {SECONDS} seconds"
LATER = f"{ENDS}|{NOT_THERE}"  # of the exercises after one that was the end
NO_RESULT = "what it sent back is not a result"
BREAKS = r"the notebook breaks what runs it \(it raises {}\): does it replace .*"
AN_ERROR = "it raises an error of its own"
DIFFER = r"the numbers differ, by up to [\d.e+]+"

ANSWER = "def hard_lookup(query, key, value):\n"
GOOD = f"{ANSWER}    return value[(key @ query).argmax()]"


@dataclass(frozen=True)
class Attack:
    """One submission and its verdict.

    - `name`: what it tries.
    - `notebook`: the bytes that are handed in.
    - `hard`: what the message on `hard_lookup` must match; all points if it is RIGHT.
    - `rest`: the same of the three other exercises.
    - `error`: what must be said instead, if the notebook cannot be graded at all.
    - `limits`: whether limits alone withstand it, without the sandbox.
    """

    name: str
    notebook: bytes
    hard: str = RIGHT
    rest: str = NOT_THERE
    error: str | None = None
    limits: bool = False


def notebook(*cells, **metadata):
    """Return a notebook with these cells; a text is the code of one."""
    made = [
        {"cell_type": "code", "source": x} if isinstance(x, str) else x for x in cells
    ]
    whole = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole).encode()


def before(name, cell, why="", hard=RIGHT, **more):
    """Attack in a cell of its own, before that of a right answer."""
    rest = NOT_THERE + (f": code cell 1 {why}" if why else "")
    return Attack(name, notebook(dedent(cell), GOOD), hard, rest, **more)


def within(name, body, hard=RIGHT, **more):
    """Attack within the answer, which is right thereafter."""
    body = indent(dedent(body).strip(), "    ")
    code = f"{ANSWER}{body}\n    return value[(key @ query).argmax()]"
    return Attack(name, notebook(code), hard, **more)


def returns(name, what, hard=RIGHT, setup="", limits=True):
    """Return something strange; `x` is the right answer."""
    code = f"{ANSWER}    x = value[(key @ query).argmax()]\n    return {what}"
    return Attack(
        name,
        notebook(f"import numpy as np\n{dedent(setup)}\n{code}"),
        hard,
        limits=limits,
    )


def closed(name, doors, **more):
    """Try many ways in one cell; the answer is there only if all of them are shut.

    Each line is an expression that must raise an error or return something false.
    """
    tried = [line.strip() for line in dedent(doors).strip().splitlines()]
    cell = f"""
import ctypes, os, socket, subprocess, sys
from pathlib import Path
libc = ctypes.CDLL(None)
OUT, ROOT, PORT = "@OUT@", "@ROOT@", int("@PORT@")
open_doors = []
for way in {tried!r}:
    try:
        if eval(way):
            open_doors.append(way)
    except Exception as error:
        print(error)
assert not open_doors, open_doors
"""
    return Attack(name, notebook(cell + GOOD), **more)


SPEAK = """
import json, os, socket, stat, struct, time
fd = next(i for i in range(3, 256) if stat.S_ISSOCK(os.fstat(i).st_mode))
link = socket.socket(fileno=os.dup(fd))
def say(message, arrays=(), data=b"", length=None):
    if not isinstance(message, bytes):
        message = json.dumps({"arrays": arrays} | message).encode()
    head = struct.pack("!II", length or len(message), len(data))
    link.sendall(head + message + data)
def reply(said, *more):
    say({"replies": [said] * 24}, *more)
"""
SPEAK = SPEAK.replace(
    "for i in range(3, 256) if", "for i in range(3, 256) if exists(i) and"
)
SPEAK = (
    """
def exists(fd):
    try:
        return bool(os.fstat(fd))
    except OSError:
        return False
"""
    + SPEAK
)


def forged(name, said, hard=NO_RESULT, how=None, **more):
    """Answer in the place of the grader's own code, in its own words."""
    of_a_call = re.match(r"\{'(returned|raised|came|large|missing|unwritten)'", said)
    how = how or ("reply" if of_a_call else "say")
    code = f"{SPEAK}\n{ANSWER}    {how}({said})\n    os._exit(0)"
    return Attack(name, notebook(code), hard, **more)


# Find the pipe that takes the numbers of the cells.
BEGUN = """
import os, stat
def is_pipe(fd):
    try: return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError: return False
begun = next(i for i in range(3, 256) if is_pipe(i))
"""
KEEPS_ON = "__import__('ctypes').CDLL(None).prctl(1, 0, 0, 0, 0)"  # without its parent

TIME_AND_ENDS = [
    before(
        "loop in a cell",
        "while True: pass",
        f"did not finish within {SECONDS} seconds",
        limits=True,
    ),
    within("loop in the answer", "while True: pass", TIME, limits=True),
    within(
        "loop that ignores signals",
        """
        import signal
        for number in set(signal.valid_signals()) - {9, 19}:
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True: pass
        """,
        TIME,
        limits=True,
    ),
    within("slow in each call", "import time; time.sleep(0.2)", TIME, limits=True),
    before(
        "os._exit in a cell",
        "import os; os._exit(0)",
        "ends the process that runs it",
        limits=True,
    ),
    within("os._exit in the answer", "import os; os._exit(0)", ENDS, limits=True),
    before(
        "sys.exit in a cell",
        "import sys; sys.exit('bye')",
        "raises SystemExit: “bye”",
        limits=True,
    ),
    within(
        "sys.exit in the answer",
        "import sys; sys.exit(3)",
        r"it raises SystemExit \(line 2 of the cell: `import sys; sys.exit\(3\)`\)",
        limits=True,
    ),
    before("quit", "quit()\nexit()", limits=True),
    before(
        "KeyboardInterrupt in a cell",
        "raise KeyboardInterrupt",
        "raises KeyboardInterrupt",
        limits=True,
    ),
    within(
        "KeyboardInterrupt in the answer",
        "raise KeyboardInterrupt",
        r"it raises KeyboardInterrupt \(line 2 .*",
        limits=True,
    ),
    before(
        "segmentation fault",
        "import ctypes; ctypes.string_at(0)",
        "ends the process that runs it",
        limits=True,
    ),
    before(
        "abort", "import os; os.abort()", "ends the process that runs it", limits=True
    ),
    within(
        "recursion",
        "return hard_lookup(query, key, value)",
        r"it raises RecursionError: maximum recursion depth exceeded.*",
        limits=True,
    ),
    within(
        "recursion through C",
        """
        import sys; sys.setrecursionlimit(10**9)
        def deeper(_): return max([1], key=deeper)
        deeper(1)
        """,
        ENDS,
        limits=True,
    ),
    before(
        "threads that stay",
        """
        import threading, time
        for _ in range(5):
            threading.Thread(target=time.sleep, args=[60]).start()
        """,
        limits=True,
    ),
    before(
        "work at exit",
        "import atexit, time; atexit.register(time.sleep, 60)",
        limits=True,
    ),
    before(
        "children that stay",
        """
        import os, time
        for _ in range(5):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0: time.sleep(60)
                os._exit(0)
        """,
        limits=True,
    ),
    within(
        "busy children",
        """
        import os
        for _ in range(20):
            if os.fork() == 0:
                os.setsid()
                while True: pass
        while True: pass
        """,
        TIME,
        limits=True,
    ),
    closed(
        "locks, leases and watches",
        """
        __import__("fcntl").flock(open(os.__file__), 2) or True
        __import__("fcntl").lockf(open(os.__file__), 1) or True
        __import__("fcntl").fcntl(open(os.__file__), 1024, 0) == 0
        __import__("fcntl").fcntl(os.open("/usr", 0), 1026, 2) == 0
        libc.inotify_init1(0) >= 0
        libc.fanotify_init(0, 0) >= 0
        libc.syscall(447, 0) >= 0
        libc.syncfs(os.open("/usr", 0)) == 0
        """,
    ),
    before(
        "a child without its parent",
        f"""
        import os, signal, time
        {KEEPS_ON}
        if os.fork() == 0:
            {KEEPS_ON}
            os.setsid()
            time.sleep(60)
        os.kill(0, signal.SIGKILL)  # of its group; the first of a world cannot die so
        """,
    ),
    within(
        "kills its group, and stays",
        f"""
        import os, time
        {KEEPS_ON}
        os.kill(0, 9)
        time.sleep(60)
        """,
        TIME,
    ),
    before(
        "kills all",
        """
        import os
        assert os.getpid() == 1, "in a world of its own this hits nobody else"
        os.kill(-1, 9)
        """,
        r"raises ProcessLookupError: \[Errno 3\] No such process",
    ),
    before("kills its parent", "import os; os.kill(os.getppid(), 9)"),
    before(
        "fork bomb",
        """
        import os, time
        for _ in range(200):
            if os.fork() == 0: time.sleep(60); os._exit(0)
        """,
        r"raises BlockingIOError: \[Errno 11\] Resource temporarily unavailable",
    ),
    before(
        "threads without number",
        """
        import threading, time
        for _ in range(200): threading.Thread(target=time.sleep, args=[60]).start()
        """,
        "raises RuntimeError: can't start new thread",
    ),
    within("fork in the answer", "import os; os.fork()"),
]

MEMORY_AND_DISK = [
    before(
        "30 GB",
        "import numpy as np; np.empty(30 << 30, np.int8)",
        r"raises MemoryError: Unable to allocate 30\.0 GiB for .*",
        limits=True,
    ),
    within(
        "30 GB in the answer",
        "import numpy as np; np.empty(30 << 30, np.int8)",
        r"it raises MemoryError: Unable to allocate 30\.0 GiB for .*",
        limits=True,
    ),
    before(
        "30 GB of shared memory",
        "import mmap; mmap.mmap(-1, 30 << 30)",
        r"raises OSError: \[Errno 12\] Cannot allocate memory",
        limits=True,
    ),
    closed(
        "memory that is not counted",
        """
        os.memfd_create("x") + 1
        libc.syscall(319, b"x", 0) >= 0
        libc.shmget(0, 4096, 0o1600) >= 0
        libc.msgget(0, 0o1600) >= 0
        libc.semget(0, 1, 0o1600) >= 0
        """,
    ),
    before(
        "a full disk",
        """
        for i in range(20):
            with open(f"{i}", "wb") as file:
                file.write(bytes(10 << 20))
        """,
        r"raises OSError: \[Errno 28\] No space left on device",
    ),
    before(
        "one large file",
        """
        with open("x", "wb") as file:
            file.truncate(100 << 20)
        """,
        r"raises OSError: \[Errno 27\] File too large",
        limits=True,
    ),
    before(
        "files without number",
        """
        for i in range(20_000): open(str(i), "w").close()
        """,
        r"raises OSError: \[Errno 28\] No space left on device: '\d+'",
    ),
    before(
        "limits raised",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        """,
        "raises ValueError: not allowed to raise maximum limit",
    ),
]

OUTSIDE = [
    closed(
        "deletes and reads what is outside",
        """
        os.path.exists(OUT)
        os.listdir(OUT)
        __import__("shutil").rmtree(OUT) or True
        os.remove(OUT + "/grades/class.csv") or True
        os.remove(OUT + "/class/eve/a.ipynb") or True
        open(OUT + "/left_behind", "w")
        os.symlink(OUT, "/disk/link") or os.listdir("/disk/link")
        os.path.exists("/etc/passwd")
        os.path.exists("/home") or os.path.exists("/var")
        """,
    ),
    closed(
        "reads tests, references and solutions",
        """
        Path(ROOT, "course_utils/exercises/lesson_01.py").read_text()
        any(Path(ROOT, "course_utils").rglob("*lesson_*"))
        any(Path(ROOT, x).exists() for x in ("solutions", "source", "tests", ".git"))
        __import__("course_utils.exercises.lesson_01", fromlist=["x"]).EXERCISES
        __import__("course_utils.exercises", fromlist=["x"]).EXERCISES
        any("Exercise" in str(type(x)) for x in __import__("gc").get_objects())
        [x for x in sys.modules if "lesson_" in x]
        """,
    ),
    closed(
        "the network",
        """
        socket.create_connection(("127.0.0.1", PORT), 1)
        socket.create_connection(("10.0.0.1", 80), 1)
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
        socket.socket(socket.AF_UNIX).connect(chr(0) + "hostile-" + str(PORT)) or True
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        socket.socket(38, socket.SOCK_SEQPACKET)
        socket.gethostbyname("localhost.invalid")
        """,
    ),
    closed(
        "other processes",
        """
        os.getpid() != 1
        [x for x in os.listdir("/proc")]
        open("/proc/1/mem", "rb")
        open("/proc/self/environ", "rb")
        libc.ptrace(16, 2, 0, 0) == 0
        os.pidfd_open(2)
        [x for x in range(2, 300) if os.getpgid(x)]
        os.getsid(0) == 0
        """,
    ),
    closed(
        "rights, namespaces and mounts",
        """
        os.setuid(0) or True
        os.setgroups([0]) or True
        libc.unshare(0x10000000) == 0
        libc.unshare(0x00020000) == 0
        libc.syscall(56, 0x10000011, 0, 0, 0, 0) >= 0
        libc.syscall(435, 0, 0) >= 0
        libc.mount(b"none", b"/disk", b"tmpfs", 0, b"size=100g") == 0
        libc.mount(b"none", b"/disk", b"tmpfs", 32, b"size=100g") == 0
        libc.umount2(b"/proc", 2) == 0
        libc.umount2(b"/disk", 2) == 0
        os.chroot("/disk") or True
        os.mknod("/disk/null", 0o20666, 0x0103) or True
        libc.keyctl(0, -3, 0) > 0
        libc.syscall(425, 1, 0) >= 0
        libc.syscall(323, 0) >= 0
        libc.sethostname(b"x", 1) == 0
        subprocess.run(["su", "-c", "true"], capture_output=True).returncode == 0
        """,
    ),
    closed(
        "writes into what the next one runs",
        """
        os.access(ROOT + "/course_utils", os.W_OK)
        open(ROOT + "/course_utils/__init__.py", "a")
        os.open(ROOT + "/course_utils/checks", os.O_TMPFILE | os.O_WRONLY)
        os.open(ROOT + "/course_utils/exercises", os.O_TMPFILE | os.O_WRONLY)
        open(__import__("numpy").__file__, "a")
        os.open(__import__("numpy").__path__[0] + "/..", os.O_TMPFILE | os.O_WRONLY)
        open(sys.executable, "ab")
        open(os.__file__, "a")
        os.mkdir("/new") or True
        open("/dev/shm/x", "w")
        os.chmod(ROOT, os.stat(ROOT).st_mode) or True
        os.utime(ROOT) or True
        """,
    ),
    before(
        "leaves files and settings",
        """
        import os, sys
        for name in ("hostile.py", "sitecustomize.py", "numpy.py", "x.pth"):
            for folder in ("/disk", "/tmp", "/disk/ipython/profile_default/startup"):
                try:
                    os.makedirs(folder, exist_ok=True)
                    open(f"{folder}/{name}", "w").write("raise SystemExit")
                except OSError:
                    pass
        os.environ |= {"PYTHONPATH": "/disk", "PYTHONSTARTUP": "/disk/hostile.py"}
        sys.path.insert(0, "/disk")
        os.nice(5); os.umask(0o777)
        """,
    ),
    closed(
        "finds what another left",
        """
        [x for x in os.listdir("/disk") if x != "ipython"]
        "PYTHONPATH" in os.environ
        "/disk" in sys.path
        os.umask(0o22) == 0o777
        """,
    ),
]

TAMPERING = [
    Attack(
        "comparisons that say yes",
        notebook(
            """
import numpy as np
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None
np.allclose = np.array_equal = np.isclose = lambda *_, **__: True
"""
            + f"{ANSWER}    return np.zeros(value.shape[1])"
        ),
        DIFFER,
        limits=True,
    ),
    before(
        "builtins deleted",
        """
        import builtins
        for name in ("len", "isinstance", "callable", "print", "bytes"):
            delattr(builtins, name)
        """,
        "ends the process that runs it",
        limits=True,
    ),
    within(
        "builtins replaced by the answer",
        "import builtins; builtins.zip = 3",
        BREAKS.format("TypeError: 'int' object is not callable"),
        limits=True,
    ),
    before("print replaced", "import builtins; builtins.print = 3", limits=True),
    before(
        "json replaced",
        "import json; json.dumps = json.loads = lambda *_: 'x'",
        "writes to the grader's channel",
        limits=True,
    ),
    before(
        "sockets replaced",
        "import socket; socket.socket = socket.socketpair = None",
        limits=True,
    ),
    Attack(
        "no modules",
        notebook("import sys; sys.modules.clear()", GOOD),
        "it raises KeyError.*",
        NOT_THERE,
        limits=True,
    ),
    Attack(
        "the wire replaced",
        notebook(
            "from course_utils.grading import wire\n"
            "ask = {'do': 'call', 'name': 'hard_lookup', 'counts': [0] * 12}, []\n"
            "wire.receive = lambda *_, **__: ask",
            GOOD,
        ),
        "it raises TypeError: the function missing 3 required positional arguments.*",
        "it raises TypeError: the function missing 3 required positional arguments.*",
    ),
    before(
        "the wire silenced",
        """
        from course_utils.grading import wire
        wire.send = lambda *_, **__: None
        """,
        f"did not finish within {SECONDS} seconds",
    ),
    before(
        "asarray replaced",
        "import numpy as np; np.asarray = lambda *_, **__: 1",
        hard=BREAKS.format("AttributeError: 'int' object has no attribute 'dtype'"),
    ),
    before(
        "errstate replaced",
        "import numpy as np; np.errstate = 3",
        hard="it raises TypeError: 'int' object is not callable",
    ),
    Attack(
        "warnings are errors",
        notebook(
            "import warnings; warnings.simplefilter('error')",
            GOOD.replace("return", "warnings.warn('beware')\n    return"),
        ),
        limits=True,
    ),
    within(
        "warnings in a right answer",
        """
        import warnings; import numpy as np
        warnings.simplefilter("error"); np.seterr(all="raise")
        """,
        limits=True,
    ),
    returns("NumPy warns", "x + 0 * np.log(np.zeros(1)).clip(-1)", limits=True),
    before(
        "errors that have no words",
        """
        class Mute(Exception):
            def __str__(self): raise KeyError
        raise Mute
        """,
        "raises Mute",
        limits=True,
    ),
    within(
        "an error that has no words",
        """
        class Mute(Exception):
            def __str__(self): raise KeyError("no words")
        raise Mute
        """,
        r"it raises Mute \(line 4 of the cell: `raise Mute`\)",
        limits=True,
    ),
    within("another directory", "import os; os.chdir('/')", limits=True),
]

RETURNED = [
    returns(
        "a subclass that lies",
        "x.view(Liar)",
        setup="""
        class Liar(np.ndarray):
            shape = property(lambda self: (7,)); dtype = property(lambda self: None)
            def __array__(self, *_, **__): raise SystemExit
            def __eq__(self, _): return True
            def __len__(self): return -1
            def tobytes(self, *_): return b""
        """,
    ),
    returns(
        "a subclass that lies about wrong numbers",
        "(x * 0).view(Liar)",
        DIFFER,
        setup="""
        class Liar(np.ndarray):
            def __eq__(self, _): return True
            def __sub__(self, _): return 0
            def __array__(self, *_, **__): return np.zeros(3)
        """,
    ),
    returns(
        "an object that equals all",
        "Yes()",
        "it returns a Yes, not an array of numbers",
        setup="""
        class Yes:
            def __eq__(self, _): return True
            def __array__(self, *_, **__): return np.zeros(3)
        """,
    ),
    returns(
        "an object that says it is an array",
        "Yes()",
        "it returns an array of object, not of numbers",
        setup="""
        class Yes:
            __class__ = np.ndarray
        """,
    ),
    returns("a masked array", "np.ma.masked_array(x)"),
    returns(
        "a matrix",
        "np.matrix(x)",
        "the numbers are right, but there is an axis of length 1 too many",
    ),
    returns(
        "a generator",
        "(i for i in x)",
        "it returns a generator, not an array of numbers",
    ),
    returns(
        "an array of objects",
        "x.astype(object)",
        "it returns an array of object, not of numbers",
    ),
    returns("texts", "x.astype(str)", r"it returns an array of <U\d+, not of numbers"),
    returns(
        "complex numbers", "x + 0j", "it returns an array of complex128, not of numbers"
    ),
    returns("nothing at all", "x[:0]", r"the shape is \(0,\), expected \(\d,\)"),
    returns(
        "many dimensions of nothing",
        "np.zeros((0, 2**59))",
        r"the shape is \(0, 576460752303423488\), expected \(\d,\)",
    ),
    returns("64 dimensions", "np.zeros((1,) * 64)", NO_RESULT),
    returns(
        "too much", "np.zeros(10**7)", r"the shape is \(10000000,\): far too large"
    ),
    returns(
        "far too much, in little memory",
        "np.broadcast_to(x[0], (10**6, 10**6))",
        r"the shape is \(1000000, 1000000\): far too large",
    ),
    returns("the input itself", "value", r"the shape is \(\d, \d\), expected \(\d,\)"),
    returns("a view that goes backwards", "np.flip(np.flip(x).copy())"),
    returns("swapped bytes", "x.astype('>f8')"),
    returns("long doubles", "x.astype(np.longdouble)"),
    returns("nan", "x * np.nan", "the result holds nan"),
    returns(
        "what depends on the count of calls",
        "x + next(calls) % 2",
        r"called twice with the same arguments, it returns different numbers: .*",
        setup="import itertools; calls = itertools.count()",
    ),
    returns(
        "what depends on the time",
        "x + time.time_ns() % 1000",
        r"(called twice|the numbers differ).*",
        setup="import time",
    ),
    returns(
        "another shape of its input",
        "(value.flags.c_contiguous and value.resize(value.size, refcheck=False), x)[1]",
        r"it changes its input `value`: .*",
    ),
    returns(
        "an object with a long name",
        "type('x' * 2_000_000, (), {})()",
        "it returns an object of its own, not an array of numbers",
    ),
    returns(
        "a function", "hard_lookup", "it returns a function, not an array of numbers"
    ),
]

FORGED = [
    Attack(
        "says that it is ready",
        notebook(SPEAK + "say({'ready': True})\nos._exit(0)", GOOD),
        ENDS,
        ENDS,
    ),
    Attack(
        "says that the sandbox failed",
        notebook(SPEAK + "say({'failed': 'the sandbox'})\ntime.sleep(9)", GOOD),
        rest=f"{NOT_THERE}: code cell 1 writes to the grader's channel",
    ),
    Attack(
        "says strange numbers of cells",
        notebook(SPEAK + "say({'cell': [float('inf')]})\ntime.sleep(9)", GOOD),
        rest=f"{NOT_THERE}: code cell 1 writes to the grader's channel",
    ),
    forged("a length beyond all", "{}, length=2**32 - 1"),
    forged("no JSON", "b'[1, 2'"),
    forged("not even text", r"b'\xff\xfe'"),
    forged("deep JSON", "b'[' * 100_000"),
    forged("JSON that is no dictionary", "b'[]'"),
    forged(
        "long whole numbers", "b'{\"arrays\": [], \"changed\": [' + b'9' * 5000 + b']}'"
    ),
    forged("an empty reply", "{}"),
    forged("points", "{'points': 2, 'passed': True, 'message': 'right'}"),
    forged("objects", "{'returned': 1}, [['|O', [1], 0]], bytes(8)"),
    forged("structures", "{'returned': 1}, [[[['a', '<f8']], [1], 0]], bytes(8)"),
    forged("times", "{'returned': 1}, [['<m8', [1], 0]], bytes(8)"),
    forged("a negative shape", "{'returned': 1}, [['<f8', [-1], 0]], bytes(8)"),
    forged("a shape of fractions", "{'returned': 1}, [['<f8', [1.0], 0]], bytes(8)"),
    forged("a shape beyond all", "{'returned': 1}, [['<f8', [0, 10**30], 0]]"),
    forged("a shape of too many", "{'returned': 1}, [['|b1', [1] * 99, 0]], b'1'"),
    forged("too few bytes", "{'returned': 1}, [['<f8', [9], 0]], bytes(8)"),
    forged(
        "too many bytes", "{'returned': 1}, [['|b1', [65 << 20], 0]], bytes(65 << 20)"
    ),
    forged("a result that is not there", "{'returned': 1}"),
    forged("results fewer than said", "{'returned': 1}, [['|u1', [0], 0]], b''"),
    forged("a result without a word", "{}", how="reply"),
    forged("a word in place of words", "{'raised': 7}", AN_ERROR, rest=LATER),
    forged(
        "an error without words", "{'raised': ['', '', 0, '']}", AN_ERROR, rest=LATER
    ),
    forged(
        "an error in words of the grader",
        "{'raised': ['right', 'right: 12 fresh inputs, all as expected', 1, 'right:']}",
        r"it raises right \(line 1 of the cell\)",  # its own text has the word
        rest=LATER,
    ),
    forged(
        "an error beyond all lines",
        "{'raised': ['ValueError', [1], 10**400, {}]}",
        "it raises ValueError",
        rest=LATER,
    ),
    forged(
        "a kind that is none",
        "{'came': {'a': [1]}}",
        "it returns an object .*",
        rest=LATER,
    ),
    forged(
        "a kind in words of the grader",
        "{'came': 'right: 12 fresh inputs'}",
        "it returns an object .*",
        rest=LATER,
    ),
    forged(
        "a shape that is none", "{'large': {'a': 1}}", "its result is .*", rest=LATER
    ),
    forged("what a structure holds", "{'returned': 1}, [[{'names': ['a']}, [1], 0]]"),
    forged(
        "an offset beyond all",
        "{'returned': 1}, [[{'names': ['a'], 'formats': ['<f8'], "
        "'offsets': [2**62]}, [1], 0]], bytes(8)",
    ),
    forged("a dtype of many digits", "{'returned': 1}, [['<f99', [1], 0]], bytes(99)"),
    forged("a dtype with a shape", "{'returned': 1}, [['3f8', [1], 0]], bytes(24)"),
    forged("a size beyond all", "{'returned': 1}, [['<f8', [2**62, 2**62], 0]]"),
    forged("a flag in place of a size", "{'returned': 1}, [['|b1', [True], 0]], b'1'"),
    forged("a function that has no name", "{'use': [1], 'args': [], 'named': {}}"),
    forged("nothing there, for no cause", "{'missing': 7}", NOT_THERE, rest=LATER),
    forged(
        "not written",
        "{'unwritten': 1}",
        "it is not written yet",
        rest=LATER,
    ),
    forged("a failure", "{'failed': ['x']}", BREAKS.format("an error of its own")),
    forged(
        "a result, and then another",
        "{'returned': 1}, [['<f8', [3], 0]], bytes(24)); say(b'x'",
        r".*",
        rest=f"{LATER}|{NO_RESULT}",
    ),
    Attack(
        "one byte at a time",
        notebook(f"""{SPEAK}
{ANSWER}    link.sendall(struct.pack("!II", 1000, 1000))
    while True:
        link.sendall(b" ")
        time.sleep(0.01)"""),
        TIME,
    ),
    within(
        "noise on every file",
        """
        import os
        for fd in range(256):
            for _ in range(64):
                try: os.write(fd, b"r")
                except OSError: pass
        """,
        NO_RESULT,
    ),
    before(
        "noise on every file, in a cell",
        """
        import os
        for fd in range(256):
            for _ in range(64):
                try: os.write(fd, b"r")
                except OSError: pass
        """,
        "writes to the grader's channel",
    ),
    within("closes every file", "import os; os.closerange(3, 256)", ENDS, limits=True),
    before(
        "blames another cell for its end",
        f'{BEGUN}os.write(begun, b\'"cell": 2, "cell": 2\'); os._exit(0)',
        "ends the process that runs it",
        hard=f"{NOT_THERE}: code cell 1 ends the process that runs it",
        limits=True,
    ),
    before(
        "begins more cells than anybody reads of",
        f"{BEGUN}for _ in range(5000): os.write(begun, b'\"cell\": 7' * 3)",
        r"raises BlockingIOError: \[Errno 11\] Resource temporarily unavailable",
        limits=True,
    ),
    before(
        "begins cells without end",
        f"""{BEGUN}
for _ in range(3): os.fork()
while True:
    try: os.write(begun, b'"cell": 1 ' * 6000)
    except BlockingIOError: pass
""",
        f"did not finish within {SECONDS} seconds",
        limits=True,
    ),
    before(
        "begins no cell any more",
        f"{BEGUN}os.close(begun)",
        "writes to the grader's channel",
        limits=True,
    ),
]

WORDS = [
    within(
        "escape sequences and HTML",
        r"raise ValueError('\x1b[2J\x07\r\n<script>alert(1)</script>\u202e\ud800')",
        r"it raises ValueError \(line 2 of the cell: .*",
        limits=True,
    ),
    before(
        "escape sequences and HTML in a cell",
        r"raise ValueError('\x1b]0;x\x07<img src=x onerror=alert(1)>')",
        "raises ValueError: “\\]0;x <img src=x onerror=alert\\(1\\)>”",
        limits=True,
    ),
    within(
        "a megabyte of words",
        "raise ValueError('x' * 1_000_000)",
        r"it raises ValueError \(line 2 .*",
        limits=True,
    ),
    Attack(
        "a line of a megabyte",
        notebook(f"{ANSWER}    raise ValueError('short')  # {'x' * 900_000}"),
        r"it raises ValueError \(line 2 of the cell: `raise .*x`\)",
        limits=True,
    ),
    before(
        "a name of a megabyte",
        "raise type('x' * 1_000_000, (Exception,), {})",
        "raises an error of its own",
        limits=True,
    ),
    before(
        "prints without end",
        """
        for _ in range(1000): print("x" * 100_000)
        """,
        limits=True,
    ),
    within("prints much", "print('x' * 1_000_000)", limits=True),
]

CELLS = [
    before(
        "a syntax error",
        "def broken(:",
        "raises SyntaxError: invalid syntax.*",
        limits=True,
    ),
    before(
        "tabs", "if True:\n        x = 1\n\ty = 2", "raises TabError: .*", limits=True
    ),
    before(
        "indentation", "if True:\nx = 1", "raises IndentationError: .*", limits=True
    ),
    before(
        "null bytes",
        "x = '\0'",
        # Before Python 3.11.4 it was a ValueError.
        "raises (SyntaxError|ValueError): source code string cannot contain null bytes",
        limits=True,
    ),
    before("surrogates", "x = '\ud800'", "raises UnicodeEncodeError: .*", limits=True),
    before(
        "input",
        "input('name? ')",
        "raises EOFError: EOF when reading a line",
        limits=True,
    ),
    Attack(
        "%pip",
        notebook("%pip install no-such-package-as-this --quiet", GOOD),
    ),
    before("shell", "!rm -rf @OUT@\n%cd /\n%env X=1\n!exit 3", limits=False),
    before(
        "%%bash",
        "%%bash\nrm -rf @OUT@; kill -9 0; true",
        "raises CalledProcessError: .* died with <Signals.SIGKILL: 9>.”",
        limits=False,
    ),
    before(
        "%run and %load_ext",
        "%run nothing.py\n%load_ext nothing",
        "raises Exception: “File `'nothing.py'` not found.”",
        limits=True,
    ),
    before("%%javascript and %%html", "%%javascript\nalert(1)", limits=True),
    Attack("%reset", notebook(GOOD, "%reset -f"), NOT_THERE, limits=True),
    before(
        "an unknown magic",
        "%no_such_magic",
        "raises UsageError: Line magic function `%no_such_magic` not found",
        limits=True,
    ),
    Attack(
        "cells copied twice",
        notebook(GOOD, "check = None", ANSWER + "    return key[0]"),
        r"the shape is \(\d,\), expected \(\d,\)",
        limits=True,
    ),
    Attack(
        "cells copied twice, the right one last",
        notebook(ANSWER + "    return key[0]", GOOD),
        limits=True,
    ),
    Attack("a deleted check cell", notebook(GOOD), limits=True),
    Attack(
        "a check that says yes",
        notebook(
            GOOD,
            "from course_utils.checks import check\ncheck('hard_lookup', hard_lookup)",
        ),
        limits=True,
    ),
    Attack(
        "a name that is no function",
        notebook("def hard_lookup(): pass\nhard_lookup = 3"),
        NOT_THERE,
        limits=True,
    ),
    Attack(
        "a name that looks at its neighbours",
        notebook(
            GOOD,
            "class Trap(dict):\n    get = None\nget_ipython().user_ns = Trap()",
        ),
        BREAKS.format("TypeError: 'NoneType' object is not callable"),
        BREAKS.format("TypeError: .*"),
        limits=True,
    ),
]

NO_CELLS = "is not a notebook: it is JSON, but has no list of cells"
DEEP = "is not a notebook: it is nested too deep"
NOTHING = "has no exercise of this course in it"
FILES = [
    Attack("empty", b"", error="is not a notebook: it is empty"),
    Attack(
        "not UTF-8",
        GOOD.encode("utf-16"),
        error="is not a notebook: it is plain text",
    ),
    Attack("deep JSON as a notebook", b'{"cells": ' + b"[" * 200_000, error=DEEP),
    Attack(
        "deep metadata",
        b'{"metadata": '
        + b'{"a":' * 900
        + b"1"
        + b"}" * 900
        + b","
        + notebook(GOOD)[1:],
    ),
    Attack(
        "a long number",
        b'{"x": ' + b"9" * 5000 + b"," + notebook(GOOD)[1:],
        error=NO_CELLS,
    ),
    Attack("a list", b"[1, 2]", error=NO_CELLS),
    Attack("cells that are a number", b'{"cells": 7}', error=NO_CELLS),
    Attack(
        "cells that are no cells", notebook(7, None, [], {}, {"cell_type": []}, GOOD)
    ),
    Attack("a notebook without the exercise", notebook("x = 1"), error=NOTHING),
    Attack("no cells", notebook(), error=NOTHING),
    Attack(
        "sources of wrong types",
        notebook(
            {"cell_type": "code", "source": 7},
            {"cell_type": "code", "source": {"a": 1}},
            {"cell_type": "code", "source": [None, 1]},
            {"cell_type": "code"},
            GOOD,
        ),
    ),
    Attack(
        "a source in lines",
        notebook({"cell_type": "code", "source": GOOD.splitlines(keepends=True)}),
    ),
    Attack(
        "metadata of wrong types",
        notebook(
            {"cell_type": "code", "metadata": "x", "source": GOOD},
            {"cell_type": "code", "metadata": {"nbgrader": [1]}, "source": "1"},
            kernelspec=[1],
            language_info="x",
        ),
    ),
    Attack(
        "a name of wrong type",
        notebook(
            {
                "cell_type": "code",
                "metadata": {"nbgrader": {"grade_id": {"a": []}, "grade": False}},
                "source": GOOD,
            }
        ),
    ),
    Attack(
        "nbformat 3",
        json.dumps(
            {
                "worksheets": [
                    {
                        "cells": [
                            {"cell_type": "code", "input": GOOD, "language": "python"}
                        ]
                    }
                ],
                "metadata": {},
                "nbformat": 3,
                "nbformat_minor": 0,
            }
        ).encode(),
    ),
    Attack("a mark of byte order", b"\xef\xbb\xbf" + notebook(GOOD)),
    Attack(
        "another kernel",
        notebook(GOOD, kernelspec={"name": "ir", "language": "R"}),
        error="is a notebook in R, not in Python",
    ),
    Attack(
        "another language",
        notebook(GOOD, language_info={"name": "julia"}),
        error="is a notebook in julia, not in Python",
    ),
    Attack(
        "a kernel that is no text",
        notebook(GOOD, kernelspec={"language": {"<script>": 1}}),
    ),
    Attack("empty cells without number", notebook(*[""] * 50_000, GOOD)),
    Attack(
        "cells without number",
        notebook(*["1"] * 150_000, GOOD),
        error="has more than 1 MB of code",
    ),
    Attack(
        "a megabyte of code",
        notebook("x = '" + "x" * (1 << 20) + "'", GOOD),
        error="has more than 1 MB of code",
    ),
    Attack(
        "large pictures",
        notebook({"cell_type": "code", "source": GOOD, "outputs": ["x" * (10 << 20)]}),
    ),
    Attack("too large", b" " * (21 << 20), error="is larger than 20 MB"),
    Attack(
        "small lists without number",
        b'{"x": [' + b"[]," * 1_000_000 + b"0]," + notebook(GOOD)[1:],
    ),
]

CORPUS = [
    *TIME_AND_ENDS,
    *MEMORY_AND_DISK,
    *OUTSIDE,
    *TAMPERING,
    *RETURNED,
    *FORGED,
    *WORDS,
    *CELLS,
    *FILES,
]


def placed(attack, out, root, port):
    """Return the notebook with the test's own folder and port as its targets."""
    data = attack.notebook
    for name, value in (("@OUT@", out), ("@ROOT@", root), ("@PORT@", port)):
        data = data.replace(name.encode(), str(value).encode())
    return data
