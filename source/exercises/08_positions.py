# %% [markdown]
r"""
# Exercises: tell positions apart

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/08_positions.ipynb), and NumPy is
all you may import. You will find a worked solution of each exercise in
[the solutions](../solutions/08_positions.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="sinusoidal_rows"
r"""
## 1. Set the clock

Return the rows of clock hands for the positions 0 to `n` − 1. Hand $i$, counted from
0, has turned at position $p$ by $p / \text{base}^{2i/d}$ radians, where $d$ is
`d_model`. Its sine stands in column $2i$, its cosine in column $2i + 1$.

| argument | shape | |
|---|---|---|
| `n` | a whole number | how many positions |
| `d_model` | an even whole number | the size of a row: two for each hand |
| `base` | a number above 1 | sets how slow the slowest hand is |
| *returns* | (n, d_model) | one row per position |
"""


# %% exercise="sinusoidal_rows"
def sinusoidal_rows(n, d_model, base):
    ### BEGIN SOLUTION
    speed = base ** (-np.arange(0, d_model, 2) / d_model)
    angle = np.arange(n)[:, None] * speed  # (n, d_model / 2)
    rows = np.empty((n, d_model))
    rows[:, 0::2] = np.sin(angle)
    rows[:, 1::2] = np.cos(angle)
    return rows
    ### END SOLUTION


# %% check="sinusoidal_rows"
check("sinusoidal_rows", sinusoidal_rows)

# %% [markdown] solution="sinusoidal_rows"
r"""
`np.arange(0, d_model, 2)` counts components in steps of two: it *is* $2i$, so no
further 2 belongs into the exponent. A column of positions times a row of speeds
gives all angles at once, and the slices `0::2` and `1::2` put sine and cosine of one
hand side by side.

Another way stacks both on a new last axis and flattens it:
`np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n, d_model)`.
"""

# %% [markdown] about="score_at_offset"
r"""
## 2. Score without knowing where

With RoPE a score depends on the offset alone. So it can be computed from the offset
alone. A query asks several keys. Nobody tells you where they stand, only how many
tokens each key lies before the query. Return RoPE's scores: the dot products of the
turned query with the turned keys, not scaled.

| argument | shape | |
|---|---|---|
| `query` | (d_k,) | not turned yet; d_k is even |
| `key` | (n_k, d_k) | one key per row, not turned yet |
| `offset` | (n_k,) | position of the query minus that of each key |
| `base` | a number above 1 | pair $i$ turns by $1 / \text{base}^{2i/d_k}$ per position |
| *returns* | (n_k,) | one score for each key |

An offset below 0 belongs to a key that comes after the query, 0 to one at the same
place. Pairs are neighbours:
components 0 and 1, 2 and 3, and so on. A pair $(a, b)$ at a position that turns it by
an angle becomes $(a \cos - b \sin, \; a \sin + b \cos)$.
"""


# %% exercise="score_at_offset"
def score_at_offset(query, key, offset, base):
    ### BEGIN SOLUTION
    d_k = len(query)
    speed = base ** (-np.arange(0, d_k, 2) / d_k)
    angle = offset[:, None] * speed  # (n_k, d_k / 2)
    a, b = query[0::2], query[1::2]
    first = a * np.cos(angle) - b * np.sin(angle)
    second = a * np.sin(angle) + b * np.cos(angle)
    products = first * key[:, 0::2] + second * key[:, 1::2]
    return products.sum(axis=1)
    ### END SOLUTION


# %% check="score_at_offset"
check("score_at_offset", score_at_offset)

# %% [markdown] solution="score_at_offset"
r"""
Any positions with the right offset will do. So let each key stand at 0, where nothing
is turned. Then the query stands at the offset, once for each key, and only the query
is turned.

Another way lets each key stand somewhere else, for instance at 1000, and turns both:
the query at `1000 + offset` and the key at 1000. The scores are the same. And a third
keeps the query still and turns each key by `-offset`.
"""

# %% [markdown] about="alibi_for_heads"
r"""
## 3. A ramp for each head

