"""Say where a function of several stages goes off: which stage is the first not right.

A stage is right if the worked solution has it too. That one is the first which is not
is more than a guess: with a value of the worked solution in its place, all that follows
comes out right, in all cases.

The grader uses this module inside its sandbox, so it imports nothing of the course but
its neighbours there.
"""

import ast
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from course_utils.checks.compare import alike
from course_utils.checks.look import quietly
from course_utils.checks.memory_limit import memory_limit
from course_utils.checks.nodes import called
from course_utils.checks.places import Place, place_of_node
from course_utils.checks.repair import MEMORY, Given, Trial, watch_loops
from course_utils.checks.source import Source
from course_utils.checks.steps import Step, watched

MOST_LINES = 3  # that a mistake may lie in, for its place to be worth telling
SECONDS = 0.5  # of CPU time, when to give up
Values = dict[int, np.ndarray]  # of a function's steps, by number, in one case


@dataclass(frozen=True)
class Stage(Place):
    """The first stage of an answer that is not right.

    - `line`, `text`, `start`, `stop`: where it is, as in any place.
    - `name`: what it is called; nothing if it is what the answer returns.
    - `right`, `right_line`: the stage before, which is right, if there is one.
    - `first`: the first line in which the mistake may be.
    - `shapes`: its own in a small case and the right one, if they differ.
    """

    line: int
    text: str
    start: int
    stop: int
    name: str
    right: str
    right_line: int
    first: int
    shapes: tuple[tuple[int, ...], ...]

    @property
    def lead(self) -> str:
        """Say which stage is right, and which is the first that is not."""
        if not self.right:
            return f"`{self.name}` is the first that differs from the worked solution"
        at = f" (line {self.line})"
        wrong = f"`{self.name}`{at} is the first that" if self.name else "what follows"
        known = f"`{self.right}` (line {self.right_line})"
        return f"{known} is right, as in the worked solution; {wrong} is not"

    @property
    def question(self) -> str:
        """Say what is known of the stage."""
        said = []
        if self.shapes:
            yours, wanted = self.shapes
            said += [f"in a small case its shape is {yours}, and {wanted} is right"]
        if self.name:
            said += [f"with the right `{self.name}`, all that follows comes out right"]
        if self.first < self.line:
            said += [f"the mistake may be as early as in line {self.first}"]
        return "; ".join(said) + "." if said else "what is still to be done there?"


def first_wrong(
    function: Callable,
    cases: list[Given],
    stages: list[list[np.ndarray]],
    *,
    keeps_dtype: bool = False,
    seconds: float = SECONDS,
) -> Stage | None:
    """Return the first stage of a wrong function that is not right, if it is sure.

    - `function`: somebody's answer, whose source is at hand.
    - `cases`: what it is tried on.
    - `stages`: what the worked solution has on its way, in each case alike.
    - `keeps_dtype`: whether the result must have the dtype that is expected.
    - `seconds`: of CPU time, when to give up.
    """
    end = time.process_time() + seconds
    with quietly(), memory_limit(MEMORY):
        run = _Run(function, keeps_dtype)
        if len(run.steps) < 2 or not stages or not stages[0]:
            return None
        pairs = sorted(
            zip(cases, stages, strict=True), key=lambda x: sum(a.size for a in x[0][0])
        )
        return _told(run, [x for x, _ in pairs], [x for _, x in pairs], end)


def _told(
    run: "_Run", cases: list[Given], stages: list[list[np.ndarray]], end: float
) -> Stage | None:
    seen = [run.values(x) for x in cases if time.process_time() < end]
    if len(seen) < len(cases) or not run.went_wrong:
        return None
    right = {k for k in range(len(run.steps)) if run.is_right(k, seen, stages)}
    right -= {k for k in right if run.is_idle(k, seen)}  # it was to do something
    passed = []
    for k, step in enumerate(run.steps):
        if k in right or (step.name and _only_begins(step, [x.get(k) for x in seen])):
            passed.append(k)
            continue
        i = run.cure(k, cases, stages, end) if step.name else None
        if step.name and i is None:
            continue
        cures = {j: run.cure(j, cases, stages, end) for j in passed}
        doubtful = {j for j in passed if _is_in_doubt(j, cures[j], right, seen, stages)}
        span, known = _slice(run.steps, k, right - doubtful)
        if doubtful - span or time.process_time() > end:
            return None
        known = [j for j in known if seen[0][j].ndim]
        if i is None:
            is_sure = run.returns_once and any(_is_new(j, seen) for j in known)
            return _place(run, k, span, known) if is_sure else None
        last = run.idle_after(k, i, cases, stages, seen)
        shapes = seen[0][k].shape, stages[0][i].shape
        shown = shapes if all(shapes) and last == k else ()
        return _place(run, last, span | {last}, known, shown)
    return None


