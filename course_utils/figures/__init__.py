"""How the course's ideas are seen: pictures, and panels with controls."""

from functools import partial

from course_utils import _moved
from course_utils.figures.contrasts import paired_bars, strips
from course_utils.figures.controls import checkbox, log_slider, picker, slider
from course_utils.figures.dials import dials
from course_utils.figures.flow import attention_flow
from course_utils.figures.gaze import gaze
from course_utils.figures.heads import cut, gauges
from course_utils.figures.kept import Kept, kept
from course_utils.figures.ledger import ledger
from course_utils.figures.marks import bars, curves, shares, vectors
from course_utils.figures.panel import Panel, panel
from course_utils.figures.paths import field, paths
from course_utils.figures.pushes import pushes
from course_utils.figures.reach import reach
from course_utils.figures.samples import samples
from course_utils.figures.shapes import shape_flow
from course_utils.figures.style import BLUE, GREY, VERMILION, use_style
from course_utils.figures.svg import beside
from course_utils.figures.territories import territories
from course_utils.figures.translation import translation
from course_utils.figures.weights import AttentionWeights, links, matrix
from course_utils.figures.writing import next_tokens, writings

__all__ = [
    "BLUE",
    "GREY",
    "VERMILION",
    "AttentionWeights",
    "Kept",
    "Panel",
    "attention_flow",
    "bars",
    "beside",
    "checkbox",
    "curves",
    "cut",
    "dials",
    "field",
    "gauges",
    "gaze",
    "kept",
    "ledger",
    "links",
    "log_slider",
    "matrix",
    "next_tokens",
    "paired_bars",
    "panel",
    "paths",
    "picker",
    "pushes",
    "reach",
    "samples",
    "shape_flow",
    "shares",
    "slider",
    "strips",
    "territories",
    "translation",
    "use_style",
    "vectors",
    "writings",
]

__getattr__ = partial(_moved.attribute, __name__)
