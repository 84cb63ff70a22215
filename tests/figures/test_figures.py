import base64
import html
import json
import re
import subprocess
import sys
from itertools import count, product
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from course_utils import figures, multi_head_attention, split_heads
from course_utils._numbers import number
from course_utils.figures.packed import MIME, unpack
from course_utils.figures.panel import MOVES
from course_utils.figures.svg import WIDTH

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["north", "east", "south"]
KEY = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
WEIGHTS = np.array([0.25, 0.6, 0.15])


def picture(shift=0.0):
    x = np.arange(5)
    return figures.beside(
        figures.vectors(
            KEY, NAMES, [0.6, 0.8], WEIGHTS, title="Wind", axes=("east", "north")
        ),
        figures.bars(WEIGHTS, NAMES, title="Weight"),
        figures.curves(
            x,
            {"square": x**2 + shift, "line": x},
            at=3,
            title="Growth",
            axes=("x", "y"),
            xticks=range(5),
        ),
        caption=f"Shifted by {shift:g}.",
    )


def drawn(tag, of):
    return list(ET.fromstring(of.svg).iter(SVG + tag))


def test_bars_are_as_long_as_the_weights_and_carry_their_numbers():
    lengths = [float(x.get("width")) for x in drawn("rect", picture())][1:]
    np.testing.assert_allclose(np.divide(lengths, sum(lengths)), WEIGHTS, atol=2e-3)
    texts = [x.text for x in drawn("text", picture())]
    assert {"0.25", "0.60", "0.15"} <= set(texts)


def test_bars_that_read_the_same_look_the_same_and_a_little_is_not_nothing():
    bars = figures.bars([0.4983, 0.4981, 0.0036, 0], [*"abcd"], title="")
    one = figures.beside(bars, caption="")
    opacities = [float(x.get("fill-opacity")) for x in drawn("rect", one)[-4:]]
    assert opacities[0] == opacities[1] > opacities[2] == opacities[3]
    assert "a 0.50, b 0.50, c <0.01, d 0.00" in bars.words


def test_the_scale_of_bars_does_not_follow_the_weights():
    def longest(weights):
        one = figures.beside(figures.bars(weights, NAMES, title=""), caption="")
        return max(float(x.get("width")) for x in drawn("rect", one)[1:])

    assert longest([0.5, 0.3, 0.2]) * 2 == pytest.approx(longest([1.0, 0, 0]), abs=0.2)


def test_dots_have_areas_that_grow_with_the_weights():
    radii = [float(x.get("r")) for x in drawn("circle", picture())][1:4]
    assert np.argsort(radii).tolist() == np.argsort(WEIGHTS).tolist()
    np.testing.assert_allclose(((np.array(radii) - 3) / 15) ** 2, WEIGHTS, atol=0.01)


def test_curves_put_their_dots_at_the_current_numbers():
    spots = [
        (float(x.get("cx")), float(x.get("cy"))) for x in drawn("circle", picture())
    ][-2:]
    (x1, nine), (x2, three) = spots
    assert x1 == x2
    assert nine < three  # the square is above the line
    assert "Growth, at 3: square 9.0, line 3.0." in picture().description


def test_a_logarithmic_axis_puts_equal_factors_at_equal_distances():
    def across(at):
        x = np.array([0.1, 1.0, 10.0])
        look = {"axes": ("x", "y"), "xticks": x, "logarithmic": True}
        one = figures.curves(x, {"line": x}, at=at, title="", **look)
        return float(drawn("circle", figures.beside(one, caption=""))[0].get("cx"))

    places = [across(at) for at in (0.1, 1.0, 10.0)]
    assert places[0] < places[1]
    assert places[2] - places[1] == pytest.approx(places[1] - places[0], abs=0.2)


def test_shares_hang_at_their_scores_and_end_on_the_curve():
    scores, levels = np.array([-0.5, 1.0, 0.5]), np.linspace(-1, 2, 301)
    weights = np.exp(scores) / np.exp(scores).sum()
    curve = levels, np.exp(levels) / np.exp(scores).sum()
    mark = figures.shares(scores, weights, NAMES, curve=curve, title="Worth")
    one = figures.beside(mark, caption="")
    boxes = drawn("rect", one)[1:]
    lengths = np.array([float(x.get("width")) for x in boxes])
    heights = np.array([float(x.get("y")) for x in boxes]) + 5
    np.testing.assert_allclose(lengths / lengths.sum(), weights, atol=2e-3)
    assert np.argsort(-heights).tolist() == np.argsort(scores).tolist()
    (line,) = drawn("polyline", one)
    points = np.array([p.split(",") for p in line.get("points").split()], dtype=float)
    left = float(boxes[0].get("x"))
    ends = np.interp(heights, points[::-1, 1], points[::-1, 0])
    np.testing.assert_allclose(left + lengths, ends, atol=0.6)
    assert points[:, 0].max() <= left + lengths.sum() + 0.5  # no weight above 1
    assert "east with score 1.00 has weight 0.55" in one.description


def test_every_text_stays_inside_the_picture():
    svg = ET.fromstring(picture().svg)
    width, height = float(svg.get("width")), float(svg.get("height"))
    for g in svg.findall(f"{SVG}g"):
        left = float(re.findall(r"[\d.]+", g.get("transform"))[0])
        for text in g.iter(SVG + "text"):
            assert 0 <= left + float(text.get("x")) <= width
            assert 0 <= float(text.get("y")) <= height
    assert width == 3 * WIDTH + 2 * 28


def test_words_describe_what_is_shown():
    words = picture(2).description
    assert words.startswith("Shifted by 2. Wind: the query points to (0.60, 0.80)")
    assert "Weight: north 0.25, east 0.60, south 0.15." in words
    assert ET.fromstring(picture(2).svg).get("aria-label") == words


