"""The checks of notebooks 00 and 01: each usual wrong answer gets its own hint, and every right way passes."""

import functools
import inspect
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import scipy.special
from keras import losses
from keras.ops import softmax as keras_softmax

from advlib import checks, data
from advlib.backend import keras
from advlib.checks import the_cnn, trying
from advlib.metrics import Rate

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def told(capsys, check, function):
    check(function, *([digits()] if check is checks.learning_rate else []))
    return capsys.readouterr().out


@functools.cache
def digits():
    return data.load("digits")


# --------------------------------------------------------------------------------------------- right answers
def grey_levels(eps):
    return 255 * eps


def grey_levels_as_array(eps):
    return np.asarray(eps, np.float32) * 255


def count_parameters(kernel, inputs, outputs):
    return outputs * (kernel**2 * inputs + 1)


def count_one_by_one(kernel, inputs, outputs):
    weights = np.zeros((kernel, kernel, inputs, outputs))
    return weights.size + np.zeros(outputs).size


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_row_by_row(z):
    rows = []
    for row in z:
        powers = np.exp(row - max(row))
        rows.append(list(powers / sum(powers)))
    return rows


def softmax_by_logarithm(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def cross_entropy(z, y):
    below = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(below).sum(axis=1)) - below[np.arange(len(z)), y]


def cross_entropy_by_one_hot(z, y):
    logs = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return -(np.eye(z.shape[1])[y] * logs).sum(axis=1)


def cross_entropy_image_by_image(z, y):
    return [np.logaddexp.reduce(row) - row[label] for row, label in zip(z, y)]


def naive_cross_entropy(z, y):
    return -np.log(softmax(z)[np.arange(len(z)), y])


def accuracy(z, y):
    return np.mean(np.argmax(z, axis=1) == y)


def accuracy_by_counting(z, y):
    right = 0
    for row, label in zip(z, y):
        right += list(row).index(max(row)) == label
    return right / len(y)


RIGHT = [
    (checks.grey_levels, grey_levels),
    (checks.grey_levels, grey_levels_as_array),
    (checks.count_parameters, count_parameters),
    (checks.count_parameters, count_one_by_one),
    (checks.softmax, softmax),
    (checks.softmax, softmax_row_by_row),
    (checks.softmax, softmax_by_logarithm),
    (checks.cross_entropy, cross_entropy),
    (checks.cross_entropy, cross_entropy_by_one_hot),
    (checks.cross_entropy, cross_entropy_image_by_image),
    (checks.cross_entropy, lambda z, y: cross_entropy(z.astype(np.float32), y)),
    (checks.accuracy, accuracy),
    (checks.accuracy, accuracy_by_counting),
]


@pytest.mark.parametrize(("check", "function"), RIGHT)
def test_a_right_answer_passes(capsys, check, function):
    assert re.fullmatch(rf"\[OK\] {check.__name__}: right, in \d tests\n", told(capsys, check, function))


# ------------------------------------------------------------------------------ usual mistakes, each with its hint
def changes_its_input(z):
    z -= z.max(axis=1, keepdims=True)
    return softmax(z)


def logs(z):
    return np.log(softmax(z))


def pick(values, y):
    return values[np.arange(len(y)), y]


def yes_or_no(z, y):
    p, true = softmax(z), np.eye(z.shape[1])[y]
    return -(true * np.log(p) + (1 - true) * np.log(1 - p)).sum(1)


def held(z, at):
    return softmax_of(np.clip(z, -at, at))


def softmax_of(z):  # as first written down
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def largest_as_column(z, y):  # and the sums and the labels' logits as rows
    largest = z.max(axis=1, keepdims=True)
    return np.log(np.exp(z - largest).sum(axis=1)) + largest - pick(z, y)


def below(z):
    return z - z.max(1, keepdims=True)


def by_keras(k, i, o):
    return keras.Sequential([keras.Input((8, 8, i)), keras.layers.Conv2D(o, k)]).count_params()


def loss_by_keras(z, y):
    return losses.sparse_categorical_crossentropy(y, z, from_logits=True)


