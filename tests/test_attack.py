"""The per-image attack: what it gives where that is known by hand, what holds always, what is refused."""

import math
import random
import sys

import hypothesis
import numpy as np
import pytest
import tiny
from hypothesis import strategies as st

from advlib import attack, cnn, data, metrics
from advlib.attack import box_attack, fgsm, iterative_attack, random_noise
from advlib.backend import keras, tf
from advlib.gradients import Interrupted, gradient, logits, predict, read

layers = keras.layers
FIELDS = ("x_adv", "noise", "success", "already_wrong", "n_iter", "prediction", "confidence", "stalled")


def same(a, b):
    """Whether two results are equal to the last bit."""
    return a.gradients == b.gradients and all(
        np.array_equal(getattr(a, f), getattr(b, f)) and getattr(a, f).dtype == getattr(b, f).dtype
        for f in FIELDS
    )


@pytest.fixture(scope="module")
def net():
    return tiny.convolutional()


@pytest.fixture(scope="module")
def x():
    return tiny.images(24)


@pytest.fixture(scope="module")
def y(net, x):
    """What the network reads; one label in four is another one, so that those images are wrong already."""
    read_as = predict(net, x)
    return np.where(np.arange(len(x)) % 4 == 3, (read_as + 1) % 4, read_as)


@pytest.fixture
def calls(monkeypatch):
    """How many images each call of the gradient was given."""
    sizes, honest = [], attack.gradient

    def counting(model, images, labels):
        sizes.append(len(images))
        return honest(model, images, labels)

    monkeypatch.setattr(attack, "gradient", counting)
    return sizes


# ------------------------------------------------- known answers: a linear network, in powers of two
# Class 0 against class 1: z0 - z1 = w·x + b.  The gradient of L for y = 0 is -w; the numbers below are sums
# of powers of two, so float32 makes no rounding error in them.
SHAPE = (2, 2, 1)
w = np.array([1, -0.5, 0.25, 0])
W = np.stack([w / 2, -w / 2], 1)  # half of w for either class, with its sign
HALF = np.full((1, *SHAPE), 0.5, np.float32)


def margin_model(margin, weights=W):
    """At grey 0.5, class 0 leads by ``margin``."""
    return tiny.linear(weights, [margin - 0.5 * (weights[:, 0] - weights[:, 1]).sum(), 0], SHAPE)


@pytest.mark.parametrize(
    ("rule", "per_step", "moves"),
    [
        ("gradient", (1 + 0.25 + 0.0625) / 32, [-1, 0.5, -0.25, 0]),  # alpha · Σw² / max|w|
        ("sign", (1 + 0.5 + 0.25) / 32, [-1, 1, -1, 0]),  # alpha · Σ|w|
    ],
)
@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_steps_and_noise_by_hand(rule, per_step, moves, steps):
    model = margin_model((steps - 0.5) * per_step)  # half a step short of even before the last step
    a = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32, rule=rule)
    expected = np.reshape(moves, (1, *SHAPE)) * steps / 32
    assert a.n_iter.tolist() == [steps]
    assert a.success.tolist() == [True]
    assert a.gradients == steps + 1  # the last gradient finds that the image is fooled
    assert np.array_equal(a.noise, expected)
    assert np.array_equal(a.x_adv, HALF + expected)
    assert a.prediction.tolist() == [1]
    assert a.confidence[0] == pytest.approx(1 / (1 + np.exp(-per_step / 2)), abs=1e-6)


def test_an_even_score_is_not_yet_fooled():
    # argmax gives the lower class when two are equal, so exactly even still reads as class 0
    model = margin_model(3 * 1.3125 / 32)
    assert iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32).n_iter.tolist() == [4]


def test_the_target_pulls_the_other_way():
    model = margin_model(4.5 * 1.3125 / 32)
    away = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32)
    towards = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32, y_target=1)
    assert same(away, towards)  # with two classes, away from 0 is towards 1


@pytest.mark.parametrize(("rule", "per_step"), [("gradient", [-1, 0.5, -0.25, 0]), ("sign", [-1, 1, -1, 0])])
def test_no_pixel_leaves_the_ball(rule, per_step):
    eps, steps = 0.125, 10
    a = iterative_attack(margin_model(50), HALF, [0], eps=eps, alpha=1 / 32, max_iter=steps, rule=rule)
    expected = np.clip(np.array(per_step) * steps / 32, -eps, eps)
    assert np.array_equal(a.noise.ravel(), expected)
    assert (a.n_iter[0], a.success[0], a.gradients) == (steps, False, steps)


def test_two_conventions_of_clipping_two_noises():
    black = np.zeros((1, *SHAPE), np.float32)
    model = margin_model(50)
    run = {"eps": 0.25, "alpha": 1 / 16, "max_iter": 3}
    image = iterative_attack(model, black, [0], clip="image", **run)
    noise = iterative_attack(model, black, [0], clip="noise", **run)
    # three steps of (-1, 0.5, -0.25, 0) / 16: the network cannot see what lies below black
    assert np.array_equal(image.x_adv, noise.x_adv)
    assert np.array_equal(image.x_adv.ravel(), [0, 1.5 / 16, 0, 0])
    assert np.array_equal(image.noise, image.x_adv)
    assert np.array_equal(noise.noise.ravel(), np.array([-3, 1.5, -0.75, 0]) / 16)
    assert metrics.rms(image.noise)[0] == pytest.approx(np.sqrt(1.5**2 / 4) / 16)
    assert metrics.rms(noise.noise)[0] == pytest.approx(np.sqrt((9 + 2.25 + 0.5625) / 4) / 16)


