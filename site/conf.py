"""Sphinx + myst-nb: the executed notebooks as pages.  course.py run calls it; site/execute.py has run them before."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parent))
from folding import fold
from front import front
from mathml import mathml

project = "Common adversarial noise"
author = copyright = "the course's authors"
html_title = project
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]

html_theme = "sphinx_book_theme"
# without these, pydata-sphinx-theme puts a second search bar above the page
html_theme_options = {"navbar_persistent": [], "navbar_start": [], "navbar_center": [], "navbar_end": []}
html_static_path = ["static"]
html_favicon = "static/favicon.png"
html_css_files = ["math.css", "course.css"]

# A page asks for nothing that is not beside it, so that it opens from a stick:
html_math_renderer = "mathml"  # no MathJax
nb_ipywidgets_js = {}  # no widgets' scripts: a slider on a page has its own
html_show_search_summary = False  # the summaries are fetched, which a browser refuses to a file://

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_output_stderr = "remove"  # progress bars
nb_render_markdown_format = "myst"  # a cell that shows a table in Markdown
nb_code_prompt_show, nb_code_prompt_hide = "Show the solution", "Hide the solution"  # folding.py labels the rest


def visit(block):
    def visit_math(translator, node):
        try:
            translator.body.append(mathml(node.astext(), block))
        except ValueError as why:  # a warning, which course.py makes an error: it names the page
            logging.getLogger(__name__).warning(str(why), location=node)
        raise nodes.SkipNode

    return visit_math, None


def setup(app):
    app.add_html_math_renderer("mathml", visit(block=False), visit(block=True))
    app.connect("doctree-read", fold)
    front(app)
