"""Build the course for the browser: JupyterLite, with Python compiled to WebAssembly.

    python3 course.py site --browser [OUT] [--from FOLDER ...]

OUT, or site/lite, becomes a folder of static files that any web server can serve. The
files of Pyodide, which is Python for the browser, are taken from the folders, and what
is not there from where JupyterLite has them by default, which is untried. Each wheel
must have the SHA-256 that Pyodide's lock file gives it. An older Pyodide, whole in the
folders, gets the JupyterLite that was made for it.

JupyterLite brings an extension that JupyterLab cannot load, so it is installed in an
environment of its own, .venv/browser, in which this module starts itself again.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from course_utils.learner import start_page  # noqa: E402

HOME = ROOT / ".venv" / "browser"
JUPYTERLITE = ("jupyterlite-core==0.8.6", "jupyterlite-pyodide-kernel==0.8.6")
# For a Pyodide whose Python is older: the kernel must fit it.
OLDER = {"3.12": ("jupyterlite-core==0.6.4", "jupyterlite-pyodide-kernel==0.6.1")}
TOOLS = ("jupyter-server", "jupyterlab-widgets", "anywidget", "numpy", "flit-core")
LOCK = "pyodide-lock.json"
# Python itself, and what starts it.
RUNTIME = ("pyodide.mjs", "pyodide.js", "pyodide.asm.wasm", "python_stdlib.zip")
# Of Pyodide, what the kernel asks for beside the course.
KERNEL = ("micropip", "ipython", "jedi", "ssl", "sqlite3")
# Pure wheels that Pyodide does not have.
ADDED = ("anywidget", "comm", "ipywidgets", "psygnal")
# What of each is imported in the browser, where no server needs to be asked.
NEEDS = {
    "attention-course": [
        *("numpy", "matplotlib", "contourpy", "ipywidgets", "anywidget"),
        *("jinja2", "tqdm", "matplotlib-inline", "ipython"),
    ],
    "anywidget": ["ipywidgets", "psygnal", "typing-extensions"],
    "ipywidgets": ["comm", "traitlets", "ipython"],
    "comm": ["traitlets"],
    "micropip": ["packaging"],
    "jinja2": ["markupsafe"],
}
# Of the site's own first page: what leads on, by default to no page in particular.
LEADS_ON = "await import('./config-utils.js');"
TO_START = 'window.location.replace("lab/index.html?path=start.md");'
KERNEL_PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
Lock = dict[str, Any]


def build(out: Path, folders: list[Path]) -> None:
    """Write the site.

    - `out`: where it shall stand; what was there is replaced.
    - `folders`: where files of Pyodide and pure wheels lie, if any do.
    """
    with tempfile.TemporaryDirectory() as temporary:
        lite = Path(temporary)
        pyodide = lite / "static" / "pyodide"
        pyodide.mkdir(parents=True)
        lock = json.loads(_file(LOCK, folders).read_text(encoding="utf-8"))
        own = _own_wheels(lite / "wheels", folders, lock)
        for name in (*RUNTIME, _glue(lock)):
            shutil.copy(_file(name, folders), pyodide)
        _bring_packages(lock, own, folders, pyodide)
        _lay_out(lite / "files")
        shutil.copy(
            ROOT / ".jupyter" / "labconfig" / "default_setting_overrides.json",
            lite / "overrides.json",
        )
        _run_jupyterlite(lite, out)
    _settle(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1e6:.0f} MB")


def _file(name: str, folders: list[Path]) -> Path:
    """Return a file of Pyodide from the folders, or else fetch it once."""
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    try:
        from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL
    except ImportError:  # of an older one
        raise SystemExit(f"{name} is in no folder given with --from.") from None
    kept = ROOT / ".venv" / "pyodide"
    kept.mkdir(parents=True, exist_ok=True)
    if not (kept / name).exists():
        half = kept / f"{name}.part"
        urllib.request.urlretrieve(f"{PYODIDE_CDN_URL}/{name}", half)
        half.replace(kept / name)
    return kept / name


def _glue(lock: Lock) -> str:
    """Return the file between JavaScript and Python, a module since Python 3.14."""
    minor = int(_python(lock).split(".")[1])
    return "pyodide.asm.mjs" if minor >= 14 else "pyodide.asm.js"


def _python(lock: Lock) -> str:
    """Return the version of Pyodide's Python, such as 3.14."""
    return lock["info"]["python"].rpartition(".")[0]


