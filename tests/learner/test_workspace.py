"""The learner's own copies: a new version of the course loses nothing of theirs."""

import errno
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import nbformat
import pytest

from course_utils import _files
from course_utils.learner import start_page, workspace
from course_utils.learner.workspace import UnknownNameError, Workspace

LESSON = "notebooks/01_soft_lookup.ipynb"
EXERCISES = "exercises/01_soft_lookup.ipynb"
TODAY = date.today()
KEPT = f"exercises/01_soft_lookup (yours of {TODAY}).ipynb"
KEPT_TOO = f"exercises/01_soft_lookup (yours of {TODAY}, 2).ipynb"
MINE = "def soft_lookup(query, key, value, sharpness):\n    return 'mine'"
STUB = "def soft_lookup(query, key, value, sharpness):\n    raise NotImplementedError"


class Folder:
    """A course and a learner's folder beside it, with short ways to change both."""

    def __init__(self, course: Path, work: Path) -> None:
        self.course, self.work = course, work
        self.workspace = Workspace(course, work)

    def lay_out(self) -> list[str]:
        return self.workspace.lay_out()

    def everything(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.work).as_posix(): path.read_bytes()
            for path in self.work.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def folder(root, tmp_path):
    """The course as it is, laid out once."""
    course = tmp_path / "course"
    for name in (LESSON, EXERCISES, EXERCISES.replace("exercises", "solutions")):
        (course / name).parent.mkdir(parents=True)
        (course / name).write_bytes((root / name).read_bytes())
    folder = Folder(course, tmp_path / "work")
    folder.lay_out()
    return folder


