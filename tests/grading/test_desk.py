"""What people add to a class: decisions, rosters, due dates, second looks."""

import csv
import json
from pathlib import Path

import pytest
from test_archive import packed
from test_classes import MASK, ONE, RIGHT, WRONG, make, notebook, points, whole

from course_utils.grading import alike, batch
from course_utils.grading.alike import form_of
from course_utils.grading.gradebook import RosterError, read_roster

ROSTER = "name,id\nAnn Lee,s1\nBen Fox,s2\nCem Ito,s3\n"


def decide(*lines, head="learner,exercise,points,comment", out="grades"):
    text = "\n".join([head, *lines])
    make(Path(out), {"decisions.csv": text.encode()})


def page_of(tmp_path, learner):
    name = whole()[1][learner]["page"]
    return (tmp_path / "grades/feedback" / name).read_text("utf-8")


def test_what_people_decide_counts_and_survives(grade, tmp_path):
    make(tmp_path, {"class/ann/a.ipynb": notebook(WRONG), "class/ben/a.ipynb": ONE})
    grade("class")
    assert points() == {"ann": 0, "ben": 2}
    decide('ann,hard_lookup,"1,5","Nearly: <argmax>"', "ben,hard_lookup,,Elegant!")
    for _ in range(2):
        grade("class")
        found = whole()[1]
        assert found["ann"]["points"] == 1.5
        assert found["ann"]["exercises"]["hard_lookup"]["judged"] == 0
        assert found["ben"]["points"] == 2
        assert "Nearly: &lt;argmax&gt;" in page_of(tmp_path, "ann")
        assert "the check gave 0" in page_of(tmp_path, "ann")
        assert "1.5 of 2" in page_of(tmp_path, "ann")
        assert "Elegant!" in page_of(tmp_path, "ben")
        assert "the check gave" not in page_of(tmp_path, "ben")
    make(tmp_path, {"class/ann/a.ipynb": ONE})
    grade("class")
    assert whole()[1]["ann"]["points"] == 1.5


def test_what_was_never_judged_can_be_decided(grade, tmp_path):
    make(tmp_path, {"class/ann/01_soft_lookup.ipynb": b"{", "class/ben/a.ipynb": ONE})
    make(tmp_path, {"roster.csv": b"name,id\nann,1\nben,2\n"})
    options = ["--export", "moodle", "--roster", "roster.csv"]
    assert "Not judged, so empty in the gradebook" in grade("class", *options)
    names = ["hard_lookup", "soft_lookup", "soft_lookup_all", "wind_from_weather"]
    decide(*(f"ann,{x},1," for x in names))
    assert "Not judged" not in grade("class", *options)
    with open("grades/moodle.csv", encoding="utf-8") as file:
        assert [x[2] for x in csv.reader(file)][1:] == ["4", "2"]


BAD = {
    "dora,hard_lookup,1,": "line 2 is not followed: there is no learner 'dora'",
    "ann,causal_mask,1,": "the class was not asked 'causal_mask'",
    "ann,hard_look,1,": "there is no exercise 'hard_look'",
    "ann,hard_lookup,3,": "points must be from 0 to 2; got '3'",
    "ann,hard_lookup,-1,": "points must be from 0 to 2; got '-1'",
    "ann,hard_lookup,nan,": "points must be from 0 to 2; got 'nan'",
    "ann,hard_lookup,two,": "points must be from 0 to 2; got 'two'",
    "ann,hard_lookup,,": "neither points nor a comment",
    "ann,hard_lookup,1,\nann,hard_lookup,2,": "is decided 2 times",
    'ann,hard_lookup,1,"': "no table of comma-separated values",
}


@pytest.mark.parametrize("line", BAD)
def test_decisions_that_cannot_be_followed_are_named(grade, tmp_path, line):
    make(tmp_path, {"class/ann/a.ipynb": notebook(WRONG)})
    decide(line)
    assert BAD[line] in grade("class")
    assert points() == {"ann": 0}
    assert BAD[line].replace("'", "&#39;") in (
        tmp_path / "grades/class.html"
    ).read_text("utf-8")


