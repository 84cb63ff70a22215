# %% [markdown]
r"""
# Choose what may be seen

How is a position kept from seeing what it must not see?

**What you'll build.** `causal_mask`, which hides the future, `padding_mask`, which
hides what is only filling, and `masked_softmax`, which gives hidden keys a weight
of exactly 0. And a test that finds a mask that leaks.

**What you'll learn.** To write a mask for a given rule, to combine two rules, to predict
which outputs move when one token is edited, and, in the last part, to diagnose six famous
mask bugs by what they leak.

**What you'll need.** Lessons 1 to 5. The main line takes about 20 minutes, the first exercise 5
more; with the part for those who want to know more, and all exercises, it is 85.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, softmax
from course_utils.learner import predict
from course_utils.tasks import little_sentence

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## A model that writes

Lesson 5 ended with a sentence of ten tokens. Each token now gets a vector, made by
hand. Its components have names: a 2 says what the token *is*, a 1 what it hints at.
"""

# %%
tokens, features, x = little_sentence()  # x: (10, 7)
for position, token in enumerate(tokens):
    named = zip(features, x[position], strict=True)
    meaning = [
        f"{name} {number:.0f}" for name, number in named if number
    ]
    print(f"{position} {token:8}", ", ".join(meaning))

# %% [markdown]
r"""
The two "the" are the same vector: nothing in it says where a token stands (lesson 8 changes
that).

Here every token uses its one vector in all three roles, as query, key and value. One call
scores all hundred pairs, and twice as many tokens would make four hundred: that is the
**quadratic cost** of attention ([lesson 14](14_efficiency.ipynb)). Here is where "it"
looks:
"""

# %%
output, weights = course_utils.scaled_dot_product_attention(
    x, x, x, return_weights=True
)
it = tokens.index("it")
for token, weight in zip(tokens, weights[it], strict=True):
    print(f"{token} {weight:.2f}", end="  ")
print()

# %% [markdown]
r"""
Mostly at the cat, which is a thing and alive, then at itself and at the mat: a sensible
guess at what "it" means. But it also looks at "was" and "tired", which come later.

Is that wrong? To *read* a finished sentence, looking ahead is welcome. But a model that
*writes* learns from sentences that others finished: at each position it has to say which
token comes next, and all ten positions are trained at once, in one call. At "it" the right
answer is "was", and there "was" stands, as a key, with a weight above 0. A model that can
look there need not learn to write; it can learn to copy, and when it has to write for
itself, there is nothing to copy from.

> **In a language model.** Recall the [prologue](00_watch_a_model_look_back.ipynb): "Captain
> Vexolin stood at the harbour … said Captain V". At the last "V" the winning key is the
> "ex" behind the first "V", far back. At the *first* "V" that same "ex" comes next: it is
> the answer. If a wrong mask shows it there, the model learns to look one ahead, where the
> answer always stands; at the last "V" nothing stands ahead, and nothing has taught it to
> look back.

## Predict first

To see what gets through, replace the last token "tired" by "soft", which is a state too,
but of things. (Now "it" is the mat.) How many of the ten outputs change?
"""

# %%
guess = predict(
    "06 how many outputs change",
    "one: that of the last token",
    "a few: those of the tokens that resemble it",
    "all ten",
)
guess

# %%
soft = np.array([0, 1, 0, 0, 0, 0, 2])  # thing 1, state 2
edited = np.vstack([x[:9], soft])
after = course_utils.scaled_dot_product_attention(
    edited, edited, edited
)
print(np.linalg.norm(after - output, axis=-1))  # one for each token
guess.reveal(right=2)

# %% [markdown]
r"""
All ten, because a softmax never gives a weight of 0 (lesson 3), so every output holds a
little of every value. The last moves most, since its query, key and value all changed.

An output that moves when something is edited that it must not see is a **leak**.
That can be tested: edit, and compare.

## A mask

A **mask** says for each query and each key whether the one may see the other: a
boolean array of shape (n_q, n_k). A row is a query, a column a key, and **True means
"may attend"**. For a model that writes the rule is: each position sees itself and
all before it. As a loop:
"""


