# %% [markdown]
r"""
# Exercises: choose what may be seen

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/06_masks.ipynb), and NumPy is all
you may import. In all masks a row is a query, a column a key, and True means "may
attend". You will find a worked solution of each exercise in
[the solutions](../solutions/06_masks.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="causal_mask"
r"""
## 1. Hide the future

Query $i$ stands at position $i + \text{offset}$ among the keys. It may see the key at
its own position and all before it. Queries may stand beyond the last key. Return the mask.

| argument | shape | |
|---|---|---|
| `n_q` | a whole number | how many queries |
| `n_k` | a whole number | how many keys |
| `offset` | a whole number, 0 or more | the position of the first query |
| *returns* | (n_q, n_k), bool | True where the query may see the key |
"""


# %% exercise="causal_mask"
def causal_mask(n_q, n_k, offset):
    ### BEGIN SOLUTION
    position = np.arange(n_q)[:, None] + offset  # (n_q, 1)
    return np.arange(n_k) <= position
    ### END SOLUTION


# %% check="causal_mask"
check("causal_mask", causal_mask)

# %% [markdown] solution="causal_mask"
r"""
A column of positions of the queries, compared with a row of positions of the keys,
gives the whole array. The comparison is `<=`: at position $p$ the model knows token
$p$, and has to guess the next.

Another way cuts a triangle out of ones: `np.tril(np.ones((n_q, n_k), dtype=bool),
k=offset)`, where `k` is the number of the diagonal up to which ones stay. Whoever
writes it should look at a small case, since it is easily off by one.
"""

# %% [markdown] about="decoder_mask"
r"""
## 2. Hide the future and the padding

A batch of sequences, each with its own length; from its length on, its keys are
padding. Return one mask for each sequence: a query may see a key that is not later
than itself *and* is no padding.

| argument | shape | |
|---|---|---|
| `lengths` | (batch,), whole numbers | how many keys of each sequence are real, 0 to n_k |
| `n_q` | a whole number | how many queries |
| `n_k` | a whole number | how many keys, padding included |
| `offset` | a whole number | the position of the first query |
| *returns* | (batch, n_q, n_k), bool | True where the query may see the key |

You may call your function of exercise 1.
"""


# %% exercise="decoder_mask"
def decoder_mask(lengths, n_q, n_k, offset):
    ### BEGIN SOLUTION
    j = np.arange(n_k)  # (n_k,)
    i = np.arange(n_q)[:, None]  # (n_q, 1)
    real = j < lengths[:, None, None]  # (batch, 1, n_k)
    return (j <= i + offset) & real
    ### END SOLUTION


# %% check="decoder_mask"
check("decoder_mask", decoder_mask)

# %% [markdown] solution="decoder_mask"
r"""
The causal rule knows queries and keys, shape (n_q, n_k). The padding rule knows
sequences and keys, shape (batch, 1, n_k). `&` repeats each along the axis that it
does not know, and keeps what both allow.

Another way looks at how far each query can see. That is the smaller of two numbers:
`reach = np.minimum(lengths[:, None], np.arange(n_q) + offset + 1)`, and then
`np.arange(n_k) < reach[..., None]`.
"""

# %% [markdown] about="masked_softmax"
r"""
## 3. Weights of exactly 0

Return the softmax of the scores in which hidden keys take no part: their weight is 0,
and the others share the whole. A query that may see nothing gets zeros.

| argument | shape | |
|---|---|---|
| `scores` | (..., n_q, n_k) | any numbers, some below −1,000,000,000 |
| `mask` | (n_q, n_k), bool | True = may attend |
| *returns* | (..., n_q, n_k) | weights; a row sums to 1, or is 0 |

The dots stand for any number of further axes; often there are none. If the scores are
`float32`, so are the weights.
"""


# %% exercise="masked_softmax"
def masked_softmax(scores, mask):
    ### BEGIN SOLUTION
    hidden = np.where(mask, scores, -np.inf)
    most = hidden.max(axis=-1, keepdims=True)
    most[np.isinf(most)] = 0  # these rows see nothing
    exponentials = np.exp(hidden - most)
    total = exponentials.sum(axis=-1, keepdims=True)
    total[total == 0] = 1
    return exponentials / total
    ### END SOLUTION


# %% check="masked_softmax"
check("masked_softmax", masked_softmax)

# %% [markdown] solution="masked_softmax"
r"""
The lesson's version fails in one case, a row of nothing but $-\infty$, and there in
two places: $-\infty - (-\infty)$, and 0 divided by 0. Subtracting 0 instead of the
maximum leaves $-\infty$, whose exponential is 0; dividing by 1 leaves it at that.
The maximum is that of the *visible* scores. If a hidden score stood far above them,
all visible exponentials would round to 0.

Another way computes the plain formula and cleans up after it:
`np.nan_to_num(weights)` turns the `nan` of those rows into 0. It is short, but it
also hides a `nan` that was in the scores, and that you would want to know about.
"""

# %% [markdown] about="leaks"
r"""
## 4. Write a leak test

Somebody ran an attention twice. In between, the tokens at some positions were edited:
perhaps their keys, perhaps only their values. You have the outputs of both runs, you
know what was edited, and you know who *should* see whom. You do not know the code.

Return for each query whether it **leaks**: its output moved, although it may see none
of the edited positions.

| argument | shape | |
|---|---|---|
| `before` | (n, d_v) | the outputs of the first run, one query per row |
| `after` | (n, d_v) | the outputs after the edit |
| `changed` | (n,), bool | which positions were edited |
| `may_see` | (n, n), bool | the right mask: row = query, column = key |
| *returns* | (n,), bool | True where a query leaks |

The two runs rounded differently, so numbers differ by up to 1e-6 although nothing
moved. A leak moves at least one number of its output by more than 1e-4. The check
runs the right attention and the six bugs of the lesson's last part, with padding in front.
"""


# %% exercise="leaks"
def leaks(before, after, changed, may_see):
    ### BEGIN SOLUTION
    moved = np.abs(after - before).max(axis=-1) > 1e-5
    excused = (may_see & changed).any(axis=-1)
    return moved & ~excused
    ### END SOLUTION


# %% check="leaks"
check("leaks", leaks)

# %% [markdown] solution="leaks"
r"""
Two questions for each query. Did it move? Any component counts, up or down, so take
the largest absolute difference, and ask for more than rounding. Did it have an excuse?
`may_see & changed` is True where a query may see an edited key; one such key in its
row is enough. What moved without an excuse has leaked.

No rule about "before" and "after" a position is needed: `may_see` knows the future,
the padding and the queries that may see nothing. The same test serves every mask of
this course.

Another way counts the excuses by a matrix product,
`may_see.astype(int) @ changed.astype(int)`, and measures each move by its length,
`np.linalg.norm(after - before, axis=-1)`.
"""

# %% [markdown]
r"""
That was lesson 6. Keep your leak test: it works on any attention that you meet. Your
points are on [the start page](../start.md); on the command line,
`python3 course.py grade` shows them too.
"""
