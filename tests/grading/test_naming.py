"""Who handed in what: from where notebooks stand, without grading them."""

import itertools
import os
import unicodedata

import pytest

from course_utils.grading.collect import collect
from course_utils.grading.learner import Learner
from course_utils.grading.naming import Entry, lesson_of, people, place, rest_of


def who(folder, files, *paths, lessons=None, kinds=None):
    """Make files, and return what each learner has of them when paths are graded.

    - `files`: from name to the lesson that it answers; folders end in "/".
    - `paths`: in the folder; by default the folder.
    """
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(b"{}")
    return together([run(folder, files, *paths)])


def run(folder, files, *paths):
    """Return the entries of one run."""
    items = collect([str(folder / x) for x in paths or [""]], str(folder / "grades"))
    entries = []
    for item in items:
        one = Entry(item.path, item.root, item.why, item.is_work, item.is_folder)
        one.lesson = files.get(os.path.relpath(item.path, folder))
        if isinstance(one.lesson, tuple):
            one.lesson, one.kind = one.lesson
        entries.append(one)
    place(entries)
    return entries


def together(runs):
    entries = list({x.path: x for one in runs for x in one}.values())
    found, _, _ = people(entries)
    return {
        name: sorted(x.lesson for x in those if x.lesson)
        for name, those in found.items()
    }


SOFT, MASKS = "01_soft_lookup.ipynb", "06_masks.ipynb"
TWO = {"ann": [1], "ben": [1]}
CLASS = {f"class/ann/{SOFT}": 1, f"class/ben/{SOFT}": 1}


@pytest.mark.parametrize(
    "paths",
    [
        ["class"],
        [""],
        ["class/ann", "class/ben"],
        [f"class/ann/{SOFT}", f"class/ben/{SOFT}"],
        [f"class/ann/{SOFT}", "class/ben"],
        ["class", "class/ann"],
    ],
)
@pytest.mark.parametrize("name", [SOFT, "homework.ipynb", f"work/exercises/{SOFT}"])
@pytest.mark.parametrize("above", ["", "2026/", "a/b/c/"])
def test_equal_file_names_make_nobody_one(tmp_path, paths, name, above):
    files = {f"{above}{x.replace(SOFT, name)}": 1 for x in CLASS}
    paths = [f"{above if x else ''}{x.replace(SOFT, name)}" for x in paths]
    assert who(tmp_path, files, *paths) == TWO


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ann.ipynb": 1, "ben.ipynb": 1}, TWO),
        (
            {"ann_1_01_soft_lookup.ipynb": 1, "ann_1_06_masks.ipynb": 6},
            {"ann_1": [1, 6]},
        ),
        (
            {f"ann_123_{99990 + i}_{x}": i for i, x in ((1, SOFT), (6, MASKS))},
            {"ann_123": [1, 6]},
        ),
        (
            {"ann 01-soft-lookup.ipynb": 1, "ben-Soft_Lookup (1).ipynb": 1},
            TWO,
        ),
        (
            {"01_soft_lookup_ann.ipynb": 1, "06_masks_ann.ipynb": 6},
            {"ann": [1, 6]},
        ),
        (
            {SOFT: 1, "01_soft_lookup (1).ipynb": 1},
            {SOFT: [1], "01_soft_lookup (1).ipynb": [1]},
        ),
        (
            {f"ann/{SOFT}": 1, f"ann/{MASKS}": 6, f"ben/{SOFT}": 1},
            {"ann": [1, 6], "ben": [1]},
        ),
        (  # as nbgrader collects them
            {f"{x}/01_soft_lookup/{SOFT}": 1 for x in ("ann", "ben")}
            | {f"ann/06_masks/{MASKS}": 6},
            {"ann": [1, 6], "ben": [1]},
        ),
        (
            {"01_soft_lookup/ann/a.ipynb": 1, "06_masks/ann/b.ipynb": 6},
            {"ann": [1, 6]},
        ),
        (
            {
                "ann/a.ipynb": 1,
                "ann/b.ipynb": 6,
                "ben/draft.ipynb": 1,
                "ben/x.ipynb": 1,
            },
            {"ann": [1, 6], "ben/draft": [1], "ben/x": [1]},
        ),
        (
            {f"ann/{SOFT}": 1, f"ann/old/{SOFT}": 1, f"ben/{SOFT}": 1},
            {"ann": [1], "ann/old": [1], "ben": [1]},
        ),
        (
            {f"g{g}/{x}/{SOFT}": 1 for g in (1, 2) for x in ("ann", "ben")},
            {f"g{g}/{x}": [1] for g in (1, 2) for x in ("ann", "ben")},
        ),
        (  # the second group would pass for one learner
            {"g1/ann/a.ipynb": 1, "g1/ben/a.ipynb": 1, "g2/cem/a.ipynb": 1}
            | {"g2/dan/a.ipynb": 6},
            {"g1/ann": [1], "g1/ben": [1], "g2/cem": [1], "g2/dan": [6]},
        ),
        ({f"ann/{SOFT}": 1, "ann.ipynb": 1}, {"ann": [1], "ann.ipynb": [1]}),
        ({f"ann/{SOFT}": 1, "ann.ipynb": 6}, {"ann": [1], "ann.ipynb": [6]}),
        ({f"ann/{SOFT}": 1, "ben/": 0, "ann/img/": 0}, {"ann": [1], "ben": []}),
        ({f"up/ann/{SOFT}": 1, "up/ben/": 0}, {"ann": [1], "ben": []}),
        ({f"ann/{SOFT}": 1, f"ann/again/{SOFT}": (1, "untouched")}, {"ann": [1, 1]}),
        (
            {"ann/broken.ipynb": None, "ben/broken.ipynb": None},
            {"ann": [], "ben": []},
        ),
    ],
)
def test_learners_of_a_folder(tmp_path, files, expected):
    assert who(tmp_path, files) == expected


