# %% [markdown]
r"""
# Search by meaning with a published encoder

How do you find a text by what it means, when no word of it matches?

**What you'll build.** A search by meaning. It runs a published model of 22.7 million
numbers on a softmax, a mask and heads that you write.

**What you'll learn.** To cut text into pieces, to turn it into one vector, to test code
against published numbers to five digits, to measure a search against a plain one, and to
tell a head that explains from one that looks as if it did.

**What you'll need.** Lessons 3, 6 and 9, and lesson 12 for the layers around attention.
About 85 minutes with the exercises, 40 without. To run it, fetch the model first, once:
`python3 course.py models`. To read it, you need nothing.
"""

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import course_utils.data  # missing? Run python3 course.py
from course_utils import figures
from course_utils.data.alice import alice
from course_utils.data.pronouns import pronoun_pairs
from course_utils.gelu import gelu
from course_utils.layers import gelu_vjp
from course_utils.learner import predict
from course_utils.models import minilm
from course_utils.models.encoder import Encoder, of_layer
from course_utils.models.published import find
from course_utils.models.searching import bm25, toolbox
from course_utils.models.word_piece import words

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()
weights_file = find("model.safetensors")

# %% [markdown]
r"""
(If this says that a model is not here yet: run what it says, and then the cell again. The
outputs below are those of the model, whether you have it or not.)

## A question, and no word that matches

Lesson 15 asked what weights explain, on models small enough to take apart. Now we take a
model that people use. It is an **encoder**: it reads a text, every token seeing all others,
and turns it into one vector. Texts that mean the same should get vectors that point the
same way. Search engines work so; and a language model that answers from your documents
first *finds* them so.

What shall we search? This course. Each of its functions says in its first sentence what it
does. You remember that there was something like cross-validation, but not what it was
called:
"""

# %%
functions, questions = toolbox()
names, sentences = list(functions), list(functions.values())
question = "cross-validation"
print(len(names), "functions, among them leave_one_out:")
print("  ", functions["leave_one_out"])
shared = set(words(question)) & set(words(functions["leave_one_out"]))
print("words shared with the question:", shared)

# %% [markdown]
r"""
Not one word. A search that compares words cannot find it. How do we compare what is
*meant*?

## What is in the file

The weights of [all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)
came with their names. Such a file is a list of names and shapes, and then plain numbers:
nothing in it can be executed.
"""

# %%
arrays = minilm.read_safetensors(weights_file)
print(sum(x.size for x in arrays.values()), "numbers")
for name, x in list(arrays.items())[3:10]:
    print(f"{x.shape!s:13} {name.removeprefix('encoder.')}")

# %% [markdown]
r"""
You know what these are. There is a table of positions, as in lesson 8, and one of word
pieces. Layer 0 has the projections of lesson 9 (`dense` is what we call `w_out`) and the
norms and matrices of lesson 12. PyTorch keeps a matrix turned, so `read_parameters` turns it back, and gives
everything the names that the course uses. There are 6 layers of 12 heads, and 384 numbers a
vector.
"""

# %%
p = minilm.read_parameters(weights_file)
layer_0 = of_layer(p, 0)
print(*(f"{name} {x.shape}" for name, x in layer_0.items()), sep="\n")

# %% [markdown]
r"""
## From a text to tokens

The model knows 30,522 **word pieces**. A word that is not among them is cut into the longest
pieces that are, from the left; a piece that goes on within a word begins with ##.
"""

# %%
cut = minilm.read_vocabulary(find("tokenizer.json"))
print(len(cut.pieces))
for text in (question, "Embeddings, softmaxed!", functions["softmax"]):
    print(*cut.pieces_of(text))

# %% [markdown]
r"""
Capitals and accents are gone before the cut. Two more tokens are added: `[CLS]` in front and
`[SEP]` at the end. Texts of different lengths go into one array, filled up with padding. The
mask of lesson 6 will hide it.
"""

# %%
sample = ["How do I cross-validate?", "It is raining."]
tokens, lengths = minilm.batch(cut, sample)
print(tokens)
print(lengths)

