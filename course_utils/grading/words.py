"""What of a submission's own words may stand in a message of the grader.

Once a submission has seen hidden inputs, its words could carry them to the page that
its author gets. So from then on only what Python, NumPy and the system say by
themselves is shown, with names from the submission's own code, and without values.
"""

import builtins
import errno
import keyword
import os
import re
from functools import cache, cached_property

import numpy as np

from course_utils.checks.edits import QUESTIONS
from course_utils.checks.look import MASKED, in_words, no_numbers
from course_utils.checks.repair import Found
from course_utils.checks.stages import Stage

MOST_SHOWN = 200  # characters
MOST_AXES, MOST_LENGTH = 4, 100  # of a shape
NUMBER = re.compile(r"(?<![\w.])\d+\.?\d*(?:e[+-]?\d+)?(?![\w.])")
OF_NUMPY = {"AxisError", "LinAlgError", "UFuncTypeError", "DTypePromotionError"}
OTHERS = {"UsageError", "CalledProcessError"}  # of IPython, of subprocess
TYPES = {"NoneType", "coroutine", "function", "generator", "method", "module", "numpy"}
TYPES |= {"DataFrame", "Series", "Tensor"}
# A pattern for each message that is shown: <w> is a name, which must be in the code,
# <n> a number or a shape, <o> an operator, <x> a value, which is left out.
PATTERNS = """
name '<w>' is not defined
cannot access local variable '<w>' where it is not associated with a value
cannot access free variable '<w>' where it is not associated with a value in .*
local variable '<w>' referenced before assignment
the function missing <n> required positional argument<s>: <ws>
the function takes <n> positional argument<s> but <n> <was> given
the function takes from <n> to <n> positional arguments but <n> <was> given
the function got an unexpected keyword argument '<w>'
<w>() missing <n> required positional argument<s>: <ws>
<w>() takes <n> positional argument<s> but <n> <was> given
<w>() takes no arguments
<w>() got an unexpected keyword argument '<w>'
'<d>' object is not callable
'<d>' object is not iterable
'<d>' object is not subscriptable
'<d>' object is not an iterator
'<d>' object is not a mapping
'<d>' object has no attribute '<w>'
'<d>' object does not support item assignment
'<d>' object does not support item deletion
'<d>' object cannot be interpreted as an integer
cannot unpack non-iterable <d> object
module '<d>' has no attribute '<w>'
type object '<w>' has no attribute '<w>'
No module named '<d>'
No module named '<d>'; '<d>' is not a package
cannot import name '<w>' from '<d>' .*
unsupported operand type(s) for <o>: '<d>' and '<d>'
bad operand type for unary <o>: '<d>'
'<o>' not supported between instances of '<d>' and '<d>'
can only concatenate <w> (not "<d>") to <w>
can't multiply sequence by non-int of type '<d>'
object of type '<d>' has no len()
len() of unsized object
argument of type '<d>' is not iterable
not enough values to unpack (expected <n>, got <n>)
too many values to unpack (expected <n>)
list index out of range
tuple index out of range
string index out of range
list assignment index out of range
list indices must be integers or slices, not <d>
tuple indices must be integers or slices, not <d>
only integer scalar arrays can be converted to a scalar index
only length-1 arrays can be converted to Python scalars
only 0-dimensional arrays can be converted to Python scalars
setting an array element with a sequence.
setting an array element with a sequence. The requested array has .*
assignment destination is read-only
output array is read-only
index <x> is out of bounds for axis <n> with size <n>
index <x> is out of bounds for size <n>
too many indices for array: array is <n>-dimensional, but <n> were indexed
boolean index did not match indexed array along axis <n>; .*
only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and .*
arrays used as indices must be of integer (or boolean) type
axis <n> is out of bounds for array of dimension <n>
axes don't match array
repeated axis in transpose
cannot reshape array of size <n> into shape <n>
cannot select an axis to squeeze out which has size not equal to one
operands could not be broadcast together with shapes <ns>
operands could not be broadcast together with remapped shapes .*
could not broadcast input array from shape <n> into shape <n>
non-broadcastable output operand with shape <n> doesn't match the broadcast shape <n>
shapes <n> and <n> not aligned: <n> (dim <n>) != <n> (dim <n>)
matmul: Input operand <n> has a mismatch in its core dimension <n>, with gufunc \
signature <sig> (size <n> is different from <n>)
matmul: Input operand <n> does not have enough dimensions .*
all the input array dimensions except for the concatenation axis must match .*
all the input arrays must have same number of dimensions, but .*
need at least one array to concatenate
need at least one array to stack
all input arrays must have the same shape
zero-size array to reduction operation <w> which has no identity
attempt to get argmax of an empty sequence
attempt to get argmin of an empty sequence
The truth value of an array with more than one element is ambiguous. .*
The truth value of an empty array is ambiguous. .*
einstein sum subscripts string .*
operand has more dimensions than subscripts given in einstein sum, .*
ufunc '<w>' not supported for the input types, .*
ufunc '<w>' output (typecode '<w>') could not be coerced .*
Cannot cast ufunc '<w>' output from dtype('<w>') to dtype('<w>') .*
loop of ufunc does not support argument <n> of type <w> .*
<w>() got multiple values for argument '<w>'
data type '<w>' not understood
Singular matrix
Last <n> dimensions of the array must be square
Unable to allocate <size> for an array with shape <x> and data type <w>
invalid value encountered in <w>
divide by zero encountered in <w>
overflow encountered in <w>
underflow encountered in <w>
Mean of empty slice
Degrees of freedom <= 0 for slice
Casting complex values to real discards the imaginary part
division by zero
float division by zero
integer division or modulo by zero
cannot convert float NaN to integer
cannot convert float infinity to integer
math domain error
math range error
expected a nonnegative input, got <x>
invalid literal for int() with base <n>: <x>
could not convert string to float: <x>
maximum recursion depth exceeded
maximum recursion depth exceeded .*
generator raised StopIteration
an integer is required
can't start new thread
not allowed to raise maximum limit
EOF when reading a line
source code string cannot contain null bytes
Line magic function `%<w>` not found.
Cell magic `%%<w>` not found.
[Errno <n>] <os>
[Errno <n>] <os>: <x>
invalid syntax .*
invalid syntax. .*
unexpected indent .*
expected ':' .*
expected an indented block .*
unindent does not match any outer indentation level .*
inconsistent use of tabs and spaces in indentation .*
unterminated string literal .*
'<o>' was never closed .*
"""
SLOTS = {
    "w": r"(?P<w>\w{1,40})",
    "ws": r"(?P<ws>'\w{1,40}'(?:(?:, | and |, and )'\w{1,40}'){0,9})",
    "d": r"(?P<d>[\w.]{1,80})",
    "n": r"(?:-?\d{1,5}|\((?:\d{1,5}(?:, ?|(?=\)))){0,5}\))",
    "ns": r"(?:\((?:\d{1,5}(?:, ?|(?=\)))){0,5}\) ?){1,3}",
    "s": "s?",
    "was": "(?:was|were)",
    "o": r"[-+*/@%&|^<>=~()a-z]{1,3}(?: or \w{3}\(\)|=)?",
    "x": r"(?P<x>.*)",
    "sig": r"\(n\?,k\),\(k,m\?\)->\(n\?,m\?\)",
    "size": r"[\d.]{1,6} [A-Za-z]{1,5}",
    "os": "(?P<os>[A-Za-z ]{1,60})",
}


