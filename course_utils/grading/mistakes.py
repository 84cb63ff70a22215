"""What a mistake is called, so that those of a class can be counted."""

import re
from typing import Any

import numpy as np

from course_utils.checks.asking import Case
from course_utils.checks.feedback import shown
from course_utils.checks.judge import Verdict
from course_utils.checks.repair import Found

MOST_SHOWN = 400  # characters of an array
# What is said of numbers differs from input to input, and is one mistake.
GENERAL = (
    (r"the shape is .*", "the result has the wrong shape"),
    (r"the numbers differ.*", "the numbers differ, in no way that has a name"),
    (r"\d+ of \d+ entries (?:is|are) wrong.*", "some entries are wrong"),
    (r"it returns -?[\d.]+, expected .*", "it returns another number"),
    (r"it did not finish .*", "it does not finish in time"),
    (r"(?:it )?raises (an error of its own|\w+).*", r"it raises \1"),
)
DETAILS = re.compile(r"; (?:it reads `|for other inputs ).*")


def name_of(verdict: Verdict) -> str:
    """Return what to call the mistake of a wrong answer.

    - `verdict`: on the answer.

    What the exercise lists stands first, then the kind of change that makes the answer
    right, then what is wrong with the numbers.
    """
    said = DETAILS.sub("", verdict.message)
    if isinstance(verdict.found, Found) and not verdict.is_named:
        return f"one {verdict.found.kind} to change: {verdict.found.question}"
    for pattern, name in () if verdict.is_named else GENERAL:
        if found := re.fullmatch(pattern, said, re.S):
            return found.expand(name)
    return re.sub("“[^”]*”", "…", said)  # somebody's own words are nobody else's


def example_of(case: Case | None) -> dict[str, Any] | None:
    """Return the case that shows a mistake, in words that JSON can hold.

    - `case`: the smallest one, if there is one.
    """
    if case is None:
        return None
    given = {name: text_of(x) for name, x in case.arguments.items()}
    if case.changed:
        came = f"changes `{case.changed[0]}` to {text_of(case.changed[1])}"
    else:
        came = "" if case.yours is None else text_of(case.yours)
    size = sum(x.size for x in case.arguments.values())
    return {
        "given": given,
        "expected": text_of(case.expected),
        "came": came,
        "size": size,
    }


def text_of(array: np.ndarray) -> str:
    """Return an array as a text that is not long."""
    text = shown(array, 30)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + " …"
