"""A translator that reads a sentence and writes another, with and without attention.

A recurrent encoder reads the words in both directions, a recurrent decoder writes. What
it may look at while it writes is all that tells the kinds apart. Several translators
run side by side if parameters and batches have one more first axis, for the seeds.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.data.number_words import (
    ENGLISH,
    GERMAN,
    START,
    STOP,
    Tokens,
    draw_numbers,
    encode,
)
from course_utils.layers import (
    cross_entropy_vjp,
    embedding_vjp,
    glorot_uniform,
    gru_step_vjp,
    linear_vjp,
)
from course_utils.models.trials import Task, Trials, run_trials
from course_utils.scores import additive_score_vjp
from course_utils.softmax import softmax_vjp
from course_utils.training import cosine_schedule
from course_utils.validation import Back, check_integer

Floats = NDArray[np.floating]
Parameters = dict[str, Floats]
KINDS = ("fixed", "multiplicative", "additive")


def shifted(target: ArrayLike) -> Tokens:
    """Return what the decoder reads while it learns: the target, one place later.

    Before the first word it reads START. A place without an answer is read as STOP.

    >>> shifted([[5, 6, STOP, -1]])
    array([[1, 5, 6, 0]])
    """
    target = np.asarray(target)
    before = np.full_like(target[..., :1], START)
    earlier = np.where(target[..., :-1] < 0, STOP, target[..., :-1])
    return np.concatenate([before, earlier], axis=-1)


@dataclass(frozen=True)
class Translator:
    """An encoder, a decoder, and what the decoder gets from the encoder's states.

    - `kind`: "fixed" gives each step of the decoder the same context, made from the
      encoder's last states by a matrix; "multiplicative" and "additive" blend the
      states of all words by the scores of Luong and of Bahdanau.
    - `width`: the size of the states, even; the encoder has half for each direction.
    - `embedding`: the size of a word's vector.
    - `words`: how many words the two languages have.
    - `dtype`: of the parameters; float32 trains faster, and float64 comes to the same
      translations on other processors.
    """

    kind: str
    width: int = 32
    embedding: int = 16
    words: tuple[int, int] = (len(ENGLISH), len(GERMAN))
    dtype: type = np.float64

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}; got {self.kind!r}")
        if check_integer("width", self.width, least=2) % 2:
            raise ValueError(f"`width` must be even; got {self.width}")

    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters; what all kinds have in common is drawn first."""
        e, d, half = self.embedding, self.width, self.width // 2

        def draw(*shape: int) -> Floats:
            return glorot_uniform(rng, *shape, dtype=self.dtype)

        def zeros(*shape: int) -> Floats:
            return np.zeros(shape, self.dtype)

        p = {
            name: (rng.normal(size=(size, e)) / 2).astype(self.dtype)
            for name, size in zip(("source", "target"), self.words, strict=True)
        }
        p |= {"w_read": draw(2, e, 3 * half), "b_read": zeros(2, 3 * half)}
        p |= {"w_keep": draw(2, half, 3 * half), "b_keep": zeros(2, 3 * half)}
        p |= {"w_write": draw(e, 3 * d), "b_write": zeros(3 * d)}
        p |= {"w_state": draw(d, 3 * d), "b_state": zeros(3 * d)}
        p |= {"w_mix": draw(2 * d, d), "b_mix": zeros(d)}
        p |= {"w_out": draw(d, self.words[1]), "b_out": zeros(self.words[1])}
        if self.kind == "additive":
            p |= {"w_query": draw(d, half), "w_key": draw(d, half)}
            return p | {"v": draw(half, 1)[:, 0]}
        return p | {
            "w_score" if self.kind == "multiplicative" else "w_fixed": draw(d, d)
        }

    def encode_vjp(self, p: Parameters, source: Tokens) -> tuple[Floats, Floats, Back]:
        """Read sentences; return all states (..., n, d), the last one, and back."""
        x, embed_back = embedding_vjp(p["source"], source)
        both = np.stack([x, x[..., ::-1, :]], axis=-4)  # (..., 2, batch, n, e)
        inputs, read_back = linear_vjp(both, p["w_read"], p["b_read"])
        first = np.zeros((*inputs.shape[:-2], self.width // 2), inputs.dtype)
        states, run_back = gru_vjp(inputs, first, p["w_keep"], p["b_keep"])
        there, back_again = states[..., 0, :, :, :], states[..., 1, :, :, :]
        encoded = np.concatenate([there, back_again[..., ::-1, :]], axis=-1)
        last = np.concatenate([there[..., -1, :], back_again[..., -1, :]], axis=-1)

        def back(d_encoded: Floats, d_last: Floats) -> tuple[Parameters]:
            d_there, d_again = np.split(d_encoded, 2, axis=-1)
            d_states = np.stack([d_there, d_again[..., ::-1, :]], axis=-4)
            d_states[..., -1, :] += np.stack(np.split(d_last, 2, axis=-1), axis=-3)
            d_inputs, _, d_keep, d_bias = run_back(d_states)
            d_both, d_read, d_b = read_back(d_inputs)
            d_x = d_both[..., 0, :, :, :] + d_both[..., 1, :, ::-1, :]
            (d_source,) = embed_back(d_x)
            return (
                {"w_keep": d_keep, "b_keep": d_bias, "w_read": d_read, "b_read": d_b}
                | {"source": d_source},
            )

        return encoded, last, back

    def context_vjp(
        self, p: Parameters, states: Floats, encoded: Floats, last: Floats
    ) -> tuple[Floats, Floats | None, Back]:
        """Return the context of each of the decoder's states, the weights, and back.

        `back` returns the gradients of states, encoded and last, and of parameters.
        """
        if self.kind == "fixed":
            fixed, fixed_back = linear_vjp(last, p["w_fixed"])

            def back(d_context: Floats) -> tuple[Floats, Floats, Floats, Parameters]:
                d_last, d_w = fixed_back(d_context.sum(axis=-2))
                none = np.zeros_like(states), np.zeros_like(encoded)
                return *none, d_last, {"w_fixed": d_w}

            return np.broadcast_to(fixed[..., None, :], states.shape), None, back

        scores, score_back = self._scores_vjp(p, states, encoded)
        weights, softmax_back = softmax_vjp(scores)

        def back(d_context: Floats) -> tuple[Floats, Floats, Floats, Parameters]:
            (d_scores,) = softmax_back(d_context @ encoded.mT)
            d_states, d_key, d = score_back(d_scores)
            return d_states, d_key + weights.mT @ d_context, np.zeros_like(last), d

        return weights @ encoded, weights, back

    def _scores_vjp(
        self, p: Parameters, states: Floats, encoded: Floats
    ) -> tuple[Floats, Back]:
        """Score each state of the decoder against each of the encoder."""
        if self.kind == "additive":
            names = ("w_query", "w_key", "v")
            scores, score_back = additive_score_vjp(
                states, encoded, *(p[name] for name in names)
            )

            def back(d_scores: Floats) -> tuple[Floats, Floats, Parameters]:
                d_states, d_key, *d = score_back(d_scores)
                return d_states, d_key, dict(zip(names, d, strict=True))

            return scores, back
        query, query_back = linear_vjp(states, p["w_score"])

        def back(d_scores: Floats) -> tuple[Floats, Floats, Parameters]:
            d_states, d_w = query_back(d_scores @ encoded)
            return d_states, d_scores.mT @ query, {"w_score": d_w}

        return query @ encoded.mT, back

    def decode_vjp(
        self,
        p: Parameters,
        inputs: Tokens,
        encoded: Floats,
        last: Floats,
        state: Floats,
    ) -> tuple[Floats, Floats, Floats | None, Back]:
        """Read German words from a state on, and say after each which word is next.

        Returns logits (..., n, words), the last state, the weights (..., n, n_k), and
        `back`, which returns the gradients of encoded, last and state, and parameters.
        """
        x, embed_back = embedding_vjp(p["target"], inputs)
        read, read_back = linear_vjp(x, p["w_write"], p["b_write"])
        states, run_back = gru_vjp(read, state, p["w_state"], p["b_state"])
        context, weights, context_back = self.context_vjp(p, states, encoded, last)
        both = np.concatenate([states, context], axis=-1)
        mixed, mix_back = linear_vjp(both, p["w_mix"], p["b_mix"])
        bent = np.tanh(mixed)
        logits, out_back = linear_vjp(bent, p["w_out"], p["b_out"])

        def back(d_logits: Floats) -> tuple[Floats, Floats, Floats, Parameters]:
            d: Parameters = {}
            d_bent, d["w_out"], d["b_out"] = out_back(d_logits)
            d_both, d["w_mix"], d["b_mix"] = mix_back(d_bent * (1 - bent * bent))
            d_states, d_context = np.split(d_both, 2, axis=-1)
            d_asked, d_encoded, d_last, d_context_own = context_back(d_context)
            d_read, d_state, d["w_state"], d["b_state"] = run_back(d_states + d_asked)
            d_x, d["w_write"], d["b_write"] = read_back(d_read)
            (d["target"],) = embed_back(d_x)
            return d_encoded, d_last, d_state, d | d_context_own

        return logits, states[..., -1, :], weights, back

    def reads(self, target: Tokens) -> Tokens:
        """Return what the decoder reads while it learns to write a target."""
        return shifted(target)

    def loss_and_gradients(
        self, parameters: Parameters, source: Tokens, target: Tokens
    ) -> tuple[float, Parameters]:
        """Return the cross-entropy of the target under teacher forcing, and gradients.

        - `source`, `target`: as `encode` returns them.
        """
        encoded, last, encode_back = self.encode_vjp(parameters, source)
        logits, _, _, decode_back = self.decode_vjp(
            parameters, self.reads(target), encoded, last, last
        )
        loss, loss_back = cross_entropy_vjp(logits, target)
        d_encoded, d_last, d_state, d = decode_back(*loss_back())
        (d_own,) = encode_back(d_encoded, d_last + d_state)
        return loss, d | d_own

    def translate(
        self, parameters: Parameters, source: Tokens, steps: int
    ) -> tuple[Tokens, Floats | None]:
        """Write `steps` words, each the likeliest after those written before.

        Returns the words, shape (..., steps), and the weights, (..., steps, n), or None
        for the kind that has none. What follows the first STOP means nothing.
        """
        encoded, last, _ = self.encode_vjp(parameters, source)
        word, state = np.full((*source.shape[:-1], 1), START), last
        written, rows = [], []
        for _ in range(steps):
            logits, state, weights, _ = self.decode_vjp(
                parameters, word, encoded, last, state
            )
            word = logits.argmax(axis=-1)
            written.append(word)
            rows.append(weights)
        weights = None if self.kind == "fixed" else np.concatenate(rows, axis=-2)
        return np.concatenate(written, axis=-1), weights

    def score(self, parameters: Parameters, *tests: Tokens) -> Floats:
        """Return the share of sentences translated without a mistake, of each test.

        - `tests`: source and target of each test in turn.

        Returns shares of shape (..., tests).
        """
        right = []
        for source, target in zip(tests[::2], tests[1::2], strict=True):
            written, _ = self.translate(parameters, source, target.shape[-1])
            same = (written == target) | (target < 0)
            right.append(same.all(axis=-1).mean(axis=-1))
        return np.stack(right, axis=-1)


def gru_vjp(
    inputs: Floats, state: Floats, weight: Floats, bias: Floats
) -> tuple[Floats, Back]:
    """Run a GRU over a sequence, step by step; return all its states, and back.

    - `inputs`: shape (..., n, 3d), as `gru_step_vjp` takes them.
    - `state`: before the first step, shape (..., d).
    """
    states, backs = [], []
    for step in np.moveaxis(inputs, -2, 0):
        state, step_back = gru_step_vjp(step, state, weight, bias)
        states.append(state)
        backs.append(step_back)

    def back(d_states: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        d_steps, d_state = [], np.zeros_like(state)
        d_weight, d_bias = np.zeros_like(weight), np.zeros_like(bias)
        for i in reversed(range(len(backs))):
            d_step, d_state, d_w, d_b = backs[i](d_states[..., i, :] + d_state)
            d_steps.append(d_step)
            d_weight += d_w
            d_bias += d_b
        return np.stack(d_steps[::-1], axis=-2), d_state, d_weight, d_bias

    return np.stack(states, axis=-2), back


def numbers_task(longest: int, batch: int, tested: range, count: int) -> Task:
    """Return the task to translate numbers; sentences of a batch have one length.

    - `longest`: how many English words the sentences to learn from have at most.
    - `batch`: how many sentences a batch has.
    - `tested`: the lengths of the tests.
    - `count`: how many sentences a test has.
    """
    _, test = _numbers()
    tests = [x for n in tested for x in encode(_some(test[n], count))]

    def task(rng: np.random.Generator, _: np.random.Generator) -> tuple:
        lengths = np.random.default_rng(0)  # the same for all seeds, which run together

        def draw() -> tuple[Tokens, Tokens]:
            n = int(lengths.integers(1, longest, endpoint=True))
            source, target = _to_learn_from(n)
            rows = rng.integers(len(source), size=batch)
            return source[rows], target[rows]

        return draw, tuple(tests)

    return task


@cache
def _numbers() -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the numbers to learn from and to test with, by length."""
    return draw_numbers(np.random.default_rng(0), 60_000)


@cache
def _to_learn_from(n: int) -> tuple[Tokens, Tokens]:
    """Return the sentences of one length, as tokens."""
    return encode(_numbers()[0][n])


def _some(numbers: list[int], count: int) -> list[int]:
    """Return `count` numbers spread over a sorted list, or all if there are fewer."""
    return numbers[:: max(1, len(numbers) // count)][:count]


def trained(
    translator: Translator,
    *,
    seeds: int = 5,
    steps: int = 280,
    learning_rate: float = 0.02,
    batch: int = 16,
    longest: int = 10,
    tested: range = range(1, 17),
    count: int = 50,
    progress: bool = True,
) -> Trials:
    """Train translators from several seeds side by side, and test them by length."""
    return run_trials(
        translator,
        numbers_task(longest, batch, tested, count),
        seeds=range(seeds),
        steps=steps,
        learning_rate=cosine_schedule(learning_rate, steps),
        max_norm=1.0,
        progress=progress,
    )
