"""Speed against the peers, against the machine's limit, and over sizes.

    python3 course.py bench                       all, an hour and a half; or the parts that are named:
    python3 course.py bench peers common --images 10000

Parts: peers, rounding, direction, optimality, common, limit, scaling, course, pages, live.  Each is one run, so that
its times may be compared with one another, and is written to benchmarks/results.json when it ends; report.py makes the
tables and README's figure from that file.
"""

import argparse
import inspect
import json
import random
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import direction
import live_page
import numpy as np
import optimality
import pages
import peers
import report
from point import clocked

from advlib import cnn, common_noise, data, gradient, iterative_attack, predict, results, rms
from advlib.backend import tf

HERE = Path(__file__).parent
FULL = inspect.signature(iterative_attack).parameters["batch_size"].default
PACKAGES = ("adversarial-robustness-toolbox", "foolbox", "cleverhans", "pyautoattack", "torch")


def against_peers(model, mnist, n):
    """The attack on one image at a time: ours is timed before and after each peer."""
    x, y = (part[:n] for part in mnist.test)
    n = len(x)
    rows = []
    for rule in ("sign", "gradient"):
        mine = peers.ours(model, rule)
        mine(x[: peers.BATCH], y[: peers.BATCH])
        before, x_adv = clocked(mine, x, y)
        rows.append(row("advlib", rule, before, mine.done.gradients, model, x, y, x_adv))
        for name, make in peers.PEERS.items():
            try:
                make(model, rule, steps=1)(x[: peers.BATCH], y[: peers.BATCH])
                attack = make(model, rule)
                seconds, x_adv = clocked(attack, x, y)
            except Exception as why:  # a peer that does not run here must not end the rest
                print(f"{name}, {rule}: {type(why).__name__}: {why}", flush=True)
                rows.append({"name": name, "rule": rule, "failed": f"{type(why).__name__}: {why}"})
                continue
            after, _ = clocked(mine, x, y)
            found = row(name, rule, seconds, n * peers.STEPS, model, x, y, x_adv)
            rows.append(found | {"ours_seconds": [before, after], "ratio": 2 * seconds / (before + after)})
            print(f"{name}, {rule}: {rows[-1]['ratio']:.1f} times the seconds of advlib", flush=True)
            before = after
    return {"images": n, "eps": peers.EPS, "alpha": peers.ALPHA, "steps": peers.STEPS, "rows": rows}


def by_rounding(model, mnist, n, starts=32, moved=1e-7):
    """The images that the gradient rule leaves, each from so many starts next to it: how many work."""
    x, y = (part[:n] for part in mnist.test)
    n = len(x)
    attack = peers.ours(model, "gradient")
    noise = np.random.default_rng(0).uniform(-moved, moved, (starts, *x.shape[1:]))
    left = np.flatnonzero(predict(model, attack(x, y)) == y)
    found = []
    for i in left:
        x_adv = attack(np.clip(x[i] + noise, 0, 1).astype(np.float32), y[[i] * starts])
        found.append({"image": int(i), "k": int(np.sum(predict(model, x_adv) != y[i]))})
        print(json.dumps(found[-1]), flush=True)
    return {"images": n, "starts": starts, "moved": moved, "left": found}


def row(name, rule, seconds, gradients, model, x, y, x_adv):
    fooled = int(np.sum(predict(model, x_adv) != y))
    return {
        "name": name, "rule": rule, "seconds": seconds, "gradients": int(gradients), "k": fooled,
        "rms": float(np.mean(rms(x_adv - x))),
    }  # fmt: skip


