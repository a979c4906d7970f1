"""One measurement in a process of its own, so that its peak memory is its own; prints a line of JSON.

    python benchmarks/point.py images 1000      attack that many test images
    python benchmarks/point.py noises 26        learn that many noises side by side
    python benchmarks/point.py side 56          attack 100 images of that many pixels a side, untrained network
    python benchmarks/point.py notebook FILE    run a notebook; the memory is its kernel's
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import psutil


def watch(process):
    """A dict in which the largest memory of a process stands, kept until it ends."""
    peak = {"peak_bytes": 0}

    def look():
        try:
            while True:
                peak["peak_bytes"] = max(peak["peak_bytes"], process.memory_info().rss)
                time.sleep(0.05)
        except psutil.Error:
            pass

    threading.Thread(target=look, daemon=True).start()
    return peak


def clocked(work, *given):
    begin = time.perf_counter()
    found = work(*given)
    return time.perf_counter() - begin, found


def images(mnist, n):
    from peers import ours

    from advlib import cnn

    x, y = (part[:n] for part in mnist.test)
    attack = ours(cnn.load("mnist", seed=0), "gradient")
    attack(x[:50], y[:50])
    seconds, _ = clocked(attack, x, y)
    return {"seconds": seconds, "gradients": attack.done.gradients, "images_bytes": x.nbytes}


def noises(mnist, n):
    import numpy as np

    from advlib import cnn, common_noise

    model = cnn.load("mnist", seed=0)

    x, y = mnist.validation
    fives = x[y == 5]

    def learn(images, epochs):
        eps = np.linspace(0.15, 0.30, n).tolist()
        return common_noise(model, images, [5] * len(images), eps=eps, epochs=epochs)

    learn(fives[:5], 1)
    seconds, _ = clocked(learn, fives, 1)
    return {"seconds": seconds, "gradients": n * len(fives)}


def side(mnist, n):
    import numpy as np

    from advlib import cnn, iterative_attack

    x, y = (part[:100] for part in mnist.test)
    large = np.repeat(np.repeat(x, n // 28, 1), n // 28, 2)
    fresh = cnn.build(shape=(n, n, 1), seed=0)

    def attack(images):
        return iterative_attack(fresh, large[:images], y[:images], eps=0.15, alpha=0.04, max_iter=5, stop=False)

    attack(10)
    seconds, done = clocked(attack, 100)
    return {"seconds": seconds, "gradients": done.gradients, "images_bytes": large.nbytes}


def notebook(path):
    import nbformat
    from nbclient import NotebookClient

    os.environ["ADVLIB_SCALE"] = "workshop"
    peaks = []
    client = NotebookClient(
        nbformat.read(path, 4), timeout=600, resources={"metadata": {"path": Path(path).parent}},
        extra_arguments=["--log-level=ERROR"],
        on_notebook_start=lambda notebook: peaks.append(watch(psutil.Process(client.km.provisioner.pid))),
    )  # fmt: skip
    seconds, _ = clocked(client.execute)
    return {"seconds": seconds, **peaks[0]}


def main(kind, what):
    if kind == "notebook":
        return notebook(what)
    peak = watch(psutil.Process())
    from advlib import data

    measure = {"images": images, "noises": noises, "side": side}[kind]
    return measure(data.load("mnist"), int(what)) | peak


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
