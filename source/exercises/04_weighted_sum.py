# %% [markdown]
r"""
# Exercises: mix values by weight

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/04_weighted_sum.ipynb). In
the third exercise you may call `gaussian_score` and `softmax`, which you built in
lessons 2 and 3. You will find a worked solution of each exercise in
[the solutions](../solutions/04_weighted_sum.ipynb); they help most after you
have tried.
"""

# %%
import numpy as np

from course_utils import gaussian_score, softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="attend"
r"""
## 1. Mix the values

Return each query's mix: the sum of all values, each times its weight.

| argument | shape | |
|---|---|---|
| `weights` | (n_q, n_k) | one row per query |
| `value` | (n_k, d_v) | one row per key; perhaps whole numbers |
| *returns* | (n_q, d_v) | one mix per query |

Most rows of `weights` sum to 1. A row of zeros gives a mix of zeros. Now and then a row sums to something else: take it as it is.
"""


# %% exercise="attend"
def attend(weights, value):
    ### BEGIN SOLUTION
    return weights @ value
    ### END SOLUTION


# %% check="attend"
check("attend", attend)

# %% [markdown] solution="attend"
r"""
A matrix product pairs the last axis of the first with the first axis of the second,
multiplies, and adds up. Here that is the axis of the keys: entry $(i, c)$ of the
result is $\sum_j \text{weights}_{ij} \, \text{value}_{jc}$, the loop of the lesson.
The sum of the weights is not touched, so a row of zeros gives zeros.

Another way keeps the product and the sum apart:
`(weights[:, :, None] * value).sum(axis=1)`. It writes down all n_q · n_k · d_v
products before it adds them up, which takes far more memory.
"""

# %% [markdown] about="outside_hull"
r"""
## 2. Prove that it cannot be a mix

In the lesson, the ruler $0.6 \cdot \text{air} + 0.8 \cdot \text{rain}$ proved that
20 °C with 7 mm is no mix of the log. Test several points with several rulers.
Return True for each point that *some* ruler proves to be outside: its reading lies
above the highest reading of all values, or below the lowest, on that ruler.

| argument | shape | |
|---|---|---|
| `point` | (n_p, d_v) | the points to test, one per row |
| `value` | (n_k, d_v) | the values that could be mixed, one per row |
| `ruler` | (n_r, d_v) | the rulers, one per row |
| *returns* | (n_p,), True or False | whether some ruler proves the point outside |

The reading of a row `v` on a ruler `r` is `v @ r`. A reading equal to the highest or
the lowest proves nothing. Nor does False prove the opposite: another ruler might do
it.
"""


# %% exercise="outside_hull"
def outside_hull(point, value, ruler):
    ### BEGIN SOLUTION
    of_points = point @ ruler.T  # (n_p, n_r)
    of_values = value @ ruler.T  # (n_k, n_r)
    above = of_points > of_values.max(axis=0)
    below = of_points < of_values.min(axis=0)
    return (above | below).any(axis=1)
    ### END SOLUTION


# %% check="outside_hull"
check("outside_hull", outside_hull)

# %% [markdown] solution="outside_hull"
r"""
The reading of a mix is the mix of the readings:
$\left(\sum_j w_j v_j\right) \cdot r = \sum_j w_j \, (v_j \cdot r)$. So on every ruler
a mix lies between the lowest and the highest reading of the values. Maximum and
minimum run over `axis=0`, the values, and leave one number for each ruler. `any`
runs over `axis=1`, the rulers, and leaves one answer for each point.

Another way asks how far each reading would have to move to be in range:
`np.any(of_points != np.clip(of_points, of_values.min(axis=0), of_values.max(axis=0)), axis=1)`.

A point that *every* ruler in the world leaves inside is a mix. That is a theorem on
convex sets; with a handful of rulers you have a proof in one direction only.
"""

