"""Whole runs of the grader: on a cluster, and killed half way."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import nbformat
import psutil
import pytest

from course_utils.grading import batch

RIGHT = "def hard_lookup(query, key, value):\n    return value[(key @ query).argmax()]"
ANSWERS = [
    RIGHT,
    RIGHT.replace("value[", "key["),
    "def hard_lookup(query, key, value):\n    raise NotImplementedError",
    RIGHT.replace("return", "print(1); #"),
    "def hard_lookup(query, key, value)\n    return value",
    "import os\nos._exit(1)",
]
STUB = "def soft_lookup(query, key, value, sharpness): pass"
ISOLATIONS = ["process", "sandbox"] if shutil.which("bwrap") else ["process"]
PR_SET_CHILD_SUBREAPER = 36


def notebook(*cells):
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=code))


def a_class(folder, answers):
    """Write a notebook for each answer, of a learner each."""
    for i, cells in enumerate(answers):
        (folder / f"learner_{i:02}").mkdir(parents=True)
        (folder / f"learner_{i:02}" / "lesson.ipynb").write_text(cells)
    return folder


def command(handed, out, *options):
    start = [sys.executable, "-P", "-m", "course_utils.grading"]
    terms = ["--out", out, "--seed", 1, "--seconds", 20]
    return [*start, *map(str, [handed, *terms, *options])]


def grade(handed, out, *options, env):
    done = subprocess.run(
        command(handed, out, *options), env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return written(out)


def written(out):
    """Return all that a run says of a class, but how long it took."""
    table = (out / "class.csv").read_text(encoding="utf-8-sig")
    whole = json.loads((out / "class.json").read_text(encoding="utf-8"))
    for one in whole["learners"]:
        for each in one["notebooks"]:
            assert each.pop("seconds") >= 0
    pages = {x.name: x.read_text("utf-8") for x in (out / "feedback").iterdir()}
    return table, whole, pages


@pytest.mark.dask
@pytest.mark.filterwarnings("ignore")  # what Dask warns of is its own affair
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_cluster_gives_the_same_verdicts(
    isolation, tmp_path, with_course, monkeypatch
):
    distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")
    # The last two hand in the same bytes.
    cells = [notebook(x, STUB) for x in [*ANSWERS, RIGHT]]
    handed = a_class(tmp_path / "class", [*cells, "{", cells[0]])
    options = ["--isolation", isolation, "--workers", 2]
    here = grade(handed, tmp_path / "here", *options, env=with_course)
    monkeypatch.setenv("PYTHONPATH", with_course["PYTHONPATH"])
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        options = ["--isolation", isolation, "--dask", cluster.scheduler_address]
        there = grade(handed, tmp_path / "there", *options, env=with_course)
        assert cluster.scheduler.transition_counter > 0  # it was asked
    assert there == here
    points = [x["points"] for x in there[1]["learners"]]
    assert points == [2, 0, 0, 0, 0, 0, 2, 0, 2]


@contextmanager
def adopting():
    """Become the parent of processes whose own one dies, and yield how to see them."""
    become = ctypes.CDLL(None).prctl
    become(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = {x.pid for x in psutil.Process().children(recursive=True)}

    def left():
        while reaped(before):
            pass
        now = psutil.Process().children(recursive=True)
        return [x for x in now if x.pid not in before]

    try:
        yield left
    finally:
        for one in left():  # of a test that fails
            one.kill()
        become(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def reaped(spared):
    """Take leave of one dead child, if there is one beside those to spare."""
    for child in psutil.Process().children():
        if child.pid not in spared and child.status() == psutil.STATUS_ZOMBIE:
            return os.waitpid(child.pid, 0)
    return None


def within(seconds, is_so):
    """Wait until something is so; say whether it came to be."""
    end = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < end:
        time.sleep(0.005)
    return so


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one adopt orphans")
def test_killed_half_way_it_loses_nothing_and_leaves_nobody(tmp_path, with_course):
    # Never all done between two looks.
    slow = "import time\ntime.sleep(0.03)"
    answers = [ANSWERS[i % 5] + f"\n# {i}" for i in range(60)]
    handed = a_class(tmp_path / "class", [notebook(x, STUB, slow) for x in answers])
    out, options = tmp_path / "out", ["--isolation", ISOLATIONS[-1]]
    kept = out / "verdicts"

    def there():
        return set(kept.glob("[!.]*")) if kept.exists() else set()

    with adopting() as left:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start = command(handed, out, *options, "--workers", 2)
        run = subprocess.Popen(start, env=with_course, **quiet)
        assert within(300, lambda: len(there()) >= 30)
        assert len(left()) > 3  # the workers, and what they started
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert within(300, lambda: not left()), left()
    half = {x: x.stat().st_mtime_ns for x in there()}
    assert 30 <= len(half) < 60
    assert all(json.loads(x.read_bytes()) for x in half)
    assert not (out / "class.csv").exists()
    # So would a file look that was being written at that moment.
    (kept / f".{'0' * 64}.json.1").write_text('{"error": nu')

    options += ["--workers", 1]
    resumed = grade(handed, out, *options, env=with_course)
    assert {x: x.stat().st_mtime_ns for x in half} == half
    assert len(there()) == 60
    assert resumed == grade(handed, tmp_path / "whole", *options, env=with_course)
    assert len({x["learner"] for x in resumed[1]["learners"]}) == 60
    assert sum(x["points"] for x in resumed[1]["learners"]) == 2 * 60 // 5


def test_stopped_by_hand_it_says_how_to_go_on(tmp_path, with_course):
    slow = "import time\ntime.sleep(0.1)"
    answers = [notebook(RIGHT + f"\n# {i}", STUB, slow) for i in range(24)]
    handed, out = a_class(tmp_path / "class", answers), tmp_path / "out"
    kept = out / "verdicts"
    start = command(handed, out, "--isolation", "process", "--workers", 2)
    run = subprocess.Popen(
        start,
        env=with_course,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that all of it hears Ctrl-C, and nobody else
    )
    assert within(120, lambda: kept.exists() and len(list(kept.glob("[!.]*"))) >= 2)
    os.killpg(run.pid, signal.SIGINT)
    said = run.communicate()[1]
    assert run.returncode == 130
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("Stopped. Every verdict so far")
    assert all(json.loads(x.read_bytes())["points"] == 2 for x in kept.glob("[!.]*"))
    assert not (out / "class.csv").exists()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux alone has it")
@pytest.mark.parametrize("workers", [1, 3])
def test_each_worker_has_one_processor_and_they_share_them_evenly(workers, tmp_path):
    mine = os.sched_getaffinity(0)
    os.mkfifo(door := tmp_path / "door")
    with batch.processes(workers) as pool:
        for _ in range(workers):  # none becomes idle: each starts one
            pool.submit(os.open, door, os.O_RDONLY)
        theirs, end = [], time.monotonic() + 60
        while len(theirs) < workers and time.monotonic() < end:
            time.sleep(0.05)
            every = [os.sched_getaffinity(x) for x in workers_of_this_process()]
            theirs = [x for x in every if len(x) == 1]
        opened = os.open(door, os.O_RDWR)  # lets all go
    os.close(opened)
    assert len(theirs) == workers  # all have one place
    uses = Counter(x for one in theirs for x in one)
    assert set(uses) <= mine
    assert len(uses) == min(workers, len(mine))
    assert max(uses.values()) - min(uses.values()) <= 1
    assert os.sched_getaffinity(0) == mine


def workers_of_this_process():
    """Return the numbers of those that the server of forks has forked."""
    children = psutil.Process().children()
    servers = [x for x in children if "forkserver" in " ".join(x.cmdline())]
    return [x.pid for server in servers for x in server.children()]
