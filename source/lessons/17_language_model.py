# %% [markdown]
r"""
# Write with a published language model

Does a published language model run on the attention that you wrote?

**What you'll build.** The two parts that were still missing, RMS norm and SwiGLU; a block of
a language model of 2024; and its thirty blocks, with the numbers that others trained, on
softmax, mask, rotation, heads and cache as you wrote them.

**What you'll learn.** To compute what a published model reads and writes, to check it
against its authors' library, to watch each of its 270 heads look back in a sentence of
your own, to switch heads off and predict what is lost, and to diagnose a model that writes
nonsense.

**What you'll need.** Lessons 3, 5, 6, 8, 9, 12, 14 and 15, and the model: `python3 course.py
models` fetches it and that of lesson 16, 180 MB. Without it you can read all that follows. The main line takes
about 40 minutes, all of it with the exercises about 90.
"""

# %%
from dataclasses import replace
from functools import partial
from itertools import pairwise
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np

from course_utils import (
    causal_mask,
    figures,
    log_softmax,
    merge_heads,
    split_heads,
)
from course_utils import softmax as general_softmax
from course_utils.learner import predict
from course_utils.measuring import cpu_seconds
from course_utils.models.language_model import load, written_elsewhere
from course_utils.models.published import find
from course_utils.training import tracked

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()
# No model here? Run python3 course.py models in a terminal.
path = find("SmolLM2-135M-Instruct.Q4_1.gguf")
model, text = load(path)

# %% [markdown]
r"""
## Captain V

The model of lesson 16 reads, and cannot write a word. This one writes. And this is where the
course began:

> Captain Vexolin stood at the harbour and looked at the log. “Good morning,” said Captain V

Nobody has ever been called Vexolin. A language model reads these words, piece by piece, and
says what comes next.
"""

# %%
guess = predict(
    "17 what follows Captain V",
    "it cannot know a name that was made up for this lesson",
    "it goes on with the name, though it never met it",
    "it goes on with a name that it knows, such as Victor",
)
guess

# %%
captain = (
    "Captain Vexolin stood at the harbour and looked at the log. "
    "“Good morning,” said Captain V"
)


def likeliest(words, count=4, **options):
    logits = model.read(text.encode(words), **options)[-1]
    p = general_softmax(logits)
    order = np.argsort(-p)[:count]
    return {text.decode([i]): float(p[i]) for i in order}


def show(words, **options):
    found = likeliest(words, **options).items()
    print("  ".join(f"{piece!r} {p:.2f}" for piece, p in found))


# %%
show(captain)
morton = likeliest(captain.replace("Vexolin", "Morton"), 99)
print(f"with Captain Morton: 'ex' {morton['ex']:.1f}")
guess.reveal(right=1)

# %% [markdown]
r"""
The next piece is "ex", with .98. Call him Morton in the first sentence, and "ex" falls to
a tenth: the model found the name *in the text*. It looked back. In this last
lesson you build it from what you have, and then ask it how.

## What is in the file

The model is SmolLM2-135M-Instruct (Ben Allal et al., 2025). Its authors trained it on two
trillion tokens, mostly English, and published its numbers under the licence Apache-2.0.
"""

# %%
print(f"{model.size:,} numbers, {len(model.blocks)} blocks")
print(f"{4 * model.size / 1e6:.0f} MB at four bytes a number", end=", ")
print(f"{path.stat().st_size / 1e6:.0f} MB in the file")
print("vectors of the tokens", model.tokens.shape)
for name, x in model.blocks[0].items():
    print(f"  {name:8} {x.shape}")
heads, kv_heads = model.num_heads, model.num_kv_heads
print(heads, "heads of queries share", kv_heads, "of keys and values")

