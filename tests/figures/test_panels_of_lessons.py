"""What holds for every panel of every lesson, whatever its controls say."""

import re
from itertools import product
from xml.etree import ElementTree as ET

import ipywidgets
import lessons
import pytest

from course_utils.figures.packed import unpack

SVG = "{http://www.w3.org/2000/svg}"
MOST = 12  # positions of a control that are tried, where a panel has several


def positions(control):
    """Return some of the values that a control can take, with the first and last."""
    if isinstance(control, ipywidgets.Checkbox):
        return [False, True]
    if hasattr(control, "options"):
        values = [value for _, value in control.options]
    else:
        count = round((control.max - control.min) / control.step)
        values = [control.min + control.step * i for i in range(count + 1)]
    return [*values[:: -(-len(values) // MOST)], values[-1]]


def pictures(panel):
    """Return some pictures of a panel, from all over its controls."""
    if panel.packed:
        every = list(unpack(panel.packed))
        return [*every[:: -(-len(every) // 10 // MOST)], every[-1]]
    values = map(positions, panel.controls.values())
    return (
        list(unpack(panel.packed))
        if panel.packed
        else [
            panel._at(dict(zip(panel.controls, state, strict=True))).svg
            for state in product(*values)
        ]
    )


@pytest.fixture(scope="module")
def panels_of():
    """Return a function that returns a lesson's panels, computed without a display."""
    matplotlib = pytest.importorskip("matplotlib")
    before = matplotlib.get_backend()
    matplotlib.use("agg")
    yield lessons.panels
    matplotlib.use(before)


@pytest.mark.parametrize("name", lessons.NAMES)
def test_every_panel_is_drawn_and_described_at_every_position(name, panels_of):
    assert panels_of(name)
    for panel, (_, words) in zip(panels_of(name), lessons.stored(name), strict=True):
        assert panel.picture.description == words
        assert all(control.description for control in panel.controls.values())
        assert len({caption(svg) for svg in pictures(panel)}) > 1


def caption(text):
    """See that all that a picture shows is a number, in words too, and inside."""
    svg = ET.fromstring(text)
    words, first = svg.get("aria-label"), next(svg.iter(f"{SVG}text")).text
    assert words.startswith(first)
    assert "cannot be drawn" not in words
    # What a model writes may be any word: it is in monospace, and quoted in words.
    own = re.sub('monospace">[^<]*|“[^”]*”', "", text)
    assert not re.search(r"\b(nan|inf|None)\b", own)
    width, height = float(svg.get("width")), float(svg.get("height"))
    for mark in svg.findall(f"{SVG}g"):
        left = float(re.findall(r"[\d.]+", mark.get("transform", "0"))[0])
        for text in mark.iter(f"{SVG}text"):
            assert 0 <= left + float(text.get("x")) <= width
            assert 0 <= float(text.get("y")) <= height
    return first
