"""What a page hides until it is asked for: the code that only draws, and the answer to a prediction."""

import re

from docutils import nodes

OPEN = '<details class="predicted"><summary>Show what happened</summary>'
ASKS = re.compile(r"advlib-(explorer|quiz)")  # the reader finds out by moving or pressing it


def fold(app, doctree):
    """Sphinx's event doctree-read: fold a page before it is stored."""
    for cell in doctree.findall(nodes.container):
        if "tag_figure" in cell["classes"]:
            told = "the code that draws this"
            cell["hide_mode"], cell["prompt_show"], cell["prompt_hide"] = "input", f"Show {told}", f"Hide {told}"
    for section in doctree.findall(nodes.section):
        section.children = folded(section.children)


def folded(parts):
    """A section's parts; from the first result after a prediction to its end they stand in a fold."""
    kept, inside, predicted = [], [], False
    for part in [*parts, None]:  # None: the end of the section
        if part is None or ends(part) or predicts(part):
            kept += wrapped(inside)
            inside, predicted = [], part is not None and predicts(part)
            kept += [part] if part is not None else []
        elif inside or (predicted and shows(part) and not ASKS.search(html(part))):
            inside.append(part)
        else:
            kept.append(part)
    return kept


def wrapped(parts):
    return [nodes.raw("", OPEN, format="html"), *parts, nodes.raw("", "</details>", format="html")] if parts else []


def predicts(part):
    return isinstance(part, nodes.block_quote) and part.astext().startswith("Predict")


def ends(part):
    exercise = isinstance(part, nodes.paragraph) and re.match(r"(Open exercise|Exercise) \d", part.astext())
    return isinstance(part, nodes.section) or bool(exercise)


def shows(part):
    """Whether a cell has an output."""
    return any(node.get("nb_element") == "cell_code_output" for node in part.findall(nodes.container))


def html(part):
    return "".join(raw.astext() for raw in part.findall(nodes.raw))
