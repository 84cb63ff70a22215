"""Set up the course, open it, check it, or grade with it.

Only the standard library is used here, because this runs before anything is
installed. The first start makes .venv beside this file; later starts reuse it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "The course needs Python 3.11 or newer, and this is Python "
        "{}.{}: get a newer one from python.org or your package manager, and start "
        "course.py with it.".format(*sys.version_info)
    )

import difflib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOG = VENV / "set-up.log"
COLLECTING = re.compile(r"\s*Collecting ([\w.-]+)")
# What a set-up may take, by the extra.
MEGABYTES = {"": 700, "test": 1000, "oracles": 2500, "nbgrader": 1200, "dask": 1100}
# Extras that `test` installs and uses when it is told to, and their tests' marker.
ON_DEMAND = {"oracles": "oracle", "nbgrader": "nbgrader", "dask": "dask"}

HELP = """\
usage: python3 course.py [COMMAND] [OPTIONS]

  lab      open the course in JupyterLab; without a command, this is done
           your own copies of the notebooks are in work/
           options go on to JupyterLab, such as --port 8890 or --no-browser
  again    start over a lesson's exercises, or one: course.py again 1
           or course.py again hard_lookup; the old notebook is kept beside
  grade    show your points; with files or folders, grade the notebooks in
           them: python3 course.py grade PATH ...
  build    rebuild the notebooks whose source or code changed; those of one
           lesson: python3 course.py build 1
           --check        only compare: fails where notebook and source differ
           --check --run  also build all anew, and compare the bytes
  test     run every check that a change must pass
           --oracles      also compare with PyTorch, which is then installed
           --nbgrader     also grade with nbgrader, --dask on a Dask cluster
           --thorough     also what is slow, with more random examples, and fresh
                          ones; --hypothesis-seed N draws those of an earlier run

