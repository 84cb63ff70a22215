# %% [markdown]
r"""
# Exercises: make attention cheap

Four functions, twelve points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/14_efficiency.ipynb). A worked
solution of each exercise stands in [the solutions](../solutions/14_efficiency.ipynb);
they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="running_attention"
r"""
## 1. Keep the past in one matrix

Linear attention in a model that writes: each token sees itself and those before it. You
get the features $\varphi$ of queries and keys, all positive. The weight of key j for query i
is `asks[i] @ tells[j]`, over the sum of those that i sees.

| argument | shape | |
|---|---|---|
| `asks` | (n, d) | the features of the queries |
| `tells` | (n, d) | the features of the keys |
| `value` | (n, d_v) | |
| *returns* | (n, d_v) | the output of each token |

Try to make nothing of size n × n. The check cannot see whether you do.
"""


# %% exercise="running_attention"
def running_attention(asks, tells, value):
    ### BEGIN SOLUTION
    state, total, rows = 0.0, 0.0, []
    for ask, tell, v in zip(asks, tells, value, strict=True):
        state = state + np.outer(tell, v)
        total = total + tell
        rows.append(ask @ state / (ask @ total))
    return np.array(rows)
    ### END SOLUTION


# %% check="running_attention"
check("running_attention", running_attention)

# %% [markdown] solution="running_attention"
r"""
The state is the sum of `np.outer(tell, v)` over the tokens so far, d × d_v numbers however
many there are. Both sums must run, that of the values and that of the weights: with one of
them taken over all tokens, the future leaks in through the division.

Another way writes the weights out, `np.tril(asks @ tells.T)`, divides each row by its sum, and
multiplies by the values. It is the same function, at the price of n × n weights.
"""

# %% [markdown] about="merge_tiles"
r"""
## 2. Put tiles together

The keys were cut into tiles, and each tile was worked on by itself, perhaps on another
machine. Of tile t and query i you know

- `peaks[t, i]`, its largest score,
- `totals[t, i]`, the sum of $e^{s - \text{peak}}$ over the keys of this tile,
- `outputs[t, i]`, the sum of $e^{s - \text{peak}}$ times the value of each.

Return the output of attention over *all* keys.

| argument | shape | |
|---|---|---|
| `peaks` | (tiles, n_q) | −inf where the query may see no key of the tile |
| `totals` | (tiles, n_q) | 0 there |
| `outputs` | (tiles, n_q, d_v) | 0 there |
| *returns* | (n_q, d_v) | zeros for a query that may see nothing at all |

Tiles need not have the same number of keys. Peaks may lie thousands apart, from tile to tile
and from query to query.
"""


# %% exercise="merge_tiles"
def merge_tiles(peaks, totals, outputs):
    ### BEGIN SOLUTION
    largest = peaks.max(axis=0)
    largest = np.where(np.isfinite(largest), largest, 0)
    rescale = np.exp(peaks - largest)  # (tiles, n_q)
    total = (totals * rescale).sum(axis=0)
    output = (outputs * rescale[:, :, None]).sum(axis=0)
    return output / np.where(total == 0, 1, total)[:, None]
    ### END SOLUTION


# %% check="merge_tiles"
check("merge_tiles", merge_tiles)

# %% [markdown] solution="merge_tiles"
r"""
Each tile subtracted its own peak, and should have subtracted the largest of all. The
difference is one factor, $e^{\text{peak} - \text{largest}}$, for both of its sums; it is at most 1,
so nothing overflows. Then sums of tiles are sums over all keys.

Another way keeps one pair of sums and takes in tile after tile, as the lesson does. It does not
matter in which order.
"""

# %% [markdown] about="model_bill"
r"""
## 3. Write the bill of a model

A model writes its next token. n tokens are kept. It has `layers` layers; each has attention
with `num_heads` heads of queries that share `num_kv_heads` heads of keys and values, a matrix
each for queries, keys, values and the output, and an MLP of two matrices, from d_model to
d_mlp and back. A query sees the last `window` kept tokens at most, so no more are kept.

| argument | | |
|---|---|---|
| `n` | | how many tokens were written so far |
| `layers`, `d_model`, `num_heads`, `num_kv_heads`, `d_head`, `d_mlp` | | the sizes |
| `window` | | how many of the kept tokens are seen at most |
| *returns* | (4,) | numbers in the cache; then the operations for the *one* next token of the projections, of the MLP, and of attention itself (scores and blend) |

All are integers. A multiplication and an addition are two operations. Leave out the softmax,
biases and norms. To keep it simple, the new token itself is not among the keys that are
counted.
"""


# %% exercise="model_bill"
def model_bill(
    n, layers, d_model, num_heads, num_kv_heads, d_head, d_mlp, window
):
    ### BEGIN SOLUTION
    seen = min(n, window)
    cache = 2 * num_kv_heads * d_head * seen
    queries = 2 * d_model * num_heads * d_head
    keys = 2 * d_model * num_kv_heads * d_head
    projections = 2 * queries + 2 * keys  # output as queries
    mlp = 2 * (2 * d_model * d_mlp)
    attention = num_heads * (2 * seen * d_head + 2 * seen * d_head)
    return layers * np.array([cache, projections, mlp, attention])
    ### END SOLUTION


# %% check="model_bill"
check("model_bill", model_bill)

# %% [markdown] solution="model_bill"
r"""
Only keys and values are kept, for no later token asks for an old query. Heads that share
keys share the cache, and two of the four matrices; but every head of queries still
computes scores and a blend of its own. So grouped heads save bytes, and hardly an operation
of attention.

Another way writes down the list of matrices that the token meets, and adds up 2·a·b for
each matrix (a, b).
"""

# %% [markdown] about="extend"
r"""
## 4. Take several tokens with a cache

A text stands in the cache. Now a question of several tokens comes, all at once. Return
the output of attention for each of the *new* tokens. It sees all that is kept, the new
tokens before it, and itself.

| argument | shape | |
|---|---|---|
| `query`, `key` | (..., n_new, d_k) | of the new tokens |
| `value` | (..., n_new, d_v) | |
| `kept_key` | (..., n_kept, d_k) | of the tokens before them |
| `kept_value` | (..., n_kept, d_v) | |
| *returns* | (..., n_new, d_v) | the output of each new token |

The dots stand for any number of further axes, such as heads. n_kept may be 0. The scores are
divided by the root of d_k.
"""


# %% exercise="extend"
def extend(query, key, value, kept_key, kept_value):
    ### BEGIN SOLUTION
    keys = np.concatenate([kept_key, key], axis=-2)
    values = np.concatenate([kept_value, value], axis=-2)
    n_new, n_kept = key.shape[-2], kept_key.shape[-2]
    places = n_kept + np.arange(n_new)[:, None]
    may_see = np.arange(n_kept + n_new) <= places
    scores = query @ np.swapaxes(keys, -1, -2)
    scores = scores / query.shape[-1] ** 0.5
    scores = np.where(may_see, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) @ values
    ### END SOLUTION


# %% check="extend"
check("extend", extend)

# %% [markdown] solution="extend"
r"""
The mask is not square: n_new rows, n_kept + n_new columns. Row i is the query at position
n_kept + i. With one new token the whole row is True, which is why decoding token by token needs
no mask, and why a wrong one stays hidden until two come at once.

Another way takes the new tokens one after the other: append one, attend, append the next.
"""

# %% [markdown]
r"""
That was lesson 14. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
