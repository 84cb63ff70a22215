# %% [markdown]
r"""
# Send gradients back

How do the weights learn where to look?

**What you'll build.** A learner that finds the query and key matrices of our sentence
from nothing but a wish; the way back through attention, by loop, by matrices and as
`attention_vjp`; and a check that finds a wrong gradient.

**What you'll learn.** To compute the gradient of each step by hand, to predict when a
softmax passes nothing on, and to test a way back, because training does not.

**What you'll need.** Lessons 3, 5 and 7. About 85 minutes with the exercises, 40
without.
"""

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

import course_utils  # missing? Run python3 course.py
from course_utils import (
    attention,
    figures,
    scaled_dot_product_attention,
)
from course_utils.finite_differences import gradient_check
from course_utils.learner import predict
from course_utils.models.lookup_reader import (
    LookupReader,
    descend,
    first_pulls,
    questions,
)
from course_utils.models.trials import run_trials
from course_utils.softmax import softmax_vjp
from course_utils.tasks import little_sentence
from course_utils.training import tracked

np.set_printoptions(precision=3, suppress=True, linewidth=76)
figures.use_style()

# %% [markdown]
r"""
## Nobody writes the matrices

Nine lessons long, we wrote every matrix by hand. A model that writes text has too
many numbers for that: GPT-3 has 175 billion (Brown et al., 2020). All of them were
*learnt*, from one kind of hint: here is a text, and this word comes next. Nobody told
any head where to look. How can such a hint tell a *query* what to ask?

Take our sentence. The features of each token and the values are those of lesson 7: a
token tells how much of *alive*, *place* and *state* it has. The query and key matrices
are gone. What is left is a wish: "sat", "it" and "was" shall come out with what the cat
tells, and "cat" with what "tired" tells.
"""

# %%
tokens, features, x = little_sentence()  # x: (n, d) = (10, 7)
w_value = np.zeros((7, 3))
for column, feature in enumerate(("alive", "place", "state")):
    w_value[features.index(feature), column] = 1
value = x @ w_value  # (n, d_v)

wishes = {"sat": "cat", "it": "cat", "was": "cat", "cat": "tired"}
asks = [tokens.index(token) for token in wishes]
wanted = value[[tokens.index(token) for token in wishes.values()]]
print(wanted)

# %% [markdown]
r"""
The wish says what should *come out*, and not a word about where to look. How far the
outputs are from it is one number, the **loss**: the squared distance, as a mean over the
four tokens that ask. We begin with small random matrices, and keep both in one array.
"""

# %%
passes = 0  # how often we compute the loss


def looks(matrices):
    w_query, w_key = matrices
    return scaled_dot_product_attention(
        x @ w_query, x @ w_key, value, return_weights=True
    )


def loss(matrices):
    global passes
    passes += 1
    output, _ = looks(matrices)
    return ((output[asks] - wanted) ** 2).sum() / len(asks)


start = np.random.default_rng(0).normal(scale=0.3, size=(2, 7, 2))
print(f"{start.size} numbers, loss {loss(start):.2f}")

# %% [markdown]
r"""
## A learner without a formula

Which way should each of the 28 numbers go? Try. Move one number up a little, then down
a little, and see how the loss changes. The difference, divided by the distance, is the
**slope** of the loss in this number. This is called a **finite difference**; all 28 slopes
together are the **gradient**.
"""


# %%
def slopes(matrices, h=1e-5):
    gradient = np.zeros_like(matrices)
    for place in np.ndindex(matrices.shape):
        up, down = matrices.copy(), matrices.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (loss(up) - loss(down)) / (2 * h)
    return gradient


# %% [markdown]
r"""
Where the slope is positive, the number goes down, and up where it is negative. How far?
The slope times a small number, the **learning rate**. Do it again and again: that is
**gradient descent**.
"""