def test_a_table_of_any_spreadsheet_is_read(grade, tmp_path):
    make(tmp_path, {"class/ann/a.ipynb": notebook(WRONG)})
    for by in ";\t":
        head = "\ufeffComment,Learner,Exercise,Points".replace(",", by)
        decide(by.join(["Fine", "ann", "hard_lookup", "2"]) + "\r", head=head)
        grade("class")
        assert points() == {"ann": 2}
    decide(head="who,what")
    assert "must name learner, exercise, points, comment; got who, what" in grade(
        "class"
    )


def test_late_work_loses_what_was_said_and_no_more(grade, tmp_path):
    stamp = b"2026-12-0%d %s UTC"
    when = {"ann": (1, b"23:59:00"), "ben": (2, b"00:00:00"), "cem": (4, b"12:00:00")}
    for name, (day, time) in when.items():
        make(tmp_path, {f"class/{name}/a.ipynb": ONE})
        make(tmp_path, {f"class/{name}/timestamp.txt": stamp % (day, time)})
    make(tmp_path, {"class/dan/a.ipynb": ONE})
    due = ["--due", "2026-12-01T23:59"]
    assert "For 1 of 4 nothing tells when" in grade("class", *due)
    assert set(points().values()) == {2}
    said = grade("class", *due, "--penalty", 20)
    assert "20 % off for each day begun: 2 of 4 notebooks are late" in said
    found = {x: y["points"] for x, y in whole()[1].items()}
    assert found == {"ann": 2, "ben": 1.6, "cem": 0.8, "dan": 2}
    assert "3 days late: 60 % off" in page_of(tmp_path, "cem")
    grade("class", *due, "--penalty", 50)
    assert whole()[1]["cem"]["points"] == 0
    # A date holds until another one is said, and what lateness costs with it.
    assert "4 of them keep the due date and the penalty" in grade("class")
    assert whole()[1]["cem"]["points"] == 0
    assert "keep" not in grade("class", *due, "--penalty", 0)
    assert set(points().values()) == {2}


def test_a_mark_of_lateness_is_said_and_costs_nothing(grade, tmp_path):
    files = {"leeann_LATE_12345_67890_x.ipynb": ONE, "foxben_23456_67891_x.ipynb": ONE}
    make(tmp_path, {"submissions.zip": packed(files)})
    assert "marks 1 as late: say --due" in grade("submissions.zip")
    said = grade("submissions.zip", "--due", "2026-12-01T23:59", "--penalty", 10)
    assert "For 2 of 2 nothing tells" in said
    assert points() == {"leeann_12345": 2, "foxben_23456": 2}
    assert "late, by how much is not known" in page_of(tmp_path, "leeann_12345")
    assert "say --due" not in grade("submissions.zip")  # it was said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--due", "tomorrow"], "such as 2026-12-01T23:59; got tomorrow"),
        (["--due", "2026-12-01"], "a day and a time"),
        (["--due", "2026-12-01T23:59Z"], "platform's clock"),
        (["--penalty", 10], "--penalty needs --due"),
        (["--due", "2026-12-01T23:59", "--penalty", 101], "from 0 to 100"),
        (["--export", "moodle"], "--export needs --roster"),
        (["--roster", "gone.csv"], "gone.csv cannot be opened"),
    ],
)
def test_options_that_do_not_fit_are_refused(grade, tmp_path, capsys, options, says):
    make(tmp_path, {"class/ann/a.ipynb": ONE})
    with pytest.raises(SystemExit):
        grade("class", *options)
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "grades").exists()


def gradebook(kind):
    with open(f"grades/{kind}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_gets_its_own_columns_back(grade, tmp_path):
    files = {"leeann_101_90001_x.ipynb": ONE, "foxben_102_90002_x.ipynb": b"{"}
    files |= {"zoeguest_999_90003_x.ipynb": ONE}
    make(tmp_path, {"submissions.zip": packed(files)})
    export = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Old (7)\n"
        "    Points Possible,,,,,5\n"
        '"Lee, Ann",101,u1,ann@x,A,3\n"Fox, Ben",102,u2,ben@x,B,\n"Ito, Cem",103,,,B,\n'
    )
    make(tmp_path, {"roster.csv": export.encode()})
    said = grade("submissions.zip", "--export", "canvas", "--roster", "roster.csv")
    column = "Attention 1: soft lookup"
    assert gradebook("canvas") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column],
        ["    Points Possible", "", "", "", "", "10"],
        ["Lee, Ann", "101", "u1", "ann@x", "A", "2"],
        ["Fox, Ben", "102", "u2", "ben@x", "B", ""],
    ]
    assert "On the roster, and nothing handed in: Ito, Cem, 103." in said
    assert "Handed in, and not found on the roster: zoeguest_999." in said
    assert "Not judged, so empty in the gradebook" in said


