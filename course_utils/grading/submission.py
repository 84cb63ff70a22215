"""Read a notebook that somebody hands in."""

import json
import re
from dataclasses import dataclass

from course_utils.exercises import EXERCISES, exercises_of
from course_utils.exercises.exercise import Exercise
from course_utils.grading import given, kinds
from course_utils.grading.wire import MOST_MESSAGE

DEFINED = re.compile(r"^(?:async +)?def +(\w+) *\(", re.M)
CHECKED = re.compile(r"""\bcheck\(\s*["'](\w+)["']""")
NBGRADER = ("metadata", "nbgrader")
MOST = 20 << 20  # bytes of a notebook
PYTHON = re.compile(r"\W*(?:i|x|xeus-|micro|jupyter)?py", re.I)
# Kernels of other languages, where a notebook names no language.
KERNELS = re.compile(
    r"(?:i?julia|x?cpp|xc\b|root\b|ir\b|xr\b|bash\b|zsh\b|calysto|iruby|ruby|i?java|"
    r"kotlin|scala|almond|spylon|toree|sparkr|gophernotes|gonb|rust|evcxr|deno|tslab|"
    r"typescript|node|octave|xoctave|matlab|sas|stata|nbstata|pystata|haskell|"
    r"ocaml|maxima|wolfram|perl|iperl|php|lua|xlua|ilua|xsql|sql|prolog|\.net|csharp|"
    r"fsharp|powershell|clojure|clojupyter|elixir|ielixir|coq|gap|racket|scheme|swift|"
    r"r\b|c\b|go\b)",
    re.I,
)


class SubmissionError(Exception):
    """A submission cannot be read; the message says why, in one line."""


class LessonError(SubmissionError):
    """What was handed in is a lesson of the course."""


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    - `exercises`: the exercises of the lessons that it answers.
    - `cells`: the number and the code of its cells in order, and of a check cell the
      name of its exercise.
    - `is_given`: whether it is the course's own solution.
    """

    exercises: list[Exercise]
    cells: list[tuple[int, str, str | None]]
    is_given: bool = False


def read(data: bytes) -> Submission:
    """Read a notebook, and find out by its exercises which lesson it answers.

    - `data`: the bytes of the file.

    What of it is no text, or not as it should be, is passed over. Nothing checks the
    whole against the format: of what a stranger wrote, that could take minutes.

    Raises SubmissionError if it is too large, no notebook, not in Python, or has no
    exercise of this course, and LessonError if it is a lesson.
    """
    if len(data) > MOST:
        raise SubmissionError(f"is larger than {MOST >> 20} MB")
    notebook, cells = _parsed(data)
    if language := _other_language(notebook):
        raise SubmissionError(f"is a notebook in {language}, not in Python")
    kind = given.kind_of(notebook, cells)
    if kind == "lesson":
        raise LessonError("is a lesson of the course, not an answer to its exercises")
    code = [cell for cell in cells if _in(cell, "cell_type") == "code"]
    numbered = [
        (i, text, _checked(cell))
        for i, cell in enumerate(code, start=1)
        if (text := _text(cell)).strip()
    ]
    if len(json.dumps(numbered)) > MOST_MESSAGE - 100:
        raise SubmissionError(f"has more than {MOST_MESSAGE >> 20} MB of code")
    ids = {str(_in(cell, *NBGRADER, "grade_id"))[:99] for cell in code}
    names = ids | {name for _, cell, _ in numbered for name in _named(cell)}
    lessons = [EXERCISES[name].lesson for name in names & set(EXERCISES)]
    if not lessons:
        raise SubmissionError("has no exercise of this course in it")
    # Of two lessons with as many exercises each, the first.
    lesson = max(sorted(set(lessons)), key=lessons.count)
    return Submission(exercises_of(lesson), numbered, kind == "solution")


def text_of(cells: list[tuple[int, str, str | None]], name: str) -> str:
    """Return the text of a function where it is defined last, and what follows it.

    - `cells`: of a submission.
    - `name`: of the function.
    """
    start = re.compile(rf"^def +{name} *\(", re.M)
    found = [(cell, at) for _, cell, _ in cells if (at := start.search(cell))]
    return found[-1][0][found[-1][1].start() :] if found else ""


def called_in(cells: list[tuple[int, str, str | None]], name: str) -> list[str]:
    """Return the other exercises that an answer calls, by the names in its text.

    - `cells`: of a submission.
    - `name`: of the exercise that is answered.
    """
    lines = text_of(cells, name).split("\n")[1:]
    ends = (i for i, x in enumerate(lines) if x[:1] not in ("", " ", "\t", ")", "#"))
    body = "\n".join(lines[: next(ends, len(lines))])
    called = dict.fromkeys(re.findall(r"(?<![\w.])(\w+) *\(", body))
    return [x for x in called if x in EXERCISES and x != name]


def _parsed(data: bytes) -> tuple[dict, list]:
    """Return a notebook and its cells."""
    try:
        text = kinds.text_of(data)
    except ValueError as error:
        raise SubmissionError(f"is not a notebook: it {error}") from error
    try:
        notebook = json.loads(text)
        return notebook, _cells(notebook)
    except json.JSONDecodeError as error:
        why = kinds.flaw(text, error.pos)
        raise SubmissionError(f"is not a notebook: it {why}") from error
    except (TypeError, KeyError, ValueError) as error:
        why = "is not a notebook: it is JSON, but has no list of cells"
        raise SubmissionError(why) from error
    except RecursionError as error:
        raise SubmissionError("is not a notebook: it is nested too deep") from error


def _named(code: str) -> list[str]:
    """Return the names of what a cell defines or checks."""
    return [*DEFINED.findall(code), *CHECKED.findall(code)]


def _checked(cell: dict) -> str | None:
    """Return the name of the exercise that a cell checks by its metadata."""
    name = _in(cell, *NBGRADER, "grade_id") if _in(cell, *NBGRADER, "grade") else None
    return name if isinstance(name, str) and name in EXERCISES else None


def _cells(notebook: dict) -> list:
    """Return the cells; before nbformat 4 they stood in worksheets."""
    if "worksheets" in notebook:
        return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    return list(notebook["cells"])


def _text(cell: dict) -> str:
    """Return the code of a cell: a text, or its lines."""
    source = cell.get("source", cell.get("input"))
    lines = source if isinstance(source, list) else [source]
    return "".join(x for x in lines if isinstance(x, str))


def _other_language(notebook: dict) -> str | None:
    """Return the language of a notebook, or its kernel, if that is not Python."""
    metadata = ("kernelspec", "language"), ("language_info", "name")
    said = [_in(notebook, "metadata", *keys) for keys in metadata]
    languages = [x for x in said if isinstance(x, str) and x.strip()]
    kernel = _in(notebook, "metadata", "kernelspec", "name")
    if not languages and isinstance(kernel, str) and KERNELS.match(kernel):
        languages = [kernel]
    if not languages or PYTHON.match(languages[0]):
        return None
    return re.sub(r"[^\w+#. -]", "", languages[0])[:20] or "another language"


def _in(tree: object, *keys: str) -> object:
    """Return what stands there in a tree of dictionaries, or None."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
