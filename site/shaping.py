"""What a page has and its notebook has not: a number in its title, its pictures in files, tables that scroll."""

import base64
import io
import re

from cards import number
from docutils import nodes
from PIL import Image

PICTURE = re.compile(r'<img src="data:image/(\w+);base64,([^"]+)"')


def numbered(app, doctree):
    """Put a notebook's number before its title, wherever that is shown."""
    told = number(app.env.docname)
    title = next(doctree.findall(nodes.title), None)
    if told and title:
        title.insert(0, nodes.Text(f"{told} · "))


def beside(app, doctree):
    """Write pictures beside the pages: the text is shown first, and a picture is asked for as the reader comes near."""
    docname, count = app.env.docname, 0
    folder = app.outdir / "_images"
    folder.mkdir(parents=True, exist_ok=True)

    def stored(picture):
        nonlocal count
        data, count = base64.b64decode(picture[2]), count + 1
        name = f"{docname.replace('/', '-')}-{count}.{picture[1]}"
        (folder / name).write_bytes(data)
        width, height = Image.open(io.BytesIO(data)).size  # the place is kept: nothing jumps when it comes
        source = "../" * docname.count("/") + f"_images/{name}"
        return f'<img loading="lazy" decoding="async" width="{width}" height="{height}" src="{source}"'

    for raw in list(doctree.findall(nodes.raw)):
        text = PICTURE.sub(stored, raw.astext())
        if text != raw.astext():
            raw.replace_self(nodes.raw("", text, format="html"))


def scroll(app, doctree):
    """A table that is wider than a phone scrolls by itself."""
    for table in list(doctree.findall(nodes.table)):
        table.replace_self(nodes.container("", table.deepcopy(), classes=["scrolls"]))
