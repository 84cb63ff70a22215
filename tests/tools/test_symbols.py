"""The page of symbols says what the tables of the lessons say."""

import re

from tools import symbols


def test_the_page_is_that_of_the_tables(root):
    there = (root / symbols.PAGE).read_text(encoding="utf-8")
    assert there == symbols.page(root), "run python3 tools/symbols.py"


def test_each_lesson_has_its_symbols_there(root):
    lessons = {lesson for *_, lesson in symbols.rows(root)}
    numbered = {x.stem for x in (root / "source/lessons").glob("*.py")}
    assert numbered - lessons == {"00_watch_a_model_look_back"}


def test_what_is_learnt_has_one_name(root):
    names = [
        code for name, *_ in symbols.rows(root) for code in re.findall("`(.+?)`", name)
    ]
    assert not [x for x in names if re.fullmatch(r"[Ww]_[A-Z]\w*|W_[a-z]\w*", x)]


def test_a_table_is_read_row_by_row(tmp_path):
    folder = tmp_path / "source/lessons"
    folder.mkdir(parents=True)
    table = "## Symbols and names\n\n| name | shape | meaning |\n|---|---|---|\n"
    table += "| $b$, `bias` | (n,) | what is added |\n| able | | can |\n"
    table += "\n## Go deeper\n| a | | b |\n"
    (folder / "03_x.py").write_text(f"| no | | table |\n{table}")
    assert symbols.rows(tmp_path) == [
        ("able", "", "can", "03_x"),
        ("$b$, `bias`", "(n,)", "what is added", "03_x"),
    ]
