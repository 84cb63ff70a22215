"""What an archive may do when it is unpacked, and what it may not."""

import io
import os
import stat
import zipfile
from datetime import datetime, timedelta

import pytest

from course_utils.grading import archive
from course_utils.grading.archive import ArchiveError, unpack
from course_utils.grading.downloads import owner_of
from course_utils.grading.due import told


def packed(files, kind=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return data.getvalue()


@pytest.fixture
def unpacked(tmp_path):
    """Return what unpacks bytes, and yields what it made, by paths."""

    def run(data):
        (tmp_path / "class.zip").write_bytes(data)
        before = set(tmp_path.iterdir())
        done = unpack(str(tmp_path / "class.zip"), tmp_path / "out")
        assert set(tmp_path.iterdir()) - before <= {tmp_path / "out"}
        files = [x for x in done.folder.rglob("*") if x.is_file()]
        return done, {x.relative_to(done.folder).as_posix(): x for x in files}

    return run


OUTSIDE = ["../x.ipynb", "a/../../x", "/x.ipynb", "\\x", "..\\x", "C:\\x", "c:x", ".."]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("is_inner", [False, True])
def test_nothing_is_written_outside(unpacked, tmp_path, name, is_inner):
    bad = packed({name: "bad", "good.ipynb": "good"})
    if not is_inner:
        with pytest.raises(ArchiveError, match="leads outside"):
            unpacked(bad)
        assert not list(tmp_path.rglob("*.ipynb"))
        return
    done, files = unpacked(packed({"ann/work.zip": bad, "ben/a.ipynb": "good"}))
    assert set(files) == {"ann/work.zip", "ben/a.ipynb"}
    assert (
        "work.zip is not unpacked: it holds a path that leads outside" in done.said[0]
    )


def test_links_are_left_out_and_named(unpacked):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("ann/a.ipynb", "{}")
        for name, kind in {"link": stat.S_IFLNK, "pipe": stat.S_IFIFO}.items():
            info = zipfile.ZipInfo(f"ann/{name}.ipynb")
            info.create_system, info.external_attr = 3, (kind | 0o777) << 16
            made.writestr(info, "/etc/passwd")
    done, files = unpacked(data.getvalue())
    assert set(files) == {"ann/a.ipynb"}
    assert [x.split()[0] for x in done.said] == ["ann/link.ipynb", "ann/pipe.ipynb"]


def test_an_archive_is_as_large_as_it_becomes(unpacked, monkeypatch):
    monkeypatch.setattr(archive, "CLASS", (100, 5_000))
    monkeypatch.setattr(archive, "ONE", (3, 1_000))
    monkeypatch.setattr(archive, "MOST", 2_000)
    monkeypatch.setattr(archive, "CHUNK", 500)
    fine = {"ben/a.ipynb": "good"}
    for bomb in (
        packed({"a.ipynb": b"0" * 1_500}),
        packed({f"{i}.ipynb": b"" for i in range(4)}),
    ):
        done, files = unpacked(packed({"ann/x.zip": bomb} | fine))
        assert set(files) == {"ann/x.zip", "ben/a.ipynb"}
        assert "x.zip is not unpacked" in done.said[0]
    for bomb in (
        packed({f"{i}": b"0" * 1_900 for i in range(3)}),
        packed({f"{i}": b"" for i in range(101)}),
        packed({"/".join("a" * 40): b""}),
    ):
        with pytest.raises(ArchiveError):
            unpacked(bomb)
    # Many that are each small enough share what there is for the class.
    many = {f"{i}/x.zip": packed({"a.ipynb": b"0" * 900}) for i in range(9)}
    done, files = unpacked(packed(many))
    assert 0 < sum(x.endswith(".zip") for x in files) < 9
    # Of a file that is too long for a notebook, only the beginning is written.
    _, files = unpacked(packed({"a.ipynb": b"0" * 4_000_000}))
    assert 2_000 < files["a.ipynb"].stat().st_size <= 2_000 + archive.CHUNK


def test_what_says_it_is_small_is_not_believed(unpacked, monkeypatch):
    monkeypatch.setattr(archive, "CLASS", (100, 10_000))
    data = packed({"a": b"0" * 100_000})
    size = (100_000).to_bytes(4, "little")
    with pytest.raises(ArchiveError):
        unpacked(data.replace(size, (5).to_bytes(4, "little")))


def test_learners_archives_are_unpacked_once(unpacked):
    inner = packed({"a.ipynb": "{}", "deeper.zip": packed({"b.ipynb": "{}"})})
    done, files = unpacked(packed({"ann/My work.zip": inner}))
    assert set(files) == {"ann/My work/a.ipynb", "ann/My work/deeper.zip"}
    there = packed({"ann/w.zip": packed({"a": "1"}), "ann/w/a": "2"})
    done, files = unpacked(there)
    assert files["ann/w/a"].read_text() == "2"
    assert "w is there already" in done.said[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        packed({"a": "text" * 99})[:-30],
        packed({"a": "text" * 99}, 0).replace(b"text", b"next", 1),
        packed({"a" * 300: ""}),
        packed({"a": "1", "a/b": "2"}),
    ],
    ids=["empty", "head", "cut", "changed", "long name", "file and folder"],
)
def test_what_is_damaged_leaves_nothing(tmp_path, unpacked, data):
    with pytest.raises(ArchiveError):
        unpacked(data)
    assert not [x for x in (tmp_path / "out").rglob("*") if x.is_file()]


def test_a_later_download_replaces_the_earlier_whole(unpacked):
    unpacked(packed({"ann/a.ipynb": "1", "ben/a.ipynb": "1"}))
    _, files = unpacked(packed({"ann/a.ipynb": "2"}))
    assert [x.read_text() for x in files.values()] == ["2"]
    with pytest.raises(ArchiveError):
        unpacked(b"no archive")
    assert files["ann/a.ipynb"].read_text() == "2"


def test_times_are_those_of_hand_in_only_where_they_differ():
    start = datetime(2026, 12, 1)
    apart = {str(i): start + timedelta(minutes=50 * i) for i in range(3)}
    assert told(apart) == apart
    assert told({str(i): start + timedelta(minutes=i) for i in range(59)}) == {}
    assert told({}) == {}


PARTS = {
    "Ann Lee_12345_assignsubmission_file_": ("Ann Lee", "12345", False, False),
    "Ann Lee_12345_assignsubmission": None,
    "Lee_1_assignsubmission_file_work.ipynb": ("Lee", "1", False, False),
    "Group A-Ann_9_assignsubmission_onlinetext_": ("Group A-Ann", "9", False, False),
    "leeann_12345_67890_file.ipynb": ("leeann", "12345", True, False),
    "leeann_LATE_12345_67890_my_file-1.ipynb": ("leeann", "12345", True, True),
    "ann_01_soft_lookup.ipynb": None,
    "ann": None,
}


@pytest.mark.parametrize("part", PARTS)
def test_who_a_download_is_of(part):
    owner = owner_of(part)
    got = owner and (owner.name, owner.number, owner.is_lasting, owner.is_late)
    assert got == PARTS[part]


def test_this_folder_s_own_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zip").write_bytes(packed({"x.ipynb": "{}"}))
    done = unpack("a.zip", archive.Path("grades/unpacked"))
    assert all(os.path.isabs(x) and os.path.exists(x) for x in done.times)