def against_universal(model, mnist, source=5, eps=0.24, target=3):
    """One noise for a class: success on the unseen images of the class after so many seconds of learning."""
    x, y = (part[mnist.validation[1] == source] for part in mnist.validation)
    unseen = mnist.test[0][mnist.test[1] == source]
    runs = []

    def add(name, points):
        """Points are (seconds, noise)."""
        read = [predict(model, np.clip(unseen + e, 0, 1)) for _, e in points]
        runs.append({
            "name": name, "seconds": [s for s, _ in points], "k": [int(np.sum(r != source)) for r in read]
        })  # fmt: skip
        print(f"{name}: {runs[-1]['k'][-1]} of {len(unseen)} in {points[-1][0]:.1f} s", flush=True)

    common_noise(model, x[:2], y[:2], eps=[eps] * 26, epochs=1)
    alone, e = clocked(lambda: common_noise(model, x, y, eps=eps))
    add("advlib, one noise", [(alone * (k + 1) / 25, one) for k, one in enumerate(e.history["noise"])])
    together, many = clocked(lambda: common_noise(model, x, y, eps=np.linspace(0.15, 0.30, 26).tolist()))
    add("advlib, one of 26 side by side, a 26th of their time",
        [(together / 26 * (k + 1) / 25, one) for k, one in enumerate(many[15].history["noise"])])  # fmt: skip
    add("Algorithm 1 as a plain loop", list(plain(model, x, y, eps)))
    try:
        for name, points in universal(model, x, y, eps, target):
            add(name, points)
    except Exception as why:
        print(f"ART: {type(why).__name__}: {why}", flush=True)
        runs.append({"name": "ART", "failed": f"{type(why).__name__}: {why}"})
    return {"class": source, "eps": eps, "eps_of_the_26": many[15].eps, "n": len(unseen), "runs": runs}


def plain(model, x, y, eps, epochs=25):
    """Algorithm 1 as one would write it down, compiled: one noise, one image at a time, (seconds, noise) by epoch."""

    @tf.function
    def slope(image, label):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits([label], model(image, training=False))
        return tape.gradient(loss, image)

    e = tf.zeros((1, *x.shape[1:]))
    slope(tf.constant(x[:1]), tf.constant(y[0]))
    begin = time.perf_counter()
    for _ in range(epochs):
        for image, label in zip(x, y):
            g = slope(tf.clip_by_value(image[None] + e, 0, 1), tf.constant(label))
            e = tf.clip_by_value(e + peers.largest_one(g) / 255, -eps, eps)
        yield time.perf_counter() - begin, e.numpy()[0]


def universal(model, x, y, eps, target):
    """ART's two: a run for each number of passes, since a run cannot be looked into."""
    from art.attacks.evasion import TargetedUniversalPerturbation, UniversalPerturbation

    network = peers.classifier(model)
    aim = np.eye(model.output_shape[1])[np.full(len(y), target)]
    whole, part = ({"attacker": "fgsm", "attacker_params": {"eps": e, "batch_size": 1}} for e in (eps, peers.ALPHA))
    steps = {"eps": eps, "eps_step": eps / 8, "max_iter": 10, "batch_size": 1, "verbose": False}
    pgd = {"attacker": "pgd", "attacker_params": steps}  # DeepFool, ART's default, takes seconds for each image
    for name, kind, how, labels, runs in (
        ("ART UniversalPerturbation, FGSM", UniversalPerturbation, whole, y, (1, 3)),
        ("ART UniversalPerturbation, FGSM of 10/255", UniversalPerturbation, part, y, (1, 3)),
        ("ART UniversalPerturbation, PGD", UniversalPerturbation, pgd, y, (1,)),
        ("ART TargetedUniversalPerturbation, FGSM", TargetedUniversalPerturbation, whole, aim, (1, 3)),
    ):
        points = []
        for passes in runs:
            random.seed(0)  # ART's order of the images
            quiet = {} if kind is TargetedUniversalPerturbation else {"verbose": False}
            attack = kind(network, delta=0.0, max_iter=passes, eps=eps, norm=np.inf, **how, **quiet)
            seconds, _ = clocked(attack.generate, x, labels)
            points.append((seconds, attack.noise[0]))
        yield name, points


