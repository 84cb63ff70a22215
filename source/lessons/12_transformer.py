# %% [markdown]
r"""
# Stack a transformer

What does each part of a transformer contribute?

**What you'll build.** The parts that stand around attention (residual, layer norm,
feed-forward), a block of them, and a language model that learns to write from *Alice's
Adventures in Wonderland* while you watch.

**What you'll learn.** To write each part in a line or two, to compute why scores stay
at variance 1 in a deep model, to predict what a model loses without a part, to
measure it, and to diagnose a leak from a loss that is too good.

**What you'll need.** Lessons 5, 6, 8, 9 and 10. The main line takes about 40 minutes,
all of it with the exercises about 90.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, scaled_dot_product_attention
from course_utils.data.alice import alice, characters
from course_utils.layers import layer_norm_vjp
from course_utils.learner import predict
from course_utils.measuring import processor_time
from course_utils.models.take_away import (
    CHANGES,
    Changed,
    held_out_bits,
    measured,
)
from course_utils.models.texts import (
    ngram_bits,
    text_task,
    warm_up,
    windows,
)
from course_utils.models.transformer import Transformer
from course_utils.models.trials import run_trials
from course_utils.models.writing import write
from course_utils.sampling import next_token_probabilities
from course_utils.tasks import little_sentence

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## Attention, again and again

Lesson 11 gave a recurrent network one layer of attention, and it could translate what
is long. The network around it still read word by word. Vaswani et al. (2017) asked
what happens if it goes, and attention alone is stacked, layer upon layer. Today's
language models are built so. But "attention is all you need" is not quite true, as the
little sentence shows: let its ten tokens attend to each other, with no mask and no
matrices, and let the result attend to itself, again and again.

## Predict first
"""

# %%
guess = predict(
    "12 attention again and again",
    "each token becomes the one that it matches best",
    "all ten tokens become the same",
    "after the second round nothing changes any more",
)
guess

# %%
tokens, names, x = little_sentence()  # x: (n, d), ten tokens of 7
cat, mat = tokens.index("cat"), tokens.index("mat")
y = x
for rounds in range(5):
    if rounds in (0, 1, 2, 4):
        print(rounds, "cat", y[cat], "mat", y[mat])
    y = scaled_dot_product_attention(y, y, y)
guess.reveal(right=1)

# %% [markdown]
r"""
After four rounds nobody can tell the cat from the mat. Attention returns weighted
means, and a mean lies between what it is made of. A mean of means lies closer still, and
soon there is one vector left. Dong, Cordonnier and Loukas (2021) prove that this
happens to pure attention in general, and name what prevents it: the parts that we
build now.

## Add, do not replace

The first part is a plus sign. A token keeps its vector, and what attention found is
*added* to it:

$$x \leftarrow x + \text{attention}(x) .$$

This is a **residual connection** (He et al., 2016), and the vector that is passed on
and added to is called the **residual stream**.
"""

# %%
y = x
for rounds in range(5):
    if rounds in (0, 1, 2, 4):
        print(rounds, "cat", y[cat], "mat", y[mat])
    y = y + scaled_dot_product_attention(y, y, y)

# %% [markdown]
r"""
The cat is still more alive than the mat, by about 4 after four rounds. But the
numbers grow: what was 2 is above 25. That matters, because a score is a product of two
vectors. Lesson 5 divided it by $\sqrt{d_k}$ so that its variance is 1 *if the
components have variance 1*. These have not, and with such scores a softmax is
saturated. Something must keep the components in order.

## Bring each vector back to scale

**Layer norm** (Ba, Kiros and Hinton, 2016) brings the components of each vector to mean
0 and variance 1, token by token:

$$\text{norm}(x)_i = \text{gain}_i \, \frac{x_i - \text{mean}(x)}
{\sqrt{\text{variance}(x) + \varepsilon}} + \text{shift}_i .$$

`gain` and `shift` have one number for each component and are learnt, from 1 and 0. The
small $\varepsilon$ keeps a vector of equal components from a division by 0. As a loop:
"""


# %%
def layer_norm_loop(x, gain, shift, epsilon=1e-5):
    output = np.zeros(x.shape)
    for t, vector in enumerate(x):
        mean = sum(vector) / len(vector)
        variance = sum((vector - mean) ** 2) / len(vector)
        normed = (vector - mean) / (variance + epsilon) ** 0.5
        output[t] = gain * normed + shift
    return output


