"""The two scales, and the results of the full run: JSON with where it came from, beside those of this run."""

import hashlib
import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import GeneratorType

import numpy as np

from . import resume, tables
from .files import DATA, ROOT, DataError, comes_back, record, replacing
from .metrics import Rate

RESULTS = DATA / "results"
REMEDY = comes_back("data/results")
SCALE = os.environ.get("ADVLIB_SCALE", "workshop")
if SCALE not in ("workshop", "paper"):
    raise ValueError(f"ADVLIB_SCALE must be workshop or paper; found {SCALE!r}")


def by_scale(*, workshop, paper):
    """The value for the scale this run was asked for (``ADVLIB_SCALE=workshop`` or ``paper``)."""
    return {"workshop": workshop, "paper": paper}[SCALE]


def storing(dataset):
    """Whether what a notebook finds is to be stored: at paper scale, and not on the offline digits."""
    return SCALE == "paper" and dataset.published


def paper_numbers():
    """What the paper reports: ``data/paper_numbers.json``."""
    return record(DATA / "paper_numbers.json", comes_back("data/paper_numbers.json"))


def _commit():
    """The commit of this folder, with "-dirty" where its code differs; what a run has stored meanwhile is no code."""
    code = "--", ".", ":!data/results", ":!benchmarks/results.json"
    try:
        commit = _git("describe", "--always").stdout.strip()
        return commit + "-dirty" * (_git("status", "--porcelain", "--untracked-files=no", *code).stdout != "")
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return "unknown"


def _git(*command):
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True)


COMMIT = _commit()  # of the code that runs now: a long run may end after the next commit


def provenance(**more):
    """Where a result comes from: commit, date, versions, machine, and what is given (seeds, say)."""
    return {
        "commit": COMMIT,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        **more,
    }


def machine():
    """The processor's name and the number of its cores: what a stored time depends on."""
    path = Path("/proc/cpuinfo")  # Linux's
    name = re.search("model name.*: (.+)", path.read_text()) if path.exists() else None
    return {"cpu": name[1] if name else platform.processor() or platform.machine(), "cores": os.cpu_count()}


