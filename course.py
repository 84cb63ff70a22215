"""Set up the course, open it, check it, or grade with it.

Only the standard library is used here and in set_up.py, because both run before
anything is installed. The first start makes .venv beside them; later starts reuse it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "The course needs Python 3.11 or newer, and this is Python "
        "{}.{}: get a newer one from python.org or your package manager, and start "
        "course.py with it.".format(*sys.version_info)
    )

import difflib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # which is missing under PYTHONSAFEPATH
from set_up import environment, needs_models, set_up  # noqa: E402

# What `test` installs, or fetches, and uses when it is told to; their tests' marker.
ON_DEMAND = {
    "oracles": "oracle",
    "nbgrader": "nbgrader",
    "dask": "dask",
    "models": "models",
}
NO_TESTS = 5  # what pytest says where its options leave none

HELP = """\
usage: python3 course.py [COMMAND] [OPTIONS]

  lab      open the course in JupyterLab; without a command, this is done
           your own copies of the notebooks are in work/
           options go on to JupyterLab, such as --port 8890 or --no-browser
  again    start over a lesson's exercises, or one: course.py again 1
           or course.py again hard_lookup; the old notebook is kept beside
  grade    show your points; with files or folders, grade the notebooks in
           them: python3 course.py grade PATH ...
  models   fetch the two published models that lessons 16 and 17 run, 180 MB
           --from PATH    take them out of a copy that somebody has
  build    rebuild the notebooks whose source or code changed; or: build 1
           --check        only compare: fails where notebook and source differ
           --check --run  also build all anew, and compare the bytes
  site     write the course as web pages, in site/; --browser: as JupyterLite
  test     run every check; --browser-build: JupyterLite's too
           --oracles      also compare with PyTorch; --models: also run 16, 17
           --nbgrader     also grade with nbgrader, --dask on a Dask cluster
           --thorough     also what is slow, on more and fresh examples;
                          --hypothesis-seed N draws those of an earlier run

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
    extensions = ROOT / "course_utils" / "labextensions"
    return become(
        [
            python,
            "-m",
            "jupyterlab",
            f"--ServerApp.root_dir={ROOT / 'work'}",
            f"--LabServerApp.extra_labextensions_path={extensions}",
            "--LabApp.default_url=/lab/tree/start.md",
            *options,
        ]
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


def models(options: list[str]) -> int:
    """Fetch the published models that lessons run."""
    return become([set_up(), str(ROOT / "fetch_models.py"), *options])


def build(options: list[str]) -> int:
    """Rebuild the notebooks from their sources, or check that they match."""
    return become([set_up("test"), str(ROOT / "tools" / "build.py"), *options])


def site(options: list[str]) -> int:
    """Write the course as web pages, or as JupyterLite with --browser."""
    if "--browser" in options:
        options = [x for x in options if x != "--browser"]
        return become([set_up(), str(ROOT / "tools" / "site_browser.py"), *options])
    return become([set_up("site"), str(ROOT / "tools" / "site" / "build.py"), *options])


def test(options: list[str]) -> int:
    """Run every check; options go through to pytest."""
    extras = [extra for extra in ON_DEMAND if f"--{extra}" in options]
    options = [x for x in options if x not in {f"--{extra}" for extra in extras}]
    python = set_up("test")
    set_up("site")  # the browser's tests build the pages
    for extra in extras:
        if extra != "models":
            set_up(extra)
        elif run([python, str(ROOT / "fetch_models.py")]):
            return 1
    left_out = [ON_DEMAND[extra] for extra in ON_DEMAND if extra not in extras]
    skipped = lessons_with_models() if "models" in left_out else []
    two = [python, "-m", "pytest", "-n", "2", "--dist"]
    # What shares a server goes to one worker, and all else to the one that is free.
    pytest = [*two, "loadgroup"]
    marked = "".join(f" and not {x}" for x in left_out)
    steps = {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "spelling": [python, "-m", "codespell_lib"],
        "build": [python, "tools/build.py", "--check"],
        "examples": [python, "-m", "pytest", "-q", "--doctest-modules", "course_utils"],
        "notebooks": [
            *[*two, "loadfile", "-q", "--nbval", "notebooks", "solutions"],
            *(f"--ignore={path}" for path in skipped),
        ],
        "tests": [*pytest, "tests", "-m", f"not browser{marked}", *options],
        # The browser's driver keeps an event loop running: nothing else may need one.
        "browser": [*pytest, "tests/browser", *options],
    }
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, step in steps.items():
            print(f"\n=== {name}", flush=True)
            # The maintainer's own progress must not change what a lesson prints.
            own = {"COURSE_PROGRESS": str(Path(folder) / "progress.json")}
            if name == "notebooks":  # as they are built: without packed figures
                own["COURSE_FIGURES"] = "still"
            code = run(step, cwd=ROOT, **own)
            if code and not (options and code == NO_TESTS):
                failed.append(name)
    if skipped:
        print(f"\nLeft out, as only --models runs them: {', '.join(skipped)}")
    print("\n" + (f"Failed: {', '.join(failed)}" if failed else "All checks passed."))
    return 1 if failed else 0


def lessons_with_models() -> list[str]:
    """Return the notebooks that only run where the published models are."""
    there = sorted((ROOT / "notebooks").glob("*.ipynb"))
    found = (x for x in there if needs_models(x.read_text(encoding="utf-8")))
    return [x.relative_to(ROOT).as_posix() for x in found]


COMMANDS = {
    "lab": lab,
    "again": again,
    "grade": grade,
    "models": models,
    "build": build,
    "site": site,
    "test": test,
}


def module(python: str, name: str) -> list[str]:
    """Return the start of a command that runs a module of the course."""
    # -P: the course's own modules, not others in the folder that one stands in.
    return [python, "-P", "-m", name]


def run(command: list[str], cwd: Path | None = None, **variables: str) -> int:
    """Run a command in the course's environment; return its exit code."""
    process = subprocess.Popen(command, cwd=cwd, env=environment(**variables))
    # Ctrl-C is for the command: JupyterLab asks whether it is meant.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def become(command: list[str]) -> int:
    """Run a command in place of this one, where the system can do that."""
    if os.name == "posix":
        os.execve(command[0], command, environment())
    return run(command)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # the path may have any character
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped. Started again, the course goes on from here.")
