# %% [markdown]
r"""
# Look something up softly

What should a dictionary answer when no key matches exactly?

**What you'll build.** `hard_lookup`, which returns the value of the best match,
and `soft_lookup`, which returns a blend of all values. The second is attention
with one query.

**What you'll learn.** To compute a soft lookup by hand, to tell the roles of
query, key and value apart, to predict how the blend shifts as the query turns,
and (in the last part) to say when a soft lookup beats a hard one.

**What you'll need.** Python, a little NumPy (arrays, `@`, shapes), and the dot
product of two vectors. The main line takes about 20 minutes, the first exercise 5
more; with the part for those who want to know more, and all exercises, it is 65.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures
from course_utils.data.look_back import look_back
from course_utils.learner import predict

np.set_printoptions(precision=4, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## A harbour log with gaps

In the [prologue](00_watch_a_model_look_back.ipynb) a language model stood at a "V" and
looked back over the text for what would help it on. That is a lookup in which
nothing need match exactly, and here is the smallest of its kind.

A harbour keeps a log: for five winds it notes the weather that they usually
bring: the warmth of the air in °C, the rain in mm, and the height of the waves in m.
The numbers are invented. In Python the log is a dictionary: each **key** is a
wind, each **value** is the weather.
"""

# %%
log = {
    "north": [6.0, 1.0, 2.0],
    "northeast": [3.0, 0.0, 1.5],
    "east": [9.0, 0.0, 0.5],
    "south": [21.0, 2.0, 0.5],
    "west": [13.0, 8.0, 3.0],
}
print(log["south"])

# %% [markdown]
r"""
A south wind brings 21 °C, a little rain and low waves. Now the wind vane points
southwest. That is our **query**, what we want to look up, and the log has no such
key.
"""

# %%
print("southwest" in log)

# %% [markdown]
r"""
To a dictionary keys are just names: two of them are the same, or they are not. It cannot see
that southwest lies *between* south and west. To speak of "between" and "close", keys need
to be vectors.

## Keys that can be compared

A wind is a direction, and a direction is a point on the unit circle. Sailors
count bearings in degrees, clockwise from north, so a bearing $b$ becomes the
vector $(\sin b, \cos b)$: first how far east, then how far north.
"""


# %%
def direction(bearing):
    angle = np.radians(bearing)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


names = list(log)
key = direction(np.array([0, 45, 90, 180, 270]))  # (n_k, d_k)
value = np.array(list(log.values()))  # (n_k, d_v)
print("key", key.shape, "value", value.shape)

# %% [markdown]
r"""
The five keys are now the rows of one array, and the five values the rows of
another, in the same order. Row $i$ of `key` belongs to row $i$ of `value`; that
is all that holds them together. We write $n_k$ for the number of keys (5), $d_k$
for the number of components of a key (2) and $d_v$ for that of a value (3).

Keys and values are different kinds of thing: a key is a direction, a value is
weather. **The key is what we compare with; the value is what we get.**

How well does a query match a key? For two directions, their dot product is the
cosine of the angle between them: 1 if they agree, 0 at a right angle, −1 if they
are opposite. So the dot product will be our **match** (lesson 2 asks what else it
could be). Here it is for each key and a wind from 215°, a little south of southwest.
"""

# %%
query = direction(215)  # (d_k,)
for name, k in zip(names, key, strict=True):
    match = query[0] * k[0] + query[1] * k[1]
    print(f"{name:9} {match:5.2f}")

# %% [markdown]
r"""
South matches best (0.82), and west comes second (0.57). North and east point away
from the query, so their match is negative, and northeast is almost opposite (−0.98).

## Take the best: the hard lookup

The first idea: return the value of the key that matches best.
"""


# %%
def hard_lookup_loop(query, key, value):
    best = 0
    for i in range(len(key)):
        if query @ key[i] > query @ key[best]:
            best = i
    return value[best]


print(hard_lookup_loop(query, key, value))

# %% [markdown]
r"""
That is the row for south, whole and unchanged: 21 °C, 2 mm, 0.5 m. The query and
the keys decided *which* row; the answer itself is made of values only.

The same without a loop: `key @ query` takes the dot product of every row of
`key` with the query at once, and `np.argmax` gives the position of the largest.
"""


# %%
def hard_lookup(query, key, value):
    match = key @ query  # (n_k,)
    return value[np.argmax(match)]


print(hard_lookup(query, key, value))

# %% [markdown]
r"""
The hard lookup always has an answer, but it has a flaw. Let the wind turn, in the
end by only two degrees, and watch the air.
"""

# %%
for bearing in (136, 180, 224, 226):
    air = hard_lookup(direction(bearing), key, value)[0]
    print(f"wind from {bearing}°: {air:.0f} °C")

