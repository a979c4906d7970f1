"""Make a deck of slides from each executed notebook: python site/slides.py FOLDER NOTEBOOK...

A notebook in which some cell carries Jupyter's ``slideshow`` metadata becomes the deck that these ask for.  From
any other comes what a teacher shows: the title and the card, each section's question, what is to be predicted, the
formulas, the figures, sliders and tables without their code, the exercises without their hints, and the end.  The
prose in between becomes the speaker's notes (key S).

``site/reveal`` is reveal.js 5.2.1, under its own licence; it is copied beside the decks, and they ask for nothing else.
"""

import html
import re
import shutil
import sys
from pathlib import Path

import nbformat
from mathml import mathml
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_markdown_cell

SITE = Path(__file__).resolve().parent
SHOWN = ("> **Predict first", "$$", "![")  # the blocks of prose that are not left to the speaker
# what is shown to its end
WHOLE = (
    "# ", "**You will be able to**", "**Exercise", "**Open exercise", "## What you learned", "## Limits", "## Next",
)  # fmt: skip


class Renderer(IPythonRenderer):
    def block_math(self, body):
        return mathml(body, block=True)

    def inline_math(self, body):
        return mathml(body)

    def link(self, text, url, title=None):
        return super().link(text, url, title) if "://" in url else text  # no other notebook lies beside a deck


def markdown(source):
    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)


def slide(kind, cell):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def prose(source):
    """A markdown cell's parts: pairs of a kind (of slide, or "block" for what may join one) and a text."""
    source = re.sub(r"<!--.*?-->|<details>.*?</details>", "", source, flags=re.DOTALL)
    parts, whole = [], False
    for block in filter(None, map(str.strip, re.split(r"\n\s*\n", source))):
        if block.startswith(("# ", "## ")):
            parts.append(("slide", block))
            whole = block.startswith(WHOLE)
        elif block.startswith(WHOLE):
            parts.append(("subslide", block))
            whole = True
        elif whole:
            parts.append(("-", block))
        else:
            parts.append(("block" if block.startswith(SHOWN) else "notes", block))
    return parts


def pictures(cell):
    """A code cell's outputs that show something; the static strip below a slider shows nothing new."""

    def shows(output):
        bundle = output.get("data", {})
        page = bundle.get("text/html", "")
        if page.startswith('<div style="display:flex'):
            return False
        parts = "<img", "advlib-explorer", "advlib-quiz", "advlib-table"
        return any(part in page for part in parts) or any(kind.startswith("image/") for kind in bundle)

    return [output for output in cell.outputs if shows(output)]


def deck(nb):
    """The cells of a notebook's deck, from its structure."""
    cells = []
    note = None  # this slide's: the speaker's view shows only one
    room = False  # no picture yet: a formula or a question finds its place below the section's title
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts = [(kind, new_markdown_cell(text)) for kind, text in prose(cell.source)]
        else:
            parts = [("subslide", cell)] if cell.cell_type == "code" and pictures(cell) else []
        for kind, part in parts:
            if kind == "notes" and note:
                note.source += f"\n\n{part.source}"
                continue
            if kind == "block":
                kind = "-" if room else "subslide"
            if kind == "notes":
                note = part
            elif kind != "-":
                note = None
                room = part.cell_type == "markdown" and not part.source.startswith("**")
            if part.cell_type == "code":
                part.outputs = pictures(part)
            cells.append(slide(kind, part))
    return cells


def unlink(nb):
    """Take the links to other notebooks out of the tables, as ``Renderer`` does in the prose."""
    for bundle in (output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", [])):
        if "advlib-table" in bundle.get("text/html", ""):
            bundle["text/html"] = re.sub(r'<a href="(?!\w+://)[^"]*">(.*?)</a>', r"\1", bundle["text/html"])


def title(nb):
    found = re.search(r"^# (.+)", "\n".join(c.source for c in nb.cells if c.cell_type == "markdown"), re.MULTILINE)
    return found[1] if found else "Slides"


def main(folder, *notebooks):
    folder = Path(folder)
    shutil.copytree(SITE / "reveal", folder / "reveal", dirs_exist_ok=True)
    shutil.copytree(SITE / "static", folder, ignore=shutil.ignore_patterns("course.css"), dirs_exist_ok=True)
    entries = []
    for path in map(Path, notebooks):
        nb = nbformat.read(path, 4)
        nb.metadata["title"] = title(nb)
        unlink(nb)
        tagged = any("slideshow" in cell.metadata for cell in nb.cells)
        if not tagged:
            nb.cells = deck(nb)
        exporter = SlidesExporter(
            template_file="deck.html.j2",
            extra_template_paths=[str(SITE)],
            exclude_input=not tagged,
            filters={"markdown2html": markdown},
        )
        page, _ = exporter.from_notebook_node(nb)
        (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")
        entries.append(f'<li><a href="{path.stem}.html">{html.escape(nb.metadata["title"])}</a></li>')
    (folder / "index.html").write_text(
        '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Slides</title>\n<h1>Slides</h1>\n'
        "<p>Arrow keys, or the space bar; S opens the speaker's notes, O the overview, and ?print-pdf after the\n"
        f"address a version to print.</p>\n<ol>\n{chr(10).join(entries)}\n</ol>\n</html>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
