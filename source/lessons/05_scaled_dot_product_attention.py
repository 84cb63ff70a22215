# %% [markdown]
r"""
# Scale the dot product

Why divide by the square root of the dimension?

**What you'll build.** `scaled_dot_product_attention`, the function that the later
lessons build on: scores, a scale, a softmax, a weighted sum.

**What you'll learn.** To compute how far dot products spread as vectors get
more components, to choose the scale that undoes it, to measure what too large
scores do to the weights (in the last part, to the gradient), and to diagnose a
wrong scale from the weights that it made.

**What you'll need.** Lessons 1 to 4. The main line takes about 20 minutes, the first
exercise 5 more; with the part for those who want to know more, and all exercises, it is 75.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import entropy, figures, softmax
from course_utils.data.look_back import look_back
from course_utils.learner import predict

np.set_printoptions(precision=4, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## More components

The recipe of lessons 1 to 4 is complete: score each key, turn the scores into
weights, mix the values. But our vectors had two components, and the model of *Attention
Is All You Need* (Vaswani et al., 2017) compares queries and keys of 64. Does the
recipe survive that?

To see what their number alone does, we take all meaning out. The values are still the weather of
five winds, but their keys are now drawn at random, 1024 numbers each, with mean 0 and
standard deviation 1.
"""

# %%
names = ["north", "northeast", "east", "south", "west"]
value = np.array(
    [[6, 1, 2], [3, 0, 1.5], [9, 0, 0.5], [21, 2, 0.5], [13, 8, 3]]
)  # (n_k, d_v): air, rain, waves
rng = np.random.default_rng(0)
key = rng.normal(size=(5, 1024))  # (n_k, largest d_k)
stranger = rng.normal(size=1024)  # one query

# %% [markdown]
r"""
The query is drawn at random too, a stranger that **resembles none of the five
keys**. A good lookup should have little to say: no weight far above the others.
With the first two components:
"""

# %%
score = key[:, :2] @ stranger[:2]  # (n_k,)
weight = softmax(score)
for name, s, w in zip(names, score, weight, strict=True):
    print(f"{name:9} score {s:6.3f}  weight {w:.2f}")

# %% [markdown]
r"""
South gets about two thirds, a lot for a chance likeness, but every wind keeps a say.

## Predict first

Now take 128 components in place of 2, still of a query and keys that have nothing to do with
each other. What happens to the weights?
"""

# %%
guess = predict(
    "05 weights with 128 components",
    "they become nearly equal: over 128 numbers chance averages out",
    "they stay about as uneven as with two",
    "one wind gets nearly all the weight",
)
guess

# %%
for d_k in (2, 16, 128, 512):
    weight = softmax(key[:, :d_k] @ stranger[:d_k])
    most = np.argmax(weight)
    answer = f"{names[most]} {weight[most]:.2f}"
    print(f"{d_k:3} components: {answer:14}", end="  ")
    print(f"air {weight @ value[:, 0]:4.1f} °C")
guess.reveal(right=2)

# %% [markdown]
r"""
With 128 components the lookup says south, with weight 1.00, and 21 °C. With 512
it says northeast, again with 1.00, and 3 °C. Each time it is certain about a query
that is like none of the keys: more numbers made it not wiser, only surer.

## How far scores spread

A score is a sum of $d_k$ products, one for each component:
$\text{query} \cdot \text{key} = \sum_{i=1}^{d_k} \text{query}_i \, \text{key}_i$.
Draw many pairs of random vectors, and look at how far their scores lie from 0.
The **spread** is the standard deviation, first as a loop.
"""


# %%
def spread_loop(d_k, pairs, rng):
    squares = 0.0
    for _ in range(pairs):
        score = 0.0
        for _ in range(d_k):
            score += rng.normal() * rng.normal()
        squares += score**2
    return np.sqrt(squares / pairs)


print(round(spread_loop(16, 4000, np.random.default_rng(1)), 1))

