"""Give one layer of attention a fair chance at lesson 15's task, and store the result.

    python3 benchmarks/induction.py

A row of `course_utils/data/induction.csv` is one model: its layers, the size of its
vectors, its steps, its seed, how many numbers it has, and its share of right answers.
It takes some ten minutes.
"""

import numpy as np

from course_utils.models.induction import TABLE, AttentionOnly, second_time

HEADER = "layers,d,steps,seed,numbers,right"
SEEDS = range(5)
# One layer with d = 44 has as many numbers as two with 32. The last is short: a test
# trains it again.
PLAN = [
    (2, 32, 800),
    (1, 32, 800),
    (1, 44, 800),
    (1, 44, 1600),
    (1, 44, 6400),
    (1, 32, 150),
]


def rows(layers: int, d: int, steps: int) -> list[str]:
    """Train the models of one plan; return a row for each."""
    start = AttentionOnly(layers, d=d).start(np.random.default_rng(0))
    numbers = sum(x.size for x in start.values())
    found = second_time(layers, d, steps, SEEDS)
    pairs = zip(SEEDS, found, strict=True)
    return [f"{layers},{d},{steps},{seed},{numbers},{x:.3f}" for seed, x in pairs]


def main() -> None:
    """Measure everything, and store it."""
    table = [HEADER]
    for plan in PLAN:
        table += rows(*plan)
        print("\n".join(table[-len(SEEDS) :]), flush=True)
    TABLE.write_text("\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
