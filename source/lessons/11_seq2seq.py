# %% [markdown]
r"""
# Translate with and without attention

What does attention gain on long sequences, measured?

**What you'll build.** The step that made attention famous, three ways: for each word
that a translator writes, a blend of the words that it read. Around it, a translator from
English to German that learns in seconds.

**What you'll learn.** To compute a context vector, to shift a target by one place, to
read an alignment, and to judge whether a comparison of two models is fair.

**What you'll need.** Lessons 2, 5, 7 and 10. About 40 minutes, and 80 with the exercises.
"""

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import additive_score, figures, softmax
from course_utils.data.number_words import (
    GERMAN,
    alignment,
    draw_numbers,
    encode,
    english,
    german,
)
from course_utils.learner import predict
from course_utils.models.translator import (
    KINDS,
    Translator,
    shifted,
    trained,
)

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## A sentence that must be turned around

"The cat sat on the mat because it was tired" is in German "Die Katze saß auf der Matte,
weil sie müde war". The last two words have changed places. And "it" became "sie", she:
because it is the cat, whose German noun is feminine. To write that one word, a
translator has to look back at another word, and the next word needs another look. For
this, attention was invented (Bahdanau, Cho and Bengio, 2015). Lesson 10 sent gradients
through it. Now its matrices learn, and we measure what it is worth.

All of German is too much for half a minute of training. Its numbers are enough, because
they are turned around as well: Germans say the ones before the tens.
"""

# %%
for number in (54, 756, 84_756):
    print(f"{number:6,}", *english(number))
    print("      ", *german(number))

# %% [markdown]
r"""
"fifty four" is "vier und fünfzig", four and fifty. (Germans write this as one word; here
each part is a token.) The first word to write is the last that was read, or one
somewhere before it.

## Everything through one vector

A translator has two parts. The **encoder** reads the English words in order. It holds a
**state**, a vector, which each word changes a little. The **decoder** starts
from where the encoder ended, and writes German words one by one; each word that it has
written changes its own state. This design is called **sequence to sequence**, or
*seq2seq* (Sutskever, Vinyals and Le, 2014).

<details>
<summary>How a word changes a state: the recurrent unit with gates</summary>

Both parts are a **GRU**, a recurrent unit with gates (Cho et al., 2014). With $u$ the
numbers read from the word's vector by a matrix, it computes from the old state $s$

$$r, z = \sigma(u + sW + b), \qquad n = \tanh(u + r \cdot (sW + b)), \qquad
s_\text{new} = (1 - z)\, n + z\, s,$$

each with its own third of $u$, $W$ and $b$. The gate $z$ says, number by number, how
much of the old state is kept. `gru_step_vjp` in `course_utils/layers.py` is this
step and its way back.

</details>

The encoder here is two of them: one reads from the left, the other from the right,
with 16 numbers each. So a word's state knows its neighbours on both sides.
Before any training:
"""

# %%
translator = Translator("fixed")
p = translator.start(np.random.default_rng(0))
source, target = encode([54])
encoded, last, _ = translator.encode_vjp(p, source)
print("words read", source.shape)
print("a state for each", encoded.shape, " where it ended", last.shape)

# %% [markdown]
r"""
One sentence, two words, and for each a state of 32 numbers; at the end 32 numbers again,
16 from each direction. These are all that the decoder gets. Two words or
two hundred: a **fixed** vector of 32 numbers has to hold them.

## Predict first

Below, such a translator learns from sentences of one to ten words, and is tested on
others. Trained, it translates over 90 of 100 three-word numbers without a mistake. How
many numbers of **ten** words?
"""

# %%
guess = predict(
    "11 ten words through one vector",
    "as many: it has learnt ten words too",
    "about half",
    "about one in ten",
    "at most one in a hundred",
)
guess

# %% [markdown]
r"""
## A context for each word

The states of the words on the way, `encoded`, are thrown away so far. **Keep them, and
let the decoder look.** At each step its state asks: which of the words that were read
do I need now? The answer is a blend of their states, the **context** of this step. You
know all of this: the decoder's state is the query, and the encoder's states are keys
and values at once. It is the cross-attention of lesson 7.

How well does a state $s$ of the decoder match a state $h$ of the encoder? Luong, Pham and
Manning (2015) compare them by a matrix that is learnt, as the bilinear score of
lesson 2 does:

$$\text{score}(s, h) = s\, W_\text{score}\, h^\top, \qquad
\text{context} = \sum_j \text{softmax}_j(\text{score}(s, h_j))\; h_j .$$

