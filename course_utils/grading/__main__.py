"""Grade notebooks: python3 course.py grade PATH ..."""

import argparse
import secrets
import sys
from pathlib import Path

from tqdm import tqdm

from course_utils.checks.judge import Verdict, judge
from course_utils.grading.child import Child
from course_utils.grading.submission import SubmissionError, read


def grade(path: Path) -> list[Verdict]:
    """Return a verdict on each exercise of the lesson that a notebook answers.

    Raises SubmissionError if the notebook cannot be read.
    """
    submission = read(path)
    with Child(submission.cells) as child:
        return [
            judge(exercise, child.answer(exercise.name), secrets.randbelow(2**32))
            for exercise in submission.exercises
        ]


def notebooks(paths: list[Path]) -> list[Path]:
    """Return the notebooks among the paths, and all those in folders among them."""
    found = []
    for path in paths:
        inside = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        found += [x for x in inside if ".ipynb_checkpoints" not in x.parts]
    return found


def table(path: Path, verdicts: list[Verdict]) -> str:
    """Return a notebook's points and one line of feedback for each exercise."""
    of = sum(verdict.exercise.points for verdict in verdicts)
    mine = sum(verdict.points for verdict in verdicts)
    width = max(len(verdict.exercise.name) for verdict in verdicts)
    lines = [f"{path}: {mine} of {of} points"]
    for verdict in verdicts:
        points = f"{verdict.points} of {verdict.exercise.points}"
        name = verdict.exercise.name
        lines.append(f"  {name:<{width}}  {points}  {verdict.message}")
    return "\n".join(lines)


def main() -> int:
    """Grade what the command line names; missing points are no failure."""
    parser = argparse.ArgumentParser(
        prog="course.py grade", description="Grade notebooks and folders of them."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    paths = parser.parse_args().paths
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        parser.error(f"there is no {', '.join(missing)}")
    found = notebooks(paths)
    if not found:
        parser.error(f"there is no notebook in {', '.join(map(str, paths))}")
    lines = []
    for path in tqdm(found, desc="grade", unit="notebook", leave=False, disable=None):
        try:
            lines.append(table(path, grade(path)))
        except SubmissionError as error:
            lines.append(f"{path}: not graded: it {error}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
