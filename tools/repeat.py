"""Repeat what the ledger says of the shipped networks, and say which numbers hold: python3 course.py repeat.

Each network reads all test images again, and meets the attack on single images again.  Network 0 also learns the
noises of Figures 2 to 5 anew; those of the other two are laid on the images as they are stored, in half precision.
"""

import os
import sys

import numpy as np

if not sys.stderr.isatty():  # a log is to have a line a minute
    os.environ.setdefault("TQDM_MININTERVAL", "60")

from advlib import cnn, common_noise, data, iterative_attack, ledger, predict, results, rms, tables
from advlib.common import CommonNoise
from advlib.files import ROOT, arrays, replacing

EPS = [*np.linspace(0.15, 0.3, 16).round(2).tolist(), *[0.24] * 10]
CLASS = [*[5] * 16, *range(10)]
# How far a share and an RMS may lie from the stored ones: another processor adds in another order, and a noise is
# stored in half precision, so that an image whose two largest logits are nearly equal may be read otherwise.  A noise
# that is learned anew gathers such differences.
APART = {"read": (0.0005, 0), "single": (0.002, 0.0005), "stored noise": (0.003, 0.0005), "new noise": (0.02, 0.002)}
WRITTEN = ROOT / "_repeat" / "claims.csv"
ORDER = (1, 2, 0)  # the last takes longest


def reading(net, mnist):
    right = predict(net, mnist.test[0]) == mnist.test[1]
    return {"k": int(right.sum()), "n": len(right)}


def one_image(net, mnist):
    """The attack of section III, by the book-keeping of the 2017 script."""
    a = iterative_attack(net, *mnist.test, eps=0.15, alpha=10 / 255, max_iter=200, clip="noise", progress=True)
    won = a.success & (a.n_iter < 200)
    return {"k": int(won.sum()), "n": len(won), "rms": float(rms(a.noise)[won].mean())}


def learned(net, mnist):
    """The noises of Figures 2 to 5, in the order of the stored ones."""
    return common_noise(net, *mnist.validation, eps=EPS, source=CLASS, alpha=1 / 255, epochs=25, progress=True)


def stored(seed):
    noises = arrays(results.RESULTS / "04_noises.npz", results.REMEDY)["noise"][seed].astype(np.float32)
    return [CommonNoise(np.clip(e, -eps, eps), eps, c, None, {}, 0) for e, eps, c in zip(noises, EPS, CLASS)]


def judged(net, mnist, noise):
    x = mnist.test[0][mnist.test[1] == noise.source]
    rate, size = noise.success_rate(net, x, np.full(len(x), noise.source)), float(rms(noise.noise[None])[0])
    return {"ε": noise.eps, "class": noise.source, "k": rate.k, "n": rate.n, "rms": size}


def again(seed, mnist):
    """What a shipped network gives now: the parts from which the ledger makes its rows."""
    net = cnn.load("mnist", seed)
    how = "learns" if seed == 0 else "meets"
    print(f"network {seed}: reads the test images, is attacked on each, and {how} {len(EPS)} noises", flush=True)
    parts = {"accuracy": [reading(net, mnist)], "one_image": [one_image(net, mnist)]}
    counted = [judged(net, mnist, noise) for noise in (learned(net, mnist) if seed == 0 else stored(seed))]
    return {**parts, "figure_2_3": counted[:16], "figure_4_5": counted[16:]}


def allowed(row, seed):
    """How far this number of a network may lie from the stored one."""
    common = "new noise" if seed == 0 else "stored noise"
    how = "read" if "accuracy" in row.claim else "single" if row.claim.startswith("section") else common
    return APART[how][row.kind == "rms"]


def compared(then, now, seed):
    """A line for each measured claim: what is stored of this network, what came out now, and whether they agree."""
    for old, new in zip(then, now, strict=True):
        if old.kind != "setting":
            before, after = old.values[seed], new.values[0]
            yield {
                "claim": old.claim, "images": old.ours[seed].n if old.kind == "rate" else None,
                "stored": f"{before:.4f}", "now": f"{after:.4f}",
                "as stored": abs(before - after) <= allowed(old, seed),
                "the paper": f"{old.paper:.4g}", "verdict": old.verdict,
            }  # fmt: skip


def main():
    mnist = data.load("mnist")
    if not mnist.published:
        sys.exit("The stored numbers are of MNIST, which is not on this machine: README.md, MNIST without a network")
    then, found = ledger.rows(), []
    for seed in ORDER:
        try:
            lines = list(compared(then, ledger.rows(again(seed, mnist)), seed))
        except KeyboardInterrupt:
            done = f"what the others gave is in {WRITTEN}" if found else "nothing was measured"
            sys.exit(f"\ninterrupted at network {seed}; {done}")
        found += [{"network": seed, **line} for line in lines]
        with replacing(WRITTEN) as part:
            tables.frame(found).astype({"images": "Int64"}).to_csv(part, index=False)
        print(tables.text(tables.frame(lines), f"Network {seed}, stored and now: shares of so many images, or an RMS"))
    apart = {line["claim"] for line in found if not line["as stored"]}
    print(f"{len(lines) - len(apart)} of {len(lines)} measured claims came out as stored, on each network.  "
          f"A verdict is on the paper and ten networks.\nWritten to {WRITTEN}")  # fmt: skip
    return int(bool(apart))


if __name__ == "__main__":
    sys.exit(main())
