"""The checks of lesson 08: each usual wrong answer gets its own hint, and every right way passes."""

import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import tiny
from answers import checked, solution, verdicts

from advlib import bounds, checks, cnn, defences, gradient
from advlib.backend import keras, tf

certificate = sys.modules["advlib.checks.own_certificate"]  # the module: the package has its function
LESSON = Path(__file__).parents[1] / "notebooks" / "08_transfer_and_defence.ipynb"


# ------------------------------------------------------------------------------ a transfer rate
def rates(among=None, of=None):
    "Both shares, and how many were counted; ``of``: what they are divided by."

    def counted(home, away, noisy, blind, y):
        kept = (home == y) & (away == y) if among is None else among(home, away, noisy, blind, y)
        n = kept.sum() if of is None else of(y)
        return np.sum(kept & (noisy != y)) / n, np.sum(kept & (blind != y)) / n, kept.sum()

    return counted


def one_by_one(home, away, noisy, blind, y):
    rows = [i for i in range(len(y)) if home[i] == y[i] == away[i]]
    return [sum(a[i] != y[i] for i in rows) / len(rows) for a in (noisy, blind)] + [len(rows)]


def changed(change):
    return lambda *given: change(rates()(*given))


def everyone(home, away, noisy, blind, y):
    return y == y


# ------------------------------------------------------------------------------ through a blur
PARTS = (1 / 2, 1 / 3, 1 / 6)


def smear(x, way=1):
    new = np.zeros_like(x)
    for i, part in enumerate(PARTS):
        inside = x.shape[2] - i
        new[:, :, i:] += part * x[:, :, :inside] if way > 0 else 0
        new[:, :, :inside] += part * x[:, :, i:] if way < 0 else 0
    return new


def back(g):
    return smear(g, -1)


def rolled(x, way=1):
    return sum(part * np.roll(x, way * i, 2) for i, part in enumerate(PARTS))


def along_rows(x):
    return smear(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)


def collected(*parts):
    return lambda network, x, y: sum(p * np.pad(network(smear(x), y), ((0, 0), (0, 0), (0, i), (0, 0)))[:, :, i:]
                                     for i, p in enumerate(parts))  # fmt: skip


def with_a_matrix(network, x, y):
    "The smear as a matrix, and its transpose."
    width = x.shape[2]
    A = sum(part * np.eye(width, k=i) for i, part in enumerate(PARTS))
    return np.einsum("nhjc,ij->nhic", network(smear(x), y), A)


def image_by_image(network, x, y):
    return np.concatenate([back(network(smear(x[[i]]), y[[i]])) for i in range(len(x))])


# ------------------------------------------------------------------------------ a layer's bounds
def relu(v):
    return np.maximum(v, 0)


def around(middle, radius, after=relu):
    return after(middle - radius), after(middle + radius)


def layer(m=lambda lo, hi: (lo + hi) / 2, r=lambda lo, hi: (hi - lo) / 2, size=np.abs, after=relu):
    return lambda low, high, W, b: around(m(low, high) @ W + b, r(low, high) @ size(W), after)


def product(size, after=relu):
    "The radius goes through W itself, and only then is made positive, or not."
    return lambda low, high, W, b: around((low + high) / 2 @ W + b, size((high - low) / 2 @ W), after)


def with_the_library(low, high, W, b):
    return bounds.through(SimpleNamespace(kernel=W, bias=b, activation=keras.ops.relu), low, high)


def by_sign(low, high, W, b):
    up, down = np.maximum(W, 0), np.minimum(W, 0)
    return relu(low @ up + high @ down + b), relu(high @ up + low @ down + b)


def in_a_loop(low, high, W, b):
    least, most = (np.empty((len(low), W.shape[1])) for _ in range(2))
    for i in range(len(low)):
        for j in range(W.shape[1]):
            ends = np.stack([low[i] * W[:, j], high[i] * W[:, j]])
            least[i, j], most[i, j] = ends.min(0).sum() + b[j], ends.max(0).sum() + b[j]
    return relu(least), relu(most)


