"""The exercises of lesson 09: split attention into heads."""

import math

import numpy as np

from course_utils.exercises.draws import turn
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.multi_head import merge_heads, multi_head_attention, split_heads
from course_utils.softmax import softmax, softmax_vjp


def _attend(query, key, value, scale=None):
    scale = query.shape[-1] ** -0.5 if scale is None else float(scale)
    return softmax_vjp(query @ np.swapaxes(key, -1, -2) * scale)[0] @ value


def _sizes(rng: np.random.Generator, size: int) -> tuple[int, int, int]:
    """Draw n, num_heads and d_head, mostly different; each is 1 once."""
    n, num_heads, d_head = (int(i) for i in rng.permutation([2, 3, 4]))
    odd = {
        1: (n, 1, d_head),
        2: (1, num_heads, d_head),
        3: (n, num_heads, 1),
        6: (num_heads, num_heads, d_head),
        9: (n, 1, d_head),
        10: (num_heads, num_heads, d_head),
    }
    return odd.get(size, (n + 3 * (size // 4), num_heads, d_head))


def _leading(size: int) -> tuple[int, ...]:
    """Return up to two axes in front; once one of them is 1."""
    return {4: (1,), 8: (1, 2)}.get(size, ((), (2,), (3, 2))[size // 2 % 3])


def _whole(rng: np.random.Generator, size: int) -> Arguments:
    """Draw vectors of several heads, with up to two axes in front."""
    n, num_heads, d_head = _sizes(rng, size)
    x = rng.normal(size=(*_leading(size), n, num_heads * d_head))
    return {"x": x, "num_heads": np.array(num_heads)}


def _split_by_loop(x, num_heads):
    d_head = x.shape[-1] // num_heads
    return np.stack(
        [x[..., i * d_head : (i + 1) * d_head] for i in range(num_heads)], axis=-3
    )


def _split_by_moveaxis(x, num_heads):
    pieces = np.reshape(x, (*x.shape[:-1], num_heads, -1))
    return np.moveaxis(pieces, -2, -3)


def _cut_the_sentence(x, num_heads):
    *leading, n, d = x.shape
    return x.reshape(*leading, num_heads, n, d // num_heads)


def _every_other_column(x, num_heads):
    pieces = x.reshape(*x.shape[:-1], x.shape[-1] // num_heads, num_heads)
    return np.moveaxis(pieces, -1, -3)


SPLIT_HEADS = Exercise(
    name="split_heads",
    lesson=9,
    points=2,
    minutes=10,
    difficulty=1,
    inputs=_whole,
    reference=split_heads,
    misconceptions=(
        Misconception(
            "it reshapes without a transpose: that cuts the row of tokens, not each "
            "token's vector; cut the last axis first, then swap axes",
            _cut_the_sentence,
        ),
        Misconception(
            "the axis of the heads stands behind that of the tokens: swap the two, so "
            "that each head has all tokens",
            lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1),
        ),
        Misconception(
            "a head gets numbers from all over the vector: it should get one piece of "
            "it, numbers that stand side by side",
            _every_other_column,
        ),
        Misconception(
            "the axis of the heads stands first, before those that lead: only the "
            "axes of tokens and heads change places",
            lambda x, num_heads: _heads_first(x, num_heads),
        ),
        Misconception(
            "the last two axes of each head are swapped: tokens are rows",
            lambda x, num_heads: np.swapaxes(split_heads(x, num_heads), -1, -2),
        ),
    ),
    also_right=(_split_by_loop, _split_by_moveaxis, lambda x, h: split_heads(x, h)),
    hints=(
        "Two steps: cut each token's vector into pieces, then bring the axis of the "
        "pieces to its place.",
        "`x.reshape(*leading, n, num_heads, d // num_heads)` cuts the last axis and "
        "leaves all others alone.",
        "`swapaxes(-2, -3)` then swaps the axes of tokens and heads.",
    ),
)


def _heads_first(x, num_heads):
    """Return heads before all leading axes; without any, something else is wrong."""
    split = split_heads(x, num_heads)
    return np.moveaxis(split, -3, 0)


def _several(rng: np.random.Generator, size: int) -> Arguments:
    """Draw the answers of several heads."""
    n, num_heads, d_head = _sizes(rng, size)
    return {"heads": rng.normal(size=(*_leading(size), num_heads, n, d_head))}


def _merge_by_loop(heads):
    return np.concatenate(
        [heads[..., i, :, :] for i in range(heads.shape[-3])], axis=-1
    )


def _merge_by_einsum(heads):
    swapped = np.einsum("...hnd->...nhd", heads)
    return swapped.reshape(*swapped.shape[:-2], -1)


def _merge_row_by_row(heads):
    *leading, h, n, d = heads.shape
    merged = np.empty((*leading, n, h * d))
    for i in range(h):
        merged[..., i * d : (i + 1) * d] = heads[..., i, :, :]
    return merged


MERGE_HEADS = Exercise(
    name="merge_heads",
    lesson=9,
    points=1,
    minutes=5,
    difficulty=1,
    inputs=_several,
    reference=merge_heads,
    misconceptions=(
        Misconception(
            "it reshapes without swapping back: a row then holds numbers of several "
            "tokens; bring the axis of the heads next to the last one first",
            lambda heads: heads.reshape(
                *heads.shape[:-3], heads.shape[-2], heads.shape[-3] * heads.shape[-1]
            ),
        ),
        Misconception(
            "the heads are laid one below the other: they belong side by side, in the "
            "row of their token",
            lambda heads: heads.reshape(*heads.shape[:-3], -1, heads.shape[-1]),
        ),
        Misconception(
            "the heads are averaged: that is what one head does already; keep the "
            "numbers of all",
            lambda heads: heads.mean(axis=-3),
        ),
        Misconception(
            "the heads are added up: keep the numbers of all, side by side",
            lambda heads: heads.sum(axis=-3),
        ),
        Misconception(
            "the heads are shuffled into each other: first all numbers of head 0, then "
            "all of head 1",
            lambda heads: np.moveaxis(heads, -3, -1).reshape(
                *heads.shape[:-3], heads.shape[-2], -1
            ),
        ),
        Misconception(
            "the axes are swapped but not joined: `reshape` the last two into one",
            lambda heads: np.swapaxes(heads, -2, -3),
        ),
    ),
    also_right=(_merge_by_loop, _merge_by_einsum, _merge_row_by_row),
    hints=(
        "Do the two steps of exercise 1 in reverse, in reverse order.",
        "First `heads.swapaxes(-2, -3)`: tokens before heads.",
        "Then `reshape(*leading, n, num_heads * d_head)` joins the last two axes.",
    ),
)


def _layer(rng: np.random.Generator, size: int) -> Arguments:
    """Draw two sequences and four matrices, mostly of sizes that all differ."""
    n_q, num_heads, d_k = (int(i) for i in rng.permutation([2, 3, 4]))
    n_k, d_v, d_model = 5 + size // 3, 6, 7 + size // 4
    if size % 2:
        n_q, n_k = n_k, n_q
    odd = {
        2: (1, n_k, num_heads),
        4: (n_q, n_k, 1),
        6: (num_heads, num_heads, num_heads),
    }
    n_q, n_k, num_heads = odd.get(size, (n_q, n_k, num_heads))
    d_k = 4 if size == 4 else d_k
    arguments = {
        "x": rng.normal(size=(n_q, d_model)),
        "memory": rng.normal(size=(n_k, d_model)),
        "w_query": rng.normal(size=(d_model, num_heads * d_k)) / 2,
        "w_key": rng.normal(size=(d_model, num_heads * d_k)) / 2,
        "w_value": rng.normal(size=(d_model, num_heads * d_v)),
        "w_out": rng.normal(size=(num_heads * d_v, d_model)),
    }
    if size % 4 == 3:
        arguments["w_key"] *= 3000 if size > 3 else 100
    if size % 4 == 1:
        arguments = {name: a.astype(np.float32) for name, a in arguments.items()}
    return arguments | {"num_heads": np.array(num_heads)}


def _multi_head(x, memory, w_query, w_key, w_value, w_out, num_heads):
    return multi_head_attention(
        x, memory, memory, w_query, w_key, w_value, w_out, num_heads=num_heads
    )


def _variant(split=split_heads, merge=merge_heads, scale=None, project=True):
    """Return multi-head attention with some of its steps replaced."""

    def attention(x, memory, w_query, w_key, w_value, w_out, num_heads):
        query = split(x @ w_query, num_heads)
        key, value = (split(memory @ w, num_heads) for w in (w_key, w_value))
        factor = None if scale is None else scale(x, w_query)
        merged = merge(_attend(query, key, value, factor))
        return merged @ w_out if project else merged

    return attention


def _merge_by_reshape(heads):
    *leading, h, n, d = heads.shape
    return heads.reshape(*leading, n, h * d)


def _multi_head_by_loop(x, memory, w_query, w_key, w_value, w_out, num_heads):
    d_k, d_v = w_query.shape[1] // num_heads, w_value.shape[1] // num_heads
    output = 0
    for i in range(num_heads):
        of_k, of_v = (slice(i * d, (i + 1) * d) for d in (d_k, d_v))
        query, key = x @ w_query[:, of_k], memory @ w_key[:, of_k]
        output = output + _attend(query, key, memory @ w_value[:, of_v]) @ w_out[of_v]
    return output


def _multi_head_by_einsum(x, memory, w_query, w_key, w_value, w_out, num_heads):
    w_q, w_k, w_v = (
        w.reshape(len(w), num_heads, -1) for w in (w_query, w_key, w_value)
    )
    query = np.einsum("nm,mhd->hnd", x, w_q)
    key, value = (np.einsum("nm,mhd->hnd", memory, w) for w in (w_k, w_v))
    weights = softmax(np.einsum("hqd,hkd->hqk", query, key) / math.sqrt(w_q.shape[-1]))
    blends = np.einsum("hqk,hkd->qhd", weights, value)
    return blends.reshape(len(x), -1) @ w_out


def _values_of_x(x, memory, w_query, w_key, w_value, w_out, num_heads):
    return multi_head_attention(
        x, x, x, w_query, w_key, w_value, w_out, num_heads=num_heads
    )


def _first_head_alone(x, memory, w_query, w_key, w_value, w_out, num_heads):
    query, key, value = (
        split_heads(a, num_heads)
        for a in (x @ w_query, memory @ w_key, memory @ w_value)
    )
    same = np.repeat(_attend(query, key, value)[:1], num_heads, axis=0)
    return merge_heads(same) @ w_out


MULTI_HEAD_ATTENTION = Exercise(
    name="multi_head_attention",
    lesson=9,
    points=3,
    minutes=15,
    difficulty=2,
    inputs=_layer,
    reference=_multi_head,
    misconceptions=(
        Misconception(
            "the heads are cut by a reshape without a transpose: each then holds a "
            "part of the tokens, not a part of each token's vector",
            _variant(split=_cut_the_sentence),
        ),
        Misconception(
            "the heads are merged by a reshape without a transpose: a row then holds "
            "numbers of several tokens",
            _variant(merge=_merge_by_reshape),
        ),
        Misconception(
            "it divides by the root of d_model: a score is a sum over the d_k numbers "
            "of one head",
            _variant(scale=lambda x, w_query: x.shape[-1] ** -0.5),
        ),
        Misconception(
            "it divides by the root of the columns of all heads together: a score is a "
            "sum over the d_k numbers of one head",
            _variant(scale=lambda x, w_query: w_query.shape[1] ** -0.5),
        ),
        Misconception(
            "`w_out` is missing: multiply the merged heads by it",
            _variant(project=False),
        ),
        Misconception(
            "there is only one softmax for all columns: split first, so that each "
            "head has its own",
            lambda x, memory, w_query, w_key, w_value, w_out, num_heads: (
                _attend(x @ w_query, memory @ w_key, memory @ w_value) @ w_out
            ),
        ),
        Misconception(
            "`x` asks itself: keys and values are those of `memory`",
            _values_of_x,
        ),
        Misconception(
            "all heads give the answer of the first: head i has columns of its own",
            _first_head_alone,
        ),
    ),
    also_right=(_multi_head_by_loop, _multi_head_by_einsum, _variant()),
    hints=(
        "Project, split, attend, merge, project: five steps, and you have written "
        "two of them in exercises 1 and 2.",
        "`query` comes from `x`, `key` and `value` from `memory`. After splitting, "
        "attention works on all heads at once.",
        "`merge_heads(scaled_dot_product_attention(query, key, value)) @ w_out`, with "
        "all three split. The scale is right by itself: it takes the last axis of the "
        "query.",
    ),
    may_use=("scaled_dot_product_attention", "softmax"),
)


def _groups(rng: np.random.Generator, size: int) -> Arguments:
    """Draw key-value heads and the query heads that share them; once one of each."""
    h_kv, group = ((2, 3), (3, 2), (2, 2), (4, 2))[size % 4]
    h_kv, group = {5: (1, 3), 6: (3, 1), 9: (3, 3)}.get(size, (h_kv, group))
    n_q, n_k, d_k, d_v = (int(i) for i in rng.permutation([2, 3, 5, 6]))
    n_q = 1 if size == 8 else n_q
    return {
        "query": rng.normal(size=(h_kv * group, n_q, d_k)) * 2,
        "key": rng.normal(size=(h_kv, n_k, d_k)),
        "value": rng.normal(size=(h_kv, n_k, d_v)),
    }


def _grouped(query, key, value):
    group = len(query) // len(key)
    return _attend(query, np.repeat(key, group, axis=0), np.repeat(value, group, 0))


def _grouped_by_loop(query, key, value):
    group = len(query) // len(key)
    return np.array(
        [_attend(q, key[i // group], value[i // group]) for i, q in enumerate(query)]
    )


def _grouped_by_axis(query, key, value):
    grouped = query.reshape(len(key), -1, *query.shape[1:])
    return _attend(grouped, key[:, None], value[:, None]).reshape(
        *query.shape[:2], value.shape[-1]
    )


def _grouped_by_index(query, key, value):
    uses = np.arange(len(query)) * len(key) // len(query)
    return _attend(query, key[uses], value[uses])


def _tiled(x, query):
    return np.tile(x, (len(query) // len(x), 1, 1))


GROUPED_QUERY_ATTENTION = Exercise(
    name="grouped_query_attention",
    lesson=9,
    points=2,
    minutes=10,
    difficulty=2,
    inputs=_groups,
    reference=_grouped,
    misconceptions=(
        Misconception(
            "it uses the key-value heads in turn, 0, 1, 0, 1, as `np.tile` does: heads "
            "of one group stand side by side, 0, 0, 1, 1, as `np.repeat` makes them",
            lambda query, key, value: _attend(
                query, _tiled(key, query), _tiled(value, query)
            ),
        ),
        Misconception(
            "keys and values are shared in different orders: head i needs the value "
            "head that belongs to its key head",
            lambda query, key, value: _attend(
                query,
                np.repeat(key, len(query) // len(key), axis=0),
                _tiled(value, query),
            ),
        ),
        Misconception(
            "all query heads use the first key-value head: each group has its own",
            lambda query, key, value: _attend(query, key[:1], value[:1]),
        ),
        Misconception(
            "the key-value heads are averaged into one: each group has its own",
            lambda query, key, value: _attend(
                query, key.mean(axis=0), value.mean(axis=0)
            ),
        ),
        Misconception(
            "it returns one answer for a group: queries are not shared, every query "
            "head has its own answer",
            lambda query, key, value: _attend(
                query.reshape(len(key), -1, *query.shape[1:]).mean(axis=1), key, value
            ),
        ),
        Misconception(
            "the groups are in reverse order: the first query heads use the first "
            "key-value head",
            lambda query, key, value: _grouped(query, key[::-1], value[::-1]),
        ),
    ),
    also_right=(_grouped_by_loop, _grouped_by_axis, _grouped_by_index),
    hints=(
        "How many query heads are there for each key-value head? That is the size of "
        "a group.",
        "Query head i uses key-value head `i // group`. Write the loop first.",
        "`np.repeat(key, group, axis=0)` has each key head `group` times in a row; the "
        "same for the values, then attend.",
    ),
    may_use=("scaled_dot_product_attention", "softmax"),
)

RIGHT, NO_TRANSPOSE, WIDE_SCALE, TILED, NO_OUT = range(5)
FAULTS = range(5)
# Which of query, key and value fault 1 cuts: all. By turn, some that a case refuses.
ALL_CUT = (True, True, True)
SOME_CUT = {
    1: ((True, False, False), (True, True, False)),
    6: ((False, False, True), (True, False, True)),
    11: ((False, True, True), (False, True, False)),
}


def _version(fault, x, w_query, w_key, w_value, w_out, cut=ALL_CUT):
    """Return the output of the right version, or of a broken one.

    There are four query heads and two key-value heads.
    """

    def split(w, heads, is_cut):
        y = x @ w
        if is_cut and fault == NO_TRANSPOSE:
            return y.reshape(heads, len(x), -1)
        return y.reshape(len(x), heads, -1).swapaxes(0, 1)

    query = split(w_query, 4, cut[0])
    key, value = split(w_key, 2, cut[1]), split(w_value, 2, cut[2])
    uses = np.array([0, 1, 0, 1] if fault == TILED else [0, 0, 1, 1])
    scale = x.shape[-1] ** -0.5 if fault == WIDE_SCALE else None
    heads = _attend(query, key[uses], value[uses], scale)
    merged = heads.swapaxes(0, 1).reshape(len(x), -1)
    return merged if fault == NO_OUT else merged @ w_out


def _versions(*arguments):
    return [_version(fault, *arguments) for fault in FAULTS]


def _output_of_some_version(rng: np.random.Generator, size: int) -> Arguments:
    """Draw every version in an order of the seed; the merged heads have d_model.

    Who cuts only some of query, key and value for fault 1 finds another one nearer.
    """
    n, d_head = 3 + int(rng.integers(4)), 2 + int(rng.integers(3))
    d_model, kind = 4 * d_head, turn(rng, size)
    refused = SOME_CUT.get(kind, ())
    while True:
        matrices = {
            "x": rng.normal(size=(n, d_model)) * 2,
            "w_query": rng.normal(size=(d_model, d_model)) / 2,
            "w_key": rng.normal(size=(d_model, d_model // 2)) / 2,
            "w_value": rng.normal(size=(d_model, d_model // 2)) / 2,
            "w_out": rng.normal(size=(d_model, d_model)) / 2,
        }
        output = _version(kind % 5, **matrices)
        some = [_version(NO_TRANSPOSE, **matrices, cut=x) for x in refused]
        others = (_version(x, **matrices) for x in FAULTS if x != NO_TRANSPOSE)
        if not some or any(_nearest(output, [x, *some]) == 0 for x in others):
            return {"output": output} | matrices


def _nearest(output, versions):
    return int(np.argmin([np.abs(output - version).max() for version in versions]))


def _diagnose(output, x, w_query, w_key, w_value, w_out):
    return _nearest(output, _versions(x, w_query, w_key, w_value, w_out))


def _diagnose_by_cases(output, *arguments):
    versions = _versions(*arguments)
    for fault in FAULTS:
        if np.allclose(output, versions[fault], rtol=1e-6, atol=1e-8):
            return fault
    return RIGHT


def _diagnose_by_sums(output, *arguments):
    gaps = [float(((output - version) ** 2).sum()) for version in _versions(*arguments)]
    return gaps.index(min(gaps))


def _diagnose_backwards(output, x, w_query, w_key, w_value, w_out):
    """Undo w_out, and compare the merged heads."""
    versions = _versions(x, w_query, w_key, w_value, np.eye(len(w_out)))
    if np.allclose(output, versions[0]):
        return np.int64(NO_OUT)
    merged = np.linalg.lstsq(w_out.T, output.T, rcond=None)[0].T
    return np.int64(_nearest(merged, versions[:4]))


DIAGNOSE_HEADS = Exercise(
    name="diagnose_heads",
    lesson=9,
    points=2,
    minutes=20,
    difficulty=3,
    inputs=_output_of_some_version,
    reference=_diagnose,
    misconceptions=(
        Misconception(
            "it finds only whether something is wrong, and calls every fault 1: make "
            "the output of each version and compare",
            lambda output, *arguments: int(_diagnose(output, *arguments) != RIGHT),
        ),
        Misconception(
            "it never finds fault 4: without `w_out`, the output is the merged heads",
            lambda output, *arguments: _nearest(output, _versions(*arguments)[:4]),
        ),
        Misconception(
            "it never finds fault 3: `np.tile` and `np.repeat` give the key heads in "
            "different orders",
            lambda output, *arguments: (
                _diagnose(output, *arguments)
                if _diagnose(output, *arguments) != TILED
                else RIGHT
            ),
        ),
        Misconception(
            "faults 1 and 3 are swapped: 1 is the split without a transpose, 3 the "
            "wrong order of the shared heads",
            lambda output, *arguments: (RIGHT, TILED, WIDE_SCALE, NO_TRANSPOSE, NO_OUT)[
                _diagnose(output, *arguments)
            ],
        ),
        Misconception(
            "it returns the version that differs most: the fault is that of the one "
            "that differs least",
            lambda output, *arguments: int(
                np.argmax([np.abs(output - x).max() for x in _versions(*arguments)])
            ),
        ),
    ),
    also_right=(_diagnose_by_cases, _diagnose_by_sums, _diagnose_backwards),
    hints=(
        "You have all arguments. What would each of the five versions have returned?",
        "Write one function that has an option for each step that may be wrong, and "
        "call it five times. Your `split_heads` and `merge_heads` are of use.",
        "`np.argmin` of the five differences `np.abs(output - version).max()`, in the "
        "order of the table. The versions: `x.reshape(h, n, d)` for the split, the "
        "scale of the width, `np.tile`, and no `w_out`.",
    ),
    may_use=("scaled_dot_product_attention", "softmax"),
)

EXERCISES = (
    SPLIT_HEADS,
    MERGE_HEADS,
    MULTI_HEAD_ATTENTION,
    GROUPED_QUERY_ATTENTION,
    DIAGNOSE_HEADS,
)
