# %% [markdown]
r"""
# Mix values by weight

What can a weighted sum express, and what can it not?

**What you'll build.** `attend(weights, value)`, the last step of attention, and
`nadaraya_watson`, which predicts a height from heights measured nearby: attention
with places on a mountain as queries and keys.

**What you'll learn.** To compute a weighted sum as a loop and as one matrix
product, to decide which answers are within reach of the values, to predict what a wide
Gaussian does to a mountain, and to diagnose a sum over the wrong axis.

**What you'll need.** Lessons 1 to 3. The main line takes about 20 minutes, the first
exercise 6 more; with the part for those who want to know more, and all exercises, it is 75.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import figures, gaussian_score, softmax
from course_utils.data.look_back import look_back
from course_utils.data.terrain import landscape
from course_utils.learner import predict

np.set_printoptions(precision=4, suppress=True)
figures.use_style()

# %% [markdown]
r"""
## A forecast that never comes

Lesson 2 scored the keys, lesson 3 made weights of the scores. What remains looks
too easy to deserve a lesson: add the values up, each times its weight. But all that a token
of a language model ever learns from others comes through this one step, and what it cannot
say, no choice of weights can say.

Here is the harbour log once more, with two numbers of the weather only, so that we can draw
them: the air in °C and the rain in mm.
"""


# %%
def direction(bearing):
    angle = np.radians(bearing)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


names = ["north", "northeast", "east", "south", "west"]
wind = direction(np.array([0, 45, 90, 180, 270]))  # the keys
weather = np.array([[6, 1], [3, 0], [9, 0], [21, 2], [13, 8]])

# %% [markdown]
r"""
The coldest entry is northeast with 3 °C, the warmest south with 21 °C. Turn the
wind through all bearings, at several temperatures $T$ of the softmax. How cold
and how warm can the forecast get?
"""

# %%
around = direction(np.arange(360))  # 360 queries
for T in (1.0, 0.25, 0.05, 0.01):
    weights = softmax(around @ wind.T, temperature=T)  # (360, 5)
    air = weights @ weather[:, 0]
    print(f"T = {T:4}: from {air.min():5.2f} to {air.max():5.2f} °C")

# %% [markdown]
r"""
A colder softmax comes closer to 3 and 21 °C, and at $T = 0.01$ touches them, to two decimals,
but it never goes beyond: no query and no temperature will ever forecast frost in this
harbour. The reason takes one line. Let $v_j$ be the air of row $j$ and $w_j$ its weight. Weights
are not negative and sum to 1, so

$$\sum_j w_j v_j \;\le\; \sum_j w_j \max_i v_i \;=\; \max_i v_i ,$$

and in the same way the sum is never below the smallest value. **A weighted sum
lies between the values that it mixes.**

## Predict first

That holds for each column by itself, but for both together? The air in
the log runs from 3 to 21 °C, the rain from 0 to 8 mm. With weights that
sum to 1, none negative, which of these forecasts can you mix from the five rows?
"""

# %%
guess = predict(
    "04 which forecast can be mixed",
    "9 °C with 4 mm, but not 20 °C with 7 mm",
    "20 °C with 7 mm, but not 9 °C with 4 mm",
    "both: all four numbers are in range",
    "neither: the log has no such rows",
)
guess

# %% [markdown]
r"""
For the first forecast, try half west and half something dry of 5 °C, which is two
parts northeast and one part east. For the second, lay a **ruler** along the data:
read each row as one number, $0.6 \cdot \text{air} + 0.8 \cdot \text{rain}$.
"""

# %%
ruler = np.array([0.6, 0.8])
print("a mix:", np.array([0, 1 / 3, 1 / 6, 0, 1 / 2]) @ weather)
print("five rows on the ruler:", weather @ ruler)
print("20 °C with 7 mm:", np.round(np.array([20, 7]) @ ruler, 1))
guess.reveal(right=0)

# %% [markdown]
r"""
The first forecast is a mix, the second is not, as the ruler proves: the reading
of a mix is the mix of the readings, so it lies between them, and no row reads more than
14.2, but 20 °C with 7 mm reads 17.6. (South and west read the same: this ruler stands at
a right angle to the line that joins them.)

