"""Know which cell failed, so that a check never judges an older version.

IPython tells this module of every cell before and after it runs. A check whose
function is not defined gets one sentence in place of a traceback.
"""

import re
from functools import partial
from keyword import iskeyword
from types import TracebackType
from typing import Any

from IPython import get_ipython

# A line that defines something, or tries to: "def name", "dfe name", "name =".
BEGINS = re.compile(r"^[ \t]*(?:async +)?(?:(\w+)[ \t]+(\w+)|(\w+)[ \t]*=(?!=))", re.M)
CHECKS = re.compile(r"\bcheck\s*\(\s*['\"](\w+)['\"]")


class Cells:
    """What is known of the cells of one notebook.

    - `shell`: IPython's shell, which runs them.
    """

    def __init__(self, shell: Any) -> None:  # noqa: ANN401
        self._names = shell.user_ns
        self._cell = ""
        self._before: dict[str, object] = {}
        self._failed: dict[str, tuple[object, str]] = {}

    def before(self, info: Any) -> None:  # noqa: ANN401
        """Note what the names that a cell defines stand for before it runs."""
        self._cell = info.raw_cell or ""
        names = attempted(self._cell)
        self._before = {name: self._names.get(name) for name in names}

    def after(self, result: Any) -> None:  # noqa: ANN401
        """Note which names a cell that failed did not define anew."""
        error = result.error_before_exec or result.error_in_exec
        for name, was in self._before.items():
            if self._names.get(name) is not was:
                self._failed.pop(name, None)
            elif error is not None:
                self._failed[name] = (was, _in_words(error))
        self._before = {}

    def why_outdated(self, name: str, function: object) -> str | None:
        """Say why a function is an older version than its cell, if it is one."""
        was, error = self._failed.get(name, (None, ""))
        if not error or function is not was:
            return None
        return (
            f"the cell that defines `{name}` failed the last time ({error}), and only "
            "an older version is there to check: correct the cell, run it, then run "
            "the check again"
        )

    def why_missing(self, name: str) -> str | None:
        """Say what to do about a name that a check cell does not find."""
        checked = CHECKS.findall(self._cell)
        if not checked:
            return None
        if name == "check":
            return (
                "`check` is not defined yet: run the first code cell of this notebook, "
                "then this one."
            )
        if name in self._failed:
            return (
                f"`{name}` is not defined, because its cell failed "
                f"({self._failed[name][1]}): correct that cell, run it, then this one."
            )
        if name in checked:
            return (
                f"`{name}` is not defined yet: run the cell that defines it, then this "
                "one."
            )
        return (
            f"`{name}` is not defined: the check needs your function, as in "
            f'check("{checked[0]}", {checked[0]}).'
        )


def attempted(cell: str) -> set[str]:
    """Return the names that a cell defines, or tries to, though it may not parse."""
    return {
        name or assigned
        for word, name, assigned in BEGINS.findall(cell)
        if assigned or word == "def" or not iskeyword(word)
    }


def watch(shell: Any = None) -> Cells | None:  # noqa: ANN401
    """Watch the cells of this notebook; return what is known of them.

    - `shell`: IPython's shell; without one, the shell that is running.

    Returns None outside IPython.
    """
    shell = shell or get_ipython()
    if shell is None:
        return None
    if not hasattr(shell, "course_cells"):
        shell.course_cells = cells = Cells(shell)
        shell.events.register("pre_run_cell", cells.before)
        shell.events.register("post_run_cell", cells.after)
        shell.set_custom_exc((NameError,), partial(_explain, cells))
    return shell.course_cells


load_ipython_extension = watch  # the course's IPython settings load this module


def _explain(
    cells: Cells,
    shell: Any,  # noqa: ANN401
    kind: type[NameError],
    error: NameError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """Show one sentence where a check's function is missing, else the traceback."""
    last = traceback
    while last.tb_next:
        last = last.tb_next
    in_the_cell = last.tb_frame.f_locals is shell.user_ns
    sentence = cells.why_missing(error.name) if in_the_cell and error.name else None
    if sentence:
        shell._showtraceback(NameError, NameError(sentence), [sentence])
        return
    lines = shell.InteractiveTB.structured_traceback(
        kind, error, traceback, tb_offset=tb_offset
    )
    shell._showtraceback(kind, error, lines)


def _in_words(error: BaseException) -> str:
    """Name an error, with its line where that is known, in a few words."""
    line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}{line}: {said}"[:120].removesuffix(": ")
