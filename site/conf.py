"""Sphinx + myst-nb: the executed notebooks as pages.  course.py run calls it; site/execute.py has run them before."""

project = "Common adversarial noise"
author = copyright = "the course's authors"
html_title = project
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]

html_theme = "sphinx_book_theme"
# without these, pydata-sphinx-theme puts a second search bar above the page
html_theme_options = {"navbar_persistent": [], "navbar_start": [], "navbar_center": [], "navbar_end": []}
html_static_path = ["static"]
html_css_files = ["course.css"]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_output_stderr = "remove"  # progress bars
