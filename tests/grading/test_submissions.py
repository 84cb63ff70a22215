"""What a submission is worth: when it is judged, where it was written, what it says."""

import json
import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile_corpus import ANSWER, GOOD, RIGHT, notebook

from course_utils.checks.judge import judge
from course_utils.exercises import EXERCISES
from course_utils.grading import batch, sandbox
from course_utils.grading.sandbox import Limits
from course_utils.grading.submission import read
from course_utils.grading.verdict import Terms, grade

SETUP = "import numpy as np\nfrom course_utils.learner import check"
OLD_SETUP = "import numpy as np\nfrom course_utils.checks import check"
CHECK = 'check("hard_lookup", hard_lookup)'
WITH_NP = f"{ANSWER}    return value[np.argmax(key @ query)]"
WRONG = f"{ANSWER}    return key[0]"
STUB = f"{ANSWER}    raise NotImplementedError"
LEVEL = "sandbox" if shutil.which("bwrap") else "process"
TERMS = Terms(1, LEVEL, Limits(seconds=20))
SHAPES = r"the shape is \(\d,\), expected \(\d,\)"


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    sandbox.of_this_thread(LEVEL, TERMS.limits).close()


def locked(code, name="hard_lookup"):
    """Return a check cell as it is handed out, with this code in it."""
    metadata = {"nbgrader": {"grade": True, "grade_id": name}}
    return {"cell_type": "code", "source": code, "metadata": metadata}


def said_of(name, *cells):
    whole = grade(notebook(*cells), TERMS)
    assert whole["error"] is None
    assert not whole["late"]
    (entry,) = [x for x in whole["exercises"] if x["name"] == name]
    return entry


def is_right(*cells, name="hard_lookup"):
    entry = said_of(name, *cells)
    return entry["points"] == entry["of"] or entry["message"]


# When it is judged.


@pytest.mark.parametrize(
    "cells",
    [
        [SETUP, WITH_NP, locked(CHECK), "np = 3"],
        [OLD_SETUP, WITH_NP, locked(CHECK), "%reset -f"],
        [SETUP, WITH_NP, locked(CHECK), "del hard_lookup, np"],
        [SETUP, WITH_NP, CHECK, "hard_lookup = np.ones(3)"],
        [SETUP, f"{WITH_NP}\n{CHECK}\nhard_lookup = hard_lookup(*[np.eye(2)] * 3)"],
        [SETUP, STUB, locked(f"{WITH_NP}\n{CHECK}")],
        [SETUP, locked(f"{WITH_NP}\n{CHECK}"), "import os; os._exit(1)"],
        [SETUP, WITH_NP, locked("# left empty\n1 / 0"), "np = 3"],
        [SETUP, "check = None", WITH_NP, locked(CHECK), "np = 3"],
        [SETUP, WITH_NP.replace("hard_lookup", "mine"), 'check("hard_lookup", mine)'],
        [SETUP, 'check("hard_lookup", lambda q, k, v: v[np.argmax(k @ q)])'],
        [
            "import numpy as np, course_utils.learner as course",
            WITH_NP,
            'for name in ("hard_lookup",): course.check(name, globals()[name])',
            "np = 3",
        ],
        [SETUP, WRONG, locked(CHECK), WITH_NP],
        [SETUP, STUB, locked(CHECK), WITH_NP, CHECK, "np = 3"],
        [
            SETUP,
            f"{ANSWER}    return helper(query, key, value)",
            locked(CHECK),
            WITH_NP.replace("hard_lookup", "helper"),
        ],
        [SETUP, WITH_NP, locked(CHECK), WRONG, locked(CHECK)],
        [SETUP, WITH_NP],
        [SETUP, 'check("no_such_exercise", 3)\ncheck(3, 3)\n' + WITH_NP],
    ],
)
def test_an_answer_that_is_right_where_it_is_checked_is_right(cells):
    assert is_right(*cells) is True


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([SETUP, WRONG, locked(CHECK), "np = 3"], SHAPES),
        ([SETUP, WRONG, locked(CHECK), "%reset -f"], SHAPES),
        ([SETUP, WITH_NP, "np = 3", locked(CHECK)], "it raises AttributeError.*"),
        ([SETUP, STUB, locked(CHECK)], "it is not written yet"),
        ([SETUP, STUB, locked(CHECK), WRONG], SHAPES),
    ],
)
def test_an_answer_that_is_wrong_there_is_not(cells, says):
    entry = said_of("hard_lookup", *cells)
    assert entry["points"] == 0
    assert re.fullmatch(says, entry["message"])


