# %% [markdown]
r"""
# Attend hard, locally, sparsely, by levels

Which pairs may be left out, and at what price?

**What you'll build.** Masks for a window, for blocks and for blocks with a summary; the
receptive field of a stack of layers; attention in two levels; and a choice that is learnt
although it has no slope.

**What you'll learn.** To count the pairs that a mask leaves, to predict how far a stack of
layers hears, to tell reach from use, and to measure how noisy a gradient is.

**What you'll need.** Lessons 4, 6 and 10. About 90 minutes with the exercises, 40
without. The sections on choosing one and on the photograph may wait for a second reading.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook

import course_utils  # missing? Run python3 course.py
from course_utils import figures, masked_softmax, softmax
from course_utils.learner import predict
from course_utils.models.hard_reader import (
    HardReader,
    hidden_turn,
    noise_of,
)
from course_utils.models.sparse_reader import (
    SparseReader,
    flags,
    lookups,
    task_of,
)
from course_utils.models.trials import run_trials
from course_utils.softmax import softmax_vjp
from course_utils.tasks import little_sentence
from course_utils.training import cosine_schedule, tracked

np.set_printoptions(precision=3, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## Too many pairs

A model that writes must read what it has written. The transformer of lesson 12 read back 32
characters, and each looked at all before it. That is $n (n + 1) / 2$ pairs of query and key, for
each head of each layer. How many is that in our sentence, on a page, in a book?
"""

# %%
for n in (10, 500, 128_000):
    print(f"{n:7,} tokens: {n * (n + 1) // 2:13,} pairs")

# %% [markdown]
r"""
Published models that read 128,000 tokens do not compute all of these. In Gemma 3, five of
six layers let a token see the last 1,024 tokens only (Gemma Team, 2025); Mistral 7B lets it
see 4,096, in all layers (Jiang et al., 2023). What do they lose? Take our sentence.
When the model reads "it", the cat is six tokens back.
"""

# %%
tokens, features, x = little_sentence()  # x: (n, d) = (10, 7)
n, it, cat = 10, tokens.index("it"), tokens.index("cat")
print(f"“it” stands {it - cat} behind “cat”")

# %% [markdown]
r"""
## Four masks

Leaving pairs out is nothing new: it is a mask (lesson 6). **Global** attention has the
causal mask. **Local** attention has a **sliding window** of $w$: a token sees itself and the
$w - 1$ before it. First as a loop, then at once, then the course's own:
"""


# %%
def window_mask_loop(n, window):
    mask = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(i + 1):
            mask[i, j] = i - j < window
    return mask


def window_mask(n, window):
    behind = np.arange(n)[:, None] - np.arange(n)  # (n_q, n_k)
    return (behind >= 0) & (behind < window)


general = course_utils.sliding_window_mask(10, window=3)
for mask in (window_mask_loop(10, 3), window_mask(10, 3)):
    print(np.array_equal(mask, general), end=" ")

# %% [markdown]
r"""
Cut the text into **blocks** instead, and a token sees its own block, up to itself. Blocks do
not know of each other. So let one position speak for each: the *last* of a block has seen
all of it, and may carry a **summary**. Everything that comes later may see these ends; they
are *global*, the rest is local. (Child et al., 2019, call this the fixed pattern.)
"""


# %%
def block_mask(n, block, summaries):
    i, j = np.arange(n)[:, None], np.arange(n)
    seen = i // block == j // block
    if summaries:
        seen = seen | (j % block == block - 1)
    return seen & (j <= i)


both = block_mask(10, 4, summaries=True)
general = course_utils.block_mask(10, block=4, summaries=True)
print(np.array_equal(both, general))
print(both.astype(int))

# %% [markdown]
r"""
Read the last row: "tired" sees its own block, positions 8 and 9, and the ends of the two
blocks before, 3 and 7. Now attend under each mask. Queries and keys are the vectors
themselves, as in lesson 6; the mask is all that differs.
"""

