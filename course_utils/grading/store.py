"""What a folder of reports remembers: the seed, and all that was graded into it."""

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, fields
from itertools import count
from pathlib import Path

from course_utils._files import write_whole
from course_utils.grading.entry import Entry

INDEX = "notebooks.json"
SEED = "seed"
TABLES = ("class.csv", "class.json", "class.html")


class Store:
    """The folder of reports, across runs.

    - `folder`: where it is; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self.pages: list[str] = []
        self.seed_mark = ""
        self.said: list[str] = []
        self._read()

    @property
    def verdicts(self) -> Path:
        """The folder of the verdicts that are kept."""
        return self.folder / "verdicts"

    def seed(self, asked: str) -> int:
        """Return the seed that was asked for; a secret one stays the same in a folder.

        - `asked`: "secret", or a whole number.
        """
        if asked != "secret":
            return int(asked)
        file = self.folder / SEED
        with suppress(OSError, ValueError):
            kept = int(file.read_text("utf-8"))
            if kept >= 0:
                file.chmod(0o600)
                return kept
        if os.path.lexists(file):
            self.said.append(
                f"{file} held no number: a new secret seed was drawn, and everything "
                "is graded with it."
            )
        drawn = secrets.randbits(128)
        _write_for_the_owner(file, str(drawn).encode())
        return drawn

    def renew(self, new: list[Entry], roots: list[str]) -> None:
        """Take in what was graded now, in place of what was there at the same PATHs."""
        now = {x.path: x for x in new}
        kept = 0
        for one in new:
            old = self.entries.get(one.path)
            is_same = old and old.verdict and old.digest == one.digest
            one.first = (old.first or old.verdict) if is_same else one.verdict
            if old and old.due and not one.due:
                one.due, one.penalty = old.due, old.penalty
                kept += one.counts
        gone = [
            path
            for path in self.entries.keys() - now.keys()
            if any(
                path == x or path.startswith(x.rstrip(os.sep) + os.sep) for x in roots
            )
        ]
        works = [x.path for x in new if x.counts]
        renewed = sum(path in self.entries for path in works)
        left = [x for x in self.entries.values() if x.path not in now and x.counts]
        left = [x for x in left if x.path not in gone]
        removed = [x for x in gone if self.entries[x].counts]
        if self.entries:
            parts = [f"{renewed} notebooks renewed", f"{len(works) - renewed} added"]
            parts += [f"{len(removed)} no longer there"] if removed else []
            parts += [f"{len(left)} of earlier runs kept as they were"] if left else []
            self.said.append(f"The class in {self.folder}: {', '.join(parts)}.")
        if kept:
            self.said.append(
                f"{kept} of them keep the due date and the penalty that an earlier run "
                "gave them."
            )
        for path in gone:
            del self.entries[path]
        self.entries |= now

    def warn_of_known_inputs(self, seed: int, new: list[Entry]) -> None:
        """Say so if new work is graded on inputs that learners may know by now.

        - `seed`: the seed of this run.
        - `new`: what was graded in it.
        """
        before = {x.verdict for x in self.entries.values()}
        shown = {x.lesson for x in self.entries.values() if x.verdict and x.counts}
        risky = [x for x in new if x.lesson in shown and x.verdict not in before]
        if any(x.counts and x.verdict for x in risky) and self.seed_mark == _mark(seed):
            self.said.append(
                "Warning: feedback with inputs of this seed was written before. Anyone "
                "who has seen it can fit an answer to these inputs: before you grade "
                "work handed in after feedback was returned, delete "
                f"{self.folder / SEED} or choose another --seed."
            )

    def write(self, pages: list[str], seed: int) -> None:
        """Write down what was graded, and take away pages that are nobody's now.

        - `pages`: the names of the pages of feedback.
        - `seed`: the seed of this run.
        """
        for page in set(self.pages) - set(pages):
            with suppress(OSError):
                (self.folder / "feedback" / page).unlink()
        whole = {
            "seed": _mark(seed),
            "pages": sorted(pages),
            "notebooks": [asdict(x) for x in self.entries.values()],
        }
        text = json.dumps(whole, indent=0)  # ASCII: paths may hold what is no text
        write_whole(self.folder / INDEX, text.encode())

    def _read(self) -> None:
        index = self.folder / INDEX
        try:
            whole = json.loads(index.read_bytes())
            names = {x.name for x in fields(Entry)}
            entries = [
                Entry(**{k: v for k, v in x.items() if k in names})
                for x in whole["notebooks"]
            ]
            for one in entries:
                one.keys = tuple(map(str, one.keys))
                self.entries[str(one.path)] = one
            self.pages = [os.path.basename(str(x)) for x in whole["pages"]]
            self.seed_mark = str(whole["seed"])
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
        ):
            self.entries, self.pages = {}, []
            self._set_aside([INDEX, *TABLES])

    def _set_aside(self, names: list[str]) -> None:
        """Rename what is there although nothing says how it came about."""
        there = [x for x in names if os.path.lexists(self.folder / x)]
        for name in there:
            self.said.append(
                f"{self.folder / name} is not of this grader, or is damaged: it is "
                f"kept as {_free(self.folder / name).name}."
            )
            (self.folder / name).replace(_free(self.folder / name))


def _free(path: Path) -> Path:
    names = (path.with_stem(f"{path.stem} (before {i})") for i in count(1))
    return next(x for x in names if not os.path.lexists(x))


def _mark(seed: int) -> str:
    return hashlib.sha256(f"seed {seed}".encode()).hexdigest()


def _write_for_the_owner(file: Path, data: bytes) -> None:
    """Write a file that nobody but its owner could read at any time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(data)
    half.replace(file)
