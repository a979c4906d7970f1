"""The networks: Table I and its relatives, built, saved and loaded."""

import os
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from . import bounds, data, defences, training
from .backend import keras
from .files import DATA, DataError, arrays, comes_back, replacing, verified
from .inputs import check_choice, check_count
from .training import train

__all__ = [
    "build", "build_deep", "build_dense", "build_for_signs", "build_strided", "load", "save", "split_at", "train",
]  # fmt: skip
OWN = os.environ.get("ADVLIB_WEIGHTS")  # a folder of your own networks, instead of the shipped ones
WEIGHTS = Path(OWN or DATA / "weights")
CACHE = DATA / "cache"  # what is trained on the spot; git ignores it
SHIPPED = {  # SHA-256 of the files in data/weights
    "mnist-cnn-0.npz": "8b5adf601dcea64bd296917891ea008b21c280feea3bccb53cc68abfa6e19e2e",
    "mnist-cnn-1.npz": "c31eace194f2de636ebeef92fdc2a52b6b4dcb400e27593817552b7c017fcaab",
    "mnist-cnn-2.npz": "dee07415b2543cd66d8a0550773161f0e6d331de3ae4e4292201741122b7d26f",
    "mnist-dense-0.npz": "88d450fad58b66c98db107c171687f2f239eda332fe5b765a63a620d46fd2232",
    "mnist-strided-0.npz": "acac2edb4dba0a5a6d0daeb5d1599c5087c9f0ff2b58aedf3d9ad3907ee9e6e3",
    "mnist-strided-1.npz": "d34089c93ea9429751caa2697f0c33d2dcc9f36d67bd55e033a82d25f4b0b864",
    "mnist-strided-2.npz": "5f13d3152a41680e995660a2ac759e220dd688722ce92d425b1a47f7953c7aef",
    "mnist-distilled-0.npz": "fdd84644b2f2756ab1ecd1032e0037c5f251c8e6cdf429829e6c85e3f4db26c6",
    "mnist-distilled-1.npz": "ce313510581806b985127b267142145291fd061c55b5e43eb2872bc1d8ac9f71",
    "mnist-distilled-2.npz": "0ab244ad7cfc05215db3dd1937b2470602c229637b4bfa35ccd24a49263ca668",
    "mnist-adversarial-0.npz": "dedb7d8eaaac3347c3165d22ec3464e8f092d9ee2c23cce8518341c74adb1d71",
    "mnist-adversarial-1.npz": "6bfcfdd5fd46853f1725ff71091a7f4446cf1c9ecd809c3862a49803aeced077",
    "mnist-adversarial-2.npz": "d50d2bfb71d02e91cc297d5b8bebab7d740c9059ce837aa7bf5c38702dcb8fb3",
    "mnist-against-common-0.npz": "0b8af237e65cf82f78582dd56302a6503e4777f89e1dc77ac7f4f2c932c1136a",
    "mnist-against-common-1.npz": "6b1d1be653bd9184e11259c9edaa5647bda27c97d2bd57f5b337820a6d917657",
    "mnist-against-common-2.npz": "14ad51ad7f572675895d07d170194ca474b5a7b2fe8895109768dc9845bcac8e",
    "mnist-proved-0.npz": "a51bc7b00fb3a52283ea721b7c1f5489cd0dad9a214aa28ca8234d15ab65c865",
    "mnist-proved-1.npz": "7ad1da67b58d82ba9079f42c702a2beea5083f06ef282e623a13023448a49157",
    "mnist-proved-2.npz": "0c85681487a4a207d18ab9ad9ef6f2a930e142a7f6714c664b2c2dc473e6cdd7",
    "signs-cnn-16-0.npz": "a92bf39cdc94286ccb27222745919454ce1fecf20c6766ef7fc78c7802cfd213",
    "signs-cnn-16-1.npz": "d9be5e0d48c08f40d7c815841c827ccfb19cf211b6e981e4a540592e31332709",
    "signs-cnn-16-2.npz": "30da238fdb4120f4ee4c677b307fda1ea7eb91de89be6c28ea201bf28765c69b",
    "signs-cnn-32-0.npz": "0c7355edaf452e5f0ba24ec0ed9f4c89b65e3d76575bee86e75f5fa74e00cfef",
    "signs-cnn-32-1.npz": "ff007a3b2c6d290a940145a7dd9319378d95dc990aec8f44af6563f7568cc1a2",
    "signs-cnn-32-2.npz": "d5ca644ad5d3bed1e3a9e7f0a4429f8128b52f76f75e9c3f1bbe025c4d008d75",
    "signs-cnn-64-0.npz": "fedeadb9b9932943ef6d5cdd6b223025541ea3e6e0abaaa7f0d06f905a2888c1",
    "signs-cnn-64-1.npz": "c2a8de27076213c086975901fb1d350d49047029f7ce99fd20eed55114fa4271",
    "signs-cnn-64-2.npz": "4b02fe9cfebb090c8cfbc05b48a9e68612758567413b8cb8c202dfec489a5e0a",
    "signs-deep-32-0.npz": "958421202b5e53c14290f040b571f2f6fdef8aabf6326c9e44fc0ec578615c52",
    "signs-deep-32-1.npz": "86f0f9e6231f414544600bcf05be056149d50c1b3ef55917c49906de39d4876f",
    "signs-deep-32-2.npz": "21b48b6b880c46758bbc2e7d602e9705bfa70efdace48aa8207fd4254298c2d5",
    "signs-deep-64-0.npz": "d36fd60820f33dc06627e041e076035ec7d5a77e2a2a48c8b1ef4f17ff17da66",
    "signs-deep-64-1.npz": "080800c343496fffbc0a322af579023a0c3f57f8ed01c22180caf576ed3a44dd",
    "signs-deep-64-2.npz": "782d82d22b41c0abe58b5c7439c2e45b3a75b48663f94d82559fec1d9b300824",
}
TEACHER = 100  # added to a seed: a distilled network's teacher begins from other weights
FILTERS = (16, 32, 48, 48)  # of the networks for signs
layers = keras.layers
LAST, SINGLE = {"data_format": "channels_last"}, {"dtype": "float32"}  # whatever the user's Keras is set to


