"""Make a deck of slides from each executed notebook: python site/slides.py FOLDER NOTEBOOK...

A notebook in which some cell carries Jupyter's ``slideshow`` metadata becomes the deck that these ask for.  From
any other comes what a teacher shows: the title and the card, each section's question, what is to be predicted, the
formulas, the figures, sliders and tables without their code, the exercises without their hints, and the end.  A
section that has none of these shows its first sentence.  The prose in between becomes the speaker's notes (key S).

``site/reveal`` is reveal.js 5.2.1, under its own licence; it is copied beside the decks, and they ask for nothing else.
"""

import math
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
from cards import minutes, number
from jinja2 import Environment, FileSystemLoader
from mathml import mathml
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

SITE = Path(__file__).resolve().parent
# the blocks of prose that are not left to the speaker: those that need little room, and those that need a slide
SMALL, LARGE = ("> **Predict first", "$$"), ("![", "|")
# what is shown to its end
WHOLE = (
    "# ", "**You will be able to**", "**Exercise", "**Open exercise", "## What you learned", "## Limits", "## Next",
)  # fmt: skip
ROOM = 14  # lines of a table on one slide, in a type that can be read from the back row


class Renderer(IPythonRenderer):
    def block_math(self, body):
        return mathml(body, block=True)

    def inline_math(self, body):
        return mathml(body)

    def link(self, text, url, title=None):
        return super().link(text, url, title) if "://" in url else text  # no other notebook lies beside a deck


def markdown(source):
    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)


def prose(source):
    """A markdown cell's parts: pairs of a kind and a text.

    The kinds are Jupyter's ("slide", "subslide", "-" for what goes on, "notes"), and "small" and "large" for what
    joins a slide that has room for it.
    """
    source = re.sub(r"<!--.*?-->|<details>.*?</details>", "", source, flags=re.DOTALL)
    parts, whole = [], False
    for block in filter(None, map(str.strip, re.split(r"\n\s*\n", source))):
        if block.startswith(("# ", "## ")):
            parts.append(("-" if block.startswith("## Next") else "slide", block))
            whole = block.startswith(WHOLE)
        elif block.startswith(WHOLE):
            parts.append(("subslide", block))
            whole = True
        elif whole:
            parts.append(("-", block))
        else:
            kind = "small" if block.startswith(SMALL) else "large" if block.startswith(LARGE) else "notes"
            parts.append((kind, block))
    return [(kind, new_markdown_cell(block)) for kind, block in parts]


def pictures(cell):
    """A code cell's outputs that show something; a strip below a slider shows nothing new, a fold is for readers."""

    def shows(output):
        bundle = output.get("data", {})
        page = bundle.get("text/html", "")
        if "advlib-strip" in page or page.startswith("<details"):
            return False
        parts = "<img", "advlib-explorer", "advlib-quiz", "advlib-table"
        return any(part in page for part in parts) or any(kind.startswith("image/") for kind in bundle)

    return [output for output in cell.outputs if shows(output)]


def pages(output):
    """The output itself, or a long table as several, each with the head; they begin where groups of rows do."""
    page = output.get("data", {}).get("text/html", "")
    start, *groups = re.split(r"(?=<tbody)", page)
    if "advlib-table" not in page or height(page) <= ROOM:
        return [output]
    parts = [""]
    for group in groups:
        rows = re.findall(r"<tr\b.*?</tr>", group, re.DOTALL)
        label = rows.pop(0) if "rowgroup" in rows[0] else ""
        top, whole = height(label), height("".join(rows))  # equal parts, each below the group's name
        share = top + math.ceil(whole / max(1, math.ceil(whole / (ROOM - top))))
        chunks = [label]
        for row in rows:
            if height(chunks[-1] + row) > share:
                chunks.append(label)
            chunks[-1] += row
        for chunk in chunks:
            if height(parts[-1] + chunk) > ROOM:
                parts.append("")
            parts[-1] += chunk
    if len(parts) == 1:
        return [output]
    end = page.rpartition("</tbody>")[2]
    tables = []
    for i, part in enumerate(parts, 1):
        told = start.replace("</caption>", f" ({i} of {len(parts)})</caption>")
        tables.append(new_output("display_data", {"text/html": f"{told}<tbody>{part}</tbody>{end}"}))
    return tables


