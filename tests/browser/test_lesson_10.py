"""The slider of lesson 10 as a learner moves it, in JupyterLab."""

import numpy as np

PICTURE = ".course-panel .course-picture"
BOTH = np.array([[2.0, 0, 0], [0, 1, 0]])  # what cat and mat tell


def expected(gap):
    """Return the weights of both, and how hard the score of “cat” is pushed up."""
    cat = 1 / (1 + np.exp(-gap))
    blend = cat * BOTH[0] + (1 - cat) * BOTH[1]
    better = (BOTH[1] - BOTH[0]) @ (2 * (blend - BOTH[0]))
    return (cat, 1 - cat), cat * (1 - cat) * better


def settled(page, gap):
    """Wait until the picture shows a gap."""
    page.wait_for_function(
        "start => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(start)",
        arg=f"Gap {gap:g}:".replace("-", "−"),
    )


def test_the_slider_pushes_the_scores_as_the_mathematics_says(lesson, page):
    opened = lesson(10)
    slider = opened.show(page.get_by_role("slider", name="gap of the two scores"))
    settled(page, -3)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    moves = {"ArrowRight": -2.5, "ArrowLeft": -3, "Home": -10, "End": 10}
    for key, gap in moves.items():
        page.keyboard.press(key)
        settled(page, gap)
        texts = page.locator(f"{PICTURE} svg text").all_text_contents()
        weights, push = expected(gap)
        names = zip(("cat", "mat"), weights, strict=True)
        assert {f"{name} {weight:.2f}" for name, weight in names} <= set(texts)
        size = f"pull {push * 2**0.5:.3f}"
        state = "asleep" if push * 2**0.5 < 0.01 else "awake"
        assert texts[0].endswith(f"{'right' if gap > 0 else 'wrong'}, {size}, {state}")
        if push >= 0.005:
            assert {f"+{push:.2f}", f"−{push:.2f}"} <= set(texts)
        assert page.locator(PICTURE).bounding_box()["height"] == height