powers = np.exp
WRONG = [
    (checks.grey_levels, lambda eps: eps / 255, "multiply"),
    (checks.grey_levels, lambda eps: 256 * eps, "255 steps between them"),
    (checks.grey_levels, lambda eps: round(255 * eps), "rounded"),
    (checks.grey_levels, lambda eps: round(eps * 255, 2), "right, but rounded"),
    (checks.grey_levels, lambda eps: np.round(eps * 255, 1), "right, but rounded"),
    (checks.grey_levels, lambda eps: round(255 * eps, 3), "right, but rounded"),
    (checks.grey_levels, lambda eps: np.floor(255 * eps), "rounded"),
    (checks.grey_levels, lambda eps: 100 * eps, "percent"),
    (checks.grey_levels, lambda eps: eps, "as it came"),
    (checks.grey_levels, lambda eps: 255 * eps + 1, "expected 31.48, found 32.48"),
    (checks.grey_levels, lambda eps: 255 * float(eps), "TypeError"),
    (checks.grey_levels, lambda eps: 256 * eps - 1, "nothing to subtract"),
    (checks.grey_levels, lambda eps: 255 * (1 - eps), "still to white"),
    (checks.grey_levels, lambda eps: eps / 256, "multiply"),
    (checks.grey_levels, lambda eps: np.ceil(255 * eps), "rounded up"),
    (checks.grey_levels, lambda eps: 1 / (255 * eps), "upside down"),
    (checks.grey_levels, lambda eps: 255 * eps / 2, "halved"),
    (checks.grey_levels, lambda eps: int(255 * eps), "rounded"),
    (checks.grey_levels, lambda eps: 31.4814585, "must have shape (3,)"),
    (checks.grey_levels, lambda eps: f"{255 * eps}", "must be numbers"),
    (checks.grey_levels, lambda eps: [].append(255 * eps), "not written yet"),
    (checks.grey_levels, lambda eps: [255 * eps], "must be one number; found shape (1,)"),
    (checks.count_parameters, lambda k, i, o: k * k * i * o, "adds a bias"),
    (checks.count_parameters, lambda k, i, o: k * k * i * o + 1, "as many as outputs"),
    (checks.count_parameters, lambda k, i, o: (k * k * o + 1) * i, "not for each input"),
    (checks.count_parameters, lambda k, i, o: (k * k + 1) * i * o, "not one for each input"),
    (checks.count_parameters, lambda k, i, o: k * i * o + o, "a filter is a square"),
    (checks.count_parameters, lambda k, i, o: k * k * o + o, "every input channel"),
    (checks.count_parameters, lambda k, i, o: k * k * i + 1, "this is one filter"),
    (checks.count_parameters, lambda k, i, o: (k * k * i + k * k) * o, "one for each place"),
    (checks.count_parameters, lambda k, i, o: (k + k) * i * o + o, "plus kernel"),
    (checks.count_parameters, lambda k, i, o: k * k * (i + o), "not their sum"),
    (checks.count_parameters, lambda k, i, o: k * k * (i + o) + o, "not their sum"),
    (checks.count_parameters, lambda k, i, o: i * o + o, "the kernel is missing"),
    (checks.count_parameters, lambda k, i, o: (k, k, i, o), "must be one number; found shape (4,)"),
    (checks.count_parameters, lambda k, i, o: np.zeros((k, k, i, o)), "must be one number"),
    (checks.count_parameters, lambda k, i: k * k * i, "it stopped with TypeError"),
    (checks.count_parameters, lambda k, i, o: 51264, "expected 832"),
    (checks.count_parameters, lambda k, i, o: 832, "expected 5.126e+04"),
    (checks.count_parameters, by_keras, "keras does it for you"),
    (checks.softmax, powers, "divide by the row's sum"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(), "all rows together"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(0), "the columns sum to 1"),
    (checks.softmax, lambda z: z / z.sum(1, keepdims=True), "no exponential"),
    (checks.softmax, lambda z: powers(z) / powers(z).max(1, keepdims=True), "not by the largest"),
    (checks.softmax, lambda z: powers(z) / powers(z).max(), "still to divide by the row's sum"),
    (checks.softmax, lambda z: powers(z - z.max()), "still to divide by the row's sum"),
    (checks.softmax, below, "still to come: np.exp"),
    (checks.softmax, lambda z: z - z.min(1, keepdims=True), "smallest is subtracted"),
    (checks.softmax, lambda z: powers(z - z.min(1, keepdims=True)), "smallest is subtracted"),
    (checks.softmax, lambda z: z / z.sum(), "no exponential"),
    (checks.softmax, lambda z: z / z.max(1, keepdims=True), "no exponential"),
    (checks.softmax, lambda z: z / z.max(), "no exponential"),
    (checks.softmax, lambda z: softmax_of(z - z.max(1)), "keepdims=True keeps it a column, (2, 1)"),
    (checks.softmax, lambda z: scipy.special.softmax(z, axis=1), "scipy does it for you"),
    (checks.softmax, lambda z: keras_softmax(z), "keras_softmax does it for you"),
    (checks.softmax, logs, "logarithms"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(1, keepdims=True), "exp(1000)"),
    (checks.softmax, lambda z: softmax(z)[:, ::-1], "not the right numbers"),
    (checks.softmax, lambda z: powers(z - z.max()) / powers(z - z.max()).sum(1, keepdims=True), "own largest"),
    (checks.softmax, lambda z: powers(z) / powers(z).sum(1), "shape (2,), which numpy takes for a row"),
    (checks.softmax, lambda z: softmax(z)[0], "must have shape (2, 3); found shape (3,)"),
    (checks.softmax, changes_its_input, "it changed the array"),
    (checks.softmax, lambda z: softmax_of(z - 1000), "a fixed number is subtracted"),
    (checks.softmax, lambda z: softmax_of(z - 990), "own largest"),
    (checks.softmax, lambda z: softmax_of(z - z.min(1, keepdims=True)), "not its smallest"),
    (checks.softmax, lambda z: softmax_of(z - z.mean(1, keepdims=True)), "nor a mean"),
    (checks.softmax, lambda z: softmax_of(z - z.mean()), "nor a mean"),
    (checks.softmax, lambda z: softmax_of(z - z.max(0)), "each column's largest"),
    (checks.softmax, lambda z: held(z, 700), "held at one value"),
    (checks.softmax, lambda z: softmax_of(-z), "exp(z), not exp(-z)"),
    (checks.softmax, lambda z: 2.0**z / (2.0**z).sum(1, keepdims=True), "powers of 2"),
    (checks.softmax, lambda z: z == z.max(1, keepdims=True), "zeros and a one"),
    (checks.softmax, lambda z: np.round(softmax(z), 2), "rounded"),
    (checks.softmax, lambda z: z.argmax(1), "must have shape (2, 3); found shape (2,)"),
    (checks.softmax, lambda z: powers(z - z.max(1, keepdims=True)), "still to divide by the row's sum"),
    (checks.softmax, lambda z: np.log(z) / np.log(z).sum(1, keepdims=True), "NaN"),
    (checks.softmax, lambda z: softmax(z[0]), "it stopped with"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y).mean(), "the mean comes later"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y).sum(), "the sum comes later"),
    (checks.cross_entropy, lambda z, y: -cross_entropy(z, y), "the sign"),
    (checks.cross_entropy, lambda z, y: -logs(z).max(1), "likes best"),
    (checks.cross_entropy, lambda z, y: logs(z).max(1), "sign is wrong too"),
    (checks.cross_entropy, lambda z, y: -pick(z, y), "these are logits"),
    (checks.cross_entropy, lambda z, y: pick(softmax(z), y), "minus their logarithm"),
    (checks.cross_entropy, lambda z, y: 1 - pick(softmax(z), y), "1 - p"),
    (checks.cross_entropy, lambda z, y: -np.log2(pick(softmax(z), y)), "base 2"),
    (checks.cross_entropy, lambda z, y: -np.log10(pick(softmax(z), y)), "base 10"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(scipy.special.softmax(z), y)), "each image has its own"),
    (checks.cross_entropy, lambda z, y: -logs(z).sum(1), "the sum over the classes"),
    (checks.cross_entropy, lambda z, y: -pick(np.log(softmax(z.T).T), y), "over the images"),
    (checks.cross_entropy, lambda z, y: cross_entropy(softmax(z), y), "twice"),
    (checks.cross_entropy, lambda z, y: -(y * logs(z)).sum(1), "it multiplies nothing"),
    (checks.cross_entropy, lambda z, y: -(y[:, None] * logs(z)).sum(1), "no ones and zeros"),
    (checks.cross_entropy, lambda z, y: -logs(z).mean(1), "mean over the classes"),
    (checks.cross_entropy, lambda z, y: -logs(z)[:, y], "one from each row"),
    (checks.cross_entropy, lambda z, y: z[:, y], "one from each row"),
    (checks.cross_entropy, largest_as_column, "a column of shape (4, 1) met a row of shape (4,)"),
    (checks.cross_entropy, lambda z, y: np.log(powers(z).sum(1, keepdims=True)) - pick(z, y), "m[:, 0]"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y)[:, None], "take [:, 0] of it"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(powers(z) / powers(z).sum(1), y)), "keepdims=True keeps it"),
    (checks.cross_entropy, lambda z, y: np.log(powers(below(z)).sum(1)) - pick(z, y), "but not from z_y"),
    (checks.cross_entropy, lambda z, y: np.log(powers(z - z.max()).sum(1)) - pick(z, y), "but not from z_y"),
    (checks.cross_entropy, lambda z, y: np.log(powers(z).sum(1)) - pick(below(z), y), "but not in the sum"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y) + z.max(1), "subtracted from both"),
    (checks.cross_entropy, loss_by_keras, "losses does it for you"),
    (checks.cross_entropy, lambda z, y: -logs(z), "pick the true one's"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(z, y)), "NaN or infinity"),
    (checks.cross_entropy, lambda z, y: cross_entropy(z, y)[:2], "must have shape (4,)"),
    (checks.cross_entropy, lambda z, y: -logs(z)[range(4), [0, 2, 1, 1]], "must have shape (5,)"),
    (checks.cross_entropy, naive_cross_entropy, "e^-1000 is 0"),
    (checks.cross_entropy, lambda z, y: np.log(powers(z).sum(1)) - pick(z, y), "e^1000 infinite"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(softmax(z), y) + 1e-9), "a loss of 60 comes out as 20.7"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(softmax(z), y) + 1e-5), "1e-05 is added"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(softmax(z), y) + 1e-12), "a loss of 60 comes out as 27.6"),
    (checks.cross_entropy, lambda z, y: -np.log(pick(softmax(z), y) + 1e-300), "a loss of 1000 comes out as 691"),
    (checks.cross_entropy, lambda z, y: -np.log(np.clip(pick(softmax(z), y), 1e-7, 1)), "as 16.1"),
    (checks.cross_entropy, lambda z, y: np.nan_to_num(naive_cross_entropy(z, y), posinf=100), "as 100"),
    (checks.cross_entropy, lambda z, y: -(softmax(z) * logs(z)).sum(1), "entropy of the probabilities"),
    (checks.cross_entropy, lambda z, y: -pick(softmax(z) * logs(z), y), "multiplied by p"),
    (checks.cross_entropy, lambda z, y: -np.log(1 - pick(softmax(z), y)), "log(1 - p)"),
    (checks.cross_entropy, lambda z, y: np.log1p(pick(softmax(z), y)), "log(1 + p)"),
    (checks.cross_entropy, lambda z, y: (1 - pick(softmax(z), y)) ** 2, "squared error"),
    (checks.cross_entropy, lambda z, y: z.max(1) - pick(z, y), "the distance to the largest logit"),
    (checks.cross_entropy, lambda z, y: np.log(powers(z).sum(1)), "still to be subtracted"),
    (
        checks.cross_entropy,
        lambda z, y: np.log(powers(z).sum(1) - powers(pick(z, y))) - pick(z, y),
        "other classes alone",
    ),
    (
        checks.cross_entropy,
        lambda z, y: pick(z, y) - np.log(powers(z).sum(1) - powers(pick(z, y))),
        "other classes alone",
    ),
    (checks.cross_entropy, lambda z, y: np.round(cross_entropy(z, y), 2), "rounded"),
    (checks.cross_entropy, lambda z, y: -np.log(softmax(z)[0, y]), "not the right numbers"),
    (checks.cross_entropy, yes_or_no, "yes-or-no"),
    (checks.accuracy, lambda z, y: (pick(softmax(z), y) > 0.5).mean(), "above one half"),
    (checks.accuracy, lambda z, y: (softmax(z).max(1) > 0.5).mean(), "more than half sure"),
    (checks.accuracy, lambda z, y: (pick(z, y) > 0).mean(), "above 0"),
    (checks.accuracy, lambda z, y: pick(softmax(z), y).mean(), "mean probability"),
    (checks.accuracy, lambda z, y: softmax(z).max(1).mean(), "mean confidence"),
    (checks.accuracy, lambda z, y: np.isin(z.argmax(1), y).mean(), "anywhere in y"),
    (checks.accuracy, lambda z, y: np.abs(z.argmax(1) - y).mean(), "distance between labels"),
    (checks.accuracy, lambda z, y: (z.argmin(1) == y).mean(), "place of the smallest"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).all(), "not whether all are right"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).any(), "not whether all are right"),
    (checks.accuracy, lambda z, y: (z.argmax(1) != y).mean(), "share of mistakes"),
    (checks.accuracy, lambda z, y: round(accuracy(z, y)), "not the right numbers"),
    (checks.accuracy, lambda z, y: f"{accuracy(z, y):.0%}", "must be numbers"),
    (checks.accuracy, lambda z, y: z.argmax(1) == y, "is their mean"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum(), "divide by how many"),
    (checks.accuracy, lambda z, y: 100 * accuracy(z, y), "percent"),
    (checks.accuracy, lambda z, y: (z.argmax(0) == y).mean(), "a row is an image"),
    (checks.accuracy, lambda z, y: (z.argmax() == y).mean(), "one place for the whole batch"),
    (checks.accuracy, lambda z, y: np.sum(z.argmax(1) == y) / 10_000, "divided by 10,000"),
    (checks.accuracy, lambda z, y: (z.min(1) == y).mean(), "0, where six of ten"),
    (checks.accuracy, lambda z, y: 1 - accuracy(z, y), "share of mistakes"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum() // len(y), "rounds down"),
    (checks.accuracy, lambda z, y: (z.max(1) == y).mean(), "the place of the largest logit"),
    (checks.accuracy, lambda z, y: (z.argmax(1) == y).sum() / 10, "divided by 10"),
    (checks.accuracy, lambda z, y: z.argmax(1)[:2], "must be one number"),
]


