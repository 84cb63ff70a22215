"""One look for every picture of the course."""

import matplotlib as mpl
from matplotlib_inline.backend_inline import set_matplotlib_formats

# From the palette of Okabe and Ito (2008), which stays distinct without colour
# vision; these two also stand out from white by more than 3:1.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREY = "#6E6E6E"


def use_style() -> None:
    """Give matplotlib's figures the course's look, sharp on every screen."""
    mpl.rcParams.update(
        {
            "axes.grid": True,
            "axes.labelcolor": "#333333",
            "axes.prop_cycle": mpl.cycler(
                color=[BLUE, VERMILION, GREY], linestyle=["-", "--", ":"]
            ),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.figsize": (7.2, 3.6),
            "font.size": 11,
            "grid.color": "#E4E4E4",
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )
    # Without the Software entry the same figure gives the same bytes.
    set_matplotlib_formats("retina", metadata={"Software": None})