# %% [markdown]
r"""
## Your functions take the stage

Now the part that you have built yourself. First as a loop, for one text without padding:
every head cuts its columns out, scores, weighs, blends. (Here are also *biases*, `b_…`,
which are added after each matrix.)
"""


# %%
def softmax(scores):  # lesson 3
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# %%
def attend_by_loop(x, p, num_heads):
    query, key, value = (
        x @ p[f"w_{name}"] + p[f"b_{name}"]
        for name in ("query", "key", "value")
    )  # each (n, d)
    size, blends = x.shape[-1] // num_heads, []
    for h in range(num_heads):
        own = slice(h * size, (h + 1) * size)
        scores = query[:, own] @ key[:, own].T / size**0.5
        blends.append(softmax(scores) @ value[:, own])
    return np.concatenate(blends, axis=-1) @ p["w_out"] + p["b_out"]


# %% [markdown]
r"""
Then as arrays, for many texts at once: with the mask of lesson 6, True where there is a real
token, and with heads as an axis, as in lesson 9.
"""


# %%
def padding_mask(lengths, n):  # lesson 6: True = may be seen
    return np.arange(n) < np.asarray(lengths)[..., None, None]


# %%
def attend(x, p, num_heads, may_see):  # lesson 9
    batch, n, d = x.shape
    query, key, value = (
        (x @ p[f"w_{name}"] + p[f"b_{name}"])
        .reshape(batch, n, num_heads, -1)
        .swapaxes(1, 2)  # (batch, num_heads, n, d_k)
        for name in ("query", "key", "value")
    )
    scores = query @ key.mT / np.float32(query.shape[-1] ** 0.5)
    weights = softmax(np.where(may_see, scores, -np.inf))
    merged = (weights @ value).swapaxes(1, 2).reshape(batch, n, d)
    return merged @ p["w_out"] + p["b_out"], weights


# %%
x = Encoder(num_layers=1).read(p, tokens, lengths)[0]  # after layer 0
layer_1 = of_layer(p, 1)
may_see = padding_mask(lengths[:, None], tokens.shape[1])
by_arrays, _ = attend(x, layer_1, 12, may_see)
for i, length in enumerate(lengths):
    by_loop = attend_by_loop(x[i, :length], layer_1, 12)
    gap = np.abs(by_loop - by_arrays[i, :length]).max()
    print("within 1e-5:", gap < 1e-5)
library = Encoder().attend(x, layer_1, 12, may_see)[0]
print("within 1e-5:", np.abs(by_arrays - library).max() < 1e-5)

# %% [markdown]
r"""
Loop, arrays and the course's `multi_head_attention` agree, on the numbers of a real model: here
those of layer 1. (The last digits differ, as float32 rounds.)

A layer is then four lines: attend, add, norm; think, add, norm. Lesson 12 put the norm
*before* each step. BERT (Devlin et al., 2019), whose form this is, puts it after.
"""


# %%
def norm(x, gain, shift):  # lesson 12
    x = x - x.mean(axis=-1, keepdims=True)
    size = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12)
    return x / size * gain + shift


def layer(x, p, may_see):
    x = x + attend(x, p, 12, may_see)[0]
    x = norm(x, p["gain_1"], p["shift_1"])
    hidden = gelu(x @ p["w_up"] + p["b_up"])  # (batch, n, 1536)
    x = x + hidden @ p["w_down"] + p["b_down"]
    return norm(x, p["gain_2"], p["shift_2"])


# %% [markdown]
r"""
After six layers each token has a vector. Their mean, over the *real* tokens (`[CLS]` and
`[SEP]` among them), is the vector of
the text; and it is cut to length 1, so that a product of two is their cosine (lesson 2). It is
called the text's **embedding**.
"""


