"""The controls of a panel: names that fit and are spoken, values that are shown."""

from collections.abc import Sequence

import ipywidgets

LAYOUT = {"width": "520px", "max_width": "100%"}
STYLE = {"description_width": "initial"}


def slider(
    low: float, high: float, step: float, *, start: float, label: str
) -> ipywidgets.FloatSlider | ipywidgets.IntSlider:
    """Return a slider over low, low + step, …, high that stands at `start`.

    - `low`: the smallest value.
    - `high`: the largest value.
    - `step`: the distance between neighbouring values, above 0.
    - `start`: the value at first, from `low` to `high`.
    - `label`: what it sets, with its unit.

    Raises ValueError if the range is empty, or `start` lies outside it.
    """
    if not (low < high and step > 0 and low <= start <= high):
        raise ValueError(
            f"slider needs low < high, step > 0 and start between them; they are "
            f"{low}, {high}, {step} and {start}"
        )
    whole = all(isinstance(x, int) for x in (low, high, step, start))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return kind(
        min=low,
        max=high,
        step=step,
        value=start,
        description=label,
        style=STYLE,
        layout=LAYOUT,
    )


def picker(tokens: Sequence[str], *, start: int = 0, label: str) -> ipywidgets.Dropdown:
    """Return a list to pick one token from; its value is the token's position.

    - `tokens`: the tokens in order; the same token may stand there twice.
    - `start`: the position that is picked at first, counted from 0.
    - `label`: what is picked.

    Raises ValueError if there is no token at `start`.
    """
    if not 0 <= start < len(tokens):
        raise ValueError(
            f"start needs to be the position of one of {len(tokens)} tokens, counted "
            f"from 0; it is {start}"
        )
    return ipywidgets.Dropdown(
        options=[(f"{i + 1}. {token}", i) for i, token in enumerate(tokens)],
        value=start,
        description=label,
        style=STYLE,
        layout={"width": "max-content", "max_width": "100%"},
    )


def checkbox(*, start: bool = False, label: str) -> ipywidgets.Checkbox:
    """Return a box to tick; its value is True or False.

    - `start`: whether it is ticked at first.
    - `label`: what is true if it is.
    """
    return ipywidgets.Checkbox(
        value=start,
        description=label,
        indent=False,
        style=STYLE,
        layout={"width": "max-content", "margin": "0 24px 0 4px"},
    )
