"""No points are lost, and none given that were not earned."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from course_utils.learner import check, points, progress


def hard(query, key, value):
    return value[np.argmax(key @ query)]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """What makes a folder, and makes it the working folder."""

    def stand(name):
        (tmp_path / name).mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)

    return stand


@pytest.mark.parametrize(
    "name", ["clone", "Exercises", "work", "solutions/mine", "a b"]
)
def test_points_are_kept_wherever_the_kernel_stands(stand_in, name):
    stand_in(name)
    assert "not kept" not in repr(check("hard_lookup", hard))
    assert points.earned("hard_lookup") == 2


@pytest.mark.parametrize(
    ("folder", "notebook", "kept"),
    [
        ("a/solutions", None, 0),
        ("anywhere", "a/solutions/01_soft_lookup.ipynb", 0),
        ("a/solutions", "a/exercises/01_soft_lookup.ipynb", 2),
        ("anywhere", "solutions/clone/work/exercises/01_soft_lookup.ipynb", 2),
        ("mine/solutions", None, 2),  # without the course's other folders beside it
        ("anywhere", "mine/solutions/01_soft_lookup.ipynb", 2),
    ],
)
def test_a_worked_solution_earns_nothing(
    stand_in, monkeypatch, tmp_path, folder, notebook, kept
):
    (tmp_path / "a" / "exercises").mkdir(parents=True)
    stand_in(folder)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if notebook:
        monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / notebook))
    check("hard_lookup", hard)
    assert points.earned("hard_lookup") == kept


def test_what_nbgrader_runs_earns_the_instructor_nothing(monkeypatch, progress_file):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check("hard_lookup", hard)
    assert not progress_file.exists()


def test_points_that_cannot_be_kept_are_named_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    said = repr(check("hard_lookup", hard))
    assert said.startswith("✓ Right: hard_lookup, 2 of 2 points\n")
    assert "The points are not kept: " in said
    assert len(said.splitlines()) == 2


SYSTEMS = {
    "win32": ("LOCALAPPDATA", "AppData/Local"),
    "darwin": (None, "Library/Application Support"),
    "linux": ("XDG_DATA_HOME", ".local/share"),
    "freebsd14": ("XDG_DATA_HOME", ".local/share"),
}


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
def test_without_its_folder_the_progress_is_among_the_users_data(
    monkeypatch, tmp_path, system, moved
):
    variable, below_home = SYSTEMS[system]
    for name in ("LOCALAPPDATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    if moved and variable:
        monkeypatch.setenv(variable, str(tmp_path / "moved"))
        below_home = "moved"
    monkeypatch.setattr(progress.sys, "platform", system)
    monkeypatch.setattr(progress, "ROOT", tmp_path / "site-packages")
    found = progress.learners_folder()
    assert found == tmp_path / below_home / "attention-course"


def test_the_progress_is_in_the_course_or_on_the_drive_of_the_browser(
    monkeypatch, root
):
    assert progress.learners_folder() == root / "work"
    monkeypatch.setattr(progress.sys, "platform", "emscripten")
    assert progress.learners_folder() == Path("/drive")


def test_among_the_users_data_no_page_leads_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "user_data", lambda: tmp_path)
    assert "not kept" not in repr(check("hard_lookup", hard))
    assert points.earned("hard_lookup") == 2
    assert [x.name for x in tmp_path.iterdir()] == ["progress.json"]


def test_a_device_keeps_none_without_a_word(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull)
    assert "kept" not in repr(check("hard_lookup", hard))


@pytest.mark.parametrize("entry", ["two", None, [2], -4, {"points": 2}])
def test_an_entry_that_is_no_number_is_earned_anew(progress_file, entry):
    progress_file.write_text(json.dumps({"exercises": {"hard_lookup": entry}}))
    assert points.earned("hard_lookup") == 0
    check("hard_lookup", hard)
    assert points.earned("hard_lookup") == 2


@pytest.mark.parametrize(
    "text", ["", "{half", "[]", "3", '{"exercises": 3}', "[" * 100_000, "\x00" * 9]
)
def test_what_holds_no_progress_is_set_aside_each_time(progress_file, text):
    for name in ("progress.unreadable.json", "progress.unreadable2.json"):
        progress_file.write_text(text)
        assert progress.record("exercises", "hard_lookup", 2) is None
        assert progress_file.with_name(name).read_text() == text
        assert points.earned("hard_lookup") == 2


def test_an_editors_byte_order_mark_costs_nothing(progress_file):
    progress_file.write_text('{"exercises": {"hard_lookup": 2}}', encoding="utf-8-sig")
    progress.record("exercises", "soft_lookup", 3)
    assert points.earned("hard_lookup") == 2


def test_progress_that_may_not_be_read_is_not_replaced(progress_file, monkeypatch):
    progress_file.write_text('{"exercises": {"hard_lookup": 2}}')

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(progress, "_stored", refuse)
        why = progress.record("exercises", "soft_lookup", 3)
    assert why == f"{progress_file} cannot be written (Permission denied)"
    assert points.earned("hard_lookup") == 2


def test_two_notebooks_that_write_at_once_lose_nothing(progress_file):
    names = [f"exercise {i}" for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        kept = pool.map(lambda name: progress.record("exercises", name, 1), names)
    assert set(kept) == {None}
    assert set(progress.load()["exercises"]) == set(names)
    assert [x.name for x in progress_file.parent.iterdir()] == [progress_file.name]


def test_a_lock_that_was_left_behind_is_removed(progress_file, monkeypatch):
    lock = progress_file.with_name(f".{progress_file.name}.lock")
    lock.touch()
    monkeypatch.setattr(progress.time, "sleep", lambda _seconds: None)
    progress.record("exercises", "hard_lookup", 2)
    assert points.earned("hard_lookup") == 2
    assert not lock.exists()
