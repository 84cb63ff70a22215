"""Look at an answer: what it calls and reads, where it fails, what it returns.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import gc
import io
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import CodeType, FrameType

import numpy as np
from numpy import ma  # now: else each submission imports it for itself

PACKAGE = str(Path(__file__).parents[1])
MASKED = "masked array with hidden entries"


def course_calls(function: Callable, arguments: list[object]) -> list[str]:
    """Call a function once; return the names of the course's functions that it calls.

    - `function`: what somebody wrote; its errors are ignored.
    - `arguments`: what to call it with.
    """
    calls: dict[str, None] = {}
    here = sys._getframe()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or not _is_ours(frame):
            return
        caller = frame.f_back
        # The course's own functions call each other by way of libraries, too.
        while caller is not None and caller is not here and not _is_ours(caller):
            caller = caller.f_back
        name = frame.f_code.co_name
        if caller in (here, None) and name.isidentifier():
            calls[name] = None

    before = sys.getprofile()
    with quietly(), _no_collection(), suppress(Exception):
        sys.setprofile(note)
        try:
            function(*arguments)
        finally:
            sys.setprofile(before)
    return list(calls)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no garbage: to end a generator of ours would look like a call of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def quietly() -> Iterator[None]:
    """Swallow what somebody's code prints, and what it warns of."""
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


# What Python does not show either, as it is for those who maintain libraries.
SELDOM = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)


def warned(
    function: object, arguments: list[object]
) -> tuple[str, str, int, str] | None:
    """Call a function once; return the first warning that a line of its file causes.

    - `function`: what somebody wrote; its errors are ignored.
    - `arguments`: what to call it with.

    Returns the kind of the warning, its words, the number of the line and its text.
    """
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    noted: list[tuple[str, str, int, str]] = []

    def note(message: object, category: type[Warning], *_: object) -> None:
        frame = sys._getframe()
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        if frame is not None:
            line = frame.f_lineno
            text = linecache.getline(file, line).strip()
            noted.append((category.__name__, str(message), line, text))

    with quietly(), np.errstate(all="warn", under="ignore"), suppress(Exception):
        warnings.simplefilter("always")
        for kind in SELDOM:
            warnings.simplefilter("ignore", kind)
        warnings.showwarning = note
        function(*arguments)
    return noted[0] if noted else None


def in_words(kind: str, words: str, line: int, text: str) -> str:
    """Say what was raised or warned of, and in which line."""
    said = f"{kind}: {words}".removesuffix(": ").removesuffix(".")
    return said + said_of_line(line, text)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def data_read(function: object) -> list[str]:
    """Return the names of global arrays, lists and dictionaries that code reads."""
    code = getattr(function, "__code__", None)
    outside = getattr(function, "__globals__", {})
    kinds = {"ndarray", "list", "dict"}
    names = _names(code) if isinstance(code, CodeType) else []
    return [x for x in names if type(outside.get(x)).__name__ in kinds]


def _names(code: CodeType) -> list[str]:
    """Return the names in a function's code, and in the functions inside it."""
    inside = [x for x in code.co_consts if isinstance(x, CodeType)]
    return [*code.co_names, *(name for x in inside for name in _names(x))]


def constants_of(answer: object) -> tuple[object, ...]:
    """Return the constants that are written in the code of an answer."""
    code = getattr(answer, "__code__", None)
    if not isinstance(code, CodeType):
        return getattr(answer, "constants", ())
    inside = [x for x in code.co_consts if isinstance(x, CodeType)]
    return (*code.co_consts, *(c for x in inside for c in x.co_consts))


def where(error: BaseException, function: object) -> str:
    """Say what was raised, and in which line of the function's own file."""
    said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    said = said.replace(f"{getattr(function, '__qualname__', '')}()", "the function")
    return f"it raises {said[:200]}{line_of(error, function)}"


def line_of(error: BaseException, function: object) -> str:
    """Name the last line of the function's own file in an error's traceback."""
    return said_of_line(*place_of(error, function))


def said_of_line(line: int, text: str) -> str:
    """Name a line of a cell; no line is 0."""
    shown = f": `{text}`" if text else ""
    return f" (line {line} of the cell{shown})" if line else ""


def place_of(error: BaseException, function: object) -> tuple[int, str]:
    """Return the number and the text of that line; 0 and nothing if there is none."""
    code = getattr(function, "__code__", None)
    line, at = 0, error.__traceback__
    while code and at is not None:
        if at.tb_frame.f_code.co_filename == code.co_filename and at.tb_lineno:
            line = at.tb_lineno
        at = at.tb_next
    return line, linecache.getline(code.co_filename, line).strip() if line else ""


def numbers(came: object) -> np.ndarray | str:
    """Return what an answer returned as an array of numbers, or what it is instead."""
    if came is None:
        return "None"
    if not isinstance(came, np.ndarray | np.generic | bool | int | float):
        return type(came).__name__
    if isinstance(came, ma.MaskedArray) and ma.getmaskarray(came).any():
        return MASKED
    array = np.asarray(came)
    if array.dtype.kind not in "biuf":
        return f"array of {array.dtype}"
    # Longer numbers come with bytes that mean nothing, and always differ.
    return array.astype(float) if array.itemsize > 8 else array


def no_numbers(kind: str) -> str:
    """Say what an answer returned that is not an array of numbers.

    - `kind`: what it is, as `numbers` returns it.
    """
    if kind == "None":
        return "it returns None: is a `return` missing?"
    if kind == "list":
        return "it returns a list, not an array: `np.array` makes one of it"
    if kind == "tuple":
        return (
            "it returns a tuple, which is what more than one thing behind `return` "
            "makes, or a comma at its end: return one array"
        )
    if kind == MASKED:
        return f"it returns a {kind}: write numbers there with `.filled(...)`"
    if kind.startswith("array of "):
        return f"it returns an {kind}, not of numbers"
    return f"it returns a {kind}, not an array of numbers"
