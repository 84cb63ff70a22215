"""What a file is, by its first bytes and its name, and what a notebook's text is."""

import codecs
import re
from pathlib import PurePath

HEAD = 4096  # bytes that show what a file is
# By the first bytes; what stands first counts.
SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive: unpack it and grade again"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive: unpack it and grade again"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it and grade again"),
    (b"Rar!", "a RAR archive: unpack it and grade again"),
    (b"BZh", "a bzip2 archive: unpack it and grade again"),
    (b"\xfd7zXZ\x00", "an XZ archive: unpack it and grade again"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (
        b"L\x00\x00\x00\x01\x14\x02\x00",
        "a Windows shortcut, not the file that it leads to",
    ),
    (b"\x00\x05\x16\x07", "what macOS keeps beside a file, not the file itself"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
PAGES = re.compile(rb"<!doctype html|<html|<head|<body", re.I)
CONFLICT = re.compile(rb"^(<{7} |>{7} |={7}\r?$)", re.M)
# By the end of the name, where the bytes do not tell.
ENDINGS = {
    ".py": "a Python file, not a notebook",
    ".zip": "named as a ZIP archive, and is none",
    ".csv": "a table, not a notebook",
    ".md": "a text, not a notebook",
    ".txt": "a text, not a notebook",
    ".json": "JSON, but not a notebook",
}
# What somebody may mean as an answer, though it is no notebook.
MEANT = re.compile(
    r"\.ipynb\b|\.(py|zip|7z|rar|tar|t?gz|tgz|bz2|xz|html?|pdf|docx?|odt|rtf|json|lnk)$",
    re.I,
)
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


def named(data: bytes) -> str | None:
    """Return what kind of file bytes are the beginning of, if they show it."""
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return _of_office(data) if kind.startswith("a ZIP") else kind
    start = data[:HEAD].removeprefix(codecs.BOM_UTF8).lstrip()
    if PAGES.match(start):
        return "a web page (HTML)"
    if start.startswith(b"<?xml"):
        return "an XML file"
    if data[257:262] == b"ustar":
        return "a tar archive: unpack it and grade again"
    return None


def _of_office(data: bytes) -> str:
    office = re.search(rb"\b(word|xl|ppt)/|mimetypeapplication/vnd\.oasis", data[:HEAD])
    return "an Office document" if office else SIGNATURES[0][1]


def beside(name: str, head: bytes) -> str:
    """Say why a file that is no notebook is not graded.

    - `name`: of the file.
    - `head`: its first bytes.
    """
    ending = PurePath(name).suffix.lower()
    return f"is {named(head) or ENDINGS.get(ending, 'not a notebook')}"


def may_be_notebook(name: str, head: bytes) -> bool:
    """Whether a file is called a notebook, or begins as one does."""
    if name.lower().endswith(".ipynb"):
        return True
    for mark, _ in BOMS:
        head = head.removeprefix(mark)
    start = head.replace(b"\0", b"").lstrip()
    keys = rb'\{\s*"(cells|metadata|nbformat|nbformat_minor|worksheets)"'
    return (".ipynb" in name.lower() and not named(head)) or bool(re.match(keys, start))


def text_of(data: bytes) -> str:
    """Return the text of a notebook.

    - `data`: in UTF-8, UTF-16 or UTF-32; zero bytes at the end are left out.

    Raises ValueError, which says what the file is instead.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise ValueError(
            "holds nothing but zero bytes" if b"\0" in data else "is empty"
        )
    encoding = _encoding(data)
    if encoding.startswith("utf-8"):
        data = data.rstrip(b"\0")
        if kind := named(data):
            raise ValueError(f"is {kind}")
        if CONFLICT.search(data):
            raise ValueError("holds the conflict markers of a Git merge")
    try:
        return data.decode(encoding).rstrip("\0")
    except UnicodeDecodeError as error:
        if b'"cells"' in data and b"\0" not in data:
            raise ValueError(
                "is in another encoding than UTF-8, such as Latin-1: save it as UTF-8"
            ) from error
        raise ValueError("holds bytes that are no text") from error


def _encoding(data: bytes) -> str:
    """Guess the encoding from the mark at the start, or from where zeros stand."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    zeros = tuple(byte == 0 for byte in data[:4])
    by_zeros = {
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
    }
    return by_zeros.get(zeros, "utf-8")


def flaw(text: str, at: int) -> str:
    """Say why a text is no valid JSON.

    - `text`: the text of the file.
    - `at`: the place at which reading it failed.
    """
    if not text.lstrip().startswith(("{", "[")):
        return "is plain text"
    if at >= len(text.rstrip()) - 1 or not text.rstrip().endswith(("}", "]")):
        return "breaks off in the middle: part of the file is missing"
    return f"is not valid JSON: line {text.count(chr(10), 0, at) + 1} is wrong"
