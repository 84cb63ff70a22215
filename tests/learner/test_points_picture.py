"""The picture of the points: that it says what is so, and that all of it fits."""

import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from course_utils.learner import points_picture, progress, start_page
from course_utils.learner.points import Points, of_lessons
from course_utils.learner.syllabus import LESSONS

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("soft_lookup", "scaled_dot_product_attention", "f", "a_b_c_d_e_f", "long" * 9)
FULL = {
    lesson: [
        Points(name, i % 2 * (1 + (i + lesson.number) % 3), 1 + (i + lesson.number) % 3)
        for i, name in enumerate(NAMES)
    ]
    for lesson in LESSONS
    if lesson.has_exercises
}


def drawn(lessons):
    """Return each block as its rectangle and its texts, and the whole picture."""
    svg = ET.fromstring(points_picture.draw(lessons))
    children = list(svg)
    pairs = [
        (
            {k: float(v) for k, v in x.items() if k in ("x", "y", "width", "height")}
            | {"class": x.get("class")},
            list(group),
        )
        for x, group in pairwise(children)
        if group.tag == f"{SVG}g"
    ]
    return pairs, svg


def test_each_exercise_is_a_block_as_wide_as_its_points():
    progress.record("exercises", "soft_lookup", 3)
    lessons = of_lessons()
    (points, *_) = lessons.values()
    blocks, _ = drawn(lessons)
    texts = [[t.text for t in texts] for _, texts in blocks]
    assert [t[0] for t in texts][:2] == ["hard_lookup", "soft_lookup"]
    assert [t[-1] for t in texts][:2] == ["0 of 2", "✓ 3 of 3"]
    assert [b["class"] for b, _ in blocks][:2] == ["open", "earned"]
    widths = [b["width"] + points_picture.GAP for b, _ in blocks]
    units = {round(w / x.of, 1) for w, x in zip(widths, points, strict=False)}
    assert len(units) == 1


def test_the_words_say_the_same():
    progress.record("exercises", "soft_lookup", 3)
    words = points_picture.words(of_lessons())
    assert words.startswith("Lesson 1, 3 of 10 points: hard_lookup 0 of 2, soft_lookup")
    page = start_page.page()
    assert f"![{words}](progress.svg)" in page
    assert not set("[]\n") & set(words)


@pytest.mark.parametrize("lessons", [FULL, dict(list(FULL.items())[:1]), {}])
def test_nothing_overflows_with_seventeen_lessons_of_five(lessons):
    blocks, svg = drawn(lessons)
    width, height = float(svg.get("width")), float(svg.get("height"))
    assert len(blocks) == 5 * len(lessons)
    for block, texts in blocks:
        right, bottom = block["x"] + block["width"], block["y"] + block["height"]
        assert 0 < block["x"] < right < width
        assert block["y"] < bottom < height
        for text in texts:
            widest = float(
                text.get("textLength") or len(text.text) * points_picture.LETTER
            )
            assert widest <= block["width"]
            assert block["y"] + 13 <= float(text.get("y")) <= bottom - 4
    for (one, _), (other, _) in pairwise(blocks):
        below = other["y"] >= one["y"] + one["height"] + points_picture.TITLE
        assert below or other["x"] > one["x"] + one["width"]


def test_a_long_name_is_broken_rather_than_squeezed():
    name = "scaled_dot_product_attention"
    points = {LESSONS[1]: [Points(name, 0, 2), Points("rest", 0, 8)]}
    (_, texts), _ = drawn(points)[0]
    assert [t.text for t in texts] == ["scaled_dot_product_", "attention", "0 of 2"]
    assert not any(t.get("textLength") for t in texts)


def test_the_start_of_the_course_brings_in_no_figures(with_course):
    code = (
        "import sys, course_utils.learner.workspace; loaded = set(sys.modules); "
        "assert not loaded & {'matplotlib', 'ipywidgets', 'nbformat', 'jinja2'}"
    )
    subprocess.run([sys.executable, "-c", code], env=with_course, check=True)