# %%
def embed_by_hand(texts):
    tokens, lengths = minilm.batch(cut, texts)
    n = tokens.shape[1]
    x = norm(
        p["tokens"][tokens] + p["places"][:n], p["gain"], p["shift"]
    )
    for i in range(6):
        x = layer(x, of_layer(p, i), padding_mask(lengths[:, None], n))
    real = np.arange(n) < lengths[:, None]  # (batch, n)
    mean = (x * real[..., None]).sum(axis=1) / lengths[:, None]
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


# %% [markdown]
r"""
Is it right? The course holds what PyTorch computed from the same file for three sentences.
"""

# %%
folder = Path(course_utils.data.__file__).parent
published = json.loads(
    (folder / "minilm_reference.json").read_text(encoding="utf-8")
)
authors = np.array(list(published.values()))  # (3, 384)
gap = np.abs(embed_by_hand(list(published)) - authors).max()
print(authors.shape, "within 1e-5:", gap < 1e-5)

# %% [markdown]
r"""
Six layers, seventy-two heads, and no number differs by more than 0.00001. **A published
model runs on your attention.** `Encoder` of `course_utils` is the same with the library's
functions, and takes yours in their places:
"""

# %%
mine = Encoder(attend=attend, padding_mask=padding_mask)


def embed(texts, model=mine, p=p):
    return model.embed(p, *minilm.batch(cut, texts))


gap = np.abs(embed(sentences) - embed(sentences, Encoder())).max()
print("yours against the library's, within 1e-5:", gap < 1e-5)

# %% [markdown]
r"""
## The trap in the middle

One function was not yours. `gelu` is $x\,\Phi(x)$, where $\Phi$ is the share of a normal curve
below $x$ (Hendrycks and Gimpel, 2016):

$$\text{gelu}(x) = \tfrac12\, x \left(1 + \operatorname{erf}(x / \sqrt 2)\right).$$

NumPy has no erf. So many write the form with tanh, which the same paper gives and GPT-2
uses, and which is never wrong by more than 0.0005. Small enough?
"""

# %%
with_tanh = Encoder(gelu=lambda x: gelu_vjp(x)[0])
z = np.linspace(-4, 4, 801)
print(f"gelu itself: {np.abs(gelu(z) - gelu_vjp(z)[0]).max():.4f}")
gap = np.abs(embed(sentences, with_tanh) - embed(sentences)).max()
print(f"embedding:   {gap:.4f}, above 1e-5:", gap > 1e-5)

# %% [markdown]
r"""
It misses 1e-5 by thirty times. Nobody would see it in a search. But a difference that you
allow is a place where the next mistake can hide. The course's `gelu` takes erf from a
formula of five terms that is wrong by 0.00000015 at most (Abramowitz and Stegun, 1964); you
will write it in the exercises. The slip is common. BERT's own code [had erf first and
tanh later](https://github.com/CyberZHG/keras-bert/issues/129), and a model that speaks [was
trained with the one and published with the
other](https://github.com/kyutai-labs/pocket-tts/pull/278): nobody could hear it.

## Search

Embed all sentences once. A question is then one more text, and its score for each sentence a
cosine.
"""

# %%
index = embed(sentences)  # (36, 384)


def search(text, most=3):
    scores = index @ embed([text])[0]
    for i in np.argsort(-scores)[:most]:
        print(f"  {scores[i]:.2f} {names[i]}: {sentences[i]}")


search(question)

# %% [markdown]
r"""
There it is, first of 36, without one word in common. (The example was chosen: others fail,
as you will see.) It is a lookup, as in lesson 1, with a query, keys and scores; here we take the
best few and read them.

> **In a language model.** The library of a firm does not fit into a prompt. So its
> paragraphs are embedded once; a question is embedded, the nearest paragraphs are put in
> front of it, and the model reads these. What the search does not find, the model does not
> know.

### Better than matching words?

So let us count. Here are fifteen questions, written before any search ran, each
with the functions that answer it. The rival is **BM25** (Robertson and Zaragoza, 2009), the
standard way to match words: each shared word adds to the score, a rare one more. What do you
expect: 15 against 0?
"""


