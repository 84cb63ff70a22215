# %% [markdown]
r"""
# Tell positions apart

How does attention learn where a token stands?

**What you'll build.** `sinusoidal_positions`, `rotary` (RoPE) and `alibi_bias`:
three ways to tell attention where things stand. Two more, learnt rows and a
learnt bias, you will read and use.

**What you'll learn.** To compute each of them, to predict which scores change when a whole
sentence moves, and, in the last part, to measure what a trained model does beyond the
length that it was trained on, and to diagnose pairs that were turned wrongly.

**What you'll need.** Lessons 1 to 7. The main line takes about 25 minutes, the first exercise 10
more; with the part for those who want to know more, and all exercises, it is 95.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, scaled_dot_product_attention
from course_utils.learner import predict
from course_utils.models.position_reader import KINDS, PositionReader
from course_utils.models.trials import run_trials
from course_utils.tasks import little_sentence, shift_task
from course_utils.training import cosine_schedule, tracked

np.set_printoptions(precision=3, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## Two times "the"

The little sentence asks itself, without projections:
"""

# %%
tokens, features, x = little_sentence()
print(x.shape)  # (n, d_model): tokens, embedding size
output = scaled_dot_product_attention(x, x, x)
for i in (0, 4):
    print(i, tokens[i], output[i])

# %% [markdown]
r"""
The first "the" belongs to the cat and the second to the mat, and both get the same answer.
Now let cat and mat change places, and look at "sat".
"""

# %%
swapped = [0, 5, 2, 3, 4, 1, 6, 7, 8, 9]
moved = scaled_dot_product_attention(x[swapped], x[swapped], x[swapped])
print(" ".join(tokens[i] for i in swapped))
print(np.allclose(moved[2], output[2]))

# %% [markdown]
r"""
It makes no difference: without a mask, attention sees *which* tokens there are, not *where*. So the
positions have to be told, in the vectors or in the scores.

> **In a language model.** In the [prologue](00_watch_a_model_look_back.ipynb) Captain V
> goes on with "ex" because "ex" *came after* the first "V". To know that, "ex" as a query
> must find the key one token before it, wherever in the text the two stand. What a model
> needs is the **offset**, here 1. (In lesson 6 the word meant where the first query
> stands.)

## Clock hands

The first idea is to add something to each vector that says where it stands. The number of
the position itself would grow without bound and drown the token. A clock tells every second
of half a day with three hands, none of which ever grows.

So give each position a row of hands. A hand that has turned by an angle has its tip
at (sin, cos) of that angle, which makes two numbers. Hand $i$ of $d/2$ has turned at
position $p$ by

$$\text{angle} = \frac{p}{\text{base}^{\,2i/d}}, \qquad i = 0, 1, \dots, d/2 - 1 .$$
"""


# %%
def sinusoidal_loop(n, d_model, base):
    rows = np.zeros((n, d_model))
    for p in range(n):
        for i in range(d_model // 2):
            angle = p / base ** (2 * i / d_model)
            rows[p, 2 * i] = np.sin(angle)
            rows[p, 2 * i + 1] = np.cos(angle)
    return rows


print(sinusoidal_loop(4, 8, base=10000))

# %% [markdown]
r"""
Row 0 has all hands at (0, 1), straight up. The first pair of columns is the fast
hand, which turns by one radian (57°) a position; the last pair has hardly moved at
position 3. How many positions does a full turn take?
"""

# %%
speed = 10000 ** (-np.arange(0, 8, 2) / 8)  # radians a position
print((2 * np.pi / speed).round(1))

# %% [markdown]
r"""
`base` sets how slow the slowest hand is. Without loops, all angles are one product:
positions down, hands across.
"""


# %%
def sinusoidal_positions(n, d_model, base):
    speed = base ** (-np.arange(0, d_model, 2) / d_model)
    angle = np.arange(n)[:, None] * speed  # (n, d_model / 2)
    rows = np.empty((n, d_model))
    rows[:, 0::2] = np.sin(angle)
    rows[:, 1::2] = np.cos(angle)
    return rows


rows = sinusoidal_positions(1200, 8, base=10000)
loop = sinusoidal_loop(1200, 8, base=10000)
general = course_utils.sinusoidal_positions(1200, 8)
print(np.allclose(rows, loop), np.allclose(rows, general))

# %% [markdown]
r"""
These are the positions of *Attention Is All You Need* (Vaswani et al., 2017), with
their base of 10000. Here are thirty-two rows of sixteen numbers, beside the same positions in binary:
"""

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, width_ratios=(5, 16), figsize=(7.6, 4))
bits = np.arange(32)[:, None] // 2 ** np.arange(5) % 2
for ax, table, title in (
    (axes[0], bits, "binary"),
    (axes[1], sinusoidal_positions(32, 16, 10000), "sinusoidal"),
):
    drawn = ax.imshow(
        table, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto"
    )
    ax.set(title=title, xlabel="column", yticks=range(0, 32, 8))
    ax.set_xticks(range(0, table.shape[1], 2))
    ax.grid(False)
