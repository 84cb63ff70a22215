"""Every figure of every lesson without a kernel, in a page of its own."""

import json
from itertools import product

import lessons
import pytest
from playwright.sync_api import expect

from course_utils.figures.packed import PLAYER, still, unpack

WIDTHS = (
    360,
    390,
    528,
    864,
    1000,
    1440,
    2560,
)  # 528: a notebook at 150 %, 864: beside files
MOST_STATES = 40
PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}" data-jp-theme-light="{light}">
<meta name="viewport" content="width=device-width"><title>Figures</title>
<body style="margin: 16px"><main></main><script type="module">
{player}
window.course = {{play, unpack}};
</script>"""
# What is seen of a figure: the smallest letters, and the texts that are cut off.
SEEN = """() => {
    const room = document.querySelector(".course-picture").getBoundingClientRect();
    const texts = [...document.querySelectorAll(".course-picture text")].filter(
        x => x.textContent && !x.closest("[hidden], .caption"));
    const sizes = texts.map(x => {
        const {a, b} = x.getScreenCTM();
        return parseFloat(getComputedStyle(x).fontSize) * Math.hypot(a, b);
    });
    const out = texts.filter(x => !x.closest(".course-part")).filter(x => {
        const box = x.getBoundingClientRect();
        return box.right > room.right + 8 || box.left < room.left - 8;
    });
    return {
        least: Math.min(...sizes),
        out: out.map(x => x.textContent),
        sideways: document.documentElement.scrollWidth - innerWidth,
    };
}"""


@pytest.fixture(scope="module")
def figures_of(request):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")

    def packed(name):
        return [x.packed or still(x.picture, "It moves.") for x in lessons.panels(name)]

    return packed


@pytest.fixture
def put(page):
    """Show packed figures in an empty page, one at a time."""

    def blank(theme):
        light = str(theme == "light").lower()
        player = PLAYER.read_text(encoding="utf-8")
        page.set_content(PAGE.format(theme=theme, light=light, player=player))
        page.wait_for_function("window.course !== undefined")

    def shown(text):
        page.evaluate(
            """text => {
                const el = document.createElement("div");
                document.querySelector("main").replaceChildren(el);
                course.play(el, text);
            }""",
            text,
        )
        return page.locator(".course-figure")

    blank("light")
    shown.blank = blank
    return shown


# On each day; the others, whose lessons must be run first, seldom.
EACH = ("01_soft_lookup", "08_positions", "13_variants")
SOME = [
    pytest.param(x, marks=[] if x in EACH else pytest.mark.thorough)
    for x in lessons.NAMES
]


@pytest.mark.parametrize("name", SOME)
def test_all_of_a_figure_is_seen_on_every_screen(name, figures_of, put, page, axe):
    for text in figures_of(name):
        for theme in ("light", "dark"):
            put.blank(theme)
            put(text)
            assert axe(page, "main") == []
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_function(
                    """() => {
                        const [svg, picture] = ["svg", ".course-picture"].map(x =>
                            document.querySelector(x).getBoundingClientRect().width);
                        return svg <= picture + 0.5;
                    }"""
                )
                seen = page.evaluate(SEEN)
                assert seen["least"] >= 11.95, (width, seen)
                assert seen["out"] == [], (width, seen)
                assert seen["sideways"] <= 0, (width, seen)


@pytest.mark.parametrize("name", SOME)
def test_the_player_unpacks_what_python_packed(name, figures_of, put, page):
    for text in figures_of(name):
        whole = json.loads(text)
        states = list(product(*(range(len(x["stops"])) for x in whole["controls"])))
        every = -(-len(states) // MOST_STATES)
        found = page.evaluate(
            "([text, states]) => states.map(course.unpack(JSON.parse(text)))",
            [text, states[::every]],
        )
        assert found == list(unpack(text))[::every]


def test_native_controls_move_a_figure(put, page, figures_of):
    figure = put(figures_of("08_positions")[0])
    caption = figure.locator(".course-caption")
    keys = []
    page.expose_function("heard", lambda key: keys.append(key))
    page.evaluate("document.addEventListener('keydown', e => heard(e.key))")
    start = caption.text_content()
    first, second = figure.get_by_role("slider").all()
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(first).to_have_attribute("aria-valuetext", "7")
    moved = caption.text_content()
    second.focus()
    page.keyboard.press("End")
    expect(second).to_have_attribute("aria-valuetext", "40")
    both = caption.text_content()
    assert len({start, moved, both}) == 3
    box = first.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    expect(first).to_have_attribute("aria-valuetext", "20")
    figure.get_by_role("button", name="Reset").click()
    expect(caption).to_have_text(start)
    expect(figure.locator("[aria-live=polite]")).to_have_text(start)
    page.keyboard.press("b")
    assert keys == []  # none reaches the notebook around


def test_a_choice_made_in_the_page_meets_its_outcome(put, page):
    question = {"name": "q", "options": ["less", "<b>more"], "chosen": None}
    put(json.dumps({"question": question}))
    page.get_by_role("radio", name="<b>more").check()
    put(json.dumps({"outcome": {"name": "q", "right": "less", "predicted": None}}))
    expect(page.locator("main")).to_have_text(
        "What happens: lessYou predicted: <b>more", use_inner_text=False
    )


def test_a_figure_with_too_many_pictures_says_what_moves_it(put, page, figures_of):
    text = next(x for x in figures_of("01_soft_lookup"))
    whole = json.loads(text) | {"controls": [], "note": "It moves once run."}
    whole |= {"columns": [], "templates": [[0]], "of": [0]}
    whole["texts"] = [next(unpack(text))]
    figure = put(json.dumps(whole))
    expect(figure.locator("svg")).to_be_visible()
    expect(figure.get_by_text("It moves once run.")).to_be_visible()
    expect(figure.get_by_role("button")).to_have_count(0)