def change(path, cell_id, source, **more):
    """Write a source into a cell, as JupyterLab or a new version of the course does."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id == cell_id:
            cell.source = source
            cell.update(more)
    nbformat.write(notebook, path)


def code(path, cell_id="soft_lookup"):
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.id == cell_id)


def text_of(path):
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def new_version(course, name=EXERCISES, word="Four functions"):
    """Change a sentence of the text, as a maintainer would."""
    path = course / name
    text = path.read_text(encoding="utf-8")
    assert word in text
    path.write_text(text.replace(word, "In this new version " + word), encoding="utf-8")


def test_the_first_start_copies_all_and_the_second_changes_nothing(folder):
    assert (folder.work / LESSON).read_bytes() == (folder.course / LESSON).read_bytes()
    before = folder.everything()
    assert len(before) == 6  # three notebooks, and what is remembered of each
    assert folder.lay_out() == []
    assert folder.everything() == before


def test_a_copy_that_was_deleted_is_there_again(folder):
    (folder.work / LESSON).unlink()
    assert folder.lay_out() == ["New in your folder: 01_soft_lookup."]
    assert (folder.work / LESSON).read_bytes() == (folder.course / LESSON).read_bytes()


def test_links_lead_somewhere_in_the_learners_folder_too(root, tmp_path):
    Workspace(root, tmp_path).lay_out()
    start_page.write()
    pages = [tmp_path / "start.md", *tmp_path.glob("*/*.ipynb")]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = nbformat.reads(text, as_version=4).cells
            text = "\n".join(x.source for x in cells if x.cell_type == "markdown")
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            if not link.startswith("https://"):
                assert (path.parent / link).exists(), (path.name, link)


def test_a_copy_without_work_is_replaced_though_it_was_run(folder):
    path = folder.work / EXERCISES
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = 3
            cell.outputs = [nbformat.v4.new_output("stream", text="ran")]
    notebook.metadata["widgets"] = {"state": {}}
    notebook.cells.append(nbformat.v4.new_code_cell(""))  # as after the last cell
    nbformat.write(notebook, path)
    new_version(folder.course)
    lines = folder.lay_out()
    assert lines == ["New versions of what you had not changed: 01_soft_lookup."]
    assert path.read_bytes() == (folder.course / EXERCISES).read_bytes()
    assert not (folder.work / KEPT).exists()
    assert folder.lay_out() == []


def test_work_stays_where_the_course_did_not_change(folder):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    mine = (folder.work / EXERCISES).read_bytes()
    new_version(folder.course, LESSON, "compass")
    folder.lay_out()
    assert (folder.work / EXERCISES).read_bytes() == mine


def test_work_stays_where_only_outputs_of_the_course_changed(folder):
    path = folder.work / LESSON
    first = nbformat.read(path, as_version=4).cells[0].id
    change(path, first, "my notes")
    mine = path.read_bytes()
    new_version(folder.course, LESSON, '"execution_count": 1,')
    text = (folder.course / LESSON).read_text(encoding="utf-8")
    text = text.replace("In this new version ", "").replace(
        '_count": 1,', '_count": 9,'
    )
    (folder.course / LESSON).write_text(text, encoding="utf-8")
    assert folder.lay_out() == []
    assert path.read_bytes() == mine


def test_a_new_version_brings_the_answers_along_and_keeps_the_old_work(folder):
    path = folder.work / EXERCISES
    change(path, "soft_lookup", MINE)
    mine = path.read_bytes()
    new_version(folder.course)
    (line,) = folder.lay_out()
    assert line == (
        f"A new version of {EXERCISES}: your answers were carried over, and your old "
        f"notebook is kept as {KEPT}."
    )
    assert (folder.work / KEPT).read_bytes() == mine
    assert code(path) == MINE
    assert "In this new version Four functions" in text_of(path)
    assert code(path, "hard_lookup").endswith("raise NotImplementedError")
    nbformat.validate(nbformat.read(path, as_version=4))
    assert folder.lay_out() == []
    change(path, "hard_lookup", "def hard_lookup(*_): return 2")
    new_version(folder.course)
    folder.lay_out()
    assert (folder.work / KEPT).read_bytes() == mine
    assert code(folder.work / KEPT_TOO, "hard_lookup").endswith("return 2")
    assert code(path) == MINE
    assert code(path, "hard_lookup").endswith("return 2")


def test_a_stub_that_the_learner_left_is_the_new_one(folder):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    stub = "def hard_lookup(query, key, value, more):\n    raise NotImplementedError"
    change(folder.course / EXERCISES, "hard_lookup", stub)
    folder.lay_out()
    assert code(folder.work / EXERCISES, "hard_lookup") == stub
    assert code(folder.work / EXERCISES) == MINE


def test_an_answer_in_two_cells_is_carried_over_whole(folder):
    path = folder.work / EXERCISES
    notebook = nbformat.read(path, as_version=4)
    place = [cell.id for cell in notebook.cells].index("soft_lookup")
    half = nbformat.v4.new_code_cell(MINE, metadata=notebook.cells[place].metadata)
    notebook.cells[place].source = "helper = 1"
    notebook.cells.insert(place + 1, half)
    nbformat.write(notebook, path)
    new_version(folder.course)
    folder.lay_out()
    assert code(path) == f"helper = 1\n\n{MINE}"


def without_metadata(path):
    """Drop all metadata of cells, as some editors do."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.clear()
    nbformat.write(notebook, path)


def merge(path, *cell_ids):
    """Merge cells, as JupyterLab does: the first one's metadata stay."""
    notebook = nbformat.read(path, as_version=4)
    first, *others = [x for x in notebook.cells if x.id in cell_ids]
    first.source = "\n\n".join([first.source, *(x.source for x in others)])
    notebook.cells = [x for x in notebook.cells if x not in others]
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    "mine",
    [
        MINE,
        MINE.replace("def soft_lookup", "async def  soft_lookup "),
        "soft_lookup = lambda *_: 'mine'",
        "helper = 1\n\n\n@staticmethod\n" + MINE,
        MINE.removesuffix("'"),  # a syntax error is the learner's work too
    ],
)
def test_an_answer_without_metadata_is_known_by_what_it_defines(folder, mine):
    path = folder.work / EXERCISES
    change(path, "soft_lookup", mine)
    without_metadata(path)
    new_version(folder.course)
    (line,) = folder.lay_out()
    assert "your answers were carried over" in line
    assert code(path) == mine
    assert code(path, "hard_lookup").endswith("raise NotImplementedError")


