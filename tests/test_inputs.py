"""What makes no sense is refused, before TensorFlow sees it: the value found, and the remedy."""

import numpy as np
import pytest
import tiny

from advlib import attack, gradients, inputs
from advlib.attack import fgsm, iterative_attack, random_noise
from advlib.backend import keras, tf
from advlib.common import common_noise
from advlib.gradients import accuracy, direction, gradient, logits, predict, read
from advlib.metrics import rms

layers = keras.layers
X = tiny.images(3)
Y = np.array([0, 1, 2])
SIZE = {"eps": 0.1, "alpha": 0.1}


@pytest.fixture(scope="module")
def net():
    return tiny.convolutional()


@pytest.fixture(scope="module")
def noise(net):
    return common_noise(net, tiny.images(3), [0, 0, 0], eps=0.1, epochs=1)


@pytest.fixture
def no_tensorflow(net, monkeypatch):
    """The network's graphs are there, and nothing can be given to them."""
    gradient(net, tiny.images(1), [0])
    logits(net, tiny.images(1))
    monkeypatch.setattr(gradients, "tf", None)


# ------------------------------------------------- images and labels, in every function that takes them
ASKED = {  # each with the network, the images and their labels
    "logits": lambda net, noise, x, y: logits(net, x),
    "predict": lambda net, noise, x, y: predict(net, x),
    "accuracy": lambda net, noise, x, y: accuracy(net, x, y),
    "gradient": lambda net, noise, x, y: gradient(net, x, y),
    "iterative_attack": lambda net, noise, x, y: iterative_attack(net, x, y, **SIZE),
    "fgsm": lambda net, noise, x, y: fgsm(net, x, y, eps=0.1),
    "random_noise": lambda net, noise, x, y: random_noise(x, eps=0.1),
    "common_noise": lambda net, noise, x, y: common_noise(net, x, y, eps=0.1, source=0),
    "apply": lambda net, noise, x, y: noise.apply(x),
    "success_rate": lambda net, noise, x, y: noise.success_rate(net, x, y),
    "direction": lambda net, noise, x, y: direction(x),
    "rms": lambda net, noise, x, y: rms(x),
}
ANY_SIZE = {"random_noise", "direction", "rms"}  # these know no network
UNLABELLED = {*ANY_SIZE, "logits", "predict", "apply"}

SHAPES = {
    "one image": (lambda x: x[0], r"found \(8, 8, 1\).*\[None\]"),
    "no channel": (lambda x: x[..., 0], r"found \(3, 8, 8\)"),
    "flattened": (lambda x: x.reshape(3, -1), r"found \(3, 64\)"),
    "one image, no channel": (lambda x: x[0, ..., 0], r"found \(8, 8\)"),
    "one number": (lambda x: x[0, 0, 0, 0], r"found \(\)"),
    "a list of images": (lambda x: [x, x], r"found \(2, 3, 8, 8, 1\)"),
}
SIZES = {
    "another size": (lambda x: x[:, :5], r"found \(3, 5, 8, 1\)"),
    "another size, as many pixels": (lambda x: x.reshape(3, 4, 16, 1), r"found \(3, 4, 16, 1\)"),
    "three colours": (lambda x: np.repeat(x, 3, 3), r"found \(3, 8, 8, 3\)"),
}


@pytest.mark.parametrize(
    ("name", "wrong"), [(n, w) for n in ASKED for w in (SHAPES if n in ANY_SIZE else SHAPES | SIZES)]
)
def test_images_of_another_shape(net, noise, no_tensorflow, name, wrong):
    spoil, found = (SHAPES | SIZES)[wrong]
    with pytest.raises(ValueError, match=r"must have shape \(n, .*" + found):
        ASKED[name](net, noise, spoil(X), Y)


@pytest.mark.parametrize("name", sorted({*ASKED} - ANY_SIZE))
@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (lambda x: x[0], r"x\[None\], shape \(1, 8, 8, 1\)"),
        (lambda x: x[..., 0], r"x\[..., None\], shape \(3, 8, 8, 1\)"),
        (lambda x: x[0, ..., 0], r"x\[None, ..., None\], shape \(1, 8, 8, 1\)"),
        (lambda x: x.reshape(3, -1), r"x.reshape\(-1, 8, 8, 1\)"),
    ],
)
def test_the_remedy_for_a_shape(net, noise, no_tensorflow, name, spoil, remedy):
    with pytest.raises(ValueError, match=remedy):
        ASKED[name](net, noise, spoil(X), Y)


