"""Write reference/old_notebooks.json.gz: the notebooks as an earlier version gave them.

    python3 tests/make_old_notebooks.py d971064

takes them from git: of each notebook its code cells, with their names and marks, and
neither text nor outputs. The version named is the last one in which the exercises
stood in course_utils/checks; tests hold that its notebooks still run.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parent / "reference" / "old_notebooks.json.gz"
FOLDERS = ("notebooks", "exercises", "solutions")


def git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], text=True, encoding="utf-8")


def main(version: str) -> None:
    names = git("ls-tree", "-r", "--name-only", version, *FOLDERS).split()
    notebooks = {}
    for name in names:
        notebook = json.loads(git("show", f"{version}:{name}"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            cell |= {"outputs": [], "execution_count": None}
        notebooks[name] = notebook | {"cells": cells}
    # No time in the file: made again, it has the same bytes.
    FILE.write_bytes(gzip.compress(json.dumps(notebooks).encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
