"""How learning platforms name what they let an instructor download.

- Moodle: a folder "Ann Lee_12345_assignsubmission_file_" for each learner, or, without
  folders, files that begin so. The number belongs to one assignment only.
- Canvas: files "leeann_12345_67890_name.ipynb", with "LATE" behind the name of who was
  late. The first number is the learner's, and the second the file's.
"""

import os
import re
from collections import defaultdict
from dataclasses import dataclass

from course_utils.grading.entry import Entry

MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_.*)?", re.I)
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_late)?_(?P<id>\d{3,})_\d{4,}_.+", re.I)


@dataclass(frozen=True)
class Owner:
    """Whose a download is.

    - `name`: as the platform writes it.
    - `number`: what the platform calls the learner.
    - `is_lasting`: whether the learner has this number in other downloads too.
    - `is_late`: whether the platform marks it as late.
    """

    name: str
    number: str
    is_lasting: bool
    is_late: bool = False

    @property
    def whole(self) -> str:
        """The name with the number, which is one learner's in a download."""
        return f"{self.name}_{self.number}"


def owner_of(part: str) -> Owner | None:
    """Return whose a folder or a file is, if a platform named it.

    - `part`: one part of its path.
    """
    if found := MOODLE.fullmatch(part):
        return Owner(found["name"], found["id"], is_lasting=False)
    if found := CANVAS.fullmatch(part):
        late = found["late"] is not None
        return Owner(found["name"], found["id"], is_lasting=True, is_late=late)
    return None


def is_download(one: Entry) -> bool:
    """Whether a platform named the file or a folder that it lies in."""
    return any(map(owner_of, os.path.relpath(one.path, one.root).split(os.sep)))


def shorten(entries: list[Entry]) -> None:
    """Name learners of downloads as people do, where that tells them apart.

    Numbers that do not last would be others in the next download.

    - `entries`: what was handed in; their keys are changed.
    """
    numbers = defaultdict(set)
    for one in entries:
        for owner in filter(None, map(_owner_of_key, one.keys)):
            numbers[one.base, owner.name].add(owner.number)
    for one in entries:
        one.keys = tuple(_shortened(x, one.base, numbers) for x in one.keys)


def _owner_of_key(key: str) -> Owner | None:
    return owner_of(key.removesuffix("/"))


def _shortened(key: str, base: str, numbers: dict[tuple[str, str], set[str]]) -> str:
    owner = _owner_of_key(key)
    if owner is None:
        return key
    is_one = len(numbers[base, owner.name]) == 1
    return (owner.name if is_one else owner.whole) + ("/" if key[-1] == "/" else "")