# %%
def causal_mask_loop(n_q, n_k):
    mask = np.zeros((n_q, n_k), dtype=bool)
    for i in range(n_q):
        for j in range(n_k):
            mask[i, j] = j <= i
    return mask


print(causal_mask_loop(5, 5).astype(int))

# %% [markdown]
r"""
It is called **causal**: nothing later has an effect on anything earlier. The diagonal is
allowed, for at position $i$ the model *knows* token $i$, and has to guess token $i + 1$.

Without the loop: compare a column of query positions with a row of key positions.
"""


# %%
def causal_mask(n_q, n_k):
    i = np.arange(n_q)[:, None]  # (n_q, 1)
    j = np.arange(n_k)  # (n_k,)
    return j <= i  # (n_q, n_k)


loop, general = causal_mask_loop(10, 10), course_utils.causal_mask(10)
print(np.array_equal(causal_mask(10, 10), loop), end=" ")
print(np.array_equal(causal_mask(10, 10), general))

# %% [markdown]
r"""
## Weights that are exactly 0

A hidden key must get the weight 0, and the others must share the whole among
themselves. The plainest way is to leave the hidden keys out:
"""


# %%
def masked_softmax_loop(scores, mask):
    weights = np.zeros(scores.shape)
    for i in range(len(scores)):
        seen = mask[i]  # which keys query i may see
        weights[i, seen] = softmax(scores[i, seen])
    return weights


# %% [markdown]
r"""
This loop is the specification. But its rows have unequal numbers of keys, which an array
cannot have. So keep every key, and give the hidden ones the score $-\infty$. Since
$e^{-\infty} = 0$, they get no weight, and have no share in the sum either.

$$\text{weights} = \text{softmax}(\text{hidden}), \qquad
\text{hidden}_{ij} = \begin{cases} \text{scores}_{ij} & \text{if mask}_{ij} \\
-\infty & \text{else} \end{cases}$$

This is how *Attention Is All You Need* does it (section 3.2.3).
"""


# %%
def masked_softmax(scores, mask):
    hidden = np.where(mask, scores, -np.inf)
    most = hidden.max(axis=-1, keepdims=True)
    exponentials = np.exp(hidden - most)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


causal = causal_mask(10, 10)
scores = x @ x.T * 7**-0.5  # (n_q, n_k)
weights = masked_softmax(scores, causal)
for other in (masked_softmax_loop, course_utils.masked_softmax):
    print(np.allclose(weights, other(scores, causal)), end=" ")
print()
print(weights[:4])

# %% [markdown]
r"""
The three give the same weights, and every row sums to 1, over the keys that it may see.

Could one not compute the softmax first, set the hidden weights to 0, and divide each row by what
is left of it?
"""


# %%
def mask_late(scores, mask):
    left = softmax(scores) * mask
    return left / left.sum(axis=-1, keepdims=True)


print(np.allclose(mask_late(scores, causal), weights))
high = np.array([[1.0, 2, 900]])  # the hidden score is the highest
few = np.array([[True, True, False]])
with np.errstate(invalid="ignore"):
    print(mask_late(high, few), masked_softmax(high, few))

# %% [markdown]
r"""
In exact arithmetic that is right, though everything is shared out twice. But where a hidden
score towers over the visible ones, these have rounded to 0 before the repair: 0 divided by
0. And whoever forgets the second division has a bug, which the last part measures.

Now the edit again, "soft" for "tired", with the mask:
"""


# %%
def attend(x, mask):
    weights = masked_softmax(x @ x.T * x.shape[-1] ** -0.5, mask)
    return weights @ x, weights


moved = np.linalg.norm(
    attend(edited, causal)[0] - attend(x, causal)[0], axis=-1
)
print(moved, np.all(moved[:9] == 0))

