"""Answers to the exercises of lesson 7."""

from held_out import right, wrong

ANSWERS = {
    "self_attention": [
        wrong(
            "keys are made with the matrix of the queries",
            "k = x @ W_q",
            """
q = x @ W_q
k = x @ W_q
v = x @ W_v
return scaled_dot_product_attention(q, k, v)
""",
            says="queries and keys share one projection",
        ),
        wrong(
            "queries and keys are swapped",
            "(k, q, v)",
            """
q, k, v = [x @ w for w in (W_q, W_k, W_v)]
return scaled_dot_product_attention(k, q, v)
""",
            says="W_q and W_k are swapped",
        ),
        wrong(
            "the matrices of queries and keys are transposed",
            ("W_q.T", "W_k.T"),
            """
return scaled_dot_product_attention(
    x @ W_q.T,
    x @ W_k.T,
    x @ W_v,
)
""",
            says="it multiplies by the matrices transposed, as if tokens were",
        ),
        wrong(
            "the values are the tokens themselves",
            "(q, k, x)",
            """
q = np.matmul(x, W_q)
k = np.matmul(x, W_k)
return scaled_dot_product_attention(q, k, x)
""",
            says="it blends the tokens themselves",
        ),
        wrong(
            "no scale",
            ("scores = ", "np.exp"),
            """
q, k, v = x @ W_q, x @ W_k, x @ W_v
scores = np.einsum("...id,...jd->...ij", q, k)
e = np.exp(scores - scores.max(axis=-1, keepdims=True))
return e / e.sum(axis=-1, keepdims=True) @ v
""",
        ),
        wrong(
            "the scale is counted twice",
            "** 0.5",
            """
q = x @ W_q / W_q.shape[1] ** 0.5
return scaled_dot_product_attention(q, x @ W_k, x @ W_v)
""",
        ),
        wrong(
            "shares out over the queries",
            "sum(axis=-2",
            """
q, k, v = x @ W_q, x @ W_k, x @ W_v
s = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
e = np.exp(s - s.max(axis=-2, keepdims=True))
w = e / e.sum(axis=-2, keepdims=True)
return w @ v
""",
            says="the weights of a token that is asked sum to 1",
        ),
        right("""
both = x @ (W_q @ W_k.T) @ np.swapaxes(x, -1, -2) / len(W_q.T) ** 0.5
e = np.exp(both - both.max(-1, keepdims=True))
return (e / e.sum(-1, keepdims=True)) @ x @ W_v
"""),
        right("""
made = np.einsum("...nd,dk->...nk", x, np.hstack([W_q, W_k, W_v]))
cuts = np.cumsum([W_q.shape[1], W_k.shape[1]])
return scaled_dot_product_attention(*np.split(made, cuts, axis=-1))
"""),
    ],
    "cross_attention": [
        wrong(
            "the padding is asked too",
            "return",
            """
return scaled_dot_product_attention(y @ W_q, x @ W_k, x @ W_v)
""",
            says="the padding is asked too",
        ),
        wrong(
            "x asks itself",
            "x @ W_q",
            """
x = x[..., :length, :]
q, k, v = x @ W_q, x @ W_k, x @ W_v
return scaled_dot_product_attention(q, k, v)
""",
            says="x asks itself",
        ),
        wrong(
            "the values are made of y",
            "y @ W_v",
            """
real = x[..., :length, :]
q = y @ W_q
k = real @ W_k
v = y @ W_v
n = min(k.shape[-2], v.shape[-2])
return scaled_dot_product_attention(q, k[..., :n, :], v[..., :n, :])
""",
        ),
        wrong(
            "one real token is cut off",
            "length - 1",
            """
real = x[..., : length - 1, :]
return scaled_dot_product_attention(y @ W_q, real @ W_k, real @ W_v)
""",
        ),
        wrong(
            "padding is set to 0, and asked all the same",
            "keep * x",
            """
keep = (np.arange(x.shape[-2]) < length)[:, None]
real = keep * x
return scaled_dot_product_attention(y @ W_q, real @ W_k, real @ W_v)
""",
        ),
        wrong(
            "the first axis is cut, not the one of the tokens",
            "x[:length]",
            """
real = x[:length]
keys, values = np.matmul(real, W_k), np.matmul(real, W_v)
return scaled_dot_product_attention(np.matmul(y, W_q), keys, values)
""",
        ),
        wrong(
            "the weights of padding are set to 0 and not shared out",
            "w[..., length:] = 0",
            """
q, k, v = y @ W_q, x @ W_k, x @ W_v
s = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
w = np.exp(s - s.max(-1, keepdims=True))
w = w / w.sum(-1, keepdims=True)
w[..., length:] = 0
return w @ v
""",
        ),
        wrong(
            "the mask shows what it should hide",
            ">= length",
            """
mask = (np.arange(x.shape[-2]) >= length)[None, :]
return scaled_dot_product_attention(y @ W_q, x @ W_k, x @ W_v, mask)
""",
        ),
        right("""
s = (y @ W_q) @ (x @ W_k).mT * W_q.shape[1] ** -0.5
s[..., length:] = -np.inf
w = np.exp(s - np.max(s, axis=-1)[..., None])
return np.einsum("...ij,...jv->...iv", w / w.sum(-1)[..., None], x @ W_v)
"""),
        right("""
keep = range(int(length))
x = np.take(x, keep, axis=-2)
return scaled_dot_product_attention(y @ W_q, x @ W_k, x) @ W_v
"""),
    ],
    "unshuffle_weights": [
        wrong(
            "shuffled once more",
            "weights[order]",
            """
return weights[order][:, order]
""",
            says="it shuffles once more",
        ),
        wrong(
            "only the rows are put back",
            "weights[back]",
            """
back = np.argsort(order)
return weights[back]
""",
            says="only the rows are put back",
        ),
        wrong(
            "only the columns are put back",
            "weights[:, ",
            """
inverse = np.empty_like(order)
inverse[order] = np.arange(len(order))
return weights[:, inverse]
""",
            says="only the columns are put back",
        ),
        wrong(
            "rows one way, columns the other",
            "[:, order]",
            """
back = np.argsort(order)
return weights[back, :][:, order]
""",
            says="the rows are put back and the columns shuffled once more",
        ),
        wrong(
            "only the diagonal is taken",
            "weights[back, back]",
            """
back = np.argsort(order)
out = np.zeros_like(weights)
out[:] = weights[back, back]
return out
""",
        ),
        wrong(
            "rows and columns are swapped",
            "out[order[j], order[i]]",
            """
out = np.zeros_like(weights)
n = len(order)
for i in range(n):
    for j in range(n):
        out[order[j], order[i]] = weights[i, j]
return out
""",
            says="rows and columns are swapped",
        ),
        wrong(
            "reads where it should write",
            "weights[order[i], order[j]]",
            """
n = len(order)
out = np.zeros((n, n))
for i in range(n):
    for j in range(n):
        out[i, j] = weights[order[i], order[j]]
return out
""",
            says="it shuffles once more",
        ),
        right("""
P = np.eye(len(order))[order]
return P.T @ weights @ P
"""),
        right("""
where = list(order)
n = range(len(where))
return np.array([[weights[where.index(i), where.index(j)] for j in n] for i in n])
"""),
    ],
    "diagnose_roles": [
        wrong(
            "1 and 4 are swapped",
            ("x @ W_q, y @ W_k, y @ W_v", "y @ W_q, x @ W_k, y @ W_v"),
            """
f = scaled_dot_product_attention
tries = [
    f(y @ W_q, x @ W_k, x @ W_v),
    f(y @ W_q, x @ W_k, y @ W_v),
    f(y @ W_q, x @ W_q, x @ W_v),
    f(y @ W_q.T, x @ W_k.T, x @ W_v.T),
    f(x @ W_q, y @ W_k, y @ W_v),
]
return int(np.argmin([np.abs(output - t).max() for t in tries]))
""",
            says="faults 1 and 4 are swapped",
        ),
        wrong(
            "never finds 4",
            "return 0",
            """
def made(q, k, v):
    return np.allclose(scaled_dot_product_attention(q, k, v), output, atol=1e-6)
if made(x @ W_q, y @ W_k, y @ W_v):
    return 1
if made(y @ W_q, x @ W_q, x @ W_v):
    return 2
if made(y @ W_q.T, x @ W_k.T, x @ W_v.T):
    return 3
return 0
""",
            says="never finds 4",
        ),
        wrong(
            "fault 3 is made with only two matrices transposed",
            "x @ W_v)]",
            """
a = scaled_dot_product_attention
vs = [a(y @ W_q, x @ W_k, x @ W_v), a(x @ W_q, y @ W_k, y @ W_v),
      a(y @ W_q, x @ W_q, x @ W_v)]
vs += [a(y @ W_q.T, x @ W_k.T, x @ W_v)]
vs += [a(y @ W_q, x @ W_k, y @ W_v)]
for i, v in enumerate(vs):
    if np.allclose(v, output):
        return i
return 0
""",
            says="never finds 3",
        ),
        wrong(
            "fault 2 shares the matrix of the keys",
            "y @ W_k, x @ W_k",
            """
at = scaled_dot_product_attention
gaps = [
    np.linalg.norm(output - at(y @ W_q, x @ W_k, x @ W_v)),
    np.linalg.norm(output - at(x @ W_q, y @ W_k, y @ W_v)),
    np.linalg.norm(output - at(y @ W_k, x @ W_k, x @ W_v)),
    np.linalg.norm(output - at(y @ W_q.T, x @ W_k.T, x @ W_v.T)),
    np.linalg.norm(output - at(y @ W_q, x @ W_k, y @ W_v)),
]
return gaps.index(min(gaps))
""",
        ),
        wrong(
            "counts from 1",
            "start=1",
            """
at = scaled_dot_product_attention
combos = [(y @ W_q, x @ W_k, x @ W_v), (x @ W_q, y @ W_k, y @ W_v),
          (y @ W_q, x @ W_q, x @ W_v), (y @ W_q.T, x @ W_k.T, x @ W_v.T),
          (y @ W_q, x @ W_k, y @ W_v)]
for number, combo in enumerate(combos, start=1):
    if np.allclose(at(*combo), output):
        return number
""",
            says="it counts from 1",
        ),
        wrong(
            "the largest gap, not the smallest",
            "np.argmax",
            """
at = scaled_dot_product_attention
vs = [at(y @ W_q, x @ W_k, x @ W_v), at(x @ W_q, y @ W_k, y @ W_v),
      at(y @ W_q, x @ W_q, x @ W_v), at(y @ W_q.T, x @ W_k.T, x @ W_v.T),
      at(y @ W_q, x @ W_k, y @ W_v)]
gaps = [np.square(output - v).mean() for v in vs]
return int(np.argmax(gaps))
""",
        ),
        right("""
def run(asks, asked, valued, q=W_q, k=W_k, v=W_v):
    return scaled_dot_product_attention(asks @ q, asked @ k, valued @ v)
made = np.array([run(y, x, x), run(x, y, y), run(y, x, x, k=W_q), run(y, x, x, W_q.T, W_k.T, W_v.T), run(y, x, y)])
return int(((made - output) ** 2).mean(axis=(1, 2)).argmin())
"""),
        right("""
at, off = scaled_dot_product_attention, lambda z: np.abs(z - output).sum()
table = {4: at(y @ W_q, x @ W_k, y @ W_v), 3: at(y @ W_q.T, x @ W_k.T, x @ W_v.T),
         2: at(y @ W_q, x @ W_q, x @ W_v), 1: at(x @ W_q, y @ W_k, y @ W_v),
         0: at(y @ W_q, x @ W_k, x @ W_v)}
return min(table, key=lambda number: off(table[number]))
"""),
    ],
}