def test_a_debt_below_black_is_paid_back_with_the_noise_convention():
    # z0 = x0 - 8 x1 + relu(-8 x0 + 16 x1 - 11) / 4 + 14: pixel 1 only ever rises, by 1/8 a step from 0.5; from 0.75
    # on the relu turns the weight of pixel 0 from 1 to -1: pushed below black for two steps, it then has to rise
    x = np.float32([0, 0.5]).reshape(1, 1, 2, 1)
    inputs = keras.Input((1, 2, 1))
    pixels = layers.Flatten()(inputs)
    turn, score = layers.Dense(1, activation="relu"), layers.Dense(2)
    model = keras.Model(inputs, score(layers.Concatenate()([pixels, turn(pixels)])))
    turn.set_weights([np.float32([[-8], [16]]), np.float32([-11])])
    score.set_weights([np.float32([[1, 0], [-8, 0], [0.25, 0]]), np.float32([14, 0])])
    runs = {
        clip: iterative_attack(model, x, [0], eps=0.5, alpha=1 / 8, max_iter=4, rule="sign", clip=clip)
        for clip in ("image", "noise")
    }
    assert runs["image"].x_adv.ravel()[0] == 2 / 8
    assert runs["noise"].noise.ravel()[0] == 0
    assert runs["noise"].x_adv.ravel()[0] == 0


def test_confidence_is_waited_for():
    # from a lead of 1.5 for class 0 to p1 = 0.9, which is a lead of ln 9 for class 1
    model = margin_model(1.5, weights=16 * W)
    run = {"eps": 0.5, "alpha": 1 / 32}
    expected = int(np.ceil((1.5 + np.log(9)) / (16 * 1.3125 / 32)))
    for y_target in (None, 1):
        a = iterative_attack(model, HALF, [0], confidence=0.9, y_target=y_target, max_iter=60, **run)
        assert a.n_iter[0] == expected
        assert a.success[0]
        assert 0.9 <= a.confidence[0] < 0.93
        a = iterative_attack(
            model, HALF, [0], confidence=0.9, y_target=y_target, max_iter=expected - 1, **run
        )
        assert (a.n_iter[0], a.success[0], a.prediction[0]) == (expected - 1, False, 1)


def test_an_image_already_wrong_but_unsure_goes_on_to_the_confidence():
    model = margin_model(-0.1)
    assert iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32).n_iter[0] == 0
    a = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32, confidence=0.55)
    assert a.already_wrong[0]
    assert a.success[0]
    assert a.n_iter[0] > 0
    assert a.confidence[0] >= 0.55


def test_the_image_after_the_last_step_is_tested():
    model = margin_model(2.5 * 1.3125 / 32)
    a = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32, max_iter=3)
    assert (a.n_iter[0], a.success[0], a.prediction[0], a.gradients) == (3, True, 1, 3)
    a = iterative_attack(model, HALF, [0], eps=0.5, alpha=1 / 32, max_iter=2)
    assert (a.n_iter[0], a.success[0], a.prediction[0], a.gradients) == (2, False, 0, 2)


# ------------------------------------------------------------------------ properties, whatever is asked
@st.composite
def settings(draw):
    """Images, labels and settings of every kind."""
    n = draw(st.integers(1, 9))
    seed = draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n).astype(draw(st.sampled_from([np.uint8, np.int32, np.int64])))
    targets = ((y + rng.integers(1, 4, n)) % 4).astype(y.dtype)
    return tiny.images(n, seed=seed), y, {
        "eps": draw(st.sampled_from([0, 0.01, 0.1, 0.15, 0.3, 1.0]) | st.floats(0, 0.5)),
        "alpha": draw(st.sampled_from([1 / 255, 10 / 255, 0.3, 2.0]) | st.floats(1e-3, 0.5)),
        "max_iter": draw(st.integers(0, 9)),
        "rule": draw(st.sampled_from(["gradient", "sign"])),
        "clip": draw(st.sampled_from(["image", "noise"])),
        "stop": draw(st.booleans()),
        "y_target": draw(st.sampled_from([None, targets])),
        "confidence": draw(st.sampled_from([None, 0.5, 0.9])),
    }  # fmt: skip


def always(examples):
    """Hypothesis with examples that are the same in every run, whatever a loaded machine takes for them."""
    return hypothesis.settings(
        derandomize=True, deadline=None, max_examples=examples, database=None,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )  # fmt: skip


