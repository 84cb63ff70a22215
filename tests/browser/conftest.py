from contextlib import suppress

import lessons
import pytest
from axe_playwright_python.sync_playwright import Axe

from course_utils.models import published
from tools import browser
from tools.browser import until

# A small laptop, a window at 150 % zoom, and a screen; the file browser is open.
WIDTHS = (1000, 960, 1440)
# What does not fit in the notebook: pictures too wide, letters too small.
MISFITS = """() => [...document.querySelectorAll(".course-svg")].flatMap(svg => {
    const room = svg.closest(".jp-OutputArea-output").getBoundingClientRect();
    const box = svg.getBoundingClientRect();
    const scroller = document.querySelector(".jp-WindowedPanel-outer");
    const texts = [...svg.querySelectorAll("text")].filter(
        x => x.textContent && !x.closest("[hidden]"));
    const sizes = texts.map(x => {
        const {a, b} = x.getScreenCTM();
        return parseFloat(getComputedStyle(x).fontSize) * Math.hypot(a, b);
    });
    const found = {
        width: box.width,
        beyond: Math.max(box.right - room.right, room.left - box.left),
        least: Math.min(...sizes),
        sideways: scroller.scrollWidth - scroller.clientWidth,
    };
    const fits = found.width > 0 && found.beyond <= 0.5 && found.least >= 11.95
        && found.sideways <= 0;
    return fits ? [] : [found];
})"""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            # One JupyterLab and one Chromium for all lessons, and for all panels.
            own = {"test_panels": "panels", "test_site": "site"}
            own["test_in_the_browser"] = "lite"
            shares = own.get(item.path.stem, "lessons")
            item.add_marker(pytest.mark.xdist_group(f"browser-{shares}"))
            if browser.CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium here"))


@pytest.fixture(scope="session")
def clone(clone_of, tmp_path_factory):
    """A copy of the course as a learner has it, on which tests may work."""
    folder = clone_of(tmp_path_factory.mktemp("course"))
    if published.are_here():
        (folder / published.HOME.name).symlink_to(published.HOME)
    return folder


@pytest.fixture(scope="session")
def jupyterlab(clone, tmp_path_factory):
    """The address of a JupyterLab that course.py started, with an empty home."""
    home = tmp_path_factory.mktemp("home")
    with browser.jupyterlab(browser.course(clone), home) as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    with browser.chromium() as started:
        yield started


@pytest.fixture
def page(chromium):
    """A browser page; an error of the page's own code fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * browser.PATIENCE)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def notebook(page, jupyterlab):
    """Open a notebook of the learner's folder by its path in it."""
    return lambda path: browser.Notebook(page, jupyterlab, path)


def grave(page, where):
    """Return axe's serious and critical findings in a part of the page."""
    found = Axe().run(page, context=where).response["violations"]
    found = [x for x in found if x["impact"] in ("serious", "critical")]
    return [(x["id"], x["nodes"][0]["html"]) for x in found]


@pytest.fixture
def axe():
    return grave


@pytest.fixture
def lesson(notebook, page):
    """Open a lesson by its number, with all that its panels need, and look at each.

    What else the lesson computes runs where its stored outputs are compared.
    """

    def opened(number):
        name = next(x for x in lessons.NAMES if x.startswith(f"{number:02}_"))
        lesson = notebook(f"notebooks/{name}.ipynb")
        lesson.run([cell.id for cell in lessons.cells_of(name)])
        assert lesson.errors() == []
        panels = page.locator(".course-panel")
        for i, (_, stored) in enumerate(lessons.stored(name)):
            panel = lesson.show(panels.nth(i))
            svg = panel.locator("svg").first
            svg.wait_for()
            assert svg.get_attribute("aria-label") == stored
            assert grave(page, ".course-panel") == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            with suppress(TimeoutError):  # to say what did not fit
                until(lambda: page.evaluate(MISFITS) == [])
            assert page.evaluate(MISFITS) == [], width
        page.set_viewport_size({"width": 1280, "height": 900})
        return lesson

    return opened
