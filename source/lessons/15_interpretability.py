# %% [markdown]
r"""
# Ask what the weights explain

Do the weights say why the model answered so?

**What you'll build.** Five ways to ask a model what an answer hangs on, and a head that looks
back for what came after the same letter before, first by hand and then by training.

**What you'll learn.** To compute occlusion, rollout and gradient × input, to predict where a
weight misleads, to compare explanations by three numbers that hide different things, and
to switch a head off to see what it did.

**What you'll need.** Lessons 4, 7, 10 and 12. The main line takes about 40 minutes, all of it
with the exercises about 90. The section on other weights may wait for a second reading.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_utils import (  # missing? Run python3 course.py
    figures,
    scaled_dot_product_attention,
    softmax,
)
from course_utils.attribution import (
    gradient_times_input,
    induction_score,
    occlusion,
    pearson,
    rollout,
    spearman,
    weighted_norms,
)
from course_utils.learner import predict
from course_utils.models.explained import (
    attributions,
    induction_case,
    of_seed,
    order_cases,
    relations_cases,
    words_of,
)
from course_utils.models.induction import (
    AttentionOnly,
    Watched,
    measured,
    repeats,
    repeats_task,
    shares,
)
from course_utils.models.pooled import (
    Pooled,
    decisive,
    decisive_task,
    exchanged,
)
from course_utils.models.trials import run_trials
from course_utils.tasks import little_sentence

np.set_printoptions(precision=2, suppress=True, linewidth=76)
figures.use_style()
LETTERS = "abcdefghijklmnopqrstuvwx"

# %% [markdown]
r"""
## May we say what it looks at?

All through this course we drew weights and said: "it" looks at the cat. People who use
models that read and write do the same. They colour the words of a medical report, or of a
loan application, by their weights, and call the picture an *explanation*. Somebody may
act on it. So the question is a serious one: if the picture says "cat", would the answer
have been another without the cat?

That can be tried. Here is the sentence again, with the queries, keys and values that lesson 7
wrote by hand, and what "it" looks at:
"""

# %%
tokens, features, x = little_sentence()
asks = {"thing": [1, 0], "action": [1, 0], "state": [1, 0]}
asks |= {"alive": [0, 1]}
offers = {"thing": [1, 0], "action": [-1, 0], "state": [-1, 2]}
offers |= {"alive": [1, 0]}
tells = {"alive": [1, 0, 0], "place": [0, 1, 0], "state": [0, 0, 1]}


def by_hand(rows, size):
    return np.array([rows.get(f, [0] * size) for f in features], float)


query, key = x @ by_hand(asks, 2), x @ by_hand(offers, 2)
value = x @ by_hand(tells, 3)
output, weights = scaled_dot_product_attention(
    query, key, value, return_weights=True
)

# %% [markdown]
r"""
To **occlude** a token is to leave it out and see what changes. For one layer, hide its
key: the other weights share what it had, and the output moves. As a loop:
"""


# %%
def moves_loop(i):
    """How far the output of token i moves without each key."""
    moved = []
    for j in range(len(x)):
        scores = query[i] @ key.T / 2**0.5
        scores[j] = -np.inf
        moved.append(
            np.linalg.norm(softmax(scores) @ value - output[i])
        )
    return np.array(moved)


# %% [markdown]
r"""
There is a shorter way. Without key $j$ the blend $o$ loses $w_j v_j$, and what remains is divided
by $1 - w_j$, so that weights sum to 1 again. It moves by

$$\frac{o - w_j v_j}{1 - w_j} - o = \frac{w_j}{1 - w_j}\,(o - v_j) .$$

(Lesson 4 left one measurement out in the same way.) For all tokens at once:
"""

# %%
far = np.linalg.norm(output[:, None] - value, axis=-1)  # (n_q, n_k)
moves = weights / (1 - weights) * far
it = tokens.index("it")
print(np.allclose(moves[it], moves_loop(it)))

for name in ("it", "cat"):
    i = tokens.index(name)
    for j in np.argsort(-weights[i], kind="stable")[:5]:
        print(
            f"{name:4} looks at {tokens[j]:6} {weights[i, j]:.2f}",
            end="",
        )
        print(f"   without it moves {moves[i, j]:.2f}")

# %% [markdown]
r"""
For "it", the picture is fair: without "cat" most is lost. But look at "cat" itself: it gives
the same weight to "cat" and to "tired", and misses "tired" more. The formula says why. A weight
is **one factor of two**; the other is how far the value lies from the blend. A value that equals
the blend can have any weight, and will not be missed.

