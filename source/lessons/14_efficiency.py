# %% [markdown]
r"""
# Make attention cheap

Where do time and memory go, and how are they saved?

**What you'll build.** The softmax that never sees a whole row, attention by tiles, in a
window, without a softmax, and with a cache; and a bill for any model, from our ten
tokens to Llama 3.

**What you'll learn.** To count operations and bytes on paper, to measure both on your
own machine, to predict which trick saves which, and to test a model for leaks.

**What you'll need.** Lessons 3, 6, 9 and 10. About 85 minutes with the exercises, 40
without.
"""

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from course_utils import (  # missing? Run python3 course.py
    KVCache,
    causal_mask,
    figures,
    linear_attention,
    scaled_dot_product_attention,
    sliding_window_attention,
    sliding_window_mask,
    tiled_attention,
)
from course_utils.dependence import dependence
from course_utils.learner import predict
from course_utils.measuring import count, cpu_seconds, peak_bytes, slope
from course_utils.models.linear_reader import (
    linear_attention_vjp,
    recall,
)
from course_utils.models.lookup_reader import LookupReader
from course_utils.models.trials import run_trials
from course_utils.sizes import MODELS
from course_utils.tasks import little_sentence
from course_utils.training import tracked

np.set_printoptions(precision=3, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## The bill of a sentence

Every token looks at every token: that is what made attention good, and it is what makes
it dear. Our sentence has ten tokens, so a head keeps 100 weights. A model that writes
reads a book in the same way. Here is one head of it, for three lengths of text:
"""

# %%
for n in (10, 1024, 8192):
    print(f"{n:5} tokens {n * n:12,} weights {4 * n * n:13,} bytes")

# %% [markdown]
r"""
(Four bytes a number: float32.) Llama 3 8B was made for 8,192 tokens and has 32 such heads in
each of its 32 layers (Grattafiori et al., 2024). Nobody has room for all that. So how do
these models run?

There are two columns on the bill. **Operations** are the multiplications and additions that
must be done. **Bytes** are what must be held meanwhile. Time is neither: it follows
whichever is scarce. Here is attention as you know it, with room for a mask that is added to
the scores:
"""


# %%
def full(query, key, value, mask=0.0):
    scores = query @ key.mT * query.shape[-1] ** -0.5 + mask
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) @ value


# %% [markdown]
r"""
On paper: each of the $n \cdot n$ scores is a sum of $d$ products, $2 d$ operations. The
blend costs as much again. So **one head does $4 n^2 d$ operations**, and holds $n^2$
weights. (The softmax does a few more a weight; we leave them out.) The function `count`
watches products of matrices while they are computed. Does it agree?
"""

# %%
tokens, features, x = little_sentence()  # (n, d) = (10, 7)
print(count(full, x, x, x), 4 * 10**2 * 7)

# %% [markdown]
r"""
## A mask saves nothing

Lesson 13 left out pairs. Let each token see only itself and the 63 before it: a
window. Of 2,048 keys, that is one in 32. Your first idea may be the mask of lesson 6.

Before you go on: at $n = 2048$, how much time does attention take with this mask,
compared with none?
"""

# %%
guess = predict(
    "14 time with a mask",
    "about a thirty-second",
    "about half",
    "at least as long as without a mask",
)
guess

# %%
WINDOW = 64


def window_by_mask(query, key, value):
    shown = sliding_window_mask(len(query), window=WINDOW)
    mask = np.where(shown, 0, -np.inf).astype(query.dtype)
    return full(query, key, value, mask)


rng = np.random.default_rng(0)
q, k, v = rng.standard_normal((3, 256, 64))  # n = 256, d = 64
print(
    f"{count(full, q, k, v):,} and {count(window_by_mask, q, k, v):,}"
)

# %% [markdown]
r"""
Not one operation less. The mask throws weights away *after* they have been computed,
and making it and adding it costs on top. What the clock says, we shall see below. **To save
something, do not compute it.** As a loop, each query meets the keys of its window and no
others:
"""


# %%
def window_by_loop(query, key, value):
    rows = []
    for i in range(len(query)):
        keys = slice(max(0, i - WINDOW + 1), i + 1)
        rows.append(full(query[i : i + 1], key[keys], value[keys]))
    return np.concatenate(rows)


# %% [markdown]
r"""
That is as little work as can be, in steps too small for NumPy. With blocks of 64 queries,
each block meets 127 keys, twice what it needs, in products of a good size:
"""


# %%
def window_by_blocks(query, key, value):
    blocks = []
    for top in range(0, len(query), WINDOW):
        first = max(0, top - WINDOW + 1)
        rows, keys = (
            slice(top, top + WINDOW),
            slice(first, top + WINDOW),
        )
        n_q, n_k = len(query[rows]), len(key[keys])
        shown = sliding_window_mask(
            n_q, n_k, window=WINDOW, offset=top - first
        )
        mask = np.where(shown, 0, -np.inf)
        blocks.append(full(query[rows], key[keys], value[keys], mask))
    return np.concatenate(blocks)


# %%
expected = sliding_window_attention(q, k, v, window=WINDOW)
for way in (window_by_mask, window_by_loop, window_by_blocks):
    same = np.allclose(way(q, k, v), expected)
    print(f"{way.__name__:16} {count(way, q, k, v):10,}", same)

# %% [markdown]
r"""
All are the course's `sliding_window_attention`, which works by blocks. The price is the one
of lesson 13: what is further back than the window cannot be seen.

## A softmax that never sees a whole row

Can we keep *all* pairs, and still not hold $n^2$ weights? What stands in the way is the
softmax. It needs the largest score of a row before it may take the first exponential, and
the sum of the row before it may divide. Both come last.

Lesson 3 has the way out. Shift all scores by the same number, and no weight changes.
So begin with the shift you know, the largest score *so far*, $m$. Keep two sums over the
keys so far:

$$t = \sum_j e^{s_j - m}, \qquad o = \sum_j e^{s_j - m} v_j .$$

Now a larger score comes, $m'$. The sums should have used $m'$. But

$$e^{s_j - m'} = e^{s_j - m} \cdot e^{m - m'},$$

the same factor for every $j$. **Multiply both sums by $e^{m - m'}$, and it is as if they
had known.** At the end the output is $o / t$. That is the **online softmax** (Milakov and
Gimelshein, 2018).
"""


# %%
def online(q, key, value):
    peak, total, output = -np.inf, 0.0, np.zeros(value.shape[1])
    for k, v in zip(key, value, strict=True):
        score = q @ k * len(q) ** -0.5
        raised = max(peak, score)
        rescale, weight = np.exp(peak - raised), np.exp(score - raised)
        total = total * rescale + weight
        output = output * rescale + weight * v
        peak = raised
        yield rescale, total, output / total


# %% [markdown]
r"""
Watch "it" read our sentence, token by token, with the queries and keys of lesson 7, and
as its value how much of *alive* a token tells. The last column is what "it" would know if
the sentence ended here:
"""


# %%
def by_hand(rows):
    return np.array([rows.get(f, [0, 0]) for f in features], float)


wants = {"thing": [1, 0], "action": [1, 0], "state": [1, 0]}
offers = {"thing": [1, 0], "action": [-1, 0], "state": [-1, 2]}
query = x @ by_hand(wants | {"alive": [0, 1]})
key = x @ by_hand(offers | {"alive": [1, 0]})
value = x[:, [features.index("alive")]]

# %%
it = tokens.index("it")
print("          rescale   total   so far")
for token, (rescale, total, so_far) in zip(
    tokens, online(query[it], key, value), strict=True
):
    print(f"{token:8} {rescale:8.3f} {total:7.3f} {so_far[0]:8.3f}")
print("all at once:", full(query[it : it + 1], key, value)[0])

# %% [markdown]
r"""
At "the" nothing came before, so there is nothing to rescale: $e^{-\infty} = 0$. At "cat" a
much larger score comes, and what was summed shrinks to almost nothing. From then on the
factor is 1. The last number is what the whole row at once gives.

One key at a time is slow. Take a **tile** of keys at a time, for all queries at once:
the same five lines, on arrays.
"""


# %%
def tiled(query, key, value, tile=64):
    peak, total, output = np.full((len(query), 1), -np.inf), 0.0, 0.0
    for left in range(0, len(key), tile):
        part = slice(left, left + tile)
        scores = query @ key[part].mT * query.shape[-1] ** -0.5
        raised = np.maximum(peak, scores.max(axis=-1, keepdims=True))
        rescale = np.exp(peak - raised)
        weights = np.exp(scores - raised)
        total = total * rescale + weights.sum(axis=-1, keepdims=True)
        output = output * rescale + weights @ value[part]
        peak = raised
    return output / total


# %%
*_, (_, _, by_loop) = online(q[0], k, v)
print(np.allclose(by_loop, tiled(q, k, v)[0]))
print(np.allclose(tiled(q, k, v), full(q, k, v)))
print(np.allclose(tiled(q, k, v), tiled_attention(q, k, v)))
print(f"{count(full, q, k, v):,} and {count(tiled, q, k, v):,}")

# %% [markdown]
r"""
Loop, tiles, all at once and the course's `tiled_attention` (which takes tiles of queries too)
agree. Look at the last line: **tiling saves not one operation. It saves bytes**: only
$64 n$ scores are held at a time in place of $n^2$. This is the heart of FlashAttention
(Dao et al., 2022); there a tile fits into the small, fast memory of a graphics processor. And
the course's own
`scaled_dot_product_attention` has done it all along.

## Read the product from the other side

To save operations as well, look at the two products. Were there no softmax between them,

$$(Q K^\mathsf{T})\, V = Q\, (K^\mathsf{T} V),$$

and the right side never makes anything of size $n \times n$: $K^\mathsf{T} V$ is
$d \times d$. The exponential stands in the way. **Linear attention** (Katharopoulos et al.,
2020) replaces $e^{q \cdot k}$ by $\varphi(q) \cdot \varphi(k)$, with features $\varphi$ that are
positive, so that weights stay weights. It is *another* attention, not the same one computed
faster.
"""


# %%
def phi(x):
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))  # elu + 1


def linear(asks, tells, value):  # asks = phi(query), tells = phi(key)
    total = asks @ tells.sum(axis=0)[:, None]
    return asks @ (tells.mT @ value) / total


asks, tells = phi(q), phi(k)
weights = asks @ tells.mT
weights /= weights.sum(axis=-1, keepdims=True)
print(np.allclose(weights @ v, linear(asks, tells, v)))
print(np.allclose(linear_attention(q, k, v), linear(asks, tells, v)))

# %% [markdown]
r"""
In a model that writes, a token sees those before it only. Then the small matrix becomes a
**running sum**: each token adds itself, and asks what is there. As a loop:
"""


# %%
def linear_by_loop(asks, tells, value):
    state, total, rows = 0.0, 0.0, []
    for ask, tell, v in zip(asks, tells, value, strict=True):
        state = state + np.outer(tell, v)  # (d, d_v)
        total = total + tell
        rows.append(ask @ state / (ask @ total))
    return np.array(rows)


causal = linear_attention(q, k, v, is_causal=True)
print(np.allclose(linear_by_loop(asks, tells, v), causal))

# %% [markdown]
r"""
No list of past keys is kept, only the state, however long the text: a recurrent network
after all. Keep in mind that all the past must fit into $d \times d$ numbers.

Here is the bill on paper, beside the count, and what becomes of it when $n$ doubles:
"""

# %%
bill = {
    "full": (full, lambda n, d: 4 * n * n * d),
    "by mask": (window_by_mask, lambda n, d: 4 * n * n * d),
    "tiled": (tiled, lambda n, d: 4 * n * n * d),
    "by blocks": (
        window_by_blocks,
        lambda n, d: 4 * n * 127 * d,
    ),
    "linear": (linear, lambda n, d: 4 * n * d * (d + 0.5)),
}
twice = np.abs(rng.standard_normal((3, 512, 64)))
print("                counted     on paper  2n against n")
for name, (way, paper) in bill.items():
    one = count(way, *twice[:, :256])
    two = count(way, *twice)
    print(f"{name:10} {one:12,} {paper(256, 64):12,.0f}", end="")
    print(f"{two / one:10.2f}")

# %% [markdown]
r"""
The window's first block has no keys before it, so it does a little less than on paper. With
twice the tokens it is four times the work for those with $n^2$, and about twice for the
others.

## What the clock and the memory say

Paper is patient. Measure: one head, $d = 64$, float32, for $n$ from 64 to 2,048. Time is the
processor's, the shorter of two runs; bytes are the most that is held during the call. If
a cost grows as $n^p$, then on logarithmic axes it is a straight line of **slope** $p$. Before
you look: which slopes do you expect for `full`, `tiled` and `linear`, in time and in bytes?
"""

# %%
ways = {
    "full": full,
    "by mask": window_by_mask,
    "tiled": lambda q, k, v: tiled_attention(q, k, v),
    "linear": lambda q, k, v: linear_attention(q, k, v),
    "by blocks": lambda q, k, v: sliding_window_attention(
        q, k, v, window=WINDOW
    ),
}
sizes = np.array([64, 128, 256, 512, 1024, 2048])
seconds, held = ({name: [] for name in ways} for _ in range(2))
for n in tracked(list(sizes)):
    arrays = rng.standard_normal((3, n, 64)).astype(np.float32)
    for name, way in ways.items():
        call = partial(way, *arrays)
        seconds[name].append(cpu_seconds(call, rounds=2))
        held[name].append(peak_bytes(call))


# %%
def pays_from(name):
    """Say from which n on a way is always faster than full."""
    faster = np.array(seconds[name]) < seconds["full"]
    late = sizes[np.logical_and.accumulate(faster[::-1])[::-1]]
    when = f"from n = {late[0]}" if len(late) else "never"
    return "" if name == "full" else f", pays {when}"


styles = [(figures.BLUE, "-"), (figures.VERMILION, "--")]
styles += [(figures.GREY, "-."), ("black", ":"), ("#009E73", "-")]


def growth(ax, n, costs, title, note=lambda name: ""):
    for (name, y), (color, ls) in zip(
        costs.items(), styles, strict=False
    ):
        label = f"{name}: slope {slope(n[-4:], y[-4:]):.1f}{note(name)}"
        ax.loglog(n, y, color=color, ls=ls, label=label)
    ax.set(title=title, xlabel="n, tokens")
    ax.set_xticks(n, n)
    ax.minorticks_off()
    ax.legend(
        fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2)
    )


# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4.8))
growth(axes[0], sizes, seconds, "processor seconds", pays_from)
growth(axes[1], sizes, held, "bytes held")


# %%
def grows(cost, name):
    return slope(sizes[-4:], cost[name][-4:])


def less(cost, name):
    return cost["full"][-1] / cost[name][-1]


claims = [
    ("full, time: slope about 2", 1.5 < grows(seconds, "full") < 3),
    ("full, bytes: slope 2", 1.9 < grows(held, "full") < 2.1),
    ("tiled, time: slope about 2", 1.5 < grows(seconds, "tiled") < 3),
    ("tiled, bytes: a tenth or less", less(held, "tiled") > 10),
    (
        "linear, time: slope about 1",
        0.5 < grows(seconds, "linear") < 1.6,
    ),
    ("linear, time: a quarter or less", less(seconds, "linear") > 4),
    ("blocks, time: half or less", less(seconds, "by blocks") > 2),
    ("mask, time: no less", less(seconds, "by mask") < 1.25),
]
for claim, holds in claims:
    print(f"{claim:33}", holds)
guess.reveal(right=2)

# %% [markdown]
r"""
(Slopes are from $n = 256$ on, comparisons with `full` at $n = 2048$; "by mask" and "by blocks"
are the window.) The figure is yours alone if you
run the cells; what you see before is from the machine on which this page was made. The lines
below it should hold on any. Three things to read from it:

- **The mask never pays.** It does all the work, and its own.
- **Tiling pays late, and saves no operation.** Fresh memory costs time: to write $n^2$
  weights somewhere and to fetch them again is slower than to use them at once. Its slope
  in time is still 2.
- **The cheap ways begin to pay late.** Below a few hundred tokens, a loop of Python or a
  few more steps eat up what they save. On paper our window by blocks
  does a 16th of the work at $n = 2048$. On the clock of this page's machine, it took more
  than that.

What this does not show is a graphics processor, where bytes are dearer still.

## Write with a cache

A model that writes makes one token, reads the whole text again with the new token at its end,
and makes the next. But with a causal mask, keys and values of the past do not change: no
earlier token ever sees a later one. **Keep them.** A step then projects one new token,
and one query meets the keys that are kept. That is the cache of keys and values, the **KV
cache**. Lesson 12 used one; here is what it saves, and what it costs.
"""

# %%
d = 64
w_query, w_key, w_value = rng.standard_normal((3, d, d)) * d**-0.5


def again(x):  # read all of it again for each new token
    rows = []
    for i in range(1, len(x) + 1):
        q, k, v = x[:i] @ w_query, x[:i] @ w_key, x[:i] @ w_value
        mask = np.where(causal_mask(i), 0, -np.inf)
        rows.append(full(q, k, v, mask)[-1])
    return np.array(rows)


# %%
def with_cache(x):
    cache, rows = KVCache(), []
    for i in range(len(x)):
        new = x[i : i + 1]
        keys, values = cache.append(new @ w_key, new @ w_value)
        rows.append(full(new @ w_query, keys, values)[0])
    return np.array(rows)


# %%
written = rng.standard_normal((256, d))
at_once = scaled_dot_product_attention(
    *(written @ w for w in (w_query, w_key, w_value)), is_causal=True
)
print(np.allclose(again(written), at_once))
print(np.allclose(with_cache(written), at_once))

# %% [markdown]
r"""
Reading again, using the cache, and all at once with a mask: the same 256 outputs. Where is
the mask in `with_cache`? There is none. The new token may see all that is kept. And no query
is kept either: nobody asks a second time. On paper, for all $n$ tokens of this one layer:
"""

# %%
for n in (64, 256):
    i = np.arange(1, n + 1)
    read_again = (6 * i * d * d + 4 * i * i * d).sum()
    cached = (6 * d * d + 4 * i * d).sum()
    x_n = written[:n]
    print(f"n = {n}: {count(again, x_n):,} counted", end=", ")
    print(f"{read_again:,} on paper; {cached:,} with a cache")

# %%
lengths = np.array([32, 64, 128, 256])
took = {"again": [], "with a cache": []}
for n in tracked(list(lengths)):
    text = rng.standard_normal((n, d))
    for name, way in zip(took, (again, with_cache), strict=True):
        took[name].append(cpu_seconds(partial(way, text), rounds=1))

fig, ax = plt.subplots()
growth(ax, lengths, took, "processor seconds to write n tokens")
faster = took["again"][-1] / took["with a cache"][-1]
print("with a cache at least twice as fast:", faster > 2)

# %% [markdown]
r"""
The work of a text grows as $n^3$ without the cache, and as $n^2$ with it. At these lengths
the clock shows less than the paper, since a step costs some time however little it does.

<details>
<summary>Part of this gain needs no cache</summary>

`again` asks with all queries, and keeps the last answer. Ask with the last query alone, and a
single layer computes one row of scores for each token, without any cache. In a stack of layers one cannot: the
second layer's keys are made from the *outputs* of the first, at all positions.

</details>

What the cache costs is bytes. Each layer keeps a key and a value for each position and each
key-value head (lesson 9). We count two bytes a number, as in float16. The sizes are from the
papers and published configurations:
"""

# %%
print(
    "                 a token, bytes   full context, MiB   weights, MiB"
)
for name, model in list(MODELS.items())[1:]:
    one, all_of_it = (model.cache_bytes(n) for n in (1, model.context))
    print(f"{name:16} {one:14,} {all_of_it / 2**20:19,.0f}", end="")
    print(f"{2 * model.parameters / 2**20:15,.0f}")

# %% [markdown]
r"""
Llama 2 7B (Touvron et al., 2023) keeps half a mebibyte for each token. Llama 3 8B lets four
heads share their keys and values, which is a quarter of that, and so has room for twice the
text in half the bytes. Mistral 7B (Jiang et al., 2023) keeps the last 4,096 tokens only: a
window saves cache as well.

## One ledger for all sizes

How much of a model's work is attention at all? Besides it there are the projections and
the MLP of lesson 12, whose work for a token does not depend on $n$. Pick a model, and move
$n$, the number of tokens that are kept. Watch:

- the **vermilion bars**: which two lines of the bill grow with $n$?
- the **curve**: from which $n$ on does attention do half of the work?
- For Mistral: what does the window do to both?
- Can the cache become larger than the weights?
"""


# %%
def short(amount):
    for power, name in ((9, "billion"), (6, "million")):
        if amount >= 10**power:
            return f"{amount / 10**power:.3g} {name}"
    return f"{amount:,.0f}"


def share(model, n):
    operations = model.operations(int(n))
    return operations["attention"] / sum(operations.values())


many = np.logspace(1, 5, 60)
look = {"axes": ("n, thousands", "share of the operations")}
look |= {"xticks": [0.01, 0.1, 1, 10, 100], "yticks": [0, 0.5, 1]}
look |= {"logarithmic": True, "title": "Attention"}


# %%
def amounts_of(model, n):
    work = model.operations(n)
    attention = work.pop("attention")
    amounts = {
        "parameters": model.parameters,
        "operations a token, all but attention": sum(work.values()),
        "attention, operations a token": attention,
        "weights, bytes to read": 2 * model.parameters,
        "cache, bytes to read": model.cache_bytes(n),
    }
    return {name: (x, short(x)) for name, x in amounts.items()}


def bill_of(which, n):
    name, model = list(MODELS.items())[which]
    ledger = figures.ledger(
        amounts_of(model, int(n)), title="What the next token costs"
    )
    line = {"share": [share(model, m) for m in many]}
    curve = figures.curves(many / 1000, line, at=n / 1000, **look)
    words = f"{name}, {n:,.0f} tokens: attention does "
    words += f"{share(model, n):.0%} of the work"
    return figures.beside(ledger, curve, caption=words)


# %%
which = figures.picker(list(MODELS), start=1, label="model")
n_kept = figures.log_slider(
    10, 100_000, start=1000, label="n, tokens kept"
)
figures.panel(bill_of, which=which, n=n_kept)

# %% [markdown]
r"""
Only attention and the cache grow. In GPT-2 small attention does little until $n$ is in the
thousands. Its layer does $24 d^2$ operations a token in projections and MLP, and $4 n d$ in
attention; the two are equal at $n = 6 d$:
"""

# %%
print("              attention does half   n/d   cache above weights")
for name, model in list(MODELS.items())[1:]:
    half = next((n for n in range(10**5) if share(model, n) >= 0.5), 0)
    above = range(0, 10**6, 100)
    weights = 2 * model.parameters
    even = next((n for n in above if model.cache_bytes(n) > weights), 0)
    from_n = [f"n = {n:,}" if n else "never" for n in (half, even)]
    ratio = f"{half / model.d_model:.1f}" if half else ""
    print(f"{name:13} {from_n[0]:>19} {ratio:>5} {from_n[1]:>21}")

# %% [markdown]
r"""
So cheap attention pays in long texts, and a short text is better served by a cheaper
MLP. With its window, Mistral never gets there. And the bytes: from some length on the cache
is larger than the model, far later in Llama 3, which shares heads, than in Llama 2. For each token that is written,
*all* of both is read once. That is why writing is slow on machines that compute fast
(Shazeer, 2019).

## What does linear attention lose?

It saved everything. If it cost nothing, every model would use it. The question, then: how
well does it remember? The task of lesson 10 asks for exactly that: dictionaries of $n$ pairs,
drawn anew each time, and a question for each key. The model is `LookupReader`, the same
for both, but for the attention in it; $d = 16$, five seeds, 200 steps of 128 questions. The state
of linear attention is $16 \times 16$. Where will it fail?
"""

# %%
guess = predict(
    "14 recall without a softmax",
    "it does as well as softmax at 2, 8 and 32 pairs",
    "as well at 2, clearly worse at 32",
    "it cannot look up at all",
)
guess


# %%
def learn(n, d=16, **attend):
    trials = run_trials(
        LookupReader(d=d, num_keys=64, **attend),
        recall(n, batch=128 // n),
        seeds=range(5),
        steps=200,
        learning_rate=0.02,
        every=50,
        progress=False,
    )
    return trials.tested, trials.scores


no_softmax = {"attend": linear_attention_vjp}
plans = {("softmax", n): {"n": n} for n in (2, 8, 32)}
plans |= {("linear", n): {"n": n} | no_softmax for n in (2, 8, 32)}
plans["linear, d = 32", 32] = {"n": 32, "d": 32} | no_softmax
curves = {
    plan: learn(**options)
    for plan, options in tracked(list(plans.items()))
}

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
for kind in ("softmax", "linear"):
    ends = np.array([curves[kind, n][1][-1] for n in (2, 8, 32)])
    axes[0].errorbar(
        range(3), ends.mean(1), ends.std(1), capsize=3, label=kind
    )
for kind in ("softmax", "linear", "linear, d = 32"):
    tested, right = curves[kind, 32]
    axes[1].errorbar(
        tested, right.mean(1), right.std(1), capsize=3, label=kind
    )
axes[0].set(xticks=range(3), xticklabels=[2, 8, 32], title="200 steps")
axes[0].set(xlabel="pairs", ylabel="right answers", ylim=(0, 1.05))
axes[1].set(xlabel="steps", title="32 pairs")
for ax in axes:
    ax.axhline(1 / 16, color="black", lw=1)
    ax.legend(loc=(0.5, 0.08), fontsize=9, labelspacing=0.2)

# %%
print(
    "five seeds: at least      .98    .85    .50   of the answers right"
)
for (kind, n), (_, right) in curves.items():
    done = [(right[-1] >= bound).sum() for bound in (0.98, 0.85, 0.5)]
    words = [{0: "none", 5: "all"}.get(x, "some") for x in done]
    print(f"{kind:15} n = {n:2}  " + "".join(f"{w:>7}" for w in words))
guess.reveal(right=1)

# %% [markdown]
r"""
Means over five seeds, with one standard deviation; the black line is guessing. Softmax looks
up 32 pairs as well as two. Linear attention manages two, and loses over four answers in
ten with 32 at $d = 16$. A larger $d$ buys most of them back, for part of the price that was
saved. It also learns slower, and its curve still rises at the end, so take
the shape and not the numbers. Arora et al. (2024) find the same trade in models that
write: the smaller the state, the worse the recall.

What is missing is sharpness. Draw 32 random keys, and ask with twice the first of them. How
much of the weight does the first key get?
"""

# %%
keys = np.random.default_rng(0).standard_normal((32, 16))
ask = 2 * keys[0]
sharp = np.exp(keys @ ask / 4)  # the root of 16 is 4
blunt = phi(keys) @ phi(ask)
for name, weight in (("softmax", sharp), ("linear", blunt)):
    print(f"{name}: {weight[0] / weight.sum():.2f}")

# %% [markdown]
r"""
The exponential makes one weight large with a score that is a little larger. A product of
positive features cannot: every key gets its share, and 31 small shares add up.

## Where it goes wrong

**No rescale.** It is one factor, and forgetting it does not crash. If the largest score comes
in the first tile, it is even right:
"""


# %%
def tiled_without_rescale(query, key, value, tile=2):
    total, output, peak = 0.0, 0.0, -np.inf
    for left in range(0, len(key), tile):
        scores = query @ key[left : left + tile].mT
        peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
        weights = np.exp(scores - peak)
        total = total + weights.sum(axis=-1, keepdims=True)
        output = output + weights @ value[left : left + tile]
    return output / total


one = np.ones((1, 1))
for scores in ([3.0, 0, 1, 2], [0.0, 1, 2, 3]):
    keys, values = np.array([scores]).T, np.array([[1.0, 0, 0, 0]]).T
    wrong = tiled_without_rescale(one, keys, values)
    print(scores, wrong[0], full(one, keys, values)[0])

# %% [markdown]
r"""
So test online code with scores that rise, and with scores that fall.

**A square mask in decoding.** When several tokens come at once (a question, say, after a text
that is in the cache already), a mask is needed after all: $n_q$ new queries, $n_k$ kept keys.
Query $i$ stands at position $n_k - n_q + i$. Who makes the mask from the new tokens alone
hides nearly all the past from them.

How would you notice? In lesson 6 we edited a token and watched what moved. The course has
this as one function for *any* model: `dependence(model, x)` edits one input after another,
and tells which outputs moved. It takes a function of tokens or of vectors, or a module of
PyTorch, whose gradients it asks as well.
"""


# %%
def in_two_parts(x, square):
    cache, rows = KVCache(), []
    for new in (x[:4], x[4:]):  # four tokens, then six
        keys, values = cache.append(new, new)
        offset = 0 if square else len(keys) - len(new)
        mask = causal_mask(len(new), len(keys), offset=offset)
        rows.append(
            scaled_dot_product_attention(new, keys, values, mask)
        )
    return np.concatenate(rows)


may_see = causal_mask(10)
for square in (False, True):
    sees = dependence(partial(in_two_parts, square=square), x)
    print(f"square: {square!s:5}", end="  ")
    print("leaks:", (sees & ~may_see).sum(), end="  ")
    print("hidden from", (may_see & ~sees).sum(), "of", may_see.sum())

# %% [markdown]
r"""
The right one shows exactly what a causal mask shows. The square one leaks nothing, so a test
for leaks alone would pass; it is *blind* in 19 places. (Its own query still moves a token, so
its own place counts as seen in all rows but one.) The reference code of Llama [made a
square mask](https://github.com/meta-llama/llama/pull/900) for several tokens with a cache; a
reader of a book found [a mask of one by one](https://github.com/rasbt/LLMs-from-scratch/pull/697)
in its model; and the ONNX standard [counted from the wrong
corner](https://github.com/onnx/onnx/pull/8068).

**A fast path that others do not know.** Two leaks of published code that were found in 2026
have one cause, and it is efficiency. The fast path needs no mask, just a flag that says
*causal*. So nobody makes the mask; and then another path is taken, which ignores the flag.
"""


# %%
def layer(x, return_weights=False):
    if not return_weights:
        return scaled_dot_product_attention(x, x, x, is_causal=True)
    return full(x, x, x)  # the slow path waits for a mask: none came


for return_weights in (False, True):
    model = partial(layer, return_weights=return_weights)
    print(return_weights, (dependence(model, x) & ~may_see).sum())

# %% [markdown]
r"""
Asked for its weights, the layer sees the future: 45 leaks, all there can be. Keras
[had this](https://github.com/keras-team/keras/issues/23038), and in Transformers [a layer with a
bias of its own](https://github.com/huggingface/transformers/issues/48748) made the fast path
believe that a mask had come. (Four other models there [asked for the wrong kind of
mask](https://github.com/huggingface/transformers/issues/48745).) Nothing crashed, and the results
were too good: a perplexity of 5, it says there, where 16 was right. **Test the path that
you run.**

## In short

One head does $4 n^2 d$ operations and holds $n^2$ weights. A mask saves neither. A window saves
both, if what it hides is never computed. The online softmax keeps a maximum and two sums, and
rescales them when the maximum rises; by tiles it saves bytes, and no operation. Linear
attention turns the product around and saves both, and loses recall. A cache of keys and values
saves a model that writes from reading all again, and becomes the largest thing it has to
read. Which of this pays depends on $n$: measure.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| $n$, $d$ | numbers | tokens; components of a head |
| $m$, `peak` | (n_q, 1) | the largest score so far |
| $t$, `total` | (n_q, 1) | the sum of exponentials so far |
| $o$, `output` | (n_q, d_v) | the same sum, times values |
| `rescale` | (n_q, 1) | $e^{m - m'}$, when the maximum rises from $m$ to $m'$ |
| tile | | some keys (and queries) that are computed at once |
| $\varphi$, `phi` | as its input | features, positive, in place of the exponential |
| state | (d, d_v) | what linear attention keeps of the past |
| cache | 2 × (n, d) | keys and values of the past, for each layer and key-value head |
| slope | a number | the power $p$ of a cost that grows as $n^p$ |

## Go deeper

- Milakov and Gimelshein, *Online normalizer calculation for softmax* (2018): four pages.
- Dao, Fu, Ermon, Rudra and Ré, *FlashAttention: Fast and Memory-Efficient Exact Attention with
  IO-Awareness* (2022).
- Katharopoulos, Vyas, Pappas and Fleuret, *Transformers are RNNs* (2020).
- Shazeer, *Fast Transformer Decoding: One Write-Head is All You Need* (2019): why reading the
  cache, not computing, is what takes time.
- Arora et al., *Simple linear attention language models balance the recall-throughput
  tradeoff* (2024).
- Sizes: Radford et al., *Language Models are Unsupervised Multitask Learners* (2019), and the
  published code of GPT-2; Touvron et al., *Llama 2* (2023); Jiang et al., *Mistral 7B* (2023);
  Grattafiori et al., *The Llama 3 Herd of Models* (2024).
- `benchmarks/efficiency.py` measures all of this beside PyTorch.

**Now you:** [the exercises of this lesson](../exercises/14_efficiency.ipynb). Attention is built,
trained, varied and cheap. All the while we looked at its weights and said what the model
looks at. **May we?** That is lesson 15.
"""
