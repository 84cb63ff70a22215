"""What several test modules share."""

import os
import secrets
import shutil
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from course_utils.models import published

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says nothing about the course.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same few examples on every run, so that a red test is red for everyone.
settings.register_profile("everyday", patient, max_examples=100, derandomize=True)
settings.register_profile("thorough", patient, max_examples=500, print_blob=True)


def pytest_addoption(parser):
    words = "more and fresh random examples, and the tests marked thorough"
    parser.addoption("--thorough", action="store_true", help=words)
    words = "also build the course for the browser, and run it there"
    parser.addoption("--browser-build", action="store_true", help=words)


@pytest.hookimpl(tryfirst=True)  # before Hypothesis reads its seed
def pytest_configure(config):
    thorough = config.getoption("--thorough")
    settings.load_profile("thorough" if thorough else "everyday")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in what a script starts in the background. Tests press the stop button.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if thorough and config.option.hypothesis_seed is None:
        # A submission must not fail by chance.
        seed = 0 if os.environ.get("CI") else secrets.randbelow(2**32)
        fresh = {"seed": str(seed)}
        config.option.hypothesis_seed = getattr(config, "workerinput", fresh)["seed"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Let all workers of pytest-xdist draw from one seed."""
    node.workerinput["seed"] = node.config.option.hypothesis_seed


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    if config.getoption("--thorough") and exitstatus:
        seed = config.option.hypothesis_seed
        terminalreporter.write_line(
            f"The same again: --thorough --hypothesis-seed={seed}"
        )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config, items):
    seldom = pytest.mark.skip(reason="thorough: runs with --thorough")
    on_demand = pytest.mark.skip(reason="browser_build: runs with --browser-build")
    not_here = pytest.mark.skip(reason="models: python3 course.py models fetches them")
    for item in items:
        if item.get_closest_marker("thorough") and not config.getoption("--thorough"):
            item.add_marker(seldom)
        builds = item.get_closest_marker("browser_build")
        if builds and not config.getoption("--browser-build"):
            item.add_marker(on_demand)
        if item.get_closest_marker("models") and not published.are_here():
            item.add_marker(not_here)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    """Tell what was multiplied when BLAS says invalid: it may not come again."""
    show = warnings.showwarning

    def tell(message, category, filename, *place):
        if "in matmul" in str(message):
            frame = sys._getframe(1)
            while frame.f_back and frame.f_code.co_filename != filename:
                frame = frame.f_back
            told = [
                f"{name}: {x.dtype} {x.shape}, strides {x.strides}, "
                f"{'finite' if np.isfinite(x).all() else 'not finite'}: {x.tolist()}"
                for name, x in frame.f_locals.items()
                if isinstance(x, np.ndarray)
            ]
            message = category("\n".join([str(message), *told]))
        show(message, category, filename, *place)

    warnings.showwarning = tell
    try:
        return (yield)
    finally:
        warnings.showwarning = show


@pytest.fixture(scope="session")
def many_seeds(pytestconfig) -> range:
    """Seeds for what draws inputs of its own: a few, or as many as find rare ones."""
    if pytestconfig.getoption("--thorough"):
        first = int(pytestconfig.option.hypothesis_seed)
        return range(first, first + 200)
    return range(20)


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    """Keep the tests away from the progress of whoever runs them."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def with_course() -> dict[str, str]:
    """The environment of a process that imports the course."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def clone_of():
    """What copies the course, as a learner has it, into a folder."""

    def copy(folder: Path) -> Path:
        made = shutil.ignore_patterns("__pycache__")
        for name in ("notebooks", "exercises", "solutions", "course_utils", ".jupyter"):
            shutil.copytree(ROOT / name, folder / name, ignore=made)
        for name in (
            "course.py",
            "set_up.py",
            "fetch_models.py",
            "pyproject.toml",
            "constraints.txt",
            ".gitignore",
        ):
            shutil.copy(ROOT / name, folder)
        return folder

    return copy


@pytest.fixture(scope="session")
def torch():
    """PyTorch on one thread, or skip without it.

    Two workers with two threads each wait for one another on two cores, and what they
    compute here is small: the comparisons took four times as long.
    """
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="session")
def oracles(torch):
    """Return the same functions written with PyTorch, or skip without it."""
    import oracles

    return oracles
