"""The controls of a panel: names that fit and are spoken, values that are shown."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

import ipywidgets
import numpy as np

LAYOUT = {"width": "520px", "max_width": "100%"}
STYLE = {"description_width": "initial"}
PER_DECADE = 20  # how many values a log_slider has from 1 to 10
SLIDERS = (ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.SelectionSlider)
KINDS = {ipywidgets.Dropdown: "select", ipywidgets.Checkbox: "checkbox"}
KINDS |= dict.fromkeys(SLIDERS, "slider")


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
            f"slider must have low < high, step > 0 and start between them; got "
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


def log_slider(
    low: float, high: float, *, start: float, label: str
) -> ipywidgets.SelectionSlider:
    """Return a slider on which every step multiplies the value by about 1.12.

    Its values have two digits, 20 of them from each power of ten to the next: 1, 1.1,
    1.3, 1.4, 1.6, 1.8, 2, …, 8.9, 10.

    - `low`: the smallest value, above 0.
    - `high`: the largest value.
    - `start`: the value at first, one of those on the slider.
    - `label`: what it sets, with its unit.

    Raises ValueError if the range is empty, or `start` is not on the slider.
    """
    if not 0 < low < high:
        raise ValueError(
            f"log_slider must have 0 < low < high; low is {low} and high is {high}"
        )
    first = ceil(round(PER_DECADE * log10(low), 6))
    last = floor(round(PER_DECADE * log10(high), 6))
    values = [float(f"{10 ** (i / PER_DECADE):.1e}") for i in range(first, last + 1)]
    if start not in values:
        near = sorted(values, key=lambda x: abs(x - start))[:2]
        raise ValueError(
            f"start must be a value on the slider, such as "
            f"{' or '.join(f'{x:g}' for x in sorted(near))}; got {start}"
        )
    return ipywidgets.SelectionSlider(
        options=[(f"{x:g}", x) for x in values],
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
            f"start must be the position of one of {len(tokens)} tokens, counted "
            f"from 0; got {start}"
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


def kind_of(control: ipywidgets.ValueWidget) -> str | None:
    """Return "slider", "select" or "checkbox", or None for anything else."""
    return next(
        (name for kind, name in KINDS.items() if isinstance(control, kind)), None
    )


def stops(control: ipywidgets.ValueWidget) -> list[tuple[str, Any]]:
    """Return every value that a control can take, each after its text."""
    if isinstance(control, ipywidgets.Checkbox):
        return [("no", False), ("yes", True)]
    if isinstance(control, ipywidgets.Dropdown | ipywidgets.SelectionSlider):
        return list(control.options)
    count = round((control.max - control.min) / control.step) + 1
    values = control.min + control.step * np.arange(count)
    if isinstance(control, ipywidgets.IntSlider):
        values = np.round(values).astype(int)
    form = control.readout_format
    return [(format(x, form).replace("-", "−"), x) for x in values.tolist()]
