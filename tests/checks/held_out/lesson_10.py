"""Answers to the exercises of lesson 10."""

from held_out import right, wrong

ANSWERS = {
    "value_gradient": [
        wrong(
            "the weights are not transposed",
            "np.einsum",
            """
return np.einsum("...ij,...jv->...iv", weights[..., : d_output.shape[-2]], d_output)
""",
        ),
        wrong(
            "all further axes are turned too",
            "weights.T",
            """
return weights.T @ d_output
""",
        ),
        wrong(
            "the batch is summed over",
            "bqk,bqv->kv",
            """
w = weights.reshape(-1, *weights.shape[-2:])
g = d_output.reshape(-1, *d_output.shape[-2:])
total = np.einsum("bqk,bqv->kv", w, g)
return np.broadcast_to(total, weights.shape[:-2] + total.shape)
""",
            says="it adds up over the leading axes",
        ),
        wrong(
            "the mean over the queries",
            "/ weights.shape[-2]",
            """
return np.einsum("...qk,...qv->...kv", weights, d_output) / weights.shape[-2]
""",
            says="it is the mean over the queries",
        ),
        wrong(
            "only the last query counts",
            "out = w",
            """
out = 0
for i in range(weights.shape[-2]):
    w = weights[..., i, :, None] * d_output[..., i, None, :]
    out = w
return out
""",
        ),
        wrong(
            "the first axis is swapped with the last",
            "np.swapaxes(weights, 0, -1)",
            """
return np.swapaxes(weights, 0, -1) @ d_output
""",
        ),
        wrong(
            "a minus sign",
            "-np.matmul",
            """
turned = np.moveaxis(weights, -1, -2)
return -np.matmul(turned, d_output)
""",
            says="the sign is wrong",
        ),
        wrong(
            "divided by what each key got",
            "/ got",
            """
turned = weights.swapaxes(-1, -2)
got = turned.sum(-1, keepdims=True)
return turned @ d_output / got
""",
            says="it divides by the sum of each column",
        ),
        right("""
return (weights[..., :, :, None] * d_output[..., :, None, :]).sum(axis=-3)
"""),
        right("""
return (d_output.mT @ weights).mT
"""),
    ],
    "softmax_gradient": [
        wrong(
            "the mean of the row is not taken away",
            "return",
            """
return weights * d_weights
""",
            says="the row sum is missing",
        ),
        wrong(
            "summed over the queries",
            "axis=-2",
            """
inner = np.sum(weights * d_weights, axis=-2, keepdims=True)
return weights * (d_weights - inner)
""",
            says="the sum runs down the columns",
        ),
        wrong(
            "a plain mean, not one by weight",
            "mean(",
            """
mean = d_weights.mean(axis=-1, keepdims=True)
return weights * (d_weights - mean)
""",
            says="it subtracts the plain mean of the row",
        ),
        wrong(
            "the mean is not multiplied by the weight",
            "weights * d_weights - dot",
            """
dot = np.einsum("...k,...k->...", weights, d_weights)[..., None]
return weights * d_weights - dot
""",
        ),
        wrong(
            "the derivative of a sigmoid",
            "(1 - weights)",
            """
return d_weights * weights * (1 - weights)
""",
            says="it takes the diagonal of the Jacobian only, w(1 − w)",
        ),
        wrong(
            "plus in place of minus",
            "+ dot",
            """
dot = (weights * d_weights).sum(-1)[..., np.newaxis]
return weights * (d_weights + dot)
""",
        ),
        wrong(
            "the outer factor is missing",
            "return d_weights",
            """
dot = np.sum(weights * d_weights, axis=-1, keepdims=True)
return d_weights - dot
""",
            says="the weights in front are missing",
        ),
        wrong(
            "the sums lose their axis",
            "sum(axis=-1)",
            """
dot = (weights * d_weights).sum(axis=-1)
dot = np.resize(dot, weights.shape[:-2] + (1, weights.shape[-1]))
return weights * (d_weights - dot)
""",
        ),
        right("""
J = np.einsum("...i,ij->...ij", weights, np.eye(weights.shape[-1])) - weights[..., :, None] * weights[..., None, :]
return np.einsum("...ij,...j->...i", J, d_weights)
"""),
        right("""
share = weights * d_weights
return share - weights * np.add.reduce(share, axis=-1)[..., None]
"""),
    ],
    "query_key_gradients": [
        wrong(
            "the scores are not transposed for the keys",
            "d_key = d_scores @ query",
            """
root = np.sqrt(query.shape[1])
d_query = d_scores @ key / root
d_key = d_scores @ query / root
return np.array([d_query, d_key])
""",
            says="d_key is made from `d_scores` as it stands",
        ),
        wrong(
            "no scale",
            ("ij,jd->id", "ij,id->jd"),
            """
d_query = np.einsum("ij,jd->id", d_scores, key)
d_key = np.einsum("ij,id->jd", d_scores, query)
return np.stack((d_query, d_key))
""",
            says="the scale is dropped",
        ),
        wrong(
            "queries and keys are swapped",
            "[dk, dq]",
            """
s = d_scores / query.shape[1] ** 0.5
dq, dk = s @ key, s.T @ query
return np.stack([dk, dq])
""",
            says="the two come in the wrong order",
        ),
        wrong(
            "the query's gradient is made of queries",
            "s @ query",
            """
s = d_scores * query.shape[-1] ** -0.5
first = s @ query
second = s.T @ query
return np.concatenate([first[None], second[None]])
""",
            says="d_query is made from the queries",
        ),
        wrong(
            "the scale divides by d_k",
            "/ d",
            """
n, d = query.shape
dq, dk = np.zeros((n, d)), np.zeros((n, d))
for i in range(n):
    for j in range(n):
        g = d_scores[i, j] / d
        dq[i] += g * key[j]
        dk[j] += g * query[i]
return np.stack([dq, dk])
""",
            says="it divides by d_k",
        ),
        wrong(
            "only the queries' gradient is scaled",
            "d_scores.T @ query",
            """
scale = 1 / np.sqrt(key.shape[1])
d_query = scale * (d_scores @ key)
d_key = d_scores.T @ query
return np.stack([d_query, d_key])
""",
            says="only d_query is scaled",
        ),
        wrong(
            "the last pair overwrites the others",
            "dk[j] = ",
            """
n, d = query.shape
dq, dk = np.zeros_like(query), np.zeros_like(key)
for i in range(n):
    for j in range(n):
        dq[i] += d_scores[i, j] * key[j] / d**0.5
        dk[j] = d_scores[i, j] * query[i] / d**0.5
return np.stack([dq, dk])
""",
        ),
        wrong(
            "stacked along the last axis",
            "axis=-1",
            """
s = d_scores / len(query[0]) ** 0.5
return np.stack([s @ key, s.T @ query], axis=-1)
""",
        ),
        right("""
root = len(query.T) ** 0.5
return np.array([key.T @ d_scores.T, query.T @ d_scores]).swapaxes(1, 2) / root
"""),
        right("""
s = np.stack([d_scores, d_scores.T]) * query.shape[1] ** -0.5
return np.einsum("tij,tjd->tid", s, np.stack([key, query]))
"""),
    ],
    "check_gradients": [
        wrong(
            "not divided by the whole step",
            "/ eps",
            """
q, k, v = (a.astype(np.float64) for a in (query, key, value))
eps = 1e-5
def f(q, k, v):
    return np.sum(d_output * scaled_dot_product_attention(q, k, v))
out = []
for arr, grad in ((q, d_query), (k, d_key), (v, d_value)):
    worst = 0.0
    for at in np.ndindex(*arr.shape):
        old = arr[at]
        arr[at] = old + eps
        up = f(q, k, v)
        arr[at] = old - eps
        down = f(q, k, v)
        arr[at] = old
        worst = max(worst, abs((up - down) / eps - grad[at]))
    out.append(worst)
return np.array(out)
""",
            says="it divides by h",
        ),
        wrong(
            "measured in float32",
            "a.copy()",
            """
arrays = [a.copy() for a in (query, key, value)]
def f():
    return (d_output * scaled_dot_product_attention(*arrays)).sum()
errors = []
for a, g in zip(arrays, (d_query, d_key, d_value)):
    slope = np.zeros(a.shape)
    for at in np.ndindex(a.shape):
        old = a[at]
        a[at] = old + 1e-5
        up = f()
        a[at] = old - 1e-5
        slope[at] = (up - f()) / 2e-5
        a[at] = old
    errors.append(np.abs(slope - g).max())
return np.array(errors)
""",
            says="right except where arrays are float32",
        ),
        wrong(
            "the mean error and not the largest",
            ".mean()",
            """
inputs = [a.astype(float) for a in (query, key, value)]
def loss(xs):
    return np.sum(scaled_dot_product_attention(*xs) * d_output)
result = []
for n, g in enumerate((d_query, d_key, d_value)):
    slope = np.empty(g.shape)
    for p in np.ndindex(g.shape):
        up, down = [x.copy() for x in inputs], [x.copy() for x in inputs]
        up[n][p] += 1e-5
        down[n][p] -= 1e-5
        slope[p] = (loss(up) - loss(down)) / 2e-5
    result.append(np.abs(g - slope).mean())
return np.array(result)
""",
            says="it takes the mean of the differences",
        ),
        wrong(
            "the sign is kept",
            "(g - slope).max()",
            """
inputs = [a.astype(float) for a in (query, key, value)]
def loss(xs):
    return np.sum(scaled_dot_product_attention(*xs) * d_output)
result = []
for n, g in enumerate((d_query, d_key, d_value)):
    slope = np.empty(g.shape)
    for p in np.ndindex(g.shape):
        up, down = [x.copy() for x in inputs], [x.copy() for x in inputs]
        up[n][p] += 1e-5
        down[n][p] -= 1e-5
        slope[p] = (loss(up) - loss(down)) / 2e-5
    result.append((g - slope).max())
return np.array(result)
""",
            says="it takes the largest difference with its sign",
        ),
        wrong(
            "d_output is left out",
            "scaled_dot_product_attention(*xs).sum()",
            """
inputs = [np.array(a, dtype=float) for a in (query, key, value)]
def loss(xs):
    return scaled_dot_product_attention(*xs).sum()
worst = np.zeros(3)
for n, g in enumerate((d_query, d_key, d_value)):
    for p in np.ndindex(g.shape):
        h = np.zeros(g.shape)
        h[p] = 1e-5
        up = [x + h if m == n else x for m, x in enumerate(inputs)]
        down = [x - h if m == n else x for m, x in enumerate(inputs)]
        worst[n] = max(worst[n], abs(g[p] - (loss(up) - loss(down)) / 2e-5))
return worst
""",
            says="`d_output` is left out",
        ),
        wrong(
            "a step to one side is not exact enough",
            "- base",
            """
inputs = [a.astype(float) for a in (query, key, value)]
def loss(xs):
    return np.sum(scaled_dot_product_attention(*xs) * d_output)
base = loss(inputs)
worst = np.zeros(3)
for n, g in enumerate((d_query, d_key, d_value)):
    for p in np.ndindex(g.shape):
        moved = [x.copy() for x in inputs]
        moved[n][p] += 1e-4
        slope = (loss(moved) - base) / 1e-4
        worst[n] = max(worst[n], abs(g[p] - slope))
return worst
""",
        ),
        wrong(
            "the step is far too large",
            "h = 0.1",
            """
inputs = [a.astype(float) for a in (query, key, value)]
h = 0.1
def at(n, p, step):
    xs = [x.copy() for x in inputs]
    xs[n][p] += step
    return np.vdot(d_output, scaled_dot_product_attention(*xs))
return np.array([
    max(abs((at(n, p, h) - at(n, p, -h)) / (2 * h) - g[p]) for p in np.ndindex(g.shape))
    for n, g in enumerate((d_query, d_key, d_value))
])
""",
        ),
        wrong(
            "nudges pile up, since nothing is put back",
            "a[p] -= h",
            """
arrays = [x.astype(float) for x in (query, key, value)]
h, out = 1e-5, []
f = lambda: np.sum(d_output * scaled_dot_product_attention(*arrays))
for a, g in zip(arrays, (d_query, d_key, d_value)):
    worst = 0
    for p in np.ndindex(a.shape):
        a[p] += h
        up = f()
        a[p] -= h
        down = f()
        worst = max(worst, abs((up - down) / (2 * h) - g[p]))
    out.append(worst)
return np.array(out)
""",
        ),
        right("""
xs = [a.astype(np.float64) for a in (query, key, value)]
def f(*a):
    return float(np.tensordot(d_output.astype(np.float64), scaled_dot_product_attention(*a), 2))
def slope(n, p):
    e = np.zeros(xs[n].shape)
    e[p] = 1e-4
    g = lambda t: f(*(x + t * e if m == n else x for m, x in enumerate(xs)))
    return (8 * (g(1) - g(-1)) - (g(2) - g(-2))) / 12e-4
return np.array([max(abs(g[p] - slope(n, p)) for p in np.ndindex(g.shape)) for n, g in enumerate((d_query, d_key, d_value))])
"""),
        right("""
q, k, v, g = (np.asarray(a, dtype=np.float64) for a in (query, key, value, d_output))
root = q.shape[1] ** 0.5
s = q @ k.T / root
w = np.exp(s - s.max(1, keepdims=True))
w /= w.sum(1, keepdims=True)
dw = g @ v.T
ds = w * (dw - (w * dw).sum(1, keepdims=True)) / root
right = ds @ k, ds.T @ q, w.T @ g
return np.array([np.abs(r - d).max() for r, d in zip(right, (d_query, d_key, d_value))])
"""),
    ],
}
