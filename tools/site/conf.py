"""How Sphinx writes the site: with no network, neither when built nor when read."""

import re
from pathlib import Path
from typing import NoReturn

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from course_utils.figures.packed import PLAYER

HERE = Path(__file__).parent
# What the translator of formulas does not know by these names.
OTHER_NAMES = {"dots": r"\ldots", "gt": ">", "lt": "<"}

project = html_title = "Attention, built by hand"
copyright = (
    "The authors of the attention course. Text and figures: CC BY 4.0; code: MIT"
)
language = "en"
extensions = ["myst_nb"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 2
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,  # the arrows move sliders
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False


def mathml(self: HTML5Translator, node: nodes.math | nodes.math_block) -> NoReturn:
    """Write a formula as MathML, which browsers show without a script or a font."""
    names = rf"\\({'|'.join(OTHER_NAMES)})(?![a-zA-Z])"
    tex = re.sub(names, lambda found: OTHER_NAMES[found[1]], node.astext())
    as_block = isinstance(node, nodes.math_block)
    try:
        formula = tex2mathml(tex, as_block=as_block)
        # A wide one scrolls, by keys too.
        wide = '<math tabindex="0"'
        self.body.append(formula.replace("<math", wide, 1) if as_block else formula)
    except MathError as error:
        logging.getLogger(__name__).warning("%s: %s", tex, error, location=node)
    raise nodes.SkipNode


EMPTY = '<th class="head"><p></p></th>'  # which names no column


def finish(
    app: Sphinx, _page: str, _template: str, context: dict, _tree: object
) -> None:
    """Put the scripts into the page itself, which so works as a file on a disk too."""
    body = context.get("body", "")
    context["body"] = body.replace(EMPTY, '<td class="head"></td>')
    scripts = [PLAYER] if 'class="course-packed"' in body else []
    texts = [x.read_text(encoding="utf-8") for x in (*scripts, HERE / "site.js")]
    app.add_js_file(None, body="".join(texts), type="module")


def setup(app: Sphinx) -> None:
    """Add the formulas and the figures to Sphinx."""
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.connect("html-page-context", finish)
