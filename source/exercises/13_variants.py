# %% [markdown]
r"""
# Exercises: attend hard, locally, sparsely, by levels

Four functions, eleven points. Write your code where it says
`raise NotImplementedError`, run the cell, then run the check below it. A check
tries your function on fresh inputs each time and tells you what it found; run
it as often as you like. The hints open one at a time.

Everything you need is in [the lesson](../notebooks/13_variants.ipynb), and NumPy is all
you may import. In all masks a row is a query, a column a key, and True means "may
attend". A worked solution of each exercise stands in
[the solutions](../solutions/13_variants.ipynb); they help most after you have tried.
"""

# %%
import numpy as np

from course_utils.learner import check  # missing? Run python3 course.py

# %% [markdown] about="window_mask"
r"""
## 1. Look at what is near

A causal window: query $i$ stands at position $i + \text{offset}$ among the keys. It sees
`window` positions, its own and those just before it, and nothing that comes later. Near
the beginning there are fewer.

| argument | shape | |
|---|---|---|
| `n_q` | a whole number | how many queries |
| `n_k` | a whole number | how many keys |
| `window` | a whole number, 1 or more | how many positions a query sees |
| `offset` | a whole number, 0 or more | the position of the first query |
| *returns* | (n_q, n_k), bool | True where the query may see the key |
"""


# %% exercise="window_mask"
def window_mask(n_q, n_k, window, offset):
    ### BEGIN SOLUTION
    position = np.arange(n_q)[:, None] + offset
    behind = position - np.arange(n_k)  # (n_q, n_k)
    return (behind >= 0) & (behind < window)
    ### END SOLUTION


# %% check="window_mask"
check("window_mask", window_mask)

# %% [markdown] solution="window_mask"
r"""
One array holds how far each key lies behind each query. 0 is the query's own position, so
`window` positions are the distances from 0 to `window - 1`. Both ends need a condition:
without the first the query sees the future.

Another way takes one triangle from another: `np.tril(every, offset) & ~np.tril(every,
offset - window)`, where `every` is True throughout.
"""

# %% [markdown] about="block_global_mask"
r"""
## 2. See your block, and the end of each earlier one

The sequence is cut into blocks of `block` positions, beginning at position 0; the last
block may be shorter. A query sees the positions of its own block up to itself. Of each
earlier block it sees the last position, which may carry a summary.

| argument | shape | |
|---|---|---|
| `n` | a whole number | how many queries, and keys |
| `block` | a whole number, 1 or more | positions in a block |
| *returns* | (n, n), bool | True where the query may see the key |
"""


# %% exercise="block_global_mask"
def block_global_mask(n, block):
    ### BEGIN SOLUTION
    i, j = np.arange(n)[:, None], np.arange(n)
    same_block = i // block == j // block
    end_of_block = j % block == block - 1
    return (same_block | end_of_block) & (j <= i)
    ### END SOLUTION


# %% check="block_global_mask"
check("block_global_mask", block_global_mask)

# %% [markdown] solution="block_global_mask"
r"""
"Own block *or* end of a block, *and* not later." The causal condition holds for both
parts: inside a block nothing later is seen, and the end of a later block is still to come.

The mask is smaller than it looks: a row has at most `block` keys of its own, and one more
for every earlier block.
"""

# %% [markdown] about="receptive_field"
r"""
## 3. Whom do you hear of?

One mask for each layer. In each layer a position adds what it sees to what it has. Return
which positions query $i$ hears of in the end, directly or through others.

| argument | shape | |
|---|---|---|
| `masks` | (layers, n, n), bool | one mask a layer; the first is applied to the tokens |
| *returns* | (n, n), bool | row i: the positions that query i hears of |

The masks may differ from layer to layer, and need not be causal. Some hide a position from
itself; it keeps what it has all the same.
"""


# %% exercise="receptive_field"
def receptive_field(masks):
    ### BEGIN SOLUTION
    heard = np.eye(masks.shape[1], dtype=bool)  # itself alone
    for mask in masks:
        heard = heard | (mask @ heard)
    return heard
    ### END SOLUTION


# %% check="receptive_field"
check("receptive_field", receptive_field)

# %% [markdown] solution="receptive_field"
r"""
`(mask @ heard)[i, j]` asks: is there anybody whom $i$ sees now, and who has heard of $j$
before? The product of boolean matrices is just that, *any* of *both*. `heard |` is the
addition in each layer.

The order counts. Blocks first and summaries second reach the whole past; summaries first
pass on a last word that has heard of nothing yet.
"""

# %% [markdown] about="two_level_weights"
r"""
## 4. What does a word weigh in the end?

Two levels. In each sentence, a softmax over the scores of its words says what share each
has in the summary of the sentence. Then the query scores every summary (dot product over
$\sqrt{d}$), and a softmax over the sentences blends the summaries.

Such a model can be drawn as attention over words. Return for each word what it weighs in
the *final* output.

| argument | shape | |
|---|---|---|
| `word_scores` | (n,) | the score of each word; may be large |
| `sentence` | (n,), whole numbers | its sentence: 0, 0, …, 1, 1, …; none is empty |
| `word_vectors` | (n, d) | what is blended, one a row |
| `query` | (d,) | what asks for a sentence |
| *returns* | (n,) | the weight of each word in the output |
"""


# %% exercise="two_level_weights"
def two_level_weights(word_scores, sentence, word_vectors, query):
    ### BEGIN SOLUTION
    def softmax(scores):
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    own = np.arange(sentence[-1] + 1)[:, None] == sentence
    shares = softmax(np.where(own, word_scores, -np.inf))
    summaries = shares @ word_vectors  # one a sentence
    weights = softmax(summaries @ query / len(query) ** 0.5)
    return weights @ shares
    ### END SOLUTION


# %% check="two_level_weights"
check("two_level_weights", two_level_weights)

# %% [markdown] solution="two_level_weights"
r"""
The output is `weights @ (shares @ word_vectors)`. Move the brackets, and it is `(weights @
shares) @ word_vectors`: each word weighs its share of its sentence times the weight of the
sentence. These weights sum to 1, so two levels *are* an attention over words, one whose
weights are a product.

The softmax must come *before* the pooling, in every sentence by itself. With one softmax over
all words a summary would shrink when another sentence has a loud word, and its score
would say nothing about what it holds.
"""

# %% [markdown]
r"""
That was lesson 13. Your points are on [the start page](../start.md); on the command
line, `python3 course.py grade` shows them too.
"""
