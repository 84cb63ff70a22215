"""Stop what does not end by itself, in the process that runs it."""

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after some seconds, as the stop button would.

    - `seconds`: how long it may take.

    Raises TimeoutError when the time is over. Outside the main thread, which alone
    can be interrupted, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if sys.platform == "emscripten":
        with _limit_without_threads(seconds):
            yield
        return
    main = threading.current_thread().ident
    over, ended = threading.Event(), threading.Event()

    def interrupt() -> None:
        # Again and again: an answer may catch the first interrupt and go on.
        while not ended.wait(0.05 if over.is_set() else seconds):
            over.set()
            _interrupt(main)

    # What was started in the background may have been told to ignore the button.
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        try:
            yield
        finally:
            ended.set()
            watch.join()
    except KeyboardInterrupt as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        if not callable(before):
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _interrupt(thread: int) -> None:
    """Press the stop button; a true signal also ends a sleep."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def _limit_without_threads(seconds: float) -> Iterator[None]:
    """Look at the clock whenever a loop jumps back or a function begins.

    A browser's Python has no threads; it is 3.12 or newer, and so has these events.
    """
    events = sys.monitoring
    tool = next(i for i in range(6) if events.get_tool(i) is None)
    watched = events.events.JUMP | events.events.PY_START
    end, over = time.monotonic() + seconds, False

    def look(*_: object) -> None:
        nonlocal end, over
        if time.monotonic() > end:
            # Again and again, too; in between, what was interrupted may tidy up.
            over, end = True, time.monotonic() + 0.05
            raise KeyboardInterrupt

    events.use_tool_id(tool, "time limit")
    for event in (events.events.JUMP, events.events.PY_START):
        events.register_callback(tool, event, look)
    events.set_events(tool, watched)
    try:
        try:
            yield
        finally:
            events.set_events(tool, 0)
            events.free_tool_id(tool)
    except KeyboardInterrupt as error:
        if over:
            raise TimeoutError from error
        raise
