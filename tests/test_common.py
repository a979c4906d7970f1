"""Algorithm 1: side by side the same as one image after another, written down a second time here."""

import sys
import tracemalloc

import numpy as np
import pytest
import tiny

from advlib import common, metrics
from advlib.backend import tf
from advlib.common import common_noise
from advlib.gradients import Interrupted, direction, gradient, predict
from advlib.transforms import move, move_back, random_motion

SHAPE = (5, 5, 1)


@pytest.fixture(scope="module")
def net():
    return tiny.smooth(SHAPE)


@pytest.fixture(scope="module")
def x():
    """Learning images: 60 of the four classes, as the network reads them."""
    return tiny.images(60, SHAPE, seed=1)


@pytest.fixture(scope="module")
def y(net, x):
    y = predict(net, x)
    assert np.bincount(y, minlength=4).min() >= 5  # every class has images to learn on
    assert len(set(np.bincount(y))) > 1  # and not all equally many
    return y


def plain(model, x, *, eps, label, epochs=1, uphill=1, rule="gradient", alpha=1 / 255, bounds=(0, 1)):
    """Algorithm 1 as the paper prints it: one noise, one image at a time; the gradient in float64, by hand."""
    e = np.zeros(x.shape[1:])
    for _ in range(epochs):
        for image in x:
            g = tiny.smooth_by_hand(model, np.clip(image + e, *bounds)[None], label)[2][0]
            step = np.sign(g) if rule == "sign" else g / np.abs(g).max()
            e = np.clip(e + uphill * alpha * step, -eps, eps)
    return e


def rounding(model, x, y, steps, alpha):
    """How far the noise of so many steps may be from :func:`plain`'s: by the arithmetic of each direction."""
    largest = np.abs(tiny.smooth_by_hand(model, x, y)[2]).max((1, 2, 3))
    return steps * alpha * (2 * tiny.smooth_rounding(model, x, y)[1].max((1, 2, 3)) / largest).max()


# ------------------------------------------------------------------------- against the plain loop
@pytest.mark.parametrize("rule", ["gradient", "sign"])
@pytest.mark.parametrize("alpha", [1 / 255, 0.05])
def test_one_epoch_equals_the_plain_loop(net, x, y, rule, alpha):
    eps = [0.01, 0.05, 0.2, 0.3]
    source = [0, 1, 2, 3]
    found = common_noise(net, x, y, eps=eps, source=source, epochs=1, alpha=alpha, rule=rule)
    for e, s, c in zip(eps, source, found):
        mine = x[y == s]
        expected = plain(net, mine, eps=e, label=s, alpha=alpha, rule=rule)
        allowed = rounding(net, mine, s, len(mine), alpha)
        assert allowed < alpha / 10  # a step too many, or one of another image, would show
        assert np.abs(c.noise - expected).max() <= allowed
        assert np.abs(expected).max() > 1e-3


def test_one_epoch_with_targets_equals_the_plain_loop(net, x, y):
    found = common_noise(net, x, y, eps=0.3, source=[0, 0, 2], y_target=[1, 3, 0], epochs=1, alpha=0.02)
    for s, t, c in zip([0, 0, 2], [1, 3, 0], found):
        mine = x[y == s]
        expected = plain(net, mine, eps=0.3, label=t, uphill=-1, alpha=0.02)
        assert np.abs(c.noise - expected).max() <= rounding(net, mine, t, len(mine), 0.02) < 0.002