RIGHT = {
    "transfer_rate": [rates(), one_by_one, solution(LESSON, "my_transfer_solution")],
    "through_blur": [lambda network, x, y: back(network(smear(x), y)), with_a_matrix, image_by_image,
                     solution(LESSON, "my_gradient_solution", smear=smear)],
    "interval_layer": [layer(), by_sign, in_a_loop, lambda *given: np.stack(by_sign(*given)),
                       solution(LESSON, "my_bounds_solution")],
}  # fmt: skip
WRONG = [
    ("transfer_rate", lambda *given: None, "not written yet"),
    ("transfer_rate", changed(lambda r: r[0]), "three numbers are asked for"),
    ("transfer_rate", changed(lambda r: r[:2]), "three numbers are asked for"),
    ("transfer_rate", rates(everyone), "counted over all images"),
    ("transfer_rate", rates(lambda h, a, n, b, y: h == y), "the first network reads"),
    ("transfer_rate", rates(lambda h, a, n, b, y: a == y), "the second network reads"),
    ("transfer_rate", rates(lambda h, a, n, b, y: (h == y) | (a == y)), "| for either"),
    ("transfer_rate", rates(lambda h, a, n, b, y: h == a), "wrong together"),
    ("transfer_rate", rates(lambda h, a, n, b, y: (h == y) & (a == y) & (b == y)), "were left out"),
    ("transfer_rate", rates(of=len), "divided by all"),
    ("transfer_rate", changed(lambda r: (r[0] - r[1], *r[1:])), "the control was subtracted"),
    ("transfer_rate", changed(lambda r: (r[0], r[0] - r[1], r[2])), "is a difference"),
    ("transfer_rate", changed(lambda r: (r[1], r[0], r[2])), "are exchanged"),
    ("transfer_rate", lambda h, a, n, b, y: (*rates()(h, a, n, b, y)[:2], len(y)), "how many were counted?"),
    ("transfer_rate", lambda h, a, n, b, y: (rates()(h, a, n, b, y)[0], np.mean(b != y), rates()(h, a, n, b, y)[2]),
     "the control needs the same ones"),
    ("transfer_rate", lambda h, a, n, b, y: (np.mean(n != y), *rates()(h, a, n, b, y)[1:]), "random pixels are right"),
    ("transfer_rate", changed(lambda r: (r[0], 0, r[2])), "the control is 0"),
    ("transfer_rate", changed(lambda r: (r[0], r[0], r[2])), "the first again"),
    ("transfer_rate", changed(lambda r: (r[0] * r[2], r[1] * r[2], r[2])), "these are numbers of images"),
    ("transfer_rate", changed(lambda r: (100 * r[0], 100 * r[1], r[2])), "per cent"),
    ("transfer_rate", changed(lambda r: (1 - r[0], 1 - r[1], r[2])), "still read correctly"),
    ("transfer_rate", lambda h, a, n, b, y: rates()(h, a, h, b, y), "was read without noise"),
    ("through_blur", lambda network, x, y: None, "not written yet"),
    ("through_blur", lambda network, x, y: network(smear(x), y)[..., 0], "has the shape of the images"),
    ("through_blur", lambda network, x, y: network(x, y), "at the sharp image, as if there were no smear"),
    ("through_blur", lambda network, x, y: network(smear(x), y), "bring it back to the sharp ones"),
    ("through_blur", lambda network, x, y: back(network(x, y)), "brought back rightly"),
    ("through_blur", lambda network, x, y: smear(network(smear(x), y)), "the transpose"),
    ("through_blur", lambda network, x, y: smear(network(x, y)), "asked at the sharp image, and smeared"),
    ("through_blur", lambda network, x, y: back(network(smear(smear(x)), y)), "smeared twice"),
    ("through_blur", lambda network, x, y: back(network(back(x), y)), "to the wrong side"),
    ("through_blur", lambda network, x, y: back(back(network(smear(x), y))), "brought back twice"),
    ("through_blur", lambda network, x, y: smear(back(network(smear(x), y))), "one of the two is too many"),
    ("through_blur", lambda network, x, y: rolled(network(smear(x), y), -1), "np.roll"),
    ("through_blur", lambda network, x, y: rolled(network(rolled(x), y), -1), "np.roll"),
    ("through_blur", lambda network, x, y: back(network(along_rows(x), y)), "along axis 2"),
    ("through_blur", lambda network, x, y: network(smear(x), y) / 2, "the pixel's own half"),
    ("through_blur", collected(1 / 2, 1 / 3, 0), "j + 2, with 1/6, is missing"),
    ("through_blur", collected(1 / 2, 0, 1 / 6), "j + 1, with 1/3, is missing"),
    ("through_blur", collected(0, 1 / 3, 1 / 6), "its own, with 1/2, is missing"),
    ("through_blur", lambda network, x, y: gradient(network, smear(x), y)[1], "`network` is already the gradient"),
    ("through_blur", lambda network, x, y: back(network.predict(smear(x))), "has no attribute 'predict'"),
    ("through_blur", lambda network, x, y: -back(network(smear(x), y)), "the sign is turned round"),
    ("through_blur", lambda network, x, y: np.sign(back(network(smear(x), y))), "this is the sign"),
    ("through_blur", lambda network, x, y: back(network(smear(x), y)) / np.abs(back(network(smear(x), y))).max(
        (1, 2, 3), keepdims=True), "divided by its largest"),
    ("through_blur", lambda network, x, y: back(network(smear(x), y)).mean(0), "has the shape of the images"),
    ("through_blur", lambda network, x, y: np.broadcast_to(back(network(smear(x), y)).mean(0), x.shape),
     "each has its own"),
    ("interval_layer", lambda *given: None, "not written yet"),
    ("interval_layer", lambda *given: by_sign(*given)[0], "one array; two are asked for"),
    ("interval_layer", lambda low, high, W, b: (low, high), "a column for each unit"),
    ("interval_layer", lambda low, high, W, b: (relu(low @ W + b), relu(high @ W + b)), "as if every weight"),
    ("interval_layer", layer(size=lambda W: W), "as if every weight"),
    ("interval_layer", lambda low, high, W, b: np.sort([relu(low @ W + b), relu(high @ W + b)], axis=0), "sorted"),
    ("interval_layer", lambda low, high, W, b: np.sort([low @ W + b, high @ W + b], axis=0), "sorted"),
    ("interval_layer", layer(after=lambda v: v), "ReLU is missing"),
    ("interval_layer", product(np.abs), "sorted, or |radius @ W|"),
    ("interval_layer", product(np.abs, after=lambda v: v), "sorted, or |radius @ W|"),
    ("interval_layer", product(lambda r: r, after=lambda v: v), "the radius goes through |W|"),
    ("interval_layer", lambda lo, hi, W, b: around(relu((lo + hi) / 2 @ W + b), (hi - lo) / 2 @ np.abs(W)),
     "ReLU of the middle before the radius"),
    ("interval_layer", lambda lo, hi, W, b: around(
        relu((lo + hi) / 2 @ W + b), (hi - lo) / 2 @ np.abs(W), lambda v: v), "ReLU of the middle before the radius"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W, (hi - lo) / 2 @ np.abs(W) + np.abs(b)),
     "the bias belongs to the middle"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W + b, (hi - lo) / 2 @ np.abs(W) + np.abs(b)),
     "the bias belongs to the middle"),
    ("interval_layer", with_the_library, "bounds.through does the whole layer"),
    ("interval_layer", lambda *given: (layer(after=lambda v: v)(*given)[0], layer()(*given)[1]), "missing on low"),
    ("interval_layer", lambda *given: layer()(*given)[::-1], "are exchanged"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W, (hi - lo) / 2 @ np.abs(W) + b),
     "the bias belongs to the middle"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W, (hi - lo) / 2 @ np.abs(W)), "bias is missing"),
    ("interval_layer", lambda lo, hi, W, b: [relu(v) + b for v in around(
        (lo + hi) / 2 @ W, (hi - lo) / 2 @ np.abs(W), lambda v: v)], "ReLU comes last"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ np.abs(W) + b, (hi - lo) / 2 @ np.abs(W)),
     "|W| is for the radius alone"),
    ("interval_layer", layer(r=lambda lo, hi: hi - lo), "radius = (high − low)/2"),
    ("interval_layer", layer(m=lambda lo, hi: lo), "the lower end was taken"),
    ("interval_layer", layer(m=lambda lo, hi: hi), "the upper end was taken"),
    ("interval_layer", layer(r=lambda lo, hi: (hi - lo) / 4), "halved twice"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W + b, np.sqrt(((hi - lo) / 2) ** 2 @ W**2)),
     "adds up straight"),
    ("interval_layer", lambda lo, hi, W, b: around((lo + hi) / 2 @ W + b, -(hi - lo) / 2 @ np.abs(W)),
     "are exchanged"),
    ("interval_layer", layer(r=lambda lo, hi: 0.4 * (hi - lo)), "not sound"),
    ("interval_layer", layer(r=lambda lo, hi: 0.6 * (hi - lo)), "sound, but up to"),
    ("interval_layer", lambda lo, hi, W, b: (relu(lo @ W + b - 9), relu(hi @ W + b + 9)), "sound, but up to"),
]  # fmt: skip
test_a_right_answer_passes_however_it_is_written, test_a_usual_mistake_gets_its_hint = verdicts(RIGHT, WRONG)


