# %% [markdown]
r"""
# Exercises: write with a published language model

Four functions, twelve points, and none of them needs the published model: the checks draw
small random ones of its shape. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/17_language_model.ipynb). A worked
solution of each exercise stands in [the solutions](../solutions/17_language_model.ipynb);
they help most after you have tried.
"""

# %%
import numpy as np

from course_utils import (
    log_softmax,
    rotary_embedding,
    softmax,
)
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="think_gated"
r"""
## 1. Norm and gate

Write the second half of a block: each token thinks by itself, and what it thinks is added to
the stream. It reads a copy under RMS norm, and thinks in a SwiGLU step.

$$\text{norm}(x)_i = \text{gain}_i \frac{x_i}{\sqrt{\text{mean}(x^2) + 10^{-5}}}, \qquad
\text{hidden} = \frac{g}{1 + e^{-g}} \cdot u$$

with $g$ the normed vector times `w_gate` and $u$ the normed vector times `w_up`.

| argument | shape | |
|---|---|---|
| `x` | (..., n, d) | the stream |
| `gain` | (d,) | of the norm |
| `w_gate`, `w_up` | (d, d_hidden) | |
| `w_down` | (d_hidden, d) | back to the stream |
| *returns* | (..., n, d) | the stream after the step |
"""


# %% exercise="think_gated"
def think_gated(x, gain, w_gate, w_up, w_down):
    ### BEGIN SOLUTION
    square = np.mean(x * x, axis=-1, keepdims=True)
    normed = gain * x / np.sqrt(square + 1e-5)
    gate = normed @ w_gate
    hidden = gate / (1 + np.exp(-gate)) * (normed @ w_up)
    return x + hidden @ w_down
    ### END SOLUTION


# %% check="think_gated"
check("think_gated", think_gated)

# %% [markdown] solution="think_gated"
r"""
The norm divides by a size alone: no mean is taken away. The gate opens by its own size,
$g \cdot \sigma(g)$, and multiplies the *other* product. What is added to is `x`, not the normed copy:
the residual stream of lesson 12.
"""

# %% [markdown] about="one_step"
r"""
## 2. One token with a cache

A model writes. Keys and values of the tokens so far are in the cache (the keys turned, each by
its place), and one new token comes. Return what attention gives for it, before `w_out`.

1. Project `x` to queries, keys and values, and cut them into heads: head i gets columns
   i·d_head to (i + 1)·d_head.
2. Turn the new query and the new key by the token's place with `rotary_embedding(vectors,
   places, base)`. The first token of the text stands at place 0.
3. Append the new key and value. Head i of the queries shares the keys of head i // (h / h_kv).
4. Attend, with scores divided by the root of d_head, and merge the heads again.

| argument | shape | |
|---|---|---|
| `x` | (d,) | the new token's vector |
| `w_query` | (d, h·d_head) | |
| `w_key`, `w_value` | (d, h_kv·d_head) | |
| `kept_key`, `kept_value` | (h_kv, n, d_head) | of the tokens so far; n may be 0 |
| `base` | | of the rotation |
| *returns* | (h·d_head,) | the heads' outputs, side by side |

d_head and h_kv are seen in the cache, and h is what then fits.
"""


# %% exercise="one_step"
def one_step(x, w_query, w_key, w_value, kept_key, kept_value, base):
    ### BEGIN SOLUTION
    h_kv, n, d_head = kept_key.shape
    query = (x @ w_query).reshape(-1, 1, d_head)  # (h, 1, d_head)
    key = (x @ w_key).reshape(h_kv, 1, d_head)
    value = (x @ w_value).reshape(h_kv, 1, d_head)
    place = np.array([n])
    query = rotary_embedding(query, place, float(base))
    key = rotary_embedding(key, place, float(base))
    keys = np.concatenate([kept_key, key], axis=1)
    values = np.concatenate([kept_value, value], axis=1)
    shared = len(query) // h_kv
    keys = np.repeat(keys, shared, axis=0)  # (h, n + 1, d_head)
    values = np.repeat(values, shared, axis=0)
    weights = softmax(query @ keys.mT / d_head**0.5)
    return (weights @ values).ravel()
    ### END SOLUTION


# %% check="one_step"
check("one_step", one_step)

