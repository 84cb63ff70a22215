"""Commit to an answer before the cell that reveals it."""

import json
from html import escape
from typing import Any

import ipywidgets

from course_utils.figures.packed import bundle
from course_utils.figures.panel import PictureView
from course_utils.learner import progress


class Prediction(ipywidgets.VBox):
    """A question with answers to choose from, or room for one; the answer is kept."""

    def __init__(self, name: str, *options: str) -> None:
        self._name = name
        self._options = options
        stored = progress.load()["predictions"].get(name)
        layout = {"width": "max-content", "max_width": "100%"}
        if options:
            value = stored if stored in options else None
            self._input = ipywidgets.RadioButtons(
                options=options, value=value, layout=layout
            )
        else:
            value = stored if isinstance(stored, str) else ""
            self._input = ipywidgets.Text(
                value=value,
                description="Your prediction",
                style={"description_width": "initial"},
                layout=layout,
            )
        self._input.observe(self._keep, names="value")
        # An empty view keeps the keys from the notebook, as in a panel.
        super().__init__([self._input, PictureView()])
        self.add_class("course-prediction")

    @property
    def answer(self) -> str | None:
        """What is chosen or typed now."""
        return self._input.value or None

    def _keep(self, change: dict[str, Any]) -> None:
        progress.record("predictions", self._name, change["new"])

    def reveal(self, right: int | str) -> "Outcome":
        """Show what turned out to be right beside what was predicted.

        - `right`: the position of the right option, counted from 0; without options,
          the outcome in words.

        Raises ValueError if there is no such option.
        """
        if not self._options:
            return Outcome(self._name, str(right), self.answer)
        if not isinstance(right, int) or not 0 <= right < len(self._options):
            raise ValueError(
                f"`right` must be the position of one of {len(self._options)} "
                f"options, counted from 0; got {right!r}"
            )
        return Outcome(self._name, self._options[right], self.answer)

    def __repr__(self) -> str:
        listed = "\n".join(f"( ) {option}" for option in self._options)
        return listed or "Your prediction: ____"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        """Add what shows without a kernel: the options as a list."""
        items = "".join(f"<li>{escape(option)}</li>" for option in self._options)
        question = {"name": self._name, "options": self._options, "chosen": self.answer}
        return (
            super()._repr_mimebundle_(**kwargs)
            | bundle(_packed(question=question))
            | {
                "text/html": f"<ul>{items}</ul>" if items else f"<p>{self!r}</p>",
                "text/plain": repr(self),
            }
        )


class Outcome:
    """What turned out to be right, beside what was predicted."""

    def __init__(self, name: str, right: str, predicted: str | None) -> None:
        self.name = name
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

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:  # noqa: ANN401
        """Add what a page needs that sets the outcome beside what was chosen there."""
        return bundle(_packed(outcome=vars(self)))


def _packed(**what: dict[str, Any]) -> str:
    return json.dumps(what, ensure_ascii=False)


def predict(name: str, *options: str) -> Prediction:
    """Ask for a prediction; nothing is graded, and no answer is needed.

    - `name`: what the prediction is kept under, such as "01 halfway".
    - `options`: the answers to choose from, at least two; without any, the learner
      types one.

    Returns the question; its `reveal` shows the outcome beside the prediction.

    Raises ValueError if there is only one option.
    """
    if len(options) == 1:
        raise ValueError("`predict` takes no options or at least two; got 1")
    return Prediction(name, *options)
