"""Find the line of a wrong answer: try single edits of it until one makes it right.

Where one small change makes a function right, the mistake is known, and so is its
place. Singh, Gulwani and Solar-Lezama (Automated Feedback Generation for Introductory
Programming Assignments, PLDI 2013) search corrections that rules allow, an error model,
by synthesis, and judge them by a reference implementation. Gulwani, Radiček and Zuleger
(Automated Clustering and Program Repair for Introductory Programming Assignments, PLDI
2018) take repairs from other learners' right programs. Here the functions are short and
the rules are few, so every single edit is tried on fresh inputs, the likely ones first.

The grader uses this module inside its sandbox, so it imports nothing of the course but
its neighbours there.
"""

import ast
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from course_utils.checks.compare import agrees
from course_utils.checks.edit_statements import ADDED, step_of
from course_utils.checks.edits import QUESTIONS, Edit, edits
from course_utils.checks.look import numbers, quietly
from course_utils.checks.memory_limit import memory_limit
from course_utils.checks.places import Place, place_between, place_of_node
from course_utils.checks.source import Source

Given = tuple[list[np.ndarray], np.ndarray]  # arguments, and what is expected of them
MOST_TURNS = 20_000  # of all loops, in one call of an answer
TURNS = 2_000  # of an edited one, or ten times what the answer itself needs
MEMORY = 1 << 28  # bytes that it may take
COPIES = ("copy", "assignment")  # kinds that leave an array as it was
BETWEEN = ("operator", "comparison", "order")  # kinds of edits that are about a mark


@dataclass(frozen=True)
class Found(Place):
    """Where one change makes an answer right.

    - `kind`: a key of QUESTIONS.
    - `line`: the number of the line, from 1.
    - `text`: the line.
    - `start`, `stop`: which part of the text to look at.
    """

    kind: str
    line: int
    text: str
    start: int
    stop: int

    lead = "one change makes it right"

    @property
    def question(self) -> str:
        """What a teacher would ask about the place."""
        return QUESTIONS[self.kind]


class _OverError(BaseException):
    """A loop does not end; not caught by what a learner catches."""


def search(
    function: Callable,
    cases: list[Given],
    more: Iterable[list[Given]] = (),
    *,
    steps: tuple[str, ...] = (),
    keeps_dtype: bool = False,
    seconds: float = 1.5,
) -> Found | None:
    """Return the likeliest single edit that makes a wrong function right.

    - `function`: somebody's answer, whose source is at hand.
    - `cases`: what it is tried on.
    - `more`: further cases, on which an edit must hold too: by chance none does.
    - `steps`: names of NumPy's functions that the exercise is about.
    - `keeps_dtype`: whether the result must have the dtype that is expected.
    - `seconds`: of CPU time, when to give up.

    Returns None if there is no such edit, or none that was found in time.
    """
    end = time.process_time() + seconds
    with quietly(), memory_limit(MEMORY):
        trial = Trial(Source(function), keeps_dtype)
        if trial.source.tree is None:
            return None
        tried = trial.edits(steps)
        cases = trial.sorted(cases)
        if trial.only_changes:
            tried = sorted(tried, key=lambda x: x.kind not in COPIES)
        for i, edit in enumerate(tried if cases else ()):
            if i % 16 == 0 and time.process_time() > end:
                return None
            if trial.is_right(edit, cases) and all(
                trial.is_right(edit, others) for others in more
            ):
                return _found(edit, trial.source.lines)
    return None


