"""The page at which JupyterLab opens: the path, and how far the learner is."""

from course_utils import progress
from course_utils.checks.catalogue import exercises_of
from course_utils.syllabus import LESSONS, PARTS, ROOT, Lesson

HEAD = """\
# Attention, built by hand

{standing}

In a notebook, **Shift + Enter** runs a cell and goes on to the next. The
exercises of a lesson are graded as soon as you run their check cells, as often
as you like.
"""
LESSON_ROW = (
    "| {number} | [{title}](notebooks/{name}.ipynb)<br>{question} "
    "| [exercises](exercises/{name}.ipynb) · [solutions](solutions/{name}.ipynb) "
    "| {bar} |"
)
PLANNED_ROW = "| {number} | {title}<br>{question} | *not there yet* | |"


def page() -> str:
    """Return the start page in Markdown, with the learner's points as bars."""
    earned = progress.load()["exercises"]
    lines = [HEAD.format(standing=_standing(earned))]
    lines += ["| | lesson | then | points |", "|---:|---|---|---|"]
    for i, (part, lessons) in enumerate(PARTS.items(), start=1):
        lines += [f"| | **Part {i}: {part}** | | |"]
        lines += [_row(lesson, earned) for lesson in lessons]
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the page where JupyterLab opens it; a read-only folder keeps none."""
    try:
        (ROOT / "start.md").write_text(page(), encoding="utf-8")
    except OSError:
        return


def _points(lesson: Lesson, earned: dict[str, int]) -> tuple[int, int]:
    exercises = exercises_of(lesson.number)
    return sum(earned.get(x.name, 0) for x in exercises), sum(
        x.points for x in exercises
    )


def _standing(earned: dict[str, int]) -> str:
    """Say how many points there are, and which lesson comes next."""
    points = {x: _points(x, earned) for x in LESSONS if x.is_there}
    mine, of = (sum(column) for column in zip(*points.values(), strict=True))
    line = f"You have **{mine} of {of} points**."
    for lesson, (some, all_of_it) in points.items():
        if some < all_of_it:
            verb = "Go on with" if mine else "Begin with"
            return f"{line} {verb} [{lesson.title}](notebooks/{lesson.name}.ipynb)."
    return f"{line} That is all there is: well done."


def _row(lesson: Lesson, earned: dict[str, int]) -> str:
    mine, of = _points(lesson, earned)
    full = round(10 * mine / of) if of else 0
    return (LESSON_ROW if lesson.is_there else PLANNED_ROW).format(
        number=lesson.number,
        title=lesson.title,
        question=lesson.question,
        name=lesson.name,
        bar=f"{'■' * full}{'□' * (10 - full)} {mine} of {of}",
    )


if __name__ == "__main__":
    write()
