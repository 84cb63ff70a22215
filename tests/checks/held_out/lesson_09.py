"""Answers to the exercises of lesson 9."""

from held_out import right, wrong

ANSWERS = {
    "split_heads": [
        wrong(
            "reshaped straight to heads",
            "reshape",
            """
*front, n, d = x.shape
return x.reshape(*front, num_heads, n, d // num_heads)
""",
            says="it reshapes without a transpose",
        ),
        wrong(
            "the heads stay behind their tokens",
            "return pieces",
            """
pieces = np.reshape(x, x.shape[:-1] + (num_heads, x.shape[-1] // num_heads))
return pieces
""",
            says="the axis of the heads stands behind that of the tokens",
        ),
        wrong(
            "the components are dealt out in turn",
            "i::num_heads",
            """
return np.stack([x[..., i::num_heads] for i in range(num_heads)], axis=-3)
""",
            says="a head gets numbers from all over the vector",
        ),
        wrong(
            "the last two axes are swapped",
            "swapaxes(-1, -2)",
            """
*lead, n, d = x.shape
cut = x.reshape(*lead, n, num_heads, d // num_heads)
return cut.swapaxes(-1, -2)
""",
        ),
        wrong(
            "the tokens are cut, not their vectors",
            "axis=-2",
            """
heads = np.split(x, num_heads, axis=-2) if x.shape[-2] % num_heads == 0 else [x] * num_heads
return np.stack(heads, axis=-3)
""",
        ),
        wrong(
            "further axes are turned round too",
            "y.transpose",
            """
d_head = x.shape[-1] // num_heads
y = x.reshape(x.shape[:-1] + (num_heads, d_head))
return y.transpose(range(y.ndim)[::-1]).swapaxes(-1, -2).swapaxes(0, -3)
""",
        ),
        wrong(
            "the heads stand before all other axes",
            "np.stack",
            """
size = x.shape[-1] // num_heads
return np.stack([x[..., h * size : (h + 1) * size] for h in range(num_heads)])
""",
            says="the axis of the heads stands first, before those that lead",
        ),
        wrong(
            "each head begins one component too late",
            "h * size + 1",
            """
size = x.shape[-1] // num_heads
out = np.zeros(x.shape[:-2] + (num_heads, x.shape[-2], size))
for h in range(num_heads):
    piece = x[..., h * size + 1 : (h + 1) * size + 1]
    out[..., h, :, : piece.shape[-1]] = piece
return out
""",
        ),
        right("""
return np.moveaxis(np.array(np.split(x, num_heads, axis=-1)), 0, -3)
"""),
        right("""
d_head = x.shape[-1] // num_heads
columns = np.arange(x.shape[-1]).reshape(num_heads, 1, d_head)
rows = np.arange(x.shape[-2])[:, None]
return x[..., rows, columns]
"""),
    ],
    "merge_heads": [
        wrong(
            "reshaped without moving the heads",
            "reshape",
            """
*front, h, n, d = heads.shape
return heads.reshape(*front, n, h * d)
""",
            says="it reshapes without swapping back",
        ),
        wrong(
            "the heads are added",
            "sum(axis=-3)",
            """
total = heads.sum(axis=-3)
return np.repeat(total, heads.shape[-3], axis=-1)
""",
        ),
        wrong(
            "the components of heads alternate",
            "swapaxes(-1, -2)",
            """
*front, h, n, d = heads.shape
moved = heads.swapaxes(-2, -3).swapaxes(-1, -2)
return moved.reshape(*front, n, h * d)
""",
            says="the heads are shuffled into each other",
        ),
        wrong(
            "the last head first",
            "range(h - 1, -1, -1)",
            """
h = heads.shape[-3]
return np.concatenate([heads[..., i, :, :] for i in range(h - 1, -1, -1)], axis=-1)
""",
        ),
        wrong(
            "joined along the tokens",
            "axis=-2",
            """
h = heads.shape[-3]
return np.concatenate([heads[..., i, :, :] for i in range(h)], axis=-2)
""",
            says="the heads are laid one below the other",
        ),
        wrong(
            "the first axis is taken for the heads",
            "in heads",
            """
return np.concatenate([one for one in heads], axis=-1)
""",
        ),
        wrong(
            "the first axis is moved, not that of the heads",
            "np.moveaxis(heads, 0",
            """
moved = np.moveaxis(heads, 0, -2)
return moved.reshape(moved.shape[:-2] + (-1,))
""",
        ),
        right("""
return np.einsum("...hnd->...nhd", heads).reshape(*heads.shape[:-3], heads.shape[-2], -1)
"""),
        right("""
h, n, d = heads.shape[-3:]
out = np.empty(heads.shape[:-3] + (n, h * d), heads.dtype)
for c in range(h * d):
    out[..., c] = heads[..., c // d, :, c % d]
return out
"""),
    ],
    "multi_head_attention": [
        wrong(
            "the keys are made of x",
            "x @ w_key",
            """
q = split_heads(x @ w_query, num_heads)
k = split_heads(x @ w_key, num_heads)
v = split_heads(x @ w_value, num_heads)
return merge_heads(scaled_dot_product_attention(q, k, v)) @ w_out
""",
            says="`x` asks itself",
        ),
        wrong(
            "w_out is left out",
            "return",
            """
q, k, v = (split_heads(a @ w, num_heads) for a, w in [(x, w_query), (memory, w_key), (memory, w_value)])
return merge_heads(scaled_dot_product_attention(q, k, v))
""",
            says="`w_out` is missing",
        ),
        wrong(
            "divided by the root of the whole width",
            "w_query.shape[1]",
            """
q = split_heads(x @ w_query, num_heads)
k = split_heads(memory @ w_key, num_heads)
v = split_heads(memory @ w_value, num_heads)
scores = q @ k.swapaxes(-1, -2) / w_query.shape[1] ** 0.5
return merge_heads(softmax(scores) @ v) @ w_out
""",
            says="it divides by the root of the columns of all heads together",
        ),
        wrong(
            "split by a reshape alone",
            "a.reshape",
            """
def cut(a):
    return a.reshape(num_heads, len(a), a.shape[1] // num_heads)
q, k, v = cut(x @ w_query), cut(memory @ w_key), cut(memory @ w_value)
return merge_heads(scaled_dot_product_attention(q, k, v)) @ w_out
""",
            says="the heads are cut by a reshape without a transpose",
        ),
        wrong(
            "one head for all: never split",
            "scaled_dot_product_attention",
            """
query = x @ w_query
key = memory @ w_key
value = memory @ w_value
return scaled_dot_product_attention(query, key, value) @ w_out
""",
            says="there is only one softmax for all columns",
        ),
        wrong(
            "the scale is counted twice",
            "/ q.shape[-1] ** 0.5",
            """
q = split_heads(x @ w_query, num_heads)
q = q / q.shape[-1] ** 0.5
k = split_heads(memory @ w_key, num_heads)
v = split_heads(memory @ w_value, num_heads)
return merge_heads(scaled_dot_product_attention(q, k, v)) @ w_out
""",
        ),
        wrong(
            "every head writes with the first rows of w_out",
            "w_out[:dv]",
            """
dk, dv = w_query.shape[1] // num_heads, w_value.shape[1] // num_heads
out = 0
for h in range(num_heads):
    q = x @ w_query[:, h * dk : (h + 1) * dk]
    k = memory @ w_key[:, h * dk : (h + 1) * dk]
    v = memory @ w_value[:, h * dv : (h + 1) * dv]
    out = out + scaled_dot_product_attention(q, k, v) @ w_out[:dv]
return out
""",
        ),
        wrong(
            "values are cut by the width of the keys",
            "w_value[:, h * dk",
            """
dk, dv = w_query.shape[1] // num_heads, w_value.shape[1] // num_heads
out = np.zeros((len(x), w_out.shape[1]))
for h in range(num_heads):
    c = slice(h * dk, (h + 1) * dk)
    v = np.resize(memory @ w_value[:, h * dk : h * dk + dv], (len(memory), dv))
    out += scaled_dot_product_attention(x @ w_query[:, c], memory @ w_key[:, c], v) @ w_out[h * dv : (h + 1) * dv]
return out
""",
        ),
        right("""
d_k, d_v = w_query.shape[1] // num_heads, w_value.shape[1] // num_heads
parts = zip(np.hsplit(w_query, num_heads), np.hsplit(w_key, num_heads), np.hsplit(w_value, num_heads), np.vsplit(w_out, num_heads))
return sum(softmax(x @ q @ (memory @ k).T / d_k**0.5) @ (memory @ (v @ o)) for q, k, v, o in parts)
"""),
        right("""
def cut(a):
    return a.reshape(len(a), num_heads, -1)
q, k, v = cut(x @ w_query), cut(memory @ w_key), cut(memory @ w_value)
w = softmax(np.einsum("qhd,khd->hqk", q, k) / q.shape[2] ** 0.5)
return np.einsum("hqk,khv,hvm->qm", w, v, w_out.reshape(num_heads, -1, w_out.shape[1]), optimize=True)
"""),
    ],
    "grouped_query_attention": [
        wrong(
            "the heads are dealt out in turn",
            "np.tile",
            """
g = query.shape[0] // key.shape[0]
k = np.tile(key, (g, 1, 1))
v = np.tile(value, (g, 1, 1))
return scaled_dot_product_attention(query, k, v)
""",
            says="it uses the key-value heads in turn, 0, 1, 0, 1, as",
        ),
        wrong(
            "the remainder in place of the group",
            "i % len(key)",
            """
out = []
for i in range(len(query)):
    j = i % len(key)
    out.append(scaled_dot_product_attention(query[i], key[j], value[j]))
return np.array(out)
""",
            says="it uses the key-value heads in turn, 0, 1, 0, 1, as",
        ),
        wrong(
            "all use the first key-value head",
            "key[0]",
            """
return np.stack([scaled_dot_product_attention(q, key[0], value[0]) for q in query])
""",
            says="all query heads use the first key-value head",
        ),
        wrong(
            "the values are dealt out in turn",
            "value[i % len(value)]",
            """
group = len(query) // len(key)
out = []
for i, q in enumerate(query):
    k = key[i // group]
    v = value[i % len(value)]
    out.append(scaled_dot_product_attention(q, k, v))
return np.stack(out)
""",
            says="keys and values are shared in different orders",
        ),
        wrong(
            "divided by the number of key-value heads",
            "i // len(key)",
            """
n = len(key)
return np.array([scaled_dot_product_attention(query[i], key[min(i // len(key), n - 1)], value[min(i // len(key), n - 1)]) for i in range(len(query))])
""",
        ),
        wrong(
            "queries are grouped in the wrong order",
            "reshape(group, h",
            """
h, group = len(key), len(query) // len(key)
q = query.reshape(group, h, *query.shape[1:])
out = scaled_dot_product_attention(q, np.stack([key] * group), np.stack([value] * group))
return out.reshape(len(query), *out.shape[2:])
""",
            says="it uses the key-value heads in turn, 0, 1, 0, 1, as",
        ),
        wrong(
            "no scale",
            "np.einsum",
            """
group = len(query) // len(key)
k, v = key.repeat(group, 0), value.repeat(group, 0)
s = np.einsum("hqd,hkd->hqk", query, k)
return softmax(s) @ v
""",
        ),
        right("""
h_kv = len(key)
q = np.array(np.split(query, h_kv))
k, v = np.expand_dims(key, 1), np.expand_dims(value, 1)
s = np.matmul(q, k.swapaxes(-1, -2)) / query.shape[2] ** 0.5
return np.concatenate(softmax(s) @ v)
"""),
        right("""
which = np.arange(len(query)) * len(key) // len(query)
return scaled_dot_product_attention(query, key[which], value[which])
"""),
    ],
    "diagnose_heads": [
        wrong(
            "3 and 4 are swapped",
            "[full, tiled @ w_out]",
            """
def cut(a, h):
    return a.reshape(len(a), h, -1).swapaxes(0, 1)
def bad(a, h):
    return a.reshape(h, len(a), -1)
def run(split, order, scale):
    q, k, v = split(x @ w_query, 4), split(x @ w_key, 2)[order], split(x @ w_value, 2)[order]
    return merge_heads(softmax(q @ k.swapaxes(1, 2) / scale) @ v)
s, d = (x.shape[1] / 4) ** 0.5, x.shape[1] ** 0.5
full, tiled = run(cut, [0, 0, 1, 1], s), run(cut, [0, 1, 0, 1], s)
made = [full @ w_out, run(bad, [0, 0, 1, 1], s) @ w_out, run(cut, [0, 0, 1, 1], d) @ w_out]
made += [full, tiled @ w_out]
return int(np.argmin([np.abs(output - m).max() for m in made]))
""",
            says="3 and 4 are swapped",
        ),
        wrong(
            "the scale of fault 2 is that of a head",
            "scale=d_head",
            """
d_head = x.shape[1] // 4
def cut(a, h):
    return a.reshape(len(a), h, -1).transpose(1, 0, 2)
def bad(a, h):
    return a.reshape(h, len(a), -1)
def run(split=cut, order=(0, 0, 1, 1), scale=d_head):
    order = list(order)
    q, k, v = split(x @ w_query, 4), split(x @ w_key, 2)[order], split(x @ w_value, 2)[order]
    return merge_heads(softmax(q @ k.transpose(0, 2, 1) / scale**0.5) @ v)
made = [
    run() @ w_out,
    run(split=bad) @ w_out,
    run(scale=d_head) @ w_out,
    run(order=(0, 1, 0, 1)) @ w_out,
    run(),
]
return int(np.argmin([np.linalg.norm(output - m) for m in made]))
""",
            says="never finds 2",
        ),
        wrong(
            "the right order of heads is dealt out",
            "g = np.tile",
            """
def run(reshape, order, scale):
    q, k, v = x @ w_query, x @ w_key, x @ w_value
    cut = (lambda a, h: a.reshape(h, len(a), -1)) if reshape else split_heads
    q, k, v = cut(q, 4), cut(k, 2)[order], cut(v, 2)[order]
    return merge_heads(softmax(q @ k.mT * scale) @ v)
g = np.tile([0, 1], 2)
t = np.array([0, 1, 0, 1])
a, b = (x.shape[1] / 4) ** -0.5, x.shape[1] ** -0.5
made = [run(0, g, a) @ w_out, run(1, g, a) @ w_out, run(0, g, b) @ w_out, run(0, t, a) @ w_out, run(0, g, a)]
return int(np.argmin([np.abs(output - m).max() for m in made]))
""",
        ),
        wrong(
            "fault 1 reshapes the queries alone",
            "split_heads(x @ w_key, 2)",
            """
def run(q, order=(0, 0, 1, 1), width=x.shape[1] / 4):
    k, v = split_heads(x @ w_key, 2)[list(order)], split_heads(x @ w_value, 2)[list(order)]
    return merge_heads(softmax(q @ k.swapaxes(1, 2) / width**0.5) @ v)
good = split_heads(x @ w_query, 4)
flat = (x @ w_query).reshape(4, len(x), -1)
made = [run(good) @ w_out, run(flat) @ w_out, run(good, width=x.shape[1]) @ w_out,
        run(good, order=(0, 1, 0, 1)) @ w_out, run(good)]
gaps = [np.abs(m - output).max() for m in made]
return gaps.index(min(gaps))
""",
        ),
        wrong(
            "never finds 2",
            "return 0",
            """
g = [0, 0, 1, 1]
def run(split, order):
    q, k, v = split(x @ w_query, 4), split(x @ w_key, 2)[order], split(x @ w_value, 2)[order]
    return merge_heads(scaled_dot_product_attention(q, k, v))
same = lambda m: np.allclose(m, output, atol=1e-8)
if same(run(split_heads, g)):
    return 4
if same(run(lambda a, h: a.reshape(h, len(a), -1), g) @ w_out):
    return 1
if same(run(split_heads, [0, 1, 0, 1]) @ w_out):
    return 3
return 0
""",
            says="never finds 2",
        ),
        wrong(
            "counts from 1",
            "+ 1",
            """
def run(split=split_heads, order=(0, 0, 1, 1), f=1.0):
    k, v = split(x @ w_key, 2)[list(order)], split(x @ w_value, 2)[list(order)]
    return merge_heads(scaled_dot_product_attention(f * split(x @ w_query, 4), k, v))
made = np.array([run() @ w_out, run(lambda a, h: a.reshape(h, len(a), -1)) @ w_out,
                 run(f=0.5) @ w_out, run(order=(0, 1, 0, 1)) @ w_out, run()])
return int(np.abs(made - output).sum((1, 2)).argmin()) + 1
""",
            says="it counts from 1",
        ),
        right("""
def run(split=split_heads, pick=np.repeat, f=1.0):
    both = pick([0, 1], 2)
    k, v = split(x @ w_key, 2)[both], split(x @ w_value, 2)[both]
    return merge_heads(scaled_dot_product_attention(f * split(x @ w_query, 4), k, v))
made = np.array([run() @ w_out, run(lambda a, h: a.reshape(h, len(a), -1)) @ w_out,
                 run(f=0.5) @ w_out, run(pick=np.tile) @ w_out, run()])
return int(np.square(made - output).sum((1, 2)).argmin())
"""),
        right("""
d = x.shape[1] // 4
def head(i, j, f):
    q = (x @ w_query)[:, i * d : (i + 1) * d]
    k = (x @ w_key)[:, j * d : (j + 1) * d]
    v = (x @ w_value)[:, j * d : (j + 1) * d]
    return softmax(q @ k.T * f / d**0.5) @ v
def all_heads(shared, f=1.0):
    return np.hstack([head(i, j, f) for i, j in enumerate(shared)])
good = all_heads([0, 0, 1, 1])
for number, made in ((0, good @ w_out), (4, good), (3, all_heads([0, 1, 0, 1]) @ w_out), (2, all_heads([0, 0, 1, 1], 0.5) @ w_out)):
    if np.allclose(made, output):
        return number
return 1
"""),
    ],
}