@pytest.mark.parametrize("name", sorted({*ASKED} - {"direction", "rms"}))
@pytest.mark.parametrize("x", ["seven", [None], np.full(X.shape, "0.5"), 1j * X, X > 0.5])
def test_images_that_are_no_numbers(net, noise, no_tensorflow, name, x):
    with pytest.raises((TypeError, ValueError), match=r"x must (be an array of floats|have shape)"):
        ASKED[name](net, noise, x, Y)


LABELS = {
    "others": (lambda y: y + 10, ValueError, r"y must lie in 0 … 3; found 10 … 12"),
    "negative": (lambda y: y - 1, ValueError, r"y must lie in 0 … 3; found -1 … 1"),
    "one": (lambda y: y[0], ValueError, r"one label per image, shape \(3,\); found \(\)"),
    "too few": (lambda y: y[:2], ValueError, r"one label per image, shape \(3,\); found \(2,\)"),
    "a column": (lambda y: y[:, None], ValueError, r"found \(3, 1\): give y.ravel\(\)"),
    "one-hot": (lambda y: np.eye(4)[y], ValueError, r"found \(3, 4\): one-hot labels, give y.argmax\(1\)"),
    "text": (lambda y: y.astype(str), TypeError, r'y must be whole numbers; found <U21: make it y.astype\("int64"\)'),
    "floats": (lambda y: y.astype(float), TypeError, r"y must be whole numbers; found float64"),
    "objects": (lambda y: y.astype(object), TypeError, r"y must be whole numbers; found object"),
    "truth values": (lambda y: y > 0, TypeError, r"y must be whole numbers; found bool"),
    "too large for int64": (lambda y: np.uint64([0, 1, 2**63]), ValueError, r"in 0 … 3; found 0 … 9223372036"),
    "none": (lambda y: None, ValueError, r"one label per image, shape \(3,\); found \(\)"),
}


@pytest.mark.parametrize("name", sorted({*ASKED} - UNLABELLED))
@pytest.mark.parametrize("wrong", LABELS)
def test_labels(net, noise, no_tensorflow, name, wrong):
    spoil, error, match = LABELS[wrong]
    with pytest.raises(error, match=match):
        ASKED[name](net, noise, X, spoil(Y))


def test_a_single_label_for_a_single_image(net):
    with pytest.raises(ValueError, match=r"found \(\): for one image, give \[y\]"):
        fgsm(net, X[:1], 0, eps=0.1)


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (None, TypeError), (True, TypeError)]
)
def test_batch_size(net, no_tensorflow, size, error):
    for call in (
        lambda: logits(net, X, batch_size=size),
        lambda: iterative_attack(net, X, Y, **SIZE, batch_size=size),
    ):
        with pytest.raises(error, match=r"batch_size must be (at least 1|a whole number); found"):
            call()


SIZED = {
    "iterative_attack": lambda net, eps, **more: iterative_attack(net, X, Y, eps=eps, alpha=0.1, **more),
    "fgsm": lambda net, eps, **more: fgsm(net, X, Y, eps=eps, **more),
    "random_noise": lambda net, eps, **more: random_noise(X, eps=eps, **more),
    "random_noise, each": lambda net, eps, **more: random_noise(X, eps=[0.1, eps, 0.1], **more),
    "common_noise": lambda net, eps, **more: common_noise(net, X, 0 * Y, eps=eps, **more),
    "common_noise, several": lambda net, eps, **more: common_noise(net, X, 0 * Y, eps=[0.1, eps], **more),
}


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize(
    ("eps", "match"),
    [
        (38, r"eps must be at most 1, the range of a pixel; found 38: in grey levels\? give 38/255"),
        (61, r"found 61: in grey levels\? give 61/255"),
        (1e39, r"eps must be finite in single precision; found 1e\+39"),
        (float("nan"), r"eps must be finite in single precision; found nan"),
        (-0.1, r"eps must be at least 0; found -0.1"),
        (np.nextafter(1, 2), r"eps must be at most 1, the range of a pixel; found"),
    ],
)
def test_eps(net, no_tensorflow, name, eps, match):
    with pytest.raises(ValueError, match=match):
        SIZED[name](net, eps)