@pytest.mark.parametrize("rule", ["gradient", "sign"])
@pytest.mark.parametrize("y_target", [None, 3])
@pytest.mark.parametrize("lead", [0, 1000])
def test_a_linear_reader_is_moved_as_far_as_can_be(rule, y_target, lead):
    # z_t - z_y can be raised by ε ‖w_t - w_y‖₁ and no more, as long as no pixel meets the bounds.  Class y leads by
    # so much that its probability is 1 in float32; of the others, t leads.
    rng = np.random.default_rng(0)
    weights = np.round(rng.normal(0, 1, (25, 5)), 3)
    y, t = 1, 3
    bias = [-100, 2 * lead, -100, 1.5 * lead, -100]
    x = rng.uniform(0, 1, (20, *SHAPE)).astype(np.float32)
    for eps in (0.1, 0.3):
        c = common_noise(
            tiny.linear(weights, bias, SHAPE), x, np.full(20, y), eps=eps, y_target=y_target, rule=rule,
            alpha=eps / 20, epochs=50, bounds=(-10, 10),
        )  # fmt: skip
        towards = weights[:, t] - weights[:, y]
        best = eps * np.abs(towards).sum()
        assert 0.99 * best <= c.noise.ravel() @ towards <= (1 + 2.0**-20) * best


def test_25_epochs_agree_in_success_and_rms(net, x, y):
    unseen = tiny.images(400, SHAPE, seed=2)
    labels = predict(net, unseen)
    found = common_noise(net, x, y, eps=[0.1, 0.2, 0.3, 0.2], source=[0, 0, 0, 1])
    for c in found:
        mine = unseen[labels == c.source]
        expected = plain(net, x[y == c.source], eps=c.eps, label=c.source, epochs=25)
        fooled = [
            int(np.sum(predict(net, images) != c.source))
            for images in (c.apply(mine), np.clip(mine + expected, 0, 1))
        ]
        assert abs(fooled[0] - fooled[1]) <= 1
        assert metrics.rms(c.noise[None])[0] == pytest.approx(metrics.rms(expected[None])[0], abs=1e-3)
    rates = [np.mean(predict(net, c.apply(unseen[labels == 0])) != 0) for c in found[:3]]
    assert rates[0] < rates[2]
    assert rates[2] > 0.3  # it learns what holds for images it has not seen


def test_each_is_what_it_would_be_alone(net, x, y):
    eps, source, y_target = [0.1, 0.3, 0.2, 0.2], [0, 1, 2, 2], [1, 2, 3, 0]
    together = common_noise(net, x, y, eps=eps, source=source, y_target=y_target, epochs=3)
    for c, e, s, t in zip(together, eps, source, y_target):
        alone = common_noise(net, x[y == s], y[y == s], eps=e, y_target=t, epochs=3)
        allowed = 2 * rounding(net, x[y == s], t, 3 * np.sum(y == s), 1 / 255)
        assert allowed < 1 / 255
        assert np.abs(alone.noise - c.noise).max() <= allowed
        assert np.array_equal(alone.history["success"], c.history["success"])
        assert np.abs(alone.history["noise"] - c.history["noise"]).max() <= allowed
        assert (alone.eps, alone.source, alone.y_target) == (c.eps, c.source, c.y_target) == (e, s, t)
        assert alone.learned_on == c.learned_on == np.sum(y == s)


def test_images_are_taken_in_the_given_order(net, x, y, monkeypatch):
    seen, honest = [], common.gradient

    def watching(model, images, labels):
        seen.append((images.copy(), np.array(labels)))
        return honest(model, images, labels)

    monkeypatch.setattr(common, "gradient", watching)
    common_noise(net, x, y, eps=0, source=[0, 3], epochs=2)  # no noise: the network sees the images themselves
    sizes = np.bincount(y)
    rows = {s: np.flatnonzero(y == s) for s in (0, 3)}
    assert len(seen) == 2 * max(sizes[0], sizes[3])
    for s in (0, 3):
        mine = np.concatenate([images[labels == s] for images, labels in seen])
        assert np.array_equal(mine, x[np.tile(rows[s], 2)])


def test_a_smaller_class_is_done_sooner(net, x, y, monkeypatch):
    sizes, honest = [], common.gradient
    monkeypatch.setattr(common, "gradient", lambda m, v, t: (sizes.append(len(v)), honest(m, v, t))[1])
    common_noise(net, x, y, eps=0.2, source=[0, 1, 2, 3], epochs=2)
    counts = 2 * np.bincount(y)
    assert sizes == [int(np.sum(t < counts)) for t in range(counts.max())]
    assert sum(sizes) == 2 * len(x)  # not one gradient more than one after another