Warm air *and* heavy rain are each in the log, but never together. To come near
21 °C almost all the weight must go to south, and south is nearly dry. All mixes
together form the **convex hull** of the values: what a rubber band encloses when
you stretch it around the five points and let go.
"""

# %%
rng = np.random.default_rng(0)
mixes = rng.dirichlet(np.full(5, 0.4), size=2000) @ weather
turn = softmax(around @ wind.T, temperature=0.25) @ weather
fig, axes = plt.subplots(figsize=(7.2, 4))
axes.plot(*mixes.T, ".", color="#B8B8B8", ms=2, label="random weights")
axes.plot(*turn.T, label="every wind, T = 0.25")
axes.plot(*weather.T, "o", color=figures.VERMILION, label="the log")
shifts = (-38, 4), (-64, 4), (4, -14), (6, 7), (6, 7)
for name, at, shift in zip(names, weather, shifts, strict=True):
    axes.annotate(name, at, shift, textcoords="offset points")
axes.plot(20, 7, "kx", ms=9, mew=2, label="20 °C with 7 mm")
axes.set(xlabel="air (°C)", xlim=(-1, 23))
axes.set(ylabel="rain (mm)", ylim=(-1, 9.3))
_ = axes.legend(loc="upper left")

# %% [markdown]
r"""
Two thousand mixes with random weights (`dirichlet` draws positive shares with sum 1) fill a
polygon with the corners northeast, east, south and west, and no dot lies outside. North
is inside: its weather is itself a mix of the others; the cross is far out.

The blue loop is what the winds of a soft lookup can say, at one temperature. It stays
in the hull, and is only a thin line in it: the query has one bearing to turn, and
that fixes all five weights. So there are two limits: **the values decide what
can be said at all; the queries and keys decide how much of that is ever said.**

What does the prologue's head mix, from the last "V", as it stands and with the name blotted out?
"""

# %%
looks = look_back()
for blotted in ("nothing", "2 Vexolin"):
    end = looks[blotted][-1]
    most = end.row.argmax()
    print(
        f"{blotted:9} {end.row[most]:.2f} {end.pieces[most].strip()!r}"
    )

# %% [markdown]
r"""
> **In a language model.** As it stands, the mix is nearly the value of "ex" alone, a vector that leads
> on to "ex". What weights cannot be is *all 0*, for they sum to 1. Without the name there is nothing to
> find, and the head must still give its weight to something, here to the very first token. Such a
> resting place is called an **attention sink** ([lesson 16](16_encoder.ipynb)).

## As a loop, and as a matrix

Several queries have one row of weights each, and each of them gets a sum of all values:

$$\text{output}_i = \sum_j \text{weights}_{ij} \, \text{value}_j .$$
"""


# %%
def attend_loop(weights, value):
    output = np.zeros((len(weights), value.shape[1]))
    for i in range(len(weights)):
        for j in range(len(value)):
            output[i] += weights[i, j] * value[j]
    return output


three = direction(np.array([0, 100, 225]))  # (n_q, d_k)
weights = softmax(three @ wind.T, temperature=0.25)  # (n_q, n_k)
print(attend_loop(weights, weather))

# %% [markdown]
r"""
Three winds, three rows of weather: the last is the halfway wind of lesson 1, and
16.96 °C is its forecast there. The index $j$ of the keys is summed away, and $i$ remains. That is
the pattern of a matrix product: shape (n_q, n_k) times (n_k, d_v) is (n_q, d_v).
"""


# %%
def attend(weights, value):
    return weights @ value  # (n_q, d_v): the axis of the keys is gone


by_loop = attend_loop(weights, weather)
print(np.allclose(attend(weights, weather), by_loop))
print(np.allclose(course_utils.attend(weights, weather), by_loop))

# %% [markdown]
r"""
The product does not ask whether the weights sum to 1; the softmax before it sees to that.

