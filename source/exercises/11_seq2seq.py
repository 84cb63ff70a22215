# %% [markdown]
r"""
# Exercises: translate with and without attention

Four functions, ten points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/11_seq2seq.ipynb). In exercise 2
you may use `softmax`, which you wrote in lesson 3. A worked solution of each exercise
stands in [the solutions](../solutions/11_seq2seq.ipynb); they help most after you
have tried.
"""

# %%
import numpy as np

from course_utils import softmax
from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="luong_scores"
r"""
## 1. Score as Luong does

For each sentence of a batch, score every state of the decoder against every state of
the encoder: $s\,W_\text{score}\,h^\top$. The two may differ in width.

| argument | shape | |
|---|---|---|
| `states` | (batch, n_q, d_s) | the decoder's states, one for each word to be written |
| `encoded` | (batch, n_k, d_h) | the encoder's states, one for each word that was read |
| `w_score` | (d_s, d_h) | the same for all sentences |
| *returns* | (batch, n_q, n_k) | scores, before any softmax |
"""


# %% exercise="luong_scores"
def luong_scores(states, encoded, w_score):
    ### BEGIN SOLUTION
    return states @ w_score @ encoded.swapaxes(-1, -2)
    ### END SOLUTION


# %% check="luong_scores"
check("luong_scores", luong_scores)

# %% [markdown] solution="luong_scores"
r"""
`@` multiplies the last two axes and keeps the batch in front. So the keys have to become
columns: `swapaxes(-1, -2)` turns each sentence's states, where `.T` would turn
the batch around as well.

Another way names the axes: `np.einsum("bqs,sh,bkh->bqk", states, w_score, encoded)`.
"""

# %% [markdown] about="context_vectors"
r"""
## 2. Blend what was read

From the scores to the contexts: one for each word to be written. Scores may run to
thousands.

| argument | shape | |
|---|---|---|
| `scores` | (batch, n_q, n_k) | how well each decoder's state matches each encoder's state |
| `encoded` | (batch, n_k, d_h) | the encoder's states |
| *returns* | (batch, n_q, d_h) | the context of each step |
"""


# %% exercise="context_vectors"
def context_vectors(scores, encoded):
    ### BEGIN SOLUTION
    weights = softmax(scores)
    return weights @ encoded
    ### END SOLUTION


# %% check="context_vectors"
check("context_vectors", context_vectors)

# %% [markdown] solution="context_vectors"
r"""
The last axis holds the words that were read, and over these the weights of a step sum
to 1. `softmax` takes the last axis by default, and subtracts the largest score, so that
thousands do no harm.

Another way: `np.einsum("bqk,bkh->bqh", softmax(scores), encoded)`.
"""

# %% [markdown] about="teacher_forcing"
r"""
## 3. Teacher forcing

From the targets, make what the decoder reads while it learns: at each step the right word
of the step before, and `start` at the first. A target ends with `stop`; after it stands
−1 where other sentences of the batch are longer. What is read there does not matter, but
it must be a token: put `stop`.

| argument | shape | |
|---|---|---|
| `target` | (batch, n) | tokens of 0 and more, then −1 |
| `start` | a whole number | the token that is read first |
| `stop` | a whole number | the token that ends a sentence |
| *returns* | (batch, n) | what is read at each step |

`start` and `stop` may be any tokens, and differ from call to call.
"""


# %% exercise="teacher_forcing"
def teacher_forcing(target, start, stop):
    ### BEGIN SOLUTION
    inputs = np.empty_like(target)
    inputs[:, 0] = start
    inputs[:, 1:] = np.where(target == -1, stop, target)[:, :-1]
    return inputs
    ### END SOLUTION


# %% check="teacher_forcing"
check("teacher_forcing", teacher_forcing)

# %% [markdown] solution="teacher_forcing"
r"""
There are as many steps as words in the target: `start` comes in at the front, and the last
word goes out at the end, since nothing is said after it. `np.where` makes a new array, so
that the target itself keeps its −1, which the loss still needs.

Another way: `np.roll` by one along axis 1, then write `start` over the first column. Along
the wrong axis, or without that last step, the first word read would be
one of another sentence, or the last of this one.
"""

# %% [markdown] about="diagnose_comparison"
r"""
## 4. Is the comparison fair?

Two results are set side by side, *a* and *b*, and one of them looks better. Before you
believe it, say what is unequal between them, **at most one** of four things.

| number | what is unequal |
|---|---|
| 0 | nothing that counts |
| 1 | the parameters: their numbers differ by more than a hundredth of the larger |
| 2 | how many sentences each learnt from, all steps together |
| 3 | the lengths of the sentences that they were tested on |
| 4 | the report: the one is a best seed, the other the mean of its seeds |

You get the same four arguments for *a*, then for *b*:

| argument | shape | |
|---|---|---|
| `shapes` | (k, 2) | rows and columns of each of the k matrices of the model; a vector is one row |
| `run` | (4,) | steps of training, sentences in a step, words in the shortest and in the longest sentence tested |
| `scores` | (5,) | share of right translations, for each seed |
| `reported` | a number | what is reported of these five |
| *returns* | a whole number | 0 to 4 |

How a model's parameters are cut into matrices is its own affair, and so is how its
sentences are cut into steps. If *both* report their best seed, that is not
good practice, but it is equal.
"""


# %% exercise="diagnose_comparison"
def diagnose_comparison(
    shapes_a,
    run_a,
    scores_a,
    reported_a,
    shapes_b,
    run_b,
    scores_b,
    reported_b,
):
    ### BEGIN SOLUTION
    size_a = shapes_a.prod(axis=1).sum()
    size_b = shapes_b.prod(axis=1).sum()
    if abs(size_a - size_b) > 0.01 * max(size_a, size_b):
        return 1
    if run_a[0] * run_a[1] != run_b[0] * run_b[1]:
        return 2
    if (run_a[2:] != run_b[2:]).any():
        return 3
    best_a = np.isclose(reported_a, scores_a.max())
    best_b = np.isclose(reported_b, scores_b.max())
    return 4 if best_a != best_b else 0
    ### END SOLUTION


# %% check="diagnose_comparison"
check("diagnose_comparison", diagnose_comparison)

# %% [markdown] solution="diagnose_comparison"
r"""
Each question is about what a model was *given*, not how it was cut: the sum of rows times
columns, the product of steps and batch. The report needs the scores behind it: a number
alone does not say whether it is a mean or the best of five.

Another way makes a list of four answers and returns the place of the first that is true:
`np.argmax([False, parameters, sentences, lengths, report])` is 0 if none is.

What this list leaves out would fill another exercise: the learning rate may have been tuned for one
side alone, one may compute far more for each word, and five seeds are few.
"""

# %% [markdown]
r"""
That was lesson 11. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
