"""The blocked way gives what the whole way gives, wherever it is cut."""

import math
import os
import subprocess
import sys
import threading
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import assert_close, broadcastable, dtypes, laws, normal, seeds, sizes

from course_utils import _blocked, attention
from course_utils._blocked import blocked_attention
from course_utils.attention import scaled_dot_product_attention
from course_utils.softmax import softmax


@contextmanager
def settings(**values):
    """Set constants of the module for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(_blocked, name, value)
        yield


@st.composite
def small_blocks(draw):
    """Draw constants that cut small arrays as large ones are cut by default."""
    workers = draw(st.sampled_from([1, 1, 3]))
    return {
        "ROWS": draw(st.integers(1, 12)),
        "SCORES": draw(st.integers(1, 200)),
        "CAUSAL_ROWS": draw(st.integers(1, 12)),
        "FEW_ROWS": draw(st.sampled_from([0, 64])),
        "WORTH_THREADS": 0,
        "threads": lambda: workers,
    }


@st.composite
def cases(draw):
    """Draw arrays, often with large scores, and everything that may hide a key."""
    leading = draw(st.lists(st.integers(0, 4), max_size=3).map(tuple))
    n_q, n_k, d_k, d_v = draw(sizes) * 3, draw(sizes) * 3, draw(sizes), draw(sizes)
    dtype, seed = draw(dtypes), draw(seeds)
    query, key, value = normal(
        seed,
        dtype,
        (*draw(broadcastable(leading)), n_q, d_k),
        (*draw(broadcastable(leading)), n_k, d_k),
        (*draw(broadcastable(leading)), n_k, d_v),
    )
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    rng = np.random.default_rng(seed)
    shape = draw(broadcastable((*leading, n_q, n_k)))
    shown = np.asarray(rng.random(shape) < draw(st.sampled_from([0.1, 0.9])))
    added = np.where(shown, rng.standard_normal(shape), -np.inf).astype(dtype)
    return {
        "query": query * dtype(draw(st.sampled_from([0.1, 1.0, 6.0]))),
        "key": key,
        "value": value,
        "mask": draw(st.sampled_from([None, None, shown, added])),
        "is_causal": draw(st.booleans()),
        "scale": draw(st.sampled_from([1.0, -0.3])),
        "softcap": draw(st.sampled_from([None, None, 2.0])),
    }


def at_once(query, key, value, mask, is_causal, scale, softcap):
    """Attend with all weights held at once."""
    given = (query, key, value, mask, is_causal, scale, softcap)
    return attention._weights(attention._Arguments(*given)) @ value


@laws
@given(cases(), small_blocks())
def test_blocks_of_any_size_give_what_all_at_once_gives(case, blocks):
    with settings(**blocks):
        result = blocked_attention(**case)
    assert_close(result, at_once(**case), case["query"].dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(("n_q", "n_k"), [(1100, 700), (70, 6000), (1, 600_000)])
def test_long_sequences_at_the_sizes_of_every_day(n_q, n_k, is_causal, dtype):
    query, key, value = normal(0, dtype, (n_q, 5), (n_k, 5), (n_k, 3))
    case = (query, key, value, None, is_causal, 0.4, None)
    assert_close(blocked_attention(*case), at_once(*case), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.0, 23.9, 24.1, 1e4])
def test_with_and_without_a_maximum_on_both_sides_of_the_bound(size, dtype):
    query, key, value = normal(0, dtype, (80, 4), (90, 4), (90, 3))
    query *= size / np.linalg.norm(query, axis=-1, keepdims=True)
    key *= 5 / np.linalg.norm(key, axis=-1, keepdims=True)
    case = (query, key, value, None, False, -0.2, None)
    bounded = _blocked._is_bounded(*case[:3], -0.2)
    assert bounded == (size < 24)
    exact = at_once(*(x.astype(np.float64) for x in case[:3]), *case[3:])
    # A score s is rounded by about ε·s, and so is its exponential.
    tolerance = 20 * np.finfo(dtype).eps * max(1, size / 4)
    np.testing.assert_allclose(
        blocked_attention(*case), exact, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("size", [1e-30, 1e11, 1e30, 1e37])
def test_large_values_do_not_overflow(size):
    query, key, value = normal(0, np.float32, (80, 4), (90, 4), (90, 3))
    case = (query, key, value, None, False, 1.0, None)
    scaled = blocked_attention(query, key, value * np.float32(size), *case[3:])
    np.testing.assert_allclose(scaled / size, at_once(*case), rtol=1e-4, atol=1e-5)


def test_not_a_number_reaches_the_rows_that_meet_it_and_no_others():
    query, key, value = normal(0, np.float32, (80, 4), (90, 4), (90, 3))
    query[3] = np.nan
    output = blocked_attention(query, key, value, None, False, 1.0, None)
    assert np.isnan(output).any(axis=-1).nonzero()[0].tolist() == [3]


@laws
@given(cases(), small_blocks(), seeds, st.sampled_from([1.0, 1e4, 1e25]))
def test_a_hidden_key_does_not_change_the_last_bit(case, blocks, seed, size):
    rng = np.random.default_rng(seed)
    n_k = case["key"].shape[-2]
    hidden = rng.integers(n_k)
    shown = np.arange(n_k) != hidden
    case["mask"] = shown
    edited = {**case, "key": case["key"].copy(), "value": case["value"].copy()}
    for name in ("key", "value"):
        row = edited[name][..., hidden, :]
        row[...] = size * rng.standard_normal(row.shape)
    with settings(**blocks):
        before, after = blocked_attention(**case), blocked_attention(**edited)
    np.testing.assert_array_equal(before, after)


@laws
@given(cases(), small_blocks(), st.integers(0, 26), seeds)
def test_a_causal_block_does_not_see_the_future_to_the_last_bit(
    case, blocks, now, seed
):
    case = {**case, "mask": None, "is_causal": True}
    rng = np.random.default_rng(seed)
    edited = dict(case)
    for name in ("query", "key", "value"):
        edited[name] = case[name].copy()
        later = edited[name][..., now + 1 :, :]
        later[...] = 1e3 * rng.standard_normal(later.shape)
    with settings(**blocks):
        before, after = blocked_attention(**case), blocked_attention(**edited)
    np.testing.assert_array_equal(before[..., : now + 1, :], after[..., : now + 1, :])


@laws
@given(st.lists(st.integers(0, 5), max_size=4).map(tuple), st.integers(1, 40))
@example((4, 1, 3), 2)
def test_stacks_hold_every_matrix_once_and_never_too_many(leading, room):
    counts = np.zeros(leading, int)
    for index in _blocked._stacks(leading, room):
        counts[index] += 1
        assert counts[index].size <= room
    assert (counts == 1).all()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({}, 1),
        ({"OPENBLAS_NUM_THREADS": "1"}, 6),
        ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "4"}, 4),
        ({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "4"}, 2),
        ({"OPENBLAS_NUM_THREADS": "8", "OMP_NUM_THREADS": "4"}, 1),
        ({"OMP_NUM_THREADS": "4"}, 1),
        ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "4,2"}, 6),
        ({"OPENBLAS_NUM_THREADS": "0"}, 1),
        ({"OPENBLAS_NUM_THREADS": "one"}, 1),
    ],
)
def test_threads_are_the_cores_that_blas_leaves_free(monkeypatch, setting, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(6), raising=False)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert _blocked.threads() == expected


@pytest.mark.parametrize(("count", "expected"), [(6, 6), (None, 1)])
def test_threads_where_cores_can_only_be_counted(monkeypatch, count, expected):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert _blocked.threads() == expected


def test_in_a_browser_attention_asks_for_no_thread(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(threading.Thread, "start", None)
    monkeypatch.setattr(_blocked, "WORTH_THREADS", 0)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    rng = np.random.default_rng(0)
    query, key, value = rng.standard_normal((3, 4, 600, 8))
    out = _blocked.blocked_attention(query, key, value, None, False, 1.0, None)
    weights = softmax(query @ key.mT)
    np.testing.assert_allclose(out, weights @ value, rtol=1e-12, atol=1e-12)


def test_every_block_is_done_once_by_several_threads():
    done = []
    _blocked._share_out(done.append, [(i,) for i in range(1000)], 3)
    assert sorted(done) == list(range(1000))


def test_as_many_threads_as_asked_for_work_at_once():
    everyone = threading.Barrier(3)
    _blocked._share_out(lambda i: everyone.wait(timeout=300), [(0,), (1,), (2,)], 3)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_goes_wrong_in_a_block_is_raised(workers):
    def fail(i):
        raise ZeroDivisionError(i)

    with pytest.raises(ZeroDivisionError):
        _blocked._share_out(fail, [(i,) for i in range(10)], workers)


def test_after_an_interrupt_no_block_is_begun():
    begun, raised = [], threading.Event()

    def interrupt(i):
        begun.append(i)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        raised.wait()

    with pytest.raises(KeyboardInterrupt):
        _blocked._share_out(interrupt, [(i,) for i in range(1000)], 2)
    raised.set()
    _blocked._pool().shutdown()  # after the other thread has looked for more
    _blocked._pool.cache_clear()
    assert len(begun) <= 2


def test_a_tiny_softcap_is_not_divided_by_before_the_scores_are_there():
    query, key = np.zeros((1, 2), np.float32), np.eye(2, dtype=np.float32)
    value = np.array([[1.0], [3.0]], np.float32)
    output = blocked_attention(query, key, value, None, False, 1.0, 1e-40)
    np.testing.assert_array_equal(output, [[2.0]])


@pytest.mark.parametrize(("room", "most"), [(1, 1), (12, 1), (30, 2), (999, 12)])
def test_the_way_back_holds_no_more_scores_at_once_than_there_is_room_for(
    monkeypatch, room, most
):
    attend, matrices = _blocked._attend_kept, []

    def count(query, *others):
        matrices.append(math.prod(query.shape[:-2]))
        return attend(query, *others)

    monkeypatch.setattr(_blocked, "_attend_kept", count)
    arrays = normal(0, np.float64, (2, 3, 2, 3, 5), (2, 3, 2, 4, 5), (2, 3, 2, 4, 2))
    with settings(KEPT=room):  # a matrix has 12
        output, back = _blocked.blocked_attention_vjp(*arrays, None, 1.0, None)
    assert (max(matrices), sum(matrices)) == (most, 12)
    assert len(back(output, False)) == 3  # those of the scores are as many again
    assert back(output, True)[3].shape == (2, 3, 2, 3, 4)


def test_threads_do_not_change_the_result():
    query, key, value = normal(0, np.float32, *3 * [(3, 2, 200, 16)])
    outputs = []
    for workers in (1, 2, 5):
        with settings(threads=lambda count=workers: count, WORTH_THREADS=0):
            outputs.append(scaled_dot_product_attention(query, key, value))
    for output in outputs[1:]:
        np.testing.assert_allclose(output, outputs[0], rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_work_after_a_fork():
    code = """