# %% [markdown]
r"""
About 4, with 16 components. Without loops the products stand in one array, and
the sum runs along its last axis.
"""


# %%
def spread(d_k, pairs, rng):
    query = rng.normal(size=(pairs, d_k))
    key = rng.normal(size=(pairs, d_k))
    return (query * key).sum(axis=-1).std()  # over all pairs


for d_k in (1, 4, 16, 64, 256, 1024):
    s = spread(d_k, 4000, np.random.default_rng(1))
    print(f"d_k {d_k:4}: spread {s:4.1f}, root of d_k {d_k**0.5:4.1f}")

# %% [markdown]
r"""
Four times as many components, twice the spread: it follows $\sqrt{d_k}$. The reason takes three
steps, if all components are independent, with mean 0 and variance 1.

1. One product $\text{query}_i \, \text{key}_i$ has mean 0, since its two factors
   are independent. So its variance is its mean square, which is the product of
   two mean squares: $1 \cdot 1 = 1$.
2. The variances of independent numbers add up, so a sum of $d_k$ such products has
   the variance $d_k$.
3. The standard deviation is the root of the variance: $\sqrt{d_k}$.

> **Why variance 1?** Because many models are built that way. The learnt matrices start as random
> numbers, just so small that what they make has about variance 1 (their *initialisation*), and
> each token's vector is brought to variance 1 before queries and keys are made from it ([lesson
> 7](07_self_and_cross_attention.ipynb)). Learning may move away from that.

> **In a picture.** Each component adds one step, up or down. Most steps cancel, but not fully: after
> $d_k$ of them you are about $\sqrt{d_k}$ away.

A large spread is a problem because a softmax looks at differences: if two scores
differ by $x$, their weights differ by the factor $e^x$.
"""

# %%
for d_k in (2, 16, 128, 512):
    ratio = np.exp(d_k**0.5)
    print(f"one spread apart, d_k {d_k:3}: a factor of {ratio:.1e}")

# %% [markdown]
r"""
Two scores one spread apart are nothing unusual. With 2 components one key gets four times the
weight of the other; with 512, seven thousand million times. The softmax is **saturated**: one
weight is nearly 1, the rest are nearly 0, and it has become the hard lookup of lesson 1.

## Divide by the root

The spread is $\sqrt{d_k}$, so divide each score by it,
$\text{score} = \text{query} \cdot \text{key} / \sqrt{d_k}$, and the spread is 1,
whatever $d_k$ is.
"""

# %%
for d_k in (4, 64, 1024):
    s = spread(d_k, 4000, np.random.default_rng(1)) * d_k**-0.5
    print(f"d_k {d_k:4}: spread {s:.2f}")

# %% [markdown]
r"""
The factor $1/\sqrt{d_k}$, in code `d_k**-0.5`, is called the **scale**. You met it
under another name: dividing scores by a number before the softmax is a
*temperature* (lesson 3), here $\sqrt{d_k}$.
"""

# %%
d_k = 128
score = key[:, :d_k] @ stranger[:d_k]
scaled = softmax(score * d_k**-0.5)
print(scaled, np.allclose(scaled, softmax(score, temperature=d_k**0.5)))

# %% [markdown]
r"""
South still gets most, 0.59, but no longer everything: about as undecided as with two components.
That is the aim: *how many* components there are should not decide how sure the lookup is.

## The whole function

Put together, for several queries at once:

$$\text{output} = \text{softmax}\!\left(
\frac{\text{query} \; \text{key}^\mathsf{T}}{\sqrt{d_k}}\right) \text{value} .$$

This is equation 1 of *Attention Is All You Need*, where it is called scaled
dot-product attention. As a loop, it is lesson 1 with $1/\sqrt{d_k}$ for its sharpness:
"""


