"""That arrays cross the socket whole, and that nothing else is taken for some."""

import json
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from course_utils.grading import wire

ARRAYS = of_numpy.arrays(
    dtype=st.sampled_from(wire.KINDS),
    shape=of_numpy.array_shapes(min_dims=0, min_side=0),
)


def crossed(*arrays):
    """Return arrays as they come out of a socket, in whichever order they lie."""
    here, there = socket.socketpair()
    with here, there:
        wire.send(here, {"do": "call"}, wire.packed(arrays))
        return wire.receive(there)[1]


def heard(forms, data):
    """Receive a message that somebody made by hand."""
    here, there = socket.socketpair()
    with here, there:
        text = json.dumps({"arrays": forms}).encode()
        here.sendall(wire.LENGTH.pack(len(text), len(data)) + text + data)
        return wire.receive(there)


@given(st.lists(st.tuples(ARRAYS, st.booleans()), max_size=4))
def test_arrays_come_as_they_were_sent(drawn):
    """Also where they lie at odd places in the message, or number the other way."""
    sent = [np.asfortranarray(x) if turned else x for x, turned in drawn]
    came = crossed(*sent)
    for x, y in zip(sent, came, strict=True):
        assert (x.shape, x.dtype.newbyteorder("=")) == (y.shape, y.dtype)
        assert x.astype(y.dtype).tobytes() == y.tobytes()
        assert y.dtype.isnative
        assert y.flags.aligned
        assert y.flags.writeable
        assert wire.is_by_column(x) == wire.is_by_column(y)


def test_to_change_one_array_changes_no_other():
    one, other = crossed(np.zeros(3), np.ones((2, 2)))
    one[:] = 7
    assert (other == 1).all()


@pytest.mark.parametrize(
    "form",
    [
        ["<f8", [-1], False],  # which NumPy takes for "as many as there are"
        ["<f8", [2, -1], False],
        ["<f8", [3], False],  # more than there is
        ["<f8", [2.0], False],
        ["<f8", ["2"], False],
        ["<f8", "2", False],
        ["<f8", [[2]], False],
        ["<f8", None, False],
        ["<f8", [1 << 62, 0], False],
        ["<f8", [1 << 70], False],
        ["<f8", [1] * 33, False],
        ["O", [2], False],
        ["<U4", [1], False],
        ["f8,f8", [1], False],
        [["<f8"], [2], False],
        [None, [2], False],
        ["<f8", [2]],
        "form",
        7,
    ],
)
def test_what_is_no_array_of_numbers_is_none(form):
    with pytest.raises(wire.WireError, match="not a message"):
        heard([form], bytes(16))


def test_where_the_first_ends_the_next_begins():
    forms = [["|b1", [1], False], ["<f8", [2], False]]
    data = b"\1" + np.array([2.0, 3.0]).tobytes()
    _, (first, second) = heard(forms, data)
    assert first.all()
    assert second.tolist() == [2, 3]
    with pytest.raises(wire.WireError):
        heard(forms[::-1], data[:-1])