@pytest.mark.parametrize(("check", "function", "hint"), WRONG)
def test_a_wrong_answer_gets_its_hint(capsys, check, function, hint):
    text = told(capsys, check, function)
    assert text.startswith(f"[not yet] {check.__name__}: ")
    assert hint in text
    assert '\n          Help: unfold "Hint' in text


CHECKS = [checks.grey_levels, checks.count_parameters, checks.softmax, checks.cross_entropy, checks.accuracy,
          checks.learning_rate]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_stub_is_not_written_yet(capsys, check):
    def not_implemented(*_):
        raise NotImplementedError

    for stub in (lambda *_: ..., lambda *_: None, not_implemented):
        assert "not written yet" in told(capsys, check, stub)
    assert "give the function itself" in told(capsys, check, 0.5)


def test_an_error_in_the_learners_code_is_told_with_its_line_and_the_shapes(capsys):
    def mine(z):
        powers = np.exp(z)
        return powers / powers.sum(axis=1)

    text = told(capsys, checks.softmax, mine)
    assert "it stopped with ValueError: operands could not be broadcast" in text
    assert "in its line 3; it was given z: of shape (2, 3)" in text


# ---------------------------------------------------------------------- the open exercise: how fast to learn
@pytest.fixture
def networks_like(monkeypatch):
    """No training: how many of 5,000 images are read is a function of the first learning rates."""

    def reads(rates, dataset):
        top, awake = max(rates), sum(rate > 1e-5 for rate in rates)
        if top > 5e-3 or awake < 10:
            return Rate(500, 5000)
        if awake < 100:
            return Rate(4420, 5000)
        return Rate(4800 if top > 1.5e-3 else 4740 if top > 5e-4 else 4460 if top > 2e-4 else 4445, 5000)

    monkeypatch.setattr(the_cnn, "_reads", reads)


