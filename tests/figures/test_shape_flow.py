"""The picture of all shapes, and a token ringed where it asks and is asked."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from course_utils import figures

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["north", "east", "south"]
COLOURED = ("blue", "vermilion", "grey")


def drawn(tag, of):
    return list(ET.fromstring(of.svg).iter(SVG + tag))


def flow(m=3, n=4):
    rng = np.random.default_rng(0)
    asking, asked = rng.normal(size=(m, 5)), rng.normal(size=(n, 6))
    asking[0, 0] = 9
    projections = [rng.normal(size=size) for size in ((5, 2), (6, 2), (6, 3))]
    mark = figures.shape_flow(
        asking, asked, projections, title="Cross", names=("y", "x")
    )
    return figures.beside(mark, caption="")


def test_the_picture_of_shapes_has_a_square_for_each_number():
    squares = [x for x in drawn("rect", flow()) if x.get("fill-opacity")]
    count = {name: sum(x.get("class") == name for x in squares) for name in COLOURED}
    # Who asks: y, query, weights and output; who is asked: x twice, key, value twice.
    assert count == {
        "blue": 3 * 5 + 3 * 2 + 3 * 4 + 3 * 3,
        "vermilion": 2 * 4 * 6 + 4 * 2 + 2 * 4 * 3,
        "grey": 5 * 2 + 6 * 2 + 6 * 3,
    }
    assert float(squares[0].get("fill-opacity")) == 1  # the largest number of y
    assert "x 4 × 6 times W_v 6 × 3 is value 4 × 3" in flow().description
    assert "weights 3 × 4 times value 4 × 3 are the output 3 × 3" in flow().description


def test_shapes_that_do_not_fit_are_refused():
    one = np.ones((2, 2))
    for asking, w_k in ((one, np.ones((3, 2))), (one, np.ones((2, 3)))):
        with pytest.raises(ValueError, match="shape_flow must be given asking"):
            figures.shape_flow(asking, one, (one, w_k, one), title="", names=("", ""))
    with pytest.raises(ValueError, match="up to 10 rows"):
        figures.shape_flow(np.ones((11, 2)), one, [one] * 3, title="", names=("", ""))


def test_a_token_that_asks_has_its_row_ringed_as_well():
    weights = figures.AttentionWeights(np.eye(3), queries=NAMES, keys=NAMES)
    options = {"title": "", "edited": 1, "largest": 1}

    def rings(**more):
        mark = figures.reach(weights, np.zeros(3), [True] * 3, **options, **more)
        shown = drawn("rect", figures.beside(mark, caption=""))
        found = [x for x in shown if x.get("class") == "ring"]
        return [(float(x.get("width")), float(x.get("height"))) for x in found]

    (column,) = rings()
    assert column[1] == pytest.approx(3 * column[0])
    assert rings(asks=1) == [column, column[::-1]]