## Values that were measured

The harbour's log is invented, so nobody can say whether a forecast is *right*. Now
take values that were measured: heights of real mountains, taken by radar from a space shuttle
in February 2000 (Farr et al., 2007). Matplotlib, which draws our figures, has a piece of
these data, and `landscape` reads it, places in kilometres.
"""

# %%
east, north, height = landscape()
row = len(height) // 2  # the middle row of the map
fig, axes = plt.subplots(figsize=(7.2, 4.2))
extent = (0, east[-1], 0, north[0])
shade = axes.imshow(height[::3, ::3], extent=extent, cmap="cividis")
axes.axhline(north[row], color="white", linewidth=2)
axes.set(xlabel="east (km)", ylabel="north (km)")
axes.grid(visible=False)
_ = fig.colorbar(shade, label="height (m)")
step, length = 1000 * east[1], east[-1]
print(f"{len(east)} heights, {step:.0f} m apart, over {length:.0f} km")

# %% [markdown]
r"""
Low land is dark, the mountains are light. We walk along the white line from west to east: 30 km,
with a radar height every 74 m, which we take as the truth.

A surveyor has only a pocket altimeter. At 60 places of the line, drawn at random, she notes
the height, and her altimeter errs: to each height we add a random error with a standard
deviation of 50 m. The mountain is real, her errors are invented.
"""

# %%
rng = np.random.default_rng(0)
true = height[row]  # (403,)
chosen = np.sort(rng.choice(len(true), 60, replace=False))
key = east[chosen, None]  # (n_k, 1): where she was, in km
value = (true[chosen] + rng.normal(0, 50, 60))[:, None]  # (n_k, 1)
print("measured from", *np.round([value.min(), value.max()]), "m")
print("true     from", true.min(), true.max(), "m")

# %% [markdown]
r"""
What is the height at 12 km, where she did not stop? Ask as in the harbour: the
**query** is the place, the **keys** are the places that she measured, the
**values** are the heights she noted. A place close by should weigh more, so the
score is the Gaussian one of lesson 2, whose width is now called the **bandwidth**,
$h$, in km:

$$\text{score}_j = -\frac{(q - k_j)^2}{2h^2} .$$

Softmax and the weighted sum do the rest. As a loop, for one query:
"""


# %%
def nadaraya_watson_loop(q, key, value, bandwidth):
    total, mix = 0.0, 0.0
    for k, v in zip(key, value, strict=True):
        weight = np.exp(-np.sum((q - k) ** 2) / (2 * bandwidth**2))
        total += weight
        mix += weight * v
    return mix / total


print(nadaraya_watson_loop(12.0, key, value, bandwidth=0.5))

# %% [markdown]
r"""
For all queries at once it is the three steps of three lessons, one a line:
"""


# %%
def nadaraya_watson(query, key, value, bandwidth):
    scores = gaussian_score(query, key, bandwidth)  # (n_q, n_k)
    weights = softmax(scores)
    return attend(weights, value)  # (n_q, d_v)


query = np.array([[5.0], [12.0], [20.0]])  # (n_q, 1)
loop = [nadaraya_watson_loop(q, key, value, 0.5) for q in query]
matrix = nadaraya_watson(query, key, value, 0.5)
general = course_utils.nadaraya_watson(query, key, value, 0.5)
print(np.allclose(loop, matrix), np.allclose(loop, general))
print("estimate", matrix[:, 0].round())
print("true    ", np.interp(query[:, 0], east, true).round())

# %% [markdown]
r"""
All three agree with each other, and less with the mountain: at 20 km the estimate is 1 m off,
but at 12 km, on the steep slope below a summit, 76 m too low.

