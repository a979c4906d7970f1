"""What a notebook says of itself: its number, by its file's name, and the minutes on its card."""

import re

MINUTES = re.compile(r"^\*\*Minutes\*\*:? (\d+) to read, (\d+) to run, (\d+) for", re.MULTILINE)


def number(name):
    """``02_name`` is 2, and ``in_depth/02_name`` is 2 in depth; what has no number is nothing."""
    found = re.fullmatch(r"(in_depth/)?0*(\d+)_.+", name)
    return f"{found[2]}{' in depth' if found[1] else ''}" if found else ""


def minutes(cells):
    """The card's minutes to read, to run and for the exercises; nothing where there is no card."""
    found = next(filter(None, (MINUTES.search(source(cell)) for cell in cells)), None)
    return tuple(map(int, found.groups())) if found else ()


def source(cell):
    return "".join(cell["source"])  # a file may have it in lines
