"""The first cell of every notebook."""

import sys

from . import __version__, data, results
from .backend import keras, tf


def start(seed=0):
    """Load the data, fix the seeds, and say what this run rests on.

    Parameters
    ----------
    seed : int
        Python's, NumPy's and TensorFlow's global random generators begin here.

    Returns
    -------
    data.Dataset
    """
    keras.utils.set_random_seed(seed)
    dataset = data.load()
    images = sum(len(part) for key, part in dataset.raw.items() if key.startswith("y"))
    print(
        f"advlib {__version__}, Python {sys.version.split()[0]}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}\n"
        f"data: {dataset.name}, {images} images; scale: {results.SCALE}; seed: {seed}"
    )
    if dataset.name == "digits":
        print(
            "\n*** OFFLINE DIGITS: MNIST is not used here, but scikit-learn's small digits, enlarged. ***\n"
            "*** Everything works, but the numbers are not the paper's.  README: how to get MNIST.   ***"
        )
    return dataset