def test_text_is_escaped():
    caption = '<b> & "quotes"'
    one = figures.beside(figures.bars([1.0], ["<i>"], title="&"), caption=caption)
    assert drawn("text", one)[0].text == caption
    assert "<i>" not in one.svg


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: figures.bars([0.5], NAMES, title=""), "one number for each of the 3"),
        (lambda: figures.bars([0.5, 0.6, np.nan], NAMES, title=""), "finite"),
        (lambda: figures.bars([0.5, 1.5, 0], NAMES, title=""), "from 0 to 1"),
        (
            lambda: figures.vectors(
                KEY.T, NAMES, [0, 1], WEIGHTS, title="", axes=("x", "y")
            ),
            "one 2-D key for each of 3 labels",
        ),
        (
            lambda: figures.curves(
                [0, 1], {"c": [1]}, at=0, title="", axes=("x", "y"), xticks=[0, 1]
            ),
            "the curve 'c' must have one number for each x",
        ),
        (
            lambda: figures.curves(
                [0, 1],
                {"c": [1, 2]},
                at=1,
                title="",
                axes=("x", "y"),
                xticks=[1, 2],
                logarithmic=True,
            ),
            "x must hold numbers above 0 on a logarithmic axis; the smallest is 0",
        ),
        (
            lambda: figures.shares(
                [1, 2], WEIGHTS, NAMES, curve=([0, 1],) * 2, title=""
            ),
            "scores must have one number for each of the 3 labels",
        ),
        (
            lambda: figures.shares(
                [1, 2, np.nan], WEIGHTS, NAMES, curve=([0, 1],) * 2, title=""
            ),
            "scores must hold finite numbers",
        ),
        (lambda: figures.predict("one", "only this"), "no options or at least two"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


def test_a_panel_follows_its_control():
    shift = figures.slider(0, 10, 1, start=2, label="shift")
    panel = figures.panel(picture, shift=shift)
    assert panel.picture.caption == "Shifted by 2."
    panel.controls["shift"].value = 7
    assert panel.picture.caption == "Shifted by 7."
    assert panel.picture.svg == picture(7).svg


def test_a_panel_shows_its_state_without_a_kernel():
    shift = figures.slider(0, 10, 0.5, start=2.5, label="shift")
    bundle = figures.panel(picture, shift=shift)._repr_mimebundle_()
    alt, source = re.fullmatch(
        rf'<img alt="(.*)" src="data:image/svg\+xml;base64,(.*)"><p>{MOVES}</p>',
        bundle["text/html"],
    ).groups()
    assert html.unescape(alt) == bundle["text/plain"] == picture(2.5).description
    assert base64.b64decode(source).decode() == picture(2.5).svg


def test_a_prediction_outlives_the_kernel_and_meets_its_outcome():
    options = ("less", "the same", "more")
    guess = figures.predict("a question", *options)
    assert repr(guess.reveal(1)) == "What happens: the same\nYou made no prediction."
    guess.children[0].value = "more"
    again = figures.predict("a question", *options)
    assert repr(again.reveal(1)) == "What happens: the same\nYou predicted: more"
    assert repr(again.reveal(2)) == "What happens: more\nYou predicted this."
    # An option that a new version of the lesson no longer offers is no choice.
    assert figures.predict("a question", "yes", "no").children[0].value is None


def test_a_prediction_shows_its_options_without_a_kernel():
    bundle = figures.predict("a question", "a < b", "a > b")._repr_mimebundle_()
    assert bundle["text/html"] == "<ul><li>a &lt; b</li><li>a &gt; b</li></ul>"


WORDS = ("it", "was", "tired")
ROWS = np.array([[0.7, 0.2, 0.1, 0.0], [0.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.2, 0.6]])
KEYS = ("the", "cat", "sat", "down")


def attention(weights=ROWS, queries=WORDS, keys=KEYS):
    return figures.AttentionWeights(weights, queries=queries, keys=keys)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (
            ROWS.T,
            r"must have shape \(3, 4\).*; got shape \(4, 3\): is it transposed",
        ),
        (ROWS[:2], r"must have shape \(3, 4\).*; got shape \(2, 4\)$"),
        (2 * ROWS, r"needs rows that sum to 1: row 'it' sums to 2$"),
        (ROWS - 0.1, r"must hold numbers from 0 to 1; got -0\.1"),
        (np.where(ROWS > 0.5, np.nan, ROWS), "must hold numbers from 0 to 1; got nan"),
    ],
)
def test_a_matrix_that_is_none_of_weights_is_refused(weights, says):
    with pytest.raises(ValueError, match=says):
        attention(weights)


def test_a_square_matrix_that_is_transposed_is_told_apart():
    square = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8]])
    attention(square, keys=WORDS)
    with pytest.raises(ValueError, match="columns do sum to 1: is it transposed"):
        attention(square.T, keys=WORDS)


def test_only_weights_that_know_their_axes_are_drawn():
    for mark in (figures.matrix, figures.links):
        with pytest.raises(TypeError, match=r"AttentionWeights.*got a ndarray"):
            mark(ROWS, title="", row=0)
        with pytest.raises(ValueError, match="row must be one of the 3 queries"):
            mark(attention(), title="", row=3)


def test_a_matrix_has_queries_down_and_keys_across():
    one = figures.beside(figures.matrix(attention(), title="M", row=2), caption="c")
    cells = [x for x in drawn("rect", one) if "cell" in x.get("class", "")]
    places = [(float(x.get("y")), float(x.get("x"))) for x in cells]
    assert places == sorted(places)  # row by row, each from left to right
    shades = [float(x.get("fill-opacity")) for x in cells]
    np.testing.assert_allclose(
        (np.array(shades) - 0.05) / 0.65, ROWS.ravel(), atol=2e-3
    )
    texts = {x.text: x for x in drawn("text", one)}
    assert float(texts["it"].get("y")) < float(texts["tired"].get("y"))
    assert float(texts["the"].get("x")) < float(texts["down"].get("x"))
    assert texts["query ↓  key →   each row sums to 1"] is not None
    assert "“it” looks most at “the” (0.70); “was” sees nothing" in one.description


def test_links_are_as_thick_as_weights():
    one = figures.beside(figures.links(attention(), title="L", row=0), caption="c")
    widths = [float(x.get("stroke-width")) for x in drawn("line", one)]
    np.testing.assert_allclose(widths, 0.5 + 7 * ROWS[0], atol=0.06)
    assert "from “it” to the 0.70, cat 0.20, sat 0.10, down 0.00." in one.description


