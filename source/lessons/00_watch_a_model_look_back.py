# %% [markdown]
r"""
# Watch a model look back

How does a language model find a name again?

**What you'll see.** A real language model at work on one sentence. Ten minutes, no exercises, and
nothing to know beforehand.
"""

# %%
import numpy as np

from course_utils import figures  # missing? Run python3 course.py
from course_utils.data.look_back import look_back, names_again
from course_utils.learner import predict

figures.use_style()
looks = look_back()

# %% [markdown]
r"""
## Captain V

Read this:

> Captain Vexolin stood at the harbour and looked at the log. “Good morning,” said Captain V

What comes next? You know it at once, although you have never met a Vexolin: the name was made
up for this page. A **language model** does nothing else: it reads a text and says what may come
next, and how likely each way to go on is. When one is chosen, it reads again, and so it writes.

The model here is SmolLM2-135M-Instruct (Ben Allal et al., 2025), a small one of 135 million numbers,
its **parameters**, which it learnt by reading, mostly English. It reads neither letters nor words
but pieces of words, **tokens**: "Vexolin" is three to it, " V", "ex" and "olin". Will it find the
name?
"""

# %%
guess = predict(
    "00 what follows Captain V",
    "no: it cannot know a name that was made up",
    "yes: it goes on with “ex”, nearly surely",
    "it goes on with a name that it knows, such as Victor",
)
guess

# %%
end = looks["nothing"][-1]
for token, chance in end.following.items():
    print(f"{chance:.2f}  {token}")
guess.reveal(right=1)

# %% [markdown]
r"""
"ex", with a probability of .98. Did it find the name in the text? You can find out as one would with a
person: **blot out a word**, and see what the model says.

## Blot out, and watch

In the figure, one word at a time becomes "\_\_\_". The ringed token is the place up to which the model
has read; what stands behind, it has not seen yet. On the right is what it thinks comes next.

Inside the model are 270 small units that do nothing but look back, its **heads**: nine in each of
the 30 rounds, or **layers**, through which a text passes. At each token a head spreads one unit of
attention over the tokens so far. The upper part shows how *one* of the 270 does it: the darker, the
more. Below is a square for each head: how much does it give to the token where this one's
look is darkest? Watch:

- as it stands: at what does the head look from the last "V"?
- blot out **2 Vexolin**. What becomes of "ex", and where does the head look now?
- blot out other words. Which of them matter?
- then blot out nothing, and move the **word** that has been read last. Where does the head look when there is
  nothing to find again?
"""

# %%
blots = list(looks)


def watch(blotted, word):
    look = looks[blots[blotted]][int(word) - 1]
    most = int(look.row.argmax())
    marks = figures.gaze(
        look.pieces,
        look.row,
        look.heads,
        look.following,
        head=(18, 6),
        title="One of 270 heads",
    )
    here = look.pieces[len(look.row) - 1].strip()
    words = f"“{here}” looks most at “{look.pieces[most].strip()}”"
    best, chance = next(iter(look.following.items()))
    words += f"; next comes “{best.strip()}” ({chance:.2f})"
    return figures.beside(*marks, caption=words)


figures.panel(
    watch,
    blotted=figures.picker(blots, label="blotted out"),
    word=figures.slider(
        1, len(looks["nothing"]), 1, start=16, label="word read last"
    ),
)

# %%
print(
    "other heads that give it more than .3:",
    (end.heads > 0.3).sum() - 1,
)
chances = {b: looks[b][-1].following["ex"] for b in blots}
print(f"without the name: {chances.pop('2 Vexolin'):.2f}")
print(f"without another word: at least {min(chances.values()):.2f}")

# %% [markdown]
r"""
From the last "V", this head gives nearly everything to "ex", the token that came *after the first "
V"*, and ten other heads give it a good share. Blot out the name, and they have nothing to find;
"ex" keeps .16, for it is a common way to go on after a V. Blot out any other word, and next to
nothing changes. At all other words the head rests most on the very first token, even at the second
"at" and "the", though both stand there twice: a head has to look somewhere.

What the picture does not prove is that this head is the *reason*: a look is not yet a cause. To find
out, one must switch heads off and see what is lost, as you will in lesson 17, on this sentence.

## One sentence proves little

Was the name lucky? These twenty names are all that we tried, each cut after its first token, as in
"said Captain Dor", with the token that should come next and how likely it was: as told, and with the
first mention blotted out.
"""

# %%
tried = names_again()
for name, token, told, blotted in tried:
    print(f"{name:9} {token:5} {told:.2f}   blotted out {blotted:.2f}")
told, blotted = np.array([row[2:] for row in tried]).T
print("found again:", (told > 0.5).sum(), "of", len(tried))
print("without the first mention:", (blotted > 0.5).sum())

# %% [markdown]
r"""
Twelve of twenty. So the model does not *always* find it: after " Dor" it goes another way
altogether. Nor is Vexolin the cleanest case, for with others nothing is left when the name is gone;
it was the first that we tried, and it stayed.

## Why is it called attention?

The simplest formulas multiply each input by a fixed number, chosen before anybody knew what this text would be
about. Such a formula cannot decide, at the last "V", that it is now the third token that matters.

People do not treat all that they see and hear alike either. William James wrote in 1890: "Every one
knows what attention is. It is the taking possession by the mind, in clear and vivid form, of one
out of what seem several simultaneously possible objects or trains of thought." Models of language
that choose anew, at each step, where to look have had *attention* since Bahdanau, Cho and Bengio
(2015) let a translation model look back at the words of its source; those built around it, as ours
is, are called **transformers**.

The comparison carries as far as this, and no further: something is chosen out of much, and what is chosen
depends on what is looked for. For people, attention is how limited means are shared out, and has
to do with being awake, with will and with awareness (Lindsay, 2020). Here it is a weighted mean of
everything at once, and nobody is there who sees.

## How does it know where to look?

That is the question of this course, and the answer is a dictionary that blends: at each place the
model asks a *query*, each earlier token offers a *key*, and the better they match, the more of that
token's *value* is taken. You will build it from nothing: how to score a match and turn scores into
weights, what must not be seen, how many heads work side by side, how all this is learnt. At the
end, this very model will run on the code that you wrote.

## Go deeper

- Ben Allal et al., *SmolLM2: When Smol Goes Big* (2025). What it did was recorded by `tools/make_look_back.py`;
  lesson 17 computes it again.
- James, *The Principles of Psychology* (1890), chapter 11.
- Bahdanau, Cho and Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2015).
- Lindsay, *Attention in Psychology, Neuroscience, and Machine Learning* (2020): what the two have in
  common, and what not.

**Next:** [lesson 1](01_soft_lookup.ipynb) starts with one query and five keys.
"""
