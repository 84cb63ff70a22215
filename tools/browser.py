"""JupyterLab in headless Chromium, for the browser tests and the benchmarks."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Of all waiting, in seconds: a busy machine is slow, not broken.
PATIENCE = 300
expect.set_options(timeout=1000 * PATIENCE)
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
    try:
        until(lambda: server.poll() is not None or _answers(f"{address}/api"))
        if server.poll() is not None:
            raise RuntimeError((home / "log").read_text())
        yield address
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address).close()
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of what is asked for."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Hand out the files of a folder; yield the address."""
    serve = partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def until(is_so: Callable[[], bool], wait: Callable[[], None] | None = None) -> None:
    """Look again and again until something is so.

    - `is_so`: says whether it is.
    - `wait`: what lets time pass between two looks.

    Raises TimeoutError when the patience is over.
    """
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it did not come to be")
        wait() if wait else time.sleep(0.05)


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
        page.set_default_timeout(1000 * PATIENCE)
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
            }}"""
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

    def run(self, cell_ids: list[str]) -> None:
        """Run some cells, in their order."""
        self.page.evaluate(
            """ids => {
                const {content} = window.jupyterapp.shell.currentWidget;
                const chosen = content.widgets.filter(x => ids.includes(x.model.id));
                content.activeCellIndex = content.widgets.indexOf(chosen[0]);
                content.deselectAll();
                for (const cell of chosen) content.select(cell);
            }""",
            cell_ids,
        )
        self.command("notebook:run-cell")

    def catch_up(self) -> None:
        """Wait until the kernel has done all that it was told before."""
        self.page.evaluate(
            "async () => await window.jupyterapp.shell.currentWidget"
            ".sessionContext.session.kernel.requestKernelInfo()"
        )

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
        tops = cycle(range(0, 40_000, 500))
        until(lambda: locator.count() > 0, lambda: self._scroll(next(tops)))
        locator.first.scroll_into_view_if_needed()
        return locator.first

    def _scroll(self, top: int) -> None:
        """Scroll the notebook, and wait until what is there then has been drawn."""
        self.page.evaluate(
            """async top => {
                document.querySelector('.jp-WindowedPanel-outer').scrollTop = top;
                for (const _ of [1, 2, 3]) await new Promise(requestAnimationFrame);
            }""",
            top,
        )
