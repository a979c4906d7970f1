"""Give each notebook its link to Colab, and the cell that installs the course there and does nothing elsewhere.

    python site/colab.py https://github.com/OWNER/REPOSITORY NOTEBOOK...

Called again, it writes the new address in place of the old one.  The link leads to the branch ``colab``, where the
workflow in .github/ puts what this writes: the course itself does not know where it is published.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[1]
# a link, not the usual picture: a page asks for nothing that is not beside it
LINK = "\n\n**On Colab** [open this notebook there](https://colab.research.google.com/github/{name}/blob/colab/{file})."
CELL = """\
if "google.colab" in str(get_ipython()):
    !git clone -q --depth 1 {address} /content/course
    %pip install -q -e /content/course
    import sys
    sys.path.append("/content/course")"""


def add(notebook, file, address):
    """Write both into a notebook, ``file`` being its place in the repository."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    if not found:
        raise ValueError(f"the address must be like https://github.com/OWNER/REPOSITORY; found {address!r}")
    card = notebook.cells[1]
    card.source = re.sub(r"\n\n\*\*On Colab\*\* .*", "", card.source) + LINK.format(name=found[1], file=file)
    notebook.cells = [cell for cell in notebook.cells if "colab" not in cell.metadata.get("tags", [])]
    source = CELL.format(address=f"https://github.com/{found[1]}")
    cell = new_code_cell(source, id="colab", metadata={"tags": ["colab", "remove-cell"]})
    notebook.cells.insert(2, cell)


def main(address, *paths):
    for path in map(Path, paths):
        notebook = nbformat.read(path, 4)
        try:
            add(notebook, path.resolve().relative_to(ROOT).as_posix(), address)
        except ValueError as why:
            sys.exit(str(why))
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