# %%
def ranks(scores):
    """Return at which rank each question finds a right answer."""
    right = [[x in good for x in names] for good in questions.values()]
    order = np.argsort(-scores, axis=1, kind="stable")
    found = np.take_along_axis(np.array(right), order, axis=1)
    return found.argmax(axis=1) + 1


asked = list(questions)
documents = [words(x) for x in sentences]
by_meaning = ranks(embed(asked) @ index.T)
by_words = ranks(np.array([bm25(words(q), documents) for q in asked]))
print("meaning words")
for q, a, b in zip(asked, by_meaning, by_words, strict=True):
    print(f"{a:7} {b:5}  {q}")

# %%
for name, rank in (("meaning", by_meaning), ("words", by_words)):
    first, three = (rank == 1).sum(), (rank <= 3).sum()
    print(f"{name:8} first: {first} of 15, among three: {three} of 15")

# %% [markdown]
r"""
8 against 5 come first, 12 against 8 are among the first three. Meaning is better, and not by
as much as you may have thought. Fifteen questions are few. How sure may we be? Draw fifteen of
them again, with repeats, many times, and look how far the counts move. (This is called the
*bootstrap*; Efron, 1979.) Five seeds, so that we also see how sure the bootstrap is.
"""

# %%
lead = (by_meaning <= 3).astype(int) - (by_words <= 3)
ahead = []
for seed in range(5):
    rng = np.random.default_rng(seed)
    draws = lead[rng.integers(15, size=(2000, 15))].sum(axis=1)
    ahead.append(
        [*np.quantile(draws, [0.05, 0.95]), (draws > 0).mean()]
    )
low, high, share = np.array(ahead).T
print("lead, 5 % to 95 %:", low.min(), "to", high.max())
print(f"draws with a lead: {share.min():.2f} to {share.max():.2f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4.2))
at = np.arange(15)
ax.hlines(at, by_meaning, by_words, color=figures.GREY, linewidth=1)
ax.plot(by_words, at, "s", color=figures.VERMILION, label="words")
ax.plot(by_meaning, at, "o", color=figures.BLUE, label="meaning")
ax.axvline(3.5, color="black", linestyle=":", linewidth=1)
ax.set(xscale="log", xlabel="rank of the first right answer")
ax.set_xticks([1, 2, 3, 5, 10, 20, 30], [1, 2, 3, 5, 10, 20, 30])
ax.set_yticks(at, asked, fontsize=9)
ax.minorticks_off()
ax.invert_yaxis()
_ = ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)

# %% [markdown]
r"""
Left is better; left of the dotted line are the first three. In nearly all draws meaning
leads. But look at single questions. "stop a model from seeing later words" fails both. And
words win at "compare direction but not length", where the very word "direction" stands in the
sentence. (Where no word is shared, matching words has nothing to say, and its order is that of
the alphabet.) The two fail at different questions, so it is worth asking both.

What this does not show: how it goes on other texts, with other questions, or with a larger
model. And the model never read this course: it learnt from a billion pairs of texts, as its
model card says.

### Your own sentences

Change these, and ask.
"""

# %%
own = [
    "The cat sat on the mat because it was tired.",
    "Bread rises because yeast makes gas.",
    "A softmax turns scores into weights.",
    "The train to Oslo leaves at noon.",
]
for ask in ("When can I travel north?", "Why is dough full of holes?"):
    scores = embed(own) @ embed([ask])[0]
    print(f"{ask}  {own[scores.argmax()]} {scores.max():.2f}")

# %% [markdown]
r"""
### What one vector loses

A vector of 384 numbers holds what a text is *about*. Does it hold what the text *says*?
"""

# %%
for a, b in (
    ("The mask hides the future.", "The mask shows the future."),
    ("The mask hides the future.", "Later tokens cannot be seen."),
    ("A dog bites a man.", "A man bites a dog."),
):
    one, other = embed([a, b])
    print(f"{one @ other:.2f}  {a} / {b}")

