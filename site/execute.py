"""Run notebooks in order, each in a kernel of its own, and keep the executed copies.

    python site/execute.py FOLDER NOTEBOOK...
    python site/execute.py forecast FOLDER NOTEBOOK...     say what of a full run is done, and how long the rest takes

A copy that is already in FOLDER is used again while nothing it came from has changed: the notebook, advlib, the
trained networks and stored results, the paper's numbers, the packages, the data sets and the scale.

At paper scale, which takes hours, what a notebook has found until it is interrupted is kept in FOLDER as well, see
advlib/resume.py; and when all are through, the times that they took are written to benchmarks/results.json.
"""

import asyncio
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from cards import minutes
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from advlib import data, results, shipped
from advlib.files import comes_back, record, replacing

ROOT = Path(__file__).resolve().parents[1]
TRAINING = 1800  # seconds, of one network of Table I on one core: a guess, which its bar corrects
TIMES = ROOT / "benchmarks" / "results.json"
ARRAYS, WRITTEN = (re.compile(before + rb'RESULTS / \\"(.+?)\\"') for before in (b"", rb"replacing\(results\."))
READ = re.compile(rb'(?:load|stored)\(\\"(.+?)\\"|study\(\\"(.+?)\\", \w+, read_only')  # as a notebook's file has it


def came_from(notebook):
    """A SHA-256 over all that decides a notebook's outputs."""
    return hashlib.sha256(notebook.read_bytes() + ground(notebook).encode()).hexdigest()


def ground(notebook):
    """A SHA-256 over all that a notebook rests on, itself apart."""
    source = notebook.read_bytes()
    digest = hashlib.sha256()
    own = os.environ.get("ADVLIB_WEIGHTS")  # as the notebook finds it, from its own folder
    weights = notebook.parent / own if own else ROOT / "data" / "weights"
    folders = [ROOT / "advlib", weights, ROOT / "data" / "results"]
    if at_paper_scale() and notebook.parent.name == "in_depth":  # it stores results itself, and others do after it
        folders.pop()
        digest.update(text([stored((a or b).decode()) for a, b in READ.findall(source)]))
        for name in sorted(set(ARRAYS.findall(source)) - set(WRITTEN.findall(source))):
            path = ROOT / "data" / "results" / name.decode()
            digest.update(path.read_bytes() if path.exists() else b"")
    files = [(folder, path) for folder in folders for path in folder.rglob("*")]
    cache = ROOT / "data" / "cache"  # networks that are not shipped, see cnn.load; no checkpoint of a training
    files += [(cache, path) for path in cache.glob("mnist-cnn-?.npz")]
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for folder, path in files):
        if path.is_file() and "__pycache__" not in name.split("/"):
            content = path.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
    for path in (ROOT / "data" / "paper_numbers.json", ROOT / "requirements.lock"):
        digest.update(path.read_bytes() if path.exists() else b"")
    digest.update(platform.python_version().encode())
    for name in ("ADVLIB_SCALE", "ADVLIB_DATASET", "ADVLIB_PAGE"):
        digest.update(f"{name}={os.environ.get(name)}".encode())
    if rb"\"signs\"" in source:
        digest.update(f"signs={data.find(data.SIGNS_NPZ) is not None}".encode())
    return digest.hexdigest()


def at_paper_scale():
    return os.environ.get("ADVLIB_SCALE") == "paper"


def stored(study):
    """What a full run has stored, without when and where."""
    path = ROOT / "data" / "results" / f"{study}.json"
    values = record(path, results.REMEDY) if path.exists() else {}
    return {part: rows for part, rows in values.items() if part not in ("provenance", "sha256")}


def left(seconds):
    """A SHA-256 of the parts that a notebook has stored: where they are gone, or others, it runs again."""
    found = {study: {part: stored(study).get(part) for part in parts} for study, parts in seconds.items()}
    return hashlib.sha256(text(found)).hexdigest()


def text(values):
    return json.dumps(values, sort_keys=True).encode()


def said(copy):
    """What an executed copy says of itself; one that is damaged, as by a full disk, is as good as none."""
    try:
        return nbformat.read(copy, 4).metadata
    except Exception:  # no notebook, half of one, or none that nbformat understands
        return {}


def kept(copy):
    """What an executed copy came from, where what it has stored is still there."""
    found = said(copy)
    return found.get("came_from") if found.get("left") == left(found.get("experiments", {})) else None


async def through(client):
    """Run a notebook; Ctrl-C ends its kernel and then this program."""
    # nbclient's own answer to Ctrl-C leaves its kernel's last words and a traceback: asyncio's is left in its place
    asyncio.get_running_loop().add_signal_handler = lambda *_: None
    try:
        await client.async_execute()
    except DeadKernelError:
        if asyncio.current_task().cancelling():  # that is why it is dead
            raise asyncio.CancelledError from None
        raise