# %%
masks = {
    "full": course_utils.causal_mask(n),
    "window 3": window_mask(n, 3),
    "blocks of 4": block_mask(n, 4, summaries=False),
    "with summaries": both,
}
print("mask             pairs   what “it” sees")
for name, mask in masks.items():
    _, weights = course_utils.scaled_dot_product_attention(
        x, x, x, mask, return_weights=True
    )
    seen = [
        f"{t} {w:.2f}"
        for t, w in zip(tokens, weights[it], strict=True)
        if w > 0.05
    ]
    print(f"{name:15} {mask.sum():6}   {', '.join(seen)}")

# %% [markdown]
r"""
Each of the three saves a good part of the pairs, far more in a longer text, and in each "it" no
longer sees the cat. It makes do with the mat. Is the cat lost?

## What you do not see, you may hear of

One layer is not all. In the first layer "mat" may see "on", in the second "because" sees
"mat", *after* "mat" has taken in what it saw. So "because" hears of "on". Two layers, with a
window of 3. How far back can a token hear?
"""

# %%
guess = predict(
    "13 two windows of three",
    "2 positions: a window is a window",
    "4 positions",
    "5 positions",
    "6 positions: twice three",
)
guess

# %% [markdown]
r"""
Follow it layer by layer. Before the first layer everybody has heard of itself. In each layer,
you hear of what you had, and of all that those have heard whom you see. That set of positions
is called the **receptive field**.
"""


# %%
def receptive_field_loop(masks):
    heard = [{i} for i in range(len(masks[0]))]
    for mask in masks:
        heard = [
            heard[i].union(*(heard[j] for j in np.flatnonzero(row)))
            for i, row in enumerate(mask)
        ]
    return heard


def receptive_field(masks):
    heard = np.eye(len(masks[0]), dtype=bool)
    for mask in masks:
        heard = heard | (mask @ heard)  # any of both
    return heard


# %%
two = [window_mask(n, 3)] * 2
loop, at_once = receptive_field_loop(two), receptive_field(two)
print([set(np.flatnonzero(row)) for row in at_once] == loop, end=" ")
print(np.array_equal(at_once, course_utils.receptive_field(two)))
print("“it” hears of", [tokens[j] for j in sorted(loop[it])])
print("back:", it - min(loop[it]))
guess.reveal(right=1)

# %% [markdown]
r"""
Four. A window of $w$ goes $w - 1$ back, and each layer adds as much:

$$\text{reach} = \text{layers} \times (w - 1).$$

Papers often say $\text{layers} \times w$ (Beltagy et al., 2020; for Mistral, 32 layers and
4,096 make "131K tokens"). For a window of 4,096 the difference hardly matters. For ours it
does.

Move the sliders, and choose a mask. Left, which pairs survive: a full square is *seen* in
some layer, a pale one only *heard of* in the end. Right, the layers above each other, and all
that leads to "tired". Watch:

- With a window, what does one more layer do? What does one more position in the window do?
- With blocks, do more layers help?
- With summaries, how many layers does "tired" need to hear of all?
"""

# %%
kinds = ("window", "blocks", "blocks with summaries")


def mask_of(kind, size):
    if kind == 0:
        return window_mask(n, size)
    return block_mask(n, size, summaries=kind == 2)


def survive(kind, size, layers):
    stack = [mask_of(kind, size)] * layers
    heard = receptive_field(stack)[-1]
    pairs, most = sum(m.sum() for m in stack), layers * 55
    return figures.beside(
        figures.field(stack, tokens, title="Which pairs survive"),
        figures.paths(stack, tokens, title="Paths", query=n - 1),
        caption=f"{pairs} of {most} pairs; “tired” hears of {heard.sum()} "
        f"tokens, {'also' if heard[cat] else 'not'} the cat",
    )


figures.panel(
    survive,
    kind=figures.picker(kinds, label="mask"),
    size=figures.slider(1, 6, 1, start=3, label="window or block"),
    layers=figures.slider(1, 4, 1, start=2, label="layers"),
)