def test_a_check_that_is_made_without_end_ends():
    again = f"{SETUP}\n{WRONG}\nfor _ in range(1000): {CHECK}\n{WITH_NP}"
    assert is_right(again) is True


@pytest.mark.parametrize("seed", range(5))
def test_of_two_lessons_in_one_notebook_it_is_always_the_same(seed):
    names = [x for x in EXERCISES if EXERCISES[x].lesson in (2, 3, 5)]
    names = [n for lesson in (2, 3, 5) for n in names if EXERCISES[n].lesson == lesson]
    cells = [f"def {n}(): pass" for n in [*names[:2], *names[4:6], *names[8:10]]]
    random.Random(seed).shuffle(cells)
    assert read(notebook(*cells)).exercises[0].lesson == 2


# The set-up cell of another place.


@pytest.mark.parametrize(
    "line",
    [
        "from google.colab import drive\ndrive.mount('/content/drive')",
        "import torch, torch.nn as nn\ntorch.manual_seed(0)\nclass N(nn.Module): pass",
        "import torch as t\ndevice = 'cuda' if t.cuda.is_available() else 'cpu'",
        "%matplotlib widget",
        "%conda install numpy\n%mamba install numpy",
        "%pip install a\n!pip install b\n!pip3 install -q c\n!python -m pip install d",
        "import sys\n!{sys.executable} -m pip install torch",
        "import subprocess, sys\n"
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'torch'])",
        "%load_ext no_such_extension\n%config InlineBackend.figure_format = 'retina'",
        "!apt-get install -y graphviz\n!wget https://example.org/data.csv",
        "if True:\n    import seaborn_of_another_place as sns",
        "from course_utils import no_such\nfrom course_utils.figures import x\nx(1)",
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
    ],
)
def test_a_line_for_another_place_does_not_stop_the_lines_after_it(line):
    assert is_right(f"{line}\n{SETUP}", WITH_NP, locked(CHECK)) is True


@pytest.mark.parametrize(
    ("setup", "what"),
    [
        ("raise RuntimeError('not here')\n", "raises RuntimeError: “not here”"),
        ("from google.colab import files\n1 / 0\n", "raises ModuleNotFoundError: No"),
        ("import os; os._exit(1)\n", "ends the process that runs it"),
    ],
)
def test_what_follows_from_a_cell_that_fails_names_it(setup, what):
    cells = ["x = 1", setup + SETUP, "import other_place", WITH_NP]
    for more in ([], [locked(CHECK)]):
        message = said_of("hard_lookup", *cells, *more)["message"]
        assert message.startswith("it raises NameError: name 'np' is not defined")
        assert f": code cell 2 {what}" in message
    rest = said_of("soft_lookup", *cells)["message"]
    assert rest.startswith(f"`soft_lookup` is not defined: code cell 2 {what}")


def test_using_what_an_import_should_have_brought_names_it():
    cells = ["import notorch", f"{ANSWER}    return notorch.tensor(value)[0]"]
    message = said_of("hard_lookup", *cells)["message"]
    missing = "ModuleNotFoundError: No module named 'notorch'"
    assert message.startswith(f"it raises {missing}")
    assert message.endswith(f": code cell 1 raises {missing}")


