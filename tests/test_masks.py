"""What each mask shows and hides, and PyTorch's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    broadcastable,
    laws,
    leading_shapes,
    oracle,
    oracle_of_few_sizes,
    seeds,
)

from course_utils.masks import (
    block_mask,
    causal_mask,
    combine_masks,
    padding_mask,
    receptive_field,
    sliding_window_mask,
)

sizes = st.integers(0, 20)
offsets = st.integers(-25, 25)


@st.composite
def mask_sizes(draw):
    """Draw n_q, n_k (or None) and an offset."""
    n_k = draw(st.one_of(st.none(), sizes))
    return {"n_q": draw(sizes), "n_k": n_k, "offset": draw(offsets)}


def columns(arguments):
    return arguments["n_q"] if arguments["n_k"] is None else arguments["n_k"]


@laws
@given(mask_sizes())
def test_a_causal_mask_shows_the_past_and_the_present(arguments):
    mask = causal_mask(**arguments)
    assert mask.dtype == np.bool_
    assert mask.shape == (arguments["n_q"], columns(arguments))
    for (i, j), shown in np.ndenumerate(mask):
        assert shown == (j <= i + arguments["offset"])


@laws
@given(mask_sizes(), st.integers(1, 25))
def test_a_window_shows_what_is_near(arguments, window):
    past = sliding_window_mask(**arguments, window=window)
    both = sliding_window_mask(**arguments, window=window, causal=False)
    assert past.shape == both.shape == (arguments["n_q"], columns(arguments))
    for (i, j), shown in np.ndenumerate(past):
        behind = i + arguments["offset"] - j
        assert shown == (0 <= behind < window)
        assert both[i, j] == (-window < behind < window)


def test_a_window_away_from_the_edges_has_the_size_that_is_documented():
    past = sliding_window_mask(1, 100, window=7, offset=50)
    both = sliding_window_mask(1, 100, window=7, causal=False, offset=50)
    assert (past.sum(), both.sum()) == (7, 13)
    np.testing.assert_array_equal(
        sliding_window_mask(9, window=9), causal_mask(9), strict=True
    )
    assert sliding_window_mask(9, window=9, causal=False).all()


@laws
@given(sizes, st.integers(1, 9))
def test_a_block_mask_shows_the_own_block_and_the_ends_of_earlier_ones(n, block):
    own, both = (block_mask(n, block=block, summaries=x) for x in (False, True))
    assert own.shape == both.shape == (n, n)
    for (i, j), shown in np.ndenumerate(own):
        start = i - i % block
        assert shown == (start <= j <= i)
        assert both[i, j] == (shown or (j < start and (j + 1) % block == 0))


@laws
@given(st.integers(1, 9), st.integers(0, 4), seeds)
def test_a_receptive_field_is_where_paths_of_one_step_a_layer_lead(n, layers, seed):
    masks = np.random.default_rng(seed).random((layers, n, n)) < 0.3
    for i, row in enumerate(receptive_field(masks)):
        reached = {i}
        for mask in masks[::-1]:  # from the top down
            reached |= {j for k in reached for j in np.flatnonzero(mask[k]).tolist()}
        assert set(np.flatnonzero(row).tolist()) == reached


@laws
@given(st.integers(1, 5), st.integers(1, 4))
def test_windows_reach_layers_times_one_less_than_the_window(window, layers):
    n = layers * window + 2
    field = receptive_field([sliding_window_mask(n, window=window)] * layers)
    assert field[-1].sum() - 1 == layers * (window - 1)


def test_decoding_row_by_row_gives_the_rows_of_the_whole_mask():
    whole, window = causal_mask(6), sliding_window_mask(6, window=3)
    for i in range(6):
        np.testing.assert_array_equal(causal_mask(1, 6, offset=i), whole[[i]])
        row = sliding_window_mask(1, 6, window=3, offset=i)
        np.testing.assert_array_equal(row, window[[i]])


@laws
@given(leading_shapes, sizes, seeds)
def test_a_padding_mask_shows_as_many_keys_as_are_real(shape, n_k, seed):
    lengths = np.random.default_rng(seed).integers(0, n_k, shape, endpoint=True)
    mask = padding_mask(lengths, n_k)
    assert mask.dtype == np.bool_
    assert mask.shape == (*shape, 1, n_k)
    np.testing.assert_array_equal(mask.sum(axis=(-1, -2)), lengths)
    # Shown keys come first: nothing is shown after something hidden.
    assert (np.diff(mask.astype(int)) <= 0).all()


def test_lengths_may_be_one_number_none_or_unsigned():
    assert padding_mask(2, 3).tolist() == [[True, True, False]]
    assert padding_mask([], 3).shape == (0, 1, 3)
    with pytest.raises(ValueError, match="`n_k` must be at least 0"):
        padding_mask([], -1)
    assert padding_mask(np.uint8([0, 3]), 3).sum() == 3


@st.composite
def masks_that_broadcast(draw):
    """Draw between one and four masks whose shapes broadcast together."""
    shape = draw(st.lists(st.integers(1, 5), max_size=4).map(tuple))
    rng = np.random.default_rng(draw(seeds))
    count = draw(st.integers(1, 4))
    return [rng.random(draw(broadcastable(shape))) < 0.7 for _ in range(count)]


@laws
@given(masks_that_broadcast())
def test_combined_masks_show_what_all_show(masks):
    copies = [np.array(mask) for mask in masks]
    combined = combine_masks(*masks)
    expected = np.prod(np.broadcast_arrays(*copies), axis=0).astype(bool)
    np.testing.assert_array_equal(combined, expected, strict=True)
    np.testing.assert_array_equal(combine_masks(combined, *masks), combined)
    np.testing.assert_array_equal(combine_masks(*masks[::-1]), combined)
    for mask, copy in zip(masks, copies, strict=True):
        np.testing.assert_array_equal(mask, copy)


def test_a_combined_mask_is_a_new_array():
    mask = np.ones(3, bool)
    combined = combine_masks(mask)
    combined[0] = False
    assert mask.all()


@pytest.mark.oracle
@oracle
@given(mask_sizes(), st.integers(1, 25), st.booleans())
def test_against_pytorch(oracles, arguments, window, causal):
    expected = oracles.run(oracles.causal_mask, arguments)
    np.testing.assert_array_equal(causal_mask(**arguments), expected, strict=True)
    arguments = {**arguments, "window": window, "causal": causal}
    expected = oracles.run(oracles.sliding_window_mask, arguments)
    result = sliding_window_mask(**arguments)
    np.testing.assert_array_equal(result, expected, strict=True)


@pytest.mark.oracle
@oracle_of_few_sizes
@given(leading_shapes, st.integers(1, 40), seeds)
def test_padding_against_pytorch(oracles, shape, n_k, seed):
    lengths = np.random.default_rng(seed).integers(0, n_k, shape, endpoint=True)
    arguments = {"lengths": np.asarray(lengths), "n_k": n_k}
    expected = oracles.run(oracles.padding_mask, arguments)
    np.testing.assert_array_equal(padding_mask(**arguments), expected, strict=True)