def test_controls_have_names_and_values():
    query = figures.picker(["the", "cat", "the"], start=2, label="query")
    assert query.value == 2
    assert [label for label, _ in query.options] == ["1. the", "2. cat", "3. the"]
    assert figures.checkbox(start=True, label="causal").value is True
    with pytest.raises(ValueError, match="position of one of 1 tokens"):
        figures.picker(["the"], start=1, label="query")
    for low, high, step, start in ((1, 1, 1, 1), (0, 1, 0, 0), (0, 1, 1, 2)):
        with pytest.raises(ValueError, match="slider must have low < high"):
            figures.slider(low, high, step, start=start, label="x")


def test_a_panel_of_several_controls_follows_each_and_resets():
    def draw(row, shift):
        bars = figures.bars(ROWS[0], KEYS, title="")
        return figures.beside(bars, caption=f"{row} {shift}")

    row = figures.picker(WORDS, label="query")
    shift = figures.checkbox(label="shift")
    panel = figures.panel(draw, row=row, shift=shift)
    row.value, shift.value = 2, True
    assert panel.picture.caption == "2 True"
    panel.children[0].children[-1].click()  # the button
    assert (row.value, shift.value) == (0, False)
    assert list(unpack(panel.packed)) == [
        draw(row, shift).svg for row in range(len(WORDS)) for shift in (False, True)
    ]


def test_a_log_slider_has_round_values_at_equal_factors():
    values = [x for _, x in figures.log_slider(0.1, 10, start=1, label="T").options]
    assert values[:6] == [0.1, 0.11, 0.13, 0.14, 0.16, 0.18]
    assert values[20:41:10] == [1, 3.2, 10]
    assert len(values) == 41
    factors = np.divide(values[1:], values[:-1])
    np.testing.assert_allclose(factors, 10 ** (1 / 20), rtol=0.06)
    with pytest.raises(ValueError, match=r"such as 0\.25 or 0\.28; got 0\.26"):
        figures.log_slider(0.1, 10, start=0.26, label="T")
    with pytest.raises(ValueError, match="must have 0 < low < high; low is 0"):
        figures.log_slider(0, 10, start=1, label="T")


def test_a_log_slider_has_its_pictures_drawn_in_advance():
    slider = figures.log_slider(1, 10, start=2, label="x")
    panel = figures.panel(picture, shift=slider)
    assert list(unpack(panel.packed)) == [picture(x).svg for _, x in slider.options]


def test_a_slider_has_its_pictures_drawn_in_advance_where_they_are_few():
    panel = figures.panel(picture, shift=figures.slider(0, 3, 1, start=2, label="x"))
    assert list(unpack(panel.packed)) == [picture(shift).svg for shift in range(4)]
    fine = figures.slider(0.0, 100.0, 0.01, start=0.0, label="x")
    panel = figures.panel(picture, shift=fine)
    assert panel.packed == ""
    fine.value = 7.0
    assert panel.children[-1].svg == picture(7).svg
    # Without a kernel it shows as it is, and says what makes it move.
    packed = panel._repr_mimebundle_()[MIME]
    assert list(unpack(packed)) == [picture(7).svg]
    assert json.loads(packed)["note"] == MOVES


def test_pictures_that_take_too_long_are_not_drawn_in_advance(monkeypatch):
    monkeypatch.setattr("course_utils.figures.packed.processor_time", count().__next__)
    slider = figures.slider(0, 20, 1, start=2, label="x")
    panel = figures.panel(picture, shift=slider)
    assert panel.packed == ""
    slider.value = 7
    assert panel.children[-1].svg == picture(7).svg


def test_packed_pictures_share_what_they_have_in_common():
    """Whatever differs, in texts, numbers, attributes or elements, comes back."""

    def draw(row, many, word):
        bars = figures.bars([0.5, 0.5], ["a", word], title=f"{row} <&> “{word}”")
        marks = [bars] * (1 + many)
        return figures.beside(*marks, caption="12 of 3" if row else word)

    row = figures.slider(-1, 1, 1, start=0, label="row")
    words = ["zero", "1 2", "−3.5", "<b>"]
    panel = figures.panel(
        lambda row, many, word: draw(row, many, words[word]),
        row=row,
        many=figures.checkbox(label="many"),
        word=figures.picker(words, label="word"),
    )
    drawn = [draw(*x).svg for x in product((-1, 0, 1), (False, True), words)]
    assert list(unpack(panel.packed)) == drawn
    assert len(panel.packed) < len("".join(drawn)) / 8
    controls = json.loads(panel.packed)["controls"]
    assert [x["stops"] for x in controls] == [
        ["−1", "0", "1"],
        ["no", "yes"],
        ["1. zero", "2. 1 2", "3. −3.5", "4. <b>"],
    ]
    assert [(x["kind"], x["start"]) for x in controls] == [
        ("slider", 1),
        ("checkbox", 0),
        ("select", 0),
    ]


@pytest.mark.parametrize("wanted", ["", "still"])
def test_a_notebook_that_is_built_holds_no_packed_figure(wanted, monkeypatch):
    monkeypatch.setenv("COURSE_FIGURES", wanted)
    panel = figures.panel(picture, shift=figures.slider(0, 3, 1, start=2, label="x"))
    guess = figures.predict("a question", "less", "more")
    for shown in (panel, guess, guess.reveal(0)):
        assert (MIME in shown._repr_mimebundle_()) == (not wanted)


@pytest.mark.parametrize(
    ("draw", "control", "says"),
    [
        (lambda x: 1 / 0, None, "ZeroDivisionError: division by zero"),
        (
            lambda x: picture(np.nan),
            None,
            "the curve 'square' must hold finite",
        ),
        (lambda x: "a string", None, "must return a picture"),
        (lambda x: picture(x), 3, "x needs a control, such as slider"),
        (lambda y: picture(y), None, "TypeError"),
    ],
)
def test_a_fault_stands_in_the_figures_place(draw, control, says):
    control = control or figures.slider(0, 1, 1, start=0, label="x")
    panel = figures.panel(draw, x=control)
    assert panel.picture.caption == "This figure cannot be drawn."
    assert says in panel.picture.description
    height = ET.fromstring(panel.picture.svg).get("height")
    assert height == ET.fromstring(picture().svg).get("height")


def test_a_panel_works_again_once_the_value_is_good():
    def draw(x):
        if x > 1:
            raise ValueError("too large")
        return picture(x)

    x = figures.slider(0, 3, 1, start=1, label="x")
    panel = figures.panel(draw, x=x)
    x.value = 3
    assert "ValueError: too large" in panel.picture.description
    x.value = 0
    assert panel.picture == picture(0)