# %% [markdown]
r"""
Nine outputs do not move at all: in them the edited token's value has weight 0, and its key
takes no part in the sum.

## Fewer queries than keys

A model that writes works one token at a time. When "it" has just been written, only "it" still has to ask: one query, eight keys, and the query stands at position 7, not 0. The
position of the first query among the keys is called the **offset**: query $i$ sees key $j$
if $j \le i + \text{offset}$.
"""

# %%
print(course_utils.causal_mask(1, 8, offset=7).astype(int))
print(course_utils.causal_mask(1, 8).astype(int), "without offset")
print(course_utils.causal_mask(2, 10, offset=4).astype(int))

# %% [markdown]
r"""
With the offset, "it" sees all eight; without, the mask takes it for the first token of all.
The last mask is for queries at positions 4 and 5. Is the answer the same as in the whole
sentence?
"""

# %%
whole = attend(x, causal)[0][it]
for offset in (7, 0):
    mask = course_utils.causal_mask(1, 8, offset=offset)
    one = course_utils.scaled_dot_product_attention(
        x[7:8], x[:8], x[:8], mask
    )
    print(f"offset {offset}: equal {np.allclose(one[0], whole)}")

# %% [markdown]
r"""
> `scaled_dot_product_attention` takes any mask as `attn_mask`, its fourth argument. With
> `is_causal=True` it makes a causal one, but with offset 0, as PyTorch does: not for this
> case.

## What is only filling

Sentences differ in length, arrays do not. So shorter sentences are filled up at the end,
and the filling is called **padding**. Here are two sentences in one array, a **batch**:
ours, and "the cat sat", padded with vectors of zeros.
"""

# %%
lengths = np.array([10, 3])
batch = np.stack([x, x])  # (batch, n, d)
batch[1, 3:] = 0
alone = course_utils.scaled_dot_product_attention(x[:3], x[:3], x[:3])
padded = course_utils.scaled_dot_product_attention(batch, batch, batch)
print(alone[2])
print(padded[1, 2])

# %% [markdown]
r"""
That is "sat", alone and padded. The padding holds nothing but zeros, and still 1.36 becomes
0.79: a key of zeros has the score 0, and $e^0 = 1$, so the seven paddings take a good part
of the weight.

A padding mask hides the keys from the length on. One row serves all queries of a
sentence, so its shape is (batch, 1, n_k).
"""


# %%
def padding_mask(lengths, n_k):
    return np.arange(n_k) < lengths[:, None, None]  # (batch, 1, n_k)


mask = padding_mask(lengths, 10)
general = course_utils.padding_mask(lengths, 10)
print(mask.shape, np.array_equal(mask, general))
padded = course_utils.scaled_dot_product_attention(
    batch, batch, batch, mask
)
print(padded[1, 2], np.allclose(padded[1, :3], alone))

# %% [markdown]
r"""
Now the short sentence does not notice its padding. (The seven padded positions are queries
too, but nobody reads their outputs.)

## Both at once

Put the two rules together: a query may see a key if the one allows it **and** the
other does. In NumPy that is `&`, and the axes of size 1 are repeated as needed.
"""

# %%
both = causal & mask  # (n_q, n_k) and (batch, 1, n_k)
print(both.shape, end=" ")
print(np.array_equal(both, course_utils.combine_masks(causal, mask)))
print(both[1, :5].astype(int))

# %% [markdown]
r"""
The first five rows for the short sentence: a triangle, cut off after the third
column. Do its three words need the cut?
"""

# %%
short = batch[1] @ batch[1].T * 7**-0.5
one, two = masked_softmax(short, causal), masked_softmax(short, both[1])
print(
    [bool(np.array_equal(*rows)) for rows in zip(one, two, strict=True)]
)

