"""That the real landscape is there, and lies the right way round."""

import socket

import numpy as np

from course_utils.data.terrain import landscape


def test_the_landscape_is_there_without_a_network(monkeypatch):
    def refused(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    east, north, height = landscape()
    assert height.shape == (len(north), len(east)) == (344, 403)
    assert height.dtype == east.dtype == north.dtype == np.float64
    assert (height.min(), height.max()) == (236, 1076)


def test_places_are_kilometres_from_the_south_western_corner():
    east, north, _ = landscape()
    assert east[0] == north[-1] == 0
    # A cell is 3 seconds of arc: 93 m from north to south, less from east to west.
    np.testing.assert_allclose(np.diff(north), -0.0927, atol=1e-4)
    np.testing.assert_allclose(np.diff(east), 0.0927 * np.cos(0.6386), atol=1e-4)


def test_north_is_up_and_east_is_right():
    _, _, height = landscape()
    # The mountains lie in the west, the plain in the south-east.
    assert height[:, :200].mean() > height[:, 200:].mean() + 100
    assert height[172:, 300:].mean() < height[:172, 300:].mean() - 50
