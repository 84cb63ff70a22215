"""The points as a picture: a row for each lesson, a block for each exercise.

The picture is a file of its own that JupyterLab shows as an image. An image sees
neither the theme nor the page's fonts, so it brings a light ground along, which the
course's extension turns dark in the dark theme, and every text is known to fit: names
of functions stand in a font whose letters are all as wide. What was earned is dark, and
has a tick, for those who see no colours.

It does not use course_utils.figures, which would bring matplotlib and the widgets
into every start of the course.
"""

import re
from html import escape
from itertools import pairwise

from course_utils.learner.points import Points, total
from course_utils.learner.syllabus import Lesson

WIDTH, MARGIN, GAP = 880, 16, 6
TITLE, LINE, PADDING = 26, 17, 9  # heights: a row's title, a line of text, above it
SIZE = 13  # of the letters in a block, in pixels
LETTER = 0.62 * SIZE  # the width of one, a little more than any common font has
STYLE = """
text { font: 14px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #212121 }
.name, .points { font: 13px 'DejaVu Sans Mono', Menlo, Consolas, monospace }
.strong { font-weight: 600 }
.ground { fill: #ffffff; stroke: #bdbdbd }
.earned { fill: #0072B2; stroke: #0072B2 }
.earned + g text { fill: #ffffff }
.open { fill: #ffffff; stroke: #6e6e6e; stroke-dasharray: 4 3 }
"""


def draw(lessons: dict[Lesson, list[Points]]) -> str:
    """Return the picture as SVG.

    - `lessons`: the points of each lesson's exercises.
    """
    most = max([1, *(sum(x.of for x in points) for points in lessons.values())])
    unit = (WIDTH - 2 * MARGIN) / most
    rows, top = [], MARGIN
    for lesson, points in lessons.items():
        row, height = _row(lesson, points, unit, top)
        rows.append(row)
        top += height + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'viewBox="0 0 {WIDTH} {top}" role="img" aria-label="{escape(words(lessons))}">'
        f"<style>{STYLE}</style>"
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{top - 1}" '
        f'rx="6"/>{"".join(rows)}</svg>\n'
    )


def words(lessons: dict[Lesson, list[Points]]) -> str:
    """Say in words what the picture shows."""
    said = []
    for lesson, points in lessons.items():
        each = ", ".join(f"{x.name} {x}" for x in points)
        said.append(f"Lesson {lesson.number}, {total('', points)} points: {each}.")
    return " ".join(said)


def _row(
    lesson: Lesson, points: list[Points], unit: float, top: float
) -> tuple[str, float]:
    """Return a lesson's title over its blocks, and how high both are."""
    ends = [
        MARGIN + unit * sum(x.of for x in points[:i]) for i in range(1 + len(points))
    ]
    wrapped = [_wrapped(x.name, unit * x.of - GAP) for x in points]
    height = 2 * PADDING + LINE * (1 + max(map(len, wrapped), default=0))
    blocks = [
        _block(x, lines, (start, top + TITLE), (end - start - GAP, height))
        for x, lines, (start, end) in zip(points, wrapped, pairwise(ends), strict=True)
    ]
    title = escape(f"{lesson.number}. {lesson.title}")
    right = WIDTH - MARGIN - GAP
    return (
        f'<text class="strong" x="{MARGIN}" y="{top + 15}">{title}</text>'
        f'<text x="{right}" y="{top + 15}" text-anchor="end">'
        f"{total('', points)} points</text>{''.join(blocks)}",
        TITLE + height,
    )


def _block(
    points: Points,
    lines: list[str],
    corner: tuple[float, float],
    size: tuple[float, float],
) -> str:
    """Return one exercise: its name, and its points below."""
    (left, top), (width, height) = corner, size
    earned = points.mine == points.of
    texts = [*lines, ("✓ " if earned else "") + str(points)]
    written = "".join(
        f'<text class="name" x="{left + width / 2:.1f}" '
        f'y="{top + PADDING + LINE * i + 13:.1f}" text-anchor="middle"'
        f"{_squeezed(words, width)}>{escape(words)}</text>"
        for i, words in enumerate(texts)
    )
    return (
        f'<rect class="{"earned" if earned else "open"}" x="{left:.1f}" y="{top:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="4"/><g>{written}</g>'
    )


def _wrapped(name: str, width: float) -> list[str]:
    """Break a function's name after underscores so that it fits, where it can."""
    room = max(1, int((width - 8) / LETTER))
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+", name):
        if lines[-1] and len(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return lines


def _squeezed(words: str, width: float) -> str:
    """Return what presses a text together that is wider than its block."""
    if len(words) * LETTER <= width - 8:
        return ""
    return f' textLength="{max(width - 8, 1):.1f}" lengthAdjust="spacingAndGlyphs"'
