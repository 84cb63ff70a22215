"""From the scores of the next token to the token that is written."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.softmax import softmax
from course_utils.validation import Floats, check_integer, check_rng, read


def next_token_probabilities(
    logits: ArrayLike, *, temperature: float = 1.0, top_k: int | None = None
) -> Floats:
    """Return how probable each token is, sharpened, and cut to the likeliest.

    - `logits`: scores before softmax, shape (..., vocabulary).
    - `temperature`: above 0. Below 1 the likely become likelier, above 1 the unlikely.
    - `top_k`: how many tokens may be drawn, the rest get 0; all if None, or if there
      are no more. Tokens that tie with the last of them stay too.

    Returns probabilities, shape (..., vocabulary); each row sums to 1.

    Source: Fan, Lewis and Dauphin, "Hierarchical neural story generation", 2018,
    section 5.4.

    >>> next_token_probabilities(np.log([0.5, 0.3, 0.2]), top_k=2)
    array([0.625, 0.375, 0.   ])
    >>> next_token_probabilities(np.log([0.5, 0.3, 0.2]), temperature=0.5).round(2)
    array([0.66, 0.24, 0.11])
    """
    (logits,) = read("... vocabulary", logits=logits)
    if top_k is not None:
        k = check_integer("top_k", top_k, least=1)
        if k < logits.shape[-1]:
            last = np.sort(logits, axis=-1)[..., -k, None]
            logits = np.where(logits < last, -np.inf, logits)
    return softmax(logits, temperature=temperature)


def draw_tokens(rng: np.random.Generator, probabilities: Floats) -> NDArray[np.int64]:
    """Draw one token a row, from one number each of the generator.

    - `rng`: the generator to draw from.
    - `probabilities`: rows that sum to 1, shape (..., vocabulary).

    Returns tokens of shape (...). The same numbers draw the same tokens from the same
    probabilities, and similar ones from similar.

    >>> draw_tokens(np.random.default_rng(0), np.array([[0.0, 1.0], [1.0, 0.0]]))
    array([1, 0])
    """
    (probabilities,) = read("... vocabulary", probabilities=probabilities)
    up_to = probabilities.cumsum(axis=-1)
    # Above 0 and up to 1, so that neither end is ever where a 0 lies.
    draws = 1 - check_rng("rng", rng).random(probabilities.shape[:-1])
    return (up_to < (draws * up_to[..., -1])[..., None]).sum(axis=-1)
