"""Sphinx + myst-nb: the executed notebooks as pages.  course.py run calls it; site/execute.py has run them before."""

import os
import sys
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parent))
from folding import fold
from front import front, raw
from live.build import live
from mathml import mathml
from shaping import beside, numbered, scroll

project = "Common adversarial noise"
author = copyright = "the course's authors"
html_title = project
html_baseurl = os.environ.get("PAGES_URL", "")  # only who publishes the pages knows their address
language = "en"
extensions = ["myst_nb"]

html_theme = "basic"
templates_path = ["templates"]  # the pages' own layout
html_static_path = ["static"]
html_favicon = "static/favicon.png"
html_style = "course.css"
html_css_files = ["math.css"]
html_use_index = False
html_permalinks = False  # a tab stop for each heading: the contents beside the text has the same links
html_sourcelink_suffix = ""

# A page asks for nothing that is not beside it, so that it opens from a stick:
html_math_renderer = "mathml"  # no MathJax
nb_ipywidgets_js = {}  # no widgets' scripts: a slider on a page has its own

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_output_stderr = "remove"  # progress bars
nb_merge_streams = True  # lines that were printed one by one stand together
nb_render_markdown_format = "myst"  # a cell that shows a table in Markdown


def visit(block):
    def visit_math(translator, node):
        try:
            translator.body.append(mathml(node.astext(), block))
        except ValueError as why:  # a warning, which course.py makes an error: it names the page
            logging.getLogger(__name__).warning(str(why), location=node)
        raise nodes.SkipNode

    return visit_math, None


def instrument(app, docname, text):
    """Sphinx's event source-read: put the markup of the page that computes into it, and let links find it."""
    text[0] = text[0].replace("(../site/live.md)", "(live.md)")  # among the pages it stands beside them
    if docname == "live":
        page = Path(__file__).parent / "live" / "page.html"
        app.env.note_dependency(page)
        text[0] = text[0].replace("{{instrument}}", raw(page.read_text(encoding="utf-8")))


def setup(app):
    app.add_html_math_renderer("mathml", visit(block=False), visit(block=True))
    app.connect("doctree-read", numbered, priority=400)  # before Sphinx collects the titles
    for change in (fold, beside, scroll):
        app.connect("doctree-read", change)
    front(app)
    live(app)
    app.connect("source-read", instrument)