# %% [markdown]
r"""
They do not: padding behind them lies in their future, which the causal mask hides already.
So when does a model that writes need both rules?

## Nothing to see

It needs both where padding stands in front. That is handy for writing: all sentences
then end in the same column, where they go on. But look at what is left to see:
"""

# %%
in_front = np.arange(5) >= 2  # two paddings, then three tokens
mask = causal_mask(5, 5) & in_front
print(mask.astype(int))
with np.errstate(invalid="ignore"):
    print(masked_softmax(np.zeros((5, 5)), mask))

# %% [markdown]
r"""
The first two queries may see nothing. All their scores are $-\infty$, so is the maximum,
and $-\infty - (-\infty)$ is `nan`, "not a number", which spoils every sum that it gets
into.

What *should* a query get that may see nothing? PyTorch, a library for building models, first
preferred `nan` to equal weights; since 2024 its `scaled_dot_product_attention` [gives
zeros](https://github.com/pytorch/pytorch/pull/131060), its `MultiheadAttention` by default still `nan`.
Zeros are what the loop above starts from, and what this course gives (how, exercise 3 asks):
"""

# %%
print(course_utils.masked_softmax(np.zeros((5, 5)), mask)[:3])

# %% [markdown]
r"""
Such rows sum to 0, not to 1, and their output is a vector of zeros.

## A mask by chance: dropout

In training, many models also hide some keys *at random*, so that no output comes to rely on
a single one. This is **dropout** (Srivastava et al., 2014), here of weights, after the
softmax, each with probability $p$. But then a row no longer sums to 1:
"""


# %%
def dropout(weights, p, rng):
    kept = rng.random(weights.shape) >= p
    return weights * kept / (1 - p)


rng = np.random.default_rng(0)
many = np.stack([dropout(weights, 0.25, rng) for _ in range(10000)])
print("sums of five draws:", many[:5, it].sum(axis=-1))
print("mean of all draws: ", many[:, it].sum(axis=-1).mean().round(2))
print(np.abs(many.mean(axis=0) - weights).max() < 0.02)

# %% [markdown]
r"""
What is kept is divided by $1 - p$, the share that survives; so *on average* each weight is
what it was. A model in use drops nothing (PyTorch's function drops wherever `dropout_p` is above 0), and needs no correction.

## Blot out a word

Now edit any word you like. The slider says which word gets an ink blot: its vector
becomes zeros. Left, attention without a mask, right, with the causal mask. The sentence may be
your own: write it in the next cell, with words of this one, at least six. Watch:

- the **ringed column**: the key of the blotted word. Which queries give it weight?
- the **bars**: how far each output moves. Orange ones are leaks: these
  queries stand before the blot.
- Go to the first word, then to the last. On which side does nothing change?
"""


# %%
sentence = "the cat sat on the mat because it was tired"
words = sentence.split()
own = x[[tokens.index(word) for word in words]]


def moves(position, mask):
    edited = own.copy()
    edited[position] = 0
    before, after = attend(own, mask)[0], attend(edited, mask)[0]
    return np.linalg.norm(after - before, axis=-1).round(9)


# %% tags=["hide-input"]
past = causal_mask(len(words), len(words))
masks = {
    "without a mask": np.full(past.shape, True),
    "with the causal mask": past,
}


def side(name, position):
    _, weights = attend(own, masks[name])
    return figures.reach(
        figures.AttentionWeights(weights, queries=words, keys=words),
        moves(position, masks[name]),
        past[:, position],
        title=name.capitalize(),
        edited=position,
        largest=3,
    )


def blot(position):
    leaks = [
        f"{np.sum(moves(position, mask)[:position] > 0)} {name}"
        for name, mask in masks.items()
    ]
    caption = f"“{words[position]}” at {position} blotted out; leaks: "
    return figures.beside(
        *(side(name, position) for name in masks),
        caption=caption + ", ".join(leaks),
    )


last = len(words) - 1
position = figures.slider(
    0, last, 1, start=min(7, last), label="position of the blot"
)
figures.panel(blot, position=position)