def test_the_order_matters(net, x, y):
    mine = x[y == 0]
    one = common_noise(net, mine, np.zeros(len(mine), int), eps=0.2, alpha=0.05, epochs=1)
    other = common_noise(net, mine[::-1], np.zeros(len(mine), int), eps=0.2, alpha=0.05, epochs=1)
    assert not np.allclose(one.noise, other.noise, atol=1e-4)


# --------------------------------------------------------------------------- what comes back
def test_history(net, x, y):
    c = common_noise(net, x[y == 1], y[y == 1], eps=0.2, alpha=0.02, epochs=4)
    assert {k: v.shape for k, v in c.history.items()} == {"success": (4,), "rms": (4,), "noise": (4, *SHAPE)}
    for epochs in (1, 2, 3):  # the history's noises are those that fewer epochs would have given
        fewer = common_noise(net, x[y == 1], y[y == 1], eps=0.2, alpha=0.02, epochs=epochs)
        assert np.array_equal(fewer.noise, c.history["noise"][epochs - 1])
    assert np.array_equal(c.history["noise"][-1], c.noise)
    assert np.allclose(c.history["rms"], metrics.rms(c.history["noise"]))


@pytest.mark.parametrize("y_target", [None, 3])
def test_history_success_is_of_each_image_at_its_turn(net, x, y, y_target):
    c = common_noise(net, x, y, eps=0.3, alpha=0.05, epochs=2, source=1, y_target=y_target)
    mine, e, hits = x[y == 1], np.zeros(SHAPE), []
    for image in np.concatenate([mine, mine]):
        label = 1 if y_target is None else y_target
        z, _, g = tiny.smooth_by_hand(net, np.clip(image + e, 0, 1)[None], label)
        hits.append(z.argmax() != 1 if y_target is None else z.argmax() == y_target)
        step = (1 if y_target is None else -1) * 0.05 * g[0] / np.abs(g).max()
        e = np.clip(e + step, -0.3, 0.3)
    assert np.array_equal(c.history["success"], np.mean(np.reshape(hits, (2, -1)), 1))
    assert c.history["success"].max() > 0


def test_the_noise_stays_inside_eps(net, x, y):
    for c in common_noise(net, x, y, eps=[0, 0.01, 0.3], source=2, alpha=0.1, epochs=2):
        assert c.noise.dtype == np.float32
        assert np.abs(c.history["noise"]).max() <= np.float32(c.eps)
    assert np.abs(c.noise).max() == np.float32(0.3)


def test_apply(net, x, y):
    c = common_noise(net, x, y, eps=0.3, source=0, alpha=0.1, epochs=1)
    noisy = c.apply(x)
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, np.clip(x + c.noise, 0, 1))
    assert (noisy.min(), noisy.max()) == (0, 1)
    assert np.array_equal(c.apply(x.astype(np.float64)), noisy)
    assert c.apply(x[:0]).shape == (0, *SHAPE)
    with pytest.raises(ValueError, match=r"\(n, 5, 5, 1\); found \(5, 5, 1\): for one image, give x\[None\]"):
        c.apply(x[0])
    with pytest.raises(TypeError, match=r"found 0 … 255 \(uint8\): divide by 255"):
        c.apply(np.uint8(255 * x))
    with pytest.raises(ValueError, match=r"x must be finite; found NaN"):
        c.apply(np.full((1, *SHAPE), np.nan))


def test_other_bounds(net, x, y):
    wide = common_noise(net, x, y, eps=0.3, source=0, alpha=0.1, epochs=1, bounds=(-1, 2))
    mine = x[y == 0]
    expected = plain(net, mine, eps=0.3, label=0, alpha=0.1, bounds=(-1, 2))
    assert np.abs(wide.noise - expected).max() <= rounding(net, mine, 0, len(mine), 0.1) < 0.01
    assert wide.bounds == (-1, 2)
    assert wide.apply(x).min() < 0


