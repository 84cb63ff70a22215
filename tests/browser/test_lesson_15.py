"""The slider of lesson 15 as a learner moves it, in JupyterLab."""

PICTURE = ".course-panel .course-picture"
WAYS = 5


def settled(page, start):
    """Wait until the picture's caption starts with some words, and return it."""
    page.wait_for_function(
        "words => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(words)",
        arg=start,
    )
    return page.locator(f"{PICTURE} svg text").first.text_content()


def test_the_slider_keeps_as_many_letters_as_it_says(lesson, page):
    opened = lesson(15)
    slider = opened.show(page.get_by_role("slider", name="k, letters kept"))
    tiles = page.locator(f"{PICTURE} svg rect.blue[height='24']")
    height = page.locator(PICTURE).bounding_box()["height"]
    keys = ["Home", "ArrowRight", "ArrowRight", "ArrowRight", "End"]
    for key, kept in zip(keys, (0, 1, 2, 3, 17), strict=True):
        slider.focus()
        page.keyboard.press(key)
        caption = settled(page, f"{kept} of 17 letters kept")
        assert tiles.count() == WAYS * kept
        enough = {0: "none", 1: "none", 2: "none", 3: "rollout, occlusion"}
        assert enough.get(kept, "weight, ") in caption
        assert page.locator(PICTURE).bounding_box()["height"] == height