def test_a_line_that_fails_otherwise_stops_its_cell():
    assert "is not defined" in is_right(f"assert False\n{GOOD}")


# What only IPython runs, and what needs nothing but Python.


@pytest.mark.parametrize(
    "cell",
    [
        "x = await __import__('asyncio').sleep(0, 7)",
        "    x = 7",
        "\n \n\nx = 7",
        ">>> x = 7",
        "x = 7\nx?",
        "%time x = 7",
        "%%time\nx = 7",
        "%%capture\nx = 7\nprint(x)",
        "a = !echo 7\nx = int(a[0])",
        "get_ipython().run_cell('x = 7', silent=True)",
        "get_ipython().run_line_magic('time', 'x = 7')",
        "display(7)\nx = 7",
        "from __future__ import annotations\nx: Undefined = 7",
        "x = 7\nimport sys\nsys.exit()",
        "x = 7\nraise KeyboardInterrupt",
        "x = 7\n_ = 8\nexit()",
        "global x\nx = 7",
    ],
)
def test_a_cell_does_what_it_does_in_a_notebook(cell):
    answer = f"{ANSWER}    return value[np.argmax(key @ query)] + x - 7"
    for more in ([], [locked(CHECK)]):
        assert is_right(SETUP, cell, answer, *more) is True


def test_a_future_that_is_imported_holds_for_the_cells_below():
    setup = f"from __future__ import annotations\n{SETUP}"
    assert is_right(setup, f"def f(x: Undefined): 0\n{WITH_NP}") is True


@pytest.mark.parametrize("command", ["pwd", "ls -l", "lsmagic", "run seven.py"])
def test_a_command_without_its_sign_is_run(command):
    cells = ["%%writefile seven.py\nx = 7", command, locked(CHECK)]
    # The first cell that fails is named as the cause.
    message = said_of("hard_lookup", *cells)["message"]
    assert message.startswith("`hard_lookup` is not defined: code cell 3 raises")


@pytest.mark.parametrize("above", ["", "\n", " \n\t\n"])
def test_lines_above_a_cell_are_not_counted(above):
    wrong = f"{above}{ANSWER}    return value[np.argmax(key @ query)] / missing"
    message = said_of("hard_lookup", SETUP, wrong)["message"]
    assert "(line 2 of the cell: `return value" in message


# What the course lends.

SOLVED = sorted(Path(__file__).parents[2].joinpath("solutions").glob("*.ipynb"))
SDPA = "def scaled_dot_product_attention(query, key, value):\n"
RIGHT_SDPA = (
    f"from course_utils import softmax\n{SDPA}"
    "    return softmax(query @ key.swapaxes(-1, -2) / query.shape[-1] ** 0.5) @ value"
)
BORROWED = (
    "it calls `scaled_dot_product_attention` of the course, which does the work for "
    "you: write the steps out"
)


@pytest.mark.parametrize(
    "use",
    [
        "from course_utils import softmax",
        "from course_utils import *",
        "from course_utils.softmax import softmax",
        "import course_utils\nsoftmax = course_utils.softmax",
        "import course_utils.softmax\nfrom course_utils import softmax",
    ],
)
def test_what_an_exercise_may_use_is_lent(use):
    code = RIGHT_SDPA.replace("from course_utils import softmax", use)
    assert is_right(code, name="scaled_dot_product_attention") is True


BORROW = "from course_utils import scaled_dot_product_attention as borrowed\n"


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("", "return borrowed(query, key, value)"),
        ("", "import sys; sys.setprofile(None); return borrowed(query, key, value)"),
        (
            "from concurrent.futures import ThreadPoolExecutor",
            "return ThreadPoolExecutor(1).submit(borrowed, query, key, value).result()",
        ),
        (
            "",
            "try: borrowed(query, key, value)\n    except BaseException: pass\n"
            "    return 1",
        ),
        ("borrowed.__name__ = 'softmax'", "return borrowed(query, key, value)"),
        (
            "import copy; borrowed = copy.deepcopy(borrowed)",
            "return borrowed(query, key, value)",
        ),
    ],
)
def test_what_it_must_not_use_is_refused_however_it_is_called(before, body):
    code = f"{BORROW}{before}\n{SDPA}    {body}"
    assert said_of("scaled_dot_product_attention", code)["message"] == BORROWED


