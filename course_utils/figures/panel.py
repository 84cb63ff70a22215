"""A picture with controls: one pure function from their values to a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

from course_utils.figures.svg import GAP, WIDTH, Picture, message

MOST_STATES = 150  # of a slider, up to which every picture is drawn in advance
Slider = ipywidgets.IntSlider | ipywidgets.FloatSlider
CONTROLS = (
    Slider,
    ipywidgets.SelectionSlider,
    ipywidgets.Dropdown,
    ipywidgets.Checkbox,
)


class PictureView(anywidget.AnyWidget):
    """Shows one SVG, or that of `states` which belongs to a slider's value."""

    _esm = Path(__file__).with_name("panel.js")
    svg = traitlets.Unicode().tag(sync=True)
    states = traitlets.List(traitlets.Unicode()).tag(sync=True)
    value = traitlets.Float().tag(sync=True)
    low = traitlets.Float().tag(sync=True)
    step = traitlets.Float(1.0).tag(sync=True)


class Panel(ipywidgets.VBox):
    """Controls above the picture that they change, and a button to reset them.

    - `controls`: the controls by name; setting `panel.controls["x"].value` is the same
      as moving the control by hand.
    """

    def __init__(
        self, draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget
    ) -> None:
        wrong = [x for x, c in controls.items() if not isinstance(c, CONTROLS)]
        self.controls = {x: c for x, c in controls.items() if x not in wrong}
        self._unknown = wrong and (
            f"{wrong[0]} needs a control, such as slider(...), picker(...) or "
            f"checkbox(...); got a {type(controls[wrong[0]]).__name__}."
        )
        self._draw = draw
        self._width = 3 * WIDTH + 2 * GAP
        self._view = PictureView(svg=self.picture.svg)
        starts = {name: control.value for name, control in self.controls.items()}
        reset = ipywidgets.Button(description="Reset", layout={"width": "auto"})
        reset.on_click(lambda _button: self._set(starts))
        self._follow()
        row = ipywidgets.HBox(
            [*self.controls.values(), reset],
            layout={"flex_flow": "row wrap", "align_items": "center"},
        )
        super().__init__([row, self._view] if self.controls else [self._view])
        self.add_class("course-panel")

    @property
    def picture(self) -> Picture:
        """What the controls' values show now, with its description in words."""
        return self._at({name: x.value for name, x in self.controls.items()})

    def _at(self, values: dict[str, Any]) -> Picture:
        """Draw, or say in the figure's place why that cannot be."""
        if self._unknown:
            return message(self._unknown, self._width)
        try:
            picture = self._draw(**values)
        except Exception as error:
            return message(f"{type(error).__name__}: {error}", self._width)
        if not isinstance(picture, Picture):
            kind = type(picture).__name__
            words = "The draw function must return a picture, as beside(...) "
            return message(f"{words}makes one; it returned a {kind}.", self._width)
        return picture

    def _follow(self) -> None:
        """Let the picture follow the controls: in the browser alone where it can."""
        values = _stops(self.controls)
        if not 0 < len(values) <= MOST_STATES:
            for each in self.controls.values():
                each.observe(self._redraw, names="value")
            return
        ((name, control),) = self.controls.items()
        self._view.states = [self._at({name: x}).svg for x in values]
        place = "value"
        if isinstance(control, ipywidgets.SelectionSlider):
            place = "index"  # its values need not be equally far apart
        else:
            self._view.low, self._view.step = control.min, control.step
        self._view.value = getattr(control, place)
        self._link = ipywidgets.jslink((control, place), (self._view, "value"))

    def _redraw(self, _change: object) -> None:
        self._view.svg = self.picture.svg

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self.controls[name].value = value

    def __repr__(self) -> str:
        return self.picture.description

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        """Add what shows without a kernel: the picture as it is now, in words too."""
        live = super()._repr_mimebundle_(**kwargs)
        return live | self.picture._repr_mimebundle_()


def _stops(controls: dict[str, ipywidgets.ValueWidget]) -> list[float]:
    """Return every value of a slider that stands alone, or none."""
    control = next(iter(controls.values()), None)
    if len(controls) == 1 and isinstance(control, ipywidgets.SelectionSlider):
        return [value for _label, value in control.options]
    if len(controls) != 1 or not isinstance(control, Slider):
        return []
    count = round((control.max - control.min) / control.step) + 1
    values = control.min + control.step * np.arange(count)
    if isinstance(control, ipywidgets.IntSlider):
        values = np.round(values).astype(int)
    return values.tolist()


def panel(draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget) -> Panel:
    """Show the picture that `draw` makes of the controls' values, live.

    If `draw` raises, the message stands in the figure's place until the values are good
    again. The pictures of a single slider are all drawn in advance, so that moving it
    asks nothing of the kernel.

    - `draw`: a function that takes the control values by name and returns a picture, as
      `beside` makes one.
    - `controls`: the controls by name, such as `bearing=slider(0, 360, 15, ...)`.

    Returns the panel; as the last line of a cell it is shown.
    """
    return Panel(draw, **controls)
