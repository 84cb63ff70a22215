"""What measures costs, and how the costs of attention grow: slopes, never times."""

import numpy as np
import pytest

from course_utils import (
    linear_attention,
    measuring,
    scaled_dot_product_attention,
    sliding_window_attention,
    sliding_window_mask,
    softmax,
    tiled_attention,
)
from course_utils.measuring import Counted, count, cpu_seconds, peak_bytes, slope

NS = np.array([256, 512, 1024, 2048])
D, WINDOW = 16, 64


def full(query, key, value):
    return softmax(query @ key.mT * D**-0.5) @ value


def window_by_mask(query, key, value):
    mask = sliding_window_mask(len(query), window=WINDOW)
    return softmax(np.where(mask, query @ key.mT * D**-0.5, -np.inf)) @ value


WAYS = {
    # The slopes of peak bytes and of processor time that are allowed.
    "full": (full, (1.8, 2.2), (1.4, 3)),
    "window by mask": (window_by_mask, (1.8, 2.2), (1.4, 3)),
    "tiled": (lambda *x: tiled_attention(*x), (0.2, 1.1), (1.3, 2.7)),
    "fast": (lambda *x: scaled_dot_product_attention(*x), (0, 1.3), (1.3, 2.7)),
    "linear": (linear_attention, (0.8, 1.2), (0.5, 1.5)),
    "window by blocks": (
        lambda *x: sliding_window_attention(*x, window=WINDOW),
        (0.3, 1.1),
        (0.5, 1.5),
    ),
}


def drawn(n, d=D):
    return np.random.default_rng(0).standard_normal((3, n, d)).astype(np.float32)


@pytest.mark.parametrize("name", WAYS)
def test_memory_grows_as_it_does_on_paper(name):
    way, (least, most), _ = WAYS[name]
    peaks = [peak_bytes(lambda n=n: way(*drawn(n))) for n in NS]
    assert least < slope(NS, peaks) < most


@pytest.mark.thorough
@pytest.mark.parametrize("name", WAYS)
def test_time_grows_as_it_does_on_paper(name):
    way, _, (least, most) = WAYS[name]
    ns, times = NS[1:] * 2, []
    for n in ns:
        arrays = drawn(n)
        times.append(cpu_seconds(lambda arrays=arrays: way(*arrays)))
    assert least < slope(ns, times) < most


def exp_weights(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("n", [3, 8])
def test_operations_are_those_on_paper(n):
    query, key, value = drawn(n)
    assert count(lambda q, k, v: exp_weights(q @ k.mT) @ v, query, key, value) == (
        4 * n * n * D
    )
    mask = np.where(sliding_window_mask(n, window=2), 0, -np.inf)
    masked = lambda q, k, v: exp_weights(q @ k.mT + mask) @ v  # noqa: E731
    assert count(masked, query, key, value) == 4 * n * n * D
    assert count(lambda q, k, v: q @ (k.mT @ v), query, key, value) == 4 * n * D * D


def test_stacks_of_products_count_and_other_steps_do_not():
    a, b = np.ones((5, 2, 3)), np.ones((3, 4))
    assert count(np.matmul, a, b) == 2 * 5 * 2 * 3 * 4
    assert count(lambda a, b: a[:, 0] @ b + 1, a, b) == 2 * 5 * 3 * 4
    assert count(lambda a, b: np.exp(a).sum() + b.max(), a, b) == 0
    out = np.zeros((2, 4)).view(Counted)
    assert count(lambda a, b: np.matmul(a[0], b, out=out), a, b) == 2 * 2 * 3 * 4
    assert (out == 3).all()


def test_what_is_counted_is_what_is_computed():
    query, key, value = drawn(4)
    expected = full(query, key, value)
    counted = exp_weights(query.view(Counted) @ key.mT * D**-0.5) @ value
    np.testing.assert_allclose(counted, expected, rtol=1e-5)


def test_the_shortest_of_several_calls_counts():
    calls = []

    def call():
        calls.append(sum(range(2000)))

    assert 0 < cpu_seconds(call, rounds=2) < 0.1
    assert len(calls) > 3  # one to warm up, and repeats


def test_a_peak_is_what_is_held_at_once():
    def call():
        for _ in range(3):
            np.ones(10**5)

    assert 8e5 <= peak_bytes(call) < 1.7e6


def test_a_peak_leaves_no_tracing_behind():
    import tracemalloc

    with pytest.raises(ZeroDivisionError):
        peak_bytes(lambda calls=[]: calls.append(0) or 1 / (2 - len(calls)))
    assert not tracemalloc.is_tracing()


def test_a_slope_is_the_power():
    assert slope(NS, 5.0 * NS**2) == pytest.approx(2)
    assert slope(NS, 5.0 * NS**0) == pytest.approx(0, abs=1e-12)


def test_time_is_measured_where_the_processors_clock_stands_still(monkeypatch):
    monkeypatch.setattr(measuring.sys, "platform", "emscripten")
    monkeypatch.setattr(measuring.time, "process_time", lambda: 0.0)
    assert 0 < cpu_seconds(lambda: sum(range(10**5)), rounds=1) < 60
