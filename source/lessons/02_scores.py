# %% [markdown]
r"""
# Score how well a query matches a key

Which measure of similarity, and what does the choice change?

**What you'll build.** Five scores, each for one pair and then for all pairs at
once: `dot_product_score`, `cosine_score`, `gaussian_score`, `bilinear_score` and, in the
last part, `additive_score`.

**What you'll learn.** To compute each score by hand and without a loop, to predict
what the length of a key does to it, to say when two scores pick the same key, and
to notice a false cosine.

**What you'll need.** [Lesson 1](01_soft_lookup.ipynb). The main line takes about 20
minutes, the first exercise 5 more; with the part for those who want to know more,
and all exercises, it is 85.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures
from course_utils.learner import predict

np.set_printoptions(precision=4, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## A gale in the log

In the prologue the key of "ex" fitted the query of a "V". But what is it to *fit*? In
lesson 1 the dot product was the **match** of a query and a key, taken on trust, and it
worked for a hidden reason: all five keys of the harbour log had length 1.

Tonight a gale blows from the northwest, three times as strong as the winds in the
log. The arrow of a wind is as long as the wind is strong, so the new key has length 3.
"""


# %%
def direction(bearing):
    angle = np.radians(bearing)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


names = ["north", "northeast", "east", "south", "west", "gale"]
strength = np.array([1, 1, 1, 1, 1, 3])
winds = direction(np.array([0, 45, 90, 180, 270, 315]))
key = strength[:, None] * winds  # (n_k, d_k)
print("key", key.shape, "gale", key[5])

# %% [markdown]
r"""
## Predict first

The next morning is calm again. A breeze of strength 1 blows from due west, so the
query is exactly the key of west. Which key has the largest dot product with it?
"""

# %%
guess = predict(
    "02 a breeze from the west",
    "west: the query is its very key",
    "gale, although it points northwest",
    "west and gale, both the same",
    "none: the dot product needs vectors of one length",
)
guess

# %% [markdown]
r"""
The answer, with a small helper that prints numbers for each key:
"""


# %%
def table(**columns):
    print(" " * 9, *(f"{title:>9}" for title in columns))
    for i, name in enumerate(names):
        row = [x[i].round(2) + 0.0 for x in columns.values()]
        print(f"{name:9}", *(f"{x:9.2f}" for x in row))


breeze = direction(270)  # (d_k,)
table(match=key @ breeze)
guess.reveal(right=1)

# %% [markdown]
r"""
West matches with 1.00, the gale with 2.12, although it points 45° elsewhere. The
dot product is

$$q \cdot k = \lVert q \rVert \, \lVert k \rVert \cos\theta ,$$

where $\theta$ is the angle between the two, and the bars are lengths. It multiplies
how well two arrows agree in direction with how long they are. For the gale that is
$1 \cdot 3 \cdot \cos 45^\circ$, for west $1 \cdot 1 \cdot \cos 0^\circ$. How many directions
does the gale take from the others?
"""

# %%
around = direction(np.arange(360))  # (n_q, d_k)
best = np.argmax(around @ key.T, axis=-1)  # (n_q,)
print("gale wins", np.sum(best == 5), "of 360 directions")
shares = course_utils.softmax(4 * (key @ breeze))
print("its weight for the breeze:", shares[5].round(3))

# %% [markdown]
r"""
144 directions of 360: a storm for two breezes in five. And the soft lookup of lesson 1 gives
the gale nearly all the weight (0.988) for a breeze from the west. Whether that is wrong
depends on what the length of a key *means*.

- A long key may be an **important** entry. Then it should win more often.
- The length may mean **nothing**; only the direction counts.
- The length may be **part of the question**. A breeze is not a gale, so the gale
  should lose because it is too strong.

A function that says how well a query matches a key is called a **score**: one
number for each pair, higher is better. Each of the three readings is a score.

## One number for each pair

Here is the specification of every score in this lesson: given a function for one
pair, it fills an array with one row for each query and one column for each key.
"""


# %%
def by_loop(pair, query, key):
    scores = [[pair(q, k) for k in key] for q in query]
    return np.array(scores)  # (n_q, n_k)


# %% [markdown]
r"""
To compare it with the matrix forms we take three queries: two breezes, and a wind
of strength 2.
"""

# %%
bearings = np.array([270, 225, 300])
queries = np.array([[1], [1], [2]]) * direction(bearings)  # (n_q, d_k)


