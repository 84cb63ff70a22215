# %% [markdown]
r"""
# Exercises: let a sequence attend to itself, and to another

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in
[the lesson](../notebooks/07_self_and_cross_attention.ipynb). Beside NumPy you may
use `scaled_dot_product_attention` (lesson 5), whose fourth argument is the mask. A worked solution of
each exercise stands in
[the solutions](../solutions/07_self_and_cross_attention.ipynb); they help most after
you have tried.
"""

# %%
import numpy as np

from course_utils import scaled_dot_product_attention
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="self_attention"
r"""
## 1. A sequence asks itself

Return the output of self-attention.

| argument | shape | |
|---|---|---|
| `x` | (..., n, d) | the tokens, one per row |
| `w_query` | (d, d_k) | makes the queries |
| `w_key` | (d, d_k) | makes the keys |
| `w_value` | (d, d_v) | makes the values |
| *returns* | (..., n, d_v) | one output for each token |

The dots stand for any number of further axes, such as a batch; often there are none.
Here $d_k$ is as large as $d$: `w_query` and `w_key` are square, so their shapes will not
save you.
"""


# %% exercise="self_attention"
def self_attention(x, w_query, w_key, w_value):
    ### BEGIN SOLUTION
    query, key, value = x @ w_query, x @ w_key, x @ w_value
    return scaled_dot_product_attention(query, key, value)
    ### END SOLUTION


# %% check="self_attention"
check("self_attention", self_attention)

# %% [markdown] solution="self_attention"
r"""
One token is one row of `x`, so the matrix stands on the right: each row becomes a
query, a key and a value, and all further axes stay where they are. The rest is the
attention of lesson 5, which does not know that all three come from the same place.

Another way makes no keys. A score is $(x_i W_q) \cdot (x_j W_k) =
x_i \, (W_q W_k^\mathsf{T}) \, x_j^\mathsf{T}$, so one matrix, `w_query @ w_key.T`, holds all
there is to know about who looks for whom, and the tokens themselves can stand in for the
keys: `scaled_dot_product_attention(x @ (w_query @ w_key.T), x, x @ w_value,
scale=w_query.shape[1] ** -0.5)`. That matrix is not symmetric, and so asking is not.
"""

# %% [markdown] about="cross_attention"
r"""
## 2. Another sequence asks, and some tokens are only padding

The tokens of `y` ask those of `x`. Of `x` only the first `length` tokens are real, the
others are padding (lesson 6) and must not be asked. Return the output.

| argument | shape | |
|---|---|---|
| `y` | (..., m, d) | the tokens that ask |
| `x` | (..., n, d) | the tokens that are asked, padded at the end |
| `w_query` | (d, d_k) | makes the queries |
| `w_key` | (d, d_k) | makes the keys |
| `w_value` | (d, d_v) | makes the values |
| `length` | a whole number | how many tokens of `x` are real, at least 2 |
| *returns* | (..., m, d_v) | one output for each token that asks |

The padding need not be zeros, and there may be none. Scores may run to tens of
thousands, above 0 or below.
"""


# %% exercise="cross_attention"
def cross_attention(y, x, w_query, w_key, w_value, length):
    ### BEGIN SOLUTION
    real = x[..., :length, :]
    query, key, value = y @ w_query, real @ w_key, real @ w_value
    return scaled_dot_product_attention(query, key, value)
    ### END SOLUTION


# %% check="cross_attention"
check("cross_attention", cross_attention)

# %% [markdown] solution="cross_attention"
r"""
The output has a row for each token that asks, so the queries are made of `y`. Keys and
values are made of `x`, always both of the same: a weight is computed with a key, and
must meet the value of the same token. Since all rows have the same length here, the
padding can be cut off before anything is made of it.

Another way hides it: with `mask = np.arange(x.shape[-2])[None] < length` as a fourth
argument, `scaled_dot_product_attention(query, key, value, mask)`. That is the one to use in a batch in which each
sentence has a length of its own. Do not cut off the *queries*: `y` has no padding.
"""

