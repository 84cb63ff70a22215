"""Write down what a class has earned: pages to hand back, and tables to go on with."""

import csv
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

import jinja2

from course_utils._files import write_whole
from course_utils.exercises import EXERCISES
from course_utils.grading.learner import Learner, quoted

# With what a formula begins, in any width, where a field may begin.
SIGNS = "=+@\N{MINUS SIGN}＝＋－＠﹢﹣﹦﹫⁺⁻⁼₊₋₌-"
FORMULA = re.compile(rf"(^|[;,|\t\r\n\"'])(\s*)(?=[{SIGNS}])")


def write_all(
    folder: Path,
    everybody: Iterable[Learner],
    names: list[str],
    strays: list[tuple[str, str]],
    isolation: str,
) -> list[Learner]:
    """Write one page per learner, and of the class a page, a CSV and a JSON.

    - `folder`: where all this goes; files of the same names are replaced.
    - `everybody`: the class.
    - `names`: the exercises that the class was asked.
    - `strays`: names of files that are nobody's, and why they were not graded.
    - `isolation`: what the submissions ran under, in words.

    Returns the learners, without the feedback: a class of it would not fit into memory.
    """
    page, class_ = _template("learner.html"), []
    for one in everybody:
        text = page.render(learner=one, isolation=isolation, quoted=quoted)
        write_whole(folder / "feedback" / one.page, text.encode())
        for _, said in one.notebooks:
            for x in said["exercises"]:
                del x["feedback"]
        class_.append(one)
    of = sum(EXERCISES[name].points for name in names)
    table = _table(class_, names).encode("utf-8-sig")  # else Excel takes it for Latin-1
    write_whole(folder / "class.csv", table)
    write_whole(folder / "class.json", _json(class_, of, strays, isolation).encode())
    text = _template("class.html").render(
        learners=class_,
        names=names,
        exercises=EXERCISES,
        of=of,
        strays=strays,
        isolation=isolation,
        quoted=quoted,
        histogram=histogram(class_, of) if class_ else "",
    )
    write_whole(folder / "class.html", text.encode())
    return class_


def histogram(class_: list[Learner], of: int) -> str:
    """Return a picture, as SVG, of how many learners have how many points."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from course_utils.figures.style import BLUE

    points = [one.points for one in class_]
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


def _table(class_: list[Learner], names: list[str]) -> str:
    """Return the class as CSV: one row per learner, one column per exercise."""
    rows = io.StringIO()
    out = csv.writer(rows, lineterminator="\n", quoting=csv.QUOTE_ALL)
    out.writerow(["learner", "points", *names, "notes", "isolation"])
    for one in class_:
        isolation = "; ".join(sorted({x["isolation"] for _, x in one.notebooks}))
        points = [one.points, *(x.cell for x in one.scores.values())]
        out.writerow(
            [harmless(one.name), *points, harmless(". ".join(one.notes)), isolation]
        )
    return rows.getvalue()


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking part of a text for a formula.

    Where another separator is usual than the comma, a field can begin in the middle of
    a text.
    """
    return FORMULA.sub(r"\1\2'", text)


def _json(
    class_: list[Learner], of: int, strays: list[tuple[str, str]], isolation: str
) -> str:
    """Return the class as JSON: all but the pages."""
    listed = [
        {
            "learner": one.name,
            "page": one.page,
            "points": one.points,
            "of": one.of,
            "exercises": {
                name: {"points": x.points, "of": x.of, "state": x.state}
                for name, x in one.scores.items()
            },
            "notebooks": [
                {
                    "file": name,
                    **{k: said[k] for k in ("error", "lesson", "isolation", "seconds")},
                    "is_solution": said["given"],
                    "exercises": [
                        {k: x[k] for k in ("name", "points", "of", "state", "message")}
                        for x in said["exercises"]
                    ],
                }
                for name, said in one.notebooks
            ],
            "not_graded": _files(one.passed),
        }
        for one in class_
    ]
    whole = {"of": of, "isolation": isolation, "learners": listed}
    whole["not_graded"] = _files(strays)
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _files(passed: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"file": name, "why": why} for name, why in passed]


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=loader
    ).get_template(name)
