"""Answers to the exercises of lesson 4."""

from held_out import right, wrong

ANSWERS = {
    "attend": [
        wrong(
            "the rows are divided by their sums",
            ("weights.sum", "np.matmul(w"),
            """
w = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
return np.matmul(w, value)
""",
        ),
        wrong(
            "the values are never summed",
            "None] * value",
            """
mixed = weights[:, :, None] * value
return mixed
""",
            says="it multiplies element by element and does not add up",
        ),
        wrong(
            "summed over the queries",
            "sum(axis=0)",
            """
products = weights[:, :, None] * value[None]
return products.sum(axis=0)
""",
        ),
        wrong(
            "the mix is cut to whole numbers",
            "astype(value.dtype)",
            """
out = np.einsum("qk,kv->qv", weights, value)
return out.astype(value.dtype)
""",
        ),
        wrong(
            "a mean in place of a sum",
            "mean(axis=1)",
            """
return (weights[..., None] * value).mean(axis=1)
""",
            says="it takes the mean over the keys, not the sum",
        ),
        wrong(
            "the result is transposed",
            "kv,qk->vq",
            """
return np.einsum("kv,qk->vq", value, weights)
""",
            says="it returns the transpose",
        ),
        wrong(
            "only the value with the largest weight",
            "argmax",
            """
best = weights.argmax(axis=1)
return value[best] * 1.0
""",
            says="it returns the one value with the largest weight",
        ),
        wrong(
            "the last key is left out",
            "len(value) - 1",
            """
out = np.zeros((weights.shape[0], value.shape[1]))
for j in range(len(value) - 1):
    out += np.outer(weights[:, j], value[j])
return out
""",
        ),
        right("""
return sum(np.outer(w, v) for w, v in zip(weights.T, value))
"""),
        right("""
return np.inner(value.T, weights).T
"""),
    ],
    "outside_hull": [
        wrong(
            "all rulers must prove it",
            "all(axis=1)",
            """
p = point @ ruler.T
v = value @ ruler.T
out = (p > v.max(0)) | (p < v.min(0))
return out.all(axis=1)
""",
            says="it asks that every ruler proves the point outside",
        ),
        wrong(
            "a reading equal to the highest counts",
            (">=", "<="),
            """
p = np.einsum("pd,rd->pr", point, ruler)
v = np.einsum("kd,rd->kr", value, ruler)
return ((p >= v.max(axis=0)) | (p <= v.min(axis=0))).any(axis=1)
""",
        ),
        wrong(
            "only above is tested",
            "return",
            """
p, v = point @ ruler.T, value @ ruler.T
highest = v.max(axis=0)
return np.any(p > highest, axis=1)
""",
            says="it looks at one end of the ruler only",
        ),
        wrong(
            "both at once, which never happens",
            "&",
            """
p, v = point.dot(ruler.T), value.dot(ruler.T)
return np.any((p > v.max(axis=0)) & (p < v.min(axis=0)), axis=1)
""",
        ),
        wrong(
            "one range for all rulers",
            ("v.max()", "v.min()"),
            """
p = point @ ruler.T
v = value @ ruler.T
return np.array([any(x > v.max() or x < v.min() for x in row) for row in p])
""",
            says="it takes one highest and one lowest reading for all rulers",
        ),
        wrong(
            "one answer per ruler",
            "axis=0).T",
            """
p = ruler @ point.T
v = ruler @ value.T
bad = (p > v.max(1)[:, None]) | (p < v.min(1)[:, None])
return bad.T.any(axis=0).T
""",
        ),
        wrong(
            "True for those inside",
            "return ~",
            """
p = point @ ruler.T
v = value @ ruler.T
found = ((p > v.max(0)) | (p < v.min(0))).any(-1)
return ~found
""",
            says="True and False are swapped",
        ),
        wrong(
            "only the last ruler counts",
            "out[i] = ",
            """
out = np.zeros(len(point), bool)
for i, p in enumerate(point):
    for r in ruler:
        seen = value @ r
        out[i] = p @ r > seen.max() or p @ r < seen.min()
return out
""",
        ),
        right("""
v, p = ruler @ value.T, ruler @ point.T
inside = (p >= v.min(1, keepdims=True)) & (p <= v.max(1, keepdims=True))
return np.logical_not(np.logical_and.reduce(inside, axis=0))
"""),
        right("""
def proves(p, r):
    seen = [v @ r for v in value]
    return not min(seen) <= p @ r <= max(seen)
return np.array([any(proves(p, r) for r in ruler) for p in point])
"""),
    ],
    "leave_one_out": [
        wrong(
            "a place has a say about itself",
            "softmax(scores)",
            """
scores = gaussian_score(key, key, bandwidth)
weights = softmax(scores)
return weights @ value
""",
            says="each place has a say in its own prediction",
        ),
        wrong(
            "the diagonal is 0 after the softmax, and not shared out",
            "fill_diagonal",
            """
w = softmax(gaussian_score(key, key, bandwidth))
np.fill_diagonal(w, 0)
return w @ value
""",
            says="each place's own weight is set to 0 after the softmax, so",
        ),
        wrong(
            "a score of 0 hides nothing",
            "= 0",
            """
scores = gaussian_score(key, key, bandwidth)
i = np.arange(len(key))
scores[i, i] = 0
return softmax(scores) @ value
""",
            says="each place has a say in its own prediction",
        ),
        wrong(
            "distant places are hidden too, since their kernel is 0",
            "np.exp",
            """
d2 = ((key[:, None] - key[None]) ** 2).sum(-1)
k = np.exp(-d2 / (2 * bandwidth**2))
np.fill_diagonal(k, 0)
return k @ value / k.sum(axis=1, keepdims=True)
""",
            says="far from all others every `np.exp` is 0, and 0 divided by 0",
        ),
        wrong(
            "the 2 is missing",
            "d2 / bandwidth**2",
            """
d2 = ((key[:, None, :] - key[None, :, :]) ** 2).sum(axis=2)
s = -d2 / bandwidth**2
s[np.eye(len(key), dtype=bool)] = -np.inf
return softmax(s, axis=1) @ value
""",
        ),
        wrong(
            "shares out over the queries",
            "axis=0",
            """
s = gaussian_score(key, key, bandwidth)
s = np.where(np.eye(len(s)) == 1, -np.inf, s)
w = softmax(s, axis=0)
return np.einsum("ij,jd->id", w, value)
""",
            says="the sum runs over the wrong axis",
        ),
        wrong(
            "predictions are whole numbers",
            "np.zeros_like(value)",
            """
out = np.zeros_like(value)
for i in range(len(key)):
    s = gaussian_score(key[i : i + 1], np.delete(key, i, 0), bandwidth)
    out[i] = (softmax(s) @ np.delete(value, i, 0))[0]
return out
""",
        ),
        wrong(
            "all at the same place are hidden",
            "scores == 0",
            """
scores = gaussian_score(key, key, bandwidth)
scores = np.where(scores == 0, -np.inf, scores)
return softmax(scores) @ value
""",
        ),
        right("""
out = []
for i in range(len(key)):
    rest = np.arange(len(key)) != i
    d2 = ((key[rest] - key[i]) ** 2).sum(1)
    w = np.exp((d2.min() - d2) / (2 * bandwidth**2))
    out.append(np.average(value[rest], axis=0, weights=w))
return np.array(out)
"""),
        right("""
s = gaussian_score(key, key, bandwidth) + np.diag(np.full(len(key), -np.inf))
e = np.exp(s - s.max(1)[:, None])
return (e / e.sum(1)[:, None]).dot(value)
"""),
    ],
    "diagnose_mix": [
        wrong(
            "0 and 1 are swapped",
            "return 0 if",
            """
if np.allclose(weights.sum(1), 1):
    return 0 if (np.diagonal(weights) > 0).any() else 1
if np.allclose(weights.sum(0), 1):
    return 3
return 4 if np.isclose(weights.sum(), 1) else 2
""",
        ),
        wrong(
            "exact comparison of sums",
            "== 1",
            """
rows = weights.sum(axis=1)
if (rows == 1).all():
    return 1 if weights.trace() > 0 else 0
if np.allclose(weights.sum(axis=0), 1):
    return 3
if np.allclose(weights.sum(), 1):
    return 4
return 2
""",
        ),
        wrong(
            "rows and columns are swapped",
            ("sum(axis=0), 1", "sum(axis=1), 1"),
            """
if np.allclose(weights.sum(axis=0), 1):
    if weights.trace() > 0:
        return 1
    return 0
elif np.allclose(weights.sum(axis=1), 1):
    return 3
elif np.allclose(weights.sum(), 1):
    return 4
else:
    return 2
""",
            says="rows and columns are swapped",
        ),
        wrong(
            "never finds 4",
            "return 2",
            """
rows_ok = np.allclose(weights.sum(1), 1, atol=1e-4)
cols_ok = np.allclose(weights.sum(0), 1, atol=1e-4)
if rows_ok and np.trace(weights) > 1e-9:
    return 1
if rows_ok:
    return 0
if cols_ok:
    return 3
return 2
""",
            says="it takes all rows below 1 for fault 2",
        ),
        wrong(
            "2 and 4 are swapped",
            ("return 2", "return 4"),
            """
r, c = weights.sum(1), weights.sum(0)
if np.all(np.abs(r - 1) < 1e-4):
    return int(np.any(np.diag(weights) > 0))
if np.all(np.abs(c - 1) < 1e-4):
    return 3
if abs(r.sum() - 1) < 1e-4:
    return 2
return 4
""",
            says="2 and 4 are swapped",
        ),
        wrong(
            "the tolerance is too small for rounded numbers",
            "1e-9",
            """
near = lambda x: np.abs(x - 1) < 1e-9
if near(weights.sum(1)).all():
    return 1 if np.diag(weights).max() > 0 else 0
if near(weights.sum(0)).all():
    return 3
return 4 if near(weights.sum()) else 2
""",
        ),
        wrong(
            "the whole square is asked for n and not for 1",
            "len(weights))",
            """
if np.allclose(weights.sum(axis=-1), 1):
    return int(np.diag(weights).sum() > 0)
if np.allclose(weights.sum(axis=-2), 1):
    return 3
if np.isclose(weights.sum(), len(weights)):
    return 4
return 2
""",
        ),
        right("""
rows, columns, every = weights.sum(1), weights.sum(0), weights.sum()
close = lambda x: bool(np.all(abs(x - 1) < 1e-3))
answers = [close(rows) and weights.trace() == 0, close(rows), close(columns), close(every)]
numbers = [0, 1, 3, 4, 2]
return numbers[(answers + [True]).index(True)]
"""),
        right("""
n = len(weights)
if np.diag(weights).any():
    return 1
total = weights.sum()
if abs(total - 1) < 1e-3 and n > 1:
    return 4
if abs(total - n) > 1e-3 * n and not np.allclose(weights.sum(0), 1, atol=1e-4):
    return 2
return 0 if np.allclose(weights @ np.ones(n), 1, atol=1e-4) else 3 if np.allclose(np.ones(n) @ weights, 1, atol=1e-4) else 2
"""),
    ],
}
