"""Answers to the exercises of lesson 12."""

from held_out import right, wrong

ANSWERS = {
    "layer_norm": [
        wrong(
            "normed over the tokens",
            ("mean(axis=-2", "std(axis=-2"),
            """
mu = x.mean(axis=-2, keepdims=True)
sd = np.sqrt(x.std(axis=-2, keepdims=True) ** 2 + 1e-5)
return (x - mu) / sd * gain + shift
""",
            says="it norms along the tokens",
        ),
        wrong(
            "epsilon is added to the deviation",
            "+ 1e-5",
            """
centred = x - np.mean(x, axis=-1, keepdims=True)
sd = x.std(axis=-1, keepdims=True)
return gain * centred / (sd + 1e-5) + shift
""",
            says="epsilon stands outside the root",
        ),
        wrong(
            "no root",
            "/ (var",
            """
m = x.mean(-1, keepdims=True)
var = ((x - m) ** 2).mean(-1, keepdims=True)
return gain * (x - m) / (var + 1e-5) + shift
""",
            says="it divides by the variance",
        ),
        wrong(
            "the mean is not taken away",
            "x / np.sqrt",
            """
var = np.var(x, axis=-1)[..., None]
return gain * (x / np.sqrt(var + 1e-5)) + shift
""",
        ),
        wrong(
            "the variance divides by d - 1",
            "ddof=1",
            """
m = x.mean(-1, keepdims=True)
v = x.var(-1, keepdims=True, ddof=1)
return (x - m) * gain / (v + 1e-5) ** 0.5 + shift
""",
            says="the variance divides by d − 1",
        ),
        wrong(
            "the gain is also given to the shift",
            "gain * (z + shift)",
            """
z = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
return gain * (z + shift)
""",
            says="it shifts before it multiplies",
        ),
        wrong(
            "no epsilon",
            "np.std",
            """
z = x - x.mean(axis=-1, keepdims=True)
z = z / np.std(x, axis=-1, keepdims=True)
return gain * z + shift
""",
            says="epsilon is missing",
        ),
        right("""
c = x - np.einsum("...d->...", x)[..., None] / x.shape[-1]
return shift + c * gain * (np.einsum("...d,...d->...", c, c)[..., None] / x.shape[-1] + 1e-5) ** -0.5
"""),
        right("""
def one(v):
    return gain * (v - v.mean()) / np.hypot(v.std(), 1e-5**0.5) + shift
return np.apply_along_axis(one, -1, x)
"""),
    ],
    "block": [
        wrong(
            "no mask",
            "is_causal=False",
            """
a = layer_norm(x, 1, 0)
x = x + multi_head_attention(a, a, a, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=False)
b = layer_norm(x, 1, 0)
return x + np.maximum(b @ w_up + b_up, 0) @ w_down + b_down
""",
            says="the target leaks",
        ),
        wrong(
            "the second residual connection is missing",
            "return",
            """
a = layer_norm(x, 1, 0)
x = x + multi_head_attention(a, a, a, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
h = np.maximum(layer_norm(x, 1, 0) @ w_up + b_up, 0)
return h @ w_down + b_down
""",
            says="the feed-forward step replaces the stream",
        ),
        wrong(
            "the norm comes after each step",
            ("layer_norm(x + at", "layer_norm(y + "),
            """
at = multi_head_attention(x, x, x, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
y = layer_norm(x + at, 1, 0)
f = np.maximum(y @ w_up + b_up, 0) @ w_down + b_down
return layer_norm(y + f, 1, 0)
""",
            says="it norms after each sum, as in 2017",
        ),
        wrong(
            "the second step reads the norm of the first",
            "np.maximum(normed",
            """
normed = layer_norm(x, 1, 0)
x = x + multi_head_attention(normed, normed, normed, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
hidden = np.maximum(normed @ w_up + b_up, 0)
return x + hidden @ w_down + b_down
""",
            says="both steps read the same",
        ),
        wrong(
            "no relu",
            "hidden = ",
            """
n = layer_norm(x, 1, 0)
y = x + multi_head_attention(n, n, n, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
hidden = layer_norm(y, 1, 0) @ w_up + b_up
return y + hidden @ w_down + b_down
""",
            says="there is no relu",
        ),
        wrong(
            "adds to the normed copy",
            "n + multi_head_attention",
            """
n = layer_norm(x, 1, 0)
y = n + multi_head_attention(n, n, n, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
up = np.matmul(layer_norm(y, 1, 0), w_up) + b_up
return y + np.where(up > 0, up, 0) @ w_down + b_down
""",
        ),
        wrong(
            "changes the stream of the caller",
            "x += multi_head_attention",
            """
n = layer_norm(x, 1, 0)
x += multi_head_attention(n, n, n, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
m = layer_norm(x, 1, 0)
return x + np.maximum(m @ w_up + b_up, 0) @ w_down + b_down
""",
            says="changes its input",
        ),
        wrong(
            "the second norm is forgotten",
            "np.clip(y @ w_up",
            """
n = layer_norm(x, 1, 0)
y = x + multi_head_attention(n, n, n, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
hidden = np.clip(y @ w_up + b_up, 0, None)
return y + (hidden @ w_down + b_down)
""",
            says="the feed-forward step reads the stream without a norm",
        ),
        right("""
attend = lambda n: multi_head_attention(n, n, n, w_query, w_key, w_value, w_out, num_heads=num_heads, is_causal=True)
think = lambda n: (lambda u: u * (u > 0))(n @ w_up + b_up) @ w_down + b_down
for step in (attend, think):
    x = x + step(layer_norm(x, 1, 0))
return x
"""),
        right("""
def norm(z):
    return (z - z.mean(-1, keepdims=True)) * (z.var(-1, keepdims=True) + 1e-5) ** -0.5
n, (d, h) = norm(x), (x.shape[-1], num_heads)
cut = lambda a: np.moveaxis(a.reshape(*a.shape[:-1], h, d // h), -2, -3)
q, k, v = cut(n @ w_query), cut(n @ w_key), cut(n @ w_value)
s = q @ k.mT / (d // h) ** 0.5
s = np.where(np.tri(x.shape[-2], dtype=bool), s, -np.inf)
x = x + np.moveaxis(softmax(s) @ v, -3, -2).reshape(x.shape) @ w_out
return x + np.clip(norm(x) @ w_up + b_up, 0, None) @ w_down + b_down
"""),
    ],
    "top_k": [
        wrong(
            "the smallest stay",
            "[..., k - 1",
            """
k = min(k, logits.shape[-1])
limit = np.sort(logits, axis=-1)[..., k - 1 : k]
z = np.where(logits > limit, -np.inf, logits)
return softmax(z / temperature)
""",
            says="it keeps the k least likely",
        ),
        wrong(
            "cut off logits are 0 and not -inf",
            "0)",
            """
k = min(k, logits.shape[-1])
limit = -np.sort(-logits, axis=-1)[..., k - 1 : k]
z = np.where(logits >= limit, logits, 0)
return softmax(z / temperature)
""",
            says="a logit that is cut becomes 0, which is a probability like",
        ),
        wrong(
            "cut after the softmax, and not shared out",
            "np.where(p >= ",
            """
p = softmax(logits / temperature)
k = min(k, p.shape[-1])
least = np.partition(p, -k, axis=-1)[..., -k][..., None]
return np.where(p >= least, p, 0)
""",
            says="the rest is cut off after the softmax, and the row no",
        ),
        wrong(
            "multiplied by the temperature",
            "* temperature",
            """
k = min(k, logits.shape[-1])
last = np.sort(logits, axis=-1)[..., -k]
kept = np.where(logits < last[..., None], -np.inf, logits)
return softmax(kept * temperature)
""",
            says="it multiplies by the temperature",
        ),
        wrong(
            "those that tie with the last are cut",
            "argsort",
            """
k = min(k, logits.shape[-1])
keep = np.argsort(-logits, axis=-1)[..., :k]
z = np.full(logits.shape, -np.inf)
np.put_along_axis(z, keep, np.take_along_axis(logits, keep, -1), -1)
return softmax(z / temperature)
""",
        ),
        wrong(
            "one too many stays",
            "-k - 1",
            """
k = min(k, logits.shape[-1])
last = np.sort(logits, axis=-1)[..., max(-k - 1, -logits.shape[-1])]
return softmax(np.where(logits < last[..., None], -np.inf, logits) / temperature)
""",
            says="it keeps one too many",
        ),
        wrong(
            "k above the number of logits fails",
            "[..., -k",
            """
last = np.sort(logits, axis=-1)[..., -k, None]
return softmax(np.where(logits < last, -np.inf, logits) / temperature)
""",
        ),
        right("""
rank = (logits[..., None, :] > logits[..., :, None]).sum(-1)
e = np.exp((logits - logits.max(-1, keepdims=True)) / temperature) * (rank < k)
return e / e.sum(-1, keepdims=True)
"""),
        right("""
def one(row):
    least = sorted(row, reverse=True)[:k][-1]
    return softmax(np.array([z if z >= least else -np.inf for z in row]), temperature=temperature)
return np.apply_along_axis(one, -1, logits)
"""),
    ],
    "count_leak": [
        wrong(
            "natural logarithms, not bits",
            "bits = ",
            """
n = len(may_see)
step = may_see | np.eye(n, dtype=bool)
reach = np.linalg.matrix_power(step.astype(int), num_blocks) > 0
honest = np.append(~np.diagonal(reach, 1), True)
bits = -np.take_along_axis(log_softmax(logits), targets[..., None], -1)[..., 0]
return np.array([bits.mean(), bits[:, honest].mean()])
""",
            says="it counts in nats",
        ),
        wrong(
            "only what is seen directly",
            "step, 1",
            """
n = len(may_see)
step = may_see | np.eye(n, dtype=bool)
honest = np.append(~np.diagonal(step, 1), True)
bits = -np.take_along_axis(log_softmax(logits), targets[..., None], -1)[..., 0] / np.log(2)
return np.array([bits.mean(), bits[:, honest].mean()])
""",
            says="it looks one block deep",
        ),
        wrong(
            "a place does not keep what it had",
            "reach @ may_see",
            """
n = len(may_see)
reach = np.eye(n, dtype=bool)
for _ in range(num_blocks):
    reach = reach @ may_see
honest = np.ones(n, bool)
honest[:-1] = ~reach[np.arange(n - 1), np.arange(1, n)]
w, i = np.indices(targets.shape)
bits = -log_softmax(logits)[w, i, targets] / np.log(2)
return np.array([bits.mean(), bits[:, honest].mean()])
""",
            says="it forgets the residual",
        ),
        wrong(
            "the diagonal below in place of the one above",
            "-1)",
            """
n = len(may_see)
reach = np.eye(n, dtype=bool)
for _ in range(num_blocks):
    reach = reach | (reach @ may_see)
honest = np.append(~np.diagonal(reach, -1), True)
w, i = np.indices(targets.shape)
bits = -log_softmax(logits)[w, i, targets] / np.log(2)
return np.array([bits.mean(), bits[:, honest].mean()])
""",
            says="it reads the mask down its columns",
        ),
        wrong(
            "the mean over the dishonest places",
            "~honest",
            """
n = len(may_see)
reach = np.eye(n, dtype=bool)
for _ in range(num_blocks):
    reach = reach | (reach @ may_see)
honest = np.append(~np.diagonal(reach, 1), True)
chosen = np.take_along_axis(log_softmax(logits), targets[..., None], axis=-1)
bits = -chosen.squeeze(-1) / np.log(2)
bad = bits[:, ~honest]
return np.array([bits.mean(), bad.mean() if bad.size else 0.0])
""",
        ),
        wrong(
            "one block too few",
            "range(num_blocks - 1)",
            """
n = len(may_see)
step = (may_see | np.eye(n, dtype=bool)).astype(float)
reach = np.eye(n)
for _ in range(num_blocks - 1):
    reach = reach @ step
honest = [i == n - 1 or reach[i, i + 1] == 0 for i in range(n)]
bits = -np.take_along_axis(log_softmax(logits), targets[..., None], -1)[..., 0] / np.log(2)
return np.array([bits.mean(), bits[:, honest].mean()])
""",
        ),
        wrong(
            "the last place is called dishonest",
            "np.zeros(n, bool)",
            """
n = len(may_see)
step = may_see | np.eye(n, dtype=bool)
reach = np.linalg.matrix_power(step.astype(float), num_blocks) > 0
honest = np.zeros(n, bool)
honest[:-1] = ~np.diagonal(reach, 1)
if not honest.any():
    honest[0] = True
bits = -np.take_along_axis(log_softmax(logits), targets[..., None], -1)[..., 0] / np.log(2)
return np.array([bits.mean(), bits[:, honest].mean()])
""",
        ),
        right("""
n = len(may_see)
known = [{i} for i in range(n)]
for _ in range(num_blocks):
    known = [k | {int(c) for j in k for c in np.flatnonzero(may_see[j])} for k in known]
z = logits - logits.max(-1, keepdims=True)
z = (np.log(np.exp(z).sum(-1, keepdims=True)) - z) / np.log(2)
bits = np.take_along_axis(z, targets[..., None], -1)[..., 0]
return np.array([bits.mean(), bits[:, [i for i in range(n) if i + 1 not in known[i]]].mean()])
"""),
        right("""
n = len(may_see)
far = np.linalg.matrix_power(np.maximum(may_see, np.eye(n)), num_blocks)
ok = np.ones(n, bool)
ok[: n - 1] = far[range(n - 1), range(1, n)] == 0
one_hot = np.eye(logits.shape[-1])[targets]
bits = -(log_softmax(logits) * one_hot).sum(-1) * np.log2(np.e)
return np.stack([np.average(bits), np.average(bits.mean(0), weights=ok)])
"""),
    ],
}
