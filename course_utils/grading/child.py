"""Run a submission in a process of its own, and call its functions from here.

Arguments and results cross as bytes of arrays, never as pickles, and the judge
and the reference stay on this side.
"""

import contextlib
import io
import json
import multiprocessing as mp
import os
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

from course_utils.checks.judge import UNWRITTEN, AnswerError

SECONDS = 10.0  # for all cells together, and for each call of an answer


class Child:
    """A process that holds one submission; it is started anew when it died."""

    def __init__(self, cells: list[str], seconds: float = SECONDS) -> None:
        self._cells = cells
        self._seconds = seconds
        self._process: mp.process.BaseProcess | None = None

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def answer(self, name: str) -> Callable[..., np.ndarray | None]:
        """Return a function that stands for the submission's function of a name.

        Its first failure to come back is its last: later calls fail at once.
        """
        gone: list[str] = []

        def call(*arguments: np.ndarray | float) -> np.ndarray | None:
            if gone:
                raise AnswerError(gone[0])
            try:
                if self._process is None:
                    self._start()
                return self._call(name, arguments)
            except TimeoutError:
                gone.append(f"it does not end within {self._seconds:g} seconds")
            except (EOFError, OSError):
                gone.append("it ends the process that runs it")
            except (ValueError, KeyError, TypeError):
                gone.append("it answers with what is no result")
            self._stop()
            raise AnswerError(gone[0])

        return call

    def _start(self) -> None:
        context = mp.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, self._cells), daemon=True
        )
        self._process.start()
        theirs.close()
        self._receive()

    def _stop(self) -> None:
        if self._process is not None:
            # A child that listens ends when its pipe is closed; any other is killed.
            self._pipe.close()
            self._process.join(0.5)
            self._process.kill()
            self._process.join()
            self._process = None

    def _receive(self) -> bytes:
        if not self._pipe.poll(self._seconds):
            raise TimeoutError
        return self._pipe.recv_bytes()

    def _call(
        self, name: str, arguments: tuple[np.ndarray | float, ...]
    ) -> np.ndarray | None:
        self._pipe.send_bytes(json.dumps([name, len(arguments)]).encode())
        for argument in arguments:
            self._pipe.send_bytes(_packed(np.asarray(argument)))
        reply = json.loads(self._receive())
        if "error" in reply:
            raise AnswerError(reply["error"])
        for argument in arguments:
            after = _unpacked(self._receive())
            if isinstance(argument, np.ndarray) and after.shape == argument.shape:
                argument[...] = after
        return _unpacked(self._receive()) if reply["returns"] == "array" else None


def serve(pipe: Connection, cells: list[str]) -> None:
    """Run the cells, then answer calls until the pipe closes: the child's side."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.environ["COURSE_PROGRESS"] = os.devnull
    os.chdir(tempfile.gettempdir())
    namespace: dict[str, object] = {"__name__": "__main__"}
    errors = []
    for number, cell in enumerate(cells, start=1):
        try:
            exec(compile(cell, f"<cell {number}>", "exec"), namespace)
        except BaseException as error:
            errors.append(f"code cell {number} raises {_said(error)}")
    pipe.send_bytes(b"ready")
    with contextlib.suppress(EOFError):
        while True:
            name, count = json.loads(pipe.recv_bytes())
            arguments = [_unpacked(pipe.recv_bytes()) for _ in range(count)]
            _reply(pipe, namespace.get(name), name, arguments, errors)


def _reply(
    pipe: Connection,
    function: object,
    name: str,
    arguments: list[np.ndarray],
    errors: list[str],
) -> None:
    """Call the function and send what it returned, or what went wrong."""
    given = [x if x.ndim else x.item() for x in arguments]
    try:
        if not callable(function):
            cause = f": {errors[0]}" if errors else ""
            raise AnswerError(f"there is no function {name}{cause}")
        came = function(*given)
        packed = None if came is None else _packed(_array(came))
    except AnswerError as error:
        pipe.send_bytes(json.dumps({"error": str(error)}).encode())
        return
    except NotImplementedError:
        pipe.send_bytes(json.dumps({"error": UNWRITTEN}).encode())
        return
    except BaseException as error:
        said = {"error": f"it raises {_said(error)}"}
        pipe.send_bytes(json.dumps(said).encode())
        return
    kind = "none" if packed is None else "array"
    pipe.send_bytes(json.dumps({"returns": kind}).encode())
    for argument in given:
        pipe.send_bytes(_packed(np.asarray(argument)))
    if packed is not None:
        pipe.send_bytes(packed)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _array(came: object) -> np.ndarray:
    try:
        return np.asarray(came, dtype=float)
    except (TypeError, ValueError):
        kind = type(came).__name__
        raise AnswerError(f"it returns a {kind}, not an array of numbers") from None


def _packed(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _unpacked(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
