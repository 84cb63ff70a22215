"""The fast way to attend: block by block, so that the scores stay in the cache.

The weights are never held as a whole: memory grows with the block, not with n_q·n_k.
Rabe and Staats, "Self-attention does not need O(n²) memory", 2021; Dao et al.,
"FlashAttention", 2022, algorithm 1.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import log, prod

import numpy as np
from numpy.typing import NDArray

from course_utils._alarms import no_false_alarm

Floats = NDArray[np.floating]

# A thread holds a block of at most this many rows (queries) and scores: 1 MB in
# float32, which stays in a core's own cache from the first product to the second.
ROWS = 512
SCORES = 512 * 512
# A causal block computes the square on the diagonal whole, so it is kept small.
CAUSAL_ROWS = 256
FEW_ROWS = 64
# Fewer multiplications than this are done before a second thread has begun.
WORTH_THREADS = 2**24
# Scores of which the way back treats a stack at once, 1 MB in float32.
KEPT = 512 * 512
# exp of these is far from overflow, even times values of 1e12 and summed.
SAFE_SCORE = 24.0
SAFE_VALUE = 1e12


def _choose_exp() -> tuple[np.ufunc, float]:
    """Return exp2 and log2(e) where NumPy has exp2 vectorised, or else exp and 1.

    exp(x) = exp2(x·log2(e)), and the factor costs nothing when the query is scaled.
    """
    loops = np.lib.introspect.opt_func_info(func_name="^exp2$").get("exp2", {})
    targets = [loop["current"] for types, loop in loops.items() if types == "ff"]
    if any(not target.startswith("baseline") for target in targets):
        return np.exp2, 1 / log(2)
    return np.exp, 1.0


EXP, UNIT = _choose_exp()


def blocked_attention(
    query: Floats,
    key: Floats,
    value: Floats,
    mask: NDArray | None,
    is_causal: bool,
    scale: float,
    softcap: float | None,
) -> Floats:
    """Return softmax(scale·QKᵀ)V, shape (..., n_q, d_v), without holding the weights.

    The arguments are those of `scaled_dot_product_attention` once it has checked them:
    arrays of one dtype, float32 or float64, whose leading axes broadcast, and a mask of
    booleans or of that dtype that broadcasts to (..., n_q, n_k).

    >>> query, key, value = np.ones((1, 2)), np.ones((4, 2)), np.eye(4)
    >>> blocked_attention(query, key, value, None, False, 1.0, None).round(6)
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    (n_q, _), (n_k, d_v) = query.shape[-2:], value.shape[-2:]
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    out = np.zeros((*leading, n_q, d_v), query.dtype)
    if out.size == 0 or n_k == 0:
        return out
    query, key, value = (_with_leading(x, leading) for x in (query, key, value))
    if mask is not None:
        mask = np.broadcast_to(mask, (*leading, n_q, n_k))
    # For few queries the bound would cost more than the maximum that it saves.
    free = mask is None and not is_causal and softcap is None and n_q >= FEW_ROWS

    def attend(index: tuple[int | slice, ...], rows: slice) -> None:
        block = (query[index][..., rows, :], key[index], value[index])
        block_out = out[index][..., rows, :]
        with no_false_alarm(block_out):
            if free and _is_bounded(*block, scale):
                _attend_bounded(*block, scale, block_out)
            else:
                block_mask = None if mask is None else mask[index][..., rows, :]
                first = rows.start if is_causal else None
                _attend_online(*block, block_mask, first, scale, softcap, block_out)

    workers = threads() if out.size * n_k > WORTH_THREADS else 1
    most_rows = min(n_q, CAUSAL_ROWS if is_causal else ROWS)
    stack = min(SCORES // (most_rows * n_k), -(-prod(leading) // workers))
    blocks = [
        (index, slice(start, min(start + most_rows, n_q)))
        for index in _stacks(leading, max(1, stack))
        for start in range(0, n_q, most_rows)
    ]
    _share_out(attend, blocks, workers)
    return out


def blocked_attention_vjp(
    query: Floats,
    key: Floats,
    value: Floats,
    bias: Floats | None,
    scale: float,
    softcap: float | None,
) -> tuple[Floats, Callable[[Floats, bool], list[Floats]]]:
    """Return softmax(scale·QKᵀ + bias)V as `blocked_attention` does, and the way back.

    `bias` broadcasts to (..., n_q, n_k) and is added after the softcap; the other
    arguments are those of `blocked_attention`. `back(d_out, with_bias)` returns
    d_query, d_key and d_value, and the gradient of the scores if asked to, each with
    all leading axes. The n_q·n_k exponentials of every matrix are kept.
    """
    leading = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    inputs = [_with_leading(x, leading) for x in (query, key, value)]
    shape = (*leading, query.shape[-2], key.shape[-2])
    if bias is not None:
        bias = np.broadcast_to(bias, shape)
    out = np.empty((*shape[:-1], value.shape[-1]), query.dtype)
    # One array: of many small ones, memory goes back to the system at each step.
    kept = np.empty(shape, query.dtype)
    stack = max(1, KEPT // max(1, prod(shape[-2:])))
    parts = []
    for at in _stacks(leading, stack):
        part = [x if x is None else x[at] for x in (*inputs, bias, kept, out)]
        parts.append((at, _attend_kept(*part, scale, softcap)))

    def back(d_out: Floats, with_bias: bool) -> list[Floats]:
        d = [np.empty(x.shape, x.dtype) for x in inputs]
        d += [np.empty(shape, query.dtype)] if with_bias else []
        for at, back_of_part in parts:
            back_of_part(d_out[at], *(x[at] for x in d))
        return d

    return out, back


def _attend_kept(
    query: Floats,
    key: Floats,
    value: Floats,
    bias: Floats | None,
    kept: Floats,
    out: Floats,
    scale: float,
    softcap: float | None,
) -> Callable[..., None]:
    """Write the attention of a stack to `out`; return what writes its gradients.

    The weights are never formed. Of P = E / total, E alone is kept, in `kept`; what is
    n·d numbers is divided by the total in place of what is n·n. With dR = dO / total,

        dV = Eᵀ dR      dS = E ∘ (dR Vᵀ − rowsum(dR ∘ O))
    """
    free = bias is None and softcap is None and _is_bounded(query, key, value, scale)
    query = query * scale
    bend = None
    with no_false_alarm(out), np.errstate(over="ignore", under="ignore"):
        np.matmul(query, key.mT, out=kept)
        if softcap is not None:
            bend = np.tanh(kept / softcap)
            np.multiply(bend, softcap, out=kept)
        if bias is not None:
            kept += bias
        if not free:
            top = kept.max(axis=-1, keepdims=True, initial=-np.inf)
            kept -= np.where(np.isneginf(top), 0, top)
        np.exp(kept, out=kept)
        total = (kept @ np.ones(kept.shape[-1], kept.dtype))[..., None]
        total[total == 0] = 1
        np.matmul(kept, value, out=out)
        out /= total

    def back(
        d_out: Floats,
        d_query: Floats,
        d_key: Floats,
        d_value: Floats,
        d_bias: Floats | None = None,
    ) -> None:
        with no_false_alarm(d_query, d_key, d_value):
            d_rows = d_out / total
            np.matmul(kept.mT, d_rows, out=d_value)
            d_scores = d_rows @ value.mT
            d_scores -= np.vecdot(d_rows, out)[..., None]
            d_scores *= kept
            if d_bias is not None:
                d_bias[...] = d_scores
            if bend is not None:
                d_scores *= 1 - bend * bend
            np.matmul(d_scores, key, out=d_query)
            d_query *= scale
            np.matmul(d_scores.mT, query, out=d_key)

    return back


def _with_leading(x: Floats, leading: tuple[int, ...]) -> Floats:
    """Return `x` with all leading axes, to be read alone."""
    if x.shape[:-2] == leading:  # to broadcast takes a tenth of a small attention
        return x
    return np.broadcast_to(x, leading + x.shape[-2:])


def threads() -> int:
    """Return how many threads may attend at once: the cores that BLAS leaves free.

    OMP_NUM_THREADS, or else the number of cores, is what the process may use;
    OPENBLAS_NUM_THREADS, or else all of them, is what each matrix product uses itself.
    In the browser it is one, because Python has no threads there.
    """
    if sys.platform == "emscripten":
        return 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))  # on a shared server, fewer than there are
    else:
        cores = os.cpu_count() or 1
    cores = _setting("OMP_NUM_THREADS", cores)
    return max(1, cores // _setting("OPENBLAS_NUM_THREADS", cores))


def _setting(name: str, default: int) -> int:
    """Return a positive integer from the environment, or the default."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else default


def _stacks(leading: tuple[int, ...], room: int) -> Iterator[tuple[int | slice, ...]]:
    """Cut the leading axes into stacks of at most `room` matrices; yield indices."""
    inner = prod(leading[1:])
    if prod(leading) <= room:
        yield ()
    elif inner <= room:
        step = room // inner
        for start in range(0, leading[0], step):
            yield (slice(start, start + step),)
    else:
        for i in range(leading[0]):
            for rest in _stacks(leading[1:], room):
                yield (i, *rest)


def _share_out(work: Callable[..., None], blocks: list[tuple], workers: int) -> None:
    """Do the work on every block, on as many threads; NumPy lets them run at once."""
    todo = deque(blocks)

    def work_on() -> None:
        while True:
            try:
                block = todo.popleft()
            except IndexError:
                return
            work(*block)

    helpers = min(workers, len(blocks)) - 1
    others = [_pool().submit(work_on) for _ in range(helpers)]
    try:
        work_on()
    finally:
        # After an error or an interrupt the others stop too.
        todo.clear()
    for other in others:
        # One that has not begun by now has nothing left to do.
        if not other.cancel():
            other.result()


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads, which are kept: to start one takes as long as n = 100."""
    return ThreadPoolExecutor(thread_name_prefix="attention")


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _is_bounded(query: Floats, key: Floats, value: Floats, scale: float) -> bool:
    """Say whether exp of any score, times any value, is far from overflow.

    |q·k| ≤ |q||k| bounds the scores without computing one. NaN is not bounded.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        q, k, v = (
            float(np.vecdot(x, x).max(initial=0.0)) ** 0.5 for x in (query, key, value)
        )
    return abs(scale) * q * k < SAFE_SCORE and v < SAFE_VALUE


def _attend_bounded(
    query: Floats, key: Floats, value: Floats, scale: float, out: Floats
) -> None:
    """Write the attention of a block of queries, when no maximum must be subtracted.

    Every query sees every key: a hidden key has no say in which way is taken, and so
    cannot change even the last bit of an output.
    """
    query = query * (scale * UNIT)
    total = 0.0
    for keys, scores, ones in _tiles(query, key, key.shape[-2]):
        EXP(scores, out=scores)
        total = total + scores @ ones
        if keys.start == 0:
            np.matmul(scores, value[..., keys, :], out=out)
        else:
            out += scores @ value[..., keys, :]
    out /= total[..., None]


def _attend_online(
    query: Floats,
    key: Floats,
    value: Floats,
    mask: NDArray | None,
    first: int | None,
    scale: float,
    softcap: float | None,
    out: Floats,
) -> None:
    """Add the attention of a block of queries to `out`, which is zero.

    `first` is the position of the block's first query if attention is causal. The
    softmax is online: when a tile raises a row's maximum, what the row has gathered is
    scaled down (Milakov and Gimelshein, 2018, algorithm 3).
    """
    n_q, n_k = query.shape[-2], key.shape[-2]
    positions = None if first is None else np.arange(first, first + n_q)[:, None]
    seen = n_k if first is None else min(n_k, first + n_q)
    query = query * scale
    total = np.zeros((*query.shape[:-1], 1), query.dtype)
    # The lowest finite number, so that a row that sees nothing never meets −inf − −inf.
    peak = np.full_like(total, np.finfo(query.dtype).min)
    with np.errstate(over="ignore", under="ignore"):
        for keys, scores, ones in _tiles(query, key, seen):
            if softcap is not None:
                scores /= softcap
                np.tanh(scores, out=scores)
                scores *= softcap
            if mask is not None and mask.dtype == np.bool_:
                np.copyto(scores, -np.inf, where=~mask[..., keys])
            elif mask is not None:
                scores += mask[..., keys]
            if first is not None and keys.stop > first + 1:
                later = np.arange(keys.start, keys.stop) > positions
                np.copyto(scores, -np.inf, where=later)
            old, peak = peak, np.maximum(peak, scores.max(-1, keepdims=True))
            scores -= peak
            np.exp(scores, out=scores)
            shrink = np.exp(old - peak)
            total *= shrink
            total += (scores @ ones)[..., None]
            out *= shrink
            out += scores @ value[..., keys, :]
    total[total == 0] = 1
    out /= total


def _tiles(
    query: Floats, key: Floats, seen: int
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield the scores of some keys after another, in one buffer, and as many ones."""
    *stack, n_q, _ = query.shape
    step = max(1, min(seen, SCORES // (prod(stack) * n_q)))
    buffer = _room(prod(stack) * n_q * step, query.dtype)
    ones = np.ones(step, query.dtype)
    for start in range(0, seen, step):
        keys = slice(start, min(start + step, seen))
        shape = (*stack, n_q, keys.stop - start)
        scores = buffer[: prod(shape)].reshape(shape)
        np.matmul(query, key[..., keys, :].swapaxes(-1, -2), out=scores)
        yield keys, scores, ones[: shape[-1]]


_kept = threading.local()


def _room(size: int, dtype: np.dtype) -> Floats:
    """Return room for scores, which each thread keeps.

    Memory that is given back and asked for again on every call comes empty from the
    operating system, and to fill its pages can take as long as all the arithmetic.
    """
    needed = size * dtype.itemsize
    room = getattr(_kept, "room", None)
    if room is None or room.size < needed:
        room = _kept.room = np.empty(needed, np.uint8)
    return room[:needed].view(dtype)
