"""The networks: Table I built, trained, saved and loaded."""

import json
import os
import warnings
import weakref
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from . import data, results
from .backend import keras, tf

WEIGHTS = Path(os.environ.get("ADVLIB_WEIGHTS") or data.DATA / "weights")  # the shipped ones, or your own
CACHE = data.DATA / "cache"  # what is trained on the spot; git ignores it
layers = keras.layers


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
    start = _initialisers(seed)
    same = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(32, 5, **same, **next(start)),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 5, **same, **next(start)),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(hidden, activation="relu", **next(start)),
            layers.Dropout(0.5, seed=seed),
            layers.Dense(classes, **next(start)),
        ],
        name="table_1",
    )


def build_dense(hidden=(400, 400), classes=10, shape=(28, 28, 1), seed=0):
    """Another reader, for transfer: two dense layers that know nothing of neighbouring pixels."""
    start = _initialisers(seed)
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Flatten(),
            *(layers.Dense(units, activation="relu", **next(start)) for units in hidden),
            layers.Dropout(0.5, seed=seed),
            layers.Dense(classes, **next(start)),
        ],
        name="dense",
    )


def _initialisers(seed):
    """As in the 2017 script: truncated normal with standard deviation 0.1, biases 0.1; a layer each."""
    for layer_seed in np.random.SeedSequence(seed).generate_state(8):
        yield {
            "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1, seed=int(layer_seed)),
            "bias_initializer": keras.initializers.Constant(0.1),
        }


# ---------------------------------------------------------------------------------- reading
_readers = weakref.WeakKeyDictionary()


def logits(model, images, batch_size=100):
    """The network's logits, in evaluation mode.

    Parameters
    ----------
    model : keras.Model
    images : array, (n, height, width, channels)
    batch_size : int
        Only a matter of memory.

    Returns
    -------
    array of float32, (n, classes)
    """
    if model not in _readers:
        # a reference back to the model would keep it, and this function, alive for ever
        ref = weakref.ref(model)
        spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        read = tf.function(lambda x: ref()(x, training=False), input_signature=[spec])
        # traced here: TensorFlow takes five networks for one that is traced again and again, and warns
        _readers[model] = read.get_concrete_function()
    read = _readers[model]
    starts = range(0, len(images), batch_size)
    parts = [read(tf.constant(images[i : i + batch_size], tf.float32)).numpy() for i in starts]
    return np.concatenate(parts) if parts else np.empty((0, model.output_shape[-1]), np.float32)


def accuracy(model, images, labels):
    """The share of images that are read correctly, as a float."""
    return float(np.mean(logits(model, images).argmax(1) == labels))