# %% [markdown]
r"""
One more layer carries the window $w - 1$ further, step by step, like a staircase. Blocks alone
stay deaf, however many layers there are. With summaries two layers are enough: one in
which the ends of the blocks listen, one in which they are listened to.
"""

# %%
for kind, size, layers in ((0, 3, 2), (0, 3, 4), (1, 4, 4), (2, 4, 2)):
    print(
        f"{kinds[kind]} of {size}:", survive(kind, size, layers).caption
    )

# %% [markdown]
r"""
## From a mask to a saving

A mask saves nothing. All scores are computed, and then most of them are thrown away. To save
work, do not compute them. `sliding_window_attention` takes the queries block by block, and
meets only the keys that some query of the block may see:
"""

# %%
rng = np.random.default_rng(0)
query, key, value = rng.normal(size=(3, 1024, 16))
near = course_utils.sliding_window_mask(1024, window=64)
by_mask = course_utils.scaled_dot_product_attention(
    query, key, value, near
)
by_blocks = course_utils.sliding_window_attention(
    query, key, value, window=64
)
print("same output:", np.allclose(by_mask, by_blocks))

# %% [markdown]
r"""
How many scores is that? 64 queries at a time meet the 64 keys at their own positions, and the
63 before the first of them:
"""

# %%
firsts = range(0, 1024, 64)
computed = sum(64 * (min(first, 63) + 64) for first in firsts)
print(f"{1024**2:,} by mask, {computed:,} by blocks", end=", ")
print(f"{near.sum():,} of them used")

# %% [markdown]
r"""
The same output from an eighth of the scores, and the share falls as the text grows. What
that means in seconds and bytes is the matter of lesson 14. Here we ask about the price.

## Does it use what it can reach?

Who can hear need not listen. So we train, and measure. The task: fillers, and one **flag**
among them that carries one of eight values. From the flag on, every position has to name its
value, whatever has come since.
"""


# %%
def show_flag(tokens, targets):
    print(
        *(f"⚑{t - 8}" if t >= 8 else f" {t}" for t in tokens[0, :, 0])
    )
    print(*(f" {t}" if t >= 0 else " –" for t in targets[0]))


show_flag(*flags(np.random.default_rng(4), batch=1, n=16)[:2])

# %% [markdown]
r"""
Above what is read, below what is to be said. The real sequences are as long; together
they test every distance. The model (`course_utils.models.sparse_reader`) is a stack of layers of
one head, each added to what it read. Windows are 4 wide, and so are blocks. By the rule, the
share of right answers should fall to one in eight beyond distance 3 with one layer, 6 with two, 9
with three.
"""

# %%
w = 4
window = course_utils.sliding_window_mask(16, window=w)
own = course_utils.block_mask(16, block=w)
ends = course_utils.block_mask(16, block=w, summaries=True)
stacks = {"window, 1 layer": [window]}
stacks |= {f"window, {k} layers": [window] * k for k in (2, 3)}
stacks["blocks, then summaries"] = [own, ends]


# %%
def accuracy(stack, draw, vocabulary, steps):
    return run_trials(
        SparseReader(stack, vocabulary),
        task_of(draw, batch=8, test=250),
        seeds=range(5),
        steps=steps,
        learning_rate=cosine_schedule(0.02, steps),
        max_norm=1.0,
        progress=False,
    ).scores[0]  # (seeds, distance)


# %%
found = {
    name: accuracy(stack, flags, 16, steps=120)
    for name, stack in tracked(list(stacks.items()))
}


# %%
colors = (figures.BLUE, figures.VERMILION, figures.GREY, "black")
styles = [
    {"color": color, "linestyle": line}
    for color, line in zip(colors, ("-", "--", ":", "-."), strict=True)
]


