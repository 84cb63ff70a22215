"""The slider of lesson 6 as a learner moves it, in JupyterLab."""

import re

import numpy as np

from course_utils.tasks import little_sentence

PICTURE = ".course-panel .course-picture"
TOKENS, _, X = little_sentence()
CAUSAL = np.tril(np.ones((10, 10), dtype=bool))


def moves(position, mask):
    """What NumPy says: how far each output moves when one token is blotted out."""
    outputs = []
    for x in (X, np.where(np.arange(10)[:, None] == position, 0, X)):
        weights = np.exp(x @ x.T / np.sqrt(7)) * mask
        outputs.append(weights / weights.sum(axis=1, keepdims=True) @ x)
    return np.linalg.norm(outputs[1] - outputs[0], axis=1)


def shown(page):
    """Read the caption, the bars' numbers, which of them are leaks, and lengths."""
    svg = page.locator(PICTURE + " svg")
    texts = svg.locator("text").all_text_contents()
    numbers = [x for x in texts if re.fullmatch(r"0|\d\.\d\d( leak)?", x)]
    widths = "bars => bars.map(bar => Number(bar.getAttribute('width')))"
    lengths = svg.locator("rect.bar").evaluate_all(widths)
    leaks = np.array(["leak" in x for x in numbers])
    return texts[0], np.array([float(x[:4]) for x in numbers]), leaks, lengths


def settled(page, position):
    """Wait until the picture shows the blot at a position."""
    page.wait_for_function(
        "words => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.includes(words)",
        arg=f" at {position} blotted out",
    )


def test_the_slider_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(6)
    slider = opened.show(page.get_by_role("slider", name="position of the blot"))
    settled(page, 7)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    for key, position in {"ArrowLeft": 6, "Home": 0, "ArrowRight": 1, "End": 9}.items():
        page.keyboard.press(key)
        settled(page, position)
        caption, numbers, leaks, lengths = shown(page)
        assert caption == (
            f"“{TOKENS[position]}” at {position} blotted out; leaks: "
            f"{position} without a mask, 0 with the causal mask"
        )
        both = [moves(position, mask) for mask in (CAUSAL | True, CAUSAL)]
        np.testing.assert_allclose(numbers, np.concatenate(both), atol=0.0051)
        np.testing.assert_array_equal(leaks[:10], np.arange(10) < position)
        assert not leaks[10:].any()
        lengths = np.array(lengths) / np.max(lengths)
        most = np.max(both)
        np.testing.assert_allclose(lengths, np.concatenate(both) / most, atol=0.004)
    assert page.locator(PICTURE).bounding_box()["height"] == height