# %% [markdown]
r"""
You know nearly all of these. `w_key` has a third of the columns of `w_query`: heads of
queries share keys (lesson 9). No matrix of places: queries and keys are turned
(lesson 8). No `w_read`: the vectors of the tokens are **tied** (lesson 12). New are
`w_gate`, and a gain without a shift.

<details><summary>How 135 million numbers fit into 98 MB</summary>

In the file, 32 neighbours share a scale and a least
number, and each has four bits, for one of 16 steps between (the vectors of the tokens have
eight bits). `course_utils/models/gguf.py` undoes this in some twenty lines. The numbers are
a little off from those that were trained; every comparison here is on the numbers of the file.

</details>

## Pieces of text

A vocabulary of words would lack "Vexolin", and single letters make long texts. The tokens in
use lie between: **byte pairs** (Sennrich, Haddow and Birch, 2016; on bytes: Radford et al.,
2019). A word begins as its bytes. In training, the pair of neighbours that was most frequent
was joined and put on a list, then the most frequent again, and so on. To cut a word, join in
the order of that list:
"""

# %%
print(f"{len(text.rank):,} pairs, {len(text.pieces):,} pieces")
parts = list("ĠVexolin")  # Ġ stands for the space before it
while pairs := [p for p in pairwise(parts) if p in text.rank]:
    first = min(pairs, key=text.rank.get)
    i = list(pairwise(parts)).index(first)
    parts[i : i + 2] = [parts[i] + parts[i + 1]]
    print(parts)
print(text.pieces_of(text.encode(" Vexolin")))

# %% [markdown]
r"""
The last line is the course's tokenizer: three pieces, of which the second is "ex". Since
every text is bytes, nothing is unknown. But what was rare in training is cut finely:
"""

# %%
for words in (
    "Captain, what does the log say?",
    "Kapitän, was steht im Logbuch?",
    "Капитан, что в журнале?",
    "船长，航海日志上写着什么？",
):
    tokens = text.encode(words)
    print(len(words), "characters,", len(tokens), "tokens", end="  ")
    print(text.pieces_of(tokens)[:5])

# %% [markdown]
r"""
"�" is half of a character: a piece may end inside one.

## The two parts that are new

**RMS norm** (Zhang and Sennrich, 2019) is layer norm without the mean and without the shift:

$$\text{norm}(x)_i = \text{gain}_i \frac{x_i}{\sqrt{\text{mean}(x^2) + \varepsilon}} .$$

**SwiGLU** (Shazeer, 2020) is a feed-forward step in which relu became a gate. Each hidden
number is a value $u$ times how far its gate $g$ is open, and both are computed from $x$:

$$\text{hidden} = \frac{g}{1 + e^{-g}} \cdot u, \qquad g = x W_\text{gate},\; u = x W_\text{up} .$$

As loops:
"""


# %%
def rms_norm_loop(x, gain, epsilon=1e-5):
    output = np.zeros(x.shape)
    for t, vector in enumerate(x):
        square = sum(a * a for a in vector) / len(vector)
        output[t] = gain * vector / (square + epsilon) ** 0.5
    return output


def swiglu_loop(gate, up):
    pairs = zip(gate.ravel(), up.ravel(), strict=True)
    flat = [g / (1 + np.exp(-g)) * u for g, u in pairs]
    return np.reshape(flat, gate.shape)


# %% [markdown]
r"""
And without loops, as you will write them in the first exercise:
"""


# %%
def rms_norm(x, gain, epsilon=1e-5):
    square = (x * x).mean(axis=-1, keepdims=True)  # (..., n, 1)
    return gain * x / np.sqrt(square + epsilon)


def swiglu(gate, up):
    with np.errstate(over="ignore"):  # a gate far below 0 is shut
        return gate / (1 + np.exp(-gate)) * up


# %%
p, tokens = model.blocks[0], text.encode(captain)
x = model.tokens[tokens]  # (n, d) = (21, 576)
normed = rms_norm(x, p["gain_1"])
gate, up = normed @ p["w_gate"], normed @ p["w_up"]
print(np.allclose(normed, rms_norm_loop(x, p["gain_1"]), atol=1e-5))
print(np.allclose(normed, model.norm(x, p["gain_1"], 1e-5), atol=1e-5))
print(np.allclose(swiglu(gate, up), swiglu_loop(gate, up), atol=1e-5))
print(np.allclose(swiglu(gate, up), model.gated(gate, up), atol=1e-5))