# %% [markdown]
r"""
Two degrees of the vane, and the air is eight degrees colder. Before the jump the
answer does not move at all: every wind from 136° to 224° gets the same 21 °C.
The lookup forgets *how well* each key matched, and keeps only the winner.

## Predict first

The second idea: let every key have its say. A key that matches well gets a large
**weight**, one that matches badly a small one; the weights sum to 1; and the
answer is the sum of all values, each times its weight.

Take the wind from 225°, exactly halfway between south (21 °C) and west (13 °C).
Before you read on: how warm will this blend be? Nothing is graded, and you can go on
without choosing.
"""

# %%
guess = predict(
    "01 halfway between south and west",
    "21 °C, the value of the first of the two",
    "17 °C exactly, the mean of the two",
    "a little less than 17 °C",
    "10.4 °C, the mean of all five",
)
guess

# %% [markdown]
r"""
## Blend them all: the soft lookup

A match can be negative, but a weight must not be: what would minus two tenths of
a west wind mean? The exponential turns any number into a positive one and keeps
the order. So the weight of key $i$ is

$$\text{weight}_i = \frac{e^{\,\text{sharpness}\,\cdot\,\text{match}_i}}
{\sum_j e^{\,\text{sharpness}\,\cdot\,\text{match}_j}},
\qquad \text{match}_i = \text{query} \cdot \text{key}_i .$$

The division makes the weights sum to 1. The factor `sharpness` says how decided
the lookup is: at 0 all weights are equal, and the larger it is, the more the best
match gets. We use 4 throughout this lesson; lesson 3 is about this choice, and
about why just the exponential.
"""


# %%
def soft_lookup_loop(query, key, value, sharpness):
    total, blend = 0.0, np.zeros(value.shape[1])
    for k, v in zip(key, value, strict=True):
        weight = np.exp(sharpness * (query @ k))
        total += weight
        blend += weight * v
    return blend / total


# %% [markdown]
r"""
This loop is the whole idea, and the specification for all that follows: compare
the query with each key, add up the values by weight, divide by the sum of the
weights. Now the wind that you predicted, to two decimals.
"""

# %%
query = direction(225)
air = soft_lookup_loop(query, key, value, sharpness=4)[0]
print(f"{air:.2f} °C")
guess.reveal(right=2)

# %% [markdown]
r"""
16.96 °C. South and west match equally well, get equal weights, and alone would
give exactly 17. But north, northeast and east have a say too: their weights are
tiny, yet not zero, because an exponential never is, and being cold they pull the
blend down. Here are all five weights, now without a loop.
"""


# %%
def soft_lookup(query, key, value, sharpness):
    weight = np.exp(sharpness * (key @ query))  # (n_k,)
    weight = weight / weight.sum()
    return weight @ value  # (d_v,)


weight = np.exp(4 * (key @ query))
print(weight / weight.sum())

# %% [markdown]
r"""
Half for south, half for west, and about two thousandths each for north and east.
In `weight @ value` each row of `value` is multiplied by its weight and the rows
are added up: the axis of the keys vanishes, and the $d_v$ components of the
weather remain.

`course_utils` holds the general form of everything that you build. Do all three agree?
"""

# %%
by_loop = soft_lookup_loop(query, key, value, sharpness=4)
by_matrix = soft_lookup(query, key, value, sharpness=4)
general = course_utils.soft_lookup(query, key, value, sharpness=4)
print(
    by_loop,
    np.allclose(by_loop, by_matrix),
    np.allclose(by_loop, general),
)

# %% [markdown]
r"""
They do: 17 °C, 5 mm of rain, waves of 1.7 m, halfway between south and west.

What does a *token* look up? Here are the weights of the prologue's head at the last "V":
the two keys with the most weight, and the rest.
"""

# %%
end = look_back()["nothing"][-1]
row, tokens = end.row, end.pieces
for i in np.argsort(-row)[:2]:
    print(f"{row[i]:.2f} on the key of {tokens[i].strip()!r}")
print(f"{1 - np.sort(row)[-2:].sum():.2f} on the other", len(row) - 2)

# %% [markdown]
r"""
> **In a language model.** Each token enters as a vector, its **embedding**. Layers mix in what stood
> before; then come a query, a key and a value. The query of the last "V" asks: *before whom did I stand?* Each
> of 21 tokens offers a key; that of "ex" says *"V" stood before me*, and wins. Its value says *"ex"*, the
> piece to go on with. Nobody wrote these three; they were set by reading, that is, learnt
> ([lesson 7](07_self_and_cross_attention.ipynb)).

## Ask many questions at once

Several queries are the rows of one array, and then `query @ key.T` holds every
match: one row for each query, one column for each key. Each *row* must sum to 1,
because each query shares out its own weights.
"""