The first start sets everything up in .venv and takes about a minute. To start
afresh, delete .venv. Inside an environment that has the course installed, such
as conda's or Binder's, that environment is used and .venv is not made.
"""


def main() -> int:
    """Run the command named on the command line; return its exit code."""
    command, *options = sys.argv[1:] or ["lab"]
    if command in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if command.startswith("-"):
        command, options = "lab", sys.argv[1:]
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, 1)
        meant = f"Did you mean '{near[0]}'?" if near else "See --help."
        print(f"There is no command '{command}'. {meant}", file=sys.stderr)
        return 2
    return COMMANDS[command](options)


def lab(options: list[str]) -> int:
    """Open JupyterLab at the start page, in the learner's own folder."""
    python = set_up()
    code = run([*module(python, "course_utils.learner.workspace"), "lay-out"])
    if code:
        return code
    settings = ROOT / ".jupyter"
    paths = [str(settings), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return become(
        [
            python,
            "-m",
            "jupyterlab",
            f"--ServerApp.root_dir={ROOT / 'work'}",
            f"--LabServerApp.extra_labextensions_path={settings / 'labextensions'}",
            "--LabApp.default_url=/lab/tree/start.md",
            *options,
        ],
        JUPYTER_CONFIG_PATH=os.pathsep.join(filter(None, paths)),
    )


def grade(options: list[str]) -> int:
    """Grade notebooks, folders of them, or both; without any, show the points."""
    what = "course_utils.grading" if options else "course_utils.learner"
    return become([*module(set_up(), what), *options])


def again(options: list[str]) -> int:
    """Start over a lesson's exercises, or one exercise."""
    return become(
        [*module(set_up(), "course_utils.learner.workspace"), "again", *options]
    )


def build(options: list[str]) -> int:
    """Rebuild the notebooks from their sources, or check that they match."""
    return become([set_up("test"), str(ROOT / "tools" / "build.py"), *options])


def test(options: list[str]) -> int:
    """Run every check; options go through to pytest."""
    extras = [extra for extra in ON_DEMAND if f"--{extra}" in options]
    options = [x for x in options if x not in {f"--{extra}" for extra in extras}]
    python = set_up("test")
    for extra in extras:
        set_up(extra)
    left_out = [ON_DEMAND[extra] for extra in ON_DEMAND if extra not in extras]
    # What shares a server goes to one worker, and all else to the one that is free.
    pytest = [python, "-m", "pytest", "-n", "2", "--dist", "loadgroup"]
    steps = {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "spelling": [python, "-m", "codespell_lib"],
        "build": [python, "tools/build.py", "--check"],
        "examples": [python, "-m", "pytest", "-q", "--doctest-modules", "course_utils"],
        "tests": [*pytest, "--nbval", "tests", "notebooks", "solutions"],
    }
    if left_out:
        steps["tests"] += ["-m", " and ".join(f"not {x}" for x in left_out)]
    steps["tests"] += options
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, step in steps.items():
            print(f"\n=== {name}", flush=True)
            # The maintainer's own progress must not change what a lesson prints.
            own = {"COURSE_PROGRESS": str(Path(folder) / "progress.json")}
            if run(step, cwd=ROOT, **own):
                failed.append(name)
    print("\n" + (f"Failed: {', '.join(failed)}" if failed else "All checks passed."))
    return 1 if failed else 0


COMMANDS = {"lab": lab, "again": again, "grade": grade, "build": build, "test": test}


def module(python: str, name: str) -> list[str]:
    """Return the start of a command that runs a module of the course."""
    # -P: the course's own modules, not others in the folder that one stands in.
    return [python, "-P", "-m", name]


def run(command: list[str], cwd: Path | None = None, **environment: str) -> int:
    """Run a command with the course on its path; return its exit code."""
    process = subprocess.Popen(command, cwd=cwd, env=with_course(environment))
    # Ctrl-C is for the command: JupyterLab asks whether it is meant.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def become(command: list[str], **environment: str) -> int:
    """Run a command in place of this one, where the system can do that."""
    if os.name == "posix":
        os.execve(command[0], command, with_course(environment))
    return run(command, **environment)


def with_course(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment variables under which the course can be imported."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    # One thread a matrix product: attention shares its heads out among threads.
    blas = {"OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1")}
    return {**os.environ, **blas, "PYTHONPATH": path, **environment}


def set_up(extra: str = "") -> str:
    """Return a Python that has what the course needs, installing it if need be.

    Args:
        extra: What is needed beside the course itself: "test", or one on demand.
    """
    if in_own_environment(extra):
        return sys.executable
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = stamp_of(extra)
    if stamp.exists() and stamp.read_text() == fingerprint(extra) and usable(python):
        return str(python)
    check_disk(extra)
    make_venv(python)
    install(str(python), extra)
    for done in {"", extra}:  # an extra brings the course itself along
        stamp_of(done).write_text(fingerprint(done))
    return str(python)


def in_own_environment(extra: str) -> bool:
    """Say whether this Python, outside .venv, already has the course installed."""
    if Path(sys.prefix).resolve() == VENV:
        return False
    try:
        importlib.metadata.distribution("attention-course")
    except importlib.metadata.PackageNotFoundError:
        return False
    needs = {"": "jupyterlab", "test": "pytest", "oracles": "torch"}
    needs |= {"nbgrader": "nbgrader", "dask": "distributed"}
    if importlib.util.find_spec(needs[extra]) is None:
        sys.exit(
            f"This environment has the course, but not what '{extra}' needs: "
            f"python -m pip install -e '.[{extra}]' adds it."
        )
    return True


def stamp_of(extra: str) -> Path:
    """Name the file that says for which state of the course .venv was set up."""
    return VENV / f"set-up-is-done{extra and '-' + extra}"


def fingerprint(extra: str) -> str:
    """Name the state of the files that say what is installed."""
    files = ("pyproject.toml", "constraints.txt")
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    return hashlib.sha256(f"{extra} {ROOT} {text}".encode()).hexdigest()


def usable(python: Path) -> bool:
    """Say whether a Python is there, starts, and is new enough."""
    ask = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.call([python, "-c", ask], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def check_disk(extra: str) -> None:
    """Stop with one sentence if nothing can be written here, or too little."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        sys.exit(
            f"The course cannot be set up in {ROOT}, which is not writable "
            f"({error.strerror}): clone it into a folder of your own."
        )
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < MEGABYTES[extra]:
        sys.exit(
            f"The disk is too full: the set-up needs about {MEGABYTES[extra]} MB "
            f"in {ROOT}, and {free} MB are free."
        )


def make_venv(python: Path) -> None:
    """Make .venv, unless a usable one is there from an earlier, unfinished try."""
    if usable(python):
        return
    if VENV.exists():
        print("The .venv that is there does not work with this course: made anew.")
    version = "{}.{}".format(*sys.version_info)
    print(f"Making .venv with Python {version} ...", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        said = made.stdout + made.stderr
        if "ensurepip" in said:
            sys.exit(
                "This Python lacks the venv module's other half: install it, on "
                f"Debian and Ubuntu with 'apt install python{version}-venv'."
            )
        sys.exit(explained(said, "The environment .venv could not be made"))


def install(python: str, extra: str) -> None:
    """Install the course, and an extra, at the pinned versions."""
    what = f".[{extra}]" if extra else "."
    pinned = ["-c", "constraints.txt", "-e", what]
    # uv does not read pip's settings, and PyTorch's small build may come by them.
    uv = shutil.which("uv")
    if uv and extra != "oracles":
        print("Installing with uv ...", flush=True)
        if run([uv, "pip", "install", "--python", python, *pinned], cwd=ROOT) == 0:
            return
        print("uv could not: trying pip.")
    print("Installing what the course needs ...", flush=True)
    total = len((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", *pinned]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    said, found = [], 0
    with subprocess.Popen(
        command, cwd=ROOT, encoding="utf-8", errors="replace", **pipes
    ) as pip:
        for line in pip.stdout or ():
            said.append(line)
            match = COLLECTING.match(line)
            if match:
                found += 1
                show_progress(0.9 * min(found / total, 1), f"downloading {match[1]}")
            elif line.startswith("Installing collected"):
                show_progress(0.95, "installing, about half a minute")
    LOG.write_text("".join(said), encoding="utf-8")
    if pip.returncode:
        sys.exit(explained("".join(said), "The packages could not be installed"))
    show_progress(1, "ready\n")


def show_progress(share: float, doing: str) -> None:
    """Draw a progress bar over itself, or nothing where that cannot be."""
    if sys.stdout.isatty():
        full = min(int(30 * share), 30)
        bar = "#" * full + "." * (30 - full)
        print(f"\r[{bar}] {doing:<40.40}", end="", flush=True)


def explained(said: str, what: str) -> str:
    """Turn what a failed step printed into one sentence, or show its end."""
    if "No space left on device" in said or "Errno 28" in said:
        return f"{what}: the disk is full."
    if re.search(
        "name resolution|getaddrinfo|NewConnectionError|ConnectTimeout|ProxyError"
        r"|unreachable|Failed to establish|\(from versions: none\)",
        said,
    ):
        return (
            f"{what}: they could not be downloaded. Is there a network? Start "
            "again when there is, and the set-up goes on."
        )
    last = "\n".join(said.strip().splitlines()[-5:])
    return f"{what}. The last lines say:\n{last}\nAll of it is in {LOG}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped. Started again, the course goes on from here.")
