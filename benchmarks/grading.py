"""Grade a class beside nbgrader, in one run on one machine, and print the figures.

    .venv/bin/python -m pip install -c constraints.txt -e '.[nbgrader,dask]'
    .venv/bin/python benchmarks/grading.py                       # some minutes
    .venv/bin/python benchmarks/grading.py --submissions 200 --sample 5

The submissions to lesson 01 are all different: right in several styles, mistaken, left
as they were, broken. The same go to our grader, in the sandbox, and a sample of them to
`nbgrader autograde`; the sample has no file that cannot be read, on which nbgrader
fails. None runs without end: nbgrader would wait for its time limit, and that would be
all that is compared. CPU time is user and system, of all processes that a command
started: counted by a control group where one can be made, and by what is left behind
for this process to wait for otherwise; both are shown. Of nbgrader, the start of the
command is taken out of the ratio, with a run on one submission; of ours, it is not.
Ours looks for the lines of mistakes, which nbgrader does not; it is run without that,
too. These runs take turns, as no machine is equally fast at all times. Then the same
class is graded on a local Dask cluster, and once more with a grader that is killed half
way and started again; the verdicts must be the same each time.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

ROOT = Path(__file__).resolve().parents[1]
LESSON = "01_soft_lookup"
TARGET = 40  # times less CPU time than nbgrader
ROUNDS = 3
PR_SET_CHILD_SUBREAPER = 36
# Where control groups are made, what counts their CPU time there, and in which unit.
CPU_TIME = [
    (Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage", 1e-9),
    (Path("/sys/fs/cgroup"), "cpu.stat", 1e-6),  # its first line: usage_usec N
]
SOFT = "np.exp(sharpness * (query @ key.T))"
# What learners write in the place of the stub: first right answers, then wrong ones.
RIGHT = {
    "hard_lookup": [
        "return value[np.argmax(key @ query)]",
        "return value[np.argsort(key @ query)[-1]]",
        "match = np.einsum('kd,d->k', key, query)\nreturn value[match.argmax()]",
        "best = max(range(len(key)), key=lambda i: float(key[i] @ query))\n"
        "return value[best].copy()",
    ],
    "soft_lookup": [
        f"weight = {SOFT}\nreturn weight / weight.sum() @ value",
        f"return np.average(value, axis=0, weights={SOFT})",
        "total, blend = 0.0, np.zeros(value.shape[1])\n"
        "for k, v in zip(key, value):\n"
        "    weight = np.exp(sharpness * float(query @ k))\n"
        "    total, blend = total + weight, blend + weight * v\n"
        "return blend / total",
    ],
    "soft_lookup_all": [
        f"weight = {SOFT}\nweight /= weight.sum(axis=-1, keepdims=True)\n"
        "return weight @ value",
        "return np.array([soft_lookup(q, key, value, sharpness) for q in query])",
        "weight = np.exp(sharpness * np.einsum('qd,kd->qk', query, key))\n"
        "return np.einsum('qk,kv->qv', weight, value) / weight.sum(1)[:, None]",
    ],
    "wind_from_weather": [
        "return soft_lookup(weather, log_weather, log_direction, sharpness)",
        "weight = np.exp(sharpness * (log_weather @ weather))\n"
        "return weight @ log_direction / weight.sum()",
    ],
}
WRONG = {
    "hard_lookup": [
        "return key[np.argmax(key @ query)]",
        "return np.argmax(key @ query)",
        "return value[np.argmin(key @ query)]",
        "return value[np.argmin(np.linalg.norm(key - query, axis=1))]",
        "print(value[np.argmax(key @ query)])",
    ],
    "soft_lookup": [
        f"return {SOFT} @ value",
        f"weight = {SOFT}\nreturn weight / weight.sum() @ key",
        "weight = np.exp(key @ query)\n"
        "return sharpness * weight / weight.sum() @ value",
        "return value.mean(axis=0)",
        "key *= sharpness\nweight = np.exp(key @ query)\n"
        "return weight / weight.sum() @ value",
    ],
    "soft_lookup_all": [
        "return value[: len(query)]",
        f"weight = {SOFT}\nreturn weight / weight.sum(axis=0) @ value",
        f"weight = {SOFT}\nreturn weight / weight.sum() @ value",
        f"return {SOFT} @ values",
    ],
    "wind_from_weather": [
        "return soft_lookup(log_weather, weather, log_direction, sharpness)",
        "return log_direction[np.argmax(log_weather @ weather)]",
        "return (log_weather @ weather",
    ],
}
STUB = "raise NotImplementedError"


@dataclass(frozen=True)
class Used:
    """What a command took.

    - `seconds`: from its start to its end.
    - `waited`: CPU seconds of the processes that were waited for, orphans included.
    - `group`: CPU seconds that the kernel counted for all of them, or None.
    - `peak`: bytes of its main process at most.
    """

    seconds: float
    waited: float
    group: float | None
    peak: int

    @property
    def cpu(self) -> float:
        """CPU seconds, by the better of the two counts."""
        return self.waited if self.group is None else self.group


def submission(i: int, rng: random.Random) -> str:
    """Return what learner i hands in: no two are the same."""
    text = (ROOT / "exercises" / f"{LESSON}.ipynb").read_text(encoding="utf-8")
    if is_broken(i):
        return text[: rng.randrange(1000, 3000)] + f" {i}"
    notebook = nbformat.reads(text, as_version=4)
    skill = rng.choice([0.0, 0.4, 0.7, 0.9, 1.0])
    for cell in notebook.cells:
        if cell.id in RIGHT:
            right = rng.random() < skill
            bodies = RIGHT[cell.id] if right else [*WRONG[cell.id], STUB]
            body = rng.choice(bodies).replace("\n", "\n    ")
            cell.source = cell.source.replace(STUB, body) + f"\n# {i}"
    return nbformat.writes(notebook)


def is_broken(i: int) -> bool:
    """Say whether learner i hands in half a file."""
    return i % 50 == 49


def hand_in(folder: Path, n: int) -> Path:
    """Write the submissions of a class, a folder for each learner."""
    rng = random.Random(0)
    for i in range(n):
        mine = folder / f"learner_{i:05}" / LESSON
        mine.mkdir(parents=True)
        text = submission(i, rng)
        (mine / f"{LESSON}.ipynb").write_text(text, encoding="utf-8")
    return folder


@contextmanager
def control_group():
    """Make a control group; yield where to join it, and how to read its CPU time."""
    found = [x for x in CPU_TIME if (x[0] / x[1]).exists()]
    place, file, unit = found[0] if found else (Path(), "", 0)
    group = place / f"grading-{os.getpid()}"
    try:
        if not found:
            raise FileNotFoundError
        group.mkdir()
    except OSError:
        yield None, lambda: None
        return
    try:
        yield (
            group / "cgroup.procs",
            lambda: unit * int((group / file).read_text().split("\n")[0].split()[-1]),
        )
    finally:
        with suppress(OSError):
            group.rmdir()


def run(
    command: list[str | Path],
    cwd: Path,
    until: Callable[[], bool] | None = None,
    **environment: str,
) -> Used:
    """Run a command to its end, and say what it took.

    - `command`: the command.
    - `cwd`: the folder in which it runs.
    - `until`: when to kill its main process, and only that.
    - `environment`: variables beside this process's own.
    """
    with control_group() as (join, used):

        def enter() -> None:
            if join is not None:
                join.write_text(str(os.getpid()))

        spared = children()
        before, began = waited(), time.perf_counter()
        log = cwd / "log.txt"
        with log.open("w") as said:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **own(cwd), **environment},
                stdout=said,
                stderr=said,
                preexec_fn=enter,
            )
            peak = 0
            while process.poll() is None:
                peak = max(peak, highest(process.pid))
                if until is not None and until():
                    process.send_signal(signal.SIGKILL)
                time.sleep(0.01)
        seconds = time.perf_counter() - began
        left = adopt(spared)
        if process.returncode and until is None:
            print(log.read_text()[-2000:], file=sys.stderr)
            sys.exit(f"{command[:4]} fails")
        if left:
            sys.exit(f"{command[:4]} leaves {left} processes behind")
        return Used(seconds, waited() - before, used(), peak)


def own(folder: Path) -> dict[str, str]:
    """Return the environment of a command: its home is the folder that it works in."""
    tools = str(Path(sys.executable).parent)  # nbgrader calls alembic by name
    return {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "COURSE_PROGRESS": str(folder / "progress.json"),
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.pathsep.join([tools, os.environ["PATH"]]),
    }


def waited() -> float:
    """Return the CPU seconds of all processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children() -> set[str]:
    """Return the numbers of this process's children, orphans that it adopted too."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return set(found.split())


def adopt(spared: set[str]) -> int:
    """Wait up to ten seconds for orphans; return how many are left.

    - `spared`: children that have nothing to do with it.
    """
    end = time.monotonic() + 10
    while (left := children() - spared) and time.monotonic() < end:
        for one in left:
            with suppress(ChildProcessError):
                os.waitpid(int(one), os.WNOHANG)
        time.sleep(0.02)
    return len(left)


def highest(pid: int) -> int:
    """Return the most memory, in bytes, that a process has had so far."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def ours(handed: Path, out: Path, *options: str, **how: Callable[[], bool]) -> Used:
    """Grade a class with our grader, with fixed inputs so that runs can be compared."""
    command = [sys.executable, "-P", "-m", "course_utils.grading", handed]
    return run([*command, "--out", out, "--seed", "1", *options], out.parent, **how)


