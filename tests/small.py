"""Small data, a network that is trained in no time, interruptions and a bait, for several test files."""

import io
import os

import numpy as np

from advlib import cnn, data


def dataset(seed=0):
    """50 images to learn on and 400 to validate on; half are bright on the left, half on the right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 450)
    images = rng.integers(0, 100, (450, 8, 8), np.uint8)
    images[labels == 0, :, :4] += 100
    images[labels == 1, :, 4:] += 100
    raw = {"x_train": images, "y_train": labels, "x_test": images[:9], "y_test": labels[:9]}
    return data.Dataset("digits", tuple("0123456789"), raw)


DATASET = dataset()
TABLE_1 = {"shape": (8, 8, 1), "hidden": 6}  # what makes cnn.build small


def network(seed=0):
    """With dropout as Table I, and quicker to train."""
    return cnn.build_dense(hidden=(6,), shape=(8, 8, 1), seed=seed)


def train(model, iterations=8, dataset=DATASET, **settings):
    settings = {"batch_size": 10, "learning_rate": 1e-3, "progress": False} | settings
    return cnn.train(model, dataset, iterations=iterations, **settings)


U = 2.0**-24  # unit roundoff of single precision


def gamma(n):
    """n roundings in a row change a number by at most this share (Higham, Accuracy and Stability, 3.1)."""
    return n * U / (1 - n * U)


def equal(a, b):
    """Bit for bit the same weights."""
    return all(v.tobytes() == w.tobytes() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def interrupting(call, after):
    """The function, which a key press interrupts at its so-and-so-manieth call."""
    calls = iter(range(after))

    def interrupted(*args, **kwargs):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return call(*args, **kwargs)

    return interrupted


def half_written(savez, after):
    """The like of np.savez, interrupted in the middle of a file."""
    calls = iter(range(after))

    def interrupted(file, *args, **arrays):
        if next(calls, None) is None:
            file.write(b"PK half a file")
            raise KeyboardInterrupt
        savez(file, *args, **arrays)

    return interrupted


def npz(arrays, save=np.savez_compressed):
    """The bytes of such a file."""
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def without_data(folder, monkeypatch):
    """A checkout on a machine that has no data."""
    (folder / "checkout" / "data").mkdir(parents=True)
    monkeypatch.setattr(data, "ROOT", folder / "checkout")
    monkeypatch.setattr(data, "DATA", folder / "checkout" / "data")
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("ADVLIB_DATA", raising=False)
    monkeypatch.delenv("ADVLIB_DATASET", raising=False)


def listed(folder):
    """Every file in a folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


class Evil:
    """Its pickle makes a folder when it is opened."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)