@pytest.mark.parametrize(
    ("asked", "pairs"),
    [
        ({"eps": 0.1, "source": 2}, [(0.1, 2)]),
        ({"eps": [0.1], "source": 2}, [(0.1, 2)]),
        ({"eps": [0.1, 0.3], "source": 2}, [(0.1, 2), (0.3, 2)]),
        ({"eps": 0.1, "source": [3, 1]}, [(0.1, 3), (0.1, 1)]),
        ({"eps": np.float32([0.5, 0.25]), "source": (3, np.uint8(1))}, [(0.5, 3), (0.25, 1)]),
    ],
)
def test_how_eps_and_source_pair_up(net, x, y, asked, pairs):
    found = common_noise(net, x, y.astype(np.uint8), epochs=1, **asked)
    one = not any(np.ndim(v) for v in asked.values())
    assert isinstance(found, common.CommonNoise if one else list)
    assert [(c.eps, c.source) for c in ([found] if one else found)] == pairs
    assert all(c.y_target is None for c in ([found] if one else found))


def test_several_targets_for_one_class(net, x, y):
    found = common_noise(net, x, y, eps=0.3, source=0, y_target=[1, 2, 3], epochs=20, alpha=0.02)
    assert [(c.source, c.y_target) for c in found] == [(0, 1), (0, 2), (0, 3)]
    for c in found:  # a target's own noise hits it oftener than the others' do
        hits = [np.mean(predict(net, d.apply(x[y == 0])) == c.y_target) for d in found]
        assert hits[c.y_target - 1] == max(hits)
        assert hits[c.y_target - 1] > 0.2


def test_it_is_deterministic_and_leaves_everything_alone(net, x, y):
    weights, kept, labels = net.get_weights(), x.copy(), y.copy()
    state = np.random.get_state()  # noqa: NPY002
    tf.random.set_seed(3)
    undisturbed = float(tf.random.uniform(()))
    tf.random.set_seed(3)
    a, b = (common_noise(net, x, y, eps=[0.1, 0.2], source=1, epochs=2) for _ in range(2))
    assert float(tf.random.uniform(())) == undisturbed
    assert all(np.array_equal(p.history["noise"], q.history["noise"]) for p, q in zip(a, b))
    assert np.array_equal(state[1], np.random.get_state()[1])  # noqa: NPY002
    assert all(np.array_equal(p, q) for p, q in zip(weights, net.get_weights()))
    assert np.array_equal(x, kept)
    assert np.array_equal(y, labels)


def test_zero_gradients_and_logits_that_are_not_numbers():
    shape = (2, 2, 1)
    x = np.float32(np.random.default_rng(0).uniform(0.6, 1, (4, *shape)))
    flat = tiny.linear(np.zeros((4, 3)), [2, 0, 0], shape)
    c = common_noise(flat, x, [0, 0, 0, 0], eps=0.2, epochs=2)
    assert not c.noise.any()
    assert c.history["success"].tolist() == [0, 0]
    root = tiny.layers.Lambda(lambda v: tf.sqrt(v - 0.5))  # not a number below 0.5
    broken = tiny.linear([[1, 0]] * 4, [1, 0], shape, before=[root])
    x[1] = 0.1
    c = common_noise(broken, x, [0, 0, 0, 0], eps=0.05, alpha=0.01, epochs=2, rule="sign")
    assert np.isfinite(c.noise).all()
    assert np.allclose(c.noise, -0.05)  # three steps an epoch; the broken image gave none
    assert c.history["success"].tolist() == [0, 0]


