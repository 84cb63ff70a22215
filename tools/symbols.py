"""Write docs/symbols.md: every symbol of the course, from the tables of its lessons.

    python3 tools/symbols.py

The tables under "Symbols and names" are the one source; the page puts them in one
order, and a test compares the two.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/symbols.md"
HEAD = """# Symbols and names

What is learnt is called `w_…` in code and $W$ in formulas; a `weight` is a share that
attention gives; $T$ is the temperature of softmax. Each row names the lesson that
explains it; a name that returns has a row for each lesson that says more.

| name | shape | meaning | lesson |
|---|---|---|---|
"""


def rows(root: Path) -> list[tuple[str, str, str, str]]:
    """Return name, shape, meaning and lesson of each symbol, in the order of names.

    - `root`: the folder of the course.
    """
    found = []
    for source in sorted((root / "source/lessons").glob("*.py")):
        _, _, table = source.read_text(encoding="utf-8").partition("## Symbols and")
        lines = table.partition("\n## ")[0].splitlines()
        for line in [x for x in lines if x.startswith("| ")][1:]:
            name, shape, meaning = (x.strip() for x in line[1:-1].split("|"))
            found.append((name, shape, meaning, source.stem))
    return sorted(found, key=lambda row: (_plain(row[0]), row[3]))


def _plain(name: str) -> str:
    """Return the letters to sort a name by: its code, if it has any."""
    code = re.search(r"`(.+?)`", name)
    return re.sub(r"[^a-z0-9_ ]", "", (code[1] if code else name).lower())


def page(root: Path) -> str:
    """Return the text of the page."""
    lines = [
        f"| {name} | {shape} | {meaning} "
        f"| [{int(lesson[:2])}](../notebooks/{lesson}.ipynb) |"
        for name, shape, meaning, lesson in rows(root)
    ]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / PAGE).write_text(page(ROOT), encoding="utf-8")
    print(PAGE)
