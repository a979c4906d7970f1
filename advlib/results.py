"""The two scales, and the results of the paper-scale run: JSON with where it came from."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

from .files import DATA, ROOT, record, replacing

RESULTS = DATA / "results"
SCALE = os.environ.get("ADVLIB_SCALE", "workshop")
if SCALE not in ("workshop", "paper"):
    raise ValueError(f"ADVLIB_SCALE must be workshop or paper; found {SCALE!r}")


def by_scale(*, workshop, paper):
    """The value for the scale this run was asked for (``ADVLIB_SCALE=workshop`` or ``paper``)."""
    return {"workshop": workshop, "paper": paper}[SCALE]


def storing(dataset):
    """Whether what a notebook finds is to be stored: at paper scale, and on MNIST, not on the offline digits."""
    return SCALE == "paper" and dataset == "mnist"


def paper_numbers():
    """What the paper reports: ``data/paper_numbers.json``."""
    return json.loads((DATA / "paper_numbers.json").read_text(encoding="utf-8"))


def _commit():
    describe = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return "unknown"


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


def save(name, values, **more):
    """Write ``data/results/NAME.json``: the values, and their provenance."""
    text = json.dumps({**values, "provenance": provenance(**more)}, indent=1, ensure_ascii=False)
    with replacing(RESULTS / f"{name}.json") as part:
        part.write_text(text + "\n", encoding="utf-8")


def stored(name):
    """Read ``data/results/NAME.json``; an empty dict where no run is stored."""
    return load(name) if (RESULTS / f"{name}.json").exists() else {}


def load(name):
    """Read ``data/results/NAME.json``."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: python course.py paper makes it")
    return json.loads(path.read_text(encoding="utf-8"))
