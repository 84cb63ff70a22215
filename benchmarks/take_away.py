"""Measure what each part of the transformer of lesson 12 is worth, and store it.

    python3 benchmarks/take_away.py            # all rows: about a quarter of an hour
    python3 benchmarks/take_away.py "no mask"  # these changes alone; stores nothing

A row of `course_utils/data/take_away.csv` is one model: what was changed, its blocks,
its steps, its seed, and its two kinds of held-out bits a character.
"""

import sys
from collections.abc import Iterator
from itertools import product

from course_utils.models.take_away import CHANGES, TABLE, held_out_bits

HEADER = "change,blocks,steps,seed,bits,bits at the last place"
SEEDS = range(5)
DEEP = ("nothing", "no residual", "no layer norm")
LONG = ("nothing", "no layer norm", "tied embedding")
# What, how many blocks, how many steps.
PLAN = [
    *product(CHANGES, [1], [600]),
    *product(DEEP, [4], [600]),
    *product(LONG, [1], [1600]),
]


def rows(change: str, blocks: int, steps: int) -> Iterator[str]:
    """Train the models of one plan, and write a row for each."""
    found = held_out_bits(change, seeds=SEEDS, steps=steps, num_blocks=blocks)
    for seed, bits, last in zip(SEEDS, *found, strict=True):
        yield f'"{change}",{blocks},{steps},{seed},{bits:.3f},{last:.3f}'


def main(changes: list[str]) -> None:
    """Measure what was asked for, or everything, which is stored."""
    table = [HEADER]
    for plan in PLAN:
        if plan[0] in changes or not changes:
            table += rows(*plan)
            print("\n".join(table[-len(SEEDS) :]), flush=True)
    if not changes:
        TABLE.write_text("\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
