"""Records to tables: one way to write a rate, and one table for the notebook, the pages, the slides, the terminal."""

import math
import os
import re
from dataclasses import dataclass
from html import escape
from numbers import Real

import pandas as pd
from IPython.display import display

from .metrics import Rate

GAP = "–"  # nothing was measured
LEFT, RIGHT = "text-align:left", "text-align:right"
PINNED = "position:sticky;left:0;max-width:calc(100cqw - 1em)"  # in sight as a table scrolls


@dataclass(frozen=True)
class Link:
    """A cell that leads to another notebook; on the pages, to its page."""

    text: str
    notebook: str

    def __str__(self):
        return self.text

    @property
    def html(self):
        suffix = "html" if os.environ.get("ADVLIB_PAGE") else "ipynb"
        return f'<a href="{escape(f"{self.notebook}.{suffix}")}">{escape(self.text)}</a>'


@dataclass(frozen=True)
class Badge:
    """A word that the eye finds in a table: it has a sign and a colour of its own."""

    sign: str
    word: str
    ink: str
    paper: str

    def __str__(self):
        return f"{self.sign} {self.word}"

    @property
    def html(self):
        style = f"color:{self.ink};background:{self.paper};padding:0 .4em;border-radius:1em;white-space:nowrap"
        return f'<span style="{style}"><span aria-hidden="true">{escape(self.sign)}</span> {escape(self.word)}</span>'


def frame(records, /, *, where=None, by=None, across=None, **columns):
    """Records as a table: a row for each, or for each combination of some of their fields.

    Parameters
    ----------
    records : sequence of dict, or dict of label to such a sequence
        Flat: a number, a text, True or False, None, a :class:`Link` or a :class:`Badge` for each field.  With labels,
        the rows of each stand together below it.
    where : dict, optional
        Only the records that have these values.
    by : sequence of str, optional
        One row for each combination of these fields.  The counts of a rate are added; of the other fields those
        named in ``columns`` are shown, and have to be the same in all records of the row.
    across : str, optional
        With ``by``: this field's values stand side by side, as columns.  A number has the field's name before it:
        ``network 0``.
    **columns
        A heading, and what stands below it: ``("k", "n")``, the rate k of n; ``("ratio", "low", "high")``, a value
        and the ends of its interval; ``"rms_seen"``, a field under another heading; ``3``, the field of this name
        with so many decimals; a function, from the value of the field of this name to a text; ``None``, the field
        of this name is left out.  Fields that are not named stand under their own name.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        No record has a field of that name, or a row's records differ in what cannot be added; the message names it.
    """
    if isinstance(records, dict):
        how = {"where": where, "by": by, "across": across, **columns}
        return pd.concat({label: frame(part, **how) for label, part in records.items()})
    known = list(dict.fromkeys(field for record in records for field in record))
    specs = {heading: _spec(heading, what) for heading, what in columns.items() if what is not None}
    used = {field for fields, _ in specs.values() for field in fields} | (columns.keys() - specs.keys())
    keys = [*(by or ()), *([across] if across else ())]
    for field in {*used, *keys, *(where or ())} if records else ():
        if field not in known:
            raise ValueError(f"no record has a field {field!r}: there are {', '.join(known)}")
    shown = [(heading, *spec) for heading, spec in specs.items() if heading not in keys]
    if by is None:
        plain = [(field, (field,), None) for field in known if field not in used]
        shown = sorted(shown + plain, key=lambda column: known.index(column[1][0])) if records else []
    groups = {}
    for i, record in enumerate(records):
        if all(record.get(field) == value for field, value in (where or {}).items()):
            groups.setdefault(tuple(record.get(field) for field in keys) if by else i, []).append(record)
    rows = {}
    for group in groups.values():
        head = {field: _cell(group, *specs.get(field, ((field,), None))) for field in keys}
        place = tuple(group[0].get(field) for field in by) if by else len(rows)
        row = rows.setdefault(place, {field: head[field] for field in by or ()})
        for heading, fields, make in shown:
            beside = [_beside(across, head[across])] if across else []
            name = ": ".join(beside + [heading] * (len(shown) > 1 or not across))
            row[name] = _cell(group, fields, make)
    return pd.DataFrame([{heading.replace("_", " "): cell for heading, cell in row.items()} for row in rows.values()])


def _spec(heading, what):
    """The fields of a column, and what makes its cells of their values (None: the cell is the value)."""
    if isinstance(what, str):
        return (what,), None
    if isinstance(what, int):
        return (heading,), lambda value: f"{value:.{what}f}"
    if callable(what):
        return (heading,), what
    return tuple(what), Rate if len(what) == 2 else lambda *ends: ends


def _cell(group, fields, make):
    values = [[record.get(field) for field in fields] for record in group]
    if any(_missing(value) for row in values for value in row):
        return None
    if make is Rate:
        return Rate(*(sum(counts) for counts in zip(*values)))
    if any(row != values[0] for row in values):
        raise ValueError(
            f"{', '.join(fields)} differs in the {len(values)} records of a row, and only the counts of a rate can be "
            "added: name more fields in by"
        )
    return make(*values[0]) if make else values[0][0]


def _beside(field, value):
    """The value as a column's heading; a number does not say what it is: network 0, ε = 0.24."""
    told = _texts([value])[0]
    if not isinstance(value, Real) or isinstance(value, bool):
        return told
    return f"{field} = {told}" if len(field) == 1 else f"{field} {told}"


def _missing(value):
    return value is None or value != value  # NaN


