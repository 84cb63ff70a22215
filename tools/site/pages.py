"""From the notebooks to what Sphinx reads: the same cells, with figures that move."""

import ast
import base64
import io
import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from PIL import Image

from course_utils.figures.panel import MOVES
from course_utils.learner.syllabus import LESSONS, PARTS, Lesson
from tools import figures
from tools.sources import code_cells

KINDS = {"notebooks": "Lessons", "exercises": "Exercises", "solutions": "Solutions"}
HEADING = re.compile(r"\A# (?:Exercises: )?(.+)$", re.M)
NAMING = {"title", "set_title", "set_xlabel", "set_ylabel", "suptitle", "text"}
NAMING |= {"xlabel", "ylabel", "label"}
# How JupyterLite, where it is built beside the pages, opens a notebook.
BROWSER = "browser/lab/index.html?path="


def lessons(kind: str) -> list[Lesson]:
    """Return the lessons that have a notebook of a kind."""
    return [x for x in LESSONS if kind == "notebooks" or x.has_exercises]


def page(path: Path, lesson: Lesson, *, browser: bool) -> NotebookNode:
    """Return a notebook as the site shows it.

    - `path`: of the notebook.
    - `browser`: whether the course in the browser stands beside the pages.
    """
    notebook = nbformat.read(path, as_version=4)
    kept = figures.read(path, notebook)
    for cell in code_cells(notebook):
        cell.outputs = [
            _shown(output, cell, kept.get(figures.place(cell, i)))
            for i, output in enumerate(cell.outputs)
        ]
    kind = path.parent.name
    first = notebook.cells[0]
    title = _title(kind, lesson, HEADING.match(first.source)[1])
    top = f"# {title}\n\n{_ways(kind, lesson, browser=browser)}"
    if kind == "exercises":
        top += f"\n\n{_how(path)}"
    first.source = HEADING.sub(lambda _: top, first.source)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("../start.md", "../index.md")
    return notebook


def _numbered(lesson: Lesson) -> str:
    return f"{lesson.number}. {lesson.title}" if lesson.number else lesson.title


def _title(kind: str, lesson: Lesson, heading: str) -> str:
    if kind == "notebooks":
        return _numbered(lesson)
    return f"{KINDS[kind]} {lesson.number}: {heading}"


def _ways(kind: str, lesson: Lesson, *, browser: bool) -> str:
    """Return the links that lead on from a page, as HTML."""
    file = f"{lesson.name}.ipynb"
    ways = {}
    if browser:
        ways[f"../{BROWSER}{kind}/{file}"] = "Run it in the browser"
    ways[f'{file}" download="{file}'] = "Download the notebook"
    for other in KINDS:
        if other != kind and lesson in lessons(other):
            words = "Lesson" if other == "notebooks" else KINDS[other]
            ways[f"../{other}/{lesson.name}.html"] = words
    for then in lessons(kind):
        if then.number == lesson.number + 1:
            words = f"{KINDS[kind].lower()} {then.number}"
            words = _numbered(then) if kind == "notebooks" else words
            ways[f"{then.name}.html"] = f"Next: {words}"
    items = (
        f'<li><a href="{to}">{escape(words)}</a></li>' for to, words in ways.items()
    )
    return f'<ul class="course-ways">{"".join(items)}</ul>'


def _how(path: Path) -> str:
    return (
        "**To do them**, write your answers in the notebook, and run the check below "
        "each. In a copy of the course, `python3 course.py` opens it as "
        f"`exercises/{path.name}`; [other ways](../index.md#ways-to-take-it) need the "
        "downloaded file."
    )


def _shown(
    output: NotebookNode, cell: NotebookNode, packed: dict | None
) -> NotebookNode:
    """Return an output as HTML that needs no kernel, where it is more than text."""
    data = output.get("data", {})
    if packed:
        html = data["text/html"].replace(f"<p>{escape(MOVES)}</p>", "")
        text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
        text = text.replace("</", "<\\/")
        html = f'<div class="course-still">{html}</div>' + (
            f'<script type="application/json" class="course-packed">{text}</script>'
        )
    elif "text/html" in data:
        html = f'<div class="course-still">{data["text/html"]}</div>'
    elif "image/png" in data:
        html = _plot(data["image/png"], cell.source)
    else:
        return output
    return nbformat.v4.new_output("display_data", {"text/html": html})


def _plot(png: str, source: str) -> str:
    """Return a picture of matplotlib, smaller with the same pixels, and named."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    file = io.BytesIO()
    picture.convert("RGB").save(file, "webp", lossless=True)
    code = base64.b64encode(file.getvalue()).decode()
    words = escape("Plot: " + ", ".join(dict.fromkeys(_names(source))))
    width, height = (round(x / 2) for x in picture.size)  # drawn at double density
    return (
        f'<img class="course-plot" alt="{words}" width="{width}" height="{height}" '
        f'src="data:image/webp;base64,{code}">'
    )


def _names(source: str) -> Iterator[str]:
    """Yield the titles and labels that a cell gives to what it plots."""
    for node in ast.walk(ast.parse(source)):
        named = []
        if isinstance(node, ast.keyword) and node.arg in NAMING:
            named = [node.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in NAMING:
            named = node.args
        for value in named:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def index(kind: str) -> str:
    """Return the page that lists the notebooks of a kind, by parts of the course."""
    text = f"# {KINDS[kind]}\n"
    for part, members in PARTS.items():
        there = [x for x in members if x in lessons(kind)]
        if there:
            lines = "\n".join(f"{_numbered(x)} <{x.name}>" for x in there)
            text += f"\n```{{toctree}}\n:caption: {part}\n{lines}\n```\n"
    return text


def path_through() -> str:
    """Return the path through the course, in Markdown."""
    text = ""
    for part, members in PARTS.items():
        text += f"\n### {part}\n\n"
        for x in members:
            text += (
                f"{x.number}. [{x.title}](notebooks/{x.name}.ipynb).\n   {x.question}"
            )
            if x.has_exercises:
                text += f"\n   [Exercises](exercises/{x.name}.ipynb),"
                text += f" [solutions](solutions/{x.name}.ipynb)."
            text += "\n"
    return text
