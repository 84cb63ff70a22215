# %% [markdown]
r"""
# Exercises: stack a transformer

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/12_transformer.ipynb). You may
use the functions of earlier lessons that are imported below, and at every place your
own. A worked solution of each exercise stands in [the
solutions](../solutions/12_transformer.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils import log_softmax, multi_head_attention, softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="layer_norm"
r"""
## 1. Bring each vector back to scale

Give each vector mean 0 and variance 1, then multiply each component by its gain and add
its shift. Use $\varepsilon = 10^{-5}$, added to the variance.

| argument | shape | |
|---|---|---|
| `x` | (..., n, d) | one token per row |
| `gain` | (d,) | what each component is multiplied by |
| `shift` | (d,) | what is then added to it |
| *returns* | (..., n, d) | |

A token may have all its components equal: then the result is the shift.
"""


# %% exercise="layer_norm"
def layer_norm(x, gain, shift):
    ### BEGIN SOLUTION
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    normed = (x - mean) / np.sqrt(variance + 1e-5)
    return gain * normed + shift
    ### END SOLUTION


# %% check="layer_norm"
check("layer_norm", layer_norm)

# %% [markdown] solution="layer_norm"
r"""
The components of one token stand along the last axis, so both means run there, and
`keepdims` keeps that axis with length 1 for the subtraction to spread along. Along the
tokens every shape would be right as well, but each token would learn something of those
that come later.

`np.var` divides by d. Another way spells it out: `centred = x - mean`, then
`(centred * centred).mean(axis=-1, keepdims=True)`.
"""

# %% [markdown] about="block"
r"""
## 2. Build a block

Let tokens look back at each other, then let each think: two steps, each of which reads a
normed copy of the stream and adds what it makes to it. The norms have gain 1 and shift
0. The attention is causal, and may have scores that run to thousands.

| argument | shape | |
|---|---|---|
| `x` | (..., n, d) | the stream that comes in |
| `w_query`, `w_key`, `w_value`, `w_out` | (d, d) | of the attention; no biases |
| `w_up` | (d, h) | of the feed-forward step, with relu |
| `b_up` | (h,) | |
| `w_down` | (h, d) | |
| `b_down` | (d,) | |
| `num_heads` | a whole number | it divides d |
| *returns* | (..., n, d) | the stream that goes out |

`multi_head_attention(query, key, value, w_query, w_key, w_value, w_out,
num_heads=…, is_causal=True)` is yours from lesson 9, with a mask.
"""


# %% exercise="block"
def block(
    x,
    w_query,
    w_key,
    w_value,
    w_out,
    w_up,
    b_up,
    w_down,
    b_down,
    num_heads,
):
    ### BEGIN SOLUTION
    normed = layer_norm(x, 1, 0)
    x = x + multi_head_attention(
        normed,
        normed,
        normed,
        w_query,
        w_key,
        w_value,
        w_out,
        num_heads=num_heads,
        is_causal=True,
    )
    normed = layer_norm(x, 1, 0)
    hidden = np.maximum(normed @ w_up + b_up, 0)
    return x + hidden @ w_down + b_down
    ### END SOLUTION


# %% check="block"
check("block", block)

# %% [markdown] solution="block"
r"""
Both steps are `x = x + step(layer_norm(x))`. The second reads what the first has added
to, so the norm is taken anew. `x = x + …` makes a new array: `x += …` would change the
array of whoever called.

Another way writes the attention by heads: each head adds `weights @ value @
w_out[rows of the head]` to the stream, which is the same sum.
"""

# %% [markdown] about="top_k"
r"""
## 3. Cut to the likeliest

Return the probabilities from which the next token is drawn: only the `k` largest logits
of a row may stay, the others get 0. All that tie with the last of them stay too. If
there are no more than `k`, all stay. Logits may run to thousands.

| argument | shape | |
|---|---|---|
| `logits` | (..., vocabulary) | scores before the softmax |
| `k` | a whole number | at least 1 |
| `temperature` | a number above 0 | |
| *returns* | (..., vocabulary) | each row sums to 1 |
"""


# %% exercise="top_k"
def top_k(logits, k, temperature):
    ### BEGIN SOLUTION
    k = min(k, logits.shape[-1])
    last = np.sort(logits, axis=-1)[..., -k, None]
    kept = np.where(logits < last, -np.inf, logits)
    return softmax(kept / temperature)
    ### END SOLUTION


# %% check="top_k"
check("top_k", top_k)

# %% [markdown] solution="top_k"
r"""
What is cut gets a logit of −∞, as a mask does (lesson 6), so that the softmax shares
everything among the rest. Cutting after the softmax is right too, if the row is then
divided by its sum. The temperature is above 0 and changes no order, so it does
not matter whether the cut comes before or after it.
"""

# %% [markdown] about="count_leak"
r"""
## 4. Count the bits of a leak

A colleague's model of `num_blocks` blocks (each with its residual connections) read
windows of n tokens. At place i it predicted `targets[:, i]`, which is the input of
place i + 1; the last target lies behind the window. The mask of *every* block was
`may_see`: row i has True where place i may look. Perhaps it is causal. Perhaps it lets
some places see what they have to predict, **directly or by way of other places**.

Return two numbers: the mean bits a token over all places, as your colleague reported
them; and the mean over the honest places alone, those that cannot have learnt their
target from the inputs.

| argument | shape | |
|---|---|---|
| `logits` | (windows, n, vocabulary) | what the model said; they may run to hundreds |
| `targets` | (windows, n) | what came, whole numbers from 0 |
| `may_see` | (n, n) | True where the row's place may look |
| `num_blocks` | a whole number | how many times places look |
| *returns* | (2,) | bits reported, and honest bits |

In the lesson a model without a mask reports 0.23 bits, and honestly has 3.61.
"""


# %% exercise="count_leak"
def count_leak(logits, targets, may_see, num_blocks):
    ### BEGIN SOLUTION
    n = len(may_see)
    step = may_see | np.eye(
        n, dtype=bool
    )  # the plus sign: a place keeps
    reach = np.eye(n, dtype=bool)
    for _ in range(num_blocks):
        reach = (
            reach @ step
        )  # (n, n): which inputs have reached a place
    honest = np.ones(n, dtype=bool)
    honest[:-1] = ~np.diagonal(reach, 1)  # is input i + 1 known at i?
    chosen = np.take_along_axis(
        log_softmax(logits), targets[..., None], axis=-1
    )
    bits = -chosen[..., 0] / np.log(2)  # (windows, n)
    return np.array([bits.mean(), bits[:, honest].mean()])
    ### END SOLUTION


# %% check="count_leak"
check("count_leak", count_leak)

# %% [markdown] solution="count_leak"
r"""
Two questions. *Who can know?* Through one block a place has what it sees, and what it
had. Each block more is one more step along the mask. A product of matrices of booleans
says whether some step leads from one to the other. The target of place i is input i + 1,
on the diagonal above the main one; the last place is always honest.

*How many bits?* `log_softmax` gives natural logarithms, and division by ln 2 makes them
bits. First the bits of each place, then the mean.

Another way follows sets: for each place, start with `{i}` and, `num_blocks` times, add
all that its members may see.
"""

# %% [markdown]
r"""
That was lesson 12, and the third part. Your points are on [the start
page](../start.md); on the command line, `python3 course.py grade` shows them too.
"""
