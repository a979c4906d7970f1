"""The first cell of every notebook."""

import sys

from . import __version__, data, results
from .backend import keras, tf


def start(seed=0, name="mnist", size=None):
    """Load the data, fix the seeds, and say what this run rests on.

    Parameters
    ----------
    seed : int
        Python's, NumPy's and TensorFlow's global random generators begin here.
    name, size : str, int
        As for :func:`data.load`.

    Returns
    -------
    data.Dataset
    """
    keras.utils.set_random_seed(seed)
    dataset = data.load(name, size)
    images = sum(len(part) for key, part in dataset.raw.items() if key.startswith("y"))
    print(
        f"advlib {__version__}, Python {sys.version.split()[0]}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}\n"
        f"data: {dataset.name}{_of(dataset)}, {images} images; scale: {results.SCALE}; seed: {seed}"
    )
    if dataset.name == "digits":
        print(
            "\n*** OFFLINE DIGITS: MNIST is not used here, but scikit-learn's small digits, enlarged. ***\n"
            "*** Everything works, but the numbers are not the paper's.  README: how to get MNIST.   ***"
        )
    if dataset.name == "coloured-digits":
        print(
            "\n*** COLOURED DIGITS: no traffic signs are used here, but scikit-learn's digits in random colours. ***\n"
            "*** Everything works, but the numbers are not those of the text.  README: how to get the signs.   ***"
        )
    return dataset


def _of(dataset):
    """The size, where the images come in several."""
    pixels = dataset.raw["x_test"].shape[1] // dataset.side
    return f" {pixels}×{pixels}" if "group_train" in dataset.raw else ""
