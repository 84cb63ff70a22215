"""The slider of lesson 5 as a learner moves it, in JupyterLab."""

import re

import numpy as np

PICTURE = ".course-panel .course-picture"
NAMES = ["north", "northeast", "east", "south", "west"]


def expected(d_k):
    """What NumPy says: the scores, scaled and not, and the weights of each."""
    rng = np.random.default_rng(0)
    key, stranger = rng.normal(size=(5, 1024)), rng.normal(size=1024)
    score = key[:, :d_k] @ stranger[:d_k]
    scores = np.stack([score / np.sqrt(d_k), score])
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return scores, weights


def shown(page):
    """Read the numbers out of the picture that is on the page now."""
    svg = page.locator(PICTURE + " svg")
    texts = svg.locator("text").all_text_contents()
    weights = [float(x) for x in texts if re.fullmatch(r"\d\.\d\d", x)]
    spreads = [float(x.split()[-1]) for x in texts if "spread" in x]
    bars = svg.locator("rect[rx]:not(.key)")
    lengths = [float(x.get_attribute("width")) for x in bars.all()]
    return texts[0], *(np.array(x) for x in (weights, spreads, lengths))


def settled(page, d_k):
    """Wait until the picture shows so many components."""
    page.wait_for_function(
        "start => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(start)",
        arg=f"{d_k} components",
    )


def test_the_slider_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(5)
    slider = opened.show(page.get_by_role("slider", name="components, d_k"))
    settled(page, 64)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    moves = {"ArrowRight": 66, "ArrowLeft": 64, "Home": 2, "End": 256}
    for key, d_k in moves.items():
        page.keyboard.press(key)
        settled(page, d_k)
        caption, weights, spreads, lengths = shown(page)
        scores, weight = expected(d_k)
        most = np.argmax(weight[1])
        assert caption == (
            f"{d_k} components: {NAMES[most]} gets {weight[0, most]:.2f} scaled, "
            f"{weight[1, most]:.2f} unscaled"
        )
        np.testing.assert_allclose(weights, weight.T.ravel(), atol=0.0051)
        np.testing.assert_allclose(spreads, scores.std(axis=1), atol=0.051)
        full = lengths[2 * most + 1] / weight[1, most]
        np.testing.assert_allclose(lengths / full, weight.T.ravel(), atol=0.003)
    assert page.locator(PICTURE).bounding_box()["height"] == height
