"""Logits, gradients and directions: against double precision and by hand; and the graphs that compute them."""

import gc
import json
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest
import tiny

import advlib
from advlib import cnn, gradients
from advlib.backend import keras, tf
from advlib.gradients import accuracy, direction, gradient, logits, predict, read

layers = keras.layers
SHAPE = (5, 5, 1)


# ------------------------------------------------------------------ against double precision
def test_the_gradient_by_hand_is_that_of_finite_differences_and_of_keras_in_double_precision():
    model, x, y = tiny.smooth(), tiny.images(6, SHAPE), np.arange(6) % 4
    z, L, by_hand = tiny.smooth_by_hand(model, x, y)
    expected, h = np.zeros(x.shape), 1e-5
    for i in np.ndindex(SHAPE):
        ahead, behind = x.astype(np.float64), x.astype(np.float64)
        ahead[(slice(None), *i)] += h
        behind[(slice(None), *i)] -= h
        losses = [tiny.smooth_by_hand(model, one, y)[1] for one in (ahead, behind)]
        expected[(slice(None), *i)] = (losses[0] - losses[1]) / (2 * h)
    # h² times the third derivative, some hundreds; and 2⁻⁵³/h times L
    assert np.allclose(by_hand, expected, rtol=0, atol=1e-7)
    assert np.abs(by_hand).max((1, 2, 3)).min() > 0.1  # the comparison is not one of zeros
    other_z, other_L, _, other_gradient, _ = tiny.twin(model)(x, y)
    for ours, theirs in ((z, other_z), (L, other_L), (by_hand, other_gradient)):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [tiny.smooth, lambda: tiny.convolutional(SHAPE)], ids=["smooth", "convolutional"])
def test_the_gradient_of_the_cross_entropy_is_that_of_l_times_one_minus_p(kind):
    x = tiny.images(40, SHAPE)
    for y in (np.arange(40) % 4, np.full(40, 2)):
        z, L, J, of_L, of_J = tiny.twin(kind())(x, y)
        p = np.exp(z - z.max(1, keepdims=True))
        p = (p / p.sum(1, keepdims=True))[np.arange(40), y]
        assert np.allclose(J, np.log1p(np.exp(L)), rtol=1e-12)
        assert np.allclose(1 - p, 1 / (1 + np.exp(-L)), rtol=0, atol=1e-14)
        assert np.allclose(of_J, (1 - p)[:, None, None, None] * of_L, rtol=0, atol=1e-13)
        assert np.abs(of_J).max() > 0.1


CASES = {
    "right": lambda z: z.argmax(1),
    "wrong already": lambda z: z.argmin(1),
    "the runner-up, as a target": lambda z: z.argsort(1)[:, -2],
    "any label": lambda z: np.arange(len(z)) % z.shape[1],
}


@pytest.mark.parametrize("factor", [1, 32], ids=["unsure", "sure"])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("case", CASES)  # "right" is a target that has been reached as well
def test_the_direction_is_that_of_double_precision(case, classes, factor):
    model, x = tiny.sharpened(tiny.smooth(classes=classes), factor), tiny.images(60, SHAPE)
    y = CASES[case](tiny.smooth_by_hand(model, x, 0)[0])
    exact_z, L, exact = tiny.smooth_by_hand(model, x, y)
    in_z, in_g = tiny.smooth_rounding(model, x, y)
    z, g = gradient(model, x, y)
    assert (np.abs(z - exact_z) <= in_z).all()
    assert (np.abs(g - exact) <= in_g).all()
    largest = np.abs(exact).max((1, 2, 3), keepdims=True)
    assert (in_g < 0.05 * largest).all()  # the bound says something, for every image
    expected = exact / largest
    allowed = (in_g + np.abs(expected) * in_g.max((1, 2, 3), keepdims=True)) / largest + 2.0**-24
    assert (np.abs(direction(g) - expected) <= 1.1 * allowed).all()
    clear = np.abs(exact) > in_g
    assert clear.mean() > 0.9
    assert np.array_equal(direction(g, "sign")[clear], np.sign(exact)[clear])
    if case == "right" and factor == 32:  # 1 - p is nothing in float32, and the direction is there
        assert np.median(-L) > 24 * np.log(2)