# --------------------------------------------------------------------------------- training
def train(
    model,
    dataset,
    *,
    iterations=20_000,
    batch_size=50,
    learning_rate=1e-4,
    seed=0,
    evaluate_at=(),
    watch=None,
    checkpoint=None,
    save_every=500,
    progress=True,
):
    """Train with Adam on cross-entropy, as section II of the paper.

    Batch i depends on the seed and i alone, so an interrupted training that goes on from its checkpoint
    ends with the same weights as one that was never interrupted.

    Parameters
    ----------
    model : keras.Model
        Ends in logits.  Changed in place.
    dataset : Dataset
        Learned on ``dataset.train``; ``dataset.validation`` only measures.
    iterations, batch_size, learning_rate : int, int, float
        20,000 batches of 50; the learning rate is the 2017 script's, the paper names none.
    seed : int
        Decides the order of the images.
    evaluate_at : iterable of int
        Iterations before which the accuracy on the validation images is measured; the end always is.
    watch : function of the model, optional
        What it returns is kept at each evaluation, for example the first filters.
    checkpoint : path, optional
        File to go on from if it is there, and to save to every ``save_every`` iterations.
    progress : bool

    Returns
    -------
    dict
        "loss": one value a batch; "iteration", "accuracy" and "watched": one an evaluation.

    Raises
    ------
    ValueError
        The checkpoint belongs to another training, or to a longer one.
    DataError
        The checkpoint is damaged.
    """
    images, labels = dataset.train
    if not 1 <= batch_size <= len(images):
        raise ValueError(f"batch_size must lie in 1 … {len(images)}; found {batch_size}")
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = cross_entropy(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    state = [*model.variables, *optimizer.variables]
    settings = json.dumps([batch_size, learning_rate, seed, dataset.name, [list(v.shape) for v in state]])
    history = {"loss": [], "iteration": [], "accuracy": [], "watched": []}
    if checkpoint and Path(checkpoint).exists():
        _resume(checkpoint, settings, state, history)
    evaluate_at = {*evaluate_at, iterations}
    done = len(history["loss"])
    if done > iterations:
        raise ValueError(f"{checkpoint} has {done} iterations already, more than {iterations}: delete it")
    bar = tqdm(total=iterations, initial=done, desc="training", unit="batch", disable=not progress)
    with bar:
        for i in range(done, iterations + 1):
            if i in evaluate_at and i not in history["iteration"]:
                history["iteration"].append(i)
                history["accuracy"].append(accuracy(model, *dataset.validation))
                history["watched"].append(watch(model) if watch else None)
                bar.set_postfix(validation=f"{history['accuracy'][-1]:.2%}")
            if checkpoint and i > done and (i % save_every == 0 or i == iterations):
                _save_checkpoint(checkpoint, settings, state, history)
            if i < iterations:
                rows = _batch(len(images), batch_size, seed, i)
                history["loss"].append(float(step(images[rows], labels[rows])))
                bar.update()
    return history


@lru_cache(maxsize=2)
def _order(n, seed, epoch):
    return np.random.default_rng((seed, epoch)).permutation(n)


def _batch(n, size, seed, i):
    """Rows of batch i: every epoch in a new order, each image at most once an epoch."""
    epoch, k = divmod(i, n // size)
    return _order(n, seed, epoch)[k * size : (k + 1) * size]


def _save_checkpoint(path, settings, state, history):
    watched = [w for w in history["watched"] if w is not None]
    with data.replacing(path) as part, open(part, "wb") as file:
        np.savez(
            file, settings=settings, watched=watched,
            **{key: history[key] for key in ("loss", "iteration", "accuracy")},
            **{f"state_{k}": v.numpy() for k, v in enumerate(state)},
        )  # fmt: skip


def _resume(path, settings, state, history):
    saved = data.arrays(path, "delete it to start anew")
    if str(saved.get("settings")) != settings:
        raise ValueError(
            f"{path} is the checkpoint of another training: delete it to start anew\n"
            f"found    {saved.get('settings')}\nexpected {settings}"
        )
    for k, variable in enumerate(state):
        variable.assign(saved[f"state_{k}"])
    for key in ("loss", "iteration", "accuracy"):
        history[key] = saved[key].tolist()
    history["watched"] = list(saved["watched"]) or [None] * len(history["iteration"])


# ------------------------------------------------------------------------- shipped networks
ARCHITECTURES = {"cnn": build, "dense": build_dense}
SNAPSHOTS = (0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def save(model, path):
    """Write the weights as float16 arrays; the network that :func:`load` gives **is** the rounded one."""
    with data.replacing(path) as part, open(part, "wb") as file:
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
        The weights' file is damaged.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {', '.join(ARCHITECTURES)}; found {architecture!r}")
    model = ARCHITECTURES[architecture](seed=seed)
    filename = f"{name}-{architecture}-{seed}.npz"
    path = WEIGHTS / filename
    if name == "digits":
        path = CACHE / filename
        if _older_than_the_code(path):
            train(model, data.load("digits"), iterations=200, learning_rate=1e-3, seed=seed)
            try:
                save(model, path)
            except OSError as why:  # a course folder that only its teacher may write
                warnings.warn(f"{path} cannot be written ({why}): trained again next time", stacklevel=2)
                model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
                return model
    if not path.exists():
        shipped = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.npz"))) or "none"
        raise FileNotFoundError(f"{path} is not there; shipped networks: {shipped}")
    arrays = data.arrays(path, "delete it, and git checkout data/weights (the digits' network is made anew)")
    model.set_weights([w.astype(np.float32) for w in arrays.values()])
    return model


def _older_than_the_code(path):
    """Whether a file is to be made, or made anew because the recipe may have changed since."""
    code = max(Path(module).stat().st_mtime for module in (__file__, data.__file__))
    return not path.exists() or path.stat().st_mtime < code


def train_shipped(architecture, seed):
    """Train one of the shipped networks as the paper did; writes its weights, its curve and its filters."""
    name = f"mnist-{architecture}-{seed}"
    dataset = data.load("mnist")
    model = ARCHITECTURES[architecture](seed=seed)
    watch = (lambda m: m.layers[0].kernel.numpy()[:, :, 0]) if architecture == "cnn" else None
    history = train(
        model, dataset, seed=seed, watch=watch, checkpoint=CACHE / f"{name}-training.npz",
        evaluate_at=[*SNAPSHOTS, *range(1000, 20_001, 1000)],
    )  # fmt: skip
    save(model, WEIGHTS / f"{name}.npz")
    model = load("mnist", seed, architecture)
    correct = int(np.sum(logits(model, dataset.test[0]).argmax(1) == dataset.test[1]))
    if watch:
        kept = [history["watched"][history["iteration"].index(i)] for i in SNAPSHOTS]
        with data.replacing(results.RESULTS / f"filters-{name}.npz") as part, open(part, "wb") as file:
            np.savez_compressed(file, iteration=SNAPSHOTS, filters=np.float16(kept))
    results.save(
        f"training-{name}",
        {
            "iteration": history["iteration"],
            "validation_accuracy": history["accuracy"],
            "loss_per_100_batches": np.reshape(history["loss"], (-1, 100)).mean(1).round(5).tolist(),
            "test_correct": correct,
            "test_images": len(dataset.test[1]),
        },
        seed=seed,
    )
    return correct


if __name__ == "__main__":  # python -m advlib.cnn: train what is not there
    for kind, number in [("cnn", 0), ("cnn", 1), ("cnn", 2), ("dense", 0)]:
        if not (WEIGHTS / f"mnist-{kind}-{number}.npz").exists():
            print(kind, number, train_shipped(kind, number), "of 10000 test images read correctly")
