# %% [markdown]
r"""
# Exercises: split attention into heads

Five functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/09_multi_head_attention.ipynb).
From exercise 3 on you may use `scaled_dot_product_attention` (lesson 5) and
`softmax` (lesson 3), and at every place your own functions. A worked solution
of each exercise stands in [the
solutions](../solutions/09_multi_head_attention.ipynb); they help most after you
have tried.
"""

# %%
import numpy as np

from course_utils import scaled_dot_product_attention, softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="split_heads"
r"""
## 1. Split into heads

Cut each token's vector into `num_heads` equal pieces. Head 0 gets the first piece of
every token, head 1 the second, and so on.

| argument | shape | |
|---|---|---|
| `x` | (..., n, d) | one token per row |
| `num_heads` | a whole number | it divides d |
| *returns* | (..., num_heads, n, d / num_heads) | for each head, its piece of each token |

The dots stand for any number of further axes; often there are none. One head is still
a head, and keeps its axis.
"""


# %% exercise="split_heads"
def split_heads(x, num_heads):
    ### BEGIN SOLUTION
    *leading, n, d = x.shape
    pieces = x.reshape(*leading, n, num_heads, d // num_heads)
    return pieces.swapaxes(-2, -3)
    ### END SOLUTION


# %% check="split_heads"
check("split_heads", split_heads)

# %% [markdown] solution="split_heads"
r"""
`reshape` keeps the order of the numbers: it may only cut the last axis into two that
stand side by side. So the pieces first stand *behind* their tokens, and `swapaxes`
brings them before. A reshape straight to the final shape would put the numbers of
other tokens into a head.

Another way stacks slices: `np.stack([x[..., i * d_k : (i + 1) * d_k] for i in
range(num_heads)], axis=-3)`. It says more plainly what a head is.
"""

# %% [markdown] about="merge_heads"
r"""
## 2. Merge them again

The exact inverse of exercise 1: lay the heads' numbers side by side, head 0 first.

| argument | shape | |
|---|---|---|
| `heads` | (..., num_heads, n, d_k) | for each head, one row per token |
| *returns* | (..., n, num_heads · d_k) | one row per token |
"""


# %% exercise="merge_heads"
def merge_heads(heads):
    ### BEGIN SOLUTION
    *leading, num_heads, n, d_k = heads.shape
    side_by_side = heads.swapaxes(-2, -3)
    return side_by_side.reshape(*leading, n, num_heads * d_k)
    ### END SOLUTION


# %% check="merge_heads"
check("merge_heads", merge_heads)

# %% [markdown] solution="merge_heads"
r"""
The two steps of exercise 1 are undone in reverse order: swap first, then join. After
the swap the numbers of one token stand together, head after head, and `reshape` may
join them.

Another way: `np.concatenate` of the heads along the last axis.
"""

# %% [markdown] about="multi_head_attention"
r"""
## 3. Attend with many heads

The tokens of `x` ask those of `memory` (lesson 7). Project, split into heads, attend
in each, merge, and project with `w_out`. There is no mask. Scores may run to thousands.

| argument | shape | |
|---|---|---|
| `x` | (n_q, d_model) | who asks |
| `memory` | (n_k, d_model) | who is asked, and answers |
| `w_query` | (d_model, num_heads · d_k) | |
| `w_key` | (d_model, num_heads · d_k) | |
| `w_value` | (d_model, num_heads · d_v) | d_v and d_k may differ |
| `w_out` | (num_heads · d_v, d_model) | |
| `num_heads` | a whole number | |
| *returns* | (n_q, d_model) | |
"""


# %% exercise="multi_head_attention"
def multi_head_attention(
    x, memory, w_query, w_key, w_value, w_out, num_heads
):
    ### BEGIN SOLUTION
    query = split_heads(x @ w_query, num_heads)
    key = split_heads(memory @ w_key, num_heads)
    value = split_heads(memory @ w_value, num_heads)
    heads = scaled_dot_product_attention(query, key, value)
    return merge_heads(heads) @ w_out
    ### END SOLUTION


# %% check="multi_head_attention"
check("multi_head_attention", multi_head_attention)

# %% [markdown] solution="multi_head_attention"
r"""
The axis of the heads is one more axis in front, and attention works on all of them
alike. Its scale is the root of the *last* axis of the query, which after the split is
the $d_k$ of one head.

Another way needs neither split nor merge: loop over the heads, take the columns of
head $i$ from the three projections and its *rows* from `w_out`, and add up. A sum of
products with blocks of rows is the same as the product of the merged heads with the
whole: each head writes its part of the output by itself.
"""

# %% [markdown] about="grouped_query_attention"
r"""
## 4. Share keys and values

There are as many query heads as key–value heads, or a multiple. The first group of query heads uses
key–value head 0, the next group head 1, and so on. A group may be a single head, and
there may be a single group.

| argument | shape | |
|---|---|---|
| `query` | (h_q, n_q, d_k) | h_q is a multiple of h_kv |
| `key` | (h_kv, n_k, d_k) | |
| `value` | (h_kv, n_k, d_v) | |
| *returns* | (h_q, n_q, d_v) | an answer for each query head |
"""


# %% exercise="grouped_query_attention"
def grouped_query_attention(query, key, value):
    ### BEGIN SOLUTION
    group = len(query) // len(key)
    key = np.repeat(key, group, axis=0)
    value = np.repeat(value, group, axis=0)
    return scaled_dot_product_attention(query, key, value)
    ### END SOLUTION


# %% check="grouped_query_attention"
check("grouped_query_attention", grouped_query_attention)

# %% [markdown] solution="grouped_query_attention"
r"""
`np.repeat` writes each head `group` times in a row, so that query head $i$ meets
key–value head `i // group`. `np.tile` would write the whole set again and again, and
deal the heads out in turn.

Another way copies nothing: give the query an axis for the groups,
`query.reshape(h_kv, group, n_q, d_k)`, and key and value an axis of length 1 at that
place, `key[:, None]`. Broadcasting then shares them; a reshape of the result joins
the two axes of heads again. That is how the memory is really saved.
"""

# %% [markdown] about="diagnose_heads"
r"""
## 5. Find the fault from the output

Somebody's multi-head attention with **four query heads** and **two key–value heads**
returns odd results. You see its arguments and its output, not its code. Return the
number of the fault.

| number | fault |
|---|---|
| 0 | none: the output is right |
| 1 | query, key and value are split by a reshape to (heads, n, d_k), without a transpose |
| 2 | the scores are divided by the root of d_model in place of that of d_k |
| 3 | the key–value heads are shared in the order of `np.tile`: 0, 1, 0, 1 |
| 4 | `w_out` is left out |

| argument | shape | |
|---|---|---|
| `output` | (n, d_model) | made from the others, perhaps with a fault |
| `x` | (n, d_model) | one token per row; it asks itself, without a mask |
| `w_query` | (d_model, d_model) | for four heads |
| `w_key`, `w_value` | (d_model, d_model / 2) | for two heads |
| `w_out` | (d_model, d_model) | |
| *returns* | a whole number | 0 to 4 |

Every size is such that no fault shows in a shape. In the right version and in all
broken ones the heads are merged correctly.
"""


# %% exercise="diagnose_heads"
def diagnose_heads(output, x, w_query, w_key, w_value, w_out):
    ### BEGIN SOLUTION
    def reshaped(a, h):
        return a.reshape(h, len(a), a.shape[1] // h)

    def merged(split=split_heads, order=(0, 0, 1, 1), scale=None):
        query = split(x @ w_query, 4)
        key = split(x @ w_key, 2)[list(order)]
        value = split(x @ w_value, 2)[list(order)]
        scale = scale or query.shape[-1] ** -0.5
        weights = softmax(query @ key.swapaxes(-1, -2) * scale)
        return merge_heads(weights @ value)

    versions = [
        merged() @ w_out,
        merged(split=reshaped) @ w_out,
        merged(scale=x.shape[1] ** -0.5) @ w_out,
        merged(order=(0, 1, 0, 1)) @ w_out,
        merged(),
    ]
    gaps = [np.abs(output - version).max() for version in versions]
    return np.argmin(gaps)
    ### END SOLUTION


# %% check="diagnose_heads"
check("diagnose_heads", diagnose_heads)

# %% [markdown] solution="diagnose_heads"
r"""
All sizes agree, so nothing but the numbers tells. You have the arguments: make what
each version would have made, and see which it is. One function with an option for
each step keeps the five versions short.

Another way looks for what gives each fault away. Undo `w_out` with
`np.linalg.solve(w_out.T, output.T).T`, and you have the merged heads; if `output`
itself is the merged heads, the fault is 4. With `np.tile` the heads 0 and 3 are right
and 1 and 2 are not. With the wrong scale all heads are a little off. What remains is
the reshape.
"""

# %% [markdown]
r"""
That was lesson 9, and the second part. Your points are on [the start
page](../start.md); on the command line, `python3 course.py grade` shows them too.
"""