This is **kernel regression**, which Nadaraya and Watson both proposed in 1964: an
average of the values nearby, weighted by a **kernel**, a bump that falls off with distance, here the
Gaussian. Tsai et al. (2019) describe the attention of transformers as such a
smoother, with the likeness of inputs as its kernel.

> In the terms of lesson 3, the score is $-(q-k)^2/2$ and the temperature is $h^2$.
> A wide kernel is a hot softmax.

## Which bandwidth?

The surveyor has to choose $h$, and does not know the truth. She could let the estimate predict
her own 60 measurements, and take the root of the mean square error, in m.
"""


# %%
def rms(difference):
    return np.sqrt(np.mean(difference**2))


for h in (0.01, 0.1, 0.5, 2.0):
    own = rms(nadaraya_watson(key, key, value, h) - value)
    print(f"bandwidth {h:4} km: {own:5.1f} m")

# %% [markdown]
r"""
The narrower, the better, down to no error at all, for each measured place is its own
nearest key, and gets back its own value, error and all. So **leave it out**: predict each
measurement from the 59 others. `course_utils.leave_one_out` does it, and the last part of this
lesson says how.

## Move the bandwidth

Below, the query stands on the summit of the line. Move the slider from left to right, and watch:

- the **dots**: as the bandwidth grows, how many measurements have a say?
- the **blue curve**: when does it jump, when does it forget the mountain? Does it ever
  get outside the orange lines, the lowest and the highest value?
- **right**: where is each of the two errors smallest?
"""

# %%
summit = int(true.argmax())
bandwidths = np.geomspace(0.1, 10, 41)
errors = {"left out": [], "own included": []}
for h in bandwidths:
    left_out = course_utils.leave_one_out(key, value, h)
    errors["left out"].append(rms(left_out - value))
    own = nadaraya_watson(key, key, value, h)
    errors["own included"].append(rms(own - value))

# %%
line = {"key": key[:, 0], "value": value[:, 0], "title": "Heights"}
line |= {"x": east, "at": east[summit], "xticks": range(0, 31, 5)}
line |= {"axes": ("place (km)", "height (m)")}
look = {"title": "RMS error at her 60 places", "logarithmic": True}
look |= {"axes": ("bandwidth (km)", "m"), "xticks": (0.1, 1, 10)}
here = east[summit : summit + 1, None]  # one query


# %% tags=["hide-input"]
def survey(h):
    weights = softmax(gaussian_score(here, key, h))[0]
    estimate = nadaraya_watson(east[:, None], key, value, h)[:, 0]
    lines = {"estimate": estimate, "true height": true}
    heights = figures.samples(weights=weights, lines=lines, **line)
    error = figures.curves(bandwidths, errors, at=h, **look)
    n = np.exp(course_utils.entropy(weights))
    said = f"{estimate[summit]:.0f} m at the summit, {n:.1f} keys"
    caption = f"Bandwidth {h:g} km: {said} in effect"
    return figures.beside(heights, error, caption=caption)


h = figures.log_slider(0.1, 10, start=0.5, label="bandwidth h (km)")
figures.panel(survey, h=h)

# %% [markdown]
r"""
Narrow, the nearest measurement decides alone, and the estimate is a staircase that
believes each error of the altimeter. Wide, the mountain melts away towards the mean. In
between, a handful of neighbours average their errors out.

The error with its own value included falls all the way to the left, and cannot
choose; the error of leaving out has a valley. And at no bandwidth does the blue curve cross
the orange lines.
"""

# %%
for h in (0.1, 0.5, 2.0, 10.0):
    print(survey(h).caption)
best = bandwidths[np.argmin(errors["left out"])]
print(f"valley at {best:.2f} km, {min(errors['left out']):.0f} m")
print(f"summit {true.max():.0f} m, highest value {value.max():.0f} m")

# %% [markdown]
r"""
The summit is 927 m high, but nobody measured more than 904 m, so no weighted sum of
these measurements can say 927, whatever the weights. A straight line drawn on
through the last points before it could. **Mixing interpolates; it does not extrapolate.**

