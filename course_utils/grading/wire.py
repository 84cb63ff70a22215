"""How the grader and a submission talk: JSON and the bytes of arrays, over a socket.

Neither side can make the other run code, take more memory than the limits below, or
wait beyond its deadline: every size is checked before anything of that size is made.
"""

import json
import math
import socket
import struct
from typing import Protocol

import numpy as np

LENGTH = struct.Struct("!II")  # of the message, and of all arrays together
MOST_MESSAGE = 1 << 20
MOST_ARRAYS = 64 << 20
MOST_RESULT = 2 << 20  # of one array that an answer returns; it is asked for 24
MOST_SAID = 400  # characters that a submission says at once
MOST_LENGTH = 1 << 62  # of one axis
DTYPES = {
    np.dtype(one).newbyteorder(order).str for one in "?bhilqBHILQefd" for order in "<>"
}


class WireError(Exception):
    """What came is not a message."""


class Deadline(Protocol):
    """What says how long to wait."""

    def left(self) -> float:
        """Return when to ask again, in seconds; raises TimeoutError at the end."""


def send(
    link: socket.socket,
    message: dict,
    arrays: list[np.ndarray] | tuple[()] = (),
    *,
    deadline: Deadline | None = None,
) -> None:
    """Send a message with arrays of numbers, in the order in which they lie in memory.

    - `message`: anything that JSON can hold.
    - `arrays`: sent along with it.
    - `deadline`: when to give up.

    Raises TimeoutError at the deadline, and OSError if nobody listens any more.
    """
    forms = [[x.dtype.str, x.shape, is_by_column(x)] for x in arrays]
    text = json.dumps(message | {"arrays": forms}).encode()
    data = b"".join(x.tobytes("F" if is_by_column(x) else "C") for x in arrays)
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
        return message, _unpacked(message["arrays"], both[length:])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise WireError("what came is not a message") from error


def is_by_column(array: np.ndarray) -> bool:
    """Return whether a matrix lies in memory column by column."""
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _unpacked(forms: list, data: bytes) -> list[np.ndarray]:
    arrays, start = [], 0
    for name, shape, by_column in forms:
        if name not in DTYPES:  # NumPy reads far more into a name than numbers
            raise ValueError("not an array of numbers")
        if len(shape) > 32 or not all(_is_length(n) for n in shape):
            raise ValueError("not a shape")
        dtype = np.dtype(name)
        stop = start + math.prod(shape) * dtype.itemsize
        array = np.frombuffer(data[start:stop], dtype)
        array = array.reshape(shape, order="F" if by_column else "C")
        arrays.append(array.astype(dtype.newbyteorder("="), order="K"))
        start = stop
    return arrays


def _is_length(n: object) -> bool:
    return type(n) is int and 0 <= n < MOST_LENGTH


def _exactly(link: socket.socket, size: int, deadline: Deadline | None) -> bytes:
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
    return bytes(data)


def _set_time(link: socket.socket, deadline: Deadline | None) -> None:
    if deadline is not None:
        link.settimeout(deadline.left())


def _go_on(deadline: Deadline | None) -> None:
    """Raise TimeoutError unless there is time left."""
    if deadline is None:
        raise TimeoutError
    deadline.left()