def limit(model, mnist):
    """Gradients a second, with nothing around them, by batch; ours as a share of that; and the machine's sgemm."""
    x, y = mnist.test
    a = tf.random.normal((2048, 2048))
    sgemm = 2 * 2048**3 * rate(lambda: tf.matmul(a, a).numpy())
    fives, attack = x[y == 5][:40], peers.ours(model, "gradient")

    def bare(batch):
        return batch * rate(lambda: gradient(model, x[:batch], y[:batch]))

    def side_by_side(batch):
        eps = np.linspace(0.15, 0.30, batch).tolist()
        seconds, _ = clocked(lambda: common_noise(model, fives, [5] * len(fives), eps=eps, epochs=3))
        return 3 * len(fives) * batch / seconds

    def attacked(batch):
        seconds, _ = clocked(attack, x[:1000], y[:1000])
        return attack.done.gradients / seconds

    rows = []
    for batch in sorted({1, 2, 4, 8, 16, 26, 32, 64, 128, 256, 512, FULL}):
        ours = {"common": side_by_side} if batch in (1, 8, 26, 64, 128) else {}
        ours |= {"attack": attacked} if batch == FULL else {}
        alone, done = [bare(batch)], {name: [] for name in ours}
        for _ in range(3):  # in turns, so that a slow minute strikes both
            for name, work in ours.items():
                done[name].append(work(batch))
            alone.append(bare(batch))
        rows.append({"batch": batch, "bare": np.mean(alone), **{name: np.mean(all_) for name, all_ in done.items()}})
        print(json.dumps(rows[-1]), flush=True)
    return {"sgemm_flops": sgemm, "flops_per_gradient": flops(model), "rows": rows}


def rate(work, seconds=2):
    """Calls a second."""
    work()
    calls, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        work()
        calls += 1
    return calls / (time.perf_counter() - begin)


def flops(model):
    """Of a gradient: two for each multiplication forward, and as many back to the pixels."""
    forward = 0
    for layer in model.layers:
        if layer.weights:
            places = np.prod(layer.output.shape[1:-1]) if layer.output.ndim > 2 else 1
            forward += 2 * int(np.prod(layer.weights[0].shape)) * int(places)
    return 2 * forward


def point(*what):
    done = subprocess.run([sys.executable, HERE / "point.py", *map(str, what)], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    print(*what, json.dumps(found), flush=True)
    return found


def scaling():
    sizes = {"images": (100, 1000, 10_000), "noises": (1, 8, 26, 128), "side": (28, 56, 112)}
    return {kind: [{kind: n, **point(kind, n)} for n in values] for kind, values in sizes.items()}


def course():
    paths = [*(data.ROOT / "notebooks").glob("*.ipynb"), *(data.ROOT / "notebooks" / "in_depth").glob("*.ipynb")]
    return [{"notebook": path.stem, **point("notebook", path)} for path in sorted(paths)]


def machine():
    return results.provenance(**results.machine(), packages={name: installed(name) for name in PACKAGES})


def networks():
    return {str(k): cnn.load(seed=k) for k in range(3)}


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "is absent"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="which of them; all, where none is named")
    parser.add_argument("--images", type=int, default=1000, help="of peers, rounding, direction; optimality takes half")
    asked = parser.parse_args()
    if not 1 <= asked.images <= 10_000:
        parser.error(f"--images must lie in 1 … 10000; found {asked.images}")
    mnist = data.load("mnist")
    if not mnist.published:
        sys.exit("The benchmarks are of MNIST, which could not be had: README.md says how to get it")
    parts = {
        "peers": lambda: against_peers(cnn.load(), mnist, asked.images),
        "rounding": lambda: by_rounding(cnn.load(), mnist, asked.images),
        "direction": lambda: direction.measure(networks(), mnist, asked.images),
        "optimality": lambda: optimality.measure(networks(), mnist, (asked.images + 1) // 2),
        "common": lambda: against_universal(cnn.load(), mnist),
        "limit": lambda: limit(cnn.load(), mnist),
        "scaling": scaling,
        "course": course,
        "pages": pages.measure,
        "live": live_page.measure,
    }
    unknown = set(asked.parts) - set(parts)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}: there are {', '.join(parts)}")
    here = machine()
    for name in asked.parts or parts:
        print(f"--- {name}", flush=True)
        measured = parts[name]()
        report.save(report.load() | {name: {"measured": measured, **here}})
        report.write(report.load())


if __name__ == "__main__":
    main()
