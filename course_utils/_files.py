"""Files that are written whole or not at all."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place of the one that was there, in one step.

    - `path`: where it shall stand; its folder is made if need be.
    - `data`: all of it.

    Raises OSError if it cannot be written; what was there before is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # JupyterLite keeps text or bytes by the ending that a file had at first.
    ending = path.suffix if sys.platform == "emscripten" else ".tmp"
    half = path.with_name(f".{path.name}.{os.getpid()}{ending}")
    try:
        half.write_bytes(data)
        half.replace(path)
    except BaseException:  # also when it is stopped
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise
