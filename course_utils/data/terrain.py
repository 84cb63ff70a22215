"""Measured heights of a real landscape, which come with matplotlib.

The heights are of the Shuttle Radar Topography Mission, which flew in February 2000
(Farr et al., "The Shuttle Radar Topography Mission", 2007). They are in the public
domain, as https://github.com/matplotlib/matplotlib/pull/3291 says, which added them to
matplotlib's sample data. Nothing is fetched from the network.
"""

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS = 6371.0  # its mean, in km
Vectors = NDArray[np.float64]


def landscape() -> tuple[Vectors, Vectors, Vectors]:
    """Return the heights about the Jacksboro fault in Tennessee, 30 km by 32 km.

    Returns east (403,) and north (344,), in km from the south-western corner, east
    rising and north falling as rows on a map do, and height (344, 403), in m above the
    sea, all float64.

    >>> east, north, height = landscape()
    >>> height.shape, int(height.min()), int(height.max())
    ((344, 403), 236, 1076)
    >>> round(east[-1], 1), round(north[0], 1)
    (np.float64(29.9), np.float64(31.8))
    """
    # Importing the course's mathematics must not load matplotlib.
    from matplotlib.cbook import get_sample_data

    with get_sample_data("jacksboro_fault_dem.npz") as stored:
        height = stored["elevation"].astype(np.float64)
        step = np.radians([float(stored["dx"]), float(stored["dy"])])  # of one cell
        latitudes = np.radians([float(stored["ymin"]), float(stored["ymax"])])
    rows, columns = height.shape
    east = np.arange(columns) * step[0] * EARTH_RADIUS * np.cos(latitudes.mean())
    north = np.arange(rows)[::-1] * step[1] * EARTH_RADIUS
    return east, north, height
