"""Answers to the exercises of lesson 2."""

from held_out import right, wrong

ANSWERS = {
    "bilinear_score": [
        wrong(
            "the matrix is transposed",
            "w_match.T",
            """
return query @ w_match.T @ key.T
""",
            says="`w_match` is turned the wrong way round",
        ),
        wrong(
            "the letters of the matrix are swapped",
            "qd,ed,ke->qk",
            """
return np.einsum("qd,ed,ke->qk", query, w_match, key)
""",
            says="`w_match` is turned the wrong way round",
        ),
        wrong(
            "one row per key",
            "qd,de,ke->kq",
            """
return np.einsum("qd,de,ke->kq", query, w_match, key)
""",
            says="the scores are transposed, one row per key",
        ),
        wrong(
            "queries and keys have swapped places",
            "key @ w_match",
            """
translated = key @ w_match
return (translated @ query.T).T
""",
            says="`w_match` is turned the wrong way round",
        ),
        wrong(
            "the matrix is left out",
            "query @ key.T",
            """
return query @ key.T
""",
            says="`w_match` has no effect",
        ),
        wrong(
            "the keys go through the matrix from the left",
            "w_match @ q",
            """
out = np.empty((len(query), len(key)))
for i, q in enumerate(query):
    out[i] = key @ (w_match @ q)
return out
""",
            says="`w_match` is turned the wrong way round",
        ),
        wrong(
            "divided by the root of d",
            "np.sqrt",
            """
scores = query.dot(w_match).dot(key.T)
return scores / np.sqrt(query.shape[1])
""",
        ),
        right("""
return (key @ (query @ w_match).T).T
"""),
        right("""
return np.tensordot(query, np.inner(w_match, key), axes=1)
"""),
    ],
    "cosine_score": [
        wrong(
            "divided by the squares of the lengths",
            ("(query**2)", "(key**2)"),
            """
dots = query @ key.T
q = (query**2).sum(1)
k = (key**2).sum(1)
return dots / np.outer(q, k)
""",
            says="it divides by the squares of the lengths",
        ),
        wrong(
            "the keys keep their lengths",
            "return q @ key.T",
            """
q = query / np.linalg.norm(query, axis=1, keepdims=True)
return q @ key.T
""",
            says="the lengths of the keys are left in",
        ),
        wrong(
            "lengths over the wrong axis",
            ("query, axis=0", "key, axis=0"),
            """
q = query / np.linalg.norm(query, axis=0)
k = key / np.linalg.norm(key, axis=0)
return np.einsum("id,jd->ij", q, k)
""",
            says="the lengths are measured over the wrong axis, down the",
        ),
        wrong(
            "one length for all keys",
            "np.linalg.norm(key)",
            """
q = query / np.sqrt((query * query).sum(-1))[:, None]
k = key / np.linalg.norm(key)
return q @ k.T
""",
        ),
        wrong(
            "a small number is added to the lengths",
            "1e-6",
            """
nq = np.linalg.norm(query, axis=-1, keepdims=True)
nk = np.linalg.norm(key, axis=-1, keepdims=True)
return (query @ key.T) / (nq * nk.T + 1e-6)
""",
        ),
        wrong(
            "the wrong length for the keys",
            "np.linalg.norm(q) ** 2",
            """
scores = np.zeros((len(query), len(key)))
for i, q in enumerate(query):
    for j, k in enumerate(key):
        scores[i, j] = q @ k / np.linalg.norm(q) ** 2
return scores
""",
        ),
        wrong(
            "the scores stay whole numbers",
            "dtype=query.dtype",
            """
scores = np.zeros((len(query), len(key)), dtype=query.dtype)
for i in range(len(query)):
    for j in range(len(key)):
        lengths = np.linalg.norm(query[i]) * np.linalg.norm(key[j])
        scores[i, j] = query[i] @ key[j] / lengths
return scores
""",
        ),
        wrong(
            "the angle and not its cosine",
            "np.arccos",
            """
norms = np.outer(np.linalg.norm(query, axis=1), np.linalg.norm(key, axis=1))
return np.arccos(np.clip(query @ key.T / norms, -1, 1))
""",
        ),
        right("""
unit = lambda x: (x.T / np.hypot.reduce(x.T.astype(float))).T
return np.inner(unit(query), unit(key))
"""),
        right("""
return np.array([[q @ k / (q @ q) ** 0.5 / (k @ k) ** 0.5 for k in key * 1.0] for q in query * 1.0])
"""),
    ],
    "additive_score": [
        wrong(
            "no tanh",
            "hidden = ",
            """
hidden = (query @ w_query)[:, None] + (key @ w_key)[None]
return hidden @ v
""",
            says="the tanh is left out",
        ),
        wrong(
            "tanh of each side before they are added",
            "np.tanh(query @ w_query)",
            """
a = np.tanh(query @ w_query)
b = np.tanh(key @ w_key)
return (a[:, None, :] + b[None, :, :]) @ v
""",
            says="the tanh is taken of each side alone",
        ),
        wrong(
            "multiplied and not added",
            "a * b",
            """
a = (query @ w_query)[:, None, :]
b = (key @ w_key)[None, :, :]
return np.tanh(a * b) @ v
""",
            says="the two sides are multiplied",
        ),
        wrong(
            "one row per key",
            "kqh",
            """
q = query @ w_query
k = key @ w_key
hidden = np.tanh(k[:, None] + q[None])
return np.einsum("kqh,h->kq", hidden, v)
""",
            says="the pairs come out as (n_k, n_q)",
        ),
        wrong(
            "v inside the tanh",
            "@ v)",
            """
q = (query @ w_query)[:, None]
k = (key @ w_key)[None]
return np.tanh((q + k) @ v)
""",
            says="the tanh is taken last",
        ),
        wrong(
            "v is left out",
            "sum(-1)",
            """
pairs = np.tanh((query @ w_query)[:, None, :] + key @ w_key)
return pairs.sum(-1)
""",
            says="the hidden units are added up without `v`, which says how",
        ),
        wrong(
            "minus in place of plus",
            "q @ w_query - k @ w_key",
            """
out = np.zeros((len(query), len(key)))
for i, q in enumerate(query):
    for j, k in enumerate(key):
        out[i, j] = v @ np.tanh(q @ w_query - k @ w_key)
return out
""",
            says="the two sides are subtracted",
        ),
        wrong(
            "sigmoid in place of tanh",
            "np.exp",
            """
hidden = (query @ w_query)[:, None, :] + (key @ w_key)[None, :, :]
hidden = 1 / (1 + np.exp(-hidden))
return (hidden * v).sum(axis=-1)
""",
        ),
        right("""
both = np.add.outer((query @ w_query).T, (key @ w_key).T)
h = range(len(v))
return sum(v[i] * np.tanh(both[i, :, i, :]) for i in h)
"""),
        right("""
z = np.exp(-2 * abs(both := (query @ w_query)[:, None] + key @ w_key))
return (np.sign(both) * (1 - z) / (1 + z)).dot(v)
"""),
    ],
    "diagnose_cosine": [
        wrong(
            "1 and 2 are swapped",
            ("return 1", "return 2"),
            """
nq = np.linalg.norm(query, axis=1, keepdims=True)
nk = np.linalg.norm(key, axis=1)
d = query @ key.T
if np.allclose(scores, d / nq / nk, atol=1e-4):
    return 0
if np.allclose(scores, d / nq, atol=1e-4):
    return 2
if np.allclose(scores, d / nk, atol=1e-4):
    return 1
if np.allclose(scores, d / (nq * nk) ** 2, atol=1e-4):
    return 4
return 3
""",
            says="faults 1 and 2 are swapped",
        ),
        wrong(
            "never finds 3",
            "if np.abs(scores",
            """
nq = np.linalg.norm(query, axis=1)[:, None]
nk = np.linalg.norm(key, axis=1)
d = query @ key.T
suspects = {0: d / nq / nk, 1: d / nq, 2: d / nk, 4: d / (nq * nk) ** 2}
best, least = 0, np.inf
for number, suspect in suspects.items():
    if np.abs(scores - suspect).max() < least:
        best, least = number, np.abs(scores - suspect).max()
return best
""",
            says="never finds 3",
        ),
        wrong(
            "counts from 1",
            "+ 1",
            """
q = np.linalg.norm(query, axis=1)[:, None]
k = np.linalg.norm(key, axis=1)
dot = query @ key.T
cols = (query / np.linalg.norm(query, axis=0)) @ (key / np.linalg.norm(key, axis=0)).T
all_ = np.array([dot / (q * k), dot / q, dot / k, cols, dot / (q * k) ** 2])
return int(np.argmin(np.abs(all_ - scores).max((1, 2)))) + 1
""",
            says="it counts from 1",
        ),
        wrong(
            "the largest gap, not the smallest",
            "np.argmax",
            """
q = np.sqrt(np.sum(query**2, axis=1))[:, None]
k = np.sqrt(np.sum(key**2, axis=1))[None]
dot = query @ key.T
cols = (query / np.linalg.norm(query, axis=0)) @ (key / np.linalg.norm(key, axis=0)).T
versions = [dot / q / k, dot / q, dot / k, cols, dot / q**2 / k**2]
gaps = [np.linalg.norm(v - scores) for v in versions]
return int(np.argmax(gaps))
""",
            says="it says which suspect fits worst",
        ),
        wrong(
            "the exact comparison fails on rounded numbers",
            "np.array_equal",
            """
q = np.linalg.norm(query, axis=1)[:, None]
k = np.linalg.norm(key, axis=1)
dot = query @ key.T
cols = (query / np.linalg.norm(query, axis=0)) @ (key / np.linalg.norm(key, axis=0)).T
versions = [dot / q / k, dot / q, dot / k, cols, dot / (q * k) ** 2]
for number, version in enumerate(versions):
    if np.array_equal(version, scores):
        return number
return 0
""",
            says="it says 0 for every input",
        ),
        wrong(
            "fault 3 divides the keys by nothing",
            "@ key.T / 1",
            """
nq = np.linalg.norm(query, axis=1, keepdims=True)
nk = np.linalg.norm(key, axis=1, keepdims=True)
columns = query / np.linalg.norm(query, axis=0) @ key.T / 1
raw = query @ key.T
all_ = [raw / nq / nk.T, raw / nq, raw / nk.T, columns, raw / nq**2 / nk.T**2]
return int(np.argmin([np.sum((scores - a) ** 2) for a in all_]))
""",
        ),
        wrong(
            "only scores above 1 are suspicious",
            "if scores.max() <= 1",
            """
if scores.max() <= 1:
    return 0
q = np.linalg.norm(query, axis=1)[:, None]
k = np.linalg.norm(key, axis=1)
dot = query @ key.T
cols = (query / np.linalg.norm(query, axis=0)) @ (key / np.linalg.norm(key, axis=0)).T
gaps = [np.abs(scores - s).max() for s in (dot / q, dot / k, cols, dot / (q * k) ** 2)]
return int(np.argmin(gaps)) + 1
""",
            says="it takes all scores within ±1 for cosines",
        ),
        right("""
n = np.linalg.norm
d = query @ key.T
a, b = n(query, axis=1)[:, None], n(key, axis=1)[None]
cols = np.einsum("id,jd,d,d->ij", query, key, 1 / n(query, axis=0), 1 / n(key, axis=0))
table = np.stack([d / a / b, d / a, d / b, cols, d / a**2 / b**2])
return int(((table - scores) ** 2).sum((1, 2)).argmin())
"""),
        right("""
def norm(x, axis):
    return np.sqrt((x * x).sum(axis=axis, keepdims=True))
def fits(q, k):
    return np.allclose(q @ k.T, scores, rtol=1e-4, atol=1e-4)
q, k = norm(query, 1), norm(key, 1)
tests = [fits(query / q, key / k), fits(query / q, key), fits(query, key / k),
         fits(query / norm(query, 0), key / norm(key, 0)), fits(query / q**2, key / k**2)]
return tests.index(True)
"""),
    ],
}