class _Run:
    """A function whose steps are noted, and may be given other values.

    - `function`: somebody's answer.
    """

    def __init__(self, function: Callable, keeps_dtype: bool) -> None:
        source = Source(function)
        self.lines, self.steps, self.returns_once = source.lines, [], False
        self._keeps_dtype, self.went_wrong = keeps_dtype, False
        self.helpers: list[ast.FunctionDef] = []  # defined inside
        own = source.tree.body[-1] if source.tree else None
        if isinstance(own, ast.FunctionDef):
            returns = [x for x in ast.walk(own) if isinstance(x, ast.Return)]
            self.returns_once = returns == own.body[-1:]
            self.helpers = [x for x in own.body if isinstance(x, ast.FunctionDef)]
            code = function.__code__
            local = {*code.co_varnames, *code.co_cellvars}
            self.steps = watched(own, local)
            self._trial = Trial(source, keeps_dtype, {"_note": self._note})
            watch_loops(source.tree)
            self._function = self._trial.made()
        self._noted: Values = {}
        self._instead: Values = {}

    def values(self, case: Given) -> Values:
        """Return what the steps are worth in a case."""
        self._noted, self._instead = {}, {}
        self.went_wrong |= not self._trial.holds(self._function, case)
        return self._noted

    def is_right(
        self, k: int, seen: list[Values], stages: list[list[np.ndarray]]
    ) -> bool:
        """Whether a step is the same stage of the worked solution in all cases."""
        if not all(k in x for x in seen):
            return False
        pairs = list(zip(seen, stages, strict=True))
        return any(
            all(same(x[k], y[i], self._keeps_dtype) for x, y in pairs)
            for i in range(len(stages[0]))
        )

    def cure(
        self, k: int, cases: list[Given], stages: list[list[np.ndarray]], end: float
    ) -> int | None:
        """Return which stage makes all right in place of a step."""
        self.values(cases[0])
        shape = np.shape(self._noted.get(k))
        order = sorted(range(len(stages[0])), key=lambda i: stages[0][i].shape != shape)
        for i in order:
            if time.process_time() > end:
                return None
            if all(
                self._holds_with(k, others[i], case)
                for case, others in zip(cases, stages, strict=True)
            ):
                return i
        return None

    def idle_after(
        self,
        k: int,
        i: int,
        cases: list[Given],
        stages: list[list[np.ndarray]],
        seen: list[Values],
    ) -> int:
        """Return the last step that has nothing left to do once a step is cured.

        It was to do what is missing: so the mistake may be there as well.
        """
        last, idle = k, dict.fromkeys(range(k + 1, len(self.steps)), True)
        changes = set()
        for case, others, before in zip(cases, stages, seen, strict=True):
            self._holds_with(k, others[i], case)
            for j in idle:
                was = self._before(j)
                cured = {**self._noted, k: others[i]}
                if was is None or was < k or not {was, j} <= set(cured):
                    idle[j] = False
                    continue
                idle[j] = idle[j] and same(cured[j], cured[was])
                if j in before and was in before and not same(before[j], before[was]):
                    changes.add(j)
        return max([last, *(j for j in changes if idle[j])])

    def is_idle(self, k: int, seen: list[Values]) -> bool:
        """Whether a step leaves a value as it was, in all cases."""
        was = self._before(k)
        return all(was in x and same(x[was], x[k]) for x in seen)

    def _before(self, j: int) -> int | None:
        """Return the step before that gave a value to the same name."""
        name = self.steps[j].name
        earlier = [i for i in range(j) if self.steps[i].name == name]
        return earlier[-1] if name and earlier else None

    def _holds_with(self, k: int, value: np.ndarray, case: Given) -> bool:
        self._noted, self._instead = {}, {k: value}
        return self._trial.holds(self._function, case)

    def _note(self, k: int, value: object) -> object:
        self._noted.pop(k, None)
        with suppress(Exception):  # a list of anything
            array = np.array(value)
            if array.dtype.kind in "biuf":
                self._noted[k] = array
        if k not in self._instead:
            return value
        other = self._instead[k]
        if isinstance(value, list | tuple):
            return list(other) if other.ndim else other.item()
        return other.copy() if other.ndim else other.item()


