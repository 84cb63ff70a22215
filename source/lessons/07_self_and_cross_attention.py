# %% [markdown]
r"""
# Let a sequence attend to itself, and to another

Who asks, and who is asked?

**What you'll build.** `self_attention`, in which each token of a sentence asks all
tokens of the same sentence, and `cross_attention`, in which the tokens of one
sequence ask those of another.

**What you'll learn.** To compute the query, the key and the value of a token from its one
vector, to tell from a shape who asked whom, to predict what a shuffled sentence does to the
outputs, and, in the last part, to measure what attention cannot know about the order of
words.

**What you'll need.** Lessons 1 to 6. The main line takes about 25 minutes, the first exercise 8
more; with the part for those who want to know more, and all exercises, it is 85.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, softmax
from course_utils.learner import predict
from course_utils.models.order_reader import KINDS, learning_curves
from course_utils.tasks import little_sentence

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## A verb that looks for itself

With one vector in all three roles, "it" looked mostly at "cat" (lesson 6). Here are the dot
products between three other tokens.
"""

# %%
tokens, features, x = little_sentence()  # x: (n, d) = (10, 7)
names = ["cat", "sat", "tired"]
place = [tokens.index(name) for name in names]
for name, row in zip(names, x[place] @ x[place].T, strict=True):
    print(f"{name:6}", row)

# %% [markdown]
r"""
"sat" matches "sat" best (5), for a dot product finds what is alike. But a verb does not
need a verb; it needs *somebody who sits*.

And the table is symmetric, since $a \cdot b = b \cdot a$: "sat" scores "cat" with 2, and
"cat" scores "sat" with 2. But a verb may look for a cat while the cat looks for something
else.

> **In a language model.** At the last "V" of "Captain Vexolin … said Captain V" (the
> [prologue](00_watch_a_model_look_back.ipynb)), most alike is the first "V", which says
> nothing new. The query must ask: *what came after a V?* The key of "ex" must offer: *I
> came after a V*, and its value tell: *ex*. (That "ex" knows what stood before it is the
> work of an earlier round of attention: [lesson 15](15_interpretability.ipynb).)

## Three vectors out of one

So each token gets three vectors, one for each role:

- the **query** says what the token looks for,
- the **key** says what it offers to those who look,
- the **value** says what it tells those who found it.

All three are made from the token's vector, each by a matrix of its own, called a
**projection**. With $x$ the array of all tokens, one a row:

$$\text{query} = x \, W_q, \qquad \text{key} = x \, W_k, \qquad
\text{value} = x \, W_v .$$

In code $W_q$, $W_k$ and $W_v$ are `w_query`, `w_key` and `w_value`. A row of such a matrix
says what *one feature* contributes, so it is easy to write some by hand. Our queries and
keys have two components, called *who* and *how*; our values have three. (In a model all
these numbers are learnt: [lesson 10](10_backward.ipynb).)
"""

# %%
asks = {"thing": [1, 0], "action": [1, 0], "state": [1, 0]}
asks["alive"] = [0, 1]
offers = {"thing": [1, 0], "alive": [1, 0]}
offers |= {"action": [-1, 0], "state": [-1, 2]}
tells = {"alive": [1, 0, 0], "place": [0, 1, 0], "state": [0, 0, 1]}


def by_hand(rows, size):  # one row for each feature
    return np.array([rows.get(f, [0] * size) for f in features], float)


w_query = by_hand(asks, 2)  # (d, d_k) = (7, 2)
w_key = by_hand(offers, 2)  # (d, d_k) = (7, 2)
w_value = by_hand(tells, 3)  # (d, d_v) = (7, 3)

# %% [markdown]
r"""
Things, actions and states ask *who*; what is alive also asks *how* it is. Being a thing and
being alive both make a good *who*; an action or a state is a bad one, and a state is a
*how*. What gets told is how much of *alive*, *place* and *state* a token has.
"""

