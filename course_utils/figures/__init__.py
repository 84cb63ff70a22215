"""How the course's ideas are seen: pictures, panels with controls, predictions."""

from course_utils.figures.contrasts import paired_bars, strips
from course_utils.figures.controls import checkbox, log_slider, picker, slider
from course_utils.figures.dials import dials
from course_utils.figures.marks import bars, curves, shares, vectors
from course_utils.figures.panel import Panel, panel
from course_utils.figures.predictions import predict
from course_utils.figures.reach import reach
from course_utils.figures.samples import samples
from course_utils.figures.style import BLUE, GREY, VERMILION, use_style
from course_utils.figures.svg import beside
from course_utils.figures.territories import territories
from course_utils.figures.weights import AttentionWeights, links, matrix

__all__ = [
    "BLUE",
    "GREY",
    "VERMILION",
    "AttentionWeights",
    "Panel",
    "bars",
    "beside",
    "checkbox",
    "curves",
    "dials",
    "links",
    "log_slider",
    "matrix",
    "paired_bars",
    "panel",
    "picker",
    "predict",
    "reach",
    "samples",
    "shares",
    "slider",
    "strips",
    "territories",
    "use_style",
    "vectors",
]