def test_an_answer_below_the_stub_that_stayed_is_carried_over_alone(folder):
    path = folder.work / EXERCISES
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(MINE))
    nbformat.write(notebook, path)
    new_version(folder.course)
    folder.lay_out()
    assert code(path) == MINE


@pytest.mark.parametrize("forget", [True, False])
def test_answers_in_one_merged_cell_go_to_their_own_cells(folder, forget):
    path = folder.work / EXERCISES
    other = "@staticmethod\ndef hard_lookup(*_):\n    return 2"
    change(path, "soft_lookup", MINE)
    change(path, "hard_lookup", f"helper = 1\n\n{other}")
    merge(path, "hard_lookup", "soft_lookup")
    if forget:
        without_metadata(path)
    new_version(folder.course)
    folder.lay_out()
    assert code(path) == MINE
    assert code(path, "hard_lookup") == f"helper = 1\n\n{other}"


def test_one_of_two_answers_in_a_merged_cell_starts_over(folder):
    path = folder.work / EXERCISES
    other = "def hard_lookup(*_):\n    return 2"
    change(path, "soft_lookup", MINE)
    change(path, "hard_lookup", other)
    merge(path, "hard_lookup", "soft_lookup")
    without_metadata(path)
    folder.workspace.start_over("soft_lookup")
    assert code(path, "hard_lookup") == f"{other}\n\n\n{STUB}"


def test_an_exercise_that_the_course_dropped_is_named(folder):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    notebook = nbformat.read(folder.course / EXERCISES, as_version=4)
    notebook.cells = [x for x in notebook.cells if x.id != "soft_lookup"]
    nbformat.write(notebook, folder.course / EXERCISES)
    (line,) = folder.lay_out()
    assert line.endswith(f"is kept as {KEPT}. The course no longer has soft_lookup.")
    assert "carried over" not in line
    assert code(folder.work / KEPT) == MINE


def test_a_lesson_that_was_changed_is_kept_beside_the_new_one(folder):
    path = folder.work / LESSON
    first = nbformat.read(path, as_version=4).cells[0].id
    change(path, first, "my notes")
    mine = path.read_bytes()
    new_version(folder.course, LESSON, "compass")
    (line,) = folder.lay_out()
    kept = f"notebooks/01_soft_lookup (yours of {TODAY}).ipynb"
    assert line == f"A new version of {LESSON}: your old notebook is kept as {kept}."
    assert (folder.work / kept).read_bytes() == mine
    assert path.read_bytes() == (folder.course / LESSON).read_bytes()


@pytest.mark.parametrize(
    "data", [b"", b"{half", b"[]", b'{"cells": [3]}', b"\xff\xfe", b'{"cells": null}']
)
def test_a_copy_that_is_no_notebook_counts_as_work(folder, data):
    path = folder.work / EXERCISES
    path.write_bytes(data)
    assert folder.lay_out() == []
    assert path.read_bytes() == data
    new_version(folder.course)
    folder.lay_out()
    assert (folder.work / KEPT).read_bytes() == data
    assert path.read_bytes() == (folder.course / EXERCISES).read_bytes()


def test_what_the_learner_made_or_renamed_is_never_touched(folder):
    mine = folder.work / "exercises" / "mine.ipynb"
    (folder.work / EXERCISES).rename(mine)
    change(mine, "soft_lookup", MINE)
    own = folder.work / "notebooks" / "notes.txt"
    own.write_text("notes")
    before = mine.read_bytes()
    new_version(folder.course)
    assert folder.lay_out() == ["New in your folder: 01_soft_lookup."]
    assert (mine.read_bytes(), own.read_text()) == (before, "notes")
    assert (folder.work / EXERCISES).read_bytes() == (
        folder.course / EXERCISES
    ).read_bytes()


def test_a_notebook_of_the_learners_gives_way_to_a_new_lesson_of_its_name(folder):
    new, path = folder.course / "notebooks/02_scores.ipynb", "notebooks/02_scores.ipynb"
    (folder.work / path).write_bytes(b"the learner's")
    new.write_bytes((folder.course / LESSON).read_bytes())
    folder.lay_out()
    assert (folder.work / path).read_bytes() == new.read_bytes()
    kept = folder.work / f"notebooks/02_scores (yours of {TODAY}).ipynb"
    assert kept.read_bytes() == b"the learner's"


