"""Let what takes far too much memory fail, in the process that runs it.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import resource
except ImportError:  # on Windows
    resource = None


@contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Raise MemoryError in what runs inside when it takes more than so many bytes.

    - `size`: how much it may take, beyond what is taken already.

    There is no limit where the system has none that holds, on Windows and macOS.
    """
    taken = _taken()
    if taken is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [x for x in (soft, hard) if x != resource.RLIM_INFINITY]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (min([taken + size, *limits]), hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _taken() -> int | None:
    """Return the bytes of address space that are taken, if the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return None
    return resource and pages * resource.getpagesize()