# %% [markdown]
r"""
Without a mask every blot moves every output, and each one before the blot is a leak.
With the causal mask only the part of the ringed column on and below the diagonal has
weights, and exactly these outputs move. **To know whom an edit reaches, read down
the column of the mask.** In numbers:
"""

# %%
for position in (0, 5, last):
    print(blot(position).caption)
print(moves(5, past))

# %% [markdown]
r"""
## Where it goes wrong

From outside a leak looks like success. Somebody passed a mask in which True meant "hide" to code in which True means "see", and soon reported [an accuracy of
100%](https://github.com/tensorflow/text/pull/894). Here are two such traps.

**True means two things.** In PyTorch, True means "may attend" for
`scaled_dot_product_attention`, and "must not" for `MultiheadAttention`. A notebook
that comes with a book got [caught by that](https://github.com/rasbt/LLMs-from-scratch/issues/1061). Flip the
mask, and see where "it" looks:
"""

# %%
mask = causal_mask(10, 10)
for name, m in (("right", mask), ("flipped", ~mask)):
    weights = course_utils.masked_softmax(scores, m)[it]
    seen = [
        f"{t} {w:.2f}"
        for t, w in zip(tokens, weights, strict=True)
        if w
    ]
    print(f"{name:8}", ", ".join(seen))

# %% [markdown]
r"""
Every row still sums to 1 (but the last, which sees nothing). The book's
[repair](https://github.com/rasbt/LLMs-from-scratch/pull/1062) came with a test, which is
our leak test: edit future tokens, and see that earlier outputs stay.

**Large is not infinite.** Some hide with −10,000 in place of $-\infty$. A user who trained
such a model saw [training errors near 0, and very bad
texts](https://github.com/karpathy/minGPT/issues/75): the model had found out how to push
its own scores below −10,000.
"""

# %%
score = np.array([-15000.0, -15001.0, -14000.0, -14000.0])
mask = np.array([True, True, False, False])
print(softmax(np.where(mask, score, -1e4)))
print(course_utils.masked_softmax(score, mask))

# %% [markdown]
r"""
With −10,000 the two hidden keys get everything, and with $-\infty$ nothing: test with scores that
are far from 0.

## In short

A mask is a boolean array with a row for each query and a column for each key; True means
"may attend". The causal mask hides the future, the padding mask hides filling, and rules
combine with AND. Hidden scores become $-\infty$ *before* the softmax, and a query that sees
nothing gets zeros. A leak is an output that moves when something is edited that it must not
see: edit, compare, and expect 0, up to rounding.

**Now you:** [the exercises of this lesson](../exercises/06_masks.ipynb). After them you can
say who may look at whom. But so far a token had one vector for everything. Must it ask as
it answers, and may one sentence ask another? That is [lesson
7](07_self_and_cross_attention.ipynb).

## For those who want to know more: six bugs, measured

Here are six mistakes, three of which you have met, each in one line beside the right one. Of
the twelve positions the first three are padding.
"""

# %%
n = 12
causal, real = causal_mask(n, n), np.arange(n) >= 3
may = causal & real
late, masked = (
    course_utils.causal_mask(n, offset=1),
    course_utils.masked_softmax,
)
attentions = {
    "right": lambda s: masked(s, may),
    "diagonal off by one": lambda s: masked(s, late & real),
    "inverted": lambda s: masked(s, ~may),
    "OR for AND": lambda s: masked(s, causal | real),
    "after the softmax": lambda s: softmax(s) * may,
    "scores times 0": lambda s: softmax(s * may),
    "−1e9 in place of −inf": lambda s: softmax(np.where(may, s, -1e9)),
}

# %% [markdown]
r"""
**What does each of them leak, and through what?** A token enters as a key and as a value.
(Also as a query, but that moves only its own output, and may.) So replace one key, or one
value, by a fresh one, and measure how far each output moves. All vectors are drawn at
random, with $\sqrt{d_k} = 4$. If each bug let something of everything through, every edit would find every bug.
"""