Kobayashi et al. (2020) therefore draw the length of weight times value:
"""

# %%
i = tokens.index("cat")
norms = weighted_norms(weights[[i]], value[None], np.eye(3))
for j in np.argsort(-norms, kind="stable")[:3]:
    print(f"{tokens[j]:6} {norms[j]:.2f}")

# %% [markdown]
r"""
In one layer, then, weights are half of the story, and the other half is at hand. In two layers
it becomes worse.

## A name that nobody has read before

A captain called Vexolin comes up in a text. The name is made up, so no model was trained on it. Yet,
some lines later, after "Captain V", a model writes "exolin". (Lesson 17 will watch a
published one do it.) *How does it know?* It must find where it met this letter before,
and say what came **next**. One layer is badly placed for this: it can look for an equal letter,
but the answer stands one place further on.

Two layers can do it, with one trick each:

1. The first looks one place back, and notes at each place *which letter came before*.
2. The second asks with its own letter, and its keys are those notes. So it finds the place
   **behind** its like, and says the letter that stands there.

The second head is called an **induction head** (Elhage et al., 2021; Olsson et al., 2022). It can be
written by hand. Letters and places are one-hot; "_" marks the start:
"""

# %%
text = "_vexolinve"
alphabet = sorted(set(text))
letters = np.array([[float(c == a) for a in alphabet] for c in text])
places = np.eye(len(text))
SHARP = {"is_causal": True, "scale": 30.0, "return_weights": True}


# %%
def two_layers(letters):
    one_on = np.roll(places, 1, axis=-1)  # place j answers to j + 1
    notes, first = scaled_dot_product_attention(
        places, one_on, letters, **SHARP
    )
    says, second = scaled_dot_product_attention(
        letters, notes, letters, **SHARP
    )
    return 10 * says, first, second


says, first, second = two_layers(letters)
print("after", text, "comes", alphabet[says[-1].argmax()])

# %%
names = [f"{c}{i}" for i, c in enumerate(text)]
marks = [
    figures.matrix(
        figures.AttentionWeights(w, queries=names, keys=names),
        title=title,
        row=9,
    )
    for w, title in ((first, "first layer"), (second, "second layer"))
]
figures.beside(*marks, caption="Weights of the model made by hand")

# %% [markdown]
r"""
In the last row of the second layer, "e9" has all its weight on "x3", and x is the answer. What
could be plainer? (Letters that are new find no match, and look everywhere alike.)

## Predict first

Blot out one letter at a time: its vector becomes zeros, its place stays. For how many of the
ten letters does the probability of x fall?
"""

# %%
guess = predict(
    "15 how many letters decide",
    "for one: x3, which has all the weight",
    "for two: x3, and one more",
    "for three: x3, and two more",
    "for all of them, a little",
)
guess

# %% [markdown]
r"""
Occlusion of a whole model is the loop you know, around the model: put a **stand-in** for
one token, run the model, and note by how many nats $\log p$ of the answer falls.
"""


# %%
def occlusion_loop(model, x, answer, stand_in):
    before = np.log(softmax(model(x)))[answer]
    effect = np.zeros(len(x))
    for j in range(len(x)):
        without = x.copy()
        without[j] = stand_in
        effect[j] = before - np.log(softmax(model(without)))[answer]
    return effect


def last_says(letters):
    return two_layers(letters)[0][-1]


# %%
answer = alphabet.index("x")
effect = occlusion_loop(last_says, letters, answer, 0.0)
general = occlusion(last_says, letters, answer, 0.0)
print(np.allclose(effect, general))
print("            " + "  ".join(f"{name:>3}" for name in names))
print("weight     ", *(f"{w:4.1f}" for w in second[-1]))
print("occlusion  ", *(f"{e + 0.0:4.1f}" for e in effect))
guess.reveal(right=2)

# %% [markdown]
r"""
Three letters decide: x3, and both e's. **Two of the three have a weight of 0.** Without e9 the
head does not know what to look for. Without e2, the note at x3 is empty, and nothing is
found. Weights say *from where* something was taken. They are silent about why it was found there.
That is no fault of theirs: the query and the key are where the reason lies, and the weight is
the result.

