"""Writes what the live page loads beside its scripts: the shipped network and the common noises, as classic scripts.

``fetch`` and modules fail where a page was opened from a disk; a ``<script>`` does not.
"""

import base64
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WEIGHTS = ROOT / "data" / "weights" / "mnist-cnn-0.npz"
NOISES = ROOT / "data" / "results" / "live_noises.npz"
PIECE = 3 * 2**17  # bytes: half a megabyte of base64, so that reading a script holds the page up for milliseconds


def network(path=WEIGHTS):
    """The weights' bytes: float16, little endian, in the file's order."""
    with np.load(path) as file:
        return b"".join(file[f"arr_{i}"].astype("<f2").tobytes() for i in range(len(file.files)))


def noises(path=NOISES):
    """Each class's noises as base64, a signed byte for a pixel, with 127 for ε."""
    with np.load(path) as file:
        noise, eps = file["noise"].astype(np.float64), file["eps"].astype(np.float64)
    packed = np.rint(noise[..., 0] / eps[:, None, None] * 127)
    if np.abs(packed).max() > 127:
        raise ValueError(f"{path}: a pixel of a noise is further than its ε from 0")
    return {
        "eps": eps.round(6).tolist(),
        "levels": np.rint(255 * eps).astype(int).tolist(),
        "classes": {c: [text(one.astype(np.int8).tobytes()) for one in sizes] for c, sizes in enumerate(packed)},
    }


def text(some):
    return base64.b64encode(some).decode("ascii")


def write(folder, noises_from=NOISES):
    """Write the scripts into a folder.

    Parameters
    ----------
    folder : path
        Emptied first.
    noises_from : path
    """
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for pattern in ("*.js", "*.css"):
        for path in HERE.glob(pattern):
            shutil.copy(path, folder)
    whole = network()
    pieces = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]
    head = {"weights": [], "count": len(pieces), "sha256": hashlib.sha256(whole).hexdigest(), "noises": None}
    script(folder / "live-data.js", f"var LIVE = {json.dumps(head)};")
    for number, piece in enumerate(pieces):
        script(folder / f"weights-{number:02}.js", f'LIVE.weights[{number}] = "{text(piece)}";')
    script(folder / "noises.js", f"LIVE.noises = {json.dumps(noises(noises_from))};")


def script(path, line):
    path.write_text(line + "\n", "utf-8")


def live(app):
    """For conf.py: the pages of HTML get them."""

    def finished(app, failed):
        if app.builder.name == "html" and not failed and "live" in app.env.found_docs:
            write(Path(app.outdir) / "_static" / "live")

    app.connect("build-finished", finished)
