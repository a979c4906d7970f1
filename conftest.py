"""What nbval is taught here: which recorded numbers to compare, when not to, and to notice a dead kernel.

nbstripout keeps the outputs of cells tagged ``keep_output`` but empties their execution count, and nbval refuses
such a cell ("Unrun reference cell has outputs").  Those cells get a count again, in memory, and nbval compares
exactly them; all other cells only have to run, and to give every picture an alternative text.
"""

import os
import re
import time
from collections import Counter
from functools import cache
from queue import Empty

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

from advlib import data

UNLIKE = pytest.StashKey()  # why this run's numbers are not the recorded ones, or ""
NO_SIGNS = pytest.StashKey()  # why those that rest on the traffic signs are not, or ""
NOT_COMPARED = pytest.StashKey()


def pytest_configure(config):
    try:
        if not os.environ.get("ADVLIB_DATASET") and data.find("mnist.npz") is None:
            os.environ["ADVLIB_DATASET"] = "digits"  # for every kernel alike: none of them downloads
        no_signs = data.find(data.SIGNS_NPZ) is None
    except data.DataError as why:
        raise pytest.UsageError(str(why)) from None
    digits = os.environ.get("ADVLIB_DATASET") == "digits"
    paper = os.environ.get("ADVLIB_SCALE") == "paper"
    config.stash[UNLIKE] = "offline digits" if digits else "paper scale" if paper else ""
    config.stash[NO_SIGNS] = config.stash[UNLIKE] or ("no traffic signs" if no_signs else "")
    config.stash[NOT_COMPARED] = Counter()


def pytest_runtest_setup(item):
    if not isinstance(item, IPyNbCell):
        return
    item.parent.skip_compare += ("stderr",)  # progress bars, TensorFlow's log
    signs = starts_with_signs(item.parent.path) or "traffic signs" in item.cell.source
    why = item.config.stash[NO_SIGNS if signs else UNLIKE]
    if item.cell.outputs and why:
        item.cell.outputs = []
        item.config.stash[NOT_COMPARED][why] += 1
    elif item.cell.outputs and item.cell.execution_count is None:
        item.cell.execution_count = 0


@cache
def starts_with_signs(path):
    """Whether a notebook's images are the traffic signs."""
    return 'name=\\"signs\\"' in path.read_text(encoding="utf-8")


def without_alt(output):
    """Whether a cell's output holds a picture that a screen reader cannot tell of."""
    bundle = output.get("data", {})
    pictures = re.findall(r'<img\b(?![^>]*aria-hidden="true")[^>]*>', bundle.get("text/html", ""))
    return any(not re.search(r'\balt="[^"]', picture) for picture in pictures) or any(
        kind.startswith("image/") for kind in bundle  # Jupyter has no place for words beside such a one
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    if isinstance(item, IPyNbCell) and any(map(without_alt, item.test_outputs or ())):
        item.raise_cell_error("A picture without alternative text: plots.show(fig, alt=..., caption=...)")
    return result


def pytest_terminal_summary(terminalreporter, config):
    for why, count in config.stash[NOT_COMPARED].items():
        terminalreporter.section(f"{why}: {count} recorded numbers ran but were not compared")


def await_reply(self, msg_id, timeout=None):
    """nbval's own, except that a kernel that died is noticed in seconds, not after the whole cell timeout."""
    end = time.monotonic() + timeout
    while True:
        try:
            msg = self.get_message(stream="shell", timeout=min(3, max(0.1, end - time.monotonic())))
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while this cell ran (out of memory?)") from None
            if time.monotonic() > end:
                raise
            continue
        if msg["parent_header"].get("msg_id") == msg_id:
            return


RunningKernel.await_reply = await_reply
