"""Find what was handed in among files and folders, and say why the rest is not."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from course_utils.grading import kinds
from course_utils.grading.given import KEPT
from course_utils.grading.submission import MOST

SKIPPED = {"__macosx", "__pycache__", "node_modules", "site-packages", "$recycle.bin"}
NOISE = {"thumbs.db", "desktop.ini"}
# By what lies in it: an environment of Python, and the reports of this grader.
ENVIRONMENT = "pyvenv.cfg"
VERDICTS, REPORTS = "verdicts", {"notebooks.json", "seed", "class.csv"}
LINK = "is a link, and links are not followed"
EMPTY = "has no notebook in it"


@dataclass(frozen=True)
class Item:
    """Something in a graded folder.

    - `root`: the PATH on the command line, made absolute.
    - `path`: where it stands, in or at the root.
    - `why`: why it is not graded; None of what looks like a notebook.
    - `is_work`: whether it stands for work handed in; else it only lies beside some.
    - `is_folder`: whether it is a folder.
    - `file`: what is to be opened; not the path if that is a link that was named.
    """

    root: str
    path: str
    why: str | None = None
    is_work: bool = True
    is_folder: bool = False
    file: str = ""


def collect(paths: list[str], out: str) -> list[Item]:
    """Return all that lies at and below the paths, each file once.

    - `paths`: notebooks, folders of notebooks, and classes.
    - `out`: the folder of the reports, which is passed over.
    """
    found: dict[str, Item] = {}
    for path in map(os.path.abspath, paths):
        for item in _at(path, os.path.abspath(out)):
            found.setdefault(item.path, item)
    return list(found.values())


def content(file: str) -> bytes | str:
    """Return a file's bytes, or why they cannot be read.

    Links, pipes and devices are not followed or opened: they could lead anywhere, and
    never end.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if os.path.islink(file):
            return LINK
        with open(os.open(file, flags), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                return "is not a regular file"
            return opened.read(MOST + 1)
    except OSError as error:
        return _cannot(error)


def spelt_out(name: str) -> str:
    """Return a name with the codes of its characters that cannot be seen."""
    return "".join(_seen(c) for c in name.replace("\\", "\\\\"))


def _seen(c: str) -> str:
    is_seen = c.isprintable() and not (
        "\ufe00" <= c <= "\ufe0f"
        or c >= "\U000e0100"
        or c in "\u034f\u115f\u1160\u3164"
    )
    return c if is_seen else c.encode("unicode_escape", "surrogatepass").decode()


def _cannot(error: OSError) -> str:
    return f"cannot be opened: {error.strerror}"


def _at(path: str, out: str) -> Iterator[Item]:
    """Yield what one PATH holds; a link that was named is followed."""
    if os.path.isdir(path):
        yield from _below(path, out)
        return
    yield Item(path, path, file=os.path.realpath(path))


def _below(root: str, out: str) -> Iterator[Item]:
    """Yield what is in a folder, however deep, and the folders without work in them."""
    todo, folders, worked = [root], [], set()
    while todo:
        folder = todo.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda x: x.name)
        except OSError as error:
            _mark(folder, root, worked)
            yield Item(root, folder, _cannot(error), is_folder=True)
            continue
        if folder == out or (folder != root and _is_not_work(inside)):
            continue
        folders.append((folder, not inside))
        for item in filter(None, (_entry(root, x) for x in inside)):
            if item.is_folder and item.why is None:
                todo.append(item.path)
                continue
            if item.is_work:
                _mark(folder, root, worked)
            yield item
    yield from _without_work(root, folders, worked)


def _mark(folder: str, root: str, worked: set[str]) -> None:
    """Note that there is work in a folder, and so in those above it."""
    while folder not in worked:
        worked.add(folder)
        if folder != root:
            folder = os.path.dirname(folder)


def _without_work(
    root: str, folders: list[tuple[str, bool]], worked: set[str]
) -> Iterator[Item]:
    """Yield the highest folders in which there is no work."""
    for folder, is_bare in folders:
        is_highest = folder == root or os.path.dirname(folder) in worked
        if folder in worked or not is_highest:
            continue
        if folder.lower().endswith(".ipynb") and is_bare:
            yield Item(root, folder, file=folder)
        else:
            yield Item(root, folder, EMPTY, is_bare, is_folder=True)


def _is_not_work(inside: list[os.DirEntry]) -> bool:
    """Whether a folder is an environment, or holds reports of this grader."""
    names = {x.name for x in inside}
    return ENVIRONMENT in names or (VERDICTS in names and bool(names & REPORTS))


def _entry(root: str, entry: os.DirEntry) -> Item | None:
    """Return what an entry of a folder is; None of what is passed over unsaid."""
    name, path = entry.name, entry.path
    if name.startswith(".") or name.lower() in SKIPPED | NOISE:
        return None
    try:
        if entry.is_symlink():
            is_folder = os.path.isdir(path)
            is_work = is_folder or bool(kinds.MEANT.search(name))
            return Item(root, path, LINK, is_work, is_folder)
        if entry.is_dir(follow_symlinks=False):
            return Item(root, path, is_folder=True)
        if KEPT.search(name):
            why = "is an old notebook that the course kept beside the new one"
            return Item(root, path, why, is_work=False)
        if entry.is_file(follow_symlinks=False):
            return _file(root, name, path)
        is_work = bool(kinds.MEANT.search(name))
        return Item(root, path, "is not a regular file", is_work)
    except OSError as error:
        return Item(root, path, _cannot(error))


def _file(root: str, name: str, path: str) -> Item:
    if name.lower().endswith(".ipynb"):
        return Item(root, path, file=path)
    try:
        with open(path, "rb") as opened:
            head = opened.read(kinds.HEAD)
    except OSError as error:
        return Item(root, path, _cannot(error), bool(kinds.MEANT.search(name)))
    if kinds.may_be_notebook(name, head):
        return Item(root, path, file=path)
    is_work = bool(kinds.MEANT.search(name))
    return Item(root, path, kinds.beside(name, head), is_work)
