"""Look into a function that somebody wrote: its calls, its data, where it fails.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import linecache
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

import numpy as np

PACKAGE = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Look:
    """What a function turned out to do.

    - `calls`: the functions of the course that it called, by name.
    - `reads`: the data outside the function that it reads, by name.
    """

    calls: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def look_into(function: Callable, arguments: list[object]) -> Look:
    """Call a function once, and say what it called and read; its errors are ignored.

    - `function`: what somebody wrote.
    - `arguments`: what to call it with.
    """
    calls: dict[str, None] = {}
    here = sys._getframe()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        caller = frame.f_back
        if event == "call" and _is_ours(frame) and caller is not None:
            name = frame.f_code.co_name
            if (caller is here or not _is_ours(caller)) and name.isidentifier():
                calls[name] = None

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with suppress(Exception):
            function(*arguments)
    finally:
        sys.setprofile(before)
    return Look(tuple(calls), tuple(_data_read(function)))


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def _data_read(function: Callable) -> list[str]:
    """Return the names of global arrays, lists and dictionaries in its code."""
    code = getattr(function, "__code__", None)
    outside = getattr(function, "__globals__", {})
    kinds = {"ndarray", "list", "dict"}
    names = _names(code) if code else []
    return [x for x in names if type(outside.get(x)).__name__ in kinds]


def _names(code: CodeType) -> list[str]:
    """Return the names in a function's code, and in the functions inside it."""
    inside = [x for x in code.co_consts if isinstance(x, CodeType)]
    return [*code.co_names, *(name for x in inside for name in _names(x))]


def where(error: BaseException, function: Callable) -> str:
    """Say what was raised, and in which line of the function's own file."""
    said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    said = said.replace(f"{getattr(function, '__qualname__', '')}()", "the function")
    return f"it raises {said[:200]}{line_of(error, function)}"


def line_of(error: BaseException, function: Callable) -> str:
    """Name the last line of the function's own file in an error's traceback."""
    code = getattr(function, "__code__", None)
    own = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if code and frame.filename == code.co_filename and frame.lineno
    ]
    if not own:
        return ""
    text = linecache.getline(code.co_filename, own[-1]).strip()
    return f" (line {own[-1]} of the cell{f': `{text}`' if text else ''})"


def numbers(came: object) -> tuple[np.ndarray | None, str | None]:
    """Return what an answer returned as an array, or say why it is none."""
    if came is None:
        return None, "it returns None: is a `return` missing?"
    if isinstance(came, list | tuple):
        kind = type(came).__name__
        return None, f"it returns a {kind}, not an array: `np.array` makes one of it"
    if isinstance(came, np.ndarray | np.generic | bool | int | float):
        array = np.asarray(came)
        if array.dtype.kind in "biuf":
            # Longer numbers come with bytes that mean nothing, and always differ.
            return array.astype(float) if array.itemsize > 8 else array, None
        return None, f"it returns an array of {array.dtype}, not of numbers"
    return None, f"it returns a {type(came).__name__}, not an array of numbers"
