"""JupyterLab in headless Chromium, for the browser tests and the benchmarks."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

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
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.port_retries=0",
    "--IdentityProvider.token=",
    "--LabApp.expose_app_in_browser=True",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def jupyterlab(command: list[str], home: Path) -> Iterator[str]:
    """Start JupyterLab with an empty home, and give its address.

    - `command`: what starts it; options are added.
    - `home`: an empty folder, which gets the log.

    Raises RuntimeError with the log if it ends at once.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mine = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    environment = {k: v for k, v in os.environ.items() if k != "COURSE_PROGRESS"}
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            [*command, *OPTIONS, f"--port={port}"],
            env=environment | mine,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError((home / "log").read_text())
        try:
            urllib.request.urlopen(f"{address}/api").close()
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    try:
        yield address
    finally:
        server.terminate()
        server.wait()


def course(folder: Path) -> list[str]:
    """Return the command that opens a copy of the course with this Python."""
    code = (
        "import runpy, sys; "
        f"course = runpy.run_path({str(folder / 'course.py')!r}); "
        "course['main'].__globals__['set_up'] = lambda extra='': sys.executable; "
        "sys.exit(course['main']())"
    )
    return [sys.executable, "-c", code]


class Notebook:
    """A notebook that is open in JupyterLab.

    - `page`: a page of the browser.
    - `address`: of JupyterLab; nothing if the notebook is being opened already.
    - `path`: of the notebook, from the folder that JupyterLab shows.
    """

    def __init__(self, page: Page, address: str, path: str) -> None:
        self.page = page
        if address:
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

    def command(self, name: str, arguments: str = "{}") -> None:
        """Carry out a command of JupyterLab, and wait until it is done."""
        self.page.evaluate(
            f"async () => await window.jupyterapp.commands.execute('{name}', "
            f"{arguments})"
        )

    def run_all(self) -> None:
        """Run all cells."""
        self.command("notebook:run-all-cells")

    def dark(self) -> None:
        """Change to the dark theme, and wait until it is there."""
        self.command("apputils:change-theme", "{theme: 'JupyterLab Dark'}")
        self.page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")

    def cells(self) -> list[dict]:
        """Return the code cells as the notebook's own model has them."""
        return json.loads(
            self.page.evaluate(
                "JSON.stringify(window.jupyterapp.shell.currentWidget.context.model"
                ".toJSON().cells.filter(cell => cell.cell_type === 'code'))"
            )
        )

    def errors(self) -> list[dict]:
        """Return the errors among all outputs."""
        outputs = [o for cell in self.cells() for o in cell["outputs"]]
        return [o for o in outputs if o["output_type"] == "error"]

    def write(self, cell_id: str, source: str) -> None:
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

    def show(self, locator: Locator) -> Locator:
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
