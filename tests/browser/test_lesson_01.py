"""Lesson 1 and its exercises as a learner meets them, in JupyterLab."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tools.browser import Notebook, until

KEY = np.array([[0, 1], [2**-0.5, 2**-0.5], [1, 0], [0, -1], [-1, 0]])
TEMPERATURE = np.array([6.0, 3.0, 9.0, 21.0, 13.0])


PICTURE = ".course-panel .course-picture"
WEIGHT = re.compile(r"\d\.\d\d|<0\.01")  # what is below 0.005 and not 0


def expected(bearing):
    """What the mathematics says: the weights and the blended temperature."""
    angle = np.radians(bearing)
    match = KEY @ [np.sin(angle), np.cos(angle)]
    weight = np.exp(4 * match) / np.exp(4 * match).sum()
    return weight, weight @ TEMPERATURE


def shown(page):
    """Read the numbers out of the picture that is on the page now."""
    texts = page.locator(PICTURE + " svg text").all_text_contents()
    rects = page.locator(PICTURE + " svg rect[rx]")
    lengths = [float(x.get_attribute("width")) for x in rects.all()]
    weights = [float(x.replace("<0.01", "0")) for x in texts if WEIGHT.fullmatch(x)]
    return texts[0], weights, lengths


def settled(page, bearing):
    """Wait until the picture shows a bearing, without sleeping longer than it takes."""
    page.wait_for_function(
        "caption => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(caption)",
        arg=f"Wind from {bearing}°",
    )


def test_the_course_opens_at_the_start_page(page, jupyterlab):
    page.goto(jupyterlab)
    page.wait_for_url("**/lab/tree/start.md")
    link = page.locator(".jp-RenderedMarkdown a", has_text="Look something up softly")
    link.first.wait_for()
    assert page.get_by_text(re.compile(r"You have 0 of \d+ points")).is_visible()
    link.first.click()
    page.wait_for_url("**/lab/tree/notebooks/01_soft_lookup.ipynb")


def test_the_slider_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(1)
    cells = len(opened.cells())
    slider = opened.show(page.get_by_role("slider", name="bearing of the wind"))
    settled(page, 225)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    bearing = 225
    for key, step in [("ArrowRight", 5)] * 9 + [("ArrowLeft", -5)] * 3:
        page.keyboard.press(key)
        bearing += step
        settled(page, bearing)
        caption, weights, lengths = shown(page)
        weight, temperature = expected(bearing)
        assert caption == f"Wind from {bearing}°: {temperature:.1f} °C"
        np.testing.assert_allclose(weights, weight, atol=0.005)
        np.testing.assert_allclose(lengths / np.sum(lengths), weight, atol=0.003)
    # Keys on the slider are not commands of the notebook: b would insert a cell.
    page.keyboard.press("b")
    assert len(opened.cells()) == cells
    assert page.locator(PICTURE).bounding_box()["height"] == height
    label = page.locator(PICTURE + " svg").get_attribute("aria-label")
    assert label.startswith(f"Wind from {bearing}°")


ACTIVE = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"


def test_a_prediction_is_kept_and_shown_beside_the_outcome(notebook, page, clone):
    lesson = notebook("notebooks/01_soft_lookup.ipynb")
    lesson.run_all()
    choice = page.get_by_role("radio", name="17 °C exactly")
    first = page.get_by_role("radio", name="21 °C, the value")
    active = None

    def choose():
        """Once more, for JupyterLab may still scroll to the last cell that ran."""
        nonlocal active
        lesson.show(first).focus()
        page.keyboard.press("Space")
        active = page.evaluate(ACTIVE)
        page.keyboard.press("ArrowDown")
        lesson.catch_up()

    until(lambda: choice.count() > 0 and choice.is_checked(), choose)
    # In command mode the arrow would have gone to the next cell.
    assert page.evaluate(ACTIVE) == active
    kept = clone / "work" / "progress.json"
    until(lambda: "17 °C exactly" in str(json.loads(kept.read_bytes())["predictions"]))
    page.evaluate(
        "window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
    )
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        " === 'idle'"
    )
    lesson.run_all()
    assert lesson.errors() == []
    assert "You predicted: 17 °C exactly" in json.dumps(
        lesson.cells(), ensure_ascii=False
    )


RIGHT = """def soft_lookup(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))
    return weight @ value / weight.sum()