# %%
query, key, value = x @ w_query, x @ w_key, x @ w_value
print("       query    key       value")
for i in [*place, tokens.index("it")]:
    print(f"{tokens[i]:6}", query[i], key[i], value[i])

# %% [markdown]
r"""
"sat" now asks for a *who* with 2, and offers −1 of it: **it does not look for its
like any more.** "cat" is the best *who* (4), "it" comes next (3). "tired" offers
nothing as a who, and 4 as a *how*.

## A sentence asks itself

Put these into the attention of lesson 5, and the sentence asks itself. This is
**self-attention**, first as a loop over those who ask and those who are asked:
"""


# %%
def self_attention_loop(x, w_query, w_key, w_value):
    output = np.zeros((len(x), w_value.shape[1]))
    for i, asking in enumerate(x):
        query = asking @ w_query  # what token i looks for
        keys = [asked @ w_key for asked in x]
        scores = [query @ k / len(query) ** 0.5 for k in keys]
        for weight, asked in zip(softmax(scores), x, strict=True):
            output[i] += weight * (asked @ w_value)
    return output


# %% [markdown]
r"""
`x[i]` stands there twice, asking and asked. With matrices there is no loop left:
"""


# %%
def self_attention(x, w_query, w_key, w_value):
    query, key, value = x @ w_query, x @ w_key, x @ w_value
    scores = query @ key.T * query.shape[-1] ** -0.5
    weights = softmax(scores)  # (n, n): rows ask, columns are asked
    return weights @ value, weights


projections = w_query, w_key, w_value
output, weights = self_attention(x, *projections)
loop = self_attention_loop(x, *projections)
general = course_utils.scaled_dot_product_attention(query, key, value)
print(np.allclose(output, loop), np.allclose(output, general))

# %% [markdown]
r"""
Where does each token look? (Write a sentence of your own with these words, and run the cell
again.)
"""

# %%
sentence = "the cat sat on the mat because it was tired"
words = sentence.split()
own = x[[tokens.index(word) for word in words]]
_, looks = self_attention(own, *projections)
for word, row in zip(words, looks, strict=True):
    best = np.argsort(-row, kind="stable")[:3]
    found = [f"{j} {words[j]} {row[j]:.2f}" for j in best]
    print(f"{word:8}", ",  ".join(found))
cat_sat, sat_cat = weights[1, 2], weights[2, 1]
print(
    f"\n“cat” gives “sat” {cat_sat:.2f}, “sat” gives “cat” {sat_cat:.2f}"
)

# %% [markdown]
r"""
- "sat" and "was" found their somebody: the cat, with 0.73 and 0.76.
- "cat" divides its weight between itself and "tired": who, and how. It gives "sat" 0.00,
  and "sat" gives it 0.73: **asking is no longer symmetric.**
- "the", "on" and "because" have a query of zeros, so each token gets 0.10: their output is the mean of all values.

And what did the cat get? Its own value, and its output:
"""

# %%
cat, mat, it = (tokens.index(word) for word in ("cat", "mat", "it"))
for name, row in (("value", value[cat]), ("output", output[cat])):
    alive, place_, state = row
    print(f"{name:6} alive {alive:.2f}", end="  ")
    print(f"place {place_:.2f}  state {state:.2f}")

# %% [markdown]
r"""
It has no state of its own; its output has one, 0.86. In a model this output is *added* to
the token, a **residual connection**: what the token was stays, and what it found comes on
top. For that it must first be written where the model keeps such features; here `w_value.T`
does it. And since a token grows with each such sum, a **layer norm** shifts and scales its
components to mean 0 and variance 1, before the next round asks. (On that variance the scale
of lesson 5 relied; [lesson 12](12_transformer.ipynb) builds both.)
"""

