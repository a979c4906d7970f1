"""What ART and Foolbox give for a small fixed network: kept in stored/peers.npz, so that no test needs them.

    python -m pip install -e ".[peers]"
    python tests/make_peer_arrays.py
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.special import softmax

from advlib.attack import iterative_attack
from advlib.backend import keras, tf
from advlib.gradients import gradient, logits

STORED = Path(__file__).parent / "stored" / "peers.npz"
EPS, ALPHA, STEPS = 0.15, 10 / 255, 8


def network():
    """Table I in small; its weights are stored beside the results."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(5),
        ]
    )


def given():
    """Weights, images, labels and targets, from a seed.

    The label is what the network reads, but for one image in four; the target is what it reads next to that.

    The peers follow the gradient of the cross-entropy, (1 - p) times ours, of which float32 loses digits as p nears
    1: the last layer is so weak that p stays below.  And of many images those are taken whose signs no rounding
    turns: what ends alike from everywhere near.
    """
    rng = np.random.default_rng(0)
    model = network()
    for w in model.weights:  # kernels of mean 0, or how bright an image is would decide everything
        if w.name == "kernel":
            kernel = rng.normal(0, 3 / np.sqrt(np.prod(w.shape[:-1])), w.shape)
            w.assign(kernel - kernel.mean(tuple(range(kernel.ndim - 1))))
    last = model.layers[-1].kernel
    last.assign(last / 8)
    x = np.clip(rng.uniform(-0.2, 1.2, (96, 12, 12, 1)), 0, 1).astype(np.float32)
    order = logits(model, x).argsort(1)
    y, y_target = np.where(np.arange(96) % 4, order[:, -1], order[:, 0]), order[:, -2]
    rows = np.flatnonzero(steady(model, x, y) & steady(model, x, y, y_target))
    wrong, right = rows[rows % 4 == 0][:4], rows[rows % 4 > 0][:12]
    rows = np.column_stack([wrong, right.reshape(4, 3)]).ravel()
    asked = {"x": x[rows], "y": y[rows], "y_target": y_target[rows]}
    return model, {**asked, **{f"w{k}": w for k, w in enumerate(model.get_weights())}}


def steady(model, x, y, y_target=None):
    """The images at which every gradient on the way is clear.

    No pixel's is below 3e-5 of the largest (float32 is good to 1e-6 here), 1 - p is above 1/100, and a start that is
    1e-5 away takes the same steps to the same reading.
    """
    run = {"eps": EPS, "alpha": ALPHA, "rule": "sign", "stop": False, "y_target": y_target}
    goal, good = y if y_target is None else y_target, np.ones(len(x), bool)
    for steps in range(STEPS):
        z, g = gradient(model, iterative_attack(model, x, y, max_iter=steps, **run).x_adv, goal)
        g = np.abs(g).reshape(len(x), -1)
        p = softmax(z.astype(np.float64), axis=1)[np.arange(len(x)), goal]
        good &= (g.min(1) > 3e-5 * g.max(1)) & (p < 0.99)
    here = iterative_attack(model, x, y, max_iter=STEPS, **run)
    for shift in np.random.default_rng(1).uniform(-1e-5, 1e-5, (8, *x.shape)).astype(np.float32):
        near = iterative_attack(model, np.clip(x + shift, 0, 1), y, max_iter=STEPS, **run)
        good &= (np.abs(near.x_adv - here.x_adv).max((1, 2, 3)) < 1e-4) & (near.prediction == here.prediction)
    return good


def by_art(model, x, y, y_target):
    """FGSM, BIM and targeted BIM as the Adversarial Robustness Toolbox runs them."""
    from art.attacks.evasion import BasicIterativeMethod, FastGradientMethod
    from art.estimators.classification import TensorFlowV2Classifier

    classifier = TensorFlowV2Classifier(
        model, nb_classes=5, input_shape=x.shape[1:], clip_values=(0, 1),
        loss_object=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip
    bim = {"eps": EPS, "eps_step": ALPHA, "max_iter": STEPS, "verbose": False}
    return {
        "fgsm": FastGradientMethod(classifier, eps=EPS).generate(x, y),
        "bim": BasicIterativeMethod(classifier, **bim).generate(x, y),
        "targeted": BasicIterativeMethod(classifier, targeted=True, **bim).generate(x, y_target),
    }


def by_foolbox(model, x, y, y_target):
    """The same as Foolbox runs them."""
    import foolbox

    seen = foolbox.TensorFlowModel(model, bounds=(0, 1))
    x, y, y_target = tf.constant(x), tf.constant(y, tf.int64), tf.constant(y_target, tf.int64)
    bim = foolbox.attacks.LinfBasicIterativeAttack(abs_stepsize=ALPHA, steps=STEPS, random_start=False)
    aim = foolbox.criteria.TargetedMisclassification(y_target)
    return {
        "fgsm": foolbox.attacks.LinfFastGradientAttack()(seen, x, y, epsilons=EPS)[1].numpy(),
        "bim": bim(seen, x, y, epsilons=EPS)[1].numpy(),
        "targeted": bim(seen, x, aim, epsilons=EPS)[1].numpy(),
    }


if __name__ == "__main__":
    model, arrays = given()
    asked = [arrays[k] for k in ("x", "y", "y_target")]
    for name, results in (("art", by_art(model, *asked)), ("foolbox", by_foolbox(model, *asked))):
        arrays |= {f"{name}_{attack}": x_adv for attack, x_adv in results.items()}
    arrays["versions"] = [
        f"{name} {version(name)}" for name in ("adversarial-robustness-toolbox", "foolbox", "tensorflow", "keras")
    ]
    STORED.parent.mkdir(exist_ok=True)
    np.savez_compressed(STORED, **arrays)
    print(STORED, STORED.stat().st_size, "bytes;", ", ".join(arrays["versions"]))