def _own_wheels(made: Path, folders: list[Path], lock: Lock) -> dict[str, Path]:
    """Return, by name, the wheels that take the place of Pyodide's or stand beside."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    course = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(made)]
    subprocess.run([*pip, *course, str(ROOT)], check=True)
    stock = {package["file_name"] for package in lock["packages"].values()}
    given = [x for folder in folders for x in folder.glob("*-none-any.whl")]
    own = {_name(x): x for x in given if x.name not in stock}
    pure = ["--only-binary=:all:", "--platform", "any"]
    pure += ["--python-version", _python(lock)]
    pins = ["-c", str(ROOT / "constraints.txt")]
    missing = [name for name in ADDED if name not in own | lock["packages"]]
    if missing:
        download = ["download", "-q", "--no-deps", *pure, *pins, "-d", str(made)]
        subprocess.run([*pip, *download, *missing], check=True)
    return own | {_name(x): x for x in made.glob("*.whl")}


def _name(wheel: Path) -> str:
    return re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()


def _bring_packages(
    lock: Lock, own: dict[str, Path], folders: list[Path], pyodide: Path
) -> None:
    """Copy the wheels that the course needs, and lock these and no others."""
    packages = lock["packages"] | {name: _entry(x) for name, x in own.items()}
    wanted, todo = {}, ["attention-course", *KERNEL]
    while todo:
        name = todo.pop()
        if name in wanted or name not in packages:
            continue  # what a Pyodide holds in itself, such as ssl, it does not list
        wanted[name] = package = packages[name]
        wheel = own.get(name) or _file(package["file_name"], folders)
        if _sha256(wheel) != package["sha256"]:
            raise SystemExit(f"{wheel} is not what Pyodide's lock file says.")
        shutil.copy(wheel, pyodide)
        todo += [re.sub(r"[-_.]+", "-", x).lower() for x in package["depends"]]
    for name in {*NEEDS, *NEEDS["attention-course"]} - set(wanted):
        raise SystemExit(f"Pyodide has no {name}: give a folder with a pure wheel.")
    text = json.dumps(lock | {"packages": wanted})
    (pyodide / LOCK).write_text(text, encoding="utf-8")


def _entry(wheel: Path) -> dict[str, object]:
    """Return what a lock file says of a pure wheel."""
    name = _name(wheel)
    imports = "course_utils" if name == "attention-course" else name.replace("-", "_")
    return {
        "name": name,
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": _sha256(wheel),
        "imports": [imports],
        "depends": NEEDS.get(name, []),
        "unvendored_tests": False,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lay_out(files: Path) -> None:
    """Lay out the learner's folder as the first visit finds it."""
    for name in ("notebooks", "exercises", "solutions"):
        shutil.copytree(ROOT / name, files / name)
    os.environ["COURSE_PROGRESS"] = str(files / "progress.json")
    start_page.write()


def _run_jupyterlite(lite: Path, out: Path) -> None:
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    shutil.copytree(
        ROOT / "course_utils" / "labextensions", extensions, dirs_exist_ok=True
    )
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    command += ["--lite-dir", str(lite), "--output-dir", str(out.resolve())]
    command += ["--contents", str(lite / "files"), "--no-sourcemaps"]
    command += ["--apps", "lab", "--no-unused-shared-packages"]
    subprocess.run(command, check=True, cwd=lite, stdout=subprocess.DEVNULL)


def _settle(out: Path) -> None:
    """Open at the start page, ask nothing of another server, and name the site."""
    first = out / "index.html"
    text = first.read_text(encoding="utf-8")
    if LEADS_ON not in text:
        raise SystemExit(f"{first} does not lead on by {LEADS_ON}")
    first.write_text(text.replace(LEADS_ON, TO_START), encoding="utf-8")
    path = out / "jupyter-lite.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    data = config["jupyter-config-data"]
    data |= {"appName": "Attention, built by hand", "exposeAppInBrowser": True}
    kernel = data.setdefault("litePluginSettings", {}).setdefault(KERNEL_PLUGIN, {})
    kernel["disablePyPIFallback"] = True
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "site" / "lite")
    parser.add_argument(
        "--from", dest="folders", type=Path, action="append", default=[]
    )
    given = parser.parse_args()
    if importlib.util.find_spec("jupyterlite_core") is None:
        python = _environment(given.folders)
        sys.exit(subprocess.call([python, __file__, *sys.argv[1:]]))
    build(given.out, given.folders)


def _environment(folders: list[Path]) -> str:
    """Return the Python of an environment that has JupyterLite, made if need be."""
    there = (x / LOCK for x in folders if (x / LOCK).exists())
    lock = next((json.loads(x.read_text(encoding="utf-8")) for x in there), None)
    fitting = OLDER.get(_python(lock), JUPYTERLITE) if lock else JUPYTERLITE
    python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(HOME, with_pip=True)
    pins = ["-c", str(ROOT / "constraints.txt")]
    install = [str(python), "-m", "pip", "install", "-q", *pins, *fitting, *TOOLS]
    subprocess.run(install, check=True)
    return str(python)


if __name__ == "__main__":
    main()