@always(60)
@hypothesis.given(settings())
def test_what_always_holds(net, given):
    x, y, run = given
    a = iterative_attack(net, x, y, **run)
    eps, n = run["eps"], len(x)
    assert a.x_adv.dtype == a.noise.dtype == np.float32
    assert a.x_adv.shape == a.noise.shape == x.shape
    assert all(getattr(a, f).shape == (n,) for f in FIELDS[2:])
    assert a.x_adv.min() >= 0
    assert a.x_adv.max() <= 1
    assert np.abs(a.x_adv - x).max() <= eps + 1e-6
    assert np.abs(a.noise).max() <= eps + 1e-6
    if run["clip"] == "image":
        assert np.array_equal(a.noise, a.x_adv - x)
    else:
        assert np.array_equal(a.x_adv, np.clip(x + a.noise, 0, 1))
    if eps == 0:
        assert np.array_equal(a.x_adv, x)
        assert not a.noise.any()
        assert not a.n_iter.any()
    assert ((a.n_iter >= 0) & (a.n_iter <= run["max_iter"])).all()

    z = logits(net, a.x_adv)
    prediction, sure = read(z)
    hit = prediction != y if run["y_target"] is None else prediction == run["y_target"]
    assert np.array_equal(a.success, hit & (sure >= (run["confidence"] or 0)))
    assert np.array_equal(a.prediction, prediction)
    assert np.allclose(a.confidence, sure, atol=1e-6)
    before = predict(net, x)
    assert np.array_equal(a.already_wrong, before != y)
    assert not (a.stalled & a.success).any()
    assert np.array_equal(a.x_adv[a.n_iter == 0], x[a.n_iter == 0])
    if run["stop"] and run["y_target"] is None and run["confidence"] is None:
        assert not a.n_iter[a.already_wrong].any()
        assert a.success[a.already_wrong].all()


def steady(model, x, y, **run):
    """Which images end alike from eight starts at most 1e-6 away.

    The few others stand on a kink of the network, or where two classes are equal: there the last digit of a sum
    decides, and that is another one in every processor and in every size of the batch.
    """
    shifts = np.random.default_rng(0).uniform(-1e-6, 1e-6, (8, *x.shape)).astype(np.float32)
    wanted = run.pop("y_target", None)
    wanted = wanted if wanted is None else np.tile(wanted, 9)
    starts = np.clip(x + np.concatenate([np.zeros_like(x)[None], shifts]), 0, 1).reshape(-1, *x.shape[1:])
    a = iterative_attack(model, starts, np.tile(y, 9), y_target=wanted, **run)
    n_iter, success, x_adv = (v.reshape(9, *x.shape[: v.ndim]) for v in (a.n_iter, a.success, a.x_adv))
    return (
        (n_iter == n_iter[0]).all(0)
        & (success == success[0]).all(0)
        & (np.abs(x_adv - x_adv[0]).max((0, 2, 3, 4)) <= 1e-4)
    )


@always(15)
@hypothesis.given(settings())
def test_batch_size_and_neighbours_change_nothing(net, given):
    x, y, run = given
    sound = steady(net, x, y, **run)
    hypothesis.assume(sound.any())
    everyone = iterative_attack(net, x, y, **run)
    for batch_size in (1, 2, 7):
        a = iterative_attack(net, x, y, batch_size=batch_size, **run)
        assert np.array_equal(a.success[sound], everyone.success[sound])
        assert np.array_equal(a.n_iter[sound], everyone.n_iter[sound])
        assert np.allclose(a.x_adv[sound], everyone.x_adv[sound], atol=1e-5)
        assert a.gradients == everyone.gradients or not sound.all()
    turned = {**run, "y_target": run["y_target"] if run["y_target"] is None else run["y_target"][::-1]}
    a = iterative_attack(net, x[::-1], y[::-1], **turned)
    assert np.array_equal(a.success[::-1][sound], everyone.success[sound])
    assert np.array_equal(a.n_iter[::-1][sound], everyone.n_iter[sound])
    assert np.allclose(a.x_adv[::-1][sound], everyone.x_adv[sound], atol=1e-5)


@always(15)
@hypothesis.given(settings())
def test_the_stopped_run_is_the_beginning_of_the_unstopped(net, given):
    x, y, run = given
    sound = steady(net, x, y, **{**run, "stop": True})
    stopped = iterative_attack(net, x, y, **{**run, "stop": True})
    for n_iter in np.unique(stopped.n_iter):
        rows = sound & (stopped.n_iter == n_iter)
        whole = iterative_attack(net, x, y, **{**run, "stop": False, "max_iter": int(n_iter)})
        assert np.allclose(whole.x_adv[rows], stopped.x_adv[rows], atol=1e-5)
        assert np.array_equal(whole.success[rows], stopped.success[rows])


def test_most_images_are_steady(net, x, y):
    for rule in ("gradient", "sign"):
        assert steady(net, x, y, eps=0.2, alpha=0.05, max_iter=9, rule=rule).mean() > 0.8


def mnist(n):
    """The first test images."""
    if not data.find("mnist.npz"):
        pytest.skip("MNIST is not on this machine, and the shipped networks read nothing else")
    images, labels = data.load("mnist").test
    return images[:n], labels[:n]


@pytest.mark.parametrize(("rule", "sizes"), [("gradient", (1, 7, 64)), ("sign", (7, 64))])
def test_the_shipped_network_is_attacked_alike_in_batches_of_every_size(rule, sizes):
    x, y = mnist(500)
    model = cnn.load("mnist", 0)
    run = {"eps": 0.15, "alpha": 10 / 255, "max_iter": 60, "rule": rule}
    everyone = iterative_attack(model, x, y, batch_size=500, **run)
    assert everyone.success.sum() > 450
    for size in sizes:
        a = iterative_attack(model, x, y, batch_size=size, **run)
        other = np.flatnonzero((a.n_iter != everyone.n_iter) | (a.success != everyone.success))
        # None, or an image that wanders along a boundary, where rounding decides when it is over: then starts at most
        # 1e-7 away, a white pixel's last digit or two, have to end at different steps in batches of one size as well.
        assert len(other) <= 5, size
        for i in other:
            shifts = np.random.default_rng(0).uniform(-1e-7, 1e-7, (64, *x.shape[1:])).astype(np.float32)
            near = iterative_attack(model, np.clip(x[i] + shifts, 0, 1), np.repeat(y[i], 64), **run)
            assert len(np.unique(near.n_iter)) > 1, (size, i)


