"""What the marks of lesson 13 show of masks."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from course_utils import figures, sliding_window_mask

NAMES = ["north", "east", "south"]
WINDOWS = np.array([sliding_window_mask(3, window=2)] * 2)


def drawn(tag, of):
    return list(ET.fromstring(of.svg).iter("{http://www.w3.org/2000/svg}" + tag))


def test_a_field_is_full_where_seen_and_pale_where_heard_of():
    shown = figures.beside(figures.field(WINDOWS, NAMES, title="Pairs"), caption="")
    opacity = [x.get("fill-opacity") for x in drawn("rect", shown)[1:]]
    assert sorted(opacity) == ["0.3", *["0.9"] * 5]  # 2 hears of 0 through 1
    assert "2 south sees 2 and hears of 3." in shown.description


def test_paths_are_the_links_that_lead_from_tokens_to_the_query():
    mark = figures.paths(WINDOWS[:1], NAMES, title="Paths", query=2)
    shown = figures.beside(mark, caption="")
    kinds = [x.get("class") for x in drawn("line", shown)]
    assert (kinds.count("blue-line"), kinds.count("rule")) == (2, 3)
    dots = [x.get("class") for x in drawn("circle", shown)]
    assert dots == ["grey", "blue", "blue", "grey", "grey", "vermilion"]
    assert "after 1 layers south hears of 1 east, 2 south." in shown.description


@pytest.mark.parametrize(
    "masks", [WINDOWS[0], WINDOWS.astype(int), np.ones((1, 4, 4), dtype=bool)]
)
def test_masks_that_do_not_fit_are_refused(masks):
    with pytest.raises(ValueError, match="masks must be booleans of shape"):
        figures.field(masks, NAMES, title="")
    with pytest.raises(ValueError, match="masks must be booleans of shape"):
        figures.paths(masks, NAMES, title="", query=0)
