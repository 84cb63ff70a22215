"""Run the cells of one submission, and call the functions that they define.

All of this happens in the submission's own process. What it says of itself is only
ever a fact to be looked at; the sentences are the grader's.
"""

import builtins
import io
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import astuple
from functools import partial
from itertools import islice
from socket import socket

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from course_utils.checks import look, lookups, repair, stages
from course_utils.grading import cells, stand_ins, wire


class Submission:
    """The cells of one submission, and the functions that they define.

    - `link`: to the grader.
    - `begun`: takes the number of each cell when it is begun.
    - `shell`: runs the cells.
    """

    def __init__(self, link: socket, begun: wire.Pipe, shell: InteractiveShell) -> None:
        self.link = link
        self.begun = begun
        self.shell = shell
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.noted: list[BaseException] = []
        self.checked: dict[str, object] = {}
        self.is_asked = False

    def serve(self) -> None:
        """Run the cells, then answer calls until the socket closes."""
        told, _ = wire.receive(self.link)
        stand_ins.COURSE.check = self._check
        stand_ins.COURSE.ask = partial(self._ask, "use")
        stand_ins.COURSE.offered = tuple(told["offered"])
        setattr(builtins, cells.NOTE, self._note)
        for number, cell, checks in told["cells"]:
            # As all messages are sent: who breaks that is not the cell to come.
            wire.send(self.begun, {"cell": number})
            self._run(number, cell)
            # A check cell that does not get to its check is a check all the same.
            if checks and checks not in self.checked:
                self._check(checks, self._named(checks))
        same = [x for x, function in self.checked.items() if self._is(x, function)]
        self._tell({"ready": True, "same": same})
        self._answer(None)

    def _run(self, number: int, cell: str) -> None:
        """Run a cell, and tell the first thing that fails in it."""
        self.noted.clear()
        error = cells.run(self.shell, cell)
        if failed := [*self.noted, *([error] if error is not None else [])]:
            self._tell({"cell": number, "raised": raised(failed[0])})

    def _note(self, names: list[str]) -> None:
        """Note what is being raised, and what is not there because of it."""
        error = sys.exc_info()[1]
        self.noted.append(error)
        for name in names:
            self.shell.user_ns[name] = cells.Missing(error)

    def _named(self, name: str) -> object:
        return self.shell.user_ns.get(name)

    def _is(self, name: str, function: object) -> bool:
        return function is not None and self._named(name) is function

    def _check(self, name: object, function: object) -> None:
        """Have a function judged as it stands here."""
        if (
            self.is_asked
            or os.getpid() != self.process
            or threading.current_thread() is not threading.main_thread()
        ):
            return
        self.checked[str(name)] = function
        self._tell({"check": str(name)[:99]})
        self._answer(function)

    def _answer(self, function: object) -> None:
        """Answer calls of a function, or of one by its name, until told to go on."""
        self.is_asked = True
        while (said := wire.receive(self.link))[0]["do"] != "go on":
            request, arguments = said
            asked = self._asked_for(request) if function is None else function
            lent = {x: self._lent(x) for x in request.get("lent", ())}
            with lookups.in_place(asked, lent):
                told = self._done(asked, request, arguments)
            self._tell(*told)
        self.is_asked = False

    def _asked_for(self, request: dict) -> object:
        """Return a function as it stands now; what is asked last, as it was checked."""
        name = request["name"]
        is_last = request["do"] != "call" or "lent" in request
        return (is_last and self.checked.get(name)) or self._named(name)

    def _lent(self, name: str) -> Callable:
        """Return what has the grader answer an exercise."""
        return lambda *args, **named: self._ask("answer", name, args, named)

    def _done(
        self, asked: object, request: dict, arguments: list[np.ndarray]
    ) -> tuple[dict, list[np.ndarray]]:
        """Do what is asked of a function; return what to tell of it."""
        if request["do"] == "look up":
            names = lookups.looked_up(asked)
            return {"names": [x for x in request["names"] if x in names]}, []
        if request["do"] == "stand alone":
            return {"alone": lookups.alone(asked)}, []
        if request["do"] == "find":
            return {"found": _found(asked, request, arguments)}, []
        if request["do"] == "warn":
            return {"warned": _warned(asked, arguments)}, []
        return self._reply(asked, request["counts"], arguments)

    def _ask(self, what: str, name: str, args: tuple, named: dict) -> object:
        """Have the grader call a function of the course, or one of its answers."""
        arrays: list[np.ndarray] = []
        call = {
            what: name,
            "args": [_sent(x, arrays) for x in args],
            "named": {x: _sent(y, arrays) for x, y in named.items()},
        }
        with self.lock:
            self._tell(call, arrays)
            said, came = wire.receive(self.link)
        if "raises" in said:
            raise getattr(builtins, said["raises"])(said["text"])
        if "refused" in said:
            raise stand_ins.NotOfferedError(said["refused"])
        results = [x if x.ndim else x[()] for x in came]
        return tuple(results) if said["is_tuple"] else results[0]

    def _tell(self, message: dict, arrays: list[np.ndarray] | tuple[()] = ()) -> None:
        self._end_copies()
        wire.send(self.link, message, wire.packed(arrays))

    def _end_copies(self) -> None:
        """End this process if the submission forked it: one of them goes on."""
        if os.getpid() != self.process:
            os._exit(0)

    def _reply(
        self, function: object, counts: list[int], arguments: list[np.ndarray]
    ) -> tuple[dict, list[np.ndarray]]:
        """Call the function with all cases, twice; return what came of it.

        The arguments go back as they are after the calls: whether they changed is for
        the grader to see.
        """
        replies, results, rest, after = [], [], iter(arguments), []
        with _Quiet() as quiet:
            for case in [list(islice(rest, count)) for count in counts]:
                for _ in range(2):
                    given = _given(case)
                    reply, yours = _called(function, given, quiet)
                    self._end_copies()
                    replies.append(reply)
                    pairs = zip(given, case, strict=True)
                    after += [_after(now, was) for now, was in pairs]
                    if yours is not None:
                        results.append(yours)
        left = np.frombuffer(b"".join(after), np.uint8)
        reads = look.data_read(function)
        return {"replies": replies, "reads": reads}, [left, *results]