As a loop, for the five words of "seven hundred and fifty six", and a decoder that is
about to write three. Nothing is learnt yet, so its states and the matrix are random:
"""


# %%
def contexts_loop(states, encoded, w_score):
    contexts = []
    for state in states:  # one for each German word
        scores = [state @ w_score @ h for h in encoded]
        weights = softmax(scores)  # over the English words
        contexts.append(
            sum(w * h for w, h in zip(weights, encoded, strict=True))
        )
    return np.array(contexts)


rng = np.random.default_rng(1)
source, _ = encode([756])
read = translator.encode_vjp(p, source)[0][0]  # (n_k, width)
states = rng.normal(size=(3, 32))  # (n_q, width)
w_score = rng.normal(size=(32, 32))
loop = contexts_loop(states, read, w_score)
print(loop.shape)

# %% [markdown]
r"""
Three contexts, one for each word to be written. With matrices it is three lines, and the
course's attention of lesson 5 does the same if the query is multiplied by the matrix
first, and nothing is divided by $\sqrt{d_k}$:
"""


# %%
def contexts(states, encoded, w_score):
    scores = states @ w_score @ encoded.T  # (n_q, n_k)
    weights = softmax(scores)  # each row sums to 1
    return weights @ encoded  # (n_q, width)


general = course_utils.scaled_dot_product_attention(
    states @ w_score, read, read, scale=1
)
print(np.allclose(loop, contexts(states, read, w_score)))
print(np.allclose(loop, general))

# %% [markdown]
r"""
Loop, matrices and the general function are one. And the model that will learn? It
computes this for a batch of sentences, and so does its way back, from the pieces of
lesson 10:
"""

# %%
model = Translator("multiplicative")
context, weights, _ = model.context_vjp(
    {"w_score": w_score}, states[None], read[None], last=None
)
print(context.shape, np.allclose(context[0], loop))

# %% [markdown]
r"""
This kind is called **multiplicative**. Bahdanau's own score, the **additive** one of
lesson 2, is a small network, $v \cdot \tanh(s W_\text{query} + h W_\text{key})$, with
weights and blend as before:
"""

# %%
w_query, w_key = rng.normal(size=(2, 32, 16)) / 6
v = rng.normal(size=16)
scores = additive_score(states, read, w_query, w_key, v)
print(scores.shape, (softmax(scores) @ read).shape)

# %% [markdown]
r"""
<details>
<summary>Which state asks: Luong's order and Bahdanau's</summary>

Bahdanau's decoder asks with the state *before* a step, and the context goes into the
step that makes the next state. Luong's asks with the state *after* the step, and the
context joins it on the way to the word. We use Luong's order for all kinds: the
decoder's states then do not depend on any context, so all of them can be
computed first and all contexts in one product. "Additive" here is Bahdanau's score in
Luong's order.

</details>

## What the decoder reads while it learns

To learn, the decoder has to say "fünfzig" after "vier und". At first it says anything but
"vier", and after a wrong word there is nothing sensible to learn about the next. So
it is given the *right* words to read, whatever it would have said. This is **teacher
forcing** (Williams and Zipser, 1989). It takes care: at each step the decoder reads
the word **before** the one it has to say. The target, one place later:
"""

# %%
source, target = encode([54])
print("reads          has to say")
for before, word in zip(shifted(target)[0], target[0], strict=True):
    print(f"{GERMAN[before]:14} {GERMAN[word]}")

# %% [markdown]
r"""
It reads a start token first, and says a stop token last. No step reads the word that it
has to say, or one after it. A recurrent decoder cannot look ahead; the causal mask of
lesson 6 sees to the same in a model that attends to what it writes. When it translates
for real, the decoder reads what it wrote itself, word after word.

> **In a language model.** It is trained in the same way: a text is the target, and what
> it reads is the same text, moved on by one place. When it answers you, your question
> takes the place of the English sentence, and the answer that of the German. Most have
> no encoder: question and answer are one sequence, and attention looks back over both.

## Make the comparison fair

