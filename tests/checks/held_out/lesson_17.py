"""Answers to the exercises of lesson 17."""

from held_out import right, wrong

ANSWERS = {
    "think_gated": [
        wrong(
            "the residual connection is missing",
            "return",
            """
n = gain * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
g = n @ w_gate
return (g / (1 + np.exp(-g)) * (n @ w_up)) @ w_down
""",
            says="the stream is gone",
        ),
        wrong(
            "gate and up are swapped",
            "g, u = ",
            """
n = x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + 1e-5) * gain
g, u = n @ w_up, n @ w_gate
return x + (g / (1 + np.exp(-g)) * u) @ w_down
""",
            says="it is the values that pass the gate's function",
        ),
        wrong(
            "the mean is taken away",
            "x.var",
            """
v = x.var(axis=-1, keepdims=True)
n = gain * (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(v + 1e-5)
g = np.matmul(n, w_gate)
h = g / (1 + np.exp(-g)) * np.matmul(n, w_up)
return x + h @ w_down
""",
            says="it takes the mean away",
        ),
        wrong(
            "a plain sigmoid for a gate",
            "1 / (1 + np.exp(-g))",
            """
rms = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
n = gain * x / rms
g = n @ w_gate
h = 1 / (1 + np.exp(-g)) * (n @ w_up)
return x + h @ w_down
""",
            says="the gate is σ(g) alone",
        ),
        wrong(
            "adds to the normed copy",
            "return n + ",
            """
rms = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
n = gain * (x / rms)
g, u = n @ w_gate, n @ w_up
s = g / (1 + np.exp(-g))
return n + (s * u) @ w_down
""",
            says="it adds to the normed copy",
        ),
        wrong(
            "epsilon stands outside the root",
            "** 0.5 + 1e-5",
            """
n = gain * x / (np.mean(x * x, axis=-1, keepdims=True) ** 0.5 + 1e-5)
g = n @ w_gate
return x + (g / (1 + np.exp(-g)) * (n @ w_up)) @ w_down
""",
        ),
        wrong(
            "the sum of squares in place of their mean",
            "np.einsum",
            """
square = np.einsum("...d,...d->...", x, x)[..., None]
n = gain * x / np.sqrt(square + 1e-5)
g = n @ w_gate
return x + (g / (1 + np.exp(-g)) * (n @ w_up)) @ w_down
""",
            says="it divides by the length of the vector",
        ),
        wrong(
            "the sign in the exponent",
            "np.exp(g)",
            """
n = gain * x * (np.mean(x * x, axis=-1, keepdims=True) + 1e-5) ** -0.5
g = n @ w_gate
hidden = g / (1 + np.exp(g))
hidden = hidden * (n @ w_up)
return x + hidden @ w_down
""",
        ),
        right("""
n = np.einsum("...d,d,...->...d", x, gain, ((x * x).sum(-1) / x.shape[-1] + 1e-5) ** -0.5)
g, u = np.split(n @ np.hstack([w_gate, w_up]), 2, axis=-1)
return x + np.dot(u * g * (1 + np.tanh(g / 2)) / 2, w_down)
"""),
        right("""
rows = []
for v in x.reshape(-1, x.shape[-1]):
    n = gain * v / np.hypot(np.linalg.norm(v) / len(v) ** 0.5, 1e-5**0.5)
    g = w_gate.T @ n
    rows.append(v + w_down.T @ (g / (1 + np.exp(-g)) * (w_up.T @ n)))
return np.array(rows).reshape(x.shape)
"""),
    ],
    "one_step": [
        wrong(
            "the place is one too early",
            "np.array([n - 1])",
            """
h_kv, n, d = kept_key.shape
q, k, v = ((x @ w).reshape(-1, 1, d) for w in (w_query, w_key, w_value))
at = np.array([n - 1])
q, k = rotary_embedding(q, at, float(base)), rotary_embedding(k, at, float(base))
keys = np.concatenate([kept_key, k], axis=1).repeat(len(q) // h_kv, axis=0)
values = np.concatenate([kept_value, v], axis=1).repeat(len(q) // h_kv, axis=0)
return (softmax(q @ keys.swapaxes(1, 2) / d**0.5) @ values).reshape(-1)
""",
            says="the place is one too small",
        ),
        wrong(
            "the new key is not turned",
            "[kept_key, k]",
            """
h_kv, n, d = kept_key.shape
q, k, v = ((x @ w).reshape(-1, 1, d) for w in (w_query, w_key, w_value))
q = rotary_embedding(q, np.array([n]), float(base))
keys = np.concatenate([kept_key, k], axis=1).repeat(len(q) // h_kv, axis=0)
values = np.concatenate([kept_value, v], axis=1).repeat(len(q) // h_kv, axis=0)
return (softmax(q @ keys.swapaxes(1, 2) / d**0.5) @ values).reshape(-1)
""",
            says="the new key is not turned",
        ),
        wrong(
            "the value is turned as well",
            "t(v)",
            """
h_kv, n, d = kept_key.shape
t = lambda z: rotary_embedding(z, np.array([n]), float(base))
q, k, v = ((x @ w).reshape(-1, 1, d) for w in (w_query, w_key, w_value))
keys = np.concatenate([kept_key, t(k)], axis=1)
values = np.concatenate([kept_value, t(v)], axis=1)
q, g = t(q), len(q) // h_kv
out = [softmax(q[i] @ keys[i // g].T / d**0.5) @ values[i // g] for i in range(len(q))]
return np.concatenate(out, axis=1)[0]
""",
            says="the value is turned too",
        ),
        wrong(
            "shared in turn",
            "np.tile",
            """
h_kv, n, d = kept_key.shape
q, k, v = ((x @ w).reshape(-1, 1, d) for w in (w_query, w_key, w_value))
at = np.array([n])
q, k = rotary_embedding(q, at, float(base)), rotary_embedding(k, at, float(base))
g = len(q) // h_kv
keys, values = np.concatenate([kept_key, k], 1), np.concatenate([kept_value, v], 1)
keys = np.tile(keys, (g, 1, 1))
values = np.repeat(values, g, axis=0)
return (softmax(q @ keys.mT / d**0.5) @ values).ravel()
""",
        ),
        wrong(
            "no scale",
            "weights = ",
            """
h_kv, n, d = kept_key.shape
place = np.array([n])
query = rotary_embedding((x @ w_query).reshape(-1, 1, d), place, float(base))
key = rotary_embedding((x @ w_key).reshape(-1, 1, d), place, float(base))
value = (x @ w_value).reshape(-1, 1, d)
g = len(query) // h_kv
keys = np.repeat(np.append(kept_key, key, 1), g, 0)
values = np.repeat(np.append(kept_value, value, 1), g, 0)
weights = softmax(np.einsum("hqd,hkd->hqk", query, keys))
return (weights @ values).ravel()
""",
            says="the scale is missing",
        ),
        wrong(
            "the heads are cut column by column",
            'order="F"',
            """
h_kv, n, d = kept_key.shape
place = np.array([n])
query = (x @ w_query).reshape((-1, 1, d), order="F")
query = rotary_embedding(query, place, float(base))
key = rotary_embedding((x @ w_key).reshape(-1, 1, d), place, float(base))
value = (x @ w_value).reshape(-1, 1, d)
g = len(query) // h_kv
keys = np.repeat(np.append(kept_key, key, 1), g, 0)
values = np.repeat(np.append(kept_value, value, 1), g, 0)
weights = softmax(query @ keys.mT * d**-0.5)
return (weights @ values).ravel()
""",
        ),
        wrong(
            "the new token does not see itself",
            ("np.repeat(kept_key", "np.repeat(kept_value"),
            """
h_kv, n, d = kept_key.shape
q = rotary_embedding((x @ w_query).reshape(-1, 1, d), np.array([n]), float(base))
g = len(q) // h_kv
keys = np.repeat(kept_key, g, axis=0)
values = np.repeat(kept_value, g, axis=0)
if n == 0:
    return np.repeat((x @ w_value).reshape(h_kv, d), g, axis=0).ravel()
w = softmax(q @ keys.swapaxes(-1, -2) / d**0.5)
return (w @ values).ravel()
""",
            says="the token does not see itself",
        ),
        right("""
h_kv, n, d = kept_key.shape
turn = lambda z: rotary_embedding(z.reshape(-1, 1, d), np.array([n]), float(base))
k = np.append(kept_key, turn(x @ w_key), axis=1)
v = np.append(kept_value, (x @ w_value).reshape(-1, 1, d), axis=1)
q = turn(x @ w_query).reshape(h_kv, -1, d)
return (softmax(np.einsum("kgd,knd->kgn", q, k) / d**0.5) @ v).reshape(-1)
"""),
        right("""
h_kv, n, d = kept_key.shape
h = w_query.shape[1] // d
out = []
for i in range(h):
    j = i // (h // h_kv)
    c, e = slice(i * d, i * d + d), slice(j * d, j * d + d)
    q = rotary_embedding((x @ w_query[:, c])[None], np.array([n]), float(base))[0]
    k = rotary_embedding((x @ w_key[:, e])[None], np.array([n]), float(base))
    w = softmax(np.vstack([kept_key[j], k]) @ q / d**0.5)
    out.extend(w @ np.vstack([kept_value[j], x @ w_value[:, e]]))
return np.array(out)
"""),
    ],
    "top_p": [
        wrong(
            "the one that crosses the line is cut",
            "np.cumsum",
            """
q = softmax(logits / temperature)
order = np.argsort(-q)
total = np.cumsum(q[order])
keep = order[total <= p]
if len(keep) == 0:
    keep = order[:1]
out = np.zeros_like(q)
out[keep] = q[keep]
return out / out.sum()
""",
            says="the token that crosses the line is cut",
        ),
        wrong(
            "not divided by the sum",
            "return out",
            """
q = softmax(logits / temperature)
out = np.zeros(len(q))
total = 0.0
for i in np.argsort(q)[::-1]:
    out[i] = q[i]
    total += q[i]
    if total >= p:
        break
return out
""",
            says="the rest does not sum to 1",
        ),
        wrong(
            "the unlikeliest come first",
            "np.argsort(q)",
            """
q = softmax(logits / temperature)
order = np.argsort(q)
before = np.cumsum(q[order]) - q[order]
out = np.zeros_like(q)
out[order[before < p]] = q[order[before < p]]
return out / out.sum()
""",
            says="it begins with the unlikeliest",
        ),
        wrong(
            "the temperature comes after the cut",
            "q = softmax(logits)",
            """
q = softmax(logits)
order = np.argsort(-q)
before = np.cumsum(q[order]) - q[order]
z = np.full(len(q), -np.inf)
z[order[before < p]] = logits[order[before < p]]
return softmax(z / temperature)
""",
            says="the temperature comes too late",
        ),
        wrong(
            "the temperature is forgotten",
            "softmax(logits)",
            """
q = softmax(logits)
out, total = np.zeros_like(q), 0.0
for i in sorted(range(len(q)), key=lambda i: -q[i]):
    if total >= p:
        break
    out[i] = q[i]
    total += q[i]
return out / out.sum()
""",
            says="the temperature is left out",
        ),
        wrong(
            "multiplied by the temperature",
            "* temperature",
            """
z = logits * temperature
q = np.exp(z - z.max())
q /= q.sum()
order = q.argsort()[::-1]
k = int(np.searchsorted(np.cumsum(q[order]), p)) + 1
out = np.zeros_like(q)
out[order[:k]] = q[order[:k]]
return out / out.sum()
""",
            says="it multiplies by the temperature",
        ),
        wrong(
            "left in the order of probability",
            "kept / ",
            """
q = softmax(logits / temperature)
s = np.sort(q)[::-1]
before = np.cumsum(s) - s
kept = np.where(before < p, s, 0)
return kept / kept.sum()
""",
        ),
        wrong(
            "all that are at least p stay",
            "q >= p",
            """
q = softmax(logits / temperature)
keep = q >= p
keep[q.argmax()] = True
kept = np.where(keep, q, 0)
return kept / kept.sum()
""",
            says="it keeps tokens whose own probability reaches p",
        ),
        right("""
q = softmax(logits / temperature)
before = np.array([q[logits > z].sum() for z in logits])
kept = q * (before < p)
return kept / kept.sum()
"""),
        right("""
q = softmax(logits / temperature)
order = np.argsort(logits)[::-1]
count = 1
while count < len(q) and q[order[:count]].sum() < p:
    count += 1
z = np.full(len(q), -np.inf)
z[order[:count]] = logits[order[:count]] / temperature
return softmax(z)
"""),
    ],
    "backups": [
        wrong(
            "the loss with all on is not added back",
            "both - one[i] - one[j]",
            """
h, n, d = heads.shape
def loss(off):
    k = heads.copy()
    k[off] = 0
    z = stream + np.concatenate(list(k), axis=1) @ w_out
    z = z / np.sqrt(np.mean(z**2, axis=-1, keepdims=True) + 1e-5)
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
one = [loss([i]) for i in range(h)]
out = np.zeros((h, h))
for i in range(h):
    for j in range(h):
        if i != j:
            both = loss([i, j])
            out[i, j] = both - one[i] - one[j]
return out
""",
            says="the loss with all heads on is not taken away",
        ),
        wrong(
            "the sign is turned round",
            "one[i] + one[j] - ",
            """
h, n, d = heads.shape
def loss(off):
    k = heads.copy()
    k[off] = 0
    z = stream + np.moveaxis(k, 0, 1).reshape(n, -1) @ w_out
    z = z / np.sqrt(np.mean(z**2, axis=-1, keepdims=True) + 1e-5)
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
base = loss([])
one = np.array([loss([i]) for i in range(h)]) - base
return np.array([[0 if i == j else one[i] + one[j] - (loss([i, j]) - base) for j in range(h)] for i in range(h)])
""",
            says="the sign is turned round",
        ),
        wrong(
            "merged without moving the heads",
            "reshape(n, h * d)",
            """
h, n, d = heads.shape
def lost(*off):
    k = heads.copy()
    for o in off:
        k[o] = 0
    z = stream + k.reshape(n, h * d) @ w_out
    z = z / np.sqrt((z * z).mean(axis=1, keepdims=True) + 1e-5)
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
more = np.zeros((h, h))
for i in range(h):
    for j in range(i):
        more[i, j] = more[j, i] = lost(i, j) - lost(i) - lost(j) + lost()
return more
""",
            says="heads are merged without a transpose",
        ),
        wrong(
            "the norm is left out",
            "log_softmax(z @ w_read)",
            """
h, n, d = heads.shape
def lost(*off):
    z = stream.copy()
    for i in range(h):
        if i not in off:
            z = z + heads[i] @ w_out[i * d : (i + 1) * d]
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
more = np.zeros((h, h))
for i in range(h):
    for j in range(h):
        if i != j:
            more[i, j] = lost(i, j) - lost(i) - lost(j) + lost()
return more
""",
            says="the norm is left out",
        ),
        wrong(
            "the diagonal is not 0",
            "for j in range(h)",
            """
h, n, d = heads.shape
def lost(off):
    z = stream + sum(heads[i] @ w_out[i * d : (i + 1) * d] for i in range(h) if i not in off)
    z = z / np.sqrt((z * z).mean(axis=1, keepdims=True) + 1e-5)
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
more = np.zeros((h, h))
for i in range(h):
    for j in range(h):
        more[i, j] = lost({i, j}) - lost({i}) - lost({j}) + lost(set())
return more
""",
            says="the diagonal is not 0",
        ),
        wrong(
            "the sum over texts in place of the mean",
            ".sum()",
            """
h, n, d = heads.shape
def lost(off):
    z = stream + sum(heads[i] @ w_out[i * d : (i + 1) * d] for i in range(h) if i not in off)
    z = z / np.sqrt((z * z).mean(axis=1, keepdims=True) + 1e-5)
    p = log_softmax(z @ w_read)
    return -sum(p[t, right[t]] for t in range(n)).sum()
more = np.zeros((h, h))
for i in range(h):
    for j in range(h):
        if i != j:
            more[i, j] = lost({i, j}) - lost({i}) - lost({j}) + lost(set())
return more
""",
            says="times the right one",
        ),
        wrong(
            "only one triangle is filled",
            "range(i + 1, h)",
            """
h, n, d = heads.shape
def lost(off):
    z = stream + sum(heads[i] @ w_out[i * d : (i + 1) * d] for i in range(h) if i not in off)
    z = z / np.sqrt((z * z).mean(axis=1, keepdims=True) + 1e-5)
    return -log_softmax(z @ w_read)[np.arange(n), right].mean()
more = np.zeros((h, h))
for i in range(h):
    for j in range(i + 1, h):
        more[i, j] = lost({i, j}) - lost({i}) - lost({j}) + lost(set())
return more
""",
        ),
        right("""
h, n, d = heads.shape
on = np.array([np.einsum("td,dm->tm", heads[i], w_out[i * d : (i + 1) * d]) for i in range(h)])
def loss(keep):
    z = stream + np.tensordot(np.asarray(keep, float), on, 1)
    z = z @ w_read / np.sqrt((z * z).sum(1, keepdims=True) / z.shape[1] + 1e-5)
    return np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(n), right])
E = np.eye(h)
all_on = loss(np.ones(h))
lost = np.array([[loss(1 - np.maximum(E[i], E[j])) - all_on for j in range(h)] for i in range(h)])
alone = lost.diagonal()
return (lost - np.add.outer(alone, alone)) * (1 - E)
"""),
        right("""
from itertools import combinations
h, n, d = heads.shape
def loss(off):
    parts = [np.zeros((n, d)) if i in off else heads[i] for i in range(h)]
    z = stream + np.hstack(parts) @ w_out
    z = z / (np.mean(z * z, axis=1) + 1e-5)[:, None] ** 0.5
    return -np.mean(log_softmax(z @ w_read)[range(n), right])
out = np.zeros((h, h))
for i, j in combinations(range(h), 2):
    out[i, j] = out[j, i] = loss({i, j}) + loss(()) - loss({i}) - loss({j})
return out
"""),
    ],
}
