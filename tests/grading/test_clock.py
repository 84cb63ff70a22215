"""A submission's own time, with clocks that the test sets."""

import pytest

from course_utils.grading import clock
from course_utils.grading.clock import Clock, LateError


class World:
    """A wall clock and a process that the test moves."""

    def __init__(self, monkeypatch, share=1.0, runs=True):
        self.now, self.cpu, self.share, self.runs = 0.0, 5.0, share, runs
        monkeypatch.setattr(clock.time, "monotonic", lambda: self.now)

    def meter(self):
        return self.cpu, self.runs

    def time_until(self, error, of):
        """Return when a deadline passes; each wait is waited to its end."""
        try:
            while True:
                wait = of.left()
                assert 0 < wait <= clock.SLICE
                self.now += wait
                self.cpu += wait * self.share
        except error:
            return self.now


@pytest.mark.parametrize(
    ("share", "runs", "stops"),
    [
        (1.0, True, 10),  # alone
        (0.5, True, 20),  # beside one neighbour
        (2.0, True, 5),  # with several busy children
        (30.0, True, 0.6),
        (0.0, False, 10),  # asleep
    ],
)
def test_time_is_what_its_processes_take_or_sleep(share, runs, stops, monkeypatch):
    world = World(monkeypatch, share, runs)
    of = Clock(10, 80, world.meter)
    assert world.time_until(TimeoutError, of) == pytest.approx(stops, abs=0.6)


def test_a_busy_machine_is_no_fault_of_the_submission(monkeypatch):
    world = World(monkeypatch, share=0.01)
    of = Clock(10, 80, world.meter)
    assert world.time_until(LateError, of) == pytest.approx(
        clock.PATIENCE * 10, abs=0.6
    )


def test_all_phases_together_have_an_end(monkeypatch):
    world = World(monkeypatch)
    of = Clock(10, 25, world.meter)
    for stops in (10, 20, 25):
        assert world.time_until(TimeoutError, of) == pytest.approx(stops, abs=0.6)
        of.phase()
    assert of.is_over


def test_all_phases_together_have_an_end_on_a_busy_machine_too(monkeypatch):
    world = World(monkeypatch, share=0.01)
    of = Clock(10, 20, world.meter)
    for stops in (30, 60):
        of.phase()
        assert world.time_until(LateError, of) == pytest.approx(stops, abs=0.6)
    assert of.is_over


def test_where_nobody_can_tell_the_wall_clock_counts(monkeypatch):
    world = World(monkeypatch)
    assert world.time_until(TimeoutError, Clock(4, 80, lambda: None)) == pytest.approx(
        4, abs=0.6
    )