# %% [markdown]
r"""
Without the loop, mean and variance run along the *last* axis, and `keepdims` lets them
stand beside the vectors they belong to.
"""


# %%
def layer_norm(x, gain, shift, epsilon=1e-5):
    mean = x.mean(axis=-1, keepdims=True)  # (..., n, 1)
    variance = x.var(axis=-1, keepdims=True)
    normed = (x - mean) / np.sqrt(variance + epsilon)
    return gain * normed + shift  # (..., n, d)


one, zero = np.ones(7), np.zeros(7)
z = layer_norm(y, one, zero)
general, _ = layer_norm_vjp(y, one, zero)
print(np.allclose(z, layer_norm_loop(y, one, zero)))
print(np.allclose(z, general))
print(z.mean(axis=-1).round(2) + 0.0, z.var(axis=-1))

# %% [markdown]
r"""
Loop, matrix and the course's function agree. (The course's has the way back of lesson
10 as well, hence `_vjp`.) Each token's components now have mean 0 and variance 1, so
an attention that reads `z` in place of `y` meets numbers of the size it was scaled for.

Where does the norm stand? Vaswani et al. normed the stream itself, after each addition.
Nearly all later models norm a *copy* that only the step reads,
$x \leftarrow x + \text{attention}(\text{norm}(x))$, so that the plus signs make an open
road from the first vectors to the last. Xiong et al. (2020) show that this **pre-norm**
has well-behaved gradients from the start. We use it too.

## Think alone

After attention each token has a blend of others. What should it make of it? That is
the third part, the **feed-forward** network, the same for each token:

$$\text{feed-forward}(x) = \text{relu}(x\, W_\text{up} + b_\text{up})\, W_\text{down} +
b_\text{down}, \qquad \text{relu}(a) = \max(a, 0) .$$
"""


# %%
def feed_forward(x, p):
    hidden = np.maximum(x @ p["w_up"] + p["b_up"], 0)  # (..., n, 4 d)
    return hidden @ p["w_down"] + p["b_down"]  # (..., n, d)


# %% [markdown]
r"""
Each column of `w_up` is a question to the vector, and its answer counts if it is
above 0; the row of `w_down` with the same number is what is then added to the stream.
It is usual to ask four times as many questions as a vector has numbers. Attention lets
tokens meet and this step lets each think by itself: with fixed weights, attention can
only blend values, and without relu two matrices would be one.

## One block

The two steps together, each with its norm and its plus sign, are a **block**. The
attention is that of lesson 9, causal (lesson 6), because the model will have to write.
"""


# %%
def block(x, p, num_heads):
    normed = layer_norm(x, p["gain_1"], p["shift_1"])
    matrices = [
        p[f"w_{name}"] for name in ("query", "key", "value", "out")
    ]
    x = x + course_utils.multi_head_attention(
        normed,
        normed,
        normed,
        *matrices,
        num_heads=num_heads,
        is_causal=True,
    )
    normed = layer_norm(x, p["gain_2"], p["shift_2"])
    return x + feed_forward(normed, p)


# %%
alphabet, learn, held_out = characters(alice().lower())
model = Transformer(len(alphabet), d_model=48, dtype=np.float64)
p = model.start_block(np.random.default_rng(0))
fresh = np.random.default_rng(1).normal(size=(1, 32, 48))
general, _ = model.block_vjp(fresh, p)  # (batch, n, d)
print(np.allclose(block(fresh, p, num_heads=4), general))

sizes = {name: p[name].size for name in p}
attends = sum(
    sizes[f"w_{name}"] for name in ("query", "key", "value", "out")
)
thinks = sizes["w_up"] + sizes["w_down"]
print(f"attention {attends:,}, feed-forward {thinks:,} numbers")

# %% [markdown]
r"""
That is all of it, and the same as the course's block. Two thirds of its numbers are in the
feed-forward step.

## Why variance 1 holds in a deep model

Lesson 5 assumed queries and keys with components of variance 1. In block 20 of a model,
who sees to that? Stack 24 blocks with fresh matrices (`Changed` is the course's model,
with a part taken away if you name it), and print the variance of the stream, of what
attention reads, and the spread of its scores.
"""


