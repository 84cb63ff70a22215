"""Measure lesson 14's ways to attend beside PyTorch: time and bytes, and their slopes.

    python benchmarks/efficiency.py [--sizes 256 512 …]

One head of 64 components, float32, one thread, no gradients. PyTorch's full way holds
all weights; its fast way is its `scaled_dot_product_attention`. Time is the shortest
processor time of several runs. Bytes are the most that NumPy holds during a call; those
of PyTorch are not traced. A slope is that of the last four sizes.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import numpy as np
import torch

from course_utils import (
    linear_attention,
    scaled_dot_product_attention,
    sliding_window_attention,
    sliding_window_mask,
    softmax,
    tiled_attention,
)
from course_utils.measuring import cpu_seconds, peak_bytes, slope

SIZES = [64, 128, 256, 512, 1024, 2048, 4096]
D, WINDOW = 64, 64


def full(query, key, value):
    return softmax(query @ key.mT * D**-0.5) @ value


def window_by_mask(query, key, value):
    shown = sliding_window_mask(len(query), window=WINDOW)
    return softmax(np.where(shown, query @ key.mT * D**-0.5, -np.inf)) @ value


def torch_full(query, key, value):
    return torch.softmax(query @ key.mT * D**-0.5, -1) @ value


def torch_fast(query, key, value):
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(query[None], key[None], value[None])[0]


def torch_window_by_mask(query, key, value):
    shown = torch.from_numpy(sliding_window_mask(len(query), window=WINDOW))
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(query[None], key[None], value[None], shown)[0]


def torch_linear(query, key, value):
    asks, tells = (torch.nn.functional.elu(x) + 1 for x in (query, key))
    return asks @ (tells.mT @ value) / (asks @ tells.sum(0)[:, None])


# Each way beside PyTorch's, where it has one, and its operations on paper.
WAYS = {
    "full": (full, torch_full, lambda n: 4 * n * n * D),
    "fast": (
        lambda *x: scaled_dot_product_attention(*x),
        torch_fast,
        lambda n: 4 * n * n * D,
    ),
    "tiled": (lambda *x: tiled_attention(*x), None, lambda n: 4 * n * n * D),
    "by mask": (window_by_mask, torch_window_by_mask, lambda n: 4 * n * n * D),
    "by blocks": (
        lambda *x: sliding_window_attention(*x, window=WINDOW),
        None,
        lambda n: 4 * n * (2 * WINDOW - 1) * D,
    ),
    "linear": (
        lambda *x: linear_attention(*x),
        torch_linear,
        lambda n: 4 * n * D * (D + 1),
    ),
}


def measured(sizes: list[int]) -> dict[str, dict[str, list[float]]]:
    """Return milliseconds, PyTorch's, megabytes and million operations of each way."""
    found = {name: {"ms": [], "torch ms": [], "MB": [], "Mop": []} for name in WAYS}
    for n in sizes:
        rng = np.random.default_rng(n)
        arrays = rng.standard_normal((3, n, D)).astype(np.float32)
        tensors = [torch.from_numpy(x) for x in arrays]
        for name, (way, other, operations) in WAYS.items():
            row = found[name]
            row["ms"].append(1e3 * cpu_seconds(lambda: way(*arrays)))  # noqa: B023
            row["MB"].append(peak_bytes(lambda: way(*arrays)) / 1e6)  # noqa: B023
            row["Mop"].append(operations(n) / 1e6)
            if other is not None:
                error = np.abs(other(*tensors).numpy() - way(*arrays)).max()
                assert error < 1e-4, f"{name}: {error}"
                took = cpu_seconds(lambda: other(*tensors))  # noqa: B023
                row["torch ms"].append(1e3 * took)
    return found


def pays_from(sizes: list[int], times: list[float], base: list[float]) -> str:
    """Return the size from which on a way always takes less time than another."""
    faster = np.array(times) < base
    late = np.array(sizes)[np.logical_and.accumulate(faster[::-1])[::-1]]
    return str(late[0]) if len(late) else "never"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    found = measured(sizes)
    for cost in ("ms", "torch ms", "MB", "Mop"):
        print(f"\n{cost:10}" + "".join(f"{n:>10}" for n in sizes) + "     slope")
        for name, costs in found.items():
            if costs[cost]:
                row = "".join(f"{x:10.2f}" for x in costs[cost])
                grows = slope(sizes[-4:], costs[cost][-4:])
                print(f"{name:10}{row}{grows:10.2f}")
    print("\nfirst n from which on it takes less time than full, and than fast")
    for name, costs in found.items():
        first = [
            pays_from(sizes, costs["ms"], found[x]["ms"]) for x in ("full", "fast")
        ]
        print(f"{name:10}{first[0]:>10}{first[1]:>10}")


if __name__ == "__main__":
    main()
