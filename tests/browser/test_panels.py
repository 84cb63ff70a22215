"""Every kind of control and mark, in JupyterLab, in the light and the dark theme."""

import json
import re

import nbformat
import numpy as np
import pytest

from course_utils import softmax
from tools.browser import until

WORDS = ["the", "cat", "sat", "on", "the", "mat"]
SCORES = 2 * np.random.default_rng(3).normal(size=(6, 6))
COMMON = """\
import numpy as np
from course_utils import figures, softmax
words = "the cat sat on the mat".split()
scores = 2 * np.random.default_rng(3).normal(size=(6, 6))
"""
MANY_CONTROLS = """\
def draw(row, causal, temperature):
    seen = np.where(np.tri(6, dtype=bool) | (not causal), scores, -np.inf)
    weights = softmax(seen, temperature=temperature)
    attention = figures.AttentionWeights(weights, queries=words, keys=words)
    return figures.beside(
        figures.matrix(attention, title="Who looks at whom", row=row),
        figures.links(attention, title="Links", row=row),
        figures.bars(weights[row], words, title="Where it looks"),
        caption=f"row {row}, causal {causal}, temperature {temperature:.1f}",
    )

figures.panel(
    draw,
    row=figures.picker(words, start=2, label="query"),
    causal=figures.checkbox(label="causal"),
    temperature=figures.slider(0.5, 3, 0.5, start=1.0, label="temperature"),
)
"""
ONE_SLIDER = """\
key = np.array([[0.0, 1.0], [1.0, 0.0], [-0.8, -0.6]])
def turn(angle):
    query = np.array([np.cos(angle / 57.3), np.sin(angle / 57.3)])
    weights = softmax(3 * key @ query)
    x = np.arange(0, 361, 10)
    return figures.beside(
        figures.vectors(
            key, ["up", "right", "left"], query, weights, title="Keys", axes=("x", "y")
        ),
        figures.curves(
            x,
            {"sine": np.sin(x / 57.3), "cosine": np.cos(x / 57.3)},
            at=angle,
            title="Waves",
            axes=("angle", "height"),
            xticks=range(0, 361, 90),
        ),
        caption=f"angle {angle}",
    )

figures.panel(turn, angle=figures.slider(0, 360, 10, start=30, label="angle (°)"))
"""
FAULTY = """\
def faulty(x):
    if x > 2:
        raise ValueError("x is above 2")
    weights = [1.0, np.nan] if x < 1 else [0.5, 0.5]
    bars = figures.bars(weights, ["a", "b"], title="Weights")
    return figures.beside(bars, caption=f"x = {x}")

figures.panel(faulty, x=figures.slider(0, 3, 1, start=1, label="x"))
"""
UNKNOWN = "figures.panel(faulty, x=3)"
CHOSEN = 'figures.predict("chosen", "less", "more")'
TYPED = 'figures.predict("browser test")'
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.fixture(scope="module")
def path(clone, jupyterlab):
    """A notebook with a panel of each kind."""
    texts = [COMMON, MANY_CONTROLS, ONE_SLIDER, FAULTY, UNKNOWN, CHOSEN, TYPED]
    cells = [nbformat.v4.new_code_cell(text) for text in texts]
    made = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(made, clone / "work" / "notebooks" / "figures.ipynb")
    return "notebooks/figures.ipynb"


@pytest.fixture
def opened(notebook, path):
    opened = notebook(path)
    opened.run_all()
    assert opened.errors() == []
    return opened


def panel(opened, number):
    """Scroll to the panel of a cell, counted from 0 among the panels."""
    found = opened.show(opened.page.locator(".course-panel").nth(number))
    found.locator("svg").wait_for()
    return found


def settled(box, caption):
    box.locator(
        ".course-caption", has_text=re.compile(f"^{re.escape(caption)}$")
    ).wait_for()


def expected(causal, temperature):
    seen = np.where(np.tri(6, dtype=bool) | (not causal), SCORES, -np.inf)
    return softmax(seen, temperature=temperature)


