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
    "temperature_of": [
        wrong(
            "the differences are divided the wrong way round",
            "np.log(chances[a] / chances[b]) / (",
            """
fine = np.flatnonzero(chances > 0)
a = fine[np.argmax(logits[fine])]
b = fine[np.argmin(logits[fine])]
return np.log(chances[a] / chances[b]) / (logits[a] - logits[b])
""",
            says="it is the sharpness, one over the temperature",
        ),
        wrong(
            "the chances are not put into logarithms",
            "w = chances[fine]",
            """
fine = chances > 0
w = chances[fine]
x = logits[fine]
return (x.max() - x.min()) / (w.max() - w.min())
""",
            says="take the logarithms of the chances first",
        ),
        wrong(
            "chances of 0 are kept",
            "order = np.argsort(logits)",
            """
order = np.argsort(logits)
low, high = order[0], order[-1]
return (logits[high] - logits[low]) / (np.log(chances[high]) - np.log(chances[low]))
""",
            says="a chance of 0 has no logarithm",
        ),
        wrong(
            "neighbours may tie, and 0 / 0 comes out",
            "i, j = 0, 1",
            """
i, j = 0, 1
return (logits[i] - logits[j]) / np.log(chances[i] / chances[j])
""",
        ),
        wrong(
            "the slope of the line is returned, not one over it",
            "return slope",
            """
ok = chances > 0
slope = np.polyfit(logits[ok], np.log(chances[ok]), 1)[0]
return slope
""",
            says="it is the sharpness, one over the temperature",
        ),
        wrong(
            "it fits the chances as if the logarithm had base 10",
            "np.log10",
            """
ok = chances != 0
y = np.log10(chances[ok])
x = logits[ok]
return (x[x.argmax()] - x[x.argmin()]) / (y[x.argmax()] - y[x.argmin()])
""",
        ),
        right(
            """
best, result = 0, None
for i in range(len(logits)):
    for j in range(len(logits)):
        if chances[i] > 0 and chances[j] > 0 and logits[i] - logits[j] > best:
            best = logits[i] - logits[j]
            result = best / (np.log(chances[i]) - np.log(chances[j]))
return result
"""
        ),
        right(
            """
pairs = sorted((x, w) for x, w in zip(logits, chances) if w > 0)
(x0, w0), (x1, w1) = pairs[0], pairs[-1]
return (x1 - x0) / np.log(w1 / w0)
"""
        ),
    ],
}
