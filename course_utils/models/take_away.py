"""The transformer of lesson 12 with one part changed, and what that costs.

`CHANGES` names what can be changed. Each change is a line or two in the method that it
concerns; all else is inherited.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_utils import data
from course_utils.data.alice import alice, characters
from course_utils.layers import dropout_vjp, linear_vjp
from course_utils.masks import causal_mask
from course_utils.models.texts import text_task, warm_up, windows
from course_utils.models.transformer import Parameters, Step, Tokens, Transformer
from course_utils.models.trials import run_trials
from course_utils.multi_head import MATRICES, merge_heads, split_heads
from course_utils.softmax import softmax_vjp
from course_utils.validation import Back, Floats

TABLE = Path(data.__file__).with_name("take_away.csv")
# Each change, and the parameters of a block (or of all) that it does without.
CHANGES: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "one head": (),
    "w_query = w_key": ("w_key",),
    "no w_value": ("w_value",),
    "no w_out": ("w_out",),
    "no scale": (),
    "length one": (),
    "length one, times 8": (),
    "dropout on weights": (),
    "an average": ("w_query", "w_key"),
    "no mask": (),
    "no places": ("places",),
    "places appended": (),
    "no residual": (),
    "no layer norm": ("gain", "gain_1", "gain_2", "shift", "shift_1", "shift_2"),
    "no feed-forward": ("w_up", "b_up", "w_down", "b_down", "gain_2", "shift_2"),
    "tied embedding": ("w_read",),
}
SCALES = {"no scale": 1.0, "length one": 1.0, "length one, times 8": 8.0}
APPENDED = 8  # how many numbers of a vector tell the place, where it is appended
DROPPED = 0.1  # the share of weights that dropout sets to 0


@dataclass(frozen=True)
class Changed(Transformer):
    """A `Transformer` with one change; `dropout_rng` draws what dropout drops.

    >>> model = Changed(5, d_model=8, num_heads=2, change="no w_out")
    >>> "0.w_out" in model.start(np.random.default_rng(0))
    False
    """

    change: str = "nothing"
    dropout_rng: np.random.Generator = field(
        default_factory=lambda: np.random.default_rng(0), compare=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.change not in CHANGES:
            raise ValueError(
                f"`change` must be one of {', '.join(CHANGES)}; got {self.change!r}"
            )
        if self.change == "one head":
            object.__setattr__(self, "num_heads", 1)
        object.__setattr__(self, "tied", self.change == "tied embedding")

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw what every change draws, so that all start alike; leave out the rest."""
        p = super().start(rng)
        if self.change == "places appended":
            p["tokens"] = p["tokens"][:, :-APPENDED]
            p["places"] = p["places"][:, -APPENDED:]
        return {
            name: x
            for name, x in p.items()
            if name.split(".")[-1] not in CHANGES[self.change]
        }

    def embed_vjp(self, p: Parameters, tokens: Tokens) -> tuple[Floats, Back]:
        """Add the vectors of places, append them, or do without."""
        if self.change not in ("no places", "places appended"):
            return super().embed_vjp(p, tokens)
        d, n = p["tokens"].shape[-1], tokens.shape[-1]
        none = np.zeros((*p["tokens"].shape[:-2], self.context, d), self.dtype)
        x, plain_back = super().embed_vjp(p | {"places": none}, tokens)
        if self.change == "no places":
            return x, lambda d_x: ({"tokens": plain_back(d_x)[0]["tokens"]},)
        places = p["places"][..., None, :n, :]
        places = np.broadcast_to(places, (*x.shape[:-1], APPENDED))

        def back(d_x: Floats) -> tuple[Parameters]:
            (gradients,) = plain_back(d_x[..., :d])
            d_places = np.zeros_like(p["places"])
            d_places[..., :n, :] = d_x[..., d:].sum(axis=-3)
            return (gradients | {"places": d_places},)

        return np.concatenate([x, places], axis=-1), back

    def norm_vjp(self, x: Floats, gain: Floats, shift: Floats) -> tuple[Floats, Back]:
        """Norm, or leave the vectors as they are."""
        if self.change == "no layer norm":
            return x, lambda d_x: (d_x,)
        return super().norm_vjp(x, gain, shift)

    def add_vjp(self, x: Floats, p: Parameters, i: int, step: Step) -> tuple:
        """Add what a step makes to the stream, or put it in its place."""
        if self.change == "no feed-forward" and i == 2:
            return x, lambda d_x: (d_x, {})
        residual = self.change != "no residual"
        return (super().add_vjp if residual else self.step_vjp)(x, p, i, step)

    def attend_vjp(self, x: Floats, p: Parameters) -> tuple[Floats, Back]:
        """Attend as `Transformer` does, step by step, with the change."""
        full = dict.fromkeys(MATRICES, np.eye(self.d_model, dtype=self.dtype)) | p
        if self.change == "w_query = w_key":
            full["w_key"] = p["w_query"]
        made = {name: linear_vjp(x, full[name]) for name in MATRICES[:3]}
        query, key, value = (split_heads(y, self.num_heads) for y, _ in made.values())
        weights, weights_back = self.weights_vjp(query, key)
        output, out_back = linear_vjp(merge_heads(weights @ value), full["w_out"])

        def back(d_output: Floats) -> tuple[Floats, Parameters]:
            d_merged, w_out = out_back(d_output)
            d_heads = split_heads(d_merged, self.num_heads)
            d_parts = (*weights_back(d_heads @ value.mT), weights.mT @ d_heads)
            d_x, gradients = np.zeros_like(x), {"w_out": w_out}
            for (name, (_, own_back)), d in zip(made.items(), d_parts, strict=True):
                d_own, gradients[name] = own_back(merge_heads(d))
                d_x += d_own
            if self.change == "w_query = w_key":
                gradients["w_query"] = gradients["w_query"] + gradients["w_key"]
            return d_x, {name: gradients[name] for name in MATRICES if name in p}

        return output, back

    def weights_vjp(self, query: Floats, key: Floats) -> tuple[Floats, Back]:
        """Return the weights of all heads, (..., n, n), and the way back."""
        n = query.shape[-2]
        seen = np.ones((n, n), bool) if self.change == "no mask" else causal_mask(n)
        bias = np.where(seen, 0, -np.inf).astype(self.dtype)
        if self.change == "an average":
            weights = np.broadcast_to(softmax_vjp(bias)[0], (*query.shape[:-1], n))
            return weights, lambda d_weights: (np.zeros_like(query),) * 2
        unit_vjp = _unit_vjp if self.change.startswith("length one") else _same_vjp
        (query, query_back), (key, key_back) = unit_vjp(query), unit_vjp(key)
        scale = self.dtype(SCALES.get(self.change, query.shape[-1] ** -0.5))
        weights, softmax_back = softmax_vjp(query @ key.mT * scale + bias)
        dropped, dropout_back = weights, lambda d: (d,)
        if self.change == "dropout on weights":
            dropped, dropout_back = dropout_vjp(weights, DROPPED, self.dropout_rng)

        def back(d_dropped: Floats) -> tuple[Floats, Floats]:
            (d_scores,) = softmax_back(*dropout_back(d_dropped))
            d_query, d_key = d_scores @ key * scale, d_scores.mT @ query * scale
            return query_back(d_query), key_back(d_key)

        return dropped, back

    def score(self, p: Parameters, tokens: Tokens, targets: Tokens) -> Floats:
        """Return the bits a token; nothing is dropped in a test."""
        if self.change == "dropout on weights":
            return replace(self, change="nothing").score(p, tokens, targets)
        return super().score(p, tokens, targets)