def _texts(cells):
    """A column's cells as texts, its floats with the same number of decimals."""
    parts = [part for cell in cells for part in (cell if isinstance(cell, tuple) else [cell])]
    numbers = [part for part in parts if isinstance(part, float) and math.isfinite(part)]
    sizes = [abs(number) for number in numbers if number]
    form = "{:.0f}"
    whole = all(number.is_integer() for number in sizes)  # counts, which pandas makes floats where one is missing
    if sizes and not whole and (max(sizes) < 1e-3 or min(sizes) < 1e-4 * max(sizes)):  # p values, for example
        form = "{:.2g}"
    elif sizes:  # three digits of the largest, but no column of zeros
        decimals = max(0, 2 - math.floor(math.log10(max(sizes))))
        while decimals and all(f"{number:.{decimals}f}".endswith("0") for number in numbers):
            decimals -= 1
        form = f"{{:.{decimals}f}}"

    def text(cell):
        if _missing(cell):
            return GAP
        if isinstance(cell, bool):
            return "yes" if cell else "no"
        if isinstance(cell, tuple):
            value, low, high = map(text, cell)
            return f"{value} [{low}, {high}]"
        return form.format(cell) if isinstance(cell, float) else str(cell)

    return [text(cell) for cell in cells]


def _is_number(text):
    """A number, with whatever belongs to it: 98.6 % [98.3, 98.8] (9857/10000)."""
    return not any(letter.isalpha() for letter in re.sub(r"\de[-+]\d", "", text))


def _side(texts):
    """Where a column's cells stand: numbers at the right, and a gap where the others stand."""
    shown = [text for text in texts if text != GAP]
    return RIGHT if shown and all(map(_is_number, shown)) else LEFT


def _inside(cell, told):
    """A cell's HTML; a line may end before an interval and before a count, but not within them, nor within a number."""
    if isinstance(cell, Link | Badge):
        return cell.html
    within = r" (?![\[(])" if isinstance(cell, Rate | tuple) else " (?=[%…])|(?<=…) "
    return escape(re.sub(r"(?<=\de)-", "\N{NON-BREAKING HYPHEN}", re.sub(within, "\N{NO-BREAK SPACE}", told)))


def html(frame, caption="", folded=False):
    """A frame as an HTML table: headings told to a screen reader, numbers at the right; it scrolls below its caption.

    Parameters
    ----------
    frame : pandas.DataFrame
        As :func:`frame` makes it.  Whatever stands in it but a :class:`Link` or a :class:`Badge` is shown as text.
    caption : str
    folded : bool
        Only the caption is seen, until the reader asks for the rest.
    """
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    texts = [_texts(cells) for cells in columns]
    sides = [LEFT, *map(_side, texts[1:])][: len(texts)]
    head = []
    for i, (name, side) in enumerate(zip(map(str, frame.columns), sides)):
        letters = min(10 if i == 0 else 18, max(map(len, texts[i]), default=0))  # the first column is always in sight
        room = f";min-width:{0.6 * letters + 1:.1f}em" if side == LEFT else ""  # no text is squeezed to a word a line
        head.append(f'<th scope="col" style="{side}{room}">{escape(name)}</th>')
    body, last = [], None
    for i, line in enumerate(zip(*texts)):
        label = str(frame.index[i][0]) if frame.index.nlevels > 1 else ""
        if label != last:
            body.append("</tbody>\n<tbody>" if i else "<tbody>")
            if label:
                told = f'<span style="display:inline-block;{PINNED}">{escape(label)}</span>'
                body.append(f'<tr><th scope="rowgroup" colspan="{len(line)}" style="{LEFT}">{told}</th></tr>')
            last = label
        cells = [_inside(column[i], told) for column, told in zip(columns, line)]
        row = [f'<th scope="row" style="{LEFT}">{cells[0]}</th>']
        row += [f'<td style="{side}">{inside}</td>' for side, inside in zip(sides[1:], cells[1:])]
        body.append(f"<tr>{''.join(row)}</tr>")
    body += ["</tbody>"] if body else []
    above = f'<caption style="caption-side:top;{LEFT};{PINNED}">{escape(caption)}</caption>'
    page = (
        f'<div class="advlib-table" style="overflow-x:auto;container-type:inline-size" role="region" tabindex="0" '
        f'aria-label="{escape(caption) or "table"}">\n<table>{above if caption and not folded else ""}\n'
        f"<thead><tr>{''.join(head)}</tr></thead>\n"
    )
    page += "\n".join([*body, "</table></div>"])
    return f"<details><summary>{escape(caption)}</summary>\n{page}</details>" if folded else page


def text(frame, caption=""):
    """A frame as plain text, for the terminal."""
    lines = pd.DataFrame(dict(enumerate(_texts(frame.iloc[:, i].tolist()) for i in range(frame.shape[1]))))
    lines.columns = list(frame.columns)
    if frame.index.nlevels > 1:
        lines.insert(0, "", list(frame.index.get_level_values(0)), allow_duplicates=True)
    return f"{caption}\n{lines.to_string(index=False)}" if caption else lines.to_string(index=False)


def markdown(frame):
    """A frame as a table in Markdown, for a page that no notebook writes."""
    lines = zip(*(_texts(frame.iloc[:, i].tolist()) for i in range(frame.shape[1])))
    return "\n".join(f"| {' | '.join(line)} |" for line in [frame.columns, *lines]).replace(
        " |\n", f" |\n|{'---|' * frame.shape[1]}\n", 1
    )


def show(records, /, caption="", folded=False, **how):
    """Put a table on the page.

    Parameters
    ----------
    records : as for :func:`frame`, or a pandas.DataFrame
    caption : str
        What the table shows.
    folded : bool
        Only the caption is seen, until the reader asks for the rest.
    **how
        Passed on to :func:`frame`.
    """
    table = records if isinstance(records, pd.DataFrame) else frame(records, **how)
    display({"text/html": html(table, caption, folded), "text/plain": text(table, caption)}, raw=True)