def test_a_prediction_can_be_typed():
    guess = figures.predict("in words")
    assert guess.answer is None
    guess.children[0].value = "about a half"
    again = figures.predict("in words")
    assert repr(again.reveal("0.41")) == (
        "What happens: 0.41\nYou predicted: about a half"
    )


def test_a_prediction_reveals_one_of_its_options():
    with pytest.raises(ValueError, match="position of one of 2 options"):
        figures.predict("a question", "yes", "no").reveal(2)


def test_an_outcome_is_shown_as_text_with_its_signs_escaped():
    outcome = figures.predict("in words").reveal("a < b")
    html = outcome._repr_html_()
    assert "<strong>What happens: a &lt; b</strong><br>You made no prediction." in html


def test_a_picture_alone_is_shown_like_a_panel():
    bundle = picture(1)._repr_mimebundle_()
    assert bundle["text/plain"] == repr(picture(1)) == picture(1).description
    assert bundle["text/html"].startswith('<img alt="Shifted by 1.')


def test_the_style_is_that_of_the_course(with_course):
    code = (
        "from course_utils.figures import BLUE, use_style; use_style()\n"
        "import matplotlib.pyplot as plt\n"
        "figure, axes = plt.subplots(); axes.plot([1, 2])\n"
        "assert axes.lines[0].get_color() == BLUE\n"
        "assert not axes.spines['top'].get_visible()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=with_course, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_dials_turn_their_hands_and_say_the_angle_and_the_product():
    query, key = [0.0, 2.0, -1.0, 0.0], [1.0, 0.0, 1.0, 1.0]
    mark = figures.dials(query, key, ["fast", "slow"], title="RoPE", longest=2.0)
    assert mark.words == (
        "RoPE, query and key: fast: angle 90°, product 0.00; "
        "slow: angle 135°, product −1.00."
    )
    circles = list(mark.drawing.iter("circle"))
    middle = [(float(x.get("cx")), float(x.get("cy"))) for x in circles]
    heads = [x.get("points").split()[0] for x in mark.drawing.iter("polygon")]
    tips = np.array([[float(x) for x in head.split(",")] for head in heads])
    tips = tips.reshape(2, 2, 2) - np.reshape(middle, (2, 1, 2))
    hands = np.stack([key, query]).reshape(2, 2, 2).swapaxes(0, 1) / 2
    rim = float(circles[0].get("r"))
    np.testing.assert_allclose(tips / rim, hands * [1, -1], atol=0.01)


def test_dials_go_the_short_way_round_and_keep_long_hands_inside():
    mark = figures.dials([-1, -0.1], [-9, 0.9], ["one"], title="T", longest=2.0)
    assert "angle 11°" in mark.words
    arc = next(
        x for x in mark.drawing.iter("polyline") if x.get("class") == "grey-line"
    )
    places = [[float(x) for x in p.split(",")] for p in arc.get("points").split()]
    assert np.ptp(places, axis=0).max() < 20
    heads = [x.get("points") for x in mark.drawing.iter("polygon")]
    assert min(float(head.split(",")[0]) for head in heads) >= 0


def test_curves_stay_on_the_axis_that_they_are_given():
    look = {"axes": ("x", "y"), "xticks": [0, 1], "yticks": [0, 10]}
    heights = []
    for high in (0, 2, 5):
        mark = figures.curves([0, 1], {"a": [0, high]}, at=1, title="T", **look)
        heights.append(float(next(mark.drawing.iter("circle")).get("cy")))
    low, two, five = heights
    assert (low - two) / 2 == pytest.approx((low - five) / 5, abs=0.1)


def test_the_names_of_three_curves_stay_inside_the_mark():
    lines = {name: [0, 1] for name in ("added", "RoPE", "ALiBi")}
    look = {"axes": ("x", "y"), "xticks": [0, 1]}
    mark = figures.curves([0, 1], lines, at=1, title="T", **look)
    places = {x.text: float(x.get("x")) for x in mark.drawing.iter("text")}
    assert places["ALiBi"] + 8 * len("ALiBi") < WIDTH


@pytest.mark.parametrize(
    ("query", "labels"),
    [([1.0, 0.0], ["a", "b"]), ([1.0] * 6, ["a", "b", "c"]), ([np.nan, 0.0], ["a"])],
)
def test_dials_refuse_what_they_cannot_draw(query, labels):
    with pytest.raises(ValueError, match="dials must be given"):
        figures.dials(query, query, labels, title="T", longest=1.0)


GROUPS = {"scaled": [0.5, -1.0, 0.0], "unscaled": [8.0, -16.0, 0.0]}


def test_strips_put_their_dots_on_one_scale():
    mark = figures.strips(GROUPS, title="S", axis="score", ticks=[-20, 0, 20])
    one = figures.beside(mark, caption="c")
    dots = drawn("circle", one)
    places = np.array([float(x.get("cx")) for x in dots]).reshape(2, 3)
    heights = np.array([float(x.get("cy")) for x in dots]).reshape(2, 3)
    middle = places[0, 2]
    np.testing.assert_allclose((places[1] - middle) / 16, places[0] - middle, atol=0.1)
    assert len(set(heights[0])) == len(set(heights[1])) == 1
    assert heights[0, 0] < heights[1, 0]
    assert {"scaled: spread 0.6", "unscaled: spread 10.0"} <= {
        x.text for x in drawn("text", one)
    }
    assert "unscaled: spread 10.0, from −16.0 to 8.0." in one.description


def test_strips_keep_what_is_beyond_the_scale_at_its_edge():
    mark = figures.strips(GROUPS, title="S", axis="score", ticks=[-10, 10])
    places = [float(x.get("cx")) for x in mark.drawing.iter("circle")]
    assert 0 <= min(places) == places[4] < max(places) < WIDTH


def test_paired_bars_are_as_long_as_the_weights():
    pair = {"scaled": WEIGHTS, "unscaled": [0.0, 1.0, 0.0]}
    one = figures.beside(figures.paired_bars(pair, NAMES, title="W"), caption="c")
    rects = [
        x for x in drawn("rect", one) if x.get("rx") and "key" not in x.get("class")
    ]
    lengths = np.array([float(x.get("width")) for x in rects]).reshape(3, 2)
    np.testing.assert_allclose(lengths[:, 0] / lengths[1, 1], WEIGHTS, atol=2e-3)
    assert lengths[0, 1] == lengths[2, 1] == 0
    tops = [float(x.get("y")) for x in rects]
    assert tops == sorted(tops)
    assert "W, scaled: north 0.25, east 0.60, south 0.15; unscaled: north 0.00" in (
        one.description
    )


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: figures.paired_bars({"a": WEIGHTS}, NAMES, title=""), "2 to 3 groups"),
        (
            lambda: figures.paired_bars({"a": WEIGHTS, "b": [1]}, NAMES, title=""),
            "'b' must have one number for each of the 3 labels",
        ),
        (
            lambda: figures.paired_bars(
                {"a": WEIGHTS, "b": 2 * WEIGHTS}, NAMES, title=""
            ),
            "'b' must hold numbers from 0 to 1",
        ),
        (
            lambda: figures.strips({"a": [np.inf]}, title="", axis="", ticks=[0, 1]),
            "'a' must be a row of finite numbers",
        ),
        (lambda: figures.strips({}, title="", axis="", ticks=[0, 1]), "1 to 3 groups"),
    ],
)
def test_groups_that_cannot_be_drawn_are_refused(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


ALONG = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]])


