"""Answers to the exercises of lesson 15."""

from held_out import right, wrong

ANSWERS = {
    "occlude": [
        wrong(
            "the sign is turned round",
            "without - full",
            """
def log_p(k, v):
    z = softmax(k @ query / query.size**0.5) @ v @ w_read
    return z[answer] - z.max() - np.log(np.exp(z - z.max()).sum())
full = log_p(key, value)
out = []
for j in range(len(key)):
    without = log_p(np.delete(key, j, 0), np.delete(value, j, 0))
    out.append(without - full)
return np.array(out)
""",
            says="the sign is turned",
        ),
        wrong(
            "the weight is 0 after the softmax, and not shared out",
            "hidden[j] = 0",
            """
w = softmax(key @ query / len(query) ** 0.5)
lp = lambda w: np.log(softmax(w @ value @ w_read)[answer])
effects = np.zeros(len(key))
for j in range(len(key)):
    hidden = w.copy()
    hidden[j] = 0
    effects[j] = lp(w) - lp(hidden)
return effects
""",
            says="the weight of the hidden key is gone, but the others do not",
        ),
        wrong(
            "a score of 0 hides nothing",
            "s[j] = 0",
            """
scores = key @ query / np.sqrt(len(query))
def lp(s):
    return np.log(softmax(softmax(s) @ value @ w_read))[answer]
out = np.empty(len(key))
for j in range(len(key)):
    s = scores.copy()
    s[j] = 0
    out[j] = lp(scores) - lp(s)
return out
""",
            says="the hidden key has a score of 0, and so still gets weight",
        ),
        wrong(
            "probabilities, not their logarithms",
            "def p",
            """
scores = key @ query / np.sqrt(len(query))
def p(s):
    return softmax(softmax(s) @ value @ w_read)[answer]
keep = ~np.eye(len(key), dtype=bool)
return np.array([p(scores) - p(np.where(k, scores, -np.inf)) for k in keep])
""",
            says="it watches the probability",
        ),
        wrong(
            "no scale",
            "key @ query",
            """
scores = key @ query
def lp(s):
    logits = softmax(s) @ value @ w_read
    return np.log(softmax(logits))[answer]
keep = ~np.eye(len(key), dtype=bool)
return np.array([lp(scores) - lp(np.where(k, scores, -np.inf)) for k in keep])
""",
            says="the scale is missing",
        ),
        wrong(
            "keys stay hidden, since nothing is put back",
            "scores[j] = -np.inf",
            """
scores = key @ query / len(query) ** 0.5
lp = lambda s: np.log(softmax(softmax(s) @ value @ w_read))[answer]
full, out = lp(scores), []
for j in range(len(key) - 1):
    scores[j] = -np.inf
    out.append(full - lp(scores))
return np.array(out + [0.0])
""",
        ),
        wrong(
            "logits, not log-probabilities",
            "[answer]",
            """
scores = key @ query / len(query) ** 0.5
logit = lambda s: (softmax(s) @ value @ w_read)[answer]
out = []
for j in range(len(key)):
    hidden = np.where(np.arange(len(key)) == j, -np.inf, scores)
    out.append(logit(scores) - logit(hidden))
return np.array(out)
""",
            says="it watches the logit of the answer",
        ),
        right("""
w = softmax(key @ query * len(query) ** -0.5)
o = w @ value
logs = lambda z: z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
out = []
for j in range(len(key)):
    others = softmax(np.delete(key, j, axis=0) @ query * len(query) ** -0.5)
    out.append(logs(o @ w_read)[answer] - logs(others @ np.delete(value, j, axis=0) @ w_read)[answer])
return np.array(out)
"""),
        right("""
s = np.tile(key @ query / len(query) ** 0.5, (len(key) + 1, 1))
s[np.arange(len(key)), np.arange(len(key))] = -np.inf
z = softmax(s) @ value @ w_read
p = z[:, answer] - np.logaddexp.reduce(z, axis=1)
return p[-1] - p[:-1]
"""),
    ],
    "roll_out": [
        wrong(
            "the first layer is applied last",
            "total @ ",
            """
n = weights.shape[-1]
total = np.eye(n)
for layer in weights.mean(1):
    total = total @ (0.5 * np.eye(n) + 0.5 * layer)
return total
""",
            says="the layers are multiplied in the wrong order",
        ),
        wrong(
            "no residual connection",
            "layer @ total",
            """
total = np.eye(weights.shape[-1])
for layer in np.mean(weights, axis=1):
    total = layer @ total
return total
""",
            says="the identity is left out",
        ),
        wrong(
            "not halved",
            "np.eye(n) + layer",
            """
n = weights.shape[-1]
total = np.eye(n)
for layer in weights.mean(axis=1):
    total = (np.eye(n) + layer) @ total
return total
""",
            says="identity and weights are added, not halved",
        ),
        wrong(
            "the mean over layers, not over heads",
            "axis=0",
            """
total = np.eye(weights.shape[-1])
for head in weights.mean(axis=0):
    total = (total + head @ total) / 2
return total
""",
        ),
        wrong(
            "the heads are summed",
            "sum(axis=1)",
            """
total = np.eye(weights.shape[-1])
for layer in weights.sum(axis=1):
    total = (total + layer @ total) / 2
return total
""",
            says="it sums the heads",
        ),
        wrong(
            "the last layer is left out",
            "[:-1]",
            """
total = np.identity(weights.shape[2])
for layer in weights[:-1].mean(axis=1):
    total = 0.5 * total + 0.5 * layer @ total
return total
""",
        ),
        wrong(
            "layers are added, not chained",
            "total + ",
            """
n = weights.shape[-1]
total = np.zeros((n, n))
for layer in weights.mean(axis=1):
    total = total + (np.eye(n) + layer) / 2
return total / len(weights)
""",
            says="it is the mean of the layers",
        ),
        right("""
steps = (np.eye(weights.shape[-1]) + weights.mean(axis=1)) / 2
return np.linalg.multi_dot([*steps[::-1], np.eye(len(steps[0]))])
"""),
        right("""
ink = np.eye(weights.shape[-1])
for heads in reversed(weights):
    ink = sum(ink + ink @ h for h in heads) / len(heads) / 2
return ink
"""),
    ],
    "look_behind": [
        wrong(
            "the earlier places themselves",
            "j for j in",
            """
sums = []
for i in range(len(tokens)):
    places = [j for j in range(i) if tokens[j] == tokens[i]]
    if places:
        sums.append(sum(weights[i, p] for p in places))
return sum(sums) / len(sums) if sums else 0
""",
            says="it looks at the earlier appearances themselves",
        ),
        wrong(
            "divided by all places",
            "/ len(tokens)",
            """
total = 0.0
for i, t in enumerate(tokens):
    for j in range(i):
        if tokens[j] == t:
            total += weights[i, j + 1]
return total / len(tokens)
""",
            says="it divides by the number of all places",
        ),
        wrong(
            "the mean over appearances, not their sum",
            ".mean())",
            """
sums = []
for i in range(len(tokens)):
    at = np.flatnonzero(tokens[:i] == tokens[i]) + 1
    if at.size:
        sums.append(weights[i, at].mean())
return float(np.mean(sums)) if sums else 0.0
""",
            says="it takes the mean weight of the places behind",
        ),
        wrong(
            "only the last appearance",
            "at[-1]",
            """
sums = []
for i in range(len(tokens)):
    at = np.flatnonzero(tokens[:i] == tokens[i]) + 1
    if len(at):
        sums.append(weights[i, at[-1]])
return np.mean(sums) if sums else 0.0
""",
            says="it looks behind the last appearance only",
        ),
        wrong(
            "nan where there are none",
            "return np.mean",
            """
sums = []
for i in range(len(tokens)):
    at = [j + 1 for j in range(i) if tokens[j] == tokens[i]]
    if at:
        sums.append(weights[i][at].sum())
return np.mean(sums)
""",
            says="it is NaN where no token comes again",
        ),
        wrong(
            "what stands before, not behind",
            "j - 1",
            """
sums = []
for i in range(len(tokens)):
    hits = [j - 1 for j in range(i) if tokens[j] == tokens[i]]
    if hits:
        sums.append(weights[i, hits].sum())
return np.mean(sums) if sums else 0.0
""",
        ),
        wrong(
            "rows and columns of the weights are swapped",
            "weights[at, i]",
            """
sums = []
for i in range(len(tokens)):
    at = 1 + np.where(tokens[:i] == tokens[i])[0]
    if len(at) > 0:
        sums.append(weights[at, i].sum())
if not sums:
    return 0.0
return np.mean(sums)
""",
            says="it reads the weights down their columns",
        ),
        wrong(
            "a token counts as its own appearance",
            "tokens[: i + 1]",
            """
sums = []
for i in range(len(tokens) - 1):
    at = 1 + np.where(tokens[: i + 1] == tokens[i])[0]
    if len(at) > 0:
        sums.append(weights[i, at].sum())
return np.mean(sums) if sums else 0.0
""",
        ),
        right("""
same = np.tril(np.equal.outer(tokens, tokens), -1)
behind = np.roll(same, 1, axis=1)
rows = same.any(axis=1)
return (weights * behind).sum() / max(rows.sum(), 1)
"""),
        right("""
seen, sums = {}, []
for i, t in enumerate(tokens.tolist()):
    if t in seen:
        sums.append(sum(weights[i, j + 1] for j in seen[t]))
    seen.setdefault(t, []).append(i)
return sum(sums) / len(sums) if sums else 0
"""),
    ],
    "forge": [
        wrong(
            "the nearer end",
            "min(ends",
            """
A = np.vstack([value.T, np.ones(len(value))])
z = np.linalg.svd(A)[2][-1]
ends = []
for d in (z, -z):
    neg = d < 0
    ends.append(weights + np.min(weights[neg] / -d[neg]) * d)
return min(ends, key=lambda e: np.linalg.norm(e - weights))
""",
            says="it goes to the nearer end",
        ),
        wrong(
            "the sum is not kept",
            "value.T)",
            """
z = np.linalg.svd(value.T)[2][-1]
best = weights
for d in (z, -z):
    neg = d < 0
    if neg.any():
        end = weights + np.min(weights[neg] / -d[neg]) * d
        if np.abs(end - weights).sum() > np.abs(best - weights).sum():
            best = end
return best
""",
        ),
        wrong(
            "the largest step, so that weights fall below 0",
            "np.max",
            """
A = np.concatenate([value, np.ones((len(value), 1))], axis=1).T
z = np.linalg.svd(A)[2][-1]
ends = []
for d in (z, -z):
    neg = d < 0
    t = np.max(-weights[neg] / d[neg])
    ends.append(weights + t * d)
return max(ends, key=lambda e: np.abs(e - weights).sum())
""",
        ),
        wrong(
            "only one end is looked at",
            "return weights",
            """
A = np.vstack([value.T, np.ones(len(value))])
z = np.linalg.svd(A)[2][-1]
neg = z < 0
t = (weights[neg] / -z[neg]).min()
return weights + t * z
""",
        ),
        wrong(
            "the first direction and not the last",
            "[2][0]",
            """
A = np.vstack([value.T, np.ones(len(value))])
z = np.linalg.svd(A)[2][0]
ends = [weights + np.min(weights[d < 0] / -d[d < 0], initial=1.0) * d for d in (z, -z)]
return sorted(ends, key=lambda e: np.abs(e - weights).sum())[-1]
""",
        ),
        wrong(
            "a column of V for a row",
            "[:, -1]",
            """
A = np.vstack([value.T, np.ones(len(value))])
_, _, vt = np.linalg.svd(A)
z = vt[:, -1]
far = None
for d in (z, -z):
    falls = d < 0
    end = weights + (weights[falls] / -d[falls]).min(initial=1e3) * d
    if far is None or np.abs(end - weights).max() > np.abs(far - weights).max():
        far = end
return far
""",
        ),
        wrong(
            "goes half of the way",
            "0.5",
            """
A = np.vstack([value.T, np.ones(len(value))])
z = np.linalg.svd(A)[2][-1]
with np.errstate(all="ignore"):
    t = -weights / z
low, high = t[t < 0].max(), t[t > 0].min()
step = low if -low > high else high
return weights + 0.5 * step * z
""",
            says="it stops half way",
        ),
        right("""
A = np.vstack([value.T, np.ones(len(value))])
z = np.append(np.linalg.solve(A[:, :-1], -A[:, -1]), 1.0)
t = -weights / z
low, high = t[t < 0].max(), t[t > 0].min()
out = weights + max(low, high, key=abs) * z
return np.maximum(out, 0)
"""),
        right("""
A = np.column_stack([value, np.ones(len(value))])
q, _ = np.linalg.qr(A, mode="complete")
z = q[:, -1]
ends = []
for j in range(len(z)):
    end = weights - weights[j] / z[j] * z
    if end.min() > -1e-9:
        ends.append((np.linalg.norm(end - weights), j))
j = max(ends)[1]
return weights - weights[j] / z[j] * z
"""),
    ],
}
