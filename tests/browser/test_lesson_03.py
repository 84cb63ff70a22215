"""Lesson 3 as a learner meets it: the temperature, from hard to uniform."""

import re

import numpy as np

BEARINGS = np.radians([0, 45, 90, 180, 270])
KEY = np.stack([np.sin(BEARINGS), np.cos(BEARINGS)], axis=1)
QUERY = np.array([np.sin(np.radians(215)), np.cos(np.radians(215))])
AIR = np.array([6.0, 3.0, 9.0, 21.0, 13.0])
PICTURE = ".course-panel .course-picture"
CAPTION = f"document.querySelector('{PICTURE} svg text')?.textContent"


def expected(temperature):
    """What the mathematics says: the weights, the keys in effect, the forecast."""
    weight = np.exp(KEY @ QUERY / temperature)
    weight /= weight.sum()
    logarithms = np.log(np.maximum(weight, 1e-300))
    return weight, np.exp(-weight @ logarithms), weight @ AIR


def test_the_temperature_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(3)
    slider = opened.show(page.get_by_role("slider", name="temperature T"))
    page.wait_for_function(f"{CAPTION}?.startsWith('T = 0.25:')")
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    moves = [("ArrowLeft", t) for t in ("0.22", "0.2", "0.18")]
    moves += [("ArrowRight", t) for t in ("0.2", "0.22", "0.25", "0.28", "0.32")]
    moves += [("Home", "0.01"), ("End", "10")]
    for key, temperature in moves:
        page.keyboard.press(key)
        page.wait_for_function(f"{CAPTION}?.startsWith('T = {temperature}:')")
        weight, keys, air = expected(float(temperature))
        texts = page.locator(PICTURE + " svg text").all_text_contents()
        said = f"T = {temperature}: {keys:.1f} keys in effect, {air:.1f} °C"
        assert texts[0] == said
        # The five weights come first; ticks of the other marks may look alike.
        shown = [x for x in texts if re.fullmatch(r"\d\.\d\d|<0\.01", x)][:5]
        shown = [float(x.replace("<0.01", "0")) for x in shown]
        np.testing.assert_allclose(shown, weight, atol=0.0051)
        rects = page.locator(PICTURE + " svg rect[rx]").all()
        lengths = np.array([float(x.get_attribute("width")) for x in rects])
        np.testing.assert_allclose(lengths / lengths.sum(), weight, atol=0.003)
        assert slider.get_attribute("aria-valuetext") == temperature
    assert page.locator(PICTURE).bounding_box()["height"] == height
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(f"{CAPTION}?.startsWith('T = 0.25:')")
