"""Find the line of a mistake in an answer that stands alone, once for a whole class.

Many hand in the same wrong function. Where it uses nothing that the rest of its
notebook makes, its line is looked for in a process that runs this function and nothing
else. What is found there is true of the function, whoever wrote it: nobody else's code
has a say in what a learner is told.
"""

import re
from contextlib import suppress
from functools import lru_cache

from course_utils.checks.repair import Found
from course_utils.checks.stages import Stage
from course_utils.exercises.exercise import Exercise
from course_utils.grading.child import Child, GoneError
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.submission import Submission

NUMPY = (1, "import numpy as np", None)
BEGUN = re.compile(r"[^\s#)\]}]")  # the first letter of a line that begins something


def text_of(
    cells: list[tuple[int, str, str | None]], name: str, lines: tuple[int, int]
) -> str | None:
    """Return the text of a function, where its lines have the same numbers.

    - `cells`: of a submission.
    - `name`: of the function.
    - `lines`: the first and the last, of its cell, as somebody says.

    Returns None if one function of that name does not begin and end there.
    """
    defined = re.compile(rf"^def +{name} *\(", re.M)
    found = [text for _, text, _ in cells for _ in defined.finditer(text)]
    if len(found) != 1:
        return None
    first, last = lines
    own = found[0].lstrip("\n").split("\n")[first - 1 : last]
    if not own or not defined.match(own[0]) or any(map(BEGUN.match, own[1:])):
        return None
    return "\n".join(["#"] * (first - 1) + own)


def place_in(
    text: str,
    sandbox: Sandbox,
    exercise: Exercise,
    seed: int,
    seconds: float,
    with_stages: bool,
) -> Found | Stage | None:
    """Return where an answer goes wrong that needs NumPy and nothing else.

    - `text`: of the answer.
    - `sandbox`: where nothing else runs meanwhile.
    - `exercise`, `seed`, `seconds`, `with_stages`: as for `Child.find`.
    """
    with suppress(GoneError):
        return _kept_place(text, sandbox, exercise, seed, seconds, with_stages)
    return None


@lru_cache(maxsize=1024)  # a class is graded with one seed
def _kept_place(
    text: str, sandbox: Sandbox, exercise: Exercise, *how: float
) -> Found | Stage | None:
    cells = [NUMPY, (2, text, None)]
    with Child(Submission([exercise], cells), sandbox) as child:
        found = child.find(exercise, *how)
        if not child.is_there:  # it may have been slow for once: nothing to keep
            raise GoneError
        return found
