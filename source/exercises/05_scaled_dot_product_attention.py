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

# %% [markdown] about="scale_for_weight"
r"""
## 4. How large must the scale be?

Somebody brings all queries and keys to length 1, so that every score is a cosine times the
scale, and claims: "With this scale the best of `n_k` keys can reach `weight`." Return the
smallest scale at which that is true, in the very best case for that key.

| argument | | |
|---|---|---|
| `n_k` | a whole number ≥ 2 | how many keys there are |
| `weight` | a number below 1 | what the best key should get; more than an equal share |
| *returns* | a number > 0 | the scale |

For 1000 keys and a weight of 0.749, the answer is very nearly 4: see the table in the lesson.
"""


# %% exercise="scale_for_weight"
def scale_for_weight(n_k, weight):
    ### BEGIN SOLUTION
    return np.log((n_k - 1) * weight / (1 - weight)) / 2
    ### END SOLUTION


# %% check="scale_for_weight"
check("scale_for_weight", scale_for_weight)

# %% [markdown] solution="scale_for_weight"
r"""
The best case: the key equals the query, with a cosine of 1, and all others are opposite, with
−1. The weight of the best is $e^{s}$ and that of all others together $(n_k - 1)\, e^{-s}$, up to the
same factor. Their ratio has to be $\text{weight} : (1 - \text{weight})$, so
$e^{2s} = (n_k - 1)\, \text{weight} / (1 - \text{weight})$, and the logarithm gives $2s$.

No key can do better than in the best case, so below this scale the claim is false for *any*
queries and keys. Note how slowly the scale grows with the number of keys: ten times as many
need about 1.15 more.

Another way searches: compute `softmax(scale * cosines)[0]` for such cosines, and halve an
interval of scales until it is small.
"""

# %% [markdown]
r"""
That was lesson 5, and the first part. Your points are on [the start
page](../start.md); on the command line, `python3 course.py grade` shows them too.
"""