# %%
added = x + output @ w_value.T  # (n, d), as x
mean = added.mean(axis=-1, keepdims=True)
normal = (added - mean) / added.std(axis=-1, keepdims=True)
print(features)
for row in (x[cat], added[cat], normal[cat]):
    print(row, f"mean {row.mean():.2f}, variance {row.var():.2f}")

# %% [markdown]
r"""
Still a cat, alive and a thing, and now with a state: a tired cat.

In lesson 6 "soft" took the place of "tired", and "it" had to be the mat. Does "it" turn to
the mat here?
"""

# %%
soft = np.array([0, 1, 0, 0, 0, 0, 2])  # thing 1, state 2
for sentence in (x, np.vstack([x[:9], soft])):
    _, w = self_attention(sentence, *projections)
    ratio = w[it, cat] / w[it, mat]
    print(f"cat {w[it, cat]:.2f}, mat {w[it, mat]:.2f}", end=", ")
    print(f"ratio {ratio:.1f}")

# %% [markdown]
r"""
It does not: cat and mat keep their ratio. The query of "it" is made from "it" alone, so
whatever stands at the end, it asks the same. To ask a better question it needs the answer
to a first one, which is why a model does several rounds (lesson 12).

## Two matrices, or one?

In a score $W_q$ and $W_k$ always meet: $(x_i W_q) \cdot (x_j W_k) = x_i \, (W_q W_k^\mathsf{T}) \, x_j^\mathsf{T}$.
So one matrix could do the work of both.
"""

# %%
merged = w_query @ w_key.T  # (d, d)
print(np.allclose(x @ merged @ x.T, query @ key.T), merged.shape)
print("rank", np.linalg.matrix_rank(merged), end=", ")
print("symmetric", np.allclose(merged, merged.T))
for d, d_k in ((7, 2), (576, 64)):
    print(f"d {d}, d_k {d_k}: two {2 * d * d_k:,}, one {d * d:,}")

# %% [markdown]
r"""
All who-looks-for-whom is one bilinear score ([lesson 2](02_scores.ipynb)), whose rank is
at most $d_k$: it compares in no more than $d_k$ independent directions. Kept as two thin
matrices it has fewer numbers and cheaper scores, of $d_k$ products and not $d$. (RoPE, in lesson 8, stands between the two, and then they cannot be merged.) In the last line are the sizes of the prologue's model: a token is a vector of 576 numbers (the
**embedding size**), and each of its heads compares 64 (the **head size**).

## The shapes, and who made them

Here is every matrix on the way, one little square for each number. What has a row for
each token that *asks* is blue, what has a row for each that *is asked* vermilion.
"""

# %%
figures.beside(
    figures.shape_flow(
        x, x, projections, title="Self", names=("x", "x")
    ),
    caption="The sentence asks itself",
)

# %% [markdown]
r"""
The axis of the features (7) vanishes in the projections, that of the components (2) in the
scores, where queries meet keys, and that of the asked (10) when the weights meet the
values. What remains are the rows of who asked and the columns of what was told.

## Let another sequence ask

Now let somebody else ask: a question of four tokens. Its vectors have five features of
their own, so it needs its own $W_q$, `w_ask`. The sentence keeps its keys and values.
"""

# %%
question = ["who", "felt", "how", "?"]
# being, manner, action, past, mark
y = np.array(
    [[2, 0, 0, 0, 0], [0, 0, 2, 1, 0], [0, 2, 0, 0, 0], [0, 0, 0, 0, 2]]
)  # (m, d_y) = (4, 5)
w_ask = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [0, 0]])
print(y @ w_ask)  # (m, d_k): what each asks of who and how

# %% [markdown]
r"""
"who" asks who, "how" asks how, "felt" asks both, and the question mark nothing. One
sequence asks, another is asked: that is **cross-attention**.

$$\text{query} = y \, W_q, \qquad \text{key} = x \, W_k, \qquad
\text{value} = x \, W_v .$$
"""