class Trial:
    """One function, and what its edits do.

    - `source`: its code.
    - `keeps_dtype`: whether the result must have the dtype that is expected.
    - `known`: what its code may use beyond what the function knows.

    `only_changes` says whether nothing is wrong but that it changes its arguments.
    """

    def __init__(
        self,
        source: Source,
        keeps_dtype: bool,
        known: dict[str, Callable] | None = None,
    ) -> None:
        self.source = source
        self._known = {"_np": np, "_tick": self._tick, ADDED: self._added}
        self._known |= known or {}
        self._keeps_dtype = keeps_dtype
        self._turns = self._left = MOST_TURNS
        self._changes = False  # its arguments, when it was called last
        self.only_changes = True
        self._edit: Edit | None = None
        self._edited: Callable | None = None

    def sorted(self, cases: list[Given]) -> list[Given]:
        """Return the cases, the smallest that goes wrong first; none if none does."""
        wrong, right, most = [], [], 0
        function = self.made()
        for case in sorted(cases, key=lambda x: sum(a.size for a in x[0])):
            is_endless = self._left < 0
            is_right = not is_endless and self.holds(function, case)
            (right if is_right else wrong).append(case)
            self.only_changes &= is_right or (self._changes and not is_endless)
            most = max(most, self._turns - self._left if self._left >= 0 else 0)
        self._turns = max(TURNS, 10 * most)
        return wrong + right if wrong else []

    def edits(self, steps: tuple[str, ...]) -> Iterator[Edit]:
        """Return all edits; from now on the turns of loops are counted."""
        found = edits(self.source.tree, steps)
        watch_loops(self.source.tree)
        return map(_watched, found)

    def is_right(self, edit: Edit, cases: list[Given]) -> bool:
        """Whether the edited function does in all cases what is expected."""
        before, self._edit = self._edit, edit
        if not (before and before.step and before.new is edit.new):
            self._edited = self._made_with(edit)
        edited = self._edited
        return edited is not None and all(self.holds(edited, x) for x in cases)

    def _made_with(self, edit: Edit) -> Callable | None:
        undo = edit.swap()
        try:
            return self.made()
        except Exception:  # it is no code, or a default does not work
            return None
        finally:
            undo()

    def made(self) -> Callable:
        """Return the function as its code stands at the moment."""
        names = self.source.outside | self._known
        exec(compile(self.source.tree, "<edited>", "exec"), names)
        return names[self.source.name]

    def holds(self, function: Callable, case: Given) -> bool:
        """Whether a function does in a case what is expected."""
        given = [x.copy("K") if x.ndim else x.item() for x in case[0]]
        self._left, self._changes = self._turns, False
        try:
            yours = numbers(function(*given))
        except (Exception, SystemExit, _OverError):
            return False
        if isinstance(yours, str) or not agrees(yours, case[1], self._keeps_dtype):
            return False
        self._changes = any(
            was.tobytes() != np.asarray(now).tobytes()
            for was, now in zip(case[0], given, strict=True)
            if was.ndim
        )
        return not self._changes

    def _added(self, *values: object) -> object:
        """Take the step that the present edit adds."""
        return step_of(self._edit.step)(*values)

    def _tick(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _OverError


def watch_loops(tree: ast.AST) -> None:
    """Let each turn of a loop be counted, once."""
    for x in ast.walk(tree):
        if isinstance(x, ast.For | ast.While) and not isinstance(x.body[0], _Tick):
            tick = _Tick(ast.Call(ast.Name("_tick", ast.Load()), [], []))
            x.body.insert(0, ast.fix_missing_locations(ast.copy_location(tick, x)))


class _Tick(ast.Expr):
    """Counts a turn of a loop."""


def _watched(edit: Edit) -> Edit:
    """Let the turns of loops be counted that an edit makes."""
    if edit.kind == "block":
        watch_loops(edit.new)
    return edit


def _found(edit: Edit, lines: list[str]) -> Found:
    node = edit.place or edit.old
    if edit.kind in BETWEEN and isinstance(node, ast.BinOp | ast.Compare):
        return Found(edit.kind, *place_between(*_mark_between(node, lines), lines))
    return Found(edit.kind, *place_of_node(node, lines))


def _mark_between(
    node: ast.BinOp | ast.Compare, lines: list[str]
) -> tuple[int, int, int]:
    """Return the line of an operator, where it starts and where it stops."""
    left = node.left
    right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
    for line in range(left.end_lineno, right.lineno + 1):
        whole = lines[line - 1].encode()
        first = left.end_col_offset if line == left.end_lineno else 0
        last = right.col_offset if line == right.lineno else len(whole)
        between = whole[first:last].split(b"#")[0]
        mark = between.strip(b" ()\t\n\\")
        if mark:
            start = first + between.index(mark)
            return line, start, start + len(mark)
    return node.lineno, node.col_offset, node.end_col_offset