## Follow the weights down

The notes came through the first layer, so its weights should count as well. **Rollout** (Abnar
and Zuidema, 2020) follows them. Think of one drop of ink at the last place. Going down a
layer, half of it stays (the residual connection of lesson 12), and half flows
where the weights point:
"""


# %%
def rollout_loop(weights, place):
    ink = np.eye(len(weights[0]))[place]
    for layer in reversed(weights):  # from the last layer down
        below = ink / 2  # stays
        for i, drop in enumerate(ink):
            below = below + drop / 2 * layer[i]  # flows
        ink = below
    return ink


# %% [markdown]
r"""
For all places at once this is a product of matrices, one for each layer, with **the last layer on
the left**, because rows are queries and its row is where we start:

$$R = \left(\tfrac12 I + \tfrac12 W_2\right) \left(\tfrac12 I + \tfrac12 W_1\right) .$$
"""

# %%
eye = np.eye(len(text))
product = (eye + second) / 2 @ (eye + first) / 2
print(np.allclose(product[9], rollout_loop([first, second], 9)))
print(np.allclose(product, rollout([first, second])))
for name, share in zip(names, product[9], strict=True):
    if share > 0.01:
        print(f"{name} {share:.2f}")

# %% [markdown]
r"""
Better: all three that decide are there, with a quarter each. But so is v8, which decides nothing.
It is the letter noted at the last place, and nobody reads that note. Rollout
knows what flows, and not what is used.

A fourth way asks for the **slope**. Lesson 10 gives the gradient of the answer's logit with
respect to each token's vector. Times the way from the stand-in to the token, it says what
occlusion would do if the model were a straight line. This is **gradient × input** (Shrikumar
et al., 2016):

$$\text{gradient × input}_j = \frac{\partial\, \text{logit}}{\partial x_j} \cdot (x_j - \text{stand-in}_j) .$$

One way back gives it for all tokens, where occlusion runs the model once for each. But a softmax
that is saturated has hardly a slope (lesson 5): there it will miss what occlusion finds.

## Let it be learnt

