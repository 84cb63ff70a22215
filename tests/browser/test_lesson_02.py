"""Lesson 2 as a learner meets it, in JupyterLab: the maps follow the slider."""

import re

import numpy as np

PICTURE = ".course-panel .course-picture"
AROUND = np.radians(np.arange(360))
QUERY = np.stack([np.sin(AROUND), np.cos(AROUND)], axis=-1)
WINDS = QUERY[[0, 45, 90, 180, 270, 315]]


def expected(length):
    """How many directions the gale wins by dot product, cosine and Gaussian."""
    key = WINDS * np.array([1, 1, 1, 1, 1, length])[:, None]
    dot = QUERY @ key.T
    distance = np.linalg.norm(QUERY[:, None] - key, axis=-1)
    scores = (dot, dot / np.linalg.norm(key, axis=-1), -distance)
    return [int(np.sum(x.argmax(axis=-1) == 5)) for x in scores]


def test_the_maps_follow_the_length_of_the_gale(lesson, page):
    opened = lesson(2)
    slider = opened.show(page.get_by_role("slider", name="length of the gale"))
    slider.focus()
    length = 1.0
    for key, step in [("ArrowRight", 0.05)] * 6 + [("ArrowLeft", -0.05)] * 13:
        page.keyboard.press(key)
        length += step
        page.wait_for_function(
            "start => document.querySelector('.course-panel .course-picture svg text')"
            "?.textContent.startsWith(start)",
            arg=f"Gale of length {length:.2f}:",
        )
        texts = page.locator(PICTURE + " svg text").all_text_contents()
        wins = expected(length)
        assert [int(x) for x in re.findall(r"(\d+) by", texts[0])] == wins
        said = re.findall(r"gale wins (\d+) of 360", " ".join(texts))
        assert [int(x) for x in said] == wins
    label = page.locator(PICTURE + " svg").get_attribute("aria-label")
    assert f"cosine: gale is the best key for {wins[1]} of 360" in label