# %% [markdown]
r"""
## The parts that you have

Here they are once more, each in a few lines. **If you kept what you wrote in the
exercises, put it in their places**; it only must take and return the same arrays. Softmax is lesson
3, the scores 5, the mask 6, the shared heads 9:
"""


# %%
def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attend(query, key, value, may_see=None, return_weights=False, **_):
    shared = query.shape[-3] // key.shape[-3]  # 9 // 3
    key, value = (np.repeat(y, shared, axis=-3) for y in (key, value))
    scores = query @ key.mT / query.shape[-1] ** 0.5  # (9, n, n_k)
    if may_see is not None:
        scores = np.where(may_see, scores, -np.inf)
    weights = softmax(scores)
    output = weights @ value  # (9, n, d_head)
    return (output, weights) if return_weights else output


# %% [markdown]
r"""
The rotation is lesson 8, the cache 14:
"""


# %%
def turn(x, places, base):
    d = x.shape[-1]
    angles = places[:, None] * base ** (-np.arange(0, d, 2) / d)
    cos, sin = np.cos(angles), np.sin(angles)  # (n, d / 2)
    turned = np.empty_like(x)
    turned[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
    turned[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
    return turned


# %%
class Cache:
    def __init__(self):
        self.kept = None

    def __len__(self):
        return 0 if self.kept is None else self.kept[0].shape[-2]

    def append(self, *new):
        if self.kept is not None:
            pairs = zip(self.kept, new, strict=True)
            new = [np.concatenate(pair, axis=-2) for pair in pairs]
        self.kept = new
        return new


# %% [markdown]
r"""
## One block, thirty blocks

A block is lesson 12's: norm, attend, add; norm, think, add.
"""


# %%
def block(x, p, may_see):
    normed, places = rms_norm(x, p["gain_1"]), np.arange(len(x))
    query = split_heads(normed @ p["w_query"], heads)
    key = split_heads(normed @ p["w_key"], kv_heads)
    value = split_heads(normed @ p["w_value"], kv_heads)
    query, key = (turn(y, places, model.base) for y in (query, key))
    attended = attend(query, key, value, may_see)
    x = x + merge_heads(attended) @ p["w_out"]
    normed = rms_norm(x, p["gain_2"])
    hidden = swiglu(normed @ p["w_gate"], normed @ p["w_up"])
    return x + hidden @ p["w_down"]


def read(tokens):
    x, may_see = model.tokens[tokens], causal_mask(len(tokens))
    for p in model.blocks:
        x = block(x, p, may_see)
    return rms_norm(x, model.gain) @ model.tokens.T


# %%
logits = read(tokens)  # (n, vocabulary) = (21, 49152)
print(repr(text.decode([logits[-1].argmax()])))
print(np.abs(logits - model.read(tokens)).max() < 1e-3)
print(f"logits up to {np.abs(logits).max():.0f}")

# %% [markdown]
r"""
There it is. **Twenty lines, and hardly one that you had not written before.** The
second line of output compares with the course's `LanguageModel`, which does the same, with a
cache besides. It is made of functions, and yours can take their places:
"""

# %%
mine = replace(
    model,
    attend=attend,
    turn=turn,
    norm=rms_norm,
    gated=swiglu,
    new_cache=Cache,
)


# %% [markdown]
r"""
Does it write what its authors' own library writes? We ran Transformers on PyTorch with this
file, and stored the first 32 tokens that it wrote after some texts, each time the likeliest:
"""

# %%
for words, theirs in tracked(list(written_elsewhere().items())):
    ours = [int(i) for i in mine.write(text.encode(words), len(theirs))]
    print(repr(words[-32:]), "the same:", ours == theirs)
    print(fill(repr(text.decode(ours)), 72))

# %% [markdown]
r"""
Token for token. (`benchmarks/models.py` stores these, and sets the speeds side by side. The
course's tests compare the logits too: nowhere further apart than .0001.)

It is fluent, and that is all you can be sure of. It knows Paris, and then makes up a date. The
answer about attention would suit a magazine, and says nothing of queries and keys. And after
"Once upon a time" it runs in a circle. Lesson 12 met that
with letters: always the likeliest road. **Temperature** and **top-k** mend it; four texts,
drawn at temperature 0.8 from the 40 likeliest:
"""

# %%
beginning = "Once upon a time there was a little girl who"
four = np.tile(text.encode(beginning), (4, 1))
drawn = mine.write(
    four, 24, rng=np.random.default_rng(0), temperature=0.8, top_k=40
)
for line in np.stack(list(drawn), axis=-1):
    print(fill(repr(text.decode(line)), 72))

# %% [markdown]
r"""
## What the cache saves

For each token `mine` read one new place; your cache kept the rest. Without it, every step
reads everything again. Before you look: the text is to go on for six tokens after some
forty, and after some 280. How many times as long does it take without a cache?
"""

# %%
costs = predict(
    "17 what the cache saves",
    "about twice, after both",
    "about six times, after both",
    "more after the long text than after the short one",
)
costs

# %%
night = "It was a dark and stormy night in the old town. "
written, took = {}, {}


def six_more(tokens, cached):
    new = mine.write(tokens, 6, cached=cached)
    written[len(tokens), cached] = [int(i) for i in new]


for repeats in tracked([4, 10, 25]):
    tokens = text.encode(night * repeats)
    for cached in (True, False):
        call = partial(six_more, tokens, cached)
        took[len(tokens), cached] = cpu_seconds(call, rounds=1)

lengths = sorted({n for n, _ in took})
ratio = [took[n, False] / took[n, True] for n in lengths]

# %%
fig, axes = plt.subplots(figsize=(6, 3.2))
for cached in (True, False):
    label = "with a cache" if cached else "all again"
    axes.plot(lengths, [took[n, cached] for n in lengths], label=label)
axes.set(xlabel="tokens before", ylabel="processor seconds")
axes.set(xlim=(0, 320), ylim=(0, None), title="Six more tokens")
axes.legend()
same = [written[n, True] == written[n, False] for n in lengths]
print("the same text:", same)
print("longer without a cache, everywhere:", min(ratio) > 1)
print("and more so after a long text:", ratio[-1] > ratio[0])
costs.reveal(right=2)

# %% [markdown]
r"""
The text is the same. The first of the six steps must read all that came before either way; the
other five read one place or everything. (Over 24 tokens, where the first
step weighs less, the benchmark finds that all again takes 4 to 10 times as long.)

## Where does each head look?

Now the question of the prologue. The model has 30 blocks of 9 heads, and each head of each
block has a row of weights for each token. `weights` collects them; the cell below reads
a sentence once. **Put your own in its place, in any language.**
"""

# %%
sentence = captain


def ask(sentence):
    tokens, weights = text.encode(sentence), []
    chances = general_softmax(model.read(tokens, weights=weights))
    return text.pieces_of(tokens), np.stack(weights), chances


# weights: (30, 9, n, n_k), chances: (n, vocabulary)
pieces, weights, chances = ask(sentence)


# %%
def looks(place, block, head):
    at = place - 1  # places are counted from 1
    row = weights[block, head, at, : at + 1]
    most = int(row.argmax())
    best = np.argsort(-chances[at])[:5]
    following = {text.decode([i]): chances[at, i] for i in best}
    marks = figures.gaze(
        pieces,
        row,
        weights[:, :, at, most],
        following,
        head=(block, head),
        title=f"Head {block}.{head}",
    )
    words = f"“{pieces[at].strip()}” looks most at “{pieces[most].strip()}” "
    words += f"({row[most]:.2f}), place {most + 1}"
    return figures.beside(*marks, caption=words)


# %% [markdown]
r"""
The upper part is the text, and how much of the weight of one head goes to each piece. Below,
all 270 heads: how dark a cell is tells how much *that* head gives to the piece that yours looks
at most. On the right, what the model thinks comes next. Watch:

- head **18.6** from the last place, as it stands: what does it look at, and why is that the answer?
- the **place**: at which places does 18.6 find something, at which does it give up?
- head **11.1**: where does it look from *any* place?
- **block** by block, with any head: what do most of them look at, most of the time?
"""

# %%
figures.panel(
    looks,
    place=figures.slider(
        1, len(pieces), 1, start=len(pieces), label="place"
    ),
    block=figures.slider(
        0, len(model.blocks) - 1, 1, start=18, label="block"
    ),
    head=figures.slider(0, heads - 1, 1, start=6, label="head"),
)

# %% [markdown]
r"""
From the last "V", head 18.6 gives nearly all to "ex": **the piece that came after the last
" V"**. It is a soft lookup, as in lesson 1: the query says *I am V*, and the key at "ex" says
*V was before me*. That is the **induction head** of lesson 15, in a model that nobody built
for it. How does "ex" know what was before it? From a **previous-token head** further down, such
as 11.1. And where nothing is to be found, a head must still give its weight somewhere: to the
first piece, the **sink** (Xiao et al., 2023; lesson 16). It is no opinion about that piece.
"""

# %%
last, ex = len(pieces) - 1, pieces.index("ex")
print(
    f"18.6 from the last place to 'ex': {weights[18, 6, last, ex]:.2f}"
)
n = np.arange(1, len(pieces))
print(
    f"11.1 to the piece before: {weights[11, 1, n, n - 1].mean():.1f}"
)
sink = weights[:, :, 1:, 0].mean(axis=-1)  # (30, 9)
print(f"to the first piece, all heads: {sink.mean():.1f}", end=", ")
print(f"in blocks 0 and 1: {sink[:2].mean():.1f}")

# %% [markdown]
r"""
Does this need English? Here is the captain in other languages, and beside it, what the model
knows of capitals:
"""

# %%
for words in (
    "Kapitän Vexolin stand am Hafen. „Guten Morgen“, sagte Kapitän V",
    "Le capitaine Vexolin regardait le port. « Bonjour », dit le capitaine V",
    "Капитан Вексолин стоял в порту. «Доброе утро», сказал капитан В",
    "The capital of France is",
    "Die Hauptstadt von Frankreich ist",
    "La capitale de la France est",
):
    print(words[-30:], end=" → ")
    show(words, count=2)

# %% [markdown]
r"""
It finds the name in German, French and Russian, of which it has seen little. Paris it
knows in English alone. **Looking back is one thing, and knowing another.** The first is in
the attention of any text; the second had to be learnt, fact by fact.

## Switch the induction heads off

Is it those heads that do it? Take a text in which nothing else can help: 40 random words, and
then the same again. Five such texts. The **loss** is how surprised the model is, in nats
(lesson 12).
"""

# %%
plain = [
    i
    for i, piece in enumerate(text.pieces)
    if piece[0] == "Ġ" and piece[1:].isascii() and piece[4:].isalpha()
]
M = 40
start = text.encode("<|im_start|>")
texts = []
for seed in range(5):
    half = np.random.default_rng(seed).choice(plain, M, replace=False)
    texts.append(np.concatenate([start, half, half]))  # 81 tokens
print(text.decode(texts[0][1:6]), "…")


def losses(off=((),) * 5, weights=None):
    parts = []
    for tokens, silent in zip(texts, off, strict=True):
        p = log_softmax(model.read(tokens, off=silent, weights=weights))
        surprise = -p[np.arange(2 * M), tokens[1:]]
        parts.append((surprise[:M].mean(), surprise[M + 1 :].mean()))
    return np.transpose(parts)  # first time, second time; five texts


# %%
kept = []
first, second = losses(weights=kept)
kept = np.reshape(kept, (5, 30, heads, 2 * M + 1, 2 * M + 1))
print(f"first time {first.mean():.0f} nats, second {second.mean():.0f}")
at = np.arange(M + 1, 2 * M)  # places of the second time
induction = kept[..., at, at - M + 1].mean(axis=(0, -1))  # (30, 9)
n = np.arange(2, 2 * M + 1)
previous = kept[..., n, n - 1].mean(axis=(0, -1))
for name, score in (("induction", induction), ("previous", previous)):
    order = np.argsort(-score, axis=None)[:3]
    best = [(int(i // heads), int(i % heads)) for i in order]
    print(f"{name:10} {best}, above .3: {(score > 0.3).sum()} of 270")

# %% [markdown]
r"""
The second time it is far less surprised: it knows from where to copy. The induction score
is lesson 15's: the weight from a word to what came *after* the same word the first time. Now
switch heads off: set their output to 0. What do you expect if the eight best of 270 go?
"""

# %%
eight = predict(
    "17 eight of 270 heads off",
    "little: 262 heads are left",
    "the second time becomes nearly as hard as the first",
    "both times become harder: it is the end of a model",
)
eight


# %%
def ranked(score):
    order = np.argsort(-score, axis=None)
    return [(int(i // heads), int(i % heads)) for i in order]


copying, looking_back = ranked(induction), ranked(previous)
rng = np.random.default_rng(0)
plans = {"nothing": [()] * 5}  # what is off, for each text
plans |= {f"{k} best induction": [copying[:k]] * 5 for k in (1, 4, 8)}
calm = np.argwhere((induction < 0.3) & (previous < 0.3)).tolist()
plans["8 others, drawn anew"] = [
    rng.permutation(calm)[:8].tolist() for _ in range(5)
]
plans["2 best previous"] = [looking_back[:2]] * 5
effects = {
    name: losses(off) for name, off in tracked(list(plans.items()))
}

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7, 3.4))
for y, (one, two) in enumerate(effects.values()):
    axes.plot(one, [y - 0.12] * 5, "o", color=figures.GREY, alpha=0.7)
    axes.plot(two, [y + 0.12] * 5, "o", color=figures.BLUE, alpha=0.7)
axes.set(yticks=range(len(effects)), yticklabels=effects)
axes.set(xlabel="loss, nats", xlim=(0, None))
axes.invert_yaxis()
axes.set_title("Blue: second time; grey: first time; dots: five texts")
eight.reveal(right=1)

# %%
print("of what the second time gains, lost in the five texts:")
once, again = effects["nothing"]
for name, (one, two) in effects.items():
    lost = 100 * (two - again) / (once - again)
    moved = np.abs(one - once).mean() > 1
    print(f"{name:22} {lost.min():4.0f} to {lost.max():3.0f} %", end="")
    print("   the first time", "harder" if moved else "as before")

# %% [markdown]
r"""
Eight of 270 heads carry most of what the second time gains; eight others, drawn anew for each text
from those with low scores, cost something between nothing and a fifth. The first time does not
care. And the two best previous-token heads are worth about half: without them an induction head does
not know what came before.

**What this does not show.** That these heads *are* how the model finds names. Ask the captain:
"""

# %%
for name in plans:
    print(f"{name:22}", end="")
    show(captain, count=1, off=plans[name][0])

# %% [markdown]
r"""
In random words these heads were most of what there was. In the captain's text "ex" falls to a third
without them, and is still the first choice: other heads look at the name too, as the map
above shows, and "Captain V…" is itself a clue. The answer to the prologue, then: **it found the name again by
a soft lookup that some induction heads do, and a few others back them up.** Exercise
4 asks how one sees such a backup. Olsson et al. (2022) make the case for induction heads in
models of all sizes, strong for small ones and, in their words, correlational for large ones.

## What it cannot do

It is easy to believe more. Two tests, in each of which one word decides:
"""

# %%
winds = (
    "A north wind brings snow, a south wind brings sun, and a west wind "
    "brings rain. Today we have a {} wind, so there will be"
)
mat = "The cat sat on the mat because it was {}. What was {}? The"
for words in ("north", "south", "west"):
    show(winds.format(words))
for words in ("tired", "warm"):
    show(mat.format(words, words))

# %% [markdown]
r"""
Rain, whatever wind blows: the table that you wrote in lesson 1 in five lines, it does not look
up. And it does not say what was warm: the mat is not among its likeliest words, the cat is. Larger
models do better at both. What we look at here is one of the smallest that write
fluent English, and *fluent* is the word. Do not ask it for facts.

## Where it goes wrong

**Positions start at 0 with a cache.** A new token comes alone, so `np.arange(1)` looks
like its position. It is turned as if it were the first. This was
[found in PyTorch's ExecuTorch](https://github.com/pytorch/executorch/pull/2010):
"""


# %%
def turn_from_zero(x, places, base):
    return turn(x, places - places[0], base)


def go_on_with(model, words="The capital of France is", count=12):
    new = model.write(text.encode(words), count)
    return text.decode([int(i) for i in new])


print("right:    ", repr(go_on_with(mine)))
print(
    "from zero:", repr(go_on_with(replace(mine, turn=turn_from_zero)))
)

# %% [markdown]
r"""
The first word is right, since it comes from the text that was read at once. Then it is lost.
**Write two tokens, with and without a cache, and compare**: one token proves nothing.

**Shared heads are tiled.** Heads 0, 1 and 2 of the queries share keys 0. `np.tile` in
place of `np.repeat` gives keys 0 to heads 0, 3 and 6. All shapes are right. The
ONNX standard's own [definition did so](https://github.com/onnx/onnx/pull/7274), and a
[library for browsers](https://github.com/ekzhang/jax-js/pull/180):
"""


# %%
def attend_tiled(query, key, value, *others, **options):
    shared = query.shape[-3] // key.shape[-3]
    key, value = (np.tile(y, (shared, 1, 1)) for y in (key, value))
    return attend(query, key, value, *others, **options)


print("tiled:", repr(go_on_with(replace(mine, attend=attend_tiled))))

# %% [markdown]
r"""
Lesson 16 found that an encoder with a wrong attention may look healthy. A model that writes
does not: it reads its own words, and an error feeds on itself. Still, test against numbers,
not by ear: the logits of another implementation, on the same file.

## From one query and a few keys

A wind vane asked five keys for the weather, and got a blend. That was lesson 1. You then
chose how to score (2), turned scores into weights (3), mixed values (4), and scaled (5).
You hid what must not be seen (6), let a sequence ask itself (7), told it places (8), and
cut it into heads (9). You sent gradients back (10), translated (11), stacked blocks that
learnt to write like Alice in seconds (12), left out pairs (13), and kept keys in a
cache (14). You asked what weights explain, and what they do not (15), and searched by
meaning (16). Here all of it ran at once, and what came out was that of a published
model, token for token.

You wrote every line that mattered. It was a dictionary that blends, all along.

## In short

A published language model is lesson 12's stack with four changes that you know or now
know: RMS norm, SwiGLU, rotated queries and keys, and shared heads. On your functions it
writes what its authors' library writes. It finds a made-up name again in languages that it
hardly knows, by heads that look at what came after the same token before; eight of 270
carry most of that in random words, and in real text others back them up. It is fluent, and
neither knows much nor looks up a table.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| RMS norm | | layer norm without mean and shift |
| `w_gate`, `w_up`, `w_down` | (d, 1536), (d, 1536), (1536, d) | SwiGLU: gates, values, and back |
| byte pair | | two neighbouring pieces that are joined into one |
| switched off | | a head whose output is set to 0 |

All else was named in earlier lessons.

## Go deeper

- Zhang and Sennrich, *Root Mean Square Layer Normalization* (2019).
- Shazeer, *GLU Variants Improve Transformer* (2020): short, and frank about how little is known
  of why it works.
- Sennrich, Haddow and Birch, *Neural Machine Translation of Rare Words with Subword Units*
  (2016); Radford et al., *Language Models are Unsupervised Multitask Learners* (2019): on bytes.
- Touvron et al., *LLaMA: Open and Efficient Foundation Language Models* (2023): three of the
  four changes together; their *Llama 2* (2023) shares heads as well, in its larger models.
- Ben Allal et al., *SmolLM2: When Smol Goes Big* (2025): this model and what it was trained on.
- Olsson et al., *In-context Learning and Induction Heads* (2022).
- Xiao et al., *Efficient Streaming Language Models with Attention Sinks* (2023).
- Holtzman et al., *The Curious Case of Neural Text Degeneration* (2020): why the likeliest
  text runs in circles, and top-p, which you write in exercise 3.

**Now you:** [the last exercises](../exercises/17_language_model.ipynb). They need no model.
Then take a sentence of your own, and watch.
"""