@pytest.mark.skipif(LEVEL == "process", reason="needs the sandbox")
def test_there_is_nothing_of_the_course_to_read():
    """No text of the course is there but what runs the submission."""
    cell = f"""
import os, sys, gc, subprocess
own = [x for x in gc.get_objects() if getattr(x, "__name__", "") == "softmax"]
assert not [x for x in own if hasattr(x, "__code__") and x.__code__.co_argcount > 1]
root = {str(sandbox.COURSE)!r}
found = [os.path.join(d, f) for d, _, files in os.walk(root) for f in files]
there = {{os.path.relpath(x, root) for x in found}}
assert there <= set({list(sandbox.INSIDE)!r}), there
seen = [d for d, ds, fs in os.walk("/") if "multi_head.py" in fs or "pooling.py" in fs
        if "site-packages" not in d]
assert not seen, seen
code = "import course_utils.attention, sys; sys.exit(len(dir(course_utils)) > 12)"
env = {{"PYTHONPATH": os.path.dirname(root)}}
assert subprocess.run([sys.executable, "-c", code], env=env).returncode
{GOOD}
"""
    assert is_right(cell) is True


@pytest.mark.parametrize(
    "call",
    [
        "softmax(np.zeros((10**4, 10**4)))",
        "softmax(np.zeros(3), axis=10**30)",
        "softmax(np.zeros(3), *range(50))",
        "softmax(np.zeros(3), axis={'a': 1})",
        "softmax('x' * 10**5)",
        "softmax(softmax)",
        "softmax(np.zeros((10**9, 0)), axis=0)",
    ],
)
def test_what_cannot_be_lent_is_an_error_of_the_learner(call):
    code = f"import numpy as np\n{RIGHT_SDPA}\ntry: {call}\nexcept Exception: x = 1\nx"
    assert is_right(code, name="scaled_dot_product_attention") is True


# What may be said.

ON_PAGES = "1234567.25"  # a value that hides in every argument


@pytest.mark.parametrize(
    "leak",
    [
        "raise ValueError(str(key))",
        "raise KeyError(repr(key.tolist()))",
        "raise type('v' + key.tobytes().hex(), (Exception,), {})",
        "raise ValueError(key.tobytes().hex())",
        "import base64; raise ValueError(base64.b64encode(key.tobytes()).decode())",
        "raise NameError(f\"name 'v{key.tobytes().hex()[:30]}' is not defined\")",
        "return float('value: ' + str(key[0, 0]))",
        "return int(str(key[0, 0]))",
        "return {}[float(key[0, 0])]",
        "return value[int(key[0, 0])]",
        "return type('v' + str(int(key[0, 0])), (), {})()",
        "exec(f'raise ValueError({key[0, 0]})')",
        "return open(f'/no/{key[0, 0]}')",
        "raise OSError(1, key.tobytes().hex())",
        "return __import__('v' + str(key[0, 0]))",
        "import sys; sys.exit(str(key))",
        "import builtins; builtins.zip = type('v' + str(int(key[0, 0])), (), {})",
    ],
)
def test_no_value_of_a_hidden_input_gets_to_the_page(leak, monkeypatch):
    exercise = EXERCISES["hard_lookup"]
    drawn = exercise.inputs

    def inputs(rng, size):
        case = drawn(rng, size)
        return {**case, "key": np.full_like(case["key"], float(ON_PAGES))}

    monkeypatch.setitem(
        EXERCISES, "hard_lookup", type(exercise)(**{**vars(exercise), "inputs": inputs})
    )
    later = "raise ValueError(SEEN[0], type('v', (), {}))"
    keep = "SEEN.append(str(key))\n    "
    entry = said_of(
        "hard_lookup", f"{SETUP}\nSEEN = []", ANSWER + f"    {keep}{leak}", CHECK, later
    )
    shown = entry["message"]
    raw = np.float64(ON_PAGES).tobytes().hex()
    for secret in (ON_PAGES[:5], "1.234", "1,234", raw[-8:]):
        assert secret not in shown
    rest = said_of(
        "soft_lookup", f"{SETUP}\nSEEN = []", ANSWER + f"    {keep}{leak}", CHECK, later
    )
    assert ON_PAGES[:5] not in json.dumps(rest)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return key @ np.ones(99)", "matmul: .* (size 99 is different from"),
        ("return key + np.ones((77, 1, 1, 55))", "operands could not be broadcast"),
        ("return keyy", "name 'keyy' is not defined"),
        ("return value[99]", "index … is out of bounds for axis 0 with size "),
        ("return key(3)", "'numpy.ndarray' object is not callable"),
    ],
)
def test_what_numpy_says_of_shapes_and_names_is_shown(body, says):
    message = said_of("hard_lookup", "import numpy as np", f"{ANSWER}    {body}")[
        "message"
    ]
    for part in says.split(" .* "):
        assert part in message
    assert message.endswith(f"(line 2 of the cell: `{body}`)")