# %%
def scores(normed, p):
    query, key = (
        course_utils.split_heads(normed @ p[name], 4)
        for name in ("w_query", "w_key")
    )
    return query @ key.mT * query.shape[-1] ** -0.5


def walk_up(change):
    stack = Changed(39, 48, dtype=np.float64, change=change)
    rng, x = np.random.default_rng(0), fresh
    for depth in range(25):
        p = stack.start_block(rng)
        reads, _ = stack.norm_vjp(x, p["gain_1"], p["shift_1"])
        if depth in (0, 4, 12, 24):
            sizes = x.var(), reads.var(), scores(reads, p).std()
            print(f"{depth:2}:", *(f"{size:9.1f}" for size in sizes))
        x, _ = stack.block_vjp(x, p)


# %%
print("blocks below: stream, what is read, spread of scores")
walk_up("nothing")
print("without layer norm")
walk_up("no layer norm")

# %% [markdown]
r"""
The stream grows in both: each step adds something. With layer norm it grows slowly, for
each block adds about as much as the one before, and what attention *reads* has
variance 1 in every block. The spread of the scores is then about 1 as well, in three
steps:

1. Layer norm makes the components of what is read have variance 1.
2. `w_query` and `w_key` are drawn so that they keep it. A sum of $d$ products with
   numbers of variance $1/d$ has variance $d \cdot 1/d = 1$. (`glorot_uniform` draws
   with variance $2/(d_\text{in} + d_\text{out})$, which is $1/d$ for a square matrix.)
3. The scale $1/\sqrt{d_k}$ does the rest: lesson 5.

Without the norm every block multiplies what it reads. After 24 blocks scores spread by
nearly two hundred thousand, and each softmax is a hard choice. So the variance of 1 is
made anew at each step, at the *start* of training. What training makes of it is its own
affair: `gain` and the matrices may grow where sharper weights pay.

## A model that reads and writes

Text goes in as characters, and scores of the next character come out. The little
sentence, which has no letter that Alice lacks, as the model sees it:
"""

# %%
sentence = " ".join(tokens)
read = np.array([alphabet.index(c) for c in sentence])
print(len(alphabet), "characters:", repr(alphabet))
print(read[:12])

# %% [markdown]
r"""
- **Embedding.** Each of the 39 characters has a vector of $d = 48$ numbers, learnt.
- **Places.** Each of 32 places has one too (lesson 8, *learned positions*), and it is
  added.
- **Blocks.** One here, 12 in the smallest GPT-2 (Radford et al., 2019).
- **Reading off.** A last layer norm, and a matrix with a column for each character:
  `logits`, whose softmax is the probability of what comes next.

The matrix that reads off has as many numbers as the embedding, and one may use the same
for both: then the embedding is **tied** (Press and Wolf, 2017).
"""

# %%
p = model.start(np.random.default_rng(0))
logits = model.read(p, read[None, :32])  # (1, n, vocabulary)
print(logits.shape)
for tied in (False, True):
    other = Transformer(len(alphabet), d_model=48, tied=tied)
    parts = other.start(np.random.default_rng(0)).values()
    print(f"tied {tied}: {sum(part.size for part in parts):,} numbers")

# %% [markdown]
r"""
## What has to be beaten

Lewis Carroll's book (1865, in the public domain) has 142,219 characters, here in small
letters. The model learns from the first nine tenths and is tested on the rest, in
**bits a character**: the mean of $-\log_2$ of the probability that it gave to what
came. Guessing among 39 costs $\log_2 39$.

A fair opponent needs no matrix. An **n-gram** counts which character followed each
$n - 1$ others. What it never saw would cost infinitely many bits, so its
counts are smoothed with those of shorter contexts (Witten and Bell, 1991).
"""

# %%
ngrams = {
    n: ngram_bits(learn, held_out, n, len(alphabet))
    for n in range(1, 7)
}
print(f"guessing {np.log2(len(alphabet)):.2f}")
for n, bits in ngrams.items():
    print(f"{n}-gram {bits:.2f}", end="  ")

