"""What tells a user what is wrong with their set-up: a line for each thing that the course needs."""

import importlib.metadata
import os
import sys
import tomllib
import warnings
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from . import data
from .files import DATA, ROOT, DataError, arrays, can_write, comes_back, verified

MEMORY = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def environment():
    """Print one line for each thing that the course needs: [OK], or [FAIL] with the remedy.

    Returns
    -------
    bool
        Everything is there.
    """
    failed = told(look())
    print("Everything is there." if not failed else f"{failed} to mend; README.md, Troubleshooting, helps.")
    return not failed


def look():
    """A pair for each thing that the course needs: whether it is as it should be, and a line that says so."""
    return [*_python(), *_packages(), *_images(), *_signs(), *_weights(), *_folder(), *_memory()]


def told(lines):
    """Print what was found, and return how much of it is to be mended."""
    for fine, text in lines:
        print(f"[{'OK' if fine else 'FAIL'}] {text}", flush=True)
    return sum(not fine for fine, _ in lines)


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield fine, f"Python {version}" + ("" if fine else ": use 3.11, 3.12 or 3.13 (TensorFlow has no other)")


def _packages():
    file = ROOT / "pyproject.toml"
    if not file.exists():
        yield False, f"{file} is not there, advlib was installed apart from the course: pip install -e . in its folder"
        return
    asked = _by_name(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"])
    lock = ROOT / "requirements.lock"
    exact = _by_name(lock.read_text(encoding="utf-8").splitlines()) if _in_venv() and lock.exists() else {}
    for name, wanted in (asked | exact).items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = None
        if not found:  # None, too, where an interrupted installation has left half of it
            yield False, f"{name} is missing: {_reinstall()}"
            continue
        fine = wanted.specifier.contains(Version(found))
        remedy = "" if fine else f": the course needs {wanted.specifier}; {_reinstall()}"
        if name in asked or not fine:  # of the others only what is wrong
            yield fine, f"{name} {found}{remedy}"


def _by_name(lines):
    """Requirements that hold on this system."""
    requirements = map(Requirement, lines)
    return {wanted.name: wanted for wanted in requirements if not wanted.marker or wanted.marker.evaluate()}


def _in_venv():
    return Path(sys.prefix).resolve() == (ROOT / ".venv").resolve()


def _reinstall():
    """What brings the locked packages back.

    course.py takes a .venv that it has made for whole, whatever was done to it since; one that is gone it makes anew.
    """
    if _in_venv():
        return "close JupyterLab, delete the folder .venv, and call course.py lab, which makes it anew"
    return f"open the notebooks with course.py lab, or call pip install -r requirements.lock for {sys.prefix}"


def _images():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same is said below, in a line of its own
            dataset = data.load()
    except (DataError, ValueError, ImportError) as why:  # ValueError: what ADVLIB_DATASET says is no data set
        yield False, str(why)
    else:
        why = "as ADVLIB_DATASET asks" if os.environ.get("ADVLIB_DATASET") else "for MNIST could not be had"
        yield True, {
            "mnist": "MNIST, every image verified",
            "digits": f"offline digits, {why} (README: how to get MNIST)",
        }[dataset.name]


def _signs():
    """Where they are not there digits stand in, and nothing is to be mended."""
    try:
        path = data.find(data.SIGNS_NPZ)
        if path is not None:
            data.verified(path, data.SIGNS)
    except DataError as why:
        yield False, str(why)
    else:
        instead = "digits in random colours in place of the traffic signs (README: The traffic signs)"
        yield True, "traffic signs, every image verified" if path else instead


def _weights():
    try:
        from . import cnn  # here: it needs TensorFlow, and where that is missing the lines above say so
    except Exception as why:  # packages that do not fit together fail in many ways
        yield False, f"data/weights cannot be looked at until TensorFlow loads ({why})"
        return
    if cnn.OWN:
        yield from _own_weights(cnn.WEIGHTS)
        return
    remedy = comes_back("data/weights")
    whole = 0
    for name, digest in cnn.SHIPPED.items():
        try:
            verified(cnn.WEIGHTS / name, digest, remedy)
            whole += 1
        except DataError as why:
            yield False, str(why)
    if whole:
        yield True, f"data/weights, {whole} of {len(cnn.SHIPPED)} networks verified"


def _own_weights(folder):
    paths = sorted(folder.glob("*.npz"))
    for path in paths:
        try:
            arrays(path, "save it again with cnn.save, or move it away")
        except DataError as why:
            yield False, f"damaged: {why}"
    yield bool(paths), f"ADVLIB_WEIGHTS: networks of your own, in {folder}" + (
        "" if paths else ": there is none; put it there with cnn.save, or unset ADVLIB_WEIGHTS"
    )


def _folder():
    kept = "data/ can be written" if can_write(DATA) else f"{DATA} is read-only: what you train yourself is not kept"
    yield True, kept  # on a hub it is meant so


def _memory():
    lines = MEMORY.read_text().splitlines() if MEMORY.exists() else []  # Linux only
    for kilobytes in [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]:
        gigabytes = min([1024 * kilobytes, *_container()]) / 2**30
        fine = gigabytes > 1.5
        yield fine, f"{gigabytes:.1f} GiB of memory free" + ("" if fine else ": close other kernels (1.5 needed)")


def _container():
    """What a hub's limit leaves of the memory, in bytes, where there is a limit (cgroup v2)."""
    try:
        limit, used, told = ((CGROUP / f"memory.{name}").read_text() for name in ("max", "current", "stat"))
        cached = dict(line.split() for line in told.splitlines())["inactive_file"]  # given back when it is needed
        return [int(limit) - int(used) + int(cached)]
    except (OSError, ValueError, KeyError):  # no such file, or "max"
        return []
