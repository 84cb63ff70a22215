"""Take a picture of a lesson's figure as JupyterLab shows it, for README.

    python3 tools/picture.py 17

Runs the cells that the lesson's last panel needs, and writes docs/lesson_17.png: the
panel with its controls. It needs Chromium, what `course.py test` installs, and for
lessons 16 and 17 the models.
"""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import lessons  # noqa: E402

from course_utils.models import published  # noqa: E402
from tools import browser  # noqa: E402

SIZE = {"width": 780, "height": 900}
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".models", "work", "__pycache__")


def take(number: int, address: str, chromium: browser.Browser) -> Path:
    """Write the picture of one lesson, and return where it is."""
    name = next(x for x in lessons.NAMES if x.startswith(f"{number:02}_"))
    page = chromium.new_page(viewport=SIZE, device_scale_factor=2)
    notebook = browser.Notebook(page, address, f"notebooks/{name}.ipynb")
    notebook.run([cell.id for cell in lessons.cells_of(name)])
    panels = page.locator(".course-panel")
    panel = notebook.show(panels.last)
    panel.locator("svg").first.wait_for()
    path = ROOT / "docs" / f"lesson_{number:02}.png"
    panel.screenshot(path=path)
    return path


def main() -> None:
    """Take the pictures of the lessons that are named."""
    with tempfile.TemporaryDirectory() as place, browser.chromium() as chromium:
        home, copy = Path(place, "home"), Path(place, "course")
        home.mkdir()
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        if published.HOME.exists():
            (copy / published.HOME.name).symlink_to(published.HOME)
        with browser.jupyterlab(browser.course(copy), home) as address:
            for number in sys.argv[1:]:
                print(take(int(number), address, chromium).relative_to(ROOT))


if __name__ == "__main__":
    main()