> The way out is not in the weights. Models put the *values* through learnt
> functions first, and the mix through others afterwards; then the hull is that of
> the new values, wherever learning has moved them. Lesson 7 begins with that.

## Where it goes wrong

**The sum runs over the wrong axis.** A value belongs to a key, so it is multiplied
along the *columns* of the weights. In a published program that makes images, a reader
found products taken [element by
element](https://github.com/heykeetae/Self-Attention-GAN/issues/7) where the paper has
matrix products. In one that summarises videos, a reader points out, the softmax runs
one way, and [the weighted sum the
other](https://github.com/ok1zjf/VASNet/issues/25). If the weights are square, nothing
stops you from doing both:
"""

# %%
weights = softmax(gaussian_score(key, key, 0.5))  # (60, 60)
wrong = (weights * value).sum(axis=0)  # one value a row
print(np.allclose(wrong, weights.T @ value[:, 0]))
for name, z in ("right", weights @ value), ("wrong", wrong):
    print(f"{name}: from {z.min():.0f} to {z.max():.0f} m")
print(f"value: from {value.min():.0f} to {value.max():.0f} m")

# %% [markdown]
r"""
`weights * value` gives each *row* its value, and the sum over `axis=0` makes
$\text{weights}^\mathsf{T} \text{value}$ of it: every place *collects* what the others spend
on it, and even the heights are plausible. A sharper test: give every key the *same*
value, and every mix must be that value.
"""

# %%
same = np.full_like(value, 500.0)
for name, w in ("weights", weights), ("weights.T", weights.T):
    mix = w @ same
    print(f"{name:9}: from {mix.min():.0f} to {mix.max():.0f} m")

# %% [markdown]
r"""
The right sum says 500 m everywhere; the wrong one is off by more than 60 m on flat land,
because the rows of the transpose do not sum to 1. (The *scores* are symmetric here,
since A is as far from B as B from A; the weights are not, because each row is divided by its
own sum.) **A mix of equal values is that value**: a test that costs two lines.

## In short

The last step of attention is `weights @ value`: row $i$ of the weights mixes the
rows of the values. With weights that are not negative and sum to 1, the mix lies in
the convex hull of the values: it reads outside their range in no column and on no
ruler. With a Gaussian score this is kernel regression, from 1964. A narrow
bandwidth believes the nearest value, a wide one tends to the mean, and leaving one out finds a
good one between them.

**Now you:** [the exercises of this lesson](../exercises/04_weighted_sum.ipynb). A
place on a line is one number, a wind or a place on a map two, but the queries of a model
have hundreds. Does the same recipe, score, softmax, mix, still work? That is the
question of [lesson 5](05_scaled_dot_product_attention.ipynb).
"""

# %% [markdown]
r"""
## For those who want to know more: leave one out

Predict each measurement from the 59 *others*. As a loop:
"""


# %%
def leave_one_out_loop(key, value, bandwidth):
    predicted = []
    for i in range(len(key)):
        k = np.delete(key, i, axis=0)
        v = np.delete(value, i, axis=0)
        predicted.append(
            nadaraya_watson(key[i : i + 1], k, v, bandwidth)
        )
    return np.concatenate(predicted)


left_out = leave_one_out_loop(key, value, 0.5)
print(left_out.shape, round(rms(left_out - value), 1), "m")

# %% [markdown]
r"""
70 m, and not the 47 of her own measurements: that is what to expect of a new reading.

Without the loop, every measurement asks every other: the scores are a square of 60 by 60, and
what a place has to say about itself stands on the diagonal. A score of $-\infty$ becomes a
weight of $e^{-\infty} = 0$, and the softmax shares the whole among the rest.
"""


# %%
def leave_one_out(key, value, bandwidth):
    scores = gaussian_score(key, key, bandwidth)  # (n, n)
    np.fill_diagonal(scores, -np.inf)  # nobody answers for itself
    return attend(softmax(scores), value)


print(np.allclose(leave_one_out(key, value, 0.5), left_out))
general = course_utils.leave_one_out(key, value, 0.5)
print(np.allclose(general, left_out))

# %% [markdown]
r"""
Nothing had to be fitted again, because nothing was fitted: a weighted sum has no memory of its data
besides the data. And the order matters: hide first, *then* share out. Lesson 6 builds on this.

### Does leaving one out find the best bandwidth?

It found 0.50 km here. But does the best bandwidth belong to the mountain, or to the altimeter, or is
it luck? Take three altimeters, with errors of 0, 50 and 100 m, and eight surveyors, each with
her own 60 places and errors. As a check that she does not have, the other 343
places of the line are measured with the same altimeter and held out.
"""


# %%
def one_survey(noise, seed):
    rng = np.random.default_rng(seed)
    measured = (true + noise * rng.normal(size=len(true)))[:, None]
    places, order = east[:, None], rng.permutation(len(true))
    use, hold = order[:60], order[60:]
    k, v = places[use], measured[use]
    left, held = [], []
    for h in bandwidths:
        left.append(rms(leave_one_out(k, v, h) - v))
        new = nadaraya_watson(places[hold], k, v, h)
        held.append(rms(new - measured[hold]))
    return left, held


# %%
noises = (0, 50, 100)
runs = np.array(
    [[one_survey(s, seed) for seed in range(8)] for s in noises]
)
print(runs.shape)  # noise, seed, left out or held out, bandwidth

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 3, figsize=(9.6, 3.6), sharey=True)
for axes, s, run in zip(panels, noises, runs, strict=True):
    mean, spread = run.mean(axis=0), run.std(axis=0)
    for i, name in enumerate(("left out", "held out")):
        at = (2 * i, 4)  # a bar at every fourth bandwidth
        axes.errorbar(
            bandwidths, mean[i], spread[i], errorevery=at, label=name
        )
    axes.set(title=f"Altimeter: {s} m", xlabel="bandwidth (km)")
    axes.set(xscale="log", ylim=(0, 200))
panels[0].set(ylabel="RMS error (m)")
_ = panels[0].legend(loc="upper left")

# %% [markdown]
r"""
Each panel shows the mean over eight surveyors, with bars of one standard deviation.
The solid line is what the surveyor can compute, the dashed one the check, and they run
together within the bars. In numbers: the best bandwidth, as the median over the seeds
with its range; the same for the places held out; the least held-out error; and the
price, which is what her choice costs above that.
"""

# %% tags=["hide-input"]
print("         best bandwidth (km)           held-out error (m)")
print("         left out              held    least   price")
for s, run in zip(noises, runs, strict=True):
    pick = run.argmin(axis=-1)  # (seed, left or held)
    chosen = np.sort(bandwidths[pick], axis=0)
    low, middle, high = chosen[0], np.median(chosen, axis=0), chosen[-1]
    held, least = run[:, 1], run[:, 1].min(axis=1)
    paid = held[np.arange(8), pick[:, 0]] - least
    print(f"{s:5} m  {middle[0]:.2f}", end=" ")
    print(f"({low[0]:.2f} to {high[0]:.2f})  {middle[1]:6.2f}", end=" ")
    print(f"{least.mean():8.1f} {paid.mean():5.1f} ± {paid.std():.1f}")

# %% [markdown]
r"""
- **The best bandwidth grows with the error of the altimeter**, although the mountain
  is the same. Who cannot trust a single measurement must average over more of them.
- **With exact heights there is hardly a valley**: the nearest measurement alone is
  almost as good as the best blend.
- **Leaving one out chooses well.** Its bandwidths scatter from seed to seed, but that
  costs little on average: 1 m or less with the two better altimeters, and 2.6 m with
  the worst, where bad luck costs more.

It is one line on one mountain, though: eight surveys are not eight landscapes.

### From a line to a map

Nothing in `nadaraya_watson` said that a place is *one* number. With two, east and north, the
same three lines draw a map from 1000 heights, this time without errors.
"""

# %%
grid = np.stack(np.meshgrid(east[::3], north[::3]), axis=-1)
query = grid.reshape(-1, 2)  # (n_q, 2)
truth = height[::3, ::3].reshape(-1, 1)  # (n_q, 1)
some = np.random.default_rng(0).choice(len(query), 1000, False)
estimate = nadaraya_watson(query, query[some], truth[some], 0.5)
print(f"RMS error {rms(estimate - truth):.0f} m", end=" ")
print(f"against {truth.std():.0f} m for the mean height alone")

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 2, figsize=(8, 4), sharey=True)
titles = ("True", "Mixed from 1000 heights")
for axes, title, z in zip(
    panels, titles, (truth, estimate), strict=True
):
    axes.imshow(
        z.reshape(grid.shape[:2]), extent=extent, cmap="cividis"
    )
    axes.set(title=title, xlabel="east (km)")
    axes.grid(visible=False)
_ = panels[0].set_ylabel("north (km)")

# %% [markdown]
r"""
The high ridges and the edge of the plain are there, only softer; the small valleys
are gone. The error is 62 m, where the mean height alone would be off by 162 m.

### The answer is among the data

In one library for tabular data, a user warns that [the answer of each example goes into its
input](https://github.com/PythonPredictions/cobra/issues/24): with a single data point, the input
*is* the answer. That was our error "own included". See what it does to the choice of a bandwidth,
in the surveys with 50 m of noise:
"""

# %%
narrow, left = [], []
for seed in range(8):
    left_out, held_out = runs[1, seed]
    narrow.append(held_out[0])  # own included chooses the narrowest
    left.append(held_out[left_out.argmin()])
print(f"own included: {np.mean(narrow):.1f} ± {np.std(narrow):.1f} m")
print(f"left out:     {np.mean(left):.1f} ± {np.std(left):.1f} m")

# %% [markdown]
r"""
How to notice: an error all but vanishes as you turn a knob. In lesson 6 a prediction of the
next word must not see that word.
"""

# %% [markdown]
r"""
## Symbols and names

| name | shape | meaning |
|---|---|---|
| `weights` | (n_q, n_k) | one row a query; each row sums to 1 |
| `value` | (n_k, d_v) | what is mixed, one a key |
| `output` | (n_q, d_v) | the mixes, one a query |
| convex hull | | all that can be mixed from the values |
| `ruler` | (d_v,) | a direction on which values are read as one number |
| `bandwidth`, $h$ | a number > 0 | the width of the Gaussian score, in the units of the keys |
| leave one out | | predict each value from all others |
| RMS | a number | root of the mean square, here of errors in m |

## Go deeper

- Nadaraya, *On Estimating Regression* (1964), and Watson, *Smooth Regression
  Analysis* (1964): an average of values, weighted by a kernel.
- Stone, *Cross-Validatory Choice and Assessment of Statistical Predictions* (1974):
  on choosing a predictor by data that it was not shown.
- Tsai et al., *Transformer Dissection: A Unified Understanding of Transformer's
  Attention via the Lens of Kernel* (2019): attention as a kernel smoother.
- Richter and Wattenhofer, *Normalized Attention Without Probability Cage* (2020): on
  the limits of weights that sum to 1, and of the convex hull of the values; they put
  a normalisation in the place of the softmax.
- Zhang, Lipton, Li and Smola, *Dive into Deep Learning* (2023), the section on
  attention pooling by similarity: kernel regression with several kernels.
- Farr et al., *The Shuttle Radar Topography Mission* (2007): how the heights were
  measured. The landscape lies in Tennessee; the data are [in the public
  domain](https://github.com/matplotlib/matplotlib/pull/3291).
"""
