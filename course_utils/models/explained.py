"""Trained models, each asked for one answer to many sequences, to be explained."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.attribution import (
    gradient_times_input,
    occlusion,
    rollout,
    weighted_norms,
)
from course_utils.models.induction import AttentionOnly, repeats
from course_utils.models.order_reader import (
    VERB,
    WIDTH,
    OrderReader,
    chase_task,
    split_pairs,
)
from course_utils.models.trials import run_trials
from course_utils.models.two_relations import READERS, TwoRelations, trained
from course_utils.multi_head import (
    MATRICES,
    multi_head_attention,
    multi_head_attention_vjp,
    split_heads,
)
from course_utils.tasks import two_relations_task

Floats = NDArray[np.floating]
Tokens = NDArray[np.int64]
Parameters = dict[str, Floats]


@dataclass(frozen=True)
class Case:
    """One model, sequences, and the answer to each.

    - `vjp`: takes vectors (batch, n, d); returns the logits of the answer, (batch,
      num_classes), and `back`, which returns (d_x,).
    - `x`: the vectors of tokens and places.
    - `answer`: what the model should say, (batch,).
    - `mean_token`: for each token the mean of all tokens, at its place: a stand-in.
    - `other_token`: for each a token that does not occur in the sequence, at its place.
    - `weights`: of each layer, the mean of its heads, (layers, batch, n, n).
    - `norms`: of weight times value in the last layer, (batch, n).
    - `place`: where the answer is read off.
    - `residual`: whether what attention finds is added to what was there.
    """

    vjp: Callable
    x: Floats
    answer: Tokens
    mean_token: Floats
    other_token: Floats
    weights: Floats
    norms: Floats
    place: int
    residual: bool

    def read(self, x: Floats) -> Floats:
        """Return the logits alone."""
        return self.vjp(x)[0]

    @property
    def right(self) -> float:
        """Return the share of right answers."""
        return float((self.read(self.x).argmax(axis=-1) == self.answer).mean())


def relations_case(p: Parameters, question: int, seed: int, batch: int = 100) -> Case:
    """Ask the model of two relations, with two heads, at the last of twelve places."""
    tokens, targets = two_relations_task(_rng(seed), batch, 12, vocabulary=8)
    matrices = {name: p[name] for name in MATRICES}
    return _one_layer(
        p, tokens, targets[:, -1, question], matrices, p[READERS[question]], 2, 11
    )


def order_case(p: Parameters, tokens: Tokens) -> Case:
    """Ask the reader of "the A chased the B", places told, at the verb."""
    matrices = {name: p[name] for name in MATRICES[:3]} | {"w_out": np.eye(WIDTH)}
    return _one_layer(p, tokens, tokens[:, 1], matrices, p["w_out"], 1, VERB)


def words_of(seed: int, batch: int = 50, period: int = 12) -> tuple[Tokens, Tokens]:
    """Return words of one length written again, cut 5 letters into the second time.

    Returns tokens (batch, period + 5) and the letter that comes next, (batch,).
    """
    n = period + 5
    tokens, targets = repeats(_rng(seed), batch, n, periods=(period, period))
    return tokens, targets[:, -1]


def induction_case(p: Parameters, tokens: Tokens, answer: Tokens) -> Case:
    """Ask the model of two layers for the letter that comes next."""
    model = AttentionOnly(layers=2)
    x = model.embed(p, tokens)
    _, weights, _ = model.look(p, x)

    def vjp(x: Floats) -> tuple[Floats, Callable]:
        logits, _, back = model.look(p, x)

        def last_back(d_logits: Floats) -> tuple[Floats]:
            d_all = np.zeros_like(logits)
            d_all[:, -1] = d_logits
            return (back(d_all)[0],)

        return logits[:, -1], last_back

    hidden = x + weights[0] @ (x @ p["w_value 0"]) @ p["w_out 0"]
    value = (hidden @ p["w_value 1"])[:, None]
    norms = weighted_norms(weights[1][:, None, -1], value, p["w_out 1"])
    stand_ins = _stand_ins(p["tokens"], tokens, x)
    return Case(
        vjp,
        x,
        answer,
        *stand_ins,
        np.array(weights),
        norms,
        place=tokens.shape[-1] - 1,
        residual=True,
    )


def _rng(seed: int) -> np.random.Generator:
    """Return a generator that no training has used."""
    return np.random.default_rng([seed, 15])


def _stand_ins(table: Floats, tokens: Tokens, x: Floats) -> tuple[Floats, Floats]:
    """Return the mean token, and one that does not occur, at each place."""
    rng, without = np.random.default_rng(0), x - table[tokens]
    others = np.empty_like(tokens)
    for row, other in zip(tokens, others, strict=True):
        absent = np.setdiff1d(np.arange(len(table)), row)
        # A sequence may hold every token; then any has to do.
        other[:] = rng.choice(absent if len(absent) else len(table), size=len(row))
    return without + table.mean(axis=0), without + table[others]


def _one_layer(
    p: Parameters,
    tokens: Tokens,
    answer: Tokens,
    matrices: Parameters,
    w_read: Floats,
    num_heads: int,
    place: int,
) -> Case:
    """Return the case of one layer whose output alone is read off at one place."""
    options = {"num_heads": num_heads, "is_causal": num_heads > 1}
    x = p["tokens"][tokens] + p["places"]

    def vjp(x: Floats) -> tuple[Floats, Callable]:
        output, back = multi_head_attention_vjp(x, x, x, matrices, **options)

        def place_back(d_logits: Floats) -> tuple[Floats]:
            d_output = np.zeros_like(output)
            d_output[:, place] = d_logits @ w_read.T
            d_query, d_key, d_value, _ = back(d_output)
            return (d_query + d_key + d_value,)

        return output[:, place] @ w_read, place_back

    _, weights = multi_head_attention(
        x, x, x, **matrices, **options, return_weights=True
    )
    value = split_heads(x @ matrices["w_value"], num_heads)
    norms = weighted_norms(weights[:, :, place], value, matrices["w_out"])
    stand_ins = _stand_ins(p["tokens"], tokens, x)
    mean = weights.mean(axis=1)[None]
    return Case(vjp, x, answer, *stand_ins, mean, norms, place, residual=False)


def attributions(case: Case) -> dict[str, Floats]:
    """Ask in five ways what each answer hangs on; each gives numbers (batch, n)."""
    asked = case.answer, case.mean_token
    rolled = rollout(case.weights, residual=0.5 if case.residual else 0.0)
    return {
        "weight": case.weights[-1][:, case.place],
        "weight × norm": case.norms,
        "rollout": rolled[:, case.place],
        "gradient × input": gradient_times_input(case.vjp, case.x, *asked),
        "occlusion": occlusion(case.read, case.x, *asked),
    }


def of_seed(parameters: Parameters, seed: int) -> Parameters:
    """Return the parameters of one of the models that were trained side by side."""
    return {name: p[seed] for name, p in parameters.items()}


def order_cases(seeds: int) -> list[Case]:
    """Train readers of the order of words, and ask for sentences new to them."""
    trials = run_trials(
        OrderReader("attention, places told", num_names=12),
        chase_task(num_names=12, held_out=16),
        seeds=range(seeds),
        steps=250,
        learning_rate=0.01,
    )
    cases = []
    for seed in range(seeds):
        _, rng, _ = np.random.default_rng(seed).spawn(3)  # as `run_trials` does
        _, sentences = split_pairs(rng, 12, 16)
        cases.append(order_case(of_seed(trials.parameters, seed), sentences))
    return cases


def relations_cases(seeds: int) -> list[Case]:
    """Train models of two relations, and ask for the token three places back."""
    _, parameters = trained(TwoRelations(num_heads=2), range(seeds), steps=300)
    return [relations_case(of_seed(parameters, s), 1, s) for s in range(seeds)]
