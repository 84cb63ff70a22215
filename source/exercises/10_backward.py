# %% [markdown]
r"""
# Exercises: send gradients back

Four functions, twelve points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/10_backward.ipynb). As there,
`d_x` is the gradient of the loss with respect to `x`, and has the shape of `x`. A worked
solution of each exercise stands in [the solutions](../solutions/10_backward.ipynb);
they help most after you have tried.
"""

# %%
import numpy as np

from course_utils import scaled_dot_product_attention
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="value_gradient"
r"""
## 1. Send it back to the values

The output was `weights @ value`. Given the gradient of the output, return that of
the values.

| argument | shape | |
|---|---|---|
| `weights` | (..., n_q, n_k) | what each query gave each key |
| `d_output` | (..., n_q, d_v) | the gradient of the output |
| *returns* | (..., n_k, d_v) | the gradient of the values |

The dots stand for any number of further axes; each place along them has values of its
own. A row of weights may be 0 throughout: a query that may see nothing.
"""


# %% exercise="value_gradient"
def value_gradient(weights, d_output):
    ### BEGIN SOLUTION
    return np.swapaxes(weights, -1, -2) @ d_output
    ### END SOLUTION


# %% check="value_gradient"
check("value_gradient", value_gradient)

# %% [markdown] solution="value_gradient"
r"""
On the way there, output $i$ took $w_{ij}$ of value $j$. On the way back, value $j$ takes
$w_{ij}$ of the gradient of output $i$, and adds up over all $i$. The sum over the
queries is the product with the transposed weights.

Another way says just that: add up `np.outer(weights[i], d_output[i])` over the queries.
"""

# %% [markdown] about="softmax_gradient"
r"""
## 2. Send it back through the softmax

`weights` are the softmax of some scores, along the last axis. Given the weights and
their gradient, return the gradient of the scores. You do not need the scores
themselves.

| argument | shape | |
|---|---|---|
| `weights` | (..., n_q, n_k) | each row sums to 1; a masked row is 0 throughout |
| `d_weights` | (..., n_q, n_k) | the gradient of the weights |
| *returns* | (..., n_q, n_k) | the gradient of the scores |

Weights may be 0 or 1, so do not divide by them, and take no logarithm.
"""


# %% exercise="softmax_gradient"
def softmax_gradient(weights, d_weights):
    ### BEGIN SOLUTION
    mean = (weights * d_weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - mean)
    ### END SOLUTION


# %% check="softmax_gradient"
check("softmax_gradient", softmax_gradient)

# %% [markdown] solution="softmax_gradient"
r"""
A score is pulled by how much better its weight is for the loss than the blend as it
stands: $d_{w}$ minus the mean of the row, by weight. And it is pulled in proportion to
its weight. Where the row is 0 throughout, so is its gradient.

Another way writes out the Jacobian of each row, `np.diag(w) - np.outer(w, w)`, and
multiplies it by the row of `d_weights`. That needs n_k² numbers a row where n_k will do.
"""

# %% [markdown] about="query_key_gradients"
r"""
## 3. Send it back to the queries and keys

A sentence of n tokens asks itself. Its scores were `query @ key.T` divided by the root
of d_k. Given the gradient of the scores, return those of the queries and of the keys,
one behind the other in one array.

| argument | shape | |
|---|---|---|
| `query` | (n, d_k) | |
| `key` | (n, d_k) | |
| `d_scores` | (n, n) | row i belongs to query i, column j to key j |
| *returns* | (2, n, d_k) | first the gradient of `query`, then that of `key` |

Queries and keys have one shape, and the scores are square. So no shape will tell you
that something is turned or taken from the wrong place: think of one score and the two
vectors that made it.
"""


# %% exercise="query_key_gradients"
def query_key_gradients(query, key, d_scores):
    ### BEGIN SOLUTION
    scale = query.shape[-1] ** -0.5
    d_query = d_scores @ key * scale
    d_key = d_scores.T @ query * scale
    return np.stack([d_query, d_key])
    ### END SOLUTION


# %% check="query_key_gradients"
check("query_key_gradients", query_key_gradients)

# %% [markdown] solution="query_key_gradients"
r"""
$s_{ij} = q_i \cdot k_j / \sqrt{d_k}$. If $q_i$ moves, row $i$ of the scores moves, by the
keys; if $k_j$ moves, column $j$ does, by the queries. So `d_query` sums over columns,
`d_key` over rows, which the transpose brings into place.

Another way is a loop over all pairs that adds `d_scores[i, j] * key[j]` to row i of the
one and `d_scores[i, j] * query[i]` to row j of the other.
"""

# %% [markdown] about="check_gradients"
r"""
## 4. Check gradients that somebody else computed

Somebody sends you the gradients of an attention. The output was right, and most models
trained with them do learn. But some of these gradients are wrong: a line of the way
back is, or one single number, by 0.002. Find out by *measuring*. Return for each of the
three gradients the largest difference, without its sign, between one of its numbers and
the measured slope.

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_k) | |
| `key` | (n_k, d_k) | |
| `value` | (n_k, d_v) | |
| `d_output` | (n_q, d_v) | the gradient of the output |
| `d_query`, `d_key`, `d_value` | as the three above | what somebody says their gradients are |
| *returns* | (3,) | the largest error of `d_query`, of `d_key`, of `d_value` |

The slope of a number is how fast $f$ = the sum of `d_output` times the output changes
with it, where the output is `scaled_dot_product_attention(query, key, value)`. Your
result must be within 1e-7 of the right one. Some inputs come as `float32`.
"""


# %% exercise="check_gradients"
def check_gradients(
    query, key, value, d_output, d_query, d_key, d_value
):
    ### BEGIN SOLUTION
    inputs = [x.astype(float) for x in (query, key, value)]

    def moved(which, place, change):
        nudged = [x.copy() for x in inputs]
        nudged[which][place] += change
        return (d_output * scaled_dot_product_attention(*nudged)).sum()

    errors = np.zeros(3)
    for which, gradient in enumerate((d_query, d_key, d_value)):
        for place in np.ndindex(gradient.shape):
            rise = moved(which, place, 1e-5) - moved(
                which, place, -1e-5
            )
            error = abs(gradient[place] - rise / 2e-5)
            errors[which] = max(errors[which], error)
    return errors
    ### END SOLUTION


# %% check="check_gradients"
check("check_gradients", check_gradients)

# %% [markdown] solution="check_gradients"
r"""
The check knows nothing of the formulas. It knows only the way there, and that is why it
can be trusted: an error in the way back cannot hide in it. It takes the *largest*
error, since one wrong number among hundreds would vanish in a mean. It measures in
float64, since f in float32 has seven digits, and the difference of two neighbours
none that count.

Another way computes the right gradients with exercises 1 to 3, and compares. That is as
right as your formulas are; and if you had misread one of them, you would have misread
it twice.
"""

# %% [markdown]
r"""
That was lesson 10. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
