"""What a translator without attention gains by width, and by patience, and its cost.

    python benchmarks/translation.py

trains each of CONTENDERS from five seeds, as lesson 11 does but for longer, on larger
batches and at half the learning rate, which takes minutes, and writes what came of it
to course_utils/data/translation.json, which the lesson reads.
The seconds are CPU time on one thread, of the training and the test.
"""

import json
import os
import time
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import numpy as np

from course_utils.models.translator import Translator, trained

TABLE = Path(__file__).parent.parent / "course_utils" / "data" / "translation.json"
TESTED = range(1, 17)
CONTENDERS = [  # kind, width, steps
    ("multiplicative", 32, 400),
    ("fixed", 32, 400),
    ("fixed", 128, 400),
    ("fixed", 32, 4000),
    ("fixed", 128, 4000),
]


def measured(kind, width, steps):
    translator = Translator(kind, width=width, dtype=np.float32)
    began = time.process_time()
    trials = trained(
        translator, steps=steps, learning_rate=0.01, batch=32, tested=TESTED, count=100
    )
    return {
        "kind": kind,
        "width": width,
        "steps": steps,
        "parameters": sum(x[0].size for x in trials.parameters.values()),
        "seconds": round(time.process_time() - began, 1),
        "scores": trials.scores[-1].round(4).tolist(),  # (seeds, tested)
    }


def main():
    trained(Translator("fixed"), steps=1, progress=False)  # draws the numbers
    rows = []
    for contender in CONTENDERS:
        rows.append(measured(*contender))
        print({name: x for name, x in rows[-1].items() if name != "scores"})
    listed = ",\n".join(f"  {json.dumps(row)}" for row in rows)  # a line for each
    tested = json.dumps(list(TESTED))
    TABLE.write_text(f'{{"tested": {tested},\n "rows": [\n{listed}\n]}}\n')


if __name__ == "__main__":
    main()
