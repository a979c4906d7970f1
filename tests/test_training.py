"""Training: Adam's step, the order of the images, and a training that is interrupted and goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small import DATASET, TABLE_1, U, dataset, equal, gamma, half_written, interrupting, network, npz, train

from advlib import cnn, data, files, training
from advlib.backend import keras

ROOT = Path(__file__).resolve().parents[1]


def relabelled():
    raw = DATASET.raw | {"y_train": DATASET.raw["y_train"][::-1]}
    return data.Dataset("digits", DATASET.class_names, raw)


# --------------------------------------------------------------------------------- learning
def test_one_step_of_adam_by_hand():
    """The loss is the mean cross-entropy, and Adam's first step nearly alpha times the gradient's sign.

    Both as exactly as single precision can tell: the step grows with the gradient g, so it lies between those of
    g − δ and g + δ, where δ is how far off g may be.
    """
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    kernel, bias = model.get_weights()
    images, labels = DATASET.train
    rows = training._batch(50, 10, 7, 0)
    x, one_hot = images[rows].reshape(10, 64).astype(float), np.eye(10)[labels[rows]]
    z = x @ kernel + bias
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    gradient = x.T @ (p - one_hot) / 10
    # z adds 64 products and a bias; exp, its sum and the quotient are fewer than 20 roundings
    off = (gamma(65) * (x @ np.abs(kernel) + np.abs(bias))).max() + U * np.ptp(z)
    share = np.exp(2 * off) * (1 + gamma(20)) - 1
    delta = x.T @ (share * p + U) / 10 + gamma(12) * x.T @ np.abs(p - one_hot) / 10

    def step(g, grow):
        """Adam's, whose ε is divided by the root of 1 − β₂ = 0.001: that in single precision is off by U at most."""
        return grow * 0.01 * g / (np.abs(g) + 1e-7 / np.sqrt(0.001))

    loss = train(model, iterations=1, seed=7, learning_rate=0.01)["loss"]
    expected = -np.log(p[one_hot == 1]).mean()
    assert loss == pytest.approx([expected], abs=np.log1p(share) + gamma(20) * (1 + np.abs(z).max()))
    grow, rounded = U / 0.001 + gamma(20), U * (np.abs(kernel) + 0.01)
    ends = [step(gradient + a * delta, 1 + b * grow) for a in (-1, 1) for b in (-1, 1)]
    moved = kernel.astype(np.float64) - model.get_weights()[0]
    assert np.max(np.max(ends, 0) - np.min(ends, 0)) < 0.001, "it would tell nothing"
    assert (np.min(ends, 0) - rounded <= moved).all()
    assert (moved <= np.max(ends, 0) + rounded).all()


def test_an_epoch_shows_every_image_once_in_a_new_order():
    epochs = [np.concatenate([training._batch(50, 10, 0, i) for i in range(k, k + 5)]) for k in (0, 5)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert training._batch(50, 10, 1, 0).tolist() != epochs[0][:10].tolist()


def test_the_rest_of_an_uneven_epoch_is_left_out():
    """As in the 2017 script: batches are always full."""
    assert [len(training._batch(50, 15, 0, i)) for i in range(7)] == [15] * 7
    assert len({*np.concatenate([training._batch(50, 15, 0, i) for i in range(3)])}) == 45


def test_it_learns():
    history = train(cnn.build(**TABLE_1), iterations=60, evaluate_at=[0], learning_rate=3e-3)
    assert history["iteration"] == [0, 60]
    assert history["accuracy"][0] < 0.7
    assert history["accuracy"][-1] > 0.9
    assert len(history["loss"]) == 60
    assert np.mean(history["loss"][-10:]) < np.mean(history["loss"][:10]) / 2


def test_the_same_seed_gives_the_same_network():
    same, again, other = cnn.build(**TABLE_1), cnn.build(**TABLE_1), cnn.build(**TABLE_1)
    first = train(same)
    assert train(again) == first
    assert equal(same, again)
    assert train(other, seed=1)["loss"] != first["loss"]


def filters(model):
    return model.layers[1].kernel.numpy()


def test_measuring_changes_nothing():
    plain, measured = network(), network()
    train(plain)
    history = train(measured, evaluate_at=range(8), watch=filters)
    assert equal(plain, measured)
    assert history["iteration"] == list(range(9))
    assert (history["watched"][0] == filters(network())).all()
    assert (history["watched"][-1] == filters(measured)).all()


def test_dropout_is_on_while_training_and_differs_at_each_step():
    """Weights that stand still, one image over and over: only dropout can make the losses differ."""
    raw = {key: np.repeat(values[:1], len(values), axis=0) for key, values in DATASET.raw.items()}
    losses = train(network(), dataset=data.Dataset("digits", (), raw), learning_rate=0.0)["loss"]
    assert len(set(losses)) > 3


def noisy(images, rng):
    return images + rng.normal(0, 0.1, images.shape).astype(np.float32)


def test_what_is_augmented_is_learned():
    """The images become black, so nothing can be learned: the loss of a guess, ln 2, is the least."""
    black = train(cnn.build(**TABLE_1), 60, learning_rate=3e-3, augment=lambda images, rng: 0 * images)
    assert np.mean(black["loss"][-10:]) > 0.6
    assert train(network(), 2, augment=noisy)["loss"] != train(network(), 2)["loss"]


def test_a_rate_that_falls_ends_near_nothing():
    """Adam's first steps are as long as the rate; along a cosine the last of 12 is under a 50th of it."""
    models = [network() for _ in range(2)]
    for model, n in zip(models, (0, 12), strict=True):
        train(model, n, falling=n > 0, learning_rate=1e-3)
    seen = []
    train(
        network(),
        12,
        falling=True,
        learning_rate=1e-3,
        evaluate_at=[11, 12],
        watch=lambda m: seen.append(filters(m)) or 0,
    )
    assert np.abs(seen[-1] - seen[-2]).max() < 1e-3 / 50
    assert not equal(*models)


def test_interrupted_with_a_falling_rate_and_augmented_images(tmp_path, monkeypatch):
    settings = {"falling": True, "augment": noisy}
    expected = network()
    losses = train(expected, 12, **settings)["loss"]
    settings |= {"checkpoint": tmp_path / "checkpoint.npz", "save_every": 3}
    monkeypatch.setattr(training, "_batch", interrupting(training._batch, 8))
    with pytest.raises(KeyboardInterrupt):
        train(network(), 12, **settings)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="is the checkpoint of another training: falling over 12 there, 24 here"):
        train(network(), 24, **settings)
    model = network()
    assert train(model, 12, **settings)["loss"] == losses
    assert equal(model, expected)


