"""The front page: what stands in double braces in index.md, from the executed notebooks and the stored results."""

import base64
import html
import io
import json
import re
from collections import Counter
from pathlib import Path

from cards import minutes, number, source
from docutils import nodes
from PIL import Image, ImageChops, ImageOps
from seven import slider
from shaping import PICTURE
from sphinx.util.i18n import format_date

RESULTS = Path(__file__).resolve().parents[1] / "data" / "results"
DRAW = '<a class="button" href="live.html">Draw your own digit</a>'
COLAB = re.compile(r"https://colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/")  # colab.py writes it


def fill(app, docname, text):
    """Sphinx's event source-read: fill the front page before it is parsed."""
    if docname != "index":
        return
    pages = Path(app.srcdir)
    lessons, depth = (
        [told(path, pages) for path in sorted(pages.glob(names))] for names in ("[0-9]*.ipynb", "in_depth/*.ipynb")
    )
    first = lessons[0]
    places = {
        "first page": first["page"],
        "minutes": f" ({first['read']} min)" if first["read"] else "",
        "slider": raw(slider()),
        "draw": DRAW if (pages / "live.md").exists() else "",
        "number": str(len(lessons)),
        "reading": hours(lessons, "read"),
        "exercises": hours(lessons, "exercises"),
        "lessons": raw("\n".join(f"<li>{picture(lesson['cells'])}{entry(lesson)}</li>" for lesson in lessons)),
        "ledger": "".join(headline(lesson) for lesson in lessons if lesson["page"].startswith("09")),
        "in depth": raw("\n".join(f"<li>{entry(notebook)}</li>" for notebook in depth)),
        "source": published(first["cells"]),
        "others": others(pages),
        "dates": dates(),
    }
    text[0] = re.sub(r"\{\{(.+?)\}\}", lambda place: places[place[1]], text[0])


def told(path, pages):
    """What an executed notebook says of itself; where it has no card it takes no minutes."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title, _, rest = source(cells[0]).removeprefix("# ").partition("\n")
    read, _, exercises = minutes(cells) or (0, 0, 0)
    return {
        "page": path.relative_to(pages).with_suffix(".html").as_posix(),
        "title": f"{number(path.stem)} · {title}",
        "sentence": rest.strip().partition("\n\n")[0],
        "read": read,
        "exercises": exercises,
        "cells": cells,
    }


def shown(cells):
    """The HTML that cells have put on the page, one piece an output."""
    return ["".join(out.get("data", {}).get("text/html", "")) for cell in cells for out in cell.get("outputs", [])]


def raw(page):
    return f"~~~~~~{{raw}} html\n{page}\n~~~~~~"


def picture(cells):
    """The left of the figure that a cell tagged ``thumbnail`` shows, or else of the first, in small."""
    tagged = [cell for cell in cells if "thumbnail" in cell["metadata"].get("tags", [])]
    figures = [page for page in shown(tagged + cells) if page.startswith("<figure")]
    if not figures:
        return ""
    parts = [Image.open(io.BytesIO(base64.b64decode(part))).convert("RGB") for _, part in PICTURE.findall(figures[0])]
    whole = Image.new("RGB", (sum(part.width for part in parts), max(part.height for part in parts)), "white")
    for k, part in enumerate(parts):
        whole.paste(part, (sum(before.width for before in parts[:k]), 0))
    whole = whole.crop(ImageChops.invert(whole).getbbox())  # without the white around it
    buffer = io.BytesIO()
    ImageOps.fit(whole, (360, 200), centering=(0, 0)).save(buffer, "WEBP", quality=85)
    return f'<img src="data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}" alt="">'


def entry(notebook):
    """A notebook in its list: what it asks, what there is to see, how long it takes."""
    exercises = f", {notebook['exercises']} min of exercises" if notebook["exercises"] else ""
    minutes = f"<small>{notebook['read']} min to read{exercises}</small>" if notebook["read"] else ""
    title, sentence = html.escape(notebook["title"]), html.escape(notebook["sentence"])
    return f'<div><a href="{notebook["page"]}">{title}</a><p>{sentence}</p>{minutes}</div>'


def hours(lessons, part):
    """All the minutes of a kind, to the half hour."""
    return f"{round(sum(lesson[part] for lesson in lessons) / 30) / 2:g} hours"


def headline(lesson):
    """The verdicts on the paper's claims, counted now."""
    from advlib import ledger  # with it comes TensorFlow, which takes seconds

    count = Counter(row.verdict for row in ledger.rows())
    counted = "".join(f"<li><b>{count[verdict]}</b> {verdict}</li>" for verdict in ledger.BADGES)
    why = f'<a href="{lesson["page"]}">{html.escape(lesson["title"])}</a>'
    return raw(
        f'<p>Its {count.total()} numbers:</p>\n<ul class="counts">{counted}</ul>\n<p>Each with its verdict: {why}</p>'
    )


def published(cells):
    """Where the source is: a card knows it once colab.py has written its link, and nothing else does."""
    found = next(filter(None, (COLAB.search(source(cell)) for cell in cells)), None)
    return f"The source is at [github.com/{found[1]}](https://github.com/{found[1]})." if found else ""


def others(pages):
    """The pages that are no notebooks."""
    titles = {path: path.read_text(encoding="utf-8").partition("\n")[0] for path in sorted(pages.glob("[A-Za-z]*.md"))}
    listed = [(path, title) for path, title in titles.items() if path.name not in ("index.md", "live.md")]
    return " · ".join(f"[{title[2:]}]({path.name})" for path, title in listed)


def dates():
    """When the pages were written, and the last of the stored runs was made."""
    texts = [path.read_text(encoding="utf-8") for path in RESULTS.glob("*.json")]
    stored = re.findall(r'"date": "([\d-]+)"', "".join(texts))
    today = format_date("%Y-%m-%d", language="en")
    results = f"; the stored results are of {max(stored)}" if stored else ""
    return f"These pages were written on {today}{results}."


def describe(app, pagename, templatename, context, doctree):
    """Sphinx's event html-page-context: what a search engine, and the preview of a link, shows of a page."""
    if not doctree:
        return
    words = next((paragraph.astext() for paragraph in doctree.findall(nodes.paragraph)), "").replace("\n", " ")
    tags = {
        'name="description"': words,
        'property="og:title"': re.sub("<.*?>", "", context["title"]),
        'property="og:description"': words,
        'property="og:site_name"': app.config.html_title,
    }
    if app.config.html_baseurl:  # the picture's address must be whole, and only who publishes the pages knows it
        tags['property="og:image"'] = f"{app.config.html_baseurl.rstrip('/')}/_static/preview.png"
    context["metatags"] += "".join(f'\n<meta {key} content="{html.escape(value)}">' for key, value in tags.items())
    context["display_toc"] &= pagename != "index"


def front(app):
    """Connect all of it."""
    app.connect("env-get-outdated", lambda *_: ["index"])  # it follows the notebooks and the results
    app.connect("source-read", fill)
    app.connect("html-page-context", describe)
