"""The smallest noise that Foolbox's minimal-norm attacks find, for notebook 03.

    python benchmarks/minimal_noise.py [IMAGES]

Takes the first IMAGES test images (200 by default) that network 0 reads correctly, and looks for the noise of
smallest L2 (DDN, Rony et al., 2019) and of smallest L∞ (FMN, Pintor et al., 2021) that makes it misread each.
Writes data/results/03_minimal_noise.json.  Needs Foolbox, the extra ``peers``.
"""

import sys

import foolbox
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from advlib import cnn, data, predict, results

STEPS = 300
ATTACKS = {"l2": foolbox.attacks.DDNAttack(steps=STEPS), "linf": foolbox.attacks.LInfFMNAttack(steps=STEPS)}
ORDER = {"l2": 2, "linf": np.inf}


def smallest(attack, order, network, x, y, batch_size=100):
    """Each image's smallest norm, or None where no noise was found that works."""
    found = []
    for start in tqdm(range(0, len(x), batch_size), unit="batch"):
        rows = slice(start, start + batch_size)
        images, labels = tf.constant(x[rows]), tf.constant(y[rows], tf.int64)  # Foolbox stops at int32 labels
        _, x_adv, success = attack(network, images, labels, epsilons=None)
        norms = np.linalg.norm((x_adv - images).numpy().reshape(len(images), -1), order, axis=1)
        found += [round(float(norm), 5) if worked else None for norm, worked in zip(norms, success.numpy())]
    return found


def main(images=200):
    dataset = data.load("mnist")
    model = cnn.load("mnist", seed=0)
    x, y = dataset.test
    rows = np.flatnonzero(predict(model, x[: 2 * images]) == y[: 2 * images])[:images]
    network = foolbox.TensorFlowModel(model, bounds=(0, 1))
    norms = {name: smallest(attack, ORDER[name], network, x[rows], y[rows]) for name, attack in ATTACKS.items()}
    results.save(
        "03_minimal_noise",
        {
            "rows": rows.tolist(),  # in the test set
            "attacks": {"l2": f"DDN, {STEPS} steps", "linf": f"FMN, {STEPS} steps"},
            **norms,
        },
        seed=0,
        foolbox=foolbox.__version__,
    )
    for name, found in norms.items():
        fooled = [norm for norm in found if norm is not None]
        print(f"{name}: {len(fooled)} of {len(found)} images fooled, mean {np.mean(fooled):.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