# %% [markdown] about="leave_one_out"
r"""
## 3. Leave one out, all at once

Predict the value of each key from all the *other* keys by kernel regression,
without deleting and computing again (see the lesson's last part). The score of two keys is
$-\text{distance}^2 / (2 \cdot \text{bandwidth}^2)$, as `gaussian_score` computes it.

| argument | shape | |
|---|---|---|
| `key` | (n, d) | where something was measured, one place per row |
| `value` | (n, d_v) | what was measured there, one row per place |
| `bandwidth` | a number > 0 | the width of the kernel |
| *returns* | (n, d_v) | the prediction for each place, from all the others |

Some places lie far away from all others. They get a prediction as well, and no
`nan`. Two places may coincide: each is then the other's nearest. Values may be whole
numbers; predictions seldom are.
"""


# %% exercise="leave_one_out"
def leave_one_out(key, value, bandwidth):
    ### BEGIN SOLUTION
    scores = gaussian_score(key, key, bandwidth)  # (n, n)
    np.fill_diagonal(scores, -np.inf)
    return softmax(scores) @ value
    ### END SOLUTION


# %% check="leave_one_out"
check("leave_one_out", leave_one_out)

# %% [markdown] solution="leave_one_out"
r"""
All keys ask all keys, so the scores are a square, and the diagonal holds what each
place has to say about itself. A score of $-\infty$ becomes a weight of 0, and the
softmax shares out the whole among the others. It also subtracts the maximum of each
row first. That is what saves a remote place: all its exponentials would be 0, and 0
divided by 0 is `nan`.

Another way works with the kernel itself, moved so that the nearest other place gets 1:
`np.exp(scores - scores.max(axis=1, keepdims=True))` after the diagonal was filled, then
divides by the row sums. It is the softmax, written out. And the loop with `np.delete`
from the lesson gives the same numbers, and defines what all the others must return.
"""

# %% [markdown] about="diagnose_mix"
r"""
## 4. Diagnose the weights

Five people computed the weights for leaving one out, a square with a row for each
query. One of them is right. Return the number of what happened, from the weights
alone.

| number | what happened |
|---|---|
| 0 | nothing: the scores were hidden on the diagonal, then softmax over each row |
| 1 | the diagonal was not hidden: each place has a say about itself |
| 2 | softmax over each row first, and the diagonal set to 0 afterwards |
| 3 | hidden, but the softmax ran over the queries, so that each column is shared out |
| 4 | hidden, but one softmax ran over the whole square |

| argument | shape | |
|---|---|---|
| `weights` | (n, n) | the weights, one row per query |
| *returns* | a whole number | 0, 1, 2, 3 or 4 |

The weights are rounded, as all floats are: sums may be off by about 0.00001.
"""


# %% exercise="diagnose_mix"
def diagnose_mix(weights):
    ### BEGIN SOLUTION
    if np.allclose(weights.sum(axis=1), 1):
        return 1 if np.any(np.diag(weights) > 0) else 0
    if np.allclose(weights.sum(axis=0), 1):
        return 3
    if np.allclose(weights.sum(), 1):
        return 4
    return 2
    ### END SOLUTION


# %% check="diagnose_mix"
check("diagnose_mix", diagnose_mix)

# %% [markdown] solution="diagnose_mix"
r"""
Each fault leaves its trace in the sums:

| number | each row sums to | each column sums to | all sum to | diagonal |
|---|---|---|---|---|
| 0 | 1 | anything | n | 0 |
| 1 | 1 | anything | n | above 0 |
| 2 | below 1 | anything | below n | 0 |
| 3 | anything | 1 | n | 0 |
| 4 | below 1 | below 1 | 1 | 0 |

So begin with the rows, then look at the columns, then at the whole. The order
matters: 2 and 4 both have row sums below 1.

Another way computes the four sums first and lets `np.select` choose the first
condition that holds. Whatever the way, `np.allclose` and not `==`: a sum of floats that
should be 1 seldom is, to the last bit.
"""

# %% [markdown]
r"""
That was lesson 4. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