class Products(layers.Layer):
    """Matrix products of every kind: pixels with weights and with pixels, turned or not."""

    def build(self, shape):
        self.w = self.add_weight(shape=(5, 5), name="kernel")

    def call(self, x):
        flat, w = tf.reshape(x, (-1, 5)), self.w
        y = tf.matmul(flat, w)
        y = tf.matmul(y, w, transpose_b=True)
        y = tf.transpose(tf.matmul(w, y, transpose_b=True))
        y = tf.matmul(tf.transpose(y), w, transpose_a=True)
        y = tf.transpose(tf.matmul(w, tf.transpose(y), transpose_a=True))
        y = tf.transpose(tf.matmul(w, y, transpose_a=True, transpose_b=True))
        y = tf.matmul(tf.transpose(y), tf.matmul(w, w), transpose_a=True, transpose_b=True)
        y = y + tf.matmul(tf.matmul(flat, flat, transpose_b=True), flat)
        return tf.reshape(y, tf.shape(x))


@pytest.mark.parametrize("products", [False, True], ids=["convolutional", "products"])
def test_the_gradient_is_tensorflows_own_to_the_last_bit(products):
    # Weights are -1, 0 and 1, pixels quarters, and there are two classes: all sums are numbers of 24 bits, exact in
    # whatever order they are taken.
    body = [Products()] if products else [
        layers.Conv2D(4, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)
    ]  # fmt: skip
    n = 1 if products else 7  # flat @ flat.T mixes the images of a batch
    model = keras.Sequential([layers.Input(SHAPE), *body, layers.Flatten(), layers.Dense(2)])
    rng = np.random.default_rng(0)
    for w in model.weights:
        w.assign(rng.integers(-1, 2, w.shape))
    x, y = rng.integers(0, 5, (n, *SHAPE)).astype(np.float32) / 4, np.arange(n) % 2
    pixels = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        z = model(pixels, training=False)
        L = tf.reduce_sum(z * (1 - 2 * tf.one_hot(y, 2)))  # of two classes, the other less the own
    expected = tape.gradient(L, pixels).numpy()
    found = gradient(model, x, y)
    assert np.array_equal(found[0], z)
    assert np.array_equal(found[1], expected)
    assert len(np.unique(expected)) > 8
    assert np.array_equal(np.float32(tiny.twin(model)(x, y)[3]), expected)  # exact, as said above


def test_neighbours_do_not_change_a_gradient():
    model, x, y = tiny.smooth(), tiny.images(9, SHAPE), np.arange(9) % 4
    z, g = gradient(model, x, y)
    bounds = tiny.smooth_rounding(model, x, y)
    for i in range(9):
        for alone, together, allowed in zip(gradient(model, x[i : i + 1], y[i : i + 1]), (z, g), bounds):
            assert (np.abs(alone[0] - together[i]) <= 2 * allowed[i]).all()


# ---------------------------------------------------------------------------- directions, readings
def test_direction_has_no_guard():
    g = np.float32([[3e-29, -1e-29], [4.0, 1.0], [0, 0], [2e38, -1e38]]).reshape(4, 2, 1, 1)
    expected = np.float32([[1, -1 / 3], [1, 0.25], [0, 0], [1, -0.5]]).reshape(g.shape)
    assert np.allclose(direction(g), expected, rtol=2.0**-22, atol=0)  # of two rounded numbers a rounded quotient
    assert np.array_equal(direction(g, "sign"), np.sign(expected))
    assert direction(g).dtype == direction(g, "sign").dtype == np.float32
    assert direction(g[:0]).shape == (0, 2, 1, 1)


def test_the_largest_of_all_colours_counts():
    g = np.float32([1, -2, 4]).reshape(1, 1, 1, 3)
    assert direction(g).ravel().tolist() == [0.25, -0.5, 1]


@pytest.mark.parametrize(
    ("g", "rule", "match"),
    [
        (np.zeros((2, 2, 1)), "gradient", r"\(n, height, width, channels\); found \(2, 2, 1\).*give gradient\[None\]"),
        (np.zeros((3, 4)), "gradient", r"\(n, height, width, channels\); found \(3, 4\)$"),
        (np.zeros((1, 2, 2, 1)), "signed", r"rule must be one of 'gradient', 'sign'; found 'signed'"),
    ],
)
def test_direction_refuses(g, rule, match):
    with pytest.raises(ValueError, match=match):
        direction(g, rule)


def test_read():
    prediction, sure = read(np.float32([[0, np.log(3)], [np.nan, 1], [np.inf, 0], [1000, 0]]))
    assert prediction.tolist() == [1, -1, -1, 0]
    assert np.allclose(sure, [0.75, 0, 0, 1])