# %%
def learn(gradient_of, matrices=start, rate=0.3, steps=100):
    for _ in range(steps):
        matrices = matrices - rate * gradient_of(matrices)
    return matrices


def report(matrices):
    _, weights = looks(matrices)
    for token, row in zip(wishes, weights[asks], strict=True):
        print(
            f"{token} → {tokens[row.argmax()]} {row.max():.2f}",
            end="   ",
        )
    print(f"loss {loss(matrices):.3f}")


report(start)
passes = 0
by_trying = learn(slopes)
print(passes, "passes")
report(by_trying)

# %% [markdown]
r"""
It works. From a wish about outputs alone, "it" has learnt to look at the cat (0.91), more
firmly than with our matrices of lesson 7 (0.73). Nobody told it what a thing is.

But count. Each step needs two forward passes for each number: $2 \cdot 28 = 56$. A
hundred steps took 5,600. For GPT-3, *one* step would be
"""

# %%
print(f"{2 * 175e9:,.0f} passes through the whole model")

# %% [markdown]
r"""
Nobody learns like that. There is a way that gets *all* slopes from one walk forward
and one walk back. It was found more than once; Rumelhart, Hinton and Williams (1986) made
it famous as **back-propagation**.

## One step back

On the way there, numbers pass through a few steps: products, a softmax, another
product, the loss. On the way back, each step answers one question: *if I know how the
loss changes with my output, how does it change with my inputs?* We write `d_a` for the
slopes of the loss in all numbers of an array `a`; it always has the shape of `a`.

The last step is the easiest. The loss is a sum of squares, so its slope in an output is
twice the distance from what was wanted, over four. Tokens that asked for nothing get 0.
"""


# %%
def d_output_of(output):
    d_output = np.zeros_like(output)  # (n, d_v)
    d_output[asks] = 2 * (output[asks] - wanted) / len(asks)
    return d_output


output, _ = looks(start)
d_output = d_output_of(output)
print(d_output[[tokens.index("it"), tokens.index("the")]])

# %% [markdown]
r"""
Negative: "it" has too little *alive*, and more of it would lower the loss. It has a
little too much *place* and *state*. "the" may be what it likes.

Now a product of matrices, $C = AB$. Its numbers are $c_{ij} = \sum_k a_{ik} b_{kj}$. If
$a_{ik}$ rises a little, each $c_{ij}$ of its row rises $b_{kj}$ times as much. So the slope
in $a_{ik}$ is $\sum_j d_{c_{ij}} b_{kj}$, and the same with the roles exchanged for $B$:

$$d_A = d_C \, B^\mathsf{T}, \qquad d_B = A^\mathsf{T} \, d_C .$$

The way back needs $A$ and $B$, which only the way there has seen. That is why each step
in this course comes as **one function that returns two things: its output, and the way
back**, a function that remembers what it needs. (`.mT` transposes the last two axes.)
"""


# %%
def product_vjp(a, b):
    def back(d_product):
        return d_product @ b.mT, a.mT @ d_product

    return a @ b, back


product, back = product_vjp(x, w_value)
d_x, d_w_value = back(np.ones_like(product))
print(product.shape, d_x.shape, d_w_value.shape)

# %% [markdown]
r"""
Each gradient has the shape of what it belongs to. Call the function forward, and keep `back`.
When the gradient of the output has arrived, call `back` with it, and out comes a tuple: the
gradients of the inputs, in their order. All functions of the course whose name ends in `_vjp`
work so, and so do
[`jax.vjp`](https://docs.jax.dev/en/latest/_autosummary/jax.vjp.html) and
[`torch.func.vjp`](https://docs.pytorch.org/docs/stable/generated/torch.func.vjp.html). The
name is short for *vector–Jacobian product*, which the next step shows.

## Back through the softmax

Lesson 5 had the Jacobian of the softmax: score $j$ moves weight $i$ by
$J_{ij} = w_i (\delta_{ij} - w_j)$. One score moves *all* weights of its row. So its slope
adds up what each of them passes on: a vector, the slopes in the weights, times the
Jacobian.

$$d_{s_j} = \sum_i d_{w_i} J_{ij} = \sum_i d_{w_i} w_i (\delta_{ij} - w_j)
= w_j \Bigl( d_{w_j} - \sum_i d_{w_i} w_i \Bigr).$$

The last form needs no Jacobian. And it can be read aloud: **a key's score is pulled by how
much better or worse it is than the blend as it stands, in proportion to the weight it
has.** It is enough to remember the weights.
"""


