"""What a network can learn so that noise does not fool it: losses for :func:`training.train`, and the recipes.

A loss is a function of the model, a batch of images and of labels, and the number of the batch as a float; it returns
one number.  Each grows its noise from nothing to ``eps`` over the first ``warm_up`` batches.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import softmax

from .backend import tf
from .bounds import margins
from .gradients import logits
from .training import train
from .transforms import shifted

BATCH = 100
# Epochs of the shipped networks.  The recipes were chosen on the validation images, but earlier trials had been counted
# on the test images, too.
EPOCHS = {"strided": 5, "distilled": 5, "adversarial": 6, "against-common": 8, "proved": 30}


def cross_entropy(z, y):
    """Mean cross-entropy of logits; the labels are whole numbers."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))


def soft_margin(z, y):
    """Sum of log Σ exp z_k − z_y, over the classes k other than y: see :func:`gradients.gradient`."""
    own = tf.one_hot(y, z.shape[-1]) > 0
    others = tf.reduce_logsumexp(tf.where(own, -np.inf, z), axis=1)
    return tf.reduce_sum(others - tf.boolean_mask(z, own))


def adversarial(eps, warm_up, steps=3, seed=0):
    """Cross-entropy on images attacked on the spot: adversarial training (Madry et al., 2018).

    The attack begins anywhere in what the clipping leaves of the ε-ball, drawn evenly there.  Where it begins is what
    decides: x + U(−ε, ε), clipped, puts half of a black background back at exactly 0, and trains against
    one corner (as in Wong et al., 2020, whose results differ from run to run).

    Parameters
    ----------
    eps : float
    warm_up : float
        Batches.
    steps : int
        Sign steps of the attack, each 1.8/steps of the width of what is left of the ball (1.25, where it is one).
    seed : int
        Of the beginnings.

    Returns
    -------
    function of (model, images, labels, batch number)
    """
    size = 1.25 if steps == 1 else 1.8 / steps

    def loss(model, x, y, i):
        e = eps * tf.minimum(1.0, i / warm_up)
        low, high = tf.clip_by_value(x - e, 0, 1), tf.clip_by_value(x + e, 0, 1)
        x_adv = low + (high - low) * tf.random.stateless_uniform(tf.shape(x), [seed, tf.cast(i, tf.int32)])
        for _ in range(steps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x_adv)
                goal = soft_margin(model(x_adv, training=False), y)
            x_adv += size * (high - low) * tf.sign(tape.gradient(goal, x_adv))
            x_adv = tf.clip_by_value(x_adv, low, high)
        return cross_entropy(model(tf.stop_gradient(x_adv), training=True), y)

    return loss


def against_common(eps, warm_up, shape, classes=10, each=5, alpha=0.03, refresh=0.25, seed=0):
    """Cross-entropy on images that wear a common noise of their class, learned beside the network.

    Parameters
    ----------
    eps, warm_up : float
    shape : (height, width, channels)
    classes : int
    each : int
        Noises of a class; each image wears one of them.
    alpha : float
        Step of a noise: the sign of the summed directions of the images that wear it.
    refresh : float
        How many of all the noises begin again at random, a batch, on average.
    seed : int

    Returns
    -------
    function of (model, images, labels, batch number)
        Its ``variables`` are the noises, which a checkpoint keeps.
    """
    noises = tf.Variable(tf.zeros((classes, each, *shape)))

    def loss(model, x, y, i):
        draw = tf.stack([seed, tf.cast(i, tf.int32)])
        e = eps * tf.minimum(1.0, i / warm_up)
        worn = tf.random.stateless_uniform(tf.shape(y), draw, 0, each, tf.int64)
        place = tf.stack([y, worn], axis=1)
        noisy = tf.clip_by_value(x + tf.gather_nd(noises, place), 0, 1)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(noisy)
            z = model(noisy, training=True)
            goal = soft_margin(z, y)
        g = tape.gradient(goal, noisy)
        g = tf.math.divide_no_nan(g, tf.reduce_max(tf.abs(g), axis=(1, 2, 3), keepdims=True))
        uphill = tf.sign(tf.tensor_scatter_nd_add(tf.zeros_like(noises), place, g))
        again = tf.random.stateless_uniform((classes, each, 1, 1, 1), draw) < refresh / (classes * each)
        fresh = tf.random.stateless_uniform(noises.shape, draw, -1.0, 1.0) * e
        noises.assign(tf.where(again, fresh, tf.clip_by_value(noises + alpha * uphill, -e, e)))
        return cross_entropy(z, y)

    loss.variables = [noises]
    return loss