@pytest.mark.parametrize("name", SIZED)
def test_eps_of_the_whole_range(net, name):
    SIZED[name](net, 1.0)
    SIZED[name](net, 2.0, bounds=(-1, 1))


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize(
    ("bounds", "match"),
    [
        ((0, 1e39), r"bounds\[1\] must be finite in single precision; found 1e\+39"),
        ((-3e38, 3e38), r"bounds\[1\] - bounds\[0\] must be finite in single precision; found 6e\+38"),
        ((0, 1e-60), r"bounds\[1\] must be above 0 in single precision; found 1e-60"),
        ((1, 0), r"bounds\[1\] must be above 1 in single precision; found 0"),
        ((0, float("nan")), r"bounds\[1\] must be finite in single precision; found nan"),
        ((0, 1, 2), r"bounds must be a pair \(low, high\); found \(0, 1, 2\)"),
        (None, r"bounds must be a pair \(low, high\); found None"),
    ],
)
def test_bounds(net, no_tensorflow, name, bounds, match):
    with pytest.raises((TypeError, ValueError), match=match):
        SIZED[name](net, 0.1, bounds=bounds)


@pytest.mark.parametrize("alpha", [1e39, 1e-60, 0, -1, float("inf")])
def test_alpha_of_a_common_noise(net, no_tensorflow, alpha):
    with pytest.raises(ValueError, match=r"alpha must be (finite|above 0) in single precision; found"):
        common_noise(net, X, 0 * Y, eps=0.1, alpha=alpha)


def test_targets():
    assert inputs.check_targets(None, np.array([0, 1]), 4) is None
    found = inputs.check_targets(3, np.array([0, 1]), 4)
    assert (found.tolist(), found.dtype) == ([3, 3], np.int64)
    with pytest.raises(ValueError, match=r"y_target must differ from y; both are 1 for image 1 \(1 such images\)"):
        inputs.check_targets([1, 1], np.array([0, 1]), 4)


# --------------------------------------------------------- each setting of the attack


def spoilt(value):
    bad = X.copy()
    bad[1, 2, 3] = value
    return bad


