"""Answers to the exercises of lesson 16."""

from held_out import right, wrong

GELU = """
a = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
"""
ANSWERS = {
    "exact_gelu": [
        wrong(
            "the sign is not put back",
            "erf = 1 - ",
            GELU
            + """
z = abs(x) / np.sqrt(2)
t = 1 / (1 + 0.3275911 * z)
p = np.zeros_like(z)
for i in range(5):
    p = p + a[i] * t ** (i + 1)
erf = 1 - p * np.exp(-z**2)
return x / 2 * (1 + erf)
""",
            says="negative numbers get the erf of positive ones",
        ),
        wrong(
            "negative numbers go into the approximation",
            "z = x / ",
            GELU
            + """
z = x / np.sqrt(2)
t = 1 / (1 + 0.3275911 * z)
p = t * (a[0] + t * (a[1] + t * (a[2] + t * (a[3] + t * a[4]))))
return 0.5 * x * (1 + np.sign(x) * (1 - p * np.exp(-z * z)))
""",
        ),
        wrong(
            "the powers begin at 0",
            "t**i",
            GELU
            + """
z = np.abs(x) / 2**0.5
t = 1 / (1 + 0.3275911 * z)
p = sum(c * t**i for i, c in enumerate(a))
erf = np.where(x < 0, -1, 1) * (1 - p * np.exp(-(z**2)))
return 0.5 * x * (1 + erf)
""",
        ),
        wrong(
            "not divided by the root of 2",
            "z = np.abs(x)",
            GELU
            + """
z = np.abs(x)
t = 1 / (1 + 0.3275911 * z)
p = np.polyval(a[::-1] + [0], t)
return 0.5 * x * (1 + np.sign(x) * (1 - p * np.exp(-z * z)))
""",
        ),
        wrong(
            "the tanh form, which is not exact",
            "np.tanh",
            """
inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
return 0.5 * x * (1 + np.tanh(inner))
""",
            says="it is the form with tanh, which differs by up to 0.0005",
        ),
        wrong(
            "the exponent lacks its sign",
            "np.exp(z * z)",
            GELU
            + """
z = np.abs(x) / np.sqrt(2)
t = 1 / (1 + 0.3275911 * z)
p = sum(c * t ** (k + 1) for k, c in enumerate(a))
return 0.5 * x * (1 + np.sign(x) * (1 - p * np.exp(z * z)))
""",
        ),
        wrong(
            "half is forgotten",
            "return x * ",
            """
from math import erf
e = np.vectorize(erf, otypes=[float])(x / 2**0.5)
return x * (1 + e)
""",
            says="the half is missing",
        ),
        right("""
import math
flat = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in np.ravel(x).tolist()]
return np.reshape(flat, np.shape(x))
"""),
        right(
            GELU
            + """
z = np.sqrt(x * x / 2)
t = np.reciprocal(1 + 0.3275911 * z)
tail = 0.5 * np.polyval([*a[::-1], 0], t) * np.exp(-x * x / 2)
return np.where(x >= 0, x - x * tail, x * tail)
"""
        ),
    ],
    "mean_pool": [
        wrong(
            "padding is averaged too",
            "mean(axis=1)",
            """
return x.mean(axis=1)
""",
            says="it pools the padding",
        ),
        wrong(
            "divided by n and not by the length",
            "mean(axis=1)",
            """
keep = np.arange(x.shape[1])[None, :, None] < lengths[:, None, None]
return np.where(keep, x, 0).mean(axis=1)
""",
            says="the padding is left out of the sum, but counted",
        ),
        wrong(
            "one token too many",
            "<= lengths",
            """
keep = np.arange(x.shape[1]) <= lengths[:, None]
return np.einsum("bnd,bn->bd", x, keep.astype(float)) / lengths[:, None]
""",
        ),
        wrong(
            "the last real token is left out",
            "n - 1",
            """
out = []
for text, n in zip(x, lengths):
    out.append(text[: max(1, n - 1)].mean(axis=0))
return np.array(out)
""",
        ),
        wrong(
            "the sum in place of the mean",
            "return",
            """
keep = np.arange(x.shape[1]) < lengths[:, None]
return (x * keep[..., None]).sum(axis=1)
""",
            says="it does not divide",
        ),
        wrong(
            "all are divided by the first length",
            "lengths[0]",
            """
keep = np.arange(x.shape[1]) < lengths[:, None]
return (keep[..., None] * x).sum(1) / lengths[0]
""",
        ),
        wrong(
            "padding is shown and the rest hidden",
            ">= lengths",
            """
keep = np.arange(x.shape[1]) >= lengths[:, None]
total = (x * keep[:, :, None]).sum(axis=1)
return total / lengths[:, None]
""",
        ),
        wrong(
            "a mean over the components",
            "axis=1)",
            """
rows = []
for i in range(len(x)):
    rows.append(np.resize(x[i, : lengths[i]].mean(axis=1), x.shape[2]))
return np.stack(rows)
""",
        ),
        right("""
running = np.cumsum(x, axis=1)
return running[np.arange(len(x)), lengths - 1] / lengths.reshape(-1, 1)
"""),
        right("""
w = np.clip(lengths[:, None] - np.arange(x.shape[1]), 0, 1) / lengths[:, None]
return np.matmul(w[:, None, :], x)[:, 0]
"""),
    ],
    "nearest_texts": [
        wrong(
            "the lengths of the texts count",
            "asked @ index.T",
            """
s = asked @ index.T
return np.argsort(-s, axis=1)[:, :most]
""",
            says="it is the plain dot product",
        ),
        wrong(
            "the furthest first",
            "np.argsort(c",
            """
c = asked @ (index / np.linalg.norm(index, axis=1, keepdims=True)).T
return np.argsort(c, axis=1)[:, :most]
""",
            says="the worst comes first",
        ),
        wrong(
            "the nearest last",
            "[:, -most:]",
            """
unit = index / np.sqrt((index**2).sum(1))[:, None]
c = np.einsum("md,td->mt", asked, unit)
return np.argsort(c, axis=-1)[:, -most:]
""",
            says="the right texts come in the wrong order",
        ),
        wrong(
            "divided by the squares of the lengths",
            "(index * index).sum",
            """
c = asked @ index.T / (index * index).sum(axis=1)
return (-c).argsort(axis=1)[:, :most]
""",
            says="it divides by the squared length of a text",
        ),
        wrong(
            "one row per text",
            "axis=0",
            """
c = asked @ (index / np.linalg.norm(index, axis=1)[:, None]).T
return np.argsort(-c, axis=0)[:most].T
""",
        ),
        wrong(
            "the lengths are measured over the wrong axis",
            "axis=0)",
            """
unit = index / np.linalg.norm(index, axis=0)
order = np.argsort(-(asked @ unit.T), axis=1)
return order[:, :most]
""",
        ),
        wrong(
            "cosines in place of numbers",
            "np.sort",
            """
unit = index / np.linalg.norm(index, axis=1, keepdims=True)
q = asked / np.linalg.norm(asked, axis=1, keepdims=True)
return -np.sort(-(q @ unit.T), axis=1)[:, :most]
""",
            says="it returns cosines",
        ),
        wrong(
            "the nearest is left out",
            "1 : most + 1",
            """
unit = index / np.linalg.norm(index, axis=1, keepdims=True)
order = np.argsort(-(asked @ unit.T), axis=1)
if order.shape[1] == most:
    return np.roll(order, -1, axis=1)
return order[:, 1 : most + 1]
""",
        ),
        right("""
u = index / np.linalg.norm(index, axis=1, keepdims=True)
a = asked / np.linalg.norm(asked, axis=1, keepdims=True)
far = ((a[:, None] - u[None]) ** 2).sum(-1)
return far.argsort(1)[:, :most]
"""),
        right("""
def near(q):
    return sorted(range(len(index)), key=lambda i: -(q @ index[i]) / np.linalg.norm(index[i]))[:most]
return np.array([near(q) for q in asked])
"""),
    ],
    "looks_healthy": [
        wrong(
            "a text is its own nearest",
            "argmax(axis=1)",
            """
def nearest(x):
    return (x @ x.T).argmax(axis=1)
best, most = -1, -1
for i, v in enumerate(versions):
    if np.abs(v - right).max() > 1e-5:
        kept = np.sum(nearest(v) == nearest(right))
        if kept > most:
            best, most = i, kept
return best
""",
            says="each text is its own nearest",
        ),
        wrong(
            "right models compete too",
            "kept = ",
            """
def nearest(x):
    c = x @ x.T
    c[np.diag_indices(len(c))] = -2
    return c.argmax(1)
kept = [(nearest(v) == nearest(right)).sum() for v in versions]
return int(np.argmax(kept))
""",
            says="it finds a right model",
        ),
        wrong(
            "the sickest wins",
            "kept < least",
            """
def nearest(x):
    c = x @ x.T
    np.fill_diagonal(c, -np.inf)
    return c.argmax(1)
best, least = -1, np.inf
for i, v in enumerate(versions):
    kept = (nearest(v) == nearest(right)).mean()
    if np.abs(v - right).max() > 1e-5 and kept < least:
        best, least = i, kept
return best
""",
            says="it finds the wrong model that looks sickest",
        ),
        wrong(
            "the tolerance is far too large",
            "> 0.1",
            """
def nearest(x):
    c = x @ x.T - 9 * np.eye(len(x))
    return c.argmax(axis=1)
best, most = -1, -1
for i, v in enumerate(versions):
    kept = (nearest(v) == nearest(right)).sum()
    if np.abs(v - right).max() > 0.1 and kept > most:
        best, most = i, kept
return best
""",
        ),
        wrong(
            "the model with the smallest gap, not with the most neighbours",
            "gap < least",
            """
best, least = -1, np.inf
for i, v in enumerate(versions):
    gap = np.abs(v - right).max()
    if gap > 1e-5 and gap < least:
        best, least = i, gap
return best
""",
        ),
        wrong(
            "0 where none is wrong",
            "best, most = 0",
            """
def nearest(x):
    c = x @ x.T
    np.fill_diagonal(c, -np.inf)
    return c.argmax(1)
best, most = 0, -1
for i, v in enumerate(versions):
    kept = (nearest(v) == nearest(right)).sum()
    if np.abs(v - right).max() > 1e-5 and kept > most:
        best, most = i, kept
return best
""",
            says="it says 0 where no model is wrong",
        ),
        wrong(
            "only neighbours that changed make a model wrong",
            "same < len(right)",
            """
def nearest(x):
    c = x @ x.T
    c = np.where(np.eye(len(c), dtype=bool), -np.inf, c)
    return np.argmax(c, axis=1)
best, most = -1, -1
for i, v in enumerate(versions):
    same = np.count_nonzero(nearest(v) == nearest(right))
    if same < len(right) and same > most:
        best, most = i, same
return best
""",
        ),
        right("""
c = np.einsum("mtd,mud->mtu", versions, versions)
c[:, range(len(right)), range(len(right))] = -9
r = right @ right.T - 9 * np.eye(len(right))
kept = (c.argmax(2) == r.argmax(1)).sum(1)
kept = np.where(np.abs(versions - right).max((1, 2)) > 1e-5, kept, -1)
return int(kept.argmax()) if kept.max() >= 0 else -1
"""),
        right("""
def friends(x):
    return [max((j for j in range(len(x)) if j != i), key=lambda j: x[i] @ x[j]) for i in range(len(x))]
wrong_ones = [i for i, v in enumerate(versions) if not np.allclose(v, right, rtol=0, atol=1e-5)]
truth = friends(right)
return max(wrong_ones, key=lambda i: sum(a == b for a, b in zip(friends(versions[i]), truth)), default=-1)
"""),
    ],
}