@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("batch_size", [1, 5, 256])
def test_gradients_are_counted(net, x, y, calls, stop, batch_size):
    a = iterative_attack(net, x, y, eps=0.2, alpha=0.05, max_iter=6, stop=stop, batch_size=batch_size)
    assert a.gradients == sum(calls)
    assert max(calls) == min(batch_size, len(x))
    # an image that left before its last step cost one gradient more, the one that found it fooled
    assert a.gradients == a.n_iter.sum() + (a.n_iter < 6).sum()
    if stop:
        assert len(np.unique(a.n_iter)) > 2
        assert a.gradients < 6 * len(x)
        if batch_size == 5:  # everyone's first step; then no place is spare as long as somebody waits
            assert calls[:5] == [5, 5, 5, 5, 4]
            assert calls[5:] == sorted(calls[5:], reverse=True)
            assert calls[5:].count(5) > len(calls[5:]) / 2
    else:
        assert a.gradients == 6 * len(x)


def test_a_place_in_the_batch_is_taken_again_when_several_leave_at_once(calls):
    # margins of 0 to 4 steps; images 0, 1 and 4 are fooled at once, in the middle of the queue
    starts = np.float32([0.5, 0.5, 2.5, 3.5, 0.5, 1.5, 0.5, 4.5]) * 1.3125 / 32
    model = tiny.linear(np.vstack([W, [[1, 0]]]), [-0.375, 0], (5, 1, 1))
    x = np.full((8, 5, 1, 1), 0.5, np.float32)
    x[:, 4, 0, 0] = starts
    a = iterative_attack(model, x, np.zeros(8, int), eps=0.4, alpha=1 / 64, rule="sign", batch_size=3)
    alone = [iterative_attack(model, x[i : i + 1], [0], eps=0.4, alpha=1 / 64, rule="sign") for i in range(8)]
    assert np.array_equal(a.n_iter, [one.n_iter[0] for one in alone])
    assert np.array_equal(a.x_adv, np.concatenate([one.x_adv for one in alone]))
    assert a.success.all()
    in_batches = calls[: len(calls) - sum(int(one.gradients) for one in alone)]
    assert sum(in_batches) == a.gradients
    first, rest = in_batches[:3], in_batches[3:]
    assert first == [3, 3, 2]  # everyone's first step
    assert sorted(rest, reverse=True) == rest  # once the queue is empty the batch only shrinks
    assert len(rest) == max(a.n_iter.max(), math.ceil(sum(rest) / 3))  # the longest began first: no order is shorter


def test_one_strong_image_does_not_shorten_its_neighbours_steps():
    # the network sees v⁶⁴, as squares of squares: at grey 0.5 its gradient is 1e19 times as small as at white
    def power(v):
        for _ in range(6):
            v = v * v
        return v

    model = tiny.linear(W, [4, 0], SHAPE, before=[layers.Lambda(power)])
    x = np.float32([[1, 0.875, 0.875, 0.5], [0.5, 0.5, 0.5, 0.5]]).reshape(2, *SHAPE)
    size = np.abs(gradient(model, x, [0, 0])[1]).max((1, 2, 3))
    assert size[1] < 1e-18 * size[0]
    both = iterative_attack(model, x, [0, 0], eps=0.25, alpha=1 / 64, stop=False, max_iter=1)
    assert np.abs(both.noise).max((1, 2, 3)).tolist() == [1 / 64, 1 / 64]
    for i in range(2):
        one = iterative_attack(model, x[i : i + 1], [0], eps=0.25, alpha=1 / 64, stop=False, max_iter=1)
        assert np.array_equal(one.x_adv[0], both.x_adv[i])


# --------------------------------------------------------------------------------- forms of the input
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64, list])
def test_labels_of_any_width(net, x, y, dtype):
    run = {"eps": 0.1, "alpha": 0.05, "max_iter": 3}
    wanted = (y + 1) % 4
    given, wanted_given = (v.tolist() if dtype is list else v.astype(dtype) for v in (y, wanted))
    assert same(iterative_attack(net, x, y, **run), iterative_attack(net, x, given, **run))
    assert same(
        iterative_attack(net, x, y, y_target=wanted, **run),
        iterative_attack(net, x, given, y_target=wanted_given, **run),
    )


def test_float64_images_and_numpy_numbers_are_taken(net, x, y):
    plain = iterative_attack(net, x, y, eps=0.125, alpha=0.0625, max_iter=3)
    other = iterative_attack(
        net, x.astype(np.float64), y, eps=np.float32(0.125), alpha=np.float64(0.0625), max_iter=np.int32(3)
    )
    assert same(plain, other)


def test_one_target_for_all(net, x):
    y = np.zeros(len(x), np.uint8)
    run = {"eps": 0.3, "alpha": 0.05, "max_iter": 8}
    a = iterative_attack(net, x, y, y_target=2, **run)
    assert same(a, iterative_attack(net, x, y, y_target=np.full(len(x), 2), **run))
    assert same(a, iterative_attack(net, x, y, y_target=np.int64(2), **run))
    assert a.success.any()
    assert (a.prediction[a.success] == 2).all()