axes[0].set_ylabel("position")
_ = fig.colorbar(drawn, ax=axes[1])

# %% [markdown]
r"""
Left, each column switches half as often as the one before; all five together number the
positions. The hands do the same smoothly: fast columns at the left tell neighbours apart, slow
ones at the right tell near from far. But unlike bits, near rows are *alike*, and that is what
a dot product can use.

> **Learnt rows.** A model can also keep a table with one
> row for each position, start it at random and let training change it. The paper
> found nearly identical results. But a table ends:
> `learned_positions(rng, 16, 8)` has no row for position 16.

## Predict first

Take the rows of positions 10 and 13, three apart, and their dot product. Now go far
out, to positions 1000 and 1003. How does their dot product compare?
"""

# %%
guess = predict(
    "08 rows three apart, near and far",
    "smaller: so far out, two rows have less in common",
    "exactly the same number",
    "another number, with no pattern to see",
)
guess

# %%
for p in (0, 10, 100, 1000):
    print(f"rows {p} and {p + 3}: {rows[p] @ rows[p + 3]:.6f}")
print("cosines:", round(np.cos(3 * speed).sum(), 6))
guess.reveal(right=1)

# %% [markdown]
r"""
The dot product of two hands of length 1 is the cosine of the angle between them, and
between the hands of $p$ and $p + 3$ the angle is always three steps. So the sum is
$\sum_i \cos(3 \cdot \text{speed}_i)$, wherever you start. The rows know the **offset**: how far one
position lies from the other.

## Why add, and not append?

Would it not be cleaner to append the row to the token, so that the two cannot be confused?
Try both, with a matrix for the token and one for the row:
"""

# %%
rng = np.random.default_rng(1)
token, row = rng.normal(size=(2, 5, 512))
w_token, w_row = rng.normal(size=(2, 512, 64))
appended = np.hstack([token, row]) @ np.vstack([w_token, w_row])
print(np.allclose(appended, token @ w_token + row @ w_row))
same = np.hstack([token, row]) @ np.vstack([w_token, w_token])
print(np.allclose(same, (token + row) @ w_token))
for d in (8, 64, 512):
    a, b = rng.normal(size=(2, 1000, d))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1)
    print(d, np.abs(cosine / np.linalg.norm(b, axis=1)).mean().round(3))

# %% [markdown]
r"""
To append is to add after the projection, each part with a matrix of its own; to add before
it is the case in which they share one. That halves the matrices, and the vector keeps its
size. Are the two confused? The last lines are mean cosines of random vectors, in size: the
more numbers, the less two vectors have to do with each other. With 512 there is room for
both, and training can keep them apart. Where we write matrices by hand, in lesson 9, there
is no such room, and we append.

## Added, the offset is lost

In "late yesterday evening the cat sat on the mat because it was tired", the words in front should change nothing between "it" and
"cat", six tokens back. But a model does not compare the rows. It *adds* them to the
tokens, then multiplies by $W_q$ and $W_k$ (`w_query` and `w_key`, lesson 7), and compares what comes out.

Here are two such matrices, drawn at random. The features get one empty place more, so that
they pair up. (For the figure below you may choose two other words: change the second line.)
"""

# %%
rng = np.random.default_rng(0)
asks, asked = tokens.index("it"), tokens.index("cat")
w_query, w_key = rng.normal(size=(2, 8, 4)) * 8**-0.5  # (d, d_k) each
x = np.pad(x, ((0, 0), (0, 1)))  # (n, 8)