def test_each_solution_of_the_lesson_goes_to_its_check():
    assert checked(LESSON) == {
        "transfer_rate": "my_transfer_solution",
        "through_blur": "my_gradient_solution",
        "interval_layer": "my_bounds_solution",
        "own_certificate": "my_network_solution",
    }


def test_every_hint_that_is_named_stands_in_the_lesson():
    text = "\n".join(c.source for c in nbformat.read(LESSON, 4).cells if c.cell_type == "markdown")
    titles = [getattr(checks, name).__doc__.strip().splitlines()[-1].strip() for name in (*RIGHT, "own_certificate")]
    for title in (*titles, certificate.BEGIN):
        assert f"<summary>{title}</summary>" in text


# ------------------------------------------------------------------------------ the open exercise
def halves(n, seed):
    "Images of which one half is lighter, told apart whatever noise of 0.24 there is; and others, grey all over."
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = np.where((np.arange(8) < 4) == y[:, None, None], 0.9, 0.1)[..., None] * np.ones((8, 8, 1))
    return np.clip(x + rng.uniform(-0.1, 0.1, x.shape), 0, 1).astype(np.float32), y


# labels at random for validation: of two classes a network that has learned nothing reads one for certain
HALVES = SimpleNamespace(train=halves(400, 0), validation=(halves(100, 1)[0], np.arange(100) % 2),
                         test=halves(200, 2), class_names=("0", "1"))  # fmt: skip