def build(hidden=1024, classes=10, shape=(28, 28, 1), seed=0, filters=(32, 64), he=False):
    """The network of Table I, ending in logits.

    Parameters
    ----------
    hidden : int
        Units of the first dense layer: the paper prints 1204, its script used 1024.
    classes : int
    shape : (height, width, channels)
    seed : int
        Decides the first weights and the dropout.
    filters : tuple of int
        How many each convolution has; a 2×2 pooling follows each convolution.
    he : bool
        First weights with the deviation √(2 / inputs) and biases 0, as He et al. (2015) derive for ReLU, in place of
        the script's 0.1 for all.

    Returns
    -------
    keras.Model
        (n, height, width, channels) to logits, (n, classes).
    """
    start = _weighted(seed, he)
    same = {"padding": "same", "activation": "relu", **LAST}
    convolutions = []
    for number in filters:
        convolutions += [layers.Conv2D(number, 5, **same, **next(start)), layers.MaxPooling2D(2, **LAST, **SINGLE)]
    return keras.Sequential(
        [
            layers.Input(shape, **SINGLE),
            *convolutions,
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


def build_for_signs(size=32, classes=12, seed=0):
    """Table I for photographs in colour, narrower: there are only 2,132 of them to learn on.

    Two convolutions at every size, so that each looks at 16×16 pixels in the end, however many the sign has.

    Parameters
    ----------
    size : {16, 32, 64}
        Height and width of the images.
    classes, seed : int

    Returns
    -------
    keras.Model
        (n, size, size, 3) to logits, (n, classes).
    """
    return _for_signs(size, classes, own_seed(size, seed), FILTERS[:2])


def build_deep(size=32, classes=12, seed=0):
    """As :func:`build_for_signs`, with one more convolution for each doubling of the side.

    So the last map is 4×4 at every size, and each of its cells looks at the same share of the sign.
    """
    return _for_signs(size, classes, own_seed(size, seed, deep=True), FILTERS[: {16: 2, 32: 3, 64: 4}[size]])


def _for_signs(size, classes, seed, filters):
    return build(64, classes, (size, size, 3), seed, filters, he=True)


def build_strided(hidden=256, classes=10, shape=(28, 28, 1), seed=0, filters=(32, 64), to_prove=False):
    """The network of the defences: strides in place of pooling, so that it is trained in minutes.

    Parameters
    ----------
    hidden, classes, shape, seed, filters : as for :func:`build`
        Each convolution is 4×4, of stride 2.
    to_prove : bool
        The first layer rounds the image to one bit (a ramp from 0.49 to 0.51), and the first weights have the
        deviation √(2π) / inputs, with which interval bounds neither grow nor shrink from layer to layer at first
        (Shi et al., 2021).  Without it they have √(2 / inputs), as He et al. (2015) derive.

    Returns
    -------
    keras.Sequential
        (n, height, width, channels) to logits, (n, classes).
    """
    check_count("seed", seed)
    seeds, inputs = iter(np.random.SeedSequence(seed).generate_state(8)), 16 * shape[2]
    one_bit = [layers.Rescaling(50.0, -24.5, **SINGLE), layers.ReLU(max_value=1.0, **SINGLE)]
    model = keras.Sequential([layers.Input(shape, **SINGLE), *(one_bit if to_prove else [])], name="strided")

    def first(inputs):
        spread = np.sqrt(2 * np.pi) / inputs if to_prove else np.sqrt(2 / inputs)
        kernel = keras.initializers.RandomNormal(0.0, spread, seed=int(next(seeds)))
        return {"kernel_initializer": kernel, **SINGLE}

    for number in filters:
        model.add(layers.Conv2D(number, 4, strides=2, activation="relu", **LAST, **first(inputs)))
        inputs = 16 * number
    model.add(layers.Flatten(**LAST, **SINGLE))
    model.add(layers.Dense(hidden, activation="relu", **first(model.output_shape[1])))
    model.add(layers.Dense(classes, **first(hidden)))
    return model


def split_at(model, layer):
    """A network in two parts that share its weights: what the first layers make of the images, and what follows.

    Parameters
    ----------
    model : keras.Sequential
    layer : int
        The first layer of the second part.

    Returns
    -------
    keras.Sequential, keras.Sequential
    """
    front = keras.Sequential([layers.Input(model.input_shape[1:], **SINGLE), *model.layers[:layer]])
    return front, keras.Sequential([layers.Input(front.output_shape[1:], **SINGLE), *model.layers[layer:]])


def own_seed(size, seed, deep=False):
    """A seed for each kind and size: with one for all, networks would begin alike, and share their mistakes."""
    return 100 * size + 50 * deep + seed


def _weighted(seed, he=False):
    """A layer's first weights, as in the 2017 script: truncated normal with standard deviation 0.1, biases 0.1."""
    check_count("seed", seed)
    for layer_seed in np.random.SeedSequence(seed).generate_state(8):
        kernel = keras.initializers.HeNormal if he else partial(keras.initializers.TruncatedNormal, stddev=0.1)
        yield {
            "kernel_initializer": kernel(seed=int(layer_seed)),
            "bias_initializer": keras.initializers.Constant(0.0 if he else 0.1),
            **SINGLE,
        }


# ------------------------------------------------------------------------- shipped networks
ARCHITECTURES = {
    "cnn": build, "dense": build_dense,
    **{defence: partial(build_strided, to_prove=defence == "proved") for defence in defences.EPOCHS},
}  # fmt: skip
FOR_SIGNS = {"cnn": build_for_signs, "deep": build_deep}
ON_THE_SPOT = {None: (200, 1e-3), 16: (1200, 2e-3), 32: (600, 2e-3), 64: (700, 1e-3)}  # size: batches, learning rate


def save(model, path):
    """Write the weights as float16 arrays; the network that :func:`load` gives **is** the rounded one."""
    with replacing(path) as part, open(part, "wb") as file:
        np.savez_compressed(file, *(w.astype(np.float16) for w in model.get_weights()))


def load(name="mnist", seed=0, architecture="cnn", size=None):
    """A trained network: shipped for MNIST and the signs, trained on the spot for the digits that stand in for them.

    Parameters
    ----------
    name : {"mnist", "digits", "signs", "coloured-digits"}
        ``Dataset.name`` of what it is to read.
    seed : int
        MNIST and the signs: 0, 1 or 2.  Table I for MNIST: also 3 to 9, once ``python -m advlib.shipped`` has trained
        them; they are kept in data/cache.
    architecture : str
        "cnn", Table I, or "dense", the plain dense network that the transfer experiments use.  Five networks of
        :func:`build_strided` that learned to resist noise or did not: "strided", "distilled", "adversarial",
        "against-common" and "proved", see :func:`defences.train_defended`.  For signs "cnn", or from 32 pixels on a
        side "deep": see :func:`build_for_signs` and :func:`build_deep`.
    size : {16, 32, 64}, optional
        Height and width of the signs, 32 where nothing is said.

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
        raise TypeError(f"name must be one of {', '.join(data.NAMES)}, or that of your own network; found {name!r}")
    size = data.checked_size(name, size)
    kinds = FOR_SIGNS if size else ARCHITECTURES
    check_choice("architecture", architecture, kinds)
    builder = kinds[architecture]
    model = builder(size, len(data.CLASSES) if name == "signs" else 10, seed) if size else builder(seed=seed)
    filename = f"{name}-{architecture}-{size}-{seed}.npz" if size else f"{name}-{architecture}-{seed}.npz"
    path = WEIGHTS / filename
    remedy = comes_back("data/weights")
    if name in ("digits", "coloured-digits"):
        path, remedy = CACHE / filename, "move it away, and it is made anew"
        if _older_than_the_code(path):
            batches, rate = ON_THE_SPOT[size]
            how = {"iterations": batches, "learning_rate": rate, "falling": size is not None, "seed": seed}
            if architecture in defences.EPOCHS:
                defences.train_defended(architecture, model, builder(seed=TEACHER + seed), data.load(name), 400, seed)
            else:
                train(model, data.load(name, size), **how)
            try:
                save(model, path)
            except OSError as why:  # a course folder that only its teacher may write
                warnings.warn(f"{path} cannot be written ({why}): trained again next time", stacklevel=2)
                model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
                return model
    elif not OWN and not path.exists() and (CACHE / filename).exists():
        path, remedy = CACHE / filename, "move it away: python -m advlib.shipped makes it anew"
    elif OWN:
        name_of = getattr(builder, "func", builder).__name__
        remedy = f"make it anew with cnn.save, from a network that cnn.{name_of} built"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.npz"))) or "none"
        if not OWN and filename not in SHIPPED:
            remedy = "python -m advlib.shipped trains mnist-cnn-3 … 9, which are not shipped"
        raise FileNotFoundError(f"{path} is not there; networks there: {there}: {remedy}")
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
    modules = bounds, data, defences, training
    code = max(Path(module).stat().st_mtime for module in (__file__, *(m.__file__ for m in modules)))
    return not path.exists() or path.stat().st_mtime < code
