"""How the grader and a submission talk: JSON and the bytes of arrays, over a socket.

Neither side can make the other run code, take more memory than the limits below, or
wait beyond its deadline: every size is checked before anything of that size is made.
"""

import json
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

LENGTH = struct.Struct("!II")  # of the message, and of all arrays together
MOST_MESSAGE = 1 << 20
MOST_ARRAYS = 64 << 20
MOST_RESULT = 2 << 20  # of one array that an answer returns; it is asked for 24
MOST_SAID = 400  # characters that a submission says at once
KINDS = [np.dtype(x).newbyteorder(y) for x in "?bhilqBHILQefd" for y in "<>"]
DTYPES = {dtype.str: dtype for dtype in KINDS}


class WireError(Exception):
    """What came is not a message."""


class Deadline(Protocol):
    """What says how long to wait."""

    def left(self) -> float:
        """Return when to ask again, in seconds; raises TimeoutError at the end."""


class Pipe:
    """A file that takes messages, and drops them when it is full.

    - `number`: of the file.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def send(self, data: memoryview) -> int:
        """Write some of the data; return how much of it."""
        try:
            return os.write(self._number, data)
        except BlockingIOError:
            return len(data)


@dataclass(frozen=True)
class Packed:
    """Arrays of numbers as they are sent, in the order in which they lie in memory.

    - `forms`: of each the dtype, the shape, and whether it lies column by column: JSON.
    - `data`: their bytes.
    """

    forms: str
    data: bytes


NOTHING = Packed("[]", b"")


def packed(arrays: Iterable[np.ndarray]) -> Packed:
    """Pack arrays."""
    forms, data = [], []
    for x in arrays:
        by_column = is_by_column(x)
        forms.append([x.dtype.str, x.shape, by_column])
        data.append(x.tobytes("F" if by_column else "C"))
    return Packed(json.dumps(forms), b"".join(data))


def send(
    link: socket.socket | Pipe,
    message: dict,
    arrays: Packed = NOTHING,
    *,
    deadline: Deadline | None = None,
) -> None:
    """Send a message with arrays of numbers.

    - `message`: anything that JSON can hold; never empty.
    - `arrays`: sent along with it.
    - `deadline`: when to give up.

    Raises TimeoutError at the deadline, and OSError if nobody listens any more.
    """
    data = arrays.data
    text = f'{{"arrays": {arrays.forms}, {json.dumps(message)[1:]}'.encode()
    whole = memoryview(LENGTH.pack(len(text), len(data)) + text + data)
    while whole:
        try:
            _set_time(link, deadline)
            whole = whole[link.send(whole) :]
        except TimeoutError:
            _go_on(deadline)


def receive(
    link: socket.socket, *, deadline: Deadline | None = None
) -> tuple[dict, list[np.ndarray]]:
    """Return the next message and its arrays.

    - `deadline`: when to give up.

    Raises TimeoutError at the deadline, EOFError if the other side is gone, and
    WireError if what comes is not a message, or is too long.
    """
    length, size = LENGTH.unpack(_exactly(link, LENGTH.size, deadline))
    if length > MOST_MESSAGE or size > MOST_ARRAYS:
        raise WireError("the message is too long")
    both = _exactly(link, length + size, deadline)
    try:
        message = json.loads(both[:length])
        return message, _unpacked(message["arrays"], both, length)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise WireError("what came is not a message") from error


def is_by_column(array: np.ndarray) -> bool:
    """Return whether a matrix lies in memory column by column."""
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _unpacked(forms: list, data: bytearray, start: int) -> list[np.ndarray]:
    """Return arrays that lie in the data one after the other.

    They share its memory, as far as their numbers can be used where they lie.
    """
    arrays = []
    for name, shape, by_column in forms:
        dtype = DTYPES[name]  # NumPy reads far more into a name than numbers
        if len(shape) > 32 or min(shape, default=0) < 0:
            raise ValueError("not a shape")
        order = "F" if by_column else "C"
        array = np.ndarray(tuple(shape), dtype, data, start, order=order)
        start += array.nbytes
        if not (dtype.isnative and array.flags.aligned):
            array = array.astype(dtype.newbyteorder("="), order="K")
        arrays.append(array)
    return arrays


def _exactly(link: socket.socket, size: int, deadline: Deadline | None) -> bytearray:
    """Receive so many bytes, however slowly they drip, until the deadline."""
    data = bytearray()
    while len(data) < size:
        try:
            _set_time(link, deadline)
            more = link.recv(min(size - len(data), 1 << 18))
        except TimeoutError:
            _go_on(deadline)
            continue
        if not more:
            raise EOFError
        data += more
    return data


def _set_time(link: socket.socket, deadline: Deadline | None) -> None:
    if deadline is not None:
        link.settimeout(deadline.left())


def _go_on(deadline: Deadline | None) -> None:
    """Raise TimeoutError unless there is time left."""
    if deadline is None:
        raise TimeoutError
    deadline.left()
