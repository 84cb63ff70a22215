"""Set up what the course runs in: the folder .venv, and the environment variables.

Only the standard library is used here, because this runs before anything is
installed.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOG = VENV / "set-up.log"
COLLECTING = re.compile(r"\s*Collecting ([\w.-]+)")
# The user's settings for other Pythons and Jupyters. Of pip's, those that say where
# packages come from, and how to get there, stay.
FOREIGN = re.compile(
    r"PYTHON|IPYTHON|JUPYTERLAB_|JUPYTER_(CONFIG|DATA|RUNTIME|PATH|NO_|PREFER)|MPL"
    r"|MATPLOTLIB|PIP_(?!.*(INDEX|LINKS|HOST|PROXY|CERT|CONFIG|CACHE|TIMEOUT|RETRIES"
    r"|KEYRING))"
)
# What a set-up may need on the disk, by extra.
MEGABYTES = {
    "": 600,
    "test": 1000,
    "oracles": 2500,
    "nbgrader": 1200,
    "dask": 1100,
    "site": 700,
}
EVERY = 4  # seconds between two lines on the progress of a set-up
GONE = "No matching distribution found for "
# What pip or venv says when it fails, and what that means; the first that fits.
FAULTS = {
    "No space left on device|Errno 28": "the disk is full.",
    "(?i)certificate.verify.failed|SSLCertVerif|CA certificate bundle": (
        "the certificate of the package index is not trusted. If a proxy or a virus "
        "scanner reads along, set PIP_CERT to the file with its certificate."
    ),
    "407 Proxy|407 Client Error": (
        "the proxy asks for a login: set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT."
    ),
    "40[13] Client Error|HTTP error 40[13]|40[13] Error": (
        "the package index asks for a login, or refuses yours: put name and password "
        "into pip's setting for it (PIP_INDEX_URL or pip.conf)."
    ),
    "name resolution|getaddrinfo|NewConnection|Timeout|timed out|ProxyError|unreachable"
    "|Failed to establish|[Cc]onnection (aborted|broken|reset)|IncompleteRead": (
        "nothing could be downloaded. Is there a network? Start again when there is, "
        "and it goes on."
    ),
    "5[0-9][0-9] Server Error|HTTP error 5": (
        "the package index is out of order. Start again later, and it goes on."
    ),
    GONE: (
        "the package index does not have what is needed. If pip's settings name one of "
        "your own (PIP_INDEX_URL, pip.conf), it needs what PyPI has."
    ),
}


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of everything that runs in .venv.

    The course sees neither the user's packages nor the user's settings for Python,
    Jupyter and matplotlib. Index, proxy and certificates stay as they are.
    """
    ours = {k: v for k, v in os.environ.items() if not FOREIGN.match(k)}
    settings = ROOT / ".jupyter"
    own = settings / "own"
    # An encoding that lacks a character gets a "?" for it.
    encoding = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    ours |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONNOUSERSITE": "1",
        "PYTHONIOENCODING": f"{encoding}:replace",
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "JUPYTER_CONFIG_PATH": str(settings),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "IPYTHONDIR": str(settings / "ipython"),
        "MPLCONFIGDIR": str(own / "matplotlib"),
    }
    # One thread a matrix product: attention shares its heads out among threads.
    ours.setdefault("OPENBLAS_NUM_THREADS", "1")
    if os.name == "posix" and not os.path.isdir(ours.get("HOME", "")):
        ours["HOME"] = str(own)
    return ours | variables


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
    check_folder(extra)
    make_venv(python)
    install(str(python), extra)
    # Relative, so that it is plain ASCII: for a Jupyter that is not started from here.
    site = next(VENV.glob("[Ll]ib/**/site-packages"))
    (site / "attention-course.pth").write_text(os.path.relpath(ROOT, site) + "\n")
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
    needs = {"": "jupyterlab", "test": "pytest", "oracles": "transformers"}
    needs |= {"nbgrader": "nbgrader", "dask": "distributed", "site": "sphinx"}
    if importlib.util.find_spec(needs[extra]) is None:
        sys.exit(
            f"This environment has the course, but not what '{extra or 'lab'}' needs: "
            f"python -m pip install -e '.[{extra or 'lab'}]' adds it."
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


def usable(python: Path, *ask: str) -> bool:
    """Say whether a Python is there, runs what is asked, and is new enough."""
    ask = ask or ("-c", "import sys; sys.exit(sys.version_info < (3, 11))")
    try:
        return not subprocess.run(
            [python, *ask], capture_output=True, env=environment()
        ).returncode
    except OSError:
        return False


def check_folder(extra: str) -> None:
    """Stop with one sentence if the course cannot be set up in its folder."""
    if os.pathsep in str(ROOT):
        sys.exit(
            f"The course cannot be set up in {ROOT}: Python takes the '{os.pathsep}' "
            "for the end of the path. Rename the folder, and start again."
        )
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
    """Make .venv, unless a whole one is there from an earlier, unfinished try."""
    if usable(python) and usable(python, "-m", "pip", "--version"):
        return
    if VENV.exists():
        print("The .venv here does not work with this course, and is made anew.")
    version = "{}.{}".format(*sys.version_info)
    with Progress(f"making .venv with Python {version}"):
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(VENV)],
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(),
        )
    if made.returncode:
        said = made.stdout + made.stderr
        if "ensurepip" in said:
            sys.exit(
                "This Python lacks half of its venv module: on Debian and Ubuntu, "
                f"'apt install python{version}-venv' brings it. Then start again."
            )
        sys.exit(explained(said, "The environment .venv could not be made"))


