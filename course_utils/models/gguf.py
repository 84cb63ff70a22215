"""Read a GGUF file: what its model is made of, and its numbers, 4 bits or 8 each.

GGUF holds entries (sizes, the tokenizer's pieces), a list of arrays, and their numbers.
Source: ggml's docs/gguf.md for the file, and its ggml-common.h for the blocks.
"""

import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"GGUF"
SCALARS = dict(zip((*range(8), 10, 11, 12), "BbHhIif?Qqd", strict=True))
TEXT, LIST = 8, 9
# How 32 numbers are kept: d and m are a scale and the least, q the numbers between.
Q4_1 = np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", 16)])
Q8_0 = np.dtype([("d", "<f2"), ("q", "i1", 32)])
BLOCK = 32


class _Bytes:
    """Bytes that are read one thing after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def scalar(self, code: str) -> Any:  # noqa: ANN401
        (value,) = struct.unpack_from(f"<{code}", self.data, self.at)
        self.at += struct.calcsize(f"<{code}")
        return value

    def text(self) -> str:
        size = self.scalar("Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def entry(self, kind: int) -> Any:  # noqa: ANN401
        if kind == TEXT:
            return self.text()
        if kind != LIST:
            return self.scalar(SCALARS[kind])
        inner, count = self.scalar("I"), self.scalar("Q")
        return [self.entry(inner) for _ in range(count)]


def read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Return the entries of a GGUF file and its arrays by name, as float32.

    - `path`: a file of version 2 or 3 whose numbers are F32, F16, Q4_1 or Q8_0.

    Raises ValueError if it is no such file, or ends too early.
    """
    file = _Bytes(path.read_bytes())
    if file.data[:4] != MAGIC or file.data[4:5] not in (b"\2", b"\3"):
        raise ValueError(f"{path.name} must be a GGUF file of version 2 or 3")
    file.at = 8
    try:
        return _read(file)
    except (struct.error, ValueError) as error:
        raise ValueError(f"{path.name} must be a whole GGUF file: {error}") from error


def _read(file: _Bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    count, num_entries = file.scalar("Q"), file.scalar("Q")
    entries = {}
    for _ in range(num_entries):
        name = file.text()
        entries[name] = file.entry(file.scalar("I"))
    listed = []
    for _ in range(count):
        name, axes = file.text(), file.scalar("I")
        shape = [file.scalar("Q") for _ in range(axes)][::-1]  # the last runs fastest
        listed.append((name, shape, file.scalar("I"), file.scalar("Q")))
    align = entries.get("general.alignment", 32)
    start = -(-file.at // align) * align
    return entries, {
        name: _numbers(file.data, start + offset, kind, prod(shape)).reshape(shape)
        for name, shape, kind, offset in listed
    }


def _numbers(data: bytes, at: int, kind: int, size: int) -> NDArray[np.float32]:
    """Return `size` numbers that begin at a byte, free of how they were kept."""
    if kind in (0, 1):
        dtype = ("<f4", "<f2")[kind]
        return np.frombuffer(data, dtype, size, at).astype(np.float32)
    if kind not in (3, 8):
        raise ValueError(f"numbers of kind {kind} are none of F32, F16, Q4_1, Q8_0")
    blocks = np.frombuffer(data, Q4_1 if kind == 3 else Q8_0, size // BLOCK, at)
    scale = blocks["d"].astype(np.float32)[:, None]
    if kind == 8:
        return blocks["q"] * scale
    # A byte holds two numbers: the low halves are the first 16 of the block.
    halves = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1)
    return halves * scale + blocks["m"].astype(np.float32)[:, None]