Was this hand-made model a trick? Train one: two layers of one head, added to the
stream, nothing else. Its texts are made-up words of 9 to 16 different letters out of 24, each written
again and again. The first time nothing can be known; from then on, everything. Five seeds side by
side, at a constant learning rate:
"""

# %%
training = run_trials(
    Watched(layers=2),
    repeats_task(batch=8, test=30),
    seeds=range(5),
    steps=260,
    every=10,
    learning_rate=0.01,
)
tested, scores = training.tested, training.scores  # (tests, seeds, 4)
right, surprise, back, again = np.moveaxis(scores, -1, 0)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
axes[0].plot(tested, surprise, color=figures.BLUE, ls="-", lw=1.2)
axes[0].set(xlabel="step", ylabel="surprise, nats a letter")
looks = [
    (right, "right answers", figures.BLUE, "-"),
    (again, "induction score, second layer", figures.VERMILION, "--"),
    (back, "weight one place back, first layer", figures.GREY, ":"),
]
for curves, name, color, ls in looks:
    axes[1].plot(tested, curves, color=color, ls=ls, lw=1.2)
    axes[1].plot([], [], color=color, ls=ls, label=name)
axes[1].set(xlabel="step", ylim=(0, 1.02))
_ = axes[1].legend(
    fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2)
)


# %%
def passes(curves, level):
    return tested[(curves > level).argmax(axis=0)]


cliff = passes(right, 0.9) - passes(right, 0.3)
print("right answers at the end:", right[-1])
print("from .3 to .9 in under 100 steps:", (cliff < 100).all())
apart = passes(back, 0.2) - passes(again, 0.3)
print("both heads within 50 steps:", (abs(apart) < 50).all())

# %% [markdown]
r"""
A line is a seed. For the first 100 steps little happens: a **plateau**. Then comes a **cliff**, in
every seed, and behind it both heads are there. (The first looks one place back with 0.42 of its weight, and
that is enough.) Which comes first? Neither: they rise together,
as neither is of use without the other. Olsson et al. (2022) see the same sudden change in
language models, at the time at which these learn to use what stands far back. The
**induction score** is the mean weight on places just behind an earlier appearance of the
present letter:
"""


# %%
def induction_score_loop(weights, tokens):
    sums = []
    for i, token in enumerate(tokens):
        behind = [j + 1 for j in range(i) if tokens[j] == token]
        if behind:
            sums.append(sum(weights[i, j] for j in behind))
    return np.mean(sums)


# %%
model = AttentionOnly(layers=2)
five = [of_seed(training.parameters, seed) for seed in range(5)]
word = np.array([[LETTERS.index(c) for c in "vexolinvexoli"]])
for seed, p in enumerate(five):
    logits, (first, second), _ = model.look(p, model.embed(p, word))
    by_loop = induction_score_loop(second[0], word[0])
    same = np.isclose(by_loop, induction_score(second[0], word[0]))
    says = LETTERS[logits[0, -1].argmax()]
    print(
        f"seed {seed}: says {says}, induction score {by_loop:.1f}", same
    )

# %% [markdown]
r"""
All five say "n", which is right, though the word has seven letters, and none of fewer than nine
was in the training. Is that luck? Here are 200 words of 5 to 8 letters:
"""

# %%
short = repeats(np.random.default_rng(1), 200, periods=(5, 8))
print(np.array([model.score(p, *short) for p in five]))

# %% [markdown]
r"""
So the rule was learnt, and not the words. Is it these two heads that do it? **Ablate** them: put zeros in place of
the weights of one layer, so that its head adds nothing.
"""

# %%
shut = {"nothing": 9, "first layer": 0, "second layer": 1}
print("switched off    right   induction score")
for name, layer in shut.items():
    rows = []
    for seed, p in enumerate(five):
        texts, targets = repeats(np.random.default_rng([seed, 2]), 200)
        off = exchanged(layer, np.zeros_like)
        logits, (_, w), _ = model.look(p, model.embed(p, texts), off)
        score = induction_score(w, texts).mean()
        rows.append((shares(logits, targets), score))
    said, score = np.mean(rows, axis=0)
    print(f"{name:14} {said:6.2f} {score:11.2f}")

# %% [markdown]
r"""
Without either, the model is lost. And without the *first* layer the *second* no longer looks at
the right place: its keys were made there. No head can be read by itself.

<details>
<summary><b>In a language model</b></summary>

There the letters are words or pieces of words. "Captain V" comes again, and the last piece asks who was
preceded by "V". "ex" was, and "ex" is written. Olsson et al. (2022) report such heads in models of
many sizes; that they *cause* what the model learns from the text before, they tested by ablation in the
small ones. Lesson 17 does so in a published model.

</details>

Could one layer have done it? A comparison is fair if the other side gets as many numbers, and time
enough. That takes minutes, so it is stored (`benchmarks/induction.py`; 32 words a step, a
learning rate from .01 down to 0, five seeds):
"""

# %%
plans = [(2, 32, 800), (1, 32, 800), (1, 44, 1600), (1, 44, 6400)]
for layers, d, steps in plans:
    found = measured(layers, d, steps)
    print(f"layers {layers}, d = {d}, {steps:5,} steps:", end=" ")
    print(
        f"{found.mean():.2f} ({found.min():.2f} to {found.max():.2f})"
    )

# %% [markdown]
r"""
**One layer of the same size, trained twice as long, gets half of the answers right**, and
trained eight times as long a little more. So one may say "two layers find it easily", but not "one layer
cannot".

## Keep what they name

