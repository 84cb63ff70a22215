"""Answers to the exercises of lesson 8."""

from held_out import right, wrong

ANSWERS = {
    "sinusoidal_rows": [
        wrong(
            "the 2 is counted twice",
            "2 * np.arange(0, d_model, 2)",
            """
rate = base ** (-2 * np.arange(0, d_model, 2) / d_model)
angle = np.outer(np.arange(n), rate)
out = np.zeros((n, d_model))
out[:, ::2], out[:, 1::2] = np.sin(angle), np.cos(angle)
return out
""",
            says="the exponent is counted twice",
        ),
        wrong(
            "sine and cosine are swapped",
            ("np.cos(angle)", "np.sin(angle)"),
            """
i = np.arange(d_model // 2)
angle = np.arange(n)[:, None] / base ** (2 * i / d_model)
out = np.empty((n, d_model))
out[:, 0::2] = np.cos(angle)
out[:, 1::2] = np.sin(angle)
return out
""",
            says="sine and cosine are swapped",
        ),
        wrong(
            "all sines, then all cosines",
            "np.concatenate",
            """
i = np.arange(d_model // 2)
angle = np.arange(n)[:, None] / base ** (2 * i / d_model)
return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
""",
            says="all sines come first and then all cosines",
        ),
        wrong(
            "positions begin at 1",
            "range(1, n + 1)",
            """
rows = []
for p in range(1, n + 1):
    row = []
    for i in range(d_model // 2):
        a = p / base ** (2 * i / d_model)
        row += [np.sin(a), np.cos(a)]
    rows.append(row)
return np.array(rows)
""",
            says="it counts positions from 1",
        ),
        wrong(
            "multiplied by the power, not divided",
            "p * base",
            """
out = np.zeros((n, d_model))
for p in range(n):
    for i in range(d_model // 2):
        angle = p * base ** (2 * i / d_model)
        out[p, 2 * i] = np.sin(angle)
        out[p, 2 * i + 1] = np.cos(angle)
return out
""",
            says="it multiplies by the power of the base",
        ),
        wrong(
            "the exponent lacks its 2",
            "(i / d_model)",
            """
i = np.arange(d_model // 2)
angle = np.arange(n)[:, None] / base ** (i / d_model)
return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(n, d_model)
""",
            says="the exponent is half of what it should be",
        ),
        wrong(
            "each hand's pair uses two angles",
            "np.arange(d_model)",
            """
angle = np.arange(n)[:, None] / base ** (np.arange(d_model) / d_model)
out = np.sin(angle)
out[:, 1::2] = np.cos(angle[:, 1::2])
return out
""",
            says="each column turns at a speed of its own",
        ),
        right("""
z = np.exp(1j * np.outer(np.arange(n), base ** (-2.0 * np.arange(d_model // 2) / d_model)))
out = np.zeros((n, d_model))
out[:, ::2] = z.imag
out[:, 1::2] = z.real
return out
"""),
        right("""
column = np.arange(d_model)
speed = np.exp(-np.log(base) * (column - column % 2) / d_model)
return np.sin(np.arange(n)[:, None] * speed + (column % 2) * np.pi / 2)
"""),
    ],
    "score_at_offset": [
        wrong(
            "turned the other way",
            "-offset",
            """
d = len(query)
w = 1 / base ** (np.arange(0, d, 2) / d)
ang = -offset[:, None] * w
c, s = np.cos(ang), np.sin(ang)
a, b = query[::2], query[1::2]
x, y = a * c - b * s, a * s + b * c
return (x * key[:, ::2]).sum(1) + (y * key[:, 1::2]).sum(1)
""",
            says="it turns the wrong way",
        ),
        wrong(
            "pairs half a vector apart",
            ("query[: d // 2]", "key[:, : d // 2]"),
            """
d = len(query)
w = base ** (-np.arange(0, d, 2) / d)
t = np.outer(offset, w)
a, b = query[: d // 2], query[d // 2 :]
p, q = key[:, : d // 2], key[:, d // 2 :]
return ((a * np.cos(t) - b * np.sin(t)) * p + (a * np.sin(t) + b * np.cos(t)) * q).sum(axis=1)
""",
            says="it pairs component i with i + d_k/2",
        ),
        wrong(
            "scaled by the root of d_k",
            "np.sqrt(d)",
            """
d = query.shape[0]
w = base ** (-np.arange(0, d, 2) / d)
z = (query[0::2] + 1j * query[1::2]) * np.exp(1j * offset[:, None] * w)
k = key[:, 0::2] + 1j * key[:, 1::2]
return (z * k.conj()).real.sum(axis=1) / np.sqrt(d)
""",
            says="divided by the root of",
        ),
        wrong(
            "query and key are both turned by the offset",
            "turned_k",
            """
d = len(query)
w = base ** (-np.arange(0, d, 2) / d)
turn = np.exp(1j * offset[:, None] * w)
turned_q = (query[::2] + 1j * query[1::2]) * turn
turned_k = (key[:, ::2] + 1j * key[:, 1::2]) * turn
return np.real(turned_q * np.conj(turned_k)).sum(1)
""",
            says="it turns query and key by the same angle",
        ),
        wrong(
            "a sign of the rotation is wrong",
            "+ b * np.sin",
            """
d = len(query)
w = base ** (-np.arange(0, d, 2) / d)
ang = offset[:, None] * w
a, b = query[0::2], query[1::2]
first = a * np.cos(ang) + b * np.sin(ang)
second = a * np.sin(ang) + b * np.cos(ang)
return (first * key[:, 0::2] + second * key[:, 1::2]).sum(axis=1)
""",
        ),
        wrong(
            "the size of the offset",
            "abs(m)",
            """
d = len(query)
scores = []
for k, m in zip(key, offset):
    total = 0
    for i in range(d // 2):
        t = abs(m) / base ** (2 * i / d)
        a, b = query[2 * i], query[2 * i + 1]
        total += (a * np.cos(t) - b * np.sin(t)) * k[2 * i]
        total += (a * np.sin(t) + b * np.cos(t)) * k[2 * i + 1]
    scores.append(total)
return np.array(scores)
""",
            says="it takes the offset as a distance",
        ),
        wrong(
            "the 2 of the exponent is missing",
            "base ** (i / d)",
            """
d = len(query)
out = np.zeros(len(key))
for i in range(d // 2):
    t = offset / base ** (i / d)
    a, b = query[2 * i], query[2 * i + 1]
    out += (a * np.cos(t) - b * np.sin(t)) * key[:, 2 * i]
    out += (a * np.sin(t) + b * np.cos(t)) * key[:, 2 * i + 1]
return out
""",
            says="the exponent is half of what it should be",
        ),
        wrong(
            "the keys' partners are mixed up",
            ("first * key[:, 1::2]", "second * key[:, 0::2]"),
            """
d = query.size
angle = np.outer(offset, 1.0 / base ** (np.arange(0, d, 2) / d))
a, b = query.reshape(-1, 2).T
first = a * np.cos(angle) - b * np.sin(angle)
second = a * np.sin(angle) + b * np.cos(angle)
total = (first * key[:, 1::2]).sum(-1)
total += (second * key[:, 0::2]).sum(-1)
return total
""",
        ),
        right("""
d = len(query)
z = lambda x: x[..., ::2] + 1j * x[..., 1::2]
t = np.outer(offset, base ** (-2 * np.arange(d // 2) / d))
return np.einsum("ki,ki->k", np.exp(-1j * t) * z(key), np.broadcast_to(z(query).conj(), t.shape)).real
"""),
        right("""
d = len(query)
out = []
for k, m in zip(key, offset):
    total = 0.0
    for i in range(0, d, 2):
        t = m / base ** (i / d)
        R = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        total += k[i : i + 2] @ R @ query[i : i + 2]
    out.append(total)
return np.array(out)
"""),
    ],
    "alibi_for_heads": [
        wrong(
            "heads are counted from 0",
            "range(num_heads)",
            """
slopes = np.array([2.0 ** (-8 * h / num_heads) for h in range(num_heads)])
d = np.abs(np.arange(n_q)[:, None] + offset - np.arange(n_k))
return -slopes[:, None, None] * d
""",
            says="the slopes begin with 1",
        ),
        wrong(
            "the sign is missing",
            "return slopes",
            """
slopes = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
i, j = np.indices((n_q, n_k))
return slopes[:, None, None] * abs(i + offset - j)
""",
            says="the sign is flipped",
        ),
        wrong(
            "the distance may be negative",
            "i + offset - j",
            """
slopes = 2.0 ** (-8.0 * np.arange(1, num_heads + 1) / num_heads)
i, j = np.indices((n_q, n_k))
return np.multiply.outer(-slopes, i + offset - j)
""",
            says="a key after the query gets a positive bias",
        ),
        wrong(
            "the offset moves the keys",
            "j + offset",
            """
out = np.zeros((num_heads, n_q, n_k))
for h in range(num_heads):
    for i in range(n_q):
        for j in range(n_k):
            out[h, i, j] = -(2 ** (-8 * (h + 1) / num_heads)) * abs(i - (j + offset))
return out
""",
            says="the offset is taken off",
        ),
        wrong(
            "the offset is left out",
            "np.arange(n_q)[:, None] - ",
            """
m = (2 ** (-8 / num_heads)) ** np.arange(1, num_heads + 1)
distance = abs(np.arange(n_q)[:, None] - np.arange(n_k)[None])
return np.einsum("h,qk->hqk", -m, distance)
""",
            says="the offset is left out",
        ),
        wrong(
            "all heads share the last slope",
            "= -slope * distance",
            """
distance = np.abs((np.arange(n_q) + offset)[:, None] - np.arange(n_k))
bias = np.zeros((num_heads, n_q, n_k))
for h in range(1, num_heads + 1):
    slope = 2.0 ** (-8 * h / num_heads)
    bias[:] = -slope * distance
return bias
""",
        ),
        wrong(
            "the exponent lacks its sign",
            "(8 * np.arange",
            """
slope = 2.0 ** (8 * np.arange(1, num_heads + 1) / num_heads)
distance = np.abs(np.arange(n_q).reshape(-1, 1) + offset - np.arange(n_k))
return -slope.reshape(-1, 1, 1) * distance
""",
        ),
        wrong(
            "future keys count as near as can be",
            "np.maximum",
            """
slope = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
distance = np.maximum(np.arange(n_q)[:, None] + offset - np.arange(n_k), 0)
return -np.tensordot(slope, distance, axes=0)
""",
        ),
        right("""
h = 1 + np.arange(num_heads)[:, None, None]
gap = np.subtract.outer(np.arange(offset, offset + n_q), np.arange(n_k))
return -np.exp2(-8 * h / num_heads) * np.sqrt(gap**2.0)
"""),
        right("""
far = lambda h, i, j: -abs(i + offset - j) / 256 ** ((h + 1) / num_heads)
return np.fromfunction(far, (num_heads, n_q, n_k))
"""),
    ],
    "diagnose_rotary": [
        wrong(
            "the two kinds of diagonals are swapped",
            ("return 1", "return 0"),
            """
def flat(a):
    return np.ptp(a) < 1e-6
n = len(scores)
if flat(scores):
    return 3
if all(flat(row) for row in scores):
    return 2
if all(flat(scores.diagonal(k)) for k in range(1 - n, n)):
    return 1
if all(flat(scores[::-1].diagonal(k)) for k in range(1 - n, n)):
    return 0
return 4
""",
            says="faults 0 and 1 are swapped",
        ),
        wrong(
            "columns are looked at where rows should be",
            "scores[0]",
            """
close = lambda a, b: np.abs(a - b).max() < 1e-6
if close(scores, scores[0, 0]):
    return 3
if close(scores, scores[0]):
    return 2
if close(scores[1:, 1:], scores[:-1, :-1]):
    return 0
if close(scores[1:, :-1], scores[:-1, 1:]):
    return 1
return 4
""",
            says="rows and columns are swapped",
        ),
        wrong(
            "a table of one number is taken for RoPE: the order of the questions",
            "if close(scores[1:, 1:], scores[:-1, :-1]):",
            """
close = lambda a, b: np.allclose(a, b, rtol=0, atol=1e-6)
if close(scores[1:, 1:], scores[:-1, :-1]):
    return 0
if close(scores[1:, :-1], scores[:-1, 1:]):
    return 1
if close(scores, scores[0, 0]):
    return 3
if close(scores, scores[:, :1]):
    return 2
return 4
""",
            says="so ask for that first",
        ),
        wrong(
            "equal to the last digit",
            ("np.unique(scores).size == 1", "(scores == scores[:, :1]).all()"),
            """
if np.unique(scores).size == 1:
    return 3
if (scores == scores[:, :1]).all():
    return 2
if np.abs(scores[1:, 1:] - scores[:-1, :-1]).max() < 1e-6:
    return 0
if np.abs(scores[1:, :-1] - scores[:-1, 1:]).max() < 1e-6:
    return 1
return 4
""",
        ),
        wrong(
            "1 and 4 are swapped at the end",
            "return 4 if",
            """
near = lambda a, b: np.max(np.abs(a - b)) < 1e-6
if near(scores, scores.mean()):
    return 3
if near(scores, scores.mean(axis=1, keepdims=True)):
    return 2
if near(scores[1:, 1:], scores[:-1, :-1]):
    return 0
return 4 if near(scores[1:, :-1], scores[:-1, 1:]) else 1
""",
            says="1 and 4 are swapped",
        ),
        wrong(
            "never finds added rows: the rest is called 1",
            "return 1",
            """
def same(a, b):
    return np.abs(a - b).max() < 1e-6
if same(scores, scores[0, 0]):
    return 3
if same(scores, scores[:, :1]):
    return 2
if same(scores[1:, 1:], scores[:-1, :-1]):
    return 0
return 1
""",
            says="never finds 4",
        ),
        right(
            """
n = len(scores)
def alike(key):
    groups = {}
    for i in range(n):
        for j in range(n):
            groups.setdefault(key(i, j), []).append(scores[i, j])
    return all(max(g) - min(g) < 1e-6 for g in groups.values())
for number, key in ((3, lambda i, j: 0), (2, lambda i, j: i), (0, lambda i, j: i - j),
                    (1, lambda i, j: i + j)):
    if alike(key):
        return number
return 4
"""
        ),
        right(
            """

down = np.abs(scores[1:, 1:] - scores[:-1, :-1]).max() < 1e-6
up = np.abs(scores[1:, :-1] - scores[:-1, 1:]).max() < 1e-6
across = np.abs(scores[:, 1:] - scores[:, :-1]).max() < 1e-6
if across:
    return 3 if down else 2
return 0 if down else 1 if up else 4
"""
        ),
    ],
}