def _found(
    function: object, request: dict, arrays: list[np.ndarray]
) -> list[object] | None:
    """Look for the line of a mistake in a function."""
    rest = iter(arrays)
    cases = [(list(islice(rest, n)), next(rest)) for n in request["counts"]]
    size = len(cases) // request["rounds"]
    first, *more = (cases[i : i + size] for i in range(0, len(cases), size))
    found = repair.search(
        function,
        first,
        more,
        steps=tuple(request["steps"]),
        keeps_dtype=request["keeps_dtype"],
        seconds=request["seconds"],
    )
    if found:
        return list(astuple(found))
    worked = [list(islice(rest, request["stages"])) for _ in first]
    off = stages.first_wrong(
        function, first, worked, keeps_dtype=request["keeps_dtype"]
    )
    return ["stage", *astuple(off)] if off else None


def _warned(function: object, arguments: list[np.ndarray]) -> list | None:
    """Return what a line of the function warns of, and where."""
    if found := look.warned(function, _given(arguments)):
        kind, words, line, text = found
        return [kind[:99], words[: wire.MOST_SAID], line, text[:200]]
    return None


class _Quiet(ExitStack):
    """Swallows what calls print and warn of, from the first one on."""

    is_on = False

    def begin(self) -> None:
        """Begin, unless it has begun; raises what a notebook breaks that this needs."""
        if not self.is_on:
            self.enter_context(look.quietly())
            self.is_on = True


def _called(
    function: object, given: list[object], quiet: _Quiet
) -> tuple[dict, np.ndarray | None]:
    """Call the function once; return what is to be said of it, and its result.

    What it prints goes to where only this call writes.
    """
    if not callable(function):
        return {"missing": True}, None
    printed = io.StringIO()
    try:
        quiet.begin()
        sys.stdout = sys.stderr = printed
        came = function(*given)
    except NotImplementedError:
        return {"unwritten": True}, None
    except BaseException as error:
        return {"raised": raised(error, function)}, None
    yours = look.numbers(came)
    if isinstance(yours, str):
        printed_instead = yours == "None" and bool(printed.getvalue())
        return {"came": "print" if printed_instead else yours[: wire.MOST_SAID]}, None
    if yours.nbytes > wire.MOST_RESULT:
        return {"large": yours.shape}, None
    return {"returned": True}, yours


def raised(error: BaseException, function: object = None) -> list:
    """Return the kind of an error, its words, and where the function raised it."""
    try:
        words = str(error)
    except Exception:  # of what somebody wrote as the words of an error
        words = ""
    name = getattr(function, "__qualname__", "")
    words = words.replace(f"{name}()", "the function") if name else words
    line, text = look.place_of(error, function)
    return [type(error).__name__[:99], words[: wire.MOST_SAID], line, text[:200]]


def _sent(value: object, arrays: list[np.ndarray]) -> object:
    """Return an argument as JSON can hold it; arrays go along."""
    if value is None or isinstance(value, bool | int | float | str):
        return {"is": value}
    if isinstance(value, tuple) and all(isinstance(x, int) for x in value):
        return {"tuple": value}
    array = np.asarray(value)
    if array.dtype.str not in wire.DTYPES:
        kind = type(value).__name__
        raise TypeError(
            f"the functions of the course take arrays and numbers, not {kind}"
        )
    arrays.append(array)
    return {"array": len(arrays) - 1}


def _given(arguments: list[np.ndarray]) -> list[object]:
    """Copy the arguments; a single number is handed over as Python's own."""
    return [x.copy("K") if x.ndim else x.item() for x in arguments]


def _after(now: object, was: np.ndarray) -> bytes:
    """Return the bytes of an argument after a call; another shape is a change too."""
    if not isinstance(now, np.ndarray):
        return b""
    order = "F" if wire.is_by_column(was) else "C"
    if (now.shape, now.dtype) == (was.shape, was.dtype):
        return now.tobytes(order)
    return bytes(~np.frombuffer(was.tobytes(order), np.uint8))
