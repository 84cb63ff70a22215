"""Write the text that lesson 12 learns from, from the source of PyPI's Brotli.

    python3 -m pip download --no-deps --no-binary :all: brotli
    python3 tools/make_alice.py brotli-1.2.1.tar.gz

`course_utils/data/README.md` says where the text comes from. What is written is the
same, byte for byte, on every machine.
"""

import gzip
import re
import sys
import tarfile
from pathlib import Path

ALICE = Path(__file__).parents[1] / "course_utils" / "data" / "alice.txt.gz"


def cleaned(raw: str) -> str:
    """Return the chapters alone: one line a paragraph, straight quotes, no mark-up."""
    raw = raw.replace("\r", "").replace("\x1a", "")  # as DOS ended lines and files
    raw = raw[raw.index("CHAPTER I") :]
    paragraphs = [re.sub(r"\s+", " ", x).strip() for x in re.split(r"\n\s*\n", raw)]
    text = re.sub(r"[_*\[\]]", "", "\n".join(paragraphs).replace("`", "'"))
    return re.sub(r"\n\s*\n+", "\n", text).strip() + "\n"


def main(archive: str) -> None:
    """Take the text out of the archive, clean it, and write it compressed."""
    with tarfile.open(archive) as files:
        (name,) = (x for x in files.getnames() if x.endswith("testdata/alice29.txt"))
        raw = files.extractfile(name).read().decode("latin-1")
    text = cleaned(raw).encode("ascii")
    ALICE.write_bytes(gzip.compress(text, mtime=0))
    print(f"{ALICE.name}: {len(text):,} characters, {ALICE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
