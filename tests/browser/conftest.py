import pytest

from tools import browser


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            if browser.CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium here"))


@pytest.fixture(scope="session")
def clone(clone_of, tmp_path_factory):
    """A copy of the course as a learner has it, on which tests may work."""
    return clone_of(tmp_path_factory.mktemp("course"))


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