# %%
def my_softmax_vjp(scores):
    weights = course_utils.softmax(scores)

    def back(d_weights):
        blend = (weights * d_weights).sum(axis=-1, keepdims=True)
        return (weights * (d_weights - blend),)  # a tuple of one

    return weights, back


# %%
scores, d_weights = (
    np.array([1.0, 0.0, 2.0]),
    np.array([3.0, 0.0, -1.0]),
)
weights, back = my_softmax_vjp(scores)
jacobian = np.diag(weights) - np.outer(weights, weights)
general = softmax_vjp(scores)[1](d_weights)
print(d_weights @ jacobian, *back(d_weights), *general)

# %% [markdown]
r"""
Three ways, one answer: the Jacobian, ours, and the course's `softmax_vjp`. Here is the body of
that one. On the way there it takes care of large scores, and of rows that may see nothing
(lessons 3 and 6); its `back` is ours.
"""

# %%
print(inspect.getsource(softmax_vjp).split('"""')[2])

# %% [markdown]
r"""
The three numbers above sum to 0. Raise all scores alike, and no weight changes; so no
gradient asks for it. Remember this, we shall need it.

## Back through attention

Now all of it. As a loop over queries and keys, with nothing but numbers and rows:
"""


# %%
def attention_back_loop(query, key, value, d_output):
    d_query, d_key, d_value = map(np.zeros_like, (query, key, value))
    root = query.shape[1] ** 0.5
    for i, q in enumerate(query):
        w = course_utils.softmax(key @ q / root)
        d_w = value @ d_output[i]  # (n_k,)
        for j, k in enumerate(key):
            d_value[j] += w[j] * d_output[i]
            d_score = w[j] * (d_w[j] - w @ d_w)
            d_query[i] += d_score * k / root
            d_key[j] += d_score * q / root
    return d_query, d_key, d_value


# %% [markdown]
r"""
With matrices it is a chain of the two steps that we have. Forward from top to bottom,
then the ways back *in reverse order*. (Where one array goes into several steps, as `x` goes
into query, key and value, what comes back from all of them is added. The loop does this
with `+=`.)
"""


# %%
def my_attention_vjp(query, key, value):
    scale = query.shape[-1] ** -0.5
    products, products_back = product_vjp(query, key.mT)
    weights, softmax_back = my_softmax_vjp(products * scale)
    output, output_back = product_vjp(weights, value)

    def back(d_output):
        d_weights, d_value = output_back(d_output)
        (d_scores,) = softmax_back(d_weights)
        d_products = d_scores * scale
        d_query, d_key_turned = products_back(d_products)
        return d_query, d_key_turned.mT, d_value

    return output, back


# %% [markdown]
r"""
Written out, with $P$ for the weights and $S$ for the scores (Dao et al., 2022, derive this in
appendix B.2):

$$d_V = P^\mathsf{T} d_O, \quad d_P = d_O V^\mathsf{T}, \quad
d_S = P \circ \bigl(d_P - \mathrm{rowsum}(d_P \circ P)\bigr), \quad
d_Q = \frac{d_S K}{\sqrt{d_k}}, \quad d_K = \frac{d_S^\mathsf{T} Q}{\sqrt{d_k}} .$$

And here is the function with which the course trains its models. You can read every
line of it (`bias` is a mask or a bias, lessons 6 and 8; its gradient is `d_scores`):
"""