def bounded(eps, warm_up, wait=0, clean=0.35):
    """Cross-entropy of the worst logits that interval bounds allow, mixed with that of the images (Gowal et al., 2018).

    Parameters
    ----------
    eps, warm_up : float
    wait : float
        Batches of plain training before the warm-up.
    clean : float
        The share of the plain cross-entropy in the end; it begins at 1.

    Returns
    -------
    function of (model, images, labels, batch number)
    """

    def loss(model, x, y, i):
        grown = tf.clip_by_value((i - wait) / warm_up, 0, 1)
        share = 1 - (1 - clean) * grown
        worst = -margins(model, x, y, eps * grown)
        return share * cross_entropy(model(x, training=True), y) + (1 - share) * cross_entropy(worst, y)

    return loss


def softened(temperature):
    """Cross-entropy of the logits divided by a temperature, where the labels are probabilities (Papernot et al., 2016).

    Parameters
    ----------
    temperature : float

    Returns
    -------
    function of (model, images, probabilities, batch number)
    """

    def loss(model, x, y, i):
        z = model(x, training=True) / temperature
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(tf.cast(y, z.dtype), z))

    return loss


def distil(model, teacher, dataset, temperature, **how):
    """Train a teacher, and then the model on what the teacher reads, both at a temperature: defensive distillation.

    Parameters
    ----------
    model, teacher : keras.Model
        End in logits; changed in place.  The model is used without the temperature afterwards.
    dataset : data.Dataset
    temperature : float
    how : as for :func:`training.train`
    """
    images, labels = dataset.train
    how["loss"] = softened(temperature)
    known = np.eye(len(dataset.class_names))[labels]
    for network in teacher, model:
        train(network, SimpleNamespace(train=(images, known), validation=dataset.validation), **how)
        known = softmax(logits(network, images, 500).astype(float) / temperature, axis=1)


def train_defended(defence, model, teacher, dataset, iterations, seed=0, batch_size=BATCH):
    """Train a network as those that are shipped.

    Parameters
    ----------
    defence : {"strided", "distilled", "adversarial", "against-common", "proved"}
        "strided": none, for comparison.
    model, teacher : keras.Model
        Changed in place; only distillation asks for the teacher.
    dataset : data.Dataset
    iterations : int
        Batches.
    seed : int
        Of the order of the images, and of what a defence draws.
    batch_size : int
    """
    how = {"iterations": iterations, "batch_size": batch_size, "falling": True, "seed": seed}
    shape = model.input_shape[1:]
    if defence == "distilled":
        return distil(model, teacher, dataset, 100, learning_rate=2e-3, **how)
    rate, loss = {
        "strided": (2e-3, None),
        "adversarial": (3e-3, adversarial(0.3, 0.3 * iterations, seed=seed)),
        "against-common": (2e-3, against_common(0.3, 0.25 * iterations, shape, model.output_shape[-1], seed=seed)),
        "proved": (3e-3, bounded(0.245, 0.2 * iterations, 0.02 * iterations, clean=0.3)),
    }[defence]
    augment = shifted if defence == "proved" else None  # the bounds learn by heart otherwise
    return train(model, dataset, learning_rate=rate, loss=loss, augment=augment, **how)
