"""How far the first direction of an attack is from the one that float64 gives, and what the loss has to do with it."""

from unittest import mock

import numpy as np
import peers

from advlib import attack, direction, gradient, iterative_attack, rms
from advlib.backend import keras, tf

OFF = 0.01  # the largest entry of the difference of two directions, whose own largest entry is 1


def twin(model):
    """The same network in float64."""

    def double(layer):
        return layer.from_config(layer.get_config() | {"dtype": "float64"})

    copy = keras.models.clone_model(model, clone_function=double)
    copy.set_weights([w.astype(np.float64) for w in model.get_weights()])
    return copy


def by_loss(loss):
    """A loss of logits and labels as a function like ``advlib.gradient``: (model, x, y) to logits and its gradient."""

    @tf.function(reduce_retracing=True)
    def slope(model, x, y):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = model(x, training=False)
            total = tf.reduce_sum(loss(z, y))
        return z, tape.gradient(total, x)

    def compute(model, x, y):
        z, g = slope(model, tf.constant(x, model.dtype), tf.constant(y, tf.int64))
        return z.numpy(), g.numpy()

    return compute


def cross_entropy(z, y):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)


def lead(z, y):
    """L of ``advlib.gradient``: log Σ exp over the other classes, minus the own logit."""
    own = tf.one_hot(y, z.shape[-1], on_value=True, off_value=False)
    minus_infinity = tf.constant(-np.inf, z.dtype)
    return tf.reduce_logsumexp(tf.where(own, minus_infinity, z), axis=1) - tf.boolean_mask(z, own)


def margin(z, y):
    """The largest other logit minus the own (Carlini and Wagner, 2017)."""
    own = tf.one_hot(y, z.shape[-1], on_value=True, off_value=False)
    return tf.reduce_max(tf.where(own, tf.constant(-np.inf, z.dtype), z), axis=1) - tf.boolean_mask(z, own)


def dlr(z, y):
    """That margin over the distance of the first logit from the third (Croce and Hein, 2020)."""
    ordered = tf.sort(z, axis=1)
    return margin(z, y) / (ordered[:, -1] - ordered[:, -3])


LOSSES = {"cross-entropy": by_loss(cross_entropy), "L": gradient, "margin": by_loss(margin), "DLR": by_loss(dlr)}


def art(model, x, y):
    return peers.classifier(model).loss_gradient(x, np.eye(model.output_shape[1])[y])


def foolbox(model, x, y):
    import foolbox

    seen, rule = foolbox.TensorFlowModel(model, bounds=(0, 1)), foolbox.attacks.LinfBasicIterativeAttack()
    import eagerpy

    images, labels = (eagerpy.astensor(tf.constant(a)) for a in (x, np.int64(y)))
    return rule.value_and_grad(rule.get_loss_fn(seen, labels), images)[1].numpy()


def cleverhans(model, x, y):
    from cleverhans.tf2.utils import compute_gradient

    loss = tf.nn.sparse_softmax_cross_entropy_with_logits
    return compute_gradient(model, loss, tf.constant(x), tf.constant(y, tf.int64), targeted=False).numpy()


FIRST = {
    "advlib": lambda model, x, y: gradient(model, x, y)[1],
    "cross-entropy in float32": lambda model, x, y: LOSSES["cross-entropy"](model, x, y)[1],
    "ART": art,
    "Foolbox": foolbox,
    "CleverHans": cleverhans,
}


def in_parts(compute, model, x, y, size=200):
    return np.concatenate([compute(model, x[k : k + size], y[k : k + size]) for k in range(0, len(x), size)])


def exact(model, x, y):
    """The direction in float64."""
    compute = by_loss(lead)
    return direction(in_parts(lambda *given: compute(*given)[1], twin(model), x, y))


def apart(a, b):
    """The largest entry of the difference, image by image."""
    return np.abs(a - b).max((1, 2, 3))


def kinks(model, x):
    """Where float32 and float64 take another branch: for each image how many, and the largest gap between branches.

    A network of ReLU and max pooling is linear in pieces.  At a kink, where a unit of a ReLU is at 0 or two pixels of
    a pooling window are level, a rounding error decides on which piece it stands, and so on its gradient.  The gap is
    how far the unit is from 0, or the pixels from each other, as a share of the layer's largest output.
    """
    double = twin(model)
    single, exact = (
        [np.asarray(a, np.float64) for a in keras.Model(net.inputs[0], [layer.output for layer in net.layers])(x)]
        for net in (model, double)
    )
    count, largest = np.zeros(len(x), int), np.zeros(len(x))
    before = None
    for layer, a, b in zip(model.layers, single, exact):
        if getattr(layer, "activation", None) is keras.activations.relu:
            other, gap = (a > 0) != (b > 0), np.maximum(a, b)
        elif isinstance(layer, keras.layers.MaxPooling2D):
            a, b = map(windows, before)
            first = a.argmax(-1)[..., None]
            gap = (b.max(-1, keepdims=True) - np.take_along_axis(b, first, -1))[..., 0]
            other = first[..., 0] != b.argmax(-1)
        else:
            other = gap = np.zeros((len(x), 1))
        before = a, b
        rows = other.reshape(len(x), -1).astype(bool)
        count += rows.sum(1)
        share = (gap / (np.abs(b).max() or 1)).reshape(len(x), -1)
        largest = np.maximum(largest, np.where(rows, share, 0).max(1))
    return count.tolist(), largest.tolist()


def windows(a):
    """The four pixels of each 2×2 pooling window, last."""
    n, h, w, c = a.shape
    return a.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)


def first_directions(model, x, y):
    """For each library's own gradient: how many first directions are more than OFF away from float64's."""
    right = exact(model, x, y)
    rows = []
    for name, compute in FIRST.items():
        try:
            found = direction(in_parts(compute, model, x, y))
        except Exception as why:  # a peer that does not run here must not end the rest
            rows.append({"name": name, "failed": f"{type(why).__name__}: {why}"})
            continue
        far = apart(found, right)
        rows.append({"name": name, "k": int(np.sum(far > OFF)), "n": len(x), "median": float(np.median(far))})
        if name == "advlib":
            k = np.flatnonzero(far > OFF)
            count, gap = kinks(model, x[k]) if len(k) else ([], [])
            rows[-1] |= {"off": [{"image": int(i), "by": float(far[i].round(4)), "branches": c, "gap": d}
                                 for i, c, d in zip(k, count, gap)]}  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def losses(model, x, y, rules=("gradient", "sign")):
    """The same attack, at most as many gradients an image, along the gradient of each loss."""
    rows = []
    for rule in rules:
        for name, compute in LOSSES.items():
            with mock.patch.object(attack, "gradient", compute):
                a = iterative_attack(model, x, y, eps=peers.EPS, alpha=peers.ALPHA, max_iter=peers.STEPS, rule=rule)
            rows.append({
                "loss": name, "rule": rule, "k": int(a.success.sum()), "n": len(x), "stalled": int(a.stalled.sum()),
                "gradients": a.gradients, "steps": float(a.n_iter.mean()), "rms": float(rms(a.noise)[a.success].mean()),
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def measure(models, mnist, n):
    """Both, network by network."""
    x, y = (part[:n] for part in mnist.test)
    first = {name: first_directions(model, x, y) for name, model in models.items()}
    return {"images": n, "off": OFF, "first": first, "losses": losses(models["0"], x, y)}