def compare(box, row, causal, temperature):
    """Compare every number in the picture with NumPy's."""
    settled(box, f"row {row}, causal {causal}, temperature {temperature:.1f}")
    weights = expected(causal, temperature)
    shades = [
        float(x.get_attribute("fill-opacity")) for x in box.locator(".cell").all()
    ]
    shown = (np.reshape(shades, (6, 6)) - 0.05) / 0.65
    np.testing.assert_allclose(shown, weights, atol=0.002)
    marks = box.locator("svg > g > g").all()
    numbers = [
        [
            float(text)
            for text in mark.locator("text").all_text_contents()
            if re.fullmatch(r"\d\.\d\d", text)
        ]
        for mark in marks
    ]
    np.testing.assert_allclose(numbers[2], weights[row], atol=0.005)
    links = marks[1].locator("text").all_text_contents()
    at_keys = [float(x.split()[1]) for x in links if re.search(r" \d\.\d\d$", x)]
    np.testing.assert_allclose(at_keys, weights[row], atol=0.005)
    widths = [
        float(x.get_attribute("stroke-width")) for x in marks[1].locator("line").all()
    ]
    np.testing.assert_allclose(widths, 0.5 + 7 * weights[row], atol=0.06)
    ring = box.locator("rect.ring")
    cell = box.locator(".cell").first
    top = float(ring.get_attribute("y")) - float(cell.get_attribute("y")) + 1
    assert round(top / (float(cell.get_attribute("height")) + 2)) == row