# %%
def influence(weigh, seed):
    """How far each output moves: (key or value, n_q, edited position)."""
    rng = np.random.default_rng(seed)
    query, key, value, *fresh = rng.normal(size=(5, n, 16))
    moved = np.zeros((2, n, n))
    before = weigh(query @ key.T / 4) @ value
    for j in range(n):
        for kind in range(2):
            edited = [key.copy(), value.copy()]
            edited[kind][j] = fresh[kind][j]
            after = weigh(query @ edited[0].T / 4) @ edited[1]
            moved[kind, :, j] = np.linalg.norm(after - before, axis=1)
    return moved


# %%
moved = {
    name: np.stack([influence(weigh, seed) for seed in range(20)])
    for name, weigh in attentions.items()
}  # each (seeds, 2, n_q, n_k)

# %% [markdown]
r"""
Where do outputs move? A row is an output, a column the edited position, both edits added
up, mean of 20 seeds; dark means moved.
"""

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(7.6, 4.4))
edge = np.arange(n + 1) - 0.5
for axis, (name, m) in zip(axes.flat, moved.items(), strict=False):
    axis.imshow(m.sum(1).mean(0), cmap="Blues", vmin=0, vmax=3)
    axis.step(edge, edge, "k", where="post", linewidth=1)
    axis.axvline(2.5, color="black", linewidth=1)
    axis.set_title(name, fontsize=9)
    axis.set(xticks=[], yticks=[], xlabel="edited →", ylabel="output")
    axis.grid(False)
axes.flat[-1].axis("off")
legend = "steps: the future\nbegins\n\nline: padding ends"
_ = axes.flat[-1].text(0, 0.4, legend)

# %% [markdown]
r"""
The right mask moves nothing above the steps and nothing left of the line. (Its early rows
are darkest: who sees few keys depends much on each.) Inverted is its negative, after the
softmax a pale copy; OR lets nearly everything through, and scores times 0 veils the whole square.

In numbers, three kinds of pairs are forbidden: a token and its future, a token and padding,
and a query in the padding with anything. A leak of 100% moves an output as far as an
allowed edit does under the right mask.
"""

# %%
i, j = np.arange(n)[:, None], np.arange(n)
groups = {
    "of the future": (j > i) & (i >= 3),
    "of padding": (j < 3) & (i >= 3),
    "who may see nothing": (j >= 0) & (i < 3),
}
allowed = moved["right"][..., may].mean(-1)  # (seeds, 2)
leak = np.array(
    [
        [
            100 * m[..., pairs].mean(-1) / allowed
            for pairs in groups.values()
        ]
        for m in moved.values()
    ]
)  # (attentions, groups, seeds, 2)

# %% tags=["hide-input"]
print(f"{'% through keys, values':24}future   padding   nothing")
for name, parts in zip(moved, leak.mean(axis=2), strict=True):
    numbers = [f"{k:5.0f} {v:3.0f}" for k, v in parts]
    print(f"{name:22}", " ".join(numbers))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(7.6, 3.4))
rows = np.arange(len(moved))
for g, group in enumerate(groups):
    for kind, name in enumerate(("keys", "values")):
        part = leak[:, g, :, kind]  # (attentions, seeds)
        look = {"fmt": "oD"[kind], "label": "through " + name}
        axes[g].errorbar(
            part.mean(1), rows + kind / 4, xerr=part.std(1), **look
        )
    axes[g].set(xlabel="leak (%)", xlim=(-8, 150))
    axes[g].set_title(group, fontsize=10)
axes[0].set_yticks(rows + 1 / 8, moved)
axes[0].invert_yaxis()
_ = axes[2].legend(loc="upper right", fontsize=9)