# %%
def cross_attention(y, x, w_query, w_key, w_value):
    query, key, value = y @ w_query, x @ w_key, x @ w_value
    scores = query @ key.T * query.shape[-1] ** -0.5
    weights = softmax(scores)  # (m, n): y asks, x is asked
    return weights @ value, weights


answer, looks = cross_attention(y, x, w_ask, w_key, w_value)
print("        alive place state   looks most at")
for token, row, look in zip(question, answer, looks, strict=True):
    most = f"{tokens[np.argmax(look)]} ({look.max():.2f})"
    print(f"{token:5}", row, " ", most)

# %% [markdown]
r"""
"who" is answered by the cat, in hardly any state, and "how" by "tired", with a state of
1.89. "felt" gets both, and "?", which asked nothing, the mean of all. (`np.argmax` names
"the" only because it stands first.)
"""

# %%
figures.beside(
    figures.shape_flow(
        y, x, (w_ask, w_key, w_value), title="Cross", names=("y", "x")
    ),
    caption="A question of four tokens asks a sentence of ten",
)

# %% [markdown]
r"""
(The $W_q$ in it is `w_ask`.) **The output has as many rows as there are tokens that
ask.** Both may be of any length; the matrices stay the same. Only $d_k$ must
agree, since there queries meet keys.

Self-attention is the special case in which a sequence asks itself:
"""

# %%
same, _ = cross_attention(x, x, *projections)
print(np.array_equal(same, output))

# %% [markdown]
r"""
In a model that translates, the **encoder** reads the sentence, and the **decoder** writes
the translation: *the decoder asks, and the encoder is asked*. In *Attention Is All You
Need* (Vaswani et al., 2017, section 3.2.3) these queries come from the decoder, and the
keys and values from the encoder's output. Inside each of the two there is self-attention;
in the decoder with a causal mask (lesson 6). A model like the prologue's is a decoder
alone, and has no cross-attention.

## Turn the cat into a mat

Now move one token. At 0 the cat is a cat; at 100 % its vector is that of "mat". Left, the
sentence asks itself; right, the question asks it. As in lesson 6 the moved token's column
is ringed, and here, where it asks, its *row* too. Watch:

- the **row** of "cat", left: how does what it looks for change? Is there such a row
  at the right?
- the **column** of "cat": who looks at it, and where do these looks go?
- the **bars**: how far each output has moved. Whose hardly moves?
- Go to 100 %, and compare the rows and columns of "cat" and "mat".
"""


# %%
def moved(percent):
    edited = x.copy()
    edited[cat] += percent / 100 * (x[mat] - x[cat])
    return edited


def itself(percent):
    return self_attention(moved(percent), *projections)


def asked(percent):
    return cross_attention(y, moved(percent), w_ask, w_key, w_value)


# %% tags=["hide-input"]
def side(title, attend, percent, asking, asks=None):
    now, weights = attend(percent)
    distance = np.linalg.norm(now - attend(0)[0], axis=-1).round(9)
    return figures.reach(
        figures.AttentionWeights(weights, queries=asking, keys=tokens),
        distance,
        distance >= 0,  # all may see the cat
        title=title,
        edited=cat,
        asks=asks,
        largest=1.6,
    )


def morph(percent):
    looks = itself(percent)[1][it, cat], asked(percent)[1][0, cat]
    caption = f"“cat” is {percent} % “mat”: "
    caption += f"“it” gives it {looks[0]:.2f}, “who” {looks[1]:.2f}"
    return figures.beside(
        side(
            "Self: it asks, and is asked", itself, percent, tokens, cat
        ),
        side("Cross: it is only asked", asked, percent, question),
        caption=caption,
    )


percent = figures.slider(
    0, 100, 2, start=40, label="how much of “cat” is “mat” (%)"
)
figures.panel(morph, percent=percent)

# %% [markdown]
r"""
As the cat goes, those who ask *who* turn to "it", the best *who* left.
Left, the row changes with the column: a mat does not ask *how*. Right there is no row
to change. In numbers:
"""