CONTRAST = """box => {
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.04045
            ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const colour = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const paper = light(colour(getComputedStyle(box.querySelector(".paper")).fill));
    const ratio = c => {
        const other = light(colour(c));
        return (Math.max(paper, other) + 0.05) / (Math.min(paper, other) + 0.05);
    };
    const least = (query, what) => Math.min(
        ...[...box.querySelectorAll(query)].map(x => ratio(getComputedStyle(x)[what])));
    return {
        text: least("text", "fill"),
        marks: least(".blue, .vermilion, .grey", "fill"),
        lines: least(".blue-line, .vermilion-line, .grey-line", "stroke"),
        size: Math.min(...[...box.querySelectorAll("text")].map(
            x => parseFloat(getComputedStyle(x).fontSize))),
        paper,
    };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_control_and_mark_shows_what_numpy_says(opened, page, theme):
    if theme == "dark":
        opened.dark()
    box = panel(opened, 0)
    compare(box, 2, False, 1.0)
    box.get_by_label("query").focus()
    page.keyboard.press("ArrowDown")
    compare(box, 3, False, 1.0)
    box.get_by_role("checkbox", name="causal").focus()
    page.keyboard.press("Space")
    compare(box, 3, True, 1.0)
    box.get_by_role("slider", name="temperature").focus()
    page.keyboard.press("ArrowRight")
    compare(box, 3, True, 1.5)
    box.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    compare(box, 2, False, 1.0)
    for number in (0, 1):
        seen = panel(opened, number).evaluate(CONTRAST)
        assert seen["text"] >= 4.5
        assert min(seen["marks"], seen["lines"]) >= 3
        assert seen["size"] >= 14
        assert (seen["paper"] < 0.1) == (theme == "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_vectors_and_curves_follow_their_slider(opened, page, theme):
    if theme == "dark":
        opened.dark()
    box = panel(opened, 1)
    box.get_by_role("slider", name="angle").focus()
    for angle, key in ((30, None), (40, "ArrowRight"), (0, "Home"), (360, "End")):
        if key:
            page.keyboard.press(key)
        settled(box, f"angle {angle}")
        words = box.locator("svg").get_attribute("aria-label")
        x, y = np.cos(angle / 57.3), np.sin(angle / 57.3)
        told = re.search(r"points to \((.*), (.*)\);", words).groups()
        found = [float(t.replace("−", "-")) for t in told]
        np.testing.assert_allclose(found, [x, y], atol=0.006)
        tip = box.locator("polygon").get_attribute("points").split()[0]
        start = box.locator("polyline.vermilion-line").first.get_attribute("points")
        arrow = np.subtract(
            *[np.float64(p.split(",")) for p in (tip, start.split()[0])]
        )
        np.testing.assert_allclose(arrow, [76 * x, -76 * y], atol=0.2)
        dots = [
            (float(dot.get_attribute("cx")), float(dot.get_attribute("cy")))
            for dot in box.locator("circle[r='5']").all()
        ]
        heights = [(168 - cy) / 116 for _, cy in dots]  # 1 at the top, −1 at the bottom
        np.testing.assert_allclose(heights, [y, x], atol=0.01)


def test_fifty_quick_moves_leave_nothing_stale(opened, page):
    box, other = panel(opened, 1), panel(opened, 0)
    before = other.locator("svg").get_attribute("aria-label")
    box = panel(opened, 1)
    height = box.bounding_box()["height"]
    slider = box.get_by_role("slider", name="angle")
    slider.focus()
    for i in range(50):
        page.keyboard.press("ArrowLeft" if i % 3 else "PageUp")
        if i % 20 == 10:
            page.set_viewport_size({"width": 1000 + 5 * i, "height": 900})
    opened.catch_up()
    value = slider.get_attribute("aria-valuetext")
    settled(box, f"angle {value}")
    assert box.locator("svg").count() == 1
    assert box.bounding_box()["height"] == height
    assert panel(opened, 0).locator("svg").get_attribute("aria-label") == before
    # Keys on a control are not commands of the notebook: b would insert a cell.
    cells = len(opened.cells())
    page.keyboard.press("b")
    assert len(opened.cells()) == cells


def test_a_fault_is_told_in_the_figures_place_and_passes(opened, page):
    box = panel(opened, 2)
    settled(box, "x = 1")
    box.get_by_role("slider", name="x").focus()
    page.keyboard.press("End")
    settled(box, "This figure cannot be drawn.")
    assert "ValueError: x is above 2" in box.locator("svg").text_content()
    page.keyboard.press("Home")
    box.get_by_text("ValueError: weights must hold").wait_for()
    page.keyboard.press("ArrowRight")
    settled(box, "x = 1")
    unknown = panel(opened, 3)
    assert (
        "x needs a control, such as slider(...)"
        in unknown.locator("svg").text_content()
    )


def test_a_prediction_can_be_typed_and_is_kept(opened, page, clone):
    field = page.get_by_label("Your prediction")
    opened.show(field).fill("about a half")
    page.keyboard.press("Tab")
    kept = clone / "work" / "progress.json"
    until(lambda: kept.exists() and "about a half" in kept.read_text())
    predictions = json.loads(kept.read_text())["predictions"]
    assert predictions["browser test"] == "about a half"


def test_axe_finds_nothing_grave_in_live_panels(opened, page, axe):
    for number in (0, 1):
        panel(opened, number)
        assert axe(page, ".course-panel") == []
    opened.show(page.get_by_label("Your prediction"))
    assert page.locator(".course-prediction").count() == 2
    assert axe(page, ".course-prediction") == []


def test_an_export_shows_the_figures_without_network(root, page, tmp_path, axe):
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_filename(str(root / "notebooks/01_soft_lookup.ipynb"))
    export = tmp_path / "lesson.html"
    export.write_text(text, encoding="utf-8")
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(export.as_uri())
    figure = page.locator("img[src^='data:image/svg+xml']")
    assert figure.count() == 1
    assert figure.evaluate("x => x.complete && x.naturalWidth") == 848
    assert "south 0.50, west 0.50" in figure.get_attribute("alt")
    assert axe(page, "img[src^='data:image/svg+xml']") == []


def test_an_untrusted_clone_shows_the_figures_before_the_first_run(notebook, page):
    lesson = notebook("notebooks/01_soft_lookup.ipynb")
    figure = lesson.show(page.locator("img[src^='data:image/svg+xml']"))
    assert figure.evaluate("x => x.naturalWidth") == 848
    assert figure.get_attribute("alt").startswith("Wind from 225°: 17.0 °C.")