ROSTERS = {
    "by name": ("name,id\nAnn Lee,1", {"1": "2"}),
    "last name first": ('name,id\n"Lee, Ann",1', {"1": "2"}),
    "first and last": ("First name,Surname,ID number\nAnn,Lee,1", {"1": "2"}),
    "by folder": ("name,id,folder\nA. L.,1,Ann Lee_7", {"1": "2"}),
    "by whole folder": (
        "name,id,folder\nA. L.,1,Ann Lee_7_assignsubmission_file_/",
        {"1": "2"},
    ),
    "twice on the roster": ("name,id\nAnn Lee,1\nLee Ann,2", {}),
    "by id": ("name,id\nA. L.,ann lee", {"ann lee": "2"}),
}


@pytest.mark.parametrize("case", ROSTERS)
def test_a_person_is_found_or_nobody_is(grade, tmp_path, case):
    text, found = ROSTERS[case]
    folder = "Ann Lee_7_assignsubmission_file_"
    make(tmp_path, {"w.zip": packed({f"{folder}/a.ipynb": ONE})})
    make(tmp_path, {"roster.csv": text.encode()})
    said = grade("w.zip", "--export", "moodle", "--roster", "roster.csv")
    assert {x[0]: x[2] for x in gradebook("moodle")[1:]} == found
    if not found:
        assert said.count("not told apart") == 2
        assert "Handed in, and not found on the roster: Ann Lee." in said


def test_two_of_one_name_are_never_one(grade, tmp_path):
    for week, cells in ((1, [RIGHT]), (2, [MASK])):
        files = {
            f"Ann Lee_{week}{i}_assignsubmission_file_/a.ipynb": notebook(
                *cells, str(i)
            )
            for i in (1, 2)
        }
        make(tmp_path, {f"w{week}.zip": packed(files)})
    grade("w1.zip", "w2.zip")
    assert set(points()) == {f"Ann Lee_{x}" for x in (11, 12, 21, 22)}
    text = "name,id,folder\nAnn Lee,1,Ann Lee_11;Ann Lee_22\nAnn Lee,2,Ann Lee_12"
    make(tmp_path, {"roster.csv": text.encode()})
    said = grade("w1.zip", "w2.zip", "--export", "moodle", "--roster", "roster.csv")
    assert {x[0]: x[2:] for x in gradebook("moodle")[1:]} == {
        "1": ["2", "0"],
        "2": ["2", ""],
    }
    assert "not found on the roster: Ann Lee_21." in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,id\nAnn,\n", "line 2 must have an id"),
        ("name,id\nAnn,1\nBen,1\n", "the id 1 is there twice"),
        ("name\nAnn\n", "must name id; got name"),
        ("", "must name id; got nothing"),
    ],
)
def test_a_roster_that_is_none_is_refused(tmp_path, text, says):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(RosterError, match=says):
        read_roster(tmp_path / "roster.csv")


def test_what_changed_is_told_before_it_is_returned(grade, tmp_path, monkeypatch):
    make(tmp_path, {"class/ann/a.ipynb": notebook(WRONG), "class/ben/a.ipynb": ONE})
    assert "changed" not in grade("class", "--seed", 7)
    version = batch._version
    monkeypatch.setattr(batch, "_version", lambda x: version(x) | {"checks": "new"})
    assert "changed" not in grade("class", "--seed", 7)  # no verdict did
    monkeypatch.setattr(batch, "_version", lambda x: version(x) | {"checks": "newer"})
    wrong = batch.grade

    def kinder(data, terms):
        said = wrong(data, terms)
        for x in said["exercises"]:
            if x["state"] == "wrong":
                x |= {"state": "right", "points": x["of"], "message": "fine after all"}
        return said

    monkeypatch.setattr(batch, "grade", kinder)
    for _ in range(2):
        assert "1 verdicts changed" in grade("class", "--seed", 7)
        page = (tmp_path / "grades/class.html").read_text("utf-8")
        assert "fine after all" in page
        assert "wrong, 0" in page
        assert "the checks changed" in page
    make(tmp_path, {"class/ann/a.ipynb": notebook(WRONG, "1")})  # another notebook
    assert "changed" not in grade("class", "--seed", 7)


