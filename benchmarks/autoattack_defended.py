"""What AutoAttack leaves of the two best defences, for in_depth/08_does_it_only_look_safe.

    python benchmarks/autoattack_defended.py [IMAGES]

AutoAttack (the authors' code, its standard version) on the first IMAGES test images (500 by default) of the networks
that were trained adversarially, at ε = 0.3, and of those with a proof, at 0.24.  The latter round to one bit first:
their first layer is given the derivative 1 (straight-through), for with its own AutoAttack finds hardly any gradient
and reports a robustness that is not there.  Writes data/results/08_autoattack.json.  Needs the extra ``peers``.
"""

import sys
import time
from importlib.metadata import version

from autoattack import attacked, checked

from advlib import bounds, cnn, data, predict, results

JUDGED = {"adversarial": 0.3, "proved": 0.24}


def main(images=500):
    x, y = (a[:images] for a in data.load("mnist").test)
    rows = []
    for defence, eps in JUDGED.items():
        for seed in (0, 1, 2):
            model = cnn.load("mnist", seed, defence)
            network, right, began = checked(model, x), predict(model, x) == y, time.monotonic()
            fallen = attacked(model, network, x[right], y[right], eps)
            proved = int(bounds.certified(model, x, y, eps).sum())
            rows.append({"defence": defence, "network": seed, "ε": eps, "k": int(right.sum()) - fallen, "n": images,
                         "clean_k": int(right.sum()), "proved_k": proved,
                         "minutes": round((time.monotonic() - began) / 60, 1)})  # fmt: skip
            print(rows[-1], flush=True)
    where = {"pyautoattack": version("pyautoattack"), "torch": version("torch")}
    results.save("08_autoattack", {"autoattack": rows}, seed=0, **where)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
