# %% [markdown]
r"""
# Exercises: scale the dot product

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in
[the lesson](../notebooks/05_scaled_dot_product_attention.ipynb). Beside NumPy you
may use `softmax`, which you wrote in lesson 3. A worked solution of each exercise
stands in [the solutions](../solutions/05_scaled_dot_product_attention.ipynb); they
help most after you have tried.
"""

# %%
import numpy as np

from course_utils import softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="score_variance"
r"""
## 1. How far will the scores spread?

All components of queries and keys are independent and have mean 0. In the lesson
their standard deviation was 1. Here it is `std_query` for those of a query and
`std_key` for those of a key. Return the variance of the score, the dot product of
a query with a key.

| argument | | |
|---|---|---|
| `d_k` | a whole number | how many components a query and a key have |
| `std_query` | a number | the standard deviation of the components of a query |
| `std_key` | a number | the same for a key |
| *returns* | a number | the variance of the score |
"""


# %% exercise="score_variance"
def score_variance(d_k, std_query, std_key):
    ### BEGIN SOLUTION
    return d_k * std_query**2 * std_key**2
    ### END SOLUTION


# %% check="score_variance"
check("score_variance", score_variance)

# %% [markdown] solution="score_variance"
r"""
One product has the variance of its first factor times that of its second, because
both are independent and have mean 0: `std_query**2 * std_key**2`. The variances of
$d_k$ independent products add up. With both deviations 1 this is the $d_k$ of the
lesson.

Another way begins with the spread, the root of $d_k$ times the two deviations, and
squares it: `(d_k**0.5 * std_query * std_key) ** 2`.
"""

# %% [markdown] about="scaled_dot_product_attention"
r"""
## 2. Write the whole function

Return the blend of the values for each query: softmax of the scaled scores, times
the values.

| argument | shape | |
|---|---|---|
| `query` | (..., n_q, d_k) | one query per row |
| `key` | (..., n_k, d_k) | one key per row |
| `value` | (..., n_k, d_v) | one value per row |
| *returns* | (..., n_q, d_v) | one blend per row |

The dots stand for any number of further axes, the same in all three; often there
are none. Scores may run to thousands, above 0 or below. If the arrays are `float32`, so
is the result.
"""


# %% exercise="scaled_dot_product_attention"
def scaled_dot_product_attention(query, key, value):
    ### BEGIN SOLUTION
    d_k = query.shape[-1]
    scores = query @ key.swapaxes(-1, -2) * d_k**-0.5
    return softmax(scores) @ value
    ### END SOLUTION


# %% check="scaled_dot_product_attention"
check("scaled_dot_product_attention", scaled_dot_product_attention)

# %% [markdown] solution="scaled_dot_product_attention"
r"""
The scale uses `query.shape[-1]`, the number of products in one score, and no other
size. `swapaxes(-1, -2)` turns keys into columns and leaves all axes in front where
they are; `key.T` would reverse them too. `d_k**-0.5` is a plain Python number, so
that `float32` stays what it is.

Another way scales the query and not the scores:
`softmax((query * d_k**-0.5) @ key.swapaxes(-1, -2)) @ value`. The factor can stand
at either place, since each score is a sum of products with the query. It costs
less when there are more keys than components.
"""

# %% [markdown] about="unit_scale"
r"""
## 3. Choose the scale

The scale has to fit how the vectors were made. Here are some queries and some
keys. Their components are independent with mean 0, but their variance is *not* 1,
and differs between queries and keys. Return the number by which the scores must be
multiplied so that their spread is 1.

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_k) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| *returns* | a number | the scale |

Take as the variance of the components the mean of their squares, over all queries
or over all keys. Compute the scale from these two variances and $d_k$, as in
exercise 1: a handful of scores would be too few to measure their spread.
"""


# %% exercise="unit_scale"
def unit_scale(query, key):
    ### BEGIN SOLUTION
    d_k = query.shape[-1]
    variance = d_k * np.mean(query**2) * np.mean(key**2)
    return variance**-0.5
    ### END SOLUTION


# %% check="unit_scale"
check("unit_scale", unit_scale)

# %% [markdown] solution="unit_scale"
r"""
The variance of a score is $d_k$ times the two variances (exercise 1). Multiplying
by a number multiplies the variance by its square, so one over the *root* makes it
1. With variances of 1 this is the scale of the lesson.

Another way uses lengths: the squares of all components add up to the square of
`np.linalg.norm(query)`, so the scale is also
`(len(query) * len(key) * d_k) ** 0.5 / (np.linalg.norm(query) * np.linalg.norm(key))`.
"""

# %% [markdown] about="diagnose_scale"
r"""
## 4. Find the fault from the weights

Somebody's attention returns odd results. You cannot see the code, but you have the
weights that it made from `query` and `key`. Return the number of the fault.

| number | fault |
|---|---|
| 0 | none: the weights are right |
| 1 | the scale is left out |
| 2 | the scores are divided by $d_k$: the root is missing |
| 3 | softmax first, then the scale: the *weights* are divided by $\sqrt{d_k}$ |

| argument | shape | |
|---|---|---|
| `weights` | (n_q, n_k) | made from `query` and `key`, perhaps with a fault; rounded to float32 |
| `query` | (n_q, d_k) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| *returns* | a whole number | 0, 1, 2 or 3 |

The components of `query` need not have variance 1: some queries are short, some
are long.
"""


# %% exercise="diagnose_scale"
def diagnose_scale(weights, query, key):
    ### BEGIN SOLUTION
    scores, d_k = query @ key.T, query.shape[-1]
    versions = [
        softmax(scores * d_k**-0.5),
        softmax(scores),
        softmax(scores / d_k),
        softmax(scores) * d_k**-0.5,
    ]
    gaps = [np.abs(weights - version).max() for version in versions]
    return np.argmin(gaps)
    ### END SOLUTION


# %% check="diagnose_scale"
check("diagnose_scale", diagnose_scale)

# %% [markdown] solution="diagnose_scale"
r"""
How sharp the weights are does not tell: a long query makes them sharp with the
right scale too. But query and key are known, so make what each version would have
made, and see which one it is. `np.argmin` returns the position of the smallest gap,
and the versions stand in the order of the table.

Another way reads the scale off the weights. In one row, the logarithms of two
weights differ by the scale times the difference of their scores, whatever the row
was divided by: compute the scale from that, and compare it with $1/\sqrt{d_k}$, 1
and $1/d_k$. Fault 3 has the scale 1 as well, but its rows do not sum to 1.
"""

# %% [markdown]
r"""
That was lesson 5, and the first part. Your points are on [the start
page](../start.md); on the command line, `python3 course.py grade` shows them too.
"""