# %% [markdown] solution="one_step"
r"""
The new token stands at place n, because n tokens came before. It sees itself, so its own key and
value are appended first. `np.repeat` puts equal heads side by side, as they are shared;
`np.tile` would deal them out in turn. One query sees all that is there, so no mask is needed.
Another way goes through the heads one by one and takes keys i // shared.
"""

# %% [markdown] about="top_p"
r"""
## 3. Top-p

Top-k keeps as many tokens where one is sure as where many will do. **Top-p** (Holtzman et al.,
2020) keeps the fewest likeliest tokens whose probabilities together reach `p`, and gives the
rest nothing. The temperature comes first: it makes the probabilities that are added up.

| argument | shape | |
|---|---|---|
| `logits` | (vocabulary,) | scores before the softmax |
| `p` | | from above 0 to 1 |
| `temperature` | | above 0 |
| *returns* | (vocabulary,) | the probabilities from which is drawn; they sum to 1 |

The likeliest token always stays. No two logits are equal here. Logits may be as large as 1,000.
"""


# %% exercise="top_p"
def top_p(logits, p, temperature):
    ### BEGIN SOLUTION
    probabilities = softmax(logits / temperature)
    order = np.argsort(-probabilities, kind="stable")
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = np.zeros_like(probabilities)
    chosen = order[before < p]
    kept[chosen] = probabilities[chosen]
    return kept / kept.sum()
    ### END SOLUTION


# %% check="top_p"
check("top_p", top_p)

# %% [markdown] solution="top_p"
r"""
A token stays if what is *before* it, in the order of probability, has not reached p yet. So the
one that crosses the line stays too, and the first always does. Then what is left is divided by
its sum. Who draws from the logits as they are draws from numbers that are no
probabilities at all.
"""

# %% [markdown] about="backups"
r"""
## 4. Who backs whom up?

In the lesson, switching one head off hardly touched Captain Vexolin. That does not show that
the head does nothing: another may step in. Two heads **back each other up** if losing
both costs more than the two losses one by one add up to.

Here is the end of a small model, with one block of h heads. `heads[i]` is what head i gives for
each of n texts; merged in the order of heads, times `w_out`, it is added to `stream`. Then come RMS
norm (without a gain, $\varepsilon = 10^{-5}$) and `w_read`, which gives logits. The **loss** is
the mean over the texts of $-\ln p$ of the right token. A head is switched off by setting its
output to 0.

| argument | shape | |
|---|---|---|
| `heads` | (h, n, d_head) | the output of each head |
| `w_out` | (h·d_head, d) | |
| `stream` | (n, d) | what was there before this attention |
| `w_read` | (d, vocabulary) | |
| `right` | (n,) | the right token of each text, an integer |
| *returns* | (h, h) | for heads i ≠ j: what is lost with both off, less what is lost with i off and less what is lost with j off; 0 for i = j |

What is lost is a loss less the loss with all heads on.
"""


# %% exercise="backups"
def backups(heads, w_out, stream, w_read, right):
    ### BEGIN SOLUTION
    h, n, d_head = heads.shape

    def loss(*off):
        kept = heads.copy()
        kept[list(off)] = 0
        merged = kept.swapaxes(0, 1).reshape(n, h * d_head)
        x = stream + merged @ w_out
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
        p = log_softmax(x @ w_read)
        return -p[np.arange(n), right].mean()

    all_on = loss()
    alone = [loss(i) - all_on for i in range(h)]
    more = np.zeros((h, h))
    for i in range(h):
        for j in range(h):
            if i != j:
                more[i, j] = loss(i, j) - all_on - alone[i] - alone[j]
    return more
    ### END SOLUTION


# %% check="backups"
check("backups", backups)

# %% [markdown] solution="backups"
r"""
Logits are nearly sums over heads, and a sum has no backups. The probability has: if head i
alone makes the right token certain, head j adds nothing to it, until i is gone. So compare
losses, and compare pairs. A positive number is a backup; a negative one says that the two do
parts of *one* job, which is gone with either, as a previous-token head and an
induction head.

That an ablation finds nothing is weak evidence. That it finds something is not the whole truth
either: a model with a head missing is one that never was trained.
"""

# %% [markdown]
r"""
That was lesson 17, and the course. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too. Thank you for building it.
"""
