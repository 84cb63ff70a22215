"""The sliders of lesson 17 as a learner moves them, on a small random model."""

import lessons

# In place of the published model: one of its shape, which any machine has.
SMALL = """
from course_utils.models.byte_pairs import LETTER, BytePairs
from course_utils.models.language_model import LanguageModel

rng = np.random.default_rng(0)
shapes = {"w_query": (36, 36), "w_key": (36, 12), "w_value": (36, 12)}
shapes |= {"w_out": (36, 36), "w_gate": (36, 8), "w_up": (36, 8), "w_down": (8, 36)}
gains = {"gain_1": np.ones(36), "gain_2": np.ones(36)}
blocks = [
    gains | {name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()}
    for _ in range(30)
]
text = BytePairs(LETTER.values(), [])
model = LanguageModel(rng.normal(size=(256, 36)), blocks, np.ones(36), 9, 3)
"""
PICTURE = ".course-panel .course-picture"


def test_the_sliders_choose_who_looks_and_which_head(notebook, page, axe):
    opened = notebook("notebooks/17_language_model.ipynb")
    needed = lessons.cells_of("17_language_model")
    first = needed[0]
    loading = next(x for x in first.source.splitlines() if x.startswith("model, text"))
    opened.write(first.id, first.source.replace(loading, SMALL))
    opened.run([cell.id for cell in needed])
    assert opened.errors() == []
    place = opened.show(page.get_by_role("slider", name="place"))
    picture = page.locator(PICTURE)
    picture.locator("svg").wait_for()
    assert axe(page, ".course-panel") == []
    height = picture.bounding_box()["height"]

    def ringed():
        return picture.locator("svg rect.ring").evaluate_all(
            "boxes => boxes.map(x => [x.getAttribute('x'), x.getAttribute('y')])"
        )

    def moved(control, key, which):
        """Press a key, and wait until one of the two rings stands elsewhere."""
        before = ringed()
        control.focus()
        page.keyboard.press(key)
        page.wait_for_function(
            f"""before => [...document.querySelectorAll("{PICTURE} svg rect.ring")]
                .map(x => [x.getAttribute("x"), x.getAttribute("y")].join())[{which}]
                !== before""",
            arg=",".join(before[which]),
        )
        after = ringed()
        assert after[1 - which] == before[1 - which]
        assert picture.bounding_box()["height"] == height

    moved(place, "Home", 0)
    moved(page.get_by_role("slider", name="block"), "ArrowRight", 1)
    moved(page.get_by_role("slider", name="head"), "Home", 1)
    assert picture.locator("svg .caption").text_content() == (
        "“C” looks most at “C” (1.00), place 1"
    )
