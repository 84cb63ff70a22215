"""The sliders of lesson 8 as a learner moves them, in JupyterLab."""

import re

import numpy as np

from course_utils.tasks import little_sentence

PICTURE = ".course-panel .course-picture"


def hands(vector, position):
    """Turn two pairs, as complex numbers, by 1 and by 0.1 radians a position."""
    return vector[0::2] + 1j * vector[1::2], np.exp(1j * position * np.array([1, 0.1]))


def expected(offset, front):
    """What the mathematics says: the scores, and each pair's angle and product."""
    x = np.pad(little_sentence()[2], ((0, 0), (0, 1)))
    w_query, w_key = np.random.default_rng(0).normal(size=(2, 8, 4)) * 8**-0.5
    cat = 1 + front

    def row(p):
        angle = p / 10000 ** (np.arange(4) / 4)
        return np.stack([np.sin(angle), np.cos(angle)], axis=-1).ravel()

    added = ((x[7] + row(cat + offset)) @ w_query) @ ((x[1] + row(cat)) @ w_key) / 2
    query, key = x[7] @ w_query, x[1] @ w_key
    (q, q_turn), (k, k_turn) = hands(query, cat + offset), hands(key, cat)
    between = q * q_turn / (k * k_turn)
    products = (q * q_turn * (k * k_turn).conj()).real
    scores = [added, products.sum() / 2, query @ key / 2 - offset / 8]
    return scores, np.degrees(np.abs(np.angle(between))), products


def shown(page):
    """Read the numbers out of the picture that is on the page now."""
    texts = page.locator(PICTURE + " svg text").all_text_contents()
    texts = [x.replace("−", "-") for x in texts]
    scores = [float(x) for x in re.findall(r"-?\d+\.\d\d", texts[0])]
    angles = [float(x[6:-1]) for x in texts if x.startswith("angle ")]
    products = [float(x[8:]) for x in texts if x.startswith("product ")]
    return scores, angles, products


def settled(page, offset, front):
    """Wait until the picture shows where both tokens stand."""
    page.wait_for_function(
        "start => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(start)",
        arg=f"“it” at {1 + front + offset} asks “cat” at {1 + front}:",
    )


def test_the_sliders_move_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(8)
    front_slider = opened.show(page.get_by_role("slider", name="words in front"))
    offset_slider = page.get_by_role("slider", name="offset")
    settled(page, 6, 0)
    height = page.locator(PICTURE).bounding_box()["height"]
    offset, front = 6, 0
    moves = [
        (front_slider, "ArrowRight", 0, 1),
        (front_slider, "ArrowRight", 0, 1),
        (front_slider, "End", 0, 38),
        (offset_slider, "ArrowRight", 1, 0),
        (offset_slider, "Home", -7, 0),
        (offset_slider, "End", 20, 0),
        (front_slider, "Home", 0, -40),
    ]
    rope_before = shown(page)[0][1]
    for slider, key, more_offset, more_front in moves:
        slider.focus()
        page.keyboard.press(key)
        offset, front = offset + more_offset, front + more_front
        settled(page, offset, front)
        scores, angles, products = expected(offset, front)
        seen = shown(page)
        np.testing.assert_allclose(seen[0], scores, atol=0.0051)
        np.testing.assert_allclose(seen[1], angles, atol=0.51)
        np.testing.assert_allclose(seen[2], products, atol=0.0051)
        if not more_offset:  # words in front leave RoPE's score as it is
            assert seen[0][1] == rope_before
        rope_before = seen[0][1]
    assert page.locator(PICTURE).bounding_box()["height"] == height