def _pattern(line: str) -> re.Pattern:
    pieces = re.split(r"<(\w+)>|(\.\*)$", line)
    text, count = "", 0
    for i, piece in enumerate(pieces):
        if piece is None:
            continue
        if i % 3 == 0:
            text += re.escape(piece)
        elif i % 3 == 1:
            count += 1
            text += SLOTS[piece].replace("(?P<", f"(?P<_{count}_")
        else:
            text += "(?P<rest>.*)"
    return re.compile(text, re.S)


@cache
def _patterns() -> list[re.Pattern]:
    return [_pattern(line) for line in PATTERNS.strip().splitlines()]


@cache
def _of_the_system() -> set[str]:
    return {os.strerror(number) for number in errno.errorcode}


class Words:
    """Tells which words of a submission may be shown.

    - `cells`: the code of its cells.
    """

    def __init__(self, cells: list[str]) -> None:
        self._cells = cells
        whole = "\n".join(cells)
        self._names = {*re.findall(r"\w+", whole), *dir(builtins), *dir(np)}
        self._names |= {*keyword.kwlist, *OF_NUMPY, *OTHERS, *TYPES}
        self._lines = {line.strip()[:MOST_SHOWN] for line in whole.split("\n")}

    @cached_property
    def constants(self) -> tuple[float, ...]:
        """The numbers that are written in the code, with either sign."""
        written = dict.fromkeys(NUMBER.findall("\n".join(self._cells)))
        found = [float(x) for x in written if len(x) < 20]
        return tuple(x for n in found if np.isfinite(n) for x in (n, -n))

    def found(self, said: object) -> Found | Stage | None:
        """Return a place in the code that was found; None if it is no such place."""
        kind, *facts = said if isinstance(said, list) and said else [None]
        if not isinstance(kind, str) or not self._is_place(facts[:4]):
            return None
        if kind == "stage":
            return self._stage(facts)
        return Found(kind, *facts) if kind in QUESTIONS and len(facts) == 4 else None

    def _is_place(self, facts: list) -> bool:
        line, text, start, stop = facts if len(facts) == 4 else [None] * 4
        if not all(type(x) is int for x in (line, start, stop)):
            return False
        lines = [cell.lstrip("\n").split("\n") for cell in self._cells]
        there = {x[line - 1].strip() for x in lines if 0 < line <= len(x)}
        return (
            isinstance(text, str) and text in there and 0 <= start < stop <= len(text)
        )

    def _stage(self, facts: list) -> Stage | None:
        if len(facts) != 9:
            return None
        name, right, right_line, first, shapes = facts[4:]
        known = {*self.names([name, right]), ""}
        names = isinstance(name, str) and isinstance(right, str)
        if not names or not {name, right} <= known or not (name or right):
            return None
        if any(
            type(x) is not int or not 0 <= x <= facts[0] for x in (right_line, first)
        ):
            return None
        if not _are_shapes(shapes):
            return None
        return Stage(*facts[:8], shapes=tuple(map(tuple, shapes)))

    def names(self, said: object) -> tuple[str, ...]:
        """Return those of some names that are in the code."""
        found = said if isinstance(said, list) else []
        return tuple(x for x in found if isinstance(x, str) and x in self._names)

    def raised(self, said: object, *, in_full: bool) -> str:
        """Say what was raised, as in: raises ValueError: math domain error.

        - `said`: the kind of the error, its words, and where it was raised.
        - `in_full`: whether all its words may be shown.
        """
        return f"raises {self._told(said, in_full=in_full)}"

    def warned(self, said: object) -> str:
        """Say what was warned of, in a sentence.

        - `said`: the kind of the warning, its words, and where it came from.
        """
        return f"It warns of {self._told(said, in_full=False)}."

    def _told(self, said: object, *, in_full: bool) -> str:
        kind, words, line, text = _facts(said)
        kind = kind if kind in self._names else "an error of its own"
        shown = self._known(words)
        if in_full and words:
            own = _on_one_line(words[:MOST_SHOWN])
            shown = own if shown else f"“{own}”"
        text = text if text[:MOST_SHOWN] in self._lines else ""
        return in_words(kind, shown or "", line, text)

    def returned(self, said: object) -> str:
        """Say what an answer returned in place of numbers."""
        kind = said if isinstance(said, str) else ""
        dtype = kind.removeprefix("array of ")
        known = dtype in self._names or re.fullmatch(
            r"[<>|]?[a-zA-Z]{1,11}\d{0,4}", dtype
        )
        if kind != dtype:
            return no_numbers(kind if known else "array of something else")
        if kind not in {*self._names, MASKED}:
            return "it returns an object of its own, not an array of numbers"
        return no_numbers(kind)

    def _known(self, words: str) -> str | None:
        """Return words that Python, NumPy or the system says, without values."""
        for pattern in _patterns():
            if match := pattern.fullmatch(words):
                return self._without_values(words, match)
        return None

    def _without_values(self, words: str, match: re.Match) -> str | None:
        hidden = []
        for slot, value in match.groupdict().items():
            kind = slot.rpartition("_")[2]
            if kind in ("x", "rest"):
                hidden.append(match.span(slot))
            elif (kind in ("w", "ws", "d") and not self._are_names(value)) or (
                kind == "os" and value not in _of_the_system()
            ):
                return None
        for start, stop in reversed(hidden):
            words = f"{words[:start]}…{words[stop:]}"
        return words[:MOST_SHOWN]

    def _are_names(self, value: str) -> bool:
        return all(x in self._names for x in re.findall(r"\w+", value))


def _are_shapes(said: object) -> bool:
    """Whether these are two shapes, or none."""
    if not isinstance(said, list) or len(said) not in (0, 2):
        return False
    if any(not isinstance(x, list) or len(x) > MOST_AXES for x in said):
        return False
    return all(type(n) is int and 0 <= n <= MOST_LENGTH for x in said for n in x)


def _on_one_line(words: str) -> str:
    """Return words to be quoted: printable, and with no quotes that could end them."""
    kept = (c if c.isprintable() and c not in "“”" else " " for c in words)
    return " ".join("".join(kept).split())


def _facts(said: object) -> tuple[str, str, int, str]:
    """Return the facts on an error, whatever came in their place."""
    facts = said if isinstance(said, list) and len(said) == 4 else ["", "", 0, ""]
    kind, words, line, text = facts
    return (
        kind if isinstance(kind, str) else "",
        words if isinstance(words, str) else "",
        line if type(line) is int and 0 < line < 10_000 else 0,
        text if isinstance(text, str) else "",
    )
