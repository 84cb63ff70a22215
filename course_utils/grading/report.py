"""Write down what a class has earned: pages to hand back, and tables to go on with."""

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from course_utils._files import write_whole
from course_utils.exercises import EXERCISES
from course_utils.grading.batch import Handed, load

FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Learner:
    """One learner's notebooks, each with its verdict.

    - `name`: as the folder or the file is called.
    - `notebooks`: pairs of a notebook's name and its verdict.
    """

    name: str
    notebooks: list[tuple[str, dict[str, Any]]]

    @property
    def earned(self) -> dict[str, int]:
        """The points of each exercise: the most of all notebooks."""
        points: dict[str, int] = {}
        for _, said in self.notebooks:
            for x in said["exercises"]:
                points[x["name"]] = max(points.get(x["name"], 0), x["points"])
        return points

    @property
    def points(self) -> int:
        """The sum of the points of all exercises."""
        return sum(self.earned.values())

    @property
    def of(self) -> int:
        """The points of all exercises that the notebooks answer."""
        return sum(EXERCISES[name].points for name in self.earned)

    @property
    def page(self) -> str:
        """The name of the feedback page: short, plain, and nobody else's."""
        slug = re.sub(r"[^A-Za-z0-9._-]+", "_", self.name).strip(".")[:60]
        if slug == self.name:
            return f"{slug}.html"
        return f"{slug}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}.html"


def learners(handed: list[Handed], found: list[Path | dict]) -> Iterator[Learner]:
    """Bring the verdicts together by learner, in order of names.

    - `handed`: the notebooks.
    - `found`: what `grade_all` returned for them.
    """
    by_name = defaultdict(list)
    for one, where in zip(handed, found, strict=True):
        by_name[one.learner].append((one.name, where))
    for name in sorted(by_name):
        yield Learner(name, [(file, load(where)) for file, where in by_name[name]])


def asked(those: list[Learner]) -> list[str]:
    """Return the names of the exercises that the class was asked, in their order."""
    names = {name for one in those for name in one.earned}
    return [name for name in EXERCISES if name in names]


def write_all(folder: Path, everybody: Iterable[Learner], isolation: str) -> None:
    """Write a page a learner, and of the class a page, a CSV and a JSON.

    - `folder`: where all this goes; files of the same names are replaced.
    - `everybody`: the class.
    - `isolation`: what the submissions ran under, in words.
    """
    page, those = _template("learner.html"), []
    for one in everybody:
        shown = page.render(learner=one, isolation=isolation)
        write_whole(folder / "feedback" / one.page, shown.encode())
        for _, said in one.notebooks:
            for x in said["exercises"]:
                del x["feedback"]  # a class of pages would not fit into memory
        those.append(one)
    names = asked(those)
    of = sum(EXERCISES[name].points for name in names)
    write_whole(folder / "class.csv", _table(those, names).encode())
    write_whole(folder / "class.json", _json(those, of, isolation).encode())
    shown = _template("class.html").render(
        learners=those,
        names=names,
        exercises=EXERCISES,
        of=of,
        isolation=isolation,
        histogram=histogram(those, of) if those else "",
    )
    write_whole(folder / "class.html", shown.encode())


def histogram(those: list[Learner], of: int) -> str:
    """Return a picture, as SVG, of how many learners have how many points."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from course_utils.figures.style import BLUE

    points = [one.points for one in those]
    step = max(1, of // 20)
    edges = [x - 0.5 for x in range(0, of + step + 1, step)]
    with rc_context({"svg.hashsalt": "class", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 2.6), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(points, bins=edges, color=BLUE, rwidth=0.9)
        axes.set(xlabel=f"points, of {of}", ylabel="learners")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _table(those: list[Learner], names: list[str]) -> str:
    """Return the class as CSV: a learner a row, an exercise a column."""
    rows = io.StringIO()
    out = csv.writer(rows, lineterminator="\n")
    out.writerow(["learner", "points", *names, "notes", "isolation"])
    for one in those:
        notes = [f"{name}: {x['error']}" for name, x in one.notebooks if x["error"]]
        isolation = "; ".join(sorted({x["isolation"] for _, x in one.notebooks}))
        points = [one.points, *(one.earned.get(name, "") for name in names)]
        said = _harmless("; ".join(notes))
        out.writerow([_harmless(one.name), *points, said, isolation])
    return rows.getvalue()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking somebody's file name for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _json(those: list[Learner], of: int, isolation: str) -> str:
    """Return the class as JSON: all but the pages."""
    shown = [
        {
            "learner": one.name,
            "points": one.points,
            "exercises": one.earned,
            "notebooks": [
                {
                    "file": name,
                    **{k: said[k] for k in ("error", "lesson", "isolation", "seconds")},
                    "exercises": [
                        {k: x[k] for k in ("name", "points", "of", "message")}
                        for x in said["exercises"]
                    ],
                }
                for name, said in one.notebooks
            ],
        }
        for one in those
    ]
    whole = {"of": of, "isolation": isolation, "learners": shown}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=loader
    ).get_template(name)
