"""What is said about a verdict, in words and in HTML."""

import re
from functools import cache, lru_cache
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup, escape

from course_utils.checks.grids import grids
from course_utils.checks.judge import Verdict
from course_utils.checks.repair import Found
from course_utils.checks.stages import Stage

MOST_KEPT = 4096  # bytes of an array whose text is kept


class Feedback:
    """A verdict as a notebook shows it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    @property
    def headline(self) -> str:
        """The exercise, right or not yet, and the points, in one line."""
        verdict = self.verdict
        mark = "✓ Right" if verdict.passed else "✗ Not yet"
        of = verdict.exercise.points
        return f"{mark}: {verdict.exercise.name}, {verdict.points} of {of} points"

    def __repr__(self) -> str:
        said = f"{self.headline}\n{told(self.verdict)}"
        return f"{said}\n{self.verdict.found}" if self.verdict.found else said

    def _repr_html_(self) -> str:
        return feedback_html(self.verdict, self.headline)


class FoundLine:
    """Where an answer goes wrong, as a notebook shows it below a verdict.

    - `found`: the place.
    """

    def __init__(self, found: Found | Stage) -> None:
        self._found = found

    def __repr__(self) -> str:
        return str(self._found)

    def _repr_html_(self) -> str:
        return _template("found.html").render(found=self._found)


def feedback_html(verdict: Verdict, headline: str) -> str:
    """Return the feedback on one exercise as a piece of a page."""
    return _template("feedback.html").render(
        verdict=verdict,
        headline=headline,
        message=told(verdict),
        grids=grids(verdict.case) if verdict.case else [],
        show=shown,
    )


@cache
def _template(name: str) -> jinja2.Template:
    pages = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
    )
    pages.filters |= {"code": _code, "sentence": sentence}
    return pages.get_template(name)


def _code(text: str) -> Markup:
    """Show as code what stands between backticks; all else stays text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def told(verdict: Verdict) -> str:
    """Return the message with the remarks, in whole sentences."""
    return f"{sentence(verdict.message)} {verdict.remarks}".rstrip()


def sentence(message: str) -> str:
    """Begin with a capital letter, and end with a full stop."""
    ended = message if message.endswith((".", "?", "!")) else message + "."
    return ended[0].upper() + ended[1:]


def shown(array: np.ndarray, most: int = 60) -> str:
    """Return an array as a text.

    - `array`: to be shown.
    - `most`: numbers that are all written out; of more, some are left out.
    """
    if array.nbytes > MOST_KEPT:
        return _text(array, most)
    return _kept_text(array.tobytes(), array.dtype, array.shape, most)


@lru_cache(maxsize=1024)  # a class is asked the same, and shown the same
def _kept_text(data: bytes, dtype: np.dtype, shape: tuple[int, ...], most: int) -> str:
    return _text(np.frombuffer(data, dtype).reshape(shape), most)


def _text(array: np.ndarray, most: int) -> str:
    return np.array2string(
        array, precision=3, suppress_small=True, max_line_width=60, threshold=most
    )