def test_a_better_learning_rate_is_told_beside_the_courses(capsys, networks_like):
    said = told(capsys, checks.learning_rate, lambda k, steps: 1e-3 * (1 - k / steps))
    assert said == ("[OK] learning_rate: yours reads 4,740 of 5,000 unseen digits, the course's 4,445\n"
                    "     second goal, the folded solution's 4,800: 60 more to go\n")  # fmt: skip
    assert "4,800: reached\n" in told(capsys, checks.learning_rate, lambda k, steps: 3e-3 * (1 - k / steps))


def test_the_second_goal_is_what_the_folded_solution_reads():
    (cell,) = [source for source in sources("01_the_cnn.ipynb") if "def my_learning_rate_solution" in source]
    names = {}
    exec(cell.split("checks.")[0], names)
    for k in range(the_cnn.STEPS):
        assert names["my_learning_rate_solution"](k, the_cnn.STEPS) == the_cnn.rise_and_fall(k, the_cnn.STEPS)


@pytest.mark.parametrize(("function", "hint"), [
    (lambda k, steps: 1e-4, "the course's own"),
    (lambda k, steps: -1e-3, "negative in step 0"),
    (lambda k, steps: 1e-3 - 1e-4 * k, "negative in step 149"),
    (lambda k, steps: 0, "nothing moves"),
    (lambda k, steps: 1e-5, "below the course's"),
    (lambda k, steps: 1e-4 * (1 - k / (2 * steps)), "no better than the course's"),
    (lambda k, steps: 1.5e-4, "no better than the course's"),
    (lambda k, steps: 3e-4, "may be chance"),
    (lambda k, steps: 0.1, "overshoot"),
    (lambda k, steps: 0.1 * 0.5**k, "overshoot"),
    (lambda k, steps: 0.001 * 0.5**k, "almost 0 from step 7 on: keep it up longer"),
    (lambda k, steps: 0.002 * 0.9**k, "almost 0 from step 51 on: keep it up longer"),
    (lambda k, steps: 0.001 * (k > 140), "almost 0 in 141 of the 150 steps: keep it up longer"),
    (lambda k, steps: 1e-3 / k, "ZeroDivisionError"),
    (lambda k, steps: 1e-3 / np.float64(k), "NaN or infinity"),
    (lambda k, steps: [1e-3] * steps, "must be one number"),
    (lambda k, steps: "1e-3", "must be numbers"),
    (lambda k: 1e-3, "TypeError"),
    (lambda k, steps: print(1e-3), "not written yet"),
])  # fmt: skip
def test_a_wrong_learning_rate_gets_its_hint(capsys, networks_like, function, hint):
    said = told(capsys, checks.learning_rate, function)
    assert "[not yet] learning_rate: " in said
    assert hint in said
    assert "[OK]" not in said


