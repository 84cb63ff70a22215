"""Answers to the exercises of lesson 14."""

from held_out import right, wrong

ANSWERS = {
    "running_attention": [
        wrong(
            "divided by the sum over all tokens",
            "tells.sum(axis=0)",
            """
state = np.zeros((asks.shape[1], value.shape[1]))
total = tells.sum(axis=0)
out = np.zeros(value.shape)
for i in range(len(asks)):
    state += np.outer(tells[i], value[i])
    out[i] = asks[i] @ state / (asks[i] @ total)
return out
""",
            says="it divides by the sum over all tokens",
        ),
        wrong(
            "a token does not see itself",
            "-1)",
            """
w = np.tril(asks @ tells.T, -1)
w[0, 0] = asks[0] @ tells[0]
return w @ value / w.sum(axis=1, keepdims=True)
""",
        ),
        wrong(
            "the future is seen",
            "asks @ tells.T",
            """
w = asks @ tells.T
return w @ value / w.sum(axis=1, keepdims=True)
""",
            says="it sums over all tokens",
        ),
        wrong(
            "nothing is divided",
            "rows.append",
            """
state, rows = 0, []
for a, t, v in zip(asks, tells, value):
    state = state + t[:, None] * v
    rows.append(a @ state)
return np.array(rows)
""",
            says="it does not divide",
        ),
        wrong(
            "the sums run over the keys of the column",
            "sum(axis=0)",
            """
w = np.tril(np.einsum("id,jd->ij", asks, tells))
w = w / w.sum(axis=0)
return w @ value
""",
        ),
        wrong(
            "the total is overwritten, not summed",
            "total = t",
            """
state = np.zeros((asks.shape[1], value.shape[1]))
rows = []
for a, t, v in zip(asks, tells, value):
    state = state + np.outer(t, v)
    total = t
    rows.append((a @ state) / (a @ total))
return np.stack(rows)
""",
        ),
        wrong(
            "a softmax that is not asked for",
            "np.exp",
            """
w = np.tril(np.exp(asks @ tells.T))
return w @ value / w.sum(1)[:, None]
""",
            says="it is a softmax of the products",
        ),
        right("""
states = np.cumsum(tells[:, :, None] * value[:, None, :], axis=0)
totals = np.cumsum(tells, axis=0)
return np.einsum("td,tdv->tv", asks, states) / np.einsum("td,td->t", asks, totals)[:, None]
"""),
        right("""
rows = []
for i, a in enumerate(asks):
    rows.append(np.average(value[: i + 1], axis=0, weights=tells[: i + 1] @ a))
return np.array(rows)
"""),
    ],
    "merge_tiles": [
        wrong(
            "the tiles are not rescaled",
            "totals.sum(axis=0)",
            """
total = totals.sum(axis=0)
out = outputs.sum(axis=0)
return out / np.where(total > 0, total, 1)[:, None]
""",
            says="nothing is rescaled",
        ),
        wrong(
            "the totals are not rescaled",
            "totals.sum(0)",
            """
top = peaks.max(0)
top = np.where(np.isinf(top), 0, top)
f = np.exp(peaks - top)
den = totals.sum(0)
num = np.einsum("tq,tqv->qv", f, outputs)
return num / np.where(den == 0, 1, den)[:, None]
""",
            says="only the outputs are rescaled",
        ),
        wrong(
            "the mean of the tiles' outputs",
            "mean(axis=0)",
            """
safe = np.where(totals == 0, 1, totals)
return (outputs / safe[:, :, None]).mean(axis=0)
""",
            says="it is the mean of finished tiles",
        ),
        wrong(
            "one peak for all queries",
            "peaks.max()",
            """
top = peaks.max()
top = top if np.isfinite(top) else 0
f = np.exp(peaks - top)
den = (f * totals).sum(0)
num = (f[..., None] * outputs).sum(0)
return num / np.where(den == 0, 1, den)[:, None]
""",
        ),
        wrong(
            "the factor is turned round",
            "top - peaks",
            """
top = peaks.max(axis=0)
top = np.where(np.isfinite(top), top, 0.0)
f = np.where(np.isfinite(peaks), np.exp(top - peaks), 0)
den = np.sum(totals * f, axis=0)
num = np.sum(outputs * f[:, :, None], axis=0)
return num / np.where(den == 0, 1, den)[:, None]
""",
        ),
        wrong(
            "queries that see nothing become nan",
            "peaks - top",
            """
top = peaks.max(axis=0)
f = np.exp(peaks - top)
den = (totals * f).sum(axis=0)
num = (outputs * f[..., None]).sum(axis=0)
return num / den[:, None]
""",
        ),
        wrong(
            "large peaks overflow",
            "np.exp(peaks)",
            """
f = np.exp(peaks)
den = (totals * f).sum(axis=0)
num = (outputs * f[..., None]).sum(axis=0)
return num / np.where(den == 0, 1, den)[:, None]
""",
        ),
        wrong(
            "the least peak, not the largest",
            "peaks.min",
            """
top = peaks.min(axis=0)
top = np.where(np.isfinite(top), top, 0)
f = np.exp(peaks - top)
den = (totals * f).sum(axis=0)
num = (outputs * f[..., None]).sum(axis=0)
return num / np.where(den == 0, 1, den)[:, None]
""",
        ),
        right("""
tops, dens, nums = np.full(peaks.shape[1], -np.inf), np.zeros(peaks.shape[1]), np.zeros(outputs.shape[1:])
for p, t, o in zip(peaks, totals, outputs):
    new = np.maximum(tops, p)
    base = np.where(np.isinf(new), 0, new)
    a, b = np.exp(tops - base), np.exp(p - base)
    dens, nums, tops = dens * a + t * b, nums * a[:, None] + o * b[:, None], new
return nums / (dens + (dens == 0))[:, None]
"""),
        right("""
out = np.zeros(outputs.shape[1:])
for q in range(peaks.shape[1]):
    seen = np.isfinite(peaks[:, q])
    if seen.any():
        f = np.exp(peaks[seen, q] - peaks[seen, q].max())
        out[q] = f @ outputs[seen, q] / (f @ totals[seen, q])
return out
"""),
    ],
    "model_bill": [
        wrong(
            "only keys are counted in the cache",
            "cache = num_kv_heads",
            """
seen = min(n, window)
cache = num_kv_heads * d_head * seen
proj = 4 * d_model * d_head * (num_heads + num_kv_heads)
mlp = 4 * d_model * d_mlp
att = 4 * num_heads * seen * d_head
return layers * np.array([cache, proj, mlp, att])
""",
            says="the cache holds keys or values, not both",
        ),
        wrong(
            "the window is forgotten",
            "seen = n",
            """
seen = n
cache = 2 * num_kv_heads * d_head * seen
proj = 2 * 2 * d_model * d_head * (num_heads + num_kv_heads)
return np.array([cache, proj, 4 * d_model * d_mlp, 4 * num_heads * seen * d_head]) * layers
""",
        ),
        wrong(
            "all heads have keys of their own",
            "2 * num_heads * d_head * k",
            """
k = min(window, n)
result = [2 * num_heads * d_head * k,
          4 * d_model * d_head * (num_heads + num_kv_heads),
          4 * d_model * d_mlp,
          4 * num_heads * k * d_head]
return np.array([layers * r for r in result])
""",
            says="the cache has a key and a value for every head of queries",
        ),
        wrong(
            "a multiplication and an addition count as one",
            ("proj = 2", "mlp = 2", "att = 2"),
            """
k = min(window, n)
cache = 2 * num_kv_heads * d_head * k
proj = 2 * d_model * d_head * (num_heads + num_kv_heads)
mlp = 2 * d_model * d_mlp
att = 2 * num_heads * k * d_head
return layers * np.array([cache, proj, mlp, att])
""",
            says="a multiplication with its addition counts 1",
        ),
        wrong(
            "attention is counted for the shared heads alone",
            "num_kv_heads * k * d_head",
            """
k = min(window, n)
matrices = [(d_model, num_heads * d_head), (d_model, num_kv_heads * d_head)]
matrices += [(d_model, num_kv_heads * d_head), (num_heads * d_head, d_model)]
proj = sum(2 * a * b for a, b in matrices)
att = 4 * num_kv_heads * k * d_head
return layers * np.array([2 * k * num_kv_heads * d_head, proj, 4 * d_model * d_mlp, att])
""",
            says="shared keys do not save operations",
        ),
        wrong(
            "the projection of the output is left out",
            "proj = ",
            """
k = min(window, n)
proj = 2 * d_model * d_head * (num_heads + 2 * num_kv_heads)
mlp = 2 * d_model * d_mlp + 2 * d_mlp * d_model
att = 2 * num_heads * k * d_head + 2 * num_heads * k * d_head
return layers * np.array([2 * num_kv_heads * d_head * k, proj, mlp, att])
""",
            says="the matrix of the output is missing",
        ),
        wrong(
            "the layers are forgotten in the cache",
            ("cache = ", "[cache, "),
            """
k = min(window, n)
cache = 2 * num_kv_heads * d_head * k
proj = 4 * layers * d_model * d_head * (num_heads + num_kv_heads)
mlp = 4 * layers * d_model * d_mlp
att = 4 * layers * num_heads * k * d_head
return np.array([cache, proj, mlp, att])
""",
        ),
        wrong(
            "the larger of the two is seen",
            "max(",
            """
k = max(window, n)
return layers * np.array([2 * num_kv_heads * d_head * k, 4 * d_model * d_head * (num_heads + num_kv_heads), 4 * d_model * d_mlp, 4 * num_heads * k * d_head])
""",
        ),
        right("""
k = n if n < window else window
bill = np.zeros(4, dtype=int)
for _ in range(layers):
    bill += np.array([k * num_kv_heads * d_head, 2 * d_model * d_head * (num_heads + num_kv_heads), 2 * d_model * d_mlp, 2 * num_heads * k * d_head]) * [2, 2, 2, 2]
return bill
"""),
        right("""
k = sorted((n, window))[0]
q, kv = num_heads * d_head, num_kv_heads * d_head
flops = lambda *shapes: 2 * sum(a * b for a, b in shapes)
one = (2 * kv * k, flops((d_model, q), (d_model, kv), (d_model, kv), (q, d_model)), flops((d_model, d_mlp), (d_mlp, d_model)), flops((q, k), (k, q)))
return np.multiply(one, layers)
"""),
    ],
    "extend": [
        wrong(
            "new tokens see each other's future",
            "return softmax_all",
            """
def softmax_all(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
keys = np.concatenate([kept_key, key], -2)
values = np.concatenate([kept_value, value], -2)
return softmax_all(query @ keys.swapaxes(-1, -2) / query.shape[-1] ** 0.5) @ values
""",
            says="the new tokens see the future",
        ),
        wrong(
            "the mask forgets what is kept",
            "np.tri(",
            """
keys = np.concatenate([kept_key, key], axis=-2)
values = np.concatenate([kept_value, value], axis=-2)
s = np.einsum("...qd,...kd->...qk", query, keys) / query.shape[-1] ** 0.5
mask = np.tri(query.shape[-2], keys.shape[-2], dtype=bool)
s = np.where(mask, s, -np.inf)
e = np.exp(s - s.max(-1, keepdims=True))
return e @ values / e.sum(-1, keepdims=True)
""",
            says="the mask is square",
        ),
        wrong(
            "a new token does not see itself",
            "< places",
            """
keys = np.concatenate([kept_key, key], axis=-2)
values = np.concatenate([kept_value, value], axis=-2)
m, n = kept_key.shape[-2], key.shape[-2]
places = m + np.arange(n)[:, None]
s = query @ keys.mT / query.shape[-1] ** 0.5
s = np.where(np.arange(m + n) < places, s, -1e300)
e = np.exp(s - s.max(-1, keepdims=True))
return e / e.sum(-1, keepdims=True) @ values
""",
        ),
        wrong(
            "new keys before the old ones",
            "[key, kept_key]",
            """
keys = np.concatenate([key, kept_key], axis=-2)
values = np.concatenate([kept_value, value], axis=-2)
m, n = kept_key.shape[-2], key.shape[-2]
s = query @ keys.swapaxes(-1, -2) * query.shape[-1] ** -0.5
s = np.where(np.tri(n, n + m, m) > 0, s, -np.inf)
e = np.exp(s - s.max(-1, keepdims=True))
return e / e.sum(-1, keepdims=True) @ values
""",
        ),
        wrong(
            "no scale",
            "scores = ",
            """
keys, values = np.append(kept_key, key, -2), np.append(kept_value, value, -2)
m, n = kept_key.shape[-2], key.shape[-2]
scores = query @ np.swapaxes(keys, -1, -2)
scores = np.where(np.tri(n, n + m, m, dtype=bool), scores, -np.inf)
w = np.exp(scores - scores.max(axis=-1, keepdims=True))
w = w / w.sum(axis=-1, keepdims=True)
return w @ values
""",
            says="the scale is missing",
        ),
        wrong(
            "the future is hidden after the softmax",
            "w * np.tri",
            """
keys, values = np.append(kept_key, key, -2), np.append(kept_value, value, -2)
m, n = kept_key.shape[-2], key.shape[-2]
s = query @ keys.mT / query.shape[-1] ** 0.5
w = np.exp(s - s.max(axis=-1, keepdims=True))
w = w / w.sum(axis=-1, keepdims=True)
w = w * np.tri(n, n + m, m)
return w @ values
""",
        ),
        wrong(
            "the last token of a loop is not included",
            "max(1, m + i)",
            """
m = kept_key.shape[-2]
keys = np.concatenate([kept_key, key], axis=-2)
values = np.concatenate([kept_value, value], axis=-2)
out = []
for i in range(query.shape[-2]):
    k, v = keys[..., : max(1, m + i), :], values[..., : max(1, m + i), :]
    s = (k @ query[..., i, :, None])[..., 0] / query.shape[-1] ** 0.5
    e = np.exp(s - s.max(-1, keepdims=True))
    out.append(((e / e.sum(-1, keepdims=True))[..., None, :] @ v)[..., 0, :])
return np.stack(out, axis=-2)
""",
        ),
        right("""
m, d = kept_key.shape[-2], query.shape[-1]
old = np.einsum("...qd,...kd->...qk", query, kept_key)
new = np.einsum("...qd,...kd->...qk", query, key)
new[..., ~np.tri(key.shape[-2], dtype=bool)] = -np.inf
s = np.concatenate([old, new], axis=-1) / d**0.5
e = np.exp(s - s.max(-1, keepdims=True))
return (e[..., :m] @ kept_value + e[..., m:] @ value) / e.sum(-1, keepdims=True)
"""),
        right("""
rows = []
for i in range(1, query.shape[-2] + 1):
    k = np.concatenate([kept_key, key[..., :i, :]], axis=-2)
    v = np.concatenate([kept_value, value[..., :i, :]], axis=-2)
    s = (query[..., i - 1 : i, :] @ k.mT) / query.shape[-1] ** 0.5
    e = np.exp(s - s.max(-1, keepdims=True))
    rows.append(e @ v / e.sum(-1, keepdims=True))
return np.concatenate(rows, axis=-2)
"""),
    ],
}
