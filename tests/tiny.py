"""Small networks for the tests, their weights made by hand or from a seed."""

import numpy as np

from advlib.backend import keras, tf

layers = keras.layers


def linear(weights, bias, shape, before=(), after=()):
    """Logits that are a weighted sum of the pixels; with layers before and after, where a test needs them."""
    dense = layers.Dense(np.shape(weights)[1])
    model = keras.Sequential([layers.Input(shape), *before, layers.Flatten(), dense, *after])
    dense.set_weights([np.float32(weights), np.float32(bias)])
    return model


def fill(model, seed, scale=3.0):
    """Random kernels and biases from a seed; the rest (batch normalisation's) stays as it is."""
    rng = np.random.default_rng(seed)
    for w in model.weights:
        if w.name == "kernel":
            w.assign(rng.normal(0, scale / np.sqrt(np.prod(w.shape[:-1])), w.shape))
        elif w.name == "bias":
            w.assign(rng.normal(0, 0.3, w.shape))
    return model


def smooth(shape=(5, 5, 1), hidden=8, classes=4, seed=0):
    """One hidden layer of tanh: its gradient can be written down."""
    hidden = layers.Dense(hidden, activation="tanh")
    model = keras.Sequential([layers.Input(shape), layers.Flatten(), hidden, layers.Dense(classes)])
    return fill(model, seed)


def smooth_by_hand(model, x, y):
    """Of :func:`smooth`: logits, each image's L and its gradient; float64, without TensorFlow."""
    z, L, g, *_ = _smooth(model, x, y)
    return z, L, g


def smooth_rounding(model, x, y):
    """How far float32 may be from :func:`smooth_by_hand` at most: in the logits, and in the gradient.

    n terms are summed, in any order, with an error of at most n times the unit roundoff times the sum of their
    sizes; each error goes on through what follows, to first order.
    """
    W, b, V, c = (np.abs(w.astype(np.float64)) for w in model.get_weights())
    z, _, _, h, weights, slope, back = _smooth(model, x, y)
    u = 2.0**-24
    pixels = np.abs(x.reshape(len(x), -1).astype(np.float64))
    in_h = (len(W) + 1) * u * (pixels @ W + b) + 8 * u  # tanh itself is good to a few units
    in_z = (len(V) + 1) * u * (np.abs(h) @ V + c) + in_h @ V
    relative = 2 * in_z.max(1, keepdims=True) + 8 * u * (1 + np.ptp(z, axis=1, keepdims=True))
    spread = np.abs(weights) @ V.T
    in_back = (relative + (z.shape[1] + 1) * u) * spread * slope + spread * (2 * in_h + 4 * u)
    in_g = in_back @ W.T + (len(V) + 1) * u * np.abs(back) @ W.T
    return 1.01 * in_z, 1.01 * in_g.reshape(x.shape)


def _smooth(model, x, y):
    W, b, V, c = (w.astype(np.float64) for w in model.get_weights())
    h = np.tanh(x.reshape(len(x), -1).astype(np.float64) @ W + b)
    z = h @ V + c
    own = np.arange(z.shape[1]) == np.broadcast_to(y, len(x))[:, None]
    others = np.where(own, -np.inf, z)
    largest = others.max(1, keepdims=True)
    weights = np.exp(others - largest)
    L = largest[:, 0] + np.log(weights.sum(1)) - z[own]
    weights = weights / weights.sum(1, keepdims=True) - own  # of each logit in the gradient of L
    slope = 1 - h**2
    back = weights @ V.T * slope
    return z, L, (back @ W.T).reshape(x.shape), h, weights, slope, back


def twin(model):
    """The same network in double precision: of images and labels its logits, L, J and their gradients."""
    parts = [type(layer).from_config({**layer.get_config(), "dtype": "float64"}) for layer in model.layers]
    double = keras.Sequential([layers.Input(model.input_shape[1:], dtype="float64"), *parts])
    double.set_weights(model.get_weights())

    def compute(x, y):
        pixels = tf.constant(x, tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)
            z = double(pixels, training=False)
            own = tf.one_hot(y, z.shape[-1], on_value=True, off_value=False)
            L = tf.reduce_logsumexp(tf.where(own, -np.inf, z), axis=1) - tf.boolean_mask(z, own)
            J = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.constant(y), z)
        assert z.dtype == tf.float64
        return [v.numpy() for v in (z, L, J, tape.gradient(L, pixels), tape.gradient(J, pixels))]

    return compute


def sharpened(model, factor):
    """The network with its last layer's weights times a power of two: every logit exactly so many times as large."""
    new = keras.models.clone_model(model)
    weights = model.get_weights()
    new.set_weights([*weights[:-2], factor * weights[-2], factor * weights[-1]])
    return new


def convolutional(shape=(8, 8, 1), classes=4, seed=0, dropout=0.5):
    """Table I in small; with batch normalisation, for that too works differently in training."""
    return fill(
        keras.Sequential(
            [
                layers.Input(shape),
                layers.Conv2D(4, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(8, activation="relu"),
                layers.Dropout(dropout, seed=seed),
                layers.BatchNormalization(),
                layers.Dense(classes),
            ]
        ),
        seed,
    )


def images(n, shape=(8, 8, 1), seed=0):
    """Random images with pixels that are exactly black or white among them."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(-0.2, 1.2, (n, *shape)), 0, 1).astype(np.float32)
