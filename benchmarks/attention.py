"""Time attention beside PyTorch on the CPU, in one run, and draw the ratios.

    python3 benchmarks/attention.py                    # minutes; writes the picture
    python3 benchmarks/attention.py --sizes 256 1024   # a minute; draws nothing
    python3 benchmarks/attention.py --case causal      # or: large (scores of ±100)
    python3 benchmarks/attention.py --case training    # forward and backward

The headline is the time of a step of training, forward and backward. Both get the same
arrays (8 heads of 64) in turn, in an order drawn anew each round, after a pause in
which the other's threads fall asleep, and a call that is not timed. A ratio is one
round's time over PyTorch's in that round: its median and its quartiles are shown, and
the ratio of the shortest times. The bound is the time of the two matrix products alone,
in the same blocks. NumPy's BLAS has one thread; two threads share out the heads. Memory
is what a fresh process grows by in one call, the output included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ROOT = Path(__file__).parent.parent
SIZES = [64, 128, 256, 512, 1024, 2048, 4096, 8192]
THREADS, DTYPES = [1, 2], ["float32", "float64"]
HEADS, D = 8, 64
TRAINING_SIZES = SIZES[:6]  # the weights of all heads are kept
CASES = ["plain", "causal", "large", "training"]
# Okabe and Ito's palette, which every kind of colour vision tells apart.
COLOURS = {"float32": "#0072B2", "float64": "#D55E00", "course_utils": "#0072B2"}
COLOURS |= {"torch": "#D55E00", "naive": "#009E73"}
MARKERS = {"float32": "o", "float64": "s", "course_utils": "o", "torch": "s"}


def contestants(n: int, dtype: str, case: str) -> dict[str, Callable]:
    """Return what computes attention, by name, all for the same arrays."""
    import numpy as np
    import torch

    from course_utils.attention import (
        scaled_dot_product_attention,
        scaled_dot_product_attention_vjp,
    )

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    rng = np.random.default_rng(n)
    shape = (1, HEADS, n, D)
    query, key, value = (rng.standard_normal(shape, dtype) for _ in range(3))
    if case == "large":
        query *= 20
    tensors = [torch.from_numpy(x) for x in (query, key, value)]
    is_causal = case == "causal"
    attend = torch.nn.functional.scaled_dot_product_attention
    if case == "training":
        d_output = rng.standard_normal(shape, dtype)
        d_tensor = torch.from_numpy(d_output)
        for tensor in tensors:
            tensor.requires_grad_()

        def torch_step() -> tuple:
            return torch.autograd.grad(attend(*tensors), tensors, d_tensor)

        def own_step() -> tuple:
            _, back = scaled_dot_product_attention_vjp(query, key, value)
            return back(d_output)

        return {
            "torch": torch_step,
            "course_utils": own_step,
            "products": lambda: products(query[0], key[0], value[0], d_output[0]),
        }
    return {
        "torch": lambda: attend(*tensors, is_causal=is_causal).numpy(),
        "course_utils": lambda: scaled_dot_product_attention(
            query, key, value, is_causal=is_causal
        ),
        "products": lambda: products(query[0], key[0], value[0]),
    }


def products(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    d_output: np.ndarray | None = None,
) -> None:
    """Multiply as attention does, in blocks and on threads, and do nothing else."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    def one_head(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> None:
        block = min(len(k), 512)
        scores = np.zeros((block, block), q.dtype)
        out = np.empty((block, D), q.dtype)
        for rows in range(0, len(q), block):
            for columns in range(0, len(k), block):
                part = slice(columns, columns + block)
                np.matmul(q[rows : rows + block], k[part].T, out=scores)
                np.matmul(scores, v[part], out=out)

    threads = int(os.environ["OMP_NUM_THREADS"])
    if d_output is not None:  # two products on the way there, and four back
        for q, k, v, d in zip(query, key, value, d_output, strict=True):
            scores, d_scores = q @ k.T, d @ v.T
            _ = scores @ v, scores.T @ d, d_scores @ k, d_scores.T @ q
    elif threads == 1 or len(query[0]) < 256:  # too short for a second thread to pay
        for head in zip(query, key, value, strict=True):
            one_head(*head)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one_head, query, key, value))