def test_a_withdrawn_notebook_goes_unless_it_was_changed(folder):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    (folder.course / LESSON).unlink()
    (folder.course / EXERCISES).unlink()
    assert folder.lay_out() == [
        f"The course no longer has {EXERCISES}; your copy stays.",
        "The course no longer has notebooks/01_soft_lookup; it was removed.",
    ]
    assert not (folder.work / LESSON).exists()
    assert code(folder.work / EXERCISES) == MINE
    assert folder.lay_out() == []


def test_the_progress_of_an_earlier_version_is_taken_over_once(folder):
    old, new = folder.course / "progress.json", folder.work / "progress.json"
    old.write_text('{"exercises": {"soft_lookup": 3}}')
    (folder.course / "start.md").write_text("old page")
    folder.lay_out()
    assert new.read_text() == '{"exercises": {"soft_lookup": 3}}'
    assert not old.exists()
    assert not (folder.course / "start.md").exists()
    old.write_text("{}")
    folder.lay_out()
    assert new.read_text() == '{"exercises": {"soft_lookup": 3}}'
    assert old.read_text() == "{}"


@pytest.mark.parametrize("stop", range(1, 8))
@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_full_disk_or_a_stop_between_two_steps_loses_nothing(
    folder, monkeypatch, stop, fault
):
    """Every step that changes a file fails once; half of the data is written."""
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    mine = (folder.work / EXERCISES).read_bytes()
    new_version(folder.course)
    steps = 0

    def counted(real, half=False):
        def step(path, *arguments):
            nonlocal steps
            steps += 1
            if steps == stop:
                if half:
                    real(path, arguments[0][: len(arguments[0]) // 2])
                raise fault
            return real(path, *arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", counted(Path.write_bytes, half=True))
        patch.setattr(Path, "replace", counted(Path.replace))
        try:
            folder.lay_out()
        except (OSError, KeyboardInterrupt):
            assert stop <= 6
        else:
            assert stop == 7  # three files, each written and put in place
    assert mine in folder.everything().values()
    folder.lay_out()
    assert mine in folder.everything().values()
    assert code(folder.work / EXERCISES) == MINE
    assert "In this new version" in text_of(folder.work / EXERCISES)
    assert folder.lay_out() == []
    kept = [x for x in folder.everything() if "yours of" in x and x.endswith(".ipynb")]
    assert kept == [KEPT]


def test_what_jupyterlab_saves_in_between_is_kept(folder, monkeypatch):
    """The learner saves after the copy was read and before it is replaced."""
    path = folder.work / EXERCISES
    change(path, "soft_lookup", MINE)
    new_version(folder.course)
    real, saved = Workspace._keep, []

    def keep(self, name, data):
        if not saved:
            saved.append(change(path, "hard_lookup", "def hard_lookup(*_): return 2"))
        return real(self, name, data)

    monkeypatch.setattr(Workspace, "_keep", keep)
    folder.lay_out()
    assert code(path, "hard_lookup").endswith("return 2")
    assert "In this new version" in text_of(path)


def start(work, *arguments, **variables):
    """Start the module in a process of its own, on the folders of a test."""
    script = (
        "import sys; from pathlib import Path; "
        "from course_utils.learner import workspace as w; "
        "course, work = map(Path, sys.argv[1:3]); w.WORK = work; "
        "w.Workspace.__init__.__defaults__ = (course, work); "
        "sys.exit(w.main(*sys.argv[3:]))"
    )
    command = [sys.executable, "-c", script, str(work.course), str(work.work)]
    return subprocess.run(
        [*command, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_two_starts_at_once_do_no_harm(folder, with_course):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    mine = (folder.work / EXERCISES).read_bytes()
    new_version(folder.course)
    new_version(folder.course, LESSON, "compass")
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(start, folder, "lay-out", **with_course) for _ in "1234"]
    assert [x.result().returncode for x in starts] == [0] * 4, starts[0].result().stderr
    assert (folder.work / KEPT).read_bytes() == mine
    assert code(folder.work / EXERCISES) == MINE
    assert folder.lay_out() == []


@pytest.mark.skipif(os.name != "posix", reason="needs Unix permissions")
def test_a_read_only_folder_gets_one_sentence(folder, monkeypatch, capsys):
    monkeypatch.setattr(workspace, "WORK", folder.work)
    monkeypatch.setattr(workspace, "Workspace", lambda: folder.workspace)
    new_version(folder.course)
    real = _files.write_whole

    def refuse(path, data):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(workspace, "write_whole", refuse)
    assert workspace.main("lay-out") == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert f"{folder.work} could not be brought up to date (Permission denied" in said

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspace, "write_whole", full)
    assert workspace.main("lay-out") == 1
    assert capsys.readouterr().err.startswith("The disk is full, so ")
    monkeypatch.setattr(workspace, "write_whole", real)
    assert workspace.main("lay-out") == 0


def test_starting_over_twice_keeps_both_works(folder):
    path = folder.work / EXERCISES
    change(path, "soft_lookup", MINE)
    first = path.read_bytes()
    said = folder.workspace.start_over("1")
    assert said == f"{EXERCISES} starts over; your old notebook is kept as {KEPT}."
    assert path.read_bytes() == (folder.course / EXERCISES).read_bytes()
    change(path, "soft_lookup", MINE + " # again")
    second = path.read_bytes()
    folder.workspace.start_over("01_soft_lookup")
    assert path.read_bytes() == (folder.course / EXERCISES).read_bytes()
    assert (folder.work / KEPT).read_bytes() == first
    assert (folder.work / KEPT_TOO).read_bytes() == second
    assert "nothing to keep" in folder.workspace.start_over("01")


def test_one_exercise_starts_over_and_the_rest_stays(folder):
    path = folder.work / EXERCISES
    ran = [nbformat.v4.new_output("stream", text="right")]
    change(path, "soft_lookup", MINE, outputs=ran, execution_count=2)
    change(path, "check_soft_lookup", "check(1)", outputs=ran, execution_count=3)
    change(path, "hard_lookup", "def hard_lookup(*_): return 2", outputs=ran)
    first = path.read_bytes()
    assert folder.workspace.start_over("soft_lookup").startswith(
        f"soft_lookup in {EXERCISES} starts over; your old notebook is kept as "
    )
    cells = {x.id: x for x in nbformat.read(path, as_version=4).cells}
    assert cells["soft_lookup"].source == STUB
    assert cells["hard_lookup"].source.endswith("return 2")
    assert len(cells["hard_lookup"].outputs) == 1
    assert cells["soft_lookup"].outputs == cells["check_soft_lookup"].outputs == []
    change(path, "soft_lookup", MINE + " # again")
    second = path.read_bytes()
    folder.workspace.start_over("soft_lookup")
    assert code(path) == STUB
    assert (folder.work / KEPT).read_bytes() == first
    assert (folder.work / KEPT_TOO).read_bytes() == second


def test_an_answer_in_two_cells_starts_over_in_one(folder):
    path = folder.work / EXERCISES
    notebook = nbformat.read(path, as_version=4)
    place = [cell.id for cell in notebook.cells].index("soft_lookup")
    half = nbformat.v4.new_code_cell(MINE, metadata=notebook.cells[place].metadata)
    notebook.cells.insert(place + 1, half)
    nbformat.write(notebook, path)
    folder.workspace.start_over("soft_lookup")
    assert path.read_bytes() == (folder.course / EXERCISES).read_bytes()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("soft_lokup", "Did you mean soft_lookup or "),
        ("01_softlookup", "Did you mean 01_soft_lookup"),
        ("7", "Name a lesson, such as 1 or 01_soft_lookup"),
        ("²", "Name a lesson, such as 1 "),
    ],
)
def test_an_unknown_name_gets_the_nearest(folder, name, meant):
    with pytest.raises(UnknownNameError, match=re.escape(meant)):
        folder.workspace.start_over(name)


def test_an_exercise_without_its_cell_is_not_started_over(folder):
    (folder.work / EXERCISES).write_bytes(b"{half")
    with pytest.raises(UnknownNameError, match="again 01_soft_lookup' starts all"):
        folder.workspace.start_over("soft_lookup")
    assert (folder.work / EXERCISES).read_bytes() == b"{half"


def test_the_command_says_what_it_did(folder, with_course):
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    done = start(folder, "again", "soft_lookup", **with_course)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        f"your old notebook is kept as {KEPT}.\nThe points you have are" in done.stdout
    )
    assert 'choose "Revert"' in done.stdout
    assert start(folder, "again", **with_course).returncode == 2
    done = start(folder, "again", "sft_lookup", **with_course)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_the_start_page_says_what_the_start_did(folder, with_course):
    page = {**with_course, "COURSE_PROGRESS": str(folder.work / "progress.json")}
    change(folder.work / EXERCISES, "soft_lookup", MINE)
    new_version(folder.course)
    done = start(folder, "lay-out", **page)
    assert done.stdout == (
        f"A new version of {EXERCISES}: your answers were carried over, and your old "
        f"notebook is kept as {KEPT}.\n"
    )
    shown = (folder.work / "start.md").read_text(encoding="utf-8")
    assert f"- A new version of [{EXERCISES}](<{EXERCISES}>): your answers" in shown
    assert f"is kept as [{KEPT}](<{KEPT}>)." in shown
    start(folder, "again", "hard_lookup", **page)
    assert (folder.work / "start.md").read_text(encoding="utf-8") == shown
    assert start(folder, "lay-out", **page).stdout == ""
    assert KEPT not in (folder.work / "start.md").read_text(encoding="utf-8")