# %%
print(inspect.getsource(attention.attention_vjp).split('"""')[2])

# %%
w_query, w_key = start
query, key = x @ w_query, x @ w_key
loop = attention_back_loop(query, key, value, d_output)
mine = my_attention_vjp(query, key, value)[1](d_output)
general = attention.attention_vjp(query, key, value)[1](d_output)
for a, b, c in zip(loop, mine, general[:3], strict=True):
    print(a.shape, np.allclose(a, b), np.allclose(a, c))

# %% [markdown]
r"""
Loop, chain and the course's function agree. Are they *right*? Only the slopes know. One
more product leads from the query to its matrix: `query = x @ w_query`, so
`d_w_query = x.T @ d_query`.
"""


# %%
def gradient(matrices):
    w_query, w_key = matrices
    output, back = my_attention_vjp(x @ w_query, x @ w_key, value)
    d_query, d_key, _ = back(d_output_of(output))
    return np.stack([x.T @ d_query, x.T @ d_key])


error = np.abs(gradient(start) - slopes(start)).max()
print(f"all 28 within 1e-8 of the slopes: {error < 1e-8}")

# %% [markdown]
r"""
So the learner can use it. Same start, same steps, same rate:
"""

# %%
passes = 0
by_formula = learn(gradient)
print(f"{passes} extra passes", end="; ")
print("the same:", np.allclose(by_formula, by_trying, atol=1e-6))
report(by_formula)

# %% [markdown]
r"""
The same matrices, from 100 walks there and back in place of 5,600 passes. What does a walk
back cost? Each product there becomes two products of the same size on the way back, one for
each factor: $QK^\mathsf{T}$ and $PV$ became $d_Q$, $d_K$, $d_P$ and $d_V$. So it costs
about as much as two walks there, **however many numbers are to be learnt**.

**That is the answer to this lesson's question.** Look at what the very first step asked
of "it": the gradient of its ten scores, with the sign turned, since a step goes *against*
the gradient.
"""

# %%
it = tokens.index("it")
push = -general[3][it]
for i, (token, amount) in enumerate(zip(tokens, push, strict=True)):
    print(f"{token:>9} {amount:+.3f}", end="\n" if i in (4, 9) else "")
print(f"together: {abs(push.sum()):.3f}")

# %% [markdown]
r"""
"cat" is pushed up most. "tired" is as alive, but has a state that nobody wants here; "sat"
and "it" are half as alive. What has nothing of it is pushed down. Nothing here knows grammar.
**A token learns to look where the value is better than what it gets now.**

<details>
<summary><b>In a language model</b></summary>

The loss is how surprised the model is by the next token of a text (the cross-entropy of
`course_utils.layers.cross_entropy_vjp`), and in place of one attention there are many
layers, each with a way there and a way back. Every `back` is called once, last layer
first. A frame such as PyTorch writes down the steps as they are taken and calls the ways
back by itself; the steps are these.

</details>

## A softmax that falls asleep

Now be impatient: a learning rate of 1 in place of 0.3.
"""

# %%
stuck = learn(gradient, rate=1.0)
report(stuck)
report(learn(gradient, stuck, rate=1.0, steps=1000))
print(f"largest slope {np.abs(gradient(stuck)).max():.4f}")

# %% [markdown]
r"""
The first steps were too large. "cat" looks at itself with all its weight, and a thousand
steps more do not bring it to "tired". It is *wrong*, the loss says so, and it does not
learn. Why? Read the formula: each pull is a weight times a difference from the blend. A
key without weight is not pulled. And the key that has all the weight *is* the blend.

Move the slider. "it" sees two tokens only, and wants what the cat tells; the score of "cat"
is above that of "mat" by the gap. Watch:

- the **bars**: which way, and how hard, are the two scores pushed? (The number beside a
  token is its weight.)
- the **blue curve**: how loudly the loss complains, the size of `d_output`;
- the **dashed curve**: what of it reaches the scores, the size of `d_scores`.
- At which gap is "it" wrong *and* nothing moves? At which is it right, and nothing moves?
"""