def dots(query, key):
    return query @ key.T


def territory(length=1.0, score=dots, **options):
    key = ALONG * [[1], [1], [1], [length]]
    options = {"marked": 3, "title": "T", "axes": ("x", "y"), "reach": 2.5} | options
    mark = figures.territories(score, key, ["N", "E", "S", "far"], **options)
    return figures.beside(mark, caption="c")


def area(picture):
    """The area of the filled territory, as a share of the map."""
    (filled,) = [x for x in drawn("polygon", picture) if x.get("fill-opacity")]
    (frame,) = [x for x in drawn("rect", picture) if x.get("fill") == "none"]
    spots = np.array([x.split(",") for x in filled.get("points").split()], float)
    x, y = spots.T
    side = float(frame.get("width"))
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 / side**2


def test_a_territory_is_where_its_key_has_the_highest_score():
    assert area(territory()) == pytest.approx(0.25, abs=0.005)
    # A key of length 2 wins where y < 2|x|, left of 0: all but two triangles.
    grown = territory(2.0)
    assert area(grown) == pytest.approx(0.375, abs=0.005)
    said = [x.text for x in drawn("text", grown)]
    assert "far wins 127 of 360 directions" in said
    assert "far is the best key for 127 of 360 directions" in grown.description


def test_a_territory_may_be_bent_whole_or_empty():
    def nearest_but_far(query, key):
        distance = np.linalg.norm(query[:, None] - key, axis=-1)
        return -np.column_stack([distance[:, :3], 2 * distance[:, 3]])

    bent = territory(score=nearest_but_far)
    (filled,) = [x for x in drawn("polygon", bent) if x.get("fill-opacity")]
    assert len(filled.get("points").split()) > 20  # a circle, not three corners
    none = territory(0.0)
    assert not [x for x in drawn("polygon", none) if x.get("fill-opacity")]
    assert "far wins 0 of 360 directions" in [x.text for x in drawn("text", none)]


def test_the_ring_is_thick_where_the_marked_key_wins():
    (thick,) = [x for x in drawn("path", territory()) if "M" in x.get("d")]
    at = [float(x) for x in re.findall(r"-?[\d.]+", thick.get("d"))]
    start, radius, large, end = np.array(at[:2]), at[2], at[5], np.array(at[-2:])
    chord = np.hypot(*(end - start))
    assert chord == pytest.approx(np.sqrt(2) * radius, rel=0.02)  # a quarter turn
    assert large == 0
    assert territory(9.0).svg.count(" 0 1 1 ") == 0  # never more than half a turn


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"marked": 4}, "position of one of 4 keys"),
        ({"score": lambda q, k: k @ q.T}, r"shape \(n_q, n_k\), here \(360, 4\)"),
        ({"score": lambda q, k: dots(q, k) * np.inf}, "finite numbers"),
        ({"length": np.nan}, "finite numbers"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(options, says):
    with pytest.raises(ValueError, match=says), np.errstate(invalid="ignore"):
        territory(**options)


def test_a_map_needs_a_label_for_each_key():
    with pytest.raises(ValueError, match="one 2-D key for each of 1 labels"):
        figures.territories(
            dots, ALONG, ["N"], marked=0, title="", axes=("x", "y"), reach=2.0
        )


KM, METRES = np.array([1.0, 4.0, 9.0]), np.array([310.0, 520.0, 880.0])
PLACES = np.linspace(0, 10, 21)
LINES = {"estimate": 60 * PLACES + 250, "true": 50 * PLACES + 300}


def measured(weights=WEIGHTS, *, at=5.0, **changes):
    arguments = {"x": PLACES, "lines": LINES, "at": at, "title": "Heights"}
    arguments |= {"axes": ("km", "m"), "xticks": range(0, 11, 5)} | changes
    values = arguments.pop("value", METRES)
    return figures.beside(
        figures.samples(KM, values, weights, **arguments), caption="Measured"
    )


def test_values_are_dots_whose_areas_grow_with_their_weights():
    dots = [x for x in drawn("circle", measured()) if x.get("class") == "vermilion"]
    radii = np.array([float(x.get("r")) for x in dots[:3]])
    np.testing.assert_allclose(((radii - 3) / 15) ** 2, WEIGHTS, atol=0.01)
    x, y = (np.array([float(d.get(c)) for d in dots[:3]]) for c in ("cx", "cy"))
    np.testing.assert_allclose(np.diff(x) / np.diff(KM), np.ptp(x) / 8, atol=0.1)
    slope = np.diff(y) / np.diff(METRES)
    assert slope[0] < 0
    np.testing.assert_allclose(slope, slope[0], atol=0.002)


def test_the_range_of_the_values_is_ruled_and_named():
    one = measured()
    dots = [x for x in drawn("circle", one) if x.get("class") == "vermilion"]
    rules = [x for x in drawn("line", one) if x.get("class") == "vermilion-line"]
    heights = [float(x.get("y1")) for x in rules]
    assert heights == [float(dots[0].get("cy")), float(dots[2].get("cy"))]
    assert {"lowest", "310", "highest", "880"} <= {x.text for x in drawn("text", one)}


def test_the_first_curve_has_its_dot_at_the_query():
    (dot,) = (x for x in drawn("circle", measured()) if x.get("class") == "blue")
    solid = next(
        x for x in drawn("polyline", measured()) if x.get("class") == "blue-line"
    )
    points = [tuple(map(float, p.split(","))) for p in solid.get("points").split()]
    assert points[10] == (float(dot.get("cx")), float(dot.get("cy")))
    assert measured().description == (
        "Measured. Heights, at 5: estimate 550, most weight (0.60) for the value 520 "
        "at 4; all values lie from 310 to 880."
    )


def test_the_scale_of_samples_does_not_follow_the_estimate():
    def ticks(estimate):
        lines = {"estimate": estimate, "true": LINES["true"]}
        return [x.text for x in drawn("text", measured(lines=lines))][:12]

    assert ticks(LINES["estimate"]) == ticks(LINES["estimate"] / 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weights": [0.5, 0.5]}, "weights must have shape"),
        ({"weights": [0.5, 0.8, -0.3]}, "weights must hold numbers from 0 to 1"),
        ({"value": METRES[:, None]}, "value must have shape"),
        ({"value": [1, np.nan, 2]}, "value must hold finite numbers; got nan"),
        ({"lines": {}}, "samples must be given 1 or 2 lines; got 0"),
        ({"lines": {"short": [1, 2]}}, "the curve 'short' must have shape"),
    ],
)
def test_what_is_no_measurement_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        measured(**changes)