def test_an_image_that_already_reads_as_its_target_is_left_alone(net, x):
    read_as = predict(net, x)
    a = iterative_attack(net, x, (read_as + 1) % 4, eps=0.3, alpha=0.05, y_target=read_as)
    assert a.success.all()
    assert a.already_wrong.all()
    assert not a.n_iter.any()
    assert np.array_equal(a.x_adv, x)


@pytest.mark.parametrize("more", [{}, {"y_target": 1}, {"y_target": []}, {"stop": False}, {"clip": "noise"}])
def test_no_images(net, x, more):
    a = iterative_attack(net, x[:0], [], eps=0.1, alpha=0.1, **more)
    assert a.x_adv.shape == a.noise.shape == (0, 8, 8, 1)
    assert a.gradients == 0
    assert all(getattr(a, f).shape == (0,) for f in FIELDS[2:])


@pytest.mark.parametrize(
    "more", [{"eps": 0}, {"max_iter": 0}, {"eps": 0, "stop": False}, {"eps": 0.0, "clip": "noise"}]
)
def test_nothing_to_do_is_the_identity(net, x, y, calls, more):
    a = iterative_attack(net, x, y, **{"eps": 0.1, "alpha": 0.1, **more})
    assert np.array_equal(a.x_adv, x)
    assert not a.noise.any()
    assert not a.n_iter.any()
    assert a.gradients == len(calls) == 0
    assert np.array_equal(a.already_wrong, np.arange(len(x)) % 4 == 3)
    assert np.array_equal(a.success, a.already_wrong)


def test_other_bounds(x, y):
    # the same network, which now reads images of -1 … 1
    shifted = keras.Sequential([layers.Input((8, 8, 1)), layers.Rescaling(0.5, 0.5), *tiny.convolutional().layers])
    a = iterative_attack(tiny.convolutional(), x, y, eps=0.125, alpha=0.0625, max_iter=5)
    b = iterative_attack(shifted, 2 * x - 1, y, eps=0.25, alpha=0.125, max_iter=5, bounds=(-1, 1))
    sound = steady(tiny.convolutional(), x, y, eps=0.125, alpha=0.0625, max_iter=5)
    assert sound.mean() > 0.8
    assert np.allclose((2 * a.x_adv - 1)[sound], b.x_adv[sound], atol=2e-5)
    assert np.array_equal(a.success[sound], b.success[sound])
    assert b.x_adv.min() == -1


def test_colour(y):
    model, x = tiny.convolutional((6, 8, 3)), tiny.images(4, (6, 8, 3))
    y = predict(model, x)
    a = iterative_attack(model, x, y, eps=0.3, alpha=0.05, max_iter=1)
    _, g = gradient(model, x, y)
    largest = np.abs(g).max((1, 2, 3), keepdims=True)  # over the three colours together
    assert np.allclose(a.x_adv, np.clip(x + np.float32(0.05) * g / largest, 0, 1), atol=1e-6)


# -------------------------------------------------------------------- gradients that lead nowhere
DEAD_ENDS = {
    "zero weights": lambda: tiny.linear(np.zeros((4, 3)), [2, 0, 0], SHAPE),
    "rounded pixels": lambda: tiny.linear(
        np.array([[1.0, -1, 0]] * 4), [2, 0, 0], SHAPE, before=[layers.Lambda(tf.round)]
    ),
    "one answer": lambda: keras.Sequential(
        [layers.Input(SHAPE), layers.Lambda(lambda v: tf.one_hot(tf.zeros(tf.shape(v)[0], tf.int32), 3, 2.0))]
    ),
}


@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("rule", ["gradient", "sign"])
@pytest.mark.parametrize("end", DEAD_ENDS)
def test_a_zero_gradient_stalls(end, rule, stop):
    x = np.float32(np.random.default_rng(0).uniform(0.6, 1, (5, *SHAPE)))
    a = iterative_attack(DEAD_ENDS[end](), x, [0, 0, 1, 0, 2], eps=0.1, alpha=0.05, rule=rule, stop=stop)
    assert a.stalled.tolist() == [True, True, False, True, False]
    assert a.success.tolist() == a.already_wrong.tolist() == [False, False, True, False, True]
    assert np.array_equal(a.x_adv, x)
    assert not a.noise.any()
    assert not a.n_iter.any()
    assert a.gradients == 5
    assert np.isfinite(a.confidence).all()


def test_stalling_half_way_and_beside_others():
    # class 0 leads by 0.5 + relu(x0 - 0.25): it can be brought down to 0.5, where the gradient ends; a second
    # pixel, where it is lit, brings class 1 further
    inputs = keras.Input((1, 2, 1))
    hinges = layers.Dense(2, activation="relu")
    score = layers.Dense(2)
    model = keras.Model(inputs, score(hinges(layers.Flatten()(inputs))))
    hinges.set_weights([np.eye(2, dtype=np.float32), np.float32([-0.25, -0.25])])
    score.set_weights([np.float32([[1, 0], [0, 8]]), np.float32([0.5, 0])])
    x = np.float32([[0.5, 0], [0, 0], [0.5, 0.28125]]).reshape(3, 1, 2, 1)
    a = iterative_attack(model, x, [0, 0, 0], eps=0.5, alpha=0.125, rule="sign")
    assert a.stalled.tolist() == [True, True, False]
    assert a.success.tolist() == [False, False, True]
    assert a.n_iter[:2].tolist() == [2, 0]
    assert a.x_adv[0].ravel().tolist() == [0.25, 0]
    assert a.n_iter[2] > 0


