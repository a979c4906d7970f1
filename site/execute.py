"""Run notebooks in order, each in a kernel of its own, and keep the executed copies.

    python site/execute.py FOLDER NOTEBOOK...

A copy that is already in FOLDER is used again while nothing it came from has changed: the notebook, advlib, the
trained networks and stored results, the packages, the data set and the scale.
"""

import hashlib
import os
import platform
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from advlib import data

ROOT = Path(__file__).resolve().parents[1]


def came_from(notebook):
    """A SHA-256 over all that decides a notebook's outputs."""
    digest = hashlib.sha256(notebook.read_bytes())
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
    return digest.hexdigest()


def execute(notebook, copy):
    """Run one notebook in its own folder; end the program, with notebook and cell named, where it fails."""
    key = came_from(notebook)
    if copy.exists() and nbformat.read(copy, 4).metadata.get("came_from") == key:
        print(f"{notebook.name}  unchanged", flush=True)
        return
    print(notebook.name, end="  ", flush=True)
    begin = time.monotonic()
    nb = nbformat.read(notebook, 4)
    running = []
    client = NotebookClient(
        nb,
        timeout=None if os.environ.get("ADVLIB_SCALE") == "paper" else 600,
        resources={"metadata": {"path": notebook.parent}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel's warning about TCP
        on_cell_start=lambda cell, cell_index: running.append(cell_index),
    )
    try:
        client.execute()
    except (CellControlSignal, DeadKernelError) as why:
        number = sum(cell.cell_type == "code" for cell in nb.cells[: running[-1] + 1]) if running else 0
        source = nb.cells[running[-1]].source if running else ""
        sys.exit(f"\n{why}\n\n{notebook.name} failed in its code cell [{number}]:\n\n{source}\n")
    nb.metadata["came_from"] = key
    nbformat.write(nb, copy)
    seconds = time.monotonic() - begin
    told = re.search(r"(\d+) to run", nb.cells[1].source if len(nb.cells) > 1 else "")
    late = told and seconds > 60 * int(told[1]) and os.environ.get("ADVLIB_SCALE") != "paper"
    print(f"{seconds:.0f} s" + (f", longer than the {told[1]} min its card tells" if late else ""), flush=True)


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
        sys.exit("\ninterrupted")
