"""What AutoAttack finds on the images that the course's strongest search leaves, for in_depth/02_all_images.

    python benchmarks/autoattack.py [IMAGES]

AutoAttack (Croce and Hein, 2020; the authors' code, its standard version, ε = 0.15 in L∞) attacks each network's
survivors of the full run and, as a control, IMAGES random test images (300 by default) that the network reads
correctly.  Its networks are torch's, with the shipped weights.  Writes data/results/02_autoattack.json.  Needs the
extra ``peers``.
"""

import sys
from importlib.metadata import version

import numpy as np
import torch
from pyautoattack import AutoAttack
from torch import nn

from advlib import cnn, data, iterative_attack, logits, predict, results

EPS, ALPHA = 0.15, 10 / 255


def in_torch(model):
    """Table I in torch, with the weights of the Keras network; images come as (n, 1, 28, 28)."""
    network = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 7 * 7, 1024), nn.ReLU(), nn.Linear(1024, 10),
    )  # fmt: skip
    first, b1, second, b2, dense, b3, last, b4 = model.get_weights()
    dense = dense.reshape(7, 7, 64, -1).transpose(2, 0, 1, 3).reshape(dense.shape)  # torch counts the channels first
    kernels = [first.transpose(3, 2, 0, 1), second.transpose(3, 2, 0, 1), dense.T, last.T]
    with torch.no_grad():
        for layer, kernel, bias in zip((network[0], network[3], network[7], network[9]), kernels, (b1, b2, b3, b4)):
            layer.weight.copy_(torch.tensor(kernel.copy()))
            layer.bias.copy_(torch.tensor(bias))
    return network.eval()


def channels_first(x):
    return torch.tensor(x.transpose(0, 3, 1, 2).copy())


def attacked(model, network, x, y):
    """How many of these images AutoAttack makes the network misread, judged by the Keras network."""
    attack = AutoAttack(network, eps=EPS, norm="Linf", seed=0)
    x_adv, _ = attack.run_standard_evaluation(channels_first(x), torch.tensor(y.astype("int64")), batch_size=100)
    x_adv = x_adv.numpy().transpose(0, 2, 3, 1)
    inside = np.clip(np.clip(x_adv, x - EPS, x + EPS), 0, 1)
    return int(np.sum(predict(model, inside) != y))


def main(images=300):
    x, y = data.load("mnist").test
    survivors, rows = results.load("02_fool_one_image")["survivors"], []
    for seed in (0, 1, 2):
        model = cnn.load("mnist", seed)
        network = in_torch(model)
        with torch.no_grad():
            apart = np.abs(network(channels_first(x[:500])).numpy() - logits(model, x[:500])).max()
        assert apart < 1e-3, f"the two networks differ by {apart}"
        right = np.flatnonzero(predict(model, x) == y)
        chosen = {
            "survivors": np.array([r["image"] for r in survivors if r["network"] == seed], int),
            "random": np.sort(np.random.default_rng(seed).choice(right, images, replace=False)),
        }
        for name, some in chosen.items():
            rule = iterative_attack(model, x[some], y[some], eps=EPS, alpha=ALPHA)
            k = attacked(model, network, x[some], y[some]) if len(some) else 0
            rows.append({"network": seed, "images": name, "k": k, "k_rule": int(rule.success.sum()), "n": len(some)})
            print(rows[-1], flush=True)
    results.save(
        "02_autoattack", {"autoattack": rows}, seed=0, pyautoattack=version("pyautoattack"), torch=version("torch")
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
