"""The slider of lesson 16 as a learner moves it, in JupyterLab."""

import pytest

from course_utils.data.pronouns import pronoun_pairs
from course_utils.models import minilm
from course_utils.models.encoder import Encoder
from course_utils.models.published import find

PICTURE = ".course-panel .course-picture"


@pytest.fixture(scope="module")
def captions():
    """What stands above the picture for each head, computed anew."""
    p = minilm.read_parameters(find("model.safetensors"))
    cut = minilm.read_vocabulary(find("tokenizer.json"))
    found = []
    for text in pronoun_pairs()[0].both:
        keys = ["[CLS]", *cut.pieces_of(text), "[SEP]"]
        _, weights = Encoder().read(p, *minilm.batch(cut, [text]))
        rows = weights[:, 0, :, keys.index("it")].reshape(72, -1)
        found.append([f"“{keys[w.argmax()]}” ({w.max():.2f})" for w in rows])
    return [
        f"Head {i // 12}.{i % 12}: “it” looks most at {', '.join(looks)}"
        for i, looks in enumerate(zip(*found, strict=True))
    ]


@pytest.mark.models
def test_the_slider_shows_where_each_head_looks_in_both_sentences(
    lesson, page, captions
):
    head = lesson(16).show(page.get_by_role("slider", name="head"))
    height = page.locator(PICTURE).bounding_box()["height"]
    head.focus()
    for key, state in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", 71)):
        page.keyboard.press(key)
        page.wait_for_function(
            "words => document.querySelector('.course-panel .course-picture svg text')"
            "?.textContent === words",
            arg=captions[state],
        )
        assert page.locator(PICTURE).bounding_box()["height"] == height