# %% tags=["hide-input"]
def draw_curves(curves):
    _, axes = plt.subplots()
    for style, (name, right) in zip(
        styles, curves.items(), strict=False
    ):
        mean = right.mean(axis=0)
        around = np.abs(np.array([right.min(0), right.max(0)]) - mean)
        axes.errorbar(range(16), mean, around, label=name, **style)
    axes.axhline(1 / 8, color="black", linewidth=1, label="guessing")
    axes.set(xlabel="distance of the answer", ylabel="right answers")
    axes.set(ylim=(0, 1.05), xticks=range(0, 16, 3))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))


draw_curves(found)

# %%
for name, right in found.items():
    reach = receptive_field(stacks[name])[-1].sum() - 1
    within, beyond = right[:, : reach + 1], right[:, reach + 1 : 12]
    print(f"{name:23} reach {reach:2}", end=": ")
    print("all above 0.8 up to there", within.min() > 0.8, end="")
    if beyond.size:
        print(", all below 0.3 beyond", beyond.max() < 0.3, end="")
    print()

# %% [markdown]
r"""
(Lines are means over five seeds, bars go from the worst seed to the best.) **A staircase**, and
its steps end where they should: at $1 \cdot 3$, $2 \cdot 3$, $3 \cdot 3$. One token beyond, the
model guesses. Blocks with summaries answer at every distance, from two layers. (The farthest
distances occur seldom, so the right end is ragged.)

So are summaries as good as full attention? A flag is *one* thing to remember, and everybody
knows in advance that it will matter. Change that. Now each position holds a key and a value of its own,
and asks for the value of an earlier key: a **lookup**, as in lesson 10, but you do not know what
will be asked until you are there:
"""

# %%
some, answers, _ = lookups(np.random.default_rng(1), batch=1, n=5)
for (k, v, q), answer in zip(some[0], answers[0], strict=True):
    print(f"key {k} has {v - 5}; what has key {q - 13}? {answer}")

# %% [markdown]
r"""
The reach is the same. Full attention in one layer, against blocks and their summaries in two:
how do the summaries do, far away?
"""

# %%
guess = predict(
    "13 reach is not use",
    "as well as full attention: all is in reach",
    "better than guessing, but most answers are wrong",
    "as badly as guessing",
)
guess

# %%
pair = {"full, 1 layer": [course_utils.causal_mask(16)]}
pair["blocks, then summaries"] = [own, ends]
looked_up = {
    name: accuracy(stack, lookups, 16 + 8 + 16, steps=120)
    for name, stack in tracked(list(pair.items()))
}
draw_curves(looked_up)

# %%
for name, right in looked_up.items():
    far = right[:, 4:12].mean(axis=1)  # one number a seed
    print(f"{name:23} far away, all seeds", end=": ")
    print("above 0.9", far.min() > 0.9, end="; ")
    print("between 0.2 and 0.4", 0.2 < far.min() <= far.max() < 0.4)
guess.reveal(right=1)

# %% [markdown]
r"""
**Reach is not use.** Full attention answers every question at every distance. The summaries,
perfect a moment ago, get little more than one in four, up to 12 back. (It begins to fall at once: an answer one token back may
already lie in the block before.) Why? The end of a block writes its summary *before the
question is known*. A summary has room for something, but not for four keys with their values,
and it cannot tell which will be asked for. Full attention keeps every token and chooses when
the question comes.

This is one small model with 32 numbers a position; a larger one has room for more in a
summary. What remains is the kind of the price: leaving out pairs costs little where little has to
travel far, and much where anything may be asked for.

<details>
<summary><b>In a language model</b></summary>

Both kinds of need occur in a text. To know that "was" follows "it", two tokens will do. To write
the name of somebody who was introduced a chapter ago is a lookup. So models mix: GPT-3 alternates
full layers with sparse ones (Brown et al., 2020), and Gemma 3 has five layers with a window for
each full one.

</details>

## Two levels

With summaries, the last token of a block had to do two jobs. Give each sentence a summary of
its own: first a softmax over the *words* of each sentence, then one over the *sentences*
(Yang et al., 2016, read whole documents so). What makes a word count? A query again, but one
that no token asks: it is a parameter, and learnt. Let us learn both queries, from a wish as in
lesson 10: the text shall come out with what the cat tells (alive 2, place 0, state 0).
"""