# %% [markdown] about="unshuffle_weights"
r"""
## 3. Put the weights back in order

Somebody shuffled a sentence before it asked itself: the tokens were `x[order]`, and
`weights` are the weights of that shuffled sentence. Return the weights that the
sentence `x` would have got, in its own order. You have neither `x` nor the matrices;
since self-attention is equivariant, you do not need them.

| argument | shape | |
|---|---|---|
| `weights` | (n, n) | of `x[order]`: a row for each token that asks |
| `order` | (n,), whole numbers | token `order[i]` of `x` stands at place i |
| *returns* | (n, n) | the weights of `x` |
"""


# %% exercise="unshuffle_weights"
def unshuffle_weights(weights, order):
    ### BEGIN SOLUTION
    back = np.argsort(order)
    return weights[back][:, back]
    ### END SOLUTION


# %% check="unshuffle_weights"
check("unshuffle_weights", unshuffle_weights)

# %% [markdown] solution="unshuffle_weights"
r"""
By the third line of the proof the given weights are $P \, \text{weights} \,
P^\mathsf{T}$, with rows *and* columns shuffled: the tokens ask in another order, and are
asked in another order. To undo that, multiply with $P^\mathsf{T}$ from the left and with
$P$ from the right; as indices, use the order that undoes `order`, which is
`np.argsort(order)`.

Another way writes instead of reading, and needs no inverse:
`result[np.ix_(order, order)] = weights` puts the weight of place (i, j) where it belongs,
at the tokens (`order[i]`, `order[j]`).
"""

# %% [markdown] about="diagnose_roles"
r"""
## 4. Find out who asked, from outside

Somebody's cross-attention returns odd results. You see neither its code nor its numbers,
but you may experiment: one token at a time was edited, and for each output it was
measured how far it moved. In the right version `y` asks and `x` is asked, without a
mask. Return the number of the fault.

| number | fault |
|---|---|
| 0 | none: it behaves as it should |
| 1 | `x` asks and `y` is asked: the two sequences have swapped all their roles |
| 2 | `y` asks itself |
| 3 | the values are made of `y`, the sequence that asks; the keys are made of `x` |
| 4 | a causal mask was left in: query $i$ sees only the tokens 0 to $i$ of `x` |

| argument | shape | |
|---|---|---|
| `moved` | (2, n, n) | `moved[0, i, j]`: how far output j moved when token i of `y` was edited; `moved[1, i, j]`: when token i of `x` was edited; unlike in a mask, the row is what was *edited* |
| *returns* | a whole number | 0, 1, 2, 3 or 4 |

Both sequences have n tokens, at least 3, so the shape of the output tells you
nothing. The two runs rounded differently: an output that did not move is off by up to 1e-8; what
moved, moved by more than 1e-4.
"""


# %% exercise="diagnose_roles"
def diagnose_roles(moved):
    ### BEGIN SOLUTION
    by_y, by_x = moved > 1e-6  # each (n, n): edited token, output
    y_only_asks = not by_y[0, 1]
    if y_only_asks:
        return 0 if by_x[-1, 0] else 4
    if not by_x.any():
        return 2
    return 3 if by_x[0, 1] else 1
    ### END SOLUTION


# %% check="diagnose_roles"
check("diagnose_roles", diagnose_roles)

# %% [markdown] solution="diagnose_roles"
r"""
A token that only asks moves only its own output: the table of its edits is a diagonal. A token that
is asked, as a key or as a value, moves every output that may see it. So in the
right version the edits of `y` give a diagonal, and those of `x` everything; swapped
roles swap the two tables. Where `y` asks itself, `x` moves nothing. Where the values come
from `y`, both move everything: `y` by its values, `x` by its keys, which decide on the weights. A causal mask
leaves a triangle.

Another way draws the two tables of each version as arrays of 0 and 1 and takes the
version that fits best: `np.eye(n)`, `np.ones((n, n))`, `np.zeros((n, n))` and
`np.triu(np.ones((n, n)))` are all you need. (Best, not exactly: behind a causal mask the first
query sees one token, which gets a weight of 1 whatever it asks.) No number of the attention itself was used:
faults can be told apart by behaviour alone.
"""

# %% [markdown]
r"""
That was lesson 7. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
