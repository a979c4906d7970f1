"""What ART's targeted universal perturbation reaches, for in_depth/05_price_of_one_noise.

    python benchmarks/art_targeted.py

The Adversarial Robustness Toolbox's TargetedUniversalPerturbation (Hirano and Takemoto, 2020) learns one noise towards
each of the ten targets, ε = 0.24, on the notebook's learning images: the first 50 validation images of every class but
the target's, six passes.  Its inner attack is FGSM, towards the target, with a step of 10/255: of 4/255, 10/255, 0.1
and ε it reached the most on target 3 of network 0.  Each image of which it asks a gradient is counted.  Judged by the
course's network on all test images.  Writes data/results/05_art.json.  Needs the extra ``peers``.
"""

import random
from importlib.metadata import version

import numpy as np
from art.attacks.evasion import TargetedUniversalPerturbation
from art.estimators.classification import TensorFlowV2Classifier

from advlib import cnn, data, predict, results
from advlib.backend import keras, tf

EPS, STEP, PASSES, EACH = 0.24, 10 / 255, 6, 50


class Counted(TensorFlowV2Classifier):
    """ART's classifier, which counts the gradients that it is asked for."""

    gradients = 0

    def loss_gradient(self, x, y, **more):
        self.gradients += len(x)
        return super().loss_gradient(x, y, **more)


def noise(model, x, target):
    """The noise towards one target, and the gradients it took."""
    network = Counted(
        tf.function(model), nb_classes=10, input_shape=x.shape[1:], clip_values=(0, 1),
        loss_object=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip
    random.seed(0)  # ART's order of the images
    attack = TargetedUniversalPerturbation(
        network, attacker="fgsm", attacker_params={"eps": STEP, "targeted": True, "batch_size": 1},
        delta=0.0, eps=EPS, norm=np.inf, max_iter=PASSES,
    )  # fmt: skip
    attack.generate(x, np.eye(10, dtype=np.float32)[[target] * len(x)])
    return np.clip(attack.noise[0], -EPS, EPS), network.gradients


def main():
    mnist, rows = data.load("mnist"), []
    (x, y), (x_test, y_test) = mnist.validation, mnist.test
    first = np.sort(np.concatenate([np.flatnonzero(y == c)[:EACH] for c in range(10)]))
    x, y = x[first], y[first]
    for seed in (0, 1, 2):
        model = cnn.load("mnist", seed)
        for target in range(10):
            e, gradients = noise(model, x[y != target], target)
            others = y_test != target
            read = predict(model, np.clip(x_test[others] + e, 0, 1))
            rows.append({
                "network": seed, "target": target, "gradients": gradients,
                "k_without": int(np.sum(read != y_test[others])), "reached": int(np.sum(read == target)),
                "n_without": int(others.sum()),
            })  # fmt: skip
            print(rows[-1], flush=True)
        results.save("05_art", {"art": rows}, seed=0, art=version("adversarial-robustness-toolbox"))


if __name__ == "__main__":
    main()