# %% [markdown]
r"""
The opposite is much nearer than the paraphrase, and it makes hardly a difference who bites.
So trust it for "what is this about", and let somebody read who must know what it says.

## Where seventy-two heads look

Let us look inside. Twenty lines of *Alice* go through the model. For each head: how much
weight does a token give to the one before it, to the one after it, and to `[CLS]`?
"""

# %%
lines = [x for x in alice().splitlines() if 80 < len(x) < 300][:20]
tokens, lengths = minilm.batch(cut, lines)
_, seen = mine.read(p, tokens, lengths)  # (6, 20, 12, n, n)


def mean_weight(target):
    total, count = 0, 0
    for b, length in enumerate(lengths):
        i = np.arange(1, length - 1)  # neither [CLS] nor [SEP]
        total = total + seen[:, b][:, :, i, target(i)].sum(axis=-1)
        count += len(i)
    return total / count  # (6 layers, 12 heads)


# %%
kinds = {
    "the one before": mean_weight(lambda i: i - 1),
    "the one after": mean_weight(lambda i: i + 1),
    "[CLS]": mean_weight(lambda i: 0 * i),
}
for kind, share in kinds.items():
    best = [
        divmod(int(i), 12) for i in np.argsort(-share, axis=None)[:3]
    ]
    shown = ", ".join(f"{i}.{h} {share[i, h]:.2f}" for i, h in best)
    print(f"{kind:15} all heads {share.mean():.2f}; most {shown}")

# %% [markdown]
r"""
We write head 2 of layer 0 as 0.2. It looks at the token before, always: 1.00. Head 1.8 looks
at the one after. And a third of all weight goes to `[CLS]`, a token without a meaning of its
own. Lesson 9 said why something like it is needed: a softmax cannot look nowhere, so heads that have nothing to
say need a place to look at. It is called a **sink** (Xiao et al., 2023; Clark et al., 2019,
found that heads of BERT rest on `[SEP]`).

Does 0.2 know words, or only places? Shuffle the words of one line, five times:
"""

# %%
for seed in range(5):
    shuffled = lines[0].split()
    np.random.default_rng(seed).shuffle(shuffled)
    batch = minilm.batch(cut, [" ".join(shuffled)])
    w = mine.read(p, *batch)[1][0, 0, 2]  # (n, n)
    i = np.arange(1, len(w) - 1)
    before = w[i, i - 1]
    print(f"mean {before.mean():.2f}, above 0.8: {before.min() > 0.8}")

# %% [markdown]
r"""
Places. In nonsense it looks back as surely as in a sentence.

## Two sentences and a head

Now the sentence that has been with us all along, and its twin with another end. If it is *tired*,
"it" is the cat; if it is *clean*, "it" is the mat. Rows are queries, columns keys; "it" is
ringed. Move the slider over all 72 heads. Watch:

- head 0.2 (step 2): the diagonal;
- head 1.11 (step 23): the sink;
- head 5.11 (step 71): where does "it" look? It seems to know what is meant. Then compare left
  and right. Then look at the *other* rows.
"""

# %%
twins = pronoun_pairs()[0].both
pieces = [["[CLS]", *cut.pieces_of(x), "[SEP]"] for x in twins]
_, twin_weights = mine.read(p, *minilm.batch(cut, twins))
it = pieces[0].index("it")


