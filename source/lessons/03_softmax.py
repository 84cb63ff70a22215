# %% [markdown]
r"""
# Turn scores into weights

How do scores become weights, and how sharp should they be?

**What you'll build.** `softmax(x, axis=-1, temperature=1.0)`, from a loop to a
form that survives scores of any size, and `entropy`, which says how many keys
have a say.

**What you'll learn.** To derive softmax from what weights must satisfy, to
predict what a shift, a factor and a temperature do to the weights, to choose a
temperature by measurement, and to diagnose a softmax that went over the wrong
axis or out of range.

**What you'll need.** Lessons 1 and 2. The main line takes about 25 minutes, the first
exercise 10 more; with the part for those who want to know more, and all exercises, it is 75.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures
from course_utils.data.look_back import look_back
from course_utils.learner import predict

np.set_printoptions(precision=4, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## Scores that do not divide

A language model turns scores into shares at two places: where a token looks back, and where it
says how likely each next token is. Both go by one formula, and this lesson is about that.

Back to the harbour log, whose five winds are the keys. Of their weather we take one number, how
warm the air is in °C, and call it `air`: *temperature* means something else from here on.
The wind blows from 215°, a little south of southwest.
"""


# %%
def direction(bearing):
    angle = np.radians(bearing)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


names = ["north", "northeast", "east", "south", "west"]
bearings = np.array([0, 45, 90, 180, 270])
key = direction(bearings)  # (n_k, d_k)
air = np.array([6.0, 3.0, 9.0, 21.0, 13.0])  # °C, (n_k,)
query = direction(215)  # (d_k,)
score = key @ query  # (n_k,)
print(score)

# %% [markdown]
r"""
These are scores as lesson 2 left them: any real numbers, here three of them
negative. A blend needs weights, shares of one whole, so the first idea is to divide each
score by the sum of all.
"""

# %%
share = score / score.sum()
for name, s in zip(names, share, strict=True):
    print(f"{name:9} {s:5.2f}")

# %% [markdown]
r"""
The shares sum to 1, and they are absurd. Northeast, the worst match, gets
everything, and south, the best, a *negative* share: the sum of the scores is negative,
so the division turns every sign round. (North and south cancel in the sum, and so do
east and west: northeast is left.)

## What the weights must satisfy

So let us write down our wishes before we choose a formula.

1. **Positive.** Every key has some say, and none a negative one.
2. **Sum 1.** The weights share out one whole, so a blend of equal values is that
   value.
3. **Order kept.** A higher score gets a higher weight.
4. **Only differences count.** The same number added to all scores changes
   nothing.

The fourth may surprise, but a score has no natural zero. Lesson 2 measured the
same match by a dot product and by a distance, and at length 1 the two differ by a constant:
"""

# %%
gaussian = course_utils.gaussian_score(query[None], key)[0]
print(gaussian - score)

# %% [markdown]
r"""
Measured by distance, every score is lower by 1 and says exactly as much about the wind, so both
should give the same weights.

Here are five ways to make shares, each tried on a thousand rows of random scores.
Which wishes does each keep on every row?
"""

# %%
ways = {
    "divide": lambda x: x / x.sum(),
    "square, divide": lambda x: x**2 / (x**2).sum(),
    "less the smallest, divide": lambda x: (
        (x - x.min()) / (x - x.min()).sum()
    ),
    "ln(1 + eˣ), divide": lambda x: (
        np.log1p(np.exp(x)) / np.log1p(np.exp(x)).sum()
    ),
    "eˣ, divide": lambda x: np.exp(x) / np.exp(x).sum(),
}


# %%
def wishes(way, x):
    weight = way(x)
    order = np.array_equal(np.argsort(weight), np.argsort(x))
    shift = np.allclose(way(x + 1), weight)
    return (weight > 0).all(), np.isclose(weight.sum(), 1), order, shift


