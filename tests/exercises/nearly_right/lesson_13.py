"""Answers to lesson 13 that are wrong in rare cases only."""

import numpy as np


def _window(n_q, n_k, window, offset):
    behind = np.arange(n_q)[:, None] + offset - np.arange(n_k)
    return (behind >= 0) & (behind < window)


def _window_of_negative_slices(n_q, n_k, window, offset):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i, row in enumerate(mask):
        row[i + offset - window + 1 : i + offset + 1] = True
    return mask


def _window_that_keeps_a_key(n_q, n_k, window, offset):
    return _window(n_q, n_k, max(window, 2), offset)


def _window_at_the_end(n_q, n_k, window, offset):
    return _window(n_q, n_k, window, n_k - n_q)


def _window_square(n_q, n_k, window, offset):
    n = max(n_q, n_k)
    return _window(n, n, window, offset)[:n_q, :n_q]


def _blocks(n, block):
    i, j = np.arange(n)[:, None], np.arange(n)
    return ((i // block == j // block) | (j % block == block - 1)) & (j <= i)


def _blocks_that_fit(n, block):
    mask = _blocks(n, block)
    mask[n - n % block :, : n - n % block] = False
    return mask


def _blocks_of_one_forgotten(n, block):
    return np.eye(n, dtype=bool) if block == 1 else _blocks(n, block)


def _blocks_with_an_end_always(n, block):
    mask = _blocks(n, block)
    mask[-1, : n - n % block : block] |= n % block > 0
    return mask


def _blocks_of_all(n, block):
    return np.ones((n, n), dtype=bool) if block > n else _blocks(n, block)


def _field(masks, residual=True):
    heard = np.eye(masks.shape[-1], dtype=bool)
    for mask in masks:
        heard = (mask @ heard) | (heard & residual)
    return heard


def _field_residual_at_the_end(masks):
    return _field(masks, residual=False) | np.eye(masks.shape[-1], dtype=bool)


def _field_until_it_rests(masks):
    heard = _field(masks)
    for _ in range(len(heard)):
        heard = heard | _field(masks) @ heard
    return heard


def _field_of_two_layers(masks):
    return _field(masks[:2])


def _field_without_diagonal(masks):
    return _field(masks) & (masks.any(axis=(0, 2)) | False)[:, None]


def _levels(
    word_scores, sentence, word_vectors, query, *, safe=True, count=None, first=0
):
    shares = np.zeros(len(sentence))
    scores = np.zeros(count or sentence.max() + 1)
    for s in range(first, sentence.max() + 1):
        here = sentence == s
        peak = word_scores[here].max() if safe else 0
        e = np.exp(word_scores[here] - peak)
        shares[here] = e / e.sum()
        scores[s] = shares[here] @ word_vectors[here] @ query / len(query) ** 0.5
    e = np.exp(scores - scores.max())
    return shares * (e / e.sum())[sentence]


def _levels_unsafe(*arguments):
    with np.errstate(all="ignore"):
        return _levels(*arguments, safe=False)


def _levels_of_four(*arguments):
    return _levels(*arguments, count=4)


def _levels_scaled_by_words(word_scores, sentence, word_vectors, query):
    query = query * (len(query) / len(sentence)) ** 0.5
    return _levels(word_scores, sentence, word_vectors, query)


def _levels_of_sorted_scores(word_scores, sentence, word_vectors, query):
    return _levels(word_scores, sentence, word_vectors, query)[np.argsort(word_scores)]


def _levels_in_place(word_scores, sentence, word_vectors, query):
    word_scores -= word_scores.max()
    return _levels(word_scores, sentence, word_vectors, query)


WRONG = {
    "window_mask": {
        "slices that begin below 0": _window_of_negative_slices,
        "a window of at least two": _window_that_keeps_a_key,
        "queries are the last positions": _window_at_the_end,
        "a square mask": _window_square,
    },
    "block_global_mask": {
        "a short last block sees no summary": _blocks_that_fit,
        "blocks of one have no summary": _blocks_of_one_forgotten,
        "a short last block sees beginnings": _blocks_with_an_end_always,
        "one long block sees all": _blocks_of_all,
    },
    "receptive_field": {
        "residual only at the end": _field_residual_at_the_end,
        "goes on until it rests": _field_until_it_rests,
        "two layers at most": _field_of_two_layers,
        "who sees nothing hears nothing": _field_without_diagonal,
    },
    "two_level_weights": {
        "exp of large scores": _levels_unsafe,
        "always four sentences": _levels_of_four,
        "scaled by the number of words": _levels_scaled_by_words,
        "sorted words": _levels_of_sorted_scores,
        "changes its input": _levels_in_place,
    },
}