REFUSED = {
    "bytes": ({"x": np.uint8(255 * X)}, TypeError, r"\[0, 1\]; found 0 … 255 \(uint8\): divide by 255"),
    "0 … 255": ({"x": 255 * X}, ValueError, r"\[0, 1\]; found 0 … 255 \(float32\): divide by 255"),
    "int": ({"x": np.int64(X > 0.5)}, TypeError, r'found 0 … 1 \(int64\): make it x.astype\("float32"\)'),
    "bool": ({"x": X > 0.5}, TypeError, r"array of floats; found bool"),
    "-1 … 1": ({"x": 2 * X - 1}, ValueError, r"found -1 … 1 \(float32\): scale or clip it, or give .*bounds"),
    "a little above 1": ({"x": spoilt(np.nextafter(np.float32(1), 2))}, ValueError, r"found 0 … 1.0000001 "),
    "nan": ({"x": spoilt(np.nan)}, ValueError, r"finite; found NaN or infinity in 1 images, first 1"),
    "inf": ({"x": spoilt(-np.inf)}, ValueError, r"finite; found NaN or infinity in 1 images, first 1"),
    "one image": ({"x": X[0]}, ValueError, r"\(n, 8, 8, 1\); found \(8, 8, 1\): .*x\[None\], shape \(1, 8, 8, 1\)"),
    "no channel": ({"x": X[..., 0]}, ValueError, r"found \(3, 8, 8\): give x\[..., None\], shape \(3, 8, 8, 1\)"),
    "other size": ({"x": X[:, :5]}, ValueError, r"\(n, 8, 8, 1\); found \(3, 5, 8, 1\)$"),
    "no array": ({"x": "seven"}, TypeError, r"array of floats; found <U5"),
    "y too long": ({"y": [0, 1, 2, 3]}, ValueError, r"one label per image, shape \(3,\); found \(4,\)"),
    "y too large": ({"y": [0, 1, 4]}, ValueError, r"y must lie in 0 … 3; found 0 … 4"),
    "y negative": ({"y": [0, 1, -1]}, ValueError, r"y must lie in 0 … 3; found -1 … 1"),
    "y float": ({"y": [0.0, 1, 2]}, TypeError, r'whole numbers; found float64: make it y.astype\("int64"\)'),
    "y one-hot": ({"y": np.eye(4)[Y]}, ValueError, r"found \(3, 4\): one-hot labels, give y.argmax\(1\)"),
    "y in a column": ({"y": Y[:, None]}, ValueError, r"found \(3, 1\): give y.ravel\(\)"),
    "one y": ({"y": 3}, ValueError, r"shape \(3,\); found \(\)"),
    "target is y": ({"y_target": Y}, ValueError, r"differ from y; both are 0 for image 0 \(3 such.*leave those"),
    "target is one y": ({"y_target": 1}, ValueError, r"differ from y; both are 1 for image 1 \(1 such"),
    "target too large": ({"y_target": 4}, ValueError, r"y_target must lie in 0 … 3; found 4 … 4"),
    "target too short": ({"y_target": [1, 2]}, ValueError, r"y_target must have .*\(3,\); found \(2,\)"),
    "target float": ({"y_target": 3.0}, TypeError, r"y_target must be whole numbers; found float64"),
    "eps negative": ({"eps": -0.1}, ValueError, r"eps must be at least 0; found -0.1"),
    "eps nan": ({"eps": np.nan}, ValueError, r"eps must be finite in single precision; found nan"),
    "eps inf": ({"eps": np.inf}, ValueError, r"eps must be finite in single precision; found inf"),
    "eps none": ({"eps": None}, TypeError, r"eps must be a number; found None"),
    "eps many": ({"eps": [0.1, 0.2]}, TypeError, r"eps must be a number; found \[0.1, 0.2\]"),
    "eps true": ({"eps": True}, TypeError, r"eps must be a number; found True"),
    "eps in grey levels": ({"eps": 38}, ValueError, r"eps must be at most 1, the .*; found 38: .*give 38/255$"),
    "eps of 61": ({"eps": 61.0}, ValueError, r"found 61: in grey levels\? give 61/255"),
    "eps too large": ({"eps": 1000}, ValueError, r"eps must be at most 1, the range of a pixel; found 1000$"),
    "eps of bounds": ({"eps": 38, "bounds": (-1, 1)}, ValueError, r"at most 2, the range of a pixel; found 38$"),
    "eps overflows": ({"eps": 1e39}, ValueError, r"eps must be finite in single precision; found 1e\+39"),
    "alpha zero": ({"alpha": 0}, ValueError, r"alpha must be above 0 in single precision; found 0"),
    "alpha negative": ({"alpha": -1}, ValueError, r"alpha must be above 0 in single precision; found -1"),
    "alpha nan": ({"alpha": np.float32("nan")}, ValueError, r"alpha must be finite in single precision; found nan"),
    "alpha overflows": ({"alpha": 1e39}, ValueError, r"alpha must be finite in single precision; found 1e\+39"),
    "alpha vanishes": ({"alpha": 1e-60}, ValueError, r"alpha must be above 0 in single precision; found 1e-60"),
    "alpha text": ({"alpha": "0.1"}, TypeError, r"alpha must be a number; found '0.1'"),
    "max_iter negative": ({"max_iter": -1}, ValueError, r"max_iter must be at least 0; found -1"),
    "max_iter float": ({"max_iter": 5.0}, TypeError, r"max_iter must be a whole number; found 5.0"),
    "batch_size zero": ({"batch_size": 0}, ValueError, r"batch_size must be at least 1; found 0"),
    "batch_size negative": ({"batch_size": -1}, ValueError, r"batch_size must be at least 1; found -1"),
    "batch_size none": ({"batch_size": None}, TypeError, r"batch_size must be a whole number; found None"),
    "rule": ({"rule": "signed"}, ValueError, r"rule must be one of 'gradient', 'sign'; found 'signed'"),
    "clip": ({"clip": "both"}, ValueError, r"clip must be one of 'image', 'noise'; found 'both'"),
    "confidence": ({"confidence": 90}, ValueError, r"confidence must be at most 1; found 90"),
    "confidence zero": ({"confidence": 0}, ValueError, r"confidence must be above 0 in single precision; found 0"),
    "bounds turned": ({"bounds": (1, 0)}, ValueError, r"bounds\[1\] must be above 1 in single precision; found 0"),
    "bounds overflow": ({"bounds": (0, 1e39)}, ValueError, r"bounds\[1\] must be finite in single .*; found 1e\+39"),
    "range overflows": ({"bounds": (-3e38, 3e38)}, ValueError, r"bounds\[1\] - bounds\[0\] must be finite in single"),
    "range vanishes": ({"bounds": (0, 1e-60)}, ValueError, r"bounds\[1\] must be above 0 in single precision"),
    "bounds text": ({"bounds": "01"}, TypeError, r"bounds must be a pair \(low, high\); found '01'"),
    "one bound": ({"bounds": 1.0}, TypeError, r"bounds must be a pair \(low, high\); found 1.0"),
    "no model": ({"model": len}, TypeError, r"keras.Model that reads .*keras.Input; found <built-in.* reads None"),
}  # fmt: skip


