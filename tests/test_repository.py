"""What holds for the repository as a whole."""

import re
import subprocess
import tomllib

import nbformat
import pytest
import yaml

import course
from course_utils.learner.syllabus import LESSONS, PARTS
from tools.lessons import incomplete


@pytest.fixture
def files(root):
    names = subprocess.check_output(["git", "ls-files"], cwd=root, text=True)
    return [root / name for name in names.splitlines() if (root / name).exists()]


def test_environment_yml_is_the_same_course(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((root / "environment.yml").read_text())
    assert conda["name"] == project["name"]
    python, pip, packages = conda["dependencies"]
    assert python == "python" + project["requires-python"]
    assert pip == "pip"
    needs = project["dependencies"] + project["optional-dependencies"]["lab"]
    assert packages == {"pip": ["-c constraints.txt", *needs, "-e ."]}


def test_every_dependency_is_pinned(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["lab"] + extras["test"]
    wanted += extras["nbgrader"] + extras["dask"] + extras["site"]
    pins = (root / "constraints.txt").read_text().splitlines()
    pinned = {re.match(r"[\w.-]+", line)[0] for line in pins}
    assert {re.match(r"[\w.-]+", need)[0] for need in wanted} <= pinned
    assert all(re.match(r"[\w.-]+==[\w.]+( ; .*)?$", line) for line in pins)
    # Those of the oracles may depend on the machine, and pin only themselves.
    assert all("==" in need for need in extras["oracles"])


def test_the_version_is_the_same_everywhere(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    assert cited["version"] == project["version"]
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)$", changes, re.M)[1] == project["version"]


def test_the_course_can_be_cited(root):
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(cited)
    assert cited["license"] in (root / "LICENSE").read_text()
    (author,) = cited["authors"]
    whole = "Copyright (c) 2026 " + author["name"]
    assert whole in (root / "LICENSE-MIT").read_text()


FIELDS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


def test_a_form_for_issues_asks_for_what_is_needed(root):
    forms = sorted((root / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) == 3
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= set(form), path.name
        assert {field["type"] for field in form["body"]} <= FIELDS
        asked = [x for x in form["body"] if x["type"] != "markdown"]
        names = [field["id"] for field in asked]
        assert len(set(names)) == len(names), path.name
        assert all(field["attributes"]["label"] for field in asked)
        assert any(x.get("validations", {}).get("required") for x in asked), path.name


def test_a_workflow_only_runs_commands_that_there_are(root):
    for path in (root / ".github" / "workflows").glob("*.yml"):
        flow = yaml.safe_load(path.read_text(encoding="utf-8"))
        steps = [step for job in flow["jobs"].values() for step in job["steps"]]
        for command in (step["run"] for step in steps if "run" in step):
            for name in re.findall(r"course\.py (\w+)", command):
                assert name in course.COMMANDS, (path.name, name)


def test_the_readme_shows_the_path(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    places = [text.index(f"{part}**") for part in PARTS]
    assert places == sorted(places)
    assert [x.number for x in LESSONS] == list(range(18))


def test_no_lesson_lacks_anything(root):
    assert [fault for _, fault in incomplete(root)] == []
    for lesson in LESSONS:
        kinds = ("notebooks", "exercises", "solutions")
        there = [(root / kind / f"{lesson.name}.ipynb").exists() for kind in kinds]
        assert there == [True, *[lesson.has_exercises] * 2]


def test_links_lead_somewhere(root, files):
    for path in files:
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            text = "\n".join(x.source for x in cells if x.cell_type == "markdown")
        elif path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)  # an example
        else:
            continue
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            if link.startswith("https://"):
                continue
            made_at_start = link.endswith("start.md")
            assert made_at_start or (path.parent / link).exists(), (path.name, link)


def test_a_heading_stands_on_a_line_of_its_own(root):
    """A paragraph that is wrapped anew easily swallows the heading behind it."""
    for path in (root / "source").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        swallowed = re.search(r"^.*\S #{2,4} \w.*$", text, re.M)
        assert swallowed is None, f"{path.name}: {swallowed[0]}"


def test_no_path_of_a_machine_and_no_registry(files):
    hosts = [x + ".org" for x in ("pypi", "pythonhosted", "npmjs", "debian")]
    folders = re.compile(r"(?<![\w.~/-])/(root|work|farm|home|Users)/\w")
    for path in files:
        if path.suffix in {".png", ".npz", ".gz"}:
            continue
        text = path.read_text(encoding="utf-8")
        assert not folders.search(text), path.name
        assert not any(host in text for host in hosts), path.name


def test_importing_the_mathematics_is_quick_and_pulls_in_no_figures(with_course):
    import sys

    code = (
        "import sys, course_utils; loaded = set(sys.modules); "
        "assert not loaded & {'matplotlib', 'ipywidgets', 'jinja2', 'nbformat'}"
    )
    subprocess.run([sys.executable, "-c", code], env=with_course, check=True)
