"""The page at which JupyterLab opens: the path, and how far the learner is."""

import re
from contextlib import suppress
from pathlib import Path

from course_utils._files import write_whole
from course_utils.learner import points_picture, progress
from course_utils.learner.points import Points, of_lessons, total
from course_utils.learner.syllabus import PARTS, Lesson

HEAD = """\
# Attention, built by hand

{standing}
{news}
In a notebook, **Shift + Enter** runs a cell and goes on to the next. The
exercises of a lesson are graded as soon as you run their check cells, as often
as you like.
"""
LESSON_ROW = (
    "| {number} | [{title}](notebooks/{name}.ipynb)<br>{question} "
    "| [exercises](exercises/{name}.ipynb) · [solutions](solutions/{name}.ipynb) "
    "| {bar} |"
)
PROLOGUE_ROW = "| {number} | [{title}](notebooks/{name}.ipynb)<br>{question} | | |"
NEWS = Path(".given") / "news.txt"  # what the last start did, beside the page


def page() -> str:
    """Return the start page in Markdown, with the learner's points as bars."""
    lessons = of_lessons()
    lines = [HEAD.format(standing=_standing(lessons), news=_news())]
    lines += ["| | lesson | then | points |", "|---:|---|---|---|"]
    for i, (part, its_lessons) in enumerate(PARTS.items()):
        lines += [f"| | **Part {i}: {part}** | | |" if i else f"| | **{part}** | | |"]
        lines += [_row(lesson, lessons.get(lesson, [])) for lesson in its_lessons]
    lines += ["", f"![{points_picture.words(lessons)}](progress.svg)"]
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the page and its picture beside the progress, where that is kept.

    A read-only folder keeps none, and is no error. Among the user's data there is no
    notebook for it to lead to.
    """
    folder = progress.folder()
    if folder is None or folder == progress.user_data():
        return
    with suppress(OSError):
        write_whole(folder / "progress.svg", points_picture.draw(of_lessons()).encode())
        write_whole(folder / "start.md", page().encode())


def _standing(lessons: dict[Lesson, list[Points]]) -> str:
    """Say how many points there are, and which lesson comes next."""
    everything = total("", [x for points in lessons.values() for x in points])
    line = f"You have **{everything} points**."
    for lesson, points in lessons.items():
        if any(x.mine < x.of for x in points):
            verb = "Go on with" if everything.mine else "Begin with"
            return f"{line} {verb} [{lesson.title}](notebooks/{lesson.name}.ipynb)."
    return f"{line} That is all there is: well done."


def _news() -> str:
    """Return what the last start did as a list in which notebooks are links."""
    folder = progress.folder()
    try:
        said = (folder / NEWS).read_text(encoding="utf-8") if folder else ""
    except (OSError, ValueError):
        return ""
    notebook = r"(?:notebooks|exercises|solutions)/[^/\n]+?\.ipynb"
    linked = re.sub(notebook, lambda found: f"[{found[0]}](<{found[0]}>)", said)
    return "".join(f"\n- {line}" for line in linked.splitlines()) + "\n"


def _row(lesson: Lesson, points: list[Points]) -> str:
    whole = total("", points)
    full = round(10 * whole.mine / whole.of) if whole.of else 0
    row = LESSON_ROW if lesson.has_exercises else PROLOGUE_ROW
    return row.format(
        number=lesson.number,
        title=lesson.title,
        question=lesson.question,
        name=lesson.name,
        bar=f"{'■' * full}{'□' * (10 - full)} {whole}",
    )