def test_a_network_is_trained_at_the_learning_rates_given():
    learned, forgot = (the_cnn._reads((rate,) * 12, digits()) for rate in (1e-3, -1e-3))
    assert learned.n == forgot.n
    assert learned.k > 2 * forgot.k
    assert the_cnn._trained((1e-3,) * 12, digits()) == learned  # nothing is left of the training in between


# -------------------------------------------------------------------------------------- what the notebooks say
def sources(name):
    return [cell.source for cell in nbformat.read(NOTEBOOKS / name, 4).cells]


def test_an_error_in_what_has_no_lines_of_its_own_is_told_too(capsys):
    assert "it stopped with TypeError" in told(capsys, checks.softmax, np.add)

    def mine(z, wrong):
        return z / wrong

    text = told(capsys, checks.softmax, functools.partial(mine, wrong="1"))
    assert "in its line 2; it was given z: of shape (2, 3)" in text


def test_a_loop_that_never_ends_is_stopped(capsys, monkeypatch):
    monkeypatch.setattr(trying, "SECONDS", 0.3)

    def mine(z):
        while True:
            pass

    assert "stopped after 0.3 seconds: does a loop never end?" in told(capsys, checks.softmax, mine)


def test_a_learners_own_interrupt_and_exit(capsys):
    def interrupted(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checks.softmax(interrupted)
    assert "it stopped with SystemExit: enough" in told(capsys, checks.softmax, lambda z: sys.exit("enough"))


def test_large_logits_have_a_hint_of_their_own(capsys):
    said = told(capsys, checks.softmax, lambda z: powers(z) / powers(z).sum(1, keepdims=True))
    assert 'Help: unfold "Hint: large logits" above your function.' in said


FILES = [path for path in NOTEBOOKS.rglob("[0-9]*.ipynb") if ".ipynb_checkpoints" not in path.parts]
NAMES = sorted(path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in FILES)


def asked_for(name):
    return set(re.findall(r"checks\.(\w+)\(my_", "\n".join(sources(f"{name}.ipynb"))))


def test_every_check_has_its_exercise():
    assert set().union(*map(asked_for, NAMES)) == {*checks.__all__} - {"environment"}


@pytest.mark.parametrize("name", NAMES)
def test_the_hints_that_the_checks_speak_of_are_there(name):
    text = "\n".join(sources(f"{name}.ipynb"))
    for check in (getattr(checks, check) for check in asked_for(name)):
        own = re.findall(r"^ *(Hint.*)\Z", inspect.getdoc(check), re.MULTILINE)
        others = re.findall(r'"(Hint[^"]*)"', inspect.getsource(inspect.unwrap(check)))
        assert own + others
        for title in own + others:
            assert f"<summary>{title}</summary>" in text
