import html
import json
import os
import py_compile
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hostile_corpus import CORPUS, GOOD, RIGHT, SECONDS, Attack, notebook, placed

from course_utils.grading import judging, sandbox, verdict
from course_utils.grading.child import PHASES
from course_utils.grading.clock import PATIENCE
from course_utils.grading.sandbox import Limits, Sandbox
from course_utils.grading.verdict import Terms

pytestmark = [
    pytest.mark.skipif(
        shutil.which("bwrap") is None,
        reason="bubblewrap is not installed (apt install bubblewrap)",
    ),
]
# Those of one half follow one another in one worker, which has one sandbox for them.
HALVES = [pytest.mark.xdist_group(f"hostile-{i}") for i in range(2)]
LIMITS = Limits(seconds=SECONDS)
USER = 4242  # nobody's number


def said_of(attack, said):
    """See that a verdict is exactly what it must be."""
    if attack.error is not None:
        assert said["error"] == attack.error
        assert said["points"] == 0
        return
    assert said["error"] is None
    hard, *rest = said["exercises"]
    told, *_ = hard["message"].split("; one change makes it right: ")
    assert re.fullmatch(attack.hard, told), hard["message"]
    assert hard["points"] == (2 if attack.hard == RIGHT else 0)
    for x in rest:
        assert re.fullmatch(attack.rest, x["message"]), x["message"]
        assert x["points"] == 0