LOWER = np.tril(np.ones((3, 3)))
SEES = figures.AttentionWeights(
    LOWER / LOWER.sum(axis=1, keepdims=True), queries=WORDS[:3], keys=WORDS[:3]
)


def reached(moved=(0.5, 2.0, 1.0), may_see=(False, True, True), **changes):
    look = {"title": "Reach", "edited": 1, "largest": 2.0} | changes
    return figures.reach(SEES, np.array(moved), np.array(may_see), **look)


def test_reach_draws_a_bar_for_each_move_and_calls_a_leak_a_leak():
    one = figures.beside(reached(), caption="c")
    bars = [x for x in drawn("rect", one) if (x.get("class") or "").startswith("bar")]
    lengths = np.array([float(x.get("width")) for x in bars])
    np.testing.assert_allclose(lengths / lengths.max(), [0.25, 1, 0.5], atol=2e-3)
    assert [x.get("class").split()[1] for x in bars] == ["vermilion", "blue", "blue"]
    texts = [x.text for x in drawn("text", one)]
    assert {"0.50 leak", "2.00", "1.00"} <= set(texts)
    name, edited, last = WORDS[:3]
    assert one.description == (
        f"c. Reach, 1 {edited} edited: moved are 0 {name} by 0.50 (leak), "
        f"1 {edited} by 2.00, 2 {last} by 1.00."
    )


def test_reach_leaves_hidden_weights_blank_and_rings_the_edited_column():
    one = figures.beside(reached(moved=[0, 0, 0]), caption="c")
    cells = [x for x in drawn("rect", one) if x.get("class") == "blue cell"]
    assert len(cells) == 6
    (ring,) = [x for x in drawn("rect", one) if x.get("class") == "ring"]
    left, width = float(ring.get("x")), float(ring.get("width"))
    inside = [x for x in cells if left < float(x.get("x")) < left + width]
    assert len(inside) == 2
    assert "moved are none" in one.description
    assert "leak" not in one.svg


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"moved": [0.5, 1.0]}, r"moved has shape \(2,\)"),
        ({"moved": [-0.5, 1.0, 1.0]}, "numbers from 0 to 2.0"),
        ({"moved": [np.nan, 1.0, 1.0]}, "numbers from 0 to 2.0"),
        ({"moved": [0.5, 1.0, 2.5]}, "numbers from 0 to 2.0"),
        ({"may_see": [1, 0, 1]}, "dtype int64"),
        ({"may_see": [True, False]}, r"may_see has shape \(2,\)"),
        ({"edited": 3}, "one of the 3 keys"),
    ],
)
def test_reach_refuses_what_it_cannot_draw(changes, says):
    with pytest.raises(ValueError, match=says):
        reached(**changes)


def test_reach_draws_only_weights_that_know_their_axes():
    with pytest.raises(TypeError, match="AttentionWeights"):
        figures.reach(
            SEES.weights, np.zeros(3), LOWER[0] > 0, title="", edited=0, largest=1
        )


def flow(row=2, **options):
    rng = np.random.default_rng(0)
    x, out = rng.normal(size=(4, 5)), rng.normal(size=(6, 5))
    given = {"heads": ("first?", "second?"), "features": "abcde"} | options
    matrices = [*rng.normal(size=(3, 5, 6)), out]
    mark = figures.attention_flow(
        ["a", "cat", "sat", "on"], x, *matrices, row=row, **given
    )
    return x, matrices, figures.beside(mark, caption="")


@pytest.mark.parametrize("row", range(4))
def test_the_flow_shows_the_numbers_of_every_stage(row):
    x, matrices, shown = flow(row)
    texts = [t.text for t in drawn("text", shown)]
    query, key = (split_heads(x @ w, 2) for w in matrices[:2])
    scores = query @ key.swapaxes(-1, -2) * 3**-0.5
    output, weights = multi_head_attention(
        x, x, x, *matrices, num_heads=2, is_causal=True, return_weights=True
    )
    for h in range(2):
        assert [number(s, 1) for s in scores[h, row]] == texts_in_row(texts, 4, 2 * h)
        assert [number(w) for w in weights[h, row]] == texts_in_row(texts, 4, 2 * h + 1)
        assert "\u2002".join(number(q) for q in query[h, row]) in texts
    assert [t for t in texts if t and t in {number(o) for o in output[row]}][-5:] == [
        number(o) for o in output[row]
    ]
    assert texts.count("✕") == 2 * (3 - row)
    assert f"a {number(output[row, 0])}" in shown.description


def texts_in_row(texts, n, which):
    """Read the scores (even) or the weights (odd) of a head, which stand in columns."""
    head = texts[
        texts.index(f"Head {which // 2}: {('first?', 'second?')[which // 2]}") :
    ]
    cells = head[head.index("their blend") + 2 :][: 3 * n]
    return cells[0::3] if which % 2 == 0 else cells[2::3]