def test_logits_predictions_and_accuracy():
    model, x = tiny.smooth(), tiny.images(23, SHAPE)
    exact, in_z = tiny.smooth_by_hand(model, x, 0)[0], tiny.smooth_rounding(model, x, 0)[0]
    for batch_size in (1, 7, 100):
        assert (np.abs(logits(model, x, batch_size) - exact) <= in_z).all()
    assert logits(model, x).dtype == np.float32
    assert np.ptp(np.sort(exact)[:, -2:], axis=1).min() > 2 * in_z.max()  # so no reading hangs on rounding
    y = exact.argmax(1)
    assert np.array_equal(predict(model, x), y)
    assert accuracy(model, x, y) == 1
    assert accuracy(model, x, np.where(np.arange(23) < 5, (y + 1) % 4, y).astype(np.uint8)) == 18 / 23
    assert logits(model, x[:0]).shape == (0, 4)
    assert predict(model, x[:0]).shape == (0,)
    broken = tiny.linear(np.zeros((25, 2)), [np.nan, 0], SHAPE)
    assert predict(broken, x).tolist() == [-1] * 23
    assert accuracy(broken, x, np.zeros(23, int)) == 0


def test_they_are_to_be_had_from_the_top():
    for name in ("logits", "predict", "gradient", "direction"):
        assert getattr(advlib, name) is getattr(gradients, name)


# --------------------------------------------------------------------- one graph for each network
@pytest.fixture
def traced():
    """What TensorFlow traces, and a layer that notes it: its function is called then, and never to compute."""
    shapes = []
    return shapes, layers.Lambda(lambda v: shapes.append(v.shape) or v)


def watched(layer):
    return tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE, before=[layer])


def test_a_network_is_traced_once_for_batches_of_every_size(traced):
    shapes, watch = traced
    model, x = watched(watch), tiny.images(9, SHAPE)
    shapes.clear()
    for n in (1, 7, 9, 2):
        gradient(model, x[:n], np.zeros(n, int))
        logits(model, x[:n])
        logits(model, x[:n], batch_size=1)
    assert shapes == [(None, *SHAPE)] * 2  # the gradient once, the logits once


def test_new_weights_training_and_compiling_are_no_reason_to_trace_anew(traced):
    shapes, watch = traced
    model, x = watched(watch), tiny.images(8, SHAPE)
    y = np.arange(8) % 4
    gradient(model, x, y)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    tiny.fill(model, seed=5)
    model(x)
    gradient(model, x, y)  # compile gives the model new parts: this may trace
    shapes.clear()
    tiny.fill(model, seed=6)
    model(x[:3].copy())
    shapes.clear()
    z, _ = gradient(model, x, y)
    assert not shapes
    assert np.allclose(z, x.reshape(8, -1) @ model.get_weights()[0] + model.get_weights()[1], atol=1e-4)


def test_a_changed_activation_is_seen():
    model, x = tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE), tiny.images(5, SHAPE)
    y = np.arange(5) % 4
    z, g = logits(model, x), gradient(model, x, y)[1]
    model.layers[-1].activation = tf.negative
    assert np.array_equal(logits(model, x), -z)
    assert not np.array_equal(gradient(model, x, y)[1], g)
    assert np.array_equal(gradient(model, x, y)[0], -z)
    model.layers[-1].activation = keras.activations.linear
    assert np.array_equal(logits(model, x), z)
    assert np.array_equal(gradient(model, x, y)[1], g)


def test_an_activation_that_takes_the_place_of_a_forgotten_one_is_seen():
    # once the first function is gone, Python may give its address to the third
    model, x = tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE), tiny.images(5, SHAPE)
    z = logits(model, x)
    for _ in range(5):
        model.layers[-1].activation = lambda v: 2 * v
        assert np.array_equal(logits(model, x), 2 * z)
        model.layers[-1].activation = lambda v: 3 * v
        model.layers[-1].activation = lambda v: 4 * v
        assert np.array_equal(logits(model, x), 4 * z)


def test_a_layer_that_is_taken_away_or_added_is_seen():
    model = tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE, after=[layers.Dense(3)])
    tiny.fill(model, seed=1)
    x, y = tiny.images(5, SHAPE), np.arange(5) % 3
    longer = gradient(model, x, y)
    model.pop()
    z, g = gradient(model, x, y)
    assert z.shape == logits(model, x).shape == (5, 4)
    assert not np.array_equal(g, longer[1])
    own = np.eye(4)[y]
    others = np.exp(np.where(own, -np.inf, z.astype(np.float64)))
    expected = (others / others.sum(1, keepdims=True) - own) @ model.get_weights()[0].T
    assert np.allclose(g, expected.reshape(x.shape), atol=1e-4)
    model.add(layers.Dense(2))
    assert gradient(model, x, y % 2)[0].shape == (5, 2)


def test_a_softmax_that_is_taken_away_after_the_refusal():
    model = tiny.fill(tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE, after=[layers.Softmax()]), seed=1)
    x, y = tiny.images(5, SHAPE), np.arange(5) % 4
    probabilities = logits(model, x)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"gives probabilities.*without its last softmax"):
            gradient(model, x, y)
    model.pop()
    z, g = gradient(model, x, y)
    assert np.allclose(read(z)[1], probabilities.max(1), atol=1e-5)
    assert np.isfinite(g).all()


