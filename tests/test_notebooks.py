"""That the comparison of stored with fresh outputs really compares numbers."""

import re
import shutil
import subprocess
import sys

import pytest


def nbval(folder, with_course):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, str(folder)],
        cwd=folder,
        env={**with_course, "COURSE_PROGRESS": str(folder / "progress.json")},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("digit", "instead"),
    [
        (r"16\.96 °C", "16.97 °C"),  # printed
        (r"16\.9594", "16.9595"),  # in an array
        (r"south 0\.50", "south 0.51"),  # in a figure's description
        (r"base64,PHN2", "base64,PHN3"),  # in a figure's picture
    ],
)
def test_a_changed_digit_in_a_stored_output_fails(
    root, tmp_path, with_course, digit, instead
):
    copy = tmp_path / "01_soft_lookup.ipynb"
    shutil.copy(root / "notebooks" / copy.name, copy)
    text = copy.read_text(encoding="utf-8")
    before, outputs = text.split('"outputs": [', 1)
    assert re.search(digit, outputs)
    copy.write_text(
        before + '"outputs": [' + re.sub(digit, instead, outputs, count=1),
        encoding="utf-8",
    )
    done = nbval(tmp_path, with_course)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_an_unchanged_notebook_passes(root, tmp_path, with_course):
    shutil.copy(root / "notebooks" / "01_soft_lookup.ipynb", tmp_path)
    done = nbval(tmp_path, with_course)
    assert done.returncode == 0, done.stdout