# %%
pair = ("cat", "mat")
both = value[[tokens.index(token) for token in pair]]


def at_gap(gap):
    scores = np.array([gap, 0.0])
    weights, back = softmax_vjp(scores)
    d_blend = 2 * (weights @ both - both[0])  # “it” wants the cat
    (d_scores,) = back(both @ d_blend)
    return weights, d_blend, d_scores


gaps = np.arange(-10, 10.1, 0.25)
loud = [np.linalg.norm(at_gap(g)[1]) for g in gaps]
pull = [np.linalg.norm(at_gap(g)[2]) for g in gaps]


# %%
look = {"axes": ("gap, cat − mat", "size"), "xticks": range(-10, 11, 5)}
look |= {"title": "How large is the gradient?", "yticks": range(6)}


def asleep(gap):
    weights, _, d_scores = at_gap(gap)
    names = [f"{t} {w:.2f}" for t, w in zip(pair, weights, strict=True)]
    size = np.linalg.norm(d_scores)
    state = "asleep" if size < 0.01 else "awake"
    right = ("wrong", "undecided", "right")[int(np.sign(gap)) + 1]
    lines = {"d_output": loud, "d_scores": pull}
    return figures.beside(
        figures.pushes(-d_scores, names, title="Push", largest=2),
        figures.curves(gaps, lines, at=gap, **look),
        caption=f"Gap {gap:g}: {right}, pull {size:.3f}, {state}".replace(
            "-", "−"
        ),
    )


gap = figures.slider(
    -10.0, 10.0, 0.5, start=-3.0, label="gap of the two scores"
)
figures.panel(asleep, gap=gap)

# %% [markdown]
r"""
At the right "it" is asleep because all is well: the loss is silent too. At the left it is
asleep although the loss complains as loudly as it can. The pull is large only while
the two compete, and largest while the wrong one leads by a little.
"""

# %%
for g in (-10, -8, -3, 0, 3, 8):
    print(asleep(g).caption)

# %% [markdown]
r"""
## Do large scores make small gradients?

Lesson 5 quoted the suspicion of Vaswani et al. (2017): without the scale, the softmax has
"extremely small gradients". We can now measure it where it counts, in training. The
task: dictionaries of eight pairs, drawn anew each time, and eight questions to each, as
in "which value has key 17?". The model (`course_utils.models.lookup_reader`) has a vector
for each key, question and value, three matrices, one attention, and a matrix that reads
the answer. Its scores are multiplied by a factor on top of $1/\sqrt{d_k}$: 1 is right,
$\sqrt{32} = 5.7$ undoes the scale, and 16 is far too large.

Before any training, how long is the gradient of `w_query` and `w_key` at factor 16, as one
vector of 2,048 numbers, compared with the right scale?
"""

# %%
guess = predict(
    "10 gradient with large scores",
    "much shorter: a saturated softmax passes little on",
    "about as long",
    "longer",
)
guess

# %%
factors = {"1": 1, "√32 (no scale)": 32**0.5, "16": 16}
print("factor           norm of gradient   median pull   asleep")
for name, factor in factors.items():
    pulls, norms = first_pulls(LookupReader(factor=factor), range(5))
    print(
        f"{name:15} {norms.mean():6.2f} ({norms.min():.2f}–{norms.max():.2f})",
        end="",
    )
    print(f"{np.median(pulls):14.4f} {(pulls < 0.01).mean():11.0%}")
guess.reveal(right=2)

# %% [markdown]
r"""
(Means over five seeds, with the smallest and the largest norm.) The *pull* of a question
is the size of its own `d_scores`; asleep means below 0.01.

So the usual story is half right. It holds for the typical question: its pull falls from a
third to a thousandth, and of three questions about two are asleep. It is wrong about the
gradient as a whole: its **norm** is several times *larger*. Those that are awake shout, and
what they shout is multiplied by the factor once more on its way to the matrices. If you
watch the norm, you see no sign of trouble.

Does it matter? Train, five seeds each.
"""


