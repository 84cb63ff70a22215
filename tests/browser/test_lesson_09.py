"""The two sliders of lesson 9 as a learner moves them, in JupyterLab."""

import re

import numpy as np

from course_utils.tasks import little_sentence

TOKENS, FEATURES, MEANING = little_sentence()


def weights():
    """What NumPy says: who looks where, in the two heads that the lesson makes."""
    turn = np.radians(36 * np.arange(10))
    thing, alive, action = (
        MEANING[:, FEATURES.index(name)] for name in ("thing", "alive", "action")
    )
    asks = np.stack([thing + 2 * alive + action, 4 * alive + 2 * action], axis=1)
    who = asks @ np.stack([thing, alive]) / 2
    before = 20 * np.cos(turn[:, None] - turn[1] - turn)
    scores = np.where(np.tri(10, dtype=bool), np.stack([who, before]), -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def settled(page, panel, start):
    """Wait until a panel's caption starts so, and return the texts of its picture."""
    page.wait_for_function(
        "([i, start]) => document.querySelectorAll('.course-panel .course-picture')[i]"
        "?.querySelector('.caption')?.textContent.startsWith(start)",
        arg=[panel, start],
    )
    picture = page.locator(".course-panel .course-picture").nth(panel)
    return picture.locator("svg text").all_text_contents()


def index_of(page, words):
    """Return which panel on the page has these words."""
    found = page.locator(".course-panel .course-picture")
    all_words = [x.text_content() for x in found.all()]
    return next(i for i, text in enumerate(all_words) if words in text)


def test_the_sliders_move_the_pictures_as_the_mathematics_says(lesson, page):
    opened = lesson(9)
    picker = opened.show(page.get_by_role("combobox", name="design"))
    panel = index_of(page, "Gives and costs")
    designs = {10: (64, 4), 9: (64, 8), 0: (1, 1)}
    for design, (heads, shared) in designs.items():
        picker.select_option(index=design)
        size = 2 * 2 * 80 * 4096 * shared * (8192 // heads) / 1e9
        start = f"Query heads {heads}, key–value heads {shared}: {size:.2f} GB"
        texts = settled(page, panel, start)
        assert f"{size:.2f} GB" in texts
        assert f"{8192 // heads:,}" in texts

    slider = opened.show(page.get_by_role("slider", name="token that asks"))
    slider.focus()
    panel = index_of(page, "who is meant?")
    picture = page.locator(".course-panel .course-picture").nth(panel)
    height = picture.bounding_box()["height"]
    expected = weights()
    for key, row in {"ArrowRight": 8, "End": 9, "Home": 0}.items():
        page.keyboard.press(key)
        texts = settled(page, panel, f"“{TOKENS[row]}” looks most at")
        for h, name in enumerate(
            ("Head 0: who is meant?", "Head 1: which word before?")
        ):
            after = texts[texts.index(name) :]
            cells = after[after.index("their blend") + 2 :][:30]
            numbers = [float(x) for x in cells[2::3]]
            assert all(re.fullmatch(r"\d\.\d\d", x) for x in cells[2::3])
            np.testing.assert_allclose(numbers, expected[h, row], atol=0.0051)
    assert picture.bounding_box()["height"] == height
