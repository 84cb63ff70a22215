"""Write down what a class has earned: pages to hand back, and tables to go on with."""

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from course_utils._files import write_whole
from course_utils.exercises import EXERCISES
from course_utils.grading import alike, pictures
from course_utils.grading.alike import Pair
from course_utils.grading.decisions import Decisions
from course_utils.grading.gradebook import PLATFORMS, Person, left_empty, match
from course_utils.grading.learner import NOT_HANDED_IN, Learner, Score, quoted
from course_utils.grading.teach import Tally, Taught, next_up, summed
from course_utils.grading.verdict import NOT_JUDGED

# With what a formula begins, in any width, where a field may begin.
SIGNS = "=+@\N{MINUS SIGN}＝＋－＠﹢﹣﹦﹫⁺⁻⁼₊₋₌-"
FORMULA = re.compile(rf"(^|[;,|\t\r\n\"'])(\s*)(?=[{SIGNS}])")


@dataclass(frozen=True)
class Run:
    """What a run says of a class, beside its learners.

    - `names`: the exercises that the class was asked.
    - `strays`: names of files that are nobody's, and why they were not graded.
    - `isolation`: what the submissions ran under, in words.
    - `decisions`: what people decided.
    - `platform`, `people`: a gradebook to write, and who is in it.
    - `alike`: pairs of identical answers, if they were asked for.
    """

    names: list[str]
    strays: list[tuple[str, str]]
    isolation: str
    decisions: Decisions
    platform: str | None = None
    people: list[Person] = field(default_factory=list)
    alike: list[Pair] | None = None


def write_all(
    folder: Path, everybody: Iterable[Learner], run: Run
) -> tuple[list[Learner], list[str]]:
    """Write one page per learner, and of the class a page, a CSV and a JSON.

    - `folder`: where all this goes; files of the same names are replaced.
    - `everybody`: the class.
    - `run`: what else there is to say.

    Returns the learners, without the feedback, as a class of it would not fit into
    memory; and what somebody must put right, a sentence each.
    """
    page, class_, tally = _template("learner.html"), [], Tally(run.names)
    for one in everybody:
        text = page.render(learner=one, isolation=run.isolation, quoted=quoted)
        write_whole(folder / "feedback" / one.page, text.encode())
        tally.add(one)
        for _, said in one.notebooks:
            for x in said["exercises"]:
                del x["feedback"]
                x.pop("example", None)
        class_.append(one)
    lessons = tally.lessons()
    of = sum(EXERCISES[name].points for name in run.names)
    table = _table(class_, run.names).encode("utf-8-sig")  # else Excel takes Latin-1
    write_whole(folder / "class.csv", table)
    whole = _json(class_, of, run.strays, run.isolation)
    write_whole(folder / "class.json", whole.encode())
    remarks = _remarks(folder, class_, lessons, run)
    write_whole(
        folder / "class.html", _page(class_, lessons, of, run, remarks).encode()
    )
    return class_, remarks


def _remarks(
    folder: Path, class_: list[Learner], lessons: list[Taught], run: Run
) -> list[str]:
    """Write the gradebook, and return what somebody must put right."""
    asked = {one.name: run.names for one in class_}
    said = run.decisions.unmatched(asked)
    if run.platform:
        matched = match(run.people, class_)
        table = PLATFORMS[run.platform](matched, lessons)
        write_whole(folder / f"{run.platform}.csv", table.encode())
        said += matched.said + left_empty(matched, lessons)
    return said


def _page(
    class_: list[Learner],
    lessons: list[Taught],
    of: int,
    run: Run,
    remarks: list[str],
) -> str:
    """Return the page of the class."""
    script = Path(__file__).with_name("class.js").read_text("utf-8")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return _template("class.html").render(
        learners=class_,
        lessons=lessons,
        whole=summed([x.share for x in lessons]),
        whole_class=len(class_),
        of=of,
        map=pictures.class_map(lessons),
        map_words=pictures.in_words(lessons),
        histogram=pictures.histogram(class_, of),
        next_up=next_up(lessons),
        changed=[(one.name, x) for one in class_ for x in one.changes],
        remarks=remarks,
        alike=run.alike,
        most_alike=alike.MOST,
        strays=run.strays,
        isolation=run.isolation,
        short={NOT_JUDGED: "?", NOT_HANDED_IN: "–"},
        quoted=quoted,
        script=script,
        script_hash=digest,
    )


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
            "exercises": {name: _score(x) for name, x in one.scores.items()},
            "notebooks": [
                {
                    "file": name,
                    **{k: said[k] for k in ("error", "lesson", "isolation", "seconds")},
                    "late": said["late"],
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


def _score(one: Score) -> dict[str, Any]:
    said = {"points": one.points, "of": one.of, "state": one.state}
    if one.decision is not None:
        said |= {"judged": one.judged, "comment": one.decision.comment}
    return said


def _files(passed: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"file": name, "why": why} for name, why in passed]


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    pages = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=loader
    )
    pages.filters["code"] = _code
    pages.filters["points"] = lambda x: f"{x:.1f}"
    return pages.get_template(name)


def _code(text: str) -> Markup:
    """Show as code what stands between backticks; all else stays text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