many = np.random.default_rng(0).normal(size=(1000, 5))
print(f"{'':26} positive  sum 1  order  differences")
for name, way in ways.items():
    kept = np.all([wishes(way, x) for x in many], axis=0)
    said = ["yes" if k else "no" for k in kept]
    print("{:26} {:9} {:6} {:6} {}".format(name, *said))

# %% [markdown]
r"""
Only the exponential keeps all four. The third way fails because its smallest weight is always
0; the fourth, a smooth curve that is positive and rises, because adding 1 to every score
changes its weights.

## Why just the exponential

Is it the only one there *is*? One more wish settles that: **no bystanders.** How
much more weight south gets than west should depend on the scores of south and west
alone. Take northeast out of the log, and see whether their ratio moves.
"""

# %%
for name in ("less the smallest, divide", "eˣ, divide"):
    whole = ways[name](score)
    fewer = ways[name](np.delete(score, 1))  # northeast is left out
    ratios = whole[3] / whole[4], fewer[2] / fewer[3]
    print("{:26} {:.3f} {:.3f}".format(name, *ratios))

# %% [markdown]
r"""
With "less the smallest" the ratio of south to west changes because a third wind left; with the
exponential it stays. Now put the wishes together. The ratio of two weights depends on the two
scores, and of those on their difference only: call it $r(x_i - x_j)$, the same for every pair.
Three keys give

$$\frac{w_1}{w_3} = \frac{w_1}{w_2} \cdot \frac{w_2}{w_3},
\qquad\text{so}\qquad r(a + b) = r(a) \cdot r(b).$$

A sum of differences goes in, a product comes out. With $c$ for $r(1)$
we have $r(2) = c^2$, $r(3) = c^3$, and $r(\tfrac12) = \sqrt c$, because two halves make 1;
every fraction follows in the same way, and as the order is kept, nothing else
fits in between. So $r(a) = c^a$ with some $c$ above 1, and each weight is
proportional to $c^{\text{score}}$. **The wishes leave the exponential, and one free
number, its base $c$.**

> That the ratio of two shares should not depend on what else is on offer is known
> as the choice axiom of R. Duncan Luce (1959), who used it to describe how people
> choose. It can be the wrong wish: *sparsemax* (Martins and Astudillo, 2016) gives
> it up, along with wishes 1 and 3, to gain weights that are exactly 0.

## Softmax, as a loop and as a matrix

With the base $e$ the formula is called **softmax**:

$$w_i = \frac{e^{x_i}}{\sum_j e^{x_j}} .$$

As a loop, for one row of scores:
"""


# %%
def softmax_loop(x):
    total = 0.0
    for s in x:
        total += np.exp(s)
    return np.array([np.exp(s) / total for s in x])


print(softmax_loop(score))

# %% [markdown]
r"""
South gets 0.42, west 0.33, and even northeast has 0.07: these weights are rather flat.

Several queries give one row of scores each. Then `axis` says along which axis the
weights sum to 1. Scores have the shape $(n_q, n_k)$, and each query shares out its
own weights over the keys, so it is the last axis, −1.
"""


# %%
def softmax(x, axis=-1):
    weight = np.exp(x)
    return weight / weight.sum(axis=axis, keepdims=True)


queries = direction(np.array([0, 100, 215]))  # (n_q, d_k)
scores = queries @ key.T  # (n_q, n_k)
print(softmax(scores))  # each row sums to 1

# %% [markdown]
r"""
The last row is the one that the loop returned. `keepdims=True` keeps the sums as a
column, so that each row is divided by its own. `course_utils` does the same:
"""

# %%
by_loop = np.array([softmax_loop(row) for row in scores])
print(np.allclose(by_loop, softmax(scores)))
print(np.allclose(by_loop, course_utils.softmax(scores)))

# %% [markdown]
r"""
## Predict first

The scores 0, 1 and 2 get the weights 0.09, 0.24 and 0.67. Adding a number to all of them changes
nothing. What if you *double* all scores?
"""

