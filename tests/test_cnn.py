"""Table I: sizes, first weights, the forward pass by hand; training that can be stopped and repeated."""

import gc
import os
import random
import signal
import subprocess
import sys
import time
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate

from advlib import cnn, data, results
from advlib.backend import keras, tf

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"shape": (8, 8, 1), "hidden": 6}


def small_dataset():
    """50 images to learn on and 400 to validate on; half are bright on the left, half on the right."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 450)
    images = rng.integers(0, 100, (450, 8, 8), np.uint8)
    images[labels == 0, :, :4] += 100
    images[labels == 1, :, 4:] += 100
    raw = {"x_train": images, "y_train": labels, "x_test": images[:9], "y_test": labels[:9]}
    return data.Dataset("digits", tuple("0123456789"), raw)


DATASET = small_dataset()


def network(seed=0):
    """With dropout as Table I, and quicker to train."""
    return cnn.build_dense(hidden=(6,), shape=(8, 8, 1), seed=seed)


def train(model, iterations=8, dataset=DATASET, **settings):
    settings = {"batch_size": 10, "learning_rate": 1e-3, "progress": False} | settings
    return cnn.train(model, dataset, iterations=iterations, **settings)


def equal(a, b):
    """Bit for bit the same weights."""
    return all(v.tobytes() == w.tobytes() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


# ------------------------------------------------------------------------------ architecture
@pytest.mark.parametrize(("hidden", "parameters"), [(1024, 3_274_634), (1204, 3_841_094)])
def test_parameters_of_table_1(hidden, parameters):
    model = cnn.build(hidden=hidden)
    assert model.count_params() == parameters
    assert [layer.count_params() for layer in model.layers if layer.weights] == [
        5 * 5 * 32 + 32, 5 * 5 * 32 * 64 + 64, 7 * 7 * 64 * hidden + hidden, hidden * 10 + 10
    ]  # fmt: skip


def test_layers_of_table_1():
    model = cnn.build()
    assert model.input_shape == (None, 28, 28, 1)
    assert [(type(layer).__name__, layer.output.shape[1:]) for layer in model.layers] == [
        ("Conv2D", (28, 28, 32)), ("MaxPooling2D", (14, 14, 32)),
        ("Conv2D", (14, 14, 64)), ("MaxPooling2D", (7, 7, 64)),
        ("Flatten", (3136,)), ("Dense", (1024,)), ("Dropout", (1024,)), ("Dense", (10,)),
    ]  # fmt: skip
    assert model.layers[6].rate == 0.5


def test_the_dense_network():
    assert cnn.build_dense().count_params() == (784 + 1) * 400 + (400 + 1) * 400 + (400 + 1) * 10
    assert cnn.build_dense(hidden=(3, 4, 5), classes=2, shape=(2, 2, 3)).count_params() == 39 + 16 + 25 + 12


def convolve(images, kernel, bias):
    """Every output pixel by the definition, with zeros around the image."""
    n_in, n_out = kernel.shape[2:]
    maps = [
        [sum(correlate(image[..., i], kernel[..., i, o], "same") for i in range(n_in)) for image in images]
        for o in range(n_out)
    ]
    return np.moveaxis(np.array(maps), 0, -1) + bias


def pool(images):
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def test_logits_by_hand():
    """The forward pass of Table I in numpy and scipy: ReLU, no dropout when reading, and no softmax."""
    model = cnn.build(**SMALL, classes=3, seed=4)
    k1, b1, k2, b2, w3, b3, w4, b4 = (w.astype(float) for w in model.get_weights()[:8])
    x = np.random.default_rng(1).random((2, 8, 8, 1))
    h = pool(np.maximum(convolve(x, k1, b1), 0))
    h = pool(np.maximum(convolve(h, k2, b2), 0))
    h = np.maximum(h.reshape(2, -1) @ w3 + b3, 0)
    assert cnn.logits(model, x) == pytest.approx(h @ w4 + b4, abs=1e-5)


@pytest.mark.parametrize("build", [cnn.build, cnn.build_dense])
def test_the_output_is_logits(build):
    model = build()
    z = cnn.logits(model, np.random.default_rng(0).random((20, 28, 28, 1)))
    assert z.min() < 0
    assert not np.allclose(z.sum(1), 1, atol=0.1)
    assert model.layers[-1].activation is keras.activations.linear


def test_first_weights_are_those_of_the_script():
    """Truncated normal with standard deviation 0.1, so within ±0.2 (which makes it 0.08796); biases 0.1."""
    model = cnn.build(seed=3)
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        assert (bias == np.float32(0.1)).all()
        assert np.abs(kernel).max() <= 0.2
        assert abs(kernel.mean()) < 4 * 0.088 / np.sqrt(kernel.size)
        assert kernel.std() == pytest.approx(0.08796, abs=4 * 0.088 / np.sqrt(2 * kernel.size))
    assert np.abs(model.layers[5].kernel).max() > 0.1999, "the cut is at two standard deviations"


@pytest.mark.parametrize("build", [cnn.build, cnn.build_dense])
def test_the_seed_decides_the_first_weights(build):
    assert equal(build(seed=1), build(seed=1))
    one, two = (build(seed=seed).get_weights() for seed in (1, 2))
    kernels = [(v, w) for v, w in zip(one, two) if v.ndim > 1]
    assert all((v != w).mean() > 0.99 for v, w in kernels)


def test_layers_begin_differently():
    """One seed for all layers would make the first weights of each the same numbers."""
    starts = [w.flat[:50].tobytes() for w in cnn.build_dense().get_weights() if w.ndim > 1]
    assert len(set(starts)) == 3


def draws():
    """What the four global generators give next."""
    tensors = [float(tf.random.normal(())), float(keras.random.normal(()))]
    return [random.random(), np.random.random(), *tensors]  # noqa: NPY002


def test_global_random_state_is_left_alone():
    keras.utils.set_random_seed(5)
    expected = draws()
    keras.utils.set_random_seed(5)
    train(cnn.build(**SMALL, seed=9), seed=9)
    assert draws() == expected
    assert draws() != expected


# ----------------------------------------------------------------------------------- reading
def test_logits_do_not_depend_on_the_batch():
    model = cnn.build()
    x = np.random.default_rng(0).random((23, 28, 28, 1), np.float32)
    whole = cnn.logits(model, x)
    assert (whole.shape, whole.dtype) == ((23, 10), np.float32)
    digits = 1e-6 * np.abs(whole).max()  # of float32, which sums in another order
    for batch_size in (1, 7, 22, 23):
        assert np.abs(cnn.logits(model, x, batch_size=batch_size) - whole).max() < digits
    assert np.abs(cnn.logits(model, x[::-1]) - whole[::-1]).max() < digits


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64, list])
def test_images_of_any_type_are_read(kind):
    model = network()
    x = np.random.default_rng(0).integers(0, 2, (3, 8, 8, 1)).astype(np.float32)
    given = x.tolist() if kind is list else x.astype(kind)
    assert np.array_equal(cnn.logits(model, given), cnn.logits(model, x))


def test_reading_many_networks_does_not_alarm_tensorflow(caplog):
    for seed in range(8):
        cnn.logits(network(seed), DATASET.test[0])
    assert not caplog.records


def test_no_images_no_logits():
    nothing = cnn.logits(cnn.build(**SMALL), np.empty((0, 8, 8, 1)))
    assert (nothing.shape, nothing.dtype) == ((0, 10), np.float32)


def test_reading_leaves_no_model_behind():
    model = cnn.build(**SMALL)
    cnn.logits(model, DATASET.test[0])
    gc.collect()
    kept, gone = len(cnn._readers), weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert len(cnn._readers) == kept - 1


def test_logits_follow_the_weights():
    model = cnn.build(**SMALL)
    before = cnn.logits(model, DATASET.test[0])
    model.set_weights([0 * w for w in model.get_weights()])
    assert before.any()
    assert not cnn.logits(model, DATASET.test[0]).any()


def test_accuracy_counts():
    model = cnn.build(**SMALL)
    said = cnn.logits(model, DATASET.test[0]).argmax(1)
    assert cnn.accuracy(model, DATASET.test[0], said) == 1
    said[:3] = (said[:3] + 1) % 10
    assert cnn.accuracy(model, DATASET.test[0], said) == pytest.approx(6 / 9)


# ---------------------------------------------------------------------------------- training
def test_one_step_of_adam_by_hand():
    """The loss is the mean cross-entropy, and Adam's first step nearly alpha times the gradient's sign."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    kernel, bias = model.get_weights()
    images, labels = DATASET.train
    rows = cnn._batch(50, 10, 7, 0)
    x, one_hot = images[rows].reshape(10, 64).astype(float), np.eye(10)[labels[rows]]
    z = x @ kernel + bias
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    gradient = x.T @ (p - one_hot) / 10
    loss = train(model, iterations=1, seed=7, learning_rate=0.01)["loss"]
    assert loss == pytest.approx([-np.log(p[one_hot == 1]).mean()], rel=1e-5)
    expected = kernel - 0.01 * gradient / (np.abs(gradient) + 1e-7)
    assert model.get_weights()[0] == pytest.approx(expected, abs=1e-5)


