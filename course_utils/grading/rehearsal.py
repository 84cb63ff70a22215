"""Run a small submission in the process from which all others are forked.

Python specializes code that has run some times (PEP 659), and remembers where it found
names. What is done here is done for all, and the memory that it changes stays shared.
"""

import os
import socket
from contextlib import suppress

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from course_utils.grading import runner, wire

TIMES = 12  # code is specialized from the eighth time on
CELLS = (
    (1, "import numpy as np\n\nfrom course_utils.learner import check", None),
    (2, "def mean(x):\n    return np.sum(x) / len(x)", None),
    (3, 'check("mean", mean)', "mean"),
)
CASES = [np.ones(2), np.zeros(3), np.arange(4), np.ones(5)]


def rehearse(shell: InteractiveShell) -> None:
    """Run it some times, and leave none of its names behind.

    - `shell`: runs the cells.
    """
    names = dict(shell.user_ns)
    call = {"do": "call", "name": "mean", "counts": [1] * len(CASES)}
    for _ in range(TIMES):
        grader, link = socket.socketpair()
        with grader, link, open(os.devnull, "wb") as begun:
            # All that the grader would say in turn, said before.
            wire.send(grader, {"cells": CELLS, "offered": []})
            wire.send(grader, call, wire.packed(CASES))
            wire.send(grader, {"do": "go on"})
            grader.shutdown(socket.SHUT_WR)
            with suppress(EOFError):
                runner.Submission(link, wire.Pipe(begun.fileno()), shell).serve()
        shell.user_ns.clear()
        shell.user_ns.update(names)