# %%
guess = predict(
    "03 all scores doubled",
    "nothing: the proportions of the scores are the same",
    "every weight doubles, before the division undoes it",
    "the largest weight grows, the others shrink",
    "the weights move closer together",
)
guess

# %%
x = np.array([0.0, 1.0, 2.0])
print(softmax(x))
print(softmax(2 * x))
guess.reveal(right=2)

# %% [markdown]
r"""
Only differences count, and doubling the scores doubles them. Each step of 1 was worth a
factor $e$ and is now worth $e^2$, so the weights are sharper: the largest goes from 0.67
to 0.87, the two others lose.

## How sharp: the temperature

The free base $c$ of the derivation is exactly this choice. Written as $c = e^{1/T}$, it
makes $c^{x} = e^{x/T}$, and softmax gets a second argument, the **temperature** $T$:

$$w_i = \frac{e^{x_i / T}}{\sum_j e^{x_j / T}} .$$

You can read $T$ in the units of the scores: **a key whose score is lower by $T$ gets
$1/e$ of the weight**, a little more than a third. The sharpness of lesson 1 was
$1/T$: sharpness 4 is a temperature of 0.25.
"""


# %%
def softmax(x, axis=-1, temperature=1.0):
    weight = np.exp(x / temperature)
    return weight / weight.sum(axis=axis, keepdims=True)


weight = np.exp(4 * score)  # as in lesson 1
print(weight / weight.sum())
print(softmax(score, temperature=0.25))

# %% [markdown]
r"""
The same weights: 0.72 for south, 0.27 for west. Now from hot to cold.
"""

# %%
for T in (100, 1, 0.25, 0.1, 0.01):
    print(f"{T:6} {softmax(score, temperature=T)}")
print(course_utils.hard_attention(score))

# %% [markdown]
r"""
At $T = 100$ every score is nearly the same, measured in units of $T$, and each of the five keys
gets a fifth: the query does not matter. At $T = 0.01$ nearly all is on south, and the row prints
like that of `hard_attention`, which gives weight 1 to the best score: the hard lookup of lesson 1.
**Softmax runs between two extremes: the plain mean as $T$ grows, the hard lookup as $T$ goes to
0.** One difference stays: two equal best scores share the weight at every temperature, where a hard
choice has to take one of them.
"""

# %%
tie = np.array([1.0, 1.0, 0.0])
print(softmax(tie, temperature=0.01))
print(course_utils.hard_attention(tie))

# %% [markdown]
r"""
## How many keys have a say

Five weights are hard to take in at a glance. One number says how spread out they
are, the **entropy** (Shannon, 1948):

$$H = -\sum_i w_i \ln w_i .$$

A key with weight 1 adds nothing, because $\ln 1 = 0$, and neither does one with
weight 0: $0 \ln 0$ counts as 0. Spread evenly over $n$ keys, every $\ln w_i$ is
$-\ln n$, and $H = \ln n$. So $e^H$ is the number of equal weights that would be just
as spread out: the **keys in effect**.
"""


# %%
def entropy_loop(weight):
    total = 0.0
    for w in weight:
        if w > 0:
            total -= w * np.log(w)
    return total


for even in (np.ones(1), np.ones(2) / 2, np.ones(5) / 5):
    print(len(even), round(np.exp(entropy_loop(even)), 6))

# %% [markdown]
r"""
Without a loop, `np.where` puts a harmless 1 in the place of a weight of 0,
so that no logarithm of 0 is taken.
"""


# %%
def entropy(weight, axis=-1):
    safe = np.where(weight > 0, weight, 1.0)
    return -(weight * np.log(safe)).sum(axis=axis)


weight = softmax(score, temperature=0.25)
print(round(np.exp(entropy(weight)), 2))
print(np.isclose(entropy(weight), entropy_loop(weight)))
print(np.isclose(entropy(weight), course_utils.entropy(weight)))

