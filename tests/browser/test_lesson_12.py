"""The two sliders of lesson 12 as a learner moves them, in JupyterLab."""

import re

BITS = (
    "[...document.querySelectorAll('.course-panel .caption')].at(-1)"
    "?.textContent.match(/has ([0-9.]+) bits/)?.[1]"
)


def moved(page, slider, key):
    """Press a key at a slider; return the new bits, and the texts of the picture."""
    before = page.evaluate(BITS)
    slider.focus()
    page.keyboard.press(key)
    page.wait_for_function(f"bits => ({BITS} ?? bits) !== bits", arg=before)
    picture = page.locator(".course-panel .course-picture").last
    return float(page.evaluate(BITS)), picture.locator("svg text").all_text_contents()


def test_the_sliders_change_what_is_written_as_the_lesson_says(lesson, page):
    opened = lesson(12)
    temperature = opened.show(page.get_by_role("slider", name="temperature"))
    many, hot = moved(page, temperature, "End")
    assert "cut" not in hot
    few, _ = moved(page, temperature, "Home")
    assert few < 1 < 3 < many
    top_k = opened.show(page.get_by_role("slider", name="top-k"))
    none, surest = moved(page, top_k, "Home")
    assert none == 0
    assert surest.count("cut") == 11
    written = [x for x in surest if re.fullmatch(r"[a-z ,.'↵]{40,}", x)]
    assert len(written) == 4 * len(set(written))
