"""Keep memory for the next array, as a step of training asks for the same each time."""

import numpy as np

KEPT = 1 << 24  # bytes


def keep() -> None:
    """Let the C library keep up to twice `KEPT` bytes of what is freed.

    Else it gives arrays of 128 kB back to the system, and every page of the next one
    has to be asked for and cleared: half the time of a step of attention with n = 64.
    glibc raises its bounds to the largest array that was freed (mallopt(3), "dynamic
    mmap threshold"); elsewhere this does nothing. No page of the array is touched.
    """
    np.empty(KEPT, np.uint8)
