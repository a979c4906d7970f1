"""Interval bounds: known answers, what they must contain, and what is refused."""

import itertools

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from advlib import bounds, cnn, iterative_attack, predict
from advlib.backend import keras, tf

layers = keras.layers


def by_hand():
    """Two pixels, two units with ReLU, two classes; small enough for a sheet of paper."""
    model = keras.Sequential(
        [layers.Input((1, 2, 1)), layers.Flatten(), layers.Dense(2, activation="relu"), layers.Dense(2)]
    )
    model.set_weights([np.float32([[1, -1], [2, 1]]), np.float32([0, 0.5]), np.float32([[1, -1], [0, 2]]),
                       np.float32([0.25, 0])])  # fmt: skip
    return model


def strided(seed=0, to_prove=False, shape=(12, 12, 1)):
    return tiny.fill(cnn.build_strided(8, 4, shape, seed, (3, 4), to_prove), seed, scale=1.5)


def outputs(model, x):
    """What each layer but the last makes of the images."""
    values = [tf.constant(x)]
    for layer in model.layers[:-1]:
        values.append(layer(values[-1]))
    return values[1:]


def test_two_pixels_by_hand():
    """The pixels are (0.5, 0.5) and ε is 0.25, so that each lies between 0.25 and 0.75.

    First layer: u = a + 2b lies in 1.5 ± 0.75 and v = −a + b + 0.5 in 0.5 ± 0.5, both above 0 already.  The difference
    of the logits, 2u − 2v + 0.25, lies in 3 − 1 + 0.25 ± (2·0.75 + 2·0.5) = 2.25 ± 2.5.
    """
    x = np.float32([[[[0.5], [0.5]]]])
    low, high = tf.constant([[0.25, 0.25]]), tf.constant([[0.75, 0.75]])
    low, high = bounds.through(by_hand().layers[1], low, high)
    assert low.numpy().tolist() == [[0.75, 0]]
    assert high.numpy().tolist() == [[2.25, 1]]
    assert bounds.margins(by_hand(), x, [0], 0.25).numpy().tolist() == [[0, -0.25]]
    assert bounds.margins(by_hand(), x, [1], 0.25).numpy().tolist() == [[-4.75, 0]]
    assert not bounds.certified(by_hand(), x, [0], 0.25)
    assert bounds.certified(by_hand(), x, [0], 0.2)  # 2.25 − 2 is above 0
    assert not bounds.certified(by_hand(), x, [1], 0)  # it is read as 0


def test_the_last_layer_is_bounded_by_differences():
    """Two logits that rise and fall together: each alone could take the other's place, their difference cannot."""
    model = tiny.linear([[1, 1], [1, 1]], [0.5, 0], (1, 2, 1))
    assert bounds.certified(model, np.full((1, 1, 2, 1), 0.5, np.float32), [0], 0.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.01, 0.1, 0.3]), st.booleans())
def test_the_bounds_hold_whatever_lies_between(seed, eps, to_prove):
    """Of every layer, and of the margins: images of the box, its corners among them."""
    rng = np.random.default_rng(seed)
    model, x = strided(seed, to_prove), tiny.images(1, (12, 12, 1), seed)
    low, high = np.clip(x - np.float32(eps), 0, 1), np.clip(x + np.float32(eps), 0, 1)
    share = np.concatenate([rng.random((20, 12, 12, 1)), rng.integers(0, 2, (20, 12, 12, 1))]).astype(np.float32)
    inside = np.clip(low + share * (high - low), low, high)
    lows, highs = tf.constant(low), tf.constant(high)
    for layer, found in zip(model.layers, outputs(model, inside), strict=False):
        lows, highs = bounds.through(layer, lows, highs)
        slack = 1e-4 * (1 + np.abs(found).max())
        assert (found >= lows - slack).numpy().all()
        assert (found <= highs + slack).numpy().all()
    z = model(inside).numpy()
    for y in range(4):
        least = bounds.margins(model, x, [y], eps).numpy()
        assert (z[:, [y]] - z >= least - 1e-4 * (1 + np.abs(z).max())).all()