def small(to_prove=True):
    return cnn.build_strided(8, 2, (8, 8, 1), 0, (4,), to_prove)


def loss(model, x, y, batch):
    grown = tf.clip_by_value((batch - 10) / 50, 0.0, 1.0)
    worst = -bounds.margins(model, x, y, 0.245 * grown)
    return defences.cross_entropy(model(x), y) + grown * defences.cross_entropy(worst, y)


def plain(model, x, y, batch):
    return defences.cross_entropy(model(x), y)


def learned(how=loss, batches=150, build=small, give=lambda model: model, rate=5e-3):
    def answer(fit):
        model = build()
        fit(model, how, batches, rate)
        return give(model)

    return answer


def told(answer, capsys):
    checks.own_certificate(answer, HALVES, progress=False)
    return capsys.readouterr().out


def test_a_network_that_is_proved_is_told_with_its_score(capsys):
    said = told(learned(), capsys)
    assert said.startswith("[OK] own_certificate: yours proves ")
    assert "of 200 unseen images at ε 0.24" in said
    assert "after 150 batches of 100; at least 160 proved are asked for" in said


# a linear network reads the halves by their difference; stripes, which no image has, make its bounds wide
SIDES = np.where(np.arange(64) % 8 < 4, 1.0, -1.0)
STRIPES = np.where(np.arange(64) // 8 % 2, -1.0, 1.0)


def linear(pattern):
    return tiny.linear(np.stack([-pattern, pattern], 1) / 50, [0, 0], (8, 8, 1))


def too_many(fit):
    model = linear(SIDES)
    fit(model, plain, 90)
    fit(model, plain, 950)
    return model


def with_softplus(fit):
    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(4, activation="softplus"),
                              layers.Dense(2)])  # fmt: skip
    fit(model, plain, 20)
    return model


def by_numpy(model, x, y, batch):
    return plain(model, x, y, batch) * np.clip(batch, 0, 1)