# %%
for percent in (0, 50, 100):
    print(morph(percent).caption)
distance = np.linalg.norm(asked(100)[0] - answer, axis=-1)
print(distance)  # who, felt, how, ?

# %% [markdown]
r"""
All four answers move, but that of "how" by 0.01 only: it hardly looks at the cat. And
at 100 %?
"""

# %%
output_100, _ = itself(100)
print(np.allclose(output_100[cat], output_100[mat]))
the = [i for i, token in enumerate(tokens) if token == "the"]
print(the, np.allclose(*output[the]))

# %% [markdown]
r"""
Now tokens 1 and 5 have the same vector, and get the same output, although they stand at
different places. It was so from the start for the two "the". What does a token know of the
place where it stands?

## Predict first

Shuffle the ten tokens, in any order, and let the shuffled sentence ask itself. What
happens to the output of "it"?
"""

# %%
guess = predict(
    "07 the output of it in a shuffled sentence",
    "it changes: other words stand around it now",
    "it changes a little: its weights go to other places",
    "it is the same; it has moved with the token",
)
guess

# %%
order = np.random.default_rng(0).permutation(10)
print(" ".join(tokens[i] for i in order))
shuffled, _ = self_attention(x[order], *projections)
now = list(order).index(it)  # where "it" stands now
print("before:", output[it])
print("after: ", shuffled[now])
guess.reveal(right=2)

# %% [markdown]
r"""
It is the same, and so for every token: the ten outputs are the same ten vectors, shuffled
just as the tokens are.
"""

# %%
gap = np.abs(shuffled - output[order]).max()
print("largest difference below 1e-12:", gap < 1e-12)

# %% [markdown]
r"""
## Why it must be so

In words: a token's query, key and value are made from that token alone, wherever it
stands. Its scores are dot products with the keys that are there, and its output is a
*sum* over all tokens. **A sum does not care in which order you add.**

Such a function is called **permutation equivariant** (and not *invariant*: then nothing
would change at all). A *permutation matrix* $P$, with one 1 in each row and each column,
shuffles the rows of what it multiplies from the left; $P^\mathsf{T} P = I$ undoes that.

<details>
<summary>The proof, in four lines (a box of 3 minutes)</summary>

Put $P x$ in place of $x$, and follow it:

1. $\text{query}' = (P x) W_q = P \, \text{query}$, and so for key and value: a
   projection works on each row alone.
2. $\text{scores}' = (P \, \text{query}) (P \, \text{key})^\mathsf{T} =
   P \, \text{scores} \, P^\mathsf{T}$: rows and columns are shuffled alike.
3. $\text{weights}' = P \, \text{weights} \, P^\mathsf{T}$: a row of the softmax has
   the same numbers in another order, thus the same sum to be divided by.
4. $\text{output}' = (P \, \text{weights} \, P^\mathsf{T}) (P \, \text{value}) =
   P \, \text{weights} \, \text{value} = P \, \text{output}$.

</details>

In numbers:
"""

# %%
P = np.eye(10)[order]  # (10, 10)
shuffled, shuffled_weights = self_attention(P @ x, *projections)
for now, then in (
    (P @ x, x[order]),
    (shuffled_weights, P @ weights @ P.T),
    (shuffled, P @ output),
):
    print(np.abs(now - then).max() < 1e-12, end=" ")

# %% [markdown]
r"""
Why "below $10^{-12}$", and not "equal"? A computer rounds after each addition, so its sums
do depend on the order, in the last digit:
"""

# %%
print((0.1 + 0.2) + 0.3, 0.1 + (0.2 + 0.3))

# %% [markdown]
r"""
A real dependence on the order would be larger by many powers of ten.

And cross-attention? The question does not notice how the sentence is shuffled:
"""