If attention wins, we want to know that it is because of attention. So all kinds share
encoder, decoder, first parameters, sentences, steps and learning rate. But
attention brings a matrix of its own, and more parameters are an advantage. To be fair,
the fixed vector gets a matrix of that size too, which prepares it for the decoder.
"""

# %%
starts = {
    kind: Translator(kind).start(np.random.default_rng(0))
    for kind in KINDS
}
shared = set.intersection(*(set(start) for start in starts.values()))
for kind, start in starts.items():
    total = sum(x.size for x in start.values())
    own = {n: x.shape for n, x in start.items() if n not in shared}
    print(f"{kind:15} {total:,} parameters, its own: {own}")

# %% [markdown]
r"""
13,428 parameters each; the additive score has 16 more, a thousandth. Are they equal
in everything? No: attention computes more at each step. What that costs in time, we shall
see.

## The measurement

The model is `course_utils/models/translator.py`. Each kind learns from numbers of 1 to
10 English words: 280 batches of 16 sentences, five seeds side by side. It is tested on
multiples of 7, none of which it has seen, of 1 to 16 words. A translation counts if
**every** word is right. (The training takes about ten seconds, in the browser half a
minute.)
"""

# %%
trials = {kind: trained(Translator(kind)) for kind in KINDS}
right = {kind: t.scores[-1] for kind, t in trials.items()}

# %%
lengths = np.arange(1, 17)
shown = np.array([3, 5, 6, 7, 8, 9, 10, 12, 14, 16])
print("words          ", *(f"{n:5}" for n in shown))
for kind in KINDS:
    mean = right[kind].mean(axis=0)  # over seeds, for each length
    print(f"{kind:15}", *(f"{m:5.2f}" for m in mean[shown - 1]))
guess.reveal(right=3)

# %% tags=["hide-input"]
fig, axes = plt.subplots()
for kind, marker in zip(KINDS, "so^", strict=True):
    all_seeds = right[kind]  # (seeds, lengths)
    mean = all_seeds.mean(axis=0)
    spread = [
        mean - all_seeds.min(axis=0),
        all_seeds.max(axis=0) - mean,
    ]
    axes.errorbar(
        lengths, mean, spread, marker=marker, capsize=3, label=kind
    )
axes.axvline(10.5, color="black", linewidth=1)
axes.text(10.6, 1.08, "longer than any learnt from")
axes.set(xlabel="English words in the sentence", ylim=(-0.03, 1.18))
axes.set(ylabel="translated without a mistake")
_ = axes.legend(loc="lower left")

# %% [markdown]
r"""
The points are means over five seeds, the bars reach from the worst seed to the best.

- **Short sentences**: less to gain. At three words the fixed vector gets 0.93. (Of
  one word there are only three multiples of 7, seven, fourteen and seventy: the first
  point says little.)
- **Longer ones**: at five and six words it gets about a quarter, from seven on
  hardly any. With attention, multiplicative and additive, 0.95 and 0.88 are right at
  ten. These are the first two benefits of attention: better translations, and long
  sequences.
- **Multiplicative or additive?** Their bars overlap at every length up to ten. Here the
  choice does not matter.
- **Beyond ten words** attention does not fall at once: at twelve words 0.87 and 0.86
  are right. At sixteen it is 0.54 and 0.27, and the seeds are far apart. The parts of
  such a sentence are known, but there are more of them than ever. So attention does not
  free a translator from the lengths that it has seen.

The fixed translator does not stammer. It writes good German, and the wrong number:
"""


# %%
def words_of(tokens):
    words = [GERMAN[i] for i in tokens]
    return words[: [*words, "<stop>"].index("<stop>") + 1]


def first_seed(kind):
    return {n: x[0] for n, x in trials[kind].parameters.items()}


def translate(kind, number, steps=18):
    """Return the words that the first seed writes, and its weights."""
    source, _ = encode([number])
    tokens, weights = Translator(kind).translate(
        first_seed(kind), source, steps
    )
    words = words_of(tokens[0])
    return words, None if weights is None else weights[0, : len(words)]


print("read          ", *english(84_756))
for kind in KINDS:
    print(f"{kind:14}", *translate(kind, 84_756)[0])

# %% [markdown]
r"""
## Is one vector too small, or was it given too little?