def make_canaries(folder):
    """Fill a folder with what must stay as it is, and invite all to write there."""
    for name in ("grades/class.csv", "class/eve/a.ipynb", "seed"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as it was")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777)


def state(folder):
    """Return what a folder holds, with contents, rights and times."""
    stats = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {
        path: (stat.st_mode, stat.st_mtime_ns, path.is_file() and path.read_bytes())
        for path, stat in stats.items()
    }


def descendants(process):
    """Return the numbers of all processes that a process has started, at any depth."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if after_name[0] != "Z":
                parents[int(folder.name)] = int(after_name[1])
    found = {process}
    while more := {x for x, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _soon_nothing(found):
    """See that nothing is found any more, when the last has found its way out."""
    deadline = time.monotonic() + 300
    while still := found():
        assert time.monotonic() < deadline, still
        time.sleep(0.05)


class Ears:
    """Somebody to talk to outside, whom nobody inside should reach."""

    def __init__(self):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(f"\0hostile-{self.port}")
        self.unix.listen()

    def has_heard(self):
        for ear in (self.tcp, self.unix):
            ear.setblocking(False)
            with suppress(BlockingIOError):
                ear.accept()[0].close()
                return True
        return False

    def close(self):
        self.tcp.close()
        self.unix.close()


@dataclass
class Arena:
    """One sandbox for all attacks, and all that they must not reach."""

    terms: Terms
    home: Sandbox
    out: Path
    ears: Ears
    root: Path
    solved: bytes

    def grade(self, attack):
        data = placed(attack, self.out, self.root, self.ears.port)
        return verdict.grade(data, self.terms)


@pytest.fixture(scope="module")
def arena_of(tmp_path_factory, root):
    """Return a function that makes the arena of a level, once for all attacks."""
    ears, out = Ears(), tmp_path_factory.mktemp("out")
    make_canaries(out)
    (solved,) = (root / "solutions").glob("01_*.ipynb")
    # Its answers lie beside it too, translated.
    py_compile.compile(str(root / "course_utils" / "exercises" / "lesson_01.py"))
    running = set()

    @cache
    def made(level):
        terms = Terms(1, level, LIMITS)
        home = sandbox.of_this_thread(level, LIMITS)
        home.start()
        running.update(descendants(home._waiting.pid))
        return Arena(terms, home, out, ears, root, solved.read_bytes())

    yield made
    ears.close()
    made("process").home.close()
    _soon_nothing(lambda: [x for x in running if Path(f"/proc/{x}").exists()])


def pairs():
    """Yield every attack on every level; two workers share them, each in its arena."""
    for level in ("sandbox", "process"):
        for i, attack in enumerate(CORPUS):
            if level == "sandbox" or attack.limits:
                name = f"{level}: {attack.name}"
                yield pytest.param(level, attack, id=name, marks=HALVES[i % 2])


@pytest.mark.parametrize(("level", "attack"), list(pairs()))
def test_an_attack_gets_its_verdict_and_nothing_else(level, attack, arena_of):
    arena = arena_of(level)
    waiting, resting = arena.home._waiting.pid, descendants(arena.home._waiting.pid)
    before, temporary = state(arena.out), set(os.listdir(tempfile.gettempdir()))
    files = len(os.listdir("/proc/self/fd"))

    said = arena.grade(attack)
    said_of(attack, said)
    assert said["seconds"] < PATIENCE * PHASES * SECONDS

    assert descendants(waiting) == resting
    assert len(os.listdir("/proc/self/fd")) == files
    assert state(arena.out) == before
    left = set(os.listdir(tempfile.gettempdir())) - temporary
    assert not [x for x in left if x.startswith("hostile")]
    assert not arena.ears.has_heard()

    victim = verdict.grade(arena.solved, arena.terms)
    assert victim["points"] == victim["of"] == 10
    assert arena.home._waiting.pid == waiting


def test_the_corpus_is_large_and_its_names_differ():
    assert len({x.name for x in CORPUS}) == len(CORPUS) > 100


def make_class(folder, out, root, port):
    """Make a class of attackers and victims; return the attack of each learner."""
    attacks = {}
    for i, attack in enumerate(CORPUS):
        learner = f"{i:03d} attacker"
        (folder / learner).mkdir(parents=True)
        name = "renamed by the learner.ipynb" if i % 2 else "01_soft_lookup.ipynb"
        (folder / learner / name).write_bytes(placed(attack, out, root, port))
        attacks[learner] = attack
        if i % 5 == 0:
            learner = f"{i:03d} victim"
            (folder / learner).mkdir()
            (folder / learner / "mine.ipynb").write_bytes(notebook(f"'{i}'", GOOD))
            attacks[learner] = Attack(learner, b"", rest=".*")
    return attacks


NAMES = {  # of learners: as handed in, and as shown
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "=cmd()": "=cmd()",
    "\x1b[2Jgone": r"\x1b[2Jgone",
    "two\nlines": r"two\nlines",
    "\N{RIGHT-TO-LEFT OVERRIDE}left": r"\u202eleft",
    os.fsdecode(b"\xff\xfe"): r"\udcff\udcfe",
}


def make_odd_files(folder):
    """Hand in what is no file, or has a name that does harm when it is shown."""
    kinds = folder / "odd files"
    kinds.mkdir()
    os.mkfifo(kinds / "pipe.ipynb")
    (kinds / "link.ipynb").symlink_to("/etc/passwd")
    (kinds / "device.ipynb").symlink_to("/dev/zero")
    (kinds / "loop.ipynb").symlink_to("loop.ipynb")
    (kinds / "folder.ipynb").mkdir()
    (folder / "linked").symlink_to("/etc")
    for name in NAMES:
        (folder / name).mkdir()
        (folder / name / f"{name}.ipynb").write_bytes(notebook(GOOD))


def as_another_user(hold, *shown):
    """Return the start of a command that runs the rest as a user without rights.

    Folders that are closed to others are replaced, in a world of their own, by what
    the user must see of them.
    """
    lines = ["set -e"]
    closed = {}
    for i, path in enumerate(shown):
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                lines += [f"mkdir '{hold}/{i}'", f"mount --bind '{path}' '{hold}/{i}'"]
                closed[path] = folder, i
                break
    for folder in {folder for folder, _ in closed.values()}:
        lines += [f"mount -t tmpfs -o mode=755 none '{folder}'"]
    for path, (_, i) in closed.items():
        lines += [f"mkdir -p '{path}'", f"mount --bind '{hold}/{i}' '{path}'"]
    ids = f"--reuid {USER} --regid {USER} --clear-groups"
    lines += [f'exec setpriv {ids} "$@"']
    return ["unshare", "--mount", "sh", "-c", "\n".join(lines), "sh"]


def test_a_class_of_attackers_is_graded_by_a_user_without_rights(
    tmp_path, root, with_course
):
    """As the root user, who can become another; else as whoever runs this."""
    ears = Ears()
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        place.chmod(0o755)
        out, handed = place / "out", place / "class"
        make_canaries(out)
        before = state(out)
        attacks = make_class(handed, out, root, ears.port)
        make_odd_files(handed)
        (place / "graded").mkdir()
        before_command = []
        if os.getuid() == 0:
            os.chown(place / "graded", USER, USER)
            python = Path(sys.base_prefix), Path(sys.prefix), root
            before_command = as_another_user(tmp_path, *python)
        done = subprocess.run(
            [
                *before_command,
                *(sys.executable, "-m", "course_utils.grading", handed),
                *("--out", place / "graded" / "out", "--seconds", str(SECONDS)),
                *("--workers", "2"),
            ],
            env={**with_course, "HOME": str(place / "graded")},
            capture_output=True,
            cwd=place,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert state(out) == before
        assert not ears.has_heard()
        _see_the_reports(place / "graded" / "out", attacks)
        assert b"\x1b" not in done.stdout
        _soon_nothing(lambda: [x for x in _command_lines() if str(place) in x])
    ears.close()


def _see_the_reports(folder, attacks):
    whole = json.loads((folder / "class.json").read_text(encoding="utf-8"))
    learners = {x["learner"]: x for x in whole["learners"]}
    for learner, attack in attacks.items():
        (said,) = learners[learner]["notebooks"]
        said_of(attack, said | {"points": learners[learner]["points"]})
    for shown in NAMES.values():
        assert learners[shown]["points"] == 2
    odd = {Path(x["file"]).stem: x["error"] for x in learners["odd files"]["notebooks"]}
    assert odd == {
        "pipe": "is not a regular file",
        "folder": "cannot be opened: Is a directory",
        **dict.fromkeys(
            ("link", "device", "loop"), "is a link, and links are not followed"
        ),
    }
    (linked,) = learners["linked"]["notebooks"]
    assert linked["error"] == "is a link, and links are not followed"
    pages = [*(folder / "feedback").glob("*.html"), folder / "class.html"]
    assert len(pages) == len(learners) + 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
    assert html.escape(next(iter(NAMES))) in (folder / "class.html").read_text()


def _command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_text(errors="replace")


@HALVES[0]
def test_a_submission_has_a_world_of_its_own_and_no_rights_in_it():
    home = Sandbox("sandbox", LIMITS)
    home.start()
    (waiting,) = (x for x in descendants(home._waiting.pid) if not _children(x))
    resting, mine = _world(waiting), _world(os.getpid())
    assert all(resting[x] != mine[x] for x in mine)
    for _ in range(2):
        link = home.submission()
        (child,) = _children(waiting)
        world = _world(child)
        assert all(world[x] != resting[x] for x in ("user", "pid", "mnt", "ipc"))
        assert all(world[x] != mine[x] for x in mine)
        status = Path(f"/proc/{child}/status").read_text()
        rights = set(re.findall(r"^Cap(?!Bnd)\w+:\t(\w+)", status, re.M))
        assert rights == {"0" * 16}
        assert "\nNoNewPrivs:\t1\n" in status
        assert "\nSeccomp:\t2\n" in status
        assert re.search(r"^NSpid:.*\t1$", status, re.M)
        home.end(link)
        assert not _children(waiting)
    assert _world(waiting) == resting
    home.close()


def _world(process):
    names = ("user", "pid", "mnt", "ipc", "net", "uts")
    return {x: os.readlink(f"/proc/{process}/ns/{x}") for x in names}


def _children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


@HALVES[0]
def test_a_submission_dies_first_where_memory_is_short_and_with_what_started_it():
    home = Sandbox("sandbox", LIMITS)
    home.start()
    resting = descendants(home._waiting.pid)
    (waiting,) = (x for x in resting if not _children(x))
    link = home.submission()
    (child,) = _children(waiting)
    assert Path(f"/proc/{child}/oom_score_adj").read_text() == "1000\n"
    os.kill(waiting, signal.SIGKILL)
    _soon_nothing(lambda: [x for x in resting if x in descendants(os.getpid())])
    assert not Path(f"/proc/{child}/exe").exists()
    home.end(link)
    home.end(home.submission())
    home.close()


@HALVES[0]
def test_a_dead_sandbox_is_made_anew():
    home = Sandbox("process", LIMITS)
    home.end(home.submission())
    home._waiting.kill()
    home._waiting.wait()
    home.end(home.submission())
    home.close()


@HALVES[0]
def test_one_submission_on_which_the_grader_fails_does_not_stop_the_others(
    monkeypatch,
):
    def fail(*_):
        raise ZeroDivisionError("so\nbad")

    monkeypatch.setattr(judging, "judge", fail)
    said = verdict.grade(notebook(GOOD), Terms(1, "process", LIMITS))
    assert said["error"] == r"makes the grader fail: ZeroDivisionError('so\nbad')"
    sandbox.of_this_thread("process", LIMITS).close()


@HALVES[0]
def test_what_is_inside_is_written_in_one_place_only():
    """A checkout below /tmp, as this may be, is seen inside as well as any other."""
    cell = """
import matplotlib.pyplot, os, tempfile
open(os.path.expanduser("~/x"), "w")
tempfile.NamedTemporaryFile()
def hard_lookup(query, key, value):
    return value[(key @ query).argmax()]
"""
    terms = Terms(1, "sandbox", Limits())
    said = verdict.grade(notebook(cell), terms)
    assert said["exercises"][0]["points"] == 2, said
    sandbox.of_this_thread("sandbox", terms.limits).close()