def test_a_folder_of_one_learner_is_named_as_it_is(tmp_path):
    files = {f"class/ann/{SOFT}": 1, f"class/ann/{MASKS}": 6}
    assert who(tmp_path, files, "class/ann") == {"ann": [1, 6]}
    assert who(tmp_path, files, f"class/ann/{SOFT}") == {"ann": [1]}
    assert who(tmp_path, files, *files) == {"ann": [1, 6]}


def test_weeks_come_together_and_groups_stay_apart(tmp_path):
    weeks = {f"week1/{x}/{SOFT}": 1 for x in ("ann", "ben")}
    weeks |= {f"week2/{x}/{MASKS}": 6 for x in ("ann", "ben")}
    both = {"ann": [1, 6], "ben": [1, 6]}
    assert who(tmp_path, weeks, "week1", "week2") == both
    runs = [run(tmp_path, weeks, x) for x in ("week1", "week2")]
    assert together(runs) == both
    groups = {f"group{i}/ann/{SOFT}": 1 for i in (1, 2)}
    who(tmp_path, groups)
    runs = [run(tmp_path, groups, f"group{i}") for i in (1, 2)]
    assert together(runs) == {"group1/ann": [1], "group2/ann": [1]}


@pytest.mark.parametrize(
    ("files", "paths", "learner"),
    [
        ([f"A/ann/{SOFT}", f"B/ann/{MASKS}", f"B/ben/{SOFT}"], [""], "B"),
        ([f"A/ann/{SOFT}", f"B/ann/{MASKS}", f"B/ben/{SOFT}"], ["A", "B"], "B"),
        (
            [f"A/{x}/{SOFT}" for x in ("ann", "ben")]
            + [f"B/{x}/{MASKS}" for x in ("ann", "cem")],
            ["A", "B"],
            "ann",
        ),
        ([f"01_soft_lookup/ann/{SOFT}", f"06_masks/ann/{MASKS}"], [""], None),
        ([f"ann/work/exercises/{SOFT}", f"ann/exercises/{MASKS}"], [""], None),
        ([f"ann/{SOFT}", f"ann/{MASKS}", f"ben/{SOFT}"], [""], None),
    ],
)
def test_it_is_said_whose_work_was_put_together(tmp_path, files, paths, learner):
    lessons = {x: 1 if SOFT in x else 6 for x in files}
    who(tmp_path, lessons)
    _, _, said = people(run(tmp_path, lessons, *paths))
    whole = [x for x in said if "counts as one learner's" in x]
    assert len(whole) == (learner is not None)
    assert all(f"one learner's: {learner}. If" in x for x in whole)


def test_work_on_two_drives_is_put_together_and_that_is_said(monkeypatch):
    def refused(_):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "splitdrive", lambda x: (x[:3], x[3:]))
    monkeypatch.setattr(os.path, "commonpath", refused)
    entries = [
        Entry(f"/{drive}/ann/{name}", f"/{drive}", lesson=lesson, keys=("ann/",))
        for drive, name, lesson in (("C", SOFT, 1), ("D", MASKS, 6))
    ]
    found, _, (said,) = people(entries)
    assert found == {"ann": entries}
    assert "counts as one learner's: ann." in said


LOOK_ALIKE = [
    *(
        "zoe",
        "zo\u00eb",
        "zoe\u0308",
        "zo\u200be",
        "zoe\ufe0f",
        "zo\u034fe",
        "zoe\u0307",
    ),
    *("zoe ", " zoe", "z\u043ee", "zoe\t", r"zoe\t", "zo\x1be", r"zo\x1be", "Zoe"),
]


@pytest.mark.parametrize("kind", ["{}/01_soft_lookup.ipynb", "{}.ipynb"])
def test_names_that_look_alike_are_different_people(tmp_path, kind):
    files = {kind.format(x): 1 for x in LOOK_ALIKE}
    found = who(tmp_path, files)
    assert len(found) == len(LOOK_ALIKE)
    assert all(x == [1] for x in found.values())
    assert all(x.isprintable() for x in found)
    pages = {Learner(x, [], [], []).page.casefold() for x in found}
    assert len({unicodedata.normalize("NFKC", x) for x in pages}) == len(LOOK_ALIKE)


def test_pages_have_names_of_their_own_on_every_system():
    names = ["ann", "Ann", "ANN", "con", "CON", "nul.x", "a b", "a_b", "a/b", "a.", "ß"]
    names += ["com1", "aux", "...", "", "ä", "ann.ipynb", "a" * 300, "a" * 301, "con.x"]
    pages = {x: Learner(x, [], [], []).page for x in names}
    forged = {x: y.removesuffix(".html") for x, y in pages.items()}
    pages |= {x: Learner(x, [], [], []).page for x in forged.values() if x not in pages}
    for one, other in itertools.combinations(pages.values(), 2):
        assert one.casefold() != other.casefold()
    for page in pages.values():
        assert len(page) < 100
        assert page.isascii()
        stem = page.removesuffix(".html").split(".")[0].lower()
        assert stem not in {"con", "aux", "nul", "com1", ""}


@pytest.mark.parametrize(
    ("name", "rest", "lesson"),
    [
        ("01_soft_lookup", "", 1),
        ("1 Soft Lookup", "", 1),
        ("ann_01_soft_lookup-Copy1", "ann", 1),
        ("lesson 06", "", 6),
        ("ann lesson_6", "ann", 6),
        ("softmaxine", "softmaxine", None),
        ("ann", "ann", None),
    ],
)
def test_lessons_are_known_by_name(name, rest, lesson):
    assert rest_of(name) == rest
    assert lesson_of(f"{name}.ipynb") == lesson
