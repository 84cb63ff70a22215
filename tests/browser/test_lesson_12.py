"""The two sliders of lesson 12 as a learner moves them, in JupyterLab."""

import re


def settled(page, bits):
    """Wait until the caption says so, and return the texts of the picture."""
    picture = page.locator(".course-panel .course-picture").last
    page.wait_for_function(
        "bits => [...document.querySelectorAll('.course-panel .caption')].at(-1)"
        "?.textContent.includes(`has ${bits} bits`)",
        arg=bits,
    )
    return picture.locator("svg text").all_text_contents()


def test_the_sliders_change_what_is_written_as_the_lesson_says(lesson, page):
    opened = lesson(12)
    temperature = opened.show(page.get_by_role("slider", name="temperature"))
    temperature.focus()
    page.keyboard.press("End")
    hot = settled(page, "3.4")
    assert "cut" not in hot
    page.keyboard.press("Home")
    cold = settled(page, "0.8")
    assert cold != hot
    top_k = opened.show(page.get_by_role("slider", name="top-k"))
    top_k.focus()
    page.keyboard.press("Home")
    surest = settled(page, "0.0")
    assert surest.count("cut") == 11
    written = [x for x in surest if re.fullmatch(r"[a-z ,.'↵]{40,}", x)]
    assert len(written) == 4 * len(set(written))