# %%
def attention_loop(query, key, value):
    output = np.zeros((len(query), value.shape[1]))
    for i, q in enumerate(query):
        scores = [(q @ k) / len(q) ** 0.5 for k in key]
        total = sum(np.exp(s) for s in scores)
        for s, v in zip(scores, value, strict=True):
            output[i] += np.exp(s) / total * v
    return output


# %% [markdown]
r"""
With matrices, `swapaxes(-1, -2)` transposes the last two axes only, so that
the function also works on whole stacks of queries and keys, with more axes in
front.
"""


# %%
def scaled_dot_product_attention(query, key, value):
    d_k = query.shape[-1]
    scores = query @ key.swapaxes(-1, -2) * d_k**-0.5
    weights = softmax(scores)  # (..., n_q, n_k), each row sums to 1
    return weights @ value  # (..., n_q, d_v)


# %% [markdown]
r"""
Take three queries of 64 components: the first is the stranger; the second resembles south, its
numbers plus noise, as large as they are; the third lies halfway between south and west,
the mean of their numbers.
"""

# %%
keys = key[:, :64]  # (n_k, d_k)
south, west = keys[3], keys[4]
noisy = south + np.random.default_rng(2).normal(size=64)
query = np.stack([stranger[:64], noisy, (south + west) / 2])
output = scaled_dot_product_attention(query, keys, value)
print(output.round(2))  # (n_q, d_v)

# %% [markdown]
r"""
The stranger gets a bit of everything. The noisy query gets 21 °C, the weather of south: a
real likeness still wins, although the scores are scaled. The third is a surprise: 20.04 °C,
nearly all south, and not the mean of 21 and 13. Look at the lengths of the two keys, $\lVert k \rVert$:
"""

# %%
print(np.linalg.norm(south).round(1), np.linalg.norm(west).round(1))

# %% [markdown]
r"""
The key of south happens to be longer, and with the dot product a longer key wins (lesson 2),
which the scale does not change: it is one factor for all keys.

The check, against the loop and against `course_utils`:
"""

# %%
loop = attention_loop(query, keys, value)
general = course_utils.scaled_dot_product_attention(query, keys, value)
print(np.allclose(output, loop), np.allclose(output, general))

# %% [markdown]
r"""
> **Why does a real likeness win?** A query that *equals* a key scores the sum of
> $d_k$ squares, about $d_k$; a query unrelated to it scores about $\pm\sqrt{d_k}$.
> Scaled: $\sqrt{d_k}$ against $\pm 1$. So more components do tell like from
> unlike better; the scale only keeps chance from looking like likeness.

## Add components

Now add components yourself, two at a time, and let the stranger ask. Watch:

- the **dots**, one for each wind: which row of them flies apart? (Five dots show
  a spread only roughly.)
- the **bars**: when has one orange bar (unscaled) it all? Does the winner stay the
  same as you go on? And the blue bars?
- the **curves**: how even the weights are, as a mean over 300 such queries: their
  entropy (lesson 3) in per cent of $\ln n_k$, the entropy of equal weights.
"""

# %%
counts = np.arange(2, 257, 2)
rng = np.random.default_rng(1)
strangers = rng.normal(size=(300, 256, 1))
logs = rng.normal(size=(300, 5, 256))  # five keys for each
evenness = {"scaled": [], "unscaled": []}
for d_k in counts:
    scores = (logs[..., :d_k] @ strangers[:, :d_k])[..., 0]
    # scores: (300, n_k)
    for name, scale in (("scaled", d_k**-0.5), ("unscaled", 1)):
        even = entropy(softmax(scores * scale)).mean() / np.log(5)
        evenness[name].append(100 * even)


# %%
trend = {
    "title": "Evenness, mean of 300",
    "axes": ("components, d_k", "entropy (% of ln n_k)"),
    "xticks": range(0, 257, 64),
}
dots = {"title": "Scores", "axis": "score", "ticks": range(-30, 31, 15)}


