"""The sliders of lesson 13 as a learner moves them, in JupyterLab."""

import numpy as np

from course_utils import block_mask, receptive_field, sliding_window_mask
from course_utils.tasks import TOKENS

PICTURE = ".course-panel .course-picture"


def expected(kind, size, layers):
    """Return the caption, and how many links lead to the last token."""
    if kind == 0:
        mask = sliding_window_mask(10, window=size)
    else:
        mask = block_mask(10, block=size, summaries=kind == 2)
    heard = receptive_field([mask] * layers)[-1]
    cat = "also" if heard[TOKENS.index("cat")] else "not"
    start = f"{layers * mask.sum()} of {layers * 55} pairs; “tired” hears of "
    wanted, links = np.arange(10) == 9, 0
    for _ in range(layers):
        links += int(mask[wanted].sum())
        wanted = wanted | mask[wanted].any(axis=0)
    return f"{start}{heard.sum()} tokens, {cat} the cat", links


def settled(page, caption):
    """Wait until the picture shows a caption."""
    page.wait_for_function(
        "words => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent === words",
        arg=caption,
    )


def test_the_sliders_show_which_pairs_survive_and_who_hears_of_whom(lesson, page):
    opened = lesson(13)
    layers = opened.show(page.get_by_role("slider", name="layers"))
    size = page.get_by_role("slider", name="window or block")
    kinds = page.get_by_role("combobox", name="mask").first
    moves = (
        (layers, "End", (0, 3, 4)),
        (size, "ArrowRight", (0, 4, 4)),
        (kinds, 1, (1, 4, 4)),
        (kinds, 2, (2, 4, 4)),
        (layers, "Home", (2, 4, 1)),
    )
    settled(page, expected(0, 3, 2)[0])
    height = page.locator(PICTURE).bounding_box()["height"]
    for control, key, state in moves:
        if isinstance(key, int):
            control.select_option(index=key)
        else:
            control.focus()
            page.keyboard.press(key)
        caption, links = expected(*state)
        settled(page, caption)
        assert page.locator(f"{PICTURE} svg line.blue-line").count() == links
        assert page.locator(PICTURE).bounding_box()["height"] == height