# %%
queries = direction(np.array([0, 100, 225]))  # (n_q, d_k)
weights = np.exp(4 * (queries @ key.T))  # (n_q, n_k)
weights = weights / weights.sum(axis=-1, keepdims=True)
print(weights @ value)  # (n_q, d_v)

# %% [markdown]
r"""
Three queries, three rows of weather. Look at the first one: the wind blows from
the north, whose row in the log says 6 °C, and the soft lookup answers 5.45 °C. It
blends in some northeast wind, although the query matches a key exactly.

`course_utils.soft_lookup` takes one query or many.
"""

# %%
general = course_utils.soft_lookup(queries, key, value, sharpness=4)
print(np.allclose(weights @ value, general))

# %% [markdown]
r"""
## Turn the wind

Now turn the query yourself: click the slider and press the arrow keys, or drag
it. (`course_utils.softmax` takes the exponentials and divides by their sum.) Watch:

- the **dots**: as the arrow turns, weight flows from one key to the next;
- the **curves** at 225°: where the dashed one jumps and the blue one glides;
- the bearing 45°: does the blue curve reach the 3 °C of northeast?
"""

# %%
around = np.arange(0, 361)
winds = direction(around)
lines = {
    "soft lookup": course_utils.soft_lookup(winds, key, value, 4)[:, 0],
    "hard lookup": course_utils.hard_lookup(winds, key, value)[:, 0],
}
look = {
    "title": "Air",
    "axes": ("bearing of the wind (°)", "°C"),
    "xticks": range(0, 361, 90),
}


# %% tags=["hide-input"]
def forecast(bearing):
    query = direction(bearing)
    weight = course_utils.softmax(4 * (key @ query))
    compass = figures.vectors(
        key, names, query, weight, title="Wind", axes=("east", "north")
    )
    bars = figures.bars(weight, names, title="Weights")
    curves = figures.curves(around, lines, at=bearing, **look)
    caption = f"Wind from {bearing}°: {weight @ value[:, 0]:.1f} °C"
    return figures.beside(compass, bars, curves, caption=caption)


bearing = figures.slider(
    0, 360, 5, start=225, label="bearing of the wind (°)"
)
figures.panel(forecast, bearing=bearing)

# %% [markdown]
r"""
The hard lookup is a staircase: it answers with one of five rows and jumps
between them. The soft lookup passes through everything in between, but never quite
reaches the ends: not the 21 °C of south, and not the 3 °C of northeast, where it
says 4.7 °C. Here are these two, and the weights at 45°.
"""

# %%
for bearing in (45, 180):
    print(forecast(bearing).caption)
print(course_utils.softmax(4 * (key @ direction(45))))

# %% [markdown]
r"""
Even at northeast itself, north and east keep 0.19 of the weight each. A blend lies
*between* values while two or more have a say.

## Where it goes wrong

**Keys in place of values.** What a key and a value are for is asked again and
again: a reader of a book on language models wonders whether the values are not
[the same as the keys](https://github.com/onlybooks/llm/issues/29), and a
reader of a model's code finds a [`value` that is multiplied with the
query](https://github.com/Genentech/ARGMINN/issues/1). Here is the slip in one
line: blend the keys.
"""

# %%
weight = course_utils.softmax(4 * (key @ query))
print("right:", weight @ value)
print("wrong:", weight @ key)

# %% [markdown]
r"""
The wrong line runs without an error and returns a fair guess at *where the wind
comes from*, which is what we knew before we asked. Here the shape gives it away:
two numbers where weather has three. In models where $d_k = d_v$ it does not, so keep the two
sizes different when you test.

**Weights that do not sum to 1.** Leave out the division:
"""

# %%
weight = np.exp(4 * (key @ query))
print("sum of the weights:", round(weight.sum(), 2))
print("air:", round((weight @ value)[0], 1), "°C")

# %% [markdown]
r"""
A harbour at 576 °C. Here you see it, because you know how warm air can be. In the middle of a
model nobody does, so test: each row of weights sums to 1, and the answer lies between the
smallest and the largest value.

## In short

A lookup compares a query with keys and answers with values. A hard lookup takes
the value of the best match, and jumps. A soft lookup gives every value a weight, the
exponential of its match divided by the sum, and adds the values up. It changes
smoothly with the query and leaves no value out, and its answer lies between the
values. Which of the two errs less is measured in the last part.

**Now you:** [the exercises of this lesson](../exercises/01_soft_lookup.ipynb).
After them you will know how to look up; what remains open is the choice of the
match. Is the dot product a good one when keys differ in length? That is the
question of [lesson 2](02_scores.ipynb).
"""

