"""Every function gives what PyTorch gave: arrays stored by tests/make_references.py."""

from importlib import import_module

import numpy as np
import pytest
from samples import REFERENCES, assert_close, references
from vjps import gradients

from course_utils.multi_head_layer import MultiHeadAttention

MODULES = ["softmax", "scores", "pooling", "attention", "multi_head", "positions"]
MODULES += ["layers"]


def stored_cases():
    for module in MODULES:
        for dtype in ("float32", "float64"):
            cases = {}
            for label, x in references(f"{module}_{dtype}").items():
                function, number, what = label.split(".", 2)
                cases.setdefault((function, number), {})[what] = x
            for (function, number), case in cases.items():
                label = f"{function}-{number}-{dtype}"
                yield pytest.param(module, function, case, id=label)


@pytest.mark.parametrize(("module", "function", "case"), list(stored_cases()))
def test_a_function_gives_what_pytorch_gave(module, function, case):
    arguments = {
        what.removeprefix("in."): x if x.ndim else x.item()
        for what, x in case.items()
        if what.startswith("in.")
    }
    found = import_module(f"course_utils.{module}")
    dtype = case["out"].dtype
    if hasattr(found, function):
        assert_close(getattr(found, function)(**arguments), case["out"], dtype)
    vjp = getattr(found, f"{function}_vjp", None)
    # The core of softmax takes nothing but rows of scores.
    if vjp is None or (function == "softmax" and len(arguments) > 1):
        assert hasattr(found, function)
        return
    if function == "softmax":
        arguments = {"scores": arguments["x"]}
    output, by_name = gradients(vjp, arguments, case.get("d_out"))
    if function == "cross_entropy":  # its loss is a Python float
        output = np.asarray(output, dtype)
    assert_close(output, case["out"], dtype)
    assert len(by_name) == sum(what.startswith("d_in.") for what in case)
    for name, ours in by_name.items():
        name = "x" if function == "softmax" else name
        assert_close(ours, case[f"d_in.{name}"], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_with_pytorchs_state_gives_what_pytorch_gave(dtype):
    stored = references(f"torch_module_{dtype}")
    state = {
        name.removeprefix("state."): x
        for name, x in stored.items()
        if name.startswith("state.")
    }
    module = MultiHeadAttention(np.random.default_rng(0), d_model=6, num_heads=2)
    module.load_torch_state(state)
    output, weights = module(stored["query"], stored["key"], return_weights=True)
    assert_close(output, stored["output"], dtype)
    assert_close(weights, stored["weights"], dtype)


def test_references_are_small():
    assert sum(path.stat().st_size for path in REFERENCES.iterdir()) < 200_000


def test_lesson_9_loads_what_the_references_hold():
    stored = references("torch_module_float64")
    with np.load(
        REFERENCES.parents[1] / "course_utils" / "data" / "pytorch_heads.npz"
    ) as loaded:
        assert set(loaded) == set(stored)
        for name, array in stored.items():
            np.testing.assert_array_equal(loaded[name], array)