# %%
same, _ = cross_attention(y, x[order], w_ask, w_key, w_value)
print(np.abs(same - answer).max() < 1e-12)

# %% [markdown]
r"""
## Where it goes wrong

**The wrong one asks.** A survey of language models [let the encoder
ask](https://github.com/humza909/LLM_Survey/issues/2), and a lecture's slide had [two of the roles
swapped](https://github.com/pbloem/former/issues/19). Swap who asks: two tokens
of the sentence, "cat" and "sat", ask all ten.
"""

# %%
some = x[1:3]
right, looks = cross_attention(some, x, *projections)
wrong, _ = cross_attention(x, some, *projections)
print("right", right.shape, " wrong", wrong.shape)

# %% [markdown]
r"""
No error, but a shape: the output must have as many rows as there are tokens that ask, here
two. If both sequences have equally many tokens, even that is gone. Test with two lengths.

In a picture too: in an explanation of *Attention Is All You Need*, a reader found, rows
were [labelled](https://github.com/harvardnlp/annotated-transformer/issues/104) with the
German words that are asked, and columns with the English ones that ask. The weights know
which is which: **each row sums to 1**. `figures.AttentionWeights` checks the shape and the
sums before it draws:
"""

# %%
try:
    figures.AttentionWeights(looks, queries=tokens, keys=["cat", "sat"])
except ValueError as error:
    print(error)

# %% [markdown]
r"""
**W X in place of X W.** Some texts write a token as a *column*, and then the matrix
stands on the left. Here tokens are rows, and it stands on the right. Mixed up, as [in one
paper](https://github.com/ofsoundof/GRL-Image-Restoration/issues/8), the shapes do not fit, unless the matrices are *square*:
"""

# %%
W = np.random.default_rng(0).normal(size=(7, 7))
rows, columns = x @ W, (W @ x.T).T
print(rows.shape, columns.shape, np.allclose(rows, columns))
print(np.allclose(columns, x @ W.T))

# %% [markdown]
r"""
Both have the right shape, and they differ: tokens as columns, with the same matrix, is
$x \, W^\mathsf{T}$. You will meet this: PyTorch's layer
[`Linear`](https://pytorch.org/docs/stable/generated/torch.nn.Linear.html) keeps its matrix
as (out, in) and computes $x \, A^\mathsf{T}$, plus a bias. In NumPy such a matrix has
to be transposed (lesson 16). How to notice: try it with matrices that are not square.

## In short

Each token makes three vectors of its one: a query, a key and a value, by three matrices
that all tokens share. Where a sequence asks itself, that is self-attention; where one asks
another, cross-attention, and the output has a row for each token that asks. The output is
added to the token, which stays itself. None of this knows where a token stands: shuffle
the tokens, and the outputs are shuffled alike.

**Now you:** [the exercises of this lesson](../exercises/07_self_and_cross_attention.ipynb).
After them you can let any sequence ask any other, but neither knows where its tokens stand.
[Lesson 8](08_positions.ipynb) tells them.

## For those who want to know more: who chased whom?

To attention a sentence is a **bag of words**: it knows which words are there, and how
often, but not in which order. But *the cat chased the dog* is not *the dog chased the cat*.

How much of such a task can a layer of attention learn, if nobody tells
it the order? Twelve animals make 132 sentences, "the A chased the B", and a reader
has to name A. It reads the answer off the output at "chased". There are four readers:

- a **bag of words**: the mean of all values, no attention at all;
- **attention**: self-attention as above, with learnt matrices;
- **causal attention**: the same with the mask of lesson 6, so that "chased" sees
  only what stands before it, and itself;
- **attention, places told**: without a mask; but to each token a vector is added that says
  where it stands (lesson 8).

To train means here: start with random matrices, look at some sentences, find for each number the
direction in which the right names become likelier, move it a little, and repeat (lesson 10 builds
this). All are trained on 50 of the 66 pairs of animals, and tested on the other 16, in both
orders. Guessing among twelve would give 0.08. For attention both orders have the same output at "chased", so of each pair it
can get one order right at most: 0.50. Does it reach that, and
do better than the bag of words? And is the mask a loss, as it hides two tokens, or a
gain?
"""

