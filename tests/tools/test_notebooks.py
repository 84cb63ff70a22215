"""That the comparison of stored with fresh outputs really compares numbers."""

import platform
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from course_utils.models import published
from set_up import needs_models

CHANGES = {
    "printed": (r"16\.96 °C", "16.97 °C"),
    "in_an_array": (r"16\.9594", "16.9595"),
    "in_a_description": (r"south 0\.50", "south 0.51"),
    "in_a_picture": (r"base64,PHN2", "base64,PHN3"),
}


def test_a_changed_digit_in_a_stored_output_fails(root, tmp_path, with_course):
    lesson = root / "notebooks" / "01_soft_lookup.ipynb"
    shutil.copy(lesson, tmp_path / "unchanged.ipynb")
    before, outputs = lesson.read_text(encoding="utf-8").split('"outputs": [', 1)
    for name, (digit, instead) in CHANGES.items():
        assert re.search(digit, outputs)
        changed = re.sub(digit, instead, outputs, count=1)
        text = f'{before}"outputs": [{changed}'
        (tmp_path / f"{name}.ipynb").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={
            **with_course,
            "COURSE_PROGRESS": str(tmp_path / "progress.json"),
            "COURSE_FIGURES": "still",
        },
        capture_output=True,
        text=True,
    )
    failed = re.findall(r"^FAILED (\w+)\.ipynb", done.stdout, re.M)
    assert sorted(failed) == sorted(CHANGES), done.stdout


@pytest.mark.thorough
@pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"},
    reason="only of these processors can an old one be played",
)
def test_an_old_processor_comes_to_the_same_outputs(root, tmp_path, with_course):
    """Other sums round otherwise, and hundreds of steps of training make that large."""
    lessons = [
        x
        for x in sorted((root / "notebooks").glob("*.ipynb"))
        if published.are_here() or not needs_models(x.read_text("utf-8"))
    ]
    two = ["-n", "2", "--dist", "loadfile"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", *two, *lessons],
        cwd=root,
        env={
            **with_course,
            "COURSE_PROGRESS": str(tmp_path / "progress.json"),
            "COURSE_FIGURES": "still",
            "OPENBLAS_CORETYPE": "Prescott",
            "NPY_DISABLE_CPU_FEATURES": " ".join(
                np.show_config(mode="dicts")["SIMD Extensions"]["found"]
            ),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_worked_solution_is_right(root):
    for path in sorted((root / "solutions").glob("*.ipynb")):
        said = re.findall(r"(✓ Right|✗ Not yet): (\w+)", path.read_text("utf-8"))
        assert said
        assert {mark for mark, _ in said} == {"✓ Right"}, path.name
