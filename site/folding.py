"""What a page hides until it is asked for: the code that only draws, a solution, and the answer to a prediction."""

import re

from docutils import nodes

ASKS = re.compile(r"advlib-(explorer|quiz)")  # the reader finds out by moving or pressing it


def fold(app, doctree):
    """Sphinx's event doctree-read: fold a page before it is stored."""
    for cell in list(doctree.findall(nodes.container)):
        if cell.attributes.pop("hide_mode", None):  # myst-nb's own fold calls every one "Toggle hidden content"
            cell[:] = wrapped(cell[:], "Show the solution")
    for section in list(doctree.findall(nodes.section)):
        section[:] = folded(drawn(section[:]))


def drawn(parts):
    """A section's parts; the code that only draws stands below its picture, that of several cells in one fold."""
    kept, code = [], []
    for part, following in zip(parts, [*parts[1:], None]):
        if draws(part):
            shown = part[1:]
            code += part[:1]
            if not shown and draws(following):
                continue
            part[:] = [*shown, *wrapped(code, "Show the code that draws this")]
            code = []
        kept.append(part)
    return kept


def folded(parts):
    """A section's parts; from the first result after a prediction to its end they stand in a fold."""
    kept, inside, predicted = [], [], False
    for part in [*parts, None]:  # None: the end of the section
        if part is None or ends(part) or predicts(part):
            kept += wrapped(inside, "Show what happened", "predicted")
            inside, predicted = [], part is not None and predicts(part)
            kept += [part] if part is not None else []
        elif inside or (predicted and shows(part) and not ASKS.search(html(part))):
            inside.append(part)
        else:
            kept.append(part)
    return kept


def wrapped(parts, told, kind="fold"):
    opening = f'<details class="{kind}"><summary>{told}</summary>'
    return [nodes.raw("", opening, format="html"), *parts, nodes.raw("", "</details>", format="html")] if parts else []


def draws(part):
    return isinstance(part, nodes.container) and "tag_figure" in part["classes"]


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