def install(python: str, extra: str) -> None:
    """Install what the course, or an extra, needs, at the pinned versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"].get("optional-dependencies", {})
    needs = project["project"]["dependencies"] + extras.get("lab", [])
    needs += extras.get(extra, [])
    pinned = ["-c", "constraints.txt", *needs]
    # uv does not read pip's settings, and PyTorch's small build may come by them.
    uv = shutil.which("uv")
    if uv and extra != "oracles":
        print("Installing with uv ...", flush=True)
        command = [uv, "pip", "install", "--python", python, *pinned]
        if subprocess.call(command, cwd=ROOT, env=environment()) == 0:
            return
        print("uv failed; trying pip.")
    # What is compiled at the first import need not be compiled before the first start.
    command = [python, "-m", "pip", "install", "--no-compile", "--log", str(LOG)]
    total = len((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    said, found = [], 0
    LOG.unlink(missing_ok=True)
    with (
        Progress("asking the package index") as progress,
        subprocess.Popen(
            [*command, "--disable-pip-version-check", *pinned],
            cwd=ROOT,
            env=environment(),
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as pip,
    ):
        for line in pip.stdout or ():
            said.append(line)
            match = COLLECTING.match(line)
            if match:
                found += 1
                progress.share = 0.9 * min(found / total, 1)
                progress.doing = f"downloading {match[1]}"
            elif line.startswith("Installing collected"):
                progress.doing = f"installing {found} packages"
    if pip.returncode:
        sys.exit(explained("".join(said), "The packages could not be installed"))


class Progress(threading.Thread):
    """Says what goes on: a bar in a terminal, elsewhere a line every few seconds."""

    def __init__(self, doing: str) -> None:
        super().__init__(daemon=True)
        self.share, self.doing, self._over = 0.0, doing, threading.Event()

    def __enter__(self) -> "Progress":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Tell until it is over."""
        start, terminal = time.monotonic(), sys.stdout.isatty()
        while not self._over.wait(0.2 if terminal else EVERY):
            line = f"{time.monotonic() - start:3.0f} s  {self.doing}"
            bar = f"\r[{'#' * int(30 * self.share):.<30}] {line:<40.40}"
            print(bar if terminal else line, end="" if terminal else "\n", flush=True)
        if terminal:
            print()


def explained(said: str, what: str) -> str:
    """Turn what a failed step printed into one sentence, or show its end."""
    log = LOG.read_text(encoding="utf-8", errors="replace") if LOG.exists() else ""
    sentence = meaning(said + log)
    if sentence:
        return f"{what}: {sentence}"
    last = "\n".join(said.strip().splitlines()[-5:])
    more = f"\nAll of it is in {LOG}" if log else ""
    return f"{what}. The last lines say:\n{last}{more}"


def meaning(said: str) -> str | None:
    """Return the sentence for what pip or venv said, if it is a known fault."""
    found = (FAULTS[pattern] for pattern in FAULTS if re.search(pattern, said))
    return next(found, None)


def needs_models(lesson: str) -> bool:
    """Say whether a lesson's source, or its notebook, reads a published model."""
    return "course_utils.models.published import" in lesson
