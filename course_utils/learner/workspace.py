"""The learner's own copies of the notebooks, which a new version leaves whole.

JupyterLab shows the folder work/, of which git knows nothing: a `git pull` meets no
file there. work/.given/ holds each notebook as the course gave it last. What differs
between that and the copy is the learner's work; what differs between that and the
course is a new version.

A copy is written before what is remembered of it, and an old notebook is kept before
a new one takes its place: stopped anywhere in between, the next start goes on.
"""

import difflib
import errno
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path

from course_utils._files import write_whole
from course_utils.exercises import EXERCISES, exercises_of
from course_utils.learner import start_page
from course_utils.learner.answers import (
    answers_in,
    asked_in,
    begun_again,
    carried,
    work_in,
)
from course_utils.learner.progress import WORK
from course_utils.learner.syllabus import LESSONS, ROOT

FOLDERS = ("notebooks", "exercises", "solutions")
GIVEN = ".given"
NO_NOTEBOOKS = """\
The package is installed here without the course's folder, so there are no notebooks to
copy: get the folder with course.py, and start that."""
AFTERWARDS = """\
The points you have are kept. If the notebook is open in JupyterLab, close its tab
without saving and open it again; should JupyterLab ask, choose "Revert"."""


class UnknownNameError(Exception):
    """Nothing of this name can be started over; the message says what could."""


class Workspace:
    """The learner's folder beside the course that it is laid out from.

    - `course`: the folder with the notebooks as they are built.
    - `work`: the learner's folder; it is made if need be.
    """

    def __init__(self, course: Path = ROOT, work: Path = WORK) -> None:
        self._course = course
        self._work = work
        self._new: list[str] = []
        self._renewed: list[str] = []
        self._lines: list[str] = []

    def lay_out(self) -> list[str]:
        """Bring every copy up to date; return what happened, a line each.

        Raises OSError if a file cannot be read or written; nothing is lost then.
        """
        is_first = not (self._work / GIVEN).exists()
        self._new, self._renewed, self._lines = [], [], []
        self._take_over()
        there = list(_notebooks(self._course))
        for name in there:
            self._bring(name)
        for name in sorted(set(_notebooks(self._work / GIVEN)) - set(there)):
            self._withdraw(name)
        lines = self._lines
        if self._renewed:
            lines.insert(
                0,
                f"New versions of what you had not changed: {_listed(self._renewed)}.",
            )
        if self._new and not is_first:
            lines.insert(0, f"New in your folder: {_listed(self._new)}.")
        if is_first:
            lines.insert(0, f"Your own copies of the notebooks are in {self._work}.")
        return lines

    def start_over(self, name: str) -> str:
        """Give a lesson's exercises, or one exercise, back as they were.

        - `name`: a lesson's number or name, or an exercise's name.

        Returns what happened, in a line.

        Raises UnknownNameError if there is nothing of this name.
        Raises OSError if a file cannot be read or written; nothing is lost then.
        """
        path, exercise = self._named(name)
        copy = _read(self._work / path)
        course = (self._course / path).read_bytes()
        new = begun_again(copy, course, exercise) if exercise and copy else course
        if new is None:
            raise UnknownNameError(
                f"Your copy of {path} has no cell for {exercise}: "
                f"'python3 course.py again {Path(path).stem}' starts all of it over."
            )
        what = f"{exercise} in {path}" if exercise else path
        if copy is None or work_in(copy) == work_in(new):
            write_whole(self._work / path, new)
            return f"{what} is as the course gave it; there was nothing to keep."
        kept = self._keep(path, copy)
        write_whole(self._work / path, new)
        return f"{what} starts over; your old notebook is kept as {kept}."

    def _bring(self, name: str) -> None:
        """Bring one copy up to date without losing what the learner wrote."""
        path, remembered = self._work / name, self._work / GIVEN / name
        copy, given = _read(path), _read(remembered)
        course = (self._course / name).read_bytes()
        if copy is not None and course == given:
            return
        new, line = course, None
        if copy is None:
            self._new.append(name)
        elif given and work_in(copy) == work_in(given):
            if work_in(course) != work_in(given):
                self._renewed.append(name)
        elif given and work_in(course) == work_in(given):
            new = copy  # other outputs: no reason to touch what the learner wrote
        else:
            new, line = self._merged(name, copy, course, given)
        if _read(path) != copy:  # JupyterLab saved it just now
            return self._bring(name)
        if new != copy:
            write_whole(path, new)
        write_whole(remembered, course)
        self._lines += [line] if line else []

    def _merged(
        self, name: str, copy: bytes, course: bytes, given: bytes | None
    ) -> tuple[bytes, str | None]:
        """Keep the learner's notebook beside, and carry the answers over.

        Returns the new notebook, and the line that says so.
        """
        answers = (
            answers_in(copy, given or course) if name.startswith("exercises") else {}
        )
        new = carried(answers, course)
        if work_in(new) == work_in(copy):  # as after a stop on the way
            return copy, None
        kept = self._keep(name, copy)
        lost = set(answers) - set(asked_in(course))
        line = f"A new version of {name}: "
        line += "your answers were carried over, and " if set(answers) - lost else ""
        line += f"your old notebook is kept as {kept}."
        if lost:
            line += f" The course no longer has {', '.join(sorted(lost))}."
        return new, line

    def _withdraw(self, name: str) -> None:
        """Take away a copy that the course no longer has, unless it was changed."""
        path, remembered = self._work / name, self._work / GIVEN / name
        copy = _read(path)
        if copy is not None and work_in(copy) == work_in(remembered.read_bytes()):
            path.unlink()
            title = name.removesuffix(".ipynb")
            self._lines.append(f"The course no longer has {title}; it was removed.")
        elif copy is not None:
            self._lines.append(f"The course no longer has {name}; your copy stays.")
        remembered.unlink()

    def _keep(self, name: str, data: bytes) -> str:
        """Keep a notebook beside the one that takes its place; return its name."""
        path = self._work / name
        for number in count(1):
            again = f", {number}" if number > 1 else ""
            kept = path.with_stem(f"{path.stem} (yours of {date.today()}{again})")
            if _read(kept) == data:  # as after a stop on the way
                break
            try:
                kept.open("xb").close()  # the name is ours, whoever else looks
            except FileExistsError:
                continue
            try:
                write_whole(kept, data)
            except BaseException:  # also when it is stopped
                kept.unlink()
                raise
            break
        return kept.relative_to(self._work).as_posix()

    def _take_over(self) -> None:
        """Take over what an earlier version of the course kept beside itself."""
        old, new = self._course / "progress.json", self._work / "progress.json"
        if old.is_file() and not new.exists():
            write_whole(new, old.read_bytes())
        if old.is_file() and _read(old) == _read(new):
            with suppress(OSError):
                old.unlink()
        with suppress(OSError):
            (self._course / "start.md").unlink()  # made anew, in the folder work

    def _named(self, name: str) -> tuple[str, str | None]:
        """Return the notebook, and the exercise if it is one, that a name means."""
        there = [
            lesson for lesson in LESSONS if (self._course / _path(lesson.name)).exists()
        ]
        for lesson in there:
            if name in {x.name for x in exercises_of(lesson.number)}:
                return _path(lesson.name), name
        stem = Path(name).stem
        for lesson in there:
            if stem == lesson.name or (stem.isdecimal() and int(stem) == lesson.number):
                return _path(lesson.name), None
        known = [*EXERCISES, *(x.name for x in there), *(str(x.number) for x in there)]
        near = difflib.get_close_matches(name, known, 3)
        meant = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else (
                f"Name a lesson, such as {there[0].number} or {there[0].name}, or an "
                "exercise by the name of its function."
            )
        )
        raise UnknownNameError(
            f"There is nothing called '{name}' to start over. {meant}"
        )


