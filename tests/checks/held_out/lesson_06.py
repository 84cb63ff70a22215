"""Answers to the exercises of lesson 6."""

from held_out import right, wrong

ANSWERS = {
    "causal_mask": [
        wrong(
            "a query does not see itself",
            "j < i + offset",
            """
i = np.arange(n_q).reshape(-1, 1)
j = np.arange(n_k)
return j < i + offset
""",
            says="a query does not see its own position",
        ),
        wrong(
            "the offset has the wrong sign",
            "k=-offset",
            """
return np.tril(np.ones((n_q, n_k), dtype=bool), k=-offset)
""",
            says="the offset goes the wrong way",
        ),
        wrong(
            "hides the past",
            "np.triu",
            """
every = np.full((n_q, n_k), True)
return np.triu(every, offset)
""",
            says="it shows the future and hides the past",
        ),
        wrong(
            "the offset is left out",
            "j <= i",
            """
mask = np.zeros((n_q, n_k), dtype=bool)
for i in range(n_q):
    for j in range(n_k):
        mask[i, j] = j <= i
return mask
""",
            says="the offset has no effect",
        ),
        wrong(
            "numbers in place of True and False",
            "np.tri(",
            """
return np.tri(n_q, n_k, offset)
""",
        ),
        wrong(
            "one position too many",
            "+ 2",
            """
mask = np.zeros((n_q, n_k), dtype=bool)
for i in range(n_q):
    mask[i, : i + offset + 2] = True
return mask
""",
            says="a query sees one key too many, the very token that it has",
        ),
        wrong(
            "rows are keys",
            "np.arange(n_k)[:, None]",
            """
key = np.arange(n_k)[:, None]
query = np.arange(n_q)[None] + offset
return key <= query
""",
            says="rows and columns are swapped",
        ),
        right("""
return np.fromfunction(lambda i, j: i + offset >= j, (n_q, n_k))
"""),
        right("""
return np.array([[j - i <= offset for j in range(n_k)] for i in range(n_q)], bool).reshape(n_q, n_k)
"""),
    ],
    "decoder_mask": [
        wrong(
            "only the padding is hidden",
            "repeat",
            """
real = np.arange(n_k)[None, None, :] < lengths[:, None, None]
return real.repeat(n_q, axis=1)
""",
            says="the future is visible",
        ),
        wrong(
            "either in place of both",
            "|",
            """
real = np.arange(n_k) < lengths[:, None]
seen = causal_mask(n_q, n_k, offset)
return seen[None] | real[:, None, :]
""",
            says="it allows what either rule allows",
        ),
        wrong(
            "one padding is seen",
            "<= lengths",
            """
real = np.arange(n_k) <= lengths[:, None, None]
return causal_mask(n_q, n_k, offset) & real
""",
            says="the first padding is visible",
        ),
        wrong(
            "the padding hides queries",
            "(i < lengths[:, None, None])",
            """
i, j = np.indices((n_q, n_k))
return (j <= i + offset) & (i < lengths[:, None, None])
""",
            says="it hides the queries beyond the length",
        ),
        wrong(
            "the offset is left out",
            "range(n_q):",
            """
mask = np.zeros((len(lengths), n_q, n_k), bool)
for b, length in enumerate(lengths):
    for i in range(n_q):
        mask[b, i, : min(length, i + 1)] = True
return mask
""",
            says="the offset has no effect",
        ),
        wrong(
            "the query at its own place is hidden",
            "np.tri(",
            """
causal = np.tri(n_q, n_k, offset - 1, dtype=bool)
pads = np.arange(n_k)[None] >= lengths[:, None]
return causal[None] & ~pads[:, None]
""",
        ),
        wrong(
            "padding is shown, and the rest hidden",
            ">= lengths",
            """
real = np.arange(n_k) >= lengths[:, None, None]
return np.logical_and(np.arange(n_k) <= np.arange(n_q)[:, None] + offset, real)
""",
        ),
        right("""
ends = np.minimum.outer(lengths, np.arange(1, n_q + 1) + offset)
return np.greater(ends[:, :, None], np.arange(n_k))
"""),
        right("""
out = []
for length in lengths:
    one = np.tri(n_q, n_k, offset, dtype=bool)
    one[:, length:] = False
    out.append(one)
return np.stack(out)
"""),
    ],
    "masked_softmax": [
        wrong(
            "hidden after the softmax, and not shared out",
            "* mask",
            """
e = np.exp(scores - scores.max(axis=-1, keepdims=True))
w = e / e.sum(axis=-1, keepdims=True)
return w * mask
""",
            says="the mask comes after the softmax",
        ),
        wrong(
            "a large number in place of infinity",
            "-1e9",
            """
s = np.where(mask, scores, -1e9)
e = np.exp(s - s.max(-1, keepdims=True))
return e / e.sum(-1, keepdims=True)
""",
            says="a row that sees nothing gets equal weights",
        ),
        wrong(
            "nothing is done for rows that see nothing",
            "hidden - hidden.max",
            """
hidden = np.where(mask, scores, -np.inf)
e = np.exp(hidden - hidden.max(axis=-1, keepdims=True))
return e / e.sum(axis=-1, keepdims=True)
""",
            says="a row that sees nothing becomes nan",
        ),
        wrong(
            "the mask is turned round",
            "np.where(mask, -np.inf",
            """
h = np.where(mask, -np.inf, scores)
m = h.max(-1, keepdims=True)
m = np.where(np.isfinite(m), m, 0)
e = np.exp(h - m)
t = e.sum(-1, keepdims=True)
return e / np.where(t == 0, 1, t)
""",
            says="it is inverted",
        ),
        wrong(
            "the maximum of all scores",
            "scores.max",
            """
e = np.exp(scores - scores.max(-1, keepdims=True)) * mask
total = e.sum(-1, keepdims=True)
return np.divide(e, total, out=np.zeros_like(e), where=total > 0)
""",
            says="the mask comes after the softmax, and the rows are divided",
        ),
        wrong(
            "hidden scores count as 0",
            "scores * mask",
            """
s = scores * mask
s = s - s.max(axis=-1, keepdims=True)
e = np.exp(s)
w = e / e.sum(axis=-1, keepdims=True)
return np.where(mask, w, 0)
""",
        ),
        wrong(
            "float64 of float32",
            "astype(float)",
            """
h = np.where(mask, scores, -np.inf).astype(float)
top = np.nan_to_num(h.max(-1, keepdims=True), neginf=0)
e = np.exp(h - top)
total = e.sum(-1, keepdims=True)
return e / np.where(total == 0, 1, total)
""",
            says="right except where arrays are float32",
        ),
        wrong(
            "shares out over the queries",
            "sum(axis=-2",
            """
h = np.where(mask, scores, -np.inf)
top = h.max(axis=-1, keepdims=True)
top[~np.isfinite(top)] = 0
e = np.exp(h - top)
total = e.sum(axis=-2, keepdims=True)
return e / np.where(total > 0, total, 1)
""",
        ),
        right("""
out = np.zeros_like(scores)
for place in np.ndindex(scores.shape[:-1]):
    seen = mask[place[-1]]
    if seen.any():
        e = np.exp(scores[place][seen] - scores[place][seen].max())
        out[place][seen] = e / e.sum()
return out
"""),
        right("""
top = scores.max(axis=-1, keepdims=True, where=mask, initial=-np.inf)
gap = np.subtract(scores, top, where=np.broadcast_to(mask, scores.shape), out=np.full_like(scores, -np.inf))
e = np.exp(gap)
s = e.sum(-1, keepdims=True)
return e / (s + (s == 0))
"""),
    ],
    "leaks": [
        wrong(
            "only moves upwards count",
            "(after - before)",
            """
moved = (after - before).max(axis=1) > 1e-5
excused = (may_see & changed).any(axis=1)
return moved & ~excused
""",
        ),
        wrong(
            "one number must not be enough: all must move",
            ".all(axis=1)",
            """
moved = (np.abs(after - before) > 1e-5).all(axis=1)
excused = np.any(may_see[:, changed], axis=1)
return moved & ~excused
""",
        ),
        wrong(
            "rounding counts as a move",
            "!=",
            """
moved = (after != before).any(axis=-1)
excused = (may_see @ changed)
return moved & ~excused
""",
            says="it finds rounding",
        ),
        wrong(
            "excused only if it sees all that was edited",
            ".all()",
            """
out = []
for i in range(len(before)):
    moved = np.abs(after[i] - before[i]).max() > 3e-5
    sees = may_see[i][changed].all()
    out.append(moved and not sees)
return np.array(out)
""",
            says="it accuses queries that may see one of the edited",
        ),
        wrong(
            "the mask is read by columns",
            "may_see.T",
            """
moved = np.linalg.norm(after - before, axis=1) > 5e-5
return moved & ~(may_see.T @ changed)
""",
            says="it reads the mask down its columns",
        ),
        wrong(
            "excused, and not the others",
            "& excused",
            """
moved = np.max(np.abs(before - after), axis=1) > 2e-5
excused = (may_see & changed[None, :]).any(1)
return moved & excused
""",
        ),
        wrong(
            "whoever was edited is excused",
            "~changed",
            """
moved = np.abs(before - after).max(axis=1) > 2e-5
return moved & ~changed
""",
        ),
        wrong(
            "the mean of the moves",
            "mean(axis=1)",
            """
moved = np.abs(before - after).mean(axis=1) > 1e-4
excused = np.logical_and(may_see, changed).any(axis=1)
return np.logical_and(moved, np.logical_not(excused))
""",
        ),
        right("""
blind = np.flatnonzero(~np.array([any(row[changed]) for row in may_see]))
out = np.zeros(len(before), bool)
out[blind] = ~np.isclose(before, after, rtol=0, atol=2e-5).all(1)[blind]
return out
"""),
        right("""
size = np.ptp(np.stack([before, after]), axis=0).max(1)
return (size > 1e-5) > (may_see.astype(int) @ changed.astype(int) > 0)
"""),
    ],
}
