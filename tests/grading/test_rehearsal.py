"""The submission that is rehearsed runs to its end, and leaves nothing behind."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils.grading import rehearsal
from course_utils.grading.sandbox import Limits, of_this_thread
from course_utils.grading.verdict import Terms, grade

ISOLATIONS = ["process", "sandbox"] if shutil.which("bwrap") else ["process"]
INSIDE = Path(rehearsal.__file__).with_name("inside.py")
# Runs what waits for submissions, up to where it would wait, and tells what it sends.
SAYS = """
import json, runpy, sys
inside = runpy.run_path(sys.argv[1])
wire, sent = inside["wire"], []
send = wire.send
def note(link, message, *more, **named):
    sent.append(message)
    return send(link, message, *more, **named)
wire.send = note
inside["_shell"]()
print(json.dumps(sent))
"""


def test_it_does_what_a_right_submission_does():
    run = [sys.executable, "-P", "-c", SAYS, str(INSIDE)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert not [x for x in said if "raised" in x or "failed" in x]
    assert [x["check"] for x in said if "check" in x] == ["mean"] * rehearsal.TIMES
    replies = [x["replies"] for x in said if "replies" in x]
    right = [{"returned": True}] * 2 * len(rehearsal.CASES)
    assert replies == [right] * rehearsal.TIMES
    assert [x["same"] for x in said if "ready" in x] == [["mean"]] * rehearsal.TIMES


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_no_submission_finds_what_was_rehearsed(isolation):
    cells = ["raise ValueError(' '.join(globals()))", "def hard_lookup(: pass"]
    code = [nbformat.v4.new_code_cell(x) for x in cells]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=code))
    terms = Terms(1, isolation, Limits())
    said = grade(text.encode(), terms)["exercises"][0]["message"]
    of_this_thread(isolation, terms.limits).close()
    names = said.partition("“")[2].partition("”")[0].split()
    assert "get_ipython" in names
    assert not {"np", "check", "mean"} & set(names)
