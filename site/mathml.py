"""TeX to MathML, which a browser draws by itself: no script, no network, and a screen reader can read it."""

import html
import re

from docutils.utils.math.latex2mathml import tex2mathml


def mathml(tex, block=False):
    """One formula as HTML.

    Parameters
    ----------
    tex : str
        What stands between the dollars; a ``\\tag{}`` becomes the number at the right.
    block : bool
        On a line of its own.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        docutils does not know a command, or a superscript has no base: write the formula in another way.
    """
    number = re.search(r"\\tag\{(.+?)\}", tex)
    plain = re.sub(r"\\tag\{.+?\}", "", tex)
    plain = re.sub(r"\{([^{}]*)\\textstyle\b", r"{\\textstyle \1", plain)  # docutils takes it only as a group's first
    try:
        # a norm's bars are of one size: as a sign alone, the bar before a subscript would be another
        math = tex2mathml(plain, as_block=block).replace("<mo>‖", '<mo stretchy="false">‖')
    except (ValueError, IndexError) as why:  # docutils looks for what a lone ^ or _ is the index of
        raise ValueError(f"this formula cannot be shown: ${tex}$ ({why})") from None
    if not block:
        return math
    eqno = f'<span class="eqno">({html.escape(number[1])})</span>' if number else ""
    return f'<div class="formula">{math}{eqno}</div>\n'
