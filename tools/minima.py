"""Run the tests on the lowest versions that pyproject.toml allows.

    python tools/minima.py [OPTIONS]

It makes an environment of its own, .venv/minima, without JupyterLab. Options go on to
pytest, such as -n 2 or a test to run; without a test, those run that need neither
JupyterLab nor a tool of the maintainer, and the cells of three lessons.
"""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv" / "minima"
LOWEST = re.compile(r"([\w.-]+)>=([\d.]+)")
ROOMS = ["checks", "data", "exercises", "figures", "learner", "models"]
LESSONS = ["01_soft_lookup", "05_scaled_dot_product_attention", "10_backward"]
LEFT_OUT = ["test_course.py", "test_fetch_models.py", "test_repository.py"]


def main(options: list[str]) -> int:
    """Make the environment, and run the tests in it; return pytest's exit code."""
    python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(HOME, with_pip=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needs = lowest(project["project"]["dependencies"])
    print("The lowest versions:", *needs.values(), flush=True)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    others = [pin for pin in pins if pin.split("==")[0].lower() not in needs]
    (HOME / "constraints.txt").write_text("\n".join(others) + "\n")
    tools = project["project"]["optional-dependencies"]["test"]
    pip = [python, "-m", "pip", "install", "-q", "-c", str(HOME / "constraints.txt")]
    code = subprocess.call([*pip, *needs.values(), *tools])
    pytest = [python, "-m", "pytest", "-q", *options]
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    if any((ROOT / x.split("::")[0]).is_file() for x in options):
        return code or subprocess.call(pytest, cwd=ROOT, env=here)
    code = code or subprocess.call([*pytest, *everything()], cwd=ROOT, env=here)
    lessons = ["--nbval", *(f"notebooks/{name}.ipynb" for name in LESSONS)]
    as_stored = here | {"COURSE_FIGURES": "still"}
    return code or subprocess.call([*pytest, *lessons], cwd=ROOT, env=as_stored)


def lowest(needs: list[str]) -> dict[str, str]:
    """Return what asks pip for the lowest version of each need, by its name."""
    found = [LOWEST.match(need) for need in needs]
    return {x[1]: f"{x[1]}=={x[2]}" for x in found if x}


def everything() -> list[str]:
    """Return what pytest runs: the tests of the package."""
    mathematics = sorted((ROOT / "tests").glob("test_*.py"))
    return [
        *(str(path) for path in mathematics if path.name not in LEFT_OUT),
        *(f"tests/{room}" for room in ROOMS),
        *("-m", "not browser and not oracle and not models"),
        # An old library uses what is deprecated.
        *("-W", "default::DeprecationWarning"),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
