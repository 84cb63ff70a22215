"""The slider of lesson 4 as a learner moves it, in JupyterLab."""

import numpy as np

from course_utils.data.terrain import landscape

PICTURE = ".course-panel .course-picture"


def expected(bandwidth):
    """What NumPy says: the weights of the summit, its estimate, keys in effect."""
    east, _, height = landscape()
    true = height[172]
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(403, 60, replace=False))
    value = true[chosen] + rng.normal(0, 50, 60)
    score = -((east[true.argmax()] - east[chosen]) ** 2) / (2 * bandwidth**2)
    weights = np.exp(score - score.max()) / np.exp(score - score.max()).sum()
    some = weights[weights > 0]
    return weights, weights @ value, np.exp(-(some @ np.log(some)))


def settled(page, bandwidth):
    """Wait until the picture shows a bandwidth."""
    page.wait_for_function(
        "start => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(start)",
        arg=f"Bandwidth {bandwidth:g} km:",
    )


def test_the_slider_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(4)
    slider = opened.show(page.get_by_role("slider", name="bandwidth h"))
    settled(page, 0.5)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    moves = {"ArrowRight": 0.56, "ArrowLeft": 0.5, "Home": 0.1, "End": 10.0}
    for key, bandwidth in moves.items():
        page.keyboard.press(key)
        settled(page, bandwidth)
        weights, estimate, effect = expected(bandwidth)
        svg = page.locator(PICTURE + " svg")
        assert svg.locator("text").first.text_content() == (
            f"Bandwidth {bandwidth:g} km: {estimate:.0f} m at the summit, "
            f"{effect:.1f} keys in effect"
        )
        dots = svg.locator("circle.vermilion[fill-opacity]").evaluate_all(
            "dots => dots.map(dot => Number(dot.getAttribute('r')))"
        )
        areas = ((np.array(dots[:60]) - 3) / 15) ** 2
        np.testing.assert_allclose(areas, weights, atol=0.008)
    assert page.locator(PICTURE).bounding_box()["height"] == height
