"""Unpack what learning platforms let an instructor download, and nothing else.

What is in a ZIP archive was chosen by somebody: how large it becomes, how many files it
holds, and where they want to go. So all of this is bounded, what leads outside is
refused, links are left out, and an archive is unpacked whole or not at all. Archives
that learners handed in inside it are unpacked too; archives inside those are not.
"""

import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

from course_utils.grading.collect import NOISE, SKIPPED, spelt_out
from course_utils.grading.submission import MOST

# Files, and bytes, of a class and of what one learner packed.
CLASS = (50_000, 4 << 30)
ONE = (2_000, 200 << 20)
DEEPEST = 32  # folders in folders
CHUNK = 1 << 16


class ArchiveError(Exception):
    """An archive is not unpacked; the message says why."""


@dataclass
class Unpacked:
    """What came out of an archive.

    - `folder`: where it is now.
    - `times`: of the files, by their paths, as the archive has them.
    - `said`: what was left out, and why.
    - `room`: bytes that may still come.
    """

    folder: Path
    times: dict[str, datetime] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    room: int = 0


def is_archive(path: str) -> bool:
    """Whether this is a file that ends as a ZIP archive, or begins as one."""
    return os.path.isfile(path) and (
        path.lower().endswith(".zip") or zipfile.is_zipfile(path)
    )


def unpack(path: str, out: Path) -> Unpacked:
    """Unpack an archive anew, with the archives that lie in it.

    - `path`: where it is.
    - `out`: where the folder for it is made, by the name of the archive.

    Raises ArchiveError if it is damaged, encrypted or too large, holds a file twice, or
    would write outside.
    """
    out = out.absolute()
    place = out / sha256(os.path.abspath(path).encode()).hexdigest()[:8]
    done = Unpacked(place / Path(path).stem, room=CLASS[1])
    half = out / f".{secrets.token_hex(8)}"
    try:
        done.room -= _unpack_into(path, half / Path(path).stem, done, CLASS)
        for inner in sorted(half.rglob("*")):
            if inner.suffix.lower() == ".zip" and inner.is_file():
                _unpack_inner(inner, done)
        shutil.rmtree(place, ignore_errors=True)
        half.replace(place)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    moved = {str(place / Path(x).relative_to(half)): t for x, t in done.times.items()}
    return Unpacked(done.folder, moved, done.said)


def _unpack_inner(inner: Path, done: Unpacked) -> None:
    """Put a folder in the place of a learner's archive, handed in when that was."""
    folder = inner.with_suffix("")
    handed_in, name = done.times.get(str(inner)), spelt_out(inner.name)
    own = Unpacked(folder)
    if folder.exists():
        done.said.append(f"{name} is not unpacked: {folder.name} is there already.")
        return
    try:
        most = min(ONE[1], done.room)
        done.room -= _unpack_into(str(inner), folder, own, (ONE[0], most))
    except ArchiveError as error:
        shutil.rmtree(folder, ignore_errors=True)
        done.said.append(f"{name} is not unpacked: it {error}.")
        return
    inner.unlink()
    done.said += own.said
    if handed_in is not None:
        done.times |= dict.fromkeys(own.times, handed_in)


def _unpack_into(
    path: str, folder: Path, done: Unpacked, limits: tuple[int, int]
) -> int:
    """Unpack one archive, without those in it; return how many bytes came out."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = list(_members(archive, limits[0], done))
            left = limits[1]
            for member, inside in members:
                target = folder / inside
                left -= _written(archive, member, target, left)
                with suppress(ValueError):  # some have no time
                    done.times[str(target)] = datetime(*member.date_time)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise ArchiveError("is damaged, or no ZIP archive") from error
    except (RuntimeError, NotImplementedError) as error:
        raise ArchiveError("is encrypted, or packed in an unusual way") from error
    except OSError as error:
        raise ArchiveError(f"cannot be unpacked: {error.strerror}") from error
    folder.mkdir(parents=True, exist_ok=True)
    return limits[1] - left


def _members(
    archive: zipfile.ZipFile, most: int, done: Unpacked
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Yield what is to be unpacked, with its path below the folder.

    Raises ArchiveError if there is too much of it, or it would go elsewhere.
    """
    infos = archive.infolist()
    if len(infos) > most:
        raise ArchiveError(f"holds {len(infos):,} files, and at most {most:,} are read")
    seen: set[str] = set()
    for info in infos:
        inside = _inside(info.filename)
        if any(x.lower() in SKIPPED | NOISE for x in inside.parts) or info.is_dir():
            continue
        if not _is_plain(info):
            done.said.append(f"{spelt_out(info.filename)} is a link: it is left out.")
            continue
        if str(inside) in seen:
            raise ArchiveError(f"holds {spelt_out(str(inside))} twice")
        seen.add(str(inside))
        yield info, inside


def _inside(name: str) -> PurePosixPath:
    """Return a path that stays inside.

    Raises ArchiveError if it does not.
    """
    inside = PurePosixPath(name.replace("\\", "/"))
    is_outside = inside.is_absolute() or ".." in inside.parts or ":" in name[:2]
    if is_outside or not inside.parts:
        raise ArchiveError(f"holds a path that leads outside: {spelt_out(name):.80}")
    if len(inside.parts) > DEEPEST:
        raise ArchiveError(f"holds more than {DEEPEST} folders in each other")
    return inside


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a file, and no link or device; some say nothing."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind in (0, stat.S_IFREG)


def _written(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int
) -> int:
    """Write a file, and return its length; of one that is too long, the beginning.

    That it is too long for a notebook is found where it is read. What the archive says
    of lengths is not believed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    length = 0
    with archive.open(member) as packed, open(target, "xb") as new:
        while length <= MOST and (chunk := packed.read(CHUNK)):
            length += len(chunk)
            if length > left:
                raise ArchiveError("would take too much room unpacked")
            new.write(chunk)
    return length