# %%
def adam(model, steps):
    trials = run_trials(
        model,
        questions,
        seeds=range(5),
        steps=steps,
        learning_rate=0.003,
        every=20,
        progress=False,
    )
    return trials.tested, trials.scores


curves = {
    name: adam(LookupReader(factor=factor), steps=400)
    for name, factor in tracked(list(factors.items()))
}

# %% tags=["hide-input"]
fig, axes = plt.subplots()
for name, (tested, right) in curves.items():
    mean, std = right.mean(axis=1), right.std(axis=1)
    axes.errorbar(tested, mean, std, capsize=2, label=f"factor {name}")
axes.axhline(1 / 16, color="black", linewidth=1, label="guessing")
axes.set(xlabel="steps", ylabel="right answers", ylim=(0, 1.05))
_ = axes.legend(loc=(0.55, 0.14))

# %%
print("all five are done:    after 100 steps   after 400 steps")
for name, (tested, right) in curves.items():
    print(f"factor {name:15}", end="")
    for step in (100, 400):
        done = (right[tested == step] >= 0.99).all()
        print(f"{done!s:>13}", end="     ")
    print()

# %% [markdown]
r"""
The lines are means over five seeds, with one standard deviation; *done* means 0.99 of the
answers right. With the right scale all five are done after 100 steps. Without it, or at 16,
they are not even after 400. This is one small model, one task and one learning rate, so
take the shape from it and not the numbers. But the shape is plain, and no norm would have
told you.

## Eight bugs, one right forward pass

Now break the way back. The way there stays right, so that every output, every
accuracy and every loss that we print is true. Here are the four lines of the way back,
and eight ways in which people get one of them wrong.
"""

# %%
lines = {
    "scores": lambda w, d_w: (
        w * (d_w - (w * d_w).sum(-1, keepdims=True))
    ),
    "query": lambda d_s, q, k, scale: d_s @ k * scale,
    "key": lambda d_s, q, k, scale: d_s.mT @ q * scale,
    "value": lambda w, d_o: w.mT @ d_o,
}
bugs = {
    "none": {},
    "row sum missing": {"scores": lambda w, d_w: w * d_w},
    "diagonal only": {"scores": lambda w, d_w: w * (1 - w) * d_w},
    "scale dropped": {
        "query": lambda d_s, q, k, scale: d_s @ k,
        "key": lambda d_s, q, k, scale: d_s.mT @ q,
    },
    "d_key not transposed": {
        "key": lambda d_s, q, k, scale: d_s @ q * scale
    },
    "d_value not transposed": {"value": lambda w, d_o: w @ d_o},
    "d_query from query": {
        "query": lambda d_s, q, k, scale: d_s @ q * scale
    },
    "wrong sign": {"scores": lambda w, d_w: -lines["scores"](w, d_w)},
    "zero": {"scores": lambda w, d_w: 0 * d_w},
}


# %%
def attention_with(wrong):
    line = lines | wrong

    def vjp(query, key, value):
        scale = query.shape[-1] ** -0.5
        weights = course_utils.softmax(query @ key.mT * scale)

        def back(d_output):
            d_scores = line["scores"](weights, d_output @ value.mT)
            known = d_scores, query, key, scale
            d_value = line["value"](weights, d_output)
            return line["query"](*known), line["key"](*known), d_value

        return weights @ value, back

    return vjp


# %% [markdown]
r"""
"Diagonal only" takes from the Jacobian what a score does to its own weight, and
forgets the others. The last one lets queries and keys stay as they were drawn: attention
that never learns, as a floor to compare with.

Train each with **Adam** (Kingma and Ba, 2015), gradient descent that divides each
number's step by the usual size of its slopes; most models are trained with it or a
relative. How many of the eight get all questions right, on all five seeds?
"""