Now all ways can be compared on a model that was trained. A good explanation should be *enough*:
keep only the letters that it ranks highest, put letters that do not occur in place of all others,
and the answer should live. (DeYoung et al., 2020, call this *sufficiency*.) First the five ways,
for 50 words of twelve letters from each seed, cut five letters into the second time (`attributions`
calls the functions above):
"""

# %%
words = [words_of(seed) for seed in range(5)]
cases = [
    induction_case(p, *w) for p, w in zip(five, words, strict=True)
]
asked = [attributions(case) for case in cases]
WAYS = list(asked[0])
print(WAYS)

# %% [markdown]
r"""
Is gradient × input what we said? Go a thousandth of the way from each letter of the first word to its
stand-in, and take a thousand times what the answer's logit (above the mean of all) falls by:
"""


# %%
def slopes_loop(case, word=0):
    def height(x):
        logits = case.read(x)[word]
        return logits[case.answer[word]] - logits.mean()

    falls = []
    for j in range(case.x.shape[1]):
        near = case.x.copy()
        near[:, j] += (case.mean_token - case.x)[:, j] / 1000
        falls.append(1000 * (height(case.x) - height(near)))
    return falls


# %%
first = cases[0]
general = gradient_times_input(
    first.vjp, first.x, first.answer, first.mean_token
)
print(np.allclose(slopes_loop(first), general[0], atol=0.05))


# %%
def keep_best(case, ranking, k):
    """Keep the k letters ranked highest; say what the model says."""
    ranks = np.argsort(np.argsort(-ranking, axis=-1, kind="stable"))
    keep = ranks < k  # (batch, n)
    x = np.where(keep[..., None], case.x, case.other_token)
    return keep, case.read(x).argmax(axis=-1)


# %%
def row_of(way, k, shown=0):
    runs = [
        keep_best(case, found[way], k)
        for case, found in zip(cases, asked, strict=True)
    ]
    right = [
        said == case.answer
        for case, (_, said) in zip(cases, runs, strict=True)
    ]
    keep, said = runs[0]
    return figures.Kept(
        keep[shown], LETTERS[said[shown]], np.mean(right)
    )


# %% [markdown]
r"""
Move $k$, the number of letters that are kept. The tiles show one word; the bars count all 250. Watch:

- at **k = 1**: which letter do the weights keep? Is it enough?
- at **k = 3**: which way has found the three that decide?
- how far must you go until the **weights** have found them, too?
"""

# %%
shown_word = [LETTERS[token] for token in words[0][0][0]]
wanted = LETTERS[words[0][1][0]]
n = len(shown_word)
table = {(way, k): row_of(way, k) for way in WAYS for k in range(n + 1)}


# %%
def survivors(k):
    rows = {way: table[way, k] for way in WAYS}
    enough = [way for way in WAYS if rows[way].share > 0.9]
    caption = f"{k} of {n} letters kept: enough by "
    caption += ", ".join(enough) or "none of the ways"
    title = f"What comes next? Right is {wanted}"
    mark = figures.kept(rows, shown_word, right=wanted, title=title)
    return figures.beside(mark, caption=caption)


kept = figures.slider(0, n, 1, start=1, label="k, letters kept")
figures.panel(survivors, k=kept)

# %%
for way in WAYS:
    shares_at = [table[way, k].share for k in (1, 3, 5, 10, 14, 17)]
    print(f"{way:16}", " ".join(f"{share:6.2f}" for share in shares_at))

# %% [markdown]
r"""
With one letter kept, nobody can know. With **three**, occlusion and rollout have all they need. The
weights have found the answer's place as well. But the letters that decide *why* it is the
place share their weight of 0 with all others, and come when they come: with ten letters kept
the answer is still lost. Gradient × input finds all three in four of ten words.

## What each number hides

The same question as a number: how well does each way agree with occlusion? Three numbers are
in use.

- **Pearson's correlation**: do they lie on a line? Large effects decide.
- **Spearman's**: do they have the same order? Every rank counts alike, and most ranks are
  those of tokens that do next to nothing.
- **Same first**: how often do both name the same token first? It ignores all others.

