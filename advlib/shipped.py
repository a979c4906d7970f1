"""How the shipped networks were made: python -m advlib.shipped trains those that are not there."""

import sys
from itertools import product

import numpy as np

from . import cnn, data, defences, results
from .common import common_noise
from .files import replacing
from .gradients import accuracy, predict
from .transforms import shifted

SNAPSHOTS = (0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
CURVE = (*SNAPSHOTS, *range(1000, 20_001, 1000))


def train_shipped(architecture, seed):
    """Train a network as the paper did; writes its weights, its curve and, of a shipped one, its filters."""
    name = f"mnist-{architecture}-{seed}"
    folder = cnn.WEIGHTS if seed in range(3) else cnn.CACHE  # for the ledger: what they gave is kept, they are not
    dataset = data.load("mnist")
    model = cnn.ARCHITECTURES[architecture](seed=seed)
    shown = architecture == "cnn" and folder == cnn.WEIGHTS
    watch = (lambda m: m.layers[0].kernel.numpy()[:, :, 0]) if shown else None
    history = cnn.train(
        model, dataset, seed=seed, watch=watch, checkpoint=cnn.CACHE / f"{name}-training.npz",
        evaluate_at=CURVE,
    )  # fmt: skip
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])  # as they are saved
    correct = int(np.sum(predict(model, dataset.test[0]) == dataset.test[1]))
    if watch:
        kept = [history["watched"][history["iteration"].index(i)] for i in SNAPSHOTS]
        with replacing(results.RESULTS / f"filters-{name}.npz") as part, open(part, "wb") as file:
            np.savez_compressed(file, iteration=SNAPSHOTS, filters=np.float16(kept))
    counted = {"test_correct": correct, "test_images": len(dataset.test[1])}
    results.save(
        f"training-{name}",
        {
            "iteration": history["iteration"],
            "validation_accuracy": history["accuracy"],
            "loss_per_100_batches": np.reshape(history["loss"], (-1, 100)).mean(1).round(5).tolist(),
            **counted,
        },
        seed=seed,
    )
    cnn.save(model, folder / f"{name}.npz")  # last: where it is, nothing is missing
    return counted


# (architecture, size): epochs and first learning rate, out of a dozen recipes that were tried.  The choice was made on
# the validation images, but the test images had been looked at, so that rates on them flatter a little.
SIGNS = {
    ("cnn", 16): (60, 1e-3), ("cnn", 32): (30, 1e-3), ("cnn", 64): (40, 5e-4),
    ("deep", 32): (40, 1e-3), ("deep", 64): (25, 1e-3),
}  # fmt: skip


def jittered(images, rng):
    """Photographs as they might have been taken: cut out a little beside, in a little more or less light.

    A shift by up to a 32nd of the side, as whole pixels (so none at 16), and a brightness between e^-0.2 and e^0.2.
    """
    moved = shifted(images, rng, images.shape[1] // 32)
    light = np.exp(rng.uniform(-0.2, 0.2, (len(images), 1, 1, 1)))
    return np.clip(moved * light.astype(np.float32), 0, 1)


def train_for_signs(architecture, size, seed):
    """Train one of the shipped networks for traffic signs; writes its weights."""
    epochs, rate = SIGNS[architecture, size]
    dataset = data.load("signs", size)
    model = cnn.FOR_SIGNS[architecture](size, seed=seed)
    cnn.train(
        model, dataset, iterations=epochs * (len(dataset.train[0]) // 50), learning_rate=rate, falling=True,
        augment=jittered, seed=cnn.own_seed(size, seed, architecture == "deep"),
    )  # fmt: skip
    cnn.save(model, cnn.WEIGHTS / f"signs-{architecture}-{size}-{seed}.npz")
    model = cnn.load("signs", seed, architecture, size)
    return {"validation": accuracy(model, *dataset.validation), "test": accuracy(model, *dataset.test)}


def train_to_resist(defence, seed):
    """Train one of the shipped networks of the defences; writes its weights."""
    dataset = data.load("mnist")
    batches = defences.EPOCHS[defence] * (len(dataset.train[0]) // defences.BATCH)
    model, teacher = (cnn.ARCHITECTURES[defence](seed=s) for s in (seed, cnn.TEACHER + seed))
    defences.train_defended(defence, model, teacher, dataset, batches, seed)
    cnn.save(model, cnn.WEIGHTS / f"mnist-{defence}-{seed}.npz")
    model = cnn.load("mnist", seed, defence)
    return {"validation": accuracy(model, *dataset.validation), "test": accuracy(model, *dataset.test)}


def learn_for_the_page():
    """Learn the noises that the live page lays over drawings, as the full run of Figure 2: every class at 16 ε."""
    eps = np.linspace(0.15, 0.3, 16).round(2)
    learned = common_noise(
        cnn.load("mnist", 0), *data.load("mnist").validation,
        eps=np.tile(eps, 10), source=np.repeat(np.arange(10), len(eps)), alpha=1 / 255, progress=True,
    )  # fmt: skip
    noise = np.reshape([found.noise for found in learned], (10, len(eps), 28, 28, 1))
    with replacing(results.RESULTS / "live_noises.npz") as part, open(part, "wb") as file:
        np.savez_compressed(file, noise=np.float16(noise), eps=eps)
    results.save("live_noises", {"eps": eps.tolist(), "classes": 10}, seed=0)


def missing():
    """The networks that are neither shipped nor trained yet: what trains each, and its arguments."""
    wanted = [(train_shipped, "mnist", *which) for which in [*product(["cnn"], range(10)), ("dense", 0)]]
    wanted += [(train_for_signs, "signs", *which, seed) for which, seed in product(SIGNS, range(3))]
    wanted += [(train_to_resist, "mnist", *which) for which in product(defences.EPOCHS, range(3))]
    there = {path.stem for folder in (cnn.WEIGHTS, cnn.CACHE) for path in folder.glob("*.npz")}
    return [(train, which) for train, *which in wanted if "-".join(map(str, which)) not in there]


def main():
    """Train what a full run needs and is not there; nothing on the images that stand in for missing ones."""
    wanted = missing()
    absent = {name for name in {name for _, (name, *_) in wanted} if not data.load(name).published}
    if absent:
        print(f"Digits stand in for the images of {', '.join(absent)}, so that no network of theirs is trained")
    if left := [(train, which) for train, which in wanted if which[0] not in absent]:
        print(f"Networks to be trained first, each with a bar that tells how long: {len(left)}")
    for train, (_, *which) in left:
        print(*which, train(*which), flush=True)
    if not (results.RESULTS / "live_noises.npz").exists() and data.load("mnist").published:
        learn_for_the_page()


if __name__ == "__main__":  # python -m advlib.shipped
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted: called again, it goes on where it was")