def compare(pair, score, general):
    loop, fast = by_loop(pair, queries, key), score(queries, key)
    print(fast.shape, np.allclose(loop, fast), end=" ")
    print(np.allclose(loop, general(queries, key)))


# %% [markdown]
r"""
### The dot product: long keys count more
"""


# %%
def dot_product(q, k):
    return np.sum(q * k)


def dot_product_score(query, key):
    return query @ key.T  # (n_q, n_k)


compare(dot_product, dot_product_score, course_utils.dot_product_score)

# %% [markdown]
r"""
Shape (3, 6), one row a query, one column a key. Twice True: the matrix form equals the loop
and `course_utils`. `key.T` turns the keys into columns; the product `key @ query.T` holds the
same numbers transposed, one row a key, which is not what we agreed.

### The cosine: only the direction counts

Divide the dot product by both lengths, and $\cos\theta$ is left.
"""


# %%
def cosine(q, k):
    return q @ k / (np.linalg.norm(q) * np.linalg.norm(k))


def cosine_score(query, key):
    query = query / np.linalg.norm(query, axis=-1, keepdims=True)
    key = key / np.linalg.norm(key, axis=-1, keepdims=True)
    return query @ key.T  # (n_q, n_k)


compare(cosine, cosine_score, course_utils.cosine_score)

# %% [markdown]
r"""
In the matrix form each vector is first brought to length 1. `axis=-1` runs over the
components of a vector, so each *row* gets its own length. `keepdims=True` keeps
those lengths as a column, shape (n, 1), which divides row by row. A cosine is never above 1, and
[lesson 5](05_scaled_dot_product_attention.ipynb) shows what that costs when there are many
keys.

### The Gaussian: the nearest key wins

The third reading asks how far apart the tips of the two arrows are:

$$-\frac{\lVert q - k \rVert^2}{2\sigma^2} .$$

The minus makes near pairs score higher; the best possible score is 0, for a key
equal to the query. The exponential of this is the bell curve of Gauss, and $\sigma$
(`sigma`) is its width.
"""


# %%
def gaussian(q, k, sigma=1.0):
    return -np.sum((q - k) ** 2) / (2 * sigma**2)


def gaussian_score(query, key, sigma=1.0):
    difference = query[:, None, :] - key  # (n_q, n_k, d_k)
    return -np.sum(difference**2, axis=-1) / (2 * sigma**2)


compare(gaussian, gaussian_score, course_utils.gaussian_score)

# %% [markdown]
r"""
`query[:, None, :]` has the shape (n_q, 1, d_k). NumPy stretches the axis of length
1 along the keys (*broadcasting*), so `difference` holds every query minus every key, and the sum
over the last axis leaves one number for each pair.

Now the breeze from the west by all three, made a row by `breeze[None]`.
"""

# %%
table(
    dot=dot_product_score(breeze[None], key)[0],
    cosine=cosine_score(breeze[None], key)[0],
    gaussian=gaussian_score(breeze[None], key)[0],
)

# %% [markdown]
r"""
By the dot product the gale is first (2.12), by the cosine second (0.71), and by the
Gaussian last (−2.88), behind even the east wind from the opposite side (−2.00).
Same query, same keys, three opinions.

The Gaussian is nearer to the dot product than it looks. Multiply out:

$$-\tfrac12\lVert q - k \rVert^2 = q \cdot k
- \tfrac12\lVert k \rVert^2 - \tfrac12\lVert q \rVert^2 .$$
"""

# %%
fine = np.sum(key**2, axis=-1) / 2  # (n_k,)
same_for_all_keys = np.sum(queries**2, axis=-1, keepdims=True) / 2
scores = queries @ key.T - fine - same_for_all_keys
print(np.allclose(scores, gaussian_score(queries, key)))
print("fine:", fine)

# %% [markdown]
r"""
The last term is the same for all keys, so it cannot change their order. What is
left is a dot product with a **fine** for long keys: half a point for a key of
length 1, 4.5 points for the gale.

If all keys are equally long, all pay the same fine: a common factor of all exponentials, which
cancels in the division. So even the weights are those of the dot product, as in lesson 1's soft
lookup with a sharpness of $1/\sigma^2$; with $\sigma = \tfrac{1}{2}$ that is its sharpness of 4.
"""