We ask three models of this course: the reader of "the A chased the B" (lesson 7), which reads at
the verb who chased; the model of two relations with two heads (lesson 9), asked at the last
place for its second answer, the token three places back; and ours. What do you expect of
weights?
"""

# %%
guess = predict(
    "15 do weights agree with occlusion",
    "about equally well in all three models",
    "best in one layer with one head, worse with two heads or two layers",
    "best in two layers, where there are more weights",
)
guess

# %%
models = {
    "order of words, one head": order_cases(5),
    "two relations, two heads": relations_cases(5),
    "induction, two layers": cases,
}
for name, some in models.items():
    print(f"{name}: right {np.mean([case.right for case in some]):.2f}")

# %%
NUMBERS = ("Pearson", "Spearman", "same first")


def agreement(found, tried):
    """Return the three numbers of one way: means over sequences."""
    same = found.argmax(axis=-1) == tried.argmax(axis=-1)
    return [
        x.mean()
        for x in (pearson(found, tried), spearman(found, tried), same)
    ]


def agreements(case):
    """Return the numbers of each way but the last, (ways, 3)."""
    *ways, tried = attributions(case).values()
    return [agreement(found, tried) for found in ways]


agreed = {
    name: np.array([agreements(case) for case in some])
    for name, some in models.items()
}  # (seeds, ways, numbers)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
colors = (figures.BLUE, figures.VERMILION, figures.GREY)
for ax, (name, got) in zip(axes, agreed.items(), strict=True):
    for j, (color, marker) in enumerate(
        zip(colors, "os^", strict=True)
    ):
        y = np.tile(np.arange(4) + 0.22 * (j - 1), (5, 1))
        look = {"color": color, "marker": marker, "alpha": 0.5}
        ax.scatter(got[..., j], y, label=NUMBERS[j], **look)
    ax.set_title(name, fontsize=10)
    ax.set(xlim=(-0.1, 1.08), yticks=range(4), yticklabels=WAYS[:4])
axes[0].invert_yaxis()
_ = axes[1].legend(
    loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3
)
guess.reveal(right=1)

# %%
for name, got in agreed.items():
    print(f"{name:26}", "".join(f"{number:>12}" for number in NUMBERS))
    for way, row in zip(WAYS, got.mean(axis=0), strict=False):
        print(f"   {way:23}", "".join(f"{v:12.2f}" for v in row))

# %% [markdown]
r"""
A mark is a seed, the table has their means. In one layer with one head the
weight names what decides. With two heads it is a mean over heads, one of which serves the *other*
question: more often than not, it names the wrong token first. (Rollout has nothing to add
here. Neither model has a residual connection, so nothing stays.) In two layers the weight does
worst.

Now look at the ways, down one column. By Spearman, gradient × input explains the induction model best,
and rollout does badly. By Pearson it is the other way around. By "same first" all are bad. And the
slider showed that rollout was *enough* and gradient × input was not. Each number hides something:

- **Spearman** ranks noise. Fourteen of 17 letters do nothing, and their order, which is chance, is most
  of what it counts. So a Spearman near 0, as that of weights in the second model, does not say that weights explain nothing.
- **Pearson** sees little but the largest effects.
- **Same first** asks which of three tokens is largest, when all three are needed.

The last is not even a question with one answer. Here are the three letters, and occlusion done in
two ways: by the mean token, and by another letter.
"""

# %%
spots = {"answer's place": 5, "place before it": 4, "last letter": 16}
rows = {
    way: np.mean([found[way].mean(axis=0) for found in asked], axis=0)
    for way in WAYS
}
others = [
    occlusion(case.read, case.x, case.answer, case.other_token)
    for case in cases
]
# %%
rows["... by another letter"] = np.mean(others, axis=(0, 1))
print(f"{'':22}", "".join(f"{spot:>17}" for spot in spots))
for way, row in rows.items():
    print(
        f"{way:22}",
        "".join(f"{row[j] + 0.0:17.2f}" for j in spots.values()),
    )

# %% [markdown]
r"""
The letter before the answer's place costs about 6 nats either way: the answer becomes hundreds
of times less likely. Its weight is 0. That is robust. *Which of
the three costs most* is not: by the mean token it is that letter, by another letter it is the answer's place, since another
letter there gets copied. "What decides most" depends on what you put in its place. Say which.

What this does not show: that any of these ways is right in a large model. These are three small ones,
where we know by construction what should decide.

## Could other weights have done as well?

There is another way to doubt weights. Jain and Wallace (2019) *exchanged* them: they shuffled the
weights of trained classifiers of texts, and often the answer hardly moved. If quite other weights
give the same answer, they argue, these do not explain it. Wiegreffe and Pinter (2019) replied that this
depends on what one calls an explanation, and that the whole model must be taken into account. Their
first test asks whether a task needs attention at all: train with *uniform* weights, and see.