def _same_vjp(x: Floats) -> tuple[Floats, Back]:
    return x, lambda d_x: d_x


def _unit_vjp(x: Floats) -> tuple[Floats, Back]:
    """Bring each vector to length one."""
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True) + x.dtype.type(1e-12))
    unit = x / length

    def back(d_unit: Floats) -> Floats:
        return (d_unit - unit * (d_unit * unit).sum(axis=-1, keepdims=True)) / length

    return unit, back


def measured(
    change: str, *, num_blocks: int = 1, steps: int = 600, last_alone: bool = False
) -> NDArray[np.float64]:
    """Return what `held_out_bits` gave for seeds 0 to 4, from the stored table.

    - `change`, `num_blocks`, `steps`: as in `held_out_bits`.
    - `last_alone`: whether to return the bits at the last place alone.

    Raises KeyError if this was not measured.

    >>> measured("no mask").max() < measured("nothing").min()  # too good to be true
    np.True_
    """
    kind = "bits at the last place" if last_alone else "bits"
    with TABLE.open(encoding="utf-8", newline="") as file:
        found = [
            float(row[kind])
            for row in csv.DictReader(file)
            if row["change"] == change
            and (int(row["blocks"]), int(row["steps"])) == (num_blocks, steps)
        ]
    if not found:
        raise KeyError(f"{change!r}, {num_blocks} blocks, {steps} steps: not measured")
    return np.array(found)


def held_out_bits(
    change: str,
    *,
    seeds: Sequence[int],
    steps: int,
    num_blocks: int = 1,
    progress: bool = True,
) -> tuple[Floats, Floats]:
    """Train the model with a change on nine tenths of the book; test it on the rest.

    - `change`: one of `CHANGES`.
    - `seeds`: each is one model; they learn side by side.
    - `steps`: of Adam, on 8 windows of 32 characters each, in float32.
    - `num_blocks`: how many blocks.
    - `progress`: as in `train`.

    Returns two kinds of bits a character, shapes (seeds,): as models are usually
    tested, on all places of the second half of each window; and at the last place
    alone, whose answer no place can see.
    """
    alphabet, learn, held_out = characters(alice().lower())
    model = Changed(len(alphabet), 48, num_blocks=num_blocks, change=change)
    trials = run_trials(
        model,
        text_task(learn, held_out, model.context),
        seeds=seeds,
        steps=steps,
        learning_rate=warm_up(0.01, steps),
        max_norm=1.0,
        progress=progress,
    )
    last = windows(held_out, model.context, stride=3, counted=1)
    last = (np.stack([x] * len(seeds)) for x in last)
    return trials.scores[-1], model.score(trials.parameters, *last)