# %% tags=["hide-input"]
def components(d_k):
    score = key[:, :d_k] @ stranger[:d_k]
    scores = {"scaled": score * d_k**-0.5, "unscaled": score}
    weights = {name: softmax(s) for name, s in scores.items()}
    most = np.argmax(score)
    gets = [f"{w[most]:.2f} {name}" for name, w in weights.items()]
    return figures.beside(
        figures.strips(scores, **dots),
        figures.paired_bars(weights, names, title="Weights"),
        figures.curves(counts, evenness, at=d_k, **trend),
        caption=f"{d_k} components: {names[most]} gets {', '.join(gets)}",
    )


d_k = figures.slider(2, 256, 2, start=64, label="components, d_k")
figures.panel(components, d_k=d_k)

# %% [markdown]
r"""
The orange dots fly apart, the blue ones stay in a clump. One orange bar takes nearly everything,
then another one:
"""

# %%
for count in (8, 32, 64, 256):
    print(components(count).caption)

# %% [markdown]
r"""
Unscaled, eight components are sure of west, and 32 of south, while the scaled weight of
the same wind stays well below 1.

A softmax that is so sure has another fault. A model learns by small nudges of its numbers, in the
direction that makes its error (the **loss**) smaller. But nudge such scores, and the weights hardly move.
How far they move is the **gradient** of the softmax, which the last part of this lesson measures.

## Where it goes wrong

**The wrong size, or the wrong place.** The scale is short, and wrong in many
programs:

- it was [left out](https://github.com/huggingface/blog/pull/2893) of the code in
  a published explanation, below a formula that had it;
- one implementation took the root of [the model's whole
  width](https://github.com/jadore801120/attention-is-all-you-need-pytorch/issues/42)
  in place of that of one query, and so did
  [another](https://github.com/lucidrains/vit-pytorch/issues/65);
- a third scaled the weights, after the softmax, as readers reported
  [in 2021](https://github.com/FrancescoSaverioZuppichini/ViT/issues/2) and
  [again in 2023](https://github.com/FrancescoSaverioZuppichini/ViT/issues/6).

Run them, and four more, on the three queries of 64 components. Here the width is 512, as if
eight such queries stood side by side (lesson 9 does that), $n_k = 5$ and $d_v = 3$.
"""

# %%
score = query @ keys.T  # (n_q, n_k), d_k = 64
wrong = {
    "right: d_k ** -0.5": softmax(score * 64**-0.5),
    "left out": softmax(score),
    "d_k ** -1": softmax(score / 64),
    "width ** -0.5": softmax(score * 512**-0.5),
    "n_k ** -0.5": softmax(score * 5**-0.5),
    "d_v ** -0.5": softmax(score * 3**-0.5),
    "times d_k ** 0.5": softmax(score * 64**0.5),
    "after the softmax": softmax(score) * 64**-0.5,
}
print(
    f"{'largest weight of':18} stranger  noisy  south+west    row sum"
)
for name, w in wrong.items():
    alone, noisy_, both = w.max(axis=-1)
    print(
        f"{name:20} {alone:6.2f}  {noisy_:5.2f}  {both:10.2f}", end=" "
    )
    print(f"{w.sum(axis=-1)[0]:10.3f}")

# %% [markdown]
r"""
None of them raises an error. Too small a divisor makes up its mind about the *stranger*, which
deserves no certainty; too large a one (the line of `d_k ** -1`) has doubts about *noisy*,
which is south. Only the last fault shows in a row sum, 0.125 in place of 1.

How to notice: test with $d_k$, $d_v$, $n_q$ and $n_k$ all different, so that no
two roots are the same; draw queries and keys of variance 1, and look whether the
scores going into the softmax have a spread near 1; sum the rows of the weights.

## Back to the first harbour

The `sharpness` of lesson 1 was a scale. With `scale=4`, the function of `course_utils` gives the
weather of lesson 1 at 225°, halfway between south and west.
"""

