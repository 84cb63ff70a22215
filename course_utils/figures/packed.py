"""Every picture of a panel in one string, which player.js moves without a kernel.

The string is JSON:

- `controls`: each control, in the order of the draw function's arguments. `kind` is
  "slider", "select" or "checkbox"; `label` is its name; `stops` are the texts of the
  values that it can take; `start` is the place among them at which it stands first.
- `description`: the first picture in words.
- `of`: for each state, which template it is made from. States are counted like the
  digits of a number: the last control goes round fastest. Without controls there is
  one state.
- `templates`: lists of numbers. The number n from 0 stands for `texts[n]`, the number
  −1 − n for the value of `columns[n]` in this state; joined, they are a picture as SVG.
- `texts`: what states have in common.
- `columns`: what differs from state to state. `by` lists the controls that it depends
  on, `values` holds a text for each state of these, with "<" between them, which no
  such text contains.

- `note`: a line below the picture, where there is something to add.

A question of `predict` is packed as `{"question": {"name", "options", "chosen"}}`, and
its outcome as `{"outcome": {"name", "right", "predicted"}}`.

In a notebook the string is an output of the mime type `MIME`, beside the live widget
and the still picture. Where the environment has COURSE_FIGURES=still, it is left out:
so are notebooks compared. With COURSE_FIGURES=packed, as where they are built, it takes
as long as it takes, for nobody waits. A site that runs the lessons finds it in the
outputs, and moves it with `play` of `PLAYER`:

    import { play } from "./player.js";
    play(element, text);
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import inf, prod
from pathlib import Path
from typing import Any

import ipywidgets

from course_utils.figures.controls import kind_of, stops
from course_utils.figures.svg import Picture
from course_utils.measuring import processor_time

MIME = "application/vnd.attention-course.figure+json"
# Here JupyterLab finds it too, which is told of this folder when the course starts.
EXTENSION = Path(__file__).parents[1] / "labextensions" / "attention-course"
PLAYER = EXTENSION / "player.js"
MOST_STATES = 1000
MOST_SECONDS = 6.0  # of this process, to draw them all, where somebody waits
MOST_CHARACTERS = 1_000_000
TRIED = 3  # pictures, after which it is clear how long all will take
SEPARATOR = "<"
NUMBER = re.compile(r"(\d+(?:\.\d+)?)")


def bundle(packed: str) -> dict[str, str]:
    """Return the output that holds a packed figure, or none where none is wanted."""
    return {MIME: packed} if packed and _mode() != "still" else {}


def _mode() -> str | None:
    return os.environ.get("COURSE_FIGURES")


def pack(
    draw: Callable[[dict[str, Any]], Picture],
    controls: dict[str, ipywidgets.ValueWidget],
) -> str:
    """Return all pictures of a panel in one string, or "" if they are too many.

    - `draw`: a function from a dict of the controls' values by name to a picture.
    - `controls`: the controls by name.
    """
    choices = [stops(control) for control in controls.values()]
    shape = [len(choice) for choice in choices]
    svgs = _drawn(draw, list(controls), choices) if prod(shape) <= MOST_STATES else []
    if not svgs:
        return ""
    values = {name: control.value for name, control in controls.items()}
    whole = {
        "controls": [_control(x) for x in controls.values()],
        "description": draw(values).description,
        **_cut(svgs, shape),
    }
    packed = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return packed if len(packed) <= MOST_CHARACTERS else ""


def still(picture: Picture, note: str = "") -> str:
    """Pack one picture that does not move, with a line below it."""
    whole = {"controls": [], "description": picture.description, "note": note}
    return json.dumps(whole | _cut([picture.svg], []), ensure_ascii=False)


def unpack(packed: str) -> Iterator[str]:
    """Yield the picture of every state as SVG, as player.js makes it."""
    whole = json.loads(packed)
    shape = [len(control["stops"]) for control in whole["controls"]]
    columns = [(x["by"], x["values"].split(SEPARATOR)) for x in whole["columns"]]
    places = {tuple(by): _places(shape, by) for by, _ in columns}
    for state, template in enumerate(whole["of"]):
        pieces = []
        for number in whole["templates"][template]:
            if number >= 0:
                pieces.append(whole["texts"][number])
            else:
                by, values = columns[-1 - number]
                pieces.append(values[places[tuple(by)][state]])
        yield "".join(pieces)


def _drawn(
    draw: Callable[[dict[str, Any]], Picture],
    names: list[str],
    choices: list[list[tuple[str, Any]]],
) -> list[str]:
    """Draw every state, or return nothing if that takes too long."""
    svgs, began = [], processor_time()
    total = prod(len(choice) for choice in choices)
    most = inf if _mode() == "packed" else MOST_SECONDS
    for state in product(*choices):
        values = [value for _, value in state]
        svgs.append(draw(dict(zip(names, values, strict=True))).svg)
        taken = processor_time() - began
        if len(svgs) >= TRIED and taken / len(svgs) * total > most:
            return []
    return svgs


def _control(control: ipywidgets.ValueWidget) -> dict[str, Any]:
    texts, values = zip(*stops(control), strict=True)
    if kind_of(control) == "slider":
        start = min(range(len(values)), key=lambda i: abs(values[i] - control.value))
    else:
        start = values.index(control.value)
    return {
        "kind": kind_of(control),
        "label": control.description,
        "stops": texts,
        "start": start,
    }


def _cut(svgs: Sequence[str], shape: list[int]) -> dict[str, list]:
    """Cut pictures into what those of one build have in common, and what differs."""
    cuts = [re.split('(["<>])', svg) for svg in svgs]
    groups: dict[str, list[int]] = {}
    for state, cut in enumerate(cuts):
        groups.setdefault("".join(cut[1::2]), []).append(state)
    columns, texts = _Columns(shape), {}
    of, templates = [0] * len(svgs), []
    for states in groups.values():
        for state in states:
            of[state] = len(templates)
        pieces = zip(*(cuts[state] for state in states), strict=True)
        template = _template(pieces, states, columns)
        # Elements that pictures of different builds share are kept once.
        whole = [template] if len(groups) == 1 else map(_elements, template)
        templates.append(
            [
                texts.setdefault(x, len(texts)) if isinstance(x, str) else -1 - x
                for some in whole
                for x in some
            ]
        )
    return {
        "of": of,
        "templates": templates,
        "texts": list(texts),
        "columns": columns.written(),
    }


def _template(
    pieces: Iterable[tuple[str, ...]], states: list[int], columns: "_Columns"
) -> list[str | int]:
    """Return texts that all states have, and the columns of what differs."""
    template: list[str | int] = [""]
    for piece in pieces:
        for texts in _finer(piece):
            if texts.count(texts[0]) < len(texts):
                template += [columns.number_of(states, texts), ""]
            else:
                template[-1] += texts[0]
    return [piece for piece in template if piece != ""]


def _elements(piece: str | int) -> list[str | int]:
    return re.findall("[^>]*>|[^>]+", piece) if isinstance(piece, str) else [piece]


def _finer(texts: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Cut texts that differ at their numbers, where all have as many."""
    if texts.count(texts[0]) == len(texts):
        return [texts]
    parts = [NUMBER.split(text) for text in texts]
    if len(set(map(len, parts))) > 1:
        return [texts]
    return zip(*parts, strict=True)


