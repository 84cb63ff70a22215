# %% [markdown]
r"""
# Exercises: look something up softly

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/01_soft_lookup.ipynb), and
NumPy is all you may import. You will find a worked solution of each exercise in
[the solutions](../solutions/01_soft_lookup.ipynb); they help most after you
have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="hard_lookup"
r"""
## 1. Take the best match

Return the value whose key has the largest dot product with the query.

| argument | shape | |
|---|---|---|
| `query` | (d_k,) | what is looked up |
| `key` | (n_k, d_k) | what it is compared with, one per row |
| `value` | (n_k, d_v) | what is returned, one per row |
| *returns* | (d_v,) | one row of `value` |

The keys need not have length 1 here. There may be a single key, all matches may be
negative, and no two are equal.
"""


# %% exercise="hard_lookup"
def hard_lookup(query, key, value):
    ### BEGIN SOLUTION
    return value[np.argmax(key @ query)]
    ### END SOLUTION


# %% check="hard_lookup"
check("hard_lookup", hard_lookup)

# %% [markdown] solution="hard_lookup"
r"""
`key @ query` is the dot product of each row of `key` with the query: one match
for each key. `np.argmax` returns the position of the largest, and since the rows
of `value` stand in the order of the keys, that is also the row to return. The
keys are used up in the comparison; nothing of them is in the answer.

Another way sorts the keys by match and takes the last:
`value[np.argsort(key @ query)[-1]]`. It does more work than it needs to, and of
two equal matches it takes the later one.
"""

# %% [markdown] about="soft_lookup"
r"""
## 2. Blend them all

Return the sum of all values, each times its weight. The weight of a key is
`np.exp(sharpness * match)`, divided by the sum of these over all keys, where the
match is the dot product of the key with the query.

| argument | shape | |
|---|---|---|
| `query` | (d_k,) | what is looked up |
| `key` | (n_k, d_k) | what it is compared with, one per row |
| `value` | (n_k, d_v) | what is blended, one per row; perhaps whole numbers |
| `sharpness` | a number | how decidedly the best matches win; below 0, the worst win |
| *returns* | (d_v,) | the blend |
"""


# %% exercise="soft_lookup"
def soft_lookup(query, key, value, sharpness):
    ### BEGIN SOLUTION
    weight = np.exp(sharpness * (key @ query))
    weight = weight / weight.sum()
    return weight @ value
    ### END SOLUTION


# %% check="soft_lookup"
check("soft_lookup", soft_lookup)

# %% [markdown] solution="soft_lookup"
r"""
Three lines for three steps: match and exponential, division, weighted sum. The
sharpness stands inside the exponential. Outside, it would multiply every weight
by the same number, and the division would take it out again.

Another way: `np.average(value, axis=0, weights=np.exp(sharpness * (key @ query)))`
divides by the sum of the weights by itself.
"""

# %% [markdown] about="soft_lookup_all"
r"""
## 3. Answer many queries at once

The same for several queries, one per row, without a loop if you can. A single query
still has a row of its own.

| argument | shape | |
|---|---|---|
| `query` | (n_q, d_k) | one query per row |
| `key` | (n_k, d_k) | one key per row |
| `value` | (n_k, d_v) | one value per row |
| `sharpness` | a number | |
| *returns* | (n_q, d_v) | one blend per row, in the order of the queries |
"""


# %% exercise="soft_lookup_all"
def soft_lookup_all(query, key, value, sharpness):
    ### BEGIN SOLUTION
    weight = np.exp(sharpness * (query @ key.T))  # (n_q, n_k)
    weight = weight / weight.sum(axis=-1, keepdims=True)
    return weight @ value
    ### END SOLUTION


# %% check="soft_lookup_all"
check("soft_lookup_all", soft_lookup_all)

# %% [markdown] solution="soft_lookup_all"
r"""
`query @ key.T` has one row for each query and one column for each key. Each
query shares out its own weights, so each *row* is divided by its sum:
`axis=-1` runs over the keys, and `keepdims=True` leaves a column of sums that
divides row by row. Without it NumPy would divide column by column, or refuse.

Another way calls the function of exercise 2 on each row:
`np.array([soft_lookup(q, key, value, sharpness) for q in query])`. It gives the
same numbers, and defines what the fast form must return.
"""

# %% [markdown] about="wind_from_weather"
r"""
## 4. Turn the question round

The log can also be read the other way: today's weather is known, and you want
to know where such weather comes from. Return the blend of all directions in the
log, weighted by how well the weather that they brought matches today's weather.

| argument | shape | |
|---|---|---|
| `weather` | (3,) | today's air, rain and waves, each on a common scale |
| `log_weather` | (n, 3) | the weather of each entry of the log, on the same scale |
| `log_direction` | (n, 2) | the direction of the wind of each entry |
| `sharpness` | a number | |
| *returns* | (2,) | the blended direction |

The match is the dot product again. Which of the three is the query, which the
keys, which the values? You may call your own functions.
"""


# %% exercise="wind_from_weather"
def wind_from_weather(weather, log_weather, log_direction, sharpness):
    ### BEGIN SOLUTION
    return soft_lookup(weather, log_weather, log_direction, sharpness)
    ### END SOLUTION


# %% check="wind_from_weather"
check("wind_from_weather", wind_from_weather)

# %% [markdown] solution="wind_from_weather"
r"""
In the lesson the directions were keys and the weather was the value. Here it is
the other way round: today's weather is the query, the weather in the log provides the
keys, and the directions are the values. Query, key and value are not kinds of
data but roles: what asks, what is compared, what is returned.

Another way writes the lookup out:
`np.average(log_direction, axis=0, weights=np.exp(sharpness * (log_weather @ weather)))`.
"""

# %% [markdown]
r"""
That was lesson 1. Your points are on [the start page](../start.md); on the
command line, `python3 course.py grade` shows them too.
"""
