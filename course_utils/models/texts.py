"""Learning from one text, and being tested on its end: windows, n-grams, the recipe."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import cos, log2, pi

import numpy as np
from numpy.typing import NDArray

from course_utils.models.trials import Task
from course_utils.training import Schedule
from course_utils.validation import check_integer

Tokens = NDArray[np.int64]


def windows(
    tokens: Tokens, n: int, *, stride: int, counted: int
) -> tuple[Tokens, Tokens]:
    """Cut a text into windows, with the token that comes next as each place's target.

    - `tokens`: the text, more than n tokens.
    - `n`: the length of a window.
    - `stride`: how far apart windows begin.
    - `counted`: how many places at the end of each window count; the target of the
      others is −1.

    Returns inputs and targets, each (windows, n).

    >>> inputs, targets = windows(np.arange(6), 3, stride=2, counted=2)
    >>> inputs, targets
    (array([[0, 1, 2],
           [2, 3, 4]]), array([[-1,  2,  3],
           [-1,  4,  5]]))
    """
    starts = np.arange(0, len(tokens) - n, stride)
    window = tokens[starts[:, None] + np.arange(n + 1)]
    inputs, targets = window[:, :-1], window[:, 1:].copy()
    targets[:, : n - counted] = -1
    return inputs, targets


def text_task(
    learn: Tokens, held_out: Tokens, n: int, *, batch: int = 8, last_alone: bool = False
) -> Task:
    """Return a task: predict the next token in windows of a text.

    - `learn`, `held_out`: two parts of a text.
    - `n`: the length of a window.
    - `batch`: how many windows a step learns from.
    - `last_alone`: whether only the last place of a window is tested, where no model
      can have seen the target. Otherwise the second half is, so that each token is
      predicted once, after at least n / 2 others.
    """
    half = n // 2
    cut = (
        {"stride": 3, "counted": 1} if last_alone else {"stride": half, "counted": half}
    )
    test = windows(held_out, n, **cut)

    def task(learn_rng: np.random.Generator, _: np.random.Generator) -> tuple:
        def draw() -> tuple[Tokens, Tokens]:
            starts = learn_rng.integers(len(learn) - n, size=(batch, 1))
            window = learn[starts + np.arange(n + 1)]
            return window[:, :-1], window[:, 1:]

        return draw, test

    return task


def warm_up(peak: float, steps: int, warm: int = 20) -> Schedule:
    """Let the learning rate rise to `peak` in `warm` steps, and fall along a cosine.

    Adam's first steps are as long as any, and their direction is a guess.

    Source: Vaswani et al., "Attention is all you need", 2017, section 5.3, for the
    rise; Loshchilov and Hutter, "SGDR", 2017, equation 5, for the fall.
    """
    return lambda step: (
        peak * min(1, (step + 1) / warm) * (1 + cos(pi * step / steps)) / 2
    )


def ngram_bits(
    learn: Sequence[int], held_out: Sequence[int], n: int, vocabulary: int
) -> float:
    """Count which token follows n − 1 others, and return the bits a held-out token.

    With h the n − 1 tokens before, and T(h) how many different tokens followed h:

        p(c | h) = (count(hc) + T(h) · p(c | h without its first)) / (count(h) + T(h))

    What is new after h gets a share that is the larger the more often h had something
    new; without any token before, all are equally likely.

    - `learn`: what is counted, tokens from 0 to vocabulary − 1.
    - `held_out`: what is predicted; the end of `learn` stands before it.
    - `n`: at least 1.

    Source: Witten and Bell, "The zero-frequency problem: estimating the probabilities
    of novel events in adaptive text compression", 1991, method C; in the interpolated
    form of Chen and Goodman, "An empirical study of smoothing techniques for language
    modeling", 1999.

    >>> round(ngram_bits([0, 1] * 8, [0, 1], n=2, vocabulary=2), 2)
    0.09
    """
    n = check_integer("n", n, least=1)
    learn, held_out = (np.asarray(x).tolist() for x in (learn, held_out))
    shifted = [learn[k:] for k in range(n)]
    counts = [Counter(zip(*shifted[: k + 1], strict=False)) for k in range(n)]
    totals, kinds = Counter(), Counter()  # of what followed each run of tokens
    for gram, count in chain.from_iterable(x.items() for x in counts):
        totals[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    text = learn[-n:] + held_out
    bits = 0.0
    for i in range(len(text) - len(held_out), len(text)):
        p = 1 / vocabulary
        for k in range(n):
            gram = tuple(text[i - k : i + 1])
            h = gram[:-1]
            if h in totals:
                p = (counts[k][gram] + kinds[h] * p) / (totals[h] + kinds[h])
        bits -= log2(p)
    return bits / len(held_out)