# %%
breezes = winds[:5]  # five keys of length 1
by_dot = course_utils.softmax(4 * (queries @ breezes.T))
by_distance = course_utils.softmax(
    gaussian_score(queries, breezes, sigma=0.5)
)
print(np.allclose(by_dot, by_distance))

# %% [markdown]
r"""
So in lesson 1 you could not tell which score you were using: with keys of one length all
three rank alike.

## Scores with numbers inside

A score may contain numbers that a model learns. Arrays of these are called `w_…` in
this course, in formulas $W$; a *weight* is always a share. Here they are written by hand.

### Bilinear: translate, then compare

What the query asks and what a key says may be written in different terms. Take five tokens of the prologue's sentence, and give each a vector, its embedding: a 1 in a place
of its own. A key says two things, one behind the other: what the token *is*, and what stood
*before* it. A query says only what its token is, so it has five components where a key has ten, and
there is no dot product between them. A matrix $W$ (`w_match`), a row for each component of the
query, translates; the score is $q W k^\mathsf{T}$.
"""

# %%
tokens = ["Captain", "V", "ex", "olin", "stood"]
is_a = np.eye(5)  # one embedding per token
before = np.vstack([np.zeros(5), is_a[:-1]])
token_keys = np.hstack([is_a, before])  # (n_k, d_k)
last_v = is_a[1:2]  # (n_q, d_q): the last V has the same embedding
# What I am, to what was before: ones 5 places right of the diagonal.
w_match = np.eye(5, 10, k=5)


# %%
def bilinear_score(query, key, w_match):
    return query @ w_match @ key.T  # (n_q, n_k)


loop = by_loop(lambda q, k: q @ w_match @ k, last_v, token_keys)
fast = bilinear_score(last_v, token_keys, w_match)
general = course_utils.bilinear_score(last_v, token_keys, w_match)
print(np.allclose(loop, fast), np.allclose(loop, general))
for w in (w_match, np.eye(5, 10)):
    scores = bilinear_score(last_v, token_keys, w)[0]
    pairs = zip(tokens, scores, strict=True)
    print(*(f"{token} {s:.0f}" for token, s in pairs), sep="  ")

# %% [markdown]
r"""
"ex" has the best score, since "V" stood before it. With the other matrix, which compares what I am
with what you *are*, it is "V" itself. Same query, same keys: **$W$ decides what counts as a
match.** After the translation it is a dot product, so the length of a key still counts; with a
square identity as $W$ it *is* the dot product.

> **In a language model.** The query is made at the last "V", and the key that wins, "ex", does not *resemble*
> it. To compare the tokens as they are would find the first "V", which is no help. So models
> learn what to compare: two matrices make the query, `x @ w_query`, and the key, `x @ w_key`, of a
> token's vector $x$, which by then holds what stood before. Their dot product is a bilinear score, with
> the matrix `w_query @ w_key.T` ([lesson 7](07_self_and_cross_attention.ipynb)).

A score may also be a small **network**, sums with a bend between them: the *additive* one of the last part.

## Stretch one key

Each map below is the plane of all queries, once for each of three scores. The
orange area holds the queries whose best key is the gale; the grey lines part the
areas of the other keys. On the circle lie the queries of length 1, the breezes.

Move the slider, which sets the length of the gale, and watch the thick part of the circle.
Which orange area grows, stays, lets go? Then go below 1.
"""

# %%
short = ["N", "NE", "E", "S", "W", "gale"]
three = {
    "dot product": course_utils.dot_product_score,
    "cosine": course_utils.cosine_score,
    "Gaussian": course_utils.gaussian_score,
}
look = {"labels": short, "marked": 5, "reach": 2.75}
look["axes"] = ("east", "north")


# %%
def wins(score, key):
    best = np.argmax(score(around, key), axis=-1)  # (n_q,)
    return np.sum(best == 5)


def stretched(length):
    key = np.concatenate([winds[:5], length * winds[5:]])
    maps, won = [], []
    for title, score in three.items():
        look["title"] = title
        maps.append(figures.territories(score, key, **look))
        won.append(f"{wins(score, key)} by {title}")
    caption = f"Gale of length {length:.2f}: it wins {', '.join(won)}"
    return figures.beside(*maps, caption=caption)


# %%
length = figures.slider(
    0.2, 3.0, 0.05, start=1.0, label="length of the gale's key"
)
figures.panel(stretched, length=length)

# %%
for length in (0.7, 1.0, 1.5, 1.8, 3.0):
    print(stretched(length).caption)

