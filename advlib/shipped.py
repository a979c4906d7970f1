"""How the shipped networks were made: python -m advlib.shipped trains those that are not there."""

import numpy as np

from . import cnn, data, results
from .files import replacing
from .gradients import predict

SNAPSHOTS = (0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def train_shipped(architecture, seed):
    """Train one of the shipped networks as the paper did; writes its weights, its curve and its filters."""
    name = f"mnist-{architecture}-{seed}"
    dataset = data.load("mnist")
    model = cnn.ARCHITECTURES[architecture](seed=seed)
    watch = (lambda m: m.layers[0].kernel.numpy()[:, :, 0]) if architecture == "cnn" else None
    history = cnn.train(
        model, dataset, seed=seed, watch=watch, checkpoint=cnn.CACHE / f"{name}-training.npz",
        evaluate_at=[*SNAPSHOTS, *range(1000, 20_001, 1000)],
    )  # fmt: skip
    cnn.save(model, cnn.WEIGHTS / f"{name}.npz")
    model = cnn.load("mnist", seed, architecture)
    correct = int(np.sum(predict(model, dataset.test[0]) == dataset.test[1]))
    if watch:
        kept = [history["watched"][history["iteration"].index(i)] for i in SNAPSHOTS]
        with replacing(results.RESULTS / f"filters-{name}.npz") as part, open(part, "wb") as file:
            np.savez_compressed(file, iteration=SNAPSHOTS, filters=np.float16(kept))
    results.save(
        f"training-{name}",
        {
            "iteration": history["iteration"],
            "validation_accuracy": history["accuracy"],
            "loss_per_100_batches": np.reshape(history["loss"], (-1, 100)).mean(1).round(5).tolist(),
            "test_correct": correct,
            "test_images": len(dataset.test[1]),
        },
        seed=seed,
    )
    return correct


if __name__ == "__main__":  # python -m advlib.shipped: train what is not there
    for kind, number in [("cnn", 0), ("cnn", 1), ("cnn", 2), ("dense", 0)]:
        if not (cnn.WEIGHTS / f"mnist-{kind}-{number}.npz").exists():
            print(kind, number, train_shipped(kind, number), "of 10000 test images read correctly")
