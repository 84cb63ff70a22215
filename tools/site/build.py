"""Write the course as web pages into site/, which any server can hand out.

Each lesson, exercise and solution is a page, made from its notebook and the pictures of
its figures: nothing is run. The pages load nothing from outside.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from tools.site import pages

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BROWSER = "browser"  # the folder of the course in the browser, beside the pages
RUN_HERE = """
**[Run it in the browser](browser/lab/index.html),** with nothing to install: lessons,
exercises and checks. What you write is kept in this browser.
"""


def build(root: Path, out: Path) -> int:
    """Write all pages; return Sphinx's exit code.

    - `root`: the folder of the course.
    - `out`: the folder for the pages. What else is in it goes, but for the course in
      the browser, to which the pages lead if it is there.
    """
    browser = (out / BROWSER).exists()
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_sources(root, folder / "source", browser=browser)
        code = sphinx(folder / "source", folder / "pages", folder / "doctrees")
        out.mkdir(exist_ok=True)
        for old in out.iterdir():
            if old.name != BROWSER:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        unread = shutil.ignore_patterns("_sources", ".buildinfo")
        shutil.copytree(folder / "pages", out, ignore=unread, dirs_exist_ok=True)
    for kind in pages.KINDS:
        for lesson in pages.lessons(kind):
            shutil.copy(root / kind / f"{lesson.name}.ipynb", out / kind)
    return code


def sphinx(source: Path, out: Path, doctrees: Path) -> int:
    """Let Sphinx write the pages; a warning fails."""
    options = ["-q", "-W", "--keep-going", "-c", HERE, "-d", doctrees]
    command = [sys.executable, "-m", "sphinx", *options, source, out]
    return subprocess.call(command, env=os.environ | {"PYTHONPATH": str(ROOT)})


def write_sources(root: Path, source: Path, *, browser: bool) -> None:
    """Write what Sphinx reads."""
    for kind in pages.KINDS:
        (source / kind).mkdir(parents=True)
        (source / kind / "index.md").write_text(pages.index(kind), encoding="utf-8")
        for lesson in pages.lessons(kind):
            name = f"{lesson.name}.ipynb"
            made = pages.page(root / kind / name, lesson, browser=browser)
            nbformat.write(made, source / kind / name)
    text = (HERE / "index.txt").read_text(encoding="utf-8")
    filled = text.format(path=pages.path_through(), browser=RUN_HERE if browser else "")
    (source / "index.md").write_text(filled, encoding="utf-8")


def main() -> int:
    """Write the pages, and say where they are."""
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__)
    parser.parse_args()
    out = ROOT / "site"
    code = build(ROOT, out)
    if not code:
        print(f"{len(list(out.glob('*/*_*.html')))} pages: open {out / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