# %%
angle = np.radians([0, 45, 90, 180, 270, 225])
wind = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
vane, winds = wind[5:], wind[:5]  # one query, five keys of length 1
now = course_utils.scaled_dot_product_attention(
    vane, winds, value, scale=4
)
then = course_utils.soft_lookup(vane, winds, value, sharpness=4)
for one, other in zip(now[0], then[0], strict=True):
    print(f"{one:.12f}  {other:.12f}")

# %% [markdown]
r"""
The same weather, to the last digit printed. And without `scale=4`?
"""

# %%
default = course_utils.scaled_dot_product_attention(vane, winds, value)
print(f"scale {2**-0.5:.2f}: {default[0, 0]:.2f} °C")

# %% [markdown]
r"""
The default $1/\sqrt{2}$ blends far more of the cold winds in. It is made for
components of variance 1, and these keys have length 1: their scores cannot leave the range
from −1 to 1. The scale has to fit how the vectors were made, which is the third exercise.

## Why not make all of them length one?

Then no score could be large, and long keys would have no advantage (lesson 2). But see what the
best key can get *at most*, with a cosine of 1 where all others have −1:
"""

# %%
for scale in (1, 4, 8):
    for n_k in (5, 1000):
        cosines = np.array([1.0] + [-1.0] * (n_k - 1))
        best = softmax(scale * cosines)[0]
        print(f"scale {scale}, {n_k:4} keys: {best:.3f}", end="   ")
    print()

# %% [markdown]
r"""
Among 1000 keys a perfect match gets at most 0.007 at scale 1: the rest drown it. So the
length would have to come back as a scale, and a model that does bring queries and keys to length
one learns it (Henry et al., 2020). The fourth exercise asks how large it must be.

## A sentence asks itself

In a model that reads, queries and keys come from one sentence. Here is the one of the next
lessons, cut into tokens, and a count for the prologue's:
"""

# %%
tokens = ["the", "cat", "sat", "on", "the", "mat"]
tokens += ["because", "it", "was", "tired"]
for position, token in enumerate(tokens):
    print(f"{position} {token}", end="   ")
print()
print(len(tokens), "tokens,", len(tokens) ** 2, "pairs to score")
row = look_back()["nothing"][-1].row  # from the last V
ahead = np.log(row[2] / row[0])  # "ex" and "Captain"
print(f"prologue: {len(row) ** 2} pairs, ex ahead by {ahead:.0f}")

# %% [markdown]
r"""
> **In a language model.** Every token *asks*, *is asked* and *answers*: it has a query, a key and a value.
> One call scores all pairs, 441 in the prologue's sentence. At random, scaled scores would
> scatter by about 1. From the last "V", that of "ex" is ahead of the next best by about 5: with the
> scale, chance seldom looks like this, and a match does.

Read token 7, "it". To know what is meant, you looked back, at "cat" and perhaps at "mat", and
"tired" decided. But may every token ask every other? A model that writes the sentence from left to
right must not see "tired" when it writes "it". And where several sentences share one array, a
**batch**, the shorter are filled up with tokens that nobody should ask. **In a sentence, who may
look at whom?**

## In short

A dot product of $d_k$ independent components of variance 1 has the variance $d_k$.
Unscaled, scores spread like $\sqrt{d_k}$ and saturate the softmax, which becomes
certain by chance. Dividing by $\sqrt{d_k}$ keeps the spread at 1 however many
components there are. It is a temperature, it stands before the softmax, and $d_k$ is
the number of components of a query, no other size. Scores, scale, softmax, weighted sum: that is
scaled dot-product attention.

**Now you:** [the exercises of this
lesson](../exercises/05_scaled_dot_product_attention.ipynb). After them you have a
function that looks everywhere. [Lesson 6](06_masks.ipynb) decides where it may not look.
"""