@pytest.mark.parametrize("stop", [True, False])
def test_logits_that_are_not_numbers_count_as_nothing(stop):
    root = layers.Lambda(lambda v: tf.sqrt(v - 0.25))  # not a number below 0.25
    model = tiny.linear(-W, [1, 0], SHAPE, before=[root])
    x = np.float32([0.1, 0.9, 0.2]).reshape(3, 1, 1, 1) * np.ones((3, *SHAPE), np.float32)
    a = iterative_attack(model, x, [0, 0, 1], eps=0.05, alpha=0.01, max_iter=4, stop=stop)
    assert a.stalled.tolist() == [True, False, True]
    assert a.prediction.tolist() == [-1, 0, -1]
    assert a.confidence[[0, 2]].tolist() == [0, 0]
    assert not a.success.any()
    assert not a.already_wrong.any()
    assert np.array_equal(a.x_adv[[0, 2]], x[[0, 2]])
    assert np.isfinite(a.x_adv).all()
    assert a.n_iter.tolist() == [0, 4, 0]


def test_logits_that_cease_to_be_numbers_on_the_way():
    root = layers.Lambda(lambda v: tf.sqrt(v - 0.25))
    model = tiny.linear(W[:, ::-1], [0, 1], SHAPE, before=[root])  # reads class 1; away from 0 is brighter
    x = np.full((1, *SHAPE), 0.5, np.float32)
    a = iterative_attack(model, x, [0], eps=0.5, alpha=0.2, rule="sign", max_iter=6, stop=False)
    assert a.prediction.tolist() == [-1]  # the second pixel was made darker until its root was gone
    assert a.success.tolist() == [False]
    assert a.already_wrong.tolist() == [True]  # it was wrong before, whatever became of it
    assert a.stalled.tolist() == [True]
    assert np.isfinite(a.x_adv).all()


@pytest.mark.parametrize("factor", [8, 32, 128])
@pytest.mark.parametrize("more", [{}, {"rule": "sign"}, {"y_target": 1}, {"clip": "noise"}])
def test_a_very_sure_network_is_attacked_exactly_as_well(x, factor, more):
    # two classes: there is one way to misread, and it does not depend on how sure the network is
    model = tiny.convolutional(classes=2)
    sure = tiny.sharpened(model, factor)
    read_as, confidence = read(logits(sure, x))
    assert factor == 8 or np.median(1 - confidence) < 2**-24  # in float32 its probability is 1
    rows = read_as == 0 if "y_target" in more else slice(None)
    # one by one, and times a power of two: every sum of the network and of its gradient is rounded alike
    run = {"eps": 0.2, "alpha": 0.02, "max_iter": 30, "batch_size": 1, **more}
    a, b = (iterative_attack(m, x[rows], read_as[rows], **run) for m in (model, sure))
    for field in ("x_adv", "noise", "success", "already_wrong", "n_iter", "prediction", "stalled"):
        assert np.array_equal(getattr(a, field), getattr(b, field)), field
    assert a.success.sum() > len(a.success) / 2
    assert len(np.unique(a.n_iter)) > 3
    assert not b.stalled.any()


@pytest.mark.parametrize("factor", [8, 32, 128])
def test_a_very_sure_reader_of_digits_is_fooled_as_often(factor):
    x, y = mnist(100)
    model = cnn.load("mnist", 0)
    run = {"eps": 0.15, "alpha": 10 / 255, "max_iter": 60}
    plain = iterative_attack(model, x, y, **run)
    sure = iterative_attack(tiny.sharpened(model, factor), x, y, **run)
    assert not sure.stalled.any()
    # the runner-up counts for more among the others, so an image may take another way
    assert abs(int(sure.success.sum()) - int(plain.success.sum())) <= 2


@pytest.mark.parametrize("factor", [2.0**-96, 2.0**-40, 2.0**40, 2.0**96])
def test_gradients_of_every_size_move_the_image_alike(factor):
    # from 1e-29 to 1e29: there is no guard in the denominator, and nothing overflows
    plain, other = (margin_model(f * 4.5 * 1.3125 / 32, weights=f * W) for f in (1, factor))
    assert np.abs(gradient(other, HALF, [0])[1]).max() == np.float32(factor)
    a, b = (iterative_attack(m, HALF, [0], eps=0.5, alpha=1 / 32) for m in (plain, other))
    assert (a.n_iter.tolist(), a.success.tolist()) == (b.n_iter.tolist(), b.success.tolist()) == ([5], [True])
    assert np.array_equal(a.x_adv, b.x_adv)


# ------------------------------------------------------------------------------- what it leaves alone
def test_model_arguments_and_random_states_are_unchanged(x, y):
    model = tiny.convolutional()
    model.layers[0].trainable = False
    weights, trainable = model.get_weights(), [layer.trainable for layer in model.layers]
    x, y, wanted = x.copy(), y.copy(), (y + 1) % 4
    kept = [v.copy() for v in (x, y, wanted)]
    for v in (x, y, wanted):
        v.flags.writeable = False

    def draws():
        return random.random(), np.random.random(), float(tf.random.uniform(())), float(keras.random.uniform(()))  # noqa: NPY002

    def seed():
        keras.utils.set_random_seed(7)

    seed()
    undisturbed = draws()
    seed()
    for run in ({}, {"y_target": wanted}, {"clip": "noise", "rule": "sign"}):
        iterative_attack(model, x, y, eps=0.2, alpha=0.05, max_iter=4, **run)
    random_noise(x, eps=0.1)
    assert draws() == undisturbed
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights))
    assert [layer.trainable for layer in model.layers] == trainable
    assert all(np.array_equal(a, b) for a, b in zip((x, y, wanted), kept))


