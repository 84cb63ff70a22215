"""What a lesson needs beside its source, and what of that is missing."""

from collections.abc import Iterator
from pathlib import Path

from course_utils.exercises import exercises_of
from course_utils.learner.syllabus import LESSONS, Lesson

SYLLABUS = "course_utils/learner/syllabus.py"


def incomplete(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each lesson that lacks something, with what it lacks.

    - `root`: the folder of the course.
    """
    names = {lesson.name for lesson in LESSONS}
    sources = (root / "source").glob("*/*.py")
    for name, source in sorted({x.stem: x for x in sources}.items()):
        if name not in names:
            yield name, _unlisted(source.relative_to(root).as_posix(), name)
    readme = (root / "README.md").read_text(encoding="utf-8").splitlines()
    for lesson in LESSONS:
        for fault in _lacks(lesson, root, readme):
            yield lesson.name, fault


def _unlisted(source: str, name: str) -> str:
    number, _, slug = name.partition("_")
    return (
        f"{source}: {SYLLABUS} has no such lesson: add "
        f'Lesson({number.lstrip("0") or 0}, "{slug}", its title, its question)'
    )


def _lacks(lesson: Lesson, root: Path, readme: list[str]) -> Iterator[str]:
    """Yield what a lesson lacks; one that is only planned needs its line in README."""
    source, exercises = (
        f"source/{x}/{lesson.name}.py" for x in ("lessons", "exercises")
    )
    data = f"course_utils/exercises/lesson_{lesson.number:02}.py"
    is_there = (root / source).exists()
    has_text, has_data = (root / exercises).exists(), bool(exercises_of(lesson.number))
    is_begun = is_there or has_text or has_data
    title = f"[{lesson.title}](notebooks/{lesson.name}.ipynb)"
    line = f"{lesson.number}. {title if is_begun else lesson.title}"
    if line not in readme:
        yield f"README.md: the path lacks the line '{line}'"
    if is_there and not _begins_right(root / source, lesson):
        yield (
            f"{source}: must begin with '# {lesson.title}', an empty line, and "
            f"'{lesson.question}', as {SYLLABUS} has them"
        )
    if is_begun and not is_there:
        yield f"{source}: is missing, and there are exercises"
    if has_data and not has_text:
        yield f"{exercises}: is missing, and {data} describes its exercises"
    if is_there and lesson.has_exercises and not has_text and not has_data:
        yield f"{exercises}: is missing, and so is {data}"


def _begins_right(source: Path, lesson: Lesson) -> bool:
    head = f'# %% [markdown]\nr"""\n# {lesson.title}\n\n{lesson.question}\n'
    return source.read_text(encoding="utf-8").startswith(head)
