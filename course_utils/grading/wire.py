"""How the grader and a submission talk: JSON and the bytes of arrays, over a socket.

Neither side can make the other run code, take more memory than the limit below, or
wait beyond its deadline: every size is checked before anything of that size is made.
"""

import json
import math
import socket
import struct
import time

import numpy as np

LENGTH = struct.Struct("!II")  # of the message, and of all arrays together
MOST_MESSAGE = 1 << 20
MOST_ARRAYS = 64 << 20
MOST_RESULT = 2 << 20  # of one array that an answer returns; it is asked 24 times
MOST_SAID = 400  # characters of what a submission says


class WireError(Exception):
    """What came is no message."""


def send(
    link: socket.socket,
    message: dict,
    arrays: list[np.ndarray] | tuple[()] = (),
    *,
    deadline: float | None = None,
) -> None:
    """Send a message with arrays of numbers, in the order in which they lie in memory.

    - `message`: what JSON can hold.
    - `arrays`: what goes with it.
    - `deadline`: when to give up, by `time.monotonic()`.

    Raises TimeoutError at the deadline, and OSError if nobody listens any more.
    """
    forms = [[x.dtype.str, x.shape, _is_by_column(x)] for x in arrays]
    text = json.dumps(message | {"arrays": forms}).encode()
    data = b"".join(x.tobytes("F" if _is_by_column(x) else "C") for x in arrays)
    _set_time(link, deadline)
    link.sendall(LENGTH.pack(len(text), len(data)) + text + data)


def receive(
    link: socket.socket, *, deadline: float | None = None
) -> tuple[dict, list[np.ndarray]]:
    """Return the next message and its arrays.

    - `deadline`: when to give up, by `time.monotonic()`.

    Raises TimeoutError at the deadline, EOFError if the other side is gone, and
    WireError if what comes is no message, or too much.
    """
    length, size = LENGTH.unpack(_exactly(link, LENGTH.size, deadline))
    if length > MOST_MESSAGE or size > MOST_ARRAYS:
        raise WireError("a message that is too long")
    both = _exactly(link, length + size, deadline)
    try:
        message = json.loads(both[:length])
        return message, _unpacked(message["arrays"], both[length:])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError("what is no message") from error


def _unpacked(forms: list, data: bytes) -> list[np.ndarray]:
    arrays, start = [], 0
    for name, shape, by_column in forms:
        dtype = np.dtype(name) if len(name) <= 4 else None
        if dtype is None or dtype.kind not in "biuf" or len(shape) > 32:
            raise ValueError("not an array of numbers")
        if not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError("not a shape")
        stop = start + math.prod(shape) * dtype.itemsize
        array = np.frombuffer(data[start:stop], dtype)
        arrays.append(array.reshape(shape, order="F" if by_column else "C").copy("K"))
        start = stop
    return arrays


def _is_by_column(array: np.ndarray) -> bool:
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _exactly(link: socket.socket, size: int, deadline: float | None) -> bytes:
    """Receive so many bytes, however slowly they drip, until the deadline."""
    data = bytearray()
    while len(data) < size:
        _set_time(link, deadline)
        more = link.recv(min(size - len(data), 1 << 18))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def _set_time(link: socket.socket, deadline: float | None) -> None:
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.settimeout(left)