# %% [markdown]
r"""
Not quite two keys in effect, for a wind between south and west: that fits.

## From temperature to text

What comes out of a language model are scores, one for each token that may come next, called
**logits**. Softmax turns them into chances, and the next token is drawn by these chances. Here are
the five likeliest after "looked", in the prologue's sentence, without all others. Only the
chances were recorded. The logarithm of a chance is its logit minus a number, the same for all,
which by wish 4 changes nothing:
"""

# %%
looks = look_back()["nothing"]
chances = looks[7].following  # after "looked"
logits = np.log(list(chances.values()))  # up to a shift
rng = np.random.default_rng(0)
for T in (0.2, 1.0, 5.0):
    share = softmax(logits, temperature=T)
    drawn = rng.choice(list(chances), size=8, p=share)
    print(f"T = {T}: out {share[0]:.2f}, drawn:{''.join(drawn)}")
effect = np.exp(entropy(looks[-1].row))
print(f"from the last V: {effect:.2f} of {len(looks[-1].row)} keys")

# %% [markdown]
r"""
> **In a language model.** The temperature that programs offer for writing is this $T$. Cold, the captain
> always "looked out"; hot, the text takes roads that the model thinks unlikely. It changes what is
> drawn, not what was computed. Inside, each token's scores go through softmax too, with no
> knob: from the last "V" little more than one key is in effect, because learning made that score
> so much higher than the rest.

## Turn the temperature

Move the slider from left to right; each step makes $T$ about 12 % larger. Look for:

- **left**: each wind is a bar that hangs at the height of its score and is as long
  as its weight. The curve is the exponential: the weight that any score would get.
  When does it have a sharp bend, when is it straight?
- **middle**: how many keys have a say. Where does the curve linger near 2, and why?
- **right**: the forecast goes from 21 °C down. Where does it end?
"""

# %%
slider = figures.log_slider(0.01, 10, start=0.25, label="temperature T")
hot = np.array([T for _label, T in slider.options])
rows = np.array(
    [course_utils.softmax(score, temperature=T) for T in hot]
)
effect = {"keys in effect": np.exp(course_utils.entropy(rows))}
forecast = {"air": rows @ air}
look = {"xticks": (0.01, 0.1, 1, 10), "logarithmic": True}
across = "temperature T"
say_look = {"title": "How many have a say", "axes": (across, "keys")}
air_look = {"title": "Forecast", "axes": (across, "°C")}


# %% tags=["hide-input"]
def sharpen(T):
    weight = course_utils.softmax(score, temperature=T)
    any_score = np.linspace(-1.1, 1.1, 441)
    worth = weight.max() * np.exp((any_score - score.max()) / T)
    curve = any_score, worth
    bars = figures.shares(
        score, weight, names, curve=curve, title="Worth of a score"
    )
    say = figures.curves(hot, effect, at=T, **look, **say_look)
    blend = figures.curves(hot, forecast, at=T, **look, **air_look)
    n, warm = np.exp(course_utils.entropy(weight)), weight @ air
    caption = f"T = {T:g}: {n:.1f} keys in effect, {warm:.1f} °C"
    return figures.beside(bars, say, blend, caption=caption)


figures.panel(sharpen, T=slider)

# %% [markdown]
r"""
Cold, the curve runs along the axis and bends at the top: only the very best score is
worth anything. Hot, it is nearly a straight upright line: all scores are worth the
same. $T$ decides which differences between scores count as large.

The number of keys lingers near 2, because south and west have scores close
together (0.82 and 0.57) and far above the rest: a temperature can be large
against the 0.25 between them and yet small against the 1.15 from west down to east. The
forecast goes from 21 °C, the value of south alone, towards the mean of all five.
"""

# %%
for T in (0.01, 0.1, 0.25, 1.0, 10.0):
    print(sharpen(T).caption)