# %%
sentence = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
own_words = np.arange(3)[:, None] == sentence  # (sentences, n)
columns = [features.index(f) for f in ("alive", "place", "state")]
wanted = x[cat, columns]


def two_levels_loop(ask_word, ask_sentence):
    summaries = []
    for s in range(3):
        words = x[sentence == s]
        summaries.append(softmax(words @ ask_word) @ words)
    summaries = np.array(summaries)
    return softmax(summaries @ ask_sentence) @ summaries


# %% [markdown]
r"""
With matrices, a mask says which words belong to which sentence. And since we want to learn,
the function also returns the way back, two softmaxes long (lesson 10).
"""


# %%
def two_levels(ask_word, ask_sentence):
    scores = np.where(own_words, x @ ask_word, -np.inf)
    shares, words_back = softmax_vjp(scores)  # (sentences, n)
    summaries = shares @ x
    weights, sentences_back = softmax_vjp(summaries @ ask_sentence)

    def back(d_output):
        (d_scores,) = sentences_back(summaries @ d_output)
        d_summaries = np.outer(weights, d_output)
        d_summaries += np.outer(d_scores, ask_sentence)
        (d_words,) = words_back(d_summaries @ x.T)
        return d_words.sum(axis=0) @ x, d_scores @ summaries

    return weights @ summaries, weights, shares, back


# %% [markdown]
r"""
Both queries start at 0: all words weigh alike, and all sentences.
"""

# %%
asks = np.zeros((2, 7))
for _ in range(300):
    output, _, _, back = two_levels(*asks)
    d_output = np.zeros(7)
    d_output[columns] = 2 * (output[columns] - wanted)
    asks = asks - 0.1 * np.array(back(d_output))

output, weights, shares, _ = two_levels(*asks)
print("loop agrees:", np.allclose(output, two_levels_loop(*asks)))
for s in range(3):
    words = [tokens[j] for j in np.flatnonzero(sentence == s)]
    shown = zip(words, shares[s][sentence == s], strict=True)
    print(f"{weights[s]:.2f} of:", *(f"{t} {w:.2f}" for t, w in shown))
print("output", output[columns], "wanted", wanted)

# %% [markdown]
r"""
The word query has found what is alive, the sentence query picks the first sentence. (One wish
for one text: this shows that pooling *can* be learnt, not what it learns from many.)

The output blends summaries, which are blends of words. So each word has a weight in the end,
the product of its two shares, and these sum to 1. Two levels are one attention, whose
weights have a certain form. Where is the saving? The summaries are made once, for all who
ask: for a book of 1,000 sentences with 20 words each, a question meets 1,000 keys, not 20,000.

## Choose one, and learn to choose

The sparsest attention looks at *one* key: **hard attention**. It picks instead of blending.
But a pick has no slope. Move a score a little, and the same key is picked, or suddenly another:
the gradient is 0, or there is none. How can "it" learn to pick the cat?

Let the weights be *chances*: key $j$ is drawn with probability $w_j$, and costs
$\text{loss}_j$. The **mean** loss $\sum_j w_j \, \text{loss}_j$ does have a slope: lesson 10's
formula, with the losses as `d_weights`.
"""

# %%
values = x[:, columns]
weights, back = softmax_vjp(x[it] @ x.T * 7**-0.5)
losses = ((values - values[cat]) ** 2).sum(axis=1)  # of each pick
(exact,) = back(losses)
print(exact)

# %% [markdown]
r"""
A step goes against these: the score of "cat", the second, rises most, that of "mat", the sixth,
falls most. But this needs the loss of *every* pick. A model that really picks sees one. **REINFORCE** (Williams,
1992) makes do with it. If key $k$ was drawn, take

$$\text{loss}_k \, \bigl(\delta_{jk} - w_j\bigr)$$

for the gradient of score $j$: make what was costly less likely. The bracket is the slope of
$\ln w_k$. A single draw may point anywhere. But the mean over all draws is exact:
"""