# %% [markdown]
r"""
Four characters of context are best: the 5-gram needs 2.09 bits. Longer contexts come too
seldom in so small a book.

## Train

`run_trials` draws windows of 32 characters, eight a step, and `loss_and_gradients` is
lesson 10 from end to end: cross-entropy, back through the matrix that reads off, the
block, and into the embedding. It takes some seconds. Halfway and at the end it is
tested.
"""

# %%
STEPS = 800
training = run_trials(
    model,
    text_task(learn, held_out, model.context),
    seeds=[0],
    steps=STEPS,
    every=400,
    learning_rate=warm_up(0.015, STEPS),
    max_norm=1.0,
)
trained = {name: x[0] for name, x in training.parameters.items()}
print("steps", training.tested, "bits", training.scores[:, 0])

# %% tags=["hide-input"]
fig, axes = plt.subplots()
smooth = training.losses.reshape(-1, 40).mean(axis=1) / np.log(2)
at = np.arange(20, STEPS, 40)
axes.plot(at, smooth, color=figures.GREY, label="what it learns from")
tested = training.tested[1:], training.scores[1:, 0]
axes.plot(*tested, "o", color=figures.BLUE, label="held out")
for n in (1, 2, 3, 4, 5):
    axes.hlines(
        ngrams[n], 0, STEPS, color=figures.VERMILION, linewidth=1
    )
    aside = {4: 0.08, 5: -0.1}.get(n, 0)
    axes.text(STEPS * 1.02, ngrams[n] + aside, f"{n}-gram", va="center")
axes.set(xlabel="step", ylabel="bits a character", ylim=(1.8, 5))
axes.set(xlim=(0, STEPS * 1.13))
_ = axes.legend()

# %% [markdown]
r"""
It learns, and what is held out follows what it learns from: it has not learnt the book
by heart. But **it does not beat counting.** After 800 steps it needs 2.64 bits, about
as many as the 3-gram (2.62) and more than the 4-gram (2.18), though it may look 32
characters back and the 4-gram three. An n-gram is hard to beat with so little: it
has read the whole book once, and each of its counts is right at once, while gradient
descent needs many small steps.

What would change that? *Time*: set `STEPS` to 8,000, wait a minute (in the browser
four), and see which n-grams it passes. *Text*: counts of long contexts stay rare, while
vectors let like contexts help each other, so more text and more blocks favour the
transformer. With 64 blocks and a text of a hundred million characters it reaches 1.13
bits (Al-Rfou et al., 2019, on another text, so the numbers must not be compared).
"""

# %% [markdown]
r"""
## Let it write

The model gives a probability to each next character, and one is drawn. Two knobs change
what is drawn, and neither changes the model.

- The **temperature** divides the logits before the softmax (lesson 3).
- **Top-k** keeps the $k$ likeliest and gives the rest nothing (Fan, Lewis and Dauphin,
  2018).
"""


# %%
def probabilities_loop(logits, temperature, top_k):
    kept = sorted(logits)[-top_k]  # the last that may stay
    powers = [
        np.exp(z / temperature) if z >= kept else 0.0 for z in logits
    ]
    return [power / sum(powers) for power in powers]


logits = model.read(trained, read[None, :20])[0, -1]
loop = probabilities_loop(logits, 0.8, 5)
general = next_token_probabilities(logits, temperature=0.8, top_k=5)
print(repr(sentence[:20]), np.allclose(loop, general))

# %% [markdown]
r"""
Move the two sliders. "the cat sat on the m" is the little sentence, up to the first
letter of "mat". On the left, the eleven likeliest next characters, and the 28 others
together: bars are what may be drawn, strokes what the model said. On the right, four
texts that it writes. All settings use the same random numbers, so what changes is the
setting. Watch:

- temperature **down to 0.2**: what becomes of the four texts?
- temperature **up to 2**: which bars grow? When does the text stop having words?
- **top-k down** at temperature 2: how much of the damage does the cut undo?
- top-k at **1**: why does the temperature no longer matter?
"""

# %%
beginning = np.tile(read[:20], (4, 1))


def written(**setting):
    rng = np.random.default_rng(0)
    texts = write(model, trained, beginning, 120, rng=rng, **setting)
    return ["".join(alphabet[i] for i in text[20:]) for text in texts]


# %%
names = [{" ": "space", "\n": "line"}.get(c, c) for c in alphabet]
order = np.argsort(-logits, kind="stable")
labels = [*(names[i] for i in order[:11]), "others"]


