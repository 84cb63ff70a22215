"""Files that are written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place of the one that was there, in one step.

    - `path`: where it shall stand; its folder is made if need be.
    - `data`: all of it.

    Raises OSError if it cannot be written; what was there before is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        half.write_bytes(data)
        half.replace(path)
    except BaseException:  # also when it is stopped
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise
