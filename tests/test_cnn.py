"""Table I: sizes, first weights, the forward pass by hand; what is read; the networks that are loaded."""

import gc
import hashlib
import io
import itertools
import os
import random
import shutil
import warnings
import weakref
import zipfile
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from small import DATASET, TABLE_1, Evil, equal, gamma, half_written, interrupting, network, npz, train

from advlib import bounds, cnn, data, defences, files, gradients, results, shipped, training
from advlib.backend import keras, tf

SHIPPED = files.DATA / "weights"


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


@pytest.mark.parametrize(
    ("build", "size", "last"),
    [
        (cnn.build_for_signs, 16, (4, 4, 32)), (cnn.build_for_signs, 32, (8, 8, 32)),
        (cnn.build_for_signs, 64, (16, 16, 32)), (cnn.build_deep, 32, (4, 4, 48)), (cnn.build_deep, 64, (4, 4, 48)),
    ],
)  # fmt: skip
def test_the_networks_for_signs(build, size, last):
    """A field that grows with the sign, or one of 16 pixels whatever its size."""
    model = build(size, seed=1)
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, 12)
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert pools[-1].output.shape[1:] == last


def test_networks_for_signs_begin_unlike_each_other():
    """Else a noise learned on one of them fools the others more than it should."""
    kinds = itertools.product(cnn.FOR_SIGNS.values(), (16, 32, 64), (0, 1))
    first = [build(size, seed=seed).get_weights()[0] for build, size, seed in kinds]
    assert len({kernel.tobytes() for kernel in first}) == 12


def test_first_weights_of_he():
    """Truncated at two deviations and scaled up again: the deviation is √(2 / inputs), within 4 of its own errors."""
    for kernel in cnn.build_for_signs(64).get_weights()[::2]:
        inputs = kernel[..., 0].size
        assert abs(kernel.std() / np.sqrt(2 / inputs) - 1) < 4 / np.sqrt(2 * kernel.size)
    assert not any(bias.any() for bias in cnn.build_for_signs(64).get_weights()[1::2])


