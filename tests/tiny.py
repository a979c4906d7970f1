"""Small networks for the tests, their weights made by hand or from a seed."""

import numpy as np

from advlib.backend import keras

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
    """Of :func:`smooth`: logits, each image's cross-entropy and its gradient; float64, without TensorFlow."""
    W, b, V, c = (w.astype(np.float64) for w in model.get_weights())
    y = np.broadcast_to(y, len(x))
    h = np.tanh(x.reshape(len(x), -1).astype(np.float64) @ W + b)
    z = h @ V + c
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(x)), y])
    p[np.arange(len(x)), y] -= 1
    return z, loss, ((p @ V.T * (1 - h**2)) @ W.T).reshape(x.shape)


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