def _digest(values):
    """SHA-256 of what a result says, however the file is laid out."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _write(name, values):
    text = json.dumps({**values, "sha256": _digest(values)}, indent=1, ensure_ascii=False)
    with replacing(RESULTS / f"{name}.json") as part:
        part.write_text(text + "\n", encoding="utf-8")


def save(name, values, **more):
    """Write ``data/results/NAME.json``: the values, their provenance, and a SHA-256 of both."""
    _write(name, {**values, "provenance": provenance(**more)})


def stored(name):
    """Read ``data/results/NAME.json``; an empty dict where no run is stored."""
    return load(name) if (RESULTS / f"{name}.json").exists() else {}


def load(name):
    """Read ``data/results/NAME.json``.

    Raises
    ------
    FileNotFoundError
        There is none; the message says what makes it.
    DataError
        It is damaged, or its content is not what its SHA-256 says.
    """
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: python course.py paper makes it")
    values = record(path, REMEDY)
    told = values.pop("sha256", None)
    if told != _digest(values):
        raise DataError(f"{path} is not as the run left it: its SHA-256 says something else: {REMEDY}")
    return values


# ------------------------------------------------------------------------------ a notebook's results
def study(name, dataset, *, read_only=False, **more):
    """What a notebook finds, part by part, kept and shown beside the stored full run.

    Parameters
    ----------
    name : str
        The file is ``data/results/NAME.json``.
    dataset : data.Dataset
        A full run is stored, and shown, on the published images alone.
    read_only : bool
        A lesson's: what it keeps stays in memory at every scale, and the stored full run comes first.
    **more
        What else belongs to the provenance: ``seeds``, above all.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        The stored file is damaged: better now than after hours.
    """
    return Study(name, dataset, read_only, **more)


class Study:
    """See :func:`study`.

    Attributes
    ----------
    mine, stored : dict of str to list of dict
        The parts that this run has found, and those of the full run (none on the offline digits).
    """

    def __init__(self, name, dataset, read_only, **more):
        self.name, self.published, self.read_only, self.more = name, dataset.published, read_only, more
        self.mine = {}
        self.stored, self._origin = _parts(name) if dataset.published else ({}, {})

    def keep(self, part, rows):
        """Keep a part: flat dicts, one a row; at paper scale also on disk, where it takes the place of that part alone.

        The rows are a list, or a generator: a full run that goes on where it was interrupted does not run it again.
        Numbers of numpy become Python's, NaN becomes None, which JSON has.

        Raises
        ------
        TypeError, ValueError
            A value is no number, text, True, False or None; the message names its row and its key.
        """
        if part in ("provenance", "sha256"):
            raise ValueError(f"no part can be called {part!r}: the file has one already")
        rows = resume.listed(rows) if isinstance(rows, GeneratorType) else rows
        self.mine[part] = flat(f"{self.name}, {part}", rows)
        if SCALE == "paper" and self.published and not self.read_only:
            kept, origin = _parts(self.name)  # now: another kernel may have kept something
            origin[part] = provenance(**self.more)
            _write(self.name, {**kept, part: self.mine[part], "provenance": origin})
            resume.lap(self.name, part)

    def full(self, part):
        """Whether ``study[part]`` is the stored full run: where there is one, and this run is a smaller one."""
        return part in self.stored and (SCALE == "workshop" or self.read_only or part not in self.mine)

    def __contains__(self, part):
        """Whether ``study[part]`` has rows to give: the full run's or this run's."""
        return part in self.stored or part in self.mine

    def __getitem__(self, part):
        """The rows for figures and sentences: the stored full run's where this run is smaller, else this run's."""
        if self.full(part):
            return self.stored[part]
        if part not in self.mine:
            there = ", ".join({**self.mine, **self.stored}) or "nothing yet"
            raise KeyError(f"{self.name} has no part {part!r}: there is {there}")
        return self.mine[part]

    def note(self, part):
        """For a caption: where ``study[part]`` comes from."""
        return f"full run, stored {self._origin[part]['date']}" if self.full(part) else "this run"

    def show(self, part, caption="", **how):
        """This run's rows and the full run's in one table; the caption says which is which.

        Parameters
        ----------
        part : str
        caption : str
            What the rows are of; by default the part's name.
        **how
            Passed on to :func:`tables.frame`: ``fooled=("k", "n")``, for example.
        """
        caption = caption or part.replace("_", " ").capitalize()
        if self.read_only and not self.stored and part not in self:  # a lesson runs without it
            why = "is not stored" if self.published else "is of the published images, and these are others"
            return print(f"{caption}: not shown, the full run {why}")
        runs = {"this run": self.mine[part]} if part in self.mine else {}
        runs[self.note(part)] = flat(f"{self.name}, {part}", self[part])
        table = tables.frame(runs, **how)
        told = []
        for run in runs:
            cells = table.loc[run].to_numpy().ravel() if run in table.index else ()
            counts = [cell.n for cell in cells if isinstance(cell, Rate)]
            ends = " … ".join(f"{n:,}" for n in sorted({min(counts), max(counts)})) if counts else ""
            told.append(f"{run} (n = {ends})" if ends else run)
        if SCALE == "workshop" and self.published and part not in self.stored:
            told.append("the full run is not stored: python course.py paper makes it")
        if len(runs) == 1:  # the caption names it
            table = tables.frame(*runs.values(), **how)
        tables.show(table, f"{caption}: {'; '.join(told)}.")


def _parts(name):
    """The parts of a stored study, and each one's provenance."""
    parts = stored(name)
    origin = parts.pop("provenance", {})
    if isinstance(origin.get("commit"), str):  # of the whole file, as save writes it
        origin = dict.fromkeys(parts, origin)
    return parts, origin


def flat(what, rows):
    """Rows as a file holds them; a value that is no number, text, True, False or None is refused by its key."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{what}: a part is a list of dicts, one a row; found {type(rows).__name__}")
    kept = []
    for i, row in enumerate(rows):
        kept.append({})
        for key, value in row.items():
            value = value.item() if isinstance(value, np.generic) else value
            if not isinstance(key, str) or not isinstance(value, (str, bool, int, float, type(None))):
                raise TypeError(
                    f"{what}, row {i}: {key!r} is a {type(value).__name__}, not a number or a text: "
                    "make a row for each of its entries"
                )
            if isinstance(value, float) and value in (float("inf"), -float("inf")):
                raise ValueError(f"{what}, row {i}: {key!r} is infinite, which JSON does not have")
            kept[-1][key] = None if value != value else value
    return kept
