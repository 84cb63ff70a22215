"""The path through the course: its parts and lessons, in order."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number, the name of its files, its title, its question."""

    number: int
    slug: str
    title: str
    question: str

    @property
    def name(self) -> str:
        """The name that its files share, such as 01_soft_lookup."""
        return f"{self.number:02}_{self.slug}"

    @property
    def has_exercises(self) -> bool:
        """Whether it comes with exercises: every lesson does, the prologue does not."""
        return self.number > 0


# The lessons of each part, counted from the prologue's 0.
PARTS: dict[str, tuple[Lesson, ...]] = {
    "Prologue": (
        Lesson(
            0,
            "watch_a_model_look_back",
            "Watch a model look back",
            "How does a language model find a name again?",
        ),
    ),
    "One query, many keys": (
        Lesson(
            1,
            "soft_lookup",
            "Look something up softly",
            "What should a dictionary answer when no key matches exactly?",
        ),
        Lesson(
            2,
            "scores",
            "Score how well a query matches a key",
            "Which measure of similarity, and what does the choice change?",
        ),
        Lesson(
            3,
            "softmax",
            "Turn scores into weights",
            "How do scores become weights, and how sharp should they be?",
        ),
        Lesson(
            4,
            "weighted_sum",
            "Mix values by weight",
            "What can a weighted sum express, and what can it not?",
        ),
        Lesson(
            5,
            "scaled_dot_product_attention",
            "Scale the dot product",
            "Why divide by the square root of the dimension?",
        ),
    ),
    "Sequences attend": (
        Lesson(
            6,
            "masks",
            "Choose what may be seen",
            "How is a position kept from seeing what it must not see?",
        ),
        Lesson(
            7,
            "self_and_cross_attention",
            "Let a sequence attend to itself, and to another",
            "Who asks, and who is asked?",
        ),
        Lesson(
            8,
            "positions",
            "Tell positions apart",
            "How does attention learn where a token stands?",
        ),
        Lesson(
            9,
            "multi_head_attention",
            "Split attention into heads",
            "What can two heads do that one cannot?",
        ),
    ),
    "Attention learns": (
        Lesson(
            10,
            "backward",
            "Send gradients back",
            "How do the weights learn where to look?",
        ),
        Lesson(
            11,
            "seq2seq",
            "Translate with and without attention",
            "What does attention gain on long sequences, measured?",
        ),
        Lesson(
            12,
            "transformer",
            "Stack a transformer",
            "What does each part of a transformer contribute?",
        ),
    ),
    "Attention at scale": (
        Lesson(
            13,
            "variants",
            "Attend hard, locally, sparsely, by levels",
            "Which pairs may be left out, and at what price?",
        ),
        Lesson(
            14,
            "efficiency",
            "Make attention cheap",
            "Where do time and memory go, and how are they saved?",
        ),
    ),
    "Look inside": (
        Lesson(
            15,
            "interpretability",
            "Ask what the weights explain",
            "Do the weights say why the model answered so?",
        ),
        Lesson(
            16,
            "encoder",
            "Search by meaning with a published encoder",
            "How do you find a text by what it means, when no word of it matches?",
        ),
        Lesson(
            17,
            "language_model",
            "Write with a published language model",
            "Does a published language model run on the attention that you wrote?",
        ),
    ),
}

LESSONS: tuple[Lesson, ...] = tuple(x for part in PARTS.values() for x in part)