def test_evaluation_mode(x, y):
    # dropout and the moving averages of batch normalisation would show in every number
    a = iterative_attack(tiny.convolutional(), x, y, eps=0.2, alpha=0.05, max_iter=5)
    b = iterative_attack(tiny.convolutional(dropout=0.0), x, y, eps=0.2, alpha=0.05, max_iter=5)
    assert same(a, b)
    assert not np.allclose(tiny.convolutional()(x, training=True), logits(tiny.convolutional(), x), atol=0.1)


@pytest.fixture
def interrupt(monkeypatch):
    """Ctrl-C in place of the gradient number ``at``, counted from 0."""
    honest = attack.gradient

    def arm(at):
        count = []

        def interrupted(*given):
            count.append(1)
            if len(count) == at + 1:
                raise KeyboardInterrupt
            return honest(*given)

        monkeypatch.setattr(attack, "gradient", interrupted)

    return arm


@pytest.mark.parametrize("at", [0, 3, 7, 12])
@pytest.mark.parametrize("stop", [True, False])
def test_an_interruption_keeps_what_was_found_and_returns_nothing(net, x, y, interrupt, monkeypatch, at, stop):
    run = {"eps": 0.2, "alpha": 0.02, "max_iter": 8, "batch_size": 5, "stop": stop}
    kept = x.copy()
    undisturbed = iterative_attack(net, x, y, **run)
    with monkeypatch.context():
        interrupt(at)
        found = "nothing"
        with pytest.raises(Interrupted, match=r"\d+ gradients for 24 images\.  .*sys.last_value.partial") as why:
            found = iterative_attack(net, x, y, **run)
        assert found == "nothing"
        assert isinstance(why.value, KeyboardInterrupt)  # so that Run All stops, and except Exception does not hide it
    part = why.value.partial
    assert part.gradients == min(at, 4) * 5 + (at >= 5) * (4 + (at - 5) * 5)  # the fifth batch is of the last four
    assert 0 <= part.n_iter.sum() <= part.gradients
    assert np.array_equal(part.already_wrong, undisturbed.already_wrong)
    # each image as it is after so many steps, and read anew
    assert np.array_equal(part.prediction, predict(net, part.x_adv))
    assert np.array_equal(part.success, part.prediction != y)
    assert np.array_equal(part.noise, part.x_adv - x)
    for steps in np.unique(part.n_iter):
        rows = part.n_iter == steps
        shorter = iterative_attack(net, x, y, **{**run, "max_iter": int(steps)})
        assert np.allclose(part.x_adv[rows], shorter.x_adv[rows], atol=1e-5)
    assert np.array_equal(x, kept)


def test_an_interruption_leaves_nothing_behind(net, x, y, interrupt, monkeypatch):
    run = {"eps": 0.2, "alpha": 0.02, "max_iter": 8, "batch_size": 5}
    undisturbed = iterative_attack(net, x, y, **run)
    with monkeypatch.context():
        interrupt(3)
        with pytest.raises(KeyboardInterrupt):
            iterative_attack(net, x, y, **run)
    attack.gradient = gradient
    assert same(iterative_attack(net, x, y, **run), undisturbed)


def test_in_a_notebook_what_was_found_is_in_last_value(net, x, y, interrupt, monkeypatch, capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    monkeypatch.setattr(sys, "last_value", None, raising=False)
    shell.user_ns.update(attack=attack, net=net, x=x, y=y)
    interrupt(3)
    cell = shell.run_cell("a = attack.iterative_attack(net, x, y, eps=0.2, alpha=0.02, batch_size=5)")
    assert isinstance(cell.error_in_exec, Interrupted)
    assert "a" not in shell.user_ns
    assert "sys.last_value.partial" in capsys.readouterr().out  # the cell says where it is
    cell = shell.run_cell("import sys; a = sys.last_value.partial")
    assert cell.success
    assert shell.user_ns["a"].gradients == 15


class Bar:
    """In the place of tqdm: notes what a bar is told."""

    made = None

    def __init__(self, total, initial=0, disable=False, **_):
        self.total, self.seen, self.disable = total, [initial], disable
        Bar.made = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, n):
        assert n >= 0
        self.seen.append(int(n))


@pytest.mark.parametrize(
    "more", [{}, {"stop": False}, {"max_iter": 0}, {"eps": 0}, {"batch_size": 5}, {"confidence": 0.9}]
)
def test_the_bar_counts_images(net, x, y, monkeypatch, more):
    monkeypatch.setattr(attack, "tqdm", Bar)
    iterative_attack(net, x, y, progress=True, **{"eps": 0.2, "alpha": 0.05, "max_iter": 6, **more})
    assert Bar.made.total == sum(Bar.made.seen) == len(x)
    assert not Bar.made.disable


def test_no_bar_unless_asked_for(net, x, y, capfd):
    iterative_attack(net, x, y, eps=0.2, alpha=0.05, max_iter=2)
    assert capfd.readouterr() == ("", "")
    iterative_attack(net, x, y, eps=0.2, alpha=0.05, max_iter=2, progress=True)
    assert "24/24" in capfd.readouterr().err