# %%
task = {"num_names": 12, "held_out": 16, "seeds": 10}
shares = {
    kind: learning_curves(kind, **task, steps=200, every=10)
    for kind in KINDS
}  # each (tests, seeds)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, sharex=True, sharey=True)
steps = np.arange(0, 201, 10)
for axis, (kind, s) in zip(axes.flat, shares.items(), strict=True):
    axis.errorbar(steps, s.mean(1), s.std(1), capsize=2, elinewidth=1)
    axis.axhline(1 / 2, color="black", linewidth=1)
    axis.axhline(1 / 12, color="black", linewidth=1, linestyle=":")
    axis.set_title(kind, fontsize=10)
    axis.set(ylim=(0, 1.05))
_ = fig.supxlabel("steps of training", fontsize=10)
_ = fig.supylabel("share of sentences right", fontsize=10)

# %% [markdown]
r"""
Means of ten seeds, with bars of one standard deviation. The solid black line is the bound of 0.50,
the dotted one is guessing. At the end:
"""

# %% tags=["hide-input"]
for kind, s in shares.items():
    print(f"{kind:24} {s[-1].mean():.2f} ± {s[-1].std():.2f}", end="  ")
    print(f"seeds from {s[-1].min():.2f} to {s[-1].max():.2f}")
for kind in KINDS[:2]:
    most, of_two = shares[kind].max(), 2 * shares[kind][-1].mean()
    print(f"{kind}: at any time at most {most:.2f}; ", end="")
    print(f"names one of the two in {of_two:.2f}")

# %% [markdown]
r"""
- **Attention** learns that the answer is an animal of the sentence, and no more: 0.49,
  and no seed is ever above 0.50. Nearly always (0.98) it names one of the two, but the
  same one in both orders, as the proof says.
- The **bag of words** comes close, 0.44: only 0.89 of its answers are one of the two
  animals, and that is the whole difference.
- **Causal attention** is always right. The mask hides the chased animal from "chased",
  so what is left is the chaser. **A mask tells the order**, since before and after are
  not alike to it: with it, attention is not equivariant any more.
- With the **places told** the same layer is always right too. So the 0.49 was not due to
  too little training, or too small a model.

The task was made so that a bag of words must fail by half; how
much order matters in real text is another question. There, Haviv et al. (2022) found, language
models with a causal mask and no positions come close to those that have them.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| $x$, `x` | (n, d) | the tokens that are asked; in self-attention also those that ask |
| $y$, `y` | (m, d_y) | the tokens of another sequence, that asks |
| $W_q$, `w_query` | (d, d_k), or (d_y, d_k) | makes queries: what a token looks for |
| $W_k$, `w_key` | (d, d_k) | makes keys: what a token offers |
| $W_v$, `w_value` | (d, d_v) | makes values: what a token tells |
| $P$, `P` | (n, n) | a permutation matrix: shuffles rows |
| $d$, $d_k$ | whole numbers | embedding size and head size |
| residual connection | like $x$ | what attention returns is added to the token |
| layer norm | like $x$ | each token's components get mean 0 and variance 1 |
| equivariant | | what goes in is shuffled, what comes out is shuffled alike |
| invariant | | what goes in is shuffled, what comes out is the same |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.2.3: where their
  model uses attention, and who asks. Section 3.5 says why order must be
  injected: the model has no recurrence and no convolution.
- Lee et al., *Set Transformer* (2019): where order has *no* meaning, as in a set of
  points, that attention ignores it is what one wants.
- Haviv et al., *Transformer Language Models without Positional Encodings Still Learn
  Positional Information* (2022). They conjecture that a
  model infers how many tokens stand before each.
"""
