"""Run notebooks in order, each in a kernel of its own, and keep the executed copies.

    python site/execute.py FOLDER NOTEBOOK...

A copy that is already in FOLDER is used again while nothing it came from has changed: the notebook, advlib, the
trained networks and stored results, the packages, the data sets and the scale.
"""

import asyncio
import hashlib
import os
import platform
import sys
import time
from pathlib import Path

import nbformat
from cards import minutes
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from advlib import data
from advlib.files import replacing

ROOT = Path(__file__).resolve().parents[1]


def came_from(notebook):
    """A SHA-256 over all that decides a notebook's outputs."""
    source = notebook.read_bytes()
    digest = hashlib.sha256(source)
    own = os.environ.get("ADVLIB_WEIGHTS")  # as the notebook finds it, from its own folder
    weights = notebook.parent / own if own else ROOT / "data" / "weights"
    for folder in (ROOT / "advlib", weights, ROOT / "data" / "results"):
        for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*")):
            if path.is_file() and "__pycache__" not in name.split("/"):
                content = path.read_bytes()
                digest.update(f"{name} {len(content)}\n".encode() + content)
    digest.update((ROOT / "requirements.lock").read_bytes() + platform.python_version().encode())
    for name in ("ADVLIB_SCALE", "ADVLIB_DATASET", "ADVLIB_PAGE"):
        digest.update(f"{name}={os.environ.get(name)}".encode())
    if rb"\"signs\"" in source:
        digest.update(f"signs={data.find(data.SIGNS_NPZ) is not None}".encode())
    return digest.hexdigest()


def kept(copy):
    """What an executed copy came from; one that is damaged, as by a full disk, is as good as none."""
    try:
        return nbformat.read(copy, 4).metadata.get("came_from")
    except Exception:  # no notebook, half of one, or none that nbformat understands
        return None


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
    """Run one notebook in its own folder; end the program, with notebook and cell named, where it fails."""
    key = came_from(notebook)
    if kept(copy) == key:
        print(f"{notebook.name}  unchanged", flush=True)
        return
    print(notebook.name, end="  ", flush=True)
    begin = time.monotonic()
    try:
        nb = nbformat.read(notebook, 4)
    except Exception as why:  # the like of a conflict that git has marked in it
        sys.exit(f"\n{notebook} is damaged ({str(why)[:200]}): git checkout -- notebooks brings it back")
    running = []
    watched = sys.stdout.isatty()  # by somebody: one line moves

    def begun(cell, cell_index):
        running.append(cell_index)
        if watched:
            print(f"\r{notebook.name}  cell {cell_index + 1} of {len(nb.cells)} ", end="", flush=True)

    client = NotebookClient(
        nb,
        timeout=None if os.environ.get("ADVLIB_SCALE") == "paper" else 600,
        resources={"metadata": {"path": notebook.parent}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel's warning about TCP
        shutdown_kernel="immediate",
        on_cell_start=begun,
    )
    try:
        asyncio.run(through(client))
    except (CellControlSignal, DeadKernelError) as why:
        number = sum(cell.cell_type == "code" for cell in nb.cells[: running[-1] + 1]) if running else 0
        source = nb.cells[running[-1]].source if running else ""
        sys.exit(f"\n{why}\n\n{notebook.name} failed in its code cell [{number}]:\n\n{source}\n")
    nb.metadata["came_from"] = key
    with replacing(copy) as part:
        nbformat.write(nb, part)
    seconds = time.monotonic() - begin
    told = minutes(nb.cells)
    late = told and seconds > 60 * told[1] and os.environ.get("ADVLIB_SCALE") != "paper"
    result = f"{seconds:.0f} s" + (f", longer than the {told[1]} min its card tells" if late else "")
    print(f"\r{notebook.name}  {result:20}" if watched else result, flush=True)


def main(folder, *notebooks):
    if not notebooks:
        sys.exit("There is no notebook in notebooks/: is this checkout whole?  git status tells")
    try:
        dataset = data.load("mnist")  # here, once: a download shows its progress bar
    except data.DataError as why:
        sys.exit(str(why))
    if dataset.name == "digits":
        os.environ["ADVLIB_DATASET"] = "digits"  # so that no notebook tries the network again
        print("On the offline digits, not on MNIST: the numbers are not the paper's.", flush=True)
    for path in map(Path, notebooks):
        path = path.resolve()
        copy = Path(folder) / path.relative_to(ROOT / "notebooks")
        copy.parent.mkdir(exist_ok=True)
        execute(path, copy)


if __name__ == "__main__":
    os.environ["ADVLIB_PAGE"] = "1"  # sliders that need no kernel
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print(flush=True)  # after the name of the notebook
        sys.exit(130)
    except OSError as why:
        sys.exit(f"\n{why.filename or sys.argv[1]} cannot be read or written: {why.strerror or why}")