import os, warnings
import numpy as np
from course_utils import _blocked
_blocked.threads, _blocked.WORTH_THREADS = lambda: 2, 0
x = np.ones((4, 80, 8))
attend = lambda: _blocked.blocked_attention(x, x, x, None, False, 1.0, None)
expected, pool = attend(), _blocked._pool()
warnings.simplefilter("ignore", DeprecationWarning)
child = os.fork()
if child == 0:
    fresh = _blocked._pool() is not pool
    os._exit(0 if np.array_equal(attend(), expected) and fresh else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=300, env=environment
    )


@pytest.mark.parametrize(
    ("loops", "expected"),
    [
        ({"exp2": {"ff": {"current": "X86_V4"}}}, np.exp2),
        ({"exp2": {"ff": {"current": "baseline(X86_V2)"}}}, np.exp),
        ({"exp2": {"dd": {"current": "X86_V4"}}}, np.exp),
        ({}, np.exp),
    ],
)
def test_the_faster_exponential_is_chosen(monkeypatch, loops, expected):
    monkeypatch.setattr(np.lib.introspect, "opt_func_info", lambda func_name: loops)
    exp, unit = _blocked._choose_exp()
    assert exp is expected
    np.testing.assert_allclose(exp(3 * unit), np.exp(3), rtol=1e-15)


@pytest.mark.parametrize(("exp", "unit"), [(np.exp, 1.0), (np.exp2, 1 / np.log(2))])
def test_either_exponential_gives_the_same(exp, unit):
    query, key, value = normal(0, np.float32, (80, 16), (90, 16), (90, 3))
    case = (query, key, value, None, False, 0.25, None)
    with settings(EXP=exp, UNIT=float(unit)):
        assert_close(blocked_attention(*case), at_once(*case), np.float32)


@pytest.mark.parametrize(
    "options",
    [{}, {"attn_mask": np.ones((1, 2048), bool)}, {"is_causal": True}, {"softcap": 3}],
)
def test_memory_grows_with_the_block_and_not_with_the_weights(options):
    query, key, value = normal(0, np.float32, *3 * [(2, 2048, 16)])
    tracemalloc.start()
    try:
        with settings(threads=lambda: 1):
            output = scaled_dot_product_attention(query, key, value, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    weights = 4 * 2 * 2048**2
    assert peak - output.nbytes < weights / 8