Both can be seen in one experiment. Twelve words, of which one decides; a learnt query pools the
words. In one model it pools the words themselves, in the others what one or two layers of
self-attention made of them. (Jain and Wallace had recurrent networks there, which mix words
too.)
"""


# %%
def learn(pool):
    return run_trials(
        pool,
        decisive_task(batch=16, test=200),
        seeds=range(5),
        steps=150,
        learning_rate=0.005,
    )


pools = {
    "raw words": learn(Pooled(layers=0)),
    "mixed once": learn(Pooled(layers=1)),
    "mixed twice": learn(Pooled(layers=2)),
}
uniform = learn(Pooled(layers=0, learns_weights=False))
for name, trials in (*pools.items(), ("uniform weights", uniform)):
    print(f"{name:16} right:", trials.scores[-1])


# %%
def flips(layers, p, seed, exchange):
    """Return how many answers change when the pool's weights do."""
    pool = Pooled(layers)
    texts, _ = decisive(np.random.default_rng([seed, 3]), 400)
    x = pool.embed(p, texts)
    before = pool.look(p, x)[0].argmax(axis=-1)
    after = pool.look(p, x, exchanged(layers, exchange))[0]
    return (after.argmax(axis=-1) != before).mean()


def shuffle(weights):
    return np.random.default_rng(0).permuted(weights, axis=-1)


flipped = {
    mixed: [
        flips(layers, of_seed(trials.parameters, s), s, shuffle)
        for s in range(5)
    ]
    for layers, (mixed, trials) in enumerate(pools.items())
}

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.6))
for row, found in enumerate(flipped.values()):
    ax.plot(found, [row] * 5, "o", color=figures.BLUE, alpha=0.6)
ax.set(yticks=range(3), yticklabels=list(flipped), xlim=(-0.02, 0.6))
ax.invert_yaxis()
ax.axvline(0.5, color=figures.GREY, lw=1)
_ = ax.set(xlabel="answers that change when the weights are shuffled")
for mixed, found in flipped.items():
    print(f"{mixed:12}", np.sort(found))

# %% [markdown]
r"""
A dot is a seed. Over raw words, shuffling changes nearly half of the answers, which is as bad as
guessing: here the weights matter, and one may read them. After two layers of mixing it changes next
to none, for every word already carries the answer, and the pool may look where it likes. After
one layer, it depends on the seed: both happen.

So both papers were right. Weights over **mixed** vectors can be thrown about: they tell about
*places*, and a place is no longer a word. Over raw words they could not. And the model with uniform
weights gets everything right as well: this task never needed attention, and weights are one way of
several to its answer. In the induction model they are needed, as the ablation showed.

Exercise 4 shows a third side: with more keys than a value has numbers, there are other weights
with exactly the same output.

## Where it goes wrong

**Rollout in the wrong order, or without the identity.** Let every token of the first layer look at
token 0, and every token of the second at token 1:
"""

# %%
to_first, to_second = np.eye(3)[[0, 0, 0]], np.eye(3)[[1, 1, 1]]
print("right order:   ", rollout([to_first, to_second])[2])
print("wrong order:   ", rollout([to_second, to_first])[2])
print("no identity:   ", (to_second @ to_first)[2])
print(
    "not halved:    ",
    ((eye[:3, :3] + to_second) @ (eye[:3, :3] + to_first))[2],
)

# %% [markdown]
r"""
Token 2 looks at token 1, which has looked at token 0: half of what it took from there is 0's. In the
wrong order the shares of 0 and 1 change places. Without the identity, 1 and 2 are gone; not halved,
the shares sum to 4. None of these crashes, and on real weights all look plausible. In our induction
model, as Pearson with occlusion:
"""

# %%
orders_of = {
    "right": lambda w: rollout(w),
    "wrong order": lambda w: rollout(w[::-1]),
    "no identity": lambda w: rollout(w, residual=0),
}
for name, roll in orders_of.items():
    found = [
        pearson(roll(case.weights)[:, -1], a["occlusion"]).mean()
        for case, a in zip(cases, asked, strict=True)
    ]
    print(f"{name:12} {np.mean(found):.2f}")

