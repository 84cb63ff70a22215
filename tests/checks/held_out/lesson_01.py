"""Answers to the exercises of lesson 1."""

from held_out import right, wrong

ANSWERS = {
    "hard_lookup": [
        wrong(
            "the smallest match wins",
            "argmin",
            """
scores = key.dot(query)
best = scores.argmin()
return value[best]
""",
            says="it picks the key that matches worst",
        ),
        wrong(
            "returns the key, not the value",
            "return key",
            """
scores = np.array([np.dot(k, query) for k in key])
return key[scores.argmax()]
""",
            says="it returns the key that matches best, not the value that",
        ),
        wrong(
            "takes the size of the match, so that a very bad one wins",
            "np.abs",
            """
match = np.abs(np.einsum("kd,d->k", key, query))
return value[np.argmax(match)]
""",
            says="it ignores the sign of the match",
        ),
        wrong(
            "begins at 0, so that negative matches never win",
            "best = 0",
            """
best = 0
where = 0
for j in range(len(key)):
    match = query @ key[j]
    if match > best:
        best = match
        where = j
return value[where]
""",
        ),
        wrong(
            "keeps one row as a matrix",
            "order[-1:]",
            """
order = np.argsort(key @ query)
return value[order[-1:]]
""",
        ),
        wrong(
            "divides by the length of the keys",
            "np.linalg.norm",
            """
match = key @ query
match = match / np.linalg.norm(key, axis=1)
return value[np.argmax(match)]
""",
        ),
        wrong(
            "sorts upwards and takes the first",
            "order[0]",
            """
order = np.argsort([q_k for q_k in key @ query])
return value[order[0]]
""",
            says="it picks the key that matches worst",
        ),
        wrong(
            "the last key is never looked at",
            "range(1, len(key) - 1)",
            """
winner = 0
for j in range(1, len(key) - 1):
    if key[j] @ query > key[winner] @ query:
        winner = j
return value[winner]
""",
        ),
        right("""
return max(zip(key, value), key=lambda pair: float(np.vdot(pair[0], query)))[1]
"""),
        right("""
match = np.tensordot(query, key, axes=(0, 1))
return value[match == match.max()][0]
"""),
    ],
    "soft_lookup": [
        wrong(
            "the sharpness stands outside the exponential",
            "sharpness * np.exp",
            """
e = sharpness * np.exp(key @ query)
return (e / np.sum(e)) @ value
""",
        ),
        wrong(
            "the sum is left out",
            "return np.exp",
            """
return np.exp(sharpness * key.dot(query)) @ value
""",
            says="the weights do not sum to 1",
        ),
        wrong(
            "divides by the sharpness",
            "/ sharpness",
            """
scores = np.array([k @ query for k in key])
e = np.exp(scores / sharpness)
w = e / e.sum()
return sum(w[j] * value[j] for j in range(len(value)))
""",
        ),
        wrong(
            "divides by the number of keys",
            "/ len(key)",
            """
e = np.exp(sharpness * (key @ query))
w = e / len(key)
return w @ value
""",
        ),
        wrong(
            "the blend keeps the whole numbers of the values",
            "np.zeros_like(value[0])",
            """
w = np.exp(sharpness * (key @ query))
w /= w.sum()
out = np.zeros_like(value[0])
for j in range(len(key)):
    out[:] = out + w[j] * value[j]
return out
""",
        ),
        wrong(
            "takes the size of the sharpness",
            "abs(sharpness)",
            """
score = abs(sharpness) * np.einsum("kd,d->k", key, query)
e = np.exp(score)
return np.einsum("k,kv->v", e / e.sum(), value)
""",
        ),
        wrong(
            "blends the keys",
            "@ key",
            """
e = np.exp(sharpness * (key @ query))
return (e @ key) / e.sum()
""",
            says="it blends the keys",
        ),
        wrong(
            "the values are never summed",
            "w[:, None] * value",
            """
w = np.exp(sharpness * key @ query)
w = w / w.sum()
return w[:, None] * value
""",
        ),
        right("""
top, bottom = 0.0, 0.0
for k, v in zip(key, value):
    e = np.e ** (sharpness * (k * query).sum())
    top, bottom = top + e * v, bottom + e
return top / bottom
"""),
        right("""
z = sharpness * np.inner(query, key)
p = np.exp(z - np.logaddexp.reduce(z))
return np.tensordot(p, value, 1)
"""),
    ],
    "soft_lookup_all": [
        wrong(
            "shares out over the queries",
            "axis=0",
            """
e = np.exp(sharpness * np.einsum("qd,kd->qk", query, key))
e = e / e.sum(axis=0, keepdims=True)
return e @ value
""",
            says="the weights of one key sum to 1 over the queries",
        ),
        wrong(
            "one sum for the whole array",
            "np.sum(e)",
            """
e = np.exp(query @ key.T * sharpness)
w = e / np.sum(e)
return w @ value
""",
            says="all weights together sum to 1",
        ),
        wrong(
            "the sums lose their axis",
            "sum(axis=1)",
            """
w = np.exp(sharpness * query.dot(key.T))
w = w / w.sum(axis=1)
return w.dot(value)
""",
        ),
        wrong(
            "a list of queries in reverse order",
            "query[::-1]",
            """
out = []
for q in query[::-1]:
    w = np.exp(sharpness * (key @ q))
    out.append(w @ value / w.sum())
return np.array(out)
""",
        ),
        wrong(
            "the sharpness is forgotten",
            "np.exp(query @ key.T)",
            """
w = np.exp(query @ key.T)
w = w / w.sum(axis=1)[:, None]
return w @ value
""",
            says="the sharpness has no effect",
        ),
        wrong(
            "a single query loses its row",
            "squeeze",
            """
scores = sharpness * (query[:, None, :] * key[None]).sum(-1)
e = np.exp(scores)
w = e / e.sum(-1, keepdims=True)
return (w @ value).squeeze()
""",
        ),
        wrong(
            "returns after the first query",
            "return np.array(out)",
            """
out = []
for q in query:
    w = np.exp(sharpness * (key @ q))
    out.append(w @ value / w.sum())
    return np.array(out)
""",
        ),
        wrong(
            "the sharpness is outside, and the sum runs over the queries",
            ("sharpness * np.exp", "sum(0)"),
            """
w = sharpness * np.exp(query @ key.T)
w = w / w.sum(0)
return w @ value
""",
        ),
        right("""
s = sharpness * np.inner(query, key)
s -= s.max(1, keepdims=True)
return np.array([np.average(value, axis=0, weights=np.exp(row)) for row in s])
"""),
        right("""
w = np.exp(sharpness * key @ query.T)
return ((value.T @ w) / w.sum(0)).T
"""),
    ],
    "wind_from_weather": [
        wrong(
            "the directions stand where the weather should, and back",
            "log_direction, log_weather",
            """
return soft_lookup(weather[:2], log_direction, log_weather, sharpness)[:2]
""",
        ),
        wrong(
            "blends the weather",
            "@ log_weather",
            """
w = np.exp(sharpness * (log_weather @ weather))
return (w / w.sum()) @ log_weather[:, :2]
""",
        ),
        wrong(
            "only the best entry",
            "argmax",
            """
match = log_weather @ weather * sharpness
return log_direction[match.argmax()]
""",
        ),
        wrong(
            "minus the sharpness",
            "-sharpness",
            """
w = np.exp(-sharpness * np.einsum("nc,c->n", log_weather, weather))
return np.average(log_direction, axis=0, weights=w)
""",
        ),
        wrong(
            "the sharpness is left out",
            "np.exp(log_weather @ weather)",
            """
w = np.exp(log_weather @ weather)
w = w / w.sum()
total = np.zeros(2)
for wi, d in zip(w, log_direction):
    total += wi * d
return total
""",
            says="the sharpness has no effect",
        ),
        wrong(
            "a plain mean of all directions",
            "mean",
            """
match = sharpness * (log_weather @ weather)
return log_direction.mean(axis=0)
""",
        ),
        wrong(
            "only two of the three numbers are compared",
            "[:, :2]",
            """
w = np.exp(sharpness * (log_weather[:, :2] @ weather[:2]))
return (w / w.sum()) @ log_direction
""",
        ),
        wrong(
            "the blend is brought to length 1",
            "np.linalg.norm",
            """
blend = soft_lookup(weather, log_weather, log_direction, sharpness)
return blend / np.linalg.norm(blend)
""",
            says="it stretches the answer to length 1",
        ),
        right("""
return soft_lookup_all(weather[None], log_weather, log_direction, sharpness)[0]
"""),
        right("""
e = [np.exp(sharpness * sum(a * b for a, b in zip(row, weather))) for row in log_weather]
return sum(x * d for x, d in zip(e, log_direction)) / sum(e)
"""),
    ],
}