# %%
estimates = losses[:, None] * (np.eye(10) - weights)  # (pick, score)
mean_loss = weights @ losses
steadied = (losses - mean_loss)[:, None] * (np.eye(10) - weights)
for name, each in (("plain", estimates), ("baseline", steadied)):
    mean = weights @ each  # each pick as often as it is drawn
    scatter = (weights @ ((each - mean) ** 2).sum(axis=1)) ** 0.5
    print(
        f"{name:9} right on average: {np.allclose(mean, exact)}",
        end=", ",
    )
    print(f"noise {scatter / np.linalg.norm(exact):.1f} × the gradient")

# %% [markdown]
r"""
The second row subtracts a **baseline**, here the mean loss: not "how bad?" but "how much worse
than usual?". It changes nothing on average, because the brackets average to 0, and it makes
less noise.

The fourth way is to cheat. **Straight-through** (Bengio et al., 2013) picks on the way there,
and on the way back pretends that it had blended. And **soft** attention does not pick at all. Let
us measure all four at a larger task (`course_utils.models.hard_reader`): a query is one of 8 keys,
or 32, turned in a way that a matrix has to find. At the start, before any training, 200 draws
on one batch of 32 questions:
"""

# %%
ways = ("soft", "straight through", "reinforce", "reinforce, baseline")
print("                        cosine with the exact gradient")
print("keys                     of one draw   of the mean   noise")
for count in (8, 32):
    for way in tracked(ways):
        measured = [noise_of(way, seed, count) for seed in range(5)]
        one, mean, noise = np.mean(measured, axis=0)
        print(
            f"{count:2}  {way:20} {one:10.1f} {mean:13.1f} {noise:10.1f}"
        )

# %% [markdown]
r"""
(Means over five seeds; *noise* is the scatter of the draws, in lengths of their mean.)
REINFORCE is right on average and nearly useless one by one. The baseline takes a third of the
noise away. Straight-through has little noise, and its mean does not point quite where
it should. Soft has none, and answers another question: it lowers the loss of a blend. More
keys make all of it worse. (With 32, two hundred draws are too few to average out the noise of plain
REINFORCE.)

Does it matter? Train, five seeds each.
"""

# %%
plans = [(8, way) for way in ways] + [(32, way) for way in ways[2:]]
learnt = {}
for count, way in tracked(plans):
    learnt[count, way] = run_trials(
        HardReader(way),
        hidden_turn(count),
        seeds=range(5),
        steps=300,
        learning_rate=0.02,
        every=20,
        progress=False,
    )

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), sharey=True)
for (count, way), trials in learnt.items():
    axes = panels[0] if count == 8 else panels[1]
    mean, std = trials.scores.mean(axis=1), trials.scores.std(axis=1)
    style = styles[ways.index(way)]
    axes.errorbar(trials.tested, mean, std, label=way, **style)
    axes.set(title=f"{count} keys", xlabel="steps", ylim=(0, 1.05))
panels[0].legend(loc="lower right")
_ = panels[0].set_ylabel("right picks")

# %%
print("seeds with 0.9 of the picks right:  after 60   after 300 steps")
for (count, way), trials in learnt.items():
    print(f"{count:2} keys, {way:20}", end="")
    for step in (60, 300):
        done = (trials.scores[trials.tested == step] >= 0.9).sum()
        print(f"{ {0: 'none', 5: 'all'}.get(done, 'some'):>14}", end="")
    print()