# %% [markdown]
r"""
Both mistakes cost something. But without the identity, rollout still agrees better with occlusion
than any other way does. A wrong method can look good. So test the function on weights whose rollout you know, as above.

**A map that is not the model's.** A tutorial on transformers that is much copied collects [the
weights of each layer](https://github.com/phlippe/uvadlc_notebooks/blob/master/docs/tutorial_notebooks/tutorial6/Transformers_and_MHAttention.ipynb)
in a function for plotting. It hands the mask to the attention whose weights it keeps, and
forgets it in the line after, `x = l(x)`, which makes the input of the next layer. Do that to our
model: the first layer then sees the future, and the second, whose map is drawn, does not.
"""


# %%
class SeesAll(AttentionOnly):
    causal = False


for name in ("the model's", "the plotted"):
    scores = []
    for p, (texts, _) in zip(five, words, strict=True):
        x = model.embed(p, texts)
        _, (free, _), _ = SeesAll(layers=2).look(p, x)
        layer = 0 if name == "the plotted" else None
        _, (_, w), _ = model.look(
            p, x, exchanged(layer, lambda _: free)
        )
        scores.append(induction_score(w, texts).mean())
    print(f"{name} map: induction score {np.mean(scores):.2f}")

# %% [markdown]
r"""
By that map one would say that the head puts little more than half of its weight where an
induction head looks; it puts nearly all of it there. Compare the output of the function that
plots with that of the model, before you look at the picture.

**A peak on "." read as meaning.** Somebody who drew the cross-attention of a published model found
it [mostly on `<s>` and "."](https://github.com/jessevig/bertviz/issues/84), and asked whether they had understood.
The maker of the tool answers what this lesson measured: attention works on vectors that have mixed in the rest of the sentence,
and is not necessarily a direct explanation.

## In short

A weight is one factor of two: the other is how far the value lies from the blend. It says from
where something was taken, and not why it was found there. In a model of two layers, trained to write a word again, three
letters decide, and two of them have a weight of 0. Rollout follows the weights down, gradient ×
input follows the slope, occlusion tries; they agree where one head of one layer decides, and
not elsewhere. Pearson, Spearman and "same first" each hide something. Other weights may do as
well over mixed vectors, not over raw ones. To know what a head does, switch it off.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| attribution | (n,) | a number for each token: how much the answer hangs on it |
| occlusion | (n,) | by how many nats $\log p$ of the answer falls without each token |
| stand-in | (d,) | what is put in the place of a token: zeros, the mean token, another one |
| rollout, $R$ | (n, n) | the product of $\tfrac12 I + \tfrac12 W$ over layers, the last on the left |
| gradient × input | (n,) | the slope of the answer's logit, times the way from the stand-in |
| induction head | | looks behind the last places of its own token |
| induction score | a number | the mean weight on those places |
| ablation | | a head is switched off, to see what it did |
| plateau, cliff | | training that seems to stand still, and then learns at once |
| Pearson, Spearman | numbers | do two rows lie on a line; do they have the same order |

## Go deeper

- Jain and Wallace, *Attention is not Explanation* (2019); Wiegreffe and Pinter, *Attention is not
  not Explanation* (2019), whose four tests begin with uniform weights.
- Abnar and Zuidema, *Quantifying Attention Flow in Transformers* (2020): rollout.
- Kobayashi, Kuribayashi, Yokoi and Inui, *Attention is Not Only a Weight* (2020).
- Elhage et al., *A Mathematical Framework for Transformer Circuits* (2021), and Olsson et al.,
  *In-context Learning and Induction Heads* (2022), who call the score "prefix matching".
- DeYoung et al., *ERASER: A Benchmark to Evaluate Rationalized NLP Models* (2020): sufficiency, and
  its counterpart, comprehensiveness.
- Shrikumar et al., *Not Just a Black Box* (2016); Li, Monroe and Jurafsky, *Understanding Neural
  Networks through Representation Erasure* (2016): occlusion of words.

**Now you:** [the exercises of this lesson](../exercises/15_interpretability.ipynb). You can build
attention, train it and question it. **Is a model that others trained, on texts that nobody drew by
lot, made of the same?** That is lesson 16.
"""