# %% [markdown]
r"""
- At length 1 the three maps are the same, 45 directions each.
- The **cosine** does not move at all.
- The **dot product** gives the gale more and more, and below about 0.7 nothing: the
  key slips behind the straight line from north to west, and then no query of any
  length finds it.
- The **Gaussian** moves the whole area outwards with the key. From length 1.8 on it
  holds no breeze, but it still holds the strong winds from the northwest.

The area of the dot product and of the cosine is a cone: doubling a query changes no
winner. For the Gaussian the length of the query matters too.

## Where it goes wrong

**A dot product taken for a cosine.** A search library returned scores around 405,
and its user wondered, since "a dot product gives values from -1 to 1"; the answer
was that they were [probably confusing inner product and cosine
similarity](https://github.com/facebookresearch/faiss/issues/812). You notice it by
one look at the largest score:
"""

# %%
print(dot_product_score(queries, key).max().round(2))
print(cosine_score(queries, key).max().round(2))

# %% [markdown]
r"""
No cosine is above 1, but the reverse is no proof: dot products of short vectors stay
below 1 as well.

**A length over the wrong axis.** A published program took cosines over axis 1,
which was [the axis of the tokens, not of the
components](https://github.com/facebookresearch/WMReward/issues/11). Nothing fails,
because the shapes fit. In our log it is `axis=0` in place of `axis=-1`:
"""

# %%
right = key / np.linalg.norm(key, axis=-1, keepdims=True)
wrong = key / np.linalg.norm(key, axis=0, keepdims=True)
print("right:", np.diagonal(right @ right.T))
print("wrong:", np.diagonal(wrong @ wrong.T))

# %% [markdown]
r"""
The cosine of a vector with itself is 1: test that, and this mistake shows.

## In short

A score says how well a query matches a key. The dot product rewards long keys, the
cosine ignores length, and the Gaussian is a dot product with a fine for long keys.
If all keys are equally long, the three rank alike, and the Gaussian with width
$\sigma$ gives the very weights of the dot product with sharpness $1/\sigma^2$. The
bilinear score translates the query before it compares, so that learning can choose what
counts as a match.

**Now you:** [the exercises of this lesson](../exercises/02_scores.ipynb). A score
can be any number, and negative too. How do such numbers become shares that are
positive and sum to 1? That is the question of [lesson 3](03_softmax.ipynb).
"""

# %% [markdown]
r"""
## For those who want to know more: how often do two scores agree?

The harbour has six keys in two dimensions; models have many more of both. Suppose
32 keys point in random directions, and their lengths are $e^{\,\text{spread}\,\cdot z}$
with $z$ normally distributed: all 1 at a spread of 0, and at 0.1 they typically
differ by some 10 %. How often do two scores choose the same best key for a random
query of length 1?

At a spread of 0 the answer must be "always", and with more spread, less often. But does agreement
grow or fall with the dimension, and alike for all pairs of scores?
"""

# %%
pairs = [
    ("dot product", "cosine"),
    ("Gaussian", "cosine"),
    ("dot product", "Gaussian"),
]


def draw(dimension, spread, seed):
    rng = np.random.default_rng(seed)
    query = rng.normal(size=(300, dimension))
    key = rng.normal(size=(32, dimension))
    query /= np.linalg.norm(query, axis=-1, keepdims=True)
    key /= np.linalg.norm(key, axis=-1, keepdims=True)
    return query, key * np.exp(spread * rng.normal(size=(32, 1)))


# %%
def agreement(dimension, spread, seed):
    query, key = draw(dimension, spread, seed)
    best = {
        t: score(query, key).argmax(-1) for t, score in three.items()
    }
    return [np.mean(best[a] == best[b]) for a, b in pairs]