def test_repr_says_what_matters(net, x, y):
    a = iterative_attack(net, x, y, eps=0.2, alpha=0.05, max_iter=2)
    assert repr(a) == (
        f"Attack(images=24, success={a.success.sum()}, already_wrong=6, stalled=0, gradients={a.gradients})"
    )


# ------------------------------------------------------------------------------- FGSM and the control
def test_fgsm_is_one_signed_step(net, x, y):
    _, g = gradient(net, x, y)
    a = fgsm(net, x, y, eps=0.15)
    assert np.array_equal(a.x_adv, np.clip(x + np.float32(0.15) * np.sign(g), 0, 1))
    assert (a.n_iter == 1).all()
    assert a.gradients == len(x)
    wanted = (y + 1) % 4
    _, g = gradient(net, x, wanted)
    a = fgsm(net, x, y, eps=0.15, y_target=wanted)
    assert np.array_equal(a.x_adv, np.clip(x - np.float32(0.15) * np.sign(g), 0, 1))


def test_fgsm_of_size_zero(net, x, y):
    a = fgsm(net, x, y, eps=0)
    assert np.array_equal(a.x_adv, x)
    assert a.gradients == 0


def test_random_noise():
    grey = np.full((3, 4, 4, 1), 0.5, np.float32)
    noisy = random_noise(grey, eps=0.25)
    assert set(np.unique(noisy - grey)) == {-0.25, 0.25}
    assert np.allclose(metrics.rms(noisy - grey), 0.25)
    assert np.array_equal(noisy, random_noise(grey, eps=0.25))
    assert not np.array_equal(noisy, random_noise(grey, eps=0.25, seed=1))
    each = random_noise(grey, eps=[0, 0.125, 0.5])
    assert np.abs(each - grey).max((1, 2, 3)).tolist() == [0, 0.125, 0.5]
    assert random_noise(np.zeros((1, 2, 2, 1)), eps=0.3).min() == 0
    assert each.dtype == noisy.dtype == np.float32
    assert np.array_equal(random_noise(grey, eps=0), grey)
    with pytest.raises(ValueError, match=r"eps must be at least 0; found -0.1"):
        random_noise(grey, eps=[0.1, -0.1, 0.1])
    with pytest.raises(TypeError, match=r"found 0 … 255 \(uint8\): divide by 255"):
        random_noise(np.uint8([[[[0], [255]]]]), eps=0.1)




# --------------------------------------------------------------------------------------- a search in a box
def test_a_box_of_a_linear_model_is_searched_to_its_corner():
    """Two classes: the least difference of the logits is known, so it is known which images can be misread."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(25, 2)) + np.array([0.15, 0])
    model = tiny.linear(weights, [0, 0.3], (5, 5, 1))
    x = tiny.images(40, (5, 5, 1), 1)
    y = predict(model, x)
    low, high = np.clip(x - np.float32(0.2), 0, 1), np.clip(x + np.float32(0.2), 0, 1)
    ahead = (weights[:, :1] - weights[:, 1:]) * np.where(y == 0, 1, -1)  # what each pixel adds to the label's lead
    corner = np.where(ahead.T > 0, low.reshape(40, -1), high.reshape(40, -1))
    least = (corner * ahead.T).sum(1) - 0.3 * np.where(y == 0, 1, -1)
    assert np.abs(least).min() > 1e-4
    assert 5 < (least < 0).sum() < 35, "it would tell nothing"
    x_adv, success = box_attack(model, x, y, low, high)
    assert np.array_equal(success, least < 0)
    assert ((low <= x_adv) & (x_adv <= high)).all()
    assert np.array_equal(predict(model, x_adv) != y, success)
    assert np.array_equal(x_adv[~success], x[~success])


def test_each_attempt_of_the_search_adds_what_it_finds():
    model, x = tiny.convolutional(), tiny.images(60)
    y = predict(model, x)
    low, high = np.clip(x - np.float32(0.05), 0, 1), np.clip(x + np.float32(0.05), 0, 1)

    def found(**settings):
        return box_attack(model, x, y, low, high, max_iter=10, **settings)[1]

    once, more = found(restarts=1, targets=0), found(restarts=2, targets=3)
    assert (once <= more).all()
    assert 0 < once.sum() < 60
    assert np.array_equal(more, found(restarts=2, targets=3, batch_size=7))
    assert not found(restarts=0, targets=0).any()


def test_what_cannot_be_read_is_not_found():
    """A network whose logits are NaN above the middle: no image of which that is all there is was fooled."""
    @keras.saving.register_keras_serializable("a test's")
    class Breaks(layers.Layer):
        def call(self, x):
            return tf.where(x > 0.5, np.nan, x)

    model = keras.Sequential([layers.Input((1, 2, 1)), Breaks(), layers.Flatten(), layers.Dense(2)])
    model.set_weights([np.float32([[1, 0], [0, 1]]), np.float32([0.5, 0])])
    x = np.full((2, 1, 2, 1), 0.4, np.float32)
    x[1] = 0.9  # cannot be read to begin with
    x_adv, success = box_attack(model, x, [0, 0], np.clip(x - 0.2, 0, 1), np.clip(x + 0.2, 0, 1), max_iter=10)
    assert not success.any()
    assert np.isfinite(x_adv).all()


def test_a_search_begins_inside_its_box():
    model, x = tiny.convolutional(), tiny.images(3)
    with pytest.raises(ValueError, match="low <= x <= high must hold"):
        box_attack(model, x, [0, 1, 2], x + np.float32(0.1), x + np.float32(0.2))
