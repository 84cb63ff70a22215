"""Answers to the exercises of lesson 3."""

from held_out import right, wrong

ANSWERS = {
    "stable_softmax": [
        wrong(
            "nothing is subtracted",
            "np.exp(x)",
            """
e = np.exp(x)
return e / np.sum(e, axis=-1, keepdims=True)
""",
            says="large scores overflow",
        ),
        wrong(
            "one maximum for the whole array",
            "np.max(x)",
            """
z = x - np.max(x)
return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
""",
            says="one maximum is subtracted from all rows, and a row far",
        ),
        wrong(
            "one sum for the whole array",
            "e.sum()",
            """
m = np.amax(x, axis=-1, keepdims=True)
e = np.exp(np.subtract(x, m))
return np.divide(e, e.sum())
""",
        ),
        wrong(
            "the maximum is added",
            "x + m",
            """
m = x.max(-1)[..., None]
w = np.exp(x + m)
return w / w.sum(-1)[..., None]
""",
        ),
        wrong(
            "shares out over the first axis",
            ("max(axis=0", "sum(axis=0"),
            """
s = x - x.max(axis=0, keepdims=True)
e = np.exp(s)
return e / e.sum(axis=0, keepdims=True)
""",
            says="the weights sum to 1 down the first axis",
        ),
        wrong(
            "the minimum is subtracted",
            "x.min",
            """
low = x.min(axis=-1, keepdims=True)
e = np.exp(x - low)
total = e.sum(axis=-1, keepdims=True)
return e / total
""",
        ),
        wrong(
            "writes into the scores of the caller",
            "x -= ",
            """
x -= np.max(x, axis=-1, keepdims=True)
e = np.exp(x)
e /= e.sum(axis=-1, keepdims=True)
return e
""",
        ),
        right("""
top = np.maximum.reduce(x, axis=-1, keepdims=True)
p = 2.0 ** ((x - top) * np.log2(np.e))
return np.einsum("...k,...->...k", p, 1 / p.sum(-1))
"""),
        right("""
log_sum = np.logaddexp.reduce(x * 1.0, axis=-1, keepdims=True)
return np.exp(x - log_sum)
"""),
    ],
    "softmax": [
        wrong(
            "the axis is fixed",
            "sum(axis=-1",
            """
z = x / temperature
z = z - z.max(axis=axis, keepdims=True)
e = np.exp(z)
return e / e.sum(axis=-1, keepdims=True)
""",
        ),
        wrong(
            "multiplied by the temperature",
            "* temperature",
            """
z = (x - np.max(x, axis=axis, keepdims=True)) * temperature
p = np.exp(z)
return p / np.sum(p, axis=axis, keepdims=True)
""",
            says="the scores are multiplied by the temperature",
        ),
        wrong(
            "the temperature divides the weights",
            "/ temperature",
            """
e = np.exp(x - x.max(axis, keepdims=True))
e = e / temperature
return e / e.sum(axis, keepdims=True)
""",
            says="the temperature has no effect",
        ),
        wrong(
            "the maximum runs along the last axis",
            "max(-1",
            """
e = np.exp((x - x.max(-1, keepdims=True)) / temperature)
return e / e.sum(axis=axis, keepdims=True)
""",
            says="the maximum is taken along a different axis from the sum,",
        ),
        wrong(
            "only x is divided, not what is subtracted",
            "x / temperature - ",
            """
z = x / temperature - x.max(axis=axis, keepdims=True)
e = np.exp(z)
return e / e.sum(axis=axis, keepdims=True)
""",
        ),
        wrong(
            "the axis is never moved back",
            "return w",
            """
moved = np.moveaxis(x, axis, -1) / temperature
e = np.exp(moved - moved.max(-1, keepdims=True))
w = e / e.sum(-1, keepdims=True)
return w
""",
        ),
        wrong(
            "the temperature is forgotten",
            "np.exp(x - ",
            """
largest = np.expand_dims(x.max(axis=axis), axis)
e = np.exp(x - largest)
return e / np.expand_dims(e.sum(axis=axis), axis)
""",
            says="the temperature has no effect",
        ),
        right("""
z = np.swapaxes(x / temperature, axis, -1)
return np.swapaxes(np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True)), axis, -1)
"""),
        right("""
def one(row):
    e = np.exp((row - row.max()) / temperature)
    return e / e.sum()
return np.apply_along_axis(one, axis, x * 1.0)
"""),
    ],
    "effective_keys": [
        wrong(
            "logarithm to the base 2",
            "np.log2",
            """
w = np.where(weights == 0, 1, weights)
h = -(w * np.log2(w)).sum(-1)
return np.exp(h)
""",
            says="the logarithm has base 2 and the exponential base e",
        ),
        wrong(
            "the sign of the entropy is lost",
            "np.exp(h)",
            """
safe = weights.copy()
safe[safe == 0] = 1
h = (safe * np.log(safe)).sum(axis=-1)
return np.exp(h)
""",
            says="the minus is missing",
        ),
        wrong(
            "the entropy and not its exponential",
            "return h",
            """
logs = np.log(np.where(weights > 0, weights, 1))
h = -np.einsum("...k,...k->...", weights, logs)
return h
""",
            says="it returns the entropy itself",
        ),
        wrong(
            "small weights are cut off",
            "1e-3",
            """
w = np.where(weights > 1e-3, weights, 1)
return np.exp(-np.sum(w * np.log(w), axis=-1))
""",
        ),
        wrong(
            "the zeros are not taken out",
            "np.log(weights)",
            """
h = -np.sum(weights * np.log(weights), axis=-1)
return np.exp(h)
""",
            says="a weight of 0 gives nan, because `np.log(0)` is −inf",
        ),
        wrong(
            "one number for all rows",
            "np.sum",
            """
safe = np.where(weights > 0, weights, 1.0)
h = -np.sum(weights * np.log(safe))
return np.exp(h)
""",
            says="it sums over all rows",
        ),
        wrong(
            "counts the keys with a weight above 0",
            "weights > 0",
            """
seen = weights > 0
return seen.sum(axis=-1)
""",
            says="it counts the keys whose weight is above 0",
        ),
        wrong(
            "not weighted",
            "np.log(safe).sum",
            """
safe = np.where(weights > 0, weights, 1.0)
return np.exp(-np.log(safe).sum(axis=-1))
""",
        ),
        right("""
positive = weights > 0
logs = np.log(weights, out=np.zeros_like(weights), where=positive)
return np.e ** np.negative(np.vecdot(weights, logs))
"""),
        right("""
return 1 / np.multiply.reduce(np.power(weights, weights), axis=-1)
"""),
    ],
    "diagnose_softmax": [
        wrong(
            "3 and 4 are swapped",
            ("return 3", "return 4"),
            """
def sm(z, ax):
    e = np.exp(z)
    return e / e.sum(axis=ax, keepdims=True)
if np.allclose(weights, sm(score / temperature, 1), atol=1e-5):
    return 0
if np.allclose(weights, sm(score / temperature, 0), atol=1e-5):
    return 1
if np.allclose(weights, sm(score, 1), atol=1e-5):
    return 3
if np.allclose(weights, sm(score * temperature, 1), atol=1e-5):
    return 4
return 2
""",
            says="3 and 4 are swapped",
        ),
        wrong(
            "sharper weights are taken for fault 3",
            "if sharp",
            """
right = softmax(score, -1, temperature)
if np.allclose(weights, right, atol=1e-5):
    return 0
if np.allclose(weights.sum(0), 1, atol=1e-5):
    return 1
if not np.allclose(weights.sum(1), 1, atol=1e-5):
    return 2
sharp = weights.max() > right.max()
if sharp:
    return 3
return 4
""",
            says="it tells 3 from 4 by whether the weights are too sharp or",
        ),
        wrong(
            "the axes of fault 1 and the right one are swapped",
            ("softmax(score, 0", "softmax(score, 1"),
            """
e = np.exp(score / temperature)
made = [softmax(score, 0, temperature), softmax(score, 1, temperature), e / e.sum(),
        softmax(score * temperature), softmax(score)]
return int(np.argmin([((weights - m) ** 2).sum() for m in made]))
""",
        ),
        wrong(
            "the signed gap, so that the most negative wins",
            "(weights - c).max()",
            """
e = np.exp(score / temperature)
cs = [e / e.sum(1, keepdims=True), e / e.sum(0), e / e.sum(),
      softmax(score * temperature, 1), softmax(score, 1)]
best = 0
gaps = []
for c in cs:
    gaps.append((weights - c).max())
return int(np.argmin(gaps))
""",
        ),
        wrong(
            "fault 2 is made without the temperature",
            "np.exp(score)",
            """
w2 = np.exp(score)
w2 = w2 / w2.sum()
all_ = [softmax(score, -1, temperature), softmax(score, 0, temperature), w2,
        softmax(score, -1, 1 / temperature), softmax(score, -1)]
fits = [np.allclose(weights, one, atol=1e-5) for one in all_]
return fits.index(True) if any(fits) else 0
""",
            says="never finds 2",
        ),
        wrong(
            "the exact comparison fails on rounded numbers",
            "(weights == c).all()",
            """
e = np.exp(score / temperature)
cs = [softmax(score, -1, temperature), softmax(score, 0, temperature), e / e.sum(),
      softmax(score * temperature, -1), softmax(score, -1)]
for i, c in enumerate(cs):
    if (weights == c).all():
        return i
return 0
""",
        ),
        wrong(
            "only the first row is compared",
            "[0]",
            """
e = np.exp(score / temperature)
cs = [e / e.sum(1, keepdims=True), e / e.sum(0), e / e.sum(),
      softmax(score * temperature), softmax(score)]
return min(range(4), key=lambda i: np.abs(weights - cs[i])[0].max())
""",
        ),
        right("""
e = lambda t: np.exp(score * t)
a, b, c = e(1 / temperature), e(temperature), e(1)
made = np.array([a / a.sum(1)[:, None], a / a.sum(0)[None], a / a.sum(),
                 b / b.sum(1)[:, None], c / c.sum(1)[:, None]])
return int(np.linalg.norm((made - weights).reshape(5, -1), axis=1).argmin())
"""),
        right("""
if not np.allclose(weights.sum(1), 1, atol=1e-4):
    return 1 if np.allclose(weights.sum(0), 1, atol=1e-4) else 2
fits = [np.abs(weights - softmax(score, -1, t)).max() for t in (temperature, 1 / temperature, 1)]
return (0, 3, 4)[int(np.argmin(fits))]
"""),
    ],
}