print("mean of all five:", air.mean())

# %% [markdown]
r"""
## When the scores are large

There is a trap in our function, because exponentials grow fast. Every kind of float has a largest one,
and what lies beyond is `inf`. The search below halves an interval until it has
found the largest score at which our softmax still returns numbers.
"""


# %%
def largest_score(dtype):
    low, high = 0.0, 1000.0
    while high - low > 0.001:
        middle = (low + high) / 2
        x = np.array([middle, 0.0], dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            fine = np.isfinite(softmax(x)).all()
        low, high = (middle, high) if fine else (low, middle)
    return low


for dtype in (np.float16, np.float32, np.float64):
    most = float(np.finfo(dtype).max)  # the largest number
    found = largest_score(dtype)
    print(
        dtype.__name__, f"{found:7.2f} {np.log(most):7.2f} {most:.1e}"
    )

# %% [markdown]
r"""
The columns are the largest score, the logarithm of the largest number, and that
number. In float32 a score of 89 is too much; in float64 one of 710; in float16 even
12. Beyond the logarithm $e^x$ is `inf`, and `inf / inf` is `nan`, not a number. Scores of that
size are not rare: divided by a temperature of 0.01, a score of 0.9 is 90.

The way out is wish 4: subtract the maximum of each row first. Then no exponential exceeds 1,
and the sum is at least 1, so the division is safe as well.
"""


# %%
def softmax(x, axis=-1, temperature=1.0):
    below = x - x.max(axis=axis, keepdims=True)  # at most 0
    weight = np.exp(below / temperature)
    return weight / weight.sum(axis=axis, keepdims=True)


print(softmax(np.array([1000.0, 1001.0, 1002.0])))
print(softmax(np.array([0.0, 1.0, 2.0])))

# %% [markdown]
r"""
That is the whole function: the scores 1000, 1001 and 1002 have the weights of 0, 1 and 2. Where
the naive form works as well, the maximum must make no difference. On ten thousand rows:
"""

# %%
rows = 10 * np.random.default_rng(0).normal(size=(10_000, 20))
print(f"scores up to {rows.max():.0f}")
naive = np.exp(rows) / np.exp(rows).sum(axis=-1, keepdims=True)
print(np.allclose(naive, softmax(rows), rtol=1e-12, atol=0))
print(
    np.allclose(softmax(rows), course_utils.softmax(rows), rtol=1e-12)
)

# %% [markdown]
r"""
The two forms are equal to twelve digits, so subtract the maximum always.

## Where it goes wrong

**The wrong axis.** A user of a library for PyTorch, in which many models are written, reports that
an attention layer returns the weight [1 for every key, whatever goes
in](https://github.com/PetrochukM/PyTorch-NLP/issues/2): its softmax went over the first axis. Here
is the same, with one query:
"""

# %%
one = score[None]  # (1, n_k)
wrong = softmax(one, axis=0, temperature=0.25)
print(wrong, wrong @ air)

# %% [markdown]
r"""
Each key shares out its weight among the queries, of which there is only one, and the forecast is
the sum of the column, 52 °C. With three queries it is harder to see:
"""

# %%
for axis in (-1, 0):
    weights = softmax(scores, axis=axis, temperature=0.25)
    sums = weights.sum(axis=-1)
    print(f"axis {axis:2}  row sums {sums}  air {weights @ air}")

# %% [markdown]
r"""
Nothing raises an error, the shape is right, and every weight lies between 0 and 1.
What gives it away are the row sums. In a set of annotated
implementations, an image model had its softmax [on the wrong
axis](https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/146).
A maintainer called it a big bug; the reader who found it trained both, and saw no difference
in the images, and later slightly better ones with the bug. So do not wait for training to tell you, but check the sums, with $n_q$ and $n_k$ different.

**One maximum for all rows.** Wish 4 speaks of one row, which may be shifted by a
number of its own. Subtract the maximum of the whole array instead, and a row that
lies far below it vanishes.
"""

# %%
x = np.array([[0.0, 1.0, 2.0], [-1000.0, -999.0, -998.0]])
with np.errstate(invalid="ignore"):
    weight = np.exp(x - x.max())
    print(weight / weight.sum(axis=-1, keepdims=True))
print(softmax(x))

# %% [markdown]
r"""
The second row is $e^{-1000}$ and smaller, which is 0 in float64, and 0 divided by 0
is `nan`. With its own maximum it has the weights of the first. A change to Keras, a
library, subtracted (for some axes) one maximum from everything, and a reader
[answered](https://github.com/keras-team/keras/pull/9606): better the maximum of each
vector. Test with rows that lie far apart.

## In short

Weights that are positive, sum to 1, keep the order, depend on differences only and
ignore bystanders must be exponentials, divided by their sum: softmax. The one choice
left is the temperature: a score lower by $T$ gets $1/e$ of the weight. Cold, softmax
is the hard lookup; hot, the plain mean; $e^H$ says how many keys have a say. Subtract the
maximum of each row first, and sum over the keys.

**Now you:** [the exercises of this lesson](../exercises/03_softmax.ipynb). After them
you can turn any scores into weights. What can a blend by such weights be, and what can it
never be? That is the question of [lesson 4](04_weighted_sum.ipynb).
"""

# %% [markdown]
r"""
## For those who want to know more: is there one best temperature?

In the last part of lesson 1 the vane trembled, and sharpness $1/\text{noise}^2$ did best: a
temperature of $\text{noise}^2$. But the true wind was always one of the five in the log. Suppose that
it comes from *anywhere*, and that the true air between two winds of the log lies on a straight line
between their values. Is $T = \text{noise}^2$ still best?

It might be, as the noise is the same, and so is the doubt about the query. Or a wind from between
two keys *needs* a blend, whatever the noise.
"""

# %%
temperatures = np.geomspace(0.01, 10, 41)


def errors(anywhere, noise, seed):
    rng = np.random.default_rng(seed)
    somewhere = rng.uniform(0, 360, size=1000)
    bearing = somewhere if anywhere else rng.choice(bearings, 1000)
    true = np.interp(bearing, bearings, air, period=360)
    query = direction(bearing) + noise * rng.normal(size=(1000, 2))
    score = query @ key.T  # (1000, n_k)
    blends = [softmax(score, temperature=T) @ air for T in temperatures]
    return np.sqrt(np.mean((np.array(blends) - true) ** 2, axis=1))


# %%
noises = np.array([0.0, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0])
worlds = {"winds of the log": False, "winds from anywhere": True}
error = {}
for name, anywhere in worlds.items():
    runs = [
        [errors(anywhere, s, seed) for seed in range(8)] for s in noises
    ]
    error[name] = np.array(runs)  # (noises, seeds, temperatures)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for name, e in error.items():
    at = e[1]  # noise 0.2: (seeds, temperatures)
    left.errorbar(
        temperatures, at.mean(0), at.std(0), errorevery=4, label=name
    )
    best = temperatures[e[1:].argmin(axis=-1)]  # (noises, seeds)
    middle = np.median(best, axis=1)
    reach = [middle - best.min(axis=1), best.max(axis=1) - middle]
    right.errorbar(noises[1:], middle, reach, capsize=3, label=name)
right.plot(noises[1:], noises[1:] ** 2, "k:", zorder=5, label="noise²")
left.set(title="Noise 0.2", xlabel="temperature T", xscale="log")
left.set(ylabel="error of the air (RMS, °C)", ylim=(0, 7))
right.set(title="Best temperature", xlabel="noise of the vane")
right.set(ylabel="T with the smallest error", yscale="log")
left.legend(loc="upper left")
_ = right.legend(loc="lower right")

# %% [markdown]
r"""
Left, at a noise of 0.2, the mean error over eight seeds, with small bars of one standard deviation.
Too cold takes one row of the log for the whole truth, too hot forgets the vane; but the two
valleys lie apart. Right, the bottom of the valley for each noise, as the median over the
seeds, with bars from the smallest to the largest. In numbers:
"""

# %% tags=["hide-input"]
step = temperatures[1] / temperatures[0]
print(f"each temperature is {step:.2f} times the one before")
print("noise  noise²  best T: log  anywhere")
for i, s in enumerate(noises):
    best = [
        np.median(temperatures[e[i].argmin(axis=-1)])
        for e in error.values()
    ]
    said = "     " if i == 0 else f"{best[0]:5.3f}"
    print(f"{s:5.1f} {s**2:7.2f} {said:>12} {best[1]:9.2f}")

# %% [markdown]
r"""
- **Winds of the log.** The best temperature follows $\text{noise}^2$ all the way, to
  within a step of our temperatures, as lesson 1 said. (Without noise it has no entry:
  there the error goes to 0 with $T$, and colder is never worse.)
- **Winds from anywhere.** The best temperature is higher at every noise we tried, and
  does not go to 0 with the noise, but stops near 0.38. At a noise of 0.2 that is
  about nine times $\text{noise}^2$; at 2.0 the two are less than a step apart.
- So **there is no one best temperature**: it depends on how far the query can be
  trusted *and* on what lies between the keys.
"""

# %%
for name, e in error.items():
    cold, best = e[0, :, 0], e[0].min(axis=-1)
    print(f"{name:20} T = 0.01: {cold.mean():.2f} °C,", end=" ")
    print(f"best T: {best.mean():.2f} ± {best.std():.2f} °C")

# %% [markdown]
r"""
Without any noise, the lookup at $T = 0.01$ makes no error on winds of the log, and
one of 2.35 °C on winds from anywhere, where the best temperature more than halves
it.

Mind what was put in: the straight lines between the winds are our own
assumption, and kind to blends; there are five keys, one temperature for
every query, and both worlds are invented. In a model, the temperature is part of how
queries and keys are learnt: long queries make large scores, and large scores are a
low temperature.
"""

# %% [markdown]
r"""
## Symbols and names

| name | shape | meaning |
|---|---|---|
| `score`, `scores` | (n_k,) or (n_q, n_k) | how well keys match: any real numbers |
| `weight`, `weights` | like the scores | positive, sums to 1 over the keys |
| `x` | any | what goes into softmax; in a model that writes: logits |
| `axis` | an integer | the axis along which the weights sum to 1 |
| `temperature`, $T$ | a number > 0 | the difference of scores that is worth a factor $e$; 1 / sharpness |
| `entropy`, $H$ | one axis fewer | how spread out weights are, from 0 to $\ln n$ |
| $e^H$ | like $H$ | keys in effect, from 1 to $n$ |

## Go deeper

- Bridle, *Probabilistic Interpretation of Feedforward Classification Network
  Outputs* (1990): the normalised exponential under the name *softmax*; with squared
  distances in place of dot products its weights are probabilities under Gaussians.
- Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network* (2015):
  softmax with a temperature, where a higher one gives a softer distribution.
- Shannon, *A Mathematical Theory of Communication* (1948): entropy.
- Luce, *Individual Choice Behavior* (1959): the choice axiom.
- Martins and Astudillo, *From Softmax to Sparsemax* (2016): weights that can be
  exactly 0.
- Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax
  functions* (2021): overflow, underflow and rounding; the formulas are about as
  accurate with the maximum subtracted.
- Veličković, Perivolaropoulos, Barbero and Pascanu, *Softmax is not Enough (for
  Sharp Size Generalisation)* (2025): as the number of keys grows, what was learnt to
  be sharp must spread out; they propose a temperature that adapts.
"""