# %% [markdown]
r"""
## For those who want to know more: sharpness and gradient

How far does a nudge of the scores move the weights? (Lesson 10 follows the gradient through a whole
model.) On this the sources disagree, so measure it. *Attention Is All You Need* writes that its authors
"suspect" that large dot products push the softmax into regions where it has
"extremely small gradients". A textbook (Zhang, Lipton, Li and Smola, *Dive into
Deep Learning*, in the section on queries, keys and values) says of the softmax that
"its gradient never vanishes".

If score $j$ is nudged by a small amount, weight $i$ moves by that amount times

$$J_{ij} = \text{weight}_i \, (\delta_{ij} - \text{weight}_j), \qquad
\delta_{ij} = 1 \text{ if } i = j, \text{ else } 0 .$$

These $n_k \times n_k$ numbers are the *Jacobian* of the softmax. First see that
the formula is right: nudge one score, and compare.
"""


# %%
def jacobian(weights):
    own = weights[..., None] * np.eye(weights.shape[-1])
    return own - weights[..., None] * weights[..., None, :]


score = np.array([1.0, 0.0, 2.0])
nudged = score + np.array([0, 1e-6, 0])  # score 1 only
print((softmax(nudged) - softmax(score)) / 1e-6)
print(jacobian(softmax(score))[:, 1])

# %% [markdown]
r"""
Raise one score, and its weight rises, while the others together lose what it gains. The **size** of
the Jacobian is the root of the sum of its squares. Here it is for 32 keys that are all level, for
two that lead, and for one that leads:
"""

# %%
for leaders in (0, 2, 1):
    score = np.zeros(32)
    score[:leaders] = 20
    size = np.linalg.norm(jacobian(softmax(score)))
    print(f"{leaders} leaders: {size:.2f}")

# %% [markdown]
r"""
A softmax moves most when two keys compete, less when all are level, and hardly at
all when the choice is made.

With 32 keys, how do the evenness of the weights and the size of the
Jacobian change with $d_k$? If the textbook is right, the size stays away from 0; if the paper
is, it shrinks.
"""


# %%
def measure(d_k, scale, seed):
    rng = np.random.default_rng(seed)
    query, key = rng.normal(size=(500, d_k)), rng.normal(size=(32, d_k))
    weights = softmax(query @ key.T * scale)  # (n_q, n_k)
    even = entropy(weights).mean() / np.log(32)
    size = np.linalg.norm(jacobian(weights), axis=(-1, -2))  # (n_q,)
    return even, size.mean(), np.median(size), np.mean(size < 0.01)


# %%
sizes = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
found = {}
for name, power in (("scaled", -0.5), ("unscaled", 0)):
    found[name] = np.array(
        [
            [measure(d, d**power, seed) for seed in range(6)]
            for d in sizes
        ]
    )  # (sizes, seeds, 4 measures)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for name, runs in found.items():
    mean, std = runs.mean(1), runs.std(1)  # over the seeds
    left.errorbar(sizes, mean[:, 0], std[:, 0], label=name, capsize=3)
    right.errorbar(sizes, mean[:, 1], std[:, 1], label=name, capsize=3)
right.plot(sizes, mean[:, 2], label="unscaled, median")
left.set(title="Evenness", ylabel="entropy / ln n_k", ylim=(0, 1))
right.set(title="Jacobian", ylabel="size, mean of 500", ylim=(0, 0.4))
for axes in (left, right):
    axes.set_xscale("log", base=2)
    axes.set(xlabel="d_k", xticks=sizes[::2], xticklabels=sizes[::2])
    axes.legend(loc="lower left")

# %% [markdown]
r"""
Each point is the mean over six seeds of 500 queries each. The numbers at four sizes:
"""

# %% tags=["hide-input"]
print("           d_k  evenness     size  median  below 0.01")
for name, runs in found.items():
    for d in (1, 8, 64, 1024):
        even, size, median, small = runs.mean(1)[sizes == d][0]
        print(f"{name:9} {d:4}  {even:8.2f} {size:8.2f}", end=" ")
        print(f"{median:7.2f}  {small:10.2f}")

