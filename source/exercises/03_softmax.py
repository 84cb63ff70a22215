# %% [markdown]
r"""
# Exercises: turn scores into weights

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/03_softmax.ipynb), and NumPy
is all you may import. You will find a worked solution of each exercise in
[the solutions](../solutions/03_softmax.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="stable_softmax"
r"""
## 1. Survive large scores

Return the softmax of each row of `x`, at temperature 1. Scores may be as large
as 2000 or as low as −1000, and one row may lie far above another. They may be whole
numbers.

| argument | shape | |
|---|---|---|
| `x` | (..., n_k) | scores: one row, or several with any axes before the last |
| *returns* | (..., n_k) | weights that sum to 1 over the last axis |
"""


# %% exercise="stable_softmax"
def stable_softmax(x):
    ### BEGIN SOLUTION
    below = x - x.max(axis=-1, keepdims=True)
    weight = np.exp(below)
    return weight / weight.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %% check="stable_softmax"
check("stable_softmax", stable_softmax)

# %% [markdown] solution="stable_softmax"
r"""
Only differences count, so each row may be shifted by a number of its own, and its
maximum is the right one. Then the largest exponent is 0: no exponential
overflows, and the sum is at least 1, so nothing is divided by 0. Scores far below
the maximum become 0, which is what they are to sixteen digits.

Another way needs no shift at all. Divide above and below by $e^{x_i}$: the weight
is $1 / \sum_j e^{x_j - x_i}$, one line with a new axis:
`1 / np.exp(x[..., None, :] - x[..., :, None]).sum(axis=-1)`. Here a large
difference does overflow, to `inf`, and $1/\infty$ is the 0 that it should be.
But it takes $n_k^2$ exponentials in place of $n_k$.
"""

# %% [markdown] about="softmax"
r"""
## 2. Any axis, any temperature

The full function: softmax of `x / temperature`, with weights that sum to 1 along
`axis`. Scores may be as large as in exercise 1, and whole numbers too.

| argument | shape | |
|---|---|---|
| `x` | any | scores, two or three axes |
| `axis` | an integer | the axis along which the weights sum to 1; negative counts from the end |
| `temperature` | a number > 0 | the higher, the flatter |
| *returns* | that of `x` | the weights |
"""


# %% exercise="softmax"
def softmax(x, axis=-1, temperature=1.0):
    ### BEGIN SOLUTION
    below = x - x.max(axis=axis, keepdims=True)
    weight = np.exp(below / temperature)
    return weight / weight.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% check="softmax"
check("softmax", softmax)

# %% [markdown] solution="softmax"
r"""
The maximum and the sum go along the same axis: together they say who shares with
whom. Along any other axis the maximum would shift each term of one sum by a
different number, and that is no longer the same softmax. The temperature divides
the scores. Dividing the weights by it would only undo their sum of 1.

Another way moves the axis to the end and back, and leaves the work to exercise 1:
`np.moveaxis(stable_softmax(np.moveaxis(x, axis, -1) / temperature), -1, axis)`.
"""

# %% [markdown] about="effective_keys"
r"""
## 3. Count the keys that have a say

Return $e^H$ for each row of weights, where $H$ is the entropy of the row in
natural logarithms. Some weights are exactly 0, and count for nothing. Others are very
small, and count.

| argument | shape | |
|---|---|---|
| `weights` | (..., n_k) | each row sums to 1 |
| *returns* | (...) | keys in effect, one number for each row, from 1 to n_k |

For one row of shape (n_k,), that is a single number.
"""


# %% exercise="effective_keys"
def effective_keys(weights):
    ### BEGIN SOLUTION
    safe = np.where(weights > 0, weights, 1.0)
    return np.exp(-(weights * np.log(safe)).sum(axis=-1))
    ### END SOLUTION


# %% check="effective_keys"
check("effective_keys", effective_keys)

# %% [markdown] solution="effective_keys"
r"""
`np.log(0)` is `-inf`, and 0 times that is `nan`, so the zeros have to be taken out
*before* the logarithm. A 1 in their place does no harm: its logarithm is 0. The
sum over the last axis makes that axis vanish.

Another way writes $e^H$ as a product, $\prod_i w_i^{-w_i}$. In NumPy $0^0$ is 1,
so a weight of 0 takes care of itself: `np.prod(weights**-weights, axis=-1)`.
"""

# %% [markdown] about="temperature_of"
r"""
## 4. How hot was it written?

Somebody lets a language model write, and will not tell you the temperature. You have the logits
of the tokens that could come next, and the chances with which they were drawn. Return the
temperature.

| argument | shape | |
|---|---|---|
| `chances` | (n,) | softmax of `logits / temperature`; a very low one may be exactly 0 |
| `logits` | (n,) | one for each token; some may be equal, but never all |
| *returns* | a number > 0 | the temperature |

At least two chances are above 0 and differ. You could try temperatures one after the other. But
one line of algebra is enough.
"""


# %% exercise="temperature_of"
def temperature_of(chances, logits):
    ### BEGIN SOLUTION
    possible = chances > 0
    of_logits = np.ptp(logits[possible])  # largest less smallest
    return of_logits / np.ptp(np.log(chances[possible]))
    ### END SOLUTION


# %% check="temperature_of"
check("temperature_of", temperature_of)

# %% [markdown] solution="temperature_of"
r"""
The ratio of two chances is $e^{(x_i - x_j)/T}$: the sum that both were divided by cancels, and
so does any shift of the logits. So $T = (x_i - x_j) / \ln(w_i / w_j)$, for any two tokens for
which this can be computed. A chance of 0 has no logarithm; equal logits give 0 / 0. The
likeliest and the least likely that is possible are far apart, and far apart is safest:
`np.ptp` is the largest less the smallest.

Another way lays a line through all points: $\ln w_i$ against $x_i$ is straight, with the slope
$1/T$. `1 / np.polyfit(logits[possible], np.log(chances[possible]), 1)[0]`.
"""

# %% [markdown]
r"""
That was lesson 3. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