Return ALiBi's bias for several heads. Head $m$, counted from 1, has the slope
$2^{-8m/\text{num\_heads}}$, and the bias of a query and a key is minus the slope times
their distance.

The queries are not the first tokens here: some came before, as when a model writes on
and its first queries are already answered. Query $i$ stands at position
$i + \text{offset}$, key $j$ at position $j$.

| argument | | |
|---|---|---|
| `num_heads` | 2, 4, 8 or 16 | how many heads |
| `n_q` | a whole number | how many queries |
| `n_k` | a whole number | how many keys |
| `offset` | a whole number | the position of the first query, as in lesson 6 (in exercise 2 the word meant something else) |
| *returns* | (num_heads, n_q, n_k) | what is added to the scores |

A distance is never negative: a key after the query counts like one before it.
"""


# %% exercise="alibi_for_heads"
def alibi_for_heads(num_heads, n_q, n_k, offset):
    ### BEGIN SOLUTION
    slope = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
    place = np.arange(n_q) + offset
    distance = np.abs(place[:, None] - np.arange(n_k))  # (n_q, n_k)
    return -slope[:, None, None] * distance
    ### END SOLUTION


# %% check="alibi_for_heads"
check("alibi_for_heads", alibi_for_heads)

# %% [markdown] solution="alibi_for_heads"
r"""
The exponents run from $-8/\text{num\_heads}$ to −8 in as many steps as there are
heads. Starting the count at 0 would give the first head the slope 1, one step too
steep. `slope[:, None, None]` has the shape (num_heads, 1, 1), so that each head gets
its own copy of the distances.

Another way multiplies with `np.einsum("h,qk->hqk", -slope, distance)`.
"""

# %% [markdown] about="diagnose_rotary"
r"""
## 4. Tell the fault from the scores alone

Somebody's program should do RoPE. You do not have its code, but you may experiment: one
query was put at the positions 0 to n − 1, one key at the same positions, and every pair was
scored. You know neither query nor key. Return the number of the fault.

| number | fault |
|---|---|
| 0 | none: the scores behave as RoPE's should |
| 1 | the keys are turned the other way, by minus their positions |
| 2 | the queries are turned and the keys are not |
| 3 | nothing is turned |
| 4 | rows were added to the tokens before the projections, and nothing is turned |

| argument | shape | |
|---|---|---|
| `scores` | (n, n) | `scores[i, j]`: the query at position i, the key at position j |
| *returns* | a whole number | 0, 1, 2, 3 or 4 |

n is at least 4. Scores that should be the same are rounded, and differ by up to 1e-8; what
differs, differs somewhere by more than 1e-3.
"""


# %% exercise="diagnose_rotary"
def diagnose_rotary(scores):
    ### BEGIN SOLUTION
    def same(a, b):
        return np.abs(a - b).max() < 1e-6

    if same(scores, scores[0, 0]):
        return 3
    if same(scores, scores[:, :1]):
        return 2
    if same(scores[1:, 1:], scores[:-1, :-1]):
        return 0
    return 1 if same(scores[1:, :-1], scores[:-1, 1:]) else 4
    ### END SOLUTION


# %% check="diagnose_rotary"
check("diagnose_rotary", diagnose_rotary)

# %% [markdown] solution="diagnose_rotary"
r"""
A score of RoPE knows the offset $i - j$ alone, so it is the same down each diagonal. With the keys
turned the other way, the angle between the hands is that of $i + j$: the same along the *other*
diagonals. If only queries are turned, a score knows $i$ alone, and each row is one number; if nothing is,
the whole table is. Added rows leave no such line. The order of the questions matters: a
table of one number is the same along every line.

Another way sorts the scores by what they may depend on, in a dictionary with the keys `i - j`, then
`i + j`, then `i`, and asks whether all scores of a key agree.

There is a fault that this experiment cannot see: partners $i$ and $i + d_k/2$ in place of
neighbours. Then too a score depends on the offset alone. To find it, you need a vector
whose components you know.
"""

# %% [markdown]
r"""
That was lesson 8. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