def measure_times(n: int, dtype: str, case: str) -> dict:
    """Return the seconds of each contestant in each round, and how far ours is off."""
    import numpy as np

    functions = contestants(n, dtype, case)
    names, rng = list(functions), np.random.default_rng(0)
    outputs = {name: functions[name]() for name in names}
    pairs = zip(*(np.atleast_1d(outputs[x]) for x in names[:2]), strict=True)
    error = max(float(abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)
    times = {name: [] for name in names}
    rounds = 25 if n <= 1024 else {2048: 11, 4096: 7}.get(n, 3)
    for _ in range(rounds):
        for name in rng.permutation(names):
            time.sleep(0.02)
            warm = seconds(functions[name]) if n <= 2048 else 1.0
            repeats = max(1, min(100, round(0.02 / warm)))
            times[name].append(seconds(functions[name], repeats))
    return {"times": times, "error": error}


def seconds(function: Callable, repeats: int = 1) -> float:
    """Return the mean time of some calls in a row."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def measure_memory(n: int, dtype: str, case: str, name: str) -> int:
    """Return the bytes by which one call raises the peak of this fresh process."""
    import resource

    # What is loaded or started on first use is no part of it.
    contestants(64, dtype, case)[name]()
    function = contestants(n, dtype, case)[name]
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    function()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit


def in_fresh_process(threads: int, *call: str | int) -> Any:
    """Make a call of this module in a process of its own; return what it returns."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    command = [sys.executable, __file__, "--call", json.dumps(call)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def ratios(times: dict[str, list[float]], name: str) -> tuple[float, ...]:
    """Return the quartiles of a contestant's ratios to PyTorch, and that of minima."""
    from statistics import quantiles

    pairs = zip(times[name], times["torch"], strict=True)
    low, middle, high = quantiles([a / b for a, b in pairs], n=4, method="inclusive")
    return low, middle, high, min(times[name]) / min(times["torch"])


def run(sizes: list[int], case: str) -> tuple[dict, dict]:
    """Measure everything, print it as it comes, and return it."""
    print(f"{case}: {HEADS} heads of {D}; ratios to torch: median [quartiles], minima")
    print(
        "threads dtype       n  torch ms    course_utils / torch         "
        "bound / torch  ours / bound  error   load"
    )
    times = {}
    for threads in THREADS[:1] if case == "training" else THREADS:
        for dtype in DTYPES:
            for n in sizes:
                found = in_fresh_process(threads, "measure_times", n, dtype, case)
                low, middle, high, least = ratios(found["times"], "course_utils")
                bound = ratios(found["times"], "products")[1]
                times[threads, dtype, n] = (low, middle, high, bound)
                print(
                    f"{threads:7} {dtype} {n:6} "
                    f"{1e3 * min(found['times']['torch']):9.2f}    "
                    f"{middle:.2f} [{low:.2f}, {high:.2f}], {least:.2f}"
                    f"{bound:17.2f}{middle / bound:14.2f}  {found['error']:.0e}"
                    f"{os.getloadavg()[0]:7.1f}",
                    flush=True,
                )
    if case == "training":
        return times, {}
    print("\npeak memory of one call on one thread, output included, in MB")
    print("dtype       n   course_utils     torch   weights held at once")
    memory = {}
    for dtype in DTYPES:
        for n in sizes:
            for name in ("course_utils", "torch"):
                call = ("measure_memory", n, dtype, case, name)
                memory[name, dtype, n] = in_fresh_process(1, *call) / 1e6
            memory["naive", dtype, n] = HEADS * n * n * int(dtype[-2:]) / 8 / 1e6
            print(
                f"{dtype} {n:6} {memory['course_utils', dtype, n]:14.1f} "
                f"{memory['torch', dtype, n]:9.1f} {memory['naive', dtype, n]:22.1f}",
                flush=True,
            )
    return times, memory


def draw(path: Path, training: dict, times: dict, memory: dict) -> None:
    """Draw the ratios of a step of training and of a call, and the memory."""
    from matplotlib.figure import Figure

    sizes = SIZES
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    panels[1].sharey(panels[0])
    panels[2].sharey(panels[0])
    drawn = [
        (training, 1, "forward and backward, one thread"),
        (times, 1, "forward, one thread"),
        (times, 2, "forward, two threads"),
    ]
    for axes, (found, threads, title) in zip(panels, drawn, strict=False):
        for dtype in DTYPES:
            there = [n for n in sizes if (threads, dtype, n) in found]
            rows = [found[threads, dtype, n] for n in there]
            low, middle, high, bound = zip(*rows, strict=True)
            style = {"color": COLOURS[dtype], "marker": MARKERS[dtype]}
            axes.plot(there, middle, label=f"course_utils, {dtype}", **style)
            axes.fill_between(there, low, high, color=COLOURS[dtype], alpha=0.2, lw=0)
            label = f"matrix products alone, {dtype}"
            axes.plot(there, bound, ":", label=label, **style, markersize=3)
        axes.axhline(1, color="black", linewidth=1)
        axes.set_title(title)
        axes.set_ylabel("time relative to PyTorch (less is better)")
    highest = max(high for x in (training, times) for _, _, high, _ in x.values())
    panels[0].set_ylim(0, min(max(1.5, 1.05 * highest), 2))
    panels[0].legend(fontsize="small", loc="lower right")
    names = {
        "naive": "all weights at once (computed)",
        "torch": "PyTorch",
        "course_utils": "course_utils",
    }
    for name, label in names.items():
        # A process grows by whole pages, and often had the room: below this is noise.
        megabytes = [max(memory[name, "float32", n], 0.1) for n in sizes]
        marker = MARKERS.get(name, "^")
        panels[3].plot(
            sizes, megabytes, color=COLOURS[name], marker=marker, label=label
        )
    panels[3].set_yscale("log")
    panels[3].set_title("memory, forward, float32")
    panels[3].set_ylabel("peak of one call, output included (MB)")
    panels[3].legend(fontsize="small", loc="upper left")
    for axes in panels:
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(n) for n in sizes])
        axes.set_xlabel("sequence length n")
        axes.grid(alpha=0.3)
    figure.suptitle(f"Attention, {HEADS} heads of {D}, NumPy beside PyTorch on one CPU")
    figure.savefig(path, dpi=120, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="lengths n; draws nothing")
    parser.add_argument("--case", choices=CASES, default="plain")
    parser.add_argument("--call", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.call:
        name, *values = json.loads(arguments.call)
        measure = {"measure_times": measure_times, "measure_memory": measure_memory}
        print(json.dumps(measure[name](*values)))
        return
    if arguments.sizes or arguments.case != "plain":
        most = TRAINING_SIZES if arguments.case == "training" else SIZES
        run(arguments.sizes or most, arguments.case)
        return
    training, _ = run(TRAINING_SIZES, "training")
    times, memory = run(SIZES, "plain")
    draw(Path(__file__).with_suffix(".png"), training, times, memory)


if __name__ == "__main__":
    main()
