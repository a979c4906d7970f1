"""The images: found, verified and split.  Nothing is used whose contents are not the published ones."""

import hashlib
import os
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from . import download
from .files import DATA, ROOT, DataError, arrays, can_write, replacing

# SHA-256 of each array's bytes (C order, uint8), of the MNIST that LeCun, Cortes and Burges published.
MNIST = {
    "x_train": ((60000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
# Twelve classes of the German Traffic Sign Recognition Benchmark (Stallkamp et al., IJCNN 2011), which signs.py makes.
SIGNS = {
    "x_train": ((2674, 64, 64, 3), "7c312ac61f23803812631b88266cff816e47c0cbaddca6525eb9d89b5054921a"),
    "y_train": ((2674,), "b03f7a51f0eda734b152ff5a629d62814736df6341b27a98c91997cee5af58bf"),
    "group_train": ((2674,), "d8148783361a44d94e79c8d5ffb6ff790ae3ca084934ebd3c31efeed004dc283", "int16"),
    "x_test": ((841, 64, 64, 3), "993f6cd0e95d3660af8181170ea13c468cea253ad51b36e6503f46cdc7467010"),
    "y_test": ((841,), "659ef8b7a2c0fdd43dc79725ecbd81b32db9657db1f1af8e4a69ae8ff8252f01"),
}
SIGNS_NPZ = "gtsrb12_64px.npz"
CLASSES = {  # the benchmark's numbers, and what the signs mean
    1: "Speed limit 30", 2: "Speed limit 50", 4: "Speed limit 70", 9: "No passing", 11: "Right of way",
    12: "Priority road", 13: "Yield", 14: "Stop", 18: "General caution", 23: "Slippery road", 25: "Road work",
    38: "Keep right",
}  # fmt: skip
# Keras's own copy of MNIST: the file that keras.datasets.mnist.load_data() fetches.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_FILE = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
VALIDATION = {"mnist": 5000, "digits": 400}  # how many of the first training images; MNIST in published order
ONE_IN = 5  # of the tracks of each class, where images come in tracks: 98 of the signs' 466, with 542 of 2,674 images
IN_SIZES = ("signs", "coloured-digits")
NAMES = (*VALIDATION, *IN_SIZES)


@dataclass(frozen=True)
class Dataset:
    """Images and labels in three parts that share no image.

    Attributes
    ----------
    name : str
        "mnist", or "digits" where MNIST could not be had; "signs", or "coloured-digits" where those could not.
    class_names : tuple of str
    train, validation, test : (images, labels)
        Images are float32, (n, height, width, channels), in [0, 1]; labels are int64, (n,).
        A part is converted from its bytes when it is first asked for.  None of them can be written to.
    published : bool
        These are the images on which the course's numbers were measured, verified.
    side : int
        So many pixels of ``raw`` on a side are averaged into one.
    """

    name: str
    class_names: tuple
    raw: dict = field(repr=False)
    published: bool = False
    side: int = 1

    def _part(self, which, rows):
        images = self.raw[f"x_{which}"][rows]
        if self.side > 1:  # sums of whole numbers are exact, so there is one rounding, in the division
            n, height, width, colours = images.shape
            blocks = images.reshape(n, height // self.side, self.side, width // self.side, self.side, colours)
            images = blocks.sum(axis=(2, 4), dtype=np.float32)
        images = np.divide(images, 255 * self.side**2, dtype=np.float32)  # no second copy in between
        images = images if images.ndim == 4 else images[..., None]
        return _fixed(images), _fixed(self.raw[f"y_{which}"][rows].astype(np.int64))

    @cached_property
    def _rows(self):
        """Which training images are learned on, and which validate: never two of one track on both sides."""
        if "group_train" not in self.raw:
            first = VALIDATION[self.name]
            return {"train": slice(first, None), "validation": slice(first)}
        labels, groups = self.raw["y_train"], self.raw["group_train"]
        held = np.isin(groups, [g for c in np.unique(labels) for g in np.unique(groups[labels == c])[::ONE_IN]])
        return {"train": ~held, "validation": held}

    @cached_property
    def train(self):
        return self._part("train", self._rows["train"])

    @cached_property
    def validation(self):
        return self._part("train", self._rows["validation"])

    @cached_property
    def test(self):
        return self._part("test", slice(None))

    def groups(self, part):
        """The number of the physical sign that each image of a part shows, for intervals clustered by it.

        Parameters
        ----------
        part : {"train", "validation"}
            Which of the test images show one and the same sign is not published.

        Returns
        -------
        int64 array, (n,)
        """
        if "group_train" not in self.raw or part not in self._rows:
            raise ValueError(f"only train and validation of the signs have groups; found {self.name}, {part!r}")
        return _fixed(self.raw["group_train"][self._rows[part]].astype(np.int64))


def _fixed(a):
    a.flags.writeable = False  # x += noise on a slice would change it for the rest of the session
    return a


def load(name="mnist", size=None):
    """Load MNIST or the traffic signs, from a verified file; or digits that stand in for them.

    The files ``mnist.npz`` and ``gtsrb12_64px.npz`` are looked for in ``$ADVLIB_DATA``, in ``data/``, in
    ``shared/data`` beside the checkout (a class-room server mounts one) and in Keras's cache.  MNIST is then
    downloaded.  The signs are not, for that takes 350 MB: ``course.py signs`` does it.

    Parameters
    ----------
    name : {"mnist", "digits", "signs", "coloured-digits"}
        What is wanted.  The environment variable ``ADVLIB_DATASET`` decides where photographs or MNIST are asked for:
        "mnist" refuses the offline digits in place of MNIST, "digits" takes digits at once in place of either.
    size : {16, 32, 64}, optional
        Height and width of the signs, 32 where nothing is said.  16 and 32 are area means of the 64.

    Returns
    -------
    Dataset
        MNIST: 55,000 training, 5,000 validation (the first in published order) and 10,000 test images.
        Signs: 2,132 training, 542 validation (a fifth of the physical signs of each class) and 841 test images.

    Raises
    ------
    DataError
        A file was found and is damaged; or there is none of MNIST, and ``ADVLIB_DATASET=mnist``.
    """
    wish = os.environ.get("ADVLIB_DATASET", "")
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; found {name!r}")
    if wish not in ("", *VALIDATION):
        raise ValueError(f"ADVLIB_DATASET must be mnist or digits; found {wish!r}")
    size = checked_size(name, size)
    if size:
        return _signs(64 // size) if name == "signs" and wish != "digits" else _coloured(64 // size)
    if "digits" in (name, wish):
        return _digits()
    try:
        path = find("mnist.npz") or _download()
    except OSError as why:
        lack = (f"MNIST is not on this machine and could not be downloaded ({why}): copy mnist.npz to {DATA}, "
                "or to a folder that ADVLIB_DATA names")  # fmt: skip
        if wish == "mnist":
            raise DataError(f"{lack}; ADVLIB_DATASET=mnist refuses the offline digits: or unset it") from None
        warnings.warn(f"{lack}; until then the offline digits stand in for it", stacklevel=2)
        return _digits()
    return Dataset("mnist", tuple("0123456789"), verified(path, MNIST), published=True)


def checked_size(name, size):
    """The height and width asked for: 32 where nothing is said of the signs, None for all that has one size."""
    if name not in IN_SIZES:
        if size is not None:
            raise ValueError(f"only the signs come in several sizes; found {name!r} with size={size!r}: leave size out")
        return None
    size = 32 if size is None else size
    if size not in (16, 32, 64):
        raise ValueError(f"size must be 16, 32 or 64; found {size!r}")
    return size


def _signs(side):
    path = find(SIGNS_NPZ)
    if path is None:
        warnings.warn(
            f"the traffic signs are not on this machine: copy {SIGNS_NPZ} to {DATA}, or call python3 course.py signs, "
            "which downloads 350 MB; until then digits in random colours stand in for them", stacklevel=3,
        )  # fmt: skip
        return _coloured(side)
    raw = verified(path, SIGNS)
    raw |= {key: _fixed(np.searchsorted(list(CLASSES), raw[key])) for key in ("y_train", "y_test")}
    return Dataset("signs", tuple(CLASSES.values()), raw, published=True, side=side)


def places():
    """The folders in which data files are looked for, in order."""
    folders = [DATA, ROOT.parent / "shared" / "data", _keras_cache()]
    asked = os.environ.get("ADVLIB_DATA")
    if asked and not Path(asked).is_dir():
        remedy = "give the whole path of the folder that holds the file"
        warnings.warn(f"ADVLIB_DATA={asked} is passed over: {remedy}", stacklevel=3)
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
        Array name to (shape, SHA-256 of its bytes), and its type where that is not uint8.

    Raises
    ------
    DataError
        Anything differs.  The file is left as it is.
    """
    remedy = "move it away or delete it, and copy or download it again; it was not used and not changed"
    found = arrays(path, remedy, expected)
    for key in expected:
        a = found[key] = _fixed(np.ascontiguousarray(found[key]))
        if other := unlike(a, *expected[key]):
            raise DataError(f"{path} is damaged: {key} {other}: {remedy}")
    return found


def unlike(a, shape, digest, kind="uint8"):
    """How an array differs from the published one, or nothing."""
    if (a.dtype, a.shape) != (kind, shape):
        return f"is {a.dtype} {a.shape}, not {kind} {shape}"
    found = hashlib.sha256(a).hexdigest()
    return "" if found == digest else f"has SHA-256 {found[:12]}…, not {digest[:12]}…"


def _keras_cache():
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"


def writable():
    """Where data files are put: data/, or Keras's cache where that may not be written."""
    return DATA if can_write(DATA) else _keras_cache()


def _download():
    """MNIST from where Keras has it, with a progress bar."""
    folder = writable()
    with replacing(folder / "mnist.npz") as part:
        with part.open("wb") as file:
            for piece in download.pieces(MNIST_URL, "MNIST"):
                file.write(piece)
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != MNIST_FILE:
            raise OSError(f"{part.stat().st_size:,} bytes came from {MNIST_URL}, and are not the published file")
    return folder / "mnist.npz"


def _digits():
    """scikit-learn's 1,797 digits, 8×8, enlarged to 20×20 in the middle of 28×28 as MNIST's are."""
    return Dataset("digits", tuple("0123456789"), _enlarged(2.5, 4))


def _coloured(side):
    """The same digits, enlarged to 48×48 in the middle of 64×64, each in two colours: what stands in for the signs."""
    raw, rng = _enlarged(6, 8), np.random.default_rng(0)
    for key in ("x_train", "x_test"):
        stroke = raw[key][..., None] / np.float32(255)
        ground = rng.random((len(stroke), 1, 1, 3), np.float32)
        ink = (ground + rng.uniform(0.35, 0.65, ground.shape).astype(np.float32)) % 1  # in each colour 0.35 away
        raw[key] = np.rint(255 * (ground + (ink - ground) * stroke)).astype(np.uint8)
    raw["group_train"] = np.arange(len(raw["y_train"]), dtype=np.int16)  # each image by itself: no track is known
    return Dataset("coloured-digits", tuple("0123456789"), raw, side=side)


def _enlarged(factor, margin):
    """scikit-learn's digits, 8×8, so many times as large and with a margin; the last 400 are for the test.

    Their published order goes by writer; they are shuffled (always alike), so every writer is in each part.
    Numbers on them flatter: the hand is known, where MNIST's test images come from other writers.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    small, labels = small[order], labels[order]
    large = zoom(small.reshape(-1, 8, 8) / 16, (1, factor, factor), order=1)
    images = np.pad(np.rint(large * 255).astype(np.uint8), ((0, 0), (margin, margin), (margin, margin)))
    return {"x_train": images[:-400], "y_train": labels[:-400],
            "x_test": images[-400:], "y_test": labels[-400:]}  # fmt: skip
