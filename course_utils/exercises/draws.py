"""What the draws of all lessons share: an order of cases that nobody can foresee."""

import numpy as np

from course_utils.exercises.exercise import Arguments

ROUND = 12  # how many cases a check draws


def turn(rng: np.random.Generator, size: int) -> int:
    """Return which turn case `size` takes, 0 to 11, in an order that the seed decides.

    All cases of a generator share its order, so each turn comes once a round. The
    generator goes on as if it had not been asked.
    """
    state = rng.bit_generator.seed_seq.generate_state(4)
    return int(np.random.default_rng(state).permutation(ROUND)[size % ROUND])


def in_float32(arguments: Arguments) -> Arguments:
    """Hand arrays over as float32, and single numbers as they are."""
    return {
        name: x.astype(np.float32) if x.ndim else x for name, x in arguments.items()
    }