# %%
dimensions = (2, 16, 128)
spreads = np.array([0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
runs = [
    [[agreement(d, s, seed) for seed in range(10)] for s in spreads]
    for d in dimensions
]
runs = np.array(runs)  # (dimensions, spreads, seeds, pairs)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.6), sharey=True)
for i, (a, b) in enumerate(pairs):
    for d, r in zip(dimensions, runs[..., i], strict=True):
        lines = {"label": f"{d} dimensions", "capsize": 3}
        axes[i].errorbar(spreads, r.mean(1), r.std(1), **lines)
    axes[i].axhline(1 / 32, color="black", linewidth=1)
    axes[i].set(title=f"{a} and {b}", xlabel="spread of key lengths")
axes[0].set(ylabel="share with the same best key", ylim=(0, 1.04))
axes[0].text(0.3, 0.05, "by chance", fontsize=10)
_ = axes[1].legend(loc="upper right")

# %% tags=["hide-input"]
print(f"{'spread':31} {0.1:<15}{1.0}")
for i, (a, b) in enumerate(pairs):
    for d, r in zip(dimensions, runs[..., i], strict=True):
        mean, std = r.mean(1).round(2), r.std(1).round(2)
        few, many = (f"{mean[j]:.2f} ± {std[j]:.2f}" for j in (1, 6))
        print(f"{a:11} and {b:8} d={d:3}  {few}    {many}")

# %% [markdown]
r"""
Each point is the mean of ten seeds; the bars are one standard deviation.

- Dot product and cosine agree *more* in many dimensions than in two.
- Gaussian and cosine at a spread of 0.1 do the opposite: in 128 dimensions they
  agree for only a third of the queries.
- Dot product and Gaussian end below chance (1 in 32) in 16 and 128 dimensions: they
  avoid each other's choice.

Two things explain it: first, the mean lengths of the keys that win, at a spread of
0.4; then, how large a cosine typically is, and how close the second best key comes to
the best.
"""


# %%
def winners(dimension, seed):
    query, key = draw(dimension, 0.4, seed)
    length = np.linalg.norm(key, axis=-1)
    best = [score(query, key).argmax(-1) for score in three.values()]
    return [length.mean(), *(length[b].mean() for b in best)]


columns = ("all keys", "dot", "cosine", "Gaussian")
print(f"{'mean length':14}", *(f"{x:>9}" for x in columns))
for d in dimensions:
    mean = np.mean([winners(d, seed) for seed in range(10)], axis=0)
    print(f"{d:3} dimensions", *(f"{x:9.2f}" for x in mean))

# %%
for d in dimensions:
    drawn = [cosine_score(*draw(d, 0.4, seed)) for seed in range(10)]
    cosines = np.sort(np.concatenate(drawn), axis=-1)
    typical = np.abs(cosines).mean()
    second = np.median(cosines[:, -2] / cosines[:, -1])
    print(f"{d:3} dimensions: typical cosine ±{typical:.2f},", end=" ")
    print(f"second best over best {second:.2f}")

# %% [markdown]
r"""
On a circle 32 keys stand so close that the second best is almost level with the best
(0.99), and by the dot product a little more length overtakes. In many dimensions it is
further behind (0.84).

The dot product picks long keys, the cosine keys like all others, and the Gaussian
short ones, since they pay a smaller fine. In 128 dimensions all cosines are small
(±0.07), but the fine keeps its size: the Gaussian chooses by length more than by
direction, and takes keys less than half as long as the average.

Which score is *better* this cannot say: random keys have no meaning, so there is no right
answer to miss, and a model that learns its keys can learn their lengths too, to suit its score.

### Additive: a small network

The fifth score hands both vectors to a small network: sums, a bend, and a sum again.

$$\tanh(q\, W_q + k\, W_k)\; v .$$

The sums $q W_q + k W_k$ are the **hidden units**. The function tanh bends each into the range from −1 to
1, and $v$ says how much each counts. We take four hidden units. The first is how far the query
lies to the east of the key, less 1: its tanh is near 1 if it is far, and below 0 if not.
The others do the same for west, north and south, and the score is minus their sum.
"""

# %%
side = np.array([[1, -1, 0, 0], [0, 0, 1, -1]])
w_query = side  # (d_q, d_hidden)
w_key = np.vstack([-side, [-1, -1, -1, -1]])  # (d_k, d_hidden)
v = np.array([-1, -1, -1, -1])  # (d_hidden,)
key_and_one = np.column_stack([key, np.ones(6)])  # (n_k, d_k)

# %% [markdown]
r"""
`w_key` is `-side`, which makes the sum a difference, and one more row for the
"less 1", a **threshold**. That row needs a component of the key that is always 1, so here keys
have three components and queries two. Now one pair, and then all pairs by broadcasting.
"""


# %%
def additive(q, k):
    return np.tanh(q @ w_query + k @ w_key) @ v


def additive_score(query, key, w_query, w_key, v):
    for_query = (query @ w_query)[:, None, :]  # (n_q, 1, d_hidden)
    for_key = key @ w_key  # (n_k, d_hidden)
    return np.tanh(for_query + for_key) @ v  # (n_q, n_k)


network = (w_query, w_key, v)
loop = by_loop(additive, queries, key_and_one)
fast = additive_score(queries, key_and_one, *network)
general = course_utils.additive_score(queries, key_and_one, *network)
print(np.allclose(loop, fast), np.allclose(loop, general))

# %% [markdown]
r"""
The queries get their own axis, the keys keep theirs, and the hidden units stand
last, where `@ v` sums over them. What does it make of the breeze, and of ever stronger
gales?
"""

# %%
scores = additive_score(breeze[None], key_and_one, *network)
table(additive=scores[0])
for length in (3, 30, 300):
    gale = length * winds[5]
    score = additive(breeze, np.append(gale, 1))
    print(f"gale {length:3}: {score:.2f}, by dot {gale @ breeze:.2f}")

# %% [markdown]
r"""
West wins (3.05), and the gale comes last (1.04), as with the Gaussian. But this
score has a floor and a ceiling: a tanh never leaves −1 to 1, so the sum of four never
leaves −4 to 4, and a hundred times the gale moves the additive score by about one point
and the dot product by more than 200.

### An additive score without thresholds

Bahdanau, Cho and Bengio (2015) give the additive score as above and "omit all bias terms in order
to increase readability" (appendix A.2.1). The bias terms are our thresholds, and who builds from
the formula builds without them. Drop our third component, and look at the scores:
"""

# %%
print(additive_score(queries, key, side, -side, v) + 0.0)

# %%
rng = np.random.default_rng(0)


def right_for_both(query, key):
    d_q, d_k = query.shape[1], key.shape[1]
    drawn = [rng.normal(size=x) for x in ((d_q, 8), (d_k, 8), 8)]
    scores = additive_score(query, key, *drawn)
    return scores[0, 0] > scores[0, 1] and scores[1, 1] > scores[1, 0]


poles = [0, 3]  # north and south
for title, k in {"without": key, "with": key_and_one}.items():
    n = sum(right_for_both(winds[poles], k[poles]) for _ in range(1000))
    print(f"{title} a threshold: {n} of 1000 networks")

# %% [markdown]
r"""
Each hidden unit cancels its opposite, and all scores are 0; other numbers cannot help. The last
cell draws random networks and counts those that prefer north to south for a
north wind *and* south to north for a south wind: without a threshold there is not
one. The reason is that tanh is odd: turn both arrows round, and the score changes its
sign. So if a north wind prefers north to south, a south wind prefers north as well.
"""

# %% [markdown]
r"""
## Symbols and names

| name | shape | meaning |
|---|---|---|
| score | a number | how well a query matches a key; higher is better |
| `scores` | (n_q, n_k) | one row a query, one column a key |
| $\lVert k \rVert$, $\theta$ | numbers | the length of $k$; the angle between $q$ and $k$ |
| `sigma`, $\sigma$ | a number > 0 | the width of the Gaussian |
| `w_match`, $W$ | (d_q, d_k) | learnt: translates a query into the terms of a key |
| `w_query`, `w_key` | (d_q, d_hidden), (d_k, d_hidden) | learnt: $W_q$ and $W_k$ |
| `v`, $v$ | (d_hidden,) | learnt: how much each hidden unit counts |

## Go deeper

- Luong, Pham and Manning, *Effective Approaches to Attention-based Neural Machine
  Translation* (2015), section 3.1: dot product and bilinear score, there called
  "dot" and "general".
- Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to Align
  and Translate* (2015), appendix A.1.2: the additive score. They note that $k W_k$
  does not depend on the query and can be computed in advance.
- Vaswani et al., *Attention Is All You Need* (2017), section 3.2.1: additive and
  dot-product scores are similar in theoretical complexity, but the dot product is
  much faster in practice, since it can use optimised matrix multiplication.
- Graves, Wayne and Danihelka, *Neural Turing Machines* (2014), "Focusing by
  Content": the cosine as a score.
- Shrivastava and Li, *Improved Asymmetric Locality Sensitive Hashing (ALSH) for
  Maximum Inner Product Search* (2015): searching by dot product, by distance and by
  cosine are equivalent if all norms are equal.
- Steck, Ekanadham and Kallus, *Is Cosine-Similarity of Embeddings Really About
  Similarity?* (2024): cosines of learned vectors can be arbitrary; they caution
  against using the cosine blindly.
"""