def ranked(p):
    return np.append(p[order[:11]], p[order[11:]].sum())


def draw(**setting):
    drawn = next_token_probabilities(logits, **setting)
    said = ranked(next_token_probabilities(logits))
    bits = course_utils.entropy(drawn) / np.log(2)
    return figures.beside(
        figures.next_tokens(
            labels, ranked(drawn), said, title="The next character"
        ),
        figures.writings(
            sentence[:20], written(**setting), title="What it writes"
        ),
        caption=f"The next character has {bits:.1f} bits of choice",
    )


# %%
temperature = figures.slider(
    0.2, 2, 0.2, start=0.8, label="temperature"
)
top_k = figures.slider(1, 39, 2, start=39, label="top-k")
figures.panel(draw, temperature=temperature, top_k=top_k)

# %% [markdown]
r"""
At 0.2 all four come back to "the said" again and again: always the likeliest road,
and it runs in a circle. At 2 the bars draw level, the 28 others get their chance, and
one that is out of place leads to a place the model has never seen. In between it writes
what sounds like English, in words that mostly are none; that is what 2.6 bits a
character read like. A top-k of 3 at temperature 2 keeps the variety among the likely
and cuts off the long tail, where most of the damage was. And with one character left,
all weight is on it, whatever the temperature.
"""

# %%
for t, k in ((0.2, 39), (0.8, 39), (2, 39), (2, 3)):
    print(t, k, draw(temperature=t, top_k=k).caption)

# %% [markdown]
r"""
## Take one part away

Which part does the work? Learners ask this of each: *why not tie queries and keys? What
is $W_o$ for? Why add positions, and not append them?* Opinions are easy to find, so we
measured. The model above, with one change, learns for 600 steps from five seeds, and is
tested on the held-out tenth. All of it takes a quarter of an hour, so the results
are stored, with the program that made them (`benchmarks/take_away.py`).

Predict once more: which of these makes the model worst?
"""

# %%
worst = predict(
    "12 which part is missed most",
    "no layer norm",
    "no w_out: heads are merged, and added as they are",
    "no feed-forward step",
    "no attention: an average of all that came before",
)
worst

# %%
changes = [change for change in CHANGES if change != "no mask"]
changes.sort(key=lambda change: measured(change).mean())

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7, 5))
for i, change in enumerate(changes):
    bits = measured(change)
    whole = change == "nothing"
    colour = figures.VERMILION if whole else figures.BLUE
    axes.plot(bits, [i] * 5, "o", color=colour, alpha=0.6)
    axes.text(3.52, i, f"{bits.mean():.2f}", va="center")
axes.axvline(
    measured("nothing").mean(), color=figures.VERMILION, linewidth=1
)
axes.axvline(ngrams[2], color=figures.GREY, linewidth=1)
axes.text(ngrams[2] + 0.01, 0, "2-gram", va="center")
axes.set(yticks=range(len(changes)), yticklabels=changes)
axes.invert_yaxis()
_ = axes.set(xlabel="held-out bits a character", xlim=(2.7, 3.6))
worst.reveal(right=3)

# %% [markdown]
r"""
Dots are seeds, the line is the model with nothing changed. Further right is worse. A few
answers:

- **Attention without places (3.27), or averages in place of attention (3.30)**, hardly
  beat the 2-gram (3.38). The residual stream still tells which character is the last,
  and of those before it there is a blend without order.
- **Queries = keys (3.18).** Scores become symmetric: each place tends to find itself
  most alike, and *looking back for* something else is hard to say.
- **Queries and keys of length one (3.13).** Scores then lie between −1 and 1, so no
  weight can be more than $e^2 = 7.4$ times another. That is too mild to single
  out one of 32. Multiply the scores by 8, and most of it is mended (2.88).
- **No residual (3.08), no feed-forward (3.04)**: a quarter of a bit each, with one
  block.
- **No scale (2.93).** A head has 12 components, so scores are 3.5 times as large.
- **Places appended (2.84):** eight numbers of 48 are kept for the place. As good, within
  the spread.
- **No `w_value` (2.84), no `w_out` (2.83).** What a head writes is $x\,
  W_{v,i}$ times its rows of $W_o$, a product of two matrices. One of them is nearly
  enough.
- **Dropout on weights (2.84).** One weight in ten is set to 0 while it learns, and rows no
  longer sum to 1, but they do on average. It is meant against learning by
  heart, of which there is none here yet.
- **No layer norm (2.81), one head (2.78):** no loss at all.

What this does not show: what the parts are worth in a large model, trained for
long. It is one small book and 600 steps.
"""