class _Columns:
    """What differs from state to state, each column once, on no more than it needs."""

    def __init__(self, shape: list[int]) -> None:
        self._shape = shape
        self._places: dict[tuple[int, ...], list[int]] = {}
        self._known: dict[tuple[tuple[int, ...], str], int] = {}

    def number_of(self, states: list[int], texts: Sequence[str]) -> int:
        by = tuple(range(len(self._shape)))
        values = self._values(states, texts, by)
        for control in by:
            fewer = tuple(x for x in by if x != control)
            found = self._values(states, texts, fewer)
            if found is not None:
                by, values = fewer, found
        column = by, SEPARATOR.join(values or [])
        return self._known.setdefault(column, len(self._known))

    def _values(
        self, states: list[int], texts: Sequence[str], by: tuple[int, ...]
    ) -> list[str] | None:
        """Return a text for each state of some controls, if it depends on no other."""
        if by not in self._places:
            self._places[by] = _places(self._shape, by)
        places, found = self._places[by], {}
        for state, text in zip(states, texts, strict=True):
            if found.setdefault(places[state], text) != text:
                return None
        return [found.get(i, "") for i in range(prod(self._shape[x] for x in by))]

    def written(self) -> list[dict[str, Any]]:
        return [{"by": by, "values": values} for by, values in self._known]


def _places(shape: list[int], by: Sequence[int]) -> list[int]:
    """Return the place of each state among the states of some controls alone."""
    found = []
    for state in product(*map(range, shape)):
        place = 0
        for control in by:
            place = place * shape[control] + state[control]
        found.append(place)
    return found
