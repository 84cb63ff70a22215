"""Attention without a softmax, and its way back, for the lookup of lesson 10.

`LookupReader(attend=linear_attention_vjp)` learns to look up without a softmax; what it
loses shows when the dictionaries grow.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_utils.models.lookup_reader import dictionaries
from course_utils.models.trials import Batch, Task

Floats = NDArray[np.floating]


def linear_attention_vjp(
    query: Floats, key: Floats, value: Floats
) -> tuple[Floats, Callable[[Floats], tuple[Floats, Floats, Floats]]]:
    """Attend as `linear_attention` does, and send the gradient back.

    - `query`: shape (..., n_q, d_k).
    - `key`: shape (..., n_k, d_k), with n_k at least 1.
    - `value`: shape (..., n_k, d_v). All three have the same leading axes and dtype.

    Returns the output, (..., n_q, d_v), and `back`: it takes its gradient and returns
    those of query, key and value.

    Source: Katharopoulos et al., "Transformers are RNNs", 2020, section 3.2.
    """
    (asks, query_slope), (tells, key_slope) = _features(query), _features(key)
    # A last value of 1 sums up what the output is divided by.
    values = np.concatenate([value, np.ones_like(value[..., :1])], axis=-1)
    state = tells.mT @ values
    sums = asks @ state
    total = sums[..., -1:]
    output = sums[..., :-1] / total

    def back(d_output: Floats) -> tuple[Floats, Floats, Floats]:
        d_sums = d_output / total
        d_total = -(d_sums * output).sum(axis=-1, keepdims=True)
        d_sums = np.concatenate([d_sums, d_total], axis=-1)
        d_state = asks.mT @ d_sums
        d_query = d_sums @ state.mT * query_slope
        d_key = values @ d_state.mT * key_slope
        return d_query, d_key, (tells @ d_state)[..., :-1]

    return output, back


def recall(n: int, *, num_keys: int = 64, batch: int = 8, tests: int = 50) -> Task:
    """Return a task for `run_trials`: look up every key of dictionaries of n pairs."""

    def task(
        learn_rng: np.random.Generator, test_rng: np.random.Generator
    ) -> tuple[Callable[[], Batch], Batch]:
        sizes = {"n": n, "num_keys": num_keys}
        return (
            lambda: dictionaries(learn_rng, batch, **sizes),
            dictionaries(test_rng, tests, **sizes),
        )

    return task


def _features(x: Floats) -> tuple[Floats, Floats]:
    """Return elu(x) + 1, and its slope."""
    slope = np.exp(np.minimum(x, 0))  # 1 above 0
    return np.where(x > 0, x + 1, slope), slope