def execute(notebook, copy):
    """Run one notebook in its own folder; end the program, with notebook and cell named, where it fails.

    Returns
    -------
    bool
        Whether it had to be run.
    """
    key, folder = came_from(notebook), unfinished(notebook, copy)
    if kept(copy) == key:
        print(f"{notebook.name}  unchanged", flush=True)
        return False
    print(notebook.name, end="  ", flush=True)
    begin = time.monotonic()
    try:
        nb = nbformat.read(notebook, 4)
    except Exception as why:  # the like of a conflict that git has marked in it
        sys.exit(f"\n{notebook} is damaged ({str(why)[:200]}): {comes_back('notebooks')}")
    running = []
    watched = sys.stdout.isatty() or at_paper_scale()  # by somebody: one line moves

    def begun(cell, cell_index):
        running.append(cell_index)
        if watched:
            print(f"\r{notebook.name}  cell {cell_index + 1} of {len(nb.cells)} ", end="", flush=True)

    client = NotebookClient(
        nb,
        timeout=None if at_paper_scale() else 600,
        resources={"metadata": {"path": notebook.parent}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel's warning about TCP
        shutdown_kernel="immediate",
        on_cell_start=begun,
    )
    if at_paper_scale():
        os.environ["ADVLIB_KEPT"] = str(folder.resolve())  # the kernel runs in another folder
        for other in {*folder.parent.glob("*")} - {folder}:  # of another state of the code
            shutil.rmtree(other, ignore_errors=True)
    try:
        asyncio.run(through(client))
    except (CellControlSignal, DeadKernelError) as why:
        number = sum(cell.cell_type == "code" for cell in nb.cells[: running[-1] + 1]) if running else 0
        source = nb.cells[running[-1]].source if running else ""
        sys.exit(f"\n{why}\n\n{notebook.name} failed in its code cell [{number}]:\n\n{source}\n")
    found = experiments(folder)
    seconds = round(max(time.monotonic() - begin, total(found)), 1)  # also those before an interruption
    nb.metadata |= {"came_from": key, "seconds": seconds, "experiments": found, "left": left(found)}
    with replacing(copy) as part:
        nbformat.write(nb, part)
    if at_paper_scale():
        shutil.rmtree(folder.parent, ignore_errors=True)
    told = minutes(nb.cells)
    late = told and seconds > 60 * told[1] and not at_paper_scale()
    result = f"{seconds:.0f} s" + (f", longer than the {told[1]} min its card tells" if late else "")
    print(f"\r{notebook.name}  {result:20}" if watched else result, flush=True)
    return True


# ------------------------------------------------------------------------------------------- a full run's times
def unfinished(notebook, copy):
    """Where a full run keeps what a notebook has found, until it is through."""
    return copy.with_suffix("") / ground(notebook)


def experiments(folder):
    """The seconds that each part of a study has taken, see :func:`advlib.resume.lap`."""
    path = folder / "times.json"
    return json.loads(path.read_bytes()) if path.exists() else {}


def total(seconds):
    return sum(sum(parts.values()) for parts in seconds.values())


def span(seconds):
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def forecast(pairs, untrained=0):
    """Say what of a full run is done, how long each notebook took when it was last timed, and what is to be trained."""
    timed = times().get("paper", {"measured": []})
    known = {row["notebook"]: row["seconds"] for row in timed["measured"]}
    known |= {notebook.stem: said(copy)["seconds"] for notebook, copy in pairs if "seconds" in said(copy)}
    rest, unknown = TRAINING * untrained, 0
    for notebook, copy in pairs:
        seconds, found = known.get(notebook.stem), experiments(unfinished(notebook, copy))
        told = "not timed yet" if seconds is None else span(seconds)
        if kept(copy) == came_from(notebook):
            told += ", done"
        else:
            told += f", experiments done: {sum(map(len, found.values()))} ({span(total(found))})" if found else ""
            rest += max(0, (seconds or 0) - total(found))
            unknown += seconds is None
        print(f"{notebook.stem:30}  {told}")
    where = f", as on {timed['cpu']}, {timed['cores']} cores, {timed['date']}" if timed["measured"] else ""
    print(
        f"Left: {span(rest)}{where}" + (f", and notebooks that have not been timed yet: {unknown}" if unknown else "")
        + (f"; among it networks to be trained: {untrained}" if untrained else "")
        + ".\nInterrupted (Ctrl-C) and called again, it goes on where it was.",
        flush=True,
    )  # fmt: skip


def times():
    return record(TIMES, comes_back("benchmarks/results.json")) if TIMES.exists() else {}


def write_times(pairs):
    """Put what each notebook and experiment took beside the other benchmarks."""
    rows = [{"notebook": notebook.stem, **{key: said(copy)[key] for key in ("seconds", "experiments")}}
            for notebook, copy in pairs]  # fmt: skip
    with replacing(TIMES) as part:
        found = times() | {"paper": {"measured": rows, **results.provenance(**results.machine())}}
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"What each notebook and experiment took is written to {TIMES}", flush=True)


def main(*arguments):
    folder, *notebooks = arguments[arguments[0] == "forecast" :]
    if not notebooks:
        sys.exit("There is no notebook in notebooks/: is this checkout whole?  git status tells")
    try:
        dataset = data.load("mnist")  # here, once: a download shows its progress bar
    except data.DataError as why:
        sys.exit(str(why))
    if dataset.name == "digits":
        os.environ["ADVLIB_DATASET"] = "digits"  # so that no notebook tries the network again
        print("On the offline digits, not on MNIST: the numbers are not the paper's.", flush=True)
    paths = [Path(path).resolve() for path in notebooks]
    pairs = [(path, Path(folder) / path.relative_to(ROOT / "notebooks")) for path in paths]
    if arguments[0] == "forecast":
        return forecast(pairs, len(shipped.missing()) if dataset.published else 0)
    ran = False
    for path, copy in pairs:
        copy.parent.mkdir(parents=True, exist_ok=True)
        ran |= execute(path, copy)
    if ran and at_paper_scale() and dataset.published:
        write_times(pairs)


if __name__ == "__main__":
    os.environ["ADVLIB_PAGE"] = "1"  # sliders that need no kernel
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print(flush=True)  # after the name of the notebook
        sys.exit(130)
    except data.DataError as why:
        sys.exit(f"\n{why}")
    except OSError as why:
        sys.exit(f"\n{why.filename or sys.argv[1]} cannot be read or written: {why.strerror or why}")
