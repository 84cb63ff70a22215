"""Something that was handed in, as the folder of reports remembers it."""

from dataclasses import dataclass, field

Keys = tuple[str, ...]  # the parts that name a learner; those of folders end in "/"


@dataclass
class Entry:
    """Something handed in, and what grading found out about it.

    - `path`, `root`: where it stands, and the PATH on the command line.
    - `why`: why it is not graded, or None.
    - `is_work`, `is_folder`: as of what was collected.
    - `verdict`: the name of the file that keeps its verdict, if it was graded.
    - `lesson`: that it answers, if that is known.
    - `kind`: "own", "untouched", "solution" or "lesson".
    - `passed`: why it does not count although it could be graded, or None.
    - `base`, `keys`: the folder of its class, and what names its learner in it.
    - `digest`: of its bytes.
    - `first`: the name of the file that keeps the first verdict on these bytes.
    - `handed_in`: when, if that is known; `is_late`: whether the platform says so.
    - `due`, `penalty`: until when it was asked, and per cent off for each day.
    """

    path: str
    root: str
    why: str | None = None
    is_work: bool = True
    is_folder: bool = False
    verdict: str | None = None
    lesson: int | None = None
    kind: str = "own"
    passed: str | None = None
    base: str = ""
    keys: Keys = field(default=())
    digest: str = ""
    first: str | None = None
    handed_in: str | None = None
    is_late: bool = False
    due: str | None = None
    penalty: float = 0.0

    @property
    def counts(self) -> bool:
        """Whether it stands for work of somebody."""
        return self.is_work and not self.is_folder and self.passed is None
