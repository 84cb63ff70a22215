"""Whole runs over classes, in this process: names, what counts, tables, later runs."""

import csv
import io
import json
import os
import shutil
import stat
import subprocess

import nbformat
import pytest

from course_utils.exercises import EXERCISES
from course_utils.grading import collect, given, options
from course_utils.grading.report import harmless

RIGHT = "def hard_lookup(query, key, value):\n    return value[(key @ query).argmax()]"
WRONG = RIGHT.replace("argmax", "argmin")
SOFT, MASKS = "01_soft_lookup.ipynb", "06_masks.ipynb"
MASK = "import numpy as np\ndef causal_mask(n_q, n_k, offset=0):\n    return np.eye(3)"
OF = {
    n: sum(x.points for x in EXERCISES.values() if x.lesson == n) for n in range(1, 10)
}


def notebook(*cells, **metadata):
    new_cell = nbformat.v4.new_code_cell
    code = [new_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)]
    made = nbformat.v4.new_notebook(cells=code, metadata=metadata)
    return nbformat.writes(made).encode()


ONE = notebook(RIGHT)


def make(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def rows(out="grades"):
    with open(f"{out}/class.csv", encoding="utf-8-sig", newline="") as file:
        return {x["learner"]: x for x in csv.DictReader(file)}


def points(out="grades"):
    return {name: int(x["points"]) for name, x in rows(out).items()}


def whole(out="grades"):
    with open(f"{out}/class.json", encoding="utf-8") as file:
        read = json.load(file)
    return read, {x["learner"]: x for x in read["learners"]}


def test_points_of_two_people_are_never_added_up(grade, tmp_path):
    lookup = notebook("def soft_lookup(*_): return 1", WRONG)
    make(tmp_path, {"up/c/ann/a.ipynb": ONE, "up/c/ben/a.ipynb": lookup})
    for paths in (
        ["up"],
        ["up/c"],
        ["up/c/ann", "up/c/ben"],
        ["up/c/ann/a.ipynb", "up/c/ben/a.ipynb"],
    ):
        shutil.rmtree("grades", ignore_errors=True)
        grade(*paths)
        assert points() == {"ann": 2, "ben": 0}
        assert len(os.listdir("grades/feedback")) == 2


def test_it_says_where_one_name_had_two_answers(grade, tmp_path):
    make(
        tmp_path,
        {"class/ann/draft.ipynb": ONE, "class/ann/final.ipynb": notebook(WRONG)},
    )
    make(tmp_path, {"class/ben/a.ipynb": ONE})
    said = grade("class")
    assert points() == {"ann/draft": 2, "ann/final": 0, "ben": 2}
    assert "In ann, several notebooks answer the same lesson" in said
    assert "ann/draft, ann/final" in said


@pytest.fixture
def work(tmp_path, root):
    """Lay out what a learner's folder holds when nothing is written yet."""
    folder = tmp_path / "class" / "ann" / "work"
    for name in ("notebooks", "exercises", "solutions"):
        (folder / name).mkdir(parents=True)
        (folder / ".given" / name).mkdir(parents=True)
        for lesson in ("01_soft_lookup", "02_scores"):
            for place in (folder, folder / ".given"):
                shutil.copy(root / name / f"{lesson}.ipynb", place / name)
    return folder


def answered(work, cell=RIGHT):
    """Write an answer into the learner's own copy."""
    path = work / "exercises" / SOFT
    made = nbformat.read(path, as_version=4)
    for one in made.cells:
        if one.id == "hard_lookup":
            one.source = cell
    nbformat.write(made, path)


def stripped(path):
    made = nbformat.read(path, as_version=4)
    made.metadata = {}
    nbformat.write(made, path)


VARIANTS = {
    "as it is": lambda work: None,
    "renamed folder": lambda work: work.rename(work.with_name("my stuff")),
    "solutions in another folder": lambda work: (work / "solutions").rename(work / "s"),
    "solutions beside": lambda work: [
        x.rename(work / "exercises" / f"{x.stem} (1).ipynb")
        for x in (work / "solutions").iterdir()
    ],
    "without metadata": lambda work: [stripped(x) for x in work.rglob("[0-9]*.ipynb")],
    "only the solutions": lambda work: [
        shutil.rmtree(work / x) for x in ("exercises", "notebooks")
    ],
    "an old notebook": lambda work: shutil.copy(
        work / "solutions" / SOFT,
        work / "exercises" / "01_soft_lookup (yours of 2026-11-22).ipynb",
    ),
    "the whole repository": lambda work: [
        shutil.copytree(work / ".given" / x, work.parent / x)
        for x in ("exercises", "solutions", "notebooks")
    ],
    "an environment": lambda work: make(
        work,
        {
            "env/pyvenv.cfg": b"",
            "env/lib/x.ipynb": ONE,
            "__MACOSX/a.ipynb": ONE,
            "node_modules/a.ipynb": ONE,
            "._a.ipynb": ONE,
            ".x/a.ipynb": ONE,
            "exercises/.ipynb_checkpoints/x.ipynb": ONE,
        },
    ),
}


@pytest.mark.parametrize("has_answer", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_the_course_gave_is_no_answer(
    grade, work, variant, has_answer, monkeypatch
):
    if has_answer and variant == "only the solutions":
        pytest.skip("there is nothing to answer in")
    if has_answer:
        answered(work)
    VARIANTS[variant](work)
    grade("class")
    assert points() == {"ann": 2 if has_answer else 0}
    _, found = whole()
    passed = {x["why"] for x in found["ann"]["not_graded"]}
    assert any("solution" in x for x in passed)


def test_the_solutions_are_graded_where_they_are_named(grade, work):
    grade(work / "solutions")
    assert points() == {"solutions": OF[1] + OF[2]}
    shutil.rmtree("grades")
    grade(work / "solutions" / SOFT)
    assert list(points().values()) == [OF[1]]


def test_all_solutions_alone_are_the_course_s_folder(grade, tmp_path, root):
    shutil.copytree(root / "solutions", tmp_path / "class" / "ann")
    make(tmp_path, {"class/ben/a.ipynb": ONE})
    grade("class")
    assert points() == {"ann": 0, "ben": 2}


def test_one_solution_alone_is_graded_and_named(grade, tmp_path, root):
    make(tmp_path, {"class/ann/mine.ipynb": (root / "solutions" / SOFT).read_bytes()})
    said = grade("class")
    assert "this is a copy of the course's own solution" in said
    assert "a copy of the course's own solution" in rows()["ann"]["notes"]


def test_every_file_that_is_not_graded_is_named(grade, tmp_path):
    text = ONE.decode()
    files = {
        "ann.ipynb": ONE,
        "ben.ipynb.txt": ONE,
        "cem.IPYNB": ONE,
        "dan.ipynb.json": ONE,
        "gil.json": ONE,
        "hal.txt": text.encode("utf-16"),
        "ida": b"\xef\xbb\xbf" + ONE,
    }
    others = {
        "eve.zip": b"PK\x03\x04",
        "fay.py": b"x = 1",
        "notes.txt": b"Read me",
        "plot.png": b"\x89PNG",
        "jim.html": b"<html>",
        "kim.json": b"{}",
        "empty": b"",
    }
    make(tmp_path / "flat", files | others)
    said = grade("flat")
    graded = {"ann", "ben", "cem", "dan", "gil", "hal", "ida"}
    assert {x for x, n in points().items() if n == 2} == graded
    read, found = whole()
    named = {x["file"] for x in read["not_graded"]}
    named |= {y["file"] for x in found.values() for y in x["notebooks"] if y["error"]}
    assert named == set(others)
    assert all(x in said for x in others)


def test_nothing_but_other_files_is_refused_by_name(grade, tmp_path, capsys):
    make(tmp_path / "flat", {"eve.zip": b"PK\x03\x04"})
    with pytest.raises(SystemExit):
        grade("flat")
    assert "eve.zip: it is a ZIP archive" in capsys.readouterr().err


def test_a_link_is_followed_where_it_is_named_and_nowhere_else(grade, tmp_path):
    make(tmp_path, {"class/ann/a.ipynb": ONE, "else/ben/a.ipynb": ONE})
    (tmp_path / "class" / "ben").symlink_to("../else/ben")
    (tmp_path / "class" / "ann" / "b.ipynb").symlink_to("a.ipynb")
    (tmp_path / "class" / "gone").symlink_to("nowhere")
    (tmp_path / "link").symlink_to("class")
    (tmp_path / "one.ipynb").symlink_to("else/ben/a.ipynb")
    for path in ("class", "link"):
        said = grade(path, "--out", path + " out")
        assert points(path + " out") == {"ann": 2, "ben": 0}
        assert "links are not followed" in rows(path + " out")["ben"]["notes"]
        assert "b.ipynb: is a link" in rows(path + " out")["ann"]["notes"]
        assert "gone: it is a link" in said
    grade("one.ipynb", "--out", "one out")
    assert points("one out") == {"one": 2}


STATES = {
    "right": RIGHT,
    "wrong": WRONG,
    "not judged": RIGHT.replace("return", "import os; os._exit(1) #"),
    "not attempted": "def hard_lookup(*_): raise NotImplementedError",
}


def test_states_and_maximum_are_told_apart_everywhere(grade, tmp_path):
    make(tmp_path, {f"class/{x}/a.ipynb": notebook(y) for x, y in STATES.items()})
    stub = "def soft_lookup(*_): pass"
    dies = "import os\nos._exit(1)\n" + RIGHT
    make(tmp_path, {"class/cell/a.ipynb": notebook(dies, stub)})
    make(tmp_path, {"class/broken/a.ipynb": b"{", "class/masks/06_masks.ipynb": b"{"})
    make(tmp_path, {"class/six/a.ipynb": notebook(MASK)})
    (tmp_path / "class" / "empty").mkdir()
    grade("class")
    read, found = whole()
    assert read["of"] == OF[1] + OF[6]
    assert {x["of"] for x in found.values()} == {read["of"]}
    state = {x: y["exercises"]["hard_lookup"]["state"] for x, y in found.items()}
    absent = "not handed in"
    assert state == {x: x for x in STATES} | {
        "cell": "not judged",
        "broken": "not judged",
        "empty": absent,
        "masks": absent,
        "six": absent,
    }
    assert found["masks"]["exercises"]["causal_mask"]["state"] == "not judged"
    cells = {x: y["hard_lookup"] for x, y in rows().items()}
    assert cells == state | {"right": "2", "wrong": "0"}
    for one in found.values():
        page = (tmp_path / "grades/feedback" / one["page"]).read_text("utf-8")
        assert f"{one['points']} of {read['of']} points" in page
        kind = one["exercises"]["hard_lookup"]["state"]
        assert f'class="{kind.replace(" ", "-")}"' in page


def test_names_that_read_like_the_grader_s_words_are_quoted(grade, tmp_path):
    make(tmp_path, {"class/ben: 10 of 10 points/a.ipynb": notebook(WRONG)})
    said = grade("class")
    assert "“ben: 10 of 10 points/a.ipynb”: 0 of 10 points" in said


def test_the_secret_seed_is_long_and_its_owner_s(grade, tmp_path, monkeypatch):
    made = []
    opened = os.open
    monkeypatch.setattr(os, "open", lambda *a, **k: made.append(a) or opened(*a, **k))
    make(tmp_path, {"a.ipynb": ONE})
    grade("a.ipynb")
    seed = tmp_path / "grades" / "seed"
    assert any(".seed" in str(x[0]) and x[2] == 0o600 for x in made if len(x) > 2)
    assert stat.S_IMODE(seed.stat().st_mode) == 0o600
    assert 2**100 < int(seed.read_text()) < 2**128  # once in 2**28 it is smaller
    kept = seed.read_text()
    seed.chmod(0o644)
    grade("a.ipynb")
    assert seed.read_text() == kept
    assert stat.S_IMODE(seed.stat().st_mode) == 0o600


@pytest.mark.parametrize("held", [b"", b"\xff", b"seven", b"-3", b"9" * 9999])
def test_a_damaged_seed_is_drawn_anew_and_said(grade, tmp_path, held):
    make(tmp_path, {"a.ipynb": ONE, "grades/seed": held})
    assert "held no number" in grade("a.ipynb")
    assert points() == {"a": 2}


def test_inputs_that_were_shown_are_warned_of(grade, tmp_path):
    make(tmp_path, {"class/ann.ipynb": notebook(WRONG)})
    for seed in ("secret", "7"):
        shutil.rmtree("grades", ignore_errors=True)
        (tmp_path / "class" / "secret.ipynb").unlink(missing_ok=True)
        options = ["--seed", seed]
        assert "Warning" not in grade("class", *options)
        assert "Warning" not in grade("class", *options)
        make(tmp_path, {f"class/{seed}.ipynb": notebook(MASK)})
        assert "Warning" not in grade("class", *options)  # another lesson's
        make(tmp_path, {"class/ann.ipynb": notebook(RIGHT, seed)})
        assert "Warning" in grade("class", *options)
    make(tmp_path, {"class/ann.ipynb": notebook(RIGHT, "1")})
    assert "Warning" not in grade("class", "--seed", "8")


@pytest.mark.parametrize(
    "held", [b"", b"{", b"[]", b"{}", b'{"error": null}', b"\xff", b"[" * 99999]
)
def test_a_damaged_verdict_is_worked_out_again(grade, tmp_path, held):
    make(tmp_path, {"a.ipynb": ONE})
    grade("a.ipynb")
    (kept,) = (tmp_path / "grades" / "verdicts").iterdir()
    kept.write_bytes(held)
    grade("a.ipynb")
    assert points() == {"a": 2}
    assert json.loads(kept.read_bytes())["points"] == 2


def test_a_lost_verdict_of_an_earlier_run_is_one_learner_s_line(grade, tmp_path):
    make(tmp_path, {"one/ann.ipynb": ONE, "two/ben.ipynb": notebook(WRONG)})
    grade("one")
    for kept in (tmp_path / "grades" / "verdicts").iterdir():
        kept.unlink()
    grade("two")
    assert points() == {"ann": 0, "ben": 0}
    assert "its verdict is lost" in rows()["ann"]["notes"]


def test_a_second_path_is_added_and_a_first_renewed(grade, tmp_path):
    make(
        tmp_path, {"one/ann/a.ipynb": ONE, "one/ben/a.ipynb": ONE, "two/cem.ipynb": ONE}
    )
    grade("one")
    said = grade("two")
    assert "0 notebooks renewed, 1 added, 2 of earlier runs kept" in said
    assert points() == {"ann": 2, "ben": 2, "cem": 2}
    shutil.rmtree("one/ben")
    make(tmp_path, {"one/ann/a.ipynb": notebook(WRONG), "one/dan/a.ipynb": ONE})
    said = grade("one")
    assert "1 notebooks renewed, 1 added, 1 no longer there, 1 of earlier" in said
    assert points() == {"ann": 0, "cem": 2, "dan": 2}
    pages = {x["page"] for x in whole()[1].values()}
    assert set(os.listdir("grades/feedback")) == pages


def test_a_lesson_of_a_later_week_is_added_to_its_learner(grade, tmp_path):
    make(tmp_path, {"week1/ann/a.ipynb": ONE, "week1/ben/a.ipynb": ONE})
    make(tmp_path, {"week2/ann/b.ipynb": notebook(MASK)})
    grade("week1")
    grade("week2")
    assert points() == {"ann": 2, "ben": 2}
    _, found = whole()
    assert len(found["ann"]["notebooks"]) == 2
    assert found["ben"]["exercises"]["causal_mask"]["state"] == "not handed in"


@pytest.mark.parametrize("index", [None, b"", b"{", b"{}", b'{"notebooks": [3]}'])
def test_tables_of_others_are_never_replaced(grade, tmp_path, index):
    make(tmp_path, {"a.ipynb": ONE, "grades/class.csv": b"mine"})
    if index is not None:
        make(tmp_path, {"grades/notebooks.json": index})
    said = grade("a.ipynb")
    assert "class (before 1).csv" in said
    assert (tmp_path / "grades" / "class (before 1).csv").read_bytes() == b"mine"
    assert points() == {"a": 2}
    assert "before" not in grade("a.ipynb")


def test_reports_in_the_class_are_passed_over(grade, tmp_path):
    make(tmp_path, {"class/ann/a.ipynb": ONE})
    for _ in range(2):
        grade("class", "--out", "class/grades")
        assert points("class/grades") == {"ann": 2}
    grade("class", "--out", "elsewhere")
    assert points("elsewhere") == {"ann": 2}


def test_the_table_holds_no_formula_for_whatever_separator(grade, tmp_path):
    names = [
        "=1+1",
        "＝1",
        "+1",
        "－2",
        "@x",
        "a;=1",
        "b\t=1",
        'c"=1',
        "d|＋1",
        " =1",
        "-",
    ]
    make(tmp_path, {f"class/{x}/a.ipynb": b"{" for x in names})
    make(tmp_path, {f"class/zz/{x}.ipynb": b"{" for x in names})
    grade("class")
    raw = (tmp_path / "grades" / "class.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    for separator in ",;\t|":
        text = io.StringIO(raw.decode("utf-8-sig"))
        for row in csv.reader(text, delimiter=separator):
            for cell in row:
                assert cell.strip()[:1] not in tuple("=+-@＝＋－＠"), (separator, cell)
    assert all(x.startswith('"') for x in raw.decode("utf-8-sig").splitlines())
    assert harmless("Anne-Marie, a=b") == "Anne-Marie, a=b"


@pytest.fixture
def nested(tmp_path):
    """Return what makes folders in folders, however long their path becomes."""
    made = tmp_path / "class" / "deep"
    made.mkdir(parents=True)

    def make_them(depth):
        before = os.open(".", os.O_RDONLY)
        os.chdir(made)
        for _ in range(depth):
            os.mkdir("abcdefgh")
            os.chdir("abcdefgh")
        with open("deep.ipynb", "wb") as file:
            file.write(ONE)
        os.fchdir(before)
        os.close(before)

    yield make_them
    subprocess.run(["rm", "-rf", made], check=True)  # too deep for Python


@pytest.mark.parametrize("depth", [300, 1100])
def test_deep_folders_are_one_learner_s_affair(grade, tmp_path, nested, depth):
    make(tmp_path, {"class/ann/a.ipynb": ONE, "class/ben/a.ipynb": ONE})
    nested(depth)
    grade("class")
    assert {x: y for x, y in points().items() if x in ("ann", "ben")} == TWO
    if depth == 300:
        assert points()["deep"] == 2
    else:
        assert "File name too long" in rows()["deep"]["notes"]


TWO = {"ann": 2, "ben": 2}


def test_a_folder_that_cannot_be_read_is_one_learner_s_affair(
    grade, tmp_path, monkeypatch
):
    make(tmp_path, {f"class/{x}/a.ipynb": ONE for x in ("ann", "ben", "shut")})
    scan = os.scandir

    def shut(path):
        if os.path.basename(path) == "shut":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(collect.os, "scandir", shut)
    grade("class")
    assert points() == TWO | {"shut": 0}
    assert rows()["shut"]["notes"] == "shut: cannot be opened: Permission denied"


@pytest.mark.parametrize(
    ("path", "says"),
    [("x" * 300, "File name too long"), ("x/" * 3000, "too long"), ("a\0b", "null")],
)
def test_paths_that_cannot_be_are_said_to_be_so(grade, path, says, capsys):
    with pytest.raises(SystemExit):
        grade(path)
    assert says in capsys.readouterr().err


def test_what_the_course_hands_out_stands_for_the_learner_s_copies(
    grade, tmp_path, root, monkeypatch
):
    make(
        tmp_path, {f"course/exercises/{SOFT}": (root / "exercises" / SOFT).read_bytes()}
    )
    monkeypatch.setattr(options, "ROOT", tmp_path / "course")
    assert "nothing is written in it yet" in grade("course/exercises")
    assert points() == {"exercises": 0}
    make(tmp_path, {f"course/work/exercises/{SOFT}": ONE})
    for path in ("course/exercises", "course/exercises/", f"course/exercises/{SOFT}"):
        said = grade(path, "--out", "own")
        assert "is what the course hands out: graded is" in said
        assert list(points("own").values()) == [2]


def test_lessons_and_solutions_are_known_without_their_mark(root):
    for folder, kind in (
        ("notebooks", "lesson"),
        ("solutions", "solution"),
        ("exercises", None),
    ):
        for path in (root / folder).glob("*.ipynb"):
            read = json.loads(path.read_bytes())
            assert given.kind_of(read, read["cells"]) == kind
            assert given.kind_of({}, read["cells"]) == kind
