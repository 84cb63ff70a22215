# %% [markdown]
r"""
# Exercises: search by meaning with a published encoder

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/16_encoder.ipynb). You do not need the
published model: the checks draw small ones of their own. A worked
solution of each exercise stands in [the solutions](../solutions/16_encoder.ipynb);
they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="exact_gelu"
r"""
## 1. GELU, exactly

Return $\tfrac12\, x\,(1 + \operatorname{erf}(x / \sqrt 2))$. NumPy has no erf. For $z \ge 0$,
with $t = 1 / (1 + 0.3275911\, z)$,

$$\operatorname{erf}(z) \approx 1 - (a_1 t + a_2 t^2 + a_3 t^3 + a_4 t^4 + a_5 t^5)\, e^{-z^2},$$

$a$ = 0.254829592, −0.284496736, 1.421413741, −1.453152027, 1.061405429; it is wrong by 0.00000015
at most. And $\operatorname{erf}(-z) = -\operatorname{erf}(z)$.

| argument | shape | |
|---|---|---|
| `x` | any | numbers of both signs, 0 among them |
| *returns* | as `x` | |
"""


# %% exercise="exact_gelu"
def exact_gelu(x):
    ### BEGIN SOLUTION
    a = (
        0.254829592,
        -0.284496736,
        1.421413741,
        -1.453152027,
        1.061405429,
    )
    z = np.abs(x) / 2**0.5
    t = 1 / (1 + 0.3275911 * z)
    terms = sum(c * t ** (i + 1) for i, c in enumerate(a))
    erf = np.sign(x) * (1 - terms * np.exp(-z * z))
    return 0.5 * x * (1 + erf)
    ### END SOLUTION


# %% check="exact_gelu"
check("exact_gelu", exact_gelu)

# %% [markdown] solution="exact_gelu"
r"""
The terms get $|z|$, and the sign is put back afterwards: erf is odd. At 0 the sign is 0, and so
is erf.

Another way calls `math.erf` for each number, which is exact to the last digit and slower.
"""

# %% [markdown] about="mean_pool"
r"""
## 2. Average what is real

A batch of texts, filled up behind with padding. Return the mean of the real vectors of each
text. The padding may hold any numbers.

| argument | shape | |
|---|---|---|
| `x` | (batch, n, d) | a vector for each token |
| `lengths` | (batch,) | how many tokens of each text are real, at least 1 |
| *returns* | (batch, d) | |
"""


# %% exercise="mean_pool"
def mean_pool(x, lengths):
    ### BEGIN SOLUTION
    real = np.arange(x.shape[1]) < lengths[:, None]  # (batch, n)
    sums = (x * real[:, :, None]).sum(axis=1)
    return sums / lengths[:, None]
    ### END SOLUTION


# %% check="mean_pool"
check("mean_pool", mean_pool)

# %% [markdown] solution="mean_pool"
r"""
The mask is needed twice: for the sum, and for the number that it is divided by. Before a
cosine the second would not matter, since a vector is cut to length 1 anyway; the mask in the
sum always does.

Another way is a loop: `x[i, : lengths[i]].mean(axis=0)` for each text.
"""

# %% [markdown] about="nearest_texts"
r"""
## 3. Search

For each question, return the numbers of the `most` texts with the largest cosine, the
nearest first. The vectors are *not* of length 1.

| argument | shape | |
|---|---|---|
| `index` | (n, d) | a vector for each text |
| `asked` | (m, d) | a vector for each question |
| `most` | | how many texts are wanted, at most n |
| *returns* | (m, most) | numbers of texts, from 0 to n − 1 |

No two texts are equally near to a question.
"""


# %% exercise="nearest_texts"
def nearest_texts(index, asked, most):
    ### BEGIN SOLUTION
    lengths = np.linalg.norm(index, axis=1)  # (n,)
    nearness = asked @ index.T / lengths  # (m, n)
    return np.argsort(-nearness, axis=1)[:, :most]
    ### END SOLUTION


# %% check="nearest_texts"
check("nearest_texts", nearest_texts)

# %% [markdown] solution="nearest_texts"
r"""
The length of a question divides all its cosines by the same number and changes no order, so
it may stay. That of a text must go: else a long text is near to everything.

Another way brings all vectors to length 1 first. Then the nearest tip has the nearest
direction too, and distances would do.
"""

# %% [markdown] about="looks_healthy"
r"""
## 4. Which wrong model looks healthy?

Several people have written the same encoder. You have what each makes of the same texts, and
what the right one makes of them. All vectors have length 1. A model is **wrong** if some
number differs from the right one by more than 0.00001; smaller gaps are rounding. It looks
**healthy** as far as texts keep their nearest *other* text, that of the largest cosine.

Return the number of the wrong model that looks healthiest, and −1 if none is wrong. No
two wrong models look equally healthy at the top.

| argument | shape | |
|---|---|---|
| `right` | (texts, d) | the right vectors |
| `versions` | (models, texts, d) | those of each model |
| *returns* | an integer | from −1 to models − 1 |
"""


# %% exercise="looks_healthy"
def looks_healthy(right, versions):
    ### BEGIN SOLUTION
    def nearest(x):
        cosines = x @ x.T
        np.fill_diagonal(cosines, -np.inf)
        return cosines.argmax(axis=1)

    healthiest, most = -1, -1
    for number, x in enumerate(versions):
        kept = (nearest(x) == nearest(right)).sum()
        if np.abs(x - right).max() > 1e-5 and kept > most:
            healthiest, most = number, kept
    return healthiest
    ### END SOLUTION


# %% check="looks_healthy"
check("looks_healthy", looks_healthy)

# %% [markdown] solution="looks_healthy"
r"""
Two measures that must not be mixed up. The gap compares numbers, and finds every fault. The
neighbours compare what the numbers are used for, and a fault can leave them as they are: all
texts went through it, and moved together. So the answer is often a model that is off by
0.1 or more. Without the diagonal set aside, each text is its own nearest, and every model
looks perfect.

Another way stacks all models and takes the cosines of all with one `einsum`.
"""

# %% [markdown]
r"""
That was lesson 16. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