# %%
guess = predict(
    "10 bugs that learn",
    "none: a wrong gradient leads to a wrong place",
    "two or three",
    "six",
    "all eight",
)
guess

# %%
found = {}
for name in tracked(list(bugs)):
    model = LookupReader(attention_with(bugs[name]))
    found[name] = (
        adam(model, steps=160),
        descend(model, range(5), steps=160),
    )


# %%
def summary(tested, right):
    if np.isnan(right[-1]).any():
        return f"NaN, {np.isnan(right[-1]).sum()} of 5"
    there = [tested[r >= 0.99] for r in right.T]  # one for each seed
    if any(len(t) == 0 for t in there):
        return f"{right[-1].mean():.2f}, never"
    steps = np.mean([t[0] for t in there])
    return f"{right[-1].mean():.3f}, {steps:3.0f} steps"


print("bug                     Adam               plain descent")
for name in bugs:
    by_adam, by_plain = (summary(*curve) for curve in found[name])
    print(f"{name:23} {by_adam:18} {by_plain}")
guess.reveal(right=2)

# %% [markdown]
r"""
For each bug: right answers at the end, and the mean number of steps until 0.99 of the
answers are right (tested every 20), over five seeds.

**Six of eight bugs learn the task to 1.000 with Adam, on all five seeds.** Two of them,
"diagonal only" and "scale dropped", are as fast as the right gradient. Only a wrong sign and
a zero show. Why? Any step that is roughly downhill gets there on an easy task; the
values and the reading matrix learn from right gradients and make up for much; and
Adam divides by the size of the slopes, so that a factor that is missing (the scale)
leaves nothing behind at all.

And one bug that Adam forgives ends in NaN with plain descent, on five seeds of five. So do not
conclude from "it learns" that the gradient is right, nor that it will still learn when you
change the optimiser. **Training proves nothing about the gradient.**

It does not follow that such bugs are harmless. This task is easy, and everything but one line
was right. Where a task is hard, a result that is a little worse looks like the model's limit,
and nobody searches for a bug.

## What does prove it

Measure. A **gradient check** compares the way back with finite differences, on inputs so
small that two passes a number do not hurt. Not with a loss: a random `d_output` asks for
all outputs at once. Have the course's `gradient_check` look at all nine.
"""

# %%
rng = np.random.default_rng(0)
inputs = [rng.normal(size=(5, 4)) for _ in range(3)]  # n = 5, d = 4
print("bug                       d_query     d_key   d_value")
for name, wrong in bugs.items():
    errors = gradient_check(attention_with(wrong), *inputs)
    shown = ("right" if e < 1e-8 else f"off {e:.1f}" for e in errors)
    print(f"{name:23}", "".join(f"{word:>10}" for word in shown))

# %% [markdown]
r"""
Each bug is found at once, and the columns say where to look. "Off" is the largest
error over the largest slope (if that is above 1). These are no small faults. In the exercises
you write such a check.

## Where it goes wrong

**The row sum that is missing.** Why does this one explode? You have seen that the gradient
of a row of scores sums to 0: raising all of them alike changes nothing. Without the row
sum, it does not sum to 0. The scores are pushed up or down *together*, no weight
changes, no loss complains, and so it goes on. In our sentence, with three starts, plain
descent, after 100 steps:
"""


# %%
def gradient_with(wrong):
    vjp = attention_with(wrong)

    def of(matrices):
        output, back = vjp(x @ matrices[0], x @ matrices[1], value)
        d_query, d_key, _ = back(d_output_of(output))
        return np.stack([x.T @ d_query, x.T @ d_key])

    return of


for name in ("none", "row sum missing"):
    print(f"{name:16}", end="")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        first = rng.normal(scale=0.3, size=(2, 7, 2))
        w_query, w_key = learn(gradient_with(bugs[name]), first)
        largest = np.abs(x @ w_query @ (x @ w_key).T).max() / 2**0.5
        print(f"{largest:11.0e}", end="")
    print("   largest score")