@pytest.mark.parametrize("layer", [
    layers.Conv2D(3, 3, padding="same", dilation_rate=2, activation="relu"), layers.Conv2D(3, 3, strides=2),
    layers.Conv2D(3, 3, use_bias=False), layers.Dense(4, activation="relu", use_bias=False),
])  # fmt: skip
def test_between_equal_bounds_a_layer_gives_its_own_values(layer):
    x = tiny.images(5, (12, 12, 1), 1)
    values = layer(x).numpy()
    for bound in bounds.through(layer, tf.constant(x), tf.constant(x)):
        assert np.allclose(bound, values, atol=1e-6)


def test_a_last_layer_without_a_bias():
    model = keras.Sequential([layers.Input((1, 2, 1)), layers.Flatten(), layers.Dense(2, use_bias=False)])
    model.set_weights([np.float32([[1, 0], [0, 1]])])
    x = np.float32([[[[0.75], [0.25]]]])  # the logits: they meet where each pixel moves by 0.25
    assert bounds.certified(model, x, [0], 0.24)
    assert not bounds.certified(model, x, [0], 0.26)


def test_a_layer_that_is_set_otherwise_afterwards_counts():
    """Else the certificate would be of a network that is no more."""
    model = keras.Sequential([layers.Input((1, 2, 1)), layers.Rescaling(1.0), layers.Flatten(), layers.Dense(2)])
    model.set_weights([np.float32([[1, 0], [0, 1]]), np.float32([0, 0.25])])
    x = np.float32([[[[0.75], [0.25]]]])  # the first logit leads by 0.25 and, where the pixels count a third, lags
    assert bounds.certified(model, x, [0], 0.1)
    model.layers[0].scale = 1 / 3
    assert predict(model, x)[0] == 1
    assert not bounds.certified(model, x, [0], 0.1)


def test_no_attack_breaks_a_certificate():
    model, x = strided(3), tiny.images(60, (12, 12, 1), 5)
    y = predict(model, x)
    for eps in (0.001, 0.003, 0.01):
        proved = bounds.certified(model, x, y, eps)
        attack = iterative_attack(model, x, y, eps=eps, alpha=eps / 4, max_iter=20, rule="sign")
        assert not (proved & attack.success).any()
    assert bounds.certified(model, x, y, 0.001).any(), "there was nothing to break"


def test_without_noise_what_is_read_is_proved_and_more_noise_proves_less():
    model, x = strided(1), tiny.images(50, (12, 12, 1), 2)
    y = np.arange(50) % 4
    kept = [bounds.certified(model, x, y, eps) for eps in (0, 0.001, 0.01, 0.1)]
    assert np.array_equal(kept[0], predict(model, x) == y)
    assert all((more <= less).all() for less, more in itertools.pairwise(kept))


def test_the_size_of_the_batch_and_new_weights():
    model, x = strided(2), tiny.images(23, (12, 12, 1), 4)
    y = predict(model, x)
    whole = bounds.certified(model, x, y, 0.002)
    assert np.array_equal(whole, bounds.certified(model, x, y, 0.002, batch_size=5))
    model.set_weights([-w for w in model.get_weights()])  # the graph reads the weights as they are
    assert not bounds.certified(model, x, y, 0.002)[whole].any()
    assert bounds.certified(model, x[:0], y[:0], 0.002).shape == (0,)


@pytest.mark.parametrize("layer", [layers.BatchNormalization(), layers.Dense(3, activation="softplus"),
                                   layers.Rescaling(-1.0)])  # fmt: skip
def test_what_is_not_bounded_is_refused_by_name(layer):
    model = keras.Sequential([layers.Input((2, 2, 1)), layers.Flatten(), layer, layers.Dense(3)])
    with pytest.raises(TypeError, match=rf"found the \w+ {layer.name!r}"):
        bounds.certified(model, np.zeros((1, 2, 2, 1), np.float32), [0], 0.1)


@pytest.mark.parametrize(("x", "y", "eps", "what"), [
    (np.full((1, 1, 2, 1), 2.0), [0], 0.1, r"x must lie in \[0, 1\]"),
    (np.zeros((1, 2, 1)), [0], 0.1, r"x must have shape \(n, 1, 2, 1\)"),
    (np.zeros((1, 1, 2, 1)), [2], 0.1, "y must"),
    (np.zeros((1, 1, 2, 1)), [0], 20, "in grey levels"),
])  # fmt: skip
def test_bad_input_is_refused(x, y, eps, what):
    with pytest.raises(ValueError, match=what):
        bounds.certified(by_hand(), x, y, eps)