def test_a_softmax_that_is_added_later_is_refused():
    model = tiny.fill(tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE), seed=1)
    x, y = tiny.images(5, SHAPE), np.arange(5) % 4
    gradient(model, x, y)
    model.layers[-1].activation = keras.activations.softmax
    with pytest.raises(ValueError, match="gives probabilities"):
        gradient(model, x, y)


def test_new_weights_are_seen():
    model, x, y = tiny.smooth(), tiny.images(5, SHAPE), np.arange(5) % 4
    before = gradient(model, x, y)
    tiny.fill(model, seed=5)
    after = gradient(model, x, y)
    exact_z, _, exact_g = tiny.smooth_by_hand(tiny.smooth(seed=5), x, y)
    for found, exact, allowed in zip(after, (exact_z, exact_g), tiny.smooth_rounding(model, x, y)):
        assert (np.abs(found - exact) <= allowed).all()
    assert not np.allclose(before[0], after[0], atol=0.1)


FORGOTTEN = {
    "sequential": lambda: tiny.convolutional(),
    "functional": lambda: (lambda i: keras.Model(i, layers.Dense(4)(layers.Flatten()(i))))(keras.Input((8, 8, 1))),
    "a model as a layer": lambda: keras.Sequential([layers.Input((8, 8, 1)), tiny.convolutional(), layers.Dense(3)]),
    "with functions": lambda: tiny.linear(
        np.eye(64, 4), np.zeros(4), (8, 8, 1), [layers.Lambda(lambda v: 2 * v)], [layers.Activation("relu")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORGOTTEN)
def test_a_model_that_is_deleted_is_gone(kind):
    gc.collect()
    known = len(gradients._traced)
    model = FORGOTTEN[kind]()
    gradient(model, tiny.images(2), [0, 1])
    logits(model, tiny.images(2))
    assert len(gradients._traced) == known + 1
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert len(gradients._traced) == known


# ---------------------------------------------------------------------------- single precision
ELSEWHERE = """
import sys
import numpy as np
if {late}:
    import advlib.backend
import keras
keras.config.set_floatx("float16")
keras.config.set_image_data_format("channels_first")
if {mixed}:
    keras.config.set_dtype_policy("mixed_float16")
from advlib import cnn, gradient
model = cnn.build(hidden=8, shape=(12, 12, 1))
dense = cnn.build_dense(hidden=(8,), shape=(12, 12, 1))
assert {{layer.compute_dtype for m in (model, dense) for layer in m.layers}} == {{"float32"}}
assert {{w.dtype for m in (model, dense) for w in m.weights}} == {{"float32"}}
x = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)
np.savez(sys.argv[1], *gradient(model, x, [0, 1, 2]), *gradient(dense, x, [0, 1, 2]), *model.get_weights())
"""


@pytest.mark.parametrize(("late", "mixed"), [(False, False), (True, True)])
def test_what_the_users_keras_is_set_to_changes_no_network_of_the_course(tmp_path, late, mixed):
    wishes = {"floatx": "float16", "epsilon": 1e-7, "backend": "tensorflow", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(wishes))
    program = ELSEWHERE.format(late=late, mixed=mixed)
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "found.npz"],
        env={**os.environ, "KERAS_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    x = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)
    nets = cnn.build(hidden=8, shape=(12, 12, 1)), cnn.build_dense(hidden=(8,), shape=(12, 12, 1))
    here = [a for net in nets for a in gradient(net, x, [0, 1, 2])] + nets[0].get_weights()
    with np.load(tmp_path / "found.npz") as found:
        there = [found[name] for name in found.files]
    for a, b in zip(here, there, strict=True):
        assert a.dtype == b.dtype == np.float32
        assert np.array_equal(a, b)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_another_precision_is_refused_by_name(policy):
    third = layers.Dense(5, dtype=policy, name="third")
    model = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), third, layers.Dense(4)])
    computes = policy.removeprefix("mixed_")
    for ask in (lambda: logits(model, tiny.images(2, SHAPE)), lambda: gradient(model, tiny.images(2, SHAPE), [0, 1])):
        with pytest.raises(TypeError, match=rf"float32; its layer 'third' computes in {computes}.*set_dtype_policy"):
            ask()


def test_no_image_has_no_gradient():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    z, g = gradient(model, np.zeros((0, 4, 4, 1)), np.zeros(0, int))
    assert (z.shape, g.shape) == ((0, 3), (0, 4, 4, 1))