def height(rows):
    """About how many lines rows of a table take."""
    return sum(1 + len(re.sub("<.*?>", "", row)) // 80 for row in re.findall(r"<tr\b.*?</tr>", rows, re.DOTALL))


def parts(cell):
    """A cell's parts: pairs of a kind, as of :func:`prose`, and a cell."""
    if cell.cell_type == "markdown":
        return prose(cell.source)
    if "stub" in cell.metadata.get("tags", []):
        return [("-", new_markdown_cell(f"```python\n{cell.source}\n```"))]
    shown = [page for output in pictures(cell) for page in pages(output)] if cell.cell_type == "code" else []
    return [("large", new_code_cell(outputs=[output])) for output in shown]


def deck(nb):
    """The cells of a notebook's deck, from its structure."""
    slides, notes = [], []
    for kind, part in (part for cell in nb.cells for part in parts(cell)):
        on_it = [kind for kind, _ in slides[-1]] if slides else []
        bare = on_it == ["slide"]
        room = "slide" in on_it and {*on_it} <= {"slide", "small"}
        if kind == "notes" and slides:
            notes[-1].append(part.source)
        elif on_it and (kind == "-" or (kind == "small" and room) or (kind in ("subslide", "large") and bare)):
            slides[-1].append((kind, part))
        else:
            slides.append([(kind, part)])
            notes.append([])
    cells, question = [], ""
    for slide, said in zip(slides, notes):
        (kind, first), *_ = slide
        shown = [cell for _, cell in slide]
        if kind == "slide":
            question = first.source.lstrip("# ")
            if len(slide) == 1 and said:
                shown.append(new_markdown_cell(sentence(said[0])))
        elif question:  # it stands above whatever belongs to it
            shown.insert(0, new_markdown_cell(f"### {question}"))
        cells.append(typed("slide" if kind == "slide" else "subslide", shown[0]))
        cells += [typed("-", cell) for cell in shown[1:]]
        if said:  # one cell: the speaker's view shows only one
            cells.append(typed("notes", new_markdown_cell("\n\n".join(said))))
    return cells


def typed(kind, cell):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def sentence(text):
    """The first of a text."""
    return re.match(r".*?[.?!](?=\s|$)|.*", text, re.DOTALL)[0]


def unlinked(table):
    """A table of results without links to other notebooks, as ``Renderer`` shows the prose."""
    led = re.findall(r'<td[^>]*><a href="(?!\w+://)[^"]*">[^<]*</a></td></tr>', table)
    if led and len(led) == table.count('scope="row"'):  # a last column that only leads there
        for cell in led:
            table = table.replace(cell, "</tr>")
        table = re.sub(r"<th[^>]*>[^<]*</th>(?=</tr></thead>)", "", table)
    return re.sub(r'<a href="(?!\w+://)[^"]*">(.*?)</a>', r"\1", table)


def name(nb, stem):
    """Number the title, as on the pages, by the file's name; and return it."""
    told = number(stem)
    for cell in nb.cells:
        found = re.search(r"^# (.+)", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            title = f"{told} · {found[1]}" if told else found[1]
            cell.source = cell.source.replace(found[0], f"# {title}", 1)
            return title
    return "Slides"


def main(folder, *notebooks):
    folder = Path(folder)
    shutil.copytree(SITE / "reveal", folder / "reveal", dirs_exist_ok=True)
    for file in (SITE / "deck.css", SITE / "static" / "favicon.png", *SITE.glob("static/*math*")):
        shutil.copy(file, folder)
    decks = []
    for path in map(Path, notebooks):
        nb = nbformat.read(path, 4)
        nb.metadata["title"] = name(nb, path.stem)
        for bundle in (output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", [])):
            if "advlib-table" in bundle.get("text/html", ""):
                bundle["text/html"] = unlinked(bundle["text/html"])
        decks.append({"file": f"{path.stem}.html", "title": nb.metadata["title"], "minutes": minutes(nb.cells)})
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
    site = folder.parent / "site" / "html" / "index.html"  # where course.py writes the pages
    back = Path(os.path.relpath(site, folder)).as_posix() if site.exists() else ""
    index = Environment(loader=FileSystemLoader(SITE), autoescape=True).get_template("decks.html.j2")
    (folder / "index.html").write_text(index.render(decks=decks, pages=back), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