# %%
def two_sentences(head):
    marks, looks = [], []
    for b, keys in enumerate(pieces):
        w = twin_weights[head // 12, b, head % 12]
        shown = figures.AttentionWeights(w, queries=keys, keys=keys)
        title = f"“… because it was {keys[10]}.”"
        marks.append(figures.matrix(shown, title=title, row=it))
        looks.append(f"“{keys[w[it].argmax()]}” ({w[it].max():.2f})")
    caption = f"Head {head // 12}.{head % 12}: “it” looks most at"
    return figures.beside(
        *marks, caption=f"{caption} {', '.join(looks)}"
    )


head = figures.slider(0, 71, 1, start=71, label="head")
figures.panel(two_sentences, head=head)

# %% [markdown]
r"""
Head 5.11 gives "cat" 0.71 from "it". What a find: a head that resolves pronouns! But in the
twin, where "it" is the mat, it gives "cat" 0.65 all the same. And in both, nearly *every* token
looks most at "cat": this head looks at the cat, whoever asks.

### Sixteen pairs

One sentence can fool you, in either direction. So take sixteen such pairs, in the form of
the *Winograd schema* (Levesque, Davis and Morgenstern, 2012): one word changes, and with it
the one who is meant. A head *chooses* the noun to which the pronoun gives more weight.
"""

# %%
pairs = pronoun_pairs()
print(pairs[7].both, pairs[9].both, sep="\n")


# %%
def choice(pair, text):
    """Return which heads choose the first noun, (6, 12)."""
    keys = ["[CLS]", *cut.pieces_of(text), "[SEP]"]
    at = len(keys) - 1 - keys[::-1].index(pair.pronoun)
    _, w = mine.read(p, *minilm.batch(cut, [text]))
    row = w[:, 0, :, at]  # (6, 12, n)
    first, second = keys.index(pair.first), keys.index(pair.second)
    return row[..., first] > row[..., second]


# %%
chosen = np.array([[choice(x, text) for text in x.both] for x in pairs])
right = chosen == np.array([True, False])[:, None, None]
print(right.shape)  # pairs, twins, layers, heads

# %%
total = right.sum(axis=(0, 1))
both = right.all(axis=1).sum(axis=0)
same = (chosen[:, 0] == chosen[:, 1]).sum(axis=0)
print(f"5.11: {total[5, 11]} of 32 right, {both[5, 11]} pairs in both")
print(f"all heads: {right.mean():.2f} right")
print(f"the same noun in both twins: {same.mean():.1f} of 16 pairs")
most = int(both.max())
print(f"best: {total.max()} of 32 right, {most} of 16 pairs in both")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.5, 3))
ax.bar(np.arange(most + 1), np.bincount(both.ravel()))
ax.axvline(4, color=figures.VERMILION, linestyle="--")
ax.text(4.05, 40, "tossing a coin:\n4 on average")
ax.set(xlabel="pairs that are right in both twins, of 16")
_ = ax.set(ylabel="heads, of 72", xlim=(-0.6, 6))

# %% [markdown]
r"""
The head that looked like a find gets 16 of 32, and not one pair right in both twins. It
chooses the same noun each time, and so do nearly all: they do not read the word that
decides. Who tosses a coin for each sentence gets 4 pairs of 16 on average; most heads get
none. The best head gets 5. Is *that* one a find?
"""

# %%
rng = np.random.default_rng(0)
coins = rng.integers(2, size=(2000, 72, 32)).sum(axis=-1)
lucky = (coins.max(axis=-1) >= total.max()).mean()
print(f"72 coins, the best as good as our best head: {lucky:.2f}")

# %% [markdown]
r"""
No: among 72 coins, the best is nearly always as good. Whoever tries 72 heads and shows the
best has to count all 72. Nor does this show that the model cannot know what "it" means, only that no
single head's weight tells us. In BERT, which is larger, Clark et al. (2019) report heads that
attend from a mention to what it means "with remarkably high accuracy", counted on many texts:
that is the way to find out.

## Where it goes wrong

**A wrong attention that looks healthy.** Lesson 9 warned of the wrong root: of the whole width, 384, in place
of a head's 32. That is as if all queries were shorter by $\sqrt{32/384}$, so we can have the
mistake by shrinking what makes the queries:
"""


# %%
def with_queries(factor):
    parts = (".w_query", ".b_query")
    return {
        name: x * np.float32(factor) if name.endswith(parts) else x
        for name, x in p.items()
    }


wide_root = with_queries((32 / 384) ** 0.5)


# %% [markdown]
r"""
How many of the fifteen questions does the search answer first with it? The right attention
answered 8, words alone 5.
"""

# %%
guess = predict(
    "16 the wrong root",
    "none, or one by luck",
    "about as many as words alone",
    "as many as the right one",
)
guess


