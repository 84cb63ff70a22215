# %% [markdown]
r"""
# Split attention into heads

What can two heads do that one cannot?

**What you'll build.** `multi_head_attention`, three ways: a loop over heads, one
reshape, and the course's own function; and the variant in which heads share their
keys and values.

**What you'll learn.** To split vectors into heads and merge them again without
mixing tokens, to compute what a model must keep in memory, to predict what one
row of weights cannot carry, and to diagnose four famous slips.

**What you'll need.** Lessons 5 to 8. The main line takes about 30 minutes, the first two exercises 15
more; with the part for those who want to know more, and all exercises, it is 105.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, scaled_dot_product_attention
from course_utils.data.look_back import look_back
from course_utils.learner import predict
from course_utils.models.two_relations import TwoRelations, trained
from course_utils.tasks import little_sentence, two_relations_task

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## Two questions at once

Each token of the little sentence has seven named features. To tell positions apart, we
append the tip of one clock hand (lesson 8), `sin` and `cos`, which turns by 36° with every
token, ten tokens once around.
"""

# %%
tokens, names, meaning = little_sentence()  # meaning: (n, 7)
turn = np.radians(36 * np.arange(10))
hand = np.stack([np.sin(turn), np.cos(turn)], axis=-1)  # (n, 2)
x = np.hstack([meaning, hand])  # (n, d_model)
features = [*names, "sin", "cos"]
it = tokens.index("it")
print("x", x.shape, "it", x[it])

# %% [markdown]
r"""

A reader who meets "it" may want to know two things: **who is meant**, and **which word
stood before**. A token asks with its vector times `w_query` (lesson 7). Here are matrices
for both questions, by hand. Columns 0 to 3 ask who is meant: things ask for a thing, and
what acts or is alive asks for one that lives.
"""


# %%
def fill(entries):
    w = np.zeros((9, 8))  # (d_model, d)
    for (feature, column), number in entries.items():
        w[features.index(feature), column] = number
    return w


w_key = fill({("thing", 0): 1, ("alive", 1): 1})
w_query = fill(
    {
        ("thing", 0): 1,
        ("alive", 0): 2,
        ("alive", 1): 4,
        ("action", 0): 1,
        ("action", 1): 2,
    }
)

# %% [markdown]
r"""
Columns 4 to 7 ask for the word before: the key is the clock hand, and the query is the same
hand turned *back* by 36°, so that it matches the hand of the token before.
"""

# %%
back = np.radians(36)
turn_back = np.array(
    [[np.cos(back), np.sin(back)], [-np.sin(back), np.cos(back)]]
)
w_query[7:, 4:6] = 8 * turn_back  # 8 and 5: loud enough to be sure
w_key[7:, 4:6] = 5 * np.eye(2)

# %% [markdown]
r"""
And the values: what is fetched from a token that is found, four features for each question.
"""

# %%
fetched = ["thing", "alive", "place", "state"]
fetched += ["article", "thing", "action", "reason"]
w_value = fill({(f, i): 1 for i, f in enumerate(fetched)})
query, key, value = x @ w_query, x @ w_key, x @ w_value
print(query.shape, key.shape, value.shape)

# %% [markdown]
r"""
The model of the [prologue](00_watch_a_model_look_back.ipynb) has 270 units that each ask a
question of their own, called **heads**: nine in each of 30 rounds, its **layers**. How many
look from the last "V" at "ex"?
"""

# %%
heads = look_back()["nothing"][-1].heads  # (layers, heads)
print(heads.shape, heads.size, "heads in all")
print((heads > 0.3).sum(), "give “ex” more than .3,", end=" ")
print((heads < 0.05).sum(), "less than .05")

# %% [markdown]
r"""
> **In a language model.** At the last "V" each of 270 heads has a query of its own, and one
> row of weights to spend. 11 of them give "ex" more than .3, and 243 hardly anything: these
> look elsewhere, and what they find stands beside the "ex" without blurring it. With one
> head in each layer, nine questions would share one row.

## Predict first

One call of the attention of lesson 5, with a causal mask (lesson 6). "it" asks both
questions at once, with one query of eight numbers. Where does it look?
"""