280 steps are not many. Perhaps a wider vector, or more patience, does as well? That
takes longer than a lesson should, so a program did it once, with five seeds each,
batches of 32 and half the learning rate (`benchmarks/translation.py`; the seconds are
those of one core). The first numbers are width × steps:
"""

# %%
folder = Path(course_utils.__file__).parent / "data"
table = json.loads((folder / "translation.json").read_text())
print(
    "                      parameters  seconds   words: 6    10    14"
)
for row in table["rows"]:
    mean = np.mean(row["scores"], axis=0)[[5, 9, 13]]
    print(
        f"{row['kind']:14} {row['width']:4} × {row['steps']:4}"
        f"{row['parameters']:9,}{row['seconds']:9.0f}        ",
        *(f"{m:5.2f}" for m in mean),
    )

# %% [markdown]
r"""
At equal width and steps attention takes a little longer, 6 seconds to 5. And one vector
*can* carry ten words: four times the width and ten times the steps bring the fixed
translator to 0.97, which attention reaches in those 6 seconds. The price is over ten
times the parameters, and some thirty times the time. Either remedy alone falls short:
0.33 with the width, 0.80 with the steps. So attention does nothing here that is
impossible without it. It gives the same quality for a small part of the cost, and at
fourteen words, longer than any that was learnt from, a better one: 0.78 to 0.47.

## Watch it translate

The weights show where each word looked. The two sliders choose the number, by its digits,
and the step of the translation. It starts with 84,756 at its fourth word. Watch:

- move the **step**: which links cross? Where does "und" look, which translates no word?
- move the **digits**: from where on does the left column go wrong?
- more than five digits are more than ten words: longer than any sentence learnt from.
"""

# %%
numbers = [7, 56, 756, 7_756, 84_756, 784_756]
numbers += [7_784_756, 56_784_756, 756_784_756]
written = {
    (kind, n): translate(kind, n) for kind in KINDS for n in numbers
}


# %%
def watch(digits, step):
    number = numbers[digits - 1]
    words, weights = written["multiplicative", number]
    at = min(step, len(words)) - 1
    looks = figures.AttentionWeights(
        weights, queries=words, keys=english(number)
    )
    drawn = figures.translation(
        looks,
        step=at,
        right=[*german(number), "<stop>"],
        rival=written["fixed", number][0],
        rows=18,
        title=f"{number:,} in German",
    )
    caption = f"Step {at + 1} of {len(words)}: {looks.words(at)}"
    return figures.beside(drawn, caption=caption)


digits = figures.slider(1, 9, 1, start=5, label="digits of the number")
step = figures.slider(
    1, 18, 1, start=4, label="step of the translation"
)
figures.panel(watch, digits=digits, step=step)

# %% [markdown]
r"""
Where German turns the order around, the links cross: "vier" looks at "four", and
"achtzig" after it one word back, at "eighty". Nobody told the model which word
translates which; it learnt this **alignment** because it helped. "und" looks at the
tens, perhaps because it is said only where tens will follow. Without attention the
translation is right up to two digits. From three on it is good German for another
number.
"""

# %%
for at in (1, 2, 3):
    print(watch(5, at).caption)

# %% [markdown]
r"""
## Is the peak always at the right word?

The rules of the two languages say which English word each German word translates. So we
can count, over all five seeds: of the words in right translations of ten words, how
many had their largest weight elsewhere?
"""

# %%
_, held_out = draw_numbers(np.random.default_rng(0), 60_000)
few = held_out[10][::4]
source, target = encode(few)


def peaks(kind):
    """Count words in right translations, and those that looked away."""
    tokens, weights = Translator(kind).translate(
        trials[kind].parameters, np.stack([source] * 5), target.shape[1]
    )
    ok = ((tokens == target) | (target < 0)).all(axis=-1)  # (seeds, n)
    looked = [
        weights[seed, row, i].argmax() == place
        for seed, row in np.argwhere(ok)
        for i, place in enumerate(alignment(few[row]))
        if place >= 0  # "und" translates none
    ]
    return len(looked), looked.count(False)


for kind in KINDS[1:]:
    words, away = peaks(kind)
    print(f"{kind:15} {words} words, {away} looked elsewhere")

# %% [markdown]
r"""
With either score, less than one in a hundred. Here is one of them, and the translation
is right all the same:
"""

# %%
words, weights = translate("additive", 7_452_060)
print(words == [*german(7_452_060), "<stop>"])
at = words.index("hundert")
for word, weight in zip(english(7_452_060), weights[at], strict=True):
    if weight > 0.05:
        print(f"{word} {weight:.2f}", end="  ")
print()

# %% [markdown]
r"""
"hundert" takes most from "four", not from "hundred". It can: the encoder reads in both
directions, so the state of "four" may hold that "hundred" comes next. A weight says
which *state* was used, and not what was read from it. Lesson 15 asks how far one may
trust a picture of weights.

## Where it goes wrong