# %% [markdown]
r"""
## For those who want to know more: when the vane trembles

Which of the two lookups is better depends on how far the query can be trusted. Suppose that the
wind truly comes from one of the five directions of the log, but the vane trembles: to each
component of the query some Gaussian noise is added. How far, as a root mean square, is each lookup
from the true air? Without noise the hard lookup is always right, while the soft one blends in the
neighbours. With much noise the hard lookup often picks a wrong row, and then errs by the full
difference. There should be a point where they cross.

We add a third, a soft lookup whose sharpness follows the noise: it is
$1/\text{noise}^2$, decided when the vane is steady, undecided when it trembles.
"""


# %%
def error(lookup, noise, seed):
    rng = np.random.default_rng(seed)
    true = rng.integers(len(key), size=2000)
    query = key[true] + noise * rng.normal(size=(2000, 2))
    difference = lookup(query, noise)[:, 0] - value[true, 0]
    return np.sqrt(np.mean(difference**2))  # in °C


# %%
noises = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0])


def hard(query, noise):
    return course_utils.hard_lookup(query, key, value)


def soft(query, noise):
    return course_utils.soft_lookup(query, key, value, 4)


def soft_matched(query, noise):
    return course_utils.soft_lookup(query, key, value, 1 / noise**2)


# %%
lookups = {
    "soft, sharpness 4": soft,
    "hard": hard,
    "soft, sharpness 1/noise²": soft_matched,
}
errors = {}
for name, lookup in lookups.items():
    runs = [
        [error(lookup, s, seed) for seed in range(5)] for s in noises
    ]
    errors[name] = np.array(runs)  # (noises, seeds)

# %% tags=["hide-input"]
fig, axes = plt.subplots()
for name, e in errors.items():
    axes.errorbar(noises, e.mean(1), e.std(1), label=name, capsize=3)
axes.axhline(value[:, 0].std(), color="black", linewidth=1)
axes.text(0.1, 6.4, "always say the mean of the log", fontsize=10)
axes.set(xlabel="noise of the vane (standard deviation)", ylim=(0, 8))
axes.set(ylabel="error of the air (RMS, °C)")
_ = axes.legend(loc="lower right")

# %% [markdown]
r"""
Each point is the mean over five seeds, with bars of one standard deviation, which are small.
The solid line (soft, sharpness 4) and the dashed one (hard) cross near a noise of 0.3. In numbers:
"""

# %%
for name, e in errors.items():
    at = {s: x for s, x in zip(noises, e.mean(1), strict=True)}
    print(f"{name:25}", [f"{at[s]:.1f}" for s in (0.1, 0.3, 0.6, 2.0)])

# %% [markdown]
r"""
- At a noise of 0.1 the hard lookup is almost always right, and the soft one with
  sharpness 4 pays 1.1 °C for its blending: **hard wins when the query can be
  trusted.**
- At 0.3 they are level, and at 0.6 soft is ahead by 0.6 °C: **soft wins when the
  query is noisy.**
- At 2.0 both are worse than the thin black line, which always answers the mean of the log and
  is off by 6.2 °C.
- The soft lookup whose sharpness follows the noise is the best of the three, or
  level with it, everywhere. So what blending cost at little noise was the fault of
  a sharpness that did not fit.

> **Why $1/\text{noise}^2$?** All keys have length 1 and are equally likely. With Gaussian noise the
> probability that key $i$ was the true one is then proportional to
> $e^{\,\text{query}\cdot\text{key}_i/\text{noise}^2}$: the weights of the soft
> lookup *are* those probabilities. Its answer is the mean of the values under
> them, and no other estimate has a smaller expected squared error.

Two things were kind to the lookups. The true wind was always one of the five in the log,
and the noise was known in advance. That a model should *learn* how sharp to be is where
this course is going.
"""

# %% [markdown]
r"""
## Symbols and names

| name | shape | meaning |
|---|---|---|
| `query` | (d_k,) or (n_q, d_k) | what we want to look up |
| `key` | (n_k, d_k) | what the query is compared with, one a row |
| `value` | (n_k, d_v) | what we get, one a row, in the order of the keys |
| `match` | (n_k,) or (n_q, n_k) | how well a query fits a key: their dot product |
| `weight` | (n_k,) or (n_q, n_k) | positive, each row sums to 1 |
| `sharpness` | a number | how decidedly the best matches win; below 0, the worst win |
| embedding | (d,) | the vector that stands for a token |
| $n_q, n_k, d_k, d_v$ | | how many queries and keys; how many components keys and values have |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.2, describe
  attention in these words: a query and a set of key–value pairs are mapped to an
  output, a weighted sum of the values.
- Graves, Wayne and Danihelka, *Neural Turing Machines* (2014), "Focusing by
  Content": a soft lookup in a memory, with the cosine as the match and a learnt
  sharpness, which they call the key strength β.
- Miller et al., *Key-Value Memory Networks for Directly Reading Documents*
  (2016): what is gained by encoding keys and values differently.
- Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to
  Align and Translate* (2015): the paper that brought soft lookups to translation.
"""
