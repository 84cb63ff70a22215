"""Answers that are the same once names, comments and layout are left out.

Tokens are compared, not trees: to read them needs no recursion, whatever was handed in.
"""

import builtins
import io
import keyword
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from course_utils.grading.collect import content
from course_utils.grading.entry import Entry
from course_utils.grading.submission import SubmissionError, read, text_of

MOST = 4  # learners who wrote a form that is still worth a look
SHORT = 25  # tokens: with fewer, many write the same
MOST_LINES = 400  # of an answer that is read
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
MARKS = {tokenize.NEWLINE: "\n", tokenize.INDENT: "{", tokenize.DEDENT: "}"}
KEPT = {*keyword.kwlist, *dir(builtins)}


@dataclass(frozen=True)
class Shared:
    """An answer that two wrote.

    - `count`: how many of the class wrote this form, of so many `answers`.
    """

    exercise: str
    count: int
    answers: int


@dataclass(frozen=True)
class Pair:
    """Two learners with identical answers, and what these are."""

    names: tuple[str, str]
    shared: list[Shared]


def pairs(groups: dict[str, list[Entry]]) -> list[Pair]:
    """Return who wrote the same as somebody else, those with most in common first.

    - `groups`: what each learner handed in, by name; it is read once more.
    """
    forms: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, entries in groups.items():
        for one in entries:
            for exercise, form in _forms(one) if one.counts and one.verdict else ():
                forms[exercise][form].add(name)
    found: dict[tuple[str, str], list[Shared]] = defaultdict(list)
    for exercise, by_form in forms.items():
        answers = len(set().union(*by_form.values()))
        for who in by_form.values():
            if 2 <= len(who) <= MOST:
                for pair in combinations(sorted(who), 2):
                    found[pair].append(Shared(exercise, len(who), answers))
    together = [Pair(names, shared) for names, shared in found.items()]
    return sorted(together, key=lambda x: (-len(x.shared), x.names))


def _forms(one: Entry) -> Iterator[tuple[str, str]]:
    """Yield the exercises that a notebook answers, with the form of each answer."""
    data = content(one.path)
    if isinstance(data, str):
        return
    try:
        submission = read(data)
    except SubmissionError:
        return
    for exercise in submission.exercises:
        form = form_of(text_of(submission.cells, exercise.name), exercise.name)
        if form is not None:
            yield exercise.name, form


def form_of(code: str, name: str) -> str | None:
    """Return a function without its names, comments and layout.

    - `code`: begins with the function; what follows it is left out.
    - `name`: of the function, which stays.

    Returns None for what cannot be read, and for what is too short to tell anything.
    """
    said: dict[str, str] = {}
    words: list[str] = []
    try:
        for kind, text in _tokens(code):
            is_own = kind == tokenize.NAME and text not in KEPT and text != name
            if is_own and words[-1:] != ["."]:
                text = said.setdefault(text, f"v{len(said)}")
            words.append(text)
    except (tokenize.TokenError, SyntaxError):
        return None
    return " ".join(words) if len(words) >= SHORT else None


def _tokens(code: str) -> Iterator[tuple[int, str]]:
    """Yield the tokens of the first function, without comments and lone texts."""
    lines = io.StringIO("".join(code.splitlines(keepends=True)[:MOST_LINES]))
    depth, line = 0, []
    for token in tokenize.generate_tokens(lines.readline):
        if token.type in LAYOUT:
            continue
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        line.append((token.type, MARKS.get(token.type, token.string)))
        if token.type == tokenize.NEWLINE:
            plain = [kind for kind, _ in line if kind != tokenize.INDENT]
            is_text = plain == [tokenize.STRING, tokenize.NEWLINE]
            yield from (x for x in line if not is_text or x[0] == tokenize.INDENT)
            line = []
        if token.type == tokenize.DEDENT and depth == 0:
            return
