"""Answers to the exercises of lesson 7."""

from held_out import right, wrong

ANSWERS = {
    "self_attention": [
        wrong(
            "keys are made with the matrix of the queries",
            "k = x @ w_query",
            """
q = x @ w_query
k = x @ w_query
v = x @ w_value
return scaled_dot_product_attention(q, k, v)
""",
            says="queries and keys share one projection",
        ),
        wrong(
            "queries and keys are swapped",
            "(k, q, v)",
            """
q, k, v = [x @ w for w in (w_query, w_key, w_value)]
return scaled_dot_product_attention(k, q, v)
""",
            says="w_query and w_key are swapped",
        ),
        wrong(
            "the matrices of queries and keys are transposed",
            ("w_query.T", "w_key.T"),
            """
return scaled_dot_product_attention(
    x @ w_query.T,
    x @ w_key.T,
    x @ w_value,
)
""",
            says="it multiplies by the matrices transposed, as if tokens were",
        ),
        wrong(
            "the values are the tokens themselves",
            "(q, k, x)",
            """
q = np.matmul(x, w_query)
k = np.matmul(x, w_key)
return scaled_dot_product_attention(q, k, x)
""",
            says="it blends the tokens themselves",
        ),
        wrong(
            "no scale",
            ("scores = ", "np.exp"),
            """
q, k, v = x @ w_query, x @ w_key, x @ w_value
scores = np.einsum("...id,...jd->...ij", q, k)
e = np.exp(scores - scores.max(axis=-1, keepdims=True))
return e / e.sum(axis=-1, keepdims=True) @ v
""",
        ),
        wrong(
            "the scale is counted twice",
            "** 0.5",
            """
q = x @ w_query / w_query.shape[1] ** 0.5
return scaled_dot_product_attention(q, x @ w_key, x @ w_value)
""",
        ),
        wrong(
            "shares out over the queries",
            "sum(axis=-2",
            """
q, k, v = x @ w_query, x @ w_key, x @ w_value
s = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
e = np.exp(s - s.max(axis=-2, keepdims=True))
w = e / e.sum(axis=-2, keepdims=True)
return w @ v
""",
            says="the weights of a token that is asked sum to 1",
        ),
        right("""
both = x @ (w_query @ w_key.T) @ np.swapaxes(x, -1, -2) / len(w_query.T) ** 0.5
e = np.exp(both - both.max(-1, keepdims=True))
return (e / e.sum(-1, keepdims=True)) @ x @ w_value
"""),
        right("""
made = np.einsum("...td,dk->...tk", x, np.hstack([w_query, w_key, w_value]))
cuts = np.cumsum([w_query.shape[1], w_key.shape[1]])
return scaled_dot_product_attention(*np.split(made, cuts, axis=-1))
"""),
    ],
    "cross_attention": [
        wrong(
            "the padding is asked too",
            "return",
            """
return scaled_dot_product_attention(y @ w_query, x @ w_key, x @ w_value)
""",
            says="the padding is asked too",
        ),
        wrong(
            "x asks itself",
            "x @ w_query",
            """
x = x[..., :length, :]
q, k, v = x @ w_query, x @ w_key, x @ w_value
return scaled_dot_product_attention(q, k, v)
""",
            says="x asks itself",
        ),
        wrong(
            "the values are made of y",
            "y @ w_value",
            """
real = x[..., :length, :]
q = y @ w_query
k = real @ w_key
v = y @ w_value
n = min(k.shape[-2], v.shape[-2])
return scaled_dot_product_attention(q, k[..., :n, :], v[..., :n, :])
""",
        ),
        wrong(
            "one real token is cut off",
            "length - 1",
            """
real = x[..., : length - 1, :]
return scaled_dot_product_attention(y @ w_query, real @ w_key, real @ w_value)
""",
        ),
        wrong(
            "padding is set to 0, and asked all the same",
            "keep * x",
            """
keep = (np.arange(x.shape[-2]) < length)[:, None]
real = keep * x
return scaled_dot_product_attention(y @ w_query, real @ w_key, real @ w_value)
""",
        ),
        wrong(
            "the first axis is cut, not the one of the tokens",
            "x[:length]",
            """
real = x[:length]
keys, values = np.matmul(real, w_key), np.matmul(real, w_value)
return scaled_dot_product_attention(np.matmul(y, w_query), keys, values)
""",
        ),
        wrong(
            "the weights of padding are set to 0 and not shared out",
            "w[..., length:] = 0",
            """
q, k, v = y @ w_query, x @ w_key, x @ w_value
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
return scaled_dot_product_attention(y @ w_query, x @ w_key, x @ w_value, mask)
""",
        ),
        right("""
s = (y @ w_query) @ (x @ w_key).mT * w_query.shape[1] ** -0.5
s[..., length:] = -np.inf
w = np.exp(s - np.max(s, axis=-1)[..., None])
return np.einsum("...ij,...jv->...iv", w / w.sum(-1)[..., None], x @ w_value)
"""),
        right("""
keep = range(int(length))
x = np.take(x, keep, axis=-2)
return scaled_dot_product_attention(y @ w_query, x @ w_key, x) @ w_value
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
            "the two tables are swapped",
            "x_moves, y_moves = moved > 1e-6",
            """
x_moves, y_moves = moved > 1e-6
n = len(x_moves)
if not x_moves.any():
    return 2
if y_moves.sum() == n:
    return 0 if x_moves.all() else 4
return 3 if x_moves.all() else 1
""",
        ),
        wrong(
            "what rounding moves counts as moved",
            "moved > 0",
            """
y, x = moved > 0
if np.array_equal(y, np.eye(len(y))):
    return 0 if x.all() else 4
if not x.any():
    return 2
return 3 if x.all() else 1
""",
            says="it takes rounding for movement",
        ),
        wrong(
            "the causal mask is asked for in the table of y",
            "np.array_equal(y, np.triu(",
            """
y, x = moved > 1e-5
ones = np.ones_like(y)
if np.array_equal(y, np.triu(ones)):
    return 4
if not x.any():
    return 2
if y.all():
    return 3 if x.all() else 1
return 0
""",
            says="it never finds fault 4",
        ),
        wrong(
            "1 and 3 are swapped",
            ("return 1", "return 3"),
            """
y, x = moved > 1e-6
if not x.any():
    return 2
if not y.all():
    if x.all():
        return 0
    return 4
if x.all():
    return 1
return 3
""",
            says="1 and 3 are swapped",
        ),
        wrong(
            "the triangle is looked for on the wrong side",
            "x[0, -1]",
            """
y, x = moved > 1e-6
if y[0, -1]:
    if not x.any():
        return 2
    return 3 if x[-1, 0] else 1
return 0 if x[0, -1] else 4
""",
            says="it never finds fault 4",
        ),
        wrong(
            "y asking itself is not told from swapped roles",
            "x.all()",
            """
y, x = moved > 1e-6
n = len(y)
if y.sum() == n:
    return 0 if x.sum() == n * n else 4
if x.all():
    return 3
return 1
""",
        ),
        right(
            """
n = moved.shape[1]
eye, one, none = np.eye(n), np.ones((n, n)), np.zeros((n, n))
tables = [(eye, one), (one, eye), (one, none), (one, one), (eye, np.triu(one))]
seen = (moved > 1e-5).astype(float)
return int(np.argmin([np.abs(seen - np.array(pair)).sum() for pair in tables]))
"""
        ),
        right(
            """
n = moved.shape[-1]
a, b = (int(np.count_nonzero(m > 1e-6)) for m in moved)
if a <= n:  # under a mask the first query moves nothing
    return 4 if b < n * n else 0
return {n: 1, 0: 2, n * n: 3}[b]
"""
        ),
    ],
}
