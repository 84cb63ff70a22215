"""Answers to the exercises of lesson 11."""

from held_out import right, wrong

ANSWERS = {
    "luong_scores": [
        wrong(
            "the batch is turned too",
            "encoded.T",
            """
return states @ w_score @ encoded.T
""",
        ),
        wrong(
            "one row per encoder state",
            "bqs,sh,bkh->bkq",
            """
return np.einsum("bqs,sh,bkh->bkq", states, w_score, encoded)
""",
            says="rows and columns are swapped",
        ),
        wrong(
            "a softmax that nobody asked for",
            "softmax",
            """
scores = np.matmul(states @ w_score, np.transpose(encoded, (0, 2, 1)))
return softmax(scores)
""",
            says="these are weights already",
        ),
        wrong(
            "only the first sentence's words are read",
            "encoded[0]",
            """
out = []
for s in states:
    out.append(s @ w_score @ encoded[0].T)
return np.array(out)
""",
            says="every sentence is compared with the first of the batch",
        ),
        wrong(
            "divided by the root of the width",
            "** 0.5",
            """
projected = encoded @ w_score.T
s = np.einsum("bqs,bks->bqk", states, projected)
return s / states.shape[-1] ** 0.5
""",
        ),
        wrong(
            "a tanh that nobody asked for",
            "np.tanh",
            """
return np.stack([np.tanh(s @ w_score) @ e.T for s, e in zip(states, encoded)])
""",
        ),
        right("""
return (encoded @ (states @ w_score).mT).mT
"""),
        right("""
return np.array([[[s @ w_score @ h for h in e] for s in row] for row, e in zip(states, encoded)])
"""),
    ],
    "context_vectors": [
        wrong(
            "shares out over the decoder's steps",
            "axis=1",
            """
w = softmax(scores, axis=1)
return np.einsum("bqk,bkh->bqh", w, encoded)
""",
            says="the softmax runs over the words that are written",
        ),
        wrong(
            "one softmax over the batch",
            "axis=0",
            """
return np.matmul(softmax(scores, axis=0), encoded)
""",
            says="the softmax runs over the batch",
        ),
        wrong(
            "no softmax",
            "return",
            """
return scores @ encoded
""",
            says="there is no softmax",
        ),
        wrong(
            "large scores overflow",
            "np.exp(scores)",
            """
e = np.exp(scores)
w = e / e.sum(axis=2, keepdims=True)
return w @ encoded
""",
        ),
        wrong(
            "only the best word",
            "argmax",
            """
best = scores.argmax(axis=-1)
return np.take_along_axis(encoded, best[..., None], axis=1)
""",
            says="every step gets one state, that with the highest score",
        ),
        wrong(
            "every sentence reads the first one",
            "encoded[0]",
            """
w = softmax(scores)
return np.stack([one @ encoded[0] for one in w])
""",
        ),
        wrong(
            "the sum over words is divided once more",
            "/ encoded.shape[1]",
            """
w = softmax(scores)
return (w[..., None] * encoded[:, None]).sum(axis=2) / encoded.shape[1]
""",
        ),
        right("""
e = np.exp(scores - scores.max(2, keepdims=True))
return (e @ encoded) / e.sum(2)[..., None]
"""),
        right("""
return np.array([(encoded[b].T @ softmax(scores[b]).T).T for b in range(len(scores))])
"""),
    ],
    "teacher_forcing": [
        wrong(
            "shifted the wrong way",
            "target[:, 1:]",
            """
out = np.full_like(target, start)
out[:, :-1] = np.where(target[:, 1:] < 0, stop, target[:, 1:])
return out
""",
        ),
        wrong(
            "start never comes in",
            "np.roll",
            """
clean = np.where(target < 0, stop, target)
return np.roll(clean, 1, axis=1)
""",
            says="the last word comes round to the front",
        ),
        wrong(
            "-1 stays",
            "np.concatenate",
            """
first = np.full((len(target), 1), start)
return np.concatenate([first, target[:, :-1]], axis=1)
""",
            says="−1 is still there",
        ),
        wrong(
            "start is put where padding was",
            "target == -1] = start",
            """
t = target.copy()
t[target == -1] = start
out = np.roll(t, 1, axis=1)
out[:, 0] = start
return out
""",
            says="`start` is read in place of −1",
        ),
        wrong(
            "rolled along the batch",
            "axis=0",
            """
t = np.where(target == -1, stop, target)
t = np.roll(t, 1, axis=0)
t[:, 0] = start
return t
""",
        ),
        wrong(
            "writes into the targets",
            "target[target == -1] = stop",
            """
target[target == -1] = stop
out = np.empty_like(target)
out[:, 0] = start
out[:, 1:] = target[:, :-1]
return out
""",
            says="changes its input",
        ),
        wrong(
            "one step too long",
            "target])",
            """
out = np.column_stack([np.full(len(target), start), target])
out[out == -1] = stop
return out
""",
            says="there is one step too many",
        ),
        right("""
rows = [[start] + [stop if t == -1 else int(t) for t in row[:-1]] for row in target]
return np.array(rows)
"""),
        right("""
late = np.pad(target, ((0, 0), (1, 0)), constant_values=start)[:, :-1]
late[:, 1:][late[:, 1:] == -1] = stop
return late
"""),
    ],
    "diagnose_comparison": [
        wrong(
            "a tenth, not a hundredth",
            "/ 10",
            """
a = (shapes_a[:, 0] * shapes_a[:, 1]).sum()
b = (shapes_b[:, 0] * shapes_b[:, 1]).sum()
if abs(a - b) > max(a, b) / 10:
    return 1
if run_a[:2].prod() != run_b[:2].prod():
    return 2
if tuple(run_a[2:]) != tuple(run_b[2:]):
    return 3
return 4 if np.isclose(reported_a, scores_a.max()) != np.isclose(reported_b, scores_b.max()) else 0
""",
        ),
        wrong(
            "rows and columns are added",
            "sum(axis=1)",
            """
a = shapes_a.sum(axis=1).sum()
b = shapes_b.sum(axis=1).sum()
checks = [
    abs(a - b) > 0.01 * max(a, b),
    run_a[0] * run_a[1] != run_b[0] * run_b[1],
    any(run_a[2:] != run_b[2:]),
    np.isclose(reported_a, max(scores_a)) != np.isclose(reported_b, max(scores_b)),
]
return checks.index(True) + 1 if True in checks else 0
""",
            says="it adds rows and columns",
        ),
        wrong(
            "steps and sentences are compared one by one",
            "run_a[:2] != run_b[:2]",
            """
a, b = np.prod(shapes_a, 1).sum(), np.prod(shapes_b, 1).sum()
if abs(a - b) > 0.01 * max(a, b):
    return 1
if (run_a[:2] != run_b[:2]).any():
    return 2
if (run_a[2:] != run_b[2:]).any():
    return 3
if np.isclose(reported_a, scores_a.max()) ^ np.isclose(reported_b, scores_b.max()):
    return 4
return 0
""",
            says="it compares steps and batch one by one",
        ),
        wrong(
            "only the longest sentence is compared",
            "run_a[3]",
            """
a, b = np.prod(shapes_a, 1).sum(), np.prod(shapes_b, 1).sum()
if abs(a - b) > 0.01 * max(a, b):
    return 1
if run_a[0] * run_a[1] != run_b[0] * run_b[1]:
    return 2
if run_a[3] != run_b[3]:
    return 3
best = [np.isclose(r, s.max()) for r, s in ((reported_a, scores_a), (reported_b, scores_b))]
return 4 if best[0] != best[1] else 0
""",
            says="it looks at the longest sentence tested only",
        ),
        wrong(
            "both report their best seed, and that is called unequal",
            "best_a or best_b",
            """
a, b = np.prod(shapes_a, 1).sum(), np.prod(shapes_b, 1).sum()
best_a = np.isclose(reported_a, scores_a.max())
best_b = np.isclose(reported_b, scores_b.max())
if abs(a - b) > 0.01 * max(a, b):
    return 1
elif run_a[0] * run_a[1] != run_b[0] * run_b[1]:
    return 2
elif not np.array_equal(run_a[2:], run_b[2:]):
    return 3
elif best_a or best_b:
    return 4
return 0
""",
            says="it calls a best seed unequal where both report theirs",
        ),
        wrong(
            "2 and 3 are swapped",
            ("return 3", "return 2"),
            """
size = lambda s: sum(r * c for r, c in s)
a, b = size(shapes_a), size(shapes_b)
if abs(a - b) > 0.01 * max(a, b):
    return 1
if run_a[0] * run_a[1] != run_b[0] * run_b[1]:
    return 3
if list(run_a[2:]) != list(run_b[2:]):
    return 2
return 4 * int(np.isclose(reported_a, scores_a.max()) != np.isclose(reported_b, scores_b.max()))
""",
            says="2 and 3 are swapped",
        ),
        wrong(
            "never finds 4",
            "return 0",
            """
a, b = shapes_a.prod(1).sum(), shapes_b.prod(1).sum()
if abs(a - b) > 0.01 * max(a, b):
    return 1
if run_a[0] * run_a[1] != run_b[0] * run_b[1]:
    return 2
if (run_a[2:] != run_b[2:]).any():
    return 3
return 0
""",
            says="it takes every report for the mean",
        ),
        right("""
def facts(shapes, run, scores, reported):
    return shapes[:, 0] @ shapes[:, 1], run[0] * run[1], run[2], run[3], abs(reported - max(scores)) < 1e-9
a = facts(shapes_a, run_a, scores_a, reported_a)
b = facts(shapes_b, run_b, scores_b, reported_b)
unequal = [False, abs(a[0] / b[0] - 1) > 0 and abs(a[0] - b[0]) * 100 > max(a[0], b[0]), a[1] != b[1], a[2:4] != b[2:4], a[4] != b[4]]
return int(np.argmax(unequal))
"""),
        right("""
a, b = sorted(int(np.einsum("i,i", *s.T)) for s in (shapes_a, shapes_b))
mean_a = abs(reported_a - scores_a.mean()) < 1e-9
mean_b = abs(reported_b - scores_b.mean()) < 1e-9
conditions = [100 * (b - a) > b, np.prod(run_a[:2]) != np.prod(run_b[:2]), np.any(run_a[2:] != run_b[2:]), mean_a != mean_b]
return int(np.select(conditions, [1, 2, 3, 4], 0))
"""),
    ],
}
