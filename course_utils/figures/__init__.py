"""How the course's ideas are seen: pictures, panels with sliders, predictions."""

from course_utils.figures.marks import bars, beside, curves, vectors
from course_utils.figures.panel import Panel, panel, slider
from course_utils.figures.predictions import predict
from course_utils.figures.style import BLUE, GREY, VERMILION, use_style

__all__ = [
    "BLUE",
    "GREY",
    "VERMILION",
    "Panel",
    "bars",
    "beside",
    "curves",
    "panel",
    "predict",
    "slider",
    "use_style",
    "vectors",
]