# %% [markdown]
r"""
With 8 keys all four get there, on all five seeds; noise costs time, no more. So it is not
true that hard attention cannot be learnt. With 32 keys plain REINFORCE has not finished on
every seed, and with a baseline it has. Xu et al. (2015), who described images with words,
trained both kinds. Language models keep soft attention: its gradient is free, and where all
scores are computed anyway, picking one saves nothing.

## Attention without training: patches of a photograph

Words are not needed for any of this. matplotlib brings a photograph of Grace Hopper, who
wrote one of the first compilers; it is in the public domain. Make it small and
grey, add noise, and let it clean itself. Each pixel asks: which other pixels look like me,
*with their surroundings*? Query and key are the patch of 3 × 3 around a pixel, the score is
the Gaussian of lesson 2, the value is the pixel. This is **non-local means** (Buades, Coll
and Morel, 2005), and it is `nadaraya_watson` of lesson 4. A **blur** is the same with the
*place* as query and key: near pixels count, whatever they look like. The third way takes
both: patches for the scores, and a window as the mask.
"""

# %%
with cbook.get_sample_data("grace_hopper.jpg") as file:
    photo = plt.imread(file).mean(axis=-1) / 255  # (600, 512)
small = photo.reshape(75, 8, 64, 8).mean(axis=(1, 3))
clean = small[6:54, 8:56]  # 48 × 48 pixels
place = np.array(list(np.ndindex(clean.shape)), dtype=np.float32)
near = np.abs(place[:, None] - place).max(axis=-1) <= 3


def noisy_photo(seed):
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    return (clean + 0.1 * noise).astype(np.float32)


def patches_of(image):
    around = np.pad(image, 1, mode="reflect")
    cut = np.lib.stride_tricks.sliding_window_view(around, (3, 3))
    return cut.reshape(-1, 9)


def decibels(image):  # above the noise; more is better
    return -10 * np.log10(
        ((image.reshape(clean.shape) - clean) ** 2).mean()
    )


# %%
def blurred(image, width):
    pixels = image.reshape(-1, 1)
    return course_utils.nadaraya_watson(place, place, pixels, width)


def non_local(image, width):
    patches, pixels = patches_of(image), image.reshape(-1, 1)
    return course_utils.nadaraya_watson(patches, patches, pixels, width)


def local(image, width):
    patches, pixels = patches_of(image), image.reshape(-1, 1)
    scores = course_utils.gaussian_score(patches, patches, width)
    return masked_softmax(scores, near) @ pixels


# %%
cleaners = {"blur": (blurred, 0.6), "all patches": (non_local, 0.2)}
cleaners["patches within ±3"] = (local, 0.3)
noisy = [noisy_photo(seed) for seed in range(5)]
made = {"noisy": noisy}
for name, (cleaner, width) in tracked(list(cleaners.items())):
    made[name] = [cleaner(image, width) for image in noisy]
for name, images in made.items():
    quality = [decibels(image) for image in images]
    print(f"{name:18} {np.mean(quality):.1f} dB", end="  ")
    print(f"({min(quality):.1f} to {max(quality):.1f})")

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 5, figsize=(9, 2.2))
for axes, (name, images) in zip(
    panels, {"clean": [clean], **made}.items(), strict=True
):
    axes.imshow(
        images[0].reshape(clean.shape), cmap="gray", vmin=0, vmax=1
    )
    axes.set_title(name, fontsize=9)
    axes.axis("off")

# %% [markdown]
r"""
Local beats global: what stands near looks alike more often, so the mask throws away mostly
false friends. (Widths and the window were chosen by looking at the *clean* image, for the blur as
for the others. Somebody who has only the noisy one cannot choose so.) Nothing
was trained, and there are no positions in the scores: the mask is all that says what is near.

## Where it goes wrong

**A window that is off by one.** "Fewer than $w$ away" or "at most $w$ away"? One library asked
another for a window [one position too
long](https://github.com/huggingface/transformers/issues/39408), and to both sides; its own two
backends [did not agree](https://github.com/huggingface/transformers/issues/29623) either. No
output looks wrong. But a mistake in one layer is made in each of them:
"""


# %%
def off_by_one(n, window):
    behind = np.arange(n)[:, None] - np.arange(n)
    return (behind >= 0) & (behind <= window)


