"""The images: found, verified and split.  Nothing is used whose contents are not the published ones."""

import hashlib
import os
import time
import urllib.request
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np
from tqdm.auto import tqdm

from .files import DATA, ROOT, DataError, arrays, replacing

# SHA-256 of each array's bytes (C order, uint8), of the MNIST that LeCun, Cortes and Burges published.
MNIST = {
    "x_train": ((60000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
# Keras's own copy of it: the file that keras.datasets.mnist.load_data() fetches.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_FILE = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
PATIENCE, LEAST = 20, 200_000  # a download that brings fewer bytes in so many seconds would take a quarter of an hour
VALIDATION = {"mnist": 5000, "digits": 400}  # how many of the first training images; MNIST in published order


@dataclass(frozen=True)
class Dataset:
    """Images and labels in three parts that share no image.

    Attributes
    ----------
    name : str
        "mnist", or "digits" where MNIST could not be had.
    class_names : tuple of str
    train, validation, test : (images, labels)
        Images are float32, (n, height, width, channels), in [0, 1]; labels are int64, (n,).
        A part is converted from its bytes when it is first asked for.  None of them can be written to.
    published : bool
        These are the images on which the course's numbers were measured, verified.
    """

    name: str
    class_names: tuple
    raw: dict = field(repr=False)
    published: bool = False

    def _part(self, which, rows):
        images = np.divide(self.raw[f"x_{which}"][rows], 255, dtype=np.float32)  # no second copy in between
        part = images[..., None], self.raw[f"y_{which}"][rows].astype(np.int64)
        for a in part:
            a.flags.writeable = False  # x += noise on a slice would change it for the rest of the session
        return part

    @cached_property
    def train(self):
        return self._part("train", slice(VALIDATION[self.name], None))

    @cached_property
    def validation(self):
        return self._part("train", slice(VALIDATION[self.name]))

    @cached_property
    def test(self):
        return self._part("test", slice(None))


def load(name="mnist"):
    """Load MNIST, from a verified file or by download; or the offline digits where that fails.

    The file ``mnist.npz`` is looked for in ``$ADVLIB_DATA``, in ``data/``, in ``shared/data`` beside the
    checkout (a class-room server mounts one) and in Keras's cache; then it is downloaded.

    Parameters
    ----------
    name : {"mnist", "digits"}
        What is wanted.  The environment variable ``ADVLIB_DATASET`` decides when MNIST is asked for:
        "mnist" refuses the offline digits, "digits" takes them at once.

    Returns
    -------
    Dataset
        MNIST: 55,000 training, 5,000 validation (the first in published order) and 10,000 test images.

    Raises
    ------
    DataError
        A file was found and is damaged; or there is none, and ``ADVLIB_DATASET=mnist``.
    """
    wish = os.environ.get("ADVLIB_DATASET", "")
    if name not in VALIDATION:
        raise ValueError(f"name must be one of {', '.join(VALIDATION)}; found {name!r}")
    if wish not in ("", *VALIDATION):
        raise ValueError(f"ADVLIB_DATASET must be mnist or digits; found {wish!r}")
    if "digits" in (name, wish):
        return _digits()
    try:
        path = find("mnist.npz") or _download()
    except OSError as why:
        lack = f"MNIST is not on this machine and could not be downloaded ({why}): copy mnist.npz to {DATA}"
        if wish == "mnist":
            raise DataError(f"{lack}; ADVLIB_DATASET=mnist refuses the offline digits: or unset it") from None
        warnings.warn(f"{lack}; until then the offline digits stand in for it", stacklevel=2)
        return _digits()
    return Dataset("mnist", tuple("0123456789"), verified(path, MNIST), published=True)


def places():
    """The folders in which data files are looked for, in order."""
    folders = [DATA, ROOT.parent / "shared" / "data", _keras_cache()]
    asked = os.environ.get("ADVLIB_DATA")
    return [Path(asked), *folders] if asked else folders


def find(filename):
    """The first place that holds the file, or None.

    Raises
    ------
    DataError
        A folder cannot be read: what it holds might be what was meant.
    """
    for folder in places():
        try:
            if filename in os.listdir(folder):
                return folder / filename
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as why:
            raise DataError(
                f"{folder} cannot be read ({why.strerror}): give yourself the right to read it, "
                "or set ADVLIB_DATA to another folder"
            ) from None
    return None


def verified(path, expected):
    """The arrays of an npz file, each with the published shape and SHA-256; they cannot be written to.

    Parameters
    ----------
    path : path
    expected : dict
        Array name to (shape, SHA-256 of its bytes).

    Raises
    ------
    DataError
        Anything differs.  The file is left as it is.
    """
    remedy = "move it away or delete it, and copy or download it again; it was not used and not changed"
    found = arrays(path, remedy, expected)
    for key, (shape, digest) in expected.items():
        a = found[key] = np.ascontiguousarray(found[key])
        if (a.dtype, a.shape) != (np.uint8, shape):
            raise DataError(f"{path} is damaged: {key} is {a.dtype} {a.shape}, not uint8 {shape}: {remedy}")
        found_digest = hashlib.sha256(a).hexdigest()
        if found_digest != digest:
            raise DataError(f"{path} is damaged: {key} has SHA-256 {found_digest[:12]}…, not {digest[:12]}…: {remedy}")
        a.flags.writeable = False
    return found


def _keras_cache():
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"


def _download():
    """MNIST from where Keras has it, with a progress bar, into data/ (or Keras's cache)."""
    folder = DATA if os.access(DATA, os.W_OK) else _keras_cache()
    with replacing(folder / "mnist.npz") as part:
        with part.open("wb") as file:
            for piece in _pieces(MNIST_URL):
                file.write(piece)
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != MNIST_FILE:
            raise OSError(f"{part.stat().st_size:,} bytes came from {MNIST_URL}, and are not the published file")
    return folder / "mnist.npz"


def _pieces(url):
    """What an address sends, as it comes; one that sends next to nothing is given up."""
    come = SimpleQueue()
    bar = tqdm(unit="B", unit_scale=True, desc="Downloading MNIST")

    def read():  # apart: a connection that hangs cannot be broken off, but it can be left
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                bar.total = answer.length
                while piece := answer.read1(2**16):
                    come.put(piece)
            come.put(None)
        except Exception as why:
            come.put(why)

    Thread(target=read, daemon=True).start()
    with bar:
        before, until = 0, time.monotonic() + PATIENCE
        while True:
            try:
                piece = come.get(timeout=max(0, until - time.monotonic()))
            except Empty:
                if bar.n - before < LEAST:
                    raise OSError(f"given up: only {bar.n - before:,} bytes came in {PATIENCE} s") from None
                before, until = bar.n, time.monotonic() + PATIENCE
                continue
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise OSError(str(piece)) from piece
            yield piece
            bar.update(len(piece))


def _digits():
    """scikit-learn's 1,797 digits, 8×8, enlarged to 20×20 in the middle of 28×28 as MNIST's are.

    Their published order goes by writer; they are shuffled (always alike), so every writer is in each part.
    Numbers on them flatter: the hand is known, where MNIST's test images come from other writers.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    small, labels = small[order], labels[order]
    large = zoom(small.reshape(-1, 8, 8) / 16, (1, 2.5, 2.5), order=1)
    images = np.pad(np.rint(large * 255).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))
    raw = {"x_train": images[:-400], "y_train": labels[:-400],
           "x_test": images[-400:], "y_test": labels[-400:]}  # fmt: skip
    return Dataset("digits", tuple("0123456789"), raw)
