"""The class as pictures: SVG that stands in the page, with the same in words."""

from html import escape
from itertools import accumulate

from course_utils.grading.learner import Learner
from course_utils.grading.teach import Asked, Share, Taught

BLUE, VERMILION, INK, LINE = "#0072B2", "#D55E00", "#212121", "#8a8a8a"
WIDTH, LABEL, ROW = 1240, 230, 36  # of the map: all of it, the lessons' names, a row
BAR = (150, 11)  # of an exercise
# Each state has a pattern, for those who see no colours, and print in grey.
STATES = {
    "right": ("right", "url(#right)"),
    "wrong": ("wrong", "url(#wrong)"),
    "not_judged": ("not judged", "url(#unjudged)"),
    "missing": ("missing", "#ffffff"),
}
PATTERNS = f"""<defs>
<pattern id="right" width="8" height="8" patternUnits="userSpaceOnUse">\
<rect width="8" height="8" fill="{BLUE}"/></pattern>
<pattern id="wrong" width="5" height="5" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/>\
<rect width="3" height="5" fill="{VERMILION}"/></pattern>
<pattern id="unjudged" width="4" height="4" patternUnits="userSpaceOnUse">\
<rect width="4" height="4" fill="#fff"/><circle cx="2" cy="2" r="1.2" fill="{INK}"/>\
</pattern></defs>"""


def class_map(lessons: list[Taught]) -> str:
    """Return a picture with a row for each lesson, and a bar for each exercise.

    - `lessons`: what became of them.
    """
    columns = max((len(x.asked) for x in lessons), default=1)
    step = (WIDTH - LABEL) / max(5, columns)
    rows = "".join(_lesson(x, 26 + ROW * i, step) for i, x in enumerate(lessons))
    height = 26 + ROW * len(lessons)
    label = "For each exercise, how many are right, wrong, not judged and missing"
    return _svg(WIDTH, height, label, PATTERNS + _legend() + rows)


def in_words(lessons: list[Taught]) -> str:
    """Say in words what the map shows: where fewest are right, and where most."""
    asked = sorted(
        (x for lesson in lessons for x in lesson.asked),
        key=lambda x: x.share.right / max(1, x.share.of),
    )
    if len(asked) < 4:
        return f"Right: {_listed(asked)}."
    return (
        f"Fewest are right in {_listed(asked[:3])}; most in {_listed(asked[:-4:-1])}."
    )


def _listed(asked: list[Asked]) -> str:
    return ", ".join(
        f"{x.exercise.name} (lesson {x.exercise.lesson}, "
        f"{x.share.percent(x.share.right)})"
        for x in asked
    )


def _legend() -> str:
    drawn = []
    for i, (said, fill) in enumerate(STATES.values()):
        left = LABEL + 110 * i
        drawn.append(
            f'<rect x="{left}" y="4" width="22" height="11" fill="{fill}" '
            f'stroke="{LINE}"/>{_text(said, left + 28, 14)}'
        )
    return "".join(drawn) + _text("each bar: all learners", LABEL + 440, 14)


def _lesson(lesson: Taught, top: int, step: float) -> str:
    bars = "".join(
        _exercise(x, LABEL + step * i, top) for i, x in enumerate(lesson.asked)
    )
    return _text(f"{lesson.number} {lesson.title}", 0, top + 24, "bold") + bars


def _exercise(asked: Asked, left: float, top: int) -> str:
    """Return one exercise: its name, its bar, and how many are right."""
    share, (width, height) = asked.share, BAR
    parts = [width * getattr(share, x) / max(1, share.of) for x in STATES]
    edges = [left + x for x in accumulate(parts, initial=0)]
    drawn = "".join(
        f'<rect x="{start:.1f}" y="{top + 15}" width="{part:.1f}" height="{height}" '
        f'fill="{fill}"/>'
        for start, part, (_, fill) in zip(edges, parts, STATES.values(), strict=False)
        if part
    )
    name = asked.exercise.name
    return (
        f"<g><title>{escape(f'{name}: {words_of(share)}')}</title>"
        f"{_text(name, left, top + 11, 'name')}{drawn}"
        f'<rect x="{left:.1f}" y="{top + 15}" width="{width}" height="{height}" '
        f'fill="none" stroke="{LINE}"/>'
        f"{_text(share.percent(share.right), left + width + 6, top + 25)}</g>"
    )


def words_of(share: Share) -> str:
    """Say how many did what."""
    said = ", ".join(f"{getattr(share, x)} {word}" for x, (word, _) in STATES.items())
    return f"of {share.of}, {said}"


def histogram(class_: list[Learner], of: int) -> str:
    """Return a picture of how many learners have how many points.

    - `class_`: the learners.
    - `of`: the points that can be earned.
    """
    bins = counts(class_, of)
    most = max([1, *(n for _, _, n in bins)])
    wide, high = 620 / len(bins), 120
    drawn = []
    for i, (low, top, n) in enumerate(bins):
        tall = high * n / most
        x, y = 20 + wide * i, 18 + high - tall
        drawn.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{wide - 2:.1f}" '
            f'height="{tall:.1f}" fill="{BLUE}"/>'
        )
        middle = x + wide / 2
        if n:
            drawn.append(_text(str(n), middle, y - 4, "middle"))
        said = f"{low}" if low == top else f"{low}–{top}"
        drawn.append(_text(said, middle, high + 34, "middle small"))
    said = f"{''.join(drawn)}{_text(f'points, of {of}', 330, high + 54, 'middle')}"
    label = f"How many learners have how many of {of} points"
    return _svg(660, high + 60, label, said)


def counts(class_: list[Learner], of: int) -> list[tuple[int, int, int]]:
    """Return ranges of points, and how many learners are in each.

    - `class_`: the learners.
    - `of`: the points that can be earned.
    """
    step = max(1, -(-(of + 1) // 12))
    lows = range(0, of + 1, step)
    found = [int(one.points // step) for one in class_]
    return [
        (low, min(of, low + step - 1), found.count(i)) for i, low in enumerate(lows)
    ]


def _text(said: str, x: float, y: float, kind: str = "") -> str:
    is_class = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{is_class}>{escape(said)}</text>'


def _svg(width: float, height: float, label: str, drawn: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">{drawn}</svg>'
    )
