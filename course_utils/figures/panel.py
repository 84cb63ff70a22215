"""A picture with controls: one pure function from their values to a picture."""

from collections.abc import Callable
from html import escape
from typing import Any

import anywidget
import ipywidgets
import traitlets

from course_utils.figures.controls import kind_of
from course_utils.figures.packed import PLAYER, bundle, pack, still
from course_utils.figures.svg import Picture, message

MOVES = "This figure moves once the notebook is run."


class PictureView(anywidget.AnyWidget):
    """Shows an SVG, or that of the `packed` ones which belongs to the controls."""

    _esm = PLAYER
    svg = traitlets.Unicode().tag(sync=True)
    packed = traitlets.Unicode().tag(sync=True)
    controls = traitlets.List(traitlets.Unicode()).tag(sync=True)


class Panel(ipywidgets.VBox):
    """Controls above the picture that they change, and a button to reset them.

    - `controls`: the controls by name; setting `panel.controls["x"].value` is the same
      as moving the control by hand.
    - `packed`: all pictures in one string, or "" if they are too many.
    """

    def __init__(
        self, draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget
    ) -> None:
        wrong = [x for x, c in controls.items() if not kind_of(c)]
        self.controls = {x: c for x, c in controls.items() if x not in wrong}
        self._unknown = wrong and (
            f"{wrong[0]} needs a control, such as slider(...), picker(...) or "
            f"checkbox(...); got a {type(controls[wrong[0]]).__name__}."
        )
        self._draw = draw
        self.packed = pack(self._at, self.controls)
        self._view = PictureView(
            svg=self.picture.svg,
            packed=self.packed,
            controls=[f"IPY_MODEL_{x.model_id}" for x in self.controls.values()],
        )
        starts = {name: control.value for name, control in self.controls.items()}
        reset = ipywidgets.Button(description="Reset", layout={"width": "auto"})
        reset.on_click(lambda _button: self._set(starts))
        if not self.packed:
            for each in self.controls.values():
                each.observe(self._redraw, names="value")
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
            return message(self._unknown)
        try:
            picture = self._draw(**values)
        except Exception as error:
            return message(f"{type(error).__name__}: {error}")
        if not isinstance(picture, Picture):
            kind = type(picture).__name__
            words = "The draw function must return a picture, as beside(...) "
            return message(f"{words}makes one; it returned a {kind}.")
        return picture

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
        now = self.picture
        shown = now._repr_mimebundle_()
        if self.controls:
            shown["text/html"] += f"<p>{escape(MOVES)}</p>"
        return live | bundle(self.packed or still(now, MOVES)) | shown


def panel(draw: Callable[..., Picture], **controls: ipywidgets.ValueWidget) -> Panel:
    """Show the picture that `draw` makes of the controls' values, live.

    If `draw` raises, the message stands in the figure's place until the values are good
    again. Where all pictures together are few enough, they are drawn in advance, so
    that moving a control asks nothing of the kernel, and works without one.

    - `draw`: a function that takes the control values by name and returns a picture, as
      `beside` makes one.
    - `controls`: the controls by name, such as `bearing=slider(0, 360, 15, ...)`.

    Returns the panel; as the last line of a cell it is shown.
    """
    return Panel(draw, **controls)