LONG = """def hard_lookup(query, key, value):
    # mine
    best, most = 0, key[0] @ query
    for i in range(1, len(key)):
        if key[i] @ query > most:
            best, most = i, key[i] @ query
    return value[best]
"""
SAME = [
    LONG.replace("best", "winner").replace("most", "score"),
    LONG.replace("# mine", '"""Look it up."""'),
    LONG.replace("    ", "  ").replace(", most", " ,most"),
    LONG.replace("(query, key, value)", "(\n    q,\n    key,\n    value,\n)")
    .replace("query", "q")
    .replace(",\n)", ")"),
    LONG + "\n\nprint(hard_lookup)\n",
]
OTHER = [
    LONG.replace(">", ">="),
    LONG.replace("best, most = 0", "most, best = 0").replace(
        "= 0, key[0]", "= 0, key[1]"
    ),
    LONG.replace("len(key)", "sum(key)"),
    LONG.replace("    return value", "        return value"),
]
ODD = [
    "def hard_lookup(",
    "def hard_lookup(x):\n  '''",
    "",
    "(" * 10**5,
    "def hard_lookup(x): return x",
]


def test_form_is_what_is_left_without_names_and_layout():
    form = form_of(LONG, "hard_lookup")
    assert form
    for code in SAME:
        assert form_of(code, "hard_lookup") == form, code
    for code in OTHER:
        assert form_of(code, "hard_lookup") not in (form, None), code
    copied, viewed = (LONG.replace("[best]", f"[best].{x}()") for x in ("copy", "view"))
    assert form_of(copied, "hard_lookup") != form_of(viewed, "hard_lookup")
    for code in ODD:
        assert form_of(code, "hard_lookup") is None


def test_identical_answers_are_listed_only_when_asked(grade, tmp_path, monkeypatch):
    files = {"ann": LONG, "ben": SAME[0], "cem": OTHER[0]}
    make(tmp_path, {f"class/{x}/a.ipynb": notebook(y) for x, y in files.items()})
    page = tmp_path / "grades/class.html"
    grade("class")
    assert "Identical answers" not in page.read_text("utf-8")
    grade("class", "--alike")
    assert '<th scope="row">ann, ben</th>' in page.read_text("utf-8")
    assert "hard_lookup (2 of 3)" in page.read_text("utf-8")
    assert "cem" not in page.read_text("utf-8").partition("Identical answers")[2]
    monkeypatch.setattr(alike, "MOST", 1)
    grade("class", "--alike")
    assert "There are none." in page.read_text("utf-8")


def test_a_mistake_is_traced_to_the_answer_it_builds_on(grade, tmp_path):
    first = "def soft_lookup(query, key, value, sharpness):\n    return value[0] * 0"
    second = (
        "def soft_lookup_all(query, key, value, sharpness):\n"
        "    return soft_lookup(query[0], key, value, sharpness) * 0"
    )
    own = second.replace("soft_lookup(query[0], key, value, sharpness)", "value[0]")
    make(tmp_path, {"class/ann/a.ipynb": notebook(first, second)})
    make(tmp_path, {"class/ben/a.ipynb": notebook(first, own)})
    grade("class")
    page = (tmp_path / "grades/class.html").read_text("utf-8")
    assert "Of these, 1 calls soft_lookup (lesson 1) and is wrong there too" in page
    assert json.loads((tmp_path / "grades/class.json").read_bytes())


def test_examples_show_numbers_and_no_words_of_anybody(grade, tmp_path):
    shouts = RIGHT.replace("return", "raise ValueError('I am Ann') #")
    make(
        tmp_path,
        {"class/x/a.ipynb": notebook(shouts), "class/y/a.ipynb": notebook(WRONG)},
    )
    grade("class")
    page = (tmp_path / "grades/class.html").read_text("utf-8")
    assert "it raises ValueError" in page
    assert "I am Ann" not in page
    assert "The smallest input that shows it" in page
