"""The slider of lesson 7 as a learner moves it, in JupyterLab."""

import re

import numpy as np

from course_utils.tasks import little_sentence

PICTURE = ".course-panel .course-picture"
LABEL = "how much of “cat” is “mat” (%)"
X = little_sentence()[2]  # article, thing, alive, action, place, reason, state
W_Q = np.array([[0, 0], [1, 0], [0, 1], [1, 0], [0, 0], [0, 0], [1, 0]])
W_K = np.array([[0, 0], [1, 0], [1, 0], [-1, 0], [0, 0], [0, 0], [-1, 2]])
ASKED_BY_QUESTION = np.array([[2, 0], [2, 2], [0, 2], [0, 0]])  # who felt how ?


def attend(percent):
    """What NumPy says: weights and outputs of the sentence, then of the question."""
    x = X.copy()
    x[1] = (1 - percent / 100) * X[1] + percent / 100 * X[5]
    found = []
    for query in (x @ W_Q, ASKED_BY_QUESTION):
        weights = np.exp(query @ (x @ W_K).T / np.sqrt(2))
        weights /= weights.sum(axis=1, keepdims=True)
        found.append((weights, weights @ x[:, [2, 4, 6]]))
    return found


def shown(page):
    """Read the caption, how far each output moved, and the bars' lengths."""
    svg = page.locator(PICTURE + " svg")
    texts = svg.locator("text").all_text_contents()
    numbers = [float(x) for x in texts if re.fullmatch(r"0|\d\.\d\d", x)]
    widths = "bars => bars.map(bar => Number(bar.getAttribute('width')))"
    lengths = svg.locator("rect.bar").evaluate_all(widths)
    return texts[0], np.array(numbers), np.array(lengths)


def settled(page, percent):
    """Wait until the picture shows so much of a mat."""
    page.wait_for_function(
        "words => document.querySelector('.course-panel .course-picture svg text')"
        "?.textContent.startsWith(words)",
        arg=f"“cat” is {percent} % “mat”",
    )


def test_the_slider_moves_the_picture_as_the_mathematics_says(lesson, page):
    opened = lesson(7)
    slider = opened.show(page.get_by_role("slider", name=LABEL))
    settled(page, 40)
    height = page.locator(PICTURE).bounding_box()["height"]
    slider.focus()
    for key, percent in {"ArrowRight": 42, "Home": 0, "End": 100}.items():
        page.keyboard.press(key)
        settled(page, percent)
        caption, numbers, lengths = shown(page)
        (itself, output), (question, answer) = attend(percent)
        assert caption.endswith(
            f"“it” gives it {itself[7, 1]:.2f}, “who” {question[0, 1]:.2f}"
        )
        (_, output_0), (_, answer_0) = attend(0)
        moved = np.linalg.norm(
            np.concatenate([output - output_0, answer - answer_0]), axis=1
        )
        np.testing.assert_allclose(numbers, moved, atol=0.0051)
        np.testing.assert_allclose(lengths, 48 * moved / 1.6, atol=0.06)
        # The token that moved is ringed where it is asked, and where it asks.
        rings = page.locator(PICTURE + " svg rect.ring")
        tall = [float(x.get_attribute("height")) for x in rings.all()]
        wide = [float(x.get_attribute("width")) for x in rings.all()]
        assert np.argmax(tall) == 0
        assert [w > h for w, h in zip(wide, tall, strict=True)] == [False, True, False]
    assert page.locator(PICTURE).bounding_box()["height"] == height
