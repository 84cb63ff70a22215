# %% [markdown]
r"""
# Exercises: score how well a query matches a key

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/02_scores.ipynb), and NumPy is
all you may import: write each score out yourself. A worked solution of each
exercise stands in [the solutions](../solutions/02_scores.ipynb); they help most
after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="bilinear_score"
r"""
## 1. From the loop to the matrix

Here is the bilinear score as a loop. Return the same scores without one.

    scores = np.zeros((len(query), len(key)))
    for i, q in enumerate(query):
        for j, k in enumerate(key):
            scores[i, j] = q @ w_match @ k

| argument | shape | |
|---|---|---|
| `query` | (n_q, d) | one query per row |
| `key` | (n_k, d) | one key per row |
| `w_match` | (d, d) | $W$ in $q W k^\mathsf{T}$ |
| *returns* | (n_q, n_k) | one row per query, one column per key |

Queries and keys have equally many components here, so no error will tell you if you turned
`w_match` the wrong way round.
"""


# %% exercise="bilinear_score"
def bilinear_score(query, key, w_match):
    ### BEGIN SOLUTION
    return query @ w_match @ key.T
    ### END SOLUTION


# %% check="bilinear_score"
check("bilinear_score", bilinear_score)

# %% [markdown] solution="bilinear_score"
r"""
`query @ w_match` translates every query at once: row $i$ is $q_i W$, shape
(n_q, d). Times `key.T`, whose columns are the keys, each row meets each column, and
that is the double loop.

Another way lets `np.einsum` name the axes: `np.einsum("qd,de,ke->qk", query, w_match,
key)`. Letters that are missing on the right are summed over.
"""

# %% [markdown] about="cosine_score"
r"""
## 2. Only the direction counts

Return the cosine of the angle between each query and each key. No vector is all
zeros, but some are very short, and some hold whole numbers.

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_k) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| *returns* | (n_q, n_k) | numbers from −1 to 1 |
"""


# %% exercise="cosine_score"
def cosine_score(query, key):
    ### BEGIN SOLUTION
    query = query / np.linalg.norm(query, axis=-1, keepdims=True)
    key = key / np.linalg.norm(key, axis=-1, keepdims=True)
    return query @ key.T
    ### END SOLUTION


# %% check="cosine_score"
check("cosine_score", cosine_score)

# %% [markdown] solution="cosine_score"
r"""
The cosine is the dot product of two vectors of length 1. Each row is divided by its
own length: `axis=-1` measures along the components, `keepdims=True` keeps the
lengths as a column. Writing `query = query / …` makes a new array; `query /= …`
would change the array of whoever called the function.

Another way divides at the end, by the product of the two lengths of each pair:
`query @ key.T / np.outer(np.linalg.norm(query, axis=1), np.linalg.norm(key,
axis=1))`. The outer product has the shape of the scores.
"""

# %% [markdown] about="additive_score"
r"""
## 3. A small network for every pair

Return $\tanh(q\, W_q + k\, W_k)\, v$ for each query and each key, without a
loop. (See the lesson's last part.)

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_q) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| `w_query` | (d_q, d_hidden) | $W_q$ |
| `w_key` | (d_k, d_hidden) | $W_k$ |
| `v` | (d_hidden,) | how much each hidden unit counts |
| *returns* | (n_q, n_k) | one row per query, one column per key |
"""


# %% exercise="additive_score"
def additive_score(query, key, w_query, w_key, v):
    ### BEGIN SOLUTION
    for_query = (query @ w_query)[:, None, :]  # (n_q, 1, d_hidden)
    for_key = key @ w_key  # (n_k, d_hidden)
    return np.tanh(for_query + for_key) @ v
    ### END SOLUTION


# %% check="additive_score"
check("additive_score", additive_score)

# %% [markdown] solution="additive_score"
r"""
The hidden units need one row of numbers for each *pair*, so three axes: queries,
keys, hidden units. `[:, None, :]` gives the queries an axis of length 1 where the
keys go, and NumPy stretches it. `@ v` then sums over the hidden units, the last
axis. Each side is projected once, before the pairs are formed, not once for each
pair.

Another way puts in both axes by name: `np.einsum("qkh,h->qk", np.tanh((query @
w_query)[:, np.newaxis] + (key @ w_key)[np.newaxis]), v)`.
"""

# %% [markdown] about="diagnose_cosine"
r"""
## 4. What is wrong with this cosine?

The harbour next door has a program that should return cosines. You get its queries,
its keys and the scores that came out. Return the number of the fault:

| number | what the program did |
|---|---|
| 0 | nothing wrong: these are cosines |
| 1 | it did not divide by the lengths of the keys |
| 2 | it did not divide by the lengths of the queries |
| 3 | it measured the lengths over the wrong axis, `axis=0` |
| 4 | it left out the root: it divided by the squares of both lengths |

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_k) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| `scores` | (n_q, n_k) | what the program returned, rounded to 7 digits or so |
| *returns* | a number | 0, 1, 2, 3 or 4, an `int` |
"""


# %% exercise="diagnose_cosine"
def diagnose_cosine(query, key, scores):
    ### BEGIN SOLUTION
    q = np.linalg.norm(query, axis=1)[:, None]  # (n_q, 1)
    k = np.linalg.norm(key, axis=1)  # (n_k,)
    dot = query @ key.T
    by_column = (query / np.linalg.norm(query, axis=0)) @ (
        key / np.linalg.norm(key, axis=0)
    ).T
    suspects = [dot / (q * k), dot / q, dot / k, by_column]
    suspects.append(dot / (q * k) ** 2)
    gaps = [np.abs(scores - suspect).max() for suspect in suspects]
    return int(np.argmin(gaps))
    ### END SOLUTION


# %% check="diagnose_cosine"
check("diagnose_cosine", diagnose_cosine)

# %% [markdown] solution="diagnose_cosine"
r"""
Make every suspect yourself and see which one fits. The scores are rounded, so none
fits to the last digit: take the one with the smallest gap.

Two shortcuts fail. A score beyond ±1 proves that something is wrong, but one within
proves nothing. And fault 2 never changes which key is best, since a query divides
its whole row by one number; whoever compares only the best keys misses it.

Another way asks each suspect in turn, `if np.allclose(scores, suspect, atol=1e-4):
return number`, with a tolerance that forgives the rounding.
"""

# %% [markdown]
r"""
That was lesson 2. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