def _path(lesson: str) -> str:
    return f"exercises/{lesson}.ipynb"


def _listed(names: list[str]) -> str:
    """Write the names of lessons, or how many there are where that is shorter."""
    lessons = sorted({Path(name).stem for name in names})
    return ", ".join(lessons) if len(lessons) <= 5 else f"{len(lessons)} lessons"


def _notebooks(folder: Path) -> Iterator[str]:
    """Yield the notebooks in the course's folders below a folder, in order."""
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*.ipynb")):
            yield f"{name}/{path.name}"


def _read(path: Path) -> bytes | None:
    """Return what a file holds, or None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _explained(error: OSError, work: Path) -> str:
    """Say in one sentence why the copies could not be brought up to date."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full, so {work} could not be brought up to date. "
            "Nothing of yours is lost: make room and start again."
        )
    return (
        f"Your folder {work} could not be brought up to date ({error.strerror}: "
        f"{error.filename}). Nothing of yours is lost: it must be a folder that "
        "you can write to."
    )


def main(command: str, *names: str) -> int:
    """Lay the copies out ("lay-out"), or start over what is named ("again")."""
    if not (ROOT / "course.py").exists():
        print(NO_NOTEBOOKS, file=sys.stderr)
        return 1
    workspace = Workspace()
    try:
        lines = workspace.lay_out()
        _tell(lines, forget=command == "lay-out")
        if command == "again":
            _start_over(workspace, names)
    except UnknownNameError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(_explained(error, WORK), file=sys.stderr)
        return 1
    return 0


def _tell(lines: list[str], *, forget: bool) -> None:
    """Say what happened, here and on the start page.

    - `lines`: what happened; it takes the place of what the page said before.
    - `forget`: whether to forget what the page said if nothing happened.
    """
    for line in lines:
        print(line)
    path, said = WORK / start_page.NEWS, "".join(f"{line}\n" for line in lines).encode()
    if said != (_read(path) or b"") and (lines or forget):
        write_whole(path, said)
    start_page.write()


def _start_over(workspace: Workspace, names: tuple[str, ...]) -> None:
    if not names:
        raise UnknownNameError(
            "Say what to start over: a lesson's exercises, as in 'python3 course.py "
            "again 1', or one exercise, as in 'python3 course.py again hard_lookup'."
        )
    for name in names:
        print(workspace.start_over(name))
    print(AFTERWARDS)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