"""


@pytest.mark.parametrize(
    ("answer", "headline", "message"),
    [
        (
            RIGHT.replace("weight @ value", "weight @ key"),
            "✗ Not yet: soft_lookup, 0 of 3 points",
            "It blends the keys: keys are only compared with",
        ),
        (RIGHT, "✓ Right: soft_lookup, 3 of 3 points", "Right: 12 fresh inputs"),
    ],
)
def test_an_exercise_is_answered_at_once(
    notebook, page, clone, answer, headline, message
):
    exercise = notebook("exercises/01_soft_lookup.ipynb")
    exercise.write("soft_lookup", answer)
    exercise.run_all()
    assert exercise.errors() == []
    feedback = exercise.show(page.locator(".course-feedback", has_text=headline))
    assert message in feedback.inner_text()
    if headline.startswith("✓"):
        points = json.loads((clone / "work" / "progress.json").read_text())["exercises"]
        assert points["soft_lookup"] == 3
        page_of_mine = (clone / "work" / "start.md").read_text()
        assert "You have **3 of " in page_of_mine
    else:
        hint = feedback.locator("summary", has_text="Hint 1")
        second = feedback.locator("summary", has_text="Hint 2")
        assert not second.is_visible()
        hint.click()
        assert second.is_visible()


def points_shown(page):
    """Read the points off the picture that the start page shows now."""
    picture = page.locator(".jp-RenderedMarkdown img[src*='progress.svg']")
    assert picture.evaluate("x => x.complete && x.naturalWidth") == 880
    texts = page.evaluate(
        "async url => new DOMParser().parseFromString("
        "await (await fetch(url)).text(), 'image/svg+xml').documentElement.textContent",
        picture.get_attribute("src"),
    )
    return picture.get_attribute("alt"), texts


def test_an_answer_without_end_is_stopped_and_the_next_is_judged(notebook, page):
    exercises = notebook("exercises/01_soft_lookup.ipynb")
    head = "def hard_lookup(query, key, value):\n    "
    exercises.write("hard_lookup", head + "while True:\n        pass")
    exercises.run_all()
    said = exercises.show(page.locator(".course-feedback").first)
    expect(said).to_contain_text("It did not finish within 5 seconds (line")
    expect(said.locator("code").first).to_have_text(re.compile("while True:|pass"))
    exercises.write("hard_lookup", head + "print(value[(key @ query).argmax()])")
    exercises.run_all()
    said = exercises.show(page.locator(".course-feedback").first)
    expect(said).to_contain_text("prints its result and returns None")


def test_the_open_start_page_follows_the_points(page, jupyterlab):
    page.goto(f"{jupyterlab}/lab/tree/start.md?reset")
    expect(page.locator(".jp-RenderedMarkdown img")).to_have_js_property(
        "complete", True
    )
    before, drawn = points_shown(page)
    assert "hard_lookup 0 of 2" in before
    assert "hard_lookup0 of 2" in drawn
    page.get_by_role("link", name="exercises", exact=True).first.click()
    page.wait_for_url("**/lab/tree/exercises/01_soft_lookup.ipynb")
    exercise = Notebook(page, "", "exercises/01_soft_lookup.ipynb")
    answer = (
        "def hard_lookup(query, key, value):\n    return value[(key @ query).argmax()]"
    )
    exercise.write("hard_lookup", answer)
    exercise.run_all()
    exercise.show(page.locator(".course-feedback", has_text="✓ Right: hard_lookup"))
    exercise.show(page.get_by_role("link", name="the start page")).click()
    picture = page.locator(".jp-RenderedMarkdown img[alt*='hard_lookup 2 of 2']")
    picture.wait_for()
    expect(picture).to_have_js_property("complete", True)
    _, drawn = points_shown(page)
    assert "hard_lookup✓ 2 of 2" in drawn
