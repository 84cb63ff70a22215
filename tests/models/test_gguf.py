"""The reader of GGUF files: against files written here, and the gguf package."""

import struct

import numpy as np
import pytest

from course_utils.models.gguf import read_gguf

KINDS = {0: "F32", 1: "F16", 3: "Q4_1", 8: "Q8_0"}
ENTRIES = {
    "general.architecture": (8, "llama"),
    "count": (4, 7),
    "base": (6, 0.5),
    "flag": (7, True),
    "far": (11, -(2**40)),
    "pieces": (9, (8, ["a", "Größe", ""])),
    "kinds": (9, (5, [3, -1])),
    "none": (9, (5, [])),
}
SCALARS = {4: "I", 5: "i", 6: "f", 7: "?", 11: "q"}


def text(x):
    data = x.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, x):
    if kind == 8:
        return text(x)
    if kind == 9:
        inner, listed = x
        head = struct.pack("<IQ", inner, len(listed))
        return head + b"".join(value(inner, y) for y in listed)
    return struct.pack(f"<{SCALARS[kind]}", x)


def written(arrays, version=3, entries=ENTRIES, align=32):
    """Return the bytes of a file; `arrays` has (kind, shape, bytes) by name."""
    data = b"GGUF" + struct.pack("<IQQ", version, len(arrays), len(entries))
    for name, (kind, x) in entries.items():
        data += text(name) + struct.pack("<I", kind) + value(kind, x)
    body = b""
    for name, (kind, shape, numbers) in arrays.items():
        body += b"\0" * (-len(body) % align)
        data += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        data += struct.pack("<IQ", kind, len(body))
        body += numbers
    return data + b"\0" * (-len(data) % align) + body


@pytest.fixture
def read(tmp_path):
    def opened(data):
        (tmp_path / "model.gguf").write_bytes(data)
        return read_gguf(tmp_path / "model.gguf")

    return opened


def blocks(rng, count):
    """Return what 32 numbers a block are by hand, in both ways, and their bytes."""
    d, m = (rng.normal(size=count).astype("<f2") for _ in range(2))
    q = rng.integers(16, size=(count, 32))
    few = b"".join(
        d[i].tobytes()
        + m[i].tobytes()
        + bytes(int(q[i, j] | q[i, j + 16] << 4) for j in range(16))
        for i in range(count)
    )
    s = rng.integers(-128, 128, size=(count, 32)).astype("i1")
    many = b"".join(d[i].tobytes() + s[i].tobytes() for i in range(count))
    d, m = (x.astype(np.float32)[:, None] for x in (d, m))
    return (q * d + m, few), (s * d, many)


@pytest.mark.parametrize("version", [2, 3])
def test_entries_and_numbers_come_as_they_were_written(read, version):
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(3, 5)).astype("<f4")
    half = rng.normal(size=(2, 2, 3)).astype("<f2")
    (few, few_bytes), (many, many_bytes) = blocks(rng, 6)
    arrays = {
        "plain": (0, (3, 5), plain.tobytes()),
        "half": (1, (2, 2, 3), half.tobytes()),
        "few": (3, (3, 64), few_bytes),
        "many": (8, (2, 96), many_bytes),
    }
    entries, found = read(written(arrays, version))
    assert entries == {name: x[1] if k == 9 else x for name, (k, x) in ENTRIES.items()}
    expected = {"plain": plain, "half": half}
    expected |= {"few": few.reshape(3, 64), "many": many.reshape(2, 96)}
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], x, rtol=1e-6)


def test_the_file_may_say_where_its_numbers_begin(read):
    entries = {"general.alignment": (4, 64)}
    arrays = {"x": (0, (2,), np.array([1, 2], "<f4").tobytes())}
    _, found = read(written(arrays, entries=entries, align=64))
    np.testing.assert_array_equal(found["x"], [1, 2])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"PK" + data[2:], "must be a GGUF file of version 2 or 3"),
        (lambda data: data[:4] + b"\1" + data[5:], "must be a GGUF file of version 2"),
        (lambda data: b"", "must be a GGUF file"),
        (lambda data: data[:4], "must be a GGUF file"),
        (lambda data: data[:40], "must be a whole GGUF file"),
        (lambda data: data[:-1], "must be a whole GGUF file"),
    ],
)
def test_what_is_no_such_file_is_named(read, change, says):
    data = written({"x": (0, (2,), bytes(8))})
    with pytest.raises(ValueError, match=says):
        read(change(data))


def test_numbers_of_another_kind_are_named(read):
    with pytest.raises(ValueError, match="kind 12 are none of F32, F16, Q4_1, Q8_0"):
        read(written({"x": (12, (32,), bytes(64))}))


@pytest.mark.oracle
@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_numbers_are_those_of_the_gguf_package(tmp_path, kind):
    gguf = pytest.importorskip("gguf")
    from gguf.quants import dequantize, quantize

    path, x = tmp_path / "model.gguf", np.random.default_rng(0).normal(size=(6, 64))
    own = getattr(gguf.GGMLQuantizationType, kind)
    data = quantize(x.astype(np.float32), own)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("count", 5)
    writer.add_array("pieces", ["a", "b"])
    writer.add_tensor("x", data, raw_dtype=own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    entries, arrays = read_gguf(path)
    assert (entries["count"], entries["pieces"]) == (5, ["a", "b"])
    np.testing.assert_allclose(arrays["x"], dequantize(data, own), rtol=1e-6)