for layers in (1, 3, 32):
    right, wrong = (
        receptive_field([mask(200, 4)] * layers)[-1].sum() - 1
        for mask in (window_mask, off_by_one)
    )
    print(f"layers {layers:2}: reach {right:3}, off by one {wrong:3}")

# %% [markdown]
r"""
How to notice: look at a mask of six tokens, and count a row.

**A window to both sides in a model that writes.** The Longformer reads, and its window has two
sides. In a model that is to guess the next token, it shows the answer. The test is that of
lesson 6: edit the last token and see whose output moves. The two-sided window, then the right one:
"""

# %%
edited = x.copy()
edited[-1] = 1 - x[-1]
for causal in (False, True):
    mask = course_utils.sliding_window_mask(n, window=3, causal=causal)
    before, after = (
        course_utils.scaled_dot_product_attention(y, y, y, mask)
        for y in (x, edited)
    )
    moved = np.abs(after - before).max(axis=1) > 1e-6
    print(
        "moves:", [t for t, m in zip(tokens, moved, strict=True) if m]
    )

# %% [markdown]
r"""
"it" and "was" move: they have seen what comes after them.

**Pooling before normalising.** In two levels, the softmax over words belongs *inside* each
sentence. With one softmax over the whole text, a sentence's shares sum to anything, and a
loud word elsewhere makes its summary shrink:
"""

# %%
scores = x @ asks[0]
right = masked_softmax(np.where(own_words, scores, 0), own_words)
wrong = own_words * softmax(scores)
print(
    "shares of a sentence sum to",
    right.sum(axis=1),
    "and",
    wrong.sum(axis=1),
)

# %% [markdown]
r"""
The second sentence nearly vanishes before anybody has asked for it.

## In short

Every variant is a mask first: which pairs may be left out. It becomes a saving when the scores
are not computed. A window of $w$ hears of $\text{layers} \times (w - 1)$ tokens back, to the
token; blocks with summaries hear of everything in two layers. Reach is not use: a summary is
written before the question is known. A choice that is drawn can be learnt, from gradients that
are noisy and right (REINFORCE) or calm and a little wrong (straight-through).

## Symbols and names

| name | shape | meaning |
|---|---|---|
| global, local attention | | all pairs (of the past); only near ones |
| $w$, `window` | a number | positions that a query sees, its own included |
| `block`, summary | a number | positions in a block; its last one, which all later ones see |
| receptive field | (n, n) | of whom each position hears after all layers |
| hard, soft attention | | picks one value; blends all |
| REINFORCE | | loss of a pick times the slope of the logarithm of its chance |
| baseline | a number | what is subtracted from the loss before |
| straight-through | | pick on the way there, blend on the way back |
| two levels | (sentences, n) | shares of words in sentences, weights of sentences |

## Go deeper

- Child, Gray, Radford and Sutskever, *Generating Long Sequences with Sparse Transformers* (2019):
  blocks and summaries.
- Beltagy, Peters and Cohan, *Longformer: The Long-Document Transformer* (2020), section 3.1.
- Brown et al., *Language Models are Few-Shot Learners* (2020), section 2.1; Jiang et al.,
  *Mistral 7B* (2023), section 2; Gemma Team, *Gemma 3 Technical Report* (2025).
- Yang, Yang, Dyer, He, Smola and Hovy, *Hierarchical Attention Networks for Document
  Classification* (2016): two levels.
- Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
  Learning* (1992); Bengio, Léonard and Courville, *Estimating or Propagating Gradients Through
  Stochastic Neurons for Conditional Computation* (2013).
- Xu et al., *Show, Attend and Tell* (2015): hard and soft attention, and their names. Deng et al.,
  *Latent Alignment and Variational Attention* (2018): better ways to learn a choice.
- Buades, Coll and Morel, *A Non-Local Algorithm for Image Denoising* (2005).

**Now you:** [the exercises of this lesson](../exercises/13_variants.ipynb). We have counted pairs.
But pairs are no seconds, and no bytes. **Where do time and memory go, and how are they saved?**
That is lesson 14.
"""