def failing(fit):
    model = small()
    return model.nothing


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda fit: None, "not written yet"),
        (lambda fit: ..., "not written yet"),
        (failing, "in its line 3"),
        (learned(by_numpy), "In a loss x, y and batch are tensors: tf.clip_by_value"),
        (lambda fit: 3, "give back the network that was trained; found int"),
        (lambda fit: small(), "fit was never called"),
        (learned(batches=1, give=lambda model: small()), "not the network that fit has trained"),
        (with_softplus, "bounds know Sequential networks of"),
        (learned(batches=1100), "1,000 batches are the budget, and 0 are spent: 1,100 more are too many"),
        (too_many, "1,000 batches are the budget, and 90 are spent"),
    ],
)
def test_what_is_no_such_network_is_told_why(answer, why, capsys):
    said = told(answer, capsys)
    assert said.startswith("[not yet] own_certificate: ")
    assert why in said


def by_hand(stripes=0.0, weight=1.0):
    def answer(fit):
        model = linear(weight * SIDES + stripes * STRIPES)
        fit(model, plain, 1, 0.0)
        return model

    return answer


def not_new(fit):
    model = linear(SIDES)
    fit(model, plain, 1)
    return model


def not_new_but_second(fit):
    fit(linear(STRIPES), plain, 1)
    return not_new(fit)


@pytest.mark.parametrize("answer", [not_new, not_new_but_second])
def test_a_network_that_was_trained_elsewhere_is_refused(answer, capsys, monkeypatch):
    monkeypatch.setattr(HALVES, "validation", halves(100, 1))
    said = told(answer, capsys)
    assert said.startswith("[not yet] own_certificate: ")
    assert "this network was trained before" in said


def put_in_afterwards(fit):
    model = linear(STRIPES)
    fit(model, plain, 1)
    model.set_weights(linear(SIDES).get_weights())
    return model


def put_in_between(fit):
    model = put_in_afterwards(fit)
    fit(model, plain, 1, 0.0)
    return model


def last_layer_put_in(fit):
    model = linear(STRIPES)
    fit(model, plain, 1)
    return keras.Sequential([keras.Input((8, 8, 1)), *model.layers[:-1], linear(SIDES).layers[-1]])


@pytest.mark.parametrize(("answer", "why"), [
    (put_in_afterwards, "not those that fit has left"),
    (put_in_between, "not those that fit has left"),
    (last_layer_put_in, "not the network that fit has trained"),
])  # fmt: skip
def test_weights_that_fit_has_not_left_are_refused(answer, why, capsys):
    said = told(answer, capsys)
    assert said.startswith("[not yet] own_certificate: ")
    assert why in said


def test_fit_may_go_on_with_what_it_has_trained(capsys):
    def twice(fit):
        model = linear(SIDES)
        fit(model, plain, 1, 0.0)
        fit(model, plain, 2, 0.0)
        return model

    said = told(twice, capsys)
    assert said.startswith("[OK]")
    assert "after 3 batches" in said


def faint(x):
    "Every third image with hardly any contrast."
    x = x.copy()
    x[::3] = 0.5 + 0.03 * np.sign(x[::3] - 0.5)
    return x


@pytest.mark.parametrize(
    ("answer", "why", "how"),
    [
        (by_hand(weight=1), "[OK]", {}),
        (by_hand(weight=-1), "it reads little even without noise", {}),
        (by_hand(stripes=10), "nothing is proved, not even at a quarter of ε", {}),
        (by_hand(stripes=5), "a first layer that rounds to one bit", {}),
        (by_hand(stripes=5), "at ε 0.06 200 are proved: train with a larger ε", {"_first_box": lambda *given: 0}),
        (by_hand(), "999 batches are left", {"LEAST": 2, "_first_box": lambda *given: 0}),
        (by_hand(), "the learning rate, the warm-up's length",
         {"LEAST": 2, "_first_box": lambda *given: 0, "BUDGET": 1}),
        (by_hand(), "it reads many more than it proves", {"_first_box": lambda *given: 0, "BUDGET": 1, "LEAST": 0.9}),
    ],
)  # fmt: skip
def test_a_network_of_which_too_little_is_proved_is_told_why(answer, why, how, capsys, monkeypatch):
    for name, value in how.items():
        monkeypatch.setattr(certificate, name, value)
    x, y = HALVES.test
    monkeypatch.setattr(HALVES, "test", (faint(x) if "many more" in why else x, y))
    said = told(answer, capsys)
    assert why in said
    assert "yours proves" in said