def same(one: np.ndarray, other: np.ndarray, keeps_dtype: bool = False) -> bool:
    """Whether two arrays are the same stage."""
    kinds = one.dtype.kind, other.dtype.kind
    if one.shape != other.shape or kinds.count("b") == 1:
        return False
    if keeps_dtype and one.dtype != other.dtype:
        return False
    return alike(one, other)


def _only_begins(step: Step, values: list[np.ndarray | None]) -> bool:
    """Whether a step makes room or has one number all over, or was never reached."""
    if called(getattr(step.node, "value", None)) in ("empty", "empty_like"):
        return True
    there = [x for x in values if x is not None]
    numbers = {x.flat[0] for x in there if x.size}
    return len(numbers) < 2 and all((x == x.flat[0]).all() for x in there if x.size)


def _is_new(k: int, seen: list[Values]) -> bool:
    """Whether a step is not in all cases what a step before it was already."""
    return not any(all(i in x and same(x[i], x[k]) for x in seen) for i in range(k))


def _is_in_doubt(
    k: int,
    i: int | None,
    right: set[int],
    seen: list[Values],
    stages: list[list[np.ndarray]],
) -> bool:
    """Whether the mistake may be in a step that was passed.

    Another stage there makes all right too, and the step is hardly what it was to be:
    it only begins something, or was there before, or has another shape.
    """
    if i is None:
        return False
    is_alike = k in right and stages[0][i].shape == seen[0][k].shape
    return not is_alike or not _is_new(k, seen)


def _slice(steps: list[Step], k: int, right: set[int]) -> tuple[set[int], list[int]]:
    """Return the steps in which the mistake lies, and the right ones they build on."""
    span, known, left = {k}, set(), [k]
    while left:
        one = left.pop()
        for name in steps[one].reads:
            of_name = [
                i
                for i in range(one)
                if steps[i].name == name and steps[i].node is not steps[one].node
            ]
            if of_name and of_name[-1] in right:
                known.add(of_name[-1])
            elif of_name and of_name[-1] not in span:
                span.add(of_name[-1])
                left.append(of_name[-1])
    return span, sorted(known)


def _place(
    run: _Run,
    k: int,
    span: set[int],
    known: list[int],
    shapes: tuple[tuple[int, ...], ...] = (),
) -> Stage | None:
    """Return what to say of a step, unless it says no more than: look at all of it."""
    steps = run.steps
    nodes = {id(steps[i].node): steps[i].node for i in span}
    others = {id(x.node) for x in steps} - set(nodes)
    lines = {x.lineno for x in nodes.values()}
    if any(x.name in steps[i].reads for x in run.helpers for i in span):
        lines |= {x.lineno for x in run.helpers}
    if not others or len(nodes) > MOST_LINES:
        return None
    last = steps[known[-1]] if known else None
    return Stage(
        *place_of_node(_mark(steps[k]), run.lines),
        name=steps[k].name,
        right=last.name if last else "",
        right_line=last.node.lineno if last else 0,
        first=min(lines),
        shapes=shapes if len(set(shapes)) == 2 else (),
    )


def _mark(step: Step) -> ast.AST:
    """Return what of a step to look at: where it gets its value at last."""
    named = [x for x in ast.walk(step.node) if isinstance(x, ast.Name)]
    own = [x for x in named if x.id == step.name]
    stored = [x for x in own if isinstance(x.ctx, ast.Store)]
    if not own:
        return step.node
    return max(stored or own, key=lambda x: x.lineno) if len(own) > 1 else own[0]