# %% [markdown]
r"""
Scores of ten thousand and of millions, where ten or so would do.

People do get this line wrong. A numeric library [had only the
diagonal](https://github.com/deeplearning4j/libnd4j/issues/440) of the softmax's Jacobian. A
reader who followed a popular series [met the same
thing](https://github.com/SebLague/Neural-Network-Experiments/pull/5): his gradient check
failed whenever there was a softmax, the outputs of his network and of the series' were the
same, and for a long time he did not see why. Another library's attention sent [wrong gradients
to queries, keys and values](https://github.com/ooples/AiDotNet.Tensors/issues/49), off by
73 %; a gradient check found it.

**A check with the wrong step.** A finite difference has an error of its own. A large $h$ sees
the bend of the curve, which shrinks with $h^2$; with a tiny $h$ the two losses agree in
nearly all digits, and their difference is rounding, which grows as $1/h$.
"""

# %%
exact = gradient(start)
sizes = np.logspace(-1, -11, 21)
errors = [np.abs(slopes(start, h) - exact).max() for h in sizes]
fig, axes = plt.subplots()
axes.loglog(sizes, errors, "o-")
_ = axes.set(xlabel="step h", ylabel="largest error of 28 slopes")

# %%
print("best error below 1e-9:", min(errors) < 1e-9)
print(f"float32: {np.spacing(np.float32(loss(start))) / 2e-5:.0e}")

# %% [markdown]
r"""
To the right the bend, to the left the rounding, and between them, near 1e-5, an error in
the tenth digit. The last line is the distance from this loss to the next number that a
float32 can hold, over $2h$: with so coarse a loss, a right gradient would look wrong. So
check in float64. And test also with $n_q \ne n_k$ and $d_k \ne d_v$: then the bugs above
that forgot to transpose stop with an error before any check.

## In short

A loss says what should come out; its gradient says which way each number must go. Finite
differences find it at two passes a number; the way back finds all of it in one walk, since
each step, given the gradient of its output, returns those of its inputs. That is why a
`_vjp` returns its output together with `back`. In attention, a score is pulled by its weight
times how much better its value is than the blend; a saturated softmax pulls hardly any
question, while the norm of the whole gradient may grow. A wrong gradient can learn as well
as a right one. Only a gradient check tells them apart.

## Symbols and names

| name | shape | meaning |
|---|---|---|
| loss | a number | how far the outputs are from what was wanted |
| $d_A$, `d_a` | as `a` | the gradient: the slope of the loss in each number of `a` |
| $h$ | a number | the step of a finite difference |
| learning rate | a number | how far to step against the gradient |
| `output, back = …_vjp(…)` | | a step and its way back; vector–Jacobian product |
| `d_output` | (n_q, d_v) | what arrives at the end of attention |
| `d_scores` | (n_q, n_k) | the pull on each score, before its sign is turned; rows sum to 0 |
| $\circ$ | | number by number |

## Go deeper

- Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors*
  (1986): four pages.
- Dao et al., *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness*
  (2022), appendix B.2: the way back through attention, and how to do without storing the
  weights.
- Baydin, Pearlmutter, Radul and Siskind, *Automatic Differentiation in Machine Learning: a
  Survey* (2018): how a frame does this for any program.
- Nocedal and Wright, *Numerical Optimization* (2006), section 8.1: the error of a finite
  difference.
- Kingma and Ba, *Adam: A Method for Stochastic Optimization* (2015).
- Brown et al., *Language Models are Few-Shot Learners* (2020), section 2.1: GPT-3's sizes.

**Now you:** [the exercises of this lesson](../exercises/10_backward.ipynb). After them
attention can learn. **What does it gain, on long sequences, over a model without it?** That
is lesson 11.
"""