def test_the_scale_of_the_flow_does_not_follow_the_token_that_asks():
    def keys(row):
        bars = [x for x in drawn("rect", flow(row)[2]) if x.get("class") == "blue"]
        heights = [x.get("height") for x in bars if x.get("rx") is None]
        # The three of the query, then three of a key and three of a value a token.
        return [heights[3 + 6 * j : 6 + 6 * j] for j in range(4)]

    assert flow(0)[2].svg != flow(3)[2].svg
    assert keys(0) == keys(3)
    assert max(float(x) for key in keys(0) for x in key) == 10


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"row": 4}, "row must be one of the 4 positions"),
        (
            {"features": "abc"},
            "x must have one vector for each of 4 tokens, of 3 features",
        ),
        ({"heads": "abc"}, "room for ten tokens and two heads; got 4 and 3"),
    ],
)
def test_a_flow_that_does_not_fit_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        flow(**options)


def test_heads_that_share_are_cut_and_linked():
    mark = figures.cut(8, 2, d_head=16, title="One token")
    shown = figures.beside(mark, caption="")
    boxes = drawn("rect", shown)[1:]
    assert [x.get("class") for x in boxes] == ["blue"] * 8 + ["vermilion"] * 4
    assert len({x.get("width") for x in boxes}) == 1
    ends = [x.get("x2") for x in drawn("line", shown)]
    assert ends == [ends[0]] * 4 + [ends[4]] * 4
    assert ends[0] != ends[4]
    assert "8 × 16 = 128 numbers" in [x.text for x in drawn("text", shown)]
    assert "2 heads of keys and of values, 2 × 16 = 32 numbers each" in str(shown)
    with pytest.raises(ValueError, match="num_kv_heads must divide num_heads = 8"):
        figures.cut(8, 3, d_head=16, title="")


def test_gauges_are_as_full_as_their_amounts():
    rows = [("size", 3, 4, "3 m"), ("price", 1, 8, "1 €")]
    shown = figures.beside(figures.gauges(rows, title="Both"), caption="")
    bars = [float(x.get("width")) for x in drawn("rect", shown)[1:]]
    assert bars == [WIDTH, WIDTH * 3 / 4, WIDTH, WIDTH / 8]
    assert "Both: size: 3 m; price: 1 €." in shown.description
    with pytest.raises(ValueError, match="'size' must be from 0 to 4; got 5"):
        figures.gauges([("size", 5, 4, "5 m")], title="")


def test_next_tokens_show_what_is_drawn_beside_what_was_said():
    said, drawn_from = [0.5, 0.3, 0.2], [0.625, 0.375, 0.0]
    mark = figures.next_tokens(["a", "space", "b"], drawn_from, said, title="Next")
    shown = figures.beside(mark, caption="")
    bars = np.array([float(x.get("width")) for x in drawn("rect", shown)[1:]])
    np.testing.assert_allclose(bars / bars.sum(), drawn_from, atol=0.01)
    strokes = [x.get("points").split(",")[0] for x in drawn("polyline", shown)]
    places = np.array([float(x) for x in strokes])
    np.testing.assert_allclose(
        (places - places[2]) / bars.sum(), [0.3, 0.1, 0], atol=0.01
    )
    assert [x.text for x in drawn("text", shown)].count("cut") == 1
    assert shown.description.endswith("Next: a 0.62, space 0.38.")


@pytest.mark.parametrize(
    ("drawn_from", "says"), [([0.5], "2 labels"), ([0.5, 1.5], "from 0 to 1")]
)
def test_next_tokens_that_are_no_probabilities_are_refused(drawn_from, says):
    with pytest.raises(ValueError, match=says):
        figures.next_tokens(["a", "b"], drawn_from, [0.5, 0.5], title="")


def gazed(tokens=("The", " cat", "'s", "\n", " 猫"), weights=(0.2, 0.8), **options):
    heads = np.zeros((3, 2))
    heads[1, 0] = 0.8
    following = {" sat": 0.75, "\n": 0.25}
    options = {"head": (1, 0), "title": "Head 1.0"} | options
    return figures.gaze(tokens, weights, heads, following, **options)


def test_a_gaze_shows_whom_a_head_sees_which_others_do_and_what_comes():
    shown = figures.beside(*gazed(), caption="")
    cells = drawn("rect", shown)
    shades = [float(x.get("fill-opacity")) for x in cells if x.get("fill-opacity")]
    seen, heads = shades[:5], shades[5:]
    np.testing.assert_allclose(seen, [0.14, 0.56, 0, 0, 0])
    assert len(heads) == 6
    assert np.argmax(heads) == 2  # (1, 0) of three blocks of two heads
    words = [x.text for x in drawn("text", shown) if "mono" in x.get("style", "")]
    assert words == ["The", "cat", "'s", "↵", "猫", "sat", "↵"]
    pale = [x.text for x in drawn("text", shown) if x.get("class") == "quiet"]
    assert {"'s", "↵", "猫"} <= set(pale)
    assert shown.description.endswith(
        "Head 1.0 looks from “cat” at “The” 0.20, “cat” 0.80. "
        "Next: “sat” 0.75, “↵” 0.25."
    )


def test_a_long_text_ends_before_what_is_below_it():
    shown = figures.beside(*gazed([" word"] * 400, [0.5, 0.5]), caption="Long")
    words = [x for x in drawn("text", shown) if "word" in x.text]
    assert 20 < len(words) < 100
    assert max(float(x.get("y")) for x in words) < 310
    short = figures.beside(*gazed(), caption="Short")
    heights = [float(ET.fromstring(x.svg).get("height")) for x in (short, shown)]
    assert heights[0] < heights[1] - 100
    assert "…" in [x.text for x in drawn("text", shown)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"weights": [0.1] * 6}, "up to 5 tokens; got 6"),
        ({"weights": []}, "up to 5 tokens; got 0"),
        ({"head": (3, 0)}, r"got \(3, 0\)"),
        ({"head": (0, 2)}, r"got \(0, 2\)"),
    ],
)
def test_a_gaze_that_does_not_fit_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        gazed(**wrong)


