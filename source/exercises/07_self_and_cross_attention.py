# %% [markdown]
r"""
# Exercises: let a sequence attend to itself, and to another

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in
[the lesson](../notebooks/07_self_and_cross_attention.ipynb). Beside NumPy you may
use `scaled_dot_product_attention`, which you wrote in lesson 5. A worked solution of
each exercise stands in
[the solutions](../solutions/07_self_and_cross_attention.ipynb); they help most after
you tried.
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
## 4. Find out who asked

Somebody's cross-attention returns odd results. You cannot see the code, but you have what
went in and the `output`. In the right version `y` asks and `x` is asked. Return the
number of the fault.

| number | fault |
|---|---|
| 0 | none: the output is right |
| 1 | `x` asks and `y` is asked: the two sequences have swapped all their roles |
| 2 | queries and keys share one projection, `w_query` |
| 3 | all three matrices are transposed: `@ w_query.T` in place of `@ w_query`, and so on |
| 4 | the values are made of `y`, the sequence that asks |

| argument | shape | |
|---|---|---|
| `output` | (n, d) | made of the rest, perhaps with a fault |
| `y` | (n, d) | the tokens that should ask |
| `x` | (n, d) | the tokens that should be asked |
| `w_query`, `w_key`, `w_value` | (d, d) | the projections |
| *returns* | a whole number | 0, 1, 2, 3 or 4 |

Both sequences are equally long and all matrices are square, so that no shape tells you
anything.
"""


# %% exercise="diagnose_roles"
def diagnose_roles(output, y, x, w_query, w_key, w_value):
    ### BEGIN SOLUTION
    attend = scaled_dot_product_attention
    versions = [
        attend(y @ w_query, x @ w_key, x @ w_value),
        attend(x @ w_query, y @ w_key, y @ w_value),
        attend(y @ w_query, x @ w_query, x @ w_value),
        attend(y @ w_query.T, x @ w_key.T, x @ w_value.T),
        attend(y @ w_query, x @ w_key, y @ w_value),
    ]
    gaps = [np.abs(output - version).max() for version in versions]
    return np.argmin(gaps)
    ### END SOLUTION


# %% check="diagnose_roles"
check("diagnose_roles", diagnose_roles)

# %% [markdown] solution="diagnose_roles"
r"""
All that went in is known, so make what each version would have made, and see which one
it is. `np.argmin` returns the position of the smallest gap, and the versions stand in
the order of the table.

Another way asks one question after another: with `np.allclose`, is it what comes out if
`x` asks? If the matrices are transposed? It is the same comparison, and stops at the
first hit. In your own code, do not let it come to this: test with two lengths and with
matrices that are not square, and faults 1 and 3 show at once. Faults 2 and 4 never show
in a shape as long as both sequences are equally long; compare with a loop.
"""

# %% [markdown]
r"""
That was lesson 7. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
