"""The networks: Table I and its relatives, built, saved and loaded."""

import os
import warnings
from pathlib import Path

import numpy as np

from . import data, training
from .backend import keras
from .files import DATA, DataError, arrays, replacing, verified
from .inputs import check_choice, check_count
from .training import train

__all__ = ["build", "build_dense", "load", "save", "train"]
OWN = os.environ.get("ADVLIB_WEIGHTS")  # a folder of your own networks, instead of the shipped ones
WEIGHTS = Path(OWN or DATA / "weights")
CACHE = DATA / "cache"  # what is trained on the spot; git ignores it
SHIPPED = {  # SHA-256 of the files in data/weights
    "mnist-cnn-0.npz": "8b5adf601dcea64bd296917891ea008b21c280feea3bccb53cc68abfa6e19e2e",
    "mnist-cnn-1.npz": "c31eace194f2de636ebeef92fdc2a52b6b4dcb400e27593817552b7c017fcaab",
    "mnist-cnn-2.npz": "dee07415b2543cd66d8a0550773161f0e6d331de3ae4e4292201741122b7d26f",
    "mnist-dense-0.npz": "88d450fad58b66c98db107c171687f2f239eda332fe5b765a63a620d46fd2232",
}
layers = keras.layers
LAST, SINGLE = {"data_format": "channels_last"}, {"dtype": "float32"}  # whatever the user's Keras is set to


def build(hidden=1024, classes=10, shape=(28, 28, 1), seed=0):
    """The network of Table I, ending in logits.

    Parameters
    ----------
    hidden : int
        Units of the first dense layer: the paper prints 1204, its script used 1024.
    classes : int
    shape : (height, width, channels)
    seed : int
        Decides the first weights and the dropout.

    Returns
    -------
    keras.Model
        (n, height, width, channels) to logits, (n, classes).
    """
    start = _weighted(seed)
    same = {"padding": "same", "activation": "relu", **LAST}
    return keras.Sequential(
        [
            layers.Input(shape, **SINGLE),
            layers.Conv2D(32, 5, **same, **next(start)),
            layers.MaxPooling2D(2, **LAST, **SINGLE),
            layers.Conv2D(64, 5, **same, **next(start)),
            layers.MaxPooling2D(2, **LAST, **SINGLE),
            layers.Flatten(**LAST, **SINGLE),
            layers.Dense(hidden, activation="relu", **next(start)),
            layers.Dropout(0.5, seed=seed, **SINGLE),
            layers.Dense(classes, **next(start)),
        ],
        name="table_1",
    )


def build_dense(hidden=(400, 400), classes=10, shape=(28, 28, 1), seed=0):
    """Another reader, for transfer: two dense layers that know nothing of neighbouring pixels."""
    start = _weighted(seed)
    return keras.Sequential(
        [
            layers.Input(shape, **SINGLE),
            layers.Flatten(**LAST, **SINGLE),
            *(layers.Dense(units, activation="relu", **next(start)) for units in hidden),
            layers.Dropout(0.5, seed=seed, **SINGLE),
            layers.Dense(classes, **next(start)),
        ],
        name="dense",
    )


def _weighted(seed):
    """A layer's first weights, as in the 2017 script: truncated normal with standard deviation 0.1, biases 0.1."""
    check_count("seed", seed)
    for layer_seed in np.random.SeedSequence(seed).generate_state(8):
        yield {
            "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1, seed=int(layer_seed)),
            "bias_initializer": keras.initializers.Constant(0.1),
            **SINGLE,
        }


# ------------------------------------------------------------------------- shipped networks
ARCHITECTURES = {"cnn": build, "dense": build_dense}


def save(model, path):
    """Write the weights as float16 arrays; the network that :func:`load` gives **is** the rounded one."""
    with replacing(path) as part, open(part, "wb") as file:
        np.savez_compressed(file, *(w.astype(np.float16) for w in model.get_weights()))


def load(name="mnist", seed=0, architecture="cnn"):
    """A trained network: shipped for MNIST, trained on the spot (half a minute, once) for the offline digits.

    Parameters
    ----------
    name : {"mnist", "digits"}
        ``Dataset.name`` of what it is to read.
    seed : int
        MNIST: 0, 1 or 2.
    architecture : {"cnn", "dense"}
        Table I, or the plain dense network that the transfer experiments use.

    Returns
    -------
    keras.Model
        Ends in logits.

    Raises
    ------
    ValueError, FileNotFoundError
        There is no such architecture or network; the message names those there are.
    DataError
        The weights' file is damaged, is not the published one, or holds another network's weights.
    """
    if not isinstance(name, str):
        raise TypeError(f'name must be "mnist", "digits", or the name of a network of your own; found {name!r}')
    check_choice("architecture", architecture, ARCHITECTURES)
    model = ARCHITECTURES[architecture](seed=seed)
    filename = f"{name}-{architecture}-{seed}.npz"
    path = WEIGHTS / filename
    remedy = "git checkout data/weights brings the published ones back"
    if name == "digits":
        path, remedy = CACHE / filename, "move it away, and it is made anew"
        if _older_than_the_code(path):
            train(model, data.load("digits"), iterations=200, learning_rate=1e-3, seed=seed)
            try:
                save(model, path)
            except OSError as why:  # a course folder that only its teacher may write
                warnings.warn(f"{path} cannot be written ({why}): trained again next time", stacklevel=2)
                model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
                return model
    elif OWN:
        remedy = f"make it anew with cnn.save, from a network that cnn.{ARCHITECTURES[architecture].__name__} built"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.npz"))) or "none"
        raise FileNotFoundError(f"{path} is not there; networks there: {there}")
    if path.parent == DATA / "weights" and filename in SHIPPED:
        verified(path, SHIPPED[filename], remedy)
    model.set_weights(_fitting(model, path, remedy))
    return model


def _fitting(model, path, remedy):
    """The weights in a file, where they are finite numbers of the model's shapes."""
    found, wanted = arrays(path, remedy), [w.shape for w in model.get_weights()]
    names = [f"arr_{i}" for i in range(len(wanted))]
    shapes = [found[name].shape if name in found else "nothing" for name in names]
    if len(found) != len(wanted) or shapes != wanted:
        there = ", ".join(str(a.shape) for a in found.values())
        raise DataError(
            f"{path} holds another network: {len(found)} arrays, of shapes {there}; "
            f"{model.name} has {len(wanted)}, of shapes {', '.join(map(str, wanted))}: {remedy}"
        )
    for name in names:
        with np.errstate(over="ignore"):  # what is too large for single precision becomes infinite
            if found[name].dtype.kind != "f" or not np.isfinite(found[name].astype(np.float32)).all():
                raise DataError(f"{path} is damaged: {name} is not all finite numbers ({found[name].dtype}): {remedy}")
    return [found[name].astype(np.float32) for name in names]


def _older_than_the_code(path):
    """Whether a file is to be made, or made anew because the recipe may have changed since."""
    code = max(Path(module).stat().st_mtime for module in (__file__, data.__file__, training.__file__))
    return not path.exists() or path.stat().st_mtime < code
