"""What the tests of the pages and of the slides share: a notebook after its run, and a page without a network.

The fixtures are imported under other names than tests ask for them by, as ruff takes a parameter of the imported name
for a mistake.
"""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from advlib import plots, tables, widgets

TEXT = r"""# How far may a pixel move?

By ε, and no further.

<!-- TODO -->
## What does the clip do?

It keeps $x'_j$ within ε of $x_j$, here in a box:

$$\text{Clip}\{x'\}_j=\min\bigl(x_j+\varepsilon,\;\max(x_j-\varepsilon,\;x'_j)\bigr)\qquad
\text{and so on, wider than any phone}\qquad RMS=\sqrt{\tfrac1n\textstyle\sum_{i=1}^{n}e_i^2}\tag{2}$$

> **Predict first.** Which of $\hat m$ and $\hat v$?

| a | table | that | is | much | wider | than | a | telephone | and | scrolls | by | itself |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
| averyverylongword | averyverylongword | averyverylongword | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 |

Said of it in [Goodfellow](references.md#goodfellow-2015), and [on the paper's page](https://example.org/paper)."""
FONT = """document.fonts.ready.then(
    fonts => [...fonts].some(font => font.family.includes("course math") && font.status == "loaded"))"""
EXERCISE = (
    "**Open exercise 1.1** (5 minutes). Write `f`.\n\n<details><summary>Hint</summary>\n\nfolded hint\n\n</details>"
)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
LINK = tables.Link("00, the clip", "00_tiny")  # of this page


def drawn(value, rule="g"):
    fig, ax = plots.figure(1, 1, 9, 2)
    ax.set_title(f"{value} {rule}")
    return fig


def a_figure():
    picture = plots.img(plots.webp(plots.pixels(drawn(1))), "a figure", 9)
    return f"<figure>{picture}<figcaption>A figure.</figcaption></figure>"


def said(value, rule="g"):
    return f"Shown at {value}, by {rule}."


def cell(source, page=None, **metadata):
    outputs = [new_output("display_data", {"text/html": page, "text/plain": "-"})] if page else []
    return new_code_cell(source, outputs=outputs, metadata=metadata)


@pytest.fixture(scope="session", name="notebook")
def tiny_notebook():
    """A notebook as it is after its run: mathematics, sliders, a quiz, a figure, an exercise, an end."""
    explorer = widgets.Explorer(drawn, said, {"value": 2.0}, alt="a title", value=[1.0, 2.0, 3.0], rule=["g", "s"])
    records = [{"claim": f"a claim of the paper, number {i}", "k": i, "n": 10, "where": LINK} for i in range(3)]
    rates = {f"share {i}": ("k", "n") for i in range(4)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVLIB_PAGE", "1")  # as where the pages are built
        table = tables.html(tables.frame({"this run": records, "full run": records}, **rates), "A table & its caption")
    quiz = widgets.Quiz("1 < 2?", ["no", "yes"], answer="yes", because="They were compared.")
    strip = '<div class="advlib-strip">the strip</div>'
    cells = [
        new_markdown_cell(TEXT),
        cell(f"long = '{'wide ' * 30}'", a_figure()),
        cell("explorer", explorer.page()),
        cell("explorer.strip()", strip),
        cell("quiz", quiz.page()),
        cell("tables.show(records)", table),
        new_markdown_cell(EXERCISE),
        cell("def f():\n    return secret", tags=["solution", "hide-cell"]),
        new_markdown_cell("## What you learned\n\n- To clip.\n\n## Next\n\n[The same](00_tiny.ipynb)"),
    ]
    # a progress bar, as tqdm leaves one behind: no page may ask for the widgets' scripts because of it
    bar = {"model_name": "HBoxModel", "model_module": "@jupyter-widgets/controls", "state": {}}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "bar", "version_major": 2, "version_minor": 0}}
    table = {"text/markdown": "| one | two |\n|---|---|\n| 3 | 4 |", "text/plain": "-"}
    told = new_output("execute_result", table, execution_count=1)
    cells.append(new_code_cell("tqdm", outputs=[new_output("display_data", view), told]))
    state = {"version_major": 2, "version_minor": 0, "state": {"bar": bar}}
    metadata = KERNEL | {"widgets": {"application/vnd.jupyter.widget-state+json": state}}
    return new_notebook(cells=cells, metadata=metadata)


@pytest.fixture(name="page")
def offline_page(browser):
    """A page from which nothing gets out, and on which no script may fail."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    asked, errors = [], []

    def stop(route):
        if route.request.url.startswith(("file:", "data:", "blob:", "about:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", stop)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not asked
    assert not errors