# %% [markdown]
r"""
- **Evenness.** Scaled, it settles at 0.87; unscaled it falls, to 0.03 at $d_k =
  1024$: nearly all weight on one key of 32.
- **Size.** Scaled, it stays near 0.24. Unscaled, it *rises* at first: at $d_k = 8$ the unscaled
  softmax moves more than the scaled one, since a few keys compete; beyond that it falls.
- **The mean hides most of it.** At $d_k = 64$ the mean has lost little, 0.20
  against 0.24. But for about one query in five the size is below 0.01, and at
  $d_k = 1024$ for seven in ten: the median is 0.00. The few queries with two
  leaders nearly level hold up the mean.

So both have a point. In exact arithmetic the gradient never *is* zero, but without the
scale more and more queries get next to none of it as $d_k$ grows, while with the scale all
of them get some.

Remember what was measured. The components are independent and of variance 1;
where a query and a key have come to agree, as with the noisy one, their score grows
like $d_k$. We measured the softmax alone: the gradient that reaches the query is
also multiplied by the keys and by the scale. And we trained nothing, so this says
what may go wrong, not how much it costs.

> **Is the root the only choice?** No: the method of Yang et al. (2022) for making
> models wider [divides by $d_k$ itself](https://github.com/microsoft/mup). The
> model T5 uses no scale at all: there it is [put into the numbers that the model
> starts from](https://github.com/facebookresearch/xformers/issues/522).

### A scale that doubles the memory

Keep the queries in `float32`, at half the bytes of NumPy's usual `float64`, and watch what the
scale does to them.
"""

# %%
small = query.astype(np.float32)
for name, scale in (
    ("1 / np.sqrt(64)", 1 / np.sqrt(64)),
    ("64 ** -0.5", 64**-0.5),
):
    result = small * scale
    kind = type(scale).__name__
    print(f"{name:15} a {kind:7} gives {result.dtype}, ", end="")
    print(result.nbytes, "bytes")

# %% [markdown]
r"""
Both scales are the number 0.125. But `np.sqrt` returns a NumPy `float64`, and
since NumPy 2 a `float64` number counts as much as a `float64` array: the product
becomes `float64`, and so does everything after it, at twice the memory. A plain
Python number adapts to the array it meets. (The rule is NumPy's enhancement
proposal 50.) A test of the *values* never sees this, so test the dtype too, and
write `d_k ** -0.5`.
"""

# %% [markdown]
r"""
## Symbols and names

| name | shape | meaning |
|---|---|---|
| $d_k$, `d_k` | a whole number | how many components a query and a key have |
| `scores` | (..., n_q, n_k) | dot products times the scale |
| `scale` | a number | what scores are multiplied by, $1/\sqrt{d_k}$ by default |
| spread | a number | the standard deviation of scores |
| `weights` | (..., n_q, n_k) | the softmax of the scores; each row sums to 1 |
| `output` | (..., n_q, d_v) | the weighted sums of the values |
| $J$, `jacobian` | (n_k, n_k) | how each weight moves with each score |
| token | | a piece of text that gets a vector |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.2.1: the formula, the
  suspicion, and in a footnote the variance that you measured. Their $d_k$ is 64.
- Zhang, Lipton, Li and Smola, *Dive into Deep Learning* (2023), the chapter on
  attention mechanisms: queries, keys and values, and scoring functions.
- Henry, Dachapally, Pawar and Chen, *Query-Key Normalization for Transformers* (2020):
  queries and keys of length one, and a learnt scale.
- Yang et al., *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot
  Hyperparameter Transfer* (2022): how the numbers inside a model should grow with
  its width.
- Berg, [NEP 50: Promotion rules for Python
  scalars](https://numpy.org/neps/nep-0050-scalar-promotion.html) (2021): what
  became of `float32` in NumPy 2.
"""
