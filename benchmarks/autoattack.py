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


class OneBit(nn.Module):
    """The ramp of the networks to prove, with the derivative 1; its own is 0 nearly everywhere."""

    def forward(self, x):
        return x + (torch.clamp(50 * x - 24.5, 0, 1) - x).detach()


def in_torch(model):
    """The network in torch, with the Keras network's weights; images come as (n, channels, height, width)."""
    parts, maps = [], ()
    for layer in model.layers:
        kind, weights = type(layer).__name__, layer.get_weights()
        if kind == "Conv2D":
            kernel, bias = weights
            padding = len(kernel) // 2 if layer.padding == "same" else 0
            made = nn.Conv2d(*kernel.shape[2:], len(kernel), layer.strides, padding)
            kernel = kernel.transpose(3, 2, 0, 1)
        elif kind == "Dense":
            kernel, bias = weights
            made = nn.Linear(*kernel.shape)
            if isinstance(parts[-1], nn.Flatten):  # torch counts the channels first
                kernel = kernel.reshape(*maps, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
            kernel = kernel.T
        elif kind == "Flatten":
            maps = layer.input.shape[1:]
            made = nn.Flatten()
        elif kind == "Dropout":
            continue
        else:
            made = {"MaxPooling2D": nn.MaxPool2d(2), "Rescaling": OneBit(), "ReLU": nn.Identity()}[kind]
        parts.append(made)
        if weights:
            with torch.no_grad():
                made.weight.copy_(torch.tensor(kernel.copy()))
                made.bias.copy_(torch.tensor(bias))
            if layer.activation.__name__ == "relu":
                parts.append(nn.ReLU())
    return nn.Sequential(*parts).eval()


def checked(model, x):
    """The network in torch, where it gives the Keras network's logits."""
    network = in_torch(model)
    with torch.no_grad():
        apart = np.abs(network(channels_first(x)).numpy() - logits(model, x)).max()
    assert apart < 1e-3, f"the two networks differ by {apart}"
    return network


def channels_first(x):
    return torch.tensor(x.transpose(0, 3, 1, 2).copy())


def attacked(model, network, x, y, eps=EPS):
    """How many of these images AutoAttack makes the network misread, judged by the Keras network."""
    attack = AutoAttack(network, eps=eps, norm="Linf", seed=0)
    x_adv, _ = attack.run_standard_evaluation(channels_first(x), torch.tensor(y.astype("int64")), batch_size=100)
    x_adv = x_adv.numpy().transpose(0, 2, 3, 1)
    inside = np.clip(np.clip(x_adv, x - np.float32(eps), x + np.float32(eps)), 0, 1)
    return int(np.sum(predict(model, inside) != y))


def main(images=300):
    x, y = data.load("mnist").test
    survivors, rows = results.load("02_fool_one_image")["survivors"], []
    for seed in (0, 1, 2):
        model = cnn.load("mnist", seed)
        network = checked(model, x[:500])
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