@pytest.mark.parametrize("batch_size", [0, 51, -1])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must lie in 1 … 50; found {batch_size}"):
        train(network(), batch_size=batch_size)
    with pytest.raises(TypeError, match="batch_size must be a whole number"):
        train(network(), batch_size=10.0)


def of_a_dict(model):
    return {"filters": filters(model)}


@pytest.mark.parametrize(
    ("watch", "found"),
    [(of_a_dict, "dict"), (lambda model: model.get_weights(), "list"), (lambda model: None, "NoneType"), (str, "str")],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_trained(watch, found, tmp_path):
    model, path = network(), tmp_path / "checkpoint.npz"
    with pytest.raises(
        TypeError, match=f"watch must return an array of numbers, of one shape each time; found {found}"
    ):
        train(model, watch=watch, evaluate_at=[4], checkpoint=path)
    assert equal(model, network())
    assert not path.exists()


# ----------------------------------------------------------------------------- interruptions
@pytest.fixture(scope="module")
def uninterrupted():
    model = network()
    return model, train(model, 12, evaluate_at=[0, 4, 7], watch=filters)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The bytes of the same training's last checkpoint."""
    path = tmp_path_factory.mktemp("finished") / "checkpoint.npz"
    train(network(), 12, evaluate_at=[0, 4, 7], watch=filters, checkpoint=path)
    return path.read_bytes()


@pytest.fixture
def checkpoint(finished, tmp_path):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(finished)
    return path


def assert_as_if_never_interrupted(model, history, uninterrupted):
    expected_model, expected = uninterrupted
    assert equal(model, expected_model)
    watched, expected_watched = history.pop("watched"), expected["watched"]
    assert np.array_equal(watched, expected_watched)
    assert history == {key: expected[key] for key in history}


@pytest.mark.parametrize("where", ["before anything is saved", "in a batch", "in a measurement", "in a save"])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(where, uninterrupted, tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "checkpoint.npz"
    settings = {"evaluate_at": [0, 4, 7], "checkpoint": path, "save_every": 3}
    watch = filters
    if where == "in a measurement":
        watch = interrupting(filters, 3)  # the first is a trial; before iteration 7, last save at 6
    elif where == "in a save":
        monkeypatch.setattr(np, "savez", half_written(np.savez, after=2))
    else:
        n = 2 if where == "before anything is saved" else 8
        monkeypatch.setattr(training, "_batch", interrupting(training._batch, n))
    with pytest.raises(KeyboardInterrupt):
        train(network(), 12, watch=watch, **settings)
    monkeypatch.undo()
    saved = [] if where == "before anything is saved" else ["checkpoint.npz"]
    assert [p.name for p in path.parent.glob("*")] == saved
    model = network()
    history = train(model, 12, watch=filters, **settings)
    assert_as_if_never_interrupted(model, history, uninterrupted)
    assert [p.name for p in path.parent.glob("*")] == ["checkpoint.npz"]


def test_a_finished_training_is_not_repeated(uninterrupted, checkpoint, monkeypatch):
    monkeypatch.setattr(training, "_batch", interrupting(training._batch, 0))
    model = network()
    history = train(model, 12, evaluate_at=[0, 4, 7], watch=filters, checkpoint=checkpoint)
    assert_as_if_never_interrupted(model, history, uninterrupted)


def test_a_training_can_be_prolonged(checkpoint):
    model, expected = network(), network()
    history = train(model, 15, checkpoint=checkpoint)
    assert history["loss"] == train(expected, 15)["loss"]
    assert equal(model, expected)


OTHERS = {  # what differs, and as what it is named
    "the model's seed": ({}, r"first weights \w{12} there"),
    "the model's size": ({}, r"first weights \w{12} there"),
    "the model's depth": ({}, r"first weights \w{12} there"),  # it has more arrays than the checkpoint
    "the order's seed": ({"seed": 1}, "order of the images 0 there, 1 here"),
    "the learning rate": ({"learning_rate": 1e-4}, "learning rate 0.001 there, 0.0001 here"),
    "the size of a batch": ({"batch_size": 25}, "images a batch 10 there, 25 here"),
    "the images": ({"dataset": dataset(seed=1)}, r"images \w{12} there"),  # their data set has the same name
    "the labels": ({"dataset": relabelled()}, r"images \w{12} there"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_checkpoint_of_another_training_is_refused(what, checkpoint, finished):
    hidden = {"the model's size": (7,), "the model's depth": (6, 6)}.get(what, (6,))
    model = cnn.build_dense(hidden=hidden, shape=(8, 8, 1), seed=int(what == "the model's seed"))
    untouched = model.get_weights()
    settings, named = OTHERS[what]
    message = rf"checkpoint\.npz is the checkpoint of another training: {named}.*: give the checkpoint another name"
    with pytest.raises(ValueError, match=message):
        train(model, 15, checkpoint=checkpoint, **settings)
    assert checkpoint.read_bytes() == finished
    assert all(np.array_equal(v, w) for v, w in zip(model.get_weights(), untouched))


def of_weights(path):
    cnn.save(network(), path)


def of_images(path):
    path.write_bytes(npz(DATASET.raw, np.savez))


@pytest.mark.parametrize("write", [of_weights, of_images])
def test_another_file_is_no_checkpoint_and_is_left_alone(write, tmp_path):
    path = tmp_path / "mnist.npz"
    write(path)
    contents = path.read_bytes()
    with pytest.raises(files.DataError, match=r"mnist\.npz holds .*, and no settings: give the checkpoint") as refused:
        train(network(), checkpoint=path)
    assert "delete" not in str(refused.value)
    assert path.read_bytes() == contents


def test_a_folder_is_no_checkpoint_and_is_left_alone(tmp_path):
    (tmp_path / "something").write_text("of somebody's")
    model = network()
    with pytest.raises(files.DataError, match="is a folder, where a file is expected: give the checkpoint") as refused:
        train(model, checkpoint=tmp_path)
    assert "delete" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
    assert equal(model, network())


def test_the_checkpoint_of_a_longer_training_is_refused(checkpoint):
    message = r"checkpoint\.npz has 12 iterations already, more than 11: give the checkpoint another name"
    model = network()
    with pytest.raises(ValueError, match=message):
        train(model, 11, checkpoint=checkpoint)
    assert equal(model, network())


def test_a_checkpoint_that_has_passed_a_measurement_is_refused(checkpoint):
    """Else the curve would be one point short, and nobody told."""
    model = network()
    with pytest.raises(ValueError, match=r"is past iteration 5, and nothing was measured there: give the checkpoint"):
        train(model, 15, evaluate_at=[4, 5], checkpoint=checkpoint)
    assert equal(model, network())


def test_settings_that_numpy_counts_can_be_saved(tmp_path):
    settings = {"batch_size": np.int64(10), "learning_rate": np.float32(1e-3), "seed": np.int64(0)}
    history = train(network(), np.int64(4), falling=True, checkpoint=tmp_path / "a.npz", **settings)
    plain = {"batch_size": 10, "learning_rate": float(np.float32(1e-3)), "seed": 0}
    assert train(network(), 4, falling=True, checkpoint=tmp_path / "a.npz", **plain)["loss"] == history["loss"]


def test_a_damaged_checkpoint_is_refused(checkpoint, finished):
    checkpoint.write_bytes(half := finished[:1000])
    with pytest.raises(files.DataError, match=r"checkpoint\.npz cannot be read .*: give the checkpoint another name"):
        train(network(), checkpoint=checkpoint)
    assert checkpoint.read_bytes() == half


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from advlib import cnn, data
open({ready!r}, "w").close()
import small
small.train(small.network(), 10**6, checkpoint={path!r}, save_every=3)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A kernel that imports advlib, trains, and is killed in the middle; what it printed, what it left."""
    folder = tmp_path_factory.mktemp("killed")
    path, ready = folder / "checkpoint.npz", folder / "ready"
    script = CHILD.format(tests=str(ROOT / "tests"), ready=str(ready), path=str(path))
    kernel = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 600  # only a machine in distress needs that
    while not path.exists() and kernel.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    kernel.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    printed = kernel.communicate()
    return path, ready.exists(), printed


def test_importing_prints_nothing(killed):
    """TensorFlow's chatter from C++ included, up to and with the first training."""
    _, imported, printed = killed
    assert imported
    assert printed == ("", "")


def test_a_killed_kernels_training_goes_on(killed):
    path = killed[0]
    with np.load(path, allow_pickle=False) as saved:
        done = len(saved["loss"])
    assert done > 0
    model, expected = network(), network()
    train(model, done + 5, checkpoint=path)
    train(expected, done + 5)
    assert equal(model, expected)