def test_all_that_was_written_is_shown():
    texts = ["one two\n" * 14, "three " * 20]
    shown = figures.beside(figures.writings("so", texts, title="It"), caption="")
    rows = [x.text for x in drawn("text", shown) if "mono" in x.get("style", "")]
    marked = [x.replace("\n", "↵") for x in texts]
    assert " ".join(rows).split() == " ".join(marked).split()
    assert max(map(len, rows)) <= 47
    assert "“three three" in shown.description


def test_a_picture_is_as_high_as_its_highest_mark():
    shown = flow()[2]
    assert float(ET.fromstring(shown.svg).get("height")) > 500
    assert float(ET.fromstring(picture().svg).get("height")) == 366


def test_pushes_stand_at_the_side_of_their_sign_as_long_as_they_are_hard():
    mark = figures.pushes([0.5, -0.25, 0.0], NAMES, title="Pull", largest=1)
    shown = figures.beside(mark, caption="")
    up, down, none = drawn("rect", shown)[1:]
    assert [x.get("class") for x in (up, down)] == ["blue", "vermilion"]
    assert float(up.get("width")) == pytest.approx(
        2 * float(down.get("width")), abs=0.2
    )
    middle = float(up.get("x"))
    assert float(down.get("x")) + float(down.get("width")) == pytest.approx(middle)
    assert float(none.get("width")) == 0
    assert "Pull: north +0.50, east −0.25, south 0.00." in shown.description


@pytest.mark.parametrize(
    ("amounts", "says"), [([1, 2], "one number for each of the 3"), ([2, 0, 0], "to 1")]
)
def test_pushes_that_do_not_fit_are_refused(amounts, says):
    with pytest.raises(ValueError, match=says):
        figures.pushes(amounts, NAMES, title="", largest=1)


WRITTEN = ("müde", "war", "<stop>")


def said(*, step=0, rival=("war", "war"), rows=4, right=WRITTEN):
    looks = attention(ROWS, WRITTEN)
    mark = figures.translation(
        looks, step=step, right=right, rival=rival, rows=rows, title="T"
    )
    return figures.beside(mark, caption="c")


def test_a_translation_shows_the_words_up_to_its_step_and_crosses_the_wrong_ones():
    for step in range(3):
        texts = [x.text for x in drawn("text", said(step=step))]
        for i, word in enumerate(WRITTEN):
            assert (word in texts) == (i <= step)
        assert texts.count("✗ war") == 1
        assert texts.count("war") == 2 * (step > 0)
        for key in KEYS:
            assert any(x.split()[0] == key for x in texts if x)


def test_the_links_of_a_step_are_as_thick_as_its_weights_and_stand_out():
    lines = drawn("line", said(step=0))
    widths = [float(x.get("stroke-width")) for x in lines]
    np.testing.assert_allclose(widths, 0.5 + 6 * np.array([0.7, 0.2, 0.1]))
    assert {x.get("class") for x in lines} == {"blue-line"}
    later = drawn("line", said(step=2))
    assert [x.get("class") for x in later] == ["grey-line"] * 3 + ["blue-line"] * 4


def test_a_translation_keeps_its_height_and_says_what_it_shows():
    one = said(step=0)
    assert {said(step=i).svg.split("height")[1] for i in range(3)} == {
        one.svg.split("height")[1]
    }
    assert "“müde” looks at the 0.70, cat 0.20, sat 0.10" in one.description
    assert "without attention is written war (wrong)" in one.description


def test_a_translation_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="rows must be at least 4; got 3"):
        said(rows=3)
    with pytest.raises(ValueError, match="step must be one of the 3 words written"):
        said(step=3)


def test_a_ledger_draws_a_thousand_times_as_much_a_quarter_further():
    amounts = {"one": (1, "1"), "cache": (1e3, "a thousand"), "many": (1e6, "10^6")}
    mark = figures.ledger(amounts, title="Bill")
    assert mark.words == "Bill: one 1, cache a thousand, many 10^6."
    rects = list(mark.drawing.iter("rect"))
    one, thousand, million = (float(x.get("width")) for x in rects)
    assert one == 1  # to be seen at all
    assert million == pytest.approx(2 * thousand, abs=0.2)
    assert [x.get("class") for x in rects] == ["blue", "vermilion", "blue"]
    nothing = figures.ledger({"none": (0, "0")}, title="Bill")
    assert float(next(nothing.drawing.iter("rect")).get("width")) == 1


@pytest.mark.parametrize("amount", [-1, 1e13, np.nan])
def test_an_amount_beyond_the_scale_is_refused(amount):
    with pytest.raises(ValueError, match="'one' must be from 0 to 1e12"):
        figures.ledger({"one": (amount, "")}, title="")


def kept(tokens=(True, False, True), share=0.25, says="b"):
    row = figures.Kept(np.array(tokens), says, share)
    return figures.kept({"weight": row}, "abc", right="b", title="Next")


def test_what_a_ranking_keeps_is_written_on_its_tiles_and_the_rest_is_blotted_out():
    one = figures.beside(kept(), caption="")
    tiles = [x for x in drawn("rect", one) if x.get("height") == "24"]
    assert [x.get("class") for x in tiles] == ["blue", "grey", "blue"]
    strong = [x.text for x in drawn("text", one) if x.get("class") == "strong"]
    assert [x for x in strong if x in "abc"] == ["a", "c"]
    assert "weight keeps a c: says b (✓), right 0.25." in one.description
    assert "says c (✗)" in kept(says="c").words
    assert "keeps nothing" in kept(tokens=[False] * 3).words


def test_the_bar_of_a_ranking_is_as_long_as_its_share():
    lengths = []
    for share in (0.25, 1.0):
        (bar,) = (
            x
            for x in drawn("rect", figures.beside(kept(share=share), caption=""))
            if x.get("class") == "bar blue"
        )
        lengths.append(float(bar.get("width")))
    assert lengths[0] * 4 == lengths[1]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"tokens": [True, False]}, "'weight' must keep or not each of 3 tokens"),
        ({"tokens": [1, 0, 1]}, "'weight' must keep or not each of 3 tokens"),
        ({"share": 1.5}, "'weight' must be right from 0 to 1; got 1.5"),
    ],
)
def test_rows_that_do_not_fit_are_refused(bad, says):
    with pytest.raises(ValueError, match=says):
        kept(**bad)
