"""Answers as learners write them: wrong ones with their diagnosis, and odd right ones.

They were written from the texts of the exercises alone, before anybody looked at what the
feedback says to them. The body of an answer stands here without its first line, which the
exercise gives.
"""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

TEXTS = Path(__file__).resolve().parents[3] / "source" / "exercises"


@dataclass(frozen=True)
class Answer:
    """A learner's answer; if wrong, what is wrong with it, and where.

    Any of `lines` (parts of the source) may be pointed at. `says` is part of a sentence
    that tells the true diagnosis, and was read and accepted by a person.
    """

    body: str
    diagnosis: str = ""
    lines: tuple[str, ...] = ()
    says: str = ""

    @property
    def is_right(self) -> bool:
        return not self.diagnosis


def wrong(diagnosis, lines, body, says="") -> Answer:
    """Return a wrong answer; `lines` is one part of its source, or a tuple of several."""
    lines = (lines,) if isinstance(lines, str) else lines
    return Answer(body.strip("\n"), diagnosis, lines, says)


def right(body) -> Answer:
    return Answer(body.strip("\n"))


@cache
def signatures(lesson: int) -> dict[str, str]:
    """Return the first line of each exercise, as the learner finds it."""
    (file,) = TEXTS.glob(f"{lesson:02}_*.py")
    heads = re.findall(r"^(def (\w+)\([^)]*\):)", file.read_text(), re.M)
    return {name: " ".join(head.split()) for head, name in heads}


def answers(lesson: int) -> list[tuple[str, Answer, str]]:
    """Return the name of the exercise, the answer, and its whole code."""
    heads = signatures(lesson)
    listed = import_module(f"held_out.lesson_{lesson:02}").ANSWERS
    return [
        (name, answer, f"{heads[name]}\n{textwrap.indent(answer.body, '    ')}\n")
        for name, group in listed.items()
        for answer in group
    ]
