"""That a notebook depends on what its code uses, and on little more."""

import io
import pkgutil
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import pytest

import course_utils
from tools import sources
from tools.dependencies import UNSEEN, Course
from tools.sources import BuildError

FILES = {
    "__init__.py": "from course_utils.a import f, g as h\nfrom course_utils import b",
    "a.py": "import numpy as np\n\ndef f(): return np.ones(1)\n\ndef g(): pass\n",
    "b.py": "def late():\n    from course_utils.c import k\n    return k()\n",
    "c.py": '"""What it says."""\n\ndef k(x=1):  # why\n    """Say."""\n    return x\n',
    "reader.py": "def read(): return open('numbers.npz')\n",
    "data/numbers.npz": "1 2 3",
    "page.html": "{% extends 'head.html' %}",
    "head.html": "<head>",
    "room/__init__.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from course_utils.room.one import lazy\n"
        "OWN = 1\ndef __getattr__(name): ...\n"
    ),
    "room/one.py": "import Jinja2 as j\n\ndef lazy(): return j.x\n",
    "room/two.py": "from course_utils.a import f\n\ndef two(): return f()\n",
    "learner/progress.py": "from course_utils.c import k\nk()\n",
}


@pytest.fixture
def course(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "course_utils" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "constraints.txt").write_text("jinja2==3.1\nnumpy==2.4 ; 'a'\n")
    return tmp_path


@pytest.mark.parametrize(
    ("code", "depends"),
    [
        ("1 + 1", ""),
        ("from course_utils import f\nf()", "a numpy"),
        ("from course_utils import h\nh()", "a numpy"),
        ("import course_utils\ncourse_utils.f()", "a numpy"),
        ("import course_utils as cu\ncu.f.__doc__", "a numpy"),
        ("import course_utils.a\ncourse_utils.a.f", "a numpy"),
        ("import course_utils\ncourse_utils.b.late()", "b c"),
        ("from course_utils import b\nb.late", "b c"),
        ("def g():\n    return late()\n\nfrom course_utils.b import late", "b c"),
        ("from course_utils.b import *", "b c"),
        ("import course_utils\nopen(course_utils.__file__)", ""),
        ("from course_utils.reader import read\nread()", "reader data/numbers.npz"),
        ("open('numbers.npz')", "data/numbers.npz"),
        ("open('page.html')", "page.html head.html"),
        ("from course_utils.room import lazy\nlazy()", "room/one Jinja2"),
        ("from course_utils.room import OWN\nOWN", "room/__init__"),
        ("import course_utils.room.two as t\nt.two()", "room/two a numpy"),
        ("from course_utils import room\nroom.two.two()", "room/two a numpy"),
        (
            "from course_utils import room\nprint(room)",
            "room/__init__ room/one room/two a Jinja2 numpy",
        ),
        (
            "from course_utils import room\nroom.unheard_of",
            "room/__init__ room/one room/two a Jinja2 numpy",
        ),
        ("from course_utils.learner import progress\nprogress.x", ""),
        ("import os, json\nos.x, json.x", ""),
        ("import torch\ntorch.x", "torch"),
    ],
)
def test_a_name_leads_to_what_defines_it(course, code, depends):
    files = {x for x in Course(course).state(code)}
    short = {x.removeprefix("course_utils/").removesuffix(".py") for x in files}
    assert short == set(depends.split())


def test_versions_are_those_that_are_pinned(course):
    code = "import numpy, Jinja2, torch\nnumpy.x, Jinja2.x, torch.x"
    versions = {"Jinja2": "3.1", "numpy": "2.4 ; 'a'", "torch": "not pinned"}
    assert Course(course).state(code) == versions


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("  # why", "", True),
        ("# why", "# why not", True),
        ('"""Say."""', '"""Say\n\n    more."""', True),
        ('"""What it says."""', "", True),
        ("return x", "\n\n    return x", True),
        ("return x", "return 'x'", False),
        ("return x", "return  x", False),
        ("x=1", "x='# why'", False),
    ],
)
def test_what_a_module_says_does_not_count(course, old, new, is_same):
    code = "from course_utils.c import k\nk()"
    before = Course(course).state(code)
    path = course / "course_utils" / "c.py"
    assert old in FILES["c.py"]
    path.write_text(FILES["c.py"].replace(old, new), encoding="utf-8")
    assert (Course(course).state(code) == before) == is_same


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\ndef", "course_utils/c.py:2: invalid syntax"),
        ("\nfrom . import a", "course_utils/c.py:2: name the module in full"),
    ],
)
def test_a_module_that_cannot_be_followed_is_named(course, text, says):
    (course / "course_utils" / "c.py").write_text(text, encoding="utf-8")
    with pytest.raises(BuildError) as error:
        Course(course).state("from course_utils.c import k\nk()")
    assert str(error.value).startswith(says)


def test_every_data_file_is_named_where_it_is_read(root):
    kinds = {".py", ".html"}
    files = [x for x in root.rglob("course_utils/**/*") if x.suffix in kinds]
    files += root.glob("source/*/*.py")
    texts = [path.read_text(encoding="utf-8") for path in files]
    for path in root.rglob("course_utils/**/*.*"):
        if path.parent.parent.name == "labextensions":
            continue  # JupyterLab's, by the folder's name
        if path.suffix not in {".py", ".pyc", ".md"}:
            assert any(path.name in text for text in texts), path


@pytest.fixture(scope="module")
def _all_is_imported():
    """Import all of the course, so that no import is taken for work."""
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if not module.name.endswith(("__main__", "grading.inside")):
            import_module(module.name)


def run(source, root, monkeypatch):
    """Run a source's cells; return the modules of the course that were at work."""
    package = root / "course_utils"
    used = set()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_name not in {"<module>", "__getattr__"}:
            used.add(frame.f_code.co_filename)

    monkeypatch.chdir(root / "notebooks")
    code = compile(source.read_text(encoding="utf-8"), str(source), "exec")
    before = sys.getprofile()
    with mpl.rc_context(), redirect_stdout(io.StringIO()):
        mpl.use("Agg")
        sys.setprofile(note)
        try:
            exec(code, {"__name__": "__main__"})
        finally:
            sys.setprofile(before)
    files = (Path(x) for x in used if Path(x).is_relative_to(package))
    return {x.relative_to(root).as_posix() for x in files}


def seldom(source):
    return pytest.param(source, marks=pytest.mark.thorough)


ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(ROOT.glob("source/*/*.py"))


@pytest.mark.parametrize(
    "source",
    [x if x.match("exercises/03*") else seldom(x) for x in LESSONS],
    ids=[f"{x.parent.name}/{x.stem}" for x in LESSONS],
)
@pytest.mark.usefixtures("_all_is_imported")
def test_all_that_is_at_work_counts(root, source, monkeypatch):
    unseen = {f"{name.replace('.', '/')}.py" for name in UNSEEN}
    used = run(source, root, monkeypatch) - unseen
    (target, *_) = (x for x in sources.targets(root) if x.source == source)
    lessons = {f"course_utils.exercises.lesson_{x.lesson:02}" for x in target.exercises}
    depends = Course(root).state(source.read_text(encoding="utf-8"), lessons)
    assert used
    assert used - {"course_utils/_moved.py"} <= set(depends)