# --------------------------------------------------------------------------------- interruption
@pytest.mark.parametrize("asked", [{"source": 0}, {"source": [0, 1, 2, 3]}])
@pytest.mark.parametrize(("epoch", "more"), [(0, 0), (0, 3), (2, 1)])
def test_an_interruption_keeps_what_was_learned_and_returns_nothing(net, x, y, monkeypatch, asked, epoch, more):
    run = {"eps": 0.2, "alpha": 0.02, "epochs": 3, **asked}
    sizes = np.bincount(y)
    step = epoch * (sizes[0] if asked["source"] == 0 else sizes.max()) + more
    whole = common_noise(net, x, y, **run)
    calls, honest = [], common.gradient

    def interrupted(*given):
        if len(calls) == step:
            raise KeyboardInterrupt
        calls.append(1)
        return honest(*given)

    monkeypatch.setattr(common, "gradient", interrupted)
    part = "nothing"
    with pytest.raises(Interrupted, match=rf"interrupted: step {step} of \d+.*sys.last_value.partial") as why:
        part = common_noise(net, x, y, **run)
    assert part == "nothing"
    assert isinstance(why.value, KeyboardInterrupt)  # so that Run All stops, and except Exception does not hide it
    part = why.value.partial
    monkeypatch.setattr(common, "gradient", honest)
    for p, w in zip(*([one] if asked["source"] == 0 else one for one in (part, whole))):
        full = min(3, step // sizes[p.source])
        assert {k: len(v) for k, v in p.history.items()} == {"success": full, "rms": full, "noise": full}
        assert all(np.array_equal(p.history[k], w.history[k][:full]) for k in p.history)
        mine = np.tile(x[y == p.source], (3, 1, 1, 1))[:step]  # as far as it had come
        expected = plain(net, mine, eps=0.2, label=p.source, alpha=0.02)
        assert np.abs(p.noise - expected).max() <= rounding(net, x[y == p.source], p.source, step, 0.02) + 1e-7 < 0.02
        assert p.learned_on == sizes[p.source]
        assert not full or p.noise.any()
    again = common_noise(net, x, y, **run)
    for a, w in zip(*([one] if asked["source"] == 0 else one for one in (again, whole))):
        assert np.array_equal(a.noise, w.noise)


def test_interrupted_before_the_first_step(net, x, y, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(common, "tqdm", pressed)
    with pytest.raises(Interrupted, match=r"interrupted: step 0 of \d+") as why:
        common_noise(net, x, y, source=0, eps=0.2, epochs=3)
    assert not why.value.partial.noise.any()


def test_in_a_notebook_what_was_learned_is_in_last_value(net, x, y, monkeypatch, capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    monkeypatch.setattr(sys, "last_value", None, raising=False)
    calls, honest, size = [], common.gradient, np.sum(y == 0)

    def interrupted(*given):
        calls.append(1)
        if len(calls) == 2 * size + 2:
            raise KeyboardInterrupt
        return honest(*given)

    monkeypatch.setattr(common, "gradient", interrupted)
    shell.user_ns.update(common_noise=common_noise, net=net, x=x, y=y)
    cell = shell.run_cell("found = common_noise(net, x, y, eps=0.2, source=0)")
    assert isinstance(cell.error_in_exec, Interrupted)
    assert "found" not in shell.user_ns
    assert "sys.last_value.partial" in capsys.readouterr().out  # the cell says where it is
    assert shell.run_cell("import sys; found = sys.last_value.partial; rate = found.success_rate(net, x, y)").success
    assert len(shell.user_ns["found"].history["noise"]) == 2
    assert shell.user_ns["rate"].n == len(y)


def test_many_epochs_take_no_room_before_they_are_learned(net, x, y, monkeypatch):
    monkeypatch.setattr(common, "gradient", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    tracemalloc.start()
    try:
        with pytest.raises(Interrupted) as why:
            common_noise(net, x, y, eps=[0.1, 0.2, 0.3], source=1, epochs=10**5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5e6  # the noises of all epochs would be 30 MB
    assert [len(part.history["noise"]) for part in why.value.partial] == [0, 0, 0]


def test_success_rate_counts_and_says_when_the_images_were_learned_on(net, x, y):
    unseen, labels = tiny.images(40, SHAPE, seed=3), np.ones(40, int)
    for noise in common_noise(net, x, y, eps=[0.2, 0.3], source=1, epochs=3):
        rate = noise.success_rate(net, unseen, labels)
        assert (rate.k, rate.n) == (np.sum(predict(net, noise.apply(unseen)) != 1), 40)
        assert "learning images" not in str(rate)
        images = np.concatenate([unseen[:5], x[y == 1].astype(np.float64), x[y == 2]])
        own = np.concatenate([labels[:5], y[y == 1], y[y == 2]]).astype(np.uint8)
        mixed = noise.success_rate(net, images, own)
        assert (mixed.k, mixed.n) == (np.sum(predict(net, noise.apply(images)) != own), len(own))
        assert mixed.learned == np.sum(y == 1)
        assert f"{mixed.learned} of them its own learning images" in str(mixed)
    aimed = common_noise(net, x[y == 1], y[y == 1], eps=0.3, y_target=2, epochs=3)
    assert aimed.success_rate(net, unseen, labels).k == np.sum(predict(net, aimed.apply(unseen)) == 2)
    assert aimed.success_rate(net, unseen[:0], []).n == 0
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        aimed.success_rate(net, 3 * unseen, labels)
    with pytest.raises(ValueError, match=r"y_target must differ from y; both are 2 for image 0 \(40 such"):
        aimed.success_rate(net, unseen, 2 * labels)


def test_an_image_that_is_read_as_its_own_class_was_not_fooled(net, x, y):
    # a noise for class 1, on images of class 2: that they are not read as 1 proves nothing
    noise = common_noise(net, x, y, eps=0, source=1, epochs=1)
    assert noise.success_rate(net, x[y == 2], y[y == 2]).k == 0


def test_what_reads_nothing_is_no_success(net, x, y):
    noise = common_noise(net, x, y, eps=0.1, source=1, epochs=1)
    broken = tiny.linear(np.zeros((25, 4)), [np.nan, 0, 0, 0], SHAPE)
    assert noise.success_rate(broken, x, y).k == 0


def test_the_bar_counts_steps(net, x, y, capfd):
    steps = 2 * np.bincount(y)[:2].max()
    common_noise(net, x, y, eps=0.1, source=[0, 1], epochs=2)
    assert capfd.readouterr() == ("", "")
    common_noise(net, x, y, eps=0.1, source=[0, 1], epochs=2, progress=True)
    assert f"{steps}/{steps}" in capfd.readouterr().err


def test_repr_says_what_it_is(net, x, y):
    c = common_noise(net, x, y, eps=0.1, source=2, y_target=1, epochs=1)
    assert repr(c) == (
        f"CommonNoise(eps=0.1, source=2, y_target=1, learned_on={np.sum(y == 2)}, bounds=(0.0, 1.0))"
    )


# ------------------------------------------------------------------- what makes no sense is refused
REFUSED = {
    "several": ({"source": None}, ValueError, r"4 classes \(0, 1, 2, 3\) where one .*x\[y == c\], or .*source="),
    "no such class": ({"y": np.zeros(60, int), "source": 2}, ValueError, r"no image of class 2 .* y holds \[0\]"),
    "class too large": ({"source": [0, 4]}, ValueError, r"source must lie in 0 … 3; found 0 … 4"),
    "class float": ({"source": 1.0}, TypeError, r"source must be whole numbers; found float64"),
    "nothing": ({"x": np.zeros((0, *SHAPE), np.float32), "y": []}, ValueError, r"no image to learn on; x is empty"),
    "no eps": ({"eps": []}, ValueError, r"no noise to learn; eps, source or y_target is empty"),
    "lengths": ({"eps": [0.1, 0.2], "source": [0, 1, 2]}, ValueError, r"one or equally many; found 2, 3, 1"),
    "eps negative": ({"eps": [0.1, -0.2]}, ValueError, r"eps must be at least 0; found -0.2"),
    "eps nan": ({"eps": np.nan}, ValueError, r"eps must be finite in single precision; found nan"),
    "eps text": ({"eps": "0.1"}, TypeError, r"eps must be a number; found '0.1'"),
    "alpha": ({"alpha": 0}, ValueError, r"alpha must be above 0 in single precision; found 0"),
    "epochs": ({"epochs": 0}, ValueError, r"epochs must be at least 1; found 0"),
    "epochs float": ({"epochs": 2.5}, TypeError, r"epochs must be a whole number; found 2.5"),
    "rule": ({"rule": "max"}, ValueError, r"rule must be one of 'gradient', 'sign'; found 'max'"),
    "target": ({"y_target": 1}, ValueError, r"y_target must differ from source; both are 1"),
    "a target": ({"y_target": [0, 1]}, ValueError, r"must differ .*; both are 1 for noise 1 \(1 such noises\): leave"),
    "target too large": ({"y_target": 4}, ValueError, r"y_target must lie in 0 … 3; found 4 … 4"),
    "bytes": ({"x": np.zeros((60, *SHAPE), np.uint8) + np.uint8(255)}, TypeError, r"255 \(uint8\): divide by 255"),
    "one image": ({"x": np.zeros(SHAPE, np.float32)}, ValueError, r"found \(5, 5, 1\): for one image"),
    "labels": ({"y": [1, 2]}, ValueError, r"y must have one label per image, shape \(60,\); found \(2,\)"),
    "model": ({"model": None}, TypeError, r"model must be a keras.Model .* found None"),
}  # fmt: skip


@pytest.mark.parametrize(("more", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_refused(net, x, y, monkeypatch, more, error, match):
    monkeypatch.setattr(common, "gradient", None)  # before any work
    run = {"model": net, "x": x, "y": y, "eps": 0.1, "source": 1, **more}
    with pytest.raises(error, match=match):
        common_noise(run.pop("model"), run.pop("x"), run.pop("y"), **run)


def test_a_softmax_head_is_refused(x, y):
    model = tiny.linear(np.eye(25, 4), np.zeros(4), SHAPE, after=[tiny.layers.Softmax()])
    with pytest.raises(ValueError, match=r"gives probabilities.*without its last softmax"):
        common_noise(model, x, y, eps=0.1, source=0)


# ---------------------------------------------------------------------------------------- motions
def small(rng):
    return random_motion(rng, angle=10, scale=0.1, shift=1)


def test_with_a_transform_each_step_draws_a_motion(net, x, y):
    """By the same arithmetic, a step at a time, and so to the bit."""
    found = common_noise(net, x, y, eps=0.2, source=1, alpha=0.05, epochs=2, transform=small, seed=4)
    rng, e = np.random.default_rng(4), np.zeros(SHAPE, np.float32)
    for _ in range(2):
        for image in x[y == 1]:
            motion = small(rng)
            g = gradient(net, move(np.clip(image + e, 0, 1)[None], **motion), [1])[1]
            e = np.clip(e + np.float32(0.05) * direction(move_back(g, **motion))[0], -0.2, 0.2, dtype=np.float32)
    np.testing.assert_array_equal(found.noise, e)


def test_a_transform_that_moves_nothing_changes_nothing(net, x, y):
    still = common_noise(net, x, y, eps=0.2, source=1, transform=lambda rng: {})
    np.testing.assert_array_equal(still.noise, common_noise(net, x, y, eps=0.2, source=1).noise)


def test_motions_do_not_depend_on_the_company_but_on_the_seed(net, x, y):
    given = {"eps": 0.2, "epochs": 2, "transform": small}
    together = common_noise(net, x, y, source=[0, 1, 2], **given)
    for c, one in enumerate(together):
        alone = common_noise(net, x, y, source=c, **given)
        np.testing.assert_allclose(one.noise, alone.noise, rtol=0, atol=1e-5)
    assert (common_noise(net, x, y, source=0, seed=1, **given).noise != together[0].noise).any()


def test_a_transform_is_a_function(net, x, y):
    with pytest.raises(TypeError, match=r"random_motion; found \{'angle': 3\}"):
        common_noise(net, x, y, eps=0.2, source=0, transform={"angle": 3})