# %%
def show_all(lengths, n):
    return np.ones((*lengths.shape, 1, n), bool)


def inverted(lengths, n):
    return ~padding_mask(lengths, n)


# %%
faults = {
    "the right one": (mine, p),
    "tanh in GELU": (with_tanh, p),
    "root of the width": (mine, wide_root),
    "no mask": (Encoder(padding_mask=show_all), p),
    "pools the padding": (Encoder(pool=lambda x, _: x.mean(axis=1)), p),
    "no scale": (mine, with_queries(32**0.5)),
    "mask inverted": (Encoder(padding_mask=inverted), p),
}

# %%
right_asked = embed(asked)
print("                      gap  cosine  right of 15")
for name, (model, parameters) in faults.items():
    a, b = (embed(x, model, parameters) for x in (sentences, asked))
    gap = max(np.abs(a - index).max(), np.abs(b - right_asked).max())
    like = (a * index).sum(axis=-1).mean()
    hits = (ranks(b @ a.T) == 1).sum()
    print(f"{name:18} {gap:7.4f} {like:7.2f} {hits:8}")
guess.reveal(right=2)

# %% [markdown]
r"""
The wrong root turns the vectors far away (a cosine of 0.71 to the right ones), and answers
8, just as many. Without a mask, or with the padding in the mean, it even answers *more*. Only
the inverted mask, which shows each token nothing but padding, breaks the search. The reason:
questions and sentences go through the same wrong model, and what is near stays near.

**So a good score does not say that the code is right.** The gap does: it is below 1e-5 for
the right one, and at least thirty times that for every fault. Compare numbers with numbers, on texts of
different lengths, before you look at any score. The faults are real. A course on search [pooled the
padding](https://github.com/jsboige/CoursIA/issues/15045), so that a text's vector depended on
its neighbours in the batch; so did [an extension of a
database](https://github.com/lanterndata/lantern_extras/pull/91).

## In short

A text becomes tokens; tokens look at each other in 6 layers of 12 heads; the mean of the
real ones, cut to length 1, is the embedding. A published model runs on your softmax, mask and
heads, within 1e-5. Search by meaning answered 8 of 15 questions first, matching words 5; what
a vector holds is what a text is about, not what it says. One head looks back one token, some
look at a sink; the one that seemed to know what "it" means looks at the cat whoever asks. A
wrong attention
can search as well as the right one: compare numbers, not scores.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| encoder | | a model in which each token sees all others, and which does not write |
| word piece | | a token: a word, or a part that begins with ## |
| `[CLS]`, `[SEP]` | | tokens before and after each text |
| embedding | (384,) | the mean of the tokens' vectors, of length 1 |
| erf, $\Phi$ | | the share of a normal curve between $\pm x\sqrt 2$, and below $x$ |
| BM25 | | a score by shared words, in which rare words count more |
| sink | | a token that gets the weight of heads that have nothing to say |
| 5.11 | | head 11 of layer 5, both counted from 0 |

## Go deeper

- Devlin, Chang, Lee and Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for
  Language Understanding* (2019).
- Reimers and Gurevych, *Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks* (2019):
  why a plain BERT is a poor search, and what training makes of it.
- Wang et al., *MiniLM: Deep Self-Attention Distillation* (2020): how it became so narrow.
- Clark, Khandelwal, Levy and Manning, *What Does BERT Look At?* (2019).
- Xiao et al., *Efficient Streaming Language Models with Attention Sinks* (2023).
- Levesque, Davis and Morgenstern, *The Winograd Schema Challenge* (2012).
- Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009).
- Hendrycks and Gimpel, *Gaussian Error Linear Units (GELUs)* (2016); Abramowitz and Stegun,
  *Handbook of Mathematical Functions* (1964), formula 7.1.26.
- Efron, *Bootstrap Methods: Another Look at the Jackknife* (1979).

**Now you:** [the exercises of this lesson](../exercises/16_encoder.ipynb); they need no
model. This one reads, and cannot write a word. **Does a published language model run on the
attention that you wrote?** That is lesson 17.
"""