# %% [markdown]
r"""
Means over 20 seeds, with bars of one standard deviation.

- **The right mask leaks nothing**, in no group, through neither.
- **After the softmax** leaks through *keys alone*. The hidden weights are set to 0,
  so hidden values are gone. But the hidden scores have already been in the sum that
  everything was divided by. The rows no longer sum to 1, and what is missing tells
  of the future.
- **Scores times 0** leaks through *values alone*. A score of 0 does not depend on the
  key. But $e^0$ is 1, and so the hidden value comes in with a weight.
- **−1e9** leaks *only in queries that may see nothing*. All their scores are equally
  low, so out comes the mean of all values, of padding and future alike.
- **Diagonal off by one** leaks of the future and not of padding. (Its 14 in the last
  column is future too: the last padding sees the first token.)

So *not* every edit finds every bug. Editing only values misses one, editing only keys
misses two, and one of these shows in no query that has anything to see. **A leak
test has to edit keys and values, future and padding, and to look at every row.**
"""

# %%
print("right:", moved["right"][..., ~may].max())
lost = softmax(np.random.default_rng(0).normal(size=(n, n))) * may
print("row sums after the softmax:", lost.sum(axis=-1)[3:7])

# %% [markdown]
r"""
Over all 20 seeds the largest leak of the right mask is exactly 0. The four row sums below it, masked after
the softmax, should be 1. How much harm a leak does, random vectors cannot tell;
training can make a small leak large.

Five of them happened, and one was feared.

<details>
<summary>In which projects (a box of 3 minutes)</summary>

- *Diagonal.* A reader of a PyTorch tutorial took the right mask for a bug, and [asked whether the
  diagonal should be hidden too](https://github.com/pytorch/tutorials/issues/2250). (That would leak
  nothing, and blind the first query.) Another feared, wrongly, that a demo's mask [lets the next
  token through](https://github.com/TransformerLensOrg/TransformerLens/issues/284).
- *Inverted.* For a while PyTorch's own helper [returned the mask
  flipped](https://github.com/pytorch/pytorch/issues/29546).
- *After the softmax*, in [an image
  model](https://github.com/huggingface/pytorch-image-models/pull/2236) of a library
  that many use.
- *Times 0.* One project [multiplied the scores by the
  mask](https://github.com/georg-wolflein/good-features/pull/1). Another set hidden
  scores to [minus 1e-12](https://github.com/hyunwoongko/transformer/issues/10).
- *OR for AND*, mirrored, [in a local
  attention](https://github.com/lucidrains/local-attention/issues/5): if True means "hide", masks combine with OR.
- *−1e9* (here −1e6). A reader of a textbook found that its masked softmax [gives equal
  weights to a sequence of length 0](https://github.com/d2l-ai/d2l-en/pull/2423).

</details>

## Symbols and names

| name | shape | meaning |
|---|---|---|
| `mask` | (n_q, n_k), or what broadcasts to it | True = this query may see this key |
| `causal_mask` | (n_q, n_k) | $j \le i + \text{offset}$ |
| `offset` | a whole number | the position of the first query among the keys |
| `lengths` | (batch,) | how many keys of each sequence are real |
| `padding_mask` | (batch, 1, n_k) | $j < \text{length}$ |
| `masked_softmax` | like the scores | weights that are 0 where the mask is False |
| leak | | an output moves, though it must not see what was edited |
| dropout, $p$ | | in training, each weight is set to 0 with probability $p$, the others divided by $1 - p$ |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.2.3: in the decoder,
  scores of connections that are not allowed are set to $-\infty$ in the input of the
  softmax.
- Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014).
- PyTorch, [`scaled_dot_product_attention`](https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html):
  the same function in a large library, and a few lines of Python for it, alike but for
  queries that see nothing.
- On `nan`: a hidden value that is `nan` gets through, because 0 times `nan` is `nan`.
  So does a hidden key, [as somebody
  found](https://github.com/pytorch/pytorch/issues/101967), where a mask is added to
  its score. A mask protects from numbers only.
"""