# %%
guess = predict(
    "09 one head and two questions",
    "at “cat”, who is meant",
    "at “because”, the word before",
    "half at “cat”, half at “because”",
    "mostly at neither of the two",
)
guess

# %%
_, weights = scaled_dot_product_attention(
    query, key, value, is_causal=True, return_weights=True
)
for token, weight in zip(tokens, weights[it], strict=True):
    print(f"{token} {weight:.2f}", end="  ")
print()
guess.reveal(right=3)

# %% [markdown]
r"""
At itself, 0.69; "cat" gets 0.00, and "because" 0.15. A score is a sum over all columns, so
the scores of the two questions are *added* before the softmax sees them:
"""

# %%
who = query[it, :4] @ key[:, :4].T * 8**-0.5  # (n_k,)
before = query[it, 4:] @ key[:, 4:].T * 8**-0.5
for position in (1, 5, 6, 7):
    a, b = who[position], before[position]
    print(f"{tokens[position]:8} {a:4.1f} + {b:6.1f} = {a + b:5.1f}")

# %% [markdown]
r"""
"cat" is best at the first and worst at the second, "because" the other way round. "it" is
good at both, and the sum prefers this compromise. Perhaps the second question is only too
loud? Turn it down by a factor:
"""

# %%
for factor in (1, 0.1, 0.05, 0.02, 0):
    scores = who + factor * before
    scores[it + 1 :] = -np.inf  # the causal mask
    weight = course_utils.softmax(scores)
    print(f"{factor:4}: cat {weight[1]:.2f}, because {weight[6]:.2f}")

# %% [markdown]
r"""
No factor gives much to both. And none ever could give 1 to both: **a token has one row of
weights, and the row sums to 1.** Were the weight shared half and half, "it" would get the
mean of two values, and a mean hides which part came from where (lesson 4).

## Give each question a softmax of its own

The cure is not to add the scores. Cut query, key and value into two parts of four columns,
attend with each part alone, and lay the two answers side by side. Each part is called a
**head**. Their answers are then multiplied by one more matrix, $W_o$ or `w_out`, which
decides to which features each answer is written. By hand again: each number goes to the
feature it was fetched from, those of head 1 at half strength, to tell them apart.
"""