**The target is not shifted.** Forget the shift, and the decoder reads the very word
that it has to say. A reader noticed that a published model [learns just to repeat its
input](https://github.com/lucidrains/perceiver-ar-pytorch/pull/10) if labels are not
shifted (its author answered that another file does it). One line is enough to see what
would happen:
"""


# %%
class Unshifted(Translator):
    def reads(self, target):
        return np.maximum(target, 0)


copier = trained(Unshifted("multiplicative"), seeds=1, steps=100)
honest = trials["multiplicative"].losses
print(f"loss after 100 steps: {copier.losses[-10:].mean():.2f}")
print(f"the right way:        {honest[90:100].mean():.2f}")
print("translated rightly:  ", copier.scores[-1].max())

# %% [markdown]
r"""
A loss of 0.03 against 0.39 after the same 100 steps, and not one right translation. It
learnt to copy what it reads; when it must read its own words, there is nothing to copy.
How to notice: a loss that is too good, and a test in which the model writes by itself.
Always look at both.

**Softmax over the batch.** In an array of several axes it is easy to take the wrong
one. A reader found a translator whose softmax ran [along the axis of the
batch](https://github.com/keon/seq2seq/pull/6). With one sentence at a time, which is
how people try a model, each weight is then the only one of its column:
"""

# %%
scores = states @ w_score @ read.T
print(softmax(scores[None], axis=0)[0])  # a batch of one

# %% [markdown]
r"""
Every weight is 1, whatever the scores: the context is the *sum* of all words, for each
German word the same. How to notice: each row must sum to 1, for any batch.

**Weights that never saw a key.** In a well-known tutorial the weights came from the
decoder's state and the last word alone. A reader saw that they [have no relation to the
encoder's states](https://github.com/spro/practical-pytorch/issues/84), and measured
that this translates worse than no attention at all. How to notice: exchange two words
of the sentence; the weights must move with them.

**Unequal budgets.** "With attention 0.97, without 0.00" is true above, and so is "with
attention 0.97, without 0.97". It depends on what each was given. Before you believe a
comparison, ask for the parameters, the sentences learnt from, the lengths tested and the
seeds, of both sides. The last exercise is about that.

## In short

An encoder reads, a decoder writes. If all that passes between them is one vector, long
sentences are lost: at ten words not one in a hundred is right, on five seeds. With
attention each word that is written gets a context of its own, a blend of the states of
all words that were read, and 88 to 95 of 100 are right, with as many parameters. Width
and patience can buy this too, at some thirty times the time. Beyond the lengths it
learnt from, attention fades as well. It learns with the right words to read, one place
later than those it has to say.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| encoder, decoder | | the part that reads, and the part that writes |
| $h$, `encoded` | (n_k, width) | the encoder's state at each word: keys and values |
| $s$, `states` | (n_q, width) | the decoder's state at each word: queries |
| `last` | (width,) | where the encoder ended: all that the fixed kind gets |
| `w_score` | (width, width) | compares them: multiplicative, Luong's "general" |
| `w_query`, `w_key`, `v` | (width, 16), (width, 16), (16,) | the additive score |
| context | (n_q, width) | for each word to be written, a blend of `encoded` |
| alignment | (n_q, n_k) | the weights, read as "which word translates which" |
| teacher forcing | | to learn, the decoder reads the right words |
| `shifted` | (batch, n) → (batch, n) | the target one place later, after a start token |
| GRU | | a recurrent unit with gates |

## Go deeper

- Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to Align and
  Translate* (2015): they conjecture that the fixed-length vector is a bottleneck, and
  let the decoder search instead.
- Luong, Pham and Manning, *Effective Approaches to Attention-based Neural Machine
  Translation* (2015): the scores compared.
- Cho et al., *On the Properties of Neural Machine Translation: Encoder–Decoder
  Approaches* (2014): real sentences, and quality that degrades rapidly with their length.
- Sutskever, Vinyals and Le, *Sequence to Sequence Learning with Neural Networks* (2014):
  one fixed vector, much wider and deeper, "did not have difficulty on long sentences".
  They found that it helps to read the source backwards.
- Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical
  Machine Translation* (2014): the GRU.
- Williams and Zipser, *A Learning Algorithm for Continually Running Fully Recurrent
  Neural Networks* (1989): teacher forcing.

**Now you:** [the exercises of this lesson](../exercises/11_seq2seq.ipynb). The
translator still reads word after word, each state made from the one before, and so does
the decoder. Attention jumps over all of that. **If attention carries the sentence, do
we need the recurrent steps at all?** Lesson 12 leaves them out. """
