import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Without the sandbox because CI runs as root; without what would call home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium here"))


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A copy of the course as a learner has it, on which tests may work."""
    from tests.conftest import ROOT

    folder = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "exercises", "solutions", "course_utils", ".jupyter"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("course.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="session")
def jupyterlab(clone, tmp_path_factory):
    """The address of a JupyterLab that course.py started, with an empty home."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "COURSE_PROGRESS"}
    environment |= {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    # The Python that runs the tests has the course installed.
    in_place = (
        "import runpy, sys; "
        f"course = runpy.run_path({str(clone / 'course.py')!r}); "
        "course['main'].__globals__['set_up'] = lambda extra='': sys.executable; "
        "sys.exit(course['main']())"
    )
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = open(home / "log", "w")  # noqa: SIM115 (open as long as the server runs)
    server = subprocess.Popen(
        [sys.executable, "-c", in_place, *options],
        env=environment,
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        assert server.poll() is None, (home / "log").read_text()
        try:
            urllib.request.urlopen(f"{address}/api").close()
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    yield address
    server.terminate()
    server.wait()
    log.close()


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


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


class Notebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page, address, path):
        self.page = page
        page.goto(f"{address}/doc/tree/{path}?reset")
        page.wait_for_function("window.jupyterapp !== undefined")
        page.evaluate("window.jupyterapp.restored")
        page.wait_for_function(
            f"""() => {{
                const panel = window.jupyterapp.shell.currentWidget;
                return panel?.context?.isReady && panel.context.path === {path!r}
                    && panel.sessionContext.isReady
                    && panel.sessionContext.session?.kernel?.status === "idle";
            }}""",
            timeout=60_000,
        )

    def command(self, name):
        self.page.evaluate(f"window.jupyterapp.commands.execute('{name}')")

    def run_all(self):
        self.page.evaluate(
            "async () => await window.jupyterapp.commands"
            ".execute('notebook:run-all-cells')"
        )

    def cells(self):
        """Return the code cells as the notebook's own model has them."""
        return json.loads(
            self.page.evaluate(
                "JSON.stringify(window.jupyterapp.shell.currentWidget.context.model"
                ".toJSON().cells.filter(cell => cell.cell_type === 'code'))"
            )
        )

    def errors(self):
        outputs = [o for cell in self.cells() for o in cell["outputs"]]
        return [o for o in outputs if o["output_type"] == "error"]

    def write(self, cell_id, source):
        """Put text into a cell, as if it had been typed."""
        self.page.evaluate(
            """([id, source]) => {
                const {model} = window.jupyterapp.shell.currentWidget.context;
                for (const cell of model.cells) {
                    if (cell.id === id) cell.sharedModel.setSource(source);
                }
            }""",
            [cell_id, source],
        )

    def show(self, locator):
        """Scroll until a part of the page is there, and to it."""
        outer = ".jp-WindowedPanel-outer"
        for top in range(0, 40_000, 500):
            if locator.count():
                break
            self.page.evaluate(
                f"(top) => {{ document.querySelector('{outer}').scrollTop = top }}", top
            )
            self.page.wait_for_timeout(50)
        locator.first.scroll_into_view_if_needed()
        return locator.first


@pytest.fixture
def notebook(page, jupyterlab):
    """Open a notebook of the clone by its path."""
    return lambda path: Notebook(page, jupyterlab, path)
