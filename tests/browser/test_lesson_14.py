"""The ledger of lesson 14 as a learner moves it, in JupyterLab."""

from course_utils.sizes import MODELS

PICTURE = ".course-panel .course-picture"


def settled(page, start):
    """Wait until the caption of the picture begins so."""
    page.wait_for_function(
        "start => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(start)",
        arg=start,
    )


def test_the_ledger_shows_what_the_sizes_say(lesson, page):
    opened = lesson(14)
    slider = opened.show(page.get_by_role("slider", name="n, tokens kept"))
    settled(page, "GPT-2 small, 1,000 tokens: ")
    height = page.locator(PICTURE).bounding_box()["height"]
    models = page.get_by_role("combobox", name="model")
    for key, n in (("Home", 10), ("End", 100_000)):
        slider.focus()
        page.keyboard.press(key)
        for i, (name, model) in enumerate(MODELS.items()):
            models.select_option(index=i)
            work = model.operations(n)
            share = work["attention"] / sum(work.values())
            settled(page, f"{name}, {n:,} tokens: attention does {share:.0%} of")
            texts = page.locator(f"{PICTURE} svg text").all_text_contents()
            cache = model.cache_bytes(n)
            shown = f"{cache / 1e9:.3g} billion" if cache >= 1e9 else None
            assert shown in [None, *texts]
            assert page.locator(PICTURE).bounding_box()["height"] == height
