"""What learners hand in, for tests of whole runs of a grader."""

import ast
import inspect
from pathlib import Path

import nbformat

from course_utils.exercises import exercises_of
from course_utils.exercises.exercise import Exercise, Misconception


def half_right(
    exercises: Path, solutions: Path
) -> tuple[nbformat.NotebookNode, str | None]:
    """Return a notebook that is half right, and the sentence that it should get.

    The first answer that can be is a misconception, if any can; of the others, every
    second one is right, and the rest untouched.

    - `exercises`, `solutions`: the notebooks as handed out, and solved.
    """
    made = nbformat.read(exercises, as_version=4)
    solved = {x.id: x.source for x in nbformat.read(solutions, as_version=4).cells}
    asked = exercises_of(int(exercises.name[:2]))
    pairs = ((x, m) for x in asked for m in to_write(x))
    mistaken, mistake = next(pairs, (None, None))
    right = [x for x in asked if x is not mistaken][::2]
    cells = {cell.id: cell for cell in made.cells}
    if mistaken:
        wrong = f"import math\n{mistaken.name} = {_source(mistake)}"
        cells[mistaken.name].source = wrong
    for x in right:
        cells[x.name].source = solved[x.name]
    return made, mistake.says if mistake else None


def to_write(exercise: Exercise) -> list[Misconception]:
    """Return the misconceptions that are one line of Python and NumPy."""
    found = []
    for one in exercise.misconceptions:
        used = inspect.getclosurevars(one.wrong)
        names = {*used.globals, *used.nonlocals}
        if one.wrong.__name__ == "<lambda>" and names <= {"np", "math"}:
            found.append(one)
    return found


def _source(mistake: Misconception) -> str:
    """Return the text of the lambda that makes a mistake."""
    tree = ast.parse(Path(inspect.getsourcefile(mistake.wrong)).read_text("utf-8"))
    line = mistake.wrong.__code__.co_firstlineno
    lambdas = (x for x in ast.walk(tree) if isinstance(x, ast.Lambda))
    return ast.unparse(next(x for x in lambdas if x.lineno == line))