def test_words_of_a_submission_never_read_like_the_grader_s():
    claim = "right: 12 fresh inputs, all as expected"
    entry = said_of("hard_lookup", f"raise ValueError('“”{claim}')\n{GOOD}")
    assert entry["message"].endswith(f": code cell 1 raises ValueError: “{claim}”")


# What the judge is told.


@pytest.mark.parametrize(
    ("body", "is_so"),
    [
        ("x = value[(key @ query).argmax()]; np.seterr(all='raise'); return x", True),
        ("return np.ma.masked_array(value[(key @ query).argmax()])", True),
        (
            "return np.ma.masked_array(value[0], value[0] == value[0])",
            "it returns a masked array with hidden entries: write numbers there with "
            "`.filled(...)`",
        ),
    ],
)
def test_settings_and_masks_work_or_are_said(body, is_so):
    code = f"import numpy as np\n{ANSWER}    {body}"
    assert is_right(code) is is_so or is_right(code) == is_so
    made = {}
    exec(code, made)
    message = judge(EXERCISES["hard_lookup"], made["hard_lookup"], 1).message
    assert message == (RIGHT if is_so is True else is_so)


@pytest.mark.parametrize("name", EXERCISES)
def test_settings_of_the_learner_do_not_reach_the_judge(name):
    exercise = EXERCISES[name]
    import warnings

    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judge(exercise, exercise.also_right[0], 12345).passed


# Beside others.


def test_who_ran_out_of_time_beside_others_is_judged_again_alone(tmp_path, monkeypatch):
    runs, running, most = [], [], []

    def judged(data, _terms):
        running.append(data)
        runs.append(data)
        most.append((data, len(running)))
        first = runs.count(data) == 1
        running.remove(data)
        return {"late": data[:1] == b"l" and first, "again": not first}

    monkeypatch.setattr(batch, "grade", judged)
    files = {x: str(tmp_path / x) for x in ("late", "l", "a", "b", "c")}
    for name, file in files.items():
        Path(file).write_bytes(name.encode())
    with ThreadPoolExecutor(2) as pool:
        found = dict(batch._worked_out(files, TERMS, pool))
    assert {x: y["again"] for x, y in found.items()} == {
        **dict.fromkeys(("late", "l"), True),
        **dict.fromkeys(("a", "b", "c"), False),
    }
    assert sorted(runs[-2:]) == [b"l", b"late"]
    assert not any("late" in x for x in found.values())
