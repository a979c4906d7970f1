"""What a network learns against noise: each loss against what it says, and a training that is interrupted."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from small import DATASET, equal, network, train

from advlib import bounds, cnn, defences, gradient, logits
from advlib.backend import tf

X, Y = (a[:10] for a in DATASET.train)
SHAPE = (8, 8, 1)


def small(seed=0, to_prove=False):
    return cnn.build_strided(16, 10, SHAPE, seed, (8,), to_prove)


def value(loss, model, i, y=Y):
    return float(loss(model, tf.constant(X), tf.constant(y), tf.constant(float(i))))


def cross_entropy(z, y):
    return float(defences.cross_entropy(tf.constant(z), tf.constant(y)))


def test_the_soft_margin_is_what_the_course_climbs():
    model = tiny.smooth((8, 8, 1), classes=10)
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        L = defences.soft_margin(model(x), tf.constant(Y))
    assert np.allclose(tape.gradient(L, x), gradient(model, X, Y)[1], atol=1e-5)


@pytest.mark.parametrize("loss", [defences.adversarial(0.3, 10), defences.bounded(0.3, 10)])
def test_the_noise_grows_from_nothing(loss):
    """At batch 0 it is the plain cross-entropy; later it is larger."""
    model = small(1)
    plain = cross_entropy(logits(model, X), Y)
    assert value(loss, model, 0) == pytest.approx(plain, rel=1e-5)
    assert plain < value(loss, model, 5) < value(loss, model, 10)
    assert value(loss, model, 10) == pytest.approx(value(loss, model, 20), rel=0.1)


def test_the_attack_stays_in_the_ball_and_in_the_image():
    seen, network = [], small()

    def model(x, training):
        seen.append(x.numpy())
        return network(x, training=training)

    value(defences.adversarial(0.2, 1, steps=2), model, 9)
    assert len(seen) == 3
    for x in seen:
        assert np.abs(x - X).max() <= 0.2 + 1e-6
        assert x.min() >= 0
        assert x.max() <= 1
    assert np.unique(seen[0]).size > 100, "it begins anywhere"
    low, high = np.clip(X - np.float32(0.2), 0, 1), np.clip(X + np.float32(0.2), 0, 1)
    at_a_fence = np.isclose(seen[2], low, atol=1e-6) | np.isclose(seen[2], high, atol=1e-6)
    assert at_a_fence.mean() > 0.5, "and is driven to the fences"


def test_worst_logits_are_what_the_bounds_allow():
    """With all weight on the bounds, the loss is at least that of any image of the box."""
    model, loss = small(2), defences.bounded(0.1, 1, clean=0)
    worst = value(loss, model, 5)
    rng = np.random.default_rng(0)
    for _ in range(10):
        noisy = np.clip(X + rng.uniform(-0.1, 0.1, X.shape), 0, 1).astype(np.float32)
        assert cross_entropy(logits(model, noisy), Y) < worst


def test_a_common_noise_for_each_class_is_learned_beside():
    loss = defences.against_common(0.2, 1, SHAPE, each=2, refresh=0)
    model = small(3)
    plain = value(loss, model, 0)  # the noises are 0 at first
    assert plain == pytest.approx(cross_entropy(logits(model, X), Y), rel=1e-5)
    for i in range(1, 12):
        value(loss, model, i)
    (noises,) = loss.variables
    worn = np.abs(noises.numpy()).max((2, 3, 4)) > 0
    assert set(np.flatnonzero(worn.any(1))) == set(Y)  # only classes that were there
    assert np.abs(noises).max() <= 0.2 + 1e-6
    assert value(loss, model, 12) > plain, "they make it harder"


def test_softened_labels_are_learned_at_their_temperature():
    model = small(4)
    z = logits(model, X).astype(float) / 20
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    known = np.random.default_rng(0).dirichlet(np.ones(10), len(X))
    assert value(defences.softened(20), model, 0, known) == pytest.approx(-(known * np.log(p)).sum(1).mean(), rel=1e-4)


@pytest.mark.parametrize("defence", defences.EPOCHS)
def test_each_recipe_learns(defence):
    """One half white and one black, a little blurred: to be told apart under any noise of 0.24."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = np.where((np.arange(8) < 4) == y[:, None, None], 1, 0)[..., None] * np.ones(SHAPE)
    x = np.clip(np.abs(x - rng.uniform(0, 0.2, x.shape)), 0, 1).astype(np.float32)
    halves = SimpleNamespace(train=(x, y), validation=(x, y), class_names=tuple("0123456789"))
    model, teacher = (small(seed, to_prove=defence == "proved") for seed in (0, 1))
    batches = 1500 if defence == "distilled" else 300  # logits a hundred times as large take longer
    defences.train_defended(defence, model, teacher, halves, batches, batch_size=20)
    assert np.mean(logits(model, x).argmax(1) == y) > 0.95
    if defence == "proved":
        assert bounds.certified(model, x, y, 0.24).mean() > 0.95


def test_interrupted_beside_its_noises(tmp_path):
    """The noises go on where they were, as the weights do."""

    def loss():
        return defences.against_common(0.2, 4, SHAPE, each=2)

    once, twice = network(), network()
    train(once, 12, loss=loss())
    train(network(), 7, loss=loss(), checkpoint=tmp_path / "half.npz")
    train(twice, 12, loss=loss(), checkpoint=tmp_path / "half.npz")
    assert equal(once, twice)


def test_a_checkpoint_of_another_loss_is_refused(tmp_path):
    train(network(), 2, loss=defences.adversarial(0.1, 1), checkpoint=tmp_path / "one.npz")
    with pytest.raises(ValueError, match="is the checkpoint of another training: "):
        train(network(), 4, loss=defences.bounded(0.1, 1), checkpoint=tmp_path / "one.npz")