# %% [markdown]
r"""
Now you: set `change` to a name in the figure, and train it yourself. One seed
takes a few seconds.
"""

# %%
change = None  # or "an average", for example
if change:
    bits, _ = held_out_bits(change, seeds=[0], steps=600)
    print(
        f"{change}: {bits[0]:.1f} bits; five seeds: {measured(change)}"
    )

# %% [markdown]
r"""
Do the answers change with more blocks, or more steps?
"""

# %%
plans = [
    (1, 600, ("nothing", "no residual", "no layer norm")),
    (4, 600, ("nothing", "no residual", "no layer norm")),
    (1, 1600, ("nothing", "no layer norm", "tied embedding")),
]
for blocks, steps, tried in plans:
    print(f"blocks {blocks}, steps {steps:,}")
    for change in tried:
        bits = measured(change, num_blocks=blocks, steps=steps)
        print(f"  {change:14} {bits.min():.2f} to {bits.max():.2f}")

# %% [markdown]
r"""
Without residuals, four blocks need 4.34 bits. That is the 1-gram to the last digit:
nothing that was read gets through, as the cat and the mat foretold. The residual is
the part that *stacking* needs.

And layer norm? Four blocks are even better without it, 2.70 to 2.72 against 2.83 to
2.86. So it does not buy a better model here, where all matrices were drawn with
care. It buys safety if they were not. Draw them four times too large:
"""

# %%
inputs, targets = (
    part[:8] for part in windows(held_out, 32, stride=32, counted=32)
)
for change in ("nothing", "no layer norm"):
    loud = Changed(
        39, 48, num_blocks=2, dtype=np.float64, change=change
    )
    start = loud.start(np.random.default_rng(0))
    start |= {name: 4 * start[name] for name in start if "w_" in name}
    print(
        f"{change:14} {loud.score(start, inputs, targets):.0f} bits before training"
    )

# %% [markdown]
r"""
Guessing would cost 5 bits. With layer norm the model starts at 14, from which gradient
descent finds its way; without, at 7,063. A deep model is one in which some matrix may
grow too large at some step, and the next norm undoes it.

## Keep keys and values

To write character 101, the model reads the 100 before it, which it has read already. Their
keys and values are what they were: the mask keeps each place from seeing what
came later. So a model that writes keeps them in a **cache**, one for each block
(lesson 9 counted its bytes), and each step reads *one* new place.

How long things take does not depend on what was learnt, so we time a fresh model of two
blocks with room for 256 places.
"""

# %%
large = Transformer(39, d_model=64, num_blocks=2, context=256)
untrained = large.start(np.random.default_rng(0))


def timed(cached):
    rng, began = np.random.default_rng(0), processor_time()
    text = write(
        large, untrained, read[None, :1], 200, rng=rng, cached=cached
    )
    return text, processor_time() - began


plain, slow = timed(cached=False)
kept, fast = timed(cached=True)
print("the same text:", np.array_equal(plain, kept))
print(
    "places read:", sum(range(1, 201)), "without,", 200, "with a cache"
)
print("faster:", slow > fast)

# %% [markdown]
r"""
The same text, character by character, and one in a hundred of the places read. Time falls
by less, for a step costs time however little it reads: print `slow / fast` to see
what your machine gains.

<details><summary>What the cache cannot do here</summary>

Our model has 32 vectors of places. Beyond that, the window must slide: each
character then stands at another place, its key changes, and a cache of the old keys is
wrong. That is why the texts above were written without one. Positions that tell
*distances* (rotary, ALiBi: lesson 8) leave the kept keys right, one reason why today's
models use them.

</details>

## Where it goes wrong

**The target leaks.** Take the causal mask away, and training goes wonderfully. The loss is
tested as before, on all places of the second half of each window:
"""

# %%
for change in ("nothing", "no mask"):
    usual = measured(change).mean()
    honest = measured(change, last_alone=True).mean()
    print(
        f"{change:8} {usual:.2f} bits, at the last place {honest:.2f}"
    )

