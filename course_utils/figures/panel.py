"""A picture with controls: one pure function from their values to a picture."""

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from course_utils.figures.marks import Picture


class PictureView(anywidget.AnyWidget):
    """Shows one SVG and swaps it without a jump."""

    _esm = Path(__file__).with_name("picture.js")
    svg = traitlets.Unicode().tag(sync=True)


class Panel(ipywidgets.VBox):
    """Controls above the picture that they change.

    - `controls`: the controls by name; setting `panel.controls["x"].value` is the same
      as moving the control by hand.
    - `picture`: what is shown now, with its description in words.
    """

    def __init__(
        self, draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget
    ) -> None:
        self.controls = controls
        self._draw = draw
        self._view = PictureView()
        self._redraw()
        for control in controls.values():
            control.observe(self._redraw, names="value")
        super().__init__([*controls.values(), self._view])
        self.add_class("course-panel")

    def _redraw(self, _change: object = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        self.picture = self._draw(**values)
        self._view.svg = self.picture.svg

    def __repr__(self) -> str:
        return self.picture.description

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        """Add what shows without a kernel: the picture as it is now, in words too."""
        bundle = super()._repr_mimebundle_(**kwargs)
        source = base64.b64encode(self.picture.svg.encode()).decode()
        words = escape(self.picture.description)
        bundle["text/html"] = (
            f'<img alt="{words}" src="data:image/svg+xml;base64,{source}">'
        )
        bundle["text/plain"] = repr(self)
        return bundle


def panel(draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget) -> Panel:
    """Show the picture that `draw` makes of the controls' values, live.

    - `draw`: A function that takes the control values by name and returns a picture, as
      `beside` makes one.
    - `controls`: the controls by name, such as `bearing=slider(0, 360, 15)`.

    Returns the panel; as the last line of a cell it is shown.
    """
    return Panel(draw, **controls)


def slider(
    low: float, high: float, step: float, *, start: float, label: str
) -> ipywidgets.FloatSlider | ipywidgets.IntSlider:
    """Return a slider over low, low + step, …, high that stands at `start`.

    - `low`: the smallest value.
    - `high`: the largest value.
    - `step`: the distance between neighbouring values.
    - `start`: the value at first.
    - `label`: what it sets, with its unit, in words that fit on the page.
    """
    kind = (
        ipywidgets.IntSlider
        if all(isinstance(x, int) for x in (low, high, step, start))
        else ipywidgets.FloatSlider
    )
    return kind(
        min=low,
        max=high,
        step=step,
        value=start,
        description=label,
        style={"description_width": "initial"},
        layout={"width": "520px", "max_width": "100%"},
    )