def said(out: Path) -> tuple[str, dict]:
    """Return the CSV and the JSON of a run, without how long it took."""
    whole = json.loads((out / "class.json").read_text(encoding="utf-8"))
    for one in whole["learners"]:
        for each in one["notebooks"]:
            del each["seconds"]
    return (out / "class.csv").read_text(encoding="utf-8"), whole


def points(table: Path, learner: str, earned: str) -> dict[str, float]:
    """Return the points of each learner from a CSV."""
    rows = csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines())
    return {row[learner]: float(row[earned]) for row in rows}


def nbgrader(course: Path, handed: Path, sample: int) -> tuple[Used, Used]:
    """Grade one submission with nbgrader, then the sample; say what each took."""
    (course / "source" / LESSON).mkdir(parents=True)
    shutil.copy(ROOT / "exercises" / f"{LESSON}.ipynb", course / "source" / LESSON)
    (course / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "attention"\n'
        'c.KernelManager.transport_encryption = "auto"\n'
    )
    learners = [x for i, x in enumerate(sorted(handed.iterdir())) if not is_broken(i)]
    step = max(1, len(learners) // (sample + 1))
    chosen = learners[::step][: sample + 1]
    for one in chosen:
        shutil.copytree(one, course / "submitted" / one.name)
    command = [sys.executable, "-m", "nbgrader"]
    run([*command, "generate_assignment", LESSON], course)
    autograde = [*command, "autograde", LESSON]
    first = run([*autograde, "--student", chosen[0].name], course)
    rest = run(autograde, course)  # all but the one that is graded
    run([*command, "export"], course)
    return first, rest


def on_a_cluster(handed: Path, out: Path) -> Used:
    """Grade a class on a local Dask cluster; its workers' CPU time is not counted."""
    from distributed import LocalCluster

    os.environ["PYTHONPATH"] = str(ROOT)
    with LocalCluster(
        n_workers=os.cpu_count(), threads_per_worker=1, dashboard_address=None
    ) as cluster:
        began = time.perf_counter()
        command = [sys.executable, "-P", "-m", "course_utils.grading", handed]
        options = ["--out", out, "--seed", "1", "--dask", cluster.scheduler_address]
        environment = {**os.environ, **own(out.parent)}
        quiet = {"stdout": subprocess.DEVNULL, "env": environment}
        subprocess.run([*command, *options], check=True, **quiet)
        return Used(time.perf_counter() - began, 0, 0, 0)


def killed(handed: Path, out: Path, n: int) -> tuple[int, Used]:
    """Kill the grader half way and start it again; say how far it had come."""
    kept = out / "verdicts"

    def half_way() -> bool:
        return kept.exists() and 2 * len(list(kept.glob("[!.]*"))) >= n

    ours(handed, out, until=half_way)
    return len(list(kept.glob("[!.]*"))), ours(handed, out)


def row(name: str, count: int, used: Used) -> None:
    group = "-" if used.group is None else f"{used.group:.1f}"
    print(
        f"{name:<34}{count:6}{used.seconds:9.1f}{60 * count / used.seconds:10.0f}"
        f"{used.waited:9.1f}{group:>9}{1e3 * used.cpu / count:10.1f}"
        f"{used.peak / 1e6:9.0f}   load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def compared(work: Path, n: int, sample: int) -> bool:
    """Measure everything, and print it; say whether all is as it should be."""
    print(
        f"{'':<34}{'count':>6}{'seconds':>9}{'a minute':>10}{'waited':>9}"
        f"{'group':>9}{'ms each':>10}{'peak MB':>9}",
        flush=True,
    )
    handed, few = hand_in(work / "class", n), hand_in(work / "few", max(1, n // 10))
    small = ours(few, work / "ours-few")
    row("ours, a tenth of the class", max(1, n // 10), small)
    course, out = work / "nbgrader", work / "ours"
    spent = []
    for i in range(ROUNDS):  # in turn: a machine is not equally fast at all times
        for one in (course, out):
            if one.exists():
                one.rename(f"{one}-{i}")
        course.mkdir()
        first, theirs = nbgrader(course, handed, sample)
        row("nbgrader autograde, one", 1, first)
        row("nbgrader autograde", sample, theirs)
        large = ours(handed, out)
        row("ours", n, large)
        plain = ours(handed, work / f"plain-{i}", "--search", "0")
        row("ours, without looking for lines", n, plain)
        each = (theirs.cpu - first.cpu) / (sample - 1)
        spent.append((each, large.cpu / n, plain.cpu / n))
        print(
            f"nbgrader without its start: {1e3 * each:.0f} ms of CPU each", flush=True
        )
    theirs_each, mine, mine_plain = (sum(x) for x in zip(*spent, strict=True))
    ratio = theirs_each / mine
    rounds = ", ".join(f"{x / y:.0f}" for x, y, _ in spent)
    print(
        f"\nratio per CPU second: {ratio:.1f} (target: {TARGET}; in each round: "
        f"{rounds}); {theirs_each / mine_plain:.1f} without looking for lines"
    )
    print(f"peak memory of the grader: {large.peak / small.peak:.2f} times that of few")
    fine = agreement(course / "grades.csv", out / "class.csv")
    fine &= again(work, handed, n)
    return fine and ratio >= TARGET


def agreement(theirs: Path, mine: Path) -> bool:
    """Print whether both give the sample the same points."""
    given = points(mine, "learner", "points")
    found = points(theirs, "student_id", "score")
    differ = [x for x in found if found[x] != given[x]]
    print(f"points of the sample differ for {len(differ)} of {len(found)}: {differ}")
    return not differ


def again(work: Path, handed: Path, n: int) -> bool:
    """Grade on a cluster, and with a killed grader; print whether all is the same."""
    there = on_a_cluster(handed, work / "dask")
    same = said(work / "dask") == said(work / "ours")
    print(f"on a Dask cluster: {there.seconds:.1f} s, the same verdicts: {same}")
    half, resumed = killed(handed, work / "killed", n)
    alike = said(work / "killed") == said(work / "ours")
    print(
        f"killed at {half} of {n}, nobody left behind; resumed in "
        f"{resumed.seconds:.1f} s, the same verdicts: {alike}"
    )
    return same and alike


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=1000, help="for our grader")
    parser.add_argument("--sample", type=int, default=20, help="of them, for nbgrader")
    arguments = parser.parse_args()
    if not 2 <= arguments.sample < arguments.submissions:
        parser.error("--sample needs to be 2 or more, and less than --submissions")
    # Whoever loses its parent becomes a child of this process, and is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with TemporaryDirectory() as work:
        fine = compared(Path(work), arguments.submissions, arguments.sample)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
