"""Answers to lesson 01 that are wrong in rare cases only."""

import numpy as np


def _search_from(best, keep_last=False, skip=0):
    def hard(query, key, value):
        most, answer = best, value[0]
        for i in range(len(key) - skip):
            match = key[i] @ query
            if match > most:
                most, answer = match, value[i]
        return answer

    return hard


def _weights(query, key, sharpness):
    weight = np.exp(sharpness * (query @ key.T))
    return weight / weight.sum(axis=-1, keepdims=True)


def _in_dtype_of_values(query, key, value, sharpness):
    blend = np.zeros((*query.shape[:-1], value.shape[1]), value.dtype)
    blend[...] = _weights(query, key, sharpness) @ value
    return blend


def _one_query_at_a_time(query, key, value, sharpness):
    return np.concatenate(
        [np.squeeze(_weights(q, key, sharpness) @ value)[None] for q in query]
    )


def _other_axis_when_square(query, key, value, sharpness):
    weight = np.exp(sharpness * (query @ key.T))
    total = weight.sum(axis=1)
    if weight.shape[0] == weight.shape[1]:
        return weight / total @ value
    return weight / total[:, None] @ value


def _wind(weather, log_weather, log_direction, sharpness):
    return _weights(weather, log_weather, sharpness) @ log_direction


WRONG = {
    "hard_lookup": {
        "compares single products, not their sums": lambda query, key, value: value[
            np.argmax(key * query) // key.shape[1]
        ],
        "the search begins at 0": _search_from(0),
        "the search begins at -1": _search_from(-1),
        "the search begins at -1000": _search_from(-1000),
        "the last key is left out": _search_from(-np.inf, skip=1),
        "the first key is left out": lambda query, key, value: (
            value[1:][np.argmax(key[1:] @ query)] if len(key) > 1 else value[0]
        ),
        "a value of one number loses its axis": lambda query, key, value: np.squeeze(
            value[np.argmax(key @ query)]
        ),
        "the cosine in place of the dot product": lambda query, key, value: value[
            np.argmax(key @ query / np.linalg.norm(key, axis=1))
        ],
        "adds the components up without the query": lambda query, key, value: value[
            np.argmax(key.sum(axis=1))
        ],
    },
    "soft_lookup": {
        "a negative sharpness is taken as positive": lambda q, k, v, sharpness: (
            _weights(q, k, abs(sharpness)) @ v
        ),
        "a negative sharpness is taken as 0": lambda q, k, v, sharpness: (
            _weights(q, k, max(sharpness, 0)) @ v
        ),
        "a value of one number loses its axis": lambda q, k, v, sharpness: np.squeeze(
            _weights(q, k, sharpness) @ v
        ),
        "the result takes the dtype of the values": _in_dtype_of_values,
        "a sharpness of 0 is taken as 1": lambda q, k, v, sharpness: (
            _weights(q, k, sharpness or 1) @ v
        ),
    },
    "soft_lookup_all": {
        "squeeze drops the axis of a single query": lambda q, k, v, sharpness: (
            _weights(q, k, sharpness) @ v
        ).squeeze(),
        "a value of one number loses its axis": _one_query_at_a_time,
        "a negative sharpness is taken as positive": lambda q, k, v, sharpness: (
            _weights(q, k, abs(sharpness)) @ v
        ),
        "the result takes the dtype of the values": _in_dtype_of_values,
        "without keepdims where the shape allows it": _other_axis_when_square,
    },
    "wind_from_weather": {
        "a negative sharpness is taken as positive": lambda w, k, v, sharpness: _wind(
            w, k, v, abs(sharpness)
        ),
        "a sharpness of 0 is taken as 1": lambda w, k, v, sharpness: _wind(
            w, k, v, sharpness or 1
        ),
        "a log of one entry loses its axis": lambda w, k, v, sharpness: (
            _weights(w, np.atleast_1d(k.squeeze()), sharpness) @ v.squeeze()
        ),
        "adds along the axis of three, if there is one": lambda w, k, v, sharpness: (
            _wind(w, k.T if len(k) == 3 else k, v, sharpness)
        ),
    },
}