def git(folder, *arguments):
    me = ["-c", "user.name=A learner", "-c", "user.email=learner@example.com"]
    command = ["git", *me, "-c", "init.defaultBranch=main", *arguments]
    return subprocess.check_output(command, cwd=folder, text=True, stderr=-2)


def test_a_pull_meets_no_conflict_and_nothing_is_lost(clone_of, tmp_path, with_course):
    """As a learner and a maintainer do it, with git and course.py themselves."""
    upstream = clone_of(tmp_path / "upstream")
    git(upstream, "init")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--message", "The course")
    git(tmp_path, "clone", str(upstream), "mine")
    mine = tmp_path / "mine"
    lay_out = [sys.executable, "-P", "-m", "course_utils.learner.workspace", "lay-out"]
    variables = {k: v for k, v in with_course.items() if k != "COURSE_PROGRESS"}

    def start():
        return subprocess.check_output(
            lay_out, env={**variables, "PYTHONPATH": str(mine)}, text=True
        )

    assert "Your own copies of the notebooks are in" in start()
    work = Folder(mine, mine / "work")
    change(work.work / EXERCISES, "soft_lookup", MINE)
    (work.work / "progress.json").write_text('{"exercises": {"soft_lookup": 3}}')
    before = (work.work / EXERCISES).read_bytes()
    new_version(upstream)
    new_version(upstream, LESSON, "compass")
    git(upstream, "commit", "--all", "--message", "A new version")
    assert git(mine, "status", "--porcelain") == ""
    assert "2 files changed" in git(mine, "pull", "--ff-only")
    said = start()
    assert f"your old notebook is kept as {KEPT}.\n" in said
    assert "New versions of what you had not changed: 01_soft_lookup." in said
    assert (work.work / KEPT).read_bytes() == before
    assert code(work.work / EXERCISES) == MINE
    assert "In this new version" in text_of(work.work / EXERCISES)
    assert "In this new version" in text_of(work.work / LESSON)
    points = json.loads((work.work / "progress.json").read_text())["exercises"]
    assert points == {"soft_lookup": 3}
    there = work.everything()
    assert start() == ""
    pages = {"start.md", ".given/news.txt"}
    after = work.everything()
    assert {x for x in after if after[x] != there[x]} <= pages
    assert git(mine, "status", "--porcelain") == ""


def test_an_installed_package_says_that_the_notebooks_are_missing(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    monkeypatch.setattr(workspace, "WORK", tmp_path / "work")
    assert workspace.main("lay-out") == 1
    assert "without the course's folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