# %% [markdown]
r"""
0.23 bits! No text can be predicted so well: that is what should make you suspicious. Place
5 has to name character 6, and without a mask it looks at place 6, where that character
stands. Only the last place of a window is honest, for what it must name is not in the
window. There the model needs 3.61 bits, more than the 2-gram. It learnt to copy, and
hardly to read. Exercise 4 counts such bits for any mask and any number of blocks.

**The norm runs over the wrong axis.** A well-known PyTorch transformer at first
computed the mean and variance [along the
sequence](https://github.com/jadore801120/attention-is-all-you-need-pytorch/pull/17),
component by component, in place of token by token; a textbook
[described it so](https://github.com/udlbook/udlbook/issues/237). All shapes are right.
Change the last token, and look at the first:
"""

# %%
changed = z.copy()
changed[-1] += 1
for axis in (-1, -2):
    moved = []
    for tokens_in in (z, changed):
        mean = tokens_in.mean(axis=axis, keepdims=True)
        moved.append(
            (tokens_in - mean) / tokens_in.std(axis=axis, keepdims=True)
        )
    print(
        "axis",
        axis,
        "the first token moves:",
        not np.allclose(*np.array(moved)[:, 0]),
    )

# %% [markdown]
r"""
A norm along the sequence tells each token about those that come later: the leak again,
past a perfect mask. And it cannot norm the single token that a writing model reads with
a cache. The test of lesson 6 finds both: change a later token, and nothing before it may
move.

## In short

Attention alone makes all tokens alike; a residual connection keeps what each was, layer
norm brings what a step reads to variance 1, whatever the stream has grown to, and the
feed-forward step lets each token think. Two such steps are a block. Trained for seconds
on one book, one block comes to 2.64 bits a character, and a 5-gram that counts to 2.09.
Of the parts, places and true attention weigh most; several can be left out at no loss
in one block, and without residuals four blocks learn nothing. A loss that is too good
is a leak until the honest test says otherwise. A cache of keys and values writes the
same text, reading each place once.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| residual stream | (..., n, d) | what is passed from step to step and added to |
| `gain`, `shift` | (d,) | learnt; what layer norm multiplies by and adds (`bias` in the paper, and in `layer_norm_vjp`) |
| $\varepsilon$, `epsilon` | a number | keeps layer norm from dividing by 0 |
| `w_up`, `w_down` | (d, 4d), (4d, d) | the feed-forward step |
| block | | attention and feed-forward, each normed and added |
| tied embedding | | the vectors of the tokens also read off the scores |
| bits a character | a number | mean of $-\log_2$ of the probability of what came |
| n-gram | | counts of what followed $n - 1$ characters |
| `temperature`, `top_k` | numbers | how sharply is drawn, and from how many |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), sections 3.1 and 3.3.
- He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition* (2016).
- Ba, Kiros and Hinton, *Layer Normalization* (2016); Xiong et al., *On Layer
  Normalization in the Transformer Architecture* (2020): where the norm should stand.
- Dong, Cordonnier and Loukas, *Attention is Not All You Need: Pure Attention Loses Rank
  Doubly Exponentially with Depth* (2021).
- Press and Wolf, *Using the Output Embedding to Improve Language Models* (2017).
- Al-Rfou et al., *Character-Level Language Modeling with Deeper Self-Attention* (2019):
  64 blocks and much more text reach 1.13 bits on another text.
- Radford et al., *Language Models are Unsupervised Multitask Learners* (2019): GPT-2.
- Fan, Lewis and Dauphin, *Hierarchical Neural Story Generation* (2018): top-k.
- What learners asked: [why add
  positions?](https://github.com/tensorflow/tensor2tensor/issues/1591), [what is W_o
  for?](https://github.com/karpathy/minGPT/issues/135), [must dropped weights sum to
  1?](https://github.com/facebookresearch/fairseq/issues/351)
- Where the book's text comes from: `course_utils/data/README.md`.

**Now you:** [the exercises of this lesson](../exercises/12_transformer.ipynb). A
window of 32 characters is soon too short, and $n^2$ scores are soon too many. **Which
pairs may be left out, and at what price?** That is lesson 13, and the fourth part.
"""