def test_an_epoch_shows_every_image_once_in_a_new_order():
    epochs = [np.concatenate([cnn._batch(50, 10, 0, i) for i in range(k, k + 5)]) for k in (0, 5)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert cnn._batch(50, 10, 1, 0).tolist() != epochs[0][:10].tolist()


def test_the_rest_of_an_uneven_epoch_is_left_out():
    """As in the 2017 script: batches are always full."""
    assert [len(cnn._batch(50, 15, 0, i)) for i in range(7)] == [15] * 7
    assert len({*np.concatenate([cnn._batch(50, 15, 0, i) for i in range(3)])}) == 45


def test_it_learns():
    history = train(cnn.build(**SMALL), iterations=60, evaluate_at=[0], learning_rate=3e-3)
    assert history["iteration"] == [0, 60]
    assert history["accuracy"][0] < 0.7
    assert history["accuracy"][-1] > 0.9
    assert len(history["loss"]) == 60
    assert np.mean(history["loss"][-10:]) < np.mean(history["loss"][:10]) / 2


def test_the_same_seed_gives_the_same_network():
    same, again, other = cnn.build(**SMALL), cnn.build(**SMALL), cnn.build(**SMALL)
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


@pytest.mark.parametrize("batch_size", [0, 51, -1])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must lie in 1 … 50; found {batch_size}"):
        train(network(), batch_size=batch_size)


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


def interrupting(call, after):
    """The function, which a key press interrupts at its so-and-so-manieth call."""
    calls = iter(range(after))

    def interrupted(*args, **kwargs):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return call(*args, **kwargs)

    return interrupted


@pytest.mark.parametrize("where", ["before anything is saved", "in a batch", "in a measurement", "in a save"])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(where, uninterrupted, tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "checkpoint.npz"
    settings = {"evaluate_at": [0, 4, 7], "checkpoint": path, "save_every": 3}
    watch = filters
    if where == "in a measurement":
        watch = interrupting(filters, 2)  # before iteration 7; last save at 6
    elif where == "in a save":
        monkeypatch.setattr(np, "savez", half_written(np.savez, after=2))
    else:
        n = 2 if where == "before anything is saved" else 8
        monkeypatch.setattr(cnn, "_batch", interrupting(cnn._batch, n))
    with pytest.raises(KeyboardInterrupt):
        train(network(), 12, watch=watch, **settings)
    monkeypatch.undo()
    saved = [] if where == "before anything is saved" else ["checkpoint.npz"]
    assert [p.name for p in path.parent.glob("*")] == saved
    model = network()
    history = train(model, 12, watch=filters, **settings)
    assert_as_if_never_interrupted(model, history, uninterrupted)
    assert [p.name for p in path.parent.glob("*")] == ["checkpoint.npz"]


def half_written(savez, after):
    calls = iter(range(after))

    def interrupted(file, *args, **arrays):
        if next(calls, None) is None:
            file.write(b"PK half a file")
            raise KeyboardInterrupt
        savez(file, *args, **arrays)

    return interrupted


def test_a_finished_training_is_not_repeated(uninterrupted, checkpoint, monkeypatch):
    monkeypatch.setattr(cnn, "_batch", interrupting(cnn._batch, 0))
    model = network()
    history = train(model, 12, evaluate_at=[0, 4, 7], watch=filters, checkpoint=checkpoint)
    assert_as_if_never_interrupted(model, history, uninterrupted)


def test_a_training_can_be_prolonged(checkpoint):
    model, expected = network(), network()
    history = train(model, 15, checkpoint=checkpoint)
    assert history["loss"] == train(expected, 15)["loss"]
    assert equal(model, expected)


@pytest.mark.parametrize("other", [{"seed": 1}, {"learning_rate": 1e-4}, {"batch_size": 25}, {"hidden": 7}])
def test_the_checkpoint_of_another_training_is_refused(other, checkpoint, finished):
    settings = dict(other)
    model = cnn.build_dense(hidden=(settings.pop("hidden", 6),), shape=(8, 8, 1), seed=5)
    untouched = model.get_weights()
    with pytest.raises(ValueError, match=r"checkpoint\.npz is the checkpoint of another training: delete it"):
        train(model, 15, checkpoint=checkpoint, **settings)
    assert checkpoint.read_bytes() == finished
    assert all(np.array_equal(v, w) for v, w in zip(model.get_weights(), untouched))


def test_a_file_of_weights_is_no_checkpoint(tmp_path):
    path = tmp_path / "weights.npz"
    cnn.save(network(), path)
    with pytest.raises(ValueError, match=r"weights\.npz is the checkpoint of another training"):
        train(network(), checkpoint=path)


def test_the_checkpoint_of_a_longer_training_is_refused(checkpoint):
    with pytest.raises(
        ValueError, match=r"checkpoint\.npz has 12 iterations already, more than 11: delete it"
    ):
        train(network(), 11, checkpoint=checkpoint)


def test_a_damaged_checkpoint_is_refused(checkpoint, finished):
    checkpoint.write_bytes(half := finished[:1000])
    with pytest.raises(data.DataError, match=r"checkpoint\.npz cannot be read .*: delete it to start anew"):
        train(network(), checkpoint=checkpoint)
    assert checkpoint.read_bytes() == half


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from advlib import cnn, data
open({ready!r}, "w").close()
import test_cnn
test_cnn.train(test_cnn.network(), 10**6, checkpoint={path!r}, save_every=3)
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


# --------------------------------------------------------------------------- shipped networks
@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(cnn, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(cnn, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(cnn, "ARCHITECTURES", {"cnn": network})
    return tmp_path


def half_precision(model):
    return [w.astype(np.float16) for w in model.get_weights()]


def test_what_is_saved_is_the_rounded_network(folders):
    model = network(2)
    path = folders / "weights" / "mnist-cnn-1.npz"
    cnn.save(model, path)
    with np.load(path, allow_pickle=False) as saved:
        assert {saved[key].dtype for key in saved.files} <= {np.dtype(np.float16)}
    loaded = cnn.load("mnist", seed=1)
    rounded = [w.astype(np.float32) for w in half_precision(model)]
    assert all(w.dtype == np.float32 for w in loaded.get_weights())
    assert all(np.array_equal(v, w) for v, w in zip(loaded.get_weights(), rounded, strict=True))
    cnn.save(loaded, path)  # rounding once more changes nothing
    assert equal(cnn.load("mnist", seed=1), loaded)


def test_an_interrupted_save_leaves_the_old_weights(folders, monkeypatch):
    path = folders / "weights" / "mnist-cnn-0.npz"
    cnn.save(network(), path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", half_written(np.savez_compressed, after=0))
    with pytest.raises(KeyboardInterrupt):
        cnn.save(network(1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


class Evil:
    """Its pickle makes a folder when it is opened."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_weights_cannot_run_code(folders):
    path, trace = folders / "weights" / "mnist-cnn-0.npz", folders / "trace"
    path.parent.mkdir()
    np.savez(path, np.array([Evil(str(trace))], object))
    before = path.read_bytes()
    with pytest.raises(data.DataError, match=r"mnist-cnn-0\.npz cannot be read .*allow_pickle.*: delete it"):
        cnn.load("mnist")
    assert not trace.exists()
    assert path.read_bytes() == before
    with np.load(path, allow_pickle=True) as careless:
        careless["arr_0"]
    assert trace.exists()  # so the bait works


def test_damaged_weights_are_named(folders):
    path = folders / "weights" / "mnist-cnn-0.npz"
    cnn.save(network(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(data.DataError, match=r"mnist-cnn-0\.npz cannot be read .*git checkout data/weights"):
        cnn.load("mnist")


@pytest.mark.parametrize("unknown", [{"seed": 9}, {"name": "svhn"}])
def test_unknown_networks_are_refused_with_the_list(unknown, folders):
    for seed in (0, 1):
        cnn.save(network(), folders / "weights" / f"mnist-cnn-{seed}.npz")
    with pytest.raises(FileNotFoundError, match=r"is not there; shipped networks: mnist-cnn-0, mnist-cnn-1$"):
        cnn.load(**unknown)


def test_without_any_network_the_list_says_none(folders):
    with pytest.raises(FileNotFoundError, match=r"mnist-cnn-0\.npz is not there; shipped networks: none$"):
        cnn.load()


def test_unknown_architectures_are_refused_with_the_list():
    with pytest.raises(ValueError, match="architecture must be one of cnn, dense; found 'resnet'"):
        cnn.load(architecture="resnet")


# -------------------------------------------------------------------- the digits' own network
@pytest.fixture
def trainings(folders, monkeypatch):
    """How often the digits' network was trained (in five short steps here)."""
    counted = []
    real = cnn.train

    def short(model, dataset, **settings):
        counted.append(dataset.name)
        return real(model, DATASET, **settings | {"iterations": 5, "batch_size": 10, "progress": False})

    monkeypatch.setattr(cnn, "train", short)
    return counted


def test_the_digits_network_is_trained_once(trainings, folders):
    first = cnn.load("digits", seed=3)
    assert [p.name for p in (folders / "cache").iterdir()] == ["digits-cnn-3.npz"]
    second = cnn.load("digits", seed=3)
    assert trainings == ["digits"]
    assert equal(first, second)
    assert all(np.array_equal(w, w.astype(np.float16)) for w in first.get_weights())
    cnn.load("digits", seed=4)
    assert trainings == ["digits", "digits"]


def test_it_is_trained_anew_when_the_code_is_newer(trainings, folders):
    cnn.load("digits")
    path = folders / "cache" / "digits-cnn-0.npz"
    os.utime(path, (0, 0))
    cnn.load("digits")
    assert len(trainings) == 2
    assert path.stat().st_mtime > 0
    cnn.load("digits")
    assert len(trainings) == 2


def test_an_interrupted_training_leaves_no_network(trainings, folders, monkeypatch):
    whole = cnn.load("digits", seed=1)
    (folders / "cache" / "digits-cnn-1.npz").unlink()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(cnn, "_batch", interrupting(cnn._batch, 3))
        cnn.load("digits", seed=1)
    assert not list((folders / "cache").iterdir())
    assert equal(cnn.load("digits", seed=1), whole)


def test_two_kernels_train_it_at_once(trainings, folders, monkeypatch):
    """The second begins and ends while the first is at its third batch."""
    second, batch, calls = [], cnn._batch, iter(range(2))

    def meanwhile(*args):
        if next(calls, None) is None and not second:
            second.append(None)
            second[0] = cnn.load("digits")
        return batch(*args)

    monkeypatch.setattr(cnn, "_batch", meanwhile)
    first = cnn.load("digits")
    assert len(trainings) == 2
    assert equal(first, second[0])
    assert equal(first, cnn.load("digits"))
    assert [p.name for p in (folders / "cache").iterdir()] == ["digits-cnn-0.npz"]


def test_a_read_only_course_trains_it_each_time(trainings, folders, monkeypatch):
    written = cnn.load("digits")
    (folders / "file").touch()
    monkeypatch.setattr(cnn, "CACHE", folders / "file" / "cache")  # not even root can write there
    with pytest.warns(UserWarning, match=r"digits-cnn-0\.npz cannot be written .*: trained again next time"):
        unwritten = cnn.load("digits")
    assert equal(unwritten, written)
    assert len(trainings) == 2


def test_loading_warns_of_nothing(trainings, folders):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cnn.load("digits")


def test_the_shipped_networks_and_their_records(monkeypatch):
    """Three networks of Table I and the dense one, each with its curve, its seed and its commit."""
    folder = data.DATA / "weights"
    monkeypatch.setattr(cnn, "WEIGHTS", folder)
    names = ["mnist-cnn-0", "mnist-cnn-1", "mnist-cnn-2", "mnist-dense-0"]
    assert sorted(p.stem for p in folder.glob("*.npz")) == names
    for name in names:
        _, architecture, seed = name.split("-")
        model = cnn.load("mnist", int(seed), architecture)
        assert model.count_params() == {"cnn": 3_274_634, "dense": 478_410}[architecture]
        assert all(np.isfinite(w).all() for w in model.get_weights())
        record = results.load(f"training-{name}")
        assert record["provenance"]["seed"] == int(seed)
        assert record["iteration"][-1] == 20_000
        assert len(record["loss_per_100_batches"]) == 200
    assert (folder / "mnist-dense-0.npz").stat().st_size < 2_000_000