@pytest.mark.parametrize(("more", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_refused(net, monkeypatch, more, error, match):
    worked = []
    for name in ("logits", "gradient"):
        monkeypatch.setattr(attack, name, lambda *given: worked.append(given))
    run = {"model": net, "x": X, "y": Y, "eps": 0.1, "alpha": 0.1, **more}
    with pytest.raises(error, match=match):
        iterative_attack(run.pop("model"), run.pop("x"), run.pop("y"), **run)
    assert not worked  # before any work


@pytest.mark.parametrize("name", [n for n, (more, *_) in REFUSED.items() if {"eps", "x", "y", "y_target"} & {*more}])
def test_fgsm_refuses_the_same(net, name):
    more, error, match = REFUSED[name]
    run = {"x": X, "y": Y, "eps": 0.1, **more}
    with pytest.raises(error, match=match):
        fgsm(net, run.pop("x"), run.pop("y"), **run)


def heads():
    inputs = keras.Input((8, 8, 1))
    flat = layers.Flatten()(inputs)
    return {
        "four axes": keras.Model(inputs, layers.Conv2D(4, 3)(inputs)),
        "two heads": keras.Model(inputs, [layers.Dense(4)(flat), layers.Dense(4)(flat)]),
        "one class": keras.Model(inputs, layers.Dense(1)(flat)),
    }


@pytest.mark.parametrize("name", ["four axes", "two heads", "one class"])
def test_a_model_that_gives_no_logits_is_refused(name):
    with pytest.raises(ValueError, match=r"give logits \(n, classes\), of two classes or more; it gives .*None"):
        fgsm(heads()[name], X, Y, eps=0.1)


def test_a_model_that_reads_no_images_is_refused():
    two = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(4)])
    flat = keras.Sequential([layers.Input((64,)), layers.Dense(4)])
    for model in (keras.Model(two, layers.Dense(4)(layers.Flatten()(two[0]))), unbuilt, flat):
        with pytest.raises(TypeError, match=r"reads \(n, height, width, channels\), its first layer keras.Input"):
            fgsm(model, X, Y, eps=0.1)


SOFTMAX = {
    "activation": lambda: layers.Dense(4, activation="softmax"),
    "layer": lambda: keras.Sequential([layers.Dense(4), layers.Softmax()]),
    "activation layer": lambda: keras.Sequential([layers.Dense(4), layers.Activation("softmax")]),
    "lambda": lambda: keras.Sequential([layers.Dense(4), layers.Lambda(tf.nn.softmax)]),
}


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("kind", SOFTMAX)
def test_a_softmax_head_is_refused_and_the_remedy_works(kind, n):
    model = tiny.fill(keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), SOFTMAX[kind]()]), seed=1)
    with pytest.raises(ValueError, match=r"gives probabilities.*without its last softmax.*new.set_weights"):
        iterative_attack(model, X[:n], Y[:n], eps=0.1, alpha=0.1)
    new = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(4)])
    new.set_weights(model.get_weights())
    a = iterative_attack(new, X[:n], Y[:n], eps=0.1, alpha=0.1, max_iter=3)
    assert np.allclose(read(logits(new, a.x_adv))[1], logits(model, a.x_adv).max(1, initial=0), atol=1e-5)


def test_logits_that_look_like_probabilities_by_chance_are_logits():
    w = np.array([1, -0.5, 0.25, 0])
    x = np.float32([0.25, 0, 0, 0]).reshape(1, 2, 2, 1)
    model = tiny.linear(np.stack([w, 0 * w], 1), [0.25, 0.5], (2, 2, 1))
    assert logits(model, x).tolist() == [[0.5, 0.5]]
    assert fgsm(model, x, [0], eps=0.1).success[0]