def convolve(images, kernel):
    """Every output pixel by the definition, with zeros around the image."""
    height, width = kernel.shape[:2]
    around = np.pad(images, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    windows = sliding_window_view(around, (height, width), axis=(1, 2))  # (n, y, x, channel, row, column)
    return np.tensordot(windows, kernel, axes=([4, 5, 3], [0, 1, 2]))


def pool(images):
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def by_hand(model, x):
    """The logits of Table I in double precision: ReLU, no dropout when reading, and no softmax.

    Also how far off they may be in single precision, in whatever order it adds, and the largest sum of absolute
    terms.  A layer adds n products and a bias: with h off by at most e, W h + b is off by at most

        |W| e + γ_(n+1) (|W| (|h| + e) + |b|).

    ReLU and the largest of four differ by no more than what goes into them.
    """
    h, e, largest = np.asarray(x, np.float64), np.zeros(np.shape(x)), 0
    weighted = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    for layer in weighted:
        W, b = (w.astype(np.float64) for w in layer.get_weights())
        convolution = W.ndim == 4
        if not convolution:
            h, e = (a.reshape(len(x), -1) for a in (h, e))
        times = convolve if convolution else np.matmul
        n, terms = W[..., 0].size, times(np.abs(h) + e, np.abs(W)) + np.abs(b)
        largest = max(largest, terms.max())
        h, e = times(h, W) + b, times(e, np.abs(W)) + gamma(n + 1) * terms
        if layer is not weighted[-1]:
            h = np.maximum(h, 0)
        if convolution:
            h, e = pool(h), pool(e)
    return h, e, largest


def whole_numbers(model, seed=0):
    """Weights -1, 0 and 1: single precision adds whole numbers exactly, in any order, as long as none reaches 2^24."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            layer.set_weights([rng.integers(-1, 2, w.shape) for w in layer.get_weights()])
    return model


def test_logits_by_hand():
    model = whole_numbers(cnn.build())
    x = np.random.default_rng(1).integers(0, 4, (2, 28, 28, 1))
    expected, _, largest = by_hand(model, x)
    assert largest < 2**24
    assert np.array_equal(gradients.logits(model, x), expected)


@pytest.mark.parametrize("build", [cnn.build, cnn.build_dense])
def test_the_output_is_logits(build):
    model = build()
    z = gradients.logits(model, np.random.default_rng(0).random((20, 28, 28, 1)))
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
    train(cnn.build(**TABLE_1, seed=9), seed=9)
    assert draws() == expected
    assert draws() != expected


# ----------------------------------------------------------------------------------- reading
def every_way(model, x):
    """The logits of all images, asked for in batches of several sizes, and in another order."""
    yield from (gradients.logits(model, x, batch_size=batch_size) for batch_size in (1, 7, 22, 23, 100))
    yield gradients.logits(model, x[::-1])[::-1]


def test_logits_do_not_depend_on_the_batch():
    """Where nothing is rounded, to the last bit."""
    model = whole_numbers(cnn.build())
    x = np.random.default_rng(0).integers(0, 4, (23, 28, 28, 1))
    expected, _, largest = by_hand(model, x)
    assert largest < 2**24
    for z in every_way(model, x):
        assert (z.shape, z.dtype) == ((23, 10), np.float32)
        assert np.array_equal(z, expected)


def test_rounding_is_all_that_depends_on_the_batch():
    """In a small network: in all of Table I the sums are so long that the bound would allow everything."""
    model = cnn.build(**TABLE_1, classes=3, seed=4)
    x = np.random.default_rng(1).random((23, 8, 8, 1), np.float32)
    expected, bound, _ = by_hand(model, x)
    assert bound.max() < np.abs(expected).max() / 20, "it would tell nothing"
    for z in every_way(model, x):
        assert (np.abs(z - expected) <= bound).all()


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64, list])
def test_images_of_any_type_are_read(kind):
    model = network()
    x = np.random.default_rng(0).integers(0, 2, (3, 8, 8, 1)).astype(np.float32)
    given = x.tolist() if kind is list else x.astype(kind)
    assert np.array_equal(gradients.logits(model, given), gradients.logits(model, x))


def test_reading_many_networks_does_not_alarm_tensorflow(caplog):
    for seed in range(8):
        gradients.logits(network(seed), DATASET.test[0])
    assert not caplog.records


def test_no_images_no_logits():
    nothing = gradients.logits(cnn.build(**TABLE_1), np.empty((0, 8, 8, 1)))
    assert (nothing.shape, nothing.dtype) == ((0, 10), np.float32)


def test_reading_leaves_no_model_behind():
    model = cnn.build(**TABLE_1)
    gradients.logits(model, DATASET.test[0])
    gc.collect()
    kept, gone = len(gradients._traced), weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert len(gradients._traced) == kept - 1


def test_logits_follow_the_weights():
    model = cnn.build(**TABLE_1)
    before = gradients.logits(model, DATASET.test[0])
    model.set_weights([0 * w for w in model.get_weights()])
    assert before.any()
    assert not gradients.logits(model, DATASET.test[0]).any()


def test_accuracy_counts():
    model = cnn.build(**TABLE_1)
    said = gradients.logits(model, DATASET.test[0]).argmax(1)
    assert gradients.accuracy(model, DATASET.test[0], said) == 1
    said[:3] = (said[:3] + 1) % 10
    assert gradients.accuracy(model, DATASET.test[0], said) == pytest.approx(6 / 9)


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


def test_weights_cannot_run_code(folders):
    path, trace = folders / "weights" / "mnist-cnn-0.npz", folders / "trace"
    path.parent.mkdir()
    np.savez(path, np.array([Evil(trace)], object))
    before = path.read_bytes()
    with pytest.raises(files.DataError, match=r"mnist-cnn-0\.npz cannot be read .*allow_pickle.*: git checkout"):
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
    with pytest.raises(files.DataError, match=r"mnist-cnn-0\.npz cannot be read .*git checkout data/weights"):
        cnn.load("mnist")


@pytest.mark.parametrize("unknown", [{"seed": 9}, {"name": "svhn"}])
def test_unknown_networks_are_refused_with_the_list(unknown, folders):
    for seed in (0, 1):
        cnn.save(network(), folders / "weights" / f"mnist-cnn-{seed}.npz")
    told = r"is not there; networks there: mnist-cnn-0, mnist-cnn-1: python -m advlib\.shipped"
    with pytest.raises(FileNotFoundError, match=told):
        cnn.load(**unknown)


def test_without_any_network_the_list_says_none(folders):
    told = r"mnist-cnn-0\.npz is not there; networks there: none: git checkout data/weights"
    with pytest.raises(FileNotFoundError, match=told):
        cnn.load()


def test_unknown_architectures_are_refused_with_the_list():
    with pytest.raises(ValueError, match=r"architecture must be one of 'cnn', 'dense', 'strided', .*; found 'resnet'"):
        cnn.load(architecture="resnet")


@pytest.mark.parametrize("seed", ["0", 0.0, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(TypeError, match="seed must be a whole number; found"):
        cnn.load(seed=seed)


@pytest.mark.parametrize("name", [None, 0, data.load])
def test_a_name_that_is_no_word_is_refused(name):
    with pytest.raises(TypeError, match=r"name must be .* found"):
        cnn.load(name)


def test_the_shipped_files_are_the_published_ones():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SHIPPED.glob("*.npz")}
    assert found == cnn.SHIPPED


def test_what_is_neither_shipped_nor_trained_is_to_be_trained(monkeypatch, tmp_path):
    monkeypatch.setattr(cnn, "CACHE", tmp_path)
    monkeypatch.setattr(cnn, "WEIGHTS", SHIPPED)
    (tmp_path / "mnist-cnn-5.npz").touch()
    (tmp_path / "mnist-cnn-6-training.npz").touch()  # only begun
    assert [which for _, which in shipped.missing()] == [["mnist", "cnn", seed] for seed in (3, 4, 6, 7, 8, 9)]
    monkeypatch.setattr(cnn, "WEIGHTS", tmp_path)
    names = {"-".join(map(str, which)) + ".npz" for _, which in shipped.missing()}
    assert names == {*cnn.SHIPPED, *(f"mnist-cnn-{seed}.npz" for seed in range(3, 10))} - {"mnist-cnn-5.npz"}


def test_on_the_images_that_stand_in_for_mnist_no_network_of_mnist_is_trained(monkeypatch, tmp_path, capsys):
    """Else the ledger would take what had learned digits of another data set for a network of the paper's."""
    monkeypatch.setattr(cnn, "CACHE", tmp_path)
    monkeypatch.setattr(data, "load", lambda name: SimpleNamespace(published=False))
    monkeypatch.setattr(shipped, "train_shipped", lambda *which: pytest.fail(f"{which} was trained"))
    shipped.main()
    assert "the images of mnist" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def arrays(name="mnist-dense-0.npz"):
    with np.load(SHIPPED / name, allow_pickle=False) as file:
        return dict(file)


def with_last(change):
    """The shipped dense network with another last kernel."""
    return npz(arrays() | {"arr_4": change(arrays()["arr_4"])})


def nan(w):
    w[3, 2] = np.nan
    return w


EMPTY = io.BytesIO()
zipfile.ZipFile(EMPTY, "w").close()
WRONG = {  # what stands where the weights of the dense network should be: its bytes (None: a folder), what is said
    "another last layer": (lambda: with_last(np.negative), None),
    "not a number": (lambda: with_last(nan), r"is damaged: arr_4 is not all finite numbers \(float16\)"),
    "too large": (
        lambda: with_last(lambda w: np.full(w.shape, 1e300)),
        r"is damaged: arr_4 is not all finite numbers \(float64\)",
    ),
    "whole numbers": (lambda: with_last(np.int64), r"is damaged: arr_4 is not all finite numbers \(int64\)"),
    "words": (lambda: with_last(lambda w: w.astype(str)), r"is damaged: arr_4 is not all finite numbers \(<U32\)"),
    "another shape": (lambda: with_last(np.transpose), r"holds another network: 6 arrays, .*\(10, 400\)"),
    "one array too many": (lambda: npz(arrays() | {"arr_6": np.zeros(3)}), "holds another network: 7 arrays"),
    "one too few": (
        lambda: npz({key: a for key, a in arrays().items() if key != "arr_2"}),
        "holds another network: 5 arrays",
    ),
    "other names": (lambda: npz({f"w{key}": a for key, a in arrays().items()}), "holds another network: 6 arrays"),
    "another architecture": (lambda: (SHIPPED / "mnist-cnn-1.npz").read_bytes(), "holds another network: 8 arrays"),
    "an empty zip": (EMPTY.getvalue, "holds another network: 0 arrays"),
    "no bytes": (bytes, r"cannot be read as arrays \(File is not a zip file\)"),
    "a folder": (None, "is a folder, where a file is expected"),
}


def put(what, path):
    path.parent.mkdir()
    if WRONG[what][0]:
        path.write_bytes(WRONG[what][0]())
    else:
        path.mkdir()
    return path


@pytest.mark.parametrize("what", WRONG)
def test_under_a_published_name_only_the_published_weights_are_read(what, tmp_path, monkeypatch):
    monkeypatch.setattr(cnn, "DATA", tmp_path)
    monkeypatch.setattr(cnn, "WEIGHTS", tmp_path / "weights")
    path = put(what, tmp_path / "weights" / "mnist-dense-0.npz")
    message = "a folder, where" if what == "a folder" else r"not the published file: SHA-256 \w{12}…, not 88d450fad58b…"
    with pytest.raises(files.DataError, match=f"is {message}.*: git checkout data/weights brings it back") as refused:
        cnn.load("mnist", architecture="dense")
    assert str(path) in str(refused.value)


def test_another_seeds_network_is_not_taken_for_this_one(tmp_path, monkeypatch):
    """It fits, and is as good a reader; the numbers would be others."""
    monkeypatch.setattr(cnn, "DATA", tmp_path)
    monkeypatch.setattr(cnn, "WEIGHTS", tmp_path / "weights")
    cnn.WEIGHTS.mkdir()
    shutil.copy(SHIPPED / "mnist-cnn-1.npz", cnn.WEIGHTS / "mnist-cnn-0.npz")
    with pytest.raises(files.DataError, match=r"mnist-cnn-0\.npz is not the published file: .*: git checkout"):
        cnn.load("mnist", seed=0)


@pytest.mark.parametrize("what", WRONG)
def test_networks_of_ones_own_need_only_fit(what, tmp_path, monkeypatch):
    monkeypatch.setattr(cnn, "OWN", str(tmp_path / "own"))
    monkeypatch.setattr(cnn, "WEIGHTS", tmp_path / "own")
    path = put(what, tmp_path / "own" / "mnist-dense-0.npz")
    message = WRONG[what][1]
    if not message:
        assert np.array_equal(cnn.load("mnist", architecture="dense").get_weights()[4], -arrays()["arr_4"])
        return
    remedy = "make it anew with cnn.save, from a network that cnn.build_dense built"
    with pytest.raises(files.DataError, match=f"{message}.*: {remedy}") as refused:
        cnn.load("mnist", architecture="dense")
    assert str(path) in str(refused.value)


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
        patch.setattr(training, "_batch", interrupting(training._batch, 3))
        cnn.load("digits", seed=1)
    assert not list((folders / "cache").iterdir())
    assert equal(cnn.load("digits", seed=1), whole)


def test_two_kernels_train_it_at_once(trainings, folders, monkeypatch):
    """The second begins and ends while the first is at its third batch."""
    second, batch, calls = [], training._batch, iter(range(2))

    def meanwhile(*args):
        if next(calls, None) is None and not second:
            second.append(None)
            second[0] = cnn.load("digits")
        return batch(*args)

    monkeypatch.setattr(training, "_batch", meanwhile)
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
    monkeypatch.setattr(cnn, "WEIGHTS", SHIPPED)
    names = ["mnist-cnn-0", "mnist-cnn-1", "mnist-cnn-2", "mnist-dense-0"]
    defended = {f"mnist-{defence}-{seed}" for defence in defences.EPOCHS for seed in range(3)}
    assert {p.stem for p in SHIPPED.glob("mnist-*.npz")} == {*names, *defended}
    for name in names:
        _, architecture, seed = name.split("-")
        model = cnn.load("mnist", int(seed), architecture)
        assert model.count_params() == {"cnn": 3_274_634, "dense": 478_410}[architecture]
        assert all(np.isfinite(w).all() for w in model.get_weights())
        record = results.load(f"training-{name}")
        assert record["provenance"]["seed"] == int(seed)
        assert record["iteration"][-1] == 20_000
        assert len(record["loss_per_100_batches"]) == 200
    assert (SHIPPED / "mnist-dense-0.npz").stat().st_size < 2_000_000


def test_the_shipped_networks_of_the_defences(monkeypatch):
    """Three seeds of each kind, all of one shape; only those to prove round to one bit first."""
    monkeypatch.setattr(cnn, "WEIGHTS", SHIPPED)
    for defence, seed in itertools.product(defences.EPOCHS, range(3)):
        model = cnn.load("mnist", seed, defence)
        assert model.count_params() == 445_802
        assert (type(model.layers[0]).__name__ == "Rescaling") == (defence == "proved")
    assert sum((SHIPPED / f"mnist-{d}-{s}.npz").stat().st_size for d in defences.EPOCHS for s in range(3)) < 14_000_000


@pytest.mark.skipif(data.find("mnist.npz") is None, reason="MNIST is not on this machine")
def test_what_the_shipped_defences_promise():
    """On 500 unseen images: most are proved at ε = 0.24, and none without the bounds' training."""
    x, y = (a[:500] for a in data.load("mnist").test)
    for seed in range(3):
        model = cnn.load("mnist", seed, "proved")
        assert bounds.certified(model, x, y, 0.24).mean() > 0.9
        assert gradients.accuracy(model, x, y) > 0.97
    assert not bounds.certified(cnn.load("mnist", 0, "adversarial"), x, y, 0.24).any()
    assert not bounds.certified(cnn.load("mnist"), x, y, 0.001).any()


def test_a_network_in_two_parts_is_the_same_network():
    model = cnn.build_strided(16, 10, (28, 28, 1), filters=(4, 8), to_prove=True)
    front, trunk = cnn.split_at(model, 2)
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    seen = gradients.logits(trunk, front(x).numpy())
    assert np.array_equal(seen, gradients.logits(model, x))
    assert np.mean(np.isin(front(x), (0, 1))) > 0.9  # the rest lies on the ramp
    model.set_weights([2 * w for w in model.get_weights()])  # they share the weights
    assert np.array_equal(gradients.logits(trunk, front(x).numpy()), gradients.logits(model, x))


def test_the_networks_of_the_defences_on_the_digits(folders, monkeypatch):
    """Trained on the spot, kept, and each better than a guess among ten."""
    small = {"cnn": network, "strided": partial(cnn.build_strided, 16, 10, (28, 28, 1), filters=(4, 8))}
    monkeypatch.setattr(cnn, "ARCHITECTURES", small)
    model = cnn.load("digits", architecture="strided")
    assert gradients.accuracy(model, *data.load("digits").test) > 0.5
    assert equal(model, cnn.load("digits", architecture="strided"))


def test_the_shipped_networks_for_signs(monkeypatch):
    """Three seeds of each kind; all together they stay a small download."""
    monkeypatch.setattr(cnn, "WEIGHTS", SHIPPED)
    kinds = [*itertools.product(["cnn"], (16, 32, 64), range(3)), *itertools.product(["deep"], (32, 64), range(3))]
    for architecture, size, seed in kinds:
        model = cnn.load("signs", seed, architecture, size)
        assert model.input_shape == (None, size, size, 3)
        assert all(np.isfinite(w).all() for w in model.get_weights())
    there = list(SHIPPED.glob("signs-*.npz"))
    assert len(there) == len(kinds)
    assert sum(path.stat().st_size for path in there) < 6_000_000


@pytest.mark.skipif(data.find(data.SIGNS_NPZ) is None, reason="the traffic signs are not on this machine")
@pytest.mark.parametrize("size", [32, 64])
def test_the_networks_for_signs_read_them(size):
    images, labels = data.load("signs", size).test
    for architecture in cnn.FOR_SIGNS:
        assert gradients.accuracy(cnn.load("signs", 0, architecture, size), images, labels) > 0.95


def test_the_signs_stand_in_has_its_network_at_each_size(folders):
    """Trained once, kept under its size, and better than a guess among ten."""
    dataset = data.load("coloured-digits", 16)
    model = cnn.load("coloured-digits", size=16)
    assert gradients.accuracy(model, *dataset.test) > 0.5
    assert equal(model, cnn.load("coloured-digits", size=16))
    assert [p.name for p in (folders / "cache").iterdir()] == ["coloured-digits-cnn-16-0.npz"]


@pytest.mark.parametrize(("name", "size", "what"), [("mnist", 32, "only the signs come in several sizes"),
                                                    ("signs", 48, "size must be 16, 32 or 64; found 48")])  # fmt: skip
def test_the_size_is_checked(name, size, what):
    with pytest.raises(ValueError, match=what):
        cnn.load(name, size=size)
    with pytest.raises(ValueError, match=what):
        data.load(name, size)


def test_a_dense_network_for_signs_is_not_there():
    with pytest.raises(ValueError, match="architecture must be one of 'cnn', 'deep'; found 'dense'"):
        cnn.load("signs", architecture="dense")
