"""Commit to an answer before the cell that reveals it."""

from html import escape
from typing import Any

import ipywidgets

from course_utils import progress


class Prediction(ipywidgets.VBox):
    """A question with answers to choose from; the choice outlives the kernel."""

    def __init__(self, name: str, *options: str) -> None:
        self._name = name
        self._options = options
        stored = progress.load()["predictions"].get(name)
        self._choice = ipywidgets.RadioButtons(
            options=options,
            value=stored if stored in options else None,
            layout={"width": "max-content", "max_width": "100%"},
        )
        self._choice.observe(self._keep, names="value")
        super().__init__([self._choice])
        self.add_class("course-prediction")

    def _keep(self, change: dict[str, Any]) -> None:
        progress.record("predictions", self._name, change["new"])

    def reveal(self, right: int) -> "Outcome":
        """Show the right option, counted from 0, beside the one that was chosen."""
        return Outcome(self._options[right], self._choice.value)

    def __repr__(self) -> str:
        return "\n".join(f"( ) {option}" for option in self._options)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        """Add what shows without a kernel: the options as a list."""
        bundle = super()._repr_mimebundle_(**kwargs)
        items = "".join(f"<li>{escape(option)}</li>" for option in self._options)
        bundle["text/html"] = f"<ul>{items}</ul>"
        bundle["text/plain"] = repr(self)
        return bundle


class Outcome:
    """What turned out to be right, beside what was predicted."""

    def __init__(self, right: str, predicted: str | None) -> None:
        self.right = right
        self.predicted = predicted

    def __repr__(self) -> str:
        if self.predicted is None:
            mine = "You made no prediction."
        elif self.predicted == self.right:
            mine = "You predicted this."
        else:
            mine = f"You predicted: {self.predicted}"
        return f"What happens: {self.right}\n{mine}"

    def _repr_html_(self) -> str:
        what, mine = map(escape, repr(self).split("\n"))
        return f"<p><strong>{what}</strong><br>{mine}</p>"


def predict(name: str, *options: str) -> Prediction:
    """Offer answers to choose from; nothing is graded, and no answer is needed.

    - `name`: what the prediction is kept under, such as "01 halfway".
    - `options`: the answers, at least two.

    Returns the question; its `reveal` shows the outcome beside the choice.

    Raises ValueError if there are fewer than two options.
    """
    if len(options) < 2:
        raise ValueError(f"predict needs at least two options, got {len(options)}")
    return Prediction(name, *options)
