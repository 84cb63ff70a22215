"""Answers to the exercises of lesson 13."""

from held_out import right, wrong

ANSWERS = {
    "window_mask": [
        wrong(
            "one position too many",
            "<= window",
            """
d = np.arange(n_q)[:, None] + offset - np.arange(n_k)[None]
return np.logical_and(d >= 0, d <= window)
""",
            says="the window is off by one, a key too long",
        ),
        wrong(
            "the future is seen",
            "return",
            """
i = np.arange(n_q)[:, None] + offset
j = np.arange(n_k)
return i - j < window
""",
            says="right but what lies above the diagonal",
        ),
        wrong(
            "the window looks both ways",
            "np.abs",
            """
gap = np.abs(np.subtract.outer(np.arange(n_q) + offset, np.arange(n_k)))
return gap < window
""",
            says="the window is two-sided, and shows the future in a causal",
        ),
        wrong(
            "the offset is left out",
            "range(n_q)",
            """
mask = np.zeros((n_q, n_k), dtype=bool)
for i in range(n_q):
    mask[i, max(0, i - window + 1) : i + 1] = True
return mask
""",
            says="the offset has no effect",
        ),
        wrong(
            "a query does not see itself",
            "i + offset]",
            """
mask = np.zeros((n_q, n_k), dtype=bool)
for i in range(n_q):
    mask[i, max(0, i + offset - window + 1) : i + offset] = True
return mask
""",
        ),
        wrong(
            "the start may fall below 0, and counts from the end",
            "i + offset - window + 1 :",
            """
mask = np.zeros((n_q, n_k), dtype=bool)
for i in range(n_q):
    mask[i, i + offset - window + 1 : i + offset + 1] = True
return mask
""",
        ),
        wrong(
            "either condition in place of both",
            "|",
            """
i, j = np.indices((n_q, n_k))
i = i + offset
return (j <= i) | (j > i - window)
""",
        ),
        right("""
full = np.tri(n_q, n_k, offset, dtype=bool)
return full ^ np.tri(n_q, n_k, offset - window, dtype=bool)
"""),
        right("""
sees = lambda i, j: 0 <= i + offset - j < window
return np.array([[sees(i, j) for j in range(n_k)] for i in range(n_q)])
"""),
    ],
    "block_global_mask": [
        wrong(
            "the first of each block in place of the last",
            "== 0",
            """
i, j = np.indices((n, n))
own = i // block == j // block
return (j <= i) & (own | (j % block == 0))
""",
            says="the first position of each block stands for it",
        ),
        wrong(
            "own blocks see their future",
            "own | ",
            """
i, j = np.indices((n, n))
own = i // block == j // block
ends = j % block == block - 1
return own | (ends & (j <= i))
""",
            says="a query sees the rest of its own block",
        ),
        wrong(
            "only the block before",
            "j // block + 1",
            """
i, j = np.ogrid[:n, :n]
own = i // block == j // block
before = (j % block == block - 1) & (i // block == j // block + 1)
return (own | before) & (j <= i)
""",
            says="only the summary of the block just before is seen",
        ),
        wrong(
            "both conditions in place of either",
            "own & ends",
            """
i, j = np.ogrid[:n, :n]
own = (i // block) == (j // block)
ends = (j + 1) % block == 0
return (own & ends) & (i >= j)
""",
        ),
        wrong(
            "the end of each block is one too early",
            "- 2",
            """
mask = np.zeros((n, n), bool)
for i in range(n):
    start = i // block * block
    mask[i, start : i + 1] = True
    for b in range(0, start, block):
        mask[i, max(b, b + block - 2)] = True
return mask
""",
        ),
        wrong(
            "a query does not see itself",
            "start : i]",
            """
mask = np.zeros((n, n), bool)
for i in range(n):
    start = i - i % block
    mask[i, start : i] = True
    mask[i, block - 1 : start : block] = True
return mask
""",
        ),
        right("""
at = np.arange(n)
summary = np.flatnonzero((at + 1) % block == 0)
mask = np.equal.outer(at // block, at // block)
mask[:, summary] = True
return np.tril(mask)
"""),
        right("""
return np.array([[j <= i and (j >= i - i % block or (j + 1) % block == 0) for j in range(n)] for i in range(n)])
"""),
    ],
    "receptive_field": [
        wrong(
            "the layers in reverse order",
            "heard @ m",
            """
heard = np.identity(masks.shape[-1], dtype=bool)
for m in masks:
    heard = heard | (heard @ m)
return heard
""",
            says="the layers come in the wrong order",
        ),
        wrong(
            "nothing is kept",
            "m @ heard",
            """
heard = np.eye(len(masks[0]), dtype=bool)
for m in masks:
    heard = m @ heard
return heard
""",
            says="what a position had is lost",
        ),
        wrong(
            "only direct sight",
            "any(axis=0)",
            """
direct = masks.any(axis=0)
return direct | np.eye(masks.shape[1], dtype=bool)
""",
            says="it only puts the masks together",
        ),
        wrong(
            "the last layer first",
            "masks[::-1]",
            """
n = masks.shape[1]
total = np.eye(n)
for m in masks[::-1]:
    total = (m + np.eye(n)) @ total
return total > 0
""",
            says="the layers come in the wrong order",
        ),
        wrong(
            "counts, not True and False",
            "return heard",
            """
heard = np.eye(masks.shape[1])
for m in masks:
    heard = heard + m.astype(float) @ heard
return heard
""",
        ),
        wrong(
            "starts from nothing",
            "np.zeros",
            """
n = masks.shape[1]
heard = np.zeros((n, n), dtype=bool)
for m in masks:
    heard = heard | m | (m @ heard)
return heard
""",
            says="right but the diagonal",
        ),
        wrong(
            "the first layer is skipped",
            "masks[1:]",
            """
n = masks.shape[1]
reach = np.eye(n, dtype=int)
for m in masks[1:]:
    step = np.maximum(m, np.eye(n, dtype=int))
    reach = (step @ reach > 0).astype(int)
return reach > 0
""",
        ),
        right("""
n = masks.shape[1]
knows = [{i} for i in range(n)]
for m in masks:
    knows = [set.union(knows[i], *(knows[j] for j in range(n) if m[i, j])) for i in range(n)]
return np.array([[j in k for j in range(n)] for k in knows])
"""),
        right("""
steps = np.maximum(masks, np.eye(masks.shape[1])).astype(float)
product = steps[0]
for s in steps[1:]:
    product = np.sign(np.matmul(s, product))
return product != 0
"""),
    ],
    "two_level_weights": [
        wrong(
            "one softmax over all words",
            "e / e.sum()",
            """
e = np.exp(word_scores - word_scores.max())
shares = e / e.sum()
own = np.arange(sentence.max() + 1)[:, None] == sentence
pooled = np.where(own, shares, 0.0) @ word_vectors
s = pooled @ query / np.sqrt(len(query))
w = np.exp(s - s.max())
w /= w.sum()
return (w @ np.where(own, shares, 0.0))
""",
            says="it pools before normalising",
        ),
        wrong(
            "no scale",
            "summaries @ query",
            """
out = np.zeros(len(word_scores))
n = sentence.max() + 1
summaries = np.zeros((n, word_vectors.shape[1]))
for s in range(n):
    e = np.exp(word_scores[sentence == s] - word_scores[sentence == s].max())
    out[sentence == s] = e / e.sum()
    summaries[s] = out[sentence == s] @ word_vectors[sentence == s]
z = summaries @ query
z = np.exp(z - z.max())
return out * (z / z.sum())[sentence]
""",
            says="the scores of the sentences are not scaled",
        ),
        wrong(
            "only the shares within the sentence",
            "return shares.sum",
            """
own = np.equal.outer(np.arange(sentence[-1] + 1), sentence)
z = np.where(own, word_scores, -np.inf)
e = np.exp(z - z.max(axis=1, keepdims=True))
shares = e / e.sum(axis=1, keepdims=True)
return shares.sum(axis=0)
""",
            says="it stops at the words' shares of their sentences",
        ),
        wrong(
            "the last sentence is left out",
            "range(sentence[-1])",
            """
out = np.zeros(len(word_scores))
summaries, ids = [], []
for s in range(sentence[-1]) if sentence[-1] else [0]:
    m = sentence == s
    e = np.exp(word_scores[m] - word_scores[m].max())
    out[m] = e / e.sum()
    summaries.append(out[m] @ word_vectors[m])
    ids.append(s)
z = np.array(summaries) @ query / len(query) ** 0.5
w = np.exp(z - z.max())
w = w / w.sum()
for s in ids:
    out[sentence == s] *= w[s]
return out
""",
        ),
        wrong(
            "scaled by the number of words",
            "len(word_scores) ** 0.5",
            """
own = np.arange(sentence[-1] + 1)[:, None] == sentence
z = np.where(own, word_scores, -np.inf)
e = np.exp(z - z.max(1, keepdims=True))
shares = e / e.sum(1, keepdims=True)
s = shares @ word_vectors @ query / len(word_scores) ** 0.5
w = np.exp(s - s.max())
return (w / w.sum()) @ shares
""",
        ),
        wrong(
            "the weights are added and not multiplied",
            "shares + ",
            """
n = sentence[-1] + 1
shares = np.empty(len(sentence))
for s in range(n):
    m = sentence == s
    e = np.exp(word_scores[m] - word_scores[m].max())
    shares[m] = e / e.sum()
summaries = np.array([shares[sentence == s] @ word_vectors[sentence == s] for s in range(n)])
z = summaries @ query / query.size**0.5
w = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
return shares + w[sentence]
""",
        ),
        wrong(
            "large scores overflow",
            "np.exp(word_scores)",
            """
e = np.exp(word_scores)
own = (np.arange(sentence[-1] + 1)[:, None] == sentence) * e
shares = own / own.sum(1, keepdims=True)
z = shares @ word_vectors @ query / len(query) ** 0.5
w = np.exp(z - z.max())
return w / w.sum() @ shares
""",
            says="numbers far from 0",
        ),
        right("""
starts = np.flatnonzero(np.diff(sentence, prepend=-1))
top = np.maximum.reduceat(word_scores, starts)[sentence]
e = np.exp(word_scores - top)
e = e / np.add.reduceat(e, starts)[sentence]
z = np.add.reduceat(e * (word_vectors @ query), starts) / len(query) ** 0.5
w = np.exp(z - np.logaddexp.reduce(z))
return e * w[sentence]
"""),
        right("""
count = np.bincount(sentence)
parts = np.split(np.arange(len(sentence)), np.cumsum(count)[:-1])
def soft(z):
    e = np.exp(z - z.max())
    return e / e.sum()
inner = [soft(word_scores[p]) for p in parts]
outer = soft(np.array([w @ word_vectors[p] @ query for w, p in zip(inner, parts)]) * len(query) ** -0.5)
return np.concatenate([o * w for o, w in zip(outer, inner)])
"""),
    ],
}