# %%
strength = np.array([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
w_out = w_value.T * strength[:, None]  # (d, d_model)


# %% [markdown]
r"""
As a loop over heads, which is the specification:
"""


# %%
def multi_head_loop(x, w_query, w_key, w_value, w_out, num_heads):
    size = w_query.shape[1] // num_heads
    heads = []
    for h in range(num_heads):
        part = slice(h * size, (h + 1) * size)
        q, k = x @ w_query[:, part], x @ w_key[:, part]
        v = x @ w_value[:, part]
        heads.append(
            scaled_dot_product_attention(q, k, v, is_causal=True)
        )
    return np.concatenate(heads, axis=-1) @ w_out


matrices = (w_query, w_key, w_value, w_out)
output = multi_head_loop(x, *matrices, num_heads=2)
for feature, number in zip(features, output[it], strict=True):
    print(f"{feature} {number:.2f}", end="  ")
print()

# %% [markdown]
r"""
From head 0 "it" learns that a thing is meant that is alive (1.85), from head 1 that the
reason word stood before it (0.96). Nothing in the matrices of queries, keys and values was
changed; but the sum over eight columns became two sums over four.

As a formula (*Attention Is All You Need*, Vaswani et al., 2017, section 3.2.2):

$$\text{output} = \text{concat}(\text{head}_0, \dots, \text{head}_{h-1})\, W_o,
\qquad \text{head}_i = \text{attention}(x W_{q,i},\; x W_{k,i},\; x W_{v,i}),$$

where $W_{q,i}$ is the block of columns of $W_q$ that belongs to head $i$, and so for $W_k$
and $W_v$. With $h$ heads over $d$ columns, each has $d_k = d / h$, and *that* is what the
scale uses: $1/\sqrt{d_k}$, here $1/2$.

## The same without a loop

NumPy can attend in all heads at once, if the heads are an axis of their own, before those
of tokens and columns: `reshape` cuts each row into pieces, and `swapaxes` brings the axis
of the pieces to the front.
"""

# %%
rows = np.arange(12).reshape(3, 4)  # 3 tokens of 4 numbers
pieces = rows.reshape(3, 2, 2)  # (n, num_heads, d_k)
print(rows)
print(pieces.swapaxes(0, 1))  # (num_heads, n, d_k)

# %% [markdown]
r"""
Head 0 has the first two numbers of *every* token, head 1 the last two. Written for
any axes in front, and its exact inverse:
"""


# %%
def split_heads(x, num_heads):
    *leading, n, d = x.shape
    pieces = x.reshape(*leading, n, num_heads, d // num_heads)
    return pieces.swapaxes(-2, -3)  # (..., num_heads, n, d_k)


def merge_heads(heads):
    *leading, num_heads, n, d_k = heads.shape
    return heads.swapaxes(-2, -3).reshape(*leading, n, num_heads * d_k)


print(np.array_equal(merge_heads(split_heads(x[:, :8], 4)), x[:, :8]))

# %% [markdown]
r"""
Between the two, the attention of lesson 5 does its work as always, on any axes in front.
Only a mask with a batch axis (lesson 6) needs one more: a padding mask is (batch, 1, 1, n_k), or its
sentences would be taken for heads.
"""


# %%
def multi_head(x, w_query, w_key, w_value, w_out, num_heads):
    query, key, value = (
        split_heads(x @ w, num_heads) for w in (w_query, w_key, w_value)
    )  # (num_heads, n, d_k)
    heads = scaled_dot_product_attention(
        query, key, value, is_causal=True
    )
    return merge_heads(heads) @ w_out  # (n, d_model)


# %%
general = course_utils.multi_head_attention(
    x, x, x, *matrices, num_heads=2, is_causal=True
)
print(np.allclose(output, multi_head(x, *matrices, num_heads=2)))
print(np.allclose(output, general))

# %% [markdown]
r"""
## What is the last matrix for?

`w_out` has four rows for each head. Let each head write with its own rows, all by itself, and look at
the feature "thing" of "it":
"""

# %%
query, key, value = (split_heads(x @ w, 2) for w in matrices[:3])
heads = scaled_dot_product_attention(query, key, value, is_causal=True)
written = heads @ w_out.reshape(2, 4, 9)  # (num_heads, n, d_model)
print(np.allclose(written.sum(axis=0), output))
print(written[:, it, features.index("thing")])

# %% [markdown]
r"""
**The output is a sum over heads**: each adds what it found, where its rows of `w_out` say.
Here both write to "thing". Without `w_out` every number of the output would come from one
head alone, at a place that the number of the head decides, and the vector would have the
size of all heads together, not that of the token to which it is to be added (the residual
connection of lesson 7).

What do more heads cost? Count the numbers in the three matrices (the **parameters**), the
multiplications for all scores, and the rows of weights.
"""

# %%
d = 8
for n, h in ((10, 1), (10, 2), (10, 4), (10, 8), (20, 8)):
    d_k = d // h
    held, products, rows = 3 * h * (9 * d_k), h * n * n * d_k, h * n
    print(f"{n} tokens, heads {h}: {held} numbers,", end=" ")
    print(f"{products} products, {rows} rows of {n}")

# %% [markdown]
r"""
Splitting is free, in parameters and in products. What grows is the number of rows of
weights; what shrinks is $d_k$, the number of components with which each head compares. Twice
the tokens take four times the products: the quadratic cost of lesson 6.

## Does PyTorch agree?

The course ships what PyTorch's `torch.nn.MultiheadAttention` returned for
random matrices, queries and keys. Load the matrices into the course's layer, and compare.
"""

# %%
folder = Path(course_utils.__file__).parent / "data"
stored = np.load(folder / "pytorch_heads.npz")
layer = course_utils.MultiHeadAttention(
    np.random.default_rng(0), d_model=6, num_heads=2
)
layer.load_torch_state(
    {
        name.removeprefix("state."): stored[name]
        for name in stored
        if name.startswith("state.")
    }
)
ours = layer(stored["query"], stored["key"])
gap = np.abs(ours - stored["output"]).max()
print(ours.shape, "within 1e-14:", gap < 1e-14)

# %% [markdown]
r"""
Up to rounding, it does. PyTorch keeps its matrices transposed and the three of query, key
and value in one; `load_torch_state` turns and cuts them. (By default PyTorch's layer takes
(n, batch, d_model), and returns the *mean* of the weights of all heads.)

## Share keys and values

A model that writes needs the keys and values of all earlier tokens
again and again, so it keeps them (lesson 14 builds this *cache*): per token a key and a value for each head of each layer. How many bytes?
"""


# %%
def kept_bytes(layers, num_kv_heads, d_k, n, bytes_each):
    keys_and_values = 2 * num_kv_heads * d_k
    return layers * n * keys_and_values * bytes_each


small = course_utils.KVCache()  # 4 heads, 5 tokens, d_k = 3
small.append(np.zeros((4, 5, 3)), np.zeros((4, 5, 3)))
print(small.nbytes, kept_bytes(1, 4, 3, 5, bytes_each=8))

# %% [markdown]
r"""
The formula counts what the course's cache holds. A published size: Llama 2 in
its largest form (Touvron et al., 2023) has [80 layers, 64 heads, and 8,192 numbers a
vector](https://github.com/pytorch-labs/gpt-fast/blob/870415262cf12f7144d93359317acb24629e6dfd/model.py), hence
$d_k = 128$. It reads up to 4,096 tokens, and keeps two bytes a number.
"""

# %%
for num_kv_heads in (64, 8, 1):
    size = kept_bytes(80, num_kv_heads, 128, 4096, bytes_each=2)
    held = 80 * 2 * 8192 * num_kv_heads * 128  # w_key and w_value
    print(f"{num_kv_heads:2} key-value heads:", end=" ")
    print(f"{size / 1e9:5.2f} GB kept for one text,", end=" ")
    print(f"{held / 1e9:5.2f} billion parameters")

# %% [markdown]
r"""
That is 10.74 GB for one text, besides the model itself, and each new token must read all of
it. Must every head have keys and values *of its own*? In **multi-query attention**
(Shazeer, 2019) all heads share one set; each still asks its own question. In
**grouped-query attention** (Ainslie et al., 2023) a few heads share, as in this Llama 2: 8
groups of 8 heads, 1.34 GB. (The prologue's model has 3 groups of 3.) Sharing also saves
parameters, in `w_key` and `w_value`. (Both columns show the same numbers by chance: 4,096
tokens of two bytes are as many as 8,192 features.)

Query head $i$ uses key–value head $\lfloor i / g \rfloor$, where $g$ is the size of a group.
"""


# %%
def grouped_loop(query, key, value):
    group = len(query) // len(key)
    return np.stack(
        [
            scaled_dot_product_attention(
                q, key[i // group], value[i // group]
            )
            for i, q in enumerate(query)
        ]
    )


rng = np.random.default_rng(0)
queries = rng.normal(size=(6, 3, 4))  # (h_q, n_q, d_k)
keys = rng.normal(size=(2, 5, 4))  # (h_kv, n_k, d_k)
values = rng.normal(size=(2, 5, 7))  # (h_kv, n_k, d_v)
loop = grouped_loop(queries, keys, values)
print(loop.shape)

# %% [markdown]
r"""
Without a loop, `np.repeat` writes each key head `group` times in a row, so that head 0
stands at 0, 1, 2 and head 1 at 3, 4, 5. (With `enable_gqa`, an argument of PyTorch's too,
the course's function shares without copying.)
"""

# %%
repeated = scaled_dot_product_attention(
    queries, np.repeat(keys, 3, axis=0), np.repeat(values, 3, axis=0)
)
general = scaled_dot_product_attention(
    queries, keys, values, enable_gqa=True
)
print(np.allclose(loop, repeated), np.allclose(loop, general))

# %% [markdown]
r"""
Does sharing cost quality? Shazeer reports a minor loss for one shared head. Ainslie et al.
find groups close to full multi-head attention, and almost as fast as one shared head.

## Split, then share

Here are thirteen designs for the size of Llama 2. The first seven split
8,192 columns into 1, 2, 4, … 64 heads; the others let the 64 heads share ever
fewer keys and values. The figure starts at Llama 2's own design. Watch:

- while you **split**: what grows, what shrinks, and which bar does not move?
- while you **share**: which bar moves now? Does the number of rows of weights?
- the **area** of the orange boxes: that is what must be kept.
"""


# %% tags=["hide-input"]
def design(step):
    heads = 2 ** min(step, 6)
    shared = heads if step <= 6 else 2 ** (12 - step)
    size = kept_bytes(80, shared, 8192 // heads, 4096, bytes_each=2)
    return heads, shared, 8192 // heads, size / 1e9


def walk(step):
    heads, shared, d_k, size = design(step)
    rows = [
        ("rows of weights of a token", heads, 64, f"{heads}"),
        ("numbers in a query of one head", d_k, 8192, f"{d_k:,}"),
        ("keys and values kept", size, 10.74, f"{size:.2f} GB"),
    ]
    caption = f"Query heads {heads}, key–value heads {shared}"
    return figures.beside(
        figures.cut(heads, shared, d_head=d_k, title="One token"),
        figures.gauges(rows, title="Gives and costs"),
        caption=f"{caption}: {size:.2f} GB",
    )


designs = [f"split in {2**i}" for i in range(7)]
designs += [f"64 share {2**i}" for i in range(5, -1, -1)]
step = figures.picker(designs, start=9, label="design")
figures.panel(walk, step=step)

# %% [markdown]
r"""
Splitting adds rows of weights but no bytes to keep. Sharing leaves the rows, and each
halving of the keys and values halves the memory.
"""

# %%
for step in (0, 6, 9, 12):
    print(walk(step).caption)

# %% [markdown]
r"""
## Where it goes wrong

**Reshape without the transpose.** Why not reshape to (num_heads, n, d_k) at once? It is asked [again](https://github.com/hyunwoongko/transformer/issues/15)
and [again](https://github.com/harvardnlp/annotated-transformer/issues/118), and the same slip, where heads are merged, was found in [a collection of
classifiers](https://github.com/649453932/Chinese-Text-Classification-Pytorch/issues/10)
and in [a tutorial](https://github.com/ajhalthor/Transformer-Neural-Network/pull/4). Cut each
token into its two halves, and see which halves such a "head" gets:
"""

# %%
halves = [f"{token}{part}" for token in tokens for part in "₀₁"]
for head in np.reshape(halves, (2, 10)):
    print(*head)

# %% [markdown]
r"""
What was split is the sentence, not the vectors, and "it" cannot even see "cat":
"""


# %%
def by_reshape(x, w_query, w_key, w_value, w_out, num_heads):
    n, d = len(x), w_query.shape[1] // num_heads
    query, key, value = (
        (x @ w).reshape(num_heads, n, d)
        for w in (w_query, w_key, w_value)
    )
    heads = scaled_dot_product_attention(
        query, key, value, is_causal=True
    )
    return heads.reshape(n, num_heads * d) @ w_out


for name, function in (("right", multi_head), ("wrong", by_reshape)):
    result = function(x, *matrices, num_heads=2)[it]
    pairs = zip(features[1:6], result[1:6], strict=True)
    print(
        name, *(f"{feature} {number:.2f}" for feature, number in pairs)
    )

# %% [markdown]
r"""
No error, the same shape, and most numbers look right. But "alive" fell from 1.85 to 0.88:
"it" finds itself, not the cat. How to notice: change one token, and in what the split
returns, its row must change in *every* head, and no other row in any.

**Tile for repeat.** Heads in groups need key heads in the order 0, 0, 0, 1, 1, 1.
`np.tile`, which PyTorch calls `repeat`, gives 0, 1, 0, 1, 0, 1, in the same shape. The
definition of attention in ONNX, a format in which models are exchanged, [used tile at
first](https://github.com/onnx/onnx/pull/7274).
"""

# %%
tiled = scaled_dot_product_attention(
    queries, np.tile(keys, (3, 1, 1)), np.tile(values, (3, 1, 1))
)
print(
    [bool(np.allclose(a, b)) for a, b in zip(tiled, loop, strict=True)]
)

# %% [markdown]
r"""
Four of the six heads are right by luck, two attend with a stranger's keys.

**The wrong root, and no last matrix.** Readers found an implementation that divides by
the root of the whole width [in place of that of a
head](https://github.com/aladdinpersson/Machine-Learning-Collection/issues/30) (lesson 5), and another that [has no
`w_out`](https://github.com/Kyubyong/transformer/issues/117). Test with unequal numbers of columns and features,
as here (8 and 9), and a forgotten `w_out` shows in the shape.

## All of it in one picture

Nine lessons, one sentence (or yours: write it in the cell, with four to ten of these words). Each column is a token, each row a stage, with the number of
the lesson that built it. Little bars are the numbers of a vector, up if positive. The last row belongs to the
token that asks, and has a place for each feature. Watch:

- the **arcs**: where do the two heads look?
- in the ringed column, from top to bottom: query, blend, merged blends;
- in the columns of the others: key, score, mask, weight, value;
- "sat": both heads look at "cat", for different reasons;
- "on": its first query is all zeros. What are the weights of a token that asks
  nothing?
"""


# %%
sentence = "the cat sat on the mat because it was tired"
words = sentence.split()
own = meaning[[tokens.index(word) for word in words]]
own = np.hstack([own, hand[: len(words)]])
_, weights = course_utils.multi_head_attention(
    *3 * [own],
    *matrices,
    num_heads=2,
    is_causal=True,
    return_weights=True,
)  # (num_heads, n_q, n_k)


# %% tags=["hide-input"]
def found(position):
    row = weights[:, position]  # (num_heads, n_k)
    best = [f"“{words[j]}”" for j in row.argmax(axis=-1)]
    return zip(best, row.max(axis=-1), strict=True)


def everything(position):
    looks = [f"{word} ({w:.2f})" for word, w in found(position)]
    flow = figures.attention_flow(
        words,
        own,
        *matrices,
        row=position,
        heads=("who is meant?", "which word before?"),
        features=features,
    )
    asks = f"“{words[position]}” looks most at"
    return figures.beside(flow, caption=f"{asks} {' and '.join(looks)}")


last = len(words) - 1
position = figures.slider(
    0, last, 1, start=min(it, last), label="token that asks"
)
figures.panel(everything, position=position)

# %% [markdown]
r"""
Follow "it" once from top to bottom. Its vector becomes two queries. Head 0 compares
the first with all first keys: 8.0 at "cat", 4.0 at "mat". The mask hides "was" and
"tired". The softmax turns the scores that are left into weights, and these blend the values: thing and alive. Head 1 does the same beside it, and
finds "because". `w_out` writes the merged blends where the model keeps
such features. That is all of attention, and each line of it is yours.
"""

# %%
for position in (2, 3, last):
    print(everything(position).caption)

# %% [markdown]
r"""
"on" asks nothing with its first query, and so it looks at all four tokens that it may see
alike: 0.25 each. A softmax cannot look nowhere. Trained heads that find nothing often rest
on one token that tells little, an **attention sink** (Xiao et al., 2023): in the prologue
it was the very first.

## In short

A token with one head has one row of weights for all its questions: their scores are added,
their values averaged. Splitting the columns into heads gives each question a softmax of its
own, at no cost in parameters or products; the answers are merged, and `w_out` writes them
back. Split with reshape *and* transpose. What a writing model keeps grows with the number
of key–value heads, and heads may share these.

**Now you:** [the exercises of this lesson](../exercises/09_multi_head_attention.ipynb).
After them you have all of attention. But we wrote the matrices by hand, and a model with
millions of numbers cannot be written by hand. **How do the weights learn where to look?**
That is [lesson 10](10_backward.ipynb), and the third part.

## For those who want to know more: does one head really fail?

The sentence was built by hand, to fail. Let a model *learn* instead, on a task with two
relations: at each position of a random sequence, name the token **one** back, and the token
**three** back.
"""

# %%
row, answers = two_relations_task(
    np.random.default_rng(0), 1, 8, vocabulary=8
)
print("tokens     ", row[0])
print("one back   ", answers[0, :, 0])
print("three back ", answers[0, :, 1])

# %% [markdown]
r"""
(−1: there is none yet.) The model is as small as can be: a vector for each token and each
position, one causal layer with `num_heads` heads, and two matrices that read one answer
each from its output. It is trained as in lesson 7, on 600 batches of 8 sequences. With
eight tokens, guessing gets 1/8.

If one head fails, it may be for want of size or of patience, so it also gets its chance
with twice the width, and with 3,000 batches. Five seeds each.
"""

# %%
contenders = {
    "one head": (1, 16, 600),
    "two heads": (2, 16, 600),
    "one head, twice as wide": (1, 32, 600),
    "one head, 3,000 batches": (1, 16, 3000),
}
results = {}
for name, (heads, width, steps) in contenders.items():
    model = TwoRelations(heads, d_model=width)
    results[name] = trained(model, seeds=range(5), steps=steps)

# %% tags=["hide-input"]
right = {
    name: results[name][0] for name in contenders
}  # each (seeds, 2 questions)
print("                         one back      three back, each seed")
for name, r in right.items():
    print(f"{name:24} {r[:, 0].mean():8.1f}     ", r[:, 1].round(1))

# %% tags=["hide-input"]
fig, axes = plt.subplots()
at = np.arange(4)
for shift, question in ((-0.17, 0), (0.17, 1)):
    all_runs = np.array([r[:, question] for r in right.values()])
    mean, std = all_runs.mean(axis=1), all_runs.std(axis=1)
    label = ("one back", "three back")[question]
    axes.bar(at + shift, mean, 0.3, yerr=std, label=label, capsize=3)
    axes.plot(at + shift - 0.08, all_runs, "k.", markersize=5)
axes.axhline(1 / 8, color="black", linewidth=1, label="guessing")
labels = [name.replace(", ", ",\n") for name in right]
axes.set(xticks=at, xticklabels=labels, ylabel="right answers")
axes.set(ylim=(0, 1.3))
_ = axes.legend(ncols=3, loc="upper left")

# %% [markdown]
r"""
The bars are means over five seeds, the lines on them one standard deviation, the dots
the seeds.

- **One head** answers one question always (1.0) and does little better than guess at the
  other (0.1 to 0.2). Each seed chose the same one, perhaps because "one back" can be asked at
  more positions.
- **Two heads**, at the same width, answer both, on every seed.
- **Width** does not help: again 0.1 to 0.2.
- **Patience** helps one seed of five, which gets 0.9: it found a way. The other four still
  guess.

Where do they look? Here are the weights from position 8, which has to name the tokens
at 7 and at 5.
"""

# %%
rng = np.random.default_rng(9)
row, _ = two_relations_task(rng, 1000, 12, vocabulary=8)
for name in ("one head", "two heads"):
    heads, width, _ = contenders[name]
    parameters = {
        w: all_seeds[0] for w, all_seeds in results[name][1].items()
    }
    model = TwoRelations(heads, d_model=width)
    weight = model.weights(parameters, row)  # (1000, heads, n, n)
    print(name, "from 8 to 5, 6, 7, 8:")
    print(weight[:, :, 8, 5:9].mean(axis=0))

# %% [markdown]
r"""
The one head did *not* give up on position 5: it looks at both, 0.50 and 0.44. But the blend
does not say which of them came from where, and the slightly larger share wins. Two heads
look at one position each, and their answers lie side by side. "With a single attention
head, averaging inhibits this", say Vaswani et al.

<details>
<summary>Why the smaller share cannot win: a proof (a box of 4 minutes)</summary>

Let the weights be fixed: $\alpha$ for the token $a$ one back, $\beta$ for $b$ three back. A reader
that is a matrix adds up votes: answer $j$ gets $\alpha s_j(a) + \beta s_j(b)$, where $s_j(a)$ is what
the value of $a$ says for $j$.

1. To name $b$, the votes for $b$ must outnumber those for each other $j$:
   $\alpha (s_b(a) - s_j(a)) + \beta (s_b(b) - s_j(b)) \gt 0$.
2. Sum this over all triples of different $a$, $b$, $j$: the terms with $\alpha$ cancel, and what
   remains is $\sum (s_b(b) - s_j(b)) \gt 0$.
3. Put $j = a$ in step 1 and sum over all pairs: $(\beta - \alpha) \sum (s_b(b) - s_a(b)) \gt 0$. So
   $\beta$ is the larger.
4. To name $a$, the same steps make $\alpha$ the larger. Both cannot be.

It needs weights that are the same for all tokens, and a reader that is a matrix. A head may tilt
its weights by what the tokens *are*, as the fifth seed has probably learnt to do; and real models
put a layer that is no matrix after the attention (lesson 12).

</details>

So one head is not *unable*, but finds very hard what two heads find easy. Nor are more
heads always better: Michel, Levy and Neubig (2019) found that from trained models many
heads can be removed with little loss.

And why do two heads learn *different* things, when nobody tells them to? Give them the same matrices to start
with, and look at the direction in which training would move each:
"""

# %%
model = TwoRelations(num_heads=2)
start = model.start(np.random.default_rng(0))
twins = dict(start)
for name in ("w_query", "w_key", "w_value"):
    twins[name] = np.tile(start[name][:, :8], 2)
twins["w_out"] = np.tile(start["w_out"][:8], (2, 1))
batch = two_relations_task(
    np.random.default_rng(0), 16, 12, vocabulary=8
)
for name, parameters in (("twins", twins), ("random", start)):
    _, gradients = model.loss_and_gradients(parameters, *batch)
    first, second = np.split(gradients["w_query"], 2, axis=1)
    print(name, "same direction:", np.allclose(first, second))

# %% [markdown]
r"""
Twins are moved alike, at this step and at all that follow: one head, written twice. The
random start is what parts them.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| $h$, `num_heads` | a whole number | how many heads ask |
| `num_kv_heads` | a whole number | how many keys and values a token has, a divisor of $h$ |
| $d_\text{model}$ | a whole number | how many numbers the vector of a token has (9 here, 8,192 in Llama 2) |
| $d_k$ | $d / h$ | how many of the $d$ components of all heads one head compares |
| $W_{q,i}$, $W_{k,i}$, $W_{v,i}$ | (d_model, d_k), the last d_v | the columns that belong to head $i$ |
| `w_query`, `w_key`, `w_value` | (d_model, h·d_k), the last h·d_v | the projections of all heads, side by side |
| $W_o$, `w_out` | (h·d_v, d_model) | writes the merged heads back |
| attention sink | | a key on which heads rest that find nothing |
| `split_heads` | (..., n, d) → (..., h, n, d/h) | cuts each vector into one part a head |
| `merge_heads` | (..., h, n, d/h) → (..., n, d) | its inverse |
| MQA, GQA | | multi-query and grouped-query attention: heads share keys and values |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.2.2: eight heads with
  $d_k = 64$, at about the cost of one head of full size.
- Shazeer, *Fast Transformer Decoding: One Write-Head is All You Need* (2019):
  multi-query attention, and why loading keys and values is what takes the time.
- Ainslie et al., *GQA: Training Generalized Multi-Query Transformer Models from
  Multi-Head Checkpoints* (2023): groups, also for models that were trained without.
- Touvron et al., *Llama 2: Open Foundation and Fine-Tuned Chat Models* (2023),
  the appendix: multi-head, multi-query and grouped-query attention compared.
- Voita et al., *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy
  Lifting, the Rest Can Be Pruned* (2019): what trained heads look for.
- Xiao et al., *Efficient Streaming Language Models with Attention Sinks* (2023).
- Michel, Levy and Neubig, *Are Sixteen Heads Really Better than One?* (2019).
"""