def added_score(it, cat):  # positions of "it" and "cat"
    query = (x[asks] + rows[it]) @ w_query  # (..., d_k)
    key = (x[asked] + rows[cat]) @ w_key
    return (query * key).sum(axis=-1) * 4**-0.5


for front in (0, 3, 10, 100):
    score = added_score(7 + front, 1 + front)
    print(f"{front:3} words in front: {score:6.3f}")

# %% [markdown]
r"""
Four different scores, for tokens six apart each time. Multiplied out, there are four parts:
token with token, token with row, row with token, row with row. The two mixed parts depend
on where the row stands, and the last no longer compares hand with hand, because $W_q$ and
$W_k$ have mixed the hands.

The authors expected that a model would *learn* to look by offset, since the row of
$p + k$ is the row of $p$ after a fixed rotation. It may, but nothing makes it.

## Turn the query and the key

The second idea, *RoFormer* (Su et al., 2021), adds nothing. Take the query and the
key after $W_q$ and $W_k$, pair up their components, and **turn** each pair like a
hand, by an angle that grows with the position. This is RoPE, rotary position
embedding. Turning a pair $(a, b)$ by an angle gives

$$(a \cos - b \sin, \;\; a \sin + b \cos) .$$
"""


# %%
def rotary_loop(x, positions, base):
    n, d = x.shape
    turned = np.zeros((n, d))
    for row in range(n):
        for i in range(d // 2):
            angle = positions[row] / base ** (2 * i / d)
            a, b = x[row, 2 * i], x[row, 2 * i + 1]
            cos, sin = np.cos(angle), np.sin(angle)
            turned[row, 2 * i] = a * cos - b * sin
            turned[row, 2 * i + 1] = a * sin + b * cos
    return turned


# %% [markdown]
r"""
Without loops, the even components hold every $a$ and the odd ones every $b$:
"""


# %%
def rotary(x, positions, base):
    d = x.shape[-1]
    speed = base ** (-np.arange(0, d, 2) / d)
    angle = positions[..., None] * speed  # (..., n, d / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = x[..., 0::2], x[..., 1::2]
    pairs = [a * cos - b * sin, a * sin + b * cos]
    turned = np.stack(pairs, axis=-1)  # (..., n, d / 2, 2)
    return turned.reshape(*turned.shape[:-2], d)


# %% [markdown]
r"""
The speeds are those of the clock. Our vectors have $d_k = 4$, so there are two pairs only;
with a base of 100 the first turns by 1 radian a position and the second by a tenth. Here
are the queries of all ten tokens, turned by the loop, by the array, and by the course's
function:
"""

# %%
query, key = x @ w_query, x @ w_key  # (n, d_k)
positions = np.arange(10)
turned = rotary(query, positions, base=100)
loop = rotary_loop(query, positions, base=100)
general = course_utils.rotary_embedding(query, positions, base=100)
print(np.allclose(turned, loop), np.allclose(turned, general))

# %% [markdown]
r"""
The score of "it" for "cat" again, with words in front:
"""


# %%
def turned_pair(it, cat):
    q = rotary(query[asks], np.asarray(it), base=100)
    k = rotary(key[asked], np.asarray(cat), base=100)
    return q, k


def rope_score(it, cat):
    q, k = turned_pair(it, cat)
    return (q * k).sum(axis=-1) * 4**-0.5


for front in (0, 3, 10, 100):
    score = rope_score(7 + front, 1 + front)
    print(f"{front:3} words in front: {score:6.3f}")

# %% [markdown]
r"""
Words in front turn both hands of a pair by the same angle, so the angle *between* them
stays, and the score with it. This holds for every $W_q$ and $W_k$, learnt or not: **with
RoPE, where two tokens stand enters their score by the offset alone.**

The values are not turned. Positions decide *who* is asked; what is answered should
not depend on them.

## Or write it on the scores

The third idea leaves all vectors alone and adds a number to each score, by distance:
a **bias**. It can be learnt: one number for each distance, or, as in the model T5
(Raffel et al., 2020), for each range of distances, the wider the farther. Here are four tokens, and
numbers for "one before", "the same", "one after".
"""

# %%
table = [0.5, 0.0, -2.0]
print(course_utils.relative_position_bias(table, 4))

# %% [markdown]
r"""
Each diagonal holds one number, since a diagonal is
one offset; the ends of the table hold for all that lies further out. Or the bias is
fixed: ALiBi, *attention with linear biases* (Press, Smith and Lewis, 2022), takes a
**slope** times the distance off each score. As a loop:
"""


# %%
def alibi_loop(slope, n_q, n_k):
    bias = np.zeros((n_q, n_k))
    for i in range(n_q):
        for j in range(n_k):
            bias[i, j] = slope * -abs(i - j)
    return bias


print(alibi_loop(0.5, 3, 4))

# %% [markdown]
r"""
There is nothing to learn in it. A model has several attentions side by side, called
**heads** (lesson 9), and ALiBi gives each its own slope, so that some look near and
some look far. For $h$ heads, a power of two, the slopes are $2^{-8/h}, 2^{-16/h},
\dots, 2^{-8}$.
"""


# %%
def alibi_bias(num_heads, n_q, n_k):
    slope = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
    distance = np.abs(np.arange(n_q)[:, None] - np.arange(n_k))
    return -slope[:, None, None] * distance  # (num_heads, n_q, n_k)


print(2.0 ** (-8 * np.arange(1, 9) / 8))
bias = alibi_bias(8, 3, 4)
print(np.allclose(bias[0], alibi_loop(0.5, 3, 4)))
print(np.allclose(bias, course_utils.alibi_bias(8, 3, 4)))

# %% [markdown]
r"""
Of eight heads the first loses half a point of score a token, and the last 1/256. That makes five kinds:

| kind | where it enters | learnt | besides the tokens, a score depends on |
|---|---|---|---|
| sinusoidal | added to the tokens | no | both positions |
| learnt rows | added to the tokens | yes | both positions |
| relative bias | added to the scores | yes | the offset |
| RoPE | turns query and key | no | the offset |
| ALiBi | added to the scores | no | the offset |

Most language models of today use RoPE, the prologue's among them
([lesson 17](17_language_model.ipynb)).

## Move them along

Now move "it" and "cat" yourself. The first slider sets the offset, as if there were
more or fewer words between them. The second puts words in front of both. Watch:

- the **dials**: the two pairs of RoPE's query and key. Which slider turns both hands
  together, and which opens the angle between them?
- the **right curves**: move the words in front. Which dots go up and down, and which
  move along a straight line?
- the **middle curves**: while you move the words in front, which of them change
  their shape?
"""


# %% tags=["hide-input"]
def all_scores(offset, cat):
    it = cat + offset
    plain = query[asks] @ key[asked] * 4**-0.5  # no positions at all
    alibi = np.broadcast_to(plain - offset / 8, np.shape(it))
    scores = added_score(it, cat), rope_score(it, cat), alibi
    return dict(zip(("added", "RoPE", "ALiBi"), scores, strict=True))


offsets, fronts = np.arange(21), np.arange(41)
by_offset = {
    "title": "Other offsets",
    "axes": ("offset (tokens back)", "score"),
    "xticks": range(0, 21, 5),
    "yticks": range(-2, 5),
}
by_front = by_offset | {
    "title": "Other words in front",
    "axes": ("words in front", "score"),
    "xticks": range(0, 41, 10),
}


# %% tags=["hide-input"]
def two_tokens(offset, front):
    cat = 1 + front
    q, k = turned_pair(cat + offset, cat)
    pairs = figures.dials(
        q, k, ["fast pair", "slow pair"], title="RoPE", longest=2.3
    )
    along = all_scores(offsets, cat)
    over = all_scores(offset, 1 + fronts)
    now = all_scores(offset, cat).items()
    told = ", ".join(f"{name} {s:.2f}" for name, s in now)
    told = told.replace("-", "−")
    return figures.beside(
        pairs,
        figures.curves(offsets, along, at=offset, **by_offset),
        figures.curves(fronts, over, at=front, **by_front),
        caption=f"“{tokens[asks]}” at {cat + offset} asks "
        f"“{tokens[asked]}” at {cat}: {told}",
    )


offset = figures.slider(0, 20, 1, start=6, label="offset")
front = figures.slider(0, 40, 1, start=0, label="words in front")
figures.panel(two_tokens, offset=offset, front=front)

# %% [markdown]
r"""
Words in front turn both hands together, so RoPE's score stays, and so does ALiBi's (with a
slope of 1/8). Their right curves are straight lines, and their middle curves stand still,
while the score of the added rows goes up and down.

The offset opens the angle: one radian a token for the fast pair, a tenth for the
slow one. So RoPE's score swings as the offset grows, while ALiBi's only falls.
"""

# %%
for o, f in ((6, 0), (6, 13), (6, 40), (3, 40)):
    print(two_tokens(o, f).caption)

# %% [markdown]
r"""
## Where it goes wrong

**Values turned too.** One library turned the values as well, at first on purpose, to
bring in where a token stands. When somebody [asked
why](https://github.com/lucidrains/x-transformers/issues/182), it stopped. Put words in front of the sentence, and see what the whole attention returns
for "it":
"""

# %%
values = x @ np.random.default_rng(1).normal(size=(8, 4)) * 8**-0.5
for what in ("query and key", "values too"):
    for front in (0, 13):
        at = np.arange(10) + front
        q, k = rotary(query, at, 100), rotary(key, at, 100)
        v = rotary(values, at, 100) if what == "values too" else values
        answer = scaled_dot_product_attention(q, k, v)[7]
        print(f"{what:13} {front:2} in front: {answer}")

# %% [markdown]
r"""
With the values turned, the weights are right and the answer still changes with every
word in front. So test the *output*: move all positions by the same number, and it
must not change.

**The exponent.** In $\text{base}^{2i/d}$, $i$ counts pairs. A loop that counts
components in steps of two and multiplies by 2 again ([a reader found
it](https://github.com/SamLynnEvans/Transformer/issues/25) in a published program) makes
the hands too slow. The positions for a full turn:
"""

# %%
for name, step in (("right", 1), ("counted twice", 2)):
    turns = 2 * np.pi * 10000 ** (step * np.arange(0, 8, 2) / 8)
    print(f"{name:13}", *(f"{turn:12.1f}" for turn in turns))

# %% [markdown]
r"""
The slowest hand is a thousand times too slow. Training hides such slips: in a program that
matches images, [a repair of the speeds](https://github.com/zju3dv/LoFTR/issues/41) gained
less than half a percentage point. Compare the rows with a reference, not the results.

## In short

Without positions or masks attention sees which tokens there are, not where. Positions can be added
to the tokens, as rows of clock hands or as learnt rows; then $W_q$ and $W_k$ mix them with
the tokens, and scores depend on where both stand. RoPE turns query and key, and a bias is
added to the scores; then positions enter a score by the offset alone.

**Now you:** [the exercises of this lesson](../exercises/08_positions.ipynb). After them
attention can look three back, or six. But "it" may want to know two things at once: who is
meant, and which word stood before. Can it look at two places and keep them apart? That is
[lesson 9](09_multi_head_attention.ipynb).

## For those who want to know more: train short, test long

Which kind is best at *finding* a position? Train on a task where nothing but the
position helps: the **shift task**. The tokens are drawn at random from 16, and at
each position the model has to name the token three positions back. It is one causal
head (lesson 6) with $d = 32$ and learnt matrices; `PositionReader` holds it, with each of the five kinds or none.

It trains on sequences of 16 tokens, then it reads 128. Because it is causal,
its answers at position 40 are those that it
would give at the end of a shorter text: one test shows all lengths.
Up to position 15 everything that can look three back should be
right. Beyond, the kinds that know the offset should go on, and those that know the
positions should not.

`run_trials` trains five readers side by side, each from a seed of its own, and changes their
parameters 200 times, as in lesson 7 (lesson 10 opens the box). `cosine_schedule` lets the
steps get shorter towards the end, and `max_norm` keeps any one gradient from being long. What
a reader returns are **logits** (lesson 3), a score for each of the 16 tokens.
"""


# %%
def sequences(rng, batch, n):
    return shift_task(rng, batch, n, shift=3, vocabulary=16)


def task(learn, test):  # what draws a batch, and what to test on
    return lambda: sequences(learn, 8, 16), sequences(test, 40, 128)


def train_readers(kind, **options):
    return run_trials(
        PositionReader(kind, **options),
        task,
        seeds=range(5),
        steps=200,
        learning_rate=cosine_schedule(0.01, 200),
        max_norm=1.0,
        progress=False,
    )


trained = {kind: train_readers(kind) for kind in tracked(KINDS)}
right = {kind: trained[kind].scores[0] for kind in KINDS}
print(right["none"].shape)  # (seeds, positions)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, sharey=True)
middles = np.arange(4, 128, 8)
free = ("upper right", (0.16, 0.3))  # where no curve runs
for ax, kinds, spot in zip(
    axes, (KINDS[:3], KINDS[3:]), free, strict=True
):
    ax.axvspan(0, 16, color="#E4E4E4")
    for kind in kinds:
        blocks = right[kind].copy()
        blocks[:, :3] = np.nan  # nothing lies three back
        blocks = np.nanmean(blocks.reshape(5, 16, 8), axis=2)
        ax.errorbar(middles, blocks.mean(0), blocks.std(0), label=kind)
    ax.axhline(1 / 16, color="black", linewidth=1)
    ax.set(xlabel="position", xticks=range(0, 129, 32), ylim=(0, 1.05))
    ax.legend(loc=spot)
_ = axes[0].set(ylabel="share of right answers")

# %% [markdown]
r"""
Means over five seeds (`rotary` is RoPE), in blocks of eight positions, with bars of
one standard deviation. The grey band is the length of training, the thin line chance. In numbers:
"""

# %%
parts = {"3–15": (3, 16), "16–31": (16, 32)}
parts |= {"32–63": (32, 64), "64–127": (64, 128)}

# %% tags=["hide-input"]
print(f"{'position':14}", *(f"{name:>11}" for name in parts))
for kind in KINDS:
    row = [right[kind][:, a:b].mean(axis=1) for a, b in parts.values()]
    cells = [f"{r.mean():.2f} ± {r.std():.2f}" for r in row]
    print(f"{kind:14}", *cells)

# %% [markdown]
r"""
- **Within the training length** all kinds but "none" and ALiBi are right every time.
- **Learnt rows** (`learned`) fall off a cliff at position 16: beyond, they are as they were
  drawn.
- **Sinusoidal** ones do better, but mostly stay below half beyond 16, where
  training never went. (Why they do better from 32 to 63 than
  just before, this experiment does not say.)
- **RoPE and the relative bias** go on, as expected, but not for ever: in the last part they
  are right in 0.75 and 0.64 of the cases.
- **ALiBi** is as good at 127 as at 15, and bad at both: 0.19 and 0.18. Even the reader with
  no positions beats it where it was trained.

The last two need an explanation. Look at the weights: how much goes to the token
three back, and how much to offsets above 15, which no training sequence had?
"""


# %%
def looked(kind):  # the mean over five readers and 20 sequences
    drawn = [
        sequences(np.random.default_rng(s), 20, 128) for s in range(5)
    ]
    tokens = np.stack([tokens for tokens, _ in drawn])  # (seeds, 20, n)
    read = PositionReader(kind).read(trained[kind].parameters, tokens)
    return read[1].mean(axis=(0, 1))  # (n, n)


offset = np.arange(128)[:, None] - np.arange(128)
weights = {kind: looked(kind) for kind in KINDS[3:]}
for kind, w in weights.items():
    for part in ("16–31", "64–127"):
        inside = slice(*parts[part])
        back = w[inside][offset[inside] == 3].mean()
        far = (w * (offset > 15))[inside].sum(axis=1).mean()
        print(f"{kind:14} {part:7} 3 back {back:.2f}", end="  ")
        print(f"never trained {far:.2f}")

# %% [markdown]
r"""
A score of RoPE or the relative bias knows the offset alone. But a weight depends on *all*
scores in its row, and far out, offsets that were never trained take half of it or more.
Here is where the query at position 110 looks most.
"""

# %%
for kind in ("relative bias", "rotary"):
    w = weights[kind][110]
    most = np.argsort(-w)[:5]
    cells = [f"{110 - j:3} back {w[j]:.2f}" for j in most]
    print(f"{kind:14}", *cells, sep="  ")

# %% [markdown]
r"""
The relative bias has one number for all that is far, and spreads 0.77 over some eighty keys. RoPE has echoes: in 101 positions, from offset 3 to 104, the fastest hand makes 16 turns
and a little, and looks almost as it did. Training never punished that: to know the offset is
not yet to ignore what is far.

ALiBi does ignore it (0.02), but its bias is a ramp: what
lies three back can never get more from it than what lies two back, and here the answer is at exactly three. Perhaps the slope, 1/4 here, is at
fault?
"""

# %%
for slope in (1 / 2, 1 / 16):
    (share,) = train_readers("alibi", slope=slope).scores
    beyond = share[:, 16:].mean(axis=1)
    print(
        f"slope {slope:.4f}: {beyond.mean():.2f} ± {beyond.std():.2f}"
    )

# %% [markdown]
r"""
No slope finds it. The flattest does about as well as
the reader with no positions did within its training.

This was one head, one layer, and a task of exact offsets. In text, what is near often
matters more, and for that ALiBi is made: its authors report a language model trained on
1024 tokens that reads 2048 as well as a sinusoidal one trained on 2048. Kazemnejad et al.
(2023), on tasks of reasoning and mathematics, find ALiBi and RoPE not well suited to longer
inputs, and whole models *without* positions better. (The causal mask lets a token infer how
many came before it, Haviv et al., 2022, conjecture. One head alone did not get far with
that here.)

**The wrong partners.** RoPE pairs component 0 with 1, 2 with 3, and so on. Some programs
pair 0 with $d/2$, 1 with $d/2 + 1$ (Hugging Face's `rotate_half`). Either works, if a
model is trained and run the same way. If not, nothing raises an error. A model of one
program, loaded into another, [wrote a word or two that made sense, then
garbage](https://github.com/NeuraLegion/shainet/pull/111): at first the angles are small.
Others met it with [TinyLlama](https://github.com/jzhang38/TinyLlama/issues/24) and
[Llama](https://github.com/huggingface/transformers/issues/25199). For the wrong partners,
put the columns of our trained reader in the order 0, 16, 1, 17, …
"""

# %%
partners = np.arange(32).reshape(2, 16).T.ravel()  # 0, 16, 1, 17, …
back = np.argsort(partners)  # the order that undoes it
parameters = {n: x[0] for n, x in trained["rotary"].parameters.items()}


def reordered(parameters, order):
    names = ("w_query", "w_key", "b_query", "b_key")
    new = {name: parameters[name][..., order] for name in names}
    return parameters | new


versions = {
    "right partners": parameters,
    "wrong partners": reordered(parameters, partners),
    "put right": reordered(reordered(parameters, back), partners),
}
test = sequences(np.random.default_rng(0), 80, 16)
for name, version in versions.items():
    share = PositionReader("rotary").score(version, *test)
    print(f"{name}: {share[3:].mean():.2f}")

# %% [markdown]
r"""
The same numbers, other partners: from 1.00 to 0.21. Put the columns of $W_q$ and $W_k$ in
the other program's order first, and the two orders cancel. How to notice: turn one vector
by hand, and compare all its components with the program's.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| position | a whole number | where a token stands, from 0 |
| offset | a whole number | how many tokens the key lies before the query (in lesson 6: where the first query stands) |
| `base` | a number > 0 | sets the slowest hand; 10000 by default |
| `sinusoidal_positions` | (n, d_model) | one row of clock hands a position |
| `rotary` | (..., n, d_k) | query or key, each pair turned by its position |
| logits | (..., vocabulary) | a score for each token that may come, before a softmax |
| bias | (..., n_q, n_k) | what is added to the scores |
| `slope` | (num_heads,) | what ALiBi takes off a score for each token of distance |

## Go deeper

- Vaswani et al., *Attention Is All You Need* (2017), section 3.5: sinusoids, why they
  might help to look by offset, and the comparison with learnt rows.
- Shaw, Uszkoreit and Vaswani, *Self-Attention with Relative Position
  Representations* (2018): learnt vectors by clipped distance.
- Raffel et al., *Exploring the Limits of Transfer Learning with a Unified
  Text-to-Text Transformer* (2020): one learnt number for each group of distances.
- Su et al., *RoFormer: Enhanced Transformer with Rotary Position Embedding* (2021).
- Press, Smith and Lewis, *Train Short, Test Long* (2022): ALiBi.
- Haviv et al., *Transformer Language Models without Positional Encodings Still Learn
  Positional Information* (2022), and Kazemnejad et al., *The Impact of Positional
  Encoding on Length Generalization in Transformers* (2023).
"""
