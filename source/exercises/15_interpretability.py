# %% [markdown]
r"""
# Exercises: ask what the weights explain

Four functions, twelve points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/15_interpretability.ipynb). A worked
solution of each exercise stands in [the
solutions](../solutions/15_interpretability.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils import softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="occlude"
r"""
## 1. What would the answer be without it?

One query attends to n keys. The logits of some classes are read off its output, `output @
w_read`. Return for each key by how many nats the log-probability of the class `answer` falls
when that key is hidden.

| argument | shape | |
|---|---|---|
| `query` | (d_k,) | |
| `key` | (n, d_k) | n is at least 2 |
| `value` | (n, d_v) | |
| `w_read` | (d_v, num_classes) | |
| `answer` | | a class, an integer |
| *returns* | (n,) | log p with all keys, minus log p without this one |

Scores are divided by the root of d_k. What is hidden gets no weight, and the others share what
it had. An effect may be negative.
"""


# %% exercise="occlude"
def occlude(query, key, value, w_read, answer):
    ### BEGIN SOLUTION
    def log_p(scores):
        logits = softmax(scores) @ value @ w_read
        return np.log(softmax(logits))[answer]

    scores = key @ query / len(query) ** 0.5
    effect = []
    for j in range(len(key)):
        hidden = scores.copy()
        hidden[j] = -np.inf
        effect.append(log_p(scores) - log_p(hidden))
    return np.array(effect)
    ### END SOLUTION


# %% check="occlude"
check("occlude", occlude)

# %% [markdown] solution="occlude"
r"""
A score of −inf becomes a weight of 0, and the softmax sees to it that the others sum to 1.
Setting the *weight* to 0 after the softmax would shrink the output as well, and mix two
effects.

Another way deletes row j from `key` and `value`. A third needs no loop: the output without key
j is $(o - w_j v_j) / (1 - w_j)$.
"""

# %% [markdown] about="roll_out"
r"""
## 2. Roll the weights out

You get the weights of all layers and heads. Take the mean of the heads. In each layer half of a
token stays where it is, on the residual connection, and half flows where the weights point.
How much of each token that was read stands in each place at the end?

| argument | shape | |
|---|---|---|
| `weights` | (layers, num_heads, n, n) | the first layer first; rows are queries |
| *returns* | (n, n) | row: a place at the end; column: a token that was read |
"""


# %% exercise="roll_out"
def roll_out(weights):
    ### BEGIN SOLUTION
    eye = np.eye(weights.shape[-1])
    total = eye
    for layer in weights.mean(axis=1):
        total = (eye + layer) / 2 @ total
    return total
    ### END SOLUTION


# %% check="roll_out"
check("roll_out", roll_out)

# %% [markdown] solution="roll_out"
r"""
`total` says what stands in each place so far. A further layer blends rows of it, so it comes
from the left. Each row sums to 1, in each step and at the end: a good thing to print.

Another way starts at the end with one drop of ink in each place, and follows it down,
`ink = (ink + ink @ layer) / 2`, from the last layer to the first. It is the same product,
worked out from the other side.
"""

# %% [markdown] about="look_behind"
r"""
## 3. Is it an induction head?

An induction head at place i looks at what stood *behind* earlier appearances of its own token.
For each place whose token came before, sum the weights on the places just behind those
appearances. Return the mean of these sums over all such places, and 0 if there are none.

| argument | shape | |
|---|---|---|
| `weights` | (n, n) | of one head; rows are queries |
| `tokens` | (n,) | integers |
| *returns* | | a number |

In "v e v e" the place 2 (v) should look at 1, and 3 (e) at 2. A head need not be causal; only
appearances *before* the query count.
"""


# %% exercise="look_behind"
def look_behind(weights, tokens):
    ### BEGIN SOLUTION
    sums = []
    for i in range(len(tokens)):
        behind = [j + 1 for j in range(i) if tokens[j] == tokens[i]]
        if behind:
            sums.append(weights[i, behind].sum())
    return np.mean(sums) if sums else 0.0
    ### END SOLUTION


# %% check="look_behind"
check("look_behind", look_behind)

# %% [markdown] solution="look_behind"
r"""
Places whose token is new are left out: there no head could do it. If a token came three
times, the head may share its weight among three places, so they are summed.

Another way makes a mask of queries and keys: `np.tril(tokens[:, None] == tokens, -1)` are the
earlier appearances, and moved one column to the right it is what stands behind them.
"""

# %% [markdown] about="forge"
r"""
## 4. Forge the weights

A query gave n keys its weights, all above 0, and its output was `weights @ value`. Find *other*
weights with exactly the same output: none negative, and with a sum of 1. Here n = d_v + 2, and
then all such weights lie on one line, from an end where some weight is 0 to another such end.
Return the end that is further from the weights that came.

| argument | shape | |
|---|---|---|
| `weights` | (n,) | above 0, with a sum of 1 |
| `value` | (n, d_v) | n = d_v + 2 |
| *returns* | (n,) | the forged weights |

Which key lost all its weight? Would you have called it important?
"""


# %% exercise="forge"
def forge(weights, value):
    ### BEGIN SOLUTION
    fixed = np.vstack([value.T, np.ones(len(value))])
    z = np.linalg.svd(fixed)[2][-1]  # changes neither blend nor sum
    ends = []
    for way in (z, -z):
        falls = way < 0
        step = np.min(weights[falls] / -way[falls])
        ends.append(weights + step * way)
    return max(ends, key=lambda end: np.abs(end - weights).sum())
    ### END SOLUTION


# %% check="forge"
check("forge", forge)

# %% [markdown] solution="forge"
r"""
The output fixes d_v numbers and the sum one more. With n = d_v + 2 keys one direction is left
free, with more keys more of them. So weights over long texts are never fixed by the output
alone: a head of 64 numbers that sees 1,000 keys could have had very different weights, and
nobody could tell from what it passed on. With n up to d_v + 1 keys (and values in general
position) there is no such freedom.

This forges the weights of *one* query and one output. Weights that were computed from queries
and keys, for all texts at once, are far less free, as Wiegreffe and Pinter (2019) say. Another
way sets one component of z to 1 and solves the equations for the others.
"""

# %% [markdown]
r"""
That was lesson 15. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
